use crate::gsm::{Served, arg, gsm, skipped};
use std::process::Command;

/// Whether there is boto3.
fn has_boto3() -> bool {
    if Command::new("python3").args(["-c", "import boto3"]).output().is_ok_and(|ran| ran.status.success()) {
        return true;
    }
    skipped("there is no boto3");
    false
}

/// A server that verifies signatures, and an access key of it.
pub(crate) struct Verifying {
    _dir: tempfile::TempDir,
    _served: Served,
    pub(crate) url: String,
    pub(crate) key: String,
    pub(crate) secret: String,
}

impl Verifying {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        gsm(&["admin", "bootstrap", "--data-dir", arg(&data)]).ok();
        let admin = std::fs::read_to_string(data.join("admin.key")).unwrap();
        let served = Served::start("serve", &data, &[]);
        let (status, made) = served.post("/v1/aws-keys", Some(admin.trim()), r#"{"role":"admin"}"#);
        assert_eq!(status, 201, "{made}");
        let url = format!("http://{}", served.addr);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self {
            _dir: dir,
            _served: served,
            url,
            key: text("access_key_id"),
            secret: text("secret_access_key"),
        }
    }
}

#[test]
fn an_unmodified_client_is_served_with_a_key_of_ours() {
    if !has_boto3() {
        return;
    }
    let at = Verifying::start();
    let ran = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/gamelift.py"))
        .args([&at.url, &at.key, &at.secret])
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "ok\n");
}
