//! The benches at sizes that prove nothing but that they work.
use crate::gsm::{Ran, arg, gsm_in};
use serde_json::Value;
use std::{path::Path, process::Command};

/// With the variables that a bench needs to find its peers, and `CI` as it is: there a missing peer is a failure.
fn bench(args: &[&str]) -> Ran {
    let kept: Vec<(String, String)> = ["PATH", "HOME", "CI"]
        .into_iter()
        .filter_map(|name| {
            #[expect(clippy::disallowed_methods, reason = "peers are where the machine has them")]
            let value = std::env::var(name).ok()?;
            Some((name.to_owned(), value))
        })
        .collect();
    let env: Vec<(&str, &str)> = kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    gsm_in(&[&["bench"], args].concat(), &env)
}

/// Whether a peer was measured; where not, that was said.
fn has(ran: &Ran, peer: &str) -> bool {
    let is_missing = ran.err.contains(&format!("NOT MEASURED: {peer}"));
    if is_missing {
        eprintln!("skipped in part: {}", ran.err);
    }
    !is_missing
}

fn figure<'a>(all: &'a Value, name: &str) -> &'a Value {
    let found = all.as_array().unwrap().iter().find(|figure| figure["name"] == name);
    found.unwrap_or_else(|| panic!("no `{name}` in {all}"))
}

#[test]
fn boards_are_measured_beside_redis() {
    let dir = tempfile::tempdir().unwrap();
    let (work, file) = (dir.path().join("work"), dir.path().join("figures.md"));
    std::fs::create_dir(&work).unwrap();
    std::fs::write(&file, "before\n").unwrap();
    let small = ["ranking", "--players", "2000", "--operations", "1000", "--dir", arg(&work)];
    let ran = bench(&[&small[..], &["--http-players", "1000", "--json", "--markdown", arg(&file)]].concat());
    let has_redis = has(&ran, "Redis");
    let all = ran.json();
    for naming in ["dense ids", "16-byte ids"] {
        for what in
            ["update by 20 points", "around, 5 on either side", "top 100", "memory after moves and reads"]
        {
            let found = figure(&all, &format!("{what}; 2,000 players, {naming}"));
            assert!(found["value"].as_f64().unwrap() > 0.0, "{found}");
            assert_eq!(found["beside"]["name"] == "Redis", has_redis, "{found}");
            assert_eq!(found["reached"].is_boolean(), has_redis || what.starts_with("memory"), "{found}");
        }
    }
    for what in ["rank, a thousand a call", "durable update, a thousand a call", "rank, a call each"] {
        let found = figure(&all, &format!("over HTTP, {what}; 1,000 players"));
        assert_eq!(found["beside"]["name"] == "Redis", has_redis, "{found}");
    }
    let writes = figure(&all, "over HTTP, durable writes, 64 connections; 1,000 players");
    assert!(writes["times"].as_f64().unwrap() > 0.0, "{writes}");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.starts_with("before\n\n<!-- gsm bench ranking -->\n| measured |"), "{written}");
    assert_eq!(std::fs::read_dir(&work).unwrap().count(), 0, "nothing is left behind");
}

