//! Hashes of RFC 6962, section 2.1: leaves and nodes begin with bytes of their own, so that none passes for the other.
use aws_lc_rs::digest;

/// SHA-256.
pub type Hash = [u8; 32];

/// SHA-256 of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hash {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// The hash of a record.
#[must_use]
pub fn leaf_hash(record: &[u8]) -> Hash {
    let mut bytes = Vec::with_capacity(1 + record.len());
    bytes.push(0);
    bytes.extend_from_slice(record);
    sha256(&bytes)
}

/// The hash over two subtrees.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    let (_, both) = bytes.split_at_mut(1);
    let (l, r) = both.split_at_mut(32);
    l.copy_from_slice(left);
    r.copy_from_slice(right);
    sha256(&bytes)
}

/// The root over hashes of leaves, or of subtrees of one size of which the last may be smaller.
///
/// Pairing level by level and carrying an odd last one up gives the tree of the RFC, which splits at powers of two.
#[must_use]
pub fn root_of(hashes: &[Hash]) -> Hash {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        let pairs = row.chunks(2).map(|pair| match pair {
            [left, right] => node_hash(left, right),
            [last] => *last,
            _ => [0; 32],
        });
        row = pairs.collect();
    }
    // The tree of nothing.
    row.first().copied().unwrap_or_else(|| sha256(b""))
}
