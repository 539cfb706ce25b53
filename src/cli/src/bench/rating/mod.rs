//! `gsm bench rating`: our rating systems beside skillratings and openskill.py, in the same run.
mod draw;
mod history;
mod ours;
mod peers;

use super::{Common, Peers, machine, report::Figure};
use crate::output::{Failure, Outcome, grouped, note};
use clap::Args;
use gsm_rating::{EloSettings, System, TrueSkillSettings, WengLinModel, WengLinSettings};
use history::History;
use peers::Reading;
use std::path::PathBuf;

/// So many times fewer matches for openskill.py.
const PYTHON_PART: usize = 20;

/// `gsm bench rating`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm bench rating                                 in a checkout: cargo builds skillratings
  gsm bench rating --players 1000 --matches 200000
  gsm bench rating --python .venv/bin/python --markdown docs/benchmarks.md

Each figure is processor time of one match in one thread, of matches by chance. openskill.py comes by pip where the
Python has none.")]
pub(crate) struct Command {
    /// Players who have a rating
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u64).range(100..=100_000_000))]
    players: u64,
    /// Matches of each history; a twentieth of it for openskill.py
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    matches: u64,
    /// The built example `peers` of gsm-rating [default: cargo runs it]
    #[arg(long, value_name = "PATH")]
    skillratings: Option<PathBuf>,
    /// A Python, best with openskill.py
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    peers: Peers,
}

/// A system, and how it is called here and by the peers.
fn systems() -> [(&'static str, &'static str, System); 5] {
    let weng_lin = |model| System::WengLin(WengLinSettings { model, ..WengLinSettings::default() });
    [
        ("Elo", "elo", System::Elo(EloSettings::default())),
        ("Glicko-2", "glicko2", System::default()),
        ("TrueSkill", "true_skill", System::TrueSkill(TrueSkillSettings::default())),
        ("Weng-Lin, Bradley-Terry full", "weng_lin", weng_lin(WengLinModel::BradleyTerryFull)),
        ("Weng-Lin, Plackett-Luce", "plackett_luce", weng_lin(WengLinModel::PlackettLuce)),
    ]
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        let work = self.common.work()?;
        let matches = usize::try_from(self.matches).map_err(Failure::usage)?;
        let (mut theirs, mut missing) = (Vec::new(), Vec::new());
        // The peers come first: where one has to be built or installed, nothing else is measured meanwhile.
        for found in [
            peers::skillratings(self.skillratings.as_deref(), self.players, matches),
            peers::openskill(&self.python, self.players, matches.div_ceil(PYTHON_PART), work.path()),
        ] {
            match found {
                Ok(readings) => theirs.extend(readings),
                Err(failure) => missing.push(failure.text),
            }
        }
        let mut figures = Vec::new();
        for (kind, size) in [("1v1", 1), ("5v5", 5)] {
            let history = History::random(self.players, matches, size);
            for (shown, name, system) in systems() {
                note(format_args!("measuring {kind}, {shown}"));
                let ours = ours::measure(&system, self.players as usize, &history)?;
                let theirs = theirs.iter().filter(|of| of.kind == kind && of.system == name);
                figures.extend(compared(&format!("{kind}, {shown}"), &ours, theirs));
            }
        }
        drop(work);
        let with = format!("{}; {} players", machine::processors(), grouped(self.players));
        self.common.show("gsm bench rating", &with, figures)?;
        self.peers.tell(&missing)
    }
}

/// The figures of a system beside those of its peers; alone where it has none.
fn compared<'a>(
    shown: &str,
    ours: &ours::Readings,
    theirs: impl Iterator<Item = &'a Reading>,
) -> Vec<Figure> {
    let alone = || Figure::new(format!("{shown}: a match by itself"), ours.alone, "ns");
    let in_history = || Figure::new(format!("{shown}: a match of a history"), ours.in_history, "ns");
    let mut all = Vec::new();
    for Reading { peer, ns, .. } in theirs {
        let (alone, in_history) = (alone().beside(peer, *ns), in_history().beside(peer, *ns));
        all.extend(match peer.as_str() {
            "skillratings" => [alone.times_better(2.0), in_history.times_better(3.0)],
            _ => [alone, in_history.times_better(200.0)],
        });
    }
    if all.is_empty() {
        all.extend([alone(), in_history()]);
    }
    all
}
