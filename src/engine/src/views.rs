//! What follows the commits of the stores: each row that was written goes to whom it concerns.
use crate::{
    QueueConfig,
    boards::{BoardConfig, Boards, Pasts, Watches},
    forecasts::Forecasts,
    jobs::Gates,
    learning::Learning,
    pools::{Asking, Pools, Rules},
    push::Hub,
    queues::Queues,
    rule_sets::RuleSets,
    store::{ChangeSet, Committed, Expect, Fold, Key, Op, Row, Write},
};
use gsm_core::{QueueName, RuleSetName, Timestamp};
use gsm_ranking::cohort::Seat;
use gsm_rating::System;

/// Everything that follows the commits.
#[derive(Default)]
pub(crate) struct Views {
    pub(crate) boards: Boards,
    pub(crate) pasts: Pasts,
    pub(crate) watches: Watches,
    pub(crate) queues: Queues,
    pub(crate) rule_sets: RuleSets,
    pub(crate) pools: Pools,
    pub(crate) hub: Hub,
    pub(crate) names: crate::names::Names,
    pub(crate) recent: crate::overview::Recent,
    pub(crate) gates: Gates,
    pub(crate) offences: crate::overview::OffenceCounts,
    pub(crate) learning: Learning,
    pub(crate) bans: crate::bans::Bans,
    pub(crate) erased: crate::privacy::Erased,
    pub(crate) reports: crate::reports::Followed,
    pub(crate) pairs: crate::pairs::Pairs,
    pub(crate) forecasts: Forecasts,
}

impl Fold for Views {
    fn apply(&self, committed: Committed, changes: &ChangeSet) {
        for write in changes.writes.iter().chain(&changes.folds) {
            self.apply_write(committed.sequence, changes.at, write);
            self.watches.follow(write);
        }
        self.forecasts.follow(committed.sequence, changes);
        for (index, (player, event)) in changes.events.iter().enumerate() {
            self.offences.follow(&event.kind);
            self.hub.publish(*player, committed.sequence, index, event);
        }
    }
}

