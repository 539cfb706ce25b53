//! The waiting tickets, open proposals and running matches of this node: folds of the live home.
mod apart;
mod glances;
mod matcher;
mod waits;

pub use matcher::Explained;
pub(crate) use matcher::{QualityModel, Rules, members};

use crate::{
    RuleCount,
    events::{EventPlace, Places},
    forming::Turn,
    recorder::{self, Recorder, TicketStep},
    store::{MatchRow, TicketRow},
};
use apart::Apart;
use glances::Allowance;
use gsm_core::{Map, MatchId, PlayerId, ProposalId, QueueName, TicketId, Timestamp, limits};
use gsm_matchmaking::{Proposal, Role, Seat};
use gsm_session::TicketState;
use matcher::Entering;
use parking_lot::{Mutex, RwLock};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::Notify;
use waits::Waits;

/// What the fold tells a pool; taken in at the next step, so that a commit never waits for a step.
enum Command {
    /// Whether it is of players in the shadow, and when its time is up.
    Enter(Entering, bool, Timestamp),
    Leave(TicketId),
    /// It is in a match whose players are asked, and may come back.
    Ask(TicketId),
    /// How often rules were judged for the sake of tickets whose players are to be asked.
    Judged(Vec<TicketId>, Arc<[RuleCount]>),
}

/// A match that a step found: who plays with whom.
pub(crate) struct Found {
    pub(crate) sides: Vec<Vec<Seat>>,
    /// Names of the sides; empty where the rules name none.
    pub(crate) teams: Vec<String>,
    /// Of the players to whom the rules give one.
    pub(crate) roles: BTreeMap<PlayerId, Role>,
    /// How often each rule was judged for the sake of its tickets.
    pub(crate) rules: Vec<RuleCount>,
}

impl Found {
    /// The team of each player.
    pub(crate) fn places(&self) -> Places {
        let sides = self.sides.iter().enumerate();
        let place = |at: usize, player: PlayerId| EventPlace {
            team: self.teams.get(at).cloned(),
            role: self.roles.get(&player).cloned(),
            accepted: None,
        };
        sides
            .flat_map(|(at, side)| side.iter().map(move |seat| (seat.player, place(at, seat.player))))
            .collect()
    }
}

/// One queue's pool and its clocks.
pub(crate) struct QueuePool {
    commands: Mutex<Vec<Command>>,
    pub(crate) waiting: AtomicUsize,
    pub(crate) waits: Mutex<Waits>,
    /// Which kind of tickets it takes.
    rules: RwLock<Rules>,
    pub(crate) state: Mutex<PoolState>,
    /// Held through a step: one step of a queue at a time.
    pub(crate) turn: tokio::sync::Mutex<Turn>,
}

/// What a step works on.
pub(crate) struct PoolState {
    matcher: Apart,
    expiries: BTreeSet<(Timestamp, TicketId)>,
    expiry_of: Map<TicketId, Timestamp>,
    proposals: BTreeMap<ProposalId, Timestamp>,
    /// How often rules were judged for tickets before they were last asked; of those that have not ended.
    judged: Map<TicketId, Arc<[RuleCount]>>,
}

impl PoolState {
    fn take_in(&mut self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Enter(ticket, shadow, expires_at) => {
                    let id = ticket.id();
                    // One that the pool does not take (its queue has other rules now) still has its deadline.
                    self.matcher.insert(ticket, shadow);
                    if let Some(old) = self.expiry_of.insert(id, expires_at) {
                        self.expiries.remove(&(old, id));
                    }
                    self.expiries.insert((expires_at, id));
                }
                Command::Leave(id) => {
                    self.leave(id);
                    self.judged.remove(&id);
                }
                Command::Ask(id) => self.leave(id),
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

    fn leave(&mut self, id: TicketId) {
        self.matcher.remove(id);
        if let Some(at) = self.expiry_of.remove(&id) {
            self.expiries.remove(&(at, id));
        }
    }

    /// Forms matches; whether all tickets had their turn.
    pub(crate) fn step(&mut self, now: Timestamp, budget: u32) -> (Vec<Found>, bool) {
        self.matcher.step(now, budget)
    }

    /// Tickets that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.matcher.len()
    }

    /// Players who wait.
    pub(crate) fn players(&self) -> usize {
        self.matcher.players()
    }

