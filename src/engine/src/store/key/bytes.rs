//! Keys as bytes, whose order is that of the keys.
use super::{Home, Key, KeyError, tag};
use crate::AddressList;
use gsm_core::{
    AdjustmentId, BoardName, JobId, KeyId, MatchId, Mode, PlayerId, ProposalId, QueueName, RuleSetName,
    TicketId,
};

pub(super) fn put_name(out: &mut Vec<u8>, name: &str) {
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
    /// Bytes whose order is the order of keys.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        out.push(self.tag());
        match self {
            Self::Player(id) | Self::Claim(id) | Self::Bans(id) | Self::Erased(id) | Self::Erasing(id) => {
                out.extend_from_slice(&id.as_u128().to_be_bytes())
            }
            Self::IdentityOf(id, hash) => {
                out.extend_from_slice(&id.as_u128().to_be_bytes());
                out.extend_from_slice(hash);
            }
            Self::Upkeep => {}
            Self::Identity(hash) | Self::Backfill(hash) | Self::Banned(hash) => out.extend_from_slice(hash),
            Self::Queue(name) | Self::Lease(name) => put_name(&mut out, name.as_str()),
            Self::Retired(name, mode) => {
                put_name(&mut out, name.as_str());
                put_name(&mut out, mode.as_str());
            }
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
            | Self::Said(id)
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
            Self::Board(name) | Self::Closing(name) => put_name(&mut out, name.as_str()),
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
        let (&first, rest) = bytes.split_first().ok_or(KeyError)?;
        let mut f = Fields(rest);
        let key = match first {
            tag::PLAYER => Self::Player(PlayerId::from_u128(f.id()?)),
            tag::IDENTITY => Self::Identity(f.take()?),
            tag::QUEUE => Self::Queue(f.queue()?),
            tag::API_KEY => Self::ApiKey(KeyId::from_u128(f.id()?)),
            tag::ARCHIVE => Self::Archive(MatchId::from_u128(f.id()?)),
            tag::RATING => Self::Rating(f.mode()?, PlayerId::from_u128(f.id()?)),
            tag::HISTORY => Self::History(f.mode()?, PlayerId::from_u128(f.id()?), f.number()?),
            tag::RESULT => Self::Result(MatchId::from_u128(f.id()?)),
            tag::STAGED => Self::Staged(JobId::from_u128(f.id()?), u32::from_be_bytes(f.take()?)),
            tag::OUTBOX => Self::Outbox(MatchId::from_u128(f.id()?)),
            tag::TICKET => Self::Ticket(TicketId::from_u128(f.id()?)),
            tag::CLAIM => Self::Claim(PlayerId::from_u128(f.id()?)),
            tag::PROPOSAL => Self::Proposal(ProposalId::from_u128(f.id()?)),
            tag::MATCH => Self::Match(MatchId::from_u128(f.id()?)),
            tag::LEASE => Self::Lease(f.queue()?),
            tag::IDEMPOTENCY => {
                let [home] = f.take()?;
                let home = match home {
                    0 => Home::Record,
                    1 => Home::Document,
                    2 => Home::Live,
                    _ => return Err(KeyError),
                };
                Self::Idempotency(home, f.take()?)
            }
            tag::ADJUSTMENT => Self::Adjustment(AdjustmentId::from_u128(f.id()?)),
            tag::GATE => Self::Gate(f.mode()?),
            tag::SYSTEM => Self::System(f.number()?),
            tag::BOARD => Self::Board(f.board()?),
            tag::ENTRY => Self::Entry(f.board()?, f.number()?, PlayerId::from_u128(f.id()?)),
            tag::SCORED => {
                let (name, season, player) = (f.board()?, f.number()?, PlayerId::from_u128(f.id()?));
                Self::Scored(name, season, player, u32::from_be_bytes(f.take()?))
            }
            tag::SHADE => Self::Shade(f.board()?, PlayerId::from_u128(f.id()?)),
            tag::ATTRIBUTES => Self::Attributes(PlayerId::from_u128(f.id()?)),
            tag::LEARNT => Self::Learnt(f.mode()?),
            tag::PAYOUT => Self::Payout(f.board()?, f.number()?),
            tag::SEAT => Self::Seat(f.board()?, f.number()?, f.number()?, u32::from_be_bytes(f.take()?)),
            tag::SEATED => Self::Seated(f.board()?, PlayerId::from_u128(f.id()?)),
            tag::BUCKET => Self::Bucket(f.board()?, f.number()?, f.name()?.to_owned()),
            tag::OPENED => Self::Opened(f.board()?, f.number()?),
            tag::STARTS => Self::Starts(f.board()?, f.number()?),
            tag::WATCH => Self::Watch(PlayerId::from_u128(f.id()?), f.board()?),
            tag::TOLD => Self::Told(PlayerId::from_u128(f.id()?), f.board()?),
            tag::RULE_SET => Self::RuleSet(f.rule_set()?),
            tag::RULE_SET_VERSION => Self::RuleSetVersion(f.rule_set()?, u32::from_be_bytes(f.take()?)),
            tag::AWS_KEY => Self::AwsKey(KeyId::from_u128(f.id()?)),
            tag::COUNTING => Self::Counting(f.mode()?),
            tag::DODGES => Self::Dodges(f.mode()?, PlayerId::from_u128(f.id()?)),
            tag::LEAVES => Self::Leaves(f.mode()?, PlayerId::from_u128(f.id()?)),
            tag::OFFENCES => Self::Offences(MatchId::from_u128(f.id()?)),
            tag::BANS => Self::Bans(PlayerId::from_u128(f.id()?)),
            tag::QUARANTINE => Self::Quarantine(MatchId::from_u128(f.id()?)),
            tag::REPORTS => Self::Reports(MatchId::from_u128(f.id()?)),
            tag::FLAG => Self::Flag(f.mode()?, PlayerId::from_u128(f.id()?), PlayerId::from_u128(f.id()?)),
            tag::LISTED => {
                let [list] = f.take()?;
                let list = AddressList::ALL.into_iter().find(|known| *known as u8 == list).ok_or(KeyError)?;
                Self::Listed(list, f.name()?.to_owned())
            }
            tag::BACKFILL => Self::Backfill(f.take()?),
            tag::BANNED => Self::Banned(f.take()?),
            tag::LESSON => Self::Lesson(f.mode()?, MatchId::from_u128(f.id()?)),
            tag::SIGNING_KEY => Self::SigningKey(KeyId::from_u128(f.id()?)),
            tag::ERASED => Self::Erased(PlayerId::from_u128(f.id()?)),
            tag::ERASING => Self::Erasing(PlayerId::from_u128(f.id()?)),
            tag::IDENTITY_OF => Self::IdentityOf(PlayerId::from_u128(f.id()?), f.take()?),
            tag::UPKEEP => Self::Upkeep,
            tag::CLOSING => Self::Closing(f.board()?),
            tag::RETIRED => Self::Retired(f.queue()?, f.mode()?),
            tag::SAID => Self::Said(MatchId::from_u128(f.id()?)),
            _ => return Err(KeyError),
        };
        if f.0.is_empty() { Ok(key) } else { Err(KeyError) }
    }
}
