//! The rule sets that are shipped, and those of the documentation.
use gsm_rules::{Dialect, Fault, parse};
use std::{fs, path::Path};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn shipped_rule_sets_are_lawful_and_without_warnings() {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("config/rule-sets")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let parsed = parse(&text, Dialect::Extended);
        let is_extended = ["\"objective\"", "\"type\": \"roles\"", "\"partyBalance\"", "\"parties\""]
            .iter()
            .any(|of| text.contains(of));
        assert_eq!(parse(&text, Dialect::Strict).is_err(), is_extended);
        let parsed = parsed.unwrap_or_else(|faults| panic!("{}: {faults:#?}", path.display()));
        assert_eq!(parsed.warnings, [], "{}", path.display());
        names.push((path.file_stem().unwrap().to_string_lossy().into_owned(), parsed.set.players_max()));
    }
    names.sort();
    let expected = [
        ("balance", 2),
        ("clans", 20),
        ("duel", 2),
        ("fives", 10),
        ("hunt", 5),
        ("near", 2),
        ("roles", 10),
        ("royale", 60),
    ];
    assert_eq!(names, expected.map(|(name, players)| (name.to_owned(), players)));
}

/// The fenced blocks of a document: what stands behind the fence, and the lines.
fn blocks(text: &str) -> Vec<(&str, String)> {
    let (mut all, mut open) = (Vec::new(), None);
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => open = Some((info, String::new())),
            (Some(_), Some(_)) => all.extend(open.take()),
            (None, Some((_, body))) => *body += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    all
}

#[test]
fn rule_sets_of_the_documentation_are_what_it_says() {
    let text = fs::read_to_string(root().join("docs/rule-sets.md")).unwrap();
    let (mut lawful, mut faults) = (0, Vec::new());
    for (info, body) in blocks(&text) {
        match info {
            "json" => {
                parse(&body, Dialect::Extended).unwrap_or_else(|faults| panic!("{body}: {faults:#?}"));
                lawful += 1;
            }
            "json refused" => faults = parse(&body, Dialect::Strict).expect_err(&body),
            "sh" => {}
            _ => {
                let line = |f: &Fault| {
                    let rule = f.rule.as_ref().map(|rule| format!(" (rule `{rule}`)")).unwrap_or_default();
                    format!("duo.json:{}:{}: {}{rule}: {}\n", f.line, f.column, f.path, f.message)
                };
                assert_eq!(body, faults.iter().map(line).collect::<String>());
            }
        }
    }
    assert_eq!((lawful, faults.len()), (7, 4));
}
