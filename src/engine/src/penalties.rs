//! Penalties: who spoils the game of others is locked out of the queues of a scope for a while.
//!
//! Each offence is written by the commit that it comes of, so that it counts once and never without its cause: a dodge
//! with the end of its proposal (live home), who left and who was away with the result (record home). A ticket rests on
//! the rows that say nobody of it is locked out.
mod config;
mod early;
mod files;
mod lift;

pub use config::Penalties;
pub use lift::PenaltyView;

use crate::{
    Call, Engine, EngineError, QueueConfig,
    proposals::Asked,
    store::{ChangeSet, Expect, Home, Key, MatchRow, OffencesRow, PushEvent, PushKind, Row, Version},
};
use files::Files;
use gsm_core::{MatchId, Mode, PlayerId, QueueName, Timestamp};
use gsm_matchmaking::{Proposal, proposal::Failure};
use gsm_session::{MatchResult, Offence, OffenceKind, Stand};
use std::{collections::BTreeSet, sync::Arc};

/// Who did what in one match, by which rules.
#[derive(Debug, Clone)]
pub(crate) struct Blame {
    scope: Mode,
    rules: Penalties,
    /// Nobody: nothing is blamed on anybody any more.
    of: BTreeSet<(PlayerId, OffenceKind)>,
    /// Offences that were reported before, and go.
    lifts: usize,
}

impl Blame {
    /// What the result of a match of this queue blames on whom; nothing where the queue does not ask.
    pub(crate) fn of(queue: &QueueConfig, result: &MatchResult, afk: &[PlayerId]) -> Option<Self> {
        let (scope, rules) = queue.penal()?;
        let left = result.quits().iter().map(|player| (*player, OffenceKind::Leave));
        // Who left was away too: that is one offence.
        let away = afk.iter().filter(|player| !result.quits().contains(player));
        let away = away.map(|player| (*player, OffenceKind::Afk));
        let of: BTreeSet<_> = left.chain(away).filter(|(_, kind)| rules.ladder(*kind).is_some()).collect();
        (!of.is_empty()).then(|| Self { scope, rules: rules.clone(), of, lifts: 0 })
    }

    fn row(&self) -> OffencesRow {
        OffencesRow { scope: self.scope.clone(), of: self.of.iter().copied().collect() }
    }

    /// Writes that it takes, at most.
    pub(crate) fn writes(&self) -> usize {
        self.of.len() + self.lifts + 1
    }
}

impl Engine {
    /// Refuses players who are locked out of a queue, naming the one whose lock ends last. Gives the rows that this
    /// rests on.
    pub(crate) async fn check_locks(
        &self,
        queues: &[Arc<QueueConfig>],
        players: &[PlayerId],
        now: Timestamp,
    ) -> Result<Vec<(Key, Expect)>, EngineError> {
        let scopes: BTreeSet<Mode> = queues.iter().filter_map(|queue| Some(queue.penal()?.0)).collect();
        let mut rests = Vec::with_capacity(scopes.len() * players.len() * 2);
        let mut worst: Option<(Timestamp, PlayerId, OffenceKind, Mode)> = None;
        for (home, key) in FILES {
            let keys: Vec<Key> = scopes
                .iter()
                .flat_map(|scope| players.iter().map(move |player| key(scope.clone(), *player)))
                .collect();
            for (key, found) in keys.iter().zip(self.get(home, &keys).await?) {
                rests.push((key.clone(), found.as_ref().map_or(Expect::Absent, |f| Expect::At(f.version))));
                let Some(found) = found else { continue };
                let Row::Penalties(row) = &*found.row else { return Err(EngineError::damaged(key)) };
                let (Key::Dodges(scope, player) | Key::Leaves(scope, player)) = key else { continue };
                for (kind, offences) in &row.0 {
                    if let Some(until) = offences.stand(now).locked_until
                        && worst.as_ref().is_none_or(|(latest, ..)| until > *latest)
                    {
                        worst = Some((until, *player, *kind, scope.clone()));
                    }
                }
            }
        }
        match worst {
            None => Ok(rests),
            Some((until, player, kind, scope)) => Err(EngineError::LockedOut {
                player,
                offence: kind.as_str(),
                scope: scope.to_string(),
                until,
                left: until.since(now),
            }),
        }
    }

    /// Lets a ticket rest on what was read of its players' locks.
    pub(crate) async fn rest_on_locks(
        &self,
        changes: &mut ChangeSet,
        locks: Vec<(Key, Expect)>,
    ) -> Result<(), EngineError> {
        let (own, others): (Vec<_>, Vec<_>) =
            locks.into_iter().partition(|(key, _)| self.homes.is_one() || key.home() == Home::Live);
        self.surely(Home::Record, &others).await?;
        for (key, expect) in own {
            changes.check(key, expect);
        }
        Ok(())
    }

