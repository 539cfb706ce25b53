use crate::{
    Engine, EngineError,
    store::{AuditRecord, ChangeSet, Home, Key, Origin, Recorded, Replay, Row},
};
use gsm_core::{CommitKey, EventId, MatchId, Millis, PlayerId, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// How long the answer to an idempotency key is kept.
pub(crate) const IDEMPOTENCY_RETENTION: Millis = Millis::from_secs(24 * 3_600);

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Signs in, queues, accepts, reads.
    Player,
    /// A game server or back end: creates matches, reports results.
    Server,
    /// Configures queues and keys, corrects ratings.
    Admin,
}

impl Role {
    /// As in tokens and in `x-gsm-roles`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Player => "player",
            Self::Server => "server",
            Self::Admin => "admin",
        }
    }
}

/// What an operator may do; which actions that are is the policy's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminRole {
    /// Looks.
    Viewer,
    /// Helps players: names, penalties, visibility.
    Support,
    /// Runs the service: queues, rule sets, boards, ratings.
    Operator,
    /// Reads what was done, and by whom.
    Auditor,
    /// Everything, keys included.
    Owner,
}

impl AdminRole {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Viewer, Self::Support, Self::Operator, Self::Auditor, Self::Owner];

    /// As in tokens and in policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Owner => "owner",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Nobody known.
    Anonymous,
    /// A player.
    Player(PlayerId),
    /// A game server or back end, by the name of its credential.
    Server(String),
    /// An operator, by the name of its credential.
    Admin(String),
    /// Whoever holds a match's own token.
    Match(MatchId),
    /// Work that nobody asked for: time-outs, the matcher.
    System,
}

impl Principal {
    /// The player, if it is one.
    #[must_use]
    pub fn player(&self) -> Option<PlayerId> {
        if let Self::Player(id) = self { Some(*id) } else { None }
    }
    /// Whether it may say how a match went: its players do not, but in a report of theirs.
    pub(crate) fn may_report(&self, id: MatchId) -> bool {
        self.is_trusted() || *self == Self::Match(id)
    }
    /// Whether it may act for any player.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        matches!(self, Self::Server(_) | Self::Admin(_) | Self::System)
    }
}

impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Player(id) => write!(f, "player:{id}"),
            Self::Server(name) => write!(f, "server:{name}"),
            Self::Admin(name) => write!(f, "admin:{name}"),
            Self::Match(id) => write!(f, "match:{id}"),
            Self::System => f.write_str("system"),
        }
    }
}

/// An idempotency key's scope and the body it came with, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Principal, operation and key.
    pub scope: [u8; 32],
    /// The request's target and body.
    pub body: [u8; 32],
}

