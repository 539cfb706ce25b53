use crate::Invalid;
use jiff::civil::Date;

/// Characters in a cron expression.
pub const CRON_CHARS_MAX: usize = 256;

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// Days of each month in a leap year.
const MONTH_DAYS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A set of wall-clock minutes, as crontab(5) writes it: minute, hour, day of month, month, day of week.
///
/// A field is `*` or a list of numbers, ranges `a-b` and steps `*/n` or `a-b/n`; months and weekdays also go by
/// their first three letters; Sunday is 0 or 7. If neither day field starts with `*`, a day matches by either.
#[derive(Debug, Clone)]
pub(super) struct Cron {
    /// Hours and minutes of a matching day, ascending; at least one.
    times: Vec<(i8, i8)>,
    month_days: Field,
    months: Field,
    weekdays: Field,
}

/// One bit for each allowed value.
#[derive(Debug, Clone, Copy)]
struct Field {
    bits: u64,
    /// Whether the text starts with `*`.
    any: bool,
}

impl Field {
    fn has(self, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.bits.checked_shr(value).is_some_and(|bits| bits & 1 == 1))
    }
}

/// How one field is written.
struct Grammar {
    name: &'static str,
    least: u8,
    most: u8,
    names: &'static [&'static str],
}

const FIELDS: [Grammar; 5] = [
    Grammar { name: "minute", least: 0, most: 59, names: &[] },
    Grammar { name: "hour", least: 0, most: 23, names: &[] },
    Grammar { name: "day of month", least: 1, most: 31, names: &[] },
    Grammar { name: "month", least: 1, most: 12, names: MONTHS },
    Grammar { name: "day of week", least: 0, most: 7, names: WEEKDAYS },
];

impl Cron {
    /// Refuses what is no cron expression, and one that no day matches.
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, Invalid> {
        let refuse = |problem: String| Invalid::new(path, problem);
        let chars = text.chars().count();
        if chars > CRON_CHARS_MAX {
            return Err(refuse(format!("has {chars} characters; at most {CRON_CHARS_MAX}")));
        }
        let parts: Vec<&str> = text.split_ascii_whitespace().collect();
        let Ok(parts) = <[&str; 5]>::try_from(parts.as_slice()) else {
            let names = FIELDS.map(|grammar| grammar.name).join(", ");
            return Err(refuse(format!("`{text}` has {} fields; use 5: {names}", parts.len())));
        };
        let mut fields = [Field { bits: 0, any: false }; 5];
        for ((field, part), grammar) in fields.iter_mut().zip(parts).zip(&FIELDS) {
            *field = grammar.parse(part).map_err(refuse)?;
        }
        let [minutes, hours, month_days, months, mut weekdays] = fields;
        weekdays.bits |= weekdays.bits >> 7 & 1; // 7 is Sunday too
        let minutes_of =
            |hour| (0..60).filter(|&minute| minutes.has(minute)).map(move |minute| (hour, minute));
        let times = (0..24).filter(|&hour| hours.has(hour)).flat_map(minutes_of).collect();
        let mut lengths = (1..).zip(MONTH_DAYS).filter(|&(month, _)| months.has(month));
        let exists = lengths.any(|(_, days)| month_days.bits & ((2 << days) - 1) != 0);
        if !exists && (month_days.any || weekdays.any) {
            return Err(refuse(format!("`{text}` never comes: no such month has such a day")));
        }
        Ok(Self { times, month_days, months, weekdays })
    }

    /// Whether anything matches on that day.
    pub(super) fn matches(&self, day: Date) -> bool {
        let by_date = self.month_days.has(day.day());
        let by_week = self.weekdays.has(day.weekday().to_sunday_zero_offset());
        let any = self.month_days.any || self.weekdays.any;
        self.months.has(day.month()) && if any { by_date && by_week } else { by_date || by_week }
    }

    /// Hours and minutes of a matching day, ascending; at least one.
    pub(super) fn times(&self) -> &[(i8, i8)] {
        &self.times
    }
}

