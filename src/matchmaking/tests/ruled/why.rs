//! Why a ticket waits is told by the clock of the match that it would be in.
use gsm_core::{Millis, PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledExplain, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

/// One against one within 10, after 30 seconds within 100; tickets with their ages in seconds and their numbers. What the
/// first one is told.
fn told(by: &str, tickets: &[(i64, f64)]) -> RuledExplain {
    let team = |name: &str| json!({"name": name, "minPlayers": 1, "maxPlayers": 1});
    let text = json!({
        "ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "level", "type": "number"}],
        "algorithm": {"expansionAgeSelection": by}, "teams": [team("a"), team("b")],
        "rules": [{"name": "near", "type": "batchDistance", "batchAttribute": "level", "maxDistance": 10}],
        "expansions": [{"target": "rules[near].maxDistance", "steps": [{"waitTimeSeconds": 30, "value": 100}]}],
    });
    let set = parse(&text.to_string(), Dialect::Strict).expect("a rule set").set;
    let (mut pool, now) = (RulePool::new(Arc::new(set)), Timestamp::from_millis(100_000));
    for (nth, (age, level)) in (1_u128..).zip(tickets) {
        let attributes = BTreeMap::from([("level".to_owned(), Value::Number(*level))]);
        let member = Member { player: nth.to_string(), attributes, ..Member::default() };
        let players = vec![(PlayerId::from_u128(nth), member)];
        let started_at = Timestamp::from_millis(100_000 - age * 1_000);
        let ticket = RuledTicket { id: TicketId::from_u128(nth), players, backfill: None, started_at };
        pool.insert(ticket).expect("room");
    }
    pool.explain(TicketId::from_u128(1), now).expect("it waits")
}

#[test]
fn the_younger_of_two_says_which_rules_hold() {
    let why = told("newest", &[(40, 0.0), (5, 50.0), (35, 60.0), (1, 9.0)]);
    assert_eq!((why.compatible, why.rules[0].passing), (2, 2), "{why:?}");
    let why = told("oldest", &[(40, 0.0), (5, 50.0), (35, 60.0), (1, 9.0)]);
    assert_eq!((why.compatible, why.rules[0].passing), (3, 3), "{why:?}");
    let why = told("oldest", &[(5, 0.0), (40, 50.0)]);
    assert_eq!(why.compatible, 1, "{why:?}");
}

#[test]
fn an_expansion_unlocks_those_who_are_old_enough_by_then() {
    let why = told("newest", &[(20, 0.0), (5, 50.0), (20, 60.0), (25, 70.0)]);
    let next = why.next.expect("an expansion");
    // Two of them at 30 seconds, the one who is 5 seconds old at 45.
    assert_eq!((why.compatible, next.at, next.unlocked), (0, Millis::from_secs(30), 3));
    assert_eq!(told("oldest", &[(20, 0.0), (5, 50.0)]).next.expect("an expansion").unlocked, 1);
}

#[test]
fn an_expansion_is_told_that_a_younger_one_reaches_later() {
    for (ages, at) in [((2, 1), 31), ((40, 1), 69), ((1, 2), 30)] {
        let next = told("newest", &[(ages.0, 0.0), (ages.1, 50.0)]).next.expect("an expansion");
        assert_eq!((next.at, next.unlocked), (Millis::from_secs(at), 1), "{ages:?}");
    }
    // One that lets nobody in is told as well, as long as it comes for the ticket itself.
    let next = told("newest", &[(2, 0.0), (1, 500.0)]).next.expect("an expansion");
    assert_eq!((next.at, next.unlocked), (Millis::from_secs(30), 0));
    assert_eq!(told("newest", &[(40, 0.0), (1, 500.0)]).next, None);
}

#[test]
fn whom_the_index_leaves_out_counts_as_failed() {
    let team = |name: &str| json!({"name": name, "minPlayers": 2, "maxPlayers": 2});
    let text = json!({
        "ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "level", "type": "number"}],
        "teams": [team("a"), team("b")],
        "rules": [{"name": "near", "type": "batchDistance", "batchAttribute": "level", "maxDistance": 10}],
    });
    let set = parse(&text.to_string(), Dialect::Strict).expect("a rule set").set;
    let mut pool = RulePool::new(Arc::new(set));
    for (nth, level) in (1_u128..).zip([0.0, 5.0, 50.0, 60.0, 70.0]) {
        let attributes = BTreeMap::from([("level".to_owned(), Value::Number(level))]);
        let member = Member { player: nth.to_string(), attributes, ..Member::default() };
        let players = vec![(PlayerId::from_u128(nth), member)];
        let started_at = Timestamp::from_millis(nth as i64);
        let ticket = RuledTicket { id: TicketId::from_u128(nth), players, backfill: None, started_at };
        pool.insert(ticket).expect("room");
    }
    pool.step(Timestamp::from_millis(1_000), 100_000);
    assert_eq!(pool.counts(TicketId::from_u128(1)), [(0, 3)]);
    assert_eq!(
        pool.explain(TicketId::from_u128(1), Timestamp::from_millis(1_000)).expect("it waits").rules[0]
            .failed,
        3
    );
}

/// One against one within 10: an old ticket at 0, and then the others out of its reach, so many between two steps. What is
/// counted for the first and for the last of them.
#[track_caller]
fn check_left_out(kind: &str, others: u128, at_once: u128, expected: [(u64, u64); 2]) {
    let team = |name: &str| json!({"name": name, "minPlayers": 1, "maxPlayers": 1});
    let numbers = |of: &str| format!("{of}(flatten(teams[*].players.attributes[level]))");
    let rule = match kind {
        "distance" => json!({"name": "near", "type": "distance", "measurements": [numbers("max")],
            "referenceValue": numbers("min"), "maxDistance": 10}),
        _ => json!({"name": "near", "type": "batchDistance", "batchAttribute": "level", "maxDistance": 10}),
    };
    let mut rules = vec![rule];
    if kind == "searched" {
        // No index answers it.
        rules.push(json!({"name": "far", "type": "distance", "measurements": [numbers("max")],
            "referenceValue": numbers("min"), "minDistance": 0}));
    }
    let sorts = if kind == "sorted" {
        json!({"batchingPreference": "sorted", "sortByAttributes": ["level"]})
    } else {
        json!({})
    };
    let text = json!({
        "ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "level", "type": "number"}],
        "algorithm": sorts, "teams": [team("a"), team("b")], "rules": rules,
    });
    let set = parse(&text.to_string(), Dialect::Strict).expect("a rule set").set;
    let mut pool = RulePool::new(Arc::new(set));
    for nth in 0..=others {
        let attributes = BTreeMap::from([("level".to_owned(), Value::Number(100.0 * nth as f64))]);
        let member = Member { player: nth.to_string(), attributes, ..Member::default() };
        let players = vec![(PlayerId::from_u128(nth), member)];
        let started_at = Timestamp::from_millis(nth as i64);
        pool.insert(RuledTicket { id: TicketId::from_u128(nth), players, backfill: None, started_at })
            .expect("room");
        if nth % at_once == 0 {
            assert_eq!(pool.step(Timestamp::from_millis(1_000), u32::MAX).matches, []);
        }
    }
    let counts = [0, others].map(|nth| pool.counts(TicketId::from_u128(nth))[0]);
    assert_eq!(counts, expected, "{kind}");
}

#[test]
fn who_comes_out_of_reach_counts_for_those_who_wait() {
    for kind in ["distance", "batch", "sorted", "searched"] {
        check_left_out(kind, 10, 1, [(0, 10), (0, 10)]);
        check_left_out(kind, 10, 5, [(0, 10), (0, 10)]);
    }
}

#[test]
fn many_who_come_together_count_as_well() {
    // Of those who come together the later is looked at for the sake of the earlier.
    for kind in ["distance", "batch", "sorted", "searched"] {
        check_left_out(kind, 100, 100, [(0, 100), (0, 0)]);
    }
}

/// One against one within 10: tickets at these numbers, each of which comes alone, and then those that come together. What is
/// counted for the match that they end in.
#[track_caller]
fn check_matched(alone: &[f64], together: &[f64], expected: (u64, u64)) {
    let team = |name: &str| json!({"name": name, "minPlayers": 1, "maxPlayers": 1});
    let numbers = |of: &str| format!("{of}(flatten(teams[*].players.attributes[level]))");
    for (near, more) in [("distance", false), ("batchDistance", false), ("distance", true)] {
        let mut rules = vec![match near {
            "distance" => json!({"name": "near", "type": "distance", "measurements": [numbers("max")],
                "referenceValue": numbers("min"), "maxDistance": 10}),
            _ => {
                json!({"name": "near", "type": "batchDistance", "batchAttribute": "level", "maxDistance": 10})
            }
        }];
        if more {
            // No index answers it.
            rules.push(json!({"name": "far", "type": "distance", "measurements": [numbers("max")],
                "referenceValue": numbers("min"), "minDistance": 0}));
        }
        let text = json!({
            "ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "level", "type": "number"}],
            "teams": [team("a"), team("b")], "rules": rules,
        });
        let set = parse(&text.to_string(), Dialect::Strict).expect("a rule set").set;
        let mut pool = RulePool::new(Arc::new(set));
        let insert = |pool: &mut RulePool, nth: usize, level: f64| {
            let attributes = BTreeMap::from([("level".to_owned(), Value::Number(level))]);
            let member = Member { player: nth.to_string(), attributes, ..Member::default() };
            let players = vec![(PlayerId::from_u128(nth as u128), member)];
            let (id, started_at) = (TicketId::from_u128(nth as u128), Timestamp::from_millis(nth as i64));
            pool.insert(RuledTicket { id, players, backfill: None, started_at }).expect("room");
        };
        for (nth, level) in alone.iter().enumerate() {
            insert(&mut pool, nth, *level);
            assert_eq!(pool.step(Timestamp::from_millis(1_000), u32::MAX).matches, []);
        }
        for (nth, level) in (alone.len()..).zip(together) {
            insert(&mut pool, nth, *level);
        }
        let matches = pool.step(Timestamp::from_millis(1_000), u32::MAX).matches;
        let counts: Vec<_> = matches.iter().map(|found| found.counts[0]).collect();
        assert_eq!(counts, [expected], "{near}, {more}");
    }
}

#[test]
fn whom_the_index_leaves_out_counts_once_for_who_is_matched() {
    check_matched(&[0.0], &[5.0], (1, 0));
    check_matched(&[0.0, 1_000.0, 2_000.0, 3_000.0], &[5.0], (1, 3));
    check_matched(&[1_000.0, 2_000.0, 3_000.0, 0.0], &[5.0], (1, 3));
    check_matched(&[1_000.0, 2_000.0, 0.0, 4_000.0], &[5.0], (1, 3));
    // Two that come together are asked one by one.
    check_matched(&[1_000.0, 2_000.0, 0.0, 4_000.0], &[5.0, 7_000.0], (1, 4));
    check_matched(&[1_000.0, 2_000.0, 4_000.0], &[0.0, 5.0], (1, 3));
}

#[test]
fn what_is_held_back_by_its_price_is_told_apart() {
    let team = |name: &str| json!({"name": name, "minPlayers": 1, "maxPlayers": 1});
    let text = |hold_back: serde_json::Value| {
        json!({
            "ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "level", "type": "number"}],
            "teams": [team("a"), team("b")],
            "rules": [{"name": "near", "type": "batchDistance", "batchAttribute": "level", "maxDistance": 1000}],
            "objective": {"cost": [{"spread": "level"}], "holdBack": hold_back, "starvationSeconds": 600},
        })
        .to_string()
    };
    let held_back = |hold_back: serde_json::Value, levels: &[f64]| {
        let set = parse(&text(hold_back), Dialect::Extended).expect("a rule set").set;
        let mut pool = RulePool::new(Arc::new(set));
        for (nth, level) in (1_u128..).zip(levels) {
            let attributes = BTreeMap::from([("level".to_owned(), Value::Number(*level))]);
            let member = Member { player: nth.to_string(), attributes, ..Member::default() };
            let players = vec![(PlayerId::from_u128(nth), member)];
            let (id, started_at) = (TicketId::from_u128(nth), Timestamp::from_millis(0));
            pool.insert(RuledTicket { id, players, backfill: None, started_at }).expect("room");
        }
        let now = Timestamp::from_millis(2_000);
        assert!(pool.step(now, 1_000_000).matches.is_empty());
        pool.explain(TicketId::from_u128(1), now).expect("it waits").held_back
    };
    let price = || json!({"policy": "price", "perSecond": 1});
    assert!(held_back(price(), &[0.0, 100.0]));
    assert!(!held_back(price(), &[0.0]), "nobody is there");
    assert!(!held_back(price(), &[0.0, 2000.0]), "the rule stands in the way");
    assert!(!held_back(json!({"policy": "none"}), &[0.0, 2000.0]), "nothing is held back");
}

/// A duel under these rules (a number `level`, a list `blocked`); tickets with their ages in seconds, numbers, latencies in `eu` and
/// whom they block by number. What the first one is told.
fn told_by(
    rules: &serde_json::Value,
    by: &str,
    tickets: &[(i64, f64, Option<u32>, Option<u128>)],
) -> RuledExplain {
    let team = |name: &str| json!({"name": name, "minPlayers": 1, "maxPlayers": 1});
    let text = json!({
        "ruleLanguageVersion": "1.0", "algorithm": {"expansionAgeSelection": by}, "teams": [team("a"), team("b")],
        "playerAttributes": [{"name": "level", "type": "number"}, {"name": "blocked", "type": "string_list", "default": []}],
        "rules": rules,
        "expansions": [{"target": "rules[Ping].maxLatency", "steps": [{"waitTimeSeconds": 30, "value": 200}]}],
    });
    let set = parse(&text.to_string(), Dialect::Extended).expect("a rule set").set;
    let (mut pool, now) = (RulePool::new(Arc::new(set)), Timestamp::from_millis(100_000));
    for (nth, (age, level, latency, blocked)) in (1_u128..).zip(tickets) {
        let names = |of: u128| PlayerId::from_u128(of).to_string();
        let mut attributes = BTreeMap::from([("level".to_owned(), Value::Number(*level))]);
        attributes.extend(blocked.map(|of| ("blocked".to_owned(), Value::List(vec![names(of)]))));
        let latency_ms = latency.map(|ms| ("eu".to_owned(), ms)).into_iter().collect();
        let member = Member { player: names(nth), attributes, latency_ms, ..Member::default() };
        let players = vec![(PlayerId::from_u128(nth), member)];
        let started_at = Timestamp::from_millis(100_000 - age * 1_000);
        pool.insert(RuledTicket { id: TicketId::from_u128(nth), players, backfill: None, started_at })
            .expect("room");
    }
    pool.explain(TicketId::from_u128(1), now).expect("it waits")
}

fn ping() -> serde_json::Value {
    json!({"name": "Ping", "type": "latency", "maxLatency": 100})
}

fn near() -> serde_json::Value {
    json!({"name": "Near", "type": "batchDistance", "batchAttribute": "level", "maxDistance": 10})
}

#[test]
fn who_fails_by_himself_is_not_who_an_older_one_takes_along() {
    let rules = json!([ping()]);
    let tickets = [(1, 0.0, Some(150), None), (40, 0.0, Some(50), None)];
    let why = told_by(&rules, "oldest", &tickets);
    assert_eq!((why.alone, why.compatible, why.binding), (None, 1, None));
    let why = told_by(&rules, "newest", &tickets);
    assert_eq!((why.alone.as_deref(), why.compatible), (Some("Ping"), 0));
    assert_eq!(why.binding.as_deref(), Some("Ping"));
    // Nobody is old enough yet.
    let why = told_by(&rules, "oldest", &[(1, 0.0, Some(150), None), (20, 0.0, Some(50), None)]);
    assert_eq!(why.alone.as_deref(), Some("Ping"));
}

#[test]
fn who_is_never_matched_passes_nothing() {
    let rules = json!([near(), ping()]);
    // The two others have no latency at all.
    let tickets = [(1, 0.0, Some(50), None), (2, 0.0, None, None), (3, 400.0, None, None)];
    let why = told_by(&rules, "newest", &tickets);
    let passing: Vec<usize> = why.rules.iter().map(|rule| rule.passing).collect();
    assert_eq!((why.compatible, passing, why.binding), (0, vec![0, 0], None));
    let why = told_by(&rules, "newest", &[(2, 0.0, None, None), (1, 0.0, Some(50), None)]);
    assert_eq!((why.compatible, why.never.is_some()), (0, true));
}

#[test]
fn in_a_duel_two_tickets_say_all() {
    let avoid = json!({"name": "Avoid", "type": "avoid", "attribute": "blocked"});
    let named = json!({"name": "Named", "type": "collection", "operation": "reference_intersection_count",
        "measurements": ["flatten(teams[*].players.attributes[blocked])"],
        "referenceValue": "flatten(teams[*].players[playerId])", "maxCount": 0});
    let apart = json!({"name": "Apart", "type": "distance", "measurements": ["avg(teams[a].players.attributes[level])"],
        "referenceValue": "avg(teams[b].players.attributes[level])", "maxDistance": 10});
    let either =
        json!([ping(), apart, {"name": "Either", "type": "compound", "statement": "or(Apart, Apart)"}]);
    let own = [(1, 0.0, Some(50), Some(2)), (2, 2_000.0, Some(50), None)];
    let other = [(2, 0.0, Some(50), None), (1, 2_000.0, Some(50), Some(1))];
    for (rules, rule) in
        [(json!([ping(), avoid]), "Avoid"), (json!([ping(), named]), "Named"), (either, "Either")]
    {
        for tickets in [own, other] {
            let why = told_by(&rules, "newest", &tickets);
            assert_eq!((why.compatible, why.binding.as_deref()), (0, Some(rule)), "{why:?}");
        }
    }
}

#[test]
fn the_rule_is_named_that_alone_keeps_most_out() {
    // Two are out of reach in both, one in latency alone.
    let tickets = [
        (1, 0.0, Some(50), None),
        (2, 90.0, Some(300), None),
        (3, 90.0, Some(300), None),
        (4, 5.0, Some(300), None),
    ];
    let why = told_by(&json!([near(), ping()]), "newest", &tickets);
    let far = told_by(&json!([ping(), near()]), "newest", &tickets);
    assert_eq!((why.binding.as_deref(), far.binding.as_deref()), (Some("Ping"), Some("Ping")));
    let tickets = [
        (1, 0.0, Some(50), None),
        (2, 90.0, Some(50), None),
        (3, 90.0, Some(300), None),
        (4, 90.0, Some(300), None),
    ];
    assert_eq!(told_by(&json!([near(), ping()]), "newest", &tickets).binding.as_deref(), Some("Near"));
}
