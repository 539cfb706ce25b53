//! What a queue asks of its matches.
use gsm_core::{Millis, limits};
use serde::{Deserialize, Serialize};

/// The rules of one queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MatchRules {
    /// How many sides of how many players.
    pub format: Format,
    /// How far apart in skill the players of one match may be.
    pub window: Window,
}

/// The sides of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Format {
    /// Teams of equal size; a party stays together on one of them.
    Teams {
        /// Number of teams, 2 or more.
        teams: usize,
        /// Players in each team, 1 or more.
        size: usize,
    },
    /// Everyone for themselves: sides of one player each, so tickets of one player only.
    FreeForAll {
        /// Fewest players, 2 or more; taken once the longest waiting has waited `fill_after_ms`.
        min: usize,
        /// Most players; a match of so many is taken at once.
        max: usize,
        /// How long to hold out for a full match.
        fill_after_ms: Millis,
    },
}

impl Default for Format {
    /// One against one.
    fn default() -> Self {
        Self::Teams { teams: 2, size: 1 }
    }
}

impl Format {
    /// The biggest party that fits on a side.
    #[must_use]
    pub fn side_size(self) -> usize {
        match self {
            Self::Teams { size, .. } => size,
            Self::FreeForAll { .. } => 1,
        }
    }

    /// Players of a full match.
    #[must_use]
    pub fn players_max(self) -> usize {
        match self {
            Self::Teams { teams, size } => teams.saturating_mul(size),
            Self::FreeForAll { max, .. } => max,
        }
    }

    /// Players of the smallest match that a ticket takes after waiting `waited`.
    #[must_use]
    pub fn players_min(self, waited: Millis) -> usize {
        match self {
            Self::FreeForAll { min, fill_after_ms, .. } if waited >= fill_after_ms => min,
            _ => self.players_max(),
        }
    }
}

/// The skill window of a ticket: `min` points to either side, growing by `growth_per_s` points for each second of
/// waiting, up to `max`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Window {
    /// Points at the start, 0 or more.
    pub min: f64,
    /// Points a second, 0 or more.
    pub growth_per_s: f64,
    /// Points at most, above 0 and not below `min`.
    pub max: f64,
}

impl Default for Window {
    fn default() -> Self {
        Self { min: 100.0, growth_per_s: 10.0, max: 500.0 }
    }
}

impl Window {
    /// Points to either side after waiting `waited`.
    #[must_use]
    pub fn after(&self, waited: Millis) -> f64 {
        (self.min + self.growth_per_s * waited.as_secs_f64()).min(self.max)
    }
}

/// Why rules are refused; each names the field.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// A count outside its range.
    #[error("`{field}` is `{value}`, must be between {min} and {max}")]
    Count {
        /// Path of the field.
        field: &'static str,
        /// What came.
        value: usize,
        /// The least that is taken.
        min: usize,
        /// The most that is taken.
        max: usize,
    },
    /// More players than one match may have.
    #[error("`format.teams` of {teams} by {size} makes more than {max} players")]
    Players {
        /// Teams asked for.
        teams: usize,
        /// Players in each.
        size: usize,
        /// The limit.
        max: usize,
    },
    /// A number of the window that is no finite number in its range.
    #[error("`{field}` is `{value}`, must be {want}")]
    Points {
        /// Path of the field.
        field: &'static str,
        /// What came.
        value: f64,
        /// What is taken.
        want: &'static str,
    },
}

fn count(field: &'static str, value: usize, min: usize, max: usize) -> Result<(), RulesError> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(RulesError::Count { field, value, min, max }) }
}

fn points(field: &'static str, value: f64, ok: bool, want: &'static str) -> Result<(), RulesError> {
    if value.is_finite() && ok { Ok(()) } else { Err(RulesError::Points { field, value, want }) }
}

impl MatchRules {
    /// Checks every field against its range and the limits of `gsm_core`.
    pub fn validate(&self) -> Result<(), RulesError> {
        match self.format {
            Format::Teams { teams, size } => {
                count("format.teams.teams", teams, 2, limits::MATCH_SIDES_MAX)?;
                count("format.teams.size", size, 1, limits::MATCH_PLAYERS_MAX)?;
                if teams.saturating_mul(size) > limits::MATCH_PLAYERS_MAX {
                    return Err(RulesError::Players { teams, size, max: limits::MATCH_PLAYERS_MAX });
                }
            }
            Format::FreeForAll { min, max, .. } => {
                count("format.free_for_all.max", max, 2, limits::MATCH_SIDES_MAX)?;
                count("format.free_for_all.min", min, 2, max)?;
            }
        }
        let Window { min, growth_per_s, max } = self.window;
        points("window.min", min, min >= 0.0, "a finite number, 0 or more")?;
        points("window.growth_per_s", growth_per_s, growth_per_s >= 0.0, "a finite number, 0 or more")?;
        points("window.max", max, max > 0.0 && max >= min, "a finite number above 0, not below `window.min`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_window(waited_ms: u64, points: f64) {
        let window = Window { min: 100.0, growth_per_s: 10.0, max: 400.0 };
        assert_eq!(window.after(Millis::new(waited_ms)), points);
    }

    #[test]
    fn the_window_grows_with_waiting_and_stops_at_its_maximum() {
        check_window(0, 100.0);
        check_window(1_500, 115.0);
        check_window(30_000, 400.0);
        check_window(u64::MAX, 400.0);
    }

    fn check_refused(json: &str, field: &str) {
        let rules: MatchRules = serde_json::from_str(json).unwrap();
        let text = rules.validate().unwrap_err().to_string();
        assert!(text.starts_with(&format!("`{field}`")), "{text}");
    }

    #[test]
    fn bad_rules_are_refused_by_name() {
        check_refused(r#"{"format":{"teams":{"teams":1,"size":5}}}"#, "format.teams.teams");
        check_refused(r#"{"format":{"teams":{"teams":2,"size":0}}}"#, "format.teams.size");
        check_refused(r#"{"format":{"teams":{"teams":100,"size":3}}}"#, "format.teams");
        check_refused(
            r#"{"format":{"free_for_all":{"min":1,"max":8,"fill_after_ms":0}}}"#,
            "format.free_for_all.min",
        );
        check_refused(
            r#"{"format":{"free_for_all":{"min":9,"max":8,"fill_after_ms":0}}}"#,
            "format.free_for_all.min",
        );
        check_refused(
            r#"{"format":{"free_for_all":{"min":2,"max":101,"fill_after_ms":0}}}"#,
            "format.free_for_all.max",
        );
        check_refused(r#"{"window":{"min":-1}}"#, "window.min");
        check_refused(r#"{"window":{"growth_per_s":-1}}"#, "window.growth_per_s");
        check_refused(r#"{"window":{"max":99}}"#, "window.max");
        let nan = Window { max: f64::NAN, ..Window::default() };
        assert!(MatchRules { window: nan, ..MatchRules::default() }.validate().is_err());
        assert!(MatchRules::default().validate().is_ok());
    }

    #[test]
    fn unknown_members_are_refused() {
        assert!(serde_json::from_str::<MatchRules>(r#"{"windw":{}}"#).is_err());
        assert!(serde_json::from_str::<MatchRules>(r#"{"window":{"mx":1}}"#).is_err());
        assert!(
            serde_json::from_str::<MatchRules>(r#"{"format":{"teams":{"teams":2,"size":1,"x":1}}}"#).is_err()
        );
    }
}
