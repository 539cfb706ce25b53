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

/// Where a row lives. The order of keys is the order of ranges; [`Key::encode`] keeps it.
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
    /// What the players of a match say of its end.
    Reports(MatchId),
    /// Two players of a mode who met too often, the lesser id first.
    Flag(Mode, PlayerId, PlayerId),
}

/// A range of keys that can be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRange {
    /// All queues.
    Queues,
    /// All API keys.
    ApiKeys,
    /// All rule sets, by name.
    RuleSets,
    /// All later versions of all rule sets.
    AllRuleSetVersions,
    /// The later versions of a rule set, oldest first.
    RuleSetVersions(RuleSetName),
    /// All access keys of AWS clients.
    AwsKeys,
    /// All keys that sign sessions, or did.
    SigningKeys,
    /// All ratings of a mode.
    Ratings(Mode),
    /// All ratings.
    AllRatings,
    /// A player's history in a mode, oldest first.
    History(Mode, PlayerId),
    /// All histories of a mode, player by player.
    Histories(Mode),
    /// Owed work.
    Outbox,
    /// Tickets in the live home, ended ones included until they expire.
    Tickets,
    /// Open proposals.
    Proposals,
    /// Matches that have not ended.
    Matches,
    /// All results (by match id, which is not the order of arrival).
    Results,
    /// All ratings set by hand (by id, likewise).
    Adjustments,
    /// Modes that a job works on.
    Gates,
    /// All boards that are defined.
    Boards,
    /// All entries of a board in a season.
    Entries(BoardName, u64),
    /// All entries of a board.
    AllEntries(BoardName),
    /// A player's steps on a board in a season, oldest first.
    Scored(BoardName, u64, PlayerId),
    /// All steps of a board in a season, player by player.
    ScoredIn(BoardName, u64),
    /// All steps of a board.
    AllScored(BoardName),
    /// The seasons of a board that are being paid out, or were.
    Payouts(BoardName),
    /// All seats of a season.
    Seats(BoardName, u64),
    /// The seats of a cohort, by number.
    SeatsOf(BoardName, u64, u64),
    /// All seats of a board.
    AllSeats(BoardName),
    /// The last seats of all players of a board.
    AllSeated(BoardName),
    /// All buckets of a board.
    AllBuckets(BoardName),
    /// The numbers of cohorts of all seasons of a board.
    AllOpened(BoardName),
    /// Where the tiers of a board start, season by season.
    AllStarts(BoardName),
    /// All players of all boards whom not everybody sees.
    Shades,
    /// All players who belong somewhere.
    AllAttributes,
    /// All that rating systems have learnt.
    AllLearnt,
    /// What one player watches.
    Watches(PlayerId),
    /// What all players watch.
    AllWatches,
    /// How all watches were last told.
    AllTold,
    /// What all players dodged.
    AllDodges,
    /// What all players left, or were away in.
    AllLeaves,
    /// What all results blame on their players.
    AllOffences,
    /// The bans of all players.
    AllBans,
    /// All results that are not believed yet, by match.
    Quarantine,
    /// All that predictions are learnt from.
    AllLessons,
    /// All networks in lists of the firewall.
    AllListed,
    /// All that players say of matches.
    AllReports,
    /// All pairs who met too often.
    AllFlags,
    /// Those of a mode.
    Flags(Mode),
}

/// Bytes that are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored bytes are not a key of this version")]
pub struct KeyError;

fn put_name(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(name.as_bytes());
    out.push(0);
}

/// Reads the fields of an encoded key from the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], KeyError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(KeyError)?;
        self.0 = rest;
        Ok(*head)
    }
    fn id(&mut self) -> Result<u128, KeyError> {
        self.take().map(u128::from_be_bytes)
    }
    fn number(&mut self) -> Result<u64, KeyError> {
        self.take().map(u64::from_be_bytes)
    }
    fn name(&mut self) -> Result<&str, KeyError> {
        let end = self.0.iter().position(|&b| b == 0).ok_or(KeyError)?;
        let (name, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).ok_or(KeyError)?;
        std::str::from_utf8(name).map_err(|_| KeyError)
    }
    fn mode(&mut self) -> Result<Mode, KeyError> {
        Mode::new(self.name()?).map_err(|_| KeyError)
    }
    fn board(&mut self) -> Result<BoardName, KeyError> {
        BoardName::new(self.name()?).map_err(|_| KeyError)
    }
    fn queue(&mut self) -> Result<QueueName, KeyError> {
        QueueName::new(self.name()?).map_err(|_| KeyError)
    }
    fn rule_set(&mut self) -> Result<RuleSetName, KeyError> {
        RuleSetName::new(self.name()?).map_err(|_| KeyError)
    }
}

