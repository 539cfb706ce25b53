use crate::gsm::{ODD, Ran, Served, arg, gsm, odd, write};
use serde_json::Value;
use std::{ffi::OsStr, fs, path::Path};

/// A league of twelve in which the smaller number wins, but for every fourth match; `from` is its first number.
pub(crate) fn league(from: u64, matches: u64) -> String {
    let mut text = "match_id,timestamp,team,player_id,rank,score,mode\n".to_owned();
    for number in from..from + matches {
        let dice = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        let (a, b) = (dice % 12, (dice + 1 + dice / 12 % 11) % 12);
        let a_wins = (a < b) != number.is_multiple_of(4);
        let ranks = if a_wins { [1, 2] } else { [2, 1] };
        for (team, (player, rank)) in [a, b].into_iter().zip(ranks).enumerate() {
            text.push_str(&format!("{number},{},{team},p{player},{rank},,\n", number * 60));
        }
    }
    text
}

fn model(what: &str, data: &Path, more: &[&str]) -> Ran {
    let mut args = vec!["model", what, "--data-dir", arg(data)];
    args.extend_from_slice(more);
    gsm(&args)
}

fn champions(data: &Path) -> Value {
    model("list", data, &["--json"]).json()["champions"].clone()
}

#[test]
fn a_model_goes_from_training_to_champion_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("duels.csv"), dir.path().join("data"));
    write(&file, &league(1, 800));
    let train = ["--mode", "duel", arg(&file), "--by", "ann"];
    let text = model("train", &data, &train).ok();
    assert!(
        text.contains("duel-1: version 1, 800 matches of 12 players") && text.contains("constant"),
        "{text}"
    );
    assert_eq!(champions(&data), serde_json::json!([]));
    model("explain", &data, &["--mode", "duel", "--team", "p0", "--team", "p9"]).told(2, &["no champion"]);
    model("promote", &data, &["1"]).told(1, &["the rating system alone"]);
    model("promote", &data, &["1", "--by", "bob", "--margin", "0.0001"]).ok();
    model("promote", &data, &["1"]).told(2, &["champion already"]);
    model("rollback", &data, &["--mode", "duel"]).told(2, &["no champion before"]);

    // The same again is not better, and says so; an operator may insist, with a reason.
    let second = model("train", &data, &[&train[..], &["--json"]].concat()).json();
    assert_eq!((&second["version"]["version"], &second["better"]), (&2.into(), &false.into()), "{second}");
    let compared = &second["version"]["about"]["metrics"]["champion"];
    assert_eq!(compared["had_seen"], true, "{second}");
    let told = ["duel-2", "the champion has", "at least 0.0001", "--force"];
    model("promote", &data, &["2", "--margin", "0.0001"]).told(1, &told);
    model("promote", &data, &["2", "--force"]).told(2, &["--reason"]);
    model("promote", &data, &["2", "--force", "--reason", "a test", "--margin", "0.1"])
        .told(2, &["--margin"]);
    model("promote", &data, &["2", "--force", "--reason", "a test"]).ok();
    assert_eq!(champions(&data), serde_json::json!([2]));
    let listed = model("list", &data, &[]).ok();
    assert!(listed.contains("champion") && listed.contains("ann") && listed.contains("a test"), "{listed}");

    // What is damaged is named, and the champion stays.
    let first = data.join("models/duel-1.gsmmodel");
    let good = fs::read(&first).unwrap();
    let mut bad = good.clone();
    bad[4_000] ^= 1;
    fs::write(&first, bad).unwrap();
    let hash = model("list", &data, &["--json"]).json()["versions"][0]["hash"].as_str().unwrap().to_owned();
    model("rollback", &data, &["--mode", "duel"]).told(1, &["duel-1.gsmmodel", &hash, "damaged"]);
    assert_eq!(champions(&data), serde_json::json!([2]));
    fs::write(&first, good).unwrap();
    let back = model("rollback", &data, &["--mode", "duel", "--reason", "worse", "--json"]).json();
    assert_eq!((&back["champion"], &back["replaced"]), (&1.into(), &2.into()));

    let explained =
        model("explain", &data, &["--mode", "duel", "--team", "p0", "--team", "p9,new", "--json"]);
    let explained = explained.json();
    let parts = explained["contributions"].as_array().unwrap();
    let sum: f64 = parts.iter().map(|part| part["logit"].as_f64().unwrap()).sum();
    let logit = explained["prediction"]["logit"].as_f64().unwrap();
    assert!((sum - logit).abs() < 1e-12 && logit > 0.0, "{explained}");
    assert_eq!(explained["unknown_players"], serde_json::json!(["new"]));
    let strangers = ["--mode", "duel", "--team", "ann", "--team", "bob"];
    model("explain", &data, &strangers).told(0, &["duel-1 knows none of these players", "hint: ", "plr-"]);
    model("explain", &data, &[&strangers[..], &["--json"]].concat()).told(0, &["knows none"]);
    let text = model("explain", &data, &["--version", "2", "--team", "p0", "--team", "p9"]).ok();
    assert!(text.contains("expected score") && text.contains("sum"), "{text}");
}

