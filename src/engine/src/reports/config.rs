//! What a queue says of results that players report themselves.
use crate::{EngineError, QueueConfig};
use gsm_core::{Millis, limits};
use gsm_matchmaking::Format;
use serde::{Deserialize, Serialize};

/// The longest that may be waited for those who have not reported: as long as a match may last.
const DEADLINE_MAX: Millis = Millis::from_secs(24 * 3_600);

/// The players of a match report its result, and it counts once enough say the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reports {
    /// How many must say the same, 1 to [`limits::REPORTING_PLAYERS_MAX`]; of two or more one must be of another side.
    /// In a match of fewer players: all of them.
    pub agree: u32,
    /// How long after the first report it is decided by what was said so far, in milliseconds: 1 to 24 hours.
    #[serde(default = "deadline")]
    pub deadline_ms: Millis,
    /// What becomes of a match of which a whole side has not said anything by then, and nobody something else.
    #[serde(default)]
    pub silence: Silence,
}

/// What becomes of a match of which a side stays silent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// It never counts, unless an operator says so.
    #[default]
    Void,
    /// It counts as it was reported: who loses and says nothing has lost.
    Count,
    /// It waits for an operator.
    Dispute,
}

const fn deadline() -> Millis {
    Millis::from_secs(300)
}

impl Reports {
    /// Refuses what could never work, naming the field.
    pub(crate) fn validate(&self, queue: &QueueConfig) -> Result<(), EngineError> {
        let most = limits::REPORTING_PLAYERS_MAX;
        if !(1..=most).contains(&(self.agree as usize)) {
            return Err(EngineError::invalid("reports.agree", format!("must be 1 to {most}")));
        }
        if self.deadline_ms == Millis::ZERO || self.deadline_ms > DEADLINE_MAX {
            let detail = format!("must be 1 to {} milliseconds", DEADLINE_MAX.get());
            return Err(EngineError::invalid("reports.deadline_ms", detail));
        }
        // A rule set may say otherwise; then matches of more are for a server to report.
        let players = match queue.rules.format {
            Format::Teams { teams, size } => teams.saturating_mul(size),
            Format::FreeForAll { max, .. } => max,
        };
        if queue.rule_set.is_none() && players > most {
            let detail = format!("players report matches of up to {most} players");
            return Err(EngineError::invalid("reports", detail));
        }
        Ok(())
    }
}
