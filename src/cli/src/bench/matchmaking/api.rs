//! Tickets over the API of a whole server, under a rule set: each player makes one, at a steady rate, and is pushed its match.
use crate::{
    bench::{
        child::{Server, now},
        load::{Connection, players, text},
    },
    output::Failure,
};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// What was measured.
pub(super) struct Measured {
    /// The server's processor time of a ticket.
    pub(super) cpu_us: f64,
    /// From the request of the later ticket of a match to each push, in milliseconds, ascending.
    waits: Vec<f64>,
    /// Tickets that the load made too late.
    pub(super) late: usize,
}

impl Measured {
    pub(super) fn at(&self, percent: usize) -> f64 {
        let last = self.waits.len().saturating_sub(1);
        self.waits.get((self.waits.len() * percent / 100).min(last)).copied().unwrap_or(f64::NAN)
    }
}

/// A pushed match: which, when it was asked for, when it came.
struct Pushed {
    of: String,
    asked: Instant,
    came: Instant,
}

/// As many tickets as are told, so many of them in a second.
pub(super) async fn measure(
    dir: &Path,
    rules: &str,
    tickets: usize,
    per_s: f64,
) -> Result<Measured, Failure> {
    let (server, keys) = Server::dev(&dir.join(format!("matchmaking-{per_s}"))).await?;
    let addr = server.addr;
    let mut admin = Connection::open(addr).await?;
    let body: Value = serde_json::from_str(rules).map_err(Failure::failed)?;
    let put = async |admin: &mut Connection, path: &str, body: Value| {
        admin.send("PUT", path, Some(&keys.admin_key), Some(&body.to_string())).await?.json()
    };
    put(&mut admin, "/v1/admin/rule-sets/near", json!({ "body": body })).await?;
    let queue = json!({ "mode": "near", "rule_set": "near", "rating_attribute": "skill" });
    put(&mut admin, "/v1/admin/queues/near", queue).await?;
    // An even number: the last one has a partner.
    let known = players(addr, tickets & !1).await?;
    let mut streams = Vec::with_capacity(known.len());
    for (_, token) in &known {
        let mut stream = Connection::open(addr).await?;
        stream.follow("/v1/events", token).await?;
        stream.event("hello").await?;
        streams.push(stream);
    }
    server.settled().await;
    // Only now: the server waits so long for a next request, and no longer.
    let mut lanes = Vec::with_capacity(known.len());
    for stream in streams {
        lanes.push((stream, Connection::open_used(addr).await?));
    }
    let cpu = server.cpu();
    let begin = now() + Duration::from_millis(200);
    let late = AtomicUsize::new(0);
    let one = |(index, (mut stream, mut calls)): (usize, (Connection, Connection))| {
        let (late, token) = (&late, &known[index].1);
        async move {
            let due = begin + Duration::from_secs_f64(index as f64 / per_s);
            tokio::time::sleep_until(due.into()).await;
            if now() > due + Duration::from_millis(50) {
                late.fetch_add(1, Ordering::Relaxed);
            }
            let asked = now();
            calls.post("/v1/tickets", Some(token), r#"{"queue":"near"}"#).await?.json()?;
            let event = stream.event(r#""state":"completed""#).await?;
            let came = now();
            let event: Value = serde_json::from_str(&event).map_err(Failure::failed)?;
            // The connections go along: what their ends cost is no part of a ticket.
            Ok::<_, Failure>((Pushed { of: text(&event, "match_id")?, asked, came }, stream, calls))
        }
    };
    let done = futures::future::try_join_all(lanes.into_iter().enumerate().map(one)).await?;
    let used = server.cpu().zip(cpu).map(|(after, before)| after.saturating_sub(before));
    let mut all: Vec<Pushed> = done.into_iter().map(|(pushed, ..)| pushed).collect();
    all.sort_by(|a, b| a.of.cmp(&b.of));
    let mut waits = Vec::with_capacity(all.len());
    for pair in all.chunk_by(|a, b| a.of == b.of) {
        let later = pair.iter().map(|pushed| pushed.asked).max();
        waits.extend(pair.iter().filter_map(|of| Some((of.came - later?).as_secs_f64() * 1_000.0)));
    }
    waits.sort_by(f64::total_cmp);
    Ok(Measured {
        cpu_us: used.map_or(f64::NAN, |used| used.as_secs_f64() * 1e6 / known.len() as f64),
        waits,
        late: late.load(Ordering::Relaxed),
    })
}
