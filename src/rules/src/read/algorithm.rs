//! `algorithm`.
use super::{
    Scope,
    faults::Faults,
    object::{Object, text},
};
use crate::{
    columns::{Aggregation, WordSource},
    rule_set::{Algorithm, AttributeKind, BackfillPriority, Batching, ExpansionAge, SortBy, Strategy},
};

const MEMBERS: [&str; 6] = [
    "strategy",
    "batchingPreference",
    "sortByAttributes",
    "balancedAttribute",
    "backfillPriority",
    "expansionAgeSelection",
];
/// What an expansion may change: everything but the clock of expansions.
pub(crate) const EXPANDABLE: [&str; 5] =
    ["strategy", "batchingPreference", "sortByAttributes", "balancedAttribute", "backfillPriority"];

const STRATEGIES: [(&str, Strategy); 2] =
    [("exhaustiveSearch", Strategy::ExhaustiveSearch), ("balanced", Strategy::Balanced)];
const BATCHINGS: [(&str, Batching); 4] = [
    ("random", Batching::Random),
    ("sorted", Batching::Sorted),
    ("largestPopulation", Batching::LargestPopulation),
    ("fastestRegion", Batching::FastestRegion),
];
const BACKFILLS: [(&str, BackfillPriority); 3] =
    [("normal", BackfillPriority::Normal), ("low", BackfillPriority::Low), ("high", BackfillPriority::High)];
const AGES: [(&str, ExpansionAge); 2] = [("newest", ExpansionAge::Newest), ("oldest", ExpansionAge::Oldest)];

fn object<'n>(top: &Object<'n>, faults: &mut Faults) -> Option<Object<'n>> {
    Object::of(top.get("algorithm")?, "`algorithm`", faults)
}

pub(crate) fn expansion_age(top: &Object<'_>, faults: &mut Faults) -> ExpansionAge {
    let age = object(top, faults).and_then(|object| object.choice("expansionAgeSelection", &AGES, faults));
    age.unwrap_or_default()
}

pub(crate) fn read(top: &Object<'_>, scope: &mut Scope, faults: &mut Faults) -> Algorithm {
    let Some(object) = object(top, faults) else {
        if scope.is_large {
            faults.add(
                top.place("teams"),
                "matches of more than 40 players need an `algorithm` with strategy `balanced`",
            );
        }
        return Algorithm::default();
    };
    object.allow(&MEMBERS, faults);
    let strategy = object.choice("strategy", &STRATEGIES, faults);
    let is_exhaustive = match strategy {
        Some(strategy) => strategy == Strategy::ExhaustiveSearch,
        None => object.get("strategy").is_none(),
    };
    if is_exhaustive && scope.is_large {
        faults.add(object.place("strategy"), "matches of more than 40 players need the strategy `balanced`");
    }
    let strategy = strategy.unwrap_or_default();
    let (first, second) = match strategy {
        Strategy::ExhaustiveSearch => (Batching::Random, Batching::Sorted),
        Strategy::Balanced => (Batching::LargestPopulation, Batching::FastestRegion),
    };
    let batching = object.choice("batchingPreference", &BATCHINGS, faults).unwrap_or(first);
    if batching != first && batching != second {
        let of =
            |wanted: Batching| BATCHINGS.iter().find(|(_, b)| *b == wanted).map_or("", |(word, _)| *word);
        let message = format!("this strategy goes with `{}` or `{}`", of(first), of(second));
        faults.add(object.place("batchingPreference"), message);
    }
    if strategy == Strategy::Balanced && object.get("backfillPriority").is_some() {
        let message = if scope.is_large {
            "of matches of more than 40 players backfills come first, whatever this says"
        } else {
            "FlexMatch knows this with strategy `exhaustiveSearch` only"
        };
        faults.warn(object.place("backfillPriority"), message);
    }
    let is_by_place = scope.is_large && batching == Batching::FastestRegion;
    let latency = WordSource::Latency { aggregation: Aggregation::default() };
    Algorithm {
        strategy,
        batching,
        places: is_by_place.then(|| scope.columns.word(latency)),
        sort_by: sort_by(&object, batching, scope, faults),
        balanced: balanced(&object, strategy, scope, faults),
        backfill: object.choice("backfillPriority", &BACKFILLS, faults).unwrap_or_default(),
    }
}

fn sort_by(object: &Object<'_>, batching: Batching, scope: &mut Scope, faults: &mut Faults) -> Vec<SortBy> {
    let mut all = Vec::new();
    for node in object.list("sortByAttributes", faults) {
        let Some(name) = text(node, "sortByAttributes", faults) else { continue };
        let Some(attribute) = scope.attribute(name, node.begin, faults) else { continue };
        match scope.kind(attribute) {
            Some(AttributeKind::Number) => {
                all.push(SortBy::Number(scope.columns.number(attribute, Aggregation::Avg)));
            }
            Some(AttributeKind::String) => {
                all.push(SortBy::Text(scope.columns.word(WordSource::Texts { attribute })));
            }
            _ => faults.add(node.begin, format!("batches cannot be sorted by the list or map `{name}`")),
        }
    }
    match batching {
        Batching::Sorted if object.list("sortByAttributes", &mut Faults::default()).is_empty() => {
            faults.add(object.place("batchingPreference"), "`sorted` needs `sortByAttributes`");
        }
        Batching::Sorted => {}
        _ if object.get("sortByAttributes").is_some() => {
            faults.warn(object.place("sortByAttributes"), "only batchingPreference `sorted` uses this");
        }
        _ => {}
    }
    all
}

fn balanced(
    object: &Object<'_>,
    strategy: Strategy,
    scope: &mut Scope,
    faults: &mut Faults,
) -> Option<(usize, crate::columns::NumberColumn)> {
    let name = object.text("balancedAttribute", faults);
    let at = object.place("balancedAttribute");
    match (strategy, name) {
        (Strategy::Balanced, None) if object.get("balancedAttribute").is_none() => {
            faults.add(object.begin, "strategy `balanced` needs a `balancedAttribute`");
        }
        (Strategy::ExhaustiveSearch, Some(_)) => faults.warn(at, "only strategy `balanced` uses this"),
        _ => {}
    }
    let name = name?;
    let attribute = scope.attribute(name, at, faults)?;
    if scope.kind(attribute) != Some(AttributeKind::Number) {
        faults.add(at, format!("attribute `{name}` must be of type `number` to balance by it"));
        return None;
    }
    Some((attribute, scope.columns.number(attribute, Aggregation::Avg)))
}
