//! Ratings.
use gsm_core::PlayerId;
use gsm_engine::store::RatingRow;
use gsm_rating::Offset;
use serde::Serialize;
use utoipa::ToSchema;

/// A rating with its uncertainty.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RatingDto {
    /// Mean, in points.
    pub(crate) rating: f64,
    /// Deviation, in points: two thirds of the time the true skill is within one deviation.
    pub(crate) deviation: f64,
    /// How much the skill is expected to move; with `kalman` how much of the rating is still that of a newcomer, 1 to 0.
    pub(crate) volatility: f64,
}

impl From<gsm_rating::Rating> for RatingDto {
    fn from(rating: gsm_rating::Rating) -> Self {
        Self { rating: rating.mean, deviation: rating.deviation, volatility: rating.volatility.abs() }
    }
}

/// A player's rating in one mode.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlayerRatingDto {
    #[schema(value_type = String)]
    pub(crate) player_id: PlayerId,
    pub(crate) mode: String,
    #[serde(flatten)]
    pub(crate) rating: RatingDto,
    /// Rated matches.
    pub(crate) games_played: u32,
    /// Matches in which nobody did better, played to the end.
    pub(crate) wins: u32,
    /// Matches in which first place was shared.
    pub(crate) draws: u32,
    pub(crate) losses: u32,
    /// When the last of them ended, or the rating was set by hand or moved by a soft reset, if that is later.
    pub(crate) rated_at: i64,
    /// How the player does in the variants of the mode played last (at most 16), by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) variants: Vec<OffsetDto>,
}

/// How much better or worse than the rating says a player is in one variant of a mode.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OffsetDto {
    variant: String,
    /// In points: the rating in the variant is the rating and this.
    offset: f64,
    /// How unsure that is, in points.
    deviation: f64,
}

fn offsets(row: &RatingRow) -> Vec<OffsetDto> {
    let kept = row.carried.iter().flat_map(|carried| carried.offsets.iter());
    let mut offsets: Vec<OffsetDto> = kept
        .map(|(variant, Offset { mean, deviation })| OffsetDto {
            variant: variant.to_string(),
            offset: mean,
            deviation,
        })
        .collect();
    offsets.sort_unstable_by(|a, b| a.variant.cmp(&b.variant));
    offsets
}

impl PlayerRatingDto {
    pub(crate) fn new(player: PlayerId, mode: &gsm_core::Mode, row: &RatingRow) -> Self {
        Self {
            player_id: player,
            mode: mode.to_string(),
            rating: row.rating.into(),
            games_played: row.games,
            wins: row.wins,
            draws: row.draws,
            losses: row.games.saturating_sub(row.wins).saturating_sub(row.draws),
            rated_at: row.rated_at.as_millis(),
            variants: offsets(row),
        }
    }
}
