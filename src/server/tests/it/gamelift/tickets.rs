use super::{call, configuration, duel_rules};
use crate::world::{World, eventually};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_shown_as_it_came_and_is_stopped_once() {
    let mut world = World::new().await;
    duel_rules(&world.anyone, "r").await;
    configuration(&world.anyone, "c", "r", json!({})).await;
    let ask = |operation: &'static str, body: Value| {
        let client = world.anyone.clone();
        async move { call(&client, operation, body).await }
    };
    let attributes = json!({
        "skill": { "N": 7 }, "map": { "S": "ice" }, "maps": { "SL": ["b", "a", "b"] }, "likes": { "SDM": { "x": 1.5 } }
    });
    let player =
        json!({ "PlayerId": "Ada Ä", "PlayerAttributes": attributes, "LatencyInMs": { "eu-1": 40.0 } });
    let input = json!({ "TicketId": "t.1", "ConfigurationName": "c", "Players": [player] });
    let made = ask("StartMatchmaking", input.clone()).await.output()["MatchmakingTicket"].clone();
    assert_eq!((&made["TicketId"], &made["Status"]), (&json!("t.1"), &json!("QUEUED")));
    assert_eq!(
        made["ConfigurationArn"],
        "arn:aws:gamelift:us-east-1:000000000000:matchmakingconfiguration/c"
    );
    assert!(made["StartTime"].is_f64() && made.get("EndTime").is_none(), "{made}");
    let mut shown = player.clone();
    shown["PlayerAttributes"]["maps"]["SL"] = json!(["b", "a"]);
    shown["PlayerAttributes"]["skill"]["N"] = json!(7.0);
    shown["LatencyInMs"]["eu-1"] = json!(40);
    assert_eq!(made["Players"], json!([shown]));
    let message = ask("StartMatchmaking", input).await.exception(400, "InvalidRequestException");
    assert_eq!(message, "`ticketId`: a ticket had this id before: each needs one of its own");

    let ids = json!({ "TicketIds": ["none", "t.1", "t.1"] });
    let found = ask("DescribeMatchmaking", ids.clone()).await.output();
    assert_eq!(found["TicketList"].as_array().unwrap().len(), 1);
    ask("DeleteMatchmakingConfiguration", json!({ "Name": "c" }))
        .await
        .exception(400, "InvalidRequestException");
    let accept = json!({ "TicketId": "t.1", "PlayerIds": ["Ada Ä"], "AcceptanceType": "ACCEPT" });
    ask("AcceptMatch", accept).await.exception(400, "InvalidRequestException");
    assert_eq!(ask("StopMatchmaking", json!({ "TicketId": "t.1" })).await.output(), json!({}));
    let message =
        ask("StopMatchmaking", json!({ "TicketId": "t.1" })).await.exception(400, "InvalidRequestException");
    assert_eq!(message, "Matchmaking ticket is in CANCELLED status and cannot be canceled.");
    let ended = ask("DescribeMatchmaking", ids).await.output()["TicketList"][0].clone();
    assert_eq!((&ended["Status"], &ended["StatusReason"]), (&json!("CANCELLED"), &json!("Cancelled")));
    assert!(ended["EndTime"].as_f64() >= ended["StartTime"].as_f64());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_that_cannot_be_are_refused() {
    let mut world = World::new().await;
    duel_rules(&world.anyone, "r").await;
    configuration(&world.anyone, "c", "r", json!({})).await;
    let start = async |name: &str, players: Value| {
        call(&world.anyone, "StartMatchmaking", json!({ "ConfigurationName": name, "Players": players }))
            .await
    };
    let many: Vec<Value> = (0..11).map(|n| json!({ "PlayerId": n.to_string() })).collect();
    for players in [
        json!([]),
        json!(many),
        json!([{}]),
        json!([{ "PlayerId": "a" }, { "PlayerId": "a" }]),
        json!([{ "PlayerId": "a", "PlayerAttributes": { "x": {} } }]),
        json!([{ "PlayerId": "a", "PlayerAttributes": { "x": { "N": 1, "S": "1" } } }]),
        json!([{ "PlayerId": "a", "LatencyInMs": { "eu": 0 } }]),
    ] {
        start("c", players).await.exception(400, "InvalidRequestException");
    }
    let list = json!({ "SL": (0..100).map(|n| format!("{n:0100}")).collect::<Vec<_>>() });
    let two = json!([{ "PlayerId": "a", "PlayerAttributes": { "x": list, "y": list } }]);
    let message = start("c", two).await.exception(400, "InvalidRequestException");
    assert!(message.contains("at most 16384 bytes together"), "{message}");
    // A list has at most a hundred strings; repeats are none.
    let listing =
        |strings: Vec<String>| json!([{ "PlayerId": "a", "PlayerAttributes": { "x": { "SL": strings } } }]);
    let strings = |count: usize| (0..count).map(|n| n.to_string());
    for strings in [strings(101).collect(), strings(1).cycle().take(1_001).collect()] {
        start("c", listing(strings)).await.exception(400, "InvalidRequestException");
    }
    let made = start("c", listing(strings(100).chain(strings(100)).collect())).await.output();
    let shown = &made["MatchmakingTicket"]["Players"][0]["PlayerAttributes"]["x"]["SL"];
    assert_eq!(*shown, json!(strings(100).collect::<Vec<_>>()));
    start("none", json!([{ "PlayerId": "a" }])).await.exception(400, "NotFoundException");
    // A queue of the native API that goes by no rule set.
    start("duel", json!([{ "PlayerId": "a" }])).await.exception(400, "NotFoundException");
    let ask = |operation: &'static str, body: Value| {
        let client = world.anyone.clone();
        async move { call(&client, operation, body).await }
    };
    let teamless = json!({ "ConfigurationName": "c", "Players": [{ "PlayerId": "a" }] });
    ask("StartMatchBackfill", teamless).await.exception(400, "InvalidRequestException");
    ask("StopMatchmaking", json!({ "TicketId": "none" })).await.exception(400, "NotFoundException");
    let accept = json!({ "TicketId": "none", "PlayerIds": ["a"], "AcceptanceType": "REJECT" });
    ask("AcceptMatch", accept).await.exception(400, "NotFoundException");
    let made =
        start("arn:aws:gamelift:x::matchmakingconfiguration/c", json!([{ "PlayerId": "a" }])).await.output();
    let id = made["MatchmakingTicket"]["TicketId"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 36, "a UUID where the caller names none");
    assert_eq!(
        ask("DescribeMatchmaking", json!({ "TicketIds": [id] })).await.output()["TicketList"][0]["TicketId"],
        id
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_match_says_the_teams_and_the_next_ticket_how_long_it_may_take() {
    let mut world = World::new().await;
    duel_rules(&world.anyone, "r").await;
    configuration(&world.anyone, "c", "r", json!({})).await;
    let start = async |ticket: &str, player: &str| {
        let input =
            json!({ "TicketId": ticket, "ConfigurationName": "c", "Players": [{ "PlayerId": player }] });
        call(&world.anyone, "StartMatchmaking", input).await.output()["MatchmakingTicket"].clone()
    };
    assert!(start("t-1", "ada").await.get("EstimatedWaitTime").is_none(), "nobody was matched yet");
    start("t-2", "bo").await;
    let found = eventually(async || {
        let input = json!({ "TicketIds": ["t-1", "t-2"] });
        let found = call(&world.anyone, "DescribeMatchmaking", input).await.output()["TicketList"].clone();
        found.as_array().unwrap().iter().all(|ticket| ticket["Status"] == "COMPLETED").then_some(found)
    })
    .await;
    let teams = [0, 1].map(|at: usize| found[at]["Players"][0]["Team"].clone());
    assert!(teams.contains(&json!("left")) && teams.contains(&json!("right")), "{teams:?}");
    assert!(start("t-3", "cy").await["EstimatedWaitTime"].is_u64());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_says_that_it_searches_again_as_its_match_was_not_accepted() {
    let mut world = World::new().await;
    duel_rules(&world.anyone, "r").await;
    configuration(&world.anyone, "c", "r", json!({ "AcceptanceRequired": true })).await;
    let start = async |ticket: &str| {
        let input =
            json!({ "TicketId": ticket, "ConfigurationName": "c", "Players": [{ "PlayerId": ticket }] });
        call(&world.anyone, "StartMatchmaking", input).await.output();
    };
    let until = async |ticket: &str, status: &str| {
        eventually(async || {
            let input = json!({ "TicketIds": [ticket] });
            let found = call(&world.anyone, "DescribeMatchmaking", input).await.output();
            let found = found["TicketList"][0].clone();
            (found["Status"] == status).then_some(found)
        })
        .await
    };
    start("t-1").await;
    assert!(until("t-1", "SEARCHING").await.get("StatusReason").is_none());
    let accept = json!({ "TicketId": "t-1", "PlayerIds": ["t-1"], "AcceptanceType": "ACCEPT" });
    let message = call(&world.anyone, "AcceptMatch", accept).await.exception(400, "InvalidRequestException");
    assert_eq!(message, "Matchmaking ticket is in SEARCHING status and has no match to accept.");
    start("t-2").await;
    until("t-2", "REQUIRES_ACCEPTANCE").await;
    call(&world.anyone, "StopMatchmaking", json!({ "TicketId": "t-1" })).await.output();
    let again = until("t-2", "SEARCHING").await;
    assert_eq!(again["StatusReason"], "AcceptanceFailed");
    assert!(again["StatusMessage"].is_string() && again.get("EndTime").is_none(), "{again}");
    start("t-3").await;
    assert!(until("t-2", "REQUIRES_ACCEPTANCE").await.get("StatusReason").is_none());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_api_finds_a_ticket_of_the_wire_by_its_name() {
    let mut world = World::new().await;
    duel_rules(&world.anyone, "r").await;
    configuration(&world.anyone, "c", "r", json!({})).await;
    let start = json!({ "TicketId": "t.1", "ConfigurationName": "c", "Players": [{ "PlayerId": "ada" }] });
    call(&world.anyone, "StartMatchmaking", start).await.output();
    let ann = world.player("Ann").await;
    for client in [world.server(), world.admin()] {
        let found = client.get("/v1/tickets/t.1").await.ok();
        assert_eq!(found["queue"], "c");
        let by_id = client.get(&format!("/v1/tickets/{}", found["ticket_id"].as_str().unwrap())).await.ok();
        assert_eq!(by_id["ticket_id"], found["ticket_id"]);
        assert_eq!(client.get("/v1/tickets/t.1/explain").await.ok()["waiting"], true);
        client.get("/v1/tickets/none").await.is(404, "not_found");
    }
    // Under its native id a player is the same.
    let native = world.server().get("/v1/tickets/t.1").await.ok()["players"][0]["player_id"].clone();
    let twice =
        json!({ "ConfigurationName": "c", "Players": [{ "PlayerId": "ada" }, { "PlayerId": native }] });
    let message = call(&world.anyone, "StartMatchmaking", twice).await;
    let message = message.exception(400, "InvalidRequestException");
    let native = native.as_str().unwrap();
    assert_eq!(message, format!("player `ada` comes twice in the ticket, once as `{native}`"));
    // Players name their own tickets alone.
    ann.client.get("/v1/tickets/t.1").await.is(404, "not_found");
    world.stop().await;
}
