//! Tiles: the tree in files of 256 hashes, as C2SP `tlog-tiles` names them.
use crate::{
    hash::{Hash, root_of, sha256},
    proof::Nodes,
};
use std::collections::BTreeMap;

/// Hashes of a full tile.
pub const TILE_WIDTH: u64 = 256;
/// Levels of a tree of 2⁶⁴ leaves.
const LEVELS_MAX: u8 = 8;

/// A tile: `width` hashes of subtrees of 256^`level` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// 0 is the leaves.
    pub level: u8,
    /// Its place among those of its level.
    pub index: u64,
    /// 1 to 256.
    pub width: u16,
}

impl Tile {
    /// Its file, relative to the log's directory.
    #[must_use]
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, self.place())
    }

    /// The directory of a file of fewer hashes than 256, once the full tile is there.
    #[must_use]
    pub fn partial_dir(&self) -> String {
        let full = Self { width: TILE_WIDTH as u16, ..*self };
        format!("{}.p", full.path())
    }

    fn place(&self) -> String {
        let mut place = format!("{:03}", self.index % 1_000);
        let mut rest = self.index / 1_000;
        while rest > 0 {
            place = format!("x{:03}/{place}", rest % 1_000);
            rest /= 1_000;
        }
        if u64::from(self.width) == TILE_WIDTH { place } else { format!("{place}.p/{}", self.width) }
    }

    /// Reads what stands behind `tile/<level>/`.
    #[must_use]
    pub fn parse(level: &str, place: &str) -> Option<Self> {
        let path = format!("tile/{level}/{place}");
        let level = level.parse::<u8>().ok().filter(|level| *level < LEVELS_MAX)?;
        let (place, width) = match place.split_once(".p/") {
            Some((place, width)) => (place, width.parse().ok().filter(|w| (1..256).contains(w))?),
            None => (place, TILE_WIDTH as u16),
        };
        let mut index = 0u64;
        for part in place.split('/') {
            let digits = part.strip_prefix('x').unwrap_or(part);
            if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            index = index.checked_mul(1_000)?.checked_add(digits.parse().ok()?)?;
        }
        let tile = Self { level, index, width };
        // One name for each tile.
        (tile.path() == path).then_some(tile)
    }

    /// The first leaf under the hash `at` of it.
    #[must_use]
    pub fn first_leaf(&self, at: u64) -> u64 {
        let leaves = TILE_WIDTH.saturating_pow(u32::from(self.level));
        self.index.saturating_mul(TILE_WIDTH).saturating_add(at).saturating_mul(leaves)
    }
}

/// A row of hashes as a file's bytes.
#[must_use]
pub(crate) fn bytes_of(row: &[Hash]) -> Vec<u8> {
    row.concat()
}

/// The hashes of a tile's file; `None` if its bytes are no hashes.
#[must_use]
pub fn row_of(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.to_vec())
}

/// A growing tree: of each level the hashes that fill no tile yet. Takes a leaf in O(1), gives its root in O(log n).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

impl Rows {
    /// A tree of `size` leaves from its rows that fill no tile; `None` if those are not as many as `size` says.
    #[must_use]
    pub fn of(size: u64, levels: Vec<Vec<Hash>>) -> Option<Self> {
        let mut left = size;
        for row in &levels {
            if row.len() as u64 != left % TILE_WIDTH {
                return None;
            }
            left /= TILE_WIDTH;
        }
        (left == 0).then_some(Self { size, levels })
    }

    /// Leaves so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes one more leaf; `full` sees each tile that it fills.
    pub fn push(&mut self, leaf: Hash, full: &mut impl FnMut(Tile, &[Hash])) {
        let (mut carried, mut index) = (leaf, self.size);
        self.size += 1;
        for level in 0..LEVELS_MAX {
            let at = usize::from(level);
            if self.levels.len() <= at {
                self.levels.push(Vec::with_capacity(TILE_WIDTH as usize));
            }
            let Some(row) = self.levels.get_mut(at) else { return };
            row.push(carried);
            if row.len() as u64 != TILE_WIDTH {
                return;
            }
            index /= TILE_WIDTH;
            full(Tile { level, index, width: TILE_WIDTH as u16 }, row);
            carried = root_of(row);
            row.clear();
        }
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut below: Option<Hash> = None;
        for row in &self.levels {
            if let Some(last) = below {
                let all: Vec<Hash> = row.iter().copied().chain([last]).collect();
                below = Some(root_of(&all));
            } else if !row.is_empty() {
                below = Some(root_of(row));
            }
        }
        below.unwrap_or_else(|| sha256(b""))
    }

    /// The tiles that are not full, lowest first.
    pub fn partial(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        let levels = self.levels.iter().zip(0u8..);
        levels.filter(|(row, _)| !row.is_empty()).map(|(row, level)| {
            let complete = self.size / TILE_WIDTH.saturating_pow(u32::from(level));
            (Tile { level, index: complete / TILE_WIDTH, width: row.len() as u16 }, row.as_slice())
        })
    }
}

/// Nodes of a tree of `size` leaves, read from its tiles.
pub struct TileNodes<R> {
    size: u64,
    read: R,
    seen: BTreeMap<Tile, Vec<Hash>>,
}

impl<R, E> TileNodes<R>
where
    R: FnMut(Tile) -> Result<Vec<Hash>, E>,
{
    /// `read` gives the hashes of a tile; it is asked for none that a tree of `size` leaves has not.
    pub fn new(size: u64, read: R) -> Self {
        Self { size, read, seen: BTreeMap::new() }
    }
}

impl<R, E> Nodes for TileNodes<R>
where
    R: FnMut(Tile) -> Result<Vec<Hash>, E>,
{
    type Error = E;

    fn node(&mut self, height: u32, index: u64) -> Result<Hash, E> {
        let (level, above) = ((height / 8) as u8, height % 8);
        let (first, count) = (index << above, 1usize << above);
        let in_level = self.size / TILE_WIDTH.saturating_pow(u32::from(level));
        let tile = first / TILE_WIDTH;
        let width = (in_level - tile * TILE_WIDTH).min(TILE_WIDTH) as u16;
        let tile = Tile { level, index: tile, width };
        let row = match self.seen.entry(tile) {
            std::collections::btree_map::Entry::Occupied(row) => row.into_mut(),
            std::collections::btree_map::Entry::Vacant(slot) => slot.insert((self.read)(tile)?),
        };
        let from = (first % TILE_WIDTH) as usize;
        Ok(root_of(row.get(from..from + count).unwrap_or_default()))
    }
}
