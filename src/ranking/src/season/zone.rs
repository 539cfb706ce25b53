use crate::Invalid;
use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase},
};

/// What the clock on the wall shows at which instant.
#[derive(Debug, Clone)]
pub(super) struct Zone(TimeZone);

impl Zone {
    /// From a name of the IANA database or an offset such as `+05:30`.
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, Invalid> {
        let zone = match text.starts_with(['+', '-']) {
            true => offset(text).map(TimeZone::fixed),
            false => TimeZoneDatabase::bundled().get(text).ok(),
        };
        let hint = "use a name of the IANA database such as `Europe/Paris`, or an offset such as `+05:30`";
        zone.map(Self).ok_or_else(|| {
            let shown: String = text.chars().take(64).collect();
            Invalid::new(path, format!("unknown time zone `{shown}`; {hint}"))
        })
    }

    /// When the wall first shows `wall`, or the instant at which a clock change skips it. Never decreases as
    /// `wall` grows. `None` at the ends of the calendar.
    pub(super) fn instant(&self, wall: DateTime) -> Option<Timestamp> {
        match self.0.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                offset.to_timestamp(wall).ok()
            }
            AmbiguousOffset::Gap { before, .. } => {
                // By the old offset `wall` lies at or after the change, and before any other.
                let after = before.to_timestamp(wall).ok()?;
                let from = Timestamp::from_second(after.as_second().checked_add(1)?).ok()?;
                self.0.preceding(from).next().map(|change| change.timestamp())
            }
        }
    }

    /// What the wall shows.
    pub(super) fn wall(&self, at: Timestamp) -> DateTime {
        self.0.to_datetime(at)
    }

    /// The next clock change strictly after `at`.
    pub(super) fn change_after(&self, at: Timestamp) -> Option<Timestamp> {
        self.0.following(at).next().map(|change| change.timestamp())
    }
}

/// `+HH:MM` or `-HH:MM`, at most 18 hours.
fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = text.split_at_checked(1)?;
    let (hours, minutes) = digits.split_once(':')?;
    let number = |text: &str| match text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()) {
        true => text.parse::<i32>().ok(),
        false => None,
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let seconds = (hours * 60 + minutes) * 60;
    if minutes > 59 || seconds > 18 * 3_600 {
        return None;
    }
    Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, wall: &str, instant: &str) {
        let zone = Zone::parse("zone", zone).unwrap();
        assert_eq!(zone.instant(wall.parse().unwrap()).unwrap(), instant.parse().unwrap(), "{wall}");
    }

    #[test]
    fn a_plain_time_is_itself() {
        check("Europe/Paris", "2026-07-01T09:00", "2026-07-01T07:00:00Z");
        check("+05:30", "2026-07-01T09:00", "2026-07-01T03:30:00Z");
        check("-03:00", "2026-07-01T09:00", "2026-07-01T12:00:00Z");
    }

    #[test]
    fn a_skipped_time_is_the_instant_of_the_change() {
        for wall in ["2026-03-29T02:00", "2026-03-29T02:30", "2026-03-29T02:59", "2026-03-29T03:00"] {
            check("Europe/Paris", wall, "2026-03-29T01:00:00Z");
        }
        check("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00:00Z"); // a day that Samoa never had
    }

    #[test]
    fn a_time_that_comes_twice_is_its_first_coming() {
        check("Europe/Paris", "2026-10-25T02:30", "2026-10-25T00:30:00Z");
        check("Europe/Paris", "2026-10-25T03:00", "2026-10-25T02:00:00Z");
    }

    #[test]
    fn unknown_zones_are_refused() {
        for text in ["", "Mars/Olympus", "+5:30", "+0530", "+05:60", "+19:00", "+-1:00", "+é1:00", "-"] {
            assert!(Zone::parse("zone", text).is_err(), "{text}");
        }
        let refused = Zone::parse("cron.zone", "Mars/Olympus").unwrap_err().to_string();
        assert!(
            refused.starts_with("`cron.zone`: unknown time zone `Mars/Olympus`; use a name"),
            "{refused}"
        );
    }
}
