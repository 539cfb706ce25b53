use crate::gsm::{Ran, arg, gsm, write};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What `elo_default(K=32)` reaches on the public histories, from the protocol's own tables: accuracy, log loss, Brier,
/// calibration error; and the log loss of the Kalman system with its defaults, as measured here: no change of it
/// may make these worse; and the same of the model.
const PUBLIC: [(&str, [f64; 4], f64, f64); 8] = [
    ("smash_ultimate", [0.7201, 0.5516, 0.1866, 0.0526], 0.5110, 0.4934),
    ("smash_ultimate_pro", [0.6054, 0.6437, 0.2269, 0.0333], 0.6320, 0.6198),
    ("tennis_atp", [0.6408, 0.6304, 0.2203, 0.0161], 0.6090, 0.6015),
    ("tennis_atp_doubles", [0.6393, 0.6356, 0.2221, 0.0250], 0.6263, 0.6230),
    ("rocket_league", [0.6532, 0.6138, 0.2134, 0.0325], 0.5728, 0.5560),
    ("overwatch", [0.6290, 0.6386, 0.2203, 0.0235], 0.6320, 0.6234),
    ("valorant", [0.6298, 0.6465, 0.2275, 0.0554], 0.6253, 0.6103),
    ("football_intl", [0.7466, 0.5797, 0.1407, 0.0739], 0.5495, 0.5449),
];

/// Calibration errors of the model on the public histories of more than 10,000 matches, as measured here: at most 0.02 is wanted.
const CALIBRATED: [(&str, f64); 7] = [
    ("smash_ultimate", 0.003),
    ("smash_ultimate_pro", 0.023),
    ("tennis_atp", 0.004),
    ("tennis_atp_doubles", 0.016),
    ("rocket_league", 0.016),
    ("overwatch", 0.016),
    ("football_intl", 0.008),
];

/// The mean distance of closeness from quality on the same, and on the one that is smaller, with room for what chance alone makes.
const CLOSE: [(&str, f64); 8] = [
    ("smash_ultimate", 0.005),
    ("smash_ultimate_pro", 0.043),
    ("tennis_atp", 0.008),
    ("tennis_atp_doubles", 0.022),
    ("rocket_league", 0.026),
    ("overwatch", 0.064),
    ("valorant", 0.053),
    ("football_intl", 0.016),
];

/// Log loss of win, draw and loss on the public history with draws.
const THREE_WAYS: f64 = 0.8675;

/// Log loss of pairs on the public free-for-alls, and that of the best rating system of the protocol's tables; and the mean
/// distance of closeness from quality.
const FIELDS: [(&str, f64, f64, f64); 2] =
    [("codeforces", 0.4623, 0.4942, 0.015), ("f1_races", 0.5603, 0.5660, 0.025)];

fn eval(files: &[&Path], more: &[&str]) -> Ran {
    let mut args = vec!["eval"];
    args.extend(files.iter().map(|file| arg(file)));
    args.extend_from_slice(more);
    gsm(&args)
}

fn rows(ran: Ran) -> Vec<Value> {
    ran.ok().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A league of ten in which the smaller number wins, but for every fifth match.
fn league(sides: usize) -> String {
    let mut text = "match_id,timestamp,team,player_id,rank,score,mode\n".to_owned();
    for number in 1..=400_u64 {
        let dice = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize;
        let mut players: Vec<usize> = (0..sides).map(|nth| (dice + nth * 3) % 10).collect();
        players.sort_unstable();
        if number.is_multiple_of(5) {
            players.reverse();
        }
        for (team, player) in players.iter().enumerate() {
            text.push_str(&format!("{number},{},{team},p{player},{},,\n", number * 60, team + 1));
        }
    }
    text
}

#[test]
fn every_system_is_judged_and_the_calibration_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let (duels, fields) = (dir.path().join("duels.csv"), dir.path().join("fields.csv"));
    write(&duels, &league(2));
    write(&fields, &league(4));
    let found = rows(eval(&[&duels, &fields], &["--json"]));
    assert_eq!(found.len(), 24);
    for row in &found {
        let two_sided = row["file"] == arg(&duels);
        let names = if two_sided {
            ["accuracy", "log_loss", "brier"]
        } else {
            ["pair_accuracy", "pair_log_loss", "pair_brier"]
        };
        for name in names {
            assert!(row[name].is_f64(), "{name} of {row}");
        }
        assert!(row["n"] == 200 && row["matches_per_s"].as_f64().unwrap() > 0.0 && row["tuned"] == false);
        assert_eq!(row["ece"].is_f64(), two_sided, "{row}");
        // Who tells no quality is not held against it.
        assert_eq!(row["closeness"]["matches"].as_u64(), (row["system"] == "gsm").then_some(200), "{row}");
        if row["system"] == "gsm" {
            let loss = row[if two_sided { "log_loss" } else { "pair_log_loss" }].as_f64().unwrap();
            assert!(
                loss < 0.6 && row["settings"] == serde_json::json!({"system": "gsm", "trees": 0}),
                "{row}"
            );
        }
    }
    let plot = dir.path().join("plot.svg");
    let text = eval(&[&duels], &["--plot", arg(&plot), "--system", "kalman", "--system", "weng_lin"]).ok();
    assert!(text.contains("weng_lin_plackett_luce") && text.contains("log_loss"), "{text}");
    assert!(!text.contains("glicko"), "{text}");
    let drawn = fs::read_to_string(&plot).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("duels.csv") && drawn.contains("kalman"));
    // Where there is nothing to draw it is said.
    let none = dir.path().join("none.svg");
    eval(&[&fields], &["--plot", arg(&none), "--system", "kalman"]).told(0, &["none.svg", "was not written"]);
    assert!(!none.exists());
}

