//! Intervals beside the chance that was in truth, which only a made league knows.
use crate::league::Chance;
use gsm_core::Timestamp;
use gsm_ml::{Meeting, Model, Outcome};

const PLAYERS: u64 = 100;

fn normal(chance: &mut Chance) -> f64 {
    let far = (-2.0 * (1.0 - chance.unit()).ln()).sqrt();
    far * (std::f64::consts::TAU * chance.unit()).cos()
}

/// The share of duels whose chance was inside the interval, where a match moves a player's skill by a step of so many logits
/// and as much back towards the mean that skills stay spread by one; the first half is not counted.
fn held(step: f64, matches: u64) -> f64 {
    let (mut model, mut chance) = (Model::new(), Chance::new(11));
    let mut skills: Vec<f64> = (0..PLAYERS).map(|_| normal(&mut chance)).collect();
    let mut inside = 0_u32;
    for nth in 0..matches {
        let one = chance.below(PLAYERS);
        let other = (one + 1 + chance.below(PLAYERS - 1)) % PLAYERS;
        let truth = 1.0 / (1.0 + (skills[other as usize] - skills[one as usize]).exp());
        let (a, b) = ([one as u32], [other as u32]);
        let meeting = Meeting::new(Timestamp::from_millis(nth as i64 * 120_000), &a, &b);
        let features = model.features(&meeting).unwrap();
        let told = model.predict(&features);
        inside += u32::from(nth >= matches / 2 && (told.low..=told.high).contains(&truth));
        let outcome = if chance.unit() < truth { Outcome::places(1, 2) } else { Outcome::places(2, 1) };
        model.learn(&meeting, &features, &outcome).unwrap();
        for player in [one, other] {
            let skill = &mut skills[player as usize];
            *skill = (*skill + step * normal(&mut chance)) * (1.0 - step * step).sqrt();
        }
    }
    f64::from(inside) / (matches - matches / 2) as f64
}

#[test]
fn an_interval_holds_the_chance_also_where_form_moves_fast() {
    for (step, least) in [(0.0, 0.94), (0.05, 0.88), (0.1, 0.88), (0.2, 0.84)] {
        let held = held(step, 12_000);
        assert!(held >= least, "{held} at steps of {step}");
    }
}
