//! Keys as bytes, whose order is that of the keys.
use super::{Home, Key, KeyError};
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
            82 => Self::Banned(f.take()?),
            63 => Self::Lesson(f.mode()?, MatchId::from_u128(f.id()?)),
            55 => Self::SigningKey(KeyId::from_u128(f.id()?)),
            72 => Self::Erased(PlayerId::from_u128(f.id()?)),
            73 => Self::Erasing(PlayerId::from_u128(f.id()?)),
            74 => Self::IdentityOf(PlayerId::from_u128(f.id()?), f.take()?),
            75 => Self::Upkeep,
            84 => Self::Closing(f.board()?),
            85 => Self::Retired(f.queue()?, f.mode()?),
            86 => Self::Said(MatchId::from_u128(f.id()?)),
            _ => return Err(KeyError),
        };
        if f.0.is_empty() { Ok(key) } else { Err(KeyError) }
    }
}
