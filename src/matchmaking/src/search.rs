//! The search for the match of one ticket, the anchor.
//!
//! The match found is the one of least spread that holds the anchor (free-for-all: of the most players, then of
//! least spread). Candidates come nearest in skill first, from both sides and all party sizes. When a candidate
//! comes, every interval of skill that ends at it and holds the anchor is tried: its spread decides who in it may
//! take part (those whose window is at least the spread), and [`pack`] whether they fill the teams.
//!
//! A candidate is dropped when as many as a match can use are nearer, of its size, on its side, and with windows as
//! wide: each could take its place. So few are kept, whatever the pool. The search ends when the next candidate is
//! farther than the anchor's window, or than the spread of a full match already found.
use crate::{
    index::{Index, Outward, Side, SkillKey, Waiting},
    packing::{Counts, pack, packs},
    rules::{Format, MatchRules},
};
use gsm_core::{TicketId, Timestamp};

/// Counts work units against a budget.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    pub(crate) used: u32,
    budget: u32,
}

impl Meter {
    pub(crate) fn new(budget: u32) -> Self {
        Self { used: 0, budget }
    }
    pub(crate) fn spend(&mut self, units: u32) {
        self.used = self.used.saturating_add(units);
    }
    pub(crate) fn is_spent(&self) -> bool {
        self.used >= self.budget
    }
}

/// What a search looks at.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) index: &'a Index,
    pub(crate) rules: &'a MatchRules,
    /// The instant at which windows are taken.
    pub(crate) now: Timestamp,
}

impl View<'_> {
    pub(crate) fn window(&self, of: &Waiting) -> f64 {
        self.rules.window.after(self.now.since(of.queued_at))
    }

    /// Players of the smallest match whose longest waiting ticket waits since `queued_at`.
    pub(crate) fn players_min(&self, queued_at: Timestamp) -> usize {
        self.rules.format.players_min(self.now.since(queued_at))
    }

    /// Since when the longest waiting of all waits (`who` among them).
    pub(crate) fn longest(&self, who: &Waiting) -> Timestamp {
        self.index.by_age(None).next().map_or(who.queued_at, |oldest| oldest.queued_at)
    }
}

/// A candidate that may be of use.
#[derive(Clone, Copy, Debug)]
struct Kept {
    who: Waiting,
    /// Its window or the anchor's, whichever is narrower.
    window: f64,
    /// Players of its side up to and with it.
    upto: usize,
}

/// How far one order of the index has been walked. Plain data: it outlives the step.
#[derive(Clone, Debug)]
struct Frontier {
    side: Side,
    size: usize,
    last: SkillKey,
    /// Tickets of this size that one match can use beside the anchor.
    usable: usize,
    /// The widest windows met, at most `usable`, ascending.
    widest: Vec<f64>,
}

impl Frontier {
    /// A ticket with a window no wider than this can be replaced by `usable` nearer ones.
    fn beaten(&self) -> f64 {
        if self.widest.len() < self.usable {
            return f64::NEG_INFINITY;
        }
        self.widest.first().copied().unwrap_or(f64::INFINITY)
    }

    fn note(&mut self, window: f64) {
        if self.widest.len() >= self.usable && !self.widest.is_empty() {
            self.widest.remove(0);
        }
        let at = self.widest.partition_point(|&w| w < window);
        self.widest.insert(at, window);
    }
}

#[derive(Clone, Copy, Debug)]
struct Best {
    players: usize,
    spread: f64,
    /// How many kept of each side its interval holds.
    weaker: usize,
    stronger: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Search {
    pub(crate) anchor: Waiting,
    /// Leave out tickets that wait longer than the anchor: they had their turn.
    younger_only: bool,
    window: f64,
    /// Players of the smallest match that any ticket in question takes.
    players_min: usize,
    started: bool,
    frontiers: Vec<Frontier>,
    weaker: Vec<Kept>,
    stronger: Vec<Kept>,
    best: Option<Best>,
    /// The interval to go on with, when the meter was spent among those of one candidate: its side, and how many kept
    /// of the other side.
    resume: Option<(Side, usize)>,
}

impl Search {
    pub(crate) fn new(anchor: Waiting, younger_only: bool, view: View<'_>) -> Self {
        let longest = if younger_only { anchor.queued_at } else { view.longest(&anchor) };
        Self {
            anchor,
            younger_only,
            window: view.window(&anchor),
            players_min: view.players_min(longest),
            started: false,
            frontiers: Vec::new(),
            weaker: Vec::new(),
            stronger: Vec::new(),
            best: None,
            resume: None,
        }
    }

