//! Every operation that takes an `Idempotency-Key`: a repeat gives the first answer, another request is refused.
use crate::{
    client::Client,
    jwt::{self, Issuer},
    reports,
    world::{World, seen, text},
};
use gsm_server::config::Asserted;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What is asked: method, path, and a body unless it is null.
type Asked<'a> = (&'a str, &'a str, Value);

async fn ask(client: &Client, key: &str, (method, path, body): &Asked<'_>) -> crate::client::Answer {
    let call = client.call(method, path).header("idempotency-key", key).header("x-gsm-reason", "a test");
    if body.is_null() { call.send().await } else { call.json(body).send().await }
}

/// The operations that were tried, and what was wrong with them.
#[derive(Default)]
struct Tried {
    all: BTreeSet<&'static str>,
    wrong: Vec<String>,
}

impl Tried {
    /// Asks twice under one key, then for another thing under it: by another path or another body.
    async fn twice(
        &mut self,
        client: &Client,
        operation: &'static str,
        asked: Asked<'_>,
        other: (&str, Value),
    ) -> Value {
        let first = self.repeat(client, operation, &asked).await;
        let answer = ask(client, operation, &(asked.0, other.0, other.1)).await;
        if answer.status != 422 || answer.json()["code"] != "idempotency_mismatch" {
            self.wrong.push(format!("{operation} is done for another request: {}", answer.text));
        }
        first
    }

    async fn repeat(&mut self, client: &Client, operation: &'static str, asked: &Asked<'_>) -> Value {
        let first = ask(client, operation, asked).await;
        assert!(first.status.is_success(), "{operation}: {} {}", first.status, first.text);
        let again = ask(client, operation, asked).await;
        if (again.status, &again.text) != (first.status, &first.text) {
            self.wrong
                .push(format!("{operation}: {}, and again {} {}", first.text, again.status, again.text));
        }
        assert!(self.all.insert(operation), "{operation} was tried before");
        if first.text.is_empty() { Value::Null } else { first.json() }
    }
}

/// The operations of the document that take the header.
async fn all(world: &World) -> BTreeSet<String> {
    let document = world.anyone.get("/openapi.json").await.ok();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|methods| methods.as_object().unwrap().values());
    let takes = |operation: &&Value| {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        parameters.into_iter().any(|parameter| parameter["name"] == "Idempotency-Key")
    };
    operations.filter(takes).map(|operation| text(&operation["operationId"])).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_that_takes_a_key_is_done_once() {
    let (dir, issuer) = (tempfile::tempdir().unwrap(), Issuer::new());
    let mut world = jwt::world(dir.path(), &issuer, &[Asserted::Server]).await;
    let mut tried = Tried::default();
    let dee = world.player("Dee").await;
    let account = |name: &str| json!({ "token": issuer.with(|claims| claims["sub"] = json!(name)) });
    let path = "/v1/auth/link";
    tried.twice(&dee.client, "link_account", ("POST", path, account("a")), (path, account("b"))).await;
    players(&world, &mut tried).await;
    queues(&world, &mut tried).await;
    matches(&world, &mut tried).await;
    boards(&world, &mut tried).await;
    keys(&world, &mut tried).await;
    assert!(tried.wrong.is_empty(), "{:#?}", tried.wrong);
    let tried: BTreeSet<String> = tried.all.into_iter().map(str::to_owned).collect();
    let told = all(&world).await;
    let left: Vec<_> = told.symmetric_difference(&tried).collect();
    assert_eq!(left, [""; 0]);
    world.stop().await;
}

