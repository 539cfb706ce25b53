//! `config/gsm.toml` and `docs/config.md`, from the struct: its doc comments are the comments of the file.
use super::Config;
use serde_json::Value;
use std::{fmt::Write as _, sync::LazyLock};
use utoipa::{PartialSchema, ToSchema, openapi::RefOr};

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    OptionalText,
    Other,
}

struct Key {
    section: String,
    section_doc: String,
    name: String,
    doc: String,
    default: Option<toml::Value>,
    example: Option<Value>,
    kind: Kind,
}

static KEYS: LazyLock<Vec<Key>> = LazyLock::new(keys);

/// The keys in the order of the file.
fn keys() -> Vec<Key> {
    let defaults = toml::Table::try_from(Config::default()).unwrap_or_default();
    let mut schemas: Vec<(String, RefOr<utoipa::openapi::Schema>)> = Vec::new();
    Config::schemas(&mut schemas);
    let schemas: Vec<(String, Value)> = schemas
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    let root = serde_json::to_value(Config::schema()).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().replace('\n', " ");
    let mut all = Vec::new();
    for (section, member) in root["properties"].as_object().into_iter().flatten() {
        let section_default = defaults.get(section).and_then(toml::Value::as_table);
        let reference = find_reference(member).unwrap_or_default();
        let Some((_, schema)) = schemas.iter().find(|(name, _)| *name == reference) else { continue };
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let is_text = |t: &Value| t == "string";
            let kind = match &property["type"] {
                t if is_text(t) => Kind::Text,
                Value::Array(types) if types.iter().any(is_text) => Kind::OptionalText,
                _ if property.get("oneOf").is_some() || property.get("$ref").is_some() => Kind::OptionalText,
                _ => Kind::Other,
            };
            all.push(Key {
                section: section.clone(),
                section_doc: text(&schema["description"]),
                name: name.clone(),
                doc: text(&property["description"]),
                default: section_default.and_then(|d| d.get(name)).cloned(),
                example: property.get("example").cloned(),
                kind,
            });
        }
    }
    all
}

fn find_reference(member: &Value) -> Option<String> {
    match member {
        Value::Object(map) => match map.get("$ref").and_then(Value::as_str) {
            Some(reference) => reference.rsplit('/').next().map(str::to_owned),
            None => map.values().find_map(find_reference),
        },
        Value::Array(items) => items.iter().find_map(find_reference),
        _ => None,
    }
}

pub(super) fn kind_of(key: &str) -> Option<Kind> {
    KEYS.iter().find(|k| format!("{}.{}", k.section, k.name) == key).map(|k| k.kind)
}

/// Lines of at most `width` characters, each behind `# `.
fn comment(out: &mut String, text: &str, width: usize) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > width {
            let _ = writeln!(out, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
}

/// `config/gsm.toml`: every key with its meaning and its default.
#[must_use]
pub fn template() -> String {
    let mut out = String::new();
    comment(
        &mut out,
        "The configuration of gsm. Every key is here with its default; keys that are commented out have none. A key can \
         also be set by a variable (http.listen is GSM__HTTP__LISTEN), which wins over the file, and some by flags, which \
         win over both. `gsm config show` tells where each value comes from.",
        100,
    );
    let mut section = "";
    for key in KEYS.iter() {
        if key.section != section {
            section = &key.section;
            let _ = write!(out, "\n\n");
            comment(&mut out, &key.section_doc, 100);
            let _ = writeln!(out, "[{section}]");
        }
        let _ = writeln!(out);
        comment(&mut out, &key.doc, 100);
        let _ = match (&key.default, &key.example) {
            (Some(value), _) => writeln!(out, "{} = {value}", key.name),
            (None, Some(example)) => writeln!(out, "# {} = {example}", key.name),
            (None, None) => writeln!(out, "# {} =", key.name),
        };
    }
    let _ = write!(
        out,
        "\n# An issuer of players, back ends or operators; repeat the block for more. It replaces `trusted_issuers = []` above.\n\
         # [[auth.trusted_issuers]]\n# iss = \"https://studio.example/\"\n# jwks = \"studio-jwks.json\"\n\
         # roles = [\"server\", \"operator\", \"auditor\"]\n# role_claim = \"role\"\n\
         \n# One whose keys are fetched: by its OpenID Connect discovery document, or from `jwks_url`.\n\
         # [[auth.trusted_issuers]]\n# iss = \"https://accounts.example/\"\n# aud = \"my-game\"\n# discovery = true\n\
         # roles = [\"player\"]\n\
         \n# Whom a client certificate speaks for; repeat the block for more. It replaces `clients = []` above.\n\
         # [[tls.clients]]\n# subject = \"O=Studio, CN=game-1\"\n# name = \"game-1\"\n# role = \"server\"\n\
         \n# A destination of matchmaking events; repeat the block for more. It replaces `webhooks = []` above.\n\
         # [[events.webhooks]]\n# name = \"matchmaking\"\n# url = \"https://backend.example/matchmaking\"\n\
         # secret_file = \"webhook.secret\"\n# shape = \"event_bridge\"\n# all = true\n\
         \n# A rule of the firewall (docs/firewall.md); repeat the block for more. It replaces `rules = []` above.\n\
         # [[firewall.rules]]\n# name = \"result_of_one_game\"\n# paths = [\"/v1/matches/*/result\"]\n\
         # key = \"header:X-Game\"\n# limit = 600\n# window_s = 60\n# action = \"count\"\n"
    );
    out
}

/// `docs/config.md`.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(
        "# Configuration\n\nDefaults, then the file of `--config`, then `GSM__SECTION__KEY`, then flags; the last one wins. \
         `gsm config check` says what is wrong or risky, `gsm config show` where each value comes from.\n\n\
         | key | default | meaning |\n|---|---|---|\n",
    );
    for key in KEYS.iter() {
        let default = key.default.as_ref().map(|value| format!("`{value}`")).unwrap_or_default();
        let _ = writeln!(out, "| `{}.{}` | {default} | {} |", key.section, key.name, key.doc);
    }
    super::limits::markdown(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_the_default_configuration() {
        assert_eq!(toml::from_str::<Config>(&template()).unwrap(), Config::default());
        assert!(KEYS.len() > 15 && KEYS.iter().all(|k| !k.doc.is_empty() && !k.section_doc.is_empty()));
        assert_eq!((kind_of("http.listen"), kind_of("http.drain_s")), (Some(Kind::Text), Some(Kind::Other)));
        assert_eq!(kind_of("auth.player_jwks"), Some(Kind::OptionalText));
    }

    /// Generated files must be those in the repository; `UPDATE_DOCS=1` writes them anew.
    #[test]
    fn generated_files_are_current() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let files = [
            ("config/gsm.toml", template()),
            ("docs/config.md", markdown()),
            ("docs/errors.md", crate::codes_markdown()),
            ("docs/metrics.md", crate::metrics_markdown()),
        ];
        for (path, wanted) in files {
            #[expect(clippy::disallowed_methods, reason = "a developer asks for new files")]
            if std::env::var("UPDATE_DOCS").is_ok() {
                std::fs::write(root.join(path), &wanted).unwrap();
            }
            let found = std::fs::read_to_string(root.join(path)).unwrap_or_default();
            assert!(
                found == wanted,
                "{path} is stale: UPDATE_DOCS=1 cargo test -p gsm-server --lib generated_files"
            );
        }
    }
}
