//! Matchmaker data, which a game server reads of its match; and by which names tickets are known.
use super::{call, configuration};
use crate::world::{World, seen};
use serde_json::{Value, json};

async fn duel(world: &World) {
    let attribute = |name: &str, kind: &str| json!({ "name": name, "type": kind });
    let body = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [
            { "name": "skill", "type": "number", "default": 10 },
            attribute("mode", "string"),
            attribute("maps", "string_list"),
            attribute("likes", "string_number_map")
        ],
        "teams": [
            { "name": "left", "minPlayers": 1, "maxPlayers": 1 },
            { "name": "right", "minPlayers": 1, "maxPlayers": 1 }
        ]
    });
    let input = json!({ "Name": "r", "RuleSetBody": body.to_string() });
    call(&world.anyone, "CreateMatchmakingRuleSet", input).await.output();
    configuration(&world.anyone, "c", "r", json!({})).await;
}

/// The ticket of a server's match, once it has one.
async fn matched(world: &World, ticket: &str) -> Value {
    seen(&world.server(), &format!("/v1/tickets/{ticket}"), |found| !found["match_id"].is_null()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_game_server_reads_who_plays_with_which_attributes() {
    let mut world = World::new().await;
    duel(&world).await;
    let attributes = json!({
        "skill": { "N": 7 }, "mode": { "S": "ctf" }, "maps": { "SL": ["ice"] }, "likes": { "SDM": { "ice": 10 } }
    });
    let start = async |ticket: &str, player: Value| {
        let input = json!({ "TicketId": ticket, "ConfigurationName": "c", "Players": [player] });
        call(&world.anyone, "StartMatchmaking", input).await.output();
    };
    let latency = json!({ "eu-1": 40 });
    start("t-1", json!({ "PlayerId": "ada", "PlayerAttributes": attributes, "LatencyInMs": latency })).await;
    let attributes =
        json!({ "mode": { "S": "ctf" }, "maps": { "SL": ["sand"] }, "likes": { "SDM": { "sand": 1 } } });
    start("t-2", json!({ "PlayerId": "bo", "PlayerAttributes": attributes })).await;
    let id = matched(&world, "t-1").await["match_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/matches/{id}/matchmaker-data");
    let mut data = world.server().get(&path).await.ok();
    data["teams"].as_array_mut().unwrap().sort_by_key(|team| team["players"][0]["playerId"].to_string());
    let names = [0, 1].map(|at| data["teams"][at]["name"].clone());
    assert!(names.contains(&json!("left")) && names.contains(&json!("right")), "{data}");
    for team in data["teams"].as_array_mut().unwrap() {
        team.as_object_mut().unwrap().remove("name");
    }
    let of = |kind: &str, value: Value| json!({ "attributeType": kind, "valueAttribute": value });
    let expected = json!({
        "matchId": id,
        "matchmakingConfigurationArn": "arn:aws:gamelift:us-east-1:000000000000:matchmakingconfiguration/c",
        "teams": [
            { "players": [{ "playerId": "ada", "attributes": {
                "skill": of("DOUBLE", json!(7.0)), "mode": of("STRING", json!("ctf")),
                "maps": of("STRING_LIST", json!(["ice"])), "likes": of("STRING_DOUBLE_MAP", json!({ "ice": 10.0 }))
            } }] },
            { "players": [{ "playerId": "bo", "attributes": {
                "skill": of("DOUBLE", json!(10.0)), "mode": of("STRING", json!("ctf")),
                "maps": of("STRING_LIST", json!(["sand"])), "likes": of("STRING_DOUBLE_MAP", json!({ "sand": 1.0 }))
            } }] }
        ],
        "autoBackfillMode": null, "autoBackfillTicketId": null
    });
    assert_eq!(data, expected);
    let ann = world.player("Ann").await;
    ann.client.get(&path).await.is(403, "forbidden");
    let last = if id.ends_with('0') { '1' } else { '0' };
    let other = format!("/v1/matches/{}{last}/matchmaker-data", &id[..id.len() - 1]);
    world.server().get(&other).await.is(404, "not_found");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_has_its_callers_id_has_no_other_name_on_the_wire() {
    let mut world = World::new().await;
    duel(&world).await;
    let input = json!({ "TicketId": "t-1", "ConfigurationName": "c", "Players": [{ "PlayerId": "ada" }] });
    call(&world.anyone, "StartMatchmaking", input).await.output();
    let native = world.server().get("/v1/tickets/t-1").await.ok()["ticket_id"].as_str().unwrap().to_owned();
    let ids = json!({ "TicketIds": [native, "t-1"] });
    let found = call(&world.anyone, "DescribeMatchmaking", ids).await.output();
    let names: Vec<&Value> =
        found["TicketList"].as_array().unwrap().iter().map(|of| &of["TicketId"]).collect();
    assert_eq!(names, ["t-1"]);
    let found = call(&world.anyone, "DescribeMatchmaking", json!({ "TicketIds": [native] })).await.output();
    assert_eq!(found["TicketList"], json!([]));
    call(&world.anyone, "StopMatchmaking", json!({ "TicketId": native }))
        .await
        .exception(400, "NotFoundException");
    call(&world.anyone, "StopMatchmaking", json!({ "TicketId": "t-1" })).await.output();
    world.stop().await;
}
