//! Seeds of every shape. `GSM_SIM_SEED=n` replays one seed in all of them and prints its trace.
use gsm_sim::{Options, Shape, Summary, run};
use std::collections::BTreeMap;

const STEPS: usize = 300;

/// The seed that somebody wants to see, if any.
fn wanted() -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "a developer's replay, not configuration")]
    let text = std::env::var("GSM_SIM_SEED").ok()?;
    Some(text.parse().expect("GSM_SIM_SEED is a number"))
}

fn hold(seed: u64, shape: Shape) -> Summary {
    match run(seed, &Options { steps: STEPS, shape, plant: None }) {
        Ok(done) => done,
        Err(found) => panic!("{shape:?} (replay: GSM_SIM_SEED={seed} cargo test -p gsm-sim)\n{found}"),
    }
}

/// Runs `seeds` and returns how often callers were told what.
fn check(shape: Shape, seeds: std::ops::RangeInclusive<u64>) -> BTreeMap<&'static str, u64> {
    let mut told = BTreeMap::new();
    let seeds = wanted().map_or(seeds, |seed| seed..=seed);
    for seed in seeds {
        let done = hold(seed, shape);
        if wanted().is_some() {
            #[expect(clippy::print_stdout, reason = "the trace was asked for")]
            done.trace.iter().for_each(|line| println!("{line}"));
        } else {
            assert!(done.tickets > 10, "seed {seed}: hardly anything happened");
        }
        for (code, n) in done.answers {
            *told.entry(code).or_default() += n;
        }
    }
    told
}

/// Worlds reach what they are for: each of these answers is given, else the draw has gone blind.
fn reached(told: &BTreeMap<&'static str, u64>, codes: &[&str]) {
    if wanted().is_none() {
        let missing: Vec<_> = codes.iter().filter(|code| !told.contains_key(*code)).collect();
        assert!(missing.is_empty(), "no caller was told {missing:?}, only {told:?}");
    }
}

const RULES: [&str; 16] = [
    "match_disputed",
    "no_player_reports",
    "reports_open",
    "ok",
    "crashed",
    "already_queued",
    "in_match",
    "idempotency_mismatch",
    "no_consent",
    "no_result",
    "no_result_now",
    "not_found",
    "proposal_closed",
    "result_contradicts",
    "ticket_id_taken",
    "ticket_not_waiting",
];

#[test]
fn one_home_holds() {
    let told = check(Shape::OneHome, 1..=24);
    reached(&told, &RULES);
}

#[test]
fn three_ill_homes_hold() {
    let told = check(Shape::ThreeHomes, 1..=24);
    reached(&told, &RULES);
    reached(&told, &["store_refused", "store_no_answer", "state_not_allowed"]);
}

#[test]
fn many_nodes_hold() {
    let told = check(Shape::ManyNodes, 1..=10);
    reached(&told, &["ok", "crashed", "already_queued", "store_refused"]);
}
