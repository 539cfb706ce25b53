//! Random rule sets (as the twin's own trees, printed to text), players and candidates.
use crate::spec::{Expr, RuleSpec, Sel, SetSpec, TeamSpec, What};
use gsm_rules::{Member, Value};
use std::collections::BTreeMap;

/// splitmix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    pub(crate) fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

pub(crate) fn member(dice: &mut Dice, number: usize) -> Member {
    let mut attributes = BTreeMap::new();
    attributes.insert("skill".to_owned(), Value::Number(dice.below(8) as f64));
    attributes.insert("level".to_owned(), Value::Number(dice.below(4) as f64));
    attributes.insert("mode".to_owned(), Value::Text(dice.one(&["x", "y"]).to_owned()));
    let list = |dice: &mut Dice| {
        let all = ["x", "y", "z", "p1", "p2"];
        let len = dice.below(4);
        Value::List((0..len).map(|_| dice.one(&all).to_owned()).collect())
    };
    attributes.insert("picks".to_owned(), list(dice));
    attributes.insert("maps".to_owned(), list(dice));
    let mut some = |name: &str, of: &[&str]| {
        let len = dice.below(3);
        let list = (0..len).map(|_| dice.one(of).to_owned()).collect();
        attributes.insert(name.to_owned(), Value::List(list));
    };
    some("roles", &["x", "y", "z"]);
    some("foes", &["p1", "p2", "p3", "p10", "p20", "p30", "q1", "q10", "q20", "q40"]);
    let mut latency_ms = BTreeMap::new();
    for place in ["eu", "us", "ap"] {
        if dice.chance(75) {
            latency_ms.insert(place.to_owned(), 10 * (1 + dice.below(6)) as u32);
        }
    }
    let alias = dice.chance(50).then(|| format!("q{number}"));
    Member { player: format!("p{number}"), alias, attributes, latency_ms, ..Member::default() }
}

fn sel(dice: &mut Dice, teams: &[TeamSpec]) -> Sel {
    if dice.chance(50) {
        return Sel::All;
    }
    let mut names: Vec<String> = teams.iter().filter(|_| true).map(|team| team.name.clone()).collect();
    while names.len() > 1 && dice.chance(50) {
        let at = dice.below(names.len());
        names.remove(at);
    }
    // Some by the number of one of a quantity.
    for team in teams.iter().filter(|team| team.quantity > 1) {
        if let Some(name) = names.iter_mut().find(|name| **name == team.name)
            && dice.chance(50)
        {
            *name = format!("{name}_{}", 1 + dice.below(team.quantity));
        }
    }
    Sel::Names(names)
}

fn path(dice: &mut Dice, teams: &[TeamSpec], what: What) -> Expr {
    Expr::Path(sel(dice, teams), what)
}

fn call(name: &'static str, inner: Expr) -> Expr {
    Expr::Call(name, Box::new(inner))
}

const FOLDS: [&str; 6] = ["min", "max", "avg", "median", "sum", "stddev"];

/// Any expression with numbers in it.
fn numbers(dice: &mut Dice, teams: &[TeamSpec]) -> Expr {
    let attribute = dice.one(&["skill", "level"]);
    let of_skill = |dice: &mut Dice| path(dice, teams, What::Attribute(attribute));
    match dice.below(8) {
        0 => call("flatten", of_skill(dice)),
        1 => of_skill(dice),
        2 => call(dice.one(&FOLDS), call("flatten", of_skill(dice))),
        3 => call(dice.one(&FOLDS), of_skill(dice)),
        4 => {
            let inner = Expr::Path(Sel::All, What::Attribute(attribute));
            call(dice.one(&FOLDS), call(dice.one(&FOLDS), inner))
        }
        5 => call("count", path(dice, teams, What::Players)),
        6 => call("count", strings(dice, teams)),
        _ => call(dice.one(&["min", "max"]), call("flatten", of_skill(dice))),
    }
}

