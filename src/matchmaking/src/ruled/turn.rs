//! The turn of one anchor: who may join it, and the search among them.
use super::{
    RulePool,
    candidates::{self, Choice},
    large,
    line::{Line, Passed, Wanted},
    round::{FEW_NEWS, Round},
    search::{Anchor, Counts, Outcome, Search, Sight},
    store::Key,
    ticket::{Turn, Waiting},
};
use gsm_core::{TicketId, Timestamp};
use gsm_rules::{ExpansionAge, Need, Seat, Stage};
use std::cell::Cell;

/// Work units that one anchor may use in one round; a search that needs more goes on in the next.
const ANCHOR_WORK_MAX: u32 = 50_000;
/// Rounds in which a search that is too long for one goes on each time; after that it does in every 32nd.
const EAGER_ROUNDS: u32 = 20;
/// Searches that were cut and are kept, and their candidates together, each of which takes some 300 bytes; one is always kept.
const PARKED_MAX: usize = 32;
const PARKED_CANDIDATES_MAX: usize = 1 << 19;
/// So many of the nearest tickets are searched at first, and half as many again as the largest match has players where that is
/// more; if they make no full match, so many times as many, ..
const REACH_FIRST: usize = 16;
const REACH_TIMES: usize = 16;
/// By an objective more are: those are tried first who cost least.
const REACH_BY_COST: usize = 128;
/// Work units that the search among the nearest may use before more are asked; more where judgements are dear.
const REACH_WORK_MAX: u32 = 1_000;

/// The searches of one anchor: the one under way, and the stages that are left.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) search: Option<Search>,
    /// The one that is searched is the last.
    pub(super) stages: Vec<usize>,
    /// So many candidates at most, and at first.
    pub(super) reach: usize,
    reach_first: usize,
    /// Whether matches without anything new count as well.
    pub(super) is_news: bool,
    /// What had come when it began ([`RulePool::came`]).
    pub(super) came: u64,
    /// How many had left the pool when it was last looked at ([`RulePool::left`]).
    pub(super) left: u64,
    /// The time by which its search knows which stages the tickets have reached.
    now: Timestamp,
    /// Rounds since it was too long for one.
    pub(super) rounds: u32,
}

impl Run {
    fn candidates(&self) -> usize {
        self.search.as_ref().map_or(0, |search| search.candidates.len())
    }

    fn next_stage(&mut self) {
        self.stages.pop();
        self.reach = self.reach_first;
    }
}

