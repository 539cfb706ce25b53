use crate::gsm::{Served, arg, gsm, gsm_in, write};
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

#[test]
fn shipped_policies_are_lawful_and_explained() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/policies");
    let told = gsm(&["authz", "check", arg(&shipped)]).ok();
    assert!(told.contains("policies, lawful"), "{told}");
    let explain = |principal: &str, action: &str, more: &[&str]| {
        gsm(&[&["authz", "explain", "--principal", principal, "--action", action], more].concat())
    };
    let allowed = explain("admin:support", "gsm:LiftPenalties", &[]).ok();
    assert!(
        allowed.contains("-> allowed") && allowed.contains("`support-helps-players` (operators.cedar:"),
        "{allowed}"
    );
    let denied = explain("admin:support", "gsm:SetRating", &["--json"]);
    let found: serde_json::Value = serde_json::from_str(&denied.out).unwrap();
    assert_eq!((denied.code, &found["allowed"]), (Some(1), &false.into()), "{denied:?}");
    assert_eq!(found["who_may"], serde_json::json!(["admin:operator", "admin:owner"]));
    let queue = ["--resource", "Queue:duel"];
    assert_eq!(explain("admin:owner", "gsm:DeleteQueue", &queue).code, Some(1), "without a reason");
    explain("admin:owner", "gsm:DeleteQueue", &[&queue[..], &["--reason", "over"]].concat()).ok();
    for (principal, action, more) in [
        ("admin:root", "gsm:GetRank", &[][..]),
        ("player:x", "gsm:Nothing", &[]),
        ("player:x", "gsm:GetRank", &["--resource", "duel"]),
        ("player:x", "gsm:GetRank", &["--context", "mode"]),
        ("player:x", "gsm:GetRank", &["--resource", "queue:duel"]),
        ("player:x", "gsm:GetRank", &["--resource", "Queue:duel"]),
        ("admin:owner", "gsm:DeleteQueue", &["--reason", ""]),
        ("player:x", "gsm:GetRank", &["--policies", "/nowhere"]),
    ] {
        assert_eq!(explain(principal, action, more).code, Some(2), "{principal} {action}");
    }
    // What is open to everybody is, whoever asks, and the caller of an issuer is named as policies name him.
    for principal in ["none", "player:plr-1", "admin:viewer"] {
        let told = explain(principal, "gsm:Health", &[]).ok();
        assert!(told.contains("-> allowed: open") && told.contains("everybody"), "{told}");
    }
    let open = gsm(&["authz", "explain", "--principal", "none", "--action", "gsm:SignIn", "--json"]).json();
    assert_eq!((&open["open"], &open["who_may"]), (&true.into(), &serde_json::json!(["everybody"])));
    let named = explain("admin:owner:https://kit/#alice", "gsm:IssueKey", &[]).ok();
    assert!(named.contains("the caller is Admin::\"https://kit/#alice\""), "{named}");
    let named = explain("server:https://kit/#eu-1", "gsm:GetQueue", &["--json"]).json();
    assert_eq!(named["principal"], "Server::\"https://kit/#eu-1\"");
    let schema = gsm(&["authz", "schema"]).ok();
    assert!(schema.contains("action \"gsm:ReportResult\" in [\"admin-operations\""), "{schema}");
}

