//! Traffic put through a pool, under a virtual clock.
use crate::{
    answers::settle,
    made::judge,
    ran::{End, Fate, Made, Ran, Setup},
    ticket::{ruled_ticket, ticket_id},
    traffic::{Arrival, Traffic},
};
use gsm_core::{Millis, Timestamp};
use gsm_matchmaking::{RulePool, RuledMatch, WaitEnd, WaitFacts, WaitModel};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Work units of one step, as the engine gives them.
const STEP_WORK: u32 = 100_000;
/// Steps at one time at most, about as many as a server does in a turn; a pool that needs more goes on a turn later.
const STEPS_MAX: usize = 2;
/// A pool that nobody comes to is looked at so often: searches that were cut go on. By an objective it has every turn, as at
/// a server: prices grow.
const QUIET: Millis = Millis::from_secs(1);
/// Points of waiting tickets over time.
pub(crate) const SAMPLES: usize = 240;

/// What happens to a ticket or proposal by itself. In the order in which they count at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Settled(usize),
    TimeOut(usize),
    GiveUp(usize),
    /// A ticket reaches another stage.
    Stage,
}

/// Runs traffic to its end. `progress` is told the time that has come, now and then.
#[must_use]
pub fn run(setup: &Setup, traffic: &Traffic, progress: &mut dyn FnMut(Millis)) -> Ran {
    let mut world = World::new(setup, traffic);
    let mut told = 0_u64;
    while let Some(now) = world.next() {
        world.catch_up(now);
        world.step(now);
        told += 1;
        if told.is_multiple_of(256) {
            progress(now);
        }
    }
    progress(traffic.until);
    world.end()
}

struct Proposal {
    tickets: Vec<usize>,
    made: Made,
    begins: bool,
    out: Vec<bool>,
}

struct World<'a> {
    setup: &'a Setup,
    traffic: &'a Traffic,
    pool: RulePool,
    waits: WaitModel,
    fates: Vec<Fate>,
    made: Vec<Made>,
    events: BTreeSet<(Millis, Event)>,
    proposals: BTreeMap<usize, Proposal>,
    proposed: usize,
    failed_proposals: usize,
    /// Tickets of open proposals.
    in_proposal: BTreeSet<usize>,
    /// How often each ticket was proposed, of those that were.
    attempts: BTreeMap<usize, u64>,
    /// Players who wait, of recorded traffic where one comes again and again.
    busy: BTreeSet<&'a str>,
    regions: BTreeSet<Arc<str>>,
    arrived: usize,
    now: Option<Millis>,
    /// The pool was not done in its last turn.
    more: bool,
    samples: Vec<usize>,
    work: u64,
}

impl<'a> World<'a> {
    fn new(setup: &'a Setup, traffic: &'a Traffic) -> Self {
        Self {
            setup,
            traffic,
            pool: RulePool::new(setup.set.clone()),
            waits: WaitModel::default(),
            fates: Vec::with_capacity(traffic.arrivals.len()),
            made: Vec::new(),
            events: BTreeSet::new(),
            proposals: BTreeMap::new(),
            proposed: 0,
            failed_proposals: 0,
            in_proposal: BTreeSet::new(),
            attempts: BTreeMap::new(),
            busy: BTreeSet::new(),
            regions: BTreeSet::new(),
            arrived: 0,
            now: None,
            more: false,
            samples: Vec::with_capacity(SAMPLES),
            work: 0,
        }
    }

    /// The next turn at which something is to do; nothing: it is over. The last turn is at the end of the traffic, so that
    /// all that comes counts, however little of a turn is left.
    fn next(&self) -> Option<Millis> {
        let turn = self.setup.turn.get().max(1);
        let earliest = self.now.map_or(0, |now| now.get() + turn);
        let arrival = self.traffic.arrivals.get(self.arrived).map(|arrival| arrival.at.get());
        let event = self.events.first().map(|(at, _)| at.get());
        let is_priced = self.setup.set.objective().is_some();
        let pause = if is_priced { turn } else { QUIET.get() };
        let quiet = self.now.filter(|_| !self.pool.is_empty()).map(|now| now.get() + pause);
        let more = self.more.then_some(earliest);
        let due = [arrival, event, quiet, more].into_iter().flatten().min()?;
        let at = due.max(earliest).div_ceil(turn) * turn;
        let until = self.traffic.until;
        let is_last = due <= until.get() && self.now.is_none_or(|now| now < until);
        (at <= until.get() || is_last).then(|| Millis::new(at).min(until))
    }

