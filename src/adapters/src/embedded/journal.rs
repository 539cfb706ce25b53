//! The journal: groups of change sets in commit order, durable when [`Journal::append`] returns.
use super::{
    codec::{Group, decode_group},
    error::Fault,
    library::{Library, Opening, StoreId},
    limits,
};
use redb::{ReadableDatabase, ReadableTable, TableDefinition};
use std::collections::VecDeque;

/// The file's name in the data directory.
pub(super) const FILE: &str = "journal.redb";
const GROUPS: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("groups");
/// Sequence of the last set that was trimmed.
const TRIMMED_KEY: &str = "trimmed";

/// Where one group lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    first: u64,
    last: u64,
    bytes: usize,
}

/// The groups in the file, oldest first.
#[derive(Debug, Default)]
struct Places {
    groups: VecDeque<Place>,
    bytes: usize,
}

impl Places {
    fn push(&mut self, place: Place) {
        self.bytes += place.bytes;
        self.groups.push_back(place);
    }
    fn drop_first(&mut self, count: usize) {
        self.bytes -= self.groups.drain(..count).map(|place| place.bytes).sum::<usize>();
    }
}

/// The open journal.
pub(super) struct Journal {
    library: Library,
    places: Places,
    trimmed: u64,
}

impl Journal {
    /// Makes the file, empty, under a temporary name.
    pub(super) fn create(how: Opening<'_>, temporary: &str, store: StoreId) -> Result<(), Fault> {
        Library::create(how, temporary, store, |tx| {
            tx.open_table(GROUPS)?;
            Ok(())
        })
    }

    /// Opens the file and checks that its groups follow each other; `each` takes those with a set after `from`.
    pub(super) fn open(
        how: Opening<'_>,
        from: u64,
        mut each: impl FnMut(Group) -> Result<(), Fault>,
    ) -> Result<(Self, StoreId), Fault> {
        let (library, store) = Library::open(how)?;
        let trimmed = library.meta_u64(TRIMMED_KEY)?;
        let mut journal = Self { library, places: Places::default(), trimmed };
        let mut places = Places::default();
        let mut bad = Ok(());
        journal.library.run(|db| {
            let mut before = trimmed;
            for item in db.begin_read()?.open_table(GROUPS)?.iter()? {
                let (first, blob) = item?;
                let (first, blob) = (first.value(), blob.value());
                bad = decode_group(first, blob).map_err(|error| damaged(first, error)).and_then(|group| {
                    if group.previous != before || group.first <= before {
                        return Err(damaged(first, format_args!("the one before ends at `{before}`")));
                    }
                    before = group.last();
                    places.push(Place { first, last: before, bytes: blob.len() });
                    if before > from { each(group) } else { Ok(()) }
                });
                if bad.is_err() {
                    break;
                }
            }
            Ok(())
        })?;
        bad?;
        journal.places = places;
        Ok((journal, store))
    }

    /// Sequence of the last set in it, trimmed ones included; 0 if there never was one.
    pub(super) fn last(&self) -> u64 {
        self.places.groups.back().map_or(self.trimmed, |group| group.last)
    }

    /// Sequence of the last set that is no longer in it.
    pub(super) fn trimmed(&self) -> u64 {
        self.trimmed
    }

    /// Bytes of the groups in it.
    pub(super) fn bytes(&self) -> usize {
        self.places.bytes
    }

    /// Writes the group of the sets `first..=last` and returns when it is durable. Groups that end at or before
    /// `trim` go in the same transaction, a few at a time.
    pub(super) fn append(&mut self, first: u64, last: u64, blob: &[u8], trim: u64) -> Result<(), Fault> {
        let gone = self.trimmable(trim, limits::TRIM_GROUPS_PER_WRITE);
        self.write(Some((first, blob)), gone)?;
        self.places.push(Place { first, last, bytes: blob.len() });
        Ok(())
    }

    /// Drops every group that ends at or before `trim`.
    pub(super) fn trim(&mut self, trim: u64) -> Result<(), Fault> {
        match self.trimmable(trim, usize::MAX) {
            0 => Ok(()),
            gone => self.write(None, gone),
        }
    }

    fn trimmable(&self, trim: u64, most: usize) -> usize {
        self.places.groups.iter().take(most).take_while(|group| group.last <= trim).count()
    }

    fn write(&mut self, group: Option<(u64, &[u8])>, gone: usize) -> Result<(), Fault> {
        let trimmed =
            gone.checked_sub(1).and_then(|last| self.places.groups.get(last)).map(|place| place.last);
        self.library.run(|db| {
            let tx = db.begin_write()?;
            {
                let mut groups = tx.open_table(GROUPS)?;
                for place in self.places.groups.iter().take(gone) {
                    groups.remove(place.first)?;
                }
                if let Some((first, blob)) = group {
                    groups.insert(first, blob)?;
                }
            }
            if let Some(trimmed) = trimmed {
                Library::set_meta(&tx, TRIMMED_KEY, trimmed)?;
            }
            tx.commit()?;
            Ok(())
        })?;
        self.places.drop_first(gone);
        self.trimmed = trimmed.unwrap_or(self.trimmed);
        Ok(())
    }

    /// Closes it.
    pub(super) fn close(self) -> Result<(), Fault> {
        self.library.close()
    }
}

fn damaged(first: u64, what: impl std::fmt::Display) -> Fault {
    Fault::Damaged(format!("`{FILE}`: the group of change sets from `{first}` on: {what}"))
}
