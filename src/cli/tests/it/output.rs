//! What is printed is written, or the command says that it was not.
use crate::gsm::{Served, arg, command, eventually, write};
use std::{fs::File, process::Stdio};

/// Commands that print and need nothing.
const PRINTING: [&[&str]; 9] = [
    &["authz", "schema"],
    &["config", "show", "--template"],
    &["config", "show"],
    &["firewall", "export"],
    &["--help"],
    &["help", "audit"],
    &["audit", "export", "--help"],
    &["serve", "-h"],
    &["--version"],
];

#[test]
fn a_full_disk_is_no_success() {
    for args in PRINTING {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ran = command(args, &[]).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{args:?}: {told}");
        assert!(told.contains("the output could not be written"), "{args:?}: {told}");
    }
}

#[test]
fn who_reads_no_further_has_seen_enough() {
    for args in PRINTING {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = command(args, &[]).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success() && !told.contains("written"), "{args:?}: {told}");
    }
}

/// The same of what writes page after page.
#[test]
fn who_reads_no_further_of_an_export_has_seen_enough() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let served = Served::start("dev", &data, &["--bots", "0"]);
    let body = r#"{"secret":"abcdefghijklmnopqrstuvwxyz","display_name":"Zaphod"}"#;
    let session = served.post("/v1/auth/guest", None, body).1;
    let (player, token) = (session["player_id"].as_str().unwrap(), dir.path().join("token"));
    write(&token, session["token"].as_str().unwrap());
    let server = format!("http://{}", served.addr);
    let ends = |args: &[&str]| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = command(args, &[]).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success() && !told.contains("write"), "{args:?}: {told}");
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ran = command(args, &[]).stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(ran.status.code(), Some(1), "{args:?}: {ran:?}");
    };
    ends(&["privacy", "export", player, "--server", &server, "--token-file", arg(&token)]);
    // Without somebody who reads there is no end to wait for; the records are there a little later.
    let log = data.join("audit");
    let tail = || command(&["audit", "tail", "--dir", arg(&log)], &[]).output().unwrap();
    eventually(|| tail().status.success().then_some(()));
    ends(&["audit", "tail", "--follow", "--dir", arg(&log)]);
    assert!(served.signal("TERM").1.success());
    ends(&["boards", "export", "--data-dir", arg(&data), "--board", "duel"]);
}

#[test]
fn help_shows_json_as_it_is_written() {
    let ran = command(&["audit", "export", "--help"], &[]).output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(told.contains(r#"`{"Records": [..]}`"#), "{told}");
}
