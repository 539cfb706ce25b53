//! How long a waiting ticket is told that it will wait, and why.
use crate::world::{World, seen, text};
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

/// The next message of a stream that is wanted.
async fn next(
    stream: &mut hyper::body::Incoming,
    heard: &mut String,
    wanted: impl Fn(&Value) -> bool,
) -> Value {
    loop {
        while let Some((line, rest)) = heard.split_once('\n') {
            let event = line.strip_prefix("data: ").and_then(|data| serde_json::from_str::<Value>(data).ok());
            *heard = rest.to_owned();
            if let Some(event) = event.filter(&wanted) {
                return event;
            }
        }
        let frame = stream.frame().await.expect("more").expect("a frame");
        heard.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_tells_why_and_when_that_changes() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let team = |name: &str| json!({ "name": name, "minPlayers": 1, "maxPlayers": 1 });
    let body = json!({
        "ruleLanguageVersion": "1.0", "playerAttributes": [{ "name": "level", "type": "number" }],
        "teams": [team("red"), team("blue")],
        "rules": [{ "name": "Near", "type": "batchDistance", "batchAttribute": "level", "maxDistance": 10 }],
        "expansions": [{ "target": "rules[Near].maxDistance", "steps": [{ "waitTimeSeconds": 300, "value": 100 }] }],
    });
    let admin = world.admin();
    admin.put("/v1/admin/rule-sets/near", json!({ "body": body })).await.ok();
    let queue = json!({ "mode": "near", "rule_set": "near", "player_attributes": ["level"] });
    admin.put("/v1/admin/queues/near", queue).await.ok();
    let ticket = |level: u32| json!({ "queue": "near", "attributes": { "level": level } });
    let made = ann.client.post("/v1/tickets", ticket(10)).await.ok();
    let others = bob.client.post("/v1/tickets", ticket(90)).await.ok();
    let path = format!("/v1/tickets/{}/explain", text(&made["ticket_id"]));
    seen(&ann.client, &path, |why| why["rule_set"]["others"] == 1).await;
    // Who comes back to a stream hears it at once.
    let mut stream =
        ann.client.call("GET", "/v1/events").header("accept", "text/event-stream").open().await.into_body();
    let mut heard = String::new();
    let wait = next(&mut stream, &mut heard, |event| event["type"] == "wait").await;
    assert_eq!((&wait["ticket_id"], wait.get("estimated_wait")), (&made["ticket_id"], None));
    let mut why = wait["why"].clone();
    let sentence = text(&why["text"].take());
    assert!(sentence.contains("the rule `Near` stands in the way"), "{sentence}");
    let next_expansion = json!({ "at_ms": 300_000, "unlocked": 1 });
    let after = why["next"]["at_ms"].as_u64().unwrap();
    // Bob came a little later, and is the younger of the two.
    assert!((300_000..310_000).contains(&after), "{why}");
    why["next"]["at_ms"] = json!(300_000);
    let expected = json!({ "text": null, "binding": "Near", "others": 1, "compatible": 0, "passing": 0,
        "next": next_expansion, "complete": true });
    assert_eq!(why, expected);
    // Some seconds later, since it has changed by then.
    bob.client.delete(&format!("/v1/tickets/{}", text(&others["ticket_id"]))).await.ok();
    let wait = next(&mut stream, &mut heard, |event| event["type"] == "wait").await;
    assert_eq!((&wait["why"]["others"], wait["why"].get("binding")), (&json!(0), None), "{wait}");
    drop(stream);

    // A queue without a rule set.
    bob.client.post("/v1/tickets", json!({ "queue": "squad" })).await.ok();
    let mut stream =
        bob.client.call("GET", "/v1/events").header("accept", "text/event-stream").open().await.into_body();
    let wait = next(&mut stream, &mut String::new(), |event| event["type"] == "wait").await;
    assert_eq!(wait["why"]["binding"], "too_few_players", "{wait}");
    world.stop().await;
}
