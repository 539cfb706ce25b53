//! What nodes handed to the stores, and what the stores say they did: two witnesses that must agree.
use crate::{check::locks, world::penalties};
use gsm_core::{CommitKey, EventId, MatchId, Mode, PlayerId, QueueName, TicketId};
use gsm_engine::store::{
    ChangeSet, Committed, Cursor, Expect, Fold, Home, Key, Op, PenaltiesRow, PushEvent, Row, StoreLimits,
    TicketRow, Version, Write,
};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// One event of one player.
pub(crate) type Told = (PlayerId, PushEvent);

/// What a node handed over, before anything below could change it.
#[derive(PartialEq)]
struct Submitted {
    node: usize,
    /// Its audit record.
    audit: Option<EventId>,
    events: Vec<Told>,
    /// The leases it rests on.
    leases: Vec<(QueueName, Version)>,
}

#[derive(Default)]
struct Inner {
    submitted: BTreeMap<CommitKey, Vec<Submitted>>,
    applied: BTreeMap<(Home, u64), (CommitKey, Vec<Told>)>,
    lease_puts: BTreeMap<Version, (QueueName, String, u64)>,
    over_limit: Option<String>,
    /// Calls so far.
    requests: u64,
    /// The audit record of what was applied, and the request that it names.
    audits: BTreeMap<(Home, u64), Option<(EventId, String)>>,
    /// Results as they were written, with whether they count and whether they wait, by sequence.
    results: BTreeMap<u64, Vec<(MatchId, bool, bool)>>,
    /// By store and sequence: folds may come late.
    penal: BTreeMap<(Home, u64), Vec<Penal>>,
}

/// What bears on locks.
enum Penal {
    /// Offences are these now. Of a dodge with whether a proposal ended by the same commit.
    Offences(Key, PenaltiesRow, bool),
    /// A ticket was made.
    Ticket(TicketId, Box<TicketRow>),
}

impl Inner {
    /// What was handed over under the key of what was applied. Different tries may share a key: then the one that was
    /// applied has its events, and the first if none has (something below changed it).
    fn of(&self, (key, events): &(CommitKey, Vec<Told>)) -> Option<&Submitted> {
        let tries = self.submitted.get(key)?;
        tries.iter().find(|submitted| submitted.events == *events).or_else(|| tries.first())
    }
}

/// Both witnesses of one world.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Inner>);

/// Sees what one store applied.
pub(crate) struct Witness {
    pub(crate) ledger: Arc<Ledger>,
    /// A name for the store: sequences of different stores are not comparable.
    pub(crate) store: Home,
}

impl Fold for Witness {
    fn apply(&self, committed: Committed, changes: &ChangeSet) {
        let mut inner = self.ledger.0.lock();
        if inner
            .applied
            .insert((self.store, committed.sequence), (changes.key, changes.events.clone()))
            .is_some()
        {
            return;
        }
        let audit = changes.audit.as_ref().map(|audit| (audit.event_id, audit.request_id.clone()));
        inner.audits.insert((self.store, committed.sequence), audit);
        let ends = |write: &Write| matches!(write.key, Key::Proposal(_)) && write.op == Op::Delete;
        let ends = changes.writes.iter().any(ends);
        for write in &changes.writes {
            let row = if let Op::Put { row, .. } = &write.op { Some(&**row) } else { None };
            let penal = match (&write.key, row) {
                (Key::Dodges(..) | Key::Leaves(..), Some(Row::Penalties(row))) => {
                    Penal::Offences(write.key.clone(), row.clone(), ends)
                }
                (Key::Leaves(..), None) if write.op == Op::Delete => {
                    Penal::Offences(write.key.clone(), PenaltiesRow::default(), ends)
                }
                (Key::Ticket(id), Some(Row::Ticket(row))) if write.expect == Expect::Absent => {
                    Penal::Ticket(*id, row.clone())
                }
                _ => continue,
            };
            inner.penal.entry((self.store, committed.sequence)).or_default().push(penal);
        }
        for write in &changes.writes {
            if let (Key::Result(id), Op::Put { row, .. }) = (&write.key, &write.op)
                && let Row::Result(row) = &**row
            {
                let written = inner.results.entry(committed.sequence).or_default();
                written.push((*id, row.counts(), row.waits()));
            }
        }
        for write in &changes.writes {
            if let (Key::Lease(queue), Op::Put { row, .. }) = (&write.key, &write.op)
                && let Row::Lease(lease) = &**row
            {
                let put = (queue.clone(), lease.owner.clone(), lease.fence);
                inner.lease_puts.insert(committed.sequence, put);
            }
        }
    }
}

