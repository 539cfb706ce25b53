use super::fixture::{Duel, Fixture};
use super::seat::Seats;
use crate::model::{Model, advantage};
use crate::true_skill::TrueSkill;
use crate::{Change, Entrant, Game, RatedState, Rating, RatingError, Scratch, Side, System};
use gsm_core::{Probability, Timestamp};

/// How many matches ahead players are fetched.
const AHEAD: usize = 16;

/// All players of one mode while a history is rated.
#[derive(Clone, Debug)]
pub struct Ladder {
    system: System,
    seats: Seats,
    desk: Desk,
}

/// Memory to work in; nothing is carried from match to match.
#[derive(Clone, Debug, Default)]
struct Desk {
    entrants: Vec<Entrant>,
    sides: Vec<Side<'static>>,
    scratch: Scratch,
    changes: Vec<Change>,
}

impl Ladder {
    /// Newcomers with the numbers from 0 up to `players`.
    #[must_use]
    pub fn new(system: System, players: usize) -> Self {
        Self { seats: Seats::new(&system, players), system, desk: Desk::default() }
    }

    /// A player as the last match left it; `None` for a number that has no seat.
    #[must_use]
    pub fn state(&self, player: u32) -> Option<RatedState> {
        self.seats.state(player)
    }

    /// The expected score of one side of the match against another, from the ratings as they stand, grown to the
    /// time of the match: [`System::expected_pair`].
    ///
    /// # Errors
    /// A side that the match does not have, or a player without seat.
    pub fn predict(
        &self,
        fixture: &Fixture<'_>,
        one: usize,
        other: usize,
    ) -> Result<Probability, RatingError> {
        let ratings = |side: usize| -> Result<Vec<Rating>, RatingError> {
            let sides = fixture.sides().count();
            let players = fixture.side(side).ok_or(RatingError::NoSuchSide { home: side, sides })?;
            players.iter().map(|player| Ok(self.entrant(*player, fixture.at())?.rating)).collect()
        };
        let home = [one, other].iter().position(|side| Some(*side) == fixture.home());
        Ok(self.system.expected_pair(&ratings(one)?, &ratings(other)?, home))
    }

    /// Rates a match: [`System::update`] with the ratings as they stand, grown to the time of the match. The answer
    /// holds a change a player, in the order of the match.
    ///
    /// # Errors
    /// A player without seat; nothing has changed.
    pub fn apply(&mut self, fixture: &Fixture<'_>) -> Result<&[Change], RatingError> {
        let mut entrants = std::mem::take(&mut self.desk.entrants);
        entrants.clear();
        for player in fixture.players() {
            entrants.push(self.entrant(*player, fixture.at())?);
        }
        let Desk { sides, scratch, changes, .. } = &mut self.desk;
        let mut lent = lent(std::mem::take(sides));
        let mut rest = entrants.as_slice();
        for (place, score, players) in fixture.sides() {
            let (own, others) = rest.split_at_checked(players).unwrap_or((rest, &[]));
            lent.push(Side { place, score, players: own });
            rest = others;
        }
        changes.clear();
        self.system.apply_present(&Game { sides: &lent, home: fixture.home() }, scratch, changes);
        *sides = self::lent(lent);
        self.desk.entrants = entrants;
        for (player, change) in fixture.players().iter().zip(&self.desk.changes) {
            self.seats.store(*player, change.after, fixture.at());
        }
        Ok(&self.desk.changes)
    }

    /// Rates matches in their order: [`Ladder::apply`] one after another, but the players of the matches to come are
    /// fetched from memory meanwhile. Returns how many matches there were. The list is read twice, side by side.
    ///
    /// # Errors
    /// That of the first match that cannot be rated, with its index; the matches before it count.
    pub fn apply_all<'a, I>(&mut self, fixtures: I) -> Result<usize, (usize, RatingError)>
    where
        I: IntoIterator<Item = Fixture<'a>, IntoIter: Clone>,
    {
        let fixtures = fixtures.into_iter();
        let mut ahead = fixtures.clone();
        for _ in 0..AHEAD {
            self.fetch(ahead.next());
        }
        let mut done = 0;
        for fixture in fixtures {
            self.fetch(ahead.next());
            match fixture.duel() {
                Some(duel) => self.meet(duel),
                None => self.apply(&fixture).map(|_| ()),
            }
            .map_err(|error| (done, error))?;
            done += 1;
        }
        Ok(done)
    }

