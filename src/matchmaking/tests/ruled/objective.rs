//! Pools whose rule set has an objective.
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledMatch, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        (self.unit() * end as f64) as u64
    }
    pub(crate) fn skill(&mut self) -> f64 {
        1_500.0 + 350.0 * ((0..12).map(|_| self.unit()).sum::<f64>() - 6.0)
    }
}

/// A player who waits alone.
#[derive(Debug, Clone)]
struct Waiter {
    skill: f64,
    latency: BTreeMap<String, u32>,
    since_ms: i64,
}

impl Waiter {
    fn at(skill: f64, since_ms: i64) -> Self {
        Self { skill, latency: BTreeMap::new(), since_ms }
    }
    /// With latencies to four places, one of them near.
    fn anywhere(draw: &mut Draw) -> Self {
        let home = draw.below(4);
        let mut ms = |at: u64| if at == home { 20 + draw.below(40) } else { 80 + draw.below(120) };
        let latency = ["ap", "eu", "sa", "us"]
            .into_iter()
            .zip(0..)
            .map(|(place, at)| (place.to_owned(), ms(at) as u32));
        let latency = latency.collect();
        Self { skill: draw.skill(), latency, since_ms: 0 }
    }
    fn ticket(&self, n: usize) -> RuledTicket {
        let attributes = BTreeMap::from([("skill".to_owned(), Value::Number(self.skill))]);
        let latency_ms = self.latency.clone().into_iter().collect();
        let member = Member {
            player: String::new(),
            attributes: attributes.into_iter().collect(),
            latency_ms,
            ..Member::default()
        };
        RuledTicket {
            id: TicketId::from_u128(n as u128),
            players: vec![(PlayerId::from_u128(n as u128), member)],
            backfill: None,
            started_at: Timestamp::from_millis(self.since_ms),
        }
    }
}

pub(crate) fn rules(size: u32, rules: Json, objective: Json) -> String {
    json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "skill", "type": "number" }],
        "teams": [{ "name": "a", "minPlayers": size, "maxPlayers": size },
                  { "name": "b", "minPlayers": size, "maxPlayers": size }],
        "rules": rules, "objective": objective,
    })
    .to_string()
}

fn pool(text: &str, waiters: &[Waiter]) -> RulePool {
    pool_of(text, waiters.iter().enumerate().map(|(n, of)| of.ticket(n)))
}

pub(crate) fn pool_of(text: &str, tickets: impl Iterator<Item = RuledTicket>) -> RulePool {
    let parsed = parse(text, Dialect::Extended).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let mut pool = RulePool::new(Arc::new(parsed.set));
    for ticket in tickets {
        pool.insert(ticket).unwrap();
    }
    pool
}

/// All matches of a round; each ticket is in one at most.
pub(crate) fn round(pool: &mut RulePool, now_ms: i64, budget: u32) -> Vec<RuledMatch> {
    let mut all = Vec::new();
    loop {
        let step = pool.step(Timestamp::from_millis(now_ms), budget);
        all.extend(step.matches);
        if step.finished {
            let mut seen = std::collections::BTreeSet::new();
            assert!(all.iter().flat_map(|of: &RuledMatch| &of.tickets).all(|id| seen.insert(*id)));
            return all;
        }
    }
}

pub(crate) fn index(id: TicketId) -> usize {
    id.as_u128() as usize
}

const FREE: &str =
    r#"{"cost": [{"spread": "skill"}], "holdBack": {"policy": "none"}, "starvationSeconds": 60}"#;

fn free() -> Json {
    serde_json::from_str(FREE).unwrap()
}

/// What it costs two to play: the gap, and three for each millisecond above sixty.
fn cost(one: &Waiter, two: &Waiter) -> f64 {
    let worst = one.latency.iter().map(|(place, ms)| *ms.max(&two.latency[place]));
    let best = worst.min().map_or(0.0, f64::from);
    (one.skill - two.skill).abs() + 3.0 * (best - 60.0).max(0.0)
}

fn costly() -> Json {
    json!({ "cost": [{ "spread": "skill" }, { "latencyAbove": 60, "weight": 3 }],
            "holdBack": { "policy": "none" }, "starvationSeconds": 60 })
}

