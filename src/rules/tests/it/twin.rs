//! The slow twin: rules judged by walking trees over plain values, player by player. No parties, no columns, nothing
//! of the crate but the players it is given.
use crate::spec::{Counts, Expr, RuleSpec, Sel, SetSpec, What};
use gsm_rules::{Member, Value};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq)]
enum V {
    /// No value: what is made of nobody.
    None,
    Player,
    Number(f64),
    Text(String),
    List(Vec<V>),
}

struct Twin<'a> {
    set: &'a SetSpec,
    seats: &'a [(usize, Vec<Member>)],
    /// Of numbers.
    aggregation: &'a str,
    /// Of lists; `None`: each player his own.
    sets: Option<&'a str>,
    /// Sets only within `set_intersection`.
    own_outside: bool,
}

fn aggregate(by: &str, values: &[f64]) -> f64 {
    match by {
        "min" => values.iter().copied().fold(f64::INFINITY, f64::min),
        "max" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        _ => values.iter().sum::<f64>() / values.len() as f64,
    }
}

fn number(member: &Member, name: &str) -> f64 {
    match &member.attributes[name] {
        Value::Number(number) => *number,
        other => panic!("{other:?}"),
    }
}

fn list(member: &Member, name: &str) -> BTreeSet<String> {
    match &member.attributes[name] {
        Value::List(list) => list.iter().cloned().collect(),
        other => panic!("{other:?}"),
    }
}

impl Twin<'_> {
    fn carried(&self, party: &[Member], member: &Member, what: What, within: bool) -> V {
        let What::Attribute(name) = what else {
            return if matches!(what, What::Ids) { V::Text(member.player.clone()) } else { V::Player };
        };
        match &member.attributes[name] {
            Value::Number(_) => {
                let all: Vec<f64> = party.iter().map(|member| number(member, name)).collect();
                V::Number(aggregate(self.aggregation, &all))
            }
            Value::Text(text) => V::Text(text.clone()),
            _ => {
                let mut set = list(member, name);
                if let Some(sets) = self.sets.filter(|_| within || !self.own_outside) {
                    for other in party {
                        let other = list(other, name);
                        set = if sets == "union" { &set | &other } else { &set & &other };
                    }
                }
                V::List(set.into_iter().map(V::Text).collect())
            }
        }
    }
    /// The value, and how many levels of lists it has by its type.
    fn eval(&self, expr: &Expr, within: bool) -> (V, usize) {
        match expr {
            Expr::Path(sel, what) => {
                let entries = self.set.entries();
                let is_meant = |team: usize| {
                    let name = &self.set.teams[entries[team]].name;
                    let before = entries[..team].iter().filter(|entry| **entry == entries[team]).count();
                    let numbered = format!("{name}_{}", before + 1);
                    match sel {
                        Sel::All => true,
                        Sel::Names(names) => names.contains(name) || names.contains(&numbered),
                    }
                };
                let teams: Vec<usize> = (0..entries.len()).filter(|team| is_meant(*team)).collect();
                let of = |team: usize| {
                    let parties = self.seats.iter().filter(|(at, _)| *at == team);
                    let players = parties.flat_map(|(_, party)| {
                        party.iter().map(|member| self.carried(party, member, *what, within))
                    });
                    let players: Vec<V> = players.collect();
                    if players.is_empty() { V::None } else { V::List(players) }
                };
                let item = usize::from(matches!(what, What::Attribute("picks" | "maps")));
                let grouped = teams.len() > 1 || matches!(sel, Sel::All);
                if grouped {
                    (V::List(teams.into_iter().map(of).collect()), 2 + item)
                } else {
                    (of(teams[0]), 1 + item)
                }
            }
            Expr::Call("flatten", inner) => {
                let (value, depth) = self.eval(inner, within);
                if depth == 1 { (value, 1) } else { (flatten(value), depth - 1) }
            }
            Expr::Call("set_intersection", inner) => {
                let (value, depth) = self.eval(inner, true);
                (inward(&value, depth - 2, &common), depth - 1)
            }
            Expr::Call("count", inner) => {
                let (value, depth) = self.eval(inner, within);
                (inward(&value, depth - 1, &count), depth - 1)
            }
            Expr::Call(name, inner) => {
                let (value, depth) = self.eval(inner, within);
                (inward(&value, depth - 1, &|list| fold(name, list)), depth - 1)
            }
        }
    }
}

/// Applies a function so many levels further in. What has no value there has none afterwards.
fn inward(value: &V, levels: usize, function: &dyn Fn(&V) -> V) -> V {
    match (levels, value) {
        (0, value) => function(value),
        (_, V::List(items)) => V::List(items.iter().map(|item| inward(item, levels - 1, function)).collect()),
        _ => V::None,
    }
}