#[test]
fn a_version_is_judged_on_other_matches() {
    let dir = tempfile::tempdir().unwrap();
    let (file, later, data) = (dir.path().join("a.csv"), dir.path().join("b.jsonl"), dir.path().join("data"));
    write(&file, &league(1, 600));
    model("train", &data, &["--mode", "duel", arg(&file), "--forgetting", "1e-5"]).ok();
    model("promote", &data, &["1", "--force", "--reason", "the first"]).ok();
    // The same matches as JSON lines, and some more.
    let lines: Vec<String> = league(1, 900).lines().skip(1).map(str::to_owned).collect();
    let text: String = lines
        .chunks(2)
        .map(|pair| {
            let [a, b] = [0, 1].map(|team| pair[team].split(',').collect::<Vec<_>>());
            format!(
                "{{\"match_id\":{},\"timestamp\":{},\"teams\":[{{\"players\":[\"{}\"],\"rank\":{}}},\
                 {{\"players\":[\"{}\"],\"rank\":{}}}]}}\n",
                a[0], a[1], a[3], a[4], b[3], b[4]
            )
        })
        .collect();
    write(&later, &text);
    let rows: Vec<Value> = model("eval", &data, &["--mode", "duel", arg(&later), "--json"])
        .ok()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let loss = |nth: usize| rows[nth]["figures"]["log_loss"].as_f64().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!((&rows[0]["model"], &rows[0]["had_seen"]), (&"duel-1".into(), &false.into()));
    assert!(loss(0) < loss(2) && rows[0]["figures"]["matches"] == 180, "{rows:?}");
    let text = model("eval", &data, &["--mode", "duel", arg(&file), "--version", "1"]);
    text.told(0, &["was trained on these very matches"]);
    // Of others' matches it is known only when they were.
    let others = dir.path().join("others.csv");
    write(&others, &league(1, 300).replace(",p1", ",q1"));
    let text = model("eval", &data, &["--mode", "duel", arg(&others), "--version", "1"]);
    text.told(0, &["the training window of duel-1 reaches into these matches"]);
    assert!(text.out.contains("rating system alone"), "{text:?}");
    // Several files are one history by time, whatever their order.
    let (one, two) = (dir.path().join("one.csv"), dir.path().join("two.csv"));
    write(&one, &league(1, 300));
    write(&two, &league(301, 300));
    let split = ["--mode", "duel", arg(&two), arg(&one), "--forgetting", "1e-5", "--json"];
    let split = model("train", &data, &split).json();
    let whole = model("list", &data, &["--json"]).json()["versions"][0].clone();
    for name in ["data", "window"] {
        assert_eq!(split["version"]["about"][name], whole["about"][name]);
    }
    assert_eq!(split["version"]["about"]["metrics"]["model"], whole["about"]["metrics"]["model"]);
}

#[test]
fn a_servers_own_results_train_a_model() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("duels.csv"), dir.path().join("data"));
    write(&file, &league(1, 300));
    gsm(&["replay", arg(&file), "--data-dir", arg(&data), "--mode", "duel"]).ok();
    let trained = model("train", &data, &["--json"]).json();
    let about = &trained["version"]["about"];
    assert_eq!((&about["mode"], &about["window"]["matches"]), (&"duel".into(), &300.into()), "{trained}");
    assert!(trained["file"].as_str().is_some_and(|file| Path::new(file).exists()));
    let eval = model("eval", &data, &["--version", "1", "--json"]).ok();
    assert!(eval.lines().next().unwrap().contains("\"had_seen\":true"), "{eval}");
    // A server begins with the champion; a damaged one is told, and it does without.
    model("promote", &data, &["1", "--force", "--reason", "a test"]).ok();
    gsm(&["admin", "bootstrap", "--data-dir", arg(&data)]).ok();
    let key = fs::read_to_string(data.join("admin.key")).unwrap();
    let speaks = || {
        let served = Served::start("serve", &data, &[]);
        let models = served.get("/v1/admin/models", Some(key.trim())).1;
        (models["models"][0]["model"].clone(), served.said.join("\n"))
    };
    assert_eq!(speaks().0, "gsm-1/duel-1");
    let (path, hash) = (data.join("models/duel-1.gsmmodel"), trained["version"]["hash"].as_str().unwrap());
    let good = fs::read(&path).unwrap();
    fs::write(&path, &good[..good.len() - 9]).unwrap();
    let (name, said) = speaks();
    assert!(name == "gsm-1" && said.contains("duel-1.gsmmodel") && said.contains(hash), "{name} {said}");
    fs::write(&path, good).unwrap();
    // The directory is a server's still.
    gsm(&["rating", "rebuild", "--data-dir", arg(&data)]).ok();
    model("train", &data, &["--mode", "other"]).told(2, &["`other` has no matches"]);
}

