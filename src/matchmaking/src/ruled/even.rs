//! Teams of a match that was found are made even, where the rules leave it open who plays with whom.
use super::{ASIDE_WEIGHT_MAX, RulePool, ticket::Waiting};
use gsm_core::TicketId;
use gsm_rules::{NumberColumn, Objective, Party, Seat, Stage};
use smallvec::{SmallVec, smallvec};

/// Tickets of a match of two teams whose every split is looked at.
const SPLIT_TICKETS_MAX: usize = 10;
/// Splits of two teams that the rules are asked about, the most even ones first.
const ASKED_MAX: usize = 64;
/// The same of a large match, which is found seldom.
const LARGE_SPLIT_TICKETS_MAX: usize = 16;
/// Exchanges that are made one after another where there are more teams or tickets.
const EXCHANGES_MAX: usize = 16;
/// Tickets of a team that go to another one together, and sets of them that are looked at in each team, beside single ones.
const TOGETHER_MAX: usize = 3;
const GROUPS_MAX: usize = 512;
/// So many sets of another team are tried for each, on either side of the one that would be best.
const NEAR: usize = 2;

/// What an exchange leaves between the averages, its two teams, and which group of each goes to the other.
type Exchange = (f64, (u8, u8), (usize, usize));

impl RulePool {
    /// Seats the tickets of a match so that the averages of its teams lie as near together as the stage's rules allow:
    /// of the `balancedAttribute`, else of what the model expects of the players, else of their ratings. Each team
    /// keeps its number of players, and a backfill its teams. Exact for two teams and up to ten tickets, sixteen in a large
    /// match; else up to three tickets of a team are exchanged for those of another that have as many players, as long as
    /// that helps. Where nothing is more even, nothing changes. An objective whose cost says who sits where is asked instead.
    pub(super) fn even_out(&self, stage: usize, found: &mut [(TicketId, u8)], work: &mut u32) {
        if self.set.objective().is_some_and(Objective::is_of_seats) {
            return self.seat_by_cost(stage, found, work);
        }
        // Two tickets have no choice.
        let Some(stage) = self.set.stages().get(stage).filter(|_| found.len() > 2) else { return };
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
        let most = if self.set.is_large() { LARGE_SPLIT_TICKETS_MAX } else { SPLIT_TICKETS_MAX };
        let even = if stage.teams().len() == 2 && found.len() <= most {
            table.most_even(&teams, work)
        } else {
            table.exchanged(teams, work)
        };
        if let Some(even) = even {
            found.iter_mut().zip(even).for_each(|((_, team), even)| *team = even);
        }
    }
}

/// The tickets of one match.
pub(super) struct Table<'a> {
    stage: &'a Stage,
    waiting: &'a [&'a Waiting],
    /// Of each ticket that may sit elsewhere its party, its players and the sum of their numbers.
    free: Vec<Option<(&'a Party, u32, f64)>>,
    /// Of each team the players and the sum of their numbers.
    totals: Vec<(u32, f64)>,
    /// How much work may have been used when no more dear judgements are asked.
    until: u32,
    /// What the match must cost less than, if anything.
    cost: Option<(&'a Objective, f64)>,
}

/// The largest average less the smallest, of teams with players.
fn gap(totals: impl Iterator<Item = (u32, f64)>) -> f64 {
    let averages = totals.filter(|(players, _)| *players > 0).map(|(players, sum)| sum / f64::from(players));
    let (low, high) =
        averages.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), of| (low.min(of), high.max(of)));
    if low <= high { high - low } else { 0.0 }
}

impl<'a> Table<'a> {
    pub(super) fn new(
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
        Self { stage, waiting, free, totals, until, cost: None }
    }

    /// The same, where only what costs less by an objective is better; so much it costs now.
    pub(super) fn by_cost(self, objective: &'a Objective, cost: f64) -> Self {
        Self { cost: Some((objective, cost)), ..self }
    }

