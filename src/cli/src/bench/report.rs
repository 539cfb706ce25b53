//! Figures, and how they are shown.
use crate::output::{Outcome, grouped, print_json, print_table};
use serde::{Serialize, Serializer, ser::SerializeStruct as _};
use std::fmt::Write as _;

/// One measured number.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// What was measured.
    name: String,
    /// The number.
    value: f64,
    /// Its unit; of one that ends with `/s` more is better, of others less.
    unit: &'static str,
    /// What stands beside it, in the same unit.
    beside: Option<Beside>,
    /// What the project wants; nothing, where it is for comparison.
    goal: Option<Goal>,
}

/// A number to compare with.
#[derive(Debug, Clone, Serialize)]
struct Beside {
    /// Whose it is.
    name: String,
    value: f64,
}

/// What a figure must reach.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// So many times better than what stands beside it.
    TimesBetter(f64),
    /// No more than so many times what stands beside it.
    AtMostTimes(f64),
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, beside: None, goal: None }
    }
    pub(crate) fn at_least(self, goal: f64) -> Self {
        Self { goal: Some(Goal::AtLeast(goal)), ..self }
    }
    pub(crate) fn at_most(self, goal: f64) -> Self {
        Self { goal: Some(Goal::AtMost(goal)), ..self }
    }
    /// With a number of somebody else, in the same unit.
    pub(crate) fn beside(self, name: impl Into<String>, value: f64) -> Self {
        Self { beside: Some(Beside { name: name.into(), value }), ..self }
    }
    /// The goal is to be so many times better than what stands beside it.
    pub(crate) fn times_better(self, goal: f64) -> Self {
        Self { goal: Some(Goal::TimesBetter(goal)), ..self }
    }
    /// The goal is to be no more than so many times what stands beside it.
    pub(crate) fn at_most_times(self, goal: f64) -> Self {
        Self { goal: Some(Goal::AtMostTimes(goal)), ..self }
    }

    /// By what the number is to be judged, where something stands beside it: how many times better it is, or how many
    /// times as much where that is what the goal asks.
    fn times(&self) -> Option<f64> {
        let beside = self.beside.as_ref()?.value;
        let is_part = matches!(self.goal, Some(Goal::AtMostTimes(_)));
        Some(if is_part || self.unit.ends_with("/s") { self.value / beside } else { beside / self.value })
    }

    /// Whether the goal is met. A goal beside a number that could not be measured is neither met nor missed.
    fn reached(&self) -> Option<bool> {
        Some(match self.goal? {
            Goal::AtLeast(least) => self.value >= least,
            Goal::AtMost(most) => self.value <= most,
            Goal::TimesBetter(least) => self.times()? >= least,
            Goal::AtMostTimes(most) => self.times()? <= most,
        })
    }

    /// Name, value, what stands beside it, times, goal, reached.
    fn cells(&self) -> [String; 6] {
        let goal = self.goal.map_or_else(String::new, |goal| match goal {
            Goal::AtLeast(least) => format!("≥ {}", number(least)),
            Goal::AtMost(most) => format!("≤ {}", number(most)),
            Goal::TimesBetter(least) => format!("≥ {least}×"),
            Goal::AtMostTimes(most) => format!("≤ {most}×"),
        });
        let reached = self.reached().map_or("", |reached| if reached { "yes" } else { "no" });
        let shown = |value: f64| format!("{} {}", number(value), self.unit).trim_end().to_owned();
        let beside = self.beside.as_ref().map(|beside| format!("{}: {}", beside.name, shown(beside.value)));
        let times = self.times().map(|times| format!("{}×", number(times)));
        [
            self.name.clone(),
            shown(self.value),
            beside.unwrap_or_default(),
            times.unwrap_or_default(),
            goal,
            reached.to_owned(),
        ]
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_struct("Figure", 7)?;
        all.serialize_field("name", &self.name)?;
        all.serialize_field("value", &self.value)?;
        all.serialize_field("unit", self.unit)?;
        all.serialize_field("beside", &self.beside)?;
        all.serialize_field("times", &self.times())?;
        all.serialize_field("goal", &self.goal)?;
        all.serialize_field("reached", &self.reached())?;
        all.end()
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

    /// Head and rows; two columns fewer where nothing stands beside anything.
    fn table(&self) -> Vec<Vec<String>> {
        let head = ["measured", "value", "beside it", "times", "goal", "reached"].map(str::to_owned);
        let has_beside = self.figures.iter().any(|figure| figure.beside.is_some());
        std::iter::once(head)
            .chain(self.figures.iter().map(Figure::cells))
            .map(|[name, value, beside, times, goal, reached]| {
                if has_beside {
                    vec![name, value, beside, times, goal, reached]
                } else {
                    vec![name, value, goal, reached]
                }
            })
            .collect()
    }

    pub(crate) fn print(&self, json: bool) -> Outcome {
        if json {
            return print_json(&self.figures);
        }
        print_table(&self.table(), &[false, true, true, true, true]);
        Ok(())
    }

    pub(crate) fn markdown(&self) -> String {
        let mut out = String::new();
        for (nth, row) in self.table().iter().enumerate() {
            let _ = writeln!(out, "| {} |", row.join(" | "));
            if nth == 0 {
                let _ = writeln!(out, "|---|{}---|", "---:|".repeat(row.len() - 2));
            }
        }
        out
    }
}

