//! Results.
use super::RatingDto;
use gsm_core::{MatchId, PlayerId};
use gsm_engine::{
    ResultView,
    store::{SideChange, Verdict},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A result.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResultDto {
    #[schema(value_type = String)]
    match_id: MatchId,
    mode: String,
    /// When it was reported.
    at: i64,
    /// `counted`, `quarantined` or `disputed` (it does not count until an operator has looked at it), `voided` or
    /// `corrected`.
    verdict: &'static str,
    /// When it was voided or corrected, or held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    ruled_at: Option<i64>,
    /// The place of each side as first reported, where a correction says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_places: Option<Vec<u32>>,
    /// The place of each side, 1 is the best; equal places are a draw.
    places: Vec<u32>,
    /// The score of each side, where one was reported.
    scores: Vec<Option<f64>>,
    /// Players who left before the end.
    #[schema(value_type = Vec<String>)]
    quits: Vec<PlayerId>,
    /// Who played a part of the match alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shares: Vec<ShareDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    /// The variant of the mode that was played, where one is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    /// What it did to each player's rating; nothing while it is voided.
    changes: Vec<ChangeDto>,
}

/// The part of a match that a player played.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShareDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// 0 to 1.
    share: f64,
}

/// What a match did to one rating.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// The side, from 0.
    side: usize,
    place: u32,
    before: RatingDto,
    after: RatingDto,
    /// The score expected, 0 to 1: win 1, draw 0.5, loss 0, the mean over all opponents, by the ratings as the result met
    /// them and with the mode's rating options.
    expected: f64,
    /// The score reached, 0 to 1.
    actual: f64,
}

impl From<ResultView> for ResultDto {
    fn from(view: ResultView) -> Self {
        let row = view.row;
        let change = |change: &SideChange| {
            let side = row.roster.side_of(change.player).unwrap_or(0);
            ChangeDto {
                player_id: change.player,
                side,
                place: row.result.places().get(side).copied().unwrap_or(1),
                before: change.before.into(),
                after: change.after.into(),
                expected: change.expected,
                actual: change.actual,
            }
        };
        let (verdict, ruled_at) = match &row.verdict {
            Verdict::Counted => ("counted", None),
            Verdict::Quarantined { at, .. } => ("quarantined", Some(at.as_millis())),
            Verdict::Disputed { at, .. } => ("disputed", Some(at.as_millis())),
            Verdict::Voided { at, .. } => ("voided", Some(at.as_millis())),
            Verdict::Corrected { at, .. } => ("corrected", Some(at.as_millis())),
        };
        Self {
            match_id: view.match_id,
            mode: row.mode.to_string(),
            at: row.at.as_millis(),
            verdict,
            ruled_at,
            reported_places: row.reported.as_ref().map(|first| first.places().to_vec()),
            places: row.result.places().to_vec(),
            scores: row.result.scores().to_vec(),
            quits: row.result.quits().to_vec(),
            shares: row
                .result
                .shares()
                .iter()
                .map(|(player_id, share)| ShareDto { player_id: *player_id, share: *share })
                .collect(),
            duration_ms: row.result.duration().map(|d| d.get()),
            variant: row.result.variant().map(ToString::to_string),
            changes: row.changes.iter().map(change).collect(),
        }
    }
}
