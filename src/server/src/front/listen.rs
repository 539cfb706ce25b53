//! The accept loop: HTTP/1 over TCP, counted, with clocks, and an end that comes when it must.
use super::gate::{Gate, Pass, Refusal, Sign};
use super::leftover;
#[cfg(target_os = "linux")]
use super::limits::UNACKNOWLEDGED_MAX;
use super::limits::{LINGER_MAX, REFUSAL_RETRY_S, REFUSALS_MAX, WireLimits};
use super::problem;
use super::refused::TLS_HANDSHAKE;
use super::strict::{FAULT_METHOD, Link, Strict, Tail};
use super::tls::Tls;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

/// Waits after a failed accept: without file descriptors the next one fails as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What hyper may buffer of one connection, each way.
const HYPER_BUFFER_BYTES: usize = 64 * 1024;

/// Answers requests; what is served.
pub trait Handle: Clone + Send + Sync + 'static {
    /// The answer to one request.
    fn handle(&self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send;
}

impl Handle for Router {
    fn handle(&self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send {
        let mut router = self.clone();
        async move {
            let Ok(answer) = Service::<Request<Body>>::call(&mut router, request).await;
            answer
        }
    }
}

/// Serves `served` to whom `gate` lets in until `stop`, then drains; returns when the last connection has gone, or
/// [`WireLimits::drain_max`] after the stop, when the rest is cut.
///
/// Each request carries `ConnectInfo<SocketAddr>`, the peer of the socket. Requests in flight at the stop are finished,
/// idle connections closed at once. Where there is no place for a new connection, the one whose client has kept the
/// server waiting for longest is closed for it ([`Gate::enter`]). Upgraded connections (WebSockets) belong to their handlers, which must watch the
/// token themselves; the drain waits for them, but not beyond its deadline. A client that closes its half does not
/// cancel the handler of a request it has already sent; a stream of events ends with it.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    served: impl Handle,
    limits: WireLimits,
    gate: Arc<Gate>,
    tracker: TaskTracker,
    stop: CancellationToken,
) {
    let refusals = Arc::new(Semaphore::new(REFUSALS_MAX));
    let mut stopped = pin!(stop.cancelled());
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stopped => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match gate.enter(peer.ip(), Instant::now()) {
                Ok(pass) => {
                    prepare(&stream, peer);
                    match tls.clone() {
                        None => tracker.spawn(connection(stream, peer, pass, served.clone(), limits)),
                        Some(tls) => {
                            tracker.spawn(encrypted(tls, stream, peer, pass, served.clone(), limits))
                        }
                    };
                }
                // Who speaks TLS could not read why.
                Err(_) if tls.is_some() => {}
                Err(refusal) => refuse(stream, refusal, &refusals, &tracker),
            },
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tracing::info!(connections = gate.open(), "draining");
    gate.tell_all(Sign::Drain);
    if tokio::time::timeout(limits.drain_max, gate.empty()).await.is_err() {
        tracing::warn!(connections = gate.open(), "drain ran out of time, cutting connections");
        gate.tell_all(Sign::Cut);
    }
}

/// Sets what every connection has.
fn prepare(stream: &TcpStream, peer: SocketAddr) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "socket would not take TCP_NODELAY");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX)) {
        tracing::debug!(%peer, %error, "socket would not take TCP_USER_TIMEOUT");
    }
}

fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as K;
    matches!(error.kind(), K::ConnectionRefused | K::ConnectionAborted | K::ConnectionReset | K::Interrupted)
}

/// A connection over TLS. Its handshake has the time of a first head, and gives way like one.
async fn encrypted<H: Handle>(
    tls: Arc<Tls>,
    stream: TcpStream,
    peer: SocketAddr,
    pass: Pass,
    handler: H,
    limits: WireLimits,
) {
    let seat = pass.seat();
    match tls.accept(stream, &seat, limits.head_wait_max).await {
        Some((stream, extensions)) => {
            known_connection(stream, peer, extensions, pass, handler, limits).await;
        }
        None if seat.sign() == Sign::Stay => pass.refused(TLS_HANDSHAKE),
        None => {}
    }
}

