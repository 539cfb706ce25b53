//! Over HTTP: results, and rank reads beside a bare echo. The load shares the machine's cores with the server, so the
//! processor time of a call is told beside the rate.
use super::{
    child::{Keys, Server, now},
    load::{Connection, LANES, players, text},
    report::Figure,
};
use crate::output::Failure;
use std::{net::SocketAddr, path::Path, time::Duration};

/// Players of the measured boards.
const PLAYERS: usize = 2_000;
/// Matches made before the clock runs, per second that is measured.
const MATCHES_PER_S: usize = 12_000;

/// Calls in a second, and the server's processor time for one.
pub(crate) struct Rate {
    pub(crate) per_s: f64,
    pub(crate) cpu_us: f64,
    pub(crate) calls: usize,
}

impl Rate {
    /// With so much processor time for all calls.
    pub(crate) fn with_cpu(self, used: Option<Duration>) -> Self {
        let cpu_us = used.map_or(f64::NAN, |used| used.as_secs_f64() * 1e6 / self.calls as f64);
        Self { cpu_us, ..self }
    }
}

/// Lets each of `lanes` make its calls, all at once; a lane answers how many it made.
pub(crate) async fn drive<F>(
    server: &Server,
    lanes: usize,
    lane: impl Fn(usize) -> F,
) -> Result<Rate, Failure>
where
    F: Future<Output = Result<usize, Failure>>,
{
    let (begin, cpu) = (now(), server.cpu());
    let done: usize = futures::future::try_join_all((0..lanes).map(lane)).await?.into_iter().sum();
    let took = begin.elapsed();
    let used = server.cpu().zip(cpu).map(|(after, before)| after.saturating_sub(before));
    let rate = Rate { per_s: done as f64 / took.as_secs_f64(), cpu_us: f64::NAN, calls: done.max(1) };
    Ok(rate.with_cpu(used))
}

pub(crate) async fn results(dir: &Path, time: Duration) -> Result<Vec<Figure>, Failure> {
    let (server, keys) = Server::dev(&dir.join("http-results")).await?;
    let made = make(server.addr, &keys, time).await?;
    let rate = report(&server, &made, time).await?;
    Ok(vec![
        Figure::new("durable results over HTTP, 64 connections", rate.per_s, "/s").at_least(4_000.0),
        Figure::new("server's processor time for one of them", rate.cpu_us, "µs"),
    ])
}

/// Matches to report, by connection: the id and the token of each.
pub(crate) type Made = Vec<Vec<(String, String)>>;

/// Makes more matches than can be reported in that time.
pub(crate) async fn make(addr: SocketAddr, keys: &Keys, time: Duration) -> Result<Made, Failure> {
    let known = players(addr, PLAYERS).await?;
    let per_lane = MATCHES_PER_S * time.as_secs() as usize / LANES;
    let make = async |lane: usize| {
        let mut connection = Connection::open(addr).await?;
        let mut made = Vec::with_capacity(per_lane);
        for n in 0..per_lane {
            let (a, b) = (lane * 31 + n, lane * 17 + n * 7 + 1);
            let (a, mut b) = (a % PLAYERS, b % PLAYERS);
            if a == b {
                b = (b + 1) % PLAYERS;
            }
            let body = format!(r#"{{"queue":"duel","players":["{}","{}"]}}"#, known[a].0, known[b].0);
            let answer = connection.post("/v1/matches", Some(&keys.server_key), &body).await?.json()?;
            made.push((text(&answer, "match_id")?, text(&answer, "server_token")?));
        }
        Ok::<_, Failure>(made)
    };
    futures::future::try_join_all((0..LANES).map(make)).await
}

/// Reports results for so long.
pub(crate) async fn report(server: &Server, made: &Made, time: Duration) -> Result<Rate, Failure> {
    let (addr, until) = (server.addr, now() + time);
    drive(server, LANES, |lane| {
        let matches = &made[lane];
        async move {
            let mut connection = Connection::open(addr).await?;
            let mut done = 0;
            for (id, token) in matches {
                if now() >= until {
                    break;
                }
                let body = if done % 2 == 0 {
                    r#"{"sides":[{"place":1},{"place":2}]}"#
                } else {
                    r#"{"sides":[{"place":2},{"place":1}]}"#
                };
                connection.post(&format!("/v1/matches/{id}/result"), Some(token), body).await?.json()?;
                done += 1;
            }
            Ok(done)
        }
    })
    .await
}

pub(crate) async fn ranks(dir: &Path, time: Duration) -> Result<Vec<Figure>, Failure> {
    let (server, keys) = Server::dev(&dir.join("ranks")).await?;
    let addr = server.addr;
    let known = players(addr, PLAYERS).await?;
    let mut connection = Connection::open(addr).await?;
    for pair in known.chunks_exact(2) {
        let body = format!(r#"{{"queue":"duel","players":["{}","{}"]}}"#, pair[0].0, pair[1].0);
        let made = connection.post("/v1/matches", Some(&keys.server_key), &body).await?.json()?;
        let path = format!("/v1/matches/{}/result", text(&made, "match_id")?);
        connection
            .post(&path, Some(&keys.server_key), r#"{"sides":[{"place":1},{"place":2}]}"#)
            .await?
            .json()?;
    }
    let reads = |target: &Server, is_echo: bool| {
        let (addr, known) = (target.addr, &known);
        let until = now() + time;
        move |lane: usize| async move {
            let mut connection = Connection::open(addr).await?;
            let mut done = 0;
            while now() < until {
                let (id, token) = &known[(lane * 31 + done) % PLAYERS];
                let path = format!("/v1/rankings/duel/players/{id}");
                let answer = connection.get(&path, Some(token)).await?;
                if !is_echo && answer.status != 200 {
                    answer.json()?;
                }
                done += 1;
            }
            Ok(done)
        }
    };
    let echo = Server::echo().await?;
    // One after the other and back, so that a machine that slows down is fair to both.
    let mut echoed = Vec::new();
    let mut read = Vec::new();
    for _ in 0..2 {
        echoed.push(drive(&echo, LANES, reads(&echo, true)).await?);
        read.push(drive(&server, LANES, reads(&server, false)).await?);
    }
    let mean = |all: &[Rate], of: fn(&Rate) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    let (ranks, bare) = (mean(&read, |r| r.per_s), mean(&echoed, |r| r.per_s));
    let (rank_cpu, bare_cpu) = (mean(&read, |r| r.cpu_us), mean(&echoed, |r| r.cpu_us));
    Ok(vec![
        Figure::new("rank reads over HTTP, 64 connections", ranks, "/s"),
        Figure::new("bare axum echo in the same run", bare, "/s"),
        Figure::new("rank read against the echo, calls per second", 100.0 * ranks / bare, "%").at_least(70.0),
        Figure::new("server's processor time, rank read", rank_cpu, "µs"),
        Figure::new("server's processor time, echo", bare_cpu, "µs"),
    ])
}
