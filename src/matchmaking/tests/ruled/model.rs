//! The slow twin of the pool: every choice of tickets and every choice of teams, judged by the rules.
use gsm_core::{TicketId, Timestamp};
use gsm_matchmaking::{RuledMatch, RuledTicket};
use gsm_rules::{BackfillPriority, ExpansionAge, Member, Party, RuleSet, Seat, Symbols, Value};
use std::collections::BTreeMap;

/// A waiting ticket of the twin.
pub(crate) struct Own {
    ticket: RuledTicket,
    /// A ticket's one party, or its parts if it fits no team, or each player of a backfill.
    parties: Vec<Party>,
    /// Of a backfill.
    teams: Vec<u8>,
    class: u8,
}

impl Own {
    fn turn(&self) -> (u8, Timestamp, TicketId) {
        (self.class, self.ticket.started_at, self.ticket.id)
    }
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.ticket.players.iter().map(|(_, member)| member)
    }
    fn is_backfill(&self) -> bool {
        self.ticket.backfill.is_some()
    }
}

pub(crate) struct Model<'a> {
    set: &'a RuleSet,
    symbols: Symbols,
    pub(crate) waiting: BTreeMap<TicketId, Own>,
    /// Players whose role was looked at.
    pub(crate) roles: usize,
    /// Parties that were split.
    pub(crate) split: usize,
}

/// Tickets with their teams; a backfill's is of no meaning.
pub(crate) type Choice<'a> = Vec<(&'a Own, u8)>;

impl<'a> Model<'a> {
    pub(crate) fn new(set: &'a RuleSet) -> Self {
        Self { set, symbols: set.symbols(), waiting: BTreeMap::new(), roles: 0, split: 0 }
    }

    pub(crate) fn insert(&mut self, ticket: RuledTicket) {
        let members: Vec<_> = ticket.players.iter().map(|(_, member)| member.clone()).collect();
        let class = self.class(&ticket, 0);
        let of = |name: &String| self.set.teams().iter().position(|team| team.name == *name).unwrap() as u8;
        let teams: Vec<u8> = ticket.backfill.iter().flatten().map(of).collect();
        let sizes = match teams.is_empty() {
            true => self.parts(members.len()),
            false => vec![1; members.len()],
        };
        let parties = match teams.is_empty() {
            true => self.set.prepare_parts(&members, &sizes, &mut self.symbols).unwrap(),
            false => {
                members.chunks(1).map(|part| self.set.prepare(part, &mut self.symbols).unwrap()).collect()
            }
        };
        self.waiting.insert(ticket.id, Own { ticket, parties, teams, class });
    }

    /// The class of a ticket whose own age leads to a stage.
    fn class(&self, ticket: &RuledTicket, stage: usize) -> u8 {
        match (&ticket.backfill, self.set.stages()[stage].algorithm().backfill) {
            (Some(_), BackfillPriority::High) => 0,
            (Some(_), BackfillPriority::Low) => 2,
            _ => 1,
        }
    }

    /// Time goes by.
    pub(crate) fn grow(&mut self, now: Timestamp) {
        for mut own in std::mem::take(&mut self.waiting).into_values() {
            own.class = self.class(&own.ticket, self.set.stage_at(now.since(own.ticket.started_at)));
            self.waiting.insert(own.ticket.id, own);
        }
    }

    /// A party that fits no team sits on the first of as few teams side by side as have room for it: everybody in turn
    /// is asked who has fewest and may take one more.
    fn parts(&self, players: usize) -> Vec<usize> {
        let fits = |team: usize, of: usize| usize::from(self.set.stages()[of].teams()[team].max) >= players;
        let (teams, stages) = (self.set.teams().len(), self.set.stages().len());
        if !self.set.splits_parties() || (0..teams).any(|team| (0..stages).any(|of| fits(team, of))) {
            return vec![players];
        }
        for stage in self.set.stages() {
            for count in 2..=teams {
                for first in 0..=teams - count {
                    let most: Vec<usize> = stage.teams()[first..first + count]
                        .iter()
                        .map(|size| usize::from(size.max))
                        .collect();
                    let mut parts = vec![0; count];
                    while parts.iter().sum::<usize>() < players && parts != most {
                        let fewest = (0..count).filter(|at| parts[*at] < most[*at]).map(|at| parts[at]).min();
                        let next = (0..count).find(|at| Some(parts[*at]) == fewest && parts[*at] < most[*at]);
                        parts[next.unwrap()] += 1;
                    }
                    if parts.iter().sum::<usize>() == players {
                        return parts;
                    }
                }
            }
        }
        vec![players]
    }

