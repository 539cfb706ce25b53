//! Boards saved beside the embedded store: after power cuts, kills and backups they come back exactly, or not at all.
use crate::faults::FaultyVolume;
use crate::kit::{Machine, mode, quiet, rating_row, run};
use gsm_adapters::{EmbeddedStore, Options, SnapshotFiles, SystemIds};
use gsm_core::{BoardName, Clock, CommitKey, PlayerId, Timestamp};
use gsm_engine::{
    BoardRef, BoardRow, Engine, EngineOptions, LoadReport, SnapshotRules, Snapshots,
    store::{ChangeSet, Expect, Homes, Key, KeyRange, Op, Position, Row, StandingRow, Store, StoreFault},
    token::TokenKey,
};
use std::{os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

pub(crate) const RULES: SnapshotRules = SnapshotRules { players_min: 1, changes_min: 1 };

/// splitmix64 (Steele, Lea, Flood 2014, figure 18).
pub(crate) fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Five ratings of 300 players, of which some are removed.
fn changes(n: u64) -> ChangeSet {
    let mut set = ChangeSet::new(CommitKey::from_u128(u128::from(mixed(n))), Timestamp::EPOCH);
    for k in 0..5 {
        let chance = mixed(n * 8 + k);
        let op = if chance.is_multiple_of(9) {
            Op::Delete
        } else {
            let mut row = rating_row(1_500.0);
            if let Row::Rating(StandingRow { rating: Some(rating), .. }) = &mut row {
                rating.score = (chance >> 20 & 0xfff) as i64;
            }
            Op::Put { row: Arc::new(row), expires_at: None }
        };
        // Each `k` has players of its own: no set writes a row twice.
        let player = PlayerId::from_u128(u128::from((chance >> 8) % 60 * 5 + k));
        set.write(Key::Rating(mode(), player), Expect::Any, op);
    }
    set
}

pub(crate) fn engine(store: &Arc<EmbeddedStore>, clock: Arc<dyn Clock>) -> Engine {
    let options = EngineOptions { node: "test".to_owned(), token_key: TokenKey::new([7; 32]) };
    Engine::new(Homes::one(store.clone()), clock, Arc::new(SystemIds), options)
}

async fn listed(engine: &Engine) -> Vec<BoardRow> {
    engine.top(&BoardRef::from(&mode()), 0, 1_000).await.map(|(rows, _)| rows).unwrap_or_default()
}

/// A start from the files, which shows what one shows that reads everything.
pub(crate) async fn start(
    store: &Arc<EmbeddedStore>,
    clock: Arc<dyn Clock>,
    files: &SnapshotFiles,
) -> (Engine, LoadReport) {
    let (full, own) = (engine(store, clock.clone()), engine(store, clock));
    full.load().await.expect("loads");
    let report = own.load_from(Some(files), None).await.expect("loads");
    assert_eq!(listed(&own).await, listed(&full).await);
    (own, report)
}

#[test]
fn boards_come_back_after_power_cuts() {
    run(async {
        let mut from_snapshots = 0;
        for seed in 0..12 {
            let (mut disk, snapshots) = (FaultyVolume::new(), tempfile::tempdir().expect("a directory"));
            let (files, mut next) = (SnapshotFiles::new(snapshots.path()), 0);
            for life in 0..5 {
                let machine = Machine::on(disk.clone());
                let options = Options { volume: Some(disk.clone()), reserve_bytes: 0, ..quiet() };
                let store = machine.try_open(options).expect("opens");
                let (engine, report) = start(&store, machine.clock.clone(), &files).await;
                from_snapshots += report.snapshots;
                let chance = mixed(seed * 64 + life);
                disk.cut_after((200 + chance % 400) as u32);
                while !disk.is_off() {
                    next += 1;
                    let _ = store.commit(changes(next)).await;
                    match mixed(next + seed) % 16 {
                        0 => drop(store.flush()),
                        1 => drop(engine.save_boards(&files, RULES)),
                        _ => {}
                    }
                }
                drop((engine, store));
                disk = disk.cut(seed ^ life);
            }
        }
        assert!(from_snapshots > 20, "{from_snapshots} of 48");
    });
}

fn copy(from: &Path, to: &Path) {
    for name in ["journal.redb", "tables.redb"] {
        std::fs::copy(from.join(name), to.join(name)).expect("copied");
    }
}

#[test]
fn a_snapshot_of_a_past_that_a_backup_undid_is_not_used() {
    let (dir, backup) =
        (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let clock = Arc::new(gsm_engine::testing::ManualClock::at(crate::kit::START));
    let files = SnapshotFiles::new(&dir.path().join("snapshots"));
    let open = || EmbeddedStore::open(dir.path(), clock.clone(), quiet()).expect("opens");
    run(async {
        let store = open();
        for n in 0..30 {
            store.commit(changes(n)).await.expect("taken");
        }
        store.close().expect("closes");
        copy(dir.path(), backup.path());
        let store = open();
        for n in 30..60 {
            store.commit(changes(n)).await.expect("taken");
        }
        let (engine, _) = start(&store, clock.clone(), &files).await;
        assert_eq!(engine.save_boards(&files, RULES).expect("saved").saved, 1);
        store.close().expect("closes");
        drop(engine);
        let store = open();
        assert_eq!(start(&store, clock.clone(), &files).await.1.snapshots, 1, "it is good until then");
        store.close().expect("closes");
        copy(backup.path(), dir.path());
        let store = open();
        assert_eq!(start(&store, clock.clone(), &files).await.1.snapshots, 0, "it is of the future");
        // The last of these is what the snapshot stands at, under the same key and sequence, over another past.
        for n in (130..159).chain([59]) {
            store.commit(changes(n)).await.expect("taken");
        }
        assert_eq!(start(&store, clock.clone(), &files).await.1.snapshots, 0, "it is of another past");
        store.flush().expect("written");
        assert_eq!(start(&store, clock.clone(), &files).await.1.snapshots, 0, "in the tables too");
        store.close().expect("closes");
    });
}

#[test]
fn the_trace_forgets_its_oldest_commits() {
    let machine = Machine::new();
    let options = || Options { traced_rows_max: 100, ..machine.options() };
    let known = async |store: &EmbeddedStore, position| {
        let range = KeyRange::Ratings(mode());
        store.changed(&range, position, &mut |_, _, _| {}).await.expect("readable")
    };
    run(async {
        let (store, mut places) = (machine.try_open(options()).expect("opens"), vec![Position::default()]);
        for n in 0..60 {
            store.commit(changes(n)).await.expect("taken");
            places.push(store.position().expect("traced"));
        }
        for place in &places {
            assert!(known(&store, *place).await, "what is not written yet is all there");
        }
        store.flush().expect("written");
        assert_eq!(store.position(), places.last().copied());
        let known_until = async |store: &EmbeddedStore| {
            let mut all = Vec::new();
            for place in &places {
                all.push(known(store, *place).await);
            }
            assert!(all.is_sorted(), "the oldest go first: {all:?}");
            all.iter().filter(|known| **known).count()
        };
        assert_eq!(known_until(&store).await, 21, "100 rows, 5 a commit");
        store.close().expect("closes");
        let store = machine.try_open(options()).expect("opens");
        assert_eq!((store.position(), known_until(&store).await), (places.last().copied(), 21));
    });
}

#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    let dir = tempfile::tempdir().expect("a directory");
    let (files, name) =
        (SnapshotFiles::new(&dir.path().join("a/b")), BoardName::new("duel").expect("a name"));
    let read = || {
        let mut bytes = Vec::new();
        let file = files.read(&name).expect("readable");
        file.map(|mut file| file.read_to_end(&mut bytes).map(|_| bytes).expect("readable"))
    };
    assert_eq!((files.names().expect("listed"), read()), (Vec::new(), None));
    files.remove(&name).expect("nothing to do");
    files.replace(&name, &mut |out| out.write_all(b"one")).expect("written");
    let failed = files.replace(&name, &mut |out| {
        out.write_all(b"two")?;
        Err(std::io::Error::other(StoreFault::new("no more")))
    });
    assert!(failed.is_err());
    assert_eq!(read().as_deref(), Some(&b"one"[..]));
    let path = dir.path().join("a/b/duel.board");
    let mode = std::fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::write(path.with_file_name("duel.board.new"), b"of a crash").expect("written");
    std::fs::write(path.with_file_name("not a name.board"), b"of somebody").expect("written");
    assert_eq!(files.names().expect("listed"), std::slice::from_ref(&name));
    files.replace(&name, &mut |out| out.write_all(b"two")).expect("written");
    assert_eq!(read().as_deref(), Some(&b"two"[..]));
    files.remove(&name).expect("removed");
    assert_eq!((files.names().expect("listed"), read()), (Vec::new(), None));
}
