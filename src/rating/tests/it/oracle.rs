//! Against crate `skillratings` (0.29): duels with a period of one match are the same system, and so is a period.

use gsm_rating::glicko2::{PeriodGame, period_update};
use gsm_rating::{Entrant, Game, Glicko2Settings, Rating, Side, System};
use skillratings::Outcomes;
use skillratings::glicko2::{Glicko2Config, Glicko2Rating, glicko2, glicko2_rating_period};

/// Both searches for the volatility stop at about `1e-11` in `ln(volatility²)`, so a wider gap is no rounding.
const TOLERANCE: f64 = 1e-9;

fn theirs(r: Rating) -> Glicko2Rating {
    Glicko2Rating { rating: r.mean, deviation: r.deviation, volatility: r.volatility }
}

fn check(a: Rating, b: Rating, outcome: Outcomes) {
    let places = match outcome {
        Outcomes::WIN => (1, 2),
        Outcomes::DRAW => (1, 1),
        Outcomes::LOSS => (2, 1),
    };
    let config = Glicko2Config { tau: 0.5, convergence_tolerance: 1e-11 };
    let wanted = glicko2(&theirs(a), &theirs(b), &outcome, &config);
    let sides = ([Entrant::new(a)], [Entrant::new(b)]);
    let found = System::default()
        .update(&Game::new(&[Side::new(places.0, &sides.0), Side::new(places.1, &sides.1)]))
        .unwrap();
    for (found, wanted) in [(found[0][0].after, wanted.0), (found[1][0].after, wanted.1)] {
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
