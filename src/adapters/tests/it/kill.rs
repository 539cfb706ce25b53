//! kill -9 of a real process on real files: what it had acknowledged is there.
use crate::kit::{commit, heard, run, traces_with};
use futures::future::join_all;
use gsm_adapters::{EmbeddedStore, Options, SystemClock};
use gsm_core::Millis;
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

const DIR: &str = "GSM_TEST_STORE_CHILD_DIR";
const FROM: &str = "GSM_TEST_STORE_CHILD_FROM";
const ROUNDS: u64 = 6;

fn open(dir: &Path) -> Arc<EmbeddedStore> {
    let options = Options { checkpoint_every: Millis::new(20), reserve_bytes: 1 << 20, ..Options::default() };
    EmbeddedStore::open(dir, Arc::new(SystemClock::new()), options).expect("the store opens")
}

#[expect(clippy::disallowed_methods, reason = "how the parent tells the child what to do")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Not a test by itself: the body of the child process, which commits until it is killed.
#[test]
fn child() {
    let (Some(dir), Some(from)) = (told(DIR), told(FROM).and_then(|n| n.parse().ok())) else { return };
    let (store, next) = (open(Path::new(&dir)), AtomicU64::new(from));
    run(join_all((0..16).map(async |_| {
        loop {
            let n = next.fetch_add(1, Ordering::SeqCst);
            commit(&store, n).await.expect("taken");
            let mut out = std::io::stdout().lock();
            // One write, so that a line is whole or not there.
            out.write_all(format!("\nack {n}\n").as_bytes()).and_then(|()| out.flush()).expect("told");
        }
    })));
}

#[test]
fn kill_9_takes_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().expect("directory");
    let mut acknowledged: Vec<u64> = Vec::new();
    for round in 0..ROUNDS {
        let from = round * 1_000_000;
        let mut child = Command::new(std::env::current_exe().expect("own path"))
            .args(["--exact", "kill::child", "--nocapture"])
            .env(DIR, dir.path())
            .env(FROM, from.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        // Killed at a moment that differs from round to round: after so many acknowledgements.
        let (mut wanted, mut killed) = (20 + round * 37, false);
        for line in lines.map_while(Result::ok) {
            let Some(n) = line.strip_prefix("ack ").and_then(|n| n.parse().ok()) else { continue };
            acknowledged.push(n);
            wanted = wanted.saturating_sub(1);
            if wanted == 0 && !killed {
                child.kill().expect("killed");
                killed = true;
            }
        }
        assert!(killed, "the child ended by itself: {:?}", child.wait());
        child.wait().expect("gone");
        let store = open(dir.path());
        run(async {
            let heard = heard(&store).expect("readable");
            for n in &acknowledged {
                // The event may have expired, the rest may not.
                assert!(
                    traces_with(&store, *n, &heard).await.expect("readable") >= 4,
                    "round {round}: set {n} is lost"
                );
            }
        });
        store.close().expect("closed");
    }
    assert!(acknowledged.len() as u64 > ROUNDS * 20);
}
