//! A server in a process of its own, so that its memory and its time can be told from ours.
use crate::output::Failure;
use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long a server may take to be ready.
const READY_MAX: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    child: Child,
    pub(crate) addr: SocketAddr,
    /// From the start of the process to the first answer that says ready.
    pub(crate) ready_after: Duration,
}

/// Keys of a development server.
#[derive(serde::Deserialize)]
pub(crate) struct Keys {
    pub(crate) server_key: String,
    pub(crate) admin_key: String,
}

impl Server {
    /// `gsm dev` without players and with limits that no bench meets.
    pub(crate) async fn dev(dir: &Path) -> Result<(Self, Keys), Failure> {
        let server = Self::spawn(
            "127.0.0.1:{port}",
            &[
                "dev",
                "--bots",
                "0",
                "--firewall-profile",
                "test-lenient",
                "--log-level",
                "error",
                "--listen",
                "{addr}",
                "--data-dir",
                &dir.display().to_string(),
            ],
        )
        .await?;
        let text = std::fs::read(dir.join("dev-credentials.json")).map_err(Failure::failed)?;
        Ok((server, serde_json::from_slice(&text).map_err(Failure::failed)?))
    }

    /// `gsm serve` on an empty directory.
    pub(crate) async fn serve(dir: &Path) -> Result<Self, Failure> {
        Self::spawn(
            "127.0.0.1:{port}",
            &[
                "serve",
                "--log-level",
                "error",
                "--listen",
                "{addr}",
                "--data-dir",
                &dir.display().to_string(),
            ],
        )
        .await
    }

    /// A bare echo by the same libraries.
    pub(crate) async fn echo() -> Result<Self, Failure> {
        Self::spawn("127.0.0.1:{port}", &["bench", "--echo"]).await
    }

    async fn spawn(addr: &str, args: &[&str]) -> Result<Self, Failure> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(Failure::failed)?;
        let addr = addr.replace("{port}", &free.port().to_string());
        let args: Vec<String> = args.iter().map(|arg| arg.replace("{addr}", &addr)).collect();
        let gsm = std::env::current_exe().map_err(Failure::failed)?;
        let begin = now();
        let child = Command::new(gsm)
            .args(&args)
            .env("GSM_BENCH_ECHO", &addr)
            // All of the load comes from one address.
            .env("GSM__HTTP__CONNECTIONS_PER_ADDRESS_MAX", "10000")
            // It is loaded as far as it goes: what it refuses would not be measured.
            .env("GSM__HTTP__QUEUE_TARGET_MS", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Failure::failed)?;
        let addr: SocketAddr = addr.parse().map_err(Failure::failed)?;
        let mut server = Self { child, addr, ready_after: Duration::ZERO };
        loop {
            if let Ok(mut connection) = super::load::Connection::open(addr).await
                && connection.get("/readyz", None).await.is_ok_and(|answer| answer.status == 200)
            {
                server.ready_after = begin.elapsed();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait().map_err(Failure::failed)? {
                return Err(Failure::failed(format!("the measured server ended: {status}")));
            }
            if begin.elapsed() > READY_MAX {
                return Err(Failure::failed("the measured server did not become ready"));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Resident memory in MiB.
    pub(crate) fn rss_mib(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib / 1_024.0)
    }

    /// Waits until the server has nothing left to do that nobody waits for (a checkpoint), a minute at most.
    pub(crate) async fn settled(&self) {
        const LOOK: Duration = Duration::from_millis(500);
        let begin = now();
        let mut before = self.cpu();
        while begin.elapsed() < READY_MAX {
            tokio::time::sleep(LOOK).await;
            let after = self.cpu();
            let used = after.zip(before).map(|(after, before)| after.saturating_sub(before));
            // One tick of the clock that counts it.
            if used.is_none_or(|used| used <= Duration::from_millis(10)) {
                return;
            }
            before = after;
        }
    }

    /// Processor time used so far.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        used(&format!("/proc/{}/stat", self.child.id()))
    }

    /// Processor time that its thread of this name has used so far.
    pub(crate) fn thread_cpu(&self, name: &str) -> Option<Duration> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()?;
        threads.flatten().find_map(|thread| {
            let of = std::fs::read_to_string(thread.path().join("comm")).ok()?;
            (of.trim_end() == name).then(|| used(&thread.path().join("stat").display().to_string()))?
        })
    }
}

/// The processor time that a `stat` of `/proc` tells.
fn used(stat: &str) -> Option<Duration> {
    let stat = std::fs::read_to_string(stat).ok()?;
    // The command's name is in parentheses and may hold spaces.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody to tell here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
