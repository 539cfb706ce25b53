//! Encoded keys as memory keeps them: millions, compared again and again.
use std::{borrow::Borrow, cmp::Ordering, fmt};

/// Bytes of a key that is kept in place: a player on a board whose name has 20 characters.
const SHORT_MAX: usize = 46;

/// An encoded key, ordered by its bytes. Nearly all are short and lie in the map itself, so that a search follows no
/// pointer to compare them.
#[derive(Clone)]
pub(super) enum RowKey {
    Short { len: u8, bytes: [u8; SHORT_MAX] },
    Long(Box<[u8]>),
}

impl RowKey {
    pub(super) fn new(key: &[u8]) -> Self {
        let mut bytes = [0; SHORT_MAX];
        match (bytes.get_mut(..key.len()), u8::try_from(key.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(key);
                Self::Short { len, bytes }
            }
            _ => Self::Long(key.into()),
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or(bytes),
            Self::Long(key) => key,
        }
    }
}

/// Of one order with what it borrows as.
impl Borrow<[u8]> for RowKey {
    fn borrow(&self) -> &[u8] {
        self.as_slice()
    }
}

impl PartialEq for RowKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for RowKey {}

impl PartialOrd for RowKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RowKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_of_any_length_are_as_their_bytes(
            one in prop::collection::vec(0_u8..3, 0..60),
            more in prop::collection::vec(0_u8..3, 0..60),
            cut in any::<prop::sample::Index>(),
        ) {
            let other: Vec<u8> = one[..cut.index(one.len() + 1)].iter().chain(&more).copied().collect();
            let keys = [RowKey::new(&one), RowKey::new(&other)];
            prop_assert_eq!(keys[0].as_slice(), one.as_slice());
            prop_assert_eq!(keys[0].cmp(&keys[1]), one.cmp(&other));
            prop_assert_eq!(keys[0] == keys[1], one == other);
        }
    }
}
