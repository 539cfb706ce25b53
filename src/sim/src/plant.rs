//! Planted bugs: each breaks one promise from below the engine, so that each invariant is seen red.
use crate::{Invariant, random::Random};
use async_trait::async_trait;
use gsm_core::{CommitKey, PlayerId, ProposalId};
use gsm_engine::store::{
    ChangeSet, CommitError, Committed, CountingRow, Cursor, Expect, Fold, Key, KeyRange, Op, PushEvent,
    ReadError, Row, Store, StoreFault, StoreLimits, Versioned, Write,
};
use gsm_session::{MatchState, TicketState};
use parking_lot::Mutex;
use std::sync::Arc;

/// A bug to plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// A result is acknowledged and not applied.
    ResultDropped,
    /// A rating is written a second time.
    RatedTwice,
    /// A rating changes in its last bits, games and all else as it should be.
    RatingBent,
    /// A claim is made whatever is there.
    ClaimUnchecked,
    /// A claim is not taken back.
    ClaimKept,
    /// A ticket is acknowledged and not kept.
    TicketDropped,
    /// A match is proposed a second time.
    ProposedTwice,
    /// Pools do not hear that a ticket waits.
    PoolDeaf,
    /// Boards do not hear of a rating.
    BoardDeaf,
    /// A lease changes its owner and keeps its fence.
    FenceStuck,
    /// A match is formed whoever holds the lease now.
    LeaseUnchecked,
    /// An event is not kept.
    EventDropped,
    /// The answer to an idempotency key is not kept.
    ReplayDropped,
    /// Refused, and applied all the same.
    RefusedApplied,
    /// A store says that it takes more than it does.
    LimitIgnored,
    /// A match that finished is not kept.
    CopyDropped,
    /// A result counts whatever job closes its mode.
    GateUnchecked,
    /// Nobody knows who has a seat already.
    SeatForgotten,
    /// A job writes what results say they did, and not all of the ratings.
    JobHalfDone,
    /// A result is counted by the boards that its node has heard of, whichever there are.
    CountingUnheeded,
    /// What a result blames on a player is not kept.
    OffenceForgotten,
    /// Nobody is told who is locked out.
    LocksUnheeded,
    /// Who is erased is rid of bans.
    BanForgotten,
    /// A result counts, and nobody learns from it.
    LessonDropped,
    /// A match keeps what was said of another.
    AnswerMisplaced,
    /// A backfill does not see the one that waits already.
    BackfillUnheeded,
    /// Whoever was erased can sign in still.
    IdentityKept,
    /// What is left of the erased is looked for, and not deleted.
    LeftoversKept,
    /// A change is kept, and its audit record is not.
    AuditDropped,
    /// An audit record is kept with another change too.
    AuditTwice,
    /// One player's word is as good as two.
    AgreementForged,
}

impl Plant {
    /// Every one.
    pub const ALL: &'static [Self] = &[
        Self::ResultDropped,
        Self::RatedTwice,
        Self::RatingBent,
        Self::ClaimUnchecked,
        Self::ClaimKept,
        Self::TicketDropped,
        Self::ProposedTwice,
        Self::PoolDeaf,
        Self::BoardDeaf,
        Self::FenceStuck,
        Self::LeaseUnchecked,
        Self::EventDropped,
        Self::ReplayDropped,
        Self::RefusedApplied,
        Self::LimitIgnored,
        Self::CopyDropped,
        Self::GateUnchecked,
        Self::SeatForgotten,
        Self::JobHalfDone,
        Self::CountingUnheeded,
        Self::OffenceForgotten,
        Self::LocksUnheeded,
        Self::BanForgotten,
        Self::LessonDropped,
        Self::AnswerMisplaced,
        Self::BackfillUnheeded,
        Self::IdentityKept,
        Self::LeftoversKept,
        Self::AuditDropped,
        Self::AuditTwice,
        Self::AgreementForged,
    ];

    /// The invariant that must report it.
    #[must_use]
    pub const fn breaks(self) -> Invariant {
        match self {
            Self::ResultDropped | Self::CopyDropped => Invariant::ResultKept,
            Self::RatedTwice
            | Self::RatingBent
            | Self::GateUnchecked
            | Self::JobHalfDone
            | Self::CountingUnheeded => Invariant::RatedOnce,
            Self::ClaimUnchecked | Self::ClaimKept => Invariant::OneClaim,
            Self::TicketDropped => Invariant::TicketKept,
            Self::BackfillUnheeded => Invariant::OneBackfill,
            Self::ProposedTwice => Invariant::OneProposal,
            Self::PoolDeaf => Invariant::NoneStranded,
            Self::BoardDeaf => Invariant::RankRecounts,
            Self::SeatForgotten => Invariant::SeatsKept,
            Self::OffenceForgotten => Invariant::OffencesOnce,
            Self::LocksUnheeded => Invariant::OffencesOnce,
            Self::BanForgotten => Invariant::BansHold,
            Self::AgreementForged => Invariant::EnoughAgree,
            Self::LessonDropped => Invariant::ModelsAgree,
            Self::AnswerMisplaced => Invariant::HeardAsSaid,
            Self::FenceStuck | Self::LeaseUnchecked => Invariant::Fenced,
            Self::EventDropped => Invariant::EventsWhole,
            Self::AuditDropped | Self::AuditTwice => Invariant::AuditedOnce,
            Self::ReplayDropped => Invariant::SameAnswer,
            Self::IdentityKept | Self::LeftoversKept => Invariant::NobodyLeft,
            Self::RefusedApplied => Invariant::Answers,
            Self::LimitIgnored => Invariant::Limits,
        }
    }
}

