//! Online Bayesian logistic regression: a normal belief about the weights, moved by every match.
//!
//! One step of the extended Kalman filter with a Bernoulli observation and logistic link; O(D²).
use crate::numeric::{dot, logistic};
use serde::{Deserialize, Serialize};

/// A belief about `D` weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Told", try_from = "Told")]
pub(crate) struct Blr<const D: usize> {
    weights: [f64; D],
    covariance: Box<[[f64; D]; D]>,
    /// The variance that each weight gains in a match.
    forgetting: [f64; D],
}

/// A belief as it is written: without its size.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    weights: Vec<f64>,
    covariance: Vec<f64>,
    forgetting: Vec<f64>,
}

impl<const D: usize> From<Blr<D>> for Told {
    fn from(of: Blr<D>) -> Self {
        let covariance = of.covariance.iter().flatten().copied().collect();
        Self { weights: of.weights.to_vec(), covariance, forgetting: of.forgetting.to_vec() }
    }
}

impl<const D: usize> TryFrom<Told> for Blr<D> {
    type Error = &'static str;

    fn try_from(told: Told) -> Result<Self, Self::Error> {
        const SIZE: &str = "a regression of another size";
        let numbers = || told.weights.iter().chain(&told.covariance).chain(&told.forgetting);
        if numbers().any(|number| !number.is_finite()) {
            return Err("a regression with a number that is not finite");
        }
        let mut covariance = Box::new([[0.0; D]; D]);
        if told.covariance.len() != D * D {
            return Err(SIZE);
        }
        for (row, told) in covariance.iter_mut().zip(told.covariance.chunks_exact(D)) {
            row.copy_from_slice(told);
        }
        let weights = told.weights.try_into().map_err(|_| SIZE)?;
        let forgetting = told.forgetting.try_into().map_err(|_| SIZE)?;
        Ok(Self { weights, covariance, forgetting })
    }
}

/// The least slope of the logistic function that counts.
const SLOPE_MIN: f64 = 1e-4;

impl<const D: usize> Blr<D> {
    /// Independent weights of these means and variances; a match adds `forgetting` of each variance to it.
    pub(crate) fn new(weights: [f64; D], variances: [f64; D], forgetting: f64) -> Self {
        let mut covariance = Box::new([[0.0; D]; D]);
        for (at, (row, variance)) in covariance.iter_mut().zip(variances).enumerate() {
            if let Some(cell) = row.get_mut(at) {
                *cell = variance;
            }
        }
        Self { weights, covariance, forgetting: variances.map(|variance| variance * forgetting) }
    }

    pub(crate) const fn weights(&self) -> &[f64; D] {
        &self.weights
    }

    pub(crate) fn logit(&self, x: &[f64; D]) -> f64 {
        dot(&self.weights, x)
    }

    /// Covariance times `x`. Features that a game does not have are 0, and cost nothing.
    fn spread(&self, x: &[f64; D]) -> [f64; D] {
        let mut spread = [0.0; D];
        for (row, x) in self.covariance.iter().zip(x).filter(|(_, x)| **x != 0.0) {
            for (sum, cell) in spread.iter_mut().zip(row) {
                *sum += cell * x;
            }
        }
        spread
    }

    /// The variance of the logit.
    pub(crate) fn variance(&self, x: &[f64; D]) -> f64 {
        dot(&self.spread(x), x).max(0.0)
    }

