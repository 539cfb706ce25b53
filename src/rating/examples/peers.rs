//! The peers of `gsm bench rating`: crate `skillratings`, so that what is shipped need not contain it.
//!
//! `peers PLAYERS MATCHES` rates the histories of the bench on a table of that crate's ratings and prints a line of JSON
//! for each: `{"peer": "skillratings", "match": "1v1", "system": "elo", "ns": 83.1}`, processor nanoseconds of one match.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a program of benches alone"
)]
use draw::draw;
use skillratings::Outcomes;
use skillratings::elo::{EloConfig, EloRating, elo};
use skillratings::glicko2::{Glicko2Config, Glicko2Rating, glicko2};
use skillratings::trueskill::{TrueSkillConfig, TrueSkillRating, trueskill, trueskill_two_teams};
use skillratings::weng_lin::{WengLinConfig, WengLinRating, weng_lin, weng_lin_two_teams};

#[path = "../../cli/src/bench/rating/draw.rs"]
mod draw;

const fn outcome(nth: usize) -> Outcomes {
    if nth.is_multiple_of(2) { Outcomes::WIN } else { Outcomes::LOSS }
}

fn cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Prints the middle of three rounds.
fn measured(kind: &str, system: &str, matches: usize, mut round: impl FnMut()) {
    let mut rounds = [0.0; 3];
    for took in &mut rounds {
        let before = cpu_ns();
        round();
        *took = (cpu_ns() - before) as f64 / matches as f64;
    }
    rounds.sort_by(f64::total_cmp);
    println!(
        r#"{{"peer": "skillratings", "match": "{kind}", "system": "{system}", "ns": {:.2}}}"#,
        rounds[1]
    );
}

fn duels<R: Copy>(
    system: &str,
    new: R,
    players: u64,
    history: &[u32],
    rate: impl Fn(&R, &R, &Outcomes) -> (R, R),
) {
    let mut table = vec![new; players as usize];
    measured("1v1", system, history.len() / 2, || {
        for (nth, of) in history.chunks_exact(2).enumerate() {
            let (a, b) = (of[0] as usize, of[1] as usize);
            (table[a], table[b]) = rate(&table[a], &table[b], &outcome(nth));
        }
    });
}

fn fives<R: Copy>(
    system: &str,
    new: R,
    players: u64,
    history: &[u32],
    rate: impl Fn(&[R], &[R], &Outcomes) -> (Vec<R>, Vec<R>),
) {
    let mut table = vec![new; players as usize];
    measured("5v5", system, history.len() / 10, || {
        for (nth, of) in history.chunks_exact(10).enumerate() {
            let side = |from: usize| -> [R; 5] { std::array::from_fn(|i| table[of[from + i] as usize]) };
            let (a, b) = rate(&side(0), &side(5), &outcome(nth));
            for (player, after) in of.iter().zip(a.into_iter().chain(b)) {
                table[*player as usize] = after;
            }
        }
    });
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|arg| arg.parse::<u64>().unwrap());
    let (players, matches) = (numbers.next().unwrap(), numbers.next().unwrap() as usize);
    let history_1 = draw(players, matches, 1);
    let config = EloConfig::new();
    duels("elo", EloRating::new(), players, &history_1, |a, b, o| elo(a, b, o, &config));
    let config = Glicko2Config::new();
    duels("glicko2", Glicko2Rating::new(), players, &history_1, |a, b, o| glicko2(a, b, o, &config));
    let config = TrueSkillConfig::new();
    duels("true_skill", TrueSkillRating::new(), players, &history_1, |a, b, o| trueskill(a, b, o, &config));
    let config = WengLinConfig::new();
    duels("weng_lin", WengLinRating::new(), players, &history_1, |a, b, o| weng_lin(a, b, o, &config));
    let history_5 = draw(players, matches, 5);
    let config = TrueSkillConfig::new();
    fives("true_skill", TrueSkillRating::new(), players, &history_5, |a, b, o| {
        trueskill_two_teams(a, b, o, &config)
    });
    let config = WengLinConfig::new();
    fives("weng_lin", WengLinRating::new(), players, &history_5, |a, b, o| {
        weng_lin_two_teams(a, b, o, &config)
    });
}
