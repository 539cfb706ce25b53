//! The master key as the server starts: the access keys that were made under it must open.
use super::{MasterKeys, Masters, access_key};
use crate::{
    StartError,
    config::{Mode, Settings},
    who::{key_file::KeyFile, secret},
};
use gsm_engine::{Call, Engine, EngineError, store::AwsKeyRow};

/// Access keys that a message names.
const NAMED_MAX: usize = 3;

/// Reads the master key, or makes it where there is none, and finishes what a rotation left.
///
/// # Errors
/// Where the file cannot be used, or is gone and there are access keys that would stop working with it.
pub(crate) async fn master_key(
    settings: &Settings,
    engine: &Engine,
) -> Result<(KeyFile, MasterKeys), StartError> {
    let path = &settings.aws_master_key_file;
    let keys = engine.aws_keys().await?;
    let living: Vec<&AwsKeyRow> = keys.iter().filter(|key| key.revoked_at.is_none()).collect();
    if !living.is_empty() && secret::private_text(path, settings.mode)?.is_none() {
        let (what, path) = (named(&living), path.display());
        let gone = format!("gamelift.master_key_file: `{path}` is gone, and under it were made {what}");
        if settings.mode == Mode::Serve {
            return Err(StartError::Refused(format!(
                "{gone}: put it back from where it is kept; or give these keys up and begin anew with another one: \
                 (umask 077; openssl rand -hex 32 > '{path}')"
            )));
        }
        tracing::error!("{gone}: another one is made, and they are refused");
    }
    let mut file = KeyFile::load(path, settings.mode, &**engine.ids())?;
    let keys = MasterKeys::new(&file);
    let master = keys.now();
    let shut: Vec<&AwsKeyRow> =
        living.into_iter().filter(|key| master.open(key.id, &key.sealed_secret).is_none()).collect();
    if !shut.is_empty() {
        tracing::error!(
            file = %path.display(),
            "the master key does not open {}, refused from now on: put the right file back, or end what was lost",
            named(&shut)
        );
    }
    file.finish(engine, seal_anew(engine, &master).await);
    keys.replace(&file);
    Ok((file, keys))
}

/// Seals under the newest master key what was sealed under one before it.
pub(crate) async fn seal_anew(engine: &Engine, masters: &Masters) -> Result<(), EngineError> {
    let call = Call::system("gsm:RotateMasterKey", engine.clock().now());
    let anew = |key: &AwsKeyRow| masters.anew(key.id, &key.sealed_secret);
    engine.seal_aws_keys(&call, &anew).await.map(drop)
}

/// `2 access keys (GSMA.., GSMA..)`.
fn named(keys: &[&AwsKeyRow]) -> String {
    let ids: Vec<String> = keys.iter().take(NAMED_MAX).map(|key| access_key(key.id)).collect();
    let more = if keys.len() > NAMED_MAX { ", .." } else { "" };
    let noun = if keys.len() == 1 { "access key" } else { "access keys" };
    format!("{} {noun} ({}{more})", keys.len(), ids.join(", "))
}
