//! Who holds a bearer token: a session, a match's host, an API key, or the subject of a trusted issuer.
use crate::jwt::{self, Issuer, Verified};
use gsm_core::Timestamp;
use gsm_engine::{Call, Engine, EngineError, MatchFacts, Principal, Role, token::TokenKey};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};

/// Verified JWTs that are remembered, so that a signature is checked once.
const REMEMBERED_MAX: usize = 100_000;

/// Who it is, as what, and what its token says of a match.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    pub(crate) principal: Principal,
    pub(crate) role: &'static str,
    pub(crate) facts: Option<Arc<MatchFacts>>,
}

/// The issuers, and the tokens of theirs that were verified.
pub(crate) struct Bearers {
    issuers: Vec<Issuer>,
    verified: Mutex<HashMap<[u8; 32], (Bearer, Timestamp)>>,
}

impl Bearers {
    pub(crate) fn new(issuers: Vec<Issuer>) -> Self {
        Self { issuers, verified: Mutex::default() }
    }

    /// Who holds `token`; `None` if nobody known.
    pub(crate) async fn identify(
        &self,
        engine: &Engine,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Bearer>, EngineError> {
        if TokenKey::is_ours(token) {
            return Ok(of_ours(engine, token, now));
        }
        if let Some((_, principal)) = engine.key_principal(token).await? {
            let role = if matches!(principal, Principal::Admin(_)) { Role::Admin } else { Role::Server };
            return Ok(Some(Bearer { principal, role: role.as_str(), facts: None }));
        }
        if self.issuers.is_empty() || token.matches('.').count() != 2 {
            return Ok(None);
        }
        let hash = *blake3::hash(token.as_bytes()).as_bytes();
        if let Some((bearer, until)) = self.verified.lock().get(&hash)
            && *until > now
        {
            return Ok(Some(bearer.clone()));
        }
        let Some(verified) = jwt::verify(&self.issuers, token, now) else { return Ok(None) };
        let bearer = of_issuer(engine, &verified, now).await?;
        let mut known = self.verified.lock();
        if known.len() >= REMEMBERED_MAX {
            known.retain(|_, (_, until)| *until > now);
            if known.len() >= REMEMBERED_MAX {
                known.clear();
            }
        }
        known.insert(hash, (bearer.clone(), verified.expires_at));
        Ok(Some(bearer))
    }
}

fn of_ours(engine: &Engine, token: &str, now: Timestamp) -> Option<Bearer> {
    if let Ok(claim) = engine.session(token, now) {
        let principal = Principal::Player(claim.player);
        return Some(Bearer { principal, role: Role::Player.as_str(), facts: None });
    }
    let claim = engine.match_session(token, now).ok()?;
    Some(Bearer {
        principal: Principal::Match(claim.match_id),
        role: "match",
        facts: Some(Arc::new(MatchFacts { mode: claim.mode, queue: claim.queue, roster: claim.roster })),
    })
}

async fn of_issuer(engine: &Engine, verified: &Verified, now: Timestamp) -> Result<Bearer, EngineError> {
    let principal = match verified.role {
        Role::Player => {
            let call = Call {
                action: "gsm:SignIn",
                principal: Principal::Anonymous,
                request_id: String::new(),
                once: None,
                now,
                origin: Default::default(),
            };
            Principal::Player(engine.player_of_subject(&call, &verified.issuer, &verified.subject).await?)
        }
        Role::Server => Principal::Server(format!("{}#{}", verified.issuer, verified.subject)),
        Role::Admin => Principal::Admin(format!("{}#{}", verified.issuer, verified.subject)),
    };
    Ok(Bearer { principal, role: verified.role.as_str(), facts: None })
}
