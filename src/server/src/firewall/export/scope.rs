//! Which requests a rule counts, as statements of WAF.
use super::hcl::{Hcl, quoted};
use gsm_security::{Face, Glob, Rule};
use std::collections::BTreeMap;

/// Characters of a regular expression.
const REGEX_CHARS_MAX: usize = 512;

/// One look at a request.
#[derive(Clone)]
pub(super) enum Leaf {
    Method(Vec<String>),
    Path(String),
    PathRegex(String),
    Target(String),
    TargetPrefix,
    CborPrefix,
    NotTargetPrefix,
    NotCborPrefix,
    /// What the Authorization header begins with, in small letters: its scheme has any.
    Token(&'static str),
}

/// Tokens of players are JWTs, whose first byte is `{`: `e` in base64. What else callers send begins otherwise: keys and tokens of
/// matches as below, signatures with `AWS4-`. To demand the one needs no statement more, where Terraform's go no deeper.
pub(super) const PLAYER_TOKENS: &str = "bearer e";
/// API keys (`gsmk_`) and tokens of matches (`gsm1.`).
pub(super) const KEYS: &str = "bearer gsm";

const TARGET_PREFIX: &str = "GameLift.";
const CBOR_PREFIX: &str = "/service/GameLift/";

/// What a request must be to count: one of these, all of each. None: any request. Nothing where no request can be.
pub(super) fn scope(rule: &Rule) -> Option<Vec<Vec<Leaf>>> {
    let methods: Vec<String> = rule.methods.iter().map(ToString::to_string).collect();
    let mut always: Vec<Leaf> = Vec::new();
    if !rule.paths.is_empty() {
        always.extend(regexes(rule.paths.iter().map(of_glob)).into_iter().next().map(Leaf::PathRegex));
    }
    if rule.actions.is_empty() {
        if !methods.is_empty() {
            always.push(Leaf::Method(with_head(methods)));
        }
        return Some(match rule.face {
            Some(Face::Native) if rule.paths.is_empty() => {
                always.extend([Leaf::NotTargetPrefix, Leaf::NotCborPrefix]);
                vec![always]
            }
            Some(Face::Gamelift) => [Leaf::TargetPrefix, Leaf::CborPrefix]
                .into_iter()
                .map(|leaf| always.iter().cloned().chain([leaf]).collect())
                .collect(),
            _ if always.is_empty() => vec![],
            _ => vec![always],
        });
    }
    let mut ways = Vec::new();
    let mut by_method: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, method, action) in crate::api::operations().all() {
        let fits = rule.actions.iter().any(|glob| glob.matches(action));
        if fits
            && rule.face != Some(Face::Gamelift)
            && (methods.is_empty() || methods.contains(&method.to_string()))
        {
            by_method.entry(method.to_string()).or_default().push(of_template(path));
        }
    }
    for (method, paths) in by_method {
        for regex in regexes(paths.into_iter()) {
            let mut all = always.clone();
            all.extend([Leaf::Method(with_head(vec![method.clone()])), Leaf::PathRegex(regex)]);
            ways.push(all);
        }
    }
    for action in crate::gamelift::actions() {
        if rule.face != Some(Face::Native) && rule.actions.iter().any(|glob| glob.matches(action)) {
            let name = action.rsplit(':').next().unwrap_or_default();
            for leaf in [
                Leaf::Target(format!("{TARGET_PREFIX}{name}")),
                Leaf::Path(format!("{CBOR_PREFIX}operation/{name}")),
            ] {
                ways.push(always.iter().cloned().chain([leaf]).collect());
            }
        }
    }
    (!ways.is_empty()).then_some(ways)
}

