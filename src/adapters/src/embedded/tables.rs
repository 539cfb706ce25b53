//! The tables: every row as of the last checkpoint, and what must outlive the journal.
use super::{
    codec::{
        CodecError, StoredRow, decode_bare, decode_head, decode_row, encode_row, seal_value, unseal_value,
    },
    disk::Health,
    error::Fault,
    library::{Library, Opening, StoreId},
    limits, trace,
};
use gsm_core::{CommitKey, Millis, PlayerId, Timestamp};
use gsm_engine::store::{
    AuditRecord, ChangeSet, EVENT_RETENTION, FirstAuditRecord, Key, PushEvent, Row, Version, stored_audit,
};
use redb::{ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use serde::{Deserialize, Serialize};
use std::{ops::Bound, sync::Arc};

/// The file's name in the data directory.
pub(super) const FILE: &str = "tables.redb";
pub(super) type Bytes = &'static [u8];
const ROWS: TableDefinition<'static, Bytes, Bytes> = TableDefinition::new("rows");
/// Time of expiry and key, of rows that end by themselves (or did, before they were written again).
const EXPIRY: TableDefinition<'static, (i64, Bytes), ()> = TableDefinition::new("expiry");
/// Push events by the sequence of the commit that made them: appended and dropped in that order.
const EVENTS: TableDefinition<'static, u64, Bytes> = TableDefinition::new("events");
/// Commit keys by sequence.
const DONE: TableDefinition<'static, u64, Bytes> = TableDefinition::new("done");
/// Audit records by sequence; kept for ever.
const AUDIT: TableDefinition<'static, u64, Bytes> = TableDefinition::new("audit");
const APPLIED_KEY: &str = "applied";
/// Push events of commits up to this one have been swept out.
const EVENTS_GONE_KEY: &str = "events_gone";

/// Rows as they lie in the tables.
pub(super) type RawRange = redb::Range<'static, Bytes, Bytes>;
/// Version, end and row.
pub(super) type Decoded = ((Version, Option<Timestamp>), Row);
/// A change set and its place.
pub(super) type Placed = (u64, Arc<ChangeSet>);
/// One commit's push events, as stored.
pub(super) type EventsOf = Vec<(PlayerId, PushEvent)>;
/// The last write of each key, in order: `None` removes it.
pub(super) type Folded = Vec<(Vec<u8>, Option<StoredRow>)>;

/// The open tables.
pub(super) struct Tables {
    library: Library,
}

/// The rows as of one checkpoint.
pub(super) struct View {
    rows: ReadOnlyTable<Bytes, Bytes>,
    audit: ReadOnlyTable<u64, Bytes>,
    pub(super) trace: ReadOnlyTable<u64, Bytes>,
    health: Arc<Health>,
}

/// What is read back at the start.
pub(super) struct Kept {
    pub(super) done: Vec<(u64, CommitKey, Timestamp)>,
    pub(super) events: Vec<(u64, EventsOf)>,
    /// Events of commits up to this one are among those that are gone.
    pub(super) events_gone: u64,
}

impl Tables {
    /// Makes the file, empty, under a temporary name.
    pub(super) fn create(how: Opening<'_>, temporary: &str, store: StoreId) -> Result<(), Fault> {
        Library::create(how, temporary, store, |tx| {
            tx.open_table(ROWS)?;
            tx.open_table(EXPIRY)?;
            tx.open_table(EVENTS)?;
            tx.open_table(DONE)?;
            tx.open_table(AUDIT)?;
            tx.open_table(trace::TRACE)?;
            Ok(())
        })
    }

    /// Opens the file.
    pub(super) fn open(how: Opening<'_>) -> Result<(Self, StoreId), Fault> {
        let (library, store) = Library::open(how)?;
        Ok((Self { library }, store))
    }

    /// Sequence of the last change set whose effects are in the tables.
    pub(super) fn applied(&self) -> Result<u64, Fault> {
        self.library.meta_u64(APPLIED_KEY)
    }

    /// The rows as they are now.
    pub(super) fn view(&self) -> Result<View, Fault> {
        self.library.run(|db| {
            let tx = db.begin_read()?;
            let health = self.library.health().clone();
            let (rows, audit) = (tx.open_table(ROWS)?, tx.open_table(AUDIT)?);
            Ok(View { rows, audit, trace: tx.open_table(trace::TRACE)?, health })
        })
    }

    /// Commit keys and push events as of the last checkpoint.
    pub(super) fn kept(&self) -> Result<Kept, Fault> {
        let events_gone = self.library.meta_u64(EVENTS_GONE_KEY)?;
        let mut kept = Kept { done: Vec::new(), events: Vec::new(), events_gone };
        let mut bad = None;
        self.library.run(|db| {
            let tx = db.begin_read()?;
            for item in tx.open_table(DONE)?.iter()? {
                let (sequence, value) = item?;
                let sequence = sequence.value();
                match unseal_value::<(CommitKey, Timestamp)>(&sequence.to_le_bytes(), value.value()) {
                    Ok((key, at)) => kept.done.push((sequence, key, at)),
                    Err(error) => bad = bad.take().or(Some(damaged("the commit key of", sequence, &error))),
                }
            }
            for item in tx.open_table(EVENTS)?.iter()? {
                let (sequence, value) = item?;
                let sequence = sequence.value();
                match unseal_value(&sequence.to_le_bytes(), value.value()) {
                    Ok(events) => kept.events.push((sequence, events)),
                    Err(error) => bad = bad.take().or(Some(damaged("the push events of", sequence, &error))),
                }
            }
            Ok(())
        })?;
        bad.map_or(Ok(kept), Err)
    }

    /// Makes the tables show the effects of all sets up to `upto`, in one transaction: `rows` is the fold of `sets`.
    pub(super) fn checkpoint(
        &self,
        upto: u64,
        rows: &Folded,
        sets: &[Placed],
        now: Timestamp,
        traced_rows_max: u64,
    ) -> Result<(), Fault> {
        let mut encoded = Vec::with_capacity(rows.len());
        for (key, stored) in rows {
            let live = stored.as_ref().filter(|stored| stored.expires_at.is_none_or(|at| at > now));
            let value =
                live.map(|stored| encode_row(key, stored)).transpose().map_err(|e| self.library.judge(e))?;
            encoded.push((key, value, live.and_then(|stored| stored.expires_at)));
        }
        self.library.run(|db| {
            let mut tx = db.begin_write()?;
            // The file then knows where it stands after a crash, without a walk over all of it.
            tx.set_quick_repair(true);
            write_rows(&tx, &encoded)?;
            write_sets(&tx, sets)?;
            trace::write(&tx, sets)?;
            let most = limits::SWEEP_ROWS_MAX.max(2 * encoded.len());
            sweep_rows(&tx, now, most)?;
            sweep_events(&tx, now, most)?;
            sweep_done(&tx, now, most)?;
            trace::sweep(&tx, traced_rows_max, most)?;
            Library::set_meta(&tx, APPLIED_KEY, upto)?;
            tx.commit()?;
            Ok(())
        })
    }

    /// Closes it; every [`View`] must be gone.
    pub(super) fn close(self) -> Result<(), Fault> {
        self.library.close()
    }
}

type Encoded<'a> = (&'a Vec<u8>, Option<Vec<u8>>, Option<Timestamp>);

