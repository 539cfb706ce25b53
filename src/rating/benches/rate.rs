//! What matches cost, beside crate `skillratings` on the same model: duels and five against five, among few players
//! (all in cache) and a million; and large fields.
//!
//! Rows: `ladder` is [`Ladder::apply_all`] over a history, `update_into` is [`System::update_into`] on a plain table of
//! ratings, `skillratings` is the same table rated by that crate (which has no teams for Elo and Glicko-2). A figure is
//! the time of one match; matches are random.
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use gsm_core::Timestamp;
use gsm_rating::batch::{Fixture, Ladder};
use gsm_rating::{
    EloSettings, Entrant, Game, Rating, Scratch, Side, System, TrueSkillSettings, WengLinModel,
    WengLinSettings,
};
use skillratings::Outcomes;
use skillratings::elo::{EloConfig, EloRating, elo};
use skillratings::glicko2::{Glicko2Config, Glicko2Rating, glicko2};
use skillratings::trueskill::{TrueSkillConfig, TrueSkillRating, trueskill, trueskill_two_teams};
use skillratings::weng_lin::{WengLinConfig, WengLinRating, weng_lin, weng_lin_two_teams};
use std::hint::black_box;

/// Matches of a history; a figure is the mean over all.
const MATCHES: usize = 200_000;

/// A history of two sides of `size`.
struct History {
    players: Vec<u32>,
    ends: [u32; 2],
    size: usize,
}

impl History {
    fn random(players: usize, size: usize) -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut one = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (((state >> 32) * players as u64) >> 32) as u32
        };
        let mut list: Vec<u32> = Vec::with_capacity(MATCHES * 2 * size);
        for _ in 0..MATCHES {
            let first = list.len();
            while list.len() < first + 2 * size {
                let player = one();
                if !list[first..].contains(&player) {
                    list.push(player);
                }
            }
        }
        Self { players: list, ends: [size as u32, 2 * size as u32], size }
    }

    fn matches(&self) -> std::slice::ChunksExact<'_, u32> {
        self.players.chunks_exact(2 * self.size)
    }

    fn fixtures(&self) -> impl Iterator<Item = Fixture<'_>> + Clone {
        let at = Timestamp::from_millis(1_767_225_600_000);
        self.matches().enumerate().map(move |(nth, players)| {
            Fixture::new(at, players, &self.ends, if nth.is_multiple_of(2) { &[1, 2] } else { &[2, 1] })
                .unwrap()
        })
    }
}

fn ladder(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    system: &System,
    players: usize,
    history: &History,
) {
    let mut ladder = Ladder::new(system.clone(), players);
    group.bench_function(format!("{name}/ladder"), |bench| {
        bench.iter(|| ladder.apply_all(history.fixtures()).unwrap());
    });
    drop(ladder);
    let (mut table, mut scratch, mut out) = (vec![system.initial(); players], Scratch::new(), Vec::new());
    let mut entrants: Vec<Entrant> = Vec::new();
    group.bench_function(format!("{name}/update_into"), |bench| {
        bench.iter(|| {
            for (nth, of) in history.matches().enumerate() {
                entrants.clear();
                entrants.extend(of.iter().map(|player| Entrant::new(table[*player as usize])));
                let (a, b) = entrants.split_at(history.size);
                let places = if nth.is_multiple_of(2) { (1, 2) } else { (2, 1) };
                let sides = [Side::new(places.0, a), Side::new(places.1, b)];
                system.update_into(&Game::new(&sides), &mut scratch, &mut out).unwrap();
                for (player, change) in of.iter().zip(&out) {
                    table[*player as usize] = change.after;
                }
            }
        });
    });
}

const fn outcome(nth: usize) -> Outcomes {
    if nth.is_multiple_of(2) { Outcomes::WIN } else { Outcomes::LOSS }
}

/// Duels of another crate on a table of its ratings.
fn duels<R: Copy>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    new: R,
    players: usize,
    history: &History,
    rate: impl Fn(&R, &R, &Outcomes) -> (R, R),
) {
    let mut table = vec![new; players];
    group.bench_function(format!("{name}/skillratings"), |bench| {
        bench.iter(|| {
            for (nth, of) in history.matches().enumerate() {
                let (a, b) = (of[0] as usize, of[1] as usize);
                (table[a], table[b]) = rate(&table[a], &table[b], &outcome(nth));
            }
        });
    });
}

