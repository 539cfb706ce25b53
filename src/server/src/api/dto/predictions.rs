//! What is predicted of a match.
use gsm_engine::store::{Forecast, Inside, Spoke};
use serde::Serialize;
use utoipa::ToSchema;

/// What the learnt model predicts of a match.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PredictionDto {
    /// How close the match is expected to be beside one of equals, which has 1; 0 to 1.
    quality: f64,
    /// The score that each side is expected to reach, 0 to 1.
    expected: Vec<f64>,
    /// Of two sides: the chance that the first one wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    win: Option<f64>,
    /// That they draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    draw: Option<f64>,
    /// That the first one loses.
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<f64>,
    /// For servers and admins.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    inside: Option<InsideDto>,
}

/// How a prediction came about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InsideDto {
    /// Of two sides: the expected score of the first is believed to be at least this, 95 times out of 100 within both.
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<f64>,
    /// And at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<f64>,
    /// The expected lead of the first side in points, where scores are reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    margin: Option<f64>,
    /// Who spoke: `local`, the mode's own model, or `endpoint`.
    speaker: &'static str,
    /// The model that spoke.
    model: String,
    /// The endpoint's production variant that spoke, where it told.
    #[serde(skip_serializing_if = "Option::is_none")]
    production_variant: Option<String>,
    /// Where the endpoint spoke, the id of the call (`InferenceId`): data capture of the endpoint has what was asked and answered under it. Matches that
    /// were asked about in one call share it.
    #[serde(skip_serializing_if = "Option::is_none")]
    inference_id: Option<String>,
    /// Why the endpoint that was asked did not speak: `slow`, `resting` (left alone, for it failed too often), `model_error`,
    /// `platform_error`, `unreachable`, `garbled` or `lied`.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_missed: Option<&'static str>,
    /// Where the endpoint spoke, what the mode's own model says.
    #[serde(skip_serializing_if = "Option::is_none")]
    local: Option<OwnDto>,
    /// Results of the mode that its own model had learnt from.
    learnt: u64,
    /// The commit of the last of them.
    sequence: u64,
    /// When it was asked.
    at: i64,
}

/// What the mode's own model says where another spoke.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnDto {
    /// Its name.
    model: String,
    /// The score that it expects of the first side; contributions sum to the logit of this.
    expected: f64,
}

impl InsideDto {
    fn new(inside: Inside) -> Self {
        let own = inside.model;
        let mut inference_id = None;
        let (speaker, model, production_variant, endpoint_missed, local) = match inside.spoke {
            Spoke::Own => ("local", own, None, None, None),
            Spoke::InsteadFor(miss) => ("local", own, None, Some(miss.as_str()), None),
            Spoke::Elsewhere { model, variant, own: expected } => {
                ("endpoint", model, variant, None, Some(OwnDto { model: own, expected }))
            }
            Spoke::Called { model, variant, own: expected, inference } => {
                inference_id = Some(inference);
                ("endpoint", model, variant, None, Some(OwnDto { model: own, expected }))
            }
        };
        Self {
            low: inside.interval.map(|[low, _]| low),
            high: inside.interval.map(|[_, high]| high),
            margin: inside.margin,
            speaker,
            model,
            production_variant,
            inference_id,
            endpoint_missed,
            local,
            learnt: inside.learnt,
            sequence: inside.sequence,
            at: inside.at.as_millis(),
        }
    }
}

impl From<Forecast> for PredictionDto {
    fn from(forecast: Forecast) -> Self {
        let of = |nth: usize| forecast.chances.and_then(|chances| chances.get(nth).copied());
        let inside = forecast.inside.map(|inside| InsideDto::new(*inside));
        Self {
            quality: forecast.quality,
            win: of(0),
            draw: of(1),
            loss: of(2),
            expected: forecast.expected,
            inside,
        }
    }
}
