//! Policies from their texts: parsed, named, checked against the schema.
use crate::{
    Policies, depth,
    table::{self, Operation},
};
use cedar_policy::{Authorizer, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, thread,
};

/// Bytes of one file.
const FILE_BYTES_MAX: usize = 256 * 1024;
/// Policies in all.
const POLICIES_MAX: usize = 1_000;

/// What is wrong with a policy, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to do, where that is known.
    pub help: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.what)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

/// Everything that is wrong with a set of policies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Fault::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// A policy as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyText {
    /// Its name: the annotation `@id`, or the file and its number in it.
    pub id: String,
    /// Where it is.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// The policy.
    pub text: String,
}

/// Line and column of a byte in a text, both from 1.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

fn fault(file: &str, text: &str, within: usize, diagnostic: &dyn Diagnostic) -> Fault {
    let offset = diagnostic.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset());
    let (line, column) = place(text, within + offset);
    let help = diagnostic.help().map(|help| help.to_string());
    Fault { file: file.to_owned(), line, column, what: diagnostic.to_string(), help }
}

/// The policies of a file in the order of the file.
fn parse(file: &str, text: &str, terms: &mut usize) -> Result<PolicySet, Vec<Fault>> {
    let at_start = |what: &str| {
        vec![Fault { file: file.to_owned(), line: 1, column: 1, what: what.to_owned(), help: None }]
    };
    if text.len() > FILE_BYTES_MAX {
        return Err(at_start("the file is longer than 256 KiB"));
    }
    if let Some((offset, what, help)) = depth::excess(text, terms) {
        let (line, column) = place(text, offset);
        let help = Some(help.to_owned());
        return Err(vec![Fault { file: file.to_owned(), line, column, what, help }]);
    }
    let set: PolicySet = text.parse().map_err(|errors: cedar_policy::ParseErrors| {
        errors.iter().map(|error| fault(file, text, 0, error)).collect::<Vec<_>>()
    })?;
    if set.num_of_templates() > 0 {
        return Err(at_start("templates (`?principal`, `?resource`) are not taken: write the policy out"));
    }
    Ok(set)
}

impl Policies {
    /// Reads policies, each file as (name, text), over a table of operations.
    ///
    /// # Errors
    /// Every fault of every file: what does not parse, what the schema does not know, what has the name of another.
    pub fn load(operations: &[Operation], files: &[(String, String)]) -> Result<Self, Faults> {
        // Cedar reads and checks recursively, also what is within the bounds: not on the stack of whoever calls.
        thread::scope(|scope| {
            let reader = thread::Builder::new().stack_size(depth::STACK_BYTES);
            let reading = reader.spawn_scoped(scope, || Self::read(operations, files));
            match reading.map(|reading| reading.join()) {
                Ok(Ok(read)) => read,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(error) => Err(Faults(vec![Fault {
                    file: "the policies".into(),
                    line: 1,
                    column: 1,
                    what: format!("there is no thread to read them: {error}"),
                    help: None,
                }])),
            }
        })
    }