/// Pairs of eight players, of whom the one that came together wins nine times in ten; who did is told in a column.
fn pairs(matches: u64) -> String {
    let mut text = "match_id,timestamp,team,player_id,rank,score,mode,party\n".to_owned();
    for number in 1..=matches {
        let dice = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        let (first, whole) = (dice % 8, dice / 8 % 2);
        let won = whole == u64::from(dice / 16 % 10 == 0);
        for nth in 0..4 {
            let (team, player) = (nth / 2, (first + nth * 3) % 8);
            let rank = if (team == 0) == won { 1 } else { 2 };
            let party = if team == whole { "together" } else { "" };
            text.push_str(&format!("{number},{},{team},p{player},{rank},,,{party}\n", number * 60));
        }
    }
    text
}

#[test]
fn who_came_together_in_a_file_is_learnt() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("duo.csv"), dir.path().join("data"));
    write(&file, &pairs(400));
    let loss = |trained: &Value| {
        trained["version"]["about"]["metrics"]["model"]["log_loss"]
            .as_f64()
            .unwrap_or_else(|| panic!("{trained}"))
    };
    let trained = model("train", &data, &["--mode", "duo", arg(&file), "--json"]).json();
    assert!(loss(&trained) < 0.45, "{trained}");
    // Results that a data directory got of the file tell it as well.
    gsm(&["replay", arg(&file), "--data-dir", arg(&data), "--mode", "duo"]).ok();
    let stored = model("train", &data, &["--mode", "duo", "--json"]).json();
    assert!((loss(&stored) - loss(&trained)).abs() < 1e-6, "{stored}");
    model("promote", &data, &["1", "--force", "--reason", "a test"]).ok();
    let explain = |more: &[&str]| {
        let teams = ["--mode", "duo", "--team", "p0,p3", "--team", "p6,p1", "--json"];
        model("explain", &data, &[&teams[..], more].concat())
    };
    let part = |explained: &Value| {
        let parts = explained["contributions"].as_array().unwrap();
        let part = parts.iter().find(|part| part["name"] == "premade").unwrap();
        (part["value"].as_f64().unwrap(), part["logit"].as_f64().unwrap())
    };
    let (value, logit) = part(&explain(&["--party", "p3,p0"]).json());
    assert!(value == 1.0 && logit > 1.0, "{value} {logit}");
    assert_eq!(part(&explain(&["--party", "p6,p1"]).json()), (-1.0, -logit));
    assert_eq!(part(&explain(&[]).json()), (0.0, 0.0));
    explain(&["--party", "p3,p9"]).told(2, &["--party", "`p9` is in no team"]);
    explain(&["--party", "p3,p0", "--party", "p0"]).told(2, &["--party", "`p0` comes twice"]);
}

