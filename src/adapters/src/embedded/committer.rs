//! The committer: writes what waits to the journal in groups, tells the folds, answers.
use super::{
    Inner, State,
    codec::{Group, encode_group},
    error::Fault,
    journal::{self, Journal},
    limits,
    state::Work,
    tables::Placed,
};
use gsm_engine::store::{CommitError, Committed, StoreFault};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
};

/// The thread's life: until the store closes and nothing waits any more.
pub(super) fn run(inner: &Inner) {
    while let Some(group) = inner.next_group() {
        inner.write_group(group);
        inner.settled.notify_all();
    }
}

impl Inner {
    fn next_group(&self) -> Option<Vec<Work>> {
        let mut memory = self.memory.lock();
        while memory.queue.is_empty() {
            if memory.closing {
                return None;
            }
            self.work.wait(&mut memory);
        }
        let (mut group, mut sets, mut bytes, durable) = (Vec::new(), 0, 0, memory.durable);
        while sets < limits::GROUP_SETS_MAX
            && bytes < limits::GROUP_BYTES_MAX
            && let Some(work) = memory.queue.pop_front()
        {
            match &work {
                // What it waits for was in an earlier group: it need not wait for this one.
                Work::Wait { sequence, .. } if *sequence <= durable => {
                    work.answer(Ok);
                    continue;
                }
                Work::Wait { .. } => {}
                Work::Set { payload, .. } => {
                    sets += 1;
                    bytes += payload.len();
                }
            }
            group.push(work);
        }
        Some(group)
    }

    fn write_group(&self, group: Vec<Work>) {
        let sets: Vec<Placed> = group.iter().filter_map(Work::placed).collect();
        let (state, trim) = {
            let memory = self.memory.lock();
            (memory.state.clone(), memory.applied)
        };
        if let State::Failed(text) = &state {
            return answer(group, |_| Err(CommitError::Unknown(StoreFault::new(text))));
        }
        let mut slot = self.journal.lock();
        match self.append(slot.as_mut(), &group, &sets, trim) {
            Ok(()) => {
                drop(slot);
                self.delivered(&sets);
                self.answer_durable(group, || CommitError::Refused(StoreFault::new("it was given up")));
            }
            Err(Fault::Full(text)) => self.journal_full(&mut slot, group, &text),
            Err(fault) => {
                drop(slot);
                self.fatal(&fault.to_string());
                answer(group, |_| Err(CommitError::Unknown(StoreFault::new(&fault))));
            }
        }
    }

    fn append(
        &self,
        journal: Option<&mut Journal>,
        group: &[Work],
        sets: &[Placed],
        trim: u64,
    ) -> Result<(), Fault> {
        let (Some((first, _)), Some((last, _))) = (sets.first(), sets.last()) else { return Ok(()) };
        let journal = journal.ok_or_else(|| Fault::Full("the journal waits for room".into()))?;
        let payloads: Vec<&[u8]> = group.iter().filter_map(Work::payload).collect();
        let blob = encode_group(*first, journal.last(), payloads.iter().copied());
        self.timings.measure(|| journal.append(*first, *last, &blob, trim))?;
        self.journal_bytes.store(journal.bytes(), Ordering::Relaxed);
        Ok(())
    }

    /// These sets are on the disk: folds and push streams see them, in order, and then everybody may.
    fn delivered(&self, sets: &[Placed]) {
        if sets.is_empty() {
            return;
        }
        let now = self.clock.now();
        let folds = self.folds.read().clone();
        for (sequence, changes) in sets {
            self.rings.lock().push(*sequence, &changes.events, now);
            for fold in &folds {
                let committed = Committed { sequence: *sequence };
                if catch_unwind(AssertUnwindSafe(|| fold.apply(committed, changes))).is_err() {
                    self.fatal("a fold of the journal panicked");
                }
            }
        }
        let mut memory = self.memory.lock();
        memory.settled(sets);
        if memory.is_due(&self.options) {
            self.due.notify_one();
        }
    }

    fn answer_durable(&self, group: Vec<Work>, otherwise: impl Fn() -> CommitError) {
        let durable = self.memory.lock().durable;
        answer(group, |sequence| if sequence <= durable { Ok(sequence) } else { Err(otherwise()) });
    }

    /// The disk was full: memory goes back to what is durable, the journal is opened anew to see what that is. Nobody
    /// else may open it meanwhile, so `slot` stays locked.
    fn journal_full(&self, slot: &mut Option<Journal>, mut group: Vec<Work>, text: &str) {
        {
            let mut memory = self.memory.lock();
            self.read_only(&mut memory, text);
            memory.unresolved = true;
            group.extend(std::mem::take(&mut memory.queue));
            memory.back_to_durable();
        }
        *slot = None;
        self.reserve.release();
        let fault = || StoreFault::new(format!("disk full: {text}"));
        match self.reopen_journal(slot) {
            Ok(()) => self.answer_durable(group, || CommitError::Refused(fault())),
            Err(error) => {
                tracing::warn!(%error, "the journal could not be opened again yet");
                answer(group, |_| Err(CommitError::Unknown(fault())));
            }
        }
    }

    /// Opens the journal again after its disk was full; sets that turn out to be in it count.
    pub(super) fn reopen_journal(&self, slot: &mut Option<Journal>) -> Result<(), Fault> {
        if slot.is_some() {
            return Ok(());
        }
        let durable = self.memory.lock().durable;
        let mut landed: Vec<Placed> = Vec::new();
        let (journal, _) = Journal::open(self.home.opening(journal::FILE), durable, |group| {
            landed.extend(placed(group).filter(|(sequence, _)| *sequence > durable));
            Ok(())
        })?;
        *slot = Some(journal);
        {
            let mut memory = self.memory.lock();
            for (sequence, changes) in &landed {
                memory.replay(*sequence, changes.clone());
            }
        }
        self.delivered(&landed);
        self.memory.lock().unresolved = false;
        Ok(())
    }
}

/// A group's sets with their sequences.
pub(super) fn placed(group: Group) -> impl Iterator<Item = Placed> {
    (group.first..).zip(group.sets.into_iter().map(Arc::new))
}

fn answer(group: Vec<Work>, fate: impl Fn(u64) -> super::state::Fate) {
    for work in group {
        work.answer(&fate);
    }
}
