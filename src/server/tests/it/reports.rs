//! Players who report their matches themselves, disputes and flags, over HTTP.
use crate::{
    client::Answer,
    world::{Player, World, seen, text},
};
use serde_json::{Value, json};

/// Changes a setting of the queue `duel`; everything else of it stays.
pub(crate) async fn put(world: &World, name: &str, value: Value) -> Answer {
    let mut settings = world.server().get("/v1/queues/duel").await.ok();
    let members = settings.as_object_mut().unwrap();
    members.remove("name");
    members.insert(name.into(), value);
    world.admin().put("/v1/admin/queues/duel", settings).await
}

/// A player says who has won.
pub(crate) async fn says(player: &Player, id: &str, winner: &Player, loser: &Player) -> Answer {
    let line = |of: &Player, place: u32| json!({ "player_id": of.id, "place": place });
    let body = json!({ "placements": [line(winner, 1), line(loser, 2)] });
    player.client.post(&format!("/v1/matches/{id}/reports"), body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_players_who_agree_need_no_server() {
    let mut world = World::new().await;
    let shown = put(&world, "reports", json!({ "agree": 2 })).await.ok();
    assert_eq!(shown["reports"], json!({ "agree": 2, "deadline_ms": 300_000, "silence": "void" }));
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let id = world.duel(&ann, &bob).await;
    let path = format!("/v1/matches/{id}/reports");
    let none = ann.client.get(&path).await.ok();
    assert_eq!(none, json!({ "match_id": id, "state": "awaited", "reports": [] }));

    let first = says(&ann, &id, &ann, &bob).await.ok();
    assert_eq!((&first["state"], &first["agree"]), (&json!("open"), &json!(2)));
    assert!(first["deadline"].as_i64().unwrap() > first["reports"][0]["at"].as_i64().unwrap());
    let own = ann.client.get(&path).await.ok();
    assert!(own["reports"][0]["said"]["places"].is_array(), "{own}");
    let of_other = bob.client.get(&path).await.ok();
    let said = &of_other["reports"][0];
    assert_eq!((&said["player_id"], said.get("said"), said.get("candour")), (&json!(ann.id), None, None));
    let to_server = world.server().get(&path).await.ok();
    assert_eq!(to_server["reports"][0]["candour"], json!({ "disputes": 0, "overruled": 0 }));
    bob.client.get(&format!("/v1/matches/{id}/result")).await.is(404, "not_found");
    assert_eq!(bob.client.get(&format!("/v1/matches/{id}")).await.ok()["state"], "reporting");

    world.restart().await;
    let [ann, bob] = [ann, bob].map(|player| {
        let token = player.client.token.clone().unwrap();
        Player { client: world.anyone.as_whom(&token), ..player }
    });
    let second = says(&bob, &id, &ann, &bob).await.ok();
    assert_eq!((&second["state"], &second["agree"]), (&json!("counted"), &json!(2)));
    let said = second["reports"].as_array().unwrap();
    let by: Vec<&serde_json::Value> = said.iter().map(|said| &said["player_id"]).collect();
    assert_eq!(by, [&json!(ann.id), &json!(bob.id)], "both said so");
    assert!(said.iter().all(|of| of["overruled"] == false && of["said"] == said[0]["said"]), "{second}");
    assert_eq!(ann.client.get(&format!("/v1/matches/{id}/reports")).await.ok()["reports"], second["reports"]);
    let result = bob.client.get(&format!("/v1/matches/{id}/result")).await.ok();
    assert_eq!((&result["verdict"], result["changes"].as_array().unwrap().len()), (&json!("counted"), 2));
    let rank = ann.client.get(&format!("/v1/rankings/duel/players/{}", ann.id)).await.ok();
    assert_eq!(rank["rank"], 1);
    assert_eq!(says(&bob, &id, &ann, &bob).await.ok(), second);
    says(&bob, &id, &bob, &ann).await.is(409, "result_contradicts");
    ann.client.post("/v1/tickets", json!({ "queue": "duel" })).await.ok();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_do_not_agree_wait_for_an_operator() {
    let mut world = World::new().await;
    put(&world, "reports", json!({ "agree": 2 })).await.ok();
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let admin = world.admin();
    let empty = json!({ "entries": [] });
    for nth in 1..=3 {
        assert_eq!(admin.get("/v1/admin/disputes").await.ok(), empty);
        let id = world.duel(&ann, &bob).await;
        says(&ann, &id, &ann, &bob).await.ok();
        let disputed = says(&bob, &id, &bob, &ann).await.ok();
        assert_eq!(disputed["state"], "disputed");
        assert!(disputed["reports"][0]["said"].is_object(), "now both see what was said: {disputed}");
        says(&bob, &id, &ann, &bob).await.is(409, "match_disputed");
        let result = ann.client.get(&format!("/v1/matches/{id}/result")).await.ok();
        assert_eq!((&result["verdict"], &result["changes"]), (&json!("disputed"), &json!([])));

        let all = admin.get("/v1/admin/disputes").await.ok();
        let entry = &all["entries"][0];
        assert_eq!(
            (&entry["match_id"], &entry["queue"], all.get("next")),
            (&json!(id), &json!("duel"), None)
        );
        assert!(text(&entry["reason"]).contains("do not agree"), "{entry}");
        let places: Vec<&Value> =
            entry["reports"].as_array().unwrap().iter().map(|said| &said["said"]["places"]).collect();
        assert_ne!(places[0], places[1]);
        assert_eq!(entry["reports"][1]["candour"], json!({ "disputes": nth, "overruled": nth - 1 }));
        assert_eq!(admin.get("/v1/admin/disputes?limit=1").await.ok()["next"], json!(id));
        assert_eq!(admin.get(&format!("/v1/admin/disputes?after={id}")).await.ok(), empty);
        let held = admin.get("/v1/admin/quarantine").await.ok();
        assert_eq!(held["entries"][0]["match_id"], json!(id));
        let events = bob.client.get("/v1/events?cursor=0-0").await.ok();
        let told = events["events"].as_array().unwrap().iter();
        let told: Vec<&Value> = told.filter(|event| event["type"] == "dispute").collect();
        assert_eq!((told.len(), &told[told.len() - 1]["match_id"]), (nth, &json!(id)));

        let release = format!("/v1/admin/matches/{id}/release");
        let ruled = admin.post(&release, json!({ "reason": "seen on video" })).await.ok();
        assert_eq!((&ruled["verdict"], ruled["changes"].as_array().unwrap().len()), (&json!("counted"), 2));
        let seen = ann.client.get(&format!("/v1/matches/{id}/reports")).await.ok();
        let overruled: Vec<&Value> =
            seen["reports"].as_array().unwrap().iter().map(|said| &said["overruled"]).collect();
        assert_eq!(overruled, [&json!(false), &json!(true)]);
    }
    let flags = admin.get("/v1/admin/flags").await.ok();
    let bob = json!({ "player_id": bob.id, "disputes": 3, "overruled": 3 });
    assert_eq!(flags, json!({ "pairs": [], "overruled": [bob] }));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_report_is_told_why() {
    let mut world = World::new().await;
    let (ann, bob, eve) = (world.player("Ann").await, world.player("Bob").await, world.player("Eve").await);
    let id = world.duel(&ann, &bob).await;
    let path = format!("/v1/matches/{id}/reports");
    says(&ann, &id, &ann, &bob).await.is(409, "no_player_reports");
    ann.client.get(&path).await.is(409, "no_player_reports");
    for (bad, field) in [
        (json!({ "agree": 0 }), "reports.agree"),
        (json!({ "agree": 65 }), "reports.agree"),
        (json!({ "agree": 2, "deadline_ms": 0 }), "reports.deadline_ms"),
        (json!({ "agree": 2, "deadline_ms": 86_400_001 }), "reports.deadline_ms"),
    ] {
        assert_eq!(put(&world, "reports", bad).await.is(422, "invalid")["field"], field);
    }
    for bad in [json!({}), json!({ "agree": -1 }), json!({ "agree": 2, "silence": "shrug" })] {
        let answer = put(&world, "reports", bad).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
    }
    put(&world, "reports", json!({ "agree": 2 })).await.ok();

    says(&eve, &id, &ann, &bob).await.is(404, "not_found");
    eve.client.get(&path).await.is(404, "not_found");
    world.server().post(&path, json!({ "sides": [] })).await.is(403, "forbidden");
    world.anyone.post(&path, json!({ "sides": [] })).await.is(401, "unauthenticated");
    ann.client.post(&path, json!({})).await.is(422, "invalid");
    ann.client.post(&path, json!({ "sides": [{ "place": 1 }] })).await.is(422, "invalid");
    let stranger = json!({ "placements": [
        { "player_id": ann.id, "place": 1 }, { "player_id": eve.id, "place": 2 }] });
    ann.client.post(&path, stranger).await.is(422, "invalid");
    let away = json!({ "sides": [{ "place": 1 }, { "place": 2 }], "afk": [bob.id] });
    assert_eq!(ann.client.post(&path, away).await.is(422, "invalid")["field"], "afk");
    ann.client.post("/v1/matches/x/reports", json!({ "sides": [] })).await.is(422, "invalid_parameter");
    let unknown = format!("/v1/matches/mch-{:032x}/reports", 7);
    let sides = json!({ "sides": [{ "place": 1 }, { "place": 2 }] });
    ann.client.post(&unknown, sides.clone()).await.is(404, "not_found");

    says(&ann, &id, &ann, &bob).await.ok();
    let end = json!({ "state": "abandoned" });
    world.server().post(&format!("/v1/matches/{id}/state"), end.clone()).await.is(409, "reports_open");
    world.report(&id, &bob, &ann).await;
    says(&ann, &id, &ann, &bob).await.ok();
    says(&bob, &id, &ann, &bob).await.is(409, "result_contradicts");
    let id = world.duel(&ann, &bob).await;
    world.server().post(&format!("/v1/matches/{id}/state"), end).await.ok();
    ann.client.post(&format!("/v1/matches/{id}/reports"), sides).await.is(409, "no_result_now");

    let admin = world.admin();
    admin.get("/v1/admin/disputes?after=x").await.is(422, "invalid_parameter");
    for after in ["x", "duel~a~b", "duel", "~~", "duel~~~"] {
        admin.get(&format!("/v1/admin/flags?after={after}")).await.is(422, "invalid_parameter");
    }
    admin.get("/v1/admin/flags?limit=0").await.is(422, "invalid_parameter");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_meet_too_often_are_flagged() {
    let mut world = World::new().await;
    put(&world, "rating_options", json!({ "repeated_pair": { "factor": 1.0 } })).await.ok();
    let mut players = Vec::new();
    for nth in 0..6 {
        players.push(world.player(&format!("P{nth}")).await);
    }
    let server = world.server();
    let play = async |one: &Player, other: &Player| {
        let body = json!({ "queue": "duel", "players": [one.id, other.id] });
        let made = server.post("/v1/matches", body).await.ok();
        world.report(&text(&made["match_id"]), one, other).await;
    };
    for pair in [(2, 3), (4, 5)] {
        play(&players[pair.0], &players[pair.1]).await;
    }
    for _ in 0..9 {
        play(&players[0], &players[1]).await;
    }
    let admin = world.admin();
    let flags =
        seen(&admin, "/v1/admin/flags?mode=duel&limit=1", |flags| flags["pairs"][0]["meetings"] == 9).await;
    let flag = &flags["pairs"][0];
    let won = usize::from(flag["players"][1] == json!(players[0].id));
    assert_eq!(flag["players"][won], json!(players[0].id));
    assert_eq!(
        (&flag["wins"][won], &flag["matches"], &flag["one_way"]),
        (&json!(9), &json!([9, 9]), &json!(1.0))
    );
    assert_eq!((&flag["mode_players"], &flag["expected"]), (&json!(6), &json!(1.8)));
    assert!(text(&flag["reason"]).starts_with("met 9 times"), "{flag}");
    let next = text(&flags["next"]);
    let rest = admin.get(&format!("/v1/admin/flags?after={next}")).await.ok();
    assert_eq!(rest, json!({ "pairs": [], "overruled": [] }));
    assert_eq!(admin.get("/v1/admin/flags?mode=none").await.ok(), rest);
    let restarted = admin.get("/v1/admin/flags").await.ok();
    world.restart().await;
    assert_eq!(world.admin().get("/v1/admin/flags").await.ok(), restarted);
    world.stop().await;
}
