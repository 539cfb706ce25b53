//! What a replay found, for people and for machines.
use super::{
    rated::{Rated, number_of},
    store::Done,
};
use crate::history::Chronicle;
use crate::output::{Outcome, grouped, print_json, print_table, say};
use gsm_core::Mode;
use gsm_rating::evaluation::{PairsReport, Report, TwoSidesReport};
use serde_json::{Value, json};
use std::path::Path;

/// Players of the closing table.
const TOP: usize = 20;

/// All that is shown.
pub(super) struct Summary<'a> {
    pub(super) file: &'a Path,
    pub(super) mode: &'a Mode,
    pub(super) system: &'static str,
    pub(super) history: &'a Chronicle,
    pub(super) rated: &'a Rated,
    pub(super) read_s: f64,
    pub(super) rate_s: f64,
    pub(super) done: Option<&'a Done>,
}

fn per_second(matches: usize, seconds: f64) -> u64 {
    (matches as f64 / seconds.max(1e-9)).round() as u64
}

impl Summary<'_> {
    fn matches(&self) -> usize {
        self.history.history.len()
    }

    pub(super) fn json(&self) -> Outcome {
        let top: Vec<Value> = self
            .top()
            .map(|(rank, name, rating, deviation, games)| {
                json!({ "rank": rank, "player": name, "rating": rating, "deviation": deviation, "games": games })
            })
            .collect();
        let faults: Vec<Value> =
            self.history.faults.iter().map(|f| json!({ "line": f.line, "what": f.what })).collect();
        print_json(&json!({
            "file": self.file.display().to_string(),
            "mode": self.mode.as_str(),
            "system": self.system,
            "matches": self.matches(),
            "players": self.history.names.len(),
            "bad_lines": self.history.skipped,
            "bad_lines_first": faults,
            "read_seconds": self.read_s,
            "rate_seconds": self.rate_s,
            "matches_per_second": per_second(self.matches(), self.rate_s),
            "figures": self.rated.figures,
            "store": self.done.map(|done| {
                let mut store = json!(done);
                store["matches_per_second"] = json!(per_second(self.matches(), done.seconds));
                store
            }),
            "top": top,
        }))
    }

    pub(super) fn text(&self) {
        let figures = &self.rated.figures;
        say(format_args!(
            "{}: {} matches of {} players, mode {}",
            self.file.display(),
            grouped(self.matches() as u64),
            grouped(self.history.names.len() as u64),
            self.mode,
        ));
        self.say_skipped();
        say(format_args!(
            "read in {:.1} s, rated by {} in {:.1} s: {} matches/s",
            self.read_s,
            self.system,
            self.rate_s,
            grouped(per_second(self.matches(), self.rate_s)),
        ));
        if let Some(done) = self.done {
            self.say_stored(done);
        }
        say("");
        let mut rows = vec![
            ["predictions", "matches", "accuracy", "log loss", "Brier", "ECE"].map(str::to_owned).to_vec(),
        ];
        for (name, report) in [("second half (test)", &figures.test), ("all", &figures.all)] {
            rows.extend(report.two_sides.as_ref().map(|two| two_sides_row(name, two)));
            rows.extend(report.pairs.as_ref().map(|pairs| pairs_row(name, pairs)));
        }
        print_table(&rows, &[false, true, true, true, true, true]);
        say_calibration(&figures.test);
        say("");
        let mut rows = vec![["rank", "player", "rating", "deviation", "games"].map(str::to_owned).to_vec()];
        for (rank, name, rating, deviation, games) in self.top() {
            rows.push(vec![
                rank.to_string(),
                name.to_owned(),
                format!("{rating:.1}"),
                format!("{deviation:.1}"),
                grouped(u64::from(games)),
            ]);
        }
        print_table(&rows, &[true, false, true, true, true]);
    }

    fn say_skipped(&self) {
        if self.history.skipped == 0 {
            return;
        }
        say(format_args!("left out: {} bad lines and their matches", grouped(self.history.skipped)));
        for fault in &self.history.faults {
            say(format_args!("  line {}: {}", fault.line, fault.what));
        }
        if self.history.skipped > self.history.faults.len() as u64 {
            say("  ...");
        }
    }

    fn say_stored(&self, done: &Done) {
        say(format_args!(
            "stored: {} matches new, {} known before, in {:.1} s: {} matches/s",
            grouped(done.new),
            grouped(done.known),
            done.seconds,
            grouped(per_second(self.matches(), done.seconds)),
        ));
        if done.differ == 0 {
            say(format_args!(
                "the board of the data directory agrees for all {} players",
                grouped(done.agree)
            ));
        } else {
            say(format_args!(
                "the board of the data directory differs for {} of {} players from the file alone",
                grouped(done.differ),
                grouped(done.agree + done.differ),
            ));
            say(format_args!(
                "  mode {} has one of: matches from elsewhere, rulings on results, ratings set by hand or reset, players who \
                 are hidden or were erased, a board or rating options of its own, a system that learns (kalman)",
                self.mode,
            ));
        }
    }

    /// Rank, player, rating, deviation, games.
    fn top(&self) -> impl Iterator<Item = (u64, &str, f64, f64, u32)> {
        self.rated.board.top(0, TOP).into_iter().filter_map(|row| {
            let number = number_of(row.entry.player) as usize;
            let state = self.rated.players.get(number)?.state;
            let name = self.history.names.get(number)?;
            // The mean as boards show it: rounded to thousandths.
            let rating = row.entry.keys.first() as f64 / 1_000.0;
            Some((row.rank.get(), name.as_str(), rating, state.rating.deviation, state.games))
        })
    }
}

fn two_sides_row(name: &str, two: &TwoSidesReport) -> Vec<String> {
    vec![
        name.to_owned(),
        grouped(two.matches),
        two.accuracy.map_or_else(|| "-".to_owned(), |share| format!("{share:.4}")),
        format!("{:.4}", two.log_loss),
        format!("{:.4}", two.brier),
        format!("{:.4}", two.ece),
    ]
}

fn pairs_row(name: &str, pairs: &PairsReport) -> Vec<String> {
    vec![
        format!("{name}, pairs"),
        grouped(pairs.matches),
        format!("{:.4}", pairs.accuracy),
        format!("{:.4}", pairs.log_loss),
        format!("{:.4}", pairs.brier),
        "-".to_owned(),
    ]
}

/// Predicted against actual score, bin by bin.
fn say_calibration(test: &Report) {
    let Some(two) = &test.two_sides else { return };
    let mut rows = vec![["predicted", "matches", "mean", "actual"].map(str::to_owned).to_vec()];
    for bin in two.calibration.iter().filter(|bin| bin.count > 0) {
        let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        let span = format!("{:.2} to {:.2}", bin.from, bin.to);
        rows.push(vec![span, grouped(bin.count), share(bin.predicted), share(bin.actual)]);
    }
    say("");
    print_table(&rows, &[false, true, true, true]);
}
