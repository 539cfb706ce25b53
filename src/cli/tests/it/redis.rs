//! A real Redis for tests.
use crate::gsm::{eventually, skipped};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

/// A `redis-server` without persistence, which ends with the test.
pub(crate) struct Redis {
    child: Child,
    pub(crate) addr: String,
}

impl Redis {
    /// Nothing where there is no `redis-server`.
    pub(crate) fn start() -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let server = Command::new("redis-server")
            .args(["--port", &free.port().to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn();
        let Ok(child) = server else {
            skipped("there is no redis-server");
            return None;
        };
        let redis = Self { child, addr: free.to_string() };
        eventually(|| TcpStream::connect(free).ok());
        Some(redis)
    }

    /// One command in a line; the first line of the answer.
    pub(crate) fn tell(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(&self.addr).unwrap();
        writeln!(stream, "{command}\r").unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        assert!(!line.starts_with('-'), "{line}");
        line
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
