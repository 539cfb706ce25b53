//! What fuzzers feed (`fuzz/`): each function takes any bytes, and panics where a promise is broken. The seeds of the
//! fuzzers run as a test.
#![allow(clippy::panic, clippy::missing_panics_doc, reason = "a broken promise is told by a panic")]
use crate::{
    firewall::files,
    front::{
        WireLimits,
        strict::{Framing, Phase, Verdict},
        strict_json::{self, JsonLimits},
    },
    who::{
        jwks::{KeySet, Origin, Source},
        jwt::{self, Issuer, Taken},
    },
};
use gsm_audit::{Checkpoint, Note, SigningKey, VerifierKey};
use gsm_core::Timestamp;
use gsm_engine::token::{ChallengeClaim, ConsentClaim, MatchClaim, TokenClaim, TokenKey};
use gsm_policy::{Operation, Policies, Question, Resource, Who};
use gsm_rules::Dialect;
use gsm_security::{Face, Firewall, Moment, Now, Plan, Request, Verdict as Judged, rules};
use serde_json::Value;
use std::sync::Arc;

/// What the strict reader takes is what any reader finds in it; what it refuses is the caller's fault.
pub fn json_body(bytes: &[u8]) {
    match strict_json::parse::<Value>(bytes, &JsonLimits::NATIVE) {
        Ok(value) => assert_eq!(serde_json::from_slice::<Value>(bytes).ok(), Some(value)),
        Err(fault) => assert!(fault.status().is_client_error(), "{fault}"),
    }
}

/// However the bytes of a connection are cut, the same of them pass and the same fault ends it.
pub fn http_head(bytes: &[u8]) {
    let whole = passed(bytes, bytes.len().max(1));
    for piece in [1, 7] {
        assert_eq!(passed(bytes, piece), whole, "in pieces of {piece}");
    }
}

/// What passes of a connection, and what ended it.
fn passed(bytes: &[u8], piece: usize) -> (Vec<u8>, Option<String>) {
    let (mut framing, mut out, mut from) = (Framing::new(WireLimits::default()), Vec::new(), 0);
    for to in (1..=bytes.len()).filter(|to| to % piece == 0 || *to == bytes.len()) {
        loop {
            if framing.phase() == Phase::Upgrade {
                framing.resume();
            }
            match framing.feed(bytes.get(from..to).unwrap_or_default()) {
                Verdict::More => break,
                Verdict::Skip(n) => from += n,
                Verdict::Release(n) => {
                    assert!(n > 0 && from + n <= to, "releases what it was shown");
                    out.extend_from_slice(bytes.get(from..from + n).unwrap_or_default());
                    from += n;
                }
                Verdict::Fault(fault) => return (out, Some(fault.to_string())),
            }
        }
    }
    (out, None)
}

/// A rule set is read or its faults are named.
pub fn rule_set(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match gsm_rules::parse(text, Dialect::Strict) {
        Ok(parsed) => assert!(!parsed.set.teams().is_empty() && !parsed.set.stages().is_empty()),
        Err(faults) => assert!(!faults.is_empty()),
    }
}

/// Rules of the firewall are read or their faults are named, and judge any request.
pub fn firewall_rules(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(written) = files::parse_rules(text) else { return };
    match rules(&[], &written) {
        Ok(rules) => {
            let request = Request {
                address: [192, 0, 2, 1].into(),
                face: Face::Native,
                method: "GET",
                path: "/v1/players/plr-1/history",
                action: Some("gsm:GetHistory"),
                header: &|_| Some(b"x"),
                moment: Moment::Arrival,
            };
            let plan = Plan { rules, keys_max: 10, deny_counts_only: false, exempt_paths: Vec::new() };
            let now = Now { monotonic: || 0, at: Timestamp::EPOCH };
            let first = Firewall::new(plan, Arc::default(), 0).decide(&request, now);
            assert!(matches!(first, Judged::Allow { .. }), "the first request passes");
        }
        Err(faults) => assert!(!faults.is_empty()),
    }
}

/// The public half of the key that signs the seed (Ed25519, of the seed 7 in each byte).
const SEED_KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"k1","x":"6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw"}]}"#;
/// What that key has signed.
const SEED_SIGNED: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpc3MiOiJnc20iLCJhdWQiOiJnc20iLCJzdWIiOiJwbHItMSIsImV4cCI6NDEwMjQ0NDgwMH0";

/// Nothing passes as a token but what was issued.
pub fn token(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    opens::<ChallengeClaim>(text);
    opens::<MatchClaim>(text);
    opens::<ConsentClaim>(text);
    let Some(taken) = Taken::of(text) else { return };
    if jwt::verify([&issuer()], &taken, Timestamp::EPOCH).is_ok() {
        assert_eq!(text.rsplit_once('.').map(|(signed, _)| signed), Some(SEED_SIGNED), "signed by nobody");
    }
}

fn issuer() -> Issuer {
    let keys = KeySet::read(SEED_KEYS.as_bytes(), true).unwrap_or_else(|what| panic!("{what}"));
    Issuer {
        iss: None,
        others: Vec::new(),
        audience: "gsm".to_owned(),
        roles: vec![crate::config::Asserted::Player],
        role_claim: "role".to_owned(),
        keys: Source::new(Origin::Own, keys),
    }
}