fn flatten(value: V) -> V {
    let V::List(items) = value else { return V::None };
    let (mut all, mut any) = (Vec::new(), false);
    for item in items {
        if let V::List(inner) = item {
            any = true;
            all.extend(inner);
        }
    }
    if any { V::List(all) } else { V::None }
}

fn common(value: &V) -> V {
    let V::List(items) = value else { return V::None };
    let sets: Vec<BTreeSet<String>> = items.iter().filter(|item| **item != V::None).map(leaf_set).collect();
    match sets.into_iter().reduce(|all, set| &all & &set) {
        Some(set) => V::List(set.into_iter().map(V::Text).collect()),
        None => V::None,
    }
}

fn count(value: &V) -> V {
    match value {
        V::List(items) => V::Number(items.iter().filter(|item| **item != V::None).count() as f64),
        _ => V::Number(0.0),
    }
}

fn fold(name: &str, value: &V) -> V {
    let V::List(items) = value else { return V::None };
    let mut all: Vec<f64> =
        items.iter().filter_map(|item| if let V::Number(n) = item { Some(*n) } else { None }).collect();
    if all.is_empty() {
        return V::None;
    }
    let average = all.iter().sum::<f64>() / all.len() as f64;
    V::Number(match name {
        "sum" => all.iter().sum(),
        "stddev" => (all.iter().map(|n| (n - average).powi(2)).sum::<f64>() / all.len() as f64).sqrt(),
        "median" => {
            all.sort_by(f64::total_cmp);
            (all[(all.len() - 1) / 2] + all[all.len() / 2]) / 2.0
        }
        name => aggregate(name, &all),
    })
}

fn leaves(value: &V) -> Vec<V> {
    match value {
        V::None => Vec::new(),
        V::List(items) => items.iter().flat_map(leaves).collect(),
        other => vec![other.clone()],
    }
}

fn leaf_set(value: &V) -> BTreeSet<String> {
    leaves(value)
        .into_iter()
        .map(|leaf| if let V::Text(text) = leaf { text } else { panic!("{leaf:?}") })
        .collect()
}

/// The innermost lists.
fn collections(value: &V, depth: usize) -> Vec<V> {
    match (value, depth) {
        (V::None, _) => Vec::new(),
        (V::List(items), 2..) => items.iter().flat_map(|item| collections(item, depth - 1)).collect(),
        (other, _) => vec![other.clone()],
    }
}

fn all_of(verdicts: Vec<bool>) -> Option<bool> {
    if verdicts.is_empty() { None } else { Some(verdicts.into_iter().all(|holds| holds)) }
}

fn within(counts: Counts, count: usize) -> bool {
    counts.0.is_none_or(|min| count >= min) && counts.1.is_none_or(|max| count <= max)
}

/// A bound that is met or missed by rounding alone says nothing about the rules: such a case is judged both ways, by
/// `doubt`.
const NEAR: f64 = 1e-9;

fn at_most(left: f64, right: f64, doubt: bool) -> bool {
    if (left - right).abs() < NEAR && left != right { doubt } else { left <= right }
}

fn compare(operation: &str, a: f64, b: f64, doubt: bool) -> bool {
    if (a - b).abs() < NEAR && a != b {
        return doubt;
    }
    match operation {
        "<" => a < b,
        "<=" => a <= b,
        "=" => a == b,
        "!=" => a != b,
        ">=" => a >= b,
        _ => a > b,
    }
}

