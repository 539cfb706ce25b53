//! Keys, secrets and certificates: nobody else's to read, and what they are said to be.
use super::{Finding, Verdict, clock::since_1970};
use gsm_server::config::Settings;
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

/// What to do about a key that others can read.
const OTHERS: &str = "chmod 600: `gsm serve` refuses a key that others can read";

pub(super) fn private_file(check: &'static str, path: &Path, hint: &str) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let shown = format!("{}, mode {mode:o}", path.display());
    Some(if mode & 0o077 == 0 {
        Finding::ok(check, shown)
    } else {
        Finding::bad(check, Verdict::Fail, shown, hint)
    })
}

/// A key that the server made itself, or was given: nobody else may read it, and it must be one.
pub(super) fn private_key(
    check: &'static str,
    path: &Path,
    fault: fn(&Path) -> Option<String>,
) -> Option<Finding> {
    let found = private_file(check, path, OTHERS)?;
    if found.verdict != Verdict::Ok {
        return Some(found);
    }
    Some(match fault(path) {
        None => found,
        Some(why) => {
            let shown = format!("{}: {why}", path.display());
            Finding::bad(check, Verdict::Fail, shown, "`gsm serve` refuses it: put the right file there")
        }
    })
}

/// The keys that sign the audit log: those that signed it so far, not others.
pub(super) fn audit_keys(settings: &Settings) -> Option<Finding> {
    const CHECK: &str = "audit keys";
    let path = &settings.audit_key_file;
    match gsm_server::audit_key_gone(path, &settings.data_dir.join("audit")) {
        Some(why) => Some(Finding::bad(CHECK, Verdict::Fail, why, "`gsm serve` refuses it")),
        None => private_key(CHECK, path, gsm_server::audit_key_fault),
    }
}

/// The keys under which the audit log writes addresses down, one a year.
pub(super) fn address_keys(dir: &Path) -> Vec<Finding> {
    let names = fs::read_dir(dir).into_iter().flatten().flatten();
    let is_one = |name: &str| name.starts_with("address-") && name.ends_with(".key");
    let mut paths: Vec<_> = names
        .filter(|entry| entry.file_name().to_str().is_some_and(is_one))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths.iter().filter_map(|path| private_key("address key", path, gsm_server::key_fault)).collect()
}

/// The key of the server's certificate: there, nobody else's to read, and the certificate's own.
pub(super) fn tls_key(cert: &Path, key: &Path) -> Finding {
    const CHECK: &str = "TLS key";
    let found = private_file(CHECK, key, OTHERS);
    if let Some(found) = found.filter(|found| found.verdict != Verdict::Ok) {
        return found;
    }
    match gsm_server::inspect::tls_fault(cert, key) {
        None => Finding::ok(CHECK, key.display().to_string()),
        Some(why) => {
            Finding::bad(CHECK, Verdict::Fail, why, "put the key there that the certificate was made for")
        }
    }
}

pub(super) fn issuer_keys(path: &Path) -> Finding {
    const CHECK: &str = "issuer keys";
    match gsm_server::inspect::jwks_fault(path) {
        None => Finding::ok(CHECK, path.display().to_string()),
        Some(why) => {
            Finding::bad(CHECK, Verdict::Fail, why, "name a JWKS file with the public keys of the issuer")
        }
    }
}

pub(super) fn secret(name: &str, path: &Path) -> Finding {
    let shown = format!("webhook `{name}`, {}", path.display());
    match gsm_server::inspect::webhook_secret_fault(path) {
        None => Finding::ok("secret", shown),
        Some(why) => {
            Finding::bad("secret", Verdict::Fail, format!("{shown} {why}"), "`gsm serve` refuses it")
        }
    }
}

/// A certificate, and how long it is good.
pub(super) fn certificate(check: &'static str, path: &Path) -> Finding {
    const DAY: i64 = 24 * 3_600;
    let found = match gsm_server::inspect::certificate(path) {
        Ok(found) => found,
        Err(error) => {
            let shown = format!("{}: {error}", path.display());
            return Finding::bad(check, Verdict::Fail, shown, "name a file with a certificate (PEM)");
        }
    };
    let now = i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX);
    let (subject, days) = (&found.subject, (found.not_after_s - now).div_euclid(DAY));
    if found.not_before_s > now {
        let shown = format!("{subject}, not good yet");
        return Finding::bad(check, Verdict::Fail, shown, "clients refuse it: look at the clock, or wait");
    }
    match days {
        ..0 => Finding::bad(
            check,
            Verdict::Fail,
            format!("{subject}, expired {} days ago", -days),
            "clients refuse it: renew it",
        ),
        0..14 => Finding::bad(
            check,
            Verdict::Warn,
            format!("{subject}, {days} days left"),
            "renew it; the server reads the new file by itself",
        ),
        _ => Finding::ok(check, format!("{subject}, {days} days left")),
    }
}
