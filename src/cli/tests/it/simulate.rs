use crate::gsm::{Ran, Served, arg, gsm, write};
use serde_json::Value;
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

fn at_root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn duel() -> PathBuf {
    at_root("config/rule-sets/duel.json")
}

fn simulate(more: &[&str]) -> Ran {
    let duel = duel();
    gsm(&[&["simulate", "--rules", arg(&duel)], more].concat())
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let run = |seed| simulate(&["--synthetic", "--length-s", "120", "--json", "--seed", seed]).ok();
    let one = run("7");
    assert_eq!(one, run("7"));
    assert_ne!(one, run("8"));
    let told: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(
        (&told["version"], &told["seed"], &told["skill_attribute"]),
        (&1.into(), &7.into(), &"rating".into())
    );
    let summary = &told["rules"]["summary"];
    let count = |what: &str| summary[what]["count"].as_u64().unwrap();
    let ends = ["matched", "timed_out", "cancelled", "declined", "waiting"].map(count);
    assert_eq!(ends.iter().sum::<u64>(), summary["tickets"].as_u64().unwrap());
    assert!(ends[0] > 150, "{ends:?}");
}

#[test]
fn recorded_traffic_is_put_through_and_told_as_a_table() {
    let recorded = at_root("testdata/traffic/duel.jsonl");
    let ran = simulate(&["--traffic", arg(&recorded), "--timeout-s", "120"]).ok();
    assert!(ran.starts_with("recorded traffic: 120 tickets in "), "{ran}");
    for part in ["matched, %", "wait, p90, s", "region  eu", "party   1", "did not come"] {
        assert!(ran.contains(part), "`{part}` is not in {ran}");
    }
    let told = simulate(&["--traffic", arg(&recorded), "--json"]).json();
    let summary = &told["rules"]["summary"];
    assert!(summary["cancelled"]["count"].as_u64() > Some(2), "{summary}");
    assert!(summary["failed_proposals"].as_u64() > Some(2), "{summary}");
}

#[test]
fn two_rule_sets_are_compared_on_the_same_tickets() {
    let dir = tempfile::tempdir().unwrap();
    let (wide, page) = (dir.path().join("wide.json"), dir.path().join("page.html"));
    write(
        &wide,
        &fs::read_to_string(duel()).unwrap().replace(r#""maxDistance": 75"#, r#""maxDistance": 400"#),
    );
    let traffic = ["--synthetic", "--rate", "1", "--length-s", "300", "--runs", "3", "--json"];
    let told = simulate(&[&traffic[..], &["--against", arg(&wide), "--html", arg(&page)]].concat()).json();
    let difference = |told: &Value, metric: &str| {
        let all = told["differences"].as_array().unwrap();
        all.iter().find(|of| of["metric"] == metric).unwrap().clone()
    };
    let (wait, gap) = (difference(&told, "wait_mean_s"), difference(&told, "gap_mean"));
    assert!(wait["difference"]["mean"].as_f64() < Some(0.0), "{wait}");
    assert!(gap["difference"]["mean"].as_f64() > Some(20.0), "{gap}");
    assert_eq!(gap["is_significant"], true);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.matches("<svg").count() >= 6, "plots are in the page");
    // On a small screen nothing is wider than it: plots shrink, tables are moved by themselves.
    assert!(page.contains("}svg{max-width:100%;height:auto}") && page.contains(".wide{overflow-x:auto}"));
    assert!(page.contains("<meta name=\"viewport\" content=\"width=device-width\">"));
    let tables = page.matches("<table").count();
    assert_eq!((tables, tables), (3, page.matches("<div class=\"wide\"><table").count()));
    for elsewhere in ["src=", "href=", "@import", "url("] {
        assert!(!page.contains(elsewhere), "the page needs another file: {elsewhere}");
    }
    // Against itself nothing differs.
    let same = simulate(&[&traffic[..], &["--against", arg(&duel())]].concat()).json();
    for metric in ["wait_mean_s", "gap_mean"] {
        assert_eq!(difference(&same, metric)["difference"]["mean"], 0.0, "{metric}");
    }
    for of in same["differences"].as_array().unwrap() {
        assert!(of["difference"].is_null() || of["difference"]["mean"] == 0.0, "{of}");
    }
}

/// Before the runs, which may take hours.
#[test]
fn a_page_that_cannot_be_written_is_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (nowhere, page) = (dir.path().join("none/page.html"), dir.path().join("page.html"));
    // Too many tickets are told of when the first run begins.
    let runs = |page| simulate(&["--synthetic", "--rate", "100000", "--html", page]);
    runs(arg(&nowhere)).told(1, &["cannot write `", "none/page.html"]);
    runs(arg(&page)).told(2, &["a lower rate"]);
    assert!(!page.exists(), "nothing is left of the trial");
    write(&page, "kept");
    runs(arg(&page)).told(2, &["a lower rate"]);
    assert_eq!(fs::read_to_string(&page).unwrap(), "kept");
}