    /// Whether the ticket waits.
    pub(crate) fn has(&self, id: TicketId) -> bool {
        self.matcher.contains(id)
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
    fn glance(&self, id: TicketId, now: Timestamp, budget: u32) -> Option<(Explained, u32)> {
        self.matcher.glance(id, now, budget)
    }

    /// How often each rule was judged for the ticket's sake.
    pub(crate) fn counts(&self, id: TicketId) -> Vec<RuleCount> {
        let counts = self.matcher.counts(id);
        match self.judged.get(&id) {
            Some(before) => sum(counts, before),
            None => counts,
        }
    }

    /// Tickets whose time is up.
    pub(crate) fn expired_tickets(&self, now: Timestamp, limit: usize) -> Vec<TicketId> {
        self.expiries.iter().take_while(|(at, _)| *at <= now).take(limit).map(|(_, id)| *id).collect()
    }

    /// Tickets that wait by what was committed, but are not in the pool.
    pub(crate) fn strays(&self, limit: usize) -> Vec<TicketId> {
        if self.expiry_of.len() <= self.matcher.len() {
            return Vec::new();
        }
        self.expiries.iter().map(|(_, id)| *id).filter(|id| !self.matcher.contains(*id)).take(limit).collect()
    }

    /// Proposals whose time is up.
    pub(crate) fn expired_proposals(&self, now: Timestamp, limit: usize) -> Vec<ProposalId> {
        self.proposals.iter().filter(|(_, at)| **at <= now).take(limit).map(|(id, _)| *id).collect()
    }

    /// Whether a ticket of the queue is live.
    pub(crate) fn is_in_use(&self) -> bool {
        !self.expiry_of.is_empty() || !self.proposals.is_empty()
    }

    pub(crate) fn open_proposals(&self) -> usize {
        self.proposals.len()
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
    fn new(rules: Rules) -> Option<Self> {
        let state = PoolState {
            matcher: Apart::new(&rules)?,
            expiries: BTreeSet::new(),
            expiry_of: Map::default(),
            proposals: BTreeMap::new(),
            judged: Map::default(),
        };
        Some(Self {
            commands: Mutex::new(Vec::new()),
            waiting: AtomicUsize::new(0),
            waits: Mutex::default(),
            rules: RwLock::new(rules),
            state: Mutex::new(state),
            turn: tokio::sync::Mutex::default(),
        })
    }

    /// Follows other rules from now on. Tickets that the new pool must take anew are strays until the next turn.
    fn follow(&self, rules: Rules) {
        let mut state = self.state.lock();
        *self.rules.write() = rules.clone();
        if state.matcher.follow(&rules) {
            return;
        }
        match Apart::new(&rules) {
            Some(matcher) => state.matcher = matcher,
            // The rules were validated before they were stored; refused ones leave the old ones in force.
            None => tracing::error!("stored rules cannot be used"),
        }
    }

    /// The state with everything taken in that has happened so far.
    pub(crate) fn settled(&self) -> parking_lot::MutexGuard<'_, PoolState> {
        let mut state = self.state.lock();
        let commands = std::mem::take(&mut *self.commands.lock());
        state.take_in(commands);
        self.waiting.store(state.matcher.len(), Ordering::Relaxed);
        state
    }

    /// Takes in a row that was read: one that waits goes back, one that has ended goes out, should the fold of its
    /// end have come before an older row was read. Anything else may be a stale read and changes nothing.
    pub(crate) fn look_again(
        &self,
        queue: &QueueName,
        id: TicketId,
        row: &TicketRow,
        model: Option<&dyn QualityModel>,
    ) {
        let command = match (row.state, row.seen_from(queue)) {
            // It has left this queue alone.
            (_, None) => Command::Leave(id),
            (TicketState::Queued | TicketState::Searching, Some(row)) => {
                Command::Enter(self.rules.read().entering(id, &row, model), row.shadow, row.expires_at)
            }
            (state, _) if state.is_terminal() => Command::Leave(id),
            _ => return,
        };
        self.commands.lock().push(command);
    }

    /// Keeps how often rules were judged for the sake of tickets whose players are to be asked.
    pub(crate) fn note_judged(&self, ids: Vec<TicketId>, counts: &[RuleCount]) {
        self.commands.lock().push(Command::Judged(ids, counts.into()));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= limits::POOL_TICKETS_MAX
    }
}

/// Matches that have not ended, by when they time out.
#[derive(Default)]
struct Running {
    expiries: BTreeSet<(Timestamp, MatchId)>,
    expiry_of: Map<MatchId, Timestamp>,
}

/// All pools of this node.
#[derive(Default)]
pub(crate) struct Pools {
    queues: RwLock<BTreeMap<QueueName, Arc<QueuePool>>>,
    running: Mutex<Running>,
    pub(crate) wake: Notify,
    /// What short looks may take.
    glances: Allowance,
    pub(crate) recorder: OnceLock<Arc<dyn Recorder>>,
    /// Who judges tickets of queues that ask for it.
    pub(crate) model: OnceLock<Arc<dyn QualityModel>>,
}

impl Pools {
    pub(crate) fn get(&self, queue: &QueueName) -> Option<Arc<QueuePool>> {
        self.queues.read().get(queue).cloned()
    }

