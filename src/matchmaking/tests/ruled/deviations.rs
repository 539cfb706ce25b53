//! Matches whose numbers may deviate only so much, formed from many tickets: nothing is left behind that the twin could match,
//! and nobody looks at all choices for it.
use crate::{
    make::Dice,
    model::{Model, Own},
    props::all,
};
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use serde_json::{Value as Json, json};
use std::sync::Arc;

fn rule_set(size: usize, rules: &[Json]) -> Arc<gsm_rules::RuleSet> {
    let team = |name| json!({"name": name, "minPlayers": size, "maxPlayers": size});
    let text = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{"name": "skill", "type": "number"}, {"name": "level", "type": "number"}],
        "teams": [team("red"), team("blue")], "rules": rules,
    });
    Arc::new(parse(&text.to_string(), Dialect::Strict).unwrap().set)
}

fn deviation(most: f64) -> Json {
    json!({"name": "Close", "type": "comparison", "operation": "<=", "referenceValue": most,
        "measurements": ["stddev(flatten(teams[*].players.attributes[skill]))"]})
}

fn ticket(n: usize, players: usize, skill: f64, level: f64) -> RuledTicket {
    let attributes = [("skill", skill), ("level", level)];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), Value::Number(value)));
    let player = |at: usize| {
        let id = PlayerId::from_u128((10 * n + at) as u128);
        (id, Member { player: id.to_string(), attributes: attributes.clone().into(), ..Member::default() })
    };
    let started_at = Timestamp::from_millis(n as i64);
    let players = (0..players).map(player).collect();
    RuledTicket { id: TicketId::from_u128(n as u128), players, backfill: None, started_at }
}

#[test]
fn those_who_are_alike_find_each_other_among_many_who_are_not() {
    let mut pool = RulePool::new(rule_set(5, &[deviation(60.0)]));
    for n in 0..60 {
        pool.insert(ticket(n, 1, 1_000.0 * (n % 5) as f64, 0.0)).unwrap();
    }
    let step = pool.step(Timestamp::from_millis(1_000), 10_000);
    assert_eq!((step.matches.len(), step.finished), (5, true), "{step:?}");
}

/// Of those who lie near enough to the anchor one by one, no ten are near enough together.
#[test]
fn a_search_for_the_close_ends_early_where_they_deviate_too_much() {
    let mut pool = RulePool::new(rule_set(5, &[deviation(60.0)]));
    for n in 0..60 {
        pool.insert(ticket(n, 1, (21 * (23 * n % 60)) as f64, 0.0)).unwrap();
    }
    let step = pool.step(Timestamp::from_millis(1_000), 100_000);
    assert!(step.matches.is_empty() && step.finished && step.work < 20_000, "{step:?}");
}

#[test]
fn of_those_who_deviate_none_is_left_that_has_a_match() {
    let (mut matches, mut left, mut asked) = (0, 0, 0);
    for seed in 0..120 {
        let mut dice = Dice(seed ^ 0xdef1);
        let mut rules = vec![deviation(0.5 * (1 + dice.below(4)) as f64)];
        if dice.chance(30) {
            rules.push(json!({"name": "Levels", "type": "batchDistance", "batchAttribute": "level", "maxDistance": 3}));
        }
        if dice.chance(30) {
            rules.push(json!({"name": "Even", "type": "distance", "maxDistance": 1,
                "measurements": ["max(avg(teams[*].players.attributes[level]))"],
                "referenceValue": "min(avg(teams[*].players.attributes[level]))"}));
        }
        let set = rule_set(2, &rules);
        let (mut pool, mut model) = (RulePool::new(set.clone()), Model::new(&set));
        let (parties, spread) = (dice.one(&[0, 30]), dice.one(&[12, 40]));
        for n in 1..20 + dice.below(60) {
            let size = 1 + usize::from(dice.chance(parties));
            let ticket = ticket(n, size, dice.below(spread) as f64, dice.below(6) as f64);
            pool.insert(ticket.clone()).unwrap();
            model.insert(ticket);
        }
        let now = Timestamp::from_millis(20_000);
        let mut cut = pool.clone();
        let found = pool.step(now, u32::MAX).matches;
        assert_eq!(all(&mut cut, now, || dice.below(90) as u32), found, "seed {seed}: {rules:?}");
        for one in &found {
            let choice = model.choice(one);
            assert!(model.is_match(&choice, now), "{one:?} breaks a rule: seed {seed}: {rules:?}");
            one.tickets.iter().for_each(|id| drop(model.waiting.remove(id)));
        }
        matches += found.len();
        left += model.waiting.len();
        let anchors = model.anchors();
        for _ in 0..6.min(anchors.len()) {
            let anchor = anchors[dice.below(anchors.len())];
            let mut others: Vec<&Own> = model.others(&model.waiting[&anchor]);
            (0..others.len()).for_each(|at| others.swap(at, dice.below(at + 1)));
            others.truncate(12);
            asked += usize::from(others.len() > 3);
            let missed = model.find_among(anchor, &others, now).map(|choice| choice.len());
            assert!(missed.is_none(), "{anchor} has a match: seed {seed}: {rules:?}");
        }
    }
    assert!(matches > 500 && left > 1_000 && asked > 200, "{matches} matches, {left} left, {asked} asked");
}
