use super::fixture::{Duel, Fixture, Lone};
use super::seat::{Counted, Estimate, Mean, Row, Seats, Timed};
use crate::model::{self, Model};
use crate::true_skill::{Margin, TrueSkill};
use crate::{
    Change, EloSettings, Entrant, Game, Glicko2Settings, GlickoSettings, KalmanSettings, Rating, RatingError,
    Scratch, Side, System, TrueSkillSettings, WengLinSettings,
};
use gsm_core::{Probability, Timestamp};

/// How many matches ahead players are fetched.
const BLOCK: usize = 16;

/// The systems that are a [`Model`], each with its players in the smallest rows that will do for its settings.
#[derive(Clone, Debug)]
enum Rated {
    Elo(EloSettings, Seats<Mean>),
    EloOfNewcomers(EloSettings, Seats<Counted>),
    Glicko(GlickoSettings, Seats<Timed>),
    Glicko2(Glicko2Settings, Seats<Timed>),
    WengLin(WengLinSettings, Seats<Estimate>),
    WengLinInTime(WengLinSettings, Seats<Timed>),
    TrueSkill(TrueSkillSettings, Margin, Seats<Estimate>),
    TrueSkillInTime(TrueSkillSettings, Margin, Seats<Timed>),
}

impl Rated {
    fn new(system: &System, players: usize) -> Result<Self, &KalmanSettings> {
        let newcomer = system.initial();
        Ok(match system {
            System::Elo(settings) if settings.provisional_games == 0 => {
                Self::Elo(settings.clone(), Seats::new(newcomer, players))
            }
            System::Elo(settings) => Self::EloOfNewcomers(settings.clone(), Seats::new(newcomer, players)),
            System::Glicko(settings) => Self::Glicko(settings.clone(), Seats::new(newcomer, players)),
            System::Glicko2(settings) => Self::Glicko2(settings.clone(), Seats::new(newcomer, players)),
            System::WengLin(settings) if settings.growth_per_day > 0.0 => {
                Self::WengLinInTime(settings.clone(), Seats::new(newcomer, players))
            }
            System::WengLin(settings) => Self::WengLin(settings.clone(), Seats::new(newcomer, players)),
            System::TrueSkill(settings) => {
                let TrueSkill { margin, .. } = TrueSkill::new(settings);
                if settings.growth_per_day > 0.0 {
                    Self::TrueSkillInTime(settings.clone(), margin, Seats::new(newcomer, players))
                } else {
                    Self::TrueSkill(settings.clone(), margin, Seats::new(newcomer, players))
                }
            }
            System::Kalman(settings) => return Err(settings),
        })
    }
}

/// Does something with the [`Model`] and the seats.
macro_rules! with {
    ($rated:expr, ($model:ident, $seats:ident) => $done:expr) => {
        match $rated {
            Rated::Elo($model, $seats) => $done,
            Rated::EloOfNewcomers($model, $seats) => $done,
            Rated::Glicko($model, $seats) => $done,
            Rated::Glicko2($model, $seats) => $done,
            Rated::WengLin($model, $seats) => $done,
            Rated::WengLinInTime($model, $seats) => $done,
            Rated::TrueSkill(settings, margin, $seats) => {
                let $model = &TrueSkill { settings, margin: *margin };
                $done
            }
            Rated::TrueSkillInTime(settings, margin, $seats) => {
                let $model = &TrueSkill { settings, margin: *margin };
                $done
            }
        }
    };
}

/// All players of one mode while a history is rated.
#[derive(Clone, Debug)]
pub struct Ladder {
    rated: Rated,
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
    ///
    /// # Errors
    /// [`System::Kalman`], with its settings: it learns more of a history than its ratings, see
    /// [`crate::evaluation::Contender`].
    pub fn new(system: &System, players: usize) -> Result<Self, &KalmanSettings> {
        Ok(Self { rated: Rated::new(system, players)?, desk: Desk::default() })
    }

    /// A player's rating as the last match left it; `None` for a number that has no seat.
    #[must_use]
    pub fn rating(&self, player: u32) -> Option<Rating> {
        with!(&self.rated, (_model, seats) => seats.rating(player))
    }

    /// The expected score of one side of the match against another, from the ratings as they stand, grown to the
    /// time of the match: [`System::expected_pair`]. O(players of the two).
    ///
    /// # Errors
    /// A side that the match does not have, or a player without seat.
    pub fn predict(
        &self,
        fixture: &Fixture<'_>,
        one: usize,
        other: usize,
    ) -> Result<Probability, RatingError> {
        with!(&self.rated, (model, seats) => {
            let pairing = Pairing::of(seats, fixture, one, other)?;
            Ok(Probability::saturating(pairing.predicted(model)))
        })
    }

