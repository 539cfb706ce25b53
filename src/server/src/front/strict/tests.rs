//! Whole connections over a pipe: the adapter, hyper and a router, with a clock that stands still until all wait.
use super::*;
use crate::front::gate::Gate;
use crate::front::listen::connection;
use crate::front::refused::READS_NOTHING;
use crate::front::strict_json::{JsonFault, JsonLimits, check_headers, parse, read};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use hyper::body::Frame;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Interval, interval, sleep};
use tokio_util::task::TaskTracker;

const EVENTS: usize = 40;

/// A body of [`EVENTS`] events, one each 20 s, as a push stream sends them.
struct Events(Interval, usize);

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;
    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.1 == 0 {
            return Poll::Ready(None);
        }
        ready!(self.0.poll_tick(cx));
        self.1 -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"data: x\n\n")))))
    }
}

/// A stream of events that has one thing to say and then nothing.
async fn quiet() -> Response<Body> {
    let first = futures::stream::iter([Ok::<_, std::convert::Infallible>("data: hello\n\n")]);
    let body = Body::from_stream(futures::StreamExt::chain(first, futures::stream::pending()));
    Response::builder().header("content-type", "text/event-stream").body(body).unwrap()
}

async fn upgrade(mut request: Request) -> Response<Body> {
    let upgrade = hyper::upgrade::on(&mut request);
    TaskTracker::new().spawn(async move {
        let mut io = hyper_util::rt::TokioIo::new(upgrade.await.unwrap());
        let mut bytes = [0; 64];
        while let Ok(n @ 1..) = io.read(&mut bytes).await {
            io.write_all(&bytes[..n]).await.unwrap();
        }
    });
    let answer = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    answer.header("connection", "upgrade").header("upgrade", "websocket").body(Body::empty()).unwrap()
}

/// A handler that takes a body as the server's do.
async fn echo(request: Request) -> Result<String, (StatusCode, &'static str)> {
    echoed(request).await.map_err(|fault| (fault.status(), fault.code()))
}

async fn echoed(request: Request) -> Result<String, JsonFault> {
    let limits = JsonLimits::NATIVE;
    check_headers(request.headers(), &limits)?;
    let bytes = read(request.into_body(), limits.bytes_max).await?;
    parse::<serde_json::Value>(&bytes, &limits).map(|value| value.to_string())
}

fn router() -> Router {
    Router::new()
        .route("/", get(async || "home"))
        .route("/json", post(echo))
        .route("/slow", get(async || sleep(Duration::from_secs(300)).await))
        .route("/big", get(async || vec![b'x'; 1 << 20]))
        .route("/events", get(async || Body::new(Events(interval(Duration::from_secs(20)), EVENTS))))
        .route("/quiet", get(quiet))
        .route("/ws", get(upgrade))
}

struct Client(DuplexStream, Arc<Gate>);

impl Client {
    fn dial() -> Self {
        let (ours, theirs) = tokio::io::duplex(8 * 1024);
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let gate = Gate::new(1, 1, Instant::now());
        let pass = gate.enter(peer.ip(), Instant::now()).unwrap();
        TaskTracker::new().spawn(connection(theirs, peer, pass, router(), WireLimits::default()));
        Self(ours, gate)
    }

