//! kill -9 of a process that commits and saves its boards: in the middle of a snapshot, of a commit, after both. Ranks
//! at the first answer of the next start are those of the rows, and what was acknowledged is among them.
use crate::{
    kit::{mode, rating_row, run},
    snapshots::{RULES, engine, mixed, start},
};
use gsm_adapters::{EmbeddedStore, Options, SnapshotFiles, SystemClock};
use gsm_core::{BoardName, CommitKey, Millis, PlayerId, Timestamp};
use gsm_engine::{
    BoardRef, Snapshots, Viewer,
    store::{ChangeSet, Expect, Key, KeyRange, Op, Row, StandingRow, Store},
};
use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

const DIR: &str = "GSM_TEST_BOARD_CHILD_DIR";
const FROM: &str = "GSM_TEST_BOARD_CHILD_FROM";
const HALT: &str = "GSM_TEST_BOARD_CHILD_HALT";
const ROUNDS: u64 = 9;
const PLAYERS: u64 = 4_000;
/// Ratings that one commit writes.
const ROWS: u64 = 40;

fn open(dir: &Path) -> Arc<EmbeddedStore> {
    let options = Options { checkpoint_every: Millis::new(20), reserve_bytes: 1 << 20, ..Options::default() };
    EmbeddedStore::open(dir, Arc::new(SystemClock::new()), options).expect("the store opens")
}

fn files(dir: &Path) -> SnapshotFiles {
    SnapshotFiles::new(&dir.join("boards"))
}

/// The ratings that the commit `n` writes, or takes away.
fn moves(n: u64) -> BTreeMap<PlayerId, Option<i64>> {
    let one = |k: u64| {
        let chance = mixed(n * ROWS + k);
        let player = PlayerId::from_u128(u128::from((chance >> 8) % (PLAYERS / ROWS) * ROWS + k));
        (player, (!chance.is_multiple_of(11)).then_some((chance >> 20 & 0xfff) as i64))
    };
    (0..ROWS).map(one).collect()
}

fn changes(n: u64) -> ChangeSet {
    let mut set = ChangeSet::new(CommitKey::from_u128(u128::from(mixed(n))), Timestamp::EPOCH);
    for (player, score) in moves(n) {
        let op = match score {
            None => Op::Delete,
            Some(score) => {
                let mut row = rating_row(1_500.0);
                if let Row::Rating(StandingRow { rating: Some(rating), .. }) = &mut row {
                    rating.score = score;
                }
                Op::Put { row: Arc::new(row), expires_at: None }
            }
        };
        set.write(Key::Rating(mode(), player), Expect::Any, op);
    }
    set
}

fn say(line: &str) {
    let mut out = io::stdout().lock();
    // One write, so that a line is whole or not there.
    out.write_all(format!("\n{line}\n").as_bytes()).and_then(|()| out.flush()).expect("told");
}

/// Snapshots that come to a halt for ever in the middle of one, with what was written so far on the disk.
struct Halting {
    files: SnapshotFiles,
    /// Writes to go until then, of all snapshots; `None` for never.
    left: Option<AtomicUsize>,
}

struct Sink<'a>(&'a mut dyn Write, &'a Halting);

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(left) = &self.1.left
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            let half = self.0.write(&bytes[..bytes.len() / 2])?;
            self.0.flush()?;
            say("half");
            loop {
                std::thread::park();
                assert!(half > bytes.len(), "nobody wakes it");
            }
        }
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Snapshots for Halting {
    fn names(&self) -> io::Result<Vec<BoardName>> {
        self.files.names()
    }
    fn read(&self, name: &BoardName) -> io::Result<Option<Box<dyn Read + Send>>> {
        self.files.read(name)
    }
    fn replace(
        &self,
        name: &BoardName,
        fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.files.replace(name, &mut |out| fill(&mut Sink(out, self)))?;
        say("saved");
        Ok(())
    }
    fn remove(&self, name: &BoardName) -> io::Result<()> {
        self.files.remove(name)
    }
}

#[expect(clippy::disallowed_methods, reason = "how the parent tells the child what to do")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Not a test by itself: the body of the child process, which commits and saves until it is killed.
#[test]
fn child() {
    let (Some(dir), Some(from)) = (told(DIR), told(FROM).and_then(|n| n.parse::<u64>().ok())) else { return };
    let left = told(HALT).and_then(|n| n.parse().ok()).map(AtomicUsize::new);
    let (dir, snapshots) = (Path::new(&dir), Halting { files: files(Path::new(&dir)), left });
    let store = open(dir);
    let own = engine(&store, Arc::new(SystemClock::new()));
    run(async { own.load_from(Some(&snapshots), None).await.expect("loads") });
    std::thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                own.save_boards(&snapshots, RULES).expect("the names are readable");
                std::thread::yield_now();
            }
        });
        run(async {
            for n in from.. {
                store.commit(changes(n)).await.expect("taken");
                say(&format!("ack {n}"));
            }
        });
    });
}

