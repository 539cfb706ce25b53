//! JSON bodies, read strictly: one document, in UTF-8, within named limits, each key once, and then each field known.
//!
//! Faults of the text are 400 with line and column, faults of the content are 422 with the path of the field.
mod body;
mod objects;
mod scan;

pub use body::{check_coding, check_headers, forget, read, read_in_turn};

use super::WireFault;
use super::field::FieldFault;
use axum::http::StatusCode;
use serde::de::{DeserializeOwned, DeserializeSeed};
use serde_json::Value;
use serde_path_to_error::{Deserializer, Track};
use std::marker::PhantomData;

/// What a JSON body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonLimits {
    /// The one media type taken.
    pub media_type: &'static str,
    /// Bytes of the body.
    pub bytes_max: usize,
    /// Arrays and objects inside each other.
    pub depth_max: usize,
    /// Members and elements in the whole document.
    pub members_max: usize,
    /// Characters of one number.
    pub number_chars_max: usize,
}

impl JsonLimits {
    /// The limits of the native face.
    pub const NATIVE: Self = Self {
        media_type: "application/json",
        bytes_max: 64 * 1024,
        depth_max: 32,
        members_max: 1_000,
        number_chars_max: 64,
    };
    /// The limits of calls that carry a thousand of something.
    pub const BULK: Self = Self { bytes_max: 1024 * 1024, members_max: 20_000, ..Self::NATIVE };
    /// The limits of calls that carry a rule set. Its text has a limit of its own, which is told by who reads it: bytes are enough
    /// for as many characters, however they are written, and members are more than they can be.
    pub const RULE_SET: Self = Self { bytes_max: 512 * 1024, members_max: 33_000, ..Self::NATIVE };
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self::NATIVE
    }
}

/// Why a JSON body is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// The Content-Type is absent or another (415).
    #[error("the Content-Type is not `{expected}`")]
    MediaType {
        /// The one that is taken.
        expected: &'static str,
    },
    /// There is a Content-Encoding (415).
    #[error("a Content-Encoding is not served")]
    Encoding,
    /// The body is too long (413).
    #[error("the body is longer than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// There is no body (400).
    #[error("the body is empty")]
    Empty,
    /// The text is not JSON (400).
    #[error("{why} at line {line} column {column}")]
    Syntax {
        /// The rule that is broken.
        why: &'static str,
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// A number that is too long or not finite as a 64-bit float (400).
    #[error("a number is too long or too large at line {line} column {column}")]
    Number {
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// An object has one key twice (400).
    #[error("key `{key}` comes twice in one object, again at line {line} column {column}")]
    DuplicateKey {
        /// The key, shortened.
        key: String,
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// Arrays and objects go too deep (400).
    #[error("arrays and objects go deeper than {depth_max}")]
    TooDeep {
        /// The limit.
        depth_max: usize,
    },
    /// Too many members and elements (400).
    #[error("the document has more than {members_max} members and elements")]
    TooManyMembers {
        /// The limit.
        members_max: usize,
    },
    /// A field does not fit (422).
    #[error(transparent)]
    Field(#[from] FieldFault),
    /// The body broke the framing or came too slowly (400, 408).
    #[error(transparent)]
    Wire(#[from] WireFault),
    /// The connection ended inside the body (400).
    #[error("the body ends before its length")]
    CutOff,
}

impl JsonFault {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::MediaType { .. } | Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Field(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Wire(fault) => fault.status(),
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The stable code of the problem document.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MediaType { .. } => "unsupported_media_type",
            Self::Encoding => "unsupported_content_encoding",
            Self::TooLarge { .. } => "body_too_large",
            Self::Empty => "body_empty",
            Self::Syntax { .. } => "invalid_json",
            Self::Number { .. } => "json_number_out_of_range",
            Self::DuplicateKey { .. } => "json_duplicate_key",
            Self::TooDeep { .. } => "json_too_deep",
            Self::TooManyMembers { .. } => "json_too_many_members",
            Self::Field(fault) => fault.code(),
            Self::Wire(fault) => fault.code(),
            Self::CutOff => "body_cut_off",
        }
    }

    /// What was wrong. Holds no more of the client's text than a bounded, escaped piece.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Field(fault) => fault.detail.clone(),
            Self::Wire(fault) => fault.detail().to_owned(),
            other => other.to_string(),
        }
    }

    /// What to do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::MediaType { .. } => "name the media type; the only parameter taken is `charset=utf-8`",
            Self::Encoding => "send the body as it is, without Content-Encoding",
            Self::TooLarge { .. } | Self::TooManyMembers { .. } => "send less in one request",
            Self::Empty => "send one JSON document",
            Self::Syntax { .. } => {
                "send one JSON document in UTF-8 (RFC 8259), with nothing before or behind it"
            }
            Self::Number { .. } => "send a finite number with fewer digits",
            Self::DuplicateKey { .. } => "send each key once",
            Self::TooDeep { .. } => "send a flatter document",
            Self::Field(fault) => fault.hint(),
            Self::Wire(fault) => fault.hint(),
            Self::CutOff => "send the whole body",
        }
    }

    /// The field at fault (`players[0].id`), if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Field(fault) => Some(&fault.path),
            _ => None,
        }
    }
}

/// Reads one document. `T` should `deny_unknown_fields`. Cost: one pass that builds nothing, then serde's.
///
/// serde reads a struct from an array of its fields as well; here only an object will do. NUL characters written as an escape are left to the types of the fields.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], limits: &JsonLimits) -> Result<T, JsonFault> {
    parse_by(PhantomData, bytes, limits)
}

/// The same by a seed, which sees the document as it is read.
pub fn parse_by<S: for<'de> DeserializeSeed<'de, Value = T>, T>(
    seed: S,
    bytes: &[u8],
    limits: &JsonLimits,
) -> Result<T, JsonFault> {
    if bytes.len() > limits.bytes_max {
        return Err(JsonFault::TooLarge { bytes_max: limits.bytes_max });
    }
    if bytes.is_empty() {
        return Err(JsonFault::Empty);
    }
    scan::check(bytes, limits)?;
    let mut document = serde_json::Deserializer::from_slice(bytes);
    let mut track = Track::new();
    let read = seed.deserialize(Deserializer::new(objects::Named(&mut document), &mut track));
    read.map_err(|error| FieldFault::new(&track.path().to_string(), &error.to_string()).into())
}

/// Reads what was read from a document already.
///
/// # Errors
/// A field that does not fit.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, FieldFault> {
    serde_path_to_error::deserialize(objects::Named(value))
        .map_err(|error| FieldFault::new(&error.path().to_string(), &error.inner().to_string()))
}

#[cfg(test)]
mod tests;
