use super::{call, configuration, duel_rules};
use crate::world::World;
use serde_json::{Value, json};

fn names(list: &Value, name: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|of| of[name].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_sets_come_back_as_they_were_until_they_are_deleted() {
    let mut world = World::new().await;
    let made = duel_rules(&world.anyone, "a.1").await;
    assert_eq!(made["RuleSetArn"], "arn:aws:gamelift:us-east-1:000000000000:matchmakingruleset/a.1");
    let body = made["RuleSetBody"].as_str().unwrap();
    let ask = |operation: &'static str, body: Value| {
        let client = world.anyone.clone();
        async move { call(&client, operation, body).await }
    };
    let again = json!({ "Name": "a.1", "RuleSetBody": body });
    ask("CreateMatchmakingRuleSet", again).await.exception(400, "InvalidRequestException");
    assert_eq!(
        ask("ValidateMatchmakingRuleSet", json!({ "RuleSetBody": body })).await.output()["Valid"],
        true
    );
    let bad = json!({ "RuleSetBody": "{} // no" });
    let message = ask("ValidateMatchmakingRuleSet", bad).await.exception(400, "InvalidRequestException");
    assert!(message.starts_with("`ruleSetBody`: line 1, column"), "{message}");
    let teams = vec![json!({ "name": "red", "minPlayers": 3, "maxPlayers": 2 }); 20];
    let bad = json!({ "ruleLanguageVersion": "1.0", "teams": teams }).to_string();
    let bad = json!({ "RuleSetBody": bad });
    let message = ask("ValidateMatchmakingRuleSet", bad).await.exception(400, "InvalidRequestException");
    for nth in 0..20 {
        assert!(message.contains(&format!("teams[{nth}].maxPlayers")), "{message}");
    }
    world.restart().await;
    let ask = |operation: &'static str, body: Value| {
        let client = world.anyone.clone();
        async move { call(&client, operation, body).await }
    };
    let input = json!({ "Names": [made["RuleSetArn"], "a.1"] });
    let found = ask("DescribeMatchmakingRuleSets", input).await.output();
    assert_eq!(found, json!({ "RuleSets": [made, made] }), "after a restart, by name and by ARN");
    let unknown = json!({ "Names": ["a.1", "none"] });
    ask("DescribeMatchmakingRuleSets", unknown).await.exception(400, "NotFoundException");
    configuration(&world.anyone, "c", "a.1", json!({})).await;
    let delete = json!({ "Name": "a.1" });
    ask("DeleteMatchmakingRuleSet", delete.clone()).await.exception(400, "InvalidRequestException");
    assert_eq!(ask("DeleteMatchmakingConfiguration", json!({ "Name": "c" })).await.output(), json!({}));
    assert_eq!(ask("DeleteMatchmakingRuleSet", delete.clone()).await.output(), json!({}));
    ask("DeleteMatchmakingRuleSet", delete).await.exception(400, "NotFoundException");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_go_on_where_they_ended_though_things_come_and_go() {
    let mut world = World::new().await;
    for name in ["e", "b", "d", "a", "c"] {
        duel_rules(&world.anyone, name).await;
        configuration(&world.anyone, name, name, json!({})).await;
    }
    let page = async |operation: &str, list: &str, of: &str, token: Value| {
        let answer = call(&world.anyone, operation, json!({ "Limit": 2, "NextToken": token })).await.output();
        (names(&answer[list], of), answer["NextToken"].clone())
    };
    let rules = async |token| page("DescribeMatchmakingRuleSets", "RuleSets", "RuleSetName", token).await;
    let configs =
        async |token| page("DescribeMatchmakingConfigurations", "Configurations", "Name", token).await;
    let (first, token) = rules(Value::Null).await;
    let (first_configs, configs_token) = configs(Value::Null).await;
    assert_eq!((first, first_configs), (vec!["a".into(), "b".into()], vec!["a".into(), "b".into()]));
    // What the token names goes away, and something new comes behind it.
    call(&world.anyone, "DeleteMatchmakingConfiguration", json!({ "Name": "b" })).await.output();
    call(&world.anyone, "DeleteMatchmakingRuleSet", json!({ "Name": "b" })).await.output();
    duel_rules(&world.anyone, "bb").await;
    configuration(&world.anyone, "bb", "bb", json!({})).await;
    for (next, token) in [rules(token).await, configs(configs_token).await] {
        assert_eq!(next, ["bb", "c"]);
        assert!(token.is_string());
    }
    let last = json!({ "Limit": 10 });
    let all = call(&world.anyone, "DescribeMatchmakingRuleSets", last).await.output();
    assert_eq!((names(&all["RuleSets"], "RuleSetName").len(), all.get("NextToken")), (5, None));
    for operation in ["DescribeMatchmakingRuleSets", "DescribeMatchmakingConfigurations"] {
        // The others are a name as a token has it, but unsigned: of rule sets, and of configurations.
        for bad in ["b", "AmE", "A2E"] {
            let bad = json!({ "NextToken": bad });
            call(&world.anyone, operation, bad).await.exception(400, "InvalidRequestException");
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configurations_read_back_and_change_in_part() {
    let mut world = World::new().await;
    let rules = duel_rules(&world.anyone, "r").await;
    duel_rules(&world.anyone, "other").await;
    let more = json!({
        "Description": "evening", "AcceptanceTimeoutSeconds": 20, "AcceptanceRequired": true, "CustomEventData": "9",
        "GameProperties": [{ "Key": "map", "Value": "ice" }], "GameSessionData": "x", "AdditionalPlayerCount": 0,
        "RuleSetName": rules["RuleSetArn"], "NotificationTarget": "arn:aws:sns:r:0:t", "BackfillMode": "MANUAL"
    });
    let made = configuration(&world.anyone, "c-1", "r", more.clone()).await;
    let arn = "arn:aws:gamelift:us-east-1:000000000000:matchmakingconfiguration/c-1";
    assert_eq!((&made["ConfigurationArn"], &made["RuleSetName"]), (&json!(arn), &json!("r")));
    for (name, value) in more.as_object().unwrap().iter().filter(|(name, _)| *name != "RuleSetName") {
        assert_eq!(&made[name], value, "{name}");
    }
    let ask = |operation: &'static str, body: Value| {
        let client = world.anyone.clone();
        async move { call(&client, operation, body).await }
    };
    let changes = json!({ "Name": arn, "RequestTimeoutSeconds": 90, "RuleSetName": "other" });
    let changed = ask("UpdateMatchmakingConfiguration", changes).await.output()["Configuration"].clone();
    let mut expected = made.clone();
    expected["RequestTimeoutSeconds"] = json!(90);
    expected["RuleSetName"] = json!("other");
    expected["RuleSetArn"] = json!("arn:aws:gamelift:us-east-1:000000000000:matchmakingruleset/other");
    assert_eq!(changed, expected);
    let found = ask("DescribeMatchmakingConfigurations", json!({ "Names": ["none", arn] })).await.output();
    assert_eq!(found, json!({ "Configurations": [expected] }), "unknown names are left out");
    // However often it is named, by name or by ARN: an answer is no larger for it.
    let named: Vec<&str> = ["c-1", arn].into_iter().cycle().take(8_000).collect();
    let again = ask("DescribeMatchmakingConfigurations", json!({ "Names": named })).await.output();
    assert_eq!(again, found);
    let by_rules = |name: &str| ask("DescribeMatchmakingConfigurations", json!({ "RuleSetName": name }));
    assert_eq!(by_rules("other").await.output()["Configurations"].as_array().unwrap().len(), 1);
    assert_eq!(by_rules("r").await.output(), json!({ "Configurations": [] }));

    let create = |change: Value| {
        let mut input = json!({
            "Name": "n", "RuleSetName": "r", "RequestTimeoutSeconds": 60, "AcceptanceRequired": false,
            "FlexMatchMode": "STANDALONE"
        });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        ask("CreateMatchmakingConfiguration", input)
    };
    let queue = "arn:aws:gamelift:us-east-1::gamesessionqueue/q";
    create(json!({ "Name": "c-1" })).await.exception(400, "InvalidRequestException");
    create(json!({ "RuleSetName": "none" })).await.exception(400, "NotFoundException");
    create(json!({ "FlexMatchMode": null })).await.exception(400, "InvalidRequestException");
    create(json!({ "FlexMatchMode": "WITH_QUEUE" })).await.exception(400, "InvalidRequestException");
    create(json!({ "GameSessionQueueArns": [queue] })).await.exception(400, "InvalidRequestException");
    create(json!({ "BackfillMode": "AUTOMATIC" })).await.exception(400, "InvalidRequestException");
    let placed = json!({ "FlexMatchMode": "WITH_QUEUE", "GameSessionQueueArns": [queue] });
    create(placed).await.exception(400, "NotFoundException");
    let accepted = json!({ "AcceptanceRequired": true });
    assert_eq!(create(accepted).await.output()["Configuration"]["AcceptanceTimeoutSeconds"], 600);
    for operation in ["UpdateMatchmakingConfiguration", "DeleteMatchmakingConfiguration"] {
        // The second is a queue of the native API that goes by no rule set.
        for name in ["none", "duel"] {
            ask(operation, json!({ "Name": name })).await.exception(400, "NotFoundException");
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_are_put_and_removed() {
    let mut world = World::new().await;
    let rules = duel_rules(&world.anyone, "r").await;
    let tagged = json!({ "Tags": [{ "Key": "a", "Value": "1" }] });
    let config = configuration(&world.anyone, "c", "r", tagged).await;
    let ask = |operation: &'static str, body: Value| {
        let client = world.anyone.clone();
        async move { call(&client, operation, body).await }
    };
    let tag = |key: &str, value: &str| json!({ "Key": key, "Value": value });
    for (arn, first) in
        [(&rules["RuleSetArn"], json!([])), (&config["ConfigurationArn"], json!([tag("a", "1")]))]
    {
        let list = || ask("ListTagsForResource", json!({ "ResourceARN": arn }));
        assert_eq!(list().await.output(), json!({ "Tags": first }));
        let put = json!({ "ResourceARN": arn, "Tags": [tag("a", "2"), tag("b", "")] });
        assert_eq!(ask("TagResource", put).await.output(), json!({}));
        assert_eq!(list().await.output(), json!({ "Tags": [tag("a", "2"), tag("b", "")] }));
        let keys = json!({ "ResourceARN": arn, "TagKeys": ["a", "none"] });
        assert_eq!(ask("UntagResource", keys).await.output(), json!({}));
        assert_eq!(list().await.output(), json!({ "Tags": [tag("b", "")] }));
        let many = |count| (0..count).map(|n| tag(&format!("t{n}"), "")).collect::<Vec<Value>>();
        for bad in
            [many(50), vec![tag("c", "1"), tag("c", "1")], vec![tag("aws:c", "")], vec![tag("AWS:c", "")]]
        {
            let bad = json!({ "ResourceARN": arn, "Tags": bad });
            ask("TagResource", bad).await.exception(400, "InvalidRequestException");
        }
        assert_eq!(list().await.output(), json!({ "Tags": [tag("b", "")] }), "nothing was put");
        let full = json!({ "ResourceARN": arn, "Tags": many(49) });
        assert_eq!(ask("TagResource", full).await.output(), json!({}));
        let gone = format!("{}x", arn.as_str().unwrap());
        ask("ListTagsForResource", json!({ "ResourceARN": gone })).await.exception(400, "NotFoundException");
        let none = json!({ "ResourceARN": gone, "TagKeys": [] });
        ask("UntagResource", none).await.exception(400, "NotFoundException");
    }
    ask("ListTagsForResource", json!({ "ResourceARN": "r" })).await.exception(400, "InvalidRequestException");
    let twice = json!([tag("a", "1"), tag("a", "1")]);
    let made = json!({ "Name": "s", "RuleSetBody": rules["RuleSetBody"], "Tags": twice });
    ask("CreateMatchmakingRuleSet", made).await.exception(400, "InvalidRequestException");
    let made = json!({
        "Name": "d", "RuleSetName": "r", "RequestTimeoutSeconds": 10, "AcceptanceRequired": false,
        "FlexMatchMode": "STANDALONE", "Tags": twice
    });
    ask("CreateMatchmakingConfiguration", made).await.exception(400, "InvalidRequestException");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_native_queue_changes_only_in_what_is_sent() {
    let mut world = World::new().await;
    duel_rules(&world.anyone, "r").await;
    let admin = world.admin();
    for (name, accept, timeout, shown) in [
        ("odd", json!(1_999), json!(1_500), (json!(2), json!(2))),
        ("short", json!(500), json!(500), (json!(1), json!(1))),
        ("long", json!(600_000), json!(86_400_000), (json!(600), json!(43_200))),
        ("open", Value::Null, json!(60_000), (Value::Null, json!(60))),
    ] {
        let queue = json!({
            "mode": name, "rule_set": "r", "acceptance_ms": accept, "ticket_timeout_ms": timeout
        });
        admin.put(&format!("/v1/admin/queues/{name}"), queue).await.ok();
        let before = admin.get(&format!("/v1/queues/{name}")).await.ok();
        let ask = |operation: &'static str, body: Value| {
            let client = world.anyone.clone();
            async move { call(&client, operation, body).await.output() }
        };
        let found = ask("DescribeMatchmakingConfigurations", json!({ "Names": [name] })).await;
        let found = &found["Configurations"][0];
        let seconds = (&found["AcceptanceTimeoutSeconds"], &found["RequestTimeoutSeconds"]);
        assert_eq!(seconds, (&shown.0, &shown.1), "{name}");
        let change = json!({ "Name": name, "Description": "x" });
        let changed = ask("UpdateMatchmakingConfiguration", change).await["Configuration"].clone();
        let mut expected = found.clone();
        expected["Description"] = json!("x");
        if name == "open" {
            expected.as_object_mut().unwrap().remove("AcceptanceTimeoutSeconds");
        }
        assert_eq!(changed, expected);
        let after = admin.get(&format!("/v1/queues/{name}")).await.ok();
        for member in ["acceptance_ms", "ticket_timeout_ms"] {
            assert_eq!(after[member], before[member], "{name}: {member}");
        }
        // What was shown is taken back, and is what is meant once it is sent.
        let back = json!({ "Name": name, "RequestTimeoutSeconds": shown.1 });
        ask("UpdateMatchmakingConfiguration", back).await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_native_queue_that_is_no_configuration_says_that_it_has_the_name() {
    let mut world = World::new().await;
    duel_rules(&world.anyone, "r").await;
    let create = async |name: &str| {
        let input = json!({
            "Name": name, "RuleSetName": "r", "RequestTimeoutSeconds": 60, "AcceptanceRequired": false,
            "FlexMatchMode": "STANDALONE"
        });
        call(&world.anyone, "CreateMatchmakingConfiguration", input).await
    };
    let message = create("duel").await.exception(400, "InvalidRequestException");
    assert!(message.contains("a native queue that goes by no rule set"), "{message}");
    let start = json!({ "ConfigurationName": "duel", "Players": [{ "PlayerId": "a" }] });
    let message = call(&world.anyone, "StartMatchmaking", start).await.exception(400, "NotFoundException");
    assert!(message.contains("the native queue `duel` goes by no rule set"), "{message}");
    // The names of the example are free.
    let page = include_str!("../../../../../docs/gamelift.md");
    let (_, rest) = page.split_once("aws gamelift create-matchmaking-configuration --name ").unwrap();
    create(rest.split_whitespace().next().unwrap()).await.output();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn native_names_that_the_wire_does_not_take_are_not_listed() {
    let mut world = World::new().await;
    let admin = world.admin();
    let teams = [("left", 1), ("right", 1)]
        .map(|(name, size)| json!({ "name": name, "minPlayers": size, "maxPlayers": size }));
    let body = json!({ "ruleLanguageVersion": "1.0", "teams": teams });
    for name in ["a", "b_1", "b_2", "b_3", "c"] {
        admin.put(&format!("/v1/admin/rule-sets/{name}"), json!({ "body": body })).await.ok();
        let queue = json!({ "mode": name, "rule_set": name });
        admin.put(&format!("/v1/admin/queues/{name}"), queue).await.ok();
    }
    let page = async |operation: &str, list: &str, of: &str, more: Value| {
        let answer = call(&world.anyone, operation, more).await.output();
        (names(&answer[list], of), answer["NextToken"].clone())
    };
    for (operation, list, of) in [
        ("DescribeMatchmakingRuleSets", "RuleSets", "RuleSetName"),
        ("DescribeMatchmakingConfigurations", "Configurations", "Name"),
    ] {
        let (first, token) = page(operation, list, of, json!({ "Limit": 1 })).await;
        assert_eq!(first, ["a"]);
        let (next, last) = page(operation, list, of, json!({ "Limit": 1, "NextToken": token })).await;
        assert_eq!((next, last), (vec!["c".to_owned()], Value::Null));
        assert_eq!(
            page(operation, list, of, json!({ "Limit": 2 })).await,
            (vec!["a".into(), "c".into()], Value::Null)
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_set_with_extensions_is_told_where_it_may_go() {
    let mut world = World::new().await;
    let body = json!({
        "ruleLanguageVersion": "1.0",
        "teams": [{ "name": "a", "minPlayers": 1, "maxPlayers": 1 }, { "name": "b", "minPlayers": 1, "maxPlayers": 1 }],
        "parties": { "maxPlayers": 1 }
    });
    let told = async |body: &Value| {
        let input = json!({ "Name": "x", "RuleSetBody": body.to_string() });
        call(&world.anyone, "CreateMatchmakingRuleSet", input).await.exception(400, "InvalidRequestException")
    };
    let message = told(&body).await;
    assert!(message.contains("unknown member `parties`"), "{message}");
    assert!(message.contains("extensions of FlexMatch's language, which the native API takes"), "{message}");
    let mut bad = body.clone();
    bad["teams"][0]["minPlayers"] = json!(2);
    assert!(!told(&bad).await.contains("native API"), "it would not take this one either");
    world.stop().await;
}