    /// The chance that the first two sides of the match draw, from the ratings as [`Ladder::predict`] sees them; `None` for
    /// systems that have no draws of their own, where a draw is half a win. O(players of the two).
    ///
    /// # Errors
    /// A player without seat.
    pub fn predict_draw(&self, fixture: &Fixture<'_>) -> Result<Option<Probability>, RatingError> {
        let drawn = with!(&self.rated, (model, seats) => Pairing::of(seats, fixture, 0, 1)?.drawn(model));
        Ok(drawn.map(Probability::saturating))
    }

    /// Rates a match: [`System::update`] with the ratings as they stand, grown to the time of the match. The answer
    /// holds a change a player, in the order of the match.
    ///
    /// # Errors
    /// A player without seat; nothing has changed.
    pub fn apply(&mut self, fixture: &Fixture<'_>) -> Result<&[Change], RatingError> {
        let Self { rated, desk } = self;
        with!(rated, (model, seats) => rate(model, seats, desk, fixture)?);
        Ok(&self.desk.changes)
    }

    /// [`Ladder::apply`], for who does not ask what changed.
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn settle(&mut self, fixture: &Fixture<'_>) -> Result<(), RatingError> {
        // By numbers that fit the registers, if it is of two players.
        if let Some(Lone { players: [one, other], score, at, home }) = fixture.lone()
            && self.meet(one, other, score, at, home)
        {
            return Ok(());
        }
        self.settle_any(fixture)
    }

    /// [`meet`].
    #[inline(never)]
    fn meet(&mut self, one: u32, other: u32, score: f64, at: Timestamp, home: Option<usize>) -> bool {
        let lone = Lone { players: [one, other], score, at, home };
        with!(&mut self.rated, (model, seats) => meet(model, seats, lone))
    }

    #[inline(never)]
    fn settle_any(&mut self, fixture: &Fixture<'_>) -> Result<(), RatingError> {
        let Self { rated, desk } = self;
        with!(rated, (model, seats) => settle(model, seats, desk, fixture))
    }

    /// Rates matches in their order: [`Ladder::settle`] one after another, but the players of the matches to come are
    /// fetched from memory meanwhile. Returns how many matches there were.
    ///
    /// # Errors
    /// That of the first match that cannot be rated, with its index; the matches before it count.
    pub fn settle_all<'a>(
        &mut self,
        fixtures: impl IntoIterator<Item = Result<Fixture<'a>, RatingError>>,
    ) -> Result<usize, (usize, RatingError)> {
        let mut failed = None;
        let sound = |fixture: Result<_, _>| fixture.map_err(|error| failed = Some(error)).ok();
        let mut fixtures = fixtures.into_iter().map_while(sound).fuse();
        let (mut now, mut next) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
        now.extend(fixtures.by_ref().take(BLOCK));
        let mut done = 0;
        while !now.is_empty() {
            next.extend(fixtures.by_ref().take(BLOCK));
            self.settle_block(&now, &next).map_err(|(at, error)| (done + at, error))?;
            done += now.len();
            now.clear();
            std::mem::swap(&mut now, &mut next);
        }
        drop(fixtures);
        failed.map_or(Ok(done), |error| Err((done, error)))
    }

    /// The matches of `now`, while the players of `next` are fetched.
    fn settle_block(
        &mut self,
        now: &[Fixture<'_>],
        next: &[Fixture<'_>],
    ) -> Result<(), (usize, RatingError)> {
        let Self { rated, desk } = self;
        with!(rated, (model, seats) => settle_block(model, seats, desk, now, next))
    }
}

/// Two sides of a match, all of whose players have seats.
struct Pairing<'a, R> {
    seats: &'a Seats<R>,
    at: Timestamp,
    one: &'a [u32],
    other: &'a [u32],
    /// Which of the two has the advantage.
    home: Option<usize>,
}

impl<'a, R: Row> Pairing<'a, R> {
    fn of(seats: &'a Seats<R>, fixture: &Fixture<'a>, one: usize, other: usize) -> Result<Self, RatingError> {
        let side = |nth: usize| {
            let players = fixture
                .side(nth)
                .ok_or_else(|| RatingError::NoSuchSide { home: nth, sides: fixture.sides().count() })?;
            seats.check(players).map(|()| players)
        };
        let home = [one, other].iter().position(|side| Some(*side) == fixture.home());
        Ok(Self { seats, at: fixture.at(), one: side(one)?, other: side(other)?, home })
    }

