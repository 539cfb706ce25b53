//! Judging against the slow twin, and what is promised of parts of a match.
use crate::{
    make::{Dice, seats, set},
    spec::SetSpec,
};
use gsm_rules::{
    Dialect, Member, Pairwise, Party, Reserve, RuleSet, Seat, Stage, VERSUS_COLUMNS_MAX, Verdict, parse,
};

fn parsed(spec: &SetSpec, seed: u64) -> RuleSet {
    let text = spec.text();
    parse(&text, Dialect::Extended).unwrap_or_else(|faults| panic!("seed {seed}: {text}: {faults:#?}")).set
}

fn parties(set: &RuleSet, seats: &[(usize, Vec<Member>)]) -> Vec<(u8, Party)> {
    let mut symbols = set.symbols();
    seats.iter().map(|(team, party)| (*team as u8, set.prepare(party, &mut symbols).unwrap())).collect()
}

fn sat(parties: &[(u8, Party)]) -> Vec<Seat<'_>> {
    parties.iter().map(|(team, party)| Seat { team: *team, party }).collect()
}

#[test]
fn every_rule_is_judged_as_the_twin_judges_it() {
    let mut seen = [0_u32; 3];
    for seed in 0..10_000 {
        let mut dice = Dice(seed);
        let spec = set(&mut dice, 4);
        let set = parsed(&spec, seed);
        for _ in 0..8 {
            let seats = seats(&mut dice, &spec, false);
            let parties = parties(&set, &seats);
            for rule in 0..spec.rules.len() {
                let expected = spec.verdict(rule, &seats, false);
                if expected != spec.verdict(rule, &seats, true) {
                    continue;
                }
                let expected = match expected {
                    None => Verdict::NoValue,
                    Some(true) => Verdict::Holds,
                    Some(false) => Verdict::Fails,
                };
                seen[expected as usize] += 1;
                let found = set.stages()[0].verdict(rule, &sat(&parties));
                assert_eq!(found, expected, "seed {seed}: rule r{rule} of {}\n{seats:#?}", spec.text());
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 1_000), "{seen:?}");
}

/// Do two tickets, or each by itself, fulfil what an index may ask of them?
fn fulfilled(stage: &Stage, condition: &Pairwise, a: &Party, b: &Party) -> bool {
    match *condition {
        Pairwise::Within { column, width, .. } => (a.number(column) - b.number(column)).abs() <= width,
        Pairwise::SameNumber { column, .. } => a.number(column) == b.number(column),
        Pairwise::DifferentNumber { column, .. } => a.number(column) != b.number(column),
        Pairwise::SameText { column, .. } => {
            let all = a.texts(column).iter().chain(b.texts(column));
            all.collect::<std::collections::BTreeSet<_>>().len() == 1
        }
        Pairwise::DifferentText { column, .. } => {
            a.texts(column).iter().all(|text| !b.texts(column).contains(text))
        }
        Pairwise::Overlap { column, at_least, .. } => {
            a.set(column).iter().filter(|text| b.set(column).contains(text)).count() >= at_least as usize
        }
        Pairwise::Region { column, max_ms, apart_ms, .. } => a.entries(column).any(|(place, ms)| {
            let is_near = |(other, theirs): (_, f64)| {
                other == place && theirs <= max_ms && (ms - theirs).abs() <= apart_ms
            };
            ms <= max_ms && b.entries(column).any(is_near)
        }),
        Pairwise::Unary { .. } => stage.alone(a).is_none() && stage.alone(b).is_none(),
    }
}

#[test]
fn no_part_of_a_match_is_hopeless_and_any_two_tickets_fulfil_the_conditions() {
    let (mut matches, mut hopeless, mut conditions, mut needs, mut bounds, mut seed) = (0, 0, 0, 0_u32, 0, 0);
    let mut stand_ins = 0;
    while matches < 10_000 {
        seed += 1;
        assert!(seed < 200_000, "only {matches} matches");
        let mut dice = Dice(seed);
        let spec = set(&mut dice, 2);
        let set = parsed(&spec, seed);
        let stage = &set.stages()[0];
        for _ in 0..12 {
            let seats = seats(&mut dice, &spec, true);
            let parties = parties(&set, &seats);
            let all = sat(&parties);
            let holds = stage.holds(&all);
            let is_matchable = parties.iter().all(|(_, party)| party.never().is_none());
            let expected = [false, true].map(|doubt| is_matchable && spec.holds(&seats, doubt));
            assert!(expected.contains(&holds), "seed {seed}: {}\n{seats:#?}", spec.text());
            if !holds {
                hopeless += u32::from(stage.hopeless(&all).is_some());
                continue;
            }
            matches += 1;
            for subset in 0..1_u32 << all.len() {
                let part: Vec<Seat<'_>> = all
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| subset >> at & 1 == 1)
                    .map(|(_, seat)| *seat)
                    .collect();
                let rest = parties.iter().enumerate().filter(|(at, _)| subset >> at & 1 == 0);
                let rest: Vec<&(u8, Party)> = rest.map(|(_, seat)| seat).collect();
                let told = || format!("seed {seed}: {}\n{subset:b} of {seats:#?}", spec.text());
                for need in stage.needs() {
                    needs += 1;
                    let brings: u32 = rest.iter().map(|(_, party)| need.brings(party)).sum();
                    assert!(brings >= need.lacking(&part), "{need:?} of {}", told());
                }
                bounds += compared(stage, &part, &rest, told);
                assert_eq!(
                    stage.hopeless(&part),
                    None,
                    "seed {seed}: {}\n{subset:b} of {seats:#?}",
                    spec.text()
                );
            }
            let others = self::seats(&mut dice, &spec, true);
            for (_, one) in &self::parties(&set, &others) {
                for (at, (_, other)) in parties.iter().enumerate() {
                    let mut with = parties.iter().enumerate().filter(|(place, _)| *place != at);
                    let may = with.any(|(_, (_, with))| set.stands_in(with, one, other));
                    if !may || one.never().is_some() {
                        continue;
                    }
                    stand_ins += u32::from(one != other);
                    assert_eq!(set.class(one), set.class(other));
                    let mut seats = all.clone();
                    seats[at].party = one;
                    assert!(stage.holds(&seats), "seed {seed}: {one:?} for {other:?} in {}", spec.text());
                }
            }
            for (at, (_, a)) in parties.iter().enumerate() {
                for (_, b) in &parties[..at] {
                    for condition in stage.pairwise() {
                        conditions += 1;
                        assert!(
                            fulfilled(stage, condition, a, b),
                            "seed {seed}: {condition:?} of {}\n{seats:#?}",
                            spec.text()
                        );
                    }
                }
            }
        }
    }
    assert!(hopeless > 1_000 && conditions > 1_000, "{hopeless} hopeless, {conditions} conditions");
    assert!(stand_ins > 500, "{stand_ins} stand in");
    assert!(needs > 1_000 && bounds > 1_000, "{needs} needs, {bounds} bounds");
}

