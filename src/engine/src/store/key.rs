mod bytes;
mod range;
mod tag;

pub use range::KeyRange;

use crate::AddressList;
use gsm_core::{
    AdjustmentId, BoardName, JobId, KeyId, MatchId, Mode, PlayerId, ProposalId, QueueName, RuleSetName,
    TicketId,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The three homes of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Home {
    /// Ratings, history, results: what must never be lost or doubled.
    Record,
    /// Players, queues, finished matches.
    Document,
    /// Tickets, proposals, running matches, leases, push streams.
    Live,
}

/// Where a row lives. The order of keys is the order of ranges; [`Key::encode`] keeps it. The embedded store's journal holds
/// the number of the variant: a new one comes last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// A player.
    Player(PlayerId),
    /// The link from an outside identity (its hash) to a player.
    Identity([u8; 32]),
    /// A queue.
    Queue(QueueName),
    /// An API key.
    ApiKey(KeyId),
    /// A match that ended.
    Archive(MatchId),
    /// A player's rating in a mode.
    Rating(Mode, PlayerId),
    /// One step of a player's rating, by its depth in the player's chain.
    History(Mode, PlayerId, u64),
    /// A match's result.
    Result(MatchId),
    /// One write that a job has prepared.
    Staged(JobId, u32),
    /// Work that another home still owes.
    Outbox(MatchId),
    /// A ticket.
    Ticket(TicketId),
    /// What a player takes part in.
    Claim(PlayerId),
    /// The backfill that waits for a game session, by the hash of its name.
    Backfill([u8; 32]),
    /// A proposal.
    Proposal(ProposalId),
    /// A match that has not ended.
    Match(MatchId),
    /// Who owns a queue's pool.
    Lease(QueueName),
    /// The first answer of a call, in the home of its write.
    Idempotency(Home, [u8; 32]),
    /// A rating set by hand.
    Adjustment(AdjustmentId),
    /// Closes a mode to results while a job works on it.
    Gate(Mode),
    /// Which boards count the results of a mode.
    Counting(Mode),
    /// A rating system with its settings, by their hash.
    System(u64),
    /// What a board compares.
    Board(BoardName),
    /// What a player has on a board in a season; 0 where the board has no seasons.
    Entry(BoardName, u64, PlayerId),
    /// What a submission made of a player's entry in a season, by number, where the board keeps that.
    Scored(BoardName, u64, PlayerId, u32),
    /// Who sees a player on a board.
    Shade(BoardName, PlayerId),
    /// Where a player belongs.
    Attributes(PlayerId),
    /// What a mode's rating system has learnt.
    Learnt(Mode),
    /// How far the final table of a season has been paid out; from then on it stays as it is.
    Payout(BoardName, u64),
    /// A seat in a cohort, by season, cohort and number.
    Seat(BoardName, u64, u64, u32),
    /// The last seat that a player has taken on a board.
    Seated(BoardName, PlayerId),
    /// The last seat that was taken of a season's bucket.
    Bucket(BoardName, u64, String),
    /// How many cohorts of a season there are.
    Opened(BoardName, u64),
    /// Where the tiers of a board start in a season; 0 where the board has no seasons.
    Starts(BoardName, u64),
    /// A board that is given up, as long as something of it is left.
    Closing(BoardName),
    /// What a player wants to be told about a board.
    Watch(PlayerId, BoardName),
    /// How things stood when the player was last told.
    Told(PlayerId, BoardName),
    /// A rule set, with its first version.
    RuleSet(RuleSetName),
    /// A later version of a rule set, from 2.
    RuleSetVersion(RuleSetName, u32),
    /// An access key of AWS clients.
    AwsKey(KeyId),
    /// The proposals that a player dodged in a scope.
    Dodges(Mode, PlayerId),
    /// The matches that a player left in a scope, or was away in.
    Leaves(Mode, PlayerId),
    /// What the result of a match blames on its players.
    Offences(MatchId),
    /// What operators keep a player from.
    Bans(PlayerId),
    /// A result that is not believed yet.
    Quarantine(MatchId),
    /// A result of a mode as predictions are learnt from it.
    Lesson(Mode, MatchId),
    /// A network in a list of the firewall, as it is written.
    Listed(AddressList, String),
    /// A key that signs sessions.
    SigningKey(KeyId),
    /// A player whose identity was deleted: what was deleted, and when.
    Erased(PlayerId),
    /// How far the deleting of what is left of a player has come.
    Erasing(PlayerId),
    /// Bans of whoever proves what an erased player did: its keyed hash. See `privacy::banned`.
    Banned([u8; 32]),
    /// An identity of a player, by its hash: the way back of [`Key::Identity`].
    IdentityOf(PlayerId, [u8; 32]),
    /// Who deletes what is kept no longer.
    Upkeep,
    /// What the players of a match say of its end.
    Reports(MatchId),
    /// Two players of a mode who met too often, the lesser id first.
    Flag(Mode, PlayerId, PlayerId),
    /// A queue as it was in a mode when it was deleted, or moved to another one.
    Retired(QueueName, Mode),
    /// What the players of a match said of its end, where nothing of it is to be followed any more.
    Said(MatchId),
}

