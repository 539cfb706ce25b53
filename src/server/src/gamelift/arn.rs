//! Amazon resource names: what they look like when we give them, and which thing is meant when we get them.
use super::fault::Fault;
use gsm_core::RuleSetName;

/// A kind of thing that has an ARN here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    RuleSet,
    Configuration,
}

impl Kind {
    const ALL: [Self; 2] = [Self::RuleSet, Self::Configuration];

    const fn as_str(self) -> &'static str {
        match self {
            Self::RuleSet => "matchmakingruleset",
            Self::Configuration => "matchmakingconfiguration",
        }
    }
}

/// Where the things of this server are, in the words of AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) region: String,
    pub(crate) account: String,
}

impl Place {
    /// The ARN of a thing.
    pub(crate) fn arn(&self, kind: Kind, name: &str) -> String {
        format!("arn:aws:gamelift:{}:{}:{}/{name}", self.region, self.account, kind.as_str())
    }
}

/// The name in what may be a name or an ARN, with the account or without: what follows the last `/`.
pub(crate) fn name(text: &str) -> &str {
    text.rsplit_once('/').map_or(text, |(_, name)| name)
}

/// The rule set that is meant; a text that can be no name means none.
pub(crate) fn rule_set(text: &str) -> Result<RuleSetName, Fault> {
    RuleSetName::new(name(text)).map_err(|_| Fault::not_found("there is no such rule set"))
}

/// The thing that an ARN means.
pub(crate) fn resource(arn: &str) -> Result<(Kind, &str), Fault> {
    let unknown = || Fault::not_found("there is no such resource");
    let (head, name) = arn.rsplit_once('/').ok_or_else(|| Fault::invalid("`resourceARN` is not an ARN"))?;
    if !head.starts_with("arn:") {
        return Err(Fault::invalid("`resourceARN` is not an ARN"));
    }
    let kind = head.rsplit(':').next().unwrap_or_default();
    let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or_else(unknown)?;
    Ok((kind, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_come_as_an_arn_of_any_account() {
        let place = Place { region: "eu-west-1".into(), account: "123456789012".into() };
        let arn = place.arn(Kind::RuleSet, "ladder.2");
        assert_eq!(arn, "arn:aws:gamelift:eu-west-1:123456789012:matchmakingruleset/ladder.2");
        for text in ["ladder.2", &arn, "arn:aws:gamelift:us-east-1::matchmakingruleset/ladder.2"] {
            assert_eq!(name(text), "ladder.2");
        }
        assert_eq!(resource(&arn), Ok((Kind::RuleSet, "ladder.2")));
        let fault = |text| resource(text).unwrap_err().name;
        assert_eq!(fault("ladder.2"), "InvalidRequestException");
        assert_eq!(fault("aws/ladder"), "InvalidRequestException");
        assert_eq!(fault("arn:aws:gamelift:us-east-1:0:fleet/fleet-1"), "NotFoundException");
    }
}
