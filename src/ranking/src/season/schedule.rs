use super::{cron::Cron, zone::Zone};
use crate::Invalid;
use gsm_core::Timestamp;
use jiff::{
    Timestamp as Instant,
    civil::{Date, DateTime, Time},
    tz::Offset,
};
use serde::{Deserialize, Serialize};

/// Instants of [`ScheduleConfig::At`].
pub const SEASON_INSTANTS_MAX: usize = 1_000;
/// Days of one season of [`ScheduleConfig::Days`].
pub const SEASON_DAYS_MAX: u32 = 3_660;
/// How often a cron schedule may start a season on one day: every 15 minutes.
pub const SEASON_STARTS_PER_DAY_MAX: usize = 96;
/// No season starts later than this after a schedule's `from`; the last one stays open.
pub const SEASON_HORIZON_YEARS: i64 = 100;

/// The years in which a schedule may begin, as an operator is told.
const FROM_ALLOWED: &str = "use a time of the years 1970 to 2199";
const FROM_YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;
/// Milliseconds since 1970 between which all seasons of all schedules start, with room: 1969 to 2301.
const BEFORE_ALL_MS: i64 = -366 * 86_400_000;
const AFTER_ALL_MS: i64 = 10_450_000_000_000;
/// How far a wall clock's date may run from the order of instants, with a wide margin: date lines moved by a day.
const DATE_SLACK_DAYS: i64 = 3;

/// When seasons start, as configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum ScheduleConfig {
    /// By the wall clock of a time zone.
    Cron {
        /// Five fields: minute, hour, day of month, month, day of week, as in crontab(5). A season starts at each
        /// time that matches. At most [`CRON_CHARS_MAX`](super::CRON_CHARS_MAX) characters.
        expression: String,
        /// A name of the IANA database such as `Europe/Paris`, or an offset such as `+05:30`.
        #[serde(default = "utc")]
        zone: String,
        /// Season 1 starts at the first match at or after this instant, such as `2026-01-01T00:00:00Z`.
        from: String,
    },
    /// At given instants; the last season stays open.
    At {
        /// Ascending, 1 to [`SEASON_INSTANTS_MAX`], such as `2026-03-01T09:00:00+09:00`.
        starts_at: Vec<String>,
    },
    /// Every few days, at the same time by the wall clock of a time zone.
    Days {
        /// Days of a season, 1 to [`SEASON_DAYS_MAX`].
        every: u32,
        /// A name of the IANA database such as `Europe/Paris`, or an offset such as `+05:30`.
        #[serde(default = "utc")]
        zone: String,
        /// When season 1 starts, by the wall clock, such as `2026-01-05T09:00`.
        from: String,
    },
}

fn utc() -> String {
    "UTC".into()
}

/// One season: the instants `starts_at <= t < ends_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Season {
    /// From 1.
    pub number: u64,
    /// The first instant of the season.
    pub starts_at: Timestamp,
    /// The first instant of the next season; `None` if no other follows.
    pub ends_at: Option<Timestamp>,
}

/// A checked [`ScheduleConfig`].
///
/// With the same configuration and the same time zone database, season `k` is the same interval at every call.
/// Another configuration numbers anew, so callers store the number of a season that they have begun.
#[derive(Debug, Clone)]
pub struct Schedule(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Cron { cron: Cron, zone: Zone, from: Instant },
    At(Vec<Instant>),
    Days { every: i64, zone: Zone, from: DateTime },
}

/// The starts of seasons around an instant.
#[derive(Debug, Default)]
struct Around {
    /// How many are not later.
    count: u64,
    /// The latest of these.
    last: Option<Instant>,
    /// The first later one.
    next: Option<Instant>,
}