impl Key {
    /// Where it is written which backfill waits for a game session, by the session's name.
    #[must_use]
    pub fn backfill_of(session: &str) -> Self {
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
            | Self::Leaves(..)
            | Self::Offences(_)
            | Self::Quarantine(_)
            | Self::Reports(_)
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
            | Self::Watch(..)
            | Self::Told(..) => Home::Live,
            Self::Idempotency(home, _) => *home,
        }
    }

    fn tag(&self) -> u8 {
        match self {
            Self::Player(_) => 1,
            Self::Identity(_) => 2,
            Self::Queue(_) => 3,
            Self::ApiKey(_) => 4,
            Self::Archive(_) => 5,
            Self::Rating(..) => 6,
            Self::History(..) => 7,
            Self::Result(_) => 8,
            Self::Staged(..) => 9,
            Self::Outbox(_) => 10,
            Self::Ticket(_) => 11,
            Self::Claim(_) => 12,
            Self::Backfill(_) => 48,
            Self::Proposal(_) => 13,
            Self::Match(_) => 14,
            Self::Lease(_) => 15,
            Self::Idempotency(..) => 16,
            Self::Adjustment(_) => 17,
            Self::Gate(_) => 18,
            Self::System(_) => 19,
            Self::Board(_) => 20,
            Self::Entry(..) => 21,
            Self::Scored(..) => 49,
            Self::Shade(..) => 22,
            Self::Attributes(_) => 23,
            Self::Learnt(_) => 24,
            Self::Payout(..) => 25,
            Self::Seat(..) => 26,
            Self::Seated(..) => 27,
            Self::Bucket(..) => 28,
            Self::Opened(..) => 29,
            Self::Starts(..) => 40,
            Self::Watch(..) => 30,
            Self::Told(..) => 31,
            Self::RuleSet(_) => 41,
            Self::RuleSetVersion(..) => 44,
            Self::AwsKey(_) => 42,
            Self::Counting(_) => 43,
            Self::Dodges(..) => 45,
            Self::Leaves(..) => 46,
            Self::Offences(_) => 47,
            Self::Bans(_) => 70,
            Self::Quarantine(_) => 71,
            Self::Reports(_) => 76,
            Self::Flag(..) => 77,
            Self::Lesson(..) => 63,
            Self::Listed(..) => 53,
            Self::SigningKey(_) => 55,
        }
    }

    /// Bytes whose order is the order of keys.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        out.push(self.tag());
        match self {
            Self::Player(id) | Self::Claim(id) | Self::Bans(id) => {
                out.extend_from_slice(&id.as_u128().to_be_bytes())
            }
            Self::Identity(hash) | Self::Backfill(hash) => out.extend_from_slice(hash),
            Self::Queue(name) | Self::Lease(name) => put_name(&mut out, name.as_str()),
            Self::RuleSet(name) => put_name(&mut out, name.as_str()),
            Self::RuleSetVersion(name, version) => {
                put_name(&mut out, name.as_str());
                out.extend_from_slice(&version.to_be_bytes());
            }
            Self::ApiKey(id) | Self::AwsKey(id) | Self::SigningKey(id) => {
                out.extend_from_slice(&id.as_u128().to_be_bytes());
            }
            Self::Archive(id)
            | Self::Result(id)
            | Self::Outbox(id)
            | Self::Match(id)
            | Self::Quarantine(id)
            | Self::Reports(id)
            | Self::Offences(id) => {
                out.extend_from_slice(&id.as_u128().to_be_bytes());
            }
            Self::Rating(mode, player) | Self::Dodges(mode, player) | Self::Leaves(mode, player) => {
                put_name(&mut out, mode.as_str());
                out.extend_from_slice(&player.as_u128().to_be_bytes());
            }
            Self::Flag(mode, one, other) => {
                put_name(&mut out, mode.as_str());
                out.extend_from_slice(&one.as_u128().to_be_bytes());
                out.extend_from_slice(&other.as_u128().to_be_bytes());
            }
            Self::History(mode, player, depth) => {
                put_name(&mut out, mode.as_str());
                out.extend_from_slice(&player.as_u128().to_be_bytes());
                out.extend_from_slice(&depth.to_be_bytes());
            }
            Self::Lesson(mode, id) => {
                put_name(&mut out, mode.as_str());
                out.extend_from_slice(&id.as_u128().to_be_bytes());
            }
            Self::Staged(job, place) => {
                out.extend_from_slice(&job.as_u128().to_be_bytes());
                out.extend_from_slice(&place.to_be_bytes());
            }
            Self::Ticket(id) => out.extend_from_slice(&id.as_u128().to_be_bytes()),
            Self::Proposal(id) => out.extend_from_slice(&id.as_u128().to_be_bytes()),
            Self::Idempotency(home, hash) => {
                out.push(*home as u8);
                out.extend_from_slice(hash);
            }
            Self::Adjustment(id) => out.extend_from_slice(&id.as_u128().to_be_bytes()),
            Self::Gate(mode) | Self::Counting(mode) => put_name(&mut out, mode.as_str()),
            Self::System(hash) => out.extend_from_slice(&hash.to_be_bytes()),
            Self::Board(name) => put_name(&mut out, name.as_str()),
            Self::Entry(name, season, player) => {
                put_name(&mut out, name.as_str());
                out.extend_from_slice(&season.to_be_bytes());
                out.extend_from_slice(&player.as_u128().to_be_bytes());
            }
            Self::Scored(name, season, player, number) => {
                put_name(&mut out, name.as_str());
                out.extend_from_slice(&season.to_be_bytes());
                out.extend_from_slice(&player.as_u128().to_be_bytes());
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Payout(name, season) | Self::Opened(name, season) | Self::Starts(name, season) => {
                put_name(&mut out, name.as_str());
                out.extend_from_slice(&season.to_be_bytes());
            }
            Self::Seat(name, season, cohort, number) => {
                put_name(&mut out, name.as_str());
                out.extend_from_slice(&season.to_be_bytes());
                out.extend_from_slice(&cohort.to_be_bytes());
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::Bucket(name, season, bucket) => {
                put_name(&mut out, name.as_str());
                out.extend_from_slice(&season.to_be_bytes());
                put_name(&mut out, bucket);
            }
            Self::Shade(name, player) | Self::Seated(name, player) => {
                put_name(&mut out, name.as_str());
                out.extend_from_slice(&player.as_u128().to_be_bytes());
            }
            Self::Attributes(player) => out.extend_from_slice(&player.as_u128().to_be_bytes()),
            Self::Listed(list, network) => {
                out.push(*list as u8);
                put_name(&mut out, network);
            }
            Self::Learnt(mode) => put_name(&mut out, mode.as_str()),
            Self::Watch(player, name) | Self::Told(player, name) => {
                out.extend_from_slice(&player.as_u128().to_be_bytes());
                put_name(&mut out, name.as_str());
            }
        }
        out
    }

    /// The key of [`Key::encode`]'s bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, KeyError> {
        let (&tag, rest) = bytes.split_first().ok_or(KeyError)?;
        let mut f = Fields(rest);
        let key = match tag {
            1 => Self::Player(PlayerId::from_u128(f.id()?)),
            2 => Self::Identity(f.take()?),
            3 => Self::Queue(f.queue()?),
            4 => Self::ApiKey(KeyId::from_u128(f.id()?)),
            5 => Self::Archive(MatchId::from_u128(f.id()?)),
            6 => Self::Rating(f.mode()?, PlayerId::from_u128(f.id()?)),
            7 => Self::History(f.mode()?, PlayerId::from_u128(f.id()?), f.number()?),
            8 => Self::Result(MatchId::from_u128(f.id()?)),
            9 => Self::Staged(JobId::from_u128(f.id()?), u32::from_be_bytes(f.take()?)),
            10 => Self::Outbox(MatchId::from_u128(f.id()?)),
            11 => Self::Ticket(TicketId::from_u128(f.id()?)),
            12 => Self::Claim(PlayerId::from_u128(f.id()?)),
            13 => Self::Proposal(ProposalId::from_u128(f.id()?)),
            14 => Self::Match(MatchId::from_u128(f.id()?)),
            15 => Self::Lease(f.queue()?),
            16 => {
                let [home] = f.take()?;
                let home = match home {
                    0 => Home::Record,
                    1 => Home::Document,
                    2 => Home::Live,
                    _ => return Err(KeyError),
                };
                Self::Idempotency(home, f.take()?)
            }
            17 => Self::Adjustment(AdjustmentId::from_u128(f.id()?)),
            18 => Self::Gate(f.mode()?),
            19 => Self::System(f.number()?),
            20 => Self::Board(f.board()?),
            21 => Self::Entry(f.board()?, f.number()?, PlayerId::from_u128(f.id()?)),
            49 => {
                let (name, season, player) = (f.board()?, f.number()?, PlayerId::from_u128(f.id()?));
                Self::Scored(name, season, player, u32::from_be_bytes(f.take()?))
            }
            22 => Self::Shade(f.board()?, PlayerId::from_u128(f.id()?)),
            23 => Self::Attributes(PlayerId::from_u128(f.id()?)),
            24 => Self::Learnt(f.mode()?),
            25 => Self::Payout(f.board()?, f.number()?),
            26 => Self::Seat(f.board()?, f.number()?, f.number()?, u32::from_be_bytes(f.take()?)),
            27 => Self::Seated(f.board()?, PlayerId::from_u128(f.id()?)),
            28 => Self::Bucket(f.board()?, f.number()?, f.name()?.to_owned()),
            29 => Self::Opened(f.board()?, f.number()?),
            40 => Self::Starts(f.board()?, f.number()?),
            30 => Self::Watch(PlayerId::from_u128(f.id()?), f.board()?),
            31 => Self::Told(PlayerId::from_u128(f.id()?), f.board()?),
            41 => Self::RuleSet(f.rule_set()?),
            44 => Self::RuleSetVersion(f.rule_set()?, u32::from_be_bytes(f.take()?)),
            42 => Self::AwsKey(KeyId::from_u128(f.id()?)),
            43 => Self::Counting(f.mode()?),
            45 => Self::Dodges(f.mode()?, PlayerId::from_u128(f.id()?)),
            46 => Self::Leaves(f.mode()?, PlayerId::from_u128(f.id()?)),
            47 => Self::Offences(MatchId::from_u128(f.id()?)),
            70 => Self::Bans(PlayerId::from_u128(f.id()?)),
            71 => Self::Quarantine(MatchId::from_u128(f.id()?)),
            76 => Self::Reports(MatchId::from_u128(f.id()?)),
            77 => Self::Flag(f.mode()?, PlayerId::from_u128(f.id()?), PlayerId::from_u128(f.id()?)),
            53 => {
                let [list] = f.take()?;
                let list = AddressList::ALL.into_iter().find(|known| *known as u8 == list).ok_or(KeyError)?;
                Self::Listed(list, f.name()?.to_owned())
            }
            48 => Self::Backfill(f.take()?),
            63 => Self::Lesson(f.mode()?, MatchId::from_u128(f.id()?)),
            55 => Self::SigningKey(KeyId::from_u128(f.id()?)),
            _ => return Err(KeyError),
        };
        if f.0.is_empty() { Ok(key) } else { Err(KeyError) }
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
            Self::Reports(id) => write!(f, "reports of {id}"),
            Self::Flag(mode, one, other) => write!(f, "flag of {one} and {other} in {mode}"),
            Self::Lesson(mode, id) => write!(f, "what {id} teaches in {mode}"),
            Self::Listed(list, network) => write!(f, "{network} in the {list} list"),
        }
    }
}

