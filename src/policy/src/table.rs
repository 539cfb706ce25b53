//! The table of operations as a Cedar schema.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// The roles of operators.
pub const ADMIN_ROLES: [&str; 5] = ["viewer", "support", "operator", "auditor", "owner"];
/// The name of the whole of what is called for, a `Service`.
pub const SERVICE: &str = "gsm";
/// Who can call, in the words of the table and as Cedar types.
pub(crate) const PRINCIPALS: [(&str, &str); 5] = [
    ("none", "Anonymous"),
    ("player", "Player"),
    ("server", "Server"),
    ("match", "Match"),
    ("admin", "Admin"),
];

/// An operation of any face.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its name, as `gsm:GetRank`; operations that do the same may share it.
    pub action: String,
    /// Who it is for at all: `none` (everybody), `player`, `server`, `match`, `admin`.
    pub roles: Vec<String>,
    /// Whether it changes anything.
    pub mutating: bool,
    /// Whether an operator must say why.
    pub needs_reason: bool,
    /// What it is about, as a Cedar type.
    pub resource: String,
    /// The parameters of its path; they are texts of the context.
    pub parameters: Vec<String>,
}

/// What the table says of an action.
#[derive(Debug, Clone, Default)]
pub(crate) struct Action {
    pub(crate) principals: BTreeSet<&'static str>,
    pub(crate) groups: BTreeSet<String>,
    pub(crate) resources: BTreeSet<String>,
    parameters: BTreeSet<String>,
}

/// The Cedar type of a caller.
pub(crate) fn principal_type(kind: &str) -> &'static str {
    PRINCIPALS.iter().find(|(word, _)| *word == kind).map_or("Anonymous", |(_, of)| *of)
}

/// What a parameter of a path is called in the context: as it is called in the path, but where the context has another
/// thing of that name.
#[must_use]
pub fn context_name(parameter: &str) -> &str {
    match parameter {
        "address" => "path_address",
        "reason" => "path_reason",
        other => other,
    }
}

/// The groups that there always are, also while no action is in them.
const GROUPS: [&str; 11] = [
    "open-operations",
    "player-operations",
    "server-operations",
    "match-operations",
    "admin-operations",
    "reads",
    "writes",
    "keys",
    "audit",
    "gamelift",
    "reason-required",
];

/// The actions of the table with their groups.
pub(crate) fn actions(operations: &[Operation]) -> BTreeMap<String, Action> {
    let mut all: BTreeMap<String, Action> = BTreeMap::new();
    for operation in operations {
        let action = all.entry(operation.action.clone()).or_default();
        let mut group = |name: &str| action.groups.insert(name.to_owned());
        for role in &operation.roles {
            group(&format!("{}-operations", if role == "none" { "open" } else { role.as_str() }));
        }
        group(if operation.mutating { "writes" } else { "reads" });
        let name = operation.action.rsplit(':').next().unwrap_or_default();
        if name.contains("Key") {
            group("keys");
        }
        if name.contains("Audit") {
            group("audit");
        }
        if operation.action.starts_with("gamelift:") {
            group("gamelift");
        }
        if operation.needs_reason {
            group("reason-required");
        }
        action.principals.extend(operation.roles.iter().map(|role| principal_type(role)));
        action.resources.insert(operation.resource.clone());
        action.parameters.extend(operation.parameters.iter().map(|name| context_name(name).to_owned()));
    }
    all
}

/// The schema that policies over these operations are checked against, in Cedar's own notation.
#[must_use]
pub fn schema(operations: &[Operation]) -> String {
    let actions = actions(operations);
    let mut text = String::from(
        "// Made from the table of operations.\n\n// Who calls.\nentity Anonymous enum [\"\"];\nentity Match;\n\
         // `Player` is also what many operations are about.\nentity Player;\nentity Server;\nentity Admin in [Role];\n",
    );
    let _ = writeln!(text, "entity Role enum {ADMIN_ROLES:?};\n");
    let _ = writeln!(
        text,
        "// What is called for; `Service` is the whole of it.\nentity Service enum [\"{SERVICE}\"];"
    );
    let known = ["Player", "Match", "Service"];
    let resources: BTreeSet<&String> = actions.values().flat_map(|action| &action.resources).collect();
    for resource in resources.into_iter().filter(|name| !known.contains(&name.as_str())) {
        let _ = writeln!(text, "entity {resource};");
    }
    text.push_str("\n// Groups of actions.\n");
    for group in GROUPS {
        let _ = writeln!(text, "action \"{group}\";");
    }
    text.push_str("\n// Actions.\n");
    for (name, action) in &actions {
        let list = |of: &mut dyn Iterator<Item = &str>| of.collect::<Vec<_>>().join(", ");
        let groups = action.groups.iter().map(|group| format!("\"{group}\"")).collect::<Vec<_>>().join(", ");
        let principals = list(&mut action.principals.iter().copied());
        let resources = list(&mut action.resources.iter().map(String::as_str));
        let _ = writeln!(text, "action \"{name}\" in [{groups}] appliesTo {{");
        let _ = writeln!(text, "    principal: [{principals}],\n    resource: [{resources}],");
        let parameters: String = action.parameters.iter().map(|p| format!(", \"{p}\"?: String")).collect();
        let _ = writeln!(text, "    context: {{ address: ipaddr, reason?: String{parameters} }}\n}};");
    }
    text
}
