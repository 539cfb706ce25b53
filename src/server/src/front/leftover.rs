//! What is left of a request's body once it is answered: a little is read and thrown away, so that the connection goes on.
use axum::body::{Body, Bytes};
use axum::http::{Request, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// More than that is not worth reading.
const BYTES_MAX: u64 = 64 * 1024;
/// So long the rest may take to come.
const WAIT_MAX: Duration = Duration::from_millis(100);

/// Where a body goes when whoever was to read it lets go of it.
#[derive(Default)]
struct Slot(Mutex<Option<Incoming>>);

/// A body on loan.
struct Lent {
    body: Option<Incoming>,
    slot: Arc<Slot>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.slot.0.lock() = self.body.take();
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }
    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }
    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

/// What may be left of a request's body.
pub(super) struct Leftover {
    /// None where there is no body.
    slot: Option<Arc<Slot>>,
    /// The client waits to be asked for it.
    waits: bool,
}

/// Lends out the body of a request.
pub(super) fn watch(request: Request<Incoming>) -> (Request<Body>, Leftover) {
    if request.body().is_end_stream() {
        return (request.map(Body::new), Leftover { slot: None, waits: false });
    }
    let waits = request.headers().contains_key(header::EXPECT);
    let slot = Arc::<Slot>::default();
    let lent = |body| Body::new(Lent { body: Some(body), slot: slot.clone() });
    let request = request.map(lent);
    (request, Leftover { slot: Some(slot), waits })
}

impl Leftover {
    /// Reads what little is left. False if there may be more: too much, too slow, not sent until asked for, or still being
    /// read by somebody.
    pub(super) async fn is_drained(&self) -> bool {
        let Some(slot) = &self.slot else { return true };
        let Some(mut body) = slot.0.lock().take() else { return false };
        if body.is_end_stream() {
            return true;
        }
        if self.waits || body.size_hint().lower() > BYTES_MAX {
            return false;
        }
        let drain = async {
            let mut left = BYTES_MAX;
            while let Some(frame) = body.frame().await {
                let Ok(frame) = frame else { return false };
                let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
                let Some(rest) = left.checked_sub(bytes) else { return false };
                left = rest;
            }
            true
        };
        tokio::time::timeout(WAIT_MAX, drain).await.unwrap_or(false)
    }
}
