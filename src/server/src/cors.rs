//! Pages of other origins (CORS, as the Fetch standard has it): which of them a browser lets call the server and read its
//! answers. It gives nobody a right: a page sends its own token like any client, there are no cookies, and
//! `Access-Control-Allow-Credentials` is never said. What a browser sends by itself is a client certificate: by that alone pages
//! of other origins change nothing, listed or not.
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use std::{borrow::Cow, collections::BTreeSet};

/// What anybody may check, from any page: the audit log's proofs, and the keys of sessions.
const PUBLIC: [&str; 4] =
    ["gsm:GetAuditCheckpoint", "gsm:GetAuditTile", "gsm:GetAuditProof", "gsm:GetPublicKeys"];
/// The setting that lets every origin read what needs no token.
pub(crate) const ANY: &str = "*";
/// What a page of an origin that is listed may send.
const SENT: &str =
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Gsm-Reason, X-Request-Id";
/// What any other may send along with a read.
const SENT_BY_ANY: &str = "If-None-Match, X-Request-Id";
/// What it may read beside what every page may.
const SHOWN: &str = "Allow, ETag, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id";
/// Seconds that a browser may remember what it was told.
const REMEMBERED_S: &str = "600";

/// The origins whose pages may call.
#[derive(Debug, Default)]
pub(crate) struct Cors {
    listed: BTreeSet<String>,
    /// Whether every other may read what needs no token.
    any: bool,
}

/// What the page that sends a request may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Nothing.
    Nothing,
    /// Nothing, and others may: a cache keeps the answers apart.
    NothingHere,
    /// Read, as a page of any origin.
    Read,
    /// All that its token may.
    All(HeaderValue),
}

impl Cors {
    pub(crate) fn new(origins: &[String]) -> Self {
        let listed = origins.iter().filter(|origin| *origin != ANY).cloned().collect();
        Self { listed, any: origins.iter().any(|origin| origin == ANY) }
    }

    /// What the page may do that sends this request, or asks whether it may.
    pub(crate) fn grant(&self, parts: &Parts) -> Grant {
        let method = asked(parts).map_or(Cow::Borrowed(&parts.method), Cow::Owned);
        let is_read = matches!(*method, Method::GET | Method::HEAD);
        let operation = crate::api::operations().get(parts.uri.path(), &method);
        if is_read && operation.is_some_and(|of| PUBLIC.contains(&of.action.as_str())) {
            return Grant::Read;
        }
        let origin = origin(&parts.headers);
        match origin.filter(|origin| origin.to_str().is_ok_and(|origin| self.listed.contains(origin))) {
            Some(origin) => Grant::All(origin.clone()),
            None if self.any && is_read && !parts.headers.contains_key(header::AUTHORIZATION) => Grant::Read,
            None if self.listed.is_empty() => Grant::Nothing,
            None => Grant::NothingHere,
        }
    }

    /// The answer to a page that asks whether it may; `None` for what is no such question, is about nothing that there is, or is
    /// answered as any other request.
    pub(crate) fn preflight(&self, parts: &Parts) -> Option<Response> {
        let operations = crate::api::operations();
        operations.get(parts.uri.path(), &asked(parts)?)?;
        let (methods, sent) = match self.grant(parts) {
            Grant::Nothing | Grant::NothingHere => return None,
            Grant::Read => ("GET, HEAD".to_owned(), SENT_BY_ANY),
            Grant::All(_) => (operations.methods(parts.uri.path()).join(", "), SENT),
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_str(&methods).ok()?);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(sent));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED_S));
        Some(response)
    }
}

impl Grant {
    /// Says so in an answer, be it a refusal: a page may read why.
    pub(crate) fn say(self, headers: &mut HeaderMap) {
        let origin = match self {
            Self::Nothing => return,
            Self::NothingHere => None,
            Self::Read => Some(HeaderValue::from_static(ANY)),
            Self::All(origin) => Some(origin),
        };
        if origin.as_ref().is_none_or(|origin| *origin != ANY) {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SHOWN));
        }
    }
}

/// The one value of a header.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut all = headers.get_all(name).iter();
    all.next().filter(|_| all.next().is_none())
}

fn origin(headers: &HeaderMap) -> Option<&HeaderValue> {
    one(headers, &header::ORIGIN)
}

/// What a browser says of the page that sends a request, which the page cannot change.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a browser says that a page of another origin sends a request, to a server over TLS. Who is no browser says nothing.
pub(crate) fn is_of_another_page(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_own = |origin: &HeaderValue| {
        origin.as_bytes().strip_prefix(b"https://").is_some_and(|of| of.eq_ignore_ascii_case(host))
    };
    let is_here = |site: &HeaderValue| matches!(site.as_bytes(), b"same-origin" | b"none");
    !headers.get_all(header::ORIGIN).iter().all(is_own)
        || !headers.get_all(SEC_FETCH_SITE).iter().all(is_here)
}

/// The method about which a page asks, if that is what a request does.
fn asked(parts: &Parts) -> Option<Method> {
    if parts.method != Method::OPTIONS {
        return None;
    }
    origin(&parts.headers)?;
    one(&parts.headers, &header::ACCESS_CONTROL_REQUEST_METHOD)?.to_str().ok()?.parse().ok()
}

