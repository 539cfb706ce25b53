//! A key of the server's own and those before it, in one file, which is replaced as a whole.
//!
//! A key is 64 hexadecimal digits, the newest in the first line. Behind an older one stands until when it is good (`until` and
//! milliseconds since 1970), or `bans` where hashes that cannot be made again were made with it.
use super::secret::{bits_of, hex, private_key, private_text, write_private};
use crate::{StartError, config::Mode};
use gsm_core::{IdSource, Millis, Timestamp};
use gsm_engine::{
    Engine, EngineError,
    token::{TokenKey, TokenKeys},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use tokio::sync::Mutex;

/// Keys of one file.
pub(crate) const KEYS_MAX: usize = 16;
/// So much longer than it is good a key is kept: an issued secret follows from it, which a repeat of the call shows.
const REPEATED_WITHIN: Millis = Millis::from_secs(24 * 3_600);
const UNTIL: &str = " until ";
const BANS: &str = " bans";

/// The files, each held by whoever changes it.
pub(crate) struct KeyFiles {
    pub(crate) token: Mutex<KeyFile>,
    pub(crate) aws_master: Mutex<KeyFile>,
}

/// The keys of a file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KeyFile {
    path: PathBuf,
    newest: [u8; 32],
    /// The newest first.
    older: Vec<([u8; 32], Timestamp)>,
    bans: Option<[u8; 32]>,
}

/// Why `gsm serve` would refuse the keys in a file; `None` where they are in order, or where there are none.
#[must_use]
pub fn fault(path: &Path) -> Option<String> {
    match private_text(path, Mode::Serve) {
        Ok(text) => KeyFile::parse(path, &text?).err(),
        Err(error) => Some(error.to_string()),
    }
}

impl KeyFile {
    /// Reads the keys, or makes one where there is no file.
    pub(crate) fn load(path: &Path, mode: Mode, ids: &dyn IdSource) -> Result<Self, StartError> {
        if let Some(text) = private_text(path, mode)? {
            return Self::parse(path, &text).map_err(|what| StartError::File {
                path: path.display().to_string(),
                source: io::Error::new(io::ErrorKind::InvalidData, what),
            });
        }
        let newest = private_key(path, mode, ids)?;
        Ok(Self { path: path.to_owned(), newest, older: Vec::new(), bans: None })
    }

    fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let newest = bits_of(lines.next().unwrap_or_default())?;
        let (mut older, mut bans) = (Vec::new(), None);
        for line in lines {
            if let Some((key, until)) = line.split_once(UNTIL) {
                let until = until
                    .trim()
                    .parse::<i64>()
                    .map_err(|_| "behind `until` stands no time in milliseconds")?;
                older.push((bits_of(key)?, Timestamp::from_millis(until)));
            } else if let Some(key) = line.strip_suffix(BANS).filter(|_| bans.is_none()) {
                bans = Some(bits_of(key)?);
            } else {
                return Err("behind an older key stands `until` and a time".to_owned());
            }
        }
        if older.len() >= KEYS_MAX {
            return Err(format!("a file has at most {KEYS_MAX} keys"));
        }
        Ok(Self { path: path.to_owned(), newest, older, bans })
    }

    /// Replaces the file.
    pub(crate) fn write(&self) -> io::Result<()> {
        let older = self.older.iter().map(|(key, until)| format!("{}{UNTIL}{}", hex(key), until.as_millis()));
        let bans = self.bans.iter().map(|key| format!("{}{BANS}", hex(key)));
        let lines: Vec<String> = std::iter::once(hex(&self.newest)).chain(older).chain(bans).collect();
        write_private(&self.path, &lines.join("\n"))
    }

    /// The newest, and those before it.
    pub(crate) fn keys(&self) -> (&[u8; 32], impl Iterator<Item = &[u8; 32]>) {
        (&self.newest, self.older.iter().map(|(key, _)| key))
    }

    /// As keys of tokens.
    pub(crate) fn token_keys(&self) -> TokenKeys {
        TokenKeys {
            signing: TokenKey::new(self.newest),
            older: self.older.iter().map(|(key, until)| (TokenKey::new(*key), *until)).collect(),
            bans: TokenKey::new(self.bans.unwrap_or_else(|| self.oldest())),
        }
    }

    fn oldest(&self) -> [u8; 32] {
        self.older.last().map_or(self.newest, |(key, _)| *key)
    }

    /// Whether the file still is as it was read: nobody has changed it by hand, and it is no link to one elsewhere, which would
    /// not be the one that is replaced.
    pub(crate) fn is_as_read(&self) -> bool {
        let is_link = fs::symlink_metadata(&self.path).is_ok_and(|found| found.is_symlink());
        let text = private_text(&self.path, Mode::Dev).ok().flatten();
        !is_link && text.and_then(|text| Self::parse(&self.path, &text).ok()).is_some_and(|now| now == *self)
    }

    /// With another newest key, where all before it are good until `until` at the most. The first one stays for bans where the
    /// file is that of tokens. `None` where there are as many as may be; where those before are to end at once, the oldest make
    /// room. Not written yet.
    pub(crate) fn rotated(
        &self,
        now: Timestamp,
        until: Timestamp,
        keeps_bans: bool,
        ids: &dyn IdSource,
    ) -> Option<Self> {
        let mut newest = [0; 32];
        newest[..16].copy_from_slice(&ids.next_u128().to_be_bytes());
        newest[16..].copy_from_slice(&ids.next_u128().to_be_bytes());
        let kept = self.older.iter().filter(|(_, until)| !is_over(*until, now));
        let kept = kept.map(|(key, end)| (*key, until.min(*end)));
        let mut older: Vec<_> = std::iter::once((self.newest, until)).chain(kept).collect();
        if until <= now {
            older.truncate(KEYS_MAX - 1);
        }
        let bans = self.bans.or_else(|| keeps_bans.then(|| self.oldest()));
        (older.len() < KEYS_MAX).then(|| Self { path: self.path.clone(), newest, older, bans })
    }

    /// Ends a rotation, be it of an earlier start: forgets the keys whose time is over, if what they had sealed was sealed anew.
    pub(crate) fn finish(&mut self, engine: &Engine, sealed: Result<(), EngineError>) {
        match sealed {
            Ok(()) => self.trim(engine.clock().now()),
            Err(error) => {
                let file = self.path.display();
                tracing::warn!(%file, %error, "what older keys have sealed waits for the next start");
            }
        }
    }

    /// A file that cannot be written stays as it is.
    fn trim(&mut self, now: Timestamp) {
        let before = self.clone();
        self.older.retain(|(_, until)| !is_over(*until, now));
        if *self == before {
            return;
        }
        let changed = || io::Error::other("somebody has changed the file");
        let written = if before.is_as_read() { self.write() } else { Err(changed()) };
        if let Err(error) = written {
            tracing::warn!(file = %self.path.display(), %error, "keys whose time is over stay in their file");
            *self = before;
        }
    }
}

