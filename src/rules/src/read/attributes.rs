//! `playerAttributes`.
use super::{
    faults::Faults,
    object::{Object, number, text},
};
use crate::{
    json::{Kind, Node},
    rule_set::{Attribute, AttributeKind, Supplied},
    value::Value,
};
use gsm_core::limits::{RECENT_MATCHES_MAX, RECENT_SECONDS_MAX};
use std::collections::BTreeSet;

const KINDS: [(&str, AttributeKind); 4] = [
    ("string", AttributeKind::String),
    ("number", AttributeKind::Number),
    ("string_list", AttributeKind::StringList),
    ("string_number_map", AttributeKind::StringNumberMap),
];

/// What an attribute that the server fills in says beside.
const SUPPLIED: [&str; 3] = ["source", "matches", "withinSeconds"];

pub(crate) fn read(top: &Object<'_>, is_extended: bool, faults: &mut Faults) -> Vec<Attribute> {
    let (mut all, mut names) = (Vec::new(), BTreeSet::new());
    for node in top.list("playerAttributes", faults) {
        let Some(object) = Object::of(node, "an attribute", faults) else { continue };
        let own = ["name", "type", "default"].into_iter();
        let known: Vec<&str> = own.chain(SUPPLIED.into_iter().filter(|_| is_extended)).collect();
        object.allow(&known, faults);
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
            let supplied = if is_extended { supplied(&object, kind, faults) } else { None };
            all.push(Attribute { name: name.to_owned(), kind, default, supplied });
        } else if let Some(name) = name {
            // Whatever it is: who uses it is not to blame.
            let (kind, default, supplied) = (AttributeKind::Number, None, None);
            all.push(Attribute { name: name.to_owned(), kind, default, supplied });
        }
    }
    all
}

/// Where the server takes the values from, if it fills them in.
fn supplied(object: &Object<'_>, kind: AttributeKind, faults: &mut Faults) -> Option<Supplied> {
    let matches = object.count("matches", (1, RECENT_MATCHES_MAX), faults);
    let within_s = object.count("withinSeconds", (1, RECENT_SECONDS_MAX), faults);
    let Some(node) = object.get("source") else {
        if let Some(member) = SUPPLIED.iter().find(|member| object.get(member).is_some()) {
            faults.add(object.place(member), format!("`{member}` means nothing without `source`"));
        }
        return None;
    };
    object.choice("source", &[("recentOpponents", ())], faults)?;
    if kind != AttributeKind::StringList {
        faults.add(node.begin, "`recentOpponents` is for an attribute of type `string_list`");
        return None;
    }
    if object.get("matches").is_none() && object.get("withinSeconds").is_none() {
        faults.add(node.begin, "`recentOpponents` needs `matches`, `withinSeconds` or both");
        return None;
    }
    Some(Supplied { matches: matches.unwrap_or(RECENT_MATCHES_MAX), within_s })
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
