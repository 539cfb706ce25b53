use crate::{Board, Bucket, Entry, Row, Standing};
use gsm_core::{PlayerId, Rank, limits};

/// What a board answers. Nothing here allocates more than the rows it returns.
impl Board {
    /// How many players are on the board. O(1).
    #[must_use]
    pub fn len(&self) -> u64 {
        self.tree.len()
    }

    /// Whether nobody is. O(1).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where a player stands; `None` if not on the board. O(log players), allocates nothing.
    #[must_use]
    pub fn standing(&self, player: PlayerId) -> Option<Standing> {
        let score = self.roster.member(self.roster.find(player)?).score;
        Some(Standing::new(score, self.tree.better(score), self.len()))
    }

    /// The rank that `score` has, or would have for somebody not on the board: 1 to players + 1. O(log players).
    #[must_use]
    pub fn rank_of_score(&self, score: i64) -> Rank {
        Rank::after(self.tree.better(score))
    }

    /// Up to `limit` rows of the listing after skipping `offset`. Empty past the end. O(log players + rows).
    ///
    /// The caller bounds `limit` ([`limits::PAGE_SIZE_MAX`]).
    #[must_use]
    pub fn top(&self, offset: u64, limit: usize) -> Vec<Row> {
        let count = self.len().saturating_sub(offset).min(limit as u64);
        let mut rows: Vec<Row> = Vec::with_capacity(count as usize);
        for (key, position) in self.tree.keys(offset, count).zip(offset..) {
            let entry = self.roster.entry(key.slot);
            let rank = match rows.last() {
                Some(above) if above.entry.score == entry.score => above.rank,
                Some(_) => Rank::after(position),
                None => self.rank_of_score(entry.score),
            };
            rows.push(Row { rank, entry });
        }
        rows
    }

    /// A player's row with up to `radius` rows of the listing on either side, fewer where the listing ends; `None`
    /// if the player is not on the board. O(log players + rows).
    ///
    /// The caller bounds `radius` ([`limits::WINDOW_RADIUS_MAX`]).
    #[must_use]
    pub fn around(&self, player: PlayerId, radius: usize) -> Option<Vec<Row>> {
        let slot = self.roster.find(player)?;
        let position = self.tree.position(self.roster.key(slot), &self.roster);
        let from = position.saturating_sub(radius as u64);
        let above = (position - from) as usize;
        Some(self.top(from, above.saturating_add(1).saturating_add(radius)))
    }

    /// A listing of these players alone, ranked among themselves (a board of friends). Players not on the board
    /// are left out; one named twice appears once. O(ids log ids), whatever the size of the board.
    ///
    /// The caller bounds the number of ids ([`limits::PAGE_SIZE_MAX`]).
    #[must_use]
    pub fn among(&self, ids: &[PlayerId]) -> Vec<Row> {
        let mut rows = Vec::with_capacity(ids.len());
        let entries = ids.iter().filter_map(|&player| Some(self.roster.entry(self.roster.find(player)?)));
        rows.extend(entries.map(|entry| Row { rank: Rank::after(0), entry }));
        rows.sort_unstable_by(|a, b| a.entry.listed(&b.entry));
        rows.dedup_by_key(|row| row.entry.player);
        let mut above: Option<Row> = None;
        for (position, row) in (0..).zip(&mut rows) {
            row.rank = match above {
                Some(above) if above.entry.score == row.entry.score => above.rank,
                _ => Rank::after(position),
            };
            above = Some(*row);
        }
        rows
    }

    /// The least score with which one is among the best `rank` players of the listing; `None` if there are fewer.
    /// Where ties skip a rank, this is the score of the tie. O(log players).
    #[must_use]
    pub fn score_at_rank(&self, rank: Rank) -> Option<i64> {
        self.tree.keys(rank.get() - 1, 1).next().map(|key| key.score)
    }

    /// The least score among the best `percent` of all players, a part of a player counting as one: with 5
    /// players, the best 20 % are one and the best 21 % are two. `percent` is taken into `0.0..=100.0`, and the
    /// best player always belongs. `None` on an empty board and for NaN. O(log players).
    #[must_use]
    pub fn score_for_top(&self, percent: f64) -> Option<i64> {
        if percent.is_nan() {
            return None;
        }
        let share = percent.clamp(0.0, 100.0) * self.len() as f64 / 100.0;
        // Two roundings, each half an epsilon, are no part of a player: 1.1 % of 1000 is 11.
        let players = (share * (1.0 - 2.0 * f64::EPSILON)).ceil() as u64;
        self.score_at_rank(Rank::after(players.saturating_sub(1)))
    }

    /// All players as listed, from either end. O(log players) to begin, then O(1) each.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Entry> + ExactSizeIterator + '_ {
        self.tree.keys(0, self.len()).map(|key| self.roster.entry(key.slot))
    }

    /// How the scores spread: the span from the least to the greatest score, in up to `buckets` parts of equal
    /// width (to within 1), ascending, without gaps. Fewer where the span has fewer whole numbers, and never more
    /// than [`limits::PAGE_SIZE_MAX`]; none on an empty board or if 0 are asked for. O(buckets log players).
    #[must_use]
    pub fn histogram(&self, buckets: usize) -> Vec<Bucket> {
        let ends = (self.tree.keys(0, 1).next(), self.tree.keys(0, self.len()).next_back());
        let (Some(best), Some(worst)) = ends else { return Vec::new() };
        let least = i128::from(worst.score);
        let span = i128::from(best.score) - least + 1;
        let parts = span.min(buckets.min(limits::PAGE_SIZE_MAX) as i128);
        let mut out = Vec::with_capacity(parts as usize);
        let mut left = self.len();
        for part in 0..parts {
            // Both ends lie between two scores, so they fit.
            let lower = (least + span * part / parts) as i64;
            let upper = (least + span * (part + 1) / parts - 1) as i64;
            let above = self.tree.better(upper);
            out.push(Bucket { lower, upper, count: left - above });
            left = above;
        }
        out
    }
}
