use crate::gsm::{Ran, Served, arg, gsm, write};
use serde_json::Value;
use std::{fs, path::Path};

const HEADER: &str = "match_id,timestamp,team,player_id,rank,score,mode";

/// A history of duels in which the player of the smaller number wins, unless a die says otherwise.
fn duels(matches: u64) -> String {
    let mut text = format!("{HEADER}\n");
    for number in 1..=matches {
        let dice = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let (a, b) = (dice % 30, (dice / 30 + 1 + dice % 30) % 30);
        let b = if a == b { (b + 1) % 30 } else { b };
        let a_wins = (a < b) != (dice.is_multiple_of(7));
        let (first, second) = if dice.is_multiple_of(11) {
            (1, 1)
        } else if a_wins {
            (1, 2)
        } else {
            (2, 1)
        };
        let at = 1_600_000_000 + number / 4 * 3_600;
        text.push_str(&format!(
            "{number},{at},0,player {a},{first},,\n{number},{at},1,player {b},{second},,\n"
        ));
    }
    text
}

fn replay(file: &Path, more: &[&str]) -> Ran {
    let mut args = vec!["replay", arg(file)];
    args.extend_from_slice(more);
    gsm(&args)
}

#[test]
fn a_replay_judges_predictions_and_shows_the_top() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("duels.csv");
    write(&file, &duels(600));
    let found = replay(&file, &["--json"]).json();
    assert_eq!((found["mode"].as_str(), found["matches"].as_u64()), (Some("duels"), Some(600)));
    assert_eq!(found["players"], 30);
    let test = &found["figures"]["test"]["two_sides"];
    assert_eq!(test["matches"], 300);
    assert!(test["accuracy"].as_f64().unwrap() > 0.7, "{test}");
    assert!(test["log_loss"].as_f64().unwrap() < 0.65, "{test}");
    assert_eq!(found["top"].as_array().unwrap().len(), 20);
    assert_eq!(found["top"][0]["rank"], 1);
    assert!(found["store"].is_null());
    let text = replay(&file, &[]).ok();
    for part in ["600 matches of 30 players", "second half (test)", "log loss", "deviation"] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    assert_eq!(replay(&file, &["--limit", "100", "--json"]).json()["matches"], 100);
}

#[test]
fn a_bad_line_is_named_or_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bad.csv");
    let text = duels(50).replace("\n7,", "\nseven,");
    write(&file, &text);
    let at = format!("{}:line 14: has the match_id `seven`", file.display());
    replay(&file, &[]).told(2, &[&at, "--skip-bad"]);
    let data = dir.path().join("data");
    replay(&file, &["--data-dir", arg(&data)]).told(2, &[&at]);
    assert!(!data.exists(), "nothing is stored of a file that is wrong");
    let found = replay(&file, &["--skip-bad", "--json"]).json();
    // Whose number cannot be read may be of the match before or of the one behind.
    assert_eq!((found["bad_lines"].as_u64(), found["matches"].as_u64()), (Some(2), Some(47)));
    assert_eq!(found["bad_lines_first"][0]["line"], 14);
    assert!(replay(&file, &["--skip-bad"]).ok().contains("left out: 2 bad lines"));
    write(&file, &duels(50).replacen("\n7,", "\n7,then", 1));
    let found = replay(&file, &["--skip-bad", "--json"]).json();
    assert_eq!((found["bad_lines"].as_u64(), found["matches"].as_u64()), (Some(1), Some(49)));
}

#[test]
fn what_is_no_history_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.csv");
    write(&file, "a,b\n");
    replay(&file, &["--skip-bad"]).told(2, &["line 1", HEADER]);
    write(&file, &format!("{HEADER}\n"));
    replay(&file, &[]).told(2, &["no match"]);
    write(&file, &format!("{HEADER}\nrubbish\n"));
    replay(&file, &["--skip-bad"]).told(2, &["no match is left"]);
    fs::write(&file, [0x1f, 0x8b, 8, 0, 0]).unwrap();
    replay(&file, &[]).told(2, &["x.csv:line 1", "cannot be read"]);
    replay(&dir.path().join("none.csv"), &[]).told(2, &["none.csv"]);
    replay(dir.path(), &["--mode", "m"]).told(2, &["is a directory"]);
    write(&file, &duels(4));
    replay(&file, &["--mode", "two words"]).told(2, &["--mode"]);
    replay(&file, &["--limit", "0"]).told(2, &["--limit"]);
}

