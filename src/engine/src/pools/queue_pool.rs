//! The pool of one queue: what commits tell it, and what a step works on.
use super::{
    Asking, Explained, Found,
    apart::Apart,
    deadlines::Deadlines,
    matcher::{Entering, Fit, Rules},
    waits::Waits,
};
use crate::{RuleCount, aside::aside, forecasts::Forecasts, forming::Turn, store::TicketRow};
use gsm_core::{Map, ProposalId, QueueName, TicketId, Timestamp, limits};
use gsm_session::TicketState;
use parking_lot::{Mutex, MutexGuard, RwLock};
use std::{collections::BTreeSet, sync::Arc};

/// What the fold tells a pool; taken in at the next step, so that a commit never waits for a step.
pub(super) enum Command {
    /// Whether it is of players in the shadow, and when its time is up.
    Enter(Entering, bool, Timestamp),
    Leave(TicketId),
    /// It is in a match whose players are asked, and may come back.
    Ask(TicketId),
    /// How often rules were judged for the sake of tickets whose players are to be asked.
    Judged(Vec<TicketId>, Arc<[RuleCount]>),
    /// Other rules.
    Follow(Rules),
}

/// What was told and not taken in yet.
#[derive(Default)]
struct Inbox {
    commands: Vec<Command>,
    /// Tickets that wait, by all that was told.
    waiting: BTreeSet<TicketId>,
}

type Refused = Arc<Mutex<BTreeSet<TicketId>>>;

/// One queue's pool and its clocks. Only who needs the state itself waits for a step that is at work on it.
pub(crate) struct QueuePool {
    inbox: Mutex<Inbox>,
    pub(crate) waits: Mutex<Waits>,
    /// Which kind of tickets it takes.
    pub(super) rules: RwLock<Rules>,
    pub(super) state: Mutex<PoolState>,
    /// Tickets that wait outside: no pool by these rules takes them.
    refused: Refused,
    /// Proposals that wait for answers. Apart from the state, which a step holds for long: commits fold into them.
    pub(super) proposals: Mutex<Deadlines<ProposalId>>,
    /// How their players were asked, as far as is known.
    asked: Mutex<Map<ProposalId, Asking>>,
    /// Held through a step: one step of a queue at a time.
    pub(crate) turn: tokio::sync::Mutex<Turn>,
}

/// What a step works on.
pub(crate) struct PoolState {
    pub(super) matcher: Apart,
    expiries: Deadlines<TicketId>,
    refused: Refused,
    /// The stray that was looked at last.
    looked_at: Option<(Timestamp, TicketId)>,
    /// How often rules were judged for tickets before they were last asked; of those that have not ended.
    judged: Map<TicketId, Arc<[RuleCount]>>,
}

impl PoolState {
    fn take_in(&mut self, commands: Vec<Command>, model: &Forecasts) {
        for command in commands {
            match command {
                Command::Enter(mut ticket, shadow, expires_at) => {
                    let id = ticket.id();
                    // By the rules by which it came: none have come in between.
                    self.matcher.rules().judge(&mut ticket, model);
                    // One that the pool does not take (its queue has other rules now) still has its deadline.
                    match self.matcher.insert(ticket, shadow) {
                        Fit::Refused => self.refused.lock().insert(id),
                        Fit::Taken | Fit::Later => self.refused.lock().remove(&id),
                    };
                    self.expiries.put(id, expires_at);
                }
                Command::Leave(id) => {
                    self.leave(id);
                    self.judged.remove(&id);
                }
                Command::Ask(id) => self.leave(id),
                Command::Follow(rules) => self.follow(&rules),
                Command::Judged(ids, counts) => {
                    for id in ids {
                        let sum = match self.judged.get(&id) {
                            Some(before) => sum(counts.to_vec(), before).into(),
                            None => counts.clone(),
                        };
                        self.judged.insert(id, sum);
                    }
                }
            }
        }
    }

