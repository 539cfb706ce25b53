//! The same limits as Terraform for AWS WAFv2, and what WAF cannot do of them, said aloud.
//!
//! Never stricter to those whom the firewall limits: where WAF has another window, the limit is what the firewall lets pass in it, and
//! callers whom a rule does not count are out of its scope. Calls that the firewall does not count since they are answered before, WAF
//! counts; the file says so.
mod hcl;
mod scope;

use super::{FirewallSettings, Stored, files};
use gsm_core::Timestamp;
use gsm_engine::AddressList;
use gsm_security::{Event, KeyBy, Lists, Network, Rate, Rule};
use hcl::{Hcl, quoted};
use scope::{KEYS, Leaf, PLAYER_TOKENS, all_of, scope, transformed};
use std::{collections::BTreeMap, fmt::Write as _};

/// Windows of WAF's rate rules, in seconds.
const WINDOWS_S: [u64; 4] = [60, 120, 300, 600];
/// The lowest limit of WAF's rate rules.
const LIMIT_MIN: u64 = 10;
/// The highest.
const LIMIT_MAX: u64 = 2_000_000_000;
/// Characters of a web ACL's name.
const NAME_CHARS_MAX: usize = 100;
/// Addresses of one IP set.
const SET_ADDRESSES_MAX: usize = 10_000;

/// What was written, and what could not be.
#[derive(Debug)]
pub struct Exported {
    /// The Terraform; its head has the notes.
    pub terraform: String,
    /// A sentence for each thing that WAF cannot express, or expresses otherwise.
    pub notes: Vec<String>,
}

impl Exported {
    fn new(notes: Vec<String>, body: &str) -> Self {
        let mut terraform =
            String::from("# Written by `gsm firewall export`; write it again rather than edit it.\n#\n");
        for note in &notes {
            let _ = writeln!(terraform, "# - {note}");
        }
        let _ = write!(terraform, "\n{body}");
        Self { terraform, notes }
    }
}

/// Whether a web ACL and what belongs to it can have this name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Writes the rules and lists of a configuration and its files as a web ACL of this name. Networks that operators put into
/// lists are the server's.
///
/// # Errors
/// Where a file or the rules cannot be used.
pub fn export(settings: &FirewallSettings, name: &str, now: Timestamp) -> Result<Exported, files::FileError> {
    let read = settings.read()?;
    let rules = settings.rules(&read.rules).map_err(files::FileError::of_rules)?;
    let lists = settings.lists(&read, &Stored::new());
    let note = "The lists have the networks of files and profile; those that were put in by the API are a server's, and in the \
                export with `--server`.";
    Ok(written(settings, &rules, &lists, name, now, &[note]))
}

