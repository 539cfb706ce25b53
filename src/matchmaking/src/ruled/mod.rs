//! The waiting tickets of one queue under a rule set.
mod candidates;
mod explain;
mod large;
mod search;
mod ticket;

pub use explain::{RuleWhy, RuledExplain, StageWhy};
pub use ticket::{NeverMatched, RuledTicket};

use crate::{formed::Seat, ticket::PoolError};
use candidates::Choice;
use gsm_core::{TicketId, Timestamp, limits::POOL_TICKETS_MAX};
use gsm_rules::{BackfillPriority, RuleSet, Symbols};
use search::{Anchor, Counts, Outcome, Search, Sight};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};
use ticket::{Turn, Waiting};

/// Work units that one anchor may use in one round; a search that needs more goes on in the next.
const ANCHOR_WORK_MAX: u32 = 200_000;
/// Work units that every step may use, so that it gets on.
const STEP_WORK_MIN: u32 = 64;
/// So few news are asked first whether one of them may join an anchor that is none.
const FEW_NEWS: usize = 64;
/// Searches that were cut and are kept.
const PARKED_MAX: usize = 64;

/// The waiting tickets of one queue under a rule set.
///
/// Matches are formed as FlexMatch does: the ticket that waits longest is the anchor, and gets a match if there is one
/// among the tickets that have not had their turn. A ticket that found none is looked at again when a ticket that may
/// join it has come, or an expansion has begun. Same calls, same answers.
#[derive(Debug, Clone)]
pub struct RulePool {
    set: Arc<RuleSet>,
    symbols: Symbols,
    waiting: BTreeMap<TicketId, Waiting>,
    order: BTreeSet<Turn>,
    /// By age, for the expansions.
    ages: BTreeSet<(Timestamp, TicketId)>,
    /// Tickets that came, or reached a stage, since the last round began.
    news: BTreeSet<TicketId>,
    /// Up to which start each stage has begun.
    begun: Vec<Timestamp>,
    /// How often each rule was judged for a ticket's sake, of those for whose sake any was.
    counts: BTreeMap<TicketId, Counts>,
    /// Searches that were cut: since when the tickets that they know were there.
    parked: BTreeMap<TicketId, Parked>,
    round: Option<Round>,
}

/// A search that has used up its anchor's work of one round.
#[derive(Debug, Clone)]
struct Parked {
    run: Run,
    /// The round in which it began.
    since: Timestamp,
}

/// The searches of one anchor: the one under way, and the stages that are left.
#[derive(Debug, Clone)]
struct Run {
    search: Option<Search>,
    stages: Vec<usize>,
    /// Whether matches without anything new count as well.
    is_news: bool,
}

/// One pass over the anchors. It may take many steps.
#[derive(Debug, Clone)]
struct Round {
    now: Timestamp,
    after: Option<Turn>,
    news: BTreeSet<TicketId>,
    /// The anchor whose turn a step was cut in, what it searches, and the work that it has used.
    cut: Option<(TicketId, Run, u32)>,
}

/// A match that a step found; its tickets have left the pool.
#[derive(Debug, Clone, PartialEq)]
pub struct RuledMatch {
    /// Who plays on each team, in the order of [`RuleSet::teams`]; a team may be empty.
    pub sides: Vec<Vec<Seat>>,
    /// The tickets, the anchor first.
    pub tickets: Vec<TicketId>,
    /// The backfill ticket among them.
    pub backfill: Option<TicketId>,
    /// Of each rule: how often it held and did not, when it was judged for the sake of these tickets.
    pub counts: Vec<(u64, u64)>,
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
        Self {
            symbols: set.symbols(),
            set,
            waiting: BTreeMap::new(),
            order: BTreeSet::new(),
            ages: BTreeSet::new(),
            news: BTreeSet::new(),
            begun,
            counts: BTreeMap::new(),
            parked: BTreeMap::new(),
            round: None,
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

    /// Whether no ticket waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether this ticket waits.
    #[must_use]
    pub fn contains(&self, id: TicketId) -> bool {
        self.waiting.contains_key(&id)
    }

    /// Since when the longest waiting ticket waits.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        self.ages.first().map(|(started_at, _)| *started_at)
    }

