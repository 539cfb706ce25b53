//! Matches of more than two tickets: found for one anchor after another, the best made first.
use super::{Sight, worth::Worth};
use crate::ruled::{DEAR_JUDGED, RulePool, RuledMatch, candidates, round::Round, ticket::Waiting, turn::Run};
use gsm_core::TicketId;
use gsm_rules::{Objective, Seat};
use std::{cmp::Reverse, collections::BTreeSet};

/// Anchors whose matches are compared with each other.
const ANCHORS: usize = 128;
/// Work units that the search for one anchor may use; more where judgements are dear.
const ANCHOR_WORK_MAX: u32 = 2_000;

/// A match that may be made, and what it leaves over.
struct Offer {
    over: Worth,
    /// The anchor first.
    seats: Vec<(TicketId, u8)>,
}

impl RulePool {
    /// Chooses from the tickets that are left of this round; whether all had their turn.
    pub(super) fn choose_groups(
        &mut self,
        objective: &Objective,
        budget: u32,
        work: &mut u32,
        matches: &mut Vec<RuledMatch>,
    ) -> bool {
        while !self.course.rest.is_empty() {
            if *work >= budget {
                return false;
            }
            let mut offers = Vec::new();
            for _ in 0..ANCHORS {
                if *work >= budget {
                    break;
                }
                let Some(key) = self.course.rest.pop() else { break };
                let Some(anchor) = self.waiting.alive(key).map(|of| of.turn.id) else { continue };
                offers.extend(self.offer(anchor, objective, work).map(|offer| (key, offer)));
            }
            // What leaves most over first; of equals the one whose anchor waits longest.
            offers.sort_by_key(|(_, offer)| Reverse(offer.over));
            let mut taken: BTreeSet<TicketId> = BTreeSet::new();
            for (key, Offer { seats, .. }) in offers {
                // Who lost somebody to a better match looks again.
                if seats.iter().any(|(id, _)| taken.contains(id)) {
                    self.course.rest.push(key);
                    continue;
                }
                taken.extend(seats.iter().map(|(id, _)| *id));
                if let Some((anchor, _)) = seats.first().copied() {
                    matches.push(self.formed(anchor, seats, self.course.now));
                }
            }
        }
        true
    }

    /// The match of an anchor with those who wait near it, if it is worth its cost. A search that is too long for one round
    /// goes on in the next, and others are begun meanwhile: for whoever has come.
    fn offer(&mut self, anchor: TicketId, objective: &Objective, work: &mut u32) -> Option<Offer> {
        let now = self.course.now;
        let waited = now.since(self.waiting.get(&anchor)?.turn.started_at);
        let mut found = None;
        if let Some(run) = self.parked.remove(&anchor) {
            let (of_old, rest) = self.searched(anchor, run, work);
            rest.into_iter().for_each(|rest| self.park_beside(anchor, rest));
            found = of_old;
        }
        if found.is_none() {
            // It takes from older ones too.
            let mut stages = candidates::stages(&self.set, waited, false);
            stages.reverse();
            let run = self.run_of(stages, true);
            let (of_new, rest) = self.searched(anchor, run, work);
            rest.into_iter().for_each(|rest| self.park_beside(anchor, rest));
            found = of_new;
        }
        let seats = found?;
        let sight = Sight { set: &self.set, objective, waiting: &self.waiting, now };
        let tickets: Vec<&Waiting> = seats.iter().filter_map(|(id, _)| self.waiting.get(id)).collect();
        let stage = sight.stage(&tickets)?;
        let seated =
            tickets.iter().zip(&seats).map(|(of, (_, team))| Some(Seat { team: *team, party: of.party()? }));
        let cost = objective.cost(stage, &seated.collect::<Option<Vec<_>>>()?)?;
        let price: f64 = tickets.iter().map(|of| sight.price(of)).sum();
        Some(Offer { over: Worth::of(price, cost)?, seats })
    }

    /// Searches as long as an anchor may in one round: a match, or what is left to search.
    fn searched(
        &mut self,
        anchor: TicketId,
        run: Run,
        work: &mut u32,
    ) -> (Option<Vec<(TicketId, u8)>>, Option<Run>) {
        let anchors = Vec::new().into_iter();
        // Backfills and split parties had their turns before, with everybody who waits.
        let mut round =
            Round { leaves_apart: true, ..Round::of_all(self.rounds, self.course.now, anchors, Vec::new()) };
        let dear = DEAR_JUDGED.saturating_mul(self.full_weight(anchor));
        let most = work.saturating_add(ANCHOR_WORK_MAX.saturating_add(dear));
        let (found, rest) = self.search(anchor, run, 0, &mut round, most, work);
        (found, rest.or(round.cut.map(|(_, run, _)| run)))
    }
}

impl RulePool {
    /// What judging a full match weighs whose tickets are all like this one.
    fn full_weight(&self, ticket: TicketId) -> u32 {
        let (party, stage) = (self.waiting.get(&ticket).and_then(Waiting::party), self.set.stages().first());
        let Some((party, stage)) = party.zip(stage) else { return 0 };
        let count = stage.players_max() / u32::from(party.size()).max(1);
        stage.weight(&vec![Seat { team: 0, party }; count as usize])
    }
}
