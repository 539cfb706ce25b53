use crate::RatingError;
use crate::numeric::score;
use gsm_core::Timestamp;

/// A finished match, by players' numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fixture<'a> {
    at: Timestamp,
    players: &'a [u32],
    /// Where the first side begins, as `ends` count.
    start: u32,
    ends: &'a [u32],
    places: &'a [u32],
    home: Option<usize>,
}

/// A [`Fixture`] of two sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Duel<'a> {
    pub(super) at: Timestamp,
    pub(super) players: &'a [u32],
    /// Where the second side begins.
    pub(super) split: usize,
    /// Of the first.
    pub(super) score: f64,
    pub(super) home: Option<usize>,
}

/// A [`Fixture`] of two players.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lone {
    pub(super) players: [u32; 2],
    /// Of the first.
    pub(super) score: f64,
    pub(super) at: Timestamp,
    pub(super) home: Option<usize>,
}

impl<'a> Fixture<'a> {
    /// A match of `ends.len()` sides: side `i` are the `players` from `ends[i - 1]` (or 0) up to `ends[i]`, and came to
    /// `places[i]` (1 is the best, equal is a tie). Everybody played all of it. Nobody may play twice: the later seat
    /// would win.
    ///
    /// # Errors
    /// Fewer than 2 sides, a side without players, or slices that do not fit together. O(sides).
    #[inline]
    pub fn new(
        at: Timestamp,
        players: &'a [u32],
        ends: &'a [u32],
        places: &'a [u32],
    ) -> Result<Self, RatingError> {
        Self::cut_out(at, players, 0, ends, places)
    }

    /// [`Fixture::new`] of a longer list: `ends` count from somewhere before, where this match begins with `start`.
    #[inline]
    pub(crate) fn cut_out(
        at: Timestamp,
        players: &'a [u32],
        start: u32,
        ends: &'a [u32],
        places: &'a [u32],
    ) -> Result<Self, RatingError> {
        if ends.len() < 2 {
            return Err(RatingError::TooFewSides { sides: ends.len() });
        }
        let end = match *ends {
            // Two sides without a loop.
            [one, other] if start < one && one < other => other,
            _ => last_end(start, ends)?,
        };
        let ends_at = (end - start) as usize;
        if places.len() != ends.len() || ends_at != players.len() {
            let (players, places, ends) = (players.len(), places.len(), ends_at);
            return Err(RatingError::Ragged { players, places, ends });
        }
        Ok(Self { at, players, start, ends, places, home: None })
    }

    /// With an advantage for the side of this index.
    ///
    /// # Errors
    /// No side has the index.
    pub fn with_home(self, home: usize) -> Result<Self, RatingError> {
        let sides = self.ends.len();
        if home < sides {
            Ok(Self { home: Some(home), ..self })
        } else {
            Err(RatingError::NoSuchSide { home, sides })
        }
    }

    #[inline]
    pub(super) const fn at(&self) -> Timestamp {
        self.at
    }
    #[inline]
    pub(crate) const fn players(&self) -> &'a [u32] {
        self.players
    }
    #[inline]
    pub(super) const fn home(&self) -> Option<usize> {
        self.home
    }

    /// Place and number of players of each side.
    pub(super) fn sides(&self) -> impl Iterator<Item = (u32, usize)> {
        let mut start = self.start;
        self.ends.iter().zip(self.places).map(move |(&end, &place)| {
            let players = end - start;
            start = end;
            (place, players as usize)
        })
    }

    /// The match, if it has two players.
    #[inline]
    pub(super) fn lone(&self) -> Option<Lone> {
        let (&[one, other], [place, other_place]) = (self.players, self.places) else { return None };
        Some(Lone { players: [one, other], score: score(*place, *other_place), at: self.at, home: self.home })
    }

    /// The match, if it has two sides.
    #[inline]
    pub(super) fn duel(&self) -> Option<Duel<'a>> {
        let ([end, _], [place, other_place]) = (self.ends, self.places) else { return None };
        let (players, split) = (self.players, (end - self.start) as usize);
        Some(Duel { at: self.at, players, split, score: score(*place, *other_place), home: self.home })
    }

    /// The players of one side.
    pub(super) fn side(&self, side: usize) -> Option<&'a [u32]> {
        let end = *self.ends.get(side)?;
        let start = side.checked_sub(1).and_then(|before| self.ends.get(before)).unwrap_or(&self.start);
        self.players.get((start - self.start) as usize..(end - self.start) as usize)
    }
}

/// The last of the ends, each of which is above the one before.
fn last_end(mut start: u32, ends: &[u32]) -> Result<u32, RatingError> {
    for (side, &end) in ends.iter().enumerate() {
        if end <= start {
            return Err(RatingError::EmptySide { side });
        }
        start = end;
    }
    Ok(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(players: &[u32], ends: &[u32], places: &[u32], wanted: Result<(), RatingError>) {
        assert_eq!(Fixture::new(Timestamp::EPOCH, players, ends, places).map(|_| ()), wanted);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        check(&[1, 2, 3], &[1, 3], &[1, 2], Ok(()));
        check(&[1, 2], &[2], &[1], Err(RatingError::TooFewSides { sides: 1 }));
        check(&[1, 2], &[0, 2], &[1, 2], Err(RatingError::EmptySide { side: 0 }));
        check(&[1, 2], &[2, 1], &[1, 2], Err(RatingError::EmptySide { side: 1 }));
        check(&[1, 2, 3], &[1, 2], &[1, 2], Err(RatingError::Ragged { players: 3, places: 2, ends: 2 }));
        check(&[1, 2], &[1, 2], &[1], Err(RatingError::Ragged { players: 2, places: 1, ends: 2 }));
    }
    #[test]
    fn home_is_one_of_the_sides() {
        let fixture = Fixture::new(Timestamp::EPOCH, &[7, 8, 9], &[1, 3], &[1, 2]).unwrap();
        assert_eq!(fixture.with_home(2), Err(RatingError::NoSuchSide { home: 2, sides: 2 }));
        assert_eq!(
            (fixture.side(0), fixture.side(1), fixture.side(2)),
            (Some(&[7][..]), Some(&[8, 9][..]), None)
        );
    }
    #[test]
    fn ends_may_count_from_the_start_of_a_longer_list() {
        let cut = |start, ends, players| Fixture::cut_out(Timestamp::EPOCH, players, start, ends, &[2, 1]);
        let fixture = cut(40, &[41, 43], &[7, 8, 9]).unwrap();
        assert_eq!((fixture.side(0), fixture.side(1)), (Some(&[7][..]), Some(&[8, 9][..])));
        assert_eq!(fixture.sides().map(|side| side.1).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(fixture.duel().map(|duel| (duel.split, duel.score)), Some((1, 0.0)));
        assert_eq!(cut(41, &[41, 43], &[8, 9]), Err(RatingError::EmptySide { side: 0 }));
    }
}
