//! A board of the whole server, over HTTP, durable; beside Redis and beside what was measured of Nakama elsewhere.
use super::{
    super::{
        child::Server,
        http::{Rate, drive},
        load::{BUSY, Connection, LANES},
        report::Figure,
    },
    alone, redis,
    workload::Field,
};
use crate::{offline::Offline, output::Failure};
use gsm_adapters::Options;
use gsm_core::{BoardName, PlayerId, RequestKey, limits::PAGE_SIZE_MAX};
use gsm_engine::{
    BoardConfig, Call, Column, Direction, Eligibility, ImportPlayer, Operator, Source, Submission, Ties,
    Value,
};
use std::{fmt::Write as _, path::Path, sync::Arc, time::Duration};

/// Nakama 3.40 with PostgreSQL 15, a million records, so many connections, on this kind of machine; the better end of
/// each range. Quoted, not measured in this run.
const NAKAMA_LANES: usize = 16;
const NAKAMA_AROUND_NS: f64 = 1_200_000.0;
const NAKAMA_WRITES_PER_S: f64 = 749.0;
const NAKAMA: &str = "Nakama, quoted";

/// The board.
const BOARD: &str = "bench";
/// Players on either side of a player who is looked around.
const RADIUS: usize = 5;
/// Calls of one for each batch of a thousand.
const CALLS_A_BATCH: usize = 50;

/// A server with a board of so many players.
pub(super) struct Board {
    server: Server,
    key: String,
    field: Field,
    players: Vec<PlayerId>,
}

impl Board {
    /// Fills a data directory, then starts the server on it.
    pub(super) async fn start(field: Field, dir: &Path) -> Result<Self, Failure> {
        let dir = dir.join("server");
        let offline = Offline::open(&dir, Options::default(), "a bench").await?;
        let filled = fill(&offline, field).await;
        offline.close().await?;
        let players = filled?;
        let (server, keys) = Server::dev(&dir).await?;
        Ok(Self { server, key: keys.server_key, field, players })
    }

    fn id(&self, n: u64) -> Result<PlayerId, Failure> {
        self.players.get(n as usize).copied().ok_or_else(|| Failure::failed("a player is missing"))
    }