/// A caller of an issuer is forbidden by issuer and subject, and by nothing less.
#[test]
fn a_policy_names_a_caller_as_explained() {
    let dir = tempfile::tempdir().unwrap();
    let policy = |name: &str| {
        let forbidden = format!("forbid (principal == Admin::\"{name}\", action, resource);\n");
        write(
            &dir.path().join("own.cedar"),
            &format!("permit (principal is Admin, action, resource);\n{forbidden}"),
        );
        let alice = "admin:owner:https://kit/#alice";
        gsm(&[
            "authz",
            "explain",
            "--policies",
            arg(dir.path()),
            "--principal",
            alice,
            "--action",
            "gsm:ListKeys",
        ])
        .code
    };
    assert_eq!((policy("alice"), policy("https://kit/#alice")), (Some(0), Some(1)));
    // An open operation is asked about as nobody's, so a policy may close it.
    write(
        &dir.path().join("own.cedar"),
        "forbid (principal is Anonymous, action == Action::\"gsm:SignIn\", resource);\n",
    );
    let dir = arg(dir.path());
    let ran = gsm(&[
        "authz",
        "explain",
        "--policies",
        dir,
        "--principal",
        "player:plr-1",
        "--action",
        "gsm:SignIn",
    ]);
    assert!(ran.code == Some(1) && ran.out.contains("forbidden") && ran.out.contains("nobody"), "{ran:?}");
    // An IPv4 address is one, however it is written, as for the server.
    write(
        &Path::new(dir).join("own.cedar"),
        "permit (principal, action, resource) when { context.address.isInRange(ip(\"10.20.0.0/16\")) };\n",
    );
    for (address, code) in [("10.20.1.1", 0), ("::ffff:10.20.1.1", 0), ("::ffff:10.21.1.1", 1), ("::1", 1)] {
        let asked = ["--principal", "admin:owner", "--action", "gsm:ListKeys", "--address", address];
        let ran = gsm(&[&["authz", "explain", "--policies", dir], &asked[..]].concat());
        assert_eq!(ran.code, Some(code), "{address}: {ran:?}");
    }
}

#[test]
fn faults_are_told_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("own.cedar");
    write(&file, "// mine\npermit (principal is Playr, action, resource);\n");
    let ran = gsm(&["authz", "check", arg(dir.path())]);
    assert!(ran.code == Some(1) && ran.out.contains("own.cedar:2:") && ran.out.contains("Playr"), "{ran:?}");
    let ran = gsm(&["authz", "check", arg(dir.path()), "--json"]);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&found["ok"], &found["faults"][0]["line"]), (&false.into(), &2.into()));
    let config = dir.path().join("gsm.toml");
    write(
        &config,
        &format!("[policy]\ndir = {:?}\n[store]\ndata_dir = {:?}\n", dir.path(), dir.path().join("d")),
    );
    gsm(&["serve", "--config", arg(&config), "--listen", "127.0.0.1:0"]).told(1, &["own.cedar:2:", "Playr"]);
    let doctor = |what: &str| {
        let ran = gsm(&["doctor", "--config", arg(&config), "--listen", "127.0.0.1:0"]);
        assert!(ran.out.lines().any(|l| l.starts_with("FAIL") && l.contains(what)), "{ran:?}");
    };
    doctor("own.cedar:2:");
    let checked = gsm(&["config", "check", "--config", arg(&config)]);
    assert!(checked.code == Some(1) && checked.out.contains("error    policy.dir"), "{checked:?}");
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let of_none = dir.path().join("none.toml");
    write(&of_none, &format!("[policy]\ndir = {empty:?}\n"));
    let checked = gsm(&["config", "check", "--config", arg(&of_none)]);
    assert!(checked.code == Some(1) && checked.out.contains("0 files *.cedar"), "{checked:?}");
    // Depth is a fault like others, not the end of the process.
    let deep = format!(
        "permit (principal, action, resource)\nwhen {{ {}true{} }};",
        "(".repeat(2_000),
        ")".repeat(2_000)
    );
    write(&file, &deep);
    let ran = gsm(&["authz", "check", arg(dir.path())]);
    assert!(ran.code == Some(1) && ran.out.contains("own.cedar:2:") && ran.out.contains("nests"), "{ran:?}");
    gsm(&["serve", "--config", arg(&config), "--listen", "127.0.0.1:0"]).told(1, &["own.cedar:2:", "nests"]);
    doctor("own.cedar:2:");
}

