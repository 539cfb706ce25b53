//! Matchmaking events to the destinations that the settings name, signed; input never chooses an address.
//!
//! Each destination has a queue of its own with a bound, so that one that is down holds up nobody. Delivery is at least
//! tried: an event that a destination has refused or not answered so often, or that found the queue full, is gone and
//! counted. The signature is that of Standard Webhooks (standardwebhooks.com, "Signature scheme"): HMAC-SHA256 over
//! `id.timestamp.body`, base64.
mod message;
mod sign;

pub(crate) use message::Account;
pub(crate) use sign::Secret;

use crate::config::{Shape, WebhookConfig};
use bytes::Bytes;
use futures::{StreamExt, stream};
use gsm_core::Clock;
use gsm_engine::{Listener, MatchmakingEvent};
use reqwest::{StatusCode, header};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Events that wait for one destination.
const WAITING_MAX: usize = 10_000;
/// Requests to one destination at once.
const AT_ONCE: usize = 8;
/// Tries of one event, and what is waited between the first two; twice as long from one to the next.
const TRIES_MAX: u32 = 6;
const PATIENCE: Duration = Duration::from_millis(250);
/// What a destination is given to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// What became of the events so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Taken by a destination.
    pub(crate) delivered: AtomicU64,
    /// Given up.
    pub(crate) lost: AtomicU64,
}

/// Hears the engine and hands each event to the destinations that want it.
pub(crate) struct Webhooks {
    account: Account,
    destinations: Vec<Destination>,
    pub(crate) counts: Arc<Counts>,
}

struct Destination {
    config: WebhookConfig,
    queue: mpsc::Sender<Outgoing>,
}

struct Outgoing {
    id: String,
    body: Bytes,
}

impl Destination {
    /// Whether events with this notification target go there: the target is its name, or an ARN that ends in it.
    fn wants(&self, target: Option<&str>) -> bool {
        let named = |target: &str| target.rsplit([':', '/']).next() == Some(&self.config.name);
        self.config.all || target.is_some_and(named)
    }
}

impl Webhooks {
    /// Starts one sender a destination; they end with `stop`.
    pub(crate) fn start(
        destinations: Vec<(WebhookConfig, Secret)>,
        account: Account,
        clock: &Arc<dyn Clock>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Arc<Self>, reqwest::Error> {
        let counts = Arc::new(Counts::default());
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_MAX)
            .no_proxy()
            .user_agent(concat!("gsm/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let mut made = Vec::with_capacity(destinations.len());
        for (config, secret) in destinations {
            let (queue, waiting) = mpsc::channel(WAITING_MAX);
            let sender = Sender {
                client: client.clone(),
                config: config.clone(),
                secret,
                counts: counts.clone(),
                clock: clock.clone(),
            };
            tasks.spawn(sender.run(waiting, stop.clone()));
            made.push(Destination { config, queue });
        }
        Ok(Arc::new(Self { account, destinations: made, counts }))
    }
}

impl Listener for Webhooks {
    fn hear(&self, event: MatchmakingEvent) {
        let target = event.queue.gamelift.as_ref().and_then(|of| of.notification_target.as_deref());
        for destination in self.destinations.iter().filter(|destination| destination.wants(target)) {
            let body = match destination.config.shape {
                Shape::EventBridge => message::event_bridge(&event, &self.account),
                Shape::Sns => {
                    let topic = target.map_or_else(
                        || {
                            format!(
                                "arn:aws:sns:{}:{}:{}",
                                self.account.region(&event.queue),
                                self.account.id,
                                destination.config.name
                            )
                        },
                        ToOwned::to_owned,
                    );
                    message::sns(&event, &self.account, &topic)
                }
            };
            let outgoing = Outgoing { id: event.id.to_string(), body: body.to_string().into() };
            if destination.queue.try_send(outgoing).is_err() {
                self.counts.lost.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(webhook = %destination.config.name, "event lost: too many wait");
            }
        }
    }
}

struct Sender {
    client: reqwest::Client,
    config: WebhookConfig,
    secret: Secret,
    counts: Arc<Counts>,
    clock: Arc<dyn Clock>,
}

/// Why an event was not taken.
enum Fault {
    /// It may be taken later.
    Later(String),
    /// It will not be.
    Never(String),
}

impl Sender {
    async fn run(self, waiting: mpsc::Receiver<Outgoing>, stop: CancellationToken) {
        let sender = &self;
        let each = stream::unfold(waiting, |mut waiting| async {
            let next = waiting.recv().await?;
            Some((next, waiting))
        });
        let sent = each.for_each_concurrent(AT_ONCE, |event| async move { sender.deliver(&event).await });
        tokio::select! {
            () = sent => {}
            () = stop.cancelled() => {}
        }
    }

    async fn deliver(&self, event: &Outgoing) {
        let mut patience = PATIENCE;
        for last in (0..TRIES_MAX).rev().map(|left| left == 0) {
            match self.send(event).await {
                Ok(()) => {
                    self.counts.delivered.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                Err(Fault::Later(_)) if !last => {
                    tokio::time::sleep(patience).await;
                    patience *= 2;
                }
                Err(Fault::Later(why) | Fault::Never(why)) => {
                    self.counts.lost.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(webhook = %self.config.name, event = %event.id, why, "event lost");
                    return;
                }
            }
        }
    }

    async fn send(&self, event: &Outgoing) -> Result<(), Fault> {
        // Each try is signed anew: receivers refuse what is older than some minutes.
        let timestamp = u64::try_from(self.clock.wall().as_millis() / 1_000).unwrap_or(0);
        let request = self
            .client
            .post(&self.config.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", &event.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", self.secret.sign(&event.id, timestamp, &event.body))
            .body(event.body.clone());
        // Not the address: it may hold a key.
        let answer = request.send().await.map_err(|error| Fault::Later(error.without_url().to_string()))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) => {
                Err(Fault::Later(status.to_string()))
            }
            status if status.is_server_error() => Err(Fault::Later(status.to_string())),
            status => Err(Fault::Never(status.to_string())),
        }
    }
}

#[cfg(test)]
mod tests;
