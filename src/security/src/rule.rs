//! A rule as it is written, and as it is once checked.
use crate::{Glob, Key, Rate, address_key};
use gsm_core::Millis;
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

/// Characters of a rule's name.
const NAME_CHARS_MAX: usize = 64;
/// Entries of one list of a rule.
const LIST_MAX: usize = 64;
/// Characters of a header's name.
const HEADER_CHARS_MAX: usize = 64;
/// The methods of HTTP (RFC 9110, section 9; RFC 5789).
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
/// What a caller can be.
pub const ROLES: [&str; 5] = ["none", "player", "server", "match", "admin"];

/// What a rule does to a request above its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Refuses it.
    #[default]
    Block,
    /// Lets it pass, and counts it as one that would be refused.
    Count,
    /// Nothing: the rule is not there. Takes a default rule out.
    Off,
}

/// What a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A request.
    #[default]
    Request,
    /// A token that proved bad.
    BadToken,
}

/// How a caller speaks to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Face {
    /// The API, pages and streams of the server itself.
    Native,
    /// The wire of AWS clients.
    Gamelift,
}

/// Whom a rule counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyBy {
    /// An IPv4 address, or an IPv6 /64.
    Address,
    /// A player.
    Player,
    /// An API key, an access key or the token of a match: whoever is known and no player.
    ApiKey,
    /// A player, for each action apart.
    PlayerAction,
    /// Whoever is known; nobody known: the address.
    Caller,
    /// The value of a header, whose name is in small letters. Requests without it are not counted.
    Header(Box<str>),
}

/// A text names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be `address`, `player`, `api_key`, `player_action`, `caller` or `header:NAME`")]
pub struct KeyByError;

impl FromStr for KeyBy {
    type Err = KeyByError;
    fn from_str(text: &str) -> Result<Self, KeyByError> {
        Ok(match text {
            "address" => Self::Address,
            "player" => Self::Player,
            "api_key" => Self::ApiKey,
            "player_action" => Self::PlayerAction,
            "caller" => Self::Caller,
            other => {
                let name = other.strip_prefix("header:").ok_or(KeyByError)?;
                let lawful = (1..=HEADER_CHARS_MAX).contains(&name.len())
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
                if !lawful {
                    return Err(KeyByError);
                }
                Self::Header(name.to_ascii_lowercase().into())
            }
        })
    }
}

impl fmt::Display for KeyBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("address"),
            Self::Player => f.write_str("player"),
            Self::ApiKey => f.write_str("api_key"),
            Self::PlayerAction => f.write_str("player_action"),
            Self::Caller => f.write_str("caller"),
            Self::Header(name) => write!(f, "header:{name}"),
        }
    }
}

/// A rule as it is written. Lists that are empty say nothing; of those that are not, one entry each must fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// Its name; that of a default rule takes its place.
    pub name: String,
    /// What it counts: `request` or `bad_token`.
    #[serde(default)]
    pub on: Event,
    /// `native` or `gamelift`; absent: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face: Option<Face>,
    /// HTTP methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Patterns of paths, such as `/v1/matches/*/result`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Patterns of actions, such as `gsm:Get*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// Roles of callers; `none` is nobody known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Whom it counts: `address`, `player`, `api_key`, `player_action`, `caller` or `header:NAME`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The most that pass in any window.
    #[serde(default)]
    pub limit: u32,
    /// The window: 1 to 600 seconds.
    #[serde(default)]
    pub window_s: u64,
    /// `block`, `count` or `off`.
    #[serde(default)]
    pub action: Action,
    /// 429, or 403.
    #[serde(default = "too_many")]
    pub status: u16,
}

const fn too_many() -> u16 {
    429
}

/// Why a rule is none: which of its members, and what about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{rule}`: `{member}` {what}")]
pub struct RuleError {
    /// The rule, by name.
    pub rule: String,
    /// The member.
    pub member: &'static str,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// A checked rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: Arc<str>,
    /// What it counts.
    pub on: Event,
    /// How the caller must speak, if that matters.
    pub face: Option<Face>,
    /// The method must be one of these, if there are any.
    pub methods: Box<[Box<str>]>,
    /// The path must fit one of these, if there are any.
    pub paths: Box<[Glob]>,
    /// The action must fit one of these, if there are any.
    pub actions: Box<[Glob]>,
    /// The caller must have one of these, if there are any.
    pub roles: Box<[Box<str>]>,
    /// Whom it counts.
    pub key: KeyBy,
    /// How many in which window.
    pub rate: Rate,
    /// Whether it only counts.
    pub counts_only: bool,
    /// How it refuses.
    pub status: u16,
}

