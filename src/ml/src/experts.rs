//! Rating systems that run side by side, each with its own idea of how skill moves and what a result says.
use crate::MlError;
use crate::person::Person;
use crate::record::Seen;
use crate::variants::Variants;
use gsm_core::{Timestamp, prefetch};
use gsm_rating::kalman::Margin;
use gsm_rating::{
    Change, EloSettings, Entrant, Game, GlickoSettings, KalmanSettings, Lead, Learnt, Offset, Rating,
    RatingError, Scratch, Side, System,
};
use serde::{Deserialize, Serialize};

/// How many there are.
pub(crate) const EXPERTS: usize = 5;
/// The first so many know variants.
pub(crate) const WITH_OFFSETS: usize = 2;

/// The base comes first: the others are told by how they differ from it.
fn systems() -> [System; EXPERTS] {
    let base = KalmanSettings { deviation: 200.0, ..KalmanSettings::default() };
    let fast = KalmanSettings {
        deviation: 250.0,
        growth_per_day: 6.0,
        growth_per_match: 14.0,
        ..KalmanSettings::default()
    };
    let win_loss =
        KalmanSettings { margin: Margin::Ignored, variant_deviation: 0.0, ..KalmanSettings::default() };
    [
        System::Kalman(base),
        System::Kalman(fast),
        System::Kalman(win_loss),
        System::Glicko(GlickoSettings { deviation_min: 45.0, ..GlickoSettings::default() }),
        System::Elo(EloSettings { provisional_k: 60.0, provisional_games: 20, ..EloSettings::default() }),
    ]
}

/// The experts, and how they rate every player.
#[derive(Clone, Debug)]
pub(crate) struct Experts {
    systems: [System; EXPERTS],
    learnt: [Option<Learnt>; EXPERTS],
    /// What newcomers lack is not in the means: it is learnt anew by every match.
    newcomer: [Rating; EXPERTS],
    offset: [Offset; WITH_OFFSETS],
    seats: Vec<[Rating; EXPERTS]>,
    scratch: Scratch,
    changes: Vec<Change>,
    entrants: Vec<Entrant>,
}

/// The sides of a match as the experts see them before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rated {
    ratings: [Vec<Rating>; EXPERTS],
    /// Where the players of each side begin; one more than sides.
    starts: Vec<usize>,
}

impl Rated {
    /// Of sides of these sizes, whose players follow.
    fn begin(&mut self, sizes: impl Iterator<Item = usize>) {
        self.ratings.iter_mut().for_each(Vec::clear);
        self.starts.clear();
        self.starts.push(0);
        for size in sizes {
            self.starts.push(self.starts.last().copied().unwrap_or_default() + size);
        }
    }

    fn side(&self, expert: usize, side: usize) -> &[Rating] {
        let (from, to) = (self.starts.get(side).copied(), self.starts.get(side + 1).copied());
        let ratings = self.ratings.get(expert).map(Vec::as_slice).unwrap_or_default();
        ratings.get(from.unwrap_or_default()..to.unwrap_or_default()).unwrap_or_default()
    }
}

/// What experts have learnt, and how they rate every player: all that is not settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ratings {
    learnt: [Option<Learnt>; EXPERTS],
    seats: Vec<[Rating; EXPERTS]>,
}

impl Ratings {
    pub(crate) fn players(&self) -> usize {
        self.seats.len()
    }

    /// Whether they are of our systems, and finite.
    fn makes_sense(&self) -> bool {
        let learnt = systems().iter().zip(&self.learnt).all(|(system, learnt)| {
            system.learns() == learnt.is_some() && learnt.as_ref().is_none_or(Learnt::makes_sense)
        });
        let sound = |rating: &Rating| rating.is_finite() && rating.deviation >= 0.0;
        learnt && self.seats.iter().flatten().all(sound)
    }
}

/// When and where a match is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) at: Timestamp,
    pub(crate) variant: Option<u16>,
    pub(crate) home: Option<usize>,
}

/// One side of a match that is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished<'a> {
    pub(crate) place: u32,
    pub(crate) score: Option<f64>,
    pub(crate) players: &'a [u32],
}

