use super::*;
use axum::{Router, extract::State, http::HeaderMap, routing::post};
use gsm_core::{EventId, Mode, QueueName, Timestamp};
use gsm_engine::{GameLift, Happening, QueueConfig};
use parking_lot::Mutex;
use std::{collections::VecDeque, io::Write, net::SocketAddr};
use tokio::net::TcpListener;

/// What a receiver got, and what it answers, in order; 200 after that.
#[derive(Default)]
struct Receiver {
    got: Mutex<Vec<(HeaderMap, Bytes)>>,
    answers: Mutex<VecDeque<u16>>,
    came: tokio::sync::Notify,
}

impl Receiver {
    async fn wait_for(&self, count: usize) -> Vec<(HeaderMap, Bytes)> {
        loop {
            let came = self.came.notified();
            let got = self.got.lock().clone();
            if got.len() >= count {
                return got;
            }
            came.await;
        }
    }
}

async fn receiver(answers: &[u16]) -> (Arc<Receiver>, SocketAddr) {
    let state =
        Arc::new(Receiver { answers: Mutex::new(answers.iter().copied().collect()), ..Default::default() });
    let take = |State(state): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes| async move {
        state.got.lock().push((headers, body));
        let answer = state.answers.lock().pop_front().unwrap_or(200);
        state.came.notify_waiters();
        axum::http::StatusCode::from_u16(answer).unwrap()
    };
    let router = Router::new().route("/hook", post(take)).with_state(state.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's own server")]
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (state, addr)
}

fn secret() -> Secret {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    Secret::read(file.path()).unwrap()
}

fn start(addr: SocketAddr, all: bool) -> (Arc<Webhooks>, CancellationToken) {
    let config = WebhookConfig {
        name: "ladder".into(),
        url: format!("http://{addr}/hook"),
        secret_file: "unused".into(),
        shape: Shape::EventBridge,
        all,
    };
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let clock = gsm_engine::testing::ManualClock::at(Timestamp::EPOCH);
    clock.set_wall_ahead_ms(WALL_S * 1_000);
    let clock: Arc<dyn Clock> = Arc::new(clock);
    let account = Account { region: None, id: "000000000000".into() };
    (Webhooks::start(vec![(config, secret())], account, &clock, &tasks, &stop).unwrap(), stop)
}

/// What the system's clock shows, in seconds.
const WALL_S: i64 = 1_800_000_000;

fn event(n: u128, target: Option<&str>) -> MatchmakingEvent {
    let mut config = QueueConfig::new(
        QueueName::new("duel").unwrap(),
        Mode::new("duel").unwrap(),
        gsm_matchmaking::MatchRules::default(),
    );
    config.gamelift = Some(GameLift {
        created_at: Timestamp::EPOCH,
        description: None,
        acceptance_timeout_s: None,
        custom_event_data: None,
        notification_target: target.map(Into::into),
        additional_player_count: None,
        game_properties: vec![],
        game_session_data: None,
        backfill_mode: None,
        flex_match_mode: None,
        game_session_queue_arns: vec![],
        tags: [].into(),
        region: None,
    });
    MatchmakingEvent {
        id: EventId::from_u128(n),
        at: Timestamp::EPOCH,
        queue: Arc::new(config),
        what: Happening::Searching(None),
        match_id: None,
        prediction: None,
        tickets: vec![],
        rules: vec![],
    }
}

#[tokio::test]
async fn an_event_arrives_signed() {
    let (receiver, addr) = receiver(&[]).await;
    let (webhooks, _stop) = start(addr, true);
    webhooks.hear(event(1, None));
    let got = receiver.wait_for(1).await;
    let (headers, body) = &got[0];
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let timestamp = text("webhook-timestamp").parse().unwrap();
    assert_eq!(timestamp, WALL_S as u64, "receivers compare it with their own clocks");
    assert_eq!(text("webhook-id"), EventId::from_u128(1).to_string());
    assert_eq!(text("webhook-signature"), secret().sign(&text("webhook-id"), timestamp, body));
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!(body["detail"]["type"], "MatchmakingSearching");
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_and_one_that_refuses_is_not() {
    let (receiver, addr) = receiver(&[503, 429, 200, 400]).await;
    let (webhooks, _stop) = start(addr, true);
    webhooks.hear(event(1, None));
    let ids = |got: Vec<(HeaderMap, Bytes)>| -> Vec<String> {
        got.iter().map(|(headers, _)| headers["webhook-id"].to_str().unwrap().to_owned()).collect()
    };
    let first = EventId::from_u128(1).to_string();
    assert_eq!(ids(receiver.wait_for(3).await), [first.clone(), first.clone(), first]);
    webhooks.hear(event(2, None));
    receiver.wait_for(4).await;
    webhooks.hear(event(3, None));
    let third = ids(receiver.wait_for(5).await);
    assert_eq!(third[4], EventId::from_u128(3).to_string(), "the refused one does not come again");
}

#[tokio::test]
async fn a_target_means_the_destination_of_its_name() {
    let (receiver, addr) = receiver(&[]).await;
    let (webhooks, _stop) = start(addr, false);
    webhooks.hear(event(1, None));
    webhooks.hear(event(2, Some("arn:aws:sns:us-east-1:000000000000:other")));
    webhooks.hear(event(3, Some("arn:aws:sns:us-east-1:000000000000:ladder")));
    webhooks.hear(event(4, Some("ladder")));
    let got = receiver.wait_for(2).await;
    let mut ids: Vec<_> =
        got.iter().map(|(headers, _)| headers["webhook-id"].to_str().unwrap().to_owned()).collect();
    ids.sort();
    assert_eq!(ids, [EventId::from_u128(3).to_string(), EventId::from_u128(4).to_string()]);
}
