//! JSON that remembers where everything stood.
//!
//! Not here: what any of it means. Strings and numbers are decoded by `serde_json`, so what is lawful is what it takes.
//! A document that is not JSON has one fault, for what follows it is anybody's guess.

/// Lists and objects within each other.
const DEPTH_MAX: usize = 32;

/// A value and where it stands, in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) begin: u32,
    pub(crate) end: u32,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Entry>),
}

/// A member of an object. Keys are there once.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_begin: u32,
    pub(crate) value: Node,
}

/// Something to say about a byte of the text.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) at: u32,
    pub(crate) message: String,
}

impl Node {
    /// For a message: what it is.
    pub(crate) const fn word(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a string",
            Kind::List(_) => "a list",
            Kind::Object(_) => "an object",
        }
    }
    /// The path of the innermost value, or the member whose key, begins at or covers the byte `at`.
    pub(crate) fn path(&self, at: u32) -> String {
        let (mut path, mut node) = ("$".to_owned(), self);
        let covers = |inner: &Self| (inner.begin..inner.end).contains(&at);
        loop {
            match &node.kind {
                Kind::List(items) => match items.iter().enumerate().find(|(_, item)| covers(item)) {
                    Some((index, item)) => {
                        path.push_str(&format!("[{index}]"));
                        node = item;
                    }
                    None => return path,
                },
                Kind::Object(entries) => {
                    let Some(entry) = entries.iter().find(|e| e.key_begin == at || covers(&e.value)) else {
                        return path;
                    };
                    push_key(&mut path, &entry.key);
                    if entry.key_begin == at {
                        return path;
                    }
                    node = &entry.value;
                }
                _ => return path,
            }
        }
    }
}

fn push_key(path: &mut String, key: &str) {
    let is_plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_plain {
        path.push('.');
        path.push_str(key);
    } else {
        path.push_str(&format!("[{key:?}]"));
    }
}

/// The document, and notes about keys that stand in it twice (the last one counts).
pub(crate) fn scan(text: &str) -> Result<(Node, Vec<Note>), Note> {
    if text.starts_with('\u{feff}') {
        return Err(Note { at: 0, message: "a byte order mark is not part of JSON".to_owned() });
    }
    let mut scanner = Scanner { text, at: 0, notes: Vec::new() };
    let root = scanner.value(0)?;
    match scanner.peek()? {
        None => Ok((root, scanner.notes)),
        Some(_) => Err(scanner.fault("the document has ended, and more follows")),
    }
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    notes: Vec<Note>,
}

impl Scanner<'_> {
    fn fault(&self, message: impl Into<String>) -> Note {
        Note { at: self.at as u32, message: message.into() }
    }
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
    /// The next byte that is not blank, which is where the scanner then stands.
    fn peek(&mut self) -> Result<Option<u8>, Note> {
        while self.byte().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        match self.byte() {
            Some(b'/') => Err(self.fault("JSON has no comments, hint: take out everything from the `/` on")),
            found => Ok(found),
        }
    }
    fn value(&mut self, depth: usize) -> Result<Node, Note> {
        let first = self.peek()?;
        let begin = self.at;
        if depth > DEPTH_MAX {
            return Err(self.fault(format!("more than {DEPTH_MAX} lists and objects within each other")));
        }
        let kind = match first {
            None => return Err(self.fault("the document ends where a value must stand")),
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Kind::Text(self.string()?),
            Some(_) => self.bare()?,
        };
        Ok(Node { begin: begin as u32, end: self.at as u32, kind })
    }
    fn list(&mut self, depth: usize) -> Result<Kind, Note> {
        self.at += 1;
        let mut items = Vec::new();
        if self.peek()? == Some(b']') {
            self.at += 1;
            return Ok(Kind::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.goes_on(b']')? {
                return Ok(Kind::List(items));
            }
        }
    }
    fn object(&mut self, depth: usize) -> Result<Kind, Note> {
        self.at += 1;
        let mut entries: Vec<Entry> = Vec::new();
        if self.peek()? == Some(b'}') {
            self.at += 1;
            return Ok(Kind::Object(entries));
        }
        loop {
            if self.peek()? != Some(b'"') {
                return Err(self.fault("a key in double quotes must stand here"));
            }
            let key_begin = self.at as u32;
            let key = self.string()?;
            if self.peek()? != Some(b':') {
                return Err(self.fault("a colon must stand here"));
            }
            self.at += 1;
            let entry = Entry { value: self.value(depth + 1)?, key, key_begin };
            match entries.iter_mut().find(|other| other.key == entry.key) {
                Some(other) => {
                    let message = format!("`{}` stands here more than once; this one counts", entry.key);
                    self.notes.push(Note { at: key_begin, message });
                    *other = entry;
                }
                None => entries.push(entry),
            }
            if self.goes_on(b'}')? {
                return Ok(Kind::Object(entries));
            }
        }
    }
    /// Takes the comma or the end after an item; is it the end?
    fn goes_on(&mut self, end: u8) -> Result<bool, Note> {
        let found = self.peek()?;
        if found == Some(b',') || found == Some(end) {
            self.at += 1;
            return Ok(found == Some(end));
        }
        Err(self.fault(format!("a comma or `{}` must stand here", char::from(end))))
    }
    fn string(&mut self) -> Result<String, Note> {
        let begin = self.at;
        self.at += 1;
        while let Some(byte) = self.byte().filter(|byte| *byte != b'"') {
            self.at += 1 + usize::from(byte == b'\\');
        }
        self.at += 1;
        let raw = self.text.get(begin..self.at).or_else(|| self.text.get(begin..)).unwrap_or_default();
        serde_json::from_str(raw).map_err(|_| {
            let (at, message) = why_no_string(raw);
            Note { at: (begin + at) as u32, message: message.to_owned() }
        })
    }
    /// A number or one of the three words.
    fn bare(&mut self) -> Result<Kind, Note> {
        let begin = self.at;
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        while self.byte().is_some_and(is_part) {
            self.at += 1;
        }
        let raw = self.text.get(begin..self.at).unwrap_or_default();
        match raw {
            "null" => Ok(Kind::Null),
            "true" => Ok(Kind::Bool(true)),
            "false" => Ok(Kind::Bool(false)),
            _ => match serde_json::from_str::<f64>(raw) {
                Ok(number) => Ok(Kind::Number(number)),
                Err(error) => {
                    let is_large = error.to_string().starts_with("number out of range");
                    let message = if is_large { "a number is too large" } else { "this is no JSON value" };
                    Err(Note { at: begin as u32, message: message.to_owned() })
                }
            },
        }
    }
}

