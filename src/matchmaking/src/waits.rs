//! How long a ticket will wait, told so that it can be held to it.
//!
//! Recent waits of tickets like it (same nearest location, size of party and band of skill; the whole queue where there
//! are too few) give the quantiles of Kaplan and Meier, in which a ticket that left counts as long as it waited. The
//! quantiles are then stretched by a factor that learns from how earlier statements held: adaptive conformal inference
//! (Gibbs and Candès 2021) in its multiplicative form, so that nine of ten tickets end inside the p90 whatever the waits look
//! like and however load changes. That a statement has failed is known, and counts, when its time is over, not when
//! its ticket ends.
use gsm_core::{Map, Millis, TicketId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Recent waits of a cell.
const RECENT_MAX: usize = 128;
/// Waits that a cell needs before it speaks; fewer in the cell of the whole queue.
const CELL_MIN: usize = 40;
const QUEUE_MIN: usize = 10;
/// The least that is said: a turn of the matcher.
const LEAST_MS: f64 = 100.0;
/// The share of statements that may fail by the p90: a little less than a tenth, because their errors are known late and
/// waits grow while a queue fills.
const P90_MISS: f64 = 0.09;
/// What one failed statement stretches the p90 by, as a logarithm, is this times the share that may hold; one that held shrinks
/// it by this times the share that may fail. Of the p50 both are a half.
const P90_RATE: f64 = 0.1;
/// What a queue's first p90 is stretched by, as a logarithm: those who wait longest have not ended yet.
const P90_START: f64 = 0.3;
const P50_RATE: f64 = 0.04;
/// Open statements that halve the rate: the more are not yet decided, the later their errors are known.
const OPEN_HALF: f64 = 20.0;
/// Bound of the factors, as a logarithm.
const FACTOR_MAX: f64 = 4.0;
/// Beyond everything seen lately, so much more than a ticket has waited.
const BEYOND: f64 = 1.5;
/// Locations that are told apart, and sizes of parties.
const REGIONS_MAX: usize = 64;
const SIZE_MAX: u8 = 10;
/// Where bands of skill end, in deviations from the mean of late.
const BANDS: [f64; 4] = [-1.5, -0.5, 0.5, 1.5];
/// Tickets over which the mean and deviation of skill are taken.
const SKILL_MEMORY: f64 = 1_024.0;

/// What a wait depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WaitFacts<'a> {
    /// The location that is nearest to the players.
    pub region: Option<&'a str>,
    /// Their mean skill.
    pub skill: Option<f64>,
    /// How many they are.
    pub size: usize,
}

/// The location that is nearest to players in the mean, of those to which all have a latency; of equals the first by name.
#[must_use]
pub fn nearest_region<'a>(
    players: impl Iterator<Item = &'a BTreeMap<String, u32>> + Clone,
) -> Option<&'a str> {
    let first = players.clone().next()?;
    let sum =
        |name: &String| players.clone().map(|to| to.get(name).map(|ms| u64::from(*ms))).sum::<Option<u64>>();
    let nearest = first.keys().filter_map(|name| Some((sum(name)?, name))).min();
    nearest.map(|(_, name)| name.as_str())
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitEnd {
    /// In a match, or because the ticket's time was up.
    Over,
    /// The ticket left, and would have waited longer.
    Left,
}

/// How long a ticket waits in all, from its arrival to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitEstimate {
    /// Half of the tickets end inside this.
    pub p50: Millis,
    /// Nine of ten do.
    pub p90: Millis,
}

/// The waits of one queue.
#[derive(Debug, Clone, Default)]
pub struct WaitModel {
    cells: Vec<Cell>,
    places: BTreeMap<Place, usize>,
    regions: BTreeMap<String, u8>,
    skill: Skill,
    waiting: Map<TicketId, Waiting>,
    /// When statements will have failed.
    due: BTreeSet<(Timestamp, TicketId)>,
}

/// Which cell: the location, the band and the size, as far as they are told apart.
type Place = (Option<u8>, Option<(u8, u8)>);

/// Tickets that are alike.
#[derive(Debug, Clone)]
struct Cell {
    recent: VecDeque<(u64, WaitEnd)>,
    /// Logarithms of what the quantiles are stretched by.
    p50_factor: f64,
    p90_factor: f64,
    /// Statements that neither held nor failed yet.
    open: usize,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    since: Timestamp,
    region: Option<u8>,
    band: u8,
    size: u8,
    /// What was said when it came, and by which cell.
    stated: Option<(usize, WaitEstimate)>,
}

