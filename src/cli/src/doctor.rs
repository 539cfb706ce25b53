//! `gsm doctor`: is this machine fit, and is what the server needs where it must be?
#[cfg(feature = "sagemaker")]
mod endpoint;
mod files;

use crate::{
    flags::Flags,
    output::{Failure, Outcome, print_json, print_table},
};
use clap::Args;
use gsm_adapters::CopyPlace;
use gsm_server::config::{Checked, Mode, Settings};
use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Syncs measured.
const SYNCS: usize = 64;
/// Free space below which a data directory is no place for a journal.
const FREE_MIB_MIN: u64 = 1_024;
/// Open files that 10,000 connections and the store need.
const OPEN_FILES_MIN: u64 = 12_000;
/// Memory that a server wants beside its caches.
const MEMORY_MIB_MIN: u64 = 256;
/// A sync that takes longer makes every result slow.
const SYNC_SLOW: Duration = Duration::from_millis(10);

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
    all.push(clock());
    all.push(open_files());
    all.push(memory(&settings));
    let is_served = is_served(&settings.data_dir);
    all.push(port(&settings, is_served));
    all.extend(data_dir(&settings));
    all.extend(snapshots(&settings));
    all.extend(files::store(&settings, is_served));
    all.extend(files::gap(&settings, is_served));
    all.extend(private_key("session key", &settings.token_key_file, gsm_server::key_fault));
    all.extend(files::sessions(&settings, is_served));
    all.extend(audit_keys(&settings));
    all.extend(files::audit_log(&settings, is_served));
    for (check, path) in [
        ("session key", &settings.token_key_file),
        ("audit keys", &settings.audit_key_file),
        ("access key seal", &settings.aws_master_key_file),
    ] {
        all.extend(files::place(check, path, &settings.data_dir));
    }
    all.extend(address_keys(&settings.data_dir));
    all.extend(files::addresses(&settings.data_dir));
    let owner = "chmod 600: whoever reads it is an owner of this server; rotate it by gsm key rotate";
    all.extend(private_file("admin key", &settings.data_dir.join("admin.key"), owner));
    all.extend(settings.recording.dir.iter().filter_map(|dir| files::made("recording", dir)));
    if let Some((CopyPlace::Dir(dir), _)) = &settings.ship.copy {
        all.extend(files::in_the_way("audit copy", dir));
    }
    let jwks =
        settings.player_jwks.iter().chain(settings.trusted_issuers.iter().filter_map(|i| i.jwks.as_ref()));
    all.extend(jwks.map(|path| issuer_keys(path)));
    all.extend(private_key("access key seal", &settings.aws_master_key_file, gsm_server::key_fault));
    all.extend(settings.webhooks.iter().map(|webhook| secret(&webhook.name, &webhook.secret_file)));
    if let Some(tls) = &settings.tls {
        all.push(tls_key(&tls.cert_file, &tls.key_file));
        all.push(certificate("TLS certificate", &tls.cert_file));
        all.extend(tls.client_ca_file.iter().map(|file| certificate("client authority", file)));
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

fn secret(name: &str, path: &Path) -> Finding {
    let shown = format!("webhook `{name}`, {}", path.display());
    match gsm_server::inspect::webhook_secret_fault(path) {
        None => Finding::ok("secret", shown),
        Some(why) => {
            Finding::bad("secret", Verdict::Fail, format!("{shown} {why}"), "`gsm serve` refuses it")
        }
    }
}

/// A certificate, and how long it is good.
fn certificate(check: &'static str, path: &Path) -> Finding {
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

#[expect(clippy::disallowed_methods, reason = "looks at the clock itself")]
fn since_1970() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

fn clock() -> Finding {
    // A clock that was never set stands before the year in which this was written.
    let year_2025 = Duration::from_secs(1_735_689_600);
    match since_1970() {
        now if now > year_2025 => Finding::ok("clock", format!("{} s since 1970", now.as_secs())),
        _ => Finding::bad("clock", Verdict::Fail, "stands before 2025", "set the clock, run an NTP client"),
    }
}

fn open_files() -> Finding {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    match soft {
        Some(soft) if soft < OPEN_FILES_MIN => Finding::bad(
            "open files",
            Verdict::Warn,
            format!("limit {soft}"),
            "ulimit -n 65536 before the start",
        ),
        Some(soft) => Finding::ok("open files", format!("limit {soft}")),
        None => Finding::ok("open files", "no limit found"),
    }
}

/// Whether the caches fit into what the machine can give, with room for boards and connections.
fn memory(settings: &Settings) -> Finding {
    let wanted_mib =
        ((settings.journal_cache_bytes + settings.tables_cache_bytes) >> 20) as u64 + MEMORY_MIB_MIN;
    let about = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = about.lines().find(|line| line.starts_with("MemAvailable:"));
    let free_mib =
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).map(|kib| kib >> 10);
    match free_mib {
        Some(free) if free < wanted_mib => Finding::bad(
            "memory",
            Verdict::Warn,
            format!("{free} MiB available, {wanted_mib} MiB wanted"),
            "add memory, or make store.tables_cache_mib smaller",
        ),
        Some(free) => Finding::ok("memory", format!("{free} MiB available")),
        None => Finding::ok("memory", "no figure found"),
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
        found.extend(disk(parent));
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
    found.extend(disk(dir));
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

/// Free space, and how long the disk takes to keep a promise.
fn disk(dir: &Path) -> Vec<Finding> {
    let mut found = Vec::new();
    match rustix::fs::statvfs(dir) {
        Ok(fs) => {
            let mib = fs.f_bavail.saturating_mul(fs.f_frsize) >> 20;
            found.push(if mib < FREE_MIB_MIN {
                Finding::bad(
                    "disk space",
                    Verdict::Warn,
                    format!("{mib} MiB free"),
                    "the journal needs room: free some",
                )
            } else {
                Finding::ok("disk space", format!("{mib} MiB free"))
            });
        }
        Err(error) => {
            found.push(Finding::bad("disk space", Verdict::Warn, error.to_string(), "look at it with df"));
        }
    }
    found.push(match syncs(dir) {
        Ok((p50, p99)) if p50 > SYNC_SLOW => Finding::bad(
            "disk sync",
            Verdict::Warn,
            format!("p50 {p50:.2?}, p99 {p99:.2?}"),
            "every result waits for one: use a faster disk",
        ),
        Ok((p50, p99)) => Finding::ok("disk sync", format!("p50 {p50:.2?}, p99 {p99:.2?}")),
        Err(error) => {
            Finding::bad("disk sync", Verdict::Fail, error.to_string(), "the directory must be writable")
        }
    });
    found
}

/// Median and 99th percentile of small synced appends.
fn syncs(dir: &Path) -> std::io::Result<(Duration, Duration)> {
    let path: PathBuf = dir.join(format!(".gsm-doctor-{}", std::process::id()));
    let measured: std::io::Result<(Duration, Duration)> = (|| {
        let mut file = fs::File::create(&path)?;
        let mut took = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            #[expect(clippy::disallowed_methods, reason = "measures the disk")]
            let begin = Instant::now();
            file.write_all(&[0; 512])?;
            file.sync_data()?;
            took.push(begin.elapsed());
        }
        took.sort_unstable();
        let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default();
        Ok((at(50), at(99)))
    })();
    let removed = fs::remove_file(&path);
    let measured = measured?;
    removed?;
    Ok(measured)
}

/// What to do about a key that others can read.
const OTHERS: &str = "chmod 600: `gsm serve` refuses a key that others can read";

fn private_file(check: &'static str, path: &Path, hint: &str) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let shown = format!("{}, mode {mode:o}", path.display());
    Some(if mode & 0o077 == 0 {
        Finding::ok(check, shown)
    } else {
        Finding::bad(check, Verdict::Fail, shown, hint)
    })
}

/// A key that the server made itself, or was given: nobody else may read it, and it must be one.
fn private_key(check: &'static str, path: &Path, fault: fn(&Path) -> Option<String>) -> Option<Finding> {
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
fn audit_keys(settings: &Settings) -> Option<Finding> {
    const CHECK: &str = "audit keys";
    let path = &settings.audit_key_file;
    match gsm_server::audit_key_gone(path, &settings.data_dir.join("audit")) {
        Some(why) => Some(Finding::bad(CHECK, Verdict::Fail, why, "`gsm serve` refuses it")),
        None => private_key(CHECK, path, gsm_server::audit_key_fault),
    }
}

/// The keys under which the audit log writes addresses down, one a year.
fn address_keys(dir: &Path) -> Vec<Finding> {
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
fn tls_key(cert: &Path, key: &Path) -> Finding {
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

fn issuer_keys(path: &Path) -> Finding {
    const CHECK: &str = "issuer keys";
    match gsm_server::inspect::jwks_fault(path) {
        None => Finding::ok(CHECK, path.display().to_string()),
        Some(why) => {
            Finding::bad(CHECK, Verdict::Fail, why, "name a JWKS file with the public keys of the issuer")
        }
    }
}
