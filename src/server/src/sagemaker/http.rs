//! The two calls of the contract, and one that batch transforms may ask.
use super::{
    BODY_BYTES_MAX,
    body::{Body as Request, Item},
    oracle::Oracle,
    people::fault,
    render::{Media, Output, Shape, render},
    table,
};
use crate::{
    front::strict_json::{self, JsonLimits},
    problem::ApiError,
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use gsm_adapters::SystemIds;
use gsm_core::{Clock, IdSource as _, Timestamp};
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;

/// Bodies beyond this are worked at beside the threads that serve.
const INLINE_BYTES_MAX: usize = 64 * 1024;
/// A quality alone.
const BARE_BYTES: usize = 20;
/// Batch transforms send so many requests at once; so many large ones are worked at.
const TRANSFORMS_MAX: u32 = 4;
/// Bytes of an answer, about.
const ANSWER_BYTES_MAX: usize = 128 << 20;

/// JSON here: small documents, or as many matches as the platform lets through.
const LIMITS: JsonLimits = JsonLimits {
    media_type: "application/json",
    bytes_max: BODY_BYTES_MAX,
    depth_max: 8,
    members_max: BODY_BYTES_MAX,
    number_chars_max: 64,
};

/// The endpoint; its model comes after it.
pub(super) struct Endpoint {
    oracle: OnceLock<Arc<Oracle>>,
    /// Places for large bodies.
    large: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
    deadline: Duration,
}

impl Endpoint {
    pub(super) fn new(clock: Arc<dyn Clock>, deadline: Duration) -> Self {
        let large = Arc::new(Semaphore::new(TRANSFORMS_MAX as usize));
        Self { oracle: OnceLock::new(), large, clock, deadline }
    }

    /// The model is there.
    pub(super) fn is_ready(&self, oracle: Oracle) {
        // It is loaded once.
        let _ = self.oracle.set(Arc::new(oracle));
    }

    fn oracle(&self) -> Result<Arc<Oracle>, ApiError> {
        let loading = || {
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "model_loading", "the model is not loaded yet")
                .hint("wait until GET /ping answers 200")
                .retry_after(1)
        };
        self.oracle.get().cloned().ok_or_else(loading)
    }
}

pub(super) fn router(endpoint: Arc<Endpoint>) -> Router {
    Router::new()
        .route("/ping", get(ping))
        .route("/invocations", post(invocations))
        .route("/execution-parameters", get(execution_parameters))
        .fallback(async || refused(&ApiError::not_found().hint("POST /invocations, GET /ping")))
        .method_not_allowed_fallback(async || refused(&ApiError::method_not_allowed()))
        .with_state(endpoint)
}

fn refused(error: &ApiError) -> Response {
    error.render(&format!("req-{:032x}", SystemIds.next_u128()))
}

async fn ping(State(endpoint): State<Arc<Endpoint>>) -> Response {
    match endpoint.oracle() {
        Ok(_) => StatusCode::OK.into_response(),
        Err(error) => refused(&error),
    }
}

async fn execution_parameters() -> Response {
    let parameters = serde_json::json!({
        "MaxConcurrentTransforms": TRANSFORMS_MAX,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": BODY_BYTES_MAX >> 20,
    });
    axum::Json(parameters).into_response()
}

async fn invocations(State(endpoint): State<Arc<Endpoint>>, headers: HeaderMap, body: Body) -> Response {
    match invoked(&endpoint, &headers, body).await {
        Ok((bytes, media)) => {
            let mut response = Response::new(Body::from(bytes));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media.name()));
            response
        }
        Err(error) => refused(&error),
    }
}

