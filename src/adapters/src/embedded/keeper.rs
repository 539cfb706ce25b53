//! The keeper: checkpoints, and the way back after a full disk.
use super::{
    Inner, State,
    error::Fault,
    state::{Memory, fold},
    tables::{self, Folded, Tables},
};
use std::sync::{Arc, atomic::Ordering};

/// Rows that memory looks through under one hold of its lock after a checkpoint.
const DROP_CHUNK: usize = 1_024;

/// The thread's life: until the store closes.
pub(super) fn run(inner: &Inner) {
    loop {
        let state = {
            let mut memory = inner.memory.lock();
            let every = match memory.state {
                State::ReadOnly(_) => inner.options.retry_every,
                _ => inner.options.checkpoint_every,
            };
            let at_once = memory.state == State::Ok && memory.is_due(&inner.options);
            if !memory.closing && !at_once {
                inner.due.wait_for(&mut memory, every.as_duration());
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
    /// Brings the tables up to everything that is durable now, or at least up to `upto`.
    pub(super) fn checkpoint_to(&self, upto: u64) -> Result<(), Fault> {
        while self.checkpoint()?.is_some_and(|shown| shown < upto) {}
        Ok(())
    }

    /// One piece of a checkpoint: brings the tables further towards what is durable. Returns the sequence that they
    /// show then, or `None` if there was nothing to write.
    fn checkpoint(&self) -> Result<Option<u64>, Fault> {
        let mut slot = self.tables.lock();
        let written = self.write_tables(&slot);
        if let Err(fault) = &written {
            self.tables_failed(&mut slot, fault);
        }
        drop(slot);
        let Some((upto, rows)) = written? else { return Ok(None) };
        for chunk in rows.chunks(DROP_CHUNK) {
            self.memory.lock().drop_cold(chunk, self.options.hot_rows_max);
        }
        Ok(Some(upto))
    }

    fn write_tables(&self, slot: &Option<Tables>) -> Result<Option<(u64, Folded)>, Fault> {
        let tables = slot.as_ref().ok_or_else(|| Fault::Full("the tables wait for room".into()))?;
        // Twice what starts a checkpoint: bounds what one transaction holds in memory.
        let rows_max = self.options.checkpoint_rows.saturating_mul(2);
        let Some((upto, sets)) = self.memory.lock().to_write(rows_max) else { return Ok(None) };
        let rows = fold(&sets);
        tables.checkpoint(upto, &rows, &sets, self.clock.now(), self.options.traced_rows_max)?;
        let view = Arc::new(tables.view()?);
        self.memory.lock().written(upto, view);
        Ok(Some((upto, rows)))
    }

    /// From here on the keeper looks again and again whether there is room.
    pub(super) fn read_only(&self, memory: &mut Memory, text: &str) {
        if memory.state == State::Ok {
            tracing::warn!(reason = text, "disk full, commits are refused until there is room");
            memory.state = State::ReadOnly(format!("disk full: {text}"));
            self.due.notify_one();
        }
    }

    fn tables_failed(&self, slot: &mut Option<Tables>, fault: &Fault) {
        let Fault::Full(text) = fault else { return self.fatal(&fault.to_string()) };
        self.read_only(&mut self.memory.lock(), text);
        *slot = None;
        self.reserve.release();
        if let Err(error) = self.reopen_tables(slot) {
            tracing::warn!(%error, "the tables could not be opened again yet");
        }
    }

    fn reopen_tables(&self, slot: &mut Option<Tables>) -> Result<(), Fault> {
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
        let journal = self.reopen_journal(&mut self.journal.lock());
        let reopened = journal.and_then(|()| self.reopen_tables(&mut self.tables.lock()));
        match reopened {
            Err(Fault::Full(_)) => return,
            Err(fault) => return self.fatal(&fault.to_string()),
            Ok(()) => {}
        }
        if self.reserve.fill_again().is_err() {
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
        let (state, durable) = {
            let memory = self.memory.lock();
            (memory.state.clone(), memory.durable)
        };
        let mut result = match &state {
            State::Closed => return Ok(()),
            State::Ok | State::ReadOnly(_) => self.checkpoint_to(durable),
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

#[cfg(test)]
mod tests {
    use super::{super::EmbeddedStore, fold};
    use crate::Options;
    use gsm_core::{CommitKey, EventId, Millis, Timestamp};
    use gsm_engine::{
        store::{AuditRecord, ChangeSet, Key, Row, Store},
        testing::ManualClock,
    };
    use std::sync::Arc;

    fn commit(store: &EmbeddedStore, n: u64) -> u64 {
        let mut set = ChangeSet::new(CommitKey::from_u128(u128::from(n)), Timestamp::EPOCH);
        set.create(Key::System(n), Row::System(String::new()));
        set.audit = Some(AuditRecord {
            event_id: EventId::from_u128(u128::from(n)),
            action: "matches.report".into(),
            principal: "server".into(),
            request_id: format!("req-{n}"),
            resources: Vec::new(),
            reason: None,
            origin: Default::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        runtime.block_on(store.commit(set)).expect("taken").sequence
    }

    #[test]
    fn records_of_a_checkpoint_that_failed_after_it_had_landed_come_once() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let options =
            Options { checkpoint_every: Millis::from_secs(86_400), reserve_bytes: 0, ..Options::default() };
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let store = EmbeddedStore::open(dir.path(), clock, options).expect("opens");
        let mut all: Vec<u64> = (0..3).map(|n| commit(&store, n)).collect();
        store.flush().expect("written");
        all.extend((3..6).map(|n| commit(&store, n)));
        {
            // The tables have them, and memory has heard that they have not.
            let (inner, slot) = (&store.inner, store.inner.tables.lock());
            let tables = slot.as_ref().expect("open");
            let (upto, sets) = inner.memory.lock().to_write(usize::MAX).expect("something to write");
            let traced = inner.options.traced_rows_max;
            tables.checkpoint(upto, &fold(&sets), &sets, inner.clock.now(), traced).expect("written");
            let view = Arc::new(tables.view().expect("readable"));
            inner.memory.lock().view = Some(view);
        }
        all.push(commit(&store, 6));
        let heard = |after: u64, limit: usize| -> Vec<u64> {
            let records = store.audit(after, limit).expect("readable");
            records.into_iter().map(|(sequence, ..)| sequence).collect()
        };
        assert_eq!(heard(0, usize::MAX), all);
        assert_eq!(heard(all[2], 2), all[3..5]);
        assert_eq!(heard(all[4], 100), all[5..]);
        store.flush().expect("written");
        assert_eq!(heard(0, usize::MAX), all, "written once more, it is there once");
    }
}
