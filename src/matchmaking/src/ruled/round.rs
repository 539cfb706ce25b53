//! One pass over the anchors, in the order of their turns.
use super::{
    RulePool, RuledMatch, Side,
    line::{Line, Partner},
    scarce::Scarce,
    store::Key,
    ticket::{Turn, Waiting},
    turn::Run,
};
use crate::formed;
use gsm_core::{TicketId, Timestamp};
use gsm_rules::Seat;
use smallvec::SmallVec;
use std::vec::IntoIter;

/// Pairs that are formed together.
const PAIRS_MAX: usize = 32;
/// So few news are asked first whether one of them may join an anchor that is none.
pub(super) const FEW_NEWS: usize = 64;

/// One pass over the anchors. It may take many steps.
#[derive(Debug, Clone)]
pub(super) struct Round {
    pub(super) number: u32,
    pub(super) now: Timestamp,
    /// The anchors whose turn is to come.
    pub(super) anchors: IntoIter<Key>,
    pub(super) news: Vec<Key>,
    /// Where much is new.
    pub(super) line: Option<Line>,
    pub(super) scarce: Scarce,
    /// Whether an anchor takes from all who wait, not only from those whose turn is to come.
    pub(super) takes_all: bool,
    /// Whether it leaves alone all tickets whose players may sit on different teams.
    pub(super) leaves_apart: bool,
    /// The anchor whose turn a step was cut in, what it searches, and the work that it has used.
    pub(super) cut: Option<(TicketId, Run, u32)>,
}

impl Round {
    /// One whose anchors take from all who wait.
    pub(super) fn of_all(number: u32, now: Timestamp, anchors: IntoIter<Key>, news: Vec<Key>) -> Self {
        let scarce = Scarce::default();
        Self {
            number,
            now,
            anchors,
            news,
            line: None,
            scarce,
            takes_all: true,
            leaves_apart: false,
            cut: None,
        }
    }
}

impl RulePool {
    /// Goes on with a round; whether it is at its end. Otherwise it is kept.
    pub(super) fn go_round(
        &mut self,
        mut round: Round,
        budget: u32,
        work: &mut u32,
        matches: &mut Vec<RuledMatch>,
    ) -> bool {
        let mut pairs: Vec<Pair> = Vec::with_capacity(2 * PAIRS_MAX);
        // A pair takes two work units at least.
        let room = round.line.as_ref().map_or(0, Line::pairs_max);
        matches.reserve(room.min(budget.saturating_sub(*work) as usize / 2));
        let finished = loop {
            if *work >= budget {
                break false;
            }
            let Some(key) = self.next_anchor(&mut round) else { break true };
            if let Some(line) = &mut round.line {
                line.close_up();
                line.look_ahead(round.anchors.as_slice());
            }
            match self.duel(key, &mut round, work) {
                Partner::Found(pair) => {
                    // They are formed in a while.
                    self.waiting.prefetch(pair.0);
                    self.waiting.prefetch(pair.1);
                    pairs.push(pair);
                    if let Some((older, _)) =
                        pairs.split_at_checked(PAIRS_MAX).filter(|(_, of)| of.len() == PAIRS_MAX)
                    {
                        self.form_pairs(older, round.now, matches);
                        pairs.drain(..PAIRS_MAX);
                    }
                }
                Partner::None { left_out } => self.waiting.leave_out(key, left_out),
                Partner::Unknown => {
                    // The search sees who is there.
                    self.form_pairs(&pairs, round.now, matches);
                    pairs.clear();
                    let Some(anchor) = self.waiting.alive(key).map(|of| of.turn.id) else { continue };
                    let found = self.turn(anchor, &mut round, budget, work);
                    if let Some(line) = round.line.as_mut().filter(|_| round.cut.is_none()) {
                        line.leave(key);
                        let others = found.iter().flatten().filter_map(|(id, _)| self.waiting.key(id));
                        others.for_each(|other| line.leave(other));
                    }
                    if let Some(found) = found {
                        matches.push(self.formed(anchor, found, round.now));
                    }
                }
            }
        };
        self.form_pairs(&pairs, round.now, matches);
        if !finished {
            self.round = Some(round);
        }
        finished
    }

    /// Begins a round: the anchors are those that news may have come for.
    pub(super) fn begin(&mut self, now: Timestamp, work: &mut u32) -> Round {
        self.waiting.settle(self.news.len() >= FEW_NEWS);
        self.note_stages(now);
        self.take_up(now);
        self.rounds = self.rounds.wrapping_add(1);
        let mut news = std::mem::take(&mut self.news);
        news.retain(|key| self.waiting.mark(*key).is_some());
        let is_much = news.len() >= FEW_NEWS;
        if is_much {
            self.waiting.settle(true);
        }
        let arrived = std::mem::take(&mut self.arrived).min(news.len() as u32);
        let line = is_much.then(|| Line::new(&self.set, &self.waiting, self.rounds, now)).flatten();
        let anchors = if news.is_empty() && self.parked.is_empty() {
            Vec::new()
        } else if let Some(reached) = self.reached_by(&news) {
            // These hear of each one who came, the others of none.
            self.unheard = self.unheard.wrapping_add(arrived);
            reached.iter().for_each(|key| self.waiting.hear(*key, arrived));
            reached
        } else {
            self.waiting.turns()
        };
        *work += anchors.len() as u32 / 16;
        Round {
            number: self.rounds,
            now,
            anchors: anchors.into_iter(),
            news,
            line,
            scarce: Scarce::of(&self.set, &self.waiting),
            cut: None,
            takes_all: false,
            leaves_apart: false,
        }
    }

