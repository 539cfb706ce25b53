//! The tickets of a round whose turn is to come, in the order of their numbers.
//!
//! They lie as a list, from which each goes when its turn has passed or it is matched: so an anchor finds those who may
//! still join it on both sides of itself, without a look at any other. What is asked of a ticket first lies in the list, so
//! that a neighbour costs half a cache line and not a walk to the ticket.
use super::{
    sieve::{Limit, Traits},
    store::{Key, Store},
};
use gsm_core::{Timestamp, prefetch};
use gsm_rules::{Batching, ExpansionAge, Party, RuleKind, RuleSet, Stage};
use std::{cell::Cell, ops::RangeInclusive};

/// Tickets that are asked for one anchor of one against one; where none of so many can join it, it is left to the search.
const ASKED_MAX: u32 = 4_096;
/// So many turns before its own an anchor is brought nearer.
const AHEAD: usize = 4;
/// No place.
const END: u32 = u32::MAX;
/// A line of so few is not laid anew.
const SHORT: usize = 1_024;

/// The tickets of a round whose turn is to come.
#[derive(Debug, Clone)]
pub(super) struct Line {
    tickets: Vec<Listed>,
    /// Of each slot: where it lies.
    places: Vec<u32>,
    /// How many are left, and how many of them are news.
    left: usize,
    news_left: u32,
    /// Of each kind of players that is known: where they lie.
    givers: Vec<Vec<u32>>,
    duel: Option<Duel>,
}

/// Where the rules ask for two single players who are near in a number.
#[derive(Debug, Clone)]
struct Duel {
    /// Of each stage: so far apart may the numbers of two tickets be.
    widths: Vec<f64>,
    /// The largest of them.
    width: f64,
    /// Whether the rules ask nothing else.
    is_all: bool,
    /// Whether the newer of two tickets says the stage.
    by_newest: bool,
}

#[derive(Debug, Clone, Copy)]
struct Listed {
    number: f64,
    key: Key,
    before: u32,
    after: u32,
    traits: Traits,
    /// The stage of its own age.
    stage: u8,
    is_news: bool,
}

/// Who of a line may join an anchor, as far as the line tells.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// So far apart may the numbers be.
    pub(super) width: f64,
    /// Stages that their own age leads to.
    pub(super) stages: RangeInclusive<u8>,
    /// Where the rules limit latencies.
    pub(super) limit: Option<Limit>,
}

/// Who was passed over.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) all: Cell<u32>,
    /// Of them: for they have no location in common with the anchor.
    pub(super) far: Cell<u32>,
    /// Who was looked at, and how many of them are news.
    near: Cell<(u32, u32)>,
}

impl Wanted {
    fn lets(&self, own: Listed, other: Listed, passed: &Passed) -> bool {
        let is_far = self.limit.is_some_and(|limit| !own.traits.meets(other.traits, limit));
        let is_wanted = self.stages.contains(&other.stage) && !is_far;
        passed.all.set(passed.all.get() + u32::from(!is_wanted));
        passed.far.set(passed.far.get() + u32::from(is_far));
        is_wanted
    }
}

/// Whom an anchor plays.
pub(super) enum Partner<T> {
    /// This one.
    Found(T),
    /// Nobody; so many were out of reach who are to be asked for the anchor's sake.
    None { left_out: u32 },
    /// The search has to tell.
    Unknown,
}

impl Duel {
    fn new(set: &RuleSet, store: &Store) -> Option<Self> {
        let is_sort = |kind| matches!(kind, RuleKind::DistanceSort | RuleKind::AbsoluteSort);
        let is_sorted = set.algorithm().is_none_or(|of| of.batching == Batching::Sorted)
            || set.rules().iter().any(|rule| is_sort(rule.kind));
        if is_sorted || store.has_apart() || !set.stages().iter().all(Stage::is_duel) {
            return None;
        }
        let widths: Option<Vec<f64>> = set.stages().iter().map(|stage| store.width(stage)).collect();
        let widths = widths?;
        Some(Self {
            width: widths.iter().copied().fold(0.0, f64::max),
            widths,
            is_all: set.stages().iter().all(|stage| stage.only_within().is_some()),
            by_newest: set.expansion_age() == ExpansionAge::Newest,
        })
    }

    /// The stage that a match of two tickets is judged in.
    fn stage(&self, one: Listed, two: Listed) -> usize {
        usize::from(if self.by_newest { one.stage.min(two.stage) } else { one.stage.max(two.stage) })
    }
}

