//! Tokens of issuers: what is taken, and the many that are not.
use crate::world::{Player, World, text};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use futures::StreamExt as _;
use gsm_server::config::{Asserted, TrustedIssuer};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

const STUDIO: &str = "https://studio.example/";

/// An issuer with a key of either kind.
struct Issuer {
    ed: Ed25519KeyPair,
    ec: EcdsaKeyPair,
    now: u64,
}

impl Issuer {
    fn new() -> Self {
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &SystemRandom::new()).unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let ec = EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref()).unwrap();
        Self { ed: Ed25519KeyPair::generate().unwrap(), ec, now }
    }

    fn jwks(&self) -> Value {
        let point = self.ec.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "keys": [
            { "kty": "OKP", "crv": "Ed25519", "kid": "ed", "alg": "EdDSA", "use": "sig", "x": part(self.ed.public_key().as_ref()) },
            { "kty": "EC", "crv": "P-256", "kid": "ec", "alg": "ES256", "x": part(&point[1..33]), "y": part(&point[33..]) },
        ] })
    }

    fn file(&self, dir: &Path) -> PathBuf {
        let path = dir.join("jwks.json");
        std::fs::write(&path, self.jwks().to_string()).unwrap();
        path
    }

    fn claims(&self) -> Value {
        json!({ "iss": STUDIO, "aud": "gsm", "sub": "u-1", "iat": self.now, "exp": self.now + 60 })
    }

    /// Of these parts as text, signed by the key that `kid` names.
    fn raw(&self, kid: &str, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(kid, message.as_bytes()));
        format!("{message}.{signature}")
    }

    fn sign(&self, kid: &str, message: &[u8]) -> Vec<u8> {
        match kid {
            "ec" => self.ec.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            _ => self.ed.sign(message).as_ref().to_vec(),
        }
    }

    fn with(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims();
        change(&mut claims);
        self.raw("ed", r#"{"alg":"EdDSA","typ":"JWT","kid":"ed"}"#, &claims.to_string())
    }

    fn under(&self, header: Value) -> String {
        self.raw("ed", &header.to_string(), &self.claims().to_string())
    }

    fn role(&self, role: &str) -> String {
        self.with(|claims| claims["role"] = json!(role))
    }
}

fn trusted(jwks: &Path, roles: &[Asserted]) -> TrustedIssuer {
    TrustedIssuer {
        iss: STUDIO.into(),
        jwks: Some(jwks.to_owned()),
        roles: roles.to_vec(),
        role_claim: "role".into(),
        ..TrustedIssuer::default()
    }
}

async fn world(dir: &Path, issuer: &Issuer, roles: &[Asserted]) -> World {
    let jwks = issuer.file(dir);
    World::with(|settings| {
        settings.player_jwks = Some(jwks.clone());
        settings.trusted_issuers = vec![trusted(&jwks, roles)];
    })
    .await
}

async fn status(world: &World, token: &str, path: &str) -> u16 {
    world.anyone.as_whom(token).get(path).await.status.as_u16()
}

