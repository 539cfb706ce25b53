use crate::world::World;
use serde_json::json;
use std::process::Command;

/// The page as a real browser has it after some seconds; nothing where there is no browser, which CI does not accept.
fn in_browser(url: &str) -> Option<String> {
    let found = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=4000",
            "--enable-logging=stderr",
        ])
        .args(["--dump-dom", url])
        .output();
    match found {
        Ok(output) => {
            let log = String::from_utf8_lossy(&output.stderr);
            assert!(!log.contains("Content Security Policy"), "{log}");
            assert!(!log.contains("Uncaught"), "{log}");
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "no browser: {error}");
            eprintln!("SKIPPED: no chromium on this machine, the dashboard was not looked at");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dashboard_shows_what_happened_and_names_as_text() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let name = json!({ "display_name": "<img src=x onerror=alert(1)>" });
    ann.client.call("PATCH", &format!("/v1/players/{}", ann.id)).json(&name).send().await.ok();
    let id = world.duel(&ann, &bob).await;
    world.report(&id, &ann, &bob).await;
    let url = format!("http://{}/", world.anyone.addr);
    if let Some(page) = tokio::task::spawn_blocking(move || in_browser(&url)).await.unwrap() {
        assert!(page.contains("1,662.3"), "the rating of the winner: {page}");
        assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"), "the name as text: {page}");
        assert!(!page.contains("<img"), "{page}");
        assert!(page.contains(">live<"), "{page}");
    }
    let url = format!("http://{}/docs/", world.anyone.addr);
    if let Some(page) = tokio::task::spawn_blocking(move || in_browser(&url)).await.unwrap() {
        assert!(page.contains("Queue for a match"), "the documentation lists the operations");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_dashboard_asks_for_a_key() {
    let mut world = World::with(|settings| settings.dashboard = gsm_server::config::Dashboard::Admin).await;
    world.anyone.get("/v1/overview").await.is(401, "unauthenticated");
    world.server().get("/v1/overview").await.is(403, "forbidden");
    world.admin().get("/v1/overview").await.ok();
    let url = format!("http://{}/", world.anyone.addr);
    if let Some(page) = tokio::task::spawn_blocking(move || in_browser(&url)).await.unwrap() {
        assert!(page.contains("<form id=\"key-form\">"), "{page}");
        assert!(page.contains("<main id=\"page\" hidden=\"\">"), "{page}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_may_load_only_themselves_and_can_be_off() {
    let mut world = World::new().await;
    for path in ["/", "/assets/app.js", "/docs/", "/docs/swagger-ui.css"] {
        let answer = world.anyone.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
    world.anyone.get("/assets/../Cargo.toml").await.is(404, "not_found");
    world.anyone.get("/assets/none.js").await.is(404, "not_found");
    world.stop().await;
    let mut world = World::with(|settings| settings.dashboard = gsm_server::config::Dashboard::Off).await;
    world.anyone.get("/").await.is(404, "not_found");
    world.stop().await;
}
