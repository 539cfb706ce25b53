use crate::limits;
use smol_str::SmolStr;
use std::{fmt, str::FromStr};

/// Why a text is not a name of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty or longer than the limit.
    #[error("a {what} has 1 to {max} characters, this one has {len}")]
    Length {
        /// What was to be named.
        what: &'static str,
        /// The named limit.
        max: usize,
        /// What came.
        len: usize,
    },
    /// A character outside the alphabet.
    #[error("a {what} may not hold the character `{found}`")]
    Character {
        /// What was to be named.
        what: &'static str,
        /// The first offender, escaped.
        found: String,
    },
}

fn plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_'
}

/// Controls, line separators and the invisible direction marks and overrides that make a name lie about itself.
fn printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn check(
    what: &'static str,
    text: &str,
    max: usize,
    allowed: fn(char) -> bool,
) -> Result<SmolStr, NameError> {
    let len = text.chars().count();
    if len == 0 || len > max {
        return Err(NameError::Length { what, max, len });
    }
    match text.chars().find(|&c| !allowed(c)) {
        Some(c) => Err(NameError::Character { what, found: c.escape_default().to_string() }),
        None => Ok(SmolStr::new(text)),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:expr, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        pub struct $name(SmolStr);

        impl $name {
            /// Checks length and alphabet.
            pub fn new(text: &str) -> Result<Self, NameError> { check($what, text, $max, $allowed).map(Self) }
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{:?}", self.0.as_str()) }
        }
        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> { Self::new(text) }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = SmolStr::deserialize(d)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(/** What ratings and boards are keyed by: one way of playing. */ Mode, "mode", limits::NAME_CHARS_MAX, plain);
name!(/** A board: a ranking of players. Each mode has one of its own name. */ BoardName, "board", limits::NAME_CHARS_MAX, plain);
name!(/** A value of a player's attribute: a region, a platform, a group. */
      Attribute, "attribute", limits::NAME_CHARS_MAX, plain);
name!(/** A variant of a mode: a map, a surface, a rule. Ratings are one, and each player's offset in it another. */
      Variant, "variant", limits::VARIANT_CHARS_MAX, plain);
name!(/** A queue: a matchmaking configuration. */
      QueueName, "queue name", limits::QUEUE_NAME_CHARS_MAX, plain);
name!(/** A rule set: who may meet whom, kept under a name of its own. */
      RuleSetName, "rule set name", limits::QUEUE_NAME_CHARS_MAX, plain);
name!(/** An id that a caller brings: a ticket id, an external player id, an idempotency key. */
      RequestKey, "caller's id", limits::CALLER_ID_CHARS_MAX, |c| c.is_ascii_graphic());
name!(/** A text shown to people, such as a display name. */ Label, "label", limits::LABEL_CHARS_MAX, printable);

/// The board that every mode has: both names keep to the same alphabet and length.
impl From<&Mode> for BoardName {
    fn from(mode: &Mode) -> Self {
        Self(mode.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_their_alphabet() {
        assert!(Mode::new("duel-1v1").is_ok());
        assert!(Mode::new("").is_err());
        assert!(Mode::new(&"x".repeat(limits::NAME_CHARS_MAX + 1)).is_err());
        assert!(Mode::new("a b").is_err());
        assert!(Label::new("Zoë O'Brien \u{1f680}").is_ok());
        assert!(Label::new("a\u{202e}b").is_err());
        assert!(Label::new("a\u{61c}b").is_err());
        assert!(Label::new("a\nb").is_err());
        assert!(RequestKey::new("a/b:c~").is_ok() && RequestKey::new("a b").is_err());
        assert!(QueueName::new("Zoë").is_err());
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        let label = |chars| Label::new(&"ë".repeat(chars));
        assert!(label(limits::LABEL_CHARS_MAX).is_ok());
        let refused = label(limits::LABEL_CHARS_MAX + 1).unwrap_err().to_string();
        assert_eq!(refused, "a label has 1 to 32 characters, this one has 33");
        assert!(RequestKey::new(&"x".repeat(limits::CALLER_ID_CHARS_MAX)).is_ok());
        assert!(RequestKey::new(&"x".repeat(limits::CALLER_ID_CHARS_MAX + 1)).is_err());
    }

    #[test]
    fn a_refused_character_is_shown_escaped() {
        let refused = Mode::new("a\u{202e}").unwrap_err().to_string();
        assert_eq!(refused, "a mode may not hold the character `\\u{202e}`");
    }

    proptest::proptest! {
        #[test]
        fn what_is_taken_is_kept_and_taken_again(text in "\\PC{0,40}|[a-zA-Z0-9._-]{0,70}") {
            use serde::{Deserialize, de::{IntoDeserializer, value::Error}};
            let read: Result<Label, Error> = Label::deserialize(text.as_str().into_deserializer());
            proptest::prop_assert_eq!(read.ok(), Label::new(&text).ok());
            if let Ok(mode) = Mode::new(&text) {
                proptest::prop_assert_eq!(mode.as_str(), &text);
                proptest::prop_assert_eq!(mode.to_string().parse::<Mode>(), Ok(mode));
            }
        }
    }
}
