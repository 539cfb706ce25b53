//! One against one: the anchor's match is the nearest ticket with which all rules hold.
//!
//! For the length of a round the tickets lie in the order of their numbers as a list, from which each goes when its turn
//! has passed: so an anchor finds those who may still join it on both sides of itself, without a look at any other.
use super::{
    store::{Key, Store},
    ticket::Waiting,
};
use gsm_rules::{Batching, RuleKind, RuleSet, Stage};

/// Tickets that are asked for one anchor; where none of so many can join it, it is left to the search.
const ASKED_MAX: u32 = 4_096;
/// No place.
const END: u32 = u32::MAX;

/// The tickets of a round whose turn is to come, in the order of their numbers.
#[derive(Debug, Clone)]
pub(super) struct Duel {
    tickets: Vec<Listed>,
    /// Of each slot: where it lies.
    places: Vec<u32>,
    /// No two tickets of a match are further apart in any stage.
    width: f64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    number: f64,
    key: Key,
    before: u32,
    after: u32,
}

/// Whom an anchor plays.
pub(super) enum Partner {
    /// This ticket.
    Found(Key),
    /// Nobody.
    None,
    /// The search has to tell.
    Unknown,
}

impl Duel {
    /// `None` where the rules do not ask for two single players who are near in a number, or a backfill waits.
    pub(super) fn new(set: &RuleSet, store: &Store) -> Option<Self> {
        let is_one = |stage: &Stage| {
            let sizes = stage.teams();
            sizes.len() == 2 && sizes.iter().all(|size| (size.min, size.max) == (1, 1))
        };
        let is_sort = |kind| matches!(kind, RuleKind::DistanceSort | RuleKind::AbsoluteSort);
        let is_sorted = set.algorithm().is_none_or(|of| of.batching == Batching::Sorted)
            || set.rules().iter().any(|rule| is_sort(rule.kind));
        if is_sorted || store.has_backfills() || !set.stages().iter().all(is_one) {
            return None;
        }
        let widths: Option<Vec<f64>> = set.stages().iter().map(|stage| store.width(stage)).collect();
        let width = widths?.into_iter().fold(0.0, f64::max);
        let mut tickets = Vec::with_capacity(store.len());
        let mut places = vec![END; store.slots()];
        for (at, (key, number)) in (0..).zip(store.numbers()) {
            if let Some(place) = places.get_mut(key.slot as usize) {
                *place = at;
            }
            tickets.push(Listed { number, key, before: at.wrapping_sub(1), after: at + 1 });
        }
        if let Some(last) = tickets.last_mut() {
            last.after = END;
        }
        Some(Self { tickets, places, width })
    }

    fn at(&self, place: u32) -> Option<Listed> {
        self.tickets.get(place as usize).copied()
    }

    fn unlink(&mut self, place: u32) {
        let Some(Listed { before, after, .. }) = self.at(place) else { return };
        if let Some(ticket) = self.tickets.get_mut(before as usize) {
            ticket.after = after;
        }
        if let Some(ticket) = self.tickets.get_mut(after as usize) {
            ticket.before = before;
        }
    }

    /// Notes that a ticket has had its turn.
    pub(super) fn pass(&mut self, anchor: Key) -> Option<Listed> {
        let place = self.places.get(anchor.slot as usize).copied()?;
        let own = self.at(place).filter(|own| own.key == anchor)?;
        // Once only: those beside it may have gone since.
        if let Some(gone) = self.places.get_mut(anchor.slot as usize) {
            *gone = END;
        }
        self.unlink(place);
        Some(own)
    }

    /// The nearest that waits and that `can_play`. The anchor's turn has passed then.
    pub(super) fn turn(
        &mut self,
        anchor: Key,
        store: &Store,
        asked: &mut u32,
        mut can_play: impl FnMut(&Waiting) -> bool,
    ) -> Partner {
        let Some(own) = self.pass(anchor) else { return Partner::Unknown };
        let (mut below, mut above) = (own.before, own.after);
        let most = asked.saturating_add(ASKED_MAX);
        loop {
            let apart = |of: Option<Listed>| of.map_or(f64::INFINITY, |of| (of.number - own.number).abs());
            let (under, over) = (self.at(below), self.at(above));
            let is_below = apart(under) < apart(over);
            let Some(other) = (if is_below { under } else { over }) else { return Partner::None };
            if apart(Some(other)) > self.width {
                return Partner::None;
            }
            if *asked >= most {
                return Partner::Unknown;
            }
            *asked += 1;
            let place = if is_below { below } else { above };
            let waiting = store.alive(other.key);
            if waiting.is_none_or(&mut can_play) {
                self.unlink(place);
                if waiting.is_some() {
                    return Partner::Found(other.key);
                }
            }
            if is_below { below = other.before } else { above = other.after }
        }
    }
}
