//! The model by itself, in this process: what a match costs to predict and to learn, and a prediction alone.
use super::single::Theirs;
use crate::{
    bench::{machine::cpu_ns, report::Figure},
    output::Failure,
};
use gsm_core::{SplitMix64, Timestamp};
use gsm_ml::{Features, Forecaster, Meeting, Model, Outcome};
use gsm_rating::{
    evaluation::Forecaster as _,
    history::{History, Lineup},
};
use std::hint::black_box;

/// Players of the matches.
const PLAYERS: u64 = 10_000;
/// Matches that a model goes through before it is timed, and while it is, at most; and predictions that are timed.
const MATCHES_MAX: u64 = 100_000;
/// As many as are advised, and twice as many, which is what others were measured with.
const TREES: usize = 100;
const MANY: usize = 2 * TREES;
/// Matches whose numbers are known before they are asked about, as those are that others are asked about; and of so many rounds
/// the fastest counts, as theirs do.
const KNOWN: usize = 4_096;
const ROUNDS: usize = 5;
/// Ways to play among which a matcher chooses.
const CANDIDATES: usize = 1_000;
/// Between two matches.
const PAUSE_MS: i64 = 60_000;

/// A match of two sides, and how it ended: the first player of a side says mostly who wins.
struct Drawn {
    sides: [Vec<u32>; 2],
    outcome: Outcome,
}

fn drawn(count: usize, size: usize) -> Vec<Drawn> {
    let mut random = SplitMix64::new(42);
    let one = |_| {
        let mut players: Vec<u32> = Vec::with_capacity(2 * size);
        while players.len() < 2 * size {
            let player = (random.next_u64() % PLAYERS) as u32;
            if !players.contains(&player) {
                players.push(player);
            }
        }
        let second = players.split_off(size);
        let first_is_better = players.first() < second.first();
        let first_wins = first_is_better != (random.next_u64().is_multiple_of(4));
        let outcome = if first_wins { Outcome::places(1, 2) } else { Outcome::places(2, 1) };
        Drawn { sides: [players, second], outcome }
    };
    (0..count).map(one).collect()
}

fn look(model: &mut Model, at: i64, of: &Drawn) -> Result<Features, Failure> {
    let [first, second] = &of.sides;
    model.features(&Meeting::new(Timestamp::from_millis(at), first, second)).map_err(Failure::failed)
}

fn step(model: &mut Model, at: i64, of: &Drawn) -> Result<(), Failure> {
    let features = look(model, at, of)?;
    black_box(model.chances(&features));
    let [first, second] = &of.sides;
    let meeting = Meeting::new(Timestamp::from_millis(at), first, second);
    model.learn(&meeting, &features, &of.outcome).map_err(Failure::failed)
}

/// Nanoseconds of each of `count`.
fn each(count: usize, work: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let begin = cpu_ns();
    work()?;
    Ok((cpu_ns() - begin) as f64 / count as f64)
}

/// A whole history, predicted and learnt, with trees that are grown anew whenever there are twice as many matches.
fn with_trees(matches: &[Drawn], trees: usize) -> Result<(Model, f64), Failure> {
    let mut history = History::new(vec![String::new()]);
    for (nth, of) in matches.iter().enumerate() {
        let sides = of.sides.iter().zip(of.outcome.places);
        let sides = sides.map(|(players, place)| Lineup { place, score: None, players });
        history.push(Timestamp::from_millis(nth as i64 * PAUSE_MS), 0, sides);
    }
    let mut forecaster = Forecaster::new(&history).growing(trees);
    let took = each(matches.len(), || {
        for index in 0..history.len() {
            forecaster.look(index, index + 1);
            black_box(forecaster.forecast(index));
            let learnt = forecaster.learn(index, index + 1, &mut || ());
            learnt.map_err(|(_, error)| Failure::failed(error))?;
        }
        Ok(())
    })?;
    Ok((forecaster.into_model(), took))
}

