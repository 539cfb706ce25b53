//! Matches by chance: the same that the peers rate (`src/rating/examples/peers.rs`, `openskill.py`).
use super::draw::draw;
use gsm_core::Timestamp;
use gsm_rating::{RatingError, batch::Fixture};

/// When all matches were; time grows no deviation here.
const AT: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// Matches of two sides of `size`, won in turn by the first and the second.
pub(super) struct History {
    players: Vec<u32>,
    pub(super) size: usize,
    ends: [u32; 2],
}

impl History {
    pub(super) fn random(players: u64, matches: usize, size: usize) -> Self {
        Self { players: draw(players, matches, size), size, ends: [size as u32, 2 * size as u32] }
    }

    /// The players of each match, the first side before the second, and the places of the sides.
    pub(super) fn matches(&self) -> impl ExactSizeIterator<Item = (&[u32], &'static [u32; 2])> {
        let places = |nth: usize| if nth.is_multiple_of(2) { &[1, 2] } else { &[2, 1] };
        self.players.chunks_exact(2 * self.size).enumerate().map(move |(nth, of)| (of, places(nth)))
    }

    pub(super) fn fixtures(&self) -> impl Iterator<Item = Result<Fixture<'_>, RatingError>> {
        self.matches().map(|(of, places)| Fixture::new(AT, of, &self.ends, places))
    }
}
