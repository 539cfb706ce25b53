//! Why a call of an AWS SDK failed, in words.
use std::error::Error;

/// Characters of a reason.
const CHARS_MAX: usize = 300;

/// An error with its causes, in one line of at most [`CHARS_MAX`] characters. The debug form, which the SDKs would have one print,
/// tells of pools, headers and bodies as well.
pub(crate) fn in_one_line(error: &(dyn Error + 'static)) -> String {
    let mut said = String::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        // Some repeat their cause themselves.
        if !said.contains(&text) {
            said.push_str(if said.is_empty() { "" } else { ": " });
            said.push_str(&text);
        }
        next = cause.source();
    }
    plain(&said)
}

/// A text from elsewhere in one line of at most [`CHARS_MAX`] characters.
pub(crate) fn plain(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(CHARS_MAX - 1) {
        Some((end, _)) if line.chars().nth(CHARS_MAX).is_some() => {
            format!("{}…", line.get(..end).unwrap_or_default())
        }
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Told {
        text: &'static str,
        source: Option<Box<Told>>,
    }
    fn told(text: &'static str, source: Option<Told>) -> Told {
        Told { text, source: source.map(Box::new) }
    }

    #[test]
    fn an_error_is_told_with_its_causes_once_each() {
        let error = told("a", Some(told("b: c", Some(told("c", Some(told("d\r\n \u{1b}[31me", None)))))));
        assert_eq!(in_one_line(&error), "a: b: c: d [31me");
    }

    #[test]
    fn a_reason_is_one_short_line() {
        assert_eq!(plain(&"x".repeat(CHARS_MAX)), "x".repeat(CHARS_MAX));
        let cut = plain(&"ä".repeat(CHARS_MAX + 1));
        assert_eq!((cut.chars().count(), cut.ends_with('…')), (CHARS_MAX, true));
    }
}
