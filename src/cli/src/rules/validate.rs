//! `gsm rules validate`.
use super::{line, read};
use crate::output::{Failure, Outcome, note, print_json, say};
use clap::Args;
use gsm_rules::{Dialect, Parsed, parse};
use serde_json::json;
use std::path::PathBuf;

/// `gsm rules validate`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm rules validate config/rule-sets/*.json
  gsm rules validate --strict --json duel.json

Each fault is a line FILE:line:column: $.path: message, as editors take it. Warnings do not make a rule set unlawful.
Exit code 0: all are lawful; 2: one is not, or cannot be read.")]
pub(crate) struct Validate {
    /// Rule sets
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Take what FlexMatch takes and none of this server's extensions
    #[arg(long)]
    strict: bool,
    /// For machines
    #[arg(long)]
    json: bool,
}

impl Validate {
    pub(crate) fn run(self) -> Outcome {
        let dialect = if self.strict { Dialect::Strict } else { Dialect::Extended };
        let (mut all, mut lawful) = (Vec::new(), true);
        for file in &self.files {
            let name = file.display().to_string();
            let text = match read(file) {
                Ok(text) => text,
                Err(Failure { text, .. }) => {
                    lawful = false;
                    if self.json {
                        all.push(json!({ "file": name, "valid": false, "error": text, "faults": [], "warnings": [] }));
                    } else {
                        note(format_args!("gsm: {text}"));
                    }
                    continue;
                }
            };
            let (faults, warnings) = match parse(&text, dialect) {
                Ok(Parsed { warnings, .. }) => (Vec::new(), warnings),
                Err(faults) => (faults, Vec::new()),
            };
            lawful &= faults.is_empty();
            if self.json {
                let valid = faults.is_empty();
                all.push(json!({ "file": name, "valid": valid, "faults": faults, "warnings": warnings }));
                continue;
            }
            faults.iter().for_each(|fault| say(line(file, "", fault)));
            warnings.iter().for_each(|fault| say(line(file, "warning: ", fault)));
            if faults.is_empty() {
                say(format_args!("{}: lawful", file.display()));
            }
        }
        if self.json {
            print_json(&all)?;
        }
        if lawful { Ok(()) } else { Err(Failure { text: String::new(), code: 2 }) }
    }
}
