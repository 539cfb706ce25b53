//! Smithy RPC v2 CBOR: the tree as CBOR (RFC 8949).
use super::{protocol::DEPTH_MAX, shape::Known, tree::Tree};
use ciborium::Value;
use gsm_core::Timestamp;
use std::collections::BTreeMap;

/// The tag of times: seconds since 1970.
const EPOCH_TAG: u64 = 1;
/// The farthest seconds from 1970 that a time may have: year 9999.
const SECONDS_ABS_MAX: f64 = 253_402_300_800.0;

fn unread<E>(error: &ciborium::de::Error<E>) -> String {
    use ciborium::de::Error;
    match error {
        Error::Io(_) => "the body ends within a CBOR item".to_owned(),
        Error::Syntax(at) => format!("the body is no CBOR at byte {at}"),
        Error::Semantic(Some(at), detail) => format!("the body is no CBOR at byte {at}: {detail}"),
        Error::Semantic(None, detail) => format!("the body is no CBOR: {detail}"),
        Error::RecursionLimitExceeded => {
            format!("lists and structures lie deeper than {DEPTH_MAX} within each other")
        }
    }
}

/// Reads what is known of one CBOR item, of definite or indefinite lengths; of repeated keys the last one counts. No bytes at all say
/// an empty input.
pub(super) fn read(bytes: &[u8], known: Known) -> Result<Tree, String> {
    if bytes.is_empty() {
        return Ok(Tree::empty());
    }
    let mut rest = bytes;
    // A tag counts as a level, so there is one for the innermost.
    let value: Value = ciborium::de::from_reader_with_recursion_limit(&mut rest, DEPTH_MAX + 2)
        .map_err(|error| unread(&error))?;
    if !rest.is_empty() {
        return Err(format!("{} bytes behind the item", rest.len()));
    }
    tree(value, known)
}

pub(super) fn write(tree: &Tree) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing into memory does not fail.
    ciborium::into_writer(&value(tree), &mut out).map_or_else(|_| Vec::new(), |()| out)
}

fn tree(value: Value, known: Known) -> Result<Tree, String> {
    Ok(match value {
        Value::Null => Tree::Null,
        Value::Bool(flag) => Tree::Flag(flag),
        Value::Integer(number) => {
            let number = i128::from(number);
            i64::try_from(number).map_or(Tree::Float(number as f64), Tree::Integer)
        }
        Value::Float(number) => Tree::Float(number),
        Value::Text(text) => Tree::Text(text),
        Value::Bytes(bytes) => Tree::Blob(bytes),
        Value::Tag(EPOCH_TAG, seconds) => {
            let seconds = match *seconds {
                Value::Integer(number) => i128::from(number) as f64,
                Value::Float(number) => number,
                _ => return Err("a time that is no number".to_owned()),
            };
            if !(-SECONDS_ABS_MAX..=SECONDS_ABS_MAX).contains(&seconds) {
                return Err("a time that is out of range".to_owned());
            }
            Tree::Time(Timestamp::from_millis((seconds * 1_000.0).round() as i64))
        }
        Value::Tag(..) => return Err("a tag that is not known".to_owned()),
        Value::Array(items) => {
            let each = |of| items.into_iter().map(|item| tree(item, of)).collect::<Result<_, _>>();
            Tree::List(known.item().map_or_else(|| Ok(Vec::new()), each)?)
        }
        Value::Map(pairs) => {
            let mut members = BTreeMap::new();
            for (name, value) in pairs {
                let Value::Text(name) = name else { return Err("a key that is no text".to_owned()) };
                let Some(known) = known.member(&name) else { continue };
                match tree(value, known)? {
                    Tree::Null => members.remove(&name),
                    value => members.insert(name, value),
                };
            }
            Tree::Members(members)
        }
        _ => return Err("a value of an unknown kind".to_owned()),
    })
}

