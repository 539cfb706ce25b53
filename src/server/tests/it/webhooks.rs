//! Events to a destination of the settings.
use crate::world::{World, text};
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use gsm_server::config::{Shape, WebhookConfig};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// Events by id: how often each came, and what it says. The first try of each is refused.
#[derive(Default)]
struct Receiver(Mutex<BTreeMap<String, (usize, Value)>>);

impl Receiver {
    async fn listen() -> (Arc<Self>, String) {
        let receiver = Arc::new(Self::default());
        let take = |State(of): State<Arc<Self>>, body: Bytes| async move {
            let event: Value = serde_json::from_slice(&body).unwrap();
            let mut all = of.0.lock();
            let (tries, _) = all.entry(text(&event["id"])).or_insert((0, event));
            *tries += 1;
            if *tries == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
        };
        let router = Router::new().route("/", post(take)).with_state(receiver.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (receiver, url)
    }

    fn tickets_of(&self, kind: &str) -> Vec<String> {
        let all = self.0.lock();
        let of_kind = all.values().filter(|(_, event)| event["detail"]["type"] == kind);
        let tickets = of_kind.flat_map(|(_, event)| event["detail"]["tickets"].as_array().unwrap());
        tickets.map(|ticket| text(&ticket["ticketId"])).collect()
    }
}

async fn world(url: String) -> (World, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let secret_file = dir.path().join("hook.secret");
    std::fs::write(&secret_file, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    let webhook =
        WebhookConfig { name: "hook".into(), url, secret_file, shape: Shape::EventBridge, all: true };
    (World::with(|settings| settings.webhooks = vec![webhook]).await, dir)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_delivers_what_waits() {
    let (receiver, url) = Receiver::listen().await;
    let (mut world, _dir) = world(url).await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    world.duel(&ann, &bob).await;
    world.stop().await;
    let all = receiver.0.lock().clone();
    assert!(all.len() >= 4 && all.values().all(|(tries, _)| *tries == 2), "{all:?}");
    assert_eq!(receiver.tickets_of("MatchmakingSucceeded").len(), 2);
}

/// A player's name for a ticket may be the id of another's on the wire: no event has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_native_ticket_is_told_of_by_the_servers_id() {
    let (receiver, url) = Receiver::listen().await;
    let (mut world, _dir) = world(url).await;
    let ann = world.player("Ann").await;
    let new = json!({ "queue": "duel", "ticket_id": "order-77" });
    let id = text(&ann.client.post("/v1/tickets", new).await.ok()["ticket_id"]);
    ann.client.delete(&format!("/v1/tickets/{id}")).await.ok();
    world.stop().await;
    for kind in ["MatchmakingSearching", "MatchmakingCancelled"] {
        assert_eq!(receiver.tickets_of(kind), [id.as_str()], "{kind}");
    }
}
