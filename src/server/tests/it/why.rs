//! "Why +12": each rating option as a player reads it, on and off.
use crate::world::{Player, World, text};
use serde_json::{Value, json};

/// A match of a test: its sides, the best first, and who came together; players by number.
type Round = (&'static [&'static [usize]], &'static [&'static [usize]]);

const DUEL: Round = (&[&[0], &[1]], &[]);

/// Plays `rounds` in a mode of their own; what the first player is told of the last of them.
async fn told(world: &World, players: &[Player], mode: &str, options: Value, rounds: &[Round]) -> Value {
    let queue = json!({ "mode": mode, "rating_options": options });
    world.admin().put(&format!("/v1/admin/queues/{mode}"), queue).await.ok();
    let ids = |of: &[&[usize]]| -> Vec<Vec<&str>> {
        of.iter().map(|side| side.iter().map(|at| players[*at].id.as_str()).collect()).collect()
    };
    let mut last = Value::Null;
    for (sides, parties) in rounds {
        let new = json!({ "queue": mode, "sides": ids(sides), "parties": ids(parties) });
        let id = text(&world.server().post("/v1/matches", new).await.ok()["match_id"]);
        let places: Vec<Value> = (1..=sides.len()).map(|place| json!({ "place": place })).collect();
        let path = format!("/v1/matches/{id}");
        world.server().post(&format!("{path}/result"), json!({ "sides": places })).await.ok();
        last = players[0].client.get(&format!("{path}/why")).await.ok()["players"][0].take();
    }
    assert_eq!(last["player_id"], players[0].id.as_str());
    let parts: f64 = items(&last).iter().map(|(_, points)| points).sum();
    assert!((parts - last["gain"].as_f64().unwrap()).abs() < 1e-9, "{last}");
    last
}

fn items(told: &Value) -> Vec<(String, f64)> {
    let items = told["items"].as_array().unwrap();
    items.iter().map(|item| (text(&item["what"]), item["points"].as_f64().unwrap())).collect()
}

