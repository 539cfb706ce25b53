//! Measures embedded stores in one role: a group-commit journal beside background checkpoints.
mod drills;
mod engines;
mod load;

use engines::{Res, open};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

pub fn size(path: &Path) -> f64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::read_dir(path).into_iter().flatten().flatten().fold(0.0, |sum, item| {
        let blocks = item.metadata().map_or(0, |m| m.blocks());
        sum + if item.path().is_dir() { size(&item.path()) } else { blocks as f64 * 512.0 / 1e6 }
    })
}

fn memory(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(field)).unwrap_or("0");
    line.trim_start_matches(':').split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0)
        / 1_000
}

/// The bare cost of making 1,000 bytes durable on this disk: growing a file, and overwriting in place.
fn disk(dir: &Path) -> Res<()> {
    use std::os::unix::fs::FileExt;
    for grow in [true, false] {
        let file = std::fs::File::create(dir.join("raw"))?;
        file.write_all_at(&vec![1; if grow { 0 } else { 3_000_000 }], 0)?;
        file.sync_all()?;
        let mut took: Vec<u128> = (0..2_000)
            .map(|i| {
                let begin = Instant::now();
                file.write_all_at(&[7; 1_000], i * 1_000).and_then(|()| file.sync_data()).expect("raw write");
                begin.elapsed().as_micros()
            })
            .collect();
        took.sort_unstable();
        println!(
            "disk: grow={grow} write+fdatasync p50 {} us, p99 {} us, max {} us",
            took[1_000], took[1_980], took[1_999]
        );
    }
    Ok(std::fs::remove_file(dir.join("raw"))?)
}

/// Lets the disk finish what earlier phases left behind, so that each point starts calm.
fn settle(seconds: u64) {
    // SAFETY: sync(2) takes no arguments and cannot fail.
    unsafe { libc::sync() };
    std::thread::sleep(std::time::Duration::from_secs(seconds));
}

fn journal_points(engine: &str, dir: &Path, seconds: f64, tables: Option<&dyn engines::Db>) -> Res<()> {
    for writers in [1, 64, 256] {
        settle(1);
        let journal = open(engine, dir, "journal", 32)?;
        let r = load::run(journal.as_ref(), tables, writers, seconds, 0, false)?;
        let worst = r.checkpoints.iter().fold((0.0f64, 0.0f64), |w, c| (w.0.max(c.0), w.1.max(c.1)));
        println!(
            "{engine}: writers {writers:>3} records/s {:>6.0} commits/s {:>5.0} p50 {:.2} p99 {:.2} p99.9 {:.2} max {:.1} ms; checkpoints {} (worst rows {:.2} s, delete {:.3} s); journal {:.0} MB; RSS {} MB",
            r.per_second,
            r.commits as f64 / seconds,
            r.ms(0.5),
            r.ms(0.99),
            r.ms(0.999),
            r.ms(1.0),
            r.checkpoints.len(),
            worst.0,
            worst.1,
            size(&dir.join("journal")),
            memory("VmRSS")
        );
        drop(journal);
        std::fs::remove_dir_all(dir.join("journal"))?;
    }
    Ok(())
}

/// One engine, in a process of its own, so that memory figures are its own too.
fn measure(engine: &str, dir: &Path, seconds: f64) -> Res<()> {
    journal_points(engine, dir, seconds, None)?;
    if engine.contains('-') {
        return Ok(());
    }
    let tables = open(engine, dir, "tables", 256)?;
    if engine != "file" {
        let begin = Instant::now();
        load::fill(tables.as_ref())?;
        let loaded = begin.elapsed().as_secs_f64();
        settle(3);
        let (points, scans) = load::reads(tables.as_ref(), seconds)?;
        println!(
            "{engine}: load 2 M rows {loaded:.1} s; disk {:.0} MB; point reads/s {points:.0}; 100-row scans/s {scans:.0}; RSS {} MB",
            size(&dir.join("tables")),
            memory("VmRSS")
        );
    }
    journal_points(engine, dir, seconds.max(5.0), Some(tables.as_ref()))?;
    let begin = Instant::now();
    drop(tables);
    let closed = begin.elapsed();
    let begin = Instant::now();
    let tables = open(engine, dir, "tables", 256)?;
    println!(
        "{engine}: close {closed:.1?}; reopen after it {:.1?}; tables {:.0} MB; peak RSS {} MB",
        begin.elapsed(),
        size(&dir.join("tables")),
        memory("VmHWM")
    );
    drop(tables);
    Ok(())
}

