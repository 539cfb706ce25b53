use super::KalmanSettings;
use crate::{Entrant, Rating};

/// A side as one player, in natural units from a newcomer's mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Team {
    pub(super) place: u32,
    pub(super) mean: f64,
    pub(super) variance: f64,
    /// How much of the mean is a newcomer's prior, summed as the means are.
    pub(super) newcomers: f64,
    /// What a player's skill is multiplied by, for a whole share.
    pub(super) scale: f64,
}

impl Team {
    pub(super) fn of<'a>(
        settings: &KalmanSettings,
        place: u32,
        players: impl Iterator<Item = &'a Entrant> + Clone,
    ) -> Self {
        let scale = scale(settings, players.clone().map(|player| player.share).sum());
        let mut team = Self { place, mean: 0.0, variance: 0.0, newcomers: 0.0, scale };
        for player in players {
            let weight = scale * player.share;
            let offset = player.offset.unwrap_or_default().natural();
            team.mean += weight * (settings.mean_of(player.rating) + offset.0);
            team.variance += weight * weight * (settings.variance_of(player.rating) + offset.1);
            team.newcomers += weight * KalmanSettings::prior_of(player.rating);
        }
        team
    }

    /// Of players who all play to the end; nobody plays like one newcomer.
    pub(super) fn of_ratings(settings: &KalmanSettings, players: &[Rating]) -> Self {
        let initial = [settings.initial()];
        let players = if players.is_empty() { &initial } else { players };
        let scale = scale(settings, players.len() as f64);
        let mut team = Self { place: 1, mean: 0.0, variance: 0.0, newcomers: 0.0, scale };
        for player in players {
            team.mean += scale * settings.mean_of(*player);
            team.variance += scale * scale * settings.variance_of(*player);
            team.newcomers += scale * KalmanSettings::prior_of(*player);
        }
        team
    }
}

fn scale(settings: &KalmanSettings, heads: f64) -> f64 {
    if heads == 1.0 || heads <= 0.0 { 1.0 } else { libm::pow(heads, -settings.team_exponent) }
}
