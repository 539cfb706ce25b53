use super::duel_rules;
use crate::world::World;
use ciborium::{Value, cbor};
use http_body_util::BodyExt as _;
use hyper::StatusCode;

/// Calls an operation in CBOR.
async fn call(world: &World, operation: &str, body: Vec<u8>) -> (StatusCode, hyper::HeaderMap, Value) {
    let path = format!("/service/GameLift/operation/{operation}");
    let asked = world.anyone.call("POST", &path).header("smithy-protocol", "rpc-v2-cbor");
    let (parts, body) = asked.bytes("application/cbor", body).open().await.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    assert_eq!(parts.headers["smithy-protocol"], "rpc-v2-cbor");
    assert_eq!(parts.headers["content-type"], "application/cbor");
    assert!(parts.headers.contains_key("x-amzn-requestid"));
    (parts.status, parts.headers, ciborium::from_reader(&bytes[..]).unwrap())
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).unwrap();
    out
}

fn member(value: &Value, name: &str) -> Value {
    let pairs = value.as_map().unwrap_or_else(|| panic!("no map: {value:?}"));
    pairs.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_protocols_speak_of_the_same_things() {
    let mut world = World::new().await;
    let made = duel_rules(&world.anyone, "a").await;
    // An indefinite map with an indefinite list: {_ "Names": [_ "a"]}
    let mut input = vec![0xbf, 0x65];
    input.extend_from_slice(b"Names");
    input.extend_from_slice(&[0x9f, 0x61, b'a', 0xff, 0xff]);
    let (status, _, output) = call(&world, "DescribeMatchmakingRuleSets", input).await;
    assert_eq!(status, 200);
    let found = member(&output, "RuleSets").as_array().unwrap()[0].clone();
    assert_eq!(member(&found, "RuleSetBody").as_text(), made["RuleSetBody"].as_str());
    let at = member(&found, "CreationTime");
    let (1, seconds) = at.as_tag().unwrap() else { panic!("no time: {at:?}") };
    assert_eq!(seconds.as_float(), made["CreationTime"].as_f64());
    // No body says no input; a double may say a whole number.
    assert_eq!(call(&world, "DescribeMatchmakingRuleSets", Vec::new()).await.0, 200);
    let paged = bytes(&cbor!({ "Limit" => 2.0 }).unwrap());
    assert_eq!(call(&world, "DescribeMatchmakingRuleSets", paged).await.0, 200);
    let (status, _, output) =
        call(&world, "DeleteMatchmakingRuleSet", bytes(&cbor!({ "Name" => "a" }).unwrap())).await;
    assert_eq!((status.as_u16(), output), (200, Value::Map(vec![])));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exceptions_have_their_names() {
    let mut world = World::new().await;
    let check = async |operation: &str, body: Vec<u8>, status: u16, name: &str| {
        let (found, headers, fault) = call(&world, operation, body).await;
        assert_eq!(found.as_u16(), status, "{fault:?}");
        assert_eq!(headers["x-amzn-errortype"], name);
        assert_eq!(member(&fault, "__type").as_text(), Some(&*format!("com.amazonaws.gamelift#{name}")));
        assert_eq!(member(&fault, "message"), member(&fault, "Message"));
    };
    let stop = bytes(&cbor!({ "TicketId" => "none" }).unwrap());
    check("StopMatchmaking", stop, 400, "NotFoundException").await;
    check("StopMatchmaking", Vec::new(), 400, "InvalidRequestException").await;
    check("StopMatchmaking", bytes(&cbor!({ "TicketId" => 7 }).unwrap()), 400, "SerializationException")
        .await;
    check("StopMatchmaking", vec![0xff], 400, "SerializationException").await;
    check("StopMatchmaking", vec![0x81; 100_000], 400, "SerializationException").await;
    check("Nothing", Vec::new(), 400, "UnknownOperationException").await;
    check("StopMatchmaking", vec![0; 512 * 1024 + 1], 413, "RequestEntityTooLargeException").await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_of_the_other_protocol_is_refused() {
    let mut world = World::new().await;
    for header in ["x-amz-target", "X-Amzn-Target"] {
        let asked = world.anyone.call("POST", "/service/GameLift/operation/DescribeMatchmakingRuleSets");
        let asked = asked.header("smithy-protocol", "rpc-v2-cbor").header(header, "GameLift.StopMatchmaking");
        let (parts, _) = asked.bytes("application/cbor", Vec::new()).open().await.into_parts();
        assert_eq!(parts.status, 400);
        assert_eq!(parts.headers["x-amzn-errortype"], "SerializationException");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_known_is_passed_over() {
    let mut world = World::new().await;
    // {"New": 2^64 as a bignum, "More": {1: 0 under tag 100}, "Limit": 2}
    let mut input = b"\xa3\x63New\xc2\x49\x01\0\0\0\0\0\0\0\0".to_vec();
    input.extend_from_slice(b"\x64More\xa1\x01\xd8\x64\0\x65Limit\x02");
    assert_eq!(call(&world, "DescribeMatchmakingRuleSets", input).await.0, 200);
    world.stop().await;
}
