//! Pages: a token names the last thing that was shown, so that it stays good when others come and go. It is signed under
//! the master key, so that it outlives a restart and none is taken that no page gave.
use super::fault::Fault;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// What a token goes on in; one of another list is none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    RuleSets = 2,
    Configurations = 3,
}

/// Bytes of a token's signature.
const SIGNATURE_BYTES: usize = 16;

/// Keyed BLAKE3.
fn signature(key: &[u8; 32], named: &[u8]) -> [u8; SIGNATURE_BYTES] {
    let mut bits = [0; SIGNATURE_BYTES];
    blake3::Hasher::new_keyed(key).update(named).finalize_xof().fill(&mut bits);
    bits
}

/// The token behind the thing of this name.
pub(crate) fn token(key: &[u8; 32], list: List, last: &str) -> String {
    let named = [&[list as u8], last.as_bytes()].concat();
    URL_SAFE_NO_PAD.encode([&signature(key, &named)[..], &named].concat())
}

/// The name behind which a token goes on, whichever of the keys signed it.
pub(crate) fn last<'a, T: std::str::FromStr>(
    keys: impl IntoIterator<Item = &'a [u8; 32]>,
    list: List,
    token: &str,
) -> Result<T, Fault> {
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signed, named) = bytes.split_at_checked(SIGNATURE_BYTES)?;
        let is_by = |key| verify_slices_are_equal(signed, &signature(key, named)).is_ok();
        keys.into_iter().any(is_by).then_some(())?;
        let (_, name) = named.split_first().filter(|(of, _)| **of == list as u8)?;
        std::str::from_utf8(name).ok()?.parse().ok()
    };
    read().ok_or_else(|| Fault::invalid("`nextToken` is not one that this list gave"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::RuleSetName;

    #[test]
    fn a_token_is_read_back_and_nothing_else_is() {
        let (key, name) = ([7; 32], RuleSetName::new("a.b-c").unwrap());
        let given = token(&key, List::RuleSets, name.as_str());
        assert_eq!(last([&key], List::RuleSets, &given), Ok(name.clone()));
        assert_eq!(last([&[8; 32], &key], List::RuleSets, &given), Ok(name), "a key of before");
        let refused = |key: &[u8; 32], list, token: &str| {
            let fault = last::<RuleSetName>([key], list, token).unwrap_err();
            assert_eq!(fault.name, "InvalidRequestException", "{token}");
        };
        refused(&key, List::Configurations, &given);
        refused(&[8; 32], List::RuleSets, &given);
        for bad in ["", "x", "!", &URL_SAFE_NO_PAD.encode("\u{2}a"), &given[1..], &format!("{given}AA")] {
            refused(&key, List::RuleSets, bad);
        }
        refused(&key, List::RuleSets, &token(&key, List::RuleSets, "a b"));
        let bytes = URL_SAFE_NO_PAD.decode(given).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            refused(&key, List::RuleSets, &URL_SAFE_NO_PAD.encode(changed));
        }
    }
}