impl SetSpec {
    /// `None`: nothing to judge.
    pub(crate) fn verdict(&self, rule: usize, seats: &[(usize, Vec<Member>)], doubt: bool) -> Option<bool> {
        let twin = |aggregation, sets, own_outside| Twin { set: self, seats, aggregation, sets, own_outside };
        let one = |value: V| if let V::Number(number) = value { Some(number) } else { None };
        let differ_or_not = |all: &[V], differ: bool| match differ {
            true => {
                all_of(all.iter().map(|a| all.iter().filter(|b| same(a, b, doubt)).count() == 1).collect())
            }
            false => all_of(all.iter().map(|a| same(a, &all[0], doubt)).collect()),
        };
        match &self.rules[rule] {
            RuleSpec::Compare { measured, operation, reference, aggregation } => {
                let twin = twin(aggregation, None, false);
                let reference =
                    reference.as_ref().map_or_else(|n| Some(*n), |expr| one(twin.eval(expr, false).0))?;
                let values =
                    measured.iter().flat_map(|expr| leaves(&twin.eval(expr, false).0)).filter_map(one);
                all_of(values.map(|value| compare(operation, value, reference, doubt)).collect())
            }
            RuleSpec::Alike { measured, differ, aggregation } => {
                let twin = twin(aggregation, None, false);
                let all: Vec<V> =
                    measured.iter().flat_map(|expr| leaves(&twin.eval(expr, false).0)).collect();
                differ_or_not(&all, *differ)
            }
            RuleSpec::Texts { measured, differ, reference } => {
                let twin = twin("avg", None, false);
                let all: Vec<V> =
                    measured.iter().flat_map(|expr| leaves(&twin.eval(expr, false).0)).collect();
                match reference {
                    Some(text) => {
                        all_of(all.iter().map(|v| (*v == V::Text((*text).to_owned())) != *differ).collect())
                    }
                    None => differ_or_not(&all, *differ),
                }
            }
            RuleSpec::Distance { measured, reference, min, max, aggregation } => {
                let twin = twin(aggregation, None, false);
                let reference =
                    reference.as_ref().map_or_else(|n| Some(*n), |expr| one(twin.eval(expr, false).0))?;
                let values =
                    measured.iter().flat_map(|expr| leaves(&twin.eval(expr, false).0)).filter_map(one);
                let fits = |value: f64| {
                    let distance = (value - reference).abs();
                    min.is_none_or(|min| at_most(min, distance, doubt))
                        && max.is_none_or(|max| at_most(distance, max, doubt))
                };
                all_of(values.map(fits).collect())
            }
            RuleSpec::Batch { attribute, max, aggregation } => {
                if *attribute == "mode" {
                    let all: BTreeSet<_> = seats
                        .iter()
                        .flat_map(|(_, party)| party)
                        .map(|m| format!("{:?}", m.attributes["mode"]))
                        .collect();
                    // A rule that cannot fail holds for nobody as well.
                    return match max {
                        Some(max) if *max >= 1.0 => Some(true),
                        _ if all.is_empty() => None,
                        _ => Some(all.len() == 1),
                    };
                }
                let of = |party: &Vec<Member>| {
                    aggregate(aggregation, &party.iter().map(|m| number(m, attribute)).collect::<Vec<_>>())
                };
                let all: Vec<f64> = seats.iter().map(|(_, party)| of(party)).collect();
                let spread = aggregate("max", &all) - aggregate("min", &all);
                (!all.is_empty()).then(|| max.is_none_or(|max| at_most(spread, max, doubt)))
            }
            RuleSpec::Contains { measured, wanted, counts, sets } => {
                let twin = twin("avg", Some(sets), true);
                let values: Vec<(V, usize)> = measured.iter().map(|expr| twin.eval(expr, false)).collect();
                if values.iter().all(|(value, depth)| collections(value, *depth).is_empty()) {
                    return None;
                }
                let wanted = V::Text((*wanted).to_owned());
                let count = values.iter().map(|(value, depth)| match depth {
                    1 => leaves(value).iter().filter(|leaf| **leaf == wanted).count(),
                    _ => collections(value, *depth)
                        .iter()
                        .filter(|list| leaves(list).contains(&wanted))
                        .count(),
                });
                Some(within(*counts, count.sum()))
            }
            RuleSpec::Intersection { measured, counts, sets } => {
                let twin = twin("avg", Some(sets), false);
                let lists = measured
                    .iter()
                    .map(|expr| twin.eval(expr, false))
                    .flat_map(|(v, depth)| collections(&v, depth));
                let common = lists.map(|list| leaf_set(&list)).reduce(|all, set| &all & &set)?;
                Some(within(*counts, common.len()))
            }
            RuleSpec::Reference { measured, reference, counts, sets } => {
                let twin = twin("avg", Some(sets), false);
                let reference = match reference {
                    Ok(expr) => match twin.eval(expr, false).0 {
                        V::None => return None,
                        value => leaf_set(&value),
                    },
                    Err(list) => list.iter().map(|text| (*text).to_owned()).collect(),
                };
                let lists = measured
                    .iter()
                    .map(|expr| twin.eval(expr, false))
                    .flat_map(|(v, depth)| collections(&v, depth));
                all_of(lists.map(|list| within(*counts, (&leaf_set(&list) & &reference).len())).collect())
            }
            RuleSpec::Latency { max, spread, from_min, aggregation } => {
                let tables: Vec<(f64, BTreeMap<&str, f64>)> = seats
                    .iter()
                    .map(|(_, party)| {
                        let of = |place: &'static str| {
                            let all: Option<Vec<f64>> = party
                                .iter()
                                .map(|m| m.latency_ms.get(place).map(|ms| f64::from(*ms)))
                                .collect();
                            Some((place, aggregate(aggregation, &all?)))
                        };
                        (party.len() as f64, ["eu", "us", "ap"].into_iter().filter_map(of).collect())
                    })
                    .collect();
                if tables.is_empty() {
                    return None;
                }
                let works = |place: &str| {
                    let all: Option<Vec<(f64, f64)>> =
                        tables.iter().map(|(n, table)| Some((*n, *table.get(place)?))).collect();
                    let Some(all) = all.filter(|all| {
                        all.iter().all(|(_, ms)| max.is_none_or(|max| at_most(*ms, max, doubt)))
                    }) else {
                        return false;
                    };
                    let players: f64 = all.iter().map(|(n, _)| n).sum();
                    let from = if *from_min {
                        all.iter().map(|(_, ms)| *ms).fold(f64::INFINITY, f64::min)
                    } else {
                        all.iter().map(|(n, ms)| n * ms).sum::<f64>() / players
                    };
                    spread.is_none_or(|spread| {
                        all.iter().all(|(_, ms)| at_most((ms - from).abs(), spread, doubt))
                    })
                };
                Some(["eu", "us", "ap"].into_iter().any(works))
            }
            RuleSpec::Roles { team, counts, autofill } => {
                let entries = self.entries();
                let is_meant =
                    |at: usize| team.as_ref().is_none_or(|name| self.teams[entries[at]].name == *name);
                let filled = (0..entries.len()).filter(|at| is_meant(*at)).filter_map(|at| {
                    let on = seats.iter().filter(|(team, _)| *team == at).flat_map(|(_, party)| party);
                    let players: Vec<BTreeSet<String>> = on.map(|member| list(member, "roles")).collect();
                    let places: Vec<&str> =
                        counts.iter().flat_map(|(role, count)| vec![*role; *count]).collect();
                    (!players.is_empty()).then(|| can_fill(&places, &players, *autofill))
                });
                all_of(filled.collect())
            }
            RuleSpec::PartyBalance { most } => {
                let mut largest: BTreeMap<usize, usize> = BTreeMap::new();
                for (team, party) in seats {
                    let size = largest.entry(*team).or_default();
                    *size = (*size).max(party.len());
                }
                Some(largest.values().max()? - largest.values().min()? <= *most)
            }
            RuleSpec::Avoid { opponents, most } => {
                let mut named = 0;
                for (own, (team, party)) in seats.iter().enumerate() {
                    for (_, (other_team, other)) in seats.iter().enumerate().filter(|(at, _)| *at != own) {
                        if *opponents && other_team == team {
                            continue;
                        }
                        let names = |who: &Member| {
                            let foes = |m: &&Member| {
                                let foes = list(m, "foes");
                                foes.contains(&who.player) || who.alias.iter().any(|id| foes.contains(id))
                            };
                            party.iter().filter(foes).count()
                        };
                        named += other.iter().map(names).sum::<usize>();
                    }
                }
                (!seats.is_empty()).then_some(named <= *most)
            }
            RuleSpec::Compound(statement) => self.logic(statement, seats, doubt),
        }
    }
    fn logic(&self, statement: &str, seats: &[(usize, Vec<Member>)], doubt: bool) -> Option<bool> {
        let Some((operation, rest)) = statement.split_once('(') else {
            return self.verdict(statement[1..].parse().unwrap(), seats, doubt);
        };
        let (mut parts, mut depth) = (vec![String::new()], 0);
        for c in rest[..rest.len() - 1].chars() {
            depth += i32::from(c == '(') - i32::from(c == ')');
            match c {
                ',' if depth == 0 => parts.push(String::new()),
                ' ' => {}
                c => parts.last_mut().unwrap().push(c),
            }
        }
        let known: Vec<bool> = parts.iter().filter_map(|part| self.logic(part, seats, doubt)).collect();
        let hold = known.iter().filter(|holds| **holds).count();
        if known.is_empty() {
            return None;
        }
        Some(match operation {
            "and" => hold == known.len(),
            "or" => hold > 0,
            "xor" => hold == 1,
            _ => hold == 0,
        })
    }
}

/// Tries every player in every place; one who did not name it is autofilled.
fn can_fill(places: &[&str], players: &[BTreeSet<String>], autofill: usize) -> bool {
    let Some((place, rest)) = places.split_first() else { return true };
    (0..players.len()).any(|at| {
        let mut others = players.to_vec();
        let is_named = others.remove(at).contains(*place);
        match (is_named, autofill) {
            (true, _) => can_fill(rest, &others, autofill),
            (false, 0) => false,
            (false, left) => can_fill(rest, &others, left - 1),
        }
    })
}

fn same(a: &V, b: &V, doubt: bool) -> bool {
    match (a, b) {
        (V::Number(a), V::Number(b)) => compare("=", *a, *b, doubt),
        (a, b) => a == b,
    }
}
