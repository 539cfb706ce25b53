//! Figures and times for people.
use crate::output::{Failure, figure, grouped};
use gsm_core::Timestamp;
use gsm_ml::Figures;

/// `2026-11-27T07:00:00Z`.
pub(super) fn since(at: Timestamp) -> Result<String, Failure> {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).map_err(Failure::failed)?;
    Ok(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
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
