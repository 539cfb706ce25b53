//! The search for a match of one ticket, the anchor: every choice of tickets and teams, until one holds.
//!
//! Tickets come in the order of preference. At each place the search first tries to take one more ticket, and only where
//! no taking of more leads to a match does it judge what it has: so a match that is found is as full as its beginning
//! allows, and if there is a match, one is found. Where teams may have more players than it found, it looks a little longer
//! whether the same tickets sit otherwise, or others, so that more play. What cannot be mended by more tickets is not followed
//! ([`Stage::hopeless`]), of tickets that can stand in for each other one is tried at each place, and empty teams that are alike are tried
//! once. The place where a search is stays in it, so that it goes on in another step.
mod fuller;
mod prospects;

use super::{
    DEAR_JUDGED,
    outlook::{Outlook, Worth},
    store::{Key, Store},
    ticket::Waiting,
};
use fuller::Best;
use gsm_core::TicketId;
use gsm_rules::{RuleSet, Seat, Stage, Verdict};
use smallvec::{SmallVec, smallvec};

/// Work units after which a search looks whether it can end well at all.
const OUTLOOK_AFTER: u32 = 64;
/// Work units after which it looks whom it can leave out.
const SIFT_AFTER: u32 = 256;

/// A ticket that may be taken.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) id: TicketId,
    pub(super) key: Key,
    /// A ticket before it in the order that is alike in everything, or that can stand in for it.
    pub(super) twin: Option<usize>,
    /// Came, or reached the stage, since the anchor was last looked at.
    pub(super) is_news: bool,
    /// Its age is within the stage that is searched, not beyond: such a one must be in the match.
    pub(super) is_of_stage: bool,
    pub(super) is_backfill: bool,
    /// Whether its players may sit on different teams.
    pub(super) is_apart: bool,
    pub(super) players: u32,
    /// Whether it was still there at the last [`Search::sweep`], and may be in a match with the anchor.
    pub(super) waits: bool,
}

/// Players on each team.
type Filled = SmallVec<[u32; 8]>;

/// How often each rule held and did not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts(pub(super) SmallVec<[(u64, u64); 1]>);

impl Counts {
    pub(super) fn of(set: &RuleSet) -> Self {
        Self(smallvec![(0, 0); set.rules().len()])
    }
    pub(super) fn add(&mut self, other: &Self) {
        for ((passed, failed), (more_passed, more_failed)) in self.0.iter_mut().zip(&other.0) {
            (*passed, *failed) = (*passed + more_passed, *failed + more_failed);
        }
    }
    /// Takes over what the other has counted, which begins anew.
    pub(super) fn take(&mut self, other: &mut Self) {
        self.add(other);
        other.0.fill((0, 0));
    }
    pub(super) fn note_failed(&mut self, rule: usize, times: u32) {
        if let Some((_, failed)) = self.0.get_mut(rule) {
            *failed += u64::from(times);
        }
    }
    pub(super) fn note(&mut self, rule: usize, held: bool) {
        if let Some((passed, failed)) = self.0.get_mut(rule) {
            *if held { passed } else { failed } += 1;
        }
    }
}

/// What the anchor itself brings to the conditions on a match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchor {
    pub(super) is_news: bool,
    pub(super) is_of_stage: bool,
    pub(super) is_backfill: bool,
}

/// A place of the search: which ticket is tried next, and which of the teams for it.
#[derive(Debug, Clone, Copy)]
struct Place {
    from: usize,
    next: usize,
    team: usize,
}

/// A seat taken: which candidate (`None`: the anchor), and its team.
type Taking = (Option<usize>, u8);

/// A search that is under way.
#[derive(Debug, Clone)]
pub(super) struct Search {
    /// Index of the stage that matches are judged in.
    pub(super) stage: usize,
    anchor: Anchor,
    pub(super) candidates: Vec<Candidate>,
    /// Whether a ticket may be taken that sits on different teams: then teams that are alike differ by who may join.
    has_apart: bool,
    /// See [`rest_of`].
    rest: Vec<(u32, bool, bool)>,
    taken: Vec<Taking>,
    places: Vec<Place>,
    /// The anchor's team that is tried; a backfill's players have theirs.
    anchor_team: usize,
    /// Of the judgements since it was last asked.
    pub(super) counts: Counts,
    /// Whether there may be more candidates than these.
    pub(super) is_cut: bool,
    /// Work units used.
    pub(super) spent: u32,
    /// What the dearest judgement of a part of a match weighed.
    pub(super) dearest: u32,
    /// Of a search that takes long: what is left at all.
    outlook: Option<Box<Outlook>>,
    has_looked: bool,
    has_sifted: bool,
    best: Option<Best>,
    /// What the searches of the stage have learnt so far.
    pub(super) worth: Worth,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A match: each ticket with its team; of one that sits on different teams that of its first player.
    Found(Vec<(TicketId, u8)>),
    /// There is none.
    None,
    /// The budget is spent.
    Cut,
}

