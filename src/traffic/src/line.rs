//! A line of a recording: JSON, one object each.
use gsm_rules::{Member, Value};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{collections::BTreeMap, fmt, marker::PhantomData};

/// The version of the lines.
pub const VERSION: u32 = 1;

/// One line. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// The first of each file, and of each run of the server that goes on in one.
    Recording {
        /// [`VERSION`].
        version: u32,
        /// When it was written.
        at_ms: i64,
        /// Whether the server was: ids are hashed under another key from here on, and what waits comes again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        start: bool,
    },
    /// A ticket began to wait.
    Arrived {
        /// When.
        at_ms: i64,
        /// Which: a hash under a key that the recording does not have.
        ticket: String,
        /// The queue.
        queue: String,
        /// Its players, in the order of the ticket.
        players: Vec<Player>,
    },
    /// It is in a match that its players have to accept.
    Proposed {
        /// When.
        at_ms: i64,
        /// Which.
        ticket: String,
    },
    /// It ended.
    Ended {
        /// When.
        at_ms: i64,
        /// Which.
        ticket: String,
        /// How.
        outcome: Outcome,
    },
}

/// A player of a recorded ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Player {
    /// Who: a hash under a key that the recording does not have.
    pub player: String,
    /// The hash of a name by which lists of others may name him as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// What he brought.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "attributes")]
    pub attributes: BTreeMap<String, Plain>,
    /// Latency to each location in milliseconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "latencies")]
    pub latency_ms: BTreeMap<String, u32>,
}

/// An attribute's value in plain JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Plain {
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// A list of strings.
    List(Vec<String>),
    /// Numbers by name.
    Map(BTreeMap<String, f64>),
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ReadPlain)
    }
}

struct ReadPlain;

impl<'de> de::Visitor<'de> for ReadPlain {
    type Value = Plain;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a number, a string, a list of strings or an object of numbers")
    }
    fn visit_i64<E>(self, number: i64) -> Result<Plain, E> {
        Ok(Plain::Number(number as f64))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Plain, E> {
        Ok(Plain::Number(number as f64))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Plain, E> {
        Ok(Plain::Number(number))
    }
    fn visit_str<E>(self, text: &str) -> Result<Plain, E> {
        Ok(Plain::Text(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Plain, E> {
        Ok(Plain::Text(text))
    }
    fn visit_seq<A: de::SeqAccess<'de>>(self, items: A) -> Result<Plain, A::Error> {
        Deserialize::deserialize(de::value::SeqAccessDeserializer::new(items)).map(Plain::List)
    }
    fn visit_map<A: de::MapAccess<'de>>(self, entries: A) -> Result<Plain, A::Error> {
        Named { what: "entry", of: PhantomData }.visit_map(entries).map(Plain::Map)
    }
}

fn attributes<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Plain>, D::Error> {
    from.deserialize_map(Named { what: "attribute", of: PhantomData })
}

fn latencies<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, u32>, D::Error> {
    from.deserialize_map(Named { what: "latency", of: PhantomData })
}

/// An object whose members are named in what is wrong with them.
struct Named<T> {
    what: &'static str,
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Named<T> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }
    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut all = BTreeMap::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value();
            let value =
                value.map_err(|error| de::Error::custom(format_args!("{} `{name}`: {error}", self.what)))?;
            all.insert(name, value);
        }
        Ok(all)
    }
}

/// What is wrong with a line, without names of the program's types.
pub(crate) fn plainly(error: &serde_json::Error) -> String {
    let (text, column) = (error.to_string(), error.column());
    let text = text.strip_suffix(&format!(" at line {} column {column}", error.line())).unwrap_or(&text);
    let text = match text.rsplit_once("expected ") {
        Some((found, expected)) => {
            let expected = match expected {
                "i64" => "a whole number",
                "u32" => "a whole number from 0 to 4294967295",
                "f64" => "a number",
                "a boolean" => "true or false",
                "a sequence" => "a list",
                "a map" | "struct Player" | "internally tagged enum Line" => "an object",
                other => other,
            };
            format!("{found}expected {expected}")
        }
        None => text.to_owned(),
    };
    // Of a member that does not fit no more is known than its object.
    if error.is_data() { text } else { format!("{text} at column {column}") }
}

/// How a recorded ticket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its match began.
    Matched,
    /// Its time was up.
    TimedOut,
    /// A player, or who queued him, took it out.
    Cancelled,
    /// A player declined a proposal.
    Declined,
    /// A player did not answer a proposal.
    Ignored,
    /// The server ended it.
    Failed,
}

impl From<Plain> for Value {
    fn from(plain: Plain) -> Self {
        match plain {
            Plain::Number(number) => Self::Number(number),
            Plain::Text(text) => Self::Text(text),
            Plain::List(list) => Self::List(list),
            Plain::Map(map) => Self::Map(map),
        }
    }
}

impl From<Value> for Plain {
    fn from(value: Value) -> Self {
        match value {
            Value::Number(number) => Self::Number(number),
            Value::Text(text) => Self::Text(text),
            Value::List(list) => Self::List(list),
            Value::Map(map) => Self::Map(map),
        }
    }
}

impl From<Player> for Member {
    fn from(player: Player) -> Self {
        let attributes = player.attributes.into_iter().map(|(name, value)| (name, value.into()));
        Self {
            player: player.player,
            alias: player.alias,
            attributes: attributes.collect(),
            latency_ms: player.latency_ms,
            ..Self::default()
        }
    }
}
