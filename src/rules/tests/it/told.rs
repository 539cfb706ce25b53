//! What is said of texts with more faults than are told, of names that look like more, and of what does nothing.
use gsm_rules::{Dialect, parse};

fn text(rules: &str, more: &str) -> String {
    format!(
        r#"{{"ruleLanguageVersion": "1.0", "playerAttributes": [
          {{"name": "skill", "type": "number", "default": 25}}, {{"name": "roles", "type": "string_list", "default": []}}],
          "teams": [{{"name": "a, b", "minPlayers": 2, "maxPlayers": 2}}, {{"name": "c", "minPlayers": 2, "maxPlayers": 2}}],
          "rules": [{rules}]{more}}}"#
    )
}

#[test]
fn where_there_are_more_faults_than_are_told_that_is_told() {
    let rules = |count: usize| {
        let rule = |n: usize| format!(r#"{{"name": "r{n}"}}"#);
        text(&(0..count).map(rule).collect::<Vec<_>>().join(", "), "")
    };
    let told = |count: usize| parse(&rules(count), Dialect::Strict).unwrap_err();
    let all = told(200);
    assert!(all.len() == 200 && all.iter().all(|fault| fault.message.contains("`type`")), "{:?}", all.last());
    let some = told(201);
    assert_eq!(some.len(), 201);
    assert_eq!((some[200].path.as_str(), some[200].line), ("$", 1));
    assert!(some[200].message.contains("more faults"), "{}", some[200]);
}

/// Faults that each of many stages has again end the reading of stages: that others may be untold is told.
#[test]
fn faults_of_later_stages_that_are_not_read_are_told_of() {
    let rules: Vec<String> = (0..150).map(|n| format!(r#"{{"name": "r{n}"}}"#)).collect();
    let near = r#"{"name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 5}"#;
    let step = |n: usize| format!(r#"{{"waitTimeSeconds": {}, "value": {n}}}"#, 10 * n);
    let steps: Vec<String> = (1..20).map(step).collect();
    let expansions = format!(
        r#", "expansions": [{{"target": "rules[Near].maxDistance", "steps": [{}]}}]"#,
        steps.join(", ")
    );
    let of = |count: usize| {
        let all = [&[near.to_owned()], &rules[..count]].concat().join(", ");
        parse(&text(&all, &expansions), Dialect::Strict).unwrap_err()
    };
    assert!(of(150).last().unwrap().message.contains("more faults"));
    assert_eq!(of(3).len(), 3);
}

#[test]
fn names_of_targets_may_have_dots_and_commas() {
    let roles = r#"{"name": "Comp, all", "type": "roles", "attribute": "roles", "counts": {"off.tank": 1, "damage": 1}, "autofill": 0}"#;
    let of = |target: &str| {
        let steps = r#""steps": [{"waitTimeSeconds": 5, "value": 2}]"#;
        parse(
            &text(roles, &format!(r#", "expansions": [{{"target": "{target}", {steps}}}]"#)),
            Dialect::Extended,
        )
    };
    for target in ["rules[Comp, all].autofill", "teams[a, b].maxPlayers", "teams[c, a, b].maxPlayers"] {
        let told = of(target);
        // A list is of names without commas.
        assert_eq!(told.is_ok(), !target.contains("[c,"), "{target}: {told:#?}");
    }
    let faults =
        |target: &str| of(target).unwrap_err().into_iter().map(|fault| fault.message).collect::<String>();
    // The target is one, whatever is said of the value.
    let of_value = of("rules[Comp, all].counts[off.tank]").err();
    assert!(of_value.iter().flatten().all(|fault| fault.path.ends_with(".value")), "{of_value:#?}");
    assert!(faults("rules[Comp, all].counts[off.healer]").contains("has no `off.healer`"));
    assert!(faults("rules[Comp, all]").contains("is no target"));
}

#[test]
fn an_attribute_to_balance_by_is_not_asked_beside_a_cost_of_teams() {
    let told = |cost: &str| {
        let more = format!(
            r#", "algorithm": {{"strategy": "balanced", "balancedAttribute": "skill"}},
              "objective": {{"cost": [{cost}], "starvationSeconds": 60}}"#
        );
        let warnings = parse(&text("", &more), Dialect::Extended).unwrap().warnings;
        warnings.into_iter().map(|of| format!("{}: {}", of.path, of.message)).collect::<Vec<_>>()
    };
    let does_nothing =
        ["$.algorithm.balancedAttribute: the cost of the `objective` says who sits where: this does nothing"];
    assert_eq!(told(r#"{"imbalance": "skill"}"#), does_nothing);
    assert_eq!(told(r#"{"latencyAbove": 60}, {"lostQuality": "skill"}"#), does_nothing);
    assert_eq!(told(r#"{"latencyAbove": 60}, {"spread": "skill"}"#), [""; 0]);
}
