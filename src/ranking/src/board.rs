use crate::{
    Builder, Change, DenseIds, Kept, Mark, Order, PlayerIds, Visibility,
    core::Core,
    flags::Flags,
    ids::Ids,
    key::{Key, Member},
    order::Turned,
    width::{AnyCore, on_core},
};
use gsm_core::{Map, Timestamp};
use std::fmt;

/// A board of players with 16-byte ids.
pub type Board = Ranked<PlayerIds>;
/// A board of players whom the caller numbers from 0 on; takes no memory for ids.
pub type DenseBoard = Ranked<DenseIds>;

/// An exact ranking of the players of one mode.
///
/// Holds up to 2^32 - 1 players. Memory of players who left is used again, but not given back before the board is
/// dropped. A board with one column starts narrow, with 32 bits a score; if a score, a time or a version comes that does
/// not fit, it goes over to wide numbers at once, which takes O(players) that one time and half as much memory again.
#[derive(Clone)]
pub struct Ranked<I: Ids> {
    pub(crate) ids: I,
    pub(crate) core: AnyCore,
    pub(crate) order: Order,
    /// What is known of players who are not on the board.
    pub(crate) absent: Map<I::Id, Absent>,
}

/// What a board remembers of a player who is not on it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Absent {
    /// Of the removal.
    pub(crate) version: Option<u64>,
    pub(crate) visibility: Visibility,
}

impl<I: Ids> Ranked<I> {
    /// An empty board.
    #[must_use]
    pub fn new(order: Order) -> Self {
        Self::with_capacity(order, 0)
    }

    /// An empty board that soon has so many players.
    pub(crate) fn with_capacity(order: Order, players: usize) -> Self {
        let (ids, core) = (I::with_capacity(players), AnyCore::new(&order, players));
        Self { ids, core, order, absent: Map::default() }
    }

    /// Builds a board from players and their marks, in any order: the same as a [`set`](Self::set) for each, several
    /// times faster. See [`Builder`], which takes them one by one.
    #[must_use]
    pub fn with_marks(order: Order, marks: impl IntoIterator<Item = (I::Id, Mark)>) -> Self {
        let marks = marks.into_iter();
        let mut builder = Builder::new(order, marks.size_hint().0);
        for (player, mark) in marks {
            builder.add(player, &mark);
        }
        builder.finish()
    }

    /// Gives a player a mark; puts the player on the board if need be. O(log players).
    ///
    /// Versions of one player must grow: a change with the version that the board knows of this player, or an
    /// older one, is [`Change::Ignored`], so that changes may come late and repeated. The board believes the time
    /// even if the keys are as before: a caller for whom unchanged keys count as held since they were first reached
    /// passes the old time. (Were the board to keep the old time itself, it would depend on which of the changes
    /// between were seen.)
    pub fn set(&mut self, player: I::Id, mark: Mark) -> Change {
        let found = self.ids.find(player);
        let member = found.and_then(|slot| self.state(slot));
        let (known, visibility) = match member {
            Some((version, flags)) => (Some(version), flags.visibility()),
            None => {
                self.absent.get(&player).map_or_else(Default::default, |was| (was.version, was.visibility))
            }
        };
        if known.is_some_and(|known| mark.version <= known) {
            return Change::Ignored;
        }
        if member.is_none() {
            self.absent.remove(&player);
        }
        let slot = found.unwrap_or_else(|| self.ids.insert(player));
        let (columns, at) = (self.order.turn(mark.keys), mark.reached_at.as_millis());
        let flags = Flags::new(mark.eligible, visibility);
        let put = |core: &mut AnyCore| on_core!(core, core => core.put(slot, &columns, at, mark.version, flags, &self.ids));
        if put(&mut self.core).is_none() {
            self.core.widen();
            put(&mut self.core);
        }
        Change::Applied
    }

    /// Takes a player off the board, as of `version`. O(log players).
    ///
    /// The board remembers the version (about 60 bytes), also of a player it never saw, so that an older `set`
    /// that comes late does not bring the player back; a newer one does, and the memory ends. It also ends when
    /// the board is built anew. A version that is not newer than the one known is [`Change::Ignored`].
    pub fn remove(&mut self, player: I::Id, version: u64) -> Change {
        let on_board = self.ids.find(player).and_then(|slot| Some((slot, self.state(slot)?)));
        let absent = self.absent.get(&player).copied().unwrap_or_default();
        let known = on_board.map_or(absent.version, |(_, (version, _))| Some(version));
        if known.is_some_and(|known| version <= known) {
            return Change::Ignored;
        }
        let mut visibility = absent.visibility;
        if let Some((slot, (_, flags))) = on_board {
            visibility = flags.visibility();
            on_core!(&mut self.core, core => core.take(slot, &self.ids));
            self.ids.release(slot);
        }
        self.absent.insert(player, Absent { version: Some(version), visibility });
        Change::Applied
    }

