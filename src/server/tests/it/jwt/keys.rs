//! Where keys come from, and how they change.
use super::{Issuer, STUDIO, status, world};
use crate::world::{Player, World, eventually, text};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gsm_server::config::{Asserted, TrustedIssuer};
use serde_json::{Value, json};

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
    // What cannot be read changes nothing, nor does a file that is gone.
    replace(&json!({ "keys": {} }));
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
        .chain([json!({ "kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB", "alg": "RS256" })])
        .collect();
    replace(&json!({ "keys": both }));
    let until = async |token: &str, wanted: u16| {
        eventually(async || (status(&world, token, "/v1/queues").await == wanted).then_some(())).await;
    };
    until(&later, 200).await;
    world.anyone.as_whom(&token).get("/v1/queues").await.ok();
    // Who is no longer in it is nobody, also where the token was verified before.
    replace(&renamed);
    until(&token, 401).await;
    world.anyone.as_whom(&later).get("/v1/queues").await.ok();
    // An empty set takes them all; a start asks for one at least.
    replace(&json!({ "keys": [] }));
    until(&later, 401).await;
    world.stop().await;
    let trusted = super::trusted(&path, &[Asserted::Server]);
    let told = world.fails_with(|settings| settings.trusted_issuers = vec![trusted]).await;
    assert!(told.contains("none of its keys"), "{told}");
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
async fn without_the_token_key_of_before_its_sessions_are_nobodys() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let old = session(&ann).0["kid"].clone();
    world.stop().await;
    let file = world.data().join("token.key");
    let kept = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let token = ann.client.token.clone().unwrap();
    for _ in 0..2 {
        world.restart().await;
        assert_eq!(status(&world, &token, "/v1/queues").await, 401);
        let published = world.anyone.get("/.well-known/jwks.json").await.ok();
        let published = published["keys"].as_array().unwrap();
        assert!(published.len() == 2 && published.iter().all(|key| key["kid"] != old), "{published:?}");
        let listed = world.admin().get("/v1/admin/signing-keys").await.ok();
        assert_eq!(listed["keys"].as_array().unwrap().len(), 2, "{listed}");
    }
    let bob = world.player("Bob").await;
    bob.client.get("/v1/queues").await.ok();
    // Whoever put the wrong file there has lost nothing: with the right one the sessions are good again.
    world.stop().await;
    std::fs::write(&file, kept).unwrap();
    world.restart().await;
    assert_eq!(status(&world, &token, "/v1/queues").await, 200);
    assert_eq!(status(&world, bob.client.token.as_ref().unwrap(), "/v1/queues").await, 401);
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

/// Two issuers may give their keys the same names: each token goes by the keys of its own issuer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_key_is_fetched_whoever_else_has_its_name() {
    const OTHER: &str = "https://other.example/";
    let (provider, issuer, other) = (Provider::start().await, Issuer::new(), Issuer::new());
    let set = |kid: &str| {
        let mut keys = issuer.jwks();
        keys["keys"][0]["kid"] = json!(kid);
        keys["keys"][1]["kid"] = json!("ec-own");
        keys
    };
    let dir = tempfile::tempdir().unwrap();
    let file = other.file(dir.path());
    provider.serve("/keys", &set("before"));
    let fetched = TrustedIssuer {
        iss: STUDIO.into(),
        jwks_url: Some(format!("http://{}/keys", provider.addr)),
        roles: vec![Asserted::Server],
        role_claim: "role".into(),
        ..TrustedIssuer::default()
    };
    let kept = TrustedIssuer { iss: OTHER.into(), ..super::trusted(&file, &[Asserted::Server]) };
    let mut world = World::with(|settings| settings.trusted_issuers = vec![kept, fetched]).await;
    let token = |by: &Issuer, iss: &str, kid: &str| {
        let mut claims = by.claims();
        (claims["iss"], claims["role"]) = (json!(iss), json!("server"));
        by.raw("ed", &json!({ "alg": "EdDSA", "kid": kid }).to_string(), &claims.to_string())
    };
    let good = async |token: &str| status(&world, token, "/v1/queues").await;
    assert_eq!(good(&token(&issuer, STUDIO, "before")).await, 200);
    // The next key has the name of one of the other issuer.
    provider.serve("/keys", &set("ed"));
    assert_eq!(good(&token(&issuer, STUDIO, "ed")).await, 200, "fetched at once");
    assert_eq!(good(&token(&other, OTHER, "ed")).await, 200, "the other's are as they were");
    assert_eq!(good(&token(&other, STUDIO, "ed")).await, 401, "no key of an issuer signs for another");
    assert_eq!(good(&token(&issuer, OTHER, "ed")).await, 401);
    // Names that nobody has make nobody fetch for another issuer.
    let asked = provider.asked.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(good(&token(&other, OTHER, "made-up")).await, 401);
    assert_eq!(provider.asked.load(std::sync::atomic::Ordering::SeqCst), asked);
    world.stop().await;
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
    eventually(async || (asked() > 0).then_some(())).await;
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