pub(super) async fn connection<T, H>(stream: T, peer: SocketAddr, pass: Pass, handler: H, limits: WireLimits)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handle,
{
    known_connection(stream, peer, Extensions::new(), pass, handler, limits).await;
}

/// A connection, and what each request of it carries.
async fn known_connection<T, H>(
    stream: T,
    peer: SocketAddr,
    carried: Extensions,
    pass: Pass,
    handler: H,
    limits: WireLimits,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handle,
{
    let (link, seat) = (Link::new(), pass.seat());
    let io = Strict::new(stream, Arc::clone(&link), limits, pass);
    let service =
        service_fn(move |request| answer(request, peer, carried.clone(), handler.clone(), Arc::clone(&link)));
    let mut builder = http1::Builder::new();
    // Our own clocks run below hyper; heads reach it whole.
    builder.header_read_timeout(None).half_close(true).max_buf_size(HYPER_BUFFER_BYTES);
    if limits.headers_max > 100 {
        builder.max_headers(limits.headers_max);
    }
    let mut served = pin!(builder.serve_connection(io, service).with_upgrades());
    let (mut watched, mut draining) = (false, false);
    let result = poll_fn(|cx| {
        // The waker of a task does not change: it is registered once.
        if !std::mem::replace(&mut watched, true) {
            seat.watch(cx.waker());
        }
        loop {
            if let Poll::Ready(result) = served.as_mut().poll(cx) {
                return Poll::Ready(result);
            }
            match seat.sign() {
                Sign::Cut => return Poll::Ready(Ok(())),
                Sign::Leave if seat.waits() => return Poll::Ready(Ok(())),
                Sign::Drain | Sign::Leave if !draining => {
                    draining = true;
                    served.as_mut().graceful_shutdown();
                }
                _ => return Poll::Pending,
            }
        }
    })
    .await;
    seat.unwatch();
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "connection ended early");
    }
}

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    carried: Extensions,
    handler: impl Handle,
    link: Arc<Link>,
) -> Result<Response<Tail>, Infallible> {
    if request.method().as_str() == FAULT_METHOD
        && let Some(fault) = link.fault()
    {
        return Ok(link.answer(fault.response()));
    }
    let (mut request, left) = leftover::watch(request);
    request.extensions_mut().extend(carried);
    request.extensions_mut().insert(ConnectInfo(peer));
    let mut answer = handler.handle(request).await;
    // A connection whose next request would begin behind a body that nobody reads is given up, and the client told so.
    if !left.is_drained().await && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(link.answer(answer))
}

/// Tells a connection that there is no place for it. Costs one write, and a short-lived task for the first
/// [`REFUSALS_MAX`] at a time, so that the answer is not overtaken by a reset.
fn refuse(stream: TcpStream, refusal: Refusal, refusals: &Arc<Semaphore>, tracker: &TaskTracker) {
    tracing::debug!(%refusal, "connection refused");
    let (code, detail) = match refusal {
        Refusal::Full => ("too_many_connections", "the server holds as many connections as it may"),
        Refusal::AddressFull => ("too_many_connections", "this address holds as many connections as one may"),
    };
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let body = problem::document(status, code, detail, "close idle connections, or try again later");
    let text = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\n\
         Retry-After: {REFUSAL_RETRY_S}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let Ok(permit) = Arc::clone(refusals).try_acquire_owned() else { return };
    tracker.spawn(async move {
        let _permit = permit;
        let mut stream = stream;
        // The client may be gone already: then there is nobody to tell.
        let told = async {
            stream.write_all(text.as_bytes()).await?;
            stream.shutdown().await?;
            let mut sink = [0u8; 1024];
            for _ in 0..64 {
                if stream.read(&mut sink).await? == 0 {
                    break;
                }
            }
            std::io::Result::Ok(())
        };
        let _ = tokio::time::timeout(LINGER_MAX, told).await;
    });
}

#[cfg(test)]
#[path = "listen_tests.rs"]
mod tests;
