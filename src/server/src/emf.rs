//! Metrics for CloudWatch, as lines of its Embedded Metric Format on standard output: the agent, or whatever takes the
//! output into CloudWatch Logs, makes metrics of them.
//!
//! Dimensions are rules, modes and queues: closed sets, and each costs a metric. Values without dimensions stand beside
//! them, for dashboards that ask for the whole.
use crate::api::App;
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    io::Write as _,
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::sync::oneshot;

/// Lines that wait for a standard output that is slow; more are left out, so that nobody waits for it.
const WAITING_MAX: usize = 1_024;
/// How long the last lines may take.
const WRITING_MAX: Duration = Duration::from_secs(1);

/// Lines, every so often and once more at the end.
pub(crate) async fn run(app: Arc<App>, every: Duration) {
    let (lines, waiting) = mpsc::sync_channel::<String>(WAITING_MAX);
    let (writing, written) = oneshot::channel::<()>();
    // A thread of its own: an output that nobody reads holds up nobody.
    let writer = std::thread::Builder::new().name("emf".to_owned()).spawn(move || {
        for line in waiting {
            if writeln!(std::io::stdout().lock(), "{line}").is_err() {
                break;
            }
        }
        drop(writing);
    });
    if let Err(error) = writer {
        tracing::warn!(%error, "no metrics for CloudWatch");
        // The server does without.
        app.stop.cancelled().await;
        return;
    }
    let mut counted = Counted::default();
    loop {
        let stopped = tokio::select! {
            () = tokio::time::sleep(every) => false,
            () = app.stop.cancelled() => true,
        };
        for line in counted.lines(&app) {
            if lines.try_send(line.to_string()).is_err() {
                tracing::debug!("a line of metrics is left out: standard output is slow");
            }
        }
        if stopped {
            break;
        }
    }
    drop(lines);
    drop(tokio::time::timeout(WRITING_MAX, written).await);
}

/// What had been counted when the last lines were made: CloudWatch adds up.
#[derive(Default)]
struct Counted {
    blocks: BTreeMap<Arc<str>, u64>,
    results: u64,
}

impl Counted {
    fn lines(&mut self, app: &App) -> Vec<Value> {
        let at = app.engine.clock().wall().as_millis();
        let mut lines = Vec::new();
        let blocks = self.blocked(app.door.guard.current().blocks());
        let total: u64 = blocks.values().sum();
        lines.push(line(at, "Security", None, &[("WAFBlocks", "Count", total as f64)]));
        for (rule, blocks) in blocks.into_iter().filter(|(_, blocks)| *blocks > 0) {
            lines.push(of_one(at, "Security", ("rule", &rule), &[("WAFBlocks", "Count", blocks as f64)]));
        }
        for (mode, glance) in app.engine.model_glances() {
            let Some(champion) = glance.champion else { continue };
            let mut values = vec![("PredictionLogLoss", "None", champion.log_loss)];
            values.extend(champion.accuracy.map(|accuracy| ("PredictionAccuracy", "None", accuracy)));
            values.push(("PredictionDrift", "None", f64::from(u8::from(glance.is_drifting))));
            lines.push(of_each(at, "ML", ("mode", mode.as_str()), &values));
        }
        let counts = app.engine.counts();
        let results = counts.results.saturating_sub(self.results);
        self.results = counts.results;
        let whole = [
            ("Connections", "Count", app.gate.open() as f64),
            ("AdmittedShare", "None", app.shedder.share()),
            ("MatchesRunning", "Count", counts.running as f64),
            ("Results", "Count", results as f64),
        ];
        lines.push(line(at, "GSM", None, &whole));
        for queue in app.engine.queue_overviews() {
            let values = [
                ("TicketsWaiting", "Count", queue.waiting as f64),
                ("PlayersWaiting", "Count", queue.players as f64),
                ("TicketWaitMax", "Milliseconds", queue.wait_ms_max.get() as f64),
            ];
            lines.push(of_one(at, "GSM", ("queue", queue.queue.as_str()), &values));
        }
        lines
    }

    /// What was refused since the last time. A rule that was taken up anew counts from nothing.
    fn blocked(&mut self, now: BTreeMap<Arc<str>, u64>) -> BTreeMap<Arc<str>, u64> {
        let before = std::mem::replace(&mut self.blocks, now.clone());
        let since = |(rule, blocks): (Arc<str>, u64)| {
            let known = before.get(&rule).copied().filter(|known| *known <= blocks).unwrap_or(0);
            (rule, blocks - known)
        };
        now.into_iter().map(since).collect()
    }
}

/// A name, a unit of CloudWatch, and a value.
type Metric<'a> = (&'a str, &'a str, f64);

/// The values of one among many: by its dimension alone.
fn of_one(at: i64, namespace: &str, of: (&str, &str), metrics: &[Metric<'_>]) -> Value {
    line(at, namespace, Some((of, false)), metrics)
}

/// The same, and by no dimension as well, where CloudWatch takes the mean over all.
fn of_each(at: i64, namespace: &str, of: (&str, &str), metrics: &[Metric<'_>]) -> Value {
    line(at, namespace, Some((of, true)), metrics)
}

fn line(at: i64, namespace: &str, of: Option<((&str, &str), bool)>, metrics: &[Metric<'_>]) -> Value {
    let dimensions = match of {
        None => json!([[]]),
        Some(((name, _), false)) => json!([[name]]),
        Some(((name, _), true)) => json!([[], [name]]),
    };
    // What is no number is not told.
    let told = || metrics.iter().filter(|(.., value)| value.is_finite());
    let named: Vec<Value> = told().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({ "Timestamp": at, "CloudWatchMetrics": [
            { "Namespace": namespace, "Dimensions": dimensions, "Metrics": named }
        ] }),
    );
    if let Some(((name, value), _)) = of {
        line.insert(name.to_owned(), json!(value));
    }
    line.extend(told().map(|(name, _, value)| ((*name).to_owned(), json!(value))));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told_once() {
        let mut counted = Counted::default();
        let blocks = |of: &[(&str, u64)]| of.iter().map(|(rule, n)| ((*rule).into(), *n)).collect();
        assert_eq!(counted.blocked(blocks(&[("a", 3), ("b", 0)])), blocks(&[("a", 3), ("b", 0)]));
        assert_eq!(counted.blocked(blocks(&[("a", 5), ("b", 0)])), blocks(&[("a", 2), ("b", 0)]));
        // Taken up anew.
        assert_eq!(counted.blocked(blocks(&[("a", 1), ("b", 4)])), blocks(&[("a", 1), ("b", 4)]));
    }

    #[test]
    fn every_metric_and_dimension_that_is_named_stands_in_its_line() {
        let told = of_each(7, "ML", ("mode", "duel"), &[("A", "None", 0.5), ("B", "None", f64::NAN)]);
        assert_eq!(
            told,
            json!({
                "_aws": { "Timestamp": 7, "CloudWatchMetrics": [
                    { "Namespace": "ML", "Dimensions": [[], ["mode"]], "Metrics": [{ "Name": "A", "Unit": "None" }] }
                ] },
                "mode": "duel", "A": 0.5,
            })
        );
        assert_eq!(line(7, "S", None, &[])["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([[]]));
    }
}
