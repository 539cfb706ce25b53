//! Rules of the type `avoid`, an extension.
use gsm_core::Millis;
use gsm_rules::{Dialect, Member, Party, RuleSet, Seat, Value, parse};

const RULE: &str = r#"{"name": "Blocked", "type": "avoid", "attribute": "blocked"}"#;

fn text(rule: &str, more: &str) -> String {
    format!(
        r#"{{"ruleLanguageVersion": "1.0",
        "playerAttributes": [{{"name": "blocked", "type": "string_list", "default": []}}, {{"name": "skill", "type": "number", "default": 1}}],
        "teams": [{{"name": "a", "minPlayers": 1, "maxPlayers": 3}}, {{"name": "b", "minPlayers": 1, "maxPlayers": 3}}],
        "rules": [{rule}]{more}}}"#
    )
}

fn set(rule: &str, more: &str) -> RuleSet {
    parse(&text(rule, more), Dialect::Extended).unwrap_or_else(|faults| panic!("{faults:#?}")).set
}

/// A player, and whom he names.
fn of(player: &str, blocked: &[&str]) -> Member {
    let list = Value::List(blocked.iter().map(|name| (*name).to_owned()).collect());
    Member {
        player: player.to_owned(),
        attributes: [("blocked".to_owned(), list)].into_iter().collect(),
        latency_ms: Default::default(),
        ..Member::default()
    }
}

/// Whether these parties on these teams may play in a stage, and whether more players could still mend it.
fn asked(set: &RuleSet, stage: usize, tickets: &[(u8, &[Member])]) -> (bool, bool) {
    let mut symbols = set.symbols();
    let parties: Vec<(u8, Party)> =
        tickets.iter().map(|(team, party)| (*team, set.prepare(party, &mut symbols).unwrap())).collect();
    let seats: Vec<Seat<'_>> = parties.iter().map(|(team, party)| Seat { team: *team, party }).collect();
    let stage = &set.stages()[stage];
    (stage.holds(&seats), stage.hopeless(&seats).is_none())
}

#[test]
fn who_is_named_is_not_met_whoever_names_whom() {
    let set = set(RULE, "");
    let (ann, bob, eve) = ([of("ann", &["eve"])], [of("bob", &[])], [of("eve", &[])]);
    assert_eq!(asked(&set, 0, &[(0, &ann), (1, &bob)]), (true, true));
    assert_eq!(asked(&set, 0, &[(0, &ann), (1, &eve)]), (false, false));
    assert_eq!(asked(&set, 0, &[(0, &eve), (1, &ann)]), (false, false));
    assert_eq!(asked(&set, 0, &[(0, &ann), (0, &eve), (1, &bob)]), (false, false), "not on one team either");
    let together = [of("ann", &["eve"]), of("eve", &["ann"])];
    assert_eq!(asked(&set, 0, &[(0, &together), (1, &bob)]), (true, true), "who comes together may");
    let party = [of("bob", &[]), of("eve", &[])];
    assert_eq!(asked(&set, 0, &[(0, &ann), (1, &party)]), (false, false), "one of a party is enough");
}

