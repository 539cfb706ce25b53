//! One pass over a whole pool under a rule set: skills normal 1500/350, four regions, waits spread over a minute.
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledMatch, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use std::{hint::black_box, sync::Arc, time::Instant};

const DUEL: &str = r#"{"ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "skill", "type": "number"}],
  "teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 1}, {"name": "b", "minPlayers": 1, "maxPlayers": 1}],
  "rules": [{"name": "Near", "type": "distance", "maxDistance": 100,
    "measurements": ["max(flatten(teams[*].players.attributes[skill]))"],
    "referenceValue": "min(flatten(teams[*].players.attributes[skill]))"}]}"#;

const FIVES: &str = r#"{"ruleLanguageVersion": "1.0",
  "playerAttributes": [{"name": "skill", "type": "number"}, {"name": "mode", "type": "string"}, {"name": "roles", "type": "string_list"}],
  "teams": [{"name": "red", "minPlayers": 5, "maxPlayers": 5}, {"name": "blue", "minPlayers": 5, "maxPlayers": 5}],
  "rules": [
    {"name": "Fair", "type": "distance", "maxDistance": 50, "measurements": ["avg(teams[*].players.attributes[skill])"],
     "referenceValue": "avg(flatten(teams[*].players.attributes[skill]))"},
    {"name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 200},
    {"name": "Mode", "type": "comparison", "operation": "=", "measurements": ["flatten(teams[*].players.attributes[mode])"]},
    {"name": "Healers", "type": "collection", "operation": "contains", "referenceValue": "healer", "maxCount": 6,
     "measurements": ["flatten(teams[*].players.attributes[roles])"]},
    {"name": "Ping", "type": "latency", "maxLatency": 120}]}"#;

/// Five numbers, of which the rules read all: what a ticket takes in memory.
const WIDE: &str = r#"{"ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "skill", "type": "number"},
  {"name": "n1", "type": "number"}, {"name": "n2", "type": "number"}, {"name": "n3", "type": "number"}, {"name": "n4", "type": "number"}],
  "teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 1}, {"name": "b", "minPlayers": 1, "maxPlayers": 1}],
  "rules": [{"name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 0.000001},
    {"name": "N1", "type": "batchDistance", "batchAttribute": "n1", "maxDistance": 0.5},
    {"name": "N2", "type": "batchDistance", "batchAttribute": "n2", "maxDistance": 0.5},
    {"name": "N3", "type": "batchDistance", "batchAttribute": "n3", "maxDistance": 0.5},
    {"name": "N4", "type": "batchDistance", "batchAttribute": "n4", "maxDistance": 0.5}]}"#;

/// A tiny seeded generator (splitmix64).
struct Seed(u64);
impl Seed {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
    /// Close to normal: the sum of twelve uniforms.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

fn ticket(seed: &mut Seed, n: u64) -> RuledTicket {
    let roles = ["tank", "healer", "scout"];
    let mut attributes = vec![
        ("skill".to_owned(), Value::Number(1500.0 + 350.0 * seed.normal())),
        ("mode".to_owned(), Value::Text("ctf".to_owned())),
        ("roles".to_owned(), Value::List(vec![roles[(seed.next() % 3) as usize].to_owned()])),
    ];
    attributes.extend((1..5).map(|at| (format!("n{at}"), Value::Number(seed.unit()))));
    let home = seed.next() % 4;
    let ms =
        |seed: &mut Seed, at: u64| if at == home { 20 + seed.next() % 40 } else { 80 + seed.next() % 120 };
    let places = ["ap", "eu", "sa", "us"].iter().zip(0..);
    let latency_ms = places.map(|(place, at)| ((*place).to_owned(), ms(seed, at) as u32)).collect();
    let member = Member { player: String::new(), attributes: attributes.into_iter().collect(), latency_ms };
    RuledTicket {
        id: TicketId::from_u128(u128::from(seed.next()) << 64 | u128::from(n)),
        players: vec![(PlayerId::from_u128(u128::from(n)), member)],
        backfill: None,
        started_at: Timestamp::from_millis((seed.next() % 60_000) as i64),
    }
}

fn filled(text: &str, tickets: u64) -> RulePool {
    let mut pool = RulePool::new(Arc::new(parse(text, Dialect::Strict).unwrap().set));
    let mut seed = Seed(42);
    (0..tickets).for_each(|n| pool.insert(ticket(&mut seed, n)).unwrap());
    pool
}

/// Bytes of the process that lie in memory.
fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<f64>().ok());
    pages.map_or(f64::NAN, |pages| 4_096.0 * pages)
}

#[expect(clippy::print_stderr, reason = "a bench reports what it measured")]
fn bench(c: &mut Criterion) {
    let now = Timestamp::from_millis(60_000);
    let before = resident();
    let wide = filled(WIDE, 1_000_000);
    eprintln!("five numbers: {:.0} B a waiting ticket at 1 M", (resident() - before) / 1e6);
    drop(wide);
    let mut group = c.benchmark_group("ruled");
    group.sample_size(10);
    for (name, text, tickets) in [
        ("1v1_100k", DUEL, 100_000_u64),
        ("1v1_1m", DUEL, 1_000_000),
        ("5v5_100k", FIVES, 100_000),
        ("5v5_1m", FIVES, 1_000_000),
    ] {
        let begun = Instant::now();
        let pool = filled(text, tickets);
        let filling = begun.elapsed().as_nanos() as f64 / tickets as f64;
        let mut stepped = pool.clone();
        let begun = Instant::now();
        let step = stepped.step(now, u32::MAX);
        let each = begun.elapsed().as_nanos() as f64 / tickets as f64;
        let begun = Instant::now();
        let idle = stepped.step(now, u32::MAX);
        let idle = (begun.elapsed(), idle.matches.len());
        let players = |found: &RuledMatch| found.tickets.len();
        let matched = step.matches.iter().map(players).sum::<usize>();
        eprintln!(
            "{name}: {each:.0} ns a ticket, {matched} matched, {} work; filling {filling:.0} ns a ticket; idle {idle:?}",
            step.work
        );
        group.bench_function(name, |b| {
            b.iter_batched_ref(
                || pool.clone(),
                |pool| black_box(pool.step(now, u32::MAX)),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
