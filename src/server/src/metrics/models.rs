//! How predictions hold up, mode by mode.
use super::Families;
use gsm_core::Mode;
use gsm_engine::ModelGlance;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
};

/// A mode.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByMode {
    mode: String,
}

/// A challenger of a mode.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByChallenger {
    mode: String,
    /// 1 is the newest version; at most [`gsm_engine::CHALLENGERS_MAX`].
    challenger: usize,
}

/// How the predictions of each mode held up of late.
pub(super) struct Models {
    judged: Family<ByMode, Gauge>,
    drifting: Family<ByMode, Gauge>,
    accuracy: Family<ByMode, Gauge<f64, std::sync::atomic::AtomicU64>>,
    log_loss: Family<ByMode, Gauge<f64, std::sync::atomic::AtomicU64>>,
    brier: Family<ByMode, Gauge<f64, std::sync::atomic::AtomicU64>>,
    ece: Family<ByMode, Gauge<f64, std::sync::atomic::AtomicU64>>,
    closeness_error: Family<ByMode, Gauge<f64, std::sync::atomic::AtomicU64>>,
    challenger_log_loss: Family<ByChallenger, Gauge<f64, std::sync::atomic::AtomicU64>>,
    challenger_lead: Family<ByChallenger, Gauge<f64, std::sync::atomic::AtomicU64>>,
}

impl Models {
    pub(super) fn new(all: &mut Families) -> Self {
        Self {
            judged: all.add(
                "gsm_predictions_judged",
                "mode",
                "Matches whose prediction was judged by their result",
                "",
                Family::default(),
            ),
            drifting: all.add(
                "gsm_prediction_drift",
                "mode",
                "Whether the drift alarm is raised: 1 or 0",
                "`ML` / `PredictionDrift`",
                Family::default(),
            ),
            accuracy: all.add(
                "gsm_prediction_accuracy",
                "mode",
                "The share of winners that were predicted, over about the last thousand matches",
                "`ML` / `PredictionAccuracy`",
                Family::default(),
            ),
            log_loss: all.add(
                "gsm_prediction_log_loss",
                "mode",
                "The mean log loss of the same, in nats",
                "`ML` / `PredictionLogLoss`",
                Family::default(),
            ),
            brier: all.add(
                "gsm_prediction_brier",
                "mode",
                "The mean squared error of the same",
                "",
                Family::default(),
            ),
            ece: all.add(
                "gsm_prediction_calibration_error",
                "mode",
                "The calibration error of the same; chance alone makes about 0.03",
                "",
                Family::default(),
            ),
            closeness_error: all.add(
                "gsm_prediction_quality_error",
                "mode",
                "The mean distance of how close matches were from their quality as it was shown before, over all that were judged",
                "",
                Family::default(),
            ),
            challenger_log_loss: all.add(
                "gsm_prediction_challenger_log_loss",
                "mode, challenger",
                "The mean log loss of a version that predicts in the shadow (1 is the newest), over about its last thousand matches",
                "",
                Family::default(),
            ),
            challenger_lead: all.add(
                "gsm_prediction_challenger_lead",
                "mode, challenger",
                "By how much that is less than the champion's over the same matches",
                "",
                Family::default(),
            ),
        }
    }

    pub(super) fn copy(&self, glances: Vec<(Mode, ModelGlance)>) {
        // What is gone leaves no line.
        for family in [&self.judged, &self.drifting] {
            family.clear();
        }
        for family in [&self.accuracy, &self.log_loss, &self.brier, &self.ece, &self.closeness_error] {
            family.clear();
        }
        for family in [&self.challenger_log_loss, &self.challenger_lead] {
            family.clear();
        }
        for (mode, glance) in glances {
            for (challenger, one) in (1..).zip(&glance.challengers) {
                let of = ByChallenger { mode: mode.to_string(), challenger };
                self.challenger_log_loss.get_or_create(&of).set(one.own.log_loss);
                self.challenger_lead.get_or_create(&of).set(one.champion.log_loss - one.own.log_loss);
            }
            let Some(champion) = glance.champion else { continue };
            let of = ByMode { mode: mode.to_string() };
            self.judged.get_or_create(&of).set(i64::try_from(glance.matches).unwrap_or(i64::MAX));
            self.drifting.get_or_create(&of).set(i64::from(glance.is_drifting));
            if let Some(accuracy) = champion.accuracy {
                self.accuracy.get_or_create(&of).set(accuracy);
            }
            self.log_loss.get_or_create(&of).set(champion.log_loss);
            self.brier.get_or_create(&of).set(champion.brier);
            self.ece.get_or_create(&of).set(champion.ece);
            if let Some(error) = glance.closeness_error {
                self.closeness_error.get_or_create(&of).set(error);
            }
        }
    }
}
