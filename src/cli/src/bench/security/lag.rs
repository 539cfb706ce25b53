//! How long records wait for a signed checkpoint that covers them, as one sees it who reads the files of the log.
use super::Took;
use crate::output::Failure;
use gsm_adapters::{AuditDir, SystemClock};
use gsm_audit::{CHECKPOINT, Checkpoint, Files as _, segment_path, segments};
use gsm_core::{Clock as _, Timestamp};
use serde::Deserialize;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::task::{JoinHandle, spawn_blocking};

/// Between two looks at the checkpoint.
const LOOK: Duration = Duration::from_millis(1);
/// For the last checkpoint.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The records of a checkpoint, and when it was there.
type Seen = (u64, Timestamp);

/// Looks at the checkpoint of a log until it has as many records as wanted.
pub(super) struct Watch {
    files: AuditDir,
    from: u64,
    wanted: Wanted,
    looking: JoinHandle<Vec<Seen>>,
}

/// None are wanted any more where the load failed.
struct Wanted(Arc<AtomicU64>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// The records that came meanwhile.
pub(super) struct Records {
    /// How long each waited, from the time that it tells of itself.
    pub(super) waited: Took,
    /// Bytes of one in the log, on average.
    pub(super) bytes: f64,
}

/// What is read of a record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    seq: u64,
    event_time: String,
}

impl Watch {
    pub(super) fn begin(data_dir: &Path) -> Result<Self, Failure> {
        let (files, wanted) = (AuditDir::beside(data_dir), Arc::new(AtomicU64::new(u64::MAX)));
        let from = size(&files).ok_or_else(|| Failure::failed("the audit log has no checkpoint"))?;
        let looking = spawn_blocking({
            let (files, wanted) = (files.clone(), wanted.clone());
            move || look(&files, from, &wanted)
        });
        Ok(Self { files, from, wanted: Wanted(wanted), looking })
    }

    /// Ends once so many records more are under a checkpoint.
    pub(super) async fn end(self, records: usize) -> Result<Records, Failure> {
        self.wanted.0.store(self.from + records as u64, Ordering::Relaxed);
        let seen = tokio::time::timeout(WAIT_MAX, self.looking).await;
        let seen = seen.map_err(|_| Failure::failed("the audit log has not all of the results"))?;
        let seen = seen.map_err(Failure::failed)?;
        let (mut waited, mut bytes) = (Vec::new(), 0);
        let (firsts, _) = segments(&self.files).map_err(Failure::failed)?;
        let begin = firsts.iter().rposition(|first| *first <= self.from).unwrap_or_default();
        for first in firsts.into_iter().skip(begin) {
            let segment = self.files.read(&segment_path(first)).map_err(Failure::failed)?.unwrap_or_default();
            // A last line without its end is being written.
            for line in segment.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
                let told: Told = serde_json::from_slice(line).map_err(Failure::failed)?;
                let covered = seen.iter().find(|(size, _)| *size > told.seq);
                if let Some((_, at)) = covered.filter(|_| told.seq >= self.from) {
                    let told_at: jiff::Timestamp = told.event_time.parse().map_err(Failure::failed)?;
                    let waited_ms = at.as_millis() - told_at.as_millisecond();
                    waited.push(u64::try_from(waited_ms).unwrap_or_default() * 1_000_000);
                    bytes += line.len();
                }
            }
        }
        let bytes = bytes as f64 / waited.len() as f64;
        Ok(Records { waited: Took::sorted(waited), bytes })
    }
}

/// Each checkpoint after that of `from` records.
fn look(files: &AuditDir, from: u64, wanted: &AtomicU64) -> Vec<Seen> {
    let (clock, mut seen, mut last) = (SystemClock::new(), Vec::new(), from);
    while last < wanted.load(Ordering::Relaxed) {
        std::thread::sleep(LOOK);
        if let Some(size) = size(files).filter(|size| *size > last) {
            seen.push((size, clock.wall()));
            last = size;
        }
    }
    seen
}

/// The records that the newest checkpoint covers.
fn size(files: &AuditDir) -> Option<u64> {
    Some(Checkpoint::claimed(&files.read(CHECKPOINT).ok()??).ok()?.size)
}
