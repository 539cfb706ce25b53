//! Where players stood in the past.
use super::{
    super::{
        App,
        answer::Answer,
        extract::{Admitted, Viewing},
    },
    part::{OfBoard, PartQuery},
    shown, shows_rating,
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{Clock, PlayerId, Timestamp, limits};
use gsm_engine::{BoardConfig, PastRank, SERIES_MAX};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PastQuery {
    /// One instant, in milliseconds since 1970; up to a second ahead of the server's clock is now. Either this, or `from`, `to` and `points`.
    at: Option<i64>,
    /// The first instant of a series.
    from: Option<i64>,
    /// The last instant of a series; up to a second ahead of the server's clock is now.
    to: Option<i64>,
    /// Instants of a series, evenly spread: 2 to 500; 50 if absent.
    points: Option<usize>,
}

/// Usual instants of a series.
const POINTS_DEFAULT: usize = 50;

impl PastQuery {
    fn instants(&self, clock: &dyn Clock) -> Result<Vec<Timestamp>, ApiError> {
        let (now, wall) = (clock.now().as_millis(), clock.wall().as_millis());
        let latest = now.max(wall).saturating_add_unsigned(limits::CLOCK_LEAD_MS_MAX);
        // The clock of who asks may be a little ahead of ours.
        let past = |at: i64| if at <= latest { at.min(now) } else { at };
        let instants = match (self.at, self.from, self.to) {
            (Some(at), None, None) if self.points.is_none() => vec![past(at)],
            (None, Some(from), Some(to)) => {
                let points = self.points.unwrap_or(POINTS_DEFAULT);
                if !(2..=SERIES_MAX).contains(&points) {
                    return Err(ApiError::parameter("points", format_args!("must be 2 to {SERIES_MAX}")));
                }
                if from >= to {
                    return Err(ApiError::parameter("to", "must be after from"));
                }
                let (from, to) = (i128::from(past(from)), i128::from(past(to)));
                let span = to - from;
                let last = points as i128 - 1;
                (0..=last).map(|nth| (from + span * nth / last) as i64).collect()
            }
            _ => return Err(ApiError::parameter("at", "name either at, or from and to")),
        };
        if instants.last().is_some_and(|last| *last > now) {
            return Err(ApiError::parameter(if self.at.is_some() { "at" } else { "to" }, "is in the future"));
        }
        Ok(instants.into_iter().map(Timestamp::from_millis).collect())
    }
}

/// Where a player stood at an instant.
#[derive(Serialize, ToSchema)]
pub(crate) struct PastDto {
    at: i64,
    /// 1 + the number of strictly better players; absent if the player was not ranked then.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<u64>,
    /// Share of the others ranked then who were not better, 0 to 100; absent without a rank.
    #[serde(skip_serializing_if = "Option::is_none")]
    percentile: Option<f64>,
    /// Where the first column is the rating; absent without a rank.
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<f64>,
    /// A number for each column of the board; absent without a rank.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<f64>>,
    /// Players ranked then.
    players: u64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PastListDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// The board's name.
    mode: String,
    /// In the order of the instants.
    entries: Vec<PastDto>,
}

/// Read where a player stood on a board at a past instant, or at many.
///
/// Exact, as results stand now: those voided since have never been. A part is of those who belong there today; on a board
/// with seasons the instants are of the season asked for. The first question of a board reads all histories of its mode;
/// others of it wait for that, for 5 s, and are answered 503 `board_filling` then. Boards that scores are submitted to have
/// a past if they were defined with `past`; those that rank equals otherwise than by competition have none. Who is hidden
/// has no ranks here either, and who is in the shadow only for himself and for operators.
#[utoipa::path(get, path = "/v1/rankings/{mode}/players/{player_id}/past", tag = "rankings", operation_id = "get_past_rank",
    params(("mode" = String, Path, description = "A board, or a mode for its own board"), ("player_id" = String, Path), PartQuery, PastQuery),
    responses((status = 200, body = PastListDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetPastRank")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-public-read" = json!(true)), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn past(
    State(app): State<Arc<App>>,
    _: Admitted,
    Viewing(viewer): Viewing,
    OfBoard { of, config, params, query }: OfBoard<PastQuery>,
) -> Result<Answer<PastListDto>, ApiError> {
    let player_id: PlayerId = params.get("player_id")?;
    let instants = query.instants(&**app.engine.clock())?;
    let found = app.engine.rank_at(&of, player_id, &instants, viewer).await?;
    let entries = found.into_iter().map(|at| PastDto::new(&config, at)).collect();
    Ok(Answer(PastListDto { player_id, mode: config.name.to_string(), entries }))
}

impl PastDto {
    pub(crate) fn new(config: &BoardConfig, of: PastRank) -> Self {
        let values = of.place.map(|place| shown(config, place.keys.columns()));
        let first = values.as_ref().and_then(|values| values.first().copied());
        Self {
            at: of.at.as_millis(),
            rank: of.place.map(|place| place.rank.get()),
            percentile: of.place.map(|place| place.percentile),
            rating: first.filter(|_| shows_rating(config)),
            values,
            players: of.players,
        }
    }
}