/// The example that measures skillratings, built as the tests are.
fn skillratings() -> std::path::PathBuf {
    #[expect(clippy::disallowed_methods, reason = "cargo tells its path to what it runs")]
    let cargo = std::env::var("CARGO").unwrap();
    let built = Command::new(cargo)
        .args(["build", "--locked", "--quiet", "-p", "gsm-rating", "--example", "peers"])
        .args((!cfg!(debug_assertions)).then_some("--release"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .status();
    assert!(built.unwrap().success());
    Path::new(env!("CARGO_BIN_EXE_gsm")).with_file_name("examples").join("peers")
}

#[test]
fn ratings_are_measured_beside_other_libraries() {
    let dir = tempfile::tempdir().unwrap();
    let program = skillratings();
    // Where ./check laid no environment, the bench would ask pip; a test does not.
    let python = Command::new("python3").args(["-c", "import openskill"]).output();
    let python = if python.is_ok_and(|ran| ran.status.success()) { "python3" } else { "/nowhere/python3" };
    let small = ["rating", "--players", "1000", "--matches", "1000", "--dir", arg(dir.path())];
    let peers = ["--json", "--skillratings", arg(&program), "--python", python];
    let ran = bench(&[&small[..], &peers].concat());
    let has_openskill = has(&ran, "openskill.py");
    let all = ran.json();
    let beside = |name: &str, peer: &str| {
        let all = all.as_array().unwrap().iter();
        let found = all.filter(|figure| figure["name"] == name && figure["beside"]["name"] == peer);
        let found: Vec<&Value> = found.collect();
        assert!(found.iter().all(|figure| figure["times"].as_f64().unwrap() > 0.0), "{found:?}");
        found.len()
    };
    for system in ["1v1, Elo", "1v1, Glicko-2", "5v5, TrueSkill", "5v5, Weng-Lin, Bradley-Terry full"] {
        for what in ["a match by itself", "a match of a history"] {
            assert_eq!(beside(&format!("{system}: {what}"), "skillratings"), 1, "{system} {what}");
        }
    }
    let own = beside("5v5, Weng-Lin, Plackett-Luce: a match of a history", "openskill.py");
    assert_eq!(own, usize::from(has_openskill));
}

#[test]
fn training_and_the_endpoint_are_measured() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["bench", "prediction", "--matches", "1000", "--seconds", "1", "--json"];
    let args = [&args[..], &["--python", "/nowhere/python3", "--dir", arg(dir.path())]].concat();
    // Without `CI`, where a missing peer is a failure; `kill` ends the endpoint.
    let ran = gsm_in(&args, &[("PATH", "/usr/bin:/bin")]);
    for peer in ["LightGBM's C API", "ONNX Runtime", "the servers in Python"] {
        assert!(ran.err.contains(&format!("NOT MEASURED: {peer}")), "{peer}: {ran:?}");
    }
    let all = ran.json();
    for name in [
        "1v1: matches predicted and learnt",
        "5v5: a prediction with 200 trees",
        "1v1: a chance from numbers that are known, 200 trees",
        "training on 1,000 matches, 0 trees",
        "memory at most, 1,000 matches, 200 trees",
        "/invocations, 200 trees, processor time of a call",
        "/invocations, 200 trees, 8 connections",
    ] {
        assert!(figure(&all, name)["value"].as_f64().unwrap() > 0.0, "{name}");
    }
    if cfg!(feature = "sagemaker") {
        let waited = figure(&all, "a match created, its endpoint never answers: had waited for it");
        assert!(waited["value"].as_f64().unwrap() > 0.0, "{waited}");
    } else {
        assert!(ran.err.contains("not measured: this build asks no endpoint"), "{ran:?}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn security_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["bench", "security", "--seconds", "1", "--records", "2000", "--callers", "200", "--json"];
    let all = gsm_in(&[&args[..], &["--dir", arg(dir.path())]].concat(), &[]).json();
    for name in [
        "limiter, 200 keys: a check, p99",
        "an unseen session and a decision of Cedar's, p99",
        "a session seen before and a decision known beforehand, p99",
        "audit log verified, on one core",
        "durable results over HTTP meanwhile, 64 connections",
        "a record of the audit log",
        "a result until a checkpoint covers it, p50",
        "an honest call, beside 300 slow connections, p99",
        "a page of a thousand, as much asked: p99 of what is served",
    ] {
        assert!(figure(&all, name)["value"].as_f64().unwrap() > 0.0, "{name}");
    }
    let crowd = |name: &str| figure(&all, &format!("a page of a thousand, {name}"));
    assert_eq!(crowd("other answers and broken connections")["value"], 0.0);
    // How much is refused is the machine's business.
    if crowd("three times as much asked: refused with 503")["value"] != 0.0 {
        let told = crowd("three times as much asked: refusals with a Retry-After");
        assert_eq!(told["reached"], true, "{told}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_missing_peer_is_said_and_fails_where_it_must_not() {
    let args = ["bench", "ranking", "--players", "1000", "--operations", "1000", "--ids", "dense"];
    let args = [&args[..], &["--http-players", "0", "--redis", "/nowhere/redis-server"]].concat();
    let ran = gsm_in(&args, &[]);
    assert!(ran.err.contains("NOT MEASURED: Redis `/nowhere/redis-server`"), "{ran:?}");
    assert!(ran.ok().contains("update by 20 points"));
    gsm_in(&args, &[("CI", "true")]).told(1, &["a peer is missing"]);
    let args = ["bench", "rating", "--players", "1000", "--matches", "1000"];
    let args = [&args[..], &["--skillratings", "/nowhere/peers", "--python", "/nowhere/python"]].concat();
    let ran = gsm_in(&args, &[]);
    assert!(
        ran.err.contains("NOT MEASURED: skillratings: ") && ran.err.contains("NOT MEASURED: openskill.py: ")
    );
    assert!(ran.ok().contains("5v5, Glicko-2: a match of a history"));
    gsm_in(&args, &[("CI", "true")]).told(1, &["a peer is missing"]);
}

#[test]
fn bad_sizes_are_refused() {
    gsm_in(&["bench", "ranking", "--players", "0"], &[]).told(2, &["--players"]);
    gsm_in(&["bench", "ranking", "--ids", "text"], &[]).told(2, &["--ids"]);
    gsm_in(&["bench", "ranking", "--task", "{}"], &[]).told(2, &["missing field"]);
}

#[test]
fn pools_and_tickets_are_measured_beside_nakamas_figures() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("figures.md");
    let small = ["matchmaking", "--tickets", "2000", "--api-tickets", "20", "--dir", arg(dir.path())];
    let all = bench(&[&small[..], &["--json", "--markdown", arg(&file)]].concat()).json();
    let value = |name: &str| figure(&all, name)["value"].as_f64().unwrap();
    assert!(value("1v1 near in skill, 2,000 waiting: matched") > 95.0);
    assert!(value("5v5 with six rules, 2,000 waiting: matched") > 80.0);
    // The memory of a run so small is noise; that the figure is there is all there is to see.
    figure(&all, "memory of a waiting ticket with five attributes, 2,000 waiting");
    let in_all = figure(&all, "1v1 near in skill, 2,000 waiting: a ticket in all");
    assert!(in_all["beside"]["name"].as_str().unwrap().starts_with("Nakama"), "{in_all}");
    assert!(value("over the API, 1v1, 1,000 tickets/s: later ticket to pushed match, p99") > 0.0);
    assert!(std::fs::read_to_string(&file).unwrap().contains("<!-- gsm bench matchmaking -->"));
}
