use super::{JSON, call, duel_rules};
use crate::world::World;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_or_is_not_served_is_told_in_the_words_of_aws() {
    let mut world = World::new().await;
    let raw = |target: &'static str, body: String| {
        let client = world.anyone.clone();
        async move { client.call("POST", "/").header("x-amz-target", target).text(JSON, &body).send().await }
    };
    for target in ["GameLift.Nothing", "GameLift.", "Nothing", "GameLift.describematchmaking"] {
        raw(target, "{}".into()).await.exception(400, "UnknownOperationException");
    }
    let describe = "GameLift.DescribeMatchmaking";
    for body in ["", "{", "[]", "7", "{\"TicketIds\":\"x\"}", "{\"TicketIds\":[[]]}", "\u{0}"] {
        raw(describe, body.into()).await.exception(400, "SerializationException");
    }
    let deep = format!("{{\"New\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    raw(describe, deep).await.exception(400, "SerializationException");
    raw(describe, "x".repeat(512 * 1024 + 1)).await.exception(413, "RequestEntityTooLargeException");
    for (kind, coding) in [(JSON, "identity"), (JSON, "gzip"), ("application/json", ""), ("text/plain", "")] {
        let call = world.anyone.call("POST", "/").header("x-amz-target", describe);
        let call = if coding.is_empty() { call } else { call.header("content-encoding", coding) };
        call.text(kind, "{}").send().await.exception(400, "SerializationException");
    }
    // As long as it may be, and members that are not known are passed over.
    let long = format!("{{\"TicketIds\":[],\"New\":\"{}\"}}", "x".repeat(512 * 1024 - 25));
    assert_eq!(raw(describe, long).await.output(), json!({ "TicketList": [] }));
    raw(describe, format!(r#"{{"TicketIds":[],"New":[1e400,{}]}}"#, "9".repeat(400))).await.output();
    let message = raw(describe, "{}".into()).await.exception(400, "InvalidRequestException");
    assert_eq!(
        message,
        "1 validation error detected: Value null at 'ticketIds' failed to satisfy constraint: Member must not be null"
    );
    raw(describe, r#"{"TicketIds":null}"#.into()).await.exception(400, "InvalidRequestException");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_face_stays_as_it_is() {
    let mut world = World::new().await;
    world.anyone.post("/", json!({})).await.is(405, "method_not_allowed");
    let page = world.anyone.get("/").await;
    assert!(page.status.is_success() && page.text.contains("<html"), "{}", page.text);
    let path = "/service/GameLift/operation/DescribeMatchmaking";
    world.anyone.post(path, json!({})).await.is(404, "not_found");
    world.anyone.get(path).await.is(404, "not_found");
    let get =
        world.anyone.call("GET", "/").header("x-amz-target", "GameLift.DescribeMatchmaking").send().await;
    assert!(get.text.contains("<html"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_too_often_is_throttled() {
    let mut world = World::with(|settings| {
        settings.firewall = gsm_server::firewall::FirewallSettings::of(gsm_security::Profile::TestLimit)
    })
    .await;
    let ask = || call(&world.anyone, "DescribeMatchmaking", json!({ "TicketIds": [] }));
    for asked in 0..100 {
        assert_eq!(ask().await.status, 200, "{asked}");
    }
    ask().await.exception(400, "ThrottlingException");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arns_name_the_region_and_account_of_the_settings_or_of_the_client() {
    let set = |region: Option<&str>| {
        let region = region.map(str::to_owned);
        World::with(move |settings| (settings.region, settings.account) = (region, "123456789012".into()))
    };
    let arn = async |world: &World, name: &str, signed_for: &str| {
        let made = duel_rules(&world.anyone, name).await;
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential=K/20260101/{signed_for}/gamelift/aws4_request, SignedHeaders=host, Signature={}",
            "0".repeat(64)
        );
        let answer = world
            .anyone
            .call("POST", "/")
            .header("x-amz-target", "GameLift.DescribeMatchmakingRuleSets")
            .header("authorization", &signed)
            .text(JSON, "{}")
            .send()
            .await
            .output();
        (made["RuleSetArn"].clone(), answer["RuleSets"][0]["RuleSetArn"].clone())
    };
    let of = |region: &str| json!(format!("arn:aws:gamelift:{region}:123456789012:matchmakingruleset/a"));
    let mut world = set(Some("eu-central-1")).await;
    assert_eq!(arn(&world, "a", "eu-west-1").await, (of("eu-central-1"), of("eu-central-1")));
    world.stop().await;
    let mut world = set(None).await;
    assert_eq!(arn(&world, "a", "eu-west-1").await, (of("us-east-1"), of("eu-west-1")));
    world.stop().await;
    let mut world = set(None).await;
    assert_eq!(arn(&world, "a", "no:region").await, (of("us-east-1"), of("us-east-1")));
    world.stop().await;
}
