//! Large matches, of 41 to 200 players: not every choice is tried, teams are filled evenly.
//!
//! In one location after another (the most populated first, or the anchor's nearest first) the tickets that may play there
//! are taken in the order of how near they are to the anchor in the balanced attribute, as long as there is room, and
//! then put on teams: the largest party first, always on the team that needs players most. Room that is left goes to those
//! further on. Where teams then lack players, parties are looked for that fill them ([`pack`]).
//! By `fastestRegion` those come first who have no better location, then those as well who have one, and so on. Where no
//! rule limits latencies it is only that order, and those come last who tell none.
use super::{
    candidates::Choice,
    pack::pack,
    search::{Candidate, Counts, Outcome},
    seating::Seating,
    store::Store,
    ticket::Waiting,
};
use gsm_core::TicketId;
use gsm_rules::{Batching, NumberColumn, Pairwise, Party, Stage, Symbol, Verdict, WordColumn};
use std::cmp::Reverse;

/// Bands of one number that are tried.
const BANDS_MAX: usize = 64;
/// Groups of one location, of those who have so many better ones; the last has all others too.
const GROUPS_MAX: usize = 4;
/// Nodes that looking for parties which fill the teams may visit in the turn of one anchor.
const PACK_NODES_MAX: u32 = 20_000;
/// So many of them are one work unit.
const NODES_OF_WORK: u32 = 16;
/// Work units that judgements may weigh in the turn of one anchor, beside the first.
const LARGE_WEIGHT_MAX: u32 = 50_000;

/// A ticket that may play, and what it brings to the conditions on a match.
#[derive(Clone, Copy)]
struct Guest<'w> {
    of: &'w Waiting,
    is_news: bool,
    is_of_stage: bool,
    /// By `fastestRegion`: how many better locations it has, as far as that is asked.
    group: usize,
}

/// What a match must have yet: something new, something of the stage, and somebody who does not play already.
#[derive(Clone, Copy)]
struct Lacks {
    news: bool,
    of_stage: bool,
    newcomer: bool,
}

impl Lacks {
    const ALL: Self = Self { news: true, of_stage: true, newcomer: true };

    fn any(self) -> bool {
        self.news || self.of_stage || self.newcomer
    }
    fn wants(self, guest: &Guest<'_>) -> bool {
        (self.news && guest.is_news)
            || (self.of_stage && guest.is_of_stage)
            || (self.newcomer && !guest.of.is_backfill())
    }
    fn with(self, guest: &Guest<'_>) -> Self {
        Self {
            news: self.news && !guest.is_news,
            of_stage: self.of_stage && !guest.is_of_stage,
            newcomer: self.newcomer && guest.of.is_backfill(),
        }
    }
}

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
    let guest = |of: &Candidate| {
        let of_slot = waiting.at(of.key.slot)?;
        Some(Guest { of: of_slot, is_news: of.is_news, is_of_stage: of.is_of_stage, group: 0 })
    };
    let tickets: Vec<Guest<'_>> = candidates.iter().filter_map(guest).collect();
    let anchor = Guest { of: choice.anchor, is_news: has.0, is_of_stage: has.1, group: 0 };
    let balanced = stage.algorithm().balanced.map(|(_, column)| column);
    let (table, mut nodes) = (Table { choice, stage, anchor, balanced }, PACK_NODES_MAX);
    for place in places(choice, stage, &tickets) {
        *used = used.saturating_add(1 + tickets.len() as u32);
        let is_here = |guest: &Guest<'_>| place.as_ref().is_none_or(|place| place.has(guest.of));
        let here: Vec<Guest<'_>> = tickets.iter().copied().filter(is_here).collect();
        let mut best = None;
        for group in groups(stage, place.as_ref(), here) {
            *used = used.saturating_add(group.len() as u32);
            for part in bands(choice, stage, group) {
                if choice.weight.get() >= LARGE_WEIGHT_MAX {
                    return Outcome::None;
                }
                let before = nodes;
                let found = table.fill(part, counts, &mut nodes);
                *used = used.saturating_add((before - nodes) / NODES_OF_WORK);
                if let Some(found) = found {
                    let is_better = best.as_ref().is_none_or(|(most, _)| found.players > *most);
                    best = if is_better { Some((found.players, found.placed)) } else { best };
                    break;
                }
            }
            if best.as_ref().is_some_and(|(players, _)| *players >= stage.players_max()) {
                break;
            }
        }
        if let Some((_, found)) = best {
            return Outcome::Found(found);
        }
    }
    Outcome::None
}

