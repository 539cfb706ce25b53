//! Tokens of issuers: what is taken, and the many that are not.
mod claims;
mod forms;
mod keys;

use crate::world::World;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gsm_server::config::{Asserted, TrustedIssuer};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const STUDIO: &str = "https://studio.example/";

/// An issuer with a key of either kind.
pub(crate) struct Issuer {
    ed: Ed25519KeyPair,
    ec: EcdsaKeyPair,
    now: u64,
}

impl Issuer {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn with(&self, change: impl FnOnce(&mut Value)) -> String {
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

pub(crate) async fn world(dir: &Path, issuer: &Issuer, roles: &[Asserted]) -> World {
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
