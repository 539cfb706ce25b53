//! What can be wrong with the bytes of a request, and the canned answer to it.
use crate::front::problem;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use std::error::Error;

/// Why a request is refused before a handler sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireFault {
    /// Not HTTP/1 as this server reads it; says which rule (400).
    #[error("malformed request: {0}")]
    Malformed(&'static str),
    /// `CONNECT` (this is no proxy) or `TRACE` (it would show a caller's secrets to scripts) (405).
    #[error("method `{0}` is not served")]
    Method(&'static str),
    /// The client was too slow; says with what (408).
    #[error("timed out: {0}")]
    Timeout(&'static str),
    /// The request target is too long (414).
    #[error("request target is too long")]
    TargetTooLong,
    /// An `Expect` other than `100-continue` (417).
    #[error("expectation cannot be met")]
    Expectation,
    /// Headers too many or too long; says which (431).
    #[error("header fields too large: {0}")]
    HeadersTooLarge(&'static str),
    /// A transfer coding or method that no route could want (501).
    #[error("not implemented: {0}")]
    NotImplemented(&'static str),
    /// A version other than HTTP/1.0 and HTTP/1.1 (505).
    #[error("version is not served")]
    Version,
}

impl WireFault {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout(_) => StatusCode::REQUEST_TIMEOUT,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::HeadersTooLarge(_) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        }
    }

    /// The stable code of the problem document.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed_request",
            Self::Method(_) => "method_not_allowed",
            Self::Timeout(_) => "request_timeout",
            Self::TargetTooLong => "uri_too_long",
            Self::Expectation => "expectation_failed",
            Self::HeadersTooLarge(_) => "headers_too_large",
            Self::NotImplemented(_) => "not_implemented",
            Self::Version => "version_not_supported",
        }
    }

    /// One line: what was wrong.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Malformed(why)
            | Self::Timeout(why)
            | Self::HeadersTooLarge(why)
            | Self::NotImplemented(why) => why,
            Self::Method(_) => "the methods `CONNECT` and `TRACE` are not served",
            Self::TargetTooLong => "the request target is too long",
            Self::Expectation => "the only expectation served is `100-continue`",
            Self::Version => "only HTTP/1.1 and HTTP/1.0 are served",
        }
    }

    /// One line: what to do.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Malformed(_) => {
                "send HTTP/1.1 as RFC 9112 has it, with one Host and one way of framing the body"
            }
            Self::Method(_) => "this server is no proxy; the header Allow lists what it serves",
            Self::Timeout(_) => "send the whole request without pauses, or try again on a better line",
            Self::TargetTooLong => "shorten the path or the query",
            Self::Expectation => "leave the Expect header out",
            Self::HeadersTooLarge(_) => "send fewer or shorter headers",
            Self::NotImplemented(_) => {
                "use `Transfer-Encoding: chunked` or Content-Length, and a known method"
            }
            Self::Version => "speak HTTP/1.1",
        }
    }

    /// The wire fault behind an error of a request body, if that is what ended it.
    #[must_use]
    pub fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(fault) = error.downcast_ref::<Self>() {
                return Some(*fault);
            }
            // An `io::Error` hides its payload: its source is the payload's source.
            let payload = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            if let Some(fault) = payload.and_then(|inner| inner.downcast_ref::<Self>()) {
                return Some(*fault);
            }
            next = error.source();
        }
        None
    }

    /// The canned answer. Closes the connection.
    #[must_use]
    pub fn response(self) -> Response<Body> {
        let mut answer = problem::response(self.status(), self.code(), self.detail(), self.hint());
        let headers = answer.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        if let Self::Method(_) = self {
            let allow = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
            headers.insert(header::ALLOW, allow);
        }
        answer
    }
}