#[test]
fn tuning_looks_at_its_window_and_never_beyond() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("duels.csv");
    write(&file, &league(2));
    let tuned = |file: &Path| {
        let rows =
            rows(eval(&[file], &["--json", "--tune", "--system", "glicko", "--system", "elo_default"]));
        assert_eq!(
            (&rows[0]["tuned"], &rows[0]["system"]),
            (&Value::Bool(false), &"elo_default(K=32)".into())
        );
        assert_eq!(rows[1]["tuned"], true);
        rows[1].clone()
    };
    let first = tuned(&file);
    assert_ne!(first["settings"]["deviation"], 350.0, "nothing was chosen");
    // The second half turned round: other figures, the same settings.
    let turned: Vec<String> = league(2)
        .lines()
        .map(|line| {
            let mut fields: Vec<&str> = line.split(',').collect();
            if fields[0].parse().is_ok_and(|number: u64| number > 200) {
                fields[4] = if fields[4] == "1" { "2" } else { "1" };
            }
            fields.join(",")
        })
        .collect();
    write(&file, &(turned.join("\n") + "\n"));
    let second = tuned(&file);
    assert_eq!(second["settings"], first["settings"]);
    assert_ne!(second["log_loss"], first["log_loss"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("duels.csv");
    write(&file, &league(2));
    eval(&[], &[]).told(2, &["<FILE>"]);
    eval(&[&file], &["--system", "elo2"]).told(2, &["--system", "glicko2"]);
    eval(&[&dir.path().join("none.csv")], &[]).told(2, &["none.csv"]);
    eval(&[dir.path()], &[]).told(2, &["is a directory"]);
    eval(&[&file], &["--system", "elo", "--plot", "/none/x.svg"]).told(1, &["/none/x.svg"]);
    write(&file, &league(2).replace(",p3,1,", ",p3,first,"));
    eval(&[&file], &[]).told(2, &["rank `first`"]);
}

/// What `elo_default(K=32)` reaches on [`league`], as a calculation beside this one found: the formula of Elo in a few lines of
/// another language, over the second half of the matches.
#[test]
fn a_small_league_gives_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("duels.csv");
    write(&file, &league(2));
    let found = rows(eval(&[&file], &["--json", "--system", "elo_default"]));
    let [elo] = &found[..] else { panic!("{found:?}") };
    for (figure, wanted) in
        [("accuracy", 0.765), ("log_loss", 0.585_524_881), ("brier", 0.191_989_765), ("ece", 0.374_036_429)]
    {
        let value = elo[figure].as_f64().unwrap();
        assert!((value - wanted).abs() <= 1e-9, "{figure} is {value}, not {wanted}");
    }
}

/// Nothing is known of matches of one moment but what came before them: who wins all of them is not foreseen.
#[test]
fn results_of_a_moment_say_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("moment.csv");
    let mut text = "match_id,timestamp,team,player_id,rank,score,mode\n".to_owned();
    for number in 0..200 {
        text.push_str(&format!("{0},5,0,a{0},1,,\n{0},5,1,b{0},2,,\n", number + 1));
    }
    write(&file, &text);
    for row in rows(eval(&[&file], &["--json"])) {
        let figure = |name: &str| row[name].as_f64().unwrap();
        assert_eq!(figure("accuracy"), 0.5, "{row}");
        assert!((figure("log_loss") - std::f64::consts::LN_2).abs() < 1e-9, "{row}");
    }
}

