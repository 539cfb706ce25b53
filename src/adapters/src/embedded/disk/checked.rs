//! A checksum for every page, below the library: a flipped bit in a branch page would otherwise make a row vanish.
//!
//! On disk, each run of 512 pages follows a page of their 512 checksums. The library's header (the first 320 bytes of
//! its page 0) is rewritten alone at every commit, so it carries its checksum inside its own 512-byte sector.
use super::{Disk, Health, Illness};
use crate::embedded::xxh64::xxh64;
use parking_lot::Mutex;
use redb::{BackendError, StorageBackend};
use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    io,
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

const PAGE: usize = 4096;
const PAGE_U64: u64 = 4096;
/// Pages that one page of checksums covers.
const RUN: u64 = 512;
/// Pages of checksums kept in memory: enough for 512 MB of file.
const SUM_PAGES_MAX: usize = 256;
/// What of page 0 is used; the last eight bytes are its checksum.
const SECTOR: usize = 512;
const HEADER_USED: usize = SECTOR - 8;
/// The library's flag for "was not closed", in byte 9 of its header.
const RECOVERY_BYTE: usize = 9;
const RECOVERY_BIT: u8 = 2;

/// The file layer that the library writes through.
#[derive(Debug)]
pub(in crate::embedded) struct Checked {
    disk: Arc<dyn Disk>,
    name: &'static str,
    health: Arc<Health>,
    /// While the library walks a file after a crash, it judges pages by its own checksums: what it reads is taken as
    /// it is, and gets a fresh checksum here. Pages torn by the crash belong to a commit that was not acknowledged.
    mending: Arc<AtomicBool>,
    /// The test-only sin of not syncing.
    sync: bool,
    sums: Mutex<Sums>,
}

type SumPage = [[u8; 8]; RUN as usize];

/// Pages of checksums in memory, by run. Changed ones are written before each sync: until then nothing refers to the
/// pages that they are about.
#[derive(Debug, Default)]
struct Sums {
    pages: BTreeMap<u64, Box<SumPage>>,
    changed: BTreeSet<u64>,
}

impl Sums {
    /// The checksums of a run; zeros where the file ends before them.
    fn of(&mut self, run: u64, disk: &dyn Disk) -> io::Result<&mut SumPage> {
        if self.pages.len() >= SUM_PAGES_MAX && !self.pages.contains_key(&run) {
            let changed = &self.changed;
            self.pages.retain(|run, _| changed.contains(run));
        }
        match self.pages.entry(run) {
            Entry::Occupied(found) => Ok(found.into_mut()),
            Entry::Vacant(gap) => {
                let (mut bytes, at) = ([0u8; PAGE], run_place(run));
                if disk.len()? > at {
                    disk.read_at(at, &mut bytes)?;
                }
                let mut page = Box::new([[0; 8]; RUN as usize]);
                page.copy_from_slice(bytes.as_chunks().0);
                Ok(gap.insert(page))
            }
        }
    }

    fn write(&mut self, disk: &dyn Disk) -> io::Result<()> {
        while let Some(&run) = self.changed.first() {
            if let Some(page) = self.pages.get(&run) {
                disk.write_at(run_place(run), page.as_flattened())?;
            }
            self.changed.remove(&run);
        }
        Ok(())
    }

    /// The file ends before this run.
    fn cut(&mut self, run: u64) {
        self.pages.retain(|kept, _| *kept < run);
        self.changed.retain(|kept| *kept < run);
    }
}

fn sum(page: u64, bytes: &[u8]) -> [u8; 8] {
    xxh64(page, bytes).to_le_bytes()
}

/// Where page `page` lies, in bytes.
fn place(page: u64) -> u64 {
    (page / RUN * (RUN + 1) + 1 + page % RUN) * PAGE_U64
}

/// Where the checksums of a run lie.
fn run_place(run: u64) -> u64 {
    run * (RUN + 1) * PAGE_U64
}

fn slot(page: u64) -> usize {
    (page % RUN) as usize
}

