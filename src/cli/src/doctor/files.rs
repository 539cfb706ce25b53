//! Files and directories that a start needs, or makes.
use super::{Finding, Verdict};
use gsm_adapters::{AuditDir, EmbeddedStore, SystemClock};
use gsm_audit::last_commit;
use gsm_core::Clock as _;
use gsm_engine::store::{KeyRange, Row};
use gsm_server::{LookedAudit, config::Settings};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

const REFUSED: &str = "`gsm serve` refuses it: put the file back";

/// Whether the store opens, and whether the access keys in it have their seal. That of a server that runs is its own.
pub(super) fn store(settings: &Settings, is_served: bool) -> Option<Finding> {
    if is_served || !settings.data_dir.is_dir() {
        return None;
    }
    let rows = match EmbeddedStore::look(&settings.data_dir, &KeyRange::AwsKeys) {
        Ok(rows) => rows,
        Err(error) => {
            return Some(Finding::bad("store", Verdict::Fail, error.to_string(), "`gsm serve` refuses it"));
        }
    };
    let living = |row: &&Row| matches!(row, Row::AwsKey(key) if key.revoked_at.is_none());
    let (keys, seal) = (rows.iter().filter(living).count(), &settings.aws_master_key_file);
    if keys > 0 && matches!(seal.try_exists(), Ok(false)) {
        let shown = format!("`{}` is gone, and under it were made {keys} access keys", seal.display());
        return Some(Finding::bad("access key seal", Verdict::Fail, shown, REFUSED));
    }
    EmbeddedStore::is_at(&settings.data_dir).then(|| Finding::ok("store", "opens"))
}

/// Whether the audit log is as its last checkpoint says. That of a server that runs is its own.
pub(super) fn audit_log(settings: &Settings, is_served: bool) -> Option<Finding> {
    const CHECK: &str = "audit log";
    if is_served {
        return None;
    }
    Some(match gsm_server::look_at_audit(settings)? {
        Ok(LookedAudit { records, is_whole: true }) => {
            Finding::ok(CHECK, format!("{records} records, whole"))
        }
        Ok(LookedAudit { records, is_whole: false }) => {
            let shown = format!("{records} records, the last ones whole; `gsm audit verify` checks them all");
            Finding::ok(CHECK, shown)
        }
        Err(why) => Finding::bad(CHECK, Verdict::Fail, why, "`gsm serve` refuses it: see docs/audit.md"),
    })
}

/// Whether the audit log tells of commits that the store has not.
pub(super) fn gap(settings: &Settings, is_served: bool) -> Option<Finding> {
    let dir = &settings.data_dir;
    if is_served || !dir.is_dir() {
        return None;
    }
    // Of what cannot be read others tell.
    let (log, store) = (last_commit(&AuditDir::beside(dir)).ok()?, EmbeddedStore::newest_in(dir).ok()?);
    (log > store).then(|| {
        let shown = format!("its last commit is {store}, that of the audit log is {log}: an older one was put back");
        let advice = "`gsm serve` goes on behind the log, which says so; if that is not meant, put the whole directory of \
                      one backup back, into an empty one";
        Finding::bad("store", Verdict::Warn, shown, advice)
    })
}

/// Whether the key is there that sealed those which sign sessions.
pub(super) fn sessions(settings: &Settings, is_served: bool) -> Option<Finding> {
    let key = &settings.token_key_file;
    if is_served || !matches!(key.try_exists(), Ok(false)) {
        return None;
    }
    let sealed = EmbeddedStore::look(&settings.data_dir, &KeyRange::SigningKeys).ok()?.len();
    (sealed > 0).then(|| {
        let shown = format!("`{}` is gone, and it sealed {sealed} keys of sessions", key.display());
        let advice = "put the file back: `gsm serve` makes another one, all sessions and tokens of matches end, and bans of \
                      erased accounts hold nobody any more";
        Finding::bad("session key", Verdict::Warn, shown, advice)
    })
}

