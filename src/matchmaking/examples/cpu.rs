//! temp One step over a whole pool: skills normal 1500/350, waits spread over a minute.
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{Format, MatchRules, Pool, PoolPlayer, PoolTicket};
use std::hint::black_box;

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

fn filled(tickets: u64, format: Format, party_max: u64) -> Pool {
    let mut seed = Seed(42);
    let mut pool = Pool::new(MatchRules { format, ..MatchRules::default() }).unwrap();
    for _ in 0..tickets {
        let bits = |seed: &mut Seed| u128::from(seed.next()) << 64 | u128::from(seed.next());
        let size = 1 + seed.next() % party_max;
        let player = |seed: &mut Seed| PoolPlayer {
            id: PlayerId::from_u128(bits(seed)),
            skill: 1500.0 + 350.0 * seed.normal(),
            deviation: 60.0,
        };
        let players = (0..size).map(|_| player(&mut seed)).collect();
        let queued_at = Timestamp::from_millis((seed.next() % 60_000) as i64);
        pool.insert(PoolTicket { id: TicketId::from_u128(bits(&mut seed)), players, queued_at }).unwrap();
    }
    pool
}

fn cpu() -> u64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}
fn main() {
    let now = Timestamp::from_millis(60_000);
    let teams = |teams, size| Format::Teams { teams, size };
    let free = Format::FreeForAll { min: 4, max: 12, fill_after_ms: gsm_core::Millis::from_secs(30) };
    let only = std::env::args().nth(1).unwrap_or_default();
    for (name, tickets, format, party_max) in [
        ("1v1_10k", 10_000, teams(2, 1), 1),
        ("1v1_100k", 100_000, teams(2, 1), 1),
        ("5v5_10k", 10_000, teams(2, 5), 1),
        ("5v5_10k_parties", 10_000, teams(2, 5), 3),
        ("5v5_100k", 100_000, teams(2, 5), 1),
        ("20x10_10k_parties", 10_000, teams(20, 10), 3),
        ("ffa12_10k", 10_000, free, 1),
    ] {
        if !name.starts_with(&only) {
            continue;
        }
        let pool = filled(tickets, format, party_max);
        let mut best = u64::MAX;
        let mut work = 0;
        for _ in 0..12 {
            let mut p = pool.clone();
            let t = cpu();
            let s = black_box(p.step(now, u32::MAX));
            best = best.min(cpu() - t);
            work = s.work;
        }
        println!("{name}: {:.2} ms cpu, {work} work", best as f64 / 1e6);
    }
}