impl Schedule {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The first setting that is not allowed, with its path (such as `cron.zone`) and what is allowed.
    pub fn new(config: &ScheduleConfig) -> Result<Self, Invalid> {
        Ok(Self(match config {
            ScheduleConfig::Cron { expression, zone, from } => {
                let cron = Cron::parse("cron.expression", expression)?;
                let starts = cron.times().len();
                if starts > SEASON_STARTS_PER_DAY_MAX {
                    let problem =
                        format!("starts {starts} seasons a day; at most {SEASON_STARTS_PER_DAY_MAX}");
                    return Err(Invalid::new("cron.expression", problem));
                }
                let zone = Zone::parse("cron.zone", zone)?;
                Kind::Cron { cron, zone, from: instant("cron.from", from)? }
            }
            ScheduleConfig::At { starts_at } => {
                Invalid::unless_within("at.starts_at (length)", starts_at.len(), 1..=SEASON_INSTANTS_MAX)?;
                let mut starts: Vec<Instant> = Vec::with_capacity(starts_at.len());
                for (index, text) in starts_at.iter().enumerate() {
                    let path = format!("at.starts_at[{index}]");
                    let start = instant(&path, text)?;
                    if starts.last().is_some_and(|&last| last >= start) {
                        let problem = format!("`{text}` is not later than the one before; sort them");
                        return Err(Invalid::new(path, problem));
                    }
                    starts.push(start);
                }
                Kind::At(starts)
            }
            ScheduleConfig::Days { every, zone, from } => {
                Invalid::unless_within("days.every", *every, 1..=SEASON_DAYS_MAX)?;
                let zone = Zone::parse("days.zone", zone)?;
                let wall = from.parse::<DateTime>().ok().filter(|wall| FROM_YEARS.contains(&wall.year()));
                let from = wall.ok_or_else(|| not_a_start("days.from", from, "2026-01-05T09:00"))?;
                Kind::Days { every: i64::from(*every), zone, from: whole_seconds(from) }
            }
        }))
    }

    /// The season that `now` belongs to; `None` before the first. Cost: O(1) by days, O(log n) by instants; by
    /// cron it grows with the days since `from`, to about 0.1 ms after ten years: callers keep the answer until
    /// the season's end.
    #[must_use]
    pub fn season_at(&self, now: Timestamp) -> Option<Season> {
        let around = self.around(clamped(now));
        let starts_at = shared(around.last?);
        Some(Season { number: around.count, starts_at, ends_at: around.next.map(shared) })
    }

    /// Season `number`; `None` if there is none. Costs some forty times [`season_at`](Self::season_at).
    #[must_use]
    pub fn season(&self, number: u64) -> Option<Season> {
        let count = |millis| self.around(clamped(Timestamp::from_millis(millis))).count;
        let (mut low, mut high) = (BEFORE_ALL_MS, AFTER_ALL_MS);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if count(middle) >= number { high = middle } else { low = middle }
        }
        self.season_at(Timestamp::from_millis(high)).filter(|season| season.number == number)
    }

    fn around(&self, now: Instant) -> Around {
        match &self.0 {
            Kind::At(starts) => {
                let count = starts.partition_point(|&start| start <= now);
                let last = count.checked_sub(1).and_then(|index| starts.get(index)).copied();
                Around { count: count as u64, last, next: starts.get(count).copied() }
            }
            Kind::Days { every, zone, from } => around_days(*every, zone, *from, now).unwrap_or_default(),
            Kind::Cron { cron, zone, from } => Walk::new(cron, zone, *from, now).run(),
        }
    }
}

/// `None` before the first season. Where a date line moves, a season of a day that never was has no length.
fn around_days(every: i64, zone: &Zone, from: DateTime, now: Instant) -> Option<Around> {
    let horizon = later_by_years(zone.instant(from)?, SEASON_HORIZON_YEARS)?;
    let start = |index: i64| {
        let day =
            from.date().checked_add(jiff::Span::new().try_days(index.checked_mul(every)?).ok()?).ok()?;
        zone.instant(day.to_datetime(from.time())).filter(|&start| start < horizon)
    };
    let days = days_between(from.date(), zone.wall(now.min(horizon)).date()).saturating_add(DATE_SLACK_DAYS);
    let mut index = days.div_euclid(every).max(-1);
    let is_begun = |index| start(index).is_some_and(|start| start <= now);
    while index >= 0 && !is_begun(index) {
        index -= 1;
    }
    let count = u64::try_from(index.saturating_add(1)).ok()?;
    Some(Around { count, last: if index < 0 { None } else { start(index) }, next: start(index + 1) })
}

/// A walk over the days since the first season, counting starts. Days far from any clock change and from `now`
/// have as many starts as the expression has times; only the others are looked at minute by minute.
struct Walk<'a> {
    cron: &'a Cron,
    zone: &'a Zone,
    from: Instant,
    now: Instant,
    found: Around,
    /// The day of the last start, where only counted.
    counted: Option<Date>,
}

impl<'a> Walk<'a> {
    fn new(cron: &'a Cron, zone: &'a Zone, from: Instant, now: Instant) -> Self {
        Self { cron, zone, from, now, found: Around::default(), counted: None }
    }