async fn players(world: &World, tried: &mut Tried) {
    let (ann, admin) = (world.player("Ann").await, world.admin());
    let of = |what: &str| format!("/v1/players/{}{what}", ann.id);
    let by = |what: &str| format!("/v1/admin/players/{}{what}", ann.id);
    let why = |reason: &str| json!({ "reason": reason });
    let named = |name: &str| json!({ "display_name": name });
    tried.twice(&ann.client, "rename_player", ("PATCH", &of(""), named("A")), (&of(""), named("B"))).await;
    let places = |region: &str| json!({ "region": region, "platform": null });
    let path = of("/places");
    tried.twice(&admin, "set_places", ("PUT", &path, places("eu")), (&path, places("us"))).await;
    let ban = |kind: &str| json!({ "kind": kind, "reason": "r" });
    let path = by("/bans");
    tried.twice(&admin, "ban_player", ("POST", &path, ban("play")), (&path, ban("shadow"))).await;
    let path = by("/bans/lift");
    tried.twice(&admin, "lift_ban", ("POST", &path, ban("play")), (&path, ban("shadow"))).await;
    let scope = |reason: &str| json!({ "scope": "duel", "reason": reason });
    let path = by("/penalties/lift");
    tried.twice(&admin, "lift_penalties", ("POST", &path, scope("r")), (&path, scope("s"))).await;
    let rating = |rating: u32| json!({ "rating": rating, "reason": "r" });
    let path = by("/ratings/duel");
    tried.twice(&admin, "set_rating", ("PUT", &path, rating(1_600)), (&path, rating(1_700))).await;
    assert_eq!(admin.get(&of("/ratings/duel")).await.ok()["rating"], 1_600.0);
    let watch = |top: u32| json!({ "top": [top] });
    let path = "/v1/rankings/duel/watch";
    tried.twice(&ann.client, "put_watch", ("PUT", path, watch(1)), (path, watch(2))).await;
    let other = "/v1/rankings/arena/watch";
    tried.twice(&ann.client, "delete_watch", ("DELETE", path, Value::Null), (other, Value::Null)).await;
    // Its receipt comes later.
    let erase = |reason: &str| json!({ "confirm": ann.id, "reason": reason });
    let path = of("/erase");
    for _ in 0..2 {
        ask(&admin, "erase_player", &("POST", &path, erase("r"))).await.ok();
    }
    ask(&admin, "erase_player", &("POST", &path, erase("s"))).await.is(422, "idempotency_mismatch");
    tried.all.insert("erase_player");
    let list = |network: &str| format!("/v1/admin/firewall/allow/{network}");
    let (path, other) = (list("192.0.2.0/24"), list("198.51.100.0/24"));
    tried.twice(&admin, "put_list_entry", ("PUT", &path, why("r")), (&path, why("s"))).await;
    tried.twice(&admin, "delete_list_entry", ("DELETE", &path, Value::Null), (&other, Value::Null)).await;
}

async fn queues(world: &World, tried: &mut Tried) {
    let admin = world.admin();
    let mode = |mode: &str| json!({ "mode": mode });
    let path = "/v1/admin/queues/temp";
    tried.twice(&admin, "put_queue", ("PUT", path, mode("temp")), (path, mode("other"))).await;
    let other = "/v1/admin/queues/duel";
    tried.twice(&admin, "delete_queue", ("DELETE", path, Value::Null), (other, Value::Null)).await;
    let set = |players: u32| {
        let team = json!({ "name": "all", "minPlayers": players, "maxPlayers": players });
        json!({ "body": { "ruleLanguageVersion": "1.0", "teams": [team] } })
    };
    let path = "/v1/admin/rule-sets/some";
    tried.twice(&admin, "put_rule_set", ("PUT", path, set(2)), (path, set(3))).await;
    for players in [3, 4] {
        admin.put(path, set(players)).await.ok();
    }
    let version = |number: u32| format!("{path}/versions/{number}");
    let (second, third) = (version(2), version(3));
    let asked = ("DELETE", second.as_str(), Value::Null);
    tried.twice(&admin, "delete_rule_set_version", asked, (&third, Value::Null)).await;
    let asked = ("DELETE", path, Value::Null);
    tried.twice(&admin, "delete_rule_set", asked, ("/v1/admin/rule-sets/other", Value::Null)).await;
}