async fn invoked(endpoint: &Endpoint, headers: &HeaderMap, body: Body) -> Result<(Vec<u8>, Media), ApiError> {
    let oracle = endpoint.oracle()?;
    let media = Media::of_body(headers).ok_or_else(|| {
        ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "the Content-Type is not known",
        )
        .hint("application/json, application/jsonlines or text/csv")
    })?;
    if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(strict_json::JsonFault::Encoding.into());
    }
    let accepted = Media::accepted(headers, media).ok_or_else(|| {
        ApiError::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", "no media type of Accept is known")
            .hint("application/json, application/jsonlines or text/csv")
    })?;
    let now = endpoint.clock.now();
    let bytes = strict_json::read(body, BODY_BYTES_MAX).await?;
    let given_up = Arc::new(AtomicBool::new(false));
    if bytes.len() <= INLINE_BYTES_MAX {
        let work = Work { oracle: &oracle, now, given_up: &given_up };
        return Ok((work.done(&bytes, media, accepted)?, accepted));
    }
    let theirs = given_up.clone();
    let places = endpoint.large.clone();
    let working = async move {
        let place = places.acquire_owned().await.map_err(|error| ApiError::internal(error.to_string()))?;
        let done = tokio::task::spawn_blocking(move || {
            // Whoever gave up waiting leaves the place when the work has noticed.
            let _place = place;
            let work = Work { oracle: &oracle, now, given_up: &theirs };
            work.done(&bytes, media, accepted)
        });
        done.await.map_err(|error| ApiError::internal(error.to_string()))?
    };
    match tokio::time::timeout(endpoint.deadline, working).await {
        Ok(done) => Ok((done?, accepted)),
        Err(_) => {
            given_up.store(true, Ordering::Relaxed);
            Err(too_late())
        }
    }
}

fn too_much() -> ApiError {
    let detail = format!("the answer would have more than {} MiB", ANSWER_BYTES_MAX >> 20);
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "answer_too_large", detail)
        .hint("send fewer matches in one request, or do not ask for explanations")
}

fn too_late() -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "deadline", "the answer took longer than it may")
        .hint("send fewer matches in one request")
}

/// One request's work.
struct Work<'a> {
    oracle: &'a Oracle,
    now: Timestamp,
    /// Nobody waits for it any more.
    given_up: &'a AtomicBool,
}

impl Work<'_> {
    fn done(&self, bytes: &Bytes, media: Media, accepted: Media) -> Result<Vec<u8>, ApiError> {
        let (items, shape) = match media {
            Media::Json => self.json(bytes)?,
            Media::Lines => (self.lines(bytes)?, Shape::List),
            Media::Csv => (self.csv(bytes)?, Shape::Predictions),
        };
        let (mut outputs, mut bytes) = (Vec::with_capacity(items.len()), 0);
        for item in &items {
            if self.given_up.load(Ordering::Relaxed) {
                return Err(too_late());
            }
            let answer =
                self.oracle.answer(&item.asked).map_err(|error| fault("invalid", "", error.to_string()))?;
            bytes += if item.is_bare { BARE_BYTES } else { answer.bytes() };
            if bytes > ANSWER_BYTES_MAX {
                return Err(too_much());
            }
            outputs.push(if item.is_bare {
                Output::Bare(answer.quality)
            } else {
                Output::Full(Box::new(answer))
            });
        }
        render(&outputs, shape, accepted).map_err(|error| ApiError::internal(error.to_string()))
    }

    fn json(&self, bytes: &[u8]) -> Result<(Vec<Item>, Shape), ApiError> {
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if first == Some(&b'[') {
            let all: Vec<Request> = strict_json::parse(bytes, &LIMITS)?;
            return Ok((self.items(&all, "")?, Shape::List));
        }
        let mut request: Request = strict_json::parse(bytes, &LIMITS)?;
        match request.take_instances()? {
            Some(all) => Ok((self.items(&all, "instances")?, Shape::Predictions)),
            None => Ok((vec![request.item("", self.now)?], Shape::One)),
        }
    }

    fn items(&self, all: &[Request], path: &str) -> Result<Vec<Item>, ApiError> {
        all.iter().zip(0..).map(|(of, nth)| of.item(&format!("{path}[{nth}]."), self.now)).collect()
    }

    fn lines(&self, bytes: &[u8]) -> Result<Vec<Item>, ApiError> {
        let mut items = Vec::new();
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let place = |mut error: ApiError| {
                error.detail = format!("line {number}: {}", error.detail).into();
                error
            };
            let request: Request =
                strict_json::parse(line, &LIMITS).map_err(|fault| place(ApiError::from(fault)))?;
            items.push(request.item("", self.now).map_err(place)?);
        }
        if items.is_empty() { Err(strict_json::JsonFault::Empty.into()) } else { Ok(items) }
    }

    fn csv(&self, bytes: &[u8]) -> Result<Vec<Item>, ApiError> {
        let text = std::str::from_utf8(bytes).map_err(|_| fault("invalid", "", "the table is not UTF-8"))?;
        let (rows, head) = table::rows(text.trim_start_matches('\u{feff}'))?;
        if rows.is_empty() {
            return Err(strict_json::JsonFault::Empty.into());
        }
        rows.into_iter().map(|(line, row)| head.item(line, row, self.now)).collect()
    }
}
