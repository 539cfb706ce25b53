//! Teams of a match that was found are made even, where the rules leave it open who plays with whom.
use super::{ASIDE_WEIGHT_MAX, RulePool, ticket::Waiting};
use gsm_core::TicketId;
use gsm_rules::{NumberColumn, Party, Seat, Stage};

/// Tickets of a match of two teams whose every split is looked at.
const SPLIT_TICKETS_MAX: usize = 10;
/// Splits of two teams that the rules are asked about, the most even ones first.
const ASKED_MAX: usize = 64;
/// Swaps that are made one after another where there are more teams or tickets.
const SWAPS_MAX: usize = 16;

impl RulePool {
    /// Seats the tickets of a match so that the averages of its teams lie as near together as the stage's rules allow:
    /// of the `balancedAttribute`, else of what the model expects of the players, else of their ratings. Each team
    /// keeps its number of players, and a backfill its teams. Exact for two teams and up to ten tickets; else swaps
    /// are made as long as one helps. Where nothing is more even, nothing changes.
    pub(super) fn even_out(&self, stage: usize, found: &mut [(TicketId, u8)], work: &mut u32) {
        // Two tickets have no choice, and an objective makes it by what matches cost.
        let is_open = found.len() > 2 && self.set.objective().is_none();
        let Some(stage) = self.set.stages().get(stage).filter(|_| is_open) else { return };
        let waiting: Option<Vec<&Waiting>> = found.iter().map(|(id, _)| self.waiting.get(id)).collect();
        let Some(waiting) = waiting else { return };
        let has = |column: &NumberColumn| {
            waiting.iter().flat_map(|of| &of.parties).all(|party| party.number(*column).is_finite())
        };
        let by = self.set.even_by();
        let columns = match stage.algorithm().balanced {
            Some((_, column)) => [Some(column), None],
            None => [by.map(|by| by.strength), by.map(|by| by.skill)],
        };
        let Some(column) = columns.into_iter().flatten().find(has) else { return };
        let table = Table::new(stage, column, &waiting, found, work.saturating_add(ASIDE_WEIGHT_MAX));
        let teams: Vec<u8> = found.iter().map(|(_, team)| *team).collect();
        let even = if stage.teams().len() == 2 && found.len() <= SPLIT_TICKETS_MAX {
            table.most_even(&teams, work)
        } else {
            table.swapped(teams, work)
        };
        if let Some(even) = even {
            found.iter_mut().zip(even).for_each(|((_, team), even)| *team = even);
        }
    }
}

/// The tickets of one match.
struct Table<'a> {
    stage: &'a Stage,
    waiting: &'a [&'a Waiting],
    /// Of each ticket that may sit elsewhere its party, its players and the sum of their numbers.
    free: Vec<Option<(&'a Party, u32, f64)>>,
    /// Of each team the players and the sum of their numbers.
    totals: Vec<(u32, f64)>,
    /// How much work may have been used when no more dear judgements are asked.
    until: u32,
}

/// The largest average less the smallest, of teams with players.
fn gap(totals: impl Iterator<Item = (u32, f64)>) -> f64 {
    let averages = totals.filter(|(players, _)| *players > 0).map(|(players, sum)| sum / f64::from(players));
    let (low, high) =
        averages.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), of| (low.min(of), high.max(of)));
    if low <= high { high - low } else { 0.0 }
}

