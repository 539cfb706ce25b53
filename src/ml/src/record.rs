//! What is remembered of a player beside ratings, in constant size.
use crate::{
    Portrait,
    numeric::{days, exp, ln_1p},
};
use gsm_core::Timestamp;
use gsm_rating::Rating;
use serde::{Deserialize, Serialize};

/// When a player was last rated, and how often: what rating systems ask for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) rated_at: Option<Timestamp>,
    pub(crate) games: u32,
}

/// Opponents that are remembered by name, and how much less each counts than the next.
const RECENT: usize = 8;
const RECENT_FADES: f64 = 0.9;
/// Days after which a match counts for 1/e in how busy a player is: weeks, months.
const BUSY_DAYS: [f64; 2] = [14.0, 90.0];
/// Days without a match beyond which more do not count.
const REST_DAYS_MAX: f64 = 400.0;

/// A player's record.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) games: u32,
    first_ms: i64,
    last_ms: i64,
    wins: f32,
    draws: f32,
    /// A fading sum of surprises: results less what was expected.
    form: f32,
    /// Fading counts of matches, see [`BUSY_DAYS`].
    busy: [f32; BUSY_DAYS.len()],
    /// Fading means: own margins, opponents' levels (slow, fast), own level, squared surprises.
    margin: f32,
    opponents: f32,
    opponents_fast: f32,
    level: f32,
    volatility: f32,
    /// The best opponents met.
    opponents_max: f32,
    /// One opponent each of the last matches, a ring.
    recent: [u32; RECENT],
}

impl Default for Record {
    fn default() -> Self {
        Self {
            games: 0,
            first_ms: 0,
            last_ms: 0,
            wins: 0.0,
            draws: 0.0,
            form: 0.0,
            busy: [0.0; BUSY_DAYS.len()],
            margin: 0.0,
            opponents: 0.0,
            opponents_fast: 0.0,
            level: 0.0,
            volatility: 0.0,
            opponents_max: 0.0,
            recent: [0; RECENT],
        }
    }
}

/// What is told of a player, or of a side as the mean of its players; all 0 for a newcomer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Traits {
    /// `ln(1 + matches)`, and in the variant played.
    pub(crate) experience: f64,
    pub(crate) variant_experience: f64,
    /// Whether there was a match at all.
    pub(crate) known: f64,
    /// `ln(1 + days)` since the first match, and since the last.
    pub(crate) tenure: f64,
    pub(crate) rest: f64,
    pub(crate) form: f64,
    /// `ln(1 + matches)` of about the last weeks, months.
    pub(crate) weeks: f64,
    pub(crate) months: f64,
    /// The shares of matches won and drawn, shrunk; from one half, from none.
    pub(crate) win_rate: f64,
    pub(crate) draw_rate: f64,
    pub(crate) margin: f64,
    /// Levels of opponents: on the whole, lately, the best, the last ones as they stand now.
    pub(crate) opponents: f64,
    pub(crate) opponents_fast: f64,
    pub(crate) opponents_max: f64,
    pub(crate) opponents_now: f64,
    /// By how much the level is above what it has been.
    pub(crate) momentum: f64,
    pub(crate) volatility: f64,
}

impl Traits {
    /// Adds another player's, each times `share`.
    pub(crate) fn add(&mut self, of: &Self, share: f64) {
        self.experience += share * of.experience;
        self.variant_experience += share * of.variant_experience;
        self.known += share * of.known;
        self.tenure += share * of.tenure;
        self.rest += share * of.rest;
        self.form += share * of.form;
        self.weeks += share * of.weeks;
        self.months += share * of.months;
        self.win_rate += share * of.win_rate;
        self.draw_rate += share * of.draw_rate;
        self.margin += share * of.margin;
        self.opponents += share * of.opponents;
        self.opponents_fast += share * of.opponents_fast;
        self.opponents_max += share * of.opponents_max;
        self.opponents_now += share * of.opponents_now;
        self.momentum += share * of.momentum;
        self.volatility += share * of.volatility;
    }
}

/// What a match was for one of its players.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Played {
    pub(crate) at: Timestamp,
    /// Win 1, draw 0.5, loss 0.
    pub(crate) score: f64,
    /// The score less what was expected.
    pub(crate) surprise: f64,
    /// In units of usual margins.
    pub(crate) margin: f64,
    /// The level of the side, and of its opponents.
    pub(crate) level: f64,
    pub(crate) opponents: f64,
    /// One of the opponents.
    pub(crate) opponent: u32,
}

impl Record {
    #[cfg(test)]
    pub(crate) fn spoil(&mut self) {
        self.busy[1] = f32::INFINITY;
    }

