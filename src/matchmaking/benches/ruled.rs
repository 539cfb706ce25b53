//! One pass over a whole pool under a rule set: skills normal 1500/350, four regions, tickets
//! that came one after the other for a minute.
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledTicket};
use gsm_rules::{Dialect, Member, Value, parse};
use std::{hint::black_box, sync::Arc, time::Instant};

/// As in the shipped binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As in the engine.
const STEP_WORK_MAX: u32 = 100_000;

const DUEL: &str = r#"{"ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "skill", "type": "number"}],
  "teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 1}, {"name": "b", "minPlayers": 1, "maxPlayers": 1}],
  "rules": [{"name": "Near", "type": "distance", "maxDistance": 50,
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

/// As it is shipped.
const SHIPPED: &str = include_str!("../../../config/rule-sets/fives.json");

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

/// The `n`th ticket of so many; they come in the order of their starts, as tickets do.
fn ticket(seed: &mut Seed, n: u64, tickets: u64) -> RuledTicket {
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
    let member = Member {
        player: String::new(),
        attributes: attributes.into_iter().collect(),
        latency_ms,
        ..Member::default()
    };
    RuledTicket {
        id: TicketId::from_u128(u128::from(seed.next()) << 64 | u128::from(n)),
        players: vec![(PlayerId::from_u128(u128::from(n)), member)],
        backfill: None,
        started_at: Timestamp::from_millis((n * 60_000 / tickets) as i64),
    }
}

/// A pool of so many tickets, and nanoseconds a ticket that taking them took; making them is left out.
fn filled(text: &str, tickets: u64) -> (RulePool, f64) {
    let mut pool = RulePool::new(Arc::new(parse(text, Dialect::Strict).unwrap().set));
    let mut seed = Seed(42);
    let mut took = 0;
    for from in (0..tickets).step_by(1_000) {
        let made: Vec<RuledTicket> =
            (from..tickets.min(from + 1_000)).map(|n| ticket(&mut seed, n, tickets)).collect();
        let begun = Instant::now();
        made.into_iter().for_each(|ticket| pool.insert(ticket).unwrap());
        took += begun.elapsed().as_nanos();
    }
    (pool, took as f64 / tickets as f64)
}

/// A whole pass, in steps as long as the engine's: how many tickets were matched, and work units.
fn pass(pool: &mut RulePool, now: Timestamp) -> (usize, u32) {
    let (mut matched, mut work) = (0, 0);
    loop {
        let step = pool.step(now, STEP_WORK_MAX);
        matched += step.matches.iter().map(|found| found.tickets.len()).sum::<usize>();
        work += step.work;
        if step.finished {
            return (matched, work);
        }
    }
}

/// Bytes of the process that lie in memory.
fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<f64>().ok());
    pages.map_or(f64::NAN, |pages| 4_096.0 * pages)
}

/// Processor time of the process so far, to 10 ms: other programs do not count.
fn cpu_ns() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").ok();
    let fields = stat.as_deref().and_then(|text| Some(text.rsplit_once(") ")?.1.split(' ')));
    let ticks =
        fields.map(|fields| fields.skip(11).take(2).filter_map(|of| of.parse::<f64>().ok()).sum::<f64>());
    ticks.map_or(f64::NAN, |ticks| ticks * 1e7)
}

/// What a waiting ticket takes in memory; what the allocator gives back a little later is not counted.
#[expect(clippy::print_stderr, reason = "a bench reports what it measured")]
fn memory() {
    let before = resident();
    let (mut wide, _) = filled(WIDE, 1_000_000);
    wide.step(Timestamp::from_millis(0), STEP_WORK_MAX);
    std::thread::sleep(std::time::Duration::from_millis(50));
    (0..1_000).for_each(|_| drop(black_box(vec![0_u8; 100_000])));
    eprintln!("five numbers: {:.0} B a waiting ticket at 1 M", (resident() - before) / 1e6);
}

#[expect(clippy::print_stderr, reason = "a bench reports what it measured")]
fn bench(c: &mut Criterion) {
    let now = Timestamp::from_millis(60_000);
    // As criterion reads it.
    let only = std::env::args().skip(1).rfind(|arg| !arg.starts_with('-'));
    if only.is_none() || only.as_deref() == Some("memory") {
        memory();
    }
    let mut group = c.benchmark_group("ruled");
    group.sample_size(10);
    for (name, text, tickets) in [
        ("1v1_10k", DUEL, 10_000_u64),
        ("1v1_100k", DUEL, 100_000),
        ("1v1_1m", DUEL, 1_000_000),
        ("5v5_10k", FIVES, 10_000),
        ("5v5_100k", FIVES, 100_000),
        ("5v5_1m", FIVES, 1_000_000),
        ("shipped_10k", SHIPPED, 10_000),
        ("shipped_100k", SHIPPED, 100_000),
        ("shipped_1m", SHIPPED, 1_000_000),
    ] {
        if only.as_ref().is_some_and(|only| !name.contains(only)) {
            continue;
        }
        let (pool, filling) = filled(text, tickets);
        let mut stepped = pool.clone();
        let begun = cpu_ns();
        let (matched, work) = pass(&mut stepped, now);
        let each = (cpu_ns() - begun) / tickets as f64;
        let begun = Instant::now();
        let idle = stepped.step(now, u32::MAX);
        let idle = (begun.elapsed(), idle.matches.len());
        eprintln!(
            "{name}: {each:.0} ns a ticket, {matched} matched, {work} work; filling {filling:.0} ns a ticket; idle {idle:?}"
        );
        group.bench_function(name, |b| {
            b.iter_batched_ref(|| pool.clone(), |pool| black_box(pass(pool, now)), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
