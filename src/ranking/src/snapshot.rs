//! A board as bytes, in the order of its listing, so that reading it back needs no sorting.
//!
//! Format 1, in [`frames`]: a head (see [`Head`]), the ranked players in order, those who are kept without a rank, and
//! what is remembered of those who are absent. Numbers are little-endian. A player is the id, a number for each column,
//! the time, the version, a byte of flags.
mod frames;

use crate::{
    Direction, Order, Ranked, Ties,
    board::Absent,
    core::Core,
    flags::Flags,
    ids::Ids,
    key::{Key, Member},
    order::{COLUMNS_MAX, Turned},
    tree::Tree,
    width::{AnyCore, on_core},
};
use frames::{Reader, Writer};

const MAGIC: &[u8; 8] = b"gsmboard";
const FORMAT: u8 = 1;
const TWICE: &str = "a player comes twice";

/// Why a snapshot gave no board.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError<E> {
    /// The source failed, or ended early.
    #[error("snapshot could not be read")]
    Read(E),
    /// The bytes are not what was written.
    #[error("snapshot is damaged: {what}")]
    Damaged {
        /// What does not fit.
        what: &'static str,
    },
    /// Written by a later release.
    #[error("snapshot has format `{found}`, this release reads `1`")]
    Format {
        /// The number in the snapshot.
        found: u8,
    },
    /// The snapshot is of a board with ids of another kind.
    #[error("snapshot has ids of {found} bytes, not of {wanted}")]
    Ids {
        /// Bytes of an id in the snapshot.
        found: u8,
        /// Bytes of an id of this board.
        wanted: u8,
    },
}

/// What a snapshot begins with: the magic, the format, bytes of an id, whether keys are narrow, the number of columns,
/// ties, a bit for each descending column; then the origin of narrow keys and how many players of each kind follow.
struct Head {
    order: Order,
    is_narrow: bool,
    origin: i64,
    ranked: u64,
    others: u64,
    absent: u64,
}

impl<I: Ids> Ranked<I> {
    /// Writes the board in order, in pieces of up to 64 KiB. O(n).
    ///
    /// # Errors
    /// The first error of the sink.
    pub fn write_snapshot<E>(&self, sink: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut out = Writer::new(sink);
        on_core!(&self.core, core => {
            let head = Head {
                order: self.order,
                is_narrow: matches!(self.core, AnyCore::Narrow(_)),
                origin: core.origin,
                ranked: core.tree.len(),
                others: core.kept() - core.tree.len(),
                absent: self.absent.len() as u64,
            };
            out.add(|out| head.put::<I>(out))?;
            out.close()?;
            self.write_players(core, &mut out)?;
        });
        // By id: where the map keeps them tells of the past.
        let mut absent: Vec<_> = self.absent.iter().collect();
        absent.sort_unstable_by_key(|(player, _)| **player);
        for (player, absent) in absent {
            out.add(|out| {
                I::encode(*player, out);
                out.push(u8::from(absent.version.is_some()));
                out.extend_from_slice(&absent.version.unwrap_or(0).to_le_bytes());
                out.push(Flags::new(true, absent.visibility).bits());
            })?;
        }
        out.close()
    }

    fn write_players<K: Key, E>(
        &self,
        core: &Core<K>,
        out: &mut Writer<impl FnMut(&[u8]) -> Result<(), E>>,
    ) -> Result<(), E> {
        let ranked = core.tree.walk(0, u64::MAX).map(|(_, slot)| slot);
        for slot in ranked.chain(core.unranked()) {
            let Some(member) = core.member(slot) else { continue };
            out.add(|out| {
                I::encode(self.ids.id(slot), out);
                for column in member.key().columns(core.origin).iter().take(self.order.columns()) {
                    out.extend_from_slice(&column.to_le_bytes());
                }
                out.extend_from_slice(&member.key().at().to_le_bytes());
                out.extend_from_slice(&member.version().to_le_bytes());
                out.push(member.flags().bits());
            })?;
        }
        Ok(())
    }

