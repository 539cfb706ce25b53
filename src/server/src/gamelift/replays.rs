//! Signatures that changed something, so that none of them does so twice.
//!
//! Clients sign a time in whole seconds: two equal reads of one second have one signature, and both are served. A
//! signature is good for twice the skew of clocks; so long it is remembered, in this process alone.
use super::{fault::Fault, verify::SKEW_MAX};
use gsm_core::{Millis, Timestamp};
use parking_lot::Mutex;
use std::collections::HashSet;

/// Signatures remembered of one span; above it signed changes are put off.
const SPAN_SIGNATURES_MAX: usize = 1 << 20;
/// As long as a signature is good, from the earliest moment on.
const SPAN: Millis = Millis::new(2 * SKEW_MAX.get() + 1_000);

/// What was seen in this span of time and in the one before.
#[derive(Default)]
pub(super) struct Replays(Mutex<Spans>);

#[derive(Default)]
struct Spans {
    began: Option<Timestamp>,
    now: HashSet<[u8; 16]>,
    before: HashSet<[u8; 16]>,
}

impl Replays {
    /// Remembers a signature, and refuses it if it was seen before.
    pub(super) fn first(&self, signature: [u8; 32], now: Timestamp) -> Result<(), Fault> {
        self.first_of(signature, now, SPAN_SIGNATURES_MAX)
    }

    fn first_of(&self, signature: [u8; 32], now: Timestamp, most: usize) -> Result<(), Fault> {
        let mut spans = self.0.lock();
        let began = *spans.began.get_or_insert(now);
        let spent = now.since(began).get() / SPAN.get();
        if spent > 0 {
            spans.before = if spent == 1 { std::mem::take(&mut spans.now) } else { HashSet::new() };
            spans.now.clear();
            spans.began = Some(now);
        }
        // Half of it tells signatures apart as well as all of it.
        let mut short = [0; 16];
        short.copy_from_slice(&signature[..16]);
        if spans.before.contains(&short) || spans.now.contains(&short) {
            let message = "this signature was used before: sign the request anew";
            return Err(Fault::unproved("InvalidSignatureException", message));
        }
        if spans.now.len() >= most {
            return Err(Fault::throttled(
                "more signed changes than can be remembered: come back in some minutes",
            ));
        }
        spans.now.insert(short);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seen: &Replays, n: u8, at_s: i64, expected: Result<(), &str>) {
        let found = seen.first_of([n; 32], Timestamp::from_millis(at_s * 1_000), 3);
        assert_eq!(found.map_err(|fault| fault.name), expected, "{n} at {at_s}");
    }

    #[test]
    fn a_signature_is_taken_once_as_long_as_it_is_good() {
        let (seen, again) = (Replays::default(), Err("InvalidSignatureException"));
        check(&seen, 1, 0, Ok(()));
        check(&seen, 1, 0, again);
        check(&seen, 2, 599, Ok(()));
        check(&seen, 1, 600, again);
        check(&seen, 3, 602, Ok(()));
        check(&seen, 2, 1_199, again);
        check(&seen, 2, 5_000, Ok(()));
    }

    #[test]
    fn what_cannot_be_remembered_is_put_off() {
        let seen = Replays::default();
        (0..3).for_each(|n| check(&seen, n, 0, Ok(())));
        check(&seen, 3, 0, Err("ThrottlingException"));
        check(&seen, 3, 700, Ok(()));
    }
}
