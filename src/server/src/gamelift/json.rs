//! AWS JSON 1.1: the tree as JSON.
use super::{protocol::DEPTH_MAX, shape::Known, tree::Tree};
use serde::{
    Serialize, Serializer,
    de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
    ser::{SerializeMap as _, SerializeSeq as _},
};
use std::{collections::BTreeMap, fmt};

/// Reads what is known of one JSON document; of repeated keys the last one counts.
pub(super) fn read(bytes: &[u8], known: Known) -> Result<Tree, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("the body is no UTF-8: {error}"))?;
    check_depth(text)?;
    let mut document = serde_json::Deserializer::from_str(text);
    let tree = Reading(known).deserialize(&mut document).and_then(|tree| document.end().map(|()| tree));
    tree.map_err(|error| error.to_string())
}

/// Refuses what lies too deep, also where it is not known: who passes over a value does not count.
fn check_depth(text: &str) -> Result<(), String> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(format!("lists and structures are nested deeper than {DEPTH_MAX}"));
        }
    }
    Ok(())
}

pub(super) fn write(tree: &Tree) -> Vec<u8> {
    serde_json::to_vec(tree).unwrap_or_default()
}

/// Reads a value of which so much is known.
struct Reading(Known);

impl<'de> DeserializeSeed<'de> for Reading {
    type Value = Tree;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading {
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
        let Some(known) = self.0.item() else {
            while from.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Tree::List(items));
        };
        while let Some(item) = from.next_element_seed(Self(known))? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = from.next_key::<String>()? {
            let Some(known) = self.0.member(&name) else {
                from.next_value::<IgnoredAny>()?;
                continue;
            };
            match from.next_value_seed(Self(known))? {
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
    use crate::gamelift::shapes::{DESCRIBE_RULE_SETS, START_MATCHMAKING};
    use gsm_core::Timestamp;

    fn read(bytes: &[u8]) -> Result<Tree, String> {
        super::read(bytes, Known::All)
    }

    #[test]
    fn what_is_not_known_is_passed_over_where_it_is_json() {
        let known = Known::Members(DESCRIBE_RULE_SETS);
        let with = |new: &str| super::read(format!(r#"{{"New":{new},"Limit":2}}"#).as_bytes(), known);
        let digits = "9".repeat(1_000);
        for new in ["1e400", "[-1e400]", &digits, r#"{"a":[{"b":1e999}]}"#, r#""\"[[[[""#, "null"] {
            assert_eq!(with(new), Ok(Tree::empty().with("Limit", Tree::Integer(2))), "{new}");
        }
        for new in ["01", "1e", "[1,]", "nul", r#""\x""#, "{1:2}", &"[".repeat(50)] {
            assert!(with(new).is_err(), "{new}");
        }
        let deep = |n: usize| with(&format!("{}{}", "[".repeat(n), "]".repeat(n)));
        assert!(deep(DEPTH_MAX - 1).is_ok());
        assert!(deep(DEPTH_MAX).unwrap_err().contains("nested deeper"));
        // So it is within what is known, and a number that is none is told where one is wanted.
        let player = br#"{"Players":[{"PlayerAttributes":{"a":{"N":1,"X":1e400}},"Y":[1e400]}]}"#;
        let read = super::read(player, Known::Members(START_MATCHMAKING)).unwrap();
        let attribute = Tree::empty().with("N", Tree::Integer(1));
        let player = Tree::empty().with("PlayerAttributes", Tree::empty().with("a", attribute));
        assert_eq!(read.items("Players"), [player]);
        assert!(super::read(br#"{"Limit":1e400}"#, known).is_err());
    }

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
