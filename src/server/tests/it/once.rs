use crate::world::{World, text};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

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
    let (token, match_id) = (text(&custom["server_token"]), text(&custom["match_id"]));
    let number: gsm_core::MatchId = match_id.parse().unwrap();
    let files = files(&world.data());
    let holders = |what: &[u8]| {
        let holds = |bytes: &[u8]| bytes.windows(what.len()).any(|part| part == what);
        files.iter().filter(|(_, bytes)| holds(bytes)).map(|(path, _)| path.clone()).collect::<Vec<_>>()
    };
    assert_eq!(holders(token.as_bytes()), Vec::<PathBuf>::new());
    // So looked for, what is kept is found: in the store, and in the folder of the audit log.
    assert_ne!(holders(&number.as_u128().to_be_bytes()), Vec::<PathBuf>::new());
    let logged = holders(match_id.as_bytes());
    assert!(logged.iter().any(|path| path.starts_with(world.data().join("audit"))), "{logged:?}");
}

/// All files in a folder and the folders in it, with what is in them.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found
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

/// Byte for byte, whatever has happened since, over a restart too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_is_told_what_the_first_call_did_and_not_what_was_done_since() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let id = world.duel(&ann, &bob).await;
    let places = |a: u32, b: u32, more: Value| {
        let mut body = json!({ "placements": [ { "player_id": ann.id, "place": a }, { "player_id": bob.id, "place": b } ] });
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        body
    };
    let why = json!({ "reason": "r" });
    let ban = json!({ "kind": "play", "reason": "r" });
    let (result, of_match) = (format!("/v1/matches/{id}/result"), format!("/v1/admin/matches/{id}"));
    let by = format!("/v1/admin/players/{}/bans", bob.id);
    // Each undoes what the one before it did, or does it again.
    let calls = [
        (true, result, places(1, 2, json!({}))),
        (false, format!("{of_match}/correct"), places(2, 1, why.clone())),
        (false, format!("{of_match}/void"), why.clone()),
        (false, format!("{of_match}/release"), why.clone()),
        (false, by.clone(), ban.clone()),
        (false, format!("{by}/lift"), ban.clone()),
        (false, format!("{by}/"), ban),
    ];
    let mut told = Vec::new();
    for (by_server, path, body) in &calls {
        let client = if *by_server { world.server() } else { world.admin() };
        let answer = post(&client, path.trim_end_matches('/'), path, body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        told.push(answer.text);
    }
    let rotate = "/v1/admin/signing-keys/rotate";
    let rotated = async |world: &World, key: &str| {
        world.admin().call("POST", rotate).header("idempotency-key", key).send().await.text
    };
    let first = rotated(&world, "a").await;
    assert_ne!(rotated(&world, "b").await, first);
    let session = world.player("Cid").await;
    for round in 0..2 {
        for ((by_server, path, body), told) in calls.iter().zip(&told) {
            let client = if *by_server { world.server() } else { world.admin() };
            assert_eq!(&post(&client, path.trim_end_matches('/'), path, body).await.text, told, "{path}");
        }
        assert_eq!(rotated(&world, "a").await, first);
        // What signs is what stands now.
        if round == 0 {
            session.client.get(&format!("/v1/players/{}", session.id)).await.ok();
            world.restart().await;
        }
    }
    world.stop().await;
}
