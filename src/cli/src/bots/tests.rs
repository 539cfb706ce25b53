use super::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_util::task::TaskTracker;

/// Answers that no good server gives, one after the other.
const NONSENSE: [&str; 8] = [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\n\u{0}\u{1}{\"",
    "HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 401 No\r\nContent-Length: 9999\r\n\r\nshort",
    "no protocol at all\r\n\r\n",
    "",
    "HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n{\"player_id\":\"a/../b c\",\"token\":\"new\\nline\"}",
    "HTTP/1.1 200 OK\r\nContent-Length: 52\r\n\r\n{\"player_id\":\"p\",\"token\":\"t\",\"match_id\":\"m\",\"x\":[]}",
];

/// Serves nonsense until dropped; returns how many requests came.
async fn serve_nonsense(listener: TcpListener, wanted: usize) -> usize {
    for (at, answer) in NONSENSE.iter().cycle().enumerate() {
        if at >= wanted {
            return at;
        }
        let Ok((mut stream, _)) = listener.accept().await else { return at };
        let mut request = [0u8; 4096];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(answer.as_bytes()).await;
    }
    0
}

fn options(server: SocketAddr, state_dir: &std::path::Path) -> BotOptions {
    BotOptions {
        server,
        bots: 6,
        seed: 1,
        server_key: "bad\nkey".to_owned(),
        state_dir: state_dir.to_owned(),
    }
}

#[tokio::test]
async fn nonsense_neither_ends_nor_breaks_the_bots() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let playing = TaskTracker::new().spawn(run(options(server, dir.path()), stop.clone()));
    let served = tokio::time::timeout(Duration::from_secs(30), serve_nonsense(listener, 4 * NONSENSE.len()));
    assert_eq!(served.await.unwrap(), 4 * NONSENSE.len());
    assert!(!playing.is_finished());
    stop.cancel();
    playing.await.unwrap();
}

#[tokio::test]
async fn no_server_and_no_directory_are_survived() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    // The port was free a moment ago, and nobody can keep a salt below a file.
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let stop = CancellationToken::new();
    let world = World::new(options(server, &file), stop.clone());
    let playing = TaskTracker::new().spawn(play(world.clone(), stop.clone()));
    let repeated = async {
        while world.watch.repeats.get() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), repeated).await.unwrap();
    assert!(!playing.is_finished());
    stop.cancel();
    playing.await.unwrap();
}
