//! Long computations in the midst of calls.
use tokio::runtime::{Handle, RuntimeFlavor};

/// Computes something that takes long, while other tasks go on: their worker thread is left to them. On a runtime of one
/// thread, where everything has its order, it is just computed.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// Of so many who wait a step or an answer takes longer than to wake another thread, some ten microseconds.
const WAITING_MIN: usize = 32;

/// The same of what goes through those who wait in a pool: where they are few it is done sooner than it is put aside.
pub(crate) fn aside_of<T>(waiting: usize, work: impl FnOnce() -> T) -> T {
    if waiting < WAITING_MIN { work() } else { aside(work) }
}