/// The same with five players a side.
fn fives<R: Copy>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    new: R,
    players: usize,
    history: &History,
    rate: impl Fn(&[R], &[R], &Outcomes) -> (Vec<R>, Vec<R>),
) {
    let mut table = vec![new; players];
    group.bench_function(format!("{name}/skillratings"), |bench| {
        bench.iter(|| {
            for (nth, of) in history.matches().enumerate() {
                let side = |from: usize| -> [R; 5] { std::array::from_fn(|i| table[of[from + i] as usize]) };
                let (a, b) = rate(&side(0), &side(5), &outcome(nth));
                for (player, after) in of.iter().zip(a.into_iter().chain(b)) {
                    table[*player as usize] = after;
                }
            }
        });
    });
}

fn histories(c: &mut Criterion) {
    let systems = [
        ("elo", System::Elo(EloSettings::default())),
        ("glicko2", System::default()),
        ("true_skill", System::TrueSkill(TrueSkillSettings::default())),
        ("weng_lin", System::WengLin(WengLinSettings::default())),
    ];
    for (crowd, players) in [("1k", 1_000), ("1M", 1_000_000)] {
        for (kind, size) in [("1v1", 1), ("5v5", 5)] {
            let history = History::random(players, size);
            let mut group = c.benchmark_group(format!("{kind}/{crowd}"));
            group.throughput(Throughput::Elements(MATCHES as u64)).sample_size(10);
            for (name, system) in &systems {
                ladder(&mut group, name, system, players, &history);
            }
            let group = &mut group;
            if size == 1 {
                let config = EloConfig::new();
                duels(group, "elo", EloRating::new(), players, &history, |a, b, o| elo(a, b, o, &config));
                let config = Glicko2Config::new();
                duels(group, "glicko2", Glicko2Rating::new(), players, &history, |a, b, o| {
                    glicko2(a, b, o, &config)
                });
                let config = TrueSkillConfig::new();
                duels(group, "true_skill", TrueSkillRating::new(), players, &history, |a, b, o| {
                    trueskill(a, b, o, &config)
                });
                let config = WengLinConfig::new();
                duels(group, "weng_lin", WengLinRating::new(), players, &history, |a, b, o| {
                    weng_lin(a, b, o, &config)
                });
            } else {
                let config = TrueSkillConfig::new();
                fives(group, "true_skill", TrueSkillRating::new(), players, &history, |a, b, o| {
                    trueskill_two_teams(a, b, o, &config)
                });
                let config = WengLinConfig::new();
                fives(group, "weng_lin", WengLinRating::new(), players, &history, |a, b, o| {
                    weng_lin_two_teams(a, b, o, &config)
                });
            }
        }
    }
}

/// One match of 250 sides of one.
fn fields(c: &mut Criterion) {
    let weng_lin = |model| System::WengLin(WengLinSettings { model, ..WengLinSettings::default() });
    let systems = [
        ("elo", System::Elo(EloSettings::default())),
        ("glicko2", System::default()),
        ("true_skill", System::TrueSkill(TrueSkillSettings::default())),
        ("weng_lin_bradley_terry_full", weng_lin(WengLinModel::BradleyTerryFull)),
        ("weng_lin_bradley_terry_part", weng_lin(WengLinModel::BradleyTerryPart)),
        ("weng_lin_plackett_luce", weng_lin(WengLinModel::PlackettLuce)),
    ];
    for (name, system) in &systems {
        let Rating { mean, deviation, volatility } = system.initial();
        let solo = |nth: u32| {
            let mean = mean + deviation * (f64::from(nth * 97 % 250) / 125.0 - 1.0);
            [Entrant::new(Rating { mean, deviation, volatility })]
        };
        let solos: Vec<[Entrant; 1]> = (0..250).map(solo).collect();
        let sides: Vec<Side<'_>> =
            (1..).zip(&solos).map(|(place, players)| Side::new(place, players)).collect();
        c.bench_function(&format!("field_250/{name}"), |bench| {
            bench.iter(|| system.update_any_size(black_box(&Game::new(&sides))));
        });
    }
}

criterion_group!(benches, histories, fields);
criterion_main!(benches);
