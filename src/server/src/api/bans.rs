//! Bans: what operators keep players from.
use super::{
    App,
    answer::Answer,
    extract::{Admitted, Json, Params, Query, Read, Write},
    players::page_size,
    rulings::reason,
};
use crate::problem::{ApiError, Problem};
use axum::extract::State;
use gsm_core::{Millis, PlayerId, QueueName, Timestamp};
use gsm_engine::{Ban, BanKind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The longest ban that ends, in milliseconds: ten years. A longer one is for good.
const FOR_MS_MAX: u64 = 10 * 365 * 24 * 3_600_000;

/// A ban that holds.
#[derive(Serialize, ToSchema)]
pub(crate) struct BanDto {
    /// `play` (all queues), `queues` (some), or `shadow` (only others in the shadow are met; the player is not told).
    kind: &'static str,
    /// Of `queues`: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    queues: Option<Vec<QueueName>>,
    reason: String,
    /// Who banned; for servers and operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    since: i64,
    /// Until when; absent: for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct BansDto {
    #[schema(value_type = String)]
    player_id: PlayerId,
    /// At most one of each kind.
    bans: Vec<BanDto>,
}

impl BanDto {
    pub(super) fn new(ban: Ban, with_names: bool) -> Self {
        Self {
            kind: ban.kind.as_str(),
            queues: match ban.kind {
                BanKind::Queues(queues) => Some(queues.into_iter().collect()),
                BanKind::Play | BanKind::Shadow => None,
            },
            reason: ban.reason,
            by: with_names.then_some(ban.by),
            since: ban.since.as_millis(),
            until: ban.until.map(Timestamp::as_millis),
        }
    }
}

impl BansDto {
    fn new(player_id: PlayerId, bans: Vec<Ban>, with_names: bool) -> Self {
        Self { player_id, bans: bans.into_iter().map(|ban| BanDto::new(ban, with_names)).collect() }
    }
}

/// Read a player's bans: one's own, or as a server or admin anybody's.
#[utoipa::path(get, path = "/v1/players/{player_id}/bans", tag = "players", operation_id = "get_bans",
    params(("player_id" = String, Path)),
    responses((status = 200, body = BansDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:GetBans")), ("x-gsm-roles" = json!(["player", "server", "admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn bans(
    State(app): State<Arc<App>>,
    read: Read,
    params: Params,
) -> Result<Answer<BansDto>, ApiError> {
    let player: PlayerId = params.get("player_id")?;
    let with_names = read.call.principal.player().is_none();
    Ok(Answer(BansDto::new(player, app.engine.bans(&read.call, player).await?, with_names)))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AllBansDto {
    /// Players with bans that hold, by id.
    entries: Vec<BansDto>,
    /// Asks for the next page; absent after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<PlayerId>,
}

/// Which page of a list by player id.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PlayersAfter {
    /// 1 to 1,000; 50 if absent.
    pub(super) limit: Option<usize>,
    /// What the page before gave as `next`; the first page without.
    #[param(value_type = Option<String>)]
    pub(super) after: Option<PlayerId>,
}

/// List who is banned, by player id, with every ban that holds, also those in the shadow. Those that are over are left out,
/// so a page may be shorter than asked for, and not the last.
#[utoipa::path(get, path = "/v1/admin/bans", tag = "admin", operation_id = "list_bans",
    params(PlayersAfter),
    responses((status = 200, body = AllBansDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:ListBans")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn all(
    State(app): State<Arc<App>>,
    _: Admitted,
    Query(query): Query<PlayersAfter>,
) -> Result<Answer<AllBansDto>, ApiError> {
    let (found, next) = app.engine.all_bans(query.after, page_size(query.limit)?).await?;
    let entries = found.into_iter().map(|(player, bans)| BansDto::new(player, bans, true)).collect();
    Ok(Answer(AllBansDto { entries, next }))
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Play,
    Queues,
    Shadow,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Play => "play",
            Self::Queues => "queues",
            Self::Shadow => "shadow",
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BanPlayer {
    /// `play` (all queues), `queues` (some), or `shadow` (only others in the shadow are met).
    kind: Kind,
    /// Of `queues`: which.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    queues: Vec<QueueName>,
    /// How long, from now on: 1 to 315,360,000,000 ms. Absent: for good.
    for_ms: Option<u64>,
    /// Why, for the audit log, and told to the player (not of `shadow`): 1 to 128 characters.
    reason: String,
}

/// Ban a player, for a while or for good, in the place of a ban of the same kind. A ticket that waits ends; a match goes on.
#[utoipa::path(post, path = "/v1/admin/players/{player_id}/bans", tag = "admin", operation_id = "ban_player",
    params(("player_id" = String, Path)), request_body = BanPlayer,
    responses((status = 200, body = BansDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:BanPlayer")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn ban(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<BanPlayer>>,
) -> Result<Answer<BansDto>, ApiError> {
    let player: PlayerId = params.get("player_id")?;
    let Json(body) = write.body;
    let kind = match body.kind {
        Kind::Queues => BanKind::Queues(body.queues.into_iter().collect()),
        _ if !body.queues.is_empty() => {
            return Err(ApiError::value("queues", format_args!("only together with the kind `queues`")));
        }
        Kind::Play => BanKind::Play,
        Kind::Shadow => BanKind::Shadow,
    };
    if body.for_ms.is_some_and(|ms| !(1..=FOR_MS_MAX).contains(&ms)) {
        return Err(ApiError::value("for_ms", format_args!("1 to {FOR_MS_MAX}; absent: for good")));
    }
    let now = write.call.now;
    let ban = Ban {
        kind,
        reason: reason(&body.reason)?.to_owned(),
        by: write.call.principal.to_string(),
        since: now,
        until: body.for_ms.map(|ms| now.saturating_add(Millis::new(ms))),
    };
    Ok(Answer(BansDto::new(player, app.engine.ban(&write.call, player, &ban).await?, true)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LiftBan {
    /// Which: `play`, `queues` or `shadow`.
    kind: Kind,
    /// Why, for the audit log: 1 to 128 characters.
    reason: String,
}

/// Lift a player's ban. Doing it again changes nothing.
#[utoipa::path(post, path = "/v1/admin/players/{player_id}/bans/lift", tag = "admin", operation_id = "lift_ban",
    params(("player_id" = String, Path)), request_body = LiftBan,
    responses((status = 200, body = BansDto), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:LiftBan")), ("x-gsm-roles" = json!(["admin"])), ("x-gsm-mutating" = json!(true))))]
pub(crate) async fn lift(
    State(app): State<Arc<App>>,
    params: Params,
    write: Write<Json<LiftBan>>,
) -> Result<Answer<BansDto>, ApiError> {
    let player: PlayerId = params.get("player_id")?;
    let Json(body) = write.body;
    let why = reason(&body.reason)?;
    let left = app.engine.lift_ban(&write.call, player, body.kind.as_str(), why).await?;
    Ok(Answer(BansDto::new(player, left, true)))
}
