//! Growing trees on what was seen: rows are kept as matches are learnt, and a forest is grown on them every so often.
use super::{
    Forest, INPUTS, TREES_MAX,
    forest::{DEPTH, Grown},
    inputs,
};
use crate::features::Features;
use crate::numeric::logistic;
use forust_ml::{
    Matrix,
    errors::ForustError,
    gradientbooster::{GradientBooster, GrowPolicy},
    objective::ObjectiveType,
};
use std::collections::VecDeque;

/// The first forest is grown on so many matches...
pub const TREES_MATCHES_MIN: usize = 2_000;
/// ... each later one when there are so many times more...
const GROWTH: usize = 2;
/// ... and only the latest count.
const ROWS_MAX: usize = 300_000;
/// All trees together step so far towards what is lacking: the more there are, the less each.
const STEPS: f64 = 6.0;
const STEP_MAX: f64 = 0.2;
const LEAVES_MAX: usize = 16;
/// Bins of an input, from which bounds are chosen.
const BINS: u16 = 64;
/// A leaf is drawn to 0 as by so much of a match's weight, and has at least this share of all of it.
const RIDGE: f32 = 20.0;
const LEAF_SHARE: f64 = 1.0 / 300.0;
/// Certainties are taken for this slope of the logistic function.
const SLOPE_MIN: f64 = 1e-3;

#[derive(Clone, Debug)]
struct Row {
    inputs: [f32; INPUTS],
    /// What the regressions expected of their favourite, and what he reached.
    expected: f64,
    y: f64,
}

impl Row {
    fn slope(&self) -> f64 {
        (self.expected * (1.0 - self.expected)).max(SLOPE_MIN)
    }
}

/// Matches as they were seen before they were played, and how they ended.
#[derive(Clone, Debug)]
pub(crate) struct Grower {
    trees: usize,
    rows: VecDeque<Row>,
    /// Matches so far, and after how many the next forest is due.
    seen: usize,
    due: usize,
}

impl Grower {
    /// Of forests of so many trees; more than [`TREES_MAX`] count as that.
    pub(crate) fn new(trees: usize) -> Self {
        Self { trees: trees.min(TREES_MAX), rows: VecDeque::new(), seen: 0, due: TREES_MATCHES_MIN }
    }

    /// Remembers a match of which the regressions had this logit, with the score of its first side.
    pub(crate) fn add(&mut self, logit: f64, of: &Features, y: f64) {
        if self.rows.len() >= ROWS_MAX {
            self.rows.pop_front();
        }
        let y = if logit < 0.0 { 1.0 - y } else { y };
        let inputs = inputs(logit, of).map(|value| value as f32);
        self.rows.push_back(Row { inputs, expected: logistic(logit.abs()), y });
        self.seen += 1;
    }

    /// Whether a forest is due.
    pub(crate) fn is_due(&self) -> bool {
        self.seen >= self.due
    }

    /// Grows a forest on what is remembered; none of too little. O(rows × inputs × trees).
    pub(crate) fn grow(&mut self) -> Option<Forest> {
        self.due = self.seen.saturating_mul(GROWTH);
        if self.seen < TREES_MATCHES_MIN {
            return None;
        }
        Forest::of(&nodes(&self.boosted().ok()?))
    }

    /// By column, as who trains wants them.
    fn columns(&self) -> Vec<f64> {
        let column = |input: usize| self.rows.iter().map(move |row| row.inputs.get(input).copied());
        (0..INPUTS).flat_map(column).map(|value| f64::from(value.unwrap_or_default())).collect()
    }