    /// Ids in the order in which they have their turns.
    pub(crate) fn anchors(&self) -> Vec<TicketId> {
        let mut all: Vec<&Own> = self.waiting.values().collect();
        all.sort_by_key(|own| own.turn());
        all.iter().map(|own| own.ticket.id).collect()
    }

    /// Those that may join an anchor: who has not had his turn. A backfill that has its turn apart from the others takes
    /// from all of them, and is no part of a new match.
    pub(crate) fn others(&self, anchor: &Own) -> Vec<&Own> {
        let takes_all = anchor.class != 1;
        let mut others: Vec<&Own> = self
            .waiting
            .values()
            .filter(|other| other.ticket.id != anchor.ticket.id && other.class == 1)
            .filter(|other| takes_all || other.turn() > anchor.turn())
            .collect();
        others.sort_by_key(|other| other.turn());
        others
    }

    /// The stage that a candidate is judged in.
    pub(crate) fn stage_of(&self, choice: &Choice<'_>, now: Timestamp) -> usize {
        let starts = choice.iter().map(|(own, _)| own.ticket.started_at);
        let start = match self.set.expansion_age() {
            ExpansionAge::Newest => starts.max(),
            ExpansionAge::Oldest => starts.min(),
        };
        self.set.stage_at(now.since(start.unwrap()))
    }

    pub(crate) fn is_match(&self, choice: &Choice<'_>, now: Timestamp) -> bool {
        let seats: Vec<Seat<'_>> = choice
            .iter()
            .flat_map(|(own, team)| {
                let team = |at: usize| own.teams.get(at).copied().unwrap_or(*team + at as u8);
                own.parties.iter().enumerate().map(move |(at, party)| Seat { team: team(at), party })
            })
            .collect();
        let backfills = choice.iter().filter(|(own, _)| own.is_backfill()).count();
        let has_newcomer = choice.len() > backfills;
        backfills <= 1 && has_newcomer && self.set.stages()[self.stage_of(choice, now)].holds(&seats)
    }