impl Line {
    /// `None` where the rules limit no number in each stage.
    pub(super) fn new(set: &RuleSet, store: &Store, round: u32, now: Timestamp) -> Option<Self> {
        if !set.stages().iter().all(|stage| store.width(stage).is_some()) {
            return None;
        }
        let has_stages = set.stages().len() > 1;
        let mut tickets = Vec::with_capacity(store.len());
        let mut news_left = 0;
        let mut places = vec![END; store.slots()];
        store.each_number(|key, mark, number| {
            let Some(place) = places.get_mut(key.slot as usize) else { return };
            let at = tickets.len() as u32;
            *place = at;
            // There are at most 64.
            let stage = if has_stages { set.stage_at(now.since(mark.started_at)) as u8 } else { 0 };
            let is_news = mark.fresh == round;
            news_left += u32::from(is_news);
            let (before, after) = (at.wrapping_sub(1), at + 1);
            tickets.push(Listed { number, key, before, after, traits: mark.traits, stage, is_news });
        });
        if let Some(last) = tickets.last_mut() {
            last.after = END;
        }
        let left = tickets.len();
        let givers = vec![Vec::new(); store.sieve().known()];
        let mut line = Self { tickets, places, left, news_left, givers, duel: Duel::new(set, store) };
        line.list_givers();
        Some(line)
    }

    fn list_givers(&mut self) {
        for (known, givers) in self.givers.iter_mut().enumerate() {
            givers.clear();
            let gives = |(_, of): &(u32, &Listed)| of.traits.gives(known);
            givers.extend((0..).zip(&self.tickets).filter(gives).map(|(at, _)| at));
        }
    }

    /// Lays the line anew when most have left it, so that neighbours lie side by side.
    pub(super) fn close_up(&mut self) {
        if self.left > self.tickets.len() / 2 || self.tickets.len() <= SHORT {
            return;
        }
        let Self { tickets, places, .. } = self;
        let mut was = 0;
        tickets.retain(|of| {
            was += 1;
            places.get(of.key.slot as usize) == Some(&(was - 1))
        });
        let last = tickets.len().saturating_sub(1) as u32;
        for (at, of) in (0_u32..).zip(tickets.iter_mut()) {
            (of.before, of.after) = (at.wrapping_sub(1), if at == last { END } else { at + 1 });
            if let Some(place) = places.get_mut(of.key.slot as usize) {
                *place = at;
            }
        }
        self.list_givers();
    }

    fn at(&self, place: u32) -> Option<Listed> {
        self.tickets.get(place as usize).copied()
    }

    fn own(&self, key: Key) -> Option<(u32, Listed)> {
        let place = *self.places.get(key.slot as usize)?;
        Some((place, self.at(place).filter(|own| own.key == key)?))
    }

    /// Has those brought nearer whose turn comes soon, so that each finds itself and its neighbours in the cache.
    #[inline]
    pub(super) fn look_ahead(&self, anchors: &[Key]) {
        let place = |ahead: usize| self.places.get(anchors.get(ahead)?.slot as usize);
        place(3 * AHEAD).into_iter().for_each(prefetch);
        let ticket = |ahead: usize| self.tickets.get(*place(ahead)? as usize);
        ticket(2 * AHEAD).into_iter().for_each(prefetch);
        if let Some(of) = ticket(AHEAD) {
            let beside = [of.before, of.after].map(|at| self.tickets.get(at as usize));
            beside.into_iter().flatten().for_each(prefetch);
        }
    }

    /// So many matches of two can still be found in it.
    pub(super) fn pairs_max(&self) -> usize {
        if self.duel.is_some() { self.left / 2 } else { 0 }
    }

    /// Takes a ticket out: its turn has passed, or it has gone.
    pub(super) fn leave(&mut self, key: Key) {
        self.left(key);
    }

    fn left(&mut self, key: Key) -> Option<Listed> {
        let (_, own) = self.own(key)?;
        self.unlist(own);
        Some(own)
    }

    /// Takes out one that is in the line.
    fn unlist(&mut self, own: Listed) {
        self.left -= 1;
        self.news_left -= u32::from(own.is_news);
        // Once only: those beside it may go later.
        if let Some(gone) = self.places.get_mut(own.key.slot as usize) {
            *gone = END;
        }
        if let Some(ticket) = self.tickets.get_mut(own.before as usize) {
            ticket.after = own.after;
        }
        if let Some(ticket) = self.tickets.get_mut(own.after as usize) {
            ticket.before = own.before;
        }
    }

