//! Durable commits, beside what the bare disk gives: `cargo bench -p gsm-adapters`.
//!
//! The directory is made in `TMPDIR`; point it at the disk that is meant.
#![allow(missing_docs, reason = "`criterion_group!` makes an undocumented function")]
#![allow(clippy::print_stderr, reason = "numbers that criterion has no place for")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]
mod floor;
mod results;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use floor::Floor;
use futures::future::join_all;
use gsm_adapters::{EmbeddedStore, Options, SystemClock};
use gsm_engine::store::{CommitError, Committed, Store};
use parking_lot::Mutex;
use results::Writer;
use std::{
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// Commits are shared out among this many callers that each wait for their answer.
const WRITERS: [usize; 3] = [1, 16, 64];
static BUSY: AtomicU64 = AtomicU64::new(0);
const SUSTAINED: Duration = Duration::from_secs(15);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("runtime")
}

/// Runs `total` units of work on `writers` tasks and returns how long that took.
fn spread<W: Send + 'static, F: Future<Output = W> + Send>(
    runtime: &Runtime,
    writers: Vec<W>,
    total: u64,
    one: impl Fn(W) -> F + Send + Sync + 'static,
) -> (Duration, Vec<W>) {
    let (one, left) = (Arc::new(one), Arc::new(AtomicU64::new(total)));
    let begin = Instant::now();
    let tasks = writers.into_iter().map(|mut writer| {
        let (one, left) = (one.clone(), left.clone());
        runtime.spawn(async move {
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
                writer = one(writer).await;
            }
            writer
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let writers = runtime.block_on(join_all(tasks)).into_iter().map(|done| done.expect("no panic")).collect();
    (begin.elapsed(), writers)
}

async fn commit(store: Arc<EmbeddedStore>, mut writer: Writer) -> Writer {
    let committed = settle(&*store, &writer).await;
    writer.landed(committed);
    writer
}

/// Commits, and waits a little wherever the store says that it is busy.
async fn settle(store: &dyn Store, writer: &Writer) -> Committed {
    loop {
        match store.commit(writer.next_result()).await {
            Ok(committed) => return committed,
            Err(CommitError::Refused(why)) if why.what.starts_with("busy") => {
                BUSY.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Err(other) => panic!("{other}"),
        }
    }
}

fn open(dir: &std::path::Path) -> Arc<EmbeddedStore> {
    let options = Options { on_fatal: Arc::new(|why| panic!("{why}")), ..Options::default() };
    EmbeddedStore::open(dir, Arc::new(SystemClock::new()), options).expect("the store opens")
}

fn commits(c: &mut Criterion) {
    let (runtime, dir) = (runtime(), tempfile::tempdir().expect("directory"));
    let mut group = c.benchmark_group("durable_commits");
    group.sample_size(10).measurement_time(Duration::from_secs(5)).throughput(Throughput::Elements(1));
    let bytes = results::encoded_len();
    for count in WRITERS {
        let store = open(&dir.path().join(format!("store-{count}")));
        let mut writers = runtime.block_on(results::writers(&*store, count));
        group.bench_function(format!("store/{count}"), |b| {
            b.iter_custom(|total| {
                let (took, back) = spread(&runtime, std::mem::take(&mut writers), total, {
                    let store = store.clone();
                    move |writer| commit(store.clone(), writer)
                });
                writers = back;
                took
            });
        });
        let floor = Arc::new(Floor::new(&dir.path().join(format!("floor-{count}"))));
        group.bench_function(format!("file/{count}"), |b| {
            b.iter_custom(|total| {
                let floor = floor.clone();
                spread(&runtime, vec![(); count], total, move |()| floor.clone().append(bytes)).0
            });
        });
        let (stats, file) = (store.stats(), floor.sync_us_p50());
        eprintln!(
            "{count} writers, sets of {bytes} bytes: store's write+sync p50 {} us p99 {} us, file's {file} us",
            stats.sync_us_p50, stats.sync_us_p99,
        );
        store.close().expect("closed");
    }
    group.finish();
}

/// Long enough for checkpoints to pile up, with the time that each caller waited.
fn sustained(_: &mut Criterion) {
    let (runtime, dir) = (runtime(), tempfile::tempdir().expect("directory"));
    let store = open(dir.path());
    let writers = runtime.block_on(results::writers(&*store, 64));
    let cpu = cpu_time();
    let (waits, begin) = (Arc::new(Mutex::new(Vec::new())), Instant::now());
    let tasks = writers.into_iter().map(|mut writer| {
        let (store, waits) = (store.clone(), waits.clone());
        runtime.spawn(async move {
            while begin.elapsed() < SUSTAINED {
                let asked = Instant::now();
                writer = commit(store.clone(), writer).await;
                waits.lock().push(asked.elapsed());
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    runtime.block_on(join_all(tasks));
    let (mut waits, stats) = (std::mem::take(&mut *waits.lock()), store.stats());
    waits.sort_unstable();
    let at = |percent: usize| waits[waits.len() * percent / 1_000];
    eprintln!(
        "64 writers for {SUSTAINED:?}: {:.0} commits/s; waited p50 {:?} p99 {:?} p99.9 {:?} max {:?}; \
         {} times busy; CPU {:?} a commit; memory {} MB; {stats:?}",
        waits.len() as f64 / begin.elapsed().as_secs_f64(),
        at(500),
        at(990),
        at(999),
        waits[waits.len() - 1],
        BUSY.load(Ordering::Relaxed),
        cpu_time().saturating_sub(cpu) / u32::try_from(waits.len()).unwrap_or(1),
        memory_mb(),
    );
    // What a `kill -9` would leave at this moment.
    let left = tempfile::tempdir().expect("directory");
    for file in ["journal.redb", "tables.redb"] {
        std::fs::copy(dir.path().join(file), left.path().join(file)).expect("copied");
    }
    store.close().expect("closed");
    drop(store);
    let begin = Instant::now();
    let store = open(left.path());
    let (took, stats) = (begin.elapsed(), store.stats());
    let replayed = stats.last_sequence - stats.applied_sequence;
    eprintln!(
        "opened what a kill -9 leaves in {took:?}: {replayed} sets replayed, {} of all",
        stats.last_sequence
    );
}

fn opening(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("directory");
    let mut made = 0;
    let before = memory_mb();
    c.bench_function("open_and_close/empty", |b| {
        b.iter(|| {
            made += 1;
            open(&dir.path().join(made.to_string())).close().expect("closed");
        });
    });
    eprintln!("memory {before} MB before, {} MB after {made} stores were opened", memory_mb());
}

/// Of this process so far; the kernel counts it in hundredths of a second.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    Duration::from_millis(fields.skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum::<u64>() * 10)
}

fn memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1_000
}

fn few() -> Criterion {
    Criterion::default().sample_size(10)
}

criterion_group!(name = benches; config = few(); targets = opening, commits, sustained);
criterion_main!(benches);