impl Ledger {
    /// A node hands a change set to a store that takes so much.
    pub(crate) fn submit(&self, node: usize, changes: &ChangeSet, limits: StoreLimits) {
        let mut inner = self.0.lock();
        let StoreLimits { items_max, bytes_max } = limits;
        for (what, count, most) in
            [("writes", changes.writes.len(), items_max), ("bytes", changes.bytes(), bytes_max)]
        {
            if count > most {
                inner.over_limit = Some(format!("a change set of {count} {what} for a store of {most}"));
            }
        }
        let lease = |write: &Write| match (&write.key, &write.op, write.expect) {
            (Key::Lease(queue), Op::Check, Expect::At(version)) => Some((queue.clone(), version)),
            _ => None,
        };
        let leases = changes.writes.iter().filter_map(lease).collect();
        let audit = changes.audit.as_ref().map(|audit| audit.event_id);
        let submitted = Submitted { node, audit, events: changes.events.clone(), leases };
        let same = inner.submitted.entry(changes.key).or_default();
        if !same.contains(&submitted) {
            same.push(submitted);
        }
    }

    /// A change set that was too large, and by what.
    pub(crate) fn over_limit(&self) -> Option<String> {
        self.0.lock().over_limit.clone()
    }

    /// A name for the next call.
    pub(crate) fn request(&self) -> String {
        let mut inner = self.0.lock();
        inner.requests += 1;
        format!("req-{}", inner.requests)
    }

    /// What is wrong with the audit records of what was applied, if something is.
    pub(crate) fn audit_fault(&self) -> Option<String> {
        let inner = self.0.lock();
        let (mut events, mut requests) = (BTreeSet::new(), BTreeSet::new());
        for (at, audit) in &inner.audits {
            let tries = inner.applied.get(at).and_then(|(key, _)| inner.submitted.get(key));
            let found = audit.as_ref().map(|(event, _)| *event);
            let is_as_handed_over = tries.is_none_or(|tries| tries.iter().any(|one| one.audit == found));
            if !is_as_handed_over {
                return Some(format!(
                    "what was applied at {at:?} has the record {found:?}, not the one it came with"
                ));
            }
            let Some((event, request)) = audit else { continue };
            if !events.insert(event) {
                return Some(format!("the record {event} is there again at {at:?}"));
            }
            if !request.is_empty() && !requests.insert(request) {
                return Some(format!("a second record, at {at:?}, names the request {request}"));
            }
        }
        None
    }

    /// Every event that an applied change set was submitted with, by player and cursor of the store's sequence.
    pub(crate) fn events(&self) -> BTreeMap<PlayerId, BTreeMap<(Home, Cursor), PushEvent>> {
        let inner = self.0.lock();
        let mut all: BTreeMap<PlayerId, BTreeMap<(Home, Cursor), PushEvent>> = BTreeMap::new();
        for ((store, sequence), applied) in &inner.applied {
            let Some(submitted) = inner.of(applied) else { continue };
            for (index, (player, event)) in submitted.events.iter().enumerate() {
                let cursor = Cursor { sequence: *sequence, index: u32::try_from(index).unwrap_or(u32::MAX) };
                all.entry(*player).or_default().insert((*store, cursor), event.clone());
            }
        }
        all
    }

