use crate::{Decision, Key, Limiter, Lists, Miss, Rate, Request, Rule, Tally, rule::Moment};
use gsm_core::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;
use std::{collections::BTreeMap, sync::Arc};

/// The name of the refusals by the deny list.
pub const DENIED_ADDRESS: &str = "denied_address";
/// Limiters of one rule beside each other, so that requests seldom wait for one another.
const SHARDS: usize = 16;

/// What the firewall says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It passes.
    Allow {
        /// Of the rules that counted it, the one with the least left; none if nothing did.
        quota: Option<Quota>,
    },
    /// It is refused, and counts nowhere.
    Deny {
        /// The name of the rule, or [`DENIED_ADDRESS`].
        rule: Arc<str>,
        /// As the rule has it: 429 or 403.
        status: u16,
        /// What the rule has left; none where waiting does not help.
        quota: Option<Quota>,
    },
}

/// How much a rule has left, for the `RateLimit` and `RateLimit-Policy` headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Which rule, by name.
    pub name: Arc<str>,
    /// Its limit and window.
    pub rate: Rate,
    /// How many more would pass now.
    pub remaining: u32,
    /// Until some of what is used comes back.
    pub reset_ms: u64,
}

/// Time as a judgement needs it.
#[derive(Clone, Copy)]
pub struct Now<F> {
    /// Milliseconds of a monotonic clock, read when all that the judgement needs is locked: so no order of threads lets
    /// one too many pass.
    pub monotonic: F,
    /// The time of day, for entries of lists that end.
    pub at: Timestamp,
}

/// A rule at work.
#[derive(Clone)]
struct Kept {
    rule: Rule,
    limiters: Arc<[Mutex<Limiter<Key>>]>,
    tally: Arc<Tally>,
}

impl Kept {
    fn new(rule: Rule, keys_max: usize, seed: u64) -> Self {
        let shard = || Mutex::new(Limiter::new(rule.rate, keys_max.div_ceil(SHARDS), seed));
        let limiters = std::iter::repeat_with(shard).take(SHARDS).collect();
        Self { rule, limiters, tally: Arc::default() }
    }

    fn limiter(&self, key: Key, seed: u64) -> Option<MutexGuard<'_, Limiter<Key>>> {
        self.limiters.get(key.shard(SHARDS, seed)).map(Mutex::lock)
    }

    fn quota(&self, remaining: u32, reset_ms: u64) -> Quota {
        Quota { name: self.rule.name.clone(), rate: self.rule.rate, remaining, reset_ms }
    }

    fn refusal(&self, request: &Request<'_>, at: Timestamp, reset_ms: u64) -> Verdict {
        self.tally.refuse(request, at, true);
        let quota = Some(self.quota(0, reset_ms));
        Verdict::Deny { rule: self.rule.name.clone(), status: self.rule.status, quota }
    }
}

/// A rule with the locked limiter of a request's key.
struct Held<'a> {
    at: usize,
    kept: &'a Kept,
    key: Key,
    limiter: MutexGuard<'a, Limiter<Key>>,
}

/// The refusal of the first rule whose limit is reached; counts nothing else.
fn refused(held: &mut [Held<'_>], request: &Request<'_>, at: Timestamp, monotonic: u64) -> Option<Verdict> {
    held.iter_mut().filter(|held| !held.kept.rule.counts_only).find_map(
        |Held { kept, key, limiter, .. }| match limiter.peek(key, monotonic) {
            Decision::Deny { retry_after_ms } => Some(kept.refusal(request, at, retry_after_ms)),
            Decision::Allow { .. } => None,
        },
    )
}

/// A rule and what it has done.
#[derive(Debug, Clone)]
pub struct RuleReport {
    /// The rule.
    pub rule: Rule,
    /// What it has done.
    pub tally: Arc<Tally>,
    /// Keys that it remembers now.
    pub keys: usize,
}

/// Rules at work, and lists. Cheap to make: it allocates when requests come.
///
/// Requests are judged from many threads at once; what they count under is locked, in the order of the rules, until all
/// rules of the request agree.
pub struct Firewall {
    seed: u64,
    keys_max: usize,
    rules: Vec<Kept>,
    lists: Arc<Lists>,
    denied: Arc<Tally>,
    deny_counts_only: bool,
    exempt: Arc<[String]>,
}

/// What a firewall is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The rules; of two that refuse a request the first is told.
    pub rules: Vec<Rule>,
    /// Keys that each rule remembers.
    pub keys_max: usize,
    /// Whether the deny list refuses nothing, and only counts.
    pub deny_counts_only: bool,
    /// Paths that are never counted.
    pub exempt_paths: Vec<String>,
}