/// A stream ends with the token that opened it, and says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_token() {
    let (dir, issuer) = (tempfile::tempdir().unwrap(), Issuer::new());
    let mut world = world(dir.path(), &issuer, &[]).await;
    // Good for ten seconds more, as clocks may be half a minute apart: enough to open two streams on a busy machine.
    let now = Issuer::new().now;
    let short = issuer.with(|claims| {
        claims["iat"] = json!(now - 60);
        claims["exp"] = json!(now - 20);
    });
    let client = world.anyone.as_whom(&short);
    let mut stream =
        client.call("GET", "/v1/events").header("accept", "text/event-stream").open().await.into_body();
    let mut request = format!("ws://{}/v1/stream", world.anyone.addr).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {short}").parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let all = async {
        while let Some(frame) = stream.frame().await {
            frame.unwrap();
        }
        loop {
            if let Some(Ok(Message::Close(Some(close)))) = socket.next().await {
                return u16::from(close.code);
            }
        }
    };
    let code = tokio::time::timeout(std::time::Duration::from_secs(60), all).await.expect("both end");
    assert_eq!(code, 1008);
    assert_eq!(status(&world, &short, "/v1/queues").await, 401);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn issuers_speak_for_their_own_subjects_and_roles_only() {
    let (dir, issuer) = (tempfile::tempdir().unwrap(), Issuer::new());
    let mut world = world(dir.path(), &issuer, &[Asserted::Server, Asserted::Admin]).await;
    let good = issuer.with(|_| {});
    assert_eq!(status(&world, &good, "/v1/queues").await, 200);
    assert_eq!(status(&world, &good, "/v1/queues").await, 200, "again, as it is remembered");
    assert_eq!(status(&world, &good, "/v1/matches").await, 403);
    let by_ec = issuer.raw("ec", r#"{"alg":"ES256","kid":"ec"}"#, &issuer.claims().to_string());
    assert_eq!(status(&world, &by_ec, "/v1/queues").await, 200);
    assert_eq!(status(&world, &issuer.role("game-server"), "/v1/matches").await, 200);
    assert_eq!(status(&world, &issuer.role("admin"), "/v1/admin/keys").await, 200);
    let stranger = issuer.with(|claims| {
        claims["role"] = json!("admin");
        claims["iss"] = json!("https://elsewhere.example/");
    });
    assert_eq!(status(&world, &stranger, "/v1/admin/keys").await, 401, "not that issuer's role");
    for kind in ["JWT", "jwt", "at+jwt"] {
        let token = issuer.under(json!({ "alg": "EdDSA", "kid": "ed", "typ": kind }));
        assert_eq!(status(&world, &token, "/v1/queues").await, 200, "{kind}");
    }
    let two = issuer.with(|claims| claims["aud"] = json!(["other", "gsm"]));
    assert_eq!(status(&world, &two, "/v1/queues").await, 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_may_what_the_role_in_the_token_may() {
    let (dir, issuer) = (tempfile::tempdir().unwrap(), Issuer::new());
    let mut world =
        world(dir.path(), &issuer, &[Asserted::Operator, Asserted::Auditor, Asserted::Viewer]).await;
    for (role, keys, queue, make_key) in
        [("viewer", 403, 403, 403), ("operator", 403, 200, 403), ("auditor", 200, 403, 403)]
    {
        let who = world.anyone.as_whom(&issuer.role(role));
        who.get("/v1/queues").await.ok();
        assert_eq!(who.get("/v1/admin/keys").await.status, keys, "{role}");
        let settings = json!({ "mode": "duel", "rules": { "format": { "kind": "teams", "teams": 2, "size": 1 },
            "window": { "min": 100.0, "growth_per_s": 1.0, "max": 200.0 } } });
        let put = who.put("/v1/admin/queues/new", settings).await;
        // Whether the settings are lawful is not the question here.
        assert_eq!(put.status == 403, queue == 403, "{role}: {}", put.text);
        let key = who.post("/v1/admin/keys", json!({ "role": "viewer" })).await;
        assert_eq!(key.status, make_key, "{role}");
    }
    for role in ["owner", "admin", "support", "root", ""] {
        assert_eq!(
            status(&world, &issuer.role(role), "/v1/queues").await,
            401,
            "not for this issuer to give: {role}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_that_are_not_in_order_are_nobodys() {
    let (dir, issuer) = (tempfile::tempdir().unwrap(), Issuer::new());
    let mut world = world(dir.path(), &issuer, &[Asserted::Server, Asserted::Admin]).await;
    let now = issuer.now;
    let mut bad: Vec<(String, String)> = Vec::new();
    let mut claim = |name: &str, value: Value| {
        bad.push((format!("{name} = {value}"), issuer.with(|claims| claims[name] = value)));
    };
    for name in ["iss", "sub", "aud", "exp"] {
        for value in
            [json!(null), json!(true), json!({}), json!([]), json!(""), json!([[]]), json!(["gsm", 1])]
        {
            claim(name, value);
        }
    }
    claim("iss", json!([STUDIO]));
    claim("aud", json!("GSM"));
    claim("aud", json!("gsm "));
    claim("aud", Value::Array(vec![json!("gsm"); 17]));
    claim("sub", json!(1));
    claim("sub", json!("two words"));
    claim("sub", json!("x".repeat(129)));
    claim("sub", json!("nul\u{0}"));
    claim("sub", json!("ü"));
    for exp in [
        json!(now - 31),
        json!(0),
        json!(-1),
        json!(1e308),
        json!(1e15),
        json!(now * 1_000),
        json!((now + 60).to_string()),
    ] {
        claim("exp", exp);
    }
    for (name, value) in [("nbf", json!(now + 40)), ("iat", json!(now + 3_600))] {
        claim(name, value);
    }
    for name in ["nbf", "iat"] {
        for value in [json!(null), json!("0"), json!(true), json!(-1), json!(1e300), json!([])] {
            claim(name, value);
        }
    }
    for role in [
        json!("superuser"),
        json!("Admin"),
        json!("admin "),
        json!(["admin"]),
        json!(null),
        json!(1),
        json!({}),
    ] {
        claim("role", role);
    }
    for name in ["iss", "sub", "aud", "exp"] {
        let absent = issuer.with(|claims| drop(claims.as_object_mut().unwrap().remove(name)));
        bad.push((format!("no {name}"), absent));
    }
    let header = r#"{"alg":"EdDSA","kid":"ed"}"#;
    for (name, claims) in [
        ("NaN", format!(r#"{{"iss":"{STUDIO}","aud":"gsm","sub":"u","exp":NaN}}"#)),
        ("Infinity", format!(r#"{{"iss":"{STUDIO}","aud":"gsm","sub":"u","exp":Infinity}}"#)),
        ("1e999", format!(r#"{{"iss":"{STUDIO}","aud":"gsm","sub":"u","exp":1e999}}"#)),
        ("many digits", format!(r#"{{"iss":"{STUDIO}","aud":"gsm","sub":"u","exp":{}}}"#, "9".repeat(400))),
        ("exp twice", format!(r#"{{"iss":"{STUDIO}","aud":"gsm","sub":"u","exp":1,"exp":{}}}"#, now + 60)),
        (
            "role twice",
            format!(
                r#"{{"iss":"{STUDIO}","aud":"gsm","sub":"u","exp":{},"role":"player","role":"admin"}}"#,
                now + 60
            ),
        ),
        (
            "escaped twice",
            format!(
                r#"{{"iss":"{STUDIO}","aud":"gsm","sub":"u","exp":{},"role":"player","r\u006fle":"admin"}}"#,
                now + 60
            ),
        ),
        ("trailing", format!("{} ", issuer.claims()) + "{}"),
        ("an array", "[]".into()),
        ("a text", r#""x""#.into()),
        ("null", "null".into()),
        ("nothing", String::new()),
        ("deep", format!(r#"{{"a":{}1{}}}"#, "[".repeat(64), "]".repeat(64))),
    ] {
        bad.push((name.into(), issuer.raw("ed", header, &claims)));
    }
    let not_text = URL_SAFE_NO_PAD.encode([0xff, 0xfe]);
    let message = format!("{}.{not_text}", URL_SAFE_NO_PAD.encode(header));
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign("ed", message.as_bytes()));
    bad.push(("not UTF-8".into(), format!("{message}.{signature}")));
    for (name, token) in bad {
        assert_eq!(status(&world, &token, "/v1/queues").await, 401, "{name}");
    }
    // A date with a fraction is a date, and the leeway is 30 s.
    for exp in [json!(now as f64 + 60.5), json!(now - 20)] {
        assert_eq!(status(&world, &issuer.with(|claims| claims["exp"] = exp), "/v1/queues").await, 200);
    }
    world.stop().await;
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_a_file_change_without_a_restart() {
    let (dir, old, new) = (tempfile::tempdir().unwrap(), Issuer::new(), Issuer::new());
    let mut world = world(dir.path(), &old, &[Asserted::Server]).await;
    let path = dir.path().join("jwks.json");
    let replace = |keys: &Value| {
        std::fs::write(dir.path().join("new"), keys.to_string()).unwrap();
        std::fs::rename(dir.path().join("new"), &path).unwrap();
    };
    let token = old.with(|_| {});
    world.anyone.as_whom(&token).get("/v1/queues").await.ok();
    // What cannot be read changes nothing.
    replace(&json!({ "keys": [] }));
    let renamed = {
        let mut keys = new.jwks();
        keys["keys"][0]["kid"] = json!("ed-2");
        keys["keys"][1]["kid"] = json!("ec-2");
        keys
    };
    let later = new.raw("ed", r#"{"alg":"EdDSA","kid":"ed-2"}"#, &new.claims().to_string());
    world.anyone.as_whom(&token).get("/v1/queues").await.ok();
    let both: Vec<Value> = [old.jwks(), renamed.clone()]
        .iter()
        .flat_map(|set| set["keys"].as_array().unwrap().clone())
        .collect();
    replace(&json!({ "keys": both }));
    let until = async |token: &str, wanted: u16| {
        while status(&world, token, "/v1/queues").await != wanted {
            tokio::task::yield_now().await;
        }
    };
    until(&later, 200).await;
    world.anyone.as_whom(&token).get("/v1/queues").await.ok();
    // Who is no longer in it is nobody, also where the token was verified before.
    replace(&renamed);
    until(&token, 401).await;
    world.anyone.as_whom(&later).get("/v1/queues").await.ok();
    world.stop().await;
}

/// Our own session of a player, as its parts.
fn session(player: &Player) -> (Value, Value) {
    let token = player.client.token.clone().unwrap();
    let part = |at: usize| {
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    (part(0), part(1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_tokens_that_anybody_can_check_and_outlive_a_rotation() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let (header, claims) = session(&ann);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("JWT")));
    assert_eq!(
        (&claims["iss"], &claims["aud"], &claims["sub"]),
        (&json!("gsm"), &json!("gsm"), &json!(ann.id))
    );
    let keys =
        async || world.anyone.get("/.well-known/jwks.json").await.ok()["keys"].as_array().unwrap().clone();
    let first = keys().await;
    assert_eq!(first.len(), 2, "one that signs, one that is next");
    let named = first.iter().find(|key| key["kid"] == header["kid"]).expect("its key is published");
    let public = URL_SAFE_NO_PAD.decode(text(&named["x"])).unwrap();
    let token = ann.client.token.clone().unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, public)
        .verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .expect("a stranger can check it");
    assert!(!first.iter().any(|key| key.get("d").is_some()), "public halves only");

    let admin = world.admin();
    let rotated = admin.call("POST", "/v1/admin/signing-keys/rotate").send().await.ok();
    let states: Vec<String> =
        rotated["keys"].as_array().unwrap().iter().map(|key| text(&key["state"])).collect();
    assert_eq!(states, ["retired", "signing", "next"]);
    ann.client.get(&format!("/v1/players/{}", ann.id)).await.ok();
    let bob = world.player("Bob").await;
    let (later, _) = session(&bob);
    assert_ne!(later["kid"], header["kid"]);
    assert!(first.iter().any(|key| key["kid"] == later["kid"]), "was published before it signed");
    world.restart().await;
    for player in [&ann, &bob] {
        world.anyone.as_whom(player.client.token.as_ref().unwrap()).get("/v1/queues").await.ok();
    }
    // A session is its player's, whatever is made of its claims.
    let swapped = URL_SAFE_NO_PAD
        .encode(json!({ "iss": "gsm", "aud": "gsm", "sub": bob.id, "exp": 9_999_999_999u64 }).to_string());
    let parts: Vec<&str> = token.split('.').collect();
    let forged = format!("{}.{swapped}.{}", parts[0], parts[2]);
    world.anyone.as_whom(&forged).get("/v1/queues").await.is(401, "invalid_token");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_signs_in_our_name() {
    let (dir, issuer) = (tempfile::tempdir().unwrap(), Issuer::new());
    let mut world = world(dir.path(), &issuer, &[Asserted::Admin]).await;
    let ann = world.player("Ann").await;
    let (header, _) = session(&ann);
    // With our issuer's name and the name of our key, by another key.
    let claims = json!({ "iss": "gsm", "aud": "gsm", "sub": ann.id, "exp": issuer.now + 60 });
    let forged = issuer.raw("ed", &header.to_string(), &claims.to_string());
    assert_eq!(status(&world, &forged, "/v1/queues").await, 401);
    // With our name under their own key: the keys of `player_jwks` are those of the trusted issuer, so they are its.
    for iss in ["gsm", "https://elsewhere.example/"] {
        let theirs = issuer.with(|claims| {
            claims["iss"] = json!(iss);
            claims["sub"] = json!(ann.id);
        });
        assert_eq!(status(&world, &theirs, "/v1/queues").await, 401, "{iss}");
    }
    world.stop().await;
}

/// Answers every request with what it holds at the time, and counts.
#[derive(Clone)]
struct Provider {
    addr: std::net::SocketAddr,
    answers: std::sync::Arc<std::sync::Mutex<std::collections::BTreeMap<String, String>>>,
    asked: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Provider {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let provider = Self { addr, answers: Default::default(), asked: Default::default() };
        let own = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                own.answer(stream).await;
            }
        });
        provider
    }

    async fn answer(&self, mut stream: tokio::net::TcpStream) {
        use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
        let mut reader = tokio::io::BufReader::new(&mut stream);
        let (mut first, mut line) = (String::new(), String::new());
        reader.read_line(&mut first).await.unwrap_or(0);
        while reader.read_line(&mut line).await.unwrap_or(0) > 2 {
            line.clear();
        }
        let path = first.split(' ').nth(1).unwrap_or_default();
        if path == "/keys" {
            self.asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
        let body = self.answers.lock().unwrap().get(path).cloned();
        let head = if body.is_some() { "200 OK" } else { "404 Not Found" };
        let body = body.unwrap_or_default();
        let text =
            format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        stream.write_all(text.as_bytes()).await.ok();
    }

    fn serve(&self, path: &str, body: &Value) {
        self.answers.lock().unwrap().insert(path.into(), body.to_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_an_issuer_are_found_fetched_and_fetched_again() {
    let (provider, issuer) = (Provider::start().await, Issuer::new());
    let iss = format!("http://{}", provider.addr);
    provider.serve(
        "/.well-known/openid-configuration",
        &json!({ "issuer": iss, "jwks_uri": format!("{iss}/keys") }),
    );
    // As providers do, with a key of a kind that is not taken here.
    let set = |kid: &str| {
        let mut keys = issuer.jwks();
        keys["keys"][0]["kid"] = json!(kid);
        keys["keys"][1] = json!({ "kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB", "alg": "RS256" });
        keys
    };
    provider.serve("/keys", &set("one"));
    let trusted = TrustedIssuer {
        iss: iss.clone(),
        discovery: true,
        roles: vec![Asserted::Player],
        role_claim: "role".into(),
        ..TrustedIssuer::default()
    };
    let mut world = World::with(|settings| settings.trusted_issuers = vec![trusted]).await;
    let token = |kid: &str| {
        let mut claims = issuer.claims();
        claims["iss"] = json!(iss);
        issuer.raw("ed", &json!({ "alg": "EdDSA", "kid": kid }).to_string(), &claims.to_string())
    };
    let asked = || provider.asked.load(std::sync::atomic::Ordering::SeqCst);
    while asked() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&world, &token("one"), "/v1/queues").await, 200, "fetched at the start");
    provider.serve("/keys", &set("two"));
    assert_eq!(
        status(&world, &token("two"), "/v1/queues").await,
        200,
        "a key that is not known is looked for"
    );
    assert_eq!(asked(), 2);
    for made_up in ["three", "four", "../../keys", "http://127.0.0.1:1/keys"] {
        assert_eq!(status(&world, &token(made_up), "/v1/queues").await, 401);
    }
    assert_eq!(status(&world, &token("one"), "/v1/queues").await, 401, "what is no longer served is no key");
    assert_eq!(asked(), 2, "whoever makes up names of keys makes nobody fetch");
    world.stop().await;
}
