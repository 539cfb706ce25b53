//! `objective`, an extension.
use super::{Scope, faults::Faults, object::Object};
use crate::{
    columns::{Aggregation, WordSource},
    json::Node,
    objective::{HoldBack, Measure, Objective, Term},
    rule_set::AttributeKind,
    stage::Stage,
};
use gsm_core::Millis;

const MEASURES: [&str; 6] =
    ["spread", "imbalance", "unevenness", "lostQuality", "latencyAbove", "roleChoice"];
/// The longest time that a ticket can wait, in seconds.
const STARVATION_MAX: u32 = 43_200;
/// Parts of a cost.
const TERMS_MAX: usize = 8;

#[derive(Clone, Copy)]
enum Policy {
    None,
    Price,
}
const POLICIES: [(&str, Policy); 2] = [("none", Policy::None), ("price", Policy::Price)];

pub(crate) fn read(top: &Object<'_>, scope: &mut Scope, faults: &mut Faults) -> Option<Objective> {
    let node = top.get("objective")?;
    let object = Object::of(node, "`objective`", faults)?;
    object.allow(&["cost", "holdBack", "starvationSeconds"], faults);
    if scope.is_large {
        faults.add(node.begin, "matches of more than 40 players have no `objective`");
    }
    object.need("cost", faults);
    let nodes = object.list("cost", faults);
    if object.get("cost").is_some() && (nodes.is_empty() || nodes.len() > TERMS_MAX) {
        faults.add(object.place("cost"), format!("a cost has 1 to {TERMS_MAX} parts"));
    }
    let terms = nodes.iter().filter_map(|node| term(node, scope, faults)).collect();
    let hold_back = hold_back(&object, faults).unwrap_or(HoldBack::None);
    let starvation = match object.need("starvationSeconds", faults) {
        Some(_) => object.count("starvationSeconds", (1, STARVATION_MAX), faults)?,
        None => return None,
    };
    Some(Objective { terms, hold_back, starvation: Millis::from_secs(u64::from(starvation)) })
}

/// Refuses a cost of roles that no rule gives, and warns of an attribute to balance by that is not asked.
pub(crate) fn check(top: &Object<'_>, objective: &Objective, stages: &[Stage], faults: &mut Faults) {
    let is_given = |term: &Term| match term.measure {
        Measure::RoleChoice(lists) => stages.iter().any(|stage| stage.gives_roles_of(lists)),
        _ => true,
    };
    if !objective.terms.iter().all(is_given) {
        let detail = "`roleChoice` names an attribute by which no rule of the type `roles` gives roles";
        faults.add(top.place("objective"), detail);
    }
    if objective.is_of_seats() && stages.iter().any(|stage| stage.algorithm().balanced.is_some()) {
        let algorithm = top.get("algorithm").map(|node| Object::of(node, "`algorithm`", faults));
        let at = algorithm.flatten().map_or(top.begin, |algorithm| algorithm.place("balancedAttribute"));
        faults.warn(at, "the cost of the `objective` says who sits where: this does nothing");
    }
}

fn term(node: &Node, scope: &mut Scope, faults: &mut Faults) -> Option<Term> {
    let object = Object::of(node, "a part of a cost", faults)?;
    let known: Vec<&str> = MEASURES.into_iter().chain(["weight"]).collect();
    object.allow(&known, faults);
    let weight = match object.get("weight") {
        Some(_) => object.amount("weight", faults)?,
        None => 1.0,
    };
    let mut named = MEASURES.iter().filter(|name| object.get(name).is_some());
    let (Some(name), None) = (named.next(), named.next()) else {
        faults.add(
            node.begin,
            "a part of a cost has one of `spread`, `imbalance`, `unevenness`, `lostQuality`, `latencyAbove` and `roleChoice`",
        );
        return None;
    };
    let measure = if *name == "latencyAbove" {
        let ms = object.amount(name, faults)?;
        let column = scope.columns.word(WordSource::Latency { aggregation: Aggregation::Max });
        Measure::LatencyAbove { column, ms }
    } else {
        let attribute_name = object.need_text(name, faults)?;
        let at = object.place(name);
        let attribute = scope.attribute(attribute_name, at, faults)?;
        if *name == "roleChoice" {
            if scope.kind(attribute) != Some(AttributeKind::StringList) {
                faults.add(
                    at,
                    format!("attribute `{attribute_name}` must be of type `string_list` to name roles"),
                );
                return None;
            }
            let measure = Measure::RoleChoice(scope.columns.word(WordSource::Ranked { attribute }));
            return Some(Term { weight, measure });
        }
        if scope.kind(attribute) != Some(AttributeKind::Number) {
            faults
                .add(at, format!("attribute `{attribute_name}` must be of type `number` to cost something"));
            return None;
        }
        let column = scope.columns.number(attribute, Aggregation::Avg);
        match *name {
            "spread" => Measure::Spread(column),
            "imbalance" => Measure::Imbalance(column),
            "lostQuality" => Measure::LostQuality { strength: scope.columns.strength(), rating: column },
            _ => Measure::Unevenness(column),
        }
    };
    Some(Term { weight, measure })
}

fn hold_back(objective: &Object<'_>, faults: &mut Faults) -> Option<HoldBack> {
    let object = Object::of(objective.get("holdBack")?, "`holdBack`", faults)?;
    object.allow(&["policy", "start", "perSecond"], faults);
    object.need("policy", faults);
    match object.choice("policy", &POLICIES, faults)? {
        Policy::None => {
            for name in ["start", "perSecond"] {
                if object.get(name).is_some() {
                    faults.warn(object.place(name), "only policy `price` uses this");
                }
            }
            Some(HoldBack::None)
        }
        Policy::Price => {
            let start = if object.get("start").is_some() { object.amount("start", faults)? } else { 0.0 };
            object.need("perSecond", faults);
            let per_second = object.amount("perSecond", faults)?;
            Some(HoldBack::Price { start, per_second })
        }
    }
}
