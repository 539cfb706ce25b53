use std::{fmt, str::FromStr};

/// Characters of a header's name.
const HEADER_CHARS_MAX: usize = 64;

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
