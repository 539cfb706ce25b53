//! What a mode may ask for beside its rating system: each option is off unless it is named.
//!
//! An option changes how one result counts, never what is stored of a rating. What each did to a gain is itemised
//! by [`crate::explained`], which also rates with them. The numbers here are for players, so that they mean the same
//! in every system; only [`Party::points_per_mate`] is in the system's points.
//!
//! ```
//! use gsm_rating::options::Options;
//! let options: Options = serde_json::from_str(r#"{"smurf": {}, "repeated_pair": {"factor": 0.5}}"#)?;
//! assert!(options.validate().is_ok() && options.party.is_none());
//! # Ok::<(), serde_json::Error>(())
//! ```
use crate::SettingsError;
use gsm_core::limits;
use serde::{Deserialize, Serialize};

/// The most opponents that are remembered of a player.
pub const REMEMBERED_MAX: u32 = 32;
/// The most matches that may make a newcomer.
pub const NEWCOMER_GAMES_MAX: u32 = 1_000;

/// The options of a mode, all off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Results against the same opponents again count less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeated_pair: Option<RepeatedPair>,
    /// Newcomers who keep beating expectations move faster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smurf: Option<Smurf>,
    /// Results against newcomers count less for everybody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newcomer: Option<Newcomer>,
    /// A premade party is worth points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub party: Option<Party>,
}

/// Against win trading, and against ratings that two players of a tiny pool make among themselves.
///
/// A pair of opponents who met `k` times among the last opponents that either remembers weighs `factor^k`, not less
/// than `floor`; a result counts by the mean over the player's opponents. Either's memory is enough: who feeds one
/// player alone is not hidden by that player's other matches, and both of a duel are damped alike.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RepeatedPair {
    /// How many last opponents are remembered, `1..=32`. A match against `n` opponents takes `n` of them; where the
    /// last match alone had more, those with the lowest id hashes stay.
    pub remembered: u32,
    /// What each meeting before leaves of the weight, `0.0..=1.0`.
    pub factor: f64,
    /// The least that a pair weighs, `0.0..=1.0`.
    pub floor: f64,
}

/// For strong players with new accounts, so that they soon meet their equals.
///
/// The surprise of a player is how far the results so far exceed the expected scores, in standard errors
/// ([`crate::explained::Recent::surprise`]). From `threshold` on, a newcomer's deviation is multiplied before each
/// match by `surprise / threshold`, but neither by more than `boost_max` nor to more than that of a player without
/// matches. Systems without deviations (Elo) are not affected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Smurf {
    /// Who has less rated matches is watched, `1..=1000`.
    pub games_max: u32,
    /// The surprise from which deviations are raised, in standard errors, `0.5..=10.0`. Six wins in a row against
    /// equals are 2.1.
    pub threshold: f64,
    /// The most that a deviation is multiplied by, `1.0..=10.0`.
    pub boost_max: f64,
}

/// For established players, whom a newcomer's unknown strength should not cost much.
///
/// A result counts by the mean over the player's opponents, of whom newcomers weigh `opponents_weight` and others 1.
/// Newcomers themselves are not affected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Newcomer {
    /// Who has less rated matches is a newcomer, `1..=1000`.
    pub games: u32,
    /// What a newcomer weighs as an opponent, `0.0..=1.0`.
    pub opponents_weight: f64,
}

/// For premade parties, who play together better than their ratings say.
///
/// Every member of a party of `n` is rated as if `(n - 1) points_per_mate` points better; the points are taken off
/// again after the match, so that they are never part of a rating.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// In the system's points, `0.0..=1e4`. There is no default: points differ between systems.
    pub points_per_mate: f64,
}

impl Default for RepeatedPair {
    fn default() -> Self {
        Self { remembered: 16, factor: 0.7, floor: 0.1 }
    }
}

impl Default for Smurf {
    fn default() -> Self {
        Self { games_max: 30, threshold: 2.0, boost_max: 2.0 }
    }
}

impl Default for Newcomer {
    fn default() -> Self {
        Self { games: 10, opponents_weight: 0.5 }
    }
}

impl Options {
    /// Refuses the first number outside its range, naming it by its path.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let check = SettingsError::check;
        let (remembered_max, games_max) = (f64::from(REMEMBERED_MAX), f64::from(NEWCOMER_GAMES_MAX));
        if let Some(RepeatedPair { remembered, factor, floor }) = self.repeated_pair {
            check("repeated_pair.remembered", f64::from(remembered), 1.0, remembered_max)?;
            check("repeated_pair.factor", factor, 0.0, 1.0)?;
            check("repeated_pair.floor", floor, 0.0, 1.0)?;
        }
        if let Some(smurf) = self.smurf {
            check("smurf.games_max", f64::from(smurf.games_max), 1.0, games_max)?;
            check("smurf.threshold", smurf.threshold, 0.5, 10.0)?;
            check("smurf.boost_max", smurf.boost_max, 1.0, 10.0)?;
        }
        if let Some(Newcomer { games, opponents_weight }) = self.newcomer {
            check("newcomer.games", f64::from(games), 1.0, games_max)?;
            check("newcomer.opponents_weight", opponents_weight, 0.0, 1.0)?;
        }
        if let Some(Party { points_per_mate }) = self.party {
            check("party.points_per_mate", points_per_mate, 0.0, 1e4)?;
        }
        Ok(())
    }

    /// Whether matches are rated by the system alone.
    #[must_use]
    pub fn are_off(&self) -> bool {
        *self == Self::default()
    }
}

