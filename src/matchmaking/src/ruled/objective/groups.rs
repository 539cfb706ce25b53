//! Matches of more than two tickets: found for one anchor after another, the best made first.
use super::{MUCH, Sight};
use crate::ruled::{
    ASIDE_WEIGHT_MAX, DEAR_JUDGED, RulePool, RuledMatch, candidates, round::Round, ticket::Waiting,
};
use gsm_core::TicketId;
use gsm_rules::{Objective, Seat, Stage};
use std::collections::BTreeSet;

/// Anchors whose matches are compared with each other.
const ANCHORS: usize = 128;
/// Work units that the search for one anchor may use; more where judgements are dear.
const ANCHOR_WORK_MAX: u32 = 2_000;
/// Tickets of a match of two teams whose every split is tried.
const SPLIT_TICKETS_MAX: usize = 10;

/// A match that may be made, and what it leaves over.
struct Offer {
    over: f64,
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
            offers.sort_by(|(_, a), (_, b)| b.over.total_cmp(&a.over));
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

    /// The match of an anchor with those who wait near it, if it is worth its cost.
    fn offer(&mut self, anchor: TicketId, objective: &Objective, work: &mut u32) -> Option<Offer> {
        let (now, number) = (self.course.now, self.rounds);
        let waited = now.since(self.waiting.get(&anchor)?.turn.started_at);
        // It takes from older ones too.
        let mut stages = candidates::stages(&self.set, waited, false);
        stages.reverse();
        let anchors = Vec::new().into_iter();
        // Backfills and split parties had their turns before, with everybody who waits.
        let mut round = Round { leaves_apart: true, ..Round::of_all(number, now, anchors, Vec::new()) };
        let run = self.run_of(stages, true);
        let dear = DEAR_JUDGED.saturating_mul(self.full_weight(anchor));
        let most = work.saturating_add(ANCHOR_WORK_MAX.saturating_add(dear));
        let (found, _) = self.search(anchor, run, 0, &mut round, most, work);
        let mut seats = found?;
        let sight = Sight { set: &self.set, objective, waiting: &self.waiting, now };
        let tickets: Vec<&Waiting> = seats.iter().filter_map(|(id, _)| self.waiting.get(id)).collect();
        let stage = sight.stage(&tickets)?;
        let cost = sight.best_split(stage, &tickets, &mut seats, work)?;
        let price: f64 = tickets.iter().map(|of| sight.price(of)).sum::<f64>().min(MUCH);
        let over = price - cost.min(super::COST_MAX);
        (over > 0.0).then_some(Offer { over, seats })
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

impl Sight<'_> {
    /// The cost of a match, whose tickets sit on the teams on which it costs least where there are two teams and few
    /// tickets; every split that the rules let through is tried.
    fn best_split(
        &self,
        stage: &Stage,
        tickets: &[&Waiting],
        seats: &mut [(TicketId, u8)],
        work: &mut u32,
    ) -> Option<f64> {
        let on = |teams: &[u8]| -> Option<Vec<Seat<'_>>> {
            let mut seats = Vec::with_capacity(tickets.len());
            for (of, team) in tickets.iter().zip(teams) {
                seats.push(Seat { team: *team, party: of.party()? });
            }
            Some(seats)
        };
        let mut teams: Vec<u8> = seats.iter().map(|(_, team)| *team).collect();
        let mut best = self.objective.cost(stage, &on(&teams)?)?;
        if stage.teams().len() == 2 && tickets.len() <= SPLIT_TICKETS_MAX {
            let splits = 1_u32 << tickets.len();
            let mut weight = 0_u32;
            for mask in 0..splits {
                if weight >= ASIDE_WEIGHT_MAX {
                    break;
                }
                let split: Vec<u8> = (0..tickets.len()).map(|at| (mask >> at & 1) as u8).collect();
                let sides = on(&split)?;
                if !stage.sizes_hold(&sides) {
                    continue;
                }
                *work = work.saturating_add(1);
                let Some(cost) = self.objective.cost(stage, &sides).filter(|cost| *cost < best) else {
                    continue;
                };
                weight = weight.saturating_add(stage.weight(&sides));
                if stage.holds(&sides) {
                    (best, teams) = (cost, split);
                }
            }
            *work = work.saturating_add(weight);
        }
        seats.iter_mut().zip(teams).for_each(|((_, team), best)| *team = best);
        Some(best)
    }
}
