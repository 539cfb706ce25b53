use super::{Place, segments::whole_lines, unusable};
use crate::output::{Failure, Outcome, is_unread, say};
use clap::Args;
use serde_json::{Value, json};

/// `gsm audit export`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm audit export --dir gsm-data/audit                      every record, one a line, as it was hashed
  gsm audit export --dir gsm-data/audit --cloudtrail > trail.json
  gsm audit export --dir gsm-data/audit --first 65536 --limit 1000

It checks nothing: see `gsm audit verify`.")]
pub(crate) struct Export {
    #[command(flatten)]
    place: Place,
    /// One JSON object `{"Records": [..]}`, as CloudTrail delivers its files
    #[arg(long)]
    cloudtrail: bool,
    /// From this record on
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    first: u64,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    limit: u64,
    /// For CloudTrail's `awsRegion`
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    region: String,
    /// For CloudTrail's `recipientAccountId`
    #[arg(long, value_name = "ID", default_value = "000000000000")]
    account: String,
}

impl Export {
    pub(super) fn run(self) -> Outcome {
        let (mut left, mut begun) = (self.limit, false);
        let log = self.place.segments()?;
        let mut segments = log.from(self.first);
        while left > 0
            && !is_unread()
            && let Some(segment) = segments.next()
        {
            let (first, text) = segment?;
            let skip = usize::try_from(self.first.saturating_sub(first)).unwrap_or(usize::MAX);
            for line in whole_lines(&text).into_iter().skip(skip) {
                if left == 0 {
                    break;
                }
                left -= 1;
                if !self.cloudtrail {
                    say(String::from_utf8_lossy(line));
                    continue;
                }
                let record = self.delivered(line)?;
                say(format_args!("{}{record}", if begun { "," } else { "{\"Records\":[" }));
                begun = true;
            }
        }
        if self.cloudtrail {
            say(if begun { "]}" } else { "{\"Records\":[]}" });
        }
        Ok(())
    }

    /// A record with what CloudTrail's readers need and the log does not repeat in each.
    fn delivered(&self, line: &[u8]) -> Result<Value, Failure> {
        let mut record: Value = serde_json::from_slice(line)
            .map_err(|error| Failure::failed(format_args!("a record is no JSON: {error}")))?;
        let members = record.as_object_mut().ok_or_else(|| unusable("a record is no object"))?;
        let mut absent = |name: &str, value: Value| {
            members.entry(name).or_insert(value);
        };
        absent("awsRegion", json!(self.region));
        absent("recipientAccountId", json!(self.account));
        absent("sourceIPAddress", json!("gsm.internal"));
        absent("userAgent", json!("gsm.internal"));
        absent("eventCategory", json!("Management"));
        absent("managementEvent", json!(true));
        // CloudTrail's times are in whole seconds.
        if let Some(Value::String(time)) = members.get_mut("eventTime")
            && let Some((seconds, _)) = time.split_once('.')
        {
            *time = format!("{seconds}Z");
        }
        Ok(record)
    }
}
