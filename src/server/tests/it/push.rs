use crate::world::{Player, World, text};
use futures::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest, http::HeaderValue};

/// Reads a WebSocket until `wanted`; the messages.
async fn read_until(
    world: &World,
    player: &Player,
    cursor: Option<&str>,
    wanted: impl Fn(&Value) -> bool,
) -> Vec<Value> {
    let query = cursor.map(|c| format!("?cursor={c}")).unwrap_or_default();
    let mut request = format!("ws://{}/v1/stream{query}", world.anyone.addr).into_client_request().unwrap();
    let token = format!("Bearer {}", player.client.token.as_deref().unwrap());
    request.headers_mut().insert("authorization", HeaderValue::from_str(&token).unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let mut seen = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            let event: Value = serde_json::from_str(&text).unwrap();
            let last = wanted(&event);
            seen.push(event);
            if last {
                break;
            }
        }
    }
    seen
}

fn kinds(events: &[Value]) -> Vec<String> {
    let one = |e: &Value| match e["state"].as_str() {
        Some(state) => format!("{} {state}", text(&e["type"])),
        None => text(&e["type"]),
    };
    events.iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_tells_everything_in_order_and_resumes_without_loss() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let hello = read_until(&world, &ann, None, |_| true).await;
    assert_eq!(kinds(&hello), ["hello"]);
    // Nobody listens now, and much happens, also a restart.
    let id = world.duel(&ann, &bob).await;
    world.restart().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    world.report(&id, &ann, &bob).await;
    let from = hello[0]["cursor"].as_str();
    let all = read_until(&world, &ann, from, |e| e["type"] == "match" && e["state"] == "finished").await;
    assert_eq!(kinds(&all), ["hello", "ticket queued", "ticket completed", "rating", "match finished"]);
    assert_eq!(all[2]["match_id"], id.as_str());
    // From the middle on: exactly the rest.
    let rest = read_until(&world, &ann, all[2]["cursor"].as_str(), |e| e["state"] == "finished").await;
    assert_eq!(rest[1..], all[3..]);
    // One of what is still to come was never given out.
    let ahead = "9223372036854775807-0";
    ann.client.get(&format!("/v1/events?cursor={ahead}")).await.is(422, "invalid_parameter");
    ann.client
        .call("GET", "/v1/events")
        .header("last-event-id", ahead)
        .send()
        .await
        .is(422, "invalid_parameter");
    // Nor was one of a commit that told less than that.
    let index = |cursor: &str| cursor.split_once('-').map(|(commit, _)| format!("{commit}-4000000000"));
    let beside = index(&text(&all[1]["cursor"])).unwrap();
    ann.client.get(&format!("/v1/events?cursor={beside}")).await.is(422, "invalid_parameter");
    ann.client
        .call("GET", "/v1/events")
        .header("last-event-id", &beside)
        .send()
        .await
        .is(422, "invalid_parameter");
    // The same by polling.
    let page = ann.client.get(&format!("/v1/events?cursor={}", text(&all[1]["cursor"]))).await.ok();
    assert_eq!(page["events"], json!(all[2..]));
    assert_eq!(page["cursor"], all.last().unwrap()["cursor"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_sent_events_carry_the_cursor_as_their_id() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let mut stream =
        ann.client.call("GET", "/v1/events").header("accept", "text/event-stream").open().await.into_body();
    let mut text = String::new();
    let id = world.duel(&ann, &bob).await;
    while !text.contains(&id) {
        let frame = stream.frame().await.expect("more").expect("a frame");
        text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    let events: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|d| serde_json::from_str(d).unwrap())
        .collect();
    assert_eq!(kinds(&events), ["hello", "ticket queued", "ticket completed"]);
    assert_eq!(ids, events.iter().map(|e| e["cursor"].as_str().unwrap()).collect::<Vec<_>>());
    drop(stream);
    let mut resumed = ann
        .client
        .call("GET", "/v1/events?cursor=0-0")
        .header("accept", "text/event-stream")
        .header("last-event-id", ids[1])
        .open()
        .await
        .into_body();
    let mut again = String::new();
    while !again.contains(&id) {
        again.push_str(
            std::str::from_utf8(resumed.frame().await.unwrap().unwrap().data_ref().unwrap()).unwrap(),
        );
    }
    assert!(!again.contains("\"queued\""), "{again}");
    world.stop().await;
}

/// Streams that have nothing to tell are given up as soon as their clients are gone: a player has places for eight.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_place_of_who_left_a_quiet_stream_is_free_at_once() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let head = format!(
        "GET /v1/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\naccept: text/event-stream\r\n\r\n",
        world.anyone.addr,
        ann.client.token.as_deref().unwrap()
    );
    for _ in 0..3 {
        for _ in 0..8 {
            let mut stream = tokio::net::TcpStream::connect(world.anyone.addr).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut told = String::new();
            while !told.contains("hello") {
                told.push_str(&{
                    let mut part = [0; 4_096];
                    let came = stream.read(&mut part).await.unwrap();
                    assert_ne!(came, 0, "{told}");
                    String::from_utf8_lossy(&part[..came]).into_owned()
                });
            }
        }
        // The server has as long to hear of it as a busy machine may take, which is less than its next sign of life.
        let call = || ann.client.call("GET", "/v1/events").header("accept", "text/event-stream");
        let began = std::time::Instant::now();
        while call().open().await.status() != 200 {
            assert!(began.elapsed() < std::time::Duration::from_secs(10), "the places are still taken");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_talks_is_shown_out_and_so_is_everybody_at_the_end() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let connect = async || {
        let mut request = format!("ws://{}/v1/stream", world.anyone.addr).into_client_request().unwrap();
        // As a browser does it: no header but the subprotocols.
        let protocols = format!("gsm.v1, bearer.{}", ann.client.token.as_deref().unwrap());
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(&protocols).unwrap());
        let (mut socket, answer) = tokio_tungstenite::connect_async(request).await.unwrap();
        assert_eq!(answer.headers()["sec-websocket-protocol"], "gsm.v1");
        socket.next().await.unwrap().unwrap();
        socket
    };
    let mut talker = connect().await;
    talker.send(Message::text("hello?")).await.unwrap();
    let Some(Ok(Message::Close(Some(frame)))) = talker.next().await else { panic!("no close") };
    assert_eq!(u16::from(frame.code), 1003);
    // An orderly end is answered.
    let mut leaver = connect().await;
    leaver.send(Message::Close(None)).await.unwrap();
    assert!(matches!(leaver.next().await, Some(Ok(Message::Close(_)))));
    // A frame of no known kind, masked by zeros.
    let mut broken = connect().await;
    let MaybeTlsStream::Plain(stream) = broken.get_mut() else { panic!("TLS") };
    stream.write_all(&[0x8b, 0x80, 0, 0, 0, 0]).await.unwrap();
    let Some(Ok(Message::Close(Some(frame)))) = broken.next().await else { panic!("no close") };
    assert_eq!(u16::from(frame.code), 1002);
    // The head of a frame of a megabyte, of which nothing comes, and a frame without a mask.
    let head_alone = [&[0x82, 0xff][..], &(1u64 << 20).to_be_bytes(), &[0; 4]].concat();
    for (bytes, code) in [(&head_alone[..], 1009), (&[0x82, 0x01, 0x78], 1002)] {
        let mut wrong = connect().await;
        let MaybeTlsStream::Plain(stream) = wrong.get_mut() else { panic!("TLS") };
        stream.write_all(bytes).await.unwrap();
        let Some(Ok(Message::Close(Some(frame)))) = wrong.next().await else { panic!("no close") };
        assert_eq!(u16::from(frame.code), code);
    }
    let mut listener = connect().await;
    let call = ann.client.call("GET", "/v1/events").header("accept", "text/event-stream");
    let mut stream = call.open().await.into_body();
    let stopped = world.stop();
    let ended = async {
        let Some(Ok(Message::Close(Some(frame)))) = listener.next().await else { panic!("no close") };
        assert_eq!(u16::from(frame.code), 1012);
        let mut told = String::new();
        while let Some(Ok(frame)) = stream.frame().await {
            told.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
        let last = "retry: 1000\n: the server is stopping: connect again with the last cursor\n\n";
        assert!(told.contains("hello") && told.ends_with(last), "{told}");
    };
    tokio::join!(stopped, ended);
}

/// The answer to another version says which one it would be (RFC 6455, 4.2.2), and a token comes once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_has_one_version_and_one_token() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let token = ann.client.token.clone().unwrap();
    let call = |version: &str, protocols: &str| {
        let call = ann
            .client
            .call("GET", "/v1/stream")
            .header("upgrade", "websocket")
            .header("connection", "upgrade");
        let call = call.header("sec-websocket-key", "MDEyMzQ1Njc4OWFiY2RlZg==");
        call.header("sec-websocket-version", version).header("sec-websocket-protocol", protocols)
    };
    let refused = call("12", "gsm.v1").send().await;
    assert_eq!(refused.headers["sec-websocket-version"], "13");
    refused.is(400, "invalid_upgrade");
    let both = call("13", &format!("gsm.v1, bearer.{token}")).send().await;
    assert!(!both.headers.contains_key("sec-websocket-version"));
    both.is(401, "invalid_token");
    // Without an upgrade the subprotocol is no place of a token.
    let plain =
        ann.client.call("GET", "/v1/queues").header("sec-websocket-protocol", &format!("bearer.{token}"));
    plain.send().await.ok();
    world.stop().await;
}

/// Whoever sends pings and does not read the answers has a bounded share of memory: the server stops to keep them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_to_pings_that_nobody_reads_are_not_kept() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let token = ann.client.token.as_deref().unwrap();
    let head = format!(
        "GET /v1/stream HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\nupgrade: websocket\r\n\
         connection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
        world.anyone.addr
    );
    // Pings of 125 bytes, masked by zeros.
    let ping: Vec<u8> = [0x89, 0xfd, 0, 0, 0, 0].into_iter().chain([7; 125]).collect();
    let (many, before) = (ping.repeat(1_000), resident());
    let flood = async || {
        let mut stream = tokio::net::TcpStream::connect(world.anyone.addr).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..PINGS_MAX / 1_000 {
            let sent = tokio::time::timeout(PATIENCE, stream.write_all(&many)).await;
            if !matches!(sent, Ok(Ok(()))) {
                break;
            }
        }
        stream
    };
    let streams = futures::future::join_all((0..8).map(|_| flood())).await;
    let grown = resident().saturating_sub(before);
    assert!(grown < 48 << 20, "{grown} bytes for a client that does not read");
    drop(streams);
    world.stop().await;
}

