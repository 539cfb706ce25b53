use crate::gsm::{Served, arg, gsm, write};
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt as _};

#[test]
fn a_player_is_exported_erased_and_the_receipt_is_checked_without_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    gsm(&["admin", "bootstrap", "--data-dir", arg(&data)]).ok();
    let served = Served::start("serve", &data, &[]);
    let (server, admin) = (format!("http://{}", served.addr), data.join("admin.key"));
    let body = r#"{"secret":"abcdefghijklmnopqrstuvwxyz","display_name":"Zaphod"}"#;
    let session: Value = served.post("/v1/auth/guest", None, body).1;
    let player = session["player_id"].as_str().unwrap().to_owned();
    let privacy = |what: &str, more: &[&str]| {
        let of = ["privacy", what, &player, "--server", &server, "--token-file", arg(&admin)];
        gsm(&[&of[..], more].concat())
    };
    let lines = privacy("export", &[]).ok();
    let account: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&account["kind"], &account["data"]["display_name"]), (&"account".into(), &"Zaphod".into()));
    assert_eq!(account["data"]["ways_to_sign_in"][0], "guest_secret");
    let out = dir.path().join("zaphod.jsonl");
    privacy("export", &["--out", arg(&out)]).ok();
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    privacy("export", &["--out", arg(&out)]).told(1, &["zaphod.jsonl"]);

    let receipt = dir.path().join("receipt.json");
    privacy("erase", &["--reason", "asked"]).told(2, &["--yes"]);
    privacy("erase", &["--yes", "--out", arg(&receipt)]).told(1, &["422", "why the player is erased"]);
    assert!(!receipt.exists(), "no receipt of what was not done");
    let told = privacy("erase", &["--yes", "--reason", "asked", "--out", arg(&receipt)]).ok();
    assert!(told.contains("is erased"), "{told}");
    privacy("erase", &["--yes", "--reason", "asked"]).ok();
    privacy("export", &[]).told(1, &["404"]);
    let key = dir.path().join("gsm.vkey");
    fs::copy(data.join("audit/log.vkey"), &key).unwrap();
    assert!(served.signal("TERM").1.success());

    let verify =
        |more: &[&str]| gsm(&[&["privacy", "verify", arg(&receipt), "--vkey", arg(&key)], more].concat());
    let good = verify(&[]).ok();
    assert!(good.contains("good") && good.contains(&player), "{good}");
    assert_eq!(verify(&["--json"]).json()["statement"]["asked_for_by"], "operator");
    let text = fs::read_to_string(&receipt).unwrap();
    write(&receipt, &text.replace("\"display_name\": true", "\"display_name\": false"));
    verify(&[]).told(1, &["not what was signed"]);
    assert_eq!(verify(&["--json"]).code, Some(1));
    write(&receipt, "{}");
    verify(&[]).told(1, &["not a signed note"]);
    gsm(&["privacy", "verify", "/nowhere", "--vkey", arg(&key)]).told(2, &["/nowhere"]);
    write(&key, "nothing");
    assert_eq!(verify(&[]).code, Some(2));
    gsm(&["privacy", "export", "somebody", "--token-file", arg(&admin)]).told(2, &["somebody"]);
    // Nothing in the log says who the player was.
    let log = fs::read_dir(data.join("audit/segments")).unwrap();
    let log: String = log.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert!(log.contains("gsm:ErasePlayer") && log.contains(&player) && !log.contains("Zaphod"));
    assert!(!log.contains("abcdefghijklmnopqrstuvwxyz") && !log.contains("127.0.0.1"));
}
