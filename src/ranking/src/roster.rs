use crate::{Entry, arena::Arena, key::Key};
use gsm_core::{FixedState, PlayerId, Timestamp};
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// What a board knows of a player who is on it. Packed to 40 bytes, as there is one for every player.
#[derive(Clone, Copy)]
#[repr(C, packed(8))]
pub(crate) struct Member {
    pub(crate) player: PlayerId,
    pub(crate) score: i64,
    pub(crate) at: Timestamp,
    pub(crate) version: u64,
}

/// The players of a board by id: rows in slots that do not move, and a hash index of slots (5 bytes a bucket).
#[derive(Clone)]
pub(crate) struct Roster {
    members: Arena<Member, 4096>,
    index: HashTable<u32>,
}

fn hash(player: PlayerId) -> u64 {
    FixedState::default().hash_one(player)
}

impl Roster {
    pub(crate) fn with_capacity(players: usize) -> Self {
        Self { members: Arena::new(), index: HashTable::with_capacity(players) }
    }

    pub(crate) fn find(&self, player: PlayerId) -> Option<u32> {
        self.index.find(hash(player), |&slot| { self.member(slot).player } == player).copied()
    }

    pub(crate) fn member(&self, slot: u32) -> &Member {
        self.members.get(slot)
    }

    pub(crate) fn member_mut(&mut self, slot: u32) -> &mut Member {
        self.members.get_mut(slot)
    }

    pub(crate) fn entry(&self, slot: u32) -> Entry {
        let member = self.member(slot);
        Entry { player: member.player, score: member.score, reached_at: member.at }
    }

    pub(crate) fn key(&self, slot: u32) -> Key {
        let member = self.member(slot);
        Key { score: member.score, at: { member.at }.as_millis(), slot }
    }

    /// The player must not be in it yet.
    pub(crate) fn insert(&mut self, member: Member) -> u32 {
        let slot = self.members.insert(member);
        let Self { members, index } = self;
        index.insert_unique(hash(member.player), slot, |&other| hash(members.get(other).player));
        slot
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        let player = self.member(slot).player;
        if let Ok(entry) = self.index.find_entry(hash(player), |&other| other == slot) {
            entry.remove();
            self.members.release(slot);
        }
    }

    /// The slots in use, in no order that means anything.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.index.iter().copied()
    }
}
