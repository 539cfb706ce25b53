//! The waiting tickets of one queue under a rule set.
mod apart;
mod candidates;
mod explain;
mod large;
mod line;
mod objective;
mod outlook;
mod roles;
mod search;
mod sieve;
mod sorted;
mod store;
mod ticket;

pub use explain::{RuleWhy, RuledExplain, StageWhy};
pub use ticket::{NeverMatched, RuledTicket};

use crate::{formed, ticket::PoolError};
use candidates::Choice;
use gsm_core::{Map, PlayerId, TicketId, Timestamp, limits::POOL_TICKETS_MAX};
use gsm_rules::{BackfillPriority, ExpansionAge, Need, RuleSet, Seat, Stage, Symbols};
use line::{Line, Partner, Passed, Wanted};
use objective::Course;
use search::{Anchor, Counts, Outcome, Search, Sight};
use smallvec::SmallVec;
use std::{cell::Cell, collections::BTreeMap, sync::Arc, vec::IntoIter};
use store::{Key, Store};
use ticket::{Turn, Waiting};

/// Work units that every step may use, so that it gets on.
const STEP_WORK_MIN: u32 = 64;
/// Work units that one anchor may use in one round; a search that needs more goes on in the next.
const ANCHOR_WORK_MAX: u32 = 50_000;
/// Rounds in which a search that is too long for one goes on each time; after that it does in every 32nd.
const EAGER_ROUNDS: u32 = 20;
/// Pairs that are formed together.
const PAIRS_MAX: usize = 32;
/// So few news are asked first whether one of them may join an anchor that is none.
const FEW_NEWS: usize = 64;
/// Searches that were cut and are kept.
const PARKED_MAX: usize = 32;
/// So many of the nearest tickets are searched at first; if they make no full match, so many times as many, ..
const REACH_FIRST: usize = 32;
const REACH_TIMES: usize = 16;
/// Work units that the search among the nearest may use before more are asked.
const REACH_WORK_MAX: u32 = 1_000;

/// The waiting tickets of one queue under a rule set.
///
/// Matches are formed as FlexMatch does: the ticket that waits longest is the anchor, and gets a match if there is one
/// among the tickets that have not had their turn. A ticket that found none is looked at again when a ticket that may
/// join it has come, or an expansion has begun. Same calls, same answers.
#[derive(Debug, Clone)]
pub struct RulePool {
    set: Arc<RuleSet>,
    symbols: Symbols,
    waiting: Store,
    /// Tickets that came, or reached a stage, since the last round began.
    news: Vec<Key>,
    /// Rounds begun.
    rounds: u32,
    /// Up to which start each stage has begun.
    begun: Vec<Timestamp>,
    /// How often each rule was judged for a ticket's sake, of those for whose sake any was.
    counts: Map<TicketId, Counts>,
    /// How many tickets have come, or reached a stage, so far.
    came: u64,
    /// Searches that were cut.
    parked: BTreeMap<TicketId, Run>,
    round: Option<Round>,
    /// Of a rule set with an objective.
    course: Course,
}

/// The searches of one anchor: the one under way, and the stages that are left.
#[derive(Debug, Clone)]
struct Run {
    search: Option<Search>,
    /// The one that is searched is the last.
    stages: Vec<usize>,
    /// So many candidates at most.
    reach: usize,
    /// Whether matches without anything new count as well.
    is_news: bool,
    /// What had come when it began ([`RulePool::came`]).
    came: u64,
    /// Rounds since it was too long for one.
    rounds: u32,
}

impl Run {
    fn next_stage(&mut self) {
        self.stages.pop();
        self.reach = REACH_FIRST;
    }
}

/// One pass over the anchors. It may take many steps.
#[derive(Debug, Clone)]
struct Round {
    number: u32,
    now: Timestamp,
    /// The anchors whose turn is to come.
    anchors: IntoIter<Key>,
    news: Vec<Key>,
    /// Where much is new.
    line: Option<Line>,
    /// Whether an anchor takes from all who wait, not only from those whose turn is to come.
    takes_all: bool,
    /// The anchor whose turn a step was cut in, what it searches, and the work that it has used.
    cut: Option<(TicketId, Run, u32)>,
}

