//! The drift alarm over the whole model, which learns on all the time: quiet while a game stays as it is, raised when it
//! changes.
use crate::league::Chance;
use gsm_core::Timestamp;
use gsm_ml::{Drift, Entry, Meeting, Model, Outcome};

/// Of so many players.
const PLAYERS: u64 = 60;

/// How a game goes from a match on.
#[derive(Clone, Copy)]
enum Game {
    /// The higher the number the stronger.
    Known,
    /// The lower the number the stronger: a patch that turns everything round.
    Reversed,
    /// Nobody is stronger: somebody has found a way to decide matches otherwise.
    Coin,
}

/// Plays duels of a league; the matches at which the alarm was raised.
fn alarms(seed: u64, matches: u64, game: impl Fn(u64) -> Game) -> Vec<u64> {
    let (mut model, mut drift, mut chance) = (Model::new(), Drift::default(), Chance::new(seed));
    let mut raised = Vec::new();
    for nth in 0..matches {
        let one = chance.below(PLAYERS);
        let other = (one + 1 + chance.below(PLAYERS - 1)) % PLAYERS;
        // The better half of all duels is won by the stronger three times of four.
        let lead = (one as f64 - other as f64) / 16.0;
        let logit = match game(nth) {
            Game::Known => lead,
            Game::Reversed => -lead,
            Game::Coin => 0.0,
        };
        let won = chance.unit() < 1.0 / (1.0 + (-logit).exp());
        let (one, other) = ([one as u32], [other as u32]);
        let meeting = Meeting::new(Timestamp::from_millis(nth as i64 * 120_000), &one, &other);
        let features = model.features(&meeting).unwrap();
        let score = if won { 1.0 } else { 0.0 };
        if drift.add([(model.predict(&features).expected, score)]) {
            raised.push(nth);
        }
        let outcome = if won { Outcome::places(1, 2) } else { Outcome::places(2, 1) };
        model.learn(&meeting, &features, &outcome).unwrap();
    }
    raised
}

/// The same of free-for-alls of so many: who is ahead of whom goes by the same chances.
fn alarms_of_fields(seed: u64, sides: usize, matches: u64, game: impl Fn(u64) -> Game) -> Vec<u64> {
    let (mut model, mut drift, mut chance) = (Model::new(), Drift::default(), Chance::new(seed));
    let mut raised = Vec::new();
    for nth in 0..matches {
        let mut players: Vec<u32> = Vec::new();
        while players.len() < sides {
            let player = chance.below(PLAYERS) as u32;
            if !players.contains(&player) {
                players.push(player);
            }
        }
        // Differences of two such deviations are logistic.
        let mut performance = |player: &u32| {
            let strength = f64::from(*player) / 16.0;
            let strength = match game(nth) {
                Game::Known => strength,
                Game::Reversed => -strength,
                Game::Coin => 0.0,
            };
            strength - (-chance.unit().max(1e-12).ln()).ln()
        };
        let performances: Vec<f64> = players.iter().map(&mut performance).collect();
        let place = |own: &f64| 1 + performances.iter().filter(|other| *other > own).count() as u32;
        let places: Vec<u32> = performances.iter().map(place).collect();
        let of: Vec<[u32; 1]> = players.iter().map(|player| [*player]).collect();
        let of: Vec<&[u32]> = of.iter().map(<[u32; 1]>::as_slice).collect();
        let entry = Entry {
            at: Timestamp::from_millis(nth as i64 * 120_000),
            variant: None,
            sides: &of,
            premade: &[],
        };
        let field = model.field(&entry).unwrap();
        let expected = model.shares(&field).expected;
        let reached = |place: &u32| (sides as f64 - f64::from(*place)) / (sides as f64 - 1.0);
        if drift.add(expected.iter().zip(&places).map(|(side, place)| (side[0], reached(place)))) {
            raised.push(nth);
        }
        model.learn_field(&entry, &field, &places).unwrap();
    }
    raised
}

/// 12 leagues of each size, 120,000 matches in all.
#[test]
fn it_is_quiet_while_free_for_alls_stay_as_they_are() {
    for (sides, matches) in [(3, 4_000), (4, 4_000), (16, 2_000)] {
        for seed in 0..12 {
            let raised = alarms_of_fields(seed, sides, matches, |_| Game::Known);
            assert_eq!(raised, Vec::<u64>::new(), "{sides} sides, seed {seed}");
        }
    }
}

#[test]
fn it_is_raised_soon_after_free_for_alls_have_changed() {
    const SHIFT: u64 = 1_500;
    let mut all = Vec::new();
    // Of sixteen without reason the model mostly knows by itself before it has lost so much.
    for (sides, after, soon) in [
        (3, Game::Reversed, 60),
        (4, Game::Reversed, 60),
        (16, Game::Reversed, 60),
        (3, Game::Coin, 200),
        (4, Game::Coin, 200),
    ] {
        let wait = |seed| {
            let game = |nth| if nth < SHIFT { Game::Known } else { after };
            let raised = alarms_of_fields(seed, sides, SHIFT + soon + 1, game);
            raised.first().map_or(u64::MAX, |first| first - SHIFT)
        };
        let mut waits: Vec<u64> = (0..8).map(wait).collect();
        waits.sort_unstable();
        all.push((sides, soon, waits));
    }
    assert!(all.iter().all(|(_, soon, waits)| waits[7] <= *soon), "{all:?}");
}

/// 12 leagues, 120,000 matches.
#[test]
fn it_is_quiet_while_the_game_stays_as_it_is() {
    for seed in 0..12 {
        assert_eq!(alarms(seed, 10_000, |_| Game::Known), Vec::<u64>::new(), "seed {seed}");
    }
}

#[test]
fn it_is_raised_soon_after_the_game_has_changed() {
    const SHIFT: u64 = 3_000;
    for (after, soon) in [(Game::Reversed, 120), (Game::Coin, 400)] {
        let mut waits: Vec<u64> = (0..12)
            .map(|seed| {
                let raised = alarms(seed, SHIFT + 2_000, |nth| if nth < SHIFT { Game::Known } else { after });
                raised.first().expect("an alarm") - SHIFT
            })
            .collect();
        waits.sort_unstable();
        assert!(waits[11] <= soon, "{waits:?}");
    }
}
