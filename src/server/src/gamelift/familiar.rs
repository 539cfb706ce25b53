//! Access keys that have signed well from an address. They go on there whatever else comes from it: others behind the same
//! address, who try keys or ask too much, do not stop them.
use gsm_core::KeyId;
use gsm_security::{Key, address_key};
use parking_lot::Mutex;
use std::{collections::HashSet, hash::Hash, net::IpAddr};

/// Pairs that are remembered, and addresses; when there are more, all begin anew.
const REMEMBERED_MAX: usize = 10_000;

#[derive(Default)]
pub(super) struct Familiar {
    keys: Mutex<HashSet<(Key, KeyId)>>,
    /// Addresses that have asked too much as nobody.
    suspects: Mutex<HashSet<Key>>,
}

fn add<T: Hash + Eq>(known: &Mutex<HashSet<T>>, one: T) {
    let mut known = known.lock();
    if known.len() >= REMEMBERED_MAX && !known.contains(&one) {
        known.clear();
    }
    known.insert(one);
}

impl Familiar {
    /// A key has signed well from here.
    pub(super) fn remember(&self, address: IpAddr, key: KeyId) {
        add(&self.keys, (address_key(address), key));
    }

    /// An address has asked too much as nobody.
    pub(super) fn suspect(&self, address: IpAddr) {
        add(&self.suspects, address_key(address));
    }

    pub(super) fn is_suspect(&self, address: IpAddr) -> bool {
        self.suspects.lock().contains(&address_key(address))
    }

    pub(super) fn has(&self, address: IpAddr, key: KeyId) -> bool {
        self.keys.lock().contains(&(address_key(address), key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_familiar_where_it_was_and_no_more_are_remembered_than_may_be() {
        let familiar = Familiar::default();
        let at = |n: u32| IpAddr::from(n.to_be_bytes());
        let key = KeyId::from_u128(1);
        familiar.remember(at(1), key);
        assert!(familiar.has(at(1), key));
        assert!(!familiar.has(at(2), key) && !familiar.has(at(1), KeyId::from_u128(2)));
        (2..=REMEMBERED_MAX as u32).for_each(|n| familiar.remember(at(n), key));
        familiar.remember(at(1), key);
        assert!(familiar.has(at(1), key) && familiar.has(at(2), key), "there is room for all of them");
        familiar.remember(at(0), key);
        assert!(familiar.has(at(0), key) && !familiar.has(at(1), key));
        assert_eq!(familiar.keys.lock().len(), 1);
    }
}
