//! Calls that make a key of the log come one after another, and one that came while another made a key makes none: it was
//! asked for when there was no such key yet.
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Mutex, MutexGuard};

/// The line in which they wait.
#[derive(Default)]
pub(crate) struct Turns {
    line: Mutex<()>,
    /// How many calls have made a key and were answered.
    made: AtomicU64,
}

/// A call's turn; that of the next begins when it is dropped.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    /// Whether another call made a key while this one waited.
    pub(crate) is_late: bool,
    /// Whether this one has made one.
    pub(crate) has_made: bool,
    _front: MutexGuard<'a, ()>,
}

impl Turns {
    /// Waits for one's turn.
    pub(crate) async fn next(&self) -> Turn<'_> {
        let made = self.made.load(Ordering::Acquire);
        let front = self.line.lock().await;
        let is_late = self.made.load(Ordering::Acquire) != made;
        Turn { turns: self, is_late, has_made: false, _front: front }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.made.fetch_add(u64::from(self.has_made), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;

    #[tokio::test]
    async fn who_came_while_a_key_was_made_is_late() {
        let turns = Turns::default();
        let mut first = turns.next().await;
        assert!(!first.is_late);
        let mut second = pin!(turns.next());
        assert!(futures::poll!(&mut second).is_pending(), "one at a time");
        first.has_made = true;
        drop(first);
        let second = second.await;
        assert!(second.is_late);
        let mut third = pin!(turns.next());
        assert!(futures::poll!(&mut third).is_pending());
        drop(second);
        assert!(!third.await.is_late, "nothing was made meanwhile");
    }
}
