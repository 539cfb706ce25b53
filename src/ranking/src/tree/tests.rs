use super::*;
use crate::{
    block::least,
    ids::DenseIds,
    key::{Narrow, Wide},
};
use proptest::{collection::vec, prelude::*};

/// Asserts the invariants below a node; returns its first entry's slot and its number of entries.
fn check_node<K: Key>(tree: &Tree<K>, node: u32, level: u32) -> (Option<u32>, u64) {
    let size = tree.size(node, level);
    assert!(size <= Tree::<K>::cap(level));
    assert!(node == tree.root || size >= Tree::<K>::least(level), "{size} items on level {level}");
    if level == 0 {
        return (tree.leaves.get(node).slots[..size].first().copied(), size as u64);
    }
    assert!(size >= 2, "a root with one child");
    let inner = tree.inners.get(node);
    let mut total = 0;
    for at in 0..size {
        let (first, count) = check_node(tree, inner.kid(at), level - 1);
        assert_eq!(Some(inner.slots[at]), first);
        total += count;
        assert_eq!(u64::from(inner.ends[at]), total);
    }
    (Some(inner.slots[0]), total)
}

fn probe<K>(key: K, slot: u32) -> Probe<'static, K, DenseIds> {
    Probe { key, id: slot, ids: &DenseIds }
}

fn check<K: Key>(tree: &Tree<K>, mut want: Vec<(K, u32)>) {
    want.sort();
    assert_eq!(check_node(tree, tree.root, tree.height).1, want.len() as u64);
    assert!(tree.walk(0, u64::MAX).eq(want.iter().copied()) && tree.len() == want.len() as u64);
    for (position, (key, slot)) in (0u64..).zip(&want).step_by(7) {
        assert_eq!(tree.position(&probe(*key, *slot), false), position);
        assert_eq!(tree.position(&probe(*key, *slot), true), position + 1);
        assert_eq!(tree.walk(position, 1).next().map(|found| found.1), Some(*slot));
        let count = |better: &dyn Fn(K) -> bool| want.iter().filter(|other| better(other.0)).count() as u64;
        let (equal, less) = (|other: K| other.same_columns(*key), |other: K| other < *key);
        let better = count(&|other| less(other) && !equal(other));
        assert_eq!(tree.better::<false>(*key), better);
        assert_eq!(tree.better::<true>(*key), better + count(&equal));
        let mut many = [7; 2];
        tree.better_many(&[*key, *key], &mut many);
        assert_eq!(many, [better; 2]);
    }
}

/// Toggles one entry after another in and out of the tree, growing in the first half and shrinking in the second.
fn toggle<K: Key>(picks: &[u32], scores: &[i64], built: usize, every: usize) {
    let key = |slot: u32| K::nearest(0, &[scores[slot as usize], 0, 0, 0, 0], i64::from(slot % 2));
    let slots = scores.len() as u32;
    let mut keys: Vec<(K, u32)> = (0..slots.min(built as u32)).map(|slot| (key(slot), slot)).collect();
    keys.sort();
    let mut tree = Tree::from_sorted(keys.len(), keys.iter().copied());
    check(&tree, keys);
    let mut inside: Vec<bool> = (0..scores.len()).map(|n| n < built).collect();
    for (round, &pick) in picks.iter().enumerate() {
        let (slot, grow) = (pick % slots, round < picks.len() / 2);
        let is_in = &mut inside[slot as usize];
        // One in eight goes against the tide.
        let put = grow != pick.is_multiple_of(8);
        if put && !*is_in {
            tree.insert(slot, &probe(key(slot), slot));
        } else if !put && *is_in {
            tree.remove(&probe(key(slot), slot));
        }
        *is_in = put;
        if round % every == 0 || round + 1 == picks.len() {
            let now = (0u32..).zip(&inside).filter(|(_, is_in)| **is_in);
            check(&tree, now.map(|(slot, _)| (key(slot), slot)).collect());
        }
    }
    for slot in (0u32..).zip(&inside).filter(|(_, is_in)| **is_in).map(|(slot, _)| slot) {
        tree.remove(&probe(key(slot), slot));
    }
    check(&tree, Vec::new());
    assert_eq!(tree.height, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nodes_stay_filled_and_counted(
        picks in vec(any::<u32>(), 1..3_000),
        scores in prop_oneof![vec(0..4i64, 1..700), vec(any::<i64>(), 1..700)],
        built in 0..700usize,
    ) {
        toggle::<Narrow>(&picks, &scores, built, 101);
        toggle::<Wide<3>>(&picks, &scores, built, 101);
    }
}

proptest! {
    #[test]
    fn every_single_change_keeps_the_invariants(
        picks in vec(any::<u32>(), 1..250), scores in vec(-2..3i64, 1..70), built in 0..70usize,
    ) {
        toggle::<Narrow>(&picks, &scores, built, 1);
    }
}

#[test]
fn a_bulk_build_fills_every_node() {
    for n in 0..600 {
        toggle::<Wide<1>>(&[n], &vec![i64::from(n); n as usize + 1], n as usize, 1);
    }
}

/// Whatever the size of a node, what balancing makes of it is neither full nor thin.
#[test]
fn thresholds_leave_room_on_both_sides() {
    use crate::block::{filled, roomy};
    for cap in 4..=512 {
        assert!(cap / 2 >= least(cap) && least(cap) >= 2, "a split makes no thin node: {cap}");
        assert!((cap + roomy(cap)).div_ceil(2) < cap, "sharing makes room: {cap}");
        assert!((filled(cap) + 1).div_ceil(2) > least(cap), "sharing fills up: {cap}");
        assert!(filled(cap) / 2 >= least(cap), "building makes no thin node: {cap}");
        assert!(filled(cap).div_ceil(2) >= least(cap), "the giver stays filled: {cap}");
        assert!(filled(cap) > least(cap), "a merged node is not thin: {cap}");
    }
}

/// A narrow leaf is what the layout was chosen for: fourteen lines, and no line more for the entries.
#[test]
fn the_leaf_as_shipped_fills_fourteen_lines() {
    const SHIPPED: usize = 63;
    assert_eq!((8 + SHIPPED * 14usize).next_multiple_of(64), 14 * 64);
    assert_eq!(size_of::<<Narrow as Key>::Block<SHIPPED>>() + size_of::<[u32; SHIPPED]>(), SHIPPED * 14 + 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// By small steps and by long ones, within a leaf, to the next one and across the tree, and to both its ends.
    #[test]
    fn entries_move_as_if_taken_out_and_put_in(
        players in 1..300u32,
        moves in vec((any::<u32>(), prop_oneof![-3..4i32, -9_999..10_000i32]), 1..600),
    ) {
        let key = |score: i32| Narrow { score, at: 0 };
        let mut scores: Vec<i32> = (0..players as i32).map(|score| score / 2).collect();
        let mut tree = Tree::from_sorted(scores.len(), (0..players).map(|n| (key(n as i32 / 2), n)));
        for (slot, by) in moves {
            let slot = slot % players;
            let score = &mut scores[slot as usize];
            let to = *score + if by == 0 { 1 } else { by };
            tree.shift(slot, &probe(key(*score), slot), &probe(key(to), slot));
            *score = to;
            check_node(&tree, tree.root, tree.height);
        }
        check(&tree, scores.iter().zip(0..).map(|(score, slot)| (key(*score), slot)).collect());
    }
}
