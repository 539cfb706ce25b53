use crate::gsm::{ODD, arg, gsm, odd, write};
use std::{ffi::OsStr, path::PathBuf};

fn shipped(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/rule-sets").join(name)
}

const BROKEN: &str = r#"{
  "ruleLanguageVersion": "1.0",
  "teams": [{"name": "duo", "minPlayers": 2, "maxPlayers": 2}],
  "rules": [{"name": "Near", "type": "latency", "maxLatncy": 5}]
}"#;

#[test]
fn lawful_rule_sets_are_said_to_be_so() {
    let (duel, fives) = (shipped("duel.json"), shipped("fives.json"));
    let out = gsm(&["rules", "validate", arg(&duel), arg(&fives), "--strict"]).ok();
    assert_eq!(out, format!("{}: lawful\n{}: lawful\n", arg(&duel), arg(&fives)));
}

#[test]
fn faults_stand_with_file_line_and_path_and_the_exit_code_is_2() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("broken.json");
    write(&file, BROKEN);
    let name = arg(&file);
    let ran = gsm(&["rules", "validate", name, arg(&shipped("hunt.json"))]);
    ran.told(2, &[]);
    let expected = [
        format!("{name}:4:13: $.rules[0] (rule `Near`): needs `maxLatency`, `maxDistance` or both"),
        format!(
            "{name}:4:49: $.rules[0].maxLatncy (rule `Near`): unknown member `maxLatncy`, did you mean `maxLatency`?"
        ),
        format!("{}: lawful", arg(&shipped("hunt.json"))),
    ];
    assert_eq!(ran.out.lines().collect::<Vec<_>>(), expected);

    let ran = gsm(&["rules", "validate", "--json", name]);
    ran.told(2, &[]);
    let told = ran.json();
    assert_eq!(
        (&told[0]["valid"], &told[0]["faults"][1]["path"]),
        (&false.into(), &"$.rules[0].maxLatncy".into())
    );
    assert_eq!(told[0]["faults"][1]["column"], 49);

    gsm(&["rules", "plan", name]).told(2, &["$.rules[0].maxLatncy"]);
}

#[test]
fn warnings_do_not_make_a_rule_set_unlawful() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("twice.json");
    write(&file, &BROKEN.replace("maxLatncy\": 5", "maxLatency\": 5, \"maxLatency\": 6"));
    let out = gsm(&["rules", "validate", arg(&file)]).ok();
    assert!(out.contains("twice.json:4:66: warning: $.rules[0].maxLatency"), "{out}");
    assert!(out.ends_with("lawful\n"), "{out}");
}

#[test]
fn files_that_cannot_be_read_are_named_and_the_others_are_judged() {
    let ran = gsm(&["rules", "validate", "/nowhere/a.json", arg(&shipped("duel.json"))]);
    ran.told(2, &["/nowhere/a.json"]);
    assert!(ran.out.ends_with("duel.json: lawful\n"), "{ran:?}");
    gsm(&["rules", "plan", "/nowhere/a.json"]).told(2, &["/nowhere/a.json"]);
    gsm(&["rules", "validate"]).told(2, &["FILE"]);
}

#[test]
fn a_rule_set_whose_name_is_no_text_is_judged() {
    let dir = tempfile::tempdir().unwrap();
    let file = odd(dir.path());
    let judged =
        || gsm(&[OsStr::new("rules"), OsStr::new("validate"), OsStr::new("--json"), file.as_os_str()]);
    let ran = judged();
    ran.told(2, &[]);
    assert!(ran.json()[0]["file"].as_str().unwrap().ends_with(ODD.1));
    std::fs::copy(shipped("duel.json"), &file).unwrap();
    let ran = judged();
    ran.told(0, &[]);
    assert_eq!(ran.json()[0]["valid"], true);
}

