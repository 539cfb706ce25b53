//! The order in which those lie next to each other who may play and cost little together.
use super::CHUNK_MAX;
use crate::ordered::ordered;
use gsm_core::FixedHasher;
use gsm_rules::{Line, NumberColumn, Objective, Pairwise, Party, RuleSet, rating_logit};
use std::hash::{Hash, Hasher};

/// A strip is so many times as wide as a rule lets two be apart: who stands in one may play most of the others in it.
const STRIP_WIDTHS: f64 = 4.0;

/// The places of tickets in the order in which they are paired; none where it is that in which they came.
///
/// Whom the rules part whatever they wait for, by a string or a number that has to be equal, stand apart. Of the others,
/// those who are neighbours by what costs most; in a large pool whose rules keep another number near, in strips of it, none of
/// them of less than a chunk.
pub(super) fn order(set: &RuleSet, objective: &Objective, parties: &[&Party]) -> Option<Vec<u32>> {
    let groups = groups(set, parties);
    let costs = keys(objective, parties);
    let near = narrowest(set, parties);
    if groups.is_none() && costs.is_none() && near.is_none() {
        return None;
    }
    let group = |at: u32| groups.as_ref().and_then(|of| of.get(at as usize)).copied().unwrap_or(0);
    let key = |keys: &[f64], at: u32| keys.get(at as usize).map_or(0, |key| ordered(*key));
    let mut places: Vec<u32> = (0..parties.len() as u32).collect();
    let first = near.as_ref().map(|(keys, _)| keys.as_slice()).or(costs.as_deref()).unwrap_or_default();
    // Equal ones stay in the order of their turns.
    places.sort_by_cached_key(|at| (group(*at), key(first, *at)));
    if let Some(((keys, width), costs)) = near.as_ref().zip(costs.as_ref()) {
        let number = |at: &u32| keys.get(*at as usize).copied().unwrap_or(f64::NAN);
        let mut rest = places.as_mut_slice();
        while let Some(begin) = rest.first().copied() {
            let is_in = |at: &u32| group(*at) == group(begin);
            let of_group = rest.partition_point(is_in);
            let within =
                rest.partition_point(|at| is_in(at) && number(at) - number(&begin) <= STRIP_WIDTHS * width);
            let strip = within.max(CHUNK_MAX).min(of_group);
            // What is left is no strip of its own.
            let strip = if of_group - strip < CHUNK_MAX { of_group } else { strip };
            let (one, others) = rest.split_at_mut(strip.max(1));
            one.sort_by_cached_key(|at| (key(costs, *at), *at));
            rest = others;
        }
    }
    Some(places)
}

/// Of each ticket the same number as of those who have the same strings and numbers where the rules of all stages ask for
/// equal ones; none where they ask for none.
fn groups(set: &RuleSet, parties: &[&Party]) -> Option<Vec<u64>> {
    let mut equal = lasting(set)
        .filter(|of| matches!(of, Pairwise::SameText { .. } | Pairwise::SameNumber { .. }))
        .peekable();
    equal.peek()?;
    let equal: Vec<&Pairwise> = equal.collect();
    let group = |party: &&Party| {
        let mut hasher = FixedHasher::default();
        for of in &equal {
            match of {
                Pairwise::SameText { column, .. } => party.texts(*column).first().hash(&mut hasher),
                Pairwise::SameNumber { column, .. } => hasher.write_u64(ordered(party.number(*column))),
                _ => {}
            }
        }
        hasher.finish()
    };
    Some(parties.iter().map(group).collect())
}

/// What the first stage asks of any two tickets, as far as all others ask it as well.
fn lasting(set: &RuleSet) -> impl Iterator<Item = &Pairwise> {
    let (first, others) =
        set.stages().split_first().map_or((None, &[][..]), |(first, others)| (Some(first), others));
    let lasts = move |of: &&Pairwise| others.iter().all(|stage| stage.pairwise().contains(of));
    first.into_iter().flat_map(|stage| stage.pairwise()).filter(lasts)
}

/// The number that the rules of all stages keep nearest, for how widely it is spread: of each ticket, and how far apart two
/// may be in some stage.
fn narrowest(set: &RuleSet, parties: &[&Party]) -> Option<(Vec<f64>, f64)> {
    let width = |pairs: &[Pairwise], wanted: NumberColumn| {
        let of = pairs.iter().filter_map(|pair| match *pair {
            Pairwise::Within { column, width, .. } if column == wanted => Some(width),
            _ => None,
        });
        of.reduce(f64::min)
    };
    let mut best: Option<(f64, Vec<f64>, f64)> = None;
    let mut seen: Vec<NumberColumn> = Vec::new();
    for pair in set.stages().first()?.pairwise() {
        let Pairwise::Within { column, .. } = *pair else { continue };
        if seen.contains(&column) {
            continue;
        }
        seen.push(column);
        let widths: Option<Vec<f64>> =
            set.stages().iter().map(|stage| width(stage.pairwise(), column)).collect();
        let Some(width) = widths.and_then(|of| of.into_iter().reduce(f64::max)) else { continue };
        let keys = along(Line::Number(column), parties);
        let share = width / middle_half(&keys).max(f64::MIN_POSITIVE);
        if best.as_ref().is_none_or(|(least, ..)| share < *least) {
            best = Some((share, keys, width));
        }
    }
    best.map(|(_, keys, width)| (keys, width))
}

