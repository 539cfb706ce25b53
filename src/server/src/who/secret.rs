//! Keys of the server's own: 256 bits each, in a file that only the server reads.
use crate::{StartError, config::Mode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use gsm_core::IdSource;
use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

/// Different bytes in a key, at least: fewer were typed, not drawn (32 drawn ones have 30 on average).
const DISTINCT_MIN: usize = 16;

/// Different characters in a secret that is text, at least.
const LETTERS_MIN: usize = 8;
/// Bytes of a secret that is text, at least.
const TEXT_BYTES_MIN: usize = 24;
/// What is in secrets that nobody drew. The last one is the example of the specification of webhooks.
const KNOWN: [&str; 9] = [
    "changeme",
    "change-me",
    "password",
    "default",
    "example",
    "secret",
    "qwerty",
    "123456",
    "mfkq9r8gkyqrtwjupd8ilpzio2lalasw",
];

/// Why a file with a secret is not taken in production, and what to do.
pub(crate) fn weakness(path: &Path, text: &str) -> Option<String> {
    if let Some(what) = open_to_others(path) {
        return Some(what);
    }
    let plain = text.trim().trim_start_matches("whsec_");
    let lower = plain.to_ascii_lowercase();
    let decoded = STANDARD.decode(plain).unwrap_or_default();
    let letters = plain.bytes().collect::<std::collections::BTreeSet<u8>>().len();
    if plain.len() < TEXT_BYTES_MIN {
        return Some(format!(
            "is shorter than {TEXT_BYTES_MIN} characters: draw one with openssl rand -base64 32"
        ));
    }
    // What is written in base64 may have been typed all the same: drawn bytes are hardly ever text.
    let is_typed = |bytes: &[u8]| !bytes.is_empty() && (bytes.is_ascii() || repeats(bytes));
    let is_known = KNOWN.iter().any(|known| lower.contains(known));
    if letters < LETTERS_MIN || is_known || repeats(plain.as_bytes()) || is_typed(&decoded) {
        return Some("was typed, not drawn: draw one with openssl rand -base64 32".to_owned());
    }
    None
}

/// Why the mode of a file with a secret is not taken.
pub(crate) fn open_to_others(path: &Path) -> Option<String> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0)
        .then(|| format!("can be read by others (mode {mode:o}): chmod 600 it, and change what is in it"))
}

/// Whether it is one part, again and again.
fn repeats(bytes: &[u8]) -> bool {
    (1..=bytes.len() / 2).any(|n| bytes.iter().zip(bytes.iter().skip(n)).all(|(a, b)| a == b))
}

/// Reads a key, or makes it where there is none.
pub(crate) fn private_key(path: &Path, mode: Mode, ids: &dyn IdSource) -> Result<[u8; 32], StartError> {
    let fail = |source| StartError::File { path: path.display().to_string(), source };
    let weak = |what: &str| fail(io::Error::new(io::ErrorKind::InvalidData, what.to_owned()));
    match private_text(path, mode)? {
        Some(text) => bits_of(&text).map_err(weak),
        None => {
            let mut bits = [0u8; 32];
            bits[..16].copy_from_slice(&ids.next_u128().to_be_bytes());
            bits[16..].copy_from_slice(&ids.next_u128().to_be_bytes());
            write_private(path, &hex(&bits)).map_err(fail)?;
            Ok(bits)
        }
    }
}

/// Why `gsm serve` would refuse the key in a file; `None` where it is in order, or where there is none.
#[must_use]
pub fn key_fault(path: &Path) -> Option<String> {
    let text = match private_text(path, Mode::Serve) {
        Ok(text) => text?,
        Err(error) => return Some(error.to_string()),
    };
    bits_of(&text).err().map(str::to_owned)
}

/// The key that a file's text is.
pub(super) fn bits_of(text: &str) -> Result<[u8; 32], &'static str> {
    let bits = parse(text.trim()).ok_or("a key is 64 hexadecimal digits")?;
    if is_drawn(&bits) {
        Ok(bits)
    } else {
        Err(
            "this key is not random: draw another (openssl rand -hex 32) in its place, or remove a file that has no other key, and a good one is made",
        )
    }
}

