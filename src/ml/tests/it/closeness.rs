//! How close matches are beside the quality that is told of them.
use crate::league::{Chance, Match, history, league, taught};
use gsm_core::Timestamp;
use gsm_ml::{Forecaster, Outcome};
use gsm_rating::evaluation::{ClosenessReport, evaluate_by};
use gsm_rating::history::{History, Lineup};

/// Of the second half.
fn judged(history: &History) -> ClosenessReport {
    let mut forecaster = Forecaster::new(history);
    evaluate_by(&mut forecaster, history, history.len(), || ()).unwrap().closeness.report().unwrap()
}

fn without_scores(matches: &[Match]) -> Vec<Match> {
    let without =
        |of: &Match| Match { outcome: Outcome { scores: [None, None], ..of.outcome }, ..of.clone() };
    matches.iter().map(without).collect()
}

/// Contests of so many of 40 players: the stronger is ahead of the weaker by the odds of their skills.
fn contests(sides: usize, contests: usize, of_a_team: bool) -> History {
    let (mut history, mut chance) = (History::new(Vec::new()), Chance::new(9));
    let variant = history.variant("");
    for nth in 0..contests {
        let mut drawn: Vec<(f64, u32)> = (0..40).map(|player| (chance.unit(), player)).collect();
        drawn.sort_by(|one, other| one.0.total_cmp(&other.0));
        let size = if of_a_team { 2 } else { 1 };
        let players: Vec<u32> = drawn.iter().take(sides * size).map(|(_, player)| *player).collect();
        // Exponential times to the finish: who is ahead of whom goes by the ratio of their speeds.
        let times: Vec<f64> = players
            .chunks(size)
            .map(|side| {
                let skill: f64 = side.iter().map(|of| f64::from(*of) / 12.0).sum::<f64>() / size as f64;
                -(1.0 - chance.unit()).ln() / skill.exp()
            })
            .collect();
        // Those who take too long tie.
        let place = |own: &f64| 1 + times.iter().filter(|other| **other < own.min(3.0)).count() as u32;
        let lineups = players.chunks(size).zip(&times);
        let lineups: Vec<Lineup<'_>> =
            lineups.map(|(players, time)| Lineup { place: place(time), score: None, players }).collect();
        history.push(Timestamp::from_millis(nth as i64 * 60_000), variant, lineups.iter().copied());
    }
    history
}

/// Bins of a hundred matches and more are where their quality says; all together, too.
fn check(report: &ClosenessReport, matches: u64, error: f64) {
    assert_eq!(report.matches, matches);
    assert!(report.error < error, "{report:#?}");
    let full: Vec<_> = report.calibration.iter().filter(|bin| bin.count >= 100).collect();
    assert!(full.len() >= 5, "{report:#?}");
    for bin in full {
        let (quality, closeness) = (bin.predicted.unwrap(), bin.actual.unwrap());
        // Four standard errors of a closeness that deviates by one.
        let chance = 4.0 / (bin.count as f64).sqrt();
        assert!((quality - closeness).abs() < 0.02 + chance, "{bin:?}");
    }
}

#[test]
fn matches_are_as_close_as_their_quality_says() {
    let matches = league(3, 1, 24_000);
    check(&judged(&history(&matches)), 12_000, 0.03);
    check(&judged(&history(&without_scores(&matches))), 12_000, 0.035);
    check(&judged(&contests(7, 4_000, false)), 2_000, 0.02);
    check(&judged(&contests(3, 12_000, true)), 6_000, 0.03);
}

/// What scores say is of use: the quality of uneven matches is another with them.
#[test]
fn leads_say_more_than_who_won() {
    let matches = league(3, 1, 3_000);
    let models = [taught(&matches), taught(&without_scores(&matches))];
    let [with, without] = models.map(|mut model| {
        let of = Match { sides: [vec![39], vec![20]], ..matches[2_999].clone() };
        let features = model.features(&of.meeting()).unwrap();
        model.predict(&features)
    });
    assert!(with.margin.is_some() && without.margin.is_none());
    let even = 2.0 * without.expected.min(1.0 - without.expected);
    assert!((without.quality - even).abs() < 1e-12, "{without:?}");
    assert!(with.quality > 2.0 * with.expected.min(1.0 - with.expected) + 0.05, "{with:?}");
}

#[test]
fn results_by_hand() {
    let model = taught(&without_scores(&league(3, 1, 50)));
    let closeness = |expected, places| model.closeness(expected, &places);
    let (won, lost, drew) = (Outcome::places(1, 2), Outcome::places(2, 1), Outcome::places(1, 1));
    assert_eq!([won, lost, drew].map(|of| closeness(0.7, of)), [Some(0.0), Some(2.0), Some(1.0)]);
    assert_eq!([won, lost, drew].map(|of| closeness(0.3, of)), [Some(2.0), Some(0.0), Some(1.0)]);
    assert_eq!([won, lost, drew].map(|of| closeness(0.5, of)), [Some(1.0); 3]);
    // A score alone says nothing of the lead, where others have leads.
    let model = taught(&league(3, 1, 50));
    let of = |scores| model.closeness(0.7, &Outcome { places: [1, 2], scores });
    assert_eq!((of([None, None]), of([Some(3.0), None])), (None, None));
    let (narrow, wide) = (of([Some(3.0), Some(2.0)]).unwrap(), of([Some(5.0), Some(0.0)]).unwrap());
    assert!(narrow > 2.0 * wide && wide > 0.0, "{narrow} {wide}");
    // Order turned round, of which one pair tied.
    let upset = gsm_ml::upset(&[0.9, 0.6, 0.4, 0.1], &[4, 2, 2, 1]);
    assert_eq!(upset, Some(2.0));
    assert_eq!(gsm_ml::upset(&[0.9, 0.6, 0.4, 0.1], &[1, 2, 3, 4]), Some(0.0));
    assert_eq!(gsm_ml::upset(&[0.5; 4], &[4, 2, 2, 1]), Some(1.0));
    assert_eq!(gsm_ml::upset(&[0.9, 0.1, 0.5], &[1, 1, 1]), None);
}
