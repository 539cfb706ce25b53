use super::{Past, Probe, Step};
use crate::row::percentile;
use gsm_core::{Rank, Timestamp};

/// A score and the rank that it had.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    /// Competition rank.
    pub rank: Rank,
    /// As in [`Standing::percentile`](crate::Standing::percentile).
    pub percentile: f64,
    /// The score.
    pub score: i64,
}

/// Where a player stood at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The instant.
    pub at: Timestamp,
    /// Rank and score at its end; `None` if the player was not on the board.
    pub place: Option<Placed>,
    /// How many players the board had.
    pub players: u64,
}

impl Past {
    /// Where one player stood at each of `instants`, which may come in any order and are answered in it.
    ///
    /// `steps` are all steps of this player up to the last instant, in order of time, and part of this past.
    /// O(log^2 steps) an instant; neighbours share the work, and their cache misses overlap: several times less
    /// than asking one by one. The caller bounds both lists.
    #[must_use]
    pub fn series(&self, steps: &[Step], instants: &[Timestamp]) -> Vec<Sample> {
        let mut order: Vec<usize> = (0..instants.len()).collect();
        let at = |place: &usize| instants.get(*place).copied().unwrap_or(Timestamp::EPOCH);
        order.sort_unstable_by_key(at);
        let score = |at: Timestamp| {
            let taken = steps.partition_point(|step| step.at <= at);
            steps.get(..taken).and_then(|taken| taken.last()).and_then(|step| step.after)
        };
        let scores: Vec<Option<i64>> = order.iter().map(|place| score(at(place))).collect();
        let mut probes: Vec<Probe> = order
            .iter()
            .zip(&scores)
            .map(|(place, score)| Probe::new(at(place), score.unwrap_or(i64::MAX)))
            .collect();
        self.answer(&mut probes);
        let mut samples: Vec<Sample> =
            instants.iter().map(|&at| Sample { at, place: None, players: 0 }).collect();
        for ((place, score), probe) in order.into_iter().zip(scores).zip(probes) {
            if let Some(sample) = samples.get_mut(place) {
                let (better, players) = (probe.better(), probe.players());
                let (rank, percentile) = (Rank::after(better), percentile(better, players.saturating_sub(1)));
                sample.place = score.map(|score| Placed { rank, percentile, score });
                sample.players = players;
            }
        }
        samples
    }
}
