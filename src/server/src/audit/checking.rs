//! The whole log checked at a start: before anything is served where that is quick, else while the server runs.
//!
//! Opening a log reads its end alone. What is wrong further back is found here.
use super::{Audit, Keys};
use crate::{StartError, config::Settings};
use gsm_adapters::AuditDir;
use gsm_audit::{
    Files as _, Limits, Log, SEGMENTS, Unwritten, Verdict, VerifierKey, Whole, segment_path, segments,
    verify_own,
};
use std::{
    fs, io,
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

/// Bytes of records for which a start waits, however long it takes.
const WAITED_FOR_BYTES: u64 = 16 << 20;
/// How long it waits for more.
const WAIT: Duration = Duration::from_secs(1);

/// What a log looks like that no server writes at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    /// Records.
    pub records: u64,
    /// Whether all of them were checked, as they are where a start waits for that, or the last ones alone.
    pub is_whole: bool,
}

/// Looks at the log of a data directory, which no server may run on, as a start would; nothing is changed. `None` where there
/// is none, or not the keys that signed it.
///
/// # Errors
/// Why `gsm serve` would refuse it.
pub fn look(settings: &Settings) -> Option<Result<Looked, String>> {
    let files = AuditDir::beside(&settings.data_dir);
    let has_log = files.list("").is_ok_and(|names| !names.is_empty());
    let keys = Keys::there(&settings.audit_key_file).filter(|_| has_log)?.signing();
    let verifiers: Vec<VerifierKey> = keys.iter().map(|key| key.verifier().clone()).collect();
    let log = match Log::open(Unwritten(files.clone()), keys, Limits::default()) {
        Ok(log) => log,
        Err(error) => return Some(Err(error.to_string())),
    };
    let is_whole = is_small(&settings.data_dir.join("audit"));
    let checked = if is_whole { checked(&files, &verifiers).map(drop) } else { Ok(()) };
    Some(checked.map(|()| Looked { records: log.size(), is_whole }))
}

fn is_small(dir: &Path) -> bool {
    bytes_of(&dir.join(SEGMENTS)).is_ok_and(|bytes| bytes <= WAITED_FOR_BYTES)
}

/// Begins to check the log of the directory `dir`. A damage that is found at once is an error, a later one goes to `audit`; so
/// does the key that no record names.
pub(super) fn begin(dir: &Path, audit: &Arc<Audit>) -> Result<(), StartError> {
    let is_small = is_small(dir);
    let (keys, files, telling) = (audit.verifiers(), audit.files.clone(), audit.clone());
    let (done, waits) = mpsc::channel();
    let check = move || {
        match checked(&files, &keys) {
            Ok(Some(whole)) if whole.is_unnamed => {
                telling.waiting.lock().unnamed = keys.into_iter().next();
            }
            Ok(_) => {}
            Err(what) => {
                tracing::error!(what, "the audit log is damaged and will not be served");
                let _ = telling.damage.set(what);
            }
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
    match audit.damage.get() {
        Some(what) => Err(StartError::Refused(format!("{what}{}", super::sequencer::DAMAGED_HINT))),
        None => Ok(()),
    }
}

fn bytes_of(dir: &Path) -> io::Result<u64> {
    fs::read_dir(dir)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}

/// What is there, or what is wrong, with the file in which it shows. `None` where it cannot be checked.
fn checked(files: &AuditDir, keys: &[VerifierKey]) -> Result<Option<Whole>, String> {
    match verify_own(files, keys) {
        Verdict::Whole(whole) => Ok(Some(whole)),
        Verdict::Unchecked(why) => {
            tracing::warn!(why, "the audit log could not be checked");
            Ok(None)
        }
        Verdict::Damaged(damage) => {
            let findings = damage.findings.join("; ");
            let Some(first_bad) = damage.first_bad else {
                return Err(format!("the audit log is damaged, but no record is in doubt: {findings}"));
            };
            let firsts = segments(files).map(|(firsts, _)| firsts).unwrap_or_default();
            let of = firsts.into_iter().filter(|first| *first <= first_bad).max().unwrap_or_default();
            let path = segment_path(of);
            Err(format!(
                "the audit log is damaged from record {first_bad} on, in or before `{path}`: {findings}"
            ))
        }
    }
}
