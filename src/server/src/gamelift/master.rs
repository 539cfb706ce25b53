//! The master key: what the secrets of access keys are sealed under.
use crate::who::{key_file::KeyFile, seal};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gsm_core::{IdSource, KeyId};
use gsm_engine::Fingerprint;
use parking_lot::RwLock;
use std::sync::Arc;

/// A new access key and its secret.
pub(crate) struct Drawn {
    pub(crate) id: KeyId,
    pub(crate) secret: String,
}

/// The master keys of a server, which may be exchanged while it runs.
pub(crate) struct MasterKeys(RwLock<Arc<Masters>>);

impl MasterKeys {
    pub(crate) fn new(file: &KeyFile) -> Self {
        Self(RwLock::new(Arc::new(Masters::of(file))))
    }

    pub(crate) fn replace(&self, file: &KeyFile) {
        *self.0.write() = Arc::new(Masters::of(file));
    }

    /// As they are now.
    pub(crate) fn now(&self) -> Arc<Masters> {
        self.0.read().clone()
    }
}

/// The key under which secrets are sealed, and those before it.
pub(crate) struct Masters {
    pub(crate) newest: MasterKey,
    pub(crate) older: Vec<MasterKey>,
    sealings: Vec<[u8; 32]>,
}

impl Masters {
    fn of(file: &KeyFile) -> Self {
        let (newest, older) = file.keys();
        let (newest, older) = (MasterKey::new(newest), older.map(MasterKey::new).collect::<Vec<_>>());
        let sealings = std::iter::once(&newest).chain(&older).map(|key| key.sealing).collect();
        Self { newest, older, sealings }
    }

    /// What was sealed; `None` if it was under a key that is not among these, for another id, or changed.
    pub(crate) fn open(&self, id: KeyId, sealed: &[u8]) -> Option<String> {
        String::from_utf8(seal::open_by(&self.sealings, id, sealed)?).ok()
    }

    /// What an older key sealed, sealed by the newest.
    pub(crate) fn anew(&self, id: KeyId, sealed: &[u8]) -> Option<Vec<u8>> {
        seal::anew(&self.sealings, id, sealed)
    }

    /// What tokens of pages are signed with: the newest, which signs, first.
    pub(super) fn pagings(&self) -> impl Iterator<Item = &[u8; 32]> {
        std::iter::once(&self.newest).chain(&self.older).map(|key| &key.paging)
    }
}

/// 256 bits, kept in a file that only the server reads.
pub(crate) struct MasterKey {
    sealing: [u8; 32],
    issuing: [u8; 32],
    pub(super) paging: [u8; 32],
}

impl MasterKey {
    fn new(bits: &[u8; 32]) -> Self {
        Self {
            sealing: blake3::derive_key("gsm aws secrets 1", bits),
            issuing: blake3::derive_key("gsm aws key issue 1", bits),
            paging: blake3::derive_key("gsm aws page tokens 1", bits),
        }
    }

    /// An access key with a secret of 256 bits; under an idempotency key both follow from it, so that a repeat shows
    /// the same ones.
    pub(crate) fn draw(&self, once: Option<Fingerprint>, ids: &dyn IdSource) -> Drawn {
        let mut bits = [0u8; 48];
        match once {
            Some(once) => {
                blake3::Hasher::new_keyed(&self.issuing).update(&once.scope).finalize_xof().fill(&mut bits);
            }
            None => bits.chunks_mut(16).for_each(|part| part.copy_from_slice(&ids.next_u128().to_be_bytes())),
        }
        let (id, secret) = bits.split_at(16);
        let id = KeyId::from_u128(id.iter().fold(0, |n, b| n << 8 | u128::from(*b)));
        Drawn { id, secret: URL_SAFE_NO_PAD.encode(secret) }
    }

    /// The secret of a key, to be stored.
    pub(crate) fn seal(&self, id: KeyId, secret: &str) -> Option<Vec<u8>> {
        seal::seal(&self.sealing, id, secret.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mode;
    use gsm_adapters::SystemIds;

    #[test]
    fn a_secret_opens_under_its_own_key_and_id_alone() {
        let dir = tempfile::tempdir().unwrap();
        let made = |name: &str| {
            Masters::of(&KeyFile::load(&dir.path().join(name), Mode::Serve, &SystemIds).unwrap())
        };
        let (key, other) = (made("a"), made("b"));
        let (id, sealed) = (KeyId::from_u128(7), key.newest.seal(KeyId::from_u128(7), "secret").unwrap());
        assert_eq!(key.open(id, &sealed).as_deref(), Some("secret"));
        assert_ne!(key.newest.seal(id, "secret").unwrap(), sealed, "each time under a new nonce");
        assert_eq!(other.open(id, &sealed), None);
        assert_eq!(key.open(KeyId::from_u128(8), &sealed), None);
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(id, &bad), None);
        }
        assert_eq!(key.open(id, &[]), None);
    }

    #[test]
    fn a_repeated_call_draws_the_same_key() {
        let key = MasterKey::new(&[1; 32]);
        let call = |n| Some(Fingerprint { scope: [n; 32], body: [0; 32] });
        let (one, again) = (key.draw(call(1), &SystemIds), key.draw(call(1), &SystemIds));
        assert_eq!((one.id, &one.secret), (again.id, &again.secret));
        assert_ne!(key.draw(call(2), &SystemIds).secret, one.secret);
        assert_ne!(key.draw(None, &SystemIds).secret, key.draw(None, &SystemIds).secret);
        assert_eq!(one.secret.len(), 43);
    }
}
