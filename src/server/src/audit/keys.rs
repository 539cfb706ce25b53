//! The keys that sign checkpoints, in a file that only the server reads: the newest first, each in the text form of Go's
//! `note` package; behind an older one stands until when it signs too.
use crate::{StartError, config::Mode, who::secret};
use gsm_audit::{LogError, SigningKey, VerifierKey};
use gsm_core::{IdSource, Millis, Timestamp};
use std::{
    io,
    path::{Path, PathBuf},
};

/// So long the key before signs beside a new one: in that time everybody who checks the log learns of it.
const OVERLAP: Millis = Millis::from_secs(30 * 86_400);
const UNTIL: &str = " until ";

/// Keys that sign side by side: one a day for as long as each stays. A note takes twice as many.
pub(crate) const KEYS_MAX: usize = 32;

/// The keys of the log.
pub(super) struct Keys {
    path: PathBuf,
    /// Text form, and until when; the newest has no end.
    keys: Vec<(String, Option<Timestamp>)>,
}

/// What came of a change of keys.
pub(crate) struct Rotated {
    pub(crate) new: VerifierKey,
    pub(crate) old: VerifierKey,
    pub(crate) until: Timestamp,
}

/// Why `gsm serve` would refuse the keys that sign the audit log; `None` where they are in order, or where there are none.
#[must_use]
pub fn fault(path: &Path) -> Option<String> {
    match secret::private_text(path, Mode::Serve) {
        Ok(text) => Keys::parse(path, &text?).err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    }
}

/// What is said where the keys are gone that signed the log in the directory `log`; `None` where they are there, or where
/// there is no log yet.
#[must_use]
pub fn gone(path: &Path, log: &Path) -> Option<String> {
    let has_log = std::fs::read_dir(log).is_ok_and(|mut files| files.next().is_some());
    (has_log && matches!(path.try_exists(), Ok(false))).then(|| {
        format!(
            "`{}` is gone, and the audit log in `{}` was signed with it: put it back from where it is kept; or move that \
             directory elsewhere as evidence, and a new log with a new key begins with all that the journal has",
            path.display(),
            log.display()
        )
    })
}

fn seed(ids: &dyn IdSource) -> [u8; 32] {
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(&ids.next_u128().to_be_bytes());
    seed[16..].copy_from_slice(&ids.next_u128().to_be_bytes());
    seed
}

fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

impl Keys {
    /// Reads the keys, or makes one where there is no file and no log in the directory `log`, which then has a name of its
    /// own, drawn at random.
    pub(super) fn load(path: &Path, log: &Path, mode: Mode, ids: &dyn IdSource) -> Result<Self, StartError> {
        let fail = |source| StartError::File { path: path.display().to_string(), source };
        if let Some(why) = gone(path, log) {
            return Err(StartError::Refused(format!("audit.key_file: {why}")));
        }
        if let Some(text) = secret::private_text(path, mode)? {
            return Self::parse(path, &text).map_err(fail);
        }
        let name = format!("gsm/audit/{:016x}", ids.next_u128() as u64);
        let key = SigningKey::of(&name, seed(ids)).map_err(|error| fail(invalid(error.to_string())))?;
        let keys = Self { path: path.to_owned(), keys: vec![(key.secret(), None)] };
        keys.write().map_err(fail)?;
        Ok(keys)
    }

    /// The keys of a file that is there and in order.
    pub(super) fn there(path: &Path) -> Option<Self> {
        let text = secret::private_text(path, Mode::Serve).ok()??;
        Self::parse(path, &text).ok()
    }

