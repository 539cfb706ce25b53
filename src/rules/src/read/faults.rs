//! What was found while reading.
use crate::{
    fault::Fault,
    json::{Node, Note},
};
use std::collections::BTreeSet;

/// Faults that are told of one text; more would help nobody.
pub(crate) const FAULTS_MAX: usize = 200;

/// Faults and warnings by byte of the text, each once.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    faults: BTreeSet<Found>,
    warnings: BTreeSet<Found>,
    /// What stages were found to have, as it was found.
    of_stages: BTreeSet<Found>,
    /// The rule that is being read.
    pub(crate) rule: Option<String>,
    /// Whether reading was ended before all were found.
    pub(crate) is_cut: bool,
}

/// By where it stands, so that the order is that of the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    at: u32,
    /// Bytes from there to what is meant, within a string.
    shift: u32,
    message: String,
    rule: Option<String>,
}

impl Faults {
    /// Something wrong with what begins at the byte `at`.
    pub(crate) fn add(&mut self, at: u32, message: impl Into<String>) {
        self.add_within(at, 0, message);
    }
    /// Something wrong `shift` bytes into what begins at the byte `at`.
    pub(crate) fn add_within(&mut self, at: u32, shift: u32, message: impl Into<String>) {
        self.faults.insert(Found { at, shift, message: message.into(), rule: self.rule.clone() });
    }
    pub(crate) fn warn(&mut self, at: u32, message: impl Into<String>) {
        self.warnings.insert(Found { at, shift: 0, message: message.into(), rule: self.rule.clone() });
    }
    /// Takes what was found in a later stage. What was not there before is told of the value that made it: `step` answers where
    /// that is, for the byte of a text that is right by itself.
    pub(crate) fn take_stage(&mut self, of: Self, step: impl Fn(u32) -> Option<u32>) {
        let Self { faults, warnings, .. } = of;
        for (found, told) in [(faults, &mut self.faults), (warnings, &mut self.warnings)] {
            for one in found {
                if told.contains(&one) || !self.of_stages.insert(one.clone()) {
                    continue;
                }
                told.insert(match step(one.at) {
                    Some(at) => {
                        Found { at, shift: 0, message: format!("with this value: {}", one.message), ..one }
                    }
                    None => one,
                });
            }
        }
    }
    pub(crate) fn len(&self) -> usize {
        self.faults.len()
    }
    /// All faults, and all warnings, in the order of the text; where there are more than are told, a last one says so.
    pub(crate) fn told(self, text: &str, root: &Node) -> (Vec<Fault>, Vec<Fault>) {
        let tell = |found: BTreeSet<Found>, more: Option<&str>| {
            let more = more.map(str::to_owned);
            let more =
                more.map(|message| Fault { path: "$".to_owned(), line: 1, column: 1, rule: None, message });
            found.into_iter().take(FAULTS_MAX).map(|found| found.told(text, root)).chain(more).collect()
        };
        let more_faults = self.is_cut || self.faults.len() > FAULTS_MAX;
        let more_warnings = self.warnings.len() > FAULTS_MAX;
        (
            tell(
                self.faults,
                more_faults.then_some("there are more faults, which are told once these are mended"),
            ),
            tell(self.warnings, more_warnings.then_some("there are more warnings than these")),
        )
    }
}

impl Found {
    fn told(self, text: &str, root: &Node) -> Fault {
        let (line, column) = position(text, self.at.saturating_add(self.shift));
        Fault { path: root.path(self.at), line, column, rule: self.rule, message: self.message }
    }
}

/// The fault of a text that is not JSON.
pub(crate) fn unreadable(text: &str, note: Note) -> Fault {
    let (line, column) = position(text, note.at);
    Fault { path: "$".to_owned(), line, column, rule: None, message: note.message }
}

/// Line and character of a byte, both from 1.
fn position(text: &str, at: u32) -> (u32, u32) {
    let end = text.floor_char_boundary(at as usize);
    let before = text.get(..end).unwrap_or(text);
    let line_begin = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_begin..).unwrap_or_default().chars().count();
    (before.matches('\n').count() as u32 + 1, column as u32 + 1)
}

/// Names among which a near one is looked for: texts may have many, and many that are wrong.
const NAMES_MAX: usize = 200;
/// Characters of words that are compared, which takes time in the square of them.
const NEAR_CHARS_MAX: usize = 32;

/// `, did you mean `x`?` where one of the names is near; nothing otherwise, nor for a long word.
pub(crate) fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let is_short = |word: &str| word.chars().nth(NEAR_CHARS_MAX).is_none();
    if !is_short(wrong) {
        return String::new();
    }
    let length = wrong.chars().count();
    let near = names.into_iter().take(NAMES_MAX).filter(|name| is_short(name)).filter_map(|name| {
        let allowed = name.chars().count().max(3) / 3;
        let is_near = name.chars().count().abs_diff(length) <= allowed;
        let far = is_near.then(|| strsim::osa_distance(wrong, name)).filter(|far| *far <= allowed)?;
        Some((far, name))
    });
    match near.min() {
        Some((_, name)) => format!(", did you mean `{name}`?"),
        None => String::new(),
    }
}

/// `a`, `b` or `c`.
pub(crate) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_word_is_near_to_none() {
        let word = |length: usize| "a".repeat(length);
        let near = |wrong: usize, name: usize| did_you_mean(&word(wrong), [word(name).as_str()]);
        assert_eq!(near(5, 6), ", did you mean `aaaaaa`?");
        assert_eq!(near(32, 31), format!(", did you mean `{}`?", word(31)));
        assert_eq!((near(33, 32), near(32, 33)), (String::new(), String::new()));
    }
}
