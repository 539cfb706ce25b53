//! How the store does.
use super::Families;
use crate::api::App;
use gsm_adapters::State as StoreState;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
};

/// A share of the last journal writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Quantile {
    quantile: &'static str,
}

/// What the store tells of itself.
pub(super) struct Store {
    writable: Gauge,
    last: Gauge,
    durable: Gauge,
    waiting: Gauge,
    memory_rows: Gauge,
    unwritten_rows: Gauge,
    journal_bytes: Gauge,
    sync: Family<Quantile, Gauge<f64, std::sync::atomic::AtomicU64>>,
}

impl Store {
    pub(super) fn new(all: &mut Families) -> Self {
        Self {
            writable: all.add(
                "gsm_store_writable",
                "",
                "Whether the store takes writes: 1 or 0",
                "",
                Gauge::default(),
            ),
            last: all.add(
                "gsm_store_sequence_last",
                "",
                "The last sequence given to a commit",
                "",
                Gauge::default(),
            ),
            durable: all.add(
                "gsm_store_sequence_durable",
                "",
                "The last sequence on the disk",
                "",
                Gauge::default(),
            ),
            waiting: all.add(
                "gsm_store_commits_waiting",
                "",
                "Change sets that wait for the disk",
                "",
                Gauge::default(),
            ),
            memory_rows: all.add("gsm_store_memory_rows", "", "Rows in memory", "", Gauge::default()),
            unwritten_rows: all.add(
                "gsm_store_unwritten_rows",
                "",
                "Writes that no checkpoint has put into the tables yet",
                "",
                Gauge::default(),
            ),
            journal_bytes: all.add(
                "gsm_store_journal_bytes",
                "",
                "Bytes of the journal",
                "",
                Gauge::default(),
            ),
            sync: all.add(
                "gsm_store_sync_seconds",
                "quantile",
                "How long the last journal writes took, sync included",
                "",
                Family::default(),
            ),
        }
    }

    pub(super) fn copy(&self, app: &App) {
        let stats = app.store.stats();
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.writable.set(i64::from(matches!(stats.state, StoreState::Ok)));
        self.last.set(whole(stats.last_sequence));
        self.durable.set(whole(stats.durable_sequence));
        self.waiting.set(whole(stats.waiting as u64));
        self.memory_rows.set(whole(stats.memory_rows as u64));
        self.unwritten_rows.set(whole(stats.unwritten_rows as u64));
        self.journal_bytes.set(whole(stats.journal_bytes as u64));
        for (quantile, us) in [("0.5", stats.sync_us_p50), ("0.99", stats.sync_us_p99)] {
            self.sync.get_or_create(&Quantile { quantile }).set(us as f64 / 1e6);
        }
    }
}
