//! The waiting tickets in slots, with their orders: by turn, and by the number that the rules limit.
use super::{
    sieve::{Sieve, Traits},
    sorted::{Fates, Sorted},
    ticket::{Turn, Waiting},
};
use crate::ordered::{number, ordered};
use gsm_core::{FixedState, TicketId, Timestamp, prefetch};
use gsm_rules::{NumberColumn, Pairwise, RuleSet, Stage};
use hashbrown::HashTable;
use smallvec::SmallVec;
use std::hash::BuildHasher;

/// A ticket by its slot. The slot is used again when the ticket has gone, the serial is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) slot: u32,
    serial: u32,
}

#[inline]
fn is_alive(marks: &[Mark], key: Key) -> bool {
    marks.get(key.slot as usize).is_some_and(|mark| mark.serial == key.serial)
}

impl<T> Fates<(T, Key)> for [Mark] {
    #[inline]
    fn is_alive(&self, (_, key): &(T, Key)) -> bool {
        is_alive(self, *key)
    }
    #[inline]
    fn soon(&self, (_, key): &(T, Key)) {
        self.get(key.slot as usize).into_iter().for_each(prefetch);
    }
}

fn hash(id: &TicketId) -> u64 {
    FixedState::default().hash_one(id)
}

/// What is known of a slot without a look at its ticket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// How often it was emptied.
    serial: u32,
    /// The round in which its ticket is news.
    pub(super) fresh: u32,
    pub(super) started_at: Timestamp,
    pub(super) traits: Traits,
}

/// The waiting tickets.
#[derive(Debug, Clone)]
pub(super) struct Store {
    slots: Vec<Option<Waiting>>,
    marks: Vec<Mark>,
    /// Of each slot: of how many of the unheard its ticket has heard; the index has left out the others for its sake. So who
    /// comes is counted for all who wait, without a look at them.
    heard: Vec<u32>,
    free: Vec<u32>,
    /// Slots, by the id of the ticket there.
    by_id: HashTable<u32>,
    by_turn: Sorted<(Turn, Key)>,
    /// Of tickets whose players sit on one team.
    by_number: Sorted<(u64, Key)>,
    /// The column of `by_number`: the first that the rules limit from the beginning.
    column: Option<NumberColumn>,
    /// Keys of backfills and split parties; few.
    apart: Vec<Key>,
    sieve: Sieve,
}

impl Store {
    pub(super) fn new(set: &RuleSet) -> Self {
        let column = set.stages().first().and_then(|stage| {
            stage.pairwise().iter().find_map(|pair| match *pair {
                Pairwise::Within { column, .. } | Pairwise::SameNumber { column, .. } => Some(column),
                _ => None,
            })
        });
        Self {
            slots: Vec::new(),
            marks: Vec::new(),
            heard: Vec::new(),
            free: Vec::new(),
            by_id: HashTable::new(),
            by_turn: Sorted::default(),
            by_number: Sorted::default(),
            column,
            apart: Vec::new(),
            sieve: Sieve::new(set),
        }
    }

