//! The clocks of one connection. One timer, armed rarely: a deadline that moves later leaves it alone, and when it
//! fires early it is set again.
use super::fault::WireFault;
use super::framing::Phase;
use crate::front::limits::{SHED_GRACE, WireLimits};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is created when first needed.
#[derive(Debug, Default)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

/// What a clock says when it has run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiry {
    /// Close without a word: nobody was asking anything.
    Close,
    /// Answer with this.
    Fault(WireFault),
}

#[derive(Debug)]
pub(super) struct Clock {
    timer: Timer,
    /// When the wait for the next request, or its head, began.
    since: Instant,
    in_head: bool,
    idle: bool,
    first: bool,
    /// The time spent waiting for the bytes of this body, and how many came.
    waited: Duration,
    body_bytes: u64,
    waiting_from: Option<Instant>,
}

impl Clock {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            timer: Timer::default(),
            since: now,
            in_head: false,
            idle: true,
            first: true,
            waited: Duration::ZERO,
            body_bytes: 0,
            waiting_from: None,
        }
    }

    /// Bytes arrived.
    pub(super) fn arrived(&mut self, bytes: usize) {
        self.body_bytes = self.body_bytes.saturating_add(bytes as u64);
        if let Some(from) = self.waiting_from.take() {
            self.waited += from.elapsed();
        }
    }

    /// A head was released: the body's clock starts at zero, the next wait is idle.
    pub(super) fn head_done(&mut self) {
        (self.first, self.in_head, self.idle) = (false, false, false);
        (self.waited, self.body_bytes, self.waiting_from) = (Duration::ZERO, 0, None);
    }

    /// Since when the client keeps us waiting, and how long it may do so before another takes its place. Valid after
    /// [`Clock::poll`].
    pub(super) fn waiting(&self, phase: Phase, busy: bool) -> Option<(Instant, Duration)> {
        match phase {
            Phase::Body => {
                self.waiting_from.map(|from| (from.checked_sub(self.waited).unwrap_or(from), Duration::ZERO))
            }
            _ if busy => None,
            _ if self.in_head || self.first => Some((self.since, Duration::ZERO)),
            _ => Some((self.since, SHED_GRACE)),
        }
    }

    /// Called when the socket has nothing for us. `started`: bytes of the next request are here; `busy`: an answer
    /// is owed. Registers the task for the time the wait must end.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        phase: Phase,
        started: bool,
        busy: bool,
        limits: &WireLimits,
    ) -> Poll<Expiry> {
        let now = Instant::now();
        let (deadline, expiry) = match phase {
            Phase::Body => {
                let from = *self.waiting_from.get_or_insert(now);
                let earned =
                    Duration::from_secs_f64(self.body_bytes as f64 / f64::from(limits.body_rate_min.max(1)));
                let wait = limits.body_wait_max.min(limits.body_grace.saturating_add(earned));
                (
                    from + wait.saturating_sub(self.waited),
                    Expiry::Fault(WireFault::Timeout("the body came too slowly")),
                )
            }
            Phase::Between | Phase::Head if started => {
                // A first head counts from accept, a later one from its first byte.
                if !self.in_head && !self.first {
                    self.since = now;
                }
                self.in_head = true;
                (
                    self.since + limits.head_wait_max,
                    Expiry::Fault(WireFault::Timeout("the request head came too slowly")),
                )
            }
            _ if busy => {
                self.idle = false;
                // Nothing to wait for but our own answer: look again later.
                (now + limits.idle_max, Expiry::Close)
            }
            _ => {
                if !self.idle {
                    self.since = now;
                }
                self.idle = true;
                (self.since + if self.first { limits.head_wait_max } else { limits.idle_max }, Expiry::Close)
            }
        };
        if deadline <= now { Poll::Ready(expiry) } else { self.timer.poll(cx, deadline).map(|()| expiry) }
    }
}
