//! What a match of 250 sides of one costs. Duels, teams and histories: `gsm bench rating`.
use criterion::{Criterion, criterion_group, criterion_main};
use gsm_rating::{
    EloSettings, Entrant, Game, Rating, Side, System, TrueSkillSettings, WengLinModel, WengLinSettings,
};
use std::hint::black_box;

fn fields(c: &mut Criterion) {
    let weng_lin = |model| System::WengLin(WengLinSettings { model, ..WengLinSettings::default() });
    let systems = [
        ("elo", System::Elo(EloSettings::default())),
        ("glicko2", System::default()),
        ("true_skill", System::TrueSkill(TrueSkillSettings::default())),
        ("weng_lin_bradley_terry_full", weng_lin(WengLinModel::BradleyTerryFull)),
        ("weng_lin_bradley_terry_part", weng_lin(WengLinModel::BradleyTerryPart)),
        ("weng_lin_plackett_luce", weng_lin(WengLinModel::PlackettLuce)),
    ];
    for (name, system) in &systems {
        let Rating { mean, deviation, volatility } = system.initial();
        let solo = |nth: u32| {
            let mean = mean + deviation * (f64::from(nth * 97 % 250) / 125.0 - 1.0);
            [Entrant::new(Rating { mean, deviation, volatility })]
        };
        let solos: Vec<[Entrant; 1]> = (0..250).map(solo).collect();
        let sides: Vec<Side<'_>> =
            (1..).zip(&solos).map(|(place, players)| Side::new(place, players)).collect();
        c.bench_function(&format!("field_250/{name}"), |bench| {
            bench.iter(|| system.update_any_size(black_box(&Game::new(&sides))));
        });
    }
}

criterion_group!(benches, fields);
criterion_main!(benches);
