//! Members of objects, by name and type. What is missing or of another type becomes a fault, and the reading goes on.
use super::faults::{Faults, did_you_mean, one_of};
use crate::json::{Entry, Kind, Node};

/// An object whose members are asked for by name.
#[derive(Clone, Copy)]
pub(crate) struct Object<'n> {
    pub(crate) begin: u32,
    entries: &'n [Entry],
}

impl<'n> Object<'n> {
    pub(crate) fn of(node: &'n Node, what: &str, faults: &mut Faults) -> Option<Self> {
        match &node.kind {
            Kind::Object(entries) => Some(Self { begin: node.begin, entries }),
            _ => {
                faults.add(node.begin, format!("{what} must be an object, not {}", node.word()));
                None
            }
        }
    }
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value)
    }
    /// Where the fault of a member belongs: to its value, or to the object if it is missing.
    pub(crate) fn place(&self, name: &str) -> u32 {
        self.get(name).map_or(self.begin, |node| node.begin)
    }
    pub(crate) fn need(&self, name: &str, faults: &mut Faults) -> Option<&'n Node> {
        let found = self.get(name);
        if found.is_none() {
            faults.add(self.begin, format!("`{name}` is missing"));
        }
        found
    }
    /// Refuses members that are not among `known`.
    pub(crate) fn allow(&self, known: &[&str], faults: &mut Faults) {
        for entry in self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let near = did_you_mean(&entry.key, known.iter().copied());
            faults.add(entry.key_begin, format!("unknown member `{}`{near}", entry.key));
        }
    }
    /// A string that may be missing.
    pub(crate) fn text(&self, name: &str, faults: &mut Faults) -> Option<&'n str> {
        text(self.get(name)?, name, faults)
    }
    /// A string that must be there, and not empty.
    pub(crate) fn need_text(&self, name: &str, faults: &mut Faults) -> Option<&'n str> {
        let found = text(self.need(name, faults)?, name, faults);
        if found == Some("") {
            faults.add(self.place(name), format!("`{name}` must not be empty"));
        }
        found.filter(|text| !text.is_empty())
    }
    /// A number that may be missing, or stand in quotes; not negative.
    pub(crate) fn amount(&self, name: &str, faults: &mut Faults) -> Option<f64> {
        let node = self.get(name)?;
        let found = number(node);
        match found {
            Some(number) if number >= 0.0 => return found,
            Some(_) => faults.add(node.begin, format!("`{name}` must not be negative")),
            None => faults.add(node.begin, format!("`{name}` must be a number, not {}", node.word())),
        }
        None
    }
    /// A whole number from `least` to `most` that may be missing, or stand in quotes.
    pub(crate) fn count(&self, name: &str, (least, most): (u32, u32), faults: &mut Faults) -> Option<u32> {
        whole(self.get(name)?, name, (least, most), faults)
    }
    pub(crate) fn list(&self, name: &str, faults: &mut Faults) -> &'n [Node] {
        match self.get(name).map(|node| (node, &node.kind)) {
            None => &[],
            Some((_, Kind::List(items))) => items,
            Some((node, _)) => {
                faults.add(node.begin, format!("`{name}` must be a list, not {}", node.word()));
                &[]
            }
        }
    }
    /// One of some words, each with what it stands for; `None` if it is missing or wrong.
    pub(crate) fn choice<T: Copy>(&self, name: &str, words: &[(&str, T)], faults: &mut Faults) -> Option<T> {
        let node = self.get(name)?;
        let found = text(node, name, faults)?;
        let known = words.iter().find(|(word, _)| *word == found);
        if known.is_none() {
            let names = || words.iter().map(|(word, _)| *word);
            let near = did_you_mean(found, names());
            let near = if near.is_empty() { format!(", it must be {}", one_of(names())) } else { near };
            faults.add(node.begin, format!("unknown {name} `{found}`{near}"));
        }
        known.map(|(_, value)| *value)
    }
}

pub(crate) fn text<'n>(node: &'n Node, name: &str, faults: &mut Faults) -> Option<&'n str> {
    match &node.kind {
        Kind::Text(text) => Some(text),
        _ => {
            faults.add(node.begin, format!("`{name}` must be a string, not {}", node.word()));
            None
        }
    }
}

/// A number, also one in quotes.
pub(crate) fn number(node: &Node) -> Option<f64> {
    match &node.kind {
        Kind::Number(number) => Some(*number),
        Kind::Text(text) => serde_json::from_str(text.trim()).ok(),
        _ => None,
    }
}

/// A whole number, also one in quotes.
pub(crate) fn whole(node: &Node, name: &str, (least, most): (u32, u32), faults: &mut Faults) -> Option<u32> {
    match number(node) {
        Some(number) if (f64::from(least)..=f64::from(most)).contains(&number) && number.fract() == 0.0 => {
            Some(number as u32)
        }
        _ => {
            faults.add(node.begin, format!("`{name}` must be a whole number from {least} to {most}"));
            None
        }
    }
}
