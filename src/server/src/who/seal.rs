//! Secrets as they are stored: sealed with AES-256-GCM under a key of the server, and bound to the id of their row, so that a
//! secret in another row is none. What is stored is nonce, text and tag.
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use gsm_core::KeyId;

/// Seals a secret. `None` where the cipher fails, which it does not.
pub(crate) fn seal(key: &[u8; 32], id: KeyId, secret: &[u8]) -> Option<Vec<u8>> {
    let mut text = secret.to_vec();
    let nonce = cipher(key)?.seal_in_place_append_tag(bound_to(id), &mut text).ok()?;
    Some([&nonce.as_ref()[..], &text].concat())
}

/// What was sealed; `None` if it was under another key, for another id, or changed.
pub(crate) fn open(key: &[u8; 32], id: KeyId, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut text = text.to_vec();
    let secret = cipher(key)?.open_in_place(nonce, bound_to(id), &mut text).ok()?;
    Some(secret.to_vec())
}

/// The same, by whichever of these keys it was sealed under.
pub(crate) fn open_by(keys: &[[u8; 32]], id: KeyId, sealed: &[u8]) -> Option<Vec<u8>> {
    keys.iter().find_map(|key| open(key, id, sealed))
}

/// What was sealed under another of these keys than the first, sealed under the first; else `None`.
pub(crate) fn anew(keys: &[[u8; 32]], id: KeyId, sealed: &[u8]) -> Option<Vec<u8>> {
    let (newest, older) = keys.split_first()?;
    match open(newest, id, sealed) {
        Some(_) => None,
        None => seal(newest, id, &open_by(older, id, sealed)?),
    }
}

fn cipher(key: &[u8; 32]) -> Option<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, key).ok()
}

fn bound_to(id: KeyId) -> Aad<[u8; 16]> {
    Aad::from(id.as_u128().to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_key_sealed_is_sealed_anew() {
        let (keys, id) = ([[3; 32], [2; 32], [1; 32]], KeyId::from_u128(7));
        let old = seal(&keys[2], id, b"secret").unwrap();
        assert_eq!(open_by(&keys, id, &old).as_deref(), Some(&b"secret"[..]));
        let new = anew(&keys, id, &old).unwrap();
        assert_eq!(open(&keys[0], id, &new).as_deref(), Some(&b"secret"[..]));
        assert_eq!(anew(&keys, id, &new), None, "it is");
        assert_eq!(anew(&keys[..2], id, &old), None, "nobody can");
        assert_eq!(anew(&[], id, &old), None);
    }

    #[test]
    fn what_was_sealed_by_earlier_versions_opens() {
        // AES-256-GCM by another implementation: key 07.., nonce 01.., the id 7 as the data that is bound.
        let sealed = "0101010101010101010101010584eac5f5cb9cd2074b09059b38e057a22a94ddeefc";
        let sealed: Vec<u8> = (0..sealed.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&sealed[at..at + 2], 16).unwrap())
            .collect();
        let id = KeyId::from_u128(7);
        assert_eq!(open(&[7; 32], id, &sealed).as_deref(), Some(&b"secret"[..]));
        assert_eq!(open(&[7; 32], KeyId::from_u128(8), &sealed), None);
        assert_eq!(open(&[8; 32], id, &sealed), None);
        assert_eq!(
            open(&[7; 32], id, &seal(&[7; 32], id, b"secret").unwrap()).as_deref(),
            Some(&b"secret"[..])
        );
    }
}