    /// Takes a ticket. One that the rule set cannot match is taken as well, and waits
    /// ([`RulePool::explain`] says why).
    pub fn insert(&mut self, ticket: RuledTicket) -> Result<(), PoolError> {
        let id = ticket.id;
        if self.waiting.contains_key(&id) {
            return Err(PoolError::Duplicate { id });
        }
        if self.waiting.len() >= POOL_TICKETS_MAX {
            return Err(PoolError::Full { max: POOL_TICKETS_MAX });
        }
        let priority = self.priority();
        let waiting = Waiting::new(&self.set, &mut self.symbols, ticket, priority);
        self.order.insert(waiting.turn);
        self.ages.insert((waiting.turn.started_at, id));
        if waiting.never.is_none() {
            self.news.insert(id);
        }
        self.waiting.insert(id, waiting);
        Ok(())
    }

    fn priority(&self) -> BackfillPriority {
        // Backfills of large matches come first, whatever is asked.
        if self.set.is_large() {
            return BackfillPriority::High;
        }
        self.set.algorithm().map(|of| of.backfill).unwrap_or_default()
    }

    /// Takes a ticket out; whether it was there.
    pub fn remove(&mut self, id: TicketId) -> bool {
        let Some(waiting) = self.waiting.remove(&id) else { return false };
        self.order.remove(&waiting.turn);
        self.ages.remove(&(waiting.turn.started_at, id));
        self.news.remove(&id);
        self.counts.remove(&id);
        self.parked.remove(&id);
        waiting.parties.iter().for_each(|party| self.set.release(party, &mut self.symbols));
        let runs = self.parked.values_mut().map(|parked| &mut parked.run);
        runs.filter_map(|run| run.search.as_mut()).for_each(|search| search.forget(id));
        if let Some(round) = &mut self.round {
            round.news.remove(&id);
            match &mut round.cut {
                Some((anchor, ..)) if *anchor == id => round.cut = None,
                Some((_, run, _)) => run.search.iter_mut().for_each(|search| search.forget(id)),
                None => {}
            }
        }
        true
    }

    /// Of each rule: how often it held and did not, when it was judged for the ticket's sake.
    #[must_use]
    pub fn counts(&self, id: TicketId) -> Vec<(u64, u64)> {
        self.counts.get(&id).map_or_else(|| vec![(0, 0); self.set.rules().len()], |counts| counts.0.clone())
    }

    /// Forms matches, the anchor that waits longest first. Stops after about `budget` work units (64 at least), and
    /// the next step goes on where it stopped; a round sees ages as at the `now` of its first step.
    pub fn step(&mut self, now: Timestamp, budget: u32) -> RuledStep {
        let budget = budget.max(STEP_WORK_MIN);
        let (mut work, mut matches) = (0, Vec::new());
        let mut round = match self.round.take() {
            Some(round) => round,
            None => {
                self.note_stages(now);
                Round { now, after: None, news: std::mem::take(&mut self.news), cut: None }
            }
        };
        let finished = loop {
            if work >= budget {
                break false;
            }
            let Some(anchor) = self.next_anchor(&mut round) else { break true };
            let found = self.turn(anchor, &mut round, budget, &mut work);
            if let Some(found) = found {
                let found = self.formed(anchor, found);
                found.tickets.iter().for_each(|id| {
                    round.news.remove(id);
                });
                matches.push(found);
            }
        };
        if !finished {
            self.round = Some(round);
        }
        RuledStep { matches, work, finished: finished && self.news.is_empty() }
    }

