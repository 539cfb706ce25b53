//! Smithy RPC v2 CBOR: the tree as CBOR (RFC 8949).
use super::{
    protocol::{DEPTH_MAX, VALUES_MAX},
    shape::Known,
    tree::Tree,
};
use ciborium::Value;
use gsm_core::Timestamp;
use std::collections::BTreeMap;

/// The tag of times: seconds since 1970.
const EPOCH_TAG: u64 = 1;
/// The farthest seconds from 1970 that a time may have: year 9999.
const SECONDS_ABS_MAX: f64 = 253_402_300_800.0;

/// Major types of items.
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;
/// In place of a length: items up to a break.
const INDEFINITE: u8 = 31;
/// The end of an item of indefinite length.
const BREAK: u8 = 0xff;

/// Reads what is known of one CBOR item, of definite or indefinite lengths; of repeated keys the last one counts. No bytes at
/// all say an empty input.
pub(super) fn read(bytes: &[u8], known: Known) -> Result<Tree, String> {
    if bytes.is_empty() {
        return Ok(Tree::empty());
    }
    let mut reader = Reader { bytes, at: 0, values_left: VALUES_MAX };
    let tree = reader.item(0, Some(known))?;
    match bytes.len() - reader.at {
        0 => Ok(tree),
        rest => Err(format!("{rest} bytes behind the item")),
    }
}

/// The first bytes of an item: its major type, and what they say of its value or length.
#[derive(Clone, Copy)]
struct Head {
    at: usize,
    major: u8,
    info: u8,
    argument: u64,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    values_left: usize,
}

/// The item that begins here is none.
fn malformed<T>(at: usize, why: &str) -> Result<T, String> {
    Err(format!("the body is no CBOR at byte {at}: {why}"))
}

fn too_deep<T>() -> Result<T, String> {
    Err(format!("lists and structures lie deeper than {DEPTH_MAX} within each other"))
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8], String> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or("the body ends within a CBOR item")?;
        self.at += taken.len();
        Ok(taken)
    }

    fn head(&mut self) -> Result<Head, String> {
        let at = self.at;
        let first = self.take(1)?.first().copied().unwrap_or(BREAK);
        let (major, info) = (first >> 5, first & 0x1f);
        let argument = match info {
            0..=23 => u64::from(info),
            24..=27 => self.take(1 << (info - 24))?.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)),
            INDEFINITE if matches!(major, BYTES | TEXT | LIST | MAP) => 0,
            INDEFINITE if major == SIMPLE => return malformed(at, "a break that ends nothing"),
            _ => return malformed(at, "a length that is reserved"),
        };
        if major == SIMPLE && info == 24 && argument < 32 {
            return malformed(at, "a simple value in two bytes that has one");
        }
        Ok(Head { at, major, info, argument })
    }

    /// Goes over a break, if one is next.
    fn ends(&mut self) -> bool {
        let is_break = self.bytes.get(self.at) == Some(&BREAK);
        self.at += usize::from(is_break);
        is_break
    }

    /// Reads each of the items, or pairs, that a list or map has.
    fn each(
        &mut self,
        head: Head,
        mut one: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        if head.info == INDEFINITE {
            while !self.ends() {
                one(self)?;
            }
            return Ok(());
        }
        (0..head.argument).try_for_each(|_| one(self))
    }

    /// The bytes of a string; those of one of indefinite length are in strings of definite lengths of its own kind.
    fn string(&mut self, head: Head, is_read: bool) -> Result<Vec<u8>, String> {
        let mut whole = Vec::new();
        let mut piece = |reader: &mut Self, head: Head| {
            let piece = reader.take(head.argument)?;
            if !is_read {
                return Ok(());
            }
            if head.major == TEXT && std::str::from_utf8(piece).is_err() {
                return malformed(head.at, "a text that is not UTF-8");
            }
            whole.extend_from_slice(piece);
            Ok(())
        };
        if head.info == INDEFINITE {
            while !self.ends() {
                let chunk = self.head()?;
                if chunk.major != head.major || chunk.info == INDEFINITE {
                    return malformed(
                        chunk.at,
                        "a piece of a string that is no string of a length, of its kind",
                    );
                }
                piece(self, chunk)?;
            }
        } else {
            piece(self, head)?;
        }
        Ok(whole)
    }

    fn text(&mut self, head: Head) -> Result<String, String> {
        let bytes = self.string(head, true)?;
        String::from_utf8(bytes).or_else(|_| malformed(head.at, "a text that is not UTF-8"))
    }

    /// Reads an item that lies within so many others, as far as it is known: one that is not may be of any kind, and is
    /// null.
    fn item(&mut self, depth: usize, known: Option<Known>) -> Result<Tree, String> {
        let head = self.head()?;
        if known.is_some() {
            let left = self.values_left.checked_sub(1);
            self.values_left = left.ok_or_else(|| format!("more than {VALUES_MAX} values"))?;
        }
        match head.major {
            BYTES => self.string(head, known.is_some()).map(Tree::Blob),
            TEXT if known.is_some() => self.text(head).map(Tree::Text),
            TEXT => self.string(head, false).map(|_| Tree::Null),
            LIST | MAP if depth >= DEPTH_MAX => too_deep(),
            LIST => self.list(head, depth + 1, known),
            MAP => self.map(head, depth + 1, known),
            // A tag counts as a level, so there is one for the innermost.
            TAG if depth > DEPTH_MAX => too_deep(),
            TAG => self.tagged(head, depth + 1, known),
            SIMPLE => simple(head, known.is_some()),
            major => Ok(integer(major, head.argument)),
        }
    }

    fn list(&mut self, head: Head, depth: usize, known: Option<Known>) -> Result<Tree, String> {
        let of = known.and_then(Known::item);
        let mut items = Vec::new();
        self.each(head, |reader| {
            let item = reader.item(depth, of)?;
            if of.is_some() {
                items.push(item);
            }
            Ok(())
        })?;
        Ok(Tree::List(items))
    }

    fn map(&mut self, head: Head, depth: usize, known: Option<Known>) -> Result<Tree, String> {
        let mut members = BTreeMap::new();
        self.each(head, |reader| {
            let Some(known) = known else {
                reader.item(depth, None)?;
                return reader.item(depth, None).map(drop);
            };
            let key = reader.head()?;
            if key.major != TEXT {
                return Err("a key that is no text".to_owned());
            }
            let name = reader.text(key)?;
            let Some(known) = known.member(&name) else { return reader.item(depth, None).map(drop) };
            match reader.item(depth, Some(known))? {
                Tree::Null => members.remove(&name),
                value => members.insert(name, value),
            };
            Ok(())
        })?;
        Ok(Tree::Members(members))
    }

    fn tagged(&mut self, head: Head, depth: usize, known: Option<Known>) -> Result<Tree, String> {
        let item = self.item(depth, known)?;
        if known.is_none() {
            return Ok(Tree::Null);
        }
        if head.argument != EPOCH_TAG {
            return Err("a tag that is not known".to_owned());
        }
        let seconds = match item {
            Tree::Integer(number) => number as f64,
            Tree::Float(number) => number,
            _ => return Err("a time that is no number".to_owned()),
        };
        if !(-SECONDS_ABS_MAX..=SECONDS_ABS_MAX).contains(&seconds) {
            return Err("a time that is out of range".to_owned());
        }
        Ok(Tree::Time(Timestamp::from_millis((seconds * 1_000.0).round() as i64)))
    }
}

