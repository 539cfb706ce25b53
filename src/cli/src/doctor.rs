//! `gsm doctor`: is this machine fit, and is what the server needs where it must be?
mod clock;
#[cfg(feature = "sagemaker")]
mod endpoint;
mod files;
mod keys;
mod machine;

use crate::{
    flags::Flags,
    output::{Failure, Outcome, print_json, print_table},
};
use clap::Args;
use gsm_adapters::CopyPlace;
use gsm_server::config::{Checked, Mode, Settings};
use std::{
    fs,
    io::{ErrorKind, Read as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

/// `gsm doctor`
#[derive(Args)]
#[command(after_help = "Example: gsm doctor --config gsm.toml

Exit code 0: nothing failed (warnings may remain); 1: something did; 2: the configuration cannot be read.")]
pub(crate) struct Command {
    #[command(flatten)]
    flags: Flags,
    /// For machines
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

#[derive(serde::Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, found: found.into(), advice: None }
    }
    fn bad(check: &'static str, verdict: Verdict, found: impl Into<String>, advice: &str) -> Self {
        Self { check, verdict, found: found.into(), advice: Some(advice.to_owned()) }
    }
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        let findings = findings(&self.flags)?;
        let failed = findings.iter().any(|f| f.verdict == Verdict::Fail);
        if self.json {
            print_json(&serde_json::json!({ "ok": !failed, "findings": findings }))?;
        } else {
            let rows: Vec<Vec<String>> = findings.iter().map(row).collect();
            print_table(&rows, &[]);
        }
        if failed { Err(Failure { text: String::new(), code: 1 }) } else { Ok(()) }
    }
}

fn row(finding: &Finding) -> Vec<String> {
    let verdict = match finding.verdict {
        Verdict::Ok => "ok",
        Verdict::Warn => "warn",
        Verdict::Fail => "FAIL",
    };
    let advice = finding.advice.as_ref().map(|a| format!("-> {a}")).unwrap_or_default();
    vec![verdict.to_owned(), finding.check.to_owned(), finding.found.clone(), advice]
}

fn findings(flags: &Flags) -> Result<Vec<Finding>, Failure> {
    let Checked { settings, warnings } = flags.load()?.check(Mode::Serve);
    let mut all = Vec::new();
    for warning in &warnings {
        all.push(Finding::bad("configuration", Verdict::Warn, warning.to_string(), "see docs/config.md"));
    }
    let settings = match settings {
        Ok(settings) => settings,
        Err(problems) => {
            let one = |p: &gsm_server::config::Problem| {
                Finding::bad("configuration", Verdict::Fail, p.to_string(), "gsm config check")
            };
            all.extend(problems.iter().map(one));
            return Ok(all);
        }
    };
    all.push(Finding::ok("configuration", "lawful"));
    all.push(clock::set(&settings.data_dir));
    all.push(clock::kept());
    all.push(machine::open_files());
    all.push(machine::memory(&settings));
    let is_served = is_served(&settings.data_dir);
    all.push(port(&settings, is_served));
    all.extend(data_dir(&settings));
    all.extend(snapshots(&settings));
    all.extend(files::store(&settings, is_served));
    all.extend(files::gap(&settings, is_served));
    all.extend(keys::private_key("session key", &settings.token_key_file, gsm_server::key_file_fault));
    all.extend(files::sessions(&settings, is_served));
    all.extend(keys::audit_keys(&settings));
    all.extend(files::audit_log(&settings, is_served));
    for (check, path) in [
        ("session key", &settings.token_key_file),
        ("audit keys", &settings.audit_key_file),
        ("access key seal", &settings.aws_master_key_file),
    ] {
        all.extend(files::place(check, path, &settings.data_dir));
    }
    all.extend(keys::address_keys(&settings.data_dir));
    all.extend(files::addresses(&settings.data_dir));
    let owner = "chmod 600: whoever reads it is an owner of this server; rotate it by gsm key rotate";
    all.extend(keys::private_file("admin key", &settings.data_dir.join("admin.key"), owner));
    all.extend(settings.recording.dir.iter().filter_map(|dir| files::made("recording", dir)));
    if let Some((CopyPlace::Dir(dir), _)) = &settings.ship.copy {
        all.extend(files::in_the_way("audit copy", dir));
    }
    let jwks =
        settings.player_jwks.iter().chain(settings.trusted_issuers.iter().filter_map(|i| i.jwks.as_ref()));
    all.extend(jwks.map(|path| keys::issuer_keys(path)));
    let seal =
        keys::private_key("access key seal", &settings.aws_master_key_file, gsm_server::key_file_fault);
    all.extend(seal);
    all.extend(settings.webhooks.iter().map(|webhook| keys::secret(&webhook.name, &webhook.secret_file)));
    if let Some(tls) = &settings.tls {
        all.push(keys::tls_key(&tls.cert_file, &tls.key_file));
        all.push(keys::certificate("TLS certificate", &tls.cert_file));
        all.extend(tls.client_ca_file.iter().map(|file| keys::certificate("client authority", file)));
    }
    all.push(policies(settings.policy_dir.as_deref()));
    all.extend(files::deciding(&settings, flags.source.config.as_deref()));
    #[cfg(feature = "sagemaker")]
    if let Some(predictor) = &settings.predictor {
        all.push(endpoint::check(predictor)?);
    }
    Ok(all)
}

