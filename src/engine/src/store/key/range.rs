//! Ranges of keys.
use super::{Home, bytes::put_name, tag};
use gsm_core::{BoardName, Mode, PlayerId, RuleSetName};

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
    /// All boards of which something is left, though they were given up.
    AllClosing,
    /// All players of all boards whom not everybody sees.
    Shades,
    /// Those of a board, by player.
    ShadesOf(BoardName),
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
    /// All matches that ended.
    Archives,
    /// All players whose identity was deleted.
    AllErased,
    /// Those of them of whom something may be left.
    AllErasing,
    /// A player's identities.
    IdentitiesOf(PlayerId),
    /// First answers of calls, of one home.
    Answers(Home),
    /// All that players say of matches, as far as it is followed.
    AllReports,
    /// All that they have said beside.
    AllSaid,
    /// All pairs who met too often.
    AllFlags,
    /// Those of a mode.
    Flags(Mode),
    /// All queues as they were in modes that they are not in any more.
    AllRetired,
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
            | Self::Archives
            | Self::AllErased
            | Self::AllErasing
            | Self::IdentitiesOf(_)
            | Self::AllRetired
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
            | Self::AllClosing
            | Self::Shades
            | Self::ShadesOf(_)
            | Self::AllAttributes
            | Self::AllLearnt
            | Self::AllLeaves
            | Self::AllOffences
            | Self::Quarantine
            | Self::AllReports
            | Self::AllSaid
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
            Self::Answers(home) => *home,
        }
    }

    /// The bytes that every encoded key of the range starts with, and no other key.
    #[must_use]
    pub fn prefix(&self) -> Vec<u8> {
        let Prefix(bytes) = match self {
            Self::Queues => Prefix::of(tag::QUEUE),
            Self::ApiKeys => Prefix::of(tag::API_KEY),
            Self::RuleSets => Prefix::of(tag::RULE_SET),
            Self::AllRuleSetVersions => Prefix::of(tag::RULE_SET_VERSION),
            Self::RuleSetVersions(name) => Prefix::of(tag::RULE_SET_VERSION).name(name.as_str()),
            Self::AwsKeys => Prefix::of(tag::AWS_KEY),
            Self::SigningKeys => Prefix::of(tag::SIGNING_KEY),
            Self::AllRatings => Prefix::of(tag::RATING),
            Self::Ratings(mode) => Prefix::of(tag::RATING).name(mode.as_str()),
            Self::Histories(mode) => Prefix::of(tag::HISTORY).name(mode.as_str()),
            Self::History(mode, player) => Prefix::of(tag::HISTORY).name(mode.as_str()).id(player.as_u128()),
            Self::Results => Prefix::of(tag::RESULT),
            Self::Outbox => Prefix::of(tag::OUTBOX),
            Self::Tickets => Prefix::of(tag::TICKET),
            Self::Proposals => Prefix::of(tag::PROPOSAL),
            Self::Matches => Prefix::of(tag::MATCH),
            Self::Adjustments => Prefix::of(tag::ADJUSTMENT),
            Self::Boards => Prefix::of(tag::BOARD),
            Self::Entries(name, season) => Prefix::of(tag::ENTRY).name(name.as_str()).number(*season),
            Self::AllEntries(name) => Prefix::of(tag::ENTRY).name(name.as_str()),
            Self::AllScored(name) => Prefix::of(tag::SCORED).name(name.as_str()),
            Self::ScoredIn(name, season) => Prefix::of(tag::SCORED).name(name.as_str()).number(*season),
            Self::Scored(name, season, player) => {
                Prefix::of(tag::SCORED).name(name.as_str()).number(*season).id(player.as_u128())
            }
            Self::Payouts(name) => Prefix::of(tag::PAYOUT).name(name.as_str()),
            Self::Seats(name, season) => Prefix::of(tag::SEAT).name(name.as_str()).number(*season),
            Self::SeatsOf(name, season, cohort) => {
                Prefix::of(tag::SEAT).name(name.as_str()).number(*season).number(*cohort)
            }
            Self::AllSeats(name) => Prefix::of(tag::SEAT).name(name.as_str()),
            Self::AllSeated(name) => Prefix::of(tag::SEATED).name(name.as_str()),
            Self::AllBuckets(name) => Prefix::of(tag::BUCKET).name(name.as_str()),
            Self::AllOpened(name) => Prefix::of(tag::OPENED).name(name.as_str()),
            Self::AllStarts(name) => Prefix::of(tag::STARTS).name(name.as_str()),
            Self::AllClosing => Prefix::of(tag::CLOSING),
            Self::Shades => Prefix::of(tag::SHADE),
            Self::ShadesOf(name) => Prefix::of(tag::SHADE).name(name.as_str()),
            Self::AllAttributes => Prefix::of(tag::ATTRIBUTES),
            Self::AllLearnt => Prefix::of(tag::LEARNT),
            Self::AllWatches => Prefix::of(tag::WATCH),
            Self::Watches(player) => Prefix::of(tag::WATCH).id(player.as_u128()),
            Self::AllTold => Prefix::of(tag::TOLD),
            Self::Gates => Prefix::of(tag::GATE),
            Self::AllDodges => Prefix::of(tag::DODGES),
            Self::AllLeaves => Prefix::of(tag::LEAVES),
            Self::AllOffences => Prefix::of(tag::OFFENCES),
            Self::AllBans => Prefix::of(tag::BANS),
            Self::Quarantine => Prefix::of(tag::QUARANTINE),
            Self::AllReports => Prefix::of(tag::REPORTS),
            Self::AllSaid => Prefix::of(tag::SAID),
            Self::AllFlags => Prefix::of(tag::FLAG),
            Self::Flags(mode) => Prefix::of(tag::FLAG).name(mode.as_str()),
            Self::AllLessons => Prefix::of(tag::LESSON),
            Self::AllRetired => Prefix::of(tag::RETIRED),
            Self::AllListed => Prefix::of(tag::LISTED),
            Self::Archives => Prefix::of(tag::ARCHIVE),
            Self::AllErased => Prefix::of(tag::ERASED),
            Self::AllErasing => Prefix::of(tag::ERASING),
            Self::IdentitiesOf(player) => Prefix::of(tag::IDENTITY_OF).id(player.as_u128()),
            Self::Answers(home) => Prefix::of(tag::IDEMPOTENCY).byte(*home as u8),
        };
        bytes
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

/// The first bytes of keys, field by field.
struct Prefix(Vec<u8>);

impl Prefix {
    fn of(tag: u8) -> Self {
        let mut bytes = Vec::with_capacity(64);
        bytes.push(tag);
        Self(bytes)
    }
    fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }
    fn name(mut self, name: &str) -> Self {
        put_name(&mut self.0, name);
        self
    }
    fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }
    fn id(mut self, id: u128) -> Self {
        self.0.extend_from_slice(&id.to_be_bytes());
        self
    }
}
