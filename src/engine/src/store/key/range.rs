//! Ranges of keys.
use super::{Home, bytes::put_name};
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
            Self::AllClosing => out.push(84),
            Self::Shades => out.push(22),
            Self::ShadesOf(name) => {
                out.push(22);
                put_name(&mut out, name.as_str());
            }
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
            Self::AllSaid => out.push(86),
            Self::AllFlags => out.push(77),
            Self::Flags(mode) => {
                out.push(77);
                put_name(&mut out, mode.as_str());
            }
            Self::AllLessons => out.push(63),
            Self::AllRetired => out.push(85),
            Self::AllListed => out.push(53),
            Self::Archives => out.push(5),
            Self::AllErased => out.push(72),
            Self::AllErasing => out.push(73),
            Self::IdentitiesOf(player) => {
                out.push(74);
                out.extend_from_slice(&player.as_u128().to_be_bytes());
            }
            Self::Answers(home) => {
                out.push(16);
                out.push(*home as u8);
            }
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
