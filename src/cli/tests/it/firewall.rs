use crate::gsm::{Served, arg, gsm, write};

const RULES: &str = "[[rules]]\nname = \"burst\"\npaths = [\"/v1/players/*\"]\nkey = \"header:X-Game\"\nlimit = 50\n\
                     window_s = 1\n[[rules]]\nname = \"result\"\naction = \"off\"\n";

#[test]
fn check_shows_what_would_hold_and_names_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rules.toml");
    write(&file, RULES);
    let table = gsm(&["firewall", "check", arg(&file)]).ok();
    let begins = |name: &str| table.lines().any(|line| line.starts_with(name));
    assert!(begins("burst ") && begins("address ") && !begins("result "), "{table}");
    let shown = gsm(&["firewall", "check", arg(&file), "--json"]).json();
    assert_eq!((&shown["rules"][0]["name"], &shown["rules"][0]["limit"]), (&"burst".into(), &50.into()));
    write(&file, &RULES.replace("window_s = 1", "window_s = 601"));
    gsm(&["firewall", "check", arg(&file)]).told(2, &["`burst`: `window_s` is 601"]);
    let wrong = gsm(&["firewall", "check", arg(&file), "--json"]);
    assert_eq!(wrong.code, Some(2));
    assert_eq!(wrong.json()["errors"][0]["member"], "window_s");
    // A rule that can count nothing is a slip.
    write(&file, &RULES.replace("paths = [", "actions = [\"gsm:GetRnak\"]\npaths = ["));
    gsm(&["firewall", "check", arg(&file)]).told(2, &["`burst`: `actions` has `gsm:GetRnak`"]);
    write(&file, &RULES.replace("/v1/players/*", "/v1/player/*"));
    gsm(&["firewall", "check", arg(&file)]).told(0, &["warning: `burst`", "`/v1/player/*`"]);
    write(&file, "[[rules]]\nname = 1\n");
    gsm(&["firewall", "check", arg(&file)]).told(2, &["line 2"]);
    gsm(&["firewall", "check", "/none/rules.toml"]).told(2, &["cannot read"]);
    for (of, part) in [
        (&[arg(&file)][..], "line 2"),
        (&["/none/rules.toml"], "cannot read"),
        (&["--config", "/none/gsm.toml"], "/none/gsm.toml"),
    ] {
        let wrong = gsm(&[&["firewall", "check", "--json"], of].concat());
        assert_eq!((wrong.code, wrong.err.as_str()), (Some(2), ""));
        let told = wrong.json();
        assert_eq!((&told["ok"], &told["errors"][0]["rule"]), (&false.into(), &serde_json::Value::Null));
        assert!(told["errors"][0]["what"].as_str().unwrap().contains(part), "{told}");
    }
    let config = dir.path().join("gsm.toml");
    write(&config, "[firewall]\nrules = [{ name = \"a\", key = \"ip\", limit = 1, window_s = 1 }]\n");
    gsm(&["firewall", "check", "--config", arg(&config)]).told(2, &["firewall.rules", "`a`: `key`"]);
}