    /// Follows a queue's rules from now on.
    pub(crate) fn configure(&self, name: &QueueName, rules: Rules) {
        match self.get(name) {
            Some(pool) => pool.follow(rules),
            None => drop(self.get_or_new(name, rules)),
        }
    }

    /// The pools of queues that are not `known`.
    pub(crate) fn without(&self, known: impl Fn(&QueueName) -> bool) -> Vec<(QueueName, Arc<QueuePool>)> {
        let queues = self.queues.read();
        queues
            .iter()
            .filter(|(name, _)| !known(name))
            .map(|(name, pool)| (name.clone(), pool.clone()))
            .collect()
    }

    fn get_or_new(&self, queue: &QueueName, rules: Rules) -> Option<Arc<QueuePool>> {
        if let Some(pool) = self.get(queue) {
            return Some(pool);
        }
        let pool = Arc::new(QueuePool::new(rules)?);
        Some(self.queues.write().entry(queue.clone()).or_insert(pool).clone())
    }

    /// The pool of a queue that a ticket or proposal names. Another home may tell of the queue itself only later: until
    /// then its pool gathers.
    fn gather(&self, queue: &QueueName) -> Option<Arc<QueuePool>> {
        self.get_or_new(queue, Rules::Unknown)
    }

    pub(crate) fn ticket(&self, id: TicketId, row: Option<&TicketRow>) {
        let Some(row) = row else { return };
        self.record(id, row);
        for queue in row.queues() {
            let (Some(pool), Some(seen)) = (self.gather(queue), row.seen_from(queue)) else { continue };
            // A match in one queue ends the wait in all, and was made in that one.
            // How long those in the shadow wait tells nothing to the others.
            if !seen.shadow {
                pool.waits.lock().ticket(id, &seen, *queue == row.queue);
            }
            let command = match seen.state {
                TicketState::Queued | TicketState::Searching => {
                    let model = self.model.get().map(|model| &**model);
                    let entering = pool.rules.read().entering(id, &seen, model);
                    Command::Enter(entering, seen.shadow, seen.expires_at)
                }
                TicketState::RequiresAcceptance => Command::Ask(id),
                _ => Command::Leave(id),
            };
            pool.commands.lock().push(command);
        }
        self.wake.notify_one();
    }

    /// Has a step of a ticket written down: that it comes for each of its queues, what becomes of it once.
    pub(crate) fn record(&self, id: TicketId, row: &TicketRow) {
        let Some(recorder) = self.recorder.get() else { return };
        for queue in row.queues() {
            let (Some(pool), Some(seen)) = (self.gather(queue), row.seen_from(queue)) else { continue };
            let Some(step) = recorder::step(&seen, &pool.rules.read()) else { return };
            let comes = matches!(step, TicketStep::Arrived { .. });
            recorder.note(id, step);
            if !comes {
                return;
            }
        }
    }

    pub(crate) fn proposal(&self, id: ProposalId, row: Option<(&QueueName, &Proposal)>) {
        match row {
            Some((queue, proposal)) => {
                if let Some(pool) = self.gather(queue) {
                    pool.state.lock().proposals.insert(id, proposal.deadline());
                }
            }
            None => {
                for pool in self.queues.read().values() {
                    pool.state.lock().proposals.remove(&id);
                }
            }
        }
    }

    pub(crate) fn running(&self, id: MatchId, row: Option<&MatchRow>) {
        let mut running = self.running.lock();
        if let Some(at) = running.expiry_of.remove(&id) {
            running.expiries.remove(&(at, id));
        }
        if let Some(row) = row {
            running.expiries.insert((row.expires_at, id));
            running.expiry_of.insert(id, row.expires_at);
        }
    }

    pub(crate) fn expired_matches(&self, now: Timestamp, limit: usize) -> Vec<MatchId> {
        let running = self.running.lock();
        running.expiries.iter().take_while(|(at, _)| *at <= now).take(limit).map(|(_, id)| *id).collect()
    }

    pub(crate) fn running_count(&self) -> usize {
        self.running.lock().expiries.len()
    }
}
