//! Reading a whole range: two threads, one from each end, until they meet.
use super::{
    Inner,
    error::Fault,
    reads::{Sight, fails, view_of},
    tables::{RawRange, View},
};
use gsm_core::Timestamp;
use gsm_engine::store::{Gather, Key, KeyRange, ReadError, Row, Version};
use parking_lot::Mutex;
use std::{collections::BTreeMap, ops::Bound, sync::Arc};

/// Rows that a thread takes for itself at once.
const CLAIM: usize = 256;

/// What memory has of the range, deleted rows too: the tables' rows of these keys are older, or the same.
type Newer = BTreeMap<Vec<u8>, Option<(Version, Arc<Row>)>>;

/// The keys that nobody has taken yet lie between these two.
#[derive(Default)]
struct Untaken {
    after: Option<Vec<u8>>,
    before: Option<Vec<u8>>,
}

type Item = Result<
    (redb::AccessGuard<'static, &'static [u8]>, redb::AccessGuard<'static, &'static [u8]>),
    redb::StorageError,
>;

/// One of the threads.
struct Sweep<'a> {
    view: &'a View,
    newer: &'a Newer,
    untaken: &'a Mutex<Untaken>,
    now: Timestamp,
    is_backward: bool,
}

impl Sweep<'_> {
    fn run(&self, mut rows: RawRange, gather: &mut dyn Gather) -> Result<(), Fault> {
        loop {
            let mut items = Vec::with_capacity(CLAIM);
            while items.len() < CLAIM
                && let Some(item) = self.next(&mut rows)
            {
                items.push(item.map_err(|error| self.view.unread(error))?);
            }
            let is_last = items.len() < CLAIM;
            let keys = items.iter().map(|(key, _)| key.value());
            let taken = self.take(keys);
            let met = taken < items.len();
            for (key, value) in items.iter().take(taken) {
                let (key, value) = (key.value(), value.value());
                if !self.newer.is_empty() && self.newer.contains_key(key) {
                    continue;
                }
                let ((version, expires_at), row) = self.view.decode(key, value)?;
                if expires_at.is_none_or(|at| at > self.now) {
                    gather.row(&named(key)?, version, &row);
                }
            }
            if met || is_last {
                return Ok(());
            }
        }
    }

    fn next(&self, rows: &mut RawRange) -> Option<Item> {
        if self.is_backward { rows.next_back() } else { rows.next() }
    }

    /// Takes the first of these keys, as they come, that the other has not taken; returns how many.
    fn take<'k>(&self, keys: impl DoubleEndedIterator<Item = &'k [u8]> + ExactSizeIterator + Clone) -> usize {
        let mut untaken = self.untaken.lock();
        let Untaken { after, before } = &mut *untaken;
        let (own, others) = if self.is_backward { (before, after) } else { (after, before) };
        let is_free = |key: &&[u8]| match others.as_deref() {
            None => true,
            Some(other) if self.is_backward => *key > other,
            Some(other) => *key < other,
        };
        // The keys come in order: all are free if the last one is.
        let taken = if keys.clone().next_back().is_none_or(|key| is_free(&key)) {
            keys.len()
        } else {
            keys.clone().take_while(is_free).count()
        };
        if let Some(last) = taken.checked_sub(1).and_then(|last| keys.clone().nth(last)) {
            *own = Some(last.to_vec());
        }
        taken
    }
}

fn named(key: &[u8]) -> Result<Key, Fault> {
    Key::decode(key).map_err(|_| Fault::Damaged(format!("stored bytes `{key:02x?}` are no key")))
}

impl Inner {
    /// See [`gsm_engine::store::Store::scan`].
    pub(super) async fn sweep(
        &self,
        range: &KeyRange,
        [one, other]: [&mut dyn Gather; 2],
    ) -> Result<(), ReadError> {
        let (low, high) = range.bounds();
        let bounds = (Bound::Included(low.as_slice()), Bound::Included(high.as_slice()));
        let (view, newer, now) = loop {
            let now = self.clock.now();
            let (view, newer, sight) = {
                let memory = self.memory.lock();
                let mut sight = Sight::default();
                let rows = memory.rows.range::<[u8], _>(bounds).map(|(key, entry)| {
                    sight.saw(&memory, entry.version);
                    (key.as_slice().to_vec(), entry.live(now).map(|row| (entry.version, row.clone())))
                });
                let newer: Newer = rows.collect();
                (view_of(&memory)?, newer, sight)
            };
            // Only what is on the disk is given away: nobody could take it back.
            if self.settled(sight).await? {
                break (view, newer, now);
            }
        };
        for (key, row) in &newer {
            if let Some((version, row)) = row {
                one.row(&named(key).map_err(fails)?, *version, row);
            }
        }
        let untaken = Mutex::default();
        let sweep = |is_backward| Sweep { view: &view, newer: &newer, untaken: &untaken, now, is_backward };
        let (forward, backward) = (sweep(false), sweep(true));
        let swept =
            view.raw(bounds).and_then(|rows| Ok((rows, view.raw(bounds)?))).and_then(|(rows, again)| {
                std::thread::scope(|scope| {
                    let back = scope.spawn(move || backward.run(again, other));
                    let front = forward.run(rows, one);
                    let back =
                        back.join().unwrap_or_else(|_| Err(Fault::Fatal("a reading thread panicked".into())));
                    front.and(back)
                })
            });
        match swept {
            Ok(()) => Ok(()),
            Err(fault) => {
                let text = fault.to_string();
                self.unreadable(&view, fault).map_err(ReadError)?;
                Err(fails(text))
            }
        }
    }
}
