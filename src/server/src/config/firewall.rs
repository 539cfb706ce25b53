//! What the configuration says of the firewall: is it right, and is it risky?
use super::{DenyAction, FirewallConfig, Mode};
use crate::firewall::{FirewallSettings, files};
use gsm_security::{Action, Entry, Network, Profile, RuleConfig};
use std::{collections::BTreeSet, path::PathBuf};

/// What a look at it found: faults and risks by their keys.
pub(super) struct Found {
    pub(super) settings: FirewallSettings,
    pub(super) wrong: Vec<(&'static str, String)>,
    pub(super) risky: Vec<(&'static str, String)>,
}

/// Looks at rules and files as the start does.
pub(super) fn check(config: &FirewallConfig, mode: Mode) -> Found {
    let profile = config.profile;
    let of_profile = FirewallSettings::of(profile);
    let settings = FirewallSettings {
        base: if config.default_rules { of_profile.base } else { Vec::new() },
        written: config.rules.clone(),
        rules_file: config.rules_file.clone(),
        deny_file: config.deny_file.clone(),
        allow_file: config.allow_file.clone(),
        deny_counts_only: config.deny_action == DenyAction::Count,
        exempt_paths: of_profile.exempt_paths.into_iter().chain(config.exempt_paths.clone()).collect(),
        keys_max: config.keys_max,
        profile,
    };
    let mut wrong = Vec::new();
    if let Err(faults) = settings.rules(&[]) {
        wrong.extend(faults.iter().map(|fault| ("firewall.rules", fault.to_string())));
    }
    let mut list = |key, path: &Option<PathBuf>| match path.as_deref().map(files::read_list) {
        Some(Ok(entries)) => entries,
        Some(Err(error)) => {
            wrong.push((key, error.to_string()));
            Vec::new()
        }
        None => Vec::new(),
    };
    let denied = list("firewall.deny_file", &settings.deny_file);
    let allowed = list("firewall.allow_file", &settings.allow_file);
    let of_file = match settings.rules_file.as_deref().map(files::read_rules) {
        Some(Ok(of_file)) => of_file,
        Some(Err(error)) => {
            wrong.push(("firewall.rules_file", error.to_string()));
            Vec::new()
        }
        None => Vec::new(),
    };
    if !wrong.iter().any(|(key, _)| *key == "firewall.rules") {
        let faults = settings.rules(&of_file).err().unwrap_or_default();
        wrong.extend(faults.iter().map(|fault| ("firewall.rules_file", fault.to_string())));
    }
    for path in config.exempt_paths.iter().filter(|path| !path.starts_with('/')) {
        wrong.push(("firewall.exempt_paths", format!("`{path}` is not a path such as /healthz")));
    }
    let mut risky = risks(config);
    risky.extend(everybody(&denied).into_iter().map(|of| {
        ("firewall.deny_file", format!("`{of}` refuses everybody who has such an address, operators too"))
    }));
    risky.extend(everybody(&allowed).into_iter().map(|of| {
        (
            "firewall.allow_file",
            format!("`{of}` lets everybody pass who has such an address: nobody is limited"),
        )
    }));
    if mode == Mode::Serve {
        risky.extend(taken_out("firewall.rules", &config.rules));
        risky.extend(taken_out("firewall.rules_file", &of_file));
    }
    Found { settings, wrong, risky }
}

/// What is risky about the keys themselves.
fn risks(config: &FirewallConfig) -> Vec<(&'static str, String)> {
    let mut risky = Vec::new();
    let mut add = |key, what: &str| risky.push((key, what.to_owned()));
    if config.profile == Profile::Default
        && !config.default_rules
        && config.rules.is_empty()
        && config.rules_file.is_none()
    {
        add("firewall.default_rules", "there are no rules: nobody is limited");
    }
    if config.exempt_paths.iter().any(|path| matches!(path.as_str(), "/**" | "/*")) {
        add("firewall.exempt_paths", "exempts every path: nobody is limited");
    }
    if config.deny_action == DenyAction::Count {
        add("firewall.deny_action", "who is on the list of networks is counted, and not refused");
    }
    risky
}

/// The networks of a list that have every address there is of their kind.
fn everybody(list: &[Entry]) -> BTreeSet<Network> {
    list.iter().map(|entry| entry.network).filter(|network| network.length() == 0).collect()
}

/// Default rules that are taken out.
fn taken_out(key: &'static str, rules: &[RuleConfig]) -> impl Iterator<Item = (&'static str, String)> {
    let off = rules.iter().filter(|rule| rule.action == Action::Off);
    off.map(move |rule| {
        (key, format!("`{}` is off: what it counts is not limited by it any more", rule.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn found(mode: Mode, change: impl FnOnce(&mut FirewallConfig)) -> Found {
        let mut config = FirewallConfig::default();
        change(&mut config);
        check(&config, mode)
    }

    fn risky(mode: Mode, change: impl FnOnce(&mut FirewallConfig)) -> Vec<(&'static str, String)> {
        let found = found(mode, change);
        assert_eq!(found.wrong, []);
        found.risky
    }

    #[test]
    fn rules_are_checked_with_the_key_and_the_member_named() {
        let bad = r#"[[rules]]
name = "mine"
key = "ip"
limit = 5
window_s = 10"#;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rules.toml");
        fs::write(&path, bad).unwrap();
        let wrong = |change: &dyn Fn(&mut FirewallConfig)| {
            found(Mode::Serve, change).wrong.into_iter().next().unwrap()
        };
        let (key, what) = wrong(&|c| c.rules_file = Some(path.clone()));
        assert!(key == "firewall.rules_file" && what.contains("`mine`: `key`"), "{what}");
        assert_eq!(wrong(&|c| c.rules = files::parse_rules(bad).unwrap()).0, "firewall.rules");
        assert_eq!(wrong(&|c| c.deny_file = Some("/none/deny".into())).0, "firewall.deny_file");
        assert_eq!(wrong(&|c| c.exempt_paths = vec!["healthz".into()]).0, "firewall.exempt_paths");
    }

    #[test]
    fn what_limits_nobody_is_told() {
        let keys = |change: &dyn Fn(&mut FirewallConfig)| {
            risky(Mode::Serve, change).into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert_eq!(keys(&|_| {}), [""; 0]);
        assert_eq!(keys(&|c| c.default_rules = false), ["firewall.default_rules"]);
        assert_eq!(
            keys(&|c| c.exempt_paths = vec!["/healthz".into(), "/**".into()]),
            ["firewall.exempt_paths"]
        );
        assert_eq!(keys(&|c| c.deny_action = DenyAction::Count), ["firewall.deny_action"]);
    }

    #[test]
    fn a_list_that_has_everybody_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list");
        fs::write(&path, "10.0.0.0/8\n0.0.0.0/0 # everybody\n::ffff:0:0/96\n::/0\n").unwrap();
        for mode in [Mode::Serve, Mode::Dev] {
            let told = risky(mode, |c| c.allow_file = Some(path.clone()));
            assert!(told.iter().all(|(key, _)| *key == "firewall.allow_file"), "{told:?}");
            let networks: Vec<_> = told.iter().filter_map(|(_, what)| what.split('`').nth(1)).collect();
            assert_eq!(networks, ["0.0.0.0/0", "::/0"]);
        }
        let told = risky(Mode::Serve, |c| c.deny_file = Some(path.clone()));
        assert!(told.len() == 2 && told[0].1.contains("operators too"), "{told:?}");
        fs::write(&path, "0.0.0.0/1\n").unwrap();
        assert_eq!(risky(Mode::Serve, |c| c.allow_file = Some(path.clone())), []);
    }

    #[test]
    fn a_default_rule_that_is_off_is_told_where_it_matters() {
        let off = "[[rules]]\nname = \"sign_in\"\naction = \"off\"\n";
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rules.toml");
        fs::write(&path, off).unwrap();
        let of_file = risky(Mode::Serve, |c| c.rules_file = Some(path.clone()));
        assert!(
            of_file[0].0 == "firewall.rules_file" && of_file[0].1.contains("`sign_in` is off"),
            "{of_file:?}"
        );
        let written = |c: &mut FirewallConfig| c.rules = files::parse_rules(off).unwrap();
        assert_eq!(risky(Mode::Serve, written)[0].0, "firewall.rules");
        assert_eq!(risky(Mode::Dev, written), []);
    }
}
