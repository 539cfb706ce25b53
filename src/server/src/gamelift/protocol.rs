//! The two protocols of one endpoint: AWS JSON 1.1 at `/`, Smithy RPC v2 CBOR below `/service/GameLift/operation/`.
use super::{
    cbor,
    fault::Fault,
    json,
    shape::{Known, Member},
    tree::Tree,
};
use crate::front::strict_json::{self, JsonFault, JsonLimits};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};

/// Bytes of a body (decision 19).
pub(super) const BODY_BYTES_MAX: usize = 512 * 1024;
/// Lists and structures inside each other.
pub(super) const DEPTH_MAX: usize = 32;

pub(super) const X_AMZ_TARGET: HeaderName = HeaderName::from_static("x-amz-target");
/// Another spelling of it.
const X_AMZN_TARGET: HeaderName = HeaderName::from_static("x-amzn-target");
const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");
const X_AMZN_ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const RPC_V2_CBOR: &str = "rpc-v2-cbor";
/// Before the operation in the target of the JSON protocol.
const TARGET_PREFIX: &str = "GameLift.";
/// Before the operation in the path of the CBOR protocol.
const PATH_PREFIX: &str = "/service/GameLift/operation/";
/// Before an exception's name in the CBOR protocol.
const NAMESPACE: &str = "com.amazonaws.gamelift#";

/// How a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Json,
    Cbor,
}

impl Protocol {
    /// The protocol of a request and the name of the operation it calls; `None` if it is not for the wire. Both
    /// protocols are known by a header that a browser lets no foreign page set.
    pub(crate) fn of(parts: &Parts) -> Option<(Self, &str)> {
        if parts.method != Method::POST {
            return None;
        }
        let path = parts.uri.path();
        if path == "/" {
            let target = parts.headers.get(X_AMZ_TARGET)?.to_str().unwrap_or_default();
            return Some((Self::Json, target.strip_prefix(TARGET_PREFIX).unwrap_or_default()));
        }
        let name = path.strip_prefix(PATH_PREFIX)?;
        let speaks = parts.headers.get(SMITHY_PROTOCOL).is_some_and(|value| value == RPC_V2_CBOR);
        speaks.then_some((Self::Cbor, name))
    }

    /// Refuses a request of the CBOR protocol that names what it calls in a header as well, as that protocol wants: two
    /// readers could take it for two calls.
    pub(super) fn check_target(self, headers: &HeaderMap) -> Result<(), Fault> {
        let found = [X_AMZ_TARGET, X_AMZN_TARGET].into_iter().find(|name| headers.contains_key(name));
        match found {
            Some(name) if self == Self::Cbor => {
                Err(Fault::serialization(format!("a request of RPC v2 CBOR has no header `{name}`")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a body with a Content-Encoding, or of another media type. A call without input has none in the CBOR protocol.
    pub(super) fn check_headers(self, headers: &HeaderMap) -> Result<(), JsonFault> {
        let media_type = self.media_type();
        let limits = JsonLimits { media_type, ..JsonLimits::NATIVE };
        if self == Self::Cbor && !headers.contains_key(header::CONTENT_TYPE) {
            return strict_json::check_coding(headers);
        }
        strict_json::check_headers(headers, &limits)
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/x-amz-json-1.1",
            Self::Cbor => "application/cbor",
        }
    }

    /// Reads the members of an input.
    pub(super) fn read(self, body: &[u8], members: &'static [Member]) -> Result<Tree, Fault> {
        let known = Known::Members(members);
        let read = match self {
            Self::Json => json::read(body, known),
            Self::Cbor => cbor::read(body, known),
        };
        read.map_err(Fault::serialization)
    }

    fn write(self, status: StatusCode, tree: &Tree) -> Response {
        let (body, kind) = match self {
            Self::Json => (json::write(tree), self.media_type()),
            Self::Cbor => (cbor::write(tree), self.media_type()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if self == Self::Cbor {
            headers.insert(SMITHY_PROTOCOL, HeaderValue::from_static(RPC_V2_CBOR));
        }
        response
    }

    pub(super) fn answer(self, tree: &Tree) -> Response {
        self.write(StatusCode::OK, tree)
    }

    /// The answer to a request that was not served. Clients read the message in either spelling.
    pub(super) fn refusal(self, fault: &Fault) -> Response {
        let kind = match self {
            Self::Json => fault.name.to_owned(),
            Self::Cbor => format!("{NAMESPACE}{}", fault.name),
        };
        let tree = Tree::empty()
            .with("__type", kind)
            .with("Message", &*fault.message)
            .with("message", &*fault.message);
        let mut response = self.write(fault.status, &tree);
        response.headers_mut().insert(X_AMZN_ERROR_TYPE, HeaderValue::from_static(fault.name));
        response
    }
}