/// What came of taking one more ticket.
enum Took {
    One,
    /// All were tried.
    None,
    /// The budget is spent.
    Cut,
}

/// What a search looks at.
pub(super) struct Sight<'a> {
    pub(super) set: &'a RuleSet,
    pub(super) anchor: &'a Waiting,
    pub(super) waiting: &'a Store,
}

impl Search {
    pub(super) fn new(stage: usize, anchor: Anchor, candidates: Vec<Candidate>, is_cut: bool) -> Self {
        let rest = rest_of(&candidates);
        let (taken, places) = (Vec::new(), Vec::new());
        let has_apart = candidates.iter().any(|candidate| candidate.is_apart);
        Self {
            stage,
            anchor,
            candidates,
            has_apart,
            rest,
            taken,
            places,
            anchor_team: 0,
            counts: Counts::default(),
            is_cut,
            spent: 0,
            dearest: 0,
            outlook: None,
            has_looked: false,
            has_sifted: false,
            best: None,
            worth: Worth::default(),
        }
    }

    /// Goes on until a match is found, or there is none, or `budget` work units are spent.
    pub(super) fn run(&mut self, sight: &Sight<'_>, budget: u32, used: &mut u32) -> Outcome {
        let before = *used;
        let outcome = self.go_on(sight, budget, before, used);
        self.spent = self.spent.saturating_add(*used - before);
        outcome
    }

    fn go_on(&mut self, sight: &Sight<'_>, budget: u32, before: u32, used: &mut u32) -> Outcome {
        let Some(stage) = sight.set.stages().get(self.stage) else { return Outcome::None };
        loop {
            if *used >= budget {
                return Outcome::Cut;
            }
            *used += 1;
            let spent = self.spent.saturating_add(*used - before);
            if self.best.as_ref().is_some_and(|best| spent > best.until) {
                return self.end(sight);
            }
            if !self.has_looked && spent > self.judging(OUTLOOK_AFTER) {
                self.look(sight, stage, used);
                continue;
            }
            if !self.has_sifted && spent > self.judging(SIFT_AFTER) {
                self.has_sifted = true;
                self.sift(sight, stage, used);
                self.find_stand_ins(sight, used);
                continue;
            }
            if self.places.is_empty() {
                if !self.seat_anchor(sight, stage, used) {
                    return self.end(sight);
                }
                continue;
            }
            if !matches!(self.take_one(sight, stage, budget, used), Took::None) {
                continue;
            }
            if self.is_fuller(sight) && self.is_match(sight, stage, used) && self.keep(sight, stage, spent) {
                return self.end(sight);
            }
            self.places.pop();
            self.taken.pop();
        }
    }

    /// So many work units where judging is plain; where it is dear, more by so many judgements as are enough to see whether a
    /// match is easily found.
    pub(super) fn judging(&self, units: u32) -> u32 {
        units.saturating_add(DEAR_JUDGED.saturating_mul(self.dearest))
    }

    /// Puts the anchor on the next team that it may sit on; `false` when it has been on all.
    fn seat_anchor(&mut self, sight: &Sight<'_>, stage: &Stage, used: &mut u32) -> bool {
        self.taken.clear();
        let teams = sight.set.teams();
        if sight.anchor.is_apart() {
            let Some(team) = sight.anchor.way_apart(stage, &vec![0; teams.len()], self.anchor_team) else {
                return false;
            };
            self.anchor_team += 1;
            self.taken.push((None, team));
        } else {
            loop {
                let at = self.anchor_team;
                if at >= teams.len() {
                    return false;
                }
                self.anchor_team += 1;
                // Of teams that are alike the first one stands for all.
                let is_first = self.has_apart || stage.kinds().iter().any(|first| usize::from(*first) == at);
                let has_room =
                    stage.teams().get(at).is_some_and(|size| u32::from(size.max) >= sight.anchor.size());
                if is_first && has_room {
                    self.taken.push((None, at as u8));
                    break;
                }
            }
        }
        let seats = self.seats(sight);
        let weight = stage.weight(&seats);
        let hopeless = stage.hopeless(&seats);
        drop(seats);
        self.dearest = self.dearest.max(weight);
        *used = used.saturating_add(weight);
        if let Some(rule) = hopeless {
            self.counts.note(rule, false);
            self.taken.clear();
            // The next turn of the loop tries the next team.
            return true;
        }
        self.places.push(Place { from: 0, next: 0, team: 0 });
        if self.is_dead(sight, stage, 1, used) {
            self.places.clear();
            self.taken.clear();
        }
        true
    }