impl KeyRange {
    /// The home it lies in.
    #[must_use]
    pub fn home(&self) -> Home {
        match self {
            Self::Queues
            | Self::ApiKeys
            | Self::RuleSets
            | Self::AllRuleSetVersions
            | Self::RuleSetVersions(_)
            | Self::AwsKeys
            | Self::AllBans
            | Self::AllListed
            | Self::SigningKeys
            | Self::Boards => Home::Document,
            Self::Ratings(_)
            | Self::AllRatings
            | Self::History(..)
            | Self::Histories(_)
            | Self::Outbox
            | Self::Results
            | Self::Adjustments
            | Self::Entries(..)
            | Self::AllEntries(_)
            | Self::Scored(..)
            | Self::ScoredIn(..)
            | Self::AllScored(_)
            | Self::Payouts(_)
            | Self::Seats(..)
            | Self::SeatsOf(..)
            | Self::AllSeats(_)
            | Self::AllSeated(_)
            | Self::AllBuckets(_)
            | Self::AllOpened(_)
            | Self::AllStarts(_)
            | Self::Shades
            | Self::AllAttributes
            | Self::AllLearnt
            | Self::AllLeaves
            | Self::AllOffences
            | Self::Quarantine
            | Self::AllReports
            | Self::AllFlags
            | Self::Flags(_)
            | Self::AllLessons
            | Self::Gates => Home::Record,
            Self::Tickets
            | Self::Proposals
            | Self::Matches
            | Self::Watches(_)
            | Self::AllWatches
            | Self::AllTold
            | Self::AllDodges => Home::Live,
        }
    }

