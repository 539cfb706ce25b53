//! Roots and proofs against `ct-merkle`, and against the definition.
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use gsm_audit::{
    Hash, Rows, Tile, TileNodes, consistency, inclusion, leaf_hash, node_hash, proves_consistency,
    proves_inclusion, root_of, sha256,
};
use proptest::prelude::*;
use sha2::Sha256;
use std::collections::BTreeMap;

/// RFC 6962, section 2.1, word for word.
fn slow_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(b""),
        [one] => *one,
        many => {
            let k = (many.len() as u64).next_power_of_two() as usize / 2;
            node_hash(&slow_root(&many[..k]), &slow_root(&many[k..]))
        }
    }
}

struct Tree {
    leaves: Vec<Hash>,
    rows: Rows,
    tiles: BTreeMap<Tile, Vec<Hash>>,
}

fn tree(size: u64) -> Tree {
    let (mut rows, mut tiles, mut leaves) = (Rows::default(), BTreeMap::new(), Vec::new());
    for n in 0..size {
        leaves.push(leaf_hash(&n.to_le_bytes()));
        rows.push(leaves[n as usize], &mut |tile, row| {
            tiles.insert(tile, row.to_vec());
        });
    }
    tiles.extend(rows.partial().map(|(tile, row)| (tile, row.to_vec())));
    Tree { leaves, rows, tiles }
}

impl Tree {
    fn nodes(&self) -> TileNodes<impl FnMut(Tile) -> Result<Vec<Hash>, String>> {
        TileNodes::new(self.rows.size(), |tile| self.tiles.get(&tile).cloned().ok_or(format!("no {tile:?}")))
    }
}

#[test]
fn every_proof_of_a_small_tree_holds_and_is_that_of_the_other_implementation() {
    for size in 0..70 {
        let tree = tree(size);
        assert_eq!(tree.rows.root(), slow_root(&tree.leaves));
        assert_eq!(root_of(&tree.leaves), slow_root(&tree.leaves));
        let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        (0..size).for_each(|n| other.push(n.to_le_bytes().to_vec()));
        assert_eq!(tree.rows.root()[..], other.root().as_bytes()[..]);
        for index in 0..size {
            let proof = inclusion(&mut tree.nodes(), index, size).unwrap();
            assert_eq!(proof.concat(), other.prove_inclusion(index as usize).as_bytes());
            check_inclusion(&tree, index, &proof);
            let old = index + 1;
            let proof = consistency(&mut tree.nodes(), old, size).unwrap();
            if old < size {
                let theirs = other.prove_consistency((size - old) as usize);
                assert_eq!(proof.concat(), theirs.as_bytes(), "{old} of {size}");
            }
            check_consistency(&tree, old, &proof);
        }
    }
}

fn check_inclusion(tree: &Tree, index: u64, proof: &[Hash]) {
    let (size, root, leaf) = (tree.rows.size(), tree.rows.root(), tree.leaves[index as usize]);
    assert!(proves_inclusion(&leaf, index, size, proof, &root));
    assert!(!proves_inclusion(&leaf, index, size, proof, &[0; 32]));
    assert!(!proves_inclusion(&[0; 32], index, size, proof, &root));
    assert!(!proves_inclusion(&leaf, size, size, proof, &root));
    let longer: Vec<Hash> = proof.iter().copied().chain([[0; 32]]).collect();
    assert!(!proves_inclusion(&leaf, index, size, &longer, &root));
    if let [_, rest @ ..] = proof {
        assert!(!proves_inclusion(&leaf, index, size, rest, &root));
    }
}

fn check_consistency(tree: &Tree, old: u64, proof: &[Hash]) {
    let (size, root) = (tree.rows.size(), tree.rows.root());
    let before = root_of(&tree.leaves[..old as usize]);
    assert!(proves_consistency(old, size, proof, &before, &root));
    assert!(!proves_consistency(old, size, proof, &[0; 32], &root));
    assert!(!proves_consistency(old, size, proof, &before, &[0; 32]));
    let longer: Vec<Hash> = proof.iter().copied().chain([[0; 32]]).collect();
    assert!(!proves_consistency(old, size, &longer, &before, &root));
    assert!(!proves_consistency(size + 1, size, proof, &before, &root));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn proofs_of_a_large_tree_hold(size in 1u64..140_000, at in any::<[u64; 4]>()) {
        let tree = tree(size);
        prop_assert_eq!(tree.rows.root(), root_of(&tree.leaves));
        for at in at {
            let index = at % size;
            check_inclusion(&tree, index, &inclusion(&mut tree.nodes(), index, size).unwrap());
            check_consistency(&tree, index + 1, &consistency(&mut tree.nodes(), index + 1, size).unwrap());
        }
    }
}
