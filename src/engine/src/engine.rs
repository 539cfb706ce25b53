use crate::{
    EngineError,
    events::Events,
    forecasts::RemoteModel,
    jobs::Jobs,
    privacy::Upkeep,
    refusals::Refusals,
    store::{
        ChangeSet, CommitError, Committed, Expect, Fold, Home, Homes, Key, Store, StoreFault, Versioned,
    },
    systems::{Scheme, Schemes},
    token::{KeyRing, TokenKey, TokenKeys},
    turns::{Doors, Lines},
    views::Views,
};
use gsm_core::{Clock, CommitKey, IdSource, Mode, Timestamp, limits};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

/// How often a change set whose fate is unknown is repeated before the caller is told so.
const UNKNOWN_TRIES_MAX: usize = 5;

/// What an engine is told at birth.
pub struct EngineOptions {
    /// This node's name: the owner of its leases.
    pub node: String,
    /// Signs the tokens that this engine issues.
    pub token_key: TokenKey,
}

/// The use cases over the stores. Cheap to share behind an [`Arc`].
pub struct Engine {
    pub(crate) homes: Homes,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) node: String,
    pub(crate) tokens: KeyRing,
    pub(crate) views: Arc<Views>,
    /// Where in the outbox the next turn goes on.
    pub(crate) owed_after: Mutex<Option<Key>>,
    /// How results are rated that are kept, by name.
    pub(crate) schemes: Mutex<Schemes>,
    /// The system that each mode is rated by now, and its name.
    pub(crate) current: Mutex<BTreeMap<Mode, (u64, Arc<Scheme>)>>,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) upkeep: tokio::sync::Mutex<Upkeep>,
    pub(crate) events: Events,
    /// Who elsewhere is asked about formed matches, if anybody is.
    pub(crate) remote: OnceLock<Arc<dyn RemoteModel>>,
    /// When this process began to hear players.
    pub(crate) started_at: Timestamp,
    pub(crate) refusals: Refusals,
    /// Where those wait who change the same rows at once.
    pub(crate) lines: Lines,
    /// Where tickets come in.
    pub(crate) doors: Doors,
    /// Where tickets wait that claim the same players or session. Their tries have tries of their own, in `lines`.
    pub(crate) claiming: Lines,
    /// Who defines a queue or a board: what else is defined decides whether he may, and no row says that. Nobody waits for
    /// it in a line of `lines`.
    pub(crate) defining: tokio::sync::Mutex<()>,
}

impl Engine {
    /// An engine over `homes`, not yet loaded: call [`Engine::load`] before anything else.
    #[must_use]
    pub fn new(homes: Homes, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, options: EngineOptions) -> Self {
        let views = Arc::new(Views::default());
        let fold: Arc<dyn Fold> = views.clone();
        homes.subscribe(&fold);
        let started_at = clock.now();
        Self {
            homes,
            clock,
            ids,
            node: options.node,
            tokens: KeyRing::new(options.token_key.into()),
            views,
            owed_after: Mutex::new(None),
            schemes: Mutex::default(),
            current: Mutex::default(),
            jobs: Arc::default(),
            upkeep: tokio::sync::Mutex::default(),
            events: Events::default(),
            remote: OnceLock::new(),
            started_at,
            refusals: Refusals::default(),
            lines: Lines::default(),
            doors: Doors::default(),
            claiming: Lines::default(),
            defining: tokio::sync::Mutex::default(),
        }
    }

    /// The clock, for faces that make a [`crate::Call`].
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The source of ids.
    #[must_use]
    pub fn ids(&self) -> &Arc<dyn IdSource> {
        &self.ids
    }

    /// Goes on with these keys of tokens: at the start those that a rotation has left, and after one.
    pub fn take_token_keys(&self, keys: TokenKeys) {
        self.tokens.replace(keys);
    }

    /// What the models of modes begin with, and who predicts in their shadow; call it before [`Engine::load`]. A mode
    /// without a champion begins with the first weights of all games.
    pub fn begin_models_with(&self, beginnings: BTreeMap<Mode, crate::Beginning>) {
        self.views.forecasts.begin_with(beginnings);
    }