    /// What has happened until `now`, each thing at its own time.
    fn catch_up(&mut self, now: Millis) {
        loop {
            let arrival =
                self.traffic.arrivals.get(self.arrived).map(|arrival| arrival.at).filter(|at| *at <= now);
            let event = self.events.first().copied().filter(|(at, _)| *at <= now);
            match (event, arrival) {
                (Some((at, event)), arrival) if arrival.is_none_or(|arrival| at <= arrival) => {
                    self.events.pop_first();
                    self.sample(at);
                    self.happen(at, event);
                }
                (_, Some(at)) => {
                    self.sample(at);
                    self.arrive();
                }
                (_, None) => break,
            }
        }
        self.now = Some(now);
    }

    /// Notes how many wait, at the even times that have passed before `at`.
    fn sample(&mut self, at: Millis) {
        let every = (self.traffic.until.get() / SAMPLES as u64).max(1);
        while self.samples.len() < SAMPLES && (self.samples.len() as u64 + 1) * every <= at.get() {
            self.samples.push(self.pool.len());
        }
    }

    fn arrive(&mut self) {
        let nth = self.arrived;
        self.arrived += 1;
        let Some(arrival) = self.traffic.arrivals.get(nth) else { return };
        let region = arrival.region().map(|name| match self.regions.get(name) {
            Some(known) => known.clone(),
            None => {
                let name: Arc<str> = name.into();
                self.regions.insert(name.clone());
                name
            }
        });
        let is_busy = arrival.members.iter().any(|member| self.busy.contains(member.player.as_str()));
        let skill = self.setup.skill.as_deref().and_then(|name| arrival.mean_of(name));
        let stated = if is_busy {
            None
        } else {
            let facts = WaitFacts { region: region.as_deref(), skill, size: arrival.members.len() };
            self.waits.came(ticket_id(nth), facts, instant(arrival.at));
            self.waits.stated(ticket_id(nth))
        };
        self.fates.push(Fate {
            at: arrival.at,
            wait: Millis::ZERO,
            end: if is_busy { End::Busy } else { End::Waiting },
            is_measured: arrival.is_measured,
            size: arrival.members.len(),
            skill,
            region,
            stated,
        });
        if is_busy {
            return;
        }
        self.busy.extend(arrival.members.iter().map(|member| member.player.as_str()));
        let mut at = |after: Millis, event| self.events.insert((later(arrival.at, after), event));
        at(self.setup.timeout, Event::TimeOut(nth));
        if let Some(patience) = arrival.patience.filter(|patience| *patience < self.setup.timeout) {
            at(patience, Event::GiveUp(nth));
        }
        for stage in self.setup.set.stages().iter().skip(1).filter(|stage| stage.from() < self.setup.timeout)
        {
            at(stage.from(), Event::Stage);
        }
        self.enter(nth, arrival);
    }

    fn enter(&mut self, nth: usize, arrival: &Arrival) {
        let ticket = ruled_ticket(nth, &arrival.members, instant(arrival.at), &self.setup.set);
        // A full pool does not take it: it waits outside until its time is up.
        let _ = self.pool.insert(ticket);
    }

    fn happen(&mut self, at: Millis, event: Event) {
        match event {
            Event::Stage => {}
            Event::TimeOut(nth) => self.leave(nth, at, End::TimedOut),
            Event::GiveUp(nth) => self.leave(nth, at, End::Cancelled),
            Event::Settled(nth) => self.settled(nth, at),
        }
    }

    /// Ends a ticket that waits in the pool, or outside of a full one. In a proposal it can't be left: that decides.
    fn leave(&mut self, nth: usize, at: Millis, end: End) {
        let waits = self.fates.get(nth).is_some_and(|fate| fate.end == End::Waiting);
        if waits && !self.in_proposal.contains(&nth) {
            self.pool.remove(ticket_id(nth));
            self.finish(nth, at, end);
        }
    }

