//! The matcher's turn: what the pools propose becomes proposals and matches, what is overdue ends.
use crate::{
    Call, Engine, EngineError, Happening, HeardOf, QueueConfig,
    aside::aside_of,
    events::{Telling, all_shown, places},
    matches::Forming,
    pools::{Asking, Found, QueuePool, Rules},
    proposals::distinct,
    store::{Expect, Home, Key, Lease, Row, StoreFault, TicketRow, Version},
    tickets::{put_ticket, tell, ticket_row},
};
use futures::{FutureExt, stream, stream::StreamExt};
use gsm_core::{MatchId, Millis, Mode, ProposalId, QueueName, TicketId, Timestamp};
use gsm_matchmaking::Proposal;
use gsm_session::TicketState;
use std::{borrow::Cow, sync::Arc};

/// Work units of one step of one queue.
const STEP_BUDGET: u32 = 2_000_000;
/// Commits of one queue under way at once.
const COMMITS_AT_ONCE: usize = 256;
/// Queues that have their turn at once, where a model elsewhere is asked: none waits for what is asked of another's matches.
const QUEUES_AT_ONCE: usize = 64;
/// Overdue things ended in one turn.
const OVERDUE_MAX: usize = 1_024;
/// How long a lease holds; renewed at half of it.
const LEASE_LIFE: Millis = Millis::from_secs(3);
/// The same where all homes are one: then one process holds the store, and a renewal is only a write.
const LEASE_LIFE_ALONE: Millis = Millis::from_secs(60);
/// A lease that nobody has renewed for so long is dead, whatever it says: its owner's clock may have been far ahead.
const LEASE_SILENCE: Millis = Millis::from_secs(9);
/// Why a ticket ends with which no match fits into one commit.
const BRINGS_TOO_MUCH: &str = "its players bring more than a match has room for";
/// Reads of tickets that go back into the pool, before it is left to the next turn.
const RELOAD_TRIES_MAX: usize = 5;

/// What a node remembers of a lease from turn to turn.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// The fence under which this node holds the lease.
    fence: Option<u64>,
    /// The lease as last seen in other hands, and since when it has been so.
    others: Option<(Version, Timestamp)>,
}

/// What one turn did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TickReport {
    /// Matches begun.
    pub matches: usize,
    /// Proposals opened.
    pub proposals: usize,
    /// Proposals, tickets and matches whose time was up.
    pub overdue: usize,
    /// Formed, but the tickets had changed or the store did not take it; they wait on.
    pub lost: usize,
    /// Whether a queue has work left that its budget did not allow.
    pub more: bool,
}

impl TickReport {
    fn and(self, other: Self) -> Self {
        Self {
            matches: self.matches + other.matches,
            proposals: self.proposals + other.proposals,
            overdue: self.overdue + other.overdue,
            lost: self.lost + other.lost,
            more: self.more || other.more,
        }
    }
}

impl Engine {
    /// One turn of all that is done in turns: [`Engine::tick_queues`], [`Engine::tick_reports`], then [`Engine::tick_jobs`]. For
    /// whoever takes turns with nobody; a server gives each a task of its own.
    pub async fn tick(&self) -> TickReport {
        let mut report = self.tick_queues().await;
        report.overdue += self.tick_reports().await;
        self.tick_jobs().await;
        report
    }

    /// One turn over the matches whose players' time to report is up; how many were ended. A result may meet a job of its mode,
    /// or be one, and waits for it then. Where a job is known to be under way the match is left to a turn after it.
    pub async fn tick_reports(&self) -> usize {
        // The matcher's turns ask it.
        if self.refusals.go_on() {
            return 0;
        }
        let call = Call::system("gsm:SettleReports", self.clock.now());
        let is_open = |mode: &Mode| !self.views.gates.is_closed(mode);
        let due = self.views.reports.due(call.now, OVERDUE_MAX, is_open);
        ended(due, |id| self.settle_reports(&call, id)).await.0
    }

