//! Tickets in several queues, natively.
use crate::world::{World, seen, text};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_match_of_several_queues_is_the_tickets() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let admin = world.admin();
    for name in ["blitz", "rapid"] {
        admin.put(&format!("/v1/admin/queues/{name}"), json!({ "mode": name })).await.ok();
    }
    ann.client.post("/v1/tickets", json!({})).await.is(422, "missing_field");
    for bad in [
        json!({ "queues": [] }),
        json!({ "queue": "blitz", "queues": ["rapid"] }),
        json!({ "queues": ["blitz", "blitz"] }),
        json!({ "queues": ["1", "2", "3", "4", "5", "6", "7", "8", "9"] }),
    ] {
        ann.client.post("/v1/tickets", bad).await.is(422, "invalid");
    }
    ann.client.post("/v1/tickets", json!({ "queues": ["blitz", "none"] })).await.is(404, "not_found");
    let made = ann.client.post("/v1/tickets", json!({ "queues": ["blitz", "rapid"] })).await.ok();
    assert_eq!((&made["queue"], &made["queues"]), (&json!("blitz"), &json!(["blitz", "rapid"])));
    let id = text(&made["ticket_id"]);
    let path = format!("/v1/tickets/{id}");
    let why = ann.client.get(&format!("{path}/explain")).await.ok();
    let parts: Vec<_> = why["queues"].as_array().unwrap().iter().map(|of| of["queue"].clone()).collect();
    assert_eq!(parts, [json!("blitz"), json!("rapid")]);
    let other = bob.client.post("/v1/tickets", json!({ "queue": "rapid" })).await.ok();
    assert!(other["queues"].is_null());
    let done = seen(&ann.client, &path, |ticket| ticket["state"] == "completed").await;
    assert_eq!(done["queue"], "rapid");
    world.stop().await;
}