#[test]
fn a_plan_tells_what_an_index_answers_and_what_changes_with_age() {
    let out = gsm(&["rules", "plan", arg(&shipped("duel.json"))]).ok();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "from 0 s: host 1, guest 1");
    assert_eq!(lines[2], "RatingGap  distance  index  `rating` (average of a party) at most 75 apart");
    assert!(out.contains("\nfrom 40 s: host 1, guest 1\n") && out.contains("at most 800 apart"), "{out}");

    let out = gsm(&["rules", "plan", arg(&shipped("roles.json"))]).ok();
    assert!(out.contains("candidate  tank 1, damage 2, healer 2\n"), "{out}");
    assert!(out.contains("tank 1, damage 2, healer 2; 1 of a team autofilled\n"), "{out}");
    let out = gsm(&["rules", "plan", arg(&shipped("clans.json"))]).ok();
    assert!(out.starts_with("parties of up to 20 players, split where they fit no team\n"), "{out}");

    // A name that ends like that of a numbered team is told whole.
    let dir = tempfile::tempdir().unwrap();
    let lanes = dir.path().join("lanes.json");
    write(
        &lanes,
        r#"{"ruleLanguageVersion": "1.0", "teams": [{"name": "lane_1", "minPlayers": 1, "maxPlayers": 1, "quantity": 2}]}"#,
    );
    let out = gsm(&["rules", "plan", arg(&lanes)]).ok();
    assert!(out.starts_with("from 0 s: 2 x lane_1 1\n"), "{out}");

    let plan = gsm(&["rules", "plan", "--json", arg(&shipped("hunt.json"))]).json();
    assert_eq!(plan[0]["teams"][0], "pack 4");
    let by: Vec<&str> =
        plan[0]["rules"].as_array().unwrap().iter().map(|rule| rule["by"].as_str().unwrap()).collect();
    assert_eq!(by, ["candidate", "candidate", "candidate", "order"]);
    assert_eq!((&plan[1]["teams"][0], &plan[1]["rules"]), (&"pack 3-4".into(), &serde_json::json!([])));
}

