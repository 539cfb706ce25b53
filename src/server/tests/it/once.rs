use crate::world::{World, text};
use serde_json::{Value, json};

async fn post(client: &crate::client::Client, path: &str, key: &str, body: &Value) -> crate::client::Answer {
    client.call("POST", path).header("idempotency-key", key).json(body).send().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_gives_the_first_answer_and_another_body_is_refused() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let body = json!({ "queue": "duel" });
    let first = post(&ann.client, "/v1/tickets", "k1", &body).await.ok();
    assert_eq!(post(&ann.client, "/v1/tickets", "k1", &body).await.ok(), first);
    post(&ann.client, "/v1/tickets", "k1", &json!({ "queue": "arena" }))
        .await
        .is(422, "idempotency_mismatch");
    // Another's key is another key.
    post(&bob.client, "/v1/tickets", "k1", &body).await.ok();
    let id = ann.matched().await;

    let server = world.server();
    let path = format!("/v1/matches/{id}/result");
    let done = |a: u32, b: u32| json!({ "placements": [ { "player_id": ann.id, "place": a }, { "player_id": bob.id, "place": b } ] });
    let result = post(&server, &path, "r", &done(1, 2)).await.ok();
    assert_eq!(post(&server, &path, "r", &done(1, 2)).await.ok(), result);
    assert_eq!(server.post(&path, done(1, 2)).await.ok(), result);
    post(&server, &path, "r", &done(2, 1)).await.is(422, "idempotency_mismatch");
    server.post(&path, done(2, 1)).await.is(409, "result_contradicts");
    let rating = ann.client.get(&format!("/v1/players/{}/ratings/duel", ann.id)).await.ok();
    assert_eq!(rating["games_played"], 1);

    let admin = world.admin();
    let key = json!({ "role": "server", "note": "n" });
    let issued = post(&admin, "/v1/admin/keys", "i", &key).await.ok();
    assert_eq!(post(&admin, "/v1/admin/keys", "i", &key).await.ok(), issued);
    post(&admin, "/v1/admin/keys", "i", &json!({ "role": "admin", "note": "n" }))
        .await
        .is(422, "idempotency_mismatch");

    let made = json!({ "queue": "duel", "players": [ann.id, bob.id] });
    let custom = post(&server, "/v1/matches", "m", &made).await.ok();
    assert_eq!(
        text(&post(&server, "/v1/matches", "m", &made).await.ok()["match_id"]),
        text(&custom["match_id"])
    );
    world.restart().await;
    let again = post(&world.server(), "/v1/matches", "m", &made).await.ok();
    assert_eq!((&again["match_id"], &again["server_token"]), (&custom["match_id"], &custom["server_token"]));
    world.stop().await;
    // The token of the match is made again for a repeat, and kept nowhere.
    let token = text(&custom["server_token"]);
    for file in std::fs::read_dir(world.data()).unwrap().map(|entry| entry.unwrap().path()) {
        let bytes = if file.is_file() { std::fs::read(&file).unwrap() } else { continue };
        let is_in = bytes.windows(token.len()).any(|part| part == token.as_bytes());
        assert!(!is_in, "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_with_an_own_id_is_made_once() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let body = json!({ "queue": "duel", "ticket_id": "evening-1" });
    let first = ann.client.post("/v1/tickets", body.clone()).await.ok();
    assert_eq!(ann.client.post("/v1/tickets", body).await.ok()["ticket_id"], first["ticket_id"]);
    ann.client
        .post("/v1/tickets", json!({ "queue": "arena", "ticket_id": "evening-1" }))
        .await
        .is(409, "ticket_id_taken");
    let other = ann.client.post("/v1/tickets", json!({ "queue": "arena" })).await.is(409, "already_queued");
    assert!(text(&other["detail"]).contains(&text(&first["ticket_id"])));
    let ended = ann.client.delete("/v1/tickets/evening-1").await.ok();
    assert_eq!(ended["state"], "cancelled");
    assert_eq!(ann.client.delete("/v1/tickets/evening-1").await.ok(), ended);
    world.stop().await;
}
