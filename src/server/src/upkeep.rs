//! Upkeep, until the stop: what is left of erased players goes, and what the configuration keeps no longer.
use crate::{api::App, config::RetentionConfig};
use gsm_core::Millis;
use gsm_engine::Retention;
use std::{collections::BTreeMap, sync::Arc};

const DAY_S: u64 = 86_400;
/// Between two turns where there is nothing to do at once.
const REST: Millis = Millis::from_secs(1);
/// Between two turns where there is: each reads a page of a thousand rows.
const STEP_REST: Millis = Millis::new(20);

/// How long days are; 0 is for ever.
fn days(of: u64) -> Option<Millis> {
    (of > 0).then(|| Millis::from_secs(of.saturating_mul(DAY_S)))
}

pub(crate) fn rules(config: &RetentionConfig) -> Retention {
    Retention {
        matches: days(config.matches_days),
        bans: days(config.bans_days),
        penalties: days(config.penalties_days),
        erasures: days(config.erasures_days),
        every: Millis::from_secs(config.sweep_every_s),
    }
}

/// Turn after turn.
pub(crate) async fn run(app: Arc<App>, config: RetentionConfig) {
    let rules = rules(&config);
    let mut dropped: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut rest = Millis::ZERO;
    loop {
        tokio::select! {
            () = tokio::time::sleep(rest.as_duration()) => {}
            () = app.stop.cancelled() => return,
        }
        rest = match app.engine.upkeep(&rules).await {
            Ok(report) => {
                app.metrics.erasing(report.erasing);
                if let Some((class, rows)) = report.dropped {
                    app.metrics.dropped(class.as_str(), rows);
                    *dropped.entry(class.as_str()).or_default() += rows;
                }
                if report.passed {
                    end_pass(&app, &config, std::mem::take(&mut dropped));
                }
                if report.more { STEP_REST } else { REST }
            }
            Err(error) => {
                tracing::warn!(%error, "upkeep is left for later");
                REST
            }
        };
    }
}

/// Whatever is not in the store, and the log line of a pass.
fn end_pass(app: &App, config: &RetentionConfig, dropped: BTreeMap<&'static str, usize>) {
    if let Some(keep) = days(config.address_keys_days) {
        let gone = app.audit.drop_address_keys(app.engine.clock().now(), keep);
        if gone > 0 {
            app.metrics.dropped("address_keys", gone);
            tracing::info!(keys = gone, "keys of addresses in the audit log were kept long enough");
        }
    }
    if !dropped.is_empty() {
        let rows: Vec<String> = dropped.iter().map(|(class, rows)| format!("{class} {rows}")).collect();
        tracing::info!(dropped = rows.join(", "), "what was kept long enough is deleted");
    }
}
