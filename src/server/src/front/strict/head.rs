//! The lines of a request head (RFC 9112, sections 3 and 5), one at a time.
use super::fault::WireFault;
use crate::front::limits::METHOD_BYTES_MAX;

const TOKEN: u8 = 1;
const TARGET: u8 = 2;
const LINE: u8 = 4;
const HOST: u8 = 8;

/// What each byte may be part of. A lookup, because every byte of every head passes it.
static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut i = 0;
    while i < 256 {
        let byte = i as u8;
        let name = byte.is_ascii_alphanumeric();
        if name
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            )
        {
            table[i] |= TOKEN;
        }
        // RFC 3986 path and query characters, and the brackets that query strings are full of.
        let pchar = name
            || matches!(
                byte,
                b'-' | b'.'
                    | b'_'
                    | b'~'
                    | b'!'
                    | b'$'
                    | b'&'
                    | b'\''
                    | b'('
                    | b')'
                    | b'*'
                    | b'+'
                    | b','
                    | b';'
                    | b'='
                    | b':'
                    | b'%'
                    | b'['
                    | b']'
            );
        if pchar {
            table[i] |= HOST;
        }
        if pchar || matches!(byte, b'@' | b'/' | b'?') {
            table[i] |= TARGET;
        }
        if byte == b'\t' || (byte >= b' ' && byte != 0x7f) {
            table[i] |= LINE;
        }
        i += 1;
    }
    table
}

fn is(byte: u8, class: u8) -> bool {
    CLASS.get(usize::from(byte)).is_some_and(|found| found & class != 0)
}

/// Where the first byte is that no line may hold: CR, LF, NUL, another control. Eight bytes at a time, because every
/// byte of every head passes here.
pub(super) fn line_stop(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let mut at = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let delete = word ^ (ONES * 0x7f);
        // A byte below 0x20 or equal to 0x7f leaves its high bit; the lowest set one is exact, those above may be
        // a borrow's.
        let hits = ((word.wrapping_sub(ONES * 0x20) & !word) | (delete.wrapping_sub(ONES) & !delete)) & HIGH;
        if hits != 0 {
            // Rarely a tab, which may be in a line.
            let from = at + (hits.trailing_zeros() / 8) as usize;
            let found = bytes.get(from..).unwrap_or_default().iter().position(|&b| !is(b, LINE));
            return found.map(|more| from + more);
        }
        at += 8;
    }
    rest.iter().position(|&b| !is(b, LINE)).map(|more| at + more)
}

/// What the lines of one head said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) version_1_1: bool,
    pub(super) get: bool,
    pub(super) headers: usize,
    pub(super) length: Option<u64>,
    pub(super) chunked: bool,
    host: bool,
    websocket: bool,
    connection_upgrade: bool,
}

/// Refuses a request line that is already too long, complete or not.
pub(super) fn check_request_line_len(line: &[u8], target_bytes_max: usize) -> Result<(), WireFault> {
    if line.len() <= METHOD_BYTES_MAX {
        return Ok(());
    }
    match line.iter().take(METHOD_BYTES_MAX + 1).position(|&b| b == b' ') {
        None => Err(WireFault::NotImplemented("the method is too long")),
        Some(method) if line.len() > method + 1 + target_bytes_max + " HTTP/1.1".len() => {
            Err(WireFault::TargetTooLong)
        }
        Some(_) => Ok(()),
    }
}