/// Who asks, once known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The caller's role; `none` is nobody known.
    pub role: &'a str,
    /// Whether it is a player.
    pub is_player: bool,
    /// Its id; `None`: nobody known.
    pub id: Option<u128>,
}

/// When a request is judged. Each rule counts in one of these moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment<'a> {
    /// It has come, and nothing is known of who asks.
    Arrival,
    /// Who asks is known, and may.
    Known(Caller<'a>),
    /// Its token proved bad.
    BadToken,
}

/// What the firewall sees of a request.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Who speaks; behind a trusted proxy, the address that the proxy saw.
    pub address: IpAddr,
    /// How.
    pub face: Face,
    /// The HTTP method.
    pub method: &'a str,
    /// The path, decoded.
    pub path: &'a str,
    /// The action that the path and method mean, if any.
    pub action: Option<&'a str>,
    /// Looks a header up, by its name in small letters.
    pub header: &'a dyn Fn(&str) -> Option<&'a [u8]>,
    /// When it is judged.
    pub moment: Moment<'a>,
}

/// Why a rule does not count a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// It counts in another moment.
    Moment,
    /// The face is another.
    Face,
    /// The method is another.
    Method,
    /// No pattern fits the path.
    Path,
    /// No pattern fits the action.
    Action,
    /// The caller's role is another.
    Role,
    /// The request has nothing of what the rule counts by.
    Key,
}

impl Rule {
    /// Checks what is written; all faults at once.
    pub fn new(written: &RuleConfig) -> Result<Self, Vec<RuleError>> {
        let mut faults = Vec::new();
        let mut wrong = |member, what: String| {
            let rule = written.name.chars().take(NAME_CHARS_MAX).collect();
            faults.push(RuleError { rule, member, what });
        };
        let lawful = (1..=NAME_CHARS_MAX).contains(&written.name.len())
            && written.name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if !lawful {
            wrong("name", format!("must have 1 to {NAME_CHARS_MAX} letters, digits, `_` and `-`"));
        }
        for (member, list) in [
            ("methods", &written.methods),
            ("paths", &written.paths),
            ("actions", &written.actions),
            ("roles", &written.roles),
        ] {
            if list.len() > LIST_MAX {
                wrong(member, format!("has {} entries, at most {LIST_MAX} may be", list.len()));
            }
        }
        for method in &written.methods {
            if !METHODS.contains(&method.as_str()) {
                wrong("methods", format!("has `{method}`; there are {}", METHODS.join(", ")));
            }
        }
        for role in &written.roles {
            if !ROLES.contains(&role.as_str()) {
                wrong("roles", format!("has `{role}`; there are {}", ROLES.join(", ")));
            }
        }
        let mut globs = |member, list: &[String], begins: &str| -> Box<[Glob]> {
            let mut globs = Vec::new();
            for text in list {
                match Glob::new(text) {
                    Ok(_) if !text.starts_with(begins) && !text.starts_with('*') => {
                        wrong(member, format!("has `{text}`, which begins with neither `{begins}` nor `*`"));
                    }
                    Ok(glob) => globs.push(glob),
                    Err(error) => wrong(member, format!("has `{text}`: {error}")),
                }
            }
            globs.into()
        };
        let paths = globs("paths", &written.paths, "/");
        let actions = globs("actions", &written.actions, "g");
        let key = written.key.parse::<KeyBy>();
        if let Err(error) = &key {
            wrong("key", format!("is `{}`: it {error}", written.key));
        }
        let rate = Rate::new(written.limit, Millis::from_secs(written.window_s.min(1 << 32)));
        match rate {
            Err(crate::RateError::Limit(n)) => {
                wrong("limit", format!("is {n}, it must be 1 to {}", crate::LIMIT_MAX));
            }
            Err(crate::RateError::Window(_)) => {
                wrong(
                    "window_s",
                    format!("is {}, it must be 1 to {}", written.window_s, crate::WINDOW_MAX.get() / 1_000),
                );
            }
            Ok(_) => {}
        }
        if !matches!(written.status, 403 | 429) {
            wrong("status", format!("is {}, it must be 429 or 403", written.status));
        }
        if written.on == Event::BadToken {
            if !written.roles.is_empty() {
                wrong("roles", "must be empty where `on` is `bad_token`: nobody is known".to_owned());
            }
            if matches!(key, Ok(KeyBy::Player | KeyBy::PlayerAction | KeyBy::ApiKey)) {
                wrong(
                    "key",
                    "must be `address` or `header:NAME` where `on` is `bad_token`: nobody is known"
                        .to_owned(),
                );
            }
        }
        match (key, rate) {
            (Ok(key), Ok(rate)) if faults.is_empty() => Ok(Self {
                name: written.name.as_str().into(),
                on: written.on,
                face: written.face,
                methods: written.methods.iter().map(|m| m.as_str().into()).collect(),
                paths,
                actions,
                roles: written.roles.iter().map(|r| r.as_str().into()).collect(),
                key,
                rate,
                counts_only: written.action == Action::Count,
                status: written.status,
            }),
            _ => Err(faults),
        }
    }

