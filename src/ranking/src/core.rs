use crate::{
    arena::Arena,
    flags::Flags,
    ids::{DenseIds, Ids},
    key::{Key, Member},
    order::Turned,
    probe::Probe,
    tree::Tree,
};
use std::{sync::mpsc::sync_channel, thread};

/// The players of a board by slot, and the tree of those who are ranked, with keys of one width.
#[derive(Clone)]
pub(crate) struct Core<K: Key> {
    /// What narrow columns are relative to: the first column of the first player.
    pub(crate) origin: i64,
    members: Arena<K::Member>,
    pub(crate) tree: Tree<K>,
    /// Each columns that somebody in `tree` has, once; kept only where ranks are dense.
    pub(crate) distinct: Option<Tree<K>>,
    /// Members that are present.
    kept: u64,
}

/// A large board is sorted in parts of about so many players while it is built, so that building takes little memory
/// beside the board: each part is one more look at all players.
const PART: usize = if cfg!(test) { 50 } else { 1 << 20 };
const PARTS_MAX: usize = 32;

/// An entry of the tree of distinct columns.
fn lone<K: Key>(key: K) -> Probe<'static, K, DenseIds> {
    Probe { key, id: 0, ids: &DenseIds }
}

impl<K: Key> Core<K> {
    pub(crate) fn new(is_dense: bool, players: usize) -> Self {
        let distinct = is_dense.then(Tree::new);
        Self { origin: 0, members: Arena::with_capacity(players), tree: Tree::new(), distinct, kept: 0 }
    }

    /// How many players there are, ranked or not.
    pub(crate) fn kept(&self) -> u64 {
        self.kept
    }

    /// How many slots were ever used.
    pub(crate) fn slots(&self) -> u32 {
        self.members.len() as u32
    }

    /// A player who is on the board.
    pub(crate) fn member(&self, slot: u32) -> Option<&K::Member> {
        self.members.find(slot).filter(|member| member.flags().is_present())
    }

    /// The key to look for with columns of any size.
    pub(crate) fn nearest(&self, columns: &Turned, at: i64) -> K {
        K::nearest(self.origin, columns, at)
    }

