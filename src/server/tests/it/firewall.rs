//! The firewall at work: rules and lists from files and operators, what callers are told, what operators see.
use crate::{
    client::{Answer, Client},
    world::{World, eventually, text},
};
use gsm_security::Profile;
use gsm_server::firewall::{FirewallSettings, files::parse_rules};
use serde_json::{Value, json};

/// A server behind a proxy on this machine, so that callers have addresses.
async fn behind_proxy(change: impl FnOnce(&mut FirewallSettings)) -> World {
    World::with(|settings| {
        settings.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        settings.firewall = FirewallSettings::of(Profile::Default);
        change(&mut settings.firewall);
    })
    .await
}
async fn from(client: &Client, address: &str) -> Answer {
    client.call("GET", "/v1/queues").header("X-Forwarded-For", address).send().await
}
async fn shown(world: &World) -> Value {
    world.admin().get("/v1/admin/firewall").await.ok()
}
fn rule<'a>(shown: &'a Value, name: &str) -> &'a Value {
    shown["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == name).unwrap()
}

const PLAYERS: &str = r#"
[[rules]]
name = "slow"
methods = ["GET"]
paths = ["/v1/players/*"]
key = "player_action"
limit = 2
window_s = 600
status = 403
[[rules]]
name = "watching"
key = "header:X-Game"
limit = 1
window_s = 600
action = "count"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_tell_what_is_left_and_refusals_name_the_rule() {
    let mut world = behind_proxy(|f| f.written = parse_rules(PLAYERS).unwrap()).await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let path = format!("/v1/players/{}", ann.id);
    let first = ann.client.get(&path).await;
    assert_eq!(first.headers["ratelimit-policy"], "\"slow\";q=2;w=600");
    assert!(first.headers["ratelimit"].to_str().unwrap().starts_with("\"slow\";r=1;t="));
    ann.client.get(&path).await.ok();
    let refused = ann.client.get(&path).await;
    assert!(refused.headers["ratelimit"].to_str().unwrap().starts_with("\"slow\";r=0;t="));
    let after: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=600).contains(&after), "{after}");
    let problem = refused.is(403, "blocked_by_rule");
    assert!(text(&problem["detail"]).contains("`slow`"), "{problem}");
    // An escape is no way around, and another player has a budget of his own.
    ann.client.get(&path.replace("plr", "pl%72")).await.is(403, "blocked_by_rule");
    bob.client.get(&path).await.ok();
    // A rule that only counts lets pass.
    for _ in 0..3 {
        let call = world.anyone.call("GET", "/v1/nothing").header("x-game", "chess");
        call.send().await.is(404, "not_found");
    }
    let shown = shown(&world).await;
    let (slow, watching) = (rule(&shown, "slow"), rule(&shown, "watching"));
    assert_eq!((slow["passed"].as_u64(), slow["blocked"].as_u64()), (Some(3), Some(2)));
    assert_eq!(slow["samples"][0]["path"], json!(path));
    assert_eq!(slow["samples"][0]["role"], "player");
    assert_eq!((watching["passed"].as_u64(), watching["counted"].as_u64()), (Some(1), Some(2)));
    let metrics = world.anyone.get("/metrics").await.text;
    assert!(metrics.contains("gsm_waf_blocks_total{rule=\"slow\"} 2"), "{metrics}");
    assert!(metrics.contains("gsm_waf_blocks_total{rule=\"watching\"} 0"), "{metrics}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_pages_through_his_export_at_a_bounded_pace() {
    let mut world = behind_proxy(|_| {}).await;
    let ann = world.player("Ann").await;
    // Any cursor of the log costs as much as a true one.
    let path = format!("/v1/players/{}/export?cursor=Af__________", ann.id);
    let mut refused = None;
    for _ in 0..100 {
        let answer = ann.client.get(&path).await;
        if answer.status.as_u16() != 200 {
            refused = Some(answer);
            break;
        }
    }
    let problem = refused.expect("a limit").is(429, "rate_limited");
    assert!(text(&problem["detail"]).contains("`export`"), "{problem}");
    world.stop().await;
}

/// How many signatures of tokens and of requests were checked.
pub(crate) async fn checked(world: &World, of: &str) -> u64 {
    let name = format!("gsm_signatures_checked_total{{of=\"{of}\"}} ");
    let metrics = world.anyone.get("/metrics").await.text;
    metrics.lines().find_map(|line| line.strip_prefix(&name)).expect("a counter").parse().unwrap()
}

