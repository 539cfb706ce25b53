//! The embedded store behind the engine's [`Store`](gsm_engine::store::Store) port, files for boards' snapshots, a registry of models, the
//! places of copies of the audit log, the system's clock and its ids.
//!
//! Not here: any rule of the game, HTTP, configuration files. Invariant: a commit that was answered `Ok` survives
//! kill -9, power cut, torn write and full disk; damaged data is refused and named, never served.
//!
//! ```
//! use gsm_adapters::{EmbeddedStore, Options, SystemClock, SystemIds};
//! use gsm_core::{Clock, CommitKey, PlayerId};
//! use gsm_engine::store::{ChangeSet, Key, Row, Store};
//! use std::sync::Arc;
//! # let dir = tempfile::tempdir()?;
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let clock = Arc::new(SystemClock::new());
//! let store = EmbeddedStore::open(dir.path(), clock.clone(), Options::default())?;
//! let mut changes = ChangeSet::new(CommitKey::fresh(&SystemIds), clock.now());
//! changes.create(Key::Identity([7; 32]), Row::Identity(PlayerId::fresh(&SystemIds)));
//! let committed = store.commit(changes).await?; // on the disk from here on
//! assert_eq!(store.stats().durable_sequence, committed.sequence);
//! store.close()?;
//! # Ok(()) })
//! # .map_err(|error: Box<dyn std::error::Error>| error)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
mod audit_copy;
mod audit_dir;
#[cfg(feature = "s3")]
mod audit_s3;
#[cfg(any(feature = "s3", feature = "sagemaker"))]
mod cause;
mod elsewhere;
mod embedded;
pub mod models;
#[cfg(feature = "sagemaker")]
pub mod sagemaker;
mod snapshots;
mod syslog;
mod system;

pub use audit_copy::{CopyOptions, CopyPlace, RETENTION_DAYS_MAX, Retention};
pub use audit_dir::AuditDir;
pub use elsewhere::{
    ENDPOINT_BUDGET, EndpointListener, EndpointNews, EndpointSettings, endpoint_supported, open_endpoint,
};
pub use embedded::{Durability, EmbeddedStore, Gap, OpenError, Options, State, Stats, disk, limits};
pub use snapshots::SnapshotFiles;
pub use syslog::{Receiver, checkpoint_line};
pub use system::{SystemClock, SystemIds};
