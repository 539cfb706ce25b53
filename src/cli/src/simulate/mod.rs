//! `gsm simulate`: rule sets on recorded or synthetic traffic (docs/simulate.md).
mod bars;
mod html;
mod options;
mod plot;
mod report;
mod table;

use crate::{
    history::drawn,
    output::{Failure, Outcome, note, print_json},
    rules::load,
};
use clap::{ArgGroup, Args};
use gsm_core::Millis;
use gsm_rules::RuleSet;
use gsm_traffic::{Ran, Recording, Setup, Shape, Synthetic, Traffic, run};
use indicatif::ProgressBar;
use options::Options;
use report::{Report, Side, TrafficTold};
use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
};
pub(crate) use table::orphaned;

/// Runs at most.
const RUNS_MAX: u32 = 100;
/// Runs of two rule sets against each other, if nothing is said.
const RUNS_AGAINST: u32 = 5;
/// Bytes of one line of a recording.
const LINE_MAX: usize = 1 << 20;
/// The byte order mark that some editors put before a text.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// `gsm simulate`
#[derive(Args)]
#[command(
    group(ArgGroup::new("what").required(true).args(["traffic", "synthetic"])),
    after_help = "Examples:
  gsm simulate --rules duel.json --synthetic
  gsm simulate --rules duel.json --synthetic --rate 0.5 --patience-s 120 --html duel.html
  gsm simulate --rules fives.json --synthetic --rate 2,600:8,1200:2 --parties 1:6,2:3,5:1 --attribute mode=ranked:7,casual:3
  gsm simulate --rules old.json --against new.json --traffic tickets.jsonl --queue duel --runs 10 --json

The matcher is that of the server, its clock is not: an hour of traffic takes seconds. Same options and seed, same
output. Of two rule sets each run has the same tickets; a difference is marked * where its 95 % interval leaves out 0.
Recorded traffic is what a server writes down that was told to (docs/simulate.md, with what every figure means).

Exit code 0: done; 1: the output or a file cannot be written; 2: a file or an option makes no sense."
)]
pub(crate) struct Command {
    /// The rule set
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// Another one, on the same traffic
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Recorded traffic, oldest file first: tickets.2.jsonl tickets.1.jsonl tickets.jsonl
    #[arg(long, value_name = "FILE", num_args = 1..)]
    traffic: Vec<PathBuf>,
    /// The queue of the recording, if it has several
    #[arg(long, value_name = "NAME", requires = "traffic")]
    queue: Option<String>,
    #[command(flatten)]
    options: Options,
    /// Draws everything that is left to chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// So many runs, with the seeds N, N+1, ..; with --against 5, otherwise 1, if nothing is said
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(RUNS_MAX)))]
    runs: Option<u32>,
    /// For machines
    #[arg(long)]
    json: bool,
    /// Also a page with plots, which needs no other file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// A rule set with what it says of its traffic.
struct Rules {
    file: PathBuf,
    set: Arc<RuleSet>,
    shape: Shape,
}

impl Rules {
    fn load(file: &Path) -> Result<Self, Failure> {
        let (set, text) = load(file)?;
        Ok(Self { file: file.to_owned(), shape: Shape::of(&set, &text), set: Arc::new(set) })
    }
}