/// What the gain is made of with `options`, after it was seen that without them it is the result alone.
async fn on_and_off(options: Value, rounds: &[Round]) -> Vec<(String, f64)> {
    let mut world = World::new().await;
    let mut players = Vec::new();
    for name in ["Ann", "Bob", "Cat", "Dan"] {
        players.push(world.player(name).await);
    }
    let off = told(&world, &players, "off", json!({}), rounds).await;
    let names = |told: &Value| items(told).into_iter().map(|(what, _)| what).collect::<Vec<_>>();
    assert_eq!(names(&off), ["result"]);
    let on = told(&world, &players, "on", options, rounds).await;
    world.stop().await;
    items(&on)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_opponent_again_counts_less() {
    let found = on_and_off(json!({ "repeated_pair": { "factor": 0.5 } }), &[DUEL, DUEL]).await;
    let [(result, all), (repeated, less)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((result.as_str(), repeated.as_str()), ("result", "repeated_pair"));
    assert!((less + all / 2.0).abs() < 1e-9, "half of it: {found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_who_keeps_winning_moves_faster() {
    let others: [Round; 3] = [(&[&[0], &[2]], &[]), (&[&[0], &[3]], &[]), DUEL];
    let found = on_and_off(json!({ "smurf": { "threshold": 0.5 } }), &others).await;
    let [(_, result), (smurf, more)] = found.as_slice() else { panic!("{found:?}") };
    assert!(smurf == "smurf" && *more > 0.0 && *result > 0.0, "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_costs_the_established_less() {
    let rounds: [Round; 2] = [(&[&[0], &[2]], &[]), DUEL];
    let found = on_and_off(json!({ "newcomer": { "games": 1, "opponents_weight": 0.25 } }), &rounds).await;
    let [(_, result), (newcomer, less)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(newcomer, "newcomer");
    assert!((less + 0.75 * result).abs() < 1e-9, "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_came_together_was_to_win() {
    let rounds: [Round; 1] = [(&[&[0, 1], &[2, 3]], &[&[0, 1], &[2]])];
    let found = on_and_off(json!({ "party": { "points_per_mate": 50 } }), &rounds).await;
    let [(_, result), (party, less)] = found.as_slice() else { panic!("{found:?}") };
    assert!(party == "party" && *less < 0.0 && *result > 0.0, "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_of_a_queue_are_shown_and_refused_by_path() {
    let mut world = World::new().await;
    let put = |name: &'static str, options: Value| {
        let admin = world.admin();
        async move {
            let queue = json!({ "mode": "m", "rating_options": options });
            admin.put(&format!("/v1/admin/queues/{name}"), queue).await
        }
    };
    let queue = put("a", json!({ "smurf": { "games_max": 20 } })).await.ok();
    let smurf = json!({ "games_max": 20, "threshold": 2.0, "boost_max": 2.0 });
    assert_eq!(queue["rating_options"], json!({ "smurf": smurf }));
    put("b", json!({ "smurf": {} })).await.is(409, "mode_system");
    for (options, code, path) in [
        (json!({ "smurf": { "games_max": 0 } }), "invalid", "rating_options.smurf.games_max"),
        (
            json!({ "newcomer": { "opponents_weight": -1 } }),
            "invalid",
            "rating_options.newcomer.opponents_weight",
        ),
        (json!({ "party": { "points_per_mate": 1e5 } }), "invalid", "rating_options.party.points_per_mate"),
        (json!({ "party": {} }), "missing_field", "rating_options.party.points_per_mate"),
        (
            json!({ "repeated_pair": { "factor": "x" } }),
            "invalid_field",
            "rating_options.repeated_pair.factor",
        ),
        (json!({ "smurfs": {} }), "unknown_field", "rating_options.smurfs"),
    ] {
        assert_eq!(put("a", options).await.is(422, code)["field"], path);
    }
    let off = put("a", json!({})).await.ok();
    assert_eq!(off.get("rating_options"), None);
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let eve = world.player("Eve").await;
    for parties in [json!([[]]), json!([[ann.id, ann.id]]), json!([[ann.id], [ann.id]]), json!([[eve.id]])] {
        let new = json!({ "queue": "duel", "players": [ann.id, bob.id], "parties": parties });
        assert_eq!(world.server().post("/v1/matches", new).await.is(422, "invalid")["field"], "parties");
    }
    world.stop().await;
}

/// Who played half of a match moves half as far as he would have; who has the advantage of the game gains less by winning.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_and_the_side_at_home_count() {
    let world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let (admin, server) = (world.admin(), world.server());
    let gain = async |mode: &str, settings: Value, home: Value, share: Value| {
        let queue = json!({ "mode": mode, "rating": settings });
        admin.put(&format!("/v1/admin/queues/{mode}"), queue).await.ok();
        let new = json!({ "queue": mode, "sides": [[&ann.id], [&bob.id]], "home": home });
        let made = server.post("/v1/matches", new).await.ok();
        assert_eq!(made.get("home").unwrap_or(&Value::Null), &home);
        let id = text(&made["match_id"]);
        let placements = json!({ "placements": [
            { "player_id": &ann.id, "place": 1, "share": share }, { "player_id": &bob.id, "place": 2 },
        ] });
        let result = server.post(&format!("/v1/matches/{id}/result"), placements).await.ok();
        let shares = result.get("shares").cloned().unwrap_or(json!([]));
        assert_eq!(shares.as_array().unwrap().len(), usize::from(share.is_number() && share != 1.0));
        result["changes"][0]["after"]["rating"].as_f64().unwrap() - 1_500.0
    };
    let elo = |home: f64| json!({ "system": "elo", "home_advantage": home });
    let whole = gain("whole", elo(0.0), Value::Null, Value::Null).await;
    assert_eq!(gain("one", elo(0.0), Value::Null, json!(1.0)).await, whole);
    let half = gain("half", elo(0.0), Value::Null, json!(0.5)).await;
    assert!((half - whole / 2.0).abs() < 1e-9 && half > 0.0, "{half} of {whole}");
    let home = gain("home", elo(100.0), json!(0), Value::Null).await;
    let away = gain("away", elo(100.0), json!(1), Value::Null).await;
    assert!(home < whole && whole < away, "{home} {whole} {away}");
    let neutral = gain("neutral", elo(100.0), Value::Null, Value::Null).await;
    assert_eq!(neutral, whole);

    let new = |home: Value| json!({ "queue": "duel", "sides": [[&ann.id], [&bob.id]], "home": home });
    assert_eq!(server.post("/v1/matches", new(json!(2))).await.is(422, "invalid")["field"], "home");
    server.post("/v1/matches", new(json!(-1))).await.is(422, "invalid_field");
    let queue =
        admin.put("/v1/admin/queues/bad", json!({ "mode": "bad", "home": 2 })).await.is(422, "invalid");
    assert_eq!(queue["field"], "home");
    assert_eq!(
        admin.put("/v1/admin/queues/white", json!({ "mode": "white", "home": 1 })).await.ok()["home"],
        1
    );
    let id = text(&server.post("/v1/matches", new(Value::Null)).await.ok()["match_id"]);
    for share in [json!(1.5), json!(-0.1)] {
        let placements = json!({ "placements": [
            { "player_id": &ann.id, "place": 1 }, { "player_id": &bob.id, "place": 2, "share": share },
        ] });
        let refused = server.post(&format!("/v1/matches/{id}/result"), placements).await.is(422, "invalid");
        assert_eq!(refused["field"], "placements[1].share");
    }
}

/// A map is learnt apart from the rating, shown with its uncertainty, and an item of the gain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn variants_count_and_are_refused_by_path() {
    let world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let (admin, server) = (world.admin(), world.server());
    let queue = json!({ "mode": "maps", "rating": { "system": "kalman" }, "variant": "dust" });
    assert_eq!(admin.put("/v1/admin/queues/maps", queue).await.ok()["variant"], "dust");
    let new =
        |variant: Value| json!({ "queue": "maps", "sides": [[&ann.id], [&bob.id]], "variant": variant });
    let played = async |variant: Value, said: Value| {
        let made = server.post("/v1/matches", new(variant)).await.ok();
        let path = format!("/v1/matches/{}", text(&made["match_id"]));
        let report = json!({ "sides": [{ "place": 1 }, { "place": 2 }], "variant": said });
        let result = server.post(&format!("{path}/result"), report).await.ok();
        (made["variant"].clone(), result["variant"].clone(), path)
    };
    let (made, result, _) = played(Value::Null, Value::Null).await;
    assert_eq!((made, result), (json!("dust"), json!("dust")), "the queue's");
    let (made, result, path) = played(json!("mill"), json!("arch")).await;
    assert_eq!((made, result), (json!("mill"), json!("arch")), "the result's word");
    let rating = ann.client.get(&format!("/v1/players/{}/ratings/maps", ann.id)).await.ok();
    let variants = rating["variants"].as_array().unwrap();
    assert_eq!(variants.iter().map(|of| text(&of["variant"])).collect::<Vec<_>>(), ["arch", "dust"]);
    for of in variants {
        assert!(of["offset"].as_f64().unwrap() > 0.0 && of["deviation"].as_f64().unwrap() < 39.0, "{of}");
    }
    let why = ann.client.get(&format!("{path}/why")).await.ok()["players"][0].take();
    assert!(items(&why).iter().any(|(what, points)| what == "variant" && *points != 0.0), "{why}");
    let why = json!({ "sides": [{ "place": 2 }, { "place": 1 }], "variant": "mill", "reason": "typo" });
    let corrected = admin.post(&format!("{}/correct", path.replace("/v1/", "/v1/admin/")), why).await.ok();
    assert_eq!(corrected["variant"], "mill");

    let bad = [json!(""), json!("x".repeat(33)), json!("a b"), json!("ü"), json!(7)];
    let open = server.post("/v1/matches", new(json!("x".repeat(32)))).await.ok();
    let path = format!("/v1/matches/{}", text(&open["match_id"]));
    for variant in bad {
        let queue = json!({ "mode": "maps", "rating": { "system": "kalman" }, "variant": variant });
        let refused = admin.put("/v1/admin/queues/maps", queue).await.is(422, "invalid_field");
        assert_eq!(refused["field"], "variant", "{variant}");
        let refused = server.post("/v1/matches", new(variant.clone())).await.is(422, "invalid_field");
        assert_eq!(refused["field"], "variant", "{variant}");
        let report = json!({ "sides": [{ "place": 1 }, { "place": 2 }], "variant": variant });
        let refused = server.post(&format!("{path}/result"), report).await.is(422, "invalid_field");
        assert_eq!(refused["field"], "variant", "{variant}");
    }
}
