use super::*;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gsm_core::Millis;
use gsm_security::{Profile, RuleConfig};
use std::{io::Write as _, process::Command};

fn rules(toml: &str) -> Vec<RuleConfig> {
    files::parse_rules(toml).unwrap()
}
fn exported(change: impl FnOnce(&mut FirewallSettings)) -> Exported {
    let mut settings = FirewallSettings::of(Profile::Default);
    change(&mut settings);
    export(&settings, "gsm", Timestamp::EPOCH).unwrap()
}
/// The text of one rule's block.
fn block<'a>(exported: &'a Exported, name: &str) -> &'a str {
    let from =
        exported.terraform.find(&format!("name     = \"{name}\"")).unwrap_or_else(|| panic!("no {name}"));
    let rest = &exported.terraform[from..];
    rest.split("\n  rule {").next().unwrap()
}

fn check_window(limit: u32, window_s: u64, expected: (u64, u64)) {
    assert_eq!(widened(Rate::new(limit, Millis::from_secs(window_s)).unwrap()), expected);
}

#[test]
fn a_window_of_waf_lets_pass_what_ours_would() {
    check_window(2_000, 300, (2_000, 300));
    check_window(5, 10, (30, 60));
    check_window(1, 60, (10, 60));
    check_window(100, 45, (200, 60));
    check_window(100, 400, (200, 600));
    check_window(100, 600, (100, 600));
    check_window(1_000_000_000, 1, (2_000_000_000, 60));
}

#[test]
fn default_rules_become_rate_rules_and_the_rest_is_told() {
    let exported = exported(|_| {});
    let address = block(&exported, "address");
    for part in
        ["limit                 = 2000", "evaluation_window_sec = 300", "\"IP\"", "block {}", "\"GameLift.\""]
    {
        assert!(address.contains(part), "{part} in {address}");
    }
    let sign_in = block(&exported, "sign_in");
    for part in ["limit                 = 30", "= 60", "\"POST\"", "^(/v1/auth/device|/v1/auth/guest)$"] {
        assert!(sign_in.contains(part), "{part} in {sign_in}");
    }
    let rank = block(&exported, "rank_read");
    assert!(
        rank.contains("CUSTOM_KEYS")
            && rank.contains("\"authorization\"")
            && rank.contains("/v1/rankings/[^/]+"),
        "{rank}"
    );
    for left_out in ["bad_token", "aws_client"] {
        assert!(
            exported.notes.iter().any(|note| note.starts_with(&format!("Rule `{left_out}` is left out")))
        );
        assert!(!exported.terraform.contains(&format!("name     = \"{left_out}\"")));
    }
    // Everything that is said aloud is in the file as well.
    assert!(exported.notes.iter().all(|note| exported.terraform.contains(note)));
    assert!(!exported.terraform.contains("override_action {"));
}

#[test]
fn count_mode_paths_headers_and_lists_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deny");
    let many: String = (0..10_001u32).map(|i| format!("{}\n", std::net::Ipv4Addr::from(i << 8))).collect();
    std::fs::write(&path, format!("{many}2001:db8::/32\n0.0.0.0/0\n")).unwrap();
    let exported = exported(|settings| {
        settings.deny_file = Some(path);
        settings.exempt_paths = vec!["/healthz".into()];
        settings.written = rules(
            "[[rules]]\nname = \"game\"\nmethods = [\"GET\", \"PUT\"]\npaths = [\"/v1/a.b/*/c\", \"/x/**\"]\n\
             key = \"header:X-Game\"\nlimit = 600\nwindow_s = 60\naction = \"count\"\n",
        );
    });
    let game = block(&exported, "game");
    for part in [
        "count {}",
        "^(GET|PUT|HEAD)$",
        "^(/v1/a\\\\.b/[^/]*/c|/x/.*)$",
        "\"x-game\"",
        "limit                 = 600",
    ] {
        assert!(game.contains(part), "{part} in {game}");
    }
    for set in ["gsm-deny-v4-1", "gsm-deny-v4-2", "gsm-deny-v6-1"] {
        assert!(exported.terraform.contains(&format!("resource \"aws_wafv2_ip_set\" \"{set}\"")), "{set}");
    }
    assert!(block(&exported, "exempt-1").contains("allow {}"));
    assert!(exported.notes.iter().any(|note| note.contains("no /0")));
}

