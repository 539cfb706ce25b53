use crate::{NAMES, features::PREMADE, schema::schema};
use gsm_core::Timestamp;
use gsm_rating::evaluation::Report;
use serde::{Deserialize, Serialize};

/// What a model is: where it comes from and how good it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// A name for people, such as `duel-3` or that of a training job.
    pub name: String,
    /// The mode that it predicts.
    pub mode: String,
    /// When it was trained.
    pub created_at: Timestamp,
    /// Who trained it.
    pub created_by: String,
    /// The matches that it has seen.
    pub window: Window,
    /// The server's own results that it has seen: all up to the one of this commit of its store; 0 of a model that was
    /// trained on files. Older files do not tell, see [`About::seen_to`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results_to: Option<u64>,
    /// The hash of these matches (see [`crate::data_hash`]).
    pub data: String,
    /// The hash of the features' names and meaning.
    pub schema: String,
    /// The features, in order; the last has a weight of its own, which older files do not have.
    pub features: Vec<String>,
    /// How much its weights forget; see [`crate::Model::forgetting`].
    pub forgetting: f64,
    /// How many trees it has above the regressions.
    pub trees: u32,
    /// How good it was on matches that it had not seen.
    pub metrics: Metrics,
}

/// Matches of a span of time, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The first match.
    pub from: Timestamp,
    /// The last match.
    pub to: Timestamp,
    /// How many.
    pub matches: u64,
    /// Of so many players.
    pub players: u64,
}

/// How well a model and those that it must beat predicted the last matches of its window, each before it was learnt from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// The first match that counted.
    pub from: Option<Timestamp>,
    /// The model.
    pub model: Option<Figures>,
    /// The same without its trees; none where it has none.
    pub without_trees: Option<Figures>,
    /// A rating system alone.
    pub rating: Option<Figures>,
    /// Always the same chance: that of what came before.
    pub constant: Option<Figures>,
    /// The champion of that time.
    pub champion: Option<Compared>,
}

/// Another model on the same matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// The hash of its file.
    pub hash: String,
    /// Whether the window of its training reaches into these matches.
    pub had_seen: bool,
    /// How good it was.
    pub figures: Figures,
}

/// Figures of predictions. Of a free-for-all they are means over pairs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Matches.
    pub matches: u64,
    /// The share of winners that were predicted; none without a decided match.
    pub accuracy: Option<f64>,
    /// In nats; less is better.
    pub log_loss: f64,
    /// The mean squared error.
    pub brier: f64,
    /// The calibration error; none of a free-for-all.
    pub ece: Option<f64>,
}

impl Figures {
    /// Of a report; none where nothing was scored.
    #[must_use]
    pub fn of(report: &Report) -> Option<Self> {
        let two = report.two_sides.as_ref().map(|of| Self {
            matches: of.matches,
            accuracy: of.accuracy,
            log_loss: of.log_loss,
            brier: of.brier,
            ece: Some(of.ece),
        });
        let pairs = report.pairs.map(|of| Self {
            matches: of.matches,
            accuracy: Some(of.accuracy),
            log_loss: of.log_loss,
            brier: of.brier,
            ece: None,
        });
        two.or(pairs)
    }
}

impl About {
    /// Until when it has seen matches: nothing that was played after it was trained, whatever dates its files had.
    #[must_use]
    pub fn seen_to(&self) -> Timestamp {
        self.window.to.min(self.created_at)
    }

    /// Of a model of our features that has seen nothing, for `mode`.
    #[must_use]
    pub fn new(name: &str, mode: &str, created_at: Timestamp, created_by: &str) -> Self {
        Self {
            name: name.to_owned(),
            mode: mode.to_owned(),
            created_at,
            created_by: created_by.to_owned(),
            window: Window { from: created_at, to: created_at, matches: 0, players: 0 },
            results_to: None,
            data: String::new(),
            schema: schema(),
            features: NAMES.into_iter().chain([PREMADE]).map(str::to_owned).collect(),
            forgetting: crate::prior::FORGETTING,
            trees: 0,
            metrics: Metrics::default(),
        }
    }
}
