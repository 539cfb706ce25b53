//! Push: a player's events over WebSocket or SSE, resumed by cursor.
mod feed;

use super::{
    App,
    answer::Answer,
    dto::{EstimatedWaitDto, PredictionDto, RatingDto, RoleDto},
    extract::{Query, Read},
};
use crate::problem::{ApiError, Problem};
use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response, Sse, sse::Event},
};
use feed::Feed;
use futures::{SinkExt, StreamExt, stream};
use gsm_core::{Timestamp, limits};
use gsm_engine::{
    EngineError, PushItem,
    store::{Cursor, PushKind, RankNews},
};
use serde::{Deserialize, Serialize};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use utoipa::{IntoParams, ToSchema};

/// Between two signs of life on a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A WebSocket that has shown no sign of life for so long is closed.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Bytes of a message from a client; none is needed.
const CLIENT_MESSAGE_BYTES_MAX: usize = 1_024;
/// The subprotocol of browsers, which send their token as another one.
const PROTOCOL: &str = "gsm.v1";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// The cursor of the last message seen; absent: from now on.
    cursor: Option<String>,
}

/// A message of the stream.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum EventDto {
    /// The first message: where the stream stands.
    Hello { cursor: String },
    /// A ticket of the player changed its state.
    Ticket {
        cursor: String,
        at: i64,
        ticket_id: String,
        state: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        proposal_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        answer_by: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        match_id: Option<String>,
        /// The player's role in the match, where the rule set gives one.
        #[serde(skip_serializing_if = "Option::is_none")]
        role: Option<RoleDto>,
        /// What was predicted of the match, once it is formed.
        #[serde(skip_serializing_if = "Option::is_none")]
        prediction: Option<PredictionDto>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// While it waits, once enough others have ended; on a stream, not on a page.
        #[serde(skip_serializing_if = "Option::is_none")]
        estimated_wait: Option<EstimatedWaitDto>,
    },
    /// The player's ticket still waits, and will for longer or shorter than was told last. Not kept: the cursor is that of
    /// the last event.
    Wait { cursor: String, at: i64, ticket_id: String, estimated_wait: EstimatedWaitDto },
    /// A match of the player changed its state.
    Match {
        cursor: String,
        at: i64,
        match_id: String,
        state: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        connection: Option<String>,
        /// What was predicted of it, until it has ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        prediction: Option<PredictionDto>,
    },
    /// The player's rating moved.
    Rating {
        cursor: String,
        at: i64,
        mode: String,
        match_id: String,
        /// What about the match moved it: `result`, `void` or `correction`.
        cause: &'static str,
        before: RatingDto,
        after: RatingDto,
    },
    /// The player has spoiled a match for others, or that was taken back (`lifted`).
    Penalty {
        cursor: String,
        at: i64,
        /// The queues that it counts in: a mode, or what the queues say.
        scope: String,
        /// `dodge`, `leave` or `afk`.
        offence: &'static str,
        /// Absent where all offences of the kind were taken back.
        #[serde(skip_serializing_if = "Option::is_none")]
        match_id: Option<String>,
        lifted: bool,
        /// Until when the player is locked out for this kind of offence; absent: not at all.
        #[serde(skip_serializing_if = "Option::is_none")]
        locked_until: Option<i64>,
    },
    /// The players of a match of the player do not agree how it ended; an operator will say.
    Dispute { cursor: String, at: i64, match_id: String, reason: String },
    /// The player is among the best `top` of a board that is watched, and was not.
    EnteredTop {
        cursor: String,
        at: i64,
        #[serde(flatten)]
        place: BoardPlace,
        top: u32,
    },
    /// The player is no longer among the best `top` of a board that is watched.
    LeftTop {
        cursor: String,
        at: i64,
        #[serde(flatten)]
        place: BoardPlace,
        top: u32,
    },
    /// Friends are ahead of the player on a board that is watched, and were not.
    Overtaken {
        cursor: String,
        at: i64,
        #[serde(flatten)]
        place: BoardPlace,
        /// How many friends.
        friends: u32,
        /// The best 16 of them, best first.
        by: Vec<AheadDto>,
    },
    /// The player has more in the first column of a board than ever before; less, where less is better.
    PersonalBest {
        cursor: String,
        at: i64,
        #[serde(flatten)]
        place: BoardPlace,
        value: f64,
        /// The best before.
        before: f64,
    },
}

