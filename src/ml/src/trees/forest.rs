//! Trees as tables: what is looked at is put into bins once, then each tree is five comparisons of bytes, without a branch.
use super::{INPUTS, inputs};
use crate::features::Features;
use serde::{Deserialize, Serialize};

/// A forest has at most so many trees.
pub const TREES_MAX: usize = 1_000;
/// Every path has this length; leaves further up are repeated below.
pub(super) const DEPTH: usize = 5;
/// Leaves of a tree; it has one question less.
const LEAVES: usize = 1 << DEPTH;
/// A question that is always answered by no.
const NEVER: u8 = u8::MAX;
/// Room for all inputs, so that a number of six bits is one of them.
const BINS: usize = 64;
const _: () = assert!(INPUTS <= BINS);

/// Whether an input's bin is above `bin`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) input: u8,
    pub(super) bin: u8,
}

/// A tree of full depth. Question 1 is the root; after question `n` comes `2n`, or `2n + 1` where the answer is yes; what
/// would be question `LEAVES + n` is leaf `n`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Tree {
    pub(super) questions: [Question; LEAVES],
    pub(super) leaves: [f32; LEAVES],
}

/// Boosted trees: a number for the first side of a match, which is that of the second with the other sign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Told")]
pub(crate) struct Forest {
    /// The bounds between the bins of each input, ascending.
    bounds: Vec<Vec<f64>>,
    trees: Vec<Tree>,
}

/// A forest as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    bounds: Vec<Vec<f64>>,
    trees: Vec<Tree>,
}

impl TryFrom<Told> for Forest {
    type Error = &'static str;

    fn try_from(told: Told) -> Result<Self, Self::Error> {
        let Told { bounds, trees } = told;
        Self::new(bounds, trees).ok_or("a forest that cannot be")
    }
}

/// A node of a tree as who trains has it.
pub(super) enum Grown {
    /// The input, the bound (below it is `low`), and the numbers of both nodes.
    Split {
        input: usize,
        bound: f64,
        low: usize,
        high: usize,
    },
    Leaf(f32),
}

impl Forest {
    fn new(bounds: Vec<Vec<f64>>, trees: Vec<Tree>) -> Option<Self> {
        let ascends = |bounds: &Vec<f64>| bounds.iter().zip(bounds.iter().skip(1)).all(|(a, b)| a < b);
        let fits = |bounds: &Vec<f64>| {
            bounds.len() <= usize::from(NEVER)
                && bounds.iter().all(|bound| bound.is_finite())
                && ascends(bounds)
        };
        let asks = |of: &Question| {
            of.bin == NEVER
                || bounds.get(usize::from(of.input)).is_some_and(|own| usize::from(of.bin) < own.len())
        };
        let sound = |tree: &Tree| {
            tree.questions.iter().skip(1).all(asks) && tree.leaves.iter().all(|leaf| leaf.is_finite())
        };
        let fits = bounds.len() == INPUTS && bounds.iter().all(fits);
        (fits && trees.len() <= TREES_MAX && trees.iter().all(sound)).then_some(Self { bounds, trees })
    }

    /// Of trees as they were grown; the first node of each is its root. None of one that is deeper than [`DEPTH`], or of
    /// more bounds than there are bins.
    pub(super) fn of(grown: &[Vec<Grown>]) -> Option<Self> {
        let mut bounds: Vec<Vec<f64>> = vec![Vec::new(); INPUTS];
        for node in grown.iter().flatten() {
            if let Grown::Split { input, bound, .. } = node {
                bounds.get_mut(*input)?.push(*bound);
            }
        }
        for bounds in &mut bounds {
            bounds.sort_unstable_by(f64::total_cmp);
            bounds.dedup();
        }
        let trees = grown.iter().map(|nodes| Tree::of(nodes, &bounds)).collect::<Option<_>>()?;
        Self::new(bounds, trees)
    }

    /// How many trees.
    pub(crate) fn len(&self) -> usize {
        self.trees.len()
    }

    /// What the trees say that `logit` lacks, for the first side. O(trees).
    pub(crate) fn lead(&self, logit: f64, of: &Features) -> f64 {
        if logit == 0.0 {
            return 0.0;
        }
        let sum = self.sum(&inputs(logit, of));
        if logit < 0.0 { -sum } else { sum }
    }

