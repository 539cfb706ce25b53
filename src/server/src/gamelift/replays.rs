//! Signatures that changed something, so that nobody who overheard one can use it again.
//!
//! Clients sign a time in whole seconds, so equal calls of one second have one signature: a name that is made, deleted
//! and made again, a call that its SDK tries again. SDKs tell them apart by headers that are not signed. So another call
//! of the same signature passes for a moment, and the same call never; reads are not looked at. A signature is good for
//! as long as the skew of clocks from the second that it names; so long it is remembered, in this process alone.
//!
//! What was signed in one second by one key lies together and goes together. Room is shared: whoever has more than his share is put
//! off where there is none left, so that no key takes it from another.
use super::{fault::Fault, verify::SKEW_MAX};
use axum::http::{HeaderMap, HeaderName};
use gsm_core::{Millis, Timestamp};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Calls that are remembered of all keys: 12,000 a second, as long as each is. Those of keys that have less than their share are taken
/// above it too.
const CALLS_MAX: usize = 1 << 22;
/// How much longer a signature may be good since the system's clock, by which that is judged, was set back; and since it may run
/// slower than the time that is counted here, by a twentieth.
const SET_BACK: Millis = Millis::from_secs(30);
/// Within it come all calls that were signed in one second.
const GRACE: Millis = Millis::new(2_000);
/// How often what is good no longer is forgotten.
const SWEEP: Millis = Millis::from_secs(1);
/// By which SDKs name a call, and a try of it.
const CALL_HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("amz-sdk-invocation-id"), HeaderName::from_static("amz-sdk-request")];

/// A signature that was verified.
#[derive(Clone, Copy)]
pub(super) struct Proof {
    /// Whose it is.
    pub(super) key: u128,
    pub(super) signature: [u8; 32],
    /// The second that it names, which is signed as well.
    pub(super) signed_at: Timestamp,
}

/// A piece of a hash. Two signatures of one key and second that had the same would be taken for one, and the later refused: none is
/// let in again by that.
type Short = [u8; 8];

/// What was seen.
#[derive(Default)]
pub(super) struct Replays(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    keys: HashMap<u128, Signer>,
    calls: usize,
    swept_at: Option<Timestamp>,
}

/// What was seen of one key, by the second that it was signed in.
#[derive(Default)]
struct Signer {
    seconds: BTreeMap<Timestamp, Second>,
    calls: usize,
}

struct Second {
    began: Timestamp,
    /// When nothing of it is good any more.
    until: Timestamp,
    /// By signature.
    first: HashMap<Short, First>,
    /// Calls that had the signature of another one.
    others: HashSet<Short>,
}

/// The first call of a signature.
struct First {
    /// When it came, since the second's first one.
    after_ms: u32,
    call: [u8; 4],
}

impl Second {
    fn calls(&self) -> usize {
        self.first.len() + self.others.len()
    }

    /// Whether this call came before, or the signature is an old one.
    fn is_again(&self, signature: &Short, call: &Short, now: Timestamp) -> bool {
        self.first.get(signature).is_some_and(|first| {
            let came_at = self.began.saturating_add(Millis::new(first.after_ms.into()));
            call.starts_with(&first.call) || self.others.contains(call) || came_at.saturating_add(GRACE) < now
        })
    }
}

impl Seen {
    fn forget(&mut self, now: Timestamp) {
        if self.swept_at.is_some_and(|at| now.since(at) < SWEEP) {
            return;
        }
        self.swept_at = Some(now);
        for signer in self.keys.values_mut() {
            while let Some(second) = signer.seconds.first_entry().filter(|of| of.get().until <= now) {
                let calls = second.remove().calls();
                signer.calls = signer.calls.saturating_sub(calls);
                self.calls = self.calls.saturating_sub(calls);
            }
        }
        self.keys.retain(|_, signer| !signer.seconds.is_empty());
    }
}

impl Replays {
    /// Remembers the call of a signature, and refuses it if it was made before, or if the signature is an old one. `wall` is the time
    /// by which signatures are judged.
    pub(super) fn first(
        &self,
        proof: &Proof,
        headers: &HeaderMap,
        now: Timestamp,
        wall: Timestamp,
    ) -> Result<(), Fault> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&proof.signature);
        for name in CALL_HEADERS {
            let value = headers.get(name).map_or(&[][..], |value| value.as_bytes());
            hasher.update(&(value.len() as u64).to_be_bytes()).update(value);
        }
        let call = short(hasher.finalize().as_bytes());
        self.first_of(proof, call, [now, wall], CALLS_MAX)
    }

    fn first_of(
        &self,
        proof: &Proof,
        call: Short,
        [now, wall]: [Timestamp; 2],
        most: usize,
    ) -> Result<(), Fault> {
        let signature = short(&proof.signature);
        let mut seen = self.0.lock();
        seen.forget(now);
        let signer = seen.keys.get(&proof.key);
        let second = signer.and_then(|signer| signer.seconds.get(&proof.signed_at));
        if second.is_some_and(|second| second.is_again(&signature, &call, now)) {
            let message = "this signature was used before: sign the request anew";
            return Err(Fault::unproved("InvalidSignatureException", message));
        }
        let signers = seen.keys.len() + usize::from(signer.is_none());
        let own = signer.map_or(0, |signer| signer.calls);
        if seen.calls >= most && own >= most / signers.max(1) {
            return Err(Fault::throttled(
                "more signed changes than can be remembered: come back in some minutes",
            ));
        }
        seen.calls += 1;
        let signer = seen.keys.entry(proof.key).or_default();
        signer.calls += 1;
        let fresh = || Second { began: now, until: now, first: HashMap::new(), others: HashSet::new() };
        let second = signer.seconds.entry(proof.signed_at).or_insert_with(fresh);
        let good_for = proof.signed_at.saturating_add(SKEW_MAX).since(wall).get();
        let until = now.saturating_add(Millis::new(good_for + good_for / 20)).saturating_add(SET_BACK);
        second.until = second.until.max(until);
        if second.first.contains_key(&signature) {
            second.others.insert(call);
        } else {
            let after_ms = u32::try_from(now.since(second.began).get()).unwrap_or(u32::MAX);
            second.first.insert(signature, First { after_ms, call: short(&call) });
        }
        Ok(())
    }
}