    /// Whether it counts when it is known who asks; else before.
    #[must_use]
    pub fn needs_caller(&self) -> bool {
        !self.roles.is_empty()
            || matches!(self.key, KeyBy::Player | KeyBy::ApiKey | KeyBy::PlayerAction | KeyBy::Caller)
    }

    /// Whether a method is one of its own. HEAD does what GET does, and costs as much.
    fn counts_method(&self, asked: &str) -> bool {
        self.methods.iter().any(|method| **method == *asked || (asked == "HEAD" && **method == *"GET"))
    }

    /// Whom it counts a request for, or why it does not count it.
    pub fn key_of(&self, request: &Request<'_>) -> Result<Key, Miss> {
        let caller = match (self.on, request.moment, self.needs_caller()) {
            (Event::Request, Moment::Arrival, false) | (Event::BadToken, Moment::BadToken, _) => None,
            (Event::Request, Moment::Known(caller), true) => Some(caller),
            _ => return Err(Miss::Moment),
        };
        if self.face.is_some_and(|face| face != request.face) {
            return Err(Miss::Face);
        }
        if !self.methods.is_empty() && !self.counts_method(request.method) {
            return Err(Miss::Method);
        }
        if !self.actions.is_empty() {
            let fits = |action: &str| self.actions.iter().any(|glob| glob.matches(action));
            if !request.action.is_some_and(fits) {
                return Err(Miss::Action);
            }
        }
        if !self.paths.is_empty() && !self.paths.iter().any(|glob| glob.matches(request.path)) {
            return Err(Miss::Path);
        }
        if !self.roles.is_empty() && !self.roles.iter().any(|role| caller.is_some_and(|c| *c.role == **role))
        {
            return Err(Miss::Role);
        }
        let player = caller.filter(|caller| caller.is_player).and_then(|caller| caller.id);
        let known = caller.and_then(|caller| caller.id);
        match &self.key {
            KeyBy::Address => Some(address_key(request.address)),
            KeyBy::Player => player.map(Key::from_u128),
            KeyBy::ApiKey => known.filter(|_| player.is_none()).map(Key::from_u128),
            KeyBy::PlayerAction => player.map(|id| {
                Key::of_bytes(&[&id.to_be_bytes(), request.action.unwrap_or(request.path).as_bytes()])
            }),
            KeyBy::Caller => Some(known.map_or_else(|| address_key(request.address), Key::from_u128)),
            KeyBy::Header(name) => (request.header)(name).map(|value| Key::of_bytes(&[value])),
        }
        .ok_or(Miss::Key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(change: impl FnOnce(&mut RuleConfig)) -> RuleConfig {
        let mut rule = RuleConfig {
            name: "r".into(),
            on: Event::Request,
            face: None,
            methods: vec![],
            paths: vec![],
            actions: vec![],
            roles: vec![],
            key: "address".into(),
            limit: 5,
            window_s: 10,
            action: Action::Block,
            status: 429,
        };
        change(&mut rule);
        rule
    }
    fn check_bad(change: impl FnOnce(&mut RuleConfig), members: &[&str]) {
        let faults = Rule::new(&written(change)).unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.member).collect::<Vec<_>>(), members, "{faults:?}");
    }

    #[test]
    fn a_fault_names_its_member() {
        check_bad(|r| r.name = "a b".into(), &["name"]);
        check_bad(|r| r.methods = vec!["get".into()], &["methods"]);
        check_bad(|r| r.methods = vec!["FETCH".into()], &["methods"]);
        check_bad(|r| r.roles = vec!["operator".into()], &["roles"]);
        check_bad(|r| r.paths = vec!["v1/x".into()], &["paths"]);
        check_bad(|r| r.paths = vec![String::new()], &["paths"]);
        check_bad(|r| r.actions = vec!["*".repeat(2) + &"a*".repeat(9)], &["actions"]);
        check_bad(|r| r.roles = vec!["Admin".into()], &["roles"]);
        check_bad(|r| r.roles = vec!["player".into(); 65], &["roles"]);
        check_bad(|r| r.key = "ip".into(), &["key"]);
        check_bad(|r| r.key = "header:a b".into(), &["key"]);
        check_bad(|r| (r.limit, r.window_s) = (0, 601), &["limit"]);
        check_bad(|r| r.window_s = 601, &["window_s"]);
        check_bad(|r| r.window_s = u64::MAX, &["window_s"]);
        check_bad(|r| r.status = 500, &["status"]);
        check_bad(|r| (r.on, r.key) = (Event::BadToken, "player".into()), &["key"]);
    }

