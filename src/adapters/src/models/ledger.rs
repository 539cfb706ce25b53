//! What is known of all versions, and who became champion when.
use super::{ModelsError, files::take};
use gsm_core::Timestamp;
use gsm_ml::About;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The format that is written, and the newest that is read.
const FORMAT: u32 = 1;

/// A model that was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// Its number, from 1, in the registry.
    pub version: u32,
    /// The hash of its file.
    pub hash: String,
    /// What it is.
    pub about: About,
}

/// That a version became champion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// Of this mode.
    pub mode: String,
    /// Which version.
    pub version: u32,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why, where it was said.
    pub reason: Option<String>,
    /// The champion before.
    pub replaced: Option<u32>,
    /// Whether it was not asked to be better.
    pub forced: bool,
    /// Whether it had been champion before, and came back.
    pub rollback: bool,
}

/// The ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ledger {
    pub(super) versions: Vec<Version>,
    pub(super) promotions: Vec<Promotion>,
}

/// A ledger as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u32,
    /// Of the ledger as compact JSON.
    hash: String,
    registry: Ledger,
}

fn hash(ledger: &Ledger) -> Result<String, serde_json::Error> {
    Ok(blake3::hash(&serde_json::to_vec(ledger)?).to_hex().to_string())
}

impl Ledger {
    /// The ledger of a file, if there is one.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, ModelsError> {
        let Some(bytes) = take(path)? else { return Ok(None) };
        let damaged = |what: String| ModelsError::Ledger { file: path.display().to_string(), what };
        let written: Written =
            serde_json::from_slice(&bytes).map_err(|error| damaged(format!("not a registry: {error}")))?;
        if written.format != FORMAT {
            return Err(damaged(format!("format {}, this release reads {FORMAT}", written.format)));
        }
        let found = hash(&written.registry).map_err(|error| damaged(error.to_string()))?;
        if found != written.hash {
            return Err(damaged(format!("its content has the hash {found}, must be {}", written.hash)));
        }
        Ok(Some(written.registry))
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, ModelsError> {
        let failed = |error: serde_json::Error| ModelsError::Ledger {
            file: super::LEDGER.to_owned(),
            what: error.to_string(),
        };
        let written = Written { format: FORMAT, hash: hash(self).map_err(failed)?, registry: self.clone() };
        let mut bytes = serde_json::to_vec_pretty(&written).map_err(failed)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The champions of a mode, the one of today last: a promotion adds one, a rollback takes one away.
    pub(super) fn line(&self, mode: &str) -> Vec<u32> {
        let mut line = Vec::new();
        for of in self.promotions.iter().filter(|of| of.mode == mode) {
            if of.rollback {
                line.pop();
            } else {
                line.push(of.version);
            }
        }
        line
    }

    pub(super) fn champion(&self, mode: &str) -> Option<u32> {
        self.line(mode).pop()
    }

    /// The champion before the one of today.
    pub(super) fn before(&self, mode: &str) -> Option<u32> {
        let line = self.line(mode);
        line.len().checked_sub(2).and_then(|at| line.get(at)).copied()
    }
}
