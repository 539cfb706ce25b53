//! What expressions are worth, by hand. Two teams: north has ada (skill 10) and bo (skill 30), a party that brings what
//! each has; south has cy (skill 50); away has nobody.
use gsm_rules::{Dialect, Member, Seat, Value, Verdict, parse};

fn member(player: &str, skill: f64, mode: &str, picks: &[&str]) -> Member {
    let list = picks.iter().map(|pick| (*pick).to_owned()).collect();
    let attributes = [
        ("skill", Value::Number(skill)),
        ("mode", Value::Text(mode.to_owned())),
        ("picks", Value::List(list)),
    ];
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Member {
        player: player.to_owned(),
        attributes,
        latency_ms: [("eu".to_owned(), 40)].into(),
        ..Member::default()
    }
}

/// What one rule says of the three players.
#[track_caller]
fn verdict(rule: &str) -> Verdict {
    let text = format!(
        r#"{{"ruleLanguageVersion": "1.0", "playerAttributes": [{{"name": "skill", "type": "number"}},
        {{"name": "mode", "type": "string"}}, {{"name": "picks", "type": "string_list"}}],
        "teams": [{{"name": "north", "minPlayers": 0, "maxPlayers": 9}}, {{"name": "south", "minPlayers": 0, "maxPlayers": 9}},
        {{"name": "away", "minPlayers": 0, "maxPlayers": 9}}], "rules": [{{"name": "R", {rule}}}]}}"#
    );
    let set = parse(&text, Dialect::Strict).unwrap_or_else(|faults| panic!("{faults:#?}")).set;
    let mut symbols = set.symbols();
    let [ada, bo, cy] = [
        (0, member("ada", 10.0, "ctf", &["ice", "mine", "ice"])),
        (0, member("bo", 30.0, "koth", &["mine"])),
        (1, member("cy", 50.0, "ctf", &["mine", "dam"])),
    ]
    .map(|(team, member)| (team, set.prepare(&[member], &mut symbols).unwrap()));
    let seats = [&ada, &bo, &cy].map(|(team, party)| Seat { team: *team, party });
    set.stages()[0].verdict(0, &seats)
}

/// The expression is worth exactly this.
#[track_caller]
fn check(expression: &str, value: f64) {
    let at = |reference: f64| {
        verdict(&format!(
            r#""type": "distance", "maxDistance": 0.001, "referenceValue": {reference}, "measurements": ["{expression}"]"#
        ))
    };
    assert_eq!(
        (at(value), at(value + 0.01)),
        (Verdict::Holds, Verdict::Fails),
        "{expression} is not {value}"
    );
}

#[test]
fn functions_take_lists_and_lists_of_lists() {
    let all = "teams[*].players.attributes[skill]";
    check(&format!("min(flatten({all}))"), 10.0);
    check(&format!("max(flatten({all}))"), 50.0);
    check(&format!("avg(flatten({all}))"), 30.0);
    check(&format!("sum(flatten({all}))"), 90.0);
    check(&format!("median(flatten({all}))"), 30.0);
    check("median(teams[north].players.attributes[skill])", 20.0);
    // Of the population: the root of (400 + 0 + 400) / 3.
    check(&format!("stddev(flatten({all}))"), 16.329_931_6);
    check(&format!("count(flatten({all}))"), 3.0);
    check(&format!("max(avg({all}))"), 50.0);
    check(&format!("min(avg({all}))"), 20.0);
    check(&format!("avg(avg({all}))"), 35.0);
    check(&format!("min(sum({all}))"), 40.0);
    check("sum(count(teams[*].players))", 3.0);
    check("max(count(teams[north,south].players))", 2.0);
    check("count(team[ north ].players)", 2.0);
    check("count(teams[away].players)", 0.0);
    check("count(teams[north].players.attributes[mode])", 2.0);
    // Repeats in a player's list do not count.
    check("count(flatten(teams[north].players.attributes[picks]))", 3.0);
    check("max(count(teams[north].players.attributes[picks]))", 2.0);
    check("count(set_intersection(flatten(teams[*].players.attributes[picks])))", 1.0);
    check("max(count(set_intersection(teams[*].players.attributes[picks])))", 2.0);
    check("count(set_intersection(teams[north,south].players.attributes[mode]))", 1.0);
    check("sum(count(teams[*].players[playerId]))", 3.0);
}

#[test]
fn nobody_has_no_value_and_passes() {
    let measured = |expression: &str| {
        verdict(&format!(
            r#""type": "comparison", "operation": "=", "referenceValue": 7, "measurements": ["{expression}"]"#
        ))
    };
    assert_eq!(measured("avg(teams[away].players.attributes[skill])"), Verdict::NoValue);
    assert_eq!(measured("teams[away].players.attributes[skill]"), Verdict::NoValue);
    assert_eq!(measured("count(teams[away].players)"), Verdict::Fails);
    let reference = r#""type": "distance", "maxDistance": 1, "referenceValue": "max(teams[away].players.attributes[skill])", "measurements": ["teams[north].players.attributes[skill]"]"#;
    assert_eq!(verdict(reference), Verdict::NoValue);
    let keeper = r#""type": "collection", "operation": "contains", "minCount": 1, "referenceValue": "ice", "measurements": ["flatten(teams[away].players.attributes[picks])"]"#;
    assert_eq!(verdict(keeper), Verdict::NoValue);
}

/// `contains` finds so many.
#[track_caller]
fn check_contains(expression: &str, wanted: &str, count: u32) {
    let rule = format!(
        r#""type": "collection", "operation": "contains", "minCount": {count}, "maxCount": {count}, "referenceValue": "{wanted}", "measurements": ["{expression}"]"#
    );
    assert_eq!(verdict(&rule), Verdict::Holds, "{expression}");
}

#[test]
fn contains_counts_players_flattened_or_not() {
    check_contains("flatten(teams[*].players.attributes[picks])", "mine", 3);
    check_contains("teams[*].players.attributes[picks]", "mine", 3);
    check_contains("flatten(teams[north].players.attributes[picks])", "ice", 1);
    check_contains("teams[north].players.attributes[picks]", "ice", 1);
    check_contains("flatten(teams[*].players.attributes[mode])", "ctf", 2);
    check_contains("teams[*].players.attributes[mode]", "koth", 1);
    check_contains("flatten(teams[*].players.attributes[picks])", "port", 0);
}