    /// Follows other rules from now on. Tickets that the new pool must take anew are strays until the next turn.
    fn follow(&mut self, rules: &Rules) {
        self.refused.lock().clear();
        if self.matcher.follow(rules) {
            return;
        }
        match Apart::new(rules) {
            Some(matcher) => self.matcher = matcher,
            // The rules were validated before they were stored; refused ones leave the old ones in force.
            None => tracing::error!("stored rules cannot be used"),
        }
    }

    fn leave(&mut self, id: TicketId) {
        self.matcher.remove(id);
        self.expiries.remove(id);
        self.refused.lock().remove(&id);
    }

    /// Forms matches; whether all tickets had their turn.
    pub(crate) fn step(&mut self, now: Timestamp, budget: u32) -> (Vec<Found>, bool) {
        self.matcher.step(now, budget)
    }

    /// By which rules matches are formed.
    pub(crate) fn rules(&self) -> &Rules {
        self.matcher.rules()
    }

    /// Tickets that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.matcher.len()
    }

    /// Players who wait.
    pub(crate) fn players(&self) -> usize {
        self.matcher.players()
    }

    /// Since when the longest waiting ticket waits.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.matcher.oldest()
    }

    /// Why the ticket still waits; nothing if it does not.
    pub(crate) fn explain(&self, id: TicketId, now: Timestamp) -> Option<Explained> {
        self.matcher.explain(id, now)
    }

    /// The same by a short look, and about how many work units it took.
    pub(super) fn glance(&self, id: TicketId, now: Timestamp, budget: u32) -> Option<(Explained, u32)> {
        self.matcher.glance(id, now, budget)
    }

    /// How often each rule was judged for the ticket's sake.
    fn counts(&self, id: TicketId) -> Vec<RuleCount> {
        let counts = self.matcher.counts(id);
        match self.judged.get(&id) {
            Some(before) => sum(counts, before),
            None => counts,
        }
    }

    /// Tickets whose time is up.
    pub(crate) fn expired_tickets(&self, now: Timestamp, limit: usize) -> Vec<TicketId> {
        self.expiries.due(now, limit)
    }

    /// Tickets that wait by what was committed, but are not in the pool, though it would take them. A later call goes on
    /// behind those of an earlier.
    pub(crate) fn strays(&mut self, limit: usize) -> Vec<TicketId> {
        let kept = self.matcher.len() + self.refused.lock().len();
        if self.expiries.len() <= kept {
            return Vec::new();
        }
        // Not held through a long look: others ask for it.
        let refused = self.refused.lock().clone();
        let is_stray = |id: &TicketId| !self.matcher.contains(*id) && !refused.contains(id);
        let strays = self.expiries.round(self.looked_at).filter(|(_, id)| is_stray(id)).take(limit);
        let strays: Vec<_> = strays.copied().collect();
        self.looked_at = strays.last().copied();
        strays.into_iter().map(|(_, id)| id).collect()
    }
}

/// The counts, each with what is known of its rule from before.
fn sum(mut counts: Vec<RuleCount>, before: &[RuleCount]) -> Vec<RuleCount> {
    for count in &mut counts {
        if let Some(more) = before.iter().find(|more| more.rule == count.rule) {
            count.passed += more.passed;
            count.failed += more.failed;
        }
    }
    counts
}

impl QueuePool {
    pub(super) fn new(rules: Rules) -> Option<Self> {
        let refused = Refused::default();
        let state = PoolState {
            matcher: Apart::new(&rules)?,
            expiries: Deadlines::default(),
            refused: refused.clone(),
            looked_at: None,
            judged: Map::default(),
        };
        Some(Self {
            inbox: Mutex::default(),
            waits: Mutex::default(),
            rules: RwLock::new(rules),
            state: Mutex::new(state),
            refused,
            proposals: Mutex::default(),
            asked: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        })
    }

    pub(super) fn follow(&self, rules: Rules) {
        let mut followed = self.rules.write();
        self.tell(Command::Follow(rules.clone()));
        *followed = rules;
    }

