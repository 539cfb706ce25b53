use crate::gsm::{Ran, Served, arg, gsm, gsm_in, write};
use gsm_core::Clock as _;
use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

#[test]
fn a_fit_machine_passes_and_each_check_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let found = gsm(&["doctor", "--listen", "127.0.0.1:0", "--data-dir", arg(&data), "--json"]).json();
    assert_eq!(found["ok"], true, "{found}");
    let checks: Vec<&str> =
        found["findings"].as_array().unwrap().iter().map(|f| f["check"].as_str().unwrap()).collect();
    for check in [
        "clock",
        "clock sync",
        "open files",
        "memory",
        "port",
        "data directory",
        "snapshots",
        "disk space",
        "disk sync",
    ] {
        assert!(checks.contains(&check), "{check} is not in {checks:?}");
    }
    assert!(!data.exists(), "it looks and leaves nothing");
}

#[test]
fn a_clock_that_stands_before_what_was_written_fails() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let clock = || {
        let ran = gsm(&["doctor", "--listen", "127.0.0.1:0", "--data-dir", arg(&data), "--json"]);
        let found = ran.json();
        let finding = found["findings"].as_array().unwrap().iter().find(|found| found["check"] == "clock");
        let text = |name: &str| finding.unwrap()[name].as_str().unwrap_or_default().to_owned();
        (text("verdict"), text("found"), ran.code)
    };
    let served = Served::start("serve", &data, &[]);
    let (verdict, found, _) = clock();
    assert!(verdict == "ok" && found.contains(" s after the last "), "while it runs: {found}");
    assert!(served.signal("TERM").1.success());
    let store = ["journal.redb", "tables.redb"].map(|name| data.join(name));
    let now = std::time::Duration::from_millis(gsm_adapters::SystemClock::new().now().as_millis() as u64);
    let set = |days_ahead: i64| {
        let at = std::time::UNIX_EPOCH + now;
        let by = std::time::Duration::from_secs(days_ahead.unsigned_abs() * 86_400);
        let at = if days_ahead < 0 { at - by } else { at + by };
        store
            .iter()
            .for_each(|path| fs::File::options().write(true).open(path).unwrap().set_modified(at).unwrap());
    };
    set(3);
    let (verdict, found, code) = clock();
    let told = "2 days before the last change of the store";
    assert!((verdict.as_str(), code) == ("fail", Some(1)) && found.contains(told), "{found}");
    // The log tells of today all the same.
    set(-30);
    let (verdict, found, _) = clock();
    assert!(verdict == "ok" && found.contains("after the last record of the audit log"), "{found}");
    let segment = data.join("audit/segments/00000000000000000000.jsonl");
    let text = fs::read_to_string(&segment).unwrap();
    let year = |year: &str| {
        let at = text.rfind("\"eventTime\":\"").unwrap() + 13;
        let mut changed = text.clone();
        changed.replace_range(at..at + 4, year);
        write(&segment, &changed);
        clock()
    };
    let (verdict, found, _) = year("2999");
    assert!(verdict == "fail" && found.contains("days before the last record"), "{found}");
    // Weeks after both.
    write(&segment, "");
    let (verdict, found, _) = clock();
    assert!(verdict == "warn" && found.contains("30 days after the last change"), "{found}");
}

