use crate::{key::seeded_hash, rate::Rate, ring::Ring};
use hashbrown::HashTable;
use std::hash::Hash;

/// What a limiter says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It passes, and counts.
    Allow {
        /// How many more would pass now.
        remaining: u32,
        /// Until some of what is used comes back.
        reset_ms: u64,
    },
    /// It does not pass, and does not count.
    Deny {
        /// Until the next may pass.
        retry_after_ms: u64,
    },
}

const NIL: u32 = u32::MAX;
/// Times that a key keeps at most where a new rate wants them finer than they were counted.
const TIMES_MAX: u32 = 1 << 15;

/// A sliding-window limiter: in any window of the rate at most its limit pass, for each key.
///
/// Up to [`crate::EXACT_LIMIT_MAX`] it is exact: a request is refused only if the limit is used up. Above, up to 1 % of
/// the limit may be refused too early (groups of requests leave the window together); never does one too many pass.
/// (Two counters, as the design has it, can't do both: they don't know where in the old window its requests lay.)
///
/// A window includes both ends: after a request at `t` its place is free at `t + window + 1`, because clocks that
/// count whole milliseconds may show two instants up to 1 ms further apart than they are.
///
/// The rate may change ([`Self::set_rate`]): what was counted stays, and is judged by the new one.
///
/// Memory: at most `keys_max` keys. A key is forgotten only when its window has passed, oldest first; if there is no
/// such key, unknown keys are refused until there is (the limiter fails closed, and never frees someone it blocks).
/// A key takes 48 bytes and some 15 of index, and 4 more for each older request (or group).
/// O(1) amortised.
pub struct Limiter<K> {
    rate: Rate,
    /// How many requests share one time.
    group: u32,
    keys_max: usize,
    seed: u64,
    /// Positions in `slots`, by the hash of their keys.
    index: HashTable<u32>,
    slots: Vec<Slot<K>>,
    /// The first unused slot, the others by `next`.
    free: u32,
    /// The keys in the order of their latest admission; so the first is the first to expire.
    first: u32,
    last: u32,
    /// Times in slots are milliseconds since this.
    epoch_ms: u64,
    /// The latest time seen: clocks may step back, this does not.
    now_ms: u64,
}

struct Slot<K> {
    key: K,
    /// Each the time of the last request of a full group.
    older: Ring,
    /// The time of the newest request, and how many its group has so far.
    newest: u32,
    open: u32,
    prev: u32,
    next: u32,
}

impl<K> Slot<K> {
    fn expire(&mut self, now: u32, window: u32) {
        let gone = |time: u32| now.saturating_sub(time) > window;
        if gone(self.newest) {
            self.older = Ring::default();
            self.open = 0;
        }
        while self.older.front().is_some_and(gone) {
            self.older.pop_front();
        }
    }

    fn used(&self, group: u32) -> u32 {
        (self.older.len() as u32).saturating_mul(group).saturating_add(self.open)
    }

    fn oldest(&self) -> u32 {
        self.older.front().unwrap_or(self.newest)
    }

    /// When so many of those in use are gone that fewer than `limit` are.
    fn last_to_go(&self, limit: u32, group: u32) -> u32 {
        let groups = self.used(group).saturating_sub(limit) / group;
        self.older.get(groups as usize).unwrap_or(self.newest)
    }

    fn add(&mut self, now: u32, limit: u32, group: u32) {
        if self.open >= group {
            self.older.push_back(self.newest, (limit / group) as usize);
            self.open = 0;
        }
        self.newest = now;
        self.open += 1;
    }

    /// Counts by groups of another size, each of which has the time of its last request: nothing counts shorter.
    fn regroup(&mut self, from: u32, to: u32) {
        if self.open == 0 {
            return;
        }
        let (mut older, mut open, mut latest) = (Ring::default(), 0, self.newest);
        let times = (0..self.older.len()).map_while(|at| self.older.get(at));
        for (time, mut left) in times.map(|time| (time, from)).chain([(self.newest, self.open)]) {
            while left > 0 {
                if open == to {
                    older.push_back(latest, TIMES_MAX as usize);
                    open = 0;
                }
                let taken = left.min(to - open);
                (open, left, latest) = (open + taken, left - taken, time);
            }
        }
        (self.older, self.open) = (older, open);
    }
}

