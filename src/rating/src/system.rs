use crate::learning::home_sign;
use crate::model::{self, Model};
use crate::true_skill::{Margin, TrueSkill};
use crate::{
    Change, EloSettings, Entrant, Game, Glicko2Settings, GlickoSettings, KalmanSettings, Lead, Rating,
    RatingError, Scratch, SettingsError, Side, TrueSkillSettings, WengLinSettings, kalman, outcome,
};
use gsm_core::{Millis, Probability, Timestamp};
use serde::{Deserialize, Serialize};

/// A rating system with its settings: what callers hold. In configuration `{"system": "glicko2", ...}` with the
/// settings beside the tag, all optional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "system", rename_all = "snake_case")]
#[non_exhaustive]
pub enum System {
    /// Elo, for teams and free-for-all: see [`crate::elo`].
    Elo(EloSettings),
    /// Glicko with a rating period of one match, for teams and free-for-all: see [`crate::glicko`].
    Glicko(GlickoSettings),
    /// Glicko-2 with a rating period of one match, for teams and free-for-all: see [`crate::glicko2`].
    Glicko2(Glicko2Settings),
    /// One of the five models of Weng and Lin: see [`crate::weng_lin`].
    WengLin(WengLinSettings),
    /// TrueSkill: see [`crate::true_skill`].
    TrueSkill(TrueSkillSettings),
    /// The project's own, for teams and free-for-all: see [`crate::kalman`].
    Kalman(KalmanSettings),
}

impl Default for System {
    fn default() -> Self {
        Self::Glicko2(Glicko2Settings::default())
    }
}

