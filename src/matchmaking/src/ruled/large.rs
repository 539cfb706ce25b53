//! Large matches, of 41 to 200 players: not every choice is tried, teams are filled evenly.
//!
//! In one location after another (the most populated first, or the anchor's nearest first) the tickets that may play there
//! are taken in the order of how near they are to the anchor in the balanced attribute, as long as there is room, and
//! then put on teams: the largest party first, always on the team that needs players most.
use super::{
    candidates::Choice,
    search::{Candidate, Counts, Outcome},
    store::Store,
    ticket::Waiting,
};
use gsm_core::TicketId;
use gsm_rules::{Batching, Pairwise, Party, Seat, Stage, Symbol, Verdict, WordColumn};
use std::{cmp::Reverse, collections::BTreeMap};

/// Bands of one number that are tried.
const BANDS_MAX: usize = 64;

/// A match of the anchor and some of the candidates in the stage of `choice`.
pub(super) fn large(
    choice: &Choice<'_>,
    waiting: &Store,
    candidates: &[Candidate],
    has: (bool, bool),
    counts: &mut Counts,
    used: &mut u32,
) -> Outcome {
    let Some(stage) = choice.set.stages().get(choice.at) else { return Outcome::None };
    let tickets: Vec<(&Waiting, bool, bool)> =
        candidates.iter().filter_map(|of| Some((waiting.at(of.slot)?, of.is_news, of.is_of_stage))).collect();
    for place in places(choice, stage, &tickets) {
        *used = used.saturating_add(1 + tickets.len() as u32);
        let here: Vec<(&Waiting, bool, bool)> = tickets
            .iter()
            .copied()
            .filter(|(of, ..)| place.as_ref().is_none_or(|place| place.has(of)))
            .collect();
        for part in bands(choice, stage, &here) {
            if let Some(found) = fill(choice, stage, &part, has, counts) {
                return Outcome::Found(found);
            }
        }
    }
    Outcome::None
}

