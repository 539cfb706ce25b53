//! What players say of their matches, what they do not agree on, and what looks wrong.
use super::{
    App,
    answer::Answer,
    extract::{Admitted, Json, Params, Query, Read, Write},
    players::page_size,
    results::{ReportDto, to_report},
    rulings::MatchesAfter,
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{MatchId, Mode, PlayerId};
use gsm_engine::{Candour, Engine, Flag, Principal, ReportsView, store::Verdict};
use gsm_session::{MatchResult, Voice};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// What the players of a match say of its end.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReportsDto {
    match_id: String,
    /// `awaited` (nobody has said anything), `open`, `counted`, `quarantined`, `disputed`, `voided` or `corrected`.
    state: &'static str,
    /// How many must say the same, once somebody has said something.
    #[serde(skip_serializing_if = "Option::is_none")]
    agree: Option<u32>,
    /// When it is decided by what was said so far, while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<i64>,
    /// Why it is in dispute, not believed or void.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Who has reported, the last word last: of a match that counts, whether all agreed or one alone was believed. Empty where nobody
    /// has.
    reports: Vec<SaidDto>,
}

/// What a player says.
#[derive(Serialize, ToSchema)]
pub(crate) struct SaidDto {
    player_id: String,
    /// The player's side, from 0.
    side: usize,
    at: i64,
    /// Absent for other players as long as it is open, as is all that follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<SaidResultDto>,
    /// Whether that is not what counts.
    overruled: bool,
    /// For servers and operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    candour: Option<CandourDto>,
}

/// How a match ended, in somebody's words.
#[derive(Serialize, ToSchema)]
pub(crate) struct SaidResultDto {
    /// Place of each side, in the match's order.
    places: Vec<u32>,
    scores: Vec<Option<f64>>,
    quits: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
}

impl From<&MatchResult> for SaidResultDto {
    fn from(of: &MatchResult) -> Self {
        Self {
            places: of.places().to_vec(),
            scores: of.scores().to_vec(),
            quits: of.quits().iter().map(ToString::to_string).collect(),
            duration_ms: of.duration().map(gsm_core::Millis::get),
            variant: of.variant().map(ToString::to_string),
        }
    }
}

/// How a player's reports went, where not all of a match agreed or an operator ruled otherwise.
#[derive(Serialize, ToSchema)]
pub(crate) struct CandourDto {
    /// Matches that came to a dispute, in which the player had reported.
    disputes: u32,
    /// Reports of the player that were not what counts in the end.
    overruled: u32,
}

impl From<Candour> for CandourDto {
    fn from(of: Candour) -> Self {
        Self { disputes: of.disputes, overruled: of.overruled }
    }
}

impl ReportsDto {
    fn new(view: ReportsView, engine: &Engine, caller: &Principal) -> Self {
        let (state, reason) = match view.result.as_ref().map(|result| &result.row.verdict) {
            None if view.row.is_none() => ("awaited", None),
            None => ("open", None),
            Some(Verdict::Counted) => ("counted", None),
            Some(Verdict::Quarantined { reason, .. }) => ("quarantined", Some(reason)),
            Some(Verdict::Disputed { reason, .. }) => ("disputed", Some(reason)),
            Some(Verdict::Voided { reason, .. }) => ("voided", Some(reason)),
            Some(Verdict::Corrected { .. }) => ("corrected", None),
        };
        let is_open = view.result.is_none();
        let trusted = caller.is_trusted();
        let row = view.row.as_ref();
        let said = |voice: &Voice| {
            let player = voice.player;
            let shown = trusted || !is_open || caller.player() == Some(player);
            SaidDto {
                player_id: player.to_string(),
                side: row.and_then(|row| row.roster.side_of(player)).unwrap_or(0),
                at: voice.at.as_millis(),
                said: shown.then(|| (&voice.result).into()),
                overruled: row.is_some_and(|row| row.overruled.contains(&player)),
                candour: trusted.then(|| engine.candour(player).into()),
            }
        };
        Self {
            match_id: view.match_id.to_string(),
            state,
            agree: row.map(|row| row.agree),
            deadline: row.filter(|_| is_open).map(|row| row.deadline.as_millis()),
            reason: reason.cloned(),
            reports: row.map_or_else(Vec::new, |row| row.voices.all().iter().map(said).collect()),
        }
    }
}

