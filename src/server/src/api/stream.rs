//! Push: a player's events over WebSocket or SSE, resumed by cursor.
mod cursor;
mod feed;
mod message;

use super::{
    App,
    answer::Answer,
    extract::{Query, Read},
};
use crate::problem::{ApiError, Problem};
use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response, Sse, sse::Event},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cursor::{cursor_text, given_cursor, last_seen};
use feed::Feed;
use futures::{SinkExt, StreamExt, stream};
use gsm_core::{Millis, Timestamp, limits};
use gsm_engine::{EngineError, store::Cursor};
use message::{EventDto, missed};
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
/// Bytes that a stream reads, and gathers to write, at once. They are held as long as the stream is open, of which there are
/// thousands: little comes in, and events are short.
const BUFFER_BYTES: usize = 4 * 1_024;
/// Bytes that wait for a client who does not read: answers to its pings are left out beyond.
const UNREAD_BYTES_MAX: usize = 1 << 20;
/// How long a client may take to read why its WebSocket is closed.
const CLOSING_MAX: Duration = Duration::from_secs(1);
/// After so long a client comes back to a server that stopped.
const BACK_AFTER: Duration = Duration::from_secs(1);
/// So often the end of a token is compared with the system's clock, which may be set in the meantime.
const CLOCK_LOOK: Duration = Duration::from_secs(60);
/// Why streams end when the server does.
const STOPPING: &str = "the server is stopping: connect again with the last cursor";
/// Bytes of the key of a WebSocket's handshake (RFC 6455, 4.1).
const HANDSHAKE_KEY_BYTES: usize = 16;
/// The version of the protocol (RFC 6455, 4.1).
const VERSION: &str = "13";
/// The subprotocol of browsers, which send their token as another one.
const PROTOCOL: &str = "gsm.v1";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// The cursor of the last message seen; absent: from now on.
    cursor: Option<String>,
}

fn text(event: &EventDto) -> String {
    serde_json::to_string(event).unwrap_or_default()
}

/// Opens the player's stream; the first messages tell where it stands, and whether events may have been missed.
async fn open(app: Arc<App>, read: &Read, cursor: Option<Cursor>) -> Result<(Vec<EventDto>, Feed), ApiError> {
    let player = read.call.principal.player().ok_or(EngineError::Forbidden)?;
    let stands = match cursor {
        Some(cursor) => cursor,
        None => app.engine.last_event(player).await?,
    };
    let subscription = app.engine.subscribe(player, Some(stands)).await?;
    let gap = subscription.gap().filter(|_| cursor.is_some());
    let feed = Feed::new(app, &read.call, player, subscription, gap.unwrap_or(stands)).await?;
    read.opens_stream();
    let hello = EventDto::Hello { cursor: cursor_text(stands) };
    Ok((std::iter::once(hello).chain(missed(gap)).collect(), feed))
}

/// Returns when the token ends by which a stream was opened; never where it does not.
async fn token_ends(app: Arc<App>, until: Option<Timestamp>) {
    let Some(until) = until else { return std::future::pending().await };
    loop {
        let left = until.since(app.engine.clock().wall());
        if left == Millis::ZERO {
            return;
        }
        tokio::time::sleep(left.as_duration().min(CLOCK_LOOK)).await;
    }
}

/// Follow one's events over a WebSocket.
///
/// Text messages, each one JSON object with `type` and `cursor`; the first is `hello`. After a break connect again with
/// the last `cursor`: what happened in between (10 minutes, 256 events) comes first, after `missed` where that may not be
/// all. While a ticket waits, `wait` tells
/// how long and why, every five seconds at most and only when that has changed; it is not kept. Clients send nothing. Browsers,
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
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let invalid = |detail: String| {
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_upgrade", detail)
            .hint("connect with a WebSocket client, or read GET /v1/events")
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        // RFC 6455, 4.2.2: the answer says which version it would be.
        Err(error @ WebSocketUpgradeRejection::InvalidWebSocketVersionHeader(_)) => {
            let version = [(header::SEC_WEBSOCKET_VERSION, VERSION)];
            return Ok((version, invalid(error.body_text())).into_response());
        }
        Err(error) => return Err(invalid(error.body_text())),
    };
    let key = headers.get(header::SEC_WEBSOCKET_KEY).and_then(|key| STANDARD.decode(key).ok());
    if key.is_none_or(|key| key.len() != HANDSHAKE_KEY_BYTES) {
        return Err(invalid("`Sec-WebSocket-Key` is not 16 bytes in base64".to_owned()));
    }
    let cursor = given_cursor(&app, &read, query.cursor.as_deref()).await?;
    let stop = app.stop.clone();
    let ends = token_ends(app.clone(), read.until);
    let (first, feed) = open(app, &read, cursor).await?;
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        // Of a frame as well, or its head alone would make room for all that it says will come.
        .max_frame_size(CLIENT_MESSAGE_BYTES_MAX)
        .max_message_size(CLIENT_MESSAGE_BYTES_MAX)
        .max_write_buffer_size(UNREAD_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| follow(socket, first, feed, stop, ends)))
}

