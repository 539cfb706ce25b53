//! Who signed a request: the access key, the time and the signature must all be right.
use super::{Who, fault::Fault, protocol::X_AMZ_TARGET, replays::Proof, sigv4::Authorization};
use crate::api::App;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::{HeaderName, header, request::Parts};
use gsm_core::{KeyId, Millis, Timestamp};
use gsm_engine::{Principal, Role, store::AwsKeyRow};

/// How far a client's clock may be off.
pub(super) const SKEW_MAX: Millis = Millis::from_secs(300);
/// What a request without a signature is told.
pub(super) const UNSIGNED: &str = "MissingAuthenticationTokenException";
/// The service that a signature must be for.
const SERVICE: &str = "gamelift";
/// Before the digits of an access key.
const ACCESS_KEY_PREFIX: &str = "GSMA";
const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");

/// The access key as clients write it.
pub(crate) fn access_key(id: KeyId) -> String {
    format!("{ACCESS_KEY_PREFIX}{:032X}", id.as_u128())
}

fn key_id(access_key: &str) -> Option<KeyId> {
    let digits = access_key.strip_prefix(ACCESS_KEY_PREFIX).filter(|digits| digits.len() == 32)?;
    let known = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
    let bits = u128::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(known))?;
    Some(KeyId::from_u128(bits))
}

fn bad(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::unproved("InvalidSignatureException", message)
}

/// What a request says of its signature, in order as far as that can be told without the key.
pub(super) struct Claimed<'a> {
    found: Authorization<'a>,
    at: &'a str,
    signed_at: Timestamp,
    pub(super) key: KeyId,
}

impl<'a> Claimed<'a> {
    /// Of the head of a request.
    pub(super) fn of(parts: &'a Parts, now: Timestamp) -> Result<Self, Fault> {
        let found = Authorization::of(parts)?;
        let found = found.ok_or_else(|| Fault::unproved(UNSIGNED, "the request is not signed"))?;
        if found.service != SERVICE {
            return Err(bad(format!("the credential is not scoped to the service `{SERVICE}`")));
        }
        let mut required = vec![header::HOST, X_AMZ_DATE];
        // In the other protocol the path says what is called, and the path is always signed.
        if parts.headers.contains_key(X_AMZ_TARGET) {
            required.push(X_AMZ_TARGET);
        }
        for name in required {
            let once = parts.headers.get_all(&name).iter().count() == 1;
            if !once || !found.signed_headers.contains(&name.as_str()) {
                let message = format!("`{name}` must come once and be a signed header");
                return Err(Fault::unproved("IncompleteSignatureException", message));
            }
        }
        let at = parts.headers.get(X_AMZ_DATE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let signed_at = current(&found, at, now)?;
        let key = key_id(found.access_key).ok_or_else(unknown)?;
        Ok(Self { found, at, signed_at, key })
    }

    /// With the key that it names.
    pub(super) async fn opened(self, app: &App) -> Result<Signed<'a>, Fault> {
        let Self { found, at, signed_at, key: id } = self;
        let key = app.engine.aws_key(id).await?.ok_or_else(unknown)?;
        let secret = app.wire.master.now().open(id, &key.sealed_secret).ok_or_else(|| {
            tracing::error!(key = %id, "the secret of an access key does not open: is `gamelift.master_key_file` another one?");
            unknown()
        })?;
        Ok(Signed { found, at, signed_at, key, secret })
    }
}

fn unknown() -> Fault {
    Fault::unproved("UnrecognizedClientException", "the access key is not valid here")
}

/// A signed request whose signature is still to be proved; all else about it is right.
pub(super) struct Signed<'a> {
    found: Authorization<'a>,
    at: &'a str,
    signed_at: Timestamp,
    key: AwsKeyRow,
    secret: String,
}

impl Signed<'_> {
    /// Who signed, if the signature is the one that this request should have.
    pub(super) fn proved(self, parts: &Parts, body: &[u8]) -> Result<Who, Fault> {
        let Self { found, at, signed_at, key, secret } = self;
        let expected = found.expected(parts, body, at, &secret)?;
        if verify_slices_are_equal(&expected, &found.signature).is_err() {
            return Err(bad("the signature is not that of this request and key: check the secret"));
        }
        let name = found.access_key.to_owned();
        let principal =
            if key.role == Role::Admin { Principal::Admin(name) } else { Principal::Server(name) };
        let region = Some(found.region.to_owned());
        let bits = key.id.as_u128();
        let signature = Some(Proof { key: bits, signature: found.signature, signed_at });
        Ok(Who { principal, role: key.role, region, signature, bits: Some(bits) })
    }
}

/// When it was signed; refuses what was signed too long ago, or will be.
fn current(found: &Authorization<'_>, at: &str, now: Timestamp) -> Result<Timestamp, Fault> {
    let signed_at =
        instant(at).ok_or_else(|| bad("the X-Amz-Date header is not of the form 20260105T100000Z"))?;
    if !at.starts_with(found.date) || found.date.len() != 8 {
        return Err(bad("the credential is of another day than the X-Amz-Date header"));
    }
    if signed_at.saturating_add(SKEW_MAX) < now {
        return Err(bad(format!("signature expired: `{at}` is more than five minutes ago")));
    }
    if signed_at > now.saturating_add(SKEW_MAX) {
        return Err(bad(format!("signature not yet current: `{at}` is more than five minutes from now")));
    }
    Ok(signed_at)
}

/// The instant of an `X-Amz-Date`.
fn instant(text: &str) -> Option<Timestamp> {
    if text.len() != 16 {
        return None;
    }
    let parsed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    let zoned = parsed.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_keys_are_read_back() {
        let id = KeyId::from_u128(0xabc);
        assert_eq!(key_id(&access_key(id)), Some(id));
        for bad in ["", "GSMA", "AKIDEXAMPLE", &access_key(id).to_lowercase(), &format!("GSMA+{:031X}", 1)] {
            assert_eq!(key_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates_are_utc() {
        assert_eq!(instant("20150830T123600Z"), Some(Timestamp::from_millis(1_440_938_160_000)));
        for bad in ["", "20150830T123600", "20151330T123600Z", "2015-08-30T12:36", "20150830T256000Z"] {
            assert_eq!(instant(bad), None, "{bad}");
        }
    }
}
