//! A rating set by hand: an entry of the player's chain like any other.
use super::chain::{Link, depth_after};
use crate::{
    Call, Engine, EngineError,
    store::{AdjustmentKind, AdjustmentRow, Expect, Home, Key, RatingRow, Row},
};
use gsm_core::{AdjustmentId, Mode, PlayerId, limits};

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
        if !self.has_mode(mode) {
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
        let id = AdjustmentId::fresh(&*self.ids);
        let mut tries = self.lines.tries();
        while tries.again().await {
            if let Some(first) = self.replayed(call, Home::Record).await? {
                return Ok(first);
            }
            let (name, scheme) = self.scheme_of(mode).await?;
            let found = self.standings(mode, &[player]).await?.pop().flatten();
            let (from, version) = found.unzip();
            let row = AdjustmentRow {
                mode: mode.clone(),
                player,
                at: call.now,
                depth: depth_after([&from]),
                system: name,
                kind: AdjustmentKind::Set { mean, deviation },
                reason: reason.to_owned(),
                from,
            };
            let link = Link::Adjustment(id, row);
            let mut changes = self.changes(call, &[&player, mode]);
            changes.because(reason);
            let depth = link.place().depth;
            let mut rating = None;
            let mut tallies = self.tallies_by_hand(mode, [(player, call.now)]).await?;
            for moved in link.moved(&scheme) {
                rating.clone_from(&moved.after.rating);
                let key = Key::Rating(mode.clone(), player);
                changes.replace(key, version, Row::Rating(moved.after));
                if let Some(step) = moved.history {
                    tallies.take(player, &step);
                    changes.fold(Key::History(mode.clone(), player, depth), Row::History(step));
                }
            }
            // A hand gives no seats.
            drop(tallies.add_to(&mut changes));
            let key = Key::Adjustment(id);
            let rating = rating.ok_or_else(|| EngineError::damaged(&key))?;
            changes.create(key, link.into_row());
            changes.check(Key::Gate(mode.clone()), Expect::Absent);
            self.remember(&mut changes, call, Home::Record, &rating)?;
            match self.commit(Home::Record, changes).await {
                Ok(_) => return Ok(rating),
                Err(EngineError::Raced(row)) => match self.pass_gate(mode).await {
                    Ok(()) | Err(EngineError::Raced(_)) => tries.lost(row),
                    Err(other) => return Err(other),
                },
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }
}
