//! Which rows memory keeps that a checkpoint has written.
use super::{Entry, Memory};
use crate::embedded::{codec::StoredRow, row_key::RowKey};
use gsm_engine::store::{ReportsStage, Row};
use std::collections::BTreeMap;

impl Memory {
    /// Drops those of the rows that were written just now which are not hot, unless they have moved on.
    pub(in crate::embedded) fn drop_cold(
        &mut self,
        written: &[(Vec<u8>, Option<StoredRow>)],
        hot_rows_max: usize,
    ) {
        // What has become cold since will be written again, and dropped then.
        let cold = |stored: &Option<StoredRow>| stored.as_ref().is_none_or(|stored| !is_hot(&stored.row));
        for (key, _) in written.iter().filter(|(_, stored)| cold(stored)) {
            let key = key.as_slice();
            let cold = self.rows.get(key).is_some_and(|entry| {
                entry.version <= self.applied && !entry.row.as_ref().is_some_and(|row| is_hot(row))
            });
            if cold {
                self.rows.remove(key);
            }
        }
        self.drop_clean(hot_rows_max);
    }

    /// Keeps a row that was read from the current view, if it is worth it.
    pub(in crate::embedded) fn keep(&mut self, key: &[u8], stored: &StoredRow, hot_rows_max: usize) {
        if !is_hot(&stored.row) {
            return;
        }
        let StoredRow { version, expires_at, row } = stored.clone();
        self.rows.entry(RowKey::new(key)).or_insert(Entry { version, row: Some(row), expires_at });
        self.drop_clean(hot_rows_max);
    }

    /// Drops clean rows beyond the limit, going round in key order; a row that is read again comes back.
    fn drop_clean(&mut self, hot_rows_max: usize) {
        let limit = hot_rows_max.saturating_add(self.unwritten_rows);
        if self.rows.len() <= limit {
            return;
        }
        // An eighth more than needed, so that this is rare.
        let mut over = self.rows.len() - limit + hot_rows_max / 8;
        let first = RowKey::new(&[]);
        let (start, applied) = (std::mem::replace(&mut self.drop_from, first.clone()), self.applied);
        let clean = |rows: &BTreeMap<RowKey, Entry>, most: usize, from: &RowKey| -> Vec<RowKey> {
            let after = rows.range(from.clone()..).filter(|(_, entry)| entry.version <= applied);
            after.map(|(key, _)| key.clone()).take(most).collect()
        };
        for from in [start, first] {
            let victims = clean(&self.rows, over, &from);
            for key in &victims {
                self.rows.remove(key);
            }
            over = over.saturating_sub(victims.len());
            self.drop_from = victims.into_iter().next_back().unwrap_or(RowKey::new(&[]));
            if over == 0 {
                break;
            }
        }
    }
}

/// Whether a row is read again and again while it is there.
fn is_hot(row: &Row) -> bool {
    match row {
        Row::Ticket(ticket) => ticket.ended_at.is_none(),
        Row::Reports(row) => matches!(row.stage, ReportsStage::Open | ReportsStage::Disputed),
        Row::Player(_)
        | Row::Queue(_)
        | Row::ApiKey(_)
        | Row::AwsKey(_)
        | Row::Who(_)
        | Row::Rating(_)
        | Row::Outbox(_)
        | Row::Claim(_)
        | Row::Proposal(..)
        | Row::Match(_)
        | Row::Lease(_)
        | Row::Gate(_)
        | Row::System(_)
        | Row::Board(_)
        | Row::Entry(_)
        | Row::Shade(_)
        | Row::Attributes(_)
        | Row::Payout(_)
        | Row::Paying(_)
        | Row::Seated(_)
        | Row::Bucket(_)
        | Row::Opened(_)
        | Row::Starts(_)
        | Row::Closing(_)
        | Row::Counting(_)
        | Row::Learnt(_)
        | Row::Penalties(_)
        | Row::Bans(_)
        | Row::Quarantine(_)
        | Row::Flag(_)
        | Row::Watch(_)
        | Row::Erasing(_)
        | Row::Told(_) => true,
        Row::Identity(_)
        | Row::IdentityOf(_)
        | Row::Erased(_)
        | Row::History(_)
        | Row::Result(_)
        | Row::Staged(_)
        | Row::Replay(_)
        | Row::RuleSet(_)
        | Row::RuleSetVersion(_)
        | Row::Retired(_)
        | Row::Seat(_)
        | Row::Offences(_)
        | Row::Scored(_)
        | Row::Lesson(_)
        | Row::Listed(_)
        | Row::Adjustment(_) => false,
    }
}
