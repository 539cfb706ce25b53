//! Rules of the types `roles` and `partyBalance`, extensions.
use gsm_core::Millis;
use gsm_rules::{Dialect, Member, Party, RuleSet, Seat, Value, parse};

const RULE: &str = r#"{"name": "Composition", "type": "roles", "attribute": "roles", "counts": {"tank": 1, "damage": 1, "healer": 1}}"#;
const STACKS: &str = r#"{"name": "Stacks", "type": "partyBalance"}"#;

fn text(rule: &str, more: &str) -> String {
    format!(
        r#"{{"ruleLanguageVersion": "1.0",
        "playerAttributes": [{{"name": "roles", "type": "string_list", "default": ["damage"]}}, {{"name": "skill", "type": "number", "default": 1}}],
        "teams": [{{"name": "a", "minPlayers": 3, "maxPlayers": 3}}, {{"name": "b", "minPlayers": 0, "maxPlayers": 4}}],
        "rules": [{rule}]{more}}}"#
    )
}

fn set(rule: &str, more: &str) -> RuleSet {
    parse(&text(rule, more), Dialect::Extended).unwrap_or_else(|faults| panic!("{faults:#?}")).set
}

fn of(roles: &[&str]) -> Member {
    let list = Value::List(roles.iter().map(|name| (*name).to_owned()).collect());
    Member { attributes: [("roles".to_owned(), list)].into_iter().collect(), ..Member::default() }
}

struct Asked {
    holds: bool,
    hopeless: bool,
    /// `tank 0` of the first choice, `tank -` of one that was not named, `-` of none.
    roles: Vec<String>,
}

/// These parties on these teams, in a stage.
fn asked(set: &RuleSet, stage: usize, tickets: &[(u8, &[Member])]) -> Asked {
    let mut symbols = set.symbols();
    let parties: Vec<(u8, Party)> =
        tickets.iter().map(|(team, party)| (*team, set.prepare(party, &mut symbols).unwrap())).collect();
    let seats: Vec<Seat<'_>> = parties.iter().map(|(team, party)| Seat { team: *team, party }).collect();
    let stage = &set.stages()[stage];
    let roles = stage.roles(&seats).into_iter().flatten().flatten().map(|taken| match taken {
        None => "-".to_owned(),
        Some(taken) => {
            let choice = taken.choice.map_or("-".to_owned(), |choice| choice.to_string());
            format!("{} {choice}", symbols.text(taken.role))
        }
    });
    let roles = roles.collect();
    Asked { holds: stage.holds(&seats), hopeless: stage.hopeless(&seats).is_some(), roles }
}

#[test]
fn everybody_takes_a_role_that_he_names_as_far_ahead_as_can_be() {
    let set = set(RULE, "");
    // Two want to heal first; the one who loses less by it gives way.
    let (ann, bob, eve) = ([of(&["healer", "tank"])], [of(&["healer", "damage", "tank"])], [of(&["tank"])]);
    let made = asked(&set, 0, &[(0, &ann), (0, &bob), (0, &eve)]);
    assert!(made.holds);
    assert_eq!(made.roles, ["healer 0", "damage 1", "tank 0"]);
    let party = [of(&["damage"]), of(&["tank", "healer"])];
    let made = asked(&set, 0, &[(0, &party), (0, &eve)]);
    assert_eq!(made.roles, ["damage 0", "healer 1", "tank 0"]);
}

#[test]
fn who_is_too_many_for_the_places_still_to_be_filled_is_hopeless() {
    let set = set(RULE, "");
    let (tank, any) = ([of(&["tank"])], [of(&["damage", "healer", "tank"])]);
    let one = asked(&set, 0, &[(0, &tank), (0, &any)]);
    assert_eq!((one.holds, one.hopeless), (false, false));
    let two = asked(&set, 0, &[(0, &tank), (0, &tank)]);
    assert_eq!((two.holds, two.hopeless), (false, true), "two tanks, one place, and three players");
    // Team b takes four: one of them plays without a role.
    let four = asked(&set, 0, &[(1, &tank), (1, &tank)]);
    assert!(!four.hopeless);
    let two_tanks = [of(&["tank"]), of(&["tank"])];
    assert_eq!(set.stages()[0].alone(&set.prepare(&two_tanks, &mut set.symbols()).unwrap()), None);
    let all = [(0, &tank[..]), (0, &any), (0, &any), (1, &tank), (1, &tank), (1, &any), (1, &any)];
    let full = asked(&set, 0, &all);
    assert!(full.holds);
    assert_eq!(full.roles, ["tank 0", "damage 0", "healer 1", "tank 0", "-", "damage 0", "healer 1"]);
}

