//! One thin adapter per candidate: a journal (sequence -> blob) and an ordered table of rows.
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Mutex;

pub type Res<T> = Result<T, Box<dyn Error + Send + Sync>>;
pub type Row = (Vec<u8>, Vec<u8>);

/// What the bench asks of a store. `append` and `put` are durable when they return.
pub trait Db: Send + Sync {
    fn append(&self, seq: u64, blob: &[u8]) -> Res<()>;
    fn delete_below(&self, seq: u64) -> Res<()>;
    fn journal(&self, each: &mut dyn FnMut(u64, &[u8])) -> Res<()>;
    fn put(&self, rows: &[Row]) -> Res<()>;
    fn get(&self, key: &[u8]) -> Res<bool>;
    fn range(&self, lo: &[u8], hi: &[u8]) -> Res<usize>;
}

/// Opens (or creates) the store `name` inside `dir` with the given cache budget.
pub fn open(engine: &str, dir: &Path, name: &str, cache_mb: usize) -> Res<Box<dyn Db>> {
    let path = dir.join(name);
    std::fs::create_dir_all(&path)?;
    match engine {
        "file" => Ok(Box::new(Floor(Mutex::new(
            OpenOptions::new().create(true).read(true).append(true).open(path.join("log"))?,
        )))),
        #[cfg(feature = "redb")]
        e if e.starts_with("redb") => Ok(Box::new(with_redb::Redb::open(e, &path, cache_mb)?)),
        #[cfg(feature = "sqlite")]
        "sqlite" => Ok(Box::new(with_sqlite::Sqlite::open(&path, cache_mb)?)),
        #[cfg(feature = "fjall")]
        "fjall" => Ok(Box::new(with_fjall::Fjall::open(&path, cache_mb)?)),
        other => Err(format!("engine {other} is not compiled in ({cache_mb} MB)").into()),
    }
}

pub fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

/// The floor: append to a plain file, fdatasync. It reads its journal back, nothing else.
struct Floor(Mutex<File>);

impl Db for Floor {
    fn append(&self, seq: u64, blob: &[u8]) -> Res<()> {
        let mut out = Vec::with_capacity(blob.len() + 20);
        out.extend_from_slice(&seq.to_le_bytes());
        out.extend_from_slice(&(blob.len() as u32).to_le_bytes());
        out.extend_from_slice(blob);
        out.extend_from_slice(&fnv(&out).to_le_bytes());
        let mut file = self.0.lock().unwrap();
        file.write_all(&out)?;
        Ok(file.sync_data()?)
    }
    fn delete_below(&self, _: u64) -> Res<()> {
        Ok(())
    }
    fn journal(&self, each: &mut dyn FnMut(u64, &[u8])) -> Res<()> {
        use std::io::{Seek, SeekFrom};
        let (mut all, mut file) = (Vec::new(), self.0.lock().unwrap());
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut all)?;
        let mut at = 0;
        while at < all.len() {
            let len = all.get(at + 8..at + 12).ok_or("torn head")?;
            let end = at + 12 + u32::from_le_bytes(len.try_into()?) as usize;
            let sum = all.get(end..end + 8).ok_or("torn tail")?;
            if fnv(&all[at..end]).to_le_bytes() != sum {
                return Err("checksum".into());
            }
            each(u64::from_le_bytes(all[at..at + 8].try_into()?), &all[at + 12..end]);
            at = end + 8;
        }
        Ok(())
    }
    fn put(&self, rows: &[Row]) -> Res<()> {
        let blob: Vec<u8> = rows.iter().flat_map(|(k, v)| k.iter().chain(v).copied()).collect();
        self.append(0, &blob)
    }
    fn get(&self, _: &[u8]) -> Res<bool> {
        Err("no index".into())
    }
    fn range(&self, _: &[u8], _: &[u8]) -> Res<usize> {
        Err("no index".into())
    }
}

#[cfg(feature = "redb")]
pub mod with_redb {
    use super::{Db, Path, Res, Row};
    use redb::{Database, Durability, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};
    use std::io;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

    const JOURNAL: TableDefinition<u64, &[u8]> = TableDefinition::new("journal");
    const ROWS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("rows");
    pub static SYNCS: AtomicU64 = AtomicU64::new(0);
    pub static BROKEN: AtomicBool = AtomicBool::new(false);
    pub static WRITES: AtomicU64 = AtomicU64::new(0);
    pub static BYTES: AtomicU64 = AtomicU64::new(0);

