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
    /// How close the match is to be beside one of equals, which has 1, `0.0..=1.0`: twice the expected score of the weaker side; where
    /// margins are known, the mean of that and of how small leads have been at such odds ([`crate::Model::closeness`]).
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
