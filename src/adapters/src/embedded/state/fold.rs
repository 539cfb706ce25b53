//! Change sets, key by key.
use crate::embedded::{
    codec::StoredRow,
    row_key::RowKey,
    tables::{Folded, Placed},
};
use gsm_engine::store::{ChangeSet, Op, Write};

pub(super) fn encoded(changes: &ChangeSet) -> impl Iterator<Item = RowKey> + use<> {
    let writes = changes.writes.iter().chain(&changes.folds);
    let keys: Vec<RowKey> = writes.map(|write| RowKey::new(&write.key.encode())).collect();
    keys.into_iter()
}

/// The last write of each key among sets in sequence.
pub(in crate::embedded) fn fold(sets: &[Placed]) -> Folded {
    let writes = |changes: &ChangeSet| changes.writes.len() + changes.folds.len();
    let mut out = Folded::with_capacity(sets.iter().map(|(_, changes)| writes(changes)).sum());
    for (sequence, changes) in sets {
        for Write { key, op, .. } in changes.writes.iter().chain(&changes.folds) {
            let stored = match op {
                Op::Put { row, expires_at } => {
                    Some(StoredRow { version: *sequence, expires_at: *expires_at, row: row.clone() })
                }
                Op::Delete => None,
                Op::Check => continue,
            };
            out.push((key.encode(), stored));
        }
    }
    // Writes of one key stay in the order of their sequences, of which the last counts.
    out.sort_by(|(one, _), (other, _)| one.cmp(other));
    out.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            std::mem::swap(later, kept);
        }
        same
    });
    out
}
