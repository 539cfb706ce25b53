//! The audit log: how fast it is verified, and what it takes of a server that results are reported to.
use super::{
    super::{child::Server, http},
    Figure,
    lag::Watch,
    machine,
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

/// What the log takes of a server that results are reported to, in time of its thread and in bytes, and how soon it is signed.
pub(super) async fn share(dir: &Path, time: Duration) -> Result<Vec<Figure>, Failure> {
    let dir = dir.join("audited");
    let (server, keys) = Server::dev(&dir).await?;
    let made = http::make(server.addr, &keys, time).await?;
    // Not a number where the system does not tell.
    let bytes = |told: Option<u64>| told.map_or(f64::NAN, |bytes| bytes as f64);
    let used = async || {
        server.settled().await;
        Some([
            (server.cpu()?.as_secs_f64(), server.thread_cpu(SEQUENCER)?.as_secs_f64()),
            (bytes(server.written()), bytes(server.thread_written(SEQUENCER))),
        ])
    };
    let unread = || Failure::failed("what the server has used cannot be read");
    let before = used().await.ok_or_else(unread)?;
    let watch = Watch::begin(&dir)?;
    let rate = http::report(&server, &made, time).await?;
    let after = used().await.ok_or_else(unread)?;
    let records = watch.end(rate.calls).await?;
    let [cpu, written] = [0, 1].map(|of| {
        let ((all, log), (all_before, log_before)) = (after[of], before[of]);
        (all - all_before, log - log_before)
    });
    let percent = |(all, log): (f64, f64)| 100.0 * log / all;
    let result_kib = written.0 / 1_024.0 / records.waited.count() as f64;
    Ok(vec![
        Figure::new("durable results over HTTP meanwhile, 64 connections", rate.per_s, "/s"),
        Figure::new("the audit log's part of the server's processor time", percent(cpu), "%").at_most(10.0),
        Figure::new("a record of the audit log", records.bytes, "B"),
        Figure::new("written to disk for a result, everything", result_kib, "KiB"),
        Figure::new("the audit log's part of that", percent(written), "%"),
        Figure::new("a result until a checkpoint covers it, p50", records.waited.at(50) / 1e6, "ms"),
        Figure::new("a result until a checkpoint covers it, the longest", records.waited.most() / 1e6, "ms")
            .at_most(1_000.0),
    ])
}
