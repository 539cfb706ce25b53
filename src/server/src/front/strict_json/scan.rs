//! The pre-pass: is this a JSON document (RFC 8259) within the limits? Nothing is built, and only the keys of open
//! objects are kept, to find duplicates.
use super::{JsonFault, JsonLimits};
use crate::front::field::shown;
use std::borrow::Cow;

/// Checks the whole document.
pub(super) fn check(bytes: &[u8], limits: &JsonLimits) -> Result<(), JsonFault> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(syntax(bytes, 0, "a byte order mark is not part of JSON"));
    }
    let text =
        std::str::from_utf8(bytes).map_err(|e| syntax(bytes, e.valid_up_to(), "the text is not UTF-8"))?;
    let mut scan = Scan { text, bytes, at: 0, limits, members: 0, keys: Vec::new(), open: Vec::new() };
    scan.document()
}

/// An open array, or an object and where its keys begin.
#[derive(Debug, Clone, Copy)]
enum Open {
    Array,
    Object { keys_from: usize },
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    limits: &'a JsonLimits,
    members: usize,
    keys: Vec<(Cow<'a, str>, usize)>,
    open: Vec<Open>,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        self.peek()
    }

    fn bad<T>(&self, why: &'static str) -> Result<T, JsonFault> {
        Err(syntax(self.bytes, self.at, why))
    }

    fn document(&mut self) -> Result<(), JsonFault> {
        loop {
            if !self.value()? {
                continue;
            }
            // A value is complete: close what ends here, or find the next member.
            loop {
                let next = self.space();
                match (self.open.last().copied(), next) {
                    (None, None) => return Ok(()),
                    (None, Some(_)) => return self.bad("there is something behind the document"),
                    (Some(Open::Array), Some(b']')) => self.close(),
                    (Some(Open::Object { keys_from }), Some(b'}')) => {
                        self.unique(keys_from)?;
                        self.close();
                    }
                    (Some(Open::Array), Some(b',')) => {
                        self.at += 1;
                        self.member()?;
                        break;
                    }
                    (Some(Open::Object { .. }), Some(b',')) => {
                        self.at += 1;
                        self.key()?;
                        break;
                    }
                    (Some(Open::Array), _) => return self.bad("expected `,` or `]`"),
                    (Some(Open::Object { .. }), _) => return self.bad("expected `,` or `}`"),
                }
            }
        }
    }

    fn close(&mut self) {
        self.open.pop();
        self.at += 1;
    }

