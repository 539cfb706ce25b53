//! Who calls, and may he: the door's two costly questions by themselves, so that `gsm bench security` can time them.
use crate::{
    api,
    authz::{self, Asked, Subject},
    who::{bearer::Bearers, fetch::Refresher, sessions::Sessions},
};
use gsm_core::{PlayerId, Timestamp};
use gsm_engine::Engine;
use gsm_policy::Policies;
use std::{net::IpAddr, path::Path, sync::Arc};

/// The bearers and the policies of a server, without the server.
pub struct Gate {
    engine: Engine,
    bearers: Bearers,
    policies: Policies,
}

impl Gate {
    /// With its own issuer alone, whose keys are in the engine's store, and the policies of `dir` or those that are shipped.
    ///
    /// # Errors
    /// In words, where the store or the policies cannot be used.
    pub async fn open(engine: Engine, dir: Option<&Path>) -> Result<Self, String> {
        let sessions = Sessions::open(&engine, "gsm", "gsm").await.map_err(|error| error.to_string())?;
        let refresher = Refresher::new([]).map_err(|error| error.to_string())?;
        let policies = authz::policies(dir).map_err(|faults| faults.to_string())?;
        Ok(Self { engine, bearers: Bearers::new(Arc::new(sessions), Vec::new(), refresher), policies })
    }

    /// A session of a player, as a sign-in gives it.
    #[must_use]
    pub fn session(&self, player: PlayerId, now: Timestamp) -> Option<String> {
        self.bearers.sessions.issue(player, &**self.engine.ids(), now).map(|(token, _)| token)
    }

    /// Whether the holder of `token` may do this at this path of the API.
    pub async fn passes(
        &self,
        token: &str,
        action: &str,
        path: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> bool {
        let Ok(Some(bearer)) = self.bearers.identify(&self.engine, token, now).await else { return false };
        let asked = Asked { action, about: Subject::Path(path), address, reason: None };
        authz::decide(&self.policies, api::operations(), &bearer, &asked).allowed
    }
}
