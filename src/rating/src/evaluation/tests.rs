use super::*;
use std::f64::consts::LN_2;

fn two_sides(matches: &[(f64, f64)]) -> TwoSidesReport {
    let mut evaluation = Evaluation::new();
    for &(p, y) in matches {
        evaluation.two_sides(p, y);
    }
    evaluation.report().two_sides.unwrap()
}

fn pairs(matches: &[&[(f64, f64)]]) -> Option<PairsReport> {
    let mut evaluation = Evaluation::new();
    for of in matches {
        evaluation.pairs(of.iter().copied());
    }
    evaluation.report().pairs
}

fn close(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-12, "{found} is not {wanted}");
}

#[test]
fn nothing_scored_is_no_figures() {
    assert_eq!(Evaluation::new().report(), Report { two_sides: None, three_ways: None, pairs: None });
}

#[test]
fn log_loss_and_brier_are_means() {
    let found = two_sides(&[(0.8, 1.0), (0.6, 0.0), (0.5, 0.5)]);
    // -(ln 0.8 + ln 0.4 + ln 0.5) / 3 and (0.04 + 0.36 + 0) / 3, by hand.
    close(found.log_loss, (0.223_143_551_314_209_7 + 0.916_290_731_874_155 + LN_2) / 3.0);
    close(found.brier, 0.4 / 3.0);
}

#[test]
fn log_loss_of_a_certain_error_is_bounded() {
    close(two_sides(&[(1.0, 0.0)]).log_loss, 13.815_510_557_935_518); // -ln 1e-6
    close(two_sides(&[(0.0, 1.0)]).log_loss, 13.815_510_557_964_274);
}

#[test]
fn accuracy_is_over_decisive_matches_and_a_toss_up_is_half() {
    let found = two_sides(&[(0.8, 1.0), (0.6, 0.0), (0.5, 1.0), (0.5 + 1e-10, 0.0), (0.9, 0.5)]);
    assert_eq!((found.matches, found.decisive, found.accuracy), (5, 4, Some(0.5)));
    assert_eq!(two_sides(&[(0.5 + 1e-8, 0.0)]).accuracy, Some(0.0));
    assert_eq!(two_sides(&[(0.3, 0.5)]).accuracy, None);
}

#[test]
fn ece_sums_the_gap_of_each_bin() {
    // One bin holds 0.81 (won) and 0.83 (lost): |1.64 - 1| = 0.64; another 0.2 (won): |0.2 - 1| = 0.8; of 3.
    close(two_sides(&[(0.81, 1.0), (0.83, 0.0), (0.2, 1.0)]).ece, 1.44 / 3.0);
}

#[test]
fn the_table_has_a_row_per_bin_and_1_is_in_the_last() {
    let table = two_sides(&[(1.0, 1.0), (0.96, 0.0), (0.0, 0.0), (0.05, 1.0)]).calibration;
    assert_eq!(table.len(), BINS);
    assert_eq!(
        table[19],
        CalibrationBin { from: 0.95, to: 1.0, count: 2, predicted: Some(0.98), actual: Some(0.5) }
    );
    assert_eq!((table[0].count, table[1].count), (1, 1));
    assert_eq!((table[2].count, table[2].predicted, table[2].actual), (0, None, None));
}

#[test]
fn nonsense_counts_as_the_nearest_sense() {
    assert_eq!(two_sides(&[(2.0, 1.0), (f64::NAN, 1.0)]), two_sides(&[(1.0, 1.0), (0.5, 1.0)]));
}

#[test]
fn pairs_are_means_within_a_match_then_over_matches() {
    let found = pairs(&[&[(0.9, 1.0), (0.6, 0.0), (0.7, 0.5)], &[(0.5, 1.0)], &[(0.4, 0.5)], &[]]).unwrap();
    assert_eq!(found.matches, 2);
    close(found.accuracy, (0.5 + 0.5) / 2.0);
    // First match: -(ln 0.9 + ln 0.4) / 2; second: ln 2.
    let first = (0.105_360_515_657_826_3 + 0.916_290_731_874_155) / 2.0;
    close(found.log_loss, (first + LN_2) / 2.0);
    close(found.brier, ((0.01 + 0.36) / 2.0 + 0.25) / 2.0);
}

#[test]
fn pairs_that_are_told_count_as_their_sums() {
    let (mut told, mut sums) = (Evaluation::new(), [0.0; 3]);
    for nth in 1..200_u32 {
        let pairs = (0..nth).map(|pair| {
            let p = f64::from((pair * 7_919 + nth) % 999 + 1) / 1_000.0;
            (p, [1.0, 0.0, 0.5][(pair % 3) as usize])
        });
        told.pairs_told(|each| pairs.clone().for_each(|(p, y)| each(p, y)));
        let decided: Vec<(f64, f64)> = pairs.filter(|(_, y)| *y != 0.5).collect();
        let mean = |of: fn(f64, f64) -> f64| {
            decided.iter().map(|(p, y)| of(*p, *y)).sum::<f64>() / decided.len() as f64
        };
        sums[0] += mean(|p, y| if p == 0.5 { 0.5 } else { f64::from(u8::from((p > 0.5) == (y == 1.0))) });
        sums[1] += mean(|p, y| -(if y == 1.0 { p } else { 1.0 - p }).ln());
        sums[2] += mean(|p, y| (p - y).powi(2));
    }
    let found = told.report().pairs.unwrap();
    assert_eq!(found.matches, 199);
    let found = [found.accuracy, found.log_loss, found.brier];
    found.into_iter().zip(sums).for_each(|(found, sum)| close(found, sum / 199.0));
}

#[test]
fn matches_without_a_decided_pair_are_skipped() {
    assert_eq!(pairs(&[&[(0.9, 0.5)], &[]]), None);
}
