use crate::gsm::{Served, arg, gsm, write};
use serde_json::Value;
use std::{fs, path::Path};

fn sign_in(served: &Served, n: usize) {
    let body = format!(r#"{{"secret":"abcdefghijklmnopqrstuvwxyz{n:06}"}}"#);
    assert_eq!(served.post("/v1/auth/guest", None, &body).0, 200);
}

/// A log of a server that was killed in the middle of its work a few times, and the file with its key.
fn killed(dir: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let (data, key) = (dir.join("data"), dir.join("gsm.vkey"));
    let log = data.join("audit");
    for round in 0..3 {
        let served = Served::start("dev", &data, &["--bots", "0", "--firewall-profile", "test-lenient"]);
        if round == 0 {
            fs::copy(log.join("log.vkey"), &key).unwrap();
        }
        for n in 0..120 {
            sign_in(&served, round * 1_000 + n);
        }
        served.signal("KILL");
        gsm(&["audit", "verify", "--dir", arg(&log), "--vkey", arg(&key)]).ok();
    }
    let served = Served::start("dev", &data, &["--bots", "0"]);
    let (_, ended) = served.signal("TERM");
    assert!(ended.success());
    (log, key)
}

#[test]
fn a_log_is_checked_proved_and_read_without_its_server() {
    let dir = tempfile::tempdir().unwrap();
    let (log, key) = killed(dir.path());
    let (log, key) = (arg(&log), arg(&key));
    let audit = |what: &str, more: &[&str]| {
        let mut args = vec!["audit", what, "--dir", log];
        if !["export", "tail"].contains(&what) {
            args.extend(["--vkey", key]);
        }
        gsm(&[&args[..], more].concat())
    };
    let whole = audit("verify", &["--json"]).json();
    assert_eq!(whole["verdict"], "whole");
    let size = whole["size"].as_u64().unwrap();
    assert!(size >= 360, "{whole}");
    let lines = audit("export", &[]).ok();
    assert_eq!(lines.lines().count() as u64, size);
    for (seq, line) in lines.lines().enumerate() {
        assert_eq!(serde_json::from_str::<Value>(line).unwrap()["seq"], seq);
    }
    let signed_in = lines.lines().filter(|line| line.contains("\"gsm:SignIn\"")).count();
    assert_eq!(signed_in, 360, "each once");
    let trail: Value =
        serde_json::from_str(&audit("export", &["--cloudtrail", "--first", "5", "--limit", "7"]).ok())
            .unwrap();
    let records = trail["Records"].as_array().unwrap();
    assert_eq!((records.len(), &records[0]["seq"]), (7, &5.into()));
    assert_eq!(records[0]["awsRegion"], "us-east-1");
    assert_eq!(records[0]["eventTime"].as_str().unwrap().len(), "2026-11-27T07:30:00Z".len());
    assert_eq!(audit("tail", &["-n", "3"]).ok().lines().count(), 3);
    assert_eq!(audit("tail", &["-n", "4", "--json"]).ok().lines().last(), lines.lines().last());

    let proof = audit("prove", &["--seq", "300"]).ok();
    assert!(
        proof.starts_with("c2sp.org/tlog-proof@v1\nindex 300\n") && proof.contains("\n\ngsm/audit/"),
        "{proof}"
    );
    assert_eq!(audit("prove", &["--seq", "300", "--json"]).json()["record"].as_str(), lines.lines().nth(300));
    audit("prove", &["--seq", &size.to_string()]).told(2, &["--seq"]);
    let older = dir.path().join("older");
    let kept = fs::read_dir(Path::new(log).join("checkpoints")).unwrap().next().unwrap().unwrap();
    fs::copy(kept.path(), &older).unwrap();
    audit("verify", &["--anchor", arg(&older)]).ok();
    audit("consistency", &["--anchor", arg(&older)]).ok();

    // What cannot be checked is 2, what is damaged is 1.
    gsm(&["audit", "verify", "--dir", arg(dir.path()), "--vkey", key]).told(2, &["no audit log"]);
    gsm(&["audit", "verify", "--dir", log, "--vkey", "a+b+c"]).told(2, &["--vkey"]);
    gsm(&["audit", "verify", "--dir", log, "--vkey", "no-such-file"]).told(2, &["no-such-file"]);
    audit("verify", &["--anchor", "no-such-file"]).told(2, &["no-such-file"]);
    write(&dir.path().join("junk"), "junk");
    audit("verify", &["--anchor", arg(&dir.path().join("junk"))]).told(2, &["anchor"]);
    let segment = Path::new(log).join("segments/00000000000000000000.jsonl");
    let text = fs::read_to_string(&segment).unwrap();
    write(&segment, &text.replacen("\"seq\":17,", "\"seq\":18,", 1));
    let found = audit("verify", &["--json"]);
    found.told(1, &[]);
    let found = found.json();
    assert_eq!((&found["first_bad_seq"], &found["exact"]), (&17.into(), &true.into()));
    audit("prove", &["--seq", "3"]).told(1, &["gsm audit verify"]);
    audit("consistency", &["--anchor", arg(&older)]).told(1, &[]);
    let said = audit("verify", &[]);
    said.told(1, &[]);
    assert!(said.out.starts_with("damaged: first bad record 17\n"), "{said:?}");
}
