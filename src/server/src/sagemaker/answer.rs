//! The shape of answers.
use super::oracle::Oracle;
use gsm_ml::{Contribution, Prediction};
use serde::Serialize;

/// What is predicted of a match.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'a> {
    pub(super) win: f64,
    pub(super) draw: f64,
    pub(super) loss: f64,
    pub(super) expected: f64,
    pub(super) logit: f64,
    pub(super) interval: Interval,
    pub(super) margin: Option<f64>,
    pub(super) quality: f64,
    unknown_players: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contributions: Option<Vec<Part>>,
    model: Named<'a>,
}

/// Where the expected score is believed to be, 95 times out of 100.
#[derive(Debug, Serialize)]
pub(super) struct Interval {
    pub(super) low: f64,
    pub(super) high: f64,
}

#[derive(Debug, Serialize)]
struct Part {
    name: &'static str,
    logit: f64,
}

#[derive(Debug, Serialize)]
struct Named<'a> {
    name: &'a str,
    hash: &'a str,
    features: &'a str,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        of: &Prediction,
        contributions: Option<Vec<Contribution>>,
        unknown_players: Vec<&'a str>,
        oracle: &'a Oracle,
    ) -> Self {
        let part = |of: Contribution| Part { name: of.name, logit: of.logit };
        Self {
            win: of.win,
            draw: of.draw,
            loss: of.loss,
            expected: of.expected,
            logit: of.logit,
            interval: Interval { low: of.low, high: of.high },
            margin: of.margin,
            quality: of.quality,
            unknown_players,
            contributions: contributions.map(|parts| parts.into_iter().map(part).collect()),
            model: Named { name: oracle.name(), hash: oracle.hash(), features: oracle.schema() },
        }
    }
}
