//! What matches cost by an objective counts by comparison alone: the same of all weights changes nothing.
use crate::objective::{Draw, index, pool_of, round};
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RuledMatch, RuledTicket};
use gsm_rules::{Member, Value};
use serde_json::{Value as Json, json};

fn tickets(seed: u64, count: usize) -> Vec<RuledTicket> {
    let mut draw = Draw(seed);
    let ticket = |n: usize| {
        let home = draw.below(4);
        let places = ["ap", "eu", "sa", "us"].into_iter().zip(0..);
        let mut ms = |at: u64| if at == home { 20 + draw.below(40) } else { 80 + draw.below(120) };
        let latency_ms = places.map(|(place, at)| (place.to_owned(), ms(at) as u32)).collect();
        let attributes = [("skill".to_owned(), Value::Number(draw.skill()))].into();
        let member = Member { attributes, latency_ms, ..Member::default() };
        RuledTicket {
            id: TicketId::from_u128(n as u128),
            players: vec![(PlayerId::from_u128(n as u128), member)],
            backfill: None,
            started_at: Timestamp::from_millis(n as i64 * 50),
        }
    };
    (0..count).map(ticket).collect()
}

fn found(size: u32, tickets: &[RuledTicket], hold_back: impl Fn(f64) -> Json, scale: f64) -> Vec<RuledMatch> {
    let team = |name: &str| json!({ "name": name, "minPlayers": size, "maxPlayers": size });
    let text = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "skill", "type": "number" }],
        "teams": [team("a"), team("b")],
        "objective": { "starvationSeconds": 600, "holdBack": hold_back(scale),
            "cost": [{ "spread": "skill", "weight": scale }, { "imbalance": "skill", "weight": scale },
                     { "latencyAbove": 60, "weight": 3.0 * scale }] },
    });
    round(&mut pool_of(&text.to_string(), tickets.iter().cloned()), 20_000, 100_000)
}

/// The gaps and the milliseconds above sixty of pairs.
fn cost(found: &[RuledMatch], tickets: &[RuledTicket]) -> f64 {
    let skill = |of: &Member| match of.attributes["skill"] {
        Value::Number(skill) => skill,
        _ => 0.0,
    };
    let of = |of: &RuledMatch| {
        let [one, two] = [0, 1].map(|at| &tickets[index(of.tickets[at])].players[0].1);
        let worst = one.latency_ms.iter().map(|(place, ms)| *ms.max(&two.latency_ms[place]));
        2.0 * (skill(one) - skill(two)).abs() + 3.0 * (f64::from(worst.min().unwrap()) - 60.0).max(0.0)
    };
    found.iter().map(of).sum()
}

#[test]
fn the_scale_of_costs_changes_nothing() {
    let none = |_: f64| json!({ "policy": "none" });
    let price = |scale: f64| json!({ "policy": "price", "start": 60.0 * scale, "perSecond": 4.0 * scale });
    for seed in 0..6 {
        let pool = tickets(seed, 120);
        for (size, hold_back) in [(1, &none as &dyn Fn(f64) -> Json), (1, &price), (3, &none), (3, &price)] {
            let of = |scale: f64| found(size, &pool, hold_back, scale);
            let plain = of(1.0);
            assert!(plain.len() > 5, "{} of {size}", plain.len());
            // By powers of two to the bit, by others but for ties.
            for scale in [0.5_f64.powi(20), 0.5_f64.powi(40), 2_f64.powi(30)] {
                assert_eq!(of(scale), plain, "{size}, {scale}");
            }
            let tiny = of(1e-6);
            assert_eq!(tiny.len(), plain.len());
            if size == 1 {
                let (had, wanted) = (cost(&tiny, &pool), cost(&plain, &pool));
                assert!((had - wanted).abs() <= 1e-9 * wanted, "{had} against {wanted}");
            }
        }
    }
}

/// Times in milliseconds since 1970 cost more than anything else: their neighbours play all the same.
#[test]
fn great_costs_count_as_what_they_are() {
    let mut pool = tickets(9, 60);
    let mut draw = Draw(10);
    let mut row: Vec<f64> = Vec::new();
    for of in &mut pool {
        let born = 1.7e12 * draw.unit();
        row.push(born);
        of.players[0].1.attributes = [("skill".to_owned(), Value::Number(born))].into();
    }
    let found = found(1, &pool, |_| json!({ "policy": "none" }), 1.0);
    let gap = |of: &RuledMatch| (row[index(of.tickets[0])] - row[index(of.tickets[1])]).abs();
    let sum: f64 = found.iter().map(gap).sum();
    let mut sorted = row.clone();
    sorted.sort_by(f64::total_cmp);
    let best: f64 = sorted.as_chunks::<2>().0.iter().map(|[a, b]| b - a).sum();
    assert!(sum <= 1.02 * best, "{sum} against {best}");
}