fn value(tree: &Tree) -> Value {
    match tree {
        Tree::Null => Value::Null,
        Tree::Flag(flag) => Value::Bool(*flag),
        Tree::Integer(number) => Value::Integer((*number).into()),
        Tree::Float(number) => Value::Float(*number),
        Tree::Text(text) => Value::Text(text.clone()),
        Tree::Blob(bytes) => Value::Bytes(bytes.clone()),
        Tree::Time(at) => Value::Tag(EPOCH_TAG, Box::new(Value::Float(at.as_millis() as f64 / 1_000.0))),
        Tree::List(items) => Value::Array(items.iter().map(value).collect()),
        Tree::Members(members) => {
            let pairs = members.iter().map(|(name, of)| (Value::Text(name.clone()), value(of)));
            Value::Map(pairs.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gamelift::shapes::DESCRIBE_RULE_SETS;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Tree, String> {
        super::read(bytes, Known::All)
    }

    fn check(bytes: &[u8], expected: Tree) {
        assert_eq!(read(bytes), Ok(Tree::List(vec![expected])), "{bytes:02x?}");
    }

    /// The encodings are those of RFC 8949, appendix A.
    #[test]
    fn items_of_the_rfc_are_read() {
        check(&[0x81, 0x18, 0x64], Tree::Integer(100));
        check(
            &[0x81, 0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            Tree::Float(-18_446_744_073_709_551_616.0),
        );
        check(&[0x81, 0xf9, 0x3e, 0x00], Tree::Float(1.5));
        check(&[0x81, 0xfa, 0x47, 0xc3, 0x50, 0x00], Tree::Float(100_000.0));
        check(&[0x81, 0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a], Tree::Float(1.1));
        check(
            &[0x81, 0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0],
            Tree::Time(Timestamp::from_millis(1_363_896_240_000)),
        );
        let half = [0x81, 0xc1, 0xfb, 0x41, 0xd4, 0x52, 0xd9, 0xec, 0x20, 0x00, 0x00];
        check(&half, Tree::Time(Timestamp::from_millis(1_363_896_240_500)));
        check(&[0x81, 0x44, 1, 2, 3, 4], Tree::Blob(vec![1, 2, 3, 4]));
        check(&[0x81, 0xf6], Tree::Null);
        // (_ "strea", "ming"), {_ "a": 1, "b": [_ 2, 3]} and null as absent
        let text = [0x81, 0x7f, 0x65, 0x73, 0x74, 0x72, 0x65, 0x61, 0x64, 0x6d, 0x69, 0x6e, 0x67, 0xff];
        check(&text, Tree::from("streaming"));
        let map = [0x81, 0xbf, 0x61, 0x61, 0x01, 0x61, 0x62, 0x9f, 0x02, 0x03, 0xff, 0x61, 0x63, 0xf6, 0xff];
        let list = Tree::List(vec![Tree::Integer(2), Tree::Integer(3)]);
        check(&map, Tree::empty().with("a", Tree::Integer(1)).with("b", list));
        assert_eq!(read(&[]), Ok(Tree::empty()));
    }

    #[test]
    fn what_is_no_item_is_told_in_words() {
        let told = |bytes: &[u8]| read(bytes).unwrap_err();
        assert_eq!(told(&[0x81]), "the body ends within a CBOR item");
        assert_eq!(told(&[0x62, 0xff, 0xfe]), "the body is no CBOR at byte 0");
        assert!(told(&[0x81; 100]).contains("deeper"), "{}", told(&[0x81; 100]));
        assert!(told(&[0xff]).starts_with("the body is no CBOR: "), "{}", told(&[0xff]));
    }

    #[test]
    fn what_is_no_item_is_refused() {
        let bad: [&[u8]; 8] = [
            &[0xff],
            &[0xa1, 0x01, 0x02],
            &[0x81],
            &[0x80, 0x80],
            &[0xd8, 0x20, 0x61, 0x61],
            &[0xc1, 0x61, 0x61],
            &[0xc1, 0xf9, 0x7c, 0x00],
            &[0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ];
        for bytes in bad {
            assert!(read(bytes).is_err(), "{bytes:02x?}");
        }
        assert!(read(&[0x81; 100_000]).is_err());
        assert!(read(&[&[0x81; DEPTH_MAX - 1][..], &[0x01]].concat()).is_ok());
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        let known = Known::Members(DESCRIBE_RULE_SETS);
        // {"New": .., "Limit": 2}
        let with =
            |new: &[u8]| super::read(&[&b"\xa2\x63New"[..], new, &b"\x65Limit\x02"[..]].concat(), known);
        // Bignums, tags, keys that are no text.
        let items: [&[u8]; 9] = [
            &[0xc2, 0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0xc0, 0x61, 0x61],
            &[0xc1, 0x61, 0x61],
            &[0xc1, 0xf9, 0x7c, 0x00],
            &[0xc4, 0x82, 0x21, 0x19, 0x6a, 0xb3],
            &[0xd8, 0x25, 0x40],
            &[0xd8, 0x64, 0xd9, 0xd9, 0xf7, 0x01],
            &[0xa2, 0x01, 0x02, 0x81, 0x00, 0xbf, 0xff],
            &[0xf6],
        ];
        for item in items {
            assert_eq!(with(item), Ok(Tree::empty().with("Limit", Tree::Integer(2))), "{item:02x?}");
        }
        let limit = |item: &[u8]| super::read(&[&b"\xa1\x65Limit"[..], item].concat(), known);
        assert!(limit(&[0xd8, 0x64, 1]).is_err() && limit(&[0xa1, 0x01, 0x02]).is_err());
        assert!(with(&[0x81; 100]).unwrap_err().contains("deeper"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_tree_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&bytes);
        }

        #[test]
        fn what_is_written_is_read_back(number in any::<i64>(), float in -1e300..1e300f64, text in ".*", ms in -1e12..4e12f64) {
            let tree = Tree::empty()
                .with("n", Tree::Integer(number))
                .with("f", Tree::Float(float))
                .with("t", text)
                .with("at", Timestamp::from_millis(ms as i64))
                .with("l", vec![Tree::Flag(true), Tree::empty()]);
            prop_assert_eq!(read(&write(&tree)), Ok(tree));
        }
    }
}
