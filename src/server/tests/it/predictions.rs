//! Predictions over HTTP: with a match, asked for, judged, and what is refused.
use crate::world::{Player, World, text};
use gsm_adapters::models::{Decision, Models};
use gsm_core::Timestamp;
use gsm_ml::{About, Model, ModelFile, Names};
use serde_json::{Value, json};

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or_else(|| panic!("no number: {of}"))
}

async fn played(world: &World, winner: &Player, loser: &Player) -> Value {
    let new = json!({ "queue": "duel", "players": [winner.id, loser.id] });
    let view = world.server().post("/v1/matches", new).await.ok();
    world.report(&text(&view["match_id"]), winner, loser).await;
    view
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_match_is_predicted_judged_and_learnt_from() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let first = played(&world, &ann, &bob).await;
    assert_eq!(first["prediction"]["quality"], 1.0, "nothing is known: {first}");
    for _ in 0..11 {
        played(&world, &ann, &bob).await;
    }
    let id = text(&played(&world, &ann, &bob).await["match_id"]);
    // Who hosts it sees how the prediction came about, a player the chances alone.
    let path = format!("/v1/matches/{id}");
    let hosts = world.server().get(&path).await.ok()["prediction"].take();
    let players = ann.client.get(&path).await.ok()["prediction"].take();
    assert_eq!((&hosts["quality"], &hosts["win"]), (&players["quality"], &players["win"]));
    assert!(number(&hosts["win"]) > 0.6 && number(&hosts["low"]) < number(&hosts["win"]), "{hosts}");
    let mut shown: Vec<&String> = players.as_object().unwrap().keys().collect();
    shown.sort();
    assert_eq!(shown, ["draw", "expected", "loss", "quality", "win"]);
    assert_eq!((text(&hosts["model"]), hosts["learnt"].as_u64()), ("gsm-1".into(), Some(12)));
    // Why.
    let why = world.admin().get(&format!("{path}/prediction")).await.ok();
    let parts = why["contributions"].as_array().unwrap();
    let sum: f64 = parts.iter().map(|part| number(&part["logit"])).sum();
    let expected = number(&why["expected"][0]);
    assert!((sum - (expected / (1.0 - expected)).ln()).abs() < 1e-9 && parts.len() > 5);
    ann.client.get(&format!("{path}/prediction")).await.is(403, "forbidden");
    world
        .server()
        .get("/v1/matches/mch-00000000000000000000000000000001/prediction")
        .await
        .is(404, "not_found");
    // Asked for.
    let ask = json!({ "mode": "duel", "sides": [[bob.id], [ann.id]] });
    let asked = world.server().post("/v1/predictions", ask.clone()).await.ok();
    assert!(number(&asked["win"]) < 0.4 && asked.get("unknown").is_none(), "{asked}");
    ann.client.post("/v1/predictions", ask.clone()).await.is(403, "forbidden");
    let stranger = "plr-000000000000000000000000000000aa";
    let odd = json!({ "mode": "duel", "sides": [[bob.id], [stranger]] });
    let odd = world.admin().post("/v1/predictions", odd).await.ok();
    assert_eq!(odd["unknown"], json!([stranger]));
    // Judged.
    let models = world.admin().get("/v1/admin/models").await.ok();
    let duel = models["models"].as_array().unwrap().iter().find(|of| of["mode"] == "duel").unwrap().clone();
    assert_eq!((duel["matches"].as_u64(), duel["learnt"].as_u64()), (Some(13), Some(13)));
    let champion = &duel["contenders"][0];
    assert!(
        champion["is_champion"].as_bool().unwrap() && number(&champion["all"]["log_loss"]) < 0.6,
        "{champion}"
    );
    assert_eq!(duel["drift"]["is_raised"], false);
    assert!(duel["closeness"]["matches"] == 13 && champion["recent"]["ece"].is_f64(), "{duel}");
    let fairness = world.admin().get("/v1/admin/modes/duel/fairness").await.ok();
    assert_eq!(fairness["parts"][0]["matches"], 26);
    assert!(fairness["parts"].as_array().unwrap().iter().any(|of| of["by"] == "experience"));
    world.admin().get("/v1/admin/modes/nothing/fairness").await.is(404, "not_found");
    let overview = world.anyone.get("/v1/overview").await.ok();
    assert_eq!(
        (&overview["models"][0]["mode"], &overview["models"][0]["matches"]),
        (&json!("duel"), &json!(13))
    );
    let metrics = world.admin().get("/metrics").await;
    assert!(metrics.text.contains("gsm_predictions_judged{mode=\"duel\"} 13"), "{}", metrics.text);
    assert!(metrics.text.contains("gsm_prediction_accuracy{mode=\"duel\"} 0."), "{}", metrics.text);
    assert!(metrics.text.contains("gsm_prediction_quality_error{mode=\"duel\"} 0."), "{}", metrics.text);
    assert!(metrics.text.contains("gsm_prediction_calibration_error{mode=\"duel\"} 0."), "{}", metrics.text);
    // A restart knows it all.
    world.restart().await;
    assert_eq!(world.admin().get("/v1/admin/models").await.ok(), models);
    let again = world.server().post("/v1/predictions", ask).await.ok();
    assert_eq!((&again["learnt"], &again["sequence"]), (&asked["learnt"], &asked["sequence"]));
    world.stop().await;
}

