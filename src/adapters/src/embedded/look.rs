//! A look at a store that nobody runs, as a start would find it: what opening it writes stays in memory.
use super::{
    OpenError,
    disk::{Disk, Volume},
    journal::{self, Journal},
    open::{Home, belongs, refuse},
    tables::{self, Tables},
};
use gsm_engine::store::{KeyRange, Row};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    fs::File,
    io,
    ops::Bound,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Bytes that are copied before the first of them is written.
const PAGE_BYTES: u64 = 4_096;

/// See [`super::EmbeddedStore::look`].
pub(super) fn look(dir: &Path, range: &KeyRange) -> Result<Vec<Row>, OpenError> {
    let in_tables = |fault| refuse(dir, tables::FILE, fault);
    let Some((tables, _)) = open(dir)? else { return Ok(Vec::new()) };
    let view = tables.view().map_err(in_tables)?;
    let (low, high) = range.bounds();
    let rows = view.range((Bound::Included(&low), Bound::Included(&high)), false).map_err(in_tables)?;
    let row = |stored: super::codec::StoredRow| (*stored.row).clone();
    rows.map(|item| item.map(|(_, stored)| row(stored))).collect::<Result<_, _>>().map_err(in_tables)
}

/// See [`super::EmbeddedStore::newest_in`].
pub(super) fn newest(dir: &Path) -> Result<u64, OpenError> {
    Ok(open(dir)?.map_or(0, |(_, journal)| journal.last()))
}

fn open(dir: &Path) -> Result<Option<(Tables, Journal)>, OpenError> {
    let home = Home::of_copy(Arc::new(Copies(dir.to_owned())));
    let in_tables = |fault| refuse(dir, tables::FILE, fault);
    let in_journal = |fault| refuse(dir, journal::FILE, fault);
    if !home.is_made().map_err(in_journal)? {
        return Ok(None);
    }
    let (tables, store) = Tables::open(home.opening(tables::FILE)).map_err(in_tables)?;
    let applied = tables.applied().map_err(in_tables)?;
    let opened = Journal::open(home.opening(journal::FILE), applied, |_| Ok(())).map_err(in_journal)?;
    belongs(&opened, store, applied).map_err(in_journal)?;
    Ok(Some((tables, opened.0)))
}

/// The files of a directory, of which none is written.
#[derive(Debug)]
struct Copies(PathBuf);

impl Volume for Copies {
    fn open(&self, name: &str) -> io::Result<Arc<dyn Disk>> {
        let file = File::open(self.0.join(name))?;
        let len = file.metadata()?.len();
        Ok(Arc::new(Copy { file, written: Mutex::new(Written { pages: BTreeMap::new(), kept: len, len }) }))
    }
    fn exists(&self, name: &str) -> io::Result<bool> {
        self.0.join(name).try_exists()
    }
    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
    fn remove(&self, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

#[derive(Debug)]
struct Copy {
    file: File,
    written: Mutex<Written>,
}

/// What differs from the file.
#[derive(Debug)]
struct Written {
    pages: BTreeMap<u64, Vec<u8>>,
    /// So much of the file is still as it lies there, but for the pages.
    kept: u64,
    len: u64,
}

impl Copy {
    /// A page as it is now; zeros behind the end.
    fn page(&self, written: &Written, number: u64) -> io::Result<Vec<u8>> {
        if let Some(page) = written.pages.get(&number) {
            return Ok(page.clone());
        }
        let mut page = vec![0; PAGE_BYTES as usize];
        let begin = number * PAGE_BYTES;
        let there = written.kept.saturating_sub(begin).min(PAGE_BYTES) as usize;
        if let Some(part) = page.get_mut(..there) {
            self.file.read_exact_at(part, begin)?;
        }
        Ok(page)
    }

    /// Calls `each` with the page, the place in it and the place in the data, of every piece of a span.
    fn pieces(
        offset: u64,
        len: usize,
        mut each: impl FnMut(u64, std::ops::Range<usize>, std::ops::Range<usize>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut done = 0;
        while done < len {
            let at = offset + done as u64;
            let within = (at % PAGE_BYTES) as usize;
            let bytes = (PAGE_BYTES as usize - within).min(len - done);
            each(at / PAGE_BYTES, within..within + bytes, done..done + bytes)?;
            done += bytes;
        }
        Ok(())
    }
}

impl Disk for Copy {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written.lock().len)
    }
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let written = self.written.lock();
        if offset.saturating_add(out.len() as u64) > written.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Self::pieces(offset, out.len(), |number, within, place| {
            let page = self.page(&written, number)?;
            if let (Some(to), Some(from)) = (out.get_mut(place), page.get(within)) {
                to.copy_from_slice(from);
            }
            Ok(())
        })
    }
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.written.lock();
        Self::pieces(offset, data.len(), |number, within, place| {
            let mut page = self.page(&written, number)?;
            if let (Some(to), Some(from)) = (page.get_mut(within), data.get(place)) {
                to.copy_from_slice(from);
            }
            written.pages.insert(number, page);
            Ok(())
        })?;
        written.len = written.len.max(offset + data.len() as u64);
        Ok(())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut written = self.written.lock();
        if len < written.len {
            let last = len / PAGE_BYTES;
            let mut page = self.page(&written, last)?;
            page.get_mut((len % PAGE_BYTES) as usize..).unwrap_or_default().fill(0);
            written.pages.retain(|number, _| *number < last);
            written.pages.insert(last, page);
            written.kept = written.kept.min(len);
        }
        written.len = len;
        Ok(())
    }
    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
}
