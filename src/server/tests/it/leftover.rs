//! Bodies that nobody reads: the connection goes on behind a short one, and is closed aloud otherwise.
use crate::world::World;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

async fn connect(world: &World) -> TcpStream {
    let stream = TcpStream::connect(world.anyone.addr).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn head(length: usize, more: &str) -> String {
    format!(
        "POST /v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n"
    )
}

/// Reads until so many answers have begun, or the end.
async fn answers(stream: &mut TcpStream, wanted: usize) -> String {
    let (mut text, mut part) = (String::new(), [0; 4096]);
    while text.matches("HTTP/1.1 ").count() < wanted {
        match stream.read(&mut part).await.unwrap() {
            0 => break,
            n => text.push_str(&String::from_utf8_lossy(&part[..n])),
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_refused_body_the_next_request_is_answered() {
    let mut world = World::new().await;
    let mut stream = connect(&world).await;
    stream.write_all(head(20, "").as_bytes()).await.unwrap();
    // The rest in packets of their own.
    tokio::task::yield_now().await;
    stream.write_all(&[b' '; 20]).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let text = answers(&mut stream, 2).await;
    assert!(text.starts_with("HTTP/1.1 401") && text.contains("HTTP/1.1 200"), "{text}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_come_or_is_long_ends_the_connection_aloud() {
    let mut world = World::new().await;
    for (length, more) in [(20, ""), (65_537, ""), (20, "Expect: 100-continue\r\n")] {
        let mut stream = connect(&world).await;
        stream.write_all(head(length, more).as_bytes()).await.unwrap();
        let text = answers(&mut stream, 2).await.to_ascii_lowercase();
        assert!(text.contains("connection: close"), "{length} {more}: {text}");
        assert_eq!(text.matches("http/1.1 4").count(), 1, "{text}");
    }
    world.stop().await;
}