#[test]
fn explain_says_of_each_rule_whether_it_counts() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rules.toml");
    write(&file, RULES);
    let counted = |args: &[&str]| -> Vec<String> {
        let mut all = vec!["firewall", "explain", "--json", "--rules", arg(&file)];
        all.extend(args);
        let shown = gsm(&all).json();
        let rules = shown["rules"].as_array().unwrap().iter().filter(|rule| rule["counts_it"] == true);
        rules.map(|rule| rule["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        counted(&["--method", "POST", "--path", "/v1/tickets", "--role", "player"]),
        ["ticket_create", "address"]
    );
    assert_eq!(counted(&["--path", "/v1/players/p", "--header", "x-game: chess"]), ["burst", "address"]);
    assert_eq!(counted(&["--path", "/v1/players/p", "--bad-token"]), ["bad_token", "address"]);
    let known = ["--path", "/v1/players/p", "--bad-token", "--header", "x-game: chess"];
    assert_eq!(counted(&known), ["burst", "bad_token", "address"], "whoever it is");
    // As the server: a path is walked as it is sent and compared decoded, and who is not asked for is nobody.
    let own = |name: &str, scope: &str| {
        format!("[[rules]]\nname = \"{name}\"\nkey = \"address\"\nlimit = 9\nwindow_s = 1\n{scope}\n")
    };
    let scopes = [
        ("queues", "paths = [\"/v1/queues\"]"),
        ("escape", "paths = [\"/v1/queues/%61\"]"),
        ("one", "paths = [\"/v1/queues/*\"]"),
        ("nobody", "roles = [\"none\"]"),
        ("players", "roles = [\"player\"]"),
    ];
    let rules: String = scopes.iter().map(|(name, scope)| own(name, scope)).collect();
    write(&file, &rules);
    for (args, wanted) in [
        (&["--path", "/v1/%71ueues", "--role", "player"][..], &["queues"][..]),
        (&["--path", "/v1/queues/%61", "--role", "player"], &["one", "players"]),
        (&["--path", "/v1/queues/a%2Fb", "--role", "player"], &["players"]),
        (&["--path", "/v1/queues/a%2", "--role", "player"], &["one"]),
        (&["--path", "/v1/nowhere", "--role", "player"], &[]),
        (&["--path", "/v1/nowhere"], &[]),
        (&["--path", "/v1/tickets", "--role", "player"], &[]),
        (&["--path", "/healthz", "--role", "player"], &["nobody"]),
        (&["--path", "/healthz", "--bad-token"], &["nobody"]),
        (&["--path", "/v1/queues"], &["queues", "nobody"]),
        (&["--path", "/v1/queues", "--bad-token"], &["queues", "nobody", "bad_token"]),
        (&["--path", "/v1/admin/keys", "--role", "player"], &[]),
    ] {
        let counted = counted(args);
        let counted: Vec<&str> =
            counted.iter().map(String::as_str).filter(|name| *name != "address").collect();
        assert_eq!(counted, wanted, "{args:?}");
    }
    let table = gsm(&["firewall", "explain", "--path", "/v1/queues", "--role", "server"]).ok();
    assert!(
        table.starts_with("GET /v1/queues is gsm:ListQueues") && table.contains("is for other actions"),
        "{table}"
    );
    gsm(&["firewall", "explain", "--path", "/v1", "--role", "palyer"])
        .told(2, &["`palyer`", "player, server"]);
    gsm(&["firewall", "explain", "--path", "v1"]).told(2, &["--path `v1`"]);
    gsm(&["firewall", "explain", "--path", "/v1", "--header", "x"]).told(2, &["Name: value"]);
    gsm(&["firewall", "explain", "--path", "/v1", "--address", "x"]).told(2, &["--address"]);
}

#[test]
fn export_says_aloud_what_waf_cannot_do() {
    let ran = gsm(&["firewall", "export", "--name", "ladder"]);
    ran.told(0, &["Rule `bad_token` is left out"]);
    assert!(
        ran.out.contains("resource \"aws_wafv2_web_acl\" \"ladder\"")
            && ran.out.contains("rate_based_statement")
    );
    let shown = gsm(&["firewall", "export", "--json"]).json();
    assert!(shown["terraform"].as_str().unwrap().contains("evaluation_window_sec = 300"));
    gsm(&["firewall", "export", "--name", "1 x"]).told(2, &["--name"]);
}

#[test]
fn what_is_at_work_on_a_server_is_exported_from_there() {
    let dir = tempfile::tempdir().unwrap();
    gsm(&["admin", "bootstrap", "--data-dir", arg(dir.path())]).ok();
    let served = Served::start("serve", dir.path(), &["--firewall-profile", "test-limit"]);
    let (server, admin) = (format!("http://{}", served.addr), dir.path().join("admin.key"));
    let asked = ["firewall", "export", "--server", &server];
    let with_token = [&asked[..], &["--token-file", arg(&admin)]].concat();
    let exported = gsm(&[&with_token[..], &["--name", "ladder"]].concat());
    exported.told(0, &["note: Rule `aws_client` is left out"]);
    // The profile's own network stands in no file of this machine.
    for part in ["resource \"aws_wafv2_web_acl\" \"ladder\"", "\"127.0.0.66/32\""] {
        assert!(exported.out.contains(part), "{}", exported.out);
    }
    let shown = gsm(&[&with_token[..], &["--name", "ladder", "--json"]].concat()).json();
    assert_eq!(shown["terraform"].as_str().unwrap().trim_end(), exported.out.trim_end());
    gsm(&asked).told(2, &["--token-file"]);
    gsm(&[&with_token[..], &["--config", "gsm.toml"]].concat()).told(2, &["--config"]);
    gsm(&[&with_token[..], &["--name", "1"]].concat()).told(2, &["--name"]);
}