    /// The bytes that every encoded key of the range starts with, and no other key.
    #[must_use]
    pub fn prefix(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        match self {
            Self::Queues => out.push(3),
            Self::ApiKeys => out.push(4),
            Self::RuleSets => out.push(41),
            Self::AllRuleSetVersions => out.push(44),
            Self::RuleSetVersions(name) => {
                out.push(44);
                put_name(&mut out, name.as_str());
            }
            Self::AwsKeys => out.push(42),
            Self::SigningKeys => out.push(55),
            Self::AllRatings => out.push(6),
            Self::Ratings(mode) => {
                out.push(6);
                put_name(&mut out, mode.as_str());
            }
            Self::Histories(mode) => {
                out.push(7);
                put_name(&mut out, mode.as_str());
            }
            Self::History(mode, player) => {
                out.push(7);
                put_name(&mut out, mode.as_str());
                out.extend_from_slice(&player.as_u128().to_be_bytes());
            }
            Self::Results => out.push(8),
            Self::Outbox => out.push(10),
            Self::Tickets => out.push(11),
            Self::Proposals => out.push(13),
            Self::Matches => out.push(14),
            Self::Adjustments => out.push(17),
            Self::Boards => out.push(20),
            Self::Entries(name, season) => {
                out.push(21);
                put_name(&mut out, name.as_str());
                out.extend_from_slice(&season.to_be_bytes());
            }
            Self::AllEntries(name) => {
                out.push(21);
                put_name(&mut out, name.as_str());
            }
            Self::AllScored(name) => {
                out.push(49);
                put_name(&mut out, name.as_str());
            }
            Self::ScoredIn(name, season) => {
                out.push(49);
                put_name(&mut out, name.as_str());
                out.extend_from_slice(&season.to_be_bytes());
            }
            Self::Scored(name, season, player) => {
                out.push(49);
                put_name(&mut out, name.as_str());
                out.extend_from_slice(&season.to_be_bytes());
                out.extend_from_slice(&player.as_u128().to_be_bytes());
            }
            Self::Payouts(name) => {
                out.push(25);
                put_name(&mut out, name.as_str());
            }
            Self::Seats(name, season) => {
                out.push(26);
                put_name(&mut out, name.as_str());
                out.extend_from_slice(&season.to_be_bytes());
            }
            Self::SeatsOf(name, season, cohort) => {
                out.push(26);
                put_name(&mut out, name.as_str());
                out.extend_from_slice(&season.to_be_bytes());
                out.extend_from_slice(&cohort.to_be_bytes());
            }
            Self::AllSeats(name) | Self::AllSeated(name) | Self::AllBuckets(name) | Self::AllOpened(name) => {
                out.push(match self {
                    Self::AllSeats(_) => 26,
                    Self::AllSeated(_) => 27,
                    Self::AllBuckets(_) => 28,
                    _ => 29,
                });
                put_name(&mut out, name.as_str());
            }
            Self::AllStarts(name) => {
                out.push(40);
                put_name(&mut out, name.as_str());
            }
            Self::Shades => out.push(22),
            Self::AllAttributes => out.push(23),
            Self::AllLearnt => out.push(24),
            Self::AllWatches => out.push(30),
            Self::Watches(player) => {
                out.push(30);
                out.extend_from_slice(&player.as_u128().to_be_bytes());
            }
            Self::AllTold => out.push(31),
            Self::Gates => out.push(18),
            Self::AllDodges => out.push(45),
            Self::AllLeaves => out.push(46),
            Self::AllOffences => out.push(47),
            Self::AllBans => out.push(70),
            Self::Quarantine => out.push(71),
            Self::AllReports => out.push(76),
            Self::AllFlags => out.push(77),
            Self::Flags(mode) => {
                out.push(77);
                put_name(&mut out, mode.as_str());
            }
            Self::AllLessons => out.push(63),
            Self::AllListed => out.push(53),
        }
        out
    }

    /// The least and the greatest key of the range, both inclusive.
    #[must_use]
    pub fn bounds(&self) -> (Vec<u8>, Vec<u8>) {
        let low = self.prefix();
        let mut high = low.clone();
        // No encoded key is longer than a name and its fixed fields, and none has such a byte in its name.
        high.extend_from_slice(&[0xff; 160]);
        (low, high)
    }
}
