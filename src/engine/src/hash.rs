//! Names and ids that follow from what they are of: the first bits of a hash that each purpose has for itself. They are
//! stored, so none may ever come out otherwise.

fn hashed<const N: usize>(purpose: &str, parts: &[&[u8]]) -> [u8; N] {
    let mut hasher = blake3::Hasher::new_derive_key(purpose);
    for part in parts {
        hasher.update(part);
    }
    let mut bits = [0; N];
    hasher.finalize_xof().fill(&mut bits);
    bits
}

/// A name of 64 bits. Only the last of the parts may vary in length: they are hashed as one.
pub(crate) fn name64(purpose: &str, parts: &[&[u8]]) -> u64 {
    u64::from_be_bytes(hashed(purpose, parts))
}

/// An id of 128 bits, as [`name64`].
pub(crate) fn id128(purpose: &str, parts: &[&[u8]]) -> u128 {
    u128::from_be_bytes(hashed(purpose, parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_under_these_is_found_again() {
        assert_eq!(name64("gsm rating system 1", &[b"{}"]), 0x9801_6090_85e1_25ed);
        assert_eq!(name64("gsm board settings 1", &[&7u64.to_be_bytes(), b"{}"]), 0xe8e8_c7d7_5c9a_2087);
        let ticket = id128("gsm own ticket id 1", &[&7u128.to_be_bytes(), b"mine"]);
        assert_eq!(ticket, 0x3e69_917c_7977_43d7_4b34_5eab_dfe3_9803);
    }
}
