//! Why a ticket under a rule set still waits.
use super::{RulePool, candidates::holds, ticket::Waiting};
use gsm_core::{Millis, TicketId, Timestamp};
use gsm_rules::{Answer, ExpansionAge, Party, RuleKind, Seat, Stage, Verdict};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::cell::{Cell, OnceCell};

/// Other tickets that are looked at.
const LOOKED_AT_MAX: usize = 10_000;

/// Work units that an answer takes at most: about as long as four steps.
const EXPLAIN_WORK_MAX: u32 = 400_000;

/// Counts the work units of an answer.
struct Asked {
    used: Cell<u32>,
    budget: u32,
}

impl Asked {
    fn new(budget: u32) -> Self {
        Self { used: Cell::new(0), budget }
    }

    fn add(&self, units: u32) {
        self.used.set(self.used.get().saturating_add(units));
    }

    fn is_spent(&self) -> bool {
        self.used.get() >= self.budget
    }
}

/// A stage, and the teams that the ticket may sit on by itself: one of each kind, and all where it may sit on none.
#[derive(Clone)]
struct Own<'a> {
    stage: &'a Stage,
    teams: SmallVec<[u8; 8]>,
}

impl<'a> Own<'a> {
    fn new(stage: &'a Stage, ticket: &Waiting, asked: &Asked) -> Self {
        let may_sit = |party: &Party, team: u8| {
            asked.add(1 + stage.weight(&[Seat { team, party }]));
            stage.may_sit(team, party)
        };
        let may_sit = |team: &u8| ticket.party().is_some_and(|party| may_sit(party, *team));
        let mut teams: SmallVec<[u8; 8]> = stage.kinds().iter().copied().filter(may_sit).collect();
        if teams.is_empty() {
            teams = SmallVec::from_slice(stage.kinds());
        }
        Self { stage, teams }
    }
}

/// Why a ticket still waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuledExplain {
    /// Place by age: 1 is the longest waiting. 0 of a short look ([`RulePool::glance`]).
    pub position: usize,
    /// How long it has waited.
    pub waited: Millis,
    /// Why it is never matched by this rule set, if so.
    pub never: Option<String>,
    /// A rule that it fails by itself, whoever of those who wait plays with it.
    pub alone: Option<String>,
    /// What it pays for a match now, where the rule set has an objective and it does not pay anything.
    pub price: Option<f64>,
    /// Whether nothing but its price may stand in the way: no rule does, and enough players for a match may be in one with it.
    pub held_back: bool,
    /// Other tickets that wait.
    pub others: usize,
    /// Those of them that may be in one match with it, as far as two tickets and the teams that they may sit on say.
    pub compatible: usize,
    /// What each rule says, in the order of the rule set.
    pub rules: Vec<RuleWhy>,
    /// The rule that it fails by itself; else the one that alone keeps most others out; else the one that lets the fewest pass. `None`
    /// where no rule stands in the way.
    pub binding: Option<String>,
    /// The next expansion that lets others in; where none does, the next of its own age, if one comes.
    pub next: Option<StageWhy>,
    /// Whether all tickets were counted; otherwise the counts are of the first of them.
    pub complete: bool,
}

/// What one rule says about a waiting ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleWhy {
    /// The rule.
    pub rule: String,
    /// What answers it at the ticket's own age; not of a short look ([`RulePool::glance`]).
    pub plan: Vec<Answer>,
    /// Other tickets that it lets be in one match with this one, as far as two tickets and the teams that they may sit on say.
    pub passing: usize,
    /// How often it held for candidates that were judged for the ticket's sake.
    pub held: u64,
    /// How often it did not.
    pub failed: u64,
}

/// What an expansion will do for a waiting ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageWhy {
    /// The ticket's own age when it begins for a match of the two; where it lets several in, of the first of them.
    pub at: Millis,
    /// Tickets that may be in one match with it by this expansion and may not before, if nobody comes or goes; some of them
    /// perhaps later than the first.
    pub unlocked: usize,
}

impl RulePool {
    /// Why the ticket still waits; `None` if it does not.
    #[must_use]
    pub fn explain(&self, id: TicketId, now: Timestamp) -> Option<RuledExplain> {
        self.explain_within(id, now, EXPLAIN_WORK_MAX)
    }

    /// The same, with about so many work units at most: then the first of those who wait are counted
    /// ([`RuledExplain::complete`]).
    #[must_use]
    pub fn explain_within(&self, id: TicketId, now: Timestamp, budget: u32) -> Option<RuledExplain> {
        let mut why = self.looked_into(id, now, &Asked::new(budget))?;
        why.position = 1 + self.waiting.older(self.waiting.get(&id)?.turn.started_at, id);
        let stage = self.set.stages().get(self.set.stage_at(why.waited));
        for answer in stage.map(|stage| self.set.plan(stage, None)).unwrap_or_default() {
            if let Some(rule) = why.rules.get_mut(answer.rule) {
                rule.plan.push(answer);
            }
        }
        Some(why)
    }

