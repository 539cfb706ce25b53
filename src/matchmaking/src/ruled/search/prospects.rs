//! What is left for a search: whom it leaves out, and whether what it has taken can still become a match.
use super::{
    super::{
        ASIDE_WEIGHT_MAX,
        candidates::in_stage,
        outlook::{Outlook, Taken},
        store::Store,
    },
    Best, Candidate, Filled, Search, Sight, Taking, Waiting, lacking, rest_of,
};
use gsm_core::{Map, Timestamp};
use gsm_rules::{Seat, Stage};
use smallvec::{SmallVec, smallvec};

/// Candidates of a search that are asked one by one.
const SIFTED_MAX: usize = 128;
/// Candidates of a search among whom stand-ins are looked for, and how many of its class are asked for one of them.
const STAND_INS_MAX: usize = 4_096;
const STAND_INS_ASKED: usize = 8;
/// Teams of a match whose candidates are.
const TEAMS_MAX: usize = 4;
/// How often they are asked anew, once some are left out.
const SIFTINGS: usize = 3;

impl Search {
    /// Takes out the tickets that have left the pool. O(candidates).
    pub(in super::super) fn sweep(&mut self, waiting: &Store) {
        for candidate in &mut self.candidates {
            candidate.waits = candidate.waits && waiting.mark(candidate.key).is_some();
        }
        self.look_back();
    }

    /// Sees which stages the tickets have reached by now: only those are left that may be in a match of the searched one.
    /// Whether the anchor may. What was tried before gets no other look, though by the age of the oldest a candidate can make it a
    /// match of the stage by now: who reaches a stage has come anew, and after a search of many rounds the anchor is searched for
    /// again where anybody has. O(candidates).
    pub(in super::super) fn grow(&mut self, sight: &Sight<'_>, now: Timestamp) -> bool {
        let (set, stage) = (sight.set, self.stage);
        let in_stage = |of: &Waiting| in_stage(set, stage, now.since(of.turn.started_at));
        let Some(is_of_stage) = in_stage(sight.anchor) else { return false };
        self.anchor.is_of_stage = is_of_stage;
        for candidate in &mut self.candidates {
            let of_stage = sight.waiting.alive(candidate.key).and_then(in_stage);
            candidate.waits &= of_stage.is_some();
            candidate.is_of_stage = of_stage.unwrap_or(false);
        }
        for at in 0..self.candidates.len() {
            let of_stage = |at: usize| self.candidates.get(at).is_some_and(|of| of.is_of_stage);
            let twin = self.candidates.get(at).and_then(|of| of.twin);
            if twin.is_some_and(|twin| of_stage(at) && !of_stage(twin))
                && let Some(candidate) = self.candidates.get_mut(at)
            {
                candidate.twin = None;
            }
        }
        self.rest = rest_of(&self.candidates);
        self.look_back();
        true
    }

    /// Leaves what was found and what was taken, where some of it is left out by now.
    fn look_back(&mut self) {
        let waits = |(taken, _): &Taking| {
            taken.is_none_or(|at| self.candidates.get(at).is_some_and(|candidate| candidate.waits))
        };
        let holds = |best: &Best| best.taken.iter().all(waits) && self.has_of(&best.taken).1;
        if self.best.as_ref().is_some_and(|best| !holds(best)) {
            // For its sake others were passed over that have no more players.
            (self.best, self.anchor_team) = (None, 0);
            self.places.clear();
            self.taken.clear();
        }
        self.go_back();
    }

    /// Back to the first place where one was taken that is left out, behind it.
    fn go_back(&mut self) {
        let waits = |at: usize| self.candidates.get(at).is_none_or(|candidate| candidate.waits);
        let gone = |taken: &Option<usize>| taken.filter(|at| !waits(*at));
        let first = self.taken.iter().enumerate().find_map(|(depth, (taken, _))| Some((depth, gone(taken)?)));
        if let Some((depth, at)) = first {
            self.taken.truncate(depth);
            self.places.truncate(depth);
            if let Some(place) = self.places.last_mut() {
                (place.next, place.team) = (at + 1, 0);
            }
        }
    }

    /// From now on asks of everything that it takes whether it can end well; goes back to where it still can.
    pub(super) fn look(&mut self, sight: &Sight<'_>, stage: &Stage, used: &mut u32) {
        self.has_looked = true;
        *used = used.saturating_add(self.candidates.len() as u32 / 4);
        self.outlook = Outlook::new(stage, sight.anchor, &self.candidates, sight.waiting, used).map(Box::new);
        self.leave_dead(sight, stage, used);
    }

    /// Goes back to where it can still end well.
    fn leave_dead(&mut self, sight: &Sight<'_>, stage: &Stage, used: &mut u32) {
        let Some(dead) = (1..=self.places.len()).find(|depth| self.is_dead(sight, stage, *depth, used))
        else {
            return;
        };
        if dead == 1 {
            let seats = self.seats_of(sight, 1);
            let taken = self.part(stage, &seats, self.taken.get(..1).unwrap_or_default());
            let blamed =
                self.outlook.as_ref().and_then(|of| of.blame(stage, &taken, &self.candidates, sight.waiting));
            blamed.into_iter().for_each(|rule| self.counts.note(rule, false));
        }
        self.places.truncate(dead - 1);
        self.taken.truncate(dead - 1);
    }

