//! How deep and how long a policy may be: Cedar's parser and checks recurse, and a stack that is full ends the process; and they
//! look at each element of a list once for every action of the table.
//!
//! A scan over the text, before it is parsed. It knows texts and comments, and counts what nests: brackets, and what can be
//! chained; and what can be listed.

/// Brackets within brackets.
pub(crate) const NESTING_MAX: usize = 64;
/// Operators of one policy: `if`, `!`, `-`, `+`, `*`, `.`, `[`, `&&`, `||`, and `when` and `unless`, which are joined by `&&`.
pub(crate) const OPERATORS_MAX: usize = 512;
/// Commas of one policy: elements of its lists, members of its records, arguments of its calls.
pub(crate) const COMMAS_MAX: usize = 512;
/// Operators and commas of all policies.
pub(crate) const TERMS_MAX: usize = 16_384;
/// Stack for reading policies within these bounds, also in builds that are not optimized. Only what is used is taken.
pub(crate) const STACK_BYTES: usize = 256 << 20;

/// What to do where a policy is too much, and where all are.
const SPLIT: &str = "split the policy into several";
const GROUP: &str = "say it with groups of actions and conditions instead of lists";

/// Where a text goes beyond what is read, in bytes from its start, what to say of it, and what to do. `terms` counts those of
/// all texts.
pub(crate) fn excess(text: &str, terms: &mut usize) -> Option<(usize, String, &'static str)> {
    let (mut depth, mut operators, mut commas) = (0usize, 0usize, 0usize);
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
            ";" => {
                *terms += operators + commas;
                (operators, commas) = (0, 0);
            }
            _ => {}
        }
        match token {
            // `&&` and `||` are two tokens here.
            "&" | "|" if behind.starts_with(token) => operators += 1,
            // `["x"]` after something can be chained as `.x` can.
            "if" | "!" | "-" | "+" | "*" | "." | "[" | "when" | "unless" => operators += 1,
            "," => commas += 1,
            _ => {}
        }
        let at = text.len() - rest.len();
        if depth > NESTING_MAX {
            return Some((at, format!("nests deeper than {NESTING_MAX} brackets"), SPLIT));
        }
        if operators > OPERATORS_MAX {
            return Some((at, format!("the policy has more than {OPERATORS_MAX} operators"), SPLIT));
        }
        if commas > COMMAS_MAX {
            return Some((
                at,
                format!("the lists of the policy have more than {COMMAS_MAX} elements"),
                SPLIT,
            ));
        }
        if *terms + operators + commas > TERMS_MAX {
            let what = format!("all policies have more than {TERMS_MAX} operators and elements of lists");
            return Some((at, what, GROUP));
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