impl RulePool {
    /// The turn of one anchor: its match, if it has one.
    pub(super) fn turn(
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
        // Of those that it takes from it is the oldest.
        let is_oldest = anchor.turn.class_is_by_age() && !round.takes_all;
        let mut stages = candidates::stages(&self.set, round.now.since(anchor.turn.started_at), is_oldest);
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
                (None, rest) => self.park(id, rest),
            }
        }
        let run = self.run_of(stages, is_news);
        let (found, rest) = self.search(id, run, 0, round, budget, work);
        self.park(id, rest);
        found
    }

    /// The searches of these stages, the last first, before the first of them has begun.
    pub(super) fn run_of(&self, stages: Vec<usize>, is_news: bool) -> Run {
        let (came, left) = (self.came, self.left);
        let most = self.set.stages().iter().map(Stage::players_max).max().unwrap_or(0) as usize;
        let least = if self.set.objective().is_some() { REACH_BY_COST } else { REACH_FIRST };
        let reach_first = least.max(most + most / 2);
        let now = Timestamp::from_millis(i64::MIN);
        Run { search: None, stages, reach: reach_first, reach_first, is_news, came, left, now, rounds: 0 }
    }

    /// After a search of many rounds: whoever has come since it began is news of a whole new one.
    fn search_again(&mut self, id: TicketId, came: u64) {
        if let Some(key) = self.waiting.key(&id).filter(|_| came < self.came) {
            self.note_news(key);
        }
    }

    /// Keeps what is left of a search that has used up its anchor's work, where few are kept; else it is begun anew once
    /// there is room. Where an older search of the anchor is kept, that one hears at its end of whoever has come.
    pub(super) fn park(&mut self, id: TicketId, rest: Option<Run>) {
        let Some(run) = rest.filter(|_| !self.parked.contains_key(&id)) else { return };
        let (count, parked) = self.parked_size();
        if has_room(count, parked, run.candidates()) {
            self.parked.insert(id, run);
        } else if let Some(anchor) = self.waiting.get(&id) {
            self.unparked.insert(anchor.turn, run.candidates());
        }
    }

    /// Keeps what is left of a search of a round by objective, beside those of whoever has waited too long, to whom half of
    /// the room is left. It is not begun anew where it is not kept.
    pub(super) fn park_beside(&mut self, id: TicketId, rest: Run) {
        let (count, parked) = self.parked_size();
        let has_room = 2 * count < PARKED_MAX && has_room(count, parked, rest.candidates());
        if has_room && !self.parked.contains_key(&id) {
            self.parked.insert(id, rest);
        }
    }

    fn parked_size(&self) -> (usize, usize) {
        (self.parked.len(), self.parked.values().map(Run::candidates).sum())
    }

    /// Begins searches anew that were cut when there was no room to keep them, those first whose anchors wait longest, as
    /// far as there is room now.
    pub(super) fn take_up(&mut self, now: Timestamp) {
        if self.unparked.is_empty() {
            return;
        }
        let (mut count, mut parked) = self.parked_size();
        let mut taken = Vec::new();
        for (turn, candidates) in self.unparked.iter().filter(|(of, _)| !self.parked.contains_key(&of.id)) {
            if !has_room(count, parked, *candidates) {
                break;
            }
            (count, parked) = (count + 1, parked + candidates);
            taken.push(*turn);
        }
        for turn in taken {
            self.unparked.remove(&turn);
            // By an objective it takes from older ones too.
            let is_oldest = turn.class_is_by_age() && self.set.objective().is_none();
            let mut stages = candidates::stages(&self.set, now.since(turn.started_at), is_oldest);
            stages.reverse();
            let run = self.run_of(stages, true);
            self.parked.insert(turn.id, run);
        }
    }

    /// Searches stage by stage: a match, or what is left to search where the anchor has used its work of the round.
    /// Where the step's budget is spent, the rest is put into the round.
    pub(super) fn search(
        &mut self,
        id: TicketId,
        mut run: Run,
        mut spent: u32,
        round: &mut Round,
        budget: u32,
        work: &mut u32,
    ) -> (Option<Vec<(TicketId, u8)>>, Option<Run>) {
        let left = std::mem::replace(&mut run.left, self.left);
        if let Some(search) = run.search.as_mut().filter(|_| left < self.left) {
            search.sweep(&self.waiting);
            let swept = search.candidates.len() as u32 / 32;
            *work = work.saturating_add(swept);
            spent = spent.saturating_add(swept);
        }
        let then = std::mem::replace(&mut run.now, round.now);
        let may_grow = then < round.now && self.set.stages().len() > 1;
        if let (Some(search), Some(anchor)) =
            (run.search.as_mut().filter(|_| may_grow), self.waiting.get(&id))
        {
            let grown = search.candidates.len() as u32 / 16;
            *work = work.saturating_add(grown);
            spent = spent.saturating_add(grown);
            let sight = Sight { set: &self.set, anchor, waiting: &self.waiting };
            if !search.grow(&sight, round.now) {
                run.search = None;
                run.next_stage();
            }
        }
        loop {
            if run.search.is_none() {
                let Some(stage) = run.stages.last().copied() else { return (None, None) };
                let before = *work;
                let opened = self.open(id, stage, &run, round, work);
                spent = spent.saturating_add(*work - before);
                match opened {
                    Opened::Search(search) => run.search = Some(search),
                    Opened::Done(Outcome::Found(mut found)) => {
                        self.even_out(stage, &mut found, work);
                        return (Some(found), None);
                    }
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
                most = most.min(search.judging(REACH_WORK_MAX).saturating_sub(search.spent));
            }
            let worth = self.worth.get_mut(search.stage);
            search.worth = worth.as_deref().copied().unwrap_or_default();
            let mut outcome = search.run(&sight, budget.min(work.saturating_add(most)), work);
            // Also of a search that is cut, or dropped: what was judged was judged.
            self.counts.entry(id).or_insert_with(|| Counts::of(&self.set)).take(&mut search.counts);
            worth.into_iter().for_each(|worth| *worth = search.worth);
            spent = spent.saturating_add(*work - before);
            let may_go_on = *work < budget && spent < ANCHOR_WORK_MAX;
            if outcome == Outcome::Cut && may_go_on && search.spent < search.judging(REACH_WORK_MAX) {
                // It has learnt how dear its judgements are.
                continue;
            }
            if outcome == Outcome::Cut && spent >= ANCHOR_WORK_MAX && search.has_found() {
                outcome = search.end(&sight);
            }
            let is_too_near = search.is_cut
                && match outcome {
                    Outcome::Found(_) => !search.is_full(&sight),
                    Outcome::None => true,
                    Outcome::Cut => search.spent >= search.judging(REACH_WORK_MAX),
                };
            if is_too_near || outcome != Outcome::Cut {
                run.search = None;
            }
            match outcome {
                _ if is_too_near => run.reach = run.reach.saturating_mul(REACH_TIMES),
                Outcome::Found(mut found) => {
                    if let Some(at) = run.stages.last() {
                        self.even_out(*at, &mut found, work);
                    }
                    return (Some(found), None);
                }
                Outcome::None => run.next_stage(),
                Outcome::Cut if spent >= ANCHOR_WORK_MAX => {
                    // Its next stages are opened in later rounds, where today's news are none.
                    run.is_news = true;
                    return (None, Some(run));
                }
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
        let weight = Cell::new(0);
        let opened = self.opened(id, stage, run, round, (&mut counts, &weight, work));
        *work = work.saturating_add(weight.get());
        self.counts.insert(id, counts);
        match opened {
            None => Opened::Done(Outcome::None),
            Some(Opened::Search(mut search)) => {
                search.counts = Counts::of(&self.set);
                Opened::Search(search)
            }
            Some(done) => done,
        }
    }

    fn opened(
        &self,
        id: TicketId,
        at: usize,
        run: &Run,
        round: &Round,
        (counts, weight, work): (&mut Counts, &Cell<u32>, &mut u32),
    ) -> Option<Opened> {
        let anchor = self.waiting.get(&id)?;
        let (set, symbols, waiting, now) = (&*self.set, &self.symbols, &self.waiting, round.now);
        let choice = Choice { set, symbols, anchor, now, at, weight };
        let is_of_stage = choice.in_stage(anchor.turn.started_at)?;
        let stage = set.stages().get(at)?;
        if let Some(party) = anchor.party() {
            let kinds = stage.kinds().len() as u32;
            weight.set(kinds.saturating_mul(stage.weight(&[Seat { team: 0, party }])));
        }
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
            let is_apart = if round.leaves_apart {
                other.is_apart()
            } else {
                other.is_backfill() && !other.turn.class_is_by_age()
            };
            let may_come = takes_all || other.turn > anchor.turn;
            (other.turn.id != id && !is_apart && may_come).then_some((key, other, is_news))
        };
        let is_news = |key: Key| waiting.is_fresh(key, round.number);
        let few_news = !run.is_news && round.news.len() < FEW_NEWS;
        let few = if few_news { round.news.as_slice() } else { &[] };
        let news = || few.iter().filter_map(|key| other(*key, is_news(*key)));
        if few_news {
            let mut asked = Counts::of(set);
            if choice.candidates(news(), 1, &mut asked).0.is_empty() {
                counts.add(&asked);
                *work = work.saturating_add(few.len() as u32 / 8);
                return None;
            }
        }
        if !round.scarce.is_idle() {
            let may_come = |key: Key| other(key, false).map(|(_, other, _)| other);
            if round.scarce.lacks(&choice, stage, waiting, may_come, counts) {
                *work = work.saturating_add(1 + visited.get() / 8);
                return None;
            }
        }
        // What has to be in the match comes first.
        // Of two one must be new.
        let is_duel = few_news && stage.is_duel();
        let after_news = |of: &(Key, &Waiting, bool)| !(few_news && of.2 || is_duel);
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
        if run.reach > run.reach_first
            && let Some(((line, key), wanted)) = line
            && let Some(rule) = self.lacking(anchor, stage, line, key, (wanted, &passed))
        {
            counts.note(rule, false);
            *work = work.saturating_add(1 + passed.all.get() / 32);
            return None;
        }
        let (candidates, is_cut) = if let Some(line) =
            line.and_then(|((line, key), wanted)| line.near(key, wanted, &passed, waiting))
        {
            let apart = waiting.apart().filter_map(|key| other(key, is_news(key)));
            let near = line.filter_map(|(key, is_news)| other(key, is_news));
            let near = news().chain(apart.chain(near).filter(after_news));
            let (candidates, is_cut) = choice.candidates(near, most, counts);
            let by = waiting.narrowest(stage).zip(round.line.as_ref()).filter(|_| !is_cut);
            // Few news were asked themselves, and those that are none were counted when they came.
            if let Some(((_, rule), line)) = by.filter(|_| !few_news) {
                counts.note_failed(rule, line.left_out(run.is_news, &passed));
            }
            (candidates, is_cut)
        } else if let Some(near) = width.and_then(|width| waiting.near(anchor, width)) {
            let (within, news_within) = (Cell::new(0_u32), Cell::new(0_u32));
            let near = near.inspect(|_| within.set(within.get() + 1));
            let near = near.filter_map(|key| other(key, is_news(key)));
            let near = near.inspect(|of| news_within.set(news_within.get() + u32::from(of.2)));
            let (candidates, is_cut) = choice.candidates(news().chain(near.filter(after_news)), most, counts);
            // Whom the index left out fails the rule that it answers for. For the sake of an anchor that is no news those
            // who are none were counted when they came ([`Store::left_out`]), and few news were asked themselves.
            if let Some((_, rule)) = waiting.narrowest(stage).filter(|_| !is_cut && !few_news) {
                let left_out = if run.is_news {
                    (waiting.len() as u32).saturating_sub(within.get())
                } else {
                    let may_come = round.news.iter().filter(|key| other(**key, true).is_some()).count();
                    (may_come as u32).saturating_sub(news_within.get())
                };
                counts.note_failed(rule, left_out);
            }
            (candidates, is_cut)
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
        Some(Opened::Search(Search::new(at, has, candidates, is_cut)))
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
}

/// Whether one more search is kept, of so many candidates, beside so many of so many.
fn has_room(count: usize, parked: usize, candidates: usize) -> bool {
    count == 0 || (count < PARKED_MAX && parked + candidates <= PARKED_CANDIDATES_MAX)
}

/// A search that has begun, or what came of it at once.
enum Opened {
    Search(Search),
    Done(Outcome),
}