    /// Has a ticket that waits taken in; by the rules that are followed then, as none come in between. It is judged when it
    /// is taken in: a commit waits for nobody who is at a model.
    pub(super) fn enter(&self, id: TicketId, row: &TicketRow) {
        let rules = self.rules.read();
        self.tell(Command::Enter(rules.entering(id, row), row.shadow, row.expires_at));
    }

    pub(super) fn tell(&self, command: Command) {
        let mut inbox = self.inbox.lock();
        match &command {
            Command::Enter(ticket, ..) => drop(inbox.waiting.insert(ticket.id())),
            Command::Leave(id) | Command::Ask(id) => drop(inbox.waiting.remove(id)),
            Command::Judged(..) | Command::Follow(_) => {}
        }
        inbox.commands.push(command);
    }

    /// The state with everything taken in that has happened so far; `model` judges the tickets that came.
    pub(crate) fn settled(&self, model: &Forecasts) -> MutexGuard<'_, PoolState> {
        let mut state = self.locked();
        let commands = std::mem::take(&mut self.inbox.lock().commands);
        state.take_in(commands, model);
        state
    }

    /// The state as it was left. Whoever waits for a step leaves the thread to other tasks.
    fn locked(&self) -> MutexGuard<'_, PoolState> {
        self.state.try_lock().unwrap_or_else(|| aside(|| self.state.lock()))
    }

    /// How often each rule was judged for the ticket's sake, by the last step.
    pub(crate) fn counts(&self, id: TicketId) -> Vec<RuleCount> {
        self.locked().counts(id)
    }

    /// Whether the ticket waits here. Waits for no step.
    pub(crate) fn has(&self, id: TicketId) -> bool {
        self.inbox.lock().waiting.contains(&id) && !self.refused.lock().contains(&id)
    }

    /// Tickets that wait here. Waits for no step.
    pub(crate) fn waiting(&self) -> usize {
        self.inbox.lock().waiting.len().saturating_sub(self.refused.lock().len())
    }

    /// Proposals whose time is up.
    pub(crate) fn expired_proposals(&self, now: Timestamp, limit: usize) -> Vec<ProposalId> {
        self.proposals.lock().due(now, limit)
    }

    pub(crate) fn open_proposals(&self) -> usize {
        self.proposals.lock().len()
    }

    /// Whether a ticket of the queue is live. At one instant: tickets go to and fro between the two, and a commit tells of
    /// where they go before it tells of where they come from.
    pub(crate) fn is_in_use(&self) -> bool {
        let (proposals, inbox) = (self.proposals.lock(), self.inbox.lock());
        proposals.len() > 0 || !inbox.waiting.is_empty()
    }

    pub(crate) fn note_asked(&self, id: ProposalId, how: Asking) {
        self.asked.lock().insert(id, how);
    }

    pub(crate) fn forget_asked(&self, id: ProposalId) {
        self.asked.lock().remove(&id);
    }

    /// How the players of a proposal were asked, as far as is known.
    pub(crate) fn asked(&self, id: ProposalId) -> Option<Asking> {
        self.asked.lock().get(&id).cloned()
    }

    /// Takes in a row that was read: one that waits goes back, one that has ended goes out, should the fold of its
    /// end have come before an older row was read. Anything else may be a stale read and changes nothing.
    pub(crate) fn look_again(&self, queue: &QueueName, id: TicketId, row: &TicketRow) {
        match (row.state, row.seen_from(queue)) {
            // It has left this queue alone.
            (_, None) => self.tell(Command::Leave(id)),
            (TicketState::Queued | TicketState::Searching, Some(row)) => self.enter(id, &row),
            (state, _) if state.is_terminal() => self.tell(Command::Leave(id)),
            _ => {}
        }
    }

    /// Keeps how often rules were judged for the sake of tickets whose players are to be asked.
    pub(crate) fn note_judged(&self, ids: Vec<TicketId>, counts: &[RuleCount]) {
        self.tell(Command::Judged(ids, counts.into()));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting() >= limits::POOL_TICKETS_MAX
    }
}
