//! "Why +12": what a gain is made of.
use super::{
    App,
    answer::Answer,
    extract::{Params, Read},
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{MatchId, PlayerId};
use gsm_rating::explained::{What, Why};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A part of a gain.
#[derive(Serialize, ToSchema)]
pub(crate) struct WhyItemDto {
    /// `result`, `margin`, `partial_play`, `quit`, `newcomer_fading`, `variant`, `party`, `smurf`, `repeated_pair` or `newcomer`.
    #[schema(value_type = String)]
    what: What,
    /// In points.
    points: f64,
    /// In a sentence.
    text: &'static str,
}

/// Whom a player met.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpponentsDto {
    sides: u32,
    /// The mean of their sides' means, in points.
    mean: f64,
    /// How unsure that is, in points.
    deviation: f64,
}

/// Why one player's rating moved as it did.
#[derive(Serialize, ToSchema)]
pub(crate) struct RatingWhyDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// Before the match, in points, grown to its time.
    before: f64,
    after: f64,
    /// `after` less `before`.
    gain: f64,
    /// The score that was expected, 0 to 1: win 1, draw 0.5, loss 0, the mean over all opponents, so that equals have 0.5
    /// however many sides there are. By the ratings as the result met them, with the mode's rating options; a match's
    /// `sides[].expected` is by the ratings alone when it was made, and of more than two sides a share.
    expected: f64,
    /// The score that was achieved.
    actual: f64,
    /// How unsure the rating was before: the more, the further a result moves it.
    deviation: f64,
    deviation_after: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    opponents: Option<OpponentsDto>,
    /// Points gained per unit of surprise (actual less expected): what Elo calls K.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<f64>,
    /// The parts of the gain; they add up to it.
    items: Vec<WhyItemDto>,
}

fn text(what: What) -> &'static str {
    match what {
        What::Result => "the result against these opponents",
        What::Margin => "how high the win was",
        What::PartialPlay => "somebody played only a part of the match",
        What::Quit => "leaving early counts as a loss to everybody",
        What::NewcomerFading => "what newcomers lack goes with experience",
        What::Variant => "how the players do in this variant of the mode",
        What::Party => "parties that queued together",
        What::Smurf => "a newcomer who beats expectations moves faster",
        What::RepeatedPair => "the same opponents again count less",
        What::Newcomer => "newcomers among the opponents count less",
    }
}

impl RatingWhyDto {
    fn new(player_id: PlayerId, why: Why) -> Self {
        Self {
            player_id,
            before: why.before.mean,
            after: why.after.mean,
            gain: why.gain,
            expected: why.expected,
            actual: why.actual,
            deviation: why.deviation,
            deviation_after: why.after.deviation,
            opponents: why.opponents.map(|of| OpponentsDto {
                sides: of.sides,
                mean: of.mean,
                deviation: of.deviation,
            }),
            step: why.step,
            items: why
                .items
                .iter()
                .map(|item| WhyItemDto { what: item.what, points: item.points, text: text(item.what) })
                .collect(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WhyListDto {
    #[schema(value_type = String)]
    match_id: MatchId,
    /// In the order of the match's sides.
    players: Vec<RatingWhyDto>,
}

/// Read why ratings moved as they did in a match.
///
/// The expected score, the opponents as the system saw them, how unsure the own rating was, and the parts that add up to
/// the gain. As ratings stand now: after a correction, what it made of them.
#[utoipa::path(get, path = "/v1/matches/{match_id}/why", tag = "matches", operation_id = "explain_result",
    params(("match_id" = String, Path)),
    responses((status = 200, body = WhyListDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ExplainResult")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn why(
    State(app): State<Arc<App>>,
    read: Read,
    params: Params,
) -> Result<Answer<WhyListDto>, ApiError> {
    let match_id: MatchId = params.get("match_id")?;
    let whys = app.engine.why(&read.call, match_id).await?;
    let players = whys.into_iter().map(|(player, why)| RatingWhyDto::new(player, why)).collect();
    Ok(Answer(WhyListDto { match_id, players }))
}
