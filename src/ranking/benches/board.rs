//! Boards of 10^6 players: `cargo bench -p gsm-ranking`.
#![allow(missing_docs, reason = "`criterion_group!` makes an undocumented function")]
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gsm_core::{PlayerId, Timestamp};
use gsm_ranking::Board;
use std::hint::black_box;

const PLAYERS: u64 = 1_000_000;

/// A fixed scramble (splitmix64).
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn id(n: u64) -> PlayerId {
    PlayerId::from_u128(u128::from(mix(n)) << 64 | u128::from(mix(!n)))
}

/// About N(1500, 350) in thousandths of a point.
fn score(n: u64) -> i64 {
    let sum: u64 = (0..12).map(|k| mix(n * 12 + k) % 1_000_000).sum();
    1_500_000 + (sum as i64 - 6_000_000) * 350 / 1_000
}

fn entries() -> impl Iterator<Item = (PlayerId, i64, Timestamp, u64)> {
    (0..PLAYERS).map(|n| (id(n), score(n), Timestamp::from_millis((mix(n) >> 24) as i64), 1))
}

fn run(c: &mut Criterion) {
    let list: Vec<_> = entries().collect();
    c.bench_function("build_1m", |b| {
        b.iter_batched(|| list.clone(), Board::with_entries, BatchSize::PerIteration)
    });
    let ids: Vec<PlayerId> = (0..1 << 20).map(|n| id(mix(n) % PLAYERS)).collect();
    let mut turn = 0usize;
    let mut next = || {
        turn += 1;
        ids[turn % ids.len()]
    };
    let mut board = Board::with_entries(list);
    let mut version = 1;
    let mut set = |board: &mut Board, player: PlayerId, all: i64| {
        version += 1;
        let by = if version % 2 == 0 { 20_000 } else { -20_000 };
        let score = board.standing(player).map_or(0, |standing| standing.score) * all + by;
        board.set(player, score, Timestamp::from_millis(version as i64 % 8), version)
    };
    for _ in 0..2 * PLAYERS {
        set(&mut board, next(), 1);
    }
    c.bench_function("standing_in_1m", |b| b.iter(|| board.standing(next())));
    c.bench_function("rank_of_score_in_1m", |b| {
        b.iter(|| board.rank_of_score(900_000 + (next().as_u128() % 1_200_000) as i64))
    });
    c.bench_function("around_10_in_1m", |b| b.iter(|| board.around(next(), 10)));
    c.bench_function("top_100_of_1m", |b| b.iter(|| board.top(black_box(0), 100)));
    c.bench_function("among_100_in_1m", |b| {
        let friends: Vec<_> = (0..100).map(|_| next()).collect();
        b.iter(|| board.among(&friends))
    });
    c.bench_function("histogram_50_of_1m", |b| b.iter(|| board.histogram(50)));
    c.bench_function("standing_then_set_by_20_points_in_1m", |b| b.iter(|| set(&mut board, next(), 1)));
    for _ in 0..2 * PLAYERS {
        set(&mut board, next(), 0);
    }
    c.bench_function("standing_then_set_all_tied_in_1m", |b| b.iter(|| set(&mut board, next(), 0)));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = run
}
criterion_main!(benches);