/// The parts of the tickets that are near enough to one another, not only to the anchor: all that lie in one band, for
/// bands around the anchor's number, the middle one first.
fn bands<'w>(
    choice: &Choice<'_>,
    stage: &Stage,
    here: &[(&'w Waiting, bool, bool)],
) -> Vec<Vec<(&'w Waiting, bool, bool)>> {
    let within = stage.pairwise().iter().find_map(|pair| match *pair {
        Pairwise::Within { column, width, .. } => Some((column, width)),
        _ => None,
    });
    let (Some((column, width)), Some(own)) = (within, choice.anchor.parties.first()) else {
        return vec![here.to_vec()];
    };
    let own = own.number(column);
    let number = |of: &Waiting| of.parties.first().map_or(f64::NAN, |party| party.number(column));
    let mut lows: Vec<f64> = here.iter().map(|(of, ..)| number(of)).filter(|low| *low <= own).collect();
    lows.push(own);
    let middle = own - width / 2.0;
    lows.sort_by(|a, b| (a - middle).abs().total_cmp(&(b - middle).abs()));
    lows.dedup();
    lows.truncate(BANDS_MAX);
    let in_band = |low: f64| {
        here.iter().copied().filter(move |(of, ..)| (low..=low + width).contains(&number(of))).collect()
    };
    lows.into_iter().map(in_band).collect()
}

/// A location with the latency that is allowed there.
struct Location {
    column: WordColumn,
    symbol: Symbol,
    max_ms: f64,
}

impl Location {
    fn has(&self, ticket: &Waiting) -> bool {
        ticket.parties.iter().all(|party| self.latency(party).is_some())
    }
    fn latency(&self, party: &Party) -> Option<f64> {
        let mut entries = party.entries(self.column);
        entries.find(|(place, ms)| *place == self.symbol && *ms <= self.max_ms).map(|(_, ms)| ms)
    }
}

/// The locations where the anchor may play, in the order in which they are tried; one that is no location where
/// latencies do not count.
fn places(choice: &Choice<'_>, stage: &Stage, tickets: &[(&Waiting, bool, bool)]) -> Vec<Option<Location>> {
    let region = stage.pairwise().iter().find_map(|pair| match *pair {
        Pairwise::Region { column, max_ms, .. } => Some((column, max_ms)),
        _ => None,
    });
    let (Some((column, max_ms)), Some(own)) = (region, choice.anchor.parties.first()) else {
        return vec![None];
    };
    let mut places: Vec<(Reverse<usize>, u64, Location)> = own
        .entries(column)
        .filter(|(_, ms)| *ms <= max_ms)
        .map(|(symbol, ms)| {
            let location = Location { column, symbol, max_ms };
            let population = match stage.algorithm().batching {
                Batching::FastestRegion => 0,
                _ => {
                    tickets.iter().filter(|(of, ..)| location.has(of)).map(|(of, ..)| of.players.len()).sum()
                }
            };
            (Reverse(population), ms.to_bits(), location)
        })
        .collect();
    places.sort_by_key(|(population, ms, location)| (*population, *ms, location.symbol));
    places.into_iter().map(|(.., location)| Some(location)).collect()
}

fn fill(
    choice: &Choice<'_>,
    stage: &Stage,
    here: &[(&Waiting, bool, bool)],
    has: (bool, bool),
    counts: &mut Counts,
) -> Option<Vec<(TicketId, u8)>> {
    let balanced = stage.algorithm().balanced.map(|(_, column)| column);
    let value = |of: &Waiting| -> f64 {
        let of = of.parties.first().zip(balanced);
        of.map_or(0.0, |(party, column)| party.number(column)).max(f64::MIN)
    };
    let own = value(choice.anchor);
    let most: u32 = stage.teams().iter().map(|size| u32::from(size.max)).sum();
    // The anchor, then what must be in it, then the nearest.
    let mut order: Vec<(&Waiting, bool, bool)> = here.to_vec();
    order.sort_by(|(a, ..), (b, ..)| {
        (value(a) - own).abs().total_cmp(&(value(b) - own).abs()).then(a.turn.cmp(&b.turn))
    });
    let mut chosen: Vec<&Waiting> = vec![choice.anchor];
    let (mut players, mut news, mut of_stage) = (choice.anchor.size(), has.0, has.1);
    let needs = |news: bool, of_stage: bool, entry: &(&Waiting, bool, bool)| {
        (!news && entry.1) || (!of_stage && entry.2)
    };
    while !(news && of_stage) {
        let at = order.iter().position(|entry| needs(news, of_stage, entry))?;
        let (ticket, is_news, is_of_stage) = order.remove(at);
        (news, of_stage) = (news || is_news, of_stage || is_of_stage);
        players += ticket.size();
        chosen.push(ticket);
    }
    let mut has_backfill = chosen.iter().any(|of| of.is_backfill());
    for (ticket, ..) in order {
        if players + ticket.size() > most || (has_backfill && ticket.is_backfill()) {
            continue;
        }
        has_backfill |= ticket.is_backfill();
        players += ticket.size();
        chosen.push(ticket);
    }
    let placed = place(stage, &chosen, value)?;
    let by_id: BTreeMap<TicketId, &Waiting> = chosen.iter().map(|of| (of.turn.id, *of)).collect();
    let mut seats: Vec<Seat<'_>> = Vec::with_capacity(placed.len());
    for (id, team) in &placed {
        match by_id.get(id).map(|of| (of, of.party())) {
            Some((_, Some(party))) => seats.push(Seat { team: *team, party }),
            Some((of, None)) => seats.extend(of.seats_apart(*team)),
            None => {}
        }
    }
    let mut holds = stage.sizes_hold(&seats);
    for (at, rule) in choice.set.rules().iter().enumerate() {
        let held = stage.verdict(at, &seats) != Verdict::Fails;
        counts.note(at, held);
        holds &= held || !rule.counts_alone;
    }
    holds.then_some(placed)
}

/// Puts tickets on teams: those who play already stay, split parties sit on the first teams that have room for all of their parts, then the
/// largest party first, on the team that lacks most to its
/// minimum, then on the one with most room, then on the weaker one. Tickets without room are left out.
fn place(stage: &Stage, chosen: &[&Waiting], value: impl Fn(&Waiting) -> f64) -> Option<Vec<(TicketId, u8)>> {
    let mut filled: Vec<(u32, f64)> = vec![(0, 0.0); stage.teams().len()];
    let mut placed = Vec::with_capacity(chosen.len());
    for of in chosen.iter().filter(|of| of.is_backfill()) {
        for seat in of.seats_apart(0) {
            filled.get_mut(usize::from(seat.team))?.0 += u32::from(seat.party.size());
        }
        placed.push((of.turn.id, of.teams.first().copied()?));
    }
    let mut split: Vec<&&Waiting> = chosen.iter().filter(|of| of.is_apart() && !of.is_backfill()).collect();
    split.sort_by_key(|of| (Reverse(of.size()), of.turn));
    for of in split {
        let players: Vec<u32> = filled.iter().map(|(players, _)| *players).collect();
        let Some(first) = of.way_apart(stage, &players, 0) else { continue };
        for seat in of.seats_apart(first) {
            let (players, sum) = filled.get_mut(usize::from(seat.team))?;
            *players += u32::from(seat.party.size());
            *sum += value(of) * f64::from(seat.party.size());
        }
        placed.push((of.turn.id, first));
    }
    let mut parties: Vec<&&Waiting> = chosen.iter().filter(|of| !of.is_apart()).collect();
    parties.sort_by(|a, b| {
        b.size().cmp(&a.size()).then(value(b).total_cmp(&value(a))).then(a.turn.cmp(&b.turn))
    });
    for of in parties {
        let best = stage
            .teams()
            .iter()
            .zip(&filled)
            .enumerate()
            .filter(|(_, (size, (players, _)))| players + of.size() <= u32::from(size.max))
            .min_by(|(a, (size_a, (one, sum_a))), (b, (size_b, (two, sum_b)))| {
                let is_full = |min: u8, players: u32| players >= u32::from(min);
                let room = |max: u8, players: u32| u32::from(max) - players;
                is_full(size_a.min, *one)
                    .cmp(&is_full(size_b.min, *two))
                    .then(room(size_b.max, *two).cmp(&room(size_a.max, *one)))
                    .then(sum_a.total_cmp(sum_b))
                    .then(a.cmp(b))
            })
            .map(|(at, _)| at);
        let Some(at) = best else { continue };
        let (players, sum) = filled.get_mut(at)?;
        *players += of.size();
        *sum += value(of) * f64::from(of.size());
        placed.push((of.turn.id, at as u8));
    }
    Some(placed)
}
