//! Where the writes of a job go: into one change set while they fit, or prepared behind the gate.
use super::gate::{Gate, row_weight};
use crate::{
    Engine, EngineError,
    store::{ChangeSet, Expect, GateRow, Home, Key, Op, PushEvent, Row, StagedRow, Version, Write},
};
use gsm_core::PlayerId;
use std::{pin::pin, sync::Arc, time::Duration};

/// Players in the rows of one change set of a job, at most: a few hundred bytes each.
pub(super) const JOB_WEIGHT_MAX: usize = 8_192;
/// Entries that a job looks at between two signs of life.
const TOUCH_EVERY: usize = 4_096;
/// The same for a job that waits: well below the silence after which its gate counts as left behind.
const TOUCH_WAITING: Duration = Duration::from_secs(2);

/// Why a job stopped.
pub(crate) enum Stop {
    /// It does not fit into one change set.
    Large,
    /// It failed.
    Failed(EngineError),
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Failed(error)
    }
}

/// Takes a job's writes.
pub(crate) enum Sink<'a> {
    /// All in one change set.
    One {
        /// The set.
        changes: ChangeSet,
        /// Writes that it may have.
        room: usize,
        /// Players in its rows.
        weight: usize,
    },
    /// Prepared, change set by change set.
    Staged {
        /// Who prepares.
        engine: &'a Engine,
        /// Behind which gate.
        gate: Gate,
        /// The next change set.
        changes: ChangeSet,
        /// Players in its rows.
        weight: usize,
        /// Entries looked at since the last sign of life.
        quiet: usize,
    },
    /// Nowhere: nothing is to be changed.
    Nowhere,
}

impl<'a> Sink<'a> {
    /// Behind a gate that was just closed.
    pub(crate) fn staged(engine: &'a Engine, gate: Gate) -> Self {
        Self::Staged { engine, gate, changes: engine.staging(), weight: 0, quiet: 0 }
    }

    /// Into one change set of at most `room` writes.
    pub(crate) fn one(engine: &Engine, room: usize) -> Self {
        Self::One { changes: engine.staging(), room, weight: 0 }
    }

    /// Puts a row in place of the one read at `version`; `None` says there was none.
    pub(crate) async fn put(&mut self, key: Key, version: Option<Version>, row: Row) -> Result<(), Stop> {
        let weight = row_weight(&row);
        match self {
            Self::Nowhere => {}
            Self::One { changes, .. } => {
                changes.replace(key, version, row);
            }
            Self::Staged { gate, changes, .. } => {
                stage(gate, changes, StagedRow::Put(key.clone(), Box::new(row)));
                changes.check(key, version.map_or(Expect::Absent, Expect::At));
            }
        }
        self.grown(weight).await
    }

    /// Takes away a row that was read at `version`.
    pub(crate) async fn remove(&mut self, key: Key, version: Version) -> Result<(), Stop> {
        match self {
            Self::Nowhere => {}
            Self::One { changes, .. } => {
                changes.delete(key, version);
            }
            Self::Staged { gate, changes, .. } => {
                stage(gate, changes, StagedRow::Remove(key.clone()));
                changes.check(key, Expect::At(version));
            }
        }
        self.grown(1).await
    }

    /// Fails the job unless a row is still as it was read.
    pub(crate) async fn check(&mut self, key: Key, expect: Expect) -> Result<(), Stop> {
        if let Self::One { changes, .. } | Self::Staged { changes, .. } = self {
            changes.check(key, expect);
        }
        self.grown(0).await
    }

    /// Puts a history row, or removes it.
    pub(crate) async fn history(&mut self, key: Key, row: Option<Row>) -> Result<(), Stop> {
        match self {
            Self::Nowhere => {}
            Self::One { changes, .. } => {
                let op = row.map_or(Op::Delete, |row| Op::Put { row: Arc::new(row), expires_at: None });
                changes.folds.push(Write { key, expect: Expect::Any, op });
            }
            Self::Staged { gate, changes, .. } => {
                stage(gate, changes, StagedRow::History(key, row.map(Box::new)));
            }
        }
        self.grown(1).await
    }

    /// Tells a player something, once the job has been carried out.
    pub(crate) async fn tell(&mut self, player: PlayerId, event: PushEvent) -> Result<(), Stop> {
        match self {
            Self::Nowhere => {}
            Self::One { changes, .. } => {
                changes.event(player, event);
            }
            Self::Staged { gate, changes, .. } => stage(gate, changes, StagedRow::Tell(player, event)),
        }
        self.grown(1).await
    }

