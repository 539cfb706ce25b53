use super::fixture::{Duel, Fixture};
use super::seat::Seats;
use crate::model::{self, Model};
use crate::true_skill::TrueSkill;
use crate::{
    Change, EloSettings, Entrant, Game, Glicko2Settings, GlickoSettings, KalmanSettings, RatedState,
    RatingError, Scratch, Side, System, TrueSkillSettings, WengLinSettings,
};
use gsm_core::{Probability, Timestamp};

/// How many matches ahead players are fetched.
const BLOCK: usize = 16;

/// The systems that are a [`Model`].
#[derive(Clone, Debug)]
enum Rules {
    Elo(EloSettings),
    Glicko(GlickoSettings),
    Glicko2(Glicko2Settings),
    WengLin(WengLinSettings),
    TrueSkill(TrueSkillSettings),
}

impl Rules {
    fn of(system: &System) -> Result<Self, &KalmanSettings> {
        Ok(match system {
            System::Elo(settings) => Self::Elo(settings.clone()),
            System::Glicko(settings) => Self::Glicko(settings.clone()),
            System::Glicko2(settings) => Self::Glicko2(settings.clone()),
            System::WengLin(settings) => Self::WengLin(settings.clone()),
            System::TrueSkill(settings) => Self::TrueSkill(settings.clone()),
            System::Kalman(settings) => return Err(settings),
        })
    }
}

/// Does something with the [`Model`].
macro_rules! with_model {
    ($rules:expr, $desk:expr, $model:ident => $done:expr) => {
        match $rules {
            Rules::Elo($model) => $done,
            Rules::Glicko($model) => $done,
            Rules::Glicko2($model) => $done,
            Rules::WengLin($model) => $done,
            Rules::TrueSkill(settings) => {
                let $model = &TrueSkill { settings, margin: $desk.scratch.margin(settings) };
                $done
            }
        }
    };
}

/// All players of one mode while a history is rated.
#[derive(Clone, Debug)]
pub struct Ladder {
    rules: Rules,
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
    ///
    /// # Errors
    /// [`System::Kalman`], with its settings: it learns more of a history than its ratings, see
    /// [`crate::evaluation::Contender`].
    pub fn new(system: &System, players: usize) -> Result<Self, &KalmanSettings> {
        let rules = Rules::of(system)?;
        Ok(Self { rules, seats: Seats::new(system, players), desk: Desk::default() })
    }

    /// A player as the last match left it; `None` for a number that has no seat.
    #[must_use]
    pub fn state(&self, player: u32) -> Option<RatedState> {
        self.seats.state(player)
    }

    /// The expected score of one side of the match against another, from the ratings as they stand, grown to the
    /// time of the match: [`System::expected_pair`]. O(players of the two).
    ///
    /// # Errors
    /// A side that the match does not have, or a player without seat.
    pub fn predict(
        &mut self,
        fixture: &Fixture<'_>,
        one: usize,
        other: usize,
    ) -> Result<Probability, RatingError> {
        let Self { rules, seats, desk } = self;
        let pairing = Pairing::of(seats, fixture, one, other)?;
        Ok(with_model!(rules, desk, model => Probability::saturating(pairing.predicted(model))))
    }

    /// The chance that the first two sides of the match draw: [`System::draw_pair`]. O(players of the two).
    ///
    /// # Errors
    /// A player without seat.
    pub fn predict_draw(&mut self, fixture: &Fixture<'_>) -> Result<Option<Probability>, RatingError> {
        let Self { rules, seats, desk } = self;
        let pairing = Pairing::of(seats, fixture, 0, 1)?;
        let drawn = match rules {
            Rules::WengLin(settings) => pairing.pair(settings).drawn(),
            Rules::TrueSkill(settings) => {
                let margin = desk.scratch.margin(settings);
                Some(pairing.pair(&TrueSkill { settings, margin }).drawn())
            }
            Rules::Elo(_) | Rules::Glicko(_) | Rules::Glicko2(_) => None,
        };
        Ok(drawn.map(Probability::saturating))
    }

    /// Rates a match: [`System::update`] with the ratings as they stand, grown to the time of the match. The answer
    /// holds a change a player, in the order of the match.
    ///
    /// # Errors
    /// A player without seat; nothing has changed.
    pub fn apply(&mut self, fixture: &Fixture<'_>) -> Result<&[Change], RatingError> {
        let Self { rules, seats, desk } = self;
        with_model!(rules, desk, model => rate(model, seats, desk, fixture)?);
        Ok(&self.desk.changes)
    }

