//! What a token says: who, in which role, for how long.
use super::{Issuer, STUDIO, status, trusted, world};
use crate::world::World;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::StreamExt as _;
use gsm_server::config::Asserted;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

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

/// Whose keys are taken under any name speaks in the name of nobody who has keys of his own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_of_no_named_issuer_sign_for_no_other_one() {
    let (dirs, players) = ([(); 2].map(|()| tempfile::tempdir().unwrap()), Issuer::new());
    let studio = Issuer::new();
    let [of_players, of_studio] =
        [(&players, &dirs[0]), (&studio, &dirs[1])].map(|(of, dir)| of.file(dir.path()));
    let mut world = World::with(|settings| {
        settings.player_jwks = Some(of_players);
        settings.trusted_issuers = vec![trusted(&of_studio, &[Asserted::Player])];
    })
    .await;
    let named = |iss: &str| players.with(|claims| claims["iss"] = json!(iss));
    assert_eq!(status(&world, &named("https://players.example/"), "/v1/queues").await, 200);
    assert_eq!(status(&world, &studio.with(|_| {}), "/v1/queues").await, 200);
    for other in [STUDIO, "gsm"] {
        assert_eq!(status(&world, &named(other), "/v1/queues").await, 401, "{other}");
    }
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
    for (name, value) in [("nbf", json!(now + 3_600)), ("iat", json!(now + 3_600))] {
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
