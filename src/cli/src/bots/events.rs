//! A bot's stream of events (SSE), resumed by cursor.
use super::{
    api::{Ask, backoff},
    rng::Rng,
    wire::{Client, Stream},
};
use hyper::{StatusCode, header};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// A stream on which nothing comes for so long, not even the server's sign of life every 15 seconds, is given up.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// Bytes of one message.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// What the stream tells.
#[derive(Debug)]
pub(super) enum News {
    /// Something happened to a ticket.
    Ticket(TicketNews),
    /// The stream begins or broke: what happened before may have been missed, so look.
    Look,
}

/// Where a ticket stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct TicketNews {
    pub(super) ticket_id: String,
    pub(super) state: String,
    pub(super) proposal_id: Option<String>,
    pub(super) match_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Message {
    r#type: String,
    cursor: String,
}

/// The stream. It connects when it is first waited for, and again after a break.
pub(super) struct Events {
    stream: Option<Stream>,
    unread: Vec<u8>,
    cursor: Option<String>,
    failures: u32,
    next_try: Instant,
}

impl Events {
    pub(super) fn new() -> Self {
        Self { stream: None, unread: Vec::new(), cursor: None, failures: 0, next_try: Instant::now() }
    }

    /// Waits for news. Giving up on the wait loses nothing.
    pub(super) async fn next(&mut self, client: &Client, token: &str, rng: &mut Rng) -> News {
        loop {
            while let Some(data) = take_message(&mut self.unread) {
                let Ok(message) = serde_json::from_str::<Message>(&data) else { continue };
                self.cursor = Some(message.cursor);
                if message.r#type == "ticket"
                    && let Ok(news) = serde_json::from_str(&data)
                {
                    return News::Ticket(news);
                }
            }
            let Some(stream) = &mut self.stream else {
                sleep_until(self.next_try).await;
                // Set before the wait: whoever gives up on it does not come back at once.
                self.next_try = Instant::now() + backoff(rng, self.failures);
                self.connect(client, token).await;
                return News::Look;
            };
            match timeout(SILENCE_MAX, stream.next()).await {
                Ok(Ok(Some(bytes))) if self.unread.len() + bytes.len() <= MESSAGE_BYTES_MAX => {
                    self.failures = 0;
                    self.unread.extend_from_slice(&bytes);
                }
                _ => {
                    self.stream = None;
                    self.unread.clear();
                    return News::Look;
                }
            }
        }
    }

    async fn connect(&mut self, client: &Client, token: &str) {
        self.failures = self.failures.saturating_add(1);
        let Some(mut request) =
            Ask::get("events", "/v1/events".to_owned()).by(token).request(&client.server().to_string())
        else {
            return;
        };
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, header::HeaderValue::from_static("text/event-stream"));
        if let Some(cursor) = self.cursor.as_deref().and_then(|cursor| cursor.parse().ok()) {
            headers.insert("last-event-id", cursor);
        }
        match client.open_stream(request).await.map(hyper::Response::into_parts) {
            Ok((parts, stream)) if parts.status == StatusCode::OK => self.stream = Some(stream),
            // A token that ended shows at the look that follows; a cursor that is not known is of no use.
            Ok((parts, _)) if parts.status.is_client_error() => self.cursor = None,
            _ => {}
        }
    }
}

/// Takes the data of the first whole message off `unread`; comments and messages without data are passed over.
fn take_message(unread: &mut Vec<u8>) -> Option<String> {
    loop {
        let end = unread.windows(2).position(|pair| pair == b"\n\n")?;
        let message: Vec<u8> = unread.drain(..end + 2).collect();
        let text = String::from_utf8_lossy(&message);
        let data: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(|data| data.strip_prefix(' ').unwrap_or(data))
            .collect();
        if !data.is_empty() {
            return Some(data.join("\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_whole_and_comments_passed_over() {
        let mut unread = b": hi\n\nid: 1-0\ndata: {\"a\":1}\n\ndata: x\ndata:y\n\ndata: half".to_vec();
        assert_eq!(take_message(&mut unread).as_deref(), Some("{\"a\":1}"));
        assert_eq!(take_message(&mut unread).as_deref(), Some("x\ny"));
        assert_eq!(take_message(&mut unread), None);
        assert_eq!(unread, b"data: half");
    }

    #[test]
    fn a_ticket_s_news_are_read_with_what_is_not_needed() {
        let data =
            r#"{"type":"ticket","cursor":"9-1","at":3,"ticket_id":"tkt-1","state":"searching","more":[1]}"#;
        let news: TicketNews = serde_json::from_str(data).unwrap();
        assert_eq!((news.ticket_id.as_str(), news.proposal_id), ("tkt-1", None));
        assert_eq!(serde_json::from_str::<Message>(data).unwrap().cursor, "9-1");
    }
}
