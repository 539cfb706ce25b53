//! Boards of 10^6 players: `cargo bench -p gsm-ranking --bench board`.
#![allow(missing_docs, reason = "`criterion_group!` makes an undocumented function")]
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gsm_core::{PlayerId, Timestamp};
use gsm_ranking::{Board, Mark, Order};
use std::hint::black_box;

const PLAYERS: u64 = 1_000_000;

/// A fixed scramble (splitmix64).
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn player(n: u64) -> PlayerId {
    PlayerId::from_u128(u128::from(mix(n)) << 64 | u128::from(mix(!n)))
}

/// The score of player `n` in thousandths of a point, about N(1500, 350): four dice; then as of `version`, within 20
/// points of it.
fn mark(n: u64, version: u64) -> Mark {
    let dice = mix(n);
    let sum: u64 = (0..4).map(|die| dice >> (16 * die) & 0xffff).sum();
    let score = 1_500_000 + (sum as i64 - 131_070) * 350_000 / 37_837;
    let by = (mix(version ^ 0x5555) % 40_001) as i64 - 20_000;
    Mark::new(score + by, Timestamp::from_millis(1_790_000_000_000 + version as i64), version)
}

fn run(c: &mut Criterion) {
    let list: Vec<_> = (0..PLAYERS).map(|n| (player(n), mark(n, 1))).collect();
    c.bench_function("build_1m", |b| {
        b.iter_batched(|| list.clone(), |list| Board::with_marks(Order::SCORE, list), BatchSize::PerIteration)
    });
    let ids: Vec<PlayerId> = (0..1 << 20).map(|turn| player(mix(turn) % PLAYERS)).collect();
    let mut turn = 0usize;
    let mut next = || {
        turn += 1;
        ids[turn % ids.len()]
    };
    let mut board = Board::with_marks(Order::SCORE, list);
    let mut version = 1;
    let mut set = |board: &mut Board| {
        version += 1;
        let n = mix(version) % PLAYERS;
        board.set(player(n), mark(n, version))
    };
    for _ in 0..2 * PLAYERS {
        let _ = set(&mut board);
    }
    c.bench_function("standing_in_1m", |b| b.iter(|| board.standing(next())));
    let many: Vec<_> = (0..1_000).map(|_| next()).collect();
    c.bench_function("standings_of_1000_in_1m", |b| b.iter(|| board.standings(&many)));
    c.bench_function("around_10_in_1m", |b| b.iter(|| board.around(next(), 10)));
    c.bench_function("top_100_of_1m", |b| b.iter(|| board.top(black_box(0), 100)));
    c.bench_function("among_100_in_1m", |b| {
        let friends: Vec<_> = (0..100).map(|_| next()).collect();
        b.iter(|| board.among(&friends))
    });
    c.bench_function("histogram_50_of_1m", |b| b.iter(|| board.histogram(50)));
    c.bench_function("set_by_20_points_in_1m", |b| b.iter(|| set(&mut board)));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = run
}
criterion_main!(benches);
