//! A server that asks a SageMaker endpoint about the matches that it forms, end to end: `gsm dev`, the AWS SDK, the small
//! runtime front, and `gsm sagemaker serve` with the model that the server's own results trained.
use crate::endpoint::{ENV, Front};
use crate::gsm::{Served, arg, eventually, gsm, gsm_in, write};
use crate::model::league;
use crate::sagemaker::{Job, Serving};
use serde_json::{Value, json};
use std::{fs, path::Path, sync::atomic::Ordering};

/// A server with results of its own, and an endpoint with the model that they trained.
struct Scene {
    dir: tempfile::TempDir,
    front: Front,
    /// Behind the front.
    _container: Serving,
}

impl Scene {
    fn new() -> Self {
        let (dir, job) = (tempfile::tempdir().unwrap(), Job::new("{}", &[]));
        let (file, data) = (dir.path().join("duels.csv"), dir.path().join("data"));
        write(&file, &league(1, 400));
        gsm(&["replay", arg(&file), "--data-dir", arg(&data), "--mode", "duel"]).ok();
        gsm(&["model", "train", "--data-dir", arg(&data), "--mode", "duel"]).ok();
        gsm(&["model", "promote", "1", "--data-dir", arg(&data), "--force", "--reason", "a test"]).ok();
        fs::copy(data.join("models/duel-1.gsmmodel"), job.at("model/duel-1.gsmmodel")).unwrap();
        let container = Serving::start(&job.at(""));
        container.healthy();
        Self { front: Front::start(container.addr.clone()), _container: container, dir }
    }

    fn data(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    /// What `gsm doctor` says of an endpoint there.
    fn doctor(&self, url: &str) -> String {
        doctor(&self.dir.path().join("elsewhere"), url)
    }

    /// A server that gives the endpoint so long.
    fn serve(&self, budget_ms: u64) -> Server {
        let budget = budget_ms.to_string();
        let told = [
            ("GSM__PREDICTOR__KIND", "sagemaker"),
            ("GSM__PREDICTOR__ENDPOINT", "live"),
            ("GSM__PREDICTOR__REGION", "eu-west-1"),
            ("GSM__PREDICTOR__URL", self.front.url.as_str()),
            ("GSM__PREDICTOR__BUDGET_MS", budget.as_str()),
            ("GSM__FIREWALL__PROFILE", "test-lenient"),
        ];
        let env = [&ENV[..], &told].concat();
        let served = Served::start_in("dev", &self.data(), &["--bots", "0"], &env);
        Server::new(served, &self.data())
    }
}

fn doctor(data: &Path, url: &str) -> String {
    let told = [
        ("GSM__PREDICTOR__KIND", "sagemaker"),
        ("GSM__PREDICTOR__ENDPOINT", "live"),
        ("GSM__PREDICTOR__REGION", "eu-west-1"),
        ("GSM__PREDICTOR__URL", url),
    ];
    let env = [&ENV[..], &told].concat();
    let out = gsm_in(&["doctor", "--listen", "127.0.0.1:0", "--data-dir", arg(data)], &env).ok();
    out.lines().find(|line| line.contains("endpoint `live`")).unwrap_or_else(|| panic!("{out}")).to_owned()
}

#[test]
fn an_endpoint_that_does_not_answer_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let told = doctor(dir.path(), "http://127.0.0.1:1");
    assert!(told.starts_with("warn") && told.contains("cannot be reached"), "{told}");
    assert!(told.contains("refused") && !told.contains('{'), "{told}");
    // One that takes the call and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let told = doctor(dir.path(), &format!("http://{}", silent.local_addr().unwrap()));
    assert!(told.starts_with("warn") && told.contains("no answer within the budget"), "{told}");
}

struct Server {
    served: Served,
    admin: String,
    server: String,
    players: Vec<String>,
}

impl Server {
    fn new(served: Served, data: &Path) -> Self {
        let keys = fs::read_to_string(data.join("dev-credentials.json")).unwrap();
        let keys: Value = serde_json::from_str(&keys).unwrap();
        let [admin, server] = ["admin_key", "server_key"].map(|key| keys[key].as_str().unwrap().to_owned());
        let (status, board) = served.get("/v1/rankings/duel?limit=20", Some(&admin));
        assert_eq!(status, 200, "{board}");
        let entries = board["entries"].as_array().unwrap();
        let players = entries.iter().map(|of| of["player_id"].as_str().unwrap().to_owned()).collect();
        Self { served, admin, server, players }
    }

    /// A match that a server creates between two of the players.
    fn created(&self, one: usize, other: usize) -> Value {
        let players = [&self.players[one], &self.players[other]];
        let body = json!({ "queue": "duel", "players": players }).to_string();
        let (status, made) = self.served.post("/v1/matches", Some(&self.server), &body);
        assert_eq!(status, 201, "{made}");
        made
    }

    /// Tickets of all these, and the matches that the matcher makes of them.
    fn matched(&self, queue: &str, players: &[usize]) -> Vec<Value> {
        let mut tickets = Vec::new();
        for player in players {
            let body = json!({ "queue": queue, "leader": self.players[*player] }).to_string();
            let (status, ticket) = self.served.post("/v1/tickets", Some(&self.server), &body);
            assert_eq!(status, 201, "{ticket}");
            tickets.push(ticket["ticket_id"].as_str().unwrap().to_owned());
        }
        let formed = |ticket: &String| {
            eventually(|| {
                let (_, ticket) = self.served.get(&format!("/v1/tickets/{ticket}"), Some(&self.server));
                let id = ticket["match_id"].as_str()?;
                Some(self.served.get(&format!("/v1/matches/{id}"), Some(&self.admin)).1)
            })
        };
        tickets.iter().map(formed).collect()
    }