const NOBODY: &str = r#"
[[rules]]
name = "nobody"
roles = ["none"]
key = "address"
limit = 2
window_s = 600
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_known_counts_as_nobody() {
    let mut world = behind_proxy(|f| f.written = parse_rules(NOBODY).unwrap()).await;
    let (server, bad) = (world.server(), world.anyone.as_whom("x.y.z"));
    for (caller, address) in [(&world.anyone, "192.0.2.1"), (&bad, "192.0.2.2")] {
        for _ in 0..2 {
            assert_eq!(from(caller, address).await.status.as_u16(), 401);
        }
        let problem = from(caller, address).await.is(429, "rate_limited");
        assert!(text(&problem["detail"]).contains("`nobody`"), "{problem}");
        // Who is known is another, and what is no operation asks for nobody.
        from(&server, address).await.ok();
        let call = caller.call("GET", "/v1/nowhere").header("X-Forwarded-For", address);
        call.send().await.is(404, "not_found");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_ranks_has_one_limit_whichever_way_it_is_done() {
    let rule =
        "[[rules]]\nname = \"rank_read\"\nkey = \"player\"\nlimit = 4\nwindow_s = 600\nactions = ACTIONS\n";
    let default = Profile::Default.rules().into_iter().find(|rule| rule.name == "rank_read").unwrap();
    let rule = rule.replace("ACTIONS", &format!("{:?}", default.actions));
    let mut world = behind_proxy(|f| f.written = parse_rules(&rule).unwrap()).await;
    let ann = world.player("Ann").await;
    let _ = ann.client.get("/v1/rankings/none/pages").await;
    let past = format!("/v1/rankings/none/players/{}/past", ann.id);
    let _ = ann.client.get(&past).await;
    let _ = ann.client.post("/v1/rankings/none/ranks", json!({ "player_ids": [ann.id] })).await;
    let _ = ann.client.post("/v1/rankings/none/among", json!({ "player_ids": [ann.id] })).await;
    ann.client.get("/v1/rankings/none/pages").await.is(429, "rate_limited");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_list_networks_until_they_end_and_over_restarts() {
    let mut world = behind_proxy(|_| {}).await;
    let put = |world: &World, list: &str, network: &str, body: Value| {
        let (admin, path) = (world.admin(), format!("/v1/admin/firewall/{list}/{network}"));
        async move { admin.put(&path, body).await }
    };
    from(&world.anyone, "192.0.2.7").await.is(401, "unauthenticated");
    let listed = put(&world, "deny", "192.0.2.9/24", json!({ "reason": "flood" })).await.ok();
    assert_eq!((text(&listed["network"]), text(&listed["reason"])), ("192.0.2.0/24".into(), "flood".into()));
    from(&world.anyone, "192.0.2.7").await.is(403, "denied_address");
    from(&world.anyone, "192.0.3.7").await.is(401, "unauthenticated");
    // Of those who may, none is refused by a limit.
    put(&world, "allow", "198.51.100.1/32", json!({ "reason": "load test" })).await.ok();
    for _ in 0..12 {
        let bad = world.anyone.as_whom("gsm1.AAAA.AAAA");
        from(&bad, "198.51.100.1").await.is(401, "invalid_token");
    }
    let later = world.admin().get("/v1/overview").await.ok()["now"].as_i64().unwrap() + 86_400_000;
    let body = json!({ "reason": "a day", "expires_at": later });
    put(&world, "deny", "2001:db8::/32", body).await.ok();
    from(&world.anyone, "2001:db8:1::1").await.is(403, "denied_address");
    for (list, network, body, code) in [
        ("deny", "0.0.0.0/0", json!({ "reason": "x" }), "invalid_parameter"),
        ("deny", "192.0.2.0/33", json!({ "reason": "x" }), "invalid_parameter"),
        ("deny", "x/24", json!({ "reason": "x" }), "invalid_parameter"),
        ("grey", "192.0.2.0/24", json!({ "reason": "x" }), "invalid_parameter"),
        ("deny", "192.0.2.0/24", json!({ "reason": " " }), "invalid"),
        ("deny", "192.0.2.0/24", json!({ "reason": "x", "expires_at": 1 }), "invalid"),
        ("deny", "192.0.2.0/24", json!({ "reason": "x", "expires_at": 253_402_300_800_000u64 }), "invalid"),
        ("deny", "192.0.2.0/24", json!({}), "missing_field"),
    ] {
        put(&world, list, network, body).await.is(422, code);
    }
    let seen = shown(&world).await;
    assert_eq!(seen["lists"][0]["networks"], 2);
    assert_eq!(seen["lists"][0]["entries"][0]["reason"], "flood");
    assert_eq!(seen["denied"]["blocked"], 2);
    // What is over does not count.
    let mut ahead_ms = 200;
    loop {
        let ends = world.admin().get("/v1/overview").await.ok()["now"].as_i64().unwrap() + ahead_ms;
        let body = json!({ "reason": "x", "expires_at": ends });
        if put(&world, "deny", "203.0.113.0/24", body).await.status.is_success() {
            break;
        }
        // The machine was so slow that it was over by then.
        ahead_ms *= 2;
    }
    eventually(async || (shown(&world).await["lists"][0]["networks"] == 2).then_some(())).await;

    world
        .restart_with(|settings| {
            settings.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
            settings.firewall = FirewallSettings::of(Profile::Default);
        })
        .await;
    from(&world.anyone, "192.0.2.7").await.is(403, "denied_address");
    world.admin().delete("/v1/admin/firewall/deny/192.0.2.0/24").await.done();
    world.admin().delete("/v1/admin/firewall/deny/192.0.2.0/24").await.is(404, "not_found");
    from(&world.anyone, "192.0.2.7").await.is(401, "unauthenticated");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_at_work_is_exported_with_what_operators_have_put_in() {
    let dir = tempfile::tempdir().unwrap();
    let deny = dir.path().join("deny.txt");
    std::fs::write(&deny, "198.51.100.0/24\n192.0.2.0/24 until=2027-01-31T12:00:00Z\n").unwrap();
    let mut world = behind_proxy(|f| f.deny_file = Some(deny)).await;
    let admin = world.admin();
    for (list, network) in [("deny", "192.0.2.0/24"), ("deny", "2001:db8::/32"), ("allow", "203.0.113.7/32")]
    {
        admin.put(&format!("/v1/admin/firewall/{list}/{network}"), json!({ "reason": "x" })).await.ok();
    }
    let exported = admin.get("/v1/admin/firewall/export?name=ladder").await.ok();
    let terraform = text(&exported["terraform"]);
    let set = |name: &str| {
        let from = terraform
            .find(&format!("\"aws_wafv2_ip_set\" \"ladder-{name}-1\""))
            .unwrap_or_else(|| panic!("{name}"));
        let lines = terraform[from..].lines().skip_while(|line| !line.contains("addresses = [")).skip(1);
        lines.take_while(|line| line.contains('"')).map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(set("deny-v4"), ["\"192.0.2.0/24\",", "\"198.51.100.0/24\","]);
    assert_eq!(
        (set("deny-v6"), set("allow-v4")),
        (vec!["\"2001:db8::/32\",".to_owned()], vec!["\"203.0.113.7/32\",".to_owned()])
    );
    assert!(terraform.contains("name     = \"address\""), "{terraform}");
    let notes: Vec<String> = exported["notes"].as_array().unwrap().iter().map(text).collect();
    assert!(notes.iter().all(|note| terraform.contains(note) && !note.contains("by the API")), "{notes:?}");
    admin.get("/v1/admin/firewall/export?name=1").await.is(422, "invalid_parameter");
    admin.get("/v1/admin/firewall/export").await.ok();
    world.player("Ann").await.client.get("/v1/admin/firewall/export").await.is(403, "forbidden");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_a_client_forwards_makes_it_the_proxy() {
    let mut world = behind_proxy(|_| {}).await;
    let admin = world.admin();
    admin.put("/v1/admin/firewall/deny/192.0.2.66/32", json!({ "reason": "flood" })).await.ok();
    for hops in ["192.0.2.66", "é, 192.0.2.66", "unknown, 192.0.2.66:80", ", 192.0.2.66"] {
        from(&world.anyone, hops).await.is(403, "denied_address");
    }
    for hops in ["192.0.2.66, é", "192.0.2.66,", "192.0.2.66, unknown", ""] {
        from(&world.anyone, hops).await.is(400, "invalid_forwarded_for");
        let wire = world.anyone.call("POST", "/").header("X-Forwarded-For", hops);
        let wire = wire.header("X-Amz-Target", "GameLift.ListTagsForResource").send().await;
        assert_eq!(
            (wire.status.as_u16(), wire.headers.contains_key("x-amzn-requestid")),
            (400, true),
            "{}",
            wire.text
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_read_again_and_a_bad_one_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (deny, rules) = (dir.path().join("deny.txt"), dir.path().join("rules.toml"));
    std::fs::write(&deny, "192.0.2.0/24 # flood\n").unwrap();
    std::fs::write(&rules, PLAYERS).unwrap();
    let mut world =
        behind_proxy(|f| (f.deny_file, f.rules_file) = (Some(deny.clone()), Some(rules.clone()))).await;
    from(&world.anyone, "192.0.2.7").await.is(403, "denied_address");
    // Seen without being told: the file is looked at each second.
    std::fs::write(&deny, "203.0.113.0/24\n203.0.114.0/24\n").unwrap();
    eventually(async || (from(&world.anyone, "203.0.113.7").await.status == 403).then_some(())).await;
    from(&world.anyone, "192.0.2.7").await.is(401, "unauthenticated");
    // Told, at once.
    std::fs::write(&rules, PLAYERS.replace("limit = 2", "limit = 0")).unwrap();
    let told = world.admin().call("POST", "/v1/admin/firewall/reload").send().await.ok();
    assert!(text(&told["read_error"]).contains("`slow`: `limit`"), "{told}");
    assert_eq!(rule(&told, "slow")["limit"], 2);
    std::fs::write(&rules, PLAYERS.replace("limit = 2", "limit = 3")).unwrap();
    let told = world.admin().call("POST", "/v1/admin/firewall/reload").send().await.ok();
    assert_eq!((told.get("read_error"), &rule(&told, "slow")["limit"]), (None, &json!(3)));
    world.stop().await;
}
