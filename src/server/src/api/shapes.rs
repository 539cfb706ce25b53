//! The shapes of the OpenAPI document, put plainly.
use gsm_core::limits;
use serde_json::{Map, Value, json};

const REF: &str = "#/components/schemas/";

/// Writes without a first answer that is kept: whoever signs in twice with one secret is the same player, a consent is signed
/// and not stored, and files that are read twice are as they are.
const KEEPS_NONE: [&str; 4] = ["sign_in_guest", "sign_in_device", "consent_to_party", "reload_firewall"];

/// Writes whose repeats are told how things stand now: what they are about goes on by itself, or is shown with a secret that is kept
/// nowhere.
const AS_NOW: [&str; 6] =
    ["cancel_ticket", "erase_player", "issue_aws_key", "issue_key", "lift_penalties", "rotate_key"];

/// Says of every operation what holds for all: that the server may be busy or stop, that writes take an idempotency key,
/// and what kinds of answers mean.
pub(super) fn complete(paths: &mut Value) {
    let operations = paths.as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for operation in operations.filter_map(Value::as_object_mut).flat_map(|methods| methods.values_mut()) {
        if let Some(refused) = operation["responses"].get("4XX").cloned() {
            operation["responses"]["5XX"] = refused;
        }
        for (status, answer) in operation["responses"].as_object_mut().into_iter().flatten() {
            if answer["description"].as_str().is_none_or(str::is_empty) {
                answer["description"] = json!(meaning(status));
            }
        }
        let keeps_none = KEEPS_NONE.iter().any(|id| operation["operationId"] == *id);
        if operation["x-gsm-mutating"] == true && !keeps_none {
            let is_now = AS_NOW.iter().any(|id| operation["operationId"] == *id);
            let repeat = if is_now {
                "The same key with the same request changes nothing more for 24 hours, and is told how it stands then."
            } else {
                "The same key with the same request gives the first answer for 24 hours."
            };
            let parameters = operation["parameters"].take();
            let mut parameters = parameters.as_array().cloned().unwrap_or_default();
            parameters.push(json!({
                "name": "Idempotency-Key",
                "in": "header",
                "required": false,
                "description": repeat,
                "schema": { "type": "string", "minLength": 1, "maxLength": limits::CALLER_ID_CHARS_MAX },
            }));
            operation["parameters"] = Value::Array(parameters);
        }
    }
}

fn meaning(status: &str) -> &'static str {
    match status {
        "201" => "Made",
        "204" => "Done; there is nothing to say",
        "4XX" => "Refused: what is wrong, and what to do",
        "503" | "5XX" => "Busy, starting or stopping: repeat later",
        _ => "Done",
    }
}

/// Makes one object of every shape that is told as all of several: each of them may refuse the members of the others, so
/// that nothing would satisfy all.
pub(super) fn merge(schemas: &mut Value) {
    let all = schemas.clone();
    for shape in schemas.as_object_mut().into_iter().flat_map(|shapes| shapes.values_mut()) {
        if let Some(merged) = merged(shape, &all) {
            *shape = merged;
        }
    }
}

/// `None` for a shape that is not all of several, or of what has no members.
fn merged(shape: &Value, all: &Value) -> Option<Value> {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in shape["allOf"].as_array()? {
        // What is absent as a whole may be told as null.
        let is_null = |of: &Value| of["type"] == "null";
        let choices = part["oneOf"].as_array().filter(|of| of.iter().any(is_null));
        let part = match choices {
            Some(choices) => choices.iter().find(|of| !is_null(of))?,
            None => part,
        };
        let named = part["$ref"].as_str().and_then(|name| all.get(name.strip_prefix(REF)?));
        let named = named.map(|of| merged(of, all).unwrap_or_else(|| of.clone()));
        let part = named.as_ref().unwrap_or(part);
        if part["type"] != "object" {
            return None;
        }
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        if choices.is_none() {
            required.extend(part["required"].as_array().cloned().unwrap_or_default());
        }
    }
    let mut merged = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        merged["required"] = Value::Array(required);
    }
    if !shape["description"].is_null() {
        merged["description"] = shape["description"].clone();
    }
    Some(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_several_is_one_object() {
        let mut schemas = json!({
            "A": { "type": "object", "required": ["a"], "properties": { "a": {} }, "additionalProperties": false },
            "B": { "allOf": [{ "$ref": "#/components/schemas/A" }, { "type": "object", "properties": { "b": {} } }] },
            "C": {
                "allOf": [
                    { "oneOf": [{ "$ref": "#/components/schemas/B" }, { "type": "null" }] },
                    { "type": "object", "required": ["c"], "properties": { "c": {} } },
                ],
                "description": "c",
            },
        });
        merge(&mut schemas);
        assert_eq!(schemas["A"]["additionalProperties"], false);
        let b = json!({ "type": "object", "required": ["a"], "properties": { "a": {}, "b": {} } });
        assert_eq!(schemas["B"], b);
        let c = json!({ "type": "object", "required": ["c"], "properties": { "a": {}, "b": {}, "c": {} }, "description": "c" });
        assert_eq!(schemas["C"], c);
    }
}
