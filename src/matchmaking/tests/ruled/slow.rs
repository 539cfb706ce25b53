//! Rule sets whose search has no end: bounded work in every step, and less and less of it.
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use std::sync::Arc;

/// Nobody is a hundred thousand points better than the others, and no part of a match says so.
const ENDLESS: &str = r#"{"ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "skill", "type": "number"}],
  "teams": [{"name": "red", "minPlayers": 5, "maxPlayers": 5}, {"name": "blue", "minPlayers": 5, "maxPlayers": 5}],
  "rules": [{"name": "Apart", "type": "distance", "minDistance": 100000,
    "measurements": ["avg(teams[red].players.attributes[skill])"],
    "referenceValue": "avg(teams[blue].players.attributes[skill])"}]}"#;

fn ticket(n: u128, skill: f64) -> RuledTicket {
    let attributes = [("skill".to_owned(), Value::Number(skill))].into();
    let member = Member { player: n.to_string(), attributes, ..Member::default() };
    let players = vec![(PlayerId::from_u128(n), member)];
    let started_at = Timestamp::from_millis(n as i64);
    RuledTicket { id: TicketId::from_u128(n), players, backfill: None, started_at }
}

#[test]
fn a_search_without_end_is_bounded_and_slows_down() {
    let mut pool = RulePool::new(Arc::new(parse(ENDLESS, Dialect::Strict).unwrap().set));
    for n in 1..=60 {
        pool.insert(ticket(n, (n * 7_919 % 1_000) as f64)).unwrap();
    }
    let mut now = 1_000;
    let mut round = |pool: &mut RulePool| {
        now += 100;
        let mut work = 0_u64;
        loop {
            let step = pool.step(Timestamp::from_millis(now), 10_000);
            assert!(step.work < 12_000 && step.matches.is_empty(), "{step:?}");
            work += u64::from(step.work);
            if step.finished {
                return work;
            }
        }
    };
    let first: u64 = (0..20).map(|_| round(&mut pool)).sum();
    let later: u64 = (0..320).map(|_| round(&mut pool)).sum();
    assert!(later / 16 < first, "{later} {first}");
}

/// Five play together whose lists have nothing in common, which only the whole of them tells; of the tickets only those of
/// `lacking` lack a string that all others have, each another one, and so only those five are a match.
fn needles(more: &str, tickets: u128, lacking: [u128; 5]) -> RulePool {
    let text = format!(
        r#"{{"ruleLanguageVersion": "1.0", "playerAttributes": [
          {{"name": "maps", "type": "string_list"}}, {{"name": "skill", "type": "number", "default": 0}}],
          "teams": [{{"name": "five", "minPlayers": 5, "maxPlayers": 5}}],
          "rules": [{{"name": "Nothing", "type": "comparison", "operation": "=", "referenceValue": 0,
            "measurements": ["count(set_intersection(flatten(teams[*].players.attributes[maps])))"]}}]{more}}}"#
    );
    let mut pool = RulePool::new(Arc::new(parse(&text, Dialect::Extended).unwrap().set));
    for n in 1..=tickets {
        let lacks = lacking.iter().position(|of| *of == n);
        let common = (0..5).filter(|map| Some(*map) != lacks).map(|map| format!("common{map}"));
        let maps = common.chain([format!("own{n}")]).collect();
        let mut ticket = ticket(n, 0.0);
        ticket.players[0].1.attributes = [("maps".to_owned(), Value::List(maps))].into();
        pool.insert(ticket).unwrap();
    }
    pool
}

/// The tickets of the first match that is found within so many rounds.
fn found(pool: &mut RulePool, from: i64, rounds: i64) -> Option<Vec<u128>> {
    (0..rounds).find_map(|round| {
        let mut matches = Vec::new();
        loop {
            let step = pool.step(Timestamp::from_millis(from + round * 100), 50_000);
            matches.extend(step.matches);
            if step.finished {
                break;
            }
        }
        let ids = matches.first()?.tickets.iter().map(|id| id.as_u128());
        Some(ids.collect())
    })
}

/// More searches are cut than are kept: one that is not goes on when there is room.
#[test]
fn a_search_that_was_not_kept_begins_anew() {
    let lacking = [33, 64, 65, 66, 67];
    let mut pool = needles("", 67, lacking);
    assert_eq!(found(&mut pool, 1_000, 1), None);
    for n in 1..=32 {
        assert!(pool.remove(TicketId::from_u128(n)));
    }
    assert_eq!(found(&mut pool, 1_100, 10).as_deref(), Some(&lacking[..]));
}

/// While a search goes on its tickets grow older, and reach a stage in which they are no match.
#[test]
fn a_search_that_goes_on_finds_what_is_a_match_by_then() {
    let narrower = r#", "expansions": [{"target": "rules[Nothing].referenceValue",
        "steps": [{"waitTimeSeconds": 60, "value": 100}]}]"#;
    let lacking = [1, 32, 33, 34, 35];
    for (from, expected) in [(11_000, Some(&lacking[..])), (200_000, None)] {
        let mut pool = needles(narrower, 35, lacking);
        assert_eq!(found(&mut pool, 10_000, 1), None);
        assert_eq!(found(&mut pool, from, 10).as_deref(), expected, "{from}");
    }
}

