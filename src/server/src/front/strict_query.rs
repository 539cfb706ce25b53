//! Query strings and path segments, decoded strictly: each escape whole, UTF-8, no NUL, each parameter once.
use super::field::{FieldFault, FieldKind, shown};
use axum::http::StatusCode;
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor, value::MapDeserializer};
use std::borrow::Cow;

/// Parameters of one query.
pub const PARAMETERS_MAX: usize = 32;

/// What is wrong with a percent-encoded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// A `%` without two hexadecimal digits behind it (400).
    #[error("a percent-escape is not whole")]
    Escape,
    /// The decoded bytes are not UTF-8 (400).
    #[error("the decoded text is not UTF-8")]
    NotUtf8,
    /// A NUL character (400).
    #[error("the decoded text holds a NUL character")]
    Nul,
    /// A path segment `.` or `..`, escaped or not: two readers of it may not agree where it leads, so it leads
    /// nowhere (404).
    #[error("the path holds a segment `.` or `..`")]
    Dots,
}

impl PathFault {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Dots => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        }
    }
    /// The stable code of the problem document.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Dots => "not_found",
            _ => "invalid_encoding",
        }
    }
    /// What was wrong.
    #[must_use]
    pub fn detail(&self) -> String {
        self.to_string()
    }
    /// What to do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Dots => "resolve the path before it is sent",
            _ => "percent-encode the UTF-8 bytes of the text (RFC 3986)",
        }
    }
}

/// Why a query is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryFault {
    /// A name or value cannot be decoded (400).
    #[error(transparent)]
    Encoding(#[from] PathFault),
    /// A piece between two `&` is not `name=value` (400).
    #[error("the query is not `name=value` pairs with `&` between them")]
    Shape,
    /// A parameter comes twice (400).
    #[error("parameter `{name}` comes twice")]
    Duplicate {
        /// The parameter, shortened.
        name: String,
    },
    /// More than [`PARAMETERS_MAX`] parameters (400).
    #[error("the query has more than {PARAMETERS_MAX} parameters")]
    TooMany,
    /// A parameter is unknown, missing, or does not fit (422).
    #[error(transparent)]
    Field(#[from] FieldFault),
}

impl QueryFault {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Field(_) => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::BAD_REQUEST,
        }
    }
    /// The stable code of the problem document.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Encoding(fault) => fault.code(),
            Self::Shape => "invalid_query",
            Self::Duplicate { .. } => "duplicate_parameter",
            Self::TooMany => "too_many_parameters",
            Self::Field(fault) => match fault.kind {
                FieldKind::Unknown => "unknown_parameter",
                FieldKind::Missing => "missing_parameter",
                FieldKind::Invalid => "invalid_parameter",
            },
        }
    }
    /// What was wrong.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Field(fault) => fault.detail.clone(),
            other => other.to_string(),
        }
    }
    /// What to do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Encoding(fault) => fault.hint(),
            Self::Shape => "write `?a=1&b=2`",
            Self::Duplicate { .. } => "send each parameter once",
            Self::TooMany => "send fewer parameters",
            Self::Field(_) => "mend the parameter; see the OpenAPI document",
        }
    }
    /// The parameter at fault, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Field(fault) => Some(&fault.path),
            Self::Duplicate { name } => Some(name),
            _ => None,
        }
    }
}

/// Reads a query string, without its `?`. A `+` is a space, as in forms.
pub fn parse<T: DeserializeOwned>(query: &str) -> Result<T, QueryFault> {
    read(pairs(query)?)
}

/// Reads a query string as two: the parameters of these names, and all others.
pub fn parse_two<A: DeserializeOwned, B: DeserializeOwned>(
    query: &str,
    names: &[&str],
) -> Result<(A, B), QueryFault> {
    let (of, others) = pairs(query)?.into_iter().partition(|(name, _)| names.contains(&&**name));
    Ok((read(of)?, read(others)?))
}

type Pairs<'a> = Vec<(Cow<'a, str>, Text<'a>)>;

fn pairs(query: &str) -> Result<Pairs<'_>, QueryFault> {
    let mut pairs = Pairs::new();
    for pair in query.split('&').filter(|_| !query.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(QueryFault::Shape)?;
        let (name, value) = (decode(name, true)?, decode(value, true)?);
        if name.is_empty() {
            return Err(QueryFault::Shape);
        }
        if pairs.len() >= PARAMETERS_MAX {
            return Err(QueryFault::TooMany);
        }
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(QueryFault::Duplicate { name: shown(&name) });
        }
        pairs.push((name, Text(value)));
    }
    Ok(pairs)
}