/// HEAD counts where GET does.
fn with_head(mut methods: Vec<String>) -> Vec<String> {
    let has = |name: &str| methods.iter().any(|method| method == name);
    if has("GET") && !has("HEAD") {
        methods.push("HEAD".to_owned());
    }
    methods
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if !c.is_ascii_alphanumeric() && !matches!(c, '/' | '_' | '-') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn of_glob(glob: &Glob) -> String {
    let marked = escaped(glob.as_str());
    marked.replace("\\*\\*", ".*").replace("\\*", "[^/]*")
}

/// `/v1/players/{player_id}` as a regular expression.
fn of_template(path: &str) -> String {
    let segment = |part: &str| if part.starts_with('{') { "[^/]+".to_owned() } else { escaped(part) };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// As few expressions as hold all alternatives.
fn regexes(alternatives: impl Iterator<Item = String>) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    for one in alternatives {
        match groups.last_mut().filter(|group| group.len() + one.len() + 5 <= REGEX_CHARS_MAX) {
            Some(group) => *group = format!("{group}|{one}"),
            None => groups.push(one),
        }
    }
    groups.into_iter().map(|group| format!("^({group})$")).collect()
}

impl Leaf {
    pub(super) fn write(&self, out: &mut Hcl) {
        match self {
            Self::Method(methods) => match methods.as_slice() {
                [one] => bytes(out, "EXACTLY", one, "method {}", "NONE"),
                many => regex(out, &format!("^({})$", many.join("|")), "method {}", "NONE"),
            },
            Self::Path(path) => bytes(out, "EXACTLY", path, "uri_path {}", "URL_DECODE"),
            Self::PathRegex(text) => regex(out, text, "uri_path {}", "URL_DECODE"),
            Self::Target(target) => bytes(out, "EXACTLY", target, TARGET_FIELD, "NONE"),
            Self::TargetPrefix => bytes(out, "STARTS_WITH", TARGET_PREFIX, TARGET_FIELD, "NONE"),
            Self::CborPrefix => bytes(out, "STARTS_WITH", CBOR_PREFIX, "uri_path {}", "URL_DECODE"),
            Self::NotTargetPrefix => Self::TargetPrefix.write_not(out),
            Self::NotCborPrefix => Self::CborPrefix.write_not(out),
            Self::Token(start) => bytes(out, "STARTS_WITH", start, TOKEN_FIELD, "LOWERCASE"),
        }
    }

    fn write_not(&self, out: &mut Hcl) {
        out.open("not_statement");
        out.open("statement");
        self.write(out);
        out.close();
        out.close();
    }
}

/// Headers, by their names.
const TARGET_FIELD: &str = "x-amz-target";
const TOKEN_FIELD: &str = "authorization";

fn field(out: &mut Hcl, field: &str, transformation: &str) {
    out.line("");
    out.open("field_to_match");
    if [TARGET_FIELD, TOKEN_FIELD].contains(&field) {
        out.open("single_header");
        out.attrs(&[("name", quoted(field))]);
        out.close();
    } else {
        out.line(field);
    }
    out.close();
    transformed(out, transformation);
}

pub(super) fn transformed(out: &mut Hcl, kind: &str) {
    out.line("");
    out.open("text_transformation");
    out.attrs(&[("priority", "0".to_owned()), ("type", quoted(kind))]);
    out.close();
}

fn bytes(out: &mut Hcl, constraint: &str, text: &str, of: &str, transformation: &str) {
    out.open("byte_match_statement");
    out.attrs(&[("positional_constraint", quoted(constraint)), ("search_string", quoted(text))]);
    field(out, of, transformation);
    out.close();
}

fn regex(out: &mut Hcl, text: &str, of: &str, transformation: &str) {
    out.open("regex_match_statement");
    out.attrs(&[("regex_string", quoted(text))]);
    field(out, of, transformation);
    out.close();
}

/// All of `leaves`: as they are, or joined.
pub(super) fn all_of(out: &mut Hcl, leaves: &[Leaf]) {
    if let [one] = leaves {
        return one.write(out);
    }
    out.open("and_statement");
    for leaf in leaves {
        out.open("statement");
        leaf.write(out);
        out.close();
    }
    out.close();
}