    /// Adds to the end of a failed proposal what it says of its players.
    pub(crate) async fn add_dodges(
        &self,
        changes: &mut ChangeSet,
        call: &Call,
        queue: &QueueConfig,
        proposal: &Proposal,
        (failure, asked): (&Failure, Asked),
    ) -> Result<(), EngineError> {
        let Some((scope, rules)) = queue.penal().filter(|(_, rules)| rules.dodge.is_some()) else {
            return Ok(());
        };
        let dodgers = self.dodgers(call, (&queue.name, proposal), failure, asked);
        let blame = Blame {
            scope,
            rules: rules.clone(),
            of: dodgers.iter().map(|player| (*player, OffenceKind::Dodge)).collect(),
            lifts: 0,
        };
        let offence = Offence { match_id: proposal.match_id(), at: call.now };
        let told = self.add_offences(changes, Home::Live, &blame, offence, 0).await?;
        for (player, event) in told {
            changes.event(player, event);
        }
        Ok(())
    }

    /// Who is to blame for the end of a proposal: who said no, or nothing in time.
    fn dodgers<'a>(
        &self,
        call: &Call,
        (queue, proposal): (&QueueName, &Proposal),
        failure: &'a Failure,
        asked: Asked,
    ) -> &'a [PlayerId] {
        if asked != Asked::Answer && call.principal.is_trusted() {
            // Taken out by a server: not by the players.
            return &[];
        }
        if !failure.missed_deadline {
            return &failure.decliners;
        }
        // Who was asked by a process that has ended may never have heard of it, and who answered while the store refused was
        // not heard.
        let since = self.views.pools.get(queue).and_then(|pool| pool.asked(proposal.id())?.since);
        let is_unheard = since.is_none_or(|at| at < self.started_at || self.refusals.any_since(at));
        if is_unheard { &[] } else { &failure.missing }
    }

    /// Writes offences down, each once: as many as the change set has room for beside `others` to come. Gives what their
    /// players are to be told.
    async fn add_offences(
        &self,
        changes: &mut ChangeSet,
        home: Home,
        blame: &Blame,
        offence: Offence,
        others: usize,
    ) -> Result<Vec<(PlayerId, PushEvent)>, EngineError> {
        let room = self.store(home).limits().items_max.saturating_sub(changes.writes.len() + others);
        if blame.of.len() > room {
            let (players, match_id) = (blame.of.len(), offence.match_id);
            tracing::warn!(%match_id, players, room, "more offences than a change set has room for");
        }
        let of: Vec<_> = blame.of.iter().take(room).copied().collect();
        let mut files = Files::read(self, home, of.iter().map(|(player, _)| (&blame.scope, *player))).await?;
        let mut told = Vec::new();
        for (player, kind) in of {
            if let Some(ladder) = blame.rules.ladder(kind)
                && let Some(stand) = files.add(&blame.scope, player, kind, (offence, changes.at), ladder)
            {
                let news = News { scope: &blame.scope, kind, of: Some(offence.match_id), lifted: false };
                told.push((player, news.at(changes.at, stand)));
            }
        }
        files.write(changes);
        Ok(told)
    }

    /// Adds to a new result what it blames on whom; where the homes are one, they are told by the same commit.
    pub(crate) async fn add_blame(
        &self,
        changes: &mut ChangeSet,
        id: MatchId,
        blame: &Blame,
        at: Timestamp,
    ) -> Result<(), EngineError> {
        // Somebody may have been reported before.
        let told = self.blame_again(changes, id, Some(blame.clone()), at).await?;
        if self.homes.is_one() {
            for (player, event) in told {
                changes.event(player, event);
            }
        }
        Ok(())
    }

    async fn blame_first(
        &self,
        changes: &mut ChangeSet,
        id: MatchId,
        blame: &Blame,
        at: Timestamp,
    ) -> Result<Vec<(PlayerId, PushEvent)>, EngineError> {
        changes.create(Key::Offences(id), Row::Offences(blame.row()));
        let offence = Offence { match_id: id, at };
        self.add_offences(changes, Home::Record, blame, offence, HEAD_WRITES_OTHER).await
    }

    /// Tells the players of a match what its result blamed on them, where that is another home's to tell.
    pub(crate) async fn tell_blamed(&self, changes: &mut ChangeSet, id: MatchId) -> Result<(), EngineError> {
        let Some((row, _)) = self.offences_row(id).await? else {
            // A stale read must not pass for a match without: they would never be told.
            let gone = self.is_gone(Key::Offences(id)).await?;
            return if gone { Ok(()) } else { Err(EngineError::Raced(None)) };
        };
        let of = row.of.iter().map(|(player, _)| (&row.scope, *player));
        let files = Files::read(self, Home::Record, of).await?;
        for (player, kind) in &row.of {
            if let Some(stand) = files.stand(&row.scope, *player, *kind, changes.at) {
                let news = News { scope: &row.scope, kind: *kind, of: Some(id), lifted: false };
                changes.event(*player, news.at(changes.at, stand));
            }
        }
        Ok(())
    }

    async fn offences_row(&self, id: MatchId) -> Result<Option<(OffencesRow, Version)>, EngineError> {
        let key = Key::Offences(id);
        let Some(found) = self.get_one(&key).await? else { return Ok(None) };
        let Row::Offences(row) = &*found.row else { return Err(EngineError::damaged(&key)) };
        Ok(Some((row.clone(), found.version)))
    }

    /// Makes the offences of a match those that its result blames on its players now: none if it does not count. Gives
    /// what the players are to be told.
    pub(crate) async fn blame_again(
        &self,
        head: &mut ChangeSet,
        id: MatchId,
        blame: Option<Blame>,
        at: Timestamp,
    ) -> Result<Vec<(PlayerId, PushEvent)>, EngineError> {
        let key = Key::Offences(id);
        let blame = blame.filter(|blame| !blame.of.is_empty());
        let found = self.offences_row(id).await?;
        let Some((old, version)) = found else {
            match blame {
                // It rests on there being none.
                None => {
                    head.check(key, Expect::Absent);
                    return Ok(Vec::new());
                }
                Some(blame) => return self.blame_first(head, id, &blame, at).await,
            }
        };
        let (now, mut told) = (head.at, Vec::new());
        let due: BTreeSet<_> = blame
            .iter()
            .flat_map(|blame| blame.of.iter().map(|(player, kind)| (&blame.scope, *player, *kind)))
            .collect();
        let before: BTreeSet<_> = old.of.iter().map(|(player, kind)| (&old.scope, *player, *kind)).collect();
        let all = due.union(&before).map(|(scope, player, _)| (*scope, *player));
        let mut files = Files::read(self, Home::Record, all).await?;
        for (scope, player, kind) in before.difference(&due) {
            if let Some(stand) = files.remove(scope, *player, *kind, Some(id), now) {
                told.push((*player, News { scope, kind: *kind, of: Some(id), lifted: true }.at(now, stand)));
            }
        }
        for (scope, player, kind) in due.difference(&before) {
            let ladder = blame.as_ref().and_then(|blame| blame.rules.ladder(*kind));
            let offence = Offence { match_id: id, at };
            if let Some(ladder) = ladder
                && let Some(stand) = files.add(scope, *player, *kind, (offence, now), ladder)
            {
                told.push((*player, News { scope, kind: *kind, of: Some(id), lifted: false }.at(now, stand)));
            }
        }
        files.write(head);
        match &blame {
            None => head.delete(key, version),
            Some(blame) => head.replace(key, Some(version), Row::Offences(blame.row())),
        };
        Ok(told)
    }

    /// The queue that made a match, as it is now, or as it was when it left the mode.
    pub(crate) async fn queue_of_match(&self, id: MatchId) -> Result<Option<Arc<QueueConfig>>, EngineError> {
        let row = self.row_of_match(id).await?;
        Ok(row.and_then(|row| self.views.queues.of_match(row.queue.as_ref()?, &row.mode)))
    }

    /// The row of a match that may have ended; none of one of a history, and of one that is kept no longer.
    pub(crate) async fn row_of_match(&self, id: MatchId) -> Result<Option<MatchRow>, EngineError> {
        let row = match self.live_match(id).await? {
            Some((row, _)) => Some(row),
            None => self.archived_match(id).await?,
        };
        // The match of a history is nowhere; another is, and not to see it is a stale read.
        if row.is_none() && !(self.is_gone(Key::Match(id)).await? && self.is_gone(Key::Archive(id)).await?) {
            return Err(EngineError::Raced(None));
        }
        Ok(row)
    }
}

/// What a player is told.
struct News<'a> {
    scope: &'a Mode,
    kind: OffenceKind,
    of: Option<MatchId>,
    lifted: bool,
}

impl News<'_> {
    fn at(self, at: Timestamp, stand: Stand) -> PushEvent {
        let (scope, offence) = (self.scope.clone(), self.kind);
        let (match_id, lifted, locked_until) = (self.of, self.lifted, stand.locked_until);
        PushEvent { at, kind: PushKind::Penalty { scope, offence, match_id, lifted, locked_until } }
    }
}

/// Writes that may follow offences in the change set of a result or a ruling.
const HEAD_WRITES_OTHER: usize = 6;

/// The key of a player's offences in a scope.
type FileKey = fn(Mode, PlayerId) -> Key;

/// Where a player's offences lie.
const FILES: [(Home, FileKey); 2] = [(Home::Live, Key::Dodges), (Home::Record, Key::Leaves)];