fn write_rows(tx: &redb::WriteTransaction, rows: &[Encoded<'_>]) -> Result<(), redb::Error> {
    let (mut table, mut expiry) = (tx.open_table(ROWS)?, tx.open_table(EXPIRY)?);
    for (key, value, expires_at) in rows {
        match value {
            Some(value) => table.insert(key.as_slice(), value.as_slice())?,
            None => table.remove(key.as_slice())?,
        };
        if let Some(at) = expires_at {
            expiry.insert((at.as_millis(), key.as_slice()), ())?;
        }
    }
    Ok(())
}

fn write_sets(tx: &redb::WriteTransaction, sets: &[Placed]) -> Result<(), redb::Error> {
    let (mut done, mut events, mut audit) =
        (tx.open_table(DONE)?, tx.open_table(EVENTS)?, tx.open_table(AUDIT)?);
    let unfit = |error: CodecError| redb::Error::Corrupted(error.to_string());
    for (sequence, changes) in sets {
        let context = sequence.to_le_bytes();
        let value = seal_value(&context, &(changes.key, changes.at)).map_err(unfit)?;
        done.insert(sequence, value.as_slice())?;
        if !changes.events.is_empty() {
            events.insert(sequence, seal_value(&context, &changes.events).map_err(unfit)?.as_slice())?;
        }
        if let Some(record) = &changes.audit {
            let row = AuditRow { at: changes.at, record: Some(record.clone()) };
            audit.insert(sequence, seal_value(&context, &row).map_err(unfit)?.as_slice())?;
        }
    }
    Ok(())
}

/// Removes rows whose time is over. The index may name a row that was written again since: that one stays.
fn sweep_rows(tx: &redb::WriteTransaction, now: Timestamp, most: usize) -> Result<(), redb::Error> {
    let (mut table, mut expiry) = (tx.open_table(ROWS)?, tx.open_table(EXPIRY)?);
    for _ in 0..most {
        let Some((at, key)) = expiry.first()?.map(|(due, _)| {
            let (at, key) = due.value();
            (at, key.to_vec())
        }) else {
            break;
        };
        if at > now.as_millis() {
            break;
        }
        expiry.remove((at, key.as_slice()))?;
        let over = table.get(key.as_slice())?.is_some_and(|value| {
            let head = decode_head(&key, value.value());
            head.is_ok_and(|(_, expires_at)| expires_at.is_some_and(|at| at <= now))
        });
        if over {
            table.remove(key.as_slice())?;
        }
    }
    Ok(())
}

fn sweep_events(tx: &redb::WriteTransaction, now: Timestamp, most: usize) -> Result<(), redb::Error> {
    let mut table = tx.open_table(EVENTS)?;
    let mut len = table.len()?;
    let mut gone = None;
    let oldest = now.saturating_sub(EVENT_RETENTION);
    for _ in 0..most {
        let Some((sequence, over)) = table.first()?.map(|(sequence, value)| {
            let sequence = sequence.value();
            let events = unseal_value::<EventsOf>(&sequence.to_le_bytes(), value.value());
            (sequence, events.is_ok_and(|events| events.iter().all(|(_, event)| event.at < oldest)))
        }) else {
            break;
        };
        if !over && len <= limits::EVENT_SETS_MAX {
            break;
        }
        table.remove(sequence)?;
        gone = Some(sequence);
        len -= 1;
    }
    gone.map_or(Ok(()), |gone| Library::set_meta(tx, EVENTS_GONE_KEY, gone))
}

fn sweep_done(tx: &redb::WriteTransaction, now: Timestamp, most: usize) -> Result<(), redb::Error> {
    let mut table = tx.open_table(DONE)?;
    let mut len = usize::try_from(table.len()?).unwrap_or(usize::MAX);
    let oldest = now.saturating_sub(Millis::new(limits::DONE_RETENTION_MS));
    for _ in 0..most {
        if len <= limits::DONE_KEPT_MIN {
            break;
        }
        let Some((sequence, old)) = table.first()?.map(|(sequence, value)| {
            let sequence = sequence.value();
            let done = unseal_value::<(CommitKey, Timestamp)>(&sequence.to_le_bytes(), value.value());
            (sequence, done.is_ok_and(|(_, at)| at < oldest))
        }) else {
            break;
        };
        if !old && len <= limits::DONE_KEPT_MAX {
            break;
        }
        table.remove(sequence)?;
        len -= 1;
    }
    Ok(())
}

impl View {
    fn named(&self, key: &[u8], error: impl std::fmt::Display) -> Fault {
        let key = Key::decode(key).map_or_else(|_| format!("{key:02x?}"), |key| key.to_string());
        match Fault::of(error, FILE, &self.health) {
            Fault::Damaged(what) => Fault::Damaged(format!("the row under `{key}` cannot be read: {what}")),
            other => other,
        }
    }

    fn ranged(&self, error: impl std::fmt::Display) -> Fault {
        Fault::of(error, FILE, &self.health)
    }

    /// Whether nothing more can be read from the file.
    pub(super) fn is_ill(&self) -> bool {
        self.health.illness().is_some()
    }

    /// A row, expired or not.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<StoredRow>, Fault> {
        let found = self.rows.get(key).map_err(|error| self.named(key, error))?;
        found.map(|value| decode_row(key, value.value()).map_err(|error| self.named(key, error))).transpose()
    }

    /// A row's version and end.
    pub(super) fn head(&self, key: &[u8]) -> Result<Option<(Version, Option<Timestamp>)>, Fault> {
        let found = self.rows.get(key).map_err(|error| self.named(key, error))?;
        found.map(|value| decode_head(key, value.value()).map_err(|error| self.named(key, error))).transpose()
    }

    /// Rows within bounds, in order or in reverse.
    pub(super) fn range<'a>(
        &'a self,
        bounds: (Bound<&'a [u8]>, Bound<&'a [u8]>),
        reverse: bool,
    ) -> Result<impl Iterator<Item = Result<(Vec<u8>, StoredRow), Fault>> + 'a, Fault> {
        let mut range = self.rows.range::<&[u8]>(bounds).map_err(|error| self.ranged(error))?;
        Ok(std::iter::from_fn(move || {
            let item = if reverse { range.next_back() } else { range.next() }?;
            Some(item.map_err(|error| self.ranged(error)).and_then(|(key, value)| {
                let key = key.value().to_vec();
                let row = decode_row(&key, value.value()).map_err(|error| self.named(&key, error))?;
                Ok((key, row))
            }))
        }))
    }

    /// Undecoded rows within bounds, from either end.
    pub(super) fn raw(&self, bounds: (Bound<&[u8]>, Bound<&[u8]>)) -> Result<RawRange, Fault> {
        self.rows.range::<&[u8]>(bounds).map_err(|error| self.ranged(error))
    }

    /// What a row of [`raw`](Self::raw) that could not be read is.
    pub(super) fn unread(&self, error: redb::StorageError) -> Fault {
        self.ranged(error)
    }

    /// Decodes a row of [`raw`](Self::raw).
    pub(super) fn decode(&self, key: &[u8], value: &[u8]) -> Result<Decoded, Fault> {
        decode_bare(key, value).map_err(|error| self.named(key, error))
    }

    /// Audit records after a sequence, at most `limit`.
    pub(super) fn audit(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Timestamp, AuditRecord)>, Fault> {
        let range =
            self.audit.range(after.saturating_add(1)..).map_err(|e| Fault::of(e, FILE, &self.health))?;
        let mut out = Vec::new();
        for item in range.take(limit) {
            let (sequence, value) = item.map_err(|error| Fault::of(error, FILE, &self.health))?;
            let sequence = sequence.value();
            let row = audit_row(sequence, value.value())
                .map_err(|error| damaged("the audit record of", sequence, &error))?;
            out.extend(row.record.map(|record| (sequence, row.at, record)));
        }
        Ok(out)
    }
}

