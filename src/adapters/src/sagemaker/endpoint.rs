//! One endpoint: its calls, their budget, its breaker.
use super::{
    Asked, BATCH_MAX, Member, Miss, Settings,
    bounded::{Bounded, answer_bytes_max, is_too_long},
    breaker::{Breaker, Turned},
    wire,
};
use crate::{
    SystemIds,
    cause::{in_one_line, plain},
    elsewhere::{EndpointListener, EndpointNews},
};
use async_trait::async_trait;
use aws_sdk_sagemakerruntime::{
    Client,
    config::{BehaviorVersion, Region, StalledStreamProtectionConfig, retry::RetryConfig},
    error::SdkError,
    operation::invoke_endpoint::InvokeEndpointError,
    primitives::Blob,
};
use futures::future::join_all;
use gsm_core::{IdSource as _, Mode};
use gsm_engine::{Heard, Question, RemoteModel, Reply};
use gsm_ml::Home;
use parking_lot::Mutex;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::time::Instant;

/// A call whose caller waits no longer goes on so long, so that what it set up (credentials, a connection) serves the next.
const LATE: Duration = Duration::from_secs(5);

/// An endpoint.
pub(super) struct Endpoint {
    client: Client,
    name: String,
    budget: Duration,
    breaker: Mutex<Breaker>,
    begin: Instant,
    told: EndpointListener,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("name", &self.name)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// With the credentials of the environment. Nothing is called yet.
    pub(super) async fn connect(settings: Settings, told: EndpointListener) -> Self {
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
            name: settings.endpoint,
            budget: settings.budget,
            breaker: Mutex::default(),
            begin: Instant::now(),
            told,
        }
    }

    /// What it says of matches, in their order, within one budget.
    pub(super) async fn ask(&self, all: &[Asked]) -> Vec<Result<Reply, Miss>> {
        let batch = async |batch: &[Asked]| match self.call(batch).await {
            Ok(replies) => replies.into_iter().map(Ok).collect(),
            Err(miss) => vec![Err(miss); batch.len()],
        };
        join_all(all.chunks(BATCH_MAX).map(batch)).await.concat()
    }

    async fn call(&self, batch: &[Asked]) -> Result<Vec<Reply>, Miss> {
        let asked_at = Instant::now();
        let called = if self.breaker.lock().admits(self.begin.elapsed()) {
            let mut trial = Trial { breaker: &self.breaker, is_told: false };
            let called = self.within_budget(batch).await;
            trial.is_told = true;
            let turned = self.breaker.lock().went(called.is_ok(), self.begin.elapsed());
            self.tell_turned(turned, called.as_ref().err());
            called
        } else {
            Err(Miss::Resting)
        };
        if let Err(miss) = &called {
            tracing::debug!(endpoint = self.name, %miss, "somebody else speaks for the endpoint");
        }
        let missed = called.as_ref().err().map(Miss::kind);
        (self.told)(EndpointNews::Asked { matches: batch.len(), missed, took: asked_at.elapsed() });
        called
    }

    async fn within_budget(&self, batch: &[Asked]) -> Result<Vec<Reply>, Miss> {
        let (client, name, body, wanted) =
            (self.client.clone(), self.name.clone(), wire::request(batch), batch.len());
        #[expect(
            clippy::disallowed_methods,
            reason = "it changes nothing and is bounded by LATE and the breaker: no stop need wait for it"
        )]
        let call = tokio::spawn(tokio::time::timeout(LATE, invoke(client, name, body, wanted)));
        match tokio::time::timeout(self.budget, call).await {
            Ok(Ok(Ok(answered))) => answered,
            Ok(Err(error)) => Err(Miss::Unreachable { what: error.to_string() }),
            Ok(Ok(Err(_))) | Err(_) => Err(Miss::Slow),
        }
    }

    fn tell_turned(&self, turned: Option<Turned>, last: Option<&Miss>) {
        match turned {
            Some(Turned::Opened) => {
                let miss = last.map(ToString::to_string).unwrap_or_default();
                tracing::warn!(endpoint = self.name, miss, "the endpoint failed too often and is left alone");
                (self.told)(EndpointNews::Opened);
            }
            Some(Turned::Closed) => {
                tracing::info!(endpoint = self.name, "the endpoint answers again");
                (self.told)(EndpointNews::Closed);
            }
            None => {}
        }
    }
}

async fn invoke(client: Client, name: String, body: Vec<u8>, wanted: usize) -> Result<Vec<Reply>, Miss> {
    let bytes_max = answer_bytes_max(body.len(), wanted);
    let inference = format!("gsm-{:032x}", SystemIds.next_u128());
    let call = client
        .invoke_endpoint()
        .endpoint_name(name)
        .inference_id(&inference)
        .content_type("application/json")
        .accept("application/json")
        .body(Blob::new(body));
    let sent = call.customize().interceptor(Bounded(bytes_max)).send().await;
    let answer = sent.map_err(|error| missed(&error, bytes_max))?;
    let variant = wire::variant(answer.invoked_production_variant())?;
    let body = answer.body().map(AsRef::as_ref).unwrap_or_default();
    let read = wire::answers(body, wanted)?;
    let reply = |(chances, model)| {
        let (variant, inference) = (variant.clone(), Some(inference.clone()));
        Reply { chances, model, variant, inference }
    };
    Ok(read.into_iter().map(reply).collect())
}

/// As the engine asks it.
struct Remote {
    endpoint: Endpoint,
    /// Without any it is asked of all.
    modes: BTreeSet<Mode>,
}

/// The endpoint as the engine asks it, about matches of `modes`, or of all without any.
pub(crate) async fn remote(
    settings: Settings,
    modes: BTreeSet<Mode>,
    told: EndpointListener,
) -> Arc<dyn RemoteModel> {
    Arc::new(Remote { endpoint: Endpoint::connect(settings, told).await, modes })
}

#[async_trait]
impl RemoteModel for Remote {
    fn is_asked_of(&self, mode: &Mode) -> bool {
        self.modes.is_empty() || self.modes.contains(mode)
    }

    async fn ask(&self, all: &[Question]) -> Vec<Heard> {
        // Players are named as `gsm model train` names them that learns from a data directory: by their internal ids.
        let asked = |of: &Question| {
            let member = |id: &gsm_core::PlayerId| Member { id: id.to_string(), rating: None };
            Asked {
                teams: of.sides.each_ref().map(|side| side.iter().map(member).collect()),
                parties: of
                    .parties
                    .iter()
                    .map(|party| party.iter().map(ToString::to_string).collect())
                    .collect(),
                variant: of.variant.as_ref().map(ToString::to_string),
                home: of.home.map_or(Home::Nobody, Home::Side),
                at: of.at,
            }
        };
        let all: Vec<Asked> = all.iter().map(asked).collect();
        let heard = self.endpoint.ask(&all).await;
        heard.into_iter().map(|heard| heard.map_err(|miss| miss.kind())).collect()
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

fn missed(error: &SdkError<InvokeEndpointError>, bytes_max: usize) -> Miss {
    use aws_sdk_sagemakerruntime::error::ProvideErrorMetadata as _;
    match error {
        error if is_too_long(error) => Miss::Garbled { what: format!("it is longer than {bytes_max} bytes") },
        SdkError::ServiceError(service) => match service.err() {
            InvokeEndpointError::ModelError(model) => {
                Miss::Model { status: model.original_status_code().unwrap_or(0) }
            }
            other => Miss::Platform {
                code: other.code().map_or_else(|| service.raw().status().to_string(), plain),
            },
        },
        other => Miss::Unreachable { what: in_one_line(other) },
    }
}