#[test]
fn what_would_stop_a_server_fails_and_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("token.key"), "x");
    fs::set_permissions(dir.path().join("token.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let jwks = dir.path().join("keys.json");
    write(&jwks, "{}");
    let ran = gsm(&[
        "doctor",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        arg(dir.path()),
        "--player-jwks",
        arg(&jwks),
    ]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let failed = |check: &str| ran.out.lines().any(|line| line.starts_with("FAIL") && line.contains(check));
    assert!(failed("session key") && failed("issuer keys"), "{}", ran.out);
    assert!(ran.out.contains("chmod 600"), "{}", ran.out);
    let ran = Command::new(env!("CARGO_BIN_EXE_gsm"))
        .args(["doctor", "--listen", "127.0.0.1:0", "--data-dir", arg(dir.path())])
        .env("GSM__RECORDING__DIR", &jwks)
        .env("GSM__AUDIT__SHIP_TO", jwks.join("below"))
        .output()
        .unwrap();
    let out = String::from_utf8(ran.stdout).unwrap();
    assert!(out.contains("recording") && out.contains("audit copy") && out.contains("is a file"), "{out}");
    fs::create_dir(dir.path().join("snapshots")).unwrap();
    write(&dir.path().join("snapshots/duel.board"), "x");
    write(&dir.path().join("snapshots/duel.board.new"), "of a crash");
    let ran = gsm(&["doctor", "--listen", "127.0.0.1:0", "--data-dir", arg(dir.path())]);
    assert!(ran.out.contains("1 boards, 0 MiB, the oldest"), "{}", ran.out);
    fs::remove_dir_all(dir.path().join("snapshots")).unwrap();
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn keys_that_serve_refuses_fail() {
    let dir = tempfile::tempdir().unwrap();
    let files = ["token.key", "aws-master.key", "audit.key", "address-2026.key"];
    for file in files {
        write(&dir.path().join(file), &"ab".repeat(32));
        fs::set_permissions(dir.path().join(file), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let ran = gsm(&["doctor", "--listen", "127.0.0.1:0", "--data-dir", arg(dir.path())]);
    let failed = ran.out.lines().filter(|line| line.starts_with("FAIL")).collect::<Vec<_>>().join("\n");
    assert!(ran.code == Some(1) && files.iter().all(|file| failed.contains(file)), "{}", ran.out);
    for file in files {
        fs::remove_file(dir.path().join(file)).unwrap();
    }
    let ran = gsm(&["doctor", "--listen", "127.0.0.1:0", "--data-dir", arg(dir.path())]);
    assert_eq!(ran.code, Some(0), "{}", ran.out);
}

#[test]
fn a_log_without_its_key_fails() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("audit")).unwrap();
    write(&dir.path().join("audit/checkpoint"), "x");
    let ran = gsm(&["doctor", "--listen", "127.0.0.1:0", "--data-dir", arg(dir.path())]);
    let is_it = |line: &str| line.starts_with("FAIL") && line.contains("audit.key` is gone");
    assert!(ran.code == Some(1) && ran.out.lines().any(is_it), "{ran:?}");
}

#[test]
fn what_is_missing_and_what_cannot_be_made_fails() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let doctor =
        |env: &[(&str, &str)]| gsm_in(&["doctor", "--listen", "127.0.0.1:0", "--data-dir", arg(&data)], env);
    let failed = |ran: &Ran, parts: &[&str]| {
        let is_it = |line: &str| line.starts_with("FAIL") && parts.iter().all(|part| line.contains(part));
        assert!(ran.code == Some(1) && ran.out.lines().any(is_it), "{parts:?}: {ran:?}");
    };
    for (name, check) in [
        ("GSM__AUTH__TOKEN_KEY_FILE", "session key"),
        ("GSM__AUDIT__KEY_FILE", "audit keys"),
        ("GSM__GAMELIFT__MASTER_KEY_FILE", "access key seal"),
    ] {
        let key = dir.path().join("none/x.key");
        failed(&doctor(&[(name, arg(&key))]), &[check, "there is no directory"]);
        failed(&doctor(&[(name, "")]), &["configuration", "must not be empty"]);
    }
    failed(&doctor(&[("GSM__RECORDING__DIR", "/proc/nowhere/x")]), &["recording", "cannot be made"]);
    let traffic = dir.path().join("a/b");
    assert_eq!(doctor(&[("GSM__RECORDING__DIR", arg(&traffic))]).code, Some(0));
    assert!(!dir.path().join("a").exists(), "it leaves nothing");

    // A store of a server that has run, with an access key.
    let served = Served::start("dev", &data, &["--bots", "0"]);
    let keys: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(data.join("dev-credentials.json")).unwrap()).unwrap();
    let body = r#"{"role":"server","note":"x"}"#;
    assert_eq!(served.post("/v1/aws-keys", keys["admin_key"].as_str(), body).0, 201);
    assert!(served.signal("TERM").1.success());
    let ran = doctor(&[]);
    let is_whole = |line: &str| line.starts_with("ok") && line.contains("store") && line.contains("opens");
    assert!(ran.code == Some(0) && ran.out.lines().any(is_whole), "{ran:?}");
    for (file, part) in [
        ("tables.redb", "`tables.redb` is missing"),
        ("journal.redb", "`journal.redb` is missing"),
        ("audit/checkpoint", "there are records"),
        ("aws-master.key", "1 access keys"),
    ] {
        let (path, aside) = (data.join(file), dir.path().join("aside"));
        fs::rename(&path, &aside).unwrap();
        failed(&doctor(&[]), &[part]);
        assert!(!path.exists());
        if file.ends_with(".redb") {
            write(&path, "noise");
            failed(&doctor(&[]), &["is damaged"]);
        }
        fs::rename(&aside, &path).unwrap();
    }
    let whole = doctor(&[]);
    assert!(whole.code == Some(0) && whole.out.contains("records, whole"), "{whole:?}");

    // A log that serve refuses.
    let segment = data.join("audit/segments/00000000000000000000.jsonl");
    let text = fs::read(&segment).unwrap();
    let mut flipped = text.clone();
    flipped[60] ^= 1;
    fs::write(&segment, &flipped).unwrap();
    failed(&doctor(&[]), &["audit log", "is damaged"]);
    assert_eq!(fs::read(&segment).unwrap(), flipped);
    gsm(&["serve", "--listen", "127.0.0.1:0", "--data-dir", arg(&data)]).told(1, &["is damaged"]);
    fs::write(&segment, &text).unwrap();
    let newer = data.join("audit/segments/00000000000000000256.jsonl");
    write(&newer, "x");
    failed(&doctor(&[]), &["audit log", "00000000000000000256.jsonl"]);
    fs::remove_file(&newer).unwrap();

    // What a start makes anew, at a price.
    let names = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let address = names.into_iter().find(|name| name.starts_with("address-")).unwrap();
    for (file, parts) in [
        ("token.key", ["session key", "sessions and tokens of matches end"]),
        (&address, ["address key", "look like others"]),
    ] {
        let (path, aside) = (data.join(file), dir.path().join("aside"));
        fs::rename(&path, &aside).unwrap();
        let ran = doctor(&[]);
        let warned = |line: &str| line.starts_with("warn") && parts.iter().all(|part| line.contains(part));
        assert!(ran.code == Some(0) && ran.out.lines().any(warned) && !path.exists(), "{file}: {ran:?}");
        if file == address {
            let served = Served::start("serve", &data, &[]);
            assert!(served.said.iter().any(|line| line.contains("look like others")), "{:?}", served.said);
            assert!(served.signal("TERM").1.success());
        }
        fs::rename(&aside, &path).unwrap();
    }
    let ran = doctor(&[]);
    assert!(!ran.out.contains("is gone"), "{ran:?}");
}

#[test]
fn a_directory_in_use_is_no_failure_and_its_server_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start("serve", dir.path(), &[]);
    let ran = gsm(&["doctor", "--listen", &served.addr, "--data-dir", arg(dir.path())]);
    let warned = |check: &str| ran.out.lines().any(|line| line.starts_with("warn") && line.contains(check));
    assert!(ran.code == Some(0) && warned("port") && warned("holds the directory"), "{ran:?}");
}