    /// Makes news of the tickets that have reached another stage.
    fn note_stages(&mut self, now: Timestamp) {
        for (stage, begun) in self.set.stages().iter().zip(&mut self.begun).skip(1) {
            let until = Timestamp::from_millis(now.as_millis().saturating_sub_unsigned(stage.from().get()));
            if until > *begun {
                let from = (Bound::Excluded((*begun, TicketId::from_u128(u128::MAX))), Bound::Unbounded);
                let reached = self.ages.range(from).take_while(|(started_at, _)| *started_at <= until);
                for (_, id) in reached {
                    if self.waiting.get(id).is_some_and(|of| of.never.is_none()) {
                        self.news.insert(*id);
                    }
                }
                *begun = until;
            }
        }
    }

    fn next_anchor(&self, round: &mut Round) -> Option<TicketId> {
        if let Some((anchor, ..)) = &round.cut {
            return Some(*anchor);
        }
        if round.news.is_empty() && self.parked.is_empty() {
            return None;
        }
        let from = round.after.map_or(Bound::Unbounded, Bound::Excluded);
        let next = *self.order.range((from, Bound::Unbounded)).next()?;
        round.after = Some(next);
        Some(next.id)
    }

    /// The turn of one anchor: its match, if it has one.
    fn turn(
        &mut self,
        id: TicketId,
        round: &mut Round,
        budget: u32,
        work: &mut u32,
    ) -> Option<Vec<(TicketId, u8)>> {
        *work += 1;
        let anchor = self.waiting.get(&id).filter(|anchor| anchor.never.is_none())?;
        if let Some((_, run, spent)) = round.cut.take() {
            return self.search(id, run, spent, round, budget, work).0;
        }
        let is_news = round.news.contains(&id);
        let is_by_age = anchor.turn.class_is_by_age();
        let mut stages = candidates::stages(&self.set, round.now.since(anchor.turn.started_at), is_by_age);
        stages.reverse();
        // What was too long for an earlier round goes on first.
        if let Some(Parked { run, since }) = self.parked.remove(&id) {
            match self.search(id, run, 0, round, budget, work) {
                (None, None) => {
                    // Whoever has come in between is news of a whole new search.
                    self.news.insert(id);
                    return None;
                }
                (found @ Some(_), _) => return found,
                (None, Some(run)) => {
                    self.parked.insert(id, Parked { run, since });
                }
            }
        }
        let run = Run { search: None, stages, is_news };
        let (found, rest) = self.search(id, run, 0, round, budget, work);
        if let Some(run) = rest
            && self.parked.len() < PARKED_MAX
        {
            self.parked.entry(id).or_insert(Parked { run, since: round.now });
        }
        found
    }

    /// Searches stage by stage: a match, or what is left to search where the anchor has used its work of the round.
    /// Where the step's budget is spent, the rest is put into the round.
    fn search(
        &mut self,
        id: TicketId,
        mut run: Run,
        mut spent: u32,
        round: &mut Round,
        budget: u32,
        work: &mut u32,
    ) -> (Option<Vec<(TicketId, u8)>>, Option<Run>) {
        loop {
            if run.search.is_none() {
                let Some(stage) = run.stages.pop() else { return (None, None) };
                match self.open(id, stage, round, run.is_news, work) {
                    Opened::Search(search) => run.search = Some(search),
                    Opened::Done(Outcome::Found(found)) => return (Some(found), None),
                    Opened::Done(_) => continue,
                }
            }
            let (Some(search), Some(anchor)) = (&mut run.search, self.waiting.get(&id)) else {
                return (None, None);
            };
            let sight = Sight { set: &self.set, anchor, waiting: &self.waiting };
            let before = *work;
            let most = budget.min(work.saturating_add(ANCHOR_WORK_MAX.saturating_sub(spent)));
            let outcome = search.run(&sight, most, work);
            spent = spent.saturating_add(*work - before);
            if outcome != Outcome::Cut {
                self.counts.insert(id, std::mem::take(&mut search.counts));
                run.search = None;
            }
            match outcome {
                Outcome::Found(found) => return (Some(found), None),
                Outcome::None => {}
                Outcome::Cut if spent >= ANCHOR_WORK_MAX => return (None, Some(run)),
                Outcome::Cut => {
                    round.cut = Some((id, run, spent));
                    return (None, None);
                }
            }
        }
    }

