use crate::gsm::{arg, command, gsm, gsm_in, write};
use serde_json::Value;
use std::fs;

#[test]
fn show_tells_where_each_value_comes_from() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("gsm.toml");
    write(&file, "[http]\ndrain_s = 3\n[node]\nname = \"a\"\n");
    let env = [("GSM__NODE__NAME", "b"), ("GSM__LOG__LEVEL", "warn")];
    let args = ["config", "show", "--config", arg(&file), "--log-level", "debug", "--json"];
    let all = gsm_in(&args, &env).json();
    let found = |key: &str| {
        let entry = all.as_array().unwrap().iter().find(|entry| entry["key"] == key).unwrap();
        (entry["value"].clone(), entry["origin"].as_str().unwrap().to_owned())
    };
    assert_eq!(found("http.drain_s"), (3.into(), arg(&file).to_owned()));
    assert_eq!(found("node.name"), ("b".into(), "$GSM__NODE__NAME".to_owned()));
    assert_eq!(found("log.level"), ("debug".into(), "--log-level".to_owned()));
    assert_eq!(found("http.listen"), ("127.0.0.1:8080".into(), "default".to_owned()));
    assert_eq!(found("auth.player_jwks"), (Value::Null, "default".to_owned()));
    let table = gsm_in(&args[..6], &env).ok();
    assert!(
        table.lines().any(|line| line.starts_with("node.name") && line.ends_with("$GSM__NODE__NAME")),
        "{table}"
    );
}

#[test]
fn the_template_is_the_file_of_the_repository() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/gsm.toml");
    assert_eq!(gsm(&["config", "show", "--template"]).ok(), fs::read_to_string(shipped).unwrap());
    gsm(&["config", "check", "--config", shipped]).ok();
    gsm(&["config", "show", "--template", "--json"]).told(2, &["--template", "--json"]);
}

#[test]
fn check_ends_with_1_where_something_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("gsm.toml");
    let check = |text: &str, more: &[&str]| {
        write(&file, text);
        let mut args = vec!["config", "check", "--config", arg(&file)];
        args.extend_from_slice(more);
        gsm(&args)
    };
    assert!(check("", &[]).ok().contains("lawful"));
    let risky = check("[firewall]\nprofile = \"test-lenient\"\n", &[]);
    assert!(risky.ok().contains("warning  firewall.profile"));
    let wrong = check("[http]\nlisten = \"8080\"\n", &[]);
    assert!(wrong.code == Some(1) && wrong.out.contains("error    http.listen"), "{wrong:?}");
    let wrong = check("[gamelift]\nsignatures = \"any\"\n", &[]);
    assert!(wrong.code == Some(1) && wrong.out.contains("error    gamelift.signatures"), "{wrong:?}");
    let unknown = check("[http]\nlistn = \"x\"\n", &[]);
    assert!(unknown.code == Some(1) && unknown.out.contains("did you mean `listen`?"), "{unknown:?}");
    assert!(unknown.out.contains("line 2"), "{unknown:?}");
    for (text, ok) in [("", true), ("[http]\nlisten = \"8080\"\n", false), ("[http]\nlistn = 1\n", false)] {
        let found = check(text, &["--json"]);
        assert_eq!(found.code, Some(i32::from(!ok)));
        let found = found.json();
        assert_eq!((found["ok"].as_bool(), found["errors"].as_array().unwrap().is_empty()), (Some(ok), ok));
    }
}

#[test]
fn a_variable_that_is_no_text_is_refused_by_name() {
    use std::os::unix::ffi::OsStrExt as _;
    let name = std::ffi::OsStr::from_bytes(b"m\xfcnchen");
    let ran = |args: &[&str]| command(args, &[]).env("GSM__NODE__NAME", name).output().unwrap();
    for args in [&["config", "show"], &["firewall", "check"]] {
        let ran = ran(args);
        let told = String::from_utf8_lossy(&ran.stderr);
        assert!(
            ran.status.code() == Some(2) && told.contains("$GSM__NODE__NAME: its value is not UTF-8"),
            "{told}"
        );
    }
    let checked = ran(&["config", "check"]);
    assert!(checked.status.code() == Some(1) && String::from_utf8_lossy(&checked.stdout).contains("UTF-8"));
}