impl Firewall {
    /// See [`Limiter::new`] for `seed`.
    #[must_use]
    pub fn new(plan: Plan, lists: Arc<Lists>, seed: u64) -> Self {
        let keys_max = plan.keys_max;
        Self {
            seed,
            keys_max,
            rules: plan.rules.into_iter().map(|rule| Kept::new(rule, keys_max, seed)).collect(),
            lists,
            denied: Arc::default(),
            deny_counts_only: plan.deny_counts_only,
            exempt: plan.exempt_paths.into(),
        }
    }

    /// The same with other rules. A rule of the same name and key goes on counting where it was, and what was tallied under a
    /// name stays: a new set of rules gives nobody a new budget. Where its limit or window is another one, what it has
    /// counted is judged by that from now on, also by this firewall: it may be at work still.
    #[must_use]
    pub fn with_rules(&self, rules: Vec<Rule>) -> Self {
        let rules = rules.into_iter().map(|rule| {
            let Some(known) = self.rules.iter().find(|kept| kept.rule.name == rule.name) else {
                return Kept::new(rule, self.keys_max, self.seed);
            };
            let tally = known.tally.clone();
            if (&known.rule.key, known.rule.on) == (&rule.key, rule.on) {
                if known.rule.rate != rule.rate {
                    known.limiters.iter().for_each(|limiter| limiter.lock().set_rate(rule.rate));
                }
                return Kept { rule, limiters: known.limiters.clone(), tally };
            }
            Kept { tally, ..Kept::new(rule, self.keys_max, self.seed) }
        });
        Self { rules: rules.collect(), ..self.shared() }
    }

    /// The same with other lists.
    #[must_use]
    pub fn with_lists(&self, lists: Arc<Lists>) -> Self {
        Self { rules: self.rules.clone(), lists, ..self.shared() }
    }

    fn shared(&self) -> Self {
        Self {
            seed: self.seed,
            keys_max: self.keys_max,
            rules: Vec::new(),
            lists: self.lists.clone(),
            denied: self.denied.clone(),
            deny_counts_only: self.deny_counts_only,
            exempt: self.exempt.clone(),
        }
    }

    /// Judges a request, and counts it if it passes.
    ///
    /// A denied address is refused first, even on an exempt path; exempt paths and allowed addresses pass uncounted; then
    /// all rules that refuse must agree, else none counts it. Rules that only count come last.
    pub fn decide(&self, request: &Request<'_>, now: Now<impl Fn() -> u64>) -> Verdict {
        if request.moment == Moment::Arrival && self.lists.deny.has(request.address, now.at) {
            self.denied.refuse(request, now.at, !self.deny_counts_only);
            if !self.deny_counts_only {
                return Verdict::Deny { rule: DENIED_ADDRESS.into(), status: 403, quota: None };
            }
        }
        if self.is_exempt(request.path) || self.lists.allow.has(request.address, now.at) {
            return Verdict::Allow { quota: None };
        }
        let mut held = self.lock(request);
        let monotonic = (now.monotonic)();
        let alone = held.len() == 1;
        if !alone && let Some(refusal) = refused(&mut held, request, now.at, monotonic) {
            return refusal;
        }
        let mut tightest: Option<Quota> = None;
        for Held { kept, key, limiter, .. } in &mut held {
            match limiter.check(key, monotonic) {
                Decision::Deny { .. } if kept.rule.counts_only => kept.tally.refuse(request, now.at, false),
                Decision::Deny { retry_after_ms } => return kept.refusal(request, now.at, retry_after_ms),
                Decision::Allow { remaining, reset_ms } => {
                    kept.tally.pass();
                    let tighter = tightest.as_ref().is_none_or(|quota| remaining < quota.remaining);
                    if tighter && !kept.rule.counts_only {
                        tightest = Some(kept.quota(remaining, reset_ms));
                    }
                }
            }
        }
        Verdict::Allow { quota: tightest }
    }

