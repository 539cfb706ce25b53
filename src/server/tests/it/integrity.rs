//! The page of integrity, as an operator with a keyboard has it.
use crate::{
    browser::Browser,
    reports::{put, says},
    world::{World, seen, text},
};
use serde_json::{Value, json};

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

/// Focuses the button with an accessible name.
fn focus(label: &str) -> String {
    format!(
        "const found = document.querySelector(`button[aria-label=\"{label}\"]`); found.focus(); return !!found"
    )
}

/// The reason in the newest of the records that were found.
fn written_reason(found: &Value) -> &Value {
    &found["records"][0]["additionalEventData"]["reason"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_rules_by_keyboard() {
    let Some(browser) = Browser::open().await else { return };
    let mut world = World::new().await;
    let page = format!("http://{}/integrity", world.anyone.addr);
    browser.go(&page).await;
    browser.until("document.getElementById('key-form').checkVisibility()").await;
    // The field has the focus already.
    browser.press("wrong").await;
    browser.press(ENTER).await;
    browser
        .until("document.getElementById('key-error').textContent.includes('does not know this key')")
        .await;
    browser.press(&world.keys.admin_key).await;
    browser.press(ENTER).await;
    browser.until("document.getElementById('state').textContent === 'live'").await;
    let empty = text(&browser.run("return document.getElementById('page').innerText").await);
    for wanted in
        ["Nobody disagrees. Here stand", "Nothing is held. Here stand", "No pair.", "Nobody is banned."]
    {
        assert!(empty.contains(wanted), "{wanted}: {empty}");
    }

    put(&world, "reports", json!({ "agree": 2 })).await.ok();
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let mut disputed = Vec::new();
    for _ in 0..2 {
        let id = world.duel(&ann, &bob).await;
        says(&ann, &id, &ann, &bob).await.ok();
        says(&bob, &id, &bob, &ann).await.ok();
        disputed.push(id);
    }
    put(&world, "plausibility", json!({ "duration_ms": { "least": 3_600_000 } })).await.ok();
    let held = world.duel(&ann, &bob).await;
    assert_eq!(world.report(&held, &ann, &bob).await["verdict"], "quarantined");
    put(&world, "rating_options", json!({ "repeated_pair": { "factor": 1.0 } })).await.ok();
    put(&world, "plausibility", json!({})).await.ok();
    let mut others = Vec::new();
    for nth in 0..6 {
        others.push(world.player(&format!("P{nth}")).await);
    }
    for pair in [(2, 3), (4, 5), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1)] {
        let (one, other) = (&others[pair.0], &others[pair.1]);
        let body = json!({ "queue": "duel", "players": [one.id, other.id] });
        let made = world.server().post("/v1/matches", body).await.ok();
        world.report(&text(&made["match_id"]), one, other).await;
    }
    let admin = world.admin();
    let ban = |of: &str| format!("/v1/admin/players/{of}/bans");
    let reason = "<b>aims</b> by himself";
    admin.post(&ban(&ann.id), json!({ "kind": "shadow", "reason": reason })).await.ok();
    let some = json!({ "kind": "queues", "queues": ["duel"], "reason": "boosted", "for_ms": 86_400_000 });
    admin.post(&ban(&bob.id), some).await.ok();

    browser.until("document.querySelector('#pairs tbody tr') && document.querySelectorAll('#bans tbody tr').length === 2").await;
    browser.until("document.querySelectorAll('#disputes tbody tr').length === 2").await;
    let shown = text(&browser.run("return document.getElementById('page').innerText").await);
    for wanted in
        [&*disputed[0], &held, "own side place 1, side 2 place 2", "queues: duel", "for good", reason]
    {
        assert!(shown.contains(wanted), "{wanted}: {shown}");
    }
    let rows = browser.run("return document.querySelectorAll('#held tbody tr').length").await;
    assert_eq!(rows, 1, "a dispute stands among the disputes alone");
    if let Some(path) = std::env::var_os("GSM_TEST_PICTURE") {
        std::fs::write(path, browser.picture().await).unwrap();
    }

    // Opened and left: nothing happens, and the focus is where it was.
    assert_eq!(browser.run(&focus(&format!("Void {held}"))).await, true);
    browser.press(ENTER).await;
    browser.until("document.activeElement.id === 'reason'").await;
    browser.press(ESCAPE).await;
    browser.until("!document.getElementById('decide').open").await;
    let label = browser.run("return document.activeElement.getAttribute('aria-label')").await;
    assert_eq!(label, json!(format!("Void {held}")));
    // Without a reason nothing is sent.
    browser.press(ENTER).await;
    browser.until("document.activeElement.id === 'reason'").await;
    browser.press(ENTER).await;
    assert_eq!(browser.run("return document.getElementById('decide').open").await, true);
    browser.press("  ").await;
    browser.press(ENTER).await;
    browser
        .until("document.getElementById('decide-error').textContent.includes('1 to 128 characters')")
        .await;
    browser.press("seen on video").await;
    browser.press(TAB).await;
    browser.press(ENTER).await;
    browser.until("document.getElementById('held').hidden").await;
    assert_eq!(browser.run("return document.activeElement.id").await, "held-head");
    let result = admin.get(&format!("/v1/matches/{held}/result")).await.ok();
    assert_eq!(result["verdict"], "voided");

    assert_eq!(browser.run(&focus(&format!("Release {}", disputed[0]))).await, true);
    browser.press(ENTER).await;
    browser.press("seen on video").await;
    browser.press(ENTER).await;
    browser.until("document.querySelectorAll('#disputes tbody tr').length === 1").await;
    let result = admin.get(&format!("/v1/matches/{}/result", disputed[0])).await.ok();
    assert_eq!(result["verdict"], "counted");

    assert_eq!(browser.run(&focus(&format!("Lift the ban shadow of {}", ann.id))).await, true);
    browser.press(ENTER).await;
    browser.press("appeal 4711").await;
    browser.press(ENTER).await;
    browser.until("document.querySelectorAll('#bans tbody tr').length === 1").await;
    let left = admin.get("/v1/admin/bans").await.ok();
    assert_eq!(
        (&left["entries"][0]["player_id"], left["entries"].as_array().unwrap().len()),
        (&json!(bob.id), 1)
    );
    // The log is a moment behind.
    let lifted =
        seen(&admin, "/v1/admin/audit?event=gsm:LiftBan&limit=1", |found| !written_reason(found).is_null())
            .await;
    assert_eq!(written_reason(&lifted), "appeal 4711");

    // Who only looks is told so when he decides.
    let body = json!({ "role": "viewer" });
    let viewer = text(&admin.post("/v1/admin/keys", body).await.ok()["key"]);
    browser.run(&format!("sessionStorage.setItem('gsm-admin-key', '{viewer}')")).await;
    assert_eq!(browser.run(&focus(&format!("Void {}", disputed[1]))).await, true);
    browser.press(ENTER).await;
    browser.press("no").await;
    browser.press(ENTER).await;
    browser.until("document.getElementById('decide-error').textContent !== ''").await;
    assert_eq!(browser.run("return document.getElementById('decide').open").await, true);
    browser.close().await;
    world.stop().await;
}
