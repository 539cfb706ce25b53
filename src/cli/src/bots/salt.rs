//! The salt of the bots' secrets, kept in the data directory.
use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

/// The file. Without it the bots are new players; nothing else is lost.
const FILE: &str = "bots-salt";

/// Reads the salt, or draws and keeps one. Private to the user as far as the system can.
pub(super) fn load(dir: &Path) -> io::Result<[u8; 16]> {
    let path = dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let bits = u128::from_str_radix(text.trim(), 16).map_err(|_| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("`{}` is no salt: remove it", path.display()),
                )
            })?;
            Ok(bits.to_be_bytes())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(dir)?;
            let salt = u128::from_be_bytes(draw()?);
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&path)?;
            writeln!(file, "{salt:032x}")?;
            file.sync_all()?;
            Ok(salt.to_be_bytes())
        }
        Err(error) => Err(error),
    }
}

/// Bytes from the operating system.
pub(super) fn draw<const N: usize>() -> io::Result<[u8; N]> {
    let mut bits = [0u8; N];
    getrandom::fill(&mut bits).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_is_drawn_once_and_a_broken_one_refused() {
        let dir = tempfile::tempdir().unwrap();
        let first = load(&dir.path().join("new")).unwrap();
        assert_eq!(load(&dir.path().join("new")).unwrap(), first);
        assert_ne!(load(dir.path()).unwrap(), first);
        fs::write(dir.path().join(FILE), "salt").unwrap();
        assert!(load(dir.path()).unwrap_err().to_string().contains("remove it"));
    }
}
