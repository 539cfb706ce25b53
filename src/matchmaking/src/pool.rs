//! The waiting tickets of one queue.
use crate::{
    formed::Formed,
    index::{AgeKey, Index, Waiting},
    rules::{MatchRules, RulesError},
    search::{Meter, Search, View},
    ticket::{PoolError, PoolTicket},
};
use gsm_core::{Map, TicketId, Timestamp, limits::POOL_TICKETS_MAX};

/// The waiting tickets of one queue.
#[derive(Clone, Debug)]
pub struct Pool {
    rules: MatchRules,
    tickets: Map<TicketId, PoolTicket>,
    /// Of all tickets.
    players: usize,
    /// Of tickets that are judged: the mean strength of their players.
    strengths: Map<TicketId, f64>,
    index: Index,
    round: Option<Round>,
}

/// One pass over the pool, from the longest waiting ticket to the last. It may take many steps.
#[derive(Clone, Debug)]
struct Round {
    now: Timestamp,
    /// The last ticket whose turn has come.
    after: Option<AgeKey>,
    /// Its search, when a step ended in the middle of it.
    search: Option<Search>,
}

/// What a step did.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The matches found, in the order of their longest waiting tickets.
    pub proposals: Vec<Formed>,
    /// Work units used: tickets and combinations looked at.
    pub work: u32,
    /// Whether every ticket has had its turn. Otherwise the next step goes on.
    pub finished: bool,
}

fn waiting(ticket: &PoolTicket) -> Waiting {
    Waiting { id: ticket.id, queued_at: ticket.queued_at, skill: ticket.skill(), size: ticket.players.len() }
}

impl Pool {
    /// An empty pool.
    pub fn new(rules: MatchRules) -> Result<Self, RulesError> {
        rules.validate()?;
        Ok(Self {
            rules,
            tickets: Map::default(),
            players: 0,
            strengths: Map::default(),
            index: Index::default(),
            round: None,
        })
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &MatchRules {
        &self.rules
    }

    /// Swaps the rules under the waiting tickets; the next step starts a new round. Parties that no longer fit stay
    /// and are not matched ([`Pool::explain`] says so). Bad rules change nothing.
    pub fn set_rules(&mut self, rules: MatchRules) -> Result<(), RulesError> {
        rules.validate()?;
        self.rules = rules;
        self.round = None;
        Ok(())
    }

    /// Takes a ticket; O(log n). One live ticket a player is the caller's to see to.
    pub fn insert(&mut self, ticket: PoolTicket) -> Result<(), PoolError> {
        ticket.check(self.rules.format.side_size())?;
        if self.tickets.contains_key(&ticket.id) {
            return Err(PoolError::Duplicate { id: ticket.id });
        }
        if self.tickets.len() >= POOL_TICKETS_MAX {
            return Err(PoolError::Full { max: POOL_TICKETS_MAX });
        }
        self.index.insert(waiting(&ticket));
        self.players += ticket.players.len();
        self.tickets.insert(ticket.id, ticket);
        Ok(())
    }

    /// The same, with the mean strength of its players by whoever judges it better than `skill` does: matches whose
    /// tickets all have one are split by it. It changes nothing about who meets whom.
    pub fn insert_judged(&mut self, ticket: PoolTicket, strength: Option<f64>) -> Result<(), PoolError> {
        let id = ticket.id;
        self.insert(ticket)?;
        self.strengths.extend(strength.filter(|of| of.is_finite()).map(|of| (id, of)));
        Ok(())
    }

    /// Gives a ticket back; O(log n). A search under way that rests on it starts again.
    pub fn remove(&mut self, id: TicketId) -> Option<PoolTicket> {
        let ticket = self.take(id)?;
        if let Some(round) = &mut self.round
            && let Some(search) = round.search.take_if(|search| search.touches(id))
            && search.anchor.id != id
        {
            let view = View { index: &self.index, rules: &self.rules, now: round.now };
            round.search = Some(Search::new(search.anchor, true, view));
        }
        Some(ticket)
    }

    fn take(&mut self, id: TicketId) -> Option<PoolTicket> {
        let ticket = self.tickets.remove(&id)?;
        self.players -= ticket.players.len();
        self.strengths.remove(&id);
        self.index.remove(waiting(&ticket));
        Some(ticket)
    }

    /// Number of waiting tickets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tickets.len()
    }

