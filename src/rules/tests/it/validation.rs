//! What must be taken, and what must be refused: with the place and the words.
use gsm_rules::{Dialect, Fault, Parsed, parse};

const ATTRIBUTES: &str = r#"[
  {"name": "skill", "type": "number", "default": 25}, {"name": "mode", "type": "string", "default": "casual"},
  {"name": "picks", "type": "string_list", "default": ["any"]},
  {"name": "prefs", "type": "string_number_map", "default": {"dunes": 10}}]"#;
const TWO: &str = r#"[{"name": "north", "minPlayers": 2, "maxPlayers": 3}, {"name": "south", "minPlayers": 2, "maxPlayers": 3}]"#;
const NEAR: &str = r#"{"name": "Near", "type": "distance", "measurements": ["avg(teams[*].players.attributes[skill])"],
  "referenceValue": "avg(flatten(teams[*].players.attributes[skill]))", "maxDistance": 8}"#;
const SAME: &str = r#"{"name": "Same", "type": "comparison", "operation": "=", "measurements": ["flatten(teams[*].players.attributes[mode])"]}"#;

/// A rule set of two teams with these rules and members.
fn with(rules: &[&str], more: &str) -> String {
    let rules = rules.join(", ");
    format!(
        r#"{{"ruleLanguageVersion": "1.0", "playerAttributes": {ATTRIBUTES}, "teams": {TWO}, "rules": [{rules}]{more}}}"#
    )
}