    /// Whether all of it is finite.
    pub(crate) fn makes_sense(&self) -> bool {
        let single = [self.wins, self.draws, self.form, self.margin, self.opponents, self.opponents_fast];
        let rest = [self.level, self.volatility, self.opponents_max];
        single.iter().chain(&rest).chain(&self.busy).all(|of| of.is_finite())
    }

    pub(crate) fn portrait(&self, experts: Vec<(&'static str, Rating)>) -> Portrait {
        Portrait {
            matches: self.games,
            first_at: Timestamp::from_millis(self.first_ms),
            last_at: Timestamp::from_millis(self.last_ms),
            wins: f64::from(self.wins),
            draws: f64::from(self.draws),
            form: f64::from(self.form),
            margin: f64::from(self.margin),
            volatility: f64::from(self.volatility),
            experts,
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        let rated_at = (self.games > 0).then(|| Timestamp::from_millis(self.last_ms));
        Seen { rated_at, games: self.games }
    }

    /// All but what depends on the variant. `level_of` tells a player's level as it is now, `level` that of this one.
    pub(crate) fn traits(&self, at: Timestamp, level: f64, level_of: impl Fn(u32) -> f64) -> Traits {
        if self.games == 0 {
            return Traits::default();
        }
        let (at_ms, n) = (at.as_millis(), f64::from(self.games));
        let idle = days(self.last_ms, at_ms);
        let busy = |count: f32, days: f64| ln_1p(f64::from(count) * exp(-idle / days));
        Traits {
            experience: ln_1p(n),
            variant_experience: 0.0,
            known: 1.0,
            tenure: ln_1p(days(self.first_ms, at_ms)),
            rest: ln_1p(idle.min(REST_DAYS_MAX)),
            form: f64::from(self.form),
            weeks: busy(self.busy[0], BUSY_DAYS[0]),
            months: busy(self.busy[1], BUSY_DAYS[1]),
            win_rate: (f64::from(self.wins) + 2.0) / (n + 4.0) - 0.5,
            draw_rate: f64::from(self.draws) / (n + 4.0),
            margin: f64::from(self.margin),
            opponents: f64::from(self.opponents),
            opponents_fast: f64::from(self.opponents_fast),
            opponents_max: f64::from(self.opponents_max),
            opponents_now: self.opponents_now(level_of),
            momentum: level - f64::from(self.level),
            volatility: f64::from(self.volatility),
        }
    }

    /// The levels of the last opponents as they stand now, the last counting most, shrunk by one of level 0.
    fn opponents_now(&self, level_of: impl Fn(u32) -> f64) -> f64 {
        let (mut sum, mut weights, mut weight) = (0.0, 1.0, 1.0);
        let games = self.games as usize;
        for back in 1..=games.min(RECENT) {
            if let Some(opponent) = self.recent.get((games - back) % RECENT) {
                sum += weight * level_of(*opponent);
            }
            weights += weight;
            weight *= RECENT_FADES;
        }
        sum / weights
    }

    /// After a match. A clock that stepped back does not move the last match back.
    pub(crate) fn played(&mut self, of: &Played) {
        let at_ms = of.at.as_millis();
        let opponents = of.opponents as f32;
        if self.games == 0 {
            *self = Self {
                first_ms: at_ms,
                last_ms: at_ms,
                opponents_max: opponents,
                level: of.level as f32,
                ..Self::default()
            };
        }
        let idle = days(self.last_ms, at_ms);
        for (count, days) in self.busy.iter_mut().zip(BUSY_DAYS) {
            *count = (f64::from(*count) * exp(-idle / days) + 1.0) as f32;
        }
        self.wins += of.score as f32;
        self.draws += if of.score == 0.5 { 1.0 } else { 0.0 };
        self.form = 0.95 * self.form + of.surprise as f32;
        self.margin += 0.1 * (of.margin as f32 - self.margin);
        let rate = (1.0 / (self.games as f32 + 1.0)).max(0.05);
        self.opponents += rate * (opponents - self.opponents);
        self.opponents_fast += rate.max(0.2) * (opponents - self.opponents_fast);
        self.opponents_max = self.opponents_max.max(opponents);
        self.level += 0.05 * (of.level as f32 - self.level);
        self.volatility += 0.05 * ((of.surprise * of.surprise) as f32 - self.volatility);
        if let Some(slot) = self.recent.get_mut(self.games as usize % RECENT) {
            *slot = of.opponent;
        }
        self.games = self.games.saturating_add(1);
        self.last_ms = self.last_ms.max(at_ms);
    }
}