    /// Another entry was looked at: a job lets others have their turn, and shows now and then that it is alive.
    pub(crate) async fn alive(&mut self) -> Result<(), EngineError> {
        tokio::task::consume_budget().await;
        if let Self::Staged { engine, gate, quiet, .. } = self {
            *quiet += 1;
            if *quiet >= TOUCH_EVERY {
                *quiet = 0;
                engine.touch_gate(gate).await?;
            }
        }
        Ok(())
    }

    /// Waits for another, and shows meanwhile that the job is alive.
    pub(crate) async fn wait_for<T>(&mut self, other: impl Future<Output = T>) -> Result<T, EngineError> {
        let mut other = pin!(other);
        loop {
            match tokio::time::timeout(TOUCH_WAITING, other.as_mut()).await {
                Ok(done) => return Ok(done),
                Err(_) => {
                    if let Self::Staged { engine, gate, .. } = self {
                        engine.touch_gate(gate).await?;
                    }
                }
            }
        }
    }

    /// Sends on what is full.
    async fn grown(&mut self, by: usize) -> Result<(), Stop> {
        match self {
            Self::Nowhere => Ok(()),
            Self::One { changes, room, weight } => {
                *weight += by;
                let fits = changes.writes.len() <= *room && *weight <= JOB_WEIGHT_MAX;
                if fits { Ok(()) } else { Err(Stop::Large) }
            }
            Self::Staged { engine, changes, weight, .. } => {
                *weight += by;
                let room = engine.store(Home::Record).limits().items_max;
                // The gate is a write too, and the next may be two.
                if changes.writes.len() + 3 > room || *weight > JOB_WEIGHT_MAX {
                    self.flush().await?;
                }
                Ok(())
            }
        }
    }

    /// Prepares what has gathered. Does nothing for a job of one change set.
    pub(crate) async fn flush(&mut self) -> Result<(), EngineError> {
        let Self::Staged { engine, gate, changes, weight, quiet } = self else { return Ok(()) };
        if changes.writes.is_empty() {
            return Ok(());
        }
        (*weight, *quiet) = (0, 0);
        let full = std::mem::replace(changes, engine.staging());
        let row = gate.row.clone();
        // The version that counts is of the row before: the commit moves both on.
        engine.move_gate(gate, row, full).await
    }
}

/// Adds a prepared write; the gate counts it once the change set is committed.
fn stage(gate: &mut Gate, changes: &mut ChangeSet, row: StagedRow) {
    changes.create(Key::Staged(gate.row.job, gate.row.staged), Row::Staged(Box::new(row)));
    gate.row = GateRow { staged: gate.row.staged + 1, ..gate.row.clone() };
}

impl Engine {
    /// Ends a job behind the gate: decides it and carries it out, or throws it away.
    pub(crate) async fn close_job<T>(
        &self,
        sink: Sink<'_>,
        prepared: Result<(ChangeSet, T), Stop>,
    ) -> Result<T, EngineError> {
        self.close_job_of(sink, prepared, ()).await
    }

    /// The same for a job whose decision needs a turn: once it is decided, or is not to be, the turn is over. What is left
    /// to do may take long.
    pub(crate) async fn close_job_of<T>(
        &self,
        mut sink: Sink<'_>,
        prepared: Result<(ChangeSet, T), Stop>,
        turn: impl Send,
    ) -> Result<T, EngineError> {
        let decided = match prepared {
            Ok((head, answer)) => match sink.flush().await {
                Ok(()) => Ok((head, answer)),
                Err(error) => Err(error),
            },
            Err(Stop::Failed(error)) => Err(error),
            // Only a sink of one change set has no room.
            Err(Stop::Large) => Err(EngineError::Raced(None)),
        };
        let Sink::Staged { mut gate, .. } = sink else { return Err(EngineError::Raced(None)) };
        let failed = match decided {
            Ok((head, answer)) => match self.decide_job(&mut gate, head).await {
                Ok(()) => {
                    drop(turn);
                    // It counts from here on. If the rest fails now, whoever finds the gate carries it out.
                    if let Err(error) = self.carry_out(&mut gate).await {
                        tracing::debug!(mode = %gate.mode, %error, "the rest of a job comes later");
                    }
                    return Ok(answer);
                }
                // It may be decided: whoever finds the gate sees.
                Err(error @ EngineError::NoAnswer(_)) => return Err(error),
                Err(error) => error,
            },
            Err(error) => error,
        };
        drop(turn);
        self.drop_job(Sink::staged(self, gate)).await;
        Err(failed)
    }

    /// Throws a job away that is not decided; if that fails, whoever finds its gate does it.
    pub(crate) async fn drop_job(&self, sink: Sink<'_>) {
        if let Sink::Staged { gate, .. } = sink
            && let Err(error) = self.abandon(gate).await
        {
            tracing::debug!(%error, "a job is thrown away later");
        }
    }
}
