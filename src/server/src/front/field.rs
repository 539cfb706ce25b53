//! What serde says about one field, in words for the person who sent it.
use std::fmt::Write as _;

/// Characters of a client's text that are repeated to it.
pub const SHOWN_CHARS_MAX: usize = 160;

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// The field is not known here.
    Unknown,
    /// The field must be there.
    Missing,
    /// The field holds something of a wrong kind or outside its range.
    Invalid,
}

/// A field that does not fit (422).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {detail}")]
pub struct FieldFault {
    /// What is wrong.
    pub kind: FieldKind,
    /// Where: `players[0].id`; empty for the document itself.
    pub path: String,
    /// What was expected, without names of Rust types.
    pub detail: String,
}

impl FieldFault {
    /// The stable code of the problem document.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.kind {
            FieldKind::Unknown => "unknown_field",
            FieldKind::Missing => "missing_field",
            FieldKind::Invalid => "invalid_field",
        }
    }

    /// What to do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self.kind {
            FieldKind::Unknown => "leave the field out, or mend its spelling; see the OpenAPI document",
            FieldKind::Missing => "add the field; see the OpenAPI document",
            FieldKind::Invalid => "mend the field; see the OpenAPI document",
        }
    }

    /// From serde's path and message.
    pub(super) fn new(path: &str, message: &str) -> Self {
        let message = message.rsplit_once(" at line ").map_or(message, |(text, _)| text);
        let named = |prefix: &str| {
            message.strip_prefix(prefix).and_then(|rest| rest.split_once('`')).map(|(name, _)| name)
        };
        let parent = if path == "." { "" } else { path };
        if let Some(name) = named("missing field `") {
            let path = shown(&join(parent, name));
            return Self {
                kind: FieldKind::Missing,
                path,
                detail: format!("field `{}` is missing", shown(name)),
            };
        }
        if let Some((name, rest)) =
            message.strip_prefix("unknown field `").and_then(|rest| rest.split_once("`, "))
        {
            // serde_path_to_error may or may not have the name as the last step.
            let parent = parent.strip_suffix(name).map_or(parent, |rest| rest.trim_end_matches('.'));
            let detail = format!("field `{}` is not known, {}", shown(name), shown(rest));
            return Self { kind: FieldKind::Unknown, path: shown(&join(parent, name)), detail };
        }
        Self { kind: FieldKind::Invalid, path: shown(parent), detail: shown(&plain(message)) }
    }
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

/// A client's text as it may be repeated: bounded, and without characters that act.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(SHOWN_CHARS_MAX * 4));
    for (i, c) in text.chars().enumerate() {
        if i == SHOWN_CHARS_MAX {
            out.push('…');
            break;
        }
        let acts = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if acts {
            // Writing to a String does not fail.
            let _ = write!(out, "{}", c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// serde's `expected struct Foo` and `expected u32`, in words.
fn plain(message: &str) -> String {
    let Some((found, expected)) = message.rsplit_once("expected ") else { return message.to_owned() };
    let words = match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => {
            "a whole number that is not negative and not too large"
        }
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number that is not too large",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        "a map" => "an object",
        "unit" => "null",
        other if other.starts_with("a nonzero ") => "a whole number that is not zero and not too large",
        other if other.starts_with("struct ") && !other.contains(" with ") => "an object",
        other if other.starts_with("tuple struct ") || other.starts_with("struct ") => {
            "an array of the right length"
        }
        other if other.starts_with("enum ") || other.starts_with("string or map") => {
            "one of the known values"
        }
        other => other,
    };
    format!("{found}expected {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, message: &str, expected: (FieldKind, &str, &str)) {
        let fault = FieldFault::new(path, message);
        assert_eq!((fault.kind, fault.path.as_str(), fault.detail.as_str()), expected);
    }

    #[test]
    fn rust_names_do_not_reach_the_client() {
        let invalid = FieldKind::Invalid;
        check(
            "a[0]",
            "invalid type: null, expected struct TicketRequest at line 1 column 4",
            (invalid, "a[0]", "invalid type: null, expected an object"),
        );
        check(
            "n",
            "invalid value: integer `-1`, expected u32",
            (
                invalid,
                "n",
                "invalid value: integer `-1`, expected a whole number that is not negative and not too large",
            ),
        );
        check(".", "missing field `queue`", (FieldKind::Missing, "queue", "field `queue` is missing"));
        check(
            "p.x",
            "unknown field `x`, expected `y`",
            (FieldKind::Unknown, "p.x", "field `x` is not known, expected `y`"),
        );
    }

    #[test]
    fn a_clients_text_is_bounded_and_does_not_act() {
        assert_eq!(shown("a\u{202e}b\n"), "a\\u{202e}b\\u{a}");
        assert_eq!(shown(&"x".repeat(10_000)).chars().count(), SHOWN_CHARS_MAX + 1);
    }
}