    /// Learns from a result `y`, win 1 to loss 0, that counts `weight` times; `offset` is what others add to the logit.
    pub(crate) fn learn(&mut self, x: &[f64; D], y: f64, weight: f64, offset: f64) {
        let p = logistic(self.logit(x) + offset);
        let slope = (p * (1.0 - p)).max(SLOPE_MIN) * weight;
        let spread = self.spread(x);
        let lost = 1.0 + slope * dot(&spread, x);
        let shift = weight * (y - p) / lost;
        for (weight, spread) in self.weights.iter_mut().zip(&spread) {
            *weight += spread * shift;
        }
        let factor = slope / lost;
        for (at, (row, own)) in self.covariance.iter_mut().zip(&spread).enumerate() {
            if *own == 0.0 {
                continue;
            }
            let own = own * factor;
            for (cell, spread) in row.iter_mut().zip(&spread) {
                *cell -= own * spread;
            }
            if let (Some(cell), Some(gain)) = (row.get_mut(at), self.forgetting.get(at)) {
                *cell += gain;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slow twin: the precision matrix, inverted anew for every match by Gauss and Jordan.
    struct Twin {
        weights: Vec<f64>,
        precision: Vec<Vec<f64>>,
    }

    impl Twin {
        fn learn(&mut self, x: &[f64], y: f64) {
            let n = x.len();
            let p = logistic(x.iter().zip(&self.weights).map(|(x, w)| x * w).sum());
            let slope = (p * (1.0 - p)).max(SLOPE_MIN);
            for i in 0..n {
                for j in 0..n {
                    self.precision[i][j] += slope * x[i] * x[j];
                }
            }
            let covariance = inverse(&self.precision);
            for (weight, row) in self.weights.iter_mut().zip(&covariance) {
                *weight += row.iter().zip(x).map(|(cell, x)| cell * x).sum::<f64>() * (y - p);
            }
        }
    }

    fn inverse(of: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let n = of.len();
        let mut rows: Vec<Vec<f64>> = of.to_vec();
        for (i, row) in rows.iter_mut().enumerate() {
            row.extend((0..n).map(|j| f64::from(u8::from(i == j))));
        }
        for i in 0..n {
            let pivot = rows[i][i];
            rows[i].iter_mut().for_each(|cell| *cell /= pivot);
            let own = rows[i].clone();
            for (j, row) in rows.iter_mut().enumerate() {
                if i != j {
                    let factor = row[i];
                    row.iter_mut().zip(&own).for_each(|(cell, own)| *cell -= factor * own);
                }
            }
        }
        rows.into_iter().map(|row| row[n..].to_vec()).collect()
    }

    #[test]
    fn it_is_the_slow_twin() {
        let variances = [0.5, 0.1, 0.02, 1.0];
        let mut fast = Blr::new([1.0, 0.0, 0.0, 0.0], variances, 0.0);
        let mut precision = vec![vec![0.0; 4]; 4];
        for (i, variance) in variances.iter().enumerate() {
            precision[i][i] = 1.0 / variance;
        }
        let mut slow = Twin { weights: vec![1.0, 0.0, 0.0, 0.0], precision };
        for n in 0..300_u32 {
            let wave = |by: u32| f64::from((n * by) % 17) / 8.0 - 1.0;
            let x = [wave(3), wave(5), if n % 3 == 0 { 0.0 } else { wave(7) }, 1.0];
            let y = f64::from((n * 7) % 5) / 4.0;
            fast.learn(&x, y, 1.0, 0.0);
            slow.learn(&x, y);
        }
        for (fast, slow) in fast.weights.iter().zip(&slow.weights) {
            assert!((fast - slow).abs() < 1e-10, "{fast} {slow}");
        }
        let x = [0.3, -1.0, 2.0, 1.0];
        let covariance = inverse(&slow.precision);
        let wanted: f64 = (0..4)
            .flat_map(|i| (0..4).map(move |j| (i, j)))
            .map(|(i, j)| x[i] * covariance[i][j] * x[j])
            .sum();
        assert!((fast.variance(&x) - wanted).abs() < 1e-10);
    }

    #[test]
    fn one_step_by_hand() {
        // p = 1/2, slope 1/4: variance 1 becomes 1/(1 + 1/4), the weight moves by that times 1/2.
        let mut blr = Blr::new([0.0], [1.0], 0.0);
        blr.learn(&[1.0], 1.0, 1.0, 0.0);
        assert!((blr.weights[0] - 0.4).abs() < 1e-15 && (blr.variance(&[1.0]) - 0.8).abs() < 1e-15);
        let mut thrice = Blr::new([0.0], [1.0], 0.0);
        thrice.learn(&[1.0], 1.0, 3.0, 0.0);
        assert!((thrice.weights[0] - 1.5 / 1.75).abs() < 1e-15);
    }

    #[test]
    fn forgetting_keeps_it_unsure() {
        let (mut keeps, mut forgets) = (Blr::new([0.0], [1.0], 0.0), Blr::new([0.0], [1.0], 1e-3));
        for n in 0..5_000 {
            keeps.learn(&[1.0], f64::from(n % 2), 1.0, 0.0);
            forgets.learn(&[1.0], f64::from(n % 2), 1.0, 0.0);
        }
        assert!(keeps.variance(&[1.0]) < 1e-3 && forgets.variance(&[1.0]) > 0.05);
    }
}
