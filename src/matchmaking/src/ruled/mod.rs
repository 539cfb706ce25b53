//! The waiting tickets of one queue under a rule set.
mod apart;
mod candidates;
mod deviation;
mod even;
mod explain;
mod large;
mod line;
mod objective;
mod outlook;
mod pack;
mod roles;
mod round;
mod scarce;
mod search;
mod seating;
mod sieve;
mod sorted;
mod store;
mod ticket;
mod turn;

pub use explain::{RuleWhy, RuledExplain, StageWhy};
pub use ticket::{NeverMatched, RuledTicket};

use crate::{formed, ticket::PoolError};
use gsm_core::{Map, PlayerId, TicketId, Timestamp, limits::POOL_TICKETS_MAX};
use gsm_rules::{BackfillPriority, RuleSet, Stage, Symbols};
use objective::Course;
use outlook::Worth;
use round::Round;
use search::Counts;
use smallvec::{SmallVec, smallvec};
use std::{collections::BTreeMap, sync::Arc};
use store::{Key, Store};
use ticket::{Turn, Waiting};
use turn::Run;

/// Work units that every step may use, so that it gets on.
const STEP_WORK_MIN: u32 = 64;
/// Work units that judgements may weigh which only shorten a search, or better what it found, and cannot be cut; beyond
/// that they are left. Plain ones weigh nothing ([`Stage::weight`]).
const ASIDE_WEIGHT_MAX: u32 = 4_096;
/// Where few units are enough for what is looked for first, and judgements are dear, so many of them are.
const DEAR_JUDGED: u32 = 64;

/// The waiting tickets of one queue under a rule set.
///
/// Matches are formed as FlexMatch does: the ticket that waits longest is the anchor, and gets a match if there is one
/// among the tickets that have not had their turn. A ticket that found none is looked at again when a ticket that may
/// join it has come, or an expansion has begun. Same calls, same answers.
#[derive(Debug, Clone)]
pub struct RulePool {
    set: Arc<RuleSet>,
    symbols: Symbols,
    waiting: Store,
    /// Of all tickets but backfills.
    players: usize,
    /// Tickets that came, or reached a stage, since the last round began.
    news: Vec<Key>,
    /// Rounds begun.
    rounds: u32,
    /// Up to which start each stage has begun.
    begun: Vec<Timestamp>,
    /// How often each rule was judged for a ticket's sake, of those for whose sake any was.
    counts: Map<TicketId, Counts>,
    /// How many tickets have come, or reached a stage, so far.
    came: u64,
    /// How many have come since the last round began.
    arrived: u32,
    /// How many have come of whom only those were told whom the index of numbers led to ([`Store::left_out`]).
    unheard: u32,
    /// How many tickets have left the pool so far.
    left: u64,
    /// Of each stage: what its searches have learnt.
    worth: Vec<Worth>,
    /// Searches that were cut.
    parked: BTreeMap<TicketId, Run>,
    /// Whose search was cut when no room was left to keep it, and how many candidates it had: it begins anew when there is.
    unparked: BTreeMap<Turn, usize>,
    round: Option<Round>,
    /// Of a rule set with an objective.
    course: Course,
    /// Whether a rule gives roles.
    has_roles: bool,
}

/// Who plays on one team.
pub type Side = SmallVec<[formed::Seat; 1]>;

/// A match that a step found; its tickets have left the pool. That of two players is in one piece: making it asks for no
/// memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuledMatch {
    /// Who plays on each team, in the order of [`RuleSet::teams`]; a team may be empty.
    pub sides: SmallVec<[Side; 2]>,
    /// The tickets, the anchor first.
    pub tickets: SmallVec<[TicketId; 2]>,
    /// The backfill ticket among them.
    pub backfill: Option<TicketId>,
    /// Of each side the roles of its players, in their order; empty where no rule is about roles.
    pub roles: Vec<Vec<Option<formed::Role>>>,
    /// Of each rule: how often it held and did not, when it was judged for the sake of these tickets.
    pub counts: SmallVec<[(u64, u64); 1]>,
}

/// What a step did.
#[derive(Debug, Clone, PartialEq)]
pub struct RuledStep {
    /// The matches found, in the order of their anchors.
    pub matches: Vec<RuledMatch>,
    /// Work units used.
    pub work: u32,
    /// Whether every anchor has had its turn. Otherwise the next step goes on. Searches that were too long for one round
    /// go on in the next one, which any step begins.
    pub finished: bool,
}

