//! Which pairs of a chunk are thought of: of each ticket the best, and where that leaves groups apart, the best between them.
use super::{Sight, pairing::Near, worth::Worth};
use crate::ruled::{candidates::holds, store::Key};
use gsm_core::Map;
use gsm_rules::{ExpansionAge, Party, Seat};

/// Pairs that are looked at for each ticket: with those who follow it in the order, as far as what the rules say of any two
/// tickets lets them play; at least so many.
const LOOKED_AT_MIN: usize = 48;
/// Of a small chunk more are: so many pairs in all.
const PAIRS_LOOKED_AT: usize = 60_000;
/// Where the rules refuse all whom a ticket looked at, it looks further, for so many; work units of a chunk for that.
const SOUGHT: usize = 2;
const SOUGHT_WORK_MAX: u32 = 50_000;
/// Of each ticket so many best pairs are kept, and of each group that is apart.
const KEPT: usize = 12;
/// So many pairs between groups may be against the rules before a group is left alone.
const REFUSED_MAX: usize = 48;

/// A ticket of a chunk.
struct Seen<'a> {
    party: &'a Party,
    price: f64,
    stage: usize,
}

impl<'s> Sight<'s> {
    /// Of each ticket of a chunk the best pairs that may be made now, with what they leave over.
    pub(super) fn near(&self, chunk: &[Key], work: &mut u32) -> Near {
        let seen: Option<Vec<Seen<'_>>> = chunk.iter().map(|key| self.seen(*key)).collect();
        let Some(seen) = seen else { return vec![Vec::new(); chunk.len()] };
        let wanted = self.wanted(&seen, work);
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
        kept.seek(&seen, &wanted, work);
        // Each time there are at most half as many groups.
        while kept.join(&wanted, work) {}
        let mut near = kept.near;
        sorted(&mut near);
        near
    }

    fn seen(&self, key: Key) -> Option<Seen<'s>> {
        let of = self.waiting.at(key.slot)?;
        let stage = self.set.stage_at(self.now.since(of.turn.started_at));
        Some(Seen { party: of.party()?, price: self.price(of), stage })
    }

    /// What a pair leaves over, where what the rules say of any two tickets lets it play; `None` inside: too little.
    fn pair(&self, one: &Seen<'_>, two: &Seen<'_>) -> Option<Option<Worth>> {
        let stage = match self.set.expansion_age() {
            ExpansionAge::Newest => one.stage.min(two.stage),
            ExpansionAge::Oldest => one.stage.max(two.stage),
        };
        let stage = self.set.stages().get(stage)?;
        if !stage.pairwise().iter().all(|pair| holds(pair, one.party, two.party)) {
            return None;
        }
        let seats = [Seat { team: 0, party: one.party }, Seat { team: 1, party: two.party }];
        let cost = self.objective.cost(stage, &seats)?;
        Some(Worth::of(one.price + two.price, cost))
    }

    /// Of each ticket all pairs that pay, the best first; whether the rules let them be made is asked only as far as what they
    /// say of any two tickets tells.
    fn wanted(&self, seen: &[Seen<'_>], work: &mut u32) -> Near {
        let mut wanted: Near = vec![Vec::new(); seen.len()];
        let most = LOOKED_AT_MIN.max(PAIRS_LOOKED_AT / seen.len().max(1));
        for (at, one) in seen.iter().enumerate() {
            let (mut looked_at, mut passed) = (0, 0_u32);
            for (other, two) in seen.iter().enumerate().skip(at + 1) {
                passed += 1;
                let Some(worth) = self.pair(one, two) else { continue };
                for (of, mate) in [(at, other), (other, at)] {
                    if let Some((all, worth)) = wanted.get_mut(of).zip(worth) {
                        all.push((mate as u32, worth));
                    }
                }
                looked_at += 1;
                if looked_at == most {
                    break;
                }
            }
            *work = work.saturating_add(looked_at as u32 / 8 + passed / 32);
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
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| apart(a.0).cmp(&apart(b.0))));
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
    fn keep(&mut self, one: u32, two: u32, over: Worth, work: &mut u32) -> bool {
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

    /// For whom the rules refused all that was wanted: the next in the order, to either side, whom they do not.
    fn seek(&mut self, seen: &[Seen<'_>], wanted: &Near, work: &mut u32) {
        let until = work.saturating_add(SOUGHT_WORK_MAX);
        for (at, one) in seen.iter().enumerate() {
            let is_refused = self.near.get(at).is_some_and(Vec::is_empty)
                && wanted.get(at).is_some_and(|all| !all.is_empty());
            if !is_refused {
                continue;
            }
            let (mut count, mut passed) = (0, 0_u32);
            for far in 1..seen.len() {
                if count >= SOUGHT || *work >= until {
                    break;
                }
                let sides = [at.checked_sub(far), Some(at + far)];
                for (other, two) in sides.into_iter().flatten().filter_map(|of| Some((of, seen.get(of)?))) {
                    passed += 1;
                    let Some(worth) = self.sight.pair(one, two).flatten() else { continue };
                    count += usize::from(self.keep(at as u32, other as u32, worth, work));
                }
            }
            *work = work.saturating_add(passed / 8);
            if *work >= until {
                return;
            }
        }
    }

    /// Keeps the best pairs between groups that no kept pair leads out of: where those who are near each other are of an odd
    /// number, one of them plays somebody else, and which one is not known yet. Whether it kept any.
    fn join(&mut self, wanted: &Near, work: &mut u32) -> bool {
        let groups = groups(&self.near);
        let group = |at: u32| groups.get(at as usize).copied().unwrap_or(at);
        let mut between: Vec<(Worth, u32, u32)> = Vec::new();
        for (one, all) in (0_u32..).zip(wanted) {
            let later = all.iter().filter(|(two, _)| one < *two && group(one) != group(*two));
            between.extend(later.map(|(two, over)| (*over, one, *two)));
        }
        *work = work.saturating_add(between.len() as u32 / 8);
        between.sort_by(|a, b| b.0.cmp(&a.0).then((a.2 - a.1, a.1).cmp(&(b.2 - b.1, b.1))));
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
