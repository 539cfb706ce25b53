//! Between a node and the stores: notes what is handed over, lets answers travel, and is cut when the node dies.
use crate::{ledger::Ledger, random::Random};
use async_trait::async_trait;
use gsm_core::PlayerId;
use gsm_engine::store::{
    ChangeSet, CommitError, Committed, Cursor, EventsSpan, Fold, Key, KeyRange, PushEvent, ReadError, Store,
    StoreLimits, Versioned,
};
use parking_lot::Mutex;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

/// One node's line to one store.
pub(crate) struct Tap {
    pub(crate) node: usize,
    pub(crate) below: Arc<dyn Store>,
    /// What the store really takes, whatever it says.
    pub(crate) limits: StoreLimits,
    /// Cleared when the node dies: its folds hear nothing any more.
    pub(crate) alive: Arc<AtomicBool>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) random: Mutex<Random>,
    /// How often an answer lets others run before it arrives, at most.
    pub(crate) yields_max: Arc<AtomicU32>,
}

impl Tap {
    async fn travel(&self) {
        let most = self.yields_max.load(Ordering::Relaxed) as usize;
        let yields = if most == 0 { 0 } else { self.random.lock().below(most + 1) };
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
    }
}

struct Switch {
    alive: Arc<AtomicBool>,
    fold: Arc<dyn Fold>,
}

impl Fold for Switch {
    fn apply(&self, committed: Committed, changes: &ChangeSet) {
        if self.alive.load(Ordering::Relaxed) {
            self.fold.apply(committed, changes);
        }
    }
}

#[async_trait]
impl Store for Tap {
    fn limits(&self) -> StoreLimits {
        self.below.limits()
    }
    async fn commit(&self, changes: ChangeSet) -> Result<Committed, CommitError> {
        self.ledger.submit(self.node, &changes, self.limits);
        let answer = self.below.commit(changes).await;
        self.travel().await;
        answer
    }
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, ReadError> {
        let answer = self.below.get(keys).await;
        self.travel().await;
        answer
    }
    async fn list(
        &self,
        range: &KeyRange,
        after: Option<&Key>,
        limit: usize,
        newest_first: bool,
    ) -> Result<Vec<(Key, Versioned)>, ReadError> {
        let answer = self.below.list(range, after, limit, newest_first).await;
        self.travel().await;
        answer
    }
    async fn events(
        &self,
        player: PlayerId,
        after: Cursor,
        limit: usize,
    ) -> Result<Vec<(Cursor, PushEvent)>, ReadError> {
        let answer = self.below.events(player, after, limit).await;
        self.travel().await;
        answer
    }
    async fn events_span(&self, player: PlayerId) -> Result<EventsSpan, ReadError> {
        self.below.events_span(player).await
    }
    fn subscribe(&self, fold: Arc<dyn Fold>) {
        self.below.subscribe(Arc::new(Switch { alive: self.alive.clone(), fold }));
    }
}
