//! HTTP/1 from an address of one's own: a connection that is kept, and one that is read as a stream.
//!
//! Neither has a task: a connection moves on while somebody waits for it, so a bot is one task and two sockets.
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1::{self, Connection, SendRequest},
};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use std::{
    future::{Future, poll_fn},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// How long a connection may take to come about, and an exchange from the first byte sent to the last one read.
const CONNECT_MAX: Duration = Duration::from_secs(5);
const EXCHANGE_MAX: Duration = Duration::from_secs(15);
/// Bytes of an answer; the largest ones asked for are matches of a few kilobytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// What hyper buffers of a connection; twice its least.
const BUFFER_BYTES: usize = 16 * 1024;

type Driver = Pin<Box<Connection<TokioIo<TcpStream>, Full<Bytes>>>>;

/// Why there is no answer. The request may have been served all the same.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("no connection: {0}")]
    Connect(#[source] io::Error),
    #[error("the connection broke: {0}")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("no answer in time")]
    Late,
}

impl From<hyper::Error> for WireError {
    fn from(error: hyper::Error) -> Self {
        Self::Broken(error.into())
    }
}

/// A connection, and whoever moves it on.
struct Link {
    sender: SendRequest<Full<Bytes>>,
    driver: Option<Driver>,
}

impl Link {
    async fn open(server: SocketAddr, from: Option<Ipv4Addr>) -> Result<Self, WireError> {
        let stream = timeout(CONNECT_MAX, connect(server, from)).await.map_err(|_| WireError::Late)?;
        let stream = stream.map_err(WireError::Connect)?;
        let mut builder = http1::Builder::new();
        builder.max_buf_size(BUFFER_BYTES);
        let (sender, driver) = builder.handshake(TokioIo::new(stream)).await?;
        Ok(Self { sender, driver: Some(Box::pin(driver)) })
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, WireError> {
        let Self { sender, driver } = self;
        let work = async {
            sender.ready().await?;
            let (parts, body) = sender.send_request(request).await?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(WireError::Broken)?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        };
        timeout(EXCHANGE_MAX, driven(driver, work)).await.map_err(|_| WireError::Late)?
    }

    /// Whether another request may be sent: not after a failure, nor after `Connection: close`.
    async fn is_open(&mut self) -> bool {
        let Self { sender, driver } = self;
        // One look is enough: the driver sees a closed socket at once.
        let ready = async {
            timeout(Duration::from_millis(1), sender.ready()).await.is_ok_and(|ready| ready.is_ok())
        };
        driven(driver, ready).await && driver.is_some()
    }
}

/// Waits for `work` and lets the connection, on which it depends, move on meanwhile.
async fn driven<T>(driver: &mut Option<Driver>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if driver.as_mut().is_some_and(|driver| driver.as_mut().poll(cx).is_ready()) {
            // Ended: `work` learns how from its own end of the connection.
            *driver = None;
        }
        match work.as_mut().poll(cx) {
            // A request just handed over is written by the driver, whom the hand-over wakes.
            Poll::Pending => Poll::Pending,
            ready => ready,
        }
    })
    .await
}

async fn connect(server: SocketAddr, from: Option<Ipv4Addr>) -> io::Result<TcpStream> {
    let socket = if server.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(from) = from.filter(|_| matches!(server.ip(), IpAddr::V4(ip) if ip.is_loopback())) {
        // Only Linux answers to all of 127.0.0.0/8. Elsewhere all bots share one address and its limits.
        if let Err(error) = socket.bind(SocketAddr::from((from, 0))) {
            tracing::trace!(%from, %error, "address is not ours to use");
        }
    }
    let stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A caller with an address of its own, who keeps a few connections for the next request.
pub(super) struct Client {
    server: SocketAddr,
    from: Option<Ipv4Addr>,
    keep: usize,
    idle: Mutex<Vec<Link>>,
}

impl Client {
    /// A caller of `server` who keeps at most `keep` idle connections.
    pub(super) fn new(server: SocketAddr, from: Ipv4Addr, keep: usize) -> Self {
        Self { server, from: Some(from), keep, idle: Mutex::default() }
    }

    /// Whom it calls.
    pub(super) fn server(&self) -> SocketAddr {
        self.server
    }

    /// Sends a request and reads its answer whole.
    ///
    /// A kept connection may have been closed by the server just now: then the request is sent once more over a new
    /// one. So the caller must only send what may arrive twice.
    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, WireError> {
        let kept = self.idle.lock().pop();
        if let Some(mut link) = kept
            && link.is_open().await
            && let Ok(answer) = link.exchange(request.clone()).await
        {
            self.put_back(link);
            return Ok(answer);
        }
        let mut link = Link::open(self.server, self.from).await?;
        let answer = link.exchange(request).await?;
        self.put_back(link);
        Ok(answer)
    }

    fn put_back(&self, link: Link) {
        let mut idle = self.idle.lock();
        if link.driver.is_some() && idle.len() < self.keep {
            idle.push(link);
        }
    }

    /// Sends a request over a connection of its own and leaves the answer's body to be read piece by piece.
    pub(super) async fn open_stream(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Stream>, WireError> {
        let mut link = Link::open(self.server, self.from).await?;
        let Link { sender, driver } = &mut link;
        let answer = timeout(EXCHANGE_MAX, driven(driver, sender.send_request(request)));
        let (parts, body) = answer.await.map_err(|_| WireError::Late)??.into_parts();
        Ok(Response::from_parts(parts, Stream { link, body }))
    }
}

/// A body that is read as it comes.
pub(super) struct Stream {
    link: Link,
    body: Incoming,
}

impl Stream {
    /// The next bytes; none at the end. Giving up on the wait loses nothing.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, WireError> {
        let Self { link, body } = self;
        while let Some(frame) = driven(&mut link.driver, body.frame()).await {
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}
