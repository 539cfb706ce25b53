//! Shipping the audit log to S3 with Object Lock, which moto's server enforces: what was put stays, and what is interrupted
//! goes on.
use crate::{
    gsm::{Ran, Served, arg, eventually, gsm_in, skipped, write},
    ship::Written,
};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

const BUCKET: &str = "gsm-audit";
const ENV: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];

/// Without it everybody is refused everything; what is in it is not looked at.
const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261127/us-east-1/s3/aws4_request, \
                      SignedHeaders=host, Signature=00\r\n";

/// A server that speaks S3, with a bucket that has Object Lock; it ends with the test.
struct Moto {
    child: Child,
    at: SocketAddr,
}

impl Moto {
    /// Nothing where there is no `moto_server`.
    fn start() -> Option<Self> {
        let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let port = at.port().to_string();
        let server = Command::new("moto_server")
            .args(["-H", "127.0.0.1", "-p", &port])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = server else {
            skipped("there is no moto_server (testdata/requirements.txt)");
            return None;
        };
        let moto = Self { child, at };
        eventually(|| TcpStream::connect(at).ok());
        moto.ask("PUT", "", "x-amz-bucket-object-lock-enabled: true\r\n", 200);
        Some(moto)
    }

    fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// A request about the bucket; its answer, head and body.
    #[track_caller]
    fn ask(&self, method: &str, path: &str, headers: &str, wanted: u16) -> String {
        let mut stream = TcpStream::connect(self.at).unwrap();
        let at = self.at;
        write!(
            stream,
            "{method} /{BUCKET}{path} HTTP/1.1\r\nHost: {at}\r\n{SIGNED}{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap();
        assert_eq!(status, wanted.to_string(), "{method} {path}: {answer}");
        answer
    }

    /// Each version in the bucket: its key and id, the newest of a key first.
    fn versions(&self) -> Vec<(String, String)> {
        let text = self.ask("GET", "?versions", "", 200);
        let member = |of: &str, name: &str| {
            let rest = of.split_once(&format!("<{name}>")).unwrap().1;
            rest.split_once('<').unwrap().0.to_owned()
        };
        let all = text.split("<Version>").skip(1);
        all.map(|of| (member(of, "Key"), member(of, "VersionId"))).collect()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Stands before it, and breaks after so many puts: the last one arrives or does not, and nothing is answered any more.
fn breaking(to: SocketAddr, puts: usize, arrives: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if seen.load(Ordering::SeqCst) > puts {
                continue; // Closed at once.
            }
            let (seen, server) = (seen.clone(), TcpStream::connect(to).unwrap());
            let (mut back, mut forth) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            let answering = seen.clone();
            std::thread::spawn(move || {
                let mut bytes = [0; 65_536];
                while let Ok(n @ 1..) = back.read(&mut bytes) {
                    if answering.load(Ordering::SeqCst) > puts || forth.write_all(&bytes[..n]).is_err() {
                        break;
                    }
                }
                let _ = forth.shutdown(std::net::Shutdown::Both);
            });
            std::thread::spawn(move || {
                let (mut client, mut server) = (client, server);
                let mut bytes = [0; 65_536];
                while let Ok(n @ 1..) = client.read(&mut bytes) {
                    if bytes.starts_with(format!("PUT /{BUCKET}/").as_bytes()) {
                        seen.fetch_add(1, Ordering::SeqCst);
                    }
                    let broken = seen.load(Ordering::SeqCst) > puts;
                    if (broken && !arrives) || server.write_all(&bytes[..n]).is_err() {
                        break;
                    }
                }
                let _ =
                    (client.shutdown(std::net::Shutdown::Both), server.shutdown(std::net::Shutdown::Write));
            });
        }
    });
    url
}

fn ship(log: &Written, url: &str, more: &[&str]) -> Ran {
    let place = format!("s3://{BUCKET}/eu-1");
    gsm_in(&log.args("ship", &[&["--to", &place, "--s3-url", url], more].concat()), &ENV)
}

fn verify(log: &Written, url: &str) -> Ran {
    let place = format!("s3://{BUCKET}/eu-1");
    gsm_in(&["audit", "verify", "--dir", &place, "--s3-url", url, "--vkey", arg(&log.vkey), "--json"], &ENV)
}

