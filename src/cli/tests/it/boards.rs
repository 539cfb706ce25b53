use crate::{
    gsm::{Ran, Served, arg, gsm, gsm_in, write},
    redis::Redis,
};
use std::{
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// Defines a board by hand, as an operator would.
fn define(served: &Served, key: &str, board: &str, body: &str) {
    ask(served, key, "PUT", &format!("/v1/admin/boards/{board}"), body);
}

fn ask(served: &Served, key: &str, method: &str, path: &str, body: &str) {
    let url = format!("http://{}{path}", served.addr);
    let ran = Command::new("curl")
        .args(["-sf", "-X", method, &url, "-H", &format!("Authorization: Bearer {key}")])
        .args(["-H", "Content-Type: application/json", "-d", body])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

fn admin_key(data: &Path) -> String {
    let keys = std::fs::read_to_string(data.join("dev-credentials.json")).unwrap();
    let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    keys["admin_key"].as_str().unwrap().to_owned()
}

/// The first season is over.
const SEASONS: &str = r#"{"at": {"starts_at": ["2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z"]}}"#;
const BEST: &str = r#"{"value": "submitted", "direction": "descending", "operator": "best"}"#;

/// A server without players that runs, its data directory, and its admin key.
fn empty() -> (TempDir, PathBuf, Served, String) {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let served = Served::start("dev", &data, &["--bots", "0"]);
    let key = admin_key(&data);
    (dir, data, served, key)
}

#[test]
fn who_is_hidden_since_a_payout_puts_nobody_into_an_export_twice() {
    let (dir, data, served, key) = empty();
    define(&served, &key, "laps", &format!(r#"{{"columns": [{BEST}], "season": {SEASONS}}}"#));
    served.signal("TERM");
    let file = dir.path().join("a.csv");
    let lines: String = (1..=8).map(|n| format!("u{n},{},1577836801000\n", 100 - n)).collect();
    write(&file, &format!("player_id,score,timestamp\n{lines}"));
    gsm(&["boards", "import", "--data-dir", arg(&data), "--board", "laps", arg(&file)]).ok();
    let export = || {
        let of =
            ["boards", "export", "--data-dir", arg(&data), "--board", "laps", "--season", "1", "--ranked"];
        gsm(&of).ok().lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
    };
    let all: Vec<Vec<String>> = export();
    assert_eq!(all.len(), 8);
    let served = Served::start("dev", &data, &["--bots", "0"]);
    let rules = r#"{"page_size": 100, "in_flight_max": 2, "retry_after_ms": 60000}"#;
    ask(&served, &key, "POST", "/v1/rankings/laps/seasons/1/payout", rules);
    for hidden in [&all[1], &all[3]] {
        let path = format!("/v1/admin/boards/laps/players/{}/visibility", hidden[1]);
        ask(&served, &key, "PUT", &path, r#"{"visibility": "hidden", "reason": "x"}"#);
    }
    served.signal("TERM");
    let left: Vec<Vec<String>> = export();
    let ranks: Vec<&str> = left.iter().map(|line| line[0].as_str()).collect();
    assert_eq!(ranks, ["1", "3", "5", "6", "7", "8"]);
}

#[test]
fn a_league_goes_to_another_server_as_it_is() {
    let seasons =
        r#"{"at": {"starts_at": ["2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z", "2020-03-01T00:00:00Z"]}}"#;
    let levels = r#"{"levels": 3, "size": 4, "promote": 1, "relegate": 1, "start": 2}"#;
    let league = format!(r#"{{"columns": [{BEST}], "season": {seasons}, "league": {levels}}}"#);
    let begins = [1_577_836_800_000_u64, 1_580_515_200_000, 1_583_020_800_000];
    let (dir, data, served, key) = empty();
    define(&served, &key, "lg", &league);
    served.signal("TERM");
    let file = dir.path().join("a.csv");
    let scores = begins.iter().zip(0..).flat_map(|(begin, nth)| {
        (0..8).map(move |n| format!("n{n},{},{}\n", (n * 5 + nth * 3) % 8, begin + 1_000 + n))
    });
    write(&file, &format!("player_id,score,timestamp\n{}", scores.collect::<String>()));
    let import = |data: &Path, files: &[&str]| {
        gsm(&[&["boards", "import", "--data-dir", arg(data), "--board", "lg"][..], files].concat())
    };
    import(&data, &[arg(&file)]).ok();
    let export = |data: &Path, season: &str, more: &[&str]| {
        let of = ["boards", "export", "--data-dir", arg(data), "--board", "lg", "--season", season];
        gsm(&[&of[..], more].concat())
    };
    let ids: Vec<String> = export(&data, "3", &[])
        .ok()
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap().to_owned())
        .collect();
    let served = Served::start("dev", &data, &["--bots", "0"]);
    for (player, seen) in [(&ids[2], "hidden"), (&ids[5], "shadow")] {
        let body = format!(r#"{{"visibility": "{seen}", "reason": "x"}}"#);
        let path = format!("/v1/admin/boards/lg/players/{player}/visibility");
        ask(&served, &key, "PUT", &path, &body);
    }
    served.signal("TERM");
    let of_all = |data: &Path, format: &str| -> Vec<String> {
        ["1", "2", "3"].map(|season| export(data, season, &["--format", format]).ok()).into()
    };
    // Without the ids, which each server draws itself.
    let plain = |out: &str| -> Vec<String> {
        let line = |line: &str| {
            line.split(',')
                .enumerate()
                .filter(|(at, _)| *at != 1)
                .map(|of| of.1)
                .collect::<Vec<_>>()
                .join(",")
        };
        out.lines().map(line).collect()
    };
    let there = of_all(&data, "csv");
    for (format, ending) in [("csv", "csv"), ("jsonl", "jsonl")] {
        let files: Vec<PathBuf> =
            ["1", "2", "3"].map(|season| dir.path().join(format!("{season}.{ending}"))).into();
        for (file, text) in files.iter().zip(of_all(&data, format)) {
            write(file, &text);
        }
        let (_other, copy, served, key) = empty();
        define(&served, &key, "lg", &league);
        served.signal("TERM");
        let files: Vec<&str> =
            ["--from", format].into_iter().chain(files.iter().map(|file| arg(file))).collect();
        let ran = import(&copy, &files);
        assert!(!ran.err.contains("another level"), "{ran:?}");
        ran.ok();
        for (before, after) in there.iter().zip(of_all(&copy, "csv")) {
            assert_eq!(plain(before), plain(&after), "{format}");
        }
        // One season alone does not tell the levels of its players.
        let (_other, copy, served, key) = empty();
        define(&served, &key, "lg", &league);
        served.signal("TERM");
        let ran = import(&copy, &["--from", format, files[files.len() - 1]]);
        assert!(ran.err.contains(" of 8 lines have another level or cohort"), "{ran:?}");
        ran.ok();
    }
    let last: Vec<&str> = there[2].lines().collect();
    assert!(last[0].ends_with(",metadata,visibility"), "{}", last[0]);
    assert_eq!(last.len(), 9);
    assert!(last[7].starts_with(&format!(",{}", ids[2])) && last[7].ends_with(",hidden"), "{}", last[7]);
    assert!(last[8].starts_with(&format!(",{}", ids[5])) && last[8].ends_with(",shadow"), "{}", last[8]);
    let ran = export(&data, "3", &["--ranked"]);
    assert!(
        ran.err.contains("without a rank: 2 players, left out; of them hidden 1, in the shadow 1"),
        "{ran:?}"
    );
    assert_eq!(ran.ok().lines().count(), 7);
}

#[test]
fn who_may_not_be_ranked_is_exported_behind_the_others() {
    let (dir, data, served, key) = empty();
    for board in ["eli", "copy"] {
        define(
            &served,
            &key,
            board,
            &format!(r#"{{"columns": [{BEST}], "eligibility": {{"games_min": 2}}}}"#),
        );
    }
    served.signal("TERM");
    let file = dir.path().join("a.csv");
    write(&file, "player_id,score,games,timestamp\nfew,50,1,5\nmany,5,3,6\nless,40,1,7\n");
    let import = |board: &str, more: &[&str]| {
        let of = ["boards", "import", "--data-dir", arg(&data), "--board", board, arg(&file)];
        gsm(&[&of[..], more].concat()).ok()
    };
    let export = |board: &str, format: &str| {
        gsm(&["boards", "export", "--data-dir", arg(&data), "--board", board, "--format", format])
    };
    import("eli", &[]);
    let ran = export("eli", "csv");
    assert!(ran.err.contains("without a rank: 2 players, written; of them hidden 0"), "{ran:?}");
    let out = ran.ok();
    let ends: Vec<(&str, &str)> = out
        .lines()
        .skip(1)
        .map(|line| (line.split(',').next().unwrap(), line.splitn(3, ',').nth(2).unwrap()))
        .collect();
    assert_eq!(ends, [("1", "many,5,6,3,"), ("", "few,50,5,1,"), ("", "less,40,7,1,")]);
    let lines = export("eli", "jsonl").ok();
    assert_eq!(lines.matches(r#""rank":null"#).count(), 2, "{lines}");
    write(&file, &lines);
    import("copy", &["--from", "jsonl"]);
    assert_eq!(export("copy", "csv").ok(), out);
}

#[test]
fn an_import_is_taken_whole_wherever_its_thousandth_row_is() {
    let (dir, data, served, key) = empty();
    let cohorts = r#"{"size": 50, "rule": "arrival"}"#;
    let of_cohorts = format!(r#"{{"columns": [{BEST}], "season": {SEASONS}, "cohorts": {cohorts}}}"#);
    define(&served, &key, "cohorts", &of_cohorts);
    define(&served, &key, "two", &format!(r#"{{"columns": [{BEST}, {BEST}], "past": true}}"#));
    served.signal("TERM");
    let file = dir.path().join("a.csv");
    let import =
        |board: &str| gsm(&["boards", "import", "--data-dir", arg(&data), "--board", board, arg(&file)]);
    let count = |board: &str, more: &[&str]| {
        let of = [&["boards", "export", "--data-dir", arg(&data), "--board", board][..], more].concat();
        gsm(&of).ok().lines().count() - 1
    };
    let rows = |from: u32, at: u64| (from..from + 60).map(move |n| format!("u{n},1,{at}\n"));
    let first = rows(0, 1_577_836_801_000).chain(rows(30, 1_580_515_201_000));
    write(&file, &format!("player_id,score,timestamp\n{}", first.collect::<String>()));
    import("cohorts").ok();
    assert_eq!((count("cohorts", &["--season", "1"]), count("cohorts", &["--season", "2"])), (60, 60));
    let rows: String = (0..1_100).map(|n| format!("u{n},1,1\n")).collect();
    write(&file, &format!("player_id,value_1,value_2\n{rows}x,1,1073741824\n"));
    import("two").told(2, &["line 1102", "1073741823"]);
    assert_eq!(count("two", &[]), 0);
}

#[test]
fn boards_go_out_and_in() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let served = Served::start("dev", &data, &["--bots", "0"]);
    let key = &*admin_key(&data);
    let column = r#"{"value": "submitted", "operator": "best"}"#;
    define(&served, key, "points", &format!(r#"{{"columns": [{column}]}}"#));
    define(&served, key, "copy", &format!(r#"{{"columns": [{column}]}}"#));
    define(&served, key, "lines", &format!(r#"{{"columns": [{column}]}}"#));
    let off = r#"{"columns": [{"value": "submitted", "operator": "decr"}]}"#;
    define(&served, key, "lives", off);
    define(&served, key, "lives-copy", off);
    define(&served, key, "two", &format!(r#"{{"columns": [{column}, {column}]}}"#));
    let season = r#"{"at": {"starts_at": ["2020-01-01T00:00:00Z"]}}"#;
    let levels = r#"{"levels": 2, "size": 2, "promote": 1, "relegate": 1}"#;
    let league = format!(r#"{{"columns": [{column}], "season": {season}, "league": {levels}}}"#);
    define(&served, key, "league", &league);
    served.signal("TERM");
    let (csv, page, bad) =
        (dir.path().join("a.csv"), dir.path().join("page.json"), dir.path().join("bad.csv"));
    write(
        &csv,
        "player_id,score,display_name,timestamp\nann,5,Ann,1600000000000\nbob,9,,\nann,7,,1600000001000\n",
    );
    write(&page, r#"{"records":[{"owner_id":"eve","username":"Eve","score":"8","subscore":"1"}]}"#);
    write(&bad, "player_id,score\nann,5\nbob,x\n");
    let import = |board: &str, more: &[&str]| {
        let mut args = vec!["boards", "import", "--data-dir", arg(&data), "--board", board];
        args.extend_from_slice(more);
        gsm(&args)
    };
    assert!(import("points", &[arg(&csv)]).ok().contains("3 scores"));
    // The best counts, however often a file is given.
    import("points", &[arg(&csv)]).ok();
    import("points", &["--from", "nakama", arg(&page)]).ok();
    import("points", &[arg(&bad)]).told(2, &["bad.csv", "line 3", "`x`"]);
    // Of several files none is taken where one is bad, however far down.
    let many: String = (0..600).map(|n| format!("new-{n},{n}\n")).collect();
    for (last, what) in [("plr-1,5", "`plr-1`"), ("ann,9007199254740993", "must be within")] {
        write(&bad, &format!("player_id,score\n{many}{last}\n"));
        import("points", &[arg(&csv), arg(&bad)]).told(2, &["bad.csv: line 602", what]);
        let out = gsm(&["boards", "export", "--data-dir", arg(&data), "--board", "points"]).ok();
        assert!(!out.contains("new-0"), "{out}");
    }
    import("two", &[arg(&csv)]).told(2, &["a.csv: line 2", "has 1 numbers, the board has 2 columns"]);
    import("duel", &[arg(&csv)]).told(2, &["follows a mode"]);
    import("none", &[arg(&csv)]).told(2, &["no such board"]);
    let export_of = |board: &str, more: &[&str]| {
        let mut args = vec!["boards", "export", "--data-dir", arg(&data), "--board", board];
        args.extend_from_slice(more);
        gsm(&args)
    };
    let export = |more: &[&str]| export_of("points", more);
    // With cohorts, each line says which.
    import("league", &[arg(&csv)]).ok();
    import("league", &["--from", "nakama", arg(&page)]).ok();
    let out = export_of("league", &[]).ok();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "rank,player_id,display_name,value_1,reached_at,games,level,cohort,metadata");
    let seats: Vec<&str> = lines[1..].iter().map(|line| &line[line.len() - 4..]).collect();
    assert_eq!(seats, ["1,1,", "1,2,", "1,1,"], "{out}");
    let out = export_of("league", &["--cohort", "2", "--format", "jsonl"]).ok();
    let line: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&line["display_name"], &line["rank"], &line["level"], &line["cohort"]),
        (&"Eve".into(), &1.into(), &1.into(), &2.into())
    );
    export_of("league", &["--cohort", "3"]).told(2, &["cohort"]);
    let out = export(&[]).ok();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "rank,player_id,display_name,value_1,reached_at,games,metadata");
    let ends: Vec<&str> = lines[1..].iter().map(|line| line.split_once(",plr-").unwrap().1).collect();
    let rest: Vec<&str> = ends.iter().map(|end| end.split_once(',').unwrap().1).collect();
    assert!(rest[0].starts_with("bob,9,") && rest[1].starts_with("Eve,8,"), "{out}");
    assert_eq!(rest[2], "Ann,7,1600000001000,4,");
    let file = dir.path().join("out.jsonl");
    export(&["--format", "jsonl", "--out", arg(&file)]).ok();
    assert!(!dir.path().join("out.jsonl.new").exists());
    // Nothing takes the place of a device.
    export(&["--out", "/dev/full"]).told(1, &["cannot write"]);
    let full = std::fs::metadata("/dev/full").unwrap().file_type();
    assert!(std::os::unix::fs::FileTypeExt::is_char_device(&full));
    let first: serde_json::Value =
        serde_json::from_str(std::fs::read_to_string(&file).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!((&first["rank"], &first["values"][0]), (&1.into(), &9.0.into()));
    let table = dir.path().join("out.parquet");
    let ran = export(&["--format", "parquet", "--out", arg(&table)]);
    if cfg!(feature = "parquet") {
        ran.ok();
        let bytes = std::fs::read(&table).unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    } else {
        ran.told(2, &["writes no Parquet", "default features"]);
        assert!(!table.exists());
    }
    // What was exported can be imported again: ids that this server gave are the players who have them.
    let again = dir.path().join("again.csv");
    write(&again, &out);
    let ran = import("points", &[arg(&again)]);
    assert!(!ran.err.contains("another server"), "{ran:?}");
    assert!(ran.ok().contains("3 scores"));
    let ids = |out: &str| -> Vec<String> {
        out.lines().filter_map(|line| line.split(',').nth(1).map(str::to_owned)).collect()
    };
    assert_eq!(ids(&export(&[]).ok()), ids(&out));
    // Whole, as far as a board without matches has it: order of equals and metadata too.
    write(
        &again,
        "player_id,score,timestamp,metadata\ncat,9,1500000000000,\"a \"\"kart\"\",\nof two lines\"\n",
    );
    import("points", &[arg(&again)]).ok();
    write(&again, "player_id,score,timestamp,metadata\ndan,1,1500000000000,\"\"\n");
    import("points", &[arg(&again)]).ok();
    let whole = export(&[]).ok();
    assert!(whole.contains("\"a \"\"kart\"\",\nof two lines\"\n"), "{whole}");
    write(&again, &whole);
    import("copy", &[arg(&again)]).ok();
    export(&["--format", "jsonl", "--out", arg(&file)]).ok();
    import("lines", &["--from", "jsonl", arg(&file)]).ok();
    let entries = |board: &str| -> Vec<serde_json::Value> {
        let out = export_of(board, &["--format", "jsonl"]).ok();
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    assert!(entries("points").iter().any(|entry| entry["games"] == 4 && entry["metadata"].is_null()));
    assert!(entries("points").iter().any(|entry| entry["metadata"] == ""), "a text of no letters is one");
    assert_eq!((entries("copy"), entries("lines")), (entries("points"), entries("points")));
    // Also where numbers are taken off.
    import("lives", &["--from", "jsonl", arg(&file)]).ok();
    export_of("lives", &["--format", "jsonl", "--out", arg(&file)]).ok();
    import("lives-copy", &["--from", "jsonl", arg(&file)]).ok();
    assert_eq!((entries("lives"), entries("lives-copy")), (entries("points"), entries("points")));
    let first = lines[1].split(',').nth(1).unwrap();
    write(&page, &format!(r#"{{"data":{{"Leaderboard":[{{"PlayFabId":"{first}","StatValue":50}}]}}}}"#));
    import("points", &["--from", "playfab", arg(&page)]).ok();
    assert!(export(&[]).ok().lines().nth(1).unwrap().starts_with(&format!("1,{first},bob,50,")));
    // One of another server is a player of its own, and one that is none is refused with its line.
    write(&again, "player_id,score\nplr-00000000000000000000000000000009,1\n");
    for _ in 0..2 {
        import("points", &[arg(&again)]).told(0, &["again.csv: ids that another server gave", "here: 1"]);
    }
    let five = export(&[]).ok();
    assert!(five.lines().count() == 8 && !five.contains("plr-00000000000000000000000000000009,,"), "{five}");
    write(&again, &format!("player_id,score\n{first},900\nplr-12,1\n"));
    import("points", &[arg(&again)])
        .told(2, &["again.csv", "line 3", "`plr-12`", "32 lower-case hex digits"]);
    write(&page, r#"{"records":[{"owner_id":"plr-1","score":8}]}"#);
    import("points", &["--from", "nakama", arg(&page)]).told(2, &["record 1", "`plr-1`"]);
    assert_eq!(export(&[]).ok(), five, "nothing of it was taken");
    let served = Served::start("dev", &data, &["--bots", "0"]);
    let in_use = gsm(&["boards", "export", "--data-dir", arg(&data), "--board", "points"]);
    in_use.told(1, &["in use by process", "an export needs the directory for itself"]);
    drop(served);
}

/// A data directory with the board `points`, whose numbers are added.
fn with_points(data: &Path) {
    let served = Served::start("dev", data, &["--bots", "0"]);
    let columns = r#"{"columns": [{"value": "submitted", "operator": "incr"}]}"#;
    define(&served, &admin_key(data), "points", columns);
    served.signal("TERM");
}

#[test]
fn a_sorted_set_of_redis_goes_in() {
    let Some(redis) = Redis::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    with_points(&data);
    // More than a page, and more than Redis keeps in one piece.
    let many: Vec<String> = (0..2_500).map(|n| format!("{} player-{n}", n * 2)).collect();
    redis.tell("SELECT 0");
    redis.tell(&format!("ZADD season {}", many.join(" ")));
    redis.tell("ZADD half 1.5 ann");
    redis.tell("ZADD endless inf ann");
    redis.tell("ZADD odd 1 \"\\xff\"");
    redis.tell("ZADD long 1e3 ann");
    redis.tell("SET text hello");
    let url = format!("redis://{}/0", redis.addr);
    let import = |url: &str, key: &str, env: &[(&str, &str)]| -> Ran {
        let args = ["boards", "import", "--data-dir", arg(&data), "--board", "points"];
        gsm_in(&[&args[..], &["--from-redis", url, "--key", key]].concat(), env)
    };
    assert!(import(&url, "season", &[]).ok().contains("2,500 scores taken by `points`"));
    assert!(import(&url, "long", &[]).ok().contains("1 scores"));
    let out = gsm(&["boards", "export", "--data-dir", arg(&data), "--board", "points"]).ok();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2_502);
    assert!(lines[1].starts_with("1,plr-") && lines[1].contains(",player-2499,4998,"), "{}", lines[1]);
    assert!(out.contains(",ann,1000,"), "{out}");
    import(&url, "none", &[]).told(2, &["key `none`: is not in database 0"]);
    import(&format!("redis://{}/1", redis.addr), "season", &[]).told(2, &["is not in database 1"]);
    import(&url, "text", &[]).told(2, &["is no sorted set but a string"]);
    import(&url, "half", &[]).told(2, &["score `1.5` of `ann` is no whole number"]);
    import(&url, "endless", &[]).told(2, &["score `inf`"]);
    import(&url, "odd", &[]).told(2, &["is no text"]);
    import("http://localhost", "season", &[]).told(2, &["must begin with redis://"]);
    import("redis://127.0.0.1:1", "season", &[]).told(1, &["Redis at 127.0.0.1:1"]);
    redis.tell("CONFIG SET requirepass secret-of-redis");
    import(&url, "season", &[]).told(1, &["NOAUTH"]);
    import(&url, "long", &[("REDISCLI_AUTH", "secret-of-redis")]).ok();
    let wrong = import(&url, "long", &[("REDISCLI_AUTH", "guess-of-redis")]);
    wrong.told(1, &["WRONGPASS"]);
    assert!(!wrong.err.contains("guess-of-redis"), "{}", wrong.err);
    let args = ["boards", "import", "--data-dir", arg(&data), "--board", "points", "--from-redis", &url];
    gsm(&args).told(2, &["--key"]);
}

#[test]
fn equals_of_a_sorted_set_stand_as_redis_lists_them() {
    let Some(redis) = Redis::start() else { return };
    redis.tell("ZADD points 10 ann 10 bob 10 cid 7 dan");
    let url = format!("redis://{}", redis.addr);
    for (direction, listed) in
        [("descending", ["cid", "bob", "ann", "dan"]), ("ascending", ["dan", "ann", "bob", "cid"])]
    {
        let (_dir, data, served, key) = empty();
        let column = format!(r#"{{"value": "submitted", "direction": "{direction}", "operator": "best"}}"#);
        define(&served, &key, "points", &format!(r#"{{"columns": [{column}], "ties": "ordinal"}}"#));
        served.signal("TERM");
        let of = ["--data-dir", arg(&data), "--board", "points"];
        let from = ["--from-redis", &url, "--key", "points"];
        gsm(&[&["boards", "import"][..], &of, &from].concat()).ok();
        let out = gsm(&[&["boards", "export"][..], &of].concat()).ok();
        let names: Vec<&str> = out.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
        assert_eq!(names, listed, "{direction}");
    }
}

#[test]
fn equals_of_one_instant_stay_as_a_file_lists_them() {
    let file_of = |dir: &TempDir| dir.path().join("a.csv");
    let board = || {
        let (dir, data, served, key) = empty();
        define(&served, &key, "laps", &format!(r#"{{"columns": [{BEST}]}}"#));
        served.signal("TERM");
        (dir, data)
    };
    let export = |data: &Path| gsm(&["boards", "export", "--data-dir", arg(data), "--board", "laps"]).ok();
    let names = |out: &str| -> Vec<String> {
        out.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().to_owned()).collect()
    };
    let (dir, data) = board();
    // More than one change set, in no order of their own.
    let wanted: Vec<String> = (0..1_500).map(|n| format!("u{}", n * 7 % 1_500)).collect();
    let rows: String = wanted.iter().map(|id| format!("{id},1,1600000000000\n")).collect();
    write(&file_of(&dir), &format!("player_id,score,timestamp\n{rows}"));
    gsm(&["boards", "import", "--data-dir", arg(&data), "--board", "laps", arg(&file_of(&dir))]).ok();
    let out = export(&data);
    assert_eq!(names(&out), wanted);
    let (dir, data) = board();
    write(&file_of(&dir), &out);
    gsm(&["boards", "import", "--data-dir", arg(&data), "--board", "laps", arg(&file_of(&dir))]).ok();
    assert_eq!(names(&export(&data)), wanted);
}