impl Fingerprint {
    /// Hashes the parts, each behind its length so that no two splits agree.
    #[must_use]
    pub fn new(principal: &Principal, operation: &str, key: &str, body: &[&[u8]]) -> Self {
        let hash = |parts: &[&[u8]]| {
            let mut hasher = blake3::Hasher::new();
            for part in parts {
                hasher.update(&(part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
            *hasher.finalize().as_bytes()
        };
        let who = principal.to_string();
        Self { scope: hash(&[who.as_bytes(), operation.as_bytes(), key.as_bytes()]), body: hash(body) }
    }
}

/// What every use case is told about the call it serves.
#[derive(Debug, Clone)]
pub struct Call {
    /// The action, as in `x-gsm-action`.
    pub action: &'static str,
    /// Who asks.
    pub principal: Principal,
    /// The request's id.
    pub request_id: String,
    /// The idempotency key, if one came.
    pub once: Option<Fingerprint>,
    /// When the use case began.
    pub now: Timestamp,
    /// For the audit log.
    pub origin: Origin,
}

impl Call {
    /// A call by nobody but the server itself.
    #[must_use]
    pub fn system(action: &'static str, now: Timestamp) -> Self {
        let (principal, origin) = (Principal::System, Origin::default());
        Self { action, principal, request_id: String::new(), once: None, now, origin }
    }

    /// For what has to change before that which the call is for: the record of that one alone names the request.
    pub(crate) fn beforehand(&self) -> Self {
        let origin = Origin { recorded: Recorded::default(), ..self.origin.clone() };
        Self { once: None, request_id: String::new(), origin, ..self.clone() }
    }
}

impl Engine {
    /// A change set that carries its audit record.
    pub(crate) fn changes(&self, call: &Call, resources: &[&(dyn std::fmt::Display + Sync)]) -> ChangeSet {
        let mut changes = ChangeSet::new(CommitKey::fresh(&*self.ids), call.now);
        changes.audit = Some(AuditRecord {
            event_id: EventId::fresh(&*self.ids),
            action: call.action.to_owned(),
            principal: call.principal.to_string(),
            request_id: call.request_id.clone(),
            resources: resources.iter().map(ToString::to_string).collect(),
            reason: None,
            origin: call.origin.clone(),
        });
        changes
    }

    /// The first answer to this call's idempotency key, if it was given before.
    ///
    /// Asked for as an `Option`, it is `Some(None)` where the key was used and no answer is kept: a version before this one
    /// kept none, or it was about a player who was erased since. Such a repeat is answered by what stands now.
    pub(crate) async fn replayed<T: DeserializeOwned>(
        &self,
        call: &Call,
        home: Home,
    ) -> Result<Option<T>, EngineError> {
        let Some(once) = call.once else { return Ok(None) };
        let key = Key::Idempotency(home, once.scope);
        let Some(found) = self.get_one(&key).await? else { return Ok(None) };
        let Row::Replay(replay) = &*found.row else { return Err(EngineError::damaged(&key)) };
        if replay.fingerprint != once.body {
            return Err(EngineError::IdempotencyMismatch);
        }
        serde_json::from_str(&replay.answer).map(Some).map_err(|_| EngineError::damaged(&key))
    }

    /// Stores `answer` with the change, so that the same key gives it again.
    pub(crate) fn remember<T: Serialize>(
        &self,
        changes: &mut ChangeSet,
        call: &Call,
        home: Home,
        answer: &T,
    ) -> Result<(), EngineError> {
        let Some(once) = call.once else { return Ok(()) };
        let key = Key::Idempotency(home, once.scope);
        let answer = serde_json::to_string(answer).map_err(|_| EngineError::damaged(&key))?;
        let row = Row::Replay(Replay { fingerprint: once.body, answer });
        changes.create_until(key, row, call.now.saturating_add(IDEMPOTENCY_RETENTION));
        Ok(())
    }

    /// The answer that a call with this one's idempotency key was given before, where what it changes is no row.
    pub async fn first_answer<T: DeserializeOwned>(&self, call: &Call) -> Result<Option<T>, EngineError> {
        self.replayed(call, Home::Document).await
    }

    /// Records a call that changed something which is no row, and its answer for a repeat.
    pub async fn done_elsewhere<T: Serialize>(
        &self,
        call: &Call,
        resources: &[&(dyn std::fmt::Display + Sync)],
        reason: &str,
        answer: &T,
    ) -> Result<(), EngineError> {
        let mut changes = self.changes(call, resources);
        changes.because(reason);
        self.remember(&mut changes, call, Home::Document, answer)?;
        self.commit(Home::Document, changes).await.map(drop)
    }

    /// Records that the store was older than the audit log beside it: its last commit was `store`, and it goes on behind the
    /// last one that the log tells of, `log`. Call it before [`Engine::load`], so that nothing comes before it.
    pub async fn goes_on_behind_log(&self, store: u64, log: u64) -> Result<(), EngineError> {
        let mut call = Call::system("gsm:ResumeOlderStore", self.clock.now());
        let parameters = format!("{{\"store_commit\":{store},\"log_commit\":{log}}}");
        call.origin.parameters = Some(parameters.into());
        self.commit(Home::Document, self.changes(&call, &[])).await.map(drop)
    }

    /// Uses up this call's idempotency key, if it has one, where there is nothing else to change.
    pub(crate) async fn remember_alone(
        &self,
        call: &Call,
        home: Home,
        resources: &[&(dyn std::fmt::Display + Sync)],
    ) -> Result<(), EngineError> {
        self.answer_alone(call, home, resources, &()).await
    }

    /// The same with an answer.
    pub(crate) async fn answer_alone<T: Serialize>(
        &self,
        call: &Call,
        home: Home,
        resources: &[&(dyn std::fmt::Display + Sync)],
        answer: &T,
    ) -> Result<(), EngineError> {
        if call.once.is_none() {
            return Ok(());
        }
        let mut changes = self.changes(call, resources);
        self.remember(&mut changes, call, home, answer)?;
        self.commit(home, changes).await.map(drop)
    }
}
