use super::{Signed, file};
use crate::output::{Failure, Outcome, grouped, print_json, say};
use clap::Args;
use gsm_audit::Verdict;
use serde_json::json;
use std::path::PathBuf;

/// `gsm audit verify`
#[derive(Args)]
#[command(after_help = "Examples:
  cp gsm-data/audit/log.vkey ~/gsm.vkey                 once, while the log is known good
  gsm audit verify --dir gsm-data/audit --vkey ~/gsm.vkey
  gsm audit verify --dir gsm-data/audit --vkey ~/gsm.vkey --anchor checkpoint-of-may
  gsm audit verify --dir s3://my-audit-logs/gsm-1 --vkey ~/gsm.vkey      a copy, made by `gsm audit ship`

An anchor is a checkpoint that was kept where nobody who can write the log can reach it. Without one, a log that was rolled
back as a whole, or built anew with a stolen key, looks whole. The server may run meanwhile.

Exit code 0: whole; 1: damaged, with the first bad record; 2: it could not be checked.")]
pub(crate) struct Verify {
    #[command(flatten)]
    signed: Signed,
    /// An older checkpoint, kept elsewhere
    #[arg(long, value_name = "FILE")]
    anchor: Option<PathBuf>,
    /// For machines
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> Outcome {
        let keys = self.signed.keys()?;
        let anchor = self.anchor.as_deref().map(file).transpose()?;
        match gsm_audit::verify(&*self.signed.place.files()?, &keys, anchor.as_deref()) {
            Verdict::Whole(whole) => {
                if self.json {
                    let (size, origin) = (whole.checkpoint.size, whole.checkpoint.origin);
                    return print_json(&json!({
                        "verdict": "whole", "size": size, "origin": origin, "not_yet_signed": whole.behind,
                    }));
                }
                say(format_args!(
                    "whole: {} records of {}",
                    grouped(whole.checkpoint.size),
                    whole.checkpoint.origin
                ));
                if whole.behind > 0 {
                    say(format_args!("{} more wait for the next checkpoint", grouped(whole.behind)));
                }
                Ok(())
            }
            Verdict::Damaged(damage) => {
                if self.json {
                    print_json(&json!({
                        "verdict": "damaged", "first_bad_seq": damage.first_bad, "exact": damage.exact,
                        "findings": damage.findings,
                    }))?;
                } else {
                    let from = if damage.exact { "" } else { " or a later one" };
                    match damage.first_bad {
                        Some(first) => say(format_args!("damaged: first bad record {first}{from}")),
                        None => say(format_args!("damaged: no record is in doubt, but")),
                    }
                    damage.findings.iter().for_each(|finding| say(format_args!("  {finding}")));
                }
                Err(Failure::failed(""))
            }
            Verdict::Unchecked(why) => {
                if self.json {
                    print_json(&json!({ "verdict": "unchecked", "why": why }))?;
                }
                Err(Failure::usage(why))
            }
        }
    }
}
