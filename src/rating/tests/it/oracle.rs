//! Against crate `skillratings` (0.29): duels, and matches of two teams where it knows them.

use gsm_rating::glicko2::{PeriodGame, period_update};
use gsm_rating::{
    EloSettings, Entrant, Game, Glicko2Settings, GlickoSettings, Rating, Side, System, TrueSkillSettings,
    WengLinSettings,
};
use proptest::prelude::*;
use skillratings::Outcomes;
use skillratings::elo::{EloConfig, EloRating, elo};
use skillratings::glicko::{GlickoConfig, GlickoRating, glicko};
use skillratings::glicko2::{Glicko2Config, Glicko2Rating, glicko2, glicko2_rating_period};
use skillratings::trueskill::{TrueSkillConfig, TrueSkillRating, trueskill_two_teams};
use skillratings::weng_lin::{WengLinConfig, WengLinRating, weng_lin_two_teams};

/// Both searches for the volatility stop at about `1e-11` in `ln(volatility²)`, so a wider gap is no rounding.
const TOLERANCE: f64 = 1e-9;

fn theirs(r: Rating) -> Glicko2Rating {
    Glicko2Rating { rating: r.mean, deviation: r.deviation, volatility: r.volatility }
}

/// All players after a match of two sides.
fn rated(system: &System, a: &[Rating], b: &[Rating], outcome: Outcomes) -> Vec<Rating> {
    let (one, other) = match outcome {
        Outcomes::WIN => (1, 2),
        Outcomes::DRAW => (1, 1),
        Outcomes::LOSS => (2, 1),
    };
    let side = |ratings: &[Rating]| ratings.iter().copied().map(Entrant::new).collect::<Vec<_>>();
    let (a, b) = (side(a), side(b));
    let sides = [Side::new(one, &a), Side::new(other, &b)];
    system.update(&Game::new(&sides)).unwrap().concat().iter().map(|change| change.after).collect()
}

fn check(a: Rating, b: Rating, outcome: Outcomes) {
    let config = Glicko2Config { tau: 0.5, convergence_tolerance: 1e-11 };
    let wanted = glicko2(&theirs(a), &theirs(b), &outcome, &config);
    let found = rated(&System::default(), &[a], &[b], outcome);
    for (found, wanted) in found.into_iter().zip([wanted.0, wanted.1]) {
        // They do not keep the deviation within a maximum.
        let deviation = wanted.deviation.clamp(30.0, 350.0);
        let near = (found.mean - wanted.rating).abs() < TOLERANCE
            && (found.deviation - deviation).abs() < TOLERANCE
            && (found.volatility - wanted.volatility).abs() < TOLERANCE;
        assert!(near, "{a:?} {b:?} {outcome:?}: {found:?} is not {wanted:?}");
    }
}

#[test]
fn six_hundred_duels_agree() {
    for i in 0..200_u32 {
        // A fixed scatter: multiples of irrational steps, taken modulo one.
        let part = |step: f64| (f64::from(i) * step).fract();
        let rating = |m: f64, d: f64, v: f64| Rating {
            mean: 800.0 + 1400.0 * part(m),
            deviation: 31.0 + 318.0 * part(d),
            volatility: 0.03 + 0.07 * part(v),
        };
        let (a, b) =
            (rating(0.618_033_9, 0.414_213_5, 0.732_050_8), rating(0.236_067_9, 0.645_751_3, 0.316_624_7));
        for outcome in [Outcomes::WIN, Outcomes::DRAW, Outcomes::LOSS] {
            check(a, b, outcome);
        }
    }
}

/// The example of the paper to more digits than it prints, and longer periods.
#[test]
fn periods_of_many_games_agree() {
    let rating = |mean: f64, deviation: f64| Rating { mean, deviation, volatility: 0.06 };
    let paper = [(rating(1400.0, 30.0), 1.0), (rating(1550.0, 100.0), 0.0), (rating(1700.0, 300.0), 0.0)];
    let many: Vec<(Rating, f64)> = (0..30)
        .map(|i| (rating(1100.0 + 27.0 * f64::from(i), 31.0 + 10.0 * f64::from(i)), f64::from(i % 3) / 2.0))
        .collect();
    for games in [&paper[..1], &paper, &many] {
        let results: Vec<_> = games
            .iter()
            .map(|&(opponent, score)| {
                let outcome = if score == 1.0 {
                    Outcomes::WIN
                } else if score == 0.5 {
                    Outcomes::DRAW
                } else {
                    Outcomes::LOSS
                };
                (theirs(opponent), outcome)
            })
            .collect();
        let own = rating(1500.0, 200.0);
        let config = Glicko2Config { tau: 0.5, convergence_tolerance: 1e-11 };
        let wanted = glicko2_rating_period(&theirs(own), &results, &config);
        let games: Vec<PeriodGame> =
            games.iter().map(|&(opponent, score)| PeriodGame { opponent, score, weight: 1.0 }).collect();
        let found = period_update(&Glicko2Settings::default(), own, &games);
        assert!((found.mean - wanted.rating).abs() < TOLERANCE, "{found:?} is not {wanted:?}");
        assert!((found.deviation - wanted.deviation).abs() < TOLERANCE, "{found:?} is not {wanted:?}");
        assert!((found.volatility - wanted.volatility).abs() < TOLERANCE, "{found:?} is not {wanted:?}");
    }
}