/// Versions that are not champion predict in the shadow of the one that is; a damaged one does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_of_the_registry_predict_in_the_shadow() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let mut models = Models::open(&world.data()).unwrap();
    for forgetting in [1e-3, 5e-2, 2e-2] {
        let mut about = About::new("", "duel", Timestamp::EPOCH, "ops");
        about.window.to = Timestamp::EPOCH;
        let model = Model::forgetting(forgetting);
        models.add(ModelFile { about, names: Names::default(), model }).unwrap();
    }
    let decision = Decision { at: Timestamp::EPOCH, by: "ops", reason: Some("a test") };
    models.promote(1, &decision, None).unwrap();
    world.restart().await;
    for _ in 0..12 {
        played(&world, &ann, &bob).await;
    }
    let seen = async |world: &World| {
        let models = world.admin().get("/v1/admin/models").await.ok();
        models["models"].as_array().unwrap().iter().find(|of| of["mode"] == "duel").unwrap().clone()
    };
    let duel = seen(&world).await;
    let named: Vec<&str> =
        duel["challengers"].as_array().unwrap().iter().map(|of| of["model"].as_str().unwrap()).collect();
    assert_eq!((&duel["model"], named), (&json!("gsm-1/duel-1"), vec!["gsm-1/duel-3", "gsm-1/duel-2"]));
    let newest = &duel["challengers"][0];
    assert_eq!((&newest["all"]["matches"], &newest["champion"]), (&json!(12), &duel["contenders"][0]["all"]));
    assert_ne!(newest["all"]["log_loss"], newest["champion"]["log_loss"]);
    let overview = world.anyone.get("/v1/overview").await.ok();
    assert_eq!(overview["models"][0]["challengers"][1]["model"], "gsm-1/duel-2", "{overview}");
    let metrics = world.admin().get("/metrics").await.text;
    assert!(
        metrics.contains("gsm_prediction_challenger_log_loss{mode=\"duel\",challenger=\"2\"} 0."),
        "{metrics}"
    );
    assert!(metrics.contains("gsm_prediction_challenger_lead{mode=\"duel\",challenger=\"1\"}"), "{metrics}");
    world.restart().await;
    assert_eq!(seen(&world).await, duel);
    let file = models.path(models.version(3).unwrap());
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    world.restart().await;
    let left = seen(&world).await;
    assert_eq!(left["challengers"], json!([duel["challengers"][1]]));
    assert_eq!(left["contenders"], duel["contenders"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_that_make_no_sense_are_refused() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let refused = async |body: Value, status: u16, code: &str| {
        world.server().post("/v1/predictions", body).await.is(status, code);
    };
    let of = |sides: Value| json!({ "mode": "duel", "sides": sides });
    refused(of(json!([[ann.id], []])), 422, "invalid").await;
    refused(of(json!([[ann.id]])), 422, "invalid").await;
    refused(of(json!([[ann.id], [ann.id]])), 422, "invalid").await;
    refused(of(json!([["x"], [ann.id]])), 422, "invalid_field").await;
    refused(json!({ "mode": "nothing", "sides": [[ann.id], [bob.id]] }), 404, "not_found").await;
    refused(json!({ "mode": "duel" }), 422, "missing_field").await;
    refused(json!({ "mode": "duel", "sides": [[ann.id], [bob.id]], "elo": 1 }), 422, "unknown_field").await;
    refused(json!({ "mode": "duel", "sides": [[ann.id], [bob.id]], "home": 2 }), 422, "invalid").await;
    let many: Vec<Vec<String>> = (0..101).map(|n| vec![format!("plr-{n:032x}")]).collect();
    refused(of(json!(many)), 422, "invalid").await;
    let huge: Vec<String> = (0..4_000).map(|n| format!("plr-{n:032x}")).collect();
    let answer = world.server().post("/v1/predictions", of(json!([huge, [ann.id]]))).await;
    assert_eq!(answer.status.as_u16(), 413, "{}", answer.text);
    world.stop().await;
}