async fn matches(world: &World, tried: &mut Tried) {
    let (admin, server) = (world.admin(), world.server());
    let (bob, cat) = (world.player("Bob").await, world.player("Cat").await);
    let nothing = Value::Null;
    let queue = |queue: &str| json!({ "queue": queue });
    let path = "/v1/tickets";
    let ticket = tried
        .twice(&bob.client, "create_ticket", ("POST", path, queue("duel")), (path, queue("arena")))
        .await;
    let path = format!("/v1/tickets/{}", text(&ticket["ticket_id"]));
    let asked = ("DELETE", path.as_str(), nothing.clone());
    tried.twice(&bob.client, "cancel_ticket", asked, ("/v1/tickets/mine", nothing.clone())).await;

    let both = |one: &str, other: &str| json!({ "queue": "duel", "players": [one, other] });
    let path = "/v1/matches";
    let asked = ("POST", path, both(&bob.id, &cat.id));
    let made = tried.twice(&server, "create_match", asked, (path, both(&cat.id, &bob.id))).await;
    let id = text(&made["match_id"]);
    let of = |what: &str| format!("/v1/matches/{id}/{what}");
    let state = |state: &str| json!({ "state": state });
    let path = of("state");
    tried.twice(&server, "move_match", ("POST", &path, state("reporting")), (&path, state("running"))).await;
    let path = of(&format!("player-sessions/{}", bob.id));
    let asked = ("POST", path.as_str(), state("active"));
    tried.twice(&server, "move_player_session", asked, (&path, state("completed"))).await;
    let who = |id: &str| json!({ "players": [id] });
    let path = of("leavers");
    tried.twice(&server, "report_leavers", ("POST", &path, who(&bob.id)), (&path, who(&cat.id))).await;
    let line = |id: &str, place: u32| json!({ "player_id": id, "place": place });
    let won = |one: &str, other: &str| json!({ "placements": [line(one, 1), line(other, 2)] });
    let path = of("result");
    let asked = ("POST", path.as_str(), won(&bob.id, &cat.id));
    tried.twice(&server, "report_result", asked, (&path, won(&cat.id, &bob.id))).await;

    let ruled = |what: &str| format!("/v1/admin/matches/{id}/{what}");
    let why = |reason: &str| json!({ "reason": reason });
    let path = ruled("release");
    tried.twice(&admin, "release_result", ("POST", &path, why("r")), (&path, why("s"))).await;
    let path = ruled("void");
    tried.twice(&admin, "void_result", ("POST", &path, why("r")), (&path, why("s"))).await;
    let correct = |reason: &str| {
        let mut body = won(&cat.id, &bob.id);
        body["reason"] = json!(reason);
        body
    };
    let path = ruled("correct");
    tried.twice(&admin, "correct_result", ("POST", &path, correct("r")), (&path, correct("s"))).await;
    let repair = |repair: bool| json!({ "repair": repair });
    let path = "/v1/admin/modes/duel/rebuild";
    tried.twice(&admin, "rebuild_ratings", ("POST", path, repair(false)), (path, repair(true))).await;
    let reset = |keep: f64| {
        let deviation = json!({ "at_least": 50.0 });
        let formula =
            json!({ "target": "initial_mean", "keep": keep, "deviation": deviation, "restart_games": false });
        json!({ "formula": formula, "reason": "r" })
    };
    let path = "/v1/admin/modes/duel/soft-reset";
    tried.twice(&admin, "soft_reset", ("POST", path, reset(0.5)), (path, reset(0.25))).await;

    reports::put(world, "reports", json!({ "agree": 2 })).await.ok();
    let id = world.duel(&bob, &cat).await;
    let path = format!("/v1/matches/{id}/reports");
    let asked = ("POST", path.as_str(), won(&bob.id, &cat.id));
    tried.twice(&bob.client, "report_as_player", asked, (&path, won(&cat.id, &bob.id))).await;

    reports::put(world, "acceptance_ms", json!(60_000)).await.ok();
    let (dan, eve) = (world.player("Dan").await, world.player("Eve").await);
    let mut ticket = Value::Null;
    for player in [&dan, &eve] {
        ticket = player.client.post("/v1/tickets", queue("duel")).await.ok();
    }
    let path = format!("/v1/tickets/{}", text(&ticket["ticket_id"]));
    let asked = seen(&eve.client, &path, |now| now["state"] == "requires_acceptance").await;
    let proposal = text(&asked["proposal_id"]);
    let path = format!("/v1/proposals/{proposal}/responses");
    let answer = |accept: bool| json!({ "accept": accept });
    let asked = ("POST", path.as_str(), answer(true));
    tried.twice(&dan.client, "respond_to_proposal", asked, (&path, answer(false))).await;
}

