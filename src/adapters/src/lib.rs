//! The embedded store behind the engine's [`Store`](gsm_engine::store::Store) port, the system's clock and its ids.
//!
//! Not here: any rule of the game, HTTP, configuration files. Invariant: a commit that was answered `Ok` survives
//! kill -9, power cut, torn write and full disk; damaged data is refused and named, never served.
//!
//! ```no_run
//! use gsm_adapters::{EmbeddedStore, Options, SystemClock};
//! use std::{path::Path, sync::Arc};
//! let store = EmbeddedStore::open(Path::new("data"), Arc::new(SystemClock::new()), Options::default())?;
//! assert_eq!(store.stats().last_sequence, 0);
//! store.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
mod embedded;
mod system;

pub use embedded::{Durability, EmbeddedStore, OpenError, Options, State, Stats, disk, limits};
pub use system::{SystemClock, SystemIds};