    /// Reads a board back, several times faster than building it. `source` fills the whole slice it is given, or fails.
    /// Nothing after the snapshot is read. O(n).
    ///
    /// # Errors
    /// [`SnapshotError`]; damage of any kind is an error, never a wrong board.
    pub fn read_snapshot<E>(
        source: impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<Self, SnapshotError<E>> {
        let mut from = Reader::new(source);
        let head = Head::take::<I, E>(&mut from)?;
        let players = usize::try_from(head.ranked.saturating_add(head.others)).unwrap_or(usize::MAX);
        if players >= u32::MAX as usize {
            return Err(SnapshotError::Damaged { what: "more players than a board holds" });
        }
        let mut board = Self::with_capacity(head.order, players);
        if !head.is_narrow {
            board.core.widen();
        }
        on_core!(&mut board.core, core => read_players(core, &mut board.ids, &mut from, &head)?);
        if board.index_all() > 0 {
            return Err(SnapshotError::Damaged { what: TWICE });
        }
        for _ in 0..head.absent {
            let player = id::<I, E>(&mut from)?;
            let version = (from.byte()? != 0).then_some(from.number()?);
            let visibility = flags(&mut from)?.visibility();
            board.absent.insert(player, Absent { version, visibility });
        }
        from.end()?;
        Ok(board)
    }
}

impl Head {
    fn put<I: Ids>(&self, out: &mut Vec<u8>) {
        let ties = match self.order.ties() {
            Ties::Competition => 0,
            Ties::Dense => 1,
            Ties::Ordinal => 2,
        };
        let bits = self
            .order
            .directions()
            .zip(0..)
            .map(|(direction, column)| u8::from(direction == Direction::Descending) << column);
        out.extend_from_slice(MAGIC);
        out.extend([
            FORMAT,
            I::WIDTH as u8,
            self.is_narrow.into(),
            self.order.columns() as u8,
            ties,
            bits.sum(),
        ]);
        for number in [self.origin as u64, self.ranked, self.others, self.absent] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn take<I: Ids, E>(
        from: &mut Reader<impl FnMut(&mut [u8]) -> Result<(), E>>,
    ) -> Result<Self, SnapshotError<E>> {
        const UNKNOWN: &str = "unknown order";
        if from.take(MAGIC.len())? != MAGIC {
            return Err(SnapshotError::Damaged { what: "not a snapshot of a board" });
        }
        let found = from.byte()?;
        if found != FORMAT {
            return Err(SnapshotError::Format { found });
        }
        let found = from.byte()?;
        if usize::from(found) != I::WIDTH {
            return Err(SnapshotError::Ids { found, wanted: I::WIDTH as u8 });
        }
        let is_narrow = from.byte()? != 0;
        let columns = from.byte()?;
        let ties = match from.byte()? {
            0 => Ties::Competition,
            1 => Ties::Dense,
            2 => Ties::Ordinal,
            _ => return Err(SnapshotError::Damaged { what: UNKNOWN }),
        };
        let bits = from.byte()?;
        let direction = |column: u8| {
            if bits >> (column & 7) & 1 == 1 { Direction::Descending } else { Direction::Ascending }
        };
        let directions: Vec<Direction> = (0..columns).map(direction).collect();
        let order = Order::new(&directions, ties).ok_or(SnapshotError::Damaged { what: UNKNOWN })?;
        let origin = from.number()? as i64;
        let [ranked, others, absent] = [from.number()?, from.number()?, from.number()?];
        from.end()?;
        Ok(Self { order, is_narrow, origin, ranked, others, absent })
    }
}

fn id<I: Ids, E>(
    from: &mut Reader<impl FnMut(&mut [u8]) -> Result<(), E>>,
) -> Result<I::Id, SnapshotError<E>> {
    I::decode(from.take(I::WIDTH)?).ok_or(SnapshotError::Damaged { what: "not an id" })
}

fn flags<E>(from: &mut Reader<impl FnMut(&mut [u8]) -> Result<(), E>>) -> Result<Flags, SnapshotError<E>> {
    let flags = Flags::from_bits(from.byte()?);
    let is_known = flags == Flags::new(flags.is_eligible(), flags.visibility());
    if is_known { Ok(flags) } else { Err(SnapshotError::Damaged { what: "unknown flags" }) }
}

/// Reads one player and puts him at a slot of his own, without ranking him.
fn read_player<K: Key, I: Ids, E>(
    core: &mut Core<K>,
    ids: &mut I,
    from: &mut Reader<impl FnMut(&mut [u8]) -> Result<(), E>>,
    columns: usize,
) -> Result<(K, I::Id, u32, Flags), SnapshotError<E>> {
    let player = id::<I, E>(from)?;
    let mut turned: Turned = [0; COLUMNS_MAX];
    for column in turned.iter_mut().take(columns) {
        *column = from.number()? as i64;
    }
    let (at, version, flags) = (from.number()? as i64, from.number()?, flags(from)?);
    let slot = ids.push(player);
    if core.member(slot).is_some() {
        return Err(SnapshotError::Damaged { what: TWICE });
    }
    let kept = core.keep_at_origin(slot, &turned, at, version, flags);
    let key = kept.ok_or(SnapshotError::Damaged { what: "a number is not narrow" })?;
    Ok((key, player, slot, flags))
}

fn read_players<K: Key, I: Ids, E>(
    core: &mut Core<K>,
    ids: &mut I,
    from: &mut Reader<impl FnMut(&mut [u8]) -> Result<(), E>>,
    head: &Head,
) -> Result<(), SnapshotError<E>> {
    core.origin = head.origin;
    let columns = head.order.columns();
    let (mut error, mut above) = (None, None);
    let ranked = std::iter::from_fn(|| match read_player(core, ids, from, columns) {
        Ok((key, player, slot, flags)) => {
            let is_next = above.is_none_or(|above| above < (key, player)) && flags.is_ranked();
            above = Some((key, player));
            if !is_next {
                error = Some(SnapshotError::Damaged { what: "players are not in order" });
            }
            is_next.then_some((key, slot))
        }
        Err(failed) => {
            error = Some(failed);
            None
        }
    });
    let tree = Tree::from_sorted(head.ranked as usize, ranked.fuse());
    if let Some(error) = error {
        return Err(error);
    }
    core.list_as(tree);
    for _ in 0..head.others {
        let (.., flags) = read_player(core, ids, from, columns)?;
        if flags.is_ranked() {
            return Err(SnapshotError::Damaged { what: "players are not in order" });
        }
    }
    Ok(())
}
