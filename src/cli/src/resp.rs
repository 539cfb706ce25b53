//! The protocol of Redis (RESP2), as much as a bench and an import need: commands out, many at once; answers in order.
//!
//! Source: redis.io, "Redis serialization protocol specification".
use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

/// How long a server may take to take a connection.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long it may go without a byte of its answer, where nothing else is said.
const ANSWER_MAX: Duration = Duration::from_secs(120);
/// Bytes of a line, of which each is a length, a number or a message.
const LINE_MAX: u64 = 64 << 10;
/// Bytes of one string.
const BYTES_MAX: u64 = 64 << 20;
/// Lists within lists.
const DEPTH_MAX: usize = 4;

/// What the server says to one command. An error of the server is an [`io::Error`] with its text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    /// A number.
    Whole(i64),
    /// A status or a string.
    Bytes(Vec<u8>),
    /// There is no such thing.
    Nothing,
    /// Several.
    List(Vec<Reply>),
}

impl Reply {
    /// A status or a string that is text.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

/// A connection.
pub(crate) struct Redis {
    /// How long the server may go without a byte.
    silence_max: Duration,
    stream: BufReader<TcpStream>,
    /// Commands that wait for [`Redis::send`].
    out: Vec<u8>,
    waiting: usize,
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the answer is no RESP: {what}"))
}

impl Redis {
    /// Connects to `host:port`.
    pub(crate) fn connect(addr: &str) -> io::Result<Self> {
        Self::connect_within(addr, ANSWER_MAX)
    }

    /// The same, to a server that may go so long at most without taking or giving a byte.
    pub(crate) fn connect_within(addr: &str, silence_max: Duration) -> io::Result<Self> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "no such host");
        for addr in addr.to_socket_addrs()? {
            match TcpStream::connect_timeout(&addr, CONNECT_MAX) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(Some(silence_max))?;
                    stream.set_write_timeout(Some(silence_max))?;
                    let stream = BufReader::with_capacity(1 << 16, stream);
                    return Ok(Self { silence_max, stream, out: Vec::new(), waiting: 0 });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Adds a command to those that go out with the next [`Redis::send`].
    pub(crate) fn push(&mut self, parts: &[&[u8]]) {
        self.begin(parts.len());
        parts.iter().for_each(|part| self.part(part));
    }

    /// Begins a command of so many parts, each of which follows by [`Redis::part`].
    pub(crate) fn begin(&mut self, parts: usize) {
        // A vector takes all that is written to it.
        let _ = write!(self.out, "*{parts}\r\n");
        self.waiting += 1;
    }

    /// The next part of the command that was begun.
    pub(crate) fn part(&mut self, part: &[u8]) {
        let _ = write!(self.out, "${}\r\n", part.len());
        self.out.extend_from_slice(part);
        self.out.extend_from_slice(b"\r\n");
    }

    /// Sends what was pushed and hands over each answer, in order.
    ///
    /// # Errors
    /// The first that the server or the connection says; the connection is of no use then.
    pub(crate) fn send(&mut self, take: impl FnMut(Reply)) -> io::Result<()> {
        // What systems say of a wait that is over is not to be understood.
        self.exchange(take).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                let waited = self.silence_max.as_secs_f64();
                io::Error::new(io::ErrorKind::TimedOut, format!("no answer came for {waited} s"))
            }
            _ => error,
        })
    }

    fn exchange(&mut self, mut take: impl FnMut(Reply)) -> io::Result<()> {
        self.stream.get_mut().write_all(&self.out)?;
        self.out.clear();
        for _ in 0..std::mem::take(&mut self.waiting) {
            take(self.reply(0)?);
        }
        Ok(())
    }

    /// One command and its answer.
    pub(crate) fn ask(&mut self, parts: &[&[u8]]) -> io::Result<Reply> {
        self.push(parts);
        let mut answer = Reply::Nothing;
        self.send(|reply| answer = reply)?;
        Ok(answer)
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.stream).take(LINE_MAX).read_until(b'\n', &mut line)?;
        match line.strip_suffix(b"\r\n") {
            Some(text) => Ok(text.to_vec()),
            None if line.is_empty() => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server hung up"))
            }
            None => Err(bad("a line has no end")),
        }
    }

    fn reply(&mut self, depth: usize) -> io::Result<Reply> {
        let line = self.line()?;
        let (kind, rest) = line.split_first().ok_or_else(|| bad("a line is empty"))?;
        let text = || String::from_utf8_lossy(rest).into_owned();
        let number = || text().parse::<i64>().map_err(|_| bad("a number is none"));
        match kind {
            b'+' => Ok(Reply::Bytes(rest.to_vec())),
            b'-' => Err(io::Error::other(text())),
            b':' => number().map(Reply::Whole),
            b'$' | b'*' if number()? == -1 => Ok(Reply::Nothing),
            b'$' => {
                let length = u64::try_from(number()?).ok().filter(|length| *length <= BYTES_MAX);
                let length = length.ok_or_else(|| bad("a string is too long"))?;
                let mut bytes = Vec::new();
                let read = (&mut self.stream).take(length + 2).read_to_end(&mut bytes)?;
                if read as u64 != length + 2 || !bytes.ends_with(b"\r\n") {
                    return Err(bad("a string has no end"));
                }
                bytes.truncate(bytes.len() - 2);
                Ok(Reply::Bytes(bytes))
            }
            b'*' if depth < DEPTH_MAX => {
                (0..number()?).map(|_| self.reply(depth + 1)).collect::<Result<_, _>>().map(Reply::List)
            }
            _ => Err(bad("what it begins with")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// What a client reads from a server that says `bytes` and hangs up.
    fn read(bytes: &'static [u8]) -> io::Result<Reply> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut redis = Redis::connect(&listener.local_addr().unwrap().to_string()).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        redis.ask(&[b"PING"])
    }

    #[test]
    fn answers_are_read() {
        let bytes = |text: &str| Reply::Bytes(text.as_bytes().to_vec());
        assert_eq!(read(b"+OK\r\n").unwrap(), bytes("OK"));
        assert_eq!(read(b":-7\r\n").unwrap(), Reply::Whole(-7));
        assert_eq!(read(b"$4\r\na\r\nb\r\n").unwrap(), bytes("a\r\nb"));
        assert_eq!(read(b"$-1\r\n").unwrap(), Reply::Nothing);
        let list = Reply::List(vec![bytes("0"), Reply::List(vec![Reply::Whole(1)])]);
        assert_eq!(read(b"*2\r\n$1\r\n0\r\n*1\r\n:1\r\n").unwrap(), list);
        assert_eq!(read(b"-WRONGTYPE no\r\n").unwrap_err().to_string(), "WRONGTYPE no");
    }

    #[test]
    fn a_server_that_stays_silent_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        let mut redis = Redis::connect_within(&addr, Duration::from_millis(20)).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"$4\r\nab").unwrap();
        assert_eq!(redis.ask(&[b"PING"]).unwrap_err().to_string(), "no answer came for 0.02 s");
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for bytes in [
            &b""[..],
            b"+OK",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b":x\r\n",
            b"$9\r\nabc\r\n",
            b"$3\r\nabcde",
            b"$99999999999\r\n",
            b"$-2\r\n",
            b"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        ] {
            assert!(read(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
