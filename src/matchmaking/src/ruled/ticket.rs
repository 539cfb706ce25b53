//! Tickets of a pool under a rule set.
use super::apart::parts;
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_rules::{BackfillPriority, Member, Party, RuleSet, Symbols, Unfit};
use smallvec::SmallVec;

/// A ticket as it is put into a pool under a rule set.
#[derive(Debug, Clone, PartialEq)]
pub struct RuledTicket {
    /// Which ticket.
    pub id: TicketId,
    /// Its players, 1 or more, with what they bring; they stay on one team, but where the rule set splits parties.
    pub players: Vec<(PlayerId, Member)>,
    /// Of a backfill the team of each player, in the same order: they play already, and others are to join them.
    pub backfill: Option<Vec<String>>,
    /// Since when it waits; kept when it comes back from a failed proposal.
    pub started_at: Timestamp,
}

/// Where a ticket's turn as anchor comes: backfills first, in between or last, then by age, then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    class: u8,
    pub(super) started_at: Timestamp,
    pub(super) id: TicketId,
    /// Of no meaning for the order. It lies here since there is room.
    is_backfill: bool,
}

impl Turn {
    /// Classes that there are.
    pub(super) const CLASSES: u8 = 3;

    /// The place of a ticket in its class.
    pub(super) fn new(class: u8, started_at: Timestamp, id: TicketId) -> Self {
        Self { class, started_at, id, is_backfill: false }
    }

    pub(super) fn class(self) -> u8 {
        self.class
    }

    /// The class that it has by a priority of backfills.
    pub(super) fn class_by(self, priority: BackfillPriority) -> u8 {
        match (self.is_backfill, priority) {
            (true, BackfillPriority::High) => 0,
            (true, BackfillPriority::Low) => 2,
            _ => 1,
        }
    }

    /// The same ticket's, in another class.
    pub(super) fn in_class(self, class: u8) -> Self {
        Self { class, ..self }
    }

    /// Whether it has its turn among the others, by age alone.
    pub(super) fn class_is_by_age(self) -> bool {
        self.class == 1
    }
}

/// Why a ticket waits and is never matched by this rule set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NeverMatched {
    /// It brings what the rule set cannot take.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// It lacks something.
    #[error("{0}")]
    Lacks(String),
    /// A backfill names a team that the rule set has not.
    #[error("there is no team `{0}`")]
    NoTeam(String),
    /// A backfill has more players on a team than it takes.
    #[error("team `{0}` has more players than it takes")]
    TeamFull(String),
    /// No team has room for all of its players.
    #[error("no team has room for {0} players")]
    TooLarge(usize),
}

/// A waiting ticket, prepared. That of one player takes two cache lines, and one box.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) turn: Turn,
    pub(super) players: SmallVec<[PlayerId; 1]>,
    /// Of a party: all of its players, or its parts if it is split. Of a backfill: each player alone.
    pub(super) parties: SmallVec<[Party; 1]>,
    /// Of a backfill: the team of each player; of a split party that of each part, counted from its first team. Empty
    /// for a party that sits on one team.
    pub(super) teams: Box<[u8]>,
    pub(super) never: Option<Box<NeverMatched>>,
    /// The same for parties that are alike.
    pub(super) fingerprint: u32,
    pub(super) alone: Alone,
}

/// In which of the first stages a ticket fails a rule by itself, as far as it was asked.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Alone(u32);

impl Alone {
    /// The low bits count the stages that were asked; each has a bit above them.
    const COUNT_BITS: u32 = 5;
    const STAGES_MAX: u32 = u32::BITS - Self::COUNT_BITS;

    fn asked(self) -> u32 {
        self.0 & ((1 << Self::COUNT_BITS) - 1)
    }

    /// What was found in a stage, if it was asked.
    pub(super) fn fails(self, stage: usize) -> Option<bool> {
        let stage = u32::try_from(stage).ok().filter(|stage| *stage < self.asked())?;
        Some(self.0 >> (Self::COUNT_BITS + stage) & 1 == 1)
    }

    /// Asks in a stage, if it is the next one and there is room for the answer.
    pub(super) fn ask(&mut self, stage: usize, fails: impl FnOnce() -> bool) {
        let asked = self.asked();
        if stage == asked as usize && asked < Self::STAGES_MAX {
            self.0 += 1;
            self.0 |= u32::from(fails()) << (Self::COUNT_BITS + asked);
        }
    }
}

impl Waiting {
    pub(super) fn can_match(&self) -> bool {
        self.never.is_none()
    }

    /// Its players, but those of a backfill, who play already.
    pub(super) fn newcomers(&self) -> usize {
        if self.is_backfill() { 0 } else { self.players.len() }
    }

