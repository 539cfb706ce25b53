use super::*;
use crate::{block::least, roster::Member};
use gsm_core::{PlayerId, Timestamp};
use proptest::{collection::vec, prelude::*};

/// Asserts the invariants below a node; returns its first key's slot and its number of keys.
fn check_node(tree: &Tree, node: u32, level: u32) -> (Option<u32>, u64) {
    let size = tree.size(node, level);
    assert!(size <= Tree::cap(level));
    assert!(node == tree.root || size >= Tree::least(level), "{size} items on level {level}");
    if level == 0 {
        return (tree.leaves.get(node).keys.as_slice().first().map(|key| key.slot), size as u64);
    }
    assert!(size >= 2, "a root with one child");
    let inner = tree.inners.get(node);
    let mut total = 0;
    for at in 0..size {
        let (first, count) = check_node(tree, inner.kids.get(at), level - 1);
        assert_eq!(Some(inner.firsts.get(at).slot), first);
        assert_eq!(u64::from(inner.counts.get(at)), count);
        total += count;
    }
    (Some(inner.firsts.get(0).slot), total)
}

fn check(tree: &Tree, roster: &Roster, mut want: Vec<Key>) {
    want.sort_by(|a, b| Probe::new(*b, roster).order(*a));
    assert_eq!(check_node(tree, tree.root, tree.height).1, want.len() as u64);
    let slots = |keys: &mut dyn Iterator<Item = Key>| keys.map(|key| key.slot).collect::<Vec<_>>();
    let forth = slots(&mut want.iter().copied());
    assert_eq!(slots(&mut tree.keys(0, u64::MAX)), forth);
    let mut back = slots(&mut tree.keys(0, u64::MAX).rev());
    back.reverse();
    assert_eq!(back, forth);
    for (position, key) in (0u64..).zip(&want).step_by(7) {
        assert_eq!(tree.position(*key, roster), position);
        assert_eq!(tree.keys(position, 1).next().map(|found| found.slot), Some(key.slot));
        assert_eq!(
            tree.better(key.score),
            want.iter().filter(|other| other.score > { key.score }).count() as u64
        );
    }
}

/// Toggles one player after another in and out of the tree, growing in the first half and shrinking in the second.
fn toggle(picks: &[u32], scores: &[i64], built: usize, every: usize) {
    let mut roster = Roster::with_capacity(0);
    for (n, &score) in (0u64..).zip(scores) {
        // Ids that do not follow the slots, so that ties are told apart by the id.
        let player = PlayerId::from_u128(u128::from(n * 7919 % 10_007));
        roster.insert(Member { player, score, at: Timestamp::from_millis((n % 2) as i64), version: 0 });
    }
    let mut keys: Vec<Key> = (0..built.min(scores.len()) as u32).map(|slot| roster.key(slot)).collect();
    keys.sort_by(|a, b| Probe::new(*b, &roster).order(*a));
    let mut tree = Tree::from_sorted(&keys);
    check(&tree, &roster, keys.clone());
    let mut inside: Vec<bool> = (0..scores.len()).map(|n| n < built).collect();
    for (round, &pick) in picks.iter().enumerate() {
        let (slot, grow) = (pick % scores.len() as u32, round < picks.len() / 2);
        let is_in = &mut inside[slot as usize];
        // One in eight goes against the tide.
        let put = grow != (pick % 8 == 0);
        if put && !*is_in {
            tree.insert(roster.key(slot), &roster);
        } else if !put && *is_in {
            tree.remove(roster.key(slot), &roster);
        }
        *is_in = put;
        if round % every == 0 || round + 1 == picks.len() {
            let now = (0u32..).zip(&inside).filter(|(_, is_in)| **is_in);
            check(&tree, &roster, now.map(|(slot, _)| roster.key(slot)).collect());
        }
    }
    for slot in (0u32..).zip(&inside).filter(|(_, is_in)| **is_in).map(|(slot, _)| slot) {
        tree.remove(roster.key(slot), &roster);
    }
    check(&tree, &roster, Vec::new());
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
        toggle(&picks, &scores, built, 101);
    }
}

proptest! {
    #[test]
    fn every_single_change_keeps_the_invariants(
        picks in vec(any::<u32>(), 1..250), scores in vec(-2..3i64, 1..70), built in 0..70usize,
    ) {
        toggle(&picks, &scores, built, 1);
    }
}

#[test]
fn a_bulk_build_fills_every_node() {
    for n in 0..600 {
        toggle(&[n], &vec![i64::from(n); n as usize + 1], n as usize, 1);
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
