//! What a start reads of the stores, and how ranges are read page by page.
use crate::{
    Engine, EngineError, QueueConfig,
    boards::Snapshots,
    pools::Asking,
    store::{Key, KeyRange, Row, Versioned},
};
use gsm_core::limits;
use gsm_session::TicketState;

/// Rows read at once while loading.
const LOAD_PAGE: usize = 4_096;

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

impl Engine {
    /// Rebuilds boards and pools from the stores; exact when it returns.
    pub async fn load(&self) -> Result<LoadReport, EngineError> {
        self.load_from(None, None).await
    }

    /// The same, with boards from what [`save_boards`](Self::save_boards) saved and models from what
    /// [`save_models`](Self::save_models) did, where that can be brought up to date.
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
}
