//! Who plays whom, of all tickets at once: pairs whose weights together are as large as can be.
//!
//! The best pair is taken first, then the next best of what is left; or neighbours in the order are. What that spoils is mended by alternating paths: a
//! ticket leaves its partner for a better one, whose partner looks for another, and so on, until one is found who is free,
//! or who takes the ticket that was left first; the path that gains most is kept. That is the chain of exchanges of Lin and
//! Kernighan (Operations Research 21(2), 1973, section 1: gains so far stay positive), here for pairs. It is not exact; in
//! the tests it is never far from the exact best, and hardly ever worse than it.

use super::worth::Worth;
use gsm_core::Map;
use std::{
    cmp::Reverse,
    collections::{BTreeSet, VecDeque},
};

/// No partner.
const NONE: u32 = u32::MAX;
/// At each depth of a path: so many partners are tried.
const BREADTH: [usize; 5] = [12, 6, 4, 3, 2];

/// Of each ticket: with whom it may be paired, and what that is worth; the best first.
pub(super) type Near = Vec<Vec<(u32, Worth)>>;

/// Pairs of tickets, each with the lower index first; in their order. `near` is symmetric, and its weights are positive.
/// Stops looking for better ones after about `budget` work units.
pub(super) fn paired(near: &Near, budget: u32, work: &mut u32) -> Vec<(u32, u32)> {
    let half = work.saturating_add(budget / 2);
    let greedy = Pairing::greedy(near).improved(half, work);
    let in_order = Pairing::in_order(near).improved(half.saturating_add(budget / 2), work);
    let best = if in_order.total() > greedy.total() { in_order } else { greedy };
    let pairs = (0_u32..).zip(&best.mate).filter(|(one, two)| **two != NONE && *one < **two);
    pairs.map(|(one, two)| (one, *two)).collect()
}

/// Tickets that are to be looked at, each once.
struct Queue {
    waits: Vec<bool>,
    order: VecDeque<u32>,
}

impl Queue {
    fn of_all(size: usize) -> Self {
        Self { waits: vec![true; size], order: (0..size as u32).collect() }
    }

    fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    fn push(&mut self, at: u32) {
        if let Some(waits) = self.waits.get_mut(at as usize)
            && !std::mem::replace(waits, true)
        {
            self.order.push_back(at);
        }
    }

    fn pop(&mut self) -> Option<u32> {
        let at = self.order.pop_front()?;
        if let Some(waits) = self.waits.get_mut(at as usize) {
            *waits = false;
        }
        Some(at)
    }
}

struct Pairing<'n> {
    near: &'n Near,
    mate: Vec<u32>,
}

/// The best path that was found: its tickets in order, of which each second one is a new partner of the one before.
struct Best {
    gain: Worth,
    path: Vec<u32>,
}

impl Best {
    fn keep(&mut self, gain: Worth, path: &[u32], more: &[u32]) {
        if gain > self.gain {
            *self = Self { gain, path: [path, more].concat() };
        }
    }
}

impl<'n> Pairing<'n> {
    fn mate(&self, of: u32) -> u32 {
        self.mate.get(of as usize).copied().unwrap_or(NONE)
    }

    fn near(&self, of: u32) -> &[(u32, Worth)] {
        self.near.get(of as usize).map_or(&[], Vec::as_slice)
    }

    fn weight(&self, one: u32, two: u32) -> Option<Worth> {
        self.near(one).iter().find(|(other, _)| *other == two).map(|(_, weight)| *weight)
    }

    fn pair(&mut self, one: u32, two: u32) {
        for (of, mate) in [(one, two), (two, one)] {
            if let Some(slot) = self.mate.get_mut(of as usize) {
                *slot = mate;
            }
        }
    }

    fn total(&self) -> Worth {
        let pairs = (0_u32..).zip(&self.mate).filter(|(one, two)| one < *two);
        pairs.filter_map(|(one, two)| self.weight(one, *two)).fold(Worth::NOTHING, |sum, of| sum + of)
    }

    /// Whether a change gains more than its sum errs by: one that makes these pairs, each of which may leave others.
    fn is_worth(&self, gain: Worth, pairs: &[(u32, u32)]) -> bool {
        let made = pairs.iter().filter_map(|(one, two)| self.weight(*one, *two));
        let left = pairs.iter().flat_map(|(one, two)| [*one, *two]);
        gain.gains(made.chain(left.filter_map(|of| self.weight(of, self.mate(of)))))
    }

    /// Until no path gains anything, or the work is spent. First as many as can be have a partner, which is worth most.
    fn improved(mut self, until: u32, work: &mut u32) -> Self {
        let mut queue = Queue::of_all(self.near.len());
        loop {
            for free in 0..self.near.len() as u32 {
                if *work < until && self.mate(free) == NONE && !self.near(free).is_empty() {
                    self.augment(free, work).into_iter().for_each(|changed| queue.push(changed));
                }
            }
            if queue.is_empty() {
                return self;
            }
            while let Some(at) = queue.pop() {
                if *work >= until {
                    return self;
                }
                self.improve(at, work).into_iter().for_each(|changed| queue.push(changed));
            }
        }
    }

