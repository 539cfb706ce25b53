//! Keys of the server's own: 256 bits each, in a file that only the server reads.
use crate::{StartError, config::Mode};
use gsm_core::IdSource;
use gsm_engine::token::TokenKey;
use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

/// Different bytes in a key, at least: fewer were typed, not drawn (32 drawn ones have 30 on average).
const DISTINCT_MIN: usize = 16;

/// The key that signs sessions.
pub(crate) fn token_key(path: &Path, mode: Mode, ids: &dyn IdSource) -> Result<TokenKey, StartError> {
    private_key(path, mode, ids).map(TokenKey::new)
}

/// Reads a key, or makes it where there is none.
pub(crate) fn private_key(path: &Path, mode: Mode, ids: &dyn IdSource) -> Result<[u8; 32], StartError> {
    let fail = |source| StartError::File { path: path.display().to_string(), source };
    let weak = |what: &str| fail(io::Error::new(io::ErrorKind::InvalidData, what.to_owned()));
    match private_text(path, mode)? {
        Some(text) => {
            let bits = parse(text.trim()).ok_or_else(|| weak("a key is 64 hexadecimal digits"))?;
            let distinct = bits.iter().collect::<std::collections::BTreeSet<_>>().len();
            if distinct < DISTINCT_MIN {
                return Err(weak("this key is not random: remove the file, and a good one is made"));
            }
            Ok(bits)
        }
        None => {
            let mut bits = [0u8; 32];
            bits[..16].copy_from_slice(&ids.next_u128().to_be_bytes());
            bits[16..].copy_from_slice(&ids.next_u128().to_be_bytes());
            write_private(path, &hex(&bits)).map_err(fail)?;
            Ok(bits)
        }
    }
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
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let draft = dir.join(name);
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    fs::File::open(dir)?.sync_all()
}

fn hex(bits: &[u8; 32]) -> String {
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
        token_key(&path, Mode::Serve, &SystemIds).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        token_key(&path, Mode::Serve, &SystemIds).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn weak_short_and_open_keys_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token.key");
        let refused = |text: &str| {
            write_private(&path, text).unwrap();
            token_key(&path, Mode::Serve, &SystemIds).err().map(|e| e.to_string())
        };
        assert!(refused("secret").unwrap().contains("64 hexadecimal"));
        assert!(refused(&"0123456789abcdef".repeat(4)).unwrap().contains("not random"));
        assert!(refused(&"ü".repeat(32)).unwrap().contains("64 hexadecimal"));
        fs::remove_file(&path).unwrap();
        token_key(&path, Mode::Serve, &SystemIds).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(token_key(&path, Mode::Serve, &SystemIds).is_err());
        assert!(token_key(&path, Mode::Dev, &SystemIds).is_ok());
    }
}
