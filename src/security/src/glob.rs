//! Patterns of paths and actions: `*` is any run of characters without `/`, `**` any run at all, the rest is itself.
use std::fmt;

/// Bytes of a pattern.
pub const GLOB_BYTES_MAX: usize = 256;
/// Stars of a pattern, which bound the work of a match.
const STARS_MAX: usize = 8;

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// Nothing, or too much.
    #[error("a pattern has 1 to {GLOB_BYTES_MAX} visible ASCII characters")]
    Text,
    /// Too many stars.
    #[error("a pattern has at most {STARS_MAX} stars")]
    Stars,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    /// `true` for `**`.
    Star(bool),
}

/// A checked pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    text: Box<str>,
    pieces: Box<[Piece]>,
}

impl Glob {
    /// Refuses what is empty, too long, has spaces or control characters, or too many stars.
    pub fn new(text: &str) -> Result<Self, GlobError> {
        if text.is_empty() || text.len() > GLOB_BYTES_MAX || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(GlobError::Text);
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let at = rest.find('*').unwrap_or(rest.len());
            let (plain, star) = rest.split_at(at);
            if !plain.is_empty() {
                pieces.push(Piece::Text(plain.into()));
            }
            let stars = star.bytes().take_while(|b| *b == b'*').count();
            if stars > 0 {
                pieces.push(Piece::Star(stars > 1));
            }
            rest = star.get(stars..).unwrap_or_default();
        }
        if pieces.iter().filter(|piece| matches!(piece, Piece::Star(_))).count() > STARS_MAX {
            return Err(GlobError::Stars);
        }
        Ok(Self { text: text.into(), pieces: pieces.into() })
    }

    /// Whether all of `text` fits. O(length of the text × stars): a text is never read again for a star before the last.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        if let Some(plain) = self.plain() {
            return plain == text;
        }
        // Places where the pieces so far may end. A star makes a run of places of one.
        let bytes = text.as_bytes();
        let mut ends = vec![false; bytes.len() + 1];
        if let Some(first) = ends.first_mut() {
            *first = true;
        }
        for piece in &self.pieces {
            let mut next = vec![false; ends.len()];
            match piece {
                Piece::Text(plain) => {
                    for (at, _) in ends.iter().enumerate().filter(|(_, open)| **open) {
                        let behind = at + plain.len();
                        if bytes.get(at..behind) == Some(plain.as_bytes())
                            && let Some(end) = next.get_mut(behind)
                        {
                            *end = true;
                        }
                    }
                }
                Piece::Star(deep) => {
                    let mut open = false;
                    for (at, end) in next.iter_mut().enumerate() {
                        let crossed = at > 0 && bytes.get(at - 1) == Some(&b'/');
                        open = (open && (*deep || !crossed)) || ends.get(at).copied().unwrap_or(false);
                        *end = open;
                    }
                }
            }
            ends = next;
        }
        ends.last().copied().unwrap_or(false)
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text itself, where there is no star in it.
    #[must_use]
    pub fn plain(&self) -> Option<&str> {
        match &*self.pieces {
            [Piece::Text(_)] => Some(&self.text),
            _ => None,
        }
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, text: &str, fits: bool) {
        assert_eq!(Glob::new(pattern).unwrap().matches(text), fits, "{pattern} on {text}");
    }

    #[test]
    fn a_star_stays_in_its_segment_and_two_do_not() {
        check("/v1/matches/*/result", "/v1/matches/m-1/result", true);
        check("/v1/matches/*/result", "/v1/matches/a/b/result", false);
        check("/v1/**", "/v1/a/b", true);
        check("/v1/**", "/v2/a", false);
        check("gsm:Get*", "gsm:GetRank", true);
        check("gsm:Get*", "gsm:ListQueues", false);
        check("/v1", "/v1/", false);
        check("*", "", true);
    }

    #[test]
    fn patterns_have_bounds() {
        for bad in ["", "a b", "\u{e9}", &"a".repeat(GLOB_BYTES_MAX + 1)] {
            assert_eq!(Glob::new(bad), Err(GlobError::Text), "{bad}");
        }
        assert_eq!(Glob::new(&"*a".repeat(STARS_MAX + 1)), Err(GlobError::Stars));
    }

    /// The slow twin: tries every split.
    fn twin(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => {
                let deep = rest.first() == Some(&b'*');
                let rest: &[u8] = &rest[rest.iter().take_while(|b| **b == b'*').count()..];
                (0..=text.len()).any(|n| (deep || !text[..n].contains(&b'/')) && twin(rest, &text[n..]))
            }
            [first, rest @ ..] => text.first() == Some(first) && twin(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn a_match_is_what_trying_all_splits_finds(pattern in "[ab/*]{1,8}", text in "[ab/]{0,10}") {
            prop_assert_eq!(Glob::new(&pattern).unwrap().matches(&text), twin(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
