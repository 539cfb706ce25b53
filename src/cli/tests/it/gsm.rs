use serde_json::Value;
use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread::JoinHandle,
    time::Duration,
};

/// What a run of the binary left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
    /// It ended with `code`, and told people each of `parts`.
    #[track_caller]
    pub(crate) fn told(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for part in parts {
            assert!(self.err.contains(part), "`{part}` is not in: {}", self.err);
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
    }
}

pub(crate) fn command<S: AsRef<OsStr>>(args: &[S], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gsm"));
    command.args(args).env_clear().envs(env.iter().copied()).stdin(Stdio::null());
    command
}

pub(crate) fn gsm<S: AsRef<OsStr>>(args: &[S]) -> Ran {
    gsm_in(args, &[])
}

pub(crate) fn gsm_in<S: AsRef<OsStr>>(args: &[S], env: &[(&str, &str)]) -> Ran {
    let output = command(args, env).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// What a look finds, once it finds it: within a minute, however busy the machine is that tests.
pub(crate) fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it does not come to pass");
}

/// Says aloud what is not tested here, for want of what; where `CI` is `true` it fails.
pub(crate) fn skipped(what: &str) {
    #[expect(clippy::disallowed_methods, reason = "what is skipped elsewhere fails there")]
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!is_ci, "{what}");
    eprintln!("SKIPPED: {what}");
}

/// A path as an argument.
pub(crate) fn arg(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A name that is no UTF-8, as older disks have some, and how it is shown.
pub(crate) const ODD: (&[u8], &str) = (b"m\xfcnchen", "m\u{fffd}nchen");

/// Something of that name.
pub(crate) fn odd(dir: &Path) -> PathBuf {
    dir.join(OsStr::from_bytes(ODD.0))
}

pub(crate) fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

/// A server that was started by the binary; killed when it goes out of sight.
pub(crate) struct Served {
    child: Child,
    pub(crate) addr: String,
    /// What it said before it was ready: standard output of `dev`, the log of `serve`.
    pub(crate) said: Vec<String>,
    /// What its log says after that.
    rest: Option<JoinHandle<String>>,
}

impl Served {
    /// `gsm dev` or `gsm serve` on a free port.
    pub(crate) fn start(what: &str, dir: &Path, more: &[&str]) -> Self {
        Self::start_in(what, dir, more, &[])
    }

    /// The same, with these variables.
    pub(crate) fn start_in(what: &str, dir: &Path, more: &[&str], env: &[(&str, &str)]) -> Self {
        let mut args = vec![what, "--listen", "127.0.0.1:0", "--data-dir", arg(dir), "--log-format", "json"];
        args.extend_from_slice(more);
        let mut child = command(&args, env).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut addr, mut said) = (None, Vec::new());
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while addr.is_none() && log.read_line(&mut line).unwrap() > 0 {
            let entry: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
            if entry["fields"]["message"] == "ready" {
                addr = entry["fields"]["addr"].as_str().map(str::to_owned);
            }
            said.push(std::mem::take(&mut line));
        }
        // Read on, so that the server never waits for room in the pipe.
        let rest = std::thread::spawn(move || std::io::read_to_string(log).unwrap_or_default());
        let addr = addr.unwrap_or_else(|| panic!("{what} did not start: {said:?}"));
        Self { child, addr, said, rest: Some(rest) }
    }

    pub(crate) fn get(&self, path: &str, token: Option<&str>) -> (u16, Value) {
        self.ask("GET", path, token, "")
    }

    pub(crate) fn post(&self, path: &str, token: Option<&str>, body: &str) -> (u16, Value) {
        let length = body.len();
        let body = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
        self.ask("POST", path, token, &body)
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `rest` is what comes after the headers that every request has.
    fn ask(&self, method: &str, path: &str, token: Option<&str>, rest: &str) -> (u16, Value) {
        let (status, body) = self.answer(method, path, token, rest);
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// The text that a path answers with.
    pub(crate) fn text(&self, path: &str) -> String {
        self.answer("GET", path, None, "").1
    }

    fn answer(&self, method: &str, path: &str, token: Option<&str>, rest: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.addr).unwrap();
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let rest = if rest.is_empty() { "\r\n" } else { rest };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{token}Connection: close\r\n{rest}",
            self.addr
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// Sends a signal and waits for the end; standard output, and how it ended.
    pub(crate) fn signal(self, name: &str) -> (String, ExitStatus) {
        let (out, status, _) = self.end(name);
        (out, status)
    }

    /// The same, and what the log said since the start.
    pub(crate) fn end(mut self, name: &str) -> (String, ExitStatus, String) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let log = self.rest.take().map(|rest| rest.join().unwrap()).unwrap_or_default();
        (out, self.child.wait().unwrap(), log)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
