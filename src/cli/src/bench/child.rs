//! A server in a process of its own, so that its memory and its time can be told from ours.
use crate::output::Failure;
use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long a server may take to be ready.
const READY_MAX: Duration = Duration::from_secs(60);
/// However long work waits, it is done.
pub(crate) const NOTHING_SHED: (&str, &str) = ("GSM__HTTP__QUEUE_TARGET_MS", "0");

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
    /// `gsm dev` without players and with limits that no bench meets. It is loaded as far as it goes: what it refused would
    /// not be measured.
    pub(crate) async fn dev(dir: &Path) -> Result<(Self, Keys), Failure> {
        Self::dev_with(dir, &[NOTHING_SHED]).await
    }

    /// The same with these settings, which refuses where more is asked than it can serve.
    pub(crate) async fn dev_with(dir: &Path, settings: &[(&str, &str)]) -> Result<(Self, Keys), Failure> {
        let server = Self::spawn(
            settings,
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
            &[NOTHING_SHED],
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
        Self::spawn(&[], &["bench", "--echo"]).await
    }

    async fn spawn(settings: &[(&str, &str)], args: &[&str]) -> Result<Self, Failure> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(Failure::failed)?;
        let addr = free.to_string();
        let args: Vec<String> = args.iter().map(|arg| arg.replace("{addr}", &addr)).collect();
        let gsm = std::env::current_exe().map_err(Failure::failed)?;
        let begin = now();
        let child = Command::new(gsm)
            .args(&args)
            .env("GSM_BENCH_ECHO", &addr)
            // All of the load comes from one address.
            .env("GSM__HTTP__CONNECTIONS_PER_ADDRESS_MAX", "10000")
            .envs(settings.iter().copied())
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
        used(&self.thread(name)?.join("stat").display().to_string())
    }

    /// Bytes that it has given to the disk so far, in whole pages; nothing where the files are in memory alone.
    pub(crate) fn written(&self) -> Option<u64> {
        written(Path::new(&format!("/proc/{}", self.child.id())))
    }

    /// The same of its thread of this name.
    pub(crate) fn thread_written(&self, name: &str) -> Option<u64> {
        written(&self.thread(name)?)
    }

    /// Where `/proc` tells of its thread of this name.
    fn thread(&self, name: &str) -> Option<PathBuf> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()?;
        let is_it =
            |path: &PathBuf| std::fs::read_to_string(path.join("comm")).is_ok_and(|of| of.trim_end() == name);
        threads.flatten().map(|thread| thread.path()).find(is_it)
    }
}

/// What the `io` of a process or thread tells.
fn written(of: &Path) -> Option<u64> {
    let told = std::fs::read_to_string(of.join("io")).ok()?;
    told.lines().find_map(|line| line.strip_prefix("write_bytes:"))?.trim().parse().ok()
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
