//! Who holds a bearer token: a session, a match's host, an API key, or the subject of a trusted issuer.
use super::{
    fetch::Refresher,
    jwt::{self, Issuer, Refused, Taken, Verified},
    sessions::Sessions,
};
use gsm_core::{PlayerId, Timestamp};
use gsm_engine::{AdminRole, Call, Engine, EngineError, MatchFacts, Principal, Role, token::TokenKey};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Verified JWTs that are remembered, so that a signature is checked once.
const REMEMBERED_MAX: usize = 100_000;

/// Who it is, as what, and what its token says of a match.
#[derive(Debug, Clone)]
pub(crate) struct Bearer {
    pub(crate) principal: Principal,
    pub(crate) role: &'static str,
    /// Of an operator, the role.
    pub(crate) admin: Option<AdminRole>,
    pub(crate) facts: Option<Arc<MatchFacts>>,
    /// When the token of a player or of an issuer ends.
    pub(crate) until: Option<Timestamp>,
}

impl Bearer {
    /// Nobody known.
    pub(crate) fn nobody() -> Self {
        Self { principal: Principal::Anonymous, role: "none", admin: None, facts: None, until: None }
    }
}

/// Tokens that were verified, under the keys of one generation.
#[derive(Default)]
struct Remembered {
    generation: u64,
    tokens: HashMap<[u8; 32], (Bearer, Timestamp)>,
}

/// The issuers, our own among them, and the tokens of theirs that were verified.
pub(crate) struct Bearers {
    pub(crate) sessions: Arc<Sessions>,
    issuers: Vec<Issuer>,
    refresher: Arc<Refresher>,
    verified: Mutex<Remembered>,
    checks: AtomicU64,
}

impl Bearers {
    pub(crate) fn new(sessions: Arc<Sessions>, issuers: Vec<Issuer>, refresher: Arc<Refresher>) -> Self {
        Self { sessions, issuers, refresher, verified: Mutex::default(), checks: AtomicU64::new(0) }
    }

    /// Tokens whose signature was checked.
    pub(crate) fn checks(&self) -> u64 {
        self.checks.load(Ordering::Relaxed)
    }