/// Whether the key is there under which the audit log has this year's addresses.
pub(super) fn addresses(data_dir: &Path) -> Option<Finding> {
    let shown = gsm_server::address_key_gone(data_dir, SystemClock::new().now())?;
    Some(Finding::bad("address key", Verdict::Warn, shown, "put the file back"))
}

/// Whether the directory is there of a key that would be made; the data directory is made with it.
pub(super) fn place(check: &'static str, key: &Path, data_dir: &Path) -> Option<Finding> {
    let dir = key.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = format!("{}: there is no directory `{}`", key.display(), dir.display());
    (dir != data_dir && !dir.is_dir()).then(|| {
        Finding::bad(check, Verdict::Fail, shown, "`gsm serve` makes the file, not the directory: make it")
    })
}

/// Files that say who is who, who may what and whom the firewall refuses: whether others than their owner can write them.
pub(super) fn deciding(settings: &Settings, config: Option<&Path>) -> Vec<Finding> {
    const CHECK: &str = "who may write";
    let jwks = settings.trusted_issuers.iter().filter_map(|issuer| issuer.jwks.as_ref());
    let tls = settings.tls.iter().flat_map(|tls| [Some(&tls.cert_file), tls.client_ca_file.as_ref()]);
    let named = config.into_iter().map(Path::to_owned);
    let mut paths: Vec<PathBuf> = named.collect();
    paths.extend(settings.player_jwks.iter().chain(jwks).chain(tls.flatten()).cloned());
    paths.extend(settings.firewall.paths().cloned());
    if let Some(dir) = &settings.policy_dir {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_policy = |path: &PathBuf| path.extension().is_some_and(|end| end == "cedar");
        paths.push(dir.clone());
        paths.extend(entries.filter(is_policy));
    }
    paths.sort();
    paths.dedup();
    let modes = paths.iter().filter_map(|path| Some((path, fs::metadata(path).ok()?.permissions().mode())));
    let (open, shut): (Vec<_>, Vec<_>) = modes.partition(|(_, mode)| mode & 0o022 != 0);
    if open.is_empty() {
        let shown = format!("their owners alone, of {} files that decide on callers", shut.len());
        return Vec::from_iter((!shut.is_empty()).then(|| Finding::ok(CHECK, shown)));
    }
    let one = |(path, mode): (&PathBuf, u32)| {
        let shown = format!("{}, mode {:o}", path.display(), mode & 0o777);
        let advice = "chmod go-w: whoever writes it decides who is let in";
        Finding::bad(CHECK, Verdict::Warn, shown, advice)
    };
    open.into_iter().map(one).collect()
}

/// Whether a directory can be made, and files in it: tried, and undone.
pub(super) fn made(check: &'static str, dir: &Path) -> Option<Finding> {
    let in_the_way = in_the_way(check, dir);
    if in_the_way.is_some() {
        return in_the_way;
    }
    let trial = format!(".gsm-doctor-{}", std::process::id());
    let tried = match dir.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).last() {
        None => fs::create_dir(dir.join(&trial)).and_then(|()| fs::remove_dir(dir.join(&trial))),
        Some(first) => fs::create_dir(first).and_then(|()| fs::remove_dir(first)),
    };
    let error = tried.err()?;
    let shown = format!("`{}` cannot be made or written: {error}", dir.display());
    Some(Finding::bad(check, Verdict::Fail, shown, "name a directory that the server may write"))
}

/// What keeps a directory from being made: a file, there or above.
pub(super) fn in_the_way(check: &'static str, dir: &Path) -> Option<Finding> {
    let there = dir.ancestors().find(|path| path.symlink_metadata().is_ok())?;
    let shown = format!("`{}` cannot be a directory: `{}` is a file", dir.display(), there.display());
    (!there.is_dir())
        .then(|| Finding::bad(check, Verdict::Fail, shown, "name another directory, or move the file away"))
}