#[test]
fn two_rule_sets_that_read_skill_elsewhere_are_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("other.json");
    write(&other, &fs::read_to_string(duel()).unwrap().replace("rating", "points"));
    let traffic = ["--synthetic", "--length-s", "20", "--runs", "1", "--against"];
    let warning = "skill is `rating`, while ";
    simulate(&[&traffic[..], &[arg(&other)]].concat()).told(0, &[warning, "other.json goes by `points`"]);
    let named = simulate(&[&traffic[..], &[arg(&other), "--skill-attribute", "points"]].concat());
    let same = simulate(&[&traffic[..], &[arg(&duel())]].concat());
    assert!(!named.err.contains("warning") && !same.err.contains("warning"), "{named:?} {same:?}");
}

/// As a server leaves it that is killed while it writes.
#[test]
fn a_recording_whose_last_line_is_cut_off_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, cut) = (at_root("testdata/traffic/duel.jsonl"), dir.path().join("cut.jsonl"));
    write(&cut, &format!("{}{{\"type\":\"arrived\",\"at_", fs::read_to_string(whole).unwrap()));
    let ran = simulate(&["--traffic", arg(&cut), "--timeout-s", "120"]).ok();
    assert!(ran.starts_with("recorded traffic: 120 tickets in "), "{ran}");
}

#[test]
fn a_byte_order_mark_before_a_recording_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let marked = dir.path().join("marked.jsonl");
    let whole = fs::read_to_string(at_root("testdata/traffic/duel.jsonl")).unwrap();
    write(&marked, &format!("\u{feff}{whole}"));
    assert!(simulate(&["--traffic", arg(&marked)]).ok().starts_with("recorded traffic: 120 tickets in "));
    // One line without an end.
    let line = r#"{"type":"arrived","at_ms":0,"ticket":"a","queue":"q","players":[{"player":"p"}]}"#;
    write(&marked, &format!("\u{feff}{line}"));
    assert!(simulate(&["--traffic", arg(&marked)]).ok().starts_with("recorded traffic: 1 tickets in "));
    write(&marked, &format!("{line}\n\u{feff}{line}\n"));
    simulate(&["--traffic", arg(&marked)]).told(2, &["marked.jsonl: line 2: "]);
}

