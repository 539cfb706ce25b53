mod accounts;
mod boards;
mod push;

pub use accounts::{
    ApiKeyRow, AwsKeyRow, CredentialRow, ErasedRow, ErasingRow, IdentityKind, ListedRow, PlayerRow,
    SecretRow, SigningKeyRow, WhoRow,
};
pub use boards::{
    AttributesRow, CountingRow, EntryRow, PayingRow, PayoutRow, ScoredRow, SeatOf, SeatRow, ShadeRow,
    StartsRow,
};
pub use push::{PushEvent, PushKind, RankNews};

use super::{
    AdjustmentRow, FlagRow, Forecast, HistoryRow, Key, LessonRow, ReportsRow, ResultRow, StandingRow,
    ToldRow, WatchRow, bytes_of,
};
use crate::{Ban, HeardOf};
use gsm_core::{
    JobId, MatchId, Millis, Mode, PlayerId, ProposalId, QueueName, RequestKey, RuleSetName, TicketId,
    Timestamp, limits::BROUGHT_KEPT_BYTES_MAX,
};
use gsm_matchmaking::{Proposal, Role};
use gsm_ranking::cohort::Seat;
use gsm_rating::Rating;
use gsm_rules::Value;
use gsm_session::{MatchState, OffenceKind, Offences, PlayerSession, Roster, TicketState};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, ops::Range};

/// Everything that a store keeps. Stored as one version byte and postcard; a new shape of a row is a new variant,
/// and the old one stays readable. What is greater than the rows that a
/// server holds by the million (ratings, entries) lies in a box, so that these take their own size only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each variant is named like the struct it holds, which is documented")]
pub enum Row {
    Player(PlayerRow),
    Identity(PlayerId),
    /// A queue's configuration as JSON, checked when read.
    Queue(String),
    ApiKey(ApiKeyRow),
    Rating(StandingRow),
    History(HistoryRow),
    Result(Box<ResultRow>),
    Staged(Box<StagedRow>),
    Outbox(OutboxRow),
    Ticket(Box<TicketRow>),
    Claim(Claim),
    /// With what a model elsewhere said of its match, where one was asked.
    Proposal(QueueName, Box<Proposal>, Option<Box<HeardOf>>),
    Match(Box<MatchRow>),
    Lease(Lease),
    Replay(Replay),
    Adjustment(Box<AdjustmentRow>),
    Gate(GateRow),
    /// How a mode rates, system and options, as JSON, checked when read.
    System(String),
    /// A board's configuration as JSON, checked when read.
    Board(String),
    Entry(EntryRow),
    Shade(ShadeRow),
    Attributes(AttributesRow),
    Learnt(LearntRow),
    Payout(PayoutRow),
    Watch(WatchRow),
    Told(ToldRow),
    Seat(SeatRow),
    Seated(SeatOf),
    /// The last seat that was taken of a bucket.
    Bucket(Seat),
    /// How many cohorts a season has.
    Opened(u64),
    Starts(StartsRow),
    RuleSet(RuleSetRow),
    AwsKey(AwsKeyRow),
    Counting(CountingRow),
    RuleSetVersion(RuleSetVersionRow),
    Penalties(PenaltiesRow),
    Offences(OffencesRow),
    Scored(Box<ScoredRow>),
    Bans(Vec<Ban>),
    Quarantine(QuarantineRow),
    Lesson(Box<LessonRow>),
    Listed(ListedRow),
    Who(Box<WhoRow>),
    /// How the player proves it.
    IdentityOf(IdentityKind),
    Erased(Box<ErasedRow>),
    Erasing(Box<ErasingRow>),
    Reports(Box<ReportsRow>),
    Flag(Box<FlagRow>),
    /// The mode whose results the board counted.
    Closing(Option<Mode>),
    Paying(Box<PayingRow>),
    Retired(RetiredRow),
}

// A row that lies in memory takes as much as the greatest variant, whichever it is.
const _: () = assert!(size_of::<Row>() <= 144);

/// A row of another kind than its key says: a damaged or foreign store.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the row under `{key}` is not of its kind")]
pub struct RowError {
    /// Where it was found.
    pub key: String,
}

/// A queue as it was in a mode, kept for the matches that it formed there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredRow {
    /// Its configuration as JSON, checked when read.
    pub config: String,
    /// Since when it is that no more.
    pub at: Timestamp,
}

/// A rule set with its first version: its body never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSetRow {
    /// Its name.
    pub name: RuleSetName,
    /// The text, byte for byte as it came.
    pub body: String,
    /// When made.
    pub created_at: Timestamp,
    /// Values by key, for people and their tools.
    pub tags: BTreeMap<String, String>,
}

/// A later version of a rule set: it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSetVersionRow {
    /// The text.
    pub body: String,
    /// When made.
    pub created_at: Timestamp,
}

