//! What judgements weigh: nothing where the rules are few, more in proportion where they are dear.
use gsm_rules::{AttributeKind, Dialect, Member, Party, RuleSet, Seat, Value, parse};

/// A player with something in every attribute, lists of so many strings.
fn member(set: &RuleSet, n: usize, strings: usize) -> Member {
    let value = |kind| match kind {
        AttributeKind::Number => Value::Number(1_500.0 + n as f64),
        AttributeKind::String => Value::Text("ctf".to_owned()),
        AttributeKind::StringList => Value::List((0..strings).map(|nth| format!("s{nth}")).collect()),
        AttributeKind::StringNumberMap => Value::Map([("a".to_owned(), 1.0)].into()),
    };
    let attributes = set.attributes().iter().map(|of| (of.name.clone(), value(of.kind))).collect();
    let latency_ms = ["ap", "eu", "sa", "us"].map(|place| (place.to_owned(), 40)).into();
    Member { player: n.to_string(), attributes, latency_ms, ..Member::default() }
}

/// What the first stage weighs for a whole match of single players.
fn weights(set: &RuleSet, strings: usize) -> [u32; 3] {
    let (mut symbols, stage) = (set.symbols(), &set.stages()[0]);
    let teams = stage.teams().iter().zip(0_u8..).flat_map(|(size, team)| (0..size.max).map(move |_| team));
    let parties: Vec<(u8, Party)> = teams
        .enumerate()
        .map(|(n, team)| (team, set.prepare(&[member(set, n, strings)], &mut symbols).unwrap()))
        .collect();
    let seats: Vec<Seat<'_>> = parties.iter().map(|(team, party)| Seat { team: *team, party }).collect();
    [stage.weight(&seats), stage.need_weight(&seats), stage.pair_weight(&parties[0].1, &parties[1].1)]
}

#[test]
fn rule_sets_as_they_are_written_weigh_nothing() {
    for name in ["balance", "clans", "duel", "fives", "hunt", "near", "roles"] {
        let path = format!("{}/../../config/rule-sets/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let set = parse(&std::fs::read_to_string(path).unwrap(), Dialect::Extended).unwrap().set;
        assert_eq!(weights(&set, 2), [0; 3], "{name}");
        assert!(set.stages().iter().all(|stage| stage.versus_weight() == 1), "{name}");
    }
}

/// So many rules of a kind for teams of twenty.
fn dear(rules: usize, rule: &str) -> RuleSet {
    let rules: Vec<String> = (0..rules)
        .map(|nth| format!(r#"{{"name": "r{nth}", {rule}}}"#).replace("NTH", &nth.to_string()))
        .collect();
    let text = format!(
        r#"{{"ruleLanguageVersion": "1.0", "playerAttributes": [{{"name": "maps", "type": "string_list"}}, {{"name": "skill", "type": "number"}}],
        "teams": [{{"name": "a", "minPlayers": 20, "maxPlayers": 20}}, {{"name": "b", "minPlayers": 20, "maxPlayers": 20}}],
        "rules": [{}]}}"#,
        rules.join(",")
    );
    parse(&text, Dialect::Strict).unwrap_or_else(|faults| panic!("{faults:#?}")).set
}

#[test]
fn more_rules_and_longer_lists_weigh_more_in_proportion() {
    let sets = r#""type": "comparison", "operation": "=", "referenceValue": NTH,
        "measurements": ["count(set_intersection(flatten(teams[*].players.attributes[maps])))"]"#;
    let numbers = r#""type": "comparison", "operation": ">", "referenceValue": NTH,
        "measurements": ["stddev(flatten(teams[*].players.attributes[skill]))"]"#;
    let near = |one: u32, two: u32| assert!(one.abs_diff(two) < one / 10 + 5, "{one} {two}");
    let weight = |rules, rule, strings| weights(&dear(rules, rule), strings)[0];
    near(weight(40, sets, 50), 2 * weight(20, sets, 50));
    near(weight(20, sets, 100), 2 * weight(20, sets, 50));
    near(weight(400, numbers, 1) + 4, 2 * (weight(200, numbers, 1) + 4));
    assert!(weight(20, sets, 100) > 500 && weight(200, numbers, 1) > 100);
    // The same measurement again is not asked again.
    let once = format!(r#"{sets} "#);
    let often = sets.replace(
        "[\"count",
        "[\"count(set_intersection(flatten(teams[*].players.attributes[maps])))\", \"count",
    );
    assert_eq!(weight(3, &often, 50), weight(3, &once, 50));
}