    pub(super) fn new(
        set: &RuleSet,
        symbols: &mut Symbols,
        ticket: RuledTicket,
        priority: BackfillPriority,
    ) -> Self {
        let is_backfill = ticket.backfill.is_some();
        let turn = Turn { class: 1, started_at: ticket.started_at, id: ticket.id, is_backfill };
        let turn = turn.in_class(turn.class_by(priority));
        let (players, members): (SmallVec<[PlayerId; 1]>, SmallVec<[Member; 1]>) =
            ticket.players.into_iter().unzip();
        let prepared = match &ticket.backfill {
            None => prepare_party(set, symbols, &members),
            Some(teams) => prepare_backfill(set, symbols, &members, teams),
        };
        let (parties, teams, never) = match prepared {
            Ok((parties, teams)) => (parties, teams, None),
            Err(never) => (SmallVec::new(), Vec::new(), Some(Box::new(never))),
        };
        let fingerprint = parties.first().map_or(0, Party::fingerprint);
        let teams = teams.into();
        Self { turn, players, parties, teams, never, fingerprint, alone: Alone::default() }
    }

    pub(super) fn is_backfill(&self) -> bool {
        self.turn.is_backfill
    }

    /// The one party of a ticket whose players sit on one team.
    pub(super) fn party(&self) -> Option<&Party> {
        self.parties.first().filter(|_| !self.is_apart())
    }

    /// Notes whether it fails a rule of this stage by itself.
    pub(super) fn ask_alone(&mut self, set: &RuleSet, stage: usize) {
        let (Some(party), Some(of)) =
            (self.parties.first().filter(|_| self.teams.is_empty()), set.stages().get(stage))
        else {
            return;
        };
        if of.has_unary() {
            self.alone.ask(stage, || of.alone(party).is_some());
        }
    }

    /// Whether a player is in both. Only players of backfills are in another ticket as well: they play already, and want
    /// to play elsewhere.
    pub(super) fn has_player_of(&self, other: &Self) -> bool {
        (self.is_backfill() || other.is_backfill())
            && self.players.iter().any(|player| other.players.contains(player))
    }

    /// How many players it brings.
    pub(super) fn size(&self) -> u32 {
        self.players.len() as u32
    }
}

type Prepared = (SmallVec<[Party; 1]>, Vec<u8>);

fn prepare_party(set: &RuleSet, symbols: &mut Symbols, members: &[Member]) -> Result<Prepared, NeverMatched> {
    let room = set.stages().iter().flat_map(|stage| stage.teams()).map(|size| usize::from(size.max)).max();
    let is_too_large = room < Some(members.len());
    let parts = is_too_large.then(|| parts(set, members.len()).filter(|_| set.splits_parties())).flatten();
    let (sizes, teams): (&[usize], Vec<u8>) = match &parts {
        Some(parts) => (parts, (0..=u8::MAX).take(parts.len()).collect()),
        None => (&[members.len()], Vec::new()),
    };
    let parties: SmallVec<[Party; 1]> = set.prepare_parts(members, sizes, symbols)?.into();
    let never = match parties.iter().find_map(|party| lacking(set, party)) {
        None if is_too_large && parts.is_none() => Some(NeverMatched::TooLarge(members.len())),
        lacks => lacks,
    };
    match never {
        None => Ok((parties, teams)),
        Some(never) => {
            parties.iter().for_each(|party| set.release(party, symbols));
            Err(never)
        }
    }
}

fn prepare_backfill(
    set: &RuleSet,
    symbols: &mut Symbols,
    members: &[Member],
    names: &[String],
) -> Result<Prepared, NeverMatched> {
    let mut teams = Vec::with_capacity(names.len());
    for name in names {
        let team = set.teams().iter().position(|team| team.name == *name);
        let team = team.and_then(|team| u8::try_from(team).ok());
        teams.push(team.ok_or_else(|| NeverMatched::NoTeam(name.clone()))?);
    }
    let most = |team: u8| {
        let of = |stage: &gsm_rules::Stage| stage.teams().get(usize::from(team)).map(|size| size.max);
        set.stages().iter().filter_map(of).max().unwrap_or(0)
    };
    for (team, name) in teams.iter().zip(names) {
        if teams.iter().filter(|other| *other == team).count() > usize::from(most(*team)) {
            return Err(NeverMatched::TeamFull(name.clone()));
        }
    }
    let mut parties: SmallVec<[Party; 1]> = SmallVec::with_capacity(members.len());
    for member in members {
        let party = set.prepare(std::slice::from_ref(member), symbols).map_err(NeverMatched::from);
        match party.map(|party| (lacking(set, &party), party)) {
            Ok((None, party)) => parties.push(party),
            Ok((Some(never), party)) => {
                parties.push(party);
                parties.iter().for_each(|party| set.release(party, symbols));
                return Err(never);
            }
            Err(never) => {
                parties.iter().for_each(|party| set.release(party, symbols));
                return Err(never);
            }
        }
    }
    Ok((parties, teams))
}

fn lacking(set: &RuleSet, party: &Party) -> Option<NeverMatched> {
    let text = match party.never()? {
        gsm_rules::Never::Missing { attribute } => {
            let name = set.attributes().get(usize::from(attribute)).map_or("", |of| of.name.as_str());
            format!("a player has no `{name}`, which has no default")
        }
        gsm_rules::Never::NoLatency => "no location to which all of its players have a latency".to_owned(),
    };
    Some(NeverMatched::Lacks(text))
}
