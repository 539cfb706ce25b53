use super::Key;
use gsm_core::{
    Attribute,
    AdjustmentId, EventId, JobId, KeyId, Label, MatchId, Millis, Mode, PlayerId, ProposalId, QueueName,
    RequestKey, TicketId, Timestamp,
};
use gsm_matchmaking::Proposal;
use gsm_rating::Rating;
use gsm_session::{MatchResult, MatchState, PlayerSession, Roster, TicketState};
use serde::{Deserialize, Serialize};

/// Everything that a store keeps. Stored as one version byte and postcard; a new shape of a row is a new variant,
/// and the old one stays readable.
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
    Result(ResultRow),
    Staged(StagedRow),
    Outbox(OutboxRow),
    Ticket(TicketRow),
    Claim(Claim),
    Proposal(QueueName, Proposal),
    Match(MatchRow),
    Lease(Lease),
    Replay(Replay),
    Adjustment(AdjustmentRow),
    Gate(GateRow),
    /// A rating system's settings as JSON, checked when read.
    System(String),
    /// A board's configuration as JSON, checked when read.
    Board(String),
    Entry(EntryRow),
    Shade(ShadeRow),
    Attributes(AttributesRow),
}

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

/// An API key; the secret itself is never stored.
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

/// A player's rating in one mode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RatingRow {
    /// Mean, deviation and volatility after the last match.
    pub rating: Rating,
    /// When that match ended.
    pub rated_at: Timestamp,
    /// Matches rated.
    pub games: u32,
    /// Matches in which nobody did better.
    pub wins: u32,
    /// Matches in which first place was shared.
    pub draws: u32,
    /// The mean in thousandths of a point, as boards compare and show it.
    pub score: i64,
    /// When that score was reached.
    pub reached_at: Timestamp,
}

/// What moved a rating: a link of a player's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Entry {
    /// A result.
    Match(MatchId),
    /// A hand.
    Adjustment(AdjustmentId),
}

/// Where an entry stands in the order in which a mode's ratings came about. It never changes, whatever is voided or
/// corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// 1 + the depth of the deepest entry before it in the chains of its players (a Lamport clock): of two entries of
    /// one player the later one is deeper.
    pub depth: u64,
    /// The entry.
    pub entry: Entry,
}

/// A player in one mode: the end of the player's chain, and the rating it led to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StandingRow {
    /// The last entry, whether it counts or not.
    pub last: Place,
    /// `None` if nothing in the chain counts any more.
    pub rating: Option<RatingRow>,
}

/// One step of a rating.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// When.
    pub at: Timestamp,
    /// What moved it.
    pub step: Step,
    /// Before; in a match grown to its time.
    pub before: Rating,
    /// After.
    pub after: Rating,
    /// Rated matches, this one included.
    pub games: u32,
}

/// What moved a rating, told to whoever reads the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// A match.
    Match {
        /// Which.
        match_id: MatchId,
        /// Place of the player's side, 1 is the best.
        place: u32,
        /// Sides of the match.
        sides: u32,
        /// Expected score, in `0.0..=1.0`.
        expected: f64,
        /// Score reached, in `0.0..=1.0`.
        actual: f64,
        /// Whether the player quit.
        quit: bool,
    },
    /// An operator.
    Adjustment {
        /// Which.
        id: AdjustmentId,
    },
}

/// What one player's rating did in a match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SideChange {
    /// The player.
    pub player: PlayerId,
    /// Before, grown to the time of the match.
    pub before: Rating,
    /// After.
    pub after: Rating,
    /// Expected score, in `0.0..=1.0`.
    pub expected: f64,
    /// Score reached, in `0.0..=1.0`.
    pub actual: f64,
}

/// A result, and what it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultRow {
    /// The mode it is rated in.
    pub mode: Mode,
    /// Who played.
    pub roster: Roster,
    /// How it ended: as corrected, if it was.
    pub result: MatchResult,
    /// When it was reported.
    pub at: Timestamp,
    /// Its place in the order of the mode.
    pub depth: u64,
    /// The rating system it is rated by ([`Key::System`]).
    pub system: u64,
    /// Every player as found, in roster order; `None` for a player's first entry.
    pub from: Vec<Option<StandingRow>>,
    /// Every player's rating before and after, in roster order; empty while it does not count.
    pub changes: Vec<SideChange>,
    /// Idempotency scope and body of the report, where one was given.
    pub call: Option<([u8; 32], [u8; 32])>,
    /// Whether it counts.
    pub verdict: Verdict,
    /// How it was reported, where a correction says otherwise.
    pub reported: Option<MatchResult>,
}

/// Whether a result counts, and if anyone changed that, when and why (who: the audit log).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// As it was reported.
    Counted,
    /// Not at all.
    Voided {
        /// Why.
        reason: String,
        /// Since when.
        at: Timestamp,
    },
    /// As somebody corrected it.
    Corrected {
        /// Why.
        reason: String,
        /// Since when.
        at: Timestamp,
    },
}

/// A rating set by hand, and what that did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdjustmentRow {
    /// The mode.
    pub mode: Mode,
    /// Whose.
    pub player: PlayerId,
    /// When.
    pub at: Timestamp,
    /// Its place in the order of the mode.
    pub depth: u64,
    /// The rating system that a newcomer's other values come from ([`Key::System`]).
    pub system: u64,
    /// The mean that was set, in points.
    pub mean: f64,
    /// The deviation that was set, in points, if one was.
    pub deviation: Option<f64>,
    /// Why.
    pub reason: String,
    /// The player as found; `None` for a player's first entry.
    pub from: Option<StandingRow>,
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
    /// The rating when the ticket was made.
    pub rating: Rating,
}

/// A matchmaking request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketRow {
    /// The caller's own id, if any.
    pub own_id: Option<RequestKey>,
    /// Who made it (and speaks for the party).
    pub owner: PlayerId,
    /// Where it waits.
    pub queue: QueueName,
    /// The party.
    pub players: Vec<TicketPlayer>,
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
    /// Which model spoke.
    pub model: String,
    /// Expected score of each side.
    pub expected: Vec<f64>,
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

/// Who did what: the leaf of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Its own id.
    pub event_id: EventId,
    /// The action, as in `x-gsm-action`.
    pub action: String,
    /// Who asked.
    pub principal: String,
    /// The request's id.
    pub request_id: String,
    /// What it was about.
    pub resources: Vec<String>,
    /// Why, where the caller had to say.
    pub reason: Option<String>,
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

/// What a player has on a board that scores are submitted to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRow {
    /// A number for each column of the board; 0 in the columns it does not have.
    pub values: [i64; 5],
    /// Since when the player has had them.
    pub reached_at: Timestamp,
    /// When the newest submission was made, by its own word.
    pub submitted_at: Timestamp,
    /// How many were taken.
    pub submissions: u32,
    /// A text of the game's own, shown with the entry.
    pub metadata: Option<String>,
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
