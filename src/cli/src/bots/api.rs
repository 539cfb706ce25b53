//! Calls of the API: written, sent, repeated where that helps, and read.
use super::{
    rng::Rng,
    watch::Watch,
    wire::{Client, WireError},
};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{HeaderMap, Method, Request, Response, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::time::Duration;
use tokio::time::sleep;

/// How often one call is tried. Then the caller looks anew at where it stands, instead of asking for ever for what may
/// long be out of date.
const TRIES_MAX: u32 = 6;
/// The first and the longest wait between two tries. A restarted server meets all bots within the latter.
const BACKOFF_MIN: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(3);
/// The longest wait that is believed of a server: the widest window of its limits.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// No answer, or none but "later", through all tries.
    #[error("the server does not answer")]
    Down,
    /// The token is not good (any more).
    #[error("the token was refused")]
    SignIn,
    /// Answered, and it will not change by asking again.
    #[error("refused with {status} `{code}`")]
    Refused { status: u16, code: String },
    /// Answered with something that is not what the document of the API says.
    #[error("an answer could not be read: {0}")]
    Unread(#[source] serde_json::Error),
}

impl Trouble {
    /// Whether the answer was that what is asked for does not fit to how things stand: a race that was lost.
    pub(super) fn is_overtaken(&self) -> bool {
        matches!(self, Self::Refused { status: 404 | 409, .. })
    }
}

/// One call.
pub(super) struct Ask<'a> {
    /// For people, and for counting.
    what: &'static str,
    method: Method,
    path: String,
    token: Option<&'a str>,
    key: Option<String>,
    body: Option<Value>,
}

impl<'a> Ask<'a> {
    /// A call that reads.
    pub(super) fn get(what: &'static str, path: String) -> Self {
        Self { what, method: Method::GET, path, token: None, key: None, body: None }
    }

    /// A call that writes.
    pub(super) fn post(what: &'static str, path: String, body: Value) -> Self {
        Self { what, method: Method::POST, path, token: None, key: None, body: Some(body) }
    }

    /// A call that deletes.
    pub(super) fn delete(what: &'static str, path: String) -> Self {
        Self { what, method: Method::DELETE, path, token: None, key: None, body: None }
    }

    /// With a bearer token.
    pub(super) fn by(self, token: &'a str) -> Self {
        Self { token: Some(token), ..self }
    }

