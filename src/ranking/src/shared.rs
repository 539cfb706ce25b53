use parking_lot::RwLock;
use std::{
    fmt,
    hint::spin_loop,
    sync::atomic::{AtomicU32, Ordering},
};

/// Rounds that a reader spins before it parks, and that a writer gives readers to come in: some microseconds, which is
/// several changes of a board.
const SPINS: u32 = 200;

/// A board, or what is kept together with one, that many read while it changes.
///
/// A plain lock lets the one who has it take it again at once, so that under a stream of changes readers wait for
/// milliseconds. Here whoever changes lets waiting readers in first: a reader waits for the change that is under way,
/// not for the stream. Readers run beside each other. Keep changes short: one player each.
#[derive(Default)]
pub struct Shared<T> {
    lock: RwLock<T>,
    /// Readers who found the lock taken and do not have it yet.
    waiting: AtomicU32,
}

impl<T> Shared<T> {
    /// Shares a value.
    pub fn new(value: T) -> Self {
        Self { lock: RwLock::new(value), waiting: AtomicU32::new(0) }
    }

    /// Reads. Neither `read` nor [`change`](Self::change) may be called from within `read`.
    pub fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        let guard = self.lock.try_read().unwrap_or_else(|| {
            // The count is a hint to writers and guards nothing: no order is needed.
            self.waiting.fetch_add(1, Ordering::Relaxed);
            let guard = (0..SPINS).find_map(|_| {
                spin_loop();
                self.lock.try_read()
            });
            let guard = guard.unwrap_or_else(|| self.lock.read());
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            guard
        });
        read(&guard)
    }

    /// Changes, after readers who wait already have come in. Neither this nor [`read`](Self::read) may be called from
    /// within `change`.
    pub fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        // Spins as long as readers are in, too: who parks is woken by a reader, at the reader's cost.
        let guard = (0..SPINS).find_map(|_| {
            if self.waiting.load(Ordering::Relaxed) == 0
                && let Some(guard) = self.lock.try_write()
            {
                return Some(guard);
            }
            spin_loop();
            None
        });
        change(&mut guard.unwrap_or_else(|| self.lock.write()))
    }
}

impl<T> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    /// Also ends only if readers come in at all while somebody changes without a pause.
    #[test]
    fn readers_see_whole_changes_while_others_change_without_a_pause() {
        let (shared, is_done) = (Shared::new((0u64, 0u64)), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_done.load(Ordering::Relaxed) {
                        shared.change(|both| {
                            both.0 += 1;
                            both.1 += 1;
                        });
                    }
                });
            }
            let reader = scope.spawn(|| {
                for _ in 0..20_000 {
                    shared.read(|both| assert_eq!(both.0, both.1));
                }
            });
            let read = reader.join();
            is_done.store(true, Ordering::Relaxed);
            assert!(read.is_ok());
        });
        assert_eq!(shared.waiting.load(Ordering::Relaxed), 0);
    }
}
