//! `gsm bench ranking`: our boards beside Redis, in the same run.
mod alone;
mod board;
mod http;
mod redis;
mod workload;

use super::{Common, Peers, machine, report::Figure};
use crate::output::{Failure, Outcome, grouped, note, print_json};
use board::{Readings, Task};
use clap::Args;
use redis::Peer;
use std::{
    path::Path,
    process::{Command as Process, Stdio},
};
use workload::{Field, Naming};

/// Above so many players only dense ids are measured, without ties and without Redis (which takes 140 bytes a player).
const LARGE: u64 = 20_000_000;
/// From so many players on the goals for memory as a whole and for a rank against memory's own speed hold.
const HUGE: u64 = 100_000_000;

/// `gsm bench ranking`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm bench ranking                                 1 and 10 million players, some 20 minutes
  gsm bench ranking --players 1000000 --http-players 0
  gsm bench ranking --players 100000000             in 6 GB; without Redis, which would take 14
  gsm bench ranking --redis /opt/redis/redis-server --markdown docs/benchmarks.md

Redis is `redis-server` of the system, started without persistence; times of both are processor time of the server
side, Redis pipelined.")]
pub(crate) struct Command {
    /// Players of the boards
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "1000000,10000000",
        value_parser = clap::value_parser!(u64).range(1_000..=1_000_000_000))]
    players: Vec<u64>,
    /// Players of the board of a whole server, over HTTP; 0 for none
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "1000000",
        value_parser = clap::value_parser!(u64).range(..=100_000_000))]
    http_players: Vec<u64>,
    /// How players are named
    #[arg(long, value_enum, value_delimiter = ',', default_value = "dense,16-byte")]
    ids: Vec<Naming>,
    /// Operations of each kind; a fifth of it for Redis
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    operations: u64,
    /// A redis-server to start, or host:port of one that runs (it gets a key of the bench, and loses it at the end)
    #[arg(long, value_name = "PATH|ADDR", default_value = "redis-server")]
    redis: String,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    peers: Peers,
    /// Measure one board in this process (the bench starts it by itself)
    #[arg(long, hide = true, value_name = "JSON")]
    task: Option<String>,
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        if let Some(task) = &self.task {
            let task: Task = serde_json::from_str(task).map_err(Failure::usage)?;
            return print_json(&task.measure());
        }
        let work = self.common.work()?;
        let mut redis = Beside { server: &self.redis, version: None, missing: None };
        let mut figures = Vec::new();
        for players in &self.players {
            for naming in Naming::ALL.into_iter().filter(|naming| self.ids.contains(naming)) {
                if *players > LARGE && naming != Naming::Dense {
                    let (shown, large) = (naming.shown(), grouped(LARGE));
                    note(format_args!("{shown} are not measured above {large} players"));
                    continue;
                }
                figures.extend(self.board(*players, naming, &mut redis, work.path())?);
            }
        }
        for players in self.http_players.iter().filter(|players| **players > 0) {
            figures.extend(self.over_http(*players, &mut redis, work.path())?);
        }
        drop(work);
        let version = redis.version.map_or("no Redis".to_owned(), |version| format!("Redis {version}"));
        self.common.show("gsm bench ranking", &format!("{}; {version}", machine::processors()), figures)?;
        self.peers.tell(redis.missing.as_slice())
    }

    /// A board by itself.
    fn board(
        &self,
        players: u64,
        naming: Naming,
        redis: &mut Beside<'_>,
        dir: &Path,
    ) -> Result<Vec<Figure>, Failure> {
        let shown = format!("{} players, {}", grouped(players), naming.shown());
        note(format_args!("measuring {shown}"));
        let field = Field { players, tied: false };
        let task = |field| Task { field, naming, operations: self.operations };
        let ours = apart(&task(field))?;
        if players > LARGE {
            note(format_args!("ties and Redis are not measured above {} players", grouped(LARGE)));
            return Ok(compared(&shown, field, naming, &ours, None, None));
        }
        let tied = apart(&task(Field { tied: true, ..field }))?;
        let theirs = redis.measure(field, naming, self.operations, dir);
        Ok(compared(&shown, field, naming, &ours, Some(&tied), theirs.as_ref()))
    }

    /// A board of a whole server.
    fn over_http(&self, players: u64, redis: &mut Beside<'_>, dir: &Path) -> Result<Vec<Figure>, Failure> {
        note(format_args!("measuring {} players over HTTP", grouped(players)));
        let field = Field { players, tied: false };
        let theirs =
            if players > LARGE { None } else { redis.measure(field, Naming::Bytes, self.operations, dir) };
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
        runtime.block_on(async {
            let board = http::Board::start(field, dir).await?;
            board.measure(self.operations, theirs.as_ref()).await
        })
    }
}

