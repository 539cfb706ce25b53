//! The audit log: how fast it is verified, and what it takes of a server that results are reported to.
use super::{
    super::{child::Server, http},
    Figure, machine,
};
use crate::output::Failure;
use gsm_adapters::AuditDir;
use gsm_audit::{Limits, Log, Record, SigningKey, Verdict};
use gsm_core::Timestamp;
use std::{path::Path, time::Duration};

/// The thread that writes the log.
const SEQUENCER: &str = "gsm-audit";
/// Records that are appended at once.
const BATCH: u64 = 10_000;

/// Verifies a log of so many records of results, its files in the memory of the system.
pub(super) fn verify(dir: &Path, records: u64) -> Result<Figure, Failure> {
    let files = AuditDir::new(&dir.join("audit"));
    let key = || SigningKey::of("gsm/audit/bench", [7; 32]).map_err(Failure::failed);
    let trusted = [key()?.verifier().clone()];
    let mut log = Log::open(files.clone(), vec![key()?], Limits::default()).map_err(Failure::failed)?;
    let resources = ["mch-0123456789abcdef0123456789abcdef".to_owned(), "duel".to_owned()];
    for first in (0..records).step_by(BATCH as usize) {
        let all: Vec<Record<'_>> =
            (first..records.min(first + BATCH)).map(|n| record(&resources, n)).collect();
        log.append(&all).map_err(Failure::failed)?;
    }
    drop(log);
    let begin = machine::cpu_ns();
    let verdict = gsm_audit::verify(&files, &trusted, None);
    let took = machine::cpu_ns() - begin;
    if !matches!(verdict, Verdict::Whole(_)) {
        return Err(Failure::failed("the log that was just written is not whole"));
    }
    let rate = records as f64 * 1e9 / took as f64;
    Ok(Figure::new("audit log verified, on one core", rate, "records/s").at_least(1e6))
}

/// A result as a game server reports it.
fn record(resources: &[String], n: u64) -> Record<'_> {
    Record {
        event_id: "evt-0123456789abcdef0123456789abcdef",
        at: Timestamp::from_millis(1_795_764_600_000 + n as i64),
        node: "gsm-1",
        name: "gsm:ReportResult",
        principal: "match:mch-0123456789abcdef0123456789abcdef",
        source: Some("hmac-2026-0123456789abcdef0123456789abcdef"),
        agent: Some("arena/3.1"),
        request_id: "req-0123456789abcdef",
        parameters: Some(
            r#"{"body":{"sides":[{"place":1},{"place":2}]},"match_id":"mch-0123456789abcdef0123456789abcdef"}"#,
        ),
        resources,
        commit: Some(n + 1),
        ..Record::default()
    }
}

/// What the log's thread takes of the server's processor time while results are reported, and what follows of it.
pub(super) async fn share(dir: &Path, time: Duration) -> Result<Vec<Figure>, Failure> {
    let (server, keys) = Server::dev(&dir.join("audited")).await?;
    let made = http::make(server.addr, &keys, time).await?;
    let used = async || {
        server.settled().await;
        let both = server.cpu().zip(server.thread_cpu(SEQUENCER));
        both.ok_or_else(|| Failure::failed("the server's processor time cannot be read"))
    };
    let before = used().await?;
    let rate = http::report(&server, &made, time).await?;
    let after = used().await?;
    let (all, log) = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
    let share = 100.0 * log.as_secs_f64() / all.as_secs_f64();
    Ok(vec![
        Figure::new("durable results over HTTP meanwhile, 64 connections", rate.per_s, "/s"),
        Figure::new("the audit log's part of the server's processor time", share, "%").at_most(10.0),
    ])
}
