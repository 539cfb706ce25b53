use crate::world::World;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gsm_engine::Role;
use gsm_server::config::TrustedIssuer;
use serde_json::{Value, json};

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn sign(key: &Ed25519KeyPair, header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn issuers_speak_for_their_own_subjects_and_roles_only() {
    let key = Ed25519KeyPair::generate().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let jwks = dir.path().join("jwks.json");
    let public = URL_SAFE_NO_PAD.encode(key.public_key());
    let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k1", "alg": "EdDSA", "use": "sig", "x": public }] });
    std::fs::write(&jwks, set.to_string()).unwrap();
    let mut world = World::with(|settings| {
        settings.player_jwks = Some(jwks.clone());
        settings.trusted_issuers = vec![TrustedIssuer {
            iss: "https://studio.example/".into(),
            aud: None,
            jwks: jwks.clone(),
            roles: vec![Role::Server, Role::Admin],
            role_claim: "role".into(),
        }];
    })
    .await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": "k1" });
    let claims = json!({ "iss": "https://studio.example/", "aud": "gsm", "sub": "u-1", "exp": now + 60 });
    let with = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        changed
    };
    let anyone = world.anyone.clone();
    let status = async |token: &str, path: &str| anyone.as_whom(token).get(path).await.status.as_u16();
    let good = sign(&key, &header, &claims);
    assert_eq!(status(&good, "/v1/queues").await, 200);
    assert_eq!(status(&good, "/v1/queues").await, 200, "again, as it is remembered");
    assert_eq!(status(&good, "/v1/matches").await, 403);
    assert_eq!(status(&sign(&key, &header, &with("role", json!("game-server"))), "/v1/matches").await, 200);
    assert_eq!(status(&sign(&key, &header, &with("role", json!("admin"))), "/v1/admin/keys").await, 200);
    let mut stranger = with("role", json!("admin"));
    stranger["iss"] = json!("https://elsewhere.example/");
    assert_eq!(
        status(&sign(&key, &header, &stranger), "/v1/admin/keys").await,
        401,
        "not that issuer's role"
    );

    for (name, claims) in [
        ("expired", with("exp", json!(now - 31))),
        ("not yet", with("nbf", json!(now + 40))),
        ("other audience", with("aud", json!("else"))),
        ("exp is text", with("exp", json!("soon"))),
        ("exp is huge", with("exp", json!(1e308))),
        ("no subject", with("sub", Value::Null)),
        ("unknown role", with("role", json!("owner"))),
    ] {
        let answer = status(&sign(&key, &header, &claims), "/v1/queues").await;
        assert_eq!(answer, 401, "{name}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_does_not_choose_its_own_key_or_algorithm() {
    let (key, other) = (Ed25519KeyPair::generate().unwrap(), Ed25519KeyPair::generate().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let jwks = dir.path().join("jwks.json");
    let public = URL_SAFE_NO_PAD.encode(key.public_key());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": public });
    std::fs::write(&jwks, json!({ "keys": [jwk] }).to_string()).unwrap();
    let mut world = World::with(|settings| {
        settings.player_jwks = Some(jwks.clone());
    })
    .await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({ "iss": "i", "aud": "gsm", "sub": "u-1", "exp": now + 60 });
    let header = json!({ "alg": "EdDSA", "kid": "k1" });
    let with = |name: &str, value: Value| {
        let mut changed = header.clone();
        changed[name] = value;
        changed
    };
    let good = sign(&key, &header, &claims);
    world.anyone.as_whom(&good).get("/v1/queues").await.ok();
    let signature = good.rsplit_once('.').unwrap().1;
    let mut bad = vec![
        sign(&other, &header, &claims),
        sign(&key, &with("kid", json!("k2")), &claims),
        sign(&key, &with("kid", Value::Null), &claims),
        sign(&key, &with("alg", json!("ES256")), &claims),
        sign(&key, &with("alg", json!("HS256")), &claims),
        sign(&key, &with("jku", json!("http://127.0.0.1:1/jwks")), &claims),
        sign(&key, &with("jwk", json!({ "kty": "OKP" })), &claims),
        sign(&key, &with("crit", json!(["x"])), &claims),
        format!("{}.{}.", part(&with("alg", json!("none"))), part(&claims)),
        format!(
            "{}.{}.{signature}",
            part(&header),
            part(&json!({ "iss": "i", "aud": "gsm", "sub": "u-2", "exp": now + 60 }))
        ),
    ];
    bad.push(good[..good.len() - 4].to_owned());
    bad.push(format!("{good}.x"));
    for token in bad {
        world.anyone.as_whom(&token).get("/v1/queues").await.is(401, "invalid_token");
    }
    world.stop().await;
}
