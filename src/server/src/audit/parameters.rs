//! What is written down of a request's parameters: their shape, numbers, our own ids, and the words that name things of the
//! game. Nothing that a person wrote, no secret, no id that a caller brought.
use crate::who::secret::hex;
use gsm_audit::{PARAMETERS_BYTES_MAX, sha256};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::{
    collections::HashSet,
    fmt::{self, Write as _},
    sync::LazyLock,
};

/// Members whose text names a thing of the game.
const NAMES: [&str; 32] = [
    "list",
    "queue",
    "queues",
    "mode",
    "board",
    "boards",
    "season",
    "state",
    "role",
    "rule_set",
    "version",
    "page",
    "system",
    "scope",
    "offence",
    "action",
    "order",
    "home",
    "variant",
    "kind",
    "team",
    "outcome",
    "decision",
    "visibility",
    "ConfigurationName",
    "RuleSetName",
    "Name",
    "Names",
    "AcceptanceType",
    "FlexMatchMode",
    "BackfillMode",
    "ResourceARN",
];
/// Members of which nothing is written down, whatever they hold.
const HIDDEN: [&str; 8] = [
    "secret",
    "token",
    "consent",
    "display_name",
    "external_id",
    "attributes",
    "PlayerAttributes",
    "LatencyInMs",
];

/// The parameter of paths that is a number.
const PREFIX: &str = "prefix";

/// Members of records by which the log goes, or that stand for others here: parameters never have one so called.
const THE_LOGS_OWN: [&str; 5] = ["additionalEventData", "eventName", "eventTime", "ARN", "unnamed"];

/// The members that requests of the API may have; what else stands in one may be anybody's name.
static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut known: HashSet<String> = NAMES.iter().chain(&HIDDEN).map(|name| (*name).to_owned()).collect();
    properties(crate::api::schemas(), &mut known);
    known.extend(crate::gamelift::members().iter().map(|name| (*name).to_owned()));
    // Answers have some of them.
    known.retain(|name| !THE_LOGS_OWN.contains(&name.as_str()));
    known
});

fn properties(schema: &Value, known: &mut HashSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                known.extend(properties.keys().cloned());
            }
            members.values().for_each(|value| properties(value, known));
        }
        Value::Array(items) => items.iter().for_each(|value| properties(value, known)),
        _ => {}
    }
}

/// The body of a call.
#[derive(Clone, Copy)]
pub(crate) struct Sent<'a> {
    /// As JSON.
    pub(crate) json: &'a [u8],
    /// The bytes that came.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Sent<'a> {
    /// Of a call without one, or of one of whose body nothing is told.
    pub(crate) const NOTHING: Self = Self::json(&[]);

    /// Of one that came as JSON.
    pub(crate) const fn json(bytes: &'a [u8]) -> Self {
        Self { json: bytes, bytes }
    }
}

/// Parameters as JSON in one line, from those of the path and of the body; `None` where there are none.
///
/// In the place of a body whose parameters are too long stand its length and a hash. A hash would tell whoever knows the rest what
/// was left out of it, a name or an id that somebody brought: it is `keyed` where anything was.
pub(super) fn shown<'a>(
    path: impl Iterator<Item = (&'a str, &'a str)>,
    body: Sent<'_>,
    keyed: impl FnOnce(&[u8]) -> String,
) -> Option<String> {
    let room = body.json.len().min(PARAMETERS_BYTES_MAX) + 2;
    let mut out = Out { text: String::with_capacity(room), unnamed: 0, left_out: false };
    out.text.push('{');
    for (name, value) in path {
        out.name(name);
        match value.parse::<u8>() {
            Ok(length) if name == PREFIX => out.put(format_args!("{length}")),
            _ => out.string(name, value),
        }
    }
    let of_path = out.text.len();
    // What came may have more than was read of it.
    out.left_out = body.json != body.bytes;
    let read = {
        let mut json = serde_json::Deserializer::from_slice(body.json);
        Top(&mut out).deserialize(&mut json).is_ok() && json.end().is_ok()
    };
    if !body.json.is_empty() && (!read || out.is_full()) {
        out.text.truncate(of_path);
        // What cannot be read may be anything.
        if read && out.left_out {
            out.name("hmac");
            out.put(format_args!("\"{}\"", keyed(body.bytes)));
        } else if read {
            out.name("sha256");
            out.put(format_args!("\"{}\"", hex(&sha256(body.bytes))));
        }
        out.name("bytes");
        out.put(format_args!("{}", body.bytes.len()));
    }
    out.text.push('}');
    (out.text.len() > 2).then_some(out.text)
}