async fn boards(world: &World, tried: &mut Tried) {
    let (admin, server, zoe) = (world.admin(), world.server(), world.player("Zoe").await);
    let nothing = Value::Null;
    let board = |operator: &str| {
        let starts = json!(["2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"]);
        let columns = json!([{ "value": "submitted", "operator": operator }]);
        json!({ "columns": columns, "season": { "at": { "starts_at": starts } } })
    };
    let path = "/v1/admin/boards/fishing";
    tried.twice(&admin, "put_board", ("PUT", path, board("incr")), (path, board("best"))).await;
    let entries = |value: u32| {
        let then = 1_720_000_000_000_i64;
        json!({ "entries": [{ "player_id": zoe.id, "values": [value], "at": then }] })
    };
    let path = "/v1/rankings/fishing/entries";
    tried.twice(&server, "submit_scores", ("POST", path, entries(5)), (path, entries(6))).await;
    let rank = async || server.get(&format!("/v1/rankings/fishing/players/{}?season=1", zoe.id)).await.ok();
    assert_eq!(rank().await["values"], json!([5.0]), "added once");
    let own = |what: &str| format!("/v1/admin/boards/fishing/players/{}/{what}", zoe.id);
    let seen = |visibility: &str| json!({ "visibility": visibility, "reason": "r" });
    let path = own("visibility");
    tried.twice(&admin, "set_visibility", ("PUT", &path, seen("hidden")), (&path, seen("shadow"))).await;
    let remove = |reason: &str| json!({ "season": 1, "reason": reason });
    let path = own("remove");
    tried.twice(&admin, "remove_entry", ("POST", &path, remove("r")), (&path, remove("s"))).await;

    for id in [&zoe.id, &world.player("Yan").await.id] {
        let entry = json!({ "player_id": id, "values": [1], "at": 1_720_000_000_000_i64 });
        server.post("/v1/rankings/fishing/entries", json!({ "entries": [entry] })).await.ok();
    }
    let of = |season: u32, what: &str| format!("/v1/rankings/fishing/seasons/{season}/payout{what}");
    let size = |size: u32| json!({ "page_size": size });
    let path = of(1, "");
    tried.twice(&admin, "begin_payout", ("POST", &path, size(1)), (&path, size(2))).await;
    // Who comes later has a key of his own, and that one is used up too.
    ask(&admin, "later", &("POST", &path, size(3))).await.ok();
    ask(&admin, "later", &("POST", &path, size(4))).await.is(422, "idempotency_mismatch");
    let (path, other) = (of(1, "/next"), of(2, "/next"));
    let asked = ("POST", path.as_str(), nothing.clone());
    let page = tried.twice(&server, "next_payout_page", asked, (&other, nothing.clone())).await;
    let acknowledge = |page: &Value| of(1, &format!("/pages/{page}/acknowledge"));
    let (path, other) = (acknowledge(&page["page"]), acknowledge(&json!(2)));
    let asked = ("POST", path.as_str(), nothing.clone());
    tried.twice(&server, "acknowledge_payout", asked, (&other, nothing.clone())).await;
    let asked = ("POST", path.as_str(), nothing.clone());
    ask(&server, "again", &asked).await.ok();
    ask(&server, "again", &("POST", &other, nothing.clone())).await.is(422, "idempotency_mismatch");
    let asked = ("DELETE", "/v1/admin/boards/fishing", nothing.clone());
    tried.twice(&admin, "delete_board", asked, ("/v1/admin/boards/other", nothing)).await;
}

