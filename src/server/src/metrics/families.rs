//! Families and their labels.
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{MetricType, TypedMetric},
    registry::{Metric, Registry},
};

/// An operation and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Answered {
    pub(super) operation: &'static str,
    pub(super) status: u16,
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Of {
    pub(super) operation: &'static str,
}

/// A rule of the firewall.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByRule {
    pub(super) rule: String,
}

/// Why something was refused below the API.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByReason {
    pub(super) reason: &'static str,
}

/// What a signature is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByKind {
    pub(super) of: &'static str,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByQueue {
    pub(super) queue: String,
}

/// How a call to an endpoint ended: `answered`, or why it did not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByOutcome {
    pub(super) outcome: &'static str,
}

/// A class of data that goes by itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByClass {
    pub(super) class: &'static str,
}

/// A way on which the audit log is shipped: `copy` or `syslog`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByWay {
    pub(super) to: &'static str,
}

/// A family, as `docs/metrics.md` tells of it.
pub(super) struct Described {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) labels: &'static str,
    pub(super) help: &'static str,
    /// Namespace and name in CloudWatch, where it has them.
    pub(super) cloudwatch: &'static str,
}

/// Families as they are made: the registry and the page about it come of the same lines.
pub(super) struct Families {
    pub(super) registry: Registry,
    pub(super) described: Vec<Described>,
}

impl Families {
    /// Adds a family; `labels` are named for the page, `cloudwatch` is empty where CloudWatch has no such metric.
    pub(super) fn add<M: Metric + TypedMetric + Clone>(
        &mut self,
        name: &'static str,
        labels: &'static str,
        help: &'static str,
        cloudwatch: &'static str,
        metric: M,
    ) -> M {
        let (kind, suffix) = match M::TYPE {
            MetricType::Counter => ("counter", "_total"),
            MetricType::Histogram => ("histogram", ""),
            _ => ("gauge", ""),
        };
        self.described.push(Described { name: format!("{name}{suffix}"), kind, labels, help, cloudwatch });
        self.registry.register(name, help, metric.clone());
        metric
    }
}