    /// Whether the search rests on this ticket.
    pub(crate) fn touches(&self, id: TicketId) -> bool {
        self.anchor.id == id || self.weaker.iter().chain(&self.stronger).any(|kept| kept.who.id == id)
    }

    /// Goes on until the answer is known (`true`) or the meter spent (`false`; at most one packing late).
    /// `view` must have the same rules and instant each time.
    pub(crate) fn run(&mut self, view: View<'_>, meter: &mut Meter) -> bool {
        if !self.started {
            meter.spend(1);
            let mut others = view.index.counts();
            others.take(self.anchor.size);
            if self.fill(view.rules.format, &others, self.players_min, meter).is_none() {
                return true;
            }
            self.open(view.rules.format, &others);
            self.started = true;
        }
        if let Some((side, taken)) = self.resume.take() {
            self.try_intervals(side, Some(taken), view, meter);
        }
        let mut streams: Vec<Stream<'_>> =
            self.frontiers.iter().map(|f| Stream::open(f, view.index)).collect();
        while !meter.is_spent() {
            let Some((at, who, distance)) = nearest(&streams, self.anchor.skill) else { return true };
            if distance > self.window || self.best_full(view).is_some_and(|best| distance >= best.spread) {
                return true;
            }
            meter.spend(1);
            let (Some(frontier), Some(stream)) = (self.frontiers.get_mut(at), streams.get_mut(at)) else {
                return true;
            };
            frontier.last = who.by_skill();
            stream.advance();
            let window = view.window(&who).min(self.window);
            let out = self.younger_only && who.age() < self.anchor.age();
            if out || window < distance || window <= frontier.beaten() {
                continue;
            }
            frontier.note(window);
            if frontier.beaten() >= self.window {
                stream.close();
                frontier.usable = 0;
            }
            let side = frontier.side;
            self.keep(side, who, window);
            self.try_intervals(side, None, view, meter);
        }
        false
    }

    fn open(&mut self, format: Format, others: &Counts) {
        let (places, side_size) = (format.players_max(), format.side_size());
        for size in 1..=side_size {
            let usable = (places / side_size * (side_size / size)).min((places - self.anchor.size) / size);
            if usable == 0 || others.get(size) == 0 {
                continue;
            }
            for side in [Side::Weaker, Side::Stronger] {
                let last = self.anchor.by_skill();
                self.frontiers.push(Frontier { side, size, last, usable, widest: Vec::new() });
            }
        }
    }

    fn kept(&self, side: Side) -> &[Kept] {
        match side {
            Side::Weaker => &self.weaker,
            Side::Stronger => &self.stronger,
        }
    }

    fn keep(&mut self, side: Side, who: Waiting, window: f64) {
        let upto = self.kept(side).last().map_or(0, |kept| kept.upto) + who.size;
        match side {
            Side::Weaker => self.weaker.push(Kept { who, window, upto }),
            Side::Stronger => self.stronger.push(Kept { who, window, upto }),
        }
    }

    fn best_full(&self, view: View<'_>) -> Option<Best> {
        self.best.filter(|best| best.players == view.rules.format.players_max())
    }

    /// Players of the match that the anchor and some of `others` make, if they make one (free-for-all: of at least
    /// `players_min`).
    fn fill(&self, format: Format, others: &Counts, players_min: usize, meter: &mut Meter) -> Option<usize> {
        match format {
            Format::Teams { teams, size } => {
                packs(teams, size, self.anchor.size, others, &mut meter.used).then_some(teams * size)
            }
            Format::FreeForAll { max, .. } => {
                let players = (self.anchor.size + others.get(1)).min(max);
                (self.anchor.size == 1 && players >= players_min).then_some(players)
            }
        }
    }