/// Where the player stands on a board.
#[derive(Serialize, ToSchema)]
pub(crate) struct BoardPlace {
    board: String,
    rank: u64,
    /// Players ranked on the board.
    players: u64,
    /// Share of the others who are not better, 0 to 100.
    percentile: f64,
}

/// A friend who is ahead.
#[derive(Serialize, ToSchema)]
pub(crate) struct AheadDto {
    player_id: String,
    rank: u64,
}

fn rank_event(cursor: String, at: i64, place: BoardPlace, news: RankNews) -> EventDto {
    match news {
        RankNews::EnteredTop { top } => EventDto::EnteredTop { cursor, at, place, top },
        RankNews::LeftTop { top } => EventDto::LeftTop { cursor, at, place, top },
        RankNews::Overtaken { by, friends } => {
            let ahead = |(player, rank): (gsm_core::PlayerId, gsm_core::Rank)| AheadDto {
                player_id: player.to_string(),
                rank: rank.get(),
            };
            EventDto::Overtaken { cursor, at, place, friends, by: by.into_iter().map(ahead).collect() }
        }
        RankNews::PersonalBest { value, before } => {
            EventDto::PersonalBest { cursor, at, place, value, before }
        }
    }
}

fn cursor_text(cursor: Cursor) -> String {
    format!("{}-{}", cursor.sequence, cursor.index)
}

/// The cursor that a client gives back.
async fn given_cursor(app: &App, read: &Read, text: Option<&str>) -> Result<Option<Cursor>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let cursor = parse_cursor(text)?;
    let player = read.call.principal.player().ok_or(EngineError::Forbidden)?;
    if app.engine.may_have_given(player, cursor).await? {
        return Ok(Some(cursor));
    }
    Err(ApiError::parameter("cursor", "was not given out by this server: leave it out to begin anew"))
}

fn parse_cursor(text: &str) -> Result<Cursor, ApiError> {
    let plain = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    text.split_once('-')
        .filter(|(sequence, index)| plain(sequence) && plain(index))
        .and_then(|(sequence, index)| {
            Some(Cursor { sequence: sequence.parse().ok()?, index: index.parse().ok()? })
        })
        .ok_or_else(|| ApiError::parameter("cursor", "not a cursor of this stream"))
}

impl From<PushItem> for EventDto {
    fn from(item: PushItem) -> Self {
        let (cursor, at) = (cursor_text(item.cursor), item.event.at.as_millis());
        match item.event.kind {
            PushKind::Ticket { ticket, state, proposal, answer_by, match_id, role, prediction, reason } => {
                Self::Ticket {
                    cursor,
                    at,
                    ticket_id: ticket.to_string(),
                    state: state.as_str(),
                    proposal_id: proposal.map(|id| id.to_string()),
                    answer_by: answer_by.map(|at| at.as_millis()),
                    match_id: match_id.map(|id| id.to_string()),
                    role: role.map(Into::into),
                    prediction: prediction.map(|of| (*of).into()),
                    reason,
                    estimated_wait: None,
                }
            }
            PushKind::Match { match_id, state, connection, prediction } => Self::Match {
                cursor,
                at,
                match_id: match_id.to_string(),
                state: state.as_str(),
                connection,
                prediction: prediction.map(|of| (*of).into()),
            },
            PushKind::Rating { mode, match_id, cause, before, after } => Self::Rating {
                cursor,
                at,
                mode: mode.to_string(),
                match_id: match_id.to_string(),
                cause: cause.as_str(),
                before: before.into(),
                after: after.into(),
            },
            PushKind::Penalty { scope, offence, match_id, lifted, locked_until } => Self::Penalty {
                cursor,
                at,
                scope: scope.to_string(),
                offence: offence.as_str(),
                match_id: match_id.map(|id| id.to_string()),
                lifted,
                locked_until: locked_until.map(|at| at.as_millis()),
            },
            PushKind::Dispute { match_id, reason } => {
                Self::Dispute { cursor, at, match_id: match_id.to_string(), reason }
            }
            PushKind::Rank { board, rank, players, percentile, news } => {
                let place = BoardPlace { board: board.to_string(), rank: rank.get(), players, percentile };
                rank_event(cursor, at, place, news)
            }
        }
    }
}

