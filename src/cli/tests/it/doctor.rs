use crate::gsm::{Served, arg, gsm, write};
use std::{fs, os::unix::fs::PermissionsExt as _};

#[test]
fn a_fit_machine_passes_and_each_check_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let found = gsm(&["doctor", "--listen", "127.0.0.1:0", "--data-dir", arg(&data), "--json"]).json();
    assert_eq!(found["ok"], true, "{found}");
    let checks: Vec<&str> =
        found["findings"].as_array().unwrap().iter().map(|f| f["check"].as_str().unwrap()).collect();
    for check in
        ["clock", "open files", "memory", "port", "data directory", "snapshots", "disk space", "disk sync"]
    {
        assert!(checks.contains(&check), "{check} is not in {checks:?}");
    }
    assert!(!data.exists(), "it looks and leaves nothing");
}

#[test]
fn what_would_stop_a_server_fails_and_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("token.key"), "x");
    fs::set_permissions(dir.path().join("token.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let jwks = dir.path().join("keys.json");
    write(&jwks, "{}");
    let ran = gsm(&[
        "doctor",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        arg(dir.path()),
        "--player-jwks",
        arg(&jwks),
    ]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let failed = |check: &str| ran.out.lines().any(|line| line.starts_with("FAIL") && line.contains(check));
    assert!(failed("session key") && failed("issuer keys"), "{}", ran.out);
    assert!(ran.out.contains("chmod 600"), "{}", ran.out);
    fs::create_dir(dir.path().join("snapshots")).unwrap();
    write(&dir.path().join("snapshots/duel.board"), "x");
    write(&dir.path().join("snapshots/duel.board.new"), "of a crash");
    let ran = gsm(&["doctor", "--listen", "127.0.0.1:0", "--data-dir", arg(dir.path())]);
    assert!(ran.out.contains("1 boards, 0 MiB, the oldest"), "{}", ran.out);
    fs::remove_dir_all(dir.path().join("snapshots")).unwrap();
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_directory_in_use_is_no_failure_and_its_server_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start("serve", dir.path(), &[]);
    let ran = gsm(&["doctor", "--listen", &served.addr, "--data-dir", arg(dir.path())]);
    let warned = |check: &str| ran.out.lines().any(|line| line.starts_with("warn") && line.contains(check));
    assert!(ran.code == Some(0) && warned("port") && warned("holds the directory"), "{ran:?}");
}