    fn read(operations: &[Operation], files: &[(String, String)]) -> Result<Self, Faults> {
        let own = |what: String| {
            Faults(vec![Fault { file: "the schema".into(), line: 1, column: 1, what, help: None }])
        };
        let text = table::schema(operations);
        let (schema, _) = Schema::from_cedarschema_str(&text).map_err(|error| own(error.to_string()))?;
        let (mut set, mut texts, mut faults) = (PolicySet::new(), Vec::new(), Vec::new());
        let mut sources: BTreeMap<String, (&str, &str)> = BTreeMap::new();
        let mut terms = 0;
        for (file, text) in files {
            let parsed = match parse(file, text, &mut terms) {
                Ok(parsed) => parsed,
                Err(found) => {
                    faults.extend(found);
                    continue;
                }
            };
            let mut policies: Vec<_> = parsed.policies().collect();
            policies.sort_by_key(|policy| number(policy.id()));
            let mut from = 0;
            for (at, policy) in policies.into_iter().enumerate() {
                let id = policy.annotation("id").filter(|id| !id.is_empty()).map(str::to_owned);
                let id = id.unwrap_or_else(|| format!("{file}#{}", at + 1));
                let written = policy.to_cedar().unwrap_or_default();
                let begins = text.get(from..).and_then(|rest| rest.find(&written)).map_or(from, |n| from + n);
                from = begins + written.len().min(text.len() - begins);
                let (line, column) = place(text, begins);
                if sources.insert(id.clone(), (file, text)).is_some() {
                    let what = format!("there is another policy of the name `{id}`");
                    let help = Some("give it another @id".to_owned());
                    faults.push(Fault { file: file.clone(), line, column, what, help });
                    continue;
                }
                if set.num_of_policies() >= POLICIES_MAX {
                    let what = format!("there are more than {POLICIES_MAX} policies");
                    faults.push(Fault { file: file.clone(), line, column, what, help: None });
                    return Err(Faults(faults));
                }
                if let Err(error) = set.add(policy.new_id(PolicyId::new(&id))) {
                    faults.push(Fault {
                        file: file.clone(),
                        line,
                        column,
                        what: error.to_string(),
                        help: None,
                    });
                }
                texts.push(PolicyText { id, file: file.clone(), line, text: written });
            }
        }
        let checked = Validator::new(schema).validate(&set, ValidationMode::Strict);
        for error in checked.validation_errors() {
            let id: &str = error.policy_id().as_ref();
            if let Some((file, text)) = sources.get(id) {
                let mut found = fault(file, text, 0, error);
                if error.labels().is_none() {
                    found.line = texts.iter().find(|policy| policy.id == id).map_or(1, |policy| policy.line);
                }
                faults.push(found);
            }
        }
        if !faults.is_empty() {
            let mut seen = BTreeSet::new();
            faults.retain(|fault| seen.insert(fault.to_string()));
            return Err(Faults(faults));
        }
        let actions = table::actions(operations);
        let (ready, plain) = (BTreeMap::new(), BTreeMap::new());
        let mut policies = Self { authorizer: Authorizer::new(), actions, ready, plain, texts };
        policies.make_ready(&set).map_err(own)?;
        Ok(policies)
    }

    /// The policies as they were written.
    #[must_use]
    pub fn texts(&self) -> &[PolicyText] {
        &self.texts
    }
}

