//! How long a waiting ticket is told that it will wait.
use crate::world::{World, text};
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
