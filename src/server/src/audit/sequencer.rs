//! The thread that writes the log: each commit's record once, in the order of the journal, and the notes of the door.
use super::{Addresses, Audit, Keys, Note, Waiting, checking, made};
use crate::{StartError, config::Settings, fatal::Fatal};
use gsm_adapters::{AuditDir, EmbeddedStore};
use gsm_audit::{Limits, Log, LogError, Record};
use gsm_core::{Clock, EventId, IdSource, Millis, Timestamp};
use gsm_engine::store::{AuditRecord, ChangeSet, Committed, Fold, Store as _};
use parking_lot::{Mutex, RwLock};
use std::{
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

/// Records that come together are written together: a checkpoint costs a handful of syncs.
const GATHER: Duration = Duration::from_millis(400);
/// After a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Windows of floods, and keys whose time is over, are looked at so often.
const LOOK: Duration = Duration::from_secs(1);
/// By less than that the clocks of the engine and of the system differ by themselves.
const FOLLOWED_BELOW: Millis = Millis::from_secs(1);
/// Commits that are read at once.
const COMMITS_MAX: usize = 2_048;

/// The action whose record names a new key.
const ROTATION: &str = "gsm:RotateAuditKey";

/// What to do about a damaged log.
pub(super) const DAMAGED_HINT: &str = "\nhint: `gsm audit verify` says from which record on. Keep the directory as \
     evidence: move it elsewhere, and a new log begins with all that the journal has";

/// The running thread.
pub(crate) struct Sequencer {
    audit: Arc<Audit>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Rings for each commit that brings a record.
struct Bell(Arc<Audit>);

impl Fold for Bell {
    fn apply(&self, _: Committed, changes: &ChangeSet) {
        if changes.audit.is_some() {
            self.0.ring();
        }
    }
}

/// What the thread works with.
struct Work {
    audit: Arc<Audit>,
    store: Arc<EmbeddedStore>,
    clock: Arc<dyn Clock>,
    node: String,
    limits: Limits,
    /// Absent after a failure, until it is opened again.
    log: Option<Log<AuditDir>>,
    /// Records in the log before the notes that may be in it since a failure.
    unsure: Option<u64>,
}

impl Sequencer {
    /// Opens the log and begins to write what the journal has and it has not.
    ///
    /// # Errors
    /// Where the log is damaged, or its files or keys cannot be used.
    pub(crate) fn start(
        settings: &Settings,
        store: Arc<EmbeddedStore>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        fatal: Fatal,
    ) -> Result<(Self, Arc<Audit>), StartError> {
        let (mode, now) = (settings.mode, clock.now());
        let dir = settings.data_dir.join("audit");
        let keys = Keys::load(&settings.audit_key_file, &dir, mode, &*ids)?;
        let addresses = Addresses::new(&settings.data_dir, mode, ids.clone(), now)?;
        let files = AuditDir::beside(&settings.data_dir);
        let limits = Limits { segment_records: settings.audit_segment_records, ..Limits::default() };
        let log = Log::open(files.clone(), keys.signing(), limits).map_err(refused)?;
        let audit = Arc::new(Audit {
            damage: Default::default(),
            addresses,
            ids,
            waiting: Mutex::default(),
            bell: parking_lot::Condvar::new(),
            rung: true.into(),
            keys: Mutex::new(keys),
            turns: Default::default(),
            readers: Default::default(),
            standing: RwLock::new(Arc::new(log.standing())),
            files,
        });
        checking::begin(&dir, &audit)?;
        store.subscribe(Arc::new(Bell(audit.clone())));
        let (node, log) = (settings.node.clone(), Some(log));
        let work = Work { audit: audit.clone(), store, clock, node, limits, log, unsure: None };
        let run = move || fatal.thread("audit log", || work.run());
        let thread = std::thread::Builder::new().name("gsm-audit".to_owned()).spawn(run);
        let thread = thread
            .map_err(|source| StartError::File { path: "the thread `gsm-audit`".to_owned(), source })?;
        Ok((Self { audit: audit.clone(), thread: Mutex::new(Some(thread)) }, audit))
    }

    /// Writes what is left, with a last checkpoint, and ends. Blocks.
    pub(crate) fn stop(&self) {
        self.audit.waiting.lock().closing = true;
        self.audit.bell.notify_one();
        if let Some(thread) = self.thread.lock().take() {
            // It catches what panics in it.
            drop(thread.join());
        }
    }
}

fn refused(error: LogError) -> StartError {
    let hint = match &error {
        LogError::Damaged { .. } => DAMAGED_HINT,
        LogError::Io { .. } => "",
    };
    StartError::Refused(format!("{error}{hint}"))
}

impl Work {
    fn run(mut self) {
        loop {
            let closing = self.wait();
            match self.write(closing) {
                Ok(()) if closing => return,
                Ok(()) => {}
                Err(error) => {
                    tracing::error!(%error, "the audit log cannot be written; the journal keeps what it has not");
                    self.log = None;
                    if closing {
                        return;
                    }
                    self.audit.rung.store(true, Ordering::Release);
                    let mut waiting = self.audit.waiting.lock();
                    let _ = self.audit.bell.wait_for(&mut waiting, RETRY);
                }
            }
        }
    }

    /// Until there is something to write, and a moment more for what comes with it. Whether it is the end.
    fn wait(&self) -> bool {
        let audit = &self.audit;
        let mut waiting = audit.waiting.lock();
        let asked = |waiting: &Waiting| {
            waiting.closing
                || waiting.rekey
                || !waiting.notes.is_empty()
                || audit.rung.load(Ordering::Acquire)
        };
        while !asked(&waiting) {
            if audit.bell.wait_for(&mut waiting, LOOK).timed_out() {
                return false;
            }
        }
        let _ = audit.bell.wait_while_for(&mut waiting, |waiting| !waiting.closing, GATHER);
        waiting.closing
    }

    fn write(&mut self, closing: bool) -> Result<(), LogError> {
        let audit = self.audit.clone();
        if self.log.is_none() {
            let keys = audit.keys.lock().signing();
            let log = Log::open(audit.files.clone(), keys, self.limits)?;
            if let Some(before) = self.unsure.take() {
                let mut waiting = audit.waiting.lock();
                // A log that was moved away begins anew, and has none of them.
                let landed = usize::try_from(log.size().saturating_sub(before)).unwrap_or(usize::MAX);
                let landed = landed.min(waiting.notes.len());
                waiting.notes.drain(..landed);
            }
            self.log = Some(log);
        }
        let Some(log) = &mut self.log else { return Ok(()) };
        let now = self.clock.now();
        let (rekey, notes) = {
            let mut waiting = audit.waiting.lock();
            let mut notes = std::mem::take(&mut waiting.notes);
            let (wall, Waiting { floods, reads, .. }) = (self.clock.wall(), &mut *waiting);
            let over = [floods, reads].into_iter().flat_map(|folds| folds.over(wall, closing));
            notes.extend(over.map(|note| Note { event_id: EventId::fresh(&*audit.ids).to_string(), ..note }));
            (std::mem::take(&mut waiting.rekey), notes)
        };
        let written = rekeyed(&audit, log, rekey, now).and_then(|()| {
            audit.rung.store(false, Ordering::Release);
            commits(&audit, log, &self.store, &self.node, &*self.clock, closing)?;
            named(&audit, log, &self.node, &*self.clock)?;
            self.unsure = Some(log.size());
            let records: Vec<Record<'_>> = notes.iter().map(|note| of_note(note, &self.node)).collect();
            log.append(&records)?;
            self.unsure = None;
            Ok(())
        });
        if written.is_err() {
            let mut waiting = audit.waiting.lock();
            waiting.rekey |= rekey;
            waiting.put_back(notes);
        }
        written?;
        *audit.standing.write() = Arc::new(log.standing());
        Ok(())
    }
}

/// Signs with the keys of the moment, if they have changed.
fn rekeyed(audit: &Audit, log: &mut Log<AuditDir>, rekey: bool, now: Timestamp) -> Result<(), LogError> {
    let mut keys = audit.keys.lock();
    if rekey {
        log.sign_with(keys.signing())?;
    }
    if keys.is_over(now) {
        let left = keys.without_over(now);
        log.sign_with(left.signing())?;
        keys.replace(left)?;
    }
    Ok(())
}

/// Says of a key that it signs, where no call's record does: else nobody who trusts it alone knew by whom the checkpoints before
/// it are. Where a newer one is there meanwhile, its record says so of both.
fn named(audit: &Audit, log: &mut Log<AuditDir>, node: &str, clock: &dyn Clock) -> Result<(), LogError> {
    let (rekey, key) = {
        let mut waiting = audit.waiting.lock();
        let Some(key) = waiting.unnamed.take() else { return Ok(()) };
        (std::mem::take(&mut waiting.rekey), key)
    };
    let written = rekeyed(audit, log, rekey, clock.now()).and_then(|()| {
        if audit.verifiers().first() != Some(&key) {
            return Ok(());
        }
        tracing::info!(%key, "no record names the key that signs the audit log: the log says so itself");
        let (event_id, made) = (EventId::fresh(&*audit.ids).to_string(), [key.to_string()]);
        log.append(&[Record {
            event_id: &event_id,
            at: clock.wall(),
            node,
            name: ROTATION,
            principal: "system",
            resources: &made,
            reason: Some("the record of its making was not kept"),
            ..Record::default()
        }])
    });
    if written.is_err() {
        let mut waiting = audit.waiting.lock();
        waiting.rekey |= rekey;
        waiting.unnamed.get_or_insert(key);
    }
    written
}

/// Appends what the journal has and the log has not. What is committed meanwhile waits for the next turn, which is rung for:
/// else a busy journal would have a checkpoint, with all its syncs, for every few commits. At the end nothing waits.
fn commits(
    audit: &Audit,
    log: &mut Log<AuditDir>,
    store: &EmbeddedStore,
    node: &str,
    clock: &dyn Clock,
    closing: bool,
) -> Result<(), LogError> {
    let (now, wall) = (clock.now(), clock.wall());
    loop {
        let read = store.audit(log.commit(), COMMITS_MAX).map_err(|error| LogError::Io {
            path: "the journal".to_owned(),
            source: std::io::Error::other(error.to_string()),
        })?;
        if read.is_empty() {
            return Ok(());
        }
        // A key signs the checkpoint that covers the record of its making: where one of those read tells of a key, it is there.
        let rekey = std::mem::take(&mut audit.waiting.lock().rekey);
        if let Err(error) = rekeyed(audit, log, rekey, now) {
            audit.waiting.lock().rekey |= rekey;
            return Err(error);
        }
        names(&audit.waiting, read.iter().map(|(_, _, record)| record));
        let ids: Vec<String> = read.iter().map(|(_, _, record)| record.event_id.to_string()).collect();
        let records = read
            .iter()
            .zip(&ids)
            .map(|((commit, at, record), id)| of_commit(*commit, dated(*at, now, wall), record, id, node));
        log.append(&records.collect::<Vec<_>>())?;
        *audit.standing.write() = Arc::new(log.standing());
        if read.len() < COMMITS_MAX && !closing {
            return Ok(());
        }
    }
}

/// Looks whether one of these records names the key that none did so far.
fn names<'a>(waiting: &Mutex<Waiting>, mut records: impl Iterator<Item = &'a AuditRecord>) {
    let mut waiting = waiting.lock();
    let Some(key) = waiting.unnamed.as_ref().map(ToString::to_string) else { return };
    if records.any(|record| record.action == ROTATION && record.resources.contains(&key)) {
        waiting.unnamed = None;
    }
}

/// When a commit was made by the system's clock, if that has been set since the start: as the two clocks stand now.
fn dated(at: Timestamp, now: Timestamp, wall: Timestamp) -> Timestamp {
    let (ahead, behind) = (wall.since(now), now.since(wall));
    if ahead.max(behind) < FOLLOWED_BELOW {
        return at;
    }
    at.saturating_add(ahead).saturating_sub(behind)
}

fn of_commit<'a>(
    commit: u64,
    at: Timestamp,
    record: &'a AuditRecord,
    event_id: &'a str,
    node: &'a str,
) -> Record<'a> {
    Record {
        event_id,
        at,
        node,
        name: &record.action,
        principal: &record.principal,
        source: record.origin.source.as_deref(),
        agent: record.origin.agent.as_deref(),
        request_id: &record.request_id,
        read_only: false,
        error: None,
        parameters: record.origin.parameters.as_deref(),
        made: made::by(record),
        resources: &record.resources,
        reason: record.reason.as_deref().or(record.origin.reason.as_deref()),
        policies: &record.origin.policies,
        commit: Some(commit),
        folded: None,
    }
}

