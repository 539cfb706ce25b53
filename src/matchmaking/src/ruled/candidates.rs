//! Which tickets may join an anchor in one stage, and in what order they are tried.
use super::{
    search::{Candidate, Counts},
    store::Key,
    ticket::Waiting,
};
use crate::ordered::ordered;
use gsm_core::{Map, Millis, Timestamp};
use gsm_rules::{
    Batching, ExpansionAge, NumberColumn, Pairwise, Party, Rule, RuleKind, RuleSet, Seat, SortBy, SortKey,
    Stage, Symbol, Symbols, Verdict, WordColumn,
};
use std::{cell::Cell, cmp::Ordering};

/// Everything that the choice looks at.
pub(super) struct Choice<'a> {
    pub(super) set: &'a RuleSet,
    pub(super) symbols: &'a Symbols,
    pub(super) anchor: &'a Waiting,
    pub(super) now: Timestamp,
    /// Index of the stage.
    pub(super) at: usize,
    /// What the judgements so far have weighed, in work units.
    pub(super) weight: &'a Cell<u32>,
}

/// A ticket that may join.
#[derive(Clone, Copy)]
struct Chosen<'w> {
    of: &'w Waiting,
    key: Key,
    is_news: bool,
    is_of_stage: bool,
}

impl Choice<'_> {
    fn weigh(&self, more: u32) {
        self.weight.set(self.weight.get().saturating_add(more));
    }

    fn stage(&self) -> Option<&Stage> {
        self.set.stages().get(self.at)
    }

    /// Whether a match of this stage may have the ticket, and whether it alone makes it one of this stage.
    pub(super) fn in_stage(&self, started_at: Timestamp) -> Option<bool> {
        in_stage(self.set, self.at, self.now.since(started_at))
    }

    /// Whether the two may be in one match, as far as two tickets say; what speaks against it is counted.
    pub(super) fn are_compatible(&self, stage: &Stage, other: &Waiting, counts: &mut Counts) -> bool {
        let pairs = stage.pairwise();
        let own = self.anchor.parties.iter();
        for (one, two) in own.flat_map(|one| other.parties.iter().map(move |two| (one, two))) {
            self.weigh(stage.pair_weight(one, two));
            if let Some(failed) = pairs.iter().find(|pair| !holds(pair, one, two)) {
                counts.note(failed.rule(), false);
                return false;
            }
        }
        true
    }

    /// Whether the two are a match, where two are all that a match has. The rules that they fail are counted.
    fn can_duel(&self, stage: &Stage, other: &Waiting, counts: &mut Counts) -> bool {
        let (Some(party), Some(theirs), true) = (self.anchor.party(), other.party(), stage.is_duel()) else {
            return true;
        };
        let mut kinds = stage.kinds().iter();
        kinds.any(|team| {
            let seats = [Seat { team: *team, party }, Seat { team: 1 - team, party: theirs }];
            let holds = stage.holds(&seats);
            let weight = stage.weight(&seats);
            self.weigh(weight);
            if !holds {
                self.weigh(weight);
                let verdicts = stage.verdicts(&seats).enumerate();
                verdicts.for_each(|(at, verdict)| counts.note(at, verdict != Verdict::Fails));
            }
            holds
        })
    }

    /// The tickets among `others` that may join, best first; only the first `most` of them are looked for. Whether there
    /// may be more.
    pub(super) fn candidates<'w>(
        &self,
        others: impl Iterator<Item = (Key, &'w Waiting, bool)>,
        most: usize,
        counts: &mut Counts,
    ) -> (Vec<Candidate>, bool) {
        let Some(stage) = self.stage() else { return (Vec::new(), false) };
        let mut chosen: Vec<Chosen<'_>> = Vec::new();
        let is_judged_alone = stage.has_unary();
        let mut is_cut = false;
        for (key, other, is_news) in others {
            if chosen.len() >= most {
                is_cut = true;
                break;
            }
            if other.never.is_some()
                || (other.is_backfill() && self.anchor.is_backfill())
                || other.has_player_of(self.anchor)
            {
                continue;
            }
            let Some(is_of_stage) = self.in_stage(other.turn.started_at) else { continue };
            if is_judged_alone
                && other.alone.fails(self.at) != Some(false)
                && let Some(rule) = other.party().and_then(|party| stage.alone(party))
            {
                counts.note(rule, false);
                continue;
            }
            if self.are_compatible(stage, other, counts) && self.can_duel(stage, other, counts) {
                chosen.push(Chosen { of: other, key, is_news, is_of_stage });
            }
        }
        self.sort(stage, &mut chosen);
        (twins(&chosen), is_cut)
    }

    /// Whether the nearest tickets of the indexed number are those that are tried first.
    pub(super) fn prefers_near(&self) -> bool {
        let is_sort = |rule: &Rule| matches!(rule.kind, RuleKind::DistanceSort | RuleKind::AbsoluteSort);
        let sorts = self.set.rules().iter().any(is_sort);
        !sorts && self.stage().is_some_and(|stage| stage.algorithm().batching != Batching::Sorted)
    }

    fn sort(&self, stage: &Stage, chosen: &mut Vec<Chosen<'_>>) {
        let by_turn = |a: &Waiting, b: &Waiting| a.turn.cmp(&b.turn);
        let Some(own) = self.anchor.parties.first() else { return };
        let is_sort = |kind| matches!(kind, RuleKind::DistanceSort | RuleKind::AbsoluteSort);
        let rules = self.set.rules().iter().enumerate().filter(|(_, rule)| is_sort(rule.kind));
        let rules: Vec<usize> = rules.map(|(at, _)| at).collect();
        if !rules.is_empty() {
            let keys = |of: &Waiting| -> Vec<Option<SortKey<'_>>> {
                let party = of.parties.first();
                let key = |rule: &usize| stage.sort_key(*rule, own, party?, self.symbols);
                rules.iter().map(key).collect()
            };
            let mut keyed: Vec<_> = chosen.iter().map(|entry| (keys(entry.of), *entry)).collect();
            keyed.sort_by(|a, b| by_keys(&a.0, &b.0).then_with(|| by_turn(a.1.of, b.1.of)));
            *chosen = keyed.into_iter().map(|(_, entry)| entry).collect();
            return;
        }
        if stage.algorithm().batching == Batching::Sorted {
            self.sort_by_rank(stage, own, chosen);
            return;
        }
        let near: Vec<(NumberColumn, f64)> = stage
            .pairwise()
            .iter()
            .filter_map(|pair| match pair {
                Pairwise::Within { column, width, .. } => Some((*column, width.max(f64::MIN_POSITIVE))),
                _ => None,
            })
            .collect();
        // Where a rule limits how far apart they may be in their location, in the best of them.
        let places = stage.pairwise().iter().filter_map(|pair| match *pair {
            Pairwise::Region { column, max_ms, apart_ms, .. } if apart_ms.is_finite() => {
                Some((column, max_ms, apart_ms.max(f64::MIN_POSITIVE)))
            }
            _ => None,
        });
        let distance = |of: &Waiting| -> f64 {
            let Some(party) = of.parties.first() else { return 0.0 };
            let numbers = near
                .iter()
                .map(|(column, width)| (party.number(*column) - own.number(*column)).abs() / width);
            let places = places.clone().map(|(column, max_ms, apart_ms)| {
                near_places(party, own, column, max_ms).fold(f64::INFINITY, f64::min) / apart_ms
            });
            numbers.chain(places).sum()
        };
        let Some(objective) = self.set.objective().filter(|_| !self.anchor.is_apart()) else {
            chosen.sort_by_cached_key(|one| (ordered(distance(one.of)), one.of.turn));
            return;
        };
        // By what two of them cost against each other.
        let cost = |of: &Waiting| -> f64 {
            let seats =
                of.party().map(|party| [(0, own), (1, party)].map(|(team, party)| Seat { team, party }));
            seats.and_then(|seats| objective.cost(stage, &seats)).unwrap_or(f64::INFINITY)
        };
        chosen.sort_by_cached_key(|one| (ordered(cost(one.of)), ordered(distance(one.of)), one.of.turn));
    }

    /// Sorted batches: neighbours in the order of the attributes come first.
    fn sort_by_rank(&self, stage: &Stage, own: &Party, chosen: &mut Vec<Chosen<'_>>) {
        let by = &stage.algorithm().sort_by;
        let order = |a: &Party, b: &Party| -> Ordering {
            let each = by.iter().map(|key| match key {
                SortBy::Number(column) => a.number(*column).total_cmp(&b.number(*column)),
                SortBy::Text(column) => self.text(a, *column).cmp(self.text(b, *column)),
            });
            each.fold(Ordering::Equal, Ordering::then)
        };
        chosen.sort_by(|Chosen { of: a, .. }, Chosen { of: b, .. }| {
            match (a.parties.first(), b.parties.first()) {
                (Some(one), Some(two)) => order(one, two).then(a.turn.cmp(&b.turn)),
                _ => a.turn.cmp(&b.turn),
            }
        });
        let is_before = |of: &Waiting| of.parties.first().is_some_and(|party| order(party, own).is_lt());
        let middle = chosen.partition_point(|one| is_before(one.of));
        let mut after = chosen.split_off(middle).into_iter();
        let mut before = std::mem::take(chosen).into_iter().rev();
        loop {
            let (next, last) = (after.next(), before.next());
            if next.is_none() && last.is_none() {
                return;
            }
            chosen.extend(next.into_iter().chain(last));
        }
    }

    fn text(&self, party: &Party, column: WordColumn) -> &str {
        party.texts(column).first().map_or("", |symbol| self.symbols.text(*symbol))
    }
}