/// Writes rules and lists as a web ACL of this name; what never changes is the settings'.
pub(super) fn written(
    settings: &FirewallSettings,
    rules: &[Rule],
    lists: &Lists,
    name: &str,
    now: Timestamp,
    more: &[&str],
) -> Exported {
    let mut notes = vec![
        "WAF counts approximately and reacts within about half a minute; gsm's own firewall stays exact behind it.".to_owned(),
        "WAF answers 403 where gsm answers 429 with Retry-After.".to_owned(),
        "WAF counts each IPv6 address; gsm counts a /64.".to_owned(),
        "By player and by key gsm counts the calls of operations that it lets their callers make. WAF counts those as well that gsm answers \
         before (400, 401, 403, 404, 405 and 422 by path, method, token or role, 429 by another rule) and operations for everybody: \
         a client that repeats such calls meets WAF's limit first."
            .to_owned(),
    ];
    notes.extend(more.iter().map(ToString::to_string));
    let mut out = Hcl::default();
    let mut acl = Acl { priority: 0, name };
    let mut sets = BTreeMap::new();
    for list in AddressList::ALL {
        let entries = match list {
            AddressList::Deny => lists.deny.entries(),
            AddressList::Allow => lists.allow.entries(),
        };
        if entries.iter().any(|entry| entry.until.is_some()) {
            notes.push(format!(
                "WAF's IP sets have no ends: networks of the {list} list stay until the next export."
            ));
        }
        let live = entries.iter().filter(|entry| entry.until.is_none_or(|until| until > now));
        let networks = live.map(|entry| entry.network);
        sets.insert(list, ip_sets(&mut out, name, list, networks, &mut notes));
    }
    out.open(&format!("resource \"aws_wafv2_web_acl\" \"{name}\""));
    out.attrs(&[("name", quoted(name)), ("scope", quoted("REGIONAL"))]);
    out.line("");
    out.open("default_action");
    out.line("allow {}");
    out.close();
    for (list, names) in &sets {
        let action = match list {
            AddressList::Deny if settings.deny_counts_only => "count",
            AddressList::Deny => "block",
            AddressList::Allow => "allow",
        };
        for set in names {
            acl.rule(&mut out, set, action, |out| {
                out.open("ip_set_reference_statement");
                out.attrs(&[("arn", format!("aws_wafv2_ip_set.{set}.arn"))]);
                out.close();
            });
        }
    }
    for (number, path) in settings.exempt_paths.iter().enumerate() {
        acl.rule(&mut out, &format!("exempt-{}", number + 1), "allow", |out| {
            Leaf::Path(path.clone()).write(out);
        });
    }
    for rule in rules {
        match counted(rule) {
            Err(why) => notes.push(format!("Rule `{}` is left out: {why}", rule.name)),
            Ok(counted) => {
                notes.extend(counted.notes.iter().map(|note| format!("Rule `{}`: {note}", rule.name)));
                let action = if rule.counts_only { "count" } else { "block" };
                acl.rule(&mut out, &rule.name, action, |out| counted.write(out));
            }
        }
    }
    visibility(&mut out, name);
    out.close();
    Exported::new(notes, &out.text)
}

/// Numbers the rules of the web ACL.
struct Acl<'a> {
    priority: u32,
    name: &'a str,
}

impl Acl<'_> {
    fn rule(&mut self, out: &mut Hcl, name: &str, action: &str, statement: impl FnOnce(&mut Hcl)) {
        out.line("");
        out.open("rule");
        out.attrs(&[("name", quoted(name)), ("priority", self.priority.to_string())]);
        self.priority += 1;
        out.line("");
        // A rate rule takes `action`; `override_action` is for groups of rules.
        out.open("action");
        out.line(&format!("{action} {{}}"));
        out.close();
        out.line("");
        out.open("statement");
        statement(out);
        out.close();
        visibility(out, &format!("{}-{name}", self.name));
        out.close();
    }
}

fn visibility(out: &mut Hcl, metric: &str) {
    out.line("");
    out.open("visibility_config");
    out.attrs(&[
        ("cloudwatch_metrics_enabled", "true".to_owned()),
        ("metric_name", quoted(metric)),
        ("sampled_requests_enabled", "true".to_owned()),
    ]);
    out.close();
}

/// Writes the IP sets of a list and gives their names.
fn ip_sets(
    out: &mut Hcl,
    name: &str,
    list: AddressList,
    networks: impl Iterator<Item = Network>,
    notes: &mut Vec<String>,
) -> Vec<String> {
    let mut versions: [(&str, &str, Vec<Network>); 2] = [("v4", "IPV4", vec![]), ("v6", "IPV6", vec![])];
    for network in networks {
        let [four, six] = &mut versions;
        let to = if network.address().is_ipv4() { four } else { six };
        if network.length() == 0 {
            notes.push(format!("`{network}` of the {list} list is left out: WAF takes no /0."));
        } else {
            to.2.push(network);
        }
    }
    let mut names = Vec::new();
    for (short, version, networks) in versions {
        for (number, chunk) in networks.chunks(SET_ADDRESSES_MAX).enumerate() {
            let set = format!("{name}-{list}-{short}-{}", number + 1);
            out.open(&format!("resource \"aws_wafv2_ip_set\" \"{set}\""));
            out.attrs(&[
                ("name", quoted(&set)),
                ("scope", quoted("REGIONAL")),
                ("ip_address_version", quoted(version)),
            ]);
            out.line("addresses = [");
            chunk.iter().for_each(|network| out.line(&format!("  \"{network}\",")));
            out.line("]");
            out.close();
            out.line("");
            names.push(set);
        }
    }
    names
}

