//! May: every operation of every face is asked about, and the shipped policies say what its table says.
use crate::{
    gamelift::{
        call, configuration, duel_rules,
        signatures::{Key, signed},
    },
    world::{World, text},
};
use gsm_policy::{Question, Resource, Who};
use gsm_server::{authz, config::Signatures};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Every operation as (face and name, its description).
fn operations(document: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            all.push((format!("{method} {path}"), operation.clone()));
        }
    }
    for (target, operation) in document["x-gsm-gamelift"].as_object().unwrap() {
        all.push((format!("GameLift.{target}"), operation.clone()));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_know_every_operation_of_every_face() {
    let mut world = World::with(|settings| {
        settings.dashboard = gsm_server::config::Dashboard::Admin;
        settings.metrics = gsm_server::config::Dashboard::Admin;
    })
    .await;
    let document = world.anyone.get("/openapi.json").await.ok();
    let policies = authz::policies(None).unwrap_or_else(|faults| panic!("{faults}"));
    let known: BTreeSet<&str> = policies.actions().collect();
    let (mut missing, mut named) = (Vec::new(), BTreeSet::new());
    let all = operations(&document);
    for (name, operation) in &all {
        let Some(action) = operation["x-gsm-action"].as_str() else {
            missing.push(format!("{name} has no x-gsm-action"));
            continue;
        };
        named.insert(action);
        if !known.contains(action) {
            missing.push(format!("{name}: the schema lacks {action}"));
        }
        let said: BTreeSet<String> = operation["x-gsm-roles"].as_array().unwrap().iter().map(text).collect();
        let asked = Question {
            who: Who { kind: "none", id: "x", admin: None },
            action,
            resource: Resource { kind: "Service", id: "gsm" },
            context: &[("reason", "why"), ("address", "127.0.0.1")],
        };
        let may = policies.who_may(&asked);
        if may.is_empty() {
            missing.push(format!("{name}: no policy lets anybody do {action}"));
        }
        let kinds: BTreeSet<String> =
            may.iter().map(|who| who.split(':').next().unwrap().to_owned()).collect();
        assert_eq!(kinds, said, "{name}: policies and x-gsm-roles");
        assert_eq!(
            may.contains(&"admin:owner".to_owned()),
            said.contains("admin"),
            "{name}: owners may everything"
        );
    }
    assert_eq!(missing, [""; 0]);
    assert_eq!(known, named, "the schema has no action that no face has");
    for stream in ["get /v1/stream", "get /v1/events"] {
        let of = all.iter().find(|(name, _)| name == stream).expect("a face of push");
        assert_eq!(of.1["x-gsm-action"], "gsm:Subscribe");
    }
    world.stop().await;
}

fn write(dir: &std::path::Path, text: &str) {
    std::fs::write(dir.join("own.cedar"), text).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_decides_on_every_face() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        r#"permit (principal, action, resource);
           @id("no-duels") forbid (principal, action == Action::"gsm:GetQueue", resource == Queue::"duel");
           @id("no-streams") forbid (principal is Player, action == Action::"gsm:Subscribe", resource);
           @id("no-rules") forbid (principal, action == Action::"gamelift:ValidateMatchmakingRuleSet", resource);
           @id("no-guests") forbid (principal, action == Action::"gsm:SignIn", resource)
             unless { context.address.isLoopback() };
           @id("not-these") forbid (principal, action == Action::"gsm:PutListEntry", resource)
             when { context.address.isLoopback() && context has path_address && context.path_address == "203.0.113.0" };"#,
    );
    let policies = dir.path().to_owned();
    let mut world = World::with(|settings| {
        settings.policy_dir = Some(policies);
        settings.signatures = Signatures::Verify;
    })
    .await;
    let ann = world.player("Ann").await;
    ann.client.get("/v1/queues/squad").await.ok();
    for path in ["/v1/queues/duel", "/v1/queues/%64uel", "/v1/queues/d%75el"] {
        ann.client.get(path).await.is(403, "forbidden");
    }
    ann.client.get("/v1/events").await.is(403, "forbidden");
    ann.client.get("/v1/stream").await.is(403, "forbidden");
    // A parameter of the path is not mistaken for the caller's address.
    let admin = world.admin();
    let entry = json!({ "reason": "a test" });
    admin.put("/v1/admin/firewall/deny/198.51.100.0/24", entry.clone()).await.ok();
    admin.put("/v1/admin/firewall/deny/203.0.113.0/24", entry).await.is(403, "forbidden");
    let key = Key::issued(&world, "admin").await;
    let body = json!({ "RuleSetBody": "{}" });
    signed(&world.anyone, &key, "GameLift.ValidateMatchmakingRuleSet", body)
        .await
        .exception(400, "AccessDeniedException");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_forbidden_is_forbidden_on_the_wire_too() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        r#"permit (principal, action, resource);
           @id("cup") forbid (principal, action in Action::"writes", resource == Queue::"cup")
             unless { context.address.isInRange(ip("10.20.0.0/16")) };
           @id("hidden") forbid (principal, action, resource == Queue::"squad")
             when { context has queue && context.queue == "squad" };
           @id("secret") forbid (principal, action, resource == RuleSet::"secret");
           @id("rules") forbid (principal, action in Action::"writes", resource == RuleSet::"old");"#,
    );
    let policies = dir.path().to_owned();
    let mut world = World::with(|settings| settings.policy_dir = Some(policies)).await;
    duel_rules(&world.anyone, "a").await;
    let denied = async |operation: &str, input: Value| {
        call(&world.anyone, operation, input).await.exception(400, "AccessDeniedException");
    };
    let arn =
        |kind: &str, name: &str| json!({ "ResourceARN": format!("arn:aws:gamelift:r:0:{kind}/{name}") });
    let queue = json!({
        "Name": "cup", "RuleSetName": "a", "RequestTimeoutSeconds": 60, "AcceptanceRequired": false,
        "FlexMatchMode": "STANDALONE"
    });
    denied("CreateMatchmakingConfiguration", queue.clone()).await;
    for name in ["cup", "arn:aws:gamelift:r:0:matchmakingconfiguration/cup"] {
        denied("UpdateMatchmakingConfiguration", json!({ "Name": name, "RequestTimeoutSeconds": 55 })).await;
        denied("DeleteMatchmakingConfiguration", json!({ "Name": name })).await;
        denied("StartMatchmaking", json!({ "ConfigurationName": name, "Players": [{ "PlayerId": "p" }] }))
            .await;
        denied("StartMatchBackfill", json!({ "ConfigurationName": name, "Players": [{ "PlayerId": "p" }] }))
            .await;
    }
    let mut tagged = arn("matchmakingconfiguration", "cup");
    tagged["Tags"] = json!([]);
    denied("TagResource", tagged).await;
    let mut untagged = arn("matchmakingruleset", "old");
    untagged["TagKeys"] = json!([]);
    denied("UntagResource", untagged).await;
    denied("DeleteMatchmakingRuleSet", json!({ "Name": "old" })).await;
    denied("ListTagsForResource", arn("matchmakingconfiguration", "squad")).await;
    // What a call names beside a configuration counts as well.
    let mut ruled = queue.clone();
    (ruled["Name"], ruled["RuleSetName"]) = (json!("new"), json!("old"));
    denied("CreateMatchmakingConfiguration", ruled).await;
    let arn_of_old = "arn:aws:gamelift:r:0:matchmakingruleset/old";
    denied("UpdateMatchmakingConfiguration", json!({ "Name": "new", "RuleSetName": arn_of_old })).await;
    denied("DescribeMatchmakingConfigurations", json!({ "RuleSetName": "secret" })).await;
    let ruled = json!({ "mode": "new", "rule_set": "old" });
    world.admin().put("/v1/admin/queues/new", ruled).await.is(403, "forbidden");
    // Others are as free as they were; of a list each counts.
    configuration(&world.anyone, "open", "a", json!({})).await;
    let describe = async |names: Value| {
        call(&world.anyone, "DescribeMatchmakingConfigurations", json!({ "Names": names })).await
    };
    describe(json!(["open", "nowhere"])).await.output();
    describe(json!(["open", "squad"])).await.exception(400, "AccessDeniedException");
    world.admin().put("/v1/admin/queues/cup", json!({ "mode": "cup" })).await.is(403, "forbidden");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_a_body_names_is_asked_about_too() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        r#"@id("all") permit (principal, action, resource);
           @id("listed") permit (principal, action == Action::"gsm:CreateTicket", resource is Queue)
             when { context has queue && context.queue == "duel" };
           @id("cup") forbid (principal, action in [Action::"gsm:CreateTicket", Action::"gsm:CreateMatch"], resource == Queue::"squad");
           @id("bans") forbid (principal, action == Action::"gsm:BanPlayer", resource == Queue::"squad")
             when { context has player_id && context.player_id like "plr-*" } unless { context has reason };"#,
    );
    let policies = dir.path().to_owned();
    let mut world = World::with(|settings| settings.policy_dir = Some(policies)).await;
    let (ann, ben) = (world.player("Ann").await, world.player("Ben").await);
    let admin = world.admin();
    for (who, request, body) in [
        (&ann, "one", json!({ "queue": "squad" })),
        (&ann, "list", json!({ "queues": ["squad"] })),
        (&ben, "second", json!({ "queues": ["duel", "squad"] })),
    ] {
        let call = who.client.call("POST", "/v1/tickets").header("x-request-id", request).json(&body);
        call.send().await.is(403, "forbidden");
    }
    let sides = json!({ "queue": "squad", "players": [ann.id, ben.id] });
    admin.post("/v1/matches", sides).await.is(403, "forbidden");
    let bans = format!("/v1/admin/players/{}/bans", ann.id);
    let ban = |queue: &str| json!({ "kind": "queues", "queues": [queue], "reason": "a test" });
    admin.post(&bans, ban("squad")).await.is(403, "reason_required");
    // Nothing was done, and others are as free as they were; what is not there is told as ever.
    ann.client.post("/v1/tickets", json!({ "queues": ["duel", "nowhere"] })).await.is(404, "not_found");
    ann.client
        .post("/v1/tickets", json!({ "queue": "squad", "queues": ["duel"] }))
        .await
        .is(403, "forbidden");
    let call = ann.client.call("POST", "/v1/tickets").header("x-request-id", "free");
    call.json(&json!({ "queue": "duel" })).send().await.ok();
    let match_of_two = json!({ "queue": "duel", "players": [world.player("Cid").await.id, ben.id] });
    admin.post("/v1/matches", match_of_two).await.ok();
    admin.post(&bans, ban("duel")).await.ok();
    world.stop().await;
    let records = crate::audit::records(&world.data());
    let decided = |request: &str| {
        let found = crate::audit::of(&records, request);
        assert_eq!(found.len(), 1, "{request}: {found:?}");
        (found[0]["additionalEventData"]["policies"].clone(), found[0]["requestParameters"].clone())
    };
    assert_eq!((decided("one").0, decided("second").0), (json!(["cup"]), json!(["cup"])));
    assert_eq!(decided("one").1, json!({ "queue": "squad" }), "it is told what was refused");
    assert_eq!(decided("free").0, json!(["all", "listed"]), "what permitted it, of either question");
}