    /// One turn over what may be long and what no player waits for: jobs that were left behind, boards that are not filled
    /// yet. May take minutes; whoever gives it up in the middle loses nothing that a later turn does not do.
    pub async fn tick_jobs(&self) {
        // The matcher's turns ask it.
        if self.refusals.go_on() {
            return;
        }
        if let Err(error) = self.settle_gates(false).await {
            tracing::warn!(%error, "a job that was left behind is not settled yet");
        }
        if let Err(error) = self.fill_boards().await {
            tracing::warn!(%error, "a board that was defined is not filled yet");
        }
    }

    /// One turn over all queues. Call it again after [`Engine::wait_for_work`]. While the store refuses nothing is done but to
    /// ask it, a few times a second. It waits for no board that is filled, and for no job.
    pub async fn tick_queues(&self) -> TickReport {
        if !self.takes_commits().await {
            return TickReport::default();
        }
        self.expel_unseen().await;
        // One after another, unless each may have to wait for a model elsewhere.
        let at_once = if self.asks_elsewhere() { QUEUES_AT_ONCE } else { 1 };
        let turns = stream::iter(self.queues()).map(|queue| async move {
            let mut report = TickReport::default();
            if let Some(pool) = self.views.pools.get(&queue.name) {
                // A turn that is still under way does this one's work.
                if let Ok(mut turn) = pool.turn.try_lock()
                    && let Err(error) = self.tick_queue(&queue, &pool, &mut turn, &mut report).await
                    && !error.is_of_store()
                {
                    tracing::warn!(queue = %queue.name, %error, "matchmaking turn cut short");
                }
            }
            report
        });
        let turns = turns.buffer_unordered(at_once);
        let mut report = turns.fold(TickReport::default(), |all, one| async move { all.and(one) }).await;
        match self.end_orphans().await {
            Ok(ended) => report.overdue += ended,
            Err(error) => tracing::warn!(%error, "tickets of a deleted queue are not ended yet"),
        }
        let call = Call::system("gsm:ExpireMatch", self.clock.now());
        let overdue = self.views.pools.expired_matches(call.now, OVERDUE_MAX);
        report.overdue += ended(overdue, |id| self.expire_match(&call, id)).await.0;
        match self.settle_some().await {
            Ok(more) => report.more |= more,
            Err(error) => tracing::warn!(%error, "outbox not settled yet"),
        }
        if let Err(error) = self.publish_learnt().await {
            tracing::warn!(%error, "what was learnt is not published yet");
        }
        self.look_at_pairs().await;
        for (board, players) in self.views.boards.sweep(self.clock.now()) {
            self.views.watches.lost_ranks(&board, &players);
        }
        report
    }

    /// Returns when a ticket has entered or left, or after `at_most`.
    pub async fn wait_for_work(&self, at_most: Millis) {
        let _ = tokio::time::timeout(at_most.as_duration(), self.views.pools.wake.notified()).await;
    }

