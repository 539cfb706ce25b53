//! A restart with many rated players, until ranks are answered: `GSM_BENCH_PLAYERS=10000000 cargo bench -p gsm-adapters --bench restart`.
//!
//! Makes a data directory (in `GSM_BENCH_DIR`, else in the system's temporary one) through the store's own commits, unless
//! it is there, and then restarts on it in processes of their own: what a server does before it is ready, and a few ranks
//! that are compared with a recount. First every row is read, and the board saved; then it comes from its snapshot, without
//! changes since and with `GSM_BENCH_CHANGES` of them (rows that are written again as they are).
#![allow(clippy::print_stdout, reason = "a bench prints its numbers")]
#![expect(
    clippy::disallowed_methods,
    reason = "a bench measures time and is told what to do by the environment"
)]

use gsm_adapters::{EmbeddedStore, Options, SnapshotFiles, SystemClock, SystemIds};
use gsm_core::{Clock, CommitKey, MatchId, Mode, PlayerId, Timestamp};
use gsm_engine::{
    BoardRef, Engine, EngineOptions, SnapshotRules, Snapshots, Viewer,
    store::{
        ChangeSet, CommitError, Entry, Expect, Homes, Key, Op, Place, PlayerRow, RatingRow, Row, StandingRow,
        Store,
    },
    token::TokenKey,
};
use gsm_rating::Rating;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// As in the shipped binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PLAYERS: u64 = 1_000_000;
/// Players of one commit: each has two rows.
const SET: u64 = 2_000;
/// Players whose ranks are compared with a recount.
const CHECKED: u64 = 5;
/// Ratings that change after the snapshot.
const CHANGES: u64 = 100_000;
/// Set for a child: what it is to do.
const ROLE: &str = "GSM_BENCH_ROLE";

/// splitmix64 (Steele, Lea, Flood 2014, figure 18).
fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn player(n: u64) -> PlayerId {
    PlayerId::from_u128(u128::from(mixed(2 * n + 1)) << 64 | u128::from(mixed(2 * n + 2)))
}

/// In thousandths of a point: a bell of six dice around 1,500.
fn score(n: u64) -> i64 {
    let dice = mixed(n ^ 0xd1ce);
    (0..6).map(|die| ((dice >> (10 * die)) & 1_023) as i64 * 500).sum()
}

fn mode() -> Mode {
    Mode::new("bench").expect("a name")
}

fn rating(n: u64) -> Row {
    let at = Timestamp::from_millis(1_790_000_000_000 + (mixed(n) & 0xffff_ffff) as i64);
    let rating =
        Rating { mean: score(n) as f64 / 1_000.0, deviation: 60.0 + (n % 290) as f64, volatility: 0.06 };
    let row = RatingRow {
        rating,
        rated_at: at,
        games: 1 + (n % 300) as u32,
        wins: (n % 150) as u32,
        draws: 0,
        score: score(n),
        reached_at: at,
        carried: None,
    };
    let last = Place { depth: 1 + n % 300, entry: Entry::Match(MatchId::from_u128(mixed(!n).into())) };
    Row::Rating(StandingRow { last, rating: Some(row) })
}