/// Mean and variance of late.
#[derive(Debug, Clone, Copy, Default)]
struct Skill {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Skill {
    /// The band of a skill, which then counts.
    fn band(&mut self, skill: f64) -> u8 {
        let deviation = self.variance.sqrt();
        let z = if deviation > 0.0 { (skill - self.mean) / deviation } else { 0.0 };
        self.count = (self.count + 1.0).min(SKILL_MEMORY);
        let off = skill - self.mean;
        self.mean += off / self.count;
        self.variance += (off * off - self.variance) / self.count;
        BANDS.iter().filter(|end| z >= **end).count() as u8
    }
}

impl Cell {
    fn note(&mut self, wait: u64, end: WaitEnd) {
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((wait, end));
    }

    /// The ages that half, and nine of ten, of those do not outlast that have waited so long.
    fn quantiles(&self, waited: u64) -> (f64, f64) {
        let mut waits: Vec<(u64, WaitEnd)> = self.recent.iter().copied().collect();
        waits.sort_unstable_by_key(|(wait, end)| (*wait, *end == WaitEnd::Left));
        let waits =
            waits.get(waits.partition_point(|(wait, _)| *wait <= waited && waited > 0)..).unwrap_or(&[]);
        let most = waits.last().map_or(waited, |(wait, _)| *wait) as f64;
        let mut left = 1.0;
        let (mut half, mut most_of) = (None, None);
        for (nth, (wait, end)) in waits.iter().enumerate() {
            if *end == WaitEnd::Over {
                left *= 1.0 - 1.0 / (waits.len() - nth) as f64;
            }
            if left <= 0.5 {
                half.get_or_insert(*wait as f64);
            }
            if left <= 0.1 {
                most_of.get_or_insert(*wait as f64);
                break;
            }
        }
        (half.unwrap_or(most * BEYOND), most_of.unwrap_or(most * BEYOND))
    }

    fn estimate(&self, waited: u64) -> WaitEstimate {
        let (half, most) = self.quantiles(waited);
        let least = waited as f64 + LEAST_MS;
        let p50 = (half.max(LEAST_MS) * libm::exp(self.p50_factor)).max(if waited > 0 { least } else { 0.0 });
        let p90 = (most.max(LEAST_MS) * libm::exp(self.p90_factor))
            .max(if waited > 0 { least } else { 0.0 })
            .max(p50);
        WaitEstimate { p50: Millis::new(p50.ceil() as u64), p90: Millis::new(p90.ceil() as u64) }
    }

    /// A statement is decided: whether its ticket ended inside the p90.
    fn learn_p90(&mut self, held: bool) {
        let rate = P90_RATE / (1.0 + self.open as f64 / OPEN_HALF);
        self.p90_factor = stretched(self.p90_factor, rate * if held { -P90_MISS } else { 1.0 - P90_MISS });
        self.open = self.open.saturating_sub(1);
    }

    fn learn_p50(&mut self, held: bool) {
        let rate = P50_RATE / (1.0 + self.open as f64 / OPEN_HALF);
        self.p50_factor = stretched(self.p50_factor, rate * if held { -0.5 } else { 0.5 });
    }
}

fn stretched(factor: f64, by: f64) -> f64 {
    (factor + by).clamp(-FACTOR_MAX, FACTOR_MAX)
}

impl WaitModel {
    /// A ticket begins to wait; one that waits already goes on.
    pub fn came(&mut self, id: TicketId, facts: WaitFacts<'_>, at: Timestamp) {
        self.pass(at);
        if self.waiting.contains_key(&id) {
            return;
        }
        let region = facts.region.and_then(|name| self.region(name));
        let band = facts.skill.filter(|skill| skill.is_finite()).map_or(2, |skill| self.skill.band(skill));
        let size = u8::try_from(facts.size).unwrap_or(SIZE_MAX).min(SIZE_MAX);
        let mut waiting = Waiting { since: at, region, band, size, stated: None };
        waiting.stated =
            self.speaker(&waiting).and_then(|cell| Some((cell, self.cells.get(cell)?.estimate(0))));
        if let Some((cell, stated)) = waiting.stated {
            if let Some(cell) = self.cells.get_mut(cell) {
                cell.open += 1;
            }
            self.due.insert((overdue(at, stated.p90), id));
        }
        self.waiting.insert(id, waiting);
    }