/// The numbers of tickets by which neighbours are near: on the line along which those of one half of the pool cost most in
/// the middle, so that what costs hardly anything puts nobody apart. None where no part of the cost has a line.
fn keys(objective: &Objective, parties: &[&Party]) -> Option<Vec<f64>> {
    let mut lines: Vec<Line> = Vec::new();
    for line in objective.terms.iter().filter_map(gsm_rules::Term::line) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if let [line] = lines.as_slice() {
        return Some(along(*line, parties));
    }
    let mut best: Option<(f64, Vec<f64>)> = None;
    for line in lines {
        let keys = along(line, parties);
        let far = middle_half(&keys);
        let own = objective.terms.iter().filter(|term| term.line() == Some(line));
        let cost: f64 = own.map(|term| term.apart(far)).sum();
        // Of equals the first.
        if best.as_ref().is_none_or(|(most, _)| cost > *most) {
            best = Some((cost, keys));
        }
    }
    best.map(|(_, keys)| keys)
}

/// How far apart the ends of the middle half are.
fn middle_half(keys: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = keys.iter().copied().filter(|key| !key.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |nth: usize| sorted.get(nth).copied();
    let ends = at(sorted.len() / 4).zip(at(3 * sorted.len() / 4));
    ends.map_or(0.0, |(low, high)| high - low)
}

fn along(line: Line, parties: &[&Party]) -> Vec<f64> {
    match line {
        Line::Number(column) => parties.iter().map(|party| party.number(column)).collect(),
        Line::Strength { strength, rating } => {
            let of = |party: &&Party| (party.number(strength), party.number(rating));
            strengths(&parties.iter().map(of).collect::<Vec<_>>())
        }
    }
}

/// Strengths of who has one; who has none, whose matches go by ratings, stands by the one of the nearest rating who has, or
/// where nobody has one, by his rating. Of pairs of strength and rating.
fn strengths(of: &[(f64, f64)]) -> Vec<f64> {
    let known = of.iter().filter(|(strength, _)| !strength.is_nan());
    let mut known: Vec<(f64, f64)> = known.map(|(strength, rating)| (*rating, *strength)).collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let nearest = |rating: f64| {
        let at = known.partition_point(|(other, _)| *other < rating);
        let above = known.get(at);
        let below = at.checked_sub(1).and_then(|at| known.get(at));
        match (below, above) {
            (Some(below), Some(above)) if above.0 - rating < rating - below.0 => Some(above.1),
            (Some(below), _) => Some(below.1),
            (None, above) => above.map(|above| above.1),
        }
    };
    let key = |(strength, rating): &(f64, f64)| {
        if strength.is_nan() { nearest(*rating).unwrap_or_else(|| rating_logit(*rating)) } else { *strength }
    };
    of.iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_rules::{Dialect, Member, Value, parse};

    #[test]
    fn who_has_no_strength_stands_by_the_nearest_rating() {
        const NONE: f64 = f64::NAN;
        let found =
            strengths(&[(0.3, 1_500.0), (NONE, 1_490.0), (-2.0, 1_700.0), (NONE, 1_650.0), (NONE, 9e9)]);
        assert_eq!(found, [0.3, 0.3, -2.0, -2.0, -2.0]);
        let found = strengths(&[(NONE, 1_500.0), (NONE, 1_400.0)]);
        assert!(found[0] > found[1]);
        assert!(strengths(&[]).is_empty());
    }

    /// By what costs most in the middle of the pool.
    #[test]
    fn the_dearest_part_makes_the_order() {
        let check = |level: f64, lost: f64, wanted: [f64; 4]| {
            let text = serde_json::json!({
                "ruleLanguageVersion": "1.0",
                "playerAttributes": [{ "name": "rating", "type": "number" }, { "name": "level", "type": "number" }],
                "teams": [{ "name": "a", "minPlayers": 1, "maxPlayers": 1 }, { "name": "b", "minPlayers": 1, "maxPlayers": 1 }],
                "objective": { "starvationSeconds": 60, "cost": [
                    { "latencyAbove": 60, "weight": 9 }, { "spread": "level", "weight": level },
                    { "lostQuality": "rating", "weight": lost }] },
            });
            let set = parse(&text.to_string(), Dialect::Extended).unwrap().set;
            let mut symbols = set.symbols();
            let mut party = |rating: f64, level: f64, strength: Option<f64>| {
                let attributes = [("rating", rating), ("level", level)];
                let attributes = attributes.map(|(name, of)| (name.to_owned(), Value::Number(of)));
                let member = Member { attributes: attributes.into(), strength, ..Member::default() };
                set.prepare(&[member], &mut symbols).unwrap()
            };
            let parties = [
                party(1_500.0, 4.0, Some(1.0)),
                party(1_500.0, 8.0, Some(-1.0)),
                party(1_500.0, 1.0, Some(0.5)),
                party(1_500.0, 2.0, Some(2.0)),
            ];
            let all: Vec<&Party> = parties.iter().collect();
            assert_eq!(keys(set.objective().unwrap(), &all).unwrap(), wanted);
        };
        check(1.0, 100.0, [1.0, -1.0, 0.5, 2.0]);
        check(10.0, 1.0, [4.0, 8.0, 1.0, 2.0]);
        check(0.0, 0.0, [4.0, 8.0, 1.0, 2.0]);
    }
}