    /// Whether the rules would refuse a request if it were judged in this moment already, so that what must be done before
    /// it is need not be. Counts nothing: who passes is judged when the moment has come. Lists of denied addresses are not
    /// asked again.
    pub fn foresee(&self, request: &Request<'_>, now: Now<impl Fn() -> u64>) -> Verdict {
        if self.is_exempt(request.path) || self.lists.allow.has(request.address, now.at) {
            return Verdict::Allow { quota: None };
        }
        let mut held = self.lock(request);
        let monotonic = (now.monotonic)();
        refused(&mut held, request, now.at, monotonic).unwrap_or(Verdict::Allow { quota: None })
    }

    /// Locks what a request counts under. Always in the order of the addresses, which other rules do not change; what is
    /// given back is in the order of the rules.
    fn lock(&self, request: &Request<'_>) -> SmallVec<[Held<'_>; 6]> {
        let mut applying: SmallVec<[(usize, &Kept, Key); 6]> = SmallVec::new();
        for (at, kept) in self.rules.iter().enumerate() {
            if let Ok(key) = kept.rule.key_of(request) {
                applying.push((at, kept, key));
            }
        }
        applying.sort_unstable_by_key(|(_, kept, _)| Arc::as_ptr(&kept.limiters).addr());
        let lock = |(at, kept, key): (usize, _, Key)| {
            let kept: &Kept = kept;
            kept.limiter(key, self.seed).map(|limiter| Held { at, kept, key, limiter })
        };
        let mut held: SmallVec<[Held<'_>; 6]> = applying.into_iter().filter_map(lock).collect();
        held.sort_unstable_by_key(|held| held.at);
        held
    }

    /// Whether a path is never counted.
    #[must_use]
    pub fn is_exempt(&self, path: &str) -> bool {
        self.exempt.iter().any(|exempt| exempt == path)
    }

    /// Of every rule, in order, whether it would count a request that is judged in these moments, and why not. The moment in the
    /// request does not matter.
    #[must_use]
    pub fn explain<'a>(
        &self,
        request: &Request<'a>,
        moments: &[Moment<'a>],
    ) -> Vec<(Rule, Result<(), Miss>)> {
        let of = |kept: &Kept| {
            let mut found = Err(Miss::Moment);
            for &moment in moments {
                let one = kept.rule.key_of(&Request { moment, ..*request }).map(drop);
                if one != Err(Miss::Moment) {
                    found = one;
                }
            }
            (kept.rule.clone(), found)
        };
        self.rules.iter().map(of).collect()
    }

    /// Every rule, in order, and what it has done.
    #[must_use]
    pub fn report(&self) -> Vec<RuleReport> {
        let of = |kept: &Kept| RuleReport {
            rule: kept.rule.clone(),
            tally: kept.tally.clone(),
            keys: kept.limiters.iter().map(|limiter| limiter.lock().keys()).sum(),
        };
        self.rules.iter().map(of).collect()
    }

    /// Refusals by name, those of the deny list included.
    #[must_use]
    pub fn blocks(&self) -> BTreeMap<Arc<str>, u64> {
        let mut blocks: BTreeMap<Arc<str>, u64> =
            self.rules.iter().map(|kept| (kept.rule.name.clone(), kept.tally.blocked())).collect();
        blocks.insert(DENIED_ADDRESS.into(), self.denied.blocked());
        blocks
    }

    /// What the deny list has done, and whether it only counts.
    #[must_use]
    pub fn denied(&self) -> (Arc<Tally>, bool) {
        (self.denied.clone(), self.deny_counts_only)
    }

    /// The lists.
    #[must_use]
    pub fn lists(&self) -> &Arc<Lists> {
        &self.lists
    }
}

#[cfg(test)]
mod tests;
