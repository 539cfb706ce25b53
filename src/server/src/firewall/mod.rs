//! The firewall at work: rules and lists from configuration, files and the store, exchanged while requests are judged.
pub mod explain;
pub mod export;
mod fields;
pub mod files;
mod reach;
pub(crate) mod reload;
mod settings;

pub(crate) use fields::announce;
pub use settings::FirewallSettings;
pub(crate) use settings::KEYS_MAX_DEFAULT;

use crate::problem::ApiError;
use arc_swap::ArcSwap;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use gsm_core::Timestamp;
use gsm_engine::{AddressList, Listed};
use gsm_security::{
    DENIED_ADDRESS, Face, Firewall, LIST_ENTRIES_MAX, Lists, Moment, Network, Now, Plan, Quota, Request,
    Verdict,
};
use parking_lot::Mutex;
use std::{borrow::Cow, collections::BTreeMap, net::IpAddr, sync::Arc, time::Instant};

/// What is known of a request from its head.
pub(crate) struct Facts<'a> {
    pub(crate) address: IpAddr,
    pub(crate) face: Face,
    pub(crate) method: &'a str,
    pub(crate) path: Cow<'a, str>,
    pub(crate) action: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
}

/// Entries that operators have put into lists.
type Stored = BTreeMap<(AddressList, Network), Listed>;

/// What a look at the files came to.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) at: Timestamp,
    /// Why the files are not those that are at work.
    pub(crate) error: Option<String>,
}

/// The firewall, and what it is made of.
pub(crate) struct Guard {
    settings: FirewallSettings,
    current: ArcSwap<Firewall>,
    started: Instant,
    /// Held while the firewall is exchanged.
    parts: Mutex<Parts>,
    /// Held while the store and the firewall are told of a network: so the two agree.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

struct Parts {
    files: files::Files,
    stored: Stored,
    loaded: Loaded,
}

impl Guard {
    #[expect(
        clippy::disallowed_methods,
        reason = "the limiter counts by the monotonic clock and decides nothing else"
    )]
    pub(crate) fn new(
        settings: FirewallSettings,
        listed: Vec<Listed>,
        seed: u64,
        now: Timestamp,
    ) -> Result<Self, files::FileError> {
        let files = settings.read()?;
        let stored = by_network(listed);
        let plan = Plan {
            rules: settings.rules(&files.rules).map_err(files::FileError::of_rules)?,
            keys_max: settings.keys_max,
            deny_counts_only: settings.deny_counts_only,
            exempt_paths: settings.exempt_paths.clone(),
        };
        let lists = Arc::new(settings.lists(&files, &stored));
        let loaded = Loaded { at: now, error: None };
        Ok(Self {
            current: ArcSwap::from_pointee(Firewall::new(plan, lists, seed)),
            started: Instant::now(),
            parts: Mutex::new(Parts { files, stored, loaded }),
            turn: tokio::sync::Mutex::default(),
            settings,
        })
    }

    /// The limiter's clock.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The firewall as it is now.
    pub(crate) fn current(&self) -> Arc<Firewall> {
        self.current.load_full()
    }

    pub(crate) fn settings(&self) -> &FirewallSettings {
        &self.settings
    }

    /// What the last look at the files came to.
    pub(crate) fn loaded(&self) -> Loaded {
        self.parts.lock().loaded.clone()
    }

    /// What operators have put into lists.
    pub(crate) fn listed(&self) -> Vec<Listed> {
        self.parts.lock().stored.values().cloned().collect()
    }

    /// Counts a request, or refuses it. `told` becomes what the tightest of the rules has left.
    pub(crate) fn judge(
        &self,
        facts: &Facts<'_>,
        moment: Moment<'_>,
        at: Timestamp,
        told: &mut Option<Quota>,
    ) -> Result<(), ApiError> {
        let header = |name: &str| facts.headers.get(name).map(HeaderValue::as_bytes);
        let request = Request {
            address: facts.address,
            face: facts.face,
            method: facts.method,
            path: &facts.path,
            action: facts.action,
            header: &header,
            moment,
        };
        match self.current.load().decide(&request, Now { monotonic: || self.now_ms(), at }) {
            Verdict::Allow { quota } => {
                if let Some(quota) = quota
                    && told.as_ref().is_none_or(|told| quota.remaining < told.remaining)
                {
                    *told = Some(quota);
                }
                Ok(())
            }
            Verdict::Deny { rule, status, quota } => {
                let error = refusal(&rule, status, quota.as_ref(), facts);
                *told = quota;
                Err(error)
            }
        }
    }

    /// Reads the files again, and what the store has. What cannot be used changes nothing and is told.
    pub(crate) fn reload(&self, listed: Vec<Listed>, now: Timestamp) -> Result<(), files::FileError> {
        let mut parts = self.parts.lock();
        parts.stored = by_network(listed);
        let done = self.settings.read().and_then(|files| {
            let rules = self.settings.rules(&files.rules).map_err(files::FileError::of_rules)?;
            let lists = self.settings.lists(&files, &parts.stored);
            self.current.store(Arc::new(self.current.load().with_rules(rules).with_lists(Arc::new(lists))));
            Ok(files)
        });
        let error = match done {
            Ok(files) => {
                parts.files = files;
                None
            }
            Err(error) => Some(error),
        };
        parts.loaded = Loaded { at: now, error: error.as_ref().map(ToString::to_string) };
        error.map_or(Ok(()), Err)
    }

    /// Puts a network into a list, or out of it (`None`): in memory, after the store has done so.
    pub(crate) fn follow(&self, list: AddressList, network: Network, entry: Option<Listed>, now: Timestamp) {
        let mut parts = self.parts.lock();
        parts.stored.retain(|_, listed| listed.row.expires_at.is_none_or(|until| until > now));
        match entry {
            Some(entry) => drop(parts.stored.insert((list, network), entry)),
            None => drop(parts.stored.remove(&(list, network))),
        }
        let lists = self.settings.lists(&parts.files, &parts.stored);
        self.current.store(Arc::new(self.current.load().with_lists(Arc::new(lists))));
    }

    /// Whether a list takes one more.
    pub(crate) fn has_room(&self, list: AddressList, now: Timestamp) -> bool {
        let lists = self.current();
        let Lists { deny, allow } = &**lists.lists();
        let set = if list == AddressList::Deny { deny } else { allow };
        set.len_at(now) < LIST_ENTRIES_MAX
    }
}

fn by_network(listed: Vec<Listed>) -> Stored {
    listed.into_iter().map(|entry| ((entry.list, entry.network), entry)).collect()
}

fn refusal(rule: &str, status: u16, quota: Option<&Quota>, facts: &Facts<'_>) -> ApiError {
    tracing::debug!(rule, address = %facts.address, "request refused by the firewall");
    if rule == DENIED_ADDRESS {
        return ApiError::new(StatusCode::FORBIDDEN, "denied_address", "this address is on the deny list");
    }
    let error = if status == 403 {
        let detail = format!("the rule `{rule}` refuses this for now");
        ApiError::new(StatusCode::FORBIDDEN, "blocked_by_rule", detail)
    } else {
        let detail = format!("the limit `{rule}` is reached");
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
    };
    let wait_ms = quota.map_or(0, |quota| quota.reset_ms);
    error.hint("come back after the seconds in Retry-After").retry_after(wait_ms.div_ceil(1_000).max(1))
}
