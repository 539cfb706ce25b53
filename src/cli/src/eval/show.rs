//! Rows for people and for machines.
use super::{Row, Table};
use crate::output::{Failure, Outcome, figure, grouped, print_table, say};
use gsm_rating::evaluation::{ClosenessReport, Report};
use serde_json::{Map, Value, json};

/// One object a line; `what` says what `file` is.
pub(crate) fn json_line(what: &str, file: &str, row: &Row) -> Outcome {
    let mut object = Map::new();
    object.insert(what.to_owned(), json!(file));
    object.insert("system".to_owned(), json!(row.name));
    object.insert("tuned".to_owned(), json!(row.tuned));
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    if let Some(two) = &row.test.two_sides {
        put("n", json!(two.matches));
        put("accuracy", json!(two.accuracy));
        put("log_loss", json!(two.log_loss));
        put("brier", json!(two.brier));
        put("ece", json!(two.ece));
    } else {
        let pairs = row.test.pairs.as_ref();
        put("n", json!(pairs.map_or(0, |pairs| pairs.matches)));
        put("pair_accuracy", json!(pairs.map(|pairs| pairs.accuracy)));
        put("pair_log_loss", json!(pairs.map(|pairs| pairs.log_loss)));
        put("pair_brier", json!(pairs.map(|pairs| pairs.brier)));
    }
    if let Some(three) = &row.test.three_ways {
        put("three_way_log_loss", json!(three.log_loss));
        put("rps", json!(three.rps));
    }
    if let Some(closeness) = &row.closeness {
        put("closeness", json!(closeness));
    }
    put("matches_per_s", json!(row.matches_per_s));
    let model = || Ok(json!({ "system": row.name, "trees": row.trees }));
    let settings = row.system.as_ref().map_or_else(model, serde_json::to_value);
    put("settings", settings.map_err(Failure::failed)?);
    say(Value::Object(object));
    Ok(())
}

fn log_loss(report: &Report) -> f64 {
    let two = report.two_sides.as_ref().map(|two| two.log_loss);
    two.or(report.pairs.as_ref().map(|pairs| pairs.log_loss)).unwrap_or(f64::INFINITY)
}

/// A table of one file, the best system first.
pub(crate) fn table(table: &Table) {
    say(format_args!(
        "{}: {} matches of {} players",
        table.file,
        grouped(table.matches as u64),
        grouped(table.players as u64)
    ));
    let mut rows: Vec<&Row> = table.rows.iter().collect();
    rows.sort_by(|a, b| log_loss(&a.test).total_cmp(&log_loss(&b.test)));
    let two_sided = rows.iter().any(|row| row.test.two_sides.is_some());
    let draws = rows.iter().any(|row| row.test.three_ways.is_some());
    let mut head = if two_sided {
        vec!["system", "n", "accuracy", "log_loss", "brier", "ece"]
    } else {
        vec!["system", "n", "pair_accuracy", "pair_log_loss", "pair_brier"]
    };
    if draws {
        head.extend(["3-way log_loss", "rps"]);
    }
    head.push("matches/s");
    let right: Vec<bool> = (0..head.len()).map(|column| column > 0).collect();
    let mut lines: Vec<Vec<String>> = vec![head.into_iter().map(str::to_owned).collect()];
    lines.extend(rows.into_iter().map(|row| cells(row, two_sided, draws)));
    print_table(&lines, &right);
    for of in table.rows.iter().filter_map(|row| row.closeness.as_ref()) {
        say("");
        closeness(of);
    }
    say("");
}

/// How close matches were, by the quality that was predicted of them.
pub(crate) fn closeness(of: &ClosenessReport) {
    let mut lines = vec![["quality", "matches", "mean quality", "closeness"].map(str::to_owned).to_vec()];
    for bin in of.calibration.iter().filter(|bin| bin.count > 0) {
        lines.push(vec![
            format!("{:.2} to {:.2}", bin.from, bin.to),
            grouped(bin.count),
            figure(bin.predicted),
            figure(bin.actual),
        ]);
    }
    print_table(&lines, &[false, true, true, true]);
    say(format_args!("error of quality: {}", figure(Some(of.error))));
}

fn cells(row: &Row, two_sided: bool, draws: bool) -> Vec<String> {
    let mut cells = vec![if row.tuned { format!("{} (tuned)", row.name) } else { row.name.to_owned() }];
    if two_sided {
        let two = row.test.two_sides.as_ref();
        cells.push(grouped(two.map_or(0, |two| two.matches)));
        cells.push(figure(two.and_then(|two| two.accuracy)));
        cells.extend(
            [two.map(|two| two.log_loss), two.map(|two| two.brier), two.map(|two| two.ece)].map(figure),
        );
    } else {
        let pairs = row.test.pairs.as_ref();
        cells.push(grouped(pairs.map_or(0, |pairs| pairs.matches)));
        cells.extend(
            [pairs.map(|of| of.accuracy), pairs.map(|of| of.log_loss), pairs.map(|of| of.brier)].map(figure),
        );
    }
    if draws {
        let three = row.test.three_ways.as_ref();
        cells.extend([three.map(|of| of.log_loss), three.map(|of| of.rps)].map(figure));
    }
    cells.push(grouped(row.matches_per_s.round() as u64));
    cells
}