/// Rules by player count who is no player as little as gsm does, and those by key nobody else.
#[test]
fn rules_by_player_and_by_key_count_whom_gsm_counts() {
    let exported = exported(|settings| {
        settings.written = rules(
            "[[rules]]\nname = \"all\"\nkey = \"player\"\nlimit = 100\nwindow_s = 60\n\
             [[rules]]\nname = \"each\"\nkey = \"player_action\"\nface = \"native\"\nlimit = 100\nwindow_s = 60\n\
             [[rules]]\nname = \"keys\"\nkey = \"api_key\"\npaths = [\"/v1/**\"]\nlimit = 100\nwindow_s = 60\n",
        );
    });
    let begins = |name: &str| -> Vec<String> {
        let lines: Vec<&str> = block(&exported, name).lines().map(str::trim).collect();
        let tokens = lines
            .windows(5)
            .filter(|part| part[4].ends_with("\"authorization\"") && part[2].contains("field"));
        tokens.map(|part| part[0].rsplit('"').nth(1).unwrap().to_owned()).collect()
    };
    for (name, most) in [("ticket_create", 1), ("all", 1), ("each", 1), ("rank_read", usize::MAX)] {
        let found = begins(name);
        assert!(
            (1..=most).contains(&found.len()) && found.iter().all(|start| start == "bearer e"),
            "{name}: {found:?}"
        );
    }
    // One in each way of the scope.
    let rank = block(&exported, "rank_read");
    assert_eq!(begins("rank_read").len(), rank.matches("uri_path {}").count());
    for name in ["result", "keys"] {
        assert_eq!(begins(name), ["bearer gsm"], "{name}");
    }
    assert!(begins("address").is_empty() && begins("sign_in").is_empty());
    let token = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","kid":"k"}"#);
    for (sent, by_player, by_key) in [
        (format!("Bearer {token}"), true, false),
        ("bearer gsmk_1_2".to_owned(), false, true),
        ("Bearer gsm1.x.y".to_owned(), false, true),
        ("AWS4-HMAC-SHA256 Credential=x".to_owned(), false, false),
    ] {
        let sent = sent.to_ascii_lowercase();
        assert_eq!((sent.starts_with(PLAYER_TOKENS), sent.starts_with(KEYS)), (by_player, by_key), "{sent}");
    }
    assert!(gsm_engine::token::TokenKey::is_ours("gsm1.x.y"));
    assert!(
        exported.notes.iter().any(|note| note.contains("405") && note.contains("operations for everybody"))
    );
}

/// Terraform itself reads what we write, and would write it the same way.
#[test]
fn terraform_reads_it() {
    let exported = exported(|settings| {
        settings.exempt_paths = vec!["/healthz".into()];
        settings.written = rules(
            "[[rules]]\nname = \"odd\"\npaths = [\"/a$b{c}/*\"]\nkey = \"player_action\"\nlimit = 6\nwindow_s = 1\n",
        );
    });
    let formatted = Command::new("terraform")
        .args(["fmt", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let Ok(mut child) = formatted else {
        // In CI as well: no package of Debian has it.
        #[expect(clippy::print_stderr, reason = "whoever runs the tests must know")]
        {
            eprintln!("SKIPPED: no terraform, the export was not read by it");
        }
        return;
    };
    child.stdin.take().unwrap().write_all(exported.terraform.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success());
    assert_eq!(String::from_utf8(done.stdout).unwrap(), exported.terraform);
}
