//! What a model has learnt of one player, for who asks what is kept of him.
use crate::{experts::EXPERTS, model::Model};
use gsm_core::Timestamp;
use gsm_rating::Rating;

/// The rating systems that run side by side, by the names of their features.
const EXPERT_NAMES: [&str; EXPERTS] = ["base", "fast", "win_loss", "glicko", "elo"];

/// What a model has learnt of a player.
#[derive(Clone, Debug, PartialEq)]
pub struct Portrait {
    /// Matches that were learnt from, at least 1.
    pub matches: u32,
    /// When the first and the last of them were.
    pub first_at: Timestamp,
    /// See there.
    pub last_at: Timestamp,
    /// Matches won, a draw as one half, and matches drawn.
    pub wins: f64,
    /// See there.
    pub draws: f64,
    /// A fading sum of surprises: results less what was expected of them.
    pub form: f64,
    /// A fading mean of margins, in units of usual ones; 0 where no match had scores.
    pub margin: f64,
    /// A fading mean of squared surprises.
    pub volatility: f64,
    /// How each rating system rates the player, as of the last match.
    pub experts: Vec<(&'static str, Rating)>,
}

impl Model {
    /// What was learnt of a player; none of one without a match.
    #[must_use]
    pub fn portrait(&self, player: u32) -> Option<Portrait> {
        let record = self.records.get(player as usize).filter(|record| record.games > 0)?;
        Some(record.portrait(EXPERT_NAMES.into_iter().zip(self.experts.of(player)).collect()))
    }
}
