//! Free-for-all.
use crate::MlError;
use crate::experts::{EXPERTS, Experts, Finished, Setting};
use crate::features::{Encounter, Features, features};
use crate::meeting::check_players;
use crate::model::{CONTENDERS, Model, PLAYERS_MAX};
use crate::numeric::{logistic, score};
use crate::premade::{Premade, PremadeWeight};
use crate::record::Played;
use crate::sheet::Sheet;
use crate::stack::Stack;
use gsm_core::Timestamp;
use std::borrow::Cow;

/// A free-for-all before it is played, or a match of more than two teams: who takes part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry<'a> {
    /// When.
    pub at: Timestamp,
    /// See [`crate::Meeting::variant`].
    pub variant: Option<u16>,
    /// The players of each side.
    pub sides: &'a [&'a [u32]],
    /// How much of each side came together; empty where nothing is known.
    pub premade: &'a [Premade],
}

/// A free-for-all as it was seen before it: everything that pairs of its sides are predicted from.
#[derive(Clone, Debug, Default)]
pub struct Field {
    sheets: Vec<Sheet>,
    /// How strong the base takes each side to be.
    levels: Vec<f64>,
    leads: crate::experts::Rated,
    variant: Option<u16>,
    premade: Vec<Premade>,
}

/// What is predicted of a free-for-all.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    /// The score expected of each side by each of [`CONTENDERS`]: the mean over opponents, win 1, loss 0.
    pub expected: Vec<[f64; CONTENDERS.len()]>,
    /// How close it is to be, `0.0..=1.0`: the mean over pairs of twice the chance of the weaker side, see [`crate::evenness`].
    pub quality: f64,
}

/// Each side is compared with twice so many others at most when a match is learnt from.
const LEARNT_STRIDES: usize = 12;
/// And when the score that it may expect is told.
pub(crate) const TOLD_STRIDES: usize = 64;

/// The score that each side reached, by its place: win 1, draw 0.5, loss 0, the mean over its opponents. O(sides log sides).
#[must_use]
pub fn reached(places: &[u32]) -> Vec<f64> {
    let mut order = places.to_vec();
    order.sort_unstable();
    let others = (places.len().max(2) - 1) as f64;
    let score = |place: &u32| {
        let better = order.partition_point(|other| other < place);
        let worse = places.len() - order.partition_point(|other| other <= place);
        0.5 + (worse as f64 - better as f64) / (2.0 * others)
    };
    places.iter().map(score).collect()
}

impl Model {
    /// Looks at a free-for-all, from all that counted so far. O(players).
    ///
    /// # Errors
    /// Less than two sides, an empty side, a player's number out of range.
    pub fn field(&mut self, entry: &Entry<'_>) -> Result<Field, MlError> {
        check(entry)?;
        self.look(entry.sides.iter().flat_map(|side| side.iter().copied()));
        let setting = Setting { at: entry.at, variant: entry.variant, home: None };
        let mut field = Field { variant: entry.variant, premade: entry.premade.to_vec(), ..Field::default() };
        let sides = entry.sides.iter().copied();
        self.experts.see(sides.clone(), &self.seen, setting, &self.variants, &mut field.leads);
        let known = self.known();
        field.sheets.extend(sides.clone().map(|side| known.sheet(side, entry.at, entry.variant)));
        field.levels.extend(sides.map(|side| known.level(side)));
        Ok(field)
    }

    /// The chance that side `one` ends before side `other`, ties apart; one half for a side that is none.
    #[must_use]
    pub fn ahead(&self, field: &Field, one: usize, other: usize) -> f64 {
        pair(&self.experts, field, one, other).map_or(0.5, |of| logistic(self.pair_logit(&of)))
    }

    /// The score that each side may expect: over all others up to 129 sides, over 128 others, evenly spread from the strongest
    /// to the weakest, where they are more. In what order sides are listed says nothing. O(pairs looked at).
    #[must_use]
    pub fn shares(&self, field: &Field) -> Shares {
        self.shares_by(self, field)
    }

    /// The logit of a pair of sides.
    fn pair_logit(&self, of: &Features) -> f64 {
        self.field.logit(of.values()) + self.field_premade.extra(of.premade())
    }