#[test]
fn neighbours_play_where_skill_is_all() {
    let mut draw = Draw(5);
    for size in [1_000, 5_000] {
        let waiters: Vec<Waiter> = (0..size).map(|_| Waiter::at(draw.skill(), 0)).collect();
        let found = round(&mut pool(&rules(1, json!([]), free()), &waiters), 1_000, 100_000);
        assert_eq!(found.len(), size / 2);
        let gap = |of: &RuledMatch| {
            let [one, two] = of.tickets[..] else { panic!("{of:?}") };
            (waiters[index(one)].skill - waiters[index(two)].skill).abs()
        };
        let mut sorted: Vec<f64> = waiters.iter().map(|of| of.skill).collect();
        sorted.sort_by(f64::total_cmp);
        let best: f64 = sorted.as_chunks::<2>().0.iter().map(|[a, b]| b - a).sum();
        let sum: f64 = found.iter().map(gap).sum();
        assert!(sum <= 1.02 * best, "{sum} against {best}");
    }
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
        let costs = others.map(|two| cost(&waiters[one], &waiters[two]) + best[rest & !(1 << two)]);
        best[set] = costs.fold(f64::INFINITY, f64::min);
    }
    best[(1 << size) - 1]
}

#[test]
fn skill_and_latency_cost_hardly_more_than_the_least() {
    let mut draw = Draw(6);
    let (mut sum, mut best) = (0.0, 0.0);
    for _ in 0..40 {
        let waiters: Vec<Waiter> = (0..14).map(|_| Waiter::anywhere(&mut draw)).collect();
        let found = round(&mut pool(&rules(1, json!([]), costly()), &waiters), 1_000, 100_000);
        assert_eq!(found.len(), 7);
        let of = |of: &RuledMatch| cost(&waiters[index(of.tickets[0])], &waiters[index(of.tickets[1])]);
        let (had, least) = (found.iter().map(of).sum::<f64>(), least(&waiters));
        assert!(had >= least - 1e-6 && had <= 1.25 * least, "{had} against {least}");
        (sum, best) = (sum + had, best + least);
    }
    assert!(sum <= 1.02 * best, "{sum} against {best}");
}

/// At a launch all have the same rating, or there are a few tiers of them.
#[test]
fn who_are_alike_are_all_matched_at_once() {
    let mut draw = Draw(21);
    let lone = |mut of: Waiter, skill: f64| {
        of.skill = skill;
        of
    };
    for (size, objective) in [(30, free()), (200, free()), (1_600, free()), (200, costly())] {
        for tiers in [1, 3, 8] {
            let mut waiter = |_| {
                let skill = 1_500.0 + 100.0 * draw.below(tiers) as f64;
                lone(Waiter::anywhere(&mut draw), skill)
            };
            let waiters: Vec<Waiter> = (0..size).map(&mut waiter).collect();
            let found = round(&mut pool(&rules(1, json!([]), objective.clone()), &waiters), 1_000, 100_000);
            // Of a chunk of a thousand one may be left, if an odd number of others is.
            assert!(found.len() >= size / 2 - size / 1_000, "{} of {size} in {tiers} tiers", 2 * found.len());
        }
    }
    // Half of them newcomers: what is left of them plays the others at the least cost.
    let skill = |at: usize, draw: &mut Draw| if at.is_multiple_of(2) { 1_500.0 } else { draw.skill() };
    let waiters: Vec<Waiter> = (0..150).map(|at| Waiter::at(skill(at, &mut draw), 0)).collect();
    let found = round(&mut pool(&rules(1, json!([]), free()), &waiters), 1_000, 100_000);
    assert_eq!(found.len(), 75);
    let sum: f64 =
        found.iter().map(|of| cost(&waiters[index(of.tickets[0])], &waiters[index(of.tickets[1])])).sum();
    let mut sorted: Vec<f64> = waiters.iter().map(|of| of.skill).collect();
    sorted.sort_by(f64::total_cmp);
    let best: f64 = sorted.as_chunks::<2>().0.iter().map(|[a, b]| b - a).sum();
    assert!(sum <= 1.001 * best, "{sum} against {best}");
}

