//! Predictions of an Amazon SageMaker endpoint with this project's container, and who speaks when it does not: the local
//! model, and without one the difference of the ratings.
//!
//! A call has a budget; a breaker leaves an endpoint alone that fails. Every answer says who spoke and why.
mod breaker;
mod wire;

use aws_sdk_sagemakerruntime::{
    Client,
    config::{BehaviorVersion, Region, StalledStreamProtectionConfig, retry::RetryConfig},
    error::{DisplayErrorContext, SdkError},
    operation::invoke_endpoint::InvokeEndpointError,
    primitives::Blob,
};
use breaker::Breaker;
use gsm_core::Timestamp;
use gsm_ml::{Home, Oracle, Query, Who};
use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// What a call may take, unless it is said otherwise.
pub const BUDGET: Duration = Duration::from_millis(50);
/// Matches of one call.
pub const BATCH_MAX: usize = 1_000;

/// Where the endpoint is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name.
    pub endpoint: String,
    /// Its region; none takes that of the environment.
    pub region: Option<String>,
    /// Instead of the region's own address.
    pub url: Option<String>,
    /// What a call may take.
    pub budget: Duration,
}

/// One of a team.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The id that the model knows the player by.
    pub id: String,
    /// The rating, for who has no model to ask.
    pub rating: f64,
}

/// A match that is asked about.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Who meets whom.
    pub teams: [Vec<Member>; 2],
    /// The variant.
    pub variant: Option<String>,
    /// Who is at home.
    pub home: Home,
    /// When.
    pub at: Timestamp,
}

/// What is predicted; see [`gsm_ml::Prediction`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chances {
    /// The first team wins.
    pub win: f64,
    /// Nobody does.
    pub draw: f64,
    /// The second wins.
    pub loss: f64,
    /// The expected score of the first.
    pub expected: f64,
    /// It is believed to be at least this...
    pub low: f64,
    /// ... and at most this.
    pub high: f64,
    /// The expected lead in points.
    pub margin: Option<f64>,
    /// How even the match is expected to be.
    pub quality: f64,
}

/// Why an endpoint did not speak.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Miss {
    /// It took longer than the budget.
    #[error("no answer within the budget")]
    Slow,
    /// It failed too often and rests.
    #[error("the endpoint failed too often and is left alone for a while")]
    Resting,
    /// The container answered with an error (424 `ModelError`).
    #[error("the container answered {status}")]
    Model {
        /// Its status; 0 where it is not told.
        status: i32,
    },
    /// The platform answered with an error.
    #[error("the platform answered {code}")]
    Platform {
        /// Its code.
        code: String,
    },
    /// No answer came.
    #[error("the endpoint cannot be reached: {what}")]
    Unreachable {
        /// Why.
        what: String,
    },
    /// The answer cannot be read.
    #[error("the answer makes no sense: {what}")]
    Garbled {
        /// Why.
        what: String,
    },
    /// The answer cannot be true.
    #[error("the answer cannot be true: {what}")]
    Lied {
        /// What it said.
        what: String,
    },
}

/// Who spoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speaker {
    /// The endpoint.
    Endpoint {
        /// Its production variant, where the platform told it.
        variant: Option<String>,
        /// The model behind it.
        model: String,
    },
    /// The local model.
    Local {
        /// Its name.
        model: String,
        /// Why not the endpoint.
        why: Miss,
    },
    /// The difference of the teams' mean ratings.
    Rating {
        /// Why not the endpoint.
        why: Miss,
    },
}

/// An answer, and who gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Spoken {
    /// What was said.
    pub chances: Chances,
    /// By whom.
    pub speaker: Speaker,
}

/// An endpoint and those who speak for it.
#[derive(Debug)]
pub struct Predictor {
    client: Client,
    endpoint: String,
    budget: Duration,
    local: Option<Oracle>,
    breaker: Mutex<Breaker>,
    begin: Instant,
}

