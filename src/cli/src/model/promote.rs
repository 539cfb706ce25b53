//! `gsm model promote` and `gsm model rollback`
use super::{Place, Who, blamed, train::MARGIN};
use crate::output::{Outcome, say};
use clap::Args;
use gsm_adapters::{SystemClock, models::Decision};
use gsm_core::{Clock as _, Mode};
use serde_json::json;

/// Longest reason, in bytes.
const REASON_BYTES_MAX: usize = 1_024;

/// `gsm model promote`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm model promote 3 --data-dir gsm-data
  gsm model promote 3 --data-dir gsm-data --margin 0.0002
  gsm model promote 3 --data-dir gsm-data --force --reason \"season 4 changed the maps\"

A version becomes champion only if its log loss, on matches that it had not seen, is lower by the margin (default 0.001)
than that of today's champion, of a rating system alone, and of a constant chance, on at least 100 matches. It must
have been compared with today's champion: train it again after another was promoted. Its file is read first; a damaged
one is refused by name and hash, and the champion stays. A server takes the new champion at its next start.

Exit code 0: done; 1: not better, or the file is damaged; 2: no such version.")]
pub(super) struct Promote {
    /// Its number in `gsm model list`
    #[arg(value_name = "VERSION")]
    version: u32,
    #[command(flatten)]
    place: Place,
    /// By so much lower must its log loss be
    #[arg(long, value_name = "NATS", default_value_t = MARGIN, value_parser = margin)]
    margin: f64,
    /// Do not ask whether it is better
    #[arg(long, requires = "reason", conflicts_with = "margin")]
    force: bool,
    /// Why, for the ledger
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: Option<String>,
    #[command(flatten)]
    who: Who,
    /// For machines
    #[arg(long)]
    json: bool,
}

/// `gsm model rollback`
#[derive(Args)]
#[command(after_help = "Example:
  gsm model rollback --data-dir gsm-data --mode duel --reason \"players complain\"

Said twice, it goes back by two. The file of the old champion is read first; where it is damaged, nothing changes.

Exit code 0: done; 1: the file is damaged; 2: there was no champion before.")]
pub(super) struct Rollback {
    #[command(flatten)]
    place: Place,
    /// The mode
    #[arg(long, value_name = "MODE")]
    mode: Mode,
    /// Why, for the ledger
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: Option<String>,
    #[command(flatten)]
    who: Who,
    /// For machines
    #[arg(long)]
    json: bool,
}

fn margin(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(margin) if (0.0..=1.0).contains(&margin) => Ok(margin),
        _ => Err("a number from 0 to 1".to_owned()),
    }
}

fn reason(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.len() > REASON_BYTES_MAX {
        return Err(format!("1 to {REASON_BYTES_MAX} bytes that say why"));
    }
    Ok(text.to_owned())
}

impl Promote {
    pub(super) fn run(self) -> Outcome {
        let decision =
            Decision { at: SystemClock::new().now(), by: self.who.name()?, reason: self.reason.as_deref() };
        let mut models = self.place.existing()?;
        let margin = (!self.force).then_some(self.margin);
        let replaced = models.promote(self.version, &decision, margin).map_err(blamed)?;
        let of = models.version(self.version).map_err(blamed)?;
        if self.json {
            say(
                json!({ "mode": of.about.mode, "champion": self.version, "replaced": replaced, "hash": of.hash }),
            );
        } else {
            let before =
                replaced.map(|version| format!(", in place of version {version}")).unwrap_or_default();
            say(format_args!("{} is the champion of {}{before}", of.about.name, of.about.mode));
        }
        Ok(())
    }
}

impl Rollback {
    pub(super) fn run(self) -> Outcome {
        let decision =
            Decision { at: SystemClock::new().now(), by: self.who.name()?, reason: self.reason.as_deref() };
        let mut models = self.place.existing()?;
        let replaced = models.champion(self.mode.as_str()).map(|of| of.version);
        let of = models.rollback(self.mode.as_str(), &decision).map_err(blamed)?;
        if self.json {
            say(json!({ "mode": self.mode, "champion": of.version, "replaced": replaced, "hash": of.hash }));
        } else {
            say(format_args!("{} is the champion of {} again", of.about.name, self.mode));
        }
        Ok(())
    }
}
