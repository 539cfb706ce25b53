use crate::world::{World, eventually, text};
use gsm_server::config::Dashboard;
use serde_json::json;
use std::collections::BTreeMap;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_below_the_api_is_counted_by_its_reason() {
    let mut world = World::with(|settings| settings.connections_per_address_max = 16).await;
    let counts = async || {
        let metrics = world.anyone.get("/metrics").await.text;
        let lines = metrics.lines().filter_map(|line| line.strip_prefix("gsm_wire_refusals_total{reason=\""));
        let lines = lines.map(|line| line.split_once("\"} ").unwrap());
        lines
            .map(|(reason, count)| (reason.to_owned(), count.parse().unwrap()))
            .collect::<BTreeMap<String, u64>>()
    };
    assert!(counts().await.values().all(|count| *count == 0) && counts().await.len() == 13);
    for request in
        ["G(T / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\nA: b\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(world.anyone.addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 505"), "{answer}");
    }
    // Whoever comes when there is no place takes that of who waits.
    let mut idle = Vec::new();
    for _ in 0..16 {
        idle.push(TcpStream::connect(world.anyone.addr).await.unwrap());
    }
    let found = eventually(async || {
        let found = counts().await;
        (found["gave_way"] > 0).then_some(found)
    })
    .await;
    assert_eq!((found["malformed_request"], found["version_not_supported"]), (2, 1), "{found:?}");
    assert_eq!((found["too_many_connections"], found["tls_handshake"]), (0, 0), "{found:?}");
    let overview = world.anyone.get("/v1/overview").await.ok();
    assert!(overview["wire_refusals"].as_u64().unwrap() >= found.values().sum::<u64>(), "{overview}");
    // None of it is the firewall's.
    let metrics = world.anyone.get("/metrics").await.text;
    let mut blocks = metrics.lines().filter(|line| line.starts_with("gsm_waf_blocks_total"));
    assert!(blocks.all(|line| line.ends_with(" 0")), "{metrics}");
    world.stop().await;
}