/// A store with a bug.
pub(crate) struct Planted {
    pub(crate) below: Arc<dyn Store>,
    pub(crate) plant: Plant,
    pub(crate) random: Mutex<Random>,
}

fn puts(write: &Write) -> Option<&Row> {
    if let Op::Put { row, .. } = &write.op { Some(row) } else { None }
}

fn waits(row: &Row) -> bool {
    matches!(row, Row::Ticket(t) if matches!(t.state, TicketState::Queued | TicketState::Searching))
}

impl Planted {
    fn now_and_then(&self, p: f64) -> bool {
        self.random.lock().chance(p)
    }

    /// Keeps the writes that `keep` likes.
    fn without(mut changes: ChangeSet, keep: impl Fn(&Write) -> bool) -> ChangeSet {
        changes.writes.retain(keep);
        changes
    }

    fn spoil(&self, mut changes: ChangeSet) -> ChangeSet {
        match self.plant {
            Plant::ClaimUnchecked => {
                for write in &mut changes.writes {
                    if matches!(write.key, Key::Claim(_)) && write.expect == Expect::Absent {
                        write.expect = Expect::Any;
                    }
                }
                changes
            }
            Plant::BackfillUnheeded => {
                for write in &mut changes.writes {
                    if matches!(write.key, Key::Backfill(_)) && write.expect == Expect::Absent {
                        write.expect = Expect::Any;
                    }
                }
                changes
            }
            Plant::ClaimKept => {
                Self::without(changes, |w| !(matches!(w.key, Key::Claim(_)) && w.op == Op::Delete))
            }
            Plant::TicketDropped => {
                Self::without(changes, |w| !(matches!(w.key, Key::Ticket(_)) && w.expect == Expect::Absent))
            }
            Plant::BanForgotten => Self::without(changes, |w| {
                !(matches!(w.key, Key::Banned(_)) && matches!(w.op, Op::Put { .. }))
            }),
            Plant::SeatForgotten => Self::without(changes, |w| !matches!(w.key, Key::Seated(..))),
            Plant::OffenceForgotten => {
                Self::without(changes, |w| !(matches!(w.key, Key::Leaves(..)) && w.op != Op::Check))
            }
            Plant::LocksUnheeded => {
                let of = |w: &Write| matches!(w.key, Key::Dodges(..) | Key::Leaves(..));
                Self::without(changes, |w| !(of(w) && w.op == Op::Check))
            }
            Plant::ReplayDropped => Self::without(changes, |w| !matches!(w.key, Key::Idempotency(..))),
            Plant::LeaseUnchecked => {
                Self::without(changes, |w| !(matches!(w.key, Key::Lease(_)) && w.op == Op::Check))
            }
            Plant::GateUnchecked => {
                Self::without(changes, |w| !(matches!(w.key, Key::Gate(_)) && w.op == Op::Check))
            }
            Plant::CountingUnheeded => {
                Self::without(changes, |w| !(matches!(w.key, Key::Counting(_)) && w.op == Op::Check))
            }
            Plant::JobHalfDone => {
                let is_job =
                    changes.writes.iter().any(|w| matches!(w.key, Key::Gate(_)) && w.op != Op::Check);
                Self::without(changes, |w| !(is_job && matches!(w.key, Key::Rating(..)) && w.op != Op::Check))
            }
            Plant::IdentityKept => {
                Self::without(changes, |w| !(matches!(w.key, Key::Identity(_)) && w.op == Op::Delete))
            }
            // The name alone goes from a ticket by no other hand.
            Plant::LeftoversKept => Self::without(changes, |w| {
                !matches!(puts(w), Some(Row::Ticket(row)) if row.backfill
                    && row.brought.iter().any(|of| of.team.is_some() && of.name.is_none()))
            }),
            Plant::FenceStuck => {
                for write in &mut changes.writes {
                    if let Op::Put { row, .. } = &mut write.op
                        && let Row::Lease(lease) = &mut *Arc::make_mut(row)
                    {
                        lease.fence = 1;
                    }
                }
                changes
            }
            Plant::AnswerMisplaced => {
                for write in &mut changes.writes {
                    if let Op::Put { row, .. } = &mut write.op
                        && matches!(&**row, Row::Match(_))
                        && let Row::Match(formed) = &mut *Arc::make_mut(row)
                        && let Some(forecast) = &mut formed.prediction.forecast
                        && forecast.inside.as_ref().is_some_and(|of| of.spoke.own().is_some())
                    {
                        forecast.chances = forecast.chances.map(|[win, draw, loss]| [loss, draw, win]);
                    }
                }
                changes
            }
            Plant::RatingBent => {
                for write in &mut changes.writes {
                    if let Op::Put { row, .. } = &mut write.op
                        && let Row::Rating(standing) = &mut *Arc::make_mut(row)
                        && let Some(row) = &mut standing.rating
                    {
                        row.rating.deviation = row.rating.deviation.next_up();
                    }
                }
                changes
            }
            Plant::CopyDropped => {
                let finished = |write: &Write| {
                    matches!(write.key, Key::Archive(_))
                        && matches!(puts(write), Some(Row::Match(row)) if row.state == MatchState::Finished)
                };
                changes.folds.retain(|write| !finished(write));
                Self::without(changes, |write| !finished(write))
            }
            Plant::ProposedTwice => {
                let again = |write: &Write| match puts(write) {
                    Some(Row::Proposal(queue, proposal, heard)) if write.expect == Expect::Absent => {
                        let id = ProposalId::from_u128(!proposal.id().as_u128());
                        Some((
                            Key::Proposal(id),
                            Row::Proposal(queue.clone(), proposal.clone(), heard.clone()),
                        ))
                    }
                    _ => None,
                };
                if let Some((key, row)) = changes.writes.iter().find_map(again) {
                    changes.create(key, row);
                }
                changes
            }
            Plant::LessonDropped => {
                changes.folds.retain(|write| !matches!(write.key, Key::Lesson(..)));
                changes
            }
            Plant::AuditDropped => {
                if self.now_and_then(0.1) {
                    changes.audit = None;
                }
                changes
            }
            Plant::EventDropped => {
                changes.events.pop();
                changes
            }
            _ => changes,
        }
    }