    /// The news, whom they may join, and who has a search to go on with; `None`: all.
    pub(super) fn reached_by(&self, news: &[Key]) -> Option<Vec<Key>> {
        if news.len() >= FEW_NEWS {
            return None;
        }
        let widths: Option<Vec<f64>> =
            self.set.stages().iter().map(|stage| self.waiting.width(stage)).collect();
        let width = widths?.into_iter().fold(0.0, f64::max);
        let mut reached: Vec<(Turn, Key)> = Vec::new();
        for (key, of) in news.iter().filter_map(|key| Some((*key, self.waiting.alive(*key)?))) {
            reached.push((of.turn, key));
            let is_before = |other: &Waiting| !other.turn.class_is_by_age() || other.turn < of.turn;
            let near =
                self.waiting.near(of, width)?.filter_map(|key| Some((key, self.waiting.at(key.slot)?)));
            reached.extend(near.filter(|(_, of)| is_before(of)).map(|(key, of)| (of.turn, key)));
        }
        let parked =
            self.parked.keys().filter_map(|id| Some((self.waiting.get(id)?.turn, self.waiting.key(id)?)));
        reached.extend(parked);
        reached.sort_unstable();
        reached.dedup();
        Some(reached.into_iter().map(|(_, key)| key).collect())
    }

    /// Makes news of the tickets that have reached another stage.
    pub(super) fn note_stages(&mut self, now: Timestamp) {
        for (at, stage) in self.set.clone().stages().iter().enumerate().skip(1) {
            let until = Timestamp::from_millis(now.as_millis().saturating_sub_unsigned(stage.from().get()));
            let Some(begun) = self.begun.get_mut(at) else { continue };
            if until > *begun {
                let reached = self.waiting.started(*begun, until).filter(|(_, of)| of.never.is_none());
                let reached: Vec<Key> = reached.map(|(key, _)| key).collect();
                *begun = until;
                self.came += reached.len() as u64;
                for key in reached {
                    let key = self.put_in_turn(key, at);
                    if let Some(waiting) = self.waiting.alive_mut(key) {
                        waiting.ask_alone(&self.set, at);
                    }
                    self.note_news(key);
                }
            }
        }
    }

    fn next_anchor(&self, round: &mut Round) -> Option<Key> {
        if let Some((anchor, ..)) = &round.cut {
            return self.waiting.key(anchor);
        }
        while round.news.pop_if(|key| self.waiting.mark(*key).is_none()).is_some() {}
        if round.news.is_empty() && self.parked.is_empty() {
            return None;
        }
        round.anchors.find(|key| self.waiting.mark(*key).is_some())
    }

    /// The turn of one anchor, where it is one against one: its match, if it has one.
    fn duel(&self, key: Key, round: &mut Round, work: &mut u32) -> Partner<Pair> {
        let Some(line) = round.line.as_mut().filter(|_| round.cut.is_none()) else { return Partner::Unknown };
        let anchor = || self.waiting.at(key.slot);
        if !self.parked.is_empty() && anchor().is_some_and(|of| self.parked.contains_key(&of.turn.id)) {
            return Partner::Unknown;
        }
        *work += 1;
        let mut anchor_team = 0;
        let can_play = |other: Key, stage: usize, asked: &mut u32| {
            let party = |key: Key| self.waiting.at(key.slot)?.party();
            let (Some(stage), Some(party), Some(theirs)) =
                (self.set.stages().get(stage), party(key), party(other))
            else {
                return false;
            };
            let on = |team: u8| [Seat { team, party }, Seat { team: 1 - team, party: theirs }];
            *asked = asked.saturating_add(stage.weight(&on(0)));
            let team = [0, 1].into_iter().find(|team| stage.holds(&on(*team)));
            anchor_team = team.unwrap_or(0);
            team.is_some()
        };
        match line.duel(key, work, can_play) {
            Partner::Found(partner) => Partner::Found((key, partner, anchor_team)),
            Partner::None { left_out } => Partner::None { left_out },
            Partner::Unknown => Partner::Unknown,
        }
    }

    /// Forms matches of pairs that wait; together, so that the memory of one is awaited while that of another is.
    pub(super) fn form_pairs(&mut self, pairs: &[Pair], now: Timestamp, matches: &mut Vec<RuledMatch>) {
        let mut keys: SmallVec<[Key; 2 * PAIRS_MAX]> = SmallVec::new();
        pairs.iter().for_each(|(one, two, _)| keys.extend([*one, *two]));
        self.waiting.unlist(&keys);
        matches.reserve(pairs.len());
        for (one, two, team) in pairs.iter().copied() {
            let (Some(a), Some(b)) = (self.waiting.alive(one), self.waiting.alive(two)) else { continue };
            // In its place: a copy of what was just written waits until all before it is in the cache.
            matches.push(RuledMatch::default());
            let Some(found) = matches.last_mut() else { continue };
            found.tickets.extend([a.turn.id, b.turn.id]);
            for of in if team == 0 { [a, b] } else { [b, a] } {
                found.sides.push(Side::new());
                let seats =
                    of.players.iter().map(|player| formed::Seat { ticket: of.turn.id, player: *player });
                found.sides.last_mut().into_iter().for_each(|side| side.extend(seats.clone()));
            }
            if self.has_roles {
                found.roles = self.roles(&[(a, team), (b, 1 - team)], now);
            }
            found.counts.resize(self.set.rules().len(), (1, 0));
            self.count(a.turn.id, self.waiting.left_out(one, self.unheard), &mut found.counts);
            for key in [one, two] {
                self.waiting.leave(key.slot).iter().for_each(|of| self.forget(of));
            }
        }
    }
}

/// A pair of tickets that play each other, and the team of the first.
type Pair = (Key, Key, u8);
