//! What a refused request is told, by the names that AWS clients know.
use axum::http::StatusCode;
use gsm_engine::{EngineError, Kind};
use std::borrow::Cow;

/// Why a request of the wire was not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The exception's name.
    pub(crate) name: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) message: Cow<'static, str>,
}

impl Fault {
    fn bad(name: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { name, status: StatusCode::BAD_REQUEST, message: message.into() }
    }
    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::bad("InvalidRequestException", message)
    }
    pub(crate) fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::bad("NotFoundException", message)
    }
    pub(crate) fn limit(message: impl Into<Cow<'static, str>>) -> Self {
        Self::bad("LimitExceededException", message)
    }
    pub(crate) fn throttled(message: impl Into<Cow<'static, str>>) -> Self {
        Self::bad("ThrottlingException", message)
    }
    /// The body cannot be read as what the operation takes.
    pub(crate) fn serialization(message: impl Into<Cow<'static, str>>) -> Self {
        Self::bad("SerializationException", message)
    }
    pub(crate) fn unknown_operation() -> Self {
        Self::bad("UnknownOperationException", "there is no such operation here")
    }
    pub(crate) fn too_large(bytes_max: usize) -> Self {
        let message = format!("the body is longer than {bytes_max} bytes");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self { name: "RequestEntityTooLargeException", status, message: message.into() }
    }
    /// The caller is known and may not do this.
    pub(crate) fn denied(message: impl Into<Cow<'static, str>>) -> Self {
        Self::bad("AccessDeniedException", message)
    }
    /// Who calls is not proved.
    pub(crate) fn unproved(name: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { name, status: StatusCode::FORBIDDEN, message: message.into() }
    }
    /// There is too much to do; nothing was done.
    pub(crate) fn overloaded(message: impl Into<Cow<'static, str>>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self { name: "ServiceUnavailableException", status, message: message.into() }
    }
    /// A failure of ours; the text goes to the log alone.
    pub(crate) fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self { name: "InternalServiceException", status, message: message.into() }
    }
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Self {
        let message = error.to_string();
        match error.kind() {
            Kind::NotFound => Self::not_found(message),
            Kind::Conflict | Kind::Invalid => Self::invalid(message),
            // Not the caller may not, but the player.
            Kind::Forbidden if matches!(error, EngineError::Banned { .. }) => Self::invalid(message),
            Kind::Forbidden => Self::denied(message),
            Kind::Busy => Self::limit(message),
            Kind::Unavailable | Kind::Damaged => Self::internal(message),
        }
    }
}
