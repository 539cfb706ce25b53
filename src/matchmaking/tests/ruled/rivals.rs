//! Teams that take different players and are set against each other by rules, formed from many tickets: nothing is left
//! behind that the twin could match.
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

/// Work units below which every search has come to its end.
const WORK_MAX: u32 = 50_000;

fn team(name: &str) -> String {
    format!("teams[{name}].players.attributes[skill]")
}

/// What the pack has against what the quarry has, in any form.
fn versus(dice: &mut Dice) -> Json {
    let fold = |dice: &mut Dice, name: &str| {
        let function = dice.one(&["min", "max", "avg", "median"]);
        format!("{function}(flatten({}))", team(name))
    };
    let (one, two) = if dice.chance(50) { ("pack", "quarry") } else { ("quarry", "pack") };
    let measured = if dice.chance(25) { team(one) } else { fold(dice, one) };
    let picky = if dice.chance(50) { "skill" } else { "level" };
    let reference = match dice.below(4) {
        0 => json!(dice.below(5)),
        1 => json!("avg(flatten(teams[*].players.attributes[skill]))"),
        _ => json!(fold(dice, two).replace("skill", picky)),
    };
    let mut rule = json!({"name": "versus", "type": "comparison", "operation": dice.one(&["<", "<=", ">=", ">"]),
        "measurements": [measured], "referenceValue": reference, "partyAggregation": dice.one(&["min", "max", "avg"])});
    if dice.chance(40) {
        let rule = rule.as_object_mut().unwrap();
        rule.remove("operation");
        rule.insert("type".to_owned(), json!("distance"));
        rule.insert(
            dice.one(&["maxDistance", "maxDistance", "minDistance"]).to_owned(),
            json!(dice.below(3)),
        );
    }
    rule
}

fn rule_set(dice: &mut Dice) -> String {
    // Five players at most, or the twin is at it for ever.
    let (size, packs) = dice.one(&[(2, 1), (3, 1), (4, 1), (2, 2)]);
    let team = |name: &str, size: usize, quantity: usize| json!({"name": name, "minPlayers": size, "maxPlayers": size, "quantity": quantity});
    let wants = |name: &str, role: usize| {
        json!({"name": format!("{name}Wants"), "type": "comparison", "operation": "=", "referenceValue": role,
            "measurements": [format!("teams[{name}].players.attributes[wants]")]})
    };
    let mut rules = vec![versus(dice)];
    if dice.chance(80) {
        rules.extend([wants("pack", 0), wants("quarry", 1)]);
    }
    if dice.chance(40) {
        rules.push(json!({"name": "even", "type": "distance", "maxDistance": 1 + dice.below(2),
            "measurements": ["max(avg(teams[*].players.attributes[level]))"],
            "referenceValue": "min(avg(teams[*].players.attributes[level]))"}));
    }
    if dice.chance(30) {
        rules.push(
            json!({"name": "near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 2}),
        );
    }
    if dice.chance(50) {
        rules.push(json!({"name": "sort", "type": "distanceSort", "sortAttribute": "skill", "sortDirection": "ascending"}));
    }
    let mut expansions = Vec::new();
    if dice.chance(40) {
        let steps = json!([{"waitTimeSeconds": 6, "value": size - 1}]);
        expansions.push(json!({"target": "teams[pack].minPlayers", "steps": steps}));
    }
    json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{"name": "skill", "type": "number"}, {"name": "level", "type": "number"},
            {"name": "wants", "type": "number"}],
        "algorithm": {"expansionAgeSelection": dice.one(&["newest", "oldest"])},
        "teams": [team("pack", size, packs), team("quarry", 1, 1)], "rules": rules, "expansions": expansions,
    })
    .to_string()
}

fn ticket(dice: &mut Dice, n: usize, scarce: usize) -> RuledTicket {
    let wants = usize::from(dice.chance(scarce));
    let size = if wants == 0 && dice.chance(15) { 2 } else { 1 };
    let player = |dice: &mut Dice, at: usize| {
        let id = PlayerId::from_u128((10 * n + at) as u128);
        let number = |value: usize| Value::Number(value as f64);
        let attributes = [
            ("skill".to_owned(), number(dice.below(9))),
            ("level".to_owned(), number(dice.below(9))),
            ("wants".to_owned(), number(wants)),
        ];
        (id, Member { player: id.to_string(), attributes: attributes.into(), ..Member::default() })
    };
    let players = (0..size).map(|at| player(dice, at)).collect();
    let started_at = Timestamp::from_millis(10_000 + 1_000 * dice.below(11) as i64);
    RuledTicket { id: TicketId::from_u128(n as u128), players, backfill: None, started_at }
}

/// A few of those who may join the anchor, those whom few are first.
fn few<'m>(dice: &mut Dice, model: &'m Model<'_>, anchor: TicketId) -> Vec<&'m Own> {
    let mut others = model.others(&model.waiting[&anchor]);
    let wants = |own: &Own| own.members().any(|member| member.attributes["wants"] == Value::Number(1.0));
    let (mut rare, mut rest): (Vec<&Own>, Vec<&Own>) =
        std::mem::take(&mut others).into_iter().partition(|own| wants(own));
    for list in [&mut rare, &mut rest] {
        for at in 0..list.len() {
            let other = dice.below(list.len());
            list.swap(at, other);
        }
    }
    rare.truncate(3);
    rest.truncate(8);
    [rare, rest].concat()
}

#[test]
fn of_teams_that_are_set_against_each_other_none_is_left_that_has_a_match() {
    let (mut matches, mut left, mut asked, mut hard) = (0, 0, 0, 0);
    for seed in 0..150 {
        let mut dice = Dice(seed ^ 0x517a);
        let text = rule_set(&mut dice);
        let set = parse(&text, Dialect::Strict).unwrap_or_else(|faults| panic!("{text}: {faults:#?}")).set;
        let set = Arc::new(set);
        let (mut pool, mut model) = (RulePool::new(set.clone()), Model::new(&set));
        let scarce = dice.one(&[3, 10, 30]);
        for n in 1..30 + dice.below(90) {
            let ticket = ticket(&mut dice, n, scarce);
            pool.insert(ticket.clone()).unwrap();
            model.insert(ticket);
        }
        let now = Timestamp::from_millis(20_000);
        let mut cut = pool.clone();
        let step = pool.step(now, u32::MAX);
        let found = step.matches;
        assert_eq!(all(&mut cut, now, || dice.below(90) as u32), found, "{seed}: {text}");
        for one in &found {
            let choice = model.choice(one);
            assert!(model.is_match(&choice, now), "{one:?} breaks a rule: seed {seed}: {text}");
            one.tickets.iter().for_each(|id| drop(model.waiting.remove(id)));
        }
        matches += found.len();
        left += model.waiting.len();
        if step.work > WORK_MAX {
            // Some anchor may have spent its work of the round.
            hard += 1;
            continue;
        }
        let anchors = model.anchors();
        for _ in 0..12.min(anchors.len()) {
            let anchor = anchors[dice.below(anchors.len())];
            let others = few(&mut dice, &model, anchor);
            asked += usize::from(others.len() > 4);
            let missed = model.find_among(anchor, &others, now).map(|choice| choice.len());
            assert!(missed.is_none(), "{anchor} has a match: seed {seed}: {text}");
        }
    }
    assert!(matches > 500 && left > 500 && asked > 300, "{matches} matches, {left} left, {asked} asked");
    assert!(hard < 8, "{hard} pools took more than {WORK_MAX} work units");
}
