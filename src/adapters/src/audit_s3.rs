//! A copy of an audit log in a bucket of Amazon S3 with Object Lock: what is put there stays until its time is over.
//!
//! Objects that are put once are put with `If-None-Match`, so that nobody's copy takes their place; of the checkpoint each
//! version stays. Only the announcement of what comes next is not locked.
use crate::{CopyOptions, Retention, cause::in_one_line};
use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Region, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
    primitives::{ByteStream, DateTime},
    types::{ChecksumAlgorithm, ObjectLockMode},
};
use gsm_audit::{Files, PENDING, Vault};
use gsm_core::{Clock, Millis};
use std::{io, sync::Arc, time::Duration};
use tokio::runtime::Runtime;

/// One try of a call.
const TRY: Duration = Duration::from_secs(30);
/// A call with all its tries.
const CALL: Duration = Duration::from_secs(90);
const CONNECT: Duration = Duration::from_secs(5);
const DAY_S: u64 = 86_400;

/// The objects of a copy.
pub(crate) struct S3Vault {
    runtime: Runtime,
    client: Client,
    bucket: String,
    prefix: String,
    retention: Option<(ObjectLockMode, u32)>,
    clock: Arc<dyn Clock>,
}

impl S3Vault {
    /// Of a bucket, with the credentials of the environment. Nothing is called yet.
    pub(crate) fn open(
        bucket: &str,
        prefix: &str,
        options: &CopyOptions,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(TRY)
            .operation_timeout(CALL)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts);
        if let Some(region) = &options.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(url) = &options.url {
            loader = loader.endpoint_url(url);
        }
        let shared = runtime.block_on(loader.load());
        // Addresses of others than AWS seldom have a name for each bucket.
        let config =
            aws_sdk_s3::config::Builder::from(&shared).force_path_style(options.url.is_some()).build();
        let retention = match options.retention {
            Retention::Compliance => Some((ObjectLockMode::Compliance, options.days)),
            Retention::Governance => Some((ObjectLockMode::Governance, options.days)),
            Retention::Bucket => None,
        };
        let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
        Ok(Self { runtime, client: Client::from_conf(config), bucket, prefix, retention, clock })
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// Puts an object; `false` if it was to be the first of its name and is not.
    fn put_object(&self, path: &str, bytes: &[u8], is_first: bool) -> io::Result<bool> {
        let call = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(self.key(path))
            .set_if_none_match(is_first.then(|| "*".to_owned()))
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(ByteStream::from(bytes.to_vec()));
        let call = match &self.retention {
            Some((mode, days)) if path != PENDING => {
                let until = self.clock.wall().saturating_add(Millis::from_secs(DAY_S * u64::from(*days)));
                call.object_lock_mode(mode.clone())
                    .object_lock_retain_until_date(DateTime::from_millis(until.as_millis()))
            }
            _ => call,
        };
        match self.runtime.block_on(call.send()) {
            Ok(_) => Ok(true),
            Err(error) if is_first && code(&error) == Some("PreconditionFailed") => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// In words: what the service said, or why it said nothing.
fn failed<E, R>(error: SdkError<E, R>) -> io::Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let told =
        error.as_service_error().and_then(|error| Some((error.code()?, error.message().unwrap_or_default())));
    match told {
        Some((code, message)) => io::Error::other(format!("S3 answered {code}: {message}")),
        None => io::Error::other(in_one_line(&error)),
    }
}

impl Files for S3Vault {
    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let below = self.key(&format!("{dir}/"));
        let call = self.client.list_objects_v2().bucket(&self.bucket).prefix(&below).delimiter("/");
        let mut pages = call.into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = self.runtime.block_on(pages.next()) {
            let page = page.map_err(failed)?;
            let keys = page.contents().iter().filter_map(|object| object.key()?.strip_prefix(&below));
            names.extend(keys.filter(|name| !name.is_empty()).map(str::to_owned));
        }
        Ok(names)
    }

    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let call = self.client.get_object().bucket(&self.bucket).key(self.key(path));
        self.runtime.block_on(async {
            match call.send().await {
                Ok(object) => {
                    let bytes = object.body.collect().await.map_err(io::Error::other)?;
                    Ok(Some(bytes.into_bytes().to_vec()))
                }
                Err(error) if code(&error) == Some("NoSuchKey") => Ok(None),
                Err(error) => Err(failed(error)),
            }
        })
    }
}

impl Vault for S3Vault {
    fn put_new(&mut self, path: &str, bytes: &[u8]) -> io::Result<bool> {
        self.put_object(path, bytes, true)
    }
    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.put_object(path, bytes, false).map(drop)
    }
}
