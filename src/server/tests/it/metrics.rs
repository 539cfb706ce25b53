use crate::world::{World, text};
use gsm_server::config::Dashboard;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_is_counted() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    ann.client.post("/v1/tickets", json!({ "queue": "duel" })).await.ok();
    world.anyone.get("/v1/nothing").await.is(404, "not_found");
    let answer = world.anyone.get("/metrics").await;
    assert_eq!(answer.status, 200);
    for line in [
        "gsm_requests_total{operation=\"gsm:SignIn\",status=\"200\"} 1",
        "gsm_requests_total{operation=\"none\",status=\"404\"} 1",
        "gsm_request_seconds_count{operation=\"gsm:CreateTicket\"} 1",
        "gsm_tickets_waiting{queue=\"duel\"} 1",
        "gsm_players_waiting{queue=\"duel\"} 1",
        "gsm_store_writable 1",
        "# EOF",
    ] {
        assert!(answer.text.lines().any(|found| found == line), "{line} is not in\n{}", answer.text);
    }
    // Nobody who looks takes lines from another.
    let waiting = "gsm_tickets_waiting{queue=\"duel\"} 1";
    for _ in 0..10 {
        let looks = futures::future::join_all((0..16).map(|_| world.anyone.get("/metrics"))).await;
        assert!(looks.iter().all(|look| look.text.lines().any(|line| line == waiting)));
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_may_be_for_admins_or_nobody() {
    let mut world = World::with(|settings| settings.metrics = Dashboard::Admin).await;
    let ann = world.player("Ann").await;
    world.anyone.get("/metrics").await.is(401, "unauthenticated");
    ann.client.get("/metrics").await.is(403, "forbidden");
    assert_eq!(world.admin().get("/metrics").await.status, 200);
    world.stop().await;
    let mut world = World::with(|settings| settings.metrics = Dashboard::Off).await;
    world.admin().get("/metrics").await.is(404, "not_found");
    world.stop().await;
    let mut world = World::new().await;
    let document = world.anyone.get("/openapi.json").await.ok();
    assert_eq!(text(&document["paths"]["/metrics"]["get"]["x-gsm-roles"][0]), "none");
    world.stop().await;
}
