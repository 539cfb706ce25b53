use crate::world::{World, text};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_bad_body_has_its_answer_and_changes_nothing() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let post = |kind: &'static str, body: String| {
        let client = ann.client.clone();
        async move { client.call("POST", "/v1/tickets").text(kind, &body).send().await }
    };
    let json_body = "application/json";
    post("text/plain", "{}".into()).await.is(415, "unsupported_media_type");
    post(json_body, String::new()).await.is(400, "body_empty");
    post(json_body, "{".into()).await.is(400, "invalid_json");
    post(json_body, "{} {}".into()).await.is(400, "invalid_json");
    post(json_body, r#"{"queue":"duel","queue":"duel"}"#.into()).await.is(400, "json_duplicate_key");
    post(json_body, "[".repeat(40)).await.is(400, "json_too_deep");
    post(json_body, format!("[{}]", vec!["1"; 1_001].join(","))).await.is(400, "json_too_many_members");
    post(json_body, r#"{"queue":1e999}"#.into()).await.is(400, "json_number_out_of_range");
    post(json_body, "x".repeat(64 * 1024 + 1)).await.is(413, "body_too_large");
    let far: serde_json::Map<String, serde_json::Value> =
        (0..58).map(|n| (format!("{n:01000}"), json!(20))).collect();
    let too_much = post(json_body, json!({ "queue": "duel", "latency_ms": far }).to_string()).await;
    assert_eq!(too_much.is(422, "invalid")["field"], "latency_ms");
    assert_eq!(post(json_body, "{}".into()).await.is(422, "missing_field")["field"], "queue");
    assert_eq!(post(json_body, r#"{"queue":7}"#.into()).await.is(422, "invalid_field")["field"], "queue");
    assert_eq!(
        post(json_body, r#"{"queue":"duel","que":1}"#.into()).await.is(422, "unknown_field")["field"],
        "que"
    );
    let member = post(json_body, r#"{"queue":"duel","members":[{"player_id":"plr-1"}]}"#.into()).await;
    assert_eq!(member.is(422, "invalid_field")["field"], "members[0].player_id");
    post(json_body, r#"["duel", null]"#.into()).await.is(422, "invalid_field");
    post(json_body, r#"{"queue":"no such"}"#.into()).await.is(422, "invalid_field");
    post(json_body, r#"{"queue":"none"}"#.into()).await.is(404, "not_found");
    post(json_body, json!({ "queue": "duel", "members": [{ "player_id": ann.id }] }).to_string())
        .await
        .is(422, "invalid");
    let me = ann.client.get(&format!("/v1/players/{}", ann.id)).await.ok();
    assert!(me.get("ticket_id").is_none(), "{me}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn common_refusals_say_what_to_do() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let (admin, none) = (world.admin(), "plr-00000000000000000000000000000000");
    let ticket = |body: serde_json::Value| ann.client.post("/v1/tickets", body);
    let brings = json!({ "queue": "duel", "attributes": { "rating": 1 } });
    let columns = json!({ "mode": "duel", "columns": [] });
    for (problem, part) in [
        (ticket(json!({ "queue": "nope" })).await.is(404, "not_found"), "GET /v1/queues"),
        (ticket(brings).await.is(422, "invalid"), "`player_attributes`"),
        (ann.client.get("/v1/rankings/none").await.is(404, "not_found"), "GET /v1/rankings"),
        (
            ann.client.get(&format!("/v1/rankings/duel/players/{}", ann.id)).await.is(404, "not_found"),
            "no rank",
        ),
        (ann.client.get(&format!("/v1/players/{none}")).await.is(404, "not_found"), "plr-"),
        (ann.client.get("/v1/admin/bans").await.is(403, "forbidden"), "/openapi.json"),
        (admin.put("/v1/admin/boards/odd", columns).await.is(422, "invalid"), "docs/boards.md"),
        (ann.client.put("/v1/rankings/duel/watch", json!({})).await.is(422, "invalid"), "docs/boards.md"),
        (admin.get("/v1/rule-sets/none").await.is(404, "not_found"), "GET /v1/rule-sets"),
    ] {
        assert!(text(&problem["hint"]).contains(part), "{problem}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_paths_queries_and_headers_are_named() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let get = |path: &'static str| {
        let client = ann.client.clone();
        async move { client.get(path).await }
    };
    get("/v1/nothing").await.is(404, "not_found");
    get("/v1/players/%zz").await.is(400, "invalid_encoding");
    get("/v1/players/%ff").await.is(400, "invalid_encoding");
    get("/v1/players/bob").await.is(422, "invalid_parameter");
    get("/v1/players/plr-00000000000000000000000000000000").await.is(404, "not_found");
    get("/v1/rankings/duel?limit=0").await.is(422, "invalid_parameter");
    get("/v1/rankings/duel?limit=1001").await.is(422, "invalid_parameter");
    get("/v1/rankings/duel?limit=x").await.is(422, "invalid_parameter");
    get("/v1/rankings/duel?limit=1&limit=2").await.is(400, "duplicate_parameter");
    get("/v1/rankings/duel?lim=1").await.is(422, "unknown_parameter");
    get("/v1/rankings/none").await.is(404, "not_found");
    get("/v1/events?cursor=x").await.is(422, "invalid_parameter");
    get("/v1/stream").await.is(400, "invalid_upgrade");
    let answer = ann.client.call("PUT", "/v1/tickets").send().await;
    assert_eq!(answer.headers["allow"], "POST");
    answer.is(405, "method_not_allowed");
    let long = "k".repeat(129);
    let keyed = ann
        .client
        .call("POST", "/v1/tickets")
        .header("idempotency-key", &long)
        .json(&json!({ "queue": "duel" }));
    keyed.send().await.is(422, "invalid_parameter");
    let named = ann
        .client
        .call("GET", "/v1/nothing")
        .header("x-request-id", "my-7")
        .send()
        .await
        .is(404, "not_found");
    assert_eq!(named["request_id"], "my-7");
    let odd = ann
        .client
        .call("GET", "/v1/nothing")
        .header("x-request-id", "a b\"c")
        .send()
        .await
        .is(404, "not_found");
    assert!(text(&odd["request_id"]).starts_with("req-"));
    let twice = world
        .anyone
        .call("GET", "/v1/queues")
        .header("authorization", "Bearer a")
        .header("authorization", "Bearer b");
    twice.send().await.is(401, "invalid_token");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_that_were_typed_are_refused() {
    let mut world = World::new().await;
    let hex = "0123456789abcdef0123456789ABCDEF";
    let decimal = "0123456789".repeat(4);
    for secret in [
        "",
        "short",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "with space 0123456789abcdef",
        &"x1".repeat(80),
        // Too little room for 128 bits, whatever their length is.
        &hex[..22],
        &hex[..31],
        &format!("{}----------------", &hex[..31]),
        &decimal[..38],
    ] {
        let answer = world.anyone.post("/v1/auth/guest", json!({ "secret": secret })).await;
        assert_eq!(answer.is(422, "invalid")["field"], "secret", "{secret}");
    }
    for secret in [hex, &decimal[..39], "00112233-4455-4677-8899-aabbccddeeff", "0123456789abcdefABCDEg"] {
        world.anyone.post("/v1/auth/guest", json!({ "secret": secret })).await.ok();
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_that_cannot_be_are_refused() {
    let mut world = World::new().await;
    let (ann, bob, eve) = (world.player("Ann").await, world.player("Bob").await, world.player("Eve").await);
    let id = world.duel(&ann, &bob).await;
    let path = format!("/v1/matches/{id}/result");
    let report = |body: serde_json::Value| {
        let (server, path) = (world.server(), path.clone());
        async move { server.post(&path, body).await }
    };
    let place = |id: &str, place: i64| json!({ "player_id": id, "place": place });
    report(json!({})).await.is(422, "invalid");
    report(json!({ "placements": [] })).await.is(422, "invalid");
    report(json!({ "placements": [place(&ann.id, 1)] })).await.is(422, "invalid");
    report(json!({ "placements": [place(&ann.id, 1), place(&eve.id, 2)] })).await.is(422, "invalid");
    report(json!({ "placements": [place(&ann.id, 1), place(&ann.id, 2)] })).await.is(422, "invalid");
    report(json!({ "placements": [place(&ann.id, 0), place(&bob.id, 1)] })).await.is(422, "invalid");
    report(json!({ "placements": [place(&ann.id, -1), place(&bob.id, 1)] })).await.is(422, "invalid_field");
    report(json!({ "sides": [{ "place": 1 }] })).await.is(422, "invalid");
    report(json!({ "sides": [{ "place": 1 }, { "place": 2 }], "quits": [eve.id] })).await.is(422, "invalid");
    report(json!({ "sides": [{ "place": 1, "score": 1e300 }, { "place": 2, "score": 0 }] }))
        .await
        .is(422, "invalid");
    ann.client.get(&path).await.is(404, "not_found");
    world.server().post(&format!("/v1/matches/{id}/state"), json!({ "state": "abandoned" })).await.ok();
    report(json!({ "sides": [{ "place": 1 }, { "place": 2 }] })).await.is(409, "no_result_now");
    ann.client.get(&format!("/v1/rankings/duel/players/{}", ann.id)).await.is(404, "not_found");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let mut world = World::with(|settings| {
        settings.firewall = gsm_server::firewall::FirewallSettings::of(gsm_security::Profile::Default)
    })
    .await;
    let sign_in = async |n: usize| {
        let body = json!({ "secret": format!("abcdefgh-{n}-0123456789-abcdef") });
        world.anyone.post("/v1/auth/guest", body).await
    };
    let mut limited = None;
    for n in 0..10 {
        let answer = sign_in(n).await;
        if answer.status == 429 {
            limited = Some((n, answer));
            break;
        }
    }
    let (n, answer) = limited.expect("a limit");
    assert_eq!(n, 5);
    let after: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=10).contains(&after), "{after}");
    answer.is(429, "rate_limited");
    world.stop().await;
}