async fn keys(world: &World, tried: &mut Tried) {
    let admin = world.admin();
    let nothing = Value::Null;
    let role = |role: &str| json!({ "role": role, "note": "n" });
    let path = "/v1/admin/keys";
    let made = tried.twice(&admin, "issue_key", ("POST", path, role("server")), (path, role("owner"))).await;
    let path = format!("/v1/admin/keys/{}", text(&made["key_id"]));
    let (rotate, overlap) = (format!("{path}/rotate"), |s: u32| json!({ "overlap_s": s }));
    tried.twice(&admin, "rotate_key", ("POST", &rotate, overlap(0)), (&rotate, overlap(1))).await;
    let other = "/v1/admin/keys/key-00000000000000000000000000000001";
    let asked = ("DELETE", path.as_str(), nothing.clone());
    tried.twice(&admin, "revoke_key", asked.clone(), (other, nothing.clone())).await;
    let path = "/v1/aws-keys";
    let issued = ("POST", path, role("server"));
    let made = tried.twice(&admin, "issue_aws_key", issued, (path, role("admin"))).await;
    let path = format!("/v1/aws-keys/{}", text(&made["key_id"]));
    let other_aws = "/v1/aws-keys/key-00000000000000000000000000000001";
    let asked_aws = ("DELETE", path.as_str(), nothing.clone());
    tried.twice(&admin, "revoke_aws_key", asked_aws.clone(), (other_aws, nothing.clone())).await;
    // The second who ends a key changes nothing, and his own key is used up all the same.
    for (asked, other) in [(asked, other), (asked_aws, other_aws)] {
        ask(&admin, "again", &asked).await.ok();
        ask(&admin, "again", &("DELETE", other, nothing.clone())).await.is(422, "idempotency_mismatch");
    }
    tried.repeat(&admin, "rotate_signing_keys", &("POST", "/v1/admin/signing-keys/rotate", nothing)).await;
    let why = |reason: &str| json!({ "reason": reason });
    for (operation, path) in [
        ("rotate_token_key", "/v1/admin/token-key/rotate"),
        ("rotate_master_key", "/v1/admin/master-key/rotate"),
    ] {
        tried.twice(&admin, operation, ("POST", path, why("r")), (path, why("s"))).await;
    }
    let path = "/v1/admin/audit/keys";
    tried.twice(&admin, "rotate_audit_key", ("POST", path, why("r")), (path, why("s"))).await;
}

/// A repeat changes nothing, whatever happened in between: neither in the store nor in what the firewall goes by.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_does_not_bring_back_what_was_changed_since() {
    let mut world = World::new().await;
    let admin = world.admin();
    let path = "/v1/admin/firewall/deny/192.0.2.0/24";
    let put = ("PUT", path, json!({ "reason": "flood" }));
    let remove = ("DELETE", path, Value::Null);
    let listed = async || {
        let lists = admin.get("/v1/admin/firewall").await.ok();
        let deny =
            lists["lists"].as_array().unwrap().iter().find(|list| list["list"] == "deny").unwrap().clone();
        (deny["networks"].as_u64().unwrap(), deny["entries"].as_array().unwrap().len())
    };
    let first = ask(&admin, "put", &put).await.ok();
    ask(&admin, "remove", &remove).await.done();
    assert_eq!(ask(&admin, "put", &put).await.ok(), first);
    assert_eq!(listed().await, (0, 0), "it was taken out since");
    ask(&admin, "put-again", &put).await.ok();
    ask(&admin, "remove", &remove).await.done();
    assert_eq!(listed().await, (1, 1), "it was put in since");
    world.stop().await;
}
