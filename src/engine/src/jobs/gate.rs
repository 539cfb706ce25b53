//! The gate of a mode: who closed it, who may open it again.
use super::sink::JOB_WEIGHT_MAX;
use crate::{
    Call, Engine, EngineError,
    store::{ChangeSet, Expect, GateRow, Home, Key, KeyRange, Op, PushEvent, Row, StagedRow, Version, Write},
};
use gsm_core::{CommitKey, JobId, Millis, Mode, PlayerId, Timestamp, limits};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::Notify;

/// How long a call waits for another's job before it is answered that one is under way.
const GATE_WAIT: Millis = Millis::from_secs(1);
/// A gate of another node that has not moved for so long is left behind: its job writes to it as it goes.
const GATE_SILENCE: Millis = Millis::from_secs(9);
/// A job writes faster than players play: a store that says it is busy is given so long to catch up, so often.
const BUSY_WAIT: Millis = Millis::new(20);
const BUSY_TRIES_MAX: usize = 300;
/// Reads of a row that must be there, before its absence is left to a later turn.
const STALE_TRIES_MAX: usize = 32;

/// What a node knows of gates.
#[derive(Default)]
pub(crate) struct Gates {
    /// Modes whose gates are closed, as far as commits have told.
    closed: Mutex<BTreeSet<Mode>>,
    opened: Notify,
}

impl Gates {
    /// Whether a mode's gate is closed, as far as commits have told.
    pub(crate) fn is_closed(&self, mode: &Mode) -> bool {
        self.closed.lock().contains(mode)
    }

    /// Follows a commit.
    pub(crate) fn put(&self, mode: &Mode, closed: bool) {
        if closed {
            self.closed.lock().insert(mode.clone());
        } else {
            self.closed.lock().remove(mode);
            self.opened.notify_waiters();
        }
    }
}

/// The jobs under way in this process, and the gates of others as last seen.
#[derive(Default)]
pub(crate) struct Jobs {
    own: Mutex<BTreeSet<JobId>>,
    others: Mutex<BTreeMap<Mode, (Version, Timestamp)>>,
}

/// Tells the process that a job is under way, for as long as it is: a caller may go away in the middle of it.
struct Running {
    jobs: Arc<Jobs>,
    job: JobId,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.jobs.own.lock().remove(&self.job);
    }
}

/// A gate that this process holds closed.
pub(crate) struct Gate {
    pub(crate) mode: Mode,
    pub(crate) row: GateRow,
    pub(crate) version: Version,
    /// Whether its caller can wait for a store that is busy.
    patient: bool,
    _running: Running,
}

impl Gate {
    fn key(&self) -> Key {
        Key::Gate(self.mode.clone())
    }
}

impl Engine {
    /// Closes a mode to results, for a job that begins.
    pub(crate) async fn close_gate(&self, mode: &Mode) -> Result<Gate, EngineError> {
        let row =
            GateRow { job: JobId::fresh(&*self.ids), owner: self.node.clone(), staged: 0, applied: None };
        let running = self.running(row.job);
        let mut changes = self.gate_changes();
        changes.create(Key::Gate(mode.clone()), Row::Gate(row.clone()));
        match self.commit(Home::Record, changes).await {
            Ok(_) => {}
            Err(EngineError::Raced(_)) => {
                self.pass_gate(mode).await?;
                return Err(EngineError::Raced(None));
            }
            Err(other) => return Err(other),
        }
        let version = self.gate_version(mode, &row, 0).await?;
        Ok(Gate { mode: mode.clone(), row, version, patient: true, _running: running })
    }

    fn running(&self, job: JobId) -> Running {
        self.jobs.own.lock().insert(job);
        Running { jobs: self.jobs.clone(), job }
    }

    /// A change set of a job: its audit record goes with its decision.
    fn gate_changes(&self) -> ChangeSet {
        let mut changes = self.changes(&Call::system("gsm:Job", self.clock.now()), &[]);
        changes.audit = None;
        changes
    }

    /// The version of a gate row that was just written over `old`; anything else there is a stale read, or another's.
    async fn gate_version(&self, mode: &Mode, row: &GateRow, old: Version) -> Result<Version, EngineError> {
        for _ in 0..STALE_TRIES_MAX {
            if let Some((found, version)) = self.gate_row(mode).await?
                && found == *row
                && version > old
            {
                return Ok(version);
            }
        }
        Err(EngineError::Raced(None))
    }