#[test]
fn a_search_is_told_when_what_is_scarce_has_run_out() {
    let lacks = |set: &RuleSet, seats: &[(u8, &[Member])], left: &[&[Member]], from: usize| {
        let mut symbols = set.symbols();
        let mut party = |of: &[Member]| set.prepare(of, &mut symbols).unwrap();
        let seats: Vec<(u8, Party)> = seats.iter().map(|(team, of)| (*team, party(of))).collect();
        let left: Vec<Party> = left.iter().map(|of| party(of)).collect();
        let seats: Vec<Seat<'_>> = seats.iter().map(|(team, party)| Seat { team: *team, party }).collect();
        let stage = &set.stages()[0];
        assert!(!stage.needs().is_empty());
        stage.needs().iter().any(|need| {
            left.iter().skip(from).map(|party| need.brings(party)).sum::<u32>() < need.lacking(&seats)
        })
    };
    let by_roles = set(RULE, "");
    let (tank, damage, healer) = ([of(&["tank"])], [of(&["damage"])], [of(&["healer", "tank"])]);
    let seats = [(0, &tank[..])];
    assert!(!lacks(&by_roles, &seats, &[&damage, &healer, &damage], 0));
    assert!(lacks(&by_roles, &seats, &[&damage, &healer, &damage], 2), "no healer from there on");
    assert!(lacks(&by_roles, &[], &[&healer, &healer], 0), "two places beside damage, but nobody for damage");
    let by_parties = set(STACKS, "");
    let (two, one) = (vec![of(&[]); 2], vec![of(&[])]);
    // Team b may stay empty, team a must not.
    assert!(lacks(&by_parties, &[(1, &two[..])], &[&one, &one], 0));
    assert!(!lacks(&by_parties, &[(1, &two[..])], &[&one, &two], 0));
    assert!(!lacks(&by_parties, &[(0, &two[..])], &[&one, &one], 0));
}

#[test]
fn with_time_some_are_autofilled_and_places_go_away() {
    let more = r#", "expansions": [{"target": "rules[Composition].autofill", "steps": [{"waitTimeSeconds": 20, "value": 1}]},
        {"target": "rules[Composition].counts[healer]", "steps": [{"waitTimeSeconds": 60, "value": 0}]}]"#;
    let set = set(RULE, more);
    assert_eq!(
        set.stages().iter().map(|stage| stage.from()).collect::<Vec<_>>(),
        [0, 20, 60].map(Millis::from_secs)
    );
    let (tank, damage, none) = ([of(&["tank"])], [of(&["damage"])], [of(&["mage"])]);
    let team = [(0, &tank[..]), (0, &damage), (0, &none)];
    let held: Vec<bool> = (0..3).map(|stage| asked(&set, stage, &team).holds).collect();
    assert_eq!(held, [false, true, true]);
    assert_eq!(asked(&set, 0, &team).roles, ["-"; 3], "nobody has a role that is not filled");
    assert_eq!(asked(&set, 1, &team).roles, ["tank 0", "damage 0", "healer -"]);
    assert_eq!(asked(&set, 2, &team).roles, ["tank 0", "damage 0", "-"]);
    let twice = [(0, &none[..]), (0, &none), (0, &tank)];
    assert!(!asked(&set, 1, &twice).holds, "one of a team, not two");
}

