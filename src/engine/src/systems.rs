//! Rating systems with their settings, kept for as long as a result names them: whatever a queue is set to later, what
//! was rated is rated again as it was.
use crate::{
    Call, Engine, EngineError,
    store::{Expect, Home, Key, Op, Row},
};
use gsm_core::Mode;
use gsm_rating::System;
use std::sync::Arc;

/// The name of a system: a hash of its settings.
pub(crate) fn name_of(json: &str) -> u64 {
    let hash = blake3::Hasher::new_derive_key("gsm rating system 1").update(json.as_bytes()).finalize();
    let mut name = [0; 8];
    name.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_be_bytes(name)
}

impl Engine {
    /// The system that a mode's new results are rated by, and the name under which it is kept from now on.
    pub(crate) async fn system_of(&self, mode: &Mode) -> Result<(u64, Arc<System>), EngineError> {
        let system = self.views.queues.system_of(mode).unwrap_or_default();
        let system = self.views.learning.applied(mode, system);
        if let Some((name, kept)) = self.current.lock().get(mode).filter(|(_, kept)| **kept == system) {
            return Ok((*name, kept.clone()));
        }
        let json = serde_json::to_string(&system).map_err(|e| EngineError::invalid("rating", e))?;
        let name = name_of(&json);
        let mut changes = self.changes(&Call::system("gsm:KeepSystem", self.clock.now()), &[]);
        changes.audit = None;
        // Its name is its content: whoever writes it again writes the same.
        let op = Op::Put { row: Arc::new(Row::System(json)), expires_at: None };
        changes.write(Key::System(name), Expect::Any, op);
        self.commit(Home::Record, changes).await?;
        let system = Arc::new(system);
        self.systems.lock().insert(name, system.clone());
        self.current.lock().insert(mode.clone(), (name, system.clone()));
        Ok((name, system))
    }

    /// The system of this name.
    pub(crate) async fn system(&self, name: u64) -> Result<Arc<System>, EngineError> {
        if let Some(kept) = self.systems.lock().get(&name) {
            return Ok(kept.clone());
        }
        let key = Key::System(name);
        // It was kept before any result named it: none is a stale read.
        let found = self.get_one(&key).await?.ok_or(EngineError::Raced)?;
        let Row::System(json) = &*found.row else { return Err(EngineError::damaged(&key)) };
        let system: System = serde_json::from_str(json).map_err(|_| EngineError::damaged(&key))?;
        let system = Arc::new(system);
        self.systems.lock().insert(name, system.clone());
        Ok(system)
    }
}
