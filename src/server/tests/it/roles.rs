use crate::{
    gamelift::{
        call as unsigned,
        signatures::{Key, signed},
    },
    world::{World, text},
};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_says_its_action_roles_and_effect_and_keeps_to_them() {
    let mut world = World::new().await;
    let document = world.anyone.get("/openapi.json").await.ok();
    assert!(text(&document["openapi"]).starts_with("3.1"));
    let (ann, server) = (world.player("Ann").await, world.server());
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations += 1;
            let name = format!("{method} {path}");
            assert!(text(&operation["x-gsm-action"]).starts_with("gsm:"), "{name}");
            // Reads that ask for many players carry them in a body.
            let reads = method == "get"
                || path.ends_with("/among")
                || path.ends_with("/ranks")
                || path.ends_with("/preview")
                || path == "/v1/predictions";
            assert_eq!(operation["x-gsm-mutating"].as_bool(), Some(!reads), "{name}");
            let roles: Vec<String> = operation["x-gsm-roles"].as_array().unwrap().iter().map(text).collect();
            assert!(!roles.is_empty(), "{name}");
            let concrete =
                path.replace("{player_id}", &ann.id).replace("{mode}", "duel").replace("{queue}", "duel");
            let concrete = concrete
                .replace("{ticket_id}", "x")
                .replace("{match_id}", "mch-0123")
                .replace("{proposal_id}", "p");
            let concrete = concrete
                .replace("{key_id}", "k")
                .replace("{board}", "b")
                .replace("{season}", "1")
                .replace("{page}", "0")
                .replace("{rule_set}", "r")
                .replace("{version}", "1")
                .replace("{level}", "0")
                .replace("{tile}", "000")
                .replace("{part}", "1")
                .replace("{rest}", "1")
                .replace("{list}", "deny")
                .replace("{address}", "192.0.2.0")
                .replace("{prefix}", "24");
            let method = method.to_ascii_uppercase();
            if roles.contains(&"none".to_owned()) {
                continue;
            }
            let call = |client: crate::client::Client| {
                let (method, path) = (method.clone(), concrete.clone());
                async move { client.call(&method, &path).json(&json!({})).send().await }
            };
            call(world.anyone.clone()).await.is(401, "unauthenticated");
            call(world.anyone.as_whom("gsm1.AAAA.AAAA")).await.is(401, "invalid_token");
            for (role, client) in [("player", ann.client.clone()), ("server", server.clone())] {
                let answer = call(client).await;
                assert_eq!(
                    answer.status == 403,
                    !roles.contains(&role.to_owned()),
                    "{name} as {role}: {}",
                    answer.text
                );
                assert!(answer.status.as_u16() < 500, "{name} as {role}");
                // A body that says nothing at all is a mistake, and is refused as one.
                let says_nothing = operation.get("requestBody").is_some();
                assert!(!says_nothing || answer.status.as_u16() >= 400, "{name} as {role} takes `{{}}`");
            }
        }
    }
    assert!(operations > 30, "{operations}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_that_declares_no_query_refuses_any() {
    let mut world = World::new().await;
    let document = world.anyone.get("/openapi.json").await.ok();
    let ann = world.player("Ann").await;
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let mut parameters = operation["parameters"].as_array().into_iter().flatten();
            if !path.starts_with("/v1/") || parameters.any(|parameter| parameter["in"] == "query") {
                continue;
            }
            operations += 1;
            let roles: Vec<String> = operation["x-gsm-roles"].as_array().unwrap().iter().map(text).collect();
            let client = match &*roles[0] {
                "none" => world.anyone.clone(),
                "player" => ann.client.clone(),
                "server" => world.server(),
                _ => world.admin(),
            };
            let concrete: Vec<&str> =
                path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
            let path = format!("{}?zzz=1", concrete.join("/"));
            let method = method.to_ascii_uppercase();
            let answer =
                client.call(&method, &path).header("x-gsm-reason", "why").json(&json!({})).send().await;
            assert_eq!(answer.is(422, "unknown_parameter")["field"], "zzz", "{method} {path}");
            let answer = client.call(&method, &path.replace("zzz=1", "zzz")).header("x-gsm-reason", "why");
            answer.send().await.is(400, "invalid_query");
        }
    }
    assert!(operations > 60, "{operations}");
    world.anyone.get("/healthz?at=1").await.ok();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_target_of_the_wire_says_the_same_and_keeps_to_it() {
    let verify = gsm_server::config::Signatures::Verify;
    let mut world = World::with(|settings| settings.signatures = verify).await;
    let document = world.anyone.get("/openapi.json").await.ok();
    let (server, admin) = (Key::issued(&world, "server").await, Key::issued(&world, "admin").await);
    let targets = document["x-gsm-gamelift"].as_object().unwrap();
    assert_eq!(targets.len(), 16);
    for (name, operation) in targets {
        assert_eq!(text(&operation["x-gsm-action"]), format!("gamelift:{name}"));
        let reads = ["Describe", "Validate", "List"].iter().any(|verb| name.starts_with(verb));
        assert_eq!(operation["x-gsm-mutating"].as_bool(), Some(!reads), "{name}");
        let roles: Vec<String> = operation["x-gsm-roles"].as_array().unwrap().iter().map(text).collect();
        let target: &'static str = format!("GameLift.{name}").leak();
        unsigned(&world.anyone, name, json!({})).await.exception(403, "MissingAuthenticationTokenException");
        for (role, key) in [("server", &server), ("admin", &admin)] {
            let answer = signed(&world.anyone, key, target, json!({})).await;
            if !roles.contains(&role.to_owned()) {
                answer.exception(400, "AccessDeniedException");
            } else if ["DescribeMatchmakingRuleSets", "DescribeMatchmakingConfigurations"]
                .contains(&name.as_str())
            {
                answer.output();
            } else {
                // A body that says nothing at all is a mistake, and is refused as one.
                answer.exception(400, "InvalidRequestException");
            }
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_ones_own_is_not_there() {
    let mut world = World::new().await;
    let (ann, bob, eve) = (world.player("Ann").await, world.player("Bob").await, world.player("Eve").await);
    let ticket = ann.client.post("/v1/tickets", json!({ "queue": "duel" })).await.ok();
    let path = format!("/v1/tickets/{}", text(&ticket["ticket_id"]));
    let foreign = eve.client.get(&path).await.is(404, "not_found");
    let absent = eve.client.get(&format!("{}0", &path[..path.len() - 1])).await;
    // Only the request's id differs.
    let plain = |mut problem: Value| {
        problem["request_id"] = Value::Null;
        problem
    };
    if absent.status == 404 {
        assert_eq!(plain(foreign), plain(absent.json()));
    }
    eve.client.delete(&path).await.is(404, "not_found");
    eve.client.get(&format!("{path}/explain")).await.is(404, "not_found");
    bob.client.post("/v1/tickets", json!({ "queue": "duel" })).await.ok();
    let id = ann.matched().await;
    eve.client.get(&format!("/v1/matches/{id}")).await.is(404, "not_found");
    eve.client.get(&format!("/v1/matches/{id}/result")).await.is(404, "not_found");
    let mine = ann.client.get(&format!("/v1/matches/{id}")).await.ok();
    assert!(mine.get("server_token").is_none(), "a player does not report");
    let renamed = eve
        .client
        .call("PATCH", &format!("/v1/players/{}", ann.id))
        .json(&json!({ "display_name": "X" }))
        .send()
        .await;
    renamed.is(404, "not_found");
    let seen = eve.client.get(&format!("/v1/players/{}", ann.id)).await.ok();
    assert!(seen.get("match_id").is_none() && seen.get("external_id").is_none(), "{seen}");

    // A match's own token speaks for that match alone.
    let host = |match_id: String| {
        let (server, anyone) = (world.server(), world.anyone.clone());
        async move {
            let found = server.get(&format!("/v1/matches/{match_id}")).await.ok();
            anyone.as_whom(found["server_token"].as_str().unwrap())
        }
    };
    let own = host(id.clone()).await;
    let other = world
        .server()
        .post("/v1/matches", json!({ "queue": "duel", "players": [bob.id, eve.id] }))
        .await
        .ok();
    let other = text(&other["match_id"]);
    let done =
        json!({ "placements": [ { "player_id": bob.id, "place": 1 }, { "player_id": eve.id, "place": 2 } ] });
    own.get(&format!("/v1/matches/{other}")).await.is(404, "not_found");
    own.post(&format!("/v1/matches/{other}/result"), done.clone()).await.is(404, "not_found");
    own.post(&format!("/v1/matches/{other}/state"), json!({ "state": "abandoned" }))
        .await
        .is(404, "not_found");
    own.post("/v1/tickets", json!({ "queue": "duel" })).await.is(403, "forbidden");
    // A server does not report what another server made.
    let made = world.admin().post("/v1/admin/keys", json!({ "role": "server" })).await.ok();
    let stranger = world.anyone.as_whom(made["key"].as_str().unwrap());
    stranger.post(&format!("/v1/matches/{other}/result"), done.clone()).await.is(404, "not_found");
    world.server().post(&format!("/v1/matches/{other}/result"), done).await.ok();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_queued_without_consent() {
    let mut world = World::new().await;
    let (ann, bob, eve) = (world.player("Ann").await, world.player("Bob").await, world.player("Eve").await);
    let for_eve = bob.client.post("/v1/parties/consents", json!({ "leader": eve.id })).await.ok();
    let queue = |consent: Value| json!({ "queue": "squad", "members": [{ "player_id": bob.id, "consent": consent }] });
    ann.client.post("/v1/tickets", queue(Value::Null)).await.is(422, "no_consent");
    ann.client.post("/v1/tickets", queue(for_eve["consent"].clone())).await.is(422, "no_consent");
    ann.client.post("/v1/tickets", queue(json!(bob.client.token))).await.is(422, "no_consent");
    let led = json!({ "queue": "squad", "leader": bob.id });
    ann.client.post("/v1/tickets", led.clone()).await.is(403, "forbidden");
    eve.client.post("/v1/tickets", queue(for_eve["consent"].clone())).await.ok();
    world.server().post("/v1/tickets", json!({ "queue": "duel", "leader": ann.id })).await.ok();
    world.server().post("/v1/tickets", json!({ "queue": "duel" })).await.is(422, "invalid");
    world.stop().await;
}
