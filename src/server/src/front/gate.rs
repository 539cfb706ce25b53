//! Counts connections, in all and by address, and says which must go when there is no place for another.
//!
//! Each connection has a [`Seat`]. A connection that keeps the server waiting (for a head, a body, a next request, or
//! for its answer to be read) says so in its seat; when the house is full, the one that has done so for longest
//! leaves. A connection whose request is being served never does. So slow clients cost honest ones nothing, also
//! behind one address.
use super::refused::{GAVE_WAY, Refused};
use gsm_security::{Key, address_key};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Seats that are compared when the server is full, so that the cost of an arrival has a bound.
const COMPARED_MAX: usize = 256;

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The server serves as many as it may.
    #[error("too many connections")]
    Full,
    /// This address is served as many as one may.
    #[error("too many connections from one address")]
    AddressFull,
}

impl Refusal {
    /// As it is counted.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Full => "too_many_connections",
            Self::AddressFull => "too_many_connections_of_address",
        }
    }
}

/// What a connection is told. Later ones are stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Sign {
    /// Go on.
    Stay = 0,
    /// Finish what is in flight, then close.
    Drain = 1,
    /// Another needs the place: close, unless a request has come meanwhile.
    Leave = 2,
    /// Close now.
    Cut = 3,
}

const SERVED: u64 = 0;
const GONE: usize = usize::MAX;

/// One connection as the gate sees it.
#[derive(Debug)]
pub struct Seat {
    origin: Key,
    /// Where in `Counts::seats`; changed under the lock of the counts only.
    place: AtomicUsize,
    /// Where among those of its origin; likewise.
    place_of_origin: AtomicUsize,
    /// From when it may be shed, in nanoseconds of the gate's life; [`SERVED`] for never.
    shed_from: AtomicU64,
    sign: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

impl Seat {
    /// What the gate wants of the connection. Cheap; `waker` is woken when it changes and must be given once.
    pub fn sign(&self) -> Sign {
        match self.sign.load(Ordering::Acquire) {
            0 => Sign::Stay,
            1 => Sign::Drain,
            2 => Sign::Leave,
            _ => Sign::Cut,
        }
    }

    /// Has the task woken when the sign changes. Look at [`Seat::sign`] after it, not before.
    pub fn watch(&self, waker: &Waker) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }

    /// Forgets the task, which ends while the seat may live on under an upgraded connection.
    pub fn unwatch(&self) {
        drop(self.waker.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Whether the client keeps the server waiting.
    pub fn waits(&self) -> bool {
        self.shed_from.load(Ordering::Relaxed) != SERVED
    }

    fn tell(&self, sign: Sign) {
        self.sign.fetch_max(sign as u8, Ordering::AcqRel);
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake_by_ref();
            // Later, stronger signs must wake as well.
            self.waker.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(waker);
        }
    }
}

#[derive(Debug, Default)]
struct Counts {
    seats: Vec<Arc<Seat>>,
    by_origin: HashMap<Key, Vec<Arc<Seat>>>,
    cursor: usize,
}

impl Counts {
    fn remove(&mut self, seat: &Arc<Seat>) {
        let place = seat.place.swap(GONE, Ordering::Relaxed);
        if place == GONE {
            return;
        }
        self.seats.swap_remove(place);
        if let Some(moved) = self.seats.get(place) {
            moved.place.store(place, Ordering::Relaxed);
        }
        if let Some(here) = self.by_origin.get_mut(&seat.origin) {
            let place = seat.place_of_origin.load(Ordering::Relaxed);
            here.swap_remove(place);
            if let Some(moved) = here.get(place) {
                moved.place_of_origin.store(place, Ordering::Relaxed);
            }
            if here.is_empty() {
                self.by_origin.remove(&seat.origin);
            }
        }
    }