/// A match that a step found; its tickets have left the pool.
#[derive(Debug, Clone, PartialEq)]
pub struct RuledMatch {
    /// Who plays on each team, in the order of [`RuleSet::teams`]; a team may be empty.
    pub sides: Vec<Vec<formed::Seat>>,
    /// The tickets, the anchor first.
    pub tickets: Vec<TicketId>,
    /// The backfill ticket among them.
    pub backfill: Option<TicketId>,
    /// Of each side the roles of its players, in their order; empty where no rule is about roles.
    pub roles: Vec<Vec<Option<formed::Role>>>,
    /// Of each rule: how often it held and did not, when it was judged for the sake of these tickets.
    pub counts: Vec<(u64, u64)>,
}

/// What a step did.
#[derive(Debug, Clone, PartialEq)]
pub struct RuledStep {
    /// The matches found, in the order of their anchors.
    pub matches: Vec<RuledMatch>,
    /// Work units used.
    pub work: u32,
    /// Whether every anchor has had its turn. Otherwise the next step goes on. Searches that were too long for one round
    /// go on in the next one, which any step begins.
    pub finished: bool,
}

impl RulePool {
    /// An empty pool.
    #[must_use]
    pub fn new(set: Arc<RuleSet>) -> Self {
        let begun = vec![Timestamp::from_millis(i64::MIN); set.stages().len()];
        Self {
            symbols: set.symbols(),
            waiting: Store::new(&set),
            set,
            news: Vec::new(),
            rounds: 0,
            begun,
            counts: Map::default(),
            came: 0,
            parked: BTreeMap::new(),
            round: None,
            course: Course::new(),
        }
    }

