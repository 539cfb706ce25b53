//! From a ticket to the pushed match, at a steady rate of tickets.
use super::{
    child::{Server, now},
    load::{Connection, players, text},
    report::Figure,
};
use crate::output::Failure;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Tickets made in a second.
const TICKETS_PER_S: usize = 500;
/// Players, each with a stream of events; more than are ever in a match at once.
const PLAYERS: usize = 2_000;

pub(crate) async fn measure(dir: &Path, time: Duration) -> Result<Vec<Figure>, Failure> {
    let (server, keys) = Server::dev(&dir.join("push")).await?;
    let addr = server.addr;
    let known = players(addr, PLAYERS).await?;
    let begin = now() + Duration::from_millis(500);
    let tickets = TICKETS_PER_S * time.as_secs() as usize;
    let late = Arc::new(AtomicUsize::new(0));
    // Each player takes its turn at its own instant, again and again; all together make the rate.
    let one = |index: usize| {
        let (known, late) = (&known, late.clone());
        let server_key = keys.server_key.as_str();
        async move {
            let (_, token) = &known[index];
            let mut stream = Connection::open(addr).await?;
            stream.follow("/v1/events", token).await?;
            stream.event("hello").await?;
            let mut calls = Connection::open_used(addr).await?;
            let mut waits = Vec::new();
            for n in (index..tickets).step_by(PLAYERS) {
                let due = begin + Duration::from_secs_f64(n as f64 / TICKETS_PER_S as f64);
                tokio::time::sleep_until(due.into()).await;
                if now() > due + Duration::from_millis(50) {
                    late.fetch_add(1, Ordering::Relaxed);
                }
                let asked = now();
                calls.post("/v1/tickets", Some(token), r#"{"queue":"duel"}"#).await?.json()?;
                let event = stream.event(r#""state":"completed""#).await?;
                waits.push(asked.elapsed().as_secs_f64() * 1_000.0);
                let event: serde_json::Value = serde_json::from_str(&event).map_err(Failure::failed)?;
                let path = format!("/v1/matches/{}/result", text(&event, "match_id")?);
                // Both players report the same: the second is told what the first was.
                calls
                    .post(&path, Some(server_key), r#"{"sides":[{"place":1},{"place":1}]}"#)
                    .await?
                    .json()?;
            }
            Ok::<_, Failure>(waits)
        }
    };
    let all = futures::future::try_join_all((0..PLAYERS).map(one)).await?;
    let mut waits: Vec<f64> = all.into_iter().flatten().collect();
    waits.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        waits
            .get((waits.len() * percent / 100).min(waits.len().saturating_sub(1)))
            .copied()
            .unwrap_or(f64::NAN)
    };
    Ok(vec![
        Figure::new("ticket to pushed match at 500 tickets/s, p50", at(50), "ms"),
        Figure::new("ticket to pushed match at 500 tickets/s, p99", at(99), "ms").at_most(250.0),
        Figure::new("tickets that the load made too late", late.load(Ordering::Relaxed) as f64, ""),
    ])
}
