//! `gsm-sim`: runs worlds and says which seeds break a promise. Exit code 0: none; 1: some; 2: bad usage.
use gsm_sim::{Options, STEPS_MAX, Shape, Violation, drift, run};
use std::{
    collections::BTreeMap,
    io::Write,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Seeds of one call.
const SEEDS_MAX: u64 = 1_000_000;

const HELP: &str = "\
Runs worlds of the deterministic simulator; each seed is run in every shape.

Usage: gsm-sim [--seeds N] [--from N] [--seed N] [--steps N] [--drift] [--json]

  --seeds N   run so many seeds (default 50)
  --from N    begin with this seed (default 1)
  --seed N    run this seed alone and print its trace
  --steps N   steps of a world, 1 to 10000 (default 300)
  --drift     instead: is the drift alarm quiet while players stay as they are, and
              raised soon after the weakest has become the strongest?
  --json      one JSON object a run instead of text
  --help      this text

Exit code: 0 nothing is broken, 1 some invariant (or the alarm) is, 2 bad usage.
";

#[derive(Debug)]
struct Args {
    seeds: Vec<u64>,
    alone: bool,
    steps: usize,
    drift: bool,
    json: bool,
}

/// `Ok(None)` asks for help.
fn parse(args: impl Iterator<Item = String>) -> Result<Option<Args>, String> {
    let (mut count, mut from, mut alone, mut steps) = (50, 1u64, None, 300);
    let (mut drift, mut json) = (false, false);
    let mut args = args;
    while let Some(flag) = args.next() {
        let mut number = || {
            let text = args.next().ok_or(format!("`{flag}` needs a number"))?;
            text.parse::<u64>().map_err(|_| format!("`{flag}` needs a number, not `{text}`"))
        };
        match flag.as_str() {
            "--help" | "-h" => return Ok(None),
            "--drift" => drift = true,
            "--json" => json = true,
            "--seeds" => count = number()?,
            "--from" => from = number()?,
            "--seed" => alone = Some(number()?),
            "--steps" => steps = number()?,
            _ => return Err(format!("unknown argument `{flag}`")),
        }
    }
    let within = |n: u64, max: u64, flag: &str| {
        if (1..=max).contains(&n) { Ok(n) } else { Err(format!("`{flag}` must be 1 to {max}, not {n}")) }
    };
    let count = within(count, SEEDS_MAX, "--seeds")?;
    let steps = within(steps, STEPS_MAX as u64, "--steps")? as usize;
    let seeds = match alone {
        Some(seed) => vec![seed],
        None => (0..count).map(|n| from.wrapping_add(n)).collect(),
    };
    Ok(Some(Args { seeds, alone: alone.is_some(), steps, drift, json }))
}

fn broken(shape: Shape, found: &Violation, args: &Args) -> String {
    if args.json {
        let value = serde_json::json!({
            "seed": found.seed, "shape": format!("{shape:?}"), "ok": false, "step": found.step,
            "invariant": format!("{:?}", found.invariant), "detail": found.detail, "tail": found.tail,
        });
        value.to_string()
    } else {
        let whole = if args.alone { found.trace.join("\n") + "\n" } else { String::new() };
        format!("{whole}{shape:?}\n{found}")
    }
}

/// Runs one world; its text, and whether all held.
fn one(seed: u64, shape: Shape, args: &Args) -> (String, bool) {
    match run(seed, &Options { steps: args.steps, shape, plant: None }) {
        Err(found) => (broken(shape, &found, args), false),
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

/// Matches of a world in which nothing shifts, and the match at which strengths turn around in the other.
const STEADY: usize = 4_000;
const TURN_AT: usize = 2_000;
/// So many matches later the alarm must be raised.
const SOON: usize = 120;

/// Runs the two worlds of a seed that are about the drift alarm; their text, and whether it was quiet and raised in time.
fn alarm(seed: u64, args: &Args) -> (String, bool) {
    let both = drift(seed, STEADY, None)
        .and_then(|steady| Ok((steady.raised_at, drift(seed, TURN_AT + SOON, Some(TURN_AT))?.raised_at)));
    match both {
        Err(what) => (format!("seed {seed}: {what}"), false),
        Ok((falsely, raised)) => {
            let after = raised.and_then(|at| at.checked_sub(TURN_AT));
            let held = falsely.is_none() && after.is_some();
            let text = if args.json {
                serde_json::json!({
                    "seed": seed, "ok": held, "steady_matches": STEADY, "false_alarm_at": falsely,
                    "turned_at": TURN_AT, "raised_after": after,
                })
                .to_string()
            } else {
                let quiet = falsely
                    .map_or(format!("quiet for {STEADY} matches"), |at| format!("false alarm at match {at}"));
                let soon = match (raised, after) {
                    (None, _) => format!("no alarm {SOON} matches after the shift"),
                    (Some(at), None) => format!("false alarm at match {at}"),
                    (Some(_), Some(after)) => format!("alarm {after} matches after the shift"),
                };
                format!("seed {seed}: {quiet}; {soon}")
            };
            (text, held)
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
    let worlds: Vec<(u64, Shape)> =
        args.seeds.iter().flat_map(|seed| Shape::ALL.iter().map(|shape| (*seed, *shape))).collect();
    let done = if args.drift {
        run_all(&args.seeds, |seed| alarm(*seed, &args), &mut out)
    } else {
        run_all(&worlds, |(seed, shape)| one(*seed, *shape, &args), &mut out)
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever reads no further has seen enough: that is no verdict.
        Err(_) => ExitCode::FAILURE,
    }
}

/// Runs worlds, as many at once as there are cores, and prints them in order; whether all held. Each world has a
/// thread to itself, so that which others run beside it changes nothing in it.
fn run_all<W: Sync>(
    worlds: &[W],
    one: impl Fn(&W) -> (String, bool) + Sync,
    out: &mut impl Write,
) -> std::io::Result<bool> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::channel();
        for _ in 0..cores.min(worlds.len()) {
            let (sender, next, one) = (sender.clone(), &next, &one);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(world) = worlds.get(at) else { return };
                    // Nobody listens any more: the rest need not run.
                    if sender.send((at, one(world))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let (mut early, mut due, mut all_held) = (BTreeMap::new(), 0, true);
        for (at, done) in receiver {
            early.insert(at, done);
            while let Some((text, held)) = early.remove(&due) {
                due += 1;
                all_held &= held;
                writeln!(out, "{text}")?;
            }
        }
        Ok(all_held)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &str) -> Result<Option<Args>, String> {
        parse(args.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn arguments_say_what_runs() {
        let args = check("--seeds 3 --from 7 --steps 9 --json").unwrap().unwrap();
        assert_eq!((args.seeds, args.steps, args.json, args.alone), (vec![7, 8, 9], 9, true, false));
        let args = check("--seed 5").unwrap().unwrap();
        assert_eq!((args.seeds, args.alone), (vec![5], true));
        assert_eq!(check("").unwrap().unwrap().seeds.len(), 50);
        assert!(check("--seeds 3 --help").unwrap().is_none());
    }

    #[test]
    fn bad_arguments_are_named() {
        for (args, word) in [
            ("--seeds", "needs a number"),
            ("--seeds x", "`x`"),
            ("--seeds 0", "`--seeds`"),
            ("--seed -1", "`-1`"),
            ("--steps 0", "`--steps`"),
            ("--steps 10001", "10001"),
            ("--sides 3", "`--sides`"),
            ("7", "`7`"),
        ] {
            let error = check(args).unwrap_err();
            assert!(error.contains(word), "{args}: {error}");
        }
    }

    #[test]
    fn worlds_are_printed_in_order() {
        let args = Args { seeds: vec![], alone: false, steps: 5, drift: false, json: false };
        let worlds: Vec<(u64, Shape)> = (1..=6).map(|seed| (seed, Shape::OneHome)).collect();
        let mut out = Vec::new();
        assert!(run_all(&worlds, |(seed, shape)| one(*seed, *shape, &args), &mut out).unwrap());
        let text = String::from_utf8(out).unwrap();
        let seeds: Vec<&str> = text.lines().filter_map(|line| line.split([' ', ':']).nth(2)).collect();
        assert_eq!(seeds, ["1", "2", "3", "4", "5", "6"], "{text}");
    }
}