#[test]
fn an_address_that_serve_would_be_refused_fails() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let failed = |listen: &str, why: &str| {
        let ran = gsm(&["doctor", "--listen", listen, "--data-dir", arg(dir.path())]);
        let is_it = |line: &str| line.starts_with("FAIL") && line.contains("port") && line.contains(why);
        assert!(ran.code == Some(1) && ran.out.lines().any(is_it), "{ran:?}");
    };
    failed(&addr, "stop what runs there");
    // Of no interface of this machine.
    failed("192.0.2.1:8080", "choose another --listen");
    // A server of another directory is in the way as anything else is.
    let other = tempfile::tempdir().unwrap();
    let served = Served::start("serve", other.path(), &[]);
    failed(&served.addr, "stop what runs there");
}

#[test]
fn certificates_and_secrets_are_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let good_for = |days: i64| {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let now = gsm_adapters::SystemClock::new().now().as_millis() / 1_000;
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after =
            params.not_before + std::time::Duration::from_secs((now + days * 86_400 - 1_577_836_800) as u64);
        let key = rcgen::KeyPair::generate().unwrap();
        write(&at("tls.crt"), &params.self_signed(&key).unwrap().pem());
        write(&at("tls.key"), &key.serialize_pem());
    };
    write(&at("hook.secret"), "changeme-changeme-changeme");
    let webhook = format!(
        "[tls]\ncert_file = {:?}\nkey_file = {:?}\n[[events.webhooks]]\nname = \"w\"\nurl = \"http://127.0.0.1:1/\"\nsecret_file = {:?}\n",
        at("tls.crt"),
        at("tls.key"),
        at("hook.secret")
    );
    write(&at("gsm.toml"), &webhook);
    let line = |check: &str| {
        let ran = gsm(&[
            "doctor",
            "--listen",
            "127.0.0.1:0",
            "--config",
            arg(&at("gsm.toml")),
            "--data-dir",
            arg(&at("data")),
        ]);
        ran.out
            .lines()
            .find(|line| line.contains(check))
            .unwrap_or_else(|| panic!("no {check}: {ran:?}"))
            .to_owned()
    };
    for (days, verdict) in [(-3, "FAIL"), (5, "warn"), (60, "ok")] {
        good_for(days);
        let told = line("TLS certificate");
        assert!(told.starts_with(verdict), "{days}: {told}");
    }
    // One that is to be good in a time that this clock has not reached.
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.not_before, params.not_after) =
        (rcgen::date_time_ymd(2990, 1, 1), rcgen::date_time_ymd(2999, 1, 1));
    let key = rcgen::KeyPair::generate().unwrap();
    write(&at("tls.crt"), &params.self_signed(&key).unwrap().pem());
    let told = line("TLS certificate");
    assert!(told.starts_with("FAIL") && told.contains("not good yet"), "{told}");
    good_for(60);
    for (mode, verdict) in [(0o644, "FAIL"), (0o600, "ok")] {
        fs::set_permissions(at("tls.key"), fs::Permissions::from_mode(mode)).unwrap();
        assert!(line("TLS key").starts_with(verdict), "{}", line("TLS key"));
    }
    fs::set_permissions(at("hook.secret"), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(
        line("webhook `w`").starts_with("FAIL") && line("webhook `w`").contains("typed"),
        "{}",
        line("webhook `w`")
    );
    let refused = gsm(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--config",
        arg(&at("gsm.toml")),
        "--data-dir",
        arg(&at("data")),
    ]);
    refused.told(1, &["webhook `w`", "openssl rand"]);
    // As many letters as a secret has bytes at least, and fewer bytes.
    write(&at("hook.secret"), "whsec_4Zk0lqPmv7wYbJtQx1nRfA9s");
    let told = line("webhook `w`");
    assert!(told.starts_with("FAIL") && told.contains("has 18 bytes"), "{told}");
    write(&at("hook.secret"), "whsec_4Zk0lqPmv7wYbJtQx1nRfA9sGh3cUd8E");
    assert!(line("webhook `w`").starts_with("ok"), "{}", line("webhook `w`"));
}