/// Redis, started anew for each board.
struct Beside<'a> {
    server: &'a str,
    version: Option<String>,
    /// Why it could not be measured.
    missing: Option<String>,
}

impl Beside<'_> {
    fn measure(
        &mut self,
        field: Field,
        naming: Naming,
        operations: u64,
        dir: &Path,
    ) -> Option<redis::Readings> {
        let measured = Peer::start(self.server, dir).and_then(|mut peer| {
            self.version = Some(peer.version.clone());
            let readings = peer.measure(field, naming, (operations / 5).max(1_000));
            readings.map_err(|error| Failure::failed(format!("Redis: {error}")))
        });
        measured.map_err(|failure| self.missing = Some(failure.text)).ok()
    }
}

/// Measures in a process of its own.
fn apart(task: &Task) -> Result<Readings, Failure> {
    let gsm = std::env::current_exe().map_err(Failure::failed)?;
    let task = serde_json::to_string(task).map_err(Failure::failed)?;
    let ran = Process::new(gsm)
        .args(["bench", "ranking", "--task", &task])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(Failure::failed)?;
    if !ran.status.success() {
        return Err(Failure::failed(format!("a measurement ended: {}", ran.status)));
    }
    serde_json::from_slice(&ran.stdout).map_err(Failure::failed)
}

fn compared(
    shown: &str,
    field: Field,
    naming: Naming,
    ours: &Readings,
    tied: Option<&Readings>,
    theirs: Option<&redis::Readings>,
) -> Vec<Figure> {
    let named = |what: &str| format!("{what}; {shown}");
    let ns = |what: &str, value: f64| Figure::new(named(what), value, "ns");
    let beside = |figure: Figure, theirs: Option<f64>| match theirs {
        Some(value) => figure.beside("Redis", value),
        None => figure,
    };
    let of = |read: fn(&redis::Readings) -> f64| theirs.map(read);
    let bytes = match naming {
        Naming::Dense => 36.0,
        Naming::Bytes => 60.0,
    };
    let rank_goal = |figure: Figure| if field.players >= HUGE { figure.at_most_times(2.0) } else { figure };
    let peak = Figure::new(named("most memory of the process"), ours.peak / 1e9, "GB");
    let mut all = vec![
        beside(
            Figure::new(named("memory after moves and reads"), ours.lived_in, "B/player"),
            of(|r| r.memory),
        )
        .at_most(bytes),
        Figure::new(named("memory, just built"), ours.built, "B/player"),
        if field.players >= HUGE { peak.at_most(6.0) } else { peak },
        beside(Figure::new(named("build"), ours.build_s, "s"), of(|r| r.load_s)),
        beside(ns("update by 20 points", ours.update), of(|r| r.update)).times_better(10.0),
        beside(ns("update to anywhere", ours.jump), of(|r| r.jump)).times_better(10.0),
        beside(ns("rank", ours.rank), of(|r| r.rank)).times_better(10.0),
        beside(ns("around, 5 on either side", ours.around), of(|r| r.around)).times_better(10.0),
        beside(ns("top 100", ours.top), of(|r| r.top)).times_better(50.0),
        ns("rank, 64 at once", ours.batched).beside("one by one", ours.rank).at_most_times(0.5),
        rank_goal(ns("rank", ours.rank).beside("four dependent misses", ours.four_misses)),
        ns("rank beside a writer without pause, p99 by the wall", ours.beside_writer)
            .beside("alone", ours.alone)
            .at_most_times(3.0),
    ];
    let operations = |of: &Readings| {
        [
            ("update by 20 points", of.update),
            ("update to anywhere", of.jump),
            ("rank", of.rank),
            ("around", of.around),
            ("top 100", of.top),
        ]
    };
    for ((what, plain), (_, tied)) in operations(ours).into_iter().zip(tied.into_iter().flat_map(operations))
    {
        let what = format!("{what}, 30 % of the players tied");
        all.push(ns(&what, tied).beside("without ties", plain).at_most_times(3.0));
    }
    all
}