impl Experts {
    pub(crate) fn new() -> Self {
        let systems = systems();
        let learnt = systems.each_ref().map(System::nothing_learnt);
        let mut newcomer = systems.each_ref().map(System::initial);
        for (rating, learnt) in newcomer.iter_mut().zip(&learnt) {
            *rating = learnt.map_or(*rating, |learnt| learnt.unplaced(*rating));
        }
        let mut offset = [Offset::default(); WITH_OFFSETS];
        for (offset, system) in offset.iter_mut().zip(&systems) {
            *offset = system.initial_offset().unwrap_or_default();
        }
        Self {
            systems,
            learnt,
            newcomer,
            offset,
            seats: Vec::new(),
            scratch: Scratch::new(),
            changes: Vec::new(),
            entrants: Vec::new(),
        }
    }

    #[cfg(test)]
    pub(crate) fn spoil(&mut self) {
        self.seats[1][4].mean = f64::NAN;
    }

    pub(crate) fn ratings(&self) -> Ratings {
        Ratings { learnt: self.learnt, seats: self.seats.clone() }
    }

    /// Experts that know this; none where it makes no sense.
    pub(crate) fn with(ratings: Ratings) -> Option<Self> {
        ratings.makes_sense().then(|| Self { learnt: ratings.learnt, seats: ratings.seats, ..Self::new() })
    }

    /// Makes room for players below this number.
    pub(crate) fn seat(&mut self, players: usize) {
        if self.seats.len() < players {
            self.seats.resize(players, self.newcomer);
        }
    }

    /// Brings what is known of a player nearer.
    pub(crate) fn prefetch(&self, player: u32) {
        self.seats.get(player as usize).into_iter().for_each(prefetch);
    }

    /// How strong the base takes a player to be, in natural units from a newcomer's prior.
    pub(crate) fn level(&self, player: u32) -> f64 {
        let seat = self.seats.get(player as usize).unwrap_or(&self.newcomer);
        let placed = self.learnt[0].as_ref().map_or(seat[0], |learnt| learnt.placed(seat[0]));
        (placed.mean - MEAN) / POINTS
    }

    /// A player's rating by each expert, as of the last match.
    pub(crate) fn of(&self, player: u32) -> [Rating; EXPERTS] {
        *self.seats.get(player as usize).unwrap_or(&self.newcomer)
    }

    /// A player's rating by one expert at a time, in general.
    fn general(&self, expert: usize, player: u32, seen: Seen, at: Timestamp) -> Option<Rating> {
        let seat = self.seats.get(player as usize).unwrap_or(&self.newcomer);
        let rating = self.systems.get(expert)?.at(*seat.get(expert)?, seen.rated_at, at);
        Some(self.learnt.get(expert)?.as_ref().map_or(rating, |learnt| learnt.placed(rating)))
    }

    fn offset(&self, expert: usize, player: u32, setting: Setting, variants: &Variants) -> Option<Offset> {
        let new = *self.offset.get(expert)?;
        Some(variants.offset(player, setting.variant?, expert).unwrap_or(new))
    }