    const PLAYER: Caller<'static> = Caller { role: "player", is_player: true, id: Some(7) };

    fn check(change: impl FnOnce(&mut RuleConfig), moment: Moment<'_>, expected: Result<Key, Miss>) {
        check_method("POST", change, moment, expected);
    }
    fn check_method(
        method: &str,
        change: impl FnOnce(&mut RuleConfig),
        moment: Moment<'_>,
        expected: Result<Key, Miss>,
    ) {
        let header = |name: &str| (name == "x-game").then_some(&b"chess"[..]);
        let request = Request {
            address: "192.0.2.1".parse().unwrap(),
            face: Face::Native,
            method,
            path: "/v1/tickets",
            action: Some("gsm:CreateTicket"),
            header: &header,
            moment,
        };
        assert_eq!(Rule::new(&written(change)).unwrap().key_of(&request), expected);
    }

    #[test]
    fn a_rule_counts_what_fits_all_of_its_lists() {
        let address = Ok(address_key("192.0.2.1".parse().unwrap()));
        check(|_| {}, Moment::Arrival, address);
        check(|r| r.methods = vec!["GET".into(), "POST".into()], Moment::Arrival, address);
        check(|r| r.methods = vec!["GET".into()], Moment::Arrival, Err(Miss::Method));
        check(|r| r.paths = vec!["/v1/*".into()], Moment::Arrival, address);
        check(|r| r.paths = vec!["/v2/*".into()], Moment::Arrival, Err(Miss::Path));
        check(|r| r.actions = vec!["gsm:Create*".into()], Moment::Arrival, address);
        check(|r| r.actions = vec!["gsm:Get*".into(), "gsm:X".into()], Moment::Arrival, Err(Miss::Action));
        check(|r| r.face = Some(Face::Gamelift), Moment::Arrival, Err(Miss::Face));
        check(|r| r.on = Event::BadToken, Moment::BadToken, address);
        check(|r| r.on = Event::BadToken, Moment::Arrival, Err(Miss::Moment));
    }

    #[test]
    fn head_counts_as_get() {
        let address = Ok(address_key("192.0.2.1".parse().unwrap()));
        let check = |asked, rules: &str, expected| {
            check_method(asked, |r| r.methods = vec![rules.into()], Moment::Arrival, expected);
        };
        check("HEAD", "GET", address);
        check("HEAD", "HEAD", address);
        check("GET", "HEAD", Err(Miss::Method));
        check("HEAD", "POST", Err(Miss::Method));
    }

    #[test]
    fn who_is_counted_goes_by_the_key() {
        let nobody = Caller { role: "none", is_player: false, id: None };
        let server = Caller { role: "server", is_player: false, id: Some(9) };
        let address = Ok(address_key("192.0.2.1".parse().unwrap()));
        let by = |key: &str| {
            let key = key.to_owned();
            move |r: &mut RuleConfig| r.key = key
        };
        check(by("player"), Moment::Known(PLAYER), Ok(Key::from_u128(7)));
        check(by("player"), Moment::Known(server), Err(Miss::Key));
        check(by("player"), Moment::Arrival, Err(Miss::Moment));
        check(by("address"), Moment::Known(PLAYER), Err(Miss::Moment));
        check(by("api_key"), Moment::Known(server), Ok(Key::from_u128(9)));
        check(by("api_key"), Moment::Known(PLAYER), Err(Miss::Key));
        check(by("caller"), Moment::Known(server), Ok(Key::from_u128(9)));
        check(by("caller"), Moment::Known(nobody), address);
        check(by("header:X-Game"), Moment::Arrival, Ok(Key::of_bytes(&[b"chess"])));
        check(by("header:X-Other"), Moment::Arrival, Err(Miss::Key));
        check(|r| r.roles = vec!["player".into()], Moment::Known(PLAYER), address);
        check(|r| r.roles = vec!["player".into()], Moment::Known(server), Err(Miss::Role));
    }
}
