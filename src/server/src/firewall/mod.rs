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

use crate::{front::watch::Mark, problem::ApiError};
use arc_swap::ArcSwap;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use gsm_core::Timestamp;
use gsm_engine::{AddressList, Listed};
use gsm_security::{
    DENIED_ADDRESS, Entry, Face, Firewall, LIST_ENTRIES_MAX, List, Lists, Moment, Network, NetworkSet, Now,
    Plan, Quota, Request, Rule, Verdict,
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
    /// How the files looked just before they were last read.
    marks: Vec<Option<Mark>>,
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
        let marks = settings.marks();
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
            parts: Mutex::new(Parts { marks, stored, loaded }),
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

    /// Whether a file is another than when it was last read.
    pub(crate) fn have_files_changed(&self) -> bool {
        let now = self.settings.marks();
        now != self.parts.lock().marks
    }

    /// What operators have put into lists.
    pub(crate) fn listed(&self) -> Vec<Listed> {
        self.parts.lock().stored.values().cloned().collect()
    }

    /// Whether operators have put a network into a list.
    pub(crate) fn is_listed(&self, list: AddressList, network: Network) -> bool {
        self.parts.lock().stored.contains_key(&(list, network))
    }

    /// The rules and lists that are at work, for AWS WAF.
    pub(crate) fn export(&self, name: &str, now: Timestamp) -> export::Exported {
        let firewall = self.current();
        let rules: Vec<Rule> = firewall.report().into_iter().map(|report| report.rule).collect();
        export::written(&self.settings, &rules, firewall.lists(), name, now, &[])
    }

    /// Counts a request, or refuses it. `told` becomes what the tightest of the rules has left.
    pub(crate) fn judge(
        &self,
        facts: &Facts<'_>,
        moment: Moment<'_>,
        at: Timestamp,
        told: &mut Option<Quota>,
    ) -> Result<(), ApiError> {
        self.ask(facts, moment, told, |firewall, request| {
            firewall.decide(request, Now { monotonic: || self.now_ms(), at })
        })
    }

    /// Refuses a request that would be refused in a moment which is still to come, before the work is done that lies between.
    /// Counts nothing.
    pub(crate) fn foresee(
        &self,
        facts: &Facts<'_>,
        moment: Moment<'_>,
        at: Timestamp,
        told: &mut Option<Quota>,
    ) -> Result<(), ApiError> {
        self.ask(facts, moment, told, |firewall, request| {
            firewall.foresee(request, Now { monotonic: || self.now_ms(), at })
        })
    }

    fn ask(
        &self,
        facts: &Facts<'_>,
        moment: Moment<'_>,
        told: &mut Option<Quota>,
        verdict: impl Fn(&Firewall, &Request<'_>) -> Verdict,
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
        match verdict(&self.current.load(), &request) {
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
        let marks = self.settings.marks();
        let read = self.settings.read().and_then(|files| {
            let rules = self.settings.rules(&files.rules).map_err(files::FileError::of_rules)?;
            Ok((rules, AddressList::ALL.map(|list| (list, self.settings.written(&files, list)))))
        });
        let stored = by_network(listed);
        let sets = AddressList::ALL.map(|list| (list, set_of(&stored, list)));
        let mut parts = self.parts.lock();
        let current = self.current.load();
        let mut lists = (**current.lists()).clone();
        for (list, set) in sets {
            list_mut(&mut lists, list).stored = set;
        }
        let error = match read {
            Ok((rules, written)) => {
                for (list, set) in written {
                    list_mut(&mut lists, list).written = set;
                }
                self.current.store(Arc::new(current.with_rules(rules).with_lists(Arc::new(lists))));
                None
            }
            Err(error) => {
                self.current.store(Arc::new(current.with_lists(Arc::new(lists))));
                Some(error)
            }
        };
        (parts.marks, parts.stored) = (marks, stored);
        parts.loaded = Loaded { at: now, error: error.as_ref().map(ToString::to_string) };
        error.map_or(Ok(()), Err)
    }

    /// Puts a network into a list, or out of it (`None`): in memory, after the store has done so. Cost: a copy of what
    /// operators have put into that list.
    pub(crate) fn follow(&self, list: AddressList, network: Network, entry: Option<Listed>) {
        let mut parts = self.parts.lock();
        let current = self.current.load();
        let mut lists = (**current.lists()).clone();
        let set = Arc::make_mut(&mut list_mut(&mut lists, list).stored);
        match entry {
            Some(entry) => {
                set.put(Entry { network, until: entry.row.expires_at });
                parts.stored.insert((list, network), entry);
            }
            None => {
                set.remove(network);
                parts.stored.remove(&(list, network));
            }
        }
        self.current.store(Arc::new(current.with_lists(Arc::new(lists))));
    }

    /// Whether a list takes one more. Where it has as many as it may, those go first whose time is over.
    pub(crate) fn has_room(&self, list: AddressList, now: Timestamp) -> bool {
        let of =
            |lists: &Lists| if list == AddressList::Deny { lists.deny.clone() } else { lists.allow.clone() };
        if of(self.current().lists()).len_max() < LIST_ENTRIES_MAX {
            return true;
        }
        let mut parts = self.parts.lock();
        parts.stored.retain(|_, listed| listed.row.expires_at.is_none_or(|until| until > now));
        let current = self.current.load();
        let mut lists = (**current.lists()).clone();
        list_mut(&mut lists, list).stored = set_of(&parts.stored, list);
        let count = of(&lists).len_at(now);
        self.current.store(Arc::new(current.with_lists(Arc::new(lists))));
        count < LIST_ENTRIES_MAX
    }
}

fn list_mut(lists: &mut Lists, list: AddressList) -> &mut List {
    match list {
        AddressList::Deny => &mut lists.deny,
        AddressList::Allow => &mut lists.allow,
    }
}

/// What operators have put into a list, as a set.
fn set_of(stored: &Stored, list: AddressList) -> Arc<NetworkSet> {
    let stored = stored.values().filter(|entry| entry.list == list);
    let stored = stored.map(|entry| Entry { network: entry.network, until: entry.row.expires_at });
    Arc::new(NetworkSet::new(stored))
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

#[cfg(test)]
mod tests {
    use super::*;
    use gsm_engine::store::ListedRow;

    #[test]
    fn what_is_written_is_not_read_again_for_each_network_that_is_put_in() {
        let settings = FirewallSettings::of(gsm_security::Profile::TestLimit);
        let now = Timestamp::EPOCH;
        let guard = Guard::new(settings, Vec::new(), 7, now).unwrap();
        let deny = || guard.current().lists().deny.clone();
        let (written, network) = (deny().written, "192.0.2.0/24".parse().unwrap());
        let row = ListedRow { reason: String::new(), by: String::new(), created_at: now, expires_at: None };
        let entry = Listed { list: AddressList::Deny, network, row };
        guard.follow(AddressList::Deny, network, Some(entry.clone()));
        let at = |address: &str| deny().has(address.parse().unwrap(), now);
        assert!(guard.is_listed(AddressList::Deny, network) && at("192.0.2.9") && at("127.0.0.66"));
        assert!(!guard.is_listed(AddressList::Allow, network));
        assert!(Arc::ptr_eq(&written, &deny().written));
        guard.reload(vec![entry], now).unwrap();
        assert!(at("192.0.2.9") && at("127.0.0.66"));
        guard.follow(AddressList::Deny, network, None);
        assert!(!at("192.0.2.9") && at("127.0.0.66") && guard.listed().is_empty());
    }

    #[test]
    fn a_file_that_changed_is_read_until_that_is_done_whatever_its_time_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deny");
        let write = |text: &str| {
            let new = dir.path().join("new");
            std::fs::write(&new, text).unwrap();
            let file = std::fs::File::options().write(true).open(&new).unwrap();
            file.set_modified(std::time::UNIX_EPOCH).unwrap();
            std::fs::rename(&new, &path).unwrap();
        };
        write("192.0.2.1\n");
        let profile = gsm_security::Profile::Default;
        let settings = FirewallSettings { deny_file: Some(path.clone()), ..FirewallSettings::of(profile) };
        let now = Timestamp::EPOCH;
        let guard = Guard::new(settings, Vec::new(), 7, now).unwrap();
        let denies = |address: &str| guard.current().lists().deny.has(address.parse().unwrap(), now);
        assert!(denies("192.0.2.1") && !guard.have_files_changed());
        // As long as before, and of the same time.
        write("192.0.2.2\n");
        assert!(guard.have_files_changed() && guard.have_files_changed(), "until it is read");
        guard.reload(Vec::new(), now).unwrap();
        assert!(denies("192.0.2.2") && !denies("192.0.2.1") && !guard.have_files_changed());
        // What cannot be used is told once.
        write("nonsense\n");
        assert!(guard.have_files_changed() && guard.reload(Vec::new(), now).is_err());
        assert!(denies("192.0.2.2") && !guard.have_files_changed());
    }
}
