//! Keys in files, rotated by the binary; and a server that is killed in the middle of it.
use crate::gsm::{Served, arg, gsm};
use serde_json::Value;
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

fn dev_key(data: &Path, name: &str) -> String {
    let keys = fs::read_to_string(data.join("dev-credentials.json")).unwrap();
    let keys: Value = serde_json::from_str(&keys).unwrap();
    keys[name].as_str().unwrap().to_owned()
}

#[test]
fn keys_in_files_are_rotated_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    gsm(&["admin", "bootstrap", "--data-dir", arg(&data)]).ok();
    let served = Served::start("serve", &data, &[]);
    let (server, admin) = (format!("http://{}", served.addr), data.join("admin.key"));
    let rotate = |more: &[&str]| {
        gsm(&[&["key", "rotate", "--server", &server, "--token-file", arg(&admin)], more].concat())
    };
    for (kind, file) in [("token", "token.key"), ("master", "aws-master.key")] {
        let before = fs::read_to_string(data.join(file)).unwrap();
        rotate(&["--key", kind]).told(2, &["--reason"]);
        assert_eq!(fs::read_to_string(data.join(file)).unwrap(), before);
        let told = rotate(&["--key", kind, "--reason", "yearly", "--overlap-s", "0", "--json"]).json();
        assert_eq!(told["keys"], 2);
        let now = fs::read_to_string(data.join(file)).unwrap();
        assert!(now.contains(&format!("{} until {}", before.trim(), told["previous_until"])), "{now}");
        assert!(rotate(&["--key", kind, "--reason", "again"]).ok().contains("good until 2"));
    }
    rotate(&["--overlap-s", "5"]).told(2, &["--overlap-s"]);
    rotate(&["--key", "token", "--reason", "\u{fc}"]).told(2, &["ASCII"]);
    rotate(&["--key", "token", "--reason", "r", "--id", "key-1", "--out", "x"])
        .told(2, &["cannot be used with"]);
    // A reason for what wants none is written down as well.
    rotate(&["--reason", "the laptop was lost"]).ok();
    let ran = gsm(&["doctor", "--listen", "127.0.0.1:0", "--data-dir", arg(&data)]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(served.signal("TERM").1.success());
    let log = fs::read_to_string(data.join("audit/segments/00000000000000000000.jsonl")).unwrap();
    for (action, reason) in [
        ("gsm:RotateTokenKey", "yearly"),
        ("gsm:RotateMasterKey", "again"),
        ("gsm:RotateSigningKeys", "the laptop was lost"),
    ] {
        let is_it = |line: &str| line.contains(action) && line.contains(reason);
        assert!(log.lines().any(is_it), "{action}: {log}");
    }
}

/// Asks for another key; no answer comes where the server is killed before.
fn rotate(addr: &str, path: &str, token: &str) {
    let body = r#"{"reason":"r"}"#;
    let Ok(mut stream) = TcpStream::connect(addr) else { return };
    let head =
        format!("POST /v1/admin/{path}/rotate HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer {token}\r\n");
    let kind = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    if stream.write_all([&head, &kind, body].concat().as_bytes()).is_ok() {
        let _ = stream.read(&mut [0; 1]);
    }
}

/// What a rotation leaves is whole whenever the server dies: in its middle, which begins when the file is another one.
#[test]
fn a_server_that_is_killed_in_a_rotation_starts_and_knows_what_it_signed() {
    let dir = tempfile::tempdir().unwrap();
    let start = || Served::start("dev", dir.path(), &["--bots", "0"]);
    let mut served = start();
    let (admin, server) = (dev_key(dir.path(), "admin_key"), dev_key(dir.path(), "server_key"));
    let body = r#"{"secret":"Ann-0123456789abcdefghijkl"}"#;
    let (_, session) = served.post("/v1/auth/guest", None, body);
    let session = session["token"].as_str().unwrap().to_owned();
    let players: Vec<String> = ["a", "b"]
        .map(|name| {
            let body = format!(r#"{{"secret":"{name}-0123456789abcdefghijkl"}}"#);
            served.post("/v1/auth/guest", None, &body).1["player_id"].as_str().unwrap().to_owned()
        })
        .to_vec();
    let mut hosted: Vec<(String, String)> = Vec::new();
    let rounds = [("token-key", "token.key"), ("master-key", "aws-master.key")].repeat(4);
    for (path, file) in rounds {
        let made = serde_json::json!({ "queue": "duel", "players": players }).to_string();
        let (status, made) = served.post("/v1/matches", Some(&server), &made);
        assert_eq!(status, 201, "{made}");
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        hosted.push((text("match_id"), text("server_token")));
        assert_eq!(served.post("/v1/aws-keys", Some(&admin), r#"{"role":"server"}"#).0, 201);
        let file = dir.path().join(file);
        let place = || fs::metadata(&file).unwrap().ino();
        let before = place();
        let (addr, answered) = (served.addr.clone(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                rotate(&addr, path, &admin);
                answered.store(true, Ordering::Release);
            });
            while place() == before && !answered.load(Ordering::Acquire) {
                std::hint::spin_loop();
            }
            served.kill();
        });
        assert_ne!(place(), before, "{path} makes another key");
        served = start();
        for (id, token) in &hosted {
            assert_eq!(served.get(&format!("/v1/matches/{id}"), Some(token)).0, 200);
        }
        assert_eq!(served.get("/v1/queues", Some(&session)).0, 200);
        let shut = |line: &String| line.contains("does not open");
        assert!(!served.said.iter().any(shut), "{:?}", served.said);
    }
    assert!(served.signal("TERM").1.success());
    let ran = gsm(&["doctor", "--listen", "127.0.0.1:0", "--data-dir", arg(dir.path())]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}