/// What is wrong with what begins like a string and is none, and at which of its bytes.
fn why_no_string(raw: &str) -> (usize, &'static str) {
    let bytes = raw.as_bytes();
    let hex4 = |at: usize| {
        let digits = raw.get(at..at + 4).filter(|digits| digits.bytes().all(|of| of.is_ascii_hexdigit()));
        digits.and_then(|digits| u32::from_str_radix(digits, 16).ok())
    };
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        at += match (byte, bytes.get(at + 1)) {
            (0..=0x1f, _) => {
                return (0, "this string has no end, or a control character that must be escaped");
            }
            (b'\\', Some(b'u')) => match hex4(at + 2) {
                None => return (at, "`\\u` takes four hexadecimal digits"),
                Some(0xd800..=0xdbff) => {
                    let low =
                        bytes.get(at + 6..at + 8).filter(|next| *next == b"\\u").and_then(|_| hex4(at + 8));
                    if !low.is_some_and(|low| (0xdc00..=0xdfff).contains(&low)) {
                        return (at, "half of a surrogate pair stands alone");
                    }
                    12
                }
                Some(0xdc00..=0xdfff) => return (at, "half of a surrogate pair stands alone"),
                Some(_) => 6,
            },
            (b'\\', Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')) => 2,
            (b'\\', Some(_)) => return (at, "an escape is not known"),
            _ => 1,
        };
    }
    (0, "this string has no end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_fault(text: &str, at: u32, part: &str) {
        let note = scan(text).expect_err("must be refused");
        assert_eq!((note.at, note.message.contains(part)), (at, true), "{note:?}");
    }

    #[test]
    fn what_is_not_json_is_refused_where_it_stops_being_so() {
        check_fault("", 0, "ends");
        check_fault("{teams: red}", 1, "double quotes");
        check_fault("{\"a\" 1}", 5, "colon");
        check_fault("[1, 2,]", 6, "no JSON value");
        check_fault("[1 2]", 3, "comma or `]`");
        check_fault("[1]]", 3, "more follows");
        check_fault("{\"a\": 1, // why\n}", 9, "no comments");
        check_fault("[\"a\n\"]", 1, "escaped");
        check_fault("\"abc\\", 0, "no end");
        check_fault("[\"abc]", 1, "no end");
        check_fault("\u{feff}{}", 0, "byte order mark");
        check_fault("[1e999]", 1, "too large");
        check_fault("[-1e999]", 1, "too large");
        check_fault("[Infinity]", 1, "no JSON value");
        check_fault(r#"["a", "b\x"]"#, 8, "an escape is not known");
        check_fault(r#"["a\ud800"]"#, 3, "surrogate pair");
        check_fault(r#"["\ud800\u0041"]"#, 2, "surrogate pair");
        check_fault(r#"["\ud83d\ude00", "\ude00"]"#, 18, "surrogate pair");
        check_fault(r#"["\ud800\u00"]"#, 2, "surrogate pair");
        check_fault(r#"["é\u00é0"]"#, 4, "four hexadecimal digits");
        check_fault(r#"["\u+041"]"#, 2, "four hexadecimal digits");
        check_fault("[01]", 1, "no JSON value");
        check_fault(&"[".repeat(60_000), DEPTH_MAX as u32 + 1, "within each other");
    }

    #[test]
    fn a_path_leads_to_the_value_or_the_key() {
        let text = r#"{"a": [1, {"b c": "x"}], "d": {"e": 2}}"#;
        let (root, _) = scan(text).unwrap();
        let path = |part: &str| root.path(text.find(part).unwrap() as u32);
        assert_eq!(
            ["1,", "\"x\"", "\"e\"", "2}", "{\"e", "\"d\""].map(path),
            ["$.a[0]", "$.a[1][\"b c\"]", "$.d.e", "$.d.e", "$.d", "$.d"]
        );
    }

    #[test]
    fn of_keys_that_repeat_the_last_one_counts() {
        let (root, notes) = scan(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap();
        let Kind::Object(entries) = root.kind else { panic!() };
        assert!(matches!(entries.as_slice(), [Entry { value: Node { kind: Kind::Number(3.0), .. }, .. }, _]));
        assert_eq!(notes.iter().map(|note| note.at).collect::<Vec<_>>(), [17]);
    }
}