impl Head {
    /// Reads `method SP target SP version`. Only the origin form of a target passes: an absolute one is for
    /// proxies, an authority for `CONNECT`, and `*` names no resource here.
    pub(super) fn request_line(line: &[u8], target_bytes_max: usize) -> Result<Self, WireFault> {
        let bad = |why| Err(WireFault::Malformed(why));
        let mut parts = line.split(|&b| b == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return bad("a request line is method, target and version with one space between");
        };
        if method.is_empty() || !method.iter().all(|&b| is(b, TOKEN)) {
            return bad("the method is not a token");
        }
        let version_1_1 = match version {
            b"HTTP/1.1" => true,
            b"HTTP/1.0" => false,
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                return Err(WireFault::Version);
            }
            _ => return bad("the version is not `HTTP/1.1`"),
        };
        match method {
            b"CONNECT" => return Err(WireFault::Method("CONNECT")),
            b"TRACE" => return Err(WireFault::Method("TRACE")),
            _ => {}
        }
        if method == super::FAULT_METHOD.as_bytes() {
            return Err(WireFault::NotImplemented("the method is not served"));
        }
        if target.len() > target_bytes_max {
            return Err(WireFault::TargetTooLong);
        }
        if target.first() != Some(&b'/') {
            return bad("the target does not begin with `/`");
        }
        if !target.iter().all(|&b| is(b, TARGET)) {
            return bad("the target holds a character that must be percent-encoded");
        }
        Ok(Self { version_1_1, get: method == b"GET", ..Self::default() })
    }

    /// Reads one header line.
    pub(super) fn header_line(&mut self, line: &[u8], headers_max: usize) -> Result<(), WireFault> {
        let bad = |why| Err(WireFault::Malformed(why));
        self.headers += 1;
        if self.headers > headers_max {
            return Err(WireFault::HeadersTooLarge("too many header lines"));
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return bad("folded header lines are not served");
        }
        let Some(colon) = line.iter().position(|&b| !is(b, TOKEN)) else {
            return bad("a header line has no colon");
        };
        let (name, rest) = line.split_at(colon);
        let Some((b':', value)) = rest.split_first().map(|(b, v)| (*b, v)) else {
            return bad("a header name holds a character that no token has, or a space before its colon");
        };
        if name.is_empty() {
            return bad("a header has no name");
        }
        let value = trim(value);
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host(value),
            6 if name.eq_ignore_ascii_case(b"expect") => {
                if value.eq_ignore_ascii_case(b"100-continue") {
                    Ok(())
                } else {
                    Err(WireFault::Expectation)
                }
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.websocket |= value.eq_ignore_ascii_case(b"websocket");
                Ok(())
            }
            10 if name.eq_ignore_ascii_case(b"connection") => {
                self.connection_upgrade |= value.windows(7).any(|w| w.eq_ignore_ascii_case(b"upgrade"));
                Ok(())
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.content_length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.transfer_encoding(value),
            _ => Ok(()),
        }
    }

    fn host(&mut self, value: &[u8]) -> Result<(), WireFault> {
        if std::mem::replace(&mut self.host, true) {
            return Err(WireFault::Malformed("there is more than one Host"));
        }
        if value.is_empty() || !value.iter().all(|&b| is(b, HOST)) {
            return Err(WireFault::Malformed("the Host is not a host and port"));
        }
        Ok(())
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), WireFault> {
        if self.length.is_some() {
            return Err(WireFault::Malformed("there is more than one Content-Length"));
        }
        let digits = (1..=18).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
        let number =
            if digits { std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()) } else { None };
        self.length =
            Some(number.ok_or(WireFault::Malformed("the Content-Length is not a number of bytes"))?);
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), WireFault> {
        if std::mem::replace(&mut self.chunked, true) {
            return Err(WireFault::Malformed("there is more than one Transfer-Encoding"));
        }
        if value.eq_ignore_ascii_case(b"chunked") {
            Ok(())
        } else {
            Err(WireFault::NotImplemented("the only transfer coding served is `chunked`"))
        }
    }

    /// Checks what only the whole head can tell.
    pub(super) fn finish(&self) -> Result<(), WireFault> {
        let bad = |why| Err(WireFault::Malformed(why));
        if self.version_1_1 && !self.host {
            return bad("there is no Host");
        }
        if self.chunked && self.length.is_some() {
            return bad("Content-Length and Transfer-Encoding came together");
        }
        if self.chunked && !self.version_1_1 {
            return bad("HTTP/1.0 has no Transfer-Encoding");
        }
        if self.asks_websocket() && (self.chunked || self.length.is_some_and(|n| n > 0)) {
            return bad("a request for an upgrade has no body");
        }
        Ok(())
    }

    /// Whether an answer 101 may turn the connection into a WebSocket.
    pub(super) fn asks_websocket(&self) -> bool {
        self.get && self.version_1_1 && self.websocket && self.connection_upgrade
    }
}

fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
