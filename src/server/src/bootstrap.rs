//! The first admin's key, made while no server runs.
use crate::{StartError, config::Settings, dev, run::open_engine, who::secret};
use gsm_engine::{AdminRole, Call, Role};
use std::path::Path;

/// Makes an admin's key and writes it to `out`, a new file of mode 0600; the key's id.
///
/// # Errors
/// Where there is an admin's key already, the file exists, or a server holds the directory.
pub async fn bootstrap(settings: &Settings, out: &Path) -> Result<String, StartError> {
    let file = |what: &str| StartError::File {
        path: out.display().to_string(),
        source: std::io::Error::new(std::io::ErrorKind::AlreadyExists, what.to_owned()),
    };
    if out.exists() {
        return Err(file("it exists; name another with --out"));
    }
    let (store, engine, _) =
        open_engine(settings, |reason| tracing::error!(reason, "the store has failed")).await?;
    let made = async {
        // Whoever asks for a production key has done with the development ones.
        dev::retire(&engine, &settings.data_dir).await?;
        let known = engine.keys().await?;
        if let Some(key) = known.iter().find(|k| k.admin == Some(AdminRole::Owner) && k.revoked_at.is_none())
        {
            return Err(StartError::Refused(format!(
                "there is an admin's key already, `{}`; more are made by POST /v1/admin/keys",
                key.id
            )));
        }
        let call = Call::system("gsm:IssueKey", engine.clock().now());
        let issued = engine.issue_key(&call, Role::Admin, None, "bootstrap").await?;
        let fail = |source| StartError::File { path: out.display().to_string(), source };
        if let Err(source) = secret::write_private(out, &issued.text) {
            // A key that nobody has must not stand in the way of the next try.
            engine.revoke_key(&Call::system("gsm:RevokeKey", engine.clock().now()), issued.row.id).await?;
            return Err(fail(source));
        }
        Ok(issued.row.id.to_string())
    };
    let made = made.await;
    let closed = tokio::task::spawn_blocking(move || store.close()).await;
    match closed {
        Ok(Ok(())) => made,
        Ok(Err(fault)) => Err(StartError::Fatal(fault.to_string())),
        Err(error) => Err(StartError::Fatal(error.to_string())),
    }
}
