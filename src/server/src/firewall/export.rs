//! The same limits as Terraform for AWS WAFv2, and what WAF cannot do of them, said aloud.
//!
//! Never stricter to those whom the firewall limits: where WAF has another window, the limit is what the firewall lets pass in it, and
//! callers whom a rule does not count are out of its scope. Calls that the firewall does not count since they are answered before, WAF
//! counts; the file says so.
use super::{FirewallSettings, files};
use gsm_core::Timestamp;
use gsm_engine::AddressList;
use gsm_security::{Event, Face, Glob, KeyBy, Network, Rate, Rule};
use std::{collections::BTreeMap, fmt::Write as _};

/// Windows of WAF's rate rules, in seconds.
const WINDOWS_S: [u64; 4] = [60, 120, 300, 600];
/// The lowest limit of WAF's rate rules.
const LIMIT_MIN: u64 = 10;
/// The highest.
const LIMIT_MAX: u64 = 2_000_000_000;
/// Addresses of one IP set.
const SET_ADDRESSES_MAX: usize = 10_000;
/// Characters of a regular expression.
const REGEX_CHARS_MAX: usize = 512;

/// What was written, and what could not be.
#[derive(Debug)]
pub struct Exported {
    /// The Terraform.
    pub terraform: String,
    /// A sentence for each thing that WAF cannot express, or expresses otherwise.
    pub notes: Vec<String>,
}

