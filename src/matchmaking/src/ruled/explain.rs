//! Why a ticket under a rule set still waits.
use super::{RulePool, candidates::holds, ticket::Waiting};
use gsm_core::{Millis, TicketId, Timestamp};
use gsm_rules::{ExpansionAge, RuleKind, Seat, Stage, Verdict};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Other tickets that are looked at.
const LOOKED_AT_MAX: usize = 10_000;

/// Why a ticket still waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuledExplain {
    /// Place by age: 1 is the longest waiting.
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
        let own = self.waiting.get(&id)?;
        let waited = now.since(own.turn.started_at);
        let at = self.set.stage_at(waited);
        let stage = self.set.stages().get(at)?;
        let others = || {
            self.waiting
                .in_turn()
                .map(|(_, other)| other)
                .filter(|other| other.turn.id != id)
                .take(LOOKED_AT_MAX)
        };
        // Two tickets are judged by the clock of the two, as in a match.
        let age_of_both = |other: &Waiting| {
            let (start, theirs) = (own.turn.started_at, other.turn.started_at);
            now.since(match self.set.expansion_age() {
                ExpansionAge::Newest => start.max(theirs),
                ExpansionAge::Oldest => start.min(theirs),
            })
        };
        let of_both = |other: &Waiting| self.set.stages().get(self.set.stage_at(age_of_both(other)));
        let can_meet = |other: &Waiting| own.never.is_none() && other.never.is_none();
        let meets_in = |stage: usize, other: &Waiting| {
            can_meet(other) && self.set.stages().get(stage).is_some_and(|of| may_meet(of, own, other))
        };
        let (mut compatible, mut players) = (0, own.size());
        let mut unlocking = vec![None::<StageWhy>; self.set.stages().len()];
        for other in others() {
            let age = age_of_both(other);
            let reached = self.set.stage_at(age);
            if meets_in(reached, other) {
                compatible += 1;
                players = players.saturating_add(other.size());
                continue;
            }
            let mut later = reached + 1..self.set.stages().len();
            let Some(stage) = later.find(|stage| meets_in(*stage, other)) else { continue };
            let from = self.set.stages().get(stage).map_or(Millis::ZERO, Stage::from);
            let at = Millis::new(waited.get().saturating_add(from.get().saturating_sub(age.get())));
            if let Some(why) = unlocking.get_mut(stage) {
                let first = why.map_or(at, |why| why.at.min(at));
                *why = Some(StageWhy { at: first, unlocked: 1 + why.map_or(0, |why| why.unlocked) });
            }
        }
        let counts = self.counts(id);
        let (mut passing, mut kept_out) = (vec![0; counts.len()], vec![0; counts.len()]);
        let (mut counted, mut matchable) = (0, 0);
        for other in others() {
            counted += 1;
            let Some(stage) = of_both(other).filter(|_| other.never.is_none()) else { continue };
            matchable += 1;
            let mut failing: SmallVec<[usize; 8]> = SmallVec::new();
            for (at, (rule, passing)) in self.set.rules().iter().zip(&mut passing).enumerate() {
                if passes(stage, (at, rule.counts_alone), own, other) {
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
            position: 1 + self.waiting.older(own.turn.started_at, id),
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
fn may_meet(stage: &Stage, one: &Waiting, two: &Waiting) -> bool {
    let mut pairs = one.parties.iter().flat_map(|a| two.parties.iter().map(move |b| (a, b)));
    let are_near = pairs.all(|(a, b)| stage.pairwise().iter().all(|pair| holds(pair, a, b)));
    let is_whole = stage.is_duel();
    are_near
        && sits(
            stage,
            one,
            two,
            |seats| if is_whole { stage.holds(seats) } else { stage.hopeless(seats).is_none() },
        )
}

/// Whether one rule lets the two be in one match, likewise. A rule that counts only within a compound is asked for what it
/// says of any two tickets.
fn passes(stage: &Stage, (rule, counts_alone): (usize, bool), one: &Waiting, two: &Waiting) -> bool {
    let asked = stage.pairwise().iter().filter(|pair| pair.rule() == rule);
    let both = || one.parties.iter().flat_map(|a| two.parties.iter().map(move |b| (a, b)));
    let mut asked = asked.flat_map(|pair| both().map(move |(a, b)| (pair, a, b)));
    let is_whole = stage.is_duel();
    let is_lawful = |seats: &[Seat<'_>]| {
        if is_whole { stage.verdict(rule, seats) != Verdict::Fails } else { !stage.is_broken(rule, seats) }
    };
    asked.all(|(pair, a, b)| holds(pair, a, b)) && (!counts_alone || sits(stage, one, two, is_lawful))
}

/// Whether the two may sit somewhere so that it is lawful: the first where it may at all, by itself.
fn sits(stage: &Stage, one: &Waiting, two: &Waiting, is_lawful: impl Fn(&[Seat<'_>]) -> bool) -> bool {
    let (Some(party), Some(other)) = (one.party(), two.party()) else { return true };
    // Where every team is like the others, one team and another say all.
    let are_alike = !stage.has_team_rules() && stage.versus_columns().is_empty();
    let alone = |team: &u8| stage.may_sit(*team, party);
    let nowhere = !stage.kinds().iter().any(alone);
    let last = (stage.teams().len() as u8).min(if are_alike { 2 } else { u8::MAX });
    let mut own = stage.kinds().iter().filter(|team| nowhere || alone(team));
    own.any(|own| {
        let has_room = |team: u8| {
            let most = stage.teams().get(usize::from(team)).map_or(0, |size| size.max);
            team != *own || u32::from(party.size()) + u32::from(other.size()) <= u32::from(most)
        };
        let seats = |team| [Seat { team: *own, party }, Seat { team, party: other }];
        (0..last).filter(|team| has_room(*team)).any(|team| is_lawful(&seats(team)))
    })
}