/// Whether the bits of a key look random.
pub(crate) fn is_drawn(bits: &[u8; 32]) -> bool {
    let distinct = bits.iter().collect::<std::collections::BTreeSet<_>>().len();
    let mut steps = bits.iter().zip(bits.iter().skip(1)).map(|(a, b)| b.wrapping_sub(*a));
    let counts = steps.next().is_some_and(|first| steps.all(|step| step == first));
    distinct >= DISTINCT_MIN && !repeats(bits) && !counts && !bits.is_ascii()
}

/// Reads a file that nobody else may read; `None` where there is none.
pub(crate) fn private_text(path: &Path, mode: Mode) -> Result<Option<String>, StartError> {
    let fail = |source| StartError::File { path: path.display().to_string(), source };
    match fs::read_to_string(path) {
        Ok(text) => {
            let open = fs::metadata(path).map_err(fail)?.permissions().mode() & 0o077 != 0;
            if open && mode == Mode::Serve {
                let what =
                    "others can read this key: chmod 600 it, or remove it and give up what hangs on it";
                return Err(fail(io::Error::new(io::ErrorKind::InvalidData, what)));
            }
            Ok(Some(text))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fail(error)),
    }
}

/// Writes a new file of mode 0600, whole or not at all, durably.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unnamed = || io::Error::new(io::ErrorKind::InvalidInput, "is the name of no file");
    let mut name = path.file_name().ok_or_else(unnamed)?.to_owned();
    name.push(".new");
    let draft = dir.join(name);
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    fs::File::open(dir)?.sync_all()
}

pub(crate) fn hex(bits: &[u8]) -> String {
    bits.iter().map(|b| format!("{b:02x}")).collect()
}

fn parse(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bits = [0u8; 32];
    for (at, bit) in bits.iter_mut().enumerate() {
        *bit = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_adapters::SystemIds;

    #[test]
    fn a_key_is_made_once_private_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token.key");
        private_key(&path, Mode::Serve, &SystemIds).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        private_key(&path, Mode::Serve, &SystemIds).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn a_key_without_a_name_leaves_no_file() {
        assert!(write_private(Path::new(""), "x").is_err() && write_private(Path::new(".."), "x").is_err());
        assert!(!Path::new(".new").exists() && !Path::new("...new").exists());
    }

    #[test]
    fn secrets_that_were_typed_are_refused_in_production() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("webhook.secret");
        let why = |text: &str| {
            write_private(&path, text).unwrap();
            weakness(&path, text).unwrap_or_default()
        };
        assert_eq!(why("whsec_4Zk0lqPmv7wYbJtQx1nRfA9sGh3cUd8E"), "");
        assert!(why("tooshort").contains("shorter"));
        for typed in [
            "a".repeat(40),
            "abcdefghijklmnop".repeat(3),
            "my-Password-for-webhooks-0815".into(),
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
            format!("whsec_{}", STANDARD.encode("changeme".repeat(4))),
            format!("whsec_{}", STANDARD.encode("123456789012345678901234")),
            STANDARD.encode("0123456789abcdef".repeat(2)),
        ] {
            assert!(why(&typed).contains("typed"), "{typed}");
        }
        write_private(&path, "whsec_4Zk0lqPmv7wYbJtQx1nRfA9sGh3cUd8E").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let told = weakness(&path, "whsec_4Zk0lqPmv7wYbJtQx1nRfA9sGh3cUd8E").unwrap();
        assert!(told.contains("chmod 600") && told.contains("mode 644"), "{told}");
    }

    #[test]
    fn weak_short_and_open_keys_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token.key");
        let refused = |text: &str| {
            write_private(&path, text).unwrap();
            private_key(&path, Mode::Serve, &SystemIds).err().map(|e| e.to_string())
        };
        assert!(refused("secret").unwrap().contains("64 hexadecimal"));
        assert!(refused(&"0123456789abcdef".repeat(4)).unwrap().contains("not random"));
        assert!(refused(&"000102030405060708090a0b0c0d0e0f".repeat(2)).unwrap().contains("not random"));
        let counted: String = (0..32).map(|n| format!("{n:02x}")).collect();
        assert!(refused(&counted).unwrap().contains("not random"));
        assert!(key_fault(&path).unwrap().contains("not random"));
        assert!(refused(&"ü".repeat(32)).unwrap().contains("64 hexadecimal"));
        fs::remove_file(&path).unwrap();
        private_key(&path, Mode::Serve, &SystemIds).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(private_key(&path, Mode::Serve, &SystemIds).is_err());
        assert!(private_key(&path, Mode::Dev, &SystemIds).is_ok());
    }
}
