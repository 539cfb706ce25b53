//! A match history in memory: columns, players by number, in the order the matches were played.
use crate::RatingError;
use crate::batch::Fixture;
use gsm_core::Timestamp;

/// A history. Players and variants are numbers that the reader gave out, from 0.
#[derive(Clone, Debug, Default)]
pub struct History {
    at: Vec<Timestamp>,
    variants: Vec<u16>,
    first_sides: Vec<u32>,
    places: Vec<u32>,
    /// NaN where a side has none.
    scores: Vec<f64>,
    /// Where the players of each side end.
    ends: Vec<u32>,
    players: Vec<u32>,
    /// Of each player, how many of the side came together; ends with the last match of which anybody did.
    parties: Vec<u32>,
    seats: u32,
    variant_names: Vec<String>,
}

/// One side of a match of a history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lineup<'a> {
    /// 1 is the best, equal places are a tie.
    pub place: u32,
    /// Points made, where they are known.
    pub score: Option<f64>,
    /// The players' numbers.
    pub players: &'a [u32],
}

impl History {
    /// Without a match; `variants` are the names of the numbers.
    #[must_use]
    pub fn new(variants: Vec<String>) -> Self {
        Self { variant_names: variants, ..Self::default() }
    }

    /// Gives `name` a number, the same for the same name. Beyond 65,535 names all share the last.
    pub fn variant(&mut self, name: &str) -> u16 {
        let found = self.variant_names.iter().position(|known| known == name);
        let number = found.unwrap_or_else(|| {
            if self.variant_names.len() < usize::from(u16::MAX) {
                self.variant_names.push(name.to_owned());
            }
            self.variant_names.len() - 1
        });
        u16::try_from(number).unwrap_or(u16::MAX)
    }

    /// Adds a match after all others.
    pub fn push<'a>(&mut self, at: Timestamp, variant: u16, sides: impl IntoIterator<Item = Lineup<'a>>) {
        self.at.push(at);
        self.variants.push(variant);
        self.first_sides.push(as_u32(self.places.len()));
        for side in sides {
            self.places.push(side.place);
            self.scores.push(side.score.unwrap_or(f64::NAN));
            self.players.extend_from_slice(side.players);
            self.ends.push(as_u32(self.players.len()));
            let most = side.players.iter().copied().max().map_or(0, |most| most.saturating_add(1));
            self.seats = self.seats.max(most);
        }
    }

    /// Tells of the last match who came together: of each player, side by side, how many of the side did, the player
    /// included.
    pub fn came_together(&mut self, sizes: &[u32]) {
        if sizes.iter().any(|size| *size > 1) {
            self.parties.resize(self.players.len().saturating_sub(sizes.len()), 1);
            self.parties.extend_from_slice(sizes);
        }
    }

    /// Whether anybody ever came together, as far as is known.
    #[must_use]
    pub fn has_parties(&self) -> bool {
        !self.parties.is_empty()
    }

    /// Of each side of match `index`, how many of the side came together with each player; empty where nobody did, in that
    /// match and after it.
    pub fn party_sizes(&self, index: usize) -> impl ExactSizeIterator<Item = &[u32]> + Clone {
        self.range(index).map(move |side| self.parties.get(self.seats_of(side)).unwrap_or_default())
    }

    /// Matches.
    #[must_use]
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there is no match.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// Players: one more than the largest number.
    #[must_use]
    pub fn seats(&self) -> usize {
        self.seats as usize
    }

    /// How many variants there are.
    #[must_use]
    pub fn variants(&self) -> usize {
        self.variant_names.len()
    }

    /// When match `index` was played; the epoch for none.
    #[must_use]
    pub fn at(&self, index: usize) -> Timestamp {
        self.at.get(index).copied().unwrap_or(Timestamp::EPOCH)
    }

    /// The variant of match `index`.
    #[must_use]
    pub fn variant_of(&self, index: usize) -> u16 {
        self.variants.get(index).copied().unwrap_or_default()
    }

    /// The name of a variant.
    #[must_use]
    pub fn variant_name(&self, variant: u16) -> &str {
        self.variant_names.get(usize::from(variant)).map_or("", String::as_str)
    }

    /// The sides of match `index`; none for no match.
    pub fn sides(&self, index: usize) -> impl ExactSizeIterator<Item = Lineup<'_>> + Clone {
        self.range(index).map(move |side| self.side(side))
    }

    fn range(&self, index: usize) -> std::ops::Range<usize> {
        let start = |index: usize| self.first_sides.get(index).map_or(self.places.len(), |at| *at as usize);
        start(index)..start(index + 1)
    }

    /// Match `index` without points, as a [`crate::batch::Ladder`] rates it.
    ///
    /// # Errors
    /// As [`Fixture::new`].
    #[inline]
    pub fn fixture(&self, index: usize) -> Result<Fixture<'_>, RatingError> {
        let sides = self.range(index);
        let start = self.start(sides.start);
        let ends = self.ends.get(sides.clone()).unwrap_or_default();
        let end = ends.last().copied().unwrap_or(start);
        let players = self.players.get(start as usize..end as usize).unwrap_or_default();
        Fixture::cut_out(self.at(index), players, start, ends, self.places.get(sides).unwrap_or_default())
    }

    /// Where the players of a side begin.
    fn start(&self, side: usize) -> u32 {
        side.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default()
    }

    /// The number of sides of match `index`.
    #[must_use]
    pub fn side_count(&self, index: usize) -> usize {
        self.sides(index).len()
    }

    /// Where the players of a side are.
    fn seats_of(&self, side: usize) -> std::ops::Range<usize> {
        self.start(side) as usize..self.ends.get(side).map_or(0, |end| *end as usize)
    }

    fn side(&self, side: usize) -> Lineup<'_> {
        Lineup {
            place: self.places.get(side).copied().unwrap_or(1),
            score: self.scores.get(side).copied().filter(|score| score.is_finite()),
            players: self.players.get(self.seats_of(side)).unwrap_or_default(),
        }
    }

    /// The first match after `index` that was not played at the same moment.
    #[must_use]
    pub fn group_end(&self, index: usize) -> usize {
        let at = self.at(index);
        let same = self.at.get(index..).unwrap_or_default().iter().take_while(|other| **other == at);
        index + same.count().max(1)
    }

    /// Whether every match has two sides; else all are judged as free-for-all.
    #[must_use]
    pub fn is_two_sided(&self) -> bool {
        self.places.len() == 2 * self.len() && (0..self.len()).all(|index| self.side_count(index) == 2)
    }

    /// The score of the first of two sides: win 1, tie 0.5, loss 0.
    #[must_use]
    pub fn outcome(&self, index: usize) -> f64 {
        let mut sides = self.sides(index);
        match (sides.next(), sides.next()) {
            (Some(a), Some(b)) => crate::numeric::score(a.place, b.place),
            _ => 0.5,
        }
    }
}