    /// One step of Newton's from the logit of the regressions, as weighted squares: who trains knows no offsets, and what
    /// is lacking is small. One thread, and no chance: the same rows grow the same trees.
    fn boosted(&self) -> Result<GradientBooster, ForustError> {
        let lacking: Vec<f64> = self.rows.iter().map(|row| (row.y - row.expected) / row.slope()).collect();
        let weights: Vec<f64> = self.rows.iter().map(Row::slope).collect();
        let leaf = weights.iter().sum::<f64>() * LEAF_SHARE;
        let mut booster = GradientBooster::default()
            .set_objective_type(ObjectiveType::SquaredLoss)
            .set_iterations(self.trees)
            .set_learning_rate((STEPS / self.trees.max(1) as f64).min(STEP_MAX) as f32)
            .set_max_depth(DEPTH)
            .set_max_leaves(LEAVES_MAX)
            .set_l2(RIDGE)
            .set_min_leaf_weight(leaf.max(1.0) as f32)
            .set_base_score(0.0)
            .set_initialize_base_score(false)
            .set_nbins(BINS)
            .set_parallel(false)
            .set_tiled_histograms(true);
        booster.grow_policy = GrowPolicy::LossGuide;
        booster.fit(&Matrix::new(&self.columns(), self.rows.len(), INPUTS), &lacking, &weights, None)?;
        Ok(booster)
    }
}

fn nodes(booster: &GradientBooster) -> Vec<Vec<Grown>> {
    let trees = booster.trees.iter().map(|tree| tree.nodes.iter());
    let grown = trees.map(|nodes| {
        nodes.map(|of| {
            if of.is_leaf {
                return Grown::Leaf(of.weight_value);
            }
            let (input, bound) = (of.split_feature, of.split_value);
            Grown::Split { input, bound, low: of.left_child, high: of.right_child }
        })
    });
    grown.map(Iterator::collect).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trees::tests::Sample;

    fn taught(trees: usize, matches: u32) -> (Grower, Vec<Sample>) {
        let mut grower = Grower::new(trees);
        let all: Vec<Sample> = (0..matches).map(Sample::new).collect();
        all.iter().for_each(|of| grower.add(of.logit, &of.features, of.y));
        (grower, all)
    }

    #[test]
    fn the_flat_forest_says_what_the_trainer_says() {
        for trees in [1, 60] {
            let (mut grower, _) = taught(trees, 6_000);
            let booster = grower.boosted().unwrap();
            let forest = grower.grow().unwrap();
            assert_eq!((forest.len(), booster.trees.len()), (trees, trees));
            let columns = grower.columns();
            let wanted = booster.predict(&Matrix::new(&columns, grower.rows.len(), INPUTS), false);
            let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
            for (row, wanted) in grower.rows.iter().zip(wanted) {
                let sum = forest.sum(&row.inputs.map(f64::from));
                assert!((sum - wanted).abs() < 1e-9, "{sum} {wanted}");
                (least, most) = (least.min(sum), most.max(sum));
            }
            assert!(most - least > if trees > 1 { 0.5 } else { 0.05 }, "{least} {most}");
        }
    }

    #[test]
    fn the_same_matches_grow_the_same_trees() {
        let grown = || taught(40, 4_000).0.grow().unwrap();
        assert_eq!(grown(), grown());
        assert_ne!(grown(), taught(40, 4_001).0.grow().unwrap());
    }

    #[test]
    fn a_match_and_its_mirror_lead_alike() {
        let (mut grower, all) = taught(40, 4_000);
        let forest = grower.grow().unwrap();
        for Sample { logit, features, .. } in &all {
            let seen = features.seen().map(|value| -value);
            let mirrored = Features::restore(seen, None, features.context()).unwrap();
            assert_eq!(forest.lead(*logit, features), -forest.lead(-logit, &mirrored));
        }
        assert_eq!(forest.lead(0.0, &all[7].features), 0.0);
        assert!(all.iter().any(|of| forest.lead(of.logit, &of.features) != 0.0));
    }

    #[test]
    fn forests_are_due_after_twice_as_many_matches_each() {
        let (mut grower, all) = taught(2, 1_999);
        assert!(!grower.is_due() && grower.grow().is_none());
        grower.due = TREES_MATCHES_MIN;
        let mut due = Vec::new();
        for n in 2_000..7_000 {
            grower.add(all[1].logit, &all[1].features, 1.0);
            if grower.is_due() {
                due.push(n);
                assert_eq!(grower.grow().map(|forest| forest.len()), Some(2));
            }
        }
        assert_eq!(due, [2_000, 4_000]);
    }
}