    async fn gate_row(&self, mode: &Mode) -> Result<Option<(GateRow, Version)>, EngineError> {
        let key = Key::Gate(mode.clone());
        let Some(found) = self.get_one(&key).await? else { return Ok(None) };
        let Row::Gate(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
        Ok(Some((row.clone(), found.version)))
    }

    /// Moves the gate on together with `changes`, all or nothing. [`EngineError::Raced`]: somebody else has taken the
    /// gate, or what `changes` expects is not so.
    pub(crate) async fn move_gate(
        &self,
        gate: &mut Gate,
        row: GateRow,
        mut changes: ChangeSet,
    ) -> Result<(), EngineError> {
        changes.replace(gate.key(), Some(gate.version), Row::Gate(row.clone()));
        let mut tries = if gate.patient { BUSY_TRIES_MAX } else { 0 };
        // What is left of the store's room is for those who cannot wait.
        let store = self.store(Home::Record);
        for _ in 0..tries {
            if !store.is_behind() {
                break;
            }
            tokio::time::sleep(BUSY_WAIT.as_duration()).await;
        }
        let committed = loop {
            match self.commit(Home::Record, changes.clone()).await {
                Err(EngineError::Refused(_)) if tries > 0 => {
                    tries -= 1;
                    tokio::time::sleep(BUSY_WAIT.as_duration()).await;
                }
                fate => break fate?,
            }
        };
        gate.version = if self.homes.is_one() {
            committed.sequence
        } else {
            self.gate_version(&gate.mode, &row, gate.version).await?
        };
        gate.row = row;
        Ok(())
    }

    /// Says that an undecided job is still at work.
    pub(crate) async fn touch_gate(&self, gate: &mut Gate) -> Result<(), EngineError> {
        let (row, changes) = (gate.row.clone(), self.gate_changes());
        self.move_gate(gate, row, changes).await
    }

    /// A change set that prepares writes.
    pub(crate) fn staging(&self) -> ChangeSet {
        self.gate_changes()
    }

    /// Decides a job: from here on everything it prepared counts, `head` at once.
    pub(crate) async fn decide_job(&self, gate: &mut Gate, head: ChangeSet) -> Result<(), EngineError> {
        let row = GateRow { applied: Some(0), ..gate.row.clone() };
        self.move_gate(gate, row, head).await
    }

    /// Carries out the rest of a decided job, and opens the gate.
    pub(crate) async fn carry_out(&self, gate: &mut Gate) -> Result<(), EngineError> {
        let (job, staged) = (gate.row.job, gate.row.staged);
        let room = self.store(Home::Record).limits().items_max;
        // Each takes a put and a delete.
        let most = ((room - 1) / 2).clamp(1, limits::PAGE_SIZE_MAX);
        while let Some(applied) = gate.row.applied.filter(|applied| *applied < staged) {
            let upto = staged.min(applied.saturating_add(u32::try_from(most).unwrap_or(u32::MAX)));
            let keys: Vec<Key> = (applied..upto).map(|n| Key::Staged(job, n)).collect();
            let rows = self.get(Home::Record, &keys).await?;
            let mut changes = self.gate_changes();
            let (mut done, mut weight, mut told) = (applied, 0, Vec::new());
            for (key, found) in keys.into_iter().zip(rows) {
                // What is not carried out is there: a read without it is stale.
                let found = found.ok_or(EngineError::Raced(None))?;
                let Row::Staged(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
                weight += row.weight();
                if weight > JOB_WEIGHT_MAX && done > applied {
                    break;
                }
                match &**row {
                    StagedRow::Put(target, row) => {
                        changes.write(target.clone(), Expect::Any, put(row));
                    }
                    StagedRow::Remove(target) => {
                        changes.write(target.clone(), Expect::Any, Op::Delete);
                    }
                    StagedRow::History(target, row) => changes.folds.push(Write {
                        key: target.clone(),
                        expect: Expect::Any,
                        op: row.as_ref().map_or(Op::Delete, |row| put(row)),
                    }),
                    StagedRow::Tell(player, event) => told.push((done, *player, event.clone())),
                }
                changes.write(key, Expect::Any, Op::Delete);
                done += 1;
            }
            self.tell_staged(job, told, &mut changes).await?;
            let row = GateRow { applied: Some(done), ..gate.row.clone() };
            self.move_gate(gate, row, changes).await?;
        }
        self.open_gate(gate).await
    }

    /// What players are told by a job: with its writes where all homes are one, before them where they are not, each
    /// under a key of its own, so that a repeat tells nobody twice.
    async fn tell_staged(
        &self,
        job: JobId,
        told: Vec<(u32, PlayerId, PushEvent)>,
        changes: &mut ChangeSet,
    ) -> Result<(), EngineError> {
        for (place, player, event) in told {
            if self.homes.is_one() {
                changes.event(player, event);
                continue;
            }
            let mut alone = self.gate_changes();
            alone.key = tell_key(job, place);
            alone.event(player, event);
            self.commit(Home::Live, alone).await?;
        }
        Ok(())
    }

    /// Opens a gate behind which nothing is left.
    async fn open_gate(&self, gate: &Gate) -> Result<(), EngineError> {
        let mut changes = self.gate_changes();
        changes.delete(gate.key(), gate.version);
        self.commit(Home::Record, changes).await.map(drop)
    }

    /// Throws an undecided job away, and opens the gate.
    pub(crate) async fn abandon(&self, mut gate: Gate) -> Result<(), EngineError> {
        let room = self.store(Home::Record).limits().items_max;
        let step = u32::try_from((room - 1).clamp(1, limits::PAGE_SIZE_MAX)).unwrap_or(u32::MAX);
        while gate.row.staged > 0 {
            let left = gate.row.staged.saturating_sub(step);
            let mut changes = self.gate_changes();
            for place in left..gate.row.staged {
                changes.write(Key::Staged(gate.row.job, place), Expect::Any, Op::Delete);
            }
            let row = GateRow { staged: left, ..gate.row.clone() };
            self.move_gate(&mut gate, row, changes).await?;
        }
        self.open_gate(&gate).await
    }

    /// Returns when a mode's gate may be open: finishes what was decided, throws away what was left behind, waits a
    /// while for what is under way.
    ///
    /// # Errors
    /// [`EngineError::Rerating`] if a job is under way still.
    pub(crate) async fn pass_gate(&self, mode: &Mode) -> Result<(), EngineError> {
        let opened = self.views.gates.opened.notified();
        if !self.settle_gate(mode).await? {
            return Ok(());
        }
        if tokio::time::timeout(GATE_WAIT.as_duration(), opened).await.is_ok() {
            return Ok(());
        }
        Err(EngineError::Rerating { mode: mode.to_string() })
    }

    /// Finishes or throws away a job that nobody works on; whether one is under way still.
    async fn settle_gate(&self, mode: &Mode) -> Result<bool, EngineError> {
        let Some((row, version)) = self.gate_row(mode).await? else {
            // A stale read must not make this node forget a gate that nobody else looks after.
            if !self.is_gone(Key::Gate(mode.clone())).await? {
                return Err(EngineError::Raced(None));
            }
            self.jobs.others.lock().remove(mode);
            return Ok(false);
        };
        if self.is_under_way(mode, &row, version) {
            return Ok(true);
        }
        // From here on whoever had it can neither decide it nor go on.
        let running = self.running(row.job);
        let mut gate =
            Gate { mode: mode.clone(), row: row.clone(), version, patient: false, _running: running };
        let taken = GateRow { owner: self.node.clone(), ..row };
        let changes = self.gate_changes();
        self.move_gate(&mut gate, taken, changes).await?;
        match gate.row.applied {
            Some(_) => self.carry_out(&mut gate).await?,
            None => self.abandon(gate).await?,
        }
        Ok(false)
    }

    /// Whether somebody is at work behind a gate, as far as this node can tell.
    fn is_under_way(&self, mode: &Mode, row: &GateRow, version: Version) -> bool {
        if self.jobs.own.lock().contains(&row.job) {
            return true;
        }
        if row.owner == self.node {
            return false;
        }
        let now = self.clock.now();
        let mut others = self.jobs.others.lock();
        let (seen, since) = *others.entry(mode.clone()).or_insert((version, now));
        if seen != version {
            others.insert(mode.clone(), (version, now));
            return true;
        }
        now.since(since) < GATE_SILENCE
    }

    /// Looks after all gates that were left behind. With `sure` the store is asked which there are, else memory.
    pub(crate) async fn settle_gates(&self, sure: bool) -> Result<(), EngineError> {
        let modes: Vec<Mode> = if sure {
            let page = self.store(Home::Record).list(&KeyRange::Gates, None, limits::PAGE_SIZE_MAX, false);
            let page = page.await?;
            page.into_iter()
                .filter_map(|(key, _)| if let Key::Gate(mode) = key { Some(mode) } else { None })
                .collect()
        } else {
            self.views.gates.closed.lock().iter().cloned().collect()
        };
        for mode in modes {
            match self.settle_gate(&mode).await {
                Ok(under_way) => self.views.gates.put(&mode, under_way),
                // Somebody else is at it, or a read was stale: a later turn sees.
                Err(EngineError::Raced(_)) => self.views.gates.put(&mode, true),
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }
}

impl StagedRow {
    /// How much of a change set it takes.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Put(_, row) => row_weight(row),
            Self::Remove(_) | Self::History(..) | Self::Tell(..) => 1,
        }
    }
}

/// How much of a change set a row takes, in players.
pub(super) fn row_weight(row: &Row) -> usize {
    match row {
        Row::Result(row) => row.from.len(),
        _ => 1,
    }
}

fn put(row: &Row) -> Op {
    Op::Put { row: Arc::new(row.clone()), expires_at: None }
}

/// The key under which a player is told something by a job.
fn tell_key(job: JobId, place: u32) -> CommitKey {
    let parts: [&[u8]; 2] = [&job.as_u128().to_be_bytes(), &place.to_be_bytes()];
    CommitKey::from_u128(crate::hash::id128("gsm job tells 1", &parts))
}
