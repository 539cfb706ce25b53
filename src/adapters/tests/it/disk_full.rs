//! A full disk: reads go on, commits are refused and surely not applied, and all is well once there is room.
use crate::kit::{Machine, expect_whole, numbered, run, traces};
use gsm_adapters::{EmbeddedStore, State};
use gsm_engine::store::{CommitError, Store};

/// Commits sets from `next` on until one is refused; those that were taken.
async fn fill(store: &EmbeddedStore, next: &mut u64) -> Vec<u64> {
    let mut taken = Vec::new();
    loop {
        let n = *next;
        *next += 1;
        match store.commit(numbered(n, 3_000)).await {
            Ok(_) => taken.push(n),
            Err(CommitError::Refused(fault)) => {
                assert!(fault.to_string().contains("disk full"), "{fault}");
                return taken;
            }
            Err(other) => panic!("a full disk is no mystery: {other}"),
        }
        if n.is_multiple_of(16) {
            let _ = store.flush();
        }
    }
}

async fn until_ok(store: &EmbeddedStore) {
    while store.stats().state != State::Ok {
        assert!(!matches!(store.stats().state, State::Failed(_)), "{:?}", store.stats());
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_full_disk_refuses_and_then_goes_on() {
    for room in (0..40).step_by(4) {
        run(async {
            let machine = Machine::new();
            let store = machine.open();
            let (mut next, mut taken, mut refused) = (0, Vec::new(), Vec::new());
            for round in 0..3 {
                machine.disk.set_room(room * 4096 * 3 + round * 8192);
                taken.extend(fill(&store, &mut next).await);
                refused.push(next - 1);
                let context = format!("room {room}, round {round}");
                expect_whole(&store, taken.iter().copied().rev().take(5), &context).await;
                assert_eq!(
                    traces(&store, next - 1).await.expect("readable"),
                    0,
                    "refused is not applied; {context}"
                );
                let state = store.stats().state;
                assert!(matches!(&state, State::ReadOnly(text) if text.contains("disk full")), "{state:?}");
                if let Some(n) = taken.last() {
                    store
                        .commit(numbered(*n, 3_000))
                        .await
                        .expect("a repeat hears the first answer, full or not");
                }
                machine.disk.set_room(1 << 30);
                until_ok(&store).await;
            }
            for n in &refused {
                assert_eq!(traces(&store, *n).await.expect("readable"), 0);
            }
            let again = store.commit(numbered(refused[0], 10)).await;
            again.expect("a refused set can be brought again");
            drop(store);
            let store = machine.open();
            taken.push(refused[0]);
            expect_whole(&store, taken, "after a restart").await;
        });
    }
}

#[test]
fn the_reserve_is_given_up_and_filled_again() {
    let machine = Machine::new();
    let store = machine.open();
    run(async {
        assert_eq!(machine.disk.file_len("reserve"), 256 << 10);
        machine.disk.set_room(0);
        fill(&store, &mut 1).await;
        // The store looks for room every few moments; a look that finds none takes back what it has written of it.
        while machine.disk.file_len("reserve") != 0 {
            tokio::task::yield_now().await;
        }
        machine.disk.set_room(1 << 30);
        until_ok(&store).await;
        assert_eq!(machine.disk.file_len("reserve"), 256 << 10);
    });
}
