use super::body::is_media_type;
use super::*;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::post;
use proptest::prelude::*;
use serde_json::Value;
use tower::ServiceExt;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read by serde")]
struct Report {
    queue: String,
    #[serde(default)]
    places: Vec<Place>,
    limit: Option<u32>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read by serde")]
struct Place {
    id: String,
    place: u8,
}

/// A handler that takes a body as the server's do.
async fn echo(request: Request<Body>) -> Result<String, StatusCode> {
    let limits = JsonLimits::NATIVE;
    check_headers(request.headers(), &limits).map_err(|fault| fault.status())?;
    let bytes = read(request.into_body(), limits.bytes_max).await.map_err(|fault| fault.status())?;
    parse::<Value>(&bytes, &limits).map(|value| value.to_string()).map_err(|fault| fault.status())
}

/// A handler that takes none.
async fn ignore(request: Request<Body>) -> Result<(), StatusCode> {
    forget(request.into_body(), JsonLimits::NATIVE.bytes_max).await.map_err(|fault| fault.status())
}

fn check_text(text: impl AsRef<[u8]>, code: &str) {
    let text = text.as_ref();
    let fault = parse::<Value>(text, &JsonLimits::NATIVE)
        .expect_err(&String::from_utf8_lossy(&text[..text.len().min(80)]));
    assert_eq!(fault.code(), code, "{fault}");
}

fn check_field(text: &str, code: &str, path: &str, detail: &str) {
    let fault = parse::<Report>(text.as_bytes(), &JsonLimits::NATIVE).expect_err(text);
    assert_eq!((fault.status().as_u16(), fault.code(), fault.path()), (422, code, Some(path)), "{fault}");
    assert!(fault.detail().contains(detail), "{}", fault.detail());
}

#[test]
fn what_is_not_json_falls() {
    for text in [
        "{",
        "[1",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "nul",
        "tru",
        "NaN",
        "-Infinity",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "--1",
        "0x1",
        "1 2",
        "{}}",
        "{} x",
        "/* x */1",
        "\"",
        "\"\\x41\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"a\nb\"",
        "\"\u{0}\"",
        "[1 2]",
        "{\"a\" 1}",
        "{\"a\":}",
        "{1:2}",
        "[",
        ",",
        " ",
        "\u{feff}1",
        "1\u{0}",
        "]",
        "[}",
        "{]",
    ] {
        check_text(text, "invalid_json");
    }
    check_text("", "body_empty");
    for bytes in [&b"\"\xff\xfe\""[..], b"{\"\xed\xa0\x80\":1}", b"\"\xc0\xaf\"", b"\xff\xfe{\0}\0"] {
        check_text(bytes, "invalid_json");
    }
}

#[test]
fn a_fault_says_where() {
    let fault = parse::<Value>(b"{\n  \"a\": x}", &JsonLimits::NATIVE).unwrap_err();
    assert_eq!(fault, JsonFault::Syntax { why: "expected a value", line: 2, column: 8 });
}

#[test]
fn keys_come_once_however_they_are_spelt() {
    check_text(r#"{"a":1,"b":2,"a":3}"#, "json_duplicate_key");
    check_text(r#"{"a":1,"\u0061":2}"#, "json_duplicate_key");
    check_text(r#"[{"x":{"a":1,"c":{"a":1},"a":2}}]"#, "json_duplicate_key");
    check_text(r#"{"\ud83d\ude80":1,"🚀":2}"#, "json_duplicate_key");
    assert!(parse::<Value>(br#"[{"a":1},{"a":{"a":{"a":[]}}}]"#, &JsonLimits::NATIVE).is_ok());
}

#[test]
fn limits_hold_at_their_edges() {
    let ok = |text: String| parse::<Value>(text.as_bytes(), &JsonLimits::NATIVE).is_ok();
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(ok(deep(32)) && ok("1".repeat(64)) && ok(format!("[{}1]", "1,".repeat(999))));
    check_text(deep(33), "json_too_deep");
    check_text("{\"a\":".repeat(5_000), "json_too_deep");
    check_text("1".repeat(65), "json_number_out_of_range");
    check_text("1e999", "json_number_out_of_range");
    check_text(format!("[{}1]", "1,".repeat(1_000)), "json_too_many_members");
    let long = |n: usize| format!("\"{}\"", "x".repeat(n - 2));
    assert!(ok(long(65_536)));
    check_text(long(65_537), "body_too_large");
}

#[test]
fn a_field_fault_names_the_field() {
    check_field(r#"{"queue":"q","x":1}"#, "unknown_field", "x", "not known");
    check_field("{}", "missing_field", "queue", "is missing");
    check_field(r#"{"queue":7}"#, "invalid_field", "queue", "expected a string");
    check_field(r#"{"queue":"q","limit":-1}"#, "invalid_field", "limit", "whole number");
    check_field(
        r#"{"queue":"q","places":[{"id":"a","place":1},{"id":"b"}]}"#,
        "missing_field",
        "places[1].place",
        "missing",
    );
    check_field(
        r#"{"queue":"q","places":[{"id":"a","place":1,"q":1}]}"#,
        "unknown_field",
        "places[0].q",
        "not known",
    );
    check_field(
        r#"{"queue":"q","places":[{"id":"a","place":300}]}"#,
        "invalid_field",
        "places[0].place",
        "whole number",
    );
    check_field("null", "invalid_field", "", "expected an object");
    check_field("[]", "invalid_field", "", "expected an object");
    check_field(r#"["q",[],1]"#, "invalid_field", "", "expected an object");
    check_field(r#"{"queue":"q","\u202e":1}"#, "unknown_field", "\\u{202e}", "not known");
}

#[test]
fn the_media_type_is_exact() {
    let json = |value: &str| is_media_type(value, "application/json");
    assert!(
        json("application/json")
            && json("Application/JSON ; charset=UTF-8")
            && json("application/json;charset=\"utf-8\"")
    );
    for bad in [
        "text/json",
        "application/json;",
        "application/json;;;=\"x",
        "application/json; charset=utf-16",
        "application/json; a=b",
        "application/jsonx",
        "",
    ] {
        assert!(!json(bad), "{bad}");
    }
}

#[tokio::test]
async fn the_extractor_checks_headers_and_size() {
    let router = Router::new().route("/", post(echo));
    let json = ("content-type", "application/json");
    let long = "1".repeat(70_000);
    for (headers, body, status) in [
        (vec![json], "{}", 200),
        (vec![json, ("content-encoding", "identity")], "{}", 415),
        (vec![json, ("content-encoding", "gzip")], "{}", 415),
        (vec![json, json], "{}", 415),
        (vec![], "{}", 415),
        (vec![json], "", 400),
        (vec![json], long.as_str(), 413),
    ] {
        let mut request = Request::post("/");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer =
            router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{}", &body[..body.len().min(20)]);
    }
}

#[tokio::test]
async fn an_unasked_body_is_read_and_forgotten() {
    let router = Router::new().route("/", post(ignore));
    for (len, status) in [(0, 200), (65_536, 200), (65_537, 413)] {
        let request = Request::post("/").body(Body::from(vec![b'x'; len])).unwrap();
        assert_eq!(router.clone().oneshot(request).await.unwrap().status().as_u16(), status);
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // Halves: serde_json without `float_roundtrip` may miss the last bit of others.
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 1024.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 128, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read(value in value()) {
        let text = serde_json::to_vec(&value).unwrap();
        prop_assume!(text.len() <= JsonLimits::NATIVE.bytes_max);
        prop_assert_eq!(parse::<Value>(&text, &JsonLimits::NATIVE), Ok(value));
    }

    #[test]
    fn the_scan_takes_no_text_that_serde_refuses(text in r#"[\[\]{}:,"\\u0-9a-fe.+\-truenls ]{0,24}"#) {
        if let Err(fault) = parse::<Value>(text.as_bytes(), &JsonLimits::NATIVE) {
            prop_assert_ne!(fault.status().as_u16(), 422, "{} {}", text, fault);
        } else {
            prop_assert!(serde_json::from_str::<Value>(&text).is_ok());
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse::<Value>(&bytes, &JsonLimits::NATIVE);
    }
}
