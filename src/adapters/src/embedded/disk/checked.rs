//! A checksum for every page, below the library: a flipped bit in a branch page would otherwise make a row vanish.
//!
//! On disk, each run of 512 pages follows a page of their 512 checksums. The library's header (the first 320 bytes of
//! its page 0) is rewritten alone at every commit, so it carries its checksum inside its own 512-byte sector.
use super::{Disk, Health, Illness};
use redb::{BackendError, StorageBackend};
use std::{
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
}

fn sum(page: u64, bytes: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&page.to_le_bytes()).update(bytes);
    let mut out = [0; 8];
    hasher.finalize_xof().fill(&mut out);
    out
}

/// Where page `page` lies, in bytes.
fn place(page: u64) -> u64 {
    (page / RUN * (RUN + 1) + 1 + page % RUN) * PAGE_U64
}

/// Where its checksum lies.
fn sum_place(page: u64) -> u64 {
    page / RUN * (RUN + 1) * PAGE_U64 + page % RUN * 8
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
        let new = Self { disk, name, health: health.clone(), mending: mending.clone(), sync };
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

    /// Compares the pages from `first` on with their checksums, which lie together.
    fn check(&self, first: u64, pages: &[u8]) -> io::Result<()> {
        let mut stored = vec![0u8; pages.len() / PAGE * 8];
        self.disk.read_at(sum_place(first), &mut stored)?;
        for ((page, bytes), stored) in (first..).zip(pages.chunks(PAGE)).zip(stored.chunks(8)) {
            let found = sum(page, bytes);
            if found == stored {
                continue;
            }
            if !self.mending.load(Ordering::Acquire) {
                return Err(self.damaged(page));
            }
            self.disk.write_at(sum_place(page), &found)?;
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
            let sums: Vec<u8> =
                (first..).zip(part.chunks(PAGE)).flat_map(|(page, bytes)| sum(page, bytes)).collect();
            self.disk.write_at(place(first), part)?;
            self.disk.write_at(sum_place(first), &sums)
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
        self.watch("growing", self.disk.set_len((pages + pages.div_ceil(RUN)) * PAGE_U64))
    }
    fn sync_data(&self) -> io::Result<()> {
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
    // One server per directory is what the LOCK file is for; within it each file is opened once.
    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }
    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
}