    /// Why the leases were not respected, if they were not. `names` are the nodes' names.
    pub(crate) fn lease_fault(&self, names: &[String]) -> Option<String> {
        let inner = self.0.lock();
        let mut last: BTreeMap<&QueueName, (&str, u64)> = BTreeMap::new();
        for (version, (queue, owner, fence)) in &inner.lease_puts {
            if let Some((held_by, held)) = last.insert(queue, (owner, *fence)) {
                let grew = if held_by == owner { *fence >= held } else { *fence > held };
                if !grew {
                    return Some(format!(
                        "the fence of queue `{queue}` went from {held} (`{held_by}`) to {fence} (`{owner}`) at {version}"
                    ));
                }
            }
        }
        for ((_, sequence), applied) in &inner.applied {
            let Some(Submitted { node, leases, .. }) = inner.of(applied) else { continue };
            for (queue, version) in leases {
                let Some((_, owner, _)) = inner.lease_puts.get(version) else { continue };
                if names.get(*node).is_some_and(|name| name != owner) {
                    return Some(format!(
                        "node {node} formed in queue `{queue}` under the lease of `{owner}`"
                    ));
                }
                // It must still have been the newest when it was relied on.
                let mut later = inner.lease_puts.range(version + 1..(*sequence).max(version + 1));
                if let Some((at, (_, by, _))) = later.find(|(_, (q, ..))| q == queue) {
                    return Some(format!(
                        "node {node} formed in queue `{queue}` at {sequence} under lease {version}, which `{by}` had replaced at {at}"
                    ));
                }
            }
        }
        None
    }

    /// Results that something was to be learnt from: those that counted at first, or once they no longer had to wait.
    pub(crate) fn lessons(&self) -> usize {
        let inner = self.0.lock();
        let (mut waiting, mut seen, mut lessons) = (BTreeSet::new(), BTreeSet::new(), 0);
        for (id, counts, waits) in inner.results.values().flatten() {
            let is_first = seen.insert(*id);
            let has_waited = waiting.remove(id);
            lessons += usize::from(*counts && (is_first || has_waited));
            if *waits {
                waiting.insert(*id);
            }
        }
        lessons
    }

    /// How often a dodge was written.
    pub(crate) fn dodges(&self) -> usize {
        let inner = self.0.lock();
        let dodge = |of: &&Penal| matches!(of, Penal::Offences(Key::Dodges(..), ..));
        inner.penal.values().flatten().filter(dodge).count()
    }

    /// Why locks were not respected, if they were not, as far as one store can tell: its commits have an order.
    pub(crate) fn lock_fault(&self) -> Option<String> {
        let inner = self.0.lock();
        let mut rows: BTreeMap<(Home, &Key), &PenaltiesRow> = BTreeMap::new();
        for ((store, sequence), of) in &inner.penal {
            for of in of {
                match of {
                    Penal::Offences(key @ Key::Dodges(..), _, false) => {
                        return Some(format!("{key} grew at {sequence}, and no proposal ended"));
                    }
                    Penal::Offences(key, row, _) => drop(rows.insert((*store, key), row)),
                    Penal::Ticket(id, ticket) => {
                        for queue in ticket.queues().filter(|queue| penalties(queue.as_str()).is_some()) {
                            let Ok(scope) = Mode::new(queue.as_str()) else { continue };
                            for player in ticket.players.iter().map(|player| player.player) {
                                let keys =
                                    [Key::Dodges(scope.clone(), player), Key::Leaves(scope.clone(), player)];
                                let found = keys.iter().filter_map(|key| rows.get(&(*store, key)));
                                if found.into_iter().any(|row| locks(row, ticket.queued_at)) {
                                    return Some(format!(
                                        "{id} was made at {sequence} for {player}, who is locked out of {queue}"
                                    ));
                                }
                            }
                        }
                    }
                }
            }
        }
        None
    }

    /// The last to have taken the lease of a queue.
    pub(crate) fn owner(&self, queue: &QueueName) -> Option<String> {
        let inner = self.0.lock();
        let last = inner.lease_puts.values().rev().find(|(q, ..)| q == queue);
        last.map(|(_, owner, _)| owner.clone())
    }
}