    /// Shows that our own file layer can sit below redb; it counts what passes.
    #[derive(Debug)]
    struct Counting(redb::backends::FileBackend);

    impl StorageBackend for Counting {
        fn len(&self) -> Result<u64, io::Error> {
            self.0.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
            self.0.read(offset, out)
        }
        fn set_len(&self, len: u64) -> Result<(), io::Error> {
            self.0.set_len(len)
        }
        fn sync_data(&self) -> Result<(), io::Error> {
            SYNCS.fetch_add(1, Relaxed);
            if BROKEN.load(Relaxed) {
                return Err(io::Error::from_raw_os_error(libc::EIO));
            }
            self.0.sync_data()
        }
        fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
            WRITES.fetch_add(1, Relaxed);
            BYTES.fetch_add(data.len() as u64, Relaxed);
            self.0.write(offset, data)
        }
    }

    pub struct Redb {
        db: Database,
        two_phase: bool,
        quick: bool,
    }

    impl Redb {
        pub fn open(engine: &str, path: &Path, cache_mb: usize) -> Res<Self> {
            let (file, mut builder) = (path.join("data.redb"), Database::builder());
            builder.set_cache_size(cache_mb << 20).set_check_integrity_on_open(engine == "redb-check");
            let db = if engine == "redb-count" {
                let file = std::fs::OpenOptions::new()
                    .read(true)
                    .write(true)
                    .create(true)
                    .truncate(false)
                    .open(file)?;
                builder.create_with_backend(Counting(redb::backends::FileBackend::new(file)?))?
            } else {
                builder.create(file)?
            };
            Ok(Self { db, two_phase: engine == "redb-2pc", quick: engine == "redb-quick" })
        }
        fn begin(&self) -> Res<redb::WriteTransaction> {
            let mut tx = self.db.begin_write()?;
            tx.set_two_phase_commit(self.two_phase);
            tx.set_quick_repair(self.quick);
            Ok(tx)
        }
    }

    impl Db for Redb {
        fn append(&self, seq: u64, blob: &[u8]) -> Res<()> {
            let tx = self.begin()?;
            tx.open_table(JOURNAL)?.insert(seq, blob)?;
            Ok(tx.commit()?)
        }
        fn delete_below(&self, seq: u64) -> Res<()> {
            // A forgotten deletion is harmless, so it rides on the next durable commit.
            let mut tx = self.begin()?;
            tx.set_durability(Durability::None)?;
            tx.open_table(JOURNAL)?.retain_in(..seq, |_, _| false)?;
            Ok(tx.commit()?)
        }
        fn journal(&self, each: &mut dyn FnMut(u64, &[u8])) -> Res<()> {
            let table = match self.db.begin_read()?.open_table(JOURNAL) {
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
                other => other?,
            };
            for item in table.iter()? {
                let (key, value) = item?;
                each(key.value(), value.value());
            }
            Ok(())
        }
        fn put(&self, rows: &[Row]) -> Res<()> {
            let tx = self.begin()?;
            {
                let mut table = tx.open_table(ROWS)?;
                for (key, value) in rows {
                    table.insert(key.as_slice(), value.as_slice())?;
                }
            }
            Ok(tx.commit()?)
        }
        fn get(&self, key: &[u8]) -> Res<bool> {
            Ok(self.db.begin_read()?.open_table(ROWS)?.get(key)?.is_some())
        }
        fn range(&self, lo: &[u8], hi: &[u8]) -> Res<usize> {
            let mut rows = 0;
            for item in self.db.begin_read()?.open_table(ROWS)?.range(lo..hi)? {
                rows += usize::from(!item?.1.value().is_empty());
            }
            Ok(rows)
        }
    }
}

#[cfg(feature = "sqlite")]
mod with_sqlite {
    use super::{Db, Mutex, Path, Res, Row};
    use rusqlite::{Connection, params};

    pub struct Sqlite(Mutex<Connection>);

    impl Sqlite {
        pub fn open(path: &Path, cache_mb: usize) -> Res<Self> {
            let db = Connection::open(path.join("data.sqlite"))?;
            db.execute_batch(&format!(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-{};
                 CREATE TABLE IF NOT EXISTS journal(seq INTEGER PRIMARY KEY, blob BLOB NOT NULL);
                 CREATE TABLE IF NOT EXISTS rows(k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID;",
                cache_mb << 10
            ))?;
            Ok(Self(Mutex::new(db)))
        }
    }

