use crate::{
    Moved, Place,
    key::Probe,
    roster::{Member, Roster},
    tree::Tree,
};
use gsm_core::{Map, PlayerId, Rank, Timestamp};
use std::fmt;

/// An exact ranking of the players of one mode.
///
/// Holds up to 2^32 - 1 players in about 76 bytes each at 10^6 players (measured, see `tests/it/alloc.rs`):
/// 40 for the row, 11 for its index (6 to 11, as a hash table doubles), 25 for the tree. A doubling moves the
/// whole index at once, which takes tens of milliseconds at 10^6 players; [`with_entries`](Self::with_entries)
/// sizes it beforehand. Memory of players who left is used again, but not given back before the board is dropped.
#[derive(Clone)]
pub struct Board {
    pub(crate) tree: Tree,
    pub(crate) roster: Roster,
    /// Versions of players who were removed, see [`Board::remove`].
    removed: Map<PlayerId, u64>,
}

impl Board {
    /// An empty board.
    #[must_use]
    pub fn new() -> Self {
        Self::with_entries([])
    }

    /// Builds a board from players, scores, the times at which these were reached, and versions, in any order:
    /// the same as a [`set`](Self::set) for each, several times faster. O(n log n).
    #[must_use]
    pub fn with_entries(entries: impl IntoIterator<Item = (PlayerId, i64, Timestamp, u64)>) -> Self {
        let entries = entries.into_iter();
        let mut roster = Roster::with_capacity(entries.size_hint().0);
        for (player, score, at, version) in entries {
            let member = Member { player, score, at, version };
            match roster.find(player) {
                None => {
                    roster.insert(member);
                }
                Some(slot) if roster.member(slot).version < version => *roster.member_mut(slot) = member,
                Some(_) => {}
            }
        }
        let mut keys: Vec<_> = roster.slots().map(|slot| roster.key(slot)).collect();
        keys.sort_unstable_by(|a, b| Probe::new(*b, &roster).order(*a));
        Self { tree: Tree::from_sorted(&keys), roster, removed: Map::default() }
    }

    /// Gives a player a score, as of `version`; puts the player on the board if need be. O(log players).
    ///
    /// Versions of one player must grow: a change with the version that the board knows of this player, or an
    /// older one, is [`Moved::Ignored`], so that changes may come late and repeated. The board believes `at` even
    /// if the score is as before: a caller for whom an unchanged score counts as held since it was first reached
    /// passes the old time. (Were the board to keep the old time itself, it would depend on which of the changes
    /// between were seen.)
    pub fn set(&mut self, player: PlayerId, score: i64, at: Timestamp, version: u64) -> Moved {
        let slot = self.roster.find(player);
        if self.knows(player, slot, version) {
            return Moved::Ignored;
        }
        let member = Member { player, score, at, version };
        let before = slot.map(|slot| self.place(slot));
        let slot = if let Some(slot) = slot {
            let old = *self.roster.member(slot);
            if old.score == score && { old.at } == at {
                self.roster.member_mut(slot).version = version;
                return Moved::Applied { before, after: before };
            }
            self.tree.remove(self.roster.key(slot), &self.roster);
            *self.roster.member_mut(slot) = member;
            slot
        } else {
            self.removed.remove(&player);
            self.roster.insert(member)
        };
        self.tree.insert(self.roster.key(slot), &self.roster);
        Moved::Applied { before, after: Some(self.place(slot)) }
    }

    /// Takes a player off the board, as of `version`. O(log players).
    ///
    /// The board remembers the version (about 40 bytes), also of a player it never saw, so that an older `set`
    /// that comes late does not bring the player back; a newer one does, and the memory ends. It also ends when
    /// the board is built anew. A version that is not newer than the one known is [`Moved::Ignored`].
    pub fn remove(&mut self, player: PlayerId, version: u64) -> Moved {
        let slot = self.roster.find(player);
        if self.knows(player, slot, version) {
            return Moved::Ignored;
        }
        let before = slot.map(|slot| self.place(slot));
        if let Some(slot) = slot {
            self.tree.remove(self.roster.key(slot), &self.roster);
            self.roster.remove(slot);
        }
        self.removed.insert(player, version);
        Moved::Applied { before, after: None }
    }

    /// How many removed players the board remembers: what an operator watches where many are removed. O(1).
    #[must_use]
    pub fn removed(&self) -> u64 {
        self.removed.len() as u64
    }

    fn knows(&self, player: PlayerId, slot: Option<u32>, version: u64) -> bool {
        let known = match slot {
            Some(slot) => Some(self.roster.member(slot).version),
            None => self.removed.get(&player).copied(),
        };
        known.is_some_and(|known| version <= known)
    }

    fn place(&self, slot: u32) -> Place {
        let score = self.roster.member(slot).score;
        Place { rank: Rank::after(self.tree.better(score)), score }
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board").field("players", &self.len()).field("removed", &self.removed()).finish()
    }
}