/// The first bytes of a hash, which has more.
fn short<const N: usize>(hash: &[u8]) -> [u8; N] {
    hash.first_chunk().copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGAIN: Result<(), &str> = Err("InvalidSignatureException");
    const FULL: Result<(), &str> = Err("ThrottlingException");

    fn at(s: i64) -> Timestamp {
        Timestamp::from_millis(s * 1_000)
    }

    fn proof(key: u128, signature: u64, signed_s: i64) -> Proof {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&signature.to_be_bytes());
        Proof { key, signature: bytes, signed_at: at(signed_s) }
    }

    #[track_caller]
    fn check(seen: &Replays, (proof, call): (Proof, u64), at_s: i64, expected: Result<(), &str>) {
        let call = call.to_le_bytes();
        let found = seen.first_of(&proof, call, [at(at_s); 2], 6).map_err(|fault| fault.name);
        assert_eq!(found, expected, "at {at_s}");
    }

    #[test]
    fn a_call_is_taken_once_as_long_as_its_signature_is_good() {
        let seen = Replays::default();
        // By a clock that is five minutes fast.
        let early = (proof(1, 1, 300), 101);
        check(&seen, early, 0, Ok(()));
        check(&seen, early, 0, AGAIN);
        check(&seen, (proof(1, 2, 599), 102), 599, Ok(()));
        check(&seen, early, 600, AGAIN);
        check(&seen, (proof(1, 3, 602), 103), 602, Ok(()));
        check(&seen, (proof(1, 2, 599), 102), 899, AGAIN);
        check(&seen, (proof(1, 2, 599), 102), 5_000, Ok(()));
        let found = seen.0.lock();
        assert_eq!((found.calls, found.keys[&1].calls, found.keys[&1].seconds.len()), (1, 1, 1));
    }

    #[test]
    fn another_call_of_the_same_second_passes_and_a_later_one_does_not() {
        let seen = Replays::default();
        check(&seen, (proof(1, 1, 0), 101), 0, Ok(()));
        check(&seen, (proof(1, 1, 0), 102), 1, Ok(()));
        check(&seen, (proof(1, 1, 0), 102), 1, AGAIN);
        check(&seen, (proof(1, 1, 0), 103), 2, Ok(()));
        check(&seen, (proof(1, 1, 0), 104), 3, AGAIN);
    }

    /// The system's clock was set back, so that the signature is good for longer than it looked.
    #[test]
    fn a_clock_that_is_set_back_lets_no_call_in_again() {
        let seen = Replays::default();
        let call = proof(1, 1, 0);
        seen.first_of(&call, [1; 8], [at(0), at(0)], 6).unwrap();
        let again = seen.first_of(&call, [1; 8], [at(325), at(299)], 6).unwrap_err();
        assert_eq!(again.name, "InvalidSignatureException");
    }

    #[test]
    fn sdks_name_calls_and_tries() {
        let seen = Replays::default();
        let check = |id: &'static str, request: &'static str, expected: Result<(), &str>| {
            let mut headers = HeaderMap::new();
            headers.insert("amz-sdk-invocation-id", id.parse().unwrap());
            headers.insert("amz-sdk-request", request.parse().unwrap());
            let found = seen.first(&proof(1, 7, 0), &headers, at(0), at(0));
            assert_eq!(found.map_err(|fault| fault.name), expected, "{id} {request}");
        };
        check("a", "attempt=1", Ok(()));
        check("a", "attempt=1", AGAIN);
        check("a", "attempt=2", Ok(()));
        check("b", "attempt=1", Ok(()));
        assert!(seen.first(&proof(1, 7, 0), &HeaderMap::new(), at(0), at(0)).is_ok());
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for_and_no_key_takes_that_of_others() {
        let seen = Replays::default();
        (0..6).for_each(|n| check(&seen, (proof(1, n, 0), n), 0, Ok(())));
        check(&seen, (proof(1, 6, 0), 6), 0, FULL);
        // It is known still.
        check(&seen, (proof(1, 0, 0), 0), 0, AGAIN);
        (0..3).for_each(|n| check(&seen, (proof(2, n, 0), n), 0, Ok(())));
        check(&seen, (proof(2, 3, 0), 3), 0, FULL);
        (0..2).for_each(|n| check(&seen, (proof(3, n, 0), n), 0, Ok(())));
        check(&seen, (proof(3, 2, 0), 2), 0, FULL);
        // There is room again once what was signed first is good no longer.
        check(&seen, (proof(1, 7, 400), 7), 400, Ok(()));
    }

    /// As many as a key may make, of some seconds.
    #[test]
    fn a_call_takes_few_bytes() {
        let seen = Replays::default();
        let (seconds, each) = (4, 5_000);
        for n in 0..seconds * each {
            let s = i64::try_from(n / each).unwrap();
            seen.first_of(&proof(1, n, s), n.to_le_bytes(), [at(s); 2], CALLS_MAX).unwrap();
        }
        let seen = seen.0.lock();
        let slots: usize = seen.keys[&1].seconds.values().map(|second| second.first.capacity() * 8 / 7).sum();
        let bytes = slots * (size_of::<(Short, First)>() + 1);
        assert!(bytes < 32 * seen.calls, "{bytes} of {}", seen.calls);
    }
}
