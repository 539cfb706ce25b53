//! Pages of other origins.
use crate::{client::Answer, world::World};
use serde_json::json;

const PAGE: &str = "https://game.example";
const OTHER: &str = "https://evil.example";

fn said(answer: &Answer, name: &str) -> String {
    answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

async fn asks(world: &World, origin: &str, method: &str, path: &str) -> Answer {
    let call = world.anyone.call("OPTIONS", path).header("origin", origin);
    call.header("access-control-request-method", method)
        .header("access-control-request-headers", "authorization,content-type")
        .send()
        .await
}

/// Paths, as requests have them, and methods of all operations.
async fn operations(world: &World) -> Vec<(String, String)> {
    let document = world.anyone.get("/openapi.json").await.ok();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let named = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
        let path = named.collect::<Vec<_>>().join("/");
        let methods = methods.as_object().unwrap().keys();
        all.extend(methods.map(|method| (path.clone(), method.to_uppercase())));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_a_listed_origin_may_ask_for_every_operation_and_passes_no_door() {
    let mut world = World::with(|settings| settings.cors_origins = vec![PAGE.to_owned()]).await;
    let all = operations(&world).await;
    assert!(all.len() > 90, "{}", all.len());
    for (path, method) in &all {
        let answer = asks(&world, PAGE, method, path).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""), "{method} {path}");
        let methods = said(&answer, "access-control-allow-methods");
        assert!(methods.split(", ").any(|one| one == method), "{method} {path}: {methods}");
        let sent = said(&answer, "access-control-allow-headers");
        if said(&answer, "access-control-allow-origin") == "*" {
            assert!(!sent.contains("Authorization"), "{path}");
        } else {
            assert_eq!(said(&answer, "access-control-allow-origin"), PAGE, "{path}");
            for header in ["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"] {
                assert!(sent.contains(header), "{path}: {sent}");
            }
            assert!(said(&answer, "vary").contains("Origin"), "{path}");
        }
        // Another page is told nothing, but of what everybody may read.
        let other = asks(&world, OTHER, method, path).await;
        let is_public =
            ["/v1/audit/checkpoint", "/v1/audit/tile/", "/v1/audit/proofs/", "/.well-known/jwks.json"]
                .iter()
                .any(|of| path.starts_with(of));
        if is_public {
            assert_eq!(
                (other.status, said(&other, "access-control-allow-origin")),
                (answer.status, "*".to_owned())
            );
        } else {
            assert_eq!(other.status, 405, "{path}");
            assert_eq!(said(&other, "access-control-allow-origin"), "", "{path}");
        }
        for answer in [&answer, &other] {
            assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{path}");
        }
    }
    // What it asked for is served as ever: to who may have it, and told to the page also where it is refused.
    let ann = world.player("Ann").await;
    let call = world.anyone.call("POST", "/v1/tickets").header("origin", PAGE);
    let refused = call.json(&json!({ "queue": "duel" })).send().await;
    assert_eq!(said(&refused, "access-control-allow-origin"), PAGE);
    assert!(said(&refused, "access-control-expose-headers").contains("Retry-After"));
    refused.is(401, "unauthenticated");
    let call = ann.client.call("POST", "/v1/tickets").header("origin", PAGE);
    let made = call.json(&json!({ "queue": "duel" })).send().await;
    assert_eq!(
        (made.status.is_success(), said(&made, "access-control-allow-origin")),
        (true, PAGE.to_owned())
    );
    let call = ann.client.call("GET", "/v1/queues").header("origin", OTHER);
    let answer = call.send().await;
    assert_eq!(
        (said(&answer, "access-control-allow-origin"), said(&answer, "vary")),
        (String::new(), "Origin".to_owned())
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_origins_only_what_is_public_may_be_read_by_pages() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    assert_eq!(asks(&world, PAGE, "POST", "/v1/auth/guest").await.status, 405);
    for path in ["/v1/audit/checkpoint", "/.well-known/jwks.json", "/v1/audit/tile/0/none"] {
        let answer = world.anyone.call("GET", path).header("origin", PAGE).send().await;
        assert_eq!(said(&answer, "access-control-allow-origin"), "*", "{path} {}", answer.status);
        assert!(!answer.headers.contains_key("vary"), "{path}: it is the same for all");
    }
    let answer = ann.client.call("GET", "/v1/queues").header("origin", PAGE).send().await;
    assert_eq!((answer.status.as_u16(), said(&answer, "access-control-allow-origin")), (200, String::new()));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_firewall_judges_a_page_that_asks() {
    let mut world = World::with(|settings| settings.cors_origins = vec![PAGE.to_owned()]).await;
    let list = json!({ "reason": "a test" });
    world.admin().put("/v1/admin/firewall/deny/127.0.0.1/32", list).await.ok();
    assert_eq!(asks(&world, PAGE, "POST", "/v1/tickets").await.status, 403);
    world.stop().await;
}