fn text(event: &EventDto) -> String {
    serde_json::to_string(event).unwrap_or_default()
}

/// Opens the player's stream; the first message tells where it stands.
async fn open(app: Arc<App>, read: &Read, cursor: Option<Cursor>) -> Result<(EventDto, Feed), ApiError> {
    let player = read.call.principal.player().ok_or(EngineError::Forbidden)?;
    let subscription = app.engine.subscribe(player, cursor).await?;
    let stands = match cursor {
        Some(cursor) => cursor,
        None => app.engine.last_event(player).await?,
    };
    let feed = Feed::new(app, &read.call, player, subscription, stands).await?;
    Ok((EventDto::Hello { cursor: cursor_text(stands) }, feed))
}

/// Returns when the token ends by which a stream was opened; never where it does not.
async fn token_ends(app: Arc<App>, until: Option<Timestamp>) {
    let Some(until) = until else { return std::future::pending().await };
    let left = until.since(app.engine.clock().now());
    tokio::time::sleep(Duration::from_millis(left.get())).await;
}

/// Follow one's events over a WebSocket.
///
/// Text messages, each one JSON object with `type` and `cursor`; the first is `hello`. After a break connect again with
/// the last `cursor`: what happened in between (10 minutes, 256 events) comes first. While a ticket waits, `wait` tells
/// how long, every five seconds at most and only when that has changed; it is not kept. Clients send nothing. Browsers,
/// which can set no header, offer the subprotocols `gsm.v1` and `bearer.<token>`. When the token ends, so does the stream (1008).
#[utoipa::path(get, path = "/v1/stream", tag = "push", operation_id = "stream_websocket",
    params(StreamQuery),
    responses((status = 101, description = "Switches to the WebSocket"), (status = 200, body = EventDto, description = "The shape of a message"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:Subscribe")), ("x-gsm-roles" = json!(["player"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn websocket(
    State(app): State<Arc<App>>,
    read: Read,
    Query(query): Query<StreamQuery>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|error| {
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_upgrade", error.body_text())
            .hint("connect with a WebSocket client, or read GET /v1/events")
    })?;
    let cursor = given_cursor(&app, &read, query.cursor.as_deref()).await?;
    let stop = app.stop.clone();
    let ends = token_ends(app.clone(), read.until);
    let (hello, feed) = open(app, &read, cursor).await?;
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(CLIENT_MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| follow(socket, hello, feed, stop, ends)))
}

async fn follow(
    socket: WebSocket,
    hello: EventDto,
    mut feed: Feed,
    stop: CancellationToken,
    ends: impl Future<Output = ()>,
) {
    let (mut out, mut input) = socket.split();
    let close = |code, reason: &'static str| Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    let mut ping = tokio::time::interval(KEEP_ALIVE);
    ping.tick().await;
    let silence = tokio::time::sleep(SILENCE_MAX);
    tokio::pin!(silence, ends);
    if out.send(Message::text(text(&hello))).await.is_err() {
        return;
    }
    loop {
        let message = tokio::select! {
            event = feed.next() => match event {
                Some(event) => Message::text(text(&event)),
                None => close(1013, "too slow: connect again with the last cursor"),
            },
            received = input.next() => match received {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                    silence.as_mut().reset(tokio::time::Instant::now() + SILENCE_MAX);
                    continue;
                }
                Some(Ok(Message::Text(_) | Message::Binary(_))) => close(1003, "clients send nothing here"),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
            _ = ping.tick() => Message::Ping(bytes::Bytes::new()),
            () = &mut silence => return,
            () = &mut ends => close(1008, "the token has ended: connect again with another and the last cursor"),
            () = stop.cancelled() => close(1012, "the server is stopping: connect again with the last cursor"),
        };
        let last = matches!(message, Message::Close(_));
        if tokio::time::timeout(SILENCE_MAX, out.send(message)).await.is_err_or_failed() || last {
            return;
        }
    }
}

