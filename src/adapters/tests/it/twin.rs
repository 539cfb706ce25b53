//! The same change sets on the embedded store and on the reference in memory: same answers, same rows, same pages,
//! whatever restarts and checkpoints come between.
use crate::kit::{self, Machine, audit, event, history_row, mode, player_key, player_row, rating_row, run};
use gsm_adapters::{EmbeddedStore, Options};
use gsm_core::{BoardName, Clock, CommitKey, Millis, PlayerId, QueueName, Timestamp};
use gsm_engine::store::{
    ChangeSet, CommitError, Committed, Cursor, EntryRow, Expect, Key, KeyRange, Lease, Op, Row, Store, Write,
    memory::{Faults, MemoryStore},
};
use proptest::prelude::*;
use std::sync::Arc;

#[derive(Debug, Clone)]
enum Step {
    Commit { writes: Vec<(u8, u8, WriteKind)>, folds: Vec<(u8, u8)>, event: bool },
    Repeat,
    Advance(i64),
    Checkpoint,
    Reopen,
    Page { range: u8, after: Option<u8>, limit: usize, newest_first: bool },
}

#[derive(Debug, Clone, Copy)]
enum WriteKind {
    Put,
    PutUntil(i64),
    Delete,
    Check,
}

fn board() -> BoardName {
    BoardName::new("best").expect("name")
}

fn key(n: u8) -> Key {
    let player = PlayerId::from_u128(u128::from(n % 7));
    match n % 5 {
        0 => player_key(u64::from(n % 7)),
        1 => Key::Rating(mode(), player),
        2 => Key::History(mode(), player, u64::from(n)),
        3 => Key::Entry(board(), u64::from(n % 2), player),
        _ => Key::Lease(QueueName::new(&format!("q{}", n % 7)).expect("name")),
    }
}

fn row(key: &Key, n: u8) -> Row {
    match key {
        Key::Player(_) => player_row(i64::from(n)),
        Key::Rating(..) => rating_row(f64::from(n)),
        Key::History(..) => history_row(u64::from(n)),
        Key::Entry(..) => Row::Entry(EntryRow {
            values: [i64::from(n), 0, 0, 0, 0],
            reached_at: Timestamp::EPOCH,
            submitted_at: Timestamp::EPOCH,
            submissions: 1,
            deviation: 0.0,
            tier: None,
            metadata: None,
            steps: 0,
        }),
        _ => Row::Lease(Lease { owner: "n".into(), fence: u64::from(n), until: Timestamp::EPOCH }),
    }
}

fn range(n: u8) -> KeyRange {
    match n % 4 {
        0 => KeyRange::AllRatings,
        1 => KeyRange::Ratings(mode()),
        2 => KeyRange::Entries(board(), 0),
        _ => KeyRange::History(mode(), PlayerId::from_u128(u128::from(n % 7))),
    }
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        4 => Just(WriteKind::Put),
        1 => (-5i64..50).prop_map(WriteKind::PutUntil),
        2 => Just(WriteKind::Delete),
        1 => Just(WriteKind::Check),
    ];
    let writes = proptest::collection::vec((any::<u8>(), 0u8..8, kind), 0..4);
    let folds = proptest::collection::vec((any::<u8>(), any::<u8>()), 0..3);
    prop_oneof![
        10 => (writes, folds, any::<bool>()).prop_map(|(writes, folds, event)| Step::Commit { writes, folds, event }),
        1 => Just(Step::Repeat),
        1 => (0i64..30).prop_map(Step::Advance),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
        4 => (any::<u8>(), any::<Option<u8>>(), 0usize..6, any::<bool>())
            .prop_map(|(range, after, limit, newest_first)| Step::Page { range, after, limit, newest_first }),
    ]
}

struct Pair {
    machine: Machine,
    options: Options,
    store: Arc<EmbeddedStore>,
    twin: MemoryStore,
    number: u64,
    last: Option<ChangeSet>,
    heard: Vec<u64>,
    /// How many pages of each range held something.
    filled: [usize; 4],
}

