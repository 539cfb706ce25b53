//! Power cuts below the library: what was acknowledged is there, nothing is there by half.
use crate::faults::FaultyVolume;
use crate::kit::{self, Machine, commit, expect_whole, run};
use futures::future::join_all;
use gsm_adapters::{Durability, EmbeddedStore, Options};
use gsm_engine::store::CommitError;
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// What a run of commits knows of its sets.
#[derive(Default)]
struct Told {
    tried: AtomicU64,
    acknowledged: Mutex<BTreeSet<u64>>,
}

/// Several writers, with checkpoints between, until the power goes.
async fn write_until_dark(store: &EmbeddedStore, disk: &FaultyVolume, told: &Told) {
    let writer = async || {
        while !disk.is_off() {
            let n = told.tried.fetch_add(1, Ordering::SeqCst);
            if commit(store, n).await.is_ok() {
                told.acknowledged.lock().expect("lock").insert(n);
            }
            if n.is_multiple_of(7) {
                let _ = store.flush();
            }
        }
    };
    join_all((0..4).map(|_| writer())).await;
}

/// One life after another on the same disk; the sets that were acknowledged and are not there at the end.
fn lives(seed: u64, cuts: u32, options: &Options) -> Vec<u64> {
    run(async {
        let (mut disk, told) = (FaultyVolume::new(), Told::default());
        for life in 0..cuts {
            let machine = Machine::on(disk.clone());
            // Early cuts hit the making of the files and the replay, later ones commits and checkpoints.
            let chance = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(life * 7) >> 40;
            disk.cut_after(u32::try_from(chance % 600).expect("small"));
            let options = Options { volume: Some(disk.clone()), reserve_bytes: 0, ..options.clone() };
            if let Ok(store) = machine.try_open(options) {
                write_until_dark(&store, &disk, &told).await;
            }
            assert!(disk.is_off(), "seed {seed}: an open fails only for want of power");
            disk = disk.cut(seed ^ u64::from(life));
        }
        let machine = Machine::on(disk);
        let store = match machine.try_open(Options { volume: Some(machine.disk.clone()), ..options.clone() })
        {
            Ok(store) => store,
            Err(error) if options.durability == Durability::Never => {
                assert!(!error.to_string().is_empty());
                return told.acknowledged.into_inner().expect("lock").into_iter().collect();
            }
            Err(error) => panic!("seed {seed}: {error}"),
        };
        let acknowledged = told.acknowledged.into_inner().expect("lock");
        let (mut lost, heard) =
            (Vec::new(), kit::heard(&store).unwrap_or_else(|error| panic!("seed {seed}: {error}")));
        for n in 0..told.tried.into_inner() {
            match kit::traces_with(&store, n, &heard)
                .await
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"))
            {
                5 => {}
                0 if acknowledged.contains(&n) => lost.push(n),
                0 => {}
                some => panic!("seed {seed}: {some} of 5 traces of set {n}"),
            }
        }
        commit(&store, u64::MAX).await.expect("the store goes on");
        lost
    })
}

#[test]
fn a_power_cut_takes_nothing_that_was_acknowledged() {
    for seed in 0..60 {
        assert_eq!(lives(seed, 3, &kit::quiet()), [0; 0], "seed {seed}");
    }
}

/// Whether a store that breaks its promises is seen to: a set is lost, or there by half.
fn loses(seed: u64, options: &Options) -> bool {
    let lives = std::panic::AssertUnwindSafe(|| lives(seed, 1, options));
    std::panic::catch_unwind(lives).map_or(true, |lost| !lost.is_empty())
}

#[test]
fn a_missing_sync_is_seen_to_lose() {
    let never = Options { durability: Durability::Never, ..kit::quiet() };
    let lost = (0..20).filter(|&seed| loses(seed, &never));
    assert!(lost.count() > 10, "the fault layer must see a store that does not sync");
}

#[test]
fn a_failed_sync_stops_the_store_and_tells_the_server() {
    let machine = Machine::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let options = Options {
        on_fatal: Arc::new({
            let told = told.clone();
            move |why| told.lock().expect("lock").push(why)
        }),
        ..machine.options()
    };
    let store = machine.try_open(options).expect("opened");
    run(async {
        commit(&store, 1).await.expect("taken");
        machine.disk.set_sync_fails(true);
        let fate = commit(&store, 2).await;
        assert!(matches!(fate, Err(CommitError::Unknown(_))), "{fate:?}");
        machine.disk.set_sync_fails(false);
        let fate = commit(&store, 2).await;
        assert!(matches!(fate, Err(CommitError::Unknown(_))), "it may be on the disk: {fate:?}");
        let fate = commit(&store, 3).await;
        assert!(
            matches!(&fate, Err(CommitError::Refused(why)) if why.what.contains("sync")),
            "never again: {fate:?}"
        );
        expect_whole(&store, [1], "reads go on").await;
    });
    assert!(matches!(store.stats().state, gsm_adapters::State::Failed(_)));
    let why = told.lock().expect("lock").clone();
    assert!(why.len() == 1 && why[0].contains("sync"), "told once: {why:?}");
    drop(store);
    let machine = Machine::on(machine.disk.cut(1));
    run(expect_whole(&machine.open(), [1], "after a restart"));
}
