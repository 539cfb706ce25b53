use gsm_rating::glicko2::{PeriodGame, period_update};
use gsm_rating::{
    Entrant, Game, Glicko2Settings, GlickoSettings, Rating, Side, System, TrueSkillSettings, WengLinSettings,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    #[serde(default)]
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
    check_near(&case, period_update(&case.settings, case.own, &games));
}

fn check_near(case: &Case, found: Rating) {
    for (name, found, wanted, tolerance) in [
        ("mean", found.mean, case.after.mean, case.tolerance.mean),
        ("deviation", found.deviation, case.after.deviation, case.tolerance.deviation),
        ("volatility", found.volatility, case.after.volatility, case.tolerance.volatility),
    ] {
        assert!((found - wanted).abs() <= tolerance, "{name} is {found}, not {wanted}");
    }
}

#[test]
fn the_worked_example_of_the_glicko2_paper() {
    check(include_str!("../../../../testdata/rating/glicko2_paper.json"));
}

#[test]
fn a_period_without_games_only_grows_the_deviation() {
    check(include_str!("../../../../testdata/rating/glicko2_idle.json"));
}

/// The period of the paper as one match: with exponent 0 a field is as many duels as there are opponents.
#[test]
fn the_worked_example_of_the_glicko_paper() {
    let case: Case =
        serde_json::from_str(include_str!("../../../../testdata/rating/glicko_paper.json")).unwrap();
    let others: Vec<(u32, [Entrant; 1])> = case
        .games
        .iter()
        .map(|&(opponent, score)| (if score > 0.5 { 3 } else { 1 }, [Entrant::new(opponent)]))
        .collect();
    let own = [Entrant::new(case.own)];
    let mut sides = vec![Side::new(2, &own)];
    sides.extend(others.iter().map(|(place, players)| Side::new(*place, players)));
    let system = System::Glicko(GlickoSettings { field_exponent: 0.0, ..GlickoSettings::default() });
    check_near(&case, system.update(&Game::new(&sides)).unwrap()[0][0].after);
}

fn check_duel_of_newcomers(system: &System, places: (u32, u32), wanted: [(f64, f64); 2], tolerance: f64) {
    let newcomer = [Entrant::new(system.initial())];
    let sides = [Side::new(places.0, &newcomer), Side::new(places.1, &newcomer)];
    let found = system.update(&Game::new(&sides)).unwrap();
    for (found, (mean, deviation)) in found.iter().flatten().zip(wanted) {
        let near = (found.after.mean - mean).abs() < tolerance
            && (found.after.deviation - deviation).abs() < tolerance;
        assert!(near, "{:?} is not {mean}, {deviation}", found.after);
    }
}

/// The documentation of the Python package (trueskill.org, "Learning").
#[test]
fn the_examples_of_the_trueskill_documentation() {
    let system = System::TrueSkill(TrueSkillSettings::default());
    check_duel_of_newcomers(&system, (1, 2), [(29.396, 7.171), (20.604, 7.171)], 5e-4);
}

/// The first example of the tests that openskill's ports to other languages share ("2p FFA"; no dynamics).
#[test]
fn the_first_example_of_openskill() {
    let system = System::WengLin(WengLinSettings { tau: 0.0, ..WengLinSettings::default() });
    let (won, lost) = (27.635_231_383_473_65, 22.364_768_616_526_35);
    let deviation = 8.065_506_316_323_548;
    check_duel_of_newcomers(&system, (1, 2), [(won, deviation), (lost, deviation)], 1e-12);
}
