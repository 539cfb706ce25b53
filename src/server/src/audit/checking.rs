//! The whole log checked at a start: before anything is served where that is quick, else while the server runs.
//!
//! Opening a log reads its end alone. What is wrong further back is found here.
use crate::StartError;
use gsm_adapters::AuditDir;
use gsm_audit::{SEGMENTS, Verdict, VerifierKey, segment_path, segments, verify};
use std::{
    fs, io,
    path::Path,
    sync::{Arc, OnceLock, mpsc},
    thread,
    time::Duration,
};

/// Bytes of records for which a start waits, however long it takes.
const WAITED_FOR_BYTES: u64 = 16 << 20;
/// How long it waits for more.
const WAIT: Duration = Duration::from_secs(1);

/// What is wrong with the log, once it is known.
pub(super) type Found = Arc<OnceLock<String>>;

/// Begins to check the log of the directory `dir`. A damage that is found at once is an error, a later one goes to `found`.
pub(super) fn begin(dir: &Path, keys: Vec<VerifierKey>, found: Found) -> Result<(), StartError> {
    let is_small = bytes_of(&dir.join(SEGMENTS)).is_ok_and(|bytes| bytes <= WAITED_FOR_BYTES);
    let (files, telling) = (AuditDir::new(dir), found.clone());
    let (done, waits) = mpsc::channel();
    let check = move || {
        if let Some(what) = damage(&files, &keys) {
            tracing::error!(what, "the audit log is damaged and will not be served");
            let _ = telling.set(what);
        }
        // Nobody waits any more where it took long.
        let _ = done.send(());
    };
    let started = thread::Builder::new().name("gsm-audit-check".to_owned()).spawn(check);
    started.map_err(|source| StartError::File { path: "the thread `gsm-audit-check`".to_owned(), source })?;
    if is_small {
        let _ = waits.recv();
    } else {
        let _ = waits.recv_timeout(WAIT);
    }
    match found.get() {
        Some(what) => Err(StartError::Refused(format!("{what}{}", super::sequencer::DAMAGED_HINT))),
        None => Ok(()),
    }
}

fn bytes_of(dir: &Path) -> io::Result<u64> {
    fs::read_dir(dir)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}

/// What is wrong, with the file in which it shows.
fn damage(files: &AuditDir, keys: &[VerifierKey]) -> Option<String> {
    match verify(files, keys, None) {
        Verdict::Whole(_) => None,
        Verdict::Unchecked(why) => {
            tracing::warn!(why, "the audit log could not be checked");
            None
        }
        Verdict::Damaged(damage) => {
            let firsts = segments(files).map(|(firsts, _)| firsts).unwrap_or_default();
            let of = firsts.into_iter().filter(|first| *first <= damage.first_bad).max().unwrap_or_default();
            let findings = damage.findings.join("; ");
            Some(format!(
                "the audit log is damaged from record {} on, in or before `{}`: {findings}",
                damage.first_bad,
                segment_path(of)
            ))
        }
    }
}
