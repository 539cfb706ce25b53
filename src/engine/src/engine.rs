use crate::{
    EngineError, QueueConfig,
    boards::{BoardConfig, Boards, Pasts, Snapshots, Watches},
    events::Events,
    forecasts::{Forecasts, RemoteModel},
    jobs::{Gates, Jobs},
    learning::Learning,
    pools::{Asking, Pools, Rules},
    privacy::Upkeep,
    push::Hub,
    queues::Queues,
    refusals::Refusals,
    rule_sets::RuleSets,
    store::{
        ChangeSet, CommitError, Committed, Expect, Fold, Home, Homes, Key, KeyRange, Op, Row, Store,
        StoreFault, Versioned, Write,
    },
    systems::{Scheme, Schemes},
    token::TokenKey,
    turns::{Doors, Lines},
};
use gsm_core::{Clock, CommitKey, IdSource, Mode, QueueName, RuleSetName, Timestamp, limits};
use gsm_ranking::cohort::Seat;
use gsm_rating::System;
use gsm_session::TicketState;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

/// How often a change set whose fate is unknown is repeated before the caller is told so.
const UNKNOWN_TRIES_MAX: usize = 5;
/// Rows read at once while loading.
const LOAD_PAGE: usize = 4_096;

/// What an engine is told at birth.
pub struct EngineOptions {
    /// This node's name: the owner of its leases.
    pub node: String,
    /// Signs the tokens that this engine issues.
    pub token_key: TokenKey,
}

/// What was loaded, for the log line at start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Queues.
    pub queues: usize,
    /// Rule sets.
    pub rule_sets: usize,
    /// Results that predictions were learnt from.
    pub lessons: u64,
    /// Ratings on boards.
    pub ratings: usize,
    /// Boards that came from a snapshot.
    pub snapshots: usize,
    /// Ratings that had changed since their snapshots.
    pub changed: usize,
    /// Tickets still waiting.
    pub tickets: usize,
    /// Matches that have not ended.
    pub matches: usize,
    /// Follow-ups that another home was still owed.
    pub owed: usize,
}