fn is_over(until: Timestamp, now: Timestamp) -> bool {
    until.saturating_add(REPEATED_WITHIN) <= now
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_adapters::SystemIds;

    const DAY: Millis = Millis::from_secs(86_400);

    fn at(days: u64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000).saturating_add(Millis::new(days * DAY.get()))
    }

    #[test]
    fn a_new_key_comes_first_and_the_old_ones_go_a_day_after_their_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token.key");
        let load = || KeyFile::load(&path, Mode::Serve, &SystemIds).unwrap();
        let first = load();
        assert!(load() == first, "made once");
        assert_eq!(fs::read_to_string(&path).unwrap().trim(), hex(&first.newest), "as it always was");
        let second = first.rotated(at(0), at(2), true, &SystemIds).unwrap();
        second.write().unwrap();
        assert!(load() == second);
        assert_eq!((&second.older[..], second.bans), (&[(first.newest, at(2))][..], Some(first.newest)));
        let third = second.rotated(at(1), at(1), true, &SystemIds).unwrap();
        let older = [(second.newest, at(1)), (first.newest, at(1))];
        assert_eq!((&third.older[..], third.bans), (&older[..], Some(first.newest)), "ended at once, both");
        third.write().unwrap();
        let mut third = load();
        third.trim(at(2).saturating_sub(Millis::new(1)));
        assert_eq!(third.older.len(), 2);
        third.trim(at(2));
        assert!(third.older.is_empty() && load() == third);
        assert_eq!(load().bans, Some(first.newest), "bans are found as long as they are kept");
        let master = first.rotated(at(0), at(2), false, &SystemIds).unwrap();
        assert_eq!(master.bans, None);
    }

    #[test]
    fn so_many_keys_are_kept_and_one_whose_time_is_over_makes_room() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = KeyFile::load(&dir.path().join("token.key"), Mode::Serve, &SystemIds).unwrap();
        for _ in 1..KEYS_MAX {
            file = file.rotated(at(0), at(2), true, &SystemIds).unwrap();
        }
        file.write().unwrap();
        assert_eq!(fault(&dir.path().join("token.key")), None, "as many as may be");
        assert!(file.rotated(at(0), at(2), true, &SystemIds).is_none());
        assert!(file.rotated(at(3), at(5), true, &SystemIds).is_some());
        let ended = file.rotated(at(0), at(0), true, &SystemIds).unwrap();
        assert_eq!((ended.older.len(), ended.bans), (KEYS_MAX - 1, file.bans), "a leaked one ends at once");
    }

    #[test]
    fn a_file_that_somebody_changed_is_told_from_the_one_that_was_read() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("token.key"), dir.path().join("other.key"));
        let file = KeyFile::load(&path, Mode::Serve, &SystemIds).unwrap();
        assert!(file.is_as_read());
        fs::rename(&path, &other).unwrap();
        assert!(!file.is_as_read(), "it is gone");
        std::os::unix::fs::symlink(&other, &path).unwrap();
        assert!(!file.is_as_read(), "it is elsewhere");
        fs::remove_file(&path).unwrap();
        let by_hand = KeyFile {
            older: vec![(file.newest, at(2))],
            ..KeyFile::load(&path, Mode::Serve, &SystemIds).unwrap()
        };
        by_hand.write().unwrap();
        assert!(!file.is_as_read() && by_hand.is_as_read());
        assert!(
            by_hand.rotated(at(0), at(2), true, &SystemIds).unwrap().bans == Some(file.newest),
            "the first of all"
        );
    }

    #[test]
    fn a_file_that_is_not_in_order_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token.key");
        let good = hex(&KeyFile::load(&path, Mode::Serve, &SystemIds).unwrap().newest);
        let typed = "ab".repeat(32);
        for (bad, why) in [
            (String::new(), "64 hexadecimal"),
            ("x".to_owned(), "64 hexadecimal"),
            (format!("{good} until 5"), "64 hexadecimal"),
            (format!("{good}\n{good}"), "`until` and a time"),
            (format!("{good}\n{good} until soon"), "no time"),
            (format!("{good}\n{good} bans\n{good} bans"), "`until` and a time"),
            (typed.clone(), "not random"),
            (format!("{good}\n{typed} until 5"), "not random"),
            (format!("{good}\n{typed} bans"), "not random"),
            (format!("{good}\n{}", format!("{good} until 5\n").repeat(KEYS_MAX)), "at most"),
        ] {
            write_private(&path, &bad).unwrap();
            let told = fault(&path).unwrap_or_default();
            assert!(told.contains(why), "{bad}: {told}");
            assert!(KeyFile::load(&path, Mode::Serve, &SystemIds).is_err());
        }
        write_private(&path, &format!("{good}\n{good} until 5\n\n{good} bans\n")).unwrap();
        assert_eq!(fault(&path), None);
    }
}
