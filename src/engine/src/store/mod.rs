//! The store ports: three homes, one trait, bounded change sets, and honest answers about what was applied.
//!
//! A [`Store`] keeps typed [`Row`]s under typed [`Key`]s. The embedded store serves all three [`Home`]s from one
//! journal; scaled out, each home is a service of its own. What a use case may rely on is what
//! [`crate::testing::store_suite`] checks, and nothing else.
mod audit;
mod change;
mod forecast;
mod key;
pub mod memory;
mod rated;
mod regions;
mod reported;
mod row;
mod trace;
mod watch;

pub use audit::{AuditRecord, FirstAuditRecord, Origin, Recorded, stored_audit};
pub(crate) use change::bytes_of;
pub use change::{
    ChangeSet, CommitError, Committed, EVENT_RETENTION, Expect, Op, ReadError, StoreFault, Write,
};
pub use forecast::{Forecast, Inside, LessonRow, Sparse, Spoke, Vector};
pub use key::{Home, Key, KeyError, KeyRange};
pub use rated::{
    AdjustmentKind, AdjustmentRow, Carried, Entry, HistoryRow, Place, RatingRow, ResultRow, SideChange,
    StandingRow, Step, Verdict, remembered_as,
};
pub use regions::Regions;
pub use reported::{FlagRow, ReportsRow, ReportsStage};
pub use row::{
    AlsoIn, ApiKeyRow, AttributesRow, AwsKeyRow, Brought, Claim, CountingRow, CredentialRow, EntryRow,
    ErasedRow, ErasingRow, GateRow, IdentityKind, LearntRow, Lease, ListedRow, MatchRow, OffencesRow,
    OutboxRow, PayingRow, PayoutRow, PenaltiesRow, PlayerRow, Prediction, PushEvent, PushKind, QuarantineRow,
    RankNews, RatingCause, Replay, RetiredRow, Row, RowError, RuleSetRow, RuleSetVersionRow, ScoredRow,
    SeatOf, SeatRow, SecretRow, ShadeRow, SigningKeyRow, StagedRow, StartsRow, TicketPlayer, TicketRow,
    WhoRow,
};
pub use trace::Position;
pub use watch::{Best, ToldRow, WatchRow};

use async_trait::async_trait;
use gsm_core::PlayerId;
use std::sync::Arc;

/// When a row was last written, in the order of its store: grows with every write of the row.
pub type Version = u64;

/// A row and the version it was read at.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned {
    /// To be given back as [`Expect::At`].
    pub version: Version,
    /// The row.
    pub row: Arc<Row>,
}

/// What one store can take in a change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLimits {
    /// Conditional writes of one change set (DynamoDB: 100 items a transaction, of which some are the store's own).
    pub items_max: usize,
    /// Bytes of one change set, as [`ChangeSet::bytes`] counts them. The largest match must fit: its players' tickets, each with
    /// [`gsm_core::limits::BROUGHT_KEPT_BYTES_MAX`] a player, and what is written beside them.
    pub bytes_max: usize,
}

impl StoreLimits {
    /// How many of the first `writes` go into one change set that has nothing else of weight; at least one.
    pub(crate) fn first_of(&self, writes: &[Write]) -> usize {
        let room = self.bytes_max - self.bytes_max / 8;
        let fits = writes.iter().take(self.items_max).scan(0_usize, |sum, write| {
            *sum = sum.saturating_add(write.bytes());
            Some(*sum).filter(|sum| *sum <= room)
        });
        fits.count().max(1)
    }
}

/// Position in one player's stream of push events; grows with every event.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
pub struct Cursor {
    /// Sequence of the commit that made the event.
    pub sequence: u64,
    /// Place among the events of that commit.
    pub index: u32,
}

/// What a store knows of the events of a player, beside those that it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventsSpan {
    /// Up to where events may be gone, as their time was over or there were too many: who reads on from before it may have
    /// missed some. The beginning where none is.
    pub gone: Cursor,
    /// A cursor behind which nobody's event can be read yet.
    pub newest: Cursor,
}

/// Rows that a [`Store::scan`] without threads reads at once.
const SCAN_PAGE: usize = 4_096;

/// Takes in the rows of a [`Store::scan`].
pub trait Gather: Send {
    /// One row.
    fn row(&mut self, key: &Key, version: Version, row: &Row);
}

/// One home's storage. Reads may be stale, except that a caller always sees its own commits; a stale read shows as
/// [`CommitError::Conflict`] when it is written back.
#[async_trait]
pub trait Store: Send + Sync {
    /// The bounds of a change set here.
    fn limits(&self) -> StoreLimits;

    /// Applies all of `changes` or none, durably. The same commit key again gives the first answer.
    async fn commit(&self, changes: ChangeSet) -> Result<Committed, CommitError>;

    /// The rows under `keys`, in that order; at most [`gsm_core::limits::PAGE_SIZE_MAX`] keys.
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, ReadError>;