    /// The best of neighbours in the order: right where one number is all that counts.
    fn in_order(near: &'n Near) -> Self {
        let mut pairing = Self { near, mate: vec![NONE; near.len()] };
        // Of the first ones: the most that they come to, and whether the last two of them are a pair.
        let mut most: Vec<(Worth, bool)> = vec![(Worth::NOTHING, false); near.len() + 1];
        for count in 1..=near.len() {
            let of = |count: usize| most.get(count).map_or(Worth::NOTHING, |most| most.0);
            let alone = of(count - 1);
            let last = count as u32 - 1;
            let pair = last.checked_sub(1).and_then(|before| pairing.weight(before, last));
            let pair = pair.map(|weight| weight + of(count.saturating_sub(2))).filter(|pair| *pair > alone);
            if let Some(slot) = most.get_mut(count) {
                *slot = (pair.unwrap_or(alone), pair.is_some());
            }
        }
        let mut count = near.len();
        while count > 0 {
            if most.get(count).is_some_and(|most| most.1) {
                pairing.pair(count as u32 - 2, count as u32 - 1);
                count -= 2;
            } else {
                count -= 1;
            }
        }
        pairing
    }

    fn greedy(near: &'n Near) -> Self {
        let mut pairing = Self { near, mate: vec![NONE; near.len()] };
        let of = |(one, all): (u32, &Vec<(u32, Worth)>)| {
            let later = all.iter().filter(move |(two, _)| one < *two);
            later.map(move |(two, weight)| (*weight, one, *two)).collect::<Vec<_>>()
        };
        let mut edges: Vec<(Worth, u32, u32)> = (0_u32..).zip(near).flat_map(of).collect();
        edges.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        for (_, one, two) in edges {
            if pairing.mate(one) == NONE && pairing.mate(two) == NONE {
                pairing.pair(one, two);
            }
        }
        pairing
    }

    /// Follows the best path from a ticket, if one gains anything; who was touched.
    fn improve(&mut self, at: u32, work: &mut u32) -> Vec<u32> {
        let left = self.mate(at);
        let lost = self.weight(at, left).unwrap_or_default();
        let mut best = Best { gain: Worth::NOTHING, path: Vec::new() };
        self.extend(&mut vec![at], (left, -lost), &mut best, work);
        let pairs: Vec<(u32, u32)> =
            best.path.as_chunks::<2>().0.iter().map(|[one, two]| (*one, *two)).collect();
        if !self.is_worth(best.gain, &pairs) {
            return Vec::new();
        }
        let mut touched = best.path.clone();
        if left != NONE && !touched.contains(&left) {
            touched.push(left);
        }
        for of in &touched {
            if let Some(mate) = self.mate.get_mut(*of as usize) {
                *mate = NONE;
            }
        }
        pairs.into_iter().for_each(|(one, two)| self.pair(one, two));
        touched
    }

    /// Finds a partner for a ticket that has none by a path of any length, the most promising ticket first; each is on one
    /// path at most. Who was touched.
    fn augment(&mut self, free: u32, work: &mut u32) -> Vec<u32> {
        // Of each ticket that looks for a partner: who would take its own, and from whom.
        let mut from: Map<u32, (u32, u32)> = Map::default();
        let mut seen: Map<u32, ()> = Map::default();
        seen.insert(free, ());
        let mut open = BTreeSet::from([(Reverse(Worth::NOTHING), free)]);
        let mut best: (Worth, Option<(u32, Option<u32>)>) = (Worth::NOTHING, None);
        while let Some((Reverse(gain), last)) = open.pop_first() {
            *work = work.saturating_add(1);
            // It may stay alone, where that gains something.
            if gain > best.0 && last != free {
                best = (gain, Some((last, None)));
            }
            for (other, weight) in self.near(last) {
                if seen.contains_key(other) {
                    continue;
                }
                let (with, next) = (gain + *weight, self.mate(*other));
                if next == NONE {
                    if with > best.0 {
                        best = (with, Some((last, Some(*other))));
                    }
                    continue;
                }
                if seen.contains_key(&next) {
                    continue;
                }
                seen.insert(*other, ());
                seen.insert(next, ());
                from.insert(next, (last, *other));
                open.insert((Reverse(with - self.weight(*other, next).unwrap_or_default()), next));
            }
        }
        let Some((end, partner)) = best.1 else { return Vec::new() };
        let mut pairs: Vec<(u32, u32)> = partner.map(|partner| (end, partner)).into_iter().collect();
        let mut last = end;
        while let Some((before, taken)) = from.get(&last).copied() {
            pairs.push((before, taken));
            last = before;
        }
        if !self.is_worth(best.0, &pairs) {
            return Vec::new();
        }
        if partner.is_none()
            && let Some(mate) = self.mate.get_mut(end as usize)
        {
            *mate = NONE;
        }
        pairs.iter().for_each(|(one, two)| self.pair(*one, *two));
        pairs.into_iter().flat_map(|(one, two)| [one, two]).collect()
    }