#[test]
fn what_is_shipped_stays_and_is_checked_where_it_lies() {
    let Some(moto) = Moto::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (log, url) = (Written::new(dir.path(), 600), moto.url());
    ship(&log, &url, &["--retention-days", "30"]).ok();
    log.grow(50);
    ship(&log, &url, &["--retention", "governance"]).ok();
    let found = verify(&log, &url).json();
    assert_eq!((&found["verdict"], &found["size"]), (&"whole".into(), &650.into()));

    // Two of the checkpoint, and one of everything else; none can be deleted but the announcements.
    let versions = moto.versions();
    let of = |name: &str| versions.iter().filter(|(key, _)| key.starts_with(&format!("eu-1/{name}"))).count();
    assert_eq!((of("checkpoint"), of("segments/"), of("tile/0/"), of("pending")), (2, 2, 2, 2));
    for (key, version) in &versions {
        let wanted = if key == "eu-1/pending" { 204 } else { 403 };
        let told = moto.ask("DELETE", &format!("/{key}?versionId={version}"), "", wanted);
        assert_eq!(told.contains("AccessDenied"), wanted == 403, "{key}: {told}");
    }
    let first = "/eu-1/segments/00000000000000000000.jsonl";
    moto.ask("PUT", first, "If-None-Match: *\r\n", 412);
    assert!(moto.ask("HEAD", first, "", 200).to_lowercase().contains("x-amz-object-lock-mode: compliance"));
    assert_eq!(verify(&log, &url).json()["size"], 650);

    // Somebody puts a newer version over an older one: it is found, and the older one is there still.
    moto.ask("PUT", first, "", 200);
    let found = verify(&log, &url);
    found.told(1, &[]);
    assert_eq!(found.json()["first_bad_seq"], 0);
    // What is new is shipped all the same, and the command says that the copy has not everything.
    log.grow(1);
    let before = moto.versions().len();
    ship(&log, &url, &[]).told(1, &["the copy is not one of this log"]);
    assert!(moto.versions().len() > before);

    // The log is changed, and then rolled back: nothing of it is shipped.
    let before = moto.versions().len();
    let segment = log.dir.join("segments/00000000000000000000.jsonl");
    let whole = fs::read_to_string(&segment).unwrap();
    log.grow(1);
    let text = fs::read_to_string(&segment).unwrap();
    write(&segment, &text.replacen("\"evt-651\"", "\"evt-951\"", 1));
    ship(&log, &url, &[]).told(1, &["the audit log is damaged"]);
    write(&segment, &whole);
    fs::remove_dir_all(log.dir.parent().unwrap().join("audit")).unwrap();
    log.grow(10);
    ship(&log, &url, &[]).told(1, &["the copy is not one of this log", "rolled back"]);
    assert_eq!(moto.versions().len(), before);
}

#[test]
fn a_shipment_that_breaks_at_any_put_goes_on() {
    let Some(moto) = Moto::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (log, url) = (Written::new(dir.path(), 40), moto.url());
    let mut size = 40;
    ship(&log, &url, &[]).ok();
    // Announcement, records, a tile every now and then, the checkpoint.
    for (puts, arrives) in [(0, false), (0, true), (1, false), (1, true), (2, false), (2, true), (3, true)] {
        log.grow(130);
        size += 130;
        let broken = ship(&log, &breaking(moto.at, puts, arrives), &[]);
        if puts < 3 {
            broken.told(1, &["of the copy"]);
        }
        let found = verify(&log, &url).json();
        assert_eq!(found["verdict"], "whole", "after {puts} puts: {found}");
        ship(&log, &url, &[]).ok();
        let found = verify(&log, &url).json();
        assert_eq!((&found["verdict"], &found["size"]), (&"whole".into(), &size.into()));
    }
    let segments = moto.versions().iter().filter(|(key, _)| key.contains("/segments/")).count();
    assert_eq!(segments, 8, "nothing was put twice");
}

#[test]
fn a_bucket_without_object_lock_and_one_that_is_not_there_are_told() {
    let Some(moto) = Moto::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (log, url) = (Written::new(dir.path(), 3), moto.url());
    let to = |place: &str, more: &[&str]| {
        gsm_in(&log.args("ship", &[&["--to", place, "--s3-url", &url], more].concat()), &ENV)
    };
    to("s3://gsm-nowhere/x", &[]).told(1, &["NoSuchBucket"]);
    let mut stream = TcpStream::connect(moto.at).unwrap();
    let host = moto.at;
    write!(
        stream,
        "PUT /gsm-plain HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
    to("s3://gsm-plain/x", &[]).told(1, &["InvalidRequest"]);
    to("s3://gsm-plain/x", &["--retention", "bucket"]).ok();
}

#[test]
fn a_server_ships_to_a_bucket() {
    let Some(moto) = Moto::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (data, config) = (dir.path().join("data"), dir.path().join("gsm.toml"));
    let url = moto.url();
    write(
        &config,
        &format!("[audit]\nship_every_s = 1\nship_to = \"s3://{BUCKET}/eu-1\"\nship_url = \"{url}\"\n"),
    );
    let served = Served::start_in("dev", &data, &["--bots", "0", "--config", arg(&config)], &ENV);
    let body = r#"{"secret":"abcdefghijklmnopqrstuvwxyz123456"}"#;
    assert_eq!(served.post("/v1/auth/guest", None, body).0, 200);
    // While it runs, without being told to.
    eventually(|| moto.versions().iter().any(|(key, _)| key == "eu-1/checkpoint").then_some(()));
    let (_, ended) = served.signal("TERM");
    assert!(ended.success());
    let vkey = data.join("audit/log.vkey");
    let check = |place: &str| {
        let args = ["audit", "verify", "--dir", place, "--s3-url", &url, "--vkey", arg(&vkey), "--json"];
        gsm_in(&args, &ENV).json()
    };
    let (own, copy) = (check(arg(&data.join("audit"))), check(&format!("s3://{BUCKET}/eu-1")));
    assert_eq!((&copy["verdict"], &copy["size"]), (&"whole".into(), &own["size"]));
}
