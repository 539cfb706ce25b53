//! A rating set by hand.
use super::counting::score_of;
use crate::{
    Call, Engine, EngineError,
    store::{Home, Key, RatingRow, Row},
};
use gsm_core::{Mode, PlayerId, limits};
use gsm_rating::Rating;

impl Engine {
    /// An operator sets a rating by hand, with a reason; games and history stay.
    pub async fn set_rating(
        &self,
        call: &Call,
        mode: &Mode,
        player: PlayerId,
        mean: f64,
        deviation: Option<f64>,
        reason: &str,
    ) -> Result<RatingRow, EngineError> {
        if !self.views.queues.has_mode(mode) {
            return Err(EngineError::Unknown { what: "mode" });
        }
        let above_zero = |d: f64| d.is_finite() && d > 0.0;
        if !mean.is_finite() || mean.abs() > limits::SCORE_ABS_MAX {
            return Err(EngineError::invalid(
                "rating",
                format!("must be within {:e} of 0", limits::SCORE_ABS_MAX),
            ));
        }
        if deviation.is_some_and(|d| !above_zero(d)) {
            return Err(EngineError::invalid("deviation", "must be above 0"));
        }
        self.player_row(player).await?;
        let system = self.views.queues.system_of(mode).unwrap_or_default();
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if let Some(first) = self.replayed(call, Home::Record).await? {
                return Ok(first);
            }
            let key = Key::Rating(mode.clone(), player);
            let old = self.rating_rows(mode, &[player]).await?.pop().flatten();
            let before = old.map_or_else(|| system.initial(), |(row, _)| row.rating);
            let after = Rating { mean, deviation: deviation.unwrap_or(before.deviation), ..before };
            let score = score_of(&after);
            let row = RatingRow {
                rating: after,
                rated_at: call.now,
                games: old.map_or(0, |(row, _)| row.games),
                wins: old.map_or(0, |(row, _)| row.wins),
                draws: old.map_or(0, |(row, _)| row.draws),
                score,
                reached_at: call.now,
            };
            let mut changes = self.changes(call, &[&player, mode]);
            if let Some(audit) = &mut changes.audit {
                audit.reason = Some(reason.to_owned());
            }
            changes.replace(key, old.map(|(_, version)| version), Row::Rating(row));
            self.remember(&mut changes, call, Home::Record, &row)?;
            match self.commit(Home::Record, changes).await {
                Ok(_) => return Ok(row),
                Err(EngineError::Raced) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }
}
