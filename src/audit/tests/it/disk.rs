//! A disk in memory that can break at any step.
use gsm_audit::{Disk, Files, Limits, Log, Record, SigningKey, VerifierKey};
use gsm_core::{Millis, Timestamp};
use std::{cell::RefCell, collections::BTreeMap, io, rc::Rc};

#[derive(Clone, Default)]
pub(crate) struct Memory {
    pub(crate) files: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
    /// Steps until it breaks: then it takes only a part of an append, and nothing more.
    pub(crate) left: Rc<RefCell<Option<usize>>>,
}

impl Memory {
    /// Another disk with the same files.
    pub(crate) fn copy(&self) -> Self {
        Self { files: Rc::new(RefCell::new(self.files.borrow().clone())), left: Rc::default() }
    }

    fn step(&self) -> io::Result<bool> {
        let mut left = self.left.borrow_mut();
        match &mut *left {
            None => Ok(true),
            Some(0) => Err(io::Error::other("broken")),
            Some(n) => {
                *n -= 1;
                Ok(*n > 0)
            }
        }
    }

    pub(crate) fn edit(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(self.files.borrow_mut().get_mut(path).unwrap_or_else(|| panic!("no {path}")));
    }
}

impl Files for Memory {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let files = self.files.borrow();
        let names = files.keys().filter_map(|path| path.strip_prefix(dir)?.strip_prefix('/'));
        Ok(names.filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files.borrow().get(path).cloned())
    }
}

impl Disk for Memory {
    fn replace(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        if self.step()? {
            self.files.borrow_mut().insert(path.to_owned(), bytes.to_vec());
            return Ok(());
        }
        Err(io::Error::other("broken"))
    }
    fn append(&mut self, path: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        let whole = self.step()?;
        let mut files = self.files.borrow_mut();
        let file = files.entry(path.to_owned()).or_default();
        file.truncate(at as usize);
        if whole {
            file.extend_from_slice(bytes);
            return Ok(());
        }
        file.extend_from_slice(&bytes[..bytes.len() / 2]);
        Err(io::Error::other("broken"))
    }
    fn remove(&mut self, path: &str) -> io::Result<()> {
        if self.step()? {
            let below = format!("{path}/");
            self.files.borrow_mut().retain(|known, _| known != path && !known.starts_with(&below));
            return Ok(());
        }
        Err(io::Error::other("broken"))
    }
}

pub(crate) const LIMITS: Limits =
    Limits { segment_records: 256, segment_bytes: u64::MAX, segment_age: Millis::from_secs(86_400) };

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::of("gsm/audit/test", [seed; 32]).unwrap()
}

pub(crate) fn trusted() -> Vec<VerifierKey> {
    vec![key(7).verifier().clone()]
}

pub(crate) fn open(disk: &Memory) -> Log<Memory> {
    Log::open(disk.clone(), vec![key(7)], LIMITS).unwrap()
}

/// The change `n` as a record.
pub(crate) fn record(ids: &[String], n: u64) -> Record<'_> {
    Record {
        event_id: &ids[n as usize],
        at: Timestamp::from_millis(1_700_000_000_000 + n as i64),
        node: "gsm-1",
        name: "gsm:ReportResult",
        principal: "server:arena",
        request_id: &ids[n as usize],
        commit: Some(n + 1),
        ..Record::default()
    }
}

pub(crate) fn ids(count: u64) -> Vec<String> {
    (0..count).map(|n| format!("evt-{n}")).collect()
}

/// A log of `count` records, in batches of `step`.
pub(crate) fn written(disk: &Memory, count: u64, step: usize) {
    let ids = ids(count);
    let records: Vec<Record<'_>> = (0..count).map(|n| record(&ids, n)).collect();
    let mut log = open(disk);
    for batch in records.chunks(step) {
        log.append(batch).unwrap();
    }
}

/// All lines, in order.
pub(crate) fn lines(disk: &Memory) -> Vec<Vec<u8>> {
    let files = disk.files.borrow();
    let segments = files.iter().filter(|(path, _)| path.starts_with("segments/"));
    segments
        .flat_map(|(_, text)| text.split(|b| *b == b'\n').filter(|line| !line.is_empty()))
        .map(<[u8]>::to_vec)
        .collect()
}