    fn parse(path: &Path, text: &str) -> io::Result<Self> {
        let mut keys = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (key, until) = line.split_once(UNTIL).map_or((line, None), |(key, until)| (key, Some(until)));
            let until = until
                .map(|until| until.trim().parse().map(Timestamp::from_millis))
                .transpose()
                .map_err(|_| invalid("behind `until` stands no time in milliseconds"))?;
            let read = key.parse::<SigningKey>().map_err(|error| invalid(error.to_string()))?;
            if !secret::is_drawn(read.seed()) {
                return Err(invalid(
                    "a key in it is not random, and whoever guesses it signs another log: move it away together with \
                     the log that it signed, and both begin anew",
                ));
            }
            keys.push((key.trim().to_owned(), until));
        }
        if keys.is_empty() {
            return Err(invalid(
                "there is no key in it; remove it only together with the log that it signed",
            ));
        }
        Ok(Self { path: path.to_owned(), keys })
    }

    fn write(&self) -> io::Result<()> {
        let lines = self.keys.iter().map(|(key, until)| match until {
            None => key.clone(),
            Some(until) => format!("{key}{UNTIL}{}", until.as_millis()),
        });
        secret::write_private(&self.path, &lines.collect::<Vec<_>>().join("\n"))
    }

    /// All of them; they sign, the newest first.
    pub(super) fn signing(&self) -> Vec<SigningKey> {
        // They were read once before.
        self.keys.iter().filter_map(|(key, _)| key.parse().ok()).collect()
    }

    /// Whether a key's time is over.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.keys.iter().any(|(_, until)| until.is_some_and(|until| until <= now))
    }

    /// The keys without those whose time is over.
    pub(super) fn without_over(&self, now: Timestamp) -> Self {
        let keys = self.keys.iter().filter(|(_, until)| until.is_none_or(|until| until > now));
        Self { path: self.path.clone(), keys: keys.cloned().collect() }
    }

    /// Keeps these from now on.
    pub(super) fn replace(&mut self, other: Self) -> Result<(), LogError> {
        other.write().map_err(|source| self.failed(source))?;
        *self = other;
        Ok(())
    }

    fn failed(&self, source: io::Error) -> LogError {
        LogError::Io { path: self.path.display().to_string(), source }
    }

    /// Puts another key first; `None` where there are as many as may be.
    pub(super) fn rotate(&mut self, now: Timestamp, ids: &dyn IdSource) -> Result<Option<Rotated>, LogError> {
        if self.keys.len() >= KEYS_MAX {
            return Ok(None);
        }
        let broken = || self.failed(invalid("there is no key in it"));
        let old = self.signing().first().map(|key| key.verifier().clone()).ok_or_else(broken)?;
        let new = SigningKey::of(old.name(), seed(ids)).map_err(|_| broken())?;
        let until = now.saturating_add(OVERLAP);
        let mut keys = vec![(new.secret(), None)];
        keys.extend(self.keys.iter().map(|(key, end)| (key.clone(), Some(end.unwrap_or(until)))));
        self.replace(Self { path: self.path.clone(), keys })?;
        Ok(Some(Rotated { new: new.verifier().clone(), old, until }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_adapters::SystemIds;

    #[test]
    fn a_new_key_signs_first_and_the_old_one_until_its_time_is_over() {
        let dir = tempfile::tempdir().unwrap();
        let (path, log) = (dir.path().join("audit.key"), dir.path().join("audit"));
        let load = || Keys::load(&path, &log, Mode::Serve, &SystemIds).unwrap();
        let names =
            |keys: &Keys| keys.signing().iter().map(|key| key.verifier().to_string()).collect::<Vec<_>>();
        let first = names(&load());
        assert_eq!(names(&load()), first, "made once");
        let at = Timestamp::from_millis(1_000);
        let mut keys = load();
        let rotated = keys.rotate(at, &SystemIds).unwrap().unwrap();
        assert_eq!(names(&keys), [rotated.new.to_string(), first[0].clone()]);
        assert_eq!((rotated.old.to_string(), rotated.new.name()), (first[0].clone(), rotated.old.name()));
        assert_eq!(names(&load()), names(&keys), "after a restart");
        assert!(!keys.is_over(at) && keys.is_over(rotated.until));
        let left = keys.without_over(rotated.until);
        keys.replace(left).unwrap();
        assert_eq!(names(&load()), [rotated.new.to_string()]);
        for bad in ["", "x", "PRIVATE+KEY+a+b+c", &format!("{} until x", keys.keys[0].0)] {
            secret::write_private(&path, bad).unwrap();
            assert!(Keys::load(&path, &log, Mode::Serve, &SystemIds).is_err(), "{bad}");
        }
        for typed in
            [[0; 32], [1; 32], *b"passwordpasswordpasswordpassword", *b"a sentence that somebody typed.."]
        {
            let weak = SigningKey::of("gsm/audit/x", typed).unwrap().secret();
            secret::write_private(&path, &format!("{}\n{weak} until 9", keys.keys[0].0)).unwrap();
            let told = fault(&path).unwrap_or_default();
            assert!(told.contains("not random"), "{typed:?}: {told}");
            assert!(Keys::load(&path, &log, Mode::Serve, &SystemIds).is_err());
        }
    }

    #[test]
    fn no_key_is_made_for_a_log_that_another_signed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, log) = (dir.path().join("audit.key"), dir.path().join("audit"));
        std::fs::create_dir(&log).unwrap();
        assert_eq!(gone(&path, &log), None, "there is no log");
        std::fs::write(log.join("checkpoint"), "x").unwrap();
        for mode in [Mode::Dev, Mode::Serve] {
            let told = Keys::load(&path, &log, mode, &SystemIds).err().unwrap().to_string();
            assert!(told.contains("audit.key` is gone") && told.contains("put it back"), "{told}");
        }
        assert!(!path.exists());
        secret::write_private(&path, "x").unwrap();
        assert_eq!(gone(&path, &log), None);
    }
}
