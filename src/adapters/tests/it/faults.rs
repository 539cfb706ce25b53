//! A disk in memory that can fall ill: power cuts, full disks, failing syncs, flipped bits, torn tails.
use gsm_adapters::disk::{Disk, Volume};
use gsm_core::SplitMix64;
use parking_lot::{Condvar, Mutex};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

const SECTOR: usize = 512;
const BLOCK: usize = 4096;
/// A held sync fails after this, so that a test that goes wrong ends.
const HELD_MAX: Duration = Duration::from_secs(60);

/// The ills that all files of a [`FaultyVolume`] share.
#[derive(Debug)]
struct Plan {
    /// Nothing answers any more.
    dead: AtomicBool,
    /// Writes and syncs until the power goes; negative: never.
    cut_after: AtomicI64,
    /// Blocks that may be in use.
    blocks_max: AtomicU64,
    blocks: AtomicU64,
    sync_fails: AtomicBool,
    syncs: AtomicU64,
    held: Mutex<Held>,
    released: Condvar,
}

/// Whether syncs wait, and how many do.
#[derive(Debug, Default)]
struct Held {
    hold: bool,
    waiting: usize,
}

impl Plan {
    fn alive(&self) -> io::Result<()> {
        if self.dead.load(Ordering::SeqCst) {
            Err(io::Error::other("the power is off (injected)"))
        } else {
            Ok(())
        }
    }
    /// Waits while syncs are held.
    fn wait(&self) -> io::Result<()> {
        let mut held = self.held.lock();
        held.waiting += 1;
        let mut late = false;
        while held.hold && !late {
            late = self.released.wait_for(&mut held, HELD_MAX).timed_out();
        }
        held.waiting -= 1;
        if late { Err(io::Error::other("the sync was held too long (injected)")) } else { Ok(()) }
    }
    /// Counts one write or sync; the power may go with it.
    fn step(&self) -> io::Result<()> {
        if self.cut_after.load(Ordering::SeqCst) >= 0 && self.cut_after.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.dead.store(true, Ordering::SeqCst);
        }
        self.alive()
    }
}

#[derive(Debug, Clone, Default)]
struct Image {
    bytes: Vec<u8>,
    /// Blocks that were written to.
    blocks: BTreeSet<usize>,
    /// What each unsynced sector held: first as synced, then after each write.
    unsynced: BTreeMap<usize, Vec<[u8; SECTOR]>>,
    /// Lengths since the last sync, the synced one first.
    lengths: Vec<usize>,
}

impl Image {
    fn sector(&self, index: usize) -> [u8; SECTOR] {
        let mut out = [0; SECTOR];
        out.iter_mut().zip(self.bytes.iter().skip(index * SECTOR)).for_each(|(to, from)| *to = *from);
        out
    }
    fn synced(&mut self) {
        self.unsynced.clear();
        self.lengths = vec![self.bytes.len()];
    }
    fn resize(&mut self, len: usize) {
        self.bytes.resize(len, 0);
        self.lengths.push(len);
    }
    fn write(&mut self, at: usize, data: &[u8]) {
        if self.bytes.len() < at + data.len() {
            self.resize(at + data.len());
        }
        let sectors = at / SECTOR..(at + data.len()).div_ceil(SECTOR);
        for index in sectors.clone() {
            let before = self.sector(index);
            self.unsynced.entry(index).or_insert_with(|| vec![before]);
        }
        if let Some(to) = self.bytes.get_mut(at..at + data.len()) {
            to.copy_from_slice(data);
        }
        for index in sectors {
            let after = self.sector(index);
            self.unsynced.entry(index).or_default().push(after);
        }
    }
    /// What a power cut leaves: each sector (or block of eight) as of some moment since the last sync.
    fn survivor(&self, random: &mut Random) -> Self {
        let whole_blocks = random.below(2) == 0;
        let keep_nothing = random.below(4) == 0;
        let mut out = self.clone();
        let mut share = BTreeMap::new();
        for (&index, held) in &self.unsynced {
            let chance = if whole_blocks {
                *share.entry(index / (BLOCK / SECTOR)).or_insert_with(|| random.next())
            } else {
                random.next()
            };
            let pick = if keep_nothing { 0 } else { (chance % held.len() as u64) as usize };
            if let (Some(content), Some(to)) = (held.get(pick), out.bytes.get_mut(index * SECTOR..)) {
                to.iter_mut().zip(content).for_each(|(to, from)| *to = *from);
            }
        }
        let pick = if keep_nothing { 0 } else { random.below(self.lengths.len() as u64) as usize };
        out.bytes.resize(self.lengths.get(pick).copied().unwrap_or(0), 0);
        out.synced();
        out
    }
}

