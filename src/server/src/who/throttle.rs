//! Sign-ins of one account, counted wherever they come from; those of one address are the firewall's to count.
use crate::problem::ApiError;
use axum::http::StatusCode;
use gsm_core::Millis;
use gsm_security::{Decision, Key, Limiter, Profile, Rate};
use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// Sign-ins of an account, in any minute.
const SIGN_INS: (u32, Millis) = (20, Millis::from_secs(60));
/// Accounts that are remembered; when so many sign in at once, unknown ones wait.
const ACCOUNTS_MAX: usize = 1 << 20;

/// The limiter; there is none in the profiles of tests.
pub(crate) struct Throttle {
    began: Instant,
    limiter: Option<Mutex<Limiter<Key>>>,
}

impl Throttle {
    pub(crate) fn new(profile: Profile, seed: u64) -> Self {
        let rate = Rate::new(SIGN_INS.0, SIGN_INS.1).ok().filter(|_| profile == Profile::Default);
        let limiter = rate.map(|rate| Mutex::new(Limiter::new(rate, ACCOUNTS_MAX, seed)));
        Self { began: Instant::now(), limiter }
    }

    /// Counts a sign-in of the account that these bytes stand for, or refuses it.
    pub(crate) fn sign_in(&self, account: &[u8]) -> Result<(), ApiError> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        let mut bits = [0u8; 16];
        blake3::Hasher::new_derive_key("gsm sign-in throttle 1")
            .update(account)
            .finalize_xof()
            .fill(&mut bits);
        let now_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let key = Key::from_u128(u128::from_be_bytes(bits));
        let Decision::Deny { retry_after_ms } = limiter.lock().check(&key, now_ms) else { return Ok(()) };
        let wait = Duration::from_millis(retry_after_ms).as_secs() + 1;
        let detail = "this account signs in too often: the limit `sign_in_account` is reached";
        Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
            .hint("keep the session instead of signing in again; come back after the seconds in Retry-After")
            .retry_after(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_counted_and_no_other() {
        let throttle = Throttle::new(Profile::Default, 1);
        for _ in 0..SIGN_INS.0 {
            throttle.sign_in(b"ann").unwrap();
        }
        let refused = throttle.sign_in(b"ann").unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.code), (429, "rate_limited"));
        assert!(refused.retry_after_s.is_some_and(|s| (1..=61).contains(&s)));
        throttle.sign_in(b"bob").unwrap();
        let lenient = Throttle::new(Profile::TestLenient, 1);
        assert!((0..100).all(|_| lenient.sign_in(b"ann").is_ok()));
    }
}
