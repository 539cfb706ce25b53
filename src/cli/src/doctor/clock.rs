//! The clock: set, not before what the data directory tells of, and kept by somebody.
use super::{Finding, Verdict};
use gsm_adapters::AuditDir;
use gsm_core::Timestamp;
use std::{fs, path::Path, time::Duration};

const CHECK: &str = "clock";
/// A clock that was never set stands before the year in which this was written.
const YEAR_2025_MS: i64 = 1_735_689_600_000;
/// So much clocks differ.
const TOLERANCE_MS: i64 = 5_000;
/// A server that was down for longer is looked at by somebody.
const DOWN_MS: i64 = 7 * 24 * 3_600_000;
/// The files of the store.
const STORE: [&str; 2] = ["journal.redb", "tables.redb"];
/// A clock that may be off by more refuses tokens that are good.
const ERROR_MAX: Duration = Duration::from_millis(500);

#[expect(clippy::disallowed_methods, reason = "looks at the clock itself")]
pub(super) fn since_1970() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// Whether it may be right, by what the data directory tells of the past.
pub(super) fn set(data_dir: &Path) -> Finding {
    let now = i64::try_from(since_1970().as_millis()).unwrap_or(i64::MAX);
    judged(now, newest(data_dir))
}

/// The last thing that the data directory tells of, and when that was.
fn newest(data_dir: &Path) -> Option<(&'static str, i64)> {
    let record = gsm_audit::last_time(&AuditDir::beside(data_dir)).ok().flatten();
    let record = record.map(|at| ("the last record of the audit log", at.as_millis()));
    let written = STORE.iter().filter_map(|file| {
        let at = fs::metadata(data_dir.join(file)).ok()?.modified().ok()?;
        let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(("the last change of the store", i64::try_from(since.as_millis()).ok()?))
    });
    written.chain(record).max_by_key(|(_, at)| *at)
}

fn judged(now: i64, newest: Option<(&'static str, i64)>) -> Finding {
    let bad = |verdict, found: String| {
        Finding::bad(CHECK, verdict, found, "set the clock, run an NTP client (docs/security.md, Time)")
    };
    if now < YEAR_2025_MS {
        return bad(Verdict::Fail, "stands before 2025".to_owned());
    }
    let shown = format!("{} s since 1970", now / 1_000);
    let Some((what, at)) = newest else { return Finding::ok(CHECK, shown) };
    let later = now.saturating_sub(at);
    let told = format!(
        "{shown}, {} {} {what} ({})",
        span(later),
        if later < 0 { "before" } else { "after" },
        date(at)
    );
    if later < -TOLERANCE_MS {
        bad(Verdict::Fail, told)
    } else if later > DOWN_MS {
        bad(Verdict::Warn, told)
    } else {
        Finding::ok(CHECK, told)
    }
}

fn date(at: i64) -> String {
    let mut text = Vec::new();
    gsm_audit::rfc3339(Timestamp::from_millis(at), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// How long, in the largest unit of which there are some.
fn span(ms: i64) -> String {
    let s = ms.unsigned_abs() / 1_000;
    let units = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    match units.into_iter().find(|(of, _)| s >= 2 * of) {
        Some((of, name)) => format!("{} {name}", s / of),
        None => format!("{s} s"),
    }
}

/// Whether somebody keeps it, as the kernel says.
pub(super) fn kept() -> Finding {
    kept_as(kernel())
}

/// What the kernel says of its clock.
#[derive(Debug, Clone, Copy)]
struct Kept {
    is_synchronized: bool,
    /// How far it may be off.
    error_max: Duration,
}

fn kept_as(kept: Option<Kept>) -> Finding {
    const CHECK: &str = "clock sync";
    let bad = |found: String| {
        let advice =
            "run an NTP client (chrony, systemd-timesyncd) on this machine, or on the one that it runs on";
        Finding::bad(CHECK, Verdict::Warn, found, advice)
    };
    match kept {
        None => Finding::ok(CHECK, "the kernel does not say"),
        Some(Kept { is_synchronized: false, .. }) => bad("nobody keeps the clock".to_owned()),
        Some(Kept { error_max, .. }) if error_max > ERROR_MAX => {
            bad(format!("may be off by {} ms", error_max.as_millis()))
        }
        Some(Kept { error_max, .. }) => {
            Finding::ok(CHECK, format!("kept, off by at most {} ms", error_max.as_millis()))
        }
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no safe crate asks for it")]
fn kernel() -> Option<Kept> {
    // SAFETY: a `timex` is integers alone, of which zeros are one; with `modes` 0 nothing is set.
    let mut told: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: it is written within, and lives until the call has returned.
    let state = unsafe { libc::adjtimex(&raw mut told) };
    (state >= 0).then(|| Kept {
        is_synchronized: told.status & libc::STA_UNSYNC == 0,
        error_max: Duration::from_micros(u64::try_from(told.maxerror).unwrap_or_default()),
    })
}

#[cfg(not(target_os = "linux"))]
fn kernel() -> Option<Kept> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    #[test]
    fn a_clock_is_judged_by_what_was_written_last() {
        let of = |now, at: Option<i64>| judged(now, at.map(|at| ("the last change of the store", at)));
        let check = |now: i64, at: Option<i64>, verdict: Verdict, part: &str| {
            let found = of(now, at);
            assert!(found.verdict == verdict && found.found.contains(part), "{now}: {}", found.found);
        };
        check(1_700_000_000_000, None, Verdict::Fail, "before 2025");
        check(NOW, None, Verdict::Ok, "1800000000 s since 1970");
        check(
            NOW,
            Some(NOW - 90_000),
            Verdict::Ok,
            "90 s after the last change of the store (2027-01-15T07:58:30",
        );
        check(NOW, Some(NOW + 5_000), Verdict::Ok, "5 s before");
        check(NOW, Some(NOW + 5_001), Verdict::Fail, "5 s before");
        check(NOW, Some(NOW + 3 * 3_600_000), Verdict::Fail, "3 hours before");
        check(NOW, Some(NOW - 7 * 86_400_000), Verdict::Ok, "7 days after");
        check(NOW, Some(NOW - 7 * 86_400_000 - 1), Verdict::Warn, "7 days after");
    }

    #[test]
    fn a_clock_that_nobody_keeps_is_warned_of() {
        let of = |is_synchronized, ms| {
            let found = kept_as(Some(Kept { is_synchronized, error_max: Duration::from_millis(ms) }));
            (found.verdict == Verdict::Ok, found.found)
        };
        assert_eq!(of(true, 500), (true, "kept, off by at most 500 ms".to_owned()));
        assert_eq!(of(true, 501), (false, "may be off by 501 ms".to_owned()));
        assert_eq!(of(false, 1), (false, "nobody keeps the clock".to_owned()));
        assert!(kept_as(None).verdict == Verdict::Ok);
    }
}
