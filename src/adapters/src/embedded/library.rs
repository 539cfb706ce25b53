//! Opening a file of the library: what both files have in common.
use super::{
    codec::FORMAT,
    disk::{Checked, Health, Volume},
    error::Fault,
    options::Durability,
};
use redb::{Database, ReadableDatabase, TableDefinition};
use std::sync::{Arc, atomic::Ordering};

const META: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("meta");
const FORMAT_KEY: &str = "format";
const STORE_KEY: &str = "store";

/// What tells one store's files from another's.
pub(super) type StoreId = [u8; 16];

/// How a file is opened.
#[derive(Clone, Copy)]
pub(super) struct Opening<'a> {
    pub(super) volume: &'a dyn Volume,
    pub(super) name: &'static str,
    pub(super) cache_bytes: usize,
    /// Whether a file that was not closed is repaired by a walk over all of it (a one-phase commit), or knows by
    /// itself where it stands (a two-phase one).
    pub(super) walks: bool,
    pub(super) durability: Durability,
}

/// An open file of the library.
pub(super) struct Library {
    pub(super) db: Database,
    health: Arc<Health>,
    pub(super) name: &'static str,
}

impl Library {
    /// Opens a file that is there and complete.
    pub(super) fn open(how: Opening<'_>) -> Result<(Self, StoreId), Fault> {
        let library = Self::raw(how, how.name)?;
        let format = library.meta_u64(FORMAT_KEY)?;
        if format > u64::from(FORMAT) {
            return Err(Fault::Newer { found: format, known: u64::from(FORMAT) });
        }
        let store = library.meta(STORE_KEY)?.and_then(|bytes| StoreId::try_from(bytes).ok());
        let store =
            store.ok_or_else(|| Fault::Damaged(format!("`{}` does not say whose it is", how.name)))?;
        Ok((library, store))
    }

    /// Makes a new file under another name; [`Volume::rename`] then makes it count.
    pub(super) fn create(
        how: Opening<'_>,
        temporary: &str,
        store: StoreId,
        more: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), Fault> {
        let library = Self::raw(how, temporary)?;
        library.run(|db| {
            let tx = db.begin_write()?;
            {
                let mut meta = tx.open_table(META)?;
                meta.insert(FORMAT_KEY, u64::from(FORMAT).to_le_bytes().as_slice())?;
                meta.insert(STORE_KEY, store.as_slice())?;
            }
            more(&tx)?;
            tx.commit()?;
            Ok(())
        })?;
        library.close()
    }

    fn raw(how: Opening<'_>, file: &str) -> Result<Self, Fault> {
        let broken = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => {
                Fault::Damaged(format!("`{file}`: {error}"))
            }
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Fault::Full(error.to_string())
            }
            _ => Fault::Fatal(format!("`{file}`: {error}")),
        };
        let disk = how.volume.open(file).map_err(broken)?;
        let synced = how.durability == Durability::Synced;
        let (checked, health, mending) = Checked::new(disk, how.name, how.walks, synced).map_err(broken)?;
        let db = Database::builder()
            .set_cache_size(how.cache_bytes)
            .create_with_backend(checked)
            .map_err(|error| Fault::of(error, how.name, &health))?;
        mending.store(false, Ordering::Release);
        Ok(Self { db, health, name: how.name })
    }

    /// Does something with the database; an error is judged by what the file layer saw.
    pub(super) fn run<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, Fault> {
        work(&self.db).map_err(|error| self.judge(error))
    }

    /// Judges an error of this file.
    pub(super) fn judge(&self, error: impl std::fmt::Display) -> Fault {
        Fault::of(error, self.name, &self.health)
    }

    /// The file layer's record.
    pub(super) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.run(|db| {
            let table = match db.begin_read()?.open_table(META) {
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
                other => other?,
            };
            Ok(table.get(key)?.map(|value| value.value().to_vec()))
        })
    }

    /// A number among the file's own facts; 0 if it was never set.
    pub(super) fn meta_u64(&self, key: &str) -> Result<u64, Fault> {
        let Some(bytes) = self.meta(key)? else { return Ok(0) };
        let bytes =
            <[u8; 8]>::try_from(bytes).map_err(|_| self.judge(format_args!("`{key}` is not a number")))?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Sets a number among the file's own facts.
    pub(super) fn set_meta(tx: &redb::WriteTransaction, key: &str, value: u64) -> Result<(), redb::Error> {
        tx.open_table(META)?.insert(key, value.to_le_bytes().as_slice())?;
        Ok(())
    }

    /// Closes it, so that the next open finds it as it is.
    pub(super) fn close(self) -> Result<(), Fault> {
        let Self { db, health, name } = self;
        db.close().map_err(|error| Fault::of(error, name, &health))
    }
}
