//! The tickets of a queue, those of players in the shadow apart: the two never meet.
use super::{
    Found,
    matcher::{Entering, Explained, Fit, Matcher, Rules},
};
use crate::RuleCount;
use gsm_core::{TicketId, Timestamp};

/// The waiting tickets of a queue.
pub(super) struct Apart {
    open: Matcher,
    /// Only while somebody is in it.
    shadow: Option<Matcher>,
    rules: Rules,
}

impl Apart {
    pub(super) fn new(rules: &Rules) -> Option<Self> {
        Some(Self { open: Matcher::new(rules)?, shadow: None, rules: rules.clone() })
    }

    /// Follows other rules from now on; whether it could without losing its tickets.
    pub(super) fn follow(&mut self, rules: &Rules) -> bool {
        self.rules = rules.clone();
        let follows = self.open.follow(rules);
        follows && self.shadow.as_mut().is_none_or(|shadow| shadow.follow(rules))
    }

    /// What is followed.
    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Takes a ticket, unless it is of another kind, or one that the rules leave out.
    pub(super) fn insert(&mut self, ticket: Entering, shadow: bool) -> Fit {
        if !shadow {
            return self.open.insert(ticket);
        }
        if self.shadow.is_none() {
            self.shadow = Matcher::new(&self.rules);
        }
        self.shadow.as_mut().map_or(Fit::Refused, |shadow| shadow.insert(ticket))
    }

    pub(super) fn remove(&mut self, id: TicketId) {
        self.open.remove(id);
        if let Some(shadow) = &mut self.shadow {
            shadow.remove(id);
            if shadow.len() == 0 {
                self.shadow = None;
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = &Matcher> {
        std::iter::once(&self.open).chain(&self.shadow)
    }

    pub(super) fn len(&self) -> usize {
        self.all().map(Matcher::len).sum()
    }

    pub(super) fn players(&self) -> usize {
        self.all().map(Matcher::players).sum()
    }

    pub(super) fn contains(&self, id: TicketId) -> bool {
        self.all().any(|matcher| matcher.contains(id))
    }

    /// Since when the longest waiting ticket waits.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.all().filter_map(Matcher::oldest).min()
    }

    pub(super) fn explain(&self, id: TicketId, now: Timestamp) -> Option<Explained> {
        self.all().find_map(|matcher| matcher.explain(id, now))
    }

    /// The same by a short look, and about how many work units it took.
    pub(super) fn glance(&self, id: TicketId, now: Timestamp, budget: u32) -> Option<(Explained, u32)> {
        self.all().find_map(|matcher| matcher.glance(id, now, budget))
    }

    /// How often each rule was judged for the ticket's sake; not at all for one that does not wait.
    pub(super) fn counts(&self, id: TicketId) -> Vec<RuleCount> {
        self.all().find(|matcher| matcher.contains(id)).unwrap_or(&self.open).counts(id)
    }

    /// Forms matches; whether all tickets had their turn.
    pub(super) fn step(&mut self, now: Timestamp, budget: u32) -> (Vec<Found>, bool) {
        let (mut found, mut finished) = self.open.step(now, budget);
        if let Some(shadow) = &mut self.shadow {
            let (more, all) = shadow.step(now, budget);
            found.extend(more);
            finished &= all;
        }
        (found, finished)
    }
}
