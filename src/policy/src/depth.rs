//! How deep a policy may go: Cedar's parser and checks recurse, and a stack that is full ends the process.
//!
//! A scan over the text, before it is parsed. It knows texts and comments, and counts what nests: brackets, and the
//! operators that can be chained.

/// Brackets within brackets.
pub(crate) const NESTING_MAX: usize = 64;
/// Operators of one policy: `if`, `!`, `-`, `+`, `*`, `.`, `&&`, `||`.
pub(crate) const OPERATORS_MAX: usize = 512;
/// Stack for reading policies within these bounds, also in builds that are not optimized. Only what is used is taken.
pub(crate) const STACK_BYTES: usize = 256 << 20;

/// Where a text goes deeper than is read, in bytes from its start, and what to say of it.
pub(crate) fn excess(text: &str) -> Option<(usize, String)> {
    let (mut depth, mut operators) = (0usize, 0usize);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let token = match first {
            '"' => text_len(rest),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, behind) = rest.split_at(token);
        match token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            ";" => operators = 0,
            // `&&` and `||` are two tokens here.
            "&" | "|" if behind.starts_with(token) => operators += 1,
            "if" | "!" | "-" | "+" | "*" | "." => operators += 1,
            _ => {}
        }
        let at = text.len() - rest.len();
        if depth > NESTING_MAX {
            return Some((at, format!("nests deeper than {NESTING_MAX} brackets")));
        }
        if operators > OPERATORS_MAX {
            return Some((at, format!("the policy has more than {OPERATORS_MAX} operators")));
        }
        rest = behind;
    }
    None
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Bytes of the text in quotes that begins here; all of what follows if it does not end.
fn text_len(from: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in from.char_indices().skip(1) {
        match c {
            '"' if !is_escaped => return at + 1,
            c => is_escaped = c == '\\' && !is_escaped,
        }
    }
    from.len()
}
