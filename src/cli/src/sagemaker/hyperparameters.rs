//! What a training job is told: a JSON object whose values are all text.
use crate::{
    model::{forgetting, share, trees},
    output::note,
};
use gsm_core::Mode;
use serde_json::Value;

/// Those that are known.
const KNOWN: &str = "mode, holdout, forgetting, trees, players";
/// The platform adds some of its own under these prefixes.
const OF_THE_PLATFORM: [&str; 2] = ["sagemaker_", "_tuning_objective_metric"];

/// The checked form.
#[derive(Debug, PartialEq)]
pub(super) struct Hyperparameters {
    pub(super) mode: Mode,
    pub(super) holdout: f64,
    pub(super) forgetting: Option<f64>,
    pub(super) trees: usize,
    /// Whether the model keeps its players, or the weights alone.
    pub(super) players: bool,
}

impl Hyperparameters {
    /// Of the file's content; what is not known is told and left out, for tuning jobs and tools of the platform add theirs.
    pub(super) fn read(value: Option<&Value>) -> Result<Self, String> {
        let mut read = Self {
            mode: Mode::new("default").map_err(|error| error.to_string())?,
            holdout: 0.2,
            forgetting: None,
            trees: 0,
            players: true,
        };
        let Some(value) = value else { return Ok(read) };
        let all = value.as_object().ok_or("the hyperparameters are not a JSON object")?;
        for (name, value) in all {
            let wrong = |what: String| format!("hyperparameter `{name}`: {what}");
            let text = value.as_str().ok_or_else(|| wrong(format!("{value} is not text")))?.trim();
            // Tools write text as JSON once more, and leave what is not set empty, or null.
            let inner = serde_json::from_str::<String>(text).ok();
            let is_null = text == "null";
            let text = inner.as_deref().unwrap_or(text).trim();
            if text.is_empty() || is_null {
                continue;
            }
            match name.as_str() {
                "mode" => read.mode = mode(text).map_err(wrong)?,
                "holdout" => read.holdout = share(text).map_err(wrong)?,
                "forgetting" => read.forgetting = Some(forgetting(text).map_err(wrong)?),
                "trees" => read.trees = trees(text.strip_suffix(".0").unwrap_or(text)).map_err(wrong)?,
                "players" => {
                    let text = text.to_ascii_lowercase();
                    read.players = text.parse().map_err(|_| wrong("`true` or `false`".to_owned()))?;
                }
                name if OF_THE_PLATFORM.iter().any(|prefix| name.starts_with(prefix)) => {}
                name => {
                    note(format_args!("hyperparameter `{name}` is not known and left out; known are {KNOWN}"))
                }
            }
        }
        Ok(read)
    }
}

/// A mode whose file an endpoint sees: one that begins with a point is hidden, as are what packers leave beside files.
fn mode(text: &str) -> Result<Mode, String> {
    if text.starts_with('.') {
        return Err(format!(
            "`{text}` begins with a point: its model would be a hidden file, which no endpoint loads"
        ));
    }
    Mode::new(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<Hyperparameters, String> {
        Hyperparameters::read(Some(&value))
    }

    #[test]
    fn every_value_is_text() {
        let read_all = read(json!({
            "mode": "duel", "holdout": " 0.25 ", "forgetting": "1e-5", "trees": "90", "players": "false",
            "epochs": "5", "sagemaker_region": "eu-west-1"
        }));
        let wanted = Hyperparameters {
            mode: Mode::new("duel").unwrap(),
            holdout: 0.25,
            forgetting: Some(1e-5),
            trees: 90,
            players: false,
        };
        assert_eq!(read_all.as_ref(), Ok(&wanted));
        let as_tools_write = read(json!({
            "mode": "\"duel\"", "holdout": "0.25", "forgetting": "1e-5", "trees": "90.0", "players": "False", "epochs": ""
        }));
        assert_eq!(as_tools_write, Ok(wanted));
        let unset = read(json!({ "mode": "", "trees": "", "players": "" }));
        assert_eq!(unset, Hyperparameters::read(None));
        let null = read(
            json!({ "mode": "null", "holdout": "null", "forgetting": " null", "trees": "null", "players": "null" }),
        );
        assert_eq!(null, unset);
        assert_eq!(Hyperparameters::read(None).unwrap().mode.as_str(), "default");
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (value, part) in [
            (json!({ "holdout": 0.25 }), "`holdout`: 0.25 is not text"),
            (json!({ "holdout": "0.9" }), "`holdout`"),
            (json!({ "holdout": "nan" }), "`holdout`"),
            (json!({ "forgetting": "-1" }), "`forgetting`"),
            (json!({ "trees": "1001" }), "`trees`"),
            (json!({ "trees": "some" }), "`trees`"),
            (json!({ "mode": "two words" }), "`mode`"),
            (json!({ "mode": ".duel" }), "`mode`: `.duel` begins with a point"),
            (json!({ "players": "yes" }), "`players`"),
            (json!([]), "not a JSON object"),
        ] {
            let error = read(value).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