/// `text` with what stands between the markers of `section` replaced; with the section at its end if it has none.
pub(crate) fn with_section(text: &str, section: &str, content: &str) -> String {
    let (open, close) = (format!("<!-- {section} -->\n"), format!("<!-- end of {section} -->\n"));
    let found = text.find(&open).map(|at| at + open.len());
    let found = found.and_then(|from| Some((from, from + text.get(from..)?.find(&close)?)));
    match found.and_then(|(from, to)| Some((text.get(..from)?, text.get(to..)?))) {
        Some((before, after)) => format!("{before}{content}{after}"),
        None => {
            let gap = if text.is_empty() || text.ends_with("\n\n") { "" } else { "\n" };
            format!("{text}{gap}{open}{content}{close}")
        }
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
        let (time, rate) = (Figure::new("x", 2.0, "ns"), Figure::new("x", 2.0, "/s"));
        assert_eq!(time.clone().at_least(2.0).reached(), Some(true));
        assert_eq!(time.clone().at_most(1.9).reached(), Some(false));
        assert_eq!(time.reached(), None);
        assert_eq!(time.clone().beside("y", 20.0).times_better(10.0).reached(), Some(true));
        assert_eq!(time.clone().beside("y", 19.0).times_better(10.0).reached(), Some(false));
        assert_eq!(rate.clone().beside("y", 0.2).times_better(10.0).reached(), Some(true));
        assert_eq!(rate.beside("y", 20.0).times_better(10.0).reached(), Some(false));
        assert_eq!(time.clone().beside("y", 4.0).at_most_times(0.5).reached(), Some(true));
        assert_eq!(time.clone().beside("y", 1.0).at_most_times(1.5).reached(), Some(false));
        assert_eq!(time.times_better(10.0).reached(), None, "the peer is missing");
    }

    #[test]
    fn a_table_has_columns_for_peers_where_there_are_any() {
        let plain = Report::new(vec![Figure::new("x", 2.0, "ns")]).markdown();
        assert_eq!(
            plain,
            "| measured | value | goal | reached |\n|---|---:|---:|---|\n| x | 2.00 ns |  |  |\n"
        );
        let beside = Figure::new("x", 2.0, "ns").beside("y", 30.0).times_better(10.0);
        let beside = Report::new(vec![beside]).markdown();
        assert!(beside.ends_with("| x | 2.00 ns | y: 30.0 ns | 15.0× | ≥ 10× | yes |\n"), "{beside}");
    }

    #[test]
    fn a_section_is_replaced_in_its_place() {
        let first = with_section("# Head\n", "a", "1\n");
        assert_eq!(first, "# Head\n\n<!-- a -->\n1\n<!-- end of a -->\n");
        let both = with_section(&first, "b", "2\n");
        let again = with_section(&both, "a", "3\n");
        assert_eq!(again, both.replace("1\n", "3\n"));
        assert_eq!(with_section("", "a", "1\n"), "<!-- a -->\n1\n<!-- end of a -->\n");
    }
}
