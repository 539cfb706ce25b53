//! Boosted trees above the regressions: what these miss wherever features work together.
//!
//! Trees learn what the logit of the regressions lacks, from matches as they were seen before they were played
//! ([`Grower`]); they are looked up in a flat table of our own ([`Forest`]). How far they are believed is learnt with every
//! match ([`Trees`]): trees that do not help have no say.
mod forest;
mod grow;

pub(crate) use forest::Forest;
pub use forest::TREES_MAX;
pub(crate) use grow::Grower;
pub use grow::TREES_MATCHES_MIN;

use crate::blr::Blr;
use crate::features::{FEATURES, Features};
use crate::numeric::{cost, logistic};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What trees look at: the logit of the regressions, the features, and what does not take sides.
pub(crate) const INPUTS: usize = 1 + FEATURES + 2;

/// How far trees are believed at first, and how sure that is.
const WEIGHT: f64 = 0.7;
const VARIANCE: f64 = 0.05;
/// The share of that variance that a match adds.
const FORGETTING: f64 = 1e-4;
/// How much a match takes of the losses before it.
const FADES: f64 = 5e-4;
/// Chances are kept this far from 0 and 1 when losses are counted.
const CHANCE_MIN: f64 = 1e-6;

/// A match as the favourite of the regressions sees it: exchanging the sides changes nothing.
pub(crate) fn inputs(logit: f64, of: &Features) -> [f64; INPUTS] {
    let sign = if logit < 0.0 { -1.0 } else { 1.0 };
    let mut inputs = [0.0; INPUTS];
    let own = std::iter::once(logit).chain(of.values().iter().copied()).map(|value| sign * value);
    for (slot, value) in inputs.iter_mut().zip(own.chain(of.context())) {
        *slot = value;
    }
    inputs
}

/// Trees in a model, and how far they are believed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trees {
    forest: Arc<Forest>,
    weight: Blr<1>,
    /// What was lost so far without and with the trees, in nats, fading.
    losses: [f64; 2],
}

impl Trees {
    pub(crate) fn new(forest: Arc<Forest>) -> Self {
        Self { forest, weight: Blr::new([WEIGHT], [VARIANCE], FORGETTING), losses: [0.0; 2] }
    }

    /// Other trees, as far believed as those before.
    pub(crate) fn replant(&mut self, forest: Arc<Forest>) {
        self.forest = forest;
    }

    pub(crate) fn forest(&self) -> &Forest {
        &self.forest
    }

    pub(crate) fn makes_sense(&self) -> bool {
        self.losses.iter().all(|loss| loss.is_finite() && *loss >= 0.0)
    }

    /// What they add to `logit`, that of the regressions. O(trees).
    pub(crate) fn extra(&self, logit: f64, of: &Features) -> f64 {
        self.believed(self.forest.lead(logit, of))
    }

    fn believed(&self, lead: f64) -> f64 {
        let [without, with] = self.losses;
        self.weighed(lead) * logistic(without - with)
    }

    fn weighed(&self, lead: f64) -> f64 {
        self.weight.logit(&[lead])
    }

    /// Learns from a result `y` how far to believe them; answers what they added to `logit` until then.
    pub(crate) fn learn(&mut self, logit: f64, of: &Features, y: f64) -> f64 {
        let lead = self.forest.lead(logit, of);
        let extra = self.believed(lead);
        let logits = [logit, logit + self.weighed(lead)];
        for (loss, logit) in self.losses.iter_mut().zip(logits) {
            let p = logistic(logit).clamp(CHANCE_MIN, 1.0 - CHANCE_MIN);
            *loss = (1.0 - FADES) * *loss + cost(p, y);
        }
        self.weight.learn(&[lead], y, 1.0, logit);
        extra
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Context;

    /// A match as the regressions see it, and how it ended.
    pub(super) struct Sample {
        pub(super) logit: f64,
        pub(super) features: Features,
        pub(super) y: f64,
    }

    impl Sample {
        /// Match `n` of a game where favourites do worse than the regressions say, if two features agree.
        pub(super) fn new(n: u32) -> Self {
            let wave = |by: u32| f64::from(n.wrapping_mul(by) % 1_009) / 504.0 - 1.0;
            let mut values = [0.0; FEATURES];
            for (value, by) in values.iter_mut().zip([3, 5, 7, 11, 13, 17, 19, 23]) {
                *value = wave(by);
            }
            let context = Context { variance: 1.0 + wave(29), ..Context::default() };
            let (features, logit) = (Features::new(values, 0.0, context).unwrap(), 2.0 * wave(31));
            let sign = if logit < 0.0 { -1.0 } else { 1.0 };
            let upset = sign * values[3] > 0.2 && sign * values[5] > 0.2;
            let chance = logistic(logit.abs() - if upset { 1.5 } else { 0.0 });
            let mixed = (n.wrapping_mul(2_654_435_761) >> 8) % 10_007;
            let favourite = f64::from(u8::from(f64::from(mixed) / 10_007.0 < chance));
            Self { logit, features, y: if logit < 0.0 { 1.0 - favourite } else { favourite } }
        }
    }

    /// What `trees` lost with and without, on matches they were not grown on.
    fn believed(results: impl Fn(&Sample) -> f64) -> Trees {
        let mut grower = Grower::new(50);
        let mut trees: Option<Trees> = None;
        for of in (0..9_000).map(Sample::new) {
            if let Some(trees) = &mut trees {
                trees.learn(of.logit, &of.features, of.y);
            }
            grower.add(of.logit, &of.features, results(&of));
            if grower.is_due() {
                let forest = Arc::new(grower.grow().unwrap());
                match &mut trees {
                    Some(trees) => trees.replant(forest),
                    None => trees = Some(Trees::new(forest)),
                }
            }
        }
        trees.unwrap()
    }

    fn most(trees: &Trees) -> f64 {
        let of = (0..500).map(Sample::new).map(|of| trees.extra(of.logit, &of.features).abs());
        of.fold(0.0, f64::max)
    }

    #[test]
    fn trees_that_help_are_believed() {
        let trees = believed(|of| of.y);
        let [without, with] = trees.losses;
        assert!(with < without - 20.0, "{with} {without}");
        assert!(most(&trees) > 0.8, "{}", most(&trees));
    }

    #[test]
    fn trees_that_do_not_help_have_no_say() {
        let trees = believed(|of| 1.0 - of.y);
        let lead = (0..500).map(Sample::new).map(|of| trees.forest.lead(of.logit, &of.features).abs());
        assert!(lead.fold(0.0, f64::max) > 1.5);
        assert!(most(&trees) < 0.1, "{}", most(&trees));
    }

    #[test]
    fn losses_that_are_none_are_refused() {
        let mut trees = believed(|of| of.y);
        assert!(trees.makes_sense());
        trees.losses[1] = f64::NAN;
        assert!(!trees.makes_sense());
    }
}