    /// Decides who sees a player, on the board or not yet; it holds through all marks and removals until it is decided
    /// anew. There is no version: the last call counts. O(log players).
    pub fn set_visibility(&mut self, player: I::Id, visibility: Visibility) {
        let on_board = self.ids.find(player).and_then(|slot| Some((slot, self.state(slot)?)));
        if let Some((slot, (_, flags))) = on_board {
            let flags = Flags::new(flags.is_eligible(), visibility);
            on_core!(&mut self.core, core => core.set_flags(slot, flags, &self.ids));
        } else {
            let version = self.absent.remove(&player).and_then(|was| was.version);
            if version.is_some() || visibility != Visibility::Shown {
                self.absent.insert(player, Absent { version, visibility });
            }
        }
    }

    /// Ranks a player who has a mark, or keeps the mark alone, until the next mark decides anew: for what time does, and
    /// no change of the player (idleness). O(log players).
    pub fn set_eligible(&mut self, player: I::Id, eligible: bool) {
        if let Some((slot, (_, flags))) =
            self.ids.find(player).and_then(|slot| Some((slot, self.state(slot)?)))
        {
            let flags = Flags::new(eligible, flags.visibility());
            on_core!(&mut self.core, core => core.set_flags(slot, flags, &self.ids));
        }
    }

    /// What is kept of a player, ranked or not; `None` if not on the board. O(1).
    #[must_use]
    pub fn kept(&self, player: I::Id) -> Option<Kept> {
        self.kept_at(self.ids.find(player)?)
    }

    /// The player whom the board knows under a number ([`slot`](Self::slot)), and his mark; `None` where nobody is. O(1).
    #[must_use]
    pub fn at(&self, slot: u32) -> Option<(I::Id, Mark)> {
        self.kept_at(slot).map(|kept| (self.ids.id(slot), kept.mark))
    }

    /// Above all numbers under which the board knows somebody. O(1).
    #[must_use]
    pub fn slots(&self) -> u32 {
        on_core!(&self.core, core => core.slots())
    }

    /// Brings near what [`set`](Self::set) is going to look at: memory is waited for here, beside other readers, and
    /// not while the board changes and holds them up. O(log players), allocates nothing.
    pub fn look_at(&self, player: I::Id, mark: &Mark) {
        if let Some(slot) = self.ids.find(player) {
            let (columns, at) = (self.order.turn(mark.keys), mark.reached_at.as_millis());
            on_core!(&self.core, core => core.look_at(slot, &columns, at, &self.ids));
        }
    }

    fn kept_at(&self, slot: u32) -> Option<Kept> {
        on_core!(&self.core, core => {
            let member = core.member(slot)?;
            let (key, flags) = (member.key(), member.flags());
            let mark = Mark {
                keys: key.keys(core.origin, &self.order),
                reached_at: Timestamp::from_millis(key.at()),
                version: member.version(),
                eligible: flags.is_eligible(),
            };
            Some(Kept { mark, visibility: flags.visibility() })
        })
    }

    /// How many removed players the board remembers: what an operator watches where many are removed. O(absent).
    #[must_use]
    pub fn removed(&self) -> u64 {
        self.absent.values().filter(|absent| absent.version.is_some()).count() as u64
    }

    /// The order of the board.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// The number under which the board knows a player, for as long as he is on it: below the greatest number of players
    /// that there ever were, and free for another once he has left. For what a caller keeps beside the board. O(1).
    #[must_use]
    pub fn slot(&self, player: I::Id) -> Option<u32> {
        self.ids.find(player).filter(|slot| self.state(*slot).is_some())
    }

    pub(crate) fn version(&self, slot: u32) -> Option<u64> {
        self.state(slot).map(|(version, _)| version)
    }

    fn state(&self, slot: u32) -> Option<(u64, Flags)> {
        on_core!(&self.core, core => core.member(slot).map(|member| (member.version(), member.flags())))
    }

    /// Writes a mark without ranking it; [`list_all`](Self::list_all) must follow.
    pub(crate) fn keep(&mut self, slot: u32, mark: &Mark, visibility: Visibility) {
        fn keep<K: Key>(core: &mut Core<K>, slot: u32, columns: &Turned, mark: &Mark, flags: Flags) -> bool {
            core.keep(slot, columns, mark.reached_at.as_millis(), mark.version, flags).is_some()
        }
        let (columns, flags) = (self.order.turn(mark.keys), Flags::new(mark.eligible, visibility));
        if !on_core!(&mut self.core, core => keep(core, slot, &columns, mark, flags)) {
            self.core.widen();
            on_core!(&mut self.core, core => keep(core, slot, &columns, mark, flags));
        }
    }

    pub(crate) fn list_all(&mut self) {
        on_core!(&mut self.core, core => core.list_all(&self.ids));
    }
}

impl<I: Ids> Default for Ranked<I> {
    fn default() -> Self {
        Self::new(Order::SCORE)
    }
}

impl<I: Ids> fmt::Debug for Ranked<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Ranked");
        debug
            .field("order", &self.order)
            .field("players", &self.len())
            .field("removed", &self.removed())
            .finish()
    }
}
