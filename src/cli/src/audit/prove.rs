use super::{Covered, Signed, file, unusable};
use crate::output::{Failure, Outcome, print_json, say};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use gsm_audit::{Checkpoint, Hash, consistency, inclusion, proves_consistency, proves_inclusion, root_of};
use serde_json::{Value, json};
use std::path::PathBuf;

/// `gsm audit prove`
#[derive(Args)]
#[command(after_help = "Example:
  gsm audit prove --dir gsm-data/audit --vkey gsm.vkey --seq 4711 > 4711.proof

Prints the proof as C2SP `tlog-proof` writes it: whoever has the record, the key and this can check it without the log.")]
pub(crate) struct Prove {
    #[command(flatten)]
    signed: Signed,
    /// The record
    #[arg(long, value_name = "SEQ")]
    seq: u64,
    /// For machines: with the record
    #[arg(long)]
    json: bool,
}

/// `gsm audit consistency`
#[derive(Args)]
#[command(after_help = "Example:
  gsm audit consistency --dir gsm-data/audit --vkey gsm.vkey --anchor checkpoint-of-may

Prints the hashes that lead from the root of the older checkpoint to that of the newest (RFC 6962).
Exit code 0: the log only grew; 1: it did not.")]
pub(crate) struct Consistency {
    #[command(flatten)]
    signed: Signed,
    /// The older checkpoint
    #[arg(long, value_name = "FILE")]
    anchor: PathBuf,
    /// For machines
    #[arg(long)]
    json: bool,
}

fn base64(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}

impl Prove {
    pub(super) fn run(self) -> Outcome {
        let keys = self.signed.keys()?;
        let log = Covered::read(&self.signed, &keys, Some(self.seq))?;
        let (size, root) = (log.checkpoint.size, log.checkpoint.root);
        let Some(leaf) = usize::try_from(self.seq).ok().and_then(|seq| log.leaves.get(seq)) else {
            return Err(unusable(format_args!("--seq: the checkpoint covers {size} records")));
        };
        let proof = inclusion(&mut &log, self.seq, size).map_err(Failure::failed)?;
        if !proves_inclusion(leaf, self.seq, size, &proof, &root) {
            return Err(Failure::failed("the proof does not hold"));
        }
        if self.json {
            let line = log.line.as_deref().unwrap_or_default();
            return print_json(&json!({
                "seq": self.seq, "size": size, "hashes": base64(&proof), "checkpoint": log.note,
                "record": String::from_utf8_lossy(line),
            }));
        }
        say("c2sp.org/tlog-proof@v1");
        say(format_args!("index {}", self.seq));
        base64(&proof).iter().for_each(say);
        say("");
        say(log.note.trim_end());
        Ok(())
    }
}

impl Consistency {
    pub(super) fn run(self) -> Outcome {
        let keys = self.signed.keys()?;
        let anchor = Checkpoint::trusted(&file(&self.anchor)?, &keys)
            .map_err(|error| unusable(format_args!("--anchor: {error}")))?;
        let log = Covered::read(&self.signed, &keys, None)?;
        let (size, root) = (log.checkpoint.size, log.checkpoint.root);
        if anchor.size > size {
            let what =
                format_args!("the log was rolled back: {} records were covered, now {size}", anchor.size);
            return Err(Failure::failed(what));
        }
        let proof = consistency(&mut &log, anchor.size, size).map_err(Failure::failed)?;
        let empty = anchor.size == 0 && anchor.root == root_of(&[]);
        if !proves_consistency(anchor.size, size, &proof, &anchor.root, &root) || (anchor.size == 0 && !empty)
        {
            let what = format_args!("the first {} records are not those that the anchor covers", anchor.size);
            return Err(Failure::failed(what));
        }
        if self.json {
            let shown: Value =
                json!({ "old": anchor.size, "size": size, "hashes": base64(&proof), "checkpoint": log.note });
            return print_json(&shown);
        }
        base64(&proof).iter().for_each(say);
        Ok(())
    }
}
