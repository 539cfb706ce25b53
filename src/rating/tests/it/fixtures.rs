//! Against the reference libraries in Python: see testdata/rating/README.md.
use gsm_rating::{Entrant, Game, Rating, Side, System};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-6;

#[derive(Deserialize)]
struct File {
    source: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    system: System,
    sides: Vec<Given>,
    after: Vec<Vec<(f64, f64)>>,
}

#[derive(Deserialize)]
struct Given {
    place: u32,
    /// Mean, deviation, share.
    players: Vec<(f64, f64, f64)>,
}

fn check(text: &str, source: &str) {
    let file: File = serde_json::from_str(text).unwrap();
    assert!(file.source.starts_with(source) && file.cases.len() == 200);
    for (nth, case) in file.cases.iter().enumerate() {
        case.system.validate().unwrap();
        let entrant = |&(mean, deviation, share): &(f64, f64, f64)| Entrant {
            share,
            ..Entrant::new(Rating { mean, deviation, volatility: 0.06 })
        };
        let entrants: Vec<Vec<Entrant>> =
            case.sides.iter().map(|side| side.players.iter().map(entrant).collect()).collect();
        let sides: Vec<Side<'_>> =
            case.sides.iter().zip(&entrants).map(|(side, players)| Side::new(side.place, players)).collect();
        let found = case.system.update(&Game::new(&sides)).unwrap();
        for (found, wanted) in found.iter().flatten().zip(case.after.iter().flatten()) {
            let near = (found.after.mean - wanted.0).abs() < TOLERANCE
                && (found.after.deviation - wanted.1).abs() < TOLERANCE;
            assert!(near, "case {nth}: {:?} is not {wanted:?}", found.after);
        }
    }
}

#[test]
fn bradley_terry_full_agrees_with_openskill() {
    check(include_str!("../../../../testdata/rating/openskill_bradley_terry_full.json"), "openskill 6.2.0");
}
#[test]
fn bradley_terry_part_agrees_with_openskill() {
    check(include_str!("../../../../testdata/rating/openskill_bradley_terry_part.json"), "openskill 6.2.0");
}
#[test]
fn thurstone_mosteller_full_agrees_with_openskill() {
    let text = include_str!("../../../../testdata/rating/openskill_thurstone_mosteller_full.json");
    check(text, "openskill 6.2.0");
}
#[test]
fn thurstone_mosteller_part_agrees_with_openskill() {
    let text = include_str!("../../../../testdata/rating/openskill_thurstone_mosteller_part.json");
    check(text, "openskill 6.2.0");
}
#[test]
fn plackett_luce_agrees_with_openskill() {
    check(include_str!("../../../../testdata/rating/openskill_plackett_luce.json"), "openskill 6.2.0");
}
#[test]
fn true_skill_agrees_with_trueskill() {
    check(include_str!("../../../../testdata/rating/trueskill.json"), "trueskill 0.4.5");
}