#[test]
fn files_that_decide_on_callers_are_their_owners_to_write() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    fs::create_dir(file("policies")).unwrap();
    write(&file("policies/own.cedar"), "permit (principal, action, resource);");
    write(&file("rules.toml"), "");
    write(&file("deny"), "");
    write(&file("keys.json"), "{}");
    let config = format!(
        "[policy]\ndir = {:?}\n[firewall]\nrules_file = {:?}\ndeny_file = {:?}\n[[auth.trusted_issuers]]\niss = \"https://a/\"\njwks = {:?}\nroles = [\"admin\"]\n",
        file("policies"),
        file("rules.toml"),
        file("deny"),
        file("keys.json")
    );
    write(&file("gsm.toml"), &config);
    let told = || {
        let (config, data) = (file("gsm.toml"), file("data"));
        let all = ["doctor", "--listen", "127.0.0.1:0", "--config", arg(&config), "--data-dir", arg(&data)];
        let of = |line: &&str| line.contains("who may write");
        gsm(&all).out.lines().filter(of).map(str::to_owned).collect::<Vec<_>>()
    };
    let all = ["policies", "policies/own.cedar", "rules.toml", "deny", "keys.json", "gsm.toml"];
    let set = |name: &str, mode| fs::set_permissions(file(name), fs::Permissions::from_mode(mode)).unwrap();
    all.iter().for_each(|name| set(name, if *name == "policies" { 0o755 } else { 0o644 }));
    let fit = told();
    assert!(fit.len() == 1 && fit[0].starts_with("ok") && fit[0].contains("6 files"), "{fit:?}");
    for name in all {
        for more in [0o020, 0o002] {
            set(name, 0o744 | more);
            let found = told();
            let is_it = |line: &String| {
                line.starts_with("warn") && line.contains(arg(&file(name))) && line.contains("chmod go-w")
            };
            assert!(found.len() == 1 && is_it(&found[0]), "{name}: {found:?}");
        }
        set(name, 0o755);
    }
}

#[test]
fn files_that_do_not_do_what_they_are_for_fail() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let mode = |name: &str, mode| fs::set_permissions(file(name), fs::Permissions::from_mode(mode)).unwrap();
    // The neutral point of Ed25519: anybody signs for it.
    let key = r#"{"kty":"OKP","crv":"Ed25519","kid":"k","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    write(&file("keys.json"), &format!("{{\"keys\":[{key}]}}"));
    ["tls.crt", "tls.key", "admin.key"].iter().for_each(|name| write(&file(name), "junk"));
    mode("tls.key", 0o600);
    mode("admin.key", 0o644);
    let (cert, tls_key) = (file("tls.crt"), file("tls.key"));
    let config = format!("[tls]\ncert_file = {cert:?}\nkey_file = {tls_key:?}\n");
    write(&file("gsm.toml"), &config);
    let ran = gsm(&[
        "doctor",
        "--config",
        arg(&file("gsm.toml")),
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        arg(dir.path()),
        "--player-jwks",
        arg(&file("keys.json")),
    ]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let failed = |check: &str, why: &str| {
        ran.out.lines().any(|line| line.starts_with("FAIL") && line.contains(check) && line.contains(why))
    };
    assert!(failed("issuer keys", "small order"), "{}", ran.out);
    assert!(failed("TLS key", "tls.key") && failed("admin key", "mode 644"), "{}", ran.out);
}