    /// Whether the first `depth` that were taken are no part of a match.
    pub(super) fn is_dead(&mut self, sight: &Sight<'_>, stage: &Stage, depth: usize, used: &mut u32) -> bool {
        let next = self.places.get(depth.wrapping_sub(1)).map(|place| place.next);
        let (Some(next), Some(outlook)) = (next, &self.outlook) else { return false };
        let seats = self.seats_of(sight, depth);
        let (part, mut worth) =
            (self.part(stage, &seats, self.taken.get(..depth).unwrap_or_default()), self.worth);
        let is_dead = outlook.is_dead(stage, &part, &self.candidates, next, (&mut worth, used));
        self.worth = worth;
        is_dead
    }

    fn part<'a, 's>(
        &'a self,
        stage: &Stage,
        seats: &'a [Seat<'s>],
        candidates: &'a [Taking],
    ) -> Taken<'a, 's> {
        let mut filled: Filled = smallvec![0; stage.teams().len()];
        for seat in seats {
            if let Some(count) = filled.get_mut(usize::from(seat.team)) {
                *count += u32::from(seat.party.size());
            }
        }
        let room = stage.teams().iter().zip(&filled);
        let room = room.map(|(size, filled)| u32::from(size.max).saturating_sub(*filled)).max().unwrap_or(0);
        let (has_news, has_of_stage) = self.has_of(candidates);
        let missing = lacking(stage, &filled).collect();
        Taken { seats, candidates, missing, room, has_news, has_of_stage }
    }

    /// Finds for each candidate one before it that can stand in for it: where that one has led to no match, this one leads to
    /// none. Those that are alike in everything are known from the beginning.
    pub(super) fn find_stand_ins(&mut self, sight: &Sight<'_>, used: &mut u32) {
        let Some(with) = sight.anchor.parties.first().filter(|_| self.candidates.len() <= STAND_INS_MAX)
        else {
            return;
        };
        *used = used.saturating_add(self.candidates.len() as u32 / 4);
        let mut classes: Map<u32, SmallVec<[usize; 4]>> = Map::default();
        for at in 0..self.candidates.len() {
            let party = |of: &Candidate| sight.waiting.at(of.key.slot).and_then(Waiting::party);
            let Some((own, own_party)) = self.candidates.get(at).and_then(|of| Some((of, party(of)?))) else {
                continue;
            };
            let can = |before: &&usize| {
                let Some(other) = self.candidates.get(**before).filter(|of| of.waits) else { return false };
                let is_as_new = other.is_news >= own.is_news && other.is_of_stage >= own.is_of_stage;
                is_as_new && party(other).is_some_and(|party| sight.set.stands_in(with, party, own_party))
            };
            let class = classes.entry(sight.set.class(own_party)).or_default();
            let twin = class.iter().rev().take(STAND_INS_ASKED).find(can).copied();
            class.push(at);
            if let (Some(candidate), Some(_)) = (self.candidates.get_mut(at), twin) {
                candidate.twin = twin;
            }
        }
    }

    /// Leaves out who can be in no match with the anchor, whoever else is: a party that no other can meet makes what is left
    /// look better than it is, at every place.
    pub(super) fn sift(&mut self, sight: &Sight<'_>, stage: &Stage, used: &mut u32) {
        let is_asked = self.candidates.len() <= SIFTED_MAX && stage.teams().len() <= TEAMS_MAX;
        if self.outlook.is_none() || !is_asked || self.has_apart || sight.anchor.is_apart() {
            return;
        }
        let mut weight = 0;
        for _ in 0..SIFTINGS {
            let mut left_out = false;
            for at in 0..self.candidates.len() {
                if weight >= ASIDE_WEIGHT_MAX {
                    break;
                }
                let Some(candidate) = self.candidates.get_mut(at).filter(|of| of.waits) else { continue };
                // It is no company for itself.
                candidate.waits = false;
                let may_come = self.may_come(sight, stage, at, (&mut weight, used));
                left_out |= !may_come;
                if let Some(candidate) = self.candidates.get_mut(at) {
                    candidate.waits = may_come;
                }
            }
            if !left_out {
                break;
            }
        }
        *used = used.saturating_add(weight);
        self.go_back();
        self.leave_dead(sight, stage, used);
    }

    /// Whether a candidate and the anchor can be in one match, wherever they sit. Adds up what the judgements weigh, and the
    /// work beside them.
    fn may_come(
        &self,
        sight: &Sight<'_>,
        stage: &Stage,
        at: usize,
        (weight, used): (&mut u32, &mut u32),
    ) -> bool {
        let ticket = self.candidates.get(at).and_then(|of| sight.waiting.at(of.key.slot));
        let (Some(own), Some(party)) = (sight.anchor.party(), ticket.and_then(|of| of.party())) else {
            return true;
        };
        let Some(outlook) = &self.outlook else { return true };
        let anchors = stage.kinds().iter().map(|team| Seat { team: *team, party: own });
        anchors.filter(|seat| stage.may_sit(seat.team, own)).any(|anchor| {
            stage.teams().iter().zip(0_u8..).any(|(size, team)| {
                let beside = if team == anchor.team { own.size() } else { 0 };
                let seats = [anchor, Seat { team, party }];
                if size.max < beside + party.size() {
                    return false;
                }
                *weight = weight.saturating_add(stage.weight(&seats));
                if stage.hopeless(&seats).is_some() {
                    return false;
                }
                *used = used.saturating_add(1 + self.candidates.len() as u32 / 16);
                let candidates = [(None, anchor.team), (Some(at), team)];
                outlook.lets(stage, &self.part(stage, &seats, &candidates), &self.candidates)
            })
        })
    }
}
