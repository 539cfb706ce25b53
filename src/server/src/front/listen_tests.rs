use super::*;
use axum::routing::get;
use std::net::Ipv4Addr;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

const HOME: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HELD: &[u8] = b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n";

/// A server on a port of its own; `/held` answers when it is let.
struct Server {
    addr: SocketAddr,
    let_go: Arc<Semaphore>,
    held: Arc<Semaphore>,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Server {
    async fn start(limits: WireLimits) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (let_go, held) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (wait, here) = (Arc::clone(&let_go), Arc::clone(&held));
        let hold = async move || {
            here.add_permits(1);
            wait.acquire().await.unwrap().forget();
            "let go"
        };
        let router = Router::new().route("/", get(async || "home")).route("/held", get(hold));
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let gate = limits.gate();
        let served =
            tracker.spawn(serve(listener, None, router, limits, gate, tracker.clone(), stop.clone()));
        Self { addr, let_go, held, stop, served }
    }

    async fn dial(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    async fn dial_and_ask(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = self.dial().await;
        stream.write_all(bytes).await.unwrap();
        if bytes == HELD {
            self.held.acquire().await.unwrap().forget();
        } else if bytes == HOME {
            read_until(&mut stream, "home").await;
        }
        stream
    }
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let (mut text, mut piece) = (String::new(), [0; 1024]);
    while !text.ends_with(end) {
        let n = stream.read(&mut piece).await.unwrap();
        assert!(n > 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&piece[..n]).unwrap());
    }
    text
}

/// What still comes until the server closes or resets.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

fn few(per_address: usize) -> WireLimits {
    WireLimits { connections_per_address_max: per_address, ..WireLimits::default() }
}

#[tokio::test]
async fn a_drain_closes_the_idle_and_finishes_the_rest() {
    let server = Server::start(WireLimits::default()).await;
    let (fresh, idle) = (server.dial().await, server.dial_and_ask(HOME).await);
    let (half, held) = (server.dial_and_ask(b"GET / HT").await, server.dial_and_ask(HELD).await);
    server.stop.cancel();
    assert_eq!(
        (rest(idle).await, rest(fresh).await, rest(half).await),
        (String::new(), String::new(), String::new())
    );
    assert!(!server.served.is_finished());
    server.let_go.add_permits(1);
    let answer = rest(held).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    server.served.await.unwrap();
    assert!(TcpStream::connect(server.addr).await.is_err());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_acknowledges_nothing_is_given_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, peer) = listener.accept().await.unwrap();
    prepare(&stream, peer);
    assert_eq!(socket2::SockRef::from(&stream).tcp_user_timeout().unwrap(), Some(UNACKNOWLEDGED_MAX));
    assert!(stream.nodelay().unwrap());
}

#[tokio::test]
async fn a_drain_has_an_end() {
    let limits = WireLimits { drain_max: Duration::from_millis(20), ..WireLimits::default() };
    let server = Server::start(limits).await;
    let held = server.dial_and_ask(HELD).await;
    server.stop.cancel();
    assert_eq!(rest(held).await, "");
    server.served.await.unwrap();
}

#[tokio::test]
async fn slow_clients_make_place_for_honest_ones() {
    let server = Server::start(few(4)).await;
    let held = server.dial_and_ask(HELD).await;
    let mut slow = Vec::new();
    for _ in 0..20 {
        slow.push(server.dial_and_ask(b"GET / HTTP/1.1\r\nHost: a\r\nX: ").await);
        drop(server.dial_and_ask(HOME).await);
    }
    for stream in slow.drain(..17) {
        assert_eq!(rest(stream).await, "");
    }
    server.let_go.add_permits(1);
    let mut held = held;
    read_until(&mut held, "let go").await;
}

#[tokio::test]
async fn who_is_served_is_not_shed() {
    let server = Server::start(few(2)).await;
    let mut held = vec![server.dial_and_ask(HELD).await, server.dial_and_ask(HELD).await];
    let refused = rest(server.dial().await).await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("too_many_connections"), "{refused}");
    assert!(refused.to_ascii_lowercase().contains("retry-after: "), "{refused}");
    server.let_go.add_permits(2);
    for stream in &mut held {
        read_until(stream, "let go").await;
    }
    // Who has just been answered has a moment of grace.
    assert!(rest(server.dial().await).await.starts_with("HTTP/1.1 503"));
    drop(held.pop());
    // The server learns of the close a little later.
    while !rest(server.dial_and_ask(b"GET / HTTP/1.0\r\n\r\n").await).await.ends_with("home") {}
}