    /// Looks for a partner of the last ticket of the path; `left` is whom the first one left, and `gain` is what all
    /// changes so far come to.
    fn extend(&self, path: &mut Vec<u32>, (left, gain): (u32, Worth), best: &mut Best, work: &mut u32) {
        *work = work.saturating_add(1);
        let (Some(last), depth) = (path.last().copied(), path.len() / 2) else { return };
        // It takes whom the first one left.
        if depth > 0
            && left != NONE
            && let Some(weight) = self.weight(last, left)
        {
            best.keep(gain + weight, path, &[left]);
        }
        let breadth = BREADTH.get(depth).copied().unwrap_or(0);
        for (other, weight) in self.near(last).iter().take(breadth + path.len()) {
            let with = gain + *weight;
            // Others weigh no more.
            if with <= Worth::NOTHING {
                break;
            }
            if *other == left || path.contains(other) {
                continue;
            }
            let next = self.mate(*other);
            if next == NONE {
                best.keep(with, path, &[*other]);
                continue;
            }
            if path.contains(&next) {
                continue;
            }
            let without = with - self.weight(*other, next).unwrap_or_default();
            best.keep(without, path, &[*other, next]);
            if depth + 1 < BREADTH.len() {
                path.extend([*other, next]);
                self.extend(path, (left, without), best, work);
                path.truncate(path.len() - 2);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a number, for pairs that cost little against a million.
    fn value(of: Worth) -> f64 {
        1e9 * f64::from(of.free) + of.over
    }

    /// The most that pairs can come to, by trying all.
    fn exact(near: &Near) -> f64 {
        fn of(near: &Near, left: u32) -> f64 {
            let Some(one) = (0..near.len() as u32).find(|at| left & (1 << at) != 0) else { return 0.0 };
            let rest = left & !(1 << one);
            let with = near[one as usize].iter().filter(|(two, _)| rest & (1 << two) != 0);
            let best = with.map(|(two, weight)| value(*weight) + of(near, rest & !(1 << two)));
            best.fold(of(near, rest), f64::max)
        }
        of(near, (1 << near.len()) - 1)
    }

    fn paid(over: f64) -> Worth {
        Worth { free: 0, over }
    }

    struct Draw(u64);
    impl Draw {
        fn unit(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    fn random(draw: &mut Draw, size: usize, share: f64, weight: impl Fn(&mut Draw) -> Worth) -> Near {
        let mut near: Near = vec![Vec::new(); size];
        for one in 0..size {
            for two in one + 1..size {
                if draw.unit() < share {
                    let weight = weight(draw);
                    near[one].push((two as u32, weight));
                    near[two].push((one as u32, weight));
                }
            }
        }
        near.iter_mut().for_each(|all| all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0))));
        near
    }

    fn total(near: &Near, pairs: &[(u32, u32)]) -> f64 {
        let mut seen = vec![false; near.len()];
        pairs.iter().for_each(|(one, two)| {
            assert!(!std::mem::replace(&mut seen[*one as usize], true), "{one} twice");
            assert!(!std::mem::replace(&mut seen[*two as usize], true), "{two} twice");
        });
        let weight = |(one, two): &(u32, u32)| near[*one as usize].iter().find(|of| of.0 == *two).unwrap().1;
        let weight = |pair: &(u32, u32)| value(weight(pair));
        pairs.iter().map(weight).sum()
    }

    #[test]
    fn pairs_are_hardly_ever_worse_than_the_best() {
        let mut draw = Draw(7);
        let (mut sum, mut best, mut exacts) = (0.0, 0.0, 0);
        for nth in 0..2_000 {
            let size = 2 + nth % 11;
            let near = random(&mut draw, size, 0.6, |draw| paid(0.01 + draw.unit()));
            let (found, most) = (total(&near, &paired(&near, u32::MAX, &mut 0)), exact(&near));
            assert!(found <= most + 1e-9 && found >= 0.8 * most, "{found} of {most}");
            (sum, best) = (sum + found, best + most);
            exacts += u32::from(found > most - 1e-9);
        }
        assert!(sum > 0.999 * best && exacts > 1_950, "{sum} of {best}, {exacts} of 2000 exact");
    }

    #[test]
    fn as_many_as_can_be_are_paired_where_each_pair_is_worth_much() {
        let mut draw = Draw(11);
        for nth in 0..500 {
            let free = |draw: &mut Draw| Worth::of(f64::INFINITY, 1_000.0 * draw.unit()).unwrap();
            let near = random(&mut draw, 4 + nth % 9, 0.4, free);
            let (pairs, most) = (paired(&near, u32::MAX, &mut 0), exact(&near));
            assert_eq!((total(&near, &pairs) / 1e9).round(), (most / 1e9).round());
        }
    }

    #[test]
    fn little_work_gives_pairs_all_the_same() {
        let near = random(&mut Draw(3), 40, 0.5, |draw| paid(1.0 + draw.unit()));
        let mut work = 0;
        let few = total(&near, &paired(&near, 0, &mut work));
        assert_eq!(work, 0);
        assert!(few > 0.0 && few <= total(&near, &paired(&near, u32::MAX, &mut work)));
    }
}
