use crate::gsm::{Served, arg, command, gsm, write};
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

#[test]
fn dev_shows_its_keys_drains_on_sigterm_and_keeps_them() {
    let dir = tempfile::tempdir().unwrap();
    let admin_key = |out: &str| {
        let line = out.lines().find(|line| line.contains("admin key")).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    let served = Served::start("dev", dir.path(), &["--bots", "0"]);
    assert_eq!(served.get("/readyz", None).0, 200);
    let (out, status) = served.signal("TERM");
    assert!(status.success(), "{status}");
    assert!(out.contains("dashboard") && out.contains("Ctrl-C"), "{out}");
    let off = [("GSM__HTTP__DASHBOARD", "off")];
    let (without, _) = Served::start_in("dev", dir.path(), &["--bots", "0"], &off).signal("TERM");
    assert!(without.contains("API ") && !without.contains("dashboard"), "{without}");
    let served = Served::start("dev", dir.path(), &["--bots", "0"]);
    assert_eq!(served.get("/v1/rankings", Some(&admin_key(&out))).0, 200);
    let (again, status) = served.signal("INT");
    assert!(status.success());
    assert_eq!(admin_key(&again), admin_key(&out));
}

#[test]
fn serve_logs_json_lines_and_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start("serve", dir.path(), &[]);
    let key = fs::read_to_string(dir.path().join("token.key")).unwrap();
    assert!(served.said.iter().all(|line| !line.contains(key.trim())));
    let (out, status, log) = served.end("TERM");
    assert!(status.success() && out.is_empty(), "{out}");
    // To its end the log is JSON.
    let entries = log.lines().map(serde_json::from_str::<serde_json::Value>);
    let entries: Vec<_> = entries.collect::<Result<_, _>>().unwrap_or_else(|_| panic!("no JSON: {log}"));
    let said = |text: &str| {
        entries.iter().any(|entry| entry["fields"]["message"].as_str().is_some_and(|m| m.starts_with(text)))
    };
    assert!(said("stopping; a second signal") && said("stopped"), "{log}");
}

#[test]
fn what_the_firewall_refused_is_a_metric_for_cloudwatch() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("gsm.toml");
    let few = "[log]\nemf_every_s = 3600\n[firewall]\nrules = [{ name = \"few\", key = \"address\", limit = 3, window_s = 600 }]\n";
    write(&config, few);
    let served = Served::start("serve", &dir.path().join("data"), &["--config", arg(&config)]);
    let statuses: Vec<u16> = (0..5).map(|_| served.get("/v1/queues", None).0).collect();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert!(refused > 0, "{statuses:?}");
    // The last lines come at the end.
    let (out, status) = served.signal("TERM");
    assert!(status.success());
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |dimensions: serde_json::Value| {
        let told = lines.iter().find(|line| {
            let of = &line["_aws"]["CloudWatchMetrics"][0];
            of["Namespace"] == "Security" && of["Dimensions"] == dimensions
        });
        told.unwrap_or_else(|| panic!("no line of {dimensions}: {out}"))
    };
    assert_eq!(of(serde_json::json!([[]]))["WAFBlocks"], refused as f64);
    assert_eq!(of(serde_json::json!([["rule"]]))["rule"], "few");
}

/// A start that takes for ever: with the directory open, it waits for a key that nobody writes.
#[test]
fn a_start_is_stopped_by_a_signal_and_leaves_a_directory_that_opens() {
    let dir = tempfile::tempdir().unwrap();
    let (data, key) = (dir.path().join("data"), dir.path().join("key"));
    assert!(Served::start("serve", &data, &[]).signal("TERM").1.success());
    assert!(Command::new("mkfifo").args(["-m", "600", arg(&key)]).status().unwrap().success());
    for (what, signal) in [("serve", "TERM"), ("serve", "INT"), ("dev", "TERM")] {
        let args = [what, "--listen", "127.0.0.1:0", "--data-dir", arg(&data)];
        let child = command(&args, &[("GSM__AUTH__TOKEN_KEY_FILE", arg(&key))]).stderr(Stdio::null()).spawn();
        let mut child = child.unwrap();
        // Opens once somebody reads it.
        let unwritten = fs::File::options().write(true).open(&key).unwrap();
        let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{what} {signal}");
        drop(unwritten);
    }
    assert!(Served::start("serve", &data, &[]).signal("TERM").1.success());
}

#[test]
fn one_server_at_a_time_has_a_directory_and_a_port() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start("serve", dir.path(), &[]);
    let same_dir = ["serve", "--listen", "127.0.0.1:0", "--data-dir", arg(dir.path())];
    gsm(&same_dir).told(1, &["in use by process"]);
    let other = tempfile::tempdir().unwrap();
    gsm(&["serve", "--listen", &served.addr, "--data-dir", arg(other.path())])
        .told(1, &[&format!("cannot listen on {}", served.addr)]);
    gsm(&["admin", "bootstrap", "--data-dir", arg(dir.path())]).told(1, &["in use by process"]);
}

#[test]
fn bad_usage_is_2_and_says_what_to_write() {
    gsm::<&str>(&[]).told(2, &["Usage"]);
    gsm(&["sevre"]).told(2, &["serve"]);
    gsm(&["serve", "--listen"]).told(2, &["--listen <ADDR>"]);
    gsm(&["serve", "--listen", "8080"]).told(2, &["http.listen", "--listen", "127.0.0.1:8080"]);
    gsm(&["serve", "--trusted-issuer", "iss=a"]).told(2, &["`roles` is missing", "roles=server+admin"]);
    gsm(&["serve", "--trusted-issuer", "iss=a,jwks=b,roles=king"]).told(2, &["--trusted-issuer", "king"]);
    gsm(&["serve", "--firewall-profile", "none"]).told(2, &["--firewall-profile", "none"]);
    gsm(&["serve", "--config", "/none/gsm.toml"]).told(2, &["/none/gsm.toml"]);
    gsm(&["dev", "--bots", "10001"]).told(2, &["10001"]);
    for command in ["serve", "dev", "replay", "doctor"] {
        assert!(gsm(&[command, "--help"]).ok().contains("Example"), "{command}");
    }
}

#[test]
fn what_a_server_needs_must_be_there_and_safe() {
    let dir = tempfile::tempdir().unwrap();
    let serve = |more: &[&str]| {
        let mut args = vec!["serve", "--listen", "127.0.0.1:0", "--data-dir", arg(dir.path())];
        args.extend_from_slice(more);
        gsm(&args)
    };
    serve(&["--player-jwks", "/none/keys.json"]).told(1, &["/none/keys.json"]);
    let key = dir.path().join("token.key");
    write(&key, "secret");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    serve(&[]).told(1, &["token.key", "64 hexadecimal digits"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    serve(&[]).told(1, &["token.key", "chmod 600"]);
}

#[test]
fn a_taken_port_is_told_before_the_store_is_touched() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let addr = taken.local_addr().unwrap().to_string();
    gsm(&["serve", "--listen", &addr, "--data-dir", arg(&data)]).told(1, &[&addr]);
    assert!(!data.exists());
}