    /// With a key under which a repetition is known as one.
    pub(super) fn once(self, key: String) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The request, for a server that is called `host`; none if a part is not fit for a header.
    pub(super) fn request(&self, host: &str) -> Option<Request<Full<Bytes>>> {
        let mut builder = Request::builder().method(&self.method).uri(&self.path).header(header::HOST, host);
        if let Some(token) = self.token {
            builder = builder.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(key) = &self.key {
            builder = builder.header("idempotency-key", key);
        }
        let body = match &self.body {
            Some(body) => {
                builder = builder.header(header::CONTENT_TYPE, "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        builder.body(Full::new(body)).ok()
    }
}

/// The members of a problem that decide.
#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    detail: String,
}

/// Sends `ask` until there is an answer that counts, at most [`TRIES_MAX`] times. What is asked must be fit to be sent
/// twice.
pub(super) async fn call<T: DeserializeOwned>(
    client: &Client,
    watch: &Watch,
    rng: &mut Rng,
    ask: &Ask<'_>,
) -> Result<T, Trouble> {
    let host = client.server().to_string();
    for attempt in 0..TRIES_MAX {
        let Some(request) = ask.request(&host) else {
            return Err(Trouble::Refused { status: 0, code: "not_sendable".to_owned() });
        };
        let asked_wait = match client.send(request).await {
            Ok(answer) => {
                watch.answers.add();
                match judge(ask.what, answer, watch) {
                    Verdict::Good(body) => {
                        return serde_json::from_slice(&body).map_err(|e| unread(ask.what, e, watch));
                    }
                    Verdict::Final(trouble) => return Err(trouble),
                    Verdict::Later(wait) => wait,
                }
            }
            Err(error) => {
                let cause = match &error {
                    WireError::Connect(_) => "unreachable",
                    WireError::Broken(_) => "connection_broken",
                    WireError::Late => "no_answer_in_time",
                };
                watch.warn(cause, &error);
                None
            }
        };
        watch.repeats.add();
        let own = backoff(rng, attempt);
        // Later than asked by up to a tenth, so that those who were sent away together do not come back together.
        sleep(asked_wait.map_or(own, |wait| wait.mul_f64(1.0 + 0.1 * rng.unit()))).await;
    }
    Err(Trouble::Down)
}

fn unread(what: &'static str, error: serde_json::Error, watch: &Watch) -> Trouble {
    watch.warn(what, &format_args!("unreadable answer: {error}"));
    Trouble::Unread(error)
}

/// Exponential, half of it by chance.
pub(super) fn backoff(rng: &mut Rng, attempt: u32) -> Duration {
    let full = BACKOFF_MIN.saturating_mul(1 << attempt.min(10)).min(BACKOFF_MAX);
    full.mul_f64(0.5 + 0.5 * rng.unit())
}

#[derive(Debug)]
enum Verdict {
    Good(Bytes),
    Final(Trouble),
    /// Ask again, after so long if the server said.
    Later(Option<Duration>),
}

fn judge(what: &'static str, answer: Response<Bytes>, watch: &Watch) -> Verdict {
    let status = answer.status();
    if status.is_success() {
        return Verdict::Good(answer.into_body());
    }
    let problem: Problem = serde_json::from_slice(answer.body()).unwrap_or_default();
    watch.refused(what, status.as_u16(), &problem.code);
    tracing::debug!(
        what,
        status = status.as_u16(),
        code = problem.code,
        detail = problem.detail,
        "call refused"
    );
    let wait = retry_after(answer.headers());
    let passing = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if status.is_server_error() || passing || wait.is_some() {
        watch.warn(&problem.code, &format_args!("{what}: {status}: {}", problem.detail));
        return Verdict::Later(wait);
    }
    Verdict::Final(match status {
        StatusCode::UNAUTHORIZED => Trouble::SignIn,
        _ => Trouble::Refused { status: status.as_u16(), code: problem.code },
    })
}

/// The seconds of `Retry-After`, at most [`RETRY_AFTER_MAX`]. The form with a date is not believed: nobody here has it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(text.trim().parse().ok()?).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, retry: Option<&str>, body: &'static str) -> String {
        let mut builder = Response::builder().status(status);
        if let Some(retry) = retry {
            builder = builder.header(header::RETRY_AFTER, retry);
        }
        let verdict =
            judge("test", builder.body(Bytes::from_static(body.as_bytes())).unwrap(), &Watch::default());
        format!("{verdict:?}")
    }

    #[test]
    fn answers_are_taken_repeated_or_final() {
        assert_eq!(judged(201, None, "{}"), r#"Good(b"{}")"#);
        assert_eq!(judged(401, None, ""), "Final(SignIn)");
        let refused = judged(409, None, r#"{"code":"in_match","detail":"x","status":409}"#);
        assert_eq!(refused, r#"Final(Refused { status: 409, code: "in_match" })"#);
        assert_eq!(judged(409, Some("1"), r#"{"code":"contended"}"#), "Later(Some(1s))");
        assert_eq!(judged(429, Some("7"), "{}"), "Later(Some(7s))");
        assert_eq!(judged(503, Some("99999"), "<html>"), "Later(Some(300s))");
        assert_eq!(judged(500, None, "\u{0}"), "Later(None)");
        assert_eq!(judged(429, Some("soon"), ""), "Later(None)");
    }

    #[test]
    fn waits_grow_and_end_growing() {
        let mut rng = Rng::of(1, &[]);
        for attempt in [0, 1, 5, u32::MAX] {
            let wait = backoff(&mut rng, attempt);
            assert!((BACKOFF_MIN / 2..=BACKOFF_MAX).contains(&wait));
        }
        assert!(backoff(&mut rng, 9) >= BACKOFF_MAX / 2);
    }

    #[test]
    fn a_token_that_is_no_header_is_not_sent() {
        assert!(Ask::get("test", "/".to_owned()).by("a\nb").request("h").is_none());
        let ask =
            Ask::post("test", "/v1/x".to_owned(), serde_json::json!({"a": 1})).by("t").once("k".to_owned());
        let request = ask.request("h").unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer t");
        assert_eq!(request.headers()["content-type"], "application/json");
        assert_eq!(request.headers()["idempotency-key"], "k");
    }
}
