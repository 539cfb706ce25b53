//! Rule sets that are dear to judge: work is what it takes, not how many candidates were judged.
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use serde_json::json;
use std::sync::Arc;

const STEP: u32 = 10_000;

/// Two against two by so many rules that no match holds, which only whole candidates tell; tickets of one player with so
/// many strings.
fn pool(rules: usize, tickets: u128, strings: u128) -> RulePool {
    let rule = |nth| {
        json!({"name": format!("r{nth}"), "type": "comparison", "operation": "=", "referenceValue": nth as f64 + 0.5,
            "measurements": ["count(set_intersection(flatten(teams[*].players.attributes[maps])))"]})
    };
    let team = |name: &str| json!({"name": name, "minPlayers": 2, "maxPlayers": 2});
    let text = json!({
        "ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "maps", "type": "string_list"}],
        "teams": [team("a"), team("b")], "rules": (0..rules).map(rule).collect::<Vec<_>>(),
    });
    filled(&text, tickets, strings)
}

/// A pool under these rules, with tickets of one player with so many strings.
fn filled(text: &serde_json::Value, tickets: u128, strings: u128) -> RulePool {
    let set = parse(&text.to_string(), Dialect::Extended).expect("a rule set").set;
    let mut pool = RulePool::new(Arc::new(set));
    for n in 1..=tickets {
        let maps = (0..strings).map(|nth| format!("map{}", (n * 7_919 + nth * 31) % 1_000)).collect();
        let attributes = [("maps".to_owned(), Value::List(maps))].into();
        let member = Member { player: n.to_string(), attributes, ..Member::default() };
        let players = vec![(PlayerId::from_u128(n), member)];
        let started_at = Timestamp::from_millis(n as i64);
        pool.insert(RuledTicket { id: TicketId::from_u128(n), players, backfill: None, started_at }).unwrap();
    }
    pool
}

/// Whole candidates that were judged until every choice of eight tickets was, the work of that, and its steps.
fn judged(rules: usize, strings: u128) -> (u64, u64, u32) {
    let mut pool = pool(rules, 8, strings);
    let (mut work, mut steps) = (0, 0);
    loop {
        let step = pool.step(Timestamp::from_millis(1_000 + i64::from(steps)), STEP);
        // A step ends with the judgement that its budget is spent in.
        assert!(step.work < STEP + 2_000 && step.matches.is_empty(), "{step:?}");
        if step.finished && step.work < 64 {
            break;
        }
        (work, steps) = (work + u64::from(step.work), steps + 1);
        assert!(steps < 1_000);
    }
    let failed = |n: u128| pool.counts(TicketId::from_u128(n)).first().map_or(0, |(_, failed)| *failed);
    ((1..=8).map(failed).sum(), work, steps)
}

#[test]
fn a_judgement_counts_as_what_it_takes() {
    // Four of eight, in one of six ways.
    let (few, plain_work, _) = judged(1, 3);
    let (many, dear_work, steps) = judged(100, 100);
    assert_eq!((few, many), (420, 420), "the same is found");
    assert!(plain_work < 5_000, "{plain_work}");
    // A whole candidate has 400 strings, which 100 rules read.
    assert!((60_000..600_000).contains(&dear_work) && steps > 5, "{dear_work} {steps}");
    let (_, half, _) = judged(50, 100);
    assert!((dear_work * 4 / 10..dear_work * 6 / 10).contains(&half), "{half} {dear_work}");
}

#[test]
fn an_answer_about_a_ticket_looks_at_as_many_as_its_budget_allows() {
    let pool = pool(100, 300, 100);
    let (id, now) = (TicketId::from_u128(1), Timestamp::from_millis(1_000));
    let told = |budget: u32| pool.explain_within(id, now, budget).expect("it waits");
    let whole = told(u32::MAX);
    assert_eq!((whole.complete, whole.others, whole.rules[0].passing), (true, 299, 299));
    let part = told(20_000);
    assert!(!part.complete && (1..150).contains(&part.rules[0].passing), "{}", part.rules[0].passing);
    let twice = told(40_000);
    assert!(twice.rules[0].passing.abs_diff(2 * part.rules[0].passing) < 6, "{}", twice.rules[0].passing);
    // A short look has neither the place nor the plan.
    let (short, work) = pool.glance(id, now, 20_000).expect("it waits");
    assert!((20_000..21_000).contains(&work), "{work}");
    assert_eq!((short.position, part.position, part.rules[0].plan.len()), (0, 1, 1));
    let mut less = part;
    less.position = 0;
    less.rules.iter_mut().for_each(|rule| rule.plan.clear());
    assert_eq!(short, less);
}

/// With an objective a step is as bounded, and matches are made: how many are paired together, and how long is looked for a
/// larger match, goes by what judging weighs.
#[test]
fn choosing_by_an_objective_is_as_bounded() {
    let rule = |nth| {
        json!({"name": format!("r{nth}"), "type": "comparison", "operation": "!=", "referenceValue": f64::from(nth) + 0.5,
            "measurements": ["count(set_intersection(flatten(teams[*].players.attributes[maps])))"]})
    };
    for (size, wanted) in [(1, 200), (2, 100), (5, 40)] {
        let team = |name: &str| json!({"name": name, "minPlayers": size, "maxPlayers": size});
        let text = json!({
            "ruleLanguageVersion": "1.0",
            "playerAttributes": [{"name": "maps", "type": "string_list"}, {"name": "skill", "type": "number", "default": 9}],
            "teams": [team("a"), team("b")], "rules": (0..100).map(rule).collect::<Vec<_>>(),
            "objective": {"cost": [{"spread": "skill"}], "holdBack": {"policy": "none"}, "starvationSeconds": 600},
        });
        for start in [1_000, 700_000] {
            let mut pool = filled(&text, 400, 100);
            let (mut matches, mut steps) = (0, 0);
            while matches < wanted {
                let step = pool.step(Timestamp::from_millis(start + 300 * i64::from(steps)), 50_000);
                assert!(step.work < 200_000, "{size}: {}", step.work);
                (matches, steps) = (matches + step.matches.len(), steps + 1);
                assert!(steps < 400, "{size}: {matches} matches");
            }
        }
    }
}
