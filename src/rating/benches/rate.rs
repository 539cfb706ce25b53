//! What one match costs: a duel, and five against five.
use criterion::{Criterion, criterion_group, criterion_main};
use gsm_rating::{Entrant, Game, Rating, Side, System};
use std::hint::black_box;

fn team(size: usize, mean: f64) -> Vec<Entrant> {
    (0..size)
        .map(|i| {
            let (deviation, volatility) = (60.0 + 20.0 * i as f64, 0.06);
            Entrant::new(Rating { mean: mean + 35.0 * i as f64, deviation, volatility })
        })
        .collect()
}

fn rate(c: &mut Criterion) {
    let system = System::default();
    for (name, size) in [("update_1v1", 1), ("update_5v5", 5)] {
        let (a, b) = (team(size, 1480.0), team(size, 1530.0));
        c.bench_function(name, |bench| {
            bench.iter(|| system.update(black_box(&Game::new(&[Side::new(1, &a), Side::new(2, &b)]))));
        });
    }
    let solo: Vec<Vec<Entrant>> = (0..100).map(|i| team(1, 1000.0 + 10.0 * f64::from(i))).collect();
    let sides: Vec<Side<'_>> = (1..).zip(&solo).map(|(place, players)| Side::new(place, players)).collect();
    c.bench_function("update_ffa_100", |bench| bench.iter(|| system.update(black_box(&Game::new(&sides)))));
}

criterion_group!(benches, rate);
criterion_main!(benches);