    fn finish(&mut self, nth: usize, at: Millis, end: End) {
        if let (Some(fate), Some(arrival)) = (self.fates.get_mut(nth), self.traffic.arrivals.get(nth)) {
            fate.wait = Millis::new(at.get().saturating_sub(fate.at.get()));
            fate.end = end;
            let how =
                if matches!(end, End::Matched(_) | End::TimedOut) { WaitEnd::Over } else { WaitEnd::Left };
            self.waits.ended(ticket_id(nth), instant(at), how);
            for member in &arrival.members {
                self.busy.remove(member.player.as_str());
            }
            let patience = arrival.patience.unwrap_or(self.setup.timeout);
            self.events.remove(&(later(arrival.at, self.setup.timeout), Event::TimeOut(nth)));
            self.events.remove(&(later(arrival.at, patience), Event::GiveUp(nth)));
        }
    }

    fn step(&mut self, now: Millis) {
        self.more = true;
        for _ in 0..STEPS_MAX {
            let step = self.pool.step(instant(now), STEP_WORK);
            self.work += u64::from(step.work);
            for found in step.matches {
                self.found(now, &found);
            }
            if step.finished {
                self.more = false;
                break;
            }
        }
    }

    fn found(&mut self, now: Millis, found: &RuledMatch) {
        let tickets: Vec<usize> = found.tickets.iter().map(|id| id.as_u128() as usize).collect();
        let made = judge(self.setup, self.traffic, now, found, &tickets);
        let Some(answers) = &self.traffic.answers else {
            return self.begin(now, &tickets, made);
        };
        let answers: Vec<_> = tickets
            .iter()
            .map(|nth| {
                let attempt = self.attempts.entry(*nth).or_insert(0);
                *attempt += 1;
                answers.draw(self.setup.seed, *nth as u64, *attempt)
            })
            .collect();
        let settled = settle(&answers);
        self.events.insert((later(now, settled.after), Event::Settled(self.proposed)));
        self.in_proposal.extend(&tickets);
        let proposal = Proposal { tickets, made, begins: settled.begins, out: settled.out };
        self.proposals.insert(self.proposed, proposal);
        self.proposed += 1;
    }

    fn settled(&mut self, nth: usize, at: Millis) {
        let Some(proposal) = self.proposals.remove(&nth) else { return };
        for ticket in &proposal.tickets {
            self.in_proposal.remove(ticket);
        }
        if proposal.begins {
            return self.begin(at, &proposal.tickets, proposal.made);
        }
        self.failed_proposals += 1;
        let traffic = self.traffic;
        for (ticket, is_out) in proposal.tickets.into_iter().zip(proposal.out) {
            let Some(arrival) = traffic.arrivals.get(ticket) else { continue };
            let age = at.get().saturating_sub(arrival.at.get());
            if is_out {
                self.finish(ticket, at, End::Declined);
            } else if age >= self.setup.timeout.get() {
                self.finish(ticket, at, End::TimedOut);
            } else if arrival.patience.is_some_and(|patience| age >= patience.get()) {
                self.finish(ticket, at, End::Cancelled);
            } else {
                self.enter(ticket, arrival);
            }
        }
    }

    fn begin(&mut self, at: Millis, tickets: &[usize], made: Made) {
        for nth in tickets {
            self.finish(*nth, at, End::Matched(self.made.len()));
        }
        self.made.push(Made { at, ..made });
    }

    fn end(mut self) -> Ran {
        let until = self.traffic.until;
        self.sample(later(until, Millis::new(SAMPLES as u64)));
        for fate in self.fates.iter_mut().filter(|fate| fate.end == End::Waiting) {
            fate.wait = Millis::new(until.get().saturating_sub(fate.at.get()));
        }
        Ran {
            fates: self.fates,
            made: self.made,
            stages: self.setup.set.stages().iter().map(gsm_rules::Stage::from).collect(),
            failed_proposals: self.failed_proposals,
            waiting: self.samples,
            until,
            work: self.work,
        }
    }
}

fn instant(at: Millis) -> Timestamp {
    Timestamp::EPOCH.saturating_add(at)
}

fn later(at: Millis, by: Millis) -> Millis {
    Millis::new(at.get().saturating_add(by.get()))
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
