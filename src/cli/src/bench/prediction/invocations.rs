//! Calls of /invocations, each on a connection that is kept: the processor time that a call takes the server.
use super::{peers, training::Job};
use crate::{
    bench::{child::now, load::Connection, report::Figure},
    output::{Failure, note},
};
use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Connections of the load.
const LANES: usize = 8;
/// How long a server may take to be ready.
const READY_MAX: Duration = Duration::from_secs(120);
/// What our endpoint is asked: it looks the players up, and makes the features itself.
const OURS: &str = r#"{"player1": "p17", "player2": "p4711"}"#;

pub(super) async fn measure(
    job: &Job,
    python: Result<PathBuf, Failure>,
    dir: &Path,
    time: Duration,
    missing: &mut Vec<String>,
) -> Result<Vec<Figure>, Failure> {
    let port = free()?;
    let mut gsm = Command::new(std::env::current_exe().map_err(Failure::failed)?);
    gsm.args(["sagemaker", "serve", "--host", "127.0.0.1", "--port", &port.to_string()]);
    gsm.env("GSM_ML_PREFIX", job.prefix());
    let ours = asked(&mut gsm, port, OURS, time, "gsm sagemaker serve").await?;
    let mut figures = vec![
        Figure::new("/invocations, 200 trees, processor time of a call", ours.cpu_us, "µs"),
        Figure::new("/invocations, 200 trees, 8 connections", ours.per_s, "/s"),
    ];
    let python = match python {
        Ok(python) => python,
        Err(failure) => {
            missing.push(failure.text);
            return Ok(figures);
        }
    };
    let numbers: Vec<String> = (0..40).map(|n| format!("{:.3}", f64::from(n) / 7.0 - 2.5)).collect();
    let body = format!(r#"{{"features": [{}]}}"#, numbers.join(", "));
    let mut beside = async |name: &str, goal: f64, make: fn(&Path, &Path, u16) -> Command| {
        let port = free()?;
        match asked(&mut make(&python, dir, port), port, &body, time, name).await {
            Ok(theirs) => {
                figures.push(Figure::new(format!("{name}, processor time of a call"), theirs.cpu_us, "µs"));
                figures.push(Figure::new(format!("{name}, 8 connections"), theirs.per_s, "/s"));
                let ratio = theirs.cpu_us / ours.cpu_us;
                figures
                    .push(Figure::new(format!("{name} against /invocations"), ratio, "times").at_least(goal));
            }
            Err(failure) => missing.push(failure.text),
        }
        Ok::<_, Failure>(())
    };
    beside("FastAPI, uvicorn, LightGBM", 15.0, peers::fastapi).await?;
    beside("Flask, gunicorn, LightGBM", 30.0, peers::flask).await?;
    Ok(figures)
}

fn free() -> Result<u16, Failure> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(Failure::failed)?;
    Ok(free.port())
}

/// A process that is killed with what it began.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // A worker ends with its master only if this is asked to end.
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let begin = now();
        while matches!(self.0.try_wait(), Ok(None)) && begin.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Asked {
    cpu_us: f64,
    per_s: f64,
}

/// Starts a server and asks it the same again and again.
async fn asked(
    command: &mut Command,
    port: u16,
    body: &str,
    time: Duration,
    name: &str,
) -> Result<Asked, Failure> {
    note(format_args!("asking {name}"));
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut server = Running(command.spawn().map_err(Failure::failed)?);
    let addr = SocketAddr::from(([127, 0, 0, 1], port));
    let begin = now();
    loop {
        if let Ok(mut connection) = Connection::open(addr).await
            && connection.get("/ping", None).await.is_ok_and(|answer| answer.status == 200)
        {
            break;
        }
        let has_ended = server.0.try_wait().map_err(Failure::failed)?.is_some();
        if has_ended || begin.elapsed() > READY_MAX {
            return Err(Failure::failed(format!("{name} did not become ready")));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let load = async |time: Duration| {
        let until = now() + time;
        let lane = async |_: usize| {
            let mut connection = Connection::open(addr).await?;
            let mut done = 0_usize;
            while now() < until {
                connection.post("/invocations", None, body).await?.json()?;
                done += 1;
            }
            Ok::<_, Failure>(done)
        };
        let all = futures::future::try_join_all((0..LANES).map(lane)).await?;
        Ok::<_, Failure>(all.into_iter().sum::<usize>())
    };
    // What is made at the first calls is not theirs.
    load(Duration::from_secs(1)).await?;
    let (begin, before) = (now(), cpu(server.0.id()));
    let calls = load(time).await?.max(1) as f64;
    let (took, after) = (begin.elapsed(), cpu(server.0.id()));
    Ok(Asked {
        cpu_us: after.saturating_sub(before).as_secs_f64() * 1e6 / calls,
        per_s: calls / took.as_secs_f64(),
    })
}

/// Processor time of a process and of its children so far.
fn cpu(id: u32) -> Duration {
    let mut ticks = 0;
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((pid, rest)) = stat.split_once(' ') else { continue };
        // The command's name is in parentheses and may hold spaces.
        let Some((_, rest)) = rest.rsplit_once(')') else { continue };
        let fields: Vec<u64> = rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
        let parent = fields.get(1).copied().unwrap_or(0);
        if pid == id.to_string() || parent == u64::from(id) {
            ticks += fields.get(11).copied().unwrap_or(0) + fields.get(12).copied().unwrap_or(0);
        }
    }
    Duration::from_millis(ticks * 10)
}