    async fn tick_queue(
        &self,
        queue: &Arc<QueueConfig>,
        pool: &Arc<QueuePool>,
        turn: &mut Turn,
        report: &mut TickReport,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        // Also where another node holds the lease: what is told does not pile up.
        let model = &self.views.forecasts;
        drop(pool.settled(model));
        let Some(lease) = self.hold_lease(&Key::Lease(queue.name.clone()), turn, now).await? else {
            return Ok(());
        };
        let tickets = pool.settled(model).expired_tickets(now, OVERDUE_MAX);
        let proposals = pool.expired_proposals(now, OVERDUE_MAX);
        let call = Call::system("gsm:ExpireTicket", now);
        let (timed_out, not_ended) = ended(tickets, |id| self.time_out_ticket(&call, id)).await;
        if !not_ended.is_empty() {
            self.reload_tickets(&queue.name, pool, &not_ended).await;
        }
        let (expired, _) = ended(proposals, |id| self.expire_proposal(&call, id)).await;
        report.overdue += timed_out + expired;
        let (found, finished, rules) = {
            let mut state = pool.settled(model);
            let (found, finished) = aside_of(state.waiting(), || state.step(now, STEP_BUDGET));
            (found, finished, state.rules().clone())
        };
        report.more |= !finished;
        let call = Call::system("gsm:FormMatch", now);
        let heard = self.hear_of_found(queue, &found, now).await;
        let fates = stream::iter(found.into_iter().zip(heard))
            .map(|formed| self.commit_formed(&call, (queue, &rules), pool, lease, formed))
            .buffer_unordered(COMMITS_AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        for fate in fates {
            match fate {
                Fate::Match => report.matches += 1,
                Fate::Proposal => report.proposals += 1,
                Fate::Lost => report.lost += 1,
            }
        }
        // What the commits say waits and the pool does not hold, though it would take it, was dropped on a stale read: look again.
        let strays = pool.settled(model).strays(OVERDUE_MAX);
        if !strays.is_empty() {
            self.reload_tickets(&queue.name, pool, &strays).await;
        }
        Ok(())
    }

    /// Makes sure that this node holds a lease: that of a queue's pool, or of upkeep. Gives its version, which every commit
    /// of a formed match checks, so that a node that lost the lease commits nothing.
    pub(crate) async fn hold_lease(
        &self,
        key: &Key,
        turn: &mut Turn,
        now: Timestamp,
    ) -> Result<Option<Version>, EngineError> {
        let found = self.get_one(key).await?;
        let (held, version) = match &found {
            None => (None, None),
            Some(found) => match &*found.row {
                Row::Lease(lease) => (Some(lease.clone()), Some(found.version)),
                _ => return Err(EngineError::damaged(key)),
            },
        };
        let life = if self.homes.is_one() { LEASE_LIFE_ALONE } else { LEASE_LIFE };
        let own = held.as_ref().is_some_and(|lease| lease.owner == self.node);
        let left = held.as_ref().map_or(Millis::ZERO, |lease| lease.until.since(now));
        if own && turn.fence == held.as_ref().map(|lease| lease.fence) && left.get() > life.get() / 2 {
            return Ok(version);
        }
        if !own && left > Millis::ZERO {
            turn.fence = None;
            let seen = version.unwrap_or_default();
            let since = turn.others.filter(|(last, _)| *last == seen).map_or(now, |(_, since)| since);
            turn.others = Some((seen, since));
            if now.since(since) < LEASE_SILENCE {
                return Ok(None);
            }
        }
        let next = match (&held, turn.fence) {
            // Renewed without a gap: the fence stays.
            (Some(lease), Some(token)) if own && lease.fence == token => token,
            (Some(lease), _) => lease.fence + 1,
            (None, _) => 1,
        };
        let lease = Lease { owner: self.node.clone(), fence: next, until: now.saturating_add(life) };
        let call = Call::system("gsm:HoldLease", now);
        let mut changes = self.changes(&call, &[]);
        // Renewals say nothing about players: they are no audit event.
        changes.audit = None;
        changes.replace(key.clone(), version, Row::Lease(lease.clone()));
        match self.commit(Home::Live, changes).await {
            Ok(committed) if self.homes.is_one() => {
                turn.fence = Some(next);
                Ok(Some(committed.sequence))
            }
            Ok(_) => {
                turn.fence = Some(next);
                // Somebody whose clock is ahead may have taken it since: the version of another's lease is none of ours.
                let found = self.get_one(key).await?;
                Ok(found.filter(|found| *found.row == Row::Lease(lease)).map(|found| found.version))
            }
            Err(EngineError::Raced(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Commits what a step formed by some rules; tickets that still wait go back if it could not be, or if the queue has
    /// others meanwhile.
    async fn commit_formed(
        &self,
        call: &Call,
        (queue, rules): (&Arc<QueueConfig>, &Rules),
        pool: &Arc<QueuePool>,
        lease: Version,
        (formed, heard): (Found, Option<HeardOf>),
    ) -> Fate {
        let ids = distinct(formed.sides.iter().flatten().copied());
        let keys: Vec<Key> = ids.iter().map(|id| Key::Ticket(*id)).collect();
        let rows = match self.get(Home::Live, &keys).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, tickets = ids.len(), "tickets of a formed match could not be read");
                self.reload_tickets(&queue.name, pool, &ids).await;
                return Fate::Lost;
            }
        };
        let mut waiting = Vec::with_capacity(ids.len());
        for ((id, key), found) in ids.iter().zip(&keys).zip(rows) {
            let row =
                found.as_ref().and_then(|f| ticket_row(key, &f.row).ok().map(|row| (row.clone(), f.version)));
            if let Some((row, version)) = row
                && matches!(row.state, TicketState::Queued | TicketState::Searching)
                && row.expires_at > call.now
                && let Some(row) = row.seen_from(&queue.name).map(Cow::into_owned)
            {
                waiting.push((*id, row, version));
            }
        }
        let complete = waiting.len() == ids.len();
        // As it is now: tickets that came since the turn began came under that.
        let now = self.queue(&queue.name).ok();
        let Some(queue) = now.filter(|now| now.rates_as(queue) && self.views.rules_of(now).are(rules)) else {
            // Changed meanwhile: they search by what it is now. Or deleted, on another node: whoever ends its tickets finds them
            // in the pool.
            self.reload_tickets(&queue.name, pool, &ids).await;
            return Fate::Lost;
        };
        if complete && queue.acceptance_ms.is_some() && self.is_heard() {
            pool.note_judged(ids.clone(), &formed.rules);
        }
        let fate = if complete {
            self.try_form(call, (&queue, pool), lease, (&formed, heard), waiting.clone()).await
        } else {
            Err(EngineError::Raced(None))
        };
        match fate {
            Ok(fate) => fate,
            Err(error) => {
                if let EngineError::TooLarge(fault) = &error {
                    self.part_with(call, &queue, &waiting, fault).await;
                } else if !matches!(error, EngineError::Raced(_)) && !error.is_of_store() {
                    tracing::warn!(queue = %queue.name, %error, "formed match not committed, tickets return to pool");
                }
                self.reload_tickets(&queue.name, pool, &ids).await;
                Fate::Lost
            }
        }
    }

    /// What is too large for one commit would be formed again every turn: those of its tickets end that bring more than
    /// one may, from before there was that limit; where none does, the one that brings most.
    async fn part_with(
        &self,
        call: &Call,
        queue: &QueueConfig,
        tickets: &[(TicketId, TicketRow, Version)],
        fault: &StoreFault,
    ) {
        let mut ending: Vec<TicketId> =
            tickets.iter().filter(|(_, row, _)| row.is_overladen()).map(|(id, ..)| *id).collect();
        if ending.is_empty() {
            let largest = tickets.iter().max_by_key(|(_, row, _)| row.brought_bytes());
            ending.extend(largest.map(|(id, ..)| *id));
        }
        let players: usize = tickets.iter().map(|(_, row, _)| row.players.len()).sum();
        let (all, ended) = (tickets.len(), ending.len());
        tracing::warn!(queue = %queue.name, tickets = all, players, ended, %fault, "a formed match is too large, tickets that bring most end");
        let call = Call::system("gsm:CancelTicket", call.now);
        for id in ending {
            match self.cancel_ticket_as(&call, id, BRINGS_TOO_MUCH).await {
                // Over by now.
                Ok(_) | Err(EngineError::NotWaiting { .. } | EngineError::Unknown { .. }) => {}
                Err(error) => {
                    tracing::warn!(ticket = %id, %error, "a ticket that brings too much waits still");
                }
            }
        }
    }

    /// Puts those of `ids` that still wait back into the pool, as the store has them now, and takes out the ended.
    async fn reload_tickets(&self, queue: &QueueName, pool: &QueuePool, ids: &[TicketId]) {
        let keys: Vec<Key> = ids.iter().map(|id| Key::Ticket(*id)).collect();
        for _ in 0..RELOAD_TRIES_MAX {
            let Ok(rows) = self.get(Home::Live, &keys).await else { continue };
            for ((id, key), found) in ids.iter().zip(&keys).zip(rows) {
                if let Some(found) = found
                    && let Ok(row) = ticket_row(key, &found.row)
                {
                    pool.look_again(queue, *id, row);
                }
            }
            return;
        }
        // The store is away. They are strays until it is back, and each turn looks for strays.
    }

    async fn try_form(
        &self,
        call: &Call,
        (queue, pool): (&Arc<QueueConfig>, &Arc<QueuePool>),
        lease: Version,
        (formed, heard): (&Found, Option<HeardOf>),
        tickets: Vec<(TicketId, TicketRow, Version)>,
    ) -> Result<Fate, EngineError> {
        let mut changes = self.changes(call, &[&queue.name]);
        changes.check(Key::Lease(queue.name.clone()), Expect::At(lease));
        let match_id = MatchId::fresh(&*self.ids);
        let (mut tellings, mut prediction, mut asked) = (Vec::new(), None, None);
        let fate = if let Some(patience) = queue.acceptance_ms {
            let room = self.store(Home::Live).limits().bytes_max;
            let brought: usize = tickets.iter().map(|(_, row, _)| row.brought_bytes()).sum();
            if brought > room - room / 5 {
                // Its match would have no room for the rest, and all would have accepted in vain.
                let text = format!("what its players bring takes {brought} bytes of {room}");
                return Err(EngineError::TooLarge(StoreFault::new(text)));
            }
            let id = ProposalId::fresh(&*self.ids);
            let deadline = call.now.saturating_add(patience);
            let mut proposal = Proposal::new(id, match_id, &formed.sides, deadline)
                .map_err(|e| EngineError::invalid("proposal", e))?
                .of_teams(formed.teams.clone())
                .of_roles(formed.roles.clone());
            for (backfill, ..) in tickets.iter().filter(|(_, row, _)| row.backfill) {
                proposal = proposal.joining(*backfill);
            }
            if self.is_heard() {
                let shown = all_shown(&tickets, &places(&proposal));
                tellings.push(Telling::new(Happening::PotentialMatch(Some(patience)), shown));
            }
            changes.create(
                Key::Proposal(id),
                Row::Proposal(queue.name.clone(), Box::new(proposal), heard.map(Box::new)),
            );
            for (ticket, mut row, version) in tickets {
                row.state = row.state.step(TicketState::RequiresAcceptance)?;
                (row.proposal, row.reason) = (Some(id), None);
                // Who plays already is not asked.
                tell(&mut changes, ticket, &row, (!row.backfill).then_some(deadline));
                put_ticket(&mut changes, ticket, &row, version);
            }
            pool.note_asked(id, Asking { queue: queue.clone(), since: Some(call.now) });
            asked = Some(id);
            Fate::Proposal
        } else {
            if self.is_heard() {
                let shown = all_shown(&tickets, &formed.places());
                tellings.push(Telling::new(Happening::PotentialMatch(None), shown.clone()));
                tellings.push(Telling::new(Happening::Succeeded, shown));
            }
            let (sides, teams, roles) = (formed.sides.clone(), formed.teams.clone(), formed.roles.clone());
            let forming = Forming { id: match_id, queue: queue.clone(), sides, teams, roles, tickets, heard };
            prediction = self.add_formed_match(&mut changes, call, forming).await?;
            Fate::Match
        };
        if let Err(error) = self.commit(Home::Live, changes).await {
            if let Some(id) = asked {
                pool.forget_asked(id);
            }
            return Err(error);
        }
        let tellings =
            tellings.into_iter().map(|told| told.of_match(Some(match_id)).with(formed.rules.clone()));
        let tellings = tellings.map(|told| told.predicted(prediction.as_deref()));
        self.publish(&queue.name, call.now, tellings.collect());
        Ok(fate)
    }
}

/// How a formed match ended up.
enum Fate {
    Match,
    Proposal,
    Lost,
}

/// Ends overdue things, many at once: how many were ended, and which were not. One that cannot be ended, whatever the
/// reason, holds up no other.
async fn ended<T, F>(overdue: Vec<T>, end: impl Fn(T) -> F) -> (usize, Vec<T>)
where
    T: Copy + std::fmt::Display,
    F: Future<Output = Result<bool, EngineError>>,
{
    let fates: Vec<(T, Result<bool, EngineError>)> = stream::iter(overdue)
        .map(|id| end(id).map(move |fate| (id, fate)))
        .buffer_unordered(COMMITS_AT_ONCE)
        .collect()
        .await;
    let mut done = 0;
    let mut left = Vec::new();
    for (id, fate) in fates {
        match fate {
            Ok(true) => done += 1,
            Ok(false) | Err(EngineError::Raced(_)) => left.push(id),
            Err(error) => {
                if !error.is_of_store() {
                    tracing::warn!(%id, %error, "overdue and not ended yet");
                }
                left.push(id);
            }
        }
    }
    (done, left)
}
