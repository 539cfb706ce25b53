//! What is sent to the container behind the endpoint, and what of its answer is believed.
use super::{Asked, Member, Miss};
use crate::cause::in_one_line;
use gsm_core::limits::SCORE_ABS_MAX;
use gsm_engine::Chances;
use gsm_ml::Home;
use serde::Deserialize;
use serde_json::{Value, json};

/// The version of the container's schema that is spoken.
const SCHEMA_VERSION: u64 = 1;
/// Longest name of a model that is taken, in bytes.
const NAME_BYTES_MAX: usize = 256;
/// Longest name of a production variant, in characters: what SageMaker allows.
const VARIANT_CHARS_MAX: usize = 63;
/// Two scores differ by no more.
const MARGIN_ABS_MAX: f64 = 2.0 * SCORE_ABS_MAX;
/// Chances may miss 1 by so much together: they were written as text.
const SUM_MISSES: f64 = 1e-9;

/// The body of one call.
pub(super) fn request(all: &[Asked]) -> Vec<u8> {
    let instances: Vec<Value> = all
        .iter()
        .map(|asked| {
            let teams = asked.teams.each_ref().map(|team| team.iter().map(player).collect::<Vec<_>>());
            let mut instance = json!({ "teams": teams, "at": asked.at.as_millis() });
            if let (Some(variant), Some(object)) = (&asked.variant, instance.as_object_mut()) {
                object.insert("variant".to_owned(), Value::from(variant.as_str()));
            }
            // Of nobody together nothing is said: an older container takes such a match, too.
            if let (false, Some(object)) = (asked.parties.is_empty(), instance.as_object_mut()) {
                object.insert("parties".to_owned(), Value::from(asked.parties.clone()));
            }
            let home = match asked.home {
                Home::AsEver => None,
                Home::Nobody => Some(Value::from("nobody")),
                Home::Side(side) => Some(Value::from(side)),
            };
            if let (Some(home), Some(object)) = (home, instance.as_object_mut()) {
                object.insert("home".to_owned(), home);
            }
            instance
        })
        .collect();
    json!({ "schema_version": SCHEMA_VERSION, "instances": instances }).to_string().into_bytes()
}

/// An id, with the rating beside it where that is known.
fn player(member: &Member) -> Value {
    match member.rating {
        Some(rating) => json!({ "id": member.id, "rating": rating }),
        None => Value::from(member.id.as_str()),
    }
}

#[derive(Deserialize)]
struct Predictions {
    /// Of a container that tells it.
    schema_version: Option<u64>,
    predictions: Vec<Prediction>,
}

/// Members that are not named here are left out of account: a newer container may have more.
#[derive(Deserialize)]
struct Prediction {
    win: f64,
    draw: f64,
    loss: f64,
    expected: f64,
    interval: Interval,
    margin: Option<f64>,
    quality: f64,
    model: Model,
}