    /// The same by a short look, whatever else waits, and about how many work units it took.
    #[must_use]
    pub fn glance(&self, id: TicketId, now: Timestamp, budget: u32) -> Option<(RuledExplain, u32)> {
        let asked = Asked::new(budget);
        let why = self.looked_into(id, now, &asked)?;
        Some((why, asked.used.get()))
    }

    fn looked_into(&self, id: TicketId, now: Timestamp, asked: &Asked) -> Option<RuledExplain> {
        let own = self.waiting.get(&id)?;
        let waited = now.since(own.turn.started_at);
        let at = self.set.stage_at(waited);
        let stage = self.set.stages().get(at)?;
        let others = || {
            self.waiting
                .in_turn()
                .map(|(_, other)| other)
                .filter(|other| other.turn.id != id)
                .take(LOOKED_AT_MAX.min(asked.budget as usize))
        };
        // Two tickets are judged by the clock of the two, as in a match.
        let age_of_both = |other: &Waiting| {
            let (start, theirs) = (own.turn.started_at, other.turn.started_at);
            now.since(match self.set.expansion_age() {
                ExpansionAge::Newest => start.max(theirs),
                ExpansionAge::Oldest => start.min(theirs),
            })
        };
        let stages: Vec<OnceCell<Own<'_>>> = vec![OnceCell::new(); self.set.stages().len()];
        let in_stage = |at: usize| {
            let of = self.set.stages().get(at)?;
            Some(stages.get(at)?.get_or_init(|| Own::new(of, own, asked)))
        };
        let can_meet = |other: &Waiting| own.never.is_none() && other.never.is_none();
        let meets_in = |stage: usize, other: &Waiting| {
            can_meet(other) && in_stage(stage).is_some_and(|of| may_meet(of, own, other, asked))
        };
        let (mut compatible, mut players) = (0, own.size());
        let mut unlocking = vec![None::<StageWhy>; self.set.stages().len()];
        let counts = self.counts(id);
        let rules = counts.len() as u32;
        let (mut passing, mut kept_out) = (vec![0; counts.len()], vec![0; counts.len()]);
        let (mut counted, mut matchable) = (0, 0);
        for other in others() {
            if asked.is_spent() {
                break;
            }
            counted += 1;
            let age = age_of_both(other);
            let reached = self.set.stage_at(age);
            if meets_in(reached, other) {
                compatible += 1;
                players = players.saturating_add(other.size());
            } else if let Some(stage) =
                (reached + 1..self.set.stages().len()).find(|stage| meets_in(*stage, other))
            {
                let from = self.set.stages().get(stage).map_or(Millis::ZERO, Stage::from);
                let at = Millis::new(waited.get().saturating_add(from.get().saturating_sub(age.get())));
                if let Some(why) = unlocking.get_mut(stage) {
                    let first = why.map_or(at, |why| why.at.min(at));
                    *why = Some(StageWhy { at: first, unlocked: 1 + why.map_or(0, |why| why.unlocked) });
                }
            }
            let Some(of_both) = in_stage(reached).filter(|_| other.never.is_none()) else { continue };
            matchable += 1;
            let mut failing: SmallVec<[usize; 8]> = SmallVec::new();
            for (at, (rule, passing)) in self.set.rules().iter().zip(&mut passing).enumerate() {
                if passes(of_both, (at, rule.counts_alone, rules), (own, other), asked) {
                    *passing += 1;
                } else {
                    failing.push(at);
                }
            }
            if let Some(count) = self.alone_failing(&failing).and_then(|rule| kept_out.get_mut(rule)) {
                *count += 1;
            }
        }
        let each = self.set.rules().iter().zip(counts).zip(&passing);
        let rules: Vec<RuleWhy> = each
            .map(|((rule, (held, failed)), passing)| RuleWhy {
                rule: rule.name.clone(),
                plan: Vec::new(),
                passing: *passing,
                held,
                failed,
            })
            .collect();
        let name = |rule: usize| self.set.rules().get(rule).map(|rule| rule.name.clone());
        // The first of equals.
        let most = |counts: &[usize]| {
            let most = counts.iter().copied().max().filter(|most| *most > 0)?;
            counts.iter().position(|count| *count == most)
        };
        let lacking = self.set.rules().iter().zip(&passing);
        let lacking = lacking.map(|(rule, passing)| if rule.counts_alone { matchable - passing } else { 0 });
        let lacking: Vec<usize> = lacking.collect();
        let failed = || {
            let failed: Vec<usize> = rules.iter().map(|why| why.failed as usize).collect();
            most(&failed).filter(|_| matchable > 0)
        };
        let of_age = || self.set.stages().get(at + 1).map(|next| StageWhy { at: next.from(), unlocked: 0 });
        let alone = self.alone(own, at, now).and_then(name);
        let stands = || most(&kept_out).or_else(|| most(&lacking)).or_else(failed).and_then(name);
        let binding = alone.clone().or_else(stands);
        let price = self.set.objective().map(|of| of.price(waited)).filter(|price| price.is_finite());
        let never = own.never.as_ref().map(ToString::to_string);
        let nothing_else = binding.is_none() && never.is_none() && compatible > 0;
        let needed: u32 = stage.teams().iter().map(|size| u32::from(size.min)).sum();
        let next = unlocking.into_iter().flatten().min_by_key(|why| why.at).or_else(of_age);
        Some(RuledExplain {
            position: 0,
            waited,
            never,
            alone,
            held_back: price.is_some() && nothing_else && players >= needed,
            price,
            others: self.waiting.len().saturating_sub(1),
            compatible,
            binding,
            rules,
            next,
            complete: counted + 1 >= self.waiting.len(),
        })
    }

