//! Pools whose matches cost what a model's prediction of them lacks of an even one.
use crate::objective::{Draw, index, pool_of, round, rules};
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RuledMatch, RuledTicket};
use gsm_rules::{Member, Value};
use serde_json::{Value as Json, json};

/// Who waits alone.
#[derive(Debug, Clone, Copy)]
struct Waiter {
    rating: f64,
    strength: Option<f64>,
}

impl Waiter {
    /// Whose rating says little about what the model expects of him; of one in so many nothing is known.
    fn drawn(draw: &mut Draw, unknown: u64) -> Self {
        let rating = draw.skill();
        let strength = 4.0 * draw.unit() - 2.0;
        Self { rating, strength: (draw.below(unknown) > 0).then_some(strength) }
    }
    fn ticket(&self, n: usize) -> RuledTicket {
        let attributes = [("skill".to_owned(), Value::Number(self.rating))];
        let member = Member { attributes: attributes.into(), strength: self.strength, ..Member::default() };
        RuledTicket {
            id: TicketId::from_u128(n as u128),
            players: vec![(PlayerId::from_u128(n as u128), member)],
            backfill: None,
            started_at: Timestamp::EPOCH,
        }
    }
}

fn dear(cost: Json) -> Json {
    json!({ "cost": cost, "holdBack": { "policy": "none" }, "starvationSeconds": 60 })
}

fn found(size: u32, cost: Json, waiters: &[Waiter]) -> Vec<RuledMatch> {
    let tickets = waiters.iter().enumerate().map(|(n, of)| of.ticket(n));
    round(&mut pool_of(&rules(size, json!([]), dear(cost)), tickets), 1_000, 100_000)
}

/// 1 - 4p(1 - p) of two sides, by strengths where all have one.
fn lost(sides: [&[Waiter]; 2]) -> f64 {
    let is_known = sides.iter().copied().flatten().all(|of| of.strength.is_some());
    let value = |of: &Waiter| {
        if is_known { of.strength.unwrap() } else { of.rating * 10_f64.ln() / 400.0 }
    };
    let mean = |side: &[Waiter]| side.iter().map(value).sum::<f64>() / side.len() as f64;
    let p = 1.0 / (1.0 + (mean(sides[1]) - mean(sides[0])).exp());
    1.0 - 4.0 * p * (1.0 - p)
}

fn duel(one: Waiter, two: Waiter) -> f64 {
    lost([&[one], &[two]])
}

/// The least that pairs of all can cost, by trying all.
fn least(waiters: &[Waiter]) -> f64 {
    let size = waiters.len();
    let mut best = vec![f64::INFINITY; 1 << size];
    best[0] = 0.0;
    for set in 1_usize..1 << size {
        let one = set.trailing_zeros() as usize;
        let rest = set & !(1 << one);
        let others = (0..size).filter(|two| rest >> two & 1 == 1);
        let costs = others.map(|two| duel(waiters[one], waiters[two]) + best[rest & !(1 << two)]);
        best[set] = costs.fold(f64::INFINITY, f64::min);
    }
    best[(1 << size) - 1]
}

#[test]
fn pairs_cost_hardly_more_than_the_least() {
    let mut draw = Draw(21);
    for unknown in [1_000_000, 4] {
        let (mut sum, mut best) = (0.0, 0.0);
        for _ in 0..40 {
            let waiters: Vec<Waiter> = (0..14).map(|_| Waiter::drawn(&mut draw, unknown)).collect();
            let cost = json!([{ "lostQuality": "skill", "weight": 100 }]);
            let found = found(1, cost, &waiters);
            assert_eq!(found.len(), 7);
            let of = |of: &RuledMatch| duel(waiters[index(of.tickets[0])], waiters[index(of.tickets[1])]);
            let (had, least) = (found.iter().map(of).sum::<f64>(), least(&waiters));
            assert!(had >= least - 1e-9, "{had} against {least}");
            (sum, best) = (sum + had, best + least);
        }
        assert!(sum <= 1.02 * best, "{sum} against {best}, unknown one in {unknown}");
    }
}

/// In a pool of which neighbours alone are looked at, neighbours are those of equal strength, also where a part that costs
/// little comes first.
#[test]
fn neighbours_in_strength_play_where_that_costs_most() {
    let mut draw = Draw(22);
    let waiters: Vec<Waiter> = (0..4_000).map(|_| Waiter::drawn(&mut draw, 1_000_000)).collect();
    let mut sorted: Vec<Waiter> = waiters.clone();
    sorted.sort_by(|a, b| a.strength.unwrap().total_cmp(&b.strength.unwrap()));
    let best: f64 = sorted.as_chunks::<2>().0.iter().map(|[a, b]| duel(*a, *b)).sum();
    let lost = json!({ "lostQuality": "skill", "weight": 1e6 });
    for cost in [json!([lost]), json!([{ "spread": "skill", "weight": 1e-9 }, lost])] {
        let found = found(1, cost, &waiters);
        assert_eq!(found.len(), 2_000);
        let of = |of: &RuledMatch| duel(waiters[index(of.tickets[0])], waiters[index(of.tickets[1])]);
        let sum: f64 = found.iter().map(of).sum();
        assert!(sum <= 1.1 * best, "{sum} against {best}");
    }
    // Where the spread costs most, strengths hardly count.
    let spread = json!([{ "lostQuality": "skill", "weight": 1e-6 }, { "spread": "skill", "weight": 1 }]);
    let gap =
        |of: &RuledMatch| (waiters[index(of.tickets[0])].rating - waiters[index(of.tickets[1])].rating).abs();
    let gaps: f64 = found(1, spread, &waiters).iter().map(gap).sum();
    assert!(gaps / 2_000.0 < 2.0, "{gaps}");
}

#[test]
fn teams_take_the_split_that_loses_least() {
    let mut draw = Draw(23);
    for nth in 0..12 {
        let unknown = if nth % 3 == 0 { 8 } else { 1_000_000 };
        let waiters: Vec<Waiter> = (0..10).map(|_| Waiter::drawn(&mut draw, unknown)).collect();
        let found = found(5, json!([{ "lostQuality": "skill", "weight": 100 }]), &waiters);
        let side = |side: usize| -> Vec<Waiter> {
            found[0].sides[side].iter().map(|seat| waiters[index(seat.ticket)]).collect()
        };
        let had = lost([&side(0), &side(1)]);
        let split = |mask: u32| {
            let (one, two): (Vec<usize>, Vec<usize>) = (0..10).partition(|at| mask >> at & 1 == 1);
            let of = |all: Vec<usize>| all.into_iter().map(|at| waiters[at]).collect::<Vec<_>>();
            lost([&of(one), &of(two)])
        };
        let best = (0..1_u32 << 10).filter(|mask| mask.count_ones() == 5).map(split).fold(f64::MAX, f64::min);
        assert!((had - best).abs() < 1e-9, "{had} against {best}");
    }
}