/// An audit record as it lies in its table.
#[derive(Serialize, Deserialize)]
struct AuditRow {
    at: Timestamp,
    #[serde(with = "stored_audit")]
    record: Option<AuditRecord>,
}

/// Reads one; the first releases wrote time and record without a form, which no form's number is mistaken for.
fn audit_row(sequence: u64, bytes: &[u8]) -> Result<AuditRow, CodecError> {
    let context = sequence.to_le_bytes();
    unseal_value(&context, bytes).or_else(|error| {
        let first: (Timestamp, FirstAuditRecord) = unseal_value(&context, bytes).map_err(|_| error)?;
        Ok(AuditRow { at: first.0, record: Some(first.1.into()) })
    })
}

fn damaged(what: &str, sequence: u64, error: &CodecError) -> Fault {
    Fault::Damaged(format!("`{FILE}`: {what} commit `{sequence}`: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::EventId;

    /// Time 4 and a record of the commit 6, as the first release wrote them.
    const AUDIT_1: &str = concat!(
        "01cc1197bcb65a7b540810000000000000000000000000000000031067736d3a5265706f7274526573756c740c",
        "7365727665723a6172656e61057265712d3101056d63682d310103776879"
    );

    #[test]
    fn audit_records_of_the_first_form_stay_readable() {
        let digit = |c: u8| (c as char).to_digit(16).expect("a digit") as u8;
        let bytes: Vec<u8> =
            AUDIT_1.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
        let of_record =
            (EventId::from_u128(3), "gsm:ReportResult", "server:arena", "req-1", vec!["mch-1"], Some("why"));
        let first = seal_value(&6u64.to_le_bytes(), &(Timestamp::from_millis(4), of_record)).expect("writes");
        assert_eq!(first.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), AUDIT_1);
        let row = audit_row(6, &bytes).expect("reads");
        let record = AuditRecord {
            event_id: EventId::from_u128(3),
            action: "gsm:ReportResult".into(),
            principal: "server:arena".into(),
            request_id: "req-1".into(),
            resources: vec!["mch-1".into()],
            reason: Some("why".into()),
            origin: Default::default(),
        };
        assert_eq!((row.at.as_millis(), row.record.as_ref()), (4, Some(&record)));
        let again = seal_value(&6u64.to_le_bytes(), &row).expect("writes");
        assert_eq!(audit_row(6, &again).expect("reads").record, Some(record));
        assert!(audit_row(7, &again).is_err(), "in another's place");
    }
}