    /// What the pool has found, in the twin's terms.
    pub(crate) fn choice(&self, found: &RuledMatch) -> Choice<'_> {
        let team = |id: &TicketId| {
            found.sides.iter().position(|side| side.iter().any(|seat| seat.ticket == *id)).unwrap()
        };
        found.tickets.iter().map(|id| (&self.waiting[id], team(id) as u8)).collect()
    }

    /// Where players of a match have roles, each is as often there as its rule says, and nobody more is autofilled.
    pub(crate) fn check_roles(&mut self, found: &RuledMatch, now: Timestamp, says: &str) {
        let choice = self.choice(found);
        let split = choice.iter().filter(|(own, _)| !own.is_backfill() && own.parties.len() > 1).count();
        let stage = &self.set.stages()[self.stage_of(&choice, now)];
        self.split += split;
        assert_eq!(found.roles.is_empty(), !stage.has_roles(), "{says}");
        let Some((places, autofill)) = (0..self.set.rules().len()).find_map(|rule| stage.places(rule)) else {
            return;
        };
        for (side, roles) in found.sides.iter().zip(&found.roles) {
            assert_eq!(side.len(), roles.len(), "{says}");
            let taken = || roles.iter().flatten();
            if taken().next().is_none() {
                continue;
            }
            for (role, count) in places {
                let name = self.symbols.text(*role);
                assert_eq!(taken().filter(|role| role.name == name).count(), *count as usize, "{says}");
            }
            assert!(taken().filter(|role| role.choice.is_none()).count() <= autofill as usize, "{says}");
            for (seat, role) in side.iter().zip(roles) {
                let Some(role) = role else { continue };
                let players = &self.waiting[&seat.ticket].ticket.players;
                let (_, member) = players.iter().find(|(player, _)| *player == seat.player).unwrap();
                let Value::List(list) = &member.attributes["roles"] else { panic!("{member:?}") };
                let mut named: Vec<&String> = Vec::new();
                list.iter().for_each(|role| named.extend((!named.contains(&role)).then_some(role)));
                let choice = named.iter().position(|named| **named == role.name);
                assert_eq!(role.choice, choice.map(|at| at as u32), "{says}");
                self.roles += 1;
            }
        }
    }

    /// Some match of the anchor, if there is any.
    pub(crate) fn find(&self, anchor: TicketId, now: Timestamp) -> Option<Choice<'_>> {
        let others = self.others(&self.waiting[&anchor]);
        self.find_among(anchor, &others, now)
    }

    /// Some match of the anchor and some of the others, if there is any.
    pub(crate) fn find_among<'o>(
        &'o self,
        anchor: TicketId,
        others: &[&'o Own],
        now: Timestamp,
    ) -> Option<Choice<'o>> {
        let anchor = &self.waiting[&anchor];
        self.seatings(anchor).find_map(|seating| self.extend(vec![seating], others, now))
    }

    fn seatings<'o>(&self, own: &'o Own) -> impl Iterator<Item = (&'o Own, u8)> + use<'o> {
        let teams = if own.is_backfill() { 1 } else { self.set.teams().len() + 1 - own.parties.len() };
        (0..teams as u8).map(move |team| (own, team))
    }

    fn extend<'o>(&self, choice: Choice<'o>, rest: &[&'o Own], now: Timestamp) -> Option<Choice<'o>> {
        let players: usize = choice.iter().map(|(own, _)| own.ticket.players.len()).sum();
        if players > self.set.players_max() {
            return None;
        }
        if self.is_match(&choice, now) {
            return Some(choice);
        }
        rest.iter().enumerate().find_map(|(at, own)| {
            self.seatings(own).find_map(|seating| {
                self.extend([choice.clone(), vec![seating]].concat(), &rest[at + 1..], now)
            })
        })
    }

    /// The most players that a match of the anchor can have in a stage.
    pub(crate) fn most(&self, anchor: TicketId, stage: usize, now: Timestamp) -> usize {
        let anchor = &self.waiting[&anchor];
        let others = self.others(anchor);
        let most = |seating| self.most_with(vec![seating], &others, stage, now);
        self.seatings(anchor).map(most).max().unwrap_or(0)
    }

    fn most_with<'o>(&self, choice: Choice<'o>, rest: &[&'o Own], stage: usize, now: Timestamp) -> usize {
        let players: usize = choice.iter().map(|(own, _)| own.ticket.players.len()).sum();
        if players > self.set.players_max() {
            return 0;
        }
        let is_one = self.stage_of(&choice, now) == stage && self.is_match(&choice, now);
        let more = rest.iter().enumerate().flat_map(|(at, own)| {
            let more = |seating| [choice.clone(), vec![seating]].concat();
            self.seatings(own)
                .map(move |seating| self.most_with(more(seating), &rest[at + 1..], stage, now))
                .collect::<Vec<_>>()
        });
        more.max().unwrap_or(0).max(if is_one { players } else { 0 })
    }

    /// A ticket that the match (the anchor first) could have had as well, without leaving its stage.
    pub(crate) fn addable(&self, choice: &Choice<'_>, now: Timestamp) -> Option<TicketId> {
        let stage = self.stage_of(choice, now);
        let others = self.others(choice[0].0);
        let is_in = |own: &&&Own| choice.iter().any(|(taken, _)| taken.ticket.id == own.ticket.id);
        let mut others = others.iter().filter(|own| !is_in(own));
        let fits = |own: &&&Own| {
            self.seatings(own).any(|seating| {
                let more = [choice.clone(), vec![seating]].concat();
                self.stage_of(&more, now) == stage && self.is_match(&more, now)
            })
        };
        others.find(fits).map(|own| own.ticket.id)
    }
}