fn bad(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

impl Checked {
    /// `mend` says whether a file that was not closed is repaired by a walk over all of it (see `mending`); clear it
    /// with [`Self::mended`] once open.
    pub(in crate::embedded) fn new(
        disk: Arc<dyn Disk>,
        name: &'static str,
        mend: bool,
        sync: bool,
    ) -> io::Result<(Self, Arc<Health>, Arc<AtomicBool>)> {
        let health = Arc::new(Health::default());
        let mending = Arc::new(AtomicBool::new(false));
        let new = Self {
            disk,
            name,
            health: health.clone(),
            mending: mending.clone(),
            sync,
            sums: Mutex::default(),
        };
        if new.disk.len()? > PAGE_U64 {
            let header = new.header()?;
            let crashed = header.get(RECOVERY_BYTE).is_some_and(|flags| flags & RECOVERY_BIT != 0);
            mending.store(mend && crashed, Ordering::Release);
        }
        Ok((new, health, mending))
    }

    fn header(&self) -> io::Result<[u8; SECTOR]> {
        let mut sector = [0u8; SECTOR];
        self.disk.read_at(place(0), &mut sector)?;
        let (used, stored) = sector.split_at(HEADER_USED);
        if sum(0, used) == stored { Ok(sector) } else { Err(self.damaged(0)) }
    }

    fn damaged(&self, page: u64) -> io::Error {
        let text = format!("`{}` is damaged in the page at byte {}", self.name, place(page));
        self.health.note(Illness::Damaged(text.clone()));
        bad(text)
    }

    /// Compares the pages from `first` on, all of one run, with their checksums.
    fn check(&self, first: u64, pages: &[u8]) -> io::Result<()> {
        let mut sums = self.sums.lock();
        let run = sums.of(first / RUN, &*self.disk)?;
        let mut mended = false;
        for ((page, bytes), stored) in (first..).zip(pages.chunks(PAGE)).zip(run.iter_mut().skip(slot(first)))
        {
            let found = sum(page, bytes);
            if found == *stored {
                continue;
            }
            if !self.mending.load(Ordering::Acquire) {
                return Err(self.damaged(page));
            }
            (*stored, mended) = (found, true);
        }
        if mended {
            sums.changed.insert(first / RUN);
        }
        Ok(())
    }

    /// Calls `each` for the parts of `offset..offset + len` that lie together on disk: first page and byte range.
    fn runs(
        offset: u64,
        len: usize,
        mut each: impl FnMut(u64, std::ops::Range<usize>) -> io::Result<()>,
    ) -> io::Result<()> {
        if !offset.is_multiple_of(PAGE_U64) || !len.is_multiple_of(PAGE) {
            return Err(bad(format!("an access at byte {offset} of {len} bytes is not of whole pages")));
        }
        let (mut page, mut at) = (offset / PAGE_U64, 0);
        while at < len {
            let room = usize::try_from(RUN - page % RUN).unwrap_or(1) * PAGE;
            let part = room.min(len - at);
            each(page, at..at + part)?;
            page += (part / PAGE) as u64;
            at += part;
        }
        Ok(())
    }

    fn read_inner(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset == 0 && out.len() <= HEADER_USED {
            let sector = self.header()?;
            let used = sector.get(..out.len()).ok_or_else(|| self.damaged(0))?;
            out.copy_from_slice(used);
            return Ok(());
        }
        Self::runs(offset, out.len(), |first, range| {
            let part = out.get_mut(range).ok_or_else(|| bad("a range outside its buffer".into()))?;
            self.disk.read_at(place(first), part)?;
            self.check(first, part)
        })
    }

    fn write_inner(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if offset == 0 && data.len() <= HEADER_USED {
            let mut sector = [0u8; SECTOR];
            let (used, stored) = sector.split_at_mut(HEADER_USED);
            used.iter_mut().zip(data).for_each(|(to, from)| *to = *from);
            stored.copy_from_slice(&sum(0, used));
            return self.disk.write_at(place(0), &sector);
        }
        Self::runs(offset, data.len(), |first, range| {
            let part = data.get(range).ok_or_else(|| bad("a range outside its buffer".into()))?;
            let found: Vec<[u8; 8]> =
                (first..).zip(part.chunks(PAGE)).map(|(page, bytes)| sum(page, bytes)).collect();
            let mut sums = self.sums.lock();
            let run = sums.of(first / RUN, &*self.disk)?;
            run.iter_mut().skip(slot(first)).zip(found).for_each(|(to, found)| *to = found);
            sums.changed.insert(first / RUN);
            drop(sums);
            self.disk.write_at(place(first), part)
        })
    }

    fn watch<T>(&self, doing: &str, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            if error.kind() != io::ErrorKind::InvalidData {
                self.health.note_io(&format!("{doing} `{}`", self.name), error);
            }
        })
    }
}

impl StorageBackend for Checked {
    fn len(&self) -> io::Result<u64> {
        let pages = self.watch("measuring", self.disk.len())? / PAGE_U64;
        Ok((pages - pages.div_ceil(RUN + 1)) * PAGE_U64)
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.watch("reading", self.read_inner(offset, out))
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        let pages = len.div_ceil(PAGE_U64);
        self.sums.lock().cut(pages.div_ceil(RUN));
        self.watch("growing", self.disk.set_len((pages + pages.div_ceil(RUN)) * PAGE_U64))
    }
    fn sync_data(&self) -> io::Result<()> {
        self.watch("writing", self.sums.lock().write(&*self.disk))?;
        if !self.sync {
            return Ok(());
        }
        self.disk.sync_data().inspect_err(|error| {
            self.health.note(Illness::Sync(format!("syncing `{}`: {error}", self.name)));
        })
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.watch("writing", self.write_inner(offset, data))
    }
    fn close(&self) -> io::Result<()> {
        self.watch("writing", self.sums.lock().write(&*self.disk))
    }
    // One server per directory is what the LOCK file is for; within it each file is opened once.
    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }
    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
}
