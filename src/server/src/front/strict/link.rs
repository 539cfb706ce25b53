//! What the two ends of a connection tell each other: the adapter below hyper, the service above it.
use super::fault::WireFault;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, StatusCode, header};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

/// The kind of an answer that goes on for as long as its client listens.
const EVENT_STREAM: &[u8] = b"text/event-stream";

/// Shared by the [`Strict`](super::Strict) adapter and the service of the same connection. Both run in one task, so
/// the atomics are never contended.
#[derive(Debug, Default)]
pub struct Link {
    answered: AtomicUsize,
    finished: AtomicUsize,
    upgraded: AtomicBool,
    /// The last answer is a stream of events, and is not done.
    streaming: AtomicBool,
    fault: OnceLock<WireFault>,
}

impl Link {
    /// A link of a fresh connection.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The fault that the adapter met, if any.
    #[must_use]
    pub fn fault(&self) -> Option<WireFault> {
        self.fault.get().copied()
    }

    /// To be called with every answer before hyper gets it. Returns the same answer; the link learns when its body
    /// is done, and after a fault the answer closes the connection.
    #[must_use]
    pub fn answer(self: &Arc<Self>, mut answer: Response<Body>) -> Response<Tail> {
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            self.upgraded.store(true, Ordering::Release);
        }
        if self.fault.get().is_some() {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let kind = answer.headers().get(header::CONTENT_TYPE).map_or(&[][..], |kind| kind.as_bytes());
        self.streaming.store(kind.starts_with(EVENT_STREAM), Ordering::Release);
        self.answered.fetch_add(1, Ordering::AcqRel);
        answer.map(|body| Tail { body, link: Arc::clone(self) })
    }

    pub(super) fn set_fault(&self, fault: WireFault) {
        // Only the first counts; the adapter sets one and closes.
        let _ = self.fault.set(fault);
    }
    pub(super) fn answered(&self) -> usize {
        self.answered.load(Ordering::Acquire)
    }
    pub(super) fn finished(&self) -> usize {
        self.finished.load(Ordering::Acquire)
    }
    pub(super) fn streams(&self) -> bool {
        self.streaming.load(Ordering::Acquire)
    }
    pub(super) fn upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Acquire)
    }
}

/// The body of an answer; tells the link when hyper is done with it.
#[derive(Debug)]
pub struct Tail {
    body: Body,
    link: Arc<Link>,
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.link.streaming.store(false, Ordering::Release);
        self.link.finished.fetch_add(1, Ordering::AcqRel);
    }
}

impl HttpBody for Tail {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
