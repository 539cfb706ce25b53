//! Rule sets and the tickets that bring something to them, natively.
use crate::world::{Player, World, eventually, seen, text};
use gsm_rules::TEXT_CHARS_MAX;
use serde_json::{Value, json};

fn is_completed(ticket: &Value) -> bool {
    ticket["state"] == "completed"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_follows_a_rule_set() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let (admin, server) = (world.admin(), world.server());
    let body = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "map", "type": "string" }, { "name": "rating", "type": "number" }],
        "teams": [{ "name": "red", "minPlayers": 1, "maxPlayers": 1 }, { "name": "blue", "minPlayers": 1, "maxPlayers": 1 }],
        "rules": [{ "name": "SameMap", "type": "comparison", "operation": "=",
                    "measurements": ["flatten(teams[*].players.attributes[map])"] }],
    });
    let path = "/v1/admin/rule-sets/maps";
    let mut broken = body.clone();
    broken["rules"][0]["operation"] = json!("~");
    let fault = admin.put(path, json!({ "body": broken })).await;
    assert!(fault.text.contains("$.rules[0].operation"), "{}", fault.text);
    fault.is(422, "invalid");
    let made = admin.put(path, json!({ "body": body })).await.ok();
    assert_eq!(admin.put(path, json!({ "body": body })).await.ok(), made, "the same again is the same");
    let mut other = body.clone();
    other["rules"] = json!([]);
    assert_eq!(server.get("/v1/rule-sets/maps").await.ok()["body"], body);
    assert_eq!(server.get("/v1/rule-sets").await.ok()["rule_sets"][0]["name"], "maps");

    let queue = json!({ "mode": "maps", "rule_set": "maps", "rating_attribute": "rating", "player_attributes": ["map"] });
    let unknown = json!({ "mode": "maps", "rule_set": "none" });
    admin.put("/v1/admin/queues/maps", unknown).await.is(404, "not_found");
    admin.put("/v1/admin/queues/maps", queue).await.ok();
    admin.delete(path).await.is(409, "rule_set_in_use");

    let ticket =
        |map: &str| json!({ "queue": "maps", "attributes": { "map": map }, "latency_ms": { "eu": 40 } });
    let cheat = json!({ "queue": "maps", "attributes": { "rating": 9000 } });
    ann.client.post("/v1/tickets", cheat).await.is(422, "invalid");
    let number = json!({ "queue": "maps", "attributes": { "map": 7 } });
    ann.client.post("/v1/tickets", number).await.is(422, "invalid");
    let of_ann = text(&ann.client.post("/v1/tickets", ticket("ice")).await.ok()["ticket_id"]);
    let of_bob = text(&bob.client.post("/v1/tickets", ticket("dam")).await.ok()["ticket_id"]);
    let explain = format!("/v1/tickets/{of_ann}/explain");
    let why = seen(&ann.client, &explain, |why| why["rule_set"]["others"] == 1).await;
    assert_eq!((&why["rule_set"]["binding"], &why["rule_set"]["compatible"]), (&json!("SameMap"), &json!(0)));
    let plan =
        json!([{ "by": "ticket", "what": "fails by itself" }, { "by": "index", "what": "`map` the same" }]);
    assert_eq!(why["rule_set"]["rules"][0]["plan"], plan, "{why}");
    bob.client.delete(&format!("/v1/tickets/{of_bob}")).await.ok();
    bob.client.post("/v1/tickets", ticket("ice")).await.ok();
    let done = seen(&ann.client, &format!("/v1/tickets/{of_ann}"), is_completed).await;
    let made = server.get(&format!("/v1/matches/{}", text(&done["match_id"]))).await.ok();
    let teams = [0, 1].map(|at: usize| made["sides"][at]["team"].clone());
    assert_eq!(teams, [json!("red"), json!("blue")]);
    admin.delete("/v1/admin/queues/maps").await.done();
    admin.delete(path).await.done();
    server.get("/v1/rule-sets/maps").await.is(404, "not_found");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_objective_a_costly_match_is_held_back_and_explained() {
    let world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let admin = world.admin();
    let body = |start: f64| {
        json!({
            "ruleLanguageVersion": "1.0",
            "playerAttributes": [{ "name": "level", "type": "number" }],
            "teams": [{ "name": "red", "minPlayers": 1, "maxPlayers": 1 }, { "name": "blue", "minPlayers": 1, "maxPlayers": 1 }],
            "objective": { "cost": [{ "spread": "level" }], "starvationSeconds": 3_600,
                           "holdBack": { "policy": "price", "start": start, "perSecond": 0.001 } },
        })
    };
    for (name, start) in [("dear", 2.0), ("cheap", 40.0)] {
        admin.put(&format!("/v1/admin/rule-sets/{name}"), json!({ "body": body(start) })).await.ok();
    }
    let mut wrong = body(1.0);
    wrong["objective"]["cost"][0] = json!({ "spread": "skill" });
    let fault = admin.put("/v1/admin/rule-sets/wrong", json!({ "body": wrong })).await;
    assert!(fault.text.contains("$.objective.cost[0].spread"), "{}", fault.text);
    fault.is(422, "invalid");
    let queue = |set: &str| json!({ "mode": "levels", "rule_set": set, "player_attributes": ["level"] });
    admin.put("/v1/admin/queues/levels", queue("dear")).await.ok();
    let ticket = |level: u32| json!({ "queue": "levels", "attributes": { "level": level } });
    let of_ann = text(&ann.client.post("/v1/tickets", ticket(1)).await.ok()["ticket_id"]);
    bob.client.post("/v1/tickets", ticket(21)).await.ok();
    let explain = format!("/v1/tickets/{of_ann}/explain");
    let why = seen(&ann.client, &explain, |why| why["rule_set"]["compatible"] == 1).await;
    // Twenty levels apart, and both together pay four.
    assert!(
        why["rule_set"]["price"].as_f64().unwrap() < 3.0 && why["rule_set"]["held_back"] == true,
        "{why}"
    );
    assert!(text(&why["text"]).contains("it pays 2 for a match by now"), "{why}");
    assert_eq!(ann.client.get(&format!("/v1/tickets/{of_ann}")).await.ok()["state"], "searching");
    // The same tickets under a rule set by which they pay enough.
    admin.put("/v1/admin/queues/levels", queue("cheap")).await.ok();
    seen(&ann.client, &format!("/v1/tickets/{of_ann}"), is_completed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_blocked_is_not_met() {
    let world = World::new().await;
    let (ann, bob, eve) = (world.player("Ann").await, world.player("Bob").await, world.player("Eve").await);
    let admin = world.admin();
    let body = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "blocked", "type": "string_list", "default": [] }],
        "teams": [{ "name": "red", "minPlayers": 1, "maxPlayers": 1 }, { "name": "blue", "minPlayers": 1, "maxPlayers": 1 }],
        "rules": [{ "name": "Blocked", "type": "avoid", "attribute": "blocked" }],
    });
    admin.put("/v1/admin/rule-sets/blocks", json!({ "body": body })).await.ok();
    let queue = json!({ "mode": "blocks", "rule_set": "blocks", "player_attributes": ["blocked"] });
    admin.put("/v1/admin/queues/blocks", queue).await.ok();
    let ticket = |blocked: &[&str]| json!({ "queue": "blocks", "attributes": { "blocked": blocked } });
    let of_bob = text(&bob.client.post("/v1/tickets", ticket(&[])).await.ok()["ticket_id"]);
    let of_ann = text(&ann.client.post("/v1/tickets", ticket(&[&bob.id])).await.ok()["ticket_id"]);
    eve.client.post("/v1/tickets", ticket(&[])).await.ok();
    let (his, hers) = eventually(async || {
        let his = bob.client.get(&format!("/v1/tickets/{of_bob}")).await.ok();
        let hers = ann.client.get(&format!("/v1/tickets/{of_ann}")).await.ok();
        (is_completed(&his) || is_completed(&hers)).then_some((his, hers))
    })
    .await;
    // Eve may play either of them, and they not each other.
    assert_ne!(his["match_id"], hers["match_id"], "{his} {hers}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_stays_at_its_version() {
    let mut world = World::new().await;
    let (admin, server) = (world.admin(), world.server());
    let sized = |size: u32| json!({ "body": { "ruleLanguageVersion": "1.0", "teams": [{ "name": "all", "minPlayers": 2, "maxPlayers": size }] } });
    let (set, queue) = ("/v1/admin/rule-sets/hall", "/v1/admin/queues/hall");
    for size in 2..=4 {
        assert_eq!(admin.put(set, sized(size)).await.ok()["version"], size - 1);
    }
    assert_eq!(admin.put(set, sized(4)).await.ok()["version"], 3, "the newest again is the newest");
    let at = |version: Option<u32>| {
        let mut queue = json!({ "mode": "hall", "rule_set": "hall" });
        if let Some(version) = version {
            queue["rule_set_version"] = json!(version);
        }
        queue
    };
    assert_eq!(admin.put(queue, at(Some(2))).await.ok()["rule_set_version"], 2);
    admin.put(queue, at(Some(0))).await.is(404, "not_found");
    admin.put(queue, at(Some(4))).await.is(404, "not_found");
    admin.put(queue, json!({ "mode": "hall", "rule_set_version": 1 })).await.is(422, "invalid");
    let listed = server.get("/v1/rule-sets/hall/versions").await.ok()["versions"].clone();
    let uses: Vec<_> = listed.as_array().unwrap().iter().map(|of| (&of["version"], &of["queues"])).collect();
    let none = json!([]);
    assert_eq!(uses, [(&json!(1), &none), (&json!(2), &json!(["hall"])), (&json!(3), &none)]);
    let second = "/v1/admin/rule-sets/hall/versions/2";
    admin.delete(second).await.is(409, "rule_set_in_use");
    assert_eq!(
        admin.put(queue, at(None)).await.ok()["rule_set_version"],
        3,
        "the newest where none is named"
    );
    admin.delete(second).await.done();
    server.get("/v1/rule-sets/hall/versions/2").await.is(404, "not_found");
    assert_eq!(server.get("/v1/rule-sets/hall/versions/1").await.ok()["body"], sized(2)["body"]);
    for stays in ["1", "3"] {
        let stays = format!("/v1/admin/rule-sets/hall/versions/{stays}");
        admin.delete(&stays).await.is(409, "rule_set_version_stays");
    }
    server.get("/v1/rule-sets/hall/versions/x").await.is(422, "invalid_parameter");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_are_filled_and_told() {
    let mut world = World::new().await;
    let (admin, server) = (world.admin(), world.server());
    let body = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "roles", "type": "string_list", "default": ["damage"] }],
        "teams": [{ "name": "party", "minPlayers": 3, "maxPlayers": 3 }],
        "rules": [{ "name": "Composition", "type": "roles", "attribute": "roles",
                    "counts": { "tank": 1, "damage": 1, "healer": 1 }, "autofill": 1 }],
    });
    let mut wrong = body.clone();
    wrong["rules"][0]["counts"]["tank"] = json!(2);
    let fault = admin.put("/v1/admin/rule-sets/dungeon", json!({ "body": wrong })).await;
    assert!(fault.text.contains("$.rules[0].counts"), "{}", fault.text);
    fault.is(422, "invalid");
    admin.put("/v1/admin/rule-sets/dungeon", json!({ "body": body })).await.ok();
    let queue = json!({ "mode": "dungeon", "rule_set": "dungeon", "player_attributes": ["roles"] });
    admin.put("/v1/admin/queues/dungeon", queue).await.ok();
    let mut tickets = Vec::new();
    // The third names nothing that is left, and what the rule set says for whoever says nothing is taken.
    let named = [("Ann", Some(json!(["healer", "tank"]))), ("Bob", Some(json!(["healer"]))), ("Eve", None)];
    for (name, roles) in named {
        let player = world.player(name).await;
        let attributes = roles.map_or_else(|| json!({}), |roles| json!({ "roles": roles }));
        let ticket = json!({ "queue": "dungeon", "attributes": attributes });
        let cursor = text(&player.client.get("/v1/events").await.ok()["cursor"]);
        let made = player.client.post("/v1/tickets", ticket).await.ok();
        tickets.push((player, text(&made["ticket_id"]), cursor));
    }
    let mut match_id = String::new();
    let expected = [
        json!({ "name": "tank", "choice": 2 }),
        json!({ "name": "healer", "choice": 1 }),
        json!({ "name": "damage", "choice": 1 }),
    ];
    for ((player, ticket, cursor), role) in tickets.iter().zip(&expected) {
        let done = seen(&player.client, &format!("/v1/tickets/{ticket}"), is_completed).await;
        assert_eq!(done["players"][0]["role"], *role, "{done}");
        let told = player.client.get(&format!("/v1/events?cursor={cursor}")).await.ok();
        let told = told["events"].as_array().unwrap().last().unwrap();
        assert_eq!((&told["state"], &told["role"]), (&json!("completed"), role), "{told}");
        match_id = text(&done["match_id"]);
    }
    let made = server.get(&format!("/v1/matches/{match_id}")).await.ok();
    let seats = made["sides"][0]["players"].as_array().unwrap();
    for (player, role) in tickets.iter().map(|(player, ..)| player).zip(&expected) {
        let seat = seats.iter().find(|seat| seat["player_id"] == json!(player.id)).unwrap();
        assert_eq!(seat["role"], *role, "{made}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_party_that_fits_no_team_is_split() {
    let mut world = World::new().await;
    let (admin, server) = (world.admin(), world.server());
    let team = |name: &str| json!({ "name": name, "minPlayers": 6, "maxPlayers": 6 });
    let mut body = json!({ "ruleLanguageVersion": "1.0", "teams": [team("red"), team("blue")] });
    let queue = |name: &str| json!({ "mode": "clans", "rule_set": name });
    for (name, parties) in [("small", None), ("clans", Some(json!({ "maxPlayers": 12, "split": true })))] {
        if let Some(parties) = parties {
            body["parties"] = parties;
        }
        admin.put(&format!("/v1/admin/rule-sets/{name}"), json!({ "body": body })).await.ok();
        admin.put(&format!("/v1/admin/queues/{name}"), queue(name)).await.ok();
    }
    let mut players = Vec::new();
    for n in 0..13 {
        players.push(world.player(&format!("Player{n}")).await);
    }
    let members = |of: &[Player]| of.iter().map(|p| json!({ "player_id": p.id })).collect::<Vec<_>>();
    let ticket = |queue: &str, of: &[Player]| json!({ "queue": queue, "leader": of[0].id, "members": members(&of[1..]) });
    server.post("/v1/tickets", ticket("small", &players[..11])).await.is(422, "invalid");
    let over = server.post("/v1/tickets", ticket("clans", &players)).await;
    assert!(over.text.contains("at most 12 players"), "{}", over.text);
    over.is(422, "invalid");
    let id = text(&server.post("/v1/tickets", ticket("clans", &players[..11])).await.ok()["ticket_id"]);
    server.post("/v1/tickets", ticket("clans", &players[12..])).await.ok();
    let match_id = text(&seen(&server, &format!("/v1/tickets/{id}"), is_completed).await["match_id"]);
    let made = server.get(&format!("/v1/matches/{match_id}")).await.ok();
    let ids = |of: &[Player]| of.iter().map(|player| json!(player.id)).collect::<Vec<_>>();
    let side = |at: usize| {
        let seats = made["sides"][at]["players"].as_array().unwrap();
        seats.iter().map(|seat| seat["player_id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(side(0), ids(&players[..6]), "{made}");
    assert_eq!(side(1)[..5], ids(&players[6..11]), "{made}");
    // The parts are parties of their sides, and rated as such.
    let place = |(at, player): (u32, &serde_json::Value)| json!({ "player_id": player, "place": at });
    let placements: Vec<_> =
        side(0).iter().map(|p| (1, p)).chain(side(1).iter().map(|p| (2, p))).map(place).collect();
    let result = json!({ "placements": placements });
    server.post(&format!("/v1/matches/{match_id}/result"), result).await.ok();
    world.stop().await;
}

/// Of so many characters: a rule set whose rules need many members, and a description that fills the rest.
fn long_rule_set(rules: usize, characters: usize) -> String {
    let rule = |nth| {
        json!({ "name": format!("r{nth}"), "type": "comparison", "operation": ">=", "referenceValue": nth,
                "measurements": ["teams[a].players.attributes[s]"], "description": "" })
    };
    let set = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "s", "type": "number" }],
        "teams": [{ "name": "a", "minPlayers": 2, "maxPlayers": 2 }],
        "rules": (0..rules).map(rule).collect::<Vec<_>>(),
    });
    let text = set.to_string();
    let filling = "\u{1f9ed}".repeat(characters - text.chars().count());
    text.replacen(r#""description":"""#, &format!(r#""description":"{filling}""#), 1)
}

/// What the language allows, as on the wire and at the command line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_set_may_be_as_long_as_the_language_has_it() {
    let mut world = World::new().await;
    let (admin, server) = (world.admin(), world.server());
    let put = async |name: &str, set: &str| {
        let body = format!(r#"{{"body":{set}}}"#);
        let path = format!("/v1/admin/rule-sets/{name}");
        admin.call("PUT", &path).text("application/json", &body).send().await
    };
    // More than other bodies may be, in members and in bytes.
    let longest = long_rule_set(250, TEXT_CHARS_MAX);
    assert!(longest.len() > 64 * 1024);
    let made = put("longest", &longest).await.ok();
    let body: Value = serde_json::from_str(&longest).unwrap();
    assert_eq!((&made["body"], &made["version"]), (&body, &json!(1)));
    assert_eq!(put("longest", &longest).await.ok()["version"], 1, "the same again is the same");
    assert_eq!(server.get("/v1/rule-sets/longest").await.ok()["body"], body);
    let escaped = longest.replace('\u{1f9ed}', "\\ud83e\\udded");
    assert_eq!(put("longest", &escaped).await.ok()["version"], 1);

    let too_long = put("longer", &long_rule_set(1, TEXT_CHARS_MAX + 1)).await;
    assert!(too_long.text.contains("65536 characters, at most 65535 are allowed"), "{}", too_long.text);
    too_long.is(422, "invalid");
    // What is no rule set at all has an end, too.
    put("more", &format!("[{}1]", "1,".repeat(33_000))).await.is(400, "json_too_many_members");
    put("more", &format!("\"{}\"", "x".repeat(512 * 1024))).await.is(413, "body_too_large");
    put("more", &"[".repeat(40)).await.is(400, "json_too_deep");
    put("more", r#"{"name":"a","name":"b"}"#).await.is(400, "json_duplicate_key");
    let nobody = world.anyone.call("PUT", "/v1/admin/rule-sets/more").text("application/json", &longest);
    nobody.send().await.is(401, "unauthenticated");
    world.stop().await;
}