impl System {
    /// Its name in configuration, stored histories and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Elo(_) => "elo",
            Self::Glicko(_) => "glicko",
            Self::Glicko2(_) => "glicko2",
            Self::WengLin(_) => "weng_lin",
            Self::TrueSkill(_) => "true_skill",
            Self::Kalman(_) => "kalman",
        }
    }

    /// Refuses settings outside their ranges. The other methods expect settings that passed.
    pub fn validate(&self) -> Result<(), SettingsError> {
        match self {
            Self::Elo(settings) => settings.validate(),
            Self::Glicko(settings) => settings.validate(),
            Self::Glicko2(settings) => settings.validate(),
            Self::WengLin(settings) => settings.validate(),
            Self::TrueSkill(settings) => settings.validate(),
            Self::Kalman(settings) => settings.validate(),
        }
    }

    /// The rating of a player without matches.
    #[must_use]
    pub const fn initial(&self) -> Rating {
        match self {
            Self::Elo(settings) => settings.newcomer(),
            Self::Glicko(settings) => settings.newcomer(),
            Self::Glicko2(settings) => settings.newcomer(),
            Self::WengLin(settings) => settings.newcomer(),
            Self::TrueSkill(settings) => settings.newcomer(),
            Self::Kalman(settings) => settings.initial(),
        }
    }

    /// The rating as it stands at `now`: the deviation has grown since `rated_at`, up to the system's maximum.
    /// The mean stays, and so does the volatility, but where another system left it and it means something else to this one.
    /// No `rated_at`, or one after `now`, is no time passed.
    #[must_use]
    pub fn at(&self, rating: Rating, rated_at: Option<Timestamp>, now: Timestamp) -> Rating {
        let volatility = match self {
            Self::Glicko2(settings) => settings.volatility_of(rating),
            Self::Kalman(_) => -KalmanSettings::prior_of(rating),
            _ => rating.volatility,
        };
        let grown = self.grown(rating, rated_at.map(|then| now.since(then)).unwrap_or_default());
        Rating { volatility, ..grown }
    }

    /// The rating as somebody sets it who knows better: a deviation, where one is given, as near as the system has one. Nothing
    /// of the mean is a newcomer's prior then.
    #[must_use]
    pub fn set(&self, rating: Rating, mean: f64, deviation: Option<f64>) -> Rating {
        let volatility = if self.learns() { 0.0 } else { rating.volatility };
        let set = Rating { mean, deviation: deviation.unwrap_or(rating.deviation), volatility };
        self.grown(set, Millis::ZERO)
    }

    fn grown(&self, rating: Rating, idle: Millis) -> Rating {
        match self {
            Self::Elo(settings) => settings.grown(rating, idle),
            Self::Glicko(settings) => settings.grown(rating, idle),
            Self::Glicko2(settings) => settings.grown(rating, idle),
            Self::WengLin(settings) => settings.grown(rating, idle),
            // The margin has no part in it.
            Self::TrueSkill(settings) => {
                TrueSkill { settings, margin: Margin::default() }.grown(rating, idle)
            }
            Self::Kalman(settings) => settings.grown(rating, idle),
        }
    }

    /// The expected score of side `a` against side `b` (win 1, tie 0.5, loss 0), from ratings grown to now;
    /// uncertainty of either side pulls it to one half. `home` is the side with the advantage of the game: 0 for
    /// `a`, 1 for `b`, anything else for none. An empty side counts as one newcomer. O(players).
    #[must_use]
    pub fn expected_pair(&self, a: &[Rating], b: &[Rating], home: Option<usize>) -> Probability {
        match self {
            Self::Elo(settings) => predicted(settings, a, b, home),
            Self::Glicko(settings) => predicted(settings, a, b, home),
            Self::Glicko2(settings) => predicted(settings, a, b, home),
            Self::WengLin(settings) => predicted(settings, a, b, home),
            Self::TrueSkill(settings) => predicted(&TrueSkill::new(settings), a, b, home),
            Self::Kalman(settings) => {
                kalman::expected_pair(settings, &settings.known(), a, b, home_sign(home))
            }
        }
    }

    /// The share of the match each side is expected to take; the shares sum to 1. Two sides: the expected
    /// scores. More: the sum of the expected scores against every other side, divided by the number of pairs, so
    /// that `n` equals have `1/n` each (a share of the wins, not the chance of coming first). One side: 1.
    /// `home` is the index of the side with the advantage of the game. O(sides² · players of a side).
    #[must_use]
    pub fn expected<S: AsRef<[Rating]>>(&self, sides: &[S], home: Option<usize>) -> Vec<Probability> {
        let n = sides.len();
        if n < 2 {
            return vec![Probability::saturating(1.0); n];
        }
        let mut shares = vec![0.0; n];
        for (i, a) in sides.iter().enumerate() {
            for (j, b) in sides.iter().enumerate().skip(i + 1) {
                let home = [i, j].iter().position(|side| Some(*side) == home);
                let p = self.expected_pair(a.as_ref(), b.as_ref(), home).get();
                for (side, won) in [(i, p), (j, 1.0 - p)] {
                    if let Some(share) = shares.get_mut(side) {
                        *share += won;
                    }
                }
            }
        }
        let pairs = (n * (n - 1) / 2) as f64;
        shares.into_iter().map(|won| Probability::saturating(won / pairs)).collect()
    }

    /// The changes of one match, in the shape of its sides. Ratings are those before the match, grown to its time.
    ///
    /// # Errors
    /// Fewer than 2 sides, an empty side, a rating or score that is not finite, a share outside `0.0..=1.0`, a
    /// home side that is none, or more sides or players than `gsm_core::limits` allows.
    pub fn update(&self, game: &Game<'_>) -> Result<Vec<Vec<Change>>, RatingError> {
        outcome::check_size(game.sides)?;
        self.update_any_size(game)
    }

    /// [`System::update`] without the server's size limits, for histories that came from elsewhere (contests of
    /// hundreds). O(sides² + players).
    ///
    /// # Errors
    /// As [`System::update`], but for the limits.
    pub fn update_any_size(&self, game: &Game<'_>) -> Result<Vec<Vec<Change>>, RatingError> {
        outcome::check_shape(game)?;
        let mut changes = Vec::new();
        self.apply(game, &mut Scratch::new(), &mut changes);
        let mut changes = changes.into_iter();
        Ok(game.sides.iter().map(|side| changes.by_ref().take(side.players.len()).collect()).collect())
    }

    /// [`System::update`] into memory that the caller keeps: `out` is emptied and then holds one change a player,
    /// side by side. Nothing is allocated once `scratch` and `out` have held a match of that size (but for
    /// matches with a side where nobody has a share).
    ///
    /// # Errors
    /// As [`System::update`]; `out` is then empty.
    pub fn update_into(
        &self,
        game: &Game<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<Change>,
    ) -> Result<(), RatingError> {
        out.clear();
        outcome::check_size(game.sides)?;
        outcome::check_shape(game)?;
        self.apply(game, scratch, out);
        Ok(())
    }

    /// [`System::update_into`] without the server's size limits.
    ///
    /// # Errors
    /// As [`System::update_any_size`]; `out` is then empty.
    pub fn update_any_size_into(
        &self,
        game: &Game<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<Change>,
    ) -> Result<(), RatingError> {
        out.clear();
        outcome::check_shape(game)?;
        self.apply(game, scratch, out);
        Ok(())
    }

    /// Rates a match whose shape has been checked.
    fn apply(&self, game: &Game<'_>, scratch: &mut Scratch, out: &mut Vec<Change>) {
        if game.sides.iter().all(outcome::is_present) {
            return self.apply_present(game, scratch, out);
        }
        // Whoever was not there is no opponent: the others are rated without, and teach something only if they are two sides.
        scratch.lesson = None;
        let present: Vec<Side<'_>> = game.sides.iter().copied().filter(outcome::is_present).collect();
        let home = game.home.filter(|home| game.sides.get(*home).is_some_and(outcome::is_present));
        let home =
            home.map(|home| game.sides.iter().take(home).filter(|side| outcome::is_present(side)).count());
        let mut rated = Vec::new();
        if present.len() > 1 {
            self.apply_present(&Game { sides: &present, home, ..*game }, scratch, &mut rated);
        }
        let mut rated = rated.into_iter();
        for side in game.sides {
            let is_rated = present.len() > 1 && outcome::is_present(side);
            out.extend(side.players.iter().map(|player| {
                let change = if is_rated { rated.next() } else { None };
                change.unwrap_or_else(|| Change::of(player, player.rating, 0.5, 0.5))
            }));
        }
    }

    /// [`System::apply`] where every side has somebody with a share.
    pub(crate) fn apply_present(&self, game: &Game<'_>, scratch: &mut Scratch, out: &mut Vec<Change>) {
        match self {
            Self::Elo(settings) => model::rate(settings, game, scratch, out),
            Self::Glicko(settings) => model::rate(settings, game, scratch, out),
            Self::Glicko2(settings) => model::rate(settings, game, scratch, out),
            Self::WengLin(settings) => model::rate(settings, game, scratch, out),
            Self::TrueSkill(settings) => {
                model::rate(&TrueSkill { settings, margin: scratch.margin(settings) }, game, scratch, out);
            }
            Self::Kalman(settings) => match game.learnt {
                Some(learnt) => kalman::update(settings, learnt, game, scratch, out),
                None => kalman::update(settings, &settings.known(), game, scratch, out),
            },
        }
    }
}

fn teams<M: Model>(model: &M, a: &[Rating], b: &[Rating], home: Option<usize>) -> (M::Team, M::Team) {
    let team = |side: &[Rating], at| {
        let none = if side.is_empty() { Some(model.initial()) } else { None };
        let sum = side.iter().copied().chain(none).map(Entrant::new);
        let sum = sum.fold(M::Sum::default(), |sum, player| model.joined(sum, &player));
        model.team(sum, model::advantage(model, home, at))
    };
    (team(a, 0), team(b, 1))
}

pub(crate) fn lead<M: Model>(model: &M, a: &[Rating], b: &[Rating], home: Option<usize>) -> Lead {
    let (one, other) = teams(model, a, b, home);
    model.lead(&one, &other)
}

fn predicted<M: Model>(model: &M, a: &[Rating], b: &[Rating], home: Option<usize>) -> Probability {
    let (one, other) = teams(model, a, b, home);
    Probability::saturating(model.predicted(&one, &other))
}
