//! Pages: a token names the last thing that was shown, so that it stays good when others come and go.
use super::fault::Fault;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Marks our tokens, and what they look like.
const VERSION: u8 = 1;

/// The token behind the thing of this name.
pub(crate) fn token(last: &str) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(last.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The name behind which a token goes on.
pub(crate) fn last<T: std::str::FromStr>(token: &str) -> Result<T, Fault> {
    let bad = || Fault::invalid("`nextToken` is not one that was given here");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad())?;
    let Some((&VERSION, name)) = bytes.split_first() else { return Err(bad()) };
    std::str::from_utf8(name).ok().and_then(|name| name.parse().ok()).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::RuleSetName;

    #[test]
    fn a_token_is_read_back_and_nothing_else_is() {
        let name = RuleSetName::new("a.b-c").unwrap();
        assert_eq!(last(&token(name.as_str())), Ok(name));
        for bad in ["", "x", "!", &URL_SAFE_NO_PAD.encode("\u{1}a b"), &URL_SAFE_NO_PAD.encode("\u{2}a")] {
            assert_eq!(last::<RuleSetName>(bad).unwrap_err().name, "InvalidRequestException", "{bad}");
        }
    }
}