/// Those who may play in a location, as they are tried one after another until a match is full: by `fastestRegion` those
/// first who have no better location, then those too who have one, and so on; else all at once.
fn groups<'w>(stage: &Stage, place: Option<&Location>, mut here: Vec<Guest<'w>>) -> Vec<Vec<Guest<'w>>> {
    let Some(place) = place.filter(|_| stage.algorithm().batching == Batching::FastestRegion) else {
        return vec![here];
    };
    here.iter_mut().for_each(|guest| guest.group = place.better(guest.of));
    let is_there = |group: &usize| here.iter().any(|guest| guest.group == *group);
    let within = |most| here.iter().filter(|guest| guest.group <= most).copied().collect();
    let groups: Vec<Vec<Guest<'w>>> = (0..GROUPS_MAX).filter(is_there).map(within).collect();
    if groups.is_empty() { vec![here] } else { groups }
}

/// The parts of the tickets that are near enough to one another, not only to the anchor: all that lie in one band of each
/// number that rules limit, for bands around the anchor's, the middle ones first. Bands of too few players are left out.
fn bands<'w>(choice: &Choice<'_>, stage: &Stage, here: Vec<Guest<'w>>) -> Vec<Vec<Guest<'w>>> {
    let Some(own) = choice.anchor.parties.first() else { return vec![here] };
    let fewest: u32 = stage.teams().iter().map(|size| u32::from(size.min)).sum();
    let fewest = fewest.saturating_sub(choice.anchor.size());
    let mut parts = vec![here];
    for pair in stage.pairwise() {
        let Pairwise::Within { column, width, .. } = *pair else { continue };
        let finer = parts.iter().flat_map(|part| bands_of(part, (column, width), own.number(column), fewest));
        parts = finer.take(BANDS_MAX).collect();
    }
    parts
}

/// The same by one number, of which the anchor has `own`; each has `fewest` players or more. O(n log n) to find them.
fn bands_of<'a, 'w>(
    part: &'a [Guest<'w>],
    (column, width): (NumberColumn, f64),
    own: f64,
    fewest: u32,
) -> impl Iterator<Item = Vec<Guest<'w>>> + use<'a, 'w> {
    let number =
        move |guest: &Guest<'_>| guest.of.parties.first().map_or(f64::NAN, |party| party.number(column));
    let players = part.iter().map(|guest| (number(guest), guest.of.size()));
    let mut players: Vec<(f64, u32)> = players.filter(|(number, _)| !number.is_nan()).collect();
    players.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut lows: Vec<f64> = players.iter().map(|(low, _)| *low).filter(|low| *low <= own).collect();
    lows.push(own);
    lows.dedup();
    // Only bands of enough players are counted among those that are tried: the middle ones may have too few.
    let (mut enter, mut leave, mut within) = (players.iter().peekable(), players.iter().peekable(), 0_u32);
    lows.retain(|low| {
        while let Some((_, size)) = enter.next_if(|of| of.0 <= low + width) {
            within += size;
        }
        while let Some((_, size)) = leave.next_if(|of| of.0 < *low) {
            within = within.saturating_sub(*size);
        }
        within >= fewest
    });
    let middle = own - width / 2.0;
    lows.sort_by(|a, b| (a - middle).abs().total_cmp(&(b - middle).abs()));
    lows.truncate(BANDS_MAX);
    lows.into_iter().map(move |low| {
        let is_within = |guest: &&Guest<'w>| (low..=low + width).contains(&number(guest));
        part.iter().filter(is_within).copied().collect()
    })
}

/// A location with the latencies that are allowed there.
struct Location {
    column: WordColumn,
    symbol: Symbol,
    max_ms: f64,
    /// By the other rules, where all are to hold in one location.
    others: Vec<(WordColumn, f64)>,
    /// Whether a rule asks for it; else whoever tells no latency to it may play there too.
    is_asked: bool,
}

impl Location {
    fn has(&self, ticket: &Waiting) -> bool {
        !self.is_asked || ticket.parties.iter().all(|party| self.latency(party).is_some())
    }
    /// The latency to it, where it is not too high for any rule.
    fn latency(&self, party: &Party) -> Option<f64> {
        let within = |column: WordColumn, max_ms: f64| {
            let mut entries = party.entries(column);
            entries.find(|(place, ms)| *place == self.symbol && *ms <= max_ms).map(|(_, ms)| ms)
        };
        let holds = self.others.iter().all(|(column, max_ms)| within(*column, *max_ms).is_some());
        within(self.column, self.max_ms).filter(|_| holds)
    }
    /// How many locations are nearer to the ticket than this one, at most as many as make the last group, of which it is if
    /// it tells no latency to it; where it is of many parties, to the one that has most.
    fn better(&self, ticket: &Waiting) -> usize {
        let better = |party: &Party| {
            let own = self.latency(party);
            own.map_or(GROUPS_MAX, |own| party.entries(self.column).filter(|(_, ms)| *ms < own).count())
        };
        ticket.parties.iter().map(better).max().unwrap_or(0).min(GROUPS_MAX - 1)
    }
}

