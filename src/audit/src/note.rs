//! Signed notes (C2SP `signed-note`): some lines of text, and who signed them with Ed25519.
use crate::hash::sha256;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{fmt, str::FromStr};

/// Ed25519 among the signature types.
const ED25519_TYPE: u8 = 1;
/// Signatures that a note may have.
const SIGNATURES_MAX: usize = 64;
/// Bytes of a note.
const NOTE_BYTES_MAX: usize = 65_536;
const DASH: &str = "\u{2014} ";
const SECRET: &str = "PRIVATE+KEY+";

/// Why a note or a key is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a key in text form.
    #[error("not a key of the form `name+id+base64`")]
    Key,
    /// A key whose id is not its own.
    #[error("the id of the key `{0}` does not belong to it")]
    KeyId(String),
    /// Not a note.
    #[error("not a signed note: {0}")]
    Shape(&'static str),
    /// None of the signatures is by a trusted key.
    #[error("not signed by a trusted key, but by {0}")]
    Untrusted(String),
    /// A signature under a trusted key's name does not fit the text.
    #[error("the signature of `{0}` does not fit the text")]
    Signature(String),
    /// A trusted key signed it, and another is named.
    #[error("`{0}` is named as who signed it, and did not")]
    Misnamed(String),
}

/// A key that signatures are checked with; its text is `name+id+base64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

fn id_of(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let mut bytes = name.as_bytes().to_vec();
    bytes.extend_from_slice(&[b'\n', ED25519_TYPE]);
    bytes.extend_from_slice(public);
    let [a, b, c, d, ..] = sha256(&bytes);
    [a, b, c, d]
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

/// Whether it may name a key: C2SP forbids spaces and plus signs.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+' || c.is_control())
}

/// `name+id+base64` of a type byte and 32 more.
fn parts(text: &str) -> Result<(&str, &str, [u8; 32]), NoteError> {
    let mut parts = text.trim().splitn(3, '+');
    let (Some(name), Some(id), Some(data)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoteError::Key);
    };
    let bytes = STANDARD.decode(data).map_err(|_| NoteError::Key)?;
    match bytes.split_first() {
        Some((&ED25519_TYPE, rest)) if is_name(name) => {
            Ok((name, id, rest.try_into().map_err(|_| NoteError::Key)?))
        }
        _ => Err(NoteError::Key),
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, id, public) = parts(text)?;
        let key = Self { name: name.to_owned(), id: id_of(name, &public), public };
        if hex(key.id) == id { Ok(key) } else { Err(NoteError::KeyId(name.to_owned())) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<u8> = [ED25519_TYPE].into_iter().chain(self.public).collect();
        write!(f, "{}+{}+{}", self.name, hex(self.id), STANDARD.encode(bytes))
    }
}

impl VerifierKey {
    /// The name it signs under, which is the origin of the log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A key that signs; its text is `PRIVATE+KEY+name+id+base64`.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: [u8; 32],
    verifier: VerifierKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}+{})", self.verifier.name, hex(self.verifier.id))
    }
}

impl SigningKey {
    /// The key of a secret seed.
    pub fn of(name: &str, seed: [u8; 32]) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Key);
        }
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| NoteError::Key)?;
        let public: [u8; 32] = pair.public_key().as_ref().try_into().map_err(|_| NoteError::Key)?;
        let verifier = VerifierKey { name: name.to_owned(), id: id_of(name, &public), public };
        Ok(Self { pair, seed, verifier })
    }

    /// Its text form: a secret.
    #[must_use]
    pub fn secret(&self) -> String {
        let bytes: Vec<u8> = [ED25519_TYPE].into_iter().chain(self.seed).collect();
        format!("{SECRET}{}+{}+{}", self.verifier.name, hex(self.verifier.id), STANDARD.encode(bytes))
    }

    /// What it was made of: a secret.
    #[must_use]
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// The key to check with.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }
}

impl FromStr for SigningKey {
    type Err = NoteError;
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, id, seed) = parts(text.trim().strip_prefix(SECRET).ok_or(NoteError::Key)?)?;
        let key = Self::of(name, seed)?;
        if hex(key.verifier.id) == id { Ok(key) } else { Err(NoteError::KeyId(name.to_owned())) }
    }
}

/// A note taken apart; nothing of it is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    /// Name, key id, signature.
    signatures: Vec<(String, [u8; 4], Vec<u8>)>,
}

impl Note {
    /// Signs `text`, which ends in a line feed, with each key.
    #[must_use]
    pub fn sign(text: &str, keys: &[&SigningKey]) -> Self {
        let signatures = keys.iter().map(|key| {
            let signature = key.pair.sign(text.as_bytes()).as_ref().to_vec();
            (key.verifier.name.clone(), key.verifier.id, signature)
        });
        Self { text: text.to_owned(), signatures: signatures.collect() }
    }

    /// Takes a note apart.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let shape = NoteError::Shape;
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(shape("too long"));
        }
        let all = std::str::from_utf8(bytes).map_err(|_| shape("not UTF-8"))?;
        if all.chars().any(|c| c.is_ascii_control() && c != '\n') {
            return Err(shape("control characters in it"));
        }
        let (text, lines) = all.rsplit_once("\n\n").ok_or(shape("no signatures"))?;
        let lines = lines.strip_suffix('\n').ok_or(shape("the last line does not end"))?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            let bad = || shape("a signature line is not `\u{2014} name base64`");
            let (name, data) =
                line.strip_prefix(DASH).and_then(|rest| rest.split_once(' ')).ok_or_else(bad)?;
            let data = STANDARD.decode(data).map_err(|_| bad())?;
            let (id, signature) = data.split_first_chunk::<4>().ok_or_else(bad)?;
            if !is_name(name) || signature.is_empty() || signatures.len() == SIGNATURES_MAX {
                return Err(bad());
            }
            signatures.push((name.to_owned(), *id, signature.to_vec()));
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// Its text, if one of `keys` signed it, none of them is said to have signed something else, and what each signed is
    /// under its own name.
    pub fn checked(&self, keys: &[VerifierKey]) -> Result<&str, NoteError> {
        let mut trusted = false;
        for (name, id, signature) in &self.signatures {
            let fits = |key: &VerifierKey| {
                UnparsedPublicKey::new(&ED25519, &key.public).verify(self.text.as_bytes(), signature).is_ok()
            };
            match keys.iter().find(|key| key.name == *name && key.id == *id) {
                Some(key) if fits(key) => trusted = true,
                Some(_) => return Err(NoteError::Signature(name.clone())),
                None if keys.iter().any(fits) => return Err(NoteError::Misnamed(name.clone())),
                None => {}
            }
        }
        if trusted {
            return Ok(&self.text);
        }
        let names: Vec<_> =
            self.signatures.iter().map(|(name, id, _)| format!("`{name}+{}`", hex(*id))).collect();
        Err(NoteError::Untrusted(names.join(", ")))
    }

    /// Its text, whoever signed it.
    #[must_use]
    pub fn unchecked(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|(name, id, signature)| {
            let data: Vec<u8> = id.iter().chain(signature).copied().collect();
            writeln!(f, "{DASH}{name} {}", STANDARD.encode(data))
        })
    }
}
