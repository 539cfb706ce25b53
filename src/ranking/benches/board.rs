//! Boards of 10^6 players: `cargo bench -p gsm-ranking --bench board`.
#![allow(missing_docs, reason = "`criterion_group!` makes an undocumented function")]
#[path = "workload/mod.rs"]
mod workload;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use gsm_core::PlayerId;
use gsm_ranking::{Board, Order, PlayerIds};
use std::hint::black_box;
use workload::{Field, Named};

const FIELD: Field = Field { players: 1_000_000, tied: false };

fn run(c: &mut Criterion) {
    let list: Vec<_> = FIELD.marks::<PlayerIds>().collect();
    c.bench_function("build_1m", |b| {
        b.iter_batched(|| list.clone(), |list| Board::with_marks(Order::SCORE, list), BatchSize::PerIteration)
    });
    let ids: Vec<PlayerId> = (0..1 << 20).map(|turn| PlayerIds::named(FIELD.player(turn))).collect();
    let mut turn = 0usize;
    let mut next = || {
        turn += 1;
        ids[turn % ids.len()]
    };
    let mut board = Board::with_marks(Order::SCORE, list);
    let mut version = 0;
    let mut set = |board: &mut Board| {
        version += 1;
        let (player, mark) = FIELD.step(version);
        board.set(PlayerIds::named(player), mark)
    };
    for _ in 0..2 * FIELD.players {
        let _ = set(&mut board);
    }
    c.bench_function("standing_in_1m", |b| b.iter(|| board.standing(next())));
    let many: Vec<_> = (0..1_000).map(|_| next()).collect();
    c.bench_function("standings_of_1000_in_1m", |b| b.iter(|| board.standings(&many)));
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
    c.bench_function("set_by_20_points_in_1m", |b| b.iter(|| set(&mut board)));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = run
}
criterion_main!(benches);
