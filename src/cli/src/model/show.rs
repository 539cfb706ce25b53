//! Figures and times for people.
use crate::output::{figure, grouped};
use gsm_core::Timestamp;
use gsm_ml::Figures;

/// `2026-11-27T07:00:00Z`; seconds since 1970 where the calendar ends, which it does a day before the year 9999.
pub(super) fn since(at: Timestamp) -> String {
    let millis = at.as_millis();
    jiff::Timestamp::from_millisecond(millis).map_or_else(
        |_| format!("{} s", millis.div_euclid(1_000)),
        |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

/// The head of a table of figures.
pub(super) fn head(first: &str) -> Vec<String> {
    [first, "matches", "accuracy", "log_loss", "brier", "ece"].map(str::to_owned).to_vec()
}

/// Columns that are numbers.
pub(super) const RIGHT: [bool; 6] = [false, true, true, true, true, true];

/// A row of that table.
pub(super) fn figures(name: &str, of: Option<&Figures>) -> Vec<String> {
    vec![
        name.to_owned(),
        grouped(of.map_or(0, |of| of.matches)),
        figure(of.and_then(|of| of.accuracy)),
        figure(of.map(|of| of.log_loss)),
        figure(of.map(|of| of.brier)),
        figure(of.and_then(|of| of.ece)),
    ]
}

/// One line a figure, as SageMaker finds metrics in a log.
pub(crate) fn figure_line(of: &Figures) -> Vec<String> {
    let mut lines = vec![
        format!("validation:log_loss={}", of.log_loss),
        format!("validation:brier={}", of.brier),
        format!("validation:matches={}", of.matches),
    ];
    lines.extend(of.accuracy.map(|value| format!("validation:accuracy={value}")));
    lines.extend(of.ece.map(|value| format!("validation:ece={value}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::since;
    use gsm_core::Timestamp;

    #[test]
    fn every_instant_is_shown() {
        let shown = [0, 1_700_000_000_999, 253_402_300_799_000, -253_402_300_799_000, i64::MIN]
            .map(|at| since(Timestamp::from_millis(at)));
        let [begin, some, last, first, least] = &shown;
        assert_eq!((begin.as_str(), some.as_str()), ("1970-01-01T00:00:00Z", "2023-11-14T22:13:20Z"));
        assert_eq!((last.as_str(), least.as_str()), ("253402300799 s", "-9223372036854776 s"));
        assert!(first.ends_with('Z'), "{first}");
    }
}