#[test]
fn a_replay_into_a_directory_counts_once_and_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("duels.csv"), dir.path().join("data"));
    write(&file, &duels(2_500));
    // Stopped half-way, then whole, then once more.
    let into = |more: &[&str]| {
        let mut args = vec!["--data-dir", arg(&data), "--mode", "old", "--json"];
        args.extend_from_slice(more);
        replay(&file, &args).json()
    };
    let counts = |found: &Value| {
        let store = &found["store"];
        ["new", "known", "agree", "differ"].map(|name| store[name].as_u64().unwrap())
    };
    assert_eq!(counts(&into(&["--limit", "1200"])), [1_200, 0, 30, 0]);
    assert_eq!(counts(&into(&[])), [1_300, 1_200, 30, 0]);
    let last = into(&[]);
    assert_eq!(counts(&last), [0, 2_500, 30, 0]);
    let without = replay(&file, &["--json"]).json();
    assert_eq!((&last["figures"], &last["top"]), (&without["figures"], &without["top"]));

    gsm(&["admin", "bootstrap", "--data-dir", arg(&data)]).ok();
    let key = fs::read_to_string(data.join("admin.key")).unwrap();
    let served = Served::start("serve", &data, &[]);
    let (status, board) = served.get("/v1/rankings/old?limit=20", Some(key.trim()));
    assert_eq!(status, 200, "{board}");
    for (shown, wanted) in board["entries"].as_array().unwrap().iter().zip(last["top"].as_array().unwrap()) {
        assert_eq!((&shown["rank"], &shown["rating"]), (&wanted["rank"], &wanted["rating"]));
        assert_eq!(shown["display_name"], wanted["player"]);
    }
    let locked = replay(&file, &["--data-dir", arg(&data), "--mode", "old"]);
    locked.told(1, &["in use by process", "hint"]);
}

#[test]
fn another_file_under_the_same_mode_is_a_contradiction() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("a.csv"), dir.path().join("data"));
    write(&file, &duels(20));
    replay(&file, &["--data-dir", arg(&data)]).ok();
    write(&file, &duels(20).replace("player 1", "someone 1"));
    replay(&file, &["--data-dir", arg(&data)]).told(1, &["another result already", "--mode"]);
}

#[test]
fn a_contest_too_large_for_a_server_is_rated_but_not_stored() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("contest.csv");
    let rows: String = (0..150).map(|n| format!("1,5,{n},p{n},{},,\n", n + 1)).collect();
    write(&file, &format!("{HEADER}\n{rows}"));
    let found = replay(&file, &["--json"]).json();
    assert_eq!(found["figures"]["all"]["pairs"]["matches"], 1);
    assert_eq!(found["top"][0]["player"], "p0");
    let data = dir.path().join("data");
    replay(&file, &["--data-dir", arg(&data)]).told(
        2,
        &["contest.csv:line 2: begins match 1 with 150 teams and 150 players", "--data-dir", "--skip-bad"],
    );
    assert!(!data.exists(), "nothing is stored of a file that does not fit");
    let played = |mode: &str| write(&file, &format!("{HEADER}\n1,5,0,ann,1,,{mode}\n1,5,1,bob,2,,{mode}\n"));
    played("red clay");
    replay(&file, &["--json"]).ok();
    replay(&file, &["--data-dir", arg(&data)]).told(2, &["line 2: has the mode `red clay`", "variant"]);
    assert!(!data.exists(), "nor of one whose variants have no names");
    played("clay");
    assert_eq!(replay(&file, &["--data-dir", arg(&data), "--json"]).json()["store"]["new"], 1);
    // All of it is left out where that is wanted, and named.
    let long = "é".repeat(43);
    let crowd: String = (0..201).map(|n| format!("3,7,{},q{n},{},,\n", n % 2, n % 2 + 1)).collect();
    let odd =
        format!("4,8,0,{long},1,,\n4,8,1,bob,2,,\n5,9,0,ann,1,,{0}\n5,9,1,bob,2,,{0}\n", "v".repeat(33));
    let good = "2,6,0,ann,1,,\n2,6,1,bob,2,,\n";
    write(&file, &format!("{HEADER}\n{rows}{good}{crowd}{odd}"));
    let found = replay(&file, &["--data-dir", arg(&data), "--mode", "odd", "--skip-bad", "--json"]).json();
    assert_eq!((&found["store"]["new"], &found["bad_lines"]), (&1.into(), &4.into()), "{found}");
    let lines: Vec<u64> = (0..4).map(|n| found["bad_lines_first"][n]["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 154, 355, 357]);
    assert!(found["bad_lines_first"][2]["what"].as_str().unwrap().contains("once escaped"), "{found}");
    let rated = replay(&file, &["--skip-bad", "--json"]).json();
    assert_eq!((&rated["matches"], &rated["bad_lines"]), (&5.into(), &0.into()), "what can be rated is");
}