/// A rate rule of WAF.
struct Counted {
    limit: u64,
    window_s: u64,
    /// Headers that it counts by; none: the address.
    keys: Vec<Key>,
    scope: Vec<Vec<Leaf>>,
    notes: Vec<String>,
}

enum Key {
    Header(String),
    Path,
}

/// The smallest window of WAF that holds ours, and what ours lets pass in it.
fn widened(rate: Rate) -> (u64, u64) {
    let ours_s = rate.window().get().div_ceil(1_000).max(1);
    let window_s = WINDOWS_S.into_iter().find(|window| *window >= ours_s).unwrap_or(600);
    let limit = u64::from(rate.limit()) * window_s.div_ceil(ours_s);
    (limit.clamp(LIMIT_MIN, LIMIT_MAX), window_s)
}

fn counted(rule: &Rule) -> Result<Counted, &'static str> {
    if rule.on == Event::BadToken {
        return Err("WAF does not see whether a token is good.");
    }
    if !rule.roles.is_empty() {
        return Err("WAF does not know roles.");
    }
    let mut notes = Vec::new();
    let by_token = || vec![Key::Header("authorization".to_owned())];
    let of_issuers = "An issuer's tokens of servers and operators count as those of players do.";
    let mut who = None;
    let keys = match &rule.key {
        KeyBy::Caller => {
            return Err("WAF knows neither players nor access keys, and signatures differ each time.");
        }
        KeyBy::Address => vec![],
        KeyBy::Player => {
            notes.push(format!("WAF counts by the Authorization header: a player with several tokens has the limit for each. {of_issuers}"));
            who = Some(Leaf::Token(PLAYER_TOKENS));
            by_token()
        }
        KeyBy::PlayerAction => {
            notes.push(format!(
                "WAF counts by the Authorization header and the path, not by player and action. {of_issuers}"
            ));
            who = Some(Leaf::Token(PLAYER_TOKENS));
            by_token().into_iter().chain([Key::Path]).collect()
        }
        KeyBy::ApiKey => {
            notes.push(
                "WAF counts by the Authorization header: access keys, whose signatures differ each time, certificates and servers of an \
                 issuer are not counted, and a key with two secrets has the limit for each."
                    .to_owned(),
            );
            who = Some(Leaf::Token(KEYS));
            by_token()
        }
        KeyBy::Header(name) => vec![Key::Header(name.to_string())],
    };
    let (limit, window_s) = widened(rule.rate);
    let ours = (u64::from(rule.rate.limit()), rule.rate.window().get() / 1_000);
    if (limit, window_s) != ours {
        notes.push(format!(
            "{} in {} s become {limit} in {window_s} s: WAF has windows of 60, 120, 300 and 600 s and limits from \
             {LIMIT_MIN}.",
            ours.0, ours.1
        ));
    }
    let mut scope = scope(rule).ok_or("none of its actions has a path that WAF could see.")?;
    if let Some(who) = who {
        // Any request is one of them no more.
        scope.resize_with(scope.len().max(1), Vec::new);
        scope.iter_mut().for_each(|all| all.push(who.clone()));
    }
    Ok(Counted { limit, window_s, keys, scope, notes })
}

impl Counted {
    fn write(&self, out: &mut Hcl) {
        out.open("rate_based_statement");
        let by = if self.keys.is_empty() { "IP" } else { "CUSTOM_KEYS" };
        out.attrs(&[
            ("limit", self.limit.to_string()),
            ("evaluation_window_sec", self.window_s.to_string()),
            ("aggregate_key_type", quoted(by)),
        ]);
        for key in &self.keys {
            out.line("");
            out.open("custom_key");
            match key {
                Key::Header(name) => {
                    out.open("header");
                    out.attrs(&[("name", quoted(name))]);
                }
                Key::Path => out.open("uri_path"),
            }
            transformed(out, "NONE");
            out.close();
            out.close();
        }
        if !self.scope.is_empty() {
            out.line("");
            out.open("scope_down_statement");
            match self.scope.as_slice() {
                [one] => all_of(out, one),
                many => {
                    out.open("or_statement");
                    for one in many {
                        out.open("statement");
                        all_of(out, one);
                        out.close();
                    }
                    out.close();
                }
            }
            out.close();
        }
        out.close();
    }
}

#[cfg(test)]
mod tests;
