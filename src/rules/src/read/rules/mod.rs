//! `rules`.
mod kinds;
mod measure;
mod roles;
mod statement;

use super::{Scope, faults::Faults, object::Object};
use crate::{
    json::Node,
    judge::Check,
    rule_set::{Rule, RuleKind},
};
use statement::Extent;
use std::collections::BTreeSet;

/// Types that only the extended language has.
const EXTENSIONS: [(&str, RuleKind); 3] =
    [("avoid", RuleKind::Avoid), ("roles", RuleKind::Roles), ("partyBalance", RuleKind::PartyBalance)];
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
        RuleKind::Avoid => &["attribute", "who", "maxCount"],
        RuleKind::Roles => &["attribute", "team", "counts", "autofill"],
        RuleKind::PartyBalance => &["maxDifference"],
    }
}

/// What an expansion may change of a rule; `None` if the rule has no lawful type.
pub(crate) fn expandable(rule: &Node) -> Option<&'static [&'static str]> {
    let object = Object::of(rule, "a rule", &mut Faults::default())?;
    let kind = object.choice("type", &kinds(true), &mut Faults::default())?;
    Some(if kind == RuleKind::Compound { &[] } else { own_members(kind) })
}

/// The types of rules, with the extensions or without.
fn kinds(is_extended: bool) -> Vec<(&'static str, RuleKind)> {
    KINDS.iter().chain(EXTENSIONS.iter().filter(|_| is_extended)).copied().collect()
}

/// A rule of one stage. `check` is missing where it has a fault.
pub(crate) struct Read {
    name: String,
    kind: RuleKind,
    check: Option<Check>,
    extent: Extent,
}

/// Reads the rules of one version of the document; those without a name or type are left out.
pub(crate) fn read(top: &Object<'_>, scope: &mut Scope, faults: &mut Faults) -> Vec<Read> {
    let (mut all, mut names): (Vec<Read>, BTreeSet<String>) = (Vec::new(), BTreeSet::new());
    let known_kinds = kinds(scope.is_extended);
    for node in top.list("rules", faults) {
        let Some(object) = Object::of(node, "a rule", faults) else { continue };
        faults.rule = object.text("name", &mut Faults::default()).map(str::to_owned);
        let name = object.need_text("name", faults);
        if name.is_some_and(|name| !names.insert(name.to_owned())) {
            faults.add(object.place("name"), "a rule of this name is defined before");
        }
        object.text("description", faults);
        let kind = object.need("type", faults).and_then(|_| object.choice("type", &known_kinds, faults));
        if let Some(kind) = kind {
            let known: Vec<&str> = COMMON.iter().chain(own_members(kind)).copied().collect();
            object.allow(&known, faults);
            let (check, extent) = one(kind, &object, &all, scope, faults);
            if let Some(name) = name {
                all.push(Read { name: name.to_owned(), kind, check, extent });
            }
        }
        faults.rule = None;
    }
    all
}

fn one(
    kind: RuleKind,
    object: &Object<'_>,
    before: &[Read],
    scope: &mut Scope,
    faults: &mut Faults,
) -> (Option<Check>, Extent) {
    if scope.is_large && !matches!(kind, RuleKind::BatchDistance | RuleKind::Latency) {
        let message = "matches of more than 40 players take rules of type `batchDistance` and `latency` only";
        faults.add(object.place("type"), message);
    }
    let mut rule = Source { object, scope, faults };
    let check = match kind {
        RuleKind::Comparison => rule.comparison(),
        RuleKind::Distance => rule.distance(),
        RuleKind::BatchDistance => rule.batch_distance(),
        RuleKind::Collection => rule.collection(),
        RuleKind::Latency => rule.latency(),
        RuleKind::DistanceSort => rule.sort(true),
        RuleKind::AbsoluteSort => rule.sort(false),
        RuleKind::Avoid => rule.avoid(),
        RuleKind::Roles => rule.roles(),
        RuleKind::PartyBalance => rule.party_balance(),
        RuleKind::Compound => {
            let (logic, extent) = statement::read(object, before, faults);
            return (logic.map(Check::Logic), extent);
        }
    };
    (check, Extent { weight: 1, depth: 0 })
}

/// A rule that is being read.
struct Source<'a, 'n> {
    object: &'a Object<'n>,
    scope: &'a mut Scope,
    faults: &'a mut Faults,
}

/// The rules by name and type.
pub(crate) fn names(all: &[Read]) -> Vec<Rule> {
    let mut named = BTreeSet::new();
    for read in all {
        if let Some(Check::Logic(logic)) = &read.check {
            logic.rules(&mut |rule| {
                named.insert(rule);
            });
        }
    }
    let rule = |(at, read): (usize, &Read)| Rule {
        name: read.name.clone(),
        kind: read.kind,
        counts_alone: !named.contains(&at),
    };
    all.iter().enumerate().map(rule).collect()
}

/// The compiled rules, if all are without a fault.
pub(crate) fn checks(all: Vec<Read>) -> Option<Vec<Check>> {
    all.into_iter().map(|read| read.check).collect()
}