    /// The only one of these rules that counts; of a compound the only one that it is made of.
    fn alone_failing(&self, failing: &[usize]) -> Option<usize> {
        let rule = |at: usize| self.set.rules().get(at);
        let counts = |at: &usize| rule(*at).is_some_and(|rule| rule.counts_alone);
        let (mut alone, mut parts) =
            (failing.iter().filter(|at| counts(at)), failing.iter().filter(|at| !counts(at)));
        let (only, None) = (alone.next()?, alone.next()) else { return None };
        let is_compound = rule(*only).is_some_and(|rule| rule.kind == RuleKind::Compound);
        match (parts.next(), parts.next()) {
            (Some(part), None) if is_compound => Some(*part),
            _ => Some(*only),
        }
    }

    /// The rule that a ticket whose own age leads to stage `at` fails by itself, in every stage that a match with one of those
    /// who wait may be judged in.
    fn alone(&self, own: &Waiting, at: usize, now: Timestamp) -> Option<usize> {
        let party = own.party()?;
        let mut stages = match self.set.expansion_age() {
            ExpansionAge::Newest => 0..=at,
            ExpansionAge::Oldest => {
                let oldest = self.waiting.oldest().map_or(Millis::ZERO, |start| now.since(start));
                at..=self.set.stage_at(oldest).max(at)
            }
        };
        let fails = |stage: usize| self.set.stages().get(stage)?.alone(party);
        let rule = fails(at)?;
        stages.all(|stage| fails(stage).is_some()).then_some(rule)
    }
}

/// Whether the two may be in one match, as far as they and the teams that they may sit on tell.
fn may_meet(own: &Own<'_>, one: &Waiting, two: &Waiting, asked: &Asked) -> bool {
    let stage = own.stage;
    let mut pairs = one.parties.iter().flat_map(|a| two.parties.iter().map(move |b| (a, b)));
    let are_near = pairs.all(|(a, b)| stage.pairwise().iter().all(|pair| holds(pair, a, b)));
    let is_whole = stage.is_duel();
    let is_lawful = |seats: &[Seat<'_>]| {
        asked.add(1 + stage.weight(seats));
        if is_whole { stage.holds(seats) } else { stage.hopeless(seats).is_none() }
    };
    if let Some((party, other)) = one.parties.first().zip(two.parties.first()) {
        asked.add(1 + stage.pair_weight(party, other));
    }
    are_near && sits(own, one, two, is_lawful)
}

/// Whether one rule lets the two be in one match, likewise. A rule that counts only within a compound is asked for what it
/// says of any two tickets.
fn passes(
    own: &Own<'_>,
    (rule, counts_alone, rules): (usize, bool, u32),
    (one, two): (&Waiting, &Waiting),
    asked: &Asked,
) -> bool {
    let stage = own.stage;
    let of_two = stage.pairwise().iter().filter(|pair| pair.rule() == rule);
    let both = || one.parties.iter().flat_map(|a| two.parties.iter().map(move |b| (a, b)));
    let mut of_two = of_two.flat_map(|pair| both().map(move |(a, b)| (pair, a, b)));
    asked.add(stage.pairwise().len() as u32 / 64);
    let is_whole = stage.is_duel();
    let is_lawful = |seats: &[Seat<'_>]| {
        // Of all rules together that is what they weigh.
        asked.add(1 + stage.weight(seats) / rules.max(1));
        if is_whole { stage.verdict(rule, seats) != Verdict::Fails } else { !stage.is_broken(rule, seats) }
    };
    of_two.all(|(pair, a, b)| holds(pair, a, b)) && (!counts_alone || sits(own, one, two, is_lawful))
}

/// Whether the two may sit somewhere so that it is lawful: the first where it may at all, by itself.
fn sits(own: &Own<'_>, one: &Waiting, two: &Waiting, is_lawful: impl Fn(&[Seat<'_>]) -> bool) -> bool {
    let (Some(party), Some(other)) = (one.party(), two.party()) else { return true };
    let stage = own.stage;
    // Where every team is like the others, one team and another say all.
    let are_alike = !stage.has_team_rules() && stage.versus_columns().is_empty();
    let last = (stage.teams().len() as u8).min(if are_alike { 2 } else { u8::MAX });
    own.teams.iter().any(|own| {
        let has_room = |team: u8| {
            let most = stage.teams().get(usize::from(team)).map_or(0, |size| size.max);
            team != *own || u32::from(party.size()) + u32::from(other.size()) <= u32::from(most)
        };
        let seats = |team| [Seat { team: *own, party }, Seat { team, party: other }];
        (0..last).filter(|team| has_room(*team)).any(|team| is_lawful(&seats(team)))
    })
}
