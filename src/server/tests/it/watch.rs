//! Rank events, from the report of a result to the player's stream.
use crate::world::{Player, World, text};
use futures::StreamExt;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest, http::HeaderValue};

/// What has not been heard by then does not come.
const HEARD_WITHIN: Duration = Duration::from_secs(60);

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// A player's stream, past its greeting.
async fn stream(world: &World, player: &Player) -> Socket {
    let mut request = format!("ws://{}/v1/stream", world.anyone.addr).into_client_request().unwrap();
    let token = format!("Bearer {}", player.client.token.as_deref().unwrap());
    request.headers_mut().insert("authorization", HeaderValue::from_str(&token).unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(next(&mut socket).await["type"], "hello");
    socket
}

async fn next(socket: &mut Socket) -> Value {
    loop {
        if let Message::Text(text) = socket.next().await.expect("more").expect("a message") {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

/// The next event of this kind.
async fn event(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let event = next(socket).await;
        if event["type"] == kind {
            return event;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_reach_those_who_watch() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let first = world.duel(&ann, &bob).await;
    world.report(&first, &ann, &bob).await;
    let watch = json!({ "friends": [bob.id], "top": [1] });
    let put = ann.client.put("/v1/rankings/duel/watch", watch).await.ok();
    assert_eq!(
        (&put["board"], &put["friends"], &put["top"]),
        (&json!("duel"), &json!([bob.id]), &json!([1]))
    );
    assert_eq!(ann.client.get("/v1/rankings/duel/watch").await.ok(), put);
    bob.client.put("/v1/rankings/duel/watch", json!({ "top": [1, 10], "personal_best": true })).await.ok();
    let (mut to_ann, mut to_bob) = (stream(&world, &ann).await, stream(&world, &bob).await);

    let second = world.duel(&ann, &bob).await;
    world.report(&second, &bob, &ann).await;
    // Nothing else happens that could bring them. Of each stream they come in this order.
    let heard = async {
        let left = event(&mut to_ann, "left_top").await;
        let passed = event(&mut to_ann, "overtaken").await;
        let entered = event(&mut to_bob, "entered_top").await;
        (left, passed, entered, event(&mut to_bob, "personal_best").await)
    };
    let (left, passed, entered, best) = tokio::time::timeout(HEARD_WITHIN, heard).await.expect("all four");
    assert_eq!((&left["board"], &left["top"], &left["rank"]), (&json!("duel"), &json!(1), &json!(2)));
    assert_eq!(passed["by"], json!([{ "player_id": bob.id, "rank": 1 }]));
    assert_eq!((&passed["friends"], &passed["players"]), (&json!(1), &json!(2)));
    assert_eq!((&entered["top"], &entered["rank"]), (&json!(1), &json!(1)));
    let rating = bob.client.get(&format!("/v1/rankings/duel/players/{}", bob.id)).await.ok();
    assert_eq!(best["value"], rating["rating"]);
    assert!(best["before"].as_f64() < best["value"].as_f64(), "{best}");

    // A stream that was cut goes on where it was, over a restart too, and hears nothing twice.
    world.restart().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let third = world.duel(&ann, &bob).await;
    world.report(&third, &bob, &ann).await;
    let mut resumed = ann
        .client
        .call("GET", &format!("/v1/events?cursor={}", text(&left["cursor"])))
        .header("accept", "text/event-stream")
        .open()
        .await
        .into_body();
    let mut heard = String::new();
    while !heard.contains(&third) || !heard.contains("\"finished\"") {
        let frame = resumed.frame().await.expect("more").expect("a frame");
        heard.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    assert_eq!(heard.matches("\"overtaken\"").count(), 1, "{heard}");
    assert!(!heard.contains("\"left_top\""), "{heard}");

    ann.client.delete("/v1/rankings/duel/watch").await.done();
    ann.client.get("/v1/rankings/duel/watch").await.is(404, "not_found");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_makes_no_sense_is_refused() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let refused = async |board: &str, body: Value, status, code| {
        ann.client.put(&format!("/v1/rankings/{board}/watch"), body).await.is(status, code);
    };
    refused("duel", json!({}), 422, "invalid").await;
    refused("duel", json!({ "friends": ["nobody"] }), 422, "invalid_field").await;
    refused("duel", json!({ "friends": [ann.id] }), 422, "invalid").await;
    refused("duel", json!({ "top": [0] }), 422, "invalid").await;
    refused("duel", json!({ "top": [-1] }), 422, "invalid_field").await;
    refused("duel", json!({ "top": [1e99] }), 422, "invalid_field").await;
    refused("duel", json!({ "top": "all" }), 422, "invalid_field").await;
    refused("duel", json!({ "top": [1], "often": true }), 422, "unknown_field").await;
    refused("nowhere", json!({ "top": [1] }), 404, "not_found").await;
    let strangers: Vec<String> = (0..1_001).map(|n| format!("plr-{n:032x}")).collect();
    refused("duel", json!({ "friends": strangers }), 422, "invalid").await;
    ann.client.put("/v1/rankings/duel/watch", json!({ "friends": strangers[..1_000] })).await.ok();
    world.server().put("/v1/rankings/duel/watch", json!({ "top": [1] })).await.is(403, "forbidden");
    world.stop().await;
}
