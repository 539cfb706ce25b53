//! `playerAttributes`.
use super::{
    faults::Faults,
    object::{Object, number, text},
};
use crate::{
    json::{Kind, Node},
    rule_set::{Attribute, AttributeKind},
    value::Value,
};
use std::collections::BTreeSet;

const KINDS: [(&str, AttributeKind); 4] = [
    ("string", AttributeKind::String),
    ("number", AttributeKind::Number),
    ("string_list", AttributeKind::StringList),
    ("string_number_map", AttributeKind::StringNumberMap),
];

pub(crate) fn read(top: &Object<'_>, faults: &mut Faults) -> Vec<Attribute> {
    let (mut all, mut names) = (Vec::new(), BTreeSet::new());
    for node in top.list("playerAttributes", faults) {
        let Some(object) = Object::of(node, "an attribute", faults) else { continue };
        object.allow(&["name", "type", "default"], faults);
        let name = object.need_text("name", faults);
        let kind = object.need("type", faults).and_then(|_| object.choice("type", &KINDS, faults));
        if name.is_some_and(|name| !names.insert(name)) {
            faults.add(
                object.place("name"),
                format!("attribute `{}` is declared before", name.unwrap_or_default()),
            );
            continue;
        }
        if let (Some(name), Some(kind)) = (name, kind) {
            let default = object.get("default").and_then(|node| default(node, kind, faults));
            all.push(Attribute { name: name.to_owned(), kind, default });
        } else if let Some(name) = name {
            // Whatever it is: who uses it is not to blame.
            all.push(Attribute { name: name.to_owned(), kind: AttributeKind::Number, default: None });
        }
    }
    all
}

fn default(node: &Node, kind: AttributeKind, faults: &mut Faults) -> Option<Value> {
    match (kind, &node.kind) {
        (AttributeKind::String, _) => text(node, "default", faults).map(|text| Value::Text(text.to_owned())),
        (AttributeKind::Number, _) => {
            let found = number(node);
            if found.is_none() {
                faults.add(node.begin, format!("`default` must be a number, not {}", node.word()));
            }
            found.map(Value::Number)
        }
        (AttributeKind::StringList, Kind::List(items)) => {
            let items = items.iter().filter_map(|item| text(item, "default", faults)).map(str::to_owned);
            Some(Value::List(items.collect()))
        }
        (AttributeKind::StringNumberMap, Kind::Object(entries)) => {
            let mut map = std::collections::BTreeMap::new();
            for entry in entries {
                match number(&entry.value) {
                    Some(number) => drop(map.insert(entry.key.clone(), number)),
                    None => {
                        faults.add(entry.value.begin, format!("must be a number, not {}", entry.value.word()))
                    }
                }
            }
            Some(Value::Map(map))
        }
        (AttributeKind::StringList, _) => {
            faults.add(node.begin, format!("`default` must be a list of strings, not {}", node.word()));
            None
        }
        (AttributeKind::StringNumberMap, _) => {
            faults.add(node.begin, format!("`default` must be an object of numbers, not {}", node.word()));
            None
        }
    }
}