/// What was judged for a ticket's sake is told while its search goes on.
#[test]
fn a_search_that_was_cut_has_counted() {
    let mut pool = needles("", 40, [0; 5]);
    let mut round = |now: i64| {
        assert_eq!(found(&mut pool, now, 1), None);
        (1..=5).map(|n| pool.counts(TicketId::from_u128(n))[0].1).collect::<Vec<_>>()
    };
    let (first, second) = (round(1_000), round(1_100));
    assert!(first.iter().all(|failed| *failed > 10_000), "{first:?}");
    // A choice of five that was judged is not judged again.
    assert!(
        first.iter().zip(&second).all(|(before, after)| before < after && *after <= 82_251),
        "{second:?}"
    );
}

const FIVES: &str = include_str!("../../../../config/rule-sets/fives.json");

/// Where healers run out, nothing that the rules ask of both teams tells it: who asks that of each part of a match finds the
/// same matches with twice the work, and with ten times as much where there are a million tickets.
#[test]
fn what_tells_nothing_of_the_teams_is_asked_seldom() {
    let mut pool = RulePool::new(Arc::new(parse(FIVES, Dialect::Strict).unwrap().set));
    for n in 1..=30_000_u128 {
        let skill = 1_000.0 + (n * 7_919 % 1_000) as f64;
        let mut ticket = ticket(n, skill);
        let role = if n.is_multiple_of(10) { "healer" } else { "damage" };
        let member = &mut ticket.players[0].1;
        member.attributes.insert("roles".to_owned(), Value::List(vec![role.to_owned()]));
        member.latency_ms = [("eu".to_owned(), 30)].into();
        pool.insert(ticket).unwrap();
    }
    let (mut work, mut matched) = (0, 0);
    loop {
        let step = pool.step(Timestamp::from_millis(5_000), 100_000);
        work += step.work;
        matched += step.matches.len();
        if step.finished {
            break;
        }
    }
    assert!(work < 3_200_000 && matched == 1_488, "{work} {matched}");
}

/// While a search waits for its next step tickets leave, and others come in their place: what it finds is of those who wait.
#[test]
fn a_search_that_was_cut_sees_who_has_left() {
    let rules = ENDLESS
        .replace("100000", "600")
        .replace("5}", "3}")
        .replace("\"minPlayers\": 5", "\"minPlayers\": 3");
    let mut pool = RulePool::new(Arc::new(parse(&rules, Dialect::Strict).unwrap().set));
    let (mut seed, mut next, mut matches, mut cut) = (7_u64, 0_u128, 0, 0);
    let mut draw = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut waiting: Vec<TicketId> = Vec::new();
    for now in 0..6_000 {
        while waiting.len() < 24 {
            next += 1;
            let ticket = ticket(next, draw(1_000) as f64);
            waiting.push(ticket.id);
            pool.insert(ticket).unwrap();
        }
        let step = pool.step(Timestamp::from_millis(now * 50), 64);
        cut += usize::from(!step.finished);
        for found in step.matches {
            matches += 1;
            assert!(found.sides.iter().all(|side| side.len() == 3), "{found:?}");
            for id in found.tickets {
                let at = waiting.iter().position(|other| *other == id).expect("it waits");
                waiting.swap_remove(at);
            }
        }
        if !waiting.is_empty() {
            let gone = waiting.swap_remove(draw(waiting.len() as u64) as usize);
            assert!(pool.remove(gone));
        }
        assert_eq!(pool.len(), waiting.len());
    }
    assert!(matches > 100 && cut > 1_000, "{matches} {cut}");
}

/// By an objective each ticket's search goes on in the next round as well.
#[test]
fn a_search_by_objective_goes_on() {
    let objective = r#", "objective": {"cost": [{"spread": "skill"}], "starvationSeconds": 3600}"#;
    let lacking = [1, 32, 33, 34, 35];
    let mut pool = needles(objective, 35, lacking);
    assert_eq!(found(&mut pool, 1_000, 1), None);
    // Some 46,000 choices of the first ticket's, at 2,000 work units a round; a round begins each quarter of a second.
    assert_eq!(found(&mut pool, 2_000, 300).as_deref(), Some(&lacking[..]));
}

/// Searches of those who have waited too long, more than are kept: what each of them takes does not begin anew in each round.
#[test]
fn who_has_waited_too_long_is_searched_for_less_and_less() {
    let objective = r#", "objective": {"cost": [{"spread": "skill"}], "starvationSeconds": 1}"#;
    let mut pool = needles(objective, 60, [0; 5]);
    let mut round = |now: i64| {
        let mut work = 0_u64;
        loop {
            let step = pool.step(Timestamp::from_millis(now), 50_000);
            assert!(step.matches.is_empty());
            work += u64::from(step.work);
            if step.finished {
                return work;
            }
        }
    };
    let first = round(5_000);
    let later: u64 = (1..=340).map(|nth| round(5_000 + 300 * nth)).skip(320).sum();
    assert!(later / 20 < first / 2, "{later} {first}");
}