    fn teams<M: Model>(&self, model: &M) -> (M::Team, M::Team) {
        let team =
            |players, nth| model::team(model, self.seats.entrants(model, players, self.at), self.home, nth);
        (team(self.one, 0), team(self.other, 1))
    }

    fn predicted<M: Model>(&self, model: &M) -> f64 {
        let (one, other) = self.teams(model);
        model.predicted(&one, &other)
    }

    fn drawn<M: Model>(&self, model: &M) -> Option<f64> {
        let (one, other) = self.teams(model);
        model.drawn(&model.pair(&one, &other))
    }
}

fn settle_block<M: Model, R: Row>(
    model: &M,
    seats: &mut Seats<R>,
    desk: &mut Desk,
    now: &[Fixture<'_>],
    next: &[Fixture<'_>],
) -> Result<(), (usize, RatingError)> {
    let mut next = next.iter();
    for (at, fixture) in now.iter().enumerate() {
        if let Some(next) = next.next() {
            seats.prefetch(next.players());
        }
        let settled = match fixture.lone() {
            Some(lone) if meet(model, seats, lone) => Ok(()),
            _ => settle(model, seats, desk, fixture),
        };
        settled.map_err(|error| (at, error))?;
    }
    Ok(())
}

/// Rates any match and leaves its changes on the desk.
fn rate<M: Model, R: Row>(
    model: &M,
    seats: &mut Seats<R>,
    desk: &mut Desk,
    fixture: &Fixture<'_>,
) -> Result<(), RatingError> {
    let Desk { entrants, sides, scratch, changes } = desk;
    if let Some(Duel { at, players: [one, other], score, home, .. }) = fixture.duel()
        && let (Some(a), Some(b)) = (seats.entrant(model, *one, at), seats.entrant(model, *other, at))
    {
        let both = model::alone(model, [&a, &b], home, score);
        seats.store(*one, both[0].after, at);
        seats.store(*other, both[1].after, at);
        changes.clear();
        changes.extend(both);
        return Ok(());
    }
    seats.check(fixture.players())?;
    entrants.clear();
    entrants.extend(seats.entrants(model, fixture.players(), fixture.at()));
    let mut lent = lent(std::mem::take(sides));
    let mut rest = entrants.as_slice();
    for (place, players) in fixture.sides() {
        let (own, others) = rest.split_at_checked(players).unwrap_or((rest, &[]));
        lent.push(Side::new(place, own));
        rest = others;
    }
    changes.clear();
    model::rate(model, &Game { sides: &lent, home: fixture.home(), learnt: None }, scratch, changes);
    *sides = self::lent(lent);
    for (player, change) in fixture.players().iter().zip(changes.iter()) {
        seats.store(*player, change.after, fixture.at());
    }
    Ok(())
}

/// [`rate`], for who does not ask for the changes.
fn settle<M: Model, R: Row>(
    model: &M,
    seats: &mut Seats<R>,
    desk: &mut Desk,
    fixture: &Fixture<'_>,
) -> Result<(), RatingError> {
    let Some(Duel { at, players, split, score, home }) = fixture.duel() else {
        return rate(model, seats, desk, fixture);
    };
    seats.check(players)?;
    seats.prefetch(players);
    let (one, other) = players.split_at_checked(split).unwrap_or_default();
    let pair = model::pair(model, seats.entrants(model, one, at), seats.entrants(model, other, at), home);
    let lessons = model.lessons(&pair, score);
    // Seats are read a second time rather than kept: they are near by now.
    for (side, lesson) in [(one, lessons.0), (other, lessons.1)] {
        for player in side {
            if let Some(entrant) = seats.entrant(model, *player, at) {
                seats.store(*player, model.applied(&entrant, &lesson), at);
            }
        }
    }
    Ok(())
}

/// [`settle`] of a match of two players, seat to seat; whether both have one.
#[inline(always)]
fn meet<M: Model, R: Row>(model: &M, seats: &mut Seats<R>, lone: Lone) -> bool {
    let Lone { players: [one, other], score, at, home } = lone;
    let (Some(a), Some(b)) = (seats.entrant(model, one, at), seats.entrant(model, other, at)) else {
        return false;
    };
    let pair = model::pair(model, std::iter::once(a), std::iter::once(b), home);
    let lessons = model.lessons(&pair, score);
    seats.store(one, model.applied(&a, &lessons.0), at);
    seats.store(other, model.applied(&b, &lessons.1), at);
    true
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
