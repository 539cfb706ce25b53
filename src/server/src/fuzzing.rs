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
};
use gsm_core::Timestamp;
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
    }
}
