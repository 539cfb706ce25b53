use crate::kit::{Machine, quiet, run};
use async_trait::async_trait;
use gsm_adapters::{EmbeddedStore, OpenError, Options};
use gsm_core::{Clock, PlayerId, Timestamp};
use gsm_engine::{
    store::{
        ChangeSet, CommitError, Committed, Cursor, Fold, Key, KeyRange, Position, PushEvent, ReadError, Row,
        Store, StoreLimits, Version, Versioned,
    },
    testing::{ManualClock, Subject, store_suite},
};
use std::sync::Arc;

/// Makes a checkpoint after every commit, so that everything cold is read from the tables.
struct Written(Arc<EmbeddedStore>);

#[async_trait]
impl Store for Written {
    fn limits(&self) -> StoreLimits {
        self.0.limits()
    }
    async fn commit(&self, changes: ChangeSet) -> Result<Committed, CommitError> {
        let fate = self.0.commit(changes).await;
        self.0.flush().expect("a checkpoint");
        fate
    }
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, ReadError> {
        self.0.get(keys).await
    }
    async fn list(
        &self,
        range: &KeyRange,
        after: Option<&Key>,
        limit: usize,
        newest_first: bool,
    ) -> Result<Vec<(Key, Versioned)>, ReadError> {
        self.0.list(range, after, limit, newest_first).await
    }
    async fn events(
        &self,
        player: PlayerId,
        after: Cursor,
        limit: usize,
    ) -> Result<Vec<(Cursor, PushEvent)>, ReadError> {
        self.0.events(player, after, limit).await
    }
    fn position(&self) -> Option<Position> {
        self.0.position()
    }
    async fn changed(
        &self,
        range: &KeyRange,
        after: Position,
        take: &mut (dyn FnMut(Key, Version, Option<Arc<Row>>) + Send),
    ) -> Result<bool, ReadError> {
        self.0.changed(range, after, take).await
    }
    fn subscribe(&self, fold: Arc<dyn Fold>) {
        self.0.subscribe(fold);
    }
}

fn open(options: Options) -> (Arc<EmbeddedStore>, Arc<ManualClock>, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("temporary directory");
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
    (EmbeddedStore::open(dir.path(), clock.clone(), options).expect("opened"), clock, dir)
}

#[test]
fn the_suite_passes_on_real_files() {
    run(store_suite(async || {
        let (store, clock, dir) = open(quiet());
        Subject { store, clock, keep: Box::new(dir) }
    }));
}

#[test]
fn the_suite_passes_with_a_checkpoint_after_every_commit() {
    run(store_suite(async || {
        let (store, clock, dir) = open(Options { hot_rows_max: 0, ..quiet() });
        Subject { store: Arc::new(Written(store)), clock, keep: Box::new(dir) }
    }));
}

#[test]
fn a_second_server_on_the_directory_is_told_who_has_it() {
    let (store, clock, dir) = open(quiet());
    let second = EmbeddedStore::open(dir.path(), clock.clone(), quiet());
    let refused = second.err().expect("refused");
    let own = std::process::id().to_string();
    assert!(matches!(&refused, OpenError::Locked { pid, .. } if *pid == own), "{refused}");
    store.close().expect("closed");
    EmbeddedStore::open(dir.path(), clock, quiet()).expect("free again");
}

#[test]
fn the_directory_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("temporary directory");
    let (inside, clock) = (dir.path().join("a/b"), Arc::new(ManualClock::default()));
    let _store = EmbeddedStore::open(&inside, clock, quiet()).expect("opened");
    let mode = std::fs::metadata(&inside).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    for file in std::fs::read_dir(&inside).expect("listed") {
        let file = file.expect("entry");
        assert_eq!(
            file.metadata().expect("there").permissions().mode() & 0o777,
            0o600,
            "{:?}",
            file.file_name()
        );
    }
}

#[test]
fn an_idle_store_leaves_the_disk_alone() {
    let machine = Machine::new();
    let store = machine.open();
    run(crate::kit::commit(&store, 1)).expect("taken");
    store.flush().expect("flushed");
    let syncs = machine.disk.syncs();
    store.flush().expect("nothing to do");
    assert_eq!(machine.disk.syncs(), syncs);
    assert_eq!(machine.clock.now(), crate::kit::START);
}

#[test]
fn a_closed_store_says_so() {
    let machine = Machine::new();
    let store = machine.open();
    store.close().expect("closed");
    store.close().expect("closing again does nothing");
    assert!(matches!(run(crate::kit::commit(&store, 1)), Err(CommitError::Refused(_))));
    assert!(run(store.get(&[crate::kit::player_key(1)])).is_err());
    assert!(store.flush().is_err());
}
