use crate::gsm::{Served, arg, gsm, write};
use std::process::Command;

/// Defines a board by hand, as an operator would.
fn define(served: &Served, key: &str, board: &str, body: &str) {
    let url = format!("http://{}/v1/admin/boards/{board}", served.addr);
    let ran = Command::new("curl")
        .args(["-sf", "-X", "PUT", &url, "-H", &format!("Authorization: Bearer {key}")])
        .args(["-H", "Content-Type: application/json", "-d", body])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

#[test]
fn boards_go_out_and_in() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let served = Served::start("dev", &data, &["--bots", "0"]);
    let keys = std::fs::read_to_string(data.join("dev-credentials.json")).unwrap();
    let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    let key = keys["admin_key"].as_str().unwrap();
    let column = r#"{"value": "submitted", "operator": "best"}"#;
    define(&served, key, "points", &format!(r#"{{"columns": [{column}]}}"#));
    define(&served, key, "two", &format!(r#"{{"columns": [{column}, {column}]}}"#));
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
    import("two", &[arg(&csv)]).told(2, &["has 1 numbers a player, the board has 2 columns"]);
    import("duel", &[arg(&csv)]).told(2, &["follows a mode"]);
    import("none", &[arg(&csv)]).told(2, &["no such board"]);
    let export = |more: &[&str]| {
        let mut args = vec!["boards", "export", "--data-dir", arg(&data), "--board", "points"];
        args.extend_from_slice(more);
        gsm(&args)
    };
    let out = export(&[]).ok();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "rank,player_id,display_name,value_1,reached_at,games");
    let ends: Vec<&str> = lines[1..].iter().map(|line| line.split_once(",plr-").unwrap().1).collect();
    let rest: Vec<&str> = ends.iter().map(|end| end.split_once(',').unwrap().1).collect();
    assert!(rest[0].starts_with("bob,9,") && rest[1].starts_with("Eve,8,"), "{out}");
    assert_eq!(rest[2], "Ann,7,1600000001000,4");
    let file = dir.path().join("out.jsonl");
    export(&["--format", "jsonl", "--out", arg(&file)]).ok();
    let first: serde_json::Value =
        serde_json::from_str(std::fs::read_to_string(&file).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!((&first["rank"], &first["values"][0]), (&1.into(), &9.0.into()));
    // What was exported can be imported again.
    let again = dir.path().join("again.csv");
    write(&again, &out);
    assert!(import("points", &[arg(&again)]).ok().contains("3 scores"));
    let served = Served::start("dev", &data, &["--bots", "0"]);
    let in_use = gsm(&["boards", "export", "--data-dir", arg(&data), "--board", "points"]);
    in_use.told(1, &["in use by process", "an export needs the directory for itself"]);
    drop(served);
}
