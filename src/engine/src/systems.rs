//! How modes rate, kept for as long as a result names it: whatever a queue is set to later, what was rated is rated again
//! as it was.
use crate::{
    Call, Engine, EngineError,
    generations::Generations,
    hash,
    store::{Expect, Home, Key, Op, Row},
};
use gsm_core::Mode;
use gsm_rating::{System, options::Options};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How a mode rates: a system with its settings and what is learnt, and the mode's options.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scheme {
    pub(crate) system: System,
    #[serde(default, skip_serializing_if = "Options::are_off")]
    pub(crate) options: Options,
}

/// The name of a scheme, or of a system alone: a hash of its settings.
pub(crate) fn name_of(json: &str) -> u64 {
    hash::name64("gsm rating system 1", &[json.as_bytes()])
}

/// Schemes of one generation: a mode whose system learns has another one with each publication, and histories are gone
/// through about in the order in which they came.
const GENERATION_MAX: usize = 1_024;

/// Schemes in memory, by name; one that is not there is read.
pub(crate) type Schemes = Generations<u64, Arc<Scheme>, GENERATION_MAX>;

impl Engine {
    /// The system by which a mode is rated today.
    pub(crate) fn system_of(&self, mode: &Mode) -> System {
        self.rated_by(mode).system
    }

    /// How a mode is rated today.
    pub(crate) fn rated_by(&self, mode: &Mode) -> Scheme {
        let Scheme { system, options } = self.views.queues.scheme_of(mode).unwrap_or_default();
        Scheme { system: self.views.learning.applied(mode, system), options }
    }

    /// How a mode's new results are rated, and the name under which that is kept from now on: for who lets one rest on it.
    pub(crate) async fn scheme_of(&self, mode: &Mode) -> Result<(u64, Arc<Scheme>), EngineError> {
        let scheme = self.rated_by(mode);
        if let Some((name, kept)) = self.current.lock().get(mode).filter(|(_, kept)| **kept == scheme) {
            return Ok((*name, kept.clone()));
        }
        let json = serde_json::to_string(&scheme).map_err(|e| EngineError::invalid("rating", e))?;
        let name = name_of(&json);
        let mut changes = self.changes(&Call::system("gsm:KeepSystem", self.clock.now()), &[]);
        changes.audit = None;
        // Its name is its content: whoever writes it again writes the same.
        let op = Op::Put { row: Arc::new(Row::System(json)), expires_at: None };
        changes.write(Key::System(name), Expect::Any, op);
        self.commit(Home::Record, changes).await?;
        let scheme = Arc::new(scheme);
        self.schemes.lock().put(name, scheme.clone());
        self.current.lock().insert(mode.clone(), (name, scheme.clone()));
        Ok((name, scheme))
    }

    /// The scheme of this name.
    pub(crate) async fn scheme(&self, name: u64) -> Result<Arc<Scheme>, EngineError> {
        if let Some(kept) = self.schemes.lock().get(name) {
            return Ok(kept);
        }
        let key = Key::System(name);
        // It was kept before any result named it: none is a stale read.
        let found = self.get_one(&key).await?.ok_or(EngineError::Raced(None))?;
        let Row::System(json) = &*found.row else { return Err(EngineError::damaged(&key)) };
        let scheme: Scheme = serde_json::from_str(json).map_err(|_| EngineError::damaged(&key))?;
        let scheme = Arc::new(scheme);
        self.schemes.lock().put(name, scheme.clone());
        Ok(scheme)
    }
}
