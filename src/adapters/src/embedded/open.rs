//! Opening a data directory: making it, checking that its files belong together, replaying the journal.
use super::{
    Gap, Inner, OpenError, Options,
    committer::placed,
    disk::{Directory, Volume},
    error::Fault,
    journal::{self, Journal},
    library::{Opening, StoreId},
    lock::Lock,
    options::Durability,
    reserve::Reserve,
    rings::Rings,
    state::Memory,
    stats::Timings,
    tables::{self, Tables},
};
use crate::AuditDir;
use gsm_audit::last_commit;
use gsm_core::Clock;
use parking_lot::{Condvar, Mutex, RwLock};
use std::{
    os::unix::fs::DirBuilderExt,
    path::Path,
    sync::{Arc, atomic::AtomicUsize},
};

const JOURNAL_NEW: &str = "journal.new";
const TABLES_NEW: &str = "tables.new";

/// Where the files are and how they are opened.
#[derive(Debug)]
pub(super) struct Home {
    volume: Arc<dyn Volume>,
    journal_cache_bytes: usize,
    tables_cache_bytes: usize,
    durability: Durability,
}

impl Home {
    /// How the file `name` is opened.
    pub(super) fn opening(&self, name: &'static str) -> Opening<'_> {
        let walks = name == journal::FILE;
        let cache_bytes = if walks { self.journal_cache_bytes } else { self.tables_cache_bytes };
        Opening { volume: &*self.volume, name, cache_bytes, walks, durability: self.durability }
    }

    /// To look at a copy.
    pub(super) fn of_copy(volume: Arc<dyn Volume>) -> Self {
        let Options { journal_cache_bytes, tables_cache_bytes, durability, .. } = Options::default();
        Self { volume, journal_cache_bytes, tables_cache_bytes, durability }
    }

    /// Whether both files are there. A crash as they were made leaves a journal without tables, and nothing in it: that is
    /// neither.
    pub(super) fn is_made(&self) -> Result<bool, Fault> {
        let io = |error: std::io::Error| Fault::Fatal(error.to_string());
        let (has_journal, has_tables) =
            (self.volume.exists(journal::FILE).map_err(io)?, self.volume.exists(tables::FILE).map_err(io)?);
        match (has_journal, has_tables) {
            (true, true) => return Ok(true),
            (false, true) => return Err(Fault::Damaged(format!("`{}` is missing", journal::FILE))),
            (true, false) => {
                let (journal, _) = Journal::open(self.opening(journal::FILE), 0, |_| Ok(()))?;
                let used = journal.last() > 0;
                journal.close()?;
                if used {
                    return Err(Fault::Damaged(format!("`{}` is missing", tables::FILE)));
                }
            }
            (false, false) => {}
        }
        Ok(false)
    }

    /// Makes both files unless they are there.
    fn make(&self) -> Result<(), Fault> {
        let io = |error: std::io::Error| Fault::Fatal(error.to_string());
        if self.is_made()? {
            return Ok(());
        }
        for name in [JOURNAL_NEW, TABLES_NEW, journal::FILE] {
            self.volume.remove(name).map_err(io)?;
        }
        let mut store = StoreId::default();
        getrandom::fill(&mut store).map_err(|error| Fault::Fatal(error.to_string()))?;
        Journal::create(self.opening(journal::FILE), JOURNAL_NEW, store)?;
        Tables::create(self.opening(tables::FILE), TABLES_NEW, store)?;
        self.volume.rename(JOURNAL_NEW, journal::FILE).map_err(io)?;
        self.volume.rename(TABLES_NEW, tables::FILE).map_err(io)
    }
}

/// Refuses a journal that does not go with the tables of `store`, which show what it had up to `applied`.
pub(super) fn belongs(
    (journal, its_store): &(Journal, StoreId),
    store: StoreId,
    applied: u64,
) -> Result<(), Fault> {
    let must = |fits: bool, what: &str| if fits { Ok(()) } else { Err(Fault::Damaged(what.to_owned())) };
    must(store == *its_store, "it belongs to another store than `tables.redb`")?;
    must(journal.trimmed() <= applied, "what it held for an older `tables.redb` is gone from it")?;
    must(journal.last() >= applied, "it ends before `tables.redb`")
}

pub(super) fn refuse(dir: &Path, file: &str, fault: Fault) -> OpenError {
    let file = file.to_owned();
    match fault {
        Fault::Damaged(what) => OpenError::Damaged { what, file },
        Fault::Newer { found, known } => OpenError::NewerFormat { file, found, known },
        Fault::Full(what) | Fault::Fatal(what) => OpenError::Io { path: dir.to_owned(), what },
    }
}

/// Makes `dir` and what is missing above it, durably.
fn make_directory(dir: &Path) -> std::io::Result<()> {
    if dir.try_exists()? {
        return Ok(());
    }
    let above = match dir.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    make_directory(above)?;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    std::fs::File::open(above)?.sync_all()
}

/// See [`super::EmbeddedStore::open`].
pub(super) fn open(dir: &Path, clock: Arc<dyn Clock>, options: Options) -> Result<(Inner, Lock), OpenError> {
    make_directory(dir).map_err(|error| OpenError::Io { path: dir.to_owned(), what: error.to_string() })?;
    let lock = Lock::take(dir)?;
    let home = Home {
        volume: options.volume.clone().unwrap_or_else(|| Arc::new(Directory::new(dir))),
        journal_cache_bytes: options.journal_cache_bytes,
        tables_cache_bytes: options.tables_cache_bytes,
        durability: options.durability,
    };
    home.make().map_err(|fault| refuse(dir, journal::FILE, fault))?;
    let in_tables = |fault| refuse(dir, tables::FILE, fault);
    let in_journal = |fault| refuse(dir, journal::FILE, fault);

    let (tables, store) = Tables::open(home.opening(tables::FILE)).map_err(in_tables)?;
    let applied = tables.applied().map_err(in_tables)?;
    let view = Arc::new(tables.view().map_err(in_tables)?);
    let position = view.position().map_err(in_tables)?;
    let kept = tables.kept().map_err(in_tables)?;
    let (mut memory, now) = (Memory::new(view, applied, position), clock.now());
    let mut rings = Rings::after_commit(kept.events_gone);
    for (sequence, key, at) in kept.done {
        memory.note_done(key, sequence, at);
    }
    for (sequence, events) in &kept.events {
        rings.push(*sequence, events, now);
    }
    let opened = Journal::open(home.opening(journal::FILE), applied, |group| {
        for (sequence, changes) in placed(group).filter(|(sequence, _)| *sequence > applied) {
            rings.push(sequence, &changes.events, now);
            memory.replay(sequence, changes.clone());
            memory.settled(&[(sequence, changes)]);
        }
        Ok(())
    });
    let opened = opened.map_err(in_journal)?;
    belongs(&opened, store, applied).map_err(in_journal)?;
    let (journal, _) = opened;
    // The log was written behind the store: where it knows of later commits, this is an older store that was put back.
    let told = last_commit(&AuditDir::beside(dir))
        .map_err(|error| OpenError::Io { path: dir.to_owned(), what: error.to_string() })?;
    let gap = memory.go_on_behind(told).map(|store| Gap { store, log: told });
    if let Some(Gap { store, log }) = gap {
        // Who has read on to what was undone is told, like everybody, that he may have missed events.
        rings = Rings::after_commit(log);
        tracing::warn!(
            store,
            log,
            "the store is older than the audit log: it goes on behind the last commit of the log"
        );
    }

    let reserve = Reserve { volume: home.volume.clone(), bytes: options.reserve_bytes };
    if let Err(error) = reserve.fill() {
        tracing::warn!(%error, "no room on the disk for the reserve");
    }
    let inner = Inner {
        memory: Mutex::new(memory),
        work: Condvar::new(),
        due: Condvar::new(),
        settled: Condvar::new(),
        journal_bytes: AtomicUsize::new(journal.bytes()),
        journal: Mutex::new(Some(journal)),
        tables: Mutex::new(Some(tables)),
        rings: Mutex::new(rings),
        folds: RwLock::new(Vec::new()),
        timings: Timings::default(),
        reserve,
        clock,
        options,
        home,
        gap,
    };
    Ok((inner, lock))
}
