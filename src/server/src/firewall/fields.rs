//! The fields that tell a caller how much is left: `RateLimit` and `RateLimit-Policy` of
//! draft-ietf-httpapi-ratelimit-headers-10.
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use gsm_security::Quota;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Adds them. Names of rules need no escapes.
pub(crate) fn announce(headers: &mut HeaderMap, quota: &Quota) {
    let (name, rate) = (&quota.name, quota.rate);
    let window_s = rate.window().get().div_ceil(1_000);
    // A request counts to the end of the last millisecond of its window: rounded up that is a second more than it has.
    let reset_s = quota.reset_ms.div_ceil(1_000).min(window_s);
    let policy = format!("\"{name}\";q={};w={window_s}", rate.limit());
    let now = format!("\"{name}\";r={};t={reset_s}", quota.remaining);
    for (field, value) in [(RATELIMIT_POLICY, policy), (RATELIMIT, now)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(field, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::Millis;
    use gsm_security::Rate;

    #[test]
    fn the_fields_are_those_of_the_draft() {
        let rate = Rate::new(100, Millis::from_secs(10)).unwrap();
        let mut headers = HeaderMap::new();
        announce(&mut headers, &Quota { name: "address".into(), rate, remaining: 7, reset_ms: 9_001 });
        assert_eq!(headers["ratelimit-policy"], "\"address\";q=100;w=10");
        assert_eq!(headers["ratelimit"], "\"address\";r=7;t=10");
        announce(&mut headers, &Quota { name: "address".into(), rate, remaining: 7, reset_ms: 10_001 });
        assert_eq!(headers["ratelimit"], "\"address\";r=7;t=10", "no longer than the window");
    }
}