/// Writes the rules and lists as a web ACL of this name.
///
/// # Errors
/// Where a file or the rules cannot be used.
pub fn export(settings: &FirewallSettings, name: &str, now: Timestamp) -> Result<Exported, files::FileError> {
    let read = settings.read()?;
    let rules = settings.rules(&read.rules).map_err(files::FileError::of_rules)?;
    let mut notes = vec![
        "WAF counts approximately and reacts within about half a minute; gsm's own firewall stays exact behind it.".to_owned(),
        "WAF answers 403 where gsm answers 429 with Retry-After.".to_owned(),
        "WAF counts each IPv6 address; gsm counts a /64.".to_owned(),
        "By player and by key gsm counts the calls of operations that it lets their callers make. WAF counts those as well that gsm answers \
         before (400, 401, 403, 404, 405 and 422 by path, method, token or role, 429 by another rule) and operations for everybody: \
         a client that repeats such calls meets WAF's limit first."
            .to_owned(),
    ];
    let mut out = Hcl::default();
    let mut acl = Acl { priority: 0, name };
    let mut sets = BTreeMap::new();
    for list in AddressList::ALL {
        let entries = settings.entries(&read, list);
        if entries.iter().any(|entry| entry.until.is_some()) {
            notes.push(format!(
                "WAF's IP sets have no ends: networks of the {list} list stay until the next export."
            ));
        }
        notes.push(format!(
            "The {list} list has the networks of files and profile; those that were put in by the API are not in the export."
        ));
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
    for rule in &rules {
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
    let mut terraform =
        String::from("# Written by `gsm firewall export`; write it again rather than edit it.\n#\n");
    for note in &notes {
        let _ = writeln!(terraform, "# - {note}");
    }
    let _ = write!(terraform, "\n{}", out.text);
    Ok(Exported { terraform, notes })
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

/// One look at a request.
#[derive(Clone)]
enum Leaf {
    Method(Vec<String>),
    Path(String),
    PathRegex(String),
    Target(String),
    TargetPrefix,
    CborPrefix,
    NotTargetPrefix,
    NotCborPrefix,
    /// What the Authorization header begins with, in small letters: its scheme has any.
    Token(&'static str),
}

/// Tokens of players are JWTs, whose first byte is `{`: `e` in base64. What else callers send begins otherwise: keys and tokens of
/// matches as below, signatures with `AWS4-`. To demand the one needs no statement more, where Terraform's go no deeper.
const PLAYER_TOKENS: &str = "bearer e";
/// API keys (`gsmk_`) and tokens of matches (`gsm1.`).
const KEYS: &str = "bearer gsm";

const TARGET_PREFIX: &str = "GameLift.";
const CBOR_PREFIX: &str = "/service/GameLift/";

/// What a request must be to count: one of these, all of each. None: any request. Nothing where no request can be.
fn scope(rule: &Rule) -> Option<Vec<Vec<Leaf>>> {
    let methods: Vec<String> = rule.methods.iter().map(ToString::to_string).collect();
    let mut always: Vec<Leaf> = Vec::new();
    if !rule.paths.is_empty() {
        always.extend(regexes(rule.paths.iter().map(of_glob)).into_iter().next().map(Leaf::PathRegex));
    }
    if rule.actions.is_empty() {
        if !methods.is_empty() {
            always.push(Leaf::Method(with_head(methods)));
        }
        return Some(match rule.face {
            Some(Face::Native) if rule.paths.is_empty() => {
                always.extend([Leaf::NotTargetPrefix, Leaf::NotCborPrefix]);
                vec![always]
            }
            Some(Face::Gamelift) => [Leaf::TargetPrefix, Leaf::CborPrefix]
                .into_iter()
                .map(|leaf| always.iter().cloned().chain([leaf]).collect())
                .collect(),
            _ if always.is_empty() => vec![],
            _ => vec![always],
        });
    }
    let mut ways = Vec::new();
    let mut by_method: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, method, action) in crate::api::operations().all() {
        let fits = rule.actions.iter().any(|glob| glob.matches(action));
        if fits
            && rule.face != Some(Face::Gamelift)
            && (methods.is_empty() || methods.contains(&method.to_string()))
        {
            by_method.entry(method.to_string()).or_default().push(of_template(path));
        }
    }
    for (method, paths) in by_method {
        for regex in regexes(paths.into_iter()) {
            let mut all = always.clone();
            all.extend([Leaf::Method(with_head(vec![method.clone()])), Leaf::PathRegex(regex)]);
            ways.push(all);
        }
    }
    for action in crate::gamelift::actions() {
        if rule.face != Some(Face::Native) && rule.actions.iter().any(|glob| glob.matches(action)) {
            let name = action.rsplit(':').next().unwrap_or_default();
            for leaf in [
                Leaf::Target(format!("{TARGET_PREFIX}{name}")),
                Leaf::Path(format!("{CBOR_PREFIX}operation/{name}")),
            ] {
                ways.push(always.iter().cloned().chain([leaf]).collect());
            }
        }
    }
    (!ways.is_empty()).then_some(ways)
}

/// HEAD counts where GET does.
fn with_head(mut methods: Vec<String>) -> Vec<String> {
    let has = |name: &str| methods.iter().any(|method| method == name);
    if has("GET") && !has("HEAD") {
        methods.push("HEAD".to_owned());
    }
    methods
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if !c.is_ascii_alphanumeric() && !matches!(c, '/' | '_' | '-') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn of_glob(glob: &Glob) -> String {
    let marked = escaped(glob.as_str());
    marked.replace("\\*\\*", ".*").replace("\\*", "[^/]*")
}

/// `/v1/players/{player_id}` as a regular expression.
fn of_template(path: &str) -> String {
    let segment = |part: &str| if part.starts_with('{') { "[^/]+".to_owned() } else { escaped(part) };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// As few expressions as hold all alternatives.
fn regexes(alternatives: impl Iterator<Item = String>) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    for one in alternatives {
        match groups.last_mut().filter(|group| group.len() + one.len() + 5 <= REGEX_CHARS_MAX) {
            Some(group) => *group = format!("{group}|{one}"),
            None => groups.push(one),
        }
    }
    groups.into_iter().map(|group| format!("^({group})$")).collect()
}

impl Leaf {
    fn write(&self, out: &mut Hcl) {
        match self {
            Self::Method(methods) => match methods.as_slice() {
                [one] => bytes(out, "EXACTLY", one, "method {}", "NONE"),
                many => regex(out, &format!("^({})$", many.join("|")), "method {}", "NONE"),
            },
            Self::Path(path) => bytes(out, "EXACTLY", path, "uri_path {}", "URL_DECODE"),
            Self::PathRegex(text) => regex(out, text, "uri_path {}", "URL_DECODE"),
            Self::Target(target) => bytes(out, "EXACTLY", target, TARGET_FIELD, "NONE"),
            Self::TargetPrefix => bytes(out, "STARTS_WITH", TARGET_PREFIX, TARGET_FIELD, "NONE"),
            Self::CborPrefix => bytes(out, "STARTS_WITH", CBOR_PREFIX, "uri_path {}", "URL_DECODE"),
            Self::NotTargetPrefix => Self::TargetPrefix.write_not(out),
            Self::NotCborPrefix => Self::CborPrefix.write_not(out),
            Self::Token(start) => bytes(out, "STARTS_WITH", start, TOKEN_FIELD, "LOWERCASE"),
        }
    }

    fn write_not(&self, out: &mut Hcl) {
        out.open("not_statement");
        out.open("statement");
        self.write(out);
        out.close();
        out.close();
    }
}

/// Headers, by their names.
const TARGET_FIELD: &str = "x-amz-target";
const TOKEN_FIELD: &str = "authorization";

fn field(out: &mut Hcl, field: &str, transformation: &str) {
    out.line("");
    out.open("field_to_match");
    if [TARGET_FIELD, TOKEN_FIELD].contains(&field) {
        out.open("single_header");
        out.attrs(&[("name", quoted(field))]);
        out.close();
    } else {
        out.line(field);
    }
    out.close();
    transformed(out, transformation);
}

fn transformed(out: &mut Hcl, kind: &str) {
    out.line("");
    out.open("text_transformation");
    out.attrs(&[("priority", "0".to_owned()), ("type", quoted(kind))]);
    out.close();
}

fn bytes(out: &mut Hcl, constraint: &str, text: &str, of: &str, transformation: &str) {
    out.open("byte_match_statement");
    out.attrs(&[("positional_constraint", quoted(constraint)), ("search_string", quoted(text))]);
    field(out, of, transformation);
    out.close();
}

fn regex(out: &mut Hcl, text: &str, of: &str, transformation: &str) {
    out.open("regex_match_statement");
    out.attrs(&[("regex_string", quoted(text))]);
    field(out, of, transformation);
    out.close();
}

/// All of `leaves`: as they are, or joined.
fn all_of(out: &mut Hcl, leaves: &[Leaf]) {
    if let [one] = leaves {
        return one.write(out);
    }
    out.open("and_statement");
    for leaf in leaves {
        out.open("statement");
        leaf.write(out);
        out.close();
    }
    out.close();
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

/// Blocks and attributes, indented and aligned as `terraform fmt` would.
#[derive(Default)]
struct Hcl {
    text: String,
    depth: usize,
}

impl Hcl {
    fn line(&mut self, text: &str) {
        // Nothing follows the head of a block but its content.
        if text.is_empty() {
            if !self.text.ends_with("{\n") && !self.text.is_empty() {
                self.text.push('\n');
            }
            return;
        }
        let _ = writeln!(self.text, "{:width$}{text}", "", width = self.depth * 2);
    }
    fn open(&mut self, head: &str) {
        self.line(&format!("{head} {{"));
        self.depth += 1;
    }
    fn close(&mut self) {
        self.depth -= 1;
        self.line("}");
    }
    fn attrs(&mut self, attrs: &[(&str, String)]) {
        let width = attrs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in attrs {
            self.line(&format!("{name:width$} = {value}"));
        }
    }
}

/// A string of HCL.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${").replace("%{", "%%{");
    format!("\"{text}\"")
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
