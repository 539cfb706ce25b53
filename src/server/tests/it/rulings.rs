use crate::world::{Player, World, text};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_void_correct_and_rebuild() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let id = world.duel(&ann, &bob).await;
    let admin = world.admin();
    let path = |what: &str| format!("/v1/admin/matches/{id}/{what}");
    let why = json!({ "reason": "wrong map" });
    admin.post(&path("void"), why.clone()).await.is(409, "no_result");
    let first = world.report(&id, &ann, &bob).await;
    assert_eq!((&first["verdict"], first.get("ruled_at")), (&json!("counted"), None));

    let whys = ann.client.get(&format!("/v1/matches/{id}/why")).await.ok();
    let moved = &whys["players"][0];
    let points: f64 =
        moved["items"].as_array().unwrap().iter().map(|item| item["points"].as_f64().unwrap()).sum();
    let gain = moved["gain"].as_f64().unwrap();
    assert!(gain > 0.0 && (points - gain).abs() < 1e-9, "{moved}");
    assert_eq!(
        (&moved["player_id"], &moved["expected"], &moved["actual"]),
        (&json!(ann.id), &json!(0.5), &json!(1.0))
    );
    assert_eq!((&moved["items"][0]["what"], &moved["opponents"]["mean"]), (&json!("result"), &json!(1500.0)));
    let eve = world.player("Eve").await;
    eve.client.get(&format!("/v1/matches/{id}/why")).await.is(404, "not_found");

    let void = || async {
        admin.call("POST", &path("void")).header("idempotency-key", "k").json(&why).send().await.ok()
    };
    let voided = void().await;
    assert_eq!((&voided["verdict"], &voided["changes"]), (&json!("voided"), &json!([])));
    assert_eq!(void().await, voided);
    let why_not = ann.client.get(&format!("/v1/matches/{id}/why")).await.is(409, "not_counted");
    assert!(text(&why_not["detail"]).contains("it was voided"), "{why_not}");
    let rank = format!("/v1/rankings/duel/players/{}", ann.id);
    ann.client.get(&rank).await.is(404, "not_found");
    let result = ann.client.get(&format!("/v1/matches/{id}/result")).await.ok();
    assert_eq!(result, voided, "players see it");

    let place = |player: &Player, place: u32| json!({ "player_id": player.id, "place": place });
    let other = json!({ "placements": [place(&ann, 2), place(&bob, 1)], "reason": "sides were swapped" });
    let corrected = admin.post(&path("correct"), other).await.ok();
    assert_eq!((&corrected["verdict"], &corrected["places"]), (&json!("corrected"), &json!([2, 1])));
    assert_eq!(corrected["reported_places"], json!([1, 2]));
    assert_eq!(ann.client.get(&rank).await.ok()["rank"], 2);

    let events = ann.client.get("/v1/events?cursor=0-0").await.ok();
    let causes: Vec<&Value> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"] == "rating")
        .map(|event| &event["cause"])
        .collect();
    assert_eq!(causes, ["result", "void", "correction"]);

    let set = json!({ "rating": 1600, "reason": "moved over" });
    admin.put(&format!("/v1/admin/players/{}/ratings/duel", ann.id), set).await.ok();
    let history = ann.client.get(&format!("/v1/players/{}/ratings/duel/history?limit=1", ann.id)).await.ok();
    let step = &history["entries"][0];
    assert_eq!(
        (&step["kind"], step.get("match_id"), &step["after"]["rating"]),
        (&json!("adjustment"), None, &json!(1600.0))
    );
    let next = text(&history["next_cursor"]);
    let rest = format!("/v1/players/{}/ratings/duel/history?cursor={next}", ann.id);
    let rest = ann.client.get(&rest).await.ok();
    assert_eq!((&rest["entries"][0]["kind"], &rest["entries"][0]["match_id"]), (&json!("match"), &json!(id)));

    let rebuilt = admin.post("/v1/admin/modes/duel/rebuild", json!({ "repair": false })).await.ok();
    let wanted = json!({
        "mode": "duel", "players": 2, "results": 1, "adjustments": 1, "differing": 0, "repaired": false
    });
    assert_eq!(rebuilt, wanted);
    let repaired = admin.post("/v1/admin/modes/duel/rebuild", json!({ "repair": true })).await.ok();
    assert_eq!((&repaired["differing"], &repaired["repaired"]), (&json!(0), &json!(true)));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_ruling_is_refused() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let id = world.duel(&ann, &bob).await;
    world.report(&id, &ann, &bob).await;
    let admin = world.admin();
    let path = |what: &str| format!("/v1/admin/matches/{id}/{what}");
    admin.post(&path("void"), json!({})).await.is(422, "missing_field");
    for reason in [" ".to_owned(), "x".repeat(129)] {
        admin.post(&path("void"), json!({ "reason": reason })).await.is(422, "invalid");
    }
    admin.post(&path("correct"), json!({ "reason": "x" })).await.is(422, "invalid");
    let sides = json!({ "sides": [{ "place": 1 }], "reason": "x" });
    admin.post(&path("correct"), sides).await.is(422, "invalid");
    let none = format!("/v1/admin/matches/mch-{:032x}/void", 7);
    admin.post(&none, json!({ "reason": "x" })).await.is(404, "not_found");
    admin.post("/v1/admin/modes/none/rebuild", json!({ "repair": false })).await.is(404, "not_found");
    let history = format!("/v1/players/{}/ratings/duel/history?cursor=", ann.id);
    for cursor in ["", "%2B1", "-1", "1~mch", "99999999999999999999"] {
        ann.client.get(&format!("{history}{cursor}")).await.is(422, "invalid_parameter");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_is_not_believed_waits_for_an_operator() {
    let mut world = World::new().await;
    let mut settings = world.server().get("/v1/queues/duel").await.ok();
    settings.as_object_mut().unwrap().remove("name");
    settings["plausibility"] = json!({ "score": { "least": 3, "most": 1 } });
    let bad = world.admin().put("/v1/admin/queues/duel", settings.clone()).await.is(422, "invalid");
    assert_eq!(bad["field"], "plausibility.score");
    settings["plausibility"] = json!({ "score": { "least": 0.0, "most": 10.0 } });
    let shown = world.admin().put("/v1/admin/queues/duel", settings).await.ok();
    assert_eq!(shown["plausibility"], json!({ "score": { "least": 0.0, "most": 10.0 } }));

    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let id = world.duel(&ann, &bob).await;
    let line = |id: &str, place: u32, score: f64| json!({ "player_id": id, "place": place, "score": score });
    let report = json!({ "placements": [line(&ann.id, 1, 900.0), line(&bob.id, 2, 1.0)] });
    let path = format!("/v1/matches/{id}/result");
    let held = world.server().post(&path, report.clone()).await.ok();
    assert_eq!((&held["verdict"], &held["changes"]), (&json!("quarantined"), &json!([])));
    assert_eq!(world.server().post(&path, report).await.ok(), held, "a repeat gives the first answer");
    ann.client.get(&format!("/v1/rankings/duel/players/{}", ann.id)).await.is(404, "not_found");

    world.restart().await;
    let admin = world.admin();
    let all = admin.get("/v1/admin/quarantine").await.ok();
    assert_eq!((&all["entries"][0]["match_id"], all.get("next")), (&json!(id), None));
    assert!(all["entries"][0]["reason"].as_str().unwrap().contains("900"), "{all}");
    assert_eq!(admin.get("/v1/admin/quarantine?limit=1").await.ok()["next"], json!(id));
    let rest = admin.get(&format!("/v1/admin/quarantine?after={id}")).await.ok();
    assert_eq!(rest, json!({ "entries": [] }));
    admin.get("/v1/admin/quarantine?after=x").await.is(422, "invalid_parameter");
    let release = format!("/v1/admin/matches/{id}/release");
    admin.post(&release, json!({})).await.is(422, "missing_field");
    let counted = admin.post(&release, json!({ "reason": "a long match" })).await.ok();
    assert_eq!((&counted["verdict"], counted["changes"].as_array().unwrap().len()), (&json!("counted"), 2));
    assert_eq!(admin.get("/v1/admin/quarantine").await.ok(), json!({ "entries": [] }));
    let rank = admin.get(&format!("/v1/rankings/duel/players/{}", ann.id)).await.ok();
    assert_eq!((&rank["rank"], &rank["games_played"]), (&json!(1), &json!(1)));
    world.stop().await;
}