/// Bytes that are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored bytes are not a key of this version")]
pub struct KeyError;

impl Key {
    /// Where it is written which backfill waits for a game session: by its name, which is what follows `:gamesession/` where an ARN
    /// is given, whatever account and region that has; else the text.
    #[must_use]
    pub fn backfill_of(session: &str) -> Self {
        let arn = session.strip_prefix("arn:").and_then(|rest| rest.split_once(":gamesession/"));
        Self::backfill_by(arn.map_or(session, |(_, name)| name))
    }

    /// The same by the text as it is: so backfills were written by versions that had ARNs of one session for several.
    #[must_use]
    pub fn backfill_by(session: &str) -> Self {
        Self::Backfill(blake3::derive_key("gsm backfill of a game session 1", session.as_bytes()))
    }

    /// The home it belongs to.
    #[must_use]
    pub fn home(&self) -> Home {
        match self {
            Self::Player(_)
            | Self::Identity(_)
            | Self::Queue(_)
            | Self::ApiKey(_)
            | Self::Archive(_)
            | Self::RuleSet(_)
            | Self::RuleSetVersion(..)
            | Self::AwsKey(_)
            | Self::Bans(_)
            | Self::Listed(..)
            | Self::SigningKey(_)
            | Self::Erased(_)
            | Self::Erasing(_)
            | Self::Banned(_)
            | Self::IdentityOf(..)
            | Self::Retired(..)
            | Self::Board(_) => Home::Document,
            Self::Rating(..)
            | Self::History(..)
            | Self::Result(_)
            | Self::Staged(..)
            | Self::Outbox(_)
            | Self::Adjustment(_)
            | Self::Gate(_)
            | Self::Counting(_)
            | Self::System(_)
            | Self::Entry(..)
            | Self::Scored(..)
            | Self::Shade(..)
            | Self::Attributes(_)
            | Self::Payout(..)
            | Self::Seat(..)
            | Self::Seated(..)
            | Self::Bucket(..)
            | Self::Opened(..)
            | Self::Starts(..)
            | Self::Closing(_)
            | Self::Leaves(..)
            | Self::Offences(_)
            | Self::Quarantine(_)
            | Self::Reports(_)
            | Self::Said(_)
            | Self::Flag(..)
            | Self::Lesson(..)
            | Self::Learnt(_) => Home::Record,
            Self::Ticket(_)
            | Self::Claim(_)
            | Self::Backfill(_)
            | Self::Proposal(_)
            | Self::Match(_)
            | Self::Lease(_)
            | Self::Dodges(..)
            | Self::Upkeep
            | Self::Watch(..)
            | Self::Told(..) => Home::Live,
            Self::Idempotency(home, _) => *home,
        }
    }

