use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Whom a limit counts: an address ([`address_key`]) or a principal's 128 bits.
///
/// Bytes and not a `u128`, whose alignment would cost every key of a limiter 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; 16]);

impl Key {
    /// From the bits of an id.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits.to_be_bytes())
    }

    /// From bytes of any length: pieces that differ, or are cut otherwise, give other keys.
    #[must_use]
    pub fn of_bytes(pieces: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for piece in pieces {
            hasher.update(&(piece.len() as u64).to_be_bytes());
            hasher.update(piece);
        }
        let mut bits = [0; 16];
        hasher.finalize_xof().fill(&mut bits);
        Self(bits)
    }

    /// Which of `shards` limiters counts this key, in `0..shards` (0 for no shards). The same `seed` always gives the
    /// same answer; without it nobody can choose keys of one shard.
    #[must_use]
    pub fn shard(self, shards: usize, seed: u64) -> usize {
        // Another hash than the limiter's own, which would else have only every n-th of its buckets to fill.
        let hash = seeded_hash(!seed, &self);
        let scaled = (u128::from(hash) * shards as u128) >> 64;
        usize::try_from(scaled).unwrap_or(0)
    }
}

/// The key of an address: one IPv4 address (also when written as IPv4-mapped IPv6), or one IPv6 /64, which is the
/// least that a provider hands out. The two never meet.
#[must_use]
pub fn address_key(address: IpAddr) -> Key {
    match address.to_canonical() {
        IpAddr::V4(v4) => Key(Ipv4Addr::to_ipv6_mapped(&v4).octets()),
        IpAddr::V6(v6) => Key::from_u128(Ipv6Addr::to_bits(v6) & !u128::from(u64::MAX)),
    }
}

/// SipHash behind a secret prefix: clients choose the keys (an IPv6 /32 holds 2^32 of ours) and must not choose
/// collisions.
pub(crate) fn seeded_hash<K: Hash>(seed: u64, key: &K) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(seed);
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &str, b: &str, same: bool) {
        let [a, b] = [a, b].map(|text| address_key(text.parse().unwrap()));
        assert_eq!(a == b, same, "{a:?} {b:?}");
    }

    #[test]
    fn an_ipv4_address_is_its_own_key() {
        check("192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("192.0.2.1", "::ffff:192.0.2.1", true);
    }

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_key() {
        check("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true);
        check("2001:db8:1:2::1", "2001:db8:1:3::1", false);
        check("::1", "0.0.0.0", false);
        check("::1", "0.0.0.1", false);
    }

    #[test]
    fn shards_share_the_keys_evenly() {
        let mut counts = [0_u32; 16];
        for i in 0..16_000 {
            counts[Key::from_u128(i).shard(16, 7)] += 1;
        }
        assert!(counts.iter().all(|n| (850..1_150).contains(n)), "{counts:?}");
        assert_eq!(Key::from_u128(1).shard(0, 7), 0);
    }

    #[test]
    fn another_seed_shards_otherwise() {
        let keys = (0..64).map(Key::from_u128);
        assert!(keys.into_iter().any(|key| key.shard(16, 1) != key.shard(16, 2)));
    }
}