impl RulePool {
    /// An empty pool.
    #[must_use]
    pub fn new(set: Arc<RuleSet>) -> Self {
        let begun = vec![Timestamp::from_millis(i64::MIN); set.stages().len()];
        let worth = vec![Worth::default(); begun.len()];
        let has_roles = set.stages().iter().any(Stage::has_roles);
        Self {
            symbols: set.symbols(),
            waiting: Store::new(&set),
            players: 0,
            set,
            news: Vec::new(),
            rounds: 0,
            begun,
            counts: Map::default(),
            came: 0,
            arrived: 0,
            unheard: 0,
            left: 0,
            worth,
            parked: BTreeMap::new(),
            unparked: BTreeMap::new(),
            round: None,
            course: Course::new(),
            has_roles,
        }
    }

    /// The rule set in force.
    #[must_use]
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.set
    }

    /// Number of waiting tickets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Number of waiting players; those of backfills play already.
    #[must_use]
    pub fn players(&self) -> usize {
        self.players
    }

    /// Whether no ticket waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.len() == 0
    }

    /// Whether this ticket waits.
    #[must_use]
    pub fn contains(&self, id: TicketId) -> bool {
        self.waiting.contains(id)
    }

    /// Since when the longest waiting ticket waits.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        self.waiting.oldest()
    }

    /// Takes a ticket. One that the rule set cannot match is taken as well, and waits
    /// ([`RulePool::explain`] says why).
    pub fn insert(&mut self, ticket: RuledTicket) -> Result<(), PoolError> {
        let id = ticket.id;
        if self.waiting.contains(id) {
            return Err(PoolError::Duplicate { id });
        }
        if self.waiting.len() >= POOL_TICKETS_MAX {
            return Err(PoolError::Full { max: POOL_TICKETS_MAX });
        }
        let has_begun = |to: &Timestamp| ticket.started_at <= *to;
        let priority = self.priority(self.begun.iter().rposition(has_begun).unwrap_or(0));
        let mut waiting = Waiting::new(&self.set, &mut self.symbols, ticket, priority);
        waiting.ask_alone(&self.set, 0);
        let can_match = waiting.never.is_none();
        self.players += waiting.newcomers();
        let key = self.waiting.insert(&self.set, waiting, self.unheard);
        if can_match {
            self.came += 1;
            self.arrived = self.arrived.saturating_add(1);
            self.note_news(key);
        }
        Ok(())
    }

    /// Makes a ticket news of the next round.
    fn note_news(&mut self, key: Key) {
        if self.waiting.set_fresh(key, self.rounds.wrapping_add(1)) {
            self.news.push(key);
        }
    }

    /// When backfills have their turn whose own age leads to a stage.
    fn priority(&self, stage: usize) -> BackfillPriority {
        // Backfills of large matches come first, whatever is asked.
        if self.set.is_large() {
            return BackfillPriority::High;
        }
        self.set.stages().get(stage).map(|of| of.algorithm().backfill).unwrap_or_default()
    }

    /// A ticket has reached a stage: has its turn when that says. Gives its key, which is another one where the turn is.
    fn put_in_turn(&mut self, key: Key, stage: usize) -> Key {
        let priority = self.priority(stage);
        let moves = |of: &&Waiting| of.turn.class_by(priority) != of.turn.class();
        let moved = self.waiting.alive(key).filter(moves).map(|of| of.turn.id);
        let Some(mut waiting) = moved.and_then(|id| self.waiting.remove(id)) else { return key };
        let before = waiting.turn;
        waiting.turn = before.in_class(before.class_by(priority));
        if let Some(candidates) = self.unparked.remove(&before) {
            self.unparked.insert(waiting.turn, candidates);
        }
        // Searches that were cut see that it has left, and hear of it as news.
        self.left += 1;
        self.waiting.insert(&self.set, waiting, self.unheard)
    }

    /// Takes a ticket out; whether it was there.
    pub fn remove(&mut self, id: TicketId) -> bool {
        if let Some(line) = self.round.as_mut().and_then(|round| round.line.as_mut())
            && let Some(key) = self.waiting.key(&id)
        {
            line.leave(key);
        }
        let Some(waiting) = self.waiting.remove(id) else { return false };
        self.players -= waiting.newcomers();
        self.forget(&waiting);
        true
    }

    /// Forgets what is known of a ticket that has left.
    fn forget(&mut self, waiting: &Waiting) {
        let id = waiting.turn.id;
        waiting.parties.iter().for_each(|party| self.set.release(party, &mut self.symbols));
        if !self.counts.is_empty() {
            self.counts.remove(&id);
        }
        self.parked.remove(&id);
        self.unparked.remove(&waiting.turn);
        // Searches that were cut see who has left when they go on.
        self.left += 1;
        if let Some(round) = &mut self.round {
            round.cut.take_if(|(anchor, ..)| *anchor == id);
        }
    }

    /// Of each rule: how often it held and did not, when it was judged for the ticket's sake. Whom an index leaves out
    /// counts as one more by whom the rule does not hold that it answers for.
    #[must_use]
    pub fn counts(&self, id: TicketId) -> Vec<(u64, u64)> {
        let key =
            self.waiting.key(&id).filter(|key| self.waiting.at(key.slot).is_some_and(Waiting::can_match));
        let mut counts = vec![(0, 0); self.set.rules().len()];
        self.count(id, key.map_or(0, |key| self.waiting.left_out(key, self.unheard)), &mut counts);
        counts
    }

    /// Adds the same of a ticket for whose sake an index has left out so many others.
    fn count(&self, id: TicketId, left_out: u32, counts: &mut [(u64, u64)]) {
        for ((held, failed), more) in
            counts.iter_mut().zip(self.counts.get(&id).into_iter().flat_map(|of| &of.0))
        {
            (*held, *failed) = (*held + more.0, *failed + more.1);
        }
        let by = self.set.stages().first().and_then(|stage| self.waiting.narrowest(stage));
        if let Some((_, failed)) = by.filter(|_| left_out > 0).and_then(|(_, rule)| counts.get_mut(rule)) {
            *failed += u64::from(left_out);
        }
    }

    /// Forms matches, the anchor that waits longest first. Stops after about `budget` work units (64 at least), and
    /// the next step goes on where it stopped; a round sees ages as at the `now` of its first step. A unit is about the
    /// time that judging a candidate by few rules about numbers takes; what takes longer counts as more ([`Stage::weight`]).
    pub fn step(&mut self, now: Timestamp, budget: u32) -> RuledStep {
        let budget = budget.max(STEP_WORK_MIN);
        let (mut work, mut matches) = (0, Vec::new());
        if self.set.objective().is_some() {
            let finished = self.step_by_objective(now, budget, &mut work, &mut matches);
            self.waiting.tidy();
            return RuledStep { matches, work, finished };
        }
        let round = match self.round.take() {
            Some(round) => round,
            None => self.begin(now, &mut work),
        };
        let finished = self.go_round(round, budget, &mut work, &mut matches);
        self.waiting.tidy();
        let waiting = &self.waiting;
        let finished = finished && !self.news.iter().any(|key| waiting.mark(*key).is_some());
        RuledStep { matches, work, finished }
    }

    fn formed(&mut self, anchor: TicketId, found: Vec<(TicketId, u8)>, now: Timestamp) -> RuledMatch {
        let mut sides: SmallVec<[Side; 2]> = smallvec![Side::new(); self.set.teams().len()];
        let mut backfill = None;
        for (id, team) in &found {
            let Some(ticket) = self.waiting.get(id) else { continue };
            let mut seat = |team: u8, player: PlayerId| {
                if let Some(side) = sides.get_mut(usize::from(team)) {
                    side.push(formed::Seat { ticket: *id, player });
                }
            };
            if ticket.is_apart() {
                ticket.places_apart(*team).for_each(|(team, player)| seat(team, player));
            } else {
                ticket.players.iter().for_each(|player| seat(*team, *player));
            }
            if ticket.is_backfill() {
                backfill = Some(*id);
            }
        }
        let counts = self.counts(anchor).into();
        let taken: Vec<(&Waiting, u8)> =
            found.iter().filter_map(|(id, team)| Some((self.waiting.get(id)?, *team))).collect();
        let roles = self.roles(&taken, now);
        let tickets: SmallVec<[TicketId; 2]> = found.iter().map(|(id, _)| *id).collect();
        tickets.iter().for_each(|id| {
            self.remove(*id);
        });
        RuledMatch { sides, tickets, backfill, roles, counts }
    }
}
