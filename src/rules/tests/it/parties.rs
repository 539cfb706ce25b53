//! `parties`, an extension.
use gsm_rules::{Dialect, Member, RuleSet, Seat, Value, parse};

fn text(parties: &str) -> String {
    format!(
        r#"{{"ruleLanguageVersion": "1.0", "playerAttributes": [{{"name": "foes", "type": "string_list"}}],
        "teams": [{{"name": "a", "minPlayers": 1, "maxPlayers": 3, "quantity": 2}}],
        "rules": [{{"name": "Blocked", "type": "avoid", "attribute": "foes"}}]{parties}}}"#
    )
}

fn set(parties: &str) -> RuleSet {
    parse(&text(parties), Dialect::Extended).unwrap_or_else(|faults| panic!("{faults:#?}")).set
}

fn told(parties: &str, dialect: Dialect) -> Vec<String> {
    let told = parse(&text(parties), dialect).expect_err(parties);
    told.into_iter().map(|fault| format!("{} {}", fault.path, fault.message)).collect()
}

#[test]
fn how_large_parties_are_is_said_or_ten() {
    let of = |parties| (set(parties).party_max(), set(parties).splits_parties());
    assert_eq!(of(""), (10, false));
    assert_eq!(of(r#", "parties": {"maxPlayers": 2}"#), (2, false));
    assert_eq!(of(r#", "parties": {"maxPlayers": 6, "split": true}"#), (6, true));
}

#[test]
fn nonsense_is_refused_and_the_strict_language_has_none_of_it() {
    let check = |parties: &str, expected: &[&str]| {
        let faults = told(parties, Dialect::Extended);
        assert_eq!(faults.len(), expected.len(), "{faults:#?}");
        for (fault, expected) in faults.iter().zip(expected) {
            assert!(fault.starts_with(expected), "{fault}, not {expected}");
        }
    };
    check(
        r#", "parties": {"split": 1}"#,
        &["$.parties `maxPlayers` is missing", "$.parties.split `split` must be true or false"],
    );
    check(
        r#", "parties": {"maxPlayers": 41}"#,
        &["$.parties.maxPlayers `maxPlayers` must be a whole number from 1 to 40"],
    );
    check(
        r#", "parties": {"maxPlayers": 4, "more": 1}"#,
        &[
            "$.parties.maxPlayers no team (without `split`) has room for a party of 4, only for 3",
            "$.parties.more unknown member",
        ],
    );
    check(
        r#", "parties": {"maxPlayers": 7, "split": true}"#,
        &["$.parties.maxPlayers no match has room for a party of 7, only for 6"],
    );
    check(r#", "parties": [4]"#, &["$.parties `parties` must be an object"]);
    let strict = told(r#", "parties": {"maxPlayers": 2}"#, Dialect::Strict);
    assert!(strict[1].starts_with("$.parties unknown member `parties`"), "{strict:?}");
}

#[test]
fn who_comes_together_is_not_avoided_though_the_party_is_split() {
    let set = set(r#", "parties": {"maxPlayers": 6, "split": true}"#);
    let member = |at: usize, foe: &str| Member {
        player: format!("p{at}"),
        attributes: [("foes".to_owned(), Value::List(vec![foe.to_owned()]))].into(),
        ..Member::default()
    };
    let holds = |foe: &str| {
        let mut symbols = set.symbols();
        let before = symbols.len();
        let party = [member(0, foe), member(1, "x"), member(2, "x"), member(3, "x")];
        let other = [member(4, "x")];
        let parts = set.prepare_parts(&party, &[2, 2], &mut symbols).unwrap();
        let alone = set.prepare(&other, &mut symbols).unwrap();
        assert_eq!(parts.iter().map(|part| part.size()).collect::<Vec<_>>(), [2, 2]);
        let seats = [(0, &parts[0]), (1, &parts[1]), (1, &alone)].map(|(team, party)| Seat { team, party });
        let holds = set.stages()[0].holds(&seats);
        parts.iter().chain([&alone]).for_each(|party| set.release(party, &mut symbols));
        assert_eq!(symbols.len(), before);
        holds
    };
    assert!(holds("p3") && !holds("p4"));
    assert!(set.prepare_parts(&[member(0, "x")], &[2], &mut set.symbols()).is_err());
}