/// Any expression with strings in it.
fn strings(dice: &mut Dice, teams: &[TeamSpec]) -> Expr {
    let list = dice.one(&["picks", "maps"]);
    let lists = |dice: &mut Dice| path(dice, teams, What::Attribute(list));
    match dice.below(9) {
        0 => lists(dice),
        1 | 2 => call("flatten", Expr::Path(Sel::All, What::Attribute(list))),
        3 => call("flatten", call("flatten", lists(dice))),
        4 => path(dice, teams, What::Attribute("mode")),
        5 => call("flatten", path(dice, teams, What::Ids)),
        6 => call("flatten", path(dice, teams, What::Attribute("mode"))),
        7 => call("set_intersection", call("flatten", Expr::Path(Sel::All, What::Attribute(list)))),
        _ => call("set_intersection", Expr::Path(Sel::All, What::Attribute(list))),
    }
}

/// An expression that gives one number, whichever teams there are.
fn one_number(dice: &mut Dice, teams: &[TeamSpec]) -> Expr {
    let flat = call("flatten", path(dice, teams, What::Attribute("skill")));
    match dice.below(4) {
        0 => call("count", call("flatten", path(dice, teams, What::Players))),
        1 => call("count", one_list(dice, teams)),
        _ => call(dice.one(&FOLDS), flat),
    }
}

/// An expression that gives one list of strings.
fn one_list(dice: &mut Dice, teams: &[TeamSpec]) -> Expr {
    match dice.below(4) {
        0 => call("flatten", path(dice, teams, What::Ids)),
        1 => call("flatten", path(dice, teams, What::Attribute("mode"))),
        2 => call("flatten", call("flatten", path(dice, teams, What::Attribute("maps")))),
        _ => call("set_intersection", call("flatten", Expr::Path(Sel::All, What::Attribute("maps")))),
    }
}

fn rule(dice: &mut Dice, teams: &[TeamSpec], before: usize) -> RuleSpec {
    let operation = dice.one(&["<", "<=", "=", "!=", ">=", ">"]);
    let aggregation = dice.one(&["min", "max", "avg"]);
    let sets = dice.one(&["union", "intersection"]);
    let count = |dice: &mut Dice| {
        (dice.chance(60).then(|| dice.below(3)), dice.chance(60).then(|| 1 + dice.below(4)))
    };
    let counts = |dice: &mut Dice| match count(dice) {
        (None, None) => (Some(1), None),
        (Some(min), Some(max)) => (Some(min.min(max)), Some(min.max(max))),
        other => other,
    };
    let several = |dice: &mut Dice, of: fn(&mut Dice, &[TeamSpec]) -> Expr| {
        let n = 1 + dice.below(2);
        (0..n).map(|_| of(dice, teams)).collect::<Vec<_>>()
    };
    match dice.below(if before > 0 { 16 } else { 15 }) {
        0 => RuleSpec::Compare {
            measured: several(dice, numbers),
            operation,
            reference: dice.chance(60).then(|| one_number(dice, teams)).ok_or(dice.below(8) as f64),
            aggregation,
        },
        1 => RuleSpec::Alike { measured: several(dice, numbers), differ: dice.chance(40), aggregation },
        2 => {
            let reference = dice.chance(50).then(|| dice.one(&["x", "y", "z"]));
            RuleSpec::Texts { measured: several(dice, strings), differ: dice.chance(40), reference }
        }
        3..=5 => {
            let measured = several(dice, numbers);
            let max = dice.below(7) as f64;
            RuleSpec::Distance {
                measured,
                reference: dice.chance(80).then(|| one_number(dice, teams)).ok_or(dice.below(8) as f64),
                min: dice.chance(20).then_some(1.0_f64.min(max)),
                max: Some(max),
                aggregation,
            }
        }
        6 => RuleSpec::Batch { attribute: "skill", max: Some(dice.below(8) as f64), aggregation },
        7 => RuleSpec::Batch {
            attribute: "mode",
            max: dice.chance(30).then(|| dice.below(2) as f64),
            aggregation,
        },
        8 => RuleSpec::Contains {
            measured: several(dice, strings),
            wanted: dice.one(&["x", "y", "p1"]),
            counts: counts(dice),
            sets,
        },
        9 => RuleSpec::Intersection { measured: several(dice, strings), counts: counts(dice), sets },
        10 => RuleSpec::Reference {
            measured: several(dice, strings),
            reference: dice.chance(70).then(|| one_list(dice, teams)).ok_or(vec!["x", "p1"]),
            counts: counts(dice),
            sets,
        },
        11 => RuleSpec::Latency {
            max: Some(10.0 * (1 + dice.below(6)) as f64),
            spread: dice.chance(50).then(|| 10.0 * dice.below(4) as f64),
            from_min: dice.chance(50),
            aggregation,
        },
        12 => roles(dice, teams),
        13 => RuleSpec::PartyBalance { most: dice.below(3) },
        14 => RuleSpec::Avoid { opponents: dice.chance(50), most: dice.below(3) / 2 },
        _ => {
            let part = |dice: &mut Dice| dice.below(before);
            let (a, b, c) = (part(dice), part(dice), part(dice));
            RuleSpec::Compound(match dice.below(6) {
                0 => format!("and(r{a}, r{b})"),
                1 => format!("or(r{a}, r{b})"),
                2 => format!("xor(r{a}, r{b})"),
                3 => format!("not(r{a})"),
                4 => format!("or(and(r{a}, r{b}), not(r{c}))"),
                _ => format!("and(r{a}, or(r{b}, r{c}))"),
            })
        }
    }
}