    pub(crate) fn store(&self, home: Home) -> &Arc<dyn Store> {
        self.homes.of(home)
    }

    pub(crate) async fn get_one(&self, key: &Key) -> Result<Option<Versioned>, EngineError> {
        let mut rows = self.store(key.home()).get(std::slice::from_ref(key)).await?;
        Ok(rows.pop().flatten())
    }

    /// Rows of one home, in the order of `keys`.
    pub(crate) async fn get(&self, home: Home, keys: &[Key]) -> Result<Vec<Option<Versioned>>, EngineError> {
        let mut rows = Vec::with_capacity(keys.len());
        for page in keys.chunks(limits::PAGE_SIZE_MAX) {
            rows.extend(self.store(home).get(page).await?);
        }
        Ok(rows)
    }

    /// Whether a row is surely gone. A read alone may be stale; a change set that does nothing but check is not.
    pub(crate) async fn is_gone(&self, key: Key) -> Result<bool, EngineError> {
        if self.homes.is_one() {
            return Ok(self.get_one(&key).await?.is_none());
        }
        match self.surely(key.home(), &[(key, Expect::Absent)]).await {
            Ok(()) => Ok(true),
            Err(EngineError::Raced(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Makes sure that rows are as they were read: [`EngineError::Raced`] where they are not. A read alone may be stale;
    /// change sets that do nothing but check are not.
    pub(crate) async fn surely(&self, home: Home, read: &[(Key, Expect)]) -> Result<(), EngineError> {
        if self.homes.is_one() {
            return Ok(());
        }
        for part in read.chunks(self.store(home).limits().items_max.max(1)) {
            let mut check = ChangeSet::new(CommitKey::fresh(&*self.ids), self.clock.now());
            for (key, expect) in part {
                check.check(key.clone(), *expect);
            }
            self.commit(home, check).await?;
        }
        Ok(())
    }

    /// Commits, repeating under the same key while the fate is unknown. A conflict is [`EngineError::Raced`]: read
    /// and decide again.
    pub(crate) async fn commit(&self, home: Home, changes: ChangeSet) -> Result<Committed, EngineError> {
        let fate = self.try_commit(home, changes).await;
        match &fate {
            Ok(_) => self.refusals.taken(),
            Err(error) if error.is_of_store() => {
                if let Some(count) = self.refusals.refused(self.clock.now()) {
                    tracing::warn!(count, %error, "commits are not taken");
                }
            }
            Err(_) => {}
        }
        fate
    }

    async fn try_commit(&self, home: Home, mut changes: ChangeSet) -> Result<Committed, EngineError> {
        let store = self.store(home);
        // One record names the request, however many change sets it needs.
        if let Some(audit) = changes.audit.as_mut().filter(|audit| audit.origin.recorded.is_done()) {
            audit.request_id.clear();
        }
        debug_assert!(
            self.homes.is_one() || changes.is_of(home),
            "a change set spans two homes: {changes:?}"
        );
        let mut unknown: Option<StoreFault> = None;
        for _ in 0..UNKNOWN_TRIES_MAX {
            match store.commit(changes.clone()).await {
                Ok(committed) => {
                    if let Some(audit) = &changes.audit {
                        audit.origin.recorded.done();
                    }
                    return Ok(committed);
                }
                Err(CommitError::Conflict { key }) => return Err(EngineError::Raced(Some(key))),
                // The store speaks of this try alone: an earlier one may have been applied.
                Err(CommitError::Refused(what)) if unknown.is_none() => {
                    return Err(EngineError::Refused(what));
                }
                Err(CommitError::TooLarge(what)) if unknown.is_none() => {
                    return Err(EngineError::TooLarge(what));
                }
                Err(
                    CommitError::Refused(what) | CommitError::TooLarge(what) | CommitError::Unknown(what),
                ) => unknown = Some(what),
            }
        }
        Err(EngineError::NoAnswer(unknown.unwrap_or_else(|| StoreFault::new("no answer"))))
    }
}