/// A fixed number of commits, to be run below `strace -c -f`.
fn count(engine: &str, dir: &Path) -> Res<()> {
    let journal = open(engine, dir, "count", 32)?;
    let mut rng = load::Rng(3);
    for seq in 1..=1_000 {
        journal.append(seq, &load::record(u128::from(seq), &mut rng))?;
    }
    #[cfg(feature = "redb")]
    if engine == "redb-count" {
        use engines::with_redb::{BROKEN, BYTES, SYNCS, WRITES};
        println!(
            "redb, 1,000 commits through our own backend: {SYNCS:?} syncs, {WRITES:?} writes, {BYTES:?} bytes"
        );
        BROKEN.store(true, std::sync::atomic::Ordering::Relaxed);
        let failed = journal.append(1_001, &[0; 9]).map_err(|e| e.to_string());
        BROKEN.store(false, std::sync::atomic::Ordering::Relaxed);
        let next = journal.append(1_002, &[0; 9]).map_err(|e| e.to_string());
        drop(journal);
        let (journal, mut seen) = (open(engine, dir, "count", 32)?, Vec::new());
        journal.journal(&mut |seq, _| seen.push(seq))?;
        println!(
            "redb, one failing sync: that commit {failed:?}; the next {next:?}; after reopening {} rows, last {:?}; a new commit {:?}",
            seen.len(),
            seen.last(),
            journal.append(1_003, &[0; 9])
        );
        return Ok(());
    }
    drop(journal);
    Ok(std::fs::remove_dir_all(dir.join("count"))?)
}

fn main() -> Res<()> {
    let mut args = std::env::args().skip(1);
    let (mut seconds, mut dir, mut phase, mut engine) =
        (3.0, PathBuf::from("/work/tmp-storebench"), String::new(), String::new());
    while let Some(arg) = args.next() {
        let value = args.next().ok_or("each option needs a value")?;
        match arg.as_str() {
            "--seconds" => seconds = value.parse()?,
            "--dir" => dir = value.into(),
            "--phase" => phase = value,
            "--engine" => engine = value,
            _ => return Err(format!("unknown option {arg}").into()),
        }
    }
    std::fs::create_dir_all(&dir)?;
    match phase.as_str() {
        "measure" => return measure(&engine, &dir, seconds),
        "journal" => return journal_points(&engine, &dir, seconds, None),
        "count" => return count(&engine, &dir),
        "victim" => return drills::victim(&engine, &dir),
        "drill" => return drills::all(&engine, &dir),
        _ => {}
    }
    let (me, started) = (std::env::current_exe()?, Instant::now());
    for name in ["file", "redb", "redb-2pc", "redb-quick", "redb-count", "sqlite", "fjall"] {
        let place = dir.join(name);
        let _ = std::fs::remove_dir_all(&place);
        std::fs::create_dir_all(&place)?;
        disk(&place)?;
        let phases: &[&str] = match name {
            "redb-count" => &["count"],
            n if n.contains('-') => &["measure"],
            _ => &["measure", "drill"],
        };
        for phase in phases {
            let status = Command::new(&me)
                .args(["--phase", phase, "--engine", name, "--seconds", &seconds.to_string(), "--dir"])
                .arg(&place)
                .status()?;
            println!("{name}: {phase} ended with {status} at {:.0} s", started.elapsed().as_secs_f64());
        }
        std::fs::remove_dir_all(&place)?;
    }
    Ok(())
}
