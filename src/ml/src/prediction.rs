/// What is predicted of a match of two sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The chance that the first side wins.
    pub win: f64,
    /// The chance of a draw.
    pub draw: f64,
    /// The chance that the second side wins.
    pub loss: f64,
    /// The expected score of the first side: a draw is half a win.
    pub expected: f64,
    /// The logit of `expected`.
    pub logit: f64,
    /// The expected score is believed to be at least this, and at most `high`: 95 times out of 100, by what the weights and the
    /// base expert are not sure of and by how much faster than that the model moves. Where form moves very fast it holds less.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// The expected lead in points; none where too few scores were seen.
    pub margin: Option<f64>,
    /// How even the match is expected to be, `0.0..=1.0`: `4 p (1 - p)` of the expected score `p`; where margins are known,
    /// the geometric mean of that and of `1 / (1 + (margin / usual margin)²)`. A match of equals has 1.
    pub quality: f64,
}

/// What one feature adds to the logit of a prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contribution {
    /// One of [`crate::PARTS`].
    pub name: &'static str,
    /// Positive for the first side.
    pub logit: f64,
}

pub(crate) fn quality(even: f64, margin: Option<f64>, usual: f64) -> f64 {
    match margin {
        Some(margin) if usual > 0.0 => (even / (1.0 + (margin / usual) * (margin / usual))).sqrt(),
        _ => even,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_by_hand() {
        assert_eq!(quality(1.0, None, 0.0), 1.0);
        assert_eq!(quality(0.64, None, 3.0), 0.64);
        assert_eq!(quality(1.0, Some(0.0), 3.0), 1.0);
        // Even half the time, a usual margin: the root of 0.5 times 0.5.
        assert_eq!(quality(0.5, Some(-3.0), 3.0), 0.5);
        assert_eq!(quality(0.5, Some(3.0), 0.0), 0.5);
    }
}
