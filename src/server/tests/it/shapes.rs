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