    /// The rule set in force.
    #[must_use]
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.set
    }

    /// Number of waiting tickets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether no ticket waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.len() == 0
    }

    /// Whether this ticket waits.
    #[must_use]
    pub fn contains(&self, id: TicketId) -> bool {
        self.waiting.contains(id)
    }

    /// Since when the longest waiting ticket waits.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        self.waiting.oldest()
    }

    /// Takes a ticket. One that the rule set cannot match is taken as well, and waits
    /// ([`RulePool::explain`] says why).
    pub fn insert(&mut self, ticket: RuledTicket) -> Result<(), PoolError> {
        let id = ticket.id;
        if self.waiting.contains(id) {
            return Err(PoolError::Duplicate { id });
        }
        if self.waiting.len() >= POOL_TICKETS_MAX {
            return Err(PoolError::Full { max: POOL_TICKETS_MAX });
        }
        let priority = self.priority();
        let mut waiting = Waiting::new(&self.set, &mut self.symbols, ticket, priority);
        waiting.ask_alone(&self.set, 0);
        let can_match = waiting.never.is_none();
        let key = self.waiting.insert(waiting);
        if can_match {
            self.came += 1;
            self.note_news(key);
        }
        Ok(())
    }

    /// Makes a ticket news of the next round.
    fn note_news(&mut self, key: Key) {
        if self.waiting.set_fresh(key, self.rounds.wrapping_add(1)) {
            self.news.push(key);
        }
    }

    fn priority(&self) -> BackfillPriority {
        // Backfills of large matches come first, whatever is asked.
        if self.set.is_large() {
            return BackfillPriority::High;
        }
        self.set.algorithm().map(|of| of.backfill).unwrap_or_default()
    }

    /// Takes a ticket out; whether it was there.
    pub fn remove(&mut self, id: TicketId) -> bool {
        let Some(waiting) = self.waiting.remove(id) else { return false };
        self.forget(&waiting);
        true
    }

    /// Forgets what is known of a ticket that has left.
    fn forget(&mut self, waiting: &Waiting) {
        let id = waiting.turn.id;
        waiting.parties.iter().for_each(|party| self.set.release(party, &mut self.symbols));
        if !self.counts.is_empty() {
            self.counts.remove(&id);
        }
        self.parked.remove(&id);
        let runs = self.parked.values_mut();
        runs.filter_map(|run| run.search.as_mut()).for_each(|search| search.forget(id));
        if let Some(round) = &mut self.round {
            match &mut round.cut {
                Some((anchor, ..)) if *anchor == id => round.cut = None,
                Some((_, run, _)) => run.search.iter_mut().for_each(|search| search.forget(id)),
                None => {}
            }
        }
    }

    /// Of each rule: how often it held and did not, when it was judged for the ticket's sake.
    #[must_use]
    pub fn counts(&self, id: TicketId) -> Vec<(u64, u64)> {
        self.counts.get(&id).map_or_else(|| vec![(0, 0); self.set.rules().len()], |counts| counts.0.clone())
    }

    /// Forms matches, the anchor that waits longest first. Stops after about `budget` work units (64 at least), and
    /// the next step goes on where it stopped; a round sees ages as at the `now` of its first step.
    pub fn step(&mut self, now: Timestamp, budget: u32) -> RuledStep {
        let budget = budget.max(STEP_WORK_MIN);
        let (mut work, mut matches) = (0, Vec::new());
        if self.set.objective().is_some() {
            let finished = self.step_by_objective(now, budget, &mut work, &mut matches);
            return RuledStep { matches, work, finished };
        }
        let round = match self.round.take() {
            Some(round) => round,
            None => self.begin(now, &mut work),
        };
        let finished = self.go_round(round, budget, &mut work, &mut matches);
        let waiting = &self.waiting;
        let finished = finished && !self.news.iter().any(|key| waiting.mark(*key).is_some());
        RuledStep { matches, work, finished }
    }

    /// Goes on with a round; whether it is at its end. Otherwise it is kept.
    fn go_round(
        &mut self,
        mut round: Round,
        budget: u32,
        work: &mut u32,
        matches: &mut Vec<RuledMatch>,
    ) -> bool {
        let mut pairs = Vec::with_capacity(PAIRS_MAX);
        let finished = loop {
            if *work >= budget {
                break false;
            }
            let Some(key) = self.next_anchor(&mut round) else { break true };
            round.line.iter_mut().for_each(Line::close_up);
            match self.duel(key, &mut round, work) {
                Partner::Found(pair) => {
                    pairs.push(pair);
                    if pairs.len() == PAIRS_MAX {
                        self.form_pairs(&mut pairs, round.now, matches);
                    }
                }
                Partner::None => {}
                Partner::Unknown => {
                    // The search sees who is there.
                    self.form_pairs(&mut pairs, round.now, matches);
                    let Some(anchor) = self.waiting.alive(key).map(|of| of.turn.id) else { continue };
                    let found = self.turn(anchor, &mut round, budget, work);
                    if let Some(line) = round.line.as_mut().filter(|_| round.cut.is_none()) {
                        line.leave(key);
                        let others = found.iter().flatten().filter_map(|(id, _)| self.waiting.key(id));
                        others.for_each(|other| line.leave(other));
                    }
                    if let Some(found) = found {
                        matches.push(self.formed(anchor, found, round.now));
                    }
                }
            }
        };
        self.form_pairs(&mut pairs, round.now, matches);
        if !finished {
            self.round = Some(round);
        }
        finished
    }

    /// Begins a round: the anchors are those that news may have come for.
    fn begin(&mut self, now: Timestamp, work: &mut u32) -> Round {
        self.waiting.settle();
        self.note_stages(now);
        self.rounds = self.rounds.wrapping_add(1);
        let mut news = std::mem::take(&mut self.news);
        news.retain(|key| self.waiting.alive(*key).is_some());
        let is_much = news.len() >= FEW_NEWS;
        let line = is_much.then(|| Line::new(&self.set, &self.waiting, self.rounds, now)).flatten();
        let anchors = if news.is_empty() && self.parked.is_empty() {
            Vec::new()
        } else {
            self.reached_by(&news).unwrap_or_else(|| self.waiting.turns().collect())
        };
        *work += anchors.len() as u32 / 16;
        Round {
            number: self.rounds,
            now,
            anchors: anchors.into_iter(),
            news,
            line,
            cut: None,
            takes_all: false,
        }
    }

    /// The news, whom they may join, and who has a search to go on with; `None`: all.
    fn reached_by(&self, news: &[Key]) -> Option<Vec<Key>> {
        if news.len() >= FEW_NEWS {
            return None;
        }
        let widths: Option<Vec<f64>> =
            self.set.stages().iter().map(|stage| self.waiting.width(stage)).collect();
        let width = widths?.into_iter().fold(0.0, f64::max);
        let mut reached: Vec<(Turn, Key)> = Vec::new();
        for (key, of) in news.iter().filter_map(|key| Some((*key, self.waiting.alive(*key)?))) {
            reached.push((of.turn, key));
            let is_before = |other: &Waiting| !other.turn.class_is_by_age() || other.turn < of.turn;
            let near =
                self.waiting.near(of, width)?.filter_map(|key| Some((key, self.waiting.at(key.slot)?)));
            reached.extend(near.filter(|(_, of)| is_before(of)).map(|(key, of)| (of.turn, key)));
        }
        let parked =
            self.parked.keys().filter_map(|id| Some((self.waiting.get(id)?.turn, self.waiting.key(id)?)));
        reached.extend(parked);
        reached.sort_unstable();
        reached.dedup();
        Some(reached.into_iter().map(|(_, key)| key).collect())
    }

    /// Makes news of the tickets that have reached another stage.
    fn note_stages(&mut self, now: Timestamp) {
        for (at, stage) in self.set.clone().stages().iter().enumerate().skip(1) {
            let until = Timestamp::from_millis(now.as_millis().saturating_sub_unsigned(stage.from().get()));
            let Some(begun) = self.begun.get_mut(at) else { continue };
            if until > *begun {
                let reached = self.waiting.started(*begun, until).filter(|(_, of)| of.never.is_none());
                let reached: Vec<Key> = reached.map(|(key, _)| key).collect();
                *begun = until;
                self.came += reached.len() as u64;
                for key in reached {
                    if let Some(waiting) = self.waiting.alive_mut(key) {
                        waiting.ask_alone(&self.set, at);
                    }
                    self.note_news(key);
                }
            }
        }
    }

    fn next_anchor(&self, round: &mut Round) -> Option<Key> {
        if let Some((anchor, ..)) = &round.cut {
            return self.waiting.key(anchor);
        }
        while round.news.pop_if(|key| self.waiting.mark(*key).is_none()).is_some() {}
        if round.news.is_empty() && self.parked.is_empty() {
            return None;
        }
        round.anchors.find(|key| self.waiting.mark(*key).is_some())
    }

    /// The turn of one anchor, where it is one against one: its match, if it has one.
    fn duel(&self, key: Key, round: &mut Round, work: &mut u32) -> Partner<Pair> {
        let Some(line) = round.line.as_mut().filter(|_| round.cut.is_none()) else { return Partner::Unknown };
        let anchor = || self.waiting.at(key.slot);
        if !self.parked.is_empty() && anchor().is_some_and(|of| self.parked.contains_key(&of.turn.id)) {
            return Partner::Unknown;
        }
        *work += 1;
        let mut anchor_team = 0;
        let can_play = |other: Key, stage: usize| {
            let party = |key: Key| self.waiting.at(key.slot)?.party();
            let (Some(stage), Some(party), Some(theirs)) =
                (self.set.stages().get(stage), party(key), party(other))
            else {
                return false;
            };
            let on = |team: u8| [Seat { team, party }, Seat { team: 1 - team, party: theirs }];
            let team = [0, 1].into_iter().find(|team| stage.holds(&on(*team)));
            anchor_team = team.unwrap_or(0);
            team.is_some()
        };
        match line.duel(key, &self.waiting, work, can_play) {
            Partner::Found(partner) => Partner::Found((key, partner, anchor_team)),
            Partner::None => Partner::None,
            Partner::Unknown => Partner::Unknown,
        }
    }

    /// The turn of one anchor: its match, if it has one.
    fn turn(
        &mut self,
        id: TicketId,
        round: &mut Round,
        budget: u32,
        work: &mut u32,
    ) -> Option<Vec<(TicketId, u8)>> {
        *work += 1;
        let anchor = self.waiting.get(&id).filter(|anchor| anchor.never.is_none())?;
        if let Some((_, run, spent)) = round.cut.take() {
            let (was_parked, came) = (run.rounds > 0, run.came);
            let (found, rest) = self.search(id, run, spent, round, budget, work);
            if was_parked && found.is_none() && rest.is_none() && round.cut.is_none() {
                self.search_again(id, came);
            }
            self.park(id, rest);
            return found;
        }
        let is_news = self.waiting.key(&id).is_some_and(|key| self.waiting.is_fresh(key, round.number));
        let is_by_age = anchor.turn.class_is_by_age();
        let mut stages = candidates::stages(&self.set, round.now.since(anchor.turn.started_at), is_by_age);
        stages.reverse();
        // What was too long for an earlier round goes on first.
        let goes_on = |run: &mut Run| {
            run.rounds += 1;
            run.rounds < EAGER_ROUNDS || run.rounds.is_multiple_of(32)
        };
        if self.parked.get_mut(&id).is_some_and(goes_on)
            && let Some(run) = self.parked.remove(&id)
        {
            let came = run.came;
            match self.search(id, run, 0, round, budget, work) {
                // The step's budget is spent: the next one goes on with it.
                (None, None) if round.cut.is_some() => return None,
                (None, None) => {
                    self.search_again(id, came);
                    return None;
                }
                (found @ Some(_), _) => return found,
                (None, Some(run)) => {
                    self.parked.insert(id, run);
                }
            }
        }
        let run = Run { search: None, stages, reach: REACH_FIRST, is_news, came: self.came, rounds: 0 };
        let (found, rest) = self.search(id, run, 0, round, budget, work);
        self.park(id, rest);
        found
    }

    /// After a search of many rounds: whoever has come since it began is news of a whole new one.
    fn search_again(&mut self, id: TicketId, came: u64) {
        if let Some(key) = self.waiting.key(&id).filter(|_| came < self.came) {
            self.note_news(key);
        }
    }

    /// Keeps what is left of a search that has used up its anchor's work, where few are kept.
    fn park(&mut self, id: TicketId, rest: Option<Run>) {
        if let Some(run) = rest
            && self.parked.len() < PARKED_MAX
        {
            self.parked.entry(id).or_insert(run);
        }
    }

    /// Searches stage by stage: a match, or what is left to search where the anchor has used its work of the round.
    /// Where the step's budget is spent, the rest is put into the round.
    fn search(
        &mut self,
        id: TicketId,
        mut run: Run,
        mut spent: u32,
        round: &mut Round,
        budget: u32,
        work: &mut u32,
    ) -> (Option<Vec<(TicketId, u8)>>, Option<Run>) {
        loop {
            if run.search.is_none() {
                let Some(stage) = run.stages.last().copied() else { return (None, None) };
                let before = *work;
                let opened = self.open(id, stage, &run, round, work);
                spent = spent.saturating_add(*work - before);
                match opened {
                    Opened::Search(search) => run.search = Some(search),
                    Opened::Done(Outcome::Found(found)) => return (Some(found), None),
                    Opened::Done(_) => {
                        run.next_stage();
                        continue;
                    }
                }
            }
            let (Some(search), Some(anchor)) = (&mut run.search, self.waiting.get(&id)) else {
                return (None, None);
            };
            let sight = Sight { set: &self.set, anchor, waiting: &self.waiting };
            let before = *work;
            let mut most = ANCHOR_WORK_MAX.saturating_sub(spent);
            if search.is_cut {
                most = most.min(REACH_WORK_MAX.saturating_sub(search.spent));
            }
            let outcome = search.run(&sight, budget.min(work.saturating_add(most)), work);
            spent = spent.saturating_add(*work - before);
            let is_too_near = search.is_cut
                && match outcome {
                    Outcome::Found(_) => !search.is_full(&sight),
                    Outcome::None => true,
                    Outcome::Cut => search.spent >= REACH_WORK_MAX,
                };
            if is_too_near || outcome != Outcome::Cut {
                self.counts.insert(id, std::mem::take(&mut search.counts));
                run.search = None;
            }
            match outcome {
                _ if is_too_near => run.reach = run.reach.saturating_mul(REACH_TIMES),
                Outcome::Found(found) => return (Some(found), None),
                Outcome::None => run.next_stage(),
                Outcome::Cut if spent >= ANCHOR_WORK_MAX => return (None, Some(run)),
                Outcome::Cut => {
                    round.cut = Some((id, run, spent));
                    return (None, None);
                }
            }
        }
    }

    /// Chooses the candidates of an anchor in one stage, and begins to search among them.
    fn open(&mut self, id: TicketId, stage: usize, run: &Run, round: &Round, work: &mut u32) -> Opened {
        let mut counts = self.counts.remove(&id).unwrap_or_else(|| Counts::of(&self.set));
        let opened = self.opened(id, stage, run, round, (&mut counts, work));
        match opened {
            None => {
                self.counts.insert(id, counts);
                Opened::Done(Outcome::None)
            }
            Some(Opened::Search(mut search)) => {
                search.counts = counts;
                Opened::Search(search)
            }
            Some(done) => {
                self.counts.insert(id, counts);
                done
            }
        }
    }

    fn opened(
        &self,
        id: TicketId,
        at: usize,
        run: &Run,
        round: &Round,
        (counts, work): (&mut Counts, &mut u32),
    ) -> Option<Opened> {
        let anchor = self.waiting.get(&id)?;
        let (set, symbols, waiting, now) = (&*self.set, &self.symbols, &self.waiting, round.now);
        let choice = Choice { set, symbols, anchor, now, at };
        let is_of_stage = choice.in_stage(anchor.turn.started_at)?;
        let stage = set.stages().get(at)?;
        if let Some(rule) = anchor.party().and_then(|party| stage.alone(party)) {
            counts.note(rule, false);
            return None;
        }
        // Those before it had their turn; but a backfill that has its turn apart takes from all.
        let takes_all = round.takes_all || (anchor.is_backfill() && !anchor.turn.class_is_by_age());
        let visited = Cell::new(0_u32);
        let other = |key: Key, is_news: bool| {
            let other = waiting.alive(key)?;
            visited.set(visited.get() + 1);
            // A new match leaves alone the backfills that have their turn apart.
            let is_apart = other.is_backfill() && !other.turn.class_is_by_age();
            let may_come = takes_all || other.turn > anchor.turn;
            (other.turn.id != id && !is_apart && may_come).then_some((key, other, is_news))
        };
        let is_news = |key: Key| waiting.is_fresh(key, round.number);
        let few_news = !run.is_news && round.news.len() < FEW_NEWS;
        let news = || round.news.iter().filter(|_| few_news).filter_map(|key| other(*key, is_news(*key)));
        if few_news && choice.candidates(news(), 1, &mut Counts::of(set)).0.is_empty() {
            return None;
        }
        // What has to be in the match comes first.
        let after_news = |of: &(Key, &Waiting, bool)| !(few_news && of.2);
        let most = if set.is_large() || !choice.prefers_near() { usize::MAX } else { run.reach };
        let width = waiting.width(stage);
        let (passed, last) = (Passed::default(), set.stages().len().saturating_sub(1) as u8);
        let wanted = width.map(|width| Wanted {
            width,
            stages: match set.expansion_age() {
                ExpansionAge::Newest => at as u8..=last,
                ExpansionAge::Oldest => 0..=at as u8,
            },
            limit: waiting.sieve().limit(stage).map(|(limit, _)| limit),
        });
        let line = round.line.as_ref().zip(waiting.key(&id)).zip(wanted.as_ref());
        if run.reach > REACH_FIRST
            && let Some(((line, key), wanted)) = line
            && let Some(rule) = self.lacking(anchor, stage, line, key, (wanted, &passed))
        {
            counts.note(rule, false);
            *work = work.saturating_add(1 + passed.all.get() / 32);
            return None;
        }
        let (candidates, is_cut) =
            if let Some(line) = line.and_then(|((line, key), wanted)| line.near(key, wanted, &passed)) {
                let apart = waiting.apart().filter_map(|key| other(key, is_news(key)));
                let near = line.filter_map(|(key, is_news)| other(key, is_news));
                choice.candidates(news().chain(apart.chain(near).filter(after_news)), most, counts)
            } else if let Some(near) = width.and_then(|width| waiting.near(anchor, width)) {
                let near = near.filter_map(|key| other(key, is_news(key))).filter(after_news);
                choice.candidates(news().chain(near), most, counts)
            } else {
                let first = Turn::new(0, Timestamp::from_millis(i64::MIN), TicketId::from_u128(0));
                let all = waiting.after_turn(if takes_all { first } else { anchor.turn });
                let all = all.filter_map(|(key, _)| other(key, is_news(key))).filter(after_news);
                choice.candidates(news().chain(all), most, counts)
            };
        *work = work.saturating_add(1 + visited.get() / 8 + passed.all.get() / 32);
        if let Some((_, rule)) = waiting.sieve().limit(stage) {
            counts.note_failed(rule, passed.far.get());
        }
        if set.is_large() {
            let has = (run.is_news, is_of_stage);
            return Some(Opened::Done(large::large(&choice, waiting, &candidates, has, counts, work)));
        }
        let has = Anchor { is_news: run.is_news, is_of_stage, is_backfill: anchor.is_backfill() };
        let parties = |of: &search::Candidate| waiting.at(of.slot).map_or(&[][..], |of| &of.parties[..]);
        let supply = stage.supply(candidates.iter().map(parties));
        let mut search = Search::new(at, has, candidates, is_cut, Counts::default());
        search.supply = supply;
        Some(Opened::Search(search))
    }

    /// A rule that asks for players of whom too few are left for the anchor.
    fn lacking(
        &self,
        anchor: &Waiting,
        stage: &Stage,
        line: &Line,
        key: Key,
        (wanted, passed): (&Wanted, &Passed),
    ) -> Option<usize> {
        let party = anchor.party().filter(|_| !self.waiting.has_apart())?;
        let is_lacking = |need: &&Need| {
            let teams = 0..self.set.teams().len() as u8;
            let lacking = teams.map(|team| need.lacking(&[Seat { team, party }])).min().unwrap_or(0);
            let brings = |key: Key| {
                let party = self.waiting.alive(key).and_then(Waiting::party);
                party.map_or(0, |party| need.brings(party))
            };
            lacking > 0
                && self
                    .waiting
                    .sieve()
                    .need(need)
                    .is_some_and(|known| !line.has(key, known, (wanted, passed), lacking, brings))
        };
        stage.needs().iter().find(is_lacking).map(Need::rule)
    }

    /// Forms matches of pairs; together, so that the memory of one is awaited while that of another is.
    fn form_pairs(&mut self, pairs: &mut Vec<Pair>, now: Timestamp, matches: &mut Vec<RuledMatch>) {
        let mut keys: SmallVec<[Key; 2 * PAIRS_MAX]> = SmallVec::new();
        pairs.iter().for_each(|(one, two, _)| keys.extend([*one, *two]));
        let mut taken = self.waiting.take_all(&keys).into_iter();
        matches.reserve(pairs.len());
        for (_, _, team) in pairs.drain(..) {
            let (Some(one), Some(two)) = (taken.next().flatten(), taken.next().flatten()) else { continue };
            let side = |of: &Waiting| {
                of.players.iter().map(|player| formed::Seat { ticket: of.turn.id, player: *player }).collect()
            };
            let sides = if team == 0 { vec![side(&one), side(&two)] } else { vec![side(&two), side(&one)] };
            let mut counts = self.counts(one.turn.id);
            counts.iter_mut().for_each(|(held, _)| *held += 1);
            let roles = self.roles(&[(&one, team), (&two, 1 - team)], now);
            [&one, &two].into_iter().for_each(|of| self.forget(of));
            matches.push(RuledMatch {
                sides,
                tickets: vec![one.turn.id, two.turn.id],
                backfill: None,
                roles,
                counts,
            });
        }
    }

    fn formed(&mut self, anchor: TicketId, found: Vec<(TicketId, u8)>, now: Timestamp) -> RuledMatch {
        let mut sides = vec![Vec::new(); self.set.teams().len()];
        let mut backfill = None;
        for (id, team) in &found {
            let Some(ticket) = self.waiting.get(id) else { continue };
            let mut seat = |team: u8, player: PlayerId| {
                if let Some(side) = sides.get_mut(usize::from(team)) {
                    side.push(formed::Seat { ticket: *id, player });
                }
            };
            if ticket.is_apart() {
                ticket.places_apart(*team).for_each(|(team, player)| seat(team, player));
            } else {
                ticket.players.iter().for_each(|player| seat(*team, *player));
            }
            if ticket.is_backfill() {
                backfill = Some(*id);
            }
        }
        let counts = self.counts(anchor);
        let taken: Vec<(&Waiting, u8)> =
            found.iter().filter_map(|(id, team)| Some((self.waiting.get(id)?, *team))).collect();
        let roles = self.roles(&taken, now);
        let tickets: Vec<TicketId> = found.iter().map(|(id, _)| *id).collect();
        tickets.iter().for_each(|id| {
            self.remove(*id);
        });
        RuledMatch { sides, tickets, backfill, roles, counts }
    }
}

/// A pair of tickets that play each other, and the team of the first.
type Pair = (Key, Key, u8);

/// A search that has begun, or what came of it at once.
enum Opened {
    Search(Search),
    Done(Outcome),
}
