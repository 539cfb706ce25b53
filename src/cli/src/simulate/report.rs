//! What is told, in one value: printed as it is with `--json`.
use super::{Source, options::Options};
use gsm_rules::RuleSet;
use gsm_traffic::{Difference, Estimate, Ran, Summary, Traffic, compare, estimate};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

/// The version of the JSON.
const VERSION: u32 = 1;

/// All of a simulation.
#[derive(Serialize)]
pub(super) struct Report {
    version: u32,
    pub(super) seed: u64,
    pub(super) runs: u32,
    pub(super) traffic: TrafficTold,
    pub(super) timeout_s: f64,
    turn_ms: u64,
    pub(super) skill_attribute: Option<String>,
    points: f64,
    pub(super) rules: Side,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) against: Option<Side>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) differences: Vec<Difference>,
}

/// The traffic of the first run.
#[derive(Serialize, Default)]
pub(super) struct TrafficTold {
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    pub(super) tickets: usize,
    pub(super) seconds: f64,
    /// Lines of a recording that told of tickets which came before it.
    pub(super) orphans: usize,
}

/// A rule set and what came of it.
#[derive(Serialize)]
pub(super) struct Side {
    pub(super) file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The figures that rule sets are compared by.
    pub(super) metrics: BTreeMap<String, Option<Estimate>>,
    /// Of all runs together.
    pub(super) summary: Summary,
    #[serde(skip)]
    each: Vec<Summary>,
}

impl TrafficTold {
    pub(super) fn of(source: &Source, traffic: &Traffic, queue: Option<&str>) -> Self {
        let (kind, orphans) = match source {
            Source::Recorded(recording) => ("recorded", recording.orphans),
            Source::Synthetic(_) => ("synthetic", 0),
        };
        let queue = queue.map(str::to_owned);
        Self { kind, queue, tickets: traffic.arrivals.len(), seconds: traffic.until.as_secs_f64(), orphans }
    }
}

impl Side {
    pub(super) fn of(file: &Path, set: &RuleSet, ran: &[Ran]) -> Self {
        let each: Vec<Summary> = ran.iter().map(|ran| Summary::of(&[ran])).collect();
        let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for (name, value) in each.iter().flat_map(Summary::metrics) {
            values.entry(name).or_default().extend(value);
        }
        Self {
            file: file.display().to_string(),
            name: set.name().map(str::to_owned),
            metrics: values.into_iter().map(|(name, values)| (name, estimate(&values))).collect(),
            summary: Summary::of(&ran.iter().collect::<Vec<_>>()),
            each,
        }
    }
}

impl Report {
    pub(super) fn of(
        mut sides: Vec<Side>,
        traffic: TrafficTold,
        (seed, runs): (u64, u32),
        skill_attribute: Option<String>,
        options: &Options,
    ) -> Self {
        let against = (sides.len() > 1).then(|| sides.remove(1));
        let rules = sides.remove(0);
        Self {
            version: VERSION,
            seed,
            runs,
            traffic,
            timeout_s: options.timeout().as_secs_f64(),
            turn_ms: options.turn().get(),
            skill_attribute,
            points: options.points(),
            differences: against.as_ref().map(|of| compare(&rules.each, &of.each)).unwrap_or_default(),
            rules,
            against,
        }
    }

    /// One or two.
    pub(super) fn sides(&self) -> impl Iterator<Item = &Side> {
        std::iter::once(&self.rules).chain(&self.against)
    }
}

/// What a figure is, for people, and how many digits it has behind the point; shares are shown in percent.
pub(super) fn label(metric: &str) -> (&str, usize) {
    match metric {
        "matched_share" => ("matched, %", 1),
        "timed_out_share" => ("timed out, %", 1),
        "cancelled_share" => ("cancelled, %", 1),
        "declined_share" => ("declined or silent, %", 1),
        "wait_mean_s" => ("wait, mean, s", 1),
        "wait_p50_s" => ("wait, p50, s", 1),
        "wait_p90_s" => ("wait, p90, s", 1),
        "wait_p99_s" => ("wait, p99, s", 1),
        "gap_mean" => ("skill gap, mean", 1),
        "gap_p90" => ("skill gap, p90", 1),
        "imbalance_mean" => ("teams apart, mean", 1),
        "lopsided_mean" => ("expected score off 0.5", 3),
        "latency_mean_ms" => ("farthest player, ms", 0),
        "p50_coverage" => ("ended inside the told p50", 3),
        "p90_coverage" => ("ended inside the told p90", 3),
        "unrelaxed_share" => ("matched unrelaxed, %", 1),
        "first_role_share" => ("in the role named first, %", 1),
        "autofilled_share" => ("in a role not named, %", 1),
        "wait_ratio_region" => ("longest/shortest wait, region", 2),
        "wait_ratio_skill" => ("longest/shortest wait, skill", 2),
        "wait_ratio_party" => ("longest/shortest wait, party", 2),
        other => (other, 3),
    }
}

/// A figure's value as it is shown.
pub(super) fn shown(metric: &str, value: f64) -> String {
    let value = if metric.ends_with("_share") { 100.0 * value } else { value };
    format!("{value:.*}", label(metric).1)
}

/// A mean with its interval.
pub(super) fn estimated(metric: &str, of: Option<Estimate>) -> String {
    match of {
        None => "-".to_owned(),
        Some(Estimate { mean, plus_minus: None }) => shown(metric, mean),
        Some(Estimate { mean, plus_minus: Some(by) }) => {
            format!("{} ± {}", shown(metric, mean), shown(metric, by))
        }
    }
}