/// Histories of more than 2^32 players in all matches fit no memory.
fn as_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_came_together_is_told_of_a_match() {
        let mut history = History::new(vec![String::new()]);
        let side = |players| Lineup { place: 1, score: None, players };
        let told = |history: &History| -> Vec<Vec<Vec<u32>>> {
            let sides = |index| history.party_sizes(index).map(<[u32]>::to_vec).collect();
            (0..history.len()).map(sides).collect()
        };
        history.push(Timestamp::EPOCH, 0, [side(&[0, 1]), side(&[2])]);
        history.came_together(&[1, 1, 1]);
        assert!(!history.has_parties());
        history.push(Timestamp::EPOCH, 0, [side(&[3]), side(&[0, 1, 2])]);
        history.came_together(&[1, 2, 1, 2]);
        history.push(Timestamp::EPOCH, 0, [side(&[0, 1]), side(&[2])]);
        assert!(history.has_parties());
        let wanted: [[&[u32]; 2]; 3] = [[&[1, 1], &[1]], [&[1], &[2, 1, 2]], [&[], &[]]];
        assert_eq!(told(&history), wanted);
        history.push(Timestamp::EPOCH, 0, [side(&[0, 1]), side(&[2])]);
        history.came_together(&[2, 2, 1]);
        assert_eq!(told(&history)[2..], [[vec![1, 1], vec![1]], [vec![2, 2], vec![1]]]);
    }

    #[test]
    fn what_goes_in_comes_out() {
        let mut history = History::new(Vec::new());
        let (clay, grass) = (history.variant("clay"), history.variant("grass"));
        assert_eq!((clay, grass, history.variant("clay")), (0, 1, 0));
        let now = Timestamp::from_millis(5);
        let a = Lineup { place: 1, score: Some(3.0), players: &[0, 7] };
        let b = Lineup { place: 2, score: None, players: &[2] };
        history.push(now, clay, [a, b]);
        history.push(now, grass, [b, a]);
        history.push(Timestamp::from_millis(6), grass, [a, b, b]);
        assert_eq!((history.len(), history.seats(), history.variants()), (3, 8, 2));
        assert_eq!(history.sides(1).collect::<Vec<_>>(), [b, a]);
        assert_eq!((history.outcome(0), history.outcome(1)), (1.0, 0.0));
        assert_eq!((history.group_end(0), history.group_end(1), history.group_end(2)), (2, 2, 3));
        assert_eq!(history.variant_name(history.variant_of(2)), "grass");
        assert!(!history.is_two_sided());
        assert_eq!(history.sides(3).len(), 0);
        for index in 0..3 {
            let players = history.sides(index).flat_map(|side| side.players).copied().collect::<Vec<_>>();
            assert_eq!(history.fixture(index).unwrap().players(), players);
        }
        assert_eq!(history.fixture(3), Err(RatingError::TooFewSides { sides: 0 }));
    }
}
