use super::{call, configuration, duel_rules};
use crate::{
    client::Answer,
    world::{World, eventually},
};
use gsm_adapters::{EmbeddedStore, Options, SystemClock};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

/// What is written down of each request: the actions, and what they were about.
fn records(data: &Path) -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let store = EmbeddedStore::open(data, Arc::new(SystemClock::new()), Options::default()).unwrap();
    let mut records: BTreeMap<_, (BTreeSet<_>, BTreeSet<_>)> = BTreeMap::new();
    for (_, _, record) in store.audit(0, 10_000).unwrap() {
        let of = records.entry(record.request_id).or_default();
        of.0.insert(record.action);
        of.1.extend(record.resources);
    }
    store.close().unwrap();
    records
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_the_wire_are_written_down_and_reads_are_not() {
    let mut world = World::new().await;
    let client = &world.anyone;
    duel_rules(client, "r").await;
    configuration(client, "c", "r", json!({ "AcceptanceRequired": true })).await;
    let arn = "arn:aws:gamelift:us-east-1:000000000000:matchmakingruleset/r";
    let start = |ticket: &str, more: Value| {
        let mut input =
            json!({ "TicketId": ticket, "ConfigurationName": "c", "Players": [{ "PlayerId": ticket }] });
        input["Players"][0].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let body =
        json!({ "ruleLanguageVersion": "1.0", "teams": [{ "name": "a", "minPlayers": 1, "maxPlayers": 1 }] });
    let accept =
        |ticket: &str| json!({ "TicketId": ticket, "PlayerIds": [ticket], "AcceptanceType": "ACCEPT" });
    // Each operation with its input and, of a change, one thing that the record must name.
    let mut asked: Vec<(&str, Value, &str)> = vec![
        ("CreateMatchmakingRuleSet", json!({ "Name": "s", "RuleSetBody": body.to_string() }), "s"),
        ("ValidateMatchmakingRuleSet", json!({ "RuleSetBody": body.to_string() }), ""),
        ("DescribeMatchmakingRuleSets", json!({}), ""),
        ("DeleteMatchmakingRuleSet", json!({ "Name": "s" }), "s"),
        (
            "CreateMatchmakingConfiguration",
            json!({
                "Name": "d", "RuleSetName": "r", "RequestTimeoutSeconds": 60, "AcceptanceRequired": false,
                "FlexMatchMode": "STANDALONE"
            }),
            "d",
        ),
        ("UpdateMatchmakingConfiguration", json!({ "Name": "d", "Description": "x" }), "d"),
        ("DescribeMatchmakingConfigurations", json!({}), ""),
        ("DeleteMatchmakingConfiguration", json!({ "Name": "d" }), "d"),
        ("TagResource", json!({ "ResourceARN": arn, "Tags": [{ "Key": "k", "Value": "v" }] }), "r"),
        ("UntagResource", json!({ "ResourceARN": arn, "TagKeys": ["k"] }), "r"),
        ("ListTagsForResource", json!({ "ResourceARN": arn }), ""),
        ("StartMatchBackfill", start("b", json!({ "Team": "left" })), "c"),
        ("StopMatchmaking", json!({ "TicketId": "b" }), "tkt-"),
        ("StartMatchmaking", start("t", json!({})), "c"),
        ("DescribeMatchmaking", json!({ "TicketIds": ["t"] }), ""),
    ];
    let mut seen: Vec<(String, String, String)> = Vec::new();
    let ask = async |operation: &str, input: Value| -> Answer { call(client, operation, input).await };
    let id = |answer: &Answer| answer.headers["x-amzn-requestid"].to_str().unwrap().to_owned();
    for (operation, input, about) in asked.drain(..) {
        let answer = ask(operation, input).await;
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text);
        seen.push((operation.to_owned(), id(&answer), about.to_owned()));
    }
    ask("StartMatchmaking", start("u", json!({}))).await.output();
    let answer = eventually(async || {
        let answer = ask("AcceptMatch", accept("t")).await;
        (answer.status == 200).then_some(answer)
    })
    .await;
    seen.push(("AcceptMatch".to_owned(), id(&answer), "prp-".to_owned()));
    let refused = ask("StopMatchmaking", json!({ "TicketId": "none" })).await;

    let described = client.get("/openapi.json").await.ok()["x-gsm-gamelift"].clone();
    let all: BTreeSet<&str> = described.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(seen.iter().map(|(operation, ..)| operation.as_str()).collect::<BTreeSet<_>>(), all);
    world.stop().await;
    let records = records(&world.data());
    assert_eq!(records.get(&id(&refused)), None, "what was refused changed nothing");
    for (operation, id, about) in &seen {
        let record = records.get(id);
        if described[operation]["x-gsm-mutating"] == json!(false) {
            assert_eq!(record, None, "{operation} reads");
            continue;
        }
        let (actions, resources) = record.unwrap_or_else(|| panic!("nothing is written of {operation}"));
        assert_eq!(*actions, [format!("gamelift:{operation}")].into(), "{operation}");
        assert!(resources.iter().any(|of| of.starts_with(about.as_str())), "{operation}: {resources:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_ticket_makes_no_players() {
    let mut world = World::new().await;
    let client = &world.anyone;
    duel_rules(client, "r").await;
    configuration(client, "c", "r", json!({})).await;
    let id = |answer: &Answer| answer.headers["x-amzn-requestid"].to_str().unwrap().to_owned();
    let start = async |ticket: &str, config: &str, name: &str, skill: &Value| {
        let player = json!({ "PlayerId": name, "PlayerAttributes": { "skill": skill } });
        let input = json!({ "TicketId": ticket, "ConfigurationName": config, "Players": [player] });
        call(client, "StartMatchmaking", input).await
    };
    let number = json!({ "N": 7 });
    let taken = start("t-1", "c", "a", &number).await;
    let (taken, _) = (id(&taken), taken.output());
    let mut refused = Vec::new();
    for (ticket, config, skill) in
        [("t-1", "c", &number), ("t-2", "none", &number), ("t-2", "c", &json!({ "S": "seven" }))]
    {
        let answer = start(ticket, config, "stranger", skill).await;
        assert_eq!(answer.status, 400, "{ticket} {config} {skill}: {}", answer.text);
        refused.push(id(&answer));
    }
    world.stop().await;
    let records = records(&world.data());
    for id in refused {
        assert_eq!(records.get(&id), None, "nothing was changed");
    }
    let players = records[""].1.iter().filter(|of| of.starts_with("plr-")).count();
    assert_eq!((players, records.contains_key(&taken)), (1, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_may_change_something_has_one_record_also_where_it_does_not() {
    let mut world = World::new().await;
    let client = &world.anyone;
    duel_rules(client, "r").await;
    let tagged =
        json!({ "AcceptanceRequired": true, "Description": "x", "Tags": [{ "Key": "k", "Value": "v" }] });
    configuration(client, "c", "r", tagged).await;
    let native = json!({ "mode": "n", "rule_set": "r", "acceptance_ms": 1_500 });
    world.admin().put("/v1/admin/queues/n", native).await.ok();
    let arn = |kind: &str, name: &str| format!("arn:aws:gamelift:us-east-1:000000000000:{kind}/{name}");
    let tag = |value: &str| json!([{ "Key": "k", "Value": value }]);
    let id = |answer: &Answer| answer.headers["x-amzn-requestid"].to_str().unwrap().to_owned();
    let mut written = Vec::new();
    let rules = arn("matchmakingruleset", "r");
    let put = json!({ "ResourceARN": rules, "Tags": tag("v") });
    for player in ["t", "u"] {
        let input =
            json!({ "TicketId": player, "ConfigurationName": "c", "Players": [{ "PlayerId": player }] });
        call(client, "StartMatchmaking", input).await.output();
    }
    let accept = json!({ "TicketId": "t", "PlayerIds": ["t"], "AcceptanceType": "ACCEPT" });
    let answer = eventually(async || {
        let answer = call(client, "AcceptMatch", accept.clone()).await;
        (answer.status == 200).then_some(answer)
    })
    .await;
    written.push(("AcceptMatch", id(&answer)));
    let answer = call(client, "TagResource", put.clone()).await;
    written.push(("TagResource", id(&answer)));
    for (operation, input) in [
        ("AcceptMatch", accept),
        ("TagResource", put),
        ("TagResource", json!({ "ResourceARN": rules, "Tags": [] })),
        ("UntagResource", json!({ "ResourceARN": rules, "TagKeys": ["none"] })),
        ("TagResource", json!({ "ResourceARN": arn("matchmakingconfiguration", "c"), "Tags": tag("v") })),
        ("UntagResource", json!({ "ResourceARN": arn("matchmakingconfiguration", "n"), "TagKeys": ["k"] })),
        ("UpdateMatchmakingConfiguration", json!({ "Name": "c", "Description": "x" })),
        (
            "UpdateMatchmakingConfiguration",
            json!({ "Name": "n", "RequestTimeoutSeconds": 600, "RuleSetName": "r" }),
        ),
    ] {
        let answer = call(client, operation, input).await;
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text);
        written.push((operation, id(&answer)));
    }
    let change = json!({ "Name": "n", "AcceptanceTimeoutSeconds": 2 });
    written.push(("Update", id(&call(client, "UpdateMatchmakingConfiguration", change).await)));
    let read = id(&call(client, "ListTagsForResource", json!({ "ResourceARN": rules })).await);
    world.stop().await;
    let records = crate::audit::records(&world.data());
    for (operation, request) in &written {
        assert_eq!(crate::audit::of(&records, request).len(), 1, "{operation}");
    }
    let found = crate::audit::of(&records, &read);
    assert!(found.is_empty(), "a read: {found:?}");
}
