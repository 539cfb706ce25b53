//! Where a copy of an audit log lies: in a directory or, if the build has it, in a bucket of Amazon S3.
use crate::AuditDir;
use gsm_audit::Vault;
use gsm_core::Clock;
use serde::{Deserialize, Serialize};
use std::{fmt, io, path::PathBuf, str::FromStr, sync::Arc};

/// Days that what is put into a bucket can be kept from everybody.
pub const RETENTION_DAYS_MAX: u32 = 36_500;

/// A directory, or `s3://bucket/prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyPlace {
    /// A directory.
    Dir(PathBuf),
    /// A bucket, and what the names of its objects begin with: empty, or ending in `/`.
    S3 {
        /// Its name.
        bucket: String,
        /// The beginning of the names.
        prefix: String,
    },
}

impl FromStr for CopyPlace {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix("s3://") else {
            return match text {
                "" => Err("must be a directory or s3://bucket/prefix".to_owned()),
                _ if text.contains("://") => {
                    Err(format!("`{text}` is neither a directory nor s3://bucket/prefix, in small letters"))
                }
                _ => Ok(Self::Dir(text.into())),
            };
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(plain) {
            return Err(format!("`{bucket}` is not the name of a bucket"));
        }
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self::S3 { bucket: bucket.to_owned(), prefix })
    }
}

impl fmt::Display for CopyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dir(dir) => write!(f, "{}", dir.display()),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// How objects in a bucket are kept from being changed and deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retention {
    /// By nobody, not even the account's owner, until their time is over.
    #[default]
    Compliance,
    /// By nobody without the right to pass over it.
    Governance,
    /// As the bucket says by itself.
    Bucket,
}

impl FromStr for Retention {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "compliance" => Ok(Self::Compliance),
            "governance" => Ok(Self::Governance),
            "bucket" => Ok(Self::Bucket),
            _ => Err(format!("`{text}` is not `compliance`, `governance` or `bucket`")),
        }
    }
}

/// What a bucket has to be told; a directory needs none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOptions {
    /// The bucket's region; none takes that of the environment.
    pub region: Option<String>,
    /// Instead of the region's own address.
    pub url: Option<String>,
    /// How objects are locked.
    pub retention: Retention,
    /// For how many days.
    pub days: u32,
}

impl CopyPlace {
    /// Whether this build reaches it, or which feature does.
    pub fn supported(&self) -> Result<(), String> {
        match self {
            Self::S3 { .. } if cfg!(not(feature = "s3")) => {
                Err("this build does not reach Amazon S3: build gsm with `--features full`".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Opens the copy. Nothing is called or made yet. Not for use within an async task: what it does, blocks.
    pub fn open(&self, options: &CopyOptions, clock: Arc<dyn Clock>) -> io::Result<Box<dyn Vault + Send>> {
        match self {
            Self::Dir(dir) => Ok(Box::new(AuditDir::new(dir))),
            #[cfg(feature = "s3")]
            Self::S3 { bucket, prefix } => {
                Ok(Box::new(crate::audit_s3::S3Vault::open(bucket, prefix, options, clock)?))
            }
            #[cfg(not(feature = "s3"))]
            Self::S3 { .. } => {
                let _ = (options, clock);
                Err(io::Error::new(io::ErrorKind::Unsupported, self.supported().err().unwrap_or_default()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_directory_or_a_bucket_with_a_prefix() {
        let s3 = |bucket: &str, prefix: &str| CopyPlace::S3 { bucket: bucket.into(), prefix: prefix.into() };
        let read = |text: &str| text.parse::<CopyPlace>();
        assert_eq!(read("s3://audit-eu"), Ok(s3("audit-eu", "")));
        assert_eq!(read("s3://audit-eu/"), Ok(s3("audit-eu", "")));
        assert_eq!(read("s3://audit-eu/gsm/one/"), Ok(s3("audit-eu", "gsm/one/")));
        assert_eq!(read("/mnt/worm"), Ok(CopyPlace::Dir("/mnt/worm".into())));
        for bad in
            ["", "s3://", "s3://ab", "s3://Audit/x", "s3:///x", "s3://a b c", "S3://audit-eu", "ftp://x"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(
            read("s3://audit-eu/gsm").map(|place| place.to_string()),
            Ok("s3://audit-eu/gsm/".to_owned())
        );
    }
}