#[test]
fn parties_meet_parties() {
    let more = r#", "expansions": [{"target": "rules[Stacks].maxDifference", "steps": [{"waitTimeSeconds": 9, "value": 1}]}]"#;
    let set = set(STACKS, more);
    let party = |size: usize| vec![of(&[]); size];
    let (one, two, three) = (party(1), party(2), party(3));
    let mixed = [(0, &two[..]), (0, &one), (1, &one), (1, &one), (1, &one)];
    assert!(!asked(&set, 0, &mixed).holds && asked(&set, 1, &mixed).holds);
    assert!(asked(&set, 0, &[(0, &two), (0, &one), (1, &one), (1, &two)]).holds);
    assert!(asked(&set, 0, &[(0, &three)]).holds, "a team that stays empty has no party");
    assert!(!asked(&set, 0, &[(0, &three), (1, &one)]).hopeless, "there is room for another three");
    assert!(asked(&set, 0, &[(0, &three), (1, &one), (1, &one)]).hopeless);
    assert!(!asked(&set, 1, &[(0, &three), (1, &one), (1, &one)]).hopeless);
}

#[test]
fn faults_are_named_and_the_strict_language_has_none_of_it() {
    let told = |rule: &str, more: &str, dialect| -> Vec<String> {
        let told = parse(&text(rule, more), dialect).expect_err(rule);
        told.into_iter().map(|fault| format!("{} {}", fault.path, fault.message)).collect()
    };
    for (rule, kind) in [(RULE, "roles"), (STACKS, "partyBalance")] {
        let strict = told(rule, "", Dialect::Strict);
        assert!(strict[0].starts_with(&format!("$.rules[0].type unknown type `{kind}`")), "{strict:?}");
    }
    let check = |rule: &str, more: &str, expected: &[&str]| {
        let faults = told(rule, more, Dialect::Extended);
        assert_eq!(faults.len(), expected.len(), "{faults:#?}");
        for (fault, expected) in faults.iter().zip(expected) {
            assert!(fault.starts_with(expected), "{fault}, not {expected}");
        }
    };
    let roles = |more: &str| format!(r#"{{"name": "R", "type": "roles", {more}}}"#);
    check(
        &roles(r#""autofill": 0"#),
        "",
        &["$.rules[0] `attribute` is missing", "$.rules[0] `counts` is missing"],
    );
    check(
        &roles(r#""attribute": "skill", "counts": {"tank": -1}, "autofill": -1, "team": "aa""#),
        "",
        &[
            "$.rules[0].attribute attribute `skill` must be a list of strings: roles",
            "$.rules[0].counts.tank `tank` must be a whole number from 0 to 40",
            "$.rules[0].autofill `autofill` must be",
            "$.rules[0].team there is no team `aa`, did you mean `a`?",
        ],
    );
    check(
        &roles(r#""attribute": "roles", "counts": {"tank": 2, "healer": 2}"#),
        "",
        &["$.rules[0].counts `counts` has 4 places, team `a` takes 3 players at most"],
    );
    check(
        &roles(r#""attribute": "roles", "counts": {}"#),
        "",
        &["$.rules[0].counts `counts` names 1 to 40 roles"],
    );
    check(
        &format!("{RULE}, {}", roles(r#""attribute": "roles", "team": "b", "counts": {"tank": 2}"#)),
        "",
        &["$.rules[1] a rule before has the roles of this team already"],
    );
    let steps = r#""steps": [{"waitTimeSeconds": 5, "value": 2}]"#;
    let target = |of: &str| format!(r#", "expansions": [{{"target": "{of}", {steps}}}]"#);
    check(
        RULE,
        &target("rules[Composition].counts[tanc]"),
        &["$.expansions[0].target `counts` of `Composition` has no `tanc`, did you mean `tank`?"],
    );
    check(
        RULE,
        &target("rules[Composition].counts[tank]"),
        &[
            "$.expansions[0].steps[0].value with this value: `counts` has 4 places, team `a` takes 3 players at most",
        ],
    );
    check(STACKS, &target("rules[Stacks].maxDifference[tank]"), &["$.expansions[0].target"]);
    let wrong = r#"{"name": "S", "type": "partyBalance", "maxDifference": -2}"#;
    check(wrong, "", &["$.rules[0].maxDifference `maxDifference` must be a whole number from 0 to 40"]);
}

#[test]
fn a_default_that_names_no_role_is_doubtful() {
    let rule = RULE.replace("damage", "damages");
    let parsed = parse(&text(&rule, ""), Dialect::Extended).unwrap();
    let warned: Vec<&str> = parsed.warnings.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(
        warned,
        ["the attribute's default names `damage`, which is not in `counts`, did you mean `damages`?"]
    );
}