impl<K: Eq + Hash + Clone> Limiter<K> {
    /// A limiter of at most `keys_max` keys (at least 1), which allocates nothing yet. `seed` should be secret where
    /// clients choose keys: it keeps them from choosing collisions. It does not change any decision.
    #[must_use]
    pub fn new(rate: Rate, keys_max: usize, seed: u64) -> Self {
        Self {
            rate,
            group: rate.group(),
            keys_max: keys_max.clamp(1, NIL as usize),
            seed,
            index: HashTable::new(),
            slots: Vec::new(),
            free: NIL,
            first: NIL,
            last: NIL,
            epoch_ms: 0,
            now_ms: 0,
        }
    }

    /// Keeps another rate from now on. What passed before stays counted, so that nobody gets a new budget; of a longer window,
    /// what is remembered still.
    ///
    /// It is counted in groups of the new rate's size then; where that would take more than 32,768 times for a key, in
    /// larger ones until no key is left, which refuses more too early. O(what is remembered) where that size changes.
    pub fn set_rate(&mut self, rate: Rate) {
        self.rate = rate;
        let most = self.slots.iter().map(|slot| slot.used(self.group)).max().unwrap_or(0);
        let group = rate.group().max(most.div_ceil(TIMES_MAX));
        if group != self.group {
            let from = std::mem::replace(&mut self.group, group);
            self.slots.iter_mut().for_each(|slot| slot.regroup(from, group));
        }
    }