impl Pair {
    fn new(hot_rows_max: usize) -> Self {
        let machine = Machine::new();
        let options = Options { hot_rows_max, ..machine.options() };
        let store = machine.try_open(options.clone()).expect("opened");
        let twin = MemoryStore::new(machine.clock.clone(), store.limits(), Faults::NONE);
        Self { machine, options, store, twin, number: 0, last: None, heard: Vec::new(), filled: [0; 4] }
    }

    async fn set(
        &mut self,
        writes: &[(u8, u8, WriteKind)],
        folds: &[(u8, u8)],
        with_event: bool,
    ) -> ChangeSet {
        self.number += 1;
        let now = self.machine.clock.now();
        let mut set = ChangeSet::new(CommitKey::from_u128(u128::from(self.number)), now);
        for (n, expect, kind) in writes {
            let key = key(*n);
            let found = self.twin.get(std::slice::from_ref(&key)).await.expect("readable").remove(0);
            // Mostly what is there, so that most sets are taken.
            let expect = match (expect, found) {
                (0, _) => Expect::Absent,
                (1, _) => Expect::At(1),
                (2 | 3, _) => Expect::Any,
                (_, None) => Expect::Absent,
                (_, Some(found)) => Expect::At(found.version),
            };
            let put = |expires_at| Op::Put { row: Arc::new(row(&key, *n)), expires_at };
            let op = match kind {
                WriteKind::Put => put(None),
                WriteKind::PutUntil(ms) => put(Some(Timestamp::from_millis(now.as_millis() + ms))),
                WriteKind::Delete => Op::Delete,
                WriteKind::Check => Op::Check,
            };
            set.write(key, expect, op);
        }
        for (n, value) in folds {
            if value.is_multiple_of(4) {
                set.folds.push(Write { key: key(*n), expect: Expect::Any, op: Op::Delete });
            } else {
                set.fold(key(*n), row(&key(*n), *value));
            }
        }
        if with_event {
            set.event(PlayerId::from_u128(1), event(self.number, now));
        }
        set.audit = Some(audit(self.number));
        set
    }

    async fn both(&mut self, set: ChangeSet) {
        let (ours, theirs) = (self.store.commit(set.clone()).await, self.twin.commit(set.clone()).await);
        match (&ours, &theirs) {
            (Ok(a), Ok(b)) => assert_eq!(a, b),
            (Err(CommitError::Conflict { key: a }), Err(CommitError::Conflict { key: b })) => {
                assert_eq!(a, b)
            }
            _ => panic!("{ours:?} against {theirs:?}"),
        }
        if let Ok(Committed { sequence }) = ours
            && self.heard.last() != Some(&sequence)
        {
            self.heard.push(sequence);
        }
        self.last = Some(set);
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Commit { writes, folds, event } => {
                let set = self.set(&writes, &folds, event).await;
                self.both(set).await;
            }
            Step::Repeat => {
                if let Some(set) = self.last.clone() {
                    self.both(set).await;
                }
            }
            Step::Advance(ms) => self.machine.clock.advance_ms(ms),
            Step::Checkpoint => self.store.flush().expect("flushed"),
            Step::Reopen => {
                self.store.close().expect("closed");
                self.store = self.machine.try_open(self.options.clone()).expect("opened again");
            }
            Step::Page { range: n, after, limit, newest_first } => {
                let after = after.map(key);
                self.same_page(n, after.as_ref(), limit, newest_first).await;
            }
        }
    }

    async fn same_page(&mut self, n: u8, after: Option<&Key>, limit: usize, newest_first: bool) {
        let range = range(n);
        let ours = self.store.list(&range, after, limit, newest_first).await.expect("readable");
        let theirs = self.twin.list(&range, after, limit, newest_first).await.expect("readable");
        assert_eq!(ours, theirs, "{range:?} after {after:?}, {limit}, {newest_first}");
        self.filled[usize::from(n % 4)] += usize::from(!ours.is_empty());
    }

    async fn same(&mut self) {
        let keys: Vec<Key> = (0..=255).map(key).collect();
        let (ours, theirs) = (self.store.get(&keys).await, self.twin.get(&keys).await);
        assert_eq!(ours.expect("readable"), theirs.expect("readable"));
        for n in 0..16 {
            self.same_page(n, None, 1_000, n % 2 == 0).await;
        }
        let (player, start) = (PlayerId::from_u128(1), Cursor::default());
        let ours = self.store.events(player, start, 256).await.expect("readable");
        let mut theirs = self.twin.events(player, start, usize::MAX).await.expect("readable");
        theirs.drain(..theirs.len().saturating_sub(256));
        assert_eq!(ours, theirs);
        let heard: Vec<u64> =
            self.store.audit(0, usize::MAX).expect("readable").iter().map(|a| a.0).collect();
        assert_eq!(heard, self.heard, "each commit's audit record, once");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_store_answers_like_its_twin(steps in proptest::collection::vec(step(), 1..80), hot in 0usize..20) {
        run(async {
            let mut pair = Pair::new(hot);
            for step in steps {
                pair.step(step).await;
            }
            pair.same().await;
            pair.step(Step::Reopen).await;
            pair.same().await;
        });
    }
}

