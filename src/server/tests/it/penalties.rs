//! Penalties, over HTTP and over the wire.
use crate::{
    gamelift::{call, configuration, duel_rules},
    world::{Player, World, eventually, text},
};
use serde_json::{Value, json};

const DAY_MS: u64 = 86_400_000;

/// Gives a queue penalties; everything else of it stays.
async fn punish(world: &World, queue: &str, penalties: Value) -> Value {
    let mut settings = world.server().get(&format!("/v1/queues/{queue}")).await.ok();
    let members = settings.as_object_mut().unwrap();
    members.remove("name");
    members.insert("penalties".into(), penalties);
    world.admin().put(&format!("/v1/admin/queues/{queue}"), settings).await.ok()
}

fn ladders() -> Value {
    json!({
        "scope": "ranked",
        "dodge": { "locks_ms": [0, DAY_MS], "forget_after_ms": DAY_MS },
        "leave": { "locks_ms": [DAY_MS], "forget_after_ms": DAY_MS },
        "afk": { "locks_ms": [1_000_000], "forget_after_ms": DAY_MS },
    })
}

async fn enter(player: &Player) -> crate::client::Answer {
    player.client.post("/v1/tickets", json!({ "queue": "duel" })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_is_locked_out_until_an_operator_lifts_it() {
    let mut world = World::new().await;
    let shown = punish(&world, "duel", ladders()).await;
    assert_eq!(shown["penalties"], ladders());
    let (ann, bob, cat) = (world.player("Ann").await, world.player("Bob").await, world.player("Cat").await);
    let id = world.duel(&ann, &bob).await;
    let line =
        |player: &Player, place: u32| json!({ "player_id": player.id, "place": place, "afk": place == 2 });
    let done = json!({ "placements": [line(&ann, 1), line(&bob, 2)], "quits": [ann.id] });
    world.server().post(&format!("/v1/matches/{id}/result"), done).await.ok();

    world.restart().await;
    let (ann, bob, cat) = (world.player("Ann").await, world.player("Bob").await, {
        let token = cat.client.token.clone().unwrap();
        Player { client: world.anyone.as_whom(&token), ..cat }
    });
    let answer = enter(&ann).await;
    let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((80_000..=86_400).contains(&wait), "{wait}");
    let problem = answer.is(409, "locked_out");
    let detail = text(&problem["detail"]);
    assert!(detail.contains(&ann.id) && detail.contains("leave") && detail.contains("ranked"), "{detail}");
    let consent = ann.client.post("/v1/parties/consents", json!({ "leader": cat.id })).await.ok();
    let party =
        json!({ "queue": "squad", "members": [{ "player_id": ann.id, "consent": consent["consent"] }] });
    punish(&world, "squad", json!({ "scope": "ranked" })).await;
    let problem = cat.client.post("/v1/tickets", party).await.is(409, "locked_out");
    assert!(text(&problem["detail"]).contains(&ann.id), "the leader learns who: {problem}");

    let own = format!("/v1/players/{}/penalties", ann.id);
    let stands = ann.client.get(&own).await.ok();
    let one = &stands["penalties"][0];
    assert_eq!(
        (&one["scope"], &one["offence"], &one["step"]),
        (&json!("ranked"), &json!("leave"), &json!(1))
    );
    assert_eq!(one["offences"][0]["match_id"], id.as_str());
    assert!(one["locked_until"].is_i64() && one["next_lock_ms"] == DAY_MS, "{one}");
    cat.client.get(&own).await.is(404, "not_found");
    let other = world.server().get(&format!("/v1/players/{}/penalties", bob.id)).await.ok();
    assert_eq!(other["penalties"][0]["offence"], "afk");
    let events = ann.client.get("/v1/events?cursor=0-0").await.ok();
    let told = events["events"].as_array().unwrap().iter().find(|event| event["type"] == "penalty");
    let told = told.unwrap_or_else(|| panic!("{events}"));
    assert_eq!(
        (&told["offence"], &told["lifted"], &told["match_id"]),
        (&json!("leave"), &json!(false), &json!(id))
    );
    assert_eq!(told["locked_until"], one["locked_until"]);

    let lift = format!("/v1/admin/players/{}/penalties/lift", ann.id);
    world.admin().post(&lift, json!({ "scope": "ranked", "reason": " " })).await.is(422, "invalid");
    world.admin().post(&lift, json!({ "scope": "ranked" })).await.is(422, "missing_field");
    let after = world.admin().post(&lift, json!({ "scope": "ranked", "reason": "power cut" })).await.ok();
    assert_eq!(after, json!({ "player_id": ann.id, "penalties": [] }));
    enter(&ann).await.ok();
    enter(&bob).await.is(409, "locked_out");

    world.admin().post(&format!("/v1/admin/matches/{id}/void"), json!({ "reason": "crash" })).await.ok();
    enter(&bob).await.ok();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_reported_to_have_left_is_locked_out_at_once_and_once() {
    let mut world = World::new().await;
    punish(&world, "duel", ladders()).await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let cat = world.player("Cat").await;
    let id = world.duel(&ann, &bob).await;
    let leavers = format!("/v1/matches/{id}/leavers");
    let left = json!({ "players": [ann.id] });
    ann.client.post(&leavers, left.clone()).await.is(403, "forbidden");
    world.server().post(&leavers, json!({ "players": [] })).await.is(422, "invalid");
    world.server().post(&leavers, json!({ "players": [cat.id] })).await.is(422, "invalid");
    for _ in 0..2 {
        assert_eq!(world.server().post(&leavers, left.clone()).await.status, 204);
    }
    let own = format!("/v1/players/{}/penalties", ann.id);
    let stands = |of: Value| (of["penalties"][0]["step"].clone(), of["penalties"][0]["locked_until"].clone());
    let before = stands(ann.client.get(&own).await.ok());
    assert!(before.0 == 1 && before.1.is_i64(), "{before:?}");
    let line = |player: &Player, place: u32| json!({ "player_id": player.id, "place": place });
    let done = json!({ "placements": [line(&ann, 2), line(&bob, 1)], "quits": [ann.id] });
    world.server().post(&format!("/v1/matches/{id}/result"), done).await.ok();
    assert_eq!(stands(ann.client.get(&own).await.ok()), before, "once a match");
    world.server().post(&leavers, json!({ "players": [bob.id] })).await.is(409, "no_result_now");
    enter(&ann).await.is(409, "locked_out");
    world.admin().post(&format!("/v1/admin/matches/{id}/void"), json!({ "reason": "crash" })).await.ok();
    enter(&ann).await.ok();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_may_say_who_was_away_and_a_ladder_is_checked() {
    let mut world = World::new().await;
    punish(&world, "duel", ladders()).await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let id = world.duel(&ann, &bob).await;
    world.report(&id, &ann, &bob).await;
    let report =
        json!({ "sides": [{ "place": 1 }, { "place": 2 }], "afk": [ann.id], "reason": "seen on video" });
    world.admin().post(&format!("/v1/admin/matches/{id}/correct"), report).await.ok();
    enter(&ann).await.is(409, "locked_out");
    enter(&bob).await.ok();

    let mut settings = world.server().get("/v1/queues/duel").await.ok();
    settings.as_object_mut().unwrap().remove("name");
    settings["penalties"] = json!({ "dodge": { "locks_ms": [], "forget_after_ms": 1 } });
    let problem = world.admin().put("/v1/admin/queues/duel", settings.clone()).await.is(422, "invalid");
    assert_eq!(problem["field"], "penalties.dodge.locks_ms");
    settings["penalties"] = json!({ "dodge": { "locks_ms": [0] } });
    world.admin().put("/v1/admin/queues/duel", settings).await.is(422, "missing_field");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_aws_are_told_why() {
    let mut world = World::new().await;
    duel_rules(&world.anyone, "r").await;
    let accepts = json!({ "AcceptanceRequired": true, "AcceptanceTimeoutSeconds": 60 });
    configuration(&world.anyone, "c", "r", accepts).await;
    let ladder = json!({ "dodge": { "locks_ms": [DAY_MS], "forget_after_ms": DAY_MS } });
    punish(&world, "c", ladder).await;
    let start = |ticket: &str, player: &str| {
        let player = json!({ "PlayerId": player, "PlayerAttributes": { "skill": { "N": 1 } } });
        let input = json!({ "TicketId": ticket, "ConfigurationName": "c", "Players": [player] });
        let client = world.anyone.clone();
        async move { call(&client, "StartMatchmaking", input).await }
    };
    start("a.1", "ada").await.output();
    start("b.1", "bob").await.output();
    let ask = json!({ "TicketIds": ["a.1"] });
    eventually(async || {
        let found = call(&world.anyone, "DescribeMatchmaking", ask.clone()).await.output();
        (found["TicketList"][0]["Status"] == "REQUIRES_ACCEPTANCE").then_some(())
    })
    .await;
    let reject = json!({ "TicketId": "a.1", "PlayerIds": ["ada"], "AcceptanceType": "REJECT" });
    call(&world.anyone, "AcceptMatch", reject).await.output();
    let message = start("a.2", "ada").await.exception(400, "InvalidRequestException");
    assert!(message.contains("locked out") && message.contains("dodge"), "{message}");
    // The configuration keeps its penalties, whatever is changed of it by the wire.
    let update = json!({ "Name": "c", "RequestTimeoutSeconds": 90 });
    call(&world.anyone, "UpdateMatchmakingConfiguration", update).await.output();
    start("a.2", "ada").await.exception(400, "InvalidRequestException");
    start("c.1", "cy").await.output();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_locked_out_is_named_as_the_wire_knows_him() {
    let mut world = World::new().await;
    duel_rules(&world.anyone, "r").await;
    let more = json!({ "AcceptanceRequired": true, "AcceptanceTimeoutSeconds": 60 });
    configuration(&world.anyone, "c", "r", more).await;
    punish(&world, "c", json!({ "dodge": { "locks_ms": [DAY_MS], "forget_after_ms": DAY_MS } })).await;
    let ask = |operation: &'static str, body: Value| {
        let client = world.anyone.clone();
        async move { call(&client, operation, body).await }
    };
    let start = |ticket: &str, player: &str| json!({ "TicketId": ticket, "ConfigurationName": "c", "Players": [{ "PlayerId": player }] });
    ask("StartMatchmaking", start("t-1", "ada")).await.output();
    ask("StartMatchmaking", start("t-2", "bo")).await.output();
    eventually(async || {
        let found = ask("DescribeMatchmaking", json!({ "TicketIds": ["t-1"] })).await.output();
        (found["TicketList"][0]["Status"] == "REQUIRES_ACCEPTANCE").then_some(())
    })
    .await;
    let no = json!({ "TicketId": "t-1", "PlayerIds": ["ada"], "AcceptanceType": "REJECT" });
    ask("AcceptMatch", no).await.output();
    let told = ask("StartMatchmaking", start("t-3", "ada")).await.exception(400, "InvalidRequestException");
    assert!(told.contains("`ada`") && !told.contains("plr-"), "{told}");
    world.stop().await;
}
