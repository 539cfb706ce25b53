//! What the pool finds is what the twin finds; how steps are cut does not matter.
use crate::{
    make::Dice,
    model::Model,
    pools::{duel, rule_set, ticket},
};
use gsm_core::Timestamp;
use gsm_matchmaking::{RulePool, RuledMatch, RuledTicket};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_000 * seconds as i64)
}

/// All that a pool forms until nothing is left to look at.
pub(crate) fn all(pool: &mut RulePool, now: Timestamp, mut budget: impl FnMut() -> u32) -> Vec<RuledMatch> {
    let mut matches = Vec::new();
    for _ in 0..1_000_000 {
        let step = pool.step(now, budget());
        matches.extend(step.matches);
        if step.finished {
            return matches;
        }
    }
    panic!("no end");
}

/// Of so few tickets every choice is tried, so that a match has as many players as one can have.
const FEW: usize = 5;

/// Walks the twin's anchors and takes out each match, which must be one of the twin's too.
fn check(model: &mut Model<'_>, found: &[RuledMatch], now: Timestamp, says: &str) {
    let mut found = found.iter();
    model.grow(now);
    for anchor in model.anchors() {
        if !model.waiting.contains_key(&anchor) {
            continue;
        }
        let Some(expected) = model.find(anchor, now) else { continue };
        let expected: Vec<_> = expected.iter().map(|(_, team)| team).collect();
        let Some(next) = found.next() else { panic!("{anchor} has a match {expected:?}: {says}") };
        assert_eq!(next.tickets[0], anchor, "{says}");
        let choice = model.choice(next);
        assert!(model.is_match(&choice, now), "{next:?} breaks a rule: {says}");
        assert_eq!(model.addable(&choice, now), None, "{next:?} is not full: {says}");
        if model.waiting.len() <= FEW {
            let stage = model.stage_of(&choice, now);
            let players = next.sides.iter().map(|side| side.len()).sum::<usize>();
            assert_eq!(players, model.most(anchor, stage, now), "{next:?} could have more: {says}");
        }
        model.check_roles(next, now, says);
        next.tickets.iter().for_each(|id| drop(model.waiting.remove(id)));
    }
    assert_eq!(found.next(), None, "{says}");
}

#[test]
fn the_pool_finds_what_the_twin_finds() {
    let (mut matches, mut left, mut roles, mut split) = (0, 0, 0, 0);
    for seed in 0..10_000 {
        let mut dice = Dice(seed);
        let (set, text) = rule_set(&mut dice, 4);
        let (mut pool, mut model) = (RulePool::new(set.clone()), Model::new(&set));
        let mut n = 0;
        // Tickets come, time goes by, some leave: what has changed is looked at again.
        for now in [20, 21, 25, 30] {
            for _ in 0..dice.below(if now == 20 { 5 } else { 3 }) {
                n += 1;
                let ticket = ticket(&mut dice, &set, n, now);
                pool.insert(ticket.clone()).unwrap();
                model.insert(ticket);
            }
            if dice.chance(20)
                && let Some(id) = model.anchors().first().copied()
            {
                assert!(pool.remove(id));
                model.waiting.remove(&id);
            }
            let found = all(&mut pool, at(now), || u32::MAX);
            matches += found.len();
            check(&mut model, &found, at(now), &format!("seed {seed} at {now}: {text}"));
        }
        left += model.waiting.len();
        roles += model.roles;
        split += model.split;
        assert_eq!(pool.len(), model.waiting.len());
    }
    assert!(matches > 5_000 && left > 5_000, "{matches} matches, {left} tickets left");
    assert!(roles > 500 && split > 100, "{roles} roles, {split} split parties");
}

#[test]
fn many_duels_are_found_as_the_twin_finds_them() {
    let mut matches = 0;
    for seed in 0..150 {
        let mut dice = Dice(seed ^ 0xd0e1);
        let (set, text) = duel(&mut dice);
        let (mut pool, mut model) = (RulePool::new(set.clone()), Model::new(&set));
        let mut n = 0;
        for now in [20, 26] {
            for _ in 0..60 + dice.below(60) {
                n += 1;
                let ticket = RuledTicket { backfill: None, ..ticket(&mut dice, &set, n, now) };
                pool.insert(ticket.clone()).unwrap();
                model.insert(ticket);
            }
            let mut cut = pool.clone();
            let found = all(&mut pool, at(now), || u32::MAX);
            matches += found.len();
            assert_eq!(all(&mut cut, at(now), || dice.below(40) as u32), found, "seed {seed}: {text}");
            check(&mut model, &found, at(now), &format!("seed {seed} at {now}: {text}"));
        }
    }
    assert!(matches > 3_000, "{matches} matches");
}

#[test]
fn in_large_pools_every_match_holds_however_steps_are_cut() {
    let mut matches = 0;
    for seed in 0..150 {
        let mut dice = Dice(seed ^ 0x1a59);
        let (set, text) = rule_set(&mut dice, 3);
        let (mut whole, mut model) = (RulePool::new(set.clone()), Model::new(&set));
        for n in 0..80 {
            let ticket = ticket(&mut dice, &set, n, 20);
            whole.insert(ticket.clone()).unwrap();
            model.insert(ticket);
        }
        let mut cut = whole.clone();
        let few = |pool: &mut RulePool, budget: &mut dyn FnMut() -> u32| {
            // Long searches go on for ever here: some of their work is enough.
            let (mut matches, mut work) = (Vec::new(), 0);
            while work < 20_000 {
                let step = pool.step(at(20), budget());
                (matches, work) = ([matches, step.matches].concat(), work + step.work.max(1));
                if step.finished {
                    break;
                }
            }
            matches
        };
        let expected = few(&mut whole, &mut || 20_000);
        let found = few(&mut cut, &mut || 1 + dice.below(500) as u32);
        let common = expected.len().min(found.len());
        assert_eq!(expected[..common], found[..common], "seed {seed}: {text}");
        for one in &found {
            let choice = model.choice(one);
            assert!(model.is_match(&choice, at(20)), "{one:?} breaks a rule: seed {seed}: {text}");
            one.tickets.iter().for_each(|id| drop(model.waiting.remove(id)));
        }
        matches += found.len();
    }
    assert!(matches > 500, "{matches} matches");
}

#[test]
fn matches_do_not_depend_on_how_steps_are_cut() {
    for seed in 0..2_000 {
        let mut dice = Dice(seed ^ 0xc0ffee);
        let (set, text) = rule_set(&mut dice, 6);
        let mut whole = RulePool::new(set.clone());
        for n in 0..2 + dice.below(10) {
            whole.insert(ticket(&mut dice, &set, n, 20)).unwrap();
        }
        let mut cut = whole.clone();
        let expected = all(&mut whole, at(20), || u32::MAX);
        let found = all(&mut cut, at(20), || dice.below(5) as u32);
        assert_eq!(found, expected, "seed {seed}: {text}");
    }
}