fn with_teams(teams: &str, more: &str) -> String {
    format!(r#"{{"ruleLanguageVersion": "1.0", "playerAttributes": {ATTRIBUTES}, "teams": {teams}{more}}}"#)
}

#[track_caller]
fn taken(text: &str) -> Parsed {
    parse(text, Dialect::Strict).unwrap_or_else(|faults| panic!("{text}\n{faults:#?}"))
}

/// Each fault as its path and a part of its message, all of them, in order.
#[track_caller]
fn refused(text: &str, expected: &[(&str, &str)]) -> Vec<Fault> {
    let faults = parse(text, Dialect::Strict).expect_err(text);
    let fits = faults.len() == expected.len()
        && faults.iter().zip(expected).all(|(f, (path, part))| f.path == *path && f.message.contains(part));
    assert!(fits, "{text}\n{faults:#?}");
    faults
}

/// A rule alone with one fault at a member of it.
#[track_caller]
fn bad_rule(rule: &str, member: &str, part: &str) {
    let path = if member.is_empty() { "$.rules[0]".to_owned() } else { format!("$.rules[0].{member}") };
    let faults = refused(&with(&[rule], ""), &[(path.as_str(), part)]);
    assert_eq!(faults[0].rule.as_deref(), rule.contains("\"R\"").then_some("R"));
}

#[test]
fn lawful_rule_sets_are_taken() {
    let one = r#"[{"name": "solo", "minPlayers": 1, "maxPlayers": 1}]"#;
    taken(&format!(r#"{{"ruleLanguageVersion": "1.0", "teams": {one}}}"#));
    taken(&with_teams(r#"[{"name": "squad", "minPlayers": 2, "maxPlayers": 4, "quantity": 5}]"#, ""));
    taken(&with_teams(
        r#"[{"name": "t", "minPlayers": "0", "maxPlayers": "4"}]"#,
        r#", "name": "evening ladder""#,
    ));
    taken(&with(&[NEAR, SAME], ""));
    let flat = "flatten(teams[*].players.attributes";
    let rules = [
        format!(r#"{{"name": "Apart", "type": "distance", "measurements": ["max({flat}[skill]))"], "referenceValue": "min({flat}[skill]))", "minDistance": 5}}"#),
        format!(r#"{{"name": "Veterans", "type": "comparison", "operation": ">=", "referenceValue": 40, "measurements": ["{flat}[skill])"]}}"#),
        format!(r#"{{"name": "Quoted", "type": "comparison", "operation": "<", "referenceValue": "40", "measurements": "{flat}[skill])"}}"#),
        r#"{"name": "Even", "type": "comparison", "operation": "=", "measurements": ["count(teams[north].players)"], "referenceValue": "count(team[south].players)"}"#.to_owned(),
        format!(r#"{{"name": "Casual", "type": "comparison", "operation": "!=", "measurements": ["{flat}[mode])"], "referenceValue": "ranked"}}"#),
        format!(r#"{{"name": "Few", "type": "collection", "operation": "contains", "referenceValue": "healer", "measurements": ["{flat}[picks])"], "maxCount": 2}}"#),
        format!(r#"{{"name": "Shared", "type": "collection", "operation": "intersection", "minCount": 1, "measurements": ["{flat}[picks])"], "partyAggregation": "intersection"}}"#),
        format!(r#"{{"name": "Blocked", "type": "collection", "operation": "reference_intersection_count", "maxCount": 0, "measurements": "{flat}[picks])", "referenceValue": "flatten(teams[*].players[playerId])"}}"#),
        format!(r#"{{"name": "Listed", "type": "collection", "operation": "reference_intersection_count", "minCount": 1, "measurements": "{flat}[picks])", "referenceValue": ["a", "b"]}}"#),
        r#"{"name": "Ping", "type": "latency", "maxLatency": 90, "partyAggregation": "max"}"#.to_owned(),
        r#"{"name": "Fair", "type": "latency", "maxLatency": 200, "maxDistance": 40, "distanceReference": "min"}"#.to_owned(),
        r#"{"name": "Spread", "type": "latency", "maxDistance": 40}"#.to_owned(),
        r#"{"name": "Closest", "type": "distanceSort", "sortDirection": "ascending", "sortAttribute": "skill"}"#.to_owned(),
        r#"{"name": "Fav", "type": "absoluteSort", "sortDirection": "descending", "sortAttribute": "prefs", "mapKey": "maxValue", "partyAggregation": "avg"}"#.to_owned(),
        r#"{"name": "Band", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": "12", "description": "near"}"#.to_owned(),
        r#"{"name": "One mode", "type": "batchDistance", "batchAttribute": "mode"}"#.to_owned(),
    ];
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    for rule in &rules {
        taken(&with(&[rule], ""));
    }
    let either = r#"{"name": "Either", "type": "compound", "statement": "or(Near, not(Same))"}"#;
    let set = taken(&with(&[NEAR, SAME, either], "")).set;
    assert_eq!(set.rules().iter().map(|rule| rule.counts_alone).collect::<Vec<_>>(), [false, false, true]);
    taken(&with(&rules, ""));
    taken(&with(
        &[NEAR],
        r#", "algorithm": {"strategy": "exhaustiveSearch", "batchingPreference": "sorted", "sortByAttributes": ["mode", "skill"]}"#,
    ));
    taken(&with(
        &[NEAR],
        r#", "algorithm": {"backfillPriority": "high", "expansionAgeSelection": "oldest"}"#,
    ));
    let large = r#", "algorithm": {"strategy": "balanced", "batchingPreference": "fastestRegion", "balancedAttribute": "skill"},
      "rules": [{"name": "Ping", "type": "latency", "maxLatency": 150}, {"name": "Band", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 5}]"#;
    assert!(
        taken(&with_teams(
            r#"[{"name": "crowd", "minPlayers": 60, "maxPlayers": 100, "quantity": 2}]"#,
            large
        ))
        .set
        .is_large()
    );
    let backfills = large.replace(r#""strategy""#, r#""backfillPriority": "low", "strategy""#);
    let teams = r#"[{"name": "crowd", "minPlayers": 60, "maxPlayers": 100}]"#;
    assert_eq!(taken(&with_teams(teams, &backfills)).warnings[0].path, "$.algorithm.backfillPriority");
    assert_eq!(taken(&with_teams(teams, large)).warnings, []);
    let balanced = r#", "algorithm": {"strategy": "balanced", "balancedAttribute": "skill"}, "rules": []"#;
    assert!(
        !taken(&with_teams(
            r#"[{"name": "crowd", "minPlayers": 20, "maxPlayers": 20, "quantity": 2}]"#,
            balanced
        ))
        .set
        .is_large()
    );
}

#[test]
fn documents_of_another_form_are_refused() {
    refused("{teams: red}", &[("$", "double quotes")]);
    refused("[1, 2, 3]", &[("$", "must be an object, not a list")]);
    refused("{}", &[("$", "`ruleLanguageVersion` is missing"), ("$", "`teams` is missing")]);
    let fault = &refused("{\n  // two\n}", &[("$", "no comments")])[0];
    assert_eq!((fault.line, fault.column), (2, 3));
    refused(&with(&[], "").replace("1.0", "2.0"), &[("$.ruleLanguageVersion", "must be `1.0`")]);
    refused(&with(&[], r#", "expansion": []"#), &[("$.expansion", "did you mean `expansions`?")]);
    refused(&format!("{:?}", "n".repeat(65_534)), &[("$", "at most 65535")]);
}

#[test]
fn teams_are_checked() {
    refused(&with_teams("[]", ""), &[("$.teams", "there must be a team")]);
    refused(
        &with_teams(r#"[{"minPlayers": 1, "maxPlayers": 1}]"#, ""),
        &[("$.teams[0]", "`name` is missing")],
    );
    refused(
        &with_teams(r#"[{"name": "a", "minPlayers": 1.5}]"#, ""),
        &[
            ("$.teams[0]", "`maxPlayers` is missing"),
            ("$.teams[0].minPlayers", "a whole number from 0 to 200"),
        ],
    );
    let a = r#"{"name": "a", "minPlayers": 1, "maxPlayers": 1}"#;
    refused(&with_teams(&format!("[{a}, {a}]"), ""), &[("$.teams[1].name", "is defined before")]);
    let numbered = r#"[{"name": "a_1", "minPlayers": 1, "maxPlayers": 1}, {"name": "a", "minPlayers": 1, "maxPlayers": 1, "quantity": 2}]"#;
    refused(&with_teams(numbered, ""), &[("$.teams[1].name", "is defined before")]);
    refused(
        &with_teams(r#"[{"name": "a", "minPlayers": 3, "maxPlayers": 2}]"#, ""),
        &[("$.teams[0].maxPlayers", "above")],
    );
    refused(
        &with_teams(
            r#"[{"name": "a", "minPlayers": 1, "maxPlayers": 51, "quantity": 4}]"#,
            r#", "algorithm": {"strategy": "balanced", "balancedAttribute": "skill"}"#,
        ),
        &[("$.teams", "204 players, at most 200")],
    );
}

#[test]
fn attributes_are_checked() {
    let of = |attributes: &str| with(&[], "").replace(ATTRIBUTES, attributes);
    refused(&of(r#"[{"name": "skill"}]"#), &[("$.playerAttributes[0]", "`type` is missing")]);
    refused(
        &of(r#"[{"name": "ready", "type": "boolean"}]"#),
        &[("$.playerAttributes[0].type", "unknown type `boolean`")],
    );
    refused(
        &of(r#"[{"name": "a", "type": "number"}, {"name": "a", "type": "string"}]"#),
        &[("$.playerAttributes[1].name", "declared before")],
    );
    refused(
        &of(r#"[{"name": "a", "type": "number", "default": "much"}]"#),
        &[("$.playerAttributes[0].default", "a number")],
    );
    refused(
        &of(r#"[{"name": "a", "type": "string_list", "default": "x"}]"#),
        &[("$.playerAttributes[0].default", "a list")],
    );
    refused(
        &of(r#"[{"name": "a", "type": "string_number_map", "default": {"x": true}}]"#),
        &[("$.playerAttributes[0].default.x", "a number")],
    );
}

#[test]
fn algorithms_are_checked() {
    let bad = |algorithm: &str, path: &str, part: &str| {
        refused(&with(&[], &format!(r#", "algorithm": {algorithm}"#)), &[(path, part)]);
    };
    bad(r#"{"strategy": "greedy"}"#, "$.algorithm.strategy", "unknown strategy");
    bad(r#"{"batchingPreference": "fifo"}"#, "$.algorithm.batchingPreference", "unknown batchingPreference");
    bad(
        r#"{"batchingPreference": "largestPopulation"}"#,
        "$.algorithm.batchingPreference",
        "`random` or `sorted`",
    );
    bad(
        r#"{"strategy": "balanced", "balancedAttribute": "skill", "batchingPreference": "sorted", "sortByAttributes": ["skill"]}"#,
        "$.algorithm.batchingPreference",
        "`fastestRegion`",
    );
    bad(r#"{"batchingPreference": "sorted"}"#, "$.algorithm.batchingPreference", "needs `sortByAttributes`");
    bad(
        r#"{"batchingPreference": "sorted", "sortByAttributes": ["rank"]}"#,
        "$.algorithm.sortByAttributes[0]",
        "not declared",
    );
    bad(r#"{"strategy": "balanced"}"#, "$.algorithm", "needs a `balancedAttribute`");
    bad(
        r#"{"strategy": "balanced", "balancedAttribute": "mode"}"#,
        "$.algorithm.balancedAttribute",
        "of type `number`",
    );
    bad(r#"{"backfillPriority": "hihg"}"#, "$.algorithm.backfillPriority", "did you mean `high`");
    bad(
        r#"{"expansionAgeSelection": "eldest"}"#,
        "$.algorithm.expansionAgeSelection",
        "did you mean `oldest`",
    );
}

#[test]
fn large_matches_take_two_types_of_rules_and_one_strategy() {
    let crowd = r#"[{"name": "crowd", "minPlayers": 41, "maxPlayers": 41}]"#;
    refused(&with_teams(crowd, ""), &[("$.teams", "strategy `balanced`")]);
    refused(
        &with_teams(crowd, r#", "algorithm": {"strategy": "exhaustiveSearch"}"#),
        &[("$.algorithm.strategy", "strategy `balanced`")],
    );
    let balanced = r#""algorithm": {"strategy": "balanced", "balancedAttribute": "skill"}"#;
    let far = r#"{"name": "Far", "type": "latency", "maxLatency": 9, "maxDistance": 9}"#;
    let text =
        with_teams(crowd, &format!(r#", {balanced}, "rules": [{NEAR}, {far}]"#)).replace("north", "crowd");
    let faults = refused(
        &text,
        &[("$.rules[0].type", "`latency` only"), ("$.rules[1].maxDistance", "`maxLatency` only")],
    );
    assert_eq!(
        faults.iter().map(|fault| fault.rule.as_deref()).collect::<Vec<_>>(),
        [Some("Near"), Some("Far")]
    );
}

#[test]
fn every_rule_has_a_name_a_type_and_no_unknown_member() {
    refused(&with(&[&NEAR.replace(r#""name": "Near", "#, "")], ""), &[("$.rules[0]", "`name` is missing")]);
    refused(
        &with(&[&NEAR.replace(r#""type": "distance", "#, "")], ""),
        &[("$.rules[0]", "`type` is missing")],
    );
    refused(&with(&[NEAR, NEAR], ""), &[("$.rules[1].name", "defined before")]);
    bad_rule(r#"{"name": "R", "type": "similarity"}"#, "type", "unknown type `similarity`");
    bad_rule(
        r#"{"name": "R", "type": "latency", "maxLatency": 5, "maxLatncy": 5}"#,
        "maxLatncy",
        "did you mean `maxLatency`?",
    );
    bad_rule(
        r#"{"name": "R", "type": "latency", "maxLatency": 5, "statement": "x"}"#,
        "statement",
        "unknown member",
    );
}

#[test]
fn properties_of_rules_are_checked() {
    let comparison = |more: &str| format!(r#"{{"name": "R", "type": "comparison", {more}}}"#);
    let skill = r#""measurements": ["teams[north].players.attributes[skill]"]"#;
    let mode = r#""measurements": ["teams[north].players.attributes[mode]"]"#;
    bad_rule(
        &comparison(&format!(r#"{skill}, "operation": "~=", "referenceValue": 1"#)),
        "operation",
        "unknown operation",
    );
    bad_rule(&comparison(&format!(r#"{skill}, "operation": "<""#)), "operation", "without `referenceValue`");
    bad_rule(&comparison(&format!(r#"{skill}, "referenceValue": 1"#)), "", "`operation` is missing");
    bad_rule(
        &comparison(&format!(r#"{skill}, "operation": "=", "referenceValue": "ranked""#)),
        "referenceValue",
        "must be a number",
    );
    bad_rule(
        &comparison(&format!(r#"{mode}, "operation": "<", "referenceValue": "ranked""#)),
        "operation",
        "strings",
    );
    bad_rule(
        &comparison(&format!(r#"{mode}, "operation": "=", "referenceValue": 5"#)),
        "referenceValue",
        "with a string",
    );
    bad_rule(
        &comparison(r#""measurements": [], "operation": "=""#),
        "measurements",
        "something must be measured",
    );
    bad_rule(&comparison(r#""operation": "=""#), "", "`measurements` is missing");
    bad_rule(&comparison(r#""measurements": [5], "operation": "=""#), "measurements[0]", "an expression");
    let mixed = r#""measurements": ["teams[north].players.attributes[skill]", "teams[north].players.attributes[mode]"]"#;
    bad_rule(&comparison(&format!(r#"{mixed}, "operation": "=""#)), "measurements", "each other");
    bad_rule(
        &comparison(&format!(r#"{skill}, "operation": "=", "partyAggregation": "sum""#)),
        "partyAggregation",
        "unknown",
    );

    let distance = |more: &str| format!(r#"{{"name": "R", "type": "distance", {skill}, {more}}}"#);
    bad_rule(&distance(r#""referenceValue": 5"#), "", "needs `maxDistance`");
    bad_rule(&distance(r#""maxDistance": 5"#), "", "`referenceValue` is missing");
    bad_rule(&distance(r#""referenceValue": 5, "maxDistance": -1"#), "maxDistance", "negative");
    bad_rule(&distance(r#""referenceValue": 5, "maxDistance": "far""#), "maxDistance", "must be a number");
    bad_rule(&distance(r#""referenceValue": 5, "maxDistance": 1, "minDistance": 2"#), "minDistance", "above");
    bad_rule(
        &distance(r#""referenceValue": "avg(teams[*].players.attributes[skill])", "maxDistance": 1"#),
        "referenceValue",
        "one number, not a list",
    );
    bad_rule(
        &distance(r#""referenceValue": 1, "maxDistance": 1"#).replace("[skill]", "[mode]"),
        "measurements[0]",
        "a list of numbers",
    );

    let batch = |more: &str| format!(r#"{{"name": "R", "type": "batchDistance", {more}}}"#);
    bad_rule(&batch(r#""maxDistance": 5"#), "", "`batchAttribute` is missing");
    bad_rule(
        &batch(r#""batchAttribute": "skil", "maxDistance": 5"#),
        "batchAttribute",
        "did you mean `skill`?",
    );
    bad_rule(
        &batch(r#""batchAttribute": "picks", "maxDistance": 5"#),
        "batchAttribute",
        "a number or a string",
    );
    assert_eq!(taken(&with(&[&batch(r#""batchAttribute": "skill""#)], "")).warnings[0].path, "$.rules[0]");

    let collection = |more: &str| {
        format!(
            r#"{{"name": "R", "type": "collection", "measurements": ["flatten(teams[*].players.attributes[picks])"], {more}}}"#
        )
    };
    let open = taken(&with(&[&collection(r#""operation": "contains", "referenceValue": "x""#)], ""));
    assert_eq!(open.warnings[0].path, "$.rules[0]");
    // A word before a bracket that is no function.
    let named = collection(r#""operation": "contains", "minCount": 1, "referenceValue": "Healer(EU)""#);
    taken(&with(&[&named], ""));
    // Nor where there is one: nothing follows that could be of players.
    let named = collection(r#""operation": "contains", "minCount": 1, "referenceValue": "max (gold)""#);
    taken(&with(&[&named], ""));
    let misspelt = r#""operation": "contains", "minCount": 1, "referenceValue": "max(tems[red].players)""#;
    bad_rule(&collection(misspelt), "referenceValue", "unknown function `tems`, did you mean `teams`?");
    bad_rule(
        &collection(r#""operation": "contains", "minCount": 1, "referenceValue": "mean(teams[*].players)""#),
        "referenceValue",
        "unknown function `mean`",
    );
    bad_rule(&collection(r#""operation": "contains", "minCount": 1"#), "", "`referenceValue` is missing");
    bad_rule(
        &collection(r#""operation": "contains", "minCount": 1, "referenceValue": 5"#),
        "referenceValue",
        "one string",
    );
    bad_rule(
        &collection(r#""operation": "contains", "minCount": 2, "maxCount": 1, "referenceValue": "x""#),
        "minCount",
        "above",
    );
    bad_rule(
        &collection(r#""operation": "contans", "minCount": 2, "referenceValue": "x""#),
        "operation",
        "did you mean `contains`?",
    );
    bad_rule(
        &collection(r#""operation": "intersection", "minCount": 1, "referenceValue": "x""#),
        "referenceValue",
        "no reference",
    );
    bad_rule(
        &collection(r#""operation": "reference_intersection_count", "minCount": 1"#),
        "",
        "`referenceValue` is missing",
    );
    bad_rule(
        &collection(r#""operation": "reference_intersection_count", "minCount": 1, "referenceValue": [1]"#),
        "referenceValue",
        "a list of strings",
    );
    bad_rule(
        &collection(r#""operation": "intersection", "minCount": 1, "partyAggregation": "avg""#),
        "partyAggregation",
        "`union` or `intersection`",
    );
    bad_rule(
        &collection(r#""operation": "intersection", "minCount": 1"#).replace("[picks]", "[skill]"),
        "measurements[0]",
        "a list of strings",
    );

    let latency = |more: &str| format!(r#"{{"name": "R", "type": "latency"{more}}}"#);
    bad_rule(&latency(""), "", "needs `maxLatency`");
    bad_rule(
        &latency(r#", "maxLatency": 9, "distanceReference": "min""#),
        "distanceReference",
        "without `maxDistance`",
    );
    bad_rule(
        &latency(r#", "maxDistance": 9, "distanceReference": "max""#),
        "distanceReference",
        "`avg` or `min`",
    );

    let sort = |more: &str| format!(r#"{{"name": "R", "type": "absoluteSort", {more}}}"#);
    bad_rule(
        &sort(r#""sortDirection": "up", "sortAttribute": "skill""#),
        "sortDirection",
        "unknown sortDirection",
    );
    bad_rule(&sort(r#""sortAttribute": "skill""#), "", "`sortDirection` is missing");
    bad_rule(&sort(r#""sortDirection": "ascending", "sortAttribute": "prefs""#), "", "needs `mapKey`");
    bad_rule(
        &sort(r#""sortDirection": "ascending", "sortAttribute": "prefs", "mapKey": "best""#),
        "mapKey",
        "unknown mapKey",
    );
    bad_rule(
        &sort(r#""sortDirection": "ascending", "sortAttribute": "skill", "mapKey": "minValue""#),
        "mapKey",
        "no map",
    );
    bad_rule(&sort(r#""sortDirection": "ascending", "sortAttribute": "picks""#), "sortAttribute", "no order");
}

#[test]
fn expressions_say_where_in_the_string_they_break() {
    let of = |expression: &str| {
        format!(
            r#"{{"name": "R", "type": "distance", "referenceValue": 1, "maxDistance": 1, "measurements": ["{expression}"]}}"#
        )
    };
    let all = "teams[*].players.attributes[skill]";
    bad_rule(&of(&format!("mean({all})")), "measurements[0]", "unknown function");
    bad_rule(&of(&format!("avg({all}")), "measurements[0]", "`)` must stand here");
    bad_rule(&of("avg(teams[west].players.attributes[skill])"), "measurements[0]", "unknown team `west`");
    bad_rule(&of("avg(teams[*].players.attributes[skil])"), "measurements[0]", "did you mean `skill`?");
    bad_rule(&of("avg(teams[*].players.attributes[prefs])"), "measurements[0]", "is a map");
    bad_rule(&of("avg(teams[*].players)"), "measurements[0]", "a list of numbers");
    bad_rule(&of(&format!("avg(avg(flatten({all})))")), "measurements[0]", "a list of numbers");
    bad_rule(&of(&format!("set_intersection({all})")), "measurements[0]", "a list of string lists");
    let text = with(&[&of("avg(teams[west].players)")], "");
    let column = text.find("west").unwrap() as u32;
    let fault = &parse(&text, Dialect::Strict).unwrap_err()[0];
    let line_begin = text[..column as usize].rfind('\n').unwrap() as u32;
    assert_eq!(fault.column, column - line_begin);
}

#[test]
fn statements_are_checked() {
    let bad = |statement: &str, part: &str| {
        let band =
            r#"{"name": "Band", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 5}"#;
        let both = format!(r#"{{"name": "Both", "type": "compound", "statement": "{statement}"}}"#);
        let faults = refused(&with(&[NEAR, band, &both, SAME], ""), &[("$.rules[2].statement", part)]);
        assert_eq!(faults[0].rule.as_deref(), Some("Both"));
    };
    bad("and(Near, Missing)", "no rule `Missing`");
    bad("and(Near, Same)", "defined before this one");
    bad("and(Near, Band)", "batchDistance");
    bad("nand(Near, Near)", "unknown operation");
    bad("not(Near, Near)", "one part");
    bad("and(Near", "`,` or `)`");
    bad("and()", "must stand here");
    bad("and(Near, Near) or", "more follows");
    bad("", "must not be empty");
}

#[test]
fn a_statement_may_not_stand_for_endless_work() {
    let mut rules = vec![SAME.to_owned()];
    for n in 0..40 {
        let before = if n == 0 { "Same".to_owned() } else { format!("C{}", n - 1) };
        rules.push(format!(
            r#"{{"name": "C{n}", "type": "compound", "statement": "or({before}, {before})"}}"#
        ));
    }
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let faults = parse(&with(&rules, ""), Dialect::Strict).unwrap_err();
    assert!(faults[0].message.contains("at most 1000"), "{faults:#?}");
}

/// A rule set whose compounds each name the one before.
fn chain(length: usize) -> String {
    let mut rules = vec![SAME.to_owned()];
    for n in 0..length {
        let before = if n == 0 { "Same".to_owned() } else { format!("C{}", n - 1) };
        rules.push(format!(r#"{{"name": "C{n}", "type": "compound", "statement": "not({before})"}}"#));
    }
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    with(&rules, "")
}

#[test]
fn compounds_name_each_other_so_deep_and_no_deeper() {
    taken(&chain(64));
    refused(&chain(65), &[("$.rules[65].statement", "compounds name each other 65 deep, at most 64")]);
    // It is told once.
    refused(&chain(100), &[("$.rules[65].statement", "at most 64")]);
}

#[test]
fn expansions_are_checked() {
    let bad = |expansion: &str, member: &str, part: &str| {
        let both = r#"{"name": "Both", "type": "compound", "statement": "and(Near, Same)"}"#;
        let path = format!("$.expansions[0]{member}");
        refused(&with(&[NEAR, SAME, both], &format!(r#", "expansions": [{expansion}]"#)), &[(&path, part)]);
    };
    let steps = r#""steps": [{"waitTimeSeconds": 5, "value": 20}]"#;
    bad(&format!("{{{steps}}}"), "", "`target` is missing");
    bad(r#"{"target": "rules[Near].maxDistance"}"#, "", "`steps` is missing");
    bad(r#"{"target": "rules[Near].maxDistance", "steps": []}"#, ".steps", "needs a step");
    bad(
        r#"{"target": "rules[Near].maxDistance", "steps": [{"value": 1}]}"#,
        ".steps[0]",
        "`waitTimeSeconds` is missing",
    );
    bad(
        r#"{"target": "rules[Near].maxDistance", "steps": [{"waitTimeSeconds": 5}]}"#,
        ".steps[0]",
        "`value` is missing",
    );
    bad(
        r#"{"target": "rules[Near].maxDistance", "steps": [{"waitTimeSeconds": 5, "value": 1}, {"waitTimeSeconds": 5, "value": 2}]}"#,
        ".steps[1].waitTimeSeconds",
        "later and later",
    );
    let target = |target: &str| format!(r#"{{"target": "{target}", {steps}}}"#);
    bad(&target("rules[Far].maxDistance"), ".target", "unknown rule `Far`");
    bad(&target("teams[west].maxPlayers"), ".target", "unknown team `west`");
    bad(&target("rules[Both].statement"), ".target", "nothing to expand");
    bad(&target("rules[Near].maxLatency"), ".target", "cannot be a target");
    bad(&target("rules[Near].name"), ".target", "cannot be a target");
    bad(&target("teams[north].quantity"), ".target", "`minPlayers` or `maxPlayers`");
    bad(&target("algorithm.expansionAgeSelection"), ".target", "cannot be a target");
    bad(&target("Near.maxDistance"), ".target", "is no target");
    bad(&target("x"), ".target", "is no target");
    // What the new value breaks is said of the value.
    let value = |target: &str, value: &str| {
        format!(r#"{{"target": "{target}", "steps": [{{"waitTimeSeconds": 5, "value": {value}}}]}}"#)
    };
    bad(&value("rules[Near].maxDistance", "\"wide\""), ".steps[0].value", "must be a number");
    bad(
        &value("rules[Near].measurements", "[\"avg(teams[x].players)\"]"),
        ".steps[0].value[0]",
        "unknown team",
    );
    bad(&value("teams[north].minPlayers", "4"), ".steps[0].value", "above");
    bad(&value("teams[north,south].maxPlayers", "21"), ".steps[0].value", "42 players");
    bad(&value("teams[north].maxPlayers", "201"), ".steps[0].value", "from 1 to 200");
}

/// What is right by itself and wrong beside a new value is told of that value, once, and of the step that brought it.
#[test]
fn what_a_new_value_makes_wrong_is_told_of_it() {
    let count = r#"{"name": "Count", "type": "collection", "operation": "contains", "minCount": 1, "maxCount": 9,
      "measurements": ["flatten(teams[*].players.attributes[picks])"], "referenceValue": "any"}"#;
    let bad = |target: &str, values: [&str; 2], place: &str, part: &str| {
        let step = |wait: u32, value: &str| format!(r#"{{"waitTimeSeconds": {wait}, "value": {value}}}"#);
        let own = format!("{}, {}", step(20, values[0]), step(40, values[1]));
        let harmless = format!(
            r#"{{"target": "rules[Near].maxDistance", "steps": [{}, {}, {}]}}"#,
            step(10, "9"),
            step(20, "10"),
            step(60, "11")
        );
        let expansions = format!(r#"[{harmless}, {{"target": "{target}", "steps": [{own}]}}]"#);
        let algorithm = r#""algorithm": {"strategy": "exhaustiveSearch", "batchingPreference": "sorted", "sortByAttributes": ["skill"]}"#;
        let text = with(&[NEAR, count], &format!(r#", {algorithm}, "expansions": {expansions}"#));
        let path = format!("$.expansions[1].steps[{place}");
        let faults = parse(&text, Dialect::Strict).expect_err(&text);
        let told = |fault: &&Fault| fault.path == path && fault.message.contains(part);
        assert!(faults.iter().all(|fault| fault.path == path), "{faults:#?}");
        assert_eq!(faults.iter().filter(told).count(), 1, "{faults:#?}");
    };
    bad("rules[Count].maxCount", ["0", "0"], "0].value", "with this value: ");
    bad("rules[Count].maxCount", ["5", "0"], "1].value", "minCount");
    bad("rules[Count].minCount", ["2", "10"], "1].value", "above");
    bad("algorithm.strategy", ["\"balanced\"", "\"balanced\""], "0].value", "needs a `balancedAttribute`");
}

#[test]
fn all_faults_come_at_once_in_the_order_of_the_text() {
    let text = r#"{
  "ruleLanguageVersion": "1.1",
  "teams": [{"name": "a", "minPlayers": 2, "maxPlayers": 1}],
  "rules": [
    {"name": "R", "type": "distance", "measurements": ["avg(teams[b].players.attributes[x])"], "maxDistance": 1},
    {"name": "S", "type": "latency"}
  ],
  "size": 3
}"#;
    let faults = parse(text, Dialect::Strict).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 2, column 26: $.ruleLanguageVersion: `ruleLanguageVersion` must be `1.0`",
            "line 3, column 58: $.teams[0].maxPlayers: team `a`: minPlayers 2 is above maxPlayers 1",
            "line 5, column 5: $.rules[0] (rule `R`): `referenceValue` is missing",
            "line 5, column 67: $.rules[0].measurements[0] (rule `R`): unknown team `b`, did you mean `a`?",
            "line 6, column 5: $.rules[1] (rule `S`): needs `maxLatency`, `maxDistance` or both",
            "line 8, column 3: $.size: unknown member `size`",
        ]
    );
}

#[test]
fn what_is_doubtful_in_expansions_is_a_warning() {
    let step = |wait: u32| format!(r#""steps": [{{"waitTimeSeconds": {wait}, "value": 9}}]"#);
    let (late, soon) = (step(50_000), step(5));
    let target = r#""target": "rules[Near].maxDistance""#;
    let parsed =
        taken(&with(&[NEAR], &format!(r#", "expansions": [{{{target}, {late}}}, {{{target}, {soon}}}]"#)));
    let told: Vec<&str> = parsed.warnings.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(told, ["$.expansions[0].steps[0].waitTimeSeconds", "$.expansions[1].target"]);
}

#[test]
fn keys_that_repeat_are_a_warning_and_the_last_one_counts() {
    let text = with(&[NEAR], r#", "name": "first", "name": "second""#);
    let parsed = taken(&text);
    assert_eq!((parsed.set.name(), parsed.warnings.len()), (Some("second"), 1));
    assert!(parsed.warnings[0].message.contains("more than once"));
}