    /// How many keys it remembers.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.index.len()
    }

    /// Judges a request of `key` at `now_ms` (of a monotonic clock; a step back counts as no time) and counts it if it
    /// passes.
    pub fn check(&mut self, key: &K, now_ms: u64) -> Decision {
        self.judge(key, now_ms, true)
    }

    /// What [`Self::check`] would say; counts nothing. `&mut`, because it forgets what has expired.
    pub fn peek(&mut self, key: &K, now_ms: u64) -> Decision {
        self.judge(key, now_ms, false)
    }

    fn judge(&mut self, key: &K, now_ms: u64, count: bool) -> Decision {
        let (rate, window) = (self.rate, self.window());
        let now = self.advance(now_ms);
        let hash = seeded_hash(self.seed, key);
        let Some(at) = self.find(hash, key) else { return self.judge_unknown(key, hash, now, count) };
        let Some(slot) = self.slots.get_mut(at as usize) else {
            return Decision::Deny { retry_after_ms: u64::from(window) };
        };
        slot.expire(now, window);
        let (limit, group) = (rate.limit(), self.group);
        let used = slot.used(group);
        if used >= limit {
            return Decision::Deny { retry_after_ms: until_gone(slot.last_to_go(limit, group), now, window) };
        }
        let oldest = if used == 0 { now } else { slot.oldest() };
        if count {
            slot.add(now, limit, group);
            // A group is as young as its newest request.
            self.unlink(at);
            self.link_last(at);
        }
        Decision::Allow { remaining: limit - used - 1, reset_ms: until_gone(oldest, now, window) }
    }

    fn judge_unknown(&mut self, key: &K, hash: u64, now: u32, count: bool) -> Decision {
        let window = self.window();
        // Two out for one in: the table shrinks to the keys that count.
        let oldest = self.evict(now).and_then(|_| self.evict(now));
        if let (Err(oldest), true) = (oldest, self.index.len() >= self.keys_max) {
            return Decision::Deny { retry_after_ms: until_gone(oldest, now, window) };
        }
        if count {
            if self.index.is_empty() {
                self.group = self.rate.group();
            }
            self.insert(key, hash, now);
        }
        Decision::Allow { remaining: self.rate.limit() - 1, reset_ms: until_gone(now, now, window) }
    }

    /// Forgets the first key to expire, if its window has passed; else its newest time.
    fn evict(&mut self, now: u32) -> Result<(), u32> {
        let at = self.first;
        let window = self.window();
        let Some(slot) = self.slots.get_mut(at as usize) else { return Ok(()) };
        if now.saturating_sub(slot.newest) <= window {
            return Err(slot.newest);
        }
        slot.older = Ring::default();
        slot.open = 0;
        let hash = seeded_hash(self.seed, &slot.key);
        if let Ok(entry) = self.index.find_entry(hash, |&i| i == at) {
            entry.remove();
        }
        self.unlink(at);
        if let Some(slot) = self.slots.get_mut(at as usize) {
            slot.next = self.free;
        }
        self.free = at;
        Ok(())
    }

    fn insert(&mut self, key: &K, hash: u64, now: u32) {
        let slot =
            Slot { key: key.clone(), older: Ring::default(), newest: now, open: 1, prev: NIL, next: NIL };
        let at = self.free;
        let at = if let Some(unused) = self.slots.get_mut(at as usize) {
            self.free = unused.next;
            *unused = slot;
            at
        } else {
            let at = self.slots.len() as u32; // below keys_max, which fits
            if self.slots.len() == self.slots.capacity() {
                // By a quarter: doubling would leave half of the memory unused.
                self.slots.reserve_exact((self.slots.len() / 4).max(4));
            }
            self.slots.push(slot);
            at
        };
        let (seed, slots) = (self.seed, &self.slots);
        self.index
            .insert_unique(hash, at, |&i| slots.get(i as usize).map_or(0, |s| seeded_hash(seed, &s.key)));
        self.link_last(at);
    }

    fn find(&self, hash: u64, key: &K) -> Option<u32> {
        let is_key = |&at: &u32| self.slots.get(at as usize).is_some_and(|slot| slot.key == *key);
        self.index.find(hash, is_key).copied()
    }

    fn unlink(&mut self, at: u32) {
        let Some(slot) = self.slots.get(at as usize) else { return };
        let (prev, next) = (slot.prev, slot.next);
        match self.slots.get_mut(prev as usize) {
            Some(slot) => slot.next = next,
            None => self.first = next,
        }
        match self.slots.get_mut(next as usize) {
            Some(slot) => slot.prev = prev,
            None => self.last = prev,
        }
    }

    fn link_last(&mut self, at: u32) {
        let prev = self.last;
        if let Some(slot) = self.slots.get_mut(at as usize) {
            (slot.prev, slot.next) = (prev, NIL);
        }
        match self.slots.get_mut(prev as usize) {
            Some(slot) => slot.next = at,
            None => self.first = at,
        }
        self.last = at;
    }

    fn window(&self) -> u32 {
        u32::try_from(self.rate.window().get()).unwrap_or(u32::MAX / 4)
    }

    /// The present as the slots count it. Once in 24 days all times move towards zero, so that they fit 32 bits; what
    /// expired long ago ends at zero, and is still expired.
    fn advance(&mut self, now_ms: u64) -> u32 {
        self.now_ms = self.now_ms.max(now_ms);
        let since = self.now_ms.saturating_sub(self.epoch_ms);
        if let Some(now) = u32::try_from(since).ok().filter(|&now| now <= u32::MAX / 2) {
            return now;
        }
        let now = self.window() + 1;
        let shift = since.saturating_sub(u64::from(now));
        self.epoch_ms = self.epoch_ms.saturating_add(shift);
        let shift = u32::try_from(shift).unwrap_or(u32::MAX);
        for slot in &mut self.slots {
            slot.newest = slot.newest.saturating_sub(shift);
            slot.older.rebase(shift);
        }
        now
    }
}

/// Milliseconds until a request at `time` is out of the window.
fn until_gone(time: u32, now: u32, window: u32) -> u64 {
    (u64::from(time) + u64::from(window) + 1).saturating_sub(u64::from(now))
}

#[cfg(test)]
mod tests;
