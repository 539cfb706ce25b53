//! Which pairs of a chunk are thought of: of each ticket the best, and where that leaves groups apart, the best between them.
use super::{COST_MAX, Sight, pairing::Near};
use crate::ruled::{candidates::holds, store::Key, ticket::Waiting};
use gsm_core::Map;
use gsm_rules::{Party, Seat};

/// Pairs that are looked at for each ticket: with those who follow it in the order; at least so many.
const LOOKED_AT_MIN: usize = 48;
/// Of a small chunk more are: so many pairs in all.
const PAIRS_LOOKED_AT: usize = 60_000;
/// Of each ticket so many best pairs are kept, and of each group that is apart.
const KEPT: usize = 12;
/// So many pairs between groups may be against the rules before a group is left alone.
const REFUSED_MAX: usize = 48;

impl Sight<'_> {
    /// Of each ticket of a chunk the best pairs that may be made now, with what they leave over.
    pub(super) fn near(&self, chunk: &[Key], work: &mut u32) -> Near {
        let wanted = self.wanted(chunk, work);
        let mut kept =
            Kept { sight: self, chunk, asked: Map::default(), near: vec![Vec::new(); chunk.len()] };
        for (at, all) in (0_u32..).zip(&wanted) {
            let mut count = 0;
            for (mate, over) in all {
                if count == KEPT {
                    break;
                }
                count += usize::from(kept.keep(at, *mate, *over, work));
            }
        }
        // Each time there are at most half as many groups.
        while kept.join(&wanted, work) {}
        let mut near = kept.near;
        sorted(&mut near);
        near
    }

    /// Of each ticket all pairs that pay, the best first; whether the rules let them be made is not asked.
    fn wanted(&self, chunk: &[Key], work: &mut u32) -> Near {
        let mut wanted: Near = vec![Vec::new(); chunk.len()];
        let tickets: Vec<(&Waiting, &Party, f64)> = chunk
            .iter()
            .filter_map(|key| {
                let of = self.waiting.at(key.slot)?;
                Some((of, of.party()?, self.price(of)))
            })
            .collect();
        if tickets.len() < chunk.len() {
            return wanted;
        }
        let looked_at = LOOKED_AT_MIN.max(PAIRS_LOOKED_AT / tickets.len().max(1));
        for (at, (one, party, price)) in tickets.iter().enumerate() {
            for (other, (two, theirs, their_price)) in tickets.iter().enumerate().skip(at + 1).take(looked_at)
            {
                let Some(stage) = self.stage(&[one, two]) else { continue };
                if !stage.pairwise().iter().all(|pair| holds(pair, party, theirs)) {
                    continue;
                }
                let seats = [Seat { team: 0, party }, Seat { team: 1, party: theirs }];
                let Some(cost) = self.objective.cost(stage, &seats) else { continue };
                let over = price + their_price - cost.min(COST_MAX);
                if over > 0.0 {
                    for (of, mate) in [(at, other), (other, at)] {
                        if let Some(all) = wanted.get_mut(of) {
                            all.push((mate as u32, over));
                        }
                    }
                }
            }
            *work = work.saturating_add(looked_at as u32 / 8);
        }
        sorted(&mut wanted);
        wanted
    }
}

/// The best first; of equal ones those next in the order, to either side: else many who are alike would all want the same
/// few.
fn sorted(near: &mut Near) {
    for (at, all) in (0_u32..).zip(near) {
        let apart = |mate: u32| (mate.abs_diff(at), mate);
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| apart(a.0).cmp(&apart(b.0))));
    }
}

/// The pairs that are kept.
struct Kept<'a> {
    sight: &'a Sight<'a>,
    chunk: &'a [Key],
    /// Whether the rules let a pair be made: they are asked once, and of the best ones only.
    asked: Map<(u32, u32), bool>,
    near: Near,
}

impl Kept<'_> {
    /// Keeps a pair if the rules let it be made; whether they do.
    fn keep(&mut self, one: u32, two: u32, over: f64, work: &mut u32) -> bool {
        let pair = (one.min(two), one.max(two));
        if let Some(may) = self.asked.get(&pair) {
            return *may;
        }
        *work = work.saturating_add(1);
        let keys = self.chunk.get(one as usize).zip(self.chunk.get(two as usize));
        let may = keys.is_some_and(|(one, two)| {
            *work = work.saturating_add(self.sight.weight(*one, *two));
            self.sight.judged(*one, *two).is_some()
        });
        self.asked.insert(pair, may);
        for (of, other) in [(one, two), (two, one)].into_iter().filter(|_| may) {
            if let Some(all) = self.near.get_mut(of as usize) {
                all.push((other, over));
            }
        }
        may
    }

    /// Keeps the best pairs between groups that no kept pair leads out of: where those who are near each other are of an odd
    /// number, one of them plays somebody else, and which one is not known yet. Whether it kept any.
    fn join(&mut self, wanted: &Near, work: &mut u32) -> bool {
        let groups = groups(&self.near);
        let group = |at: u32| groups.get(at as usize).copied().unwrap_or(at);
        let mut between: Vec<(f64, u32, u32)> = Vec::new();
        for (one, all) in (0_u32..).zip(wanted) {
            let later = all.iter().filter(|(two, _)| one < *two && group(one) != group(*two));
            between.extend(later.map(|(two, over)| (*over, one, *two)));
        }
        *work = work.saturating_add(between.len() as u32 / 8);
        between.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.2 - a.1, a.1).cmp(&(b.2 - b.1, b.1))));
        // Of each group: kept, and refused.
        let mut counts: Map<u32, (usize, usize)> = Map::default();
        let mut any = false;
        for (over, one, two) in between {
            let ends = [group(one), group(two)];
            let wants = |of: u32| {
                let (kept, refused) = counts.get(&of).copied().unwrap_or_default();
                kept < KEPT && refused < REFUSED_MAX
            };
            if !ends.into_iter().any(wants) {
                continue;
            }
            let may = self.keep(one, two, over, work);
            any |= may;
            for of in ends {
                let (kept, refused) = counts.entry(of).or_default();
                *(if may { kept } else { refused }) += 1;
            }
        }
        any
    }
}

/// Of each ticket the group it is in: the least of those whom pairs lead to, one after another.
fn groups(near: &Near) -> Vec<u32> {
    let mut groups: Vec<u32> = vec![u32::MAX; near.len()];
    for at in 0..near.len() as u32 {
        let mut open = vec![at];
        while let Some(next) = open.pop() {
            match groups.get_mut(next as usize) {
                Some(group) if *group == u32::MAX => *group = at,
                _ => continue,
            }
            open.extend(near.get(next as usize).into_iter().flatten().map(|(other, _)| *other));
        }
    }
    groups
}