fn policies(dir: Option<&Path>) -> Finding {
    let shown = dir.map_or_else(|| "as shipped".to_owned(), |dir| dir.display().to_string());
    match gsm_server::authz::policies(dir) {
        Ok(policies) => Finding::ok("policies", format!("{shown}, {} of them", policies.texts().len())),
        Err(faults) => {
            let first = faults.0.first().map(ToString::to_string).unwrap_or_default();
            Finding::bad("policies", Verdict::Fail, first, "gsm authz check DIR tells them all")
        }
    }
}

/// Whether `gsm serve` could listen. The address of the server that runs on this very directory is no fault.
fn port(settings: &Settings, is_served: bool) -> Finding {
    const CHECK: &str = "port";
    let error = match TcpListener::bind(settings.listen) {
        Ok(_) => return Finding::ok(CHECK, format!("{} is free", settings.listen)),
        Err(error) => error,
    };
    let found = format!("{}: {error}", settings.listen);
    match error.kind() {
        ErrorKind::AddrInUse if is_served => {
            Finding::bad(CHECK, Verdict::Warn, found, "the server of this directory runs there, it seems")
        }
        ErrorKind::AddrInUse => Finding::bad(
            CHECK,
            Verdict::Fail,
            found,
            "`gsm serve` refuses it: stop what runs there, or choose another --listen",
        ),
        _ => Finding::bad(CHECK, Verdict::Fail, found, "`gsm serve` refuses it: choose another --listen"),
    }
}

/// Whether a server holds the directory.
fn is_served(dir: &Path) -> bool {
    let file = fs::File::open(dir.join("LOCK"));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
}

fn data_dir(settings: &Settings) -> Vec<Finding> {
    let dir = &settings.data_dir;
    let shown = dir.display().to_string();
    if !dir.exists() {
        let parent = dir.ancestors().skip(1).find(|p| p.exists() || p.as_os_str().is_empty());
        let parent = parent.filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut found = vec![Finding::ok("data directory", format!("{shown} will be made"))];
        found.extend(machine::disk(parent));
        return found;
    }
    let mut found = Vec::new();
    let mode = fs::metadata(dir).map(|m| m.permissions().mode() & 0o777).unwrap_or(0);
    found.push(if mode & 0o007 == 0 {
        Finding::ok("data directory", format!("{shown}, mode {mode:o}"))
    } else {
        Finding::bad(
            "data directory",
            Verdict::Warn,
            format!("{shown}, mode {mode:o}"),
            "chmod 700: others can look into it",
        )
    });
    found.extend(lock(dir));
    found.extend(machine::disk(dir));
    found
}

/// What a start need not read rating by rating.
fn snapshots(settings: &Settings) -> Option<Finding> {
    const CHECK: &str = "snapshots";
    if settings.snapshot_every.is_zero() {
        return Some(Finding::ok(CHECK, "off: a start reads every rating"));
    }
    let dir = settings.data_dir.join("snapshots");
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let players = settings.snapshot_players_min;
            return Some(Finding::ok(
                CHECK,
                format!("none yet: boards of {players} players and more are saved"),
            ));
        }
        Err(error) => {
            return Some(Finding::bad(CHECK, Verdict::Warn, error.to_string(), "a start reads every rating"));
        }
    };
    let files = entries.flatten().filter(|entry| entry.path().extension().is_some_and(|end| end == "board"));
    let files: Vec<fs::Metadata> = files.filter_map(|entry| entry.metadata().ok()).collect();
    let mib = files.iter().map(fs::Metadata::len).sum::<u64>() >> 20;
    // A clock that was set back makes none older than it is.
    let ages = files.iter().filter_map(|file| file.modified().ok()?.elapsed().ok());
    let oldest = ages.max().unwrap_or_default().as_secs();
    Some(Finding::ok(CHECK, format!("{} boards, {mib} MiB, the oldest {oldest} s old", files.len())))
}

/// Who holds the directory, if somebody does.
fn lock(dir: &Path) -> Option<Finding> {
    let file = fs::File::open(dir.join("LOCK")).ok()?;
    match file.try_lock_shared() {
        Ok(()) => None,
        Err(fs::TryLockError::Error(error)) => Some(Finding::bad(
            "lock",
            Verdict::Fail,
            error.to_string(),
            "the directory must be on a local file system",
        )),
        Err(fs::TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let read = file.take(32).read_to_string(&mut holder);
            let holder = read.ok().map(|_| holder.trim()).filter(|pid| !pid.is_empty()).unwrap_or("?");
            Some(Finding::bad(
                "lock",
                Verdict::Warn,
                format!("process {holder} holds the directory"),
                "a server runs on it; stop it before another starts",
            ))
        }
    }
}