fn of_note<'a>(note: &'a Note, node: &'a str) -> Record<'a> {
    Record {
        event_id: &note.event_id,
        at: note.at,
        node,
        name: note.name,
        principal: &note.principal,
        source: note.source.as_deref(),
        agent: note.agent.as_deref(),
        request_id: &note.request_id,
        read_only: note.read_only,
        error: note.error.as_deref(),
        parameters: note.parameters.as_deref(),
        made: None,
        resources: &note.resources,
        reason: note.reason.as_deref(),
        policies: &note.policies,
        commit: None,
        folded: note.folded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_a_commit_names_is_named_by_that() {
        let key = |seed| gsm_audit::SigningKey::of("gsm/audit/x", [seed; 32]).unwrap().verifier().clone();
        let made = |action: &str, seed| AuditRecord {
            event_id: EventId::from_u128(1),
            action: action.to_owned(),
            principal: "admin:ops".to_owned(),
            request_id: "req-1".to_owned(),
            resources: vec![key(seed).to_string()],
            reason: None,
            origin: Default::default(),
        };
        let waiting = Mutex::new(Waiting { unnamed: Some(key(7)), ..Waiting::default() });
        names(&waiting, [made("gsm:RotateAuditKey", 8), made("gsm:PutQueue", 7)].iter());
        assert_eq!(waiting.lock().unnamed, Some(key(7)));
        names(&waiting, [made("gsm:PutQueue", 8), made("gsm:RotateAuditKey", 7)].iter());
        assert_eq!(waiting.lock().unnamed, None);
    }

    #[test]
    fn a_record_has_the_systems_time() {
        let at = Timestamp::from_millis;
        let check =
            |wall: i64, expected: i64| assert_eq!(dated(at(4_000), at(10_000), at(wall)), at(expected));
        check(10_000, 4_000);
        check(10_999, 4_000);
        check(3_610_000, 3_604_000);
        check(-3_590_000, -3_596_000);
    }
}
