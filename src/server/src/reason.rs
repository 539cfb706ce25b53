//! Why somebody does something, as the audit log keeps it.
use gsm_core::limits::CALLER_ID_CHARS_MAX;

/// What a reason must be.
pub(crate) const WANTED: &str = "must have 1 to 128 characters, none of them a control character";

/// A reason without the blanks around it, if it is one.
pub(crate) fn checked(text: &str) -> Option<&str> {
    let text = text.trim();
    let fits = (1..=CALLER_ID_CHARS_MAX).contains(&text.chars().count());
    (fits && !text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_bounded_length() {
        assert_eq!(checked("  leaked \n"), Some("leaked"));
        let most = "ä".repeat(CALLER_ID_CHARS_MAX);
        assert_eq!(checked(&most), Some(most.as_str()));
        assert!(WANTED.contains(&CALLER_ID_CHARS_MAX.to_string()));
        for bad in ["", " ", "two\nlines", "a\tb", "\u{7f}x", &format!("{most}x")] {
            assert_eq!(checked(bad), None, "{bad:?}");
        }
    }
}
