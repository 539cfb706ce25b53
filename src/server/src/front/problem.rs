//! The problem documents (RFC 9457) of what is refused before there is a request: broken framing, full house. All other
//! errors are the caller's `ApiError`.
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The document.
pub(crate) fn document(status: StatusCode, code: &str, detail: &str, hint: &str) -> String {
    let problem = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "code": code,
        "detail": detail,
        "hint": hint,
    });
    problem.to_string()
}

/// The answer that carries it.
pub(crate) fn response(status: StatusCode, code: &str, detail: &str, hint: &str) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/problem+json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, document(status, code, detail, hint)).into_response()
}
