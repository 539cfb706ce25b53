//! A real browser, driven through chromedriver: what a person with a keyboard sees and does.
use crate::{client::Client, world::skipped};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// One window.
pub(crate) struct Browser {
    driver: Child,
    client: Client,
    session: String,
}

impl Browser {
    /// Opens a window; nothing where there is no browser.
    pub(crate) async fn open() -> Option<Self> {
        let started =
            Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = match started {
            Ok(driver) => driver,
            Err(error) => {
                skipped(&format!("no chromedriver, nobody pressed a key: {error}"));
                return None;
            }
        };
        let mut lines = BufReader::new(driver.stdout.take()?).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("started successfully on port"))?;
        let port: u16 = line.rsplit_once(' ')?.1.trim_end_matches('.').parse().ok()?;
        let client = Client { addr: ([127, 0, 0, 1], port).into(), token: None };
        let args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,1250"];
        let wanted =
            json!({ "goog:chromeOptions": { "args": args }, "goog:loggingPrefs": { "browser": "ALL" } });
        let made = client.post("/session", json!({ "capabilities": { "alwaysMatch": wanted } })).await.ok();
        let session = format!("/session/{}", made["value"]["sessionId"].as_str()?);
        Some(Self { driver, client, session })
    }

    async fn ask(&self, what: &str, body: Value) -> Value {
        self.client.post(&format!("{}/{what}", self.session), body).await.ok()["value"].take()
    }

    pub(crate) async fn go(&self, url: &str) {
        self.ask("url", json!({ "url": url })).await;
    }

    /// What a script gives back.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.ask("execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Waits until an expression holds; the test's own time-out ends a wait for what never comes.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!(
            "const [done] = arguments; const look = () => ({expression}) ? done() : setTimeout(look, 20); look();"
        );
        self.ask("execute/async", json!({ "script": script, "args": [] })).await;
    }

    /// Presses keys, one after the other: letters, or `\u{e004}` (tab), `\u{e007}` (enter), `\u{e00c}` (escape).
    pub(crate) async fn press(&self, keys: &str) {
        let each = |key: char| {
            let of = |kind: &str| json!({ "type": kind, "value": key });
            [of("keyDown"), of("keyUp")]
        };
        let actions: Vec<Value> = keys.chars().flat_map(each).collect();
        self.ask("actions", json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] }))
            .await;
    }

    /// The window as a PNG, in base 64.
    pub(crate) async fn picture(&self) -> String {
        let path = format!("{}/screenshot", self.session);
        self.client.get(&path).await.ok()["value"].as_str().unwrap_or_default().to_owned()
    }

    /// Closes the window. Nothing may have gone wrong in it: no fault of a script, nothing that the policy of the pages
    /// refused. That the server said no is told by the page.
    pub(crate) async fn close(mut self) {
        let log = self.ask("se/log", json!({ "type": "browser" })).await;
        self.client.delete(&self.session).await;
        self.driver.kill().expect("a driver that runs");
        self.driver.wait().expect("its end");
        for line in log.as_array().expect("lines") {
            let text = line["message"].as_str().unwrap_or_default();
            assert!(!text.contains("Content Security Policy") && !text.contains("Uncaught"), "{text}");
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // After a failed test; else it has ended.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