    /// Reads one value. `false`: it is a container that has a first member, which stands next.
    fn value(&mut self) -> Result<bool, JsonFault> {
        match self.space() {
            Some(b'{') => {
                self.enter(Open::Object { keys_from: self.keys.len() })?;
                if self.space() == Some(b'}') {
                    self.close();
                    return Ok(true);
                }
                self.key()?;
                Ok(false)
            }
            Some(b'[') => {
                self.enter(Open::Array)?;
                if self.space() == Some(b']') {
                    self.close();
                    return Ok(true);
                }
                self.member()?;
                Ok(false)
            }
            Some(b'"') => self.string().map(|_| true),
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| true),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(_) => self.bad("expected a value"),
            None => self.bad("the document ends too early"),
        }
    }

    fn enter(&mut self, what: Open) -> Result<(), JsonFault> {
        if self.open.len() >= self.limits.depth_max {
            return Err(JsonFault::TooDeep { depth_max: self.limits.depth_max });
        }
        self.open.push(what);
        self.at += 1;
        Ok(())
    }

    fn member(&mut self) -> Result<(), JsonFault> {
        self.members += 1;
        if self.members > self.limits.members_max {
            return Err(JsonFault::TooManyMembers { members_max: self.limits.members_max });
        }
        Ok(())
    }

    fn key(&mut self) -> Result<(), JsonFault> {
        self.member()?;
        if self.space() != Some(b'"') {
            return self.bad("expected a key in double quotes");
        }
        let from = self.at;
        let key = self.string()?;
        self.keys.push((key, from));
        if self.space() != Some(b':') {
            return self.bad("expected `:`");
        }
        self.at += 1;
        Ok(())
    }

    /// Sorting finds equal keys without a hash that a client could make collide.
    fn unique(&mut self, keys_from: usize) -> Result<(), JsonFault> {
        let keys = self.keys.get_mut(keys_from..).unwrap_or_default();
        keys.sort_unstable();
        let twice = keys.windows(2).find_map(|pair| match pair {
            [(a, _), (b, at)] if a == b => Some((shown(b), *at)),
            _ => None,
        });
        if let Some((key, at)) = twice {
            let (line, column) = place(self.bytes, at);
            return Err(JsonFault::DuplicateKey { key, line, column });
        }
        self.keys.truncate(keys_from);
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<bool, JsonFault> {
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return self.bad("expected a value");
        }
        self.at += word.len();
        Ok(true)
    }

    fn digits(&mut self) -> Result<(), JsonFault> {
        let from = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == from { self.bad("expected a digit") } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), JsonFault> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if let Some(b'0'..=b'9') = self.peek() {
                return self.bad("a number does not begin with 0");
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let number = self.text.get(from..self.at).unwrap_or_default();
        if number.len() <= self.limits.number_chars_max && number.parse::<f64>().is_ok_and(f64::is_finite) {
            return Ok(());
        }
        let (line, column) = place(self.bytes, from);
        Err(JsonFault::Number { line, column })
    }

    /// Reads a string; its unescaped text, borrowed where nothing is escaped.
    fn string(&mut self) -> Result<Cow<'a, str>, JsonFault> {
        self.at += 1;
        let mut from = self.at;
        let mut unescaped: Option<String> = None;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let piece = self.text.get(from..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(match unescaped {
                        None => Cow::Borrowed(piece),
                        Some(text) => Cow::Owned(text + piece),
                    });
                }
                Some(b'\\') => {
                    let text = unescaped.get_or_insert_default();
                    text.push_str(self.text.get(from..self.at).unwrap_or_default());
                    self.at += 1;
                    let c = self.escape()?;
                    unescaped.get_or_insert_default().push(c);
                    from = self.at;
                }
                Some(0..=0x1f) => return self.bad("a string holds a control character"),
                Some(_) => self.at += 1,
                None => return self.bad("a string has no end"),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonFault> {
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                let high = self.hex4()?;
                let code = match high {
                    0xd800..=0xdbff => {
                        if self.bytes.get(self.at..self.at + 2) != Some(b"\\u") {
                            return self.bad("half of a surrogate pair stands alone");
                        }
                        self.at += 2;
                        let low = self.hex4()?;
                        if !(0xdc00..=0xdfff).contains(&low) {
                            return self.bad("half of a surrogate pair stands alone");
                        }
                        0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                    }
                    code => code,
                };
                return match char::from_u32(code) {
                    Some(c) => Ok(c),
                    None => self.bad("half of a surrogate pair stands alone"),
                };
            }
            _ => return self.bad("an escape is not known"),
        };
        self.at += 1;
        Ok(c)
    }

    fn hex4(&mut self) -> Result<u32, JsonFault> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|b| char::from(b).to_digit(16)) else {
                return self.bad("`\\u` takes four hexadecimal digits");
            };
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }
}

fn syntax(bytes: &[u8], at: usize, why: &'static str) -> JsonFault {
    let (line, column) = place(bytes, at);
    JsonFault::Syntax { why, line, column }
}

/// Line and column of a byte, both from 1; the column counts bytes.
fn place(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = bytes.get(..at).unwrap_or(bytes);
    let line_from = before.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    (before.iter().filter(|&&b| b == b'\n').count() + 1, before.len() - line_from + 1)
}
