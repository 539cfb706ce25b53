//! A store on a disk that can fall ill, and change sets whose traces are easy to look for.
use crate::faults::FaultyVolume;
use gsm_adapters::{EmbeddedStore, OpenError, Options};
use gsm_core::{CommitKey, EventId, MatchId, Millis, Mode, PlayerId, Timestamp};
use gsm_engine::{
    store::{
        AuditRecord, ChangeSet, CommitError, Committed, Cursor, Entry, HistoryRow, Key, KeyRange, Place,
        PlayerRow, PushEvent, PushKind, RatingRow, ReadError, Row, StandingRow, Step, Store,
    },
    testing::ManualClock,
};
use gsm_rating::Rating;
use gsm_session::MatchState;
use std::sync::Arc;
use tempfile::TempDir;

pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A machine: a directory for the lock, a disk for the rest, a clock.
pub(crate) struct Machine {
    pub(crate) dir: TempDir,
    pub(crate) disk: Arc<FaultyVolume>,
    pub(crate) clock: Arc<ManualClock>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::on(FaultyVolume::new())
    }
    pub(crate) fn on(disk: Arc<FaultyVolume>) -> Self {
        Self {
            dir: tempfile::tempdir().expect("temporary directory"),
            disk,
            clock: Arc::new(ManualClock::at(START)),
        }
    }
    pub(crate) fn options(&self) -> Options {
        Options { volume: Some(self.disk.clone()), ..quiet() }
    }
    pub(crate) fn open(&self) -> Arc<EmbeddedStore> {
        self.try_open(self.options()).expect("the store opens")
    }
    pub(crate) fn try_open(&self, options: Options) -> Result<Arc<EmbeddedStore>, OpenError> {
        EmbeddedStore::open(self.dir.path(), self.clock.clone(), options)
    }
}

/// No checkpoint unless asked for, a small reserve, no patience.
pub(crate) fn quiet() -> Options {
    Options {
        checkpoint_every: Millis::from_secs(86_400),
        retry_every: Millis::new(2),
        reserve_bytes: 256 << 10,
        ..Options::default()
    }
}

pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("runtime").block_on(work)
}

pub(crate) fn mode() -> Mode {
    Mode::new("duel").expect("name")
}

pub(crate) fn rating(mean: f64) -> Rating {
    Rating { mean, deviation: 50.0, volatility: 0.06 }
}

pub(crate) fn player_key(n: u64) -> Key {
    Key::Player(PlayerId::from_u128(u128::from(n)))
}

pub(crate) fn player_row(n: i64) -> Row {
    Row::Player(PlayerRow { name: None, external_id: None, created_at: Timestamp::from_millis(n) })
}

pub(crate) fn rating_row(mean: f64) -> Row {
    let row = RatingRow {
        rating: rating(mean),
        rated_at: START,
        games: 1,
        wins: 1,
        draws: 0,
        score: 1,
        reached_at: START,
        carried: None,
    };
    let last = Place { depth: 1, entry: Entry::Match(MatchId::from_u128(1)) };
    Row::Rating(StandingRow { last, rating: Some(row) })
}

pub(crate) fn history_row(n: u64) -> Row {
    Row::History(HistoryRow {
        at: START,
        step: Step::Match {
            match_id: MatchId::from_u128(u128::from(n)),
            place: 1,
            shared: false,
            sides: 2,
            expected: 0.5,
            actual: 1.0,
            quit: false,
        },
        before: rating(1500.0),
        after: rating(1501.0),
        games: u32::try_from(n).unwrap_or(0),
    })
}

pub(crate) fn event(n: u64, at: Timestamp) -> PushEvent {
    PushEvent {
        at,
        kind: PushKind::Match {
            match_id: MatchId::from_u128(u128::from(n)),
            state: MatchState::Running,
            connection: None,
            prediction: None,
        },
    }
}

pub(crate) fn audit(n: u64) -> AuditRecord {
    AuditRecord {
        event_id: EventId::from_u128(u128::from(n)),
        action: "matches.report".into(),
        principal: "server".into(),
        request_id: format!("req-{n}"),
        resources: vec![format!("mch-{n}")],
        reason: None,
        origin: Default::default(),
    }
}

/// The set numbered `n`: a player, a rating, a step of history, an event and an audit record, all or nothing. `weight`
/// characters of audit make it as large as wanted.
pub(crate) fn numbered(n: u64, weight: usize) -> ChangeSet {
    let player = PlayerId::from_u128(u128::from(n));
    let mut set = ChangeSet::new(CommitKey::from_u128(u128::from(n)), START);
    set.create(player_key(n), player_row(i64::try_from(n).unwrap_or(0)));
    set.create(Key::Rating(mode(), player), rating_row(1500.0));
    set.fold(Key::History(mode(), player, n), history_row(n));
    set.event(player, event(n, START));
    let mut record = audit(n);
    record.principal = "x".repeat(weight);
    set.audit = Some(record);
    set
}

/// How much of set `n` is there: 0 of 5 traces, 5 of 5, or (a bug) something between.
pub(crate) async fn traces(store: &EmbeddedStore, n: u64) -> Result<usize, ReadError> {
    traces_with(store, n, &heard(store)?).await
}

/// The request ids in the audit log.
pub(crate) fn heard(store: &EmbeddedStore) -> Result<Vec<String>, ReadError> {
    Ok(store.audit(0, usize::MAX)?.into_iter().map(|(.., record)| record.request_id).collect())
}

/// The same, with the audit log as it was read before.
pub(crate) async fn traces_with(store: &EmbeddedStore, n: u64, heard: &[String]) -> Result<usize, ReadError> {
    let player = PlayerId::from_u128(u128::from(n));
    let rows = store.get(&[player_key(n), Key::Rating(mode(), player)]).await?;
    let history = store.list(&KeyRange::History(mode(), player), None, 10, false).await?;
    let events = store.events(player, Cursor::default(), 10).await?;
    let heard = heard.iter().filter(|id| **id == format!("req-{n}")).count();
    Ok(rows.iter().flatten().count() + history.len() + events.len() + heard)
}

/// Panics unless each of the sets is wholly there.
pub(crate) async fn expect_whole(store: &EmbeddedStore, sets: impl IntoIterator<Item = u64>, context: &str) {
    let heard = heard(store).expect("readable");
    for n in sets {
        assert_eq!(
            traces_with(store, n, &heard).await.expect("readable"),
            5,
            "set {n} was acknowledged; {context}"
        );
    }
}

/// Commits the set numbered `n`.
pub(crate) async fn commit(store: &EmbeddedStore, n: u64) -> Result<Committed, CommitError> {
    store.commit(numbered(n, 100)).await
}