    impl Db for Sqlite {
        fn append(&self, seq: u64, blob: &[u8]) -> Res<()> {
            let db = self.0.lock().unwrap();
            db.prepare_cached("INSERT INTO journal VALUES(?1, ?2)")?.execute(params![seq as i64, blob])?;
            Ok(())
        }
        fn delete_below(&self, seq: u64) -> Res<()> {
            self.0.lock().unwrap().execute("DELETE FROM journal WHERE seq < ?1", [seq as i64])?;
            Ok(())
        }
        fn journal(&self, each: &mut dyn FnMut(u64, &[u8])) -> Res<()> {
            let db = self.0.lock().unwrap();
            let mut query = db.prepare("SELECT seq, blob FROM journal ORDER BY seq")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                each(row.get::<_, i64>(0)? as u64, row.get_ref(1)?.as_blob()?);
            }
            Ok(())
        }
        fn put(&self, rows: &[Row]) -> Res<()> {
            let mut db = self.0.lock().unwrap();
            let tx = db.transaction()?;
            {
                let mut insert = tx.prepare_cached("INSERT OR REPLACE INTO rows VALUES(?1, ?2)")?;
                for (key, value) in rows {
                    insert.execute(params![key, value])?;
                }
            }
            Ok(tx.commit()?)
        }
        fn get(&self, key: &[u8]) -> Res<bool> {
            let db = self.0.lock().unwrap();
            Ok(db.prepare_cached("SELECT v FROM rows WHERE k = ?1")?.exists([key])?)
        }
        fn range(&self, lo: &[u8], hi: &[u8]) -> Res<usize> {
            let db = self.0.lock().unwrap();
            let mut query = db.prepare_cached("SELECT k, v FROM rows WHERE k >= ?1 AND k < ?2 ORDER BY k")?;
            let (mut rows, mut count) = (query.query([lo, hi])?, 0);
            while let Some(row) = rows.next()? {
                count += usize::from(!row.get_ref(1)?.as_blob()?.is_empty());
            }
            Ok(count)
        }
    }
}

#[cfg(feature = "fjall")]
mod with_fjall {
    use super::{Db, Path, Res, Row};
    use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

    pub struct Fjall {
        db: Database,
        journal: Keyspace,
        rows: Keyspace,
    }

    impl Fjall {
        pub fn open(path: &Path, cache_mb: usize) -> Res<Self> {
            let db = Database::builder(path.join("fjall")).cache_size((cache_mb as u64) << 20).open()?;
            let journal = db.keyspace("journal", KeyspaceCreateOptions::default)?;
            let rows = db.keyspace("rows", KeyspaceCreateOptions::default)?;
            Ok(Self { db, journal, rows })
        }
    }

    impl Db for Fjall {
        fn append(&self, seq: u64, blob: &[u8]) -> Res<()> {
            let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
            batch.insert(&self.journal, seq.to_be_bytes(), blob);
            Ok(batch.commit()?)
        }
        fn delete_below(&self, seq: u64) -> Res<()> {
            let mut batch = self.db.batch();
            for item in self.journal.range(..seq.to_be_bytes()) {
                batch.remove(&self.journal, item.key()?);
            }
            Ok(batch.commit()?)
        }
        fn journal(&self, each: &mut dyn FnMut(u64, &[u8])) -> Res<()> {
            for item in self.journal.iter() {
                let (key, value) = item.into_inner()?;
                each(u64::from_be_bytes(key.as_ref().try_into()?), &value);
            }
            Ok(())
        }
        fn put(&self, rows: &[Row]) -> Res<()> {
            let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
            for (key, value) in rows {
                batch.insert(&self.rows, key.as_slice(), value.as_slice());
            }
            Ok(batch.commit()?)
        }
        fn get(&self, key: &[u8]) -> Res<bool> {
            Ok(self.rows.get(key)?.is_some())
        }
        fn range(&self, lo: &[u8], hi: &[u8]) -> Res<usize> {
            let mut count = 0;
            for item in self.rows.range(lo..hi) {
                count += usize::from(!item.into_inner()?.1.is_empty());
            }
            Ok(count)
        }
    }
}
