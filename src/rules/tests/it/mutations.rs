//! Texts that nobody would write.
use crate::make::{Dice, set};
use gsm_rules::{Dialect, parse};

const SEED: &str = r#"{"ruleLanguageVersion": "1.0", "name": "ü\u00e9\"", "playerAttributes": [{"name": "skill", "type": "number", "default": 1.5e2},
 {"name": "prefs", "type": "string_number_map", "default": {"dunes": 10}}],
 "algorithm": {"strategy": "exhaustiveSearch", "batchingPreference": "sorted", "sortByAttributes": ["skill"]},
 "teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 2, "quantity": 3}],
 "rules": [{"name": "R", "type": "absoluteSort", "sortDirection": "ascending", "sortAttribute": "prefs", "mapKey": "minValue"},
 {"name": "L", "type": "latency", "maxLatency": 50, "maxDistance": 5, "distanceReference": "avg"}],
 "expansions": [{"target": "rules[L].maxLatency", "steps": [{"waitTimeSeconds": 5, "value": 90}]}, {"target": "teams[a].maxPlayers", "steps": [{"waitTimeSeconds": 9, "value": 3}]}]}"#;

/// Pieces that are likely to hurt.
const PIECES: [&str; 16] = [
    "",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    ",",
    ":",
    "//",
    "null",
    "-1",
    "1e999",
    "teams[*].players",
    "((((",
    "\u{20ac}",
];

#[test]
fn no_mutated_text_makes_it_panic_or_takes_long() {
    for seed in 0..20_000 {
        let mut dice = Dice(seed);
        let mut text: Vec<char> =
            if dice.chance(50) { SEED.to_owned() } else { set(&mut dice, 4).text() }.chars().collect();
        for _ in 0..=dice.below(4) {
            let (from, to) = (dice.below(text.len() + 1), dice.below(text.len() + 1));
            match dice.below(4) {
                // Something else in the place of a few characters.
                0 => {
                    drop(text.splice(from..(from + dice.below(4)).min(text.len()), dice.one(&PIECES).chars()))
                }
                1 => text.truncate(from),
                // A part of the text once more, elsewhere.
                2 => {
                    let part = text[from.min(to)..from.max(to).min(from.min(to) + 60)].to_vec();
                    let at = dice.below(text.len() + 1);
                    drop(text.splice(at..at, part));
                }
                _ => drop(text.drain(from.min(to)..from.max(to).min(from.min(to) + 30))),
            }
        }
        let text: String = text.into_iter().collect();
        if let Err(faults) = parse(&text, Dialect::Strict) {
            assert!(
                !faults.is_empty() && faults.iter().all(|fault| fault.line > 0 && fault.column > 0),
                "{text}"
            );
        }
    }
}

/// Many stages, many rules, many names: each as far as the size of a text lets them go.
#[test]
fn texts_built_to_be_slow_end() {
    let steps: Vec<String> =
        (1..1_500).map(|n| format!(r#"{{"waitTimeSeconds": {n}, "value": 1}}"#)).collect();
    let long = format!(
        r#"{{"ruleLanguageVersion": "1.0", "teams": [{{"name": "a", "minPlayers": 1, "maxPlayers": 1}}],
        "rules": [{{"name": "L", "type": "latency", "maxLatency": 9}}], "expansions": [{{"target": "rules[L].maxLatency", "steps": [{}]}}]}}"#,
        steps.join(",")
    );
    let faults = parse(&long, Dialect::Strict).unwrap_err();
    assert!(faults[0].message.contains("63 different times"), "{faults:#?}");
    let rules: Vec<String> =
        (0..900).map(|n| format!(r#"{{"name": "L{n}", "type": "latency", "maxLatency": 9}}"#)).collect();
    let steps: Vec<String> =
        (1..63).map(|n| format!(r#"{{"waitTimeSeconds": {n}, "value": {n}}}"#)).collect();
    let wide = format!(
        r#"{{"ruleLanguageVersion": "1.0", "teams": [{{"name": "a", "minPlayers": 1, "maxPlayers": 1}}],
        "rules": [{}], "expansions": [{{"target": "rules[L5].maxLatency", "steps": [{}]}}]}}"#,
        rules.join(","),
        steps.join(",")
    );
    assert_eq!(parse(&wide, Dialect::Strict).unwrap().set.stages().len(), 63);
    let keys: Vec<String> = (0..6_000).map(|n| format!(r#""{n}": 0"#)).collect();
    assert!(parse(&format!("{{{}}}", keys.join(",")), Dialect::Strict).is_err());
}
