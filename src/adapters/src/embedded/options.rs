use super::{disk::Volume, limits};
use gsm_core::Millis;
use std::{fmt, sync::Arc};

/// When a commit is answered. Tests plant a bug with [`Durability::Never`]; nothing else may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[doc(hidden)]
pub enum Durability {
    /// After the disk has it.
    #[default]
    Synced,
    /// After it was written; nothing is ever synced.
    Never,
}

/// How the store is run; [`Options::default`] fits one server beside its game servers.
#[derive(Clone)]
pub struct Options {
    /// Memory for the journal's pages.
    pub journal_cache_bytes: usize,
    /// Memory for the tables' pages.
    pub tables_cache_bytes: usize,
    /// Clean rows kept in memory; rows that no checkpoint has written yet come on top.
    pub hot_rows_max: usize,
    /// Time between checkpoints while there is something to write.
    pub checkpoint_every: Millis,
    /// So many unwritten rows start a checkpoint at once.
    pub checkpoint_rows: usize,
    /// So many bytes of unwritten change sets start a checkpoint at once.
    pub checkpoint_bytes: usize,
    /// So many unwritten rows, and commits are refused as busy until a checkpoint has caught up.
    pub unwritten_rows_max: usize,
    /// The same for the bytes of unwritten change sets.
    pub unwritten_bytes_max: usize,
    /// Rows whose writes [`gsm_engine::store::Store::changed`] can tell: beyond, the oldest commits are forgotten.
    pub traced_rows_max: u64,
    /// Change sets that may wait for the disk; beyond, commits are refused as busy.
    pub waiting_max: usize,
    /// Time between looks at a full disk.
    pub retry_every: Millis,
    /// Size of the file that makes room when the disk is full; 0 for none.
    pub reserve_bytes: u64,
    /// Called once, with the reason, when the store can no longer answer for its data: the server must stop. It runs
    /// on a thread of the store and must not call back into it: set a flag, or send on a channel.
    pub on_fatal: Arc<dyn Fn(String) + Send + Sync>,
    #[doc(hidden)]
    pub volume: Option<Arc<dyn Volume>>,
    #[doc(hidden)]
    pub durability: Durability,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            journal_cache_bytes: 4 << 20,
            tables_cache_bytes: 16 << 20,
            hot_rows_max: 1 << 16,
            checkpoint_every: Millis::from_secs(5),
            checkpoint_rows: 131_072,
            checkpoint_bytes: 64 << 20,
            unwritten_rows_max: 400_000,
            unwritten_bytes_max: 128 << 20,
            traced_rows_max: limits::TRACED_ROWS_MAX,
            waiting_max: 65_536,
            retry_every: Millis::from_secs(1),
            reserve_bytes: limits::RESERVE_BYTES,
            on_fatal: Arc::new(|_| {}),
            volume: None,
            durability: Durability::Synced,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("hot_rows_max", &self.hot_rows_max)
            .field("checkpoint_every", &self.checkpoint_every)
            .finish_non_exhaustive()
    }
}
