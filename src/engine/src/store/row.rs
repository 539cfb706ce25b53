use super::{
    AdjustmentRow, FlagRow, Forecast, HistoryRow, Key, LessonRow, ReportsRow, ResultRow, StandingRow,
    ToldRow, WatchRow,
};
use crate::Ban;
use gsm_core::{
    Attribute, BoardName, JobId, KeyId, Label, MatchId, Millis, Mode, PlayerId, ProposalId, QueueName, Rank,
    RequestKey, RuleSetName, TicketId, Timestamp,
};
use gsm_matchmaking::{Proposal, Role};
use gsm_ranking::{
    cohort::Seat,
    payout::{Payout, PayoutConfig},
    tier::{Bounds, TierState},
};
use gsm_rating::Rating;
use gsm_rules::Value;
use gsm_session::{MatchState, OffenceKind, Offences, PlayerSession, Roster, TicketState};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

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
    Proposal(QueueName, Box<Proposal>),
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
    Reports(Box<ReportsRow>),
    Flag(Box<FlagRow>),
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

/// A player.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlayerRow {
    /// The name shown to people.
    pub name: Option<Label>,
    /// The id under which a configured issuer or an import knows the player.
    pub external_id: Option<RequestKey>,
    /// When first seen.
    pub created_at: Timestamp,
}

/// Who callers are: keys of callers, and our own that sign sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each variant is named like the struct it holds, which is documented")]
pub enum WhoRow {
    ApiKey(CredentialRow),
    SigningKey(SigningKeyRow),
}

/// One secret of an API key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecretRow {
    /// SHA-256 of the secret (256 random bits, so no slow hash is needed).
    pub sha256: [u8; 32],
    /// When made.
    pub created_at: Timestamp,
    /// From then on it is refused; none: as long as the key is good.
    pub good_until: Option<Timestamp>,
}

/// An API key with its secrets, of which none is stored itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CredentialRow {
    /// Its public part; stays when the secret is changed.
    pub id: KeyId,
    /// What it may do.
    pub role: crate::Role,
    /// Of an operator's key, which role.
    pub admin: Option<crate::AdminRole>,
    /// For people.
    pub note: String,
    /// When made.
    pub created_at: Timestamp,
    /// From then on it is refused.
    pub revoked_at: Option<Timestamp>,
    /// At most two, the newest last.
    pub secrets: Vec<SecretRow>,
    /// The hash (BLAKE3) of a secret that was made before secrets could be changed, and until when it is good.
    pub first_hash: Option<([u8; 32], Option<Timestamp>)>,
}

impl From<ApiKeyRow> for CredentialRow {
    fn from(row: ApiKeyRow) -> Self {
        let admin = (row.role == crate::Role::Admin).then_some(crate::AdminRole::Owner);
        Self {
            id: row.id,
            role: row.role,
            admin,
            note: row.note,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
            secrets: Vec::new(),
            first_hash: Some((row.secret_hash, None)),
        }
    }
}

/// A key pair (Ed25519) that signs sessions, or will, or did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SigningKeyRow {
    /// Its name in tokens.
    pub id: KeyId,
    /// The public half.
    pub public: [u8; 32],
    /// The private half, sealed under a key that the store never sees.
    pub sealed: Vec<u8>,
    /// When made; published from then on.
    pub created_at: Timestamp,
    /// From when on it signs; none: it is the next one.
    pub active_at: Option<Timestamp>,
    /// From when on it signs no more; its tokens are good until they expire.
    pub retired_at: Option<Timestamp>,
}

/// An API key as it was first stored; [`CredentialRow`] is how it is stored now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKeyRow {
    /// Its public part.
    pub id: KeyId,
    /// BLAKE3 hash of the secret (256 random bits, so no slow hash is needed).
    pub secret_hash: [u8; 32],
    /// What it may do.
    pub role: crate::Role,
    /// For people.
    pub note: String,
    /// When made.
    pub created_at: Timestamp,
    /// From then on it is refused.
    pub revoked_at: Option<Timestamp>,
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

/// An access key of AWS clients. Its secret signs requests, so it must be readable again: it is kept sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AwsKeyRow {
    /// Its public part.
    pub id: KeyId,
    /// The secret, sealed under a key that the store never sees.
    pub sealed_secret: Vec<u8>,
    /// What it may do.
    pub role: crate::Role,
    /// For people.
    pub note: String,
    /// When made.
    pub created_at: Timestamp,
    /// From then on it is refused.
    pub revoked_at: Option<Timestamp>,
}

/// Why and until when a network is in a list of the firewall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedRow {
    /// Why.
    pub reason: String,
    /// Who put it there.
    pub by: String,
    /// When.
    pub created_at: Timestamp,
    /// From then on it is not in it; `None`: for ever.
    pub expires_at: Option<Timestamp>,
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
    /// What they bring, in the same order; empty if nobody brings anything.
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
    /// Why it ended, for people.
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

    /// The ticket as `queue` has it: with the ratings there, and the other queues beside. Nothing if it does not wait
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
        Some(Cow::Owned(row))
    }

    /// Takes it out of a queue, where it waits in another.
    pub(crate) fn leave(&mut self, queue: &QueueName) {
        if self.queue == *queue
            && let Some(next) = self.also.first().map(|also| also.queue.clone())
            && let Some(row) = self.seen_from(&next)
        {
            *self = row.into_owned();
        }
        self.also.retain(|also| also.queue != *queue);
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

/// Something a player is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PushEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: PushKind,
}

