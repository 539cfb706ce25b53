//! Shipping the audit log: into a directory, to syslog, by hand and by a running server.
use crate::gsm::{Served, arg, eventually, gsm, write};
use gsm_adapters::AuditDir;
use gsm_audit::{Limits, Log, Record, SigningKey};
use serde_json::Value;
use std::{
    fs,
    io::Read as _,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

/// So long something may take until it counts as never.
const NEVER: Duration = Duration::from_secs(60);

/// A log that the test writes itself, and the file with its key.
pub(crate) struct Written {
    pub(crate) dir: PathBuf,
    pub(crate) vkey: PathBuf,
}

impl Written {
    pub(crate) fn new(dir: &Path, records: u64) -> Self {
        let written = Self { dir: dir.join("audit"), vkey: dir.join("gsm.vkey") };
        written.grow(records);
        fs::copy(written.dir.join("log.vkey"), &written.vkey).unwrap();
        written
    }

    /// Appends so many more.
    pub(crate) fn grow(&self, records: u64) {
        let key = SigningKey::of("gsm/audit/test", [7; 32]).unwrap();
        let mut log = Log::open(AuditDir::new(&self.dir), vec![key], Limits::default()).unwrap();
        let ids: Vec<String> = (0..records).map(|n| format!("evt-{}", log.size() + n)).collect();
        let record =
            |id| Record { event_id: id, name: "gsm:ReportResult", node: "gsm-1", ..Record::default() };
        log.append(&ids.iter().map(|id| record(id)).collect::<Vec<_>>()).unwrap();
    }

    pub(crate) fn args<'a>(&'a self, what: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&["audit", what, "--dir", arg(&self.dir), "--vkey", arg(&self.vkey)], more].concat()
    }
}

/// The members of the checkpoint in a line of syslog: its size, and the note.
fn checkpoint_of(line: &str) -> (u64, String) {
    assert!(line.starts_with("<109>1 20") && line.contains(" gsm - checkpoint - {"), "{line}");
    let message: Value = serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
    let note = message["checkpoint"].as_str().unwrap().to_owned();
    (note.lines().nth(1).unwrap().parse().unwrap(), note)
}

/// A receiver of syslog over TCP: gives each line as it comes.
fn receiver() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("tcp://{}", listener.local_addr().unwrap());
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            let (length, line) = text.split_once(' ').unwrap();
            assert_eq!(length.parse(), Ok(line.len()));
            if sender.send(line.to_owned()).is_err() {
                return;
            }
        }
    });
    (at, lines)
}

#[test]
fn a_copy_in_a_directory_is_made_goes_on_and_is_checked_like_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = Written::new(dir.path(), 600);
    let copy = dir.path().join("copy");
    let ship = |more: &[&str]| gsm(&log.args("ship", &[&["--to", arg(&copy)], more].concat()));
    let told = ship(&[]).ok();
    assert!(told.contains("has 600 records, 600 of them new"), "{told}");
    log.grow(100);
    let told = ship(&["--json"]).json();
    assert_eq!((&told["size"], &told["shipped"]), (&700.into(), &100.into()));
    assert_eq!(ship(&["--json"]).json()["shipped"], 0);
    let of_copy = |what: &str, more: &[&str]| gsm(&[&["audit", what, "--dir", arg(&copy)], more].concat());
    let key = ["--vkey", arg(&log.vkey)];
    assert!(of_copy("verify", &key).ok().starts_with("whole: 700 records"));
    of_copy("prove", &[&key[..], &["--seq", "650"]].concat()).ok();
    of_copy("consistency", &[&key[..], &["--anchor", arg(&log.dir.join("checkpoint"))]].concat()).ok();
    let exported = gsm(&["audit", "export", "--dir", arg(&log.dir)]).ok();
    assert_eq!(of_copy("export", &[]).ok(), exported);

    // The log was rolled back to what it was: the copy knows.
    log.grow(1);
    let segment = log.dir.join("segments/00000000000000000000.jsonl");
    let text = fs::read_to_string(&segment).unwrap();
    write(
        &segment,
        &text.replacen(
            "gsm:ReportResult\",\"eventID\":\"evt-700\"",
            "gsm:ReportNothing\",\"eventID\":\"evt-700\"",
            1,
        ),
    );
    ship(&[]).told(1, &["the audit log is damaged", "gsm audit verify"]);
    assert!(of_copy("verify", &key).ok().starts_with("whole: 700 records"));
}

