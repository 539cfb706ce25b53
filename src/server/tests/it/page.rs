use crate::world::{World, skipped};
use serde_json::json;
use std::process::Command;

/// The page as a real browser has it after some seconds; nothing where there is no browser.
fn in_browser(url: &str) -> Option<String> {
    let found = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=4000",
            "--enable-logging=stderr",
        ])
        .args(["--dump-dom", url])
        .output();
    match found {
        Ok(output) => {
            let log = String::from_utf8_lossy(&output.stderr);
            assert!(!log.contains("Content Security Policy"), "{log}");
            assert!(!log.contains("Uncaught"), "{log}");
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(error) => {
            skipped(&format!("no chromium, the dashboard was not looked at: {error}"));
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dashboard_shows_what_happened_and_names_as_text() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let name = json!({ "display_name": "<img src=x onerror=alert(1)>" });
    ann.client.call("PATCH", &format!("/v1/players/{}", ann.id)).json(&name).send().await.ok();
    let id = world.duel(&ann, &bob).await;
    world.report(&id, &ann, &bob).await;
    let url = format!("http://{}/", world.anyone.addr);
    if let Some(page) = tokio::task::spawn_blocking(move || in_browser(&url)).await.unwrap() {
        assert!(page.contains("1,662.3"), "the rating of the winner: {page}");
        assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"), "the name as text: {page}");
        assert!(!page.contains("<img"), "{page}");
        assert!(page.contains(">live<"), "{page}");
        assert!(page.contains("<td class=\"name\">sign_in</td>"), "a rule of the firewall: {page}");
    }
    let url = format!("http://{}/docs/", world.anyone.addr);
    if let Some(page) = tokio::task::spawn_blocking(move || in_browser(&url)).await.unwrap() {
        assert!(page.contains("Queue for a match"), "the documentation lists the operations");
    }
    world.stop().await;
}

/// Whoever pastes it is nobody whom others are as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hint_for_an_empty_server_draws_its_secret() {
    let mut world = World::new().await;
    let url = format!("http://{}/", world.anyone.addr);
    if let Some(page) = tokio::task::spawn_blocking(move || in_browser(&url)).await.unwrap() {
        let drawn = r"secret=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')";
        assert!(page.contains(drawn) && page.contains(r#""{\"secret\":\"$secret\","#), "{page}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_dashboard_asks_for_a_key() {
    let mut world = World::with(|settings| settings.dashboard = gsm_server::config::Dashboard::Admin).await;
    world.anyone.get("/v1/overview").await.is(401, "unauthenticated");
    world.server().get("/v1/overview").await.is(403, "forbidden");
    world.admin().get("/v1/overview").await.ok();
    let url = format!("http://{}/", world.anyone.addr);
    if let Some(page) = tokio::task::spawn_blocking(move || in_browser(&url)).await.unwrap() {
        assert!(page.contains("<form id=\"key-form\">"), "{page}");
        assert!(page.contains("<main id=\"page\" hidden=\"\">"), "{page}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_may_load_only_themselves_and_can_be_off() {
    let mut world = World::new().await;
    for path in ["/", "/boards", "/integrity", "/audit", "/assets/app.js", "/docs/", "/docs/swagger-ui.css"] {
        let answer = world.anyone.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
    world.anyone.get("/assets/../Cargo.toml").await.is(404, "not_found");
    world.anyone.get("/assets/none.js").await.is(404, "not_found");
    world.anyone.get("/assets/layout.html").await.is(404, "not_found");
    world.stop().await;
    let mut world = World::with(|settings| settings.dashboard = gsm_server::config::Dashboard::Off).await;
    world.anyone.get("/").await.is(404, "not_found");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_boards_shows_a_player_among_the_others() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let name = json!({ "display_name": "<b>Bob</b>" });
    bob.client.call("PATCH", &format!("/v1/players/{}", bob.id)).json(&name).send().await.ok();
    let columns = json!([{ "value": "submitted", "direction": "ascending", "operator": "best" }]);
    world.admin().put("/v1/admin/boards/laps", json!({ "columns": columns, "by": ["region"] })).await.ok();
    let entries =
        json!([{ "player_id": ann.id, "values": [71_234] }, { "player_id": bob.id, "values": [69_876] }]);
    world.server().post("/v1/rankings/laps/entries", json!({ "entries": entries })).await.ok();
    let eu = json!({ "region": "eu", "platform": null });
    world.server().put(&format!("/v1/players/{}/places", ann.id), eu).await.ok();
    let id = world.duel(&ann, &bob).await;
    world.report(&id, &ann, &bob).await;

    let ask = |query: &str| format!("/v1/overview/boards?{query}");
    let anyone = &world.anyone;
    let seen = anyone.get(&ask("board=laps&player=ANN&past_days=7")).await.ok();
    assert_eq!((&seen["shown"]["players"], &seen["shown"]["found"]["rank"]), (&json!(2), &json!(2)));
    assert_eq!(seen["shown"]["cuts"][0], json!({ "rank": 1, "values": [69_876.0] }));
    assert_eq!(seen["shown"]["found"]["past"], json!([]), "scores that are submitted have no past");
    let part = anyone.get(&ask("board=laps&region=eu&player=bob")).await.ok();
    assert_eq!((&part["shown"]["players"], part["shown"].get("found")), (&json!(1), None));
    let duel = anyone.get(&ask(&format!("board=duel&player={}&past_days=1", bob.id))).await.ok();
    let past = duel["shown"]["found"]["past"].as_array().unwrap();
    assert_eq!((past.len(), past[0].get("rank"), &past[59]["rank"]), (60, None, &json!(2)));
    let column = json!({ "value": "wins" });
    let wins = json!({ "mode": "duel", "columns": [column], "by": ["region"] });
    world.admin().put("/v1/admin/boards/most-wins", wins).await.ok();
    let duel = anyone.get(&ask(&format!("board=most-wins&player={}&past_days=1", bob.id))).await.ok();
    assert_eq!(duel["shown"]["found"]["past"][59]["values"], json!([0.0]));
    let now = world.server().get("/v1/rankings/most-wins").await.ok()["entries"][0]["reached_at"].clone();
    let path = |id: &str, query: &str| format!("/v1/rankings/most-wins/players/{id}/past?at={now}{query}");
    let past = ann.client.get(&path(&ann.id, "&region=eu")).await.ok();
    let wanted = json!({ "at": now, "rank": 1, "percentile": 100.0, "values": [1.0], "players": 1 });
    assert_eq!((&past["mode"], &past["entries"][0]), (&json!("most-wins"), &wanted));
    let past = ann.client.get(&path(&bob.id, "")).await.ok();
    assert_eq!((&past["entries"][0]["rank"], &past["entries"][0]["players"]), (&json!(2), &json!(2)));
    ann.client.get(&path(&bob.id, "&region=mars")).await.is(404, "not_found");
    ann.client.get(&path(&bob.id, "&season=1")).await.is(422, "invalid");
    anyone.get(&ask("board=nowhere")).await.is(404, "not_found");
    anyone.get(&ask("board=laps&region=mars")).await.is(404, "not_found");
    anyone.get(&ask("board=laps&limit=0")).await.is(422, "invalid_parameter");
    anyone.get(&ask("board=laps&past_days=0")).await.is(422, "invalid_parameter");

    let range = json!({ "base": 20, "least": 10, "most": 40 });
    let tiers = json!({
        "placement_games": 1, "points_per_division": 100, "win": range, "loss": range,
        "tiers": [{ "name": "bronze", "divisions": 1 }, { "name": "gold", "divisions": 1 }],
        "start": { "players_below_permille": [500] },
    });
    let ladder = json!({ "mode": "duel", "columns": [{ "value": "place" }], "tiers": tiers });
    world.admin().put("/v1/admin/boards/ladder", ladder).await.ok();
    let starts = anyone.get(&ask("board=ladder")).await.ok()["shown"]["tiers"].take();
    assert_eq!((&starts[1]["tier"], &starts[1]["from"]), (&json!("gold"), &json!(1500.0)));

    let starts = ["2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"];
    let cup = json!({ "columns": columns, "season": { "at": { "starts_at": starts } } });
    world.admin().put("/v1/admin/boards/cup", cup).await.ok();
    let entries = json!([{ "player_id": ann.id, "values": [81_234], "at": 1_710_000_000_000_i64 }]);
    world.server().post("/v1/rankings/cup/entries", json!({ "entries": entries })).await.ok();

    for (hash, wanted) in [
        (
            "#board=cup",
            vec!["<option value=\"1\">1</option>", ">2, under way<", "Nobody is ranked here yet", ">live<"],
        ),
        ("#board=cup&season=1", vec!["81,234", ">Ann<", ">2, under way<", ">live<"]),
        ("#board=cup&season=9", vec!["cup, season 9: ", ">live<"]),
        ("#board=ladder", vec!["Where tiers start", "gold 1", "1,500.0", ">live<"]),
        ("#board=laps&player=bob", vec!["69,876", "71,234", "&lt;b&gt;Bob&lt;/b&gt;", "1 of 2", ">live<"]),
        ("#board=duel&player=Ann", vec!["1,662.3", "Rank over time", "1 of 2", ">live<"]),
        ("#board=nowhere", vec!["nowhere: there is no such board", ">live<"]),
    ] {
        let url = format!("http://{}/boards{hash}", anyone.addr);
        if let Some(page) = tokio::task::spawn_blocking(move || in_browser(&url)).await.unwrap() {
            for text in wanted {
                assert!(page.contains(text), "{hash} shows {text}: {page}");
            }
            assert!(!page.contains("<b>"), "{page}");
        }
    }
    world.stop().await;
    let mut world = World::with(|settings| settings.dashboard = gsm_server::config::Dashboard::Admin).await;
    world.anyone.get("/v1/overview/boards").await.is(401, "unauthenticated");
    world.server().get("/v1/overview/boards").await.is(403, "forbidden");
    world.admin().get("/v1/overview/boards").await.ok();
    world.stop().await;
}
