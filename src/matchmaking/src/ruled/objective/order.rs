//! The order in which those lie next to each other who cost little together.
use gsm_rules::{Line, Objective, Party, rating_logit};

/// The numbers of tickets by which neighbours are near: on the line along which those of one half of the pool cost most in
/// the middle, so that what costs hardly anything puts nobody apart. None where no part of the cost has a line.
pub(super) fn keys(objective: &Objective, parties: &[&Party]) -> Option<Vec<f64>> {
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