impl Predictor {
    /// Of an endpoint, with the credentials of the environment. Nothing is called yet.
    pub async fn connect(settings: Settings, local: Option<Oracle>) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            // A second try would come after the budget.
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(region) = settings.region {
            loader = loader.region(Region::new(region));
        }
        if let Some(url) = settings.url {
            loader = loader.endpoint_url(url);
        }
        Self {
            client: Client::new(&loader.load().await),
            endpoint: settings.endpoint,
            budget: settings.budget,
            local,
            breaker: Mutex::default(),
            begin: Instant::now(),
        }
    }

    /// What is predicted of matches, in their order; of more than [`BATCH_MAX`] those beyond are asked in calls of their own.
    pub async fn ask(&self, all: &[Asked]) -> Vec<Spoken> {
        let mut spoken = Vec::with_capacity(all.len());
        for batch in all.chunks(BATCH_MAX) {
            match self.call(batch).await {
                Ok(answers) => spoken.extend(answers),
                Err(miss) => {
                    tracing::debug!(endpoint = self.endpoint, %miss, "somebody else speaks for the endpoint");
                    spoken.extend(batch.iter().map(|asked| self.instead(asked, &miss)));
                }
            }
        }
        spoken
    }

    async fn call(&self, batch: &[Asked]) -> Result<Vec<Spoken>, Miss> {
        if !self.breaker.lock().admits(self.begin.elapsed()) {
            return Err(Miss::Resting);
        }
        let mut trial = Trial { breaker: &self.breaker, is_told: false };
        let called = tokio::time::timeout(self.budget, self.invoke(batch)).await;
        let called = called.unwrap_or(Err(Miss::Slow));
        trial.is_told = true;
        self.breaker.lock().went(called.is_ok(), self.begin.elapsed());
        called
    }

    async fn invoke(&self, batch: &[Asked]) -> Result<Vec<Spoken>, Miss> {
        let call = self
            .client
            .invoke_endpoint()
            .endpoint_name(&self.endpoint)
            .content_type("application/json")
            .accept("application/json")
            .body(Blob::new(wire::request(batch)));
        let answer = call.send().await.map_err(|error| missed(&error))?;
        let variant = answer.invoked_production_variant().map(str::to_owned);
        let body = answer.body().map(AsRef::as_ref).unwrap_or_default();
        let read = wire::answers(body, batch.len())?;
        let spoken = |(chances, model)| {
            let speaker = Speaker::Endpoint { variant: variant.clone(), model };
            Spoken { chances, speaker }
        };
        Ok(read.into_iter().map(spoken).collect())
    }

    fn instead(&self, asked: &Asked, why: &Miss) -> Spoken {
        let local = self.local.as_ref().and_then(|oracle| {
            let [one, other] =
                asked.teams.each_ref().map(|team| team.iter().map(|m| Who::Named(&m.id)).collect::<Vec<_>>());
            let variant = asked.variant.as_deref();
            let query = Query { at: asked.at, variant, home: asked.home, sides: [&one, &other] };
            let of = oracle.ask(&query).ok()?.prediction;
            let chances = Chances {
                win: of.win,
                draw: of.draw,
                loss: of.loss,
                expected: of.expected,
                low: of.low,
                high: of.high,
                margin: of.margin,
                quality: of.quality,
            };
            let speaker = Speaker::Local { model: oracle.about().name.clone(), why: why.clone() };
            Some(Spoken { chances, speaker })
        });
        local.unwrap_or_else(|| Spoken {
            chances: by_rating(&asked.teams),
            speaker: Speaker::Rating { why: why.clone() },
        })
    }
}

/// Tells the breaker of a call whose caller went away.
struct Trial<'a> {
    breaker: &'a Mutex<Breaker>,
    is_told: bool,
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if !self.is_told {
            self.breaker.lock().forget();
        }
    }
}

fn missed(error: &SdkError<InvokeEndpointError>) -> Miss {
    use aws_sdk_sagemakerruntime::error::ProvideErrorMetadata as _;
    match error {
        SdkError::ServiceError(service) => match service.err() {
            InvokeEndpointError::ModelError(model) => {
                Miss::Model { status: model.original_status_code().unwrap_or(0) }
            }
            other => Miss::Platform {
                code: other.code().map_or_else(|| service.raw().status().to_string(), str::to_owned),
            },
        },
        other => Miss::Unreachable { what: DisplayErrorContext(other).to_string() },
    }
}

/// Points of rating that win ten times out of eleven.
const POINTS: f64 = 400.0;

/// By the formula of Elo, of the teams' means; nothing is known of draws, nor how sure that is.
fn by_rating(teams: &[Vec<Member>; 2]) -> Chances {
    let [one, other] = teams.each_ref().map(|team| {
        let sound = team.iter().map(|member| member.rating).filter(|rating| rating.is_finite());
        sound.sum::<f64>() / team.len().max(1) as f64
    });
    let win = 1.0 / (1.0 + 10_f64.powf((other - one) / POINTS));
    Chances {
        win,
        draw: 0.0,
        loss: 1.0 - win,
        expected: win,
        low: 0.0,
        high: 1.0,
        margin: None,
        quality: 4.0 * win * (1.0 - win),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_anybody_else_the_ratings_speak() {
        let team = |ratings: &[f64]| -> Vec<Member> {
            ratings.iter().map(|rating| Member { id: "x".to_owned(), rating: *rating }).collect()
        };
        let even = by_rating(&[team(&[1400.0, 1600.0]), team(&[1500.0])]);
        assert_eq!((even.win, even.quality, even.low, even.high), (0.5, 1.0, 0.0, 1.0));
        let ahead = by_rating(&[team(&[1900.0]), team(&[1500.0])]);
        assert!((ahead.win - 10.0 / 11.0).abs() < 1e-15 && (ahead.win + ahead.loss - 1.0).abs() < 1e-15);
        assert!(by_rating(&[team(&[f64::NAN]), team(&[])]).quality.is_finite());
    }
}
