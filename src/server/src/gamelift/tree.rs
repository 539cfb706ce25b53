//! What a request says and what an answer says, in one form for both protocols.
use gsm_core::Timestamp;
use std::collections::BTreeMap;

/// A value. JSON and CBOR can both say each of these; JSON says a time as a number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    /// Only inside lists: members that are null are taken as absent when they are read.
    Null,
    Flag(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Blob(Vec<u8>),
    Time(Timestamp),
    List(Vec<Tree>),
    /// A structure, or a map.
    Members(BTreeMap<String, Tree>),
}

impl Tree {
    /// A structure with nothing in it.
    pub(crate) const fn empty() -> Self {
        Self::Members(BTreeMap::new())
    }

    /// The member `name`, if this is a structure that has it.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        if let Self::Members(members) = self { members.get(name) } else { None }
    }

    /// The text under `name`.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Self::as_text)
    }

    /// The number under `name`, if it is whole.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Self::as_integer)
    }

    /// The items of the list under `name`; none if there is no list.
    pub(crate) fn items(&self, name: &str) -> &[Self] {
        if let Some(Self::List(items)) = self.get(name) { items } else { &[] }
    }

    /// The texts of the list under `name`.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        self.items(name).iter().filter_map(Self::as_text).collect()
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// A whole number, which may have come as a double.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            // Exact below 2^53; a double beyond it says no particular whole number.
            Self::Float(number) if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 => {
                Some(*number as i64)
            }
            _ => None,
        }
    }

    /// Adds a member to a structure.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Self>) -> Self {
        if let Self::Members(members) = &mut self {
            members.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Adds a member that may be absent.
    #[must_use]
    pub(crate) fn with_some(self, name: &str, value: Option<impl Into<Self>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Tree {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<bool> for Tree {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}
impl From<Timestamp> for Tree {
    fn from(at: Timestamp) -> Self {
        Self::Time(at)
    }
}
impl From<Vec<Self>> for Tree {
    fn from(items: Vec<Self>) -> Self {
        Self::List(items)
    }
}
