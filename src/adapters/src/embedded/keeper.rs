//! The keeper: checkpoints, and the way back after a full disk.
use super::{
    Inner, State,
    error::Fault,
    state::fold,
    tables::{self, Tables},
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How often a full disk is looked at again.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// The thread's life: until the store closes.
pub(super) fn run(inner: &Inner) {
    loop {
        let state = {
            let mut memory = inner.memory.lock();
            if !memory.closing {
                let every = match memory.state {
                    State::ReadOnly(_) => RETRY_EVERY,
                    _ => inner.options.checkpoint_every.as_duration(),
                };
                inner.due.wait_for(&mut memory, every);
            }
            if memory.closing {
                return;
            }
            memory.state.clone()
        };
        match state {
            // What went wrong is known by then, and logged.
            State::Ok => drop(inner.checkpoint()),
            State::ReadOnly(_) => inner.recover(),
            State::Failed(_) | State::Closed => {}
        }
    }
}

impl Inner {
    /// Brings the tables up to what is durable. Nothing to write, nothing done.
    pub(super) fn checkpoint(&self) -> Result<(), Fault> {
        let slot = self.tables.lock();
        let Some(tables) = slot.as_ref() else { return Err(Fault::Full("the tables wait for room".into())) };
        let Some((upto, sets)) = self.memory.lock().to_write() else { return Ok(()) };
        let rows = fold(&sets);
        let written = tables.checkpoint(upto, &rows, &sets, self.clock.now()).and_then(|()| tables.view());
        match written {
            Ok(view) => {
                self.memory.lock().written(upto, &rows, Arc::new(view), self.options.hot_rows_max);
                Ok(())
            }
            Err(fault) => {
                drop(slot);
                self.tables_failed(&fault);
                Err(fault)
            }
        }
    }

    fn tables_failed(&self, fault: &Fault) {
        let Fault::Full(text) = fault else { return self.fatal(&fault.to_string()) };
        tracing::warn!(reason = text, "disk full at a checkpoint, commits are refused until there is room");
        {
            let mut memory = self.memory.lock();
            if memory.state == State::Ok {
                memory.state = State::ReadOnly(format!("disk full: {text}"));
            }
        }
        *self.tables.lock() = None;
        self.reserve.release();
        if let Err(error) = self.reopen_tables() {
            tracing::warn!(%error, "the tables could not be opened again yet");
        }
    }

    fn reopen_tables(&self) -> Result<(), Fault> {
        let mut slot = self.tables.lock();
        if slot.is_none() {
            let (tables, _) = Tables::open(self.home.opening(tables::FILE))?;
            let view = Arc::new(tables.view()?);
            // A checkpoint that failed may still have reached the disk; then the tables show more than memory knows,
            // and what memory holds of it is the same.
            self.memory.lock().view = Some(view);
            *slot = Some(tables);
        }
        Ok(())
    }

    /// Tries to go on after a full disk: both files open, and the reserve filled again.
    fn recover(&self) {
        let reopened = self.reopen_journal().and_then(|()| self.reopen_tables());
        match reopened {
            Err(Fault::Full(_)) => return,
            Err(fault) => return self.fatal(&fault.to_string()),
            Ok(()) => {}
        }
        if self.reserve.fill().is_err() {
            return;
        }
        let mut memory = self.memory.lock();
        if matches!(memory.state, State::ReadOnly(_)) {
            memory.state = State::Ok;
            tracing::info!("there is room on the disk again, commits are taken");
        }
    }

    /// The last checkpoint, and the end of both files.
    pub(super) fn shut(&self) -> Result<(), Fault> {
        let state = self.memory.lock().state.clone();
        let mut result = match &state {
            State::Closed => return Ok(()),
            State::Ok | State::ReadOnly(_) => self.checkpoint(),
            State::Failed(text) => Err(Fault::Fatal(text.clone())),
        };
        let applied = {
            let mut memory = self.memory.lock();
            memory.state = State::Closed;
            memory.view = None;
            memory.applied
        };
        if let Some(tables) = self.tables.lock().take() {
            let closed = tables.close();
            result = result.and(closed);
        }
        if let Some(mut journal) = self.journal.lock().take() {
            let trimmed = if result.is_ok() { journal.trim(applied) } else { Ok(()) };
            let closed = journal.close();
            result = result.and(trimmed).and(closed);
        }
        self.journal_bytes.store(0, Ordering::Relaxed);
        result
    }
}
