//! What players bring to the rules: how much of it is taken, and from whom.
use crate::{
    Call, EngineError, NewTicket, QueueConfig,
    store::{Brought, bytes_of},
};
use gsm_core::limits::{
    ATTRIBUTE_CHARS_MAX, ATTRIBUTE_ENTRIES_MAX, ATTRIBUTE_NAME_CHARS_MAX, ATTRIBUTE_STRINGS_MAX,
    ATTRIBUTES_MAX, BROUGHT_BYTES_MAX, LATENCIES_MAX,
};
use gsm_rules::Value;
use std::collections::BTreeSet;

/// Why an attribute that a player brings is refused.
pub(crate) const NOT_FOR_PLAYERS: &str = "is not for players to bring in this queue";

/// Checks what the players of a new ticket bring against the limits, and what players may bring themselves.
pub(super) fn check(call: &Call, new: &NewTicket, queue: &QueueConfig) -> Result<(), EngineError> {
    if !new.brought.is_empty() && new.brought.len() != new.members.len() + 1 {
        return Err(EngineError::invalid("members", "each of the party brings something, or nobody does"));
    }
    for (at, brought) in new.brought.iter().enumerate() {
        let whose = if at == 0 { String::new() } else { format!("members[{}].", at - 1) };
        amounts(&whose, brought)?;
        if call.principal.is_trusted() {
            continue;
        }
        if let Some(name) = brought.attributes.keys().find(|name| !queue.player_attributes.contains(name)) {
            return Err(EngineError::invalid(format!("{whose}attributes.{name}"), NOT_FOR_PLAYERS));
        }
    }
    Ok(())
}

fn amounts(whose: &str, brought: &Brought) -> Result<(), EngineError> {
    let refuse = |field: String, detail: String| Err(EngineError::invalid(field, detail));
    if brought.attributes.len() > ATTRIBUTES_MAX {
        return refuse(format!("{whose}attributes"), format!("at most {ATTRIBUTES_MAX} attributes"));
    }
    if brought.latency_ms.len() > LATENCIES_MAX {
        return refuse(format!("{whose}latency_ms"), format!("at most {LATENCIES_MAX} locations"));
    }
    for (location, ms) in &brought.latency_ms {
        if !is_name(location) || *ms == 0 {
            let detail = format!("1 to {ATTRIBUTE_NAME_CHARS_MAX} characters, and at least 1 millisecond");
            return refuse(format!("{whose}latency_ms.{location}"), detail);
        }
    }
    for (name, value) in &brought.attributes {
        let field = || format!("{whose}attributes.{name}");
        if !is_name(name) {
            return refuse(field(), format!("a name has 1 to {ATTRIBUTE_NAME_CHARS_MAX} characters"));
        }
        let fault = match value {
            Value::Number(number) if !number.is_finite() => Some("must be a finite number".to_owned()),
            Value::List(texts) if texts.iter().collect::<BTreeSet<_>>().len() > ATTRIBUTE_STRINGS_MAX => {
                Some(format!("at most {ATTRIBUTE_STRINGS_MAX} strings"))
            }
            Value::Map(entries) if entries.len() > ATTRIBUTE_ENTRIES_MAX => {
                Some(format!("at most {ATTRIBUTE_ENTRIES_MAX} entries"))
            }
            Value::Map(entries) if entries.values().any(|number| !number.is_finite()) => {
                Some("must be finite numbers".to_owned())
            }
            _ => None,
        };
        if let Some(detail) = fault {
            return refuse(field(), detail);
        }
        let is_long = |text: &String| text.chars().count() > ATTRIBUTE_CHARS_MAX;
        let any_long = match value {
            Value::Number(_) => false,
            Value::Text(text) => is_long(text),
            Value::List(texts) => texts.iter().any(is_long),
            Value::Map(entries) => entries.keys().any(is_long),
        };
        if any_long {
            return refuse(field(), format!("a string has at most {ATTRIBUTE_CHARS_MAX} characters"));
        }
    }
    let bytes = brought.bytes();
    if bytes > BROUGHT_BYTES_MAX {
        let most = if bytes_of(&brought.latency_ms) > bytes / 2 { "latency_ms" } else { "attributes" };
        let detail = format!(
            "a player's attributes and latencies take at most {BROUGHT_BYTES_MAX} bytes together, these take {bytes}"
        );
        return refuse(format!("{whose}{most}"), detail);
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= ATTRIBUTE_NAME_CHARS_MAX
}
