//! AWS Signature Version 4: what a request is signed with, and the signature that it should have.
//!
//! Source: AWS, "Create a signed AWS API request" (IAM User Guide). Not here: paths that must be encoded anew, since
//! the paths of the wire need no encoding; requests signed in their query.
use super::fault::Fault;
use aws_lc_rs::{digest, hmac};
use axum::http::{HeaderMap, header, request::Parts};
use std::fmt::Write as _;

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
/// Headers that one signature covers.
const SIGNED_HEADERS_MAX: usize = 64;

/// The Authorization header of a signed request, taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Authorization<'a> {
    pub(crate) access_key: &'a str,
    pub(crate) date: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    /// In lower case, as listed.
    pub(crate) signed_headers: Vec<&'a str>,
    pub(crate) signature: [u8; 32],
}

fn incomplete(what: &str) -> Fault {
    Fault::unproved("IncompleteSignatureException", format!("the Authorization header {what}"))
}

impl<'a> Authorization<'a> {
    /// What a request carries; `None` if it is not signed at all.
    pub(crate) fn of(parts: &'a Parts) -> Result<Option<Self>, Fault> {
        let mut all = parts.headers.get_all(header::AUTHORIZATION).iter();
        let Some(first) = all.next() else { return Ok(None) };
        if all.next().is_some() {
            return Err(incomplete("comes twice"));
        }
        let text = first.to_str().map_err(|_| incomplete("is not ASCII"))?;
        Self::parse(text).map(Some)
    }

    pub(super) fn parse(text: &'a str) -> Result<Self, Fault> {
        let rest = text.strip_prefix(ALGORITHM).ok_or_else(|| incomplete("names another algorithm"))?;
        let (mut credential, mut signed, mut signature) = (None, None, None);
        for part in rest.split(',') {
            let (name, value) =
                part.trim().split_once('=').ok_or_else(|| incomplete("is not `name=value` parts"))?;
            let place = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed,
                "Signature" => &mut signature,
                _ => return Err(incomplete("has a part that is not known")),
            };
            if place.replace(value).is_some() {
                return Err(incomplete("has a part twice"));
            }
        }
        let credential = credential.ok_or_else(|| incomplete("lacks `Credential`"))?;
        let signed = signed.ok_or_else(|| incomplete("lacks `SignedHeaders`"))?;
        let signature = signature.ok_or_else(|| incomplete("lacks `Signature`"))?;
        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key, date, region, service, TERMINATOR] = parts[..] else {
            return Err(incomplete("has a `Credential` that is not key/date/region/service/aws4_request"));
        };
        let signature =
            unhex(signature).ok_or_else(|| incomplete("has a `Signature` that is not 64 hex digits"))?;
        let signed_headers: Vec<&str> = signed.split(';').collect();
        if signed_headers.len() > SIGNED_HEADERS_MAX {
            return Err(incomplete("signs too many headers"));
        }
        Ok(Self { access_key, date, region, service, signed_headers, signature })
    }

    /// The signature that the request should have.
    pub(super) fn expected(
        &self,
        parts: &Parts,
        body: &[u8],
        at: &str,
        secret: &str,
    ) -> Result<[u8; 32], Fault> {
        let query = parts.uri.query().unwrap_or_default();
        let request = CanonicalRequest {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query,
            headers: &parts.headers,
            signed: &self.signed_headers,
            body,
        };
        let hash = hex(digest::digest(&digest::SHA256, request.text()?.as_bytes()).as_ref());
        let Self { date, region, service, .. } = self;
        let text = format!("{ALGORITHM}\n{at}\n{date}/{region}/{service}/{TERMINATOR}\n{hash}");
        Ok(mac(&signing_key(secret, date, region, service), text.as_bytes()))
    }
}

/// The parts of a request that its signature covers.
struct CanonicalRequest<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    signed: &'a [&'a str],
    body: &'a [u8],
}