/// Groups far apart, each of an odd number and larger than the neighbourhood that is looked at of a ticket.
#[test]
fn who_is_left_of_a_group_plays_who_is_left_of_another() {
    let near = |gap: f64| json!([{ "name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": gap }]);
    for (sizes, gap, matches) in [
        (&[13, 13][..], 9e9, 13),
        (&[21, 21], 9e9, 21),
        (&[13, 14, 13], 9e9, 20),
        // The two odd ones are too far apart, and shift who is left between them.
        (&[13, 14, 13], 700.0, 20),
        (&[13, 13], 400.0, 12),
        (&[15, 16, 17, 18, 19, 20, 21], 700.0, 63),
    ] {
        let groups = sizes.iter().enumerate();
        let skills =
            groups.flat_map(|(at, size)| (0..*size).map(move |of| 500.0 * at as f64 + f64::from(of)));
        let waiters: Vec<Waiter> = skills.map(|skill| Waiter::at(skill, 0)).collect();
        let found = round(&mut pool(&rules(1, near(gap), free()), &waiters), 1_000, 100_000);
        assert_eq!(found.len(), matches, "{sizes:?} within {gap}");
    }
}

#[test]
fn a_match_is_held_back_until_its_tickets_pay_for_it() {
    let objective = json!({ "cost": [{ "spread": "skill" }],
        "holdBack": { "policy": "price", "start": 5, "perSecond": 10 }, "starvationSeconds": 600 });
    let text = rules(1, json!([]), objective);
    let far = [Waiter::at(1_500.0, 0), Waiter::at(1_610.0, 0)];
    // Each pays 5 and 10 a second: 110 at five seconds.
    let mut waits = pool(&text, &far);
    assert_eq!(round(&mut waits, 4_900, 1_000), []);
    assert_eq!(round(&mut waits, 5_200, 1_000).len(), 1);
    // A better one that comes meanwhile is taken; within a quarter of a second nothing is looked at again.
    let mut waits = pool(&text, &far);
    assert_eq!(round(&mut waits, 4_900, 1_000), []);
    waits.insert(Waiter::at(1_602.0, 4_950).ticket(2)).unwrap();
    assert_eq!(round(&mut waits, 5_000, 1_000), []);
    let found = round(&mut waits, 5_150, 1_000);
    assert_eq!(found[0].tickets.iter().map(|id| index(*id)).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn who_has_waited_too_long_is_matched_whatever_it_costs() {
    let objective = json!({ "cost": [{ "spread": "skill" }],
        "holdBack": { "policy": "price", "perSecond": 0.001 }, "starvationSeconds": 30 });
    let near =
        json!([{ "name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 400 }]);
    for size in [1, 2] {
        let text = rules(size, near.clone(), objective.clone());
        let mut draw = Draw(8);
        for _ in 0..30 {
            let waiters: Vec<Waiter> =
                (0..20).map(|_| Waiter::at(draw.skill(), draw.below(20_000) as i64)).collect();
            let mut waits = pool(&text, &waiters);
            assert_eq!(round(&mut waits, 20_000, 1_000), [], "nobody pays for anything yet");
            let found = round(&mut waits, 52_000, 64);
            let is_lawful = |of: &RuledMatch| {
                let skills = of.tickets.iter().map(|id| waiters[index(*id)].skill);
                skills.clone().fold(f64::MIN, f64::max) - skills.fold(f64::MAX, f64::min) <= 400.0
            };
            assert!(found.iter().all(is_lawful));
            // No two (or four) who are left may play each other.
            let mut left: Vec<f64> = (0..20)
                .filter(|n| waits.contains(TicketId::from_u128(*n as u128)))
                .map(|n| waiters[n].skill)
                .collect();
            left.sort_by(f64::total_cmp);
            let players = 2 * size as usize;
            assert!(left.windows(players).all(|of| of[players - 1] - of[0] > 400.0), "{left:?}");
        }
    }
}

/// Where no rule says who is near, those who cost little are looked for all the same: among whoever has starved as among others.
#[test]
fn who_costs_least_is_tried_first() {
    let mut draw = Draw(14);
    let waiters: Vec<Waiter> = (0..600).map(|n| Waiter::at(draw.skill(), n)).collect();
    let price = json!({ "policy": "price", "perSecond": 0.001 });
    let starving = json!({ "cost": [{ "spread": "skill" }], "holdBack": price, "starvationSeconds": 30 });
    for (size, objective, most) in [(5, free(), 200.0), (5, starving.clone(), 200.0), (1, starving, 20.0)] {
        let found = round(&mut pool(&rules(size, json!([]), objective), &waiters), 31_000, 100_000);
        assert_eq!(found.len(), 300 / size as usize);
        let spread = |of: &RuledMatch| {
            let skills = of.tickets.iter().map(|id| waiters[index(*id)].skill);
            skills.clone().fold(f64::MIN, f64::max) - skills.fold(f64::MAX, f64::min)
        };
        let mean = found.iter().map(spread).sum::<f64>() / found.len() as f64;
        assert!(mean < most, "{mean} of {size} against {size}");
    }
}

#[test]
fn teams_are_split_as_evenly_as_they_can_be() {
    let objective = json!({ "cost": [{ "imbalance": "skill" }], "holdBack": { "policy": "none" }, "starvationSeconds": 60 });
    let text = rules(5, json!([]), objective);
    let mut draw = Draw(9);
    for _ in 0..10 {
        let waiters: Vec<Waiter> = (0..10).map(|_| Waiter::at(draw.skill(), 0)).collect();
        let found = round(&mut pool(&text, &waiters), 1_000, 100_000);
        let sum = |side: usize| -> f64 {
            found[0].sides[side].iter().map(|seat| waiters[index(seat.ticket)].skill).sum()
        };
        let all: f64 = waiters.iter().map(|of| of.skill).sum();
        let apart = |mask: u32| {
            let one: f64 = (0..10).filter(|at| mask >> at & 1 == 1).map(|at| waiters[at].skill).sum();
            (all - 2.0 * one).abs()
        };
        let best = (0..1_u32 << 10).filter(|mask| mask.count_ones() == 5).map(apart).fold(f64::MAX, f64::min);
        assert!(((sum(0) - sum(1)).abs() - best).abs() < 1e-6, "{} against {best}", sum(0) - sum(1));
    }
}

#[test]
fn hard_rules_always_hold() {
    let near = json!([
        { "name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 120 },
        { "name": "Ping", "type": "latency", "maxLatency": 90 },
    ]);
    for (size, count) in [(1, 300), (3, 120)] {
        let text = rules(size, near.clone(), costly());
        let mut draw = Draw(10 + u64::from(size));
        let waiters: Vec<Waiter> = (0..count).map(|_| Waiter::anywhere(&mut draw)).collect();
        let found = round(&mut pool(&text, &waiters), 1_000, 5_000);
        assert!(found.len() * 2 * size as usize > count / 3, "{} of {count}", found.len());
        for of in &found {
            assert!(of.sides.iter().all(|side| side.len() == size as usize));
            let tickets: Vec<&Waiter> = of.tickets.iter().map(|id| &waiters[index(*id)]).collect();
            let skills = || tickets.iter().map(|of| of.skill);
            assert!(skills().fold(f64::MIN, f64::max) - skills().fold(f64::MAX, f64::min) <= 120.0);
            let places = ["ap", "eu", "sa", "us"];
            assert!(places.iter().any(|place| tickets.iter().all(|of| of.latency[*place] <= 90)));
        }
    }
}

#[test]
fn the_size_of_steps_changes_nothing_of_a_round() {
    let mut draw = Draw(12);
    let waiters: Vec<Waiter> = (0..2_500).map(|_| Waiter::anywhere(&mut draw)).collect();
    let text = rules(1, json!([]), costly());
    let once = round(&mut pool(&text, &waiters), 1_000, u32::MAX);
    assert_eq!(once, round(&mut pool(&text, &waiters), 1_000, 64));
}

/// The least that two players lose on two places, one of each role: how far ahead in their lists they are, or 2 where a
/// role is not named.
fn lost(one: &[&str], two: &[&str]) -> usize {
    let place = |list: &[&str], role| list.iter().position(|named| *named == role).unwrap_or(2);
    let lost = |a, b| place(one, a) + place(two, b);
    lost("tank", "damage").min(lost("damage", "tank"))
}

#[test]
fn teams_are_split_so_that_most_play_what_they_prefer() {
    let text = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "roles", "type": "string_list" }],
        "teams": [{ "name": "a", "minPlayers": 2, "maxPlayers": 2 }, { "name": "b", "minPlayers": 2, "maxPlayers": 2 }],
        "rules": [{ "name": "R", "type": "roles", "attribute": "roles", "counts": { "tank": 1, "damage": 1 }, "autofill": 2 }],
        "objective": { "cost": [{ "roleChoice": "roles" }], "starvationSeconds": 60 },
    });
    let set = Arc::new(parse(&text.to_string(), Dialect::Extended).unwrap().set);
    let (mut draw, mut saved) = (Draw(77), 0);
    for _ in 0..300 {
        let mut pool = RulePool::new(set.clone());
        let kinds: [&[&str]; 4] = [&["tank", "damage"], &["damage", "tank"], &["tank"], &["damage"]];
        let lists: Vec<&[&str]> = (0..4).map(|_| kinds[draw.below(4) as usize]).collect();
        for (n, list) in lists.iter().enumerate() {
            let roles = Value::List(list.iter().map(|role| (*role).to_owned()).collect());
            let member = Member {
                attributes: [("roles".to_owned(), roles)].into_iter().collect(),
                ..Member::default()
            };
            let players = vec![(PlayerId::from_u128(n as u128), member)];
            let id = TicketId::from_u128(n as u128);
            pool.insert(RuledTicket { id, players, backfill: None, started_at: Timestamp::EPOCH }).unwrap();
        }
        let found = round(&mut pool, 1_000, u32::MAX);
        let of = |at: usize, other: usize| {
            let rest: Vec<usize> = (0..4).filter(|n| ![at, other].contains(n)).collect();
            lost(lists[at], lists[other]) + lost(lists[rest[0]], lists[rest[1]])
        };
        let splits = [of(0, 1), of(0, 2), of(0, 3)];
        let side: Vec<usize> = found[0].sides[0].iter().map(|seat| index(seat.ticket)).collect();
        let least = *splits.iter().min().unwrap();
        assert_eq!(of(side[0], side[1]), least, "{lists:?}");
        saved += usize::from(splits[0] > least);
    }
    assert!(saved > 50, "{saved}");
}

#[test]
fn a_cost_of_roles_needs_a_rule_that_gives_them() {
    let text = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "roles", "type": "string_list" }],
        "teams": [{ "name": "a", "minPlayers": 2, "maxPlayers": 2 }],
        "objective": { "cost": [{ "roleChoice": "roles" }], "starvationSeconds": 60 },
    });
    let faults = parse(&text.to_string(), Dialect::Extended).unwrap_err();
    assert!(faults[0].message.contains("no rule of the type `roles`"), "{faults:#?}");
}

