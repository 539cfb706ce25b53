use crate::Rule;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

/// What a rule limits, and whom it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every request, by address.
    Address,
    /// Signing in, by address.
    SignIn,
    /// A token that proved bad, by address.
    BadToken,
    /// Every request, by player.
    Player,
    /// Creating a ticket, by player.
    TicketCreate,
    /// Reading ranks, by player.
    RankRead,
    /// Reporting results, by server key.
    Result,
    /// Every call of an AWS client, by access key; by address where signatures are not looked at.
    AwsClient,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 8] = [
        Self::Address,
        Self::SignIn,
        Self::BadToken,
        Self::Player,
        Self::TicketCreate,
        Self::RankRead,
        Self::Result,
        Self::AwsClient,
    ];

    /// The name, as serialised; also the name of the rule.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::SignIn => "sign_in",
            Self::BadToken => "bad_token",
            Self::Player => "player",
            Self::TicketCreate => "ticket_create",
            Self::RankRead => "rank_read",
            Self::Result => "result",
            Self::AwsClient => "aws_client",
        }
    }
}

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

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::Default, Self::TestLenient, Self::TestLimit];

    /// The table: the limit of a scope, or none.
    #[must_use]
    pub const fn rule(self, scope: Scope) -> Option<Rule> {
        use Scope as S;
        match (self, scope) {
            (Self::Default, S::Address) => Some(Rule::table(2_000, 300)),
            (Self::Default, S::SignIn) => Some(Rule::table(5, 10)),
            (Self::Default, S::BadToken) => Some(Rule::table(10, 60)),
            (Self::Default, S::Player) => None,
            (Self::Default, S::TicketCreate) => Some(Rule::table(20, 10)),
            (Self::Default, S::RankRead) => Some(Rule::table(60, 10)),
            (Self::Default, S::Result) => Some(Rule::table(600, 10)),
            // Ten times what the real service lets an account ask.
            (Self::Default, S::AwsClient) => Some(Rule::table(50_000, 10)),
            // The same rules as in use, so that a load test measures what is in use.
            (Self::TestLenient, S::Player) => None,
            (Self::TestLenient, _) => Some(Rule::table(1_000_000, 10)),
            (Self::TestLimit, S::Address | S::AwsClient) => Some(Rule::table(100, 10)),
            (Self::TestLimit, S::Player) => Some(Rule::table(60, 10)),
            (Self::TestLimit, S::SignIn | S::BadToken | S::TicketCreate | S::RankRead | S::Result) => None,
        }
    }

    /// Whether requests of this path (as routed, without query) are never counted.
    #[must_use]
    pub fn is_exempt(self, path: &str) -> bool {
        self == Self::TestLimit && path == "/healthz"
    }

    /// Whether everything from this address is refused.
    #[must_use]
    pub fn is_denied(self, address: IpAddr) -> bool {
        self == Self::TestLimit && address.to_canonical() == Ipv4Addr::new(127, 0, 0, 66)
    }

    /// Whether nothing from this address is limited.
    #[must_use]
    pub fn is_allowed(self, address: IpAddr) -> bool {
        self == Self::TestLimit && address.to_canonical() == Ipv4Addr::new(127, 0, 0, 77)
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
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
        assert!("Default".parse::<Profile>().is_err());
    }

    #[test]
    fn the_tables_hold_legal_rules() {
        for (profile, scope) in Profile::ALL.into_iter().flat_map(|p| Scope::ALL.map(|s| (p, s))) {
            if let Some(rule) = profile.rule(scope) {
                assert_eq!(Rule::new(rule.limit(), rule.window()), Ok(rule), "{profile} {scope:?}");
            }
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_design() {
        let row = |scope| Profile::Default.rule(scope).map(|r| (r.limit(), r.window().get() / 1_000));
        let rows = [
            Some((2_000, 300)),
            Some((5, 10)),
            Some((10, 60)),
            None,
            Some((20, 10)),
            Some((60, 10)),
            Some((600, 10)),
            Some((50_000, 10)),
        ];
        assert_eq!(Scope::ALL.map(row), rows);
    }
}
