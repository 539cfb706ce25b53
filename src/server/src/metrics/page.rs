//! The page about all families.
use super::{Metrics, families::Described};
use std::fmt::Write as _;

/// `docs/metrics.md`.
#[must_use]
pub fn metrics_markdown() -> String {
    let mut text = String::from(
        "# Metrics\n\n`GET /metrics` in the text form of OpenMetrics, which Prometheus reads. Who sees it is `http.metrics`: \
         everybody with `gsm dev`, whoever has an admin's key with `gsm serve` (`authorization` with `credentials_file` in \
         the scrape configuration).\n\nWith `log.emf_every_s` those that have a name in CloudWatch are written to standard output as well, in its Embedded Metric \
         Format: lines that the CloudWatch agent, or whatever takes the output into CloudWatch Logs, makes metrics of. Counts are \
         those since the last line. `WAFBlocks` has the dimension `rule` and a sum without any, what is of `ML` the dimension \
         `mode` and a mean without any.\n\n| name | kind | labels | meaning | in CloudWatch |\n|---|---|---|---|---|\n",
    );
    for family in Metrics::new().families.described {
        let Described { name, kind, labels, help, cloudwatch } = family;
        let _ = writeln!(text, "| `{name}` | {kind} | {labels} | {help} | {cloudwatch} |");
    }
    text
}
