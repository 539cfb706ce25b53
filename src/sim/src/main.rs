//! `gsm-sim`: runs worlds and says which seeds break a promise. Exit code 0: none; 1: some; 2: bad usage.
use gsm_sim::{Options, STEPS_MAX, Shape, Violation, run};
use std::{io::Write, process::ExitCode};

const HELP: &str = "\
Runs worlds of the deterministic simulator; each seed is run in every shape.

Usage: gsm-sim [--seeds N] [--seed N] [--steps N] [--json]

  --seeds N   run the seeds 1 to N (default 50)
  --seed N    run this seed alone and print its trace
  --steps N   steps of a world, 1 to 10000 (default 300)
  --json      one JSON object a run instead of text
  --help      this text

Exit code: 0 nothing is broken, 1 some invariant is, 2 bad usage.
";

struct Args {
    seeds: std::ops::RangeInclusive<u64>,
    alone: bool,
    steps: usize,
    json: bool,
}

/// `Ok(None)` asks for help.
fn parse(args: impl Iterator<Item = String>) -> Result<Option<Args>, String> {
    let mut parsed = Args { seeds: 1..=50, alone: false, steps: 300, json: false };
    let mut args = args;
    while let Some(flag) = args.next() {
        let mut number = || {
            let text = args.next().ok_or(format!("`{flag}` needs a number"))?;
            text.parse::<u64>().map_err(|_| format!("`{flag}` needs a number, not `{text}`"))
        };
        match flag.as_str() {
            "--help" | "-h" => return Ok(None),
            "--json" => parsed.json = true,
            "--seeds" => parsed.seeds = 1..=number()?,
            "--seed" => {
                let seed = number()?;
                (parsed.seeds, parsed.alone) = (seed..=seed, true);
            }
            "--steps" => parsed.steps = usize::try_from(number()?).unwrap_or(usize::MAX),
            _ => return Err(format!("unknown argument `{flag}`")),
        }
    }
    if (1..=STEPS_MAX).contains(&parsed.steps) {
        Ok(Some(parsed))
    } else {
        Err(format!("`--steps` must be 1 to {STEPS_MAX}"))
    }
}

fn broken(shape: Shape, found: &Violation, json: bool) -> String {
    if json {
        let value = serde_json::json!({
            "seed": found.seed, "shape": format!("{shape:?}"), "ok": false, "step": found.step,
            "invariant": format!("{:?}", found.invariant), "detail": found.detail, "tail": found.tail,
        });
        value.to_string()
    } else {
        format!("{shape:?}\n{found}")
    }
}

/// Runs one world; its text, and whether all held.
fn one(seed: u64, shape: Shape, args: &Args) -> (String, bool) {
    match run(seed, &Options { steps: args.steps, shape, plant: None }) {
        Err(found) => (broken(shape, &found, args.json), false),
        Ok(done) if args.json => {
            let value = serde_json::json!({
                "seed": seed, "shape": format!("{shape:?}"), "ok": true, "steps": done.steps,
                "hash": format!("{:016x}", done.hash), "tickets": done.tickets, "results": done.results,
                "answers": done.answers,
            });
            (value.to_string(), true)
        }
        Ok(done) => {
            let trace = if args.alone { done.trace.join("\n") + "\n" } else { String::new() };
            let (hash, tickets, results) = (done.hash, done.tickets, done.results);
            (
                format!(
                    "{trace}{shape:?} seed {seed}: {tickets} tickets, {results} results, trace {hash:016x}"
                ),
                true,
            )
        }
    }
}

fn main() -> ExitCode {
    let mut out = std::io::stdout().lock();
    let args = match parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            let _ = out.write_all(HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(what) => {
            let _ = writeln!(std::io::stderr(), "gsm-sim: {what}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let mut all_held = true;
    for seed in args.seeds.clone() {
        for shape in Shape::ALL {
            let (text, held) = one(seed, *shape, &args);
            all_held &= held;
            // Whoever reads no further has seen enough.
            if writeln!(out, "{text}").is_err() {
                return ExitCode::FAILURE;
            }
        }
    }
    if all_held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