    /// The same by the weights of another.
    pub(crate) fn shares_by(&self, weights: &Self, field: &Field) -> Shares {
        let sides = field.sheets.len();
        let mut sums = vec![([0.0; CONTENDERS.len()], 0.0_f64); sides];
        let (mut quality, mut pairs) = (0.0, 0.0_f64);
        let order = field.order(|_| 0);
        for (one, other) in sampled(&order, TOLD_STRIDES) {
            let Some(of) = pair(&self.experts, field, one, other) else { continue };
            let [learner, first, base] = weights.field.logits(of.values());
            let logits = [weights.pair_logit(&of), learner, first, base];
            for (side, sign) in [(one, 1.0), (other, -1.0)] {
                let Some((sum, n)) = sums.get_mut(side) else { continue };
                sum.iter_mut().zip(logits).for_each(|(sum, logit)| *sum += logistic(sign * logit));
                *n += 1.0;
            }
            quality += 2.0 * logistic(-logits[0].abs());
            pairs += 1.0;
        }
        let mean = |(sum, n): ([f64; CONTENDERS.len()], f64)| {
            if n > 0.0 { sum.map(|sum| sum / n) } else { [0.5; CONTENDERS.len()] }
        };
        Shares { expected: sums.into_iter().map(mean).collect(), quality: quality / pairs.max(1.0) }
    }

    /// Learns from a free-for-all: `places` has one a side, 1 is the best, equal places are a tie. `field` is as the match
    /// was seen when it was predicted. O(players + pairs looked at).
    ///
    /// # Errors
    /// As [`Model::field`], and places of more or fewer sides; nothing has changed then. A rating that comes out as no number,
    /// which stays what it was; the weights, and experts before that one, have learnt the match then.
    pub fn learn_field(&mut self, entry: &Entry<'_>, field: &Field, places: &[u32]) -> Result<(), MlError> {
        check(entry)?;
        let sides = entry.sides.len().min(places.len());
        if sides < 2 || places.len() != entry.sides.len() {
            return Err(MlError::TooFewSides { sides });
        }
        let surprises = self.learn_pairs(field, places);
        let players = || entry.sides.iter().flat_map(|side| side.iter().copied());
        self.seat(players());
        self.look(players());
        let finished: Vec<Finished<'_>> = entry
            .sides
            .iter()
            .zip(places)
            .map(|(players, place)| Finished { place: *place, score: None, players })
            .collect();
        let known = self.known();
        let levels: Vec<f64> = entry.sides.iter().map(|side| known.level(side)).collect();
        let ranked: Vec<Cow<'_, [u32]>> = entry.sides.iter().map(|side| known.ranked(side)).collect();
        let setting = Setting { at: entry.at, variant: entry.variant, home: None };
        self.experts.rate(&finished, &self.seen, setting, &mut self.variants)?;

        let others = (sides - 1) as f64;
        let all: f64 = levels.iter().sum();
        let scores = reached(places);
        let order = field.finished(places);
        for (at, nth) in order.iter().copied().enumerate() {
            let (Some(players), Some(score)) = (ranked.get(nth), scores.get(nth).copied()) else { continue };
            let level = levels.get(nth).copied().unwrap_or_default();
            // Who ended next behind; the last remembers the first.
            let next = order.get(if at + 1 < sides { at + 1 } else { at - 1 });
            let neighbour = next.and_then(|next| ranked.get(*next)).map_or(&[][..], AsRef::as_ref);
            let played = Played {
                at: entry.at,
                score,
                surprise: surprises.get(nth).copied().unwrap_or_default(),
                margin: 2.0 * score - 1.0,
                level,
                opponents: (all - level) / others,
                opponent: 0,
            };
            self.record(players, neighbour, played);
        }
        Ok(())
    }

    /// Learns from a sample of pairs; answers how much better than expected each side did, on the mean of its pairs.
    fn learn_pairs(&mut self, field: &Field, places: &[u32]) -> Vec<f64> {
        let mut surprises = vec![(0.0, 0.0_f64); places.len()];
        let Self { experts, field: stack, field_premade: premade, held, .. } = self;
        each_pair(experts, field, places, |of, y, weight, [one, other]| {
            let surprise = y - logistic(of.base());
            for (at, surprise) in [(one, surprise), (other, -surprise)] {
                if let Some((sum, n)) = surprises.get_mut(at) {
                    *sum += surprise;
                    *n += 1.0;
                }
            }
            if !*held {
                learn_pair(stack, premade, of, y, weight);
            }
        });
        surprises.into_iter().map(|(sum, n)| sum / n.max(1.0)).collect()
    }
}

