use gsm_core::{Millis, Timestamp};
use gsm_ranking::season::{Schedule, ScheduleConfig, Season};
use jiff::{civil::DateTime, tz::TimeZone};
use proptest::{prelude::*, sample::select};

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;

fn at(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn cron(expression: &str, zone: &str, from: Timestamp) -> ScheduleConfig {
    let from = jiff::Timestamp::from_millisecond(from.as_millis()).unwrap().to_string();
    ScheduleConfig::Cron { expression: expression.into(), zone: zone.into(), from }
}

fn days(every: u32, zone: &str, from: &str) -> ScheduleConfig {
    ScheduleConfig::Days { every, zone: zone.into(), from: from.into() }
}

fn instants(starts_at: &[&str]) -> ScheduleConfig {
    ScheduleConfig::At { starts_at: starts_at.iter().map(|&text| text.into()).collect() }
}

fn season_at(config: &ScheduleConfig, now: &str) -> Option<Season> {
    Schedule::new(config).unwrap().season_at(at(now))
}

fn check(config: &ScheduleConfig, now: &str, number: u64, starts_at: &str, ends_at: &str) {
    let season = Season { number, starts_at: at(starts_at), ends_at: Some(at(ends_at)) };
    assert_eq!(season_at(config, now), Some(season));
}

fn refused(config: &ScheduleConfig, text: &str) {
    let refused = Schedule::new(config).unwrap_err().to_string();
    assert!(refused.starts_with(text), "{refused}");
}

#[test]
fn monthly_in_paris_keeps_the_wall_clock_over_the_change() {
    let config = cron("0 9 1 * *", "Europe/Paris", at("2026-01-01T00:00:00Z"));
    check(&config, "2026-03-15T00:00:00Z", 3, "2026-03-01T08:00:00Z", "2026-04-01T07:00:00Z");
    check(&config, "2026-04-01T07:00:00Z", 4, "2026-04-01T07:00:00Z", "2026-05-01T07:00:00Z");
    check(&config, "2027-01-01T07:59:59.999Z", 12, "2026-12-01T08:00:00Z", "2027-01-01T08:00:00Z");
    assert_eq!(season_at(&config, "2026-01-01T07:59:59Z"), None);
}

#[test]
fn a_leap_day_comes_after_eight_years_too() {
    let config = cron("0 0 29 2 *", "UTC", at("2090-01-01T00:00:00Z"));
    check(&config, "2100-06-01T00:00:00Z", 2, "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z");
}

/// The first season that starts after `now`.
fn next_after(schedule: &Schedule, now: Timestamp) -> Option<Season> {
    match schedule.season_at(now) {
        Some(season) => schedule.season_at(season.ends_at?),
        None => schedule.season(1),
    }
}

#[test]
fn the_last_season_before_the_horizon_stays_open() {
    for config in [
        cron("0 0 * * *", "Europe/Paris", at("2025-12-31T23:00:00Z")),
        days(1, "Europe/Paris", "2026-01-01T00:00"),
    ] {
        let schedule = Schedule::new(&config).unwrap();
        let last = schedule.season_at(Timestamp::from_millis(i64::MAX)).unwrap();
        assert_eq!((last.number, last.ends_at), (36_525, None), "{last:?}");
        assert_eq!(schedule.season(last.number), Some(last));
        assert_eq!(schedule.season(0).or(schedule.season(last.number + 1)), None);
        assert_eq!(schedule.season_at(Timestamp::from_millis(i64::MIN)), None);
        assert_eq!(schedule.season(1).map(|first| first.number), Some(1));
    }
}

#[test]
fn a_fortnight_is_counted_in_days_of_the_zone() {
    let config = days(14, "America/New_York", "2026-03-01T12:00");
    check(&config, "2026-03-10T00:00:00Z", 1, "2026-03-01T17:00:00Z", "2026-03-15T16:00:00Z");
    check(&config, "2026-03-15T16:00:00Z", 2, "2026-03-15T16:00:00Z", "2026-03-29T16:00:00Z");
    let schedule = Schedule::new(&config).unwrap();
    assert_eq!(schedule.season(2), schedule.season_at(at("2026-03-20T00:00:00Z")));
}

#[test]
fn given_instants_leave_the_last_season_open() {
    let config = instants(&["2026-01-01T00:00:00Z", "2026-03-01T09:00:00+09:00"]);
    check(&config, "2026-02-01T00:00:00Z", 1, "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z");
    let last = Season { number: 2, starts_at: at("2026-03-01T00:00:00Z"), ends_at: None };
    assert_eq!(season_at(&config, "2026-03-01T00:00:00Z"), Some(last));
    assert_eq!(season_at(&config, "2025-12-31T23:59:59Z"), None);
}

#[test]
fn a_refusal_says_where_and_what_is_allowed() {
    let new_year = at("2026-01-01T00:00:00Z");
    refused(
        &cron("0 0 1 13 *", "UTC", new_year),
        "`cron.expression`: month `13` is not allowed; use 1 to 12",
    );
    refused(&cron("0 0 1 * *", "Mars", new_year), "`cron.zone`: unknown time zone `Mars`");
    refused(
        &cron("*/10 * * * *", "UTC", new_year),
        "`cron.expression`: starts 144 seasons a day; at most 96",
    );
    refused(
        &cron("0 0 1 * *", "UTC", at("1960-01-01T00:00:00Z")),
        "`cron.from`: `1960-01-01T00:00:00Z` is not",
    );
    refused(&days(0, "UTC", "2026-01-05T09:00"), "`days.every`: `0` is not allowed; use 1 to 3660");
    refused(&days(3_661, "UTC", "2026-01-05T09:00"), "`days.every`: `3661` is not allowed");
    refused(
        &days(7, "UTC", "2026-01-05T09:00Z"),
        "`days.from`: `2026-01-05T09:00Z` is not allowed; use a time of",
    );
    refused(&instants(&[]), "`at.starts_at (length)`: `0` is not allowed; use 1 to 1000");
    refused(
        &instants(&["2026-01-01T00:00:00Z"; 2]),
        "`at.starts_at[1]`: `2026-01-01T00:00:00Z` is not later",
    );
    refused(&instants(&["soon"]), "`at.starts_at[0]`: `soon` is not allowed");
}

#[test]
fn a_configuration_is_text_and_unknown_settings_are_refused() {
    let read = |text: &str| serde_json::from_str::<ScheduleConfig>(text);
    let plain = read(r#"{"cron":{"expression":"0 9 1 * *","from":"2026-01-01T00:00:00Z"}}"#).unwrap();
    assert_eq!(plain, cron("0 9 1 * *", "UTC", at("2026-01-01T00:00:00Z")));
    assert_eq!(read(&serde_json::to_string(&plain).unwrap()).unwrap(), plain);
    assert!(read(r#"{"days":{"every":7,"from":"2026-01-05T09:00","zoen":"UTC"}}"#).is_err());
}

/// Every start from `from` to `until`, by looking at each minute: a wall-clock time has come when the wall shows it
/// or a later one for the first time.
fn starts_by_minutes(zone: &str, from: i64, until: i64, matches: impl Fn(DateTime) -> bool) -> Vec<i64> {
    let zone = TimeZone::get(zone).unwrap();
    let wall = |at: i64| zone.to_datetime(jiff::Timestamp::from_millisecond(at).unwrap());
    let minute = jiff::Span::new().minutes(1);
    // Before `from`, so that a time which comes a second time after `from` is not new.
    let mut seen = wall(from - 3 * DAY);
    let mut starts = Vec::new();
    for at in (from - 3 * DAY..=until).step_by(MINUTE as usize) {
        let (now, mut is_start) = (wall(at), false);
        while seen < now {
            seen = seen.checked_add(minute).unwrap();
            is_start |= matches(seen);
        }
        if is_start && at >= from {
            starts.push(at);
        }
    }
    starts
}

/// Zones and the days around which their clocks change, by an hour, by half an hour, at midnight, by a whole day.
fn changes() -> impl Strategy<Value = (&'static str, Timestamp)> {
    select(vec![
        ("UTC", "2026-03-29T00:00:00Z"),
        ("Europe/Paris", "2026-03-29T01:00:00Z"),
        ("Europe/Paris", "2026-10-25T01:00:00Z"),
        ("America/New_York", "2026-11-01T06:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
        ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
        ("America/Sao_Paulo", "2018-02-18T02:00:00Z"),
        ("Asia/Kathmandu", "2026-01-01T00:00:00Z"),
        ("Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("Pacific/Kwajalein", "1993-08-21T12:00:00Z"),
    ])
    .prop_map(|(zone, around)| (zone, at(around)))
}

/// Expressions, and the same said in code.
type Expression = (&'static str, fn(DateTime) -> bool);
fn expressions() -> impl Strategy<Value = Expression> {
    let expressions: [Expression; 5] = [
        ("*/30 * * * *", |wall| wall.minute() % 30 == 0),
        ("15 0-3,23 * * *", |wall| wall.minute() == 15 && (wall.hour() < 4 || wall.hour() == 23)),
        ("0 0 * * *", |wall| (wall.hour(), wall.minute()) == (0, 0)),
        ("30 2 * * sun,sat", |wall| {
            (wall.hour(), wall.minute()) == (2, 30)
                && [0, 6].contains(&wall.date().weekday().to_sunday_zero_offset())
        }),
        ("0 1 1,29 * 5", |wall| {
            let date = wall.date();
            (wall.hour(), wall.minute()) == (1, 0)
                && ([1, 29].contains(&date.day()) || date.weekday().to_sunday_zero_offset() == 5)
        }),
    ];
    select(expressions.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn cron_seasons_are_those_of_a_look_at_every_minute(
        (zone, around) in changes(),
        (text, matches) in expressions(),
        before in 0..12 * 1_440i64,
        asked in proptest::collection::vec(-2 * 1_440..14 * 1_440i64, 20),
    ) {
        let from = around.as_millis() - before * MINUTE;
        let until = around.as_millis() + 35 * DAY;
        let starts = starts_by_minutes(zone, from, until, matches);
        let schedule = Schedule::new(&cron(text, zone, Timestamp::from_millis(from))).unwrap();
        for minutes in asked {
            let now = around.as_millis() + (minutes - 1_440) * MINUTE - minutes % 2;
            let count = starts.partition_point(|&start| start <= now);
            let start = |index: usize| Timestamp::from_millis(starts[index]);
            let season = |count: usize| Season {
                number: count as u64,
                starts_at: start(count - 1),
                ends_at: Some(start(count)),
            };
            let asked = Timestamp::from_millis(now);
            prop_assert_eq!(schedule.season_at(asked), (count > 0).then(|| season(count)), "{}", asked.as_millis());
            prop_assert_eq!(next_after(&schedule, asked), Some(season(count + 1)));
        }
    }

    #[test]
    fn seasons_are_gapless_ordered_and_the_same_at_any_time_of_theirs(
        (zone, around) in changes(),
        kind in 0..3,
        every in 2..40u32,
        late in 0..36_000i64,
        share in 0.0..1.0f64,
    ) {
        let wall = TimeZone::get(zone).unwrap()
            .to_datetime(jiff::Timestamp::from_millisecond(around.as_millis()).unwrap());
        let config = match kind {
            0 => days(every, zone, &wall.to_string()),
            1 => cron("30 2 * * 0", zone, around),
            _ => cron("0 0 1 */3 *", zone, around),
        };
        let schedule = Schedule::new(&config).unwrap();
        let mut now = around.saturating_add(Millis::new(late as u64 * DAY as u64));
        let mut before = schedule.season_at(now);
        for _ in 0..5 {
            let next = next_after(&schedule, now).unwrap();
            prop_assert!(next.starts_at > now);
            prop_assert_eq!(schedule.season_at(next.starts_at), Some(next));
            prop_assert_eq!(next.number, before.map_or(0, |season| season.number) + 1);
            if let Some(before) = before {
                prop_assert_eq!(before.ends_at, Some(next.starts_at));
            }
            let length = next.ends_at.unwrap().since(next.starts_at).get();
            now = next.starts_at.saturating_add(Millis::new((length as f64 * share) as u64));
            prop_assert_eq!(schedule.season_at(now), Some(next));
            before = Some(next);
        }
    }
}