/// Chance of a seed.
#[derive(Debug)]
struct Random(SplitMix64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0.next_u64()
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

/// A directory in memory whose disk falls ill on request.
#[derive(Debug)]
pub(crate) struct FaultyVolume {
    files: Mutex<BTreeMap<String, Arc<Mutex<Image>>>>,
    plan: Arc<Plan>,
}

impl Default for FaultyVolume {
    fn default() -> Self {
        Self::with(BTreeMap::new())
    }
}

impl FaultyVolume {
    fn with(files: BTreeMap<String, Arc<Mutex<Image>>>) -> Self {
        let blocks: usize = files.values().map(|image| image.lock().blocks.len()).sum();
        let plan = Plan {
            dead: AtomicBool::new(false),
            cut_after: AtomicI64::new(-1),
            blocks_max: AtomicU64::new(u64::MAX),
            blocks: AtomicU64::new(blocks as u64),
            sync_fails: AtomicBool::new(false),
            syncs: AtomicU64::new(0),
            held: Mutex::default(),
            released: Condvar::new(),
        };
        Self { files: Mutex::new(files), plan: Arc::new(plan) }
    }

    /// An empty, healthy directory.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }
    /// The power goes with the `n`-th write or sync from now (0 is the next one).
    pub(crate) fn cut_after(&self, n: u32) {
        self.plan.cut_after.store(i64::from(n), Ordering::SeqCst);
    }
    /// Whether the power is off.
    pub(crate) fn is_off(&self) -> bool {
        self.plan.dead.load(Ordering::SeqCst)
    }
    /// The power goes now; what is found afterwards is the directory that is given back. Of what was not synced, each
    /// sector shows some moment since the last sync, by `seed`.
    pub(crate) fn cut(&self, seed: u64) -> Arc<Self> {
        self.plan.dead.store(true, Ordering::SeqCst);
        let mut random = Random(SplitMix64::new(seed));
        let files = self.files.lock();
        let left = files
            .iter()
            .map(|(name, image)| (name.clone(), Arc::new(Mutex::new(image.lock().survivor(&mut random)))));
        Arc::new(Self::with(left.collect()))
    }
    /// The process dies, the machine lives on: everything written is found again.
    pub(crate) fn kill(&self) -> Arc<Self> {
        self.plan.dead.store(true, Ordering::SeqCst);
        self.fork()
    }
    /// A healthy copy of the directory as it is now; this one lives on.
    pub(crate) fn fork(&self) -> Arc<Self> {
        let files = self.files.lock();
        let left =
            files.iter().map(|(name, image)| (name.clone(), Arc::new(Mutex::new(image.lock().clone()))));
        Arc::new(Self::with(left.collect()))
    }
    /// Room for so many bytes more, from now on.
    pub(crate) fn set_room(&self, bytes: u64) {
        let used = self.plan.blocks.load(Ordering::SeqCst);
        self.plan.blocks_max.store(used.saturating_add(bytes / BLOCK as u64), Ordering::SeqCst);
    }
    /// From now on every sync fails (or works again).
    pub(crate) fn set_sync_fails(&self, fails: bool) {
        self.plan.sync_fails.store(fails, Ordering::SeqCst);
    }
    /// From now on every sync waits until this is called with `false`.
    pub(crate) fn hold_syncs(&self, hold: bool) {
        self.plan.held.lock().hold = hold;
        self.plan.released.notify_all();
    }
    /// Syncs that wait now.
    pub(crate) fn held_syncs(&self) -> usize {
        self.plan.held.lock().waiting
    }
    /// Syncs so far.
    pub(crate) fn syncs(&self) -> u64 {
        self.plan.syncs.load(Ordering::SeqCst)
    }
    /// Bytes of a file; 0 if there is none.
    pub(crate) fn file_len(&self, name: &str) -> usize {
        self.files.lock().get(name).map_or(0, |image| image.lock().bytes.len())
    }
    /// Turns one bit of a file over.
    pub(crate) fn flip(&self, name: &str, byte: usize, bit: u8) {
        if let Some(image) = self.files.lock().get(name)
            && let Some(byte) = image.lock().bytes.get_mut(byte)
        {
            *byte ^= 1 << (bit % 8);
        }
    }
    /// Takes a file as it is in another directory, in place of its own.
    pub(crate) fn adopt(&self, name: &str, from: &Self) {
        let found = from.files.lock().get(name).map(|image| image.lock().clone());
        if let Some(image) = found {
            self.files.lock().insert(name.to_owned(), Arc::new(Mutex::new(image)));
        }
    }
    /// Cuts a file's tail off.
    pub(crate) fn truncate(&self, name: &str, len: usize) {
        if let Some(image) = self.files.lock().get(name) {
            let mut image = image.lock();
            image.bytes.truncate(len);
            image.synced();
        }
    }
}

impl Volume for FaultyVolume {
    fn open(&self, name: &str) -> io::Result<Arc<dyn Disk>> {
        self.plan.alive()?;
        let fresh = || {
            let mut image = Image::default();
            image.synced();
            Arc::new(Mutex::new(image))
        };
        let image = self.files.lock().entry(name.to_owned()).or_insert_with(fresh).clone();
        Ok(Arc::new(FaultyDisk { image, plan: self.plan.clone() }))
    }
    fn exists(&self, name: &str) -> io::Result<bool> {
        self.plan.alive()?;
        Ok(self.files.lock().contains_key(name))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.plan.step()?;
        let mut files = self.files.lock();
        let image = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), image);
        Ok(())
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.plan.step()?;
        if let Some(image) = self.files.lock().remove(name) {
            self.plan.blocks.fetch_sub(image.lock().blocks.len() as u64, Ordering::SeqCst);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct FaultyDisk {
    image: Arc<Mutex<Image>>,
    plan: Arc<Plan>,
}

fn index(n: u64) -> io::Result<usize> {
    usize::try_from(n).map_err(io::Error::other)
}

impl Disk for FaultyDisk {
    fn len(&self) -> io::Result<u64> {
        self.plan.alive()?;
        Ok(self.image.lock().bytes.len() as u64)
    }
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.plan.alive()?;
        let (image, at) = (self.image.lock(), index(offset)?);
        let found = image.bytes.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.plan.step()?;
        let (mut image, at) = (self.image.lock(), index(offset)?);
        let touched = at / BLOCK..(at + data.len()).div_ceil(BLOCK);
        let fresh = touched.clone().filter(|block| !image.blocks.contains(block)).count() as u64;
        if fresh > 0 {
            let room = self.plan.blocks_max.load(Ordering::SeqCst);
            if self.plan.blocks.fetch_add(fresh, Ordering::SeqCst) + fresh > room {
                self.plan.blocks.fetch_sub(fresh, Ordering::SeqCst);
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        image.blocks.extend(touched);
        image.write(at, data);
        Ok(())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.plan.step()?;
        let (mut image, len) = (self.image.lock(), index(len)?);
        let gone = image.blocks.split_off(&len.div_ceil(BLOCK));
        self.plan.blocks.fetch_sub(gone.len() as u64, Ordering::SeqCst);
        image.resize(len);
        Ok(())
    }
    fn sync_data(&self) -> io::Result<()> {
        self.plan.wait()?;
        self.plan.step()?;
        self.plan.syncs.fetch_add(1, Ordering::SeqCst);
        if self.plan.sync_fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("sync failed (injected)"));
        }
        self.image.lock().synced();
        Ok(())
    }
}

mod tests {
    use super::*;

    #[test]
    fn a_power_cut_spares_what_was_synced_and_may_take_the_rest() {
        let mut lost = 0;
        for seed in 0..50 {
            let volume = FaultyVolume::new();
            let disk = volume.open("a").expect("opened");
            disk.write_at(0, &[1; 1024]).expect("written");
            disk.sync_data().expect("synced");
            disk.write_at(512, &[2; 1024]).expect("written");
            let after = volume.cut(seed);
            assert!(disk.len().is_err(), "the old handle is dead");
            let disk = after.open("a").expect("opened");
            let mut first = [0; 512];
            disk.read_at(0, &mut first).expect("there");
            assert_eq!(first, [1; 512], "what was synced is there");
            lost += u32::from(disk.len().expect("len") == 1024);
        }
        assert!((5..45).contains(&lost), "sometimes the rest is lost, sometimes not: {lost}");
    }

    #[test]
    fn a_full_disk_takes_no_new_block_but_rewrites_old_ones() {
        let volume = FaultyVolume::new();
        let disk = volume.open("a").expect("opened");
        disk.write_at(0, &[1; 4096]).expect("written");
        volume.set_room(4096);
        disk.write_at(4096, &[1; 10]).expect("one block more");
        assert_eq!(disk.write_at(9000, &[1]).expect_err("full").kind(), io::ErrorKind::StorageFull);
        disk.write_at(100, &[3; 10]).expect("no new block");
        volume.remove("a").expect("removed");
        volume.open("b").expect("opened").write_at(0, &[1; 8192]).expect("room again");
    }
}