impl Field {
    /// Sides by a key, of equals the stronger first, then the more experienced: whatever the order they are listed in.
    fn order(&self, key: impl Fn(usize) -> u32) -> Vec<usize> {
        let known = |side: usize| {
            let experience = self.sheets.get(side).map_or(0.0, |sheet| sheet.traits.experience);
            (self.levels.get(side).copied().unwrap_or_default(), experience)
        };
        let mut order: Vec<usize> = (0..self.sheets.len()).collect();
        order.sort_by(|a, b| {
            let ((one, games), (other, against)) = (known(*a), known(*b));
            key(*a).cmp(&key(*b)).then(other.total_cmp(&one)).then(against.total_cmp(&games))
        });
        order
    }

    /// Sides as they ended.
    fn finished(&self, places: &[u32]) -> Vec<usize> {
        self.order(|side| places.get(side).copied().unwrap_or(u32::MAX))
    }
}

fn pair(experts: &Experts, field: &Field, one: usize, other: usize) -> Option<Features> {
    let (a, b) = (field.sheets.get(one)?, field.sheets.get(other)?);
    let leads: [_; EXPERTS] = experts.leads(&field.leads, one, other, None);
    let premade = [one, other].map(|side| field.premade.get(side).copied().unwrap_or_default());
    features(&leads, a, b, Encounter { variant: field.variant, premade, ..Encounter::default() }).ok()
}

/// Moves weights by a pair of sides that did not tie.
pub(crate) fn learn_pair(stack: &mut Stack, premade: &mut PremadeWeight, of: &Features, y: f64, weight: f64) {
    if y != 0.5 {
        if of.premade() != 0.0 {
            premade.learn(of.premade(), y, weight, stack.logit(of.values()));
        }
        stack.learn(of.values(), y, weight);
    }
}

/// A sample of pairs that together weigh as many duels as there are sides: `take` has what was looked at, the score of the
/// first of the pair, the weight, and which two.
pub(crate) fn each_pair(
    experts: &Experts,
    field: &Field,
    places: &[u32],
    mut take: impl FnMut(&Features, f64, f64, [usize; 2]),
) {
    let order = field.finished(places);
    let weight = order.len() as f64 / sampled(&order, LEARNT_STRIDES).count().max(1) as f64;
    for (one, other) in sampled(&order, LEARNT_STRIDES) {
        let (Some(place), Some(against)) = (places.get(one), places.get(other)) else { continue };
        let Some(of) = pair(experts, field, one, other) else { continue };
        take(&of, score(*place, *against), weight, [one, other]);
    }
}

/// Pairs of sides, none twice: every side meets those that are so many places further, around the circle of this order; all
/// others where they are few.
pub(crate) fn sampled(order: &[usize], strides: usize) -> impl Iterator<Item = (usize, usize)> {
    let (sides, half) = (order.len(), order.len() / 2);
    let strides = strides.min(half);
    let further = (0..strides).map(move |nth| 1 + nth * half / strides);
    further.flat_map(move |stride| {
        // Of an even number the opposite one meets back.
        let ones = if 2 * stride == sides { stride } else { sides };
        let side = move |at: usize| order.get(at % sides).copied().unwrap_or_default();
        (0..ones).map(move |one| (side(one), side(one + stride)))
    })
}

fn check(entry: &Entry<'_>) -> Result<(), MlError> {
    if entry.sides.len() < 2 {
        return Err(MlError::TooFewSides { sides: entry.sides.len() });
    }
    if let Some(side) = entry.sides.iter().position(|side| side.is_empty()) {
        return Err(MlError::EmptySide { side });
    }
    check_players(entry.sides.iter().flat_map(|side| side.iter().copied()), PLAYERS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_places() {
        assert_eq!(reached(&[1, 2]), [1.0, 0.0]);
        assert_eq!(reached(&[1, 1]), [0.5, 0.5]);
        assert_eq!(reached(&[2, 1, 4, 3, 4]), [0.75, 1.0, 0.125, 0.5, 0.125]);
    }
}