    /// The value of a line of the metrics.
    fn metric(&self, line: &str) -> f64 {
        let text = self.served.text("/metrics");
        let found = text.lines().find_map(|of| of.strip_prefix(line));
        found.unwrap_or_else(|| panic!("no {line} in {text}")).trim().parse().unwrap()
    }
}

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or_else(|| panic!("no number: {of}"))
}

#[test]
fn a_formed_match_is_predicted_by_the_endpoint_and_says_so() {
    let scene = Scene::new();
    let told = scene.doctor(&scene.front.url);
    assert!(told.starts_with("ok") && told.contains("endpoint `live` answers, model duel"), "{told}");
    let server = scene.serve(1_000);
    let matches = [vec![server.created(0, 7)], server.matched("duel", &[1, 8])].concat();
    for made in matches {
        let of = &made["prediction"];
        assert_eq!(
            (&of["speaker"], &of["production_variant"], &of["model"]),
            (&"endpoint".into(), &"AllTraffic".into(), &"duel-1".into()),
            "{made}"
        );
        assert_eq!((&of["endpoint_missed"], &of["local"]["model"]), (&Value::Null, &"gsm-1/duel-1".into()));
        // It knows the players by the ids that it was sent, and learnt them from the same results by the same weights.
        let (there, here) = (number(&of["expected"][0]), number(&of["local"]["expected"]));
        assert!((there - here).abs() < 1e-9 && (there - 0.5).abs() > 0.05, "{made}");
        // What is kept says the same, and what each feature added sums to what the local model says.
        let path = format!("/v1/matches/{}/prediction", made["match_id"].as_str().unwrap());
        let (status, kept) = server.served.get(&path, Some(&server.server));
        assert_eq!(status, 200, "{kept}");
        assert!(of["inference_id"].as_str().is_some_and(|id| id.starts_with("gsm-")), "{made}");
        for name in [
            "speaker",
            "model",
            "production_variant",
            "inference_id",
            "local",
            "quality",
            "win",
            "low",
            "margin",
        ] {
            assert_eq!(kept[name], of[name], "{name}");
        }
        let sum: f64 = kept["contributions"].as_array().unwrap().iter().map(|of| number(&of["logit"])).sum();
        assert!((sum - (here / (1.0 - here)).ln()).abs() < 1e-9, "{kept}");
    }
    assert_eq!(server.metric("gsm_endpoint_calls_total{outcome=\"answered\"}"), 2.0);
    assert_eq!(server.metric("gsm_endpoint_seconds_count"), 2.0);
    assert_eq!(server.metric("gsm_endpoint_breaker_open"), 0.0);
    let overview = server.served.get("/v1/overview", Some(&server.admin)).1;
    assert_eq!(overview["endpoint"], json!({ "spoke": 2, "missed": 0, "is_resting": false }), "{overview}");
}

#[test]
fn whatever_becomes_of_the_endpoint_the_match_is_formed() {
    let scene = Scene::new();
    let server = scene.serve(1_000);
    // Four failures among ten: the breaker stays closed.
    let faults = [("slow", "slow"), ("model_error", "model_error"), ("garbage", "garbled"), ("liar", "lied")];
    for (fault, missed) in faults {
        scene.front.be(fault);
        let made = server.matched("duel", &[0, 7]).remove(0);
        let of = &made["prediction"];
        assert_eq!((&of["speaker"], &of["endpoint_missed"]), (&"local".into(), &missed.into()), "{made}");
        assert!(of["model"] == "gsm-1/duel-1" && number(&of["expected"][0]) != 0.5, "{made}");
        let path = format!("/v1/matches/{}/state", made["match_id"].as_str().unwrap());
        let (status, left) = server.served.post(&path, Some(&server.server), r#"{"state":"abandoned"}"#);
        assert_eq!(status, 200, "{left}");
        scene.front.be("good");
        for _ in 0..2 {
            assert_eq!(server.created(0, 7)["prediction"]["speaker"], "endpoint");
        }
    }
}

#[test]
fn an_endpoint_that_fails_is_left_alone_and_asked_again_after_a_while() {
    let scene = Scene::new();
    let server = scene.serve(1_000);
    let mut why = Vec::new();
    for fault in ["down", "cut", "half", "other", "down", "good", "good"] {
        scene.front.be(fault);
        why.push(server.created(0, 7)["prediction"]["endpoint_missed"].clone());
    }
    assert_eq!(
        (&why[0], &why[1], &why[3]),
        (&"platform_error".into(), &"unreachable".into(), &"platform_error".into())
    );
    // The fifth opened it: nobody calls, and the match says why.
    assert_eq!(why[5..], ["resting", "resting"], "{why:?}");
    assert_eq!(
        (scene.front.calls.load(Ordering::SeqCst), server.metric("gsm_endpoint_breaker_open")),
        (5, 1.0)
    );
    assert_eq!(server.served.get("/v1/overview", Some(&server.admin)).1["endpoint"]["is_resting"], true);
    // One call decides, five seconds later.
    eventually(|| (server.created(0, 7)["prediction"]["speaker"] == "endpoint").then_some(()));
    assert_eq!(
        (scene.front.calls.load(Ordering::SeqCst), server.metric("gsm_endpoint_breaker_open")),
        (6, 0.0)
    );
    assert_eq!(server.created(0, 7)["prediction"]["speaker"], "endpoint");
}
