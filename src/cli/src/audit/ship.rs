use super::{Signed, unusable};
use crate::output::{Failure, Outcome, grouped, print_json, say};
use clap::Args;
use gsm_adapters::{
    CopyOptions, CopyPlace, RETENTION_DAYS_MAX, Receiver, Retention, SystemClock, checkpoint_line,
};
use gsm_audit::{CHECKPOINT, Checkpoint, ShipError, copy_is_whole, ship};
use gsm_core::Clock as _;
use serde_json::json;
use std::sync::Arc;

/// `gsm audit ship`
#[derive(Args)]
#[command(after_help = "Examples:
  gsm audit ship --dir gsm-data/audit --vkey gsm.vkey --to s3://my-audit-logs/gsm-1
  gsm audit ship --dir gsm-data/audit --vkey gsm.vkey --to /mnt/elsewhere/gsm-1
  gsm audit ship --dir gsm-data/audit --vkey gsm.vkey --syslog tcp://logs.example:601
  gsm audit verify --dir s3://my-audit-logs/gsm-1 --vkey gsm.vkey      is the copy whole

Copies what is new, up to the newest checkpoint; what was interrupted goes on the next time. A log that is damaged, or that is not
the one the copy was made of, is not shipped. Then the copy is read from its beginning: what is gone or was changed there is told.
The server may run meanwhile, and ships by itself with `audit.ship_to`; it looks at the end of the copy alone.

Exit code 0: the copy has everything; 1: it has not, and why; 2: bad usage.")]
pub(crate) struct Ship {
    #[command(flatten)]
    signed: Signed,
    /// A directory, or `s3://bucket/prefix`, whose bucket has Object Lock
    #[arg(long, value_name = "PLACE", required_unless_present = "syslog")]
    to: Option<CopyPlace>,
    /// Send the newest checkpoint to `udp://host:port`, `tcp://host:port` or `unix:///dev/log`
    #[arg(long, value_name = "ADDR")]
    syslog: Option<Receiver>,
    /// As which host it is sent
    #[arg(long, value_name = "NAME", default_value = "gsm-1")]
    node: String,
    /// How objects are locked: compliance, governance, or bucket (as the bucket does by itself)
    #[arg(long, value_name = "MODE", default_value = "compliance")]
    retention: Retention,
    /// For how long
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=i64::from(RETENTION_DAYS_MAX)))]
    retention_days: u32,
    /// For machines
    #[arg(long)]
    json: bool,
}

impl Ship {
    pub(super) fn run(self) -> Outcome {
        let keys = self.signed.keys()?;
        let place = &self.signed.place;
        let files = place.files()?;
        let clock = Arc::new(SystemClock::new());
        let mut told = json!({});
        if let Some(to) = &self.to {
            if *to == place.dir {
                return Err(unusable("--to must be another place than --dir"));
            }
            to.supported().map_err(unusable)?;
            let options =
                CopyOptions { retention: self.retention, days: self.retention_days, ..place.options() };
            let mut vault = to.open(&options, clock.clone()).map_err(Failure::failed)?;
            let shipped = ship(&*files, &mut *vault, &keys, &mut |_| true).map_err(refused)?;
            // What was put long ago may be gone, or changed.
            copy_is_whole(&*vault).map_err(refused)?;
            let new = shipped.size - shipped.before;
            told["size"] = json!(shipped.size);
            told["shipped"] = json!(new);
            if !self.json {
                say(format_args!("{to} has {} records, {} of them new", grouped(shipped.size), grouped(new)));
            }
        }
        if let Some(receiver) = &self.syslog {
            let note = files.read(CHECKPOINT).map_err(unusable)?;
            let note = note.ok_or_else(|| unusable("there is no checkpoint in the directory"))?;
            let checkpoint = Checkpoint::trusted(&note, &keys).map_err(Failure::failed)?;
            let line = checkpoint_line(&self.node, clock.now(), &String::from_utf8_lossy(&note));
            receiver.send(&line).map_err(|error| Failure::failed(format_args!("{receiver}: {error}")))?;
            told["checkpoint"] = json!(checkpoint.size);
            if !self.json {
                say(format_args!(
                    "sent to {receiver}: the checkpoint of {} records",
                    grouped(checkpoint.size)
                ));
            }
        }
        if self.json { print_json(&told) } else { Ok(()) }
    }
}

fn refused(error: ShipError) -> Failure {
    let hint = match error {
        ShipError::Copy { .. } => "",
        _ => {
            "\nhint: `gsm audit verify` says what is wrong with either; nothing of what is wrong was shipped"
        }
    };
    Failure::failed(format_args!("{error}{hint}"))
}
