//! Figures over several seeds, and of two rule sets against each other.
use crate::summary::Summary;
use serde::Serialize;

/// The quantile 0.975 of Student's distribution for 1, 2, .. 30 degrees of freedom.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// A mean, and where it lies with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean over the runs.
    pub mean: f64,
    /// Half the width of the interval; nothing of one run.
    pub plus_minus: Option<f64>,
}

/// A figure of two rule sets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The figure.
    pub metric: String,
    /// Of the first rule set.
    pub rules: Option<Estimate>,
    /// Of the second one.
    pub against: Option<Estimate>,
    /// The second less the first, run by run on the same traffic.
    pub difference: Option<Estimate>,
    /// Whether the interval of the difference leaves out zero; nothing of one run.
    pub is_significant: Option<bool>,
}

/// Of one value a run; nothing of no value.
#[must_use]
pub fn estimate(values: &[f64]) -> Option<Estimate> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let plus_minus = values.len().checked_sub(2).map(|at| {
        let freedom = count - 1.0;
        let student = STUDENT.get(at).copied().unwrap_or(1.96 + 2.4 / freedom);
        student * (squares / freedom / count).sqrt()
    });
    (!values.is_empty()).then_some(Estimate { mean, plus_minus })
}

/// Sets two rule sets side by side, whose runs had the same traffic in turn.
#[must_use]
pub fn compare(rules: &[Summary], against: &[Summary]) -> Vec<Difference> {
    // A run has no figure where too few tickets give it.
    let mut names: Vec<String> = Vec::new();
    for (name, _) in rules.iter().chain(against).flat_map(Summary::metrics) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let of = |summaries: &[Summary], name: &str| -> Vec<Option<f64>> {
        let one = |of: &Summary| of.metrics().into_iter().find(|(other, _)| other == name)?.1;
        summaries.iter().map(one).collect()
    };
    let known = |values: &[Option<f64>]| estimate(&values.iter().copied().flatten().collect::<Vec<_>>());
    names
        .into_iter()
        .map(|metric| {
            let (one, two) = (of(rules, &metric), of(against, &metric));
            let pairs: Vec<f64> = one.iter().zip(&two).filter_map(|(a, b)| Some((*b)? - (*a)?)).collect();
            let difference = estimate(&pairs);
            let is_significant = difference.and_then(|of| Some(of.mean.abs() > of.plus_minus?));
            Difference { metric, rules: known(&one), against: known(&two), difference, is_significant }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segments::{Fairness, SegmentKind};

    #[test]
    fn a_figure_that_only_a_later_run_has_is_compared() {
        let even = |wait_ratio| {
            let (kind, longest) = (SegmentKind::Party, "2".to_owned());
            vec![Fairness { kind, wait_ratio, jain: 1.0, longest }]
        };
        let first = Summary::of(&[]);
        let of = |wait_ratio| [first.clone(), Summary { fairness: even(wait_ratio), ..first.clone() }];
        let all = compare(&of(2.0), &of(3.0));
        let found = all.iter().find(|of| of.metric == "wait_ratio_party").unwrap();
        assert_eq!(found.difference, Some(Estimate { mean: 1.0, plus_minus: None }));
        assert_eq!(all.iter().filter(|of| of.metric == "matched_share").count(), 1);
    }

    /// By hand: mean 4, deviation 2, 2 degrees of freedom: 4.303 * 2 / sqrt(3).
    #[test]
    fn intervals_are_students() {
        let of = estimate(&[2.0, 4.0, 6.0]).unwrap();
        assert_eq!(of.mean, 4.0);
        assert!((of.plus_minus.unwrap() - 4.968_7).abs() < 1e-3);
        assert_eq!(estimate(&[3.0]), Some(Estimate { mean: 3.0, plus_minus: None }));
        assert_eq!(estimate(&[]), None);
        // 40 degrees: 2.021 by the tables.
        let many: Vec<f64> = (0..41).map(|n| f64::from(n % 2)).collect();
        let deviation = (41.0 * 0.25_f64 / 40.0).sqrt();
        assert!(
            (estimate(&many).unwrap().plus_minus.unwrap() - 2.021 * deviation / 41_f64.sqrt()).abs() < 2e-3
        );
    }
}
