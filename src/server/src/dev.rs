//! What a development server has of itself: keys, and queues to play in.
use crate::{StartError, who::secret};
use gsm_core::{Millis, Mode, QueueName};
use gsm_engine::{Call, Engine, EngineError, QueueConfig, Role};
use gsm_matchmaking::{Format, MatchRules, Window};
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// The file in the data directory that keeps the keys between starts.
const FILE: &str = "dev-credentials.json";
/// Marks the keys that `serve` ends: no other key may have it.
pub(crate) const NOTE: &str = "development";

/// The keys of a development server: kept in its data directory, ended when `serve` runs on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DevCredentials {
    /// An admin's key.
    pub admin_key: String,
    /// A game server's key.
    pub server_key: String,
}

/// Makes the queues that are lacking and the keys, or finds the keys of an earlier start.
pub(crate) async fn prepare(engine: &Engine, dir: &Path) -> Result<DevCredentials, StartError> {
    for config in queues().map_err(|e| StartError::Fatal(e.to_string()))? {
        if engine.queue(&config.name).is_err() {
            engine.put_queue(&Call::system("gsm:PutQueue", engine.clock().now()), config).await?;
        }
    }
    let path = dir.join(FILE);
    if let Some(known) = known(engine, &path).await? {
        return Ok(known);
    }
    let call = Call::system("gsm:IssueKey", engine.clock().now());
    let admin_key = engine.issue_key(&call, Role::Admin, None, NOTE).await?.text;
    let server_key = engine.issue_key(&call, Role::Server, None, NOTE).await?.text;
    let made = DevCredentials { admin_key, server_key };
    let fail = |source| StartError::File { path: path.display().to_string(), source };
    let text = serde_json::to_string_pretty(&made).map_err(|e| fail(e.into()))?;
    secret::write_private(&path, &text).map_err(fail)?;
    Ok(made)
}

/// The keys of an earlier start, if they are whole and still good.
async fn known(engine: &Engine, path: &Path) -> Result<Option<DevCredentials>, EngineError> {
    let Some(found) =
        fs::read(path).ok().and_then(|text| serde_json::from_slice::<DevCredentials>(&text).ok())
    else {
        return Ok(None);
    };
    let now = engine.clock().now();
    let good = engine.key_holder(&found.admin_key, now).await?.is_some()
        && engine.key_holder(&found.server_key, now).await?.is_some();
    Ok(good.then_some(found))
}

/// Ends the development keys of a data directory that goes into production.
pub(crate) async fn retire(engine: &Engine, dir: &Path) -> Result<(), StartError> {
    let call = Call::system("gsm:RevokeKey", engine.clock().now());
    for key in engine.keys().await? {
        if key.note == NOTE && key.revoked_at.is_none() {
            engine.revoke_key(&call, key.id).await?;
            tracing::warn!(key_id = %key.id, role = key.role.as_str(), "development key ended");
        }
    }
    match fs::remove_file(dir.join(FILE)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StartError::File { path: dir.join(FILE).display().to_string(), source: error })
        }
        _ => Ok(()),
    }
}

/// `duel` 1v1 without questions, `squad` 3v3 and `arena` free-for-all with acceptance.
fn queues() -> Result<Vec<QueueConfig>, gsm_core::NameError> {
    let queue = |name: &str, format| {
        // Wide and growing fast: a few players of all strengths shall not wait for long.
        let rules = MatchRules { format, window: Window { min: 200.0, growth_per_s: 50.0, max: 3_000.0 } };
        Ok::<_, gsm_core::NameError>(QueueConfig::new(QueueName::new(name)?, Mode::new(name)?, rules))
    };
    let accepted = |queue: QueueConfig| QueueConfig { acceptance_ms: Some(Millis::from_secs(10)), ..queue };
    Ok(vec![
        queue("duel", Format::Teams { teams: 2, size: 1 })?,
        accepted(queue("squad", Format::Teams { teams: 2, size: 3 })?),
        accepted(queue("arena", Format::FreeForAll { min: 3, max: 6, fill_after_ms: Millis::from_secs(5) })?),
    ])
}
