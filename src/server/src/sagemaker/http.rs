//! The two calls of the contract, and one that batch transforms may ask.
use super::{
    BODY_BYTES_MAX,
    oracle::Oracle,
    render::Media,
    work::{ANSWER_BYTES_MAX, WHOLE_BYTES_MAX, Work, too_late},
};
use crate::{front::strict_json, problem::ApiError};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use gsm_adapters::SystemIds;
use gsm_core::{Clock, IdSource as _};
use hyper::body::Body as _;
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Batch transforms send so many requests at once; so many large ones are read and worked at.
const TRANSFORMS_MAX: u32 = 4;

/// The endpoint; its model comes after it.
pub(super) struct Endpoint {
    oracle: OnceLock<Arc<Oracle>>,
    /// Places for large bodies.
    large: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
    deadline: Duration,
    /// Bytes of an answer.
    pub(super) answer_bytes_max: usize,
}

impl Endpoint {
    pub(super) fn new(clock: Arc<dyn Clock>, deadline: Duration) -> Self {
        let large = Arc::new(Semaphore::new(TRANSFORMS_MAX as usize));
        Self { oracle: OnceLock::new(), large, clock, deadline, answer_bytes_max: ANSWER_BYTES_MAX }
    }

    /// The model is there.
    pub(super) fn is_ready(&self, oracle: Oracle) {
        // It is loaded once.
        let _ = self.oracle.set(Arc::new(oracle));
    }

    /// A place for a large body, once one is free.
    async fn place(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        self.large.clone().acquire_owned().await.map_err(|error| ApiError::internal(error.to_string()))
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
    let (given_up, bytes_max) = (Arc::new(AtomicBool::new(false)), endpoint.answer_bytes_max);
    let theirs = given_up.clone();
    let working = async {
        // A large body is read when it is its turn: those that wait are in nobody's memory.
        let place = if may_be_large(&body) { Some(endpoint.place().await?) } else { None };
        let bytes = strict_json::read(body, BODY_BYTES_MAX).await?;
        if bytes.len() <= WHOLE_BYTES_MAX {
            drop(place);
            let work = Work { oracle: &oracle, now, bytes_max, given_up: &theirs };
            return work.done(&bytes, media, accepted);
        }
        // Larger ones are worked at beside the threads that serve.
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

/// Whether a body that is read at all may be a large one.
fn may_be_large(body: &Body) -> bool {
    let told = body.size_hint();
    told.lower() <= BODY_BYTES_MAX as u64 && told.upper().is_none_or(|most| most > WHOLE_BYTES_MAX as u64)
}