    /// Those of one origin, or the next [`COMPARED_MAX`] of all.
    fn candidates(&mut self, origin: Option<Key>) -> impl Iterator<Item = &Arc<Seat>> {
        let (all, from) = match origin {
            Some(origin) => (self.by_origin.get(&origin).map(Vec::as_slice).unwrap_or_default(), 0),
            None => (self.seats.as_slice(), self.cursor % self.seats.len().max(1)),
        };
        self.cursor = if origin.is_none() { from + COMPARED_MAX } else { self.cursor };
        let (before, behind) = all.split_at(from.min(all.len()));
        behind.iter().chain(before).take(COMPARED_MAX)
    }
}

/// The counter. Locked only when a connection comes or goes.
#[derive(Debug)]
pub struct Gate {
    open_max: usize,
    per_address_max: usize,
    since: Instant,
    counts: Mutex<Counts>,
    emptied: Notify,
    refused: Refused,
}

impl Gate {
    /// A gate with nobody in.
    #[must_use]
    pub fn new(open_max: usize, per_address_max: usize, now: Instant) -> Arc<Self> {
        let (counts, emptied, refused) = (Mutex::default(), Notify::new(), Refused::default());
        Arc::new(Self { open_max, per_address_max, since: now, counts, emptied, refused })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nanos(&self, at: Instant) -> u64 {
        let nanos = at.saturating_duration_since(self.since).as_nanos();
        u64::try_from(nanos).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// Lets one connection in until its pass is dropped. Where there is no place, the connection that has kept the
    /// server waiting for longest is told to leave; refuses where all are being served.
    pub fn enter(self: &Arc<Self>, address: IpAddr, now: Instant) -> Result<Pass, Refusal> {
        let (origin, nanos) = (address_key(address), self.nanos(now));
        let mut counts = self.counts();
        let of_origin = counts.by_origin.get(&origin).map_or(0, Vec::len);
        let full = if of_origin >= self.per_address_max {
            Some((Some(origin), Refusal::AddressFull))
        } else {
            (counts.seats.len() >= self.open_max).then_some((None, Refusal::Full))
        };
        if let Some((among, refusal)) = full {
            let left = shed(&mut counts, among, nanos);
            self.refused.count(if left.is_some() { GAVE_WAY } else { refusal.reason() });
            left.ok_or(refusal)?;
        }
        let of_origin = counts.by_origin.get(&origin).map_or(0, Vec::len);
        let seat = Arc::new(Seat {
            origin,
            place: AtomicUsize::new(counts.seats.len()),
            place_of_origin: AtomicUsize::new(of_origin),
            shed_from: AtomicU64::new(nanos),
            sign: AtomicU8::new(Sign::Stay as u8),
            waker: Mutex::default(),
        });
        counts.seats.push(Arc::clone(&seat));
        counts.by_origin.entry(origin).or_default().push(Arc::clone(&seat));
        Ok(Pass { gate: Arc::clone(self), seat })
    }

    /// What was refused below the API, by this gate and behind it.
    #[must_use]
    pub fn refused(&self) -> &Refused {
        &self.refused
    }

    /// Connections in now, upgraded ones included.
    #[must_use]
    pub fn open(&self) -> usize {
        self.counts().seats.len()
    }

    /// Tells every connection.
    pub fn tell_all(&self, sign: Sign) {
        // Outside the lock: waking may drop a connection, which comes back here.
        let seats = self.counts().seats.clone();
        seats.iter().for_each(|seat| seat.tell(sign));
    }

    /// Waits until the last connection has gone.
    pub async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.open() == 0 {
                return;
            }
            emptied.await;
        }
    }
}

fn shed(counts: &mut Counts, origin: Option<Key>, now: u64) -> Option<()> {
    let slowness = |seat: &Arc<Seat>| seat.shed_from.load(Ordering::Relaxed);
    let slowest = counts
        .candidates(origin)
        .map(|seat| (slowness(seat), seat))
        .filter(|(from, _)| (SERVED + 1..=now).contains(from))
        .min_by_key(|(from, _)| *from)
        .map(|(_, seat)| Arc::clone(seat))?;
    counts.remove(&slowest);
    slowest.tell(Sign::Leave);
    tracing::debug!("a waiting connection was shed for a new one");
    Some(())
}

/// One connection's place; given back on drop.
#[derive(Debug)]
pub struct Pass {
    gate: Arc<Gate>,
    seat: Arc<Seat>,
}

impl Pass {
    /// What the gate sees of the connection.
    #[must_use]
    pub fn seat(&self) -> Arc<Seat> {
        Arc::clone(&self.seat)
    }

    /// The client keeps the server waiting since `since`; it may be shed for it after `grace`.
    pub fn waits(&self, since: Instant, grace: Duration) {
        self.seat.shed_from.store(self.gate.nanos(since + grace), Ordering::Relaxed);
    }

    /// Counts what is refused to the connection.
    pub fn refused(&self, reason: &str) {
        self.gate.refused.count(reason);
    }