async fn make(dir: &Path, players: u64) {
    let options = Options {
        tables_cache_bytes: 2 << 30,
        unwritten_rows_max: 3_000_000,
        unwritten_bytes_max: 2 << 30,
        checkpoint_rows: 1_000_000,
        checkpoint_bytes: 1 << 30,
        ..Options::default()
    };
    let store = EmbeddedStore::open(dir, Arc::new(SystemClock::new()), options).expect("opens");
    for first in (0..players).step_by(SET as usize) {
        let mut changes = ChangeSet::new(CommitKey::fresh(&SystemIds), Timestamp::EPOCH);
        for n in first..(first + SET).min(players) {
            let row = PlayerRow { name: None, external_id: None, created_at: Timestamp::EPOCH };
            changes.replace(Key::Player(player(n)), None, Row::Player(row));
            changes.replace(Key::Rating(mode(), player(n)), None, rating(n));
        }
        while let Err(error) = store.commit(changes.clone()).await {
            assert!(matches!(error, CommitError::Refused(_)), "{error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    store.close().expect("closes");
}

fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap_or("0");
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap_or(0) / 1_024
}

/// Processor time of this process, both kinds, in seconds.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

/// Writes ratings again, as they are.
async fn change(dir: &Path, players: u64, changes: u64) {
    let store = EmbeddedStore::open(dir, Arc::new(SystemClock::new()), Options::default()).expect("opens");
    for first in (0..changes).step_by(SET as usize) {
        let mut set = ChangeSet::new(CommitKey::fresh(&SystemIds), Timestamp::EPOCH);
        for n in (first..(first + SET).min(changes)).map(|n| mixed(n) % players) {
            set.write(
                Key::Rating(mode(), player(n)),
                Expect::Any,
                Op::Put { row: Arc::new(rating(n)), expires_at: None },
            );
        }
        store.commit(set).await.expect("is taken");
    }
    store.close().expect("closes");
}

/// What a server does before it is ready; then the first answers; then it saves its boards if asked, and is killed.
async fn restart(dir: &Path, players: u64, is_fresh: bool) {
    let begin = Instant::now();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = EmbeddedStore::open(dir, clock.clone(), Options::default()).expect("opens");
    let opened = begin.elapsed();
    let options = EngineOptions { node: "bench".to_owned(), token_key: TokenKey::new([7; 32]) };
    let engine = Engine::new(Homes::one(store.clone()), clock, Arc::new(SystemIds), options);
    let snapshots = SnapshotFiles::new(&dir.join("snapshots"));
    let from = (!is_fresh).then_some(&snapshots as &dyn Snapshots);
    let report = engine.load_from(from, None).await.expect("loads");
    let loaded = begin.elapsed();
    let (used, peak) = (processor(), memory("VmHWM:"));
    for n in 0..CHECKED {
        let found = engine.rank(&BoardRef::from(&mode()), player(n), Viewer::All).expect("is ranked");
        let better = (0..players).filter(|other| score(*other) > score(n)).count() as u64;
        assert_eq!((found.rank.get(), found.keys.first()), (better + 1, score(n)), "player {n}");
    }
    println!(
        "    open {:>6.2} s, ready {:>6.2} s, processor {used:>6.2} s, memory {:>5} MB (peak {peak} MB)   {report:?}",
        opened.as_secs_f64(),
        loaded.as_secs_f64(),
        memory("VmRSS:"),
    );
    if is_fresh {
        let begin = Instant::now();
        let rules = SnapshotRules { players_min: 0, changes_min: 0 };
        engine.save_boards(&snapshots, rules).expect("is saved");
        println!("    saved in {:.2} s, peak {} MB", begin.elapsed().as_secs_f64(), memory("VmHWM:"));
    }
    std::process::exit(0);
}

fn child(role: &str) {
    let me = std::env::current_exe().expect("this program");
    let status = std::process::Command::new(me).env(ROLE, role).status().expect("a child");
    assert!(status.success(), "`{role}` failed");
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

fn main() {
    let players = number("GSM_BENCH_PLAYERS", PLAYERS);
    let root = std::env::var("GSM_BENCH_DIR").map_or_else(|_| std::env::temp_dir(), PathBuf::from);
    let dir = root.join(format!("gsm-restart-{players}"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("runtime");
    match std::env::var(ROLE).as_deref() {
        Ok("fresh") => return runtime.block_on(restart(&dir, players, true)),
        Ok("change") => return runtime.block_on(change(&dir, players, number("GSM_BENCH_CHANGES", CHANGES))),
        Ok(_) => return runtime.block_on(restart(&dir, players, false)),
        Err(_) => {}
    }
    let made = dir.join("made");
    if !made.exists() {
        let begin = Instant::now();
        runtime.block_on(make(&dir, players));
        std::fs::write(&made, b"").expect("a file");
        println!("made {players} players in {:.0} s", begin.elapsed().as_secs_f64());
    }
    println!("{players} players, restart that reads every row:");
    child("fresh");
    println!("from the snapshot:");
    child("snapshot");
    child("change");
    println!("from the snapshot and what changed since:");
    child("snapshot");
}
