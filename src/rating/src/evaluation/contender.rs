use crate::history::{History, Lineup};
use crate::{Change, Entrant, Game, Learnt, Offset, Rating, RatingError, Scratch, Side, System};
use gsm_core::{Map, Probability, Timestamp};

/// A rating system that goes through a history: every player as he stands, and what the system has learnt.
#[derive(Clone, Debug)]
pub struct Contender<'a> {
    system: &'a System,
    history: &'a History,
    /// Whether team 0 has the advantage of the game in a variant.
    home: Vec<bool>,
    seats: Vec<Seat>,
    offsets: Map<(u32, u16), Offset>,
    learnt: Option<Learnt>,
    scratch: Scratch,
    changes: Vec<Change>,
    entrants: Vec<Entrant>,
    ratings: Vec<Rating>,
}

/// One player.
#[derive(Clone, Copy, Debug)]
struct Seat {
    /// What newcomers lack is not in the mean: it is learnt anew by every match.
    rating: Rating,
    rated_at: Option<Timestamp>,
    games: u32,
}

impl<'a> Contender<'a> {
    /// Before the first match.
    #[must_use]
    pub fn new(system: &'a System, history: &'a History) -> Self {
        let learnt = system.nothing_learnt();
        let newcomer = system.initial();
        let newcomer = learnt.map_or(newcomer, |learnt| learnt.unplaced(newcomer));
        let seat = Seat { rating: newcomer, rated_at: None, games: 0 };
        Self {
            system,
            history,
            home: super::home::advantages(history),
            seats: vec![seat; history.seats()],
            offsets: Map::default(),
            learnt,
            scratch: Scratch::new(),
            changes: Vec::new(),
            entrants: Vec::new(),
            ratings: Vec::new(),
        }
    }

    fn home(&self, index: usize) -> Option<usize> {
        let has = self.home.get(usize::from(self.history.variant_of(index))).copied().unwrap_or(false);
        has.then_some(0)
    }

    /// A player's rating at a time, in general.
    fn general(&self, player: u32, at: Timestamp) -> Rating {
        let Some(seat) = self.seats.get(player as usize) else { return self.system.initial() };
        let rating = self.system.at(seat.rating, seat.rated_at, at);
        self.learnt.map_or(rating, |learnt| learnt.placed(rating))
    }

    fn offset(&self, player: u32, variant: u16) -> Option<Offset> {
        if self.history.variants() < 2 {
            return None;
        }
        let new = self.system.initial_offset()?;
        Some(self.offsets.get(&(player, variant)).copied().unwrap_or(new))
    }

    /// A player's rating in the match, the offset of its variant included.
    fn rating(&self, player: u32, index: usize) -> Rating {
        let rating = self.general(player, self.history.at(index));
        match self.offset(player, self.history.variant_of(index)) {
            Some(offset) => offset.applied(rating),
            None => rating,
        }
    }

    /// The expected score of the first side of a match of two.
    pub fn expected(&mut self, index: usize) -> Probability {
        let mut ratings = std::mem::take(&mut self.ratings);
        ratings.clear();
        let mut first = 0;
        for (nth, side) in self.history.sides(index).enumerate() {
            if nth == 0 {
                first = side.players.len();
            }
            ratings.extend(side.players.iter().map(|player| self.rating(*player, index)));
        }
        let (a, b) = ratings.split_at(first.min(ratings.len()));
        let found = self.pair(a, b, self.home(index));
        self.ratings = ratings;
        found
    }

    fn pair(&self, a: &[Rating], b: &[Rating], home: Option<usize>) -> Probability {
        match &self.learnt {
            Some(learnt) => self.system.expected_learnt(learnt, a, b, home),
            None => self.system.expected_pair(a, b, home),
        }
    }

    /// The chance of a draw in a match of two sides, whose expected score is `expected`; none where the system
    /// knows nothing about draws.
    #[must_use]
    pub fn draw(&self, index: usize, expected: Probability) -> Option<Probability> {
        if let Some(learnt) = &self.learnt {
            return learnt.draw(expected);
        }
        let ratings: Vec<Vec<Rating>> = self
            .history
            .sides(index)
            .map(|side| side.players.iter().map(|player| self.rating(*player, index)).collect())
            .collect();
        let [a, b] = ratings.as_slice() else { return None };
        self.system.draw_pair(a, b, self.home(index))
    }

    /// For every pair of sides with different places: the chance that the first is ahead of the second, and whether
    /// it was (1 or 0). O(sides²).
    pub fn pairs(&self, index: usize, mut each: impl FnMut(f64, f64)) {
        let sides: Vec<(u32, Vec<Rating>)> = self
            .history
            .sides(index)
            .map(|side| (side.place, side.players.iter().map(|player| self.rating(*player, index)).collect()))
            .collect();
        let home = self.home(index);
        for (i, (place, a)) in sides.iter().enumerate() {
            for (nth, (other, b)) in sides.iter().enumerate().skip(i + 1) {
                if place != other {
                    let home = [i, nth].iter().position(|side| Some(*side) == home);
                    each(self.pair(a, b, home).get(), crate::numeric::score(*place, *other));
                }
            }
        }
    }

    /// Rates a match.
    ///
    /// # Errors
    /// Where the system cannot rate it: see [`System::update_any_size`].
    pub fn rate(&mut self, index: usize) -> Result<(), RatingError> {
        let (at, variant) = (self.history.at(index), self.history.variant_of(index));
        let mut entrants = std::mem::take(&mut self.entrants);
        entrants.clear();
        for player in self.history.sides(index).flat_map(|side| side.players) {
            entrants.push(Entrant {
                games: self.seats.get(*player as usize).map_or(0, |seat| seat.games),
                offset: self.offset(*player, variant),
                ..Entrant::new(self.general(*player, at))
            });
        }
        let rated = self.rated(index, &entrants);
        self.entrants = entrants;
        rated?;
        let before = self.learnt;
        if let Some(learnt) = &mut self.learnt {
            self.system.learn(learnt, &self.scratch);
        }
        let players = self.history.sides(index).flat_map(|side| side.players);
        for (player, change) in players.zip(&self.changes) {
            if let Some(seat) = self.seats.get_mut(*player as usize) {
                seat.rating = before.map_or(change.after, |learnt| learnt.unplaced(change.after));
                seat.rated_at = Some(at);
                seat.games = seat.games.saturating_add(1);
            }
            if let Some(offset) = change.offset {
                self.offsets.insert((*player, variant), offset);
            }
        }
        Ok(())
    }

    /// What the last match that was rated did to its players, in the order of its sides.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    fn rated(&mut self, index: usize, entrants: &[Entrant]) -> Result<(), RatingError> {
        let mut rest = entrants;
        let mut side = |of: Lineup<'_>| {
            let (own, others) = rest.split_at(of.players.len().min(rest.len()));
            rest = others;
            Side { place: of.place, score: of.score, players: own }
        };
        let mut sides = self.history.sides(index);
        let home = self.home(index);
        let learnt = self.learnt.as_ref();
        let (scratch, changes) = (&mut self.scratch, &mut self.changes);
        if let (2, Some(a), Some(b)) = (sides.len(), sides.next(), sides.next()) {
            let sides = [side(a), side(b)];
            return self.system.update_any_size_into(&Game { sides: &sides, home, learnt }, scratch, changes);
        }
        let sides: Vec<Side<'_>> = self.history.sides(index).map(side).collect();
        self.system.update_any_size_into(&Game { sides: &sides, home, learnt }, scratch, changes)
    }
}