#[test]
fn trees_are_grown_on_demand_and_judged_beside_the_model_without() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("duels.csv"), dir.path().join("data"));
    write(&file, &league(1, 2_400));
    let train = ["--mode", "duel", arg(&file), "--forgetting", "1e-5"];
    let plain = model("train", &data, &[&train[..], &["--json"]].concat()).json();
    let plain = &plain["version"]["about"];
    assert_eq!((&plain["trees"], &plain["metrics"]["without_trees"]), (&0.into(), &Value::Null));
    let grown = model("train", &data, &[&train[..], &["--trees", "15", "--json"]].concat()).json();
    let grown = &grown["version"]["about"];
    assert_eq!(
        (&grown["trees"], &grown["metrics"]["without_trees"]),
        (&15.into(), &plain["metrics"]["model"])
    );
    let text = model("train", &data, &[&train[..], &["--trees", "15"]].concat()).ok();
    assert!(text.contains("without its trees"), "{text}");
    // They speak, and what they add is told.
    let asked = ["--version", "2", "--team", "p0", "--team", "p9", "--at", "144000", "--json"];
    let explained = model("explain", &data, &asked).json();
    let parts = explained["contributions"].as_array().unwrap();
    let sum: f64 = parts.iter().map(|part| part["logit"].as_f64().unwrap()).sum();
    assert!((sum - explained["prediction"]["logit"].as_f64().unwrap()).abs() < 1e-12, "{explained}");
    let trees = parts.iter().find(|part| part["name"] == "trees").unwrap();
    assert_ne!(trees["logit"], 0.0, "{explained}");
    // Of too few matches there are none.
    write(&file, &league(1, 300));
    let few = model("train", &data, &[&train[..], &["--trees", "15", "--json"]].concat());
    few.told(0, &["mode `duel`: no trees were grown; 2000 matches"]);
    assert_eq!(few.json()["version"]["about"]["trees"], 0);
    for trees in ["1001", "1.5", "x"] {
        model("train", &data, &[&train[..], &["--trees", trees]].concat()).told(2, &["--trees"]);
    }
}