    /// Number of waiting players.
    #[must_use]
    pub fn players(&self) -> usize {
        self.players
    }

    /// Whether no ticket waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tickets.is_empty()
    }

    /// Whether this ticket waits.
    #[must_use]
    pub fn contains(&self, id: TicketId) -> bool {
        self.tickets.contains_key(&id)
    }

    /// This ticket, if it waits.
    #[must_use]
    pub fn get(&self, id: TicketId) -> Option<&PoolTicket> {
        self.tickets.get(&id)
    }

    /// The longest waiting ticket, of equal ones the one of least id.
    #[must_use]
    pub fn oldest(&self) -> Option<&PoolTicket> {
        self.iter().next()
    }

    /// Tickets, longest waiting first, ties by id.
    pub fn iter(&self) -> impl Iterator<Item = &PoolTicket> {
        self.index.by_age(None).filter_map(|who| self.tickets.get(&who.id))
    }

    /// Forms matches: each ticket in turn, longest waiting first (ties by id), takes the match of least spread that
    /// it can have with tickets that wait less long (those that wait longer had their turn and found nothing; free-
    /// for-all: of the most players, then of least spread). The tickets leave the pool.
    ///
    /// The step stops after about `budget` work units (0 counts as 1; it may go over by one packing of parties, 20,000
    /// at most, and not at all with single players) and the next goes on where it stopped. One such round sees windows as at the `now` of its first
    /// step, so that however a round is cut into steps, it finds the same matches as long as nobody comes or goes.
    /// A ticket that comes during a round has its turn in it if it waits less long than the one whose turn it is;
    /// a search under way need not see it. `now` may step back: nobody's window is then narrower than its minimum.
    ///
    /// Exact for two teams of up to ten players and for free-for-all. For other formats the packing of parties is
    /// bounded to 20,000 tries a combination and may miss a match that needs more; single players are always exact.
    ///
    /// About O(log n) a match; a ticket without a match looks at each one in its window.
    pub fn step(&mut self, now: Timestamp, budget: u32) -> Step {
        let mut meter = Meter::new(budget.max(1));
        let mut round = self.round.take().unwrap_or(Round { now, after: None, search: None });
        let mut proposals = Vec::new();
        let finished = loop {
            if meter.is_spent() {
                break false;
            }
            let view = View { index: &self.index, rules: &self.rules, now: round.now };
            let mut search = match round.search.take() {
                Some(search) => search,
                None => {
                    let Some(anchor) = self.index.by_age(round.after).next() else { break true };
                    round.after = Some(anchor.age());
                    Search::new(anchor, true, view)
                }
            };
            if !search.run(view, &mut meter) {
                round.search = Some(search);
                break false;
            }
            let Some(found) = search.pick(self.rules.format) else { continue };
            let strengths: Option<Vec<f64>> =
                found.iter().map(|who| self.strengths.get(&who.id).copied()).collect();
            let tickets: Vec<PoolTicket> = found.into_iter().filter_map(|who| self.take(who.id)).collect();
            proposals.push(Formed::seat(self.rules.format, tickets, strengths.as_deref(), now));
        };
        if !finished {
            self.round = Some(round);
        }
        Step { proposals, work: meter.used, finished }
    }

    pub(crate) fn look(&self, id: TicketId, now: Timestamp) -> Option<(Waiting, View<'_>)> {
        let ticket = self.tickets.get(&id)?;
        Some((waiting(ticket), View { index: &self.index, rules: &self.rules, now }))
    }
}

#[cfg(test)]
mod tests;