    #[inline]
    fn fetch(&self, next: Option<Fixture<'_>>) {
        if let Some(next) = next {
            next.players().iter().for_each(|player| self.seats.prefetch(*player));
        }
    }

    /// [`Ladder::apply`] where nobody asks for the changes.
    fn meet(&mut self, duel: Duel<'_>) -> Result<(), RatingError> {
        let Self { system, seats, desk } = self;
        let Desk { entrants, scratch, .. } = desk;
        match system {
            System::Elo(settings) => meet(settings, seats, entrants, duel),
            System::Glicko(settings) => meet(settings, seats, entrants, duel),
            System::Glicko2(settings) => meet(settings, seats, entrants, duel),
            System::WengLin(settings) => meet(settings, seats, entrants, duel),
            System::TrueSkill(settings) => {
                let margin = scratch.margin(settings);
                meet(&TrueSkill { settings, margin }, seats, entrants, duel)
            }
        }
    }

    fn entrant(&self, player: u32, at: Timestamp) -> Result<Entrant, RatingError> {
        let Some(state) = self.seats.state(player) else { return Err(self.seats.none(player)) };
        let rating = self.system.at(state.rating, state.rated_at, at);
        Ok(Entrant { games: state.games, ..Entrant::new(rating) })
    }
}

/// A match of two sides, as [`crate::model::rate`] has it, but seat to seat.
fn meet<M: Model>(
    model: &M,
    seats: &mut Seats,
    entrants: &mut Vec<Entrant>,
    duel: Duel<'_>,
) -> Result<(), RatingError> {
    if let ([one], [other]) = (duel.one, duel.other) {
        // In registers.
        let (a, b) = (seats.entrant(model, *one, duel.at)?, seats.entrant(model, *other, duel.at)?);
        let (one_learns, other_learns) = learn(model, &duel, std::iter::once(a), std::iter::once(b));
        seats.store(*one, model.applied(&a, &one_learns), duel.at);
        seats.store(*other, model.applied(&b, &other_learns), duel.at);
        return Ok(());
    }
    entrants.clear();
    for player in duel.one.iter().chain(duel.other) {
        entrants.push(seats.entrant(model, *player, duel.at)?);
    }
    let (a, b) = entrants.split_at_checked(duel.one.len()).unwrap_or_default();
    let (one_learns, other_learns) = learn(model, &duel, a.iter().copied(), b.iter().copied());
    for (players, entrants, lesson) in [(duel.one, a, one_learns), (duel.other, b, other_learns)] {
        for (player, entrant) in players.iter().zip(entrants) {
            seats.store(*player, model.applied(entrant, &lesson), duel.at);
        }
    }
    Ok(())
}

#[inline]
fn learn<M: Model>(
    model: &M,
    duel: &Duel<'_>,
    one: impl Iterator<Item = Entrant>,
    other: impl Iterator<Item = Entrant>,
) -> (M::Lesson, M::Lesson) {
    let one = model.team(one, advantage(model, duel.home, 0));
    let other = model.team(other, advantage(model, duel.home, 1));
    model.lessons(&model.pair(&one, &other), duel.score)
}

/// The same memory for sides of another lifetime: an emptied vector, which the standard library builds in place.
fn lent<'b>(mut sides: Vec<Side<'_>>) -> Vec<Side<'b>> {
    sides.clear();
    sides.into_iter().map_while(|_| None).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_lent_not_made_anew() {
        let sides: Vec<Side<'_>> = Vec::with_capacity(7);
        let address = sides.as_ptr().addr();
        let again = lent(lent(sides));
        assert_eq!((again.as_ptr().addr(), again.capacity()), (address, 7));
    }
}
