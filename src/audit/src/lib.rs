//! The audit log: one record a line, a Merkle tree over the lines, signed checkpoints of its root.
//!
//! Formats: RFC 6962 (tree, proofs), C2SP `tlog-tiles`, `tlog-checkpoint` and `signed-note` (files), CloudTrail's field names
//! (records). Not here: which calls are recorded (`gsm-server`), and files (`gsm-adapters`): the log is written and checked
//! through [`Files`] and [`Disk`].
//!
//! Invariant: what a signed checkpoint covers is never written again, and a log that was stopped anywhere goes on with every
//! record once. No clock, no randomness.
//!
//! ```
//! use gsm_audit::{Rows, leaf_hash, node_hash};
//! let mut rows = Rows::default();
//! for line in [b"a", b"b"] {
//!     rows.push(leaf_hash(line), &mut |_, _| {});
//! }
//! assert_eq!(rows.root(), node_hash(&leaf_hash(b"a"), &leaf_hash(b"b")));
//! ```
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]
mod checkpoint;
mod disk;
mod hash;
mod log;
mod note;
mod proof;
mod record;
mod segment;
mod ship;
mod tile;
mod verify;

pub use checkpoint::Checkpoint;
pub use disk::{CHECKPOINT, CHECKPOINTS, Disk, Files, PENDING, SEGMENTS, Unwritten, VKEY};
pub use hash::{Hash, leaf_hash, node_hash, root_of, sha256};
pub use log::{Limits, Log, LogError, Standing, last_commit, last_time};
pub use note::{Note, NoteError, SigningKey, VerifierKey};
pub use proof::{Nodes, consistency, inclusion, proves_consistency, proves_inclusion};
pub use record::{Digested, PARAMETERS_BYTES_MAX, RECORD_BYTES_MAX, Record, rfc3339};
pub use segment::{path as segment_path, segments};
pub use ship::{ShipError, Shipped, Vault, copy_is_whole, ship};
pub use tile::{Rows, TILE_WIDTH, Tile, TileNodes, row_of};
pub use verify::{Damage, Verdict, Whole, verify, verify_own};
