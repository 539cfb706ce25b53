//! What is refused below the API: no operation answers it, so it is counted here.
use std::sync::atomic::{AtomicU64, Ordering};

/// A connection kept the server waiting for longest when another wanted its place.
pub const GAVE_WAY: &str = "gave_way";
/// A client read nothing of its answer.
pub const READS_NOTHING: &str = "reads_nothing";
/// A TLS handshake failed, or took too long.
pub const TLS_HANDSHAKE: &str = "tls_handshake";

/// Every reason there is: the codes of [`WireFault`](super::WireFault), and those of connections.
pub const REASONS: [&str; 13] = [
    "expectation_failed",
    GAVE_WAY,
    "headers_too_large",
    "malformed_request",
    "method_not_allowed",
    "not_implemented",
    READS_NOTHING,
    "request_timeout",
    TLS_HANDSHAKE,
    "too_many_connections",
    "too_many_connections_of_address",
    "uri_too_long",
    "version_not_supported",
];

/// How often it was refused, for which of the [`REASONS`].
#[derive(Debug, Default)]
pub struct Refused([AtomicU64; REASONS.len()]);

impl Refused {
    /// Counts one. What is no reason counts nowhere.
    pub fn count(&self, reason: &str) {
        if let Some((_, count)) = REASONS.iter().zip(&self.0).find(|(known, _)| **known == reason) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Each reason, and how often.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        REASONS.into_iter().zip(self.0.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::{WireFault, gate::Refusal};

    #[test]
    fn every_fault_has_its_reason() {
        let refused = Refused::default();
        let faults = [
            WireFault::Malformed("x"),
            WireFault::Method("TRACE"),
            WireFault::Timeout("x"),
            WireFault::TargetTooLong,
            WireFault::Expectation,
            WireFault::HeadersTooLarge("x"),
            WireFault::NotImplemented("x"),
            WireFault::Version,
        ];
        faults.iter().for_each(|fault| refused.count(fault.code()));
        [Refusal::Full, Refusal::AddressFull].iter().for_each(|refusal| refused.count(refusal.reason()));
        [GAVE_WAY, READS_NOTHING, TLS_HANDSHAKE].iter().for_each(|reason| refused.count(reason));
        assert!(refused.counts().all(|(_, count)| count == 1), "{refused:?}");
        assert!(REASONS.is_sorted());
        refused.count("other");
        assert_eq!(refused.total(), REASONS.len() as u64);
    }
}
