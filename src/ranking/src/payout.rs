//! Payouts: the whole final table of a season, delivered in pages, each player exactly once.
//!
//! A [`Payout`] is the ledger of one season's delivery: which page goes out next, which are in flight, which were
//! acknowledged. Pages are cut from the frozen final table by row number, so that a page has the same rows however
//! often it goes out, and each row is on one page.
//!
//! Exactly once means: a page goes out again until somebody acknowledges it, and [`Payout::acknowledge`] answers
//! [`Acknowledged::First`] once for each page, whatever is repeated, lost or out of order. A receiver that pays in
//! the commit that stores the ledger pays at `First` alone; one that pays elsewhere keeps the numbers of the pages
//! that it has paid, and acknowledges a repeated page without paying. After a crash the stored ledger goes on:
//! what was in flight goes out again when it is overdue.
//!
//! Not here: the final table (an archived [`Board`](crate::Board)), what a rank is worth, sending.
//!
//! ```
//! use gsm_core::Timestamp;
//! use gsm_ranking::payout::{Acknowledged, Payout, PayoutConfig, PayoutRules};
//! let config = PayoutConfig { page_size: 1_000, in_flight_max: 4, retry_after_ms: 30_000 };
//! let rules = PayoutRules::new(config).unwrap();
//! let mut payout = Payout::of_table(&rules, 2_500);
//! let page = payout.hand_out(&rules, Timestamp::EPOCH).unwrap();
//! assert_eq!((page.number, page.first_row, page.rows), (0, 0, 1_000));
//! assert_eq!(payout.acknowledge(page.number), Ok(Acknowledged::First));
//! assert_eq!(payout.acknowledge(page.number), Ok(Acknowledged::Repeated));
//! ```

use crate::Invalid;
use gsm_core::{Millis, Timestamp, limits::PAGE_SIZE_MAX};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Pages in flight at the same time.
pub const PAYOUT_IN_FLIGHT_MAX: u16 = 64;
/// How far pages may go out ahead of the first that is not acknowledged: bounds what a ledger remembers.
pub const PAYOUT_AHEAD_MAX: u64 = 1_024;
/// Bounds of [`PayoutConfig::retry_after_ms`]: a second to a day.
pub const PAYOUT_RETRY_MS: std::ops::RangeInclusive<u64> = 1_000..=86_400_000;

/// How a table is delivered. Unknown settings are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayoutConfig {
    /// Rows of a page, 1 to [`PAGE_SIZE_MAX`]. A delivery that has begun keeps the size it began with.
    pub page_size: u32,
    /// Pages in flight at the same time, 1 to [`PAYOUT_IN_FLIGHT_MAX`].
    pub in_flight_max: u16,
    /// When a page that nobody has acknowledged goes out again, within [`PAYOUT_RETRY_MS`].
    pub retry_after_ms: u64,
}

/// A checked [`PayoutConfig`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayoutRules(PayoutConfig);

impl PayoutRules {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The first setting that is not allowed, with its path and what is allowed.
    pub fn new(config: PayoutConfig) -> Result<Self, Invalid> {
        Invalid::unless_within("page_size", config.page_size, 1..=PAGE_SIZE_MAX as u32)?;
        Invalid::unless_within("in_flight_max", config.in_flight_max, 1..=PAYOUT_IN_FLIGHT_MAX)?;
        Invalid::unless_within("retry_after_ms", config.retry_after_ms, PAYOUT_RETRY_MS)?;
        Ok(Self(config))
    }
}

/// A cursor into the final table: always the same rows for the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// From 0.
    pub number: u64,
    /// How many rows of the listing come before it.
    pub first_row: u64,
    /// How many rows it has, at least 1.
    pub rows: u32,
}

/// What an acknowledgement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// The page counts as delivered from now on; said once for each page.
    First,
    /// It was delivered before; nothing changed.
    Repeated,
}

/// An acknowledgement of a page that has never gone out. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("page {number} has not gone out")]
pub struct NeverHandedOut {
    /// What came.
    pub number: u64,
}

/// The ledger of one delivery. Small: pages in flight, and acknowledged ones ahead of the first that is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payout {
    rows: u64,
    page_size: u32,
    /// The page that goes out next for the first time.
    next: u64,
    /// Pages out and not acknowledged, with the time of their last going out.
    in_flight: BTreeMap<u64, Timestamp>,
    /// All pages below are acknowledged.
    acknowledged_below: u64,
    /// Those above, below `next`.
    acknowledged: BTreeSet<u64>,
}

impl Payout {
    /// The delivery of a final table of so many rows.
    #[must_use]
    pub fn of_table(rules: &PayoutRules, rows: u64) -> Self {
        Self {
            rows,
            page_size: rules.0.page_size,
            next: 0,
            in_flight: BTreeMap::new(),
            acknowledged_below: 0,
            acknowledged: BTreeSet::new(),
        }
    }

    /// The page to send now: the lowest that is overdue, else the next new one; `None` if there is nothing to do
    /// but wait. The caller stores the ledger before it sends. O(pages in flight).
    pub fn hand_out(&mut self, rules: &PayoutRules, now: Timestamp) -> Option<Page> {
        let retry_after = Millis::new(rules.0.retry_after_ms);
        let overdue = self.in_flight.iter().find(|&(_, &sent_at)| now.since(sent_at) >= retry_after);
        if let Some((&number, _)) = overdue {
            self.in_flight.insert(number, now);
            return self.page(number);
        }
        let has_room = self.in_flight.len() < usize::from(rules.0.in_flight_max);
        if !has_room || self.next.saturating_sub(self.acknowledged_below) >= PAYOUT_AHEAD_MAX {
            return None;
        }
        let page = self.page(self.next)?;
        self.in_flight.insert(page.number, now);
        self.next += 1;
        Some(page)
    }

    /// Takes an acknowledgement, in any order and however often.
    ///
    /// # Errors
    /// A page that has never gone out.
    pub fn acknowledge(&mut self, number: u64) -> Result<Acknowledged, NeverHandedOut> {
        if number >= self.next {
            return Err(NeverHandedOut { number });
        }
        if self.in_flight.remove(&number).is_none() {
            return Ok(Acknowledged::Repeated);
        }
        self.acknowledged.insert(number);
        while self.acknowledged.remove(&self.acknowledged_below) {
            self.acknowledged_below += 1;
        }
        Ok(Acknowledged::First)
    }

    /// The rows of a page; `None` past the end of the table. O(1).
    #[must_use]
    pub fn page(&self, number: u64) -> Option<Page> {
        let size = u64::from(self.page_size);
        let first_row = number.checked_mul(size).filter(|&first_row| first_row < self.rows)?;
        let rows = u32::try_from(size.min(self.rows - first_row)).ok()?;
        Some(Page { number, first_row, rows })
    }

    /// Rows of the table.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Pages of the table.
    #[must_use]
    pub fn pages(&self) -> u64 {
        self.rows.div_ceil(u64::from(self.page_size.max(1)))
    }

    /// Pages acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged_below + self.acknowledged.len() as u64
    }

    /// Pages out and not acknowledged.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.in_flight.len() as u64
    }

    /// Whether every page is acknowledged. O(1).
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.in_flight.is_empty() && self.page(self.next).is_none()
    }
}
