//! Large JSON: its matches one after another, each forgotten before the next is read.
use super::{body::Body, people::unread};
use crate::{
    front::{
        field::FieldFault,
        strict_json::{self, JsonFault, JsonLimits},
    },
    problem::ApiError,
};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::{cell::Cell, fmt};

/// Members and elements that one match may have.
const MATCH_MEMBERS_MAX: u32 = 20_000;

/// What is done with a match; its path is told for faults.
pub(super) type Taken<'a> = dyn FnMut(Body, &str) -> Result<(), ApiError> + 'a;

/// A body as one match.
pub(super) fn one(bytes: &[u8], limits: &JsonLimits) -> Result<Body, JsonFault> {
    body(strict_json::parse_by(Few(&Cell::new(MATCH_MEMBERS_MAX)), bytes, limits)?, "")
}

/// Each match of a list.
pub(super) fn list(bytes: &[u8], limits: &JsonLimits, take: &mut Taken<'_>) -> Result<(), ApiError> {
    let mut fault = None;
    let read = strict_json::parse_by(Each { take, path: "", fault: &mut fault }, bytes, limits);
    fault.map_or_else(|| read.map_err(unread), Err)
}

/// Each match of an object with `instances`, or the one match that it is; whether it has instances.
pub(super) fn object(bytes: &[u8], limits: &JsonLimits, take: &mut Taken<'_>) -> Result<bool, ApiError> {
    let mut fault = None;
    let seed = Envelope { take, fault: &mut fault };
    let read = strict_json::parse_by(seed, bytes, limits);
    let (rest, has_instances) = fault.map_or_else(|| read.map_err(unread), Err)?;
    let rest = body(Value::Object(rest), "").map_err(unread)?;
    if has_instances {
        rest.check_around()?
    } else {
        take(rest, "")?
    }
    Ok(has_instances)
}

/// A match from its value; `path` is where it stands.
fn body(value: Value, path: &str) -> Result<Body, JsonFault> {
    strict_json::from_value(value).map_err(|fault| {
        let inner = fault.path.as_str();
        let joint = if path.is_empty() || inner.is_empty() { "" } else { "." };
        JsonFault::Field(FieldFault { path: format!("{path}{joint}{inner}"), ..fault })
    })
}

/// Any value with so many parts at most, which are counted down.
struct Few<'a>(&'a Cell<u32>);

impl<'de> DeserializeSeed<'de> for Few<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        let left = self.0.get().checked_sub(1);
        self.0.set(left.ok_or_else(|| {
            D::Error::custom(format!("a match has more than {MATCH_MEMBERS_MAX} members and elements"))
        })?);
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Few<'_> {
    type Value = Value;
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a match")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(Few(self.0))? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            all.insert(name, members.next_value_seed(Few(self.0))?);
        }
        Ok(Value::Object(all))
    }
}

/// The matches of a list, taken as they are read. What `take` refuses ends it, and is `fault`.
struct Each<'a, 't> {
    take: &'a mut Taken<'t>,
    path: &'static str,
    fault: &'a mut Option<ApiError>,
}

impl<'de> DeserializeSeed<'de> for Each<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Each<'_, '_> {
    type Value = ();
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of matches")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        for nth in 0_usize.. {
            let Some(value) = items.next_element_seed(Few(&Cell::new(MATCH_MEMBERS_MAX)))? else { break };
            let path = format!("{}[{nth}]", self.path);
            let read = body(value, &path).map_err(unread);
            if let Err(error) = read.and_then(|body| (self.take)(body, &format!("{path}."))) {
                *self.fault = Some(error);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

/// An object: its instances are taken, the rest is told.
struct Envelope<'a, 't> {
    take: &'a mut Taken<'t>,
    fault: &'a mut Option<ApiError>,
}

impl<'de> DeserializeSeed<'de> for Envelope<'_, '_> {
    type Value = (Map<String, Value>, bool);
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Envelope<'_, '_> {
    type Value = (Map<String, Value>, bool);
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let (mut rest, mut has_instances, left) = (Map::new(), false, Cell::new(MATCH_MEMBERS_MAX));
        while let Some(name) = members.next_key::<String>()? {
            if name == "instances" {
                let each = Each { take: &mut *self.take, path: "instances", fault: &mut *self.fault };
                members.next_value_seed(each)?;
                has_instances = true;
            } else {
                rest.insert(name, members.next_value_seed(Few(&left))?);
            }
        }
        Ok((rest, has_instances))
    }
}