    fn run(mut self) -> Around {
        // Only the ends of the calendar give none, and `from` is far from these.
        self.walk();
        if let (Some(day), Some(&(hour, minute))) = (self.counted, self.cron.times().last()) {
            self.found.last = self.zone.instant(day.at(hour, minute, 0, 0));
        }
        self.found
    }

    fn walk(&mut self) -> Option<()> {
        let horizon = later_by_years(self.from, SEASON_HORIZON_YEARS)?;
        let last_day = self.zone.wall(horizon).date();
        self.now = self.now.min(horizon);
        let near_now = self.zone.wall(self.now).date().checked_sub(days(DATE_SLACK_DAYS)?).ok()?;
        let first_day = self.zone.wall(self.from).date().checked_sub(days(DATE_SLACK_DAYS)?).ok()?;
        let near_from = first_day.checked_add(days(2 * DATE_SLACK_DAYS)?).ok()?;
        let mut change = Change::after(self.zone, self.zone.instant(first_day.to_datetime(Time::MIN))?);
        let mut day = first_day;
        while day <= last_day && self.found.next.is_none() {
            while change.as_ref().is_some_and(|change| change.last_day < day) {
                change = change.and_then(|change| Change::after(self.zone, change.at));
            }
            if self.cron.matches(day) {
                let near_change = change.as_ref().is_some_and(|change| change.first_day <= day);
                if near_change || day <= near_from || day >= near_now {
                    self.look_at(day, horizon)?;
                } else {
                    self.found.count += self.cron.times().len() as u64;
                    self.counted = Some(day);
                }
            }
            day = day.tomorrow().ok()?;
        }
        Some(())
    }

    fn look_at(&mut self, day: Date, horizon: Instant) -> Option<()> {
        for &(hour, minute) in self.cron.times() {
            let start = self.zone.instant(day.at(hour, minute, 0, 0))?;
            // Times that a clock change skips fall on the same instant: one season.
            if start < self.from || start >= horizon || self.found.last == Some(start) {
                continue;
            }
            if start > self.now {
                self.found.next = Some(start);
                break;
            }
            self.found.count += 1;
            self.found.last = Some(start);
            self.counted = None;
        }
        Some(())
    }
}

/// A clock change and the dates that it touches.
struct Change {
    at: Instant,
    first_day: Date,
    last_day: Date,
}

impl Change {
    fn after(zone: &Zone, at: Instant) -> Option<Self> {
        let at = zone.change_after(at)?;
        let before = zone.wall(Instant::from_second(at.as_second().checked_sub(1)?).ok()?).date();
        let after = zone.wall(at).date();
        Some(Self { at, first_day: before.min(after), last_day: before.max(after) })
    }
}

fn days(n: i64) -> Option<jiff::Span> {
    jiff::Span::new().try_days(n).ok()
}

fn days_between(from: Date, to: Date) -> i64 {
    to.since(from).map_or(0, |span| i64::from(span.get_days()))
}

/// By years of 365.2425 days, the mean of the calendar.
fn later_by_years(at: Instant, years: i64) -> Option<Instant> {
    Instant::from_second(at.as_second().checked_add(years.checked_mul(31_556_952)?)?).ok()
}

fn whole_seconds(wall: DateTime) -> DateTime {
    wall.date().at(wall.hour(), wall.minute(), wall.second(), 0)
}

fn instant(path: &str, text: &str) -> Result<Instant, Invalid> {
    let at = text.parse::<Instant>().ok().and_then(|at| Instant::from_second(at.as_second()).ok());
    let at = at.filter(|at| FROM_YEARS.contains(&Offset::UTC.to_datetime(*at).year()));
    at.ok_or_else(|| not_a_start(path, text, "2026-01-01T00:00:00Z"))
}

fn not_a_start(path: &str, text: &str, example: &str) -> Invalid {
    let shown: String = text.chars().take(64).collect();
    Invalid::new(path, format!("`{shown}` is not allowed; {FROM_ALLOWED}, written like `{example}`"))
}

/// The same answers as at any earlier or later time, and far from the ends of the calendar.
fn clamped(at: Timestamp) -> Instant {
    const YEAR_1969: i64 = -31_536_000_000;
    const YEAR_2400: i64 = 13_569_465_600_000;
    Instant::from_millisecond(at.as_millis().clamp(YEAR_1969, YEAR_2400)).unwrap_or(Instant::UNIX_EPOCH)
}

fn shared(at: Instant) -> Timestamp {
    Timestamp::from_millis(at.as_millisecond())
}
