//! The incremental validator: a pure state machine over the bytes of one connection.
use super::chunk::Chunked;
use super::fault::WireFault;
use super::head::{Head, check_request_line_len, line_stop};
use crate::front::limits::WireLimits;

/// What the validator says about the bytes it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing can be decided yet: show the same bytes again with more behind them.
    More,
    /// The first so many bytes are good: pass them on, and show the rest.
    Release(usize),
    /// The first so many bytes mean nothing (an empty line before a request): drop them, and show the rest.
    Skip(usize),
    /// The connection is beyond repair. Every later call says the same.
    Fault(WireFault),
}

/// Where in a request the next byte belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before the first byte of a request.
    Between,
    /// In a request head; none of it is released yet.
    Head,
    /// In a request body.
    Body,
    /// Behind a request for a WebSocket: how the bytes are to be read depends on the answer.
    Upgrade,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Between { blank: bool },
    RequestLine,
    Headers { from: usize },
    Length { left: u64 },
    Chunked(Chunked),
    Upgrade,
    Failed(WireFault),
}

/// The validator of one connection. Holds no bytes: the caller keeps what is not yet released and shows it whole.
///
/// Cost: each byte is looked at once, or twice in a head; nothing is allocated. The verdicts do not depend on how
/// the input is cut into calls.
#[derive(Debug)]
pub struct Framing {
    limits: WireLimits,
    state: State,
    head: Head,
    scanned: usize,
    line_from: usize,
    after_cr: bool,
}

impl Framing {
    /// A fresh connection.
    #[must_use]
    pub fn new(limits: WireLimits) -> Self {
        let state = State::Between { blank: false };
        Self { limits, state, head: Head::default(), scanned: 0, line_from: 0, after_cr: false }
    }

    /// Where the next byte belongs.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Between { .. } => Phase::Between,
            State::RequestLine | State::Headers { .. } | State::Failed(_) => Phase::Head,
            State::Length { .. } | State::Chunked(_) => Phase::Body,
            State::Upgrade => Phase::Upgrade,
        }
    }

    /// Goes on after a request for a WebSocket that was not granted.
    pub fn resume(&mut self) {
        if matches!(self.state, State::Upgrade) {
            self.state = State::Between { blank: false };
        }
    }

    /// Judges `unreleased`: the bytes that came and were neither released nor skipped, oldest first.
    pub fn feed(&mut self, unreleased: &[u8]) -> Verdict {
        match self.judge(unreleased) {
            Ok(verdict) => verdict,
            Err(fault) => {
                self.state = State::Failed(fault);
                Verdict::Fault(fault)
            }
        }
    }

    fn judge(&mut self, bytes: &[u8]) -> Result<Verdict, WireFault> {
        match self.state {
            State::Failed(fault) => Err(fault),
            State::Upgrade => Ok(Verdict::More),
            State::Between { blank } => match bytes {
                [] => Ok(Verdict::More),
                [b'\r', b'\n', ..] if !blank => {
                    self.state = State::Between { blank: true };
                    Ok(Verdict::Skip(2))
                }
                [b'\r'] if !blank => Ok(Verdict::More),
                [b'\r' | b'\n', ..] => {
                    Err(WireFault::Malformed("a request does not begin with an empty line"))
                }
                _ => {
                    (self.scanned, self.line_from, self.after_cr) = (0, 0, false);
                    self.state = State::RequestLine;
                    self.head(bytes)
                }
            },
            State::RequestLine | State::Headers { .. } => self.head(bytes),
            State::Length { left } => {
                let here = left.min(bytes.len() as u64);
                self.state = if here == left {
                    State::Between { blank: false }
                } else {
                    State::Length { left: left - here }
                };
                Ok(if here == 0 { Verdict::More } else { Verdict::Release(here as usize) })
            }
            State::Chunked(mut body) => {
                let used = body.advance(bytes)?;
                self.state = if body == Chunked::Done {
                    State::Between { blank: false }
                } else {
                    State::Chunked(body)
                };
                Ok(if used == 0 { Verdict::More } else { Verdict::Release(used) })
            }
        }
    }

    fn head(&mut self, bytes: &[u8]) -> Result<Verdict, WireFault> {
        while let Some(line) = self.line(bytes)? {
            let State::Headers { .. } = self.state else {
                self.head = Head::request_line(line, self.limits.target_bytes_max)?;
                self.state = State::Headers { from: self.scanned };
                continue;
            };
            if !line.is_empty() {
                self.head.header_line(line, self.limits.headers_max)?;
                continue;
            }
            self.head.finish()?;
            self.state = match self.head.length {
                _ if self.head.chunked => State::Chunked(Chunked::START),
                Some(left) if left > 0 => State::Length { left },
                _ if self.head.asks_websocket() => State::Upgrade,
                _ => State::Between { blank: false },
            };
            return Ok(Verdict::Release(self.scanned));
        }
        Ok(Verdict::More)
    }

    /// The next whole line, without its CRLF.
    fn line<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<&'a [u8]>, WireFault> {
        if !self.after_cr {
            let rest = bytes.get(self.scanned..).unwrap_or_default();
            let stop = line_stop(rest);
            self.scanned += stop.unwrap_or(rest.len());
            self.check_len(bytes)?;
            match stop.and_then(|at| rest.get(at)) {
                None => return Ok(None),
                Some(b'\r') => {}
                Some(b'\n') => return Err(WireFault::Malformed("a line ends with LF alone")),
                Some(_) => return Err(WireFault::Malformed("the head holds a control character")),
            }
            self.scanned += 1;
            self.after_cr = true;
        }
        match bytes.get(self.scanned) {
            None => Ok(None),
            Some(b'\n') => {
                let line = bytes.get(self.line_from..self.scanned - 1).unwrap_or_default();
                self.scanned += 1;
                self.line_from = self.scanned;
                self.after_cr = false;
                Ok(Some(line))
            }
            Some(_) => Err(WireFault::Malformed("a line ends with CR alone")),
        }
    }

    fn check_len(&self, bytes: &[u8]) -> Result<(), WireFault> {
        match self.state {
            State::Headers { from } if self.scanned - from > self.limits.header_bytes_max => {
                Err(WireFault::HeadersTooLarge("the headers are too long"))
            }
            State::RequestLine => {
                let line = bytes.get(self.line_from..self.scanned).unwrap_or_default();
                check_request_line_len(line, self.limits.target_bytes_max)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "framing_tests.rs"]
mod tests;
