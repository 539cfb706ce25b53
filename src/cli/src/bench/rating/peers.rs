//! What others take for the same: programs that print a line of JSON for each figure.
use crate::output::{Failure, note};
use serde::Deserialize;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What measures openskill.py.
const OPENSKILL: &str = include_str!("openskill.py");
/// What is installed where there is none.
const OPENSKILL_PACKAGE: &str = "openskill==6.2.0";
/// The program that measures skillratings, in a checkout.
const EXAMPLE: &str = "src/rating/examples/peers.rs";

/// A figure of a peer.
#[derive(Debug, Deserialize)]
pub(super) struct Reading {
    pub(super) peer: String,
    /// `1v1` or `5v5`.
    #[serde(rename = "match")]
    pub(super) kind: String,
    pub(super) system: String,
    /// Processor nanoseconds of one match.
    pub(super) ns: f64,
}

/// Runs a program to its end; what it printed.
fn output(command: &mut Command, who: &str) -> Result<Vec<u8>, Failure> {
    let ran = command.stdin(Stdio::null()).output();
    let ran = ran.map_err(|error| Failure::failed(format!("{who}: {error}")))?;
    if ran.status.success() {
        return Ok(ran.stdout);
    }
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(Failure::failed(format!("{who}: {}: {last}", ran.status)))
}

fn readings(command: &mut Command, who: &str) -> Result<Vec<Reading>, Failure> {
    let printed = output(command, who)?;
    serde_json::Deserializer::from_slice(&printed)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::failed(format!("{who}: {error}")))
}

/// By `program`, or by the example of a checkout, which cargo builds.
pub(super) fn skillratings(
    program: Option<&Path>,
    players: u64,
    matches: usize,
) -> Result<Vec<Reading>, Failure> {
    let mut command = match program {
        Some(program) => Command::new(program),
        None if Path::new(EXAMPLE).is_file() => {
            note("building skillratings");
            let mut cargo = Command::new("cargo");
            cargo.args(["run", "--release", "--locked", "-p", "gsm-rating", "--example", "peers", "--"]);
            cargo
        }
        None => {
            let what =
                format!("skillratings: no `{EXAMPLE}` here: run in a checkout, or give --skillratings");
            return Err(Failure::failed(what));
        }
    };
    readings(command.args([players.to_string(), matches.to_string()]), "skillratings")
}

/// By `python`; where it has no openskill, by an environment of its own, made in `dir` by pip.
pub(super) fn openskill(
    python: &Path,
    players: u64,
    matches: usize,
    dir: &Path,
) -> Result<Vec<Reading>, Failure> {
    const WHO: &str = "openskill.py";
    let has_it = output(Command::new(python).args(["-c", "import openskill"]), WHO).is_ok();
    let python = if has_it { python.to_owned() } else { environment(python, dir, WHO)? };
    let (players, matches) = (players.to_string(), matches.to_string());
    readings(Command::new(python).args(["-c", OPENSKILL, &players, &matches]), WHO)
}

fn environment(python: &Path, dir: &Path, who: &str) -> Result<PathBuf, Failure> {
    note(format_args!("installing {OPENSKILL_PACKAGE} by pip, for this run"));
    let home = dir.join("openskill");
    output(Command::new(python).args(["-m", "venv"]).arg(&home), who)?;
    let python = home.join("bin/python");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", OPENSKILL_PACKAGE];
    output(Command::new(&python).args(pip), who)?;
    Ok(python)
}