    /// Takes one more ticket at the last place. Where judging is dear, a spent budget ends it at any ticket; else it is seen
    /// between two takings.
    fn take_one(&mut self, sight: &Sight<'_>, stage: &Stage, budget: u32, used: &mut u32) -> Took {
        let filled = self.filled(sight);
        let order = team_order(stage, &filled, self.has_apart);
        let mut is_dear = false;
        loop {
            if is_dear && *used >= budget {
                return Took::Cut;
            }
            let Some(place) = self.places.last().copied() else { return Took::None };
            let Some(candidate) = self.candidates.get(place.next) else { return Took::None };
            if place.team == 0
                && (self.is_too_few(stage, &filled, place.next) || !self.can_be_new(place.next))
            {
                return Took::None;
            }
            let is_tried = candidate.twin.is_some_and(|twin| {
                let twin = self.candidates.get(twin).filter(|_| twin >= place.from);
                twin.is_some_and(|twin| twin.waits && !self.is_with(sight, twin))
            });
            let is_second_backfill = candidate.is_backfill
                && (self.anchor.is_backfill
                    || self.taken.iter().any(|(taken, _)| {
                        taken.is_some_and(|at| self.candidates.get(at).is_some_and(|of| of.is_backfill))
                    }));
            let ticket = sight.waiting.at(candidate.key.slot).filter(|_| candidate.waits);
            let is_out = is_tried || is_second_backfill || self.is_with(sight, candidate);
            let Some(ticket) = ticket.filter(|_| !is_out) else {
                self.skip();
                continue;
            };
            let team = if ticket.is_apart() {
                ticket.way_apart(stage, &filled, place.team)
            } else {
                let room = |team: &u8| {
                    let at = usize::from(*team);
                    let (Some(size), Some(filled)) = (stage.teams().get(at), filled.get(at)) else {
                        return false;
                    };
                    filled + ticket.size() <= u32::from(size.max)
                };
                order.iter().copied().filter(room).nth(place.team)
            };
            let Some(team) = team else {
                self.skip();
                continue;
            };
            if let Some(last) = self.places.last_mut() {
                last.team += 1;
            }
            *used += 1;
            self.taken.push((Some(place.next), team));
            let seats = self.seats(sight);
            let weight = stage.weight(&seats);
            let hopeless = stage.hopeless(&seats);
            drop(seats);
            is_dear |= weight > 0;
            self.dearest = self.dearest.max(weight);
            *used = used.saturating_add(weight);
            if let Some(rule) = hopeless {
                self.counts.note(rule, false);
                self.taken.pop();
                continue;
            }
            let from = place.next + 1;
            self.places.push(Place { from, next: from, team: 0 });
            if self.is_dead(sight, stage, self.places.len(), used) {
                self.places.pop();
                self.taken.pop();
                continue;
            }
            return Took::One;
        }
    }

    fn skip(&mut self) {
        if let Some(place) = self.places.last_mut() {
            (place.next, place.team) = (place.next + 1, 0);
        }
    }

    /// Whether all that are left cannot fill the teams to their minimums, or to more than was found.
    fn is_too_few(&self, stage: &Stage, filled: &[u32], next: usize) -> bool {
        let found = self.best.as_ref().map_or(0, |best| best.players + 1);
        let wanted = found.saturating_sub(filled.iter().sum()).max(lacking(stage, filled).sum());
        self.rest.get(next).is_none_or(|(players, ..)| *players < wanted)
    }

    /// Whether what was taken, or what is left, has what a match must have: something new, and something of the stage.
    fn can_be_new(&self, next: usize) -> bool {
        let (_, news, of_stage) = self.rest.get(next).copied().unwrap_or_default();
        let (has_news, has_stage) = self.has();
        (has_news || news) && (has_stage || of_stage)
    }

    fn has(&self) -> (bool, bool) {
        self.has_of(&self.taken)
    }

    fn has_of(&self, taken: &[Taking]) -> (bool, bool) {
        let taken = taken.iter().filter_map(|(taken, _)| self.candidates.get((*taken)?));
        taken.fold((self.anchor.is_news, self.anchor.is_of_stage), |(news, of_stage), candidate| {
            (news || candidate.is_news, of_stage || candidate.is_of_stage)
        })
    }