/// Closes a mode to results while a job works on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateRow {
    /// The job.
    pub job: JobId,
    /// The node that works on it.
    pub owner: String,
    /// Writes prepared so far.
    pub staged: u32,
    /// Writes carried out, once that has begun: from then on the job is decided, and whoever finds it finishes it.
    /// Before, it can be thrown away.
    pub applied: Option<u32>,
}

/// One write that a job has prepared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StagedRow {
    /// A row to put.
    Put(Key, Box<Row>),
    /// A row to remove.
    Remove(Key),
    /// A history row to put, or to remove.
    History(Key, Option<Box<Row>>),
    /// Something to tell a player.
    Tell(PlayerId, PushEvent),
}

/// What the record home still owes the others: the end of a match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// When it fell due.
    pub at: Timestamp,
}

/// A player of a ticket, with the rating it was queued at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TicketPlayer {
    /// The player.
    pub player: PlayerId,
    /// The rating when the ticket was made: in the variant of the queue, where it has one.
    pub rating: Rating,
}

/// What a player of a ticket brings to the rules of the queue, beside the rating.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Brought {
    /// The name by which the caller knows the player, where that is another than the id.
    pub name: Option<String>,
    /// Attributes by name.
    pub attributes: BTreeMap<String, Value>,
    /// Latency to each region in milliseconds, 1 or more.
    pub latency_ms: BTreeMap<String, u32>,
    /// The team that the player is on: of a backfill from the start, of others once matched.
    pub team: Option<String>,
    /// The role that the player has in the match, once matched, where the rules give one.
    pub role: Option<Role>,
}

impl Brought {
    /// Bytes that its attributes and latencies take in a store.
    pub(crate) fn bytes(&self) -> usize {
        bytes_of(&(&self.attributes, &self.latency_ms))
    }
}

/// A matchmaking request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketRow {
    /// The caller's own id, if any.
    pub own_id: Option<RequestKey>,
    /// Who made it (and speaks for the party).
    pub owner: PlayerId,
    /// Where it waits; of several queues the first, or the one that has proposed or made a match of it.
    pub queue: QueueName,
    /// The other queues that it waits in. Answers that were remembered before there were any lack it.
    #[serde(default)]
    pub also: Vec<AlsoIn>,
    /// The party, with its ratings in `queue`.
    pub players: Vec<TicketPlayer>,
    /// What they bring, in the same order; empty if nobody brings anything. Where they bring other attributes to the other
    /// queues: behind it for each of `also` those there.
    pub brought: Vec<Brought>,
    /// Whether they play already, and look for others to join them.
    pub backfill: bool,
    /// Whether one of them is in the shadow: then they meet only others who are.
    #[serde(default)]
    pub shadow: bool,
    /// The game session that they play in, as their caller names it.
    pub session: Option<String>,
    /// Where it stands.
    pub state: TicketState,
    /// When it was made: the age that widens its window.
    pub queued_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it ended, for people; of one that searches: why it does so again.
    pub reason: Option<String>,
    /// The open proposal it is part of.
    pub proposal: Option<ProposalId>,
    /// The match it led to.
    pub match_id: Option<MatchId>,
}

/// A queue that a ticket waits in beside another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlsoIn {
    /// The queue.
    pub queue: QueueName,
    /// The ratings of the party there, in its order.
    pub ratings: Vec<Rating>,
}

impl TicketRow {
    /// Every queue that it waits in, or waited in until it ended.
    pub fn queues(&self) -> impl Iterator<Item = &QueueName> {
        std::iter::once(&self.queue).chain(self.also.iter().map(|also| &also.queue))
    }