    fn probe<'a, I: Ids>(key: K, slot: u32, ids: &'a I) -> Probe<'a, K, I> {
        Probe { key, id: ids.id(slot), ids }
    }

    /// Puts a player at a slot, or changes the one there; `None` and no change if keys of this width cannot hold it.
    pub(crate) fn put<I: Ids>(
        &mut self,
        slot: u32,
        columns: &Turned,
        at: i64,
        version: u64,
        flags: Flags,
        ids: &I,
    ) -> Option<()> {
        let old = self.member(slot).copied();
        let new = self.keep(slot, columns, at, version, flags)?;
        let was = old.filter(|old| old.flags().is_ranked()).map(|old| old.key());
        let is = flags.is_ranked().then_some(new);
        match (was, is) {
            (Some(was), Some(is)) if was == is => {}
            (Some(was), Some(is)) if self.distinct.is_none() => {
                self.tree.shift(slot, &Self::probe(was, slot, ids), &Self::probe(is, slot, ids));
            }
            _ => {
                was.iter().for_each(|key| self.unlist(&Self::probe(*key, slot, ids)));
                is.iter().for_each(|key| self.list(slot, &Self::probe(*key, slot, ids)));
            }
        }
        Some(())
    }

    /// Brings near what [`put`](Self::put) looks at.
    pub(crate) fn look_at<I: Ids>(&self, slot: u32, columns: &Turned, at: i64, ids: &I) {
        let old = self.member(slot).filter(|old| old.flags().is_ranked()).map(|old| old.key());
        let new = K::new(self.origin, columns, at);
        for key in old.into_iter().chain(new) {
            self.tree.look_at(&Self::probe(key, slot, ids));
        }
    }

    /// Writes a member without touching the tree; [`list_all`](Self::list_all) must follow before anything else.
    pub(crate) fn keep(
        &mut self,
        slot: u32,
        columns: &Turned,
        at: i64,
        version: u64,
        flags: Flags,
    ) -> Option<K> {
        if self.kept == 0 {
            [self.origin, ..] = *columns;
        }
        let key = K::new(self.origin, columns, at)?;
        let member = K::Member::new(key, version, flags)?;
        while self.members.len() <= slot as usize {
            self.members.push(K::Member::NONE);
        }
        let place = self.members.get_mut(slot);
        self.kept += u64::from(!place.flags().is_present());
        *place = member;
        Some(key)
    }

    /// Changes what keeps a player from being ranked.
    pub(crate) fn set_flags<I: Ids>(&mut self, slot: u32, flags: Flags, ids: &I) {
        let Some(&old) = self.member(slot) else { return };
        self.members.get_mut(slot).set_flags(flags);
        match (old.flags().is_ranked(), flags.is_ranked()) {
            (true, false) => self.unlist(&Self::probe(old.key(), slot, ids)),
            (false, true) => self.list(slot, &Self::probe(old.key(), slot, ids)),
            _ => {}
        }
    }

    /// Takes a player off the board.
    pub(crate) fn take<I: Ids>(&mut self, slot: u32, ids: &I) {
        self.set_flags(slot, Flags::NONE, ids);
        self.kept -= 1;
    }

    fn has_columns(&self, key: K) -> bool {
        self.tree.better::<true>(key) > self.tree.better::<false>(key)
    }

    fn list<I: Ids>(&mut self, slot: u32, probe: &Probe<'_, K, I>) {
        if self.distinct.is_some() && !self.has_columns(probe.key) {
            let alone = lone(probe.key.timeless());
            self.distinct.iter_mut().for_each(|tree| tree.insert(0, &alone));
        }
        self.tree.insert(slot, probe);
    }

    fn unlist<I: Ids>(&mut self, probe: &Probe<'_, K, I>) {
        self.tree.remove(probe);
        if self.distinct.is_some() && !self.has_columns(probe.key) {
            let alone = lone(probe.key.timeless());
            self.distinct.iter_mut().for_each(|tree| tree.remove(&alone));
        }
    }

    /// Ranks all who may be ranked. O(n log n), by two threads where there are many.
    pub(crate) fn list_all<I: Ids>(&mut self, ids: &I) {
        let order = |a: &(K, u32), b: &(K, u32)| a.0.cmp(&b.0).then_with(|| ids.id(a.1).cmp(&ids.id(b.1)));
        let members = &self.members;
        let ranked = || {
            (0..).zip(members.iter()).filter(|(_, m)| m.flags().is_ranked()).map(|(slot, m)| (m.key(), slot))
        };
        let count = ranked().count();
        let parts = count.div_ceil(PART).clamp(1, PARTS_MAX);
        let mut sample: Vec<(K, u32)> = ranked().step_by((count / 4_096).max(1)).collect();
        sample.sort_unstable_by(order);
        let border = |part: usize| sample.get(part * sample.len() / parts).filter(|_| part > 0).copied();
        let sorted = |part: usize| {
            let (from, to) = (border(part), border(part + 1));
            let mut entries = Vec::with_capacity(count / parts + count / parts / 8);
            entries.extend(ranked().filter(|entry| {
                from.is_none_or(|from| order(entry, &from).is_ge())
                    && to.is_none_or(|to| order(entry, &to).is_lt())
            }));
            entries.sort_unstable_by(order);
            entries
        };
        self.tree = if parts == 1 {
            Tree::from_sorted(count, sorted(0).into_iter())
        } else {
            thread::scope(|scope| {
                let hands = [0, 1].map(|hand| {
                    // Nothing is stored between the two: a part is sorted while the one before it is listed.
                    let (give, take) = sync_channel(0);
                    let sorted = &sorted;
                    scope.spawn(move || {
                        (hand..parts).step_by(2).map(sorted).try_for_each(|entries| give.send(entries))
                    });
                    take
                });
                let entries = hands.iter().cycle().take(parts).filter_map(|hand| hand.recv().ok()).flatten();
                Tree::from_sorted(count, entries)
            })
        };
        self.count_distinct();
    }

    /// Takes back a slot that was kept and must not be ranked.
    pub(crate) fn forget(&mut self, slot: u32) {
        *self.members.get_mut(slot) = K::Member::NONE;
        self.kept -= 1;
    }

    fn count_distinct(&mut self) {
        if self.distinct.is_some() {
            let mut keys: Vec<K> = self.tree.walk(0, u64::MAX).map(|(key, _)| key.timeless()).collect();
            keys.dedup();
            self.distinct = Some(Tree::from_sorted(keys.len(), keys.into_iter().map(|key| (key, 0))));
        }
    }

    /// The same board with keys of another width; `None` if they cannot hold it. O(n).
    pub(crate) fn convert<L: Key>(&self) -> Option<Core<L>> {
        let mut other = Core::<L>::new(self.distinct.is_some(), self.members.len());
        for (slot, member) in (0..).zip(self.members.iter()).filter(|(_, member)| member.flags().is_present())
        {
            let (key, version) = (member.key(), member.version());
            other.keep(slot, &key.columns(self.origin), key.at(), version, member.flags())?;
        }
        let entries = self.tree.walk(0, u64::MAX);
        let key_of = |(_, slot): (K, u32)| other.member(slot).map(|member| (member.key(), slot));
        other.tree = Tree::from_sorted(entries.len(), entries.filter_map(key_of));
        other.count_distinct();
        Some(other)
    }
}