#[test]
fn opponents_alone_are_avoided_where_that_is_asked() {
    let set = set(r#"{"name": "Recent", "type": "avoid", "attribute": "blocked", "who": "opponents"}"#, "");
    let (ann, bob, eve) = ([of("ann", &["eve"])], [of("bob", &[])], [of("eve", &[])]);
    assert_eq!(asked(&set, 0, &[(0, &ann), (0, &eve), (1, &bob)]), (true, true));
    assert_eq!(asked(&set, 0, &[(0, &ann), (1, &eve)]), (false, false));
}

#[test]
fn with_time_some_may_meet_all_the_same() {
    let more = r#", "expansions": [{"target": "rules[Blocked].maxCount", "steps": [{"waitTimeSeconds": 20, "value": 2}]}]"#;
    let set = set(RULE, more);
    assert_eq!(set.stages()[1].from(), Millis::from_secs(20));
    let (ann, bob) = ([of("ann", &["bob"])], [of("bob", &["ann"])]);
    assert_eq!(asked(&set, 0, &[(0, &ann), (1, &bob)]), (false, false));
    assert_eq!(
        asked(&set, 1, &[(0, &ann), (1, &bob)]),
        (true, true),
        "two who name each other are named twice"
    );
    let eve = [of("eve", &["ann"])];
    assert_eq!(asked(&set, 1, &[(0, &ann), (1, &bob), (1, &eve)]), (false, false));
}

#[test]
fn faults_are_named_and_the_strict_language_has_none_of_it() {
    let faults = |rule: &str, dialect| -> Vec<String> {
        let told = parse(&text(rule, ""), dialect).expect_err(rule);
        told.into_iter().map(|fault| format!("{} {}", fault.path, fault.message)).collect()
    };
    let strict = faults(RULE, Dialect::Strict);
    assert!(strict[0].starts_with("$.rules[0].type unknown type `avoid`"), "{strict:?}");
    let skill = faults(r#"{"name": "R", "type": "avoid", "attribute": "skill"}"#, Dialect::Extended);
    assert!(skill[0].contains("must be a list of strings: ids of players"), "{skill:?}");
    let wrong =
        faults(r#"{"name": "R", "type": "avoid", "who": "friends", "maxCount": -1}"#, Dialect::Extended);
    let paths: Vec<&str> = wrong.iter().map(|fault| fault.split(' ').next().unwrap()).collect();
    assert_eq!(paths, ["$.rules[0]", "$.rules[0].who", "$.rules[0].maxCount"], "{wrong:?}");
}

/// A rule set whose list is declared so.
fn declared(more: &str) -> String {
    text(RULE, "").replacen(
        r#""type": "string_list", "default": []"#,
        &format!(r#""type": "string_list"{more}"#),
        1,
    )
}

#[test]
fn a_list_may_be_filled_in_by_the_server() {
    let of = |more: &str| {
        let parsed = parse(&declared(more), Dialect::Extended).unwrap_or_else(|faults| panic!("{faults:#?}"));
        parsed.set.attributes()[0].supplied.map(|supplied| (supplied.matches, supplied.within_s))
    };
    assert_eq!(of(""), None);
    assert_eq!(of(r#", "source": "recentOpponents", "matches": 5"#), Some((5, None)));
    assert_eq!(of(r#", "source": "recentOpponents", "withinSeconds": 604800"#), Some((20, Some(604_800))));
    assert_eq!(
        of(r#", "source": "recentOpponents", "matches": 20, "withinSeconds": 1"#),
        Some((20, Some(1)))
    );
}

#[test]
fn faults_of_what_the_server_fills_in_are_named() {
    let fault = |more: &str, dialect| {
        let told = parse(&declared(more), dialect).expect_err(more);
        format!("{} {}", told[0].path, told[0].message)
    };
    let check = |more: &str, wanted: &str| {
        let told = fault(more, Dialect::Extended);
        assert!(told.contains(wanted), "{more}: {told}");
    };
    check(r#", "source": "friends", "matches": 5"#, "[0].source unknown source `friends`");
    check(
        r#", "source": "recentOpponents""#,
        "[0].source `recentOpponents` needs `matches`, `withinSeconds` or both",
    );
    check(r#", "source": "recentOpponents", "matches": 21"#, "[0].matches");
    check(r#", "source": "recentOpponents", "withinSeconds": 0"#, "[0].withinSeconds");
    check(r#", "matches": 5"#, "[0].matches `matches` means nothing without `source`");
    let strict = fault(r#", "source": "recentOpponents", "matches": 5"#, Dialect::Strict);
    assert!(strict.contains("source"), "{strict}");
    let number =
        text("", "").replacen(r#""number""#, r#""number", "source": "recentOpponents", "matches": 1"#, 1);
    let told = parse(&number, Dialect::Extended).expect_err("a number");
    assert!(told[0].message.contains("is for an attribute of type `string_list`"), "{told:?}");
}

#[test]
fn a_player_is_avoided_by_any_of_his_ids_and_counts_once() {
    let more = r#", "expansions": [{"target": "rules[Blocked].maxCount", "steps": [{"waitTimeSeconds": 20, "value": 1}]}]"#;
    let set = set(RULE, more);
    let eve = || Member { alias: Some("id of eve".to_owned()), ..of("eve", &[]) };
    for named in [&["eve"][..], &["id of eve"], &["eve", "id of eve"]] {
        let ann = [of("ann", named)];
        assert_eq!(asked(&set, 0, &[(0, &ann), (1, &[eve()])]), (false, false), "{named:?}");
        assert_eq!(asked(&set, 1, &[(0, &ann), (1, &[eve()])]), (true, true), "{named:?}: named once");
        let together = [of("ann", named), eve()];
        assert_eq!(asked(&set, 0, &[(0, &together), (1, &[of("bob", &[])])]), (true, true), "{named:?}");
    }
}
