//! The trace: which commits wrote which ratings, so that saved boards can catch up. In a table of its own, by sequence; the
//! oldest go first.
use super::{
    Inner,
    codec::{seal_value, unseal_value},
    error::Fault,
    reads::{fails, view_of},
    tables::{self, Bytes, Placed, View},
};
use gsm_core::limits::PAGE_SIZE_MAX;
use gsm_engine::store::{Key, KeyRange, Position, ReadError, Row, Version};
use redb::{ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc};

pub(super) const TRACE: TableDefinition<'static, u64, Bytes> = TableDefinition::new("trace");

/// One commit.
#[derive(Serialize, Deserialize)]
struct Traced {
    position: Position,
    /// Encoded keys of the rows that it wrote or removed.
    keys: Vec<Vec<u8>>,
}

impl Traced {
    fn decode(sequence: u64, value: &[u8]) -> Result<Self, Fault> {
        unseal_value(&sequence.to_le_bytes(), value).map_err(|error| {
            Fault::Damaged(format!("`{}`: the trace of commit `{sequence}`: {error}", tables::FILE))
        })
    }

    /// The trace is whole from the very beginning on if this is its first commit.
    fn is_first(&self) -> bool {
        self.position.rows == self.keys.len() as u64
    }
}

type Found<'a> = (redb::AccessGuard<'a, u64>, redb::AccessGuard<'a, Bytes>);

fn read(found: Option<Found<'_>>) -> Result<Option<Traced>, Fault> {
    found.map(|(sequence, value)| Traced::decode(sequence.value(), value.value())).transpose()
}

fn corrupted(fault: Fault) -> redb::Error {
    redb::Error::Corrupted(fault.to_string())
}

/// Adds what sets wrote. Those that are in it already, from a checkpoint of which nobody heard that it succeeded, stay.
pub(super) fn write(tx: &redb::WriteTransaction, sets: &[Placed]) -> Result<(), redb::Error> {
    let mut table = tx.open_table(TRACE)?;
    let mut last = read(table.last()?).map_err(corrupted)?.map(|last| last.position).unwrap_or_default();
    for (sequence, changes) in sets {
        let Some((position, keys)) = last.after(*sequence, changes).filter(|_| *sequence > last.sequence)
        else {
            continue;
        };
        let traced = Traced { position, keys: keys.into_iter().map(Key::encode).collect() };
        let value = seal_value(&sequence.to_le_bytes(), &traced)
            .map_err(|error| redb::Error::Corrupted(error.to_string()))?;
        table.insert(sequence, value.as_slice())?;
        last = position;
    }
    Ok(())
}

/// Drops the oldest commits, so that `rows_max` rows are left.
pub(super) fn sweep(tx: &redb::WriteTransaction, rows_max: u64, most: usize) -> Result<(), redb::Error> {
    let mut table = tx.open_table(TRACE)?;
    let Some(last) = read(table.last()?).map_err(corrupted)? else { return Ok(()) };
    for _ in 0..most {
        let Some(first) = read(table.first()?).map_err(corrupted)? else { break };
        if last.position.rows - first.position.rows <= rows_max {
            break;
        }
        table.remove(first.position.sequence)?;
    }
    Ok(())
}

impl View {
    fn traced<T>(&self, result: Result<T, redb::StorageError>) -> Result<T, Fault> {
        result.map_err(|error| self.unread(error))
    }

    /// The last position that the tables know.
    pub(super) fn position(&self) -> Result<Position, Fault> {
        let last = read(self.traced(self.trace.last())?)?;
        Ok(last.map(|last| last.position).unwrap_or_default())
    }

    /// Whether the tables were there, and know all that came after.
    fn knows(&self, position: Position) -> Result<bool, Fault> {
        if position == Position::default() {
            let first = read(self.traced(self.trace.first())?)?;
            return Ok(first.is_none_or(|first| first.is_first()));
        }
        let Some(found) = self.traced(self.trace.get(position.sequence))? else { return Ok(false) };
        Ok(Traced::decode(position.sequence, found.value())?.position == position)
    }

    /// Adds the keys in `within` that were written after `sequence`, each with its last commit.
    fn written_after(
        &self,
        sequence: u64,
        within: &RangeInclusive<Vec<u8>>,
        written: &mut BTreeMap<Vec<u8>, u64>,
    ) -> Result<(), Fault> {
        for item in self.traced(self.trace.range(sequence.saturating_add(1)..))? {
            let (sequence, value) = self.traced(item)?;
            let sequence = sequence.value();
            let keys = Traced::decode(sequence, value.value())?.keys;
            written.extend(keys.into_iter().filter(|key| within.contains(key)).map(|key| (key, sequence)));
        }
        Ok(())
    }
}

/// The keys in `within` that were written after a position, each with its last commit; `None` if the store was never there
/// or does not know all of them. `sets` are those that the tables do not show yet.
fn written(
    view: &View,
    sets: &[Placed],
    after: Position,
    within: &RangeInclusive<Vec<u8>>,
) -> Result<Option<BTreeMap<Vec<u8>, u64>>, Fault> {
    let (mut written, mut at) = (BTreeMap::new(), view.position()?);
    let mut is_known = after.sequence <= at.sequence;
    if is_known {
        if !view.knows(after)? {
            return Ok(None);
        }
        view.written_after(after.sequence, within, &mut written)?;
    }
    let shown = at.sequence;
    for (sequence, changes) in sets.iter().filter(|(sequence, _)| *sequence > shown) {
        let Some((next, keys)) = at.after(*sequence, changes) else { continue };
        at = next;
        if is_known {
            let keys = keys.into_iter().map(Key::encode).filter(|key| within.contains(key));
            written.extend(keys.map(|key| (key, *sequence)));
        } else {
            is_known = at == after;
        }
    }
    Ok(is_known.then_some(written))
}

impl Inner {
    /// See [`gsm_engine::store::Store::changed`].
    pub(super) async fn changed(
        &self,
        range: &KeyRange,
        after: Position,
        take: &mut (dyn FnMut(Key, Version, Option<Arc<Row>>) + Send),
    ) -> Result<bool, ReadError> {
        let (view, sets) = {
            let memory = self.memory.lock();
            (view_of(&memory)?, memory.unwritten().cloned().collect::<Vec<_>>())
        };
        let (low, high) = range.bounds();
        let written = match written(&view, &sets, after, &(low..=high)) {
            Ok(written) => written,
            Err(fault) => {
                let text = fault.to_string();
                self.unreadable(&view, fault).map_err(ReadError)?;
                return Err(fails(text));
            }
        };
        let Some(written) = written else { return Ok(false) };
        drop(view);
        let named = |(key, sequence): (Vec<u8>, u64)| Key::decode(&key).map(|key| (key, sequence));
        let written: Vec<(Key, u64)> =
            written.into_iter().map(named).collect::<Result<_, _>>().map_err(fails)?;
        for page in written.chunks(PAGE_SIZE_MAX) {
            let keys: Vec<Key> = page.iter().map(|(key, _)| key.clone()).collect();
            for ((key, sequence), found) in page.iter().zip(self.get(&keys).await?) {
                match found {
                    Some(found) => take(key.clone(), found.version, Some(found.row)),
                    None => take(key.clone(), *sequence, None),
                }
            }
        }
        Ok(true)
    }
}
