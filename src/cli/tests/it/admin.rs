use crate::gsm::{ODD, Served, arg, gsm, odd};
use std::{ffi::OsStr, fs, os::unix::fs::PermissionsExt as _};

#[test]
fn bootstrap_writes_one_private_key_and_never_prints_it() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let out = gsm(&["admin", "bootstrap", "--data-dir", arg(&data)]).ok();
    let file = data.join("admin.key");
    let key = fs::read_to_string(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(key.starts_with("gsmk_") && !out.contains(key.trim()) && out.contains(arg(&file)), "{out}");
    gsm(&["admin", "bootstrap", "--data-dir", arg(&data)]).told(1, &["admin.key", "exists"]);
    let other = dir.path().join("other.key");
    let again = gsm(&["admin", "bootstrap", "--data-dir", arg(&data), "--out", arg(&other)]);
    again.told(1, &["admin's key already"]);
    assert!(!other.exists());
    let served = Served::start("serve", &data, &[]);
    assert_eq!(served.get("/v1/admin/keys", Some(key.trim())).0, 200);
    assert_eq!(served.get("/v1/admin/keys", None).0, 401);
}

#[test]
fn a_file_whose_name_is_no_text_is_told_as_it_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (dir.path().join("data"), odd(dir.path()));
    let args = ["admin", "bootstrap", "--json", "--data-dir", arg(&data), "--out"].map(OsStr::new);
    let ran = gsm(&[&args[..], &[out.as_os_str()]].concat());
    ran.told(0, &[]);
    assert!(out.exists() && ran.json()["file"].as_str().unwrap().ends_with(ODD.1));
}
