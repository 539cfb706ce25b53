//! The workload: closed-loop writers, one committer, an optional checkpoint thread, and reads.
use crate::engines::{Db, Res, Row, fnv};
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{channel, sync_channel};
use std::time::{Duration, Instant};

pub const RECORD: usize = 1_000;
pub const ROWS: u64 = 1_000_000;
const DRAIN: usize = 512;

pub struct Rng(pub u64);

impl Rng {
    pub fn step(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    pub fn fill(&mut self, out: &mut [u8]) {
        for part in out.chunks_mut(8) {
            part.copy_from_slice(&self.step().to_le_bytes()[..part.len()]);
        }
    }
}

/// A record: an id of 16 bytes, noise, and a checksum so that a reader can tell damage.
pub fn record(id: u128, rng: &mut Rng) -> Vec<u8> {
    let mut out = vec![0; RECORD];
    rng.fill(&mut out);
    out[..16].copy_from_slice(&id.to_le_bytes());
    let sum = fnv(&out[..RECORD - 8]);
    out[RECORD - 8..].copy_from_slice(&sum.to_le_bytes());
    out
}

/// The ids inside a blob; `None` stands for a record that fails its checksum.
pub fn records(blob: &[u8]) -> impl Iterator<Item = Option<u128>> + '_ {
    blob.chunks(RECORD).map(|r| {
        let (body, sum) = r.split_at(r.len().saturating_sub(8));
        (r.len() == RECORD && fnv(body).to_le_bytes() == sum)
            .then(|| u128::from_le_bytes(body[..16].try_into().expect("16 bytes")))
    })
}

pub fn player_key(i: u64) -> Vec<u8> {
    let mut key = b"p".to_vec();
    key.extend_from_slice(&i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    key.extend_from_slice(&[7; 7]);
    key.extend_from_slice(&i.to_be_bytes());
    key
}

fn history_key(owner: u64, n: u64) -> Vec<u8> {
    let mut key = player_key(owner);
    key[0] = b'h';
    key.extend_from_slice(&n.to_be_bytes());
    key
}

fn row(key: Vec<u8>, rng: &mut Rng) -> Row {
    let mut value = vec![0; 120];
    rng.fill(&mut value);
    (key, value)
}

/// Fills the tables: 1 M player rows and 1 M history rows (10,000 owners, 100 rows each, by time).
pub fn fill(db: &dyn Db) -> Res<()> {
    let mut rng = Rng(11);
    for base in (0..ROWS).step_by(20_000) {
        let players = (base..base + 20_000).map(|i| row(player_key(i), &mut rng));
        db.put(&players.collect::<Vec<_>>())?;
        let history = (base..base + 20_000).map(|i| row(history_key(i % 10_000, i / 10_000), &mut rng));
        db.put(&history.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Point reads per second and 100-row scans per second.
pub fn reads(db: &dyn Db, seconds: f64) -> Res<(f64, f64)> {
    let (mut rng, mut points, mut scans) = (Rng(5), 0u32, 0u32);
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < seconds {
        assert!(db.get(&player_key(rng.step() % ROWS))?, "a row is missing");
        points += 1;
    }
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < seconds {
        let owner = rng.step() % 10_000;
        assert_eq!(db.range(&history_key(owner, 0), &history_key(owner, u64::MAX))?, 100);
        scans += 1;
    }
    Ok((f64::from(points) / seconds, f64::from(scans) / seconds))
}

#[derive(Default)]
pub struct Report {
    pub per_second: f64,
    pub commits: u64,
    pub micros: Vec<u32>,
    /// Per checkpoint: seconds for the rows, seconds for the deletion.
    pub checkpoints: Vec<(f64, f64)>,
}

impl Report {
    pub fn ms(&self, share: f64) -> f64 {
        let at = ((self.micros.len() as f64 - 1.0) * share) as usize;
        f64::from(self.micros.get(at).copied().unwrap_or(0)) / 1e3
    }
}

/// Runs the role for some seconds. With `acks`, each acknowledged id goes to stdout as 16 raw bytes.
pub fn run(
    journal: &dyn Db,
    tables: Option<&dyn Db>,
    writers: u64,
    seconds: f64,
    first: u64,
    acks: bool,
) -> Res<Report> {
    let (stop, last) = (AtomicBool::new(false), AtomicU64::new(first));
    let (send, receive) = channel::<(u64, Vec<u8>)>();
    let (answers, waits): (Vec<_>, Vec<_>) = (0..writers).map(|_| sync_channel::<()>(1)).unzip();
    let (start, mut report) = (Instant::now(), Report::default());
    std::thread::scope(|scope| -> Res<()> {
        let (stop, last) = (&stop, &last);
        let committer = scope.spawn(move || -> Res<()> {
            let (mut blob, mut who) = (Vec::new(), Vec::new());
            while let Ok(head) = receive.recv() {
                (blob.clear(), who.clear());
                for (writer, bytes) in std::iter::once(head).chain(receive.try_iter()).take(DRAIN) {
                    blob.extend_from_slice(&bytes);
                    who.push(writer);
                }
                let seq = last.load(Relaxed) + 1;
                journal.append(seq, &blob)?;
                last.store(seq, Relaxed);
                for writer in who.drain(..) {
                    let _ = answers[writer as usize].send(());
                }
            }
            Ok(())
        });
        let loops: Vec<_> = (0..writers)
            .zip(waits)
            .map(|(w, wait)| {
                let send = send.clone();
                scope.spawn(move || {
                    let (mut rng, mut took, mut n) = (Rng(w + 1), Vec::new(), 0u64);
                    while !stop.load(Relaxed) {
                        let id = u128::from(first) << 96 | u128::from(w) << 64 | u128::from(n);
                        let bytes = record(id, &mut rng);
                        let begin = Instant::now();
                        if send.send((w, bytes)).is_err() || wait.recv().is_err() {
                            break;
                        }
                        took.push(begin.elapsed().as_micros() as u32);
                        if acks {
                            std::io::stdout().lock().write_all(&id.to_le_bytes()).expect("pipe");
                            std::io::stdout().flush().expect("pipe");
                        }
                        n += 1;
                    }
                    took
                })
            })
            .collect();
        drop(send);
        let background = tables.map(|tables| {
            scope.spawn(move || -> Res<Vec<(f64, f64)>> {
                let (mut rng, mut took) = (Rng(77), Vec::new());
                std::thread::sleep(Duration::from_millis(300));
                while !stop.load(Relaxed) {
                    let (begin, below) = (Instant::now(), last.load(Relaxed));
                    let rows = (0..20_000).map(|_| {
                        row(player_key(rng.step() % ROWS), &mut Rng(begin.elapsed().as_nanos() as u64 | 1))
                    });
                    tables.put(&rows.collect::<Vec<_>>())?;
                    let written = begin.elapsed();
                    journal.delete_below(below)?;
                    took.push((written.as_secs_f64(), (begin.elapsed() - written).as_secs_f64()));
                    std::thread::sleep(Duration::from_secs(1).saturating_sub(begin.elapsed()));
                }
                Ok(took)
            })
        });
        std::thread::sleep(Duration::from_secs_f64(seconds));
        stop.store(true, Relaxed);
        for each in loops {
            report.micros.extend(each.join().expect("writer"));
        }
        report.per_second = report.micros.len() as f64 / start.elapsed().as_secs_f64();
        committer.join().expect("committer")?;
        if let Some(background) = background {
            report.checkpoints = background.join().expect("checkpoint")?;
        }
        Ok(())
    })?;
    report.commits = last.load(Relaxed) - first;
    report.micros.sort_unstable();
    Ok(report)
}