    /// Chooses the candidates of an anchor in one stage, and begins to search among them.
    fn open(&mut self, id: TicketId, stage: usize, round: &Round, is_news: bool, work: &mut u32) -> Opened {
        let mut counts = self.counts.remove(&id).unwrap_or_else(|| Counts::of(&self.set));
        let done = |outcome| Opened::Done(outcome);
        let Some(anchor) = self.waiting.get(&id) else { return done(Outcome::None) };
        let (set, symbols, waiting, now) = (&*self.set, &self.symbols, &self.waiting, round.now);
        let choice = Choice { set, symbols, waiting, anchor, now, at: stage };
        let fails_alone =
            || anchor.party().and_then(|party| set.stages().get(stage).and_then(|of| of.alone(party)));
        let outcome = match choice.in_stage(anchor.turn.started_at) {
            None => Some(Outcome::None),
            Some(_) => fails_alone().map(|rule| {
                counts.note(rule, false);
                Outcome::None
            }),
        };
        let Some(is_of_stage) = choice.in_stage(anchor.turn.started_at).filter(|_| outcome.is_none()) else {
            self.counts.insert(id, counts);
            return done(Outcome::None);
        };
        // Those before it had their turn; but a backfill that has its turn apart takes from all.
        let takes_all = anchor.is_backfill() && !anchor.turn.class_is_by_age();
        let other = |turn: &Turn| -> Option<(&Waiting, bool)> {
            // A new match leaves alone the backfills that have their turn apart.
            let other = waiting.get(&turn.id).filter(|_| turn.id != id)?;
            let is_apart = other.is_backfill() && !other.turn.class_is_by_age();
            (!is_apart).then_some((other, round.news.contains(&turn.id)))
        };
        if !is_news && round.news.len() < FEW_NEWS {
            let comes = |id: &TicketId| {
                let turn = waiting.get(id)?.turn;
                other(&turn).filter(|_| takes_all || turn > anchor.turn)
            };
            let news = round.news.iter().filter_map(comes);
            if choice.candidates(news, &mut Counts::of(set)).is_empty() {
                self.counts.insert(id, counts);
                return done(Outcome::None);
            }
        }
        let from = if takes_all { Bound::Unbounded } else { Bound::Excluded(anchor.turn) };
        let others = self.order.range((from, Bound::Unbounded)).filter_map(other);
        let candidates = choice.candidates(others, &mut counts);
        *work = work.saturating_add(1 + candidates.len() as u32 / 8);
        let anchor_has = Anchor { is_news, is_of_stage, is_backfill: anchor.is_backfill() };
        if set.is_large() {
            let has = (is_news, is_of_stage);
            let outcome = large::large(&choice, &candidates, has, &mut counts, work);
            self.counts.insert(id, counts);
            return done(outcome);
        }
        Opened::Search(Search::new(stage, anchor_has, candidates, counts))
    }

    fn formed(&mut self, anchor: TicketId, found: Vec<(TicketId, u8)>) -> RuledMatch {
        let mut sides = vec![Vec::new(); self.set.teams().len()];
        let mut backfill = None;
        for (id, team) in &found {
            let Some(ticket) = self.waiting.get(id) else { continue };
            for (at, player) in ticket.players.iter().enumerate() {
                let team = if ticket.is_backfill() { ticket.teams.get(at).unwrap_or(team) } else { team };
                if let Some(side) = sides.get_mut(usize::from(*team)) {
                    side.push(Seat { ticket: *id, player: *player });
                }
            }
            if ticket.is_backfill() {
                backfill = Some(*id);
            }
        }
        let counts = self.counts(anchor);
        let tickets: Vec<TicketId> = found.iter().map(|(id, _)| *id).collect();
        tickets.iter().for_each(|id| {
            self.remove(*id);
        });
        RuledMatch { sides, tickets, backfill, counts }
    }
}

/// A search that has begun, or what came of it at once.
enum Opened {
    Search(Search),
    Done(Outcome),
}