    fn seats(&self, teams: &[u8]) -> Vec<Seat<'_>> {
        let mut seats: Vec<Seat<'_>> = Vec::with_capacity(teams.len());
        for (of, team) in self.waiting.iter().zip(teams) {
            match of.party() {
                Some(party) => seats.push(Seat { team: *team, party }),
                None => seats.extend(of.seats_apart(*team)),
            }
        }
        seats
    }

    fn holds(&self, teams: &[u8], work: &mut u32) -> bool {
        *work = work.saturating_add(1);
        let seats = self.seats(teams);
        if self.cost.is_some_and(|(of, cost)| of.cost_of_seats(self.stage, &seats) >= cost) {
            return false;
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

    /// Exchanges tickets between two teams, each time those that help most, as long as some do.
    pub(super) fn exchanged(mut self, mut teams: Vec<u8>, work: &mut u32) -> Option<Vec<u8>> {
        let mut is_changed = false;
        for _ in 0..EXCHANGES_MAX {
            let groups: Vec<Vec<Group>> =
                (0..=u8::MAX).take(self.totals.len()).map(|team| self.groups(&teams, team)).collect();
            let looked_at: usize = groups.iter().map(Vec::len).sum();
            *work = work.saturating_add((self.free.len() / 2 + looked_at / 16) as u32);
            let made =
                self.exchanges(&groups).into_iter().take(ASKED_MAX).find_map(|(_, teams_of, which)| {
                    let group = |(team, at): (u8, usize)| groups.get(usize::from(team))?.get(at);
                    let (one, two) = (group((teams_of.0, which.0))?, group((teams_of.1, which.1))?);
                    let seat = |teams: &mut Vec<u8>, group: &Group, on: u8| {
                        for at in &group.tickets {
                            teams.get_mut(*at).into_iter().for_each(|team| *team = on);
                        }
                    };
                    seat(&mut teams, one, teams_of.1);
                    seat(&mut teams, two, teams_of.0);
                    let holds = self.holds(&teams, work);
                    if !holds {
                        seat(&mut teams, one, teams_of.0);
                        seat(&mut teams, two, teams_of.1);
                    }
                    holds.then_some((teams_of, one.sum - two.sum))
                });
            let Some(((one, two), moved)) = made else { break };
            is_changed = true;
            self.cost = self.cost.map(|(of, _)| (of, of.cost_of_seats(self.stage, &self.seats(&teams))));
            for (team, more) in [(one, -moved), (two, moved)] {
                if let Some((_, sum)) = self.totals.get_mut(usize::from(team)) {
                    *sum += more;
                }
            }
        }
        is_changed.then_some(teams)
    }

    /// The tickets of a team that may go to another one, one by one, two and three together, as many as are looked at;
    /// in the order of their players and their sums.
    fn groups(&self, teams: &[u8], team: u8) -> Vec<Group> {
        let free = self.free.iter().zip(teams).enumerate();
        let own = free.filter(|(_, (_, on))| **on == team).filter_map(|(at, (free, _))| Some((at, (*free)?)));
        let single = |(at, (_, players, sum))| Group { players, sum, tickets: smallvec![at] };
        let mut groups: Vec<Group> = own.map(single).collect();
        // Each group with each single ticket after its last one.
        let (singles, mut from) = (groups.len(), 0);
        for _ in 1..TOGETHER_MAX {
            let until = groups.len();
            for at in from..until {
                let Some(last) = groups.get(at).and_then(|of| of.tickets.last().copied()) else { continue };
                let after = groups.iter().take(singles).position(|of| of.tickets.first() > Some(&last));
                for more in after.unwrap_or(singles)..singles {
                    if groups.len() >= GROUPS_MAX.max(singles) {
                        break;
                    }
                    let (Some(group), Some(more)) = (groups.get(at), groups.get(more)) else { continue };
                    groups.push(group.with(more));
                }
            }
            from = until;
        }
        groups.sort_by(|a, b| {
            a.players.cmp(&b.players).then(a.sum.total_cmp(&b.sum)).then_with(|| a.tickets.cmp(&b.tickets))
        });
        groups
    }

    /// What makes the teams more even, that which helps most first: the gap after it, the two teams, and which group of each
    /// goes to the other. Both have as many players. One of the teams is the strongest or the weakest, and of each group of
    /// it those of the other are looked at that bring the two nearest together.
    fn exchanges(&self, groups: &[Vec<Group>]) -> Vec<Exchange> {
        let average = |(players, sum): (u32, f64)| sum / f64::from(players);
        let known =
            || (0_u8..=u8::MAX).zip(self.totals.iter().copied()).filter(|(_, (players, _))| *players > 0);
        let by_average = |a: &(u8, (u32, f64)), b: &(u8, (u32, f64))| average(a.1).total_cmp(&average(b.1));
        let (Some((strong, _)), Some((weak, _))) = (known().max_by(by_average), known().min_by(by_average))
        else {
            return Vec::new();
        };
        let now = gap(self.totals.iter().copied());
        let mut found = Vec::new();
        let of_strong = known().filter(|(team, _)| *team != strong).map(|(team, _)| (strong, team));
        let of_weak =
            known().filter(|(team, _)| *team != strong && *team != weak).map(|(team, _)| (team, weak));
        for (one, two) in of_strong.chain(of_weak) {
            let of = |team: u8| Some((self.totals.get(usize::from(team))?, groups.get(usize::from(team))?));
            let (Some((a, froms)), Some((b, tos))) = (of(one), of(two)) else { continue };
            let others =
                known().filter(|(team, _)| *team != one && *team != two).map(|(_, total)| average(total));
            let (low, high) = others
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), of| (low.min(of), high.max(of)));
            // So much has to go from one to the other, so that both have the same average.
            let wanted = (a.1 * f64::from(b.0) - b.1 * f64::from(a.0)) / f64::from(a.0 + b.0);
            for (at, from) in froms.iter().enumerate() {
                let first = tos.partition_point(|to| to.players < from.players);
                let same = tos.get(first..).unwrap_or_default();
                let same =
                    same.get(..same.partition_point(|to| to.players == from.players)).unwrap_or_default();
                let middle = same.partition_point(|to| to.sum < from.sum - wanted);
                let near = middle.saturating_sub(NEAR)..(middle + NEAR).min(same.len());
                for (to, nth) in same.get(near.clone()).unwrap_or_default().iter().zip(near) {
                    let moved = from.sum - to.sum;
                    let (a, b) = (average((a.0, a.1 - moved)), average((b.0, b.1 + moved)));
                    let gap = high.max(a).max(b) - low.min(a).min(b);
                    if is_less(gap, now) {
                        found.push((gap, (one, two), (at, first + nth)));
                    }
                }
            }
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        found
    }
}

/// Tickets of one team that go to another one together.
struct Group {
    players: u32,
    sum: f64,
    tickets: SmallVec<[usize; TOGETHER_MAX]>,
}

impl Group {
    fn with(&self, more: &Self) -> Self {
        let tickets = self.tickets.iter().chain(&more.tickets).copied().collect();
        Self { players: self.players + more.players, sum: self.sum + more.sum, tickets }
    }
}

/// By more than sums of floats err by.
fn is_less(gap: f64, now: f64) -> bool {
    gap < now - 1e-9 * now.max(1.0)
}