/// The place of a policy in its file: Cedar names them `policy0`, `policy1`, ...
fn number(id: &PolicyId) -> usize {
    let id: &str = id.as_ref();
    id.trim_start_matches("policy").parse().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(files: &[(&str, &str)]) -> Vec<String> {
        let operations = [Operation {
            action: "gsm:GetRank".into(),
            roles: vec!["player".into(), "admin".into()],
            mutating: false,
            needs_reason: false,
            resource: "Board".into(),
            parameters: vec!["board".into()],
        }];
        let files: Vec<_> = files.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
        match Policies::load(&operations, &files) {
            Ok(_) => Vec::new(),
            Err(Faults(faults)) => faults.iter().map(Fault::to_string).collect(),
        }
    }
    #[track_caller]
    fn check(text: &str, place: &str, what: &str) {
        let found = faults(&[("a.cedar", text)]);
        assert!(
            found
                .first()
                .is_some_and(|fault| fault.starts_with(&format!("a.cedar:{place}")) && fault.contains(what)),
            "{found:#?}"
        );
    }

    #[test]
    fn a_fault_is_told_with_file_and_line() {
        check("permit (principal, action, resource)\n", "1:37", "unexpected end");
        check(
            "permit (principal, action, resource);\n\npermit (principal action, resource);",
            "3:19",
            "unexpected",
        );
        check(
            "// one\npermit (\n  principal,\n  action == Action::\"gsm:GetRnak\",\n  resource\n);",
            "4:",
            "GetRnak",
        );
        check("permit (principal is Plyer, action, resource);", "1:", "Plyer");
        check("permit (principal, action, resource)\nwhen { context.colour == \"red\" };", "2:8", "colour");
        check("permit (principal, action, resource)\nwhen { context.address == 1 };", "2:", "");
        let of_nobody = "permit (principal, action, resource);\nforbid (principal in Role::\"oprator\", action, resource);";
        check(of_nobody, "2:22", "oprator");
        check(of_nobody, "2:22", "\"operator\"");
        check("permit (principal, action, resource)\nwhen { principal in Role::\"god\" };", "2:", "god");
        check("permit (principal, action, resource == Service::\"all\");", "1:", "all");
        check("permit (principal == Anonymous::\"anna\", action, resource);", "1:", "anna");
        check("permit (principal == ?principal, action, resource);", "1:1", "templates");
        check(
            "@id(\"x\") permit (principal, action, resource);\n@id(\"x\") permit (principal, action, resource);",
            "2:1",
            "another policy",
        );
        check(&" ".repeat(FILE_BYTES_MAX + 1), "1:1", "longer");
    }

    #[test]
    fn a_policy_is_not_deeper_than_the_stack() {
        let when = |condition: &str| format!("permit (principal, action, resource)\nwhen {{ {condition} }};");
        let nested = |open: &str, inner: &str, close: &str, n: usize| {
            when(&format!("{}{inner}{}", open.repeat(n), close.repeat(n)))
        };
        for deep in [
            nested("(", "true", ")", 200),
            nested("[", "1", "]", 2_000),
            nested("{a:", "1", "}", 2_000),
            nested("true && (", "true", ")", 2_000),
        ] {
            check(&deep, "2:", "nests deeper than");
        }
        check(&nested("if true then ", "true", " else true", 2_000), "2:", "operators");
        check(&when(&vec!["true"; 2_000].join(" || ")), "2:", "operators");
        check(&when(&format!("{}true", "!".repeat(2_000))), "2:", "operators");
        check(&when(&format!("context{} == 1", "[\"x\"]".repeat(2_000))), "2:", "operators");
        for clause in ["when { true }", "unless { false }"] {
            check(
                &format!("permit (principal, action, resource)\n{};", clause.repeat(2_000)),
                "2:",
                "operators",
            );
        }
        // What is just within the bounds is read, or refused in words.
        for n in [depth::NESTING_MAX - 2, depth::NESTING_MAX - 1] {
            faults(&[("a.cedar", &nested("(", "true", ")", n))]);
            faults(&[("a.cedar", &nested("{a:", "1", "}", n))]);
        }
        let most = vec!["true"; depth::OPERATORS_MAX - 1].join(" && ");
        assert_eq!(faults(&[("a.cedar", &when(&most))]), [""; 0]);
        faults(&[("a.cedar", &nested("if true then ", "true", " else true", depth::OPERATORS_MAX))]);
        // What is said in texts and comments nests nothing.
        let said =
            format!("// {}\n{}", "(".repeat(500), when(&format!("\"{}\\\"((\" == \"\"", "[".repeat(500))));
        assert_eq!(faults(&[("a.cedar", &said)]), [""; 0]);
    }

    #[test]
    fn a_policy_lists_no_more_than_can_be_checked_in_time() {
        let actions = |n| vec![r#"Action::"reads""#; n].join(",");
        let of = |n| format!("permit (principal,\naction in [{}], resource);\n", actions(n));
        check(&of(12_000), "2:", "lists");
        check(
            &format!("permit (principal, action, resource)\nwhen {{ {} }};", {
                format!("[{}].contains(\"\")", vec!["\"\""; 2_000].join(","))
            }),
            "2:",
            "lists",
        );
        // Two commas are in the head of every policy.
        assert_eq!(faults(&[("a.cedar", &of(depth::COMMAS_MAX - 1))]), [""; 0]);
        check(&of(depth::COMMAS_MAX), "2:", "lists");
        // Nor do all of them together.
        let one = of(400);
        let all = one.repeat(depth::TERMS_MAX / 402 / 2 + 1);
        let found = faults(&[("a.cedar", &all), ("b.cedar", &all)]);
        assert!(
            found.len() == 1 && found[0].starts_with("b.cedar:") && found[0].contains("all policies"),
            "{found:?}"
        );
    }

    #[test]
    fn all_faults_of_all_files_are_told() {
        let found =
            faults(&[("a.cedar", "permit"), ("b.cedar", "permit (principal is X, action, resource);")]);
        assert!(
            found.iter().any(|f| f.starts_with("a.cedar")) && found.iter().any(|f| f.starts_with("b.cedar")),
            "{found:?}"
        );
    }

    #[test]
    fn texts_know_their_place() {
        let text = "// c\n@id(\"x\")\npermit (principal, action, resource);\nforbid (principal, action, resource);\n";
        let policies = Policies::load(&[], &[("a.cedar".into(), text.into())]).unwrap();
        let places: Vec<_> = policies.texts().iter().map(|p| (p.id.as_str(), p.line)).collect();
        assert_eq!(places, [("x", 2), ("a.cedar#2", 4)]);
    }
}
