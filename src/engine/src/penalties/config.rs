//! What a queue says about penalties.
use crate::{EngineError, QueueConfig};
use gsm_core::Mode;
use gsm_session::{Ladder, OffenceKind};
use serde::{Deserialize, Serialize};

/// Which offences lock a player out, and for how long. Without any ladder a queue keeps out who is locked out by
/// others of the same scope.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Penalties {
    /// Queues of one scope share offences and locks; the queue's mode if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Mode>,
    /// For declining a proposed match, or not answering in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dodge: Option<Ladder>,
    /// For leaving a match before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave: Option<Ladder>,
    /// For being in a match and not playing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub afk: Option<Ladder>,
}

impl Penalties {
    /// The ladder of a kind of offence, where it is one.
    pub(crate) fn ladder(&self, kind: OffenceKind) -> Option<&Ladder> {
        match kind {
            OffenceKind::Dodge => self.dodge.as_ref(),
            OffenceKind::Leave => self.leave.as_ref(),
            OffenceKind::Afk => self.afk.as_ref(),
        }
    }

    /// Refuses what is no ladder, naming the field.
    pub(crate) fn validate(&self) -> Result<(), EngineError> {
        for kind in OffenceKind::ALL {
            if let Some(Err((field, detail))) = self.ladder(kind).map(Ladder::check) {
                return Err(EngineError::invalid(format!("penalties.{}.{field}", kind.as_str()), detail));
            }
        }
        Ok(())
    }
}

impl QueueConfig {
    /// Its penalties with their scope, where it has any.
    pub(crate) fn penal(&self) -> Option<(Mode, &Penalties)> {
        let rules = self.penalties.as_ref()?;
        Some((rules.scope.clone().unwrap_or_else(|| self.mode.clone()), rules))
    }
}