    /// Up to `limit` rows of a range in key order (`newest_first` turns it round), after `after` if given.
    async fn list(
        &self,
        range: &KeyRange,
        after: Option<&Key>,
        limit: usize,
        newest_first: bool,
    ) -> Result<Vec<(Key, Versioned)>, ReadError>;

    /// Gives every row of a range to one of the two, each once, in no order: a store may read from both ends at once, in two
    /// threads. For reading everything at start; blocks the thread where the store does. After an error some rows may
    /// have been given.
    async fn scan(&self, range: &KeyRange, [gather, _]: [&mut dyn Gather; 2]) -> Result<(), ReadError> {
        let mut after: Option<Key> = None;
        loop {
            let page = self.list(range, after.as_ref(), SCAN_PAGE, false).await?;
            let last = page.len() < SCAN_PAGE;
            after = page.last().map(|(key, _)| key.clone());
            page.iter().for_each(|(key, found)| gather.row(key, found.version, &found.row));
            if last {
                return Ok(());
            }
        }
    }

    /// Whether work that can wait should: commits would soon be refused as busy, and those of players must not be.
    fn is_behind(&self) -> bool {
        false
    }

    /// The sequence of the newest commit, 0 before the first; it grows through restarts. `None` where the store does not
    /// know of all.
    fn newest(&self) -> Option<u64> {
        None
    }

    /// Where the folds stand: they have seen every change set up to it. `None` where the store keeps no trace.
    fn position(&self) -> Option<Position> {
        None
    }

    /// Gives every row of a range of [traced](Key::is_traced) keys that was written or removed after a position, once, as
    /// it is now: with its version, or removed (`None`) at the sequence given. `false` if the store was never there, or
    /// no longer knows all of them; some may have been given by then.
    async fn changed(
        &self,
        _range: &KeyRange,
        _after: Position,
        _take: &mut (dyn FnMut(Key, Version, Option<Arc<Row>>) + Send),
    ) -> Result<bool, ReadError> {
        Ok(false)
    }

    /// Events of a player after `after`, oldest first, at most `limit`; expired ones are left out.
    async fn events(
        &self,
        player: PlayerId,
        after: Cursor,
        limit: usize,
    ) -> Result<Vec<(Cursor, PushEvent)>, ReadError>;

    /// What is known of a player's events beside those that can be read; a store that knows nothing says that none is gone.
    async fn events_span(&self, _player: PlayerId) -> Result<EventsSpan, ReadError> {
        Ok(EventsSpan::default())
    }

    /// From now on `fold` sees every durable change set of this store, in commit order per row and per player of its
    /// events. It may see one again or late (scaled out); embedded, it has seen a change set before its `commit` answers.
    fn subscribe(&self, fold: Arc<dyn Fold>);
}

/// Follows a store's commits: boards, pools and push streams are folds.
pub trait Fold: Send + Sync {
    /// Takes in one durable change set. Must be quick, must not block, and must take repeats.
    fn apply(&self, committed: Committed, changes: &ChangeSet);
}

/// Which store serves which home.
#[derive(Clone)]
pub struct Homes {
    record: Arc<dyn Store>,
    document: Arc<dyn Store>,
    live: Arc<dyn Store>,
    one: bool,
}

impl Homes {
    /// One store for everything: change sets of two homes may be merged, since they are one journal.
    #[must_use]
    pub fn one(store: Arc<dyn Store>) -> Self {
        Self { record: store.clone(), document: store.clone(), live: store, one: true }
    }

    /// A store for each home: no change set spans two.
    #[must_use]
    pub fn split(record: Arc<dyn Store>, document: Arc<dyn Store>, live: Arc<dyn Store>) -> Self {
        Self { record, document, live, one: false }
    }

    /// Whether all homes are one journal.
    #[must_use]
    pub fn is_one(&self) -> bool {
        self.one
    }

    /// The store of a home.
    #[must_use]
    pub fn of(&self, home: Home) -> &Arc<dyn Store> {
        match home {
            Home::Record => &self.record,
            Home::Document => &self.document,
            Home::Live => &self.live,
        }
    }

    /// Subscribes `fold` once to each store.
    pub fn subscribe(&self, fold: &Arc<dyn Fold>) {
        self.record.subscribe(fold.clone());
        if !self.one {
            self.document.subscribe(fold.clone());
            self.live.subscribe(fold.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::CommitKey;

    #[test]
    fn a_change_set_takes_as_many_writes_as_it_has_room_for() {
        let mut all = ChangeSet::new(CommitKey::from_u128(1), gsm_core::Timestamp::EPOCH);
        for (at, bytes) in [100, 100, 500, 2_000, 10, 10, 10].into_iter().enumerate() {
            all.create(Key::System(at as u64), Row::System("x".repeat(bytes)));
        }
        let of = StoreLimits { items_max: 2, bytes_max: 800 };
        let (mut left, mut taken) = (all.writes.as_slice(), Vec::new());
        while !left.is_empty() {
            let first = of.first_of(left);
            taken.push(first);
            left = &left[first..];
        }
        assert_eq!(taken, [2, 1, 1, 2, 1], "one that is too large goes alone");
    }
}
