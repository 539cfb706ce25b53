use super::*;
use crate::config::{AuditConfig, Dashboard, TrustedIssuer};
use gsm_adapters::CopyPlace;
use std::collections::BTreeMap;

fn check(change: impl FnOnce(&mut Config)) -> Checked {
    let mut config = Config::default();
    change(&mut config);
    Loaded { config, origins: BTreeMap::new() }.check(Mode::Serve)
}

#[test]
fn the_defaults_are_lawful_and_not_risky() {
    let checked = check(|_| {});
    assert_eq!(checked.settings.unwrap().dashboard, Dashboard::Admin);
    assert_eq!(checked.warnings, []);
}

#[test]
fn a_server_that_is_no_development_server_verifies_signatures() {
    let config = |signatures| Config {
        gamelift: crate::config::GameLiftConfig { signatures, ..Default::default() },
        ..Default::default()
    };
    let check = |signatures, mode| {
        Loaded { config: config(signatures), origins: BTreeMap::new() }.check(mode).settings
    };
    let any = Some(crate::config::Signatures::Any);
    let problems = check(any, Mode::Serve).unwrap_err();
    assert_eq!(problems[0].key, "gamelift.signatures");
    assert!(problems[0].what.contains("`gsm dev`"), "{problems:?}");
    for (said, mode, wanted) in [
        (any, Mode::Dev, crate::config::Signatures::Any),
        (None, Mode::Dev, crate::config::Signatures::Any),
        (None, Mode::Serve, crate::config::Signatures::Verify),
    ] {
        assert_eq!(check(said, mode).unwrap().signatures, wanted);
    }
}

#[test]
fn where_the_audit_log_is_shipped_to_is_checked() {
    let refused = |change: fn(&mut AuditConfig)| {
        let problems = check(|config| change(&mut config.audit)).settings.unwrap_err();
        problems.into_iter().map(|problem| problem.key).collect::<Vec<_>>()
    };
    assert_eq!(refused(|audit| audit.ship_to = Some(String::new())), ["audit.ship_to"]);
    assert_eq!(refused(|audit| audit.ship_to = Some("s3://a".to_owned())), ["audit.ship_to"]);
    for ours in ["gsm-data/audit", "gsm-data", "./gsm-data/"] {
        let problems = check(|config| config.audit.ship_to = Some(ours.to_owned())).settings.unwrap_err();
        assert_eq!(problems[0].key, "audit.ship_to", "{ours}");
    }
    assert_eq!(refused(|audit| audit.ship_syslog = Some("logs:514".to_owned())), ["audit.ship_syslog"]);
    assert_eq!(refused(|audit| audit.ship_url = Some("s3.example".to_owned())), ["audit.ship_url"]);
    assert_eq!(refused(|audit| audit.ship_every_s = 0), ["audit.ship_every_s"]);
    assert_eq!(refused(|audit| audit.ship_retention_days = 0), ["audit.ship_retention_days"]);
    let settings = check(|config| config.audit.ship_to = Some("/mnt/copy".to_owned())).settings.unwrap();
    assert_eq!(settings.ship.copy.unwrap().0, CopyPlace::Dir("/mnt/copy".into()));
}

/// Callers are named issuer`#`subject: with a `#` in an issuer one name could be of two.
#[test]
fn an_issuer_has_no_hash_in_its_name() {
    let with = |iss: &str| {
        let issuer = TrustedIssuer {
            iss: iss.into(),
            jwks: Some("a.json".into()),
            roles: vec![crate::config::Asserted::Server],
            ..TrustedIssuer::default()
        };
        check(|c| c.auth.trusted_issuers = vec![issuer]).settings
    };
    assert!(with("https://studio.example/").is_ok());
    let problems = with("https://studio.example/#eu").unwrap_err();
    assert_eq!(problems[0].key, "auth.trusted_issuers");
    assert!(problems[0].what.contains("#eu` has a `#`"), "{}", problems[0].what);
    let problems = check(|c| c.auth.player_issuer = Some("a#b".into())).settings.unwrap_err();
    assert_eq!(problems[0].key, "auth.player_issuer");
}

/// Docker's variable without a value; no token would ever fit.
#[test]
fn an_issuer_has_a_name() {
    let problems = check(|c| {
        c.auth.player_issuer = Some(String::new());
        c.auth.trusted_issuers = vec![TrustedIssuer {
            jwks: Some("a.json".into()),
            roles: vec![crate::config::Asserted::Server],
            ..TrustedIssuer::default()
        }];
    });
    let problems = problems.settings.unwrap_err();
    let keys: Vec<_> = problems.iter().map(|problem| problem.key).collect();
    assert_eq!(keys, ["auth.player_issuer", "auth.trusted_issuers"], "{problems:?}");
}