    /// Fills `rated` with the sides of a match.
    pub(crate) fn see<'a>(
        &self,
        sides: impl Iterator<Item = &'a [u32]> + Clone,
        seen: &[Seen],
        setting: Setting,
        variants: &Variants,
        rated: &mut Rated,
    ) {
        rated.begin(sides.clone().map(<[u32]>::len));
        for (expert, ratings) in rated.ratings.iter_mut().enumerate() {
            let players = sides.clone().flatten().zip(seen);
            ratings.extend(
                players.filter_map(|(player, seen)| self.rating(expert, *player, *seen, setting, variants)),
            );
        }
    }

    /// A player's rating by one expert, the offset of the variant included.
    fn rating(
        &self,
        expert: usize,
        player: u32,
        seen: Seen,
        setting: Setting,
        variants: &Variants,
    ) -> Option<Rating> {
        let rating = self.general(expert, player, seen, setting.at)?;
        let offset = self.offset(expert, player, setting, variants);
        Some(offset.map_or(rating, |offset| offset.applied(rating)))
    }

    /// The same as [`Experts::see`] of sides with guests among them; of each player it is told when he was last seen.
    pub(crate) fn see_people(
        &self,
        sides: [&[Person]; 2],
        seen: impl Fn(u32) -> Seen,
        setting: Setting,
        variants: &Variants,
        rated: &mut Rated,
    ) {
        rated.begin(sides.into_iter().map(<[Person]>::len));
        for (expert, ratings) in rated.ratings.iter_mut().enumerate() {
            let newcomer = self.newcomer.get(expert).copied();
            ratings.extend(sides.into_iter().flatten().filter_map(|person| match person {
                Person::Known(player) => self.rating(expert, *player, seen(*player), setting, variants),
                Person::Guest(guest) => newcomer.map(|newcomer| guest.rating(newcomer)),
            }));
        }
    }

    /// Every expert's lead of one side over another.
    pub(crate) fn leads(
        &self,
        rated: &Rated,
        one: usize,
        other: usize,
        home: Option<usize>,
    ) -> [Lead; EXPERTS] {
        let mut leads = [Lead::default(); EXPERTS];
        for (expert, (lead, (system, learnt))) in
            leads.iter_mut().zip(self.systems.iter().zip(&self.learnt)).enumerate()
        {
            *lead = system.lead(learnt.as_ref(), rated.side(expert, one), rated.side(expert, other), home);
        }
        leads
    }

    /// Rates a match with every expert; all players have seats.
    pub(crate) fn rate(
        &mut self,
        sides: &[Finished<'_>],
        seen: &[Seen],
        setting: Setting,
        variants: &mut Variants,
    ) -> Result<(), MlError> {
        (0..EXPERTS).try_for_each(|expert| self.rate_by(expert, sides, seen, setting, variants))
    }

    fn rate_by(
        &mut self,
        expert: usize,
        sides: &[Finished<'_>],
        seen: &[Seen],
        setting: Setting,
        variants: &mut Variants,
    ) -> Result<(), MlError> {
        let mut entrants = std::mem::take(&mut self.entrants);
        entrants.clear();
        let players = || sides.iter().flat_map(|side| side.players).copied();
        for (player, seen) in players().zip(seen) {
            let Some(rating) = self.general(expert, player, *seen, setting.at) else { continue };
            let offset = self.offset(expert, player, setting, variants);
            entrants.push(Entrant { games: seen.games, offset, ..Entrant::new(rating) });
        }
        let before = self.learnt.get(expert).copied().flatten();
        let done = self.updated(expert, sides, &entrants, before.as_ref(), setting.home);
        self.entrants = entrants;
        done?;
        if let (Some(system), Some(Some(learnt))) = (self.systems.get(expert), self.learnt.get_mut(expert)) {
            system.learn(learnt, &self.scratch);
        }
        for (player, change) in players().zip(&self.changes) {
            let after = before.as_ref().map_or(change.after, |learnt| learnt.unplaced(change.after));
            if let Some(rating) = self.seats.get_mut(player as usize).and_then(|seat| seat.get_mut(expert)) {
                *rating = after;
            }
            if let (Some(offset), Some(variant)) = (change.offset, setting.variant) {
                variants.moved(player, variant, expert, offset, self.offset);
            }
        }
        Ok(())
    }

    fn updated(
        &mut self,
        expert: usize,
        sides: &[Finished<'_>],
        entrants: &[Entrant],
        learnt: Option<&Learnt>,
        home: Option<usize>,
    ) -> Result<(), RatingError> {
        let Some(system) = self.systems.get(expert) else { return Ok(()) };
        let mut rest = entrants;
        let mut side = |of: &Finished<'_>| {
            let (own, others) = rest.split_at(of.players.len().min(rest.len()));
            rest = others;
            Side { place: of.place, score: of.score, players: own }
        };
        let (scratch, changes) = (&mut self.scratch, &mut self.changes);
        if let [one, other] = sides {
            let sides = [side(one), side(other)];
            return system.update_any_size_into(&Game { sides: &sides, home, learnt }, scratch, changes);
        }
        let sides: Vec<Side<'_>> = sides.iter().map(side).collect();
        system.update_any_size_into(&Game { sides: &sides, home, learnt }, scratch, changes)
    }
}

/// A newcomer's mean before anything is learnt, and points per natural unit: those of the Kalman system.
const MEAN: f64 = 1500.0;
const POINTS: f64 = 400.0 / std::f64::consts::LN_10;