/// Whether a bounded send did not succeed.
trait Failed {
    fn is_err_or_failed(&self) -> bool;
}

impl<E> Failed for Result<Result<(), E>, tokio::time::error::Elapsed> {
    fn is_err_or_failed(&self) -> bool {
        !matches!(self, Ok(Ok(())))
    }
}

/// The message as server-sent events have it: its cursor is the event's id.
fn sse(event: &EventDto) -> Result<Event, Infallible> {
    let cursor = match event {
        EventDto::Hello { cursor }
        | EventDto::Ticket { cursor, .. }
        | EventDto::Wait { cursor, .. }
        | EventDto::Match { cursor, .. }
        | EventDto::Rating { cursor, .. }
        | EventDto::Penalty { cursor, .. }
        | EventDto::Dispute { cursor, .. }
        | EventDto::EnteredTop { cursor, .. }
        | EventDto::LeftTop { cursor, .. }
        | EventDto::Overtaken { cursor, .. }
        | EventDto::PersonalBest { cursor, .. } => cursor.clone(),
    };
    Ok(Event::default().id(cursor).data(text(event)))
}

/// A page of events, for those who poll.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventsDto {
    /// Oldest first.
    events: Vec<EventDto>,
    /// Give it as `cursor` next time.
    cursor: String,
}

/// Follow one's events as server-sent events, or read a page of them.
///
/// With `Accept: text/event-stream`: the same messages as the WebSocket's, each with its cursor as `id`, so that a
/// browser's EventSource resumes by itself with `Last-Event-ID`. Otherwise one page as JSON: what is kept after
/// `cursor`, for clients that poll. When the token ends, so does the stream.
#[utoipa::path(get, path = "/v1/events", tag = "push", operation_id = "read_events",
    params(StreamQuery),
    responses((status = 200, content((EventsDto = "application/json"), (EventDto = "text/event-stream"))),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("bearer" = [])),
    extensions(("x-gsm-action" = json!("gsm:Subscribe")), ("x-gsm-roles" = json!(["player"])), ("x-gsm-mutating" = json!(false))))]
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    read: Read,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let last_seen = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    // What the browser adds when it comes back is newer than what the page wrote into the address.
    let cursor = last_seen.or(query.cursor.as_deref());
    let cursor = given_cursor(&app, &read, cursor).await?;
    if !wants_stream(&headers) {
        return Ok(Answer(page(&app, &read, cursor.unwrap_or_default()).await?).into_response());
    }
    let stop = app.stop.clone();
    let ends = token_ends(app.clone(), read.until);
    let (hello, feed) = open(app, &read, cursor).await?;
    let first = stream::iter([sse(&hello)]);
    let rest = stream::unfold(feed, |mut feed| async move {
        let event = feed.next().await?;
        Some((sse(&event), feed))
    });
    let all = first.chain(rest).take_until(stop.cancelled_owned()).take_until(Box::pin(ends));
    let keep_alive = axum::response::sse::KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(all).keep_alive(keep_alive).into_response())
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(',')).filter_map(|kind| kind.split(';').next());
    kinds.any(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

async fn page(app: &App, read: &Read, after: Cursor) -> Result<EventsDto, ApiError> {
    let player = read.call.principal.player().ok_or(EngineError::Forbidden)?;
    let found = app.engine.events(player, after, limits::EVENTS_PER_PLAYER_MAX).await?;
    let cursor = cursor_text(found.last().map_or(after, |item| item.cursor));
    Ok(EventsDto { events: found.into_iter().map(Into::into).collect(), cursor })
}
