//! Matches by `objective`: chosen over the whole pool, so that what they leave over is most.
//!
//! A round begins at most every [`PERIOD`], so that tickets which come together are looked at together. First each ticket
//! that has waited too long has its turn as an anchor, and backfills do: as without `objective`, but with everybody who
//! waits. Then the rest are chosen from: one against one pairs over neighbourhoods of [`CHUNK_MAX`] tickets
//! ([`pairing`]), and larger matches the best first, of those that the search finds for one anchor after another.
mod groups;
mod near;
mod order;
mod pairing;
mod seats;
mod worth;

use super::{
    RulePool, RuledMatch,
    round::Round,
    store::{Key, Store},
    ticket::Waiting,
};
use gsm_core::{Millis, Timestamp};
use gsm_rules::{Objective, Party, RuleSet, Seat, Stage};
use pairing::paired;

/// Between the beginnings of two rounds.
const PERIOD: Millis = Millis::new(250);
/// Tickets that are paired together.
const CHUNK_MAX: usize = 1_000;
/// And at least so many, where a pair weighs much more than this.
const CHUNK_MIN: usize = 64;
const CHUNK_WEIGHT: usize = 8;
/// Work units that pairing a chunk may use beyond what it takes to look at it.
const PAIRING_WORK_MAX: u32 = 200_000;

/// Where the rounds by objective are.
#[derive(Debug, Clone)]
pub(super) struct Course {
    /// No round begins before.
    due: Option<Timestamp>,
    rounds: u32,
    /// Whether the first chunk is half as long: in each second round, so that those at an end are not always apart.
    is_shifted: bool,
    /// Those that are still to be chosen from in this round, in order.
    rest: Vec<Key>,
    now: Timestamp,
}

impl Course {
    pub(super) fn new() -> Self {
        Self { due: None, rounds: 0, is_shifted: false, rest: Vec::new(), now: Timestamp::EPOCH }
    }
}

impl RulePool {
    /// A step of a pool whose rule set has an objective.
    pub(super) fn step_by_objective(
        &mut self,
        now: Timestamp,
        budget: u32,
        work: &mut u32,
        matches: &mut Vec<RuledMatch>,
    ) -> bool {
        if self.round.is_none() && self.course.rest.is_empty() {
            if self.course.due.is_some_and(|due| now < due) {
                return true;
            }
            self.begin_by_objective(now, work);
        }
        if let Some(round) = self.round.take()
            && !self.go_round(round, budget, work, matches)
        {
            return false;
        }
        let set = self.set.clone();
        let Some(objective) = set.objective() else { return true };
        if set.stages().iter().all(Stage::is_duel) {
            while !self.course.rest.is_empty() {
                if *work >= budget {
                    return false;
                }
                self.pair_chunk(objective, work, matches);
            }
            return true;
        }
        self.choose_groups(objective, budget, work, matches)
    }

    /// Begins a round: those who must be matched have their turns first.
    fn begin_by_objective(&mut self, now: Timestamp, work: &mut u32) {
        let set = self.set.clone();
        let Some(objective) = set.objective() else { return };
        self.waiting.settle(false);
        self.note_stages(now);
        self.take_up(now);
        self.rounds = self.rounds.wrapping_add(1);
        let number = self.rounds;
        let mut news = std::mem::take(&mut self.news);
        news.retain(|key| self.waiting.mark(*key).is_some());
        let before = self.course.due.map(|_| self.course.now);
        let mut urgent = Vec::new();
        let mut starved = Vec::new();
        let mut rest: Vec<Key> = Vec::with_capacity(self.waiting.len());
        for (key, of) in self.waiting.in_turn().filter(|(_, of)| of.never.is_none()) {
            let has_starved = |at: Timestamp| at.since(of.turn.started_at) >= objective.starvation;
            if !of.is_apart() && !has_starved(now) {
                rest.push(key);
                continue;
            }
            urgent.push(key);
            // Whoever was before has looked at all who waited then.
            if !of.is_apart() && !before.is_some_and(has_starved) {
                starved.push(key);
            }
        }
        *work = work.saturating_add(self.waiting.len() as u32 / 16);
        news.extend(starved.into_iter().filter(|key| self.waiting.set_fresh(*key, number)));
        if set.stages().iter().all(Stage::is_duel) {
            let party = |key: &Key| self.waiting.at(key.slot).and_then(Waiting::party).map(|of| (*key, of));
            let (known, parties): (Vec<Key>, Vec<&Party>) = rest.iter().filter_map(party).unzip();
            if let Some(places) = order::order(&set, objective, &parties) {
                rest = places.into_iter().filter_map(|at| known.get(at as usize).copied()).collect();
            }
        }
        // Chunks are taken from the end.
        rest.reverse();
        let course = &mut self.course;
        course.rounds = course.rounds.wrapping_add(1);
        course.is_shifted = course.rounds.is_multiple_of(2);
        (course.due, course.now, course.rest) = (Some(now.saturating_add(PERIOD)), now, rest);
        if !urgent.is_empty() {
            self.round = Some(Round::of_all(number, now, urgent.into_iter(), news));
        }
    }

