//! The limits of the wire, by name.
use super::gate::Gate;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Bytes of a request method; longer ones are answered 501.
pub const METHOD_BYTES_MAX: usize = 32;
/// Bytes of one chunk's extensions.
pub const CHUNK_EXTENSION_BYTES_MAX: usize = 256;
/// Bytes of one chunk.
pub const CHUNK_BYTES_MAX: u64 = 1 << 30;
/// How long a closing connection is read on, so that the client reads our answer and not a reset.
pub const LINGER_MAX: Duration = Duration::from_secs(1);
/// Bytes thrown away while lingering.
pub const LINGER_BYTES_MAX: usize = 1 << 20;
/// A peer that acknowledges nothing for so long is gone, and its connection with it; TCP by itself tries for a quarter of an hour. A
/// stream of events, which says something every 15 seconds, holds the place of who has vanished for a minute.
pub const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(45);
/// How long a client may rest between requests, or not read, before it may be shed for another where the house is
/// full. Who has not sent its first head, or is in the middle of a request, has no grace.
pub const SHED_GRACE: Duration = Duration::from_secs(1);
/// Refused connections that linger at one time; more are dropped without.
pub const REFUSALS_MAX: usize = 256;
/// `Retry-After` of a refused connection, in seconds.
pub const REFUSAL_RETRY_S: u32 = 5;

/// What a connection may take of bytes and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireLimits {
    /// Bytes of all header lines of one request (431).
    pub header_bytes_max: usize,
    /// Header lines of one request (431).
    pub headers_max: usize,
    /// Bytes of the request target (414).
    pub target_bytes_max: usize,
    /// From the first byte of a head (or from accept, for the first) to its last (408).
    pub head_wait_max: Duration,
    /// Time spent waiting for the bytes of one body (408). The handler's own time does not count.
    pub body_wait_max: Duration,
    /// Least rate of a body, in bytes per second of waiting (408).
    pub body_rate_min: u32,
    /// Waiting that the rate does not count.
    pub body_grace: Duration,
    /// From an answer to the next request; then the connection is closed without a word.
    pub idle_max: Duration,
    /// How long a client may read nothing of an answer; then the connection is dropped.
    pub stall_max: Duration,
    /// Connections in all (503).
    pub connections_max: usize,
    /// Connections of one IPv4 address or IPv6 /64 (503).
    pub connections_per_address_max: usize,
    /// From the stop to the moment when what is still open is cut.
    pub drain_max: Duration,
}

impl Default for WireLimits {
    fn default() -> Self {
        Self {
            header_bytes_max: 16 * 1024,
            headers_max: 100,
            target_bytes_max: 4 * 1024,
            head_wait_max: Duration::from_secs(10),
            body_wait_max: Duration::from_secs(20),
            body_rate_min: 1024,
            body_grace: Duration::from_secs(5),
            idle_max: Duration::from_secs(60),
            stall_max: Duration::from_secs(30),
            connections_max: 10_000,
            connections_per_address_max: 256,
            drain_max: Duration::from_secs(20),
        }
    }
}

impl WireLimits {
    /// A gate that keeps to the limits of connections.
    #[must_use]
    pub fn gate(&self) -> Arc<Gate> {
        Gate::new(self.connections_max, self.connections_per_address_max, Instant::now())
    }

    /// The longest head that can pass: method, target, version, headers and the line ends between.
    #[must_use]
    pub fn head_bytes_max(&self) -> usize {
        METHOD_BYTES_MAX
            .saturating_add(self.target_bytes_max)
            .saturating_add(self.header_bytes_max)
            .saturating_add(16)
    }
}
