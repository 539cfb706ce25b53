//! `gsm audit`: the audit log of a server, checked and read from its files. No server need run.
mod export;
mod prove;
mod segments;
mod ship;
mod tail;
mod verify;

use crate::output::{Failure, Outcome};
use clap::{Args, Subcommand};
use gsm_adapters::{CopyOptions, CopyPlace, Retention, SystemClock};
use gsm_audit::{CHECKPOINT, Checkpoint, Files, Hash, LogError, VerifierKey, leaf_hash};
use segments::Segments;
use std::{fs, path::Path, sync::Arc};

/// `gsm audit`
#[derive(Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Check a whole log against a key that you trust
    Verify(verify::Verify),
    /// Prove that a record is in the log
    Prove(prove::Prove),
    /// Prove that the log only grew since an older checkpoint
    Consistency(prove::Consistency),
    /// Print records, as they are or as CloudTrail delivers them
    Export(export::Export),
    /// Copy the log to where nobody can take it back, or its checkpoint to syslog
    Ship(ship::Ship),
    /// Print the last records
    Tail(tail::Tail),
}

impl Command {
    pub(crate) fn run(self) -> Outcome {
        match self.what {
            What::Verify(command) => command.run(),
            What::Prove(command) => command.run(),
            What::Consistency(command) => command.run(),
            What::Export(command) => command.run(),
            What::Ship(command) => command.run(),
            What::Tail(command) => command.run(),
        }
    }
}

/// Where a log is, and by which key.
#[derive(Args)]
struct Signed {
    #[command(flatten)]
    place: Place,
    /// A key that you trust, `name+id+base64`, or a file with it; may be given more than once
    #[arg(long = "vkey", value_name = "KEY", required = true)]
    vkeys: Vec<String>,
}

#[derive(Args)]
struct Place {
    /// The log's directory: `audit` in the server's data directory, or a copy of it: a directory or `s3://bucket/prefix`
    #[arg(long, value_name = "PLACE")]
    dir: CopyPlace,
    /// The region of the bucket; absent, that of the environment
    #[arg(long, value_name = "REGION")]
    s3_region: Option<String>,
    /// An address that speaks S3, instead of the region's own
    #[arg(long, value_name = "URL")]
    s3_url: Option<String>,
}

/// Something that keeps a command from being done at all.
fn unusable(error: impl std::fmt::Display) -> Failure {
    Failure::usage(error)
}

pub(crate) fn file(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| unusable(format_args!("cannot read `{}`: {error}", path.display())))
}

impl Signed {
    fn keys(&self) -> Result<Vec<VerifierKey>, Failure> {
        keys(&self.vkeys)
    }
}

/// The keys of `--vkey`: each given as it is, or as a file with some. A path may have what only a key's text has too.
pub(crate) fn keys(vkeys: &[String]) -> Result<Vec<VerifierKey>, Failure> {
    let mut keys = Vec::new();
    for given in vkeys {
        let path = Path::new(given);
        let text = if given.contains('+') && !path.exists() {
            given.clone()
        } else {
            String::from_utf8_lossy(&file(path)?).into_owned()
        };
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            keys.push(line.parse().map_err(|error| unusable(format_args!("--vkey: {error}")))?);
        }
    }
    if keys.is_empty() { Err(unusable("--vkey: there is no key in it")) } else { Ok(keys) }
}

impl Place {
    fn options(&self) -> CopyOptions {
        let (region, url) = (self.s3_region.clone(), self.s3_url.clone());
        CopyOptions { region, url, retention: Retention::Bucket, days: 0 }
    }

    fn files(&self) -> Result<Box<dyn Files>, Failure> {
        self.dir.supported().map_err(unusable)?;
        Ok(self.dir.open(&self.options(), Arc::new(SystemClock::new())).map_err(unusable)?)
    }

    /// Its segments, of which there are some.
    fn segments(&self) -> Result<Segments, Failure> {
        let segments = Segments::of(self.files()?)?;
        if segments.is_empty() {
            return Err(unusable(format_args!("there are no records in `{}`", self.dir)));
        }
        Ok(segments)
    }
}

/// A log in memory, as its newest checkpoint covers it: the signed note, and the hash of each record.
struct Covered {
    note: String,
    checkpoint: Checkpoint,
    leaves: Vec<Hash>,
    /// The line of the record that was asked for.
    line: Option<Vec<u8>>,
}

impl Covered {
    /// Reads it; a root that the records do not give is a failure.
    fn read(signed: &Signed, keys: &[VerifierKey], wanted: Option<u64>) -> Result<Self, Failure> {
        let note = signed.place.files()?.read(CHECKPOINT).map_err(unusable)?;
        let note = note.ok_or_else(|| unusable("there is no checkpoint in the directory"))?;
        let checkpoint = Checkpoint::trusted(&note, keys)
            .map_err(|error| Failure::failed(format_args!("checkpoint: {error}")))?;
        let (mut leaves, mut line) = (Vec::new(), None);
        for segment in signed.place.segments()?.from(0) {
            for text in segment?.1.split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
                if wanted == Some(leaves.len() as u64) {
                    line = Some(text.to_vec());
                }
                leaves.push(leaf_hash(text));
            }
        }
        leaves.truncate(usize::try_from(checkpoint.size).unwrap_or(usize::MAX));
        if leaves.len() as u64 != checkpoint.size || gsm_audit::root_of(&leaves) != checkpoint.root {
            let what = "the records are not those that the checkpoint covers: see `gsm audit verify`";
            return Err(Failure::failed(what));
        }
        Ok(Self { note: String::from_utf8_lossy(&note).into_owned(), checkpoint, leaves, line })
    }
}

impl gsm_audit::Nodes for &Covered {
    type Error = LogError;
    fn node(&mut self, height: u32, index: u64) -> Result<Hash, LogError> {
        let (from, to) = ((index << height) as usize, ((index + 1) << height) as usize);
        Ok(gsm_audit::root_of(self.leaves.get(from..to).unwrap_or_default()))
    }
}
