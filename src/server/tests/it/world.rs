use crate::client::Client;
use gsm_server::{DevCredentials, Running, config::Settings};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A server and its data directory.
pub(crate) struct World {
    running: Option<Running>,
    pub(crate) anyone: Client,
    pub(crate) keys: DevCredentials,
    dir: tempfile::TempDir,
}

/// A player who has signed in.
#[derive(Debug, Clone)]
pub(crate) struct Player {
    pub(crate) id: String,
    pub(crate) client: Client,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (running, anyone, keys) = start(dir.path(), change).await;
        Self { running: Some(running), anyone, keys, dir }
    }

    /// Stops the server and starts it again on the same directory.
    pub(crate) async fn restart(&mut self) {
        self.restart_with(|_| {}).await;
    }

    pub(crate) async fn restart_with(&mut self, change: impl FnOnce(&mut Settings)) {
        if self.running.is_some() {
            self.stop().await;
        }
        let (running, anyone, keys) = start(self.dir.path(), change).await;
        (self.running, self.anyone, self.keys) = (Some(running), anyone, keys);
    }

    /// Tries to start it again; why it does not.
    pub(crate) async fn fails(&self) -> String {
        self.fails_with(|_| {}).await
    }

    pub(crate) async fn fails_with(&self, change: impl FnOnce(&mut Settings)) -> String {
        let mut settings = settings(self.data());
        change(&mut settings);
        match gsm_server::start(settings).await {
            Ok(_) => panic!("it starts"),
            Err(error) => error.to_string(),
        }
    }

    pub(crate) async fn stop(&mut self) {
        self.running.take().expect("a running server").stop().await.expect("a clean stop");
    }

    /// Where the server keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn server(&self) -> Client {
        self.anyone.as_whom(&self.keys.server_key)
    }
    pub(crate) fn admin(&self) -> Client {
        self.anyone.as_whom(&self.keys.admin_key)
    }

    /// Signs in a player with a secret of their own.
    pub(crate) async fn player(&self, name: &str) -> Player {
        let body = json!({ "secret": format!("{name}-0123456789abcdefghijkl"), "display_name": name });
        let session = self.anyone.post("/v1/auth/guest", body).await.ok();
        Player {
            id: text(&session["player_id"]),
            client: self.anyone.as_whom(session["token"].as_str().unwrap()),
        }
    }

    /// Two players in a match of the queue `duel`; its id.
    pub(crate) async fn duel(&self, a: &Player, b: &Player) -> String {
        for player in [a, b] {
            player.client.post("/v1/tickets", json!({ "queue": "duel" })).await.ok();
        }
        a.matched().await
    }

    pub(crate) async fn report(&self, match_id: &str, winner: &Player, loser: &Player) -> Value {
        let body = json!({ "placements": [
            { "player_id": winner.id, "place": 1 }, { "player_id": loser.id, "place": 2 } ] });
        self.server().post(&format!("/v1/matches/{match_id}/result"), body).await.ok()
    }
}

impl Player {
    /// The match that the player is in, once there is one.
    pub(crate) async fn matched(&self) -> String {
        text(&self.until(|me| !me["match_id"].is_null()).await["match_id"])
    }

    /// The player's own view, once it is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(async || {
            let me = self.client.get(&format!("/v1/players/{}", self.id)).await.ok();
            wanted(&me).then_some(me)
        })
        .await
    }
}

/// What a look finds, once it finds it: within a minute, however busy the machine is that tests.
pub(crate) async fn eventually<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..3_000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it does not come to pass");
}

/// The answer to a look, once it is as wanted.
pub(crate) async fn seen(client: &Client, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually(async || {
        let found = client.get(path).await.ok();
        wanted(&found).then_some(found)
    })
    .await
}

/// Says aloud what is not tested here, for want of what; where `CI` is `true` it fails.
pub(crate) fn skipped(what: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what}");
    eprintln!("SKIPPED: {what}");
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

async fn start(dir: &Path, change: impl FnOnce(&mut Settings)) -> (Running, Client, DevCredentials) {
    let mut settings = settings(dir.join("data"));
    change(&mut settings);
    let running = gsm_server::start(settings).await.expect("a running server");
    let keys = running.dev_credentials().expect("development keys").clone();
    let anyone = Client { addr: running.addr(), token: None };
    (running, anyone, keys)
}

pub(crate) fn settings(data_dir: PathBuf) -> Settings {
    let mut loaded = gsm_server::config::load(None, [], vec![]).expect("the defaults");
    loaded.config.store.data_dir = data_dir;
    loaded.config.http.listen = "127.0.0.1:0".into();
    loaded.config.firewall.profile = gsm_security::Profile::TestLenient;
    loaded.config.log.level = "warn".into();
    // However busy the machine is that tests.
    loaded.config.http.queue_target_ms = 0;
    loaded.check(gsm_server::config::Mode::Dev).settings.expect("lawful settings")
}