#[test]
fn keys_of_a_running_server_are_changed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    gsm(&["admin", "bootstrap", "--data-dir", arg(&data)]).ok();
    let served = Served::start("serve", &data, &[]);
    let (server, admin) = (format!("http://{}", served.addr), data.join("admin.key"));
    let rotate = |more: &[&str]| {
        gsm(&[&["key", "rotate", "--server", &server, "--token-file", arg(&admin)], more].concat())
    };
    let keys = || served.get("/.well-known/jwks.json", None).1;
    let before = keys();
    let told = rotate(&["--json"]).json();
    let states: Vec<_> = told["keys"].as_array().unwrap().iter().map(|key| key["state"].clone()).collect();
    assert_eq!(states, ["retired", "signing", "next"]);
    assert_ne!(keys(), before);
    let old = fs::read_to_string(&admin).unwrap();
    let id = format!("key-{}", old.split('_').nth(1).unwrap());
    let out = dir.path().join("new.key");
    rotate(&["--id", &id, "--out", arg(&out), "--overlap-s", "0"]).ok();
    let new = fs::read_to_string(&out).unwrap();
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(served.get("/v1/admin/keys", Some(old.trim())).0, 401);
    assert_eq!(served.get("/v1/admin/keys", Some(new.trim())).0, 200);
    rotate(&[]).told(1, &["refused"]);
    assert_eq!(rotate(&["--id", &id]).code, Some(2), "without a place for the new one");
    gsm(&["key", "rotate", "--server", "http://example.org", "--token-file", arg(&admin)])
        .told(2, &["https"]);
    assert!(served.signal("TERM").1.success());
    rotate(&[]).told(1, &["does not answer", "onnection refused"]);
}

