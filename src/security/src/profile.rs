use crate::{
    Entry, Network, Rule, RuleConfig, RuleError,
    rule::{Action, Event, Face},
};
use gsm_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, net::Ipv4Addr, str::FromStr};

/// Rules of a firewall.
pub const RULES_MAX: usize = 64;

/// A set of limits by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// For use.
    #[default]
    Default,
    /// Limits that no load test meets.
    TestLenient,
    /// Low limits, for the test of the limiter.
    TestLimit,
}

/// No profile has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown firewall profile `{text}`, there are `default`, `test-lenient` and `test-limit`")]
pub struct UnknownProfile {
    text: String,
}

/// A line of the table: name, what is counted, on which face, which actions, by what.
type Line = (&'static str, Event, Option<Face>, &'static [&'static str], &'static str);

/// The rules there are; of two that refuse a request the upper one is told.
const TABLE: [Line; 9] = [
    ("sign_in", Event::Request, None, &["gsm:SignIn"], "address"),
    ("ticket_create", Event::Request, None, &["gsm:CreateTicket"], "player"),
    (
        "rank_read",
        Event::Request,
        None,
        &[
            "gsm:GetBoardOverview",
            "gsm:GetEntry",
            "gsm:GetPastRank",
            "gsm:GetPayout",
            "gsm:GetRank",
            "gsm:GetRanking",
            "gsm:GetRankingAround",
            "gsm:GetRankingCut",
            "gsm:GetRankingHistogram",
            "gsm:GetRankingPage",
            "gsm:GetRanks",
            "gsm:GetTier",
            "gsm:GetTiers",
            "gsm:GetWatch",
            "gsm:ListCohorts",
            "gsm:ListPlayerSeasons",
            "gsm:ListRankings",
            "gsm:ListSeasons",
            "gsm:RankAmong",
        ],
        "player",
    ),
    // A page of the audit log costs a look through tens of thousands of records.
    ("export", Event::Request, None, &["gsm:ExportPlayer"], "player"),
    ("result", Event::Request, None, &["gsm:ReportResult"], "api_key"),
    ("player", Event::Request, Some(Face::Native), &[], "player"),
    // By access key; by address where signatures are not looked at.
    ("aws_client", Event::Request, Some(Face::Gamelift), &[], "caller"),
    ("bad_token", Event::BadToken, None, &[], "address"),
    ("address", Event::Request, Some(Face::Native), &[], "address"),
];

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::Default, Self::TestLenient, Self::TestLimit];

    /// The limit of a rule of the table, and its window in seconds.
    fn rate(self, name: &str) -> Option<(u32, u64)> {
        match (self, name) {
            (Self::Default, "address") => Some((2_000, 300)),
            (Self::Default, "sign_in") => Some((5, 10)),
            (Self::Default, "bad_token") => Some((10, 60)),
            (Self::Default, "ticket_create") => Some((20, 10)),
            (Self::Default, "rank_read") => Some((60, 10)),
            (Self::Default, "export") => Some((20, 10)),
            (Self::Default, "result") => Some((600, 10)),
            // Ten times what the real service lets an account ask.
            (Self::Default, "aws_client") => Some((50_000, 10)),
            (Self::Default | Self::TestLenient, "player") => None,
            // The same rules as in use, so that a load test measures what is in use.
            (Self::TestLenient, _) => Some((1_000_000, 10)),
            (Self::TestLimit, "address" | "aws_client") => Some((100, 10)),
            (Self::TestLimit, "player") => Some((60, 10)),
            _ => None,
        }
    }

    /// Its rules, as they would be written.
    #[must_use]
    pub fn rules(self) -> Vec<RuleConfig> {
        let line = |(name, on, face, actions, key): Line| {
            let (limit, window_s) = self.rate(name)?;
            Some(RuleConfig {
                name: name.to_owned(),
                on,
                face,
                methods: Vec::new(),
                paths: Vec::new(),
                actions: actions.iter().map(|&action| action.to_owned()).collect(),
                roles: Vec::new(),
                key: key.to_owned(),
                limit,
                window_s,
                action: Action::Block,
                status: 429,
            })
        };
        TABLE.into_iter().filter_map(line).collect()
    }

    /// Paths (as routed, without query) that are never counted.
    #[must_use]
    pub fn exempt_paths(self) -> &'static [&'static str] {
        if self == Self::TestLimit { &["/healthz"] } else { &[] }
    }

    /// Networks from which everything is refused.
    #[must_use]
    pub fn denied(self) -> Vec<Entry> {
        self.test_entries(66)
    }

    /// Networks that are never limited.
    #[must_use]
    pub fn allowed(self) -> Vec<Entry> {
        self.test_entries(77)
    }

    /// Proxies whose word is taken.
    #[must_use]
    pub fn trusted_proxies(self) -> Vec<Network> {
        self.test_entries(9).into_iter().map(|entry| entry.network).collect()
    }

    fn test_entries(self, last: u8) -> Vec<Entry> {
        let network = Network::new(Ipv4Addr::new(127, 0, 0, last).into(), 32).ok();
        let network = network.filter(|_| self == Self::TestLimit);
        network.into_iter().map(|network| Entry { network, until: None::<Timestamp> }).collect()
    }

    /// The name, as serialised.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::TestLenient => "test-lenient",
            Self::TestLimit => "test-limit",
        }
    }
}