/// What a player can be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PushKind {
    /// A ticket of the player changed its state.
    Ticket {
        /// Which.
        ticket: TicketId,
        /// To what.
        state: TicketState,
        /// The proposal to answer, if any.
        proposal: Option<ProposalId>,
        /// Until when it must be answered.
        answer_by: Option<Timestamp>,
        /// The match, if any.
        match_id: Option<MatchId>,
        /// The role that the player has in it, where the rules give one.
        role: Option<Role>,
        /// What was predicted of it, as players see it, once it is formed.
        prediction: Option<Box<Forecast>>,
        /// Why, for people.
        reason: Option<String>,
    },
    /// A match of the player changed its state.
    Match {
        /// Which.
        match_id: MatchId,
        /// To what.
        state: MatchState,
        /// Where to connect, once known.
        connection: Option<String>,
        /// What was predicted of it, as players see it, until it has ended.
        prediction: Option<Box<Forecast>>,
    },
    /// The player's rating moved.
    Rating {
        /// In which mode.
        mode: Mode,
        /// Because of which match.
        match_id: MatchId,
        /// Because of what about it.
        cause: RatingCause,
        /// From.
        before: Rating,
        /// To.
        after: Rating,
    },
    /// Something happened on a board that the player watches.
    Rank {
        /// On which.
        board: BoardName,
        /// The player's rank now.
        rank: Rank,
        /// Players ranked on the board.
        players: u64,
        /// Share of the others who are not better, `0.0..=100.0`.
        percentile: f64,
        /// What.
        news: RankNews,
    },
    /// The player has spoiled a match, or that was taken back.
    Penalty {
        /// The queues that it counts in.
        scope: Mode,
        /// How.
        offence: OffenceKind,
        /// Which match; `None` where all were taken back.
        match_id: Option<MatchId>,
        /// Whether it was taken back.
        lifted: bool,
        /// Until when the player is locked out for this kind of offence, if so.
        locked_until: Option<Timestamp>,
    },
    /// The players of a match of the player do not agree how it ended.
    Dispute {
        /// Which.
        match_id: MatchId,
        /// Why it is one, for people.
        reason: String,
    },
}

/// What can happen to a player on a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RankNews {
    /// The player is among the best so many, and was not.
    EnteredTop {
        /// How many: the smallest of the watched tops that the player is in.
        top: u32,
    },
    /// The player is no longer among the best so many.
    LeftTop {
        /// How many: the greatest of the watched tops that the player was in and is not.
        top: u32,
    },
    /// Friends are ahead of the player, and were not.
    Overtaken {
        /// The best of them with their ranks, best first.
        by: Vec<(PlayerId, Rank)>,
        /// How many they are.
        friends: u32,
    },
    /// The player has more in the first column of the board than ever before; less, where less is better.
    PersonalBest {
        /// The number, as people read it.
        value: f64,
        /// The best before.
        before: f64,
    },
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

/// How far the final table of a season has been paid out. From this row on the season stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutRow {
    /// How it is delivered.
    pub config: PayoutConfig,
    /// Its pages; `None` until the table has been counted.
    pub ledger: Option<Payout>,
}

/// What a player has on a board that scores are submitted to, or that counts what happens in a season.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntryRow {
    /// A number for each column of the board; 0 in the columns it does not have.
    pub values: [i64; 5],
    /// Since when the player has had them.
    pub reached_at: Timestamp,
    /// When the newest submission was made, by its own word; on a mode's board the last match.
    pub submitted_at: Timestamp,
    /// How many were taken; on a mode's board rated matches.
    pub submissions: u32,
    /// Rating deviation after the last match, in points; 0 on a board that scores are submitted to.
    pub deviation: f32,
    /// The place in the board's visible tiers, where it has any.
    pub tier: Option<TierState>,
    /// A text of the game's own, shown with the entry.
    pub metadata: Option<String>,
    /// How many steps to it are kept, where the board keeps them.
    pub steps: u32,
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

/// A step of a player on a board that scores are submitted to. Written with the entry, and never again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoredRow {
    /// When it counts from.
    pub at: Timestamp,
    /// What the player has from then on, without metadata; `None` where the entry was removed.
    pub entry: Option<EntryRow>,
}

/// Who has a seat in a cohort. Written once, with the entry that took it, and never again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatRow {
    /// Who.
    pub player: PlayerId,
    /// The level that the cohort is on, from 1; 0 where the board has no levels.
    pub level: u8,
    /// The seat that the player had before, in an earlier season.
    pub before: Option<SeatOf>,
}

/// A seat in a season.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatOf {
    /// Which season.
    pub season: u64,
    /// Which seat.
    pub seat: Seat,
    /// The level that the cohort is on, from 1; 0 where the board has no levels.
    pub level: u8,
}

/// Which boards count the results of a mode. Results rest on it, so that none is counted by an old definition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountingRow {
    /// Each with a hash of its definition.
    pub boards: BTreeMap<BoardName, u64>,
}

/// Where the tiers of a board start in a season, where that is said by shares of players: worked out once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartsRow {
    /// The rating at which each division starts.
    pub bounds: Bounds,
    /// Players by whose ratings they were worked out; 0 where there were too few.
    pub players: u64,
    /// When.
    pub at: Timestamp,
}

/// That a player is not seen by everybody on a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadeRow {
    /// Seen by the player alone; else by nobody.
    pub shadow: bool,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
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

/// Where a player belongs: what boards are divided by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributesRow {
    /// A part of the world.
    pub region: Option<Attribute>,
    /// A kind of machine.
    pub platform: Option<Attribute>,
    /// Guilds, clans, schools; sorted, each once.
    pub groups: Vec<Attribute>,
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