    /// A ticket ended; nothing happens if it did not wait.
    pub fn ended(&mut self, id: TicketId, at: Timestamp, end: WaitEnd) {
        self.pass(at);
        let Some(waiting) = self.waiting.remove(&id) else { return };
        let wait = at.since(waiting.since);
        if let Some((cell, stated)) = waiting.stated {
            let is_open = self.due.remove(&(overdue(waiting.since, stated.p90), id));
            if let Some(cell) = self.cells.get_mut(cell) {
                if is_open {
                    cell.learn_p90(true);
                }
                cell.learn_p50(wait <= stated.p50);
            }
        }
        for place in places(&waiting) {
            let at = self.cell(place);
            if let Some(cell) = self.cells.get_mut(at) {
                cell.note(wait.get(), end);
            }
        }
    }

    /// What was said of a waiting ticket when it came.
    #[must_use]
    pub fn stated(&self, id: TicketId) -> Option<WaitEstimate> {
        self.waiting.get(&id)?.stated.map(|(_, stated)| stated)
    }

    /// What is to be said of a waiting ticket now, that has waited so long: nothing until enough tickets have ended.
    #[must_use]
    pub fn estimate(&self, id: TicketId, now: Timestamp) -> Option<WaitEstimate> {
        let waiting = self.waiting.get(&id)?;
        let cell = self.cells.get(self.speaker(waiting)?)?;
        Some(cell.estimate(now.since(waiting.since).get()))
    }

    /// Statements whose time is over have failed.
    fn pass(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, id));
            let cell = self.waiting.get(&id).and_then(|waiting| waiting.stated).map(|(cell, _)| cell);
            if let Some(cell) = cell.and_then(|cell| self.cells.get_mut(cell)) {
                cell.learn_p90(false);
            }
        }
    }

    fn region(&mut self, name: &str) -> Option<u8> {
        if let Some(known) = self.regions.get(name) {
            return Some(*known);
        }
        let next = u8::try_from(self.regions.len()).ok().filter(|_| self.regions.len() < REGIONS_MAX)?;
        self.regions.insert(name.to_owned(), next);
        Some(next)
    }

    /// The cell of tickets like it that has seen enough: the narrowest.
    fn speaker(&self, waiting: &Waiting) -> Option<usize> {
        places(waiting).find_map(|place| {
            let at = *self.places.get(&place)?;
            let least = if place == (None, None) { QUEUE_MIN } else { CELL_MIN };
            (self.cells.get(at)?.recent.len() >= least).then_some(at)
        })
    }

    fn cell(&mut self, place: Place) -> usize {
        if let Some(at) = self.places.get(&place) {
            return *at;
        }
        // What the whole queue has learnt so far is the best guess.
        let (p50_factor, p90_factor) = self
            .places
            .get(&(None, None))
            .and_then(|at| self.cells.get(*at))
            .map_or((0.0, P90_START), |cell| (cell.p50_factor, cell.p90_factor));
        self.places.insert(place, self.cells.len());
        self.cells.push(Cell { recent: VecDeque::new(), p50_factor, p90_factor, open: 0 });
        self.cells.len() - 1
    }
}

/// The cells that a ticket belongs to, the narrowest first, each once.
fn places(waiting: &Waiting) -> impl Iterator<Item = Place> {
    let alike = Some((waiting.band, waiting.size));
    let near = waiting.region.map(|region| (Some(region), None));
    [(waiting.region, alike)].into_iter().chain(near).chain([(None, None)])
}