/// The rules of a profile with others on top: one of the same name takes its place, others stand above all.
///
/// # Errors
/// Every fault, by rule and member.
pub fn rules(base: &[RuleConfig], written: &[RuleConfig]) -> Result<Vec<Rule>, Vec<RuleError>> {
    let (mut rules, mut faults) = (Vec::new(), Vec::new());
    let wrong = |rule: &RuleConfig, member, what: String| RuleError {
        rule: rule.name.chars().take(64).collect(),
        member,
        what,
    };
    let replaced = |rule: &RuleConfig| written.iter().find(|other| other.name == rule.name);
    for (at, rule) in written.iter().enumerate() {
        if written.iter().take(at).any(|other| other.name == rule.name) {
            faults.push(wrong(rule, "name", "comes twice".to_owned()));
        }
        if rule.action == Action::Off && !base.iter().any(|other| other.name == rule.name) {
            faults.push(wrong(
                rule,
                "action",
                "is `off`, and there is no default rule of this name".to_owned(),
            ));
        }
    }
    let own = written.iter().filter(|rule| !base.iter().any(|other| other.name == rule.name));
    let all = own.chain(base.iter().map(|rule| replaced(rule).unwrap_or(rule)));
    for rule in all.filter(|rule| rule.action != Action::Off) {
        match Rule::new(rule) {
            Ok(rule) => rules.push(rule),
            Err(more) => faults.extend(more),
        }
    }
    if let Some(rule) = written.get(RULES_MAX) {
        faults.push(wrong(rule, "name", format!("is one too many: at most {RULES_MAX} rules may be")));
    }
    if faults.is_empty() { Ok(rules) } else { Err(faults) }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;
    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        let known = Self::ALL.into_iter().find(|profile| profile.as_str() == text);
        known.ok_or_else(|| UnknownProfile { text: text.chars().take(64).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_serialised_form_and_parse_back() {
        for profile in Profile::ALL {
            assert_eq!(serde_json::to_value(profile).unwrap(), profile.as_str());
            assert_eq!(profile.as_str().parse(), Ok(profile));
        }
        assert!("Default".parse::<Profile>().is_err());
    }

    #[test]
    fn the_tables_hold_legal_rules() {
        for profile in Profile::ALL {
            assert_eq!(rules(&profile.rules(), &[]).unwrap().len(), profile.rules().len(), "{profile}");
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_design() {
        let rows: Vec<_> = Profile::Default
            .rules()
            .into_iter()
            .map(|rule| (rule.name, rule.key, rule.limit, rule.window_s))
            .collect();
        let row = |name: &str, key: &str, limit, window_s| (name.to_owned(), key.to_owned(), limit, window_s);
        let wanted = [
            row("sign_in", "address", 5, 10),
            row("ticket_create", "player", 20, 10),
            row("rank_read", "player", 60, 10),
            row("export", "player", 20, 10),
            row("result", "api_key", 600, 10),
            row("aws_client", "caller", 50_000, 10),
            row("bad_token", "address", 10, 60),
            row("address", "address", 2_000, 300),
        ];
        assert_eq!(rows, wanted);
    }

    fn written(json: serde_json::Value) -> Vec<RuleConfig> {
        serde_json::from_value(json).unwrap()
    }
    fn names(written: &[RuleConfig]) -> Vec<(String, u32)> {
        let rules = rules(&Profile::TestLimit.rules(), written).unwrap();
        rules.iter().map(|rule| (rule.name.to_string(), rule.rate.limit())).collect()
    }

    #[test]
    fn written_rules_stand_above_or_take_the_place_of_defaults() {
        let own = |n: &str, l| (n.to_owned(), l);
        let plain = [own("player", 60), own("aws_client", 100), own("address", 100)];
        assert_eq!(names(&[]), plain);
        let added = written(serde_json::json!([
            { "name": "mine", "key": "address", "limit": 7, "window_s": 1 },
            { "name": "player", "key": "player", "limit": 8, "window_s": 1 },
            { "name": "aws_client", "action": "off" },
        ]));
        assert_eq!(names(&added), [own("mine", 7), own("player", 8), own("address", 100)]);
    }

    #[test]
    fn faults_of_all_rules_are_told_at_once() {
        let bad = written(serde_json::json!([
            { "name": "a", "key": "x", "limit": 1, "window_s": 1 },
            { "name": "a", "key": "address", "limit": 0, "window_s": 1 },
            { "name": "none_such", "action": "off" },
        ]));
        let faults = rules(&Profile::Default.rules(), &bad).unwrap_err();
        let members: Vec<_> = faults.iter().map(|fault| (fault.rule.as_str(), fault.member)).collect();
        assert_eq!(members, [("a", "name"), ("none_such", "action"), ("a", "key"), ("a", "limit")]);
        let many: Vec<_> = (0..=RULES_MAX)
            .map(|i| serde_json::json!({ "name": format!("r{i}"), "key": "address", "limit": 1, "window_s": 1 }))
            .collect();
        assert!(rules(&[], &written(many.into())).is_err());
    }
}