#[test]
fn what_a_server_predicted_is_told_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("duels.csv"), dir.path().join("data"));
    for what in ["live", "fairness"] {
        model(what, &data, &[]).told(2, &["no directory"]);
    }
    write(&file, &league(1, 300));
    gsm(&["replay", arg(&file), "--data-dir", arg(&data), "--mode", "duel"]).ok();
    let live = model("live", &data, &["--json"]).json();
    let [duel] = live["models"].as_array().unwrap().as_slice() else { panic!("{live}") };
    assert_eq!((&duel["mode"], &duel["learnt"], &duel["players"]), (&"duel".into(), &300.into(), &12.into()));
    let names: Vec<&Value> = duel["contenders"].as_array().unwrap().iter().map(|of| &of["name"]).collect();
    assert_eq!(names, ["gsm", "learner", "first_weights", "base", "rating"]);
    assert_eq!(duel["drift"]["is_raised"], false);
    let text = model("live", &data, &["--mode", "duel"]).ok();
    assert!(text.contains("duel: 300 results learnt") && text.contains("drift alarm: not raised"), "{text}");

    // A version that is not champion competes; nothing was formed since, so there is nothing to judge it by yet.
    model("train", &data, &["--mode", "duel", arg(&file)]).ok();
    let list = model("list", &data, &["--live", "--json"]).json();
    assert_eq!(
        (&list["live"][0]["model"], &list["live"][0]["hash"]),
        (&"gsm-1/duel-1".into(), &list["versions"][0]["hash"])
    );
    assert!(model("list", &data, &["--json"]).json().get("live").is_none());
    let text = model("list", &data, &["--live"]).ok();
    assert!(text.contains("live matches"), "{text}");
    let text = model("live", &data, &[]).ok();
    assert!(text.contains("challenger") && text.contains("gsm-1/duel-1"), "{text}");

    let fairness = model("fairness", &data, &["--json"]).json();
    let parts = fairness["modes"][0]["parts"].as_array().unwrap();
    // Everybody's matches are those of all parts of one kind; what one wins another loses.
    assert_eq!((&parts[0]["matches"], &parts[0]["score"]), (&600.into(), &0.5.into()), "{fairness}");
    let of = |by: &str| {
        let own = parts.iter().filter(|part| part["by"] == by);
        own.map(|part| part["matches"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((of("party"), of("experience")), (600, 600), "{fairness}");
    let text = model("fairness", &data, &["--mode", "duel"]).ok();
    assert!(text.starts_with("duel:") && text.contains("everybody") && text.contains("party 1"), "{text}");
    for what in ["live", "fairness"] {
        model(what, &data, &["--mode", "other"]).told(2, &["no result of mode `other`"]);
        model(what, &data, &["--mode", "a b"]).told(2, &["--mode"]);
    }
}

#[test]
fn what_makes_no_sense_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (file, none, data) = (dir.path().join("a.csv"), dir.path().join("none"), dir.path().join("data"));
    write(&file, &league(1, 50));
    model("train", &none, &[]).told(2, &["no directory"]);
    model("list", &none, &[]).told(2, &["no directory"]);
    model("train", &file, &["--mode", "duel", arg(&file)]).told(2, &["no directory"]);
    assert!(!none.exists());
    model("train", &data, &[arg(&file)]).told(2, &["--mode is missing"]);
    model("train", &data, &["--mode", "a b", arg(&file)]).told(2, &["--mode"]);
    for holdout in ["0", "0.6", "nan", "x"] {
        model("train", &data, &["--mode", "duel", arg(&file), "--holdout", holdout]).told(2, &["--holdout"]);
    }
    model("train", &data, &["--mode", "duel", arg(&file), "--by", ""]).told(2, &["--by"]);
    model("train", &data, &["--mode", "duel", arg(&file)]).ok();
    model("list", &data, &["--mode", "duel"]).ok();
    for more in [&["--mode", "dule"][..], &["--mode", "dule", "--json"]] {
        model("list", &data, more).told(2, &["`dule`", "duel"]);
    }
    model("promote", &data, &["1"]).told(1, &["judged by 10 matches", "at least 100"]);
    model("promote", &data, &["7"]).told(2, &["no version 7"]);
    model("promote", &data, &["1", "--margin=-1"]).told(2, &["--margin"]);
    model("eval", &data, &["--mode", "other", arg(&file), "--version", "1"])
        .told(2, &["predicts mode `duel`"]);
    for (teams, part) in [
        (&["--team", "p1"][..], "twice, not 1"),
        (&["--team", "p1", "--team", "p1"], "`p1` comes twice"),
        (&["--team", "p1,", "--team", "p2"], "without a name"),
        (&["--team", "p1", "--team", "p2", "--variant", "clay"], "no `clay`"),
    ] {
        model("explain", &data, &[&["--version", "1"], teams].concat()).told(2, &[part]);
    }
    let ledger = data.join("models/registry.json");
    let text = fs::read_to_string(&ledger).unwrap().replace("duel", "fuel");
    write(&ledger, &text);
    model("list", &data, &[]).told(1, &["registry.json", "damaged"]);
    model("train", &data, &["--mode", "duel", arg(&file)]).told(1, &["registry.json"]);
    let first = data.join("models/duel-1.gsmmodel");
    let kept = fs::read(&first).unwrap();
    fs::remove_file(&ledger).unwrap();
    let gone = ["registry.json", "is missing", "duel-1.gsmmodel"];
    model("list", &data, &[]).told(1, &gone);
    model("train", &data, &["--mode", "duel", arg(&file)]).told(1, &gone);
    assert_eq!(fs::read(&first).unwrap(), kept);
    for bad in [
        "{\"match_id\":1}",
        "{\"match_id\":0,\"timestamp\":1,\"teams\":[]}",
        "{\"match_id\":1,\"timestamp\":1,\"teams\":[]}",
        "{\"match_id\":1,\"timestamp\":1,\"teams\":[{\"players\":[],\"rank\":1}]}",
        "{\"match_id\":1,\"timestamp\":1,\"teams\":[{\"players\":[\"a\"],\"rank\":0}]}",
        "{\"match_id\":1,\"timestamp\":1,\"teams\":[{\"players\":[\"a\"],\"rank\":1}]}",
    ] {
        let lines = dir.path().join("bad.jsonl");
        write(&lines, bad);
        model("train", &dir.path().join("fresh"), &["--mode", "duel", arg(&lines)])
            .told(2, &["bad.jsonl:line 1"]);
    }
}

#[test]
fn a_directory_whose_name_is_no_text_takes_a_version() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("a.csv"), odd(dir.path()));
    write(&file, &league(1, 50));
    let args = ["model", "train", "--json", "--mode", "duel", arg(&file), "--data-dir"].map(OsStr::new);
    let ran = gsm(&[&args[..], &[data.as_os_str()]].concat());
    ran.told(0, &[]);
    assert!(ran.json()["file"].as_str().unwrap().contains(ODD.1));
}

/// The last second that a file may have.
#[test]
fn a_history_that_ends_where_time_does_is_trained_on_and_listed() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("a.csv"), dir.path().join("data"));
    let last = "999,253402300799,0,p1,1,,\n999,253402300799,1,p2,2,,\n";
    write(&file, &(league(1, 50) + last));
    let trained = model("train", &data, &["--mode", "duel", arg(&file)]).ok();
    assert!(trained.contains("51 matches") && trained.contains("253402300799 s"), "{trained}");
    assert!(model("list", &data, &[]).ok().contains("253402300799 s"));
}

/// Who only looks makes no store.
#[test]
fn a_look_at_a_directory_without_a_store_leaves_it_so() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["model", "live"][..], &["model", "eval"], &["rating", "rebuild"], &["rating", "compare"]] {
        let ran = gsm(&[args, &["--data-dir", dir.path().to_str().unwrap()]].concat());
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        assert!(ran.err.contains("hint: "), "{ran:?}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