/// So many pings are 26 MB.
const PINGS_MAX: usize = 200_000;
/// A socket that takes nothing for so long takes no more.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// Bytes of this process in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_to_less_than_all_is_told_so() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let hello = read_until(&world, &ann, None, |_| true).await;
    let stood = text(&hello[0]["cursor"]);
    let mut last = String::new();
    for _ in 0..130 {
        let ticket = ann.client.post("/v1/tickets", json!({ "queue": "duel" })).await.ok();
        last = text(&ticket["ticket_id"]);
        ann.client.delete(&format!("/v1/tickets/{last}")).await.ok();
    }
    let is_last = |event: &Value| event["ticket_id"] == last.as_str() && event["state"] == "cancelled";
    // 260 events, of which 256 are kept.
    let all = read_until(&world, &ann, Some(&stood), is_last).await;
    assert_eq!((&all[0]["type"], &all[0]["cursor"]), (&json!("hello"), &json!(stood)));
    assert_eq!((&all[1]["type"], all.len()), (&json!("missed"), 258));
    // Who takes that for his cursor has all that follows, and is not told again.
    let from = text(&all[1]["cursor"]);
    let rest = read_until(&world, &ann, Some(&from), is_last).await;
    assert_eq!(rest[1..], all[2..]);
    let middle = read_until(&world, &ann, all[100]["cursor"].as_str(), is_last).await;
    assert_eq!(middle[1..], all[101..]);
    // The same by polling, and over a restart.
    world.restart().await;
    let ann = world.player("Ann").await;
    let page = ann.client.get(&format!("/v1/events?cursor={stood}")).await.ok();
    assert_eq!(page["events"], json!(all[1..]));
    assert_eq!(page["cursor"], all.last().unwrap()["cursor"]);
    let page = ann.client.get("/v1/events").await.ok();
    assert_eq!(page["events"], json!(all[2..]), "who asks for what is kept has missed nothing");
    let mut stream = ann.client.call("GET", "/v1/events").header("accept", "text/event-stream");
    stream = stream.header("last-event-id", &stood);
    let mut stream = stream.open().await.into_body();
    let mut told = String::new();
    while !told.contains("\"queued\"") {
        told.push_str(
            std::str::from_utf8(stream.frame().await.unwrap().unwrap().data_ref().unwrap()).unwrap(),
        );
    }
    assert!(told.contains(&format!("id: {from}\ndata: {{\"type\":\"missed\"")), "{told}");
    world.stop().await;
}
