//! Teams that need somebody with something, near in skill and in place, formed from many tickets: nothing is left behind
//! that the twin could match.
use crate::{
    make::Dice,
    model::{Model, Own},
    pools::ticket,
};
use gsm_core::{TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use serde_json::json;
use std::sync::Arc;

/// Two teams of two or three, and what they need.
fn rule_set(dice: &mut Dice) -> (String, Vec<String>) {
    let size = 2 + dice.below(2);
    let team = |name: &str| json!({"name": name, "minPlayers": size, "maxPlayers": size});
    let needs = |name: &str, wanted: &str, count: usize| {
        json!({"name": name, "type": "collection", "operation": "contains", "minCount": count,
            "measurements": [format!("flatten(teams[{name}].players.attributes[picks])")], "referenceValue": wanted})
    };
    let other = dice.one(&["x", "x", "y"]);
    let mut rules = vec![
        json!({"name": "near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": dice.below(3)}),
        needs("a", "x", 1 + dice.below(2)),
        needs("b", other, 1),
    ];
    if dice.chance(70) {
        rules.push(json!({"name": "ping", "type": "latency", "maxLatency": 20 + 10 * dice.below(3)}));
    }
    if dice.chance(40) {
        rules.push(json!({"name": "skilled", "type": "comparison", "operation": ">=", "referenceValue": 1 + dice.below(3),
            "measurements": ["flatten(teams[b].players.attributes[level])"]}));
    }
    let expansion = |target: &str, value: usize| json!({"target": target, "steps": [{"waitTimeSeconds": 6, "value": value}]});
    let mut expansions = Vec::new();
    if dice.chance(50) {
        expansions.push(expansion("rules[near].maxDistance", 3));
    }
    if dice.chance(30) {
        expansions.push(expansion("rules[b].minCount", 0));
    }
    if rules.iter().any(|rule| rule["name"] == "ping") && dice.chance(50) {
        expansions.push(expansion("rules[ping].maxLatency", 50));
    }
    let text = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{"name": "skill", "type": "number"}, {"name": "level", "type": "number"},
            {"name": "picks", "type": "string_list"}],
        "algorithm": {"expansionAgeSelection": dice.one(&["newest", "oldest"])},
        "teams": [team("a"), team("b")], "rules": rules, "expansions": expansions,
    });
    (text.to_string(), vec!["x".to_owned(), other.to_owned()])
}

/// Those who may join the anchor, as far as skill and place say at their widest: those whom the teams need first.
fn likely<'m>(model: &'m Model<'_>, anchor: TicketId, needed: &[String]) -> Vec<&'m Own> {
    let own = &model.waiting[&anchor];
    let is_near = |other: &&Own| other.members().all(|two| own.members().all(|one| meet(one, two)));
    let mut others: Vec<&Own> = model.others(own).into_iter().filter(is_near).collect();
    others.sort_by_key(|other| {
        let brings = |member: &Member| matches!(&member.attributes["picks"], Value::List(all) if all.iter().any(|one| needed.contains(one)));
        !other.members().any(brings)
    });
    others.truncate(10);
    others
}

fn meet(one: &Member, two: &Member) -> bool {
    let skill = |of: &Member| match of.attributes["skill"] {
        Value::Number(number) => number,
        _ => unreachable!("skill is a number"),
    };
    let mut near = one.latency_ms.iter().filter(|(_, ms)| **ms <= 50);
    (skill(one) - skill(two)).abs() <= 3.0
        && near.any(|(place, _)| two.latency_ms.get(place).is_some_and(|ms| *ms <= 50))
}

#[test]
fn of_many_tickets_none_is_left_that_has_a_match() {
    let (mut matches, mut left, mut asked) = (0, 0, 0);
    for seed in 0..250 {
        let mut dice = Dice(seed ^ 0xc0de);
        let (text, needed) = rule_set(&mut dice);
        let set = parse(&text, Dialect::Strict).unwrap_or_else(|faults| panic!("{text}: {faults:#?}")).set;
        let set = Arc::new(set);
        let (mut pool, mut model) = (RulePool::new(set.clone()), Model::new(&set));
        for n in 0..70 + dice.below(230) {
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
        let anchors = model.anchors();
        for _ in 0..12.min(anchors.len()) {
            let anchor = anchors[dice.below(anchors.len())];
            let others = likely(&model, anchor, &needed);
            asked += usize::from(others.len() > 4);
            let missed = model.find_among(anchor, &others, now);
            assert!(missed.is_none(), "{anchor} has a match: seed {seed}: {text}");
        }
    }
    assert!(matches > 1_000 && left > 1_000 && asked > 500, "{matches} matches, {left} left, {asked} asked");
}
