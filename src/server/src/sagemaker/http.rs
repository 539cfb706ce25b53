//! The two calls of the contract, and one that batch transforms may ask.
use super::{
    BODY_BYTES_MAX,
    oracle::Oracle,
    render::Media,
    work::{ANSWER_BYTES_MAX, WHOLE_BYTES_MAX, Work, too_late},
};
use crate::{
    front::{listen::Handle, strict_json},
    problem::ApiError,
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use gsm_adapters::SystemIds;
use gsm_core::{Clock, IdSource as _};
use std::{
    num::NonZero,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Batch transforms send so many requests at once; so many large ones are read and worked at.
const TRANSFORMS_MAX: u32 = 4;

/// Bodies of so many bytes, with so many matches, are worked at where they are read, which takes well below a millisecond.
const AT_ONCE_BYTES_MAX: usize = 2 * 1024;
const AT_ONCE_MATCHES_MAX: usize = 64;
/// A match that is explained is as much work as so many others: its answer has 1.5 KB.
const EXPLAINED_IS: usize = 16;

/// The endpoint; its model comes after it. Three paths need no router, which would copy the headers of each call.
pub(super) struct Endpoint {
    oracle: OnceLock<Arc<Oracle>>,
    /// Places for large bodies, before they are read.
    large: Arc<Semaphore>,
    /// Places for what is smaller and not worked at at once: there is one for each processor.
    pub(super) beside: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
    deadline: Duration,
    /// Bytes of an answer.
    pub(super) answer_bytes_max: usize,
}

impl Endpoint {
    pub(super) fn new(clock: Arc<dyn Clock>, deadline: Duration) -> Self {
        let large = Arc::new(Semaphore::new(TRANSFORMS_MAX as usize));
        let beside = std::thread::available_parallelism().map_or(1, NonZero::get);
        let beside = Arc::new(Semaphore::new(beside));
        Self { oracle: OnceLock::new(), large, beside, clock, deadline, answer_bytes_max: ANSWER_BYTES_MAX }
    }

    /// The model is there.
    pub(super) fn is_ready(&self, oracle: Oracle) {
        // It is loaded once.
        let _ = self.oracle.set(Arc::new(oracle));
    }

    fn ping(&self) -> Response {
        match self.oracle() {
            Ok(_) => StatusCode::OK.into_response(),
            Err(error) => refused(&error),
        }
    }

    async fn invocations(&self, request: Request<Body>) -> Response {
        let (head, body) = request.into_parts();
        match invoked(self, &head.headers, body).await {
            Ok((bytes, media)) => {
                let mut response = Response::new(Body::from(bytes));
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media.name()));
                response
            }
            Err(error) => refused(&error),
        }
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

/// A place, once one is free.
async fn place(of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ApiError> {
    of.clone().acquire_owned().await.map_err(|error| ApiError::internal(error.to_string()))
}

/// Whether a body is worked at where it was read. What it asks is told by its letters: a match is an object or a line of a
/// table, and a name that is written with escapes may be any.
fn is_at_once(bytes: &[u8], media: Media) -> bool {
    if bytes.len() > AT_ONCE_BYTES_MAX {
        return false;
    }
    if media == Media::Csv {
        return memchr::memchr_iter(b'\n', bytes).count() <= AT_ONCE_MATCHES_MAX;
    }
    let matches = memchr::memchr_iter(b'{', bytes).count();
    let may_explain =
        || memchr::memchr(b'\\', bytes).is_some() || memchr::memmem::find(bytes, b"explain").is_some();
    matches <= AT_ONCE_MATCHES_MAX && (matches * EXPLAINED_IS <= AT_ONCE_MATCHES_MAX || !may_explain())
}

impl Handle for Arc<Endpoint> {
    async fn handle(&self, request: Request<Body>) -> Response {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        match (request.uri().path(), request.method() == Method::POST) {
            ("/invocations", true) => self.invocations(request).await,
            ("/ping", _) if reads => self.ping(),
            ("/execution-parameters", _) if reads => execution_parameters(),
            ("/invocations", _) => not_allowed("POST"),
            ("/ping" | "/execution-parameters", _) => not_allowed("GET,HEAD"),
            _ => refused(&ApiError::not_found().hint("POST /invocations, GET /ping")),
        }
    }
}

fn refused(error: &ApiError) -> Response {
    error.render(&format!("req-{:032x}", SystemIds.next_u128()))
}

fn not_allowed(allowed: &'static str) -> Response {
    let mut response = refused(&ApiError::method_not_allowed());
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

fn execution_parameters() -> Response {
    let parameters = serde_json::json!({
        "MaxConcurrentTransforms": TRANSFORMS_MAX,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": BODY_BYTES_MAX >> 20,
    });
    axum::Json(parameters).into_response()
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
    let (given_up, bytes_max) = (Arc::new(AtomicBool::new(false)), endpoint.answer_bytes_max);
    let theirs = given_up.clone();
    let working = async {
        // A large body is read when it is its turn: of those that wait little is in memory.
        let turn = place(&endpoint.large);
        let (bytes, turn) = strict_json::read_in_turn(body, WHOLE_BYTES_MAX, BODY_BYTES_MAX, turn).await?;
        if is_at_once(&bytes, media) {
            let work = Work { oracle: &oracle, now, bytes_max, given_up: &theirs };
            return work.done(&bytes, media, accepted);
        }
        // What is more is worked at beside the thread that serves, of what is small so much at once as there are processors:
        // an answer is many times as large as what asked for it.
        let place = match turn {
            Some(large) => large?,
            None => place(&endpoint.beside).await?,
        };
        let done = tokio::task::spawn_blocking(move || {
            // Whoever gave up waiting leaves the place when the work has noticed.
            let _place = place;
            let work = Work { oracle: &oracle, now, bytes_max, given_up: &theirs };
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