    fn is_match(&mut self, sight: &Sight<'_>, stage: &Stage, used: &mut u32) -> bool {
        let has_newcomer = self.taken.iter().any(|(taken, _)| match taken {
            None => !self.anchor.is_backfill,
            Some(at) => self.candidates.get(*at).is_some_and(|candidate| !candidate.is_backfill),
        });
        if !has_newcomer || self.has() != (true, true) {
            return false;
        }
        let seats = self.seats(sight);
        if !stage.sizes_hold(&seats) {
            return false;
        }
        *used = used.saturating_add(stage.weight(&seats));
        let mut holds = true;
        let mut counts = std::mem::take(&mut self.counts);
        for (at, (rule, verdict)) in sight.set.rules().iter().zip(stage.verdicts(&seats)).enumerate() {
            let held = verdict != Verdict::Fails;
            counts.note(at, held);
            holds &= held || !rule.counts_alone;
        }
        drop(seats);
        self.counts = counts;
        holds
    }

    /// Whether a player of a ticket is in the match already: he plays in what a backfill is for.
    fn is_with(&self, sight: &Sight<'_>, candidate: &Candidate) -> bool {
        let ticket = |of: &Candidate| sight.waiting.at(of.key.slot);
        let Some(own) = ticket(candidate).filter(|_| sight.waiting.has_apart()) else { return false };
        let mut taken = self.taken.iter().filter_map(|(at, _)| ticket(self.candidates.get((*at)?)?));
        taken.any(|other| other.has_player_of(own))
    }

    fn seats<'s>(&self, sight: &Sight<'s>) -> SmallVec<[Seat<'s>; 16]> {
        self.seats_of(sight, self.taken.len())
    }

    /// Of the first so many that were taken.
    fn seats_of<'s>(&self, sight: &Sight<'s>, depth: usize) -> SmallVec<[Seat<'s>; 16]> {
        let mut seats = SmallVec::new();
        for (taken, team) in self.taken.get(..depth).unwrap_or_default() {
            let ticket = match taken {
                None => Some(sight.anchor),
                Some(at) => self.candidates.get(*at).and_then(|of| sight.waiting.at(of.key.slot)),
            };
            let Some(ticket) = ticket else { continue };
            match ticket.party() {
                Some(party) => seats.push(Seat { team: *team, party }),
                None => seats.extend(ticket.seats_apart(*team)),
            }
        }
        seats
    }

    fn filled(&self, sight: &Sight<'_>) -> Filled {
        let mut filled = smallvec![0; sight.set.teams().len()];
        for (taken, team) in &self.taken {
            let ticket = match taken {
                None => Some(sight.anchor),
                Some(at) => self.candidates.get(*at).and_then(|of| sight.waiting.at(of.key.slot)),
            };
            let mut add = |team: u8, players: u32| {
                if let Some(count) = filled.get_mut(usize::from(team)) {
                    *count += players;
                }
            };
            match ticket {
                Some(ticket) if ticket.is_apart() => {
                    ticket.seats_apart(*team).for_each(|seat| add(seat.team, u32::from(seat.party.size())));
                }
                Some(ticket) => add(*team, ticket.size()),
                None => {}
            }
        }
        filled
    }
}

/// Of the candidates from each on: players, and whether one is news, whether one is of the stage.
fn rest_of(candidates: &[Candidate]) -> Vec<(u32, bool, bool)> {
    let mut rest: Vec<(u32, bool, bool)> = vec![(0, false, false); candidates.len() + 1];
    for (at, candidate) in candidates.iter().enumerate().rev() {
        let (players, news, of_stage) = rest.get(at + 1).copied().unwrap_or_default();
        if let Some(slot) = rest.get_mut(at) {
            *slot = (
                players.saturating_add(candidate.players),
                news || candidate.is_news,
                of_stage || candidate.is_of_stage,
            );
        }
    }
    rest
}

/// Players that each team lacks.
fn lacking(stage: &Stage, filled: &[u32]) -> impl Iterator<Item = u32> {
    stage.teams().iter().zip(filled).map(|(size, filled)| u32::from(size.min).saturating_sub(*filled))
}

/// The teams in the order in which they are tried: the neediest first, then the one with most room, and of empty teams
/// that are alike only the first, but where `all` are asked for.
fn team_order(stage: &Stage, filled: &[u32], all: bool) -> SmallVec<[u8; 8]> {
    let mut order: SmallVec<[(bool, u32, u8); 8]> = SmallVec::new();
    let (mut firsts, mut has_empty) = (stage.kinds().iter().peekable(), false);
    for (at, (size, filled)) in (0_u8..=u8::MAX).zip(stage.teams().iter().zip(filled)) {
        has_empty &= firsts.next_if_eq(&&at).is_none();
        if *filled == 0 && !all && std::mem::replace(&mut has_empty, true) {
            continue;
        }
        let room = u32::from(size.max).saturating_sub(*filled);
        if room > 0 {
            order.push((*filled >= u32::from(size.min), u32::MAX - room, at));
        }
    }
    order.sort_unstable();
    order.into_iter().map(|(.., team)| team).collect()
}