    /// The ticket as `queue` has it: with the ratings and attributes there, and the other queues beside. Nothing if it does not wait
    /// there.
    #[must_use]
    pub fn seen_from(&self, queue: &QueueName) -> Option<Cow<'_, Self>> {
        if self.queue == *queue {
            return Some(Cow::Borrowed(self));
        }
        let at = self.also.iter().position(|also| also.queue == *queue)?;
        let mut row = self.clone();
        if let Some(also) = row.also.get_mut(at) {
            std::mem::swap(&mut also.queue, &mut row.queue);
            for (player, rating) in row.players.iter_mut().zip(&mut also.ratings) {
                std::mem::swap(&mut player.rating, rating);
            }
        }
        let there = self.elsewhere(at);
        if let Some((here, behind)) = row.brought.split_at_mut_checked(there.start) {
            for (brought, there) in here.iter_mut().zip(behind).take(there.len()) {
                std::mem::swap(&mut brought.attributes, &mut there.attributes);
            }
        }
        Some(Cow::Owned(row))
    }

    /// Where in `brought` it is what the party brings to one of `also`, in its order; nothing is there if it brings the same to
    /// all of its queues.
    pub(crate) fn elsewhere(&self, also: usize) -> Range<usize> {
        let (players, all) = (self.players.len(), self.brought.len());
        let from = (also + 1).saturating_mul(players).min(all);
        from..from.saturating_add(players).min(all)
    }

    /// What they bring, of each player once.
    pub(crate) fn party(&self) -> &[Brought] {
        self.brought.get(..self.players.len()).unwrap_or(&self.brought)
    }

    /// Bytes of what they bring, in all of its queues.
    pub(crate) fn brought_bytes(&self) -> usize {
        self.brought.iter().map(Brought::bytes).sum()
    }

    /// Whether they bring more than a ticket may keep.
    pub(crate) fn is_overladen(&self) -> bool {
        self.brought_bytes() > self.players.len().saturating_mul(BROUGHT_KEPT_BYTES_MAX)
    }

    /// Takes it out of a queue, where it waits in another.
    pub(crate) fn leave(&mut self, queue: &QueueName) {
        if self.queue == *queue
            && let Some(next) = self.also.first().map(|also| also.queue.clone())
            && let Some(row) = self.seen_from(&next)
        {
            *self = row.into_owned();
        }
        if let Some(at) = self.also.iter().position(|also| also.queue == *queue) {
            let there = self.elsewhere(at);
            self.brought.drain(there);
            self.also.remove(at);
        }
    }
}

/// What a player takes part in; its absence says: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claim {
    /// A live ticket.
    Ticket(TicketId),
    /// A match that has not ended.
    Match(MatchId),
}

/// What was predicted when a match was formed, to be scored against its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Which rating system spoke.
    pub model: String,
    /// The score of each side that it expects.
    pub expected: Vec<f64>,
    /// What the learnt model expects. Answers that were remembered before there was one lack it.
    #[serde(default)]
    pub forecast: Option<Box<Forecast>>,
}

/// A match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatchRow {
    /// The queue that made it; `None` for one created by a server in a bare mode.
    pub queue: Option<QueueName>,
    /// The mode it is rated in.
    pub mode: Mode,
    /// Who plays.
    pub roster: Roster,
    /// Names of the sides; empty where the rules name none.
    pub teams: Vec<String>,
    /// Of the players to whom the rules give one.
    pub roles: BTreeMap<PlayerId, Role>,
    /// Where it stands.
    pub state: MatchState,
    /// When it was formed.
    pub created_at: Timestamp,
    /// Last change of state.
    pub changed_at: Timestamp,
    /// When it is abandoned if no result has come.
    pub expires_at: Timestamp,
    /// The tickets it came from; empty if a server created it.
    pub tickets: Vec<TicketId>,
    /// Whether its players are claimed by it (decisions.md 12).
    pub claimed: bool,
    /// What was predicted.
    pub prediction: Prediction,
    /// Difference between the best and the worst ticket, in rating points.
    pub spread: f64,
    /// Longest wait among its tickets.
    pub wait_ms_max: Millis,
    /// The session of each player.
    pub player_sessions: Vec<PlayerSession>,
    /// Where players connect, once known.
    pub connection: Option<String>,
    /// Who created it, where a server did: only that server reports it.
    pub created_by: Option<String>,
}

/// Who owns a queue's pool, with a fencing token that grows with every change of owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The node.
    pub owner: String,
    /// Grows with every take-over.
    pub fence: u64,
    /// Until when.
    pub until: Timestamp,
}

/// The first answer to a call under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Hash of the body it was given with.
    pub fingerprint: [u8; 32],
    /// The answer as JSON.
    pub answer: String,
}

/// What about a match moved a rating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RatingCause {
    /// Its result.
    Result,
    /// Its result does not count any more.
    Void,
    /// Its result was corrected.
    Correction,
}

impl RatingCause {
    /// In one word, as streams tell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Void => "void",
            Self::Correction => "correction",
        }
    }
}

/// A result that is not believed yet: it is kept, and does not count until somebody has ruled on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineRow {
    /// The mode it would be rated in.
    pub mode: Mode,
    /// When it was reported.
    pub at: Timestamp,
    /// What is not believed.
    pub reason: String,
}

/// What a player has done in a scope that is not forgotten, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PenaltiesRow(pub BTreeMap<OffenceKind, Offences>);

/// What the result of a match blames on its players.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffencesRow {
    /// Where they count.
    pub scope: Mode,
    /// Who did what.
    pub of: Vec<(PlayerId, OffenceKind)>,
}

/// What a mode's rating system has learnt from all its matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearntRow {
    /// The name of the system's settings it was learnt under, options aside; under others it says nothing.
    pub under: u64,
    /// What was learnt.
    pub learnt: gsm_rating::Learnt,
    /// From how many results.
    pub results: u64,
}
