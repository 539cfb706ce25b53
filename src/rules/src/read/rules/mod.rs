//! `rules`.
use super::{faults::Faults, object::Object};
use crate::{json::Node, rule_set::RuleKind};

const KINDS: [(&str, RuleKind); 8] = [
    ("comparison", RuleKind::Comparison),
    ("distance", RuleKind::Distance),
    ("batchDistance", RuleKind::BatchDistance),
    ("collection", RuleKind::Collection),
    ("latency", RuleKind::Latency),
    ("distanceSort", RuleKind::DistanceSort),
    ("absoluteSort", RuleKind::AbsoluteSort),
    ("compound", RuleKind::Compound),
];

/// Members of every rule, which no expansion may change.
const COMMON: [&str; 3] = ["name", "type", "description"];

/// The other members of a rule of this type.
const fn own_members(kind: RuleKind) -> &'static [&'static str] {
    match kind {
        RuleKind::Comparison => &["measurements", "operation", "referenceValue", "partyAggregation"],
        RuleKind::Distance => {
            &["measurements", "referenceValue", "minDistance", "maxDistance", "partyAggregation"]
        }
        RuleKind::BatchDistance => &["batchAttribute", "maxDistance", "partyAggregation"],
        RuleKind::Collection => {
            &["measurements", "operation", "referenceValue", "minCount", "maxCount", "partyAggregation"]
        }
        RuleKind::Latency => &["maxLatency", "maxDistance", "distanceReference", "partyAggregation"],
        RuleKind::DistanceSort | RuleKind::AbsoluteSort => {
            &["sortAttribute", "sortDirection", "mapKey", "partyAggregation"]
        }
        RuleKind::Compound => &["statement"],
    }
}

/// What an expansion may change of a rule; `None` if the rule has no lawful type.
pub(crate) fn expandable(rule: &Node) -> Option<&'static [&'static str]> {
    let object = Object::of(rule, "a rule", &mut Faults::default())?;
    let kind = object.choice("type", &KINDS, &mut Faults::default())?;
    Some(if kind == RuleKind::Compound { &[] } else { own_members(kind) })
}

/// Until they are read.
pub(crate) fn refused(top: &Object<'_>, faults: &mut Faults) {
    if !top.list("rules", faults).is_empty() {
        faults.add(top.place("rules"), "rules are not served yet");
    }
}