    /// A change set that changes nothing, with the audit record of `changes`.
    fn recorded_again(&self, changes: &ChangeSet) -> ChangeSet {
        let mut again = ChangeSet::new(CommitKey::from_u128(!changes.key.as_u128()), changes.at);
        again.audit = changes.audit.clone();
        if let Some(write) = changes.writes.first() {
            again.write(write.key.clone(), Expect::Any, Op::Check);
        }
        again
    }

    /// Writes the ratings of `changes` again, as if the match had counted twice.
    async fn rate_again(&self, changes: &ChangeSet) {
        let mut again = ChangeSet::new(CommitKey::from_u128(!changes.key.as_u128()), changes.at);
        for write in &changes.writes {
            if let Some(Row::Rating(row)) = puts(write) {
                let mut row = row.clone();
                row.rating.iter_mut().for_each(|rating| rating.games += 1);
                again.write(
                    write.key.clone(),
                    Expect::Any,
                    Op::Put { row: Arc::new(Row::Rating(row)), expires_at: None },
                );
            }
        }
        if !again.writes.is_empty() {
            let _ = self.below.commit(again).await;
        }
    }
}

#[async_trait]
impl Store for Planted {
    fn limits(&self) -> StoreLimits {
        let limits = self.below.limits();
        if self.plant == Plant::LimitIgnored { StoreLimits { items_max: 4_096, ..limits } } else { limits }
    }