/// `tickets*.jsonl` of a shell has the newer `tickets.1.jsonl` before `tickets.2.jsonl`.
#[test]
fn recordings_are_read_oldest_first() {
    let dir = tempfile::tempdir().unwrap();
    let whole = fs::read_to_string(at_root("testdata/traffic/duel.jsonl")).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let (older, newer) = lines.split_at(lines.len() / 2);
    let told: Value = serde_json::from_str(newer[0]).unwrap();
    let head = format!(r#"{{"type":"recording","version":1,"at_ms":{}}}"#, told["at_ms"]);
    let (one, two) = (dir.path().join("tickets.1.jsonl"), dir.path().join("tickets.2.jsonl"));
    write(&two, &format!("{}\n", older.join("\n")));
    write(&one, &format!("{head}\n{}\n", newer.join("\n")));
    let ran = simulate(&["--traffic", arg(&two), arg(&one)]).ok();
    assert!(ran.starts_with("recorded traffic: 120 tickets in ") && !ran.contains("before the"), "{ran}");
    let what = "tickets.2.jsonl: line 1: the file is older than the one before it: oldest file first";
    simulate(&["--traffic", arg(&one), arg(&two)]).told(2, &[what]);
    gsm(&["rules", "explain", "--rules", arg(&duel()), "--pool", arg(&one), arg(&two)]).told(2, &[what]);
    // What is told of tickets that came before.
    let alone = "lines about tickets that came before the recording: ";
    assert!(simulate(&["--traffic", arg(&one)]).ok().lines().next().unwrap().contains(alone));
    // Somebody who waits on, so that there is a pool.
    let last =
        r#"{"type":"arrived","at_ms":1790000999999,"ticket":"me","queue":"duel","players":[{"player":"p"}]}"#;
    write(&one, &format!("{head}\n{}\n{last}\n", newer.join("\n")));
    assert!(gsm(&["rules", "explain", "--rules", arg(&duel()), "--pool", arg(&one)]).ok().contains(alone));
}

#[test]
fn bad_input_is_named_and_the_exit_code_is_2() {
    let dir = tempfile::tempdir().unwrap();
    let (broken, empty) = (dir.path().join("broken.jsonl"), dir.path().join("empty.jsonl"));
    write(&broken, "{\"type\":\"recording\",\"version\":1,\"at_ms\":0}\n{\"type\":\"left\"}\n");
    write(&empty, "");
    simulate(&["--traffic", arg(&broken)]).told(2, &["broken.jsonl: line 2: ", "left"]);
    let nothing = r#"{"type":"arrived","at_ms":0,"ticket":"a","queue":"q","players":[{"player":"p","attributes":{"rating":null}}]}"#;
    write(&broken, nothing);
    simulate(&["--traffic", arg(&broken)]).told(
        2,
        &["broken.jsonl: line 1: attribute `rating`: invalid type: null, expected a number, a string"],
    );
    simulate(&["--traffic", arg(&empty)]).told(2, &["no ticket of this queue is in the recording"]);
    simulate(&["--traffic", "no-such-file"]).told(2, &["no-such-file"]);
    simulate(&["--traffic", arg(&at_root("testdata/traffic/duel.jsonl")), "--queue", "x"]).told(2, &["duel"]);
    simulate(&[]).told(2, &["--traffic", "--synthetic"]);
    simulate(&["--synthetic", "--traffic", arg(&empty)]).told(2, &["cannot be used with"]);
    simulate(&["--traffic", arg(&empty), "--rate", "2"]).told(2, &["--rate", "cannot be used with"]);
    for (option, value) in [
        ("--rate", "2,5"),
        ("--rate", "nan"),
        ("--skill", "1500"),
        ("--regions", "eu:-1"),
        ("--parties", "0:1"),
        ("--attribute", "rating"),
        ("--skill-attribute", "colour"),
        ("--decline", "2"),
        ("--runs", "0"),
        ("--length-s", "0"),
        ("--latencies", "no-such-file"),
        ("--points", "0"),
    ] {
        simulate(&["--synthetic", option, value]).told(2, &[option]);
    }
    simulate(&["--synthetic", "--attribute", "colour=red"])
        .told(2, &["no rule set declares the attribute `colour`"]);
    simulate(&["--synthetic", "--attribute", "rating=5", "--attribute", "rating=6"])
        .told(2, &["--attribute: `rating` is named twice"]);
    simulate(&["--synthetic", "--attribute", "rating=5", "--skill", "1500:300"])
        .told(2, &["attribute `rating`", "a spread of skill"]);
    simulate(&["--synthetic", "--attribute", "rating=red"]).told(2, &["attribute `rating`: `red` is not"]);
    simulate(&["--synthetic", "--parties", "2:1"]).told(2, &["no party of these sizes fits a team of 1"]);
    simulate(&["--synthetic", "--rate", "100000"]).told(2, &["a lower rate, or less time"]);
    // What would do nothing.
    for option in ["--answer-s", "--acceptance-s"] {
        simulate(&["--synthetic", option, "5"]).told(2, &[option, "--decline or --ignore"]);
        simulate(&["--synthetic", "--length-s", "20", "--ignore", "0", option, "5"]).ok();
    }
    let unskilled = dir.path().join("unskilled.json");
    let teams = r#"[{"name": "a", "minPlayers": 2, "maxPlayers": 2}]"#;
    write(&unskilled, &format!(r#"{{"ruleLanguageVersion": "1.0", "teams": {teams}}}"#));
    gsm(&["simulate", "--synthetic", "--rules", arg(&unskilled), "--skill", "25:8"])
        .told(2, &["--skill: no attribute", "--skill-attribute"]);
    gsm(&["simulate", "--synthetic", "--rules", arg(&empty)]).told(2, &["empty.jsonl"]);
}

/// A hundred times what it takes on an idle machine.
const RECORDED_WITHIN: Duration = Duration::from_secs(180);

/// What a server with simulated players writes down is put through again.
#[test]
fn a_development_server_is_recorded_and_simulated() {
    let dir = tempfile::tempdir().unwrap();
    let traffic = dir.path().join("traffic");
    let more = ["--bots", "40", "--record-traffic", arg(&traffic)];
    let served = Served::start("dev", &dir.path().join("gsm-data"), &more);
    let file = traffic.join("tickets.jsonl");
    let text = || fs::read_to_string(&file).unwrap_or_default();
    // Each question takes a while, so that the server's players get on; too many are an answer, too.
    #[expect(clippy::disallowed_methods, reason = "a server that records nothing must not hang the test")]
    let now = Instant::now;
    let deadline = now() + RECORDED_WITHIN;
    while text().matches(r#""type":"ended""#).count() < 20 {
        assert!([200, 429].contains(&served.get("/healthz", None).0));
        assert!(now() < deadline, "not 20 tickets have ended: {}", text());
    }
    assert!(served.signal("TERM").1.success());
    let recorded = text();
    let arrived = recorded.lines().filter(|line| line.contains(r#""type":"arrived""#)).count();
    assert!(arrived >= 20 && !recorded.contains("plr-") && !recorded.contains("tkt-"), "{recorded}");
    let queue = recorded.split(r#""queue":""#).nth(1).unwrap().split('"').next().unwrap();
    let told = simulate(&["--traffic", arg(&file), "--queue", queue, "--json"]).json();
    let tickets = told["traffic"]["tickets"].as_u64().unwrap();
    assert!(tickets > 0 && tickets <= arrived as u64, "{told}");
    assert_eq!(told["skill_attribute"], "rating");
}
