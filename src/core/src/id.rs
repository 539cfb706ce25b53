use std::{fmt, str::FromStr};

/// Makes ids. Production draws them from the system's randomness, tests from a seed.
pub trait IdSource: Send + Sync {
    /// 128 bits that no two calls share, and that nobody can guess.
    fn next_u128(&self) -> u128;
}

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form `{prefix}-` and 32 lower-case hex digits")]
pub struct ParseIdError {
    text: String,
    prefix: &'static str,
}

fn parse(prefix: &'static str, text: &str) -> Result<u128, ParseIdError> {
    let bad = || ParseIdError { text: text.chars().take(64).collect(), prefix };
    let hex = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-')).ok_or_else(bad)?;
    let plain = hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if plain { u128::from_str_radix(hex, 16).map_err(|_| bad()) } else { Err(bad()) }
}

/// A prefix of three letters, a hyphen and 32 digits, without the formatting machinery: ids are most of what answers hold.
fn text(prefix: &str, bits: u128) -> [u8; 36] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    for (place, byte) in text.iter_mut().zip(prefix.bytes().take(3)) {
        *place = byte;
    }
    let bytes = bits.to_be_bytes();
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    for (place, digit) in text.iter_mut().skip(4).zip(digits) {
        *place = DIGITS.get(usize::from(digit)).copied().unwrap_or(b'0');
    }
    text
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// The text before the hyphen.
            pub const PREFIX: &'static str = $prefix;
            /// Wraps raw bits.
            #[must_use]
            pub const fn from_u128(bits: u128) -> Self { Self(bits) }
            /// The raw bits.
            #[must_use]
            pub const fn as_u128(self) -> u128 { self.0 }
            /// A fresh id.
            #[must_use]
            pub fn fresh(ids: &dyn IdSource) -> Self { Self(ids.next_u128()) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(std::str::from_utf8(&text($prefix, self.0)).unwrap_or_default())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> { parse($prefix, text).map(Self) }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() {
                    s.serialize_str(std::str::from_utf8(&text($prefix, self.0)).unwrap_or_default())
                } else { s.serialize_bytes(&self.0.to_be_bytes()) }
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct V;
                impl serde::de::Visitor<'_> for V {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        write!(f, "an id `{}-` and 32 hex digits", $prefix)
                    }
                    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<$name, E> {
                        v.parse().map_err(E::custom)
                    }
                    fn visit_bytes<E: serde::de::Error>(self, v: &[u8]) -> Result<$name, E> {
                        let raw = <[u8; 16]>::try_from(v).map_err(|_| E::custom("an id has 16 bytes"))?;
                        Ok($name(u128::from_be_bytes(raw)))
                    }
                }
                if d.is_human_readable() { d.deserialize_str(V) } else { d.deserialize_bytes(V) }
            }
        }
    };
}

id!(/** A player, by the random id that ratings, results and the audit log hold. */ PlayerId, "plr");
id!(/** A matchmaking request of one party. */ TicketId, "tkt");
id!(/** A potential match before all have accepted. */ ProposalId, "prp");
id!(/** A match, from its forming to its result. */ MatchId, "mch");
id!(/** One player's event in the push stream. */ EventId, "evt");
id!(/** An API key (its public part). */ KeyId, "key");
id!(/** A rating set by hand. */ AdjustmentId, "adj");
id!(/** A piece of work on many rows of one mode, done as one. */ JobId, "job");
id!(/** One change set, repeated under the same key until its fate is known. */ CommitKey, "cmt");

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, ok: bool) {
        assert_eq!(text.parse::<TicketId>().is_ok(), ok, "{text}");
    }

    #[test]
    fn only_the_printed_form_parses() {
        check(&TicketId::from_u128(u128::MAX).to_string(), true);
        check("tkt-0000000000000000000000000000000A", false);
        check("plr-00000000000000000000000000000001", false);
        check("tkt-+0000000000000000000000000000001", false);
        check("tkt-1", false);
        check("", false);
        check("tkt-000000000000000000000000000000001", false);
        check("tkt-0000000000000000000000000000000\u{661}", false);
    }

    #[test]
    fn a_refusal_quotes_no_more_than_64_characters() {
        let refused = "é".repeat(1_000).parse::<PlayerId>().unwrap_err().to_string();
        assert_eq!(refused.matches('é').count(), 64);
    }

    proptest::proptest! {
        #[test]
        fn what_is_printed_parses_back_and_sorts_alike(a: u128, b: u128) {
            use serde::{Deserialize, de::{IntoDeserializer, value::Error}};
            let [a, b] = [a, b].map(EventId::from_u128);
            proptest::prop_assert_eq!(a.to_string().parse::<EventId>(), Ok(a));
            proptest::prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
            let text: Result<_, Error> = EventId::deserialize(a.to_string().as_str().into_deserializer());
            proptest::prop_assert_eq!(text, Ok(a));
        }
    }
}
