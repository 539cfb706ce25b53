use crate::world::{World, text};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_define_boards_and_servers_submit() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let (admin, server) = (world.admin(), world.server());
    let columns = json!([
        { "value": "submitted", "direction": "ascending", "operator": "best" },
        { "value": "submitted", "operator": "incr" },
    ]);
    let made = admin.put("/v1/admin/boards/laps", json!({ "columns": columns, "by": ["region"] })).await.ok();
    assert_eq!((&made["board"], &made["ties"]), (&json!("laps"), &json!("competition")));
    assert_eq!(admin.get("/v1/admin/boards/laps").await.ok(), made);

    let entry = |id: &str, values: Value| json!({ "player_id": id, "values": values });
    let both = json!({ "entries": [entry(&ann.id, json!([70_000, 1])), entry(&bob.id, json!([69_000, 1]))] });
    let submit = || async {
        let call = server.call("POST", "/v1/rankings/laps/entries").header("idempotency-key", "k");
        call.json(&both).send().await.ok()
    };
    let taken = submit().await;
    assert_eq!(
        (&taken["entries"][0]["values"], &taken["entries"][0]["moved"]),
        (&json!([70_000.0, 1.0]), &json!(true))
    );
    assert_eq!(submit().await, taken, "the same key counts once");
    let own = server.get(&format!("/v1/rankings/laps/entries/{}", ann.id)).await.ok();
    assert_eq!((&own["submissions"], &own["values"]), (&json!(1), &json!([70_000.0, 1.0])));
    ann.client.post("/v1/rankings/laps/entries", both.clone()).await.is(403, "forbidden");

    let region = json!({ "region": "eu", "platform": null, "groups": ["red"] });
    server.put(&format!("/v1/players/{}/places", ann.id), region).await.ok();
    let rank = |query: &str| format!("/v1/rankings/laps/players/{}{query}", ann.id);
    let whole = ann.client.get(&rank("")).await.ok();
    assert_eq!((&whole["rank"], &whole["players"], whole.get("rating")), (&json!(2), &json!(2), None));
    let part = ann.client.get(&rank("?region=eu")).await.ok();
    assert_eq!((&part["rank"], &part["players"]), (&json!(1), &json!(1)));
    ann.client.get(&rank("?platform=pc")).await.is(404, "not_found");
    ann.client.get(&rank("?region=eu&group=red")).await.is(422, "invalid_parameter");

    let friends = json!({ "player_ids": [&ann.id, &bob.id] });
    let among = ann.client.post("/v1/rankings/laps/among", friends.clone()).await.ok();
    assert_eq!(
        (&among["entries"][1]["rank_among"], &among["entries"][1]["display_name"]),
        (&json!(2), &json!("Ann"))
    );
    let ranks = ann.client.post("/v1/rankings/laps/ranks", friends).await.ok();
    assert_eq!((&ranks["ranks"][0]["rank"], &ranks["ranks"][1]["rank"]), (&json!(2), &json!(1)));
    let many = json!({ "player_ids": vec![&ann.id; 1_001] });
    ann.client.post("/v1/rankings/laps/ranks", many).await.is(422, "invalid");
    let cut = ann.client.get("/v1/rankings/laps/cut?rank=1").await.ok();
    assert_eq!(cut["values"], json!([69_000.0, 1.0]));
    ann.client.get("/v1/rankings/laps/cut?rank=0").await.is(422, "invalid_parameter");
    ann.client.get("/v1/rankings/laps/cut?top_percent=NaN").await.is(422, "invalid_parameter");

    let first = ann.client.get("/v1/rankings/laps/pages?limit=1").await.ok();
    let after = text(&first["next"]);
    let second = ann.client.get(&format!("/v1/rankings/laps/pages?limit=1&after={after}")).await.ok();
    assert_eq!((&second["entries"][0]["rank"], second.get("next")), (&json!(2), None));
    ann.client.get(&format!("/v1/rankings/laps/pages?after={after}x")).await.is(422, "invalid");

    let hide = |how: &str| json!({ "visibility": how, "reason": "cheated" });
    let path = format!("/v1/admin/boards/laps/players/{}/visibility", bob.id);
    admin.put(&path, hide("shadow")).await.done();
    assert_eq!(ann.client.get(&rank("")).await.ok()["rank"], 1);
    let of_bob = format!("/v1/rankings/laps/players/{}", bob.id);
    ann.client.get(&of_bob).await.is(404, "not_found");
    assert_eq!(bob.client.get(&of_bob).await.ok()["rank"], 1);
    world.restart().await;
    let admin = world.admin();
    assert_eq!(admin.get(&rank("")).await.ok()["rank"], 1);
    admin.put(&path, hide("shown")).await.done();
    assert_eq!(admin.get(&rank("")).await.ok()["rank"], 2);
    let remove = format!("/v1/admin/boards/laps/players/{}/remove", bob.id);
    admin.post(&remove, json!({ "reason": "cheated" })).await.done();
    admin.get(&of_bob).await.is(404, "not_found");
    admin.delete("/v1/admin/boards/laps").await.done();
    admin.get(&rank("")).await.is(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_that_makes_no_sense_is_refused() {
    let world = World::new().await;
    let admin = world.admin();
    let bad = async |body: Value, field: &str| {
        let refused = admin.put("/v1/admin/boards/b", body).await.is(422, "invalid");
        assert_eq!(refused["field"], field, "{refused}");
    };
    let scores = json!([{ "value": "submitted" }]);
    bad(json!({ "columns": [] }), "columns").await;
    bad(json!({ "columns": [{ "value": "rating" }] }), "columns[0].value").await;
    bad(json!({ "mode": "duel", "columns": [{ "operator": "best" }] }), "columns[0].operator").await;
    bad(json!({ "columns": scores, "by": ["region", "region"] }), "by[1]").await;
    bad(json!({ "columns": scores, "eligibility": { "deviation_max": -1.0 } }), "eligibility.deviation_max")
        .await;
    admin.put("/v1/admin/boards/b", json!({ "mode": "none", "columns": [{}] })).await.is(404, "not_found");
    admin
        .put("/v1/admin/boards/duel", json!({ "mode": "ffa-none", "columns": [{}] }))
        .await
        .is(404, "not_found");
    admin.delete("/v1/admin/boards/duel").await.is(404, "not_found");
    admin.post("/v1/rankings/duel/entries", json!({ "entries": [] })).await.is(422, "invalid");
}
