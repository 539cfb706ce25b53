//! What the audit log tells of reads that hand out what is somebody's, of bodies that are too long for it, and of what was made.
use crate::{
    audit::{of, records},
    client::{Answer, Client},
    world::{World, eventually, text},
};
use gsm_audit::sha256;
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn ask(client: &Client, method: &str, path: &str, request: &str) -> Answer {
    client.call(method, path).header("x-request-id", request).send().await
}

/// Exports a player, page by page; so many pages.
async fn export(client: &Client, player: &str, request: &str) -> u64 {
    let (mut cursor, mut pages) = (String::new(), 0);
    loop {
        let path = format!("/v1/players/{player}/export{cursor}");
        let call = client.call("GET", &path).header("x-request-id", &format!("{request}-{pages}"));
        let page = call.header("x-gsm-reason", "asked in writing").send().await.ok();
        pages += 1;
        let Some(next) = page["next_cursor"].as_str() else { return pages };
        cursor = format!("?cursor={next}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_and_reads_of_the_log_have_a_record_and_other_reads_none() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let admin = world.admin();
    let pages = export(&admin, &ann.id, "of-ann").await + export(&admin, &ann.id, "again").await;
    assert!(pages > 2, "{pages}");
    export(&admin, &bob.id, "of-bob").await;
    export(&bob.client, &bob.id, "own").await;
    let viewer = admin.post("/v1/admin/keys", json!({ "role": "viewer" })).await.ok();
    let viewer = world.anyone.as_whom(&text(&viewer["key"]));
    let path = format!("/v1/players/{}/export", ann.id);
    ask(&viewer, "GET", &path, "refused").await.is(403, "forbidden");
    let absent = format!("/v1/players/plr-{}/export", "0".repeat(32));
    ask(&admin, "GET", &absent, "absent").await.is(404, "not_found");
    for path in ["/v1/audit/checkpoint", "/v1/audit/proofs/inclusion?seq=0"] {
        ask(&world.anyone, "GET", path, "everybodys").await;
    }
    ask(&admin, "GET", "/v1/admin/bans", "bans").await.ok();
    // Whoever reads the log finds that he read it, and that makes it no longer.
    for n in 0..3 {
        ask(&admin, "GET", "/v1/admin/audit", &format!("list-{n}")).await.ok();
    }
    for (n, path) in ["/v1/audit/records?first=0", "/v1/admin/audit/records?first=0"].into_iter().enumerate()
    {
        assert_eq!(ask(&admin, "GET", path, &format!("lines-{n}")).await.status, 200);
    }
    let query = format!("/v1/admin/audit?event=gsm:ExportPlayer&refused=false&resource={}", ann.id);
    let found = eventually(async || {
        let found = admin.get(&query).await.ok()["records"].as_array().unwrap().clone();
        (found.len() == 2).then_some(found)
    });
    let found = found.await;
    world.stop().await;

    let records = records(&world.data());
    for request in ["absent", "everybodys", "bans", "list-1"] {
        assert_eq!(of(&records, request).len(), 0, "{request}");
    }
    let first = of(&records, "of-ann-0")[0];
    assert!(found.contains(first));
    assert_eq!(first["eventName"], "gsm:ExportPlayer");
    assert_eq!((&first["readOnly"], &first["userIdentity"]["type"]), (&json!(true), &json!("Admin")));
    assert_eq!(first["requestParameters"], json!({ "player_id": ann.id }));
    assert_eq!(first["resources"], json!([{ "ARN": ann.id }]));
    assert_eq!(first["additionalEventData"], json!({ "reason": "asked in writing", "policies": ["owners"] }));
    for (request, about) in [("again-0", &ann.id), ("of-bob-0", &bob.id), ("own-0", &bob.id)] {
        let found = of(&records, request);
        assert_eq!(found.len(), 1, "{request}");
        assert_eq!(found[0]["resources"], json!([{ "ARN": about }]), "{request}");
        assert!(found[0]["additionalEventData"]["count"].is_null(), "{request}");
    }
    let refused = of(&records, "refused")[0];
    assert_eq!(refused["resources"], json!([{ "ARN": ann.id }]));
    assert_eq!((&refused["errorCode"], &refused["readOnly"]), (&json!("forbidden"), &json!(true)));
    // What is behind the first is one record with its count, by whom and about whom.
    let folded = |event: &str, about: Value| -> u64 {
        let found: Vec<&Value> = records
            .iter()
            .filter(|record| record["eventName"] == event && record["resources"] == about)
            .filter(|record| record["userIdentity"]["type"] == "Admin" && record.get("errorCode").is_none())
            .collect();
        let counts: Vec<u64> =
            found.iter().filter_map(|record| record["additionalEventData"]["count"].as_u64()).collect();
        assert_eq!(counts.len(), 1, "{event}: {found:?}");
        counts[0]
    };
    assert_eq!(folded("gsm:ExportPlayer", json!([{ "ARN": ann.id }])), pages - 2);
    assert_eq!(folded("gsm:ReadAuditRecords", json!([])), 1);
    assert!(folded("gsm:ListAuditEvents", json!([])) >= 3);
    assert_eq!(of(&records, "list-0").len(), 1);
    assert_eq!(of(&records, "lines-0").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_long_body_the_log_has_the_hash_beside_the_parameters_of_the_path() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let (admin, server) = (world.admin(), world.server());
    let columns = json!({ "columns": [{ "value": "submitted" }] });
    admin.put("/v1/admin/boards/scores", columns).await.ok();
    let entry = json!({ "player_id": ann.id, "values": [1] });
    let numbers = json!({ "entries": vec![entry.clone(); 1_000] }).to_string();
    let mut named = vec![entry; 70];
    named[0]["metadata"] = json!("by Carla");
    let named = json!({ "entries": named }).to_string();
    assert!(numbers.len() > 65_536 && named.len() > 4_096 && named.len() < 65_536);
    let submit = async |request: &str, body: &str| {
        let call = server.call("POST", "/v1/rankings/scores/entries").header("x-request-id", request);
        call.text("application/json", body).send().await
    };
    submit("numbers", &numbers).await;
    submit("named", &named).await;
    submit("cut", &numbers[..70_000.min(numbers.len() - 1)]).await.is(400, "invalid_json");
    let body = json!({ "RuleSetBody": "\n".repeat(60_000), "Name": "r" }).to_string();
    assert!(body.len() > 65_536);
    let wire = world.anyone.call("POST", "/").header("x-amz-target", "GameLift.CreateMatchmakingRuleSet");
    let wire = wire.text("application/x-amz-json-1.1", &body).send().await;
    let wire = wire.headers["x-amzn-requestid"].to_str().unwrap().to_owned();
    world.stop().await;
    let records = records(&world.data());
    let parameters = |request: &str| {
        let found = of(&records, request);
        assert_eq!(found.len(), 1, "{request}");
        found[0]["requestParameters"].clone()
    };
    let hash: String = sha256(numbers.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(parameters("numbers"), json!({ "mode": "scores", "sha256": hash, "bytes": numbers.len() }));
    let told = parameters("named");
    assert_eq!((&told["mode"], &told["bytes"]), (&json!("scores"), &json!(named.len())));
    let hmac = text(&told["hmac"]);
    assert!(hmac.starts_with("hmac-2") && hmac.len() == "hmac-2026-".len() + 64, "{told}");
    assert!(told.get("sha256").is_none(), "{told}");
    // A long text is told in a few words, so all is there.
    assert_eq!(parameters(&wire), json!({ "Name": "r", "RuleSetBody": "[60000 characters]" }));
    assert_eq!(parameters("cut"), json!({ "mode": "scores" }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_names_what_a_call_made() {
    let mut world = World::new().await;
    let (ann, admin) = (world.player("Ann").await, world.admin());
    let ticket = ann.client.post("/v1/tickets", json!({ "queue": "duel" })).await.ok();
    ann.client.delete(&format!("/v1/tickets/{}", text(&ticket["ticket_id"]))).await.ok();
    let key = admin.post("/v1/admin/keys", json!({ "role": "server" })).await.ok();
    let aws = admin.post("/v1/aws-keys", json!({ "role": "server" })).await.ok();
    let vkey = admin.post("/v1/admin/audit/keys", json!({ "reason": "yearly" })).await.ok();
    ask(&admin, "POST", "/v1/admin/signing-keys/rotate", "rotated").await.ok();
    for size in [1, 2, 2] {
        let team = json!({ "name": "a", "minPlayers": 1, "maxPlayers": size });
        let body = json!({ "body": { "ruleLanguageVersion": "1.0", "teams": [team] } });
        admin.put("/v1/admin/rule-sets/r", body).await.ok();
    }
    world.stop().await;
    let records = records(&world.data());
    let made = |event: &str| -> Vec<&Value> {
        let found = records.iter().filter(|record| record["eventName"] == event);
        found.map(|record| &record["responseElements"]).collect()
    };
    assert_eq!(made("gsm:SignIn"), [&json!({ "player_id": ann.id })]);
    assert_eq!(made("gsm:CreateTicket"), [&json!({ "ticket_id": ticket["ticket_id"] })]);
    assert_eq!(made("gsm:CancelTicket"), [&Value::Null]);
    assert_eq!(made("gsm:IssueKey").last().unwrap(), &&json!({ "key_id": key["key_id"] }));
    assert_eq!(made("gsm:IssueAwsKey"), [&json!({ "key_id": aws["key_id"] })]);
    assert_eq!(made("gsm:RotateAuditKey"), [&json!({ "vkey": vkey["vkey"] })]);
    let signing = made("gsm:RotateSigningKeys");
    assert!(signing.last().unwrap()["key_id"].is_string(), "{signing:?}");
    // The caller named the rule set, and a version was made twice.
    let versions = records.iter().filter(|record| record["eventName"] == "gsm:PutRuleSet");
    let versions: Vec<&Value> = versions.map(|record| &record["resources"]).collect();
    assert_eq!(versions, [&json!([{ "ARN": "r" }]), &json!([{ "ARN": "r" }, { "ARN": "2" }]), &json!([])]);
    // A member of one name each, no more.
    let names: BTreeSet<String> = records
        .iter()
        .filter_map(|record| record["responseElements"].as_object())
        .map(|made| made.keys().cloned().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["key_id", "player_id", "ticket_id", "vkey"]);
}