/// Where traffic comes from.
enum Source {
    Recorded(Box<Recording>),
    Synthetic(Box<Synthetic>),
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        let mut rules = vec![Rules::load(&self.rules)?];
        if let Some(against) = &self.against {
            rules.push(Rules::load(against)?);
        }
        let shapes: Vec<&Shape> = rules.iter().map(|of| &of.shape).collect();
        let source = if self.traffic.is_empty() {
            Source::Synthetic(Box::new(self.options.synthetic()?))
        } else {
            Source::Recorded(Box::new(recording(&self.traffic)?))
        };
        let skill = self.options.skill_attribute(&shapes)?;
        if let (Some(by), None) = (&skill, self.options.named_skill()) {
            let others = rules.iter().filter(|of| of.shape.skill().is_some_and(|own| own != by));
            for (of, own) in others.filter_map(|of| Some((of, of.shape.skill()?))) {
                let file = of.file.display();
                note(format_args!(
                    "warning: skill is `{by}`, while {file} goes by `{own}` (--skill-attribute)"
                ));
            }
        }
        if let Some(file) = &self.html {
            try_to_write(file).map_err(|error| unwritten(file, &error))?;
        }
        let runs = self.runs.unwrap_or(if self.against.is_some() { RUNS_AGAINST } else { 1 });
        let mut ran: Vec<Vec<Ran>> = rules.iter().map(|_| Vec::new()).collect();
        let mut told = None;
        let bar = drawn(ProgressBar::new(0), "{bar:40} {percent}%, {eta} to go");
        for nth in 0..runs {
            let seed = self.seed.wrapping_add(u64::from(nth));
            let traffic = self.draw(&source, &shapes, seed)?;
            told.get_or_insert_with(|| TrafficTold::of(&source, &traffic, self.queue.as_deref()));
            let all = u64::from(runs).saturating_mul(rules.len() as u64);
            bar.set_length(traffic.until.get().max(1).saturating_mul(all));
            for (of, ran) in rules.iter().zip(&mut ran) {
                let setup = Setup {
                    timeout: self.options.timeout(),
                    turn: self.options.turn(),
                    skill: skill.clone(),
                    points: self.options.points(),
                    ..Setup::of(of.set.clone(), seed)
                };
                let begun = bar.position();
                ran.push(run(&setup, &traffic, &mut |at| bar.set_position(begun.saturating_add(at.get()))));
            }
        }
        bar.finish_and_clear();
        let sides = rules.iter().zip(&ran).map(|(of, ran)| Side::of(&of.file, &of.set, ran)).collect();
        let report = Report::of(sides, told.unwrap_or_default(), (self.seed, runs), skill, &self.options);
        let printed = if self.json { print_json(&report) } else { table::print(&report) };
        printed?;
        if let Some(file) = &self.html {
            fs::write(file, html::page(&report)?).map_err(|error| unwritten(file, &error))?;
            note(format_args!("page: {}", file.display()));
        }
        Ok(())
    }

    fn draw(&self, source: &Source, shapes: &[&Shape], seed: u64) -> Result<Traffic, Failure> {
        match source {
            Source::Recorded(recording) => recording
                .traffic(self.queue.as_deref(), self.options.acceptance(), seed)
                .map_err(|error| Failure::usage(format!("--traffic: {error} (--queue NAME)"))),
            Source::Synthetic(of) => {
                of.traffic(shapes, seed).map_err(|error| Failure::usage(format!("--synthetic: {error}")))
            }
        }
    }
}

/// Whether a file can be written, which is told before the work and not after it. Nothing is left of the trial.
fn try_to_write(file: &Path) -> io::Result<()> {
    let is_new = fs::symlink_metadata(file).is_err();
    File::options().append(true).create(true).open(file)?;
    if is_new { fs::remove_file(file) } else { Ok(()) }
}

fn unwritten(file: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot write `{}`: {error}", file.display()))
}

/// Reads recordings, one after another.
pub(crate) fn recording(files: &[PathBuf]) -> Result<Recording, Failure> {
    let mut recording = Recording::default();
    for file in files {
        let bad = |what: &dyn std::fmt::Display| Failure::usage(format!("{}: {what}", file.display()));
        let mut reader = BufReader::new(File::open(file).map_err(|error| bad(&error))?);
        recording.next_file();
        let (mut line, mut is_first) = (Vec::new(), true);
        loop {
            line.clear();
            let mut limited = std::io::Read::take(&mut reader, LINE_MAX as u64);
            if limited.read_until(b'\n', &mut line).map_err(|error| bad(&error))? == 0 {
                break;
            }
            if line.len() >= LINE_MAX {
                return Err(bad(&format!("a line is longer than {LINE_MAX} bytes: no recording")));
            }
            let text = line.strip_prefix(MARK).filter(|_| is_first).unwrap_or(&line);
            is_first = false;
            let taken = match std::str::from_utf8(text) {
                Ok(text) if text.ends_with('\n') => recording.push(text),
                Err(error) if text.ends_with(b"\n") => return Err(bad(&error)),
                _ => recording.push_last(text),
            };
            taken.map_err(|error| bad(&error))?;
        }
    }
    Ok(recording)
}

/// Whole seconds as the crates take them.
fn seconds(s: u32) -> Millis {
    Millis::from_secs(s.into())
}
