//! Whose turn it is to read the log's files: each reader may hold a segment in memory, and keeps a thread.
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Reads at once.
const AT_ONCE_MAX: usize = 4;
/// Reads that wait for their turn.
const WAITING_MAX: usize = 64;

/// The places of those who read.
pub(crate) struct Readers {
    all: Arc<Semaphore>,
    at_work: Arc<Semaphore>,
}

/// A place, until it is dropped.
pub(crate) struct Place {
    _of_all: OwnedSemaphorePermit,
    _at_work: OwnedSemaphorePermit,
}

impl Default for Readers {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(AT_ONCE_MAX + WAITING_MAX)),
            at_work: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        }
    }
}

impl Readers {
    /// A place, once one is free, in the order in which they were asked for; none where as many wait as may.
    pub(crate) async fn place(&self) -> Option<Place> {
        let of_all = self.all.clone().try_acquire_owned().ok()?;
        let at_work = self.at_work.clone().acquire_owned().await.ok()?;
        Some(Place { _of_all: of_all, _at_work: at_work })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[tokio::test]
    async fn a_few_read_a_few_more_wait_and_the_rest_is_refused() {
        let readers = Readers::default();
        let take = || readers.place().now_or_never();
        let mut at_work: Vec<Place> = (0..AT_ONCE_MAX).map(|_| take().unwrap().unwrap()).collect();
        let mut waiting: Vec<_> = (0..WAITING_MAX).map(|_| Box::pin(readers.place())).collect();
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none(), "it is not its turn");
        }
        assert!(matches!(take(), Some(None)), "no room to wait");
        // The first who waits comes next, and leaves room for one more.
        drop(at_work.pop());
        assert!(take().is_none(), "it waits, and gives up");
        assert!(matches!(waiting[0].as_mut().now_or_never(), Some(Some(_))));
        // Who gives up leaves his place.
        waiting.clear();
        assert!(take().unwrap().is_some());
    }
}
