//! Networks that operators refuse, or never limit. The firewall reads them; here they are kept.
use crate::{
    Call, Engine, EngineError,
    store::{Expect, Home, Key, KeyRange, ListedRow, Op, Row},
};
use gsm_core::{Timestamp, limits};
use gsm_security::Network;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The last end that an entry may have: 9999-12-31T23:59:59.999Z, the last that can be written as a date.
const END_MAX: Timestamp = Timestamp::from_millis(253_402_300_799_999);

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressList {
    /// Refused whatever is asked.
    Deny,
    /// Never limited.
    Allow,
}

impl AddressList {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Deny, Self::Allow];

    /// As in paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
        }
    }
}

impl std::fmt::Display for AddressList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text names no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lists are `deny` and `allow`")]
pub struct UnknownList;

impl std::str::FromStr for AddressList {
    type Err = UnknownList;
    fn from_str(text: &str) -> Result<Self, UnknownList> {
        Self::ALL.into_iter().find(|list| list.as_str() == text).ok_or(UnknownList)
    }
}

/// A network in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// In which.
    pub list: AddressList,
    /// Which.
    pub network: Network,
    /// Since when, until when, by whom and why.
    pub row: ListedRow,
}

impl Engine {
    /// Puts a network into a list, or gives it another end and reason.
    pub async fn put_listed(
        &self,
        call: &Call,
        list: AddressList,
        network: Network,
        reason: &str,
        until: Option<Timestamp>,
    ) -> Result<Listed, EngineError> {
        let key = Key::Listed(list, network.to_string());
        let mut tries = self.lines.tries();
        while tries.again().await {
            let replayed: Option<ListedRow> = self.replayed(call, Home::Document).await?;
            if let Some(row) = replayed {
                return Ok(Listed { list, network, row });
            }
            if until.is_some_and(|until| until <= call.now) {
                return Err(EngineError::invalid("expires_at", "is in the past"));
            }
            if until.is_some_and(|until| until > END_MAX) {
                return Err(EngineError::invalid(
                    "expires_at",
                    "is after the year 9999; leave it out for no end",
                ));
            }
            let found = self.get_one(&key).await?;
            let row = ListedRow {
                reason: reason.to_owned(),
                by: call.principal.to_string(),
                created_at: call.now,
                expires_at: until,
            };
            // The network stands in no record: it may be somebody's address.
            let mut changes = self.changes(call, &[&list]);
            changes.because(reason);
            let expect = found.map_or(Expect::Absent, |found| Expect::At(found.version));
            let put = Op::Put { row: Arc::new(Row::Listed(row.clone())), expires_at: until };
            changes.write(key.clone(), expect, put);
            self.remember(&mut changes, call, Home::Document, &row)?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(Listed { list, network, row }),
                Err(EngineError::Raced(row)) => tries.lost(row),
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// Takes a network out of a list.
    pub async fn remove_listed(
        &self,
        call: &Call,
        list: AddressList,
        network: Network,
    ) -> Result<(), EngineError> {
        let key = Key::Listed(list, network.to_string());
        for _ in 0..limits::CONFLICT_TRIES_MAX {
            if self.replayed::<()>(call, Home::Document).await?.is_some() {
                return Ok(());
            }
            let found =
                self.get_one(&key).await?.ok_or(EngineError::Unknown { what: "network in this list" })?;
            let mut changes = self.changes(call, &[&list]);
            changes.delete(key.clone(), found.version);
            self.remember(&mut changes, call, Home::Document, &())?;
            match self.commit(Home::Document, changes).await {
                Ok(_) => return Ok(()),
                Err(EngineError::Raced(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(EngineError::Contended)
    }

    /// What a list has of a network now. The answer to a repeated call is the first one, whatever came after it.
    pub async fn listed_as(
        &self,
        list: AddressList,
        network: Network,
    ) -> Result<Option<Listed>, EngineError> {
        let key = Key::Listed(list, network.to_string());
        let Some(found) = self.get_one(&key).await? else { return Ok(None) };
        let Row::Listed(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
        Ok(Some(Listed { list, network, row: row.clone() }))
    }

    /// Every network of both lists whose time is not over.
    pub async fn listed(&self) -> Result<Vec<Listed>, EngineError> {
        let (range, mut all, mut after) = (KeyRange::AllListed, Vec::new(), None);
        loop {
            let page =
                self.store(range.home()).list(&range, after.as_ref(), limits::PAGE_SIZE_MAX, false).await?;
            let Some((last, _)) = page.last() else { return Ok(all) };
            after = Some(last.clone());
            for (key, found) in page {
                let (Key::Listed(list, network), Row::Listed(row)) = (&key, &*found.row) else {
                    return Err(EngineError::damaged(&key));
                };
                let network = network.parse().map_err(|_| EngineError::damaged(&key))?;
                all.push(Listed { list: *list, network, row: row.clone() });
            }
        }
    }
}
