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