/// The use cases over the stores. Cheap to share behind an [`Arc`].
pub struct Engine {
    pub(crate) homes: Homes,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) node: String,
    pub(crate) tokens: TokenKey,
    pub(crate) views: Arc<Views>,
    /// Where in the outbox the next turn goes on.
    pub(crate) owed_after: Mutex<Option<Key>>,
    /// How results are rated that are kept, by name.
    pub(crate) schemes: Mutex<Schemes>,
    /// The system that each mode is rated by now, and its name.
    pub(crate) current: Mutex<BTreeMap<Mode, (u64, Arc<Scheme>)>>,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) upkeep: tokio::sync::Mutex<Upkeep>,
    pub(crate) events: Events,
    /// Who elsewhere is asked about formed matches, if anybody is.
    pub(crate) remote: OnceLock<Arc<dyn RemoteModel>>,
    /// When this process began to hear players.
    pub(crate) started_at: Timestamp,
    pub(crate) refusals: Refusals,
    /// Where those wait who change the same rows at once.
    pub(crate) lines: Lines,
    /// Where tickets come in.
    pub(crate) doors: Doors,
    /// Where tickets wait that claim the same players or session. Their tries have tries of their own, in `lines`.
    pub(crate) claiming: Lines,
    /// Who defines a queue or a board: what else is defined decides whether he may, and no row says that. Nobody waits for
    /// it in a line of `lines`.
    pub(crate) defining: tokio::sync::Mutex<()>,
}

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
    pub(crate) forecasts: Arc<Forecasts>,
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
    fn configure(&self, name: &QueueName) {
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

impl Engine {
    /// An engine over `homes`, not yet loaded: call [`Engine::load`] before anything else.
    #[must_use]
    pub fn new(homes: Homes, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, options: EngineOptions) -> Self {
        let views = Arc::new(Views::default());
        let _ = views.pools.model.set(views.forecasts.clone());
        let fold: Arc<dyn Fold> = views.clone();
        homes.subscribe(&fold);
        let started_at = clock.now();
        Self {
            homes,
            clock,
            ids,
            node: options.node,
            tokens: options.token_key,
            views,
            owed_after: Mutex::new(None),
            schemes: Mutex::default(),
            current: Mutex::default(),
            jobs: Arc::default(),
            upkeep: tokio::sync::Mutex::default(),
            events: Events::default(),
            remote: OnceLock::new(),
            started_at,
            refusals: Refusals::default(),
            lines: Lines::default(),
            doors: Doors::default(),
            claiming: Lines::default(),
            defining: tokio::sync::Mutex::default(),
        }
    }

    /// The clock, for faces that make a [`crate::Call`].
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The source of ids.
    #[must_use]
    pub fn ids(&self) -> &Arc<dyn IdSource> {
        &self.ids
    }

    /// What the models of modes begin with, and who predicts in their shadow; call it before [`Engine::load`]. A mode
    /// without a champion begins with the first weights of all games.
    pub fn begin_models_with(&self, beginnings: BTreeMap<Mode, crate::Beginning>) {
        self.views.forecasts.begin_with(beginnings);
    }

    /// Rebuilds boards and pools from the stores; exact when it returns.
    pub async fn load(&self) -> Result<LoadReport, EngineError> {
        self.load_with(None).await
    }

    /// The same, with boards from what [`save_boards`](Self::save_boards) saved, where that can be brought up to date.
    pub async fn load_with(&self, snapshots: Option<&dyn Snapshots>) -> Result<LoadReport, EngineError> {
        self.load_from(snapshots, None).await
    }

    /// The same, with models from what [`save_models`](Self::save_models) saved, too.
    pub async fn load_from(
        &self,
        snapshots: Option<&dyn Snapshots>,
        models: Option<&dyn Snapshots>,
    ) -> Result<LoadReport, EngineError> {
        let mut report = LoadReport { rule_sets: self.load_rule_sets().await?, ..LoadReport::default() };
        self.each(KeyRange::Queues, |key, found| {
            if let Row::Queue(json) = &*found.row {
                let config = QueueConfig::from_json(json).map_err(|_| EngineError::damaged(&key))?;
                // What a commit of the meantime has told already is newer than this row.
                if self.views.queues.get(&config.name).is_none() {
                    let name = config.name.clone();
                    self.views.queues.put(config);
                    self.views.configure(&name);
                }
                report.queues += 1;
            }
            Ok(())
        })
        .await?;
        self.each(KeyRange::AllRetired, |key, found| {
            if let Row::Retired(row) = &*found.row {
                self.views.queues.retire(row, false).map_err(|_| EngineError::damaged(&key))?;
            }
            Ok(())
        })
        .await?;
        self.each(KeyRange::AllLearnt, |key, found| {
            if let (Key::Learnt(mode), Row::Learnt(row)) = (&key, &*found.row) {
                self.views.learning.published(mode, row);
            }
            Ok(())
        })
        .await?;
        self.each(KeyRange::AllBans, |key, found| {
            if let (Key::Bans(player), Row::Bans(bans)) = (&key, &*found.row) {
                self.views.bans.load(*player, bans);
            }
            Ok(())
        })
        .await?;
        self.each(KeyRange::AllErased, |key, _| {
            if let Key::Erased(player) = key {
                self.views.erased.put(player, true);
            }
            Ok(())
        })
        .await?;
        self.each(KeyRange::AllReports, |key, found| {
            if let (Key::Reports(id), Row::Reports(row)) = (&key, &*found.row) {
                self.views.reports.load(*id, row);
            }
            Ok(())
        })
        .await?;
        report.lessons = self.load_models(models).await?;
        self.load_boards().await?;
        self.load_ratings(snapshots, &mut report).await?;
        self.load_entries().await?;
        self.fill_boards().await?;
        self.each(KeyRange::Tickets, |key, found| {
            if let (Key::Ticket(id), Row::Ticket(row)) = (key, &*found.row) {
                report.tickets += usize::from(!row.state.is_terminal());
                // Only those that wait: a commit of the meantime may have brought back one that did not.
                if matches!(row.state, TicketState::Queued | TicketState::Searching) {
                    self.views.pools.ticket(id, Some(row));
                }
            }
            Ok(())
        })
        .await?;
        self.each(KeyRange::Proposals, |key, found| {
            if let (Key::Proposal(id), Row::Proposal(queue, proposal, _)) = (key, &*found.row) {
                let by = || self.views.queues.when_asked(queue, proposal.deadline());
                self.views
                    .pools
                    .proposal(id, (queue, proposal), || Some(Asking { queue: by()?, since: None }));
            }
            Ok(())
        })
        .await?;
        self.each(KeyRange::Matches, |key, found| {
            if let (Key::Match(id), Row::Match(row)) = (key, &*found.row) {
                self.views.pools.running(id, Some(row));
                report.matches += 1;
            }
            Ok(())
        })
        .await?;
        self.load_watches().await?;
        report.owed = self.settle_outbox().await?;
        self.settle_gates(true).await?;
        Ok(report)
    }

    /// Calls `take` for every row of a range, page by page.
    pub(crate) async fn each(
        &self,
        range: KeyRange,
        mut take: impl FnMut(Key, Versioned) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let store = self.homes.of(range.home());
        let mut after: Option<Key> = None;
        loop {
            let page = store.list(&range, after.as_ref(), LOAD_PAGE, false).await?;
            let last = page.len() < LOAD_PAGE;
            after = page.last().map(|(key, _)| key.clone());
            for (key, found) in page {
                take(key, found)?;
            }
            if last {
                return Ok(());
            }
            // A store may answer at once: others have their turn all the same.
            tokio::task::yield_now().await;
        }
    }

    /// The next page of a range; `None` at its end.
    pub(crate) async fn page(
        &self,
        range: &KeyRange,
        after: &mut Option<Key>,
    ) -> Result<Option<Vec<(Key, Versioned)>>, EngineError> {
        let store = self.store(range.home());
        let page = store.list(range, after.as_ref(), limits::PAGE_SIZE_MAX, false).await?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        *after = Some(last.clone());
        tokio::task::yield_now().await;
        Ok(Some(page))
    }

    pub(crate) fn store(&self, home: Home) -> &Arc<dyn Store> {
        self.homes.of(home)
    }

    pub(crate) async fn get_one(&self, key: &Key) -> Result<Option<Versioned>, EngineError> {
        let mut rows = self.store(key.home()).get(std::slice::from_ref(key)).await?;
        Ok(rows.pop().flatten())
    }

    /// Rows of one home, in the order of `keys`.
    pub(crate) async fn get(&self, home: Home, keys: &[Key]) -> Result<Vec<Option<Versioned>>, EngineError> {
        let mut rows = Vec::with_capacity(keys.len());
        for page in keys.chunks(limits::PAGE_SIZE_MAX) {
            rows.extend(self.store(home).get(page).await?);
        }
        Ok(rows)
    }

    /// Whether a row is surely gone. A read alone may be stale; a change set that does nothing but check is not.
    pub(crate) async fn is_gone(&self, key: Key) -> Result<bool, EngineError> {
        if self.homes.is_one() {
            return Ok(self.get_one(&key).await?.is_none());
        }
        match self.surely(key.home(), &[(key, Expect::Absent)]).await {
            Ok(()) => Ok(true),
            Err(EngineError::Raced(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Makes sure that rows are as they were read: [`EngineError::Raced`] where they are not. A read alone may be stale;
    /// change sets that do nothing but check are not.
    pub(crate) async fn surely(&self, home: Home, read: &[(Key, Expect)]) -> Result<(), EngineError> {
        if self.homes.is_one() {
            return Ok(());
        }
        for part in read.chunks(self.store(home).limits().items_max.max(1)) {
            let mut check = ChangeSet::new(CommitKey::fresh(&*self.ids), self.clock.now());
            for (key, expect) in part {
                check.check(key.clone(), *expect);
            }
            self.commit(home, check).await?;
        }
        Ok(())
    }

    /// Commits, repeating under the same key while the fate is unknown. A conflict is [`EngineError::Raced`]: read
    /// and decide again.
    pub(crate) async fn commit(&self, home: Home, changes: ChangeSet) -> Result<Committed, EngineError> {
        let fate = self.try_commit(home, changes).await;
        match &fate {
            Ok(_) => self.refusals.taken(),
            Err(error) if error.is_of_store() => {
                if let Some(count) = self.refusals.refused(self.clock.now()) {
                    tracing::warn!(count, %error, "commits are not taken");
                }
            }
            Err(_) => {}
        }
        fate
    }

    async fn try_commit(&self, home: Home, mut changes: ChangeSet) -> Result<Committed, EngineError> {
        let store = self.store(home);
        // One record names the request, however many change sets it needs.
        if let Some(audit) = changes.audit.as_mut().filter(|audit| audit.origin.recorded.is_done()) {
            audit.request_id.clear();
        }
        debug_assert!(
            self.homes.is_one() || changes.is_of(home),
            "a change set spans two homes: {changes:?}"
        );
        let mut unknown: Option<StoreFault> = None;
        for _ in 0..UNKNOWN_TRIES_MAX {
            match store.commit(changes.clone()).await {
                Ok(committed) => {
                    if let Some(audit) = &changes.audit {
                        audit.origin.recorded.done();
                    }
                    return Ok(committed);
                }
                Err(CommitError::Conflict { key }) => return Err(EngineError::Raced(Some(key))),
                // The store speaks of this try alone: an earlier one may have been applied.
                Err(CommitError::Refused(what)) if unknown.is_none() => {
                    return Err(EngineError::Refused(what));
                }
                Err(CommitError::TooLarge(what)) if unknown.is_none() => {
                    return Err(EngineError::TooLarge(what));
                }
                Err(
                    CommitError::Refused(what) | CommitError::TooLarge(what) | CommitError::Unknown(what),
                ) => unknown = Some(what),
            }
        }
        Err(EngineError::NoAnswer(unknown.unwrap_or_else(|| StoreFault::new("no answer"))))
    }
}
