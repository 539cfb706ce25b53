//! Every answer that a test gets is as `/openapi.json` says.
use crate::client::Answer;
use hyper::header;
use jsonschema::Validator;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex},
};

static DOCUMENT: LazyLock<Value> = LazyLock::new(gsm_server::openapi);

/// By operation and key of the answer.
type Validators = BTreeMap<(String, String), Arc<Validator>>;

static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);

/// Checks an answer to a call of an operation that is described; others say nothing here.
pub(crate) fn check(method: &str, path: &str, answer: &Answer) {
    let Some(operation) = operation(&method.to_lowercase(), path) else { return };
    let (id, status) = (operation["operationId"].as_str().expect("an id"), answer.status.as_u16());
    let responses = operation["responses"].as_object().expect("responses");
    let keys = [status.to_string(), format!("{}XX", status / 100)];
    let Some((key, response)) = keys.iter().find_map(|key| responses.get_key_value(key)) else {
        panic!("{id} says nothing of {status}: {}", answer.text);
    };
    let Some(content) = response["content"].as_object() else {
        assert_eq!(answer.text, "", "{id} says that {status} has no body");
        return;
    };
    let kind = answer.headers[header::CONTENT_TYPE].to_str().expect("text");
    let kind = kind.split(';').next().unwrap_or(kind);
    let Some(of) = content.get(kind) else { panic!("{id} says nothing of {kind} for {status}") };
    if !kind.ends_with("json") {
        return;
    }
    let validator = validator((id.to_owned(), key.clone()), &of["schema"]);
    let faults: Vec<String> = validator
        .iter_errors(&answer.json())
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{id} {status} is not as described:\n{}\n{}", faults.join("\n"), answer.text);
    let strangers = strangers(&of["schema"], &answer.json(), "");
    assert!(strangers.is_empty(), "{id} {status} has more than is described: {strangers:?}\n{}", answer.text);
}

/// The shape that a reference leads to.
fn resolved(shape: &'static Value) -> &'static Value {
    match shape["$ref"].as_str().and_then(|path| path.strip_prefix('#')) {
        Some(path) => resolved(DOCUMENT.pointer(path).expect("a shape")),
        None => shape,
    }
}

/// The members of a value, at any depth, of which its shape says nothing.
fn strangers(shape: &'static Value, value: &Value, place: &str) -> Vec<String> {
    let shape = resolved(shape);
    if let Some(choices) = ["oneOf", "anyOf"].iter().find_map(|name| shape[name].as_array()) {
        let each = choices.iter().filter(|of| is_of(resolved(of), value));
        let each = each.map(|of| strangers(of, value, place));
        return each.min_by_key(Vec::len).unwrap_or_else(|| vec![format!("{place}: none of the choices")]);
    }
    match value {
        Value::Array(items) => {
            let inner = shape.get("items");
            let inner = items.iter().zip(inner.into_iter().cycle());
            inner.flat_map(|(item, shape)| strangers(shape, item, &format!("{place}[]"))).collect()
        }
        Value::Object(members) => {
            let parts: Vec<&Value> = shape["allOf"]
                .as_array()
                .map_or_else(|| vec![shape], |parts| parts.iter().map(resolved).collect());
            let one = |(name, value): (&String, &Value)| {
                let place = format!("{place}.{name}");
                let described = parts.iter().find_map(|part| part["properties"].get(name));
                let other = parts.iter().find_map(|part| part.get("additionalProperties"));
                match described.or(other.filter(|other| **other != Value::Bool(false))) {
                    Some(shape) => strangers(shape, value, &place),
                    None if parts.iter().any(|part| part.as_object().is_some_and(|of| of.is_empty())) => {
                        Vec::new()
                    }
                    None => vec![place],
                }
            };
            // What may be anything has no shape at all.
            let is_free = shape.as_bool() == Some(true) || shape.as_object().is_some_and(is_anything);
            if is_free { Vec::new() } else { members.iter().flat_map(one).collect() }
        }
        _ => Vec::new(),
    }
}

/// Whether a shape says nothing but what it is for.
fn is_anything(shape: &serde_json::Map<String, Value>) -> bool {
    shape.keys().all(|name| name == "description")
}

/// Whether a value may be of a shape, as far as its kind says.
fn is_of(shape: &Value, value: &Value) -> bool {
    let is = |kind: &Value| match value {
        Value::Null => kind == "null",
        Value::Bool(_) => kind == "boolean",
        Value::Number(_) => kind == "number" || kind == "integer",
        Value::String(_) => kind == "string",
        Value::Array(_) => kind == "array",
        Value::Object(_) => kind == "object",
    };
    let is_kind = match &shape["type"] {
        Value::Array(kinds) => kinds.iter().any(is),
        Value::Null => true,
        kind => is(kind),
    };
    let required = shape["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    is_kind && (!value.is_object() || required.into_iter().all(|name| value.get(name).is_some()))
}

/// Places of the document at which an object is described without a member.
fn bare(shape: &Value, place: &str, found: &mut Vec<String>) {
    match shape {
        Value::Object(members) => {
            let says_more = ["properties", "additionalProperties", "oneOf", "anyOf", "allOf", "$ref"];
            let is_object = match &shape["type"] {
                Value::Array(kinds) => kinds.contains(&json!("object")),
                kind => kind == "object",
            };
            if is_object && !says_more.iter().any(|name| members.contains_key(*name)) {
                found.push(place.to_owned());
            }
            members.iter().for_each(|(name, inner)| bare(inner, &format!("{place}/{name}"), found));
        }
        Value::Array(all) => all.iter().for_each(|inner| bare(inner, place, found)),
        _ => {}
    }
}

#[test]
fn every_object_says_what_it_has() {
    let mut found = Vec::new();
    bare(&DOCUMENT["components"]["schemas"], "", &mut found);
    bare(&DOCUMENT["paths"], "", &mut found);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
#[should_panic(expected = "more than is described")]
fn a_member_that_is_not_described_is_found() {
    let headers = [(header::CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"))];
    let text = r#"{"mode":"duel","parts":[{"matches":1,"wait_ms_max":0,"losing_streak_max":0,"more":1}]}"#;
    let (status, text) = (hyper::StatusCode::OK, text.to_owned());
    let answer = Answer { status, headers: headers.into_iter().collect(), text };
    check("GET", "/v1/admin/modes/duel/fairness", &answer);
}

fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap_or(path);
    let fits = |template: &str| {
        let (template, path) = (template.split('/'), path.split('/'));
        template.clone().count() == path.clone().count()
            && template.zip(path).all(|(one, other)| one.starts_with('{') || one == other)
    };
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let mut fitting: Vec<_> = paths.iter().filter(|(template, _)| fits(template)).collect();
    // What names the most wins, as in the router.
    fitting.sort_by_key(|(template, _)| template.matches('{').count());
    fitting.first().and_then(|(_, methods)| methods.get(method))
}

fn validator(key: (String, String), schema: &Value) -> Arc<Validator> {
    let mut validators = VALIDATORS.lock().expect("nobody panics with it");
    let made = validators.entry(key).or_insert_with(|| {
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "components": DOCUMENT["components"],
            "allOf": [schema],
        });
        Arc::new(jsonschema::validator_for(&whole).expect("a schema"))
    });
    made.clone()
}

#[test]
#[should_panic(expected = "is not as described")]
fn an_answer_of_another_shape_is_found() {
    let headers = [(header::CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"))];
    let (status, text) = (hyper::StatusCode::OK, r#"{"name":"duel"}"#.to_owned());
    check("GET", "/v1/queues/duel", &Answer { status, headers: headers.into_iter().collect(), text });
}