fn integer(major: u8, argument: u64) -> Tree {
    let number = if major == NEGATIVE { -1 - i128::from(argument) } else { i128::from(argument) };
    i64::try_from(number).map_or(Tree::Float(number as f64), Tree::Integer)
}

fn simple(head: Head, is_read: bool) -> Result<Tree, String> {
    Ok(match head.info {
        20 => Tree::Flag(false),
        21 => Tree::Flag(true),
        22 | 23 => Tree::Null,
        25 => Tree::Float(half(head.argument as u16)),
        26 => Tree::Float(f64::from(f32::from_bits(head.argument as u32))),
        27 => Tree::Float(f64::from_bits(head.argument)),
        _ if is_read => return Err("a value of an unknown kind".to_owned()),
        _ => Tree::Null,
    })
}

/// A float of two bytes (RFC 8949, appendix D).
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), bits & 0x3ff);
    let size = match exponent {
        0 => f64::from(fraction) * 2f64.powi(-24),
        31 if fraction == 0 => f64::INFINITY,
        31 => f64::NAN,
        _ => f64::from(fraction + 1_024) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

pub(super) fn write(tree: &Tree) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing into memory does not fail.
    ciborium::into_writer(&value(tree), &mut out).map_or_else(|_| Vec::new(), |()| out)
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
        assert_eq!(told(&[0x62, 0xff, 0xfe]), "the body is no CBOR at byte 0: a text that is not UTF-8");
        assert!(told(&[0x81; 100]).contains("deeper"), "{}", told(&[0x81; 100]));
        assert_eq!(told(&[0x81, 0xff]), "the body is no CBOR at byte 1: a break that ends nothing");
    }

    #[test]
    fn what_is_no_item_is_refused() {
        let bad: [&[u8]; 19] = [
            &[0xff],
            &[0xa1, 0x01, 0x02],
            &[0x81],
            &[0x80, 0x80],
            &[0xd8, 0x20, 0x61, 0x61],
            &[0xc1, 0x61, 0x61],
            &[0xc1, 0xf9, 0x7c, 0x00],
            &[0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            // (_ (_ "a")), (_ 'a'), (_ "\xc3", "\xa4"), {_ "a"}
            &[0x7f, 0x7f, 0x61, 0x61, 0xff, 0xff],
            &[0x5f, 0x5f, 0x41, 0x61, 0xff, 0xff],
            &[0x7f, 0x41, 0x61, 0xff],
            &[0x7f, 0x61, 0xc3, 0x61, 0xa4, 0xff],
            &[0xbf, 0x61, 0x61, 0xff],
            &[0xf8, 0x14],
            &[0xf0],
            &[0x1c],
            &[0x1f],
            &[0xdf, 0x01],
            &[0xc2, 0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        ];
        for bytes in bad {
            assert!(read(bytes).is_err(), "{bytes:02x?}");
        }
        assert!(read(&[0x81; 100_000]).is_err());
        assert!(read(&[&[0x81; DEPTH_MAX - 1][..], &[0x01]].concat()).is_ok());
    }

    #[test]
    fn what_is_not_known_is_passed_over_where_it_is_an_item() {
        let known = Known::Members(DESCRIBE_RULE_SETS);
        // {"New": .., "Limit": 2}
        let with =
            |new: &[u8]| super::read(&[&b"\xa2\x63New"[..], new, &b"\x65Limit\x02"[..]].concat(), known);
        let items: [&[u8]; 14] = [
            // Bignums, tags, keys that are no text, values without a meaning, a text that is not UTF-8.
            &[0xc2, 0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0xc3, 0x5f, 0x41, 1, 0xff],
            &[0xc0, 0x61, 0x61],
            &[0xc1, 0x61, 0x61],
            &[0xc1, 0xf9, 0x7c, 0x00],
            &[0xc4, 0x82, 0x21, 0x19, 0x6a, 0xb3],
            &[0xd8, 0x25, 0x40],
            &[0xd8, 0x64, 0xd9, 0xd9, 0xf7, 0x01],
            &[0xa2, 0x01, 0x02, 0x81, 0x00, 0xbf, 0xff],
            &[0x9f, 0xf0, 0xf8, 0x20, 0xf8, 0xff, 0xf7, 0xff],
            &[0x62, 0xff, 0xfe],
            &[0x7f, 0x61, 0x61, 0x60, 0xff],
            &[0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0],
            &[0xf6],
        ];
        for item in items {
            assert_eq!(with(item), Ok(Tree::empty().with("Limit", Tree::Integer(2))), "{item:02x?}");
        }
        let bad: [&[u8]; 6] = [
            &[0x7f, 0x7f, 0x61, 0x61, 0xff, 0xff],
            &[0xbf, 0x01, 0xff],
            &[0xf8, 0x14],
            &[0x1c],
            &[0xff],
            &[0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ];
        for item in bad {
            assert!(with(item).is_err(), "{item:02x?}");
        }
        let deep = |n: usize| with(&[&vec![0x81; n][..], &[0x00]].concat());
        assert!(deep(DEPTH_MAX - 1).is_ok());
        assert!(deep(DEPTH_MAX).unwrap_err().contains("deeper"));
        assert!(with(&[&[0xc1; 100][..], &[0x00]].concat()).unwrap_err().contains("deeper"));
        let limit = |item: &[u8]| super::read(&[&b"\xa1\x65Limit"[..], item].concat(), known);
        assert!(limit(&[0xc2, 0x41, 1]).is_err() && limit(&[0xd8, 0x64, 1]).is_err());
    }

    #[test]
    fn there_are_only_so_many_values() {
        let list = |n: usize| [&[0x9f][..], &vec![0; n], &[0xff]].concat();
        assert!(read(&list(VALUES_MAX - 1)).is_ok());
        assert!(read(&list(VALUES_MAX)).unwrap_err().contains("more than"));
    }

    proptest! {
        #[test]
        fn halves_are_what_another_reader_finds(bits in any::<u16>()) {
            let bytes = [0xf9, (bits >> 8) as u8, bits as u8];
            let other: f64 = ciborium::from_reader(&bytes[..]).unwrap();
            let Ok(Tree::Float(found)) = read(&bytes) else { panic!("no float") };
            prop_assert!(found == other || found.is_nan() && other.is_nan());
        }

        /// What is not known is read by other code than what is.
        #[test]
        fn what_is_read_can_be_passed_over(bytes in proptest::collection::vec(any::<u8>(), 1..64)) {
            let body = [&b"\xa1\x63New"[..], &bytes[..]].concat();
            if read(&body).is_ok() {
                prop_assert_eq!(super::read(&body, Known::Members(DESCRIBE_RULE_SETS)), Ok(Tree::empty()));
            }
        }

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
