//! Pages: a token names the last thing that was shown, so that it stays good when others come and go.
use super::fault::Fault;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// What a token goes on in; one of another list is none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    RuleSets = 2,
    Configurations = 3,
}

/// The token behind the thing of this name.
pub(crate) fn token(list: List, last: &str) -> String {
    let mut bytes = vec![list as u8];
    bytes.extend_from_slice(last.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The name behind which a token goes on.
pub(crate) fn last<T: std::str::FromStr>(list: List, token: &str) -> Result<T, Fault> {
    let bad = || Fault::invalid("`nextToken` is not one that this list gave");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad())?;
    let name =
        bytes.split_first().filter(|(of, _)| **of == list as u8).map(|(_, name)| name).ok_or_else(bad)?;
    std::str::from_utf8(name).ok().and_then(|name| name.parse().ok()).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::RuleSetName;

    #[test]
    fn a_token_is_read_back_and_nothing_else_is() {
        let name = RuleSetName::new("a.b-c").unwrap();
        let given = token(List::RuleSets, name.as_str());
        assert_eq!(last(List::RuleSets, &given), Ok(name));
        let other = last::<RuleSetName>(List::Configurations, &given);
        assert_eq!(other.unwrap_err().name, "InvalidRequestException");
        for bad in ["", "x", "!", &URL_SAFE_NO_PAD.encode("\u{2}a b"), &URL_SAFE_NO_PAD.encode("\u{4}a")] {
            assert_eq!(
                last::<RuleSetName>(List::RuleSets, bad).unwrap_err().name,
                "InvalidRequestException",
                "{bad}"
            );
        }
    }
}