#[test]
fn a_plan_tells_what_is_asked_of_pairs_and_of_parts() {
    let dir = tempfile::tempdir().unwrap();
    let plan = |size: u32, rules: &str| {
        let file = dir.path().join("set.json");
        let team = |name: &str| format!(r#"{{"name":"{name}","minPlayers":{size},"maxPlayers":{size}}}"#);
        let attribute = r#"{"name":"skill","type":"number","default":1500}"#;
        let (one, other) = (team("a"), team("b"));
        let text = format!(
            r#"{{"name":"n","ruleLanguageVersion":"1.0","playerAttributes":[{attribute}],"teams":[{one},{other}],"rules":[{rules}]}}"#
        );
        write(&file, &text);
        let plan = gsm(&["rules", "plan", "--json", arg(&file)]).json();
        let rules = plan[0]["rules"].as_array().unwrap().clone();
        let text = |of: &serde_json::Value| of.as_str().unwrap().to_owned();
        rules
            .iter()
            .map(|of| format!("{} {}: {}", text(&of["rule"]), text(&of["by"]), text(&of["what"])))
            .collect::<Vec<_>>()
    };
    let distance = |name: &str, what: &str| {
        format!(
            r#"{{"name":"{name}","type":"distance","measurements":["max(flatten(teams[*].players.attributes[skill]))"],
                "referenceValue":"min(flatten(teams[*].players.attributes[skill]))",{what}}}"#
        )
    };
    let apart = distance("Apart", r#""minDistance":10"#);
    assert_eq!(plan(1, &apart), ["Apart pair: "]);
    assert_eq!(plan(2, &apart), ["Apart candidate: "]);
    let either = [
        distance("Near", r#""maxDistance":10"#),
        distance("Far", r#""minDistance":900"#),
        r#"{"name":"Either","type":"compound","statement":"or(Near, Far)"}"#.to_owned(),
    ];
    assert_eq!(
        plan(1, &either.join(",")),
        ["Near pair: through a compound", "Far pair: through a compound", "Either pair: "]
    );
    let ping =
        r#"{"name":"Ping","type":"latency","maxLatency":100,"maxDistance":30,"distanceReference":"min"}"#;
    let told = plan(2, ping);
    assert!(
        told[0].starts_with(
            "Ping index: a location within 100 ms, at most 30 ms apart there, the nearest first ("
        ),
        "{told:?}"
    );
    let even = r#"{"name":"Alike","type":"comparison","operation":"<=","referenceValue":50,
        "measurements":["stddev(flatten(teams[*].players.attributes[skill]))"]}"#;
    let told = plan(2, even);
    assert!(told[0].starts_with("Alike index: `skill`") && told[0].ends_with("apart"), "{told:?}");
    assert_eq!(told[1..], ["Alike search: deviation of `skill` (average of a party) at most 50"]);
}

/// Tickets of a queue: name, age in seconds at the end, rating.
fn pool(tickets: &[(&str, u64, f64)]) -> String {
    let mut lines: Vec<(u64, String)> = tickets
        .iter()
        .map(|(name, age, rating)| {
            let at = 100_000 - age * 1_000;
            let player = format!(r#"{{"player":"p-{name}","attributes":{{"rating":{rating}}}}}"#);
            (at, format!(r#"{{"type":"arrived","at_ms":{at},"ticket":"{name}","queue":"duel","players":[{player}]}}"#))
        })
        .collect();
    lines.sort();
    let last = r#"{"type":"ended","at_ms":100000,"ticket":"long-gone","outcome":"matched"}"#;
    lines.into_iter().map(|(_, line)| line + "\n").collect::<String>() + last + "\n"
}

#[test]
fn a_ticket_is_told_what_stands_in_its_way() {
    let dir = tempfile::tempdir().unwrap();
    let (file, duel) = (dir.path().join("pool.jsonl"), shipped("duel.json"));
    // Of the three that are far from `me`, the nearest comes into reach at 15 seconds; two others are near each other.
    write(
        &file,
        &pool(&[
            ("me", 7, 1_500.0),
            ("near", 9, 1_700.0),
            ("far", 2, 3_000.0),
            ("x", 1, 100.0),
            ("y", 1, 150.0),
        ]),
    );
    let explain = |more: &[&str]| {
        gsm(&[&["rules", "explain", "--rules", arg(&duel), "--pool", arg(&file)], more].concat())
    };
    let told = explain(&["--ticket", "me", "--json"]).json();
    assert_eq!(
        (&told["waiting"], &told["waited_ms"], &told["position"]),
        (&true.into(), &7_000.into(), &2.into())
    );
    assert_eq!(
        (&told["others"], &told["compatible"], &told["binding"]),
        (&2.into(), &0.into(), &"RatingGap".into())
    );
    assert_eq!((&told["next"]["at_ms"], &told["next"]["unlocked"]), (&15_000.into(), &1.into()));
    assert_eq!(
        (&told["rules"][0]["passing"], &told["rules"][0]["plan"][0]["by"]),
        (&0.into(), &"index".into())
    );
    let table = explain(&["--ticket", "me"]).ok();
    for part in
        ["me: waits 7.0 s", "in the way: `RatingGap`", "at 15 s, in 8.0 s; it lets 1 more in", "RatingGap <"]
    {
        assert!(table.contains(part), "`{part}` is not in {table}");
    }
    assert_eq!(explain(&["--ticket", "x"]).ok(), "x has a match, with y\n");
    assert!(explain(&[]).ok().starts_with("3 of 5 tickets wait"));
    // Ten seconds later the expansion has begun for both.
    assert_eq!(explain(&["--ticket", "me", "--after-s", "10"]).ok(), "me has a match, with near\n");
    explain(&["--ticket", "nobody"]).told(2, &["`nobody` does not wait"]);
    explain(&["--queue", "trio"]).told(2, &["no ticket of this queue", "duel"]);
    assert!(!table.contains("estimated wait"), "nobody has ended: {table}");
}

#[test]
fn who_waits_for_a_price_alone_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let (file, balance) = (dir.path().join("pool.jsonl"), shipped("balance.json"));
    let tickets = pool(&[("me", 2, 1_500.0), ("far", 1, 1_900.0)]);
    write(&file, &tickets.replace(r#""attributes""#, r#""latency_ms":{"eu":20},"attributes""#));
    let explain = |more: &[&str]| {
        gsm(&[&["rules", "explain", "--rules", arg(&balance), "--pool", arg(&file)], more].concat())
    };
    let all = explain(&["--json"]).json();
    for told in [&explain(&["--ticket", "me", "--json"]).json(), &all["tickets"][0]] {
        assert_eq!((&told["held_back"], &told["price"]), (&true.into(), &30.0.into()), "{told}");
        assert!(told["binding"].is_null() && told["compatible"] == 1, "{told}");
    }
    let table = explain(&["--ticket", "me"]).ok();
    assert!(table.contains("it pays 30.0 for a match by now"), "{table}");
}

#[test]
fn a_recording_is_taken_as_a_simulation_takes_it() {
    let dir = tempfile::tempdir().unwrap();
    let (file, duel) = (dir.path().join("pool.jsonl"), shipped("duel.json"));
    let explain = |more: &[&str]| {
        gsm(&[&["rules", "explain", "--rules", arg(&duel), "--pool", arg(&file)], more].concat())
    };
    // Nobody plays himself.
    let both = pool(&[("a", 5, 1_500.0), ("b", 4, 1_500.0)]);
    write(&file, &both.replace("p-b", "p-a"));
    let told = explain(&["--json"]).json();
    assert_eq!((&told["waiting"], &told["busy"]), (&1.into(), &1.into()));
    assert!(explain(&[]).ok().contains("1 did not come, their players waiting"));
    assert_eq!(explain(&["--ticket", "b"]).ok(), "b did not come: a player of it waits in a\n");
    assert_eq!(explain(&["--ticket", "b", "--json"]).json()["busy_in"], "a");
    // Queues are not mixed.
    write(&file, &both.replacen("\"duel\"", "\"trio\"", 1));
    explain(&[]).told(2, &["choose one of duel, trio", "--queue"]);
    assert_eq!(explain(&["--queue", "trio", "--json"]).json()["waiting"], 1);
}

#[test]
fn who_waits_is_told_for_how_long_where_others_have_ended() {
    let dir = tempfile::tempdir().unwrap();
    let (file, duel) = (dir.path().join("pool.jsonl"), shipped("duel.json"));
    let names: Vec<String> = (0..20).map(|n| format!("t{n}")).collect();
    let mut tickets: Vec<(&str, u64, f64)> = names.iter().map(|name| (name.as_str(), 60, 1_500.0)).collect();
    tickets.push(("me", 3, 1_500.0));
    let ended = |name: &String| {
        format!("{{\"type\":\"ended\",\"at_ms\":48000,\"ticket\":\"{name}\",\"outcome\":\"matched\"}}\n")
    };
    write(&file, &(pool(&tickets) + &names.iter().map(ended).collect::<String>()));
    let explain = |more: &[&str]| {
        gsm(&[&["rules", "explain", "--rules", arg(&duel), "--pool", arg(&file)], more].concat())
    };
    for told in
        [explain(&["--ticket", "me", "--json"]).json(), explain(&["--json"]).json()["tickets"][0].clone()]
    {
        let of = |name: &str| told["estimated_wait"][name].as_u64().unwrap_or_else(|| panic!("{told}"));
        assert!((7_000..=9_000).contains(&of("p50_ms")) && of("p50_ms") <= of("p90_ms"), "{told}");
    }
    assert!(explain(&["--ticket", "me"]).ok().contains("estimated wait: 8.0 s (p50)"));
}

/// Sixty of whom no ten are a match, which only whole choices of ten tell: no end of it.
#[test]
fn an_answer_that_would_take_too_long_says_that_it_is_not_complete() {
    let dir = tempfile::tempdir().unwrap();
    let (file, rules) = (dir.path().join("pool.jsonl"), dir.path().join("rules.json"));
    write(
        &rules,
        r#"{"ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "rating", "type": "number"}],
          "teams": [{"name": "red", "minPlayers": 5, "maxPlayers": 5}, {"name": "blue", "minPlayers": 5, "maxPlayers": 5}],
          "rules": [{"name": "Odd", "type": "comparison", "operation": "=", "referenceValue": 0.5,
            "measurements": ["sum(flatten(teams[*].players.attributes[rating]))"]}]}"#,
    );
    let names: Vec<String> = (0..60).map(|n| format!("t{n}")).collect();
    let tickets: Vec<(&str, u64, f64)> = names
        .iter()
        .enumerate()
        .map(|(n, name)| (name.as_str(), 60 - n as u64, (n * 7_919 % 1_000) as f64))
        .collect();
    write(&file, &pool(&tickets));
    let explain = |more: &[&str]| {
        gsm(&[&["rules", "explain", "--rules", arg(&rules), "--pool", arg(&file)], more].concat())
    };
    let told = explain(&["--ticket", "t7", "--json"]).json();
    assert_eq!((&told["waiting"], &told["complete"]), (&true.into(), &false.into()));
    assert!(explain(&[]).ok().contains("not come to the end of its search"));
}
