//! Random rule sets with expansions, and random tickets.
use crate::make::{Dice, member, set};
use crate::spec::{RuleSpec, SetSpec};
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::RuledTicket;
use gsm_rules::{Dialect, RuleSet, parse};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// Ages at which expansions may begin, in seconds.
const STEPS: [u64; 2] = [4, 9];

fn expansions(dice: &mut Dice, spec: &SetSpec) -> Vec<Json> {
    let mut all = Vec::new();
    let steps = |dice: &mut Dice, value: &dyn Fn(usize) -> Json| {
        let count = 1 + dice.below(STEPS.len());
        let step = |at: usize| json!({"waitTimeSeconds": STEPS[at], "value": value(at)});
        (0..count).map(step).collect::<Vec<_>>()
    };
    for (at, rule) in spec.rules.iter().enumerate().filter(|_| dice.chance(60)).collect::<Vec<_>>() {
        let (property, from, by) = match rule {
            RuleSpec::Distance { max: Some(max), .. } => ("maxDistance", *max, 1.5),
            RuleSpec::Batch { attribute: "skill", max: Some(max), .. } => ("maxDistance", *max, 2.0),
            RuleSpec::Latency { max: Some(max), .. } => ("maxLatency", *max, 10.0),
            RuleSpec::Roles { autofill, .. } => ("autofill", *autofill as f64, 1.0),
            RuleSpec::PartyBalance { most } => ("maxDifference", *most as f64, 1.0),
            RuleSpec::Avoid { most, .. } => ("maxCount", *most as f64, 1.0),
            _ => continue,
        };
        let steps = steps(dice, &|at| json!(from + by * (at + 1) as f64));
        all.push(json!({"target": format!("rules[r{at}].{property}"), "steps": steps}));
    }
    for team in spec.teams.iter().filter(|team| team.min > 0 && dice.chance(50)).collect::<Vec<_>>() {
        let steps = steps(dice, &|at| json!(team.min.saturating_sub(at + 1)));
        all.push(json!({"target": format!("teams[{}].minPlayers", team.name), "steps": steps}));
    }
    if dice.chance(30) {
        let mut priority = || dice.one(&["normal", "low", "high"]);
        let steps = STEPS.map(|age| json!({"waitTimeSeconds": age, "value": priority()}));
        all.push(json!({"target": "algorithm.backfillPriority", "steps": steps}));
    }
    all
}

/// A rule set of at most `teams` teams.
pub(crate) fn rule_set(dice: &mut Dice, teams: usize) -> (Arc<RuleSet>, String) {
    let spec = loop {
        let spec = set(dice, 2);
        // The rules ask that two tickets are near a value that a team alone has, also where that team may stay empty.
        let is_of_team = |rule: &RuleSpec| matches!(rule, RuleSpec::Distance { reference: Ok(of), .. } if !of.text().contains('*'));
        if spec.teams.iter().map(|team| team.quantity).sum::<usize>() <= teams
            && !spec.rules.iter().any(is_of_team)
        {
            break spec;
        }
    };
    let mut text: Json = serde_json::from_str(&spec.text()).unwrap();
    text["expansions"] = json!(expansions(dice, &spec));
    text["algorithm"] = json!({
        "expansionAgeSelection": dice.one(&["newest", "newest", "oldest"]),
        "backfillPriority": dice.one(&["normal", "low", "high"]),
    });
    let places: usize = spec.teams.iter().map(|team| team.max * team.quantity).sum();
    if dice.chance(30) {
        text["parties"] = json!({"maxPlayers": places, "split": true});
    }
    let text = text.to_string();
    let parsed = parse(&text, Dialect::Extended).unwrap_or_else(|faults| panic!("{text}: {faults:#?}"));
    (Arc::new(parsed.set), text)
}

/// Ticket number `n`, which began to wait in the ten seconds up to `now`; one in eight is a backfill.
pub(crate) fn ticket(dice: &mut Dice, set: &RuleSet, n: usize, now: u64) -> RuledTicket {
    let most = if set.splits_parties() { set.party_max().min(5) } else { 3 };
    let size = 1 + if dice.chance(25) { dice.below(most) } else { 0 };
    let players = (0..size).map(|at| (PlayerId::from_u128((10 * n + at) as u128), member(dice, 10 * n + at)));
    let players: Vec<_> = players.collect();
    let team = |dice: &mut Dice| set.teams()[dice.below(set.teams().len())].name.clone();
    let backfill = dice.chance(12).then(|| players.iter().map(|_| team(dice)).collect());
    let started_at = Timestamp::from_millis((1_000 * (now - dice.below(11) as u64)) as i64);
    RuledTicket { id: TicketId::from_u128(n as u128), players, backfill, started_at }
}

/// One against one: near in skill, at times with a second rule, a window that grows, or another age.
pub(crate) fn duel(dice: &mut Dice) -> (Arc<RuleSet>, String) {
    let team = |name: &str| json!({"name": name, "minPlayers": 1, "maxPlayers": 1});
    let mut rules = vec![json!({"name": "near", "type": "batchDistance", "batchAttribute": "skill",
        "maxDistance": dice.below(3), "partyAggregation": "avg"})];
    if dice.chance(60) {
        rules.push(json!({"name": "more", "type": "comparison", "operation": "<",
            "measurements": ["max(teams[a].players.attributes[level])"],
            "referenceValue": "min(teams[b].players.attributes[level])"}));
    }
    if dice.chance(60) {
        rules.push(json!({"name": "ping", "type": "latency", "maxLatency": 20 + 10 * dice.below(3)}));
    }
    let steps =
        [json!({"waitTimeSeconds": STEPS[0], "value": 3}), json!({"waitTimeSeconds": STEPS[1], "value": 4})];
    let expansions = if dice.chance(60) {
        vec![json!({"target": "rules[near].maxDistance", "steps": steps})]
    } else {
        Vec::new()
    };
    let text = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{"name": "skill", "type": "number"}, {"name": "level", "type": "number"}],
        "algorithm": {"expansionAgeSelection": dice.one(&["newest", "oldest"])},
        "teams": [team("a"), team("b")], "rules": rules, "expansions": expansions,
    });
    let text = text.to_string();
    let parsed = parse(&text, Dialect::Strict).unwrap_or_else(|faults| panic!("{text}: {faults:#?}"));
    (Arc::new(parsed.set), text)
}
