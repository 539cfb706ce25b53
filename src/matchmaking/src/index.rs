//! The orders of a pool: by waiting time, and by skill for each party size.
use crate::{
    ordered::{number, ordered},
    packing::Counts,
};
use gsm_core::{TicketId, Timestamp, limits::PARTY_SIZE_MAX};
use std::{
    collections::{BTreeMap, btree_map},
    ops::Bound,
};

/// What the orders know of a ticket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Waiting {
    pub(crate) id: TicketId,
    pub(crate) queued_at: Timestamp,
    pub(crate) skill: f64,
    pub(crate) size: usize,
}

impl Waiting {
    /// Place in the queue: longest waiting first, ties by id.
    pub(crate) fn age(&self) -> AgeKey {
        (self.queued_at, self.id)
    }
    pub(crate) fn by_skill(&self) -> SkillKey {
        (ordered(self.skill), self.id)
    }
}

pub(crate) type AgeKey = (Timestamp, TicketId);
pub(crate) type SkillKey = (u64, TicketId);

/// Which way from the anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Weaker,
    Stronger,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    by_age: BTreeMap<AgeKey, (f64, usize)>,
    /// One order a party size, so that a search for parties of two never walks over single players.
    by_skill: [BTreeMap<SkillKey, Timestamp>; PARTY_SIZE_MAX],
}

impl Index {
    pub(crate) fn insert(&mut self, w: Waiting) {
        self.by_age.insert(w.age(), (w.skill, w.size));
        if let Some(order) = self.by_skill.get_mut(w.size.wrapping_sub(1)) {
            order.insert(w.by_skill(), w.queued_at);
        }
    }

    pub(crate) fn remove(&mut self, w: Waiting) {
        self.by_age.remove(&w.age());
        if let Some(order) = self.by_skill.get_mut(w.size.wrapping_sub(1)) {
            order.remove(&w.by_skill());
        }
    }

    /// Tickets from the longest waiting on, or from the one after `after`.
    pub(crate) fn by_age(&self, after: Option<AgeKey>) -> impl Iterator<Item = Waiting> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let entry = |(&(queued_at, id), &(skill, size)): (&AgeKey, &(f64, usize))| Waiting {
            id,
            queued_at,
            skill,
            size,
        };
        self.by_age.range((from, Bound::Unbounded)).map(entry)
    }

    /// Tickets of `size` players outward from `from` (itself left out).
    pub(crate) fn outward(&self, size: usize, side: Side, from: SkillKey) -> Outward<'_> {
        let range = self.by_skill.get(size.wrapping_sub(1)).map(|order| match side {
            Side::Weaker => order.range((Bound::Unbounded, Bound::Excluded(from))),
            Side::Stronger => order.range((Bound::Excluded(from), Bound::Unbounded)),
        });
        Outward { range, size, side }
    }

    /// How many tickets of each size wait, counted up to what a match can use.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (order, size) in self.by_skill.iter().zip(1..) {
            counts.set(size, order.len());
        }
        counts
    }

    #[cfg(test)]
    pub(crate) fn lens(&self) -> (usize, usize) {
        (self.by_age.len(), self.by_skill.iter().map(BTreeMap::len).sum())
    }
}

pub(crate) struct Outward<'a> {
    range: Option<btree_map::Range<'a, SkillKey, Timestamp>>,
    size: usize,
    side: Side,
}

impl Iterator for Outward<'_> {
    type Item = Waiting;
    fn next(&mut self) -> Option<Waiting> {
        let range = self.range.as_mut()?;
        let (&(skill, id), &queued_at) = match self.side {
            Side::Weaker => range.next_back(),
            Side::Stronger => range.next(),
        }?;
        Some(Waiting { id, queued_at, skill: number(skill), size: self.size })
    }
}