struct Out {
    text: String,
    /// Members of no known name.
    unnamed: usize,
    /// Whether the text is without anything that the body has.
    left_out: bool,
}

impl Out {
    /// Whether it is too long to be written down, with its last brace. Then nothing more is put into it.
    fn is_full(&self) -> bool {
        self.text.len() >= PARAMETERS_BYTES_MAX
    }

    fn put(&mut self, text: fmt::Arguments<'_>) {
        if !self.is_full() {
            // Writing to memory does not fail.
            let _ = self.text.write_fmt(text);
        }
    }

    fn name(&mut self, name: &str) {
        let comma = if self.text.ends_with(['{', '[']) { "" } else { "," };
        self.put(format_args!("{comma}\"{name}\":"));
    }

    fn string(&mut self, name: &str, value: &str) {
        let plain =
            value.len() <= 128 && value.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
        if plain && !value.contains('@') && (NAMES.contains(&name) || is_id(value) || is_keyed(value)) {
            self.put(format_args!("\"{value}\""));
        } else {
            self.left_out = true;
            self.put(format_args!("\"[{} characters]\"", value.chars().count()));
        }
    }
}

/// Whether it is an address under the key of its year.
fn is_keyed(text: &str) -> bool {
    let hash = text.strip_prefix("hmac-").and_then(|rest| rest.split_once('-'));
    hash.is_some_and(|(year, hash)| {
        year.bytes().all(|b| b.is_ascii_digit()) && hash.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// Whether it is an id that we made.
pub(super) fn is_id(text: &str) -> bool {
    text.split_once('-').is_some_and(|(prefix, digits)| {
        prefix.len() == 3
            && prefix.bytes().all(|b| b.is_ascii_lowercase())
            && digits.len() == 32
            && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// The body as a whole, whose members stand beside those of the path.
struct Top<'a>(&'a mut Out);

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        members(self.0, map)
    }
}

fn members<'de, A: MapAccess<'de>>(out: &mut Out, mut map: A) -> Result<(), A::Error> {
    let before = std::mem::take(&mut out.unnamed);
    while let Some(name) = map.next_key::<std::borrow::Cow<'_, str>>()? {
        let Some(name) = KNOWN.get(&*name) else {
            map.next_value::<IgnoredAny>()?;
            out.unnamed += 1;
            continue;
        };
        out.name(name);
        if HIDDEN.contains(&name.as_str()) {
            map.next_value::<IgnoredAny>()?;
            out.left_out = true;
            out.put(format_args!("\"[hidden]\""));
        } else {
            map.next_value_seed(Any { out, name })?;
        }
    }
    let unnamed = std::mem::replace(&mut out.unnamed, before);
    if unnamed > 0 {
        out.left_out = true;
        out.name("unnamed");
        out.put(format_args!("{unnamed}"));
    }
    Ok(())
}

/// A value under a name.
struct Any<'a> {
    out: &'a mut Out,
    name: &'a str,
}

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        self.out.put(format_args!("null"));
        Ok(())
    }
    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.out.put(format_args!("{value}"));
        Ok(())
    }
    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.out.put(format_args!("{value}"));
        Ok(())
    }
    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.out.put(format_args!("{value}"));
        Ok(())
    }
    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        // JSON has no others.
        match value.is_finite() {
            true => self.out.put(format_args!("{value}")),
            false => self.out.put(format_args!("null")),
        }
        Ok(())
    }
    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.out.string(self.name, value);
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.out.put(format_args!("["));
        loop {
            let len = self.out.text.len();
            if !self.out.text.ends_with('[') {
                self.out.put(format_args!(","));
            }
            if items.next_element_seed(Any { out: self.out, name: self.name })?.is_none() {
                self.out.text.truncate(len);
                break;
            }
        }
        self.out.put(format_args!("]"));
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.out.put(format_args!("{{"));
        members(self.out, map)?;
        self.out.put(format_args!("}}"));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(path: &[(&str, &str)], body: &[u8]) -> Option<String> {
        shown(path.iter().copied(), Sent::json(body), |bytes| format!("keyed-{}", bytes.len()))
    }

    fn check(body: &str, expected: &str) {
        assert_eq!(of(&[], body.as_bytes()).as_deref().unwrap_or(""), expected, "{body}");
    }

    #[test]
    fn what_people_wrote_is_left_out() {
        let id = "plr-0123456789abcdef0123456789abcdef";
        check("", "");
        check("{}", "");
        check(
            r#"{"queue":"duel","members":[{"player_id":"IT","consent":"x"}]}"#.replace("IT", id).as_str(),
            &r#"{"queue":"duel","members":[{"player_id":"IT","consent":"[hidden]"}]}"#.replace("IT", id),
        );
        check(
            r#"{"secret":"s3cret","display_name":"Ann"}"#,
            r#"{"secret":"[hidden]","display_name":"[hidden]"}"#,
        );
        check(r#"{"queue":"ann@example.org"}"#, r#"{"queue":"[15 characters]"}"#);
        check(
            r#"{"queue":"a\"b","player_id":"Ann Müller"}"#,
            r#"{"queue":"[3 characters]","player_id":"[10 characters]"}"#,
        );
        check(r#"{"Ann":1,"Bob":{"queue":"x"},"queue":"duel"}"#, r#"{"queue":"duel","unnamed":2}"#);
        check(
            r#"{"placements":[{"place":1,"score":-2.5},[],null,true]}"#,
            r#"{"placements":[{"place":1,"score":-2.5},[],null,true]}"#,
        );
        check(r#"{"rating":1e999}"#, r#"{"bytes":16}"#);
        check("[1]", r#"{"bytes":3}"#);
        check("{\"secret\":", r#"{"bytes":10}"#);
    }

    /// The log looks for these members in written lines: parameters must not have them.
    #[test]
    fn no_parameter_passes_for_what_the_log_goes_by() {
        for name in THE_LOGS_OWN {
            assert!(!KNOWN.contains(name), "{name}");
        }
        check(
            r#"{"queue":"duel","additionalEventData":{"commit":7},"eventName":"gsm:RotateAuditKey"}"#,
            r#"{"queue":"duel","unnamed":2}"#,
        );
    }

    #[test]
    fn long_parameters_become_their_hash_beside_those_of_the_path() {
        for places in [3_000, 300_000] {
            let long = format!("{{\"place\":[{}1]}}", "1,".repeat(places));
            assert_eq!(
                of(&[("board", "b")], long.as_bytes()).unwrap(),
                format!(
                    "{{\"board\":\"b\",\"sha256\":\"{}\",\"bytes\":{}}}",
                    hex(&sha256(long.as_bytes())),
                    long.len()
                )
            );
        }
        let no_json = of(&[("board", "b")], &[b' '; 70_000]).unwrap();
        assert_eq!(no_json, r#"{"board":"b","bytes":70000}"#);
        // The longest that is written down, and one that is longer.
        let fits = format!("{{\"place\":[{}11]}}", "1,".repeat(2_041));
        assert_eq!(fits.len(), PARAMETERS_BYTES_MAX);
        assert_eq!(of(&[], fits.as_bytes()).unwrap(), fits);
        let over = of(&[], fits.replace("11]", "1,1]").as_bytes()).unwrap();
        assert!(over.starts_with("{\"sha256\":\"") && over.ends_with("\"bytes\":4097}"), "{over}");
    }

    #[test]
    fn of_a_long_body_that_has_more_than_is_told_the_hash_is_keyed() {
        for what in ["\"display_name\":\"Ann\"", "\"player_id\":\"Ann\"", "\"Ann\":1"] {
            for (body, what) in [
                (format!("{{\"place\":[{}1],{what}}}", "1,".repeat(3_000)), "behind"),
                (format!("{{{what},\"place\":[{}1]}}", "1,".repeat(3_000)), "before"),
            ] {
                let text = of(&[("player_id", "x")], body.as_bytes()).unwrap();
                let keyed = format!("\"hmac\":\"keyed-{0}\",\"bytes\":{0}}}", body.len());
                assert_eq!(text, format!("{{\"player_id\":\"[1 characters]\",{keyed}"), "{what}");
            }
        }
    }

    #[test]
    fn the_hash_is_that_of_the_bytes_that_came() {
        let long = format!("{{\"place\":[{}1]}}", "1,".repeat(3_000));
        let sent = Sent { json: long.as_bytes(), bytes: b"in another form" };
        let text = shown(std::iter::empty(), sent, |bytes| String::from_utf8_lossy(bytes).into());
        assert_eq!(text.unwrap(), r#"{"hmac":"in another form","bytes":15}"#);
    }

    #[test]
    fn parameters_of_the_path_stand_beside() {
        let text = of(&[("queue", "duel"), ("player_id", "Ann")], b"{\"rating\":1500}").unwrap();
        assert_eq!(text, r#"{"queue":"duel","player_id":"[3 characters]","rating":1500}"#);
        let entry = |prefix| [("list", "deny"), ("address", "hmac-2026-0a"), ("prefix", prefix)];
        let text = of(&entry("24"), b"").unwrap();
        assert_eq!(text, r#"{"list":"deny","address":"hmac-2026-0a","prefix":24}"#);
        let text = of(&entry("Ann"), b"").unwrap();
        assert_eq!(text, r#"{"list":"deny","address":"hmac-2026-0a","prefix":"[3 characters]"}"#);
    }

    /// A text that a person may have written; one of two has nothing about it by which it could be told from a name of the game.
    fn text() -> impl Strategy<Value = Value> {
        "person-[a-z]{8}(@x)?".prop_map(Value::from)
    }

    /// Of members that name things, that are hidden, that have some other known name, or that are somebody's name themselves.
    fn name() -> impl Strategy<Value = String> {
        let one_of = |names: &[&'static str]| prop::sample::select(names.to_vec()).prop_map(str::to_owned);
        prop_oneof![
            3 => one_of(&NAMES),
            3 => one_of(&HIDDEN),
            2 => one_of(&["player_id", "placements", "TicketId"]),
            2 => "stranger-[a-z]{8}",
        ]
    }

    fn object(of: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
        prop::collection::btree_map(name(), of, 0..6)
            .prop_map(|members| Value::Object(members.into_iter().collect()))
    }

    fn body() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            4 => text(),
            1 => Just(Value::Null),
            1 => any::<bool>().prop_map(Value::from),
            1 => any::<i64>().prop_map(Value::from),
            1 => any::<i32>().prop_map(|n| Value::from(f64::from(n) / 1024.0)),
        ];
        let value = leaf.prop_recursive(4, 48, 6, |inner| {
            prop_oneof![prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from), object(inner)]
        });
        object(value.boxed())
    }

    /// What of a value under a name ought not to be shown.
    fn leaks(name: &str, shown: &Value) -> Vec<String> {
        if HIDDEN.contains(&name) {
            return if *shown == "[hidden]" { Vec::new() } else { vec![shown.to_string()] };
        }
        match shown {
            Value::String(text)
                if text.contains('@') || text.contains("person-") && !NAMES.contains(&name) =>
            {
                vec![text.clone()]
            }
            Value::Array(items) => items.iter().flat_map(|item| leaks(name, item)).collect(),
            Value::Object(members) => members.iter().flat_map(|(name, value)| leaks(name, value)).collect(),
            _ => Vec::new(),
        }
    }

    proptest! {
        #[test]
        fn of_a_body_that_is_read_nothing_is_shown_that_a_person_wrote(body in body()) {
            let bytes = serde_json::to_vec(&body).unwrap();
            let empty = body.as_object().is_some_and(serde_json::Map::is_empty);
            let Some(shown) = of(&[], &bytes) else {
                prop_assert!(empty, "{}", body);
                return Ok(());
            };
            prop_assert!(!shown.contains('\n') && !shown.contains("stranger-"), "{}", shown);
            let shown: Value = serde_json::from_str(&shown).unwrap();
            prop_assert!(bytes.len() > 1_000 || shown.get("bytes").is_none(), "it was read: {}", shown);
            let leaks = leaks("", &shown);
            prop_assert!(leaks.is_empty(), "{:?} of {}", leaks, shown);
        }

        #[test]
        fn whatever_comes_it_is_json_in_one_line(body in any::<Vec<u8>>(), text in "[\\[{\"a:,1}\\]queue ]{0,40}") {
            for body in [body.as_slice(), text.as_bytes()] {
                if let Some(shown) = of(&[], body) {
                    prop_assert!(!shown.contains('\n'));
                    prop_assert!(serde_json::from_str::<Value>(&shown).unwrap().is_object(), "{}", shown);
                }
            }
        }
    }
}