/// What is left of a match can join a part of it, as far as rules that compare teams say; whether they say anything.
fn compared(stage: &Stage, part: &[Seat<'_>], rest: &[&(u8, Party)], told: impl Fn() -> String) -> u32 {
    let Some(versus) = stage.versus(part) else { return 0 };
    let values = |party: &Party| {
        let mut values = [0.0; VERSUS_COLUMNS_MAX];
        let columns = stage.versus_columns().iter();
        values.iter_mut().zip(columns).for_each(|(value, column)| *value = party.number(*column));
        values
    };
    let mut reserves = vec![Reserve::EMPTY; stage.kinds().len()];
    for (team, party) in rest {
        let kind = stage.kinds().partition_point(|first| first <= team) - 1;
        reserves[kind].add(&values(party));
    }
    assert_eq!(versus.fails(&reserves), None, "{}", told());
    for (team, party) in rest {
        let refused = versus.refuses(*team, party.size().into(), &values(party), &reserves);
        assert_eq!(refused, None, "{}", told());
    }
    1
}

#[test]
fn released_tickets_leave_no_string_behind() {
    for seed in 0..300 {
        let mut dice = Dice(seed);
        let spec = set(&mut dice, 4);
        let set = parsed(&spec, seed);
        let mut symbols = set.symbols();
        let before = symbols.len();
        let seats = seats(&mut dice, &spec, false);
        let parties: Vec<Party> =
            seats.iter().map(|(_, party)| set.prepare(party, &mut symbols).unwrap()).collect();
        parties.iter().for_each(|party| set.release(party, &mut symbols));
        assert_eq!(symbols.len(), before, "seed {seed}: {}", spec.text());
    }
}