impl RepeatedPair {
    /// How many opponents are remembered, whatever the settings say.
    pub(crate) fn remembered(&self) -> usize {
        self.remembered.min(REMEMBERED_MAX) as usize
    }

    /// What a pair weighs that met `times` before.
    pub(crate) fn weight(&self, times: usize) -> f64 {
        if times == 0 { 1.0 } else { libm::pow(self.factor, times as f64).max(self.floor) }
    }
}

impl Smurf {
    /// What a newcomer's deviation is multiplied by.
    pub(crate) fn boost(&self, surprise: f64) -> f64 {
        if surprise > self.threshold { (surprise / self.threshold).min(self.boost_max) } else { 1.0 }
    }
}

impl Party {
    /// What a member of a party of this size is worth more, in points; parties are at most as large as the server
    /// allows.
    pub(crate) fn bonus(&self, size: u32) -> f64 {
        let mates = (size as usize).min(limits::PARTY_SIZE_MAX).saturating_sub(1);
        self.points_per_mate * mates as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(config: &str, refused: Option<&str>) {
        let options: Options = serde_json::from_str(config).unwrap();
        assert_eq!(options.validate().err().map(|e| e.setting), refused, "{config}");
    }

    #[test]
    fn everything_is_off_unless_named() {
        assert!(serde_json::from_str::<Options>("{}").unwrap().are_off());
        assert!(!serde_json::from_str::<Options>(r#"{"newcomer": {}}"#).unwrap().are_off());
    }
    #[test]
    fn settings_out_of_range_are_named_by_path() {
        check(
            r#"{"repeated_pair": {}, "smurf": {}, "newcomer": {}, "party": {"points_per_mate": 20}}"#,
            None,
        );
        check(r#"{"repeated_pair": {"remembered": 0}}"#, Some("repeated_pair.remembered"));
        check(r#"{"repeated_pair": {"remembered": 33}}"#, Some("repeated_pair.remembered"));
        check(r#"{"repeated_pair": {"factor": 1.1}}"#, Some("repeated_pair.factor"));
        check(r#"{"repeated_pair": {"floor": -0.1}}"#, Some("repeated_pair.floor"));
        check(r#"{"smurf": {"games_max": 0}}"#, Some("smurf.games_max"));
        check(r#"{"smurf": {"threshold": 0.4}}"#, Some("smurf.threshold"));
        check(r#"{"smurf": {"boost_max": 0.9}}"#, Some("smurf.boost_max"));
        check(r#"{"newcomer": {"games": 1001}}"#, Some("newcomer.games"));
        check(r#"{"newcomer": {"opponents_weight": 2}}"#, Some("newcomer.opponents_weight"));
        check(r#"{"party": {"points_per_mate": -1}}"#, Some("party.points_per_mate"));
    }
    #[test]
    fn what_is_unknown_or_has_no_default_is_refused() {
        for config in [r#"{"smurfs": {}}"#, r#"{"smurf": {"games": 3}}"#, r#"{"party": {}}"#] {
            assert!(serde_json::from_str::<Options>(config).is_err(), "{config}");
        }
    }
    #[test]
    fn a_pair_weighs_less_with_every_meeting_down_to_the_floor() {
        let option = RepeatedPair { remembered: 8, factor: 0.5, floor: 0.2 };
        assert_eq!([0, 1, 2, 3].map(|times| option.weight(times)), [1.0, 0.5, 0.25, 0.2]);
        assert_eq!(RepeatedPair { factor: 0.0, floor: 0.0, ..option }.weight(1), 0.0);
    }
    #[test]
    fn a_boost_begins_at_the_threshold_and_ends_at_its_maximum() {
        let option = Smurf { games_max: 30, threshold: 2.0, boost_max: 1.5 };
        assert_eq!([f64::NAN, -9.0, 2.0, 2.5, 9.0].map(|z| option.boost(z)), [1.0, 1.0, 1.0, 1.25, 1.5]);
    }
    #[test]
    fn nobody_is_a_party_alone_and_no_party_is_larger_than_the_server_allows() {
        let option = Party { points_per_mate: 20.0 };
        assert_eq!([0, 1, 2, 5, 10, 11].map(|size| option.bonus(size)), [0.0, 0.0, 20.0, 80.0, 180.0, 180.0]);
    }
}
