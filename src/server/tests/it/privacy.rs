//! Exports, erasures and their receipts over HTTP, and what goes by itself.
use crate::{
    client::Client,
    world::{World, eventually, text},
};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// All items of an export.
async fn exported(client: &Client, player: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/players/{player}/export{cursor}")).await.ok();
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page.get("next_cursor") {
            Some(next) => cursor = format!("?cursor={}", text(next)),
            None => return items,
        }
    }
}

fn of_kind<'a>(items: &'a [Value], kind: &str) -> Vec<&'a Value> {
    items.iter().filter(|item| item["kind"] == kind).map(|item| &item["data"]).collect()
}

fn erase(player: &str) -> Value {
    json!({ "confirm": player })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_sees_all_that_is_kept_of_him() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let id = world.duel(&ann, &bob).await;
    world.report(&id, &ann, &bob).await;
    ann.until(|me| me["match_id"].is_null()).await;
    let path = format!("/v1/admin/players/{}/bans", ann.id);
    world.admin().post(&path, json!({ "kind": "shadow", "reason": "aims" })).await.ok();
    world.admin().post(&path, json!({ "kind": "queues", "queues": ["squad"], "reason": "afk" })).await.ok();
    let waits = ann.client.post("/v1/tickets", json!({ "queue": "duel" })).await.ok();

    let mine = exported(&ann.client, &ann.id).await;
    let account = of_kind(&mine, "account")[0];
    assert_eq!((&account["display_name"], &account["ticket_id"]), (&json!("Ann"), &waits["ticket_id"]));
    assert_eq!(of_kind(&mine, "ban").len(), 1, "nobody is told of the shadow");
    assert!(of_kind(&mine, "ban")[0].get("by").is_none());
    assert_eq!(of_kind(&mine, "rating")[0]["wins"], 1);
    assert_eq!(of_kind(&mine, "rating_step")[0]["match_id"], json!(id));
    let learnt = of_kind(&mine, "learnt")[0];
    assert_eq!(
        (&learnt["mode"], &learnt["matches"], &learnt["wins"]),
        (&json!("duel"), &json!(1), &json!(1.0))
    );
    assert!(learnt["experts"]["base"]["rating"].as_f64() > Some(1_500.0), "{learnt}");
    let played = of_kind(&mine, "match")[0];
    assert_eq!((&played["match_id"], &played["result"]["verdict"]), (&json!(id), &json!("counted")));
    assert!(played.get("server_token").is_none());
    assert_eq!(of_kind(&mine, "ticket").len(), 2);
    // The log has it within a second.
    let mine = eventually(async || {
        let mine = exported(&ann.client, &ann.id).await;
        let made = |record: &&Value| record["eventName"] == "gsm:CreateTicket";
        of_kind(&mine, "audit_record").iter().any(made).then_some(mine)
    })
    .await;
    let records = of_kind(&mine, "audit_record");
    assert!(records.iter().all(|record| record["userIdentity"]["principalId"] == json!(ann.id)));
    let whole = json!(mine).to_string();
    assert!(!whole.contains("Bob") && !whole.contains("0123456789abcdefghijkl"), "{whole}");

    let all = exported(&world.admin(), &ann.id).await;
    assert_eq!(of_kind(&all, "ban").len(), 2);
    let path = format!("/v1/players/{}/export", ann.id);
    bob.client.get(&path).await.is(404, "not_found");
    world.server().get(&path).await.is(403, "forbidden");
    for bad in ["cursor=x", "cursor=AAg", "cursor=", "page=1"] {
        let answer = ann.client.get(&format!("{path}?{bad}")).await;
        assert!([400, 422].contains(&answer.status.as_u16()), "{bad}: {}", answer.text);
    }
    // A cursor of the log does not open it to others.
    bob.client.get(&format!("{path}?cursor=Af__________")).await.is(404, "not_found");
    let made = world.admin().post("/v1/admin/keys", json!({ "role": "viewer" })).await;
    let viewer = world.anyone.as_whom(made.ok()["key"].as_str().unwrap());
    viewer.get(&path).await.is(403, "forbidden");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_player_is_nobody_and_his_token_gives_the_receipt_alone() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let id = world.duel(&ann, &bob).await;
    world.report(&id, &ann, &bob).await;
    ann.until(|me| me["match_id"].is_null()).await;
    let playing = world.duel(&ann, &bob).await;
    let (own, path) = (format!("/v1/players/{}", ann.id), format!("/v1/players/{}/erase", ann.id));

    ann.client.post(&path, json!({})).await.is(422, "invalid");
    ann.client.post(&path, erase(&bob.id)).await.is(422, "invalid");
    ann.client.post(&path, json!({ "confirm": ann.id, "reason": "r" })).await.is(422, "invalid");
    bob.client.post(&path, erase(&ann.id)).await.is(404, "not_found");
    world.server().post(&path, erase(&ann.id)).await.is(403, "forbidden");
    world.admin().post(&path, erase(&ann.id)).await.is(422, "invalid");
    ann.client.get(&own).await.ok();
    let erasure = format!("/v1/admin/players/{}/erasure", ann.id);
    world.admin().get(&erasure).await.is(404, "not_found");

    let mut stream = ann.client.call("GET", "/v1/events").header("accept", "text/event-stream").open().await;
    let call =
        |key: &str| ann.client.call("POST", &path).header("idempotency-key", key).json(&erase(&ann.id));
    let done = call("once").send().await.ok();
    assert_eq!(done["state"], "erased");
    let keys = [fs::read_to_string(world.data().join("audit/log.vkey")).unwrap().trim().parse().unwrap()];
    let stated = gsm_server::receipt::checked(done.to_string().as_bytes(), &keys).unwrap();
    assert_eq!((&stated["player_id"], &stated["asked_for_by"]), (&json!(ann.id), &json!("player")));
    assert_eq!(stated["erased"]["display_name"], true);
    // The stream ends, and the token is good for nothing but asking again.
    while let Some(frame) = http_body_util::BodyExt::frame(stream.body_mut()).await {
        if frame.is_err() {
            break;
        }
    }
    ann.client.get(&own).await.is(401, "invalid_token");
    ann.client.post("/v1/tickets", json!({ "queue": "duel" })).await.is(401, "invalid_token");
    assert_eq!(call("once").send().await.ok(), done);
    assert_eq!(call("twice").send().await.ok(), done);
    let other = ann.client.call("POST", &path).header("idempotency-key", "once");
    other.json(&json!({ "confirm": ann.id, "reason": null })).send().await.is(422, "idempotency_mismatch");
    ann.client.post(&format!("/v1/players/{}/erase", bob.id), erase(&bob.id)).await.is(404, "not_found");
    assert_eq!(world.admin().get(&erasure).await.ok(), done);

    // The match goes on, the ranks stay, and nobody has the name any more.
    let table = world.server().get("/v1/rankings/duel").await.ok();
    assert!(table.to_string().contains(&ann.id) && !table.to_string().contains("Ann"), "{table}");
    world.report(&playing, &bob, &ann).await;
    world.admin().get(&own).await.is(404, "not_found");
    let again = world.player("Ann").await;
    assert_ne!(again.id, ann.id, "the same secret is another player");

    world.restart().await;
    let (admin, ann) = (world.admin(), world.anyone.as_whom(ann.client.token.as_ref().unwrap()));
    ann.get(&own).await.is(401, "invalid_token");
    assert_eq!(admin.get(&erasure).await.ok(), done);
    let rank = admin.get(&format!("/v1/rankings/duel/players/{}", bob.id)).await.ok();
    assert!(rank["rank"].is_number(), "{rank}");
    world.stop().await;
    assert_eq!(containing(&world.data().join("audit"), b"Ann"), Vec::<String>::new());
}

