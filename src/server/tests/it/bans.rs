//! Bans, over HTTP and over the wire.
use crate::{
    gamelift::{call, configuration, duel_rules},
    world::{World, text},
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_ban_and_lift() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let admin = world.admin();
    let path = format!("/v1/admin/players/{}/bans", ann.id);
    admin.post(&path, json!({ "kind": "play" })).await.is(422, "missing_field");
    admin.post(&path, json!({ "kind": "exile", "reason": "r" })).await.is(422, "invalid_field");
    admin.post(&path, json!({ "kind": "play", "reason": " " })).await.is(422, "invalid");
    admin.post(&path, json!({ "kind": "play", "reason": "r", "for_ms": 0 })).await.is(422, "invalid");
    admin.post(&path, json!({ "kind": "queues", "reason": "r" })).await.is(422, "invalid");
    let named = json!({ "kind": "play", "queues": ["duel"], "reason": "r" });
    admin.post(&path, named).await.is(422, "invalid");
    let nowhere = json!({ "kind": "queues", "queues": ["nowhere"], "reason": "r" });
    admin.post(&path, nowhere).await.is(404, "not_found");
    ann.client.post(&path, json!({ "kind": "play", "reason": "r" })).await.is(403, "forbidden");

    let waits = ann.client.post("/v1/tickets", json!({ "queue": "duel" })).await.ok();
    let body = json!({ "kind": "queues", "queues": ["duel"], "for_ms": 100_000, "reason": "boosted" });
    let made = admin.post(&path, body).await.ok();
    assert_eq!((&made["bans"][0]["kind"], &made["bans"][0]["queues"]), (&json!("queues"), &json!(["duel"])));
    let row = ann.client.get(&format!("/v1/tickets/{}", text(&waits["ticket_id"]))).await.ok();
    assert_eq!(row["state"], "cancelled");

    world.restart().await;
    let (ann_again, bob_again) = (world.player("Ann").await, world.player("Bob").await);
    let answer = ann_again.client.post("/v1/tickets", json!({ "queue": "duel" })).await;
    let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((90..=100).contains(&wait), "{wait}");
    let problem = answer.is(403, "banned");
    assert!(text(&problem["detail"]).contains("boosted"), "{problem}");
    bob_again.client.post("/v1/tickets", json!({ "queue": "duel" })).await.ok();

    let own = format!("/v1/players/{}/bans", ann.id);
    let seen = ann_again.client.get(&own).await.ok();
    assert_eq!((&seen["bans"][0]["reason"], seen["bans"][0].get("by")), (&json!("boosted"), None));
    bob_again.client.get(&own).await.is(404, "not_found");
    let admin = world.admin();
    let shadow = admin.post(&path, json!({ "kind": "shadow", "reason": "aims" })).await.ok();
    assert_eq!(shadow["bans"].as_array().unwrap().len(), 2);
    assert_eq!(ann_again.client.get(&own).await.ok(), seen, "nobody is told of the shadow");

    let lift = format!("{path}/lift");
    admin.post(&lift, json!({ "kind": "queues" })).await.is(422, "missing_field");
    let left = admin.post(&lift, json!({ "kind": "queues", "reason": "appeal" })).await.ok();
    assert_eq!(left["bans"].as_array().unwrap().len(), 1);
    assert!(left["bans"][0]["by"].is_string());
    ann_again.client.post("/v1/tickets", json!({ "queue": "duel" })).await.ok();
    assert_eq!(bob.id, bob_again.id);

    // Over the wire of AWS clients the same player is kept out, and the caller learns why.
    admin.post(&path, json!({ "kind": "play", "reason": "botted" })).await.ok();
    duel_rules(&world.anyone, "r").await;
    configuration(&world.anyone, "c", "r", json!({})).await;
    let player = json!({ "PlayerId": ann.id, "PlayerAttributes": { "skill": { "N": 1 } } });
    let input = json!({ "TicketId": "a.1", "ConfigurationName": "c", "Players": [player] });
    let refused = call(&world.anyone, "StartMatchmaking", input).await;
    let message = refused.exception(400, "InvalidRequestException");
    assert!(message.contains("banned") && message.contains("botted"), "{message}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_see_who_is_banned() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let admin = world.admin();
    assert_eq!(admin.get("/v1/admin/bans").await.ok(), json!({ "entries": [] }));
    let path = |of: &str| format!("/v1/admin/players/{of}/bans");
    let play = json!({ "kind": "play", "reason": "botted", "for_ms": 1_000_000 });
    admin.post(&path(&ann.id), play).await.ok();
    admin.post(&path(&ann.id), json!({ "kind": "shadow", "reason": "aims" })).await.ok();
    admin
        .post(&path(&bob.id), json!({ "kind": "queues", "queues": ["duel"], "reason": "boosted" }))
        .await
        .ok();
    let all = admin.get("/v1/admin/bans").await.ok();
    let own = |id: &str| format!("/v1/players/{id}/bans");
    let mut wanted = [admin.get(&own(&ann.id)).await.ok(), admin.get(&own(&bob.id)).await.ok()];
    wanted.sort_by_key(|of| text(&of["player_id"]));
    assert_eq!(all, json!({ "entries": wanted }));

    let first = admin.get("/v1/admin/bans?limit=1").await.ok();
    assert_eq!((&first["entries"], &first["next"]), (&json!([wanted[0]]), &wanted[0]["player_id"]));
    let rest = admin.get(&format!("/v1/admin/bans?limit=2&after={}", text(&first["next"]))).await.ok();
    assert_eq!(rest, json!({ "entries": [wanted[1]] }));
    admin.get("/v1/admin/bans?after=x").await.is(422, "invalid_parameter");
    admin.get("/v1/admin/bans?limit=0").await.is(422, "invalid_parameter");
    world.server().get("/v1/admin/bans").await.is(403, "forbidden");
    ann.client.get("/v1/admin/bans").await.is(403, "forbidden");
    world.stop().await;
}
