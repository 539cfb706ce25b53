//! What a match costs: looked at, predicted, learnt from; without trees and with them.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gsm_core::Timestamp;
use gsm_ml::{Features, Forecaster, Meeting, Model, Outcome};
use gsm_rating::{
    evaluation::Forecaster as _,
    history::{History, Lineup},
};
use std::hint::black_box;

const PLAYERS: u64 = 10_000;
const MATCHES: u64 = 50_000;
/// As many as are trained, and twice as many, which is what others were measured with.
const TREES: usize = 100;
const MANY: usize = 2 * TREES;

/// Players of match `nth`, and who won.
fn drawn(nth: u64, size: u64) -> (Vec<u32>, Vec<u32>, Outcome) {
    let of = |seat: u64| {
        let mixed = (nth * 64 + seat + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) % (PLAYERS / 16) * 16 + seat
    };
    let (a, b): (Vec<u32>, Vec<u32>) = (
        (0..size).map(|seat| of(seat) as u32).collect(),
        (size..2 * size).map(|seat| of(seat) as u32).collect(),
    );
    let outcome = if a[0] > b[0] { Outcome::places(1, 2) } else { Outcome::places(2, 1) };
    (a, b, outcome)
}

fn look(model: &mut Model, at: i64, a: &[u32], b: &[u32]) -> Features {
    model.features(&Meeting::new(Timestamp::from_millis(at), a, b)).unwrap()
}

fn benches(c: &mut Criterion) {
    for size in [1, 3, 5] {
        let matches: Vec<_> = (0..MATCHES).map(|nth| drawn(nth, size)).collect();
        let mut model = Model::new();
        let mut at = 0_i64;
        let mut nth = 0;
        let mut next = || {
            nth = (nth + 1) % matches.len();
            at += 60_000;
            (at, &matches[nth])
        };
        let mut step = |model: &mut Model| {
            let (at, (a, b, outcome)) = next();
            let features = look(model, at, a, b);
            black_box(model.chances(&features));
            model.learn(&Meeting::new(Timestamp::from_millis(at), a, b), &features, outcome).unwrap();
        };
        (0..MATCHES).for_each(|_| step(&mut model));
        let mut group = c.benchmark_group(format!("{size}v{size}"));
        group.throughput(Throughput::Elements(1));
        group.bench_function("predict and learn", |b| b.iter(|| step(&mut model)));
        group.bench_function("predict one", |bench| {
            let (a, b, _) = &matches[77];
            bench.iter(|| {
                let features = look(&mut model, at, black_box(a), b);
                black_box(model.predict(&features))
            });
        });
        group.finish();
        candidates(c, size, &mut model, at);
        trees(c, size);
    }
}

/// The same matches as a history.
fn history(size: u64) -> History {
    let mut history = History::new(vec![String::new()]);
    for nth in 0..MATCHES {
        let (a, b, outcome) = drawn(nth, size);
        let sides = [a, b];
        let sides = sides.iter().zip(outcome.places);
        let sides = sides.map(|(players, place)| Lineup { place, score: None, players });
        history.push(Timestamp::from_millis(nth as i64 * 60_000), 0, sides);
    }
    history
}

/// Goes through a history, growing trees anew whenever there are twice as many matches.
fn gone_through(history: &History, trees: usize) -> Forecaster<'_> {
    let mut forecaster = Forecaster::new(history).growing(trees);
    for index in 0..history.len() {
        forecaster.look(index, index + 1);
        black_box(forecaster.forecast(index));
        forecaster.learn(index, index + 1, &mut || ()).unwrap();
    }
    forecaster
}

fn trees(c: &mut Criterion, size: u64) {
    let history = history(size);
    let mut model = gone_through(&history, MANY).into_model();
    assert_eq!(model.trees(), MANY);
    let mut group = c.benchmark_group(format!("{size}v{size} with trees"));
    group.throughput(Throughput::Elements(1));
    group.bench_function(format!("predict one with {MANY}"), |bench| {
        let (a, b, _) = drawn(77, size);
        bench.iter(|| {
            let features = look(&mut model, MATCHES as i64 * 60_000, black_box(&a), &b);
            black_box(model.predict(&features))
        });
    });
    group.throughput(Throughput::Elements(MATCHES)).sample_size(10);
    group.bench_function(format!("predict and learn a history, {TREES} grown anew"), |bench| {
        bench.iter(|| black_box(gone_through(&history, TREES)));
    });
    group.finish();
}

/// What a matcher asks: 1,000 ways to play with the same waiting players.
fn candidates(c: &mut Criterion, size: u64, model: &mut Model, at: i64) {
    let ways: Vec<_> = (0..1_000).map(|nth| drawn(nth, size)).collect();
    let mut group = c.benchmark_group(format!("1,000 candidates of {size}v{size}"));
    group.bench_function("each predicted", |b| {
        b.iter(|| {
            let even = |(a, b, _): &(Vec<u32>, Vec<u32>, Outcome)| {
                let features = look(model, at, a, b);
                let (expected, _) = model.chances(&features);
                expected * (1.0 - expected)
            };
            black_box(ways.iter().map(even).fold(0.0, f64::max))
        });
    });
    let at = Timestamp::from_millis(at);
    let strengths: Vec<f64> =
        (0..PLAYERS as u32).map(|player| model.strength(player, at, None).unwrap()).collect();
    group.bench_function("by strengths", |b| {
        b.iter(|| {
            let mean = |side: &[u32]| side.iter().map(|of| strengths[*of as usize]).sum::<f64>();
            let gap = |(a, b, _): &(Vec<u32>, Vec<u32>, Outcome)| (mean(a) - mean(b)).abs();
            black_box(ways.iter().map(gap).fold(f64::INFINITY, f64::min))
        });
    });
    group.bench_function("strength of one", |b| {
        b.iter(|| black_box(model.strength(black_box(77), at, None).unwrap()));
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