#[test]
fn what_does_nothing_is_warned_of() {
    let warned = |change: fn(&mut Config)| {
        let checked = check(change);
        assert!(checked.settings.is_ok(), "{checked:?}");
        checked.warnings.into_iter().map(|problem| problem.key).collect::<Vec<_>>()
    };
    let issuer = |c: &mut Config| c.auth.player_issuer = Some("https://accounts.example/".into());
    assert_eq!(warned(issuer), ["auth.player_issuer"]);
    assert_eq!(warned(|c| c.predictor.endpoint = Some("gsm-quality".into())), ["predictor.endpoint"]);
    let ship = |c: &mut Config| {
        c.audit.ship_region = Some("eu-central-1".into());
        c.audit.ship_retention = gsm_adapters::Retention::Governance;
        c.audit.ship_retention_days = 7;
        c.audit.ship_url = Some("https://s3.example".into());
    };
    let keys = ["ship_region", "ship_retention", "ship_retention_days", "ship_url"];
    let keys = keys.map(|key| format!("audit.{key}"));
    let with = |to: Option<&str>| {
        let checked = check(|c| {
            ship(c);
            c.audit.ship_to = to.map(str::to_owned);
        });
        checked.warnings.into_iter().map(|problem| problem.key).collect::<Vec<_>>()
    };
    assert_eq!(with(None), keys);
    assert_eq!(with(Some("/mnt/copy")), keys, "a directory locks nothing");
    assert!(with(Some("s3://bucket/gsm")).is_empty());
}

/// It would be in the log, and in the name of each caller.
#[test]
fn an_issuer_has_no_password_in_its_addresses() {
    let with = |iss: &str, jwks_url: Option<&str>| {
        let issuer = TrustedIssuer {
            iss: iss.into(),
            jwks_url: jwks_url.map(str::to_owned),
            discovery: jwks_url.is_none(),
            roles: vec![crate::config::Asserted::Server],
            ..TrustedIssuer::default()
        };
        check(|c| c.auth.trusted_issuers = vec![issuer]).settings
    };
    let keys = Some("https://keys.example/jwks?v=1");
    assert!(with("https://studio.example/", keys).is_ok() && with("https://studio.example/", None).is_ok());
    assert!(with("mailto:ann@studio.example", keys).is_ok());
    for (iss, keys) in [
        ("https://studio.example/", Some("https://svc:hunter2@keys.example/jwks")),
        ("https://studio.example/", Some("http://svc@127.0.0.1:9/jwks")),
        ("https://svc:hunter2@studio.example/", None),
        ("https://:hunter2@studio.example/", keys),
    ] {
        let problems = with(iss, keys).unwrap_err();
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!(problem.key, "auth.trusted_issuers");
        let what = &problem.what;
        assert!(what.starts_with("`https://studio.example/` must have no user name"), "{what}");
    }
    let problems =
        check(|c| c.auth.player_issuer = Some("https://a:hunter2@b/".into())).settings.unwrap_err();
    assert_eq!(problems[0].key, "auth.player_issuer");
    assert!(!problems[0].what.contains("hunter2"), "{}", problems[0].what);
}

#[test]
fn a_path_that_is_empty_is_refused() {
    let checked = check(|c| {
        c.store.data_dir = "".into();
        c.recording.dir = Some("".into());
        c.gamelift.master_key_file = Some("".into());
        c.auth.token_key_file = Some("".into());
        c.audit.key_file = Some("".into());
    });
    let keys: Vec<_> = checked.settings.unwrap_err().iter().map(|p| p.key).collect();
    let paths = ["audit.key_file", "auth.token_key_file", "gamelift.master_key_file", "recording.dir"];
    assert_eq!(keys, [&paths[..], &["store.data_dir"]].concat());
}

#[test]
fn a_level_that_would_silence_the_log_is_refused() {
    for level in ["warning", "inof", "", "info,", "gsm_server=debug,warning"] {
        let checked = check(|c| c.log.level = level.into());
        assert_eq!(checked.settings.unwrap_err()[0].key, "log.level", "{level:?}");
    }
    for level in ["warn", "INFO", "warn,gsm_server=debug", "info,gsm_engine=trace", "gsm_server=debug"] {
        assert!(check(|c| c.log.level = level.into()).settings.is_ok(), "{level:?}");
    }
}

#[test]
fn what_is_refused_is_known_as_long_as_it_is_asked_for() {
    let kept = |erasures_days, matches_days| {
        let checked = check(|c| {
            c.retention.erasures_days = erasures_days;
            c.retention.matches_days = matches_days;
        });
        let problems = checked.settings.err().unwrap_or_default();
        problems.into_iter().map(|problem| problem.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(kept(0, 0), [""; 0]);
    assert_eq!(kept(7, 4), [""; 0]);
    let both = kept(6, 3);
    let [erasures, matches] = &both[..] else { panic!("{both:?}") };
    assert!(erasures.starts_with("retention.erasures_days (default): `6` must be 0,"), "{erasures}");
    assert!(matches.contains("matches_days (default): `3` must be 0, for ever, or at least 4"), "{matches}");
}

#[test]
fn all_faults_are_named_at_once() {
    let checked = check(|c| {
        c.http.listen = "8080".into();
        c.http.cors_origins = vec!["https://game.example".into(), "https://game.example/".into()];
        c.retention.erasures_days = 6;
        c.retention.matches_days = 40_000;
        c.retention.sweep_every_s = 0;
        c.gamelift.account = "12".into();
        c.gamelift.region = Some("EU".into());
        c.log.level = "a=b=c".into();
        c.firewall.trusted_proxies = vec!["10.0.0.0/33".into(), "::/0".into()];
    });
    let keys: Vec<_> = checked.settings.unwrap_err().iter().map(|p| p.key).collect();
    assert_eq!(
        keys,
        [
            "http.listen",
            "http.cors_origins",
            "retention.matches_days",
            "retention.sweep_every_s",
            "retention.erasures_days",
            "gamelift.account",
            "gamelift.region",
            "log.level",
            "firewall.trusted_proxies"
        ]
    );
    assert!(checked.warnings.iter().any(|p| p.key == "firewall.trusted_proxies"));
}
