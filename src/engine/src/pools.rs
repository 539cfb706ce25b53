//! The waiting tickets, open proposals and running matches of this node: folds of the live home.
mod apart;
mod deadlines;
mod glances;
mod matcher;
mod queue_pool;
mod waits;

pub use matcher::Explained;
pub(crate) use matcher::{Rules, members};
pub(crate) use queue_pool::QueuePool;

use crate::{
    QueueConfig, RuleCount,
    events::{EventPlace, Places},
    recorder::{self, Recorder, TicketStep},
    store::{MatchRow, TicketRow},
};
use deadlines::Deadlines;
use glances::Allowance;
use gsm_core::{Map, MatchId, PlayerId, ProposalId, QueueName, TicketId, Timestamp};
use gsm_matchmaking::{Proposal, Role, Seat};
use gsm_session::TicketState;
use parking_lot::{Mutex, RwLock};
use queue_pool::Command;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};
use tokio::sync::Notify;

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

/// How the players of a proposal were asked.
#[derive(Clone)]
pub(crate) struct Asking {
    /// The queue as it was then.
    pub(crate) queue: Arc<QueueConfig>,
    /// Since when; nothing where this process has not seen it.
    pub(crate) since: Option<Timestamp>,
}

/// All pools of this node.
#[derive(Default)]
pub(crate) struct Pools {
    queues: RwLock<BTreeMap<QueueName, Arc<QueuePool>>>,
    /// In which queue each open proposal is: how one ends does not tell.
    asking: Mutex<Map<ProposalId, QueueName>>,
    /// Matches that have not ended, by when they time out.
    running: Mutex<Deadlines<MatchId>>,
    pub(crate) wake: Notify,
    /// What short looks may take.
    glances: Allowance,
    pub(crate) recorder: OnceLock<Arc<dyn Recorder>>,
}

impl Pools {
    pub(crate) fn get(&self, queue: &QueueName) -> Option<Arc<QueuePool>> {
        self.queues.read().get(queue).cloned()
    }

    /// Follows a queue's rules from now on.
    pub(crate) fn configure(&self, name: &QueueName, rules: Rules) {
        // Another home may tell of its tickets at this moment: whoever makes the pool, it follows.
        if let Some(pool) = self.gather(name) {
            pool.follow(rules);
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

    /// Lets go of the pools of queues that are not `known` in which nothing is any more.
    pub(crate) fn let_go(&self, known: impl Fn(&QueueName) -> bool) {
        // Nobody takes hold of one meanwhile, and whoever has hold of one may be about to put something in.
        let mut queues = self.queues.write();
        queues.retain(|name, pool| known(name) || Arc::strong_count(pool) > 1 || pool.is_in_use());
    }

    /// The pool of a queue that a ticket or proposal names. Another home may tell of the queue itself only later: until
    /// then its pool gathers.
    fn gather(&self, queue: &QueueName) -> Option<Arc<QueuePool>> {
        if let Some(pool) = self.get(queue) {
            return Some(pool);
        }
        let pool = Arc::new(QueuePool::new(Rules::Unknown)?);
        Some(self.queues.write().entry(queue.clone()).or_insert(pool).clone())
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
            match seen.state {
                TicketState::Queued | TicketState::Searching => pool.enter(id, &seen),
                TicketState::RequiresAcceptance => pool.tell(Command::Ask(id)),
                _ => pool.tell(Command::Leave(id)),
            }
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

    /// Follows an open proposal; `how` its players were asked, where whoever made it has not told.
    pub(crate) fn proposal(
        &self,
        id: ProposalId,
        (queue, proposal): (&QueueName, &Proposal),
        how: impl FnOnce() -> Option<Asking>,
    ) {
        let Some(pool) = self.gather(queue) else { return };
        pool.proposals.lock().put(id, proposal.deadline());
        if pool.asked(id).is_none()
            && let Some(how) = how()
        {
            pool.note_asked(id, how);
        }
        // Last: its end, should that be told meanwhile, is found once its time is up, and not lost.
        self.asking.lock().insert(id, queue.clone());
    }

    /// A proposal is open no more.
    pub(crate) fn proposal_ended(&self, id: ProposalId) {
        let queue = self.asking.lock().remove(&id);
        if let Some(pool) = queue.and_then(|queue| self.get(&queue)) {
            pool.proposals.lock().remove(id);
            pool.forget_asked(id);
        }
    }

    pub(crate) fn running(&self, id: MatchId, row: Option<&MatchRow>) {
        let mut running = self.running.lock();
        match row {
            Some(row) => running.put(id, row.expires_at),
            None => running.remove(id),
        }
    }

    pub(crate) fn expired_matches(&self, now: Timestamp, limit: usize) -> Vec<MatchId> {
        self.running.lock().due(now, limit)
    }

    pub(crate) fn running_count(&self) -> usize {
        self.running.lock().len()
    }
}

#[cfg(test)]
mod tests;
