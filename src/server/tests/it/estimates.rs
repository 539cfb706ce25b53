//! How long a waiting ticket is told that it will wait.
use crate::world::{World, text};
use http_body_util::BodyExt;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_ticket_is_told_how_long_once_others_have_ended() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let queue = json!({ "queue": "duel" });
    let first = ann.client.post("/v1/tickets", queue.clone()).await.ok();
    assert_eq!(first["estimated_wait"], Value::Null, "nobody has waited yet");
    ann.client.delete(&format!("/v1/tickets/{}", text(&first["ticket_id"]))).await.ok();
    for round in 0..5 {
        let played = world.duel(&ann, &bob).await;
        // In turns, so that their ratings stay near.
        let (winner, loser) = if round % 2 == 0 { (&ann, &bob) } else { (&bob, &ann) };
        world.report(&played, winner, loser).await;
    }
    let made = ann.client.post("/v1/tickets", queue).await.ok();
    let path = format!("/v1/tickets/{}", text(&made["ticket_id"]));
    let read = ann.client.get(&path).await.ok();
    let why = ann.client.get(&format!("{path}/explain")).await.ok();
    for told in [&made, &read, &why] {
        let of = |name: &str| told["estimated_wait"][name].as_u64().unwrap_or_else(|| panic!("{told}"));
        assert!(0 < of("p50_ms") && of("p50_ms") <= of("p90_ms"), "{told}");
    }
    let gone = ann.client.delete(&path).await.ok();
    assert_eq!((&gone["state"], &gone["estimated_wait"]), (&json!("cancelled"), &Value::Null));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_tells_how_long_when_queued_and_when_that_changes() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let queue = json!({ "queue": "squad" });
    let leave = async |made: Value| {
        bob.client.delete(&format!("/v1/tickets/{}", text(&made["ticket_id"]))).await.ok();
    };
    // Nobody has ended yet when Ann comes; then ten others do, and Ann is told while nothing happens to her ticket.
    let mut stream =
        ann.client.call("GET", "/v1/events").header("accept", "text/event-stream").open().await.into_body();
    let made = ann.client.post("/v1/tickets", queue.clone()).await.ok();
    for _ in 0..10 {
        leave(bob.client.post("/v1/tickets", queue.clone()).await.ok()).await;
    }
    let mut heard = String::new();
    let told = async |stream: &mut hyper::body::Incoming, heard: &mut String, wanted: &str| loop {
        let found = heard.lines().filter_map(|line| line.strip_prefix("data: "));
        // The last line may be half there.
        let mut found = found.filter_map(|data| serde_json::from_str::<Value>(data).ok());
        if let Some(event) = found.find(|event| event["type"] == wanted) {
            return event;
        }
        let frame = stream.frame().await.expect("more").expect("a frame");
        heard.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    };
    let wait = told(&mut stream, &mut heard, "wait").await;
    assert_eq!(wait["ticket_id"], made["ticket_id"]);
    let of = |event: &Value, name: &str| {
        event["estimated_wait"][name].as_u64().unwrap_or_else(|| panic!("{event}"))
    };
    assert!(0 < of(&wait, "p50_ms") && of(&wait, "p50_ms") <= of(&wait, "p90_ms"), "{wait}");
    let queued = told(&mut stream, &mut heard, "ticket").await;
    assert_eq!((&queued["state"], &queued["estimated_wait"]), (&json!("queued"), &Value::Null));
    assert_eq!(wait["cursor"], queued["cursor"], "it is not kept, so there is nothing new to resume from");
    drop(stream);

    // Bob's next one is told at once.
    let mut stream =
        bob.client.call("GET", "/v1/events").header("accept", "text/event-stream").open().await.into_body();
    bob.client.post("/v1/tickets", queue).await.ok();
    let queued = told(&mut stream, &mut String::new(), "ticket").await;
    assert!(queued["state"] == "queued" && of(&queued, "p90_ms") > 0, "{queued}");
    world.stop().await;
}