/// Report the result of a match that one plays, where its queue has players report.
///
/// It counts once as many players say the same as the queue asks for; of two or more one must be of another side. Until
/// then one's last word is the one that holds. Players who do not agree are in dispute, which an operator settles. Who
/// was `afk` is for a server to say.
#[utoipa::path(post, path = "/v1/matches/{match_id}/reports", tag = "matches", operation_id = "report_as_player",
    params(("match_id" = String, Path)), request_body = ReportDto,
    responses((status = 200, body = ReportsDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ReportAsPlayer")), ("x-gsm-roles" = json!(["player"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn report(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<ReportDto>>,
) -> Result<Answer<ReportsDto>, ApiError> {
    let id: MatchId = params.get("match_id")?;
    let report = to_report(write.body.0)?;
    let view = app.engine.report_as_player(&write.call, id, &report).await?;
    Ok(Answer(ReportsDto::new(view, &app.engine, &write.call.principal)))
}

/// Read who has reported a match, and what: what others say is shown to players once there is a result.
#[utoipa::path(get, path = "/v1/matches/{match_id}/reports", tag = "matches", operation_id = "get_reports",
    params(("match_id" = String, Path)),
    responses((status = 200, body = ReportsDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetReports")), ("x-gsm-roles" = json!(["player", "server", "admin", "match"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn reports(
    State(app): State<Arc<App>>,
    read: Read,
    params: Params,
) -> Result<Answer<ReportsDto>, ApiError> {
    let view = app.engine.reports(&read.call, params.get("match_id")?).await?;
    Ok(Answer(ReportsDto::new(view, &app.engine, &read.call.principal)))
}

/// A match on whose result its players do not agree.
#[derive(Serialize, ToSchema)]
pub(crate) struct DisputeDto {
    mode: String,
    queue: String,
    #[serde(flatten)]
    of: ReportsDto,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DisputesDto {
    entries: Vec<DisputeDto>,
    /// Asks for the next page; absent after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<MatchId>,
}

/// List matches in dispute, by match id, with what each player says: release (what most say counts), correct or void them.
#[utoipa::path(get, path = "/v1/admin/disputes", tag = "admin", operation_id = "list_disputes",
    params(MatchesAfter),
    responses((status = 200, body = DisputesDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListDisputes")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn disputes(
    State(app): State<Arc<App>>,
    read: Read,
    Query(query): Query<MatchesAfter>,
) -> Result<Answer<DisputesDto>, ApiError> {
    let limit = page_size(query.limit)?;
    let found = app.engine.disputes(query.after, limit).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|of| of.match_id);
    let one = |view: ReportsView| {
        let (mode, queue) = view
            .row
            .as_ref()
            .map_or_else(Default::default, |row| (row.mode.to_string(), row.queue.to_string()));
        DisputeDto { mode, queue, of: ReportsDto::new(view, &app.engine, &read.call.principal) }
    };
    Ok(Answer(DisputesDto { entries: found.into_iter().map(one).collect(), next }))
}

/// Two players who meet too often.
#[derive(Serialize, ToSchema)]
pub(crate) struct FlagDto {
    mode: String,
    /// Both, in the order of all that has two values here.
    players: [String; 2],
    /// Matches that they played against each other within the last 7 days.
    meetings: u32,
    /// Meetings to expect, were opponents drawn evenly from all who play.
    expected: f64,
    /// Matches of each in the mode within that time.
    matches: [u32; 2],
    /// Players seen in the mode of late.
    mode_players: u32,
    /// Meetings that each has won.
    wins: [u32; 2],
    /// The share of the decided meetings that went to the one who won more of them; absent where none was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    one_way: Option<f64>,
    /// In words.
    reason: String,
    /// When it was first seen.
    raised_at: i64,
    /// When the figures were taken: after the last meeting.
    at: i64,
}

impl From<Flag> for FlagDto {
    fn from(Flag { mode, players, row }: Flag) -> Self {
        Self {
            mode: mode.to_string(),
            players: players.map(|player| player.to_string()),
            meetings: row.meetings,
            expected: row.expected,
            matches: row.matches,
            mode_players: row.players,
            wins: row.wins,
            one_way: row.one_way(),
            reason: row.reason(),
            raised_at: row.raised_at.as_millis(),
            at: row.at.as_millis(),
        }
    }
}

/// A player whose reports were often not what counts.
#[derive(Serialize, ToSchema)]
pub(crate) struct OverruledDto {
    player_id: String,
    #[serde(flatten)]
    candour: CandourDto,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct FlagsDto {
    /// Pairs who meet too often, by mode and player ids.
    pairs: Vec<FlagDto>,
    /// Players who were overruled three times or more, the most often first; on the first page.
    overruled: Vec<OverruledDto>,
    /// Asks for the next page of pairs; absent after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FlagsQuery {
    /// Of this mode alone.
    #[param(value_type = Option<String>)]
    mode: Option<Mode>,
    /// 1 to 1,000; 50 if absent.
    limit: Option<usize>,
    /// What the page before gave as `next`; the first page without.
    after: Option<String>,
}

/// A place among the flags, as `mode~player~player`.
fn place(text: &str) -> Result<(Mode, PlayerId, PlayerId), ApiError> {
    let mut parts = text.split('~');
    let mut next = || parts.next().unwrap_or_default();
    let (mode, one, other) = (next(), next(), next());
    match (Mode::new(mode), one.parse(), other.parse(), parts.next()) {
        (Ok(mode), Ok(one), Ok(other), None) => Ok((mode, one, other)),
        _ => Err(ApiError::parameter("after", "not the `next` of a page")),
    }
}

/// List what looks wrong: pairs who meet far more often than to be expected, and players whose reports are often overruled.
///
/// Nothing follows from a flag by itself. It goes 30 days after the last meeting that was too many.
#[utoipa::path(get, path = "/v1/admin/flags", tag = "admin", operation_id = "list_flags",
    params(FlagsQuery),
    responses((status = 200, body = FlagsDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListFlags")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn flags(
    State(app): State<Arc<App>>,
    _: Admitted,
    Query(query): Query<FlagsQuery>,
) -> Result<Answer<FlagsDto>, ApiError> {
    let limit = page_size(query.limit)?;
    let after = query.after.as_deref().map(place).transpose()?;
    let overruled = if after.is_none() { app.engine.often_overruled(limit) } else { Vec::new() };
    let found = app.engine.flags(query.mode.as_ref(), after, limit).await?;
    let next = found.last().filter(|_| found.len() == limit);
    let next = next.map(|Flag { mode, players: [one, other], .. }| format!("{mode}~{one}~{other}"));
    let one = |(player, candour): (PlayerId, Candour)| OverruledDto {
        player_id: player.to_string(),
        candour: candour.into(),
    };
    Ok(Answer(FlagsDto {
        pairs: found.into_iter().map(Into::into).collect(),
        overruled: overruled.into_iter().map(one).collect(),
        next,
    }))
}