/// The locations where the anchor may play, in the order in which they are tried; one that is no location where
/// latencies do not count. Where several rules limit latencies, those first in which all of them hold, then those of the
/// first rule: the others may hold elsewhere.
fn places(choice: &Choice<'_>, stage: &Stage, tickets: &[Guest<'_>]) -> Vec<Option<Location>> {
    let asked = stage.pairwise().iter().filter_map(|pair| match *pair {
        Pairwise::Region { column, max_ms, .. } => Some((column, max_ms)),
        _ => None,
    });
    let asked: Vec<(WordColumn, f64)> = asked.collect();
    let Some((first, others)) = asked.split_first() else {
        // Everybody may play in the first, so no other has more; there may be none at all.
        let wished = stage.algorithm().places.map(|column| (column, f64::INFINITY));
        let places = wished.map(|wished| places_by(choice, stage, tickets, wished, (&[], false)));
        return vec![places.into_iter().flatten().next()];
    };
    let mut places = places_by(choice, stage, tickets, *first, (others, true));
    if !others.is_empty() {
        places.extend(places_by(choice, stage, tickets, *first, (&[], true)));
    }
    places.into_iter().map(Some).collect()
}

/// The same by one limit of latencies, and by `others` too, in the location itself.
fn places_by(
    choice: &Choice<'_>,
    stage: &Stage,
    tickets: &[Guest<'_>],
    (column, max_ms): (WordColumn, f64),
    (others, is_asked): (&[(WordColumn, f64)], bool),
) -> Vec<Location> {
    let Some(own) = choice.anchor.parties.first() else { return Vec::new() };
    let location = |symbol| Location { column, symbol, max_ms, others: others.to_vec(), is_asked };
    let mut places: Vec<(Reverse<usize>, u64, Location)> = own
        .entries(column)
        .map(|(symbol, ms)| (ms, location(symbol)))
        .filter(|(_, location)| location.latency(own).is_some())
        .map(|(ms, location)| {
            let population = match stage.algorithm().batching {
                Batching::FastestRegion => 0,
                _ => {
                    let here = tickets.iter().filter(|guest| location.has(guest.of));
                    here.map(|guest| guest.of.players.len()).sum()
                }
            };
            (Reverse(population), ms.to_bits(), location)
        })
        .collect();
    // Symbols are numbered by who came first: of equal locations their names decide.
    places.sort_by_key(|(population, ms, location)| (*population, *ms, choice.symbols.text(location.symbol)));
    places.into_iter().map(|(.., location)| location).collect()
}

/// A match, the anchor first.
struct Filled {
    placed: Vec<(TicketId, u8)>,
    players: u32,
}

/// What the tickets of one match are chosen by.
struct Table<'a, 'w> {
    choice: &'a Choice<'a>,
    stage: &'a Stage,
    anchor: Guest<'w>,
    balanced: Option<NumberColumn>,
}

impl<'a, 'w> Table<'a, 'w> {
    /// A match of the anchor and some of those who are here. Takes the nodes that it visits off `nodes`.
    fn fill(&self, mut here: Vec<Guest<'w>>, counts: &mut Counts, nodes: &mut u32) -> Option<Filled> {
        let own = self.value(self.anchor.of);
        here.sort_by(|a, b| {
            let far = |guest: &Guest<'_>| (self.value(guest.of) - own).abs();
            a.group.cmp(&b.group).then(far(a).total_cmp(&far(b))).then(a.of.turn.cmp(&b.of.turn))
        });
        // What must be in it, whatever else is.
        let (mut musts, mut lacks) = (Vec::new(), Lacks::ALL.with(&self.anchor));
        let mut trial = Seating::new(self.stage);
        trial.seat(self.anchor.of, own);
        while lacks.any() {
            let fits = |guest: &Guest<'w>| lacks.wants(guest) && trial.seat(guest.of, own);
            let at = here.iter().position(fits)?;
            let guest = here.remove(at);
            lacks = lacks.with(&guest);
            musts.push(guest);
        }
        let nearest = self.nearest(&musts, &here);
        let is_whole = |seating: &Seating<'_, '_>| {
            let seated = seating.ids();
            let guests = musts.iter().chain(&here).filter(|guest| seated.contains(&guest.of.turn.id));
            let lacks = guests.fold(Lacks::ALL.with(&self.anchor), |lacks, guest| lacks.with(guest));
            seating.lacking().all(|(lacks, _)| lacks == 0)
                && seated.contains(&self.anchor.of.turn.id)
                && !lacks.any()
        };
        let mut seating = nearest;
        if !is_whole(&seating) {
            let packed = self.packed(&musts, &here, nodes).filter(|packed| is_whole(packed));
            // Those that must be in it may have taken the place that others need: they may sit anywhere, or others do.
            let freely = |nodes| {
                let all: Vec<Guest<'w>> = musts.iter().chain(&here).copied().collect();
                self.packed(&[], &all, nodes)
            };
            let packed = packed.or_else(|| if musts.is_empty() { None } else { freely(nodes) });
            seating = packed.unwrap_or(seating);
        }
        let seats = seating.seats();
        let mut holds = is_whole(&seating) && self.stage.sizes_hold(&seats);
        self.choice.weight.set(self.choice.weight.get().saturating_add(self.stage.weight(&seats)));
        let verdicts = self.stage.verdicts(&seats);
        for (at, (rule, verdict)) in self.choice.set.rules().iter().zip(verdicts).enumerate() {
            let held = verdict != Verdict::Fails;
            counts.note(at, held);
            holds &= held || !rule.counts_alone;
        }
        let players = seats.iter().map(|seat| u32::from(seat.party.size())).sum();
        holds.then(|| Filled { placed: seating.placed(self.anchor.of.turn.id), players })
    }

    fn value(&self, of: &Waiting) -> f64 {
        let of = of.parties.first().zip(self.balanced);
        of.map_or(0.0, |(party, column)| party.number(column)).max(f64::MIN)
    }

    /// The anchor, what must be in it and the nearest, as many as there are places; then whoever fits where some of
    /// them did not.
    fn nearest(&self, musts: &[Guest<'w>], here: &[Guest<'w>]) -> Seating<'a, 'w> {
        let most = self.stage.players_max();
        let mut chosen: Vec<&Waiting> = vec![self.anchor.of];
        chosen.extend(musts.iter().map(|guest| guest.of));
        let (mut players, mut others) = (chosen.iter().map(|of| of.size()).sum::<u32>(), Vec::new());
        for Guest { of, .. } in here {
            if players + of.size() > most {
                others.push(*of);
                continue;
            }
            players += of.size();
            chosen.push(of);
        }
        chosen.sort_by(|a, b| {
            let group = |of: &Waiting| (!of.is_backfill(), !of.is_apart(), Reverse(of.size()));
            group(a).cmp(&group(b)).then(self.value(b).total_cmp(&self.value(a))).then(a.turn.cmp(&b.turn))
        });
        let mut seating = Seating::new(self.stage);
        for of in chosen {
            seating.seat(of, self.value(of));
        }
        self.top_up(&mut seating, others.into_iter());
        seating
    }

    /// Seats all that fit, in their order.
    fn top_up(&self, seating: &mut Seating<'_, 'w>, others: impl Iterator<Item = &'w Waiting>) {
        // Room only shrinks: who is as large as one who found none finds none.
        let mut too_large = u32::MAX;
        for of in others {
            if of.size() < too_large && !seating.seat(of, self.value(of)) && !of.is_apart() {
                too_large = of.size();
            }
        }
    }

    /// Teams that are filled to their minimums by parties that add up to them, and then as far as can be; what must be
    /// in it has its place before.
    fn packed(&self, musts: &[Guest<'w>], here: &[Guest<'w>], nodes: &mut u32) -> Option<Seating<'a, 'w>> {
        for first in self.stage.kinds() {
            let mut seating = Seating::new(self.stage);
            let anchor = self.anchor.of;
            let sits = match anchor.is_apart() {
                true => seating.seat(anchor, self.value(anchor)),
                false => seating.seat_on(*first, anchor, self.value(anchor)),
            };
            if !sits || !musts.iter().all(|guest| seating.seat(guest.of, self.value(guest.of))) {
                continue;
            }
            let parties = || here.iter().map(|guest| guest.of).filter(|of| !of.is_apart());
            let teams: Vec<(u32, u32)> = seating.lacking().collect();
            let Some(plan) = pack(&teams, parties().map(Waiting::size), nodes) else { continue };
            let mut wanted: Vec<u32> = plan.iter().fold(Vec::new(), |mut sums, team| {
                sums.resize(sums.len().max(team.len()), 0);
                sums.iter_mut().zip(team).for_each(|(sum, parties)| *sum += parties);
                sums
            });
            let mut is_taken = |of: &&Waiting| {
                let left = wanted.get_mut(of.size() as usize).filter(|left| **left > 0);
                left.map(|left| *left -= 1).is_some()
            };
            let (mut chosen, others): (Vec<&Waiting>, Vec<&Waiting>) = parties().partition(|of| is_taken(of));
            chosen.sort_by(|a, b| {
                b.size()
                    .cmp(&a.size())
                    .then(self.value(b).total_cmp(&self.value(a)))
                    .then(a.turn.cmp(&b.turn))
            });
            seating.follow(plan, chosen.into_iter().map(|of| (of, self.value(of))));
            self.top_up(&mut seating, others.into_iter());
            return Some(seating);
        }
        None
    }
}
