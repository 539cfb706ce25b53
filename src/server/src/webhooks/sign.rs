//! The signatures of Standard Webhooks: one by each secret of a destination, so that a receiver has time to change its own.
use crate::{config::Mode, front::watch::FileWatch, who::secret};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use parking_lot::Mutex;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Fewest bytes of a secret.
const BYTES_MIN: usize = 24;
/// Secrets of one destination.
const SECRETS_MAX: usize = 4;

/// Why a secret cannot be used; never says what it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("is not `whsec_` and base64")]
    NotBase64,
    #[error(
        "has {0} bytes, must have at least {BYTES_MIN}; make one: printf 'whsec_%s' \"$(head -c 32 /dev/urandom | base64)\""
    )]
    Short(usize),
}

/// The file with the secrets of one destination, read again when it changes.
pub(crate) struct SecretFile {
    path: PathBuf,
    mode: Mode,
    read: Mutex<(FileWatch, Secret)>,
}

impl SecretFile {
    /// Reads it; else why a start in this mode refuses it.
    pub(crate) fn open(path: &Path, mode: Mode) -> Result<Self, String> {
        let watch = FileWatch::new(path);
        let read = Mutex::new((watch, Secret::fit(path, mode)?));
        Ok(Self { path: path.to_owned(), mode, read })
    }

    /// The secrets of the file as it is now. What a start would refuse changes nothing.
    pub(crate) fn now(&self) -> Secret {
        let (watch, secret) = &mut *self.read.lock();
        if watch.has_changed() {
            let file = self.path.display();
            match Secret::fit(&self.path, self.mode) {
                Ok(changed) => {
                    *secret = changed;
                    tracing::info!(%file, "secrets of a webhook read again");
                }
                Err(why) => tracing::warn!(%file, why, "the secrets of a webhook stay as they were"),
            }
        }
        secret.clone()
    }
}

/// What the events of one destination are signed with.
#[derive(Clone)]
pub(crate) struct Secret(Arc<[hmac::Key]>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// Reads the secrets in a file, one a line where each begins with `whsec_`; else why a start in this mode refuses them.
    pub(crate) fn fit(path: &Path, mode: Mode) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
        let mut lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        // Other text is one secret, whatever it has within; of an empty one the same is said as of a short one.
        if !lines.iter().all(|line| line.starts_with("whsec_")) || lines.is_empty() {
            lines = vec![text.trim()];
        }
        if lines.len() > SECRETS_MAX {
            return Err(format!("has more than {SECRETS_MAX} secrets, one a line"));
        }
        let one = |line: &str| match secret::weakness(path, line).filter(|_| mode == Mode::Serve) {
            Some(why) => Err(why),
            None => Self::parse(line).map_err(|error| error.to_string()),
        };
        lines.into_iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// Takes `whsec_` and base64, or other text as it is.
    fn parse(text: &str) -> Result<hmac::Key, SecretError> {
        let bytes = match text.strip_prefix("whsec_") {
            Some(coded) => STANDARD.decode(coded).map_err(|_| SecretError::NotBase64)?,
            None => text.as_bytes().to_vec(),
        };
        if bytes.len() < BYTES_MIN {
            return Err(SecretError::Short(bytes.len()));
        }
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }

    /// The value of `webhook-signature`.
    pub(crate) fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let one = |key| {
            let mut context = hmac::Context::with_key(key);
            context.update(format!("{id}.{timestamp}.").as_bytes());
            context.update(body);
            format!("v1,{}", STANDARD.encode(context.sign()))
        };
        self.0.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_standards_own_example() {
        // The example of the specification's "Signature scheme" chapter and of its reference libraries' tests.
        let secret = Secret([Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()].into());
        let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_file_that_changes_is_read_again_and_each_secret_signs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hook.secret");
        let put = |lines: &[&str]| secret::write_private(&path, &lines.join("\n")).unwrap();
        let (old, new) = ("whsec_4Zk0lqPmv7wYbJtQx1nRfA9sGh3cUd8E", "whsec_Yw7Hn2Tq9dXcVb5LkR0sPz8MfG4eJ1uA");
        put(&[old]);
        let file = SecretFile::open(&path, Mode::Serve).unwrap();
        let signed = || file.now().sign("msg", 1, b"{}");
        let by_old = signed();
        put(&[new, old]);
        let (first, second) = signed().split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert_eq!(second, by_old);
        // What a start would refuse changes nothing, nor does a file that is gone.
        for bad in [&[new, "changeme-changeme-changeme"][..], &[old; 5], &[]] {
            put(bad);
            assert_eq!(signed(), format!("{first} {second}"), "{bad:?}");
            assert!(SecretFile::open(&path, Mode::Serve).is_err(), "{bad:?}");
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(signed(), format!("{first} {second}"));
        put(&[new]);
        assert_eq!(signed(), first);
    }

    #[test]
    fn a_secret_is_as_long_as_its_bytes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let fit = |text: &str, mode| {
            fs::write(file.path(), text).unwrap();
            Secret::fit(file.path(), mode).map(drop)
        };
        // 24 letters of base64 are 18 bytes.
        let short = "whsec_4Zk0lqPmv7wYbJtQx1nRfA9s";
        for mode in [Mode::Serve, Mode::Dev] {
            assert!(fit(short, mode).unwrap_err().contains("has 18 bytes"));
            assert_eq!(fit("whsec_4Zk0lqPmv7wYbJtQx1nRfA9sGh3cUd8E\n", mode), Ok(()));
        }
        assert!(fit("changeme-changeme-changeme", Mode::Serve).unwrap_err().contains("typed"));
        assert_eq!(fit("changeme-changeme-changeme", Mode::Dev), Ok(()));
        let gone = Secret::fit(Path::new("/nowhere/x"), Mode::Serve).map(drop);
        assert!(gone.unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn weak_and_broken_secrets_are_refused() {
        assert!(matches!(Secret::parse("whsec_c2hvcnQ="), Err(SecretError::Short(5))));
        assert!(matches!(Secret::parse("whsec_***"), Err(SecretError::NotBase64)));
        assert!(Secret::parse("a long secret that is no base64").is_ok());
    }
}
