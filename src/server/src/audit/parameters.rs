//! What is written down of a request's parameters: their shape, numbers, our own ids, and the words that name things of the
//! game. Nothing that a person wrote, no secret, no id that a caller brought.
use gsm_audit::{Digested, PARAMETERS_BYTES_MAX};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::{
    collections::HashSet,
    fmt::{self, Write as _},
    sync::LazyLock,
};

/// Longer bodies are not read again.
const BODY_BYTES_MAX: usize = 65_536;
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

/// Parameters as JSON in one line, from those of the path and the body's bytes; `None` where there are none.
pub(super) fn shown<'a>(path: impl Iterator<Item = (&'a str, &'a str)>, body: &[u8]) -> Option<String> {
    let mut out = Out { text: String::with_capacity(body.len().min(PARAMETERS_BYTES_MAX) + 2), unnamed: 0 };
    out.text.push('{');
    for (name, value) in path {
        out.name(name);
        match value.parse::<u8>() {
            Ok(length) if name == PREFIX => out.number(length),
            _ => out.string(name, value),
        }
    }
    let read = body.len() <= BODY_BYTES_MAX && {
        let mut json = serde_json::Deserializer::from_slice(body);
        Top(&mut out).deserialize(&mut json).is_ok() && json.end().is_ok()
    };
    if !body.is_empty() && (!read || out.text.len() > PARAMETERS_BYTES_MAX) {
        // A hash tells of a short body what it was; a body that cannot be read may be anything.
        return Some(if read { Digested(body).to_string() } else { format!("{{\"bytes\":{}}}", body.len()) });
    }
    out.text.push('}');
    (out.text.len() > 2).then_some(out.text)
}

struct Out {
    text: String,
    /// Members of no known name.
    unnamed: usize,
}

impl Out {
    fn name(&mut self, name: &str) {
        if !self.text.ends_with(['{', '[']) {
            self.text.push(',');
        }
        // Writing to memory does not fail.
        let _ = write!(self.text, "\"{name}\":");
    }

    fn number(&mut self, number: impl fmt::Display) {
        let _ = write!(self.text, "{number}");
    }

    fn string(&mut self, name: &str, value: &str) {
        let plain =
            value.len() <= 128 && value.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
        let _ = if plain && !value.contains('@') && (NAMES.contains(&name) || is_id(value) || is_keyed(value))
        {
            write!(self.text, "\"{value}\"")
        } else {
            write!(self.text, "\"[{} characters]\"", value.chars().count())
        };
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
fn is_id(text: &str) -> bool {
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
            out.text.push_str("\"[hidden]\"");
        } else {
            map.next_value_seed(Any { out, name })?;
        }
    }
    let unnamed = std::mem::replace(&mut out.unnamed, before);
    if unnamed > 0 {
        out.name("unnamed");
        let _ = write!(out.text, "{unnamed}");
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
        self.out.text.push_str("null");
        Ok(())
    }
    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.out.text.push_str(if value { "true" } else { "false" });
        Ok(())
    }
    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.out.number(value);
        Ok(())
    }
    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.out.number(value);
        Ok(())
    }
    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        // JSON has no others.
        let _ =
            if value.is_finite() { write!(self.out.text, "{value}") } else { write!(self.out.text, "null") };
        Ok(())
    }
    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.out.string(self.name, value);
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.out.text.push('[');
        loop {
            let len = self.out.text.len();
            if !self.out.text.ends_with('[') {
                self.out.text.push(',');
            }
            if items.next_element_seed(Any { out: self.out, name: self.name })?.is_none() {
                self.out.text.truncate(len);
                break;
            }
        }
        self.out.text.push(']');
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.out.text.push('{');
        members(self.out, map)?;
        self.out.text.push('}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(body: &str, expected: &str) {
        assert_eq!(shown(std::iter::empty(), body.as_bytes()).as_deref().unwrap_or(""), expected, "{body}");
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
    fn long_parameters_become_their_hash() {
        let long = format!("{{\"place\":[{}1]}}", "1,".repeat(3_000));
        let text = shown(std::iter::empty(), long.as_bytes()).unwrap();
        assert!(
            text.starts_with("{\"sha256\":\"") && text.ends_with(&format!("\"bytes\":{}}}", long.len())),
            "{text}"
        );
        assert_eq!(shown(std::iter::empty(), &[b' '; 70_000]).unwrap(), "{\"bytes\":70000}");
    }

    #[test]
    fn parameters_of_the_path_stand_beside() {
        let path = [("queue", "duel"), ("player_id", "Ann")];
        let text = shown(path.into_iter(), b"{\"rating\":1500}").unwrap();
        assert_eq!(text, r#"{"queue":"duel","player_id":"[3 characters]","rating":1500}"#);
        let entry = |prefix| [("list", "deny"), ("address", "hmac-2026-0a"), ("prefix", prefix)].into_iter();
        let text = shown(entry("24"), b"").unwrap();
        assert_eq!(text, r#"{"list":"deny","address":"hmac-2026-0a","prefix":24}"#);
        let text = shown(entry("Ann"), b"").unwrap();
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
            let Some(shown) = shown(std::iter::empty(), &bytes) else {
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
                if let Some(shown) = shown(std::iter::empty(), body) {
                    prop_assert!(!shown.contains('\n'));
                    prop_assert!(serde_json::from_str::<Value>(&shown).unwrap().is_object(), "{}", shown);
                }
            }
        }
    }
}
