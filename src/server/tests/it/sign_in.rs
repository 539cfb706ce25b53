//! Devices, accounts, keys that are changed.
use crate::world::{World, text};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gsm_security::Profile;
use serde_json::{Value, json};

fn part(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

async fn challenge(world: &World) -> (String, String) {
    let asked = world.anyone.get("/v1/auth/device/challenge").await.ok();
    (text(&asked["challenge"]), text(&asked["message"]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_signs_in_with_its_key() {
    let mut world = World::new().await;
    let key = Ed25519KeyPair::generate().unwrap();
    let public = json!({ "kty": "OKP", "crv": "Ed25519", "x": part(key.public_key().as_ref()) });
    let body = |public: &Value, challenge: &str, signature: &[u8]| json!({ "public_key": public, "challenge": challenge, "signature": part(signature) });
    let (first, message) = challenge(&world).await;
    let signed = body(&public, &first, key.sign(message.as_bytes()).as_ref());
    let session = world.anyone.post("/v1/auth/device", signed.clone()).await.ok();
    assert_eq!(session["created"], true);
    world.anyone.as_whom(&text(&session["token"])).get("/v1/queues").await.ok();
    world.anyone.post("/v1/auth/device", signed).await.is(401, "invalid_signature");
    let (second, message) = challenge(&world).await;
    let again = body(&public, &second, key.sign(message.as_bytes()).as_ref());
    let again = world.anyone.post("/v1/auth/device", again).await.ok();
    assert_eq!((&again["player_id"], &again["created"]), (&session["player_id"], &json!(false)));

    let other = Ed25519KeyPair::generate().unwrap();
    let (third, message) = challenge(&world).await;
    let good = key.sign(message.as_bytes());
    for (public, challenge, signature) in [
        (&public, third.as_str(), other.sign(message.as_bytes())),
        (&public, third.as_str(), key.sign(third.as_bytes())),
        (&public, second.as_str(), key.sign(second.as_bytes())),
        (&public, "gsm1.AAAA.AAAA", key.sign(b"gsm device sign-in\ngsm\ngsm1.AAAA.AAAA")),
    ] {
        let refused = world.anyone.post("/v1/auth/device", body(public, challenge, signature.as_ref())).await;
        refused.is(401, "invalid_signature");
    }
    for public in [
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" }),
        json!({ "kty": "EC", "crv": "P-256", "x": part(&[1; 32]) }),
        json!({ "kty": "RSA", "crv": "P-256", "x": part(&[1; 32]), "y": part(&[1; 32]) }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": part(&[1; 33]) }),
    ] {
        let refused = world.anyone.post("/v1/auth/device", body(&public, &third, good.as_ref())).await;
        refused.is(422, "invalid");
    }
    // A point that is on no curve, a signature of another length: refused, and nothing worse.
    let nowhere = json!({ "kty": "EC", "crv": "P-256", "x": part(&[1; 32]), "y": part(&[2; 32]) });
    world
        .anyone
        .post("/v1/auth/device", body(&nowhere, &third, good.as_ref()))
        .await
        .is(401, "invalid_signature");
    world.anyone.post("/v1/auth/device", body(&public, &third, b"short")).await.is(401, "invalid_signature");
    world.anyone.post("/v1/auth/device", body(&public, &third, good.as_ref())).await.ok();

    let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &SystemRandom::new()).unwrap();
    let ec = EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref()).unwrap();
    let point = ec.public_key().as_ref();
    let public = json!({ "kty": "EC", "crv": "P-256", "x": part(&point[1..33]), "y": part(&point[33..]) });
    let (fourth, message) = challenge(&world).await;
    let signature = ec.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    let browser = world.anyone.post("/v1/auth/device", body(&public, &fourth, signature.as_ref())).await.ok();
    assert_ne!(browser["player_id"], session["player_id"]);
    // With what WebCrypto writes beside the key it is the same key.
    let exported = |more: Value| {
        let mut key = public.clone();
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    };
    let (fifth, message) = challenge(&world).await;
    let signature = ec.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    for bad in [
        json!({ "d": "x" }),
        json!({ "key_ops": ["sign"] }),
        json!({ "use": "enc" }),
        json!({ "alg": "EdDSA" }),
        json!({ "colour": "red" }),
    ] {
        let answer =
            world.anyone.post("/v1/auth/device", body(&exported(bad), &fifth, signature.as_ref())).await;
        assert_eq!(answer.status.as_u16(), 422, "{}", answer.text);
    }
    let whole =
        exported(json!({ "ext": true, "key_ops": ["verify"], "alg": "ES256", "use": "sig", "kid": "mine" }));
    let again = world.anyone.post("/v1/auth/device", body(&whole, &fifth, signature.as_ref())).await.ok();
    assert_eq!(again["player_id"], browser["player_id"]);
    // Nor is one good twice over a restart, which forgets what was answered.
    world.restart().await;
    let again = world.anyone.post("/v1/auth/device", body(&whole, &fifth, signature.as_ref())).await;
    again.is(401, "invalid_signature");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_tokens_count_where_they_are_linked_too() {
    let rules =
        "[[rules]]\nname = \"bad_token\"\non = \"bad_token\"\nkey = \"address\"\nlimit = 3\nwindow_s = 600\n";
    let mut world = World::with(|settings| {
        settings.firewall.written = gsm_server::firewall::files::parse_rules(rules).unwrap();
    })
    .await;
    let ann = world.player("Ann").await;
    for _ in 0..3 {
        ann.client.post("/v1/auth/link", json!({ "token": "a.b.c" })).await.is(422, "invalid");
    }
    let refused = ann.client.post("/v1/auth/link", json!({ "token": "a.b.c" })).await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.is(429, "rate_limited");
    world.anyone.as_whom("x.y.z").get("/v1/queues").await.is(429, "rate_limited");
    ann.client.get("/v1/queues").await.ok();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_becomes_an_account() {
    let key = Ed25519KeyPair::generate().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let jwks = dir.path().join("jwks.json");
    let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": part(key.public_key().as_ref()) }] });
    std::fs::write(&jwks, set.to_string()).unwrap();
    let mut world = World::with(|settings| settings.player_jwks = Some(jwks.clone())).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let token = |subject: &str, exp: u64| {
        let claims = json!({ "iss": "https://accounts.example/", "aud": "gsm", "sub": subject, "exp": exp });
        let message =
            format!("{}.{}", part(br#"{"alg":"EdDSA","kid":"k"}"#), part(claims.to_string().as_bytes()));
        format!("{message}.{}", part(key.sign(message.as_bytes()).as_ref()))
    };
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let account = token("ann", now + 60);
    let linked = ann.client.post("/v1/auth/link", json!({ "token": account })).await.ok();
    assert_eq!(
        linked,
        json!({ "player_id": ann.id, "issuer": "https://accounts.example/", "subject": "ann" })
    );
    ann.client.post("/v1/auth/link", json!({ "token": account })).await.ok();
    let me = world.anyone.as_whom(&account).get(&format!("/v1/players/{}", ann.id)).await.ok();
    assert_eq!(me["external_id"], "ann", "the account is this player");
    bob.client.post("/v1/auth/link", json!({ "token": account })).await.is(409, "identity_taken");
    let own = bob.client.token.clone().unwrap();
    for bad in [token("bob", now - 100), "x.y.z".into(), String::new(), world.keys.admin_key.clone(), own] {
        bob.client.post("/v1/auth/link", json!({ "token": bad })).await.is(422, "invalid");
    }
    world.anyone.post("/v1/auth/link", json!({ "token": account })).await.is(401, "unauthenticated");
    world.server().post("/v1/auth/link", json!({ "token": account })).await.is(403, "forbidden");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_changed_under_its_owner() {
    let mut world = World::new().await;
    let admin = world.admin();
    let made = admin.post("/v1/admin/keys", json!({ "role": "server", "note": "gs" })).await.ok();
    let path = format!("/v1/admin/keys/{}", text(&made["key_id"]));
    let rotated = admin.post(&format!("{path}/rotate"), json!({ "overlap_s": 3_600 })).await.ok();
    assert_eq!(rotated["key_id"], made["key_id"]);
    assert!(rotated["old_secret_good_until"].as_i64().is_some());
    for key in [&made["key"], &rotated["key"]] {
        world.anyone.as_whom(&text(key)).get("/v1/matches").await.ok();
    }
    let third = admin.post(&format!("{path}/rotate"), json!({ "overlap_s": 0 })).await.ok();
    for key in [&made["key"], &rotated["key"]] {
        world.anyone.as_whom(&text(key)).get("/v1/matches").await.is(401, "invalid_token");
    }
    world.anyone.as_whom(&text(&third["key"])).get("/v1/matches").await.ok();
    admin.post(&format!("{path}/rotate"), json!({})).await.is(422, "missing_field");
    admin.post(&format!("{path}/rotate"), json!({ "overlap_s": 9_999_999 })).await.is(422, "invalid");
    let nobody = "/v1/admin/keys/key-00000000000000000000000000000000/rotate";
    admin.post(nobody, json!({ "overlap_s": 0 })).await.is(404, "not_found");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_signs_in_so_often_and_no_more() {
    // Tests of limits have addresses of their own: the limit by address would come first.
    let mut world = World::with(|settings| {
        settings.firewall = gsm_server::firewall::FirewallSettings::of(Profile::Default)
    })
    .await;
    let secret = json!({ "secret": "one-account-0123456789abcdefgh" });
    let mut refused = None;
    for _ in 0..6 {
        let answer = world.anyone.post("/v1/auth/guest", secret.clone()).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("the sixth sign-in of an address");
    assert!(refused.headers.contains_key("retry-after"));
    refused.is(429, "rate_limited");
    world.stop().await;
}