fn outcome() -> impl Strategy<Value = Outcomes> {
    prop_oneof![Just(Outcomes::WIN), Just(Outcomes::DRAW), Just(Outcomes::LOSS)]
}

/// Points of Elo and Glicko.
fn player() -> impl Strategy<Value = Rating> {
    (500.0..2500.0, 31.0..349.0).prop_map(|(mean, deviation)| Rating { mean, deviation, volatility: 0.06 })
}

/// Points of TrueSkill and Weng-Lin.
fn team() -> impl Strategy<Value = Vec<Rating>> {
    let player =
        (0.0..50.0, 0.7..8.3).prop_map(|(mean, deviation)| Rating { mean, deviation, volatility: 0.06 });
    prop::collection::vec(player, 1..6)
}

proptest! {
    #[test]
    fn duels_of_elo_agree(a in player(), b in player(), outcome in outcome()) {
        let theirs = |of: Rating| EloRating { rating: of.mean };
        let wanted = elo(&theirs(a), &theirs(b), &outcome, &EloConfig::new());
        let found = rated(&System::Elo(EloSettings::default()), &[a], &[b], outcome);
        for (found, wanted) in found.iter().zip([wanted.0, wanted.1]) {
            prop_assert!((found.mean - wanted.rating).abs() < TOLERANCE);
        }
    }

    #[test]
    fn duels_of_glicko_agree(a in player(), b in player(), outcome in outcome()) {
        let theirs = |of: Rating| GlickoRating { rating: of.mean, deviation: of.deviation };
        let wanted = glicko(&theirs(a), &theirs(b), &outcome, &GlickoConfig { c: 0.0 });
        let found = rated(&System::Glicko(GlickoSettings::default()), &[a], &[b], outcome);
        for (found, wanted) in found.iter().zip([wanted.0, wanted.1]) {
            prop_assert!((found.mean - wanted.rating).abs() < TOLERANCE);
            prop_assert!((found.deviation - wanted.deviation.max(30.0)).abs() < TOLERANCE);
        }
    }

    #[test]
    fn teams_of_weng_lin_agree(a in team(), b in team(), outcome in outcome()) {
        let theirs = |of: &Rating| WengLinRating { rating: of.mean, uncertainty: of.deviation };
        let teams = [&a, &b].map(|team| team.iter().map(theirs).collect::<Vec<_>>());
        let config = WengLinConfig { uncertainty_tolerance: 1e-4, ..WengLinConfig::new() };
        let wanted = weng_lin_two_teams(&teams[0], &teams[1], &outcome, &config);
        let system = System::WengLin(WengLinSettings { tau: 0.0, ..WengLinSettings::default() });
        for (found, wanted) in rated(&system, &a, &b, outcome).iter().zip(wanted.0.iter().chain(&wanted.1)) {
            prop_assert!((found.mean - wanted.rating).abs() < TOLERANCE);
            prop_assert!((found.deviation - wanted.uncertainty).abs() < TOLERANCE);
        }
    }

    /// Their error function is right to a ten-millionth, and divided by itself in the tails: the gap is theirs (the
    /// fixtures of the Python package agree to 1e-6), and surprises are left out.
    #[test]
    fn teams_of_true_skill_agree(a in team(), b in team(), outcome in outcome()) {
        let theirs = |of: &Rating| TrueSkillRating { rating: of.mean, uncertainty: of.deviation };
        let teams = [&a, &b].map(|team| team.iter().map(theirs).collect::<Vec<_>>());
        let system = System::TrueSkill(TrueSkillSettings::default());
        let chance = system.expected_pair(&a, &b, None).get();
        let surprise = match outcome {
            Outcomes::WIN => chance,
            Outcomes::LOSS => 1.0 - chance,
            Outcomes::DRAW => chance.min(1.0 - chance),
        };
        prop_assume!(surprise > 0.05);
        let wanted = trueskill_two_teams(&teams[0], &teams[1], &outcome, &TrueSkillConfig::new());
        for (found, wanted) in rated(&system, &a, &b, outcome).iter().zip(wanted.0.iter().chain(&wanted.1)) {
            prop_assert!((found.mean - wanted.rating).abs() < 2e-4, "{found:?} is not {wanted:?}");
            prop_assert!((found.deviation - wanted.uncertainty).abs() < 2e-4, "{found:?} is not {wanted:?}");
        }
    }
}
