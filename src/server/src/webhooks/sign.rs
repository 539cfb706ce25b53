//! The signature of Standard Webhooks.
use crate::{config::Mode, who::secret};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{fs, path::Path};

/// Fewest bytes of a secret.
const BYTES_MIN: usize = 24;

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

/// What the events of one destination are signed with.
#[derive(Clone)]
pub(crate) struct Secret(hmac::Key);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// Reads the secret in a file; else why a start in this mode refuses it.
    pub(crate) fn fit(path: &Path, mode: Mode) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
        match secret::weakness(path, &text).filter(|_| mode == Mode::Serve) {
            Some(why) => Err(why),
            None => Self::parse(text.trim()).map_err(|error| error.to_string()),
        }
    }

    /// Takes `whsec_` and base64, or other text as it is.
    fn parse(text: &str) -> Result<Self, SecretError> {
        let bytes = match text.strip_prefix("whsec_") {
            Some(coded) => STANDARD.decode(coded).map_err(|_| SecretError::NotBase64)?,
            None => text.as_bytes().to_vec(),
        };
        if bytes.len() < BYTES_MIN {
            return Err(SecretError::Short(bytes.len()));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The value of `webhook-signature`.
    pub(crate) fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_standards_own_example() {
        // The example of the specification's "Signature scheme" chapter and of its reference libraries' tests.
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
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