/// Files below `dir` that contain some bytes.
fn containing(dir: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(containing(&path, bytes));
        } else if fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_erases_with_a_reason_and_the_log_names_nobody() {
    let mut world = World::new().await;
    let zaphod = world.player("Zaphod").await;
    let waits = zaphod.client.post("/v1/tickets", json!({ "queue": "duel" })).await.ok();
    let path = format!("/v1/players/{}/erase", zaphod.id);
    let body = json!({ "confirm": zaphod.id, "reason": "asked by mail" });
    let done = world.admin().post(&path, body).await.ok();
    assert_eq!(done["receipt"]["statement"]["asked_for_by"], "operator");
    let ticket = format!("/v1/tickets/{}", text(&waits["ticket_id"]));
    assert_eq!(world.admin().get(&ticket).await.ok()["state"], "cancelled");
    let first = async |event: &str| {
        let found = world.admin().get(&format!("/v1/admin/audit?event=gsm:{event}")).await.ok();
        found["records"].as_array().and_then(|all| all.first().cloned())
    };
    let record = eventually(async || first("ErasePlayer").await).await;
    let listed = "/v1/admin/firewall/deny/203.0.113.9/32";
    world.admin().put(listed, json!({ "reason": "flood" })).await.ok();
    world.admin().delete(listed).await.done();
    let deleted = eventually(async || first("DeleteListEntry").await).await;
    let addresses = [&deleted["requestParameters"]["address"], &deleted["sourceIPAddress"]].map(text);
    assert!(addresses.iter().all(|of| of.starts_with("hmac-2") && of.len() == 42), "{addresses:?}");
    assert_eq!(record["additionalEventData"]["reason"], "asked by mail");
    assert_eq!(record["resources"][0]["ARN"], json!(zaphod.id));
    world.stop().await;
    for mark in ["Zaphod", "0123456789abcdefghijkl", "127.0.0.1", "203.0.113.9"] {
        assert_eq!(containing(&world.data().join("audit"), mark.as_bytes()), Vec::<String>::new(), "{mark}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_kept_long_enough_goes_while_the_server_runs() {
    let mut world = World::with(|settings| settings.retention.sweep_every_s = 1).await;
    let old = world.data().join("address-2001.key");
    fs::write(&old, "00").unwrap();
    // The sweep that ran at the start did not see it; the next does.
    eventually(async || (!old.exists()).then_some(())).await;
    let metrics = world.admin().get("/metrics").await;
    assert!(
        metrics.text.contains("gsm_retention_dropped_total{class=\"address_keys\"} 1"),
        "{}",
        metrics.text
    );
    assert!(metrics.text.contains("gsm_erasures_open 0"));
    let kept = fs::read_dir(world.data()).unwrap().flatten();
    let keys = kept.filter(|file| file.file_name().to_str().unwrap().starts_with("address-"));
    assert_eq!(keys.count(), 1, "this year's stays");
    world.stop().await;
}
