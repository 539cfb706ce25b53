//! Every limit of the embedded store, with its name.
use gsm_core::limits::{BROUGHT_KEPT_BYTES_MAX, MATCH_PLAYERS_MAX};

/// Conditional writes of one change set.
pub const ITEMS_MAX: usize = 4_096;
/// Unconditional writes of one change set.
pub const FOLDS_MAX: usize = 16_384;
/// Push events of one change set.
pub const SET_EVENTS_MAX: usize = 16_384;
/// Bytes of one encoded change set.
pub const SET_BYTES_MAX: usize = 16 << 20;
const _: () = assert!(
    SET_BYTES_MAX >= MATCH_PLAYERS_MAX * (BROUGHT_KEPT_BYTES_MAX + (16 << 10)),
    "the largest match must fit, with what is written for each of its players beside what they bring"
);
/// Change sets that one write to the journal carries.
pub const GROUP_SETS_MAX: usize = 4_096;
/// Bytes of change sets that one write to the journal carries (one set may be larger, see [`SET_BYTES_MAX`]).
pub const GROUP_BYTES_MAX: usize = 8 << 20;
/// Answered commit keys that are remembered at least; with [`DONE_RETENTION_MS`], whichever is more.
pub const DONE_KEPT_MIN: usize = 65_536;
/// Answered commit keys that are remembered at most.
pub const DONE_KEPT_MAX: usize = 1 << 18;
/// For how long an answered commit key is remembered.
pub const DONE_RETENTION_MS: u64 = 600_000;
/// Push events kept in memory for all players; beyond, the oldest go first, before their time if need be.
pub const EVENTS_MAX: usize = 1 << 18;
/// Groups that are trimmed from the journal with each write to it.
pub const TRIM_GROUPS_PER_WRITE: usize = 8;
/// Expired rows, and old push events and commit keys, that one checkpoint removes; or twice as many as it writes, if
/// that is more, so that it keeps up.
pub const SWEEP_ROWS_MAX: usize = 20_000;
/// Commits whose push events outlive a restart.
pub const EVENT_SETS_MAX: u64 = 1 << 18;
/// Rows whose writes can be told after the fact; see [`super::Options::traced_rows_max`].
pub const TRACED_ROWS_MAX: u64 = 1 << 19;
/// Bytes of the file that makes room when the disk is full.
pub const RESERVE_BYTES: u64 = 16 << 20;
/// Journal writes whose duration is remembered.
pub const TIMINGS_KEPT: usize = 1_024;
/// Rows that a list looks at in memory under one hold of the lock.
pub const LIST_CHUNK_MAX: usize = 4_096;