/// Lists what was chosen, each with the one before it that is alike.
fn twins(chosen: &[Chosen<'_>]) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::with_capacity(chosen.len());
    // The last with each fingerprint, and for each the one before it that has the same.
    let mut last: Map<u32, usize> = Map::with_capacity_and_hasher(chosen.len(), Default::default());
    let mut before: Vec<Option<usize>> = Vec::with_capacity(chosen.len());
    for (at, Chosen { of, key, is_news, is_of_stage }) in chosen.iter().copied().enumerate() {
        let mut twin = None;
        let mut next = None;
        if let Some(party) = of.party() {
            next = last.insert(of.fingerprint, at);
            let mut same = next;
            twin = std::iter::from_fn(|| {
                let one = same?;
                same = before.get(one).copied().flatten();
                Some(one)
            })
            .find(|before| {
                let Some(other) = chosen.get(*before) else { return false };
                let is_as_new = (other.is_news, other.is_of_stage) == (is_news, is_of_stage);
                is_as_new && other.of.party() == Some(party)
            });
        }
        before.push(next);
        candidates.push(Candidate {
            id: of.turn.id,
            key,
            twin,
            is_news,
            is_of_stage,
            is_backfill: of.is_backfill(),
            is_apart: of.is_apart(),
            players: of.size(),
            waits: true,
        });
    }
    candidates
}

fn by_keys(a: &[Option<SortKey<'_>>], b: &[Option<SortKey<'_>>]) -> Ordering {
    let each = a.iter().zip(b).map(|(a, b)| match (a, b) {
        (Some(a), Some(b)) => a.order(b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    });
    each.fold(Ordering::Equal, Ordering::then)
}

/// Whether a condition holds between two parties.
pub(super) fn holds(pair: &Pairwise, one: &Party, two: &Party) -> bool {
    match *pair {
        // A rule without a value passes.
        Pairwise::Within { column, width, .. } => {
            let apart = (one.number(column) - two.number(column)).abs();
            apart.is_nan() || apart <= width
        }
        Pairwise::SameNumber { column, .. } => {
            let (a, b) = (one.number(column), two.number(column));
            a.is_nan() || b.is_nan() || a == b
        }
        Pairwise::DifferentNumber { column, .. } => one.number(column) != two.number(column),
        Pairwise::SameText { column, .. } => {
            let mut all = one.texts(column).iter().chain(two.texts(column));
            all.next().is_none_or(|first| all.all(|text| text == first))
        }
        Pairwise::DifferentText { column, .. } => {
            !one.texts(column).iter().any(|text| two.texts(column).contains(text))
        }
        Pairwise::Overlap { column, at_least, .. } => {
            shared(one.set(column), two.set(column)) >= at_least as usize
        }
        Pairwise::Region { column, max_ms, apart_ms, .. } => {
            near_places(one, two, column, max_ms).any(|apart| apart <= apart_ms)
        }
        Pairwise::Unary { .. } => true,
    }
}

/// How far apart two parties are in each location that is within `max_ms` for both.
fn near_places(one: &Party, two: &Party, column: WordColumn, max_ms: f64) -> impl Iterator<Item = f64> {
    // Both ascend.
    let is_near = move |(_, ms): &(Symbol, f64)| *ms <= max_ms;
    let (mut ones, mut twos) = (one.entries(column).filter(is_near), two.entries(column).filter(is_near));
    let (mut next, mut other) = (ones.next(), twos.next());
    std::iter::from_fn(move || {
        while let (Some((a, ms)), Some((b, theirs))) = (next, other) {
            if a <= b {
                next = ones.next();
            }
            if b <= a {
                other = twos.next();
            }
            if a == b {
                return Some((ms - theirs).abs());
            }
        }
        None
    })
}

/// How many symbols two ascending lists have in common.
fn shared(mut one: &[gsm_rules::Symbol], mut two: &[gsm_rules::Symbol]) -> usize {
    let mut count = 0;
    while let ([a, one_rest @ ..], [b, two_rest @ ..]) = (one, two) {
        match a.cmp(b) {
            Ordering::Less => one = one_rest,
            Ordering::Greater => two = two_rest,
            Ordering::Equal => {
                count += 1;
                (one, two) = (one_rest, two_rest);
            }
        }
    }
    count
}

/// Whether a match of a stage may have a ticket of this age, and whether it alone makes it one of this stage.
pub(super) fn in_stage(set: &RuleSet, at: usize, age: Millis) -> Option<bool> {
    let own = set.stage_at(age);
    let lawful = match set.expansion_age() {
        // The newest says it: all are at least so old.
        ExpansionAge::Newest => own >= at,
        ExpansionAge::Oldest => own <= at,
    };
    lawful.then_some(own == at)
}

/// The stages that a match with this anchor may be judged in, in the order in which they are searched: what is new
/// comes first.
pub(super) fn stages(set: &RuleSet, age: Millis, is_oldest: bool) -> Vec<usize> {
    let (own, last) = (set.stage_at(age), set.stages().len().saturating_sub(1));
    match set.expansion_age() {
        ExpansionAge::Newest => (0..=own).collect(),
        ExpansionAge::Oldest if is_oldest => vec![own],
        // Others may be older.
        ExpansionAge::Oldest => (own..=last).collect(),
    }
}