    async fn commit(&self, changes: ChangeSet) -> Result<Committed, CommitError> {
        // A job would find out at once that its gate has not moved.
        let is_job = changes.writes.iter().any(|w| matches!(w.key, Key::Gate(_)) && w.op != Op::Check);
        let is_result = !is_job && changes.writes.iter().any(|w| matches!(w.key, Key::Result(_)));
        let is_keyed = changes.writes.iter().any(|w| matches!(w.key, Key::Idempotency(..)));
        match self.plant {
            // With a key the same key would be found forgotten first.
            Plant::ResultDropped if is_result && !is_keyed => Ok(Committed { sequence: 0 }),
            Plant::RatedTwice if self.now_and_then(0.3) => {
                let answer = self.below.commit(changes.clone()).await;
                if answer.is_ok() {
                    self.rate_again(&changes).await;
                }
                answer
            }
            Plant::AuditTwice if changes.audit.is_some() && self.now_and_then(0.1) => {
                let again = self.recorded_again(&changes);
                let answer = self.below.commit(changes).await;
                if answer.is_ok() {
                    let _ = self.below.commit(again).await;
                }
                answer
            }
            Plant::RefusedApplied if self.now_and_then(0.05) => {
                let _ = self.below.commit(changes).await;
                Err(CommitError::Refused(StoreFault::new("refused, or so it says")))
            }
            _ => self.below.commit(self.spoil(changes)).await,
        }
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, ReadError> {
        let mut found = self.below.get(keys).await?;
        if self.plant == Plant::CountingUnheeded {
            for found in found.iter_mut().flatten() {
                // Nobody is told which boards count.
                if matches!(&*found.row, Row::Counting(_)) {
                    found.row = Arc::new(Row::Counting(CountingRow::default()));
                }
            }
        }
        if self.plant == Plant::AgreementForged {
            for found in found.iter_mut().flatten() {
                if let Row::Reports(row) = &mut *Arc::make_mut(&mut found.row) {
                    row.agree = 1;
                }
            }
        }
        if self.plant == Plant::BackfillUnheeded && matches!(keys, [Key::Ticket(_), ..]) {
            // Only where a new one asks: who ends one must find it.
            for (key, found) in keys.iter().zip(&mut found) {
                if matches!(key, Key::Backfill(_)) {
                    *found = None;
                }
            }
        }
        if self.plant == Plant::LocksUnheeded {
            for (key, found) in keys.iter().zip(&mut found) {
                // Only where a ticket asks: who adds to a row must find it.
                if matches!(key, Key::Dodges(..)) && keys.len() == 1 && self.now_and_then(0.5) {
                    *found = None;
                }
            }
        }
        Ok(found)
    }
    async fn list(
        &self,
        range: &KeyRange,
        after: Option<&Key>,
        limit: usize,
        newest_first: bool,
    ) -> Result<Vec<(Key, Versioned)>, ReadError> {
        self.below.list(range, after, limit, newest_first).await
    }
    async fn events(
        &self,
        player: PlayerId,
        after: Cursor,
        limit: usize,
    ) -> Result<Vec<(Cursor, PushEvent)>, ReadError> {
        self.below.events(player, after, limit).await
    }
    fn subscribe(&self, fold: Arc<dyn Fold>) {
        self.below.subscribe(match self.plant {
            Plant::PoolDeaf | Plant::BoardDeaf => Arc::new(Deaf { plant: self.plant, fold }),
            _ => fold,
        });
    }
}

/// A fold that is not told everything.
struct Deaf {
    plant: Plant,
    fold: Arc<dyn Fold>,
}

impl Fold for Deaf {
    fn apply(&self, committed: Committed, changes: &ChangeSet) {
        // One in three, the same on every node: chance by sequence.
        let mut heard = changes.clone();
        if committed.sequence.is_multiple_of(3) {
            heard.writes.retain(|write| match (self.plant, puts(write)) {
                (Plant::PoolDeaf, Some(row)) => !waits(row),
                (Plant::BoardDeaf, Some(Row::Rating(_))) => false,
                _ => true,
            });
        }
        self.fold.apply(committed, &heard);
    }
}