async fn follow(
    socket: WebSocket,
    first: Vec<EventDto>,
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
    for event in &first {
        if out.send(Message::text(text(event))).await.is_err() {
            return;
        }
    }
    loop {
        let message = tokio::select! {
            event = feed.next() => match event {
                Some(event) => Message::text(text(&event)),
                None if feed.is_erased().await => close(1008, "the player is gone"),
                None => close(1013, "too slow: connect again with the last cursor"),
            },
            received = input.next() => match received {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                    silence.as_mut().reset(tokio::time::Instant::now() + SILENCE_MAX);
                    continue;
                }
                Some(Ok(Message::Text(_) | Message::Binary(_))) => close(1003, "clients send nothing here"),
                // The answer is queued already.
                Some(Ok(Message::Close(_))) => {
                    let _ = tokio::time::timeout(CLOSING_MAX, out.close()).await;
                    return;
                }
                Some(Err(error)) => match fault(error) {
                    Some((code, reason)) => close(code, reason),
                    None => return,
                },
                None => return,
            },
            _ = ping.tick() => Message::Ping(bytes::Bytes::new()),
            () = &mut silence => return,
            () = &mut ends => close(1008, "the token has ended: connect again with another and the last cursor"),
            () = stop.cancelled() => close(1012, STOPPING),
        };
        let last = matches!(message, Message::Close(_));
        if tokio::time::timeout(SILENCE_MAX, out.send(message)).await.is_err_or_failed() || last {
            return;
        }
    }
}

/// What a client is told whose frames are wrong (RFC 6455, 7.4.1); `None` where the connection is gone.
fn fault(error: axum::Error) -> Option<(u16, &'static str)> {
    use tungstenite::Error;
    match *error.into_inner().downcast::<Error>().ok()? {
        Error::Capacity(_) => Some((1009, "a message is too large: clients send nothing here")),
        Error::Utf8(_) => Some((1007, "a text is no UTF-8: clients send nothing here")),
        Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) => Some((1002, "a frame breaks the protocol")),
        _ => None,
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
    Ok(Event::default().id(event.cursor()).data(text(event)))
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
/// With `Accept: text/event-stream`: the same messages as the WebSocket's, each with its cursor as `id`, so that a client
/// resumes with it as `Last-Event-ID`. A browser's EventSource, which can send no token, cannot read it: pages take the WebSocket, or
/// `fetch`, which can. Otherwise one page as JSON: what is kept after
/// `cursor`, for clients that poll; `missed` comes first there too. When the token ends, so does the stream; when the server
/// stops, after `retry`, from when on to come back with the last cursor. A client that closes its side of the connection, be it
/// for writing alone, has gone.
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
    // What a client adds when it comes back is newer than what was written into the address.
    let cursor = last_seen(&headers)?.or(query.cursor.as_deref());
    let cursor = given_cursor(&app, &read, cursor).await?;
    if !wants_stream(&headers) {
        return Ok(Answer(page(&app, &read, cursor).await?).into_response());
    }
    let stop = app.stop.clone();
    let ends = token_ends(app.clone(), read.until);
    let (first, feed) = open(app, &read, cursor).await?;
    let first = stream::iter(first.iter().map(sse).collect::<Vec<_>>());
    let rest = stream::unfold(feed, |mut feed| async move {
        let event = feed.next().await?;
        Some((sse(&event), feed))
    });
    let stopped = stop.clone();
    // No event: the client learns when to come back.
    let last = stream::once(async move { stopped.is_cancelled() }).filter_map(async |is_stopping| {
        is_stopping.then(|| Ok(Event::default().retry(BACK_AFTER).comment(STOPPING)))
    });
    let all = first.chain(rest).take_until(stop.cancelled_owned()).take_until(Box::pin(ends));
    let all = all.chain(Box::pin(last));
    let keep_alive = axum::response::sse::KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(all).keep_alive(keep_alive).into_response())
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(',')).filter_map(|kind| kind.split(';').next());
    kinds.any(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

async fn page(app: &App, read: &Read, given: Option<Cursor>) -> Result<EventsDto, ApiError> {
    let player = read.call.principal.player().ok_or(EngineError::Forbidden)?;
    // Where nothing is kept, he reads on from now: asked before what is kept is read.
    let (after, stands) = match given {
        Some(given) => (given, given),
        None => (Cursor::default(), app.engine.last_event(player).await?),
    };
    let found = app.engine.events(player, after, limits::EVENTS_PER_PLAYER_MAX).await?;
    let gap = match given {
        Some(given) => app.engine.events_missed(player, given).await?,
        None => None,
    };
    let cursor = found.last().map(|item| item.cursor).or(gap).unwrap_or(stands);
    let events = missed(gap).into_iter().chain(found.into_iter().map(Into::into)).collect();
    Ok(EventsDto { events, cursor: cursor_text(cursor) })
}
