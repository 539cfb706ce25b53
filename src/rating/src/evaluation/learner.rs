use crate::history::{History, Lineup};
use crate::{Change, Entrant, Game, Learnt, Offset, Rating, RatingError, Scratch, Side, System};
use gsm_core::{Map, Probability, Timestamp};

/// A system that learns more from a history than ratings: what it has learnt, and every player with his offsets.
#[derive(Clone, Debug)]
pub(super) struct Learner<'a> {
    system: &'a System,
    history: &'a History,
    seats: Vec<Seat>,
    offsets: Map<(u32, u16), Offset>,
    learnt: Learnt,
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

impl<'a> Learner<'a> {
    /// Before the first match, with nothing `learnt` yet.
    pub(super) fn new(system: &'a System, learnt: Learnt, history: &'a History) -> Self {
        let seat = Seat { rating: learnt.unplaced(system.initial()), rated_at: None, games: 0 };
        Self {
            system,
            history,
            seats: vec![seat; history.seats()],
            offsets: Map::default(),
            learnt,
            scratch: Scratch::new(),
            changes: Vec::new(),
            entrants: Vec::new(),
            ratings: Vec::new(),
        }
    }

    /// A player's rating at a time, in general.
    fn general(&self, player: u32, at: Timestamp) -> Rating {
        let Some(seat) = self.seats.get(player as usize) else { return self.system.initial() };
        self.learnt.placed(self.system.at(seat.rating, seat.rated_at, at))
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

    /// See [`super::Contender::expected`].
    pub(super) fn expected(&mut self, index: usize, home: Option<usize>) -> Probability {
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
        let found = self.system.expected_learnt(&self.learnt, a, b, home);
        self.ratings = ratings;
        found
    }

    /// See [`super::Contender::draw`].
    pub(super) fn draw(&self, expected: Probability) -> Option<Probability> {
        self.learnt.draw(expected)
    }

    /// The expected score of one side against another, for any two sides of a match.
    pub(super) fn expected_of<'b>(
        &'b self,
        index: usize,
        home: Option<usize>,
    ) -> impl Fn(usize, usize) -> Probability + 'b {
        let sides = self.history.sides(index);
        let of = |side: Lineup<'_>| side.players.iter().map(|player| self.rating(*player, index)).collect();
        let sides: Vec<Vec<Rating>> = sides.map(of).collect();
        move |one, other| {
            let home = [one, other].iter().position(|side| Some(*side) == home);
            let of = |side: usize| sides.get(side).map_or(&[][..], Vec::as_slice);
            self.system.expected_learnt(&self.learnt, of(one), of(other), home)
        }
    }

    /// See [`super::Contender::rate`].
    pub(super) fn rate(&mut self, index: usize, home: Option<usize>) -> Result<(), RatingError> {
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
        let rated = self.rated(index, home, &entrants);
        self.entrants = entrants;
        rated?;
        let before = self.learnt;
        self.system.learn(&mut self.learnt, &self.scratch);
        let players = self.history.sides(index).flat_map(|side| side.players);
        for (player, change) in players.zip(&self.changes) {
            if let Some(seat) = self.seats.get_mut(*player as usize) {
                seat.rating = before.unplaced(change.after);
                seat.rated_at = Some(at);
                seat.games = seat.games.saturating_add(1);
            }
            if let Some(offset) = change.offset {
                self.offsets.insert((*player, variant), offset);
            }
        }
        Ok(())
    }

    /// See [`super::Contender::rate`].
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    fn rated(&mut self, index: usize, home: Option<usize>, entrants: &[Entrant]) -> Result<(), RatingError> {
        let mut rest = entrants;
        let mut side = |of: Lineup<'_>| {
            let (own, others) = rest.split_at(of.players.len().min(rest.len()));
            rest = others;
            Side { place: of.place, score: of.score, players: own }
        };
        let mut sides = self.history.sides(index);
        let learnt = Some(&self.learnt);
        let (scratch, changes) = (&mut self.scratch, &mut self.changes);
        if let (2, Some(a), Some(b)) = (sides.len(), sides.next(), sides.next()) {
            let sides = [side(a), side(b)];
            return self.system.update_any_size_into(&Game { sides: &sides, home, learnt }, scratch, changes);
        }
        let sides: Vec<Side<'_>> = self.history.sides(index).map(side).collect();
        self.system.update_any_size_into(&Game { sides: &sides, home, learnt }, scratch, changes)
    }
}