    /// What is known of tickets without a look at them.
    pub(super) fn sieve(&self) -> &Sieve {
        &self.sieve
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn contains(&self, id: TicketId) -> bool {
        self.slot(&id).is_some()
    }

    fn slot(&self, id: &TicketId) -> Option<u32> {
        let is_it = |slot: &u32| self.at(*slot).is_some_and(|of| of.turn.id == *id);
        self.by_id.find(hash(id), is_it).copied()
    }

    pub(super) fn get(&self, id: &TicketId) -> Option<&Waiting> {
        self.at(self.slot(id)?)
    }

    /// The ticket in a slot, whichever it is.
    #[inline]
    pub(super) fn at(&self, slot: u32) -> Option<&Waiting> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// What is known of a key's slot, if its ticket still waits.
    #[inline]
    pub(super) fn mark(&self, key: Key) -> Option<Mark> {
        self.marks.get(key.slot as usize).copied().filter(|mark| mark.serial == key.serial)
    }

    /// The ticket of a key, if it still waits.
    #[inline]
    pub(super) fn alive(&self, key: Key) -> Option<&Waiting> {
        self.mark(key)?;
        self.at(key.slot)
    }

    pub(super) fn alive_mut(&mut self, key: Key) -> Option<&mut Waiting> {
        self.mark(key)?;
        self.slots.get_mut(key.slot as usize)?.as_mut()
    }

    /// The key of a ticket that waits.
    pub(super) fn key(&self, id: &TicketId) -> Option<Key> {
        let slot = self.slot(id)?;
        Some(Key { slot, serial: self.marks.get(slot as usize)?.serial })
    }

    /// Whether a ticket is news of a round.
    #[inline]
    pub(super) fn is_fresh(&self, key: Key, round: u32) -> bool {
        self.mark(key).is_some_and(|mark| mark.fresh == round)
    }

    /// Makes a ticket news of a round; whether it was not yet.
    pub(super) fn set_fresh(&mut self, key: Key, round: u32) -> bool {
        let Some(mark) = self.marks.get_mut(key.slot as usize) else { return false };
        std::mem::replace(&mut mark.fresh, round) != round
    }

    /// Puts in order what has come, so that it is cheap to read.
    pub(super) fn settle(&mut self, wholly: bool) {
        self.by_turn.settle(wholly, &*self.marks);
        self.by_number.settle(wholly, &*self.marks);
    }

    /// Sweeps out what is left of tickets that have gone, where it is much.
    pub(super) fn tidy(&mut self) {
        self.by_turn.tidy(&*self.marks);
        self.by_number.tidy(&*self.marks);
    }

    /// How many others the index has left out for a ticket's sake, of `unheard` in all.
    pub(super) fn left_out(&self, key: Key, unheard: u32) -> u32 {
        self.heard.get(key.slot as usize).map_or(0, |heard| unheard.wrapping_sub(*heard))
    }

    /// Notes that so many of the unheard were heard of.
    pub(super) fn hear(&mut self, key: Key, of: u32) {
        if let Some(heard) = self.heard.get_mut(key.slot as usize) {
            *heard = heard.wrapping_add(of);
        }
    }

    /// Notes that the index has left out so many more.
    pub(super) fn leave_out(&mut self, key: Key, of: u32) {
        self.hear(key, of.wrapping_neg());
    }

    /// Takes a ticket that is not there yet, when so many were unheard.
    pub(super) fn insert(&mut self, set: &RuleSet, waiting: Waiting, unheard: u32) -> Key {
        let traits = waiting.party().map(|party| self.sieve.traits(set, party)).unwrap_or_default();
        let mark = Mark { serial: 0, fresh: 0, started_at: waiting.turn.started_at, traits };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.marks.push(mark);
            self.heard.push(unheard);
            self.slots.len() as u32 - 1
        });
        let serial = self.marks.get(slot as usize).map_or(0, |mark| mark.serial);
        if let Some(place) = self.marks.get_mut(slot as usize) {
            *place = Mark { serial, ..mark };
        }
        if let Some(heard) = self.heard.get_mut(slot as usize) {
            *heard = unheard;
        }
        let key = Key { slot, serial };
        let number = self.number(&waiting);
        if waiting.is_apart() {
            self.apart.push(key);
        } else if let Some(bits) = number {
            self.by_number.insert((bits, key), &*self.marks);
        }
        let turn = waiting.turn;
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = Some(waiting);
        }
        let slots = &self.slots;
        let hash_at = |slot: &u32| {
            let of = slots.get(*slot as usize).and_then(Option::as_ref);
            of.map_or(0, |of| hash(&of.turn.id))
        };
        self.by_id.insert_unique(hash(&turn.id), slot, hash_at);
        self.by_turn.insert((turn, key), &*self.marks);
        key
    }

    pub(super) fn remove(&mut self, id: TicketId) -> Option<Waiting> {
        let waiting = self.take(self.slot(&id)?);
        self.tidy();
        waiting
    }

    /// Has a ticket brought nearer that will be looked at soon.
    #[inline]
    pub(super) fn prefetch(&self, key: Key) {
        let slot = key.slot as usize;
        self.marks.get(slot).into_iter().for_each(prefetch);
        self.slots.get(slot).into_iter().for_each(prefetch);
    }

    /// The first half of taking out the tickets of `keys`, which wait: takes them from the slots by id, at once, so that many
    /// memory accesses are under way together. The other is [`Store::leave`] of each, and then [`Store::tidy`].
    pub(super) fn unlist(&mut self, keys: &[Key]) {
        let hash = |key: &Key| Some(hash(&self.alive(*key)?.turn.id));
        let hashes: SmallVec<[Option<u64>; 64]> = keys.iter().map(hash).collect();
        // First whether they are there, of all: their places are in the cache when they are taken.
        let is_there = |(key, hash): (&Key, &Option<u64>)| {
            hash.is_some_and(|hash| self.by_id.find(hash, |slot| *slot == key.slot).is_some())
        };
        std::hint::black_box(keys.iter().zip(&hashes).filter(|of| is_there(*of)).count());
        for (key, hash) in keys.iter().zip(hashes) {
            let Some(hash) = hash else { continue };
            if let Ok(entry) = self.by_id.find_entry(hash, |slot| *slot == key.slot) {
                entry.remove();
            }
        }
    }

    /// Takes out the ticket in a slot.
    fn take(&mut self, slot: u32) -> Option<Waiting> {
        let waiting = self.leave(slot)?;
        if let Ok(entry) = self.by_id.find_entry(hash(&waiting.turn.id), |other| *other == slot) {
            entry.remove();
        }
        Some(waiting)
    }

    /// Empties a slot whose ticket is to go from, or has left, the slots by id.
    pub(super) fn leave(&mut self, slot: u32) -> Option<Waiting> {
        let waiting = self.slots.get_mut(slot as usize)?.take()?;
        let mark = self.marks.get_mut(slot as usize)?;
        mark.serial = mark.serial.wrapping_add(1);
        self.free.push(slot);
        self.by_turn.bury();
        if waiting.is_apart() {
            self.apart.retain(|key| is_alive(&self.marks, *key));
        } else if self.column.is_some() && waiting.party().is_some() {
            self.by_number.bury();
        }
        Some(waiting)
    }

    pub(super) fn has_apart(&self) -> bool {
        !self.apart.is_empty()
    }

    /// How many slots there are, empty ones included.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// `each` with the tickets that the indexed number is known of, in its order.
    pub(super) fn each_number(&self, mut each: impl FnMut(Key, Mark, f64)) {
        self.by_number.for_each(&*self.marks, |(bits, key)| {
            if let Some(mark) = self.mark(key) {
                each(key, mark, number(bits));
            }
        });
    }

    /// Keys of the tickets in the order of their turns.
    pub(super) fn turns(&self) -> Vec<Key> {
        let mut turns = Vec::with_capacity(self.len());
        turns.extend(self.by_turn.iter().map(|(_, key)| key).filter(|key| is_alive(&self.marks, *key)));
        turns
    }

    /// What is known of all tickets without a look at them.
    pub(super) fn marks(&self) -> impl Iterator<Item = (Key, Mark)> {
        self.by_turn.iter().filter_map(|(_, key)| Some((key, self.mark(key)?)))
    }

    /// Tickets in the order of their turns.
    pub(super) fn in_turn(&self) -> impl Iterator<Item = (Key, &Waiting)> {
        self.by_turn.iter().filter_map(|(_, key)| Some((key, self.alive(key)?)))
    }

    /// Those that have their turn at `turn` or after it.
    pub(super) fn after_turn(&self, turn: Turn) -> impl Iterator<Item = (Key, &Waiting)> {
        let from = (turn, Key { slot: 0, serial: 0 });
        self.by_turn.up(from).filter_map(|(_, key)| Some((key, self.alive(key)?)))
    }

    /// Of the tickets that started later than `after` and not later than `until`, those that wait.
    pub(super) fn started(
        &self,
        after: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = (Key, &Waiting)> {
        let last = TicketId::from_u128(u128::MAX);
        (0..Turn::CLASSES).flat_map(move |class| {
            let all = self.after_turn(Turn::new(class, after, last));
            all.take_while(move |(_, of)| of.turn.class() == class && of.turn.started_at <= until)
        })
    }

    /// Since when the longest waiting ticket waits.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        let first = |class: u8| {
            let start = Turn::new(class, Timestamp::from_millis(i64::MIN), TicketId::from_u128(0));
            self.after_turn(start).next().map(|(_, of)| of.turn.started_at)
        };
        (0..Turn::CLASSES).filter_map(first).min()
    }

    /// How many wait longer than a ticket of this start and id.
    pub(super) fn older(&self, started_at: Timestamp, id: TicketId) -> usize {
        let age = |of: &Waiting| (of.turn.started_at, of.turn.id);
        self.in_turn().filter(|(_, of)| age(of) < (started_at, id)).count()
    }

    /// The bits by which a ticket is in the order by number.
    fn number(&self, waiting: &Waiting) -> Option<u64> {
        Some(ordered(waiting.parties.first()?.number(self.column?)))
    }

    /// How far apart the indexed numbers of two tickets of one match may be in this stage; `None` where nothing says.
    pub(super) fn width(&self, stage: &Stage) -> Option<f64> {
        self.narrowest(stage).map(|(width, _)| width)
    }

    /// The same with the rule that says it.
    pub(super) fn narrowest(&self, stage: &Stage) -> Option<(f64, usize)> {
        let wanted = self.column?;
        let of = |pair: &Pairwise| match *pair {
            Pairwise::Within { column, width, rule } if column == wanted => Some((width, rule)),
            Pairwise::SameNumber { column, rule } if column == wanted => Some((0.0, rule)),
            _ => None,
        };
        let narrower = |a: (f64, usize), b: (f64, usize)| if b.0 < a.0 { b } else { a };
        stage.pairwise().iter().filter_map(of).reduce(narrower).filter(|(width, _)| width.is_finite())
    }

    /// Tickets whose players sit on different teams.
    pub(super) fn apart(&self) -> impl Iterator<Item = Key> {
        self.apart.iter().copied()
    }

    /// Tickets that sit on different teams, and those whose indexed number is at most so far from that of `own`, the nearest first.
    pub(super) fn near(&self, own: &Waiting, width: f64) -> Option<impl Iterator<Item = Key> + use<'_>> {
        let own = own.parties.first()?.number(self.column?);
        let from = (ordered(own), Key { slot: 0, serial: 0 });
        let read = move |(bits, key): (u64, Key)| (key, (number(bits) - own).abs());
        let within = move |found: &(Key, f64)| found.1 <= width;
        let alive = move |found: &(Key, f64)| is_alive(&self.marks, found.0);
        let mut up = self.by_number.up(from).map(read).take_while(within).filter(alive).peekable();
        let mut down = self.by_number.down(from).map(read).take_while(within).filter(alive).peekable();
        let nearest = std::iter::from_fn(move || {
            let next = match (up.peek(), down.peek()) {
                (Some(above), Some(below)) if below.1 < above.1 => down.next(),
                (Some(_), _) => up.next(),
                (None, _) => down.next(),
            };
            next.map(|(key, _)| key)
        });
        Some(self.apart().chain(nearest))
    }
}
