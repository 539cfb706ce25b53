//! What others take for the same: programs that print a line of JSON for each figure.
use crate::{
    bench::python::{Peer, output},
    output::{Failure, note},
};
use serde::Deserialize;
use std::{path::Path, process::Command};

/// What measures openskill.py.
const OPENSKILL: &str = include_str!("openskill.py");
const OPENSKILL_PEER: Peer =
    Peer { name: "openskill.py", probe: "import openskill", packages: &["openskill==6.2.0"] };
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
    let python = OPENSKILL_PEER.python(python, dir)?;
    let (players, matches) = (players.to_string(), matches.to_string());
    readings(Command::new(python).args(["-c", OPENSKILL, &players, &matches]), OPENSKILL_PEER.name)
}
