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
    /// Where there is one, an answer needs a permit of it.
    held: Option<Semaphore>,
    /// Requests that are not answered, and the most of them.
    open: Mutex<(usize, usize)>,
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
    receiving(Receiver { answers: Mutex::new(answers.iter().copied().collect()), ..Default::default() }).await
}

async fn receiving(state: Receiver) -> (Arc<Receiver>, SocketAddr) {
    let state = Arc::new(state);
    let take = |State(state): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes| async move {
        {
            let mut open = state.open.lock();
            *open = (open.0 + 1, open.1.max(open.0 + 1));
        }
        state.got.lock().push((headers, body));
        let answer = state.answers.lock().pop_front().unwrap_or(200);
        state.came.notify_waiters();
        if let Some(held) = &state.held {
            held.acquire().await.unwrap().forget();
        }
        state.open.lock().0 -= 1;
        axum::http::StatusCode::from_u16(answer).unwrap()
    };
    let router = Router::new().route("/hook", post(take)).with_state(state.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's own server")]
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (state, addr)
}

fn secret() -> SecretFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    SecretFile::open(file.path(), crate::config::Mode::Dev).unwrap()
}

fn start(addr: SocketAddr, all: bool) -> Arc<Webhooks> {
    let config = WebhookConfig {
        name: "ladder".into(),
        url: format!("http://{addr}/hook"),
        secret_file: "unused".into(),
        shape: Shape::EventBridge,
        all,
    };
    let clock = gsm_engine::testing::ManualClock::at(Timestamp::EPOCH);
    clock.set_wall_ahead_ms(WALL_S * 1_000);
    let clock: Arc<dyn Clock> = Arc::new(clock);
    let account = Account { region: None, id: "000000000000".into() };
    Webhooks::start(vec![(config, secret())], account, &clock).unwrap()
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
        created_at: Some(Timestamp::EPOCH),
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
    let webhooks = start(addr, true);
    webhooks.hear(event(1, None));
    let got = receiver.wait_for(1).await;
    let (headers, body) = &got[0];
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let timestamp = text("webhook-timestamp").parse().unwrap();
    assert_eq!(timestamp, WALL_S as u64, "receivers compare it with their own clocks");
    assert_eq!(text("webhook-id"), EventId::from_u128(1).to_string());
    assert_eq!(text("webhook-signature"), secret().now().sign(&text("webhook-id"), timestamp, body));
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!(body["detail"]["type"], "MatchmakingSearching");
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_and_one_that_refuses_is_not() {
    let (receiver, addr) = receiver(&[503, 429, 200, 400]).await;
    let webhooks = start(addr, true);
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
    let webhooks = start(addr, false);
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

fn counted(webhooks: &Webhooks) -> (u64, u64) {
    let Counts { delivered, lost } = &*webhooks.counts;
    (delivered.load(Ordering::Relaxed), lost.load(Ordering::Relaxed))
}

/// What is sent again only after a while, too.
#[tokio::test]
async fn a_stop_waits_until_what_waits_is_delivered() {
    let (receiver, addr) = receiver(&[503; 20]).await;
    let webhooks = start(addr, true);
    (0..50).for_each(|n| webhooks.hear(event(n, None)));
    webhooks.finish(Instant::now() + Duration::from_secs(600)).await;
    assert_eq!((receiver.got.lock().len(), counted(&webhooks)), (70, (50, 0)));
    // Who comes later is told so, and nothing waits.
    webhooks.hear(event(50, None));
    webhooks.finish(Instant::now()).await;
    assert_eq!((receiver.got.lock().len(), counted(&webhooks)), (70, (50, 1)));
}

#[tokio::test]
async fn what_waits_when_the_time_is_over_is_counted_as_lost() {
    let (receiver, addr) = receiver(&[503; 1_000]).await;
    let webhooks = start(addr, true);
    (0..50).for_each(|n| webhooks.hear(event(n, None)));
    receiver.wait_for(1).await;
    webhooks.finish(Instant::now()).await;
    assert_eq!(counted(&webhooks), (0, 50));
}

#[tokio::test]
async fn one_too_many_is_lost() {
    let (_receiver, addr) = receiver(&[503; 100]).await;
    let webhooks = start(addr, true);
    (0..=WAITING_MAX as u128).for_each(|n| webhooks.hear(event(n, None)));
    assert_eq!(counted(&webhooks), (0, 1));
}

/// Of large matches few may wait.
#[tokio::test]
async fn what_waits_is_bounded_in_bytes_too() {
    let (_receiver, addr) = receiver(&[]).await;
    let webhooks = start(addr, true);
    let large = |n| {
        let mut event = event(n, None);
        let queue = Arc::make_mut(&mut event.queue);
        queue.gamelift.as_mut().unwrap().custom_event_data = Some("x".repeat(WAITING_BYTES_MAX / 3));
        event
    };
    (0..3).for_each(|n| webhooks.hear(large(n)));
    assert_eq!(counted(&webhooks), (0, 1));
    webhooks.hear(event(3, None));
    assert_eq!(counted(&webhooks), (0, 1), "a small one has room");
    webhooks.finish(Instant::now() + Duration::from_secs(600)).await;
    assert_eq!(webhooks.destinations[0].bytes.available_permits(), WAITING_BYTES_MAX);
}

/// Those that a destination does not take hold up no others.
#[tokio::test]
async fn what_waits_to_be_tried_again_holds_nobody_up() {
    let (receiver, addr) = receiver(&[503; 10_000]).await;
    let webhooks = start(addr, true);
    let last = 3 * AT_ONCE as u128;
    (0..=last).for_each(|n| webhooks.hear(event(n, None)));
    let is_last =
        |(headers, _): &(HeaderMap, Bytes)| headers["webhook-id"] == *EventId::from_u128(last).to_string();
    let mut came = 1;
    while !receiver.wait_for(came).await.iter().any(is_last) {
        came = receiver.got.lock().len() + 1;
    }
    assert_eq!(counted(&webhooks), (0, 0), "it came when others had been given up");
}

#[tokio::test]
async fn so_many_are_under_way_at_once_and_no_more() {
    let (receiver, addr) = receiving(Receiver { held: Some(Semaphore::new(0)), ..Default::default() }).await;
    let webhooks = start(addr, true);
    (0..2 * AT_ONCE as u128).for_each(|n| webhooks.hear(event(n, None)));
    receiver.wait_for(AT_ONCE).await;
    receiver.held.as_ref().unwrap().add_permits(2 * AT_ONCE);
    receiver.wait_for(2 * AT_ONCE).await;
    webhooks.finish(Instant::now() + Duration::from_secs(600)).await;
    assert_eq!((receiver.open.lock().1, counted(&webhooks)), (AT_ONCE, (2 * AT_ONCE as u64, 0)));
}
