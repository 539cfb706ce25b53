//! Matchmaking events to the destinations that the settings name, signed; input never chooses an address.
//!
//! Each destination has a queue of its own with a bound, so that one that is down holds up nobody. Delivery is at least
//! tried: an event that a destination has refused or not answered so often, or that found the queue full, is gone and
//! counted. A server that stops goes on until nothing waits, or until its drain is over. The signature is that of Standard Webhooks (standardwebhooks.com, "Signature scheme"): HMAC-SHA256 over
//! `id.timestamp.body`, base64.
mod message;
mod sign;

pub(crate) use message::Account;
pub(crate) use sign::{Secret, SecretFile};

use crate::config::{Shape, WebhookConfig};
use bytes::Bytes;
use futures::{StreamExt, stream};
use gsm_core::Clock;
use gsm_engine::{Listener, MatchmakingEvent};
use parking_lot::Mutex;
use reqwest::{StatusCode, header};
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Events that wait for one destination: those under way, and those that are tried again, too.
pub(crate) const WAITING_MAX: usize = 10_000;
/// Bytes of their bodies, together.
pub(crate) const WAITING_BYTES_MAX: usize = 64 << 20;
/// Requests to one destination at once. An event that waits until it is tried again is none of them.
const AT_ONCE: usize = 32;
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
    senders: TaskTracker,
    /// Ends the senders, whatever waits.
    cut: CancellationToken,
}

struct Destination {
    config: WebhookConfig,
    /// Nothing once no more events are taken.
    queue: Mutex<Option<mpsc::Sender<Outgoing>>>,
    places: Arc<Semaphore>,
    /// One for each byte that may wait.
    bytes: Arc<Semaphore>,
}

struct Outgoing {
    id: String,
    body: Bytes,
    /// It waits until it is delivered or lost: its place and its bytes.
    _room: [OwnedSemaphorePermit; 2],
}

impl Destination {
    /// Whether events with this notification target go there: the target is its name, or an ARN that ends in it.
    fn wants(&self, target: Option<&str>) -> bool {
        let named = |target: &str| target.rsplit([':', '/']).next() == Some(&self.config.name);
        self.config.all || target.is_some_and(named)
    }

    /// Lets an event wait; or why it is lost.
    fn push(&self, id: String, body: Bytes) -> Result<(), &'static str> {
        let queue = self.queue.lock();
        let queue = queue.as_ref().ok_or("the server has stopped")?;
        let place = self.places.clone().try_acquire_owned().map_err(|_| "too many wait")?;
        let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let bytes = self.bytes.clone().try_acquire_many_owned(len).map_err(|_| "too many bytes wait")?;
        // The queue is as long as there are places.
        queue.try_send(Outgoing { id, body, _room: [place, bytes] }).map_err(|_| "the server has stopped")
    }
}

impl Webhooks {
    /// Starts one sender a destination; [`Webhooks::finish`] ends them.
    pub(crate) fn start(
        destinations: Vec<(WebhookConfig, SecretFile)>,
        account: Account,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<Self>, reqwest::Error> {
        let counts = Arc::new(Counts::default());
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_MAX)
            .no_proxy()
            .user_agent(concat!("gsm/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let (senders, cut) = (TaskTracker::new(), CancellationToken::new());
        let mut made = Vec::with_capacity(destinations.len());
        for (config, secret) in destinations {
            let (queue, waiting) = mpsc::channel(WAITING_MAX);
            let places = Arc::new(Semaphore::new(WAITING_MAX));
            let bytes = Arc::new(Semaphore::new(WAITING_BYTES_MAX));
            let sender = Sender {
                client: client.clone(),
                turns: Semaphore::new(AT_ONCE),
                config: config.clone(),
                secret,
                counts: counts.clone(),
                clock: clock.clone(),
            };
            senders.spawn(sender.run(waiting, places.clone(), cut.clone()));
            made.push(Destination { config, queue: Mutex::new(Some(queue)), places, bytes });
        }
        Ok(Arc::new(Self { account, destinations: made, counts, senders, cut }))
    }

    /// Takes no more events, and returns when none waits; at `until` what still waits is lost.
    pub(crate) async fn finish(&self, until: Instant) {
        let waiting: usize = self.destinations.iter().map(|of| waiting(&of.places)).sum();
        if waiting > 0 {
            tracing::info!(waiting, "delivering the events that wait");
        }
        for destination in &self.destinations {
            destination.queue.lock().take();
        }
        self.senders.close();
        if tokio::time::timeout_at(until, self.senders.wait()).await.is_err() {
            self.cut.cancel();
            self.senders.wait().await;
        }
    }
}

/// Events that wait for a destination.
fn waiting(places: &Semaphore) -> usize {
    WAITING_MAX.saturating_sub(places.available_permits())
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
            if let Err(why) = destination.push(event.id.to_string(), body.to_string().into()) {
                self.counts.lost.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(webhook = %destination.config.name, event = %event.id, why, "event lost");
            }
        }
    }
}

struct Sender {
    client: reqwest::Client,
    /// Whose turn it is to be sent; who has waited for longest is next.
    turns: Semaphore,
    config: WebhookConfig,
    secret: SecretFile,
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
    /// Until no more events can come and all are delivered or lost, or `cut`.
    async fn run(self, queue: mpsc::Receiver<Outgoing>, places: Arc<Semaphore>, cut: CancellationToken) {
        let sender = &self;
        let each = stream::unfold(queue, |mut queue| async {
            let next = queue.recv().await?;
            Some((next, queue))
        });
        let sent = each.for_each_concurrent(None, |event| async move { sender.deliver(&event).await });
        let mut sent = pin!(sent);
        tokio::select! {
            () = &mut sent => {}
            () = cut.cancelled() => {
                let lost = waiting(&places);
                if lost > 0 {
                    self.counts.lost.fetch_add(lost as u64, Ordering::Relaxed);
                    let why = "the server stopped, and the time of its drain is over";
                    tracing::warn!(webhook = %self.config.name, lost, why, "events lost");
                }
            }
        }
    }

    async fn deliver(&self, event: &Outgoing) {
        let mut patience = PATIENCE;
        for last in (0..TRIES_MAX).rev().map(|left| left == 0) {
            match self.send_in_turn(event).await {
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

    async fn send_in_turn(&self, event: &Outgoing) -> Result<(), Fault> {
        // Nobody closes it.
        let _turn = self.turns.acquire().await;
        // In a box: thousands may wait for their turn, and those are small.
        Box::pin(self.send(event)).await
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
            .header("webhook-signature", self.secret.now().sign(&event.id, timestamp, &event.body))
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
