//! The machine: its memory, limits and disk.
use super::{Finding, Verdict};
use gsm_server::config::Settings;
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Syncs measured.
const SYNCS: usize = 64;
/// Free space below which a data directory is no place for a journal.
const FREE_MIB_MIN: u64 = 1_024;
/// Open files that 10,000 connections and the store need.
const OPEN_FILES_MIN: u64 = 12_000;
/// Memory that a server wants beside its caches.
const MEMORY_MIB_MIN: u64 = 256;
/// A sync that takes longer makes every result slow.
const SYNC_SLOW: Duration = Duration::from_millis(10);

pub(super) fn open_files() -> Finding {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    match soft {
        Some(soft) if soft < OPEN_FILES_MIN => Finding::bad(
            "open files",
            Verdict::Warn,
            format!("limit {soft}"),
            "ulimit -n 65536 before the start",
        ),
        Some(soft) => Finding::ok("open files", format!("limit {soft}")),
        None => Finding::ok("open files", "no limit found"),
    }
}

/// Whether the caches fit into what the machine can give, with room for boards and connections.
pub(super) fn memory(settings: &Settings) -> Finding {
    let wanted_mib =
        ((settings.journal_cache_bytes + settings.tables_cache_bytes) >> 20) as u64 + MEMORY_MIB_MIN;
    let about = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = about.lines().find(|line| line.starts_with("MemAvailable:"));
    let free_mib =
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).map(|kib| kib >> 10);
    match free_mib {
        Some(free) if free < wanted_mib => Finding::bad(
            "memory",
            Verdict::Warn,
            format!("{free} MiB available, {wanted_mib} MiB wanted"),
            "add memory, or make store.tables_cache_mib smaller",
        ),
        Some(free) => Finding::ok("memory", format!("{free} MiB available")),
        None => Finding::ok("memory", "no figure found"),
    }
}

/// Free space, and how long the disk takes to keep a promise.
pub(super) fn disk(dir: &Path) -> Vec<Finding> {
    let mut found = Vec::new();
    match rustix::fs::statvfs(dir) {
        Ok(fs) => {
            let mib = fs.f_bavail.saturating_mul(fs.f_frsize) >> 20;
            found.push(if mib < FREE_MIB_MIN {
                Finding::bad(
                    "disk space",
                    Verdict::Warn,
                    format!("{mib} MiB free"),
                    "the journal needs room: free some",
                )
            } else {
                Finding::ok("disk space", format!("{mib} MiB free"))
            });
        }
        Err(error) => {
            found.push(Finding::bad("disk space", Verdict::Warn, error.to_string(), "look at it with df"));
        }
    }
    found.push(match syncs(dir) {
        Ok((p50, p99)) if p50 > SYNC_SLOW => Finding::bad(
            "disk sync",
            Verdict::Warn,
            format!("p50 {p50:.2?}, p99 {p99:.2?}"),
            "every result waits for one: use a faster disk",
        ),
        Ok((p50, p99)) => Finding::ok("disk sync", format!("p50 {p50:.2?}, p99 {p99:.2?}")),
        Err(error) => {
            Finding::bad("disk sync", Verdict::Fail, error.to_string(), "the directory must be writable")
        }
    });
    found
}

/// Median and 99th percentile of small synced appends.
fn syncs(dir: &Path) -> std::io::Result<(Duration, Duration)> {
    let path: PathBuf = dir.join(format!(".gsm-doctor-{}", std::process::id()));
    let measured: std::io::Result<(Duration, Duration)> = (|| {
        let mut file = fs::File::create(&path)?;
        let mut took = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            #[expect(clippy::disallowed_methods, reason = "measures the disk")]
            let begin = Instant::now();
            file.write_all(&[0; 512])?;
            file.sync_data()?;
            took.push(begin.elapsed());
        }
        took.sort_unstable();
        let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default();
        Ok((at(50), at(99)))
    })();
    let removed = fs::remove_file(&path);
    let measured = measured?;
    removed?;
    Ok(measured)
}
