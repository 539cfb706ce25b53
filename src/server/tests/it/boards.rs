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
    let nobody = format!("/v1/rankings/laps/entries/plr-{}", "0".repeat(32));
    let none = server.get(&nobody).await.is(404, "not_found");
    assert_eq!(none["detail"], "there is no such entry: the player has none on this board");
    assert_eq!(none["hint"], "a score makes one: POST /v1/rankings/{board}/entries");

    // Numbers go back as answers have them; one too great is refused.
    let sums = json!({ "columns": [{ "value": "submitted", "operator": "incr" }] });
    admin.put("/v1/admin/boards/sums", sums).await.ok();
    let submit = async |value: Value| {
        let entries = json!({ "entries": [entry(&ann.id, json!([value]))] });
        server.post("/v1/rankings/sums/entries", entries).await
    };
    let taken = submit(json!(1_000.0)).await.ok();
    assert_eq!(
        submit(taken["entries"][0]["values"][0].clone()).await.ok()["entries"][0]["values"],
        json!([2_000.0])
    );
    submit(json!(1.5)).await.is(422, "invalid_field");
    submit(json!(9_007_199_254_740_992_u64)).await.is(422, "invalid");
    admin.delete("/v1/admin/boards/sums").await.done();

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
    ann.client.get(&format!("/v1/rankings/laps/players/{}/past?at=0", ann.id)).await.is(422, "invalid");
    let around = ann.client.get(&rank("").replacen(&ann.id, &format!("{}/around", ann.id), 1)).await.ok();
    let top = ann.client.get("/v1/rankings/laps").await.ok();
    for answer in [&around, &top, &among] {
        let shares = [&answer["entries"][0]["percentile"], &answer["entries"][1]["percentile"]];
        assert_eq!((&answer["players"], shares), (&json!(2), [&json!(100.0), &json!(0.0)]), "{answer}");
    }
    let of_ann = [&whole, &ranks["ranks"][0]].map(|one| (one["players"].clone(), one["percentile"].clone()));
    assert_eq!(of_ann, [(json!(2), json!(0.0)), (json!(2), json!(0.0))]);
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
    let hidden = admin.get("/v1/admin/boards/laps/hidden?limit=2").await.ok();
    assert_eq!(hidden["entries"].as_array().unwrap().len(), 1);
    let entry_of_bob = &hidden["entries"][0];
    assert_eq!((&entry_of_bob["player_id"], &entry_of_bob["visibility"]), (&json!(bob.id), &json!("shadow")));
    assert_eq!((&entry_of_bob["reason"], hidden.get("next")), (&json!("cheated"), None));
    admin.get("/v1/admin/boards/none/hidden").await.is(404, "not_found");
    assert_eq!(ann.client.get(&rank("")).await.ok()["rank"], 1);
    let of_bob = format!("/v1/rankings/laps/players/{}", bob.id);
    ann.client.get(&of_bob).await.is(404, "not_found");
    assert_eq!(bob.client.get(&of_bob).await.ok()["rank"], 1);
    let scores = json!({ "columns": [{ "value": "submitted" }], "past": true });
    assert_eq!(admin.put("/v1/admin/boards/kept", scores.clone()).await.ok()["past"], true);
    for score in [3, 5] {
        let entries = json!({ "entries": [entry(&ann.id, json!([score])), entry(&bob.id, json!([4]))] });
        server.post("/v1/rankings/kept/entries", entries).await.ok();
    }
    world.restart().await;
    let admin = world.admin();
    let now = admin.get(&format!("/v1/rankings/kept/entries/{}", ann.id)).await.ok()["reached_at"].clone();
    let past = |at: &str| format!("/v1/rankings/kept/players/{}/past?at={at}", ann.id);
    let found = admin.get(&past(&now.to_string())).await.ok();
    assert_eq!(
        found["entries"][0],
        json!({ "at": now, "rank": 1, "percentile": 100.0, "values": [5.0], "players": 2 })
    );
    assert_eq!(admin.get(&past("0")).await.ok()["entries"][0], json!({ "at": 0, "players": 0 }));
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
async fn listings_show_metadata_to_who_asks() {
    let world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let (admin, server) = (world.admin(), world.server());
    let seasons = json!({ "at": { "starts_at": ["2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"] } });
    let columns = json!([{ "value": "submitted", "operator": "best" }]);
    admin.put("/v1/admin/boards/laps", json!({ "columns": columns, "season": seasons })).await.ok();
    let entries = json!([
        { "player_id": &ann.id, "values": [2], "metadata": "by \"kart\"\n2" },
        { "player_id": &bob.id, "values": [1] },
        { "player_id": &bob.id, "values": [5], "metadata": "then", "at": 1_720_000_000_000_i64 },
        { "player_id": &ann.id, "values": [4], "metadata": "too", "at": 1_720_000_000_000_i64 },
    ]);
    server.post("/v1/rankings/laps/entries", json!({ "entries": entries })).await.ok();
    let friends = |metadata: bool| json!({ "player_ids": [&ann.id, &bob.id], "metadata": metadata });
    let around = format!("/v1/rankings/laps/players/{}/around", ann.id);
    for ask in ["?metadata=true", "?metadata=false", ""] {
        let wanted = if ask == "?metadata=true" { json!("by \"kart\"\n2") } else { Value::Null };
        let answers = [
            ann.client.get(&format!("/v1/rankings/laps{ask}")).await.ok(),
            ann.client.get(&format!("{around}{ask}")).await.ok(),
            ann.client.get(&format!("/v1/rankings/laps/pages{ask}")).await.ok(),
            ann.client.post("/v1/rankings/laps/among", friends(ask == "?metadata=true")).await.ok(),
        ];
        for answer in answers {
            assert_eq!(
                (&answer["entries"][0]["metadata"], &answer["entries"][0]["player_id"]),
                (&wanted, &json!(ann.id))
            );
            assert_eq!(answer["entries"][1].get("metadata"), None, "{answer}");
        }
    }
    // Of the season that is asked for, also page by page.
    for path in ["laps", "laps/pages"] {
        let past = ann.client.get(&format!("/v1/rankings/{path}?season=1&metadata=true")).await.ok();
        assert_eq!(past["entries"][0]["metadata"], "then", "{past}");
    }
    // A listing stays in the season it was begun in, whichever it is by now.
    let pages = "/v1/rankings/laps/pages?metadata=true&limit=1";
    let first = ann.client.get(&format!("{pages}&season=1")).await.ok();
    let second = ann.client.get(&format!("{pages}&after={}", first["next"].as_str().unwrap())).await.ok();
    assert_eq!((&second["entries"][0]["metadata"], second.get("next")), (&json!("too"), None));
    ann.client.get("/v1/rankings/laps/pages?metadata=true&limit=257").await.is(422, "invalid_parameter");
    ann.client.get("/v1/rankings/laps?metadata=true&limit=257").await.is(422, "invalid_parameter");
    ann.client.get("/v1/rankings/laps?metadata=yes").await.is(422, "invalid_parameter");
    let many = json!({ "player_ids": vec![&ann.id; 257], "metadata": true });
    ann.client.post("/v1/rankings/laps/among", many).await.is(422, "invalid_parameter");
    ann.client.get("/v1/rankings/duel?metadata=true").await.is(422, "invalid");
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
    bad(json!({ "mode": "duel", "columns": [{ "operator": "incr" }] }), "columns[0].operator").await;
    bad(json!({ "columns": scores, "by": ["region", "region"] }), "by[1]").await;
    bad(json!({ "columns": scores, "past": true, "ties": "dense" }), "past").await;
    bad(json!({ "mode": "duel", "columns": [{}], "past": true }), "past").await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_season_ends_and_is_paid_out_page_by_page() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let (admin, server) = (world.admin(), world.server());
    let columns = json!([{ "value": "submitted", "operator": "incr" }]);
    let starts = json!(["2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"]);
    let body = json!({ "columns": columns, "season": { "at": { "starts_at": starts } } });
    let made = admin.put("/v1/admin/boards/fishing", body.clone()).await.ok();
    assert_eq!(made["season"], body["season"]);
    let bad = json!({ "columns": columns, "season": { "days": { "every": 0, "from": "2026-01-05T09:00" } } });
    let refused = admin.put("/v1/admin/boards/bad", bad).await.is(422, "invalid");
    assert_eq!(refused["field"], "season.days.every");
    let other = json!({ "columns": columns, "season": null });
    assert_eq!(admin.put("/v1/admin/boards/fishing", other).await.is(422, "invalid")["field"], "season");

    // Half of 2024, and now.
    let then = 1_720_000_000_000_i64;
    let entry = |id: &str, value: i64, at: Option<i64>| match at {
        Some(at) => json!({ "player_id": id, "values": [value], "at": at }),
        None => json!({ "player_id": id, "values": [value] }),
    };
    let entries =
        json!([entry(&ann.id, 7, Some(then)), entry(&bob.id, 9, Some(then)), entry(&ann.id, 1, None),]);
    server.post("/v1/rankings/fishing/entries", json!({ "entries": entries })).await.ok();
    let early = json!({ "entries": [entry(&ann.id, 1, Some(0))] });
    server.post("/v1/rankings/fishing/entries", early).await.is(409, "no_season");
    let seasons = ann.client.get("/v1/rankings/fishing/seasons").await.ok();
    assert_eq!((&seasons["seasons"][0]["number"], &seasons["seasons"][1]["number"]), (&json!(2), &json!(1)));
    assert_eq!(seasons["seasons"][1]["ends_at"], seasons["seasons"][0]["starts_at"]);
    ann.client.get("/v1/rankings/duel/seasons").await.is(422, "invalid");
    let listed = ann.client.get("/v1/rankings").await.ok();
    let line = listed["boards"].as_array().unwrap().iter().find(|line| line["board"] == "fishing").unwrap();
    assert_eq!((&line["season"]["number"], &line["players"]), (&json!(2), &json!(1)));

    let path = |id: &str, query: &str| format!("/v1/rankings/fishing/players/{id}{query}");
    let reads = async |client: &crate::client::Client| {
        assert_eq!(client.get(&path(&ann.id, "")).await.ok()["rank"], 1);
        let past = client.get(&path(&ann.id, "?season=1")).await.ok();
        assert_eq!((&past["rank"], &past["players"], &past["values"]), (&json!(2), &json!(2), &json!([7.0])));
        client.get(&path(&bob.id, "")).await.is(404, "not_found");
        client.get(&path(&ann.id, "?season=3")).await.is(404, "not_found");
        client.get(&path(&ann.id, "?season=x")).await.is(422, "invalid_parameter");
        client.get("/v1/rankings/duel?season=1").await.is(422, "invalid");
        for query in ["?season=1", "/pages?season=1", "/histogram?season=1", "/cut?rank=2&season=1"] {
            assert!(client.get(&format!("/v1/rankings/fishing{query}")).await.ok().is_object());
        }
        let body = json!({ "player_ids": [&ann.id, &bob.id], "season": 1 });
        let ranks = client.post("/v1/rankings/fishing/ranks", body).await.ok();
        assert_eq!(ranks["ranks"].as_array().unwrap().len(), 2);
    };
    reads(&ann.client).await;
    let own = server.get(&format!("/v1/rankings/fishing/entries/{}?season=1", bob.id)).await.ok();
    assert_eq!(own["values"], json!([9.0]));

    let payout = "/v1/rankings/fishing/seasons/1/payout";
    let settings = json!({ "page_size": 1, "in_flight_max": 2, "retry_after_ms": 86_400_000 });
    server.post(payout, settings.clone()).await.is(403, "forbidden");
    admin.post(payout, json!({ "page_size": 0 })).await.is(422, "invalid");
    admin.post("/v1/rankings/fishing/seasons/2/payout", settings.clone()).await.is(409, "season_open");
    server.post(&format!("{payout}/next"), Value::Null).await.is(404, "not_found");
    let begun = admin.post(payout, settings).await.ok();
    assert_eq!((&begun["rows"], &begun["pages"], &begun["done"]), (&json!(2), &json!(2), &json!(false)));
    let late = json!({ "entries": [entry(&ann.id, 1, Some(then))] });
    server.post("/v1/rankings/fishing/entries", late).await.is(409, "season_closed");
    let mut paid = Vec::new();
    for number in 0..2 {
        let page = server.post(&format!("{payout}/next"), Value::Null).await.ok();
        assert_eq!((&page["page"], &page["rows"][0]["rank"]), (&json!(number), &json!(number + 1)));
        paid.push(text(&page["rows"][0]["player_id"]));
    }
    assert_eq!(paid, [bob.id.clone(), ann.id.clone()]);
    server.post(&format!("{payout}/next"), Value::Null).await.done();
    world.restart().await;
    let (admin, server) = (world.admin(), world.server());
    reads(&admin).await;
    for (page, first) in [(0, true), (0, false), (1, true)] {
        let done = server.post(&format!("{payout}/pages/{page}/acknowledge"), Value::Null).await.ok();
        assert_eq!(done["first"], first);
    }
    server.post(&format!("{payout}/pages/2/acknowledge"), Value::Null).await.is(422, "invalid");
    assert_eq!(server.get(payout).await.ok()["done"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_sees_a_tier_apart_from_the_rating() {
    let world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let (admin, server) = (world.admin(), world.server());
    let range = json!({ "base": 20, "least": 10, "most": 40 });
    let tiers = json!({
        "placement_games": 1, "points_per_division": 100, "win": range, "loss": range,
        "tiers": [{ "name": "bronze", "divisions": 2 }, { "name": "gold", "divisions": 1 }],
        "start": { "ratings": [1_000_000, 1_400_000, 1_800_000] },
    });
    let mut body = json!({ "mode": "duel", "columns": [{ "value": "place" }], "tiers": tiers });
    assert_eq!(admin.put("/v1/admin/boards/ladder", body.clone()).await.ok()["tiers"]["placement_games"], 1);
    let path = |id: &str| format!("/v1/rankings/ladder/players/{id}/tier");
    ann.client.get(&path(&ann.id)).await.is(404, "not_found");
    let sides = json!({ "queue": "duel", "sides": [[&ann.id], [&bob.id]] });
    let id = text(&server.post("/v1/matches", sides).await.ok()["match_id"]);
    let standings = json!({ "sides": [{ "place": 1 }, { "place": 2 }] });
    server.post(&format!("/v1/matches/{id}/result"), standings).await.ok();
    let tier = ann.client.get(&path(&ann.id)).await.ok();
    assert_eq!(
        (&tier["tier"], &tier["division"], &tier["points"]),
        (&json!("bronze"), &json!(1), &json!(65))
    );
    assert_eq!(admin.get("/v1/rankings/ladder").await.ok()["entries"][0]["values"], json!([165.0]));
    ann.client.get(&format!("{}?season=1", path(&ann.id))).await.is(422, "invalid");
    ann.client.get(&format!("/v1/rankings/duel/players/{}/tier", ann.id)).await.is(422, "invalid");
    // A soft reset: told before, done, undone with the match.
    let formula = json!({
        "target": "initial_mean", "keep": 0.5, "deviation": { "at_least": 50.0 }, "restart_games": false,
        "visible": { "lower": { "divisions": 1 } },
    });
    let preview = "/v1/admin/modes/duel/soft-reset/preview";
    let told = admin.post(preview, json!({ "formula": formula, "board": "ladder" })).await.ok();
    assert_eq!((&told["players"], &told["tiers"][0]["before"]), (&json!(2), &json!(2)), "{told}");
    assert_eq!(admin.post(preview, json!({ "formula": formula })).await.ok()["tiers"], json!([]));
    admin.post(preview, json!({ "formula": formula, "board": "duel" })).await.is(422, "invalid");
    let reset = "/v1/admin/modes/duel/soft-reset";
    let asked = json!({ "formula": formula, "reason": "a new season" });
    let mut bad = asked.clone();
    bad["formula"]["keep"] = json!(1.5);
    assert_eq!(admin.post(reset, bad.clone()).await.is(422, "invalid")["field"], "formula.keep");
    bad["formula"] = json!({ "keep": 0.5 });
    admin.post(reset, bad).await.is(422, "missing_field");
    admin.post(reset, json!({ "formula": formula })).await.is(422, "missing_field");
    admin.post("/v1/admin/modes/none/soft-reset", asked.clone()).await.is(404, "not_found");
    ann.client.post(reset, asked.clone()).await.is(403, "forbidden");
    let rating = async || {
        let path = format!("/v1/players/{}/ratings/duel", ann.id);
        ann.client.get(&path).await.ok()["rating"].as_f64().unwrap()
    };
    let before = rating().await;
    assert_eq!(admin.post(reset, asked).await.ok()["players"], 2);
    assert!((rating().await - (before + 1_500.0) / 2.0).abs() < 1e-9, "{before}");
    let lower = ann.client.get(&path(&ann.id)).await.ok();
    assert_eq!((&lower["division"], &lower["points"]), (&json!(2), &json!(65)));
    let history = format!("/v1/players/{}/ratings/duel/history", ann.id);
    assert_eq!(ann.client.get(&history).await.ok()["entries"][0]["kind"], "reset");
    admin.post(&format!("/v1/admin/matches/{id}/void"), json!({ "reason": "x" })).await.ok();
    ann.client.get(&format!("/v1/players/{}/ratings/duel", ann.id)).await.is(404, "not_found");
    // Tiers by shares of the players.
    body["tiers"]["start"] = json!({ "players_below_permille": [500, 970] });
    admin.put("/v1/admin/boards/shares", body.clone()).await.ok();
    let told = ann.client.get("/v1/rankings/shares/tiers").await.ok();
    assert_eq!((&told["players"], told["worked_out_at"].is_i64()), (&json!(0), true), "{told}");
    let starts = told["divisions"].as_array().unwrap();
    let second = [&starts[1]["tier"], &starts[1]["division"], &starts[1]["from"]];
    assert_eq!(second, [&json!("bronze"), &json!(1), &json!(1500.0)]);
    assert!(starts[2]["from"].as_f64() > starts[1]["from"].as_f64() && starts.len() == 3, "{told}");
    let given = ann.client.get("/v1/rankings/ladder/tiers").await.ok();
    assert_eq!((&given["divisions"][2]["from"], given.get("players")), (&json!(1800.0), None));
    admin.post(preview, json!({ "formula": formula, "board": "shares" })).await.ok();
    ann.client.get("/v1/rankings/duel/tiers").await.is(422, "invalid");
    ann.client.get("/v1/rankings/nowhere/tiers").await.is(404, "not_found");
    ann.client.get("/v1/rankings/shares/tiers?season=1").await.is(422, "invalid");
    let path = "tiers.start.players_below_permille";
    for (shares, code, at) in [
        (json!([500]), "invalid", " (length)"),
        (json!([0, 500]), "invalid", "[0]"),
        (json!([500, 1000]), "invalid", "[1]"),
        (json!([970, 500]), "invalid", "[1]"),
        (json!([500, 97.5]), "invalid_field", "[1]"),
        (json!([500, -1]), "invalid_field", "[1]"),
    ] {
        let mut bad = body.clone();
        bad["tiers"]["start"] = json!({ "players_below_permille": shares });
        let refused = admin.put("/v1/admin/boards/shares", bad).await.is(422, code);
        assert_eq!(refused["field"], format!("{path}{at}"), "{shares}");
    }
    body["tiers"]["points_per_division"] = json!(3);
    let refused = admin.put("/v1/admin/boards/ladder", body.clone()).await.is(422, "invalid");
    assert_eq!(refused["field"], "tiers.points_per_division");
    body["tiers"] = json!({ "placement_games": 1 });
    admin.put("/v1/admin/boards/ladder", body).await.is(422, "missing_field");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_league_is_played_in_small_cohorts() {
    let mut world = World::new().await;
    let (admin, server) = (world.admin(), world.server());
    let mut players = Vec::new();
    for name in ["Ann", "Bob", "Cid", "Dan", "Eve"] {
        players.push(world.player(name).await);
    }
    let columns = json!([{ "value": "submitted", "operator": "incr" }]);
    let season = json!({ "at": { "starts_at": ["2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"] } });
    let league = json!({ "levels": 3, "size": 4, "promote": 1, "relegate": 1, "start": 2 });
    let body = json!({ "columns": columns, "season": season, "league": league });
    let made = admin.put("/v1/admin/boards/league", body.clone()).await.ok();
    assert_eq!((&made["league"]["levels"], &made["league"]["games_min"]), (&json!(3), &json!(0)));
    assert_eq!(admin.get("/v1/admin/boards/league").await.ok(), made);

    let submit = async |at: Option<i64>, scores: &[(usize, i64)]| {
        let entries: Vec<Value> = scores
            .iter()
            .map(|(player, value)| json!({ "player_id": players[*player].id, "values": [value], "at": at }))
            .collect();
        server.post("/v1/rankings/league/entries", json!({ "entries": entries })).await
    };
    // Half of 2024, then now: of each cohort of four one goes up and one down.
    let then = Some(1_720_000_000_000_i64);
    submit(then, &[(0, 9), (1, 7), (2, 5), (3, 1), (4, 2)]).await.ok();
    submit(None, &[(0, 1), (3, 1)]).await.ok();

    let path =
        |player: usize, rest: &str| format!("/v1/rankings/league/players/{}{rest}", players[player].id);
    let reads = async |client: &crate::client::Client| {
        let past = client.get(&path(0, "?season=1")).await.ok();
        let seat = json!({ "cohort": 1, "seat": 1, "level": 2, "seats_taken": 4, "fate": "promoted" });
        assert_eq!((&past["seat"], &past["rank"], &past["players"]), (&seat, &json!(1), &json!(4)));
        assert_eq!(client.get(&path(3, "?season=1")).await.ok()["seat"]["fate"], "relegated");
        let now = client.get(&path(0, "")).await.ok();
        assert_eq!((&now["seat"]["level"], &now["rank"]), (&json!(3), &json!(1)));
        assert_eq!(client.get(&path(3, "")).await.ok()["seat"]["level"], 1);
        client.get(&path(1, "")).await.is(404, "not_found");
        let around = client.get(&path(4, "/around?season=1")).await.ok();
        assert_eq!((around["entries"].as_array().unwrap().len(), &around["players"]), (1, &json!(1)));
        let part = client.get("/v1/rankings/league?season=1&cohort=1").await.ok();
        let line = &part["entries"][3];
        assert_eq!(
            (&line["display_name"], &line["level"], &line["cohort"]),
            (&json!("Dan"), &json!(2), &json!(1))
        );
        let all = client.get("/v1/rankings/league/cohorts?season=1").await.ok();
        let cohort =
            |number, taken| json!({ "cohort": number, "level": 2, "seats_taken": taken, "players": taken });
        assert_eq!(all["cohorts"], json!([cohort(1, 4), cohort(2, 1)]));
        let top = client.get("/v1/rankings/league/cohorts?level=3&limit=1").await.ok();
        assert_eq!(top["cohorts"], json!([{ "cohort": 1, "level": 3, "seats_taken": 1, "players": 1 }]));
        assert_eq!(client.get("/v1/rankings/league/cohorts?level=2").await.ok()["cohorts"], json!([]));
        let seasons = client.get(&path(3, "/seasons")).await.ok();
        let [now, past] = seasons["seasons"].as_array().unwrap().as_slice() else { panic!("{seasons}") };
        assert_eq!((&now["season"], &now["over"], &now["level"]), (&json!(2), &json!(false), &json!(1)));
        assert_eq!(
            (&past["season"], &past["rank"], &past["fate"]),
            (&json!(1), &json!(4), &json!("relegated"))
        );
        let before = client.get(&path(3, "/seasons?before=2&limit=1")).await.ok();
        assert_eq!(before["seasons"], json!([past]));
        let friends = json!({ "player_ids": [&players[0].id, &players[4].id], "season": 1, "cohort": 1 });
        let among = client.post("/v1/rankings/league/among", friends).await.ok();
        assert_eq!(among["entries"].as_array().unwrap().len(), 1);
    };
    reads(&players[0].client).await;
    let page = admin.get(&format!("/v1/overview/boards?board=league&player={}", players[0].id)).await.ok();
    let seat = &page["shown"]["found"]["seat"];
    assert_eq!((&seat["level"], &page["shown"]["cohorts"][1]["level"]), (&json!(3), &json!(1)));
    let line = page["boards"].as_array().unwrap().iter().find(|line| line["board"] == "league").unwrap();
    assert_eq!((&line["cohorts"], &line["parts"]), (&json!({ "size": 4, "levels": 3 }), &json!([])));

    let client = &players[0].client;
    for (query, code) in [
        ("/v1/rankings/league?cohort=9", "not_found"),
        ("/v1/rankings/league?cohort=0", "not_found"),
        ("/v1/rankings/duel?cohort=1", "not_found"),
        ("/v1/rankings/none/cohorts", "not_found"),
    ] {
        client.get(query).await.is(404, code);
    }
    for query in [
        "/v1/rankings/league?cohort=x",
        "/v1/rankings/league?cohort=-1",
        "/v1/rankings/league?cohort=1&region=eu",
        "/v1/rankings/league/cohorts?limit=0",
        "/v1/rankings/league/cohorts?limit=1001",
        "/v1/rankings/league/cohorts?level=256",
        &path(0, "/seasons?limit=21"),
        &path(0, "/seasons?limit=0"),
        &path(0, "/seasons?before=x"),
    ] {
        client.get(query).await.is(422, "invalid_parameter");
    }
    for query in
        ["/v1/rankings/duel/cohorts", &format!("/v1/rankings/duel/players/{}/seasons", players[0].id)]
    {
        client.get(query).await.is(422, "invalid");
    }

    let payout = "/v1/rankings/league/seasons/1/payout";
    admin.post(payout, json!({ "page_size": 9 })).await.ok();
    let rows = server.post(&format!("{payout}/next"), Value::Null).await.ok();
    let row = rows["rows"].as_array().unwrap().iter().find(|row| row["player_id"] == players[4].id.as_str());
    let row = row.unwrap();
    assert_eq!((&row["rank"], &row["cohort_rank"], &row["level"]), (&json!(4), &json!(1), &json!(2)));
    world.restart().await;
    let server = world.server();
    reads(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_league_that_makes_no_sense_is_refused() {
    let world = World::new().await;
    let admin = world.admin();
    let season = json!({ "days": { "every": 7, "from": "2026-01-05T09:00" } });
    let scores = json!([{ "value": "submitted" }]);
    let bad = async |change: Value, field: &str| {
        let mut body = json!({ "columns": scores, "season": season });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refused = admin.put("/v1/admin/boards/b", body).await.is(422, "invalid");
        assert_eq!(refused["field"], field, "{refused}");
    };
    let league = |change: Value| {
        let mut league = json!({ "levels": 3, "size": 30, "promote": 7, "relegate": 5 });
        league.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ "league": league })
    };
    bad(league(json!({ "levels": 1 })), "league.levels").await;
    bad(league(json!({ "size": 1 })), "league.size").await;
    bad(league(json!({ "promote": 31 })), "league.promote").await;
    bad(league(json!({ "relegate": 24 })), "league.relegate").await;
    bad(league(json!({ "start": 4 })), "league.start").await;
    bad(league(json!({ "games_min": 10_001 })), "league.games_min").await;
    bad(json!({ "cohorts": { "size": 1 } }), "cohorts.size").await;
    bad(json!({ "cohorts": { "size": 9, "rule": { "rating_band": { "width": 9 } } } }), "cohorts.rule").await;
    bad(json!({ "cohorts": { "size": 9 }, "league": league(json!({}))["league"] }), "league").await;
    let cohorts = json!({ "columns": scores, "cohorts": { "size": 9 } });
    assert_eq!(admin.put("/v1/admin/boards/b", cohorts).await.is(422, "invalid")["field"], "cohorts");
    for (league, code) in [
        (json!({ "levels": 3 }), "missing_field"),
        (json!({ "levels": 3, "size": 3, "promote": 1, "relegate": 1, "x": 1 }), "unknown_field"),
        (json!({ "levels": 3, "size": -3, "promote": 1, "relegate": 1 }), "invalid_field"),
        (json!(7), "invalid_field"),
    ] {
        let body = json!({ "columns": scores, "season": season, "league": league });
        admin.put("/v1/admin/boards/b", body).await.is(422, code);
    }
}

/// The JSON of docs/boards.md: each definition of a board, and what is only a part of one.
fn documented() -> Vec<Value> {
    let text = include_str!("../../../../docs/boards.md");
    let mut found = Vec::new();
    for block in text.split("```json\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let read = serde_json::Deserializer::from_str(block).into_iter::<Value>();
        found.extend(read.map(|one| one.unwrap_or_else(|error| panic!("{error}: {block}"))));
    }
    for call in text.split("$SERVER/v1/admin/boards/").skip(1) {
        let body = call.split("-d '").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
        found.push(serde_json::from_str(body).unwrap());
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documented_definitions_are_taken() {
    let world = World::new().await;
    let admin = world.admin();
    let found = documented();
    let with_tiers = found.iter().find(|one| one["tiers"].is_object()).unwrap();
    let scores = json!([{ "value": "submitted", "operator": "best" }]);
    let season = json!({ "at": { "starts_at": ["2026-03-01T09:00:00Z"] } });
    let mut taken = 0;
    for (nth, example) in found.iter().enumerate() {
        let has = |name: &str| example.get(name).is_some();
        let definition = if has("columns") {
            example.clone()
        } else if has("cron") || has("days") || has("at") {
            json!({ "columns": scores, "season": example })
        } else if has("cohorts") || has("league") {
            let mut definition = json!({ "columns": scores, "season": season });
            definition.as_object_mut().unwrap().extend(example.as_object().unwrap().clone());
            definition
        } else if has("start") || has("decay") {
            let mut definition = with_tiers.clone();
            if has("decay") {
                definition["columns"] = json!([{ "value": "rating" }]);
            }
            definition["tiers"].as_object_mut().unwrap().extend(example.as_object().unwrap().clone());
            definition
        } else {
            assert!(has("rank"), "no part of a definition, and no answer: {example}");
            continue;
        };
        admin.put(&format!("/v1/admin/boards/example-{nth}"), definition).await.ok();
        taken += 1;
    }
    assert!(taken >= 9, "only {taken} definitions are found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buckets_hold_both_their_ends() {
    let world = World::new().await;
    let (admin, server) = (world.admin(), world.server());
    admin.put("/v1/admin/boards/points", json!({ "columns": [{ "value": "submitted" }] })).await.ok();
    let mut entries = Vec::new();
    for (name, score) in [("Ann", 0), ("Bob", 5), ("Cat", 5), ("Dan", 10)] {
        entries.push(json!({ "player_id": world.player(name).await.id, "values": [score] }));
    }
    server.post("/v1/rankings/points/entries", json!({ "entries": entries })).await.ok();
    let found = server.get("/v1/rankings/points/histogram?buckets=2").await.ok();
    let bucket =
        |lower: f64, upper: f64, count: u64| json!({ "lower": lower, "upper": upper, "count": count });
    assert_eq!(found["buckets"], json!([bucket(0.0, 4.0, 1), bucket(5.0, 10.0, 3)]));
    let described = world.anyone.get("/openapi.json").await.ok();
    let said = described["components"]["schemas"]["BucketDto"]["description"].to_string();
    assert!(said.contains("both included"), "{said}");
}

/// The clock of who asks may be ahead of the server's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instant_that_is_a_little_ahead_is_now() {
    let world = World::new().await;
    let (admin, server, ann) = (world.admin(), world.server(), world.player("Ann").await);
    let kept = json!({ "columns": [{ "value": "submitted" }], "past": true });
    admin.put("/v1/admin/boards/kept", kept).await.ok();
    let give = async |at: Option<i64>| {
        let mut entry = json!({ "player_id": &ann.id, "values": [1] });
        if let Some(at) = at {
            entry["at"] = json!(at);
        }
        server.post("/v1/rankings/kept/entries", json!({ "entries": [entry] })).await
    };
    let time = async |name: &str| {
        let entry = server.get(&format!("/v1/rankings/kept/entries/{}", ann.id)).await.ok();
        entry[name].as_i64().unwrap()
    };
    give(None).await.ok();
    let at = time("submitted_at").await + 900;
    give(Some(at)).await.ok();
    let now = time("submitted_at").await;
    assert!(now <= at, "nothing is kept of the future");
    give(Some(now + 60_000)).await.is(422, "invalid");
    let past = |query: String| format!("/v1/rankings/kept/players/{}/past?{query}", ann.id);
    let found = server.get(&past(format!("at={}", now + 900))).await.ok();
    assert_eq!(found["entries"][0]["rank"], 1);
    let series = |to: i64| past(format!("from=0&to={to}&points=3"));
    let found = server.get(&series(now + 900)).await.ok();
    assert_eq!(found["entries"][2]["rank"], 1);
    server.get(&series(now + 60_000)).await.is(422, "invalid_parameter");
    server.get(&past(format!("at={}", now + 60_000))).await.is(422, "invalid_parameter");
}
