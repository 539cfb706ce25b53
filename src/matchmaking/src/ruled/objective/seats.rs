//! Who sits where in a match that was found: what costs least.
use crate::ruled::{ASIDE_WEIGHT_MAX, RulePool, even::Table, ticket::Waiting};
use gsm_core::TicketId;
use gsm_rules::{Line, NumberColumn, Objective, Party, Seat, Stage};

/// Tickets of a match of two teams whose every split is tried.
const SPLIT_TICKETS_MAX: usize = 10;
/// Exchanges of two tickets that are made one after another.
const SWAPS_MAX: usize = 32;

impl RulePool {
    /// Seats the tickets of a match on the teams on which they cost least; a backfill and a split party stay where they are.
    /// Every split that the rules let through is tried where there are two teams and few tickets; else tickets are
    /// exchanged as long as that helps.
    pub(in crate::ruled) fn seat_by_cost(&self, stage: usize, found: &mut [(TicketId, u8)], work: &mut u32) {
        let (Some(objective), Some(stage)) = (self.set.objective(), self.set.stages().get(stage)) else {
            return;
        };
        let waiting: Option<Vec<&Waiting>> = found.iter().map(|(id, _)| self.waiting.get(id)).collect();
        let Some(waiting) = waiting else { return };
        let teams: Vec<u8> = found.iter().map(|(_, team)| *team).collect();
        let seating =
            Seating { stage, objective, waiting: &waiting, until: work.saturating_add(ASIDE_WEIGHT_MAX) };
        let free = waiting.iter().filter(|of| of.party().is_some()).count();
        let best = if stage.teams().len() == 2 && free <= SPLIT_TICKETS_MAX {
            seating.best_split(teams, work)
        } else {
            seating.exchanged(teams, found, work)
        };
        found.iter_mut().zip(best).for_each(|((_, team), best)| *team = best);
    }
}

/// The tickets of one match.
struct Seating<'a> {
    stage: &'a Stage,
    objective: &'a Objective,
    waiting: &'a [&'a Waiting],
    /// How much work may have been used when no more is asked.
    until: u32,
}

impl Seating<'_> {
    fn seats(&self, teams: &[u8]) -> Vec<Seat<'_>> {
        let mut seats = Vec::with_capacity(teams.len());
        for (of, team) in self.waiting.iter().zip(teams) {
            match of.party() {
                Some(party) => seats.push(Seat { team: *team, party }),
                None => seats.extend(of.seats_apart(*team)),
            }
        }
        seats
    }

    fn cost(&self, teams: &[u8]) -> f64 {
        self.objective.cost_of_seats(self.stage, &self.seats(teams))
    }

    /// What these teams cost, if that is less than `best` and the rules let them be.
    fn better(&self, teams: &[u8], best: f64, work: &mut u32) -> Option<f64> {
        let seats = self.seats(teams);
        if !self.stage.sizes_hold(&seats) {
            return None;
        }
        *work = work.saturating_add(1);
        let cost = self.objective.cost_of_seats(self.stage, &seats);
        if cost >= best {
            return None;
        }
        *work = work.saturating_add(self.stage.weight(&seats));
        self.stage.holds(&seats).then_some(cost)
    }

    /// Players of two teams, the smaller first.
    fn sizes(&self, teams: &[u8]) -> [u32; 2] {
        let mut sizes = [0, 0];
        for seat in self.seats(teams) {
            if let Some(size) = sizes.get_mut(usize::from(seat.team)) {
                *size += u32::from(seat.party.size());
            }
        }
        sizes.sort_unstable();
        sizes
    }

    /// As many against as many as the search came to: where teams may have other sizes, an average is no reason for five
    /// against one.
    fn best_split(&self, teams: Vec<u8>, work: &mut u32) -> Vec<u8> {
        let sizes = self.sizes(&teams);
        let places = self.waiting.iter().enumerate().filter(|(_, of)| of.party().is_some());
        let free: Vec<usize> = places.map(|(at, _)| at).collect();
        let (mut best, mut split) = ((self.cost(&teams), teams.clone()), teams);
        for mask in 0..1_u32 << free.len() {
            if *work >= self.until {
                break;
            }
            for (bit, at) in free.iter().enumerate() {
                split.get_mut(*at).into_iter().for_each(|team| *team = (mask >> bit & 1) as u8);
            }
            if self.sizes(&split) != sizes {
                continue;
            }
            if let Some(cost) = self.better(&split, best.0, work) {
                best = (cost, split.clone());
            }
        }
        best.1
    }

    /// First as without an objective, by each number whose averages cost something; then two tickets at a time.
    fn exchanged(&self, mut teams: Vec<u8>, found: &[(TicketId, u8)], work: &mut u32) -> Vec<u8> {
        let is_known = |column: NumberColumn| {
            let all = || self.waiting.iter().flat_map(|of| &of.parties);
            all().all(|party: &Party| party.number(column).is_finite())
        };
        let (mut seated, mut parts, mut averaged) = (found.to_vec(), 0, 0);
        for term in self.objective.terms.iter().filter(|term| term.measure.is_of_seats()) {
            parts += 1;
            let columns = match term.line() {
                Some(Line::Number(column)) => [Some(column), None],
                Some(Line::Strength { strength, rating }) => [Some(strength), Some(rating)],
                None => [None, None],
            };
            let Some(column) = columns.into_iter().flatten().find(|of| is_known(*of)) else { continue };
            averaged += 1;
            seated.iter_mut().zip(&teams).for_each(|((_, seat), team)| *seat = *team);
            let table = Table::new(self.stage, column, self.waiting, &seated, self.until);
            let by_cost = table.by_cost(self.objective, self.cost(&teams));
            teams = by_cost.exchanged(teams.clone(), work).unwrap_or(teams);
        }
        if (parts, averaged) != (1, 1) {
            self.swap(&mut teams, work);
        }
        teams
    }

    /// Exchanges two tickets of as many players, whichever first make the match cost less, until none do.
    fn swap(&self, teams: &mut [u8], work: &mut u32) {
        let size = |at: usize| self.waiting.get(at).and_then(|of| of.party()).map(Party::size);
        let mut best = self.cost(teams);
        for _ in 0..SWAPS_MAX {
            let before = best;
            for one in 0..teams.len() {
                for two in one + 1..teams.len() {
                    if *work >= self.until {
                        return;
                    }
                    if size(one).is_none() || size(one) != size(two) || teams.get(one) == teams.get(two) {
                        continue;
                    }
                    teams.swap(one, two);
                    match self.better(teams, best, work) {
                        Some(cost) => best = cost,
                        None => teams.swap(one, two),
                    }
                }
            }
            if best >= before {
                return;
            }
        }
    }
}
