//! Teams that need somebody with something, near in skill and in place, formed from many tickets: nothing is left behind
//! that the twin could match.
use crate::{make::Dice, model::Model, pools::ticket};
use gsm_core::Timestamp;
use gsm_matchmaking::{RulePool, RuledTicket};
use gsm_rules::{Dialect, parse};
use serde_json::json;
use std::sync::Arc;

/// Two teams of two or three.
fn rule_set(dice: &mut Dice) -> String {
    let size = 2 + dice.below(2);
    let team = |name: &str| json!({"name": name, "minPlayers": size, "maxPlayers": size});
    let needs = |name: &str, wanted: &str, count: usize| {
        json!({"name": name, "type": "collection", "operation": "contains", "minCount": count,
            "measurements": [format!("flatten(teams[{name}].players.attributes[picks])")], "referenceValue": wanted})
    };
    let mut rules = vec![
        json!({"name": "near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": dice.below(3)}),
        needs("a", "x", 1 + dice.below(2)),
        needs("b", dice.one(&["x", "x", "y"]), 1),
    ];
    if dice.chance(70) {
        rules.push(json!({"name": "ping", "type": "latency", "maxLatency": 20 + 10 * dice.below(3)}));
    }
    let expansion = |target: &str, value: usize| json!({"target": target, "steps": [{"waitTimeSeconds": 6, "value": value}]});
    let mut expansions = Vec::new();
    if dice.chance(50) {
        expansions.push(expansion("rules[near].maxDistance", 3));
    }
    if dice.chance(30) {
        expansions.push(expansion("rules[b].minCount", 0));
    }
    if rules.len() == 4 && dice.chance(50) {
        expansions.push(expansion("rules[ping].maxLatency", 50));
    }
    json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{"name": "skill", "type": "number"}, {"name": "picks", "type": "string_list"}],
        "algorithm": {"expansionAgeSelection": dice.one(&["newest", "oldest"])},
        "teams": [team("a"), team("b")], "rules": rules, "expansions": expansions,
    })
    .to_string()
}

#[test]
fn of_many_tickets_none_is_left_that_has_a_match() {
    let (mut matches, mut left) = (0, 0);
    for seed in 0..300 {
        let mut dice = Dice(seed ^ 0xc0de);
        let text = rule_set(&mut dice);
        let set = parse(&text, Dialect::Strict).unwrap_or_else(|faults| panic!("{text}: {faults:#?}")).set;
        let set = Arc::new(set);
        let (mut pool, mut model) = (RulePool::new(set.clone()), Model::new(&set));
        for n in 0..70 + dice.below(80) {
            let ticket = RuledTicket { backfill: None, ..ticket(&mut dice, &set, n, 20) };
            pool.insert(ticket.clone()).unwrap();
            model.insert(ticket);
        }
        let now = Timestamp::from_millis(20_000);
        let mut cut = pool.clone();
        let found = crate::props::all(&mut pool, now, || u32::MAX);
        assert_eq!(crate::props::all(&mut cut, now, || dice.below(90) as u32), found, "{seed}: {text}");
        for one in &found {
            let choice = model.choice(one);
            assert!(model.is_match(&choice, now), "{one:?} breaks a rule: seed {seed}: {text}");
            one.tickets.iter().for_each(|id| drop(model.waiting.remove(id)));
        }
        matches += found.len();
        left += model.waiting.len();
        // The twin tries every choice; of many tickets those whose turn comes last.
        for anchor in model.anchors().into_iter().rev().take(12) {
            let missed = model.find(anchor, now).map(|choice| choice.len());
            assert_eq!(missed, None, "{anchor} has a match: seed {seed}: {text}");
        }
    }
    assert!(matches > 1_000 && left > 1_000, "{matches} matches, {left} tickets left");
}
