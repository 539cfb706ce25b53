//! The shapes of the OpenAPI document, put plainly.
use serde_json::{Map, Value, json};

const REF: &str = "#/components/schemas/";

/// What every operation may answer: that the server is busy, or stops.
pub(super) fn say_busy(paths: &mut Value) {
    let operations = paths.as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for operation in operations.filter_map(Value::as_object_mut).flat_map(|methods| methods.values_mut()) {
        if let Some(refused) = operation["responses"].get("4XX").cloned() {
            operation["responses"]["5XX"] = refused;
        }
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
