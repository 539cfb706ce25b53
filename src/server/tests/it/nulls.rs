//! Members of bodies that the OpenAPI document lets be `null` may be `null`.
use crate::{client::Client, world::World};
use serde_json::{Map, Value, json};

/// Whether a shape lets a value be `null`, whatever else it may be.
fn takes_null(shape: &Value) -> bool {
    let is_null = |shape: &Value| shape["type"] == "null" || takes_null(shape);
    match &shape["type"] {
        Value::Array(kinds) => kinds.contains(&json!("null")),
        Value::String(kind) => kind == "null",
        _ => ["oneOf", "anyOf"].iter().any(|of| shape[of].as_array().into_iter().flatten().any(is_null)),
    }
}

/// The shape that a reference leads to.
fn resolved<'a>(document: &'a Value, shape: &'a Value) -> &'a Value {
    let reference = shape["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
    reference.and_then(|path| document.pointer(path)).unwrap_or(shape)
}

/// Bodies of this shape in each of which one object, at any depth, has its members `null` that may be; nothing else.
fn bodies(document: &Value, shape: &Value, depth: usize) -> Vec<Value> {
    let shape = resolved(document, shape);
    if depth > 4 {
        return Vec::new();
    }
    if shape["type"] == "array" {
        return bodies(document, &shape["items"], depth + 1).into_iter().map(|item| json!([item])).collect();
    }
    let members = shape["properties"].as_object();
    let nulls: Map<String, Value> = members
        .into_iter()
        .flatten()
        .filter(|(_, shape)| takes_null(shape))
        .map(|(name, _)| (name.clone(), Value::Null))
        .collect();
    let mut all = if nulls.is_empty() { Vec::new() } else { vec![Value::Object(nulls)] };
    for (name, shape) in members.into_iter().flatten() {
        let some = shape["oneOf"].as_array().into_iter().flatten().chain([shape]);
        for inner in some.flat_map(|shape| bodies(document, shape, depth + 1)) {
            all.push(json!({ name.as_str(): inner }));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_null_is_taken_as_null() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let document = world.anyone.get("/openapi.json").await.ok();
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let shape = &operation["requestBody"]["content"]["application/json"]["schema"];
            let roles = &operation["x-gsm-roles"];
            let client: Client = match roles[0].as_str() {
                Some("player") => ann.client.clone(),
                Some("server") => world.server(),
                Some("admin") => world.admin(),
                _ => world.anyone.clone(),
            };
            let named = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
            let path = named.collect::<Vec<_>>().join("/");
            for body in bodies(&document, shape, 0) {
                let answer = client.call(&method.to_uppercase(), &path).json(&body).send().await;
                let wrong = ["type: null", "expected exactly one of", "expected value"];
                let is_refused = wrong.iter().any(|what| answer.text.contains(what));
                assert!(!is_refused, "{method} {path} {body}: {}", answer.text);
                asked += 1;
            }
        }
    }
    assert!(asked > 20, "{asked}");
    // One of them from end to end: what is null is as if it were absent.
    let mut queue = world.server().get("/v1/queues/duel").await.ok();
    queue.as_object_mut().unwrap().remove("name");
    queue["balance"] = Value::Null;
    let put = world.admin().put("/v1/admin/queues/duel", queue).await.ok();
    assert_eq!(put["balance"], "rating");
    world.stop().await;
}