    /// Tries the intervals from the newest of `side` to the anchor and each kept on the other side, from the one with
    /// `resume` of these on. Leaves the rest to [`Search::resume`] when the meter is spent.
    fn try_intervals(&mut self, side: Side, resume: Option<usize>, view: View<'_>, meter: &mut Meter) {
        let (near, far) = match side {
            Side::Weaker => (&self.weaker, &self.stronger),
            Side::Stronger => (&self.stronger, &self.weaker),
        };
        let Some(end) = near.last() else { return };
        let full = view.rules.format.players_max();
        let (mut best, mut unfinished) = (self.best, None);
        let others_min = self.players_min.saturating_sub(self.anchor.size);
        let first = match others_min.saturating_sub(end.upto) {
            0 => 0,
            missing => far.partition_point(|kept| kept.upto < missing) + 1,
        };
        for taken in resume.unwrap_or(first)..=far.len() {
            let other = taken.checked_sub(1).and_then(|at| far.get(at));
            let spread = (end.who.skill - other.map_or(self.anchor.skill, |kept| kept.who.skill)).abs();
            if spread > end.window || best.is_some_and(|b| b.players == full && spread >= b.spread) {
                break;
            }
            if other.is_some_and(|kept| kept.window < spread) {
                continue;
            }
            if meter.is_spent() {
                unfinished = Some((side, taken));
                break;
            }
            meter.spend(1);
            let (mut counts, mut longest) = (Counts::default(), self.anchor.queued_at);
            let inside = near.iter().chain(far.iter().take(taken));
            for kept in inside.filter(|kept| kept.window >= spread) {
                counts.add(kept.who.size);
                longest = longest.min(kept.who.queued_at);
            }
            let players_min = view.players_min(longest);
            let Some(players) = self.fill(view.rules.format, &counts, players_min, meter) else { continue };
            if best.is_none_or(|b| players > b.players || (players == b.players && spread < b.spread)) {
                let (weaker, stronger) = match side {
                    Side::Weaker => (near.len(), taken),
                    Side::Stronger => (taken, near.len()),
                };
                best = Some(Best { players, spread, weaker, stronger });
            }
        }
        (self.best, self.resume) = (best, unfinished);
    }

    /// The tickets of the match found, longest waiting first; `None` when there is none.
    pub(crate) fn pick(&self, format: Format) -> Option<Vec<Waiting>> {
        let best = self.best?;
        let inside = self.weaker.iter().take(best.weaker).chain(self.stronger.iter().take(best.stronger));
        let mut inside: Vec<Waiting> =
            inside.filter(|kept| kept.window >= best.spread).map(|kept| kept.who).collect();
        let mut wanted = Counts::default();
        match format {
            Format::FreeForAll { .. } => wanted.set(1, best.players - 1),
            Format::Teams { teams, size } => {
                let mut others = Counts::default();
                inside.iter().for_each(|who| others.add(who.size));
                for bin in pack(teams, size, self.anchor.size, &others, &mut 0)? {
                    (1..=size).for_each(|n| wanted.set(n, wanted.get(n) + bin.get(n)));
                }
                wanted.take(self.anchor.size);
            }
        }
        inside.sort_by(|a, b| {
            let distance = |who: &Waiting| (who.skill - self.anchor.skill).abs();
            distance(a).total_cmp(&distance(b)).then(a.id.cmp(&b.id))
        });
        inside.retain(|who| {
            let take = wanted.get(who.size) > 0;
            wanted.take(who.size);
            take
        });
        inside.push(self.anchor);
        inside.sort_by_key(Waiting::age);
        Some(inside)
    }
}

/// An order of the index being walked, with the next ticket in hand.
struct Stream<'a> {
    order: Outward<'a>,
    head: Option<Waiting>,
}

impl<'a> Stream<'a> {
    fn open(frontier: &Frontier, index: &'a Index) -> Self {
        let mut order = index.outward(frontier.size, frontier.side, frontier.last);
        let head = if frontier.usable == 0 { None } else { order.next() };
        Self { order, head }
    }
    fn advance(&mut self) {
        self.head = self.order.next();
    }
    fn close(&mut self) {
        self.head = None;
    }
}

/// The stream whose next ticket is nearest to `skill`, of equal ones the first.
fn nearest(streams: &[Stream<'_>], skill: f64) -> Option<(usize, Waiting, f64)> {
    let heads = streams.iter().enumerate().filter_map(|(at, stream)| {
        let who = stream.head?;
        Some((at, who, (who.skill - skill).abs()))
    });
    heads.min_by(|a, b| a.2.total_cmp(&b.2))
}