impl Views {
    fn apply_write(&self, sequence: u64, now: Timestamp, write: &Write) {
        let row = match &write.op {
            Op::Put { row, .. } => Some(row),
            Op::Delete => None,
            Op::Check => return,
        };
        if let (Key::Result(id), Some(row)) = (&write.key, row) {
            let is_new = write.expect == Expect::Absent;
            self.recent.put(*id, row, is_new);
            if let Row::Result(result) = &**row
                && is_new
                && let Some(system) = self.queues.system_of(&result.mode).filter(System::learns)
            {
                self.learning.counted(result, &system, now);
            }
            if let Row::Result(result) = &**row
                && is_new
                && let Some(option) = self.queues.repeated_pair(&result.mode)
            {
                self.pairs.counted(result, &option, now);
            }
        }
        match (&write.key, row.map(|row| &**row)) {
            (Key::Rating(mode, player), Some(Row::Rating(standing))) => {
                self.boards.rated(mode, *player, standing.rating.as_ref(), sequence, now);
            }
            (Key::Rating(mode, player), None) => self.boards.rated(mode, *player, None, sequence, now),
            (Key::History(mode, player, depth), Some(Row::History(row))) => {
                self.pasts.told(mode, *player, *depth, Some(row));
            }
            (Key::History(mode, player, depth), None) => self.pasts.told(mode, *player, *depth, None),
            (Key::Scored(board, season, player, nth), Some(Row::Scored(row))) => {
                self.pasts.scored(board, *season, *player, *nth, row);
            }
            (Key::Bans(player), Some(Row::Bans(bans))) => self.bans.follow(*player, Some(bans)),
            (Key::Bans(player), None) => self.bans.follow(*player, None),
            (Key::Erased(player), row) => {
                self.erased.put(*player, row.is_some());
                if row.is_some() {
                    self.hub.close(*player);
                }
            }
            (Key::Player(player), None) => self.names.forget(*player),
            (Key::Reports(id), Some(Row::Reports(row))) => self.reports.follow(*id, Some(row)),
            (Key::Reports(id), None) => self.reports.follow(*id, None),
            (Key::Learnt(mode), Some(Row::Learnt(row))) => self.learning.published(mode, row),
            (Key::Entry(board, season, player), Some(Row::Entry(row))) => {
                self.boards.entered((board, *season, *player), Some(row), sequence, now);
            }
            (Key::Entry(board, season, player), None) => {
                self.boards.entered((board, *season, *player), None, sequence, now);
            }
            (Key::Seat(board, season, cohort, number), Some(Row::Seat(row))) => {
                self.pasts.seated(board, *season, *cohort);
                self.boards.seated(board, *season, Seat { cohort: *cohort, number: *number }, row);
            }
            (Key::Payout(board, season), Some(Row::Paying(row))) => self.boards.frozen(board, *season, row),
            (Key::Shade(board, player), Some(Row::Shade(row))) => {
                self.boards.shaded(board, *player, Some(row));
            }
            (Key::Shade(board, player), None) => self.boards.shaded(board, *player, None),
            (Key::Attributes(player), Some(Row::Attributes(row))) => {
                self.boards.settled(*player, Some(row), sequence);
                self.pasts.settled(*player, Some(row));
            }
            (Key::Attributes(player), None) => {
                self.boards.settled(*player, None, sequence);
                self.pasts.settled(*player, None);
            }
            (Key::Board(name), Some(Row::Board(json))) => match BoardConfig::from_json(json) {
                Ok(config) => self.boards.defined(name, Some(config), now),
                Err(error) => tracing::error!(board = %name, %error, "board cannot be read"),
            },
            (Key::Board(name), None) => self.boards.defined(name, None, now),
            (Key::Ticket(id), row) => {
                let ticket = if let Some(Row::Ticket(ticket)) = row { Some(&**ticket) } else { None };
                self.pools.ticket(*id, ticket);
            }
            (Key::Proposal(id), Some(Row::Proposal(queue, proposal, _))) => {
                let since = (write.expect == Expect::Absent).then_some(now);
                let how =
                    || Some(Asking { queue: self.queues.when_asked(queue, proposal.deadline())?, since });
                self.pools.proposal(*id, (queue, proposal), how);
            }
            (Key::Proposal(id), None) => self.pools.proposal_ended(*id),
            (Key::Match(id), Some(Row::Match(row))) => self.pools.running(*id, Some(row)),
            (Key::Match(id), None) => self.pools.running(*id, None),
            (Key::Queue(name), Some(Row::Queue(json))) => {
                if let Ok(config) = QueueConfig::from_json(json) {
                    // Known first: the pool of an unknown queue may be let go.
                    self.queues.put(config);
                    self.configure(name);
                } else {
                    tracing::error!(queue = %name, "queue configuration cannot be read");
                }
            }
            (Key::Queue(name), None) => self.queues.remove(name),
            (Key::Retired(name, mode), Some(Row::Retired(row))) => {
                let read = self.queues.retire(row, true);
                if read.is_err() {
                    tracing::error!(queue = %name, %mode, "queue configuration of the past cannot be read");
                }
            }
            (Key::Retired(name, mode), None) => self.queues.forget(name, mode),
            (Key::RuleSet(_), Some(Row::RuleSet(row))) => {
                self.rule_sets.put(row);
                self.follow_rule_set(&row.name);
            }
            (Key::RuleSet(name), None) => self.rule_sets.remove(name),
            (Key::RuleSetVersion(name, version), Some(Row::RuleSetVersion(row))) => {
                self.rule_sets.put_version(name, *version, row);
                self.follow_rule_set(name);
            }
            (Key::RuleSetVersion(name, version), None) => self.rule_sets.remove_version(name, *version),
            // A new player has no name that could have been read before.
            (Key::Player(id), Some(Row::Player(row))) if write.expect != Expect::Absent => {
                self.names.follow(*id, row)
            }
            (Key::Gate(mode), row) => self.gates.put(mode, row.is_some()),
            _ => {}
        }
    }
}

impl Views {
    pub(crate) fn rules_of(&self, queue: &QueueConfig) -> Rules {
        Rules::of(queue, self.rule_sets.of(queue))
    }

    /// Lets the pool of a queue follow what is known of it now.
    pub(crate) fn configure(&self, name: &QueueName) {
        let Some(queue) = self.queues.get(name) else { return };
        if self.rule_sets.is_unusable(&queue) {
            tracing::error!(queue = %name, "the queue forms no matches, since its rule set cannot be used");
        }
        self.pools.configure(name, self.rules_of(&queue));
    }

    /// Lets the queues that go by a rule set follow what is known of it now.
    fn follow_rule_set(&self, name: &RuleSetName) {
        for queue in self.queues.all().iter().filter(|queue| queue.rule_set.as_ref() == Some(name)) {
            self.configure(&queue.name);
        }
    }
}