impl<'a> Table<'a> {
    fn new(
        stage: &'a Stage,
        column: NumberColumn,
        waiting: &'a [&'a Waiting],
        found: &[(TicketId, u8)],
        until: u32,
    ) -> Self {
        let brings = |party: &Party| {
            let size = u32::from(party.size());
            (size, f64::from(size) * party.number(column))
        };
        let mut totals = vec![(0, 0.0); stage.teams().len()];
        let mut add = |team: u8, (players, sum): (u32, f64)| {
            if let Some(total) = totals.get_mut(usize::from(team)) {
                *total = (total.0 + players, total.1 + sum);
            }
        };
        let mut free = Vec::with_capacity(waiting.len());
        for (of, (_, team)) in waiting.iter().zip(found) {
            match of.party() {
                Some(party) => {
                    let (size, sum) = brings(party);
                    add(*team, (size, sum));
                    free.push(Some((party, size, sum)));
                }
                None => {
                    of.seats_apart(*team).for_each(|seat| add(seat.team, brings(seat.party)));
                    free.push(None);
                }
            }
        }
        Self { stage, waiting, free, totals, until }
    }

    fn holds(&self, teams: &[u8], work: &mut u32) -> bool {
        *work = work.saturating_add(1);
        let mut seats: Vec<Seat<'_>> = Vec::with_capacity(teams.len());
        for (of, team) in self.waiting.iter().zip(teams) {
            match of.party() {
                Some(party) => seats.push(Seat { team: *team, party }),
                None => seats.extend(of.seats_apart(*team)),
            }
        }
        let weight = self.stage.weight(&seats);
        if weight > 0 && *work >= self.until {
            return false;
        }
        *work = work.saturating_add(weight);
        self.stage.sizes_hold(&seats) && self.stage.holds(&seats)
    }

    /// The most even split of two teams that the rules let through, if it is more even than `teams`.
    fn most_even(&self, teams: &[u8], work: &mut u32) -> Option<Vec<u8>> {
        let [first, second] = self.totals.as_slice() else { return None };
        let now = gap([*first, *second].into_iter());
        // Who stays sits on its team before all splits; what a split puts on the second team is summed up.
        let (mut kept, mut moves) = ((0, 0.0), Vec::with_capacity(teams.len()));
        let mut all_free = (0, 0.0);
        for (at, free) in self.free.iter().enumerate() {
            if let Some((_, size, sum)) = free {
                moves.push((at, *size, *sum));
                all_free = (all_free.0 + size, all_free.1 + sum);
            }
        }
        let on_second = moves.iter().filter(|(at, ..)| teams.get(*at) == Some(&1));
        let of_second = on_second.fold((0, 0.0), |(n, total), (_, size, sum)| (n + size, total + sum));
        kept.0 = second.0 - of_second.0;
        kept.1 = second.1 - of_second.1;
        let (all_players, all_sum) = (first.0 + second.0, first.1 + second.1);
        let mut sums = vec![(0_u32, 0.0_f64); 1 << moves.len()];
        let mut splits: Vec<(f64, usize)> = Vec::new();
        for mask in 0..sums.len() {
            if mask > 0 {
                let &(players, total) = sums.get(mask & (mask - 1))?;
                let (_, size, sum) = moves.get(mask.trailing_zeros() as usize)?;
                *sums.get_mut(mask)? = (players + size, total + sum);
            }
            let &(players, total) = sums.get(mask)?;
            if players == of_second.0 {
                let (players, sum) = (players + kept.0, total + kept.1);
                let gap = gap([(all_players - players, all_sum - sum), (players, sum)].into_iter());
                if is_less(gap, now) {
                    splits.push((gap, mask));
                }
            }
        }
        *work = work.saturating_add(sums.len() as u32 / 64);
        splits.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        splits.into_iter().take(ASKED_MAX).find_map(|(_, mask)| {
            let mut split = teams.to_vec();
            for (bit, (at, ..)) in moves.iter().enumerate() {
                *split.get_mut(*at)? = (mask >> bit & 1) as u8;
            }
            self.holds(&split, work).then_some(split)
        })
    }

    /// Swaps tickets of the same size, each time those that help most, as long as two do.
    fn swapped(mut self, mut teams: Vec<u8>, work: &mut u32) -> Option<Vec<u8>> {
        let mut is_changed = false;
        for _ in 0..SWAPS_MAX {
            let now = gap(self.totals.iter().copied());
            let mut swaps: Vec<(f64, usize, usize)> = Vec::new();
            for (one, a) in self.free.iter().enumerate() {
                let Some((_, size, sum)) = a else { continue };
                for (two, b) in self.free.iter().enumerate().skip(one + 1) {
                    let Some((_, other, their_sum)) = b else { continue };
                    let (Some(from), Some(to)) = (teams.get(one), teams.get(two)) else { continue };
                    if size != other || from == to {
                        continue;
                    }
                    let after = self.totals.iter().enumerate().map(|(team, (players, total))| {
                        let (from, to) = (usize::from(*from), usize::from(*to));
                        let more = if team == from { their_sum - sum } else { 0.0 };
                        let less = if team == to { sum - their_sum } else { 0.0 };
                        (*players, total + more + less)
                    });
                    let gap = gap(after);
                    if is_less(gap, now) {
                        swaps.push((gap, one, two));
                    }
                }
            }
            *work = work.saturating_add(self.free.len() as u32 / 2);
            swaps.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
            let made = swaps.into_iter().take(ASKED_MAX).find(|(_, one, two)| {
                teams.swap(*one, *two);
                let holds = self.holds(&teams, work);
                if !holds {
                    teams.swap(*one, *two);
                }
                holds
            });
            let Some((_, one, two)) = made else { break };
            is_changed = true;
            for (at, other) in [(one, two), (two, one)] {
                let own = self.free.get(at).copied().flatten();
                let (Some((_, _, sum)), Some(team)) = (own, teams.get(at)) else { continue };
                if let Some(total) = self.totals.get_mut(usize::from(*team)) {
                    total.1 += sum;
                }
                if let Some(total) = teams.get(other).and_then(|left| self.totals.get_mut(usize::from(*left)))
                {
                    total.1 -= sum;
                }
            }
        }
        is_changed.then_some(teams)
    }
}

/// By more than sums of floats err by.
fn is_less(gap: f64, now: f64) -> bool {
    gap < now - 1e-9 * now.max(1.0)
}