    /// The body of a submission of the moves of those turns.
    fn moves(&self, turns: std::ops::Range<u64>) -> Result<String, Failure> {
        let mut body = String::from(r#"{"entries":["#);
        for turn in turns.clone() {
            let (player, score) = self.field.step(turn);
            let comma = if turn == turns.start { "" } else { "," };
            // A string takes all that is written to it.
            let _ = write!(body, r#"{comma}{{"player_id":"{}","values":[{score}]}}"#, self.id(player)?);
        }
        body.push_str("]}");
        Ok(body)
    }

    /// Posts a change, again while the server says that its checkpoint is behind, as a caller should.
    async fn change(&self, connection: &mut Connection, path: &str, body: &str) -> Result<(), Failure> {
        loop {
            let answer = connection.post(path, Some(&self.key), body).await?;
            if answer.status != BUSY {
                return answer.json().map(drop);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// What `calls` take, with what the server still does when they are answered.
    async fn with_rest(&self, calls: impl Future<Output = Result<Rate, Failure>>) -> Result<Rate, Failure> {
        let before = self.server.cpu();
        let rate = calls.await?;
        self.server.settled().await;
        let used = self.server.cpu().zip(before).map(|(after, before)| after.saturating_sub(before));
        Ok(rate.with_cpu(used))
    }

    /// Posts each body, one after the other.
    async fn post(&self, path: &str, bodies: &[String]) -> Result<Rate, Failure> {
        drive(&self.server, 1, |_| async move {
            let mut connection = Connection::open(self.server.addr).await?;
            for body in bodies {
                self.change(&mut connection, path, body).await?;
            }
            Ok(bodies.len())
        })
        .await
    }

    /// Asks for the ranks of players by chance, each when the one before was answered.
    async fn ask_alone(&self, calls: usize) -> Result<Rate, Failure> {
        let paths = (0..calls).map(|turn| self.path(turn, "")).collect::<Result<Vec<_>, _>>()?;
        let paths = Arc::new(paths);
        drive(&self.server, 1, |_| async {
            let (addr, key, paths) = (self.server.addr, self.key.clone(), paths.clone());
            tokio::task::spawn_blocking(move || alone::ask(addr, &key, &paths))
                .await
                .map_err(Failure::failed)?
        })
        .await
    }

    /// Asks who is around players by chance.
    async fn around(&self, calls: usize) -> Result<Rate, Failure> {
        drive(&self.server, NAKAMA_LANES, |lane| async move {
            let mut connection = Connection::open(self.server.addr).await?;
            let turns = (lane..calls).step_by(NAKAMA_LANES);
            let made = turns.len();
            for turn in turns {
                let path = self.path(turn, &format!("/around?radius={RADIUS}"))?;
                connection.get(&path, Some(&self.key)).await?.json()?;
            }
            Ok(made)
        })
        .await
    }

    fn path(&self, turn: usize, tail: &str) -> Result<String, Failure> {
        let player = self.id(self.field.player(turn as u64))?;
        Ok(format!("/v1/rankings/{BOARD}/players/{player}{tail}"))
    }

    /// All figures, from `operations` in batches of a thousand and a twentieth of that in calls of one.
    pub(super) async fn measure(
        &self,
        operations: u64,
        theirs: Option<&redis::Readings>,
    ) -> Result<Vec<Figure>, Failure> {
        let batches = (operations / PAGE_SIZE_MAX as u64).max(1);
        let many = PAGE_SIZE_MAX as u64;
        let turns = |batch: u64| batch * many..(batch + 1) * many;
        let asked: Vec<String> = (0..batches)
            .map(|batch| {
                let ids = turns(batch).map(|turn| Ok(format!(r#""{}""#, self.id(self.field.player(turn))?)));
                let ids: Vec<String> = ids.collect::<Result<_, Failure>>()?;
                Ok(format!(r#"{{"player_ids":[{}]}}"#, ids.join(",")))
            })
            .collect::<Result<_, Failure>>()?;
        let moved: Vec<String> =
            (0..batches).map(|batch| self.moves(turns(batch))).collect::<Result<_, Failure>>()?;
        // Reads first: what a change leaves to do later (its checkpoint) counts as the change's.
        self.server.settled().await;
        let ranks = self.post(&format!("/v1/rankings/{BOARD}/ranks"), &asked).await?;
        let calls = batches as usize * CALLS_A_BATCH;
        let rank = self.ask_alone(calls).await?;
        // A server that runs has seen its players: each comes up once before it counts.
        let seen = self.field.players as usize / (2 * RADIUS + 1);
        self.around(seen).await?;
        let around = self.around(calls).await?;
        let entries = format!("/v1/rankings/{BOARD}/entries");
        let updates = self.with_rest(self.post(&entries, &moved)).await?;
        drop((asked, moved));
        let per_lane = calls.div_ceil(LANES) as u64;
        let writes = self.with_rest(drive(&self.server, LANES, |lane| {
            let (entries, begin) = (&entries, batches * many + lane as u64 * per_lane);
            async move {
                let mut connection = Connection::open(self.server.addr).await?;
                for turn in begin..begin + per_lane {
                    let body = self.moves(turn..turn + 1)?;
                    self.change(&mut connection, entries, &body).await?;
                }
                Ok(per_lane as usize)
            }
        }));
        let writes = writes.await?;
        let shown = format!("{} players", crate::output::grouped(self.field.players));
        let ns = |what: &str, rate: &Rate, many: u64| {
            Figure::new(format!("over HTTP, {what}; {shown}"), rate.cpu_us * 1_000.0 / many as f64, "ns")
        };
        let redis = |figure: Figure, of: fn(&redis::Readings) -> f64| match theirs {
            Some(theirs) => figure.beside("Redis", of(theirs)),
            None => figure,
        };
        let batch_goal = if self.field.players >= 10_000_000 { 3.0 } else { 2.0 };
        let what = format!("durable writes, {LANES} connections");
        let per_s = Figure::new(format!("over HTTP, {what}; {shown}"), writes.per_s, "/s");
        Ok(vec![
            redis(ns("rank, a thousand a call", &ranks, many), |r| r.rank).times_better(batch_goal),
            redis(ns("durable update, a thousand a call", &updates, many), |r| r.update)
                .times_better(batch_goal),
            redis(ns("rank, a call each", &rank, 1), |r| r.single_rank).at_most_times(1.5),
            ns("around, 5 on either side, 16 connections", &around, 1)
                .beside(NAKAMA, NAKAMA_AROUND_NS)
                .times_better(30.0),
            per_s.beside(NAKAMA, NAKAMA_WRITES_PER_S).times_better(10.0),
            ns(&what, &writes, 1),
        ])
    }
}

/// Makes the board and its players; their ids.
async fn fill(offline: &Offline, field: Field) -> Result<Vec<PlayerId>, Failure> {
    let (engine, name) = (&offline.engine, BoardName::new(BOARD).map_err(Failure::failed)?);
    let config = BoardConfig {
        name: name.clone(),
        source: Source::Submissions,
        columns: vec![Column {
            value: Value::Submitted,
            operator: Operator::Set,
            direction: Direction::default(),
        }],
        ties: Ties::default(),
        by: Vec::new(),
        eligibility: Eligibility::default(),
        season: None,
        tiers: None,
        grouping: None,
        past: false,
    };
    let now = engine.clock().now();
    engine.put_board(&Call::system("gsm:PutBoard", now), config).await.map_err(Failure::failed)?;
    let mut ids = Vec::with_capacity(field.players as usize);
    for begin in (0..field.players).step_by(PAGE_SIZE_MAX) {
        let numbers = begin..(begin + PAGE_SIZE_MAX as u64).min(field.players);
        let players: Vec<ImportPlayer> = numbers
            .clone()
            .map(|n| {
                let external = RequestKey::new(&n.to_string()).map_err(Failure::failed)?;
                Ok(ImportPlayer { external, id: None, name: None, at: now })
            })
            .collect::<Result<_, Failure>>()?;
        let made = offline.patiently(async || engine.import_players(&players).await).await;
        let made = made.map_err(Failure::failed)?;
        let submissions: Vec<Submission> = numbers
            .zip(&made)
            .map(|(n, player)| Submission {
                player: *player,
                values: vec![field.score(n)],
                at: None,
                metadata: None,
            })
            .collect();
        let call = Call::system("gsm:SubmitScores", now);
        let taken = offline.patiently(async || engine.submit(&call, &name, &submissions).await).await;
        taken.map_err(Failure::failed)?;
        ids.extend(made);
    }
    Ok(ids)
}