/// What is wrong with an origin as it is configured; browsers send scheme, host and port alone, in small letters.
pub(crate) fn fault(origin: &str) -> Option<String> {
    if origin == ANY {
        return None;
    }
    let host = ["https://", "http://"].iter().find_map(|scheme| origin.strip_prefix(scheme));
    let is_plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
    };
    let is_usual = origin.strip_prefix("https://").is_some_and(|host| host.ends_with(":443"))
        || origin.strip_prefix("http://").is_some_and(|host| host.ends_with(":80"));
    match host {
        Some(host) if !host.is_empty() && host.bytes().all(is_plain) && !is_usual => None,
        _ => Some(format!(
            "`{origin}` is no origin: write it as browsers do, `https://game.example` or `http://localhost:3000`, in small \
             letters, without a path and without the usual port; or `*` for what needs no token"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn grant(cors: &Cors, method: &str, path: &str, headers: &[(&str, &str)]) -> Grant {
        cors.grant(&parts(method, path, headers))
    }

    fn parts(method: &str, path: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    const OURS: (&str, &str) = ("origin", "https://game.example");
    const OTHERS: (&str, &str) = ("origin", "https://evil.example");

    #[test]
    fn who_is_listed_may_all_and_everybody_what_is_public() {
        let cors = Cors::new(&["https://game.example".to_owned()]);
        let all = || Grant::All(HeaderValue::from_static("https://game.example"));
        assert_eq!(grant(&cors, "POST", "/v1/tickets", &[OURS]), all());
        for origins in [&[OTHERS][..], &[], &[OURS, OTHERS], &[("origin", "null")]] {
            assert_eq!(grant(&cors, "POST", "/v1/tickets", origins), Grant::NothingHere, "{origins:?}");
            assert_eq!(grant(&cors, "GET", "/.well-known/jwks.json", origins), Grant::Read);
        }
        assert_eq!(grant(&Cors::default(), "POST", "/v1/tickets", &[OURS]), Grant::Nothing);
        assert_eq!(grant(&Cors::default(), "GET", "/v1/audit/checkpoint", &[OURS]), Grant::Read);
        let asks = |method| ("access-control-request-method", method);
        assert_eq!(grant(&cors, "OPTIONS", "/v1/tickets", &[OURS, asks("POST")]), all());
        assert_eq!(grant(&cors, "OPTIONS", "/v1/audit/checkpoint", &[OTHERS, asks("GET")]), Grant::Read);
        assert_eq!(
            grant(&cors, "OPTIONS", "/v1/audit/checkpoint", &[OTHERS, asks("POST")]),
            Grant::NothingHere
        );
    }

    #[test]
    fn a_page_of_another_origin_is_known_by_what_its_browser_says() {
        let other = |headers: &[(&str, &str)]| {
            let host = ("host", "gsm.example:8443");
            let all: Vec<_> = std::iter::once(host).chain(headers.iter().copied()).collect();
            is_of_another_page(&parts("POST", "/v1/admin/signing-keys/rotate", &all).headers)
        };
        let (own, site) = (("origin", "https://gsm.example:8443"), |site| ("sec-fetch-site", site));
        for ours in [&[][..], &[own], &[own, site("same-origin")], &[site("none")]] {
            assert!(!other(ours), "{ours:?}");
        }
        for wrong in [
            &[OTHERS][..],
            &[("origin", "null")],
            &[("origin", "http://gsm.example:8443")],
            &[("origin", "https://gsm.example")],
            &[own, OTHERS],
            &[site("cross-site")],
            &[own, site("same-site")],
            &[site("same-origin"), site("cross-site")],
        ] {
            assert!(other(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn any_origin_reads_without_a_token_only() {
        let cors = Cors::new(&[ANY.to_owned()]);
        assert_eq!(grant(&cors, "GET", "/v1/overview", &[OTHERS]), Grant::Read);
        assert_eq!(grant(&cors, "POST", "/v1/auth/guest", &[OTHERS]), Grant::Nothing);
        let token = ("authorization", "Bearer x");
        assert_eq!(grant(&cors, "GET", "/v1/overview", &[OTHERS, token]), Grant::Nothing);
        let asks = ("access-control-request-method", "GET");
        let answer = cors.preflight(&parts("OPTIONS", "/v1/overview", &[OTHERS, asks])).unwrap();
        assert_eq!(answer.headers()[header::ACCESS_CONTROL_ALLOW_METHODS], "GET, HEAD");
        assert!(!SENT_BY_ANY.contains("Authorization"));
    }

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for lawful in ["*", "https://game.example", "http://localhost:3000", "http://[::1]:8080"] {
            assert_eq!(fault(lawful), None);
        }
        for wrong in [
            "",
            "null",
            "game.example",
            "https://",
            "https://game.example/",
            "https://Game.example",
            "https://*.example",
            "https://game.example:443",
            "http://game.example:80",
            "https://a@b",
            "ftp://game.example",
        ] {
            assert!(fault(wrong).is_some(), "{wrong}");
        }
    }
}