/// When a child is killed.
#[derive(Clone, Copy)]
enum Moment {
    /// While it commits, and saves perhaps.
    Acknowledged(u64),
    /// With half of a snapshot written, commits after it.
    Half(u64),
    /// Right after so many snapshots were in their place.
    Saved(u64),
}

/// Runs a child until it is killed; the last commit that it acknowledged.
fn life(dir: &Path, from: u64, moment: Moment) -> u64 {
    let mut command = Command::new(std::env::current_exe().expect("own path"));
    command.args(["--exact", "board_crash::child", "--nocapture"]).env(DIR, dir).env(FROM, from.to_string());
    if let Moment::Half(after) = moment {
        command.env(HALT, after.to_string());
    }
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the child starts");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let (mut last, mut acks, mut saved, mut is_half, mut killed) = (from - 1, 0, 0, false, false);
    for line in lines.map_while(Result::ok) {
        if let Some(n) = line.strip_prefix("ack ").and_then(|n| n.parse().ok()) {
            (last, acks) = (n, acks + 1);
        }
        saved += u64::from(line == "saved");
        is_half |= line == "half";
        let is_now = match moment {
            Moment::Acknowledged(wanted) => acks >= wanted,
            // A few commits more, which the snapshot before does not have.
            Moment::Half(_) => is_half && acks % 5 == 4,
            Moment::Saved(wanted) => saved >= wanted && acks > 0,
        };
        if is_now && !killed {
            child.kill().expect("killed");
            killed = true;
        }
    }
    assert!(killed, "the child ended by itself: {:?}", child.wait());
    child.wait().expect("gone");
    last
}

/// The scores after the first commits.
fn scores(commits: u64) -> BTreeMap<PlayerId, i64> {
    let mut scores = BTreeMap::new();
    for (player, score) in (1..=commits).flat_map(moves) {
        match score {
            Some(score) => drop(scores.insert(player, score)),
            None => drop(scores.remove(&player)),
        }
    }
    scores
}

async fn stored(store: &EmbeddedStore) -> BTreeMap<PlayerId, i64> {
    let (mut scores, mut after) = (BTreeMap::new(), None);
    loop {
        let page = store.list(&KeyRange::Ratings(mode()), after.as_ref(), 1_000, false).await.expect("read");
        let Some((last, _)) = page.last() else { return scores };
        after = Some(last.clone());
        for (key, found) in page {
            if let (Key::Rating(_, player), Row::Rating(StandingRow { rating: Some(row), .. })) =
                (key, &*found.row)
            {
                scores.insert(player, row.score);
            }
        }
    }
}

#[test]
fn ranks_after_kill_9_are_those_of_the_rows() {
    let dir = tempfile::tempdir().expect("directory");
    let (mut last, mut from_snapshots) = (0, 0);
    for round in 0..ROUNDS {
        let moment = match round % 3 {
            0 => Moment::Saved(1 + round / 3),
            1 => Moment::Half(1 + round),
            _ => Moment::Acknowledged(30 + round * 17),
        };
        last = life(dir.path(), last + 1, moment);
        let store = open(dir.path());
        run(async {
            let rows = stored(&store).await;
            // One more may have been taken, whose acknowledgement nobody heard.
            if rows != scores(last) {
                last += 1;
                assert!(rows == scores(last), "round {round}: rows are not those of {last} commits");
            }
            let (first, report) = start(&store, Arc::new(SystemClock::new()), &files(dir.path())).await;
            from_snapshots += report.snapshots;
            let of = BoardRef::from(&mode());
            for (player, score) in rows.iter().step_by(7) {
                let better = rows.values().filter(|other| *other > score).count() as u64;
                let seen = first.rank(&of, *player, Viewer::All).expect("ranked");
                assert_eq!((seen.rank.get(), seen.players), (better + 1, rows.len() as u64), "round {round}");
            }
        });
        store.close().expect("closed");
    }
    assert!(from_snapshots as u64 >= ROUNDS - 1, "{from_snapshots} of {ROUNDS} starts had a snapshot");
}