/// The first instant at which a ticket has outlasted what was said.
fn overdue(since: Timestamp, stated: Millis) -> Timestamp {
    since.saturating_add(Millis::new(stated.get().saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(region: &str) -> WaitFacts<'_> {
        WaitFacts { region: Some(region), skill: Some(1_500.0), size: 1 }
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms as i64)
    }

    /// Tickets come every 100 ms and wait as said; the share of the statements of the second half that held.
    fn coverage(
        count: u64,
        wait: impl Fn(u64) -> (u64, WaitEnd),
        region: impl Fn(u64) -> &'static str,
    ) -> f64 {
        let mut model = WaitModel::default();
        let mut ends: BTreeSet<(u64, u64)> = BTreeSet::new();
        let (mut held, mut said) = (0, 0);
        for nth in 0..count {
            let now = nth * 100;
            while let Some((end, of)) = ends.first().copied().filter(|(end, _)| *end <= now) {
                ends.remove(&(end, of));
                model.ended(TicketId::from_u128(of.into()), at(end), wait(of).1);
            }
            let id = TicketId::from_u128(nth.into());
            model.came(id, facts(region(nth)), at(now));
            if let Some(stated) = model.stated(id).filter(|_| nth > count / 2) {
                said += 1;
                held += u64::from(wait(nth).0 <= stated.p90.get());
            }
            ends.insert((now + wait(nth).0, nth));
        }
        held as f64 / f64::from(said)
    }

    /// Even in 0..1, from a number.
    fn chance(nth: u64) -> f64 {
        let mut z = nth.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn check(wait: impl Fn(u64) -> (u64, WaitEnd), region: impl Fn(u64) -> &'static str) {
        let share = coverage(8_000, wait, region);
        assert!((0.87..=0.93).contains(&share), "{share} of the statements held");
    }

    #[test]
    fn nine_of_ten_statements_hold_whatever_waits_are_like() {
        let tail = |nth: u64| (1_000.0 / (1.0 - chance(nth)).powf(0.8)) as u64;
        check(|nth| ((chance(nth) * 60_000.0) as u64, WaitEnd::Over), |_| "eu");
        check(|nth| (tail(nth).min(600_000), WaitEnd::Over), |_| "eu");
        check(|nth| (if chance(nth) < 0.5 { 0 } else { 30_000 + nth % 900 }, WaitEnd::Over), |_| "eu");
        check(
            |nth| ((chance(nth) * 60_000.0) as u64, if nth % 3 == 0 { WaitEnd::Left } else { WaitEnd::Over }),
            |_| "eu",
        );
    }

    #[test]
    fn statements_hold_where_waits_grow_and_shrink() {
        let swing = |nth: u64| if (nth / 1_000).is_multiple_of(2) { 5_000.0 } else { 60_000.0 };
        check(|nth| ((chance(nth) * swing(nth)) as u64, WaitEnd::Over), |_| "eu");
    }

    #[test]
    fn tickets_of_a_far_region_are_told_their_own_waits() {
        let region = |nth: u64| if nth.is_multiple_of(20) { "sa" } else { "eu" };
        let wait = |nth: u64| if region(nth) == "sa" { 120_000 } else { 2_000 };
        let mut model = WaitModel::default();
        for nth in 0..2_000 {
            let id = TicketId::from_u128(nth.into());
            model.came(id, facts(region(nth)), at(nth));
            model.ended(id, at(nth + wait(nth)), WaitEnd::Over);
        }
        let said = |model: &mut WaitModel, name, id: u128| {
            model.came(TicketId::from_u128(id), facts(name), at(3_000_000));
            model.stated(TicketId::from_u128(id)).unwrap()
        };
        let (eu, sa) = (said(&mut model, "eu", 9_001), said(&mut model, "sa", 9_002));
        assert!(eu.p90 < Millis::from_secs(10) && sa.p50 > Millis::from_secs(50), "{eu:?} {sa:?}");
    }

    #[test]
    fn nothing_is_said_until_ten_have_ended_wherever_they_are() {
        for region in [Some("eu"), None] {
            let mut model = WaitModel::default();
            let told = |model: &mut WaitModel, nth: u64| {
                let (id, facts) = (TicketId::from_u128(nth.into()), WaitFacts { region, ..facts("eu") });
                model.came(id, facts, at(nth * 1_000));
                let told = model.stated(id);
                model.ended(id, at(nth * 1_000 + 500), WaitEnd::Over);
                told.is_some()
            };
            let told: Vec<bool> = (0..12).map(|nth| told(&mut model, nth)).collect();
            assert_eq!(told.iter().position(|told| *told), Some(QUEUE_MIN), "{region:?}");
        }
    }

    #[test]
    fn who_has_waited_is_told_more_than_that_and_who_is_gone_nothing() {
        let mut model = WaitModel::default();
        let id = TicketId::from_u128(1);
        model.came(id, facts("eu"), at(0));
        assert_eq!(model.estimate(id, at(0)), None, "nothing has ended yet");
        for nth in 0..200 {
            let other = TicketId::from_u128(100 + nth);
            model.came(other, facts("eu"), at(0));
            model.ended(other, at(nth as u64 * 100), WaitEnd::Over);
        }
        for waited in [1, 5_000, 15_000, 19_900, 300_000] {
            let said = model.estimate(id, at(waited)).unwrap();
            assert!(said.p50.get() > waited && said.p90 >= said.p50, "{said:?} after {waited}");
        }
        model.ended(id, at(20_000), WaitEnd::Left);
        assert_eq!((model.estimate(id, at(0)), model.stated(id)), (None, None));
        model.ended(id, at(20_000), WaitEnd::Left);
    }
}
