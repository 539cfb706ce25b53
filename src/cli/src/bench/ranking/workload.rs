//! Players, scores and moves that look like a ranked game's, made from numbers alone: no table of them is kept, so that
//! what is measured is the board.
use clap::ValueEnum;
use gsm_core::{PlayerId, SplitMix64, Timestamp};
use gsm_ranking::{DenseIds, Ids, Mark, PlayerIds};
use serde::{Deserialize, Serialize};

/// How players are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Naming {
    /// Numbers from 0 on; Redis gets them as decimal text
    Dense,
    /// Ids of 16 bytes
    #[value(name = "16-byte")]
    Bytes,
}

impl Naming {
    pub(crate) const ALL: [Self; 2] = [Self::Dense, Self::Bytes];

    /// As tables have it.
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Self::Dense => "dense ids",
            Self::Bytes => "16-byte ids",
        }
    }

    /// The member of player `n` in a sorted set.
    pub(crate) fn member(self, n: u64) -> Vec<u8> {
        match self {
            Self::Dense => n.to_string().into_bytes(),
            Self::Bytes => PlayerIds::named(n).as_u128().to_be_bytes().to_vec(),
        }
    }
}

/// The id of player `n`.
pub(crate) trait Named: Ids {
    fn named(n: u64) -> Self::Id;
}

impl Named for PlayerIds {
    fn named(n: u64) -> PlayerId {
        PlayerId::from_u128(u128::from(mix(n)) << 64 | u128::from(mix(!n)))
    }
}

impl Named for DenseIds {
    fn named(n: u64) -> u32 {
        n as u32
    }
}

/// A fixed scramble.
pub(crate) fn mix(n: u64) -> u64 {
    SplitMix64::mixed(n)
}

/// A score from the bell of N(1500, 350), in thousandths of a point: four dice.
fn bell(seed: u64) -> i64 {
    let seed = mix(seed);
    let sum: u64 = (0..4).map(|die| seed >> (16 * die) & 0xffff).sum();
    1_500_000 + (sum as i64 - 131_070) * 350_000 / 37_837
}

/// What players have.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
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
        if self.is_tied(n) { TIED } else { bell(n) }
    }

    fn is_tied(&self, n: u64) -> bool {
        self.tied && n % 10 < 3
    }

    /// Everybody's first mark, in no order.
    pub(crate) fn marks<I: Named>(&self) -> impl ExactSizeIterator<Item = (I::Id, Mark)> + use<I> {
        let field = *self;
        (0..field.players as usize).map(move |n| {
            let n = n as u64;
            let at = Timestamp::from_millis(NOW + (mix(n) >> 30) as i64);
            (I::named(n), Mark::new(field.score(n), at, 1))
        })
    }

    /// The player of turn `turn`, by chance.
    pub(crate) fn player(&self, turn: u64) -> u64 {
        ((u128::from(mix(turn)) * u128::from(self.players)) >> 64) as u64
    }

    /// Who moves at `turn` and to which score: as after a match, within 20 points of where the player began. Players
    /// who are tied stay so, and only the time changes.
    pub(crate) fn step(&self, turn: u64) -> (u64, i64) {
        let n = self.player(turn);
        let by = if self.is_tied(n) { 0 } else { (mix(turn ^ 0x5555) % 40_001) as i64 - 20_000 };
        (n, self.score(n) + by)
    }

    /// A move to anywhere on the bell.
    pub(crate) fn jump(&self, turn: u64) -> (u64, i64) {
        let n = self.player(turn);
        (n, if self.is_tied(n) { TIED } else { bell(!turn) })
    }
}

/// The mark of a move. `turn` must grow: it is the version.
pub(crate) fn moved(turn: u64, score: i64) -> Mark {
    Mark::new(score, Timestamp::from_millis(NOW + turn as i64), turn + 2)
}