/// What opens as a token of ours is to the byte what is issued for its claim.
fn opens<C: TokenClaim>(text: &str) {
    let key = TokenKey::new([7; 32]);
    if let Ok(claim) = key.open::<C>(text, Timestamp::EPOCH) {
        assert_eq!(key.issue(&claim), text);
    }
}

/// A note that is read is written as the same note; what is trusted is what the key signs.
pub fn checkpoint(bytes: &[u8]) {
    let Ok(key) = SigningKey::of("gsm/audit/fuzz", [7; 32]) else { return };
    let trusted = [key.verifier().clone()];
    if let Ok(key) = str::from_utf8(bytes).unwrap_or_default().parse::<VerifierKey>() {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
    let Ok(note) = Note::parse(bytes) else { return };
    assert_eq!(Note::parse(note.to_string().as_bytes()), Ok(note.clone()), "written and read");
    if note.checked(&trusted).is_ok() {
        // Ed25519 signs a text in one way only.
        let own = Note::sign(note.unchecked(), &[&key]).to_string();
        let signature = own.lines().last().unwrap_or_default();
        assert!(String::from_utf8_lossy(bytes).lines().any(|line| line == signature), "signed by nobody");
    }
    if let Ok(found) = Checkpoint::claimed(bytes) {
        let own = found.signed(&[&key]).to_string();
        assert_eq!(Checkpoint::claimed(own.as_bytes()), Ok(found));
    }
}

/// A policy is read, decides anything and opens nothing that is not for players to them; or its faults are named where they are.
pub fn policy(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let operation = |action: &str, role: &str, mutating, resource: &str| Operation {
        action: action.to_owned(),
        roles: vec![role.to_owned()],
        mutating,
        needs_reason: false,
        resource: resource.to_owned(),
        parameters: vec!["queue".to_owned()],
    };
    let operations = [
        operation("gsm:GetQueue", "player", false, "Queue"),
        operation("gsm:IssueKey", "admin", true, "Service"),
    ];
    match Policies::load(&operations, &[("own.cedar".to_owned(), text.to_owned())]) {
        Ok(policies) => {
            let may = |action, kind, admin| {
                let context = [("address", "192.0.2.1"), ("queue", "duel")];
                let resource = Resource { kind: "Queue", id: "duel" };
                policies
                    .decide(&Question {
                        who: Who { kind, id: "a", admin },
                        action,
                        resource,
                        context: &context,
                    })
                    .allowed
            };
            may("gsm:GetQueue", "player", None);
            may("gsm:IssueKey", "admin", Some("owner"));
            assert!(!may("gsm:IssueKey", "player", None), "opened to players");
            assert!(!may("gsm:Unknown", "admin", Some("owner")), "an action that is none");
        }
        Err(faults) => {
            let lines = text.matches('\n').count() + 1;
            assert!(
                !faults.0.is_empty() && faults.0.iter().all(|fault| (1..=lines).contains(&fault.line)),
                "{faults}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn check(seeds: &str, least: usize, feed: impl Fn(&[u8])) {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(seeds);
        let files = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
        let mut fed = 0;
        for path in files {
            let bytes = std::fs::read(&path).unwrap();
            feed(&bytes);
            // What a fuzzer would try first.
            for cut in 0..bytes.len().min(400) {
                feed(&bytes[..cut]);
                let mut bent = bytes.clone();
                bent[cut] ^= 0x20;
                feed(&bent);
            }
            fed += 1;
        }
        assert!(fed >= least, "{fed} seeds in {seeds}");
    }

    #[test]
    fn the_seeds_break_no_promise() {
        check("fuzz/seeds/json_body", 6, json_body);
        check("fuzz/seeds/http_head", 8, http_head);
        check("fuzz/seeds/rule_set", 2, rule_set);
        check("config/rule-sets", 6, rule_set);
        check("fuzz/seeds/firewall_rules", 3, firewall_rules);
        check("fuzz/seeds/token", 8, token);
        check("fuzz/seeds/checkpoint", 5, checkpoint);
        check("fuzz/seeds/policy", 3, policy);
    }

    /// Else the promise is kept by refusing everything.
    #[test]
    fn the_seeds_that_are_right_are_taken() {
        let seed = |path: &str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(path);
            std::fs::read_to_string(path).unwrap()
        };
        assert_eq!(seed("token/session").rsplit_once('.').unwrap().0, SEED_SIGNED);
        let text = seed("token/session");
        let issuer = issuer();
        jwt::verify([&issuer], &Taken::of(&text).unwrap(), Timestamp::EPOCH).unwrap();
        let key = TokenKey::new([7; 32]);
        key.open::<ConsentClaim>(&seed("token/consent"), Timestamp::EPOCH).unwrap();
        key.open::<ChallengeClaim>(&seed("token/challenge"), Timestamp::EPOCH).unwrap();
        key.open::<MatchClaim>(&seed("token/match"), Timestamp::EPOCH).unwrap();
        let trusted = [SigningKey::of("gsm/audit/fuzz", [7; 32]).unwrap().verifier().clone()];
        for name in ["signed", "two_keys", "extended"] {
            let found =
                Checkpoint::trusted(seed(&format!("checkpoint/{name}")).as_bytes(), &trusted).unwrap();
            assert_eq!(found.size, 4_711, "{name}");
        }
        assert_eq!(seed("checkpoint/vkey"), trusted[0].to_string());
    }
}
