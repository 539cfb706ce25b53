//! The problem documents (RFC 9457) of faults that no `ApiError` of the caller replaces.
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The document. `field` names what is at fault in the body or query.
pub(crate) fn document(
    status: StatusCode,
    code: &str,
    detail: &str,
    hint: &str,
    field: Option<&str>,
) -> String {
    let mut problem = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "code": code,
        "detail": detail,
        "hint": hint,
    });
    if let (Some(field), Some(map)) = (field, problem.as_object_mut()) {
        map.insert("field".to_owned(), field.into());
    }
    problem.to_string()
}

/// The answer that carries it.
pub(crate) fn response(
    status: StatusCode,
    code: &str,
    detail: &str,
    hint: &str,
    field: Option<&str>,
) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/problem+json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, document(status, code, detail, hint, field)).into_response()
}
