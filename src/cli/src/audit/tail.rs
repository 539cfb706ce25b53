use super::Place;
use crate::output::{Outcome, say};
use clap::Args;
use serde_json::Value;
use std::{collections::VecDeque, time::Duration};

/// Between looks.
const LOOK: Duration = Duration::from_millis(500);

/// `gsm audit tail`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm audit tail --dir gsm-data/audit
  gsm audit tail --dir gsm-data/audit -n 100 --json | jq .eventName
  gsm audit tail --dir gsm-data/audit --follow")]
pub(crate) struct Tail {
    #[command(flatten)]
    place: Place,
    /// So many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    lines: usize,
    /// Wait for more, until Ctrl-C
    #[arg(long)]
    follow: bool,
    /// The records as they are
    #[arg(long)]
    json: bool,
}

impl Tail {
    pub(super) fn run(self) -> Outcome {
        let mut next = None;
        loop {
            next = Some(self.show(next)?);
            if !self.follow {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Prints the records from `next` on, or the last ones; what comes next.
    fn show(&self, next: Option<u64>) -> Result<u64, crate::output::Failure> {
        let (mut last, mut seq) = (VecDeque::new(), 0);
        let mut segments: Vec<_> = self.place.segments()?.collect::<Result<_, _>>()?;
        // The last two have all that is asked for, unless very much is.
        let old = segments.len().saturating_sub(if self.lines > 65_536 { usize::MAX } else { 2 });
        for (first, text) in segments.drain(old..) {
            seq = first;
            // A line without an end is not written to its end yet.
            for line in text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
                if next.is_none_or(|next| seq >= next) {
                    last.push_back(line.to_vec());
                }
                if next.is_none() && last.len() > self.lines {
                    last.pop_front();
                }
                seq += 1;
            }
        }
        for line in last {
            if self.json {
                say(String::from_utf8_lossy(line.trim_ascii_end()));
            } else {
                say(shown(&serde_json::from_slice(&line).unwrap_or(Value::Null)));
            }
        }
        Ok(seq)
    }
}

/// A record for people.
fn shown(record: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let who = &record["userIdentity"];
    let about = record["resources"].as_array().into_iter().flatten().map(|of| text(&of["ARN"]));
    let about = about.take(3).collect::<Vec<_>>().join(" ");
    let error = record["errorCode"].as_str().map(|code| format!(" refused: {code}")).unwrap_or_default();
    let count =
        record["additionalEventData"]["count"].as_u64().map(|n| format!(" ({n} times)")).unwrap_or_default();
    format!(
        "{} {} {} {} {}{error}{count} {about}",
        record["seq"],
        text(&record["eventTime"]),
        text(&record["eventName"]),
        text(&who["type"]),
        text(&who["principalId"]),
    )
}