    /// A client that has sent this.
    async fn sent(text: impl AsRef<[u8]>) -> Self {
        let mut client = Self::dial();
        client.send(text).await;
        client
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// All that comes until the server closes, and after how many seconds it does.
    async fn rest(&mut self) -> (String, u64) {
        let (started, mut bytes) = (Instant::now(), Vec::new());
        self.0.read_to_end(&mut bytes).await.unwrap();
        (String::from_utf8(bytes).unwrap(), started.elapsed().as_secs())
    }

    /// What comes until `end` has come.
    async fn until(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        while !text.ends_with(end.as_bytes()) {
            text.push(
                self.0.read_u8().await.unwrap_or_else(|_| panic!("{:?}", String::from_utf8_lossy(&text))),
            );
        }
        String::from_utf8(text).unwrap()
    }
}

fn statuses(text: &str) -> Vec<u16> {
    // A hint may speak of HTTP/1.1 as well.
    text.split("HTTP/1.").filter_map(|answer| answer.get(2..5)?.parse().ok()).collect()
}

/// Sends all at once and reads all.
async fn check(input: impl AsRef<[u8]>, expected: &[u16]) -> String {
    let (text, _) = Client::sent(input.as_ref()).await.rest().await;
    assert_eq!(statuses(&text), expected, "{} -> {text}", String::from_utf8_lossy(input.as_ref()));
    text
}

const HOME: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
const WS: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_slow_head_is_answered_408() {
    for start in ["G", "GET / HTTP/1.1\r\nHost: a\r\nX"] {
        let (text, after) = Client::sent(start).await.rest().await;
        assert_eq!((statuses(&text), after), (vec![408], 10), "{text}");
        assert!(
            text.contains("\"code\":\"request_timeout\"") && text.contains("application/problem+json"),
            "{text}"
        );
    }
    // Later heads have as long, from their first byte.
    let mut client = Client::sent(HOME).await;
    client.until("home").await;
    sleep(Duration::from_secs(50)).await;
    client.send("GET").await;
    let (text, after) = client.rest().await;
    assert_eq!((statuses(&text), after), (vec![408], 10));
}

#[tokio::test(start_paused = true)]
async fn dripping_does_not_help() {
    let mut client = Client::sent("GET / HTTP/1.1\r\nHost: a\r\n").await;
    for _ in 0..9 {
        sleep(Duration::from_secs(1)).await;
        client.send("X: y\r\n").await;
    }
    let (text, after) = client.rest().await;
    assert_eq!((statuses(&text), after), (vec![408], 1));
}

#[tokio::test(start_paused = true)]
async fn who_asks_nothing_is_closed_without_a_word() {
    assert_eq!(Client::dial().rest().await, (String::new(), 10));
    let mut client = Client::sent(HOME).await;
    client.until("home").await;
    assert_eq!(client.rest().await, (String::new(), 60));
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_answered_408() {
    let head = format!("{POST}Content-Length: 60000\r\n\r\n{{");
    let (text, after) = Client::sent(&head).await.rest().await;
    assert_eq!((statuses(&text), after), (vec![408], 5), "{text}");
    // Fast enough for the rate, too slow for the whole.
    let mut client = Client::sent(&head).await;
    for _ in 0..19 {
        sleep(Duration::from_secs(1)).await;
        client.send(" ".repeat(1100)).await;
    }
    let (text, after) = client.rest().await;
    assert_eq!((statuses(&text), after), (vec![408], 1), "{text}");
    // Chunks of one byte.
    let mut client = Client::sent(format!("{POST}Transfer-Encoding: chunked\r\n\r\n")).await;
    for _ in 0..4 {
        sleep(Duration::from_secs(1)).await;
        client.send("1\r\n \r\n").await;
    }
    let (text, after) = client.rest().await;
    assert_eq!((statuses(&text), after), (vec![408], 1), "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_servers_own_time_does_not_count() {
    let mut client = Client::sent("GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let (text, after) = client.rest().await;
    assert_eq!((statuses(&text), after), (vec![200], 300));
    // A client that has closed its half gets its answer as well.
    let mut client = Client::sent("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    client.0.shutdown().await.unwrap();
    assert_eq!(statuses(&client.rest().await.0), [200]);
}

#[tokio::test(start_paused = true)]
async fn a_push_stream_is_not_cut() {
    let mut client = Client::sent("GET /events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let (text, after) = client.rest().await;
    assert_eq!((text.matches("data: x").count(), after), (EVENTS, 20 * (EVENTS as u64 - 1)), "{text}");
}

#[tokio::test(start_paused = true)]
async fn who_leaves_a_stream_leaves_his_place() {
    let quiet = "GET /quiet HTTP/1.1\r\nHost: a\r\n\r\n";
    // Gone, or with nothing more to say; also where bytes came behind the request.
    for (behind, is_half) in [("", false), ("", true), (HOME, false), (HOME, true)] {
        let mut client = Client::sent(format!("{quiet}{behind}")).await;
        client.until("data: hello\n\n\r\n").await;
        sleep(Duration::from_secs(300)).await;
        assert_eq!(client.1.open(), 1, "who listens stays");
        let left = Instant::now();
        let Client(mut stream, gate) = client;
        if is_half {
            stream.shutdown().await.unwrap();
            gate.empty().await;
        } else {
            drop(stream);
            gate.empty().await;
        }
        assert_eq!(left.elapsed(), Duration::ZERO, "{behind} {is_half}");
    }
    // However much comes behind the request, one buffer of it is taken.
    let mut client = Client::sent(quiet).await;
    client.until("data: hello\n\n\r\n").await;
    let flood = async {
        for _ in 0..1_000 {
            client.send(HOME).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(1), flood).await.is_err());
    assert_eq!(client.1.open(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_dropped() {
    let mut client = Client::sent("GET /big HTTP/1.1\r\nHost: a\r\n\r\n").await;
    sleep(Duration::from_secs(29)).await;
    let mut some = vec![0; 8 * 1024];
    client.0.read_exact(&mut some).await.unwrap();
    // Reading anything starts the clock anew.
    sleep(Duration::from_secs(29)).await;
    client.0.read_exact(&mut some).await.unwrap();
    sleep(Duration::from_secs(31)).await;
    let (text, after) = client.rest().await;
    assert!(text.len() <= 8 * 1024 && after == 0, "{} {after}", text.len());
    let refused = client.1.refused();
    assert_eq!(refused.counts().find(|(_, count)| *count > 0), Some((READS_NOTHING, 1)));
    assert_eq!(refused.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn after_101_no_byte_is_looked_at() {
    let mut client = Client::sent(format!("{WS}\0\n\nearly")).await;
    let head = client.until("early").await;
    assert_eq!(statuses(&head), [101], "{head}");
    sleep(Duration::from_secs(3600)).await;
    client.send("GET / HTTP/9.9\nnext").await;
    assert_eq!(client.until("next").await, "GET / HTTP/9.9\nnext");
    client.0.shutdown().await.unwrap();
    assert_eq!(client.rest().await, (String::new(), 0));
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_is_not_granted_changes_nothing() {
    let asks = WS.replace("/ws", "/");
    check(format!("{asks}{HOME}GET / HTTP/1.1\r\n\r\n"), &[200, 200, 400]).await;
    check(
        format!("{asks}{HOME}GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        &[200, 200, 404],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn pipelined_requests_are_answered_in_order_up_to_the_fault() {
    let text = check(
        HOME.repeat(50) + "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + HOME,
        &[&[200; 50][..], &[400]].concat(),
    )
    .await;
    assert!(text.contains("connection: close"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_two_readers_could_read_differently_falls() {
    let cl_te = "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for bad in [
        cl_te,
        "Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
        "Content-Length: 2, 2\r\n\r\n{}",
        "X: y\r\n Content-Length: 2\r\n\r\n{}",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    ] {
        check(format!("{POST}{bad}{HOME}"), &[400]).await;
    }
    for bad in
        ["2\n{}\n0\n\n", "2\r\n{}XX", "2;\rX\r\n{}\r\n", "0x2\r\n{}\r\n", "2\r\n{}\r\n0\r\nX: y\r\n\r\n"]
    {
        let text = check(format!("{POST}Transfer-Encoding: chunked\r\n\r\n{bad}{HOME}"), &[400]).await;
        assert!(text.contains("malformed_request") && text.contains("connection: close"), "{text}");
    }
    check("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", &[400]).await;
    check("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", &[405]).await;
    check("CONNECT a:22 HTTP/1.1\r\nHost: a\r\n\r\n", &[405]).await;
    check("GET / HTTP/1.1\nHost: a\n\n", &[400]).await;
}

#[tokio::test(start_paused = true)]
async fn bodies_have_one_length_and_a_limit() {
    let last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    check(format!("{POST}Content-Length: 2\r\n\r\n{{}}{last}"), &[200, 200]).await;
    check(
        format!("{POST}Transfer-Encoding: chunked\r\n\r\n1;a=b\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n{last}"),
        &[200, 200],
    )
    .await;
    check(format!("{POST}Content-Length: 65537\r\n\r\n1"), &[413]).await;
    let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
    check(format!("{POST}Transfer-Encoding: chunked\r\n\r\n{}1\r\n1\r\n0\r\n\r\n", chunk.repeat(2)), &[413])
        .await;
    check(format!("{POST}\r\n{last}"), &[400, 200]).await;
    let mut client = Client::sent(format!("{POST}Content-Length: 9\r\n\r\n{{")).await;
    client.0.shutdown().await.unwrap();
    let (text, _) = client.rest().await;
    assert!(statuses(&text).iter().all(|status| *status == 400), "{text}");
}

#[tokio::test(start_paused = true)]
async fn who_expects_100_continue_gets_it_when_the_body_is_wanted() {
    let mut client =
        Client::sent(format!("{POST}Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"))
            .await;
    assert_eq!(client.until("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("{}").await;
    assert_eq!(statuses(&client.rest().await.0), [200]);
    check(format!("{POST}Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n"), &[413]).await;
    check(format!("{POST}Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{{}}"), &[417]).await;
}

#[tokio::test(start_paused = true)]
async fn old_clients_and_other_methods() {
    check("GET / HTTP/1.0\r\n\r\n", &[200]).await;
    let mut client = Client::sent("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    assert!(client.until("home").await.contains("connection: keep-alive"));
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    assert_eq!(statuses(&client.rest().await.0), [200]);
    let text = check("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &[200]).await;
    assert!(text.contains("content-length: 4\r\n") && text.ends_with("\r\n\r\n"), "{text}");
    let text = check("OPTIONS / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &[405]).await;
    assert!(text.contains("allow: GET,HEAD"), "{text}");
    check("COW / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &[405]).await;
}
