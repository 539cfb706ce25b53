use gsm_rating::glicko2::{PeriodGame, period_update};
use gsm_rating::{Glicko2Settings, Rating};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    settings: Glicko2Settings,
    own: Rating,
    games: Vec<(Rating, f64)>,
    after: Rating,
    tolerance: Rating,
}

fn check(text: &str) {
    let case: Case = serde_json::from_str(text).unwrap();
    let games: Vec<PeriodGame> =
        case.games.iter().map(|&(opponent, score)| PeriodGame { opponent, score, weight: 1.0 }).collect();
    let found = period_update(&case.settings, case.own, &games);
    for (name, found, wanted, tolerance) in [
        ("mean", found.mean, case.after.mean, case.tolerance.mean),
        ("deviation", found.deviation, case.after.deviation, case.tolerance.deviation),
        ("volatility", found.volatility, case.after.volatility, case.tolerance.volatility),
    ] {
        assert!((found - wanted).abs() <= tolerance, "{name} is {found}, not {wanted}");
    }
}

#[test]
fn the_worked_example_of_the_paper() {
    check(include_str!("../../../../testdata/rating/glicko2_paper.json"));
}

#[test]
fn a_period_without_games_only_grows_the_deviation() {
    check(include_str!("../../../../testdata/rating/glicko2_idle.json"));
}
