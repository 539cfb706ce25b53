//! AWS JSON 1.1: the tree as JSON.
use super::{protocol::DEPTH_MAX, tree::Tree};
use serde::{
    Serialize, Serializer,
    de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor},
    ser::{SerializeMap as _, SerializeSeq as _},
};
use std::{collections::BTreeMap, fmt};

/// Reads one JSON document; of repeated keys the last one counts.
pub(super) fn read(bytes: &[u8]) -> Result<Tree, String> {
    let mut document = serde_json::Deserializer::from_slice(bytes);
    let tree = At(0).deserialize(&mut document).and_then(|tree| document.end().map(|()| tree));
    tree.map_err(|error| error.to_string())
}

pub(super) fn write(tree: &Tree) -> Vec<u8> {
    serde_json::to_vec(tree).unwrap_or_default()
}

/// Reads a value that lies so deep.
struct At(usize);

impl<'de> DeserializeSeed<'de> for At {
    type Value = Tree;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        from.deserialize_any(self)
    }
}

impl At {
    fn below<E: Error>(&self) -> Result<Self, E> {
        if self.0 >= DEPTH_MAX {
            return Err(E::custom(format_args!("nested deeper than {DEPTH_MAX}")));
        }
        Ok(Self(self.0 + 1))
    }
}

impl<'de> Visitor<'de> for At {
    type Value = Tree;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }
    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }
    fn visit_bool<E: Error>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Flag(flag))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Integer(number))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Tree, E> {
        Ok(i64::try_from(number).map_or(Tree::Float(number as f64), Tree::Integer))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Tree, E> {
        Ok(Tree::Float(number))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }
    fn visit_string<E: Error>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(self.below()?)? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = from.next_key::<String>()? {
            match from.next_value_seed(self.below()?)? {
                Tree::Null => members.remove(&name),
                value => members.insert(name, value),
            };
        }
        Ok(Tree::Members(members))
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Flag(flag) => to.serialize_bool(*flag),
            Self::Integer(number) => to.serialize_i64(*number),
            Self::Float(number) => to.serialize_f64(*number),
            Self::Text(text) => to.serialize_str(text),
            Self::Blob(bytes) => {
                use base64::{Engine as _, engine::general_purpose::STANDARD};
                to.serialize_str(&STANDARD.encode(bytes))
            }
            // Seconds, with milliseconds behind the point.
            Self::Time(at) => to.serialize_f64(at.as_millis() as f64 / 1_000.0),
            Self::List(items) => {
                let mut list = to.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Members(members) => {
                let mut map = to.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_core::Timestamp;

    #[test]
    fn null_is_absent_and_numbers_keep_their_kind() {
        let tree =
            read(br#"{"a":null,"b":[1,2.0,null,18446744073709551615],"c":{"d":"x","d":null}}"#).unwrap();
        assert_eq!(tree.get("a"), None);
        let numbers =
            [Tree::Integer(1), Tree::Float(2.0), Tree::Null, Tree::Float(18_446_744_073_709_551_615.0)];
        assert_eq!(tree.items("b"), numbers);
        assert_eq!(tree.get("c"), Some(&Tree::empty()), "the last of a repeated key counts");
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for bad in ["", "{", "{} {}", "{\"a\":NaN}", "{\"a\":1e999}", "\u{feff}{}"] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(read(deep(DEPTH_MAX).as_bytes()).is_ok());
        assert!(read(deep(DEPTH_MAX + 1).as_bytes()).unwrap_err().contains("nested deeper"));
    }

    #[test]
    fn times_are_seconds_with_milliseconds() {
        let at = |ms| String::from_utf8(write(&Tree::Time(Timestamp::from_millis(ms)))).unwrap();
        assert_eq!((at(1_469_498_468_057), at(2_000)), ("1469498468.057".into(), "2.0".into()));
    }
}
