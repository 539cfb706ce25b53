//! The waiting tickets in slots, with their orders: by turn, and by the number that the rules limit.
use super::{
    candidates::{number, ordered},
    sorted::Sorted,
    ticket::{Turn, Waiting},
};
use gsm_core::{Map, TicketId, Timestamp};
use gsm_rules::{NumberColumn, Pairwise, RuleSet, Stage};

/// A ticket by its slot. The slot is used again when the ticket has gone, the serial is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) slot: u32,
    serial: u32,
}

/// The waiting tickets.
#[derive(Debug, Clone)]
pub(super) struct Store {
    slots: Vec<Option<Waiting>>,
    /// Of each slot: how often it was emptied.
    serials: Vec<u32>,
    free: Vec<u32>,
    by_id: Map<TicketId, u32>,
    by_turn: Sorted<(Turn, Key)>,
    /// Of tickets that are no backfills.
    by_number: Sorted<(u64, Key)>,
    /// The column of `by_number`: the first that the rules limit from the beginning.
    column: Option<NumberColumn>,
    /// Keys of the backfills; few.
    backfills: Vec<Key>,
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
            serials: Vec::new(),
            free: Vec::new(),
            by_id: Map::default(),
            by_turn: Sorted::default(),
            by_number: Sorted::default(),
            column,
            backfills: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn contains(&self, id: TicketId) -> bool {
        self.by_id.contains_key(&id)
    }

    pub(super) fn get(&self, id: &TicketId) -> Option<&Waiting> {
        self.at(*self.by_id.get(id)?)
    }

    /// The ticket in a slot, whichever it is.
    #[inline]
    pub(super) fn at(&self, slot: u32) -> Option<&Waiting> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// The ticket of a key, if it still waits.
    #[inline]
    pub(super) fn alive(&self, key: Key) -> Option<&Waiting> {
        if self.serials.get(key.slot as usize) == Some(&key.serial) { self.at(key.slot) } else { None }
    }

    /// The key of a ticket that waits.
    pub(super) fn key(&self, id: &TicketId) -> Option<Key> {
        let slot = *self.by_id.get(id)?;
        Some(Key { slot, serial: *self.serials.get(slot as usize)? })
    }

    /// Makes a ticket news of a round; whether it was not yet.
    pub(super) fn set_fresh(&mut self, key: Key, round: u32) -> bool {
        let Some(Some(waiting)) = self.slots.get_mut(key.slot as usize) else { return false };
        std::mem::replace(&mut waiting.fresh, round) != round
    }

    /// Takes a ticket that is not there yet.
    pub(super) fn insert(&mut self, waiting: Waiting) -> Key {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.serials.push(0);
            self.slots.len() as u32 - 1
        });
        let key = Key { slot, serial: self.serials.get(slot as usize).copied().unwrap_or_default() };
        self.by_id.insert(waiting.turn.id, slot);
        let is_alive = |serials: &[u32], key: &Key| serials.get(key.slot as usize) == Some(&key.serial);
        self.by_turn.insert((waiting.turn, key), |(_, key)| is_alive(&self.serials, key));
        if waiting.is_backfill() {
            self.backfills.push(key);
        } else if let Some(bits) = self.number(&waiting) {
            self.by_number.insert((bits, key), |(_, key)| is_alive(&self.serials, key));
        }
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = Some(waiting);
        }
        key
    }

    pub(super) fn remove(&mut self, id: TicketId) -> Option<Waiting> {
        let slot = self.by_id.remove(&id)?;
        let waiting = self.slots.get_mut(slot as usize)?.take()?;
        let serial = self.serials.get_mut(slot as usize)?;
        *serial = serial.wrapping_add(1);
        self.free.push(slot);
        let is_alive = |key: &Key| self.serials.get(key.slot as usize) == Some(&key.serial);
        self.by_turn.bury(|(_, key)| is_alive(key));
        if waiting.is_backfill() {
            self.backfills.retain(is_alive);
        } else if self.column.is_some() && waiting.party().is_some() {
            self.by_number.bury(|(_, key)| is_alive(key));
        }
        Some(waiting)
    }

    pub(super) fn has_backfills(&self) -> bool {
        !self.backfills.is_empty()
    }

    /// How many slots there are, empty ones included.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The tickets that the indexed number is known of, in its order.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (Key, f64)> {
        let alive = |key: Key| self.serials.get(key.slot as usize) == Some(&key.serial);
        self.by_number.iter().filter(move |(_, key)| alive(*key)).map(|(bits, key)| (key, number(bits)))
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
        let wanted = self.column?;
        let of = |pair: &Pairwise| match *pair {
            Pairwise::Within { column, width, .. } if column == wanted => Some(width),
            Pairwise::SameNumber { column, .. } if column == wanted => Some(0.0),
            _ => None,
        };
        stage.pairwise().iter().filter_map(of).reduce(f64::min).filter(|width| width.is_finite())
    }

    /// Backfills, and the tickets whose indexed number is at most so far from that of `own`, the nearest first.
    pub(super) fn near<'s>(
        &'s self,
        own: &Waiting,
        width: f64,
    ) -> Option<impl Iterator<Item = (Key, &'s Waiting)> + use<'s>> {
        let column = self.column?;
        let number = own.parties.first()?.number(column);
        let from = (ordered(number), Key { slot: 0, serial: 0 });
        let read = move |(_, key): (u64, Key)| {
            let waiting = self.alive(key)?;
            let apart = (waiting.parties.first()?.number(column) - number).abs();
            Some((key, waiting, apart))
        };
        let within = move |found: &(Key, &Waiting, f64)| found.2 <= width;
        let mut up = self.by_number.up(from).filter_map(read).take_while(within).peekable();
        let mut down = self.by_number.down(from).filter_map(read).take_while(within).peekable();
        let nearest = std::iter::from_fn(move || {
            let next = match (up.peek(), down.peek()) {
                (Some(above), Some(below)) if below.2 < above.2 => down.next(),
                (Some(_), _) => up.next(),
                (None, _) => down.next(),
            };
            next.map(|(key, waiting, _)| (key, waiting))
        });
        let backfills = self.backfills.iter().filter_map(|key| Some((*key, self.alive(*key)?)));
        Some(backfills.chain(nearest))
    }
}
