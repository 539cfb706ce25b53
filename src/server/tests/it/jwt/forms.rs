//! How a token is written, signed and sent.
use super::{Issuer, status, world};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use gsm_server::config::Asserted;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_does_not_choose_its_own_key_or_algorithm() {
    let (dir, issuer, other) = (tempfile::tempdir().unwrap(), Issuer::new(), Issuer::new());
    let mut world = world(dir.path(), &issuer, &[Asserted::Server]).await;
    let good = issuer.with(|_| {});
    world.anyone.as_whom(&good).get("/v1/queues").await.ok();
    let claims = issuer.claims().to_string();
    let mut bad: Vec<(String, String)> = vec![
        ("another key".into(), other.with(|_| {})),
        ("EdDSA named, P-256 signed".into(), issuer.raw("ec", r#"{"alg":"EdDSA","kid":"ed"}"#, &claims)),
        ("ES256 over the key of Ed25519".into(), issuer.raw("ed", r#"{"alg":"ES256","kid":"ed"}"#, &claims)),
        ("EdDSA over the key of P-256".into(), issuer.raw("ed", r#"{"alg":"EdDSA","kid":"ec"}"#, &claims)),
        ("alg twice".into(), issuer.raw("ed", r#"{"alg":"none","alg":"EdDSA","kid":"ed"}"#, &claims)),
        ("kid twice".into(), issuer.raw("ed", r#"{"alg":"EdDSA","kid":"x","kid":"ed"}"#, &claims)),
        ("no header".into(), issuer.raw("ed", "", &claims)),
        ("header is an array".into(), issuer.raw("ed", r#"["EdDSA","ed"]"#, &claims)),
    ];
    for kid in [
        json!(null),
        json!(1),
        json!(""),
        json!(["ed"]),
        json!("ED"),
        json!("../../etc/passwd"),
        json!("ed\u{0}"),
        json!("' OR 1=1 --"),
        json!("x".repeat(5_000)),
        json!("http://127.0.0.1:1/k"),
        json!("key-00000000000000000000000000000000"),
    ] {
        bad.push((format!("kid {kid}"), issuer.under(json!({ "alg": "EdDSA", "kid": kid }))));
    }
    bad.push(("no kid".into(), issuer.under(json!({ "alg": "EdDSA" }))));
    for alg in ["none", "None", "", "HS256", "RS256", "ES384", "ES256K", "EdDSA ", "eddsa", "Ed448", "PS256"]
    {
        bad.push((format!("alg {alg}"), issuer.under(json!({ "alg": alg, "kid": "ed" }))));
    }
    for alg in [json!(null), json!(1), json!(["EdDSA"])] {
        bad.push((format!("alg {alg}"), issuer.under(json!({ "alg": alg, "kid": "ed" }))));
    }
    for kind in [json!("JWE"), json!("dpop+jwt"), json!("secevent+jwt"), json!(1), json!(null), json!("JWT ")]
    {
        bad.push((format!("typ {kind}"), issuer.under(json!({ "alg": "EdDSA", "kid": "ed", "typ": kind }))));
    }
    let own = issuer.jwks()["keys"][0].clone();
    for (name, value) in [
        ("jku", json!("http://127.0.0.1:1/jwks")),
        ("jwk", own),
        ("x5u", json!("http://127.0.0.1:1/")),
        ("x5c", json!(["AA"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
        ("cty", json!("JWT")),
        ("epk", json!({})),
    ] {
        bad.push((name.into(), issuer.under(json!({ "alg": "EdDSA", "kid": "ed", name: value }))));
    }
    for (name, token) in bad {
        world.anyone.as_whom(&token).get("/v1/queues").await.is(401, "invalid_token");
        assert!(!name.is_empty());
    }
    world.stop().await;
}

/// Adds the order of Ed25519's group to `s`: the same signature for whoever does not check its range.
fn malleated(signature: &[u8]) -> Vec<u8> {
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (mut out, mut carry) = (signature.to_vec(), 0u16);
    for (at, add) in order.into_iter().enumerate() {
        let sum = u16::from(out[32 + at]) + u16::from(add) + carry;
        (out[32 + at], carry) = (sum as u8, sum >> 8);
    }
    out
}

/// A signature in the form that TLS has (DER), which JWTs do not.
fn der(signature: &[u8]) -> Vec<u8> {
    let number = |half: &[u8]| {
        let mut bytes: Vec<u8> = half.iter().copied().skip_while(|b| *b == 0).collect();
        if bytes.first().is_some_and(|b| b & 0x80 != 0) {
            bytes.insert(0, 0);
        }
        [&[2, bytes.len() as u8], &bytes[..]].concat()
    };
    let both = [number(&signature[..32]), number(&signature[32..])].concat();
    [&[0x30, both.len() as u8], &both[..]].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_has_one_form_only() {
    let (dir, issuer) = (tempfile::tempdir().unwrap(), Issuer::new());
    let mut world = world(dir.path(), &issuer, &[Asserted::Server]).await;
    let good = issuer.with(|_| {});
    let by_ec = issuer.raw("ec", r#"{"alg":"ES256","kid":"ec"}"#, &issuer.claims().to_string());
    for token in [&good, &by_ec] {
        world.anyone.as_whom(token).get("/v1/queues").await.ok();
    }
    let parts: Vec<&str> = good.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let again = |signature: &[u8]| format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(signature));
    let (ec_message, ec_signature) = by_ec.rsplit_once('.').unwrap();
    let ec_bytes = URL_SAFE_NO_PAD.decode(ec_signature).unwrap();
    let ec = |signature: &[u8]| format!("{ec_message}.{}", URL_SAFE_NO_PAD.encode(signature));
    let swapped = [&ec_bytes[32..], &ec_bytes[..32]].concat();
    let mut bad = vec![
        again(&malleated(&bytes)),
        again(&[0; 64]),
        again(&bytes[..63]),
        again(&[&bytes[..], &[0]].concat()),
        again(&[]),
        ec(&der(&ec_bytes)),
        ec(&[0; 64]),
        ec(&swapped),
        ec(&[&[0; 32], &ec_bytes[32..]].concat()),
        ec(&[&ec_bytes[..], &ec_bytes[..]].concat()),
        format!("{header}.{claims}.{}", URL_SAFE.encode(&bytes)),
        format!("{header}.{claims}.{}", STANDARD.encode(&bytes)),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}==.{signature}"),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{good}.x"),
        format!("{good}."),
        format!(".{good}"),
        format!("..{signature}"),
        format!("{header}..{signature}"),
        format!("{good},{good}"),
        good[..good.len() - 4].to_owned(),
        "A".repeat(9_000),
    ];
    // The last character of a part has bits that say nothing: only zeros are taken.
    let last = signature.chars().last().unwrap();
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = LETTERS.find(last).unwrap();
    for twin in (at & !15)..(at | 15) + 1 {
        let letter = LETTERS.as_bytes()[twin] as char;
        if letter != last {
            bad.push(format!("{header}.{claims}.{}{letter}", &signature[..signature.len() - 1]));
        }
    }
    for (at, token) in bad.iter().enumerate() {
        assert_eq!(status(&world, token, "/v1/queues").await, 401, "{at}: {token}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_comes_in_one_header_and_nowhere_else() {
    let (dir, issuer) = (tempfile::tempdir().unwrap(), Issuer::new());
    let mut world = world(dir.path(), &issuer, &[Asserted::Server]).await;
    let good = issuer.with(|_| {});
    let bearer = format!("Bearer {good}");
    let refused = async |path: &str, headers: &[(&str, &str)]| {
        let mut call = world.anyone.call("GET", path);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        let status = call.send().await.status;
        assert_eq!(status, 401, "{path} {headers:?}");
    };
    for name in ["access_token", "token", "authorization", "jwt"] {
        refused(&format!("/v1/queues?{name}={good}"), &[]).await;
    }
    refused("/v1/queues", &[("authorization", &bearer), ("authorization", &bearer)]).await;
    refused("/v1/queues", &[("authorization", &bearer), ("authorization", "Bearer x.y.z")]).await;
    for other in
        ["cookie", "x-access-token", "x-authorization", "proxy-authorization", "x-forwarded-authorization"]
    {
        refused("/v1/queues", &[(other, &bearer)]).await;
    }
    refused("/v1/queues", &[("cookie", &format!("token={good}; session={good}"))]).await;
    refused("/v1/queues", &[("sec-websocket-protocol", &format!("bearer.{good}"))]).await;
    for value in [
        good.clone(),
        format!("Bearer  {good}"),
        format!("Bearer\t{good}"),
        format!("Bearer {good} {good}"),
        format!("Bearer {good},"),
        format!("Bearer \"{good}\""),
        format!("Token {good}"),
        format!("DPoP {good}"),
        format!("Basic {}", STANDARD.encode(format!(":{good}"))),
        "Bearer".into(),
        "Bearer null".into(),
    ] {
        refused("/v1/queues", &[("authorization", &value)]).await;
    }
    let lower = world.anyone.call("GET", "/v1/queues").header("authorization", &format!("bearer {good}"));
    lower.send().await.ok();
    world.stop().await;
}