    fn tag(&self) -> u8 {
        match self {
            Self::Player(_) => tag::PLAYER,
            Self::Identity(_) => tag::IDENTITY,
            Self::Queue(_) => tag::QUEUE,
            Self::ApiKey(_) => tag::API_KEY,
            Self::Archive(_) => tag::ARCHIVE,
            Self::Rating(..) => tag::RATING,
            Self::History(..) => tag::HISTORY,
            Self::Result(_) => tag::RESULT,
            Self::Staged(..) => tag::STAGED,
            Self::Outbox(_) => tag::OUTBOX,
            Self::Ticket(_) => tag::TICKET,
            Self::Claim(_) => tag::CLAIM,
            Self::Backfill(_) => tag::BACKFILL,
            Self::Proposal(_) => tag::PROPOSAL,
            Self::Match(_) => tag::MATCH,
            Self::Lease(_) => tag::LEASE,
            Self::Idempotency(..) => tag::IDEMPOTENCY,
            Self::Adjustment(_) => tag::ADJUSTMENT,
            Self::Gate(_) => tag::GATE,
            Self::System(_) => tag::SYSTEM,
            Self::Board(_) => tag::BOARD,
            Self::Entry(..) => tag::ENTRY,
            Self::Scored(..) => tag::SCORED,
            Self::Shade(..) => tag::SHADE,
            Self::Attributes(_) => tag::ATTRIBUTES,
            Self::Learnt(_) => tag::LEARNT,
            Self::Payout(..) => tag::PAYOUT,
            Self::Seat(..) => tag::SEAT,
            Self::Seated(..) => tag::SEATED,
            Self::Bucket(..) => tag::BUCKET,
            Self::Opened(..) => tag::OPENED,
            Self::Starts(..) => tag::STARTS,
            Self::Closing(_) => tag::CLOSING,
            Self::Watch(..) => tag::WATCH,
            Self::Told(..) => tag::TOLD,
            Self::RuleSet(_) => tag::RULE_SET,
            Self::RuleSetVersion(..) => tag::RULE_SET_VERSION,
            Self::AwsKey(_) => tag::AWS_KEY,
            Self::Counting(_) => tag::COUNTING,
            Self::Dodges(..) => tag::DODGES,
            Self::Leaves(..) => tag::LEAVES,
            Self::Offences(_) => tag::OFFENCES,
            Self::Bans(_) => tag::BANS,
            Self::Quarantine(_) => tag::QUARANTINE,
            Self::Reports(_) => tag::REPORTS,
            Self::Flag(..) => tag::FLAG,
            Self::Lesson(..) => tag::LESSON,
            Self::Listed(..) => tag::LISTED,
            Self::SigningKey(_) => tag::SIGNING_KEY,
            Self::Erased(_) => tag::ERASED,
            Self::Erasing(_) => tag::ERASING,
            Self::Banned(_) => tag::BANNED,
            Self::IdentityOf(..) => tag::IDENTITY_OF,
            Self::Upkeep => tag::UPKEEP,
            Self::Retired(..) => tag::RETIRED,
            Self::Said(_) => tag::SAID,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Player(id) => write!(f, "player {id}"),
            Self::Identity(_) => f.write_str("identity"),
            Self::Queue(name) => write!(f, "queue {name}"),
            Self::ApiKey(id) => write!(f, "api key {id}"),
            Self::Archive(id) | Self::Match(id) => write!(f, "match {id}"),
            Self::Rating(mode, id) => write!(f, "rating of {id} in {mode}"),
            Self::History(mode, id, ..) => write!(f, "history of {id} in {mode}"),
            Self::Result(id) => write!(f, "result of {id}"),
            Self::Staged(job, place) => write!(f, "write {place} of {job}"),
            Self::Outbox(id) => write!(f, "outbox of {id}"),
            Self::Ticket(id) => write!(f, "ticket {id}"),
            Self::Claim(id) => write!(f, "claim of {id}"),
            Self::Backfill(_) => f.write_str("backfill of a game session"),
            Self::Proposal(id) => write!(f, "proposal {id}"),
            Self::Lease(name) => write!(f, "lease of queue {name}"),
            Self::Idempotency(..) => f.write_str("idempotency key"),
            Self::Adjustment(id) => write!(f, "adjustment {id}"),
            Self::Gate(mode) => write!(f, "gate of mode {mode}"),
            Self::Counting(mode) => write!(f, "counting boards of mode {mode}"),
            Self::System(hash) => write!(f, "rating system {hash:016x}"),
            Self::Board(name) => write!(f, "board {name}"),
            Self::Entry(name, _, id) => write!(f, "entry of {id} on board {name}"),
            Self::Scored(name, _, id, number) => write!(f, "step {number} of {id} on board {name}"),
            Self::Payout(name, season) => write!(f, "payout of season {season} of board {name}"),
            Self::Seat(name, season, cohort, number) => {
                write!(f, "seat {number} of cohort {cohort} of season {season} of board {name}")
            }
            Self::Seated(name, id) => write!(f, "last seat of {id} on board {name}"),
            Self::Bucket(name, season, bucket) => {
                write!(f, "bucket {bucket} of season {season} of board {name}")
            }
            Self::Opened(name, season) => write!(f, "cohorts of season {season} of board {name}"),
            Self::Closing(name) => write!(f, "closing of board {name}"),
            Self::Starts(name, season) => write!(f, "starts of tiers in season {season} of board {name}"),
            Self::Shade(name, id) => write!(f, "visibility of {id} on board {name}"),
            Self::Attributes(id) => write!(f, "attributes of {id}"),
            Self::Learnt(mode) => write!(f, "what is learnt in {mode}"),
            Self::Watch(id, name) => write!(f, "watch of {id} on board {name}"),
            Self::Told(id, name) => write!(f, "what {id} was told of board {name}"),
            Self::RuleSet(name) => write!(f, "rule set {name}"),
            Self::RuleSetVersion(name, version) => write!(f, "version {version} of rule set {name}"),
            Self::AwsKey(id) => write!(f, "aws key {id}"),
            Self::SigningKey(id) => write!(f, "signing key {id}"),
            Self::Dodges(scope, id) => write!(f, "dodges of {id} in {scope}"),
            Self::Leaves(scope, id) => write!(f, "matches left by {id} in {scope}"),
            Self::Offences(id) => write!(f, "offences in {id}"),
            Self::Bans(id) => write!(f, "bans of {id}"),
            Self::Quarantine(id) => write!(f, "quarantine of {id}"),
            Self::Reports(id) | Self::Said(id) => write!(f, "reports of {id}"),
            Self::Flag(mode, one, other) => write!(f, "flag of {one} and {other} in {mode}"),
            Self::Lesson(mode, id) => write!(f, "what {id} teaches in {mode}"),
            Self::Listed(list, network) => write!(f, "{network} in the {list} list"),
            Self::Erased(id) => write!(f, "erasure of {id}"),
            Self::Erasing(id) => write!(f, "what is left of {id}"),
            Self::Banned(_) => f.write_str("bans of an erased player"),
            Self::IdentityOf(id, _) => write!(f, "identity of {id}"),
            Self::Upkeep => f.write_str("lease of upkeep"),
            Self::Retired(name, mode) => write!(f, "queue {name} as it was in mode {mode}"),
        }
    }
}
