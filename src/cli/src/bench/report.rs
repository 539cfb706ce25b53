//! Figures, and how they are shown.
use crate::output::{Outcome, grouped, print_json, print_table};
use serde::Serialize;
use std::fmt::Write as _;

/// One measured number.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) name: &'static str,
    /// The number.
    pub(crate) value: f64,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// What the project wants: at most, or at least; or nothing, where it is for comparison.
    pub(crate) goal: Option<Goal>,
}

/// What a figure must reach.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    pub(crate) fn new(name: &'static str, value: f64, unit: &'static str) -> Self {
        Self { name, value, unit, goal: None }
    }
    pub(crate) fn at_least(self, goal: f64) -> Self {
        Self { goal: Some(Goal::AtLeast(goal)), ..self }
    }
    pub(crate) fn at_most(self, goal: f64) -> Self {
        Self { goal: Some(Goal::AtMost(goal)), ..self }
    }
    fn reached(&self) -> Option<bool> {
        self.goal.map(|goal| match goal {
            Goal::AtLeast(least) => self.value >= least,
            Goal::AtMost(most) => self.value <= most,
        })
    }
    fn cells(&self) -> [String; 4] {
        let goal = match self.goal {
            Some(Goal::AtLeast(least)) => format!("≥ {}", number(least)),
            Some(Goal::AtMost(most)) => format!("≤ {}", number(most)),
            None => String::new(),
        };
        let reached = match self.reached() {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        [self.name.to_owned(), format!("{} {}", number(self.value), self.unit), goal, reached.to_owned()]
    }
}

/// Three digits of a small number, none behind the point of a large one.
fn number(value: f64) -> String {
    if value >= 100.0 {
        grouped(value.round() as u64)
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// All figures of a run.
pub(crate) struct Report {
    figures: Vec<Figure>,
}

impl Report {
    pub(crate) fn new(figures: Vec<Figure>) -> Self {
        Self { figures }
    }

    pub(crate) fn print(&self, json: bool) -> Outcome {
        if json {
            return print_json(&self.figures);
        }
        let head = ["measured", "value", "goal", "reached"].map(str::to_owned).to_vec();
        let rows: Vec<Vec<String>> =
            std::iter::once(head).chain(self.figures.iter().map(|f| f.cells().to_vec())).collect();
        print_table(&rows, &[false, true, true]);
        Ok(())
    }

    pub(crate) fn markdown(&self) -> String {
        let mut out = String::from("| measured | value | goal | reached |\n|---|---:|---:|---|\n");
        for figure in &self.figures {
            let _ = writeln!(out, "| {} |", figure.cells().join(" | "));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        let all = [0.123, 1.5, 12.34, 123.4, 1234.0, 1_234_567.8].map(number);
        assert_eq!(all, ["0.12", "1.50", "12.3", "123", "1,234", "1,234,568"]);
    }

    #[test]
    fn goals_are_met_or_not() {
        assert_eq!(Figure::new("x", 2.0, "").at_least(2.0).reached(), Some(true));
        assert_eq!(Figure::new("x", 2.0, "").at_most(1.9).reached(), Some(false));
        assert_eq!(Figure::new("x", 2.0, "").reached(), None);
    }
}