fn read<T: DeserializeOwned>(pairs: Pairs<'_>) -> Result<T, QueryFault> {
    serde_path_to_error::deserialize(MapDeserializer::<_, serde::de::value::Error>::new(pairs.into_iter()))
        .map_err(|error| FieldFault::new(&error.path().to_string(), &error.inner().to_string()).into())
}

/// Checks every escape of a raw path, and that no segment is `.` or `..`. Behind this check axum's own `Path`
/// extractor (which leaves broken escapes as they are) decodes rightly.
pub fn check_path(path: &str) -> Result<(), PathFault> {
    // Nearly every path is plain: one look at each byte, no second one.
    if !path.bytes().any(|b| matches!(b, b'%' | b'.')) {
        return Ok(());
    }
    path.split('/').try_for_each(|segment| match &*decode(segment, false)? {
        "." | ".." => Err(PathFault::Dots),
        _ => Ok(()),
    })
}

/// A part of a path as handlers read it; `None` where its encoding is broken.
#[must_use]
pub fn segment(text: &str) -> Option<Cow<'_, str>> {
    decode(text, false).ok()
}

/// A raw path with its escapes decoded, slashes included: for whoever compares it, not for who walks it.
pub fn decoded_path(path: &str) -> Result<Cow<'_, str>, PathFault> {
    decode(path, false)
}

fn decode(text: &str, form: bool) -> Result<Cow<'_, str>, PathFault> {
    let encoded = text.bytes().any(|b| b == b'%' || (form && b == b'+'));
    let decoded = if encoded { Cow::Owned(unescape(text, form)?) } else { Cow::Borrowed(text) };
    if decoded.contains('\0') { Err(PathFault::Nul) } else { Ok(decoded) }
}

fn unescape(text: &str, form: bool) -> Result<String, PathFault> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    let hex = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16)).ok_or(PathFault::Escape);
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let (high, low) = (hex(bytes.next())?, hex(bytes.next())?);
                out.push((high << 4 | low) as u8);
            }
            b'+' if form => out.push(b' '),
            other => out.push(other),
        }
    }
    String::from_utf8(out).map_err(|_| PathFault::NotUtf8)
}

/// A parameter's text, read as what the field wants.
struct Text<'a>(Cow<'a, str>);

type Error = serde::de::value::Error;

impl Text<'_> {
    fn number<N: std::str::FromStr>(&self, what: &str) -> Result<N, Error> {
        let plain = self.0.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let number = if plain { self.0.parse().ok() } else { None };
        number.ok_or_else(|| serde::de::Error::custom(format_args!("`{}` is not {what}", shown(&self.0))))
    }
}

impl<'de, 'a: 'de> IntoDeserializer<'de, Error> for Text<'a> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $what:literal)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.number($what)?)
        })*
    };
}

impl<'de, 'a: 'de> Deserializer<'de> for Text<'a> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &*self.0 {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            other => Err(serde::de::Error::custom(format_args!("`{}` is not true or false", shown(other)))),
        }
    }
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let number: f64 = self.number("a number")?;
        if number.is_finite() {
            visitor.visit_f64(number)
        } else {
            Err(serde::de::Error::custom("the number is too large"))
        }
    }
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let text: serde::de::value::StringDeserializer<Error> = self.0.into_owned().into_deserializer();
        visitor.visit_enum(text)
    }
    numbers! {
        deserialize_u8 visit_u8 "a whole number from 0 to 255"
        deserialize_u16 visit_u16 "a whole number from 0 to 65535"
        deserialize_u32 visit_u32 "a whole number that is not negative and not too large"
        deserialize_u64 visit_u64 "a whole number that is not negative and not too large"
        deserialize_i8 visit_i8 "a whole number that is not too large"
        deserialize_i16 visit_i16 "a whole number that is not too large"
        deserialize_i32 visit_i32 "a whole number that is not too large"
        deserialize_i64 visit_i64 "a whole number that is not too large"
    }
    serde::forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
#[path = "strict_query_tests.rs"]
mod tests;