    /// [`Ladder::apply`], for who does not ask what changed.
    ///
    /// # Errors
    /// As there.
    pub fn settle(&mut self, fixture: &Fixture<'_>) -> Result<(), RatingError> {
        let Self { rules, seats, desk } = self;
        with_model!(rules, desk, model => settle(model, seats, desk, fixture))
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
        let Self { rules, seats, desk } = self;
        with_model!(rules, desk, model => settle_block(model, seats, desk, now, next))
    }
}

/// Two sides of a match, all of whose players have seats.
struct Pairing<'a> {
    seats: &'a Seats,
    at: Timestamp,
    one: &'a [u32],
    other: &'a [u32],
    /// Which of the two has the advantage.
    home: Option<usize>,
}

impl<'a> Pairing<'a> {
    fn of(seats: &'a Seats, fixture: &Fixture<'a>, one: usize, other: usize) -> Result<Self, RatingError> {
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

    fn pair<M: Model>(&self, model: &M) -> M::Pair {
        let (one, other) = self.teams(model);
        model.pair(&one, &other)
    }
}

fn settle_block<M: Model>(
    model: &M,
    seats: &mut Seats,
    desk: &mut Desk,
    now: &[Fixture<'_>],
    next: &[Fixture<'_>],
) -> Result<(), (usize, RatingError)> {
    let mut next = next.iter();
    for (at, fixture) in now.iter().enumerate() {
        if let Some(next) = next.next() {
            seats.prefetch::<M>(next.players());
        }
        settle(model, seats, desk, fixture).map_err(|error| (at, error))?;
    }
    Ok(())
}

/// Rates any match and leaves its changes on the desk.
fn rate<M: Model>(
    model: &M,
    seats: &mut Seats,
    desk: &mut Desk,
    fixture: &Fixture<'_>,
) -> Result<(), RatingError> {
    let Desk { entrants, sides, scratch, changes } = desk;
    if let Some(Duel { at, players: [one, other], score, home, .. }) = fixture.duel()
        && let (Some(a), Some(b)) = (seats.entrant(model, *one, at), seats.entrant(model, *other, at))
    {
        let both = model::alone(model, [&a, &b], home, score);
        seats.store::<M>(*one, both[0].after, at);
        seats.store::<M>(*other, both[1].after, at);
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
        seats.store::<M>(*player, change.after, fixture.at());
    }
    Ok(())
}

/// [`rate`], for who does not ask for the changes.
#[inline]
fn settle<M: Model>(
    model: &M,
    seats: &mut Seats,
    desk: &mut Desk,
    fixture: &Fixture<'_>,
) -> Result<(), RatingError> {
    match fixture.duel() {
        Some(duel) => meet(model, seats, &duel),
        None => rate(model, seats, desk, fixture),
    }
}

/// A match of two sides, as [`model::rate`] has it, but seat to seat, for when nobody asks for the changes.
#[inline]
fn meet<M: Model>(model: &M, seats: &mut Seats, duel: &Duel<'_>) -> Result<(), RatingError> {
    let Duel { at, players, split, score, home } = *duel;
    if let [one, other] = *players {
        let (Some(a), Some(b)) = (seats.entrant(model, one, at), seats.entrant(model, other, at)) else {
            return seats.check(players);
        };
        let pair = model::pair(model, std::iter::once(a), std::iter::once(b), home);
        let lessons = model.lessons(&pair, score);
        seats.store::<M>(one, model.applied(&a, &lessons.0), at);
        seats.store::<M>(other, model.applied(&b, &lessons.1), at);
        return Ok(());
    }
    seats.check(players)?;
    seats.prefetch::<M>(players);
    let (one, other) = players.split_at_checked(split).unwrap_or_default();
    let pair = model::pair(model, seats.entrants(model, one, at), seats.entrants(model, other, at), home);
    let lessons = model.lessons(&pair, score);
    // Seats are read a second time rather than kept: they are near by now.
    for (side, lesson) in [(one, lessons.0), (other, lessons.1)] {
        for player in side {
            if let Some(entrant) = seats.entrant(model, *player, at) {
                seats.store::<M>(*player, model.applied(&entrant, &lesson), at);
            }
        }
    }
    Ok(())
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