#[test]
fn what_names_queues_in_its_body_may_be_about_a_queue() {
    let policies = authz::policies(None).unwrap_or_else(|faults| panic!("{faults}"));
    let kinds = |action| policies.resources(action).collect::<Vec<_>>();
    assert_eq!(kinds("gsm:CreateTicket"), ["Queue", "Service"]);
    assert_eq!(kinds("gsm:CreateMatch"), ["Queue", "Service"]);
    assert_eq!(kinds("gsm:BanPlayer"), ["Player", "Queue"]);
    assert_eq!(kinds("gsm:GetQueue"), ["Queue"]);
    assert_eq!(kinds("gsm:PutQueue"), ["Queue", "RuleSet"]);
    assert_eq!(kinds("gamelift:CreateMatchmakingConfiguration"), ["Queue", "RuleSet"]);
    assert_eq!(kinds("gamelift:DescribeMatchmakingConfigurations"), ["Queue", "RuleSet", "Service"]);
    assert_eq!(kinds("gsm:CancelTicket"), ["Ticket"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_does_not_start_with_unlawful_policies() {
    let dir = tempfile::tempdir().unwrap();
    let start = async |text: &str| {
        write(dir.path(), text);
        let mut loaded = gsm_server::config::load(None, [], vec![]).unwrap();
        loaded.config.store.data_dir = dir.path().join("data");
        loaded.config.http.listen = "127.0.0.1:0".into();
        loaded.config.log.level = "warn".into();
        loaded.config.policy.dir = Some(dir.path().to_owned());
        let settings = loaded.check(gsm_server::config::Mode::Dev).settings.unwrap();
        gsm_server::start(settings).await.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let told = start("// all\npermit (principal, action == Action::\"gsm:GetRnak\", resource);").await;
    assert!(told.contains("own.cedar:2:") && told.contains("gsm:GetRnak"), "{told}");
    assert!(start("permit (").await.contains("own.cedar:1:"));
    std::fs::remove_file(dir.path().join("own.cedar")).unwrap();
    let mut loaded = gsm_server::config::load(None, [], vec![]).unwrap();
    loaded.config.policy.dir = Some(dir.path().to_owned());
    assert!(authz::policies(loaded.config.policy.dir.as_deref()).is_err(), "a directory without policies");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_away_wants_a_reason() {
    let mut world = World::new().await;
    let admin = world.admin();
    let made = admin.post("/v1/admin/keys", json!({ "role": "server" })).await.ok();
    let path = format!("/v1/admin/keys/{}", text(&made["key_id"]));
    admin.call("DELETE", &path).send().await.is(403, "reason_required");
    for bad in ["", "  ", &"x".repeat(129)] {
        admin.call("DELETE", &path).header("x-gsm-reason", bad).send().await.is(422, "invalid_parameter");
    }
    let twice = admin.call("DELETE", &path).header("x-gsm-reason", "a").header("x-gsm-reason", "b");
    twice.send().await.is(422, "invalid_parameter");
    world.server().call("DELETE", &path).header("x-gsm-reason", "a").send().await.is(403, "forbidden");
    admin.call("DELETE", &path).header("x-gsm-reason", "leaked").send().await.ok();
    world.stop().await;
}

#[test]
fn the_document_names_what_wants_a_reason() {
    let document = include_str!("../../../../docs/security.md");
    let (_, told) = document.split_once("else 403 `reason_required`:").unwrap();
    let (told, _) = told.split_once('.').unwrap();
    let told: BTreeSet<&str> = told.split('`').filter(|part| part.starts_with("gsm:")).collect();
    let described = gsm_server::openapi();
    let all = operations(&described).into_iter().filter(|(_, of)| of["x-gsm-reason"] == true);
    let wanted: BTreeSet<String> = all.map(|(_, of)| text(&of["x-gsm-action"])).collect();
    assert_eq!(told, wanted.iter().map(String::as_str).collect());
}

/// The policy that the document shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_asks_a_reason_of_other_deletions_and_of_keys() {
    let dir = tempfile::tempdir().unwrap();
    let document = include_str!("../../../../docs/security.md");
    let (_, shown) = document.split_once("A policy of yours can ask more:\n\n```cedar\n").unwrap();
    let shown = shown.split_once("```").unwrap().0;
    write(dir.path(), &format!("permit (principal is Admin, action, resource);\n{shown}"));
    let mut world = World::with(|settings| settings.policy_dir = Some(dir.path().to_owned())).await;
    let admin = world.admin();
    let path = "/v1/admin/firewall/deny/192.0.2.0/24";
    admin.put(path, json!({ "reason": "flood" })).await.ok();
    admin.call("DELETE", path).send().await.is(403, "reason_required");
    admin.call("DELETE", path).header("x-gsm-reason", "over").send().await.done();
    // Grants, too: and as shipped nobody is asked.
    let role = json!({ "role": "server" });
    for path in ["/v1/admin/keys", "/v1/aws-keys"] {
        admin.post(path, role.clone()).await.is(403, "reason_required");
        let call = admin.call("POST", path).header("x-gsm-reason", "for eu-1").json(&role);
        assert_eq!(call.send().await.status, 201, "{path}");
    }
    let path = "/v1/admin/signing-keys/rotate";
    admin.call("POST", path).send().await.is(403, "reason_required");
    admin.call("POST", path).header("x-gsm-reason", "yearly").send().await.ok();
    world.stop().await;
    let mut world = World::new().await;
    world.admin().post("/v1/admin/keys", role).await.ok();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_operators_have_roles() {
    let mut world = World::new().await;
    let key = async |role: &str| {
        let made = world.admin().post("/v1/admin/keys", json!({ "role": role })).await.ok();
        assert_eq!(made["admin_role"], role);
        world.anyone.as_whom(&text(&made["key"]))
    };
    let (viewer, support, operator, auditor, owner) = (
        key("viewer").await,
        key("support").await,
        key("operator").await,
        key("auditor").await,
        key("owner").await,
    );
    let ann = world.player("Ann").await;
    let rename = async |who: &crate::client::Client| {
        let body = json!({ "display_name": "Anna" });
        who.call("PATCH", &format!("/v1/players/{}", ann.id)).json(&body).send().await.status.as_u16()
    };
    assert_eq!((rename(&viewer).await, rename(&auditor).await), (403, 403));
    assert_eq!((rename(&support).await, rename(&operator).await, rename(&owner).await), (200, 200, 200));
    let rating = async |who: &crate::client::Client| {
        let body = json!({ "rating": 1_500.0, "reason": "a test" });
        who.put(&format!("/v1/admin/players/{}/ratings/duel", ann.id), body).await.status.as_u16()
    };
    assert_eq!((rating(&support).await, rating(&operator).await), (403, 200));
    let refused = support
        .put(
            &format!("/v1/admin/players/{}/ratings/duel", ann.id),
            json!({ "rating": 1_500.0, "reason": "x" }),
        )
        .await;
    let hint = refused.is(403, "forbidden")["hint"].clone();
    assert!(
        text(&hint).contains("gsm authz explain --principal admin:support --action gsm:SetRating"),
        "{hint}"
    );
    for (who, seen) in [(&viewer, 403), (&support, 403), (&operator, 403), (&auditor, 200), (&owner, 200)] {
        assert_eq!(who.get("/v1/admin/keys").await.status, seen);
        for path in ["/v1/audit/records?first=0", "/v1/admin/audit/records?first=0"] {
            assert_eq!(who.get(path).await.status, seen, "{path}");
        }
        who.get("/v1/overview").await.ok();
    }
    auditor.post("/v1/admin/keys", json!({ "role": "owner" })).await.is(403, "forbidden");
    // Records say who did what: beside the tiles that are everybody's they are for those who may read them.
    for path in ["/v1/audit/records?first=0", "/v1/admin/audit/records?first=0"] {
        world.anyone.get(path).await.is(401, "unauthenticated");
        ann.client.get(path).await.is(403, "forbidden");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_is_made_that_the_next_start_would_end() {
    let mut world = World::new().await;
    let body = json!({ "role": "server", "note": "development" });
    let problem = world.admin().post("/v1/admin/keys", body).await.is(422, "invalid");
    assert_eq!(problem["field"], "note");
    world.admin().post("/v1/admin/keys", json!({ "role": "server", "note": "Development" })).await.ok();
    world.stop().await;
}
