//! Who predicts matches as they are formed.
use gsm_adapters::{ENDPOINT_BUDGET, EndpointSettings, endpoint_supported};
use gsm_core::Mode;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, time::Duration};
use utoipa::ToSchema;

/// Longest name of an endpoint, as SageMaker has it.
const ENDPOINT_CHARS_MAX: usize = 63;
/// A match is kept from its players no longer than this for a prediction.
const BUDGET_MS_MAX: u64 = 1_000;

/// Who predicts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PredictorKind {
    /// The mode's own model, in this process.
    #[default]
    Local,
    /// An endpoint, and the mode's own model where that does not answer.
    Sagemaker,
}

/// Who predicts matches as they are formed (docs/models.md).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PredictorConfig {
    /// Milliseconds that a formed match may wait for an endpoint's answer.
    pub budget_ms: u64,
    /// The endpoint's name.
    #[schema(example = "gsm-quality")]
    pub endpoint: Option<String>,
    /// `local`: the mode's own model, or `sagemaker`: an endpoint, and the mode's own model where that does not answer.
    #[schema(value_type = String)]
    pub kind: PredictorKind,
    /// The modes that the endpoint's model was trained for; its matches of two sides are asked about. Empty: all.
    pub modes: Vec<String>,
    /// The endpoint's region. Absent: that of the environment.
    #[schema(example = "eu-central-1")]
    pub region: Option<String>,
    /// An address that speaks as SageMaker's runtime, instead of the region's own.
    #[schema(example = "https://runtime.example")]
    pub url: Option<String>,
}

impl Default for PredictorConfig {
    fn default() -> Self {
        Self {
            budget_ms: u64::try_from(ENDPOINT_BUDGET.as_millis()).unwrap_or(u64::MAX),
            endpoint: None,
            kind: PredictorKind::Local,
            modes: Vec::new(),
            region: None,
            url: None,
        }
    }
}

/// The endpoint that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictorSettings {
    /// Where it is.
    pub endpoint: EndpointSettings,
    /// Of which modes; of all without any.
    pub modes: BTreeSet<Mode>,
}

impl PredictorConfig {
    /// The endpoint, if one is to be asked; else what is wrong, by key.
    pub(super) fn check(&self) -> (Option<PredictorSettings>, Vec<(&'static str, String)>) {
        let mut wrong = Vec::new();
        if !(1..=BUDGET_MS_MAX).contains(&self.budget_ms) {
            let what = format!("`{}` must be 1 to {BUDGET_MS_MAX}", self.budget_ms);
            wrong.push(("predictor.budget_ms", what));
        }
        let is_name = |name: &str| {
            (1..=ENDPOINT_CHARS_MAX).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if let Some(name) = self.endpoint.as_deref().filter(|name| !is_name(name)) {
            let what = format!("`{name}` must have 1 to {ENDPOINT_CHARS_MAX} letters, digits and hyphens");
            wrong.push(("predictor.endpoint", what));
        }
        if let Some(region) = self.region.as_deref().filter(|region| !super::is_region(region)) {
            wrong.push(("predictor.region", format!("`{region}` is not a region such as eu-central-1")));
        }
        if let Some(url) = self.url.as_deref().filter(|url| !super::check::is_url(url)) {
            wrong.push(("predictor.url", format!("`{url}` must be an http or https address")));
        }
        let mut modes = BTreeSet::new();
        for text in &self.modes {
            match Mode::new(text) {
                Ok(mode) => drop(modes.insert(mode)),
                Err(error) => wrong.push(("predictor.modes", format!("`{text}`: {error}"))),
            }
        }
        if self.kind == PredictorKind::Local {
            return (None, wrong);
        }
        if let Err(what) = endpoint_supported() {
            wrong.push(("predictor.kind", what));
        }
        let Some(endpoint) = self.endpoint.clone() else {
            wrong.push(("predictor.endpoint", "name the endpoint that is asked".to_owned()));
            return (None, wrong);
        };
        let budget = Duration::from_millis(self.budget_ms);
        let endpoint =
            EndpointSettings { endpoint, region: self.region.clone(), url: self.url.clone(), budget };
        (Some(PredictorSettings { endpoint, modes }), wrong)
    }

    /// Whether an endpoint is named that nobody asks.
    pub(super) fn is_idle(&self) -> bool {
        self.kind == PredictorKind::Local && self.endpoint.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> PredictorConfig {
        let endpoint = Some("gsm-quality".to_owned());
        PredictorConfig { kind: PredictorKind::Sagemaker, endpoint, ..PredictorConfig::default() }
    }

    fn refused(of: &PredictorConfig) -> Vec<&'static str> {
        // Builds without endpoints refuse the kind beside all else.
        let wrong = of.check().1.into_iter().map(|(key, _)| key);
        wrong.filter(|key| *key != "predictor.kind" || endpoint_supported().is_ok()).collect()
    }

    #[test]
    fn the_default_asks_nobody_and_an_endpoint_has_a_name() {
        assert_eq!(PredictorConfig::default().check(), (None, Vec::new()));
        let (settings, wrong) = endpoint().check();
        assert_eq!(settings.unwrap().endpoint.budget, Duration::from_millis(50));
        assert_eq!(wrong.is_empty(), endpoint_supported().is_ok());
        assert!(wrong.iter().all(|(key, what)| *key == "predictor.kind" && what.contains("--features full")));
        assert_eq!(refused(&PredictorConfig { endpoint: None, ..endpoint() }), ["predictor.endpoint"]);
        assert!(
            PredictorConfig { kind: PredictorKind::Local, ..endpoint() }.is_idle() && !endpoint().is_idle()
        );
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let bad = PredictorConfig {
            budget_ms: 0,
            endpoint: Some("gsm_quality".to_owned()),
            modes: vec!["duel".to_owned(), "no mode".to_owned()],
            region: Some("Europe".to_owned()),
            url: Some("runtime.example".to_owned()),
            ..endpoint()
        };
        let wanted =
            ["budget_ms", "endpoint", "region", "url", "modes"].map(|key| format!("predictor.{key}"));
        assert_eq!(refused(&bad), wanted);
    }
}
