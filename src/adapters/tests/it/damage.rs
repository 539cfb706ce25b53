//! Damage of the files: the same data or a named error, never anything else.
use crate::faults::FaultyVolume;
use crate::kit::{self, Machine, commit, expect_whole, quiet, run, traces};
use gsm_adapters::{EmbeddedStore, OpenError, Options};
use gsm_core::Clock;
use gsm_engine::store::{KeyRange, Store};
use std::sync::Arc;

const SETS: u64 = 60;
const FILES: [&str; 2] = ["journal.redb", "tables.redb"];

/// A disk with sets on it: some in the tables, the rest in the journal unless closed.
fn written(closed: bool) -> Arc<FaultyVolume> {
    let machine = Machine::new();
    let store = machine.open();
    run(async {
        for n in 0..SETS {
            commit(&store, n).await.expect("taken");
            if n == SETS / 2 {
                store.flush().expect("flushed");
            }
        }
    });
    if closed {
        store.close().expect("closed");
        return machine.disk.fork();
    }
    machine.disk.kill()
}

/// Opens a damaged disk and reads everything; `lost_max` newest sets may be missing. Whether it was found out.
fn judge(disk: Arc<FaultyVolume>, lost_max: u64, what: &str) -> bool {
    let machine = Machine::on(disk);
    let store = match machine.try_open(Options { tables_cache_bytes: 0, ..machine.options() }) {
        Err(OpenError::Damaged { what: text, file }) => {
            assert!(FILES.contains(&file.as_str()) && !text.is_empty(), "{what}: {file} {text}");
            return true;
        }
        Err(OpenError::NewerFormat { .. }) => return true,
        Err(other) => panic!("{what}: {other}"),
        Ok(store) => store,
    };
    run(async {
        let heard = kit::heard(&store);
        let mut found = heard.is_err();
        let heard = heard.unwrap_or_else(|_| (0..SETS).map(|n| format!("req-{n}")).collect());
        for n in 0..SETS {
            match kit::traces_with(&store, n, &heard).await {
                Ok(5) => {}
                Ok(0) if n >= SETS - lost_max => {}
                Ok(some) => panic!("{what}: {some} traces of set {n}"),
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    found = true;
                }
            }
        }
        match store.list(&KeyRange::AllRatings, None, 1_000, false).await {
            Ok(rows) => assert!(rows.len() as u64 >= SETS - lost_max, "{what}: {} ratings", rows.len()),
            Err(_) => found = true,
        }
        found
    })
}

fn flips(disk: &FaultyVolume, lost_max: impl Fn(&str) -> u64) -> usize {
    let mut found = 0;
    for file in FILES {
        let len = disk.file_len(file);
        // Much of the first sectors (checksums, the library's header), then samples of the rest.
        let head = (0..256).step_by(9).chain((4096..4096 + 512).step_by(5));
        let step = (len / 100).max(1) | 1;
        for byte in head.chain((0..len).step_by(step)) {
            let copy = disk.fork();
            let bit = u8::try_from(byte % 8).expect("small");
            copy.flip(file, byte, bit);
            found += usize::from(judge(copy, lost_max(file), &format!("bit {bit} of byte {byte} of {file}")));
        }
    }
    found
}

#[test]
fn a_flipped_bit_of_a_closed_store_is_never_served() {
    let found = flips(&written(true), |_| 0);
    assert!(found > 100, "most of the file matters: {found}");
}

#[test]
fn a_flipped_bit_of_a_killed_store_is_never_served() {
    // In the journal's last group damage looks like a torn write, and the group like one that never was.
    let found = flips(&written(false), |file| u64::from(file == "journal.redb"));
    assert!(found > 100, "most of the file matters: {found}");
}

#[test]
fn a_torn_tail_is_the_same_data_or_a_named_error() {
    for closed in [true, false] {
        let disk = written(closed);
        for file in FILES {
            let len = disk.file_len(file);
            for cut in (1..40).map(|n| n * 4096 / 3).chain([1, 7, 512]) {
                let copy = disk.fork();
                copy.truncate(file, len.saturating_sub(cut));
                let lost_max = u64::from(!closed && file == "journal.redb");
                judge(copy, lost_max, &format!("{cut} bytes off {file}, closed {closed}"));
            }
        }
    }
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let refused = |disk: Arc<FaultyVolume>| {
        let machine = Machine::on(disk);
        let error = machine.try_open(machine.options()).err().expect("refused");
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        error.to_string()
    };
    let disk = written(false);
    for file in FILES {
        let copy = disk.fork();
        gsm_adapters::disk::Volume::remove(&*copy, file).expect("removed");
        assert!(refused(copy).contains("missing"));
        let mixed = disk.fork();
        mixed.adopt(file, &written(false));
        assert!(refused(mixed).contains("another store"));
    }
    // Tables from before, with a journal that was trimmed since.
    let machine = Machine::on(disk.fork());
    let store = machine.open();
    run(commit(&store, SETS)).expect("taken");
    drop(store);
    let old_tables = machine.disk.fork();
    old_tables.adopt("tables.redb", &disk);
    assert!(refused(old_tables).contains("older"));
    let old_journal = machine.disk.fork();
    old_journal.adopt("journal.redb", &disk);
    assert!(refused(old_journal).contains("ends before"));
}

#[test]
fn damage_of_real_files_is_named() {
    let (dir, clock) = (tempfile::tempdir().expect("directory"), Arc::new(gsm_adapters::SystemClock::new()));
    assert!(clock.now() > kit::START);
    let store = EmbeddedStore::open(dir.path(), clock.clone(), quiet()).expect("opened");
    run(commit(&store, 1)).expect("taken");
    drop(store);
    let store = EmbeddedStore::open(dir.path(), clock.clone(), quiet()).expect("opened again");
    run(async { assert_eq!(traces(&store, 1).await.expect("readable"), 4, "its event expired long ago") });
    drop(store);
    // Who looks sees the same, and leaves the files as they are.
    let files = || FILES.map(|name| std::fs::read(dir.path().join(name)).expect("a file"));
    let (before, range) = (files(), gsm_engine::store::KeyRange::Queues);
    assert!(EmbeddedStore::look(dir.path(), &range).is_ok());
    assert!(files() == before);
    std::fs::remove_file(dir.path().join("journal.redb")).expect("removed");
    let error = EmbeddedStore::look(dir.path(), &range).expect_err("refused").to_string();
    assert!(error.contains("`journal.redb` is missing"), "{error}");
    std::fs::write(dir.path().join("journal.redb"), &before[0]).expect("written");
    std::fs::write(dir.path().join("tables.redb"), b"nonsense").expect("written");
    let error = EmbeddedStore::look(dir.path(), &range).expect_err("refused");
    assert!(error.to_string().starts_with("`tables.redb` is damaged"), "{error}");
    let error = EmbeddedStore::open(dir.path(), clock, quiet()).err().expect("refused");
    assert!(error.to_string().starts_with("`tables.redb` is damaged"), "{error}");
}

#[test]
fn a_healthy_copy_is_judged_healthy() {
    for closed in [true, false] {
        assert!(!judge(written(closed), 0, "no damage"));
        let machine = Machine::on(written(closed));
        run(expect_whole(&machine.open(), 0..SETS, "no damage"));
    }
}