/// Two stores agree easily on pages that hold nothing: these do.
#[test]
fn each_kind_of_page_that_is_compared_holds_rows() {
    run(async {
        let mut pair = Pair::new(2);
        for n in 0..=20 {
            let writes = vec![(n, 4, WriteKind::Put)];
            pair.step(Step::Commit { writes, folds: Vec::new(), event: false }).await;
        }
        for (range, after) in [(0, 1), (1, 1), (2, 8), (3, 17)] {
            pair.step(Step::Page { range, after: None, limit: 2, newest_first: false }).await;
            pair.step(Step::Page { range, after: Some(after), limit: 2, newest_first: false }).await;
        }
        // Of the player 3 there is one step of history: nothing comes after it.
        assert_eq!(pair.filled, [2, 2, 2, 1]);
        pair.step(Step::Checkpoint).await;
        pair.step(Step::Reopen).await;
        pair.same().await;
        assert_eq!(pair.filled, [6, 6, 6, 3], "of four players asked for two have no history");
    });
}

#[test]
fn expired_rows_leave_the_tables() {
    let machine = Machine::new();
    let store = machine.try_open(Options { hot_rows_max: 0, ..machine.options() }).expect("opened");
    run(async {
        for n in 0..50 {
            let mut set = ChangeSet::new(CommitKey::from_u128(n), kit::START);
            set.create_until(player_key(n as u64), player_row(1), kit::START.saturating_add(Millis::new(10)));
            store.commit(set).await.expect("taken");
        }
        store.flush().expect("flushed");
        machine.clock.advance_ms(11);
        kit::commit(&store, 1_000).await.expect("taken");
        store.flush().expect("flushed");
        machine.clock.advance_ms(-11);
        // Back in time the rows would show again, were they still there.
        let keys: Vec<Key> = (0..50).map(player_key).collect();
        let left = store.get(&keys).await.expect("readable").iter().flatten().count();
        assert_eq!(left, 0);
    });
}

#[test]
fn an_answered_key_is_known_after_a_restart() {
    let machine = Machine::new();
    let store = machine.open();
    let first = run(kit::commit(&store, 7)).expect("taken");
    drop(store);
    let store = machine.open();
    run(kit::commit(&store, 8)).expect("taken");
    assert_eq!(run(kit::commit(&store, 7)).expect("the first answer"), first);
    drop(store.flush());
    drop(store);
    let disk = machine.disk.kill();
    let machine = Machine::on(disk);
    assert_eq!(run(kit::commit(&machine.open(), 7)).expect("the first answer"), first);
}
