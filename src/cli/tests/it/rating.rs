use crate::gsm::{Served, arg, gsm, write};
use gsm_adapters::{EmbeddedStore, Options, SystemClock, SystemIds};
use gsm_core::{Clock as _, CommitKey};
use gsm_engine::store::{ChangeSet, KeyRange, Row, Store as _};
use std::{fs, path::Path, sync::Arc};

#[test]
fn a_rebuild_gives_what_a_replay_and_rulings_left() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("duels.csv"), dir.path().join("data"));
    let rows: String = (1..=300u64)
        .map(|n| {
            let (a, b) = (n * 7 % 20, (n * 7 + 1 + n % 18) % 20);
            let at = 1_600_000_000 + n * 600;
            format!("{n},{at},0,p{a},{},,\n{n},{at},1,p{b},{},,\n", 1 + n % 2, 2 - n % 2)
        })
        .collect();
    write(&file, &format!("match_id,timestamp,team,player_id,rank,score,mode\n{rows}"));
    gsm(&["replay", arg(&file), "--data-dir", arg(&data), "--mode", "old"]).ok();
    let rebuild = |more: &[&str]| {
        let mut args = vec!["rating", "rebuild", "--data-dir", arg(&data)];
        args.extend_from_slice(more);
        gsm(&args)
    };
    let found = rebuild(&["--json"]).json();
    assert_eq!((found["ok"].as_bool(), found["modes"][0]["mode"].as_str()), (Some(true), Some("old")));
    let counts = |name: &str| found["modes"][0][name].as_u64();
    assert_eq!(["players", "results", "differing"].map(counts), [Some(20), Some(300), Some(0)]);

    gsm(&["admin", "bootstrap", "--data-dir", arg(&data)]).ok();
    let key = fs::read_to_string(data.join("admin.key")).unwrap();
    let served = Served::start("serve", &data, &[]);
    let player =
        served.get("/v1/rankings/old?limit=1", Some(key.trim())).1["entries"][0]["player_id"].clone();
    let path = format!("/v1/players/{}/ratings/old/history?limit=1000", player.as_str().unwrap());
    let steps = served.get(&path, Some(key.trim())).1["entries"].clone();
    let oldest = steps.as_array().unwrap().last().unwrap()["match_id"].clone();
    let path = format!("/v1/admin/matches/{}/void", oldest.as_str().unwrap());
    let (status, voided) = served.post(&path, Some(key.trim()), r#"{"reason":"a test"}"#);
    assert_eq!((status, voided["verdict"].as_str()), (200, Some("voided")), "{voided}");
    rebuild(&[]).told(1, &["in use by process", "a rebuild needs"]);
    drop(served);
    assert_eq!(rebuild(&["--json"]).json()["modes"][0]["differing"], 0);

    bend_a_rating(&data);
    rebuild(&[]).told(1, &["1 rows are not what the results give", "--repair"]);
    let text = rebuild(&["--mode", "old", "--repair"]).ok();
    assert!(text.contains("rows that differ") && text.contains("300"), "{text}");
    rebuild(&[]).ok();
}

/// Changes the last bit of one rating, behind everybody's back.
fn bend_a_rating(data: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let clock = Arc::new(SystemClock::new());
        let store = EmbeddedStore::open(data, clock.clone(), Options::default()).unwrap();
        let (key, found) = store.list(&KeyRange::AllRatings, None, 1, false).await.unwrap().remove(0);
        let Row::Rating(mut standing) = (*found.row).clone() else { panic!("a rating") };
        let row = standing.rating.as_mut().unwrap();
        row.rating.mean = row.rating.mean.next_up();
        let mut changes = ChangeSet::new(CommitKey::fresh(&SystemIds), clock.now());
        changes.replace(key, Some(found.version), Row::Rating(standing));
        store.commit(changes).await.unwrap();
        store.close().unwrap();
    });
}

#[test]
fn what_cannot_be_rebuilt_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("none");
    gsm(&["rating", "rebuild", "--data-dir", arg(&none)]).told(2, &["none", "no directory"]);
    assert!(!none.exists());
    let here = |more: &[&str]| {
        let mut args = vec!["rating", "rebuild", "--data-dir", arg(dir.path())];
        args.extend_from_slice(more);
        gsm(&args)
    };
    here(&["--mode", "two words"]).told(2, &["--mode"]);
    here(&["--mode", "none"]).told(2, &["no store"]);
    here(&["--json"]).told(2, &["no store"]);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