#[derive(Deserialize)]
struct Interval {
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Model {
    name: String,
}

/// The answers, with the model that each comes from.
pub(super) fn answers(body: &[u8], wanted: usize) -> Result<Vec<(Chances, String)>, Miss> {
    let read: Predictions = serde_json::from_slice(body).map_err(|error| Miss::Garbled {
        what: format!("it is not what the schema says: {}", in_one_line(&error)),
    })?;
    if let Some(version) = read.schema_version.filter(|version| *version != SCHEMA_VERSION) {
        let what = format!("it speaks schema version {version}, not {SCHEMA_VERSION}");
        return Err(Miss::Garbled { what });
    }
    if read.predictions.len() != wanted {
        let what = format!("{} answers to {wanted} questions", read.predictions.len());
        return Err(Miss::Garbled { what });
    }
    read.predictions.into_iter().map(believed).collect()
}

/// An endpoint that lies is no endpoint.
fn believed(of: Prediction) -> Result<(Chances, String), Miss> {
    if of.model.name.len() > NAME_BYTES_MAX {
        return Err(Miss::Garbled { what: format!("a model's name of {} bytes", of.model.name.len()) });
    }
    let shares = [of.win, of.draw, of.loss, of.expected, of.interval.low, of.interval.high, of.quality];
    let sound = shares.iter().all(|share| (0.0..=1.0).contains(share))
        && (of.win + of.draw + of.loss - 1.0).abs() <= SUM_MISSES
        && (of.win + of.draw / 2.0 - of.expected).abs() <= SUM_MISSES
        && of.interval.low <= of.expected + SUM_MISSES
        && of.expected <= of.interval.high + SUM_MISSES
        && of.margin.is_none_or(|margin| margin.abs() <= MARGIN_ABS_MAX);
    if !sound {
        return Err(Miss::Lied {
            what: format!(
                "win {}, draw {}, loss {}, margin {}, quality {}",
                of.win,
                of.draw,
                of.loss,
                of.margin.map_or_else(|| "none".to_owned(), |margin| margin.to_string()),
                of.quality
            ),
        });
    }
    let chances = Chances {
        win: of.win,
        draw: of.draw,
        loss: of.loss,
        expected: of.expected,
        low: of.interval.low,
        high: of.interval.high,
        margin: of.margin,
        quality: of.quality,
    };
    Ok((chances, of.model.name))
}

/// The production variant that the platform names, which is a name as SageMaker gives them: letters, digits and hyphens between
/// them.
pub(super) fn variant(told: Option<&str>) -> Result<Option<String>, Miss> {
    let fits = |name: &str| {
        (1..=VARIANT_CHARS_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !name.starts_with('-')
            && !name.ends_with('-')
    };
    match told {
        Some(name) if !fits(name) => {
            Err(Miss::Lied { what: format!("a production variant's name of {} bytes", name.len()) })
        }
        told => Ok(told.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(win: f64, draw: f64, quality: f64) -> String {
        let (loss, expected) = (1.0 - win - draw, win + draw / 2.0);
        json!({ "predictions": [{ "win": win, "draw": draw, "loss": loss, "expected": expected,
            "interval": { "low": 0.1, "high": 0.9 }, "margin": null, "quality": quality, "model": { "name": "m" },
            "more": 1 }] })
        .to_string()
    }

    #[test]
    fn who_came_together_is_told_where_anybody_did() {
        let member = |id: &str| Member { id: id.to_owned(), rating: None };
        let mut asked = Asked {
            teams: [vec![member("ann"), member("bob")], vec![member("cid"), member("dee")]],
            parties: Vec::new(),
            variant: None,
            home: Home::Nobody,
            at: gsm_core::Timestamp::EPOCH,
        };
        let sent = |asked: &Asked| -> Value {
            let body: Value = serde_json::from_slice(&request(std::slice::from_ref(asked))).unwrap();
            body["instances"][0].clone()
        };
        assert_eq!(sent(&asked).get("parties"), None);
        assert_eq!(asked.premade().map(|of| of.get()), [0.0, 0.0]);
        asked.parties = vec![vec!["dee".to_owned(), "cid".to_owned()]];
        assert_eq!(sent(&asked)["parties"], json!([["dee", "cid"]]));
        assert_eq!(asked.premade().map(|of| of.get()), [0.0, 1.0]);
    }

    #[test]
    fn what_cannot_be_is_not_believed() {
        assert!(answers(answer(0.6, 0.1, 0.9).as_bytes(), 1).is_ok());
        for (win, draw, quality) in [(1.2, 0.0, 0.5), (-0.1, 0.5, 0.5), (0.5, 0.0, 1.5), (0.2, -0.1, 0.5)] {
            let read = answers(answer(win, draw, quality).as_bytes(), 1);
            assert!(matches!(read, Err(Miss::Lied { .. })), "{win} {draw} {quality}: {read:?}");
        }
        let named = answer(0.6, 0.1, 0.9).replace("\"m\"", &format!("{:?}", "m".repeat(257)));
        assert!(matches!(answers(named.as_bytes(), 1), Err(Miss::Garbled { .. })));
        let sum = answer(0.6, 0.1, 0.9).replace("\"loss\":", "\"loss\":0.7,\"was\":");
        assert!(matches!(answers(sum.as_bytes(), 1), Err(Miss::Lied { .. })), "{sum}");
        for (low, high) in [(0.7, 0.9), (0.1, 0.6), (0.9, 0.1)] {
            let text = answer(0.6, 0.1, 0.9).replace("\"low\":0.1", &format!("\"low\":{low}"));
            let text = text.replace("\"high\":0.9", &format!("\"high\":{high}"));
            assert!(matches!(answers(text.as_bytes(), 1), Err(Miss::Lied { .. })), "{text}");
        }
        for margin in ["1e300", "-2000000001"] {
            let text = answer(0.6, 0.1, 0.9).replace("\"margin\":null", &format!("\"margin\":{margin}"));
            assert!(matches!(answers(text.as_bytes(), 1), Err(Miss::Lied { .. })), "{text}");
        }
        // Where the fewest points win, who is ahead is behind in points.
        let behind = answer(0.6, 0.1, 0.9).replace("\"margin\":null", "\"margin\":-3.5");
        assert!(answers(behind.as_bytes(), 1).is_ok());
        let version = |version: u64| {
            let text = answer(0.6, 0.1, 0.9)
                .replace("{\"predictions\"", &format!("{{\"schema_version\":{version},\"predictions\""));
            answers(text.as_bytes(), 1)
        };
        assert!(version(1).is_ok() && matches!(version(2), Err(Miss::Garbled { .. })));
        for garbled in ["", "0.5", "{}", "<html>", r#"{"predictions":[0.5]}"#, r#"{"predictions":[]}"#] {
            assert!(matches!(answers(garbled.as_bytes(), 1), Err(Miss::Garbled { .. })), "{garbled}");
        }
    }

    #[test]
    fn variants_have_names_as_sagemaker_gives_them() {
        assert_eq!(variant(None), Ok(None));
        let most = "v".repeat(VARIANT_CHARS_MAX);
        for name in ["AllTraffic", "blue-2", &most] {
            assert_eq!(variant(Some(name)), Ok(Some(name.to_owned())));
        }
        for name in ["", "a b", "<b>", "ä", "-", "-blue", "blue-", &(most + "v")] {
            assert!(matches!(variant(Some(name)), Err(Miss::Lied { .. })), "{name}");
        }
    }
}