    /// The wanted tickets, those nearest to the anchor first, and whether they are news; `None` where the anchor is not in
    /// the line. Notes who was passed over.
    pub(super) fn near<'l>(
        &'l self,
        anchor: Key,
        wanted: &'l Wanted,
        passed: &'l Passed,
        store: &'l Store,
    ) -> Option<impl Iterator<Item = (Key, bool)> + use<'l>> {
        let (_, own) = self.own(anchor)?;
        let within = move |walk: &mut Walk| walk.next(self).filter(|(_, apart)| *apart <= wanted.width);
        // Two walk ahead, so that the tickets and then what they bring are in the cache when they are asked.
        let (mut walk, mut second, mut first) = (Walk::from(own), Walk::from(own), Walk::from(own));
        let may_come = move |(of, _): &(Listed, f64)| wanted.lets(own, *of, &Passed::default());
        let mut first = move || {
            within(&mut first).filter(may_come).into_iter().for_each(|(of, _)| store.prefetch(of.key))
        };
        let mut second = move || {
            let of = within(&mut second).filter(may_come).and_then(|(of, _)| store.at(of.key.slot)?.party());
            of.into_iter().for_each(Party::prefetch);
        };
        (0..2 * AHEAD).for_each(|_| first());
        (0..AHEAD).for_each(|_| second());
        let next = move || {
            first();
            second();
            within(&mut walk)
        };
        let all = std::iter::from_fn(next).map(|(of, _)| of).inspect(|of| {
            let (near, news) = passed.near.get();
            passed.near.set((near + 1, news + u32::from(of.is_news)));
        });
        Some(all.filter(move |of| wanted.lets(own, *of, passed)).map(|of| (of.key, of.is_news)))
    }

    /// How many are out of the reach of an anchor in the line who are to be asked for its sake: those that are left, or
    /// where the anchor itself is no news the news among them.
    pub(super) fn left_out(&self, is_news: bool, passed: &Passed) -> u32 {
        let (near, news) = passed.near.get();
        if is_news {
            (self.left as u32).saturating_sub(near + 1)
        } else {
            self.news_left.saturating_sub(news)
        }
    }

    /// Whether the wanted tickets that bring something of a need have `needed` of it; `brings` tells how much each has.
    /// True where the anchor is not in the line.
    pub(super) fn has(
        &self,
        anchor: Key,
        need: usize,
        (wanted, passed): (&Wanted, &Passed),
        needed: u32,
        mut brings: impl FnMut(Key) -> u32,
    ) -> bool {
        let (Some((place, own)), Some(givers)) = (self.own(anchor), self.givers.get(need)) else {
            return true;
        };
        let (below, above) = givers.split_at(givers.partition_point(|at| *at < place));
        let near = |at: &u32| self.at(*at).filter(|of| (of.number - own.number).abs() <= wanted.width);
        let below = below.iter().rev().map_while(near);
        let mut found = 0;
        for of in above.iter().map_while(near).chain(below) {
            if found >= needed {
                break;
            }
            let waits = of.key != own.key && self.own(of.key).is_some();
            if waits && wanted.lets(own, of, passed) {
                found += brings(of.key);
            }
        }
        found >= needed
    }

    /// One against one: the nearest that waits and whom the rules let play the anchor; where they ask more than that the
    /// numbers are near, `can_play` tells, and adds what it weighs. The anchor's turn has passed then, and its partner has left
    /// the line.
    pub(super) fn duel(
        &mut self,
        anchor: Key,
        asked: &mut u32,
        mut can_play: impl FnMut(Key, usize, &mut u32) -> bool,
    ) -> Partner<Key> {
        if self.duel.is_none() {
            return Partner::Unknown;
        }
        let Some(own) = self.left(anchor) else { return Partner::None { left_out: 0 } };
        let (mut near, mut near_news) = (0, 0);
        let mut walk = Walk::from(own);
        let most = asked.saturating_add(ASKED_MAX);
        loop {
            let next = walk.next(self).zip(self.duel.as_ref());
            let Some(((other, apart), duel)) = next.filter(|((_, apart), duel)| *apart <= duel.width) else {
                let (left, near) =
                    if own.is_news { (self.left as u32, near) } else { (self.news_left, near_news) };
                return Partner::None { left_out: left.saturating_sub(near) };
            };
            if *asked >= most {
                return Partner::Unknown;
            }
            *asked += 1;
            let stage = duel.stage(own, other);
            let is_near = duel.widths.get(stage).is_some_and(|width| apart <= *width);
            near += u32::from(is_near);
            near_news += u32::from(is_near && other.is_news);
            if is_near && (own.is_news || other.is_news) && (duel.is_all || can_play(other.key, stage, asked))
            {
                self.unlist(other);
                return Partner::Found(other.key);
            }
        }
    }
}

/// A walk away from a ticket, on both sides of it.
struct Walk {
    number: f64,
    below: u32,
    above: u32,
}

impl Walk {
    fn from(own: Listed) -> Self {
        Self { number: own.number, below: own.before, above: own.after }
    }

    /// The next nearest, and how far away it is.
    fn next(&mut self, line: &Line) -> Option<(Listed, f64)> {
        let apart = |of: Option<Listed>| of.map_or(f64::INFINITY, |of| (of.number - self.number).abs());
        let (under, over) = (line.at(self.below), line.at(self.above));
        let (under_apart, over_apart) = (apart(under), apart(over));
        if under_apart < over_apart {
            let under = under?;
            self.below = under.before;
            Some((under, under_apart))
        } else {
            let over = over?;
            self.above = over.after;
            Some((over, over_apart))
        }
    }
}
