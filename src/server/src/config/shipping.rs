//! Where the audit log is shipped to.
use super::{AuditConfig, Config, check::is_url};
use gsm_adapters::{CopyOptions, CopyPlace, Receiver};
use std::{
    path::{self, Path},
    time::Duration,
};

/// Where the audit log is shipped to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipSettings {
    /// Between shipments.
    pub every: Duration,
    /// Where its copy is.
    pub copy: Option<(CopyPlace, CopyOptions)>,
    /// Who is sent the checkpoints.
    pub syslog: Option<Receiver>,
}

/// What the configuration says of shipping the audit log.
pub(super) fn check(config: &Config) -> (ShipSettings, Vec<(&'static str, String)>) {
    let (audit, mut wrong) = (&config.audit, Vec::new());
    let mut ship = ShipSettings { every: Duration::from_secs(audit.ship_every_s), copy: None, syslog: None };
    match audit.ship_syslog.as_deref().map(str::parse) {
        Some(Ok(receiver)) => ship.syslog = Some(receiver),
        Some(Err(what)) => wrong.push(("audit.ship_syslog", what)),
        None => {}
    }
    let place = audit.ship_to.as_deref().map(str::parse::<CopyPlace>);
    match place.map(|place| place.and_then(|place| place.supported().map(|()| place))) {
        Some(Ok(place)) => {
            let data_dir = &config.store.data_dir;
            let is_ours = |dir: &Path| is_same(dir, data_dir) || is_same(dir, &data_dir.join("audit"));
            if matches!(&place, CopyPlace::Dir(dir) if is_ours(dir)) {
                let what = "must be another directory than the log's own and the data directory";
                wrong.push(("audit.ship_to", what.to_owned()));
            }
            let options = CopyOptions {
                region: audit.ship_region.clone(),
                url: audit.ship_url.clone(),
                retention: audit.ship_retention,
                days: audit.ship_retention_days,
            };
            ship.copy = Some((place, options));
        }
        Some(Err(what)) => wrong.push(("audit.ship_to", what)),
        None => {}
    }
    if let Some(url) = audit.ship_url.as_ref().filter(|url| !is_url(url)) {
        wrong.push(("audit.ship_url", format!("`{url}` must be an http or https address")));
    }
    (ship, wrong)
}

/// The keys that speak of a bucket where the audit log is copied to none.
pub(super) fn idle(audit: &AuditConfig) -> Vec<&'static str> {
    let place = audit.ship_to.as_deref().map(str::parse::<CopyPlace>);
    if matches!(place, Some(Err(_) | Ok(CopyPlace::S3 { .. }))) {
        return Vec::new();
    }
    let usual = AuditConfig::default();
    let said = [
        ("audit.ship_region", audit.ship_region != usual.ship_region),
        ("audit.ship_retention", audit.ship_retention != usual.ship_retention),
        ("audit.ship_retention_days", audit.ship_retention_days != usual.ship_retention_days),
        ("audit.ship_url", audit.ship_url != usual.ship_url),
    ];
    said.into_iter().filter_map(|(key, is_said)| is_said.then_some(key)).collect()
}

/// Whether two paths are written for the same place; links are not followed.
fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole(one) == whole(other)
}
