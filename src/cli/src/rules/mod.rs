//! `gsm rules`: rule sets looked at without a server.
mod explain;
mod plan;
mod validate;

use crate::output::{Failure, Outcome, note};
use clap::{Args, Subcommand};
use gsm_rules::{Dialect, Fault, Parsed, RuleSet, parse};
use std::{fmt::Display, fs, path::Path};

/// `gsm rules`
#[derive(Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Name every fault of rule sets, with its place
    Validate(validate::Validate),
    /// What an index answers of a rule set, and what is left for each candidate match
    Plan(plan::Plan),
    /// Why a ticket of a recorded pool still waits
    Explain(explain::Explain),
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        match self.what {
            What::Validate(command) => command.run(),
            What::Plan(command) => command.run(),
            What::Explain(command) => command.run(),
        }
    }
}

/// A lawful rule set with its text; warnings and faults are told, and faults are the end.
pub(crate) fn load(file: &Path) -> Result<(RuleSet, String), Failure> {
    let text = read(file)?;
    match parse(&text, Dialect::Extended) {
        Ok(Parsed { set, warnings }) => {
            warnings.iter().for_each(|fault| note(line(file, "warning: ", fault)));
            Ok((set, text))
        }
        Err(faults) => {
            faults.iter().for_each(|fault| note(line(file, "", fault)));
            Err(Failure { text: String::new(), code: 2 })
        }
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
}

/// `FILE:line:column: $.path (rule `name`): message`, as editors take it; `word` stands before the path.
fn line(file: &Path, word: &str, fault: &Fault) -> impl Display {
    let rule = fault.rule.as_ref().map(|rule| format!(" (rule `{rule}`)")).unwrap_or_default();
    let Fault { line, column, path, message, .. } = fault;
    format!("{}:{line}:{column}: {word}{path}{rule}: {message}", file.display())
}