    pub(super) fn sum(&self, inputs: &[f64; INPUTS]) -> f64 {
        let mut bins = [0_u8; BINS];
        for (bin, (bounds, value)) in bins.iter_mut().zip(self.bounds.iter().zip(inputs)) {
            // At most 255.
            *bin = bounds.partition_point(|bound| bound <= value) as u8;
        }
        self.trees.iter().map(|tree| f64::from(tree.leaf(&bins))).sum()
    }
}

impl Tree {
    fn of(nodes: &[Grown], bounds: &[Vec<f64>]) -> Option<Self> {
        let mut tree = Self { questions: [Question { input: 0, bin: NEVER }; LEAVES], leaves: [0.0; LEAVES] };
        tree.fill(nodes, 0, 1, bounds)?;
        Some(tree)
    }

    /// Puts the node at `from` and all below it to place `to`.
    fn fill(&mut self, nodes: &[Grown], from: usize, to: usize, bounds: &[Vec<f64>]) -> Option<()> {
        match nodes.get(from)? {
            Grown::Leaf(value) if to >= LEAVES => *self.leaves.get_mut(to - LEAVES)? = *value,
            Grown::Leaf(_) => {
                self.fill(nodes, from, 2 * to, bounds)?;
                self.fill(nodes, from, 2 * to + 1, bounds)?;
            }
            Grown::Split { input, bound, low, high } => {
                let bin = bounds.get(*input)?.partition_point(|of| of < bound);
                let question = Question { input: u8::try_from(*input).ok()?, bin: u8::try_from(bin).ok()? };
                *self.questions.get_mut(to)? = question;
                self.fill(nodes, *low, 2 * to, bounds)?;
                self.fill(nodes, *high, 2 * to + 1, bounds)?;
            }
        }
        Some(())
    }

    #[inline]
    fn leaf(&self, bins: &[u8; BINS]) -> f32 {
        // Masks tell the compiler what it would else ask: that all places are there.
        let mut at = 1;
        for _ in 0..DEPTH {
            let Question { input, bin } = self.questions.get(at & (LEAVES - 1)).copied().unwrap_or_default();
            let own = bins.get(usize::from(input) & (BINS - 1)).copied().unwrap_or_default();
            at = 2 * at + usize::from(own > bin);
        }
        self.leaves.get(at & (LEAVES - 1)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain of questions to the right, so many deep, about one input.
    fn chain(depth: usize) -> Vec<Grown> {
        let split = |n: usize| Grown::Split { input: 3, bound: n as f64, low: 2 * n + 1, high: 2 * n + 2 };
        let mut nodes: Vec<Grown> = (0..depth).flat_map(|n| [split(n), Grown::Leaf(n as f32)]).collect();
        nodes.push(Grown::Leaf(depth as f32));
        nodes
    }

    #[test]
    fn paths_of_any_length_end_where_they_should() {
        for depth in 0..=DEPTH {
            let forest = Forest::of(&[chain(depth), chain(0), chain(1)]).unwrap();
            for value in [-1.0, -0.0, 0.0, 0.5, 1.0, 3.0, 3.5, 9.0] {
                let mut inputs = [0.0; INPUTS];
                inputs[3] = value;
                let passed =
                    |depth: usize| (0..depth).take_while(|bound| value >= *bound as f64).count() as f64;
                assert_eq!(forest.sum(&inputs), passed(depth) + passed(1), "{depth} {value}");
            }
        }
        assert_eq!(Forest::of(&[chain(DEPTH + 1)]), None);
        assert_eq!(Forest::of(&[Vec::new()]), None);
    }

    fn check(change: impl Fn(&mut Forest)) {
        let mut forest = Forest::of(&[chain(2), chain(5)]).unwrap();
        let bytes = |forest: &Forest| postcard::to_stdvec(forest).unwrap();
        assert_eq!(postcard::from_bytes::<Forest>(&bytes(&forest)), Ok(forest.clone()));
        change(&mut forest);
        assert!(postcard::from_bytes::<Forest>(&bytes(&forest)).is_err());
    }

    #[test]
    fn what_no_forest_is_is_refused() {
        check(|of| of.bounds[3].swap(0, 1));
        check(|of| of.bounds[3][1] = f64::INFINITY);
        check(|of| of.bounds[3].truncate(4));
        check(|of| of.bounds.truncate(INPUTS - 1));
        check(|of| of.trees[1].leaves[9] = f32::NAN);
        check(|of| of.trees[0].questions[1].input = INPUTS as u8);
        check(|of| of.trees = vec![of.trees[0].clone(); TREES_MAX + 1]);
        check(|of| of.bounds[0] = (0..256).map(f64::from).collect());
    }
}