    /// Who holds `token`; `None` if nobody known. `now` is the system's clock, by which issuers date; keys and tokens of
    /// matches end by the engine's.
    pub(crate) async fn identify(
        &self,
        engine: &Engine,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Bearer>, EngineError> {
        let own_now = engine.clock().now();
        if TokenKey::is_ours(token) {
            return Ok(of_match(engine, token, own_now));
        }
        if let Some(holder) = engine.key_holder(token, own_now).await? {
            let role = if holder.admin.is_some() { Role::Admin } else { Role::Server };
            let (principal, admin) = (holder.principal, holder.admin);
            return Ok(Some(Bearer { principal, role: role.as_str(), admin, facts: None, until: None }));
        }
        let hash = *blake3::hash(token.as_bytes()).as_bytes();
        if let Some(bearer) = self.remembered(&hash, now) {
            return Ok(Some(bearer));
        }
        let Some(taken) = self.taken(token) else { return Ok(None) };
        let generation = self.generation();
        let Some((bearer, until)) = self.verify(engine, &taken, now).await? else { return Ok(None) };
        self.remember(hash, &bearer, until, generation, now);
        Ok(Some(bearer))
    }

    /// Takes a token apart whose signature is to be checked.
    fn taken<'t>(&self, token: &'t str) -> Option<Taken<'t>> {
        self.checks.fetch_add(1, Ordering::Relaxed);
        Taken::of(token)
    }

    /// Of a player's token of an outside issuer: the issuer and the subject. Nobody is made.
    pub(crate) async fn subject(&self, token: &str, now: Timestamp) -> Option<Verified> {
        let taken = self.taken(token)?;
        let verified = self.verify_outside(&taken, now).await?;
        (verified.role == Role::Player).then_some(verified)
    }

    async fn verify(
        &self,
        engine: &Engine,
        taken: &Taken<'_>,
        now: Timestamp,
    ) -> Result<Option<(Bearer, Timestamp)>, EngineError> {
        match self.sessions.verify(engine, taken, now).await? {
            Ok(own) => {
                let Ok(player) = own.subject.as_str().parse::<PlayerId>() else { return Ok(None) };
                let principal = Principal::Player(player);
                let until = own.expires_at;
                let role = Role::Player.as_str();
                let bearer = Bearer { principal, role, admin: None, facts: None, until: Some(until) };
                return Ok(Some((bearer, until)));
            }
            // A key of ours, and yet not in order: no other issuer makes it good.
            Err(Refused::Invalid) => return Ok(None),
            Err(Refused::UnknownKey) => {}
        }
        let Some(verified) = self.verify_outside(taken, now).await else { return Ok(None) };
        let until = verified.expires_at;
        Ok(Some((of_issuer(engine, &verified).await?, until)))
    }

    async fn verify_outside(&self, taken: &Taken<'_>, now: Timestamp) -> Option<Verified> {
        match jwt::verify(&self.issuers, taken, now) {
            Ok(verified) => Some(verified),
            Err(Refused::Invalid) => None,
            // The issuer may have begun to sign with a key that we have not seen.
            Err(Refused::UnknownKey) => {
                let issuers = self.issuers.iter().filter(|issuer| issuer.may_have_made(taken));
                let sources: Vec<_> = issuers.map(|issuer| &issuer.keys).collect();
                self.refresher.look_for(&taken.key_id, &sources).await.then_some(())?;
                jwt::verify(&self.issuers, taken, now).ok()
            }
        }
    }

    /// Changes whenever any issuer's keys do.
    fn generation(&self) -> u64 {
        let outside = self.issuers.iter().map(|issuer| issuer.keys.generation());
        outside.fold(self.sessions.generation(), u64::wrapping_add)
    }

    fn remembered(&self, hash: &[u8; 32], now: Timestamp) -> Option<Bearer> {
        let generation = self.generation();
        let mut known = self.verified.lock();
        if known.generation != generation {
            *known = Remembered { generation, tokens: HashMap::new() };
        }
        known.tokens.get(hash).filter(|(_, until)| *until > now).map(|(bearer, _)| bearer.clone())
    }

    fn remember(&self, hash: [u8; 32], bearer: &Bearer, until: Timestamp, generation: u64, now: Timestamp) {
        let mut known = self.verified.lock();
        // Verified under keys that are no longer those in force: to be verified again.
        if known.generation != generation {
            return;
        }
        if known.tokens.len() >= REMEMBERED_MAX {
            known.tokens.retain(|_, (_, until)| *until > now);
            if known.tokens.len() >= REMEMBERED_MAX {
                known.tokens.clear();
            }
        }
        known.tokens.insert(hash, (bearer.clone(), until));
    }
}

/// The host of a match, by the match's own token.
fn of_match(engine: &Engine, token: &str, now: Timestamp) -> Option<Bearer> {
    let claim = engine.match_session(token, now).ok()?;
    Some(Bearer {
        principal: Principal::Match(claim.match_id),
        role: "match",
        admin: None,
        facts: Some(Arc::new(MatchFacts { mode: claim.mode, queue: claim.queue, roster: claim.roster })),
        until: None,
    })
}

async fn of_issuer(engine: &Engine, verified: &Verified) -> Result<Bearer, EngineError> {
    let principal = match verified.role {
        Role::Player => {
            let call = Call {
                action: "gsm:SignIn",
                principal: Principal::Anonymous,
                request_id: String::new(),
                once: None,
                now: engine.clock().now(),
                origin: Default::default(),
            };
            Principal::Player(engine.player_of_subject(&call, &verified.issuer, &verified.subject).await?)
        }
        Role::Server => Principal::Server(format!("{}#{}", verified.issuer, verified.subject)),
        Role::Admin => Principal::Admin(format!("{}#{}", verified.issuer, verified.subject)),
    };
    let until = Some(verified.expires_at);
    Ok(Bearer { principal, role: verified.role.as_str(), admin: verified.admin, facts: None, until })
}
