//! Load shedding: a share of the requests is answered 503 at once, so that the others do not wait.
//!
//! How long work waits is measured by a probe, which takes its turn on the runtime like every request: it sleeps, and the
//! time from its alarm until it has been woken and has stood in line once more is what a request waits now.
use crate::{api::App, problem::ApiError};
use axum::http::StatusCode;
use gsm_core::Millis;
use gsm_security::{Shedding, SheddingLimits};
use parking_lot::Mutex;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Between two looks of the probe.
const PROBE: Duration = Duration::from_millis(5);

/// Connections below which nothing is shed: so few have no queue worth the name, whatever else the machine does.
const CONNECTIONS_MIN: usize = 32;

/// Decides who is let in.
pub(crate) struct Shedder {
    sheds: AtomicBool,
    came: AtomicU32,
    shedding: Mutex<Shedding>,
}

impl Shedder {
    /// With a target of zero nothing is ever shed.
    pub(crate) fn new(target: Millis) -> Self {
        let target = if target == Millis::ZERO { Millis::new(u64::MAX) } else { target };
        let shedding = Shedding::new(SheddingLimits { target, ..SheddingLimits::default() });
        Self { sheds: AtomicBool::new(false), came: AtomicU32::new(0), shedding: Mutex::new(shedding) }
    }

    /// Lets a request in, or refuses it.
    pub(crate) fn admit(&self) -> Result<(), ApiError> {
        self.came.fetch_add(1, Ordering::Relaxed);
        if !self.sheds.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut shedding = self.shedding.lock();
        if shedding.admit() {
            return Ok(());
        }
        let (status, detail) = (StatusCode::SERVICE_UNAVAILABLE, "more is asked than can be served in time");
        Err(ApiError::new(status, "overloaded", detail)
            .hint("nothing was applied; repeat the request after the seconds in Retry-After")
            .retry_after(shedding.retry_after_s()))
    }

    /// The share of the requests that is let in.
    pub(crate) fn share(&self) -> f64 {
        self.shedding.lock().share()
    }

    fn observe(&self, since_start: Duration, waited: Duration, connections: usize) {
        let mut shedding = self.shedding.lock();
        let whole = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
        let came = self.came.swap(0, Ordering::Relaxed);
        if connections < CONNECTIONS_MIN {
            shedding.open();
        } else {
            shedding.observe(whole(since_start.as_millis()), whole(waited.as_micros()), came);
        }
        let sheds = shedding.share() < 1.0;
        if self.sheds.swap(sheds, Ordering::Relaxed) != sheds {
            let waited_ms = waited.as_millis();
            if sheds {
                tracing::warn!(waited_ms, "work waits too long, a share of the requests is answered 503");
            } else {
                tracing::info!(waited_ms, "all requests are let in again");
            }
        }
    }
}

/// Measures, until the stop.
pub(crate) async fn probe(app: Arc<App>) {
    let begun = Instant::now();
    loop {
        let alarm = Instant::now() + PROBE;
        tokio::select! {
            () = tokio::time::sleep_until(alarm) => {}
            () = app.stop.cancelled() => return,
        }
        tokio::task::yield_now().await;
        app.shedder.observe(begun.elapsed(), alarm.elapsed(), app.gate.open());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn who_is_shed_is_told_when_to_come_back() {
        let shedder = Shedder::new(Millis::new(10));
        assert!((0..1_000).all(|_| shedder.admit().is_ok()));
        let busy = |at: u32, waited| {
            shedder.came.store(1_000, Ordering::Relaxed);
            shedder.observe(at * SECOND, waited, CONNECTIONS_MIN);
        };
        (1..=20).for_each(|i| busy(i, SECOND));
        let refused: Vec<_> = (0..1_000).filter_map(|_| shedder.admit().err()).collect();
        assert!(refused.len() > 900, "{}", refused.len());
        assert_eq!((refused[0].status.as_u16(), refused[0].code), (503, "overloaded"));
        assert!(refused[0].retry_after_s.is_some_and(|seconds| seconds >= 1));
        (21..=200).for_each(|i| busy(i, Duration::ZERO));
        assert!((0..1_000).all(|_| shedder.admit().is_ok()));
        (201..=220).for_each(|i| busy(i, SECOND));
        shedder.observe(221 * SECOND, SECOND, CONNECTIONS_MIN - 1);
        assert!((0..1_000).all(|_| shedder.admit().is_ok()), "so few are no crowd");
    }

    #[test]
    fn without_a_target_nothing_is_shed() {
        let shedder = Shedder::new(Millis::ZERO);
        for i in 1..=20 {
            shedder.came.store(1_000, Ordering::Relaxed);
            shedder.observe(i * SECOND, 1_000 * SECOND, CONNECTIONS_MIN);
        }
        assert!((0..1_000).all(|_| shedder.admit().is_ok()));
    }
}
