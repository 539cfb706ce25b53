use crate::roster::Roster;
use gsm_core::PlayerId;
use std::cmp::Ordering;

/// What the tree sorts: an entry whose player is named by its slot in the roster. Packed to 20 bytes, as there is
/// one for every player.
#[derive(Clone, Copy, Default)]
#[repr(C, packed(4))]
pub(crate) struct Key {
    pub(crate) score: i64,
    pub(crate) at: i64,
    pub(crate) slot: u32,
}

/// A key to look for. The roster is asked only where score and time are equal.
pub(crate) struct Probe<'a> {
    key: Key,
    player: PlayerId,
    roster: &'a Roster,
}

impl<'a> Probe<'a> {
    /// `key.slot` must be in the roster.
    pub(crate) fn new(key: Key, roster: &'a Roster) -> Self {
        Self { key, player: roster.member(key.slot).player, roster }
    }

    /// `Less` if `other` is listed before the key looked for, `Equal` if it is that key.
    pub(crate) fn order(&self, other: Key) -> Ordering {
        let (ours, theirs) = (self.key, other);
        { ours.score }.cmp(&{ theirs.score }).then({ theirs.at }.cmp(&{ ours.at })).then_with(|| {
            if ours.slot == theirs.slot {
                return Ordering::Equal;
            }
            { self.roster.member(theirs.slot).player }.cmp(&self.player)
        })
    }

    pub(crate) fn slot(&self) -> u32 {
        self.key.slot
    }
}