/// By the age of the oldest, 50 may play with 0 from 30 seconds on.
fn by_the_oldest(size: u32) -> String {
    let team = |name: &str| json!({ "name": name, "minPlayers": size, "maxPlayers": size });
    json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "skill", "type": "number" }],
        "algorithm": { "expansionAgeSelection": "oldest" },
        "teams": [team("a"), team("b")],
        "rules": [{ "name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 10 }],
        "expansions": [{ "target": "rules[Near].maxDistance", "steps": [{ "waitTimeSeconds": 30, "value": 100 }] }],
        "objective": { "cost": [{ "spread": "skill" }], "holdBack": { "policy": "none" }, "starvationSeconds": 600 },
    })
    .to_string()
}

/// The tickets of each match of the first round, where the oldest says which rules hold.
fn made_by_the_oldest(tickets: impl Iterator<Item = RuledTicket>) -> Vec<Vec<usize>> {
    let mut pool = pool_of(&by_the_oldest(2), tickets);
    let found = round(&mut pool, 60_000, 100_000);
    let ids = |of: &RuledMatch| {
        let mut ids: Vec<usize> = of.tickets.iter().map(|id| index(*id)).collect();
        ids.sort_unstable();
        ids
    };
    found.iter().map(ids).collect()
}

/// Who came before it makes the rules wider, for a young backfill too.
#[test]
fn a_backfill_is_filled_by_who_is_older() {
    let backfill = |n: usize, since_ms: i64| {
        let mut ticket = Waiter::at(0.0, since_ms).ticket(n);
        let member = ticket.players[0].1.clone();
        ticket.players = (0..3).map(|at| (PlayerId::from_u128(1_000 + at), member.clone())).collect();
        ticket.backfill = Some(["a", "a", "b"].map(str::to_owned).to_vec());
        ticket
    };
    let old = || Waiter::at(50.0, 10_000).ticket(0);
    assert_eq!(made_by_the_oldest([old(), backfill(1, 55_000)].into_iter()), [[0, 1]]);
    // What is as young as the backfill is too far.
    let young = Waiter::at(50.0, 54_000).ticket(0);
    assert_eq!(made_by_the_oldest([young, backfill(1, 55_000)].into_iter()), Vec::<Vec<usize>>::new());
    // The backfill takes its one, and the others play.
    let others = (2..6).map(|n| Waiter::at(50.0, 20_000).ticket(n));
    let found = made_by_the_oldest([old(), backfill(1, 55_000)].into_iter().chain(others));
    assert_eq!(found, [vec![0, 1], vec![2, 3, 4, 5]]);
}