impl Grammar {
    fn parse(&self, text: &str) -> Result<Field, String> {
        let mut field = Field { bits: 0, any: text.starts_with('*') };
        for item in text.split(',') {
            let (range, step) = match item.split_once('/') {
                Some((range, step)) => (range, Some(step)),
                None => (item, None),
            };
            let (first, last) = match range.split_once('-') {
                None if range == "*" => (self.least, self.most),
                None if step.is_some() => {
                    return Err(format!("{} `{item}`: a step follows `*` or a range `a-b`", self.name));
                }
                None => (self.value(range)?, self.value(range)?),
                Some((first, last)) => (self.value(first)?, self.value(last)?),
            };
            if first > last {
                return Err(format!("{} `{item}`: a range goes upwards", self.name));
            }
            let step = step.map_or(Ok(1), |step| match number(step) {
                Some(step) if (1..=self.most).contains(&step) => Ok(step),
                _ => Err(format!("{} `{item}`: a step is a number from 1 to {}", self.name, self.most)),
            })?;
            for value in (first..=last).step_by(usize::from(step)) {
                field.bits |= 1 << value;
            }
        }
        Ok(field)
    }

    fn value(&self, text: &str) -> Result<u8, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let named = named.and_then(|index| u8::try_from(index).ok()).map(|index| index + self.least);
        let value = named.or_else(|| number(text)).filter(|value| (self.least..=self.most).contains(value));
        value.ok_or_else(|| {
            let names = match (self.names.first(), self.names.last()) {
                (Some(first), Some(last)) => format!(" or `{first}` to `{last}`"),
                _ => String::new(),
            };
            format!("{} `{text}` is not allowed; use {} to {}{names}", self.name, self.least, self.most)
        })
    }
}

/// One or two decimal digits.
fn number(text: &str) -> Option<u8> {
    let plain = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, start: &str) {
        let problem = Cron::parse("cron.expression", text).unwrap_err().problem;
        assert!(problem.starts_with(start), "{problem}");
    }

    fn days(text: &str, month: i8) -> Vec<i8> {
        let cron = Cron::parse("", text).unwrap();
        let first = Date::new(2026, month, 1).unwrap();
        first.series(jiff::ToSpan::day(1)).take(31).filter(|&day| cron.matches(day)).map(Date::day).collect()
    }

    #[test]
    fn a_refusal_names_the_field_and_what_is_allowed() {
        refused("60 0 1 * *", "minute `60` is not allowed; use 0 to 59");
        refused("0 24 1 * *", "hour `24` is not allowed; use 0 to 23");
        refused("0 0 0 * *", "day of month `0` is not allowed; use 1 to 31");
        refused("0 0 1 foo *", "month `foo` is not allowed; use 1 to 12 or `jan` to `dec`");
        refused("0 0 1 * 8", "day of week `8` is not allowed; use 0 to 7 or `sun` to `sat`");
        refused("0 0 1 *", "`0 0 1 *` has 4 fields; use 5: minute, hour,");
        refused("0 0 9-3 * *", "day of month `9-3`: a range goes upwards");
        refused("*/0 0 1 * *", "minute `*/0`: a step is a number from 1 to 59");
        refused("5/10 0 1 * *", "minute `5/10`: a step follows");
        refused("0 0 31 2,4 *", "`0 0 31 2,4 *` never comes");
        for odd in ["0 0 1, * *", "+1 0 1 * *", "0 0 1 * -", "0 0 1 * é", "001 0 1 * *", "* * ** * *"] {
            refused(odd, "");
        }
        for char in ["0", "é"] {
            refused(&char.repeat(CRON_CHARS_MAX + 1), "has 257 characters; at most 256");
            let most = char.repeat(CRON_CHARS_MAX);
            refused(&most, &format!("`{most}` has 1 fields"));
        }
    }

    #[test]
    fn lists_ranges_steps_and_names() {
        assert_eq!(days("0 0 1,10-12,*/15 * *", 1), [1, 10, 11, 12, 16, 31]);
        assert_eq!(days("0 0 * * mon", 6), [1, 8, 15, 22, 29]);
        assert_eq!(days("0 0 * * 7", 6), days("0 0 * * SUN", 6));
        assert_eq!(days("0 0 * Feb-Mar *", 1), Vec::<i8>::new());
        assert_eq!(Cron::parse("", "*/30 1-5/2 * * *").unwrap().times().len(), 6);
    }

    #[test]
    fn two_day_fields_widen_and_a_star_narrows() {
        // The Fridays of May 2026 are 1, 8, 15, 22, 29.
        assert_eq!(days("0 0 13 * fri", 5), [1, 8, 13, 15, 22, 29]);
        assert_eq!(days("0 0 */14 * fri", 5), [1, 15, 29]);
        assert_eq!(days("0 0 31 2 fri", 2), [6, 13, 20, 27]); // no 31st, but Fridays
    }
}