fn roles(dice: &mut Dice, teams: &[TeamSpec]) -> RuleSpec {
    let team = dice.chance(30).then(|| dice.one(&teams.iter().map(|team| &team.name).collect::<Vec<_>>()));
    let meant = teams.iter().filter(|of| team.is_none_or(|team| of.name == *team));
    let mut places = 1 + dice.below(meant.map(|team| team.max).min().unwrap());
    let mut counts = Vec::new();
    for role in ["x", "y", "z"] {
        let count = dice.below(places + 1);
        places -= count;
        if count > 0 || dice.chance(20) {
            counts.push((role, count));
        }
    }
    if counts.is_empty() {
        counts.push(("x", 1));
    }
    RuleSpec::Roles { team: team.cloned(), counts, autofill: dice.below(5) / 3 }
}

/// A rule set of at most `rules` rules.
pub(crate) fn set(dice: &mut Dice, rules: usize) -> SetSpec {
    let mut teams = Vec::new();
    for name in ["a", "b", "c"].iter().take(1 + dice.below(3)) {
        let max = 1 + dice.below(3);
        teams.push(TeamSpec {
            name: (*name).to_owned(),
            quantity: if dice.chance(25) { 2 } else { 1 },
            min: dice.below(max + 1),
            max,
        });
    }
    let mut all: Vec<RuleSpec> = Vec::new();
    for _ in 0..=dice.below(rules) {
        // What a compound names must not be batchDistance: those come with the plain kinds at the end only.
        let next = rule(dice, &teams, all.len());
        let is_batch = |rule: &RuleSpec| matches!(rule, RuleSpec::Batch { .. });
        let is_roles = |rule: &RuleSpec| matches!(rule, RuleSpec::Roles { .. });
        if is_roles(&next) && all.iter().any(is_roles) {
            continue;
        }
        if !matches!(next, RuleSpec::Compound(_)) || !all.iter().any(is_batch) {
            all.push(next);
        }
    }
    SetSpec { teams, rules: all }
}

/// Parties on teams, within the teams' maximum where `fits`.
pub(crate) fn seats(dice: &mut Dice, set: &SetSpec, fits: bool) -> Vec<(usize, Vec<Member>)> {
    let mut room: Vec<usize> = set.teams.iter().flat_map(|team| vec![team.max; team.quantity]).collect();
    let (mut seats, mut number) = (Vec::new(), 0);
    for _ in 0..dice.below(6) {
        let team = dice.below(room.len());
        let size = 1 + if dice.chance(30) { dice.below(3) } else { 0 };
        if fits && room[team] < size {
            continue;
        }
        room[team] = room[team].saturating_sub(size);
        let party = (0..size).map(|_| {
            number += 1;
            member(dice, number)
        });
        seats.push((team, party.collect()));
    }
    seats
}
