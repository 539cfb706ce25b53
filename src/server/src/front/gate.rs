//! Counts connections, in all and by address.
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Whom a connection is counted for: an IPv4 address, or an IPv6 /64 (what one client is given).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Origin(u128);

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(v4.to_ipv6_mapped().to_bits()),
            IpAddr::V6(v6) => Self(Ipv6Addr::to_bits(v6) & !u128::from(u64::MAX)),
        }
    }
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The server holds as many as it may.
    #[error("too many connections")]
    Full,
    /// This address holds as many as one may.
    #[error("too many connections from one address")]
    AddressFull,
}

#[derive(Debug, Default)]
struct Counts {
    open: usize,
    by_origin: HashMap<Origin, usize>,
}

/// The counter. Locked only when a connection comes or goes.
#[derive(Debug)]
pub struct Gate {
    open_max: usize,
    per_address_max: usize,
    counts: Mutex<Counts>,
    emptied: Notify,
}

impl Gate {
    /// A gate with nobody in.
    #[must_use]
    pub fn new(open_max: usize, per_address_max: usize) -> Arc<Self> {
        Arc::new(Self { open_max, per_address_max, counts: Mutex::default(), emptied: Notify::new() })
    }

    /// Lets one connection in until its pass is dropped.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Pass, Refusal> {
        let origin = Origin::from(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.open >= self.open_max {
            return Err(Refusal::Full);
        }
        let here = counts.by_origin.entry(origin).or_default();
        if *here >= self.per_address_max {
            return Err(Refusal::AddressFull);
        }
        *here += 1;
        counts.open += 1;
        Ok(Pass { gate: Arc::clone(self), origin })
    }

    /// Connections in now, upgraded ones included.
    #[must_use]
    pub fn open(&self) -> usize {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).open
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

/// One connection's place; given back on drop.
#[derive(Debug)]
pub struct Pass {
    gate: Arc<Gate>,
    origin: Origin,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut counts = self.gate.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.open = counts.open.saturating_sub(1);
        if let Some(here) = counts.by_origin.get_mut(&self.origin) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                counts.by_origin.remove(&self.origin);
            }
        }
        if counts.open == 0 {
            self.gate.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_share_and_gives_it_back() {
        let gate = Gate::new(3, 2);
        let (a, _b) = (gate.enter(ip("10.0.0.1")).unwrap(), gate.enter(ip("::ffff:10.0.0.1")).unwrap());
        assert_eq!(gate.enter(ip("10.0.0.1")).unwrap_err(), Refusal::AddressFull);
        let _c = gate.enter(ip("10.0.0.2")).unwrap();
        assert_eq!(gate.enter(ip("10.0.0.3")).unwrap_err(), Refusal::Full);
        drop(a);
        assert!(gate.enter(ip("10.0.0.1")).is_ok());
    }

    #[test]
    fn ipv6_counts_by_64_and_nothing_is_kept_of_the_gone() {
        let gate = Gate::new(10, 1);
        let a = gate.enter(ip("2001:db8::1")).unwrap();
        assert_eq!(gate.enter(ip("2001:db8::2")).unwrap_err(), Refusal::AddressFull);
        assert!(gate.enter(ip("2001:db8:0:1::1")).is_ok());
        drop(a);
        assert!(gate.counts.lock().unwrap().by_origin.is_empty());
    }
}
