//! Predictions of an Amazon SageMaker endpoint with this project's container: as the engine asks for them
//! ([`RemoteModel`](gsm_engine::RemoteModel)), and for the command line with who speaks when it does not: a local model, and
//! without one the difference of the ratings.
//!
//! A call has a budget; a breaker leaves an endpoint alone that fails. Every answer says who spoke and why.
mod bounded;
mod breaker;
mod endpoint;
mod wire;

pub use crate::elsewhere::EndpointSettings as Settings;
pub(crate) use endpoint::remote;

use endpoint::Endpoint;
use gsm_core::Timestamp;
pub use gsm_engine::Chances;
use gsm_engine::Reply;
use gsm_ml::{Guest, Home, Oracle, Premade, Query, Who};
use std::sync::Arc;

/// Matches of one call.
pub const BATCH_MAX: usize = 1_000;

/// One of a team.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The id that the model knows the player by.
    pub id: String,
    /// The rating, if it is known: how good one is whom the model does not know, and for who has no model to ask.
    pub rating: Option<f64>,
}

impl Member {
    /// Whom the model knows, else by the rating.
    fn who(&self) -> Who<'_> {
        let guest = self.rating.and_then(|rating| Guest::new(rating, None, 0).ok());
        guest.map_or(Who::Named(&self.id), |guest| Who::NamedOr(&self.id, guest))
    }
}

/// A match that is asked about.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Who meets whom.
    pub teams: [Vec<Member>; 2],
    /// Who came together, by ids.
    pub parties: Vec<Vec<String>>,
    /// The variant.
    pub variant: Option<String>,
    /// Who is at home.
    pub home: Home,
    /// When.
    pub at: Timestamp,
}

impl Asked {
    /// How much of each team came together.
    fn premade(&self) -> [Premade; 2] {
        self.teams.each_ref().map(|team| {
            let ids: Vec<String> = team.iter().map(|member| member.id.clone()).collect();
            Premade::among(&ids, &self.parties)
        })
    }
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

impl Miss {
    /// What the engine is told of it.
    const fn kind(&self) -> gsm_engine::Miss {
        match self {
            Self::Slow => gsm_engine::Miss::Slow,
            Self::Resting => gsm_engine::Miss::Resting,
            Self::Model { .. } => gsm_engine::Miss::ModelError,
            Self::Platform { .. } => gsm_engine::Miss::PlatformError,
            Self::Unreachable { .. } => gsm_engine::Miss::Unreachable,
            Self::Garbled { .. } => gsm_engine::Miss::Garbled,
            Self::Lied { .. } => gsm_engine::Miss::Lied,
        }
    }
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
        /// The id of the call, under which the endpoint's data capture has it.
        inference: Option<String>,
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
    endpoint: Endpoint,
    local: Option<Oracle>,
}

impl Predictor {
    /// Of an endpoint, with the credentials of the environment. Nothing is called yet.
    pub async fn connect(settings: Settings, local: Option<Oracle>) -> Self {
        Self { endpoint: Endpoint::connect(settings, Arc::new(|_| ())).await, local }
    }

    /// What is predicted of matches, in their order; of more than [`BATCH_MAX`] those beyond are asked in calls of their own,
    /// at the same time.
    pub async fn ask(&self, all: &[Asked]) -> Vec<Spoken> {
        let heard = self.endpoint.ask(all).await;
        let spoken = |(asked, heard): (&Asked, Result<Reply, Miss>)| match heard {
            Ok(Reply { chances, model, variant, inference }) => {
                Spoken { chances, speaker: Speaker::Endpoint { variant, model, inference } }
            }
            Err(miss) => self.instead(asked, &miss),
        };
        all.iter().zip(heard).map(spoken).collect()
    }

    fn instead(&self, asked: &Asked, why: &Miss) -> Spoken {
        let local = self.local.as_ref().and_then(|oracle| {
            let [one, other] =
                asked.teams.each_ref().map(|team| team.iter().map(Member::who).collect::<Vec<_>>());
            let variant = asked.variant.as_deref();
            let query = Query {
                at: asked.at,
                variant,
                home: asked.home,
                sides: [&one, &other],
                premade: asked.premade(),
            };
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

/// Points of rating that win ten times out of eleven.
const POINTS: f64 = 400.0;
/// The rating of who has none told.
const NEWCOMER: f64 = 1500.0;

/// By the formula of Elo, of the teams' means; nothing is known of draws, nor how sure that is.
fn by_rating(teams: &[Vec<Member>; 2]) -> Chances {
    let [one, other] = teams.each_ref().map(|team| {
        let told = |member: &Member| member.rating.filter(|rating| rating.is_finite()).unwrap_or(NEWCOMER);
        team.iter().map(told).sum::<f64>() / team.len().max(1) as f64
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
        quality: gsm_ml::evenness(win),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_anybody_else_the_ratings_speak() {
        let team = |ratings: &[f64]| -> Vec<Member> {
            ratings.iter().map(|rating| Member { id: "x".to_owned(), rating: Some(*rating) }).collect()
        };
        let even = by_rating(&[team(&[1400.0, 1600.0]), team(&[1500.0])]);
        assert_eq!((even.win, even.quality, even.low, even.high), (0.5, 1.0, 0.0, 1.0));
        let ahead = by_rating(&[team(&[1900.0]), team(&[1500.0])]);
        assert!((ahead.win - 10.0 / 11.0).abs() < 1e-15 && (ahead.win + ahead.loss - 1.0).abs() < 1e-15);
        assert!(by_rating(&[team(&[f64::NAN]), team(&[])]).quality.is_finite());
        let untold = vec![Member { id: "x".to_owned(), rating: None }];
        assert_eq!(by_rating(&[untold, team(&[1500.0])]).win, 0.5);
    }
}