#[test]
fn what_cannot_be_shipped_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let log = Written::new(dir.path(), 3);
    let ship = |more: &[&str]| gsm(&log.args("ship", more));
    ship(&[]).told(2, &["--to"]);
    ship(&["--to", "s3://x"]).told(2, &["--to", "bucket"]);
    ship(&["--to", arg(&log.dir)]).told(2, &["another place"]);
    ship(&["--to", "y", "--retention", "ever"]).told(2, &["--retention"]);
    ship(&["--to", "y", "--retention-days", "0"]).told(2, &["--retention-days"]);
    ship(&["--syslog", "logs"]).told(2, &["tcp://host:port"]);
    ship(&["--syslog", "unix:///nowhere"]).told(1, &["unix:///nowhere"]);
    if cfg!(not(feature = "s3")) {
        ship(&["--to", "s3://audit/gsm"]).told(2, &["--features full"]);
        gsm(&["audit", "verify", "--dir", "s3://audit/gsm", "--vkey", arg(&log.vkey)])
            .told(2, &["--features full"]);
        let config = dir.path().join("gsm.toml");
        write(&config, "[audit]\nship_to = \"s3://audit/gsm\"\n");
        let checked = gsm(&["config", "check", "--config", arg(&config)]);
        let all = format!("{}{}", checked.out, checked.err);
        assert!(checked.code != Some(0) && all.contains("audit.ship_to"), "{all}");
        assert!(all.contains("--features full"), "{all}");
    }
    let other = dir.path().join("other");
    write(&other, "junk");
    gsm(&["audit", "ship", "--dir", arg(&log.dir), "--vkey", arg(&other), "--to", "y"]).told(2, &["--vkey"]);
    gsm(&["audit", "ship", "--dir", arg(dir.path()), "--vkey", arg(&log.vkey), "--to", "y"])
        .told(1, &["checkpoint"]);
}

#[test]
fn the_newest_checkpoint_goes_to_syslog_and_comes_back_as_an_anchor() {
    let dir = tempfile::tempdir().unwrap();
    let log = Written::new(dir.path(), 40);
    let (at, lines) = receiver();
    let told = gsm(&log.args("ship", &["--syslog", &at, "--node", "eu-1"])).ok();
    assert!(told.contains("the checkpoint of 40 records"), "{told}");
    let line = lines.recv_timeout(NEVER).unwrap();
    assert!(line.contains("Z eu-1 gsm "), "{line}");
    let (size, note) = checkpoint_of(&line);
    assert_eq!(size, 40);
    log.grow(10);
    let anchor = dir.path().join("anchor");
    write(&anchor, &note);
    gsm(&log.args("verify", &["--anchor", arg(&anchor)])).ok();
}

/// A running server ships by itself, tells how far it is, goes on after a restart, and ships what is left when it stops.
#[test]
fn a_server_ships_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let (data, copy, config) =
        (dir.path().join("data"), dir.path().join("copy"), dir.path().join("gsm.toml"));
    let (at, lines) = receiver();
    let place = arg(&copy);
    write(&config, &format!("[audit]\nship_every_s = 1\nship_to = \"{place}\"\nship_syslog = \"{at}\"\n"));
    let vkey = data.join("audit/log.vkey");
    let verify =
        |dir: &Path| gsm(&["audit", "verify", "--dir", arg(dir), "--vkey", arg(&vkey), "--json"]).json();
    for round in 0..2 {
        let served = Served::start("dev", &data, &["--bots", "0", "--config", arg(&config)]);
        let body = format!(r#"{{"secret":"abcdefghijklmnopqrstuvwxyz{round:06}"}}"#);
        assert_eq!(served.post("/v1/auth/guest", None, &body).0, 200);
        // While it runs: a checkpoint comes that covers the sign-in, and the copy is whole.
        let seen = |size: u64| {
            while checkpoint_of(&lines.recv_timeout(NEVER).unwrap()).0 < size {}
        };
        let line = |served: &Served, name: &str| {
            let text = served.text("/metrics");
            let line = text.lines().find(|line| line.starts_with(name)).map(str::to_owned);
            line.unwrap_or_else(|| panic!("no {name} in {text}"))
        };
        let log = AuditDir::new(&data.join("audit"));
        let size = eventually(|| {
            let note = gsm_audit::Files::read(&log, "checkpoint").unwrap().unwrap();
            let found = gsm_audit::Checkpoint::claimed(&note).unwrap().size;
            (found > 0).then_some(found)
        });
        seen(size);
        for to in ["copy", "syslog"] {
            line(&served, &format!("gsm_audit_ship_lag_seconds{{to=\"{to}\"}}"));
            line(&served, &format!("gsm_audit_ship_lag_records{{to=\"{to}\"}}"));
            let failures = line(&served, &format!("gsm_audit_ship_failures_total{{to=\"{to}\"}}"));
            assert!(failures.ends_with(" 0"), "{failures}");
        }
        let (_, ended) = served.signal("TERM");
        assert!(ended.success());
        let (own, shipped) = (verify(&data.join("audit")), verify(&copy));
        assert_eq!((&shipped["verdict"], &shipped["size"]), (&"whole".into(), &own["size"]));
    }
    assert!(fs::read_dir(copy.join("segments")).unwrap().count() >= 2);
}
