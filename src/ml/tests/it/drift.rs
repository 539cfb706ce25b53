//! The drift alarm over the whole model, which learns on all the time: quiet while a game stays as it is, raised when it
//! changes.
use crate::league::Chance;
use gsm_core::Timestamp;
use gsm_ml::{Drift, Meeting, Model, Outcome};

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
