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

    // A record that is being written is none yet.
    let newest =
        fs::read_dir(Path::new(log).join("segments")).unwrap().map(|file| file.unwrap().path()).max();
    let newest = newest.unwrap();
    let text = fs::read_to_string(&newest).unwrap();
    write(&newest, &format!("{text}{{\"seq\":{size},\"eventN"));
    assert_eq!(audit("export", &[]).ok(), lines);
    let trail: Value = serde_json::from_str(&audit("export", &["--cloudtrail"]).ok()).unwrap();
    assert_eq!(trail["Records"].as_array().unwrap().len() as u64, size);
    assert_eq!(audit("tail", &["-n", "1", "--json"]).ok().lines().last(), lines.lines().last());
    write(&newest, &text);

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
    let plus = dir.path().join("c++.vkey");
    fs::copy(key, &plus).unwrap();
    gsm(&["audit", "verify", "--dir", log, "--vkey", arg(&plus)]).ok();
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

#[test]
fn an_older_store_goes_on_behind_a_newer_log() {
    let dir = tempfile::tempdir().unwrap();
    let (data, at) = (dir.path().join("data"), |name: &str| dir.path().join(name));
    let start = || Served::start("dev", &data, &["--bots", "0", "--firewall-profile", "test-lenient"]);
    let log = data.join("audit");
    let files = ["tables.redb", "journal.redb"];
    let served = start();
    (0..10).for_each(|n| sign_in(&served, n));
    assert!(served.signal("TERM").1.success());
    for file in files {
        fs::copy(data.join(file), at(file)).unwrap();
    }
    let served = start();
    (100..120).for_each(|n| sign_in(&served, n));
    assert!(served.signal("TERM").1.success());
    fs::copy(log.join("log.vkey"), at("gsm.vkey")).unwrap();
    fs::copy(log.join("checkpoint"), at("anchor")).unwrap();
    let records = || -> Vec<Value> {
        let all = gsm(&["audit", "export", "--dir", arg(&log)]).ok();
        all.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let commit = |record: &Value| record["additionalEventData"]["commit"].as_u64();
    let last = records().iter().filter_map(commit).max().unwrap();
    let doctor = || gsm(&["doctor", "--listen", "127.0.0.1:0", "--data-dir", arg(&data)]);
    let is_warned = |ran: &crate::gsm::Ran| {
        let is_it = |line: &str| line.starts_with("warn") && line.contains("goes on behind the log");
        ran.code == Some(0) && ran.out.lines().any(is_it)
    };
    assert!(!is_warned(&doctor()));
    for file in files {
        fs::copy(at(file), data.join(file)).unwrap();
    }
    let ran = doctor();
    assert!(is_warned(&ran) && ran.out.contains(&format!("that of the audit log is {last}")), "{ran:?}");

    // Killed before the log has all of it, and after a start that did nothing.
    let served = start();
    assert!(served.said.iter().any(|line| line.contains("older than the audit log")), "{:?}", served.said);
    (200..215).for_each(|n| sign_in(&served, n));
    served.signal("KILL");
    start().signal("KILL");
    let served = start();
    (300..305).for_each(|n| sign_in(&served, n));
    assert!(served.signal("TERM").1.success());
    assert!(!is_warned(&doctor()));
    let all = records();
    let named = |name: &str| all.iter().filter(|record| record["eventName"] == name).collect::<Vec<_>>();
    assert_eq!(named("gsm:SignIn").len(), 10 + 20 + 15 + 5, "each once");
    let mut commits: Vec<u64> = all.iter().filter_map(commit).collect();
    assert!(commits.is_sorted(), "{commits:?}");
    commits.dedup();
    assert_eq!(commits.len(), all.iter().filter_map(commit).count(), "no number twice");
    let told = named("gsm:ResumeOlderStore");
    let [told] = told[..] else { panic!("{told:?}") };
    assert_eq!((&told["userIdentity"]["type"], commit(told)), (&"System".into(), Some(last + 1)));
    let parameters = &told["requestParameters"];
    assert_eq!(parameters["log_commit"], last);
    assert!(parameters["store_commit"].as_u64().is_some_and(|store| store < last), "{parameters}");
    let (key, anchor) = (at("gsm.vkey"), at("anchor"));
    gsm(&["audit", "verify", "--dir", arg(&log), "--vkey", arg(&key), "--anchor", arg(&anchor)]).ok();
}