/// All figures; one of them beside each of `peers`.
pub(super) fn measure(matches: u64, peers: &[Theirs]) -> Result<Vec<Figure>, Failure> {
    let count = matches.min(MATCHES_MAX) as usize;
    let mut figures = Vec::new();
    for size in [1, 5] {
        let matches = drawn(count, size);
        let mut model = Model::new();
        let (mut at, mut rate) = (0, f64::NAN);
        // The second time through it knows everybody.
        for _ in 0..2 {
            rate = each(count, || {
                matches.iter().try_for_each(|of| {
                    at += PAUSE_MS;
                    step(&mut model, at, of)
                })
            })?;
        }
        let of = |what: &str| format!("{size}v{size}: {what}");
        let rate = Figure::new(of("matches predicted and learnt"), 1e9 / rate, "matches/s");
        figures.push(if size == 1 { rate.at_least(300_000.0) } else { rate });
        let (_, took) = with_trees(&matches, TREES)?;
        let rate = Figure::new(
            of("the same with 100 trees, grown anew whenever there are twice as many"),
            1e9 / took,
            "matches/s",
        );
        figures.push(if size == 1 { rate.at_least(50_000.0) } else { rate });
        let one = predictions(&mut model, at, &matches)?;
        let one = Figure::new(of("a prediction"), one / 1e3, "µs");
        figures.push(if size == 1 { one.at_most(2.0) } else { one });
        let (mut tall, _) = with_trees(&matches, MANY)?;
        let one = predictions(&mut tall, at, &matches)?;
        let one = Figure::new(of("a prediction with 200 trees"), one / 1e3, "µs");
        figures.push(if size == 1 { one.at_most(4.0) } else { one });
        if size == 1 {
            figures.extend(beside(chances(&mut tall, at, &matches)?, peers));
        }
        figures.extend(candidates(&mut model, at, &matches, size)?);
    }
    Ok(figures)
}

/// Nanoseconds of a prediction.
fn predictions(model: &mut Model, at: i64, matches: &[Drawn]) -> Result<f64, Failure> {
    each(matches.len(), || {
        for of in matches {
            let features = look(model, at, of)?;
            black_box(model.predict(&features));
        }
        Ok(())
    })
}

/// Nanoseconds of a chance where the numbers are known that it follows from.
fn chances(model: &mut Model, at: i64, matches: &[Drawn]) -> Result<f64, Failure> {
    let known: Vec<Features> =
        matches.iter().take(KNOWN).map(|of| look(model, at, of)).collect::<Result<_, _>>()?;
    let mut fastest = f64::INFINITY;
    for _ in 0..ROUNDS {
        let took = each(known.len(), || {
            for of in &known {
                black_box(model.chances(of));
            }
            Ok(())
        })?;
        fastest = fastest.min(took);
    }
    Ok(fastest)
}

/// That beside what it takes each of the others.
fn beside(ns: f64, peers: &[Theirs]) -> Vec<Figure> {
    let ours = Figure::new("1v1: a chance from numbers that are known, 200 trees", ns, "ns");
    let with = |of: &Theirs| {
        let ours = ours.clone().beside(of.name.as_str(), of.ns);
        match of.goal {
            Some(goal) => ours.times_better(goal),
            None => ours,
        }
    };
    if peers.is_empty() { vec![ours] } else { peers.iter().map(with).collect() }
}

/// What a matcher asks of a thousand ways to play: by strengths, which ours takes of the model when a ticket comes, and by a
/// prediction of each.
fn candidates(model: &mut Model, at: i64, matches: &[Drawn], size: usize) -> Result<[Figure; 3], Failure> {
    let ways = matches.get(..CANDIDATES).unwrap_or(matches);
    let by_prediction = each(1, || {
        let mut best = 0.0_f64;
        for of in ways {
            let features = look(model, at, of)?;
            let (expected, _) = model.chances(&features);
            best = best.max(expected * (1.0 - expected));
        }
        black_box(best);
        Ok(())
    })?;
    let now = Timestamp::from_millis(at);
    let mut strengths = Vec::with_capacity(PLAYERS as usize);
    let strength = each(PLAYERS as usize, || {
        for player in 0..PLAYERS as u32 {
            strengths.push(model.strength(player, now, None).map_err(Failure::failed)?);
        }
        Ok(())
    })?;
    let by_strengths = each(1, || {
        let sum = |side: &[u32]| side.iter().filter_map(|of| strengths.get(*of as usize)).sum::<f64>();
        let gap = |of: &Drawn| (sum(&of.sides[0]) - sum(&of.sides[1])).abs();
        black_box(ways.iter().map(gap).fold(f64::INFINITY, f64::min));
        Ok(())
    })?;
    let of = |how: &str| format!("{size}v{size}: 1,000 ways to play, {how}");
    Ok([
        Figure::new(format!("{size}v{size}: the strength of a player"), strength / 1e3, "µs"),
        Figure::new(of("by strengths"), by_strengths / 1e6, "ms").at_most(1.0),
        Figure::new(of("each predicted"), by_prediction / 1e6, "ms"),
    ])
}