/// Where the public histories lie.
fn histories() -> Option<PathBuf> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !from.is_dir() {
        // In CI as well: the repository stands without what lies beside it.
        eprintln!("SKIPPED: no histories in {}", from.display());
    }
    from.is_dir().then_some(from)
}

/// The check of the protocol's implementation, on the histories that lie beside the repository.
#[test]
fn the_public_histories_give_the_tables() {
    let Some(from) = histories() else { return };
    let files: Vec<PathBuf> = PUBLIC.iter().map(|(name, ..)| from.join(format!("{name}.csv.gz"))).collect();
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let found =
        rows(eval(&files, &["--json", "--system", "elo_default", "--system", "kalman", "--system", "gsm"]));
    assert_eq!(found.len(), 3 * PUBLIC.len());
    for (rows, (name, wanted, kalman, gsm)) in found.chunks(3).zip(PUBLIC) {
        let [elo, ours, model] = rows else { panic!("{rows:?}") };
        assert!(elo["file"].as_str().unwrap().contains(name));
        for (figure, wanted) in ["accuracy", "log_loss", "brier", "ece"].into_iter().zip(wanted) {
            let value = elo[figure].as_f64().unwrap();
            assert!((value - wanted).abs() <= 0.000_05, "{name}: {figure} is {value}, not {wanted}");
        }
        for (system, row, most) in [("kalman", ours, kalman), ("gsm", model, gsm)] {
            let reached = row["log_loss"].as_f64().unwrap();
            assert!(reached <= most, "{name}: the log loss of {system} rose to {reached}");
        }
        let most = |of: &[(&str, f64)]| of.iter().find(|(of, _)| *of == name).map(|(_, most)| *most);
        let ece = model["ece"].as_f64().unwrap();
        assert!(
            most(&CALIBRATED).is_none_or(|most| ece <= most),
            "{name}: the calibration error rose to {ece}"
        );
        let error = model["closeness"]["error"].as_f64().unwrap();
        assert!(
            most(&CLOSE).is_some_and(|most| error <= most),
            "{name}: the error of quality rose to {error}"
        );
        if name == "football_intl" {
            let three = model["three_way_log_loss"].as_f64().unwrap();
            assert!(three <= THREE_WAYS, "win, draw and loss: {three}");
        }
    }
}

/// The same of free-for-alls: what the model reaches, which is to be better than every rating system.
#[test]
fn the_public_free_for_alls_give_the_tables() {
    let Some(from) = histories() else { return };
    let files: Vec<PathBuf> = FIELDS.iter().map(|(name, ..)| from.join(format!("{name}.csv.gz"))).collect();
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let found = rows(eval(&files, &["--json", "--system", "gsm"]));
    assert_eq!(found.len(), FIELDS.len());
    for (row, (name, most, best, close)) in found.iter().zip(FIELDS) {
        let reached = row["pair_log_loss"].as_f64().unwrap();
        assert!(reached <= most && reached < best, "{name}: the log loss of pairs rose to {reached}");
        let error = row["closeness"]["error"].as_f64().unwrap();
        assert!(error <= close, "{name}: the error of quality rose to {error}");
    }
}

/// What a server has rated itself is judged like the file it came from.
#[test]
fn a_data_directory_is_compared_like_the_file_it_was_filled_from() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("duels.csv"), dir.path().join("data"));
    write(&file, &league(2));
    gsm(&["replay", arg(&file), "--data-dir", arg(&data)]).ok();
    let systems = ["--json", "--system", "glicko2", "--system", "kalman"];
    let wanted = rows(eval(&[&file], &systems));
    let mut args = vec!["rating", "compare", "--data-dir", arg(&data)];
    args.extend(systems);
    let found = rows(gsm(&args));
    assert_eq!(found.len(), 2);
    for (found, wanted) in found.iter().zip(&wanted) {
        assert_eq!(found["mode"], "duels");
        for figure in ["system", "n", "accuracy", "log_loss", "brier", "ece"] {
            assert_eq!(found[figure], wanted[figure], "{figure}");
        }
    }
    gsm(&["rating", "compare", "--data-dir", arg(&data), "--mode", "none"])
        .told(2, &["`none` has no matches"]);
    gsm(&["rating", "compare", "--data-dir", "/none"]).told(2, &["/none"]);
}