    /// A request is being served, or bytes flow.
    pub fn served(&self) {
        self.seat.shed_from.store(SERVED, Ordering::Relaxed);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut counts = self.gate.counts();
        counts.remove(&self.seat);
        if counts.seats.is_empty() {
            self.gate.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// A gate, and passes of which each is being served.
    fn served(
        open_max: usize,
        per_address_max: usize,
        addresses: &[&str],
    ) -> (Arc<Gate>, Vec<Pass>, Instant) {
        let now = Instant::now();
        let gate = Gate::new(open_max, per_address_max, now);
        let passes: Vec<Pass> = addresses.iter().map(|a| gate.enter(ip(a), now).unwrap()).collect();
        passes.iter().for_each(Pass::served);
        (gate, passes, now)
    }

    #[tokio::test]
    async fn an_address_has_its_share_and_gives_it_back() {
        let (gate, mut passes, now) = served(3, 2, &["10.0.0.1", "::ffff:10.0.0.1"]);
        assert_eq!(gate.enter(ip("10.0.0.1"), now).unwrap_err(), Refusal::AddressFull);
        let third = gate.enter(ip("10.0.0.2"), now).unwrap();
        third.served();
        assert_eq!(gate.enter(ip("10.0.0.3"), now).unwrap_err(), Refusal::Full);
        passes.pop();
        assert!(gate.enter(ip("10.0.0.1"), now).is_ok());
        let refused: Vec<_> = gate.refused().counts().filter(|(_, count)| *count > 0).collect();
        assert_eq!(refused, [("too_many_connections", 1), ("too_many_connections_of_address", 1)]);
    }

    #[tokio::test]
    async fn ipv6_counts_by_64_and_nothing_is_kept_of_the_gone() {
        let (gate, passes, now) = served(10, 1, &["2001:db8::1"]);
        assert_eq!(gate.enter(ip("2001:db8::2"), now).unwrap_err(), Refusal::AddressFull);
        assert!(gate.enter(ip("2001:db8:0:1::1"), now).is_ok());
        drop(passes);
        let counts = gate.counts.lock().unwrap();
        assert!(counts.by_origin.is_empty() && counts.seats.is_empty());
    }

    #[tokio::test]
    async fn the_slowest_leaves_for_the_new_one() {
        let (gate, passes, now) = served(4, 4, &["10.0.0.1"; 4]);
        passes[1].waits(now + SECOND, Duration::ZERO);
        passes[2].waits(now, Duration::ZERO);
        let new = gate.enter(ip("10.0.0.1"), now + 2 * SECOND).unwrap();
        new.served();
        let signs = || passes.iter().map(|pass| pass.seat.sign()).collect::<Vec<_>>();
        assert_eq!(signs(), [Sign::Stay, Sign::Stay, Sign::Leave, Sign::Stay]);
        // From another address it is the whole house that is full.
        gate.enter(ip("10.0.0.2"), now + 2 * SECOND).unwrap().served();
        assert_eq!(signs(), [Sign::Stay, Sign::Leave, Sign::Leave, Sign::Stay]);
        assert_eq!(gate.refused().counts().find(|(_, count)| *count > 0), Some((GAVE_WAY, 2)));
        drop(passes);
        assert_eq!(gate.open(), 1);
        drop(new);
        assert_eq!(gate.open(), 0);
    }

    #[tokio::test]
    async fn who_waits_within_the_grace_stays() {
        let (gate, passes, now) = served(1, 1, &["10.0.0.1"]);
        passes[0].waits(now, SECOND);
        assert_eq!(gate.enter(ip("10.0.0.1"), now).unwrap_err(), Refusal::AddressFull);
        assert_eq!(gate.enter(ip("10.0.0.2"), now).unwrap_err(), Refusal::Full);
        assert!(gate.enter(ip("10.0.0.1"), now + SECOND).is_ok());
    }

    #[tokio::test]
    async fn places_stay_right_while_connections_come_and_go() {
        let now = Instant::now();
        let gate = Gate::new(1_000, 1_000, now);
        let mut passes: Vec<Option<Pass>> = Vec::new();
        for round in 0..500usize {
            let address = IpAddr::from([10, 0, 0, (round % 7) as u8]);
            passes.push(Some(gate.enter(address, now).unwrap()));
            passes[round * 31 % (round + 1)] = None;
            let open = passes.iter().flatten().count();
            let counts = gate.counts.lock().unwrap();
            assert_eq!(
                (counts.seats.len(), counts.by_origin.values().map(Vec::len).sum::<usize>()),
                (open, open)
            );
            assert!(counts.seats.iter().enumerate().all(|(i, seat)| seat.place.load(Ordering::Relaxed) == i));
            for here in counts.by_origin.values() {
                let mut all = here.iter().enumerate();
                assert!(all.all(|(i, seat)| seat.place_of_origin.load(Ordering::Relaxed) == i));
            }
        }
    }
}
