//! Signatures that changed something, so that nobody who overheard one can use it again.
//!
//! Clients sign a time in whole seconds, so equal calls of one second have one signature: a name that is made, deleted
//! and made again, a call that its SDK tries again. SDKs tell them apart by headers that are not signed. So another call
//! of the same signature passes for a moment, and the same call never; reads are not looked at. A signature is good for
//! twice the skew of clocks; so long it is remembered, in this process alone.
use super::{fault::Fault, verify::SKEW_MAX};
use axum::http::{HeaderMap, HeaderName};
use gsm_core::{Millis, Timestamp};
use parking_lot::Mutex;
use std::collections::HashMap;

/// Entries remembered of one span, two for each new signature; above it signed changes are put off.
const SPAN_ENTRIES_MAX: usize = 1 << 21;
/// As long as a signature is good, from the earliest moment on; a twentieth more, since the time that it is counted in may run
/// so much faster than the system's clock, by which signatures are judged.
const SPAN: Millis = Millis::new((2 * SKEW_MAX.get() + 1_000) / 20 * 21);
/// Within it come all calls that were signed in one second.
const GRACE: Millis = Millis::new(2_000);
/// By which SDKs name a call, and a try of it.
const CALL_HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("amz-sdk-invocation-id"), HeaderName::from_static("amz-sdk-request")];

/// Half of a hash tells things apart as well as all of it.
type Short = [u8; 16];

/// What was seen in this span of time and in the one before: when first.
#[derive(Default)]
pub(super) struct Replays(Mutex<Spans>);

#[derive(Default)]
struct Spans {
    began: Option<Timestamp>,
    now: HashMap<Short, Timestamp>,
    before: HashMap<Short, Timestamp>,
}

impl Spans {
    fn seen(&self, entry: &Short) -> Option<Timestamp> {
        self.now.get(entry).or_else(|| self.before.get(entry)).copied()
    }
}

impl Replays {
    /// Remembers the call of a signature, and refuses it if it was made before, or if the signature is an old one.
    pub(super) fn first(
        &self,
        signature: [u8; 32],
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&signature);
        for name in CALL_HEADERS {
            let value = headers.get(name).map_or(&[][..], |value| value.as_bytes());
            hasher.update(&(value.len() as u64).to_be_bytes()).update(value);
        }
        self.first_of(short(&signature), short(hasher.finalize().as_bytes()), now, SPAN_ENTRIES_MAX)
    }

    fn first_of(&self, signature: Short, call: Short, now: Timestamp, most: usize) -> Result<(), Fault> {
        let mut spans = self.0.lock();
        let began = *spans.began.get_or_insert(now);
        let spent = now.since(began).get() / SPAN.get();
        if spent > 0 {
            spans.before = if spent == 1 { std::mem::take(&mut spans.now) } else { HashMap::new() };
            spans.now.clear();
            spans.began = Some(now);
        }
        let is_old = spans.seen(&signature).is_some_and(|at| at.saturating_add(GRACE) < now);
        if is_old || spans.seen(&call).is_some() {
            let message = "this signature was used before: sign the request anew";
            return Err(Fault::unproved("InvalidSignatureException", message));
        }
        if spans.now.len() >= most {
            return Err(Fault::throttled(
                "more signed changes than can be remembered: come back in some minutes",
            ));
        }
        if spans.seen(&signature).is_none() {
            spans.now.insert(signature, now);
        }
        spans.now.insert(call, now);
        Ok(())
    }
}

fn short(hash: &[u8; 32]) -> Short {
    let mut out = [0; 16];
    out.copy_from_slice(&hash[..16]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGAIN: Result<(), &str> = Err("InvalidSignatureException");

    fn check(seen: &Replays, [signature, call]: [u8; 2], at_s: i64, expected: Result<(), &str>) {
        let found = seen.first_of([signature; 16], [call; 16], Timestamp::from_millis(at_s * 1_000), 6);
        assert_eq!(found.map_err(|fault| fault.name), expected, "{signature} {call} at {at_s}");
    }

    #[test]
    fn a_call_is_taken_once_as_long_as_its_signature_is_good() {
        let seen = Replays::default();
        check(&seen, [1, 101], 0, Ok(()));
        check(&seen, [1, 101], 0, AGAIN);
        check(&seen, [2, 102], 599, Ok(()));
        check(&seen, [1, 101], 600, AGAIN);
        check(&seen, [3, 103], 602, Ok(()));
        check(&seen, [2, 102], 1_199, AGAIN);
        check(&seen, [2, 102], 5_000, Ok(()));
    }

    #[test]
    fn another_call_of_the_same_second_passes_and_a_later_one_does_not() {
        let seen = Replays::default();
        check(&seen, [1, 101], 0, Ok(()));
        check(&seen, [1, 102], 1, Ok(()));
        check(&seen, [1, 103], 2, Ok(()));
        check(&seen, [1, 104], 3, AGAIN);
    }

    #[test]
    fn sdks_name_calls_and_tries() {
        let seen = Replays::default();
        let check = |id: &'static str, request: &'static str, expected: Result<(), &str>| {
            let mut headers = HeaderMap::new();
            headers.insert("amz-sdk-invocation-id", id.parse().unwrap());
            headers.insert("amz-sdk-request", request.parse().unwrap());
            let found = seen.first([7; 32], &headers, Timestamp::from_millis(0));
            assert_eq!(found.map_err(|fault| fault.name), expected, "{id} {request}");
        };
        check("a", "attempt=1", Ok(()));
        check("a", "attempt=1", AGAIN);
        check("a", "attempt=2", Ok(()));
        check("b", "attempt=1", Ok(()));
        assert!(seen.first([7; 32], &HeaderMap::new(), Timestamp::from_millis(0)).is_ok());
        assert!(seen.first([7; 32], &HeaderMap::new(), Timestamp::from_millis(0)).is_err());
    }

    #[test]
    fn what_cannot_be_remembered_is_put_off() {
        let seen = Replays::default();
        (0..3).for_each(|n| check(&seen, [n, 100 + n], 0, Ok(())));
        check(&seen, [3, 103], 0, Err("ThrottlingException"));
        check(&seen, [3, 103], 700, Ok(()));
    }
}
