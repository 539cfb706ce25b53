//! Checkpoints of the audit log sent to a syslog receiver, as RFC 5424 writes them: an anchor where the server cannot reach it.
use gsm_core::Timestamp;
use serde_json::json;
use std::{
    fmt,
    io::{self, Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _, UdpSocket},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

/// Facility 13 (log audit), severity 5 (notice).
const PRIORITY: u8 = 13 * 8 + 5;
/// Characters of a host's name.
const HOST_CHARS_MAX: usize = 255;
/// For connecting, and for sending.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Who takes lines: `udp://host:port`, `tcp://host:port` (RFC 6587, each line behind its length) or `unix:///dev/log`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// Datagrams; nobody tells whether they arrive.
    Udp(String),
    /// A connection for each line.
    Tcp(String),
    /// A socket of this machine.
    Unix(PathBuf),
}

impl FromStr for Receiver {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not udp://host:port, tcp://host:port or unix:///path");
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let has_port = rest
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0));
        match scheme {
            "udp" if has_port => Ok(Self::Udp(rest.to_owned())),
            "tcp" if has_port => Ok(Self::Tcp(rest.to_owned())),
            "unix" if rest.starts_with('/') => Ok(Self::Unix(rest.into())),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(at) => write!(f, "udp://{at}"),
            Self::Tcp(at) => write!(f, "tcp://{at}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

impl Receiver {
    /// Sends a line. That it returns says no more than that the line left: syslog has no answers.
    ///
    /// Blocks for as long as the host's name takes to be resolved, which has no time-out here. Over TCP then at most 5 s for each
    /// of its addresses, and as long for what is sent and for the receiver to close.
    pub fn send(&self, line: &str) -> io::Result<()> {
        match self {
            Self::Udp(at) => {
                let to = at.to_socket_addrs()?.next().ok_or_else(nobody)?;
                let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                UdpSocket::bind(any)?.send_to(line.as_bytes(), to).map(drop)
            }
            Self::Tcp(at) => {
                let mut stream = Err(nobody());
                for to in at.to_socket_addrs()? {
                    stream = TcpStream::connect_timeout(&to, TIMEOUT);
                    if stream.is_ok() {
                        break;
                    }
                }
                let mut stream = stream?;
                stream.set_write_timeout(Some(TIMEOUT))?;
                stream.set_read_timeout(Some(TIMEOUT))?;
                stream.write_all(format!("{} {line}", line.len()).as_bytes())?;
                stream.shutdown(std::net::Shutdown::Write)?;
                // A receiver that went away resets; one that took it closes, or waits for nothing.
                match stream.read(&mut [0; 1]) {
                    Err(error)
                        if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
                    {
                        Err(error)
                    }
                    _ => Ok(()),
                }
            }
            Self::Unix(path) => unix(path, line),
        }
    }
}

#[cfg(unix)]
fn unix(path: &std::path::Path, line: &str) -> io::Result<()> {
    let socket = std::os::unix::net::UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    socket.send_to(line.as_bytes(), path).map(drop)
}

#[cfg(not(unix))]
fn unix(_: &std::path::Path, _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn nobody() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the host has no address")
}

/// A checkpoint as a line of syslog: its note is the member `checkpoint` of a JSON object in plain ASCII, so that it comes out of
/// any log as it went in.
#[must_use]
pub fn checkpoint_line(node: &str, at: Timestamp, note: &str) -> String {
    let mut time = Vec::new();
    gsm_audit::rfc3339(at, &mut time);
    let host: String = node.chars().filter(char::is_ascii_graphic).take(HOST_CHARS_MAX).collect();
    let host = if host.is_empty() { "-" } else { &host };
    let mut message = String::new();
    for c in json!({ "checkpoint": note }).to_string().chars() {
        if c.is_ascii() {
            message.push(c);
        } else {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| message.push_str(&format!("\\u{unit:04x}")));
        }
    }
    let time = String::from_utf8_lossy(&time);
    format!("<{PRIORITY}>1 {time} {host} gsm - checkpoint - {message}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const NOTE: &str = "gsm/audit/x\n3\nAAAA\n\n\u{2014} gsm/audit/x c2ln\n";

    fn line() -> String {
        checkpoint_line("gsm 1", Timestamp::from_millis(1_700_000_000_123), NOTE)
    }

    #[test]
    fn a_line_is_plain_and_the_note_comes_out_of_it_as_it_went_in() {
        let line = line();
        let (head, message) = line.split_once(" - checkpoint - ").expect("a head and a message");
        assert_eq!(head, "<109>1 2023-11-14T22:13:20.123Z gsm1 gsm");
        assert!(line.bytes().all(|b| (32..127).contains(&b)), "{line}");
        let read: serde_json::Value = serde_json::from_str(message).expect("JSON");
        assert_eq!(read["checkpoint"], NOTE);
    }

    #[test]
    fn each_kind_of_receiver_gets_it_whole() {
        let (line, wait) = (line(), Some(Duration::from_secs(20)));
        let udp = UdpSocket::bind("127.0.0.1:0").expect("binds");
        udp.set_read_timeout(wait).expect("sets");
        let at = udp.local_addr().expect("an address");
        format!("udp://{at}").parse::<Receiver>().expect("reads").send(&line).expect("sends");
        let mut bytes = [0; 2_000];
        let got = udp.recv(&mut bytes).expect("arrives");
        assert_eq!(bytes[..got], *line.as_bytes());

        let tcp = TcpListener::bind("127.0.0.1:0").expect("binds");
        let at = tcp.local_addr().expect("an address");
        let taking = std::thread::spawn(move || {
            let (mut stream, _) = tcp.accept().expect("accepts");
            let mut text = String::new();
            stream.read_to_string(&mut text).expect("reads");
            text
        });
        format!("tcp://localhost:{}", at.port())
            .parse::<Receiver>()
            .expect("reads")
            .send(&line)
            .expect("sends");
        assert_eq!(taking.join().expect("ends"), format!("{} {line}", line.len()));

        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("log");
        let unix = std::os::unix::net::UnixDatagram::bind(&path).expect("binds");
        unix.set_read_timeout(wait).expect("sets");
        format!("unix://{}", path.display()).parse::<Receiver>().expect("reads").send(&line).expect("sends");
        let got = unix.recv(&mut bytes).expect("arrives");
        assert_eq!(bytes[..got], *line.as_bytes());
    }

    #[test]
    fn nobody_there_is_a_failure_and_what_is_no_receiver_is_refused() {
        let free =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        assert!(format!("tcp://{free}").parse::<Receiver>().expect("reads").send("x").is_err());
        assert!("unix:///nowhere/log".parse::<Receiver>().expect("reads").send("x").is_err());
        for bad in [
            "",
            "localhost:514",
            "udp://localhost",
            "udp://:514",
            "tcp://a:0",
            "tcp://a:x",
            "unix://dev/log",
            "http://a:1",
        ] {
            assert!(bad.parse::<Receiver>().is_err(), "{bad}");
        }
    }
}