impl CanonicalRequest<'_> {
    fn text(&self) -> Result<String, Fault> {
        let mut out = format!("{}\n{}\n{}\n", self.method, self.path, self.canonical_query());
        for name in self.signed {
            let mut values = self.headers.get_all(*name).iter();
            let first = values.next().ok_or_else(|| incomplete("signs a header that did not come"))?;
            let plain = |value: &header::HeaderValue| {
                let text = std::str::from_utf8(value.as_bytes())
                    .map_err(|_| incomplete("signs a header that is no text"))?;
                Ok::<_, Fault>(text.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
            };
            let _ = write!(out, "{name}:{}", plain(first)?);
            for value in values {
                let _ = write!(out, ",{}", plain(value)?);
            }
            out.push('\n');
        }
        let hash = hex(digest::digest(&digest::SHA256, self.body).as_ref());
        let _ = write!(out, "\n{}\n{hash}", self.signed.join(";"));
        Ok(out)
    }

    fn canonical_query(&self) -> String {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        let mut pairs: Vec<(&str, &str)> =
            pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
        pairs.sort_unstable();
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }
}

fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref());
    out
}

/// The key that signs one day's requests to one service of one region.
fn signing_key(secret: &str, date: &str, region: &str, service: &str) -> [u8; 32] {
    let day = mac(format!("AWS4{secret}").as_bytes(), date.as_bytes());
    let region = mac(&day, region.as_bytes());
    mac(&mac(&region, service.as_bytes()), TERMINATOR.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut out = [0; 32];
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    /// Key of the examples in AWS's documentation and of its Signature Version 4 test suite.
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn check(
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        scope: &str,
        signed: &str,
        body: &str,
        wanted: &str,
    ) {
        let text = format!(
            "{ALGORITHM} Credential=AKIDEXAMPLE/20150830/us-east-1/{scope}/aws4_request, SignedHeaders={signed}, \
             Signature={wanted}"
        );
        let mut request = Request::builder().method(method).uri(uri).header("authorization", text);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let found = Authorization::of(&parts).unwrap().unwrap();
        let expected = found.expected(&parts, body.as_bytes(), "20150830T123600Z", SECRET).unwrap();
        assert_eq!(hex(&expected), wanted);
        assert_eq!(expected, found.signature);
        let other = found.expected(&parts, b"x", "20150830T123600Z", SECRET).unwrap();
        assert_ne!(other, expected, "the body counts");
    }

    /// Source: AWS General Reference, "Signature Version 4 signing process", the IAM `ListUsers` example (signature and
    /// signing key).
    #[test]
    fn the_published_example_has_the_published_signature() {
        check(
            "GET",
            "/?Action=ListUsers&Version=2010-05-08",
            &[
                ("host", "iam.amazonaws.com"),
                ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
                ("x-amz-date", "20150830T123600Z"),
            ],
            "iam",
            "content-type;host;x-amz-date",
            "",
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        );
        let key = signing_key(SECRET, "20150830", "us-east-1", "iam");
        assert_eq!(hex(&key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
    }

    /// Source: AWS's Signature Version 4 test suite, cases `post-vanilla`, `post-x-www-form-urlencoded`,
    /// `get-header-value-trim` and `get-vanilla-query-order-key-case`.
    #[test]
    fn cases_of_the_test_suite_have_their_signatures() {
        let base = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")];
        check(
            "POST",
            "/",
            &base,
            "service",
            "host;x-amz-date",
            "",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        );
        check(
            "POST",
            "/",
            &[&base[..], &[("content-type", "application/x-www-form-urlencoded")]].concat(),
            "service",
            "content-type;host;x-amz-date",
            "Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        );
        check(
            "GET",
            "/",
            &[&base[..], &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")]].concat(),
            "service",
            "host;my-header1;my-header2;x-amz-date",
            "",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        );
        check(
            "GET",
            "/?Param2=value2&Param1=value1",
            &base,
            "service",
            "host;x-amz-date",
            "",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        );
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let good = format!(
            "{ALGORITHM} Credential=K/20150830/r/s/aws4_request,SignedHeaders=host,Signature={}",
            "0".repeat(64)
        );
        assert!(Authorization::parse(&good).is_ok());
        let bad = [
            "Bearer x".to_owned(),
            good.replace("aws4_request", "aws5_request"),
            good.replace("/r/", "/"),
            good.replace("SignedHeaders=host,", ""),
            good.replace(",Signature", ",Signature=1,Signature"),
            good.replace("Signature=00", "Signature=+0"),
            good.replace("Signature=00", "Signature=0"),
            good.replace("SignedHeaders=host", &format!("SignedHeaders={}", "a;".repeat(65))),
        ];
        for text in bad {
            assert_eq!(
                Authorization::parse(&text).unwrap_err().name,
                "IncompleteSignatureException",
                "{text}"
            );
        }
    }
}
