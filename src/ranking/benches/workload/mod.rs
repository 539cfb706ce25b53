//! Players, scores and moves that look like a ranked game's, made from numbers alone: no table of them is kept, so that
//! what is measured is the board.
#![allow(dead_code, reason = "each bench takes what it needs")]
use gsm_core::{PlayerId, Timestamp};
use gsm_ranking::{DenseIds, Ids, Mark, PlayerIds};

/// A fixed scramble (splitmix64).
pub(crate) fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// How the players of a bench are named.
pub(crate) trait Named: Ids {
    /// Shown in the table.
    const NAME: &'static str;
    /// The id of player `n`.
    fn named(n: u64) -> Self::Id;
}

impl Named for PlayerIds {
    const NAME: &'static str = "16-byte ids";
    fn named(n: u64) -> PlayerId {
        PlayerId::from_u128(u128::from(mix(n)) << 64 | u128::from(mix(!n)))
    }
}

impl Named for DenseIds {
    const NAME: &'static str = "dense ids";
    fn named(n: u64) -> u32 {
        n as u32
    }
}

/// A score from the bell of N(1500, 350), in thousandths of a point: four dice.
pub(crate) fn bell(seed: u64) -> i64 {
    let seed = mix(seed);
    let sum: u64 = (0..4).map(|die| seed >> (16 * die) & 0xffff).sum();
    1_500_000 + (sum as i64 - 131_070) * 350_000 / 37_837
}

/// What players have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// How many there are.
    pub(crate) players: u64,
    /// Whether 30 % of them share one score.
    pub(crate) tied: bool,
}

/// The score of those who are tied.
const TIED: i64 = 1_500_000;
/// Where times begin: autumn 2026.
const NOW: i64 = 1_790_000_000_000;

impl Field {
    /// The score of player `n` before any move.
    pub(crate) fn score(&self, n: u64) -> i64 {
        if self.tied && n % 10 < 3 { TIED } else { bell(n) }
    }

    /// The first mark of player `n`.
    pub(crate) fn mark(&self, n: u64) -> Mark {
        Mark::new(self.score(n), Timestamp::from_millis(NOW + (mix(n) >> 30) as i64), 1)
    }

    /// Everybody's first mark, in no order.
    pub(crate) fn marks<I: Named>(&self) -> impl ExactSizeIterator<Item = (I::Id, Mark)> + use<I> {
        let field = *self;
        (0..field.players as usize).map(move |n| (I::named(n as u64), field.mark(n as u64)))
    }

    /// The player of turn `turn`, by chance.
    pub(crate) fn player(&self, turn: u64) -> u64 {
        ((u128::from(mix(turn)) * u128::from(self.players)) >> 64) as u64
    }

    /// A move as after a match: within 20 points of where the player began. Players who are tied stay so, and only
    /// the time changes. `turn` must grow: it is the version.
    pub(crate) fn step(&self, turn: u64) -> (u64, Mark) {
        let n = self.player(turn);
        let by = if self.tied && n % 10 < 3 { 0 } else { (mix(turn ^ 0x5555) % 40_001) as i64 - 20_000 };
        (n, Mark::new(self.score(n) + by, Timestamp::from_millis(NOW + turn as i64), turn + 2))
    }

    /// A move to anywhere on the bell.
    pub(crate) fn jump(&self, turn: u64) -> (u64, Mark) {
        let (n, step) = self.step(turn);
        if self.tied && n % 10 < 3 {
            return (n, step);
        }
        (n, Mark { keys: bell(!turn).into(), ..step })
    }
}