    /// Pairs the next chunk.
    fn pair_chunk(&mut self, objective: &Objective, work: &mut u32, matches: &mut Vec<RuledMatch>) {
        let rest = self.course.rest.len();
        let is_shifted = std::mem::take(&mut self.course.is_shifted) && rest > CHUNK_MAX;
        let sight = Sight { set: &self.set, objective, waiting: &self.waiting, now: self.course.now };
        // Less where judging a pair is dear, as the next ticket and one like it tell.
        let weight = self.course.rest.last().map_or(0, |next| sight.weight(*next, *next)) as usize;
        let most = (CHUNK_MAX * CHUNK_WEIGHT / (CHUNK_WEIGHT + weight)).max(CHUNK_MIN);
        let size = if is_shifted { most / 2 } else { most };
        let mut chunk = self.course.rest.split_off(rest.saturating_sub(size));
        chunk.reverse();
        chunk.retain(|key| self.waiting.alive(*key).is_some());
        let near = sight.near(&chunk, work);
        let pairs = paired(&near, PAIRING_WORK_MAX, work);
        let mut found = Vec::with_capacity(pairs.len());
        for (one, two) in pairs {
            let (Some(one), Some(two)) = (chunk.get(one as usize), chunk.get(two as usize)) else { continue };
            // The longer waiting one is told first.
            let turn = |key: &Key| self.waiting.at(key.slot).map(|of| of.turn);
            let (one, two) = if turn(one) <= turn(two) { (one, two) } else { (two, one) };
            if let Some((team, _)) = sight.judged(*one, *two) {
                found.push((*one, *two, team));
            }
        }
        found.sort_by_key(|(one, ..)| self.waiting.at(one.slot).map(|of| of.turn));
        self.form_pairs(&found, self.course.now, matches);
    }
}

/// What a choice looks at.
struct Sight<'a> {
    set: &'a RuleSet,
    objective: &'a Objective,
    waiting: &'a Store,
    now: Timestamp,
}

impl Sight<'_> {
    /// The price of a ticket.
    fn price(&self, of: &Waiting) -> f64 {
        self.objective.price(self.now.since(of.turn.started_at))
    }

    fn stage(&self, tickets: &[&Waiting]) -> Option<&Stage> {
        let starts = tickets.iter().map(|of| of.turn.started_at);
        let start = match self.set.expansion_age() {
            gsm_rules::ExpansionAge::Newest => starts.max(),
            gsm_rules::ExpansionAge::Oldest => starts.min(),
        };
        self.set.stages().get(self.set.stage_at(self.now.since(start?)))
    }

    /// What judging two tickets weighs beyond a work unit.
    fn weight(&self, one: Key, two: Key) -> u32 {
        let party = |key: Key| self.waiting.alive(key).and_then(Waiting::party);
        let seats = party(one).zip(party(two)).map(|(one, two)| [(0, one), (1, two)]);
        let seats = seats.map(|both| both.map(|(team, party)| Seat { team, party }));
        self.set.stages().first().zip(seats).map_or(0, |(stage, seats)| stage.weight(&seats))
    }

    /// The team of the first of two tickets where the rules let them play, and what that costs.
    fn judged(&self, one: Key, two: Key) -> Option<(u8, f64)> {
        let (one, two) = (self.waiting.alive(one)?, self.waiting.alive(two)?);
        let stage = self.stage(&[one, two])?;
        let seats = |team: u8| {
            Some([Seat { team, party: one.party()? }, Seat { team: 1 - team, party: two.party()? }])
        };
        [0, 1].into_iter().find_map(|team| {
            let seats = seats(team).filter(|seats| stage.holds(seats))?;
            Some((team, self.objective.cost(stage, &seats)?))
        })
    }
}