/// A server that gives these answers, one after another; the address, and the idempotency keys of what it was asked.
fn answering(answers: Vec<(&'static str, &'static str)>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    let keys = std::thread::spawn(move || {
        let asked = answers.into_iter().map(|(head, body)| {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            let (mut key, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                match line.trim().to_ascii_lowercase().split_once(": ") {
                    Some(("idempotency-key", of)) => key = of.to_owned(),
                    Some(("content-length", of)) => length = of.parse().unwrap(),
                    None if line.trim().is_empty() => break,
                    _ => {}
                }
            }
            stream.read_exact(&mut vec![0; length]).unwrap();
            // No answer: the connection breaks.
            if head.is_empty() {
                return key;
            }
            let end = format!("Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            write!(stream.get_mut(), "HTTP/1.1 {head}\r\n{end}").unwrap();
            key
        });
        asked.collect()
    });
    (at, keys)
}

#[test]
fn a_key_is_rotated_once_however_often_the_server_must_be_asked() {
    let dir = tempfile::tempdir().unwrap();
    let (token, out) = (dir.path().join("admin.key"), dir.path().join("new.key"));
    write(&token, "gsm_token");
    let rotate = |server: &str| {
        let args = ["key", "rotate", "--server", server, "--token-file", arg(&token), "--id", "key-1"];
        gsm(&[&args[..], &["--out", arg(&out)]].concat())
    };
    const DONE: (&str, &str) = ("200 OK", r#"{"key":"gsm_1_new"}"#);
    let (server, keys) = answering(vec![("503 Service Unavailable\r\nRetry-After: 0", "{}"), DONE]);
    rotate(&server).ok();
    assert_eq!(fs::read_to_string(&out).unwrap(), "gsm_1_new\n");
    let first = keys.join().unwrap();
    assert!(!first[0].is_empty() && first[0] == first[1], "{first:?}");
    // An answer that is lost is asked for again, so that the secret does not change twice.
    fs::remove_file(&out).unwrap();
    let (server, keys) = answering(vec![("", ""), ("500 Internal Server Error\r\nRetry-After: 0", "{}")]);
    rotate(&server).told(1, &["500", "may have been changed all the same"]);
    let lost = keys.join().unwrap();
    assert!(!out.exists() && lost[0] != first[0] && lost[0] == lost[1], "{lost:?}");
    let (server, keys) = answering(vec![("", ""), ("", ""), DONE]);
    rotate(&server).ok();
    assert_eq!(fs::read_to_string(&out).unwrap(), "gsm_1_new\n");
    keys.join().unwrap();
    fs::remove_file(&out).unwrap();
    let (server, _) = answering(vec![("", "")]);
    rotate(&server).told(1, &["does not answer", "may have been changed all the same"]);
    assert!(!out.exists());
    let (server, _) = answering(vec![("401 Unauthorized", "{}")]);
    let refused = rotate(&server);
    refused.told(1, &["401"]);
    assert!(!refused.err.contains("all the same"), "{refused:?}");
    // What is no token is said before anybody is asked.
    write(&token, "{\n  \"admin_key\": \"gsm_token\"\n}\n");
    rotate(&server).told(2, &["admin.key: a token is one line"]);
    write(&token, "gsm_token\n");
    // Another time is another rotation.
    let (server, keys) = answering(vec![DONE]);
    rotate(&server).ok();
    assert_ne!(keys.join().unwrap()[0], first[0]);
    // No secret in the answer is no success.
    fs::remove_file(&out).unwrap();
    rotate(&answering(vec![("200 OK", "{}")]).0).told(1, &["has no `key`"]);
    assert!(!out.exists());
}

/// A proxy that asks whoever comes to sign in, and a server of something else.
#[test]
fn what_is_no_answer_of_the_api_is_no_success() {
    let dir = tempfile::tempdir().unwrap();
    let (token, out) = (dir.path().join("admin.key"), dir.path().join("out"));
    write(&token, "gsm_token");
    let player = "plr-0123456789abcdef0123456789abcdef";
    let commands = [
        (&["key", "rotate"][..], "`keys`"),
        (&["key", "rotate", "--json"], "`keys`"),
        (&["key", "rotate", "--id", "key-1", "--out", arg(&out)], "`key`"),
        (&["privacy", "export", player, "--out", arg(&out)], "`items`"),
        (&["privacy", "erase", player, "--yes", "--reason", "x", "--out", arg(&out)], "`receipt`"),
    ];
    for (of, member) in commands {
        let asks = |server: &str| gsm(&[of, &["--server", server, "--token-file", arg(&token)]].concat());
        for page in [("200 OK", "<html>sign in</html>"), ("200 OK", "null"), ("204 No Content", "")] {
            let ran = asks(&answering(vec![page]).0);
            ran.told(1, &["no gsm server"]);
            assert!(ran.out.is_empty() && !out.exists(), "{of:?}: {ran:?}");
        }
        let ran = asks(&answering(vec![("200 OK", "{}")]).0);
        ran.told(1, &[&format!("has no {member}")]);
        assert!(ran.out.is_empty() && !out.exists(), "{of:?}: {ran:?}");
    }
}

#[test]
fn a_server_of_an_authority_of_its_own_is_asked_where_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    write(&at("ca.pem"), &authority.pem());
    write(&at("tls.crt"), &params.signed_by(&key, &authority).unwrap().pem());
    write(&at("tls.key"), &key.serialize_pem());
    fs::set_permissions(at("tls.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let config = format!("[tls]\ncert_file = {:?}\nkey_file = {:?}\n", at("tls.crt"), at("tls.key"));
    write(&at("gsm.toml"), &config);
    let data = at("data");
    gsm(&["admin", "bootstrap", "--data-dir", arg(&data)]).ok();
    let served = Served::start("serve", &data, &["--config", arg(&at("gsm.toml"))]);
    let (server, admin, ca) = (format!("https://{}", served.addr), data.join("admin.key"), at("ca.pem"));
    let rotate = |env: &[(&str, &str)]| {
        gsm_in(&["key", "rotate", "--server", &server, "--token-file", arg(&admin)], env)
    };
    rotate(&[]).told(1, &["does not answer", "UnknownIssuer", "SSL_CERT_FILE"]);
    assert!(rotate(&[("SSL_CERT_FILE", arg(&ca))]).ok().contains("signing"));
}
