use super::{http::Endpoint, oracle::Oracle};
use crate::front::listen::Handle as _;
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use gsm_core::{Clock, Timestamp};
use gsm_ml::{About, Kept, Meeting, Model, ModelFile, Names, Outcome, Premade};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const AT: i64 = 1_700_000_000_000;

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(AT)
    }
}

/// Ann beats bob, most of the time; cid and dee are as good as each other.
fn model() -> ModelFile {
    let mut model = Model::new();
    for n in 0..60_i64 {
        let at = Timestamp::from_millis(AT - 86_400_000 + n * 60_000);
        for (pair, won) in [([0, 1], n % 5 != 0), ([2, 3], n % 2 == 0)] {
            let [one, other] = pair.map(|player: u32| [player]);
            let meeting = Meeting { variant: Some((n % 2) as u16), ..Meeting::new(at, &one, &other) };
            let features = model.features(&meeting).unwrap();
            let outcome = if won { Outcome::places(1, 2) } else { Outcome::places(2, 1) };
            model.learn(&meeting, &features, &outcome).unwrap();
        }
    }
    let names = Names {
        variants: ["clay", "grass"].map(str::to_owned).to_vec(),
        home: vec![false, true],
        players: ["ann", "bob", "cid", "dee"].map(str::to_owned).to_vec(),
    };
    ModelFile { about: About::new("duel-7", "duel", Timestamp::from_millis(AT), "ops"), names, model }
}

fn endpoint() -> Arc<Endpoint> {
    let endpoint = Arc::new(Endpoint::new(Arc::new(Noon), Duration::from_secs(50)));
    endpoint.is_ready(Oracle::read(&model().to_bytes(Kept::All).unwrap()).unwrap());
    endpoint
}

struct Got {
    status: StatusCode,
    media: String,
    text: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
    fn number(&self, pointer: &str) -> f64 {
        self.json().pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{}", self.text))
    }
}

async fn send(endpoint: &Arc<Endpoint>, request: Request<Body>) -> Got {
    let response = endpoint.handle(request).await;
    let status = response.status();
    let media = response.headers().get(header::CONTENT_TYPE).map(|media| media.to_str().unwrap().to_owned());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Got { status, media: media.unwrap_or_default(), text }
}

async fn invoke(media: &str, accept: &str, body: impl Into<Body>) -> Got {
    let request = Request::post("/invocations")
        .header(header::CONTENT_TYPE, media)
        .header(header::ACCEPT, accept)
        .header("X-Amzn-SageMaker-Custom-Attributes", "trace=1")
        .header("X-Unheard-Of", "x")
        .body(body.into())
        .unwrap();
    send(&endpoint(), request).await
}

async fn ask(body: &Value) -> Got {
    invoke("application/json", "*/*", body.to_string()).await
}

#[track_caller]
fn check(got: &Got, status: u16, code: &str, field: &str) {
    assert_eq!(got.status, status, "{}", got.text);
    assert_eq!(got.media, "application/problem+json");
    let problem = got.json();
    assert_eq!(problem["code"], code, "{problem}");
    if !field.is_empty() {
        assert_eq!(problem["field"], field, "{problem}");
    }
}

#[tokio::test]
async fn two_players_are_answered_by_a_bare_number() {
    let even = ask(&json!({ "player1": "cid", "player2": "dee" })).await;
    let uneven = ask(&json!({ "player1": "ann", "player2": "bob" })).await;
    let (even, uneven): (f64, f64) = (even.text.parse().unwrap(), uneven.text.parse().unwrap());
    assert!(even > 0.95 && uneven < 0.9 && uneven > 0.0, "{even} {uneven}");
    let features = |one: Value, other: Value| json!({ "player1_features": one, "player2_features": other });
    let near = ask(&features(json!([1500.0, 60.0, 20]), json!([1520, 60, 20, 7.5]))).await;
    let far = features(json!({ "rating": 1900, "latency": 30 }), json!({ "mmr": 1500, "games_played": 4 }));
    let far = ask(&far).await;
    let (near, far): (f64, f64) = (near.text.parse().unwrap(), far.text.parse().unwrap());
    assert!(near > far && near <= 1.0 && far >= 0.0, "{near} {far}");
    let newcomers = ask(&features(json!({ "win_rate": 0.5 }), json!({}))).await;
    assert_eq!(newcomers.text, "1.0");
}

/// Sides of two; one that came together has always won.
fn of_parties() -> Arc<Endpoint> {
    let mut file = model();
    for n in 0..40_i64 {
        let at = Timestamp::from_millis(AT - 3_600_000 + n * 60_000);
        let premade = [n % 2 == 0, n % 2 != 0].map(|whole| Premade::of(if whole { [2, 2] } else { [1, 1] }));
        let meeting = Meeting { premade, ..Meeting::new(at, &[0, 1], &[2, 3]) };
        let features = file.model.features(&meeting).unwrap();
        let outcome = if n % 2 == 0 { Outcome::places(1, 2) } else { Outcome::places(2, 1) };
        file.model.learn(&meeting, &features, &outcome).unwrap();
    }
    let endpoint = Arc::new(Endpoint::new(Arc::new(Noon), Duration::from_secs(50)));
    endpoint.is_ready(Oracle::read(&file.to_bytes(Kept::All).unwrap()).unwrap());
    endpoint
}

#[tokio::test]
async fn who_came_together_is_told_beside_the_teams() {
    let endpoint = of_parties();
    let post = async |media: &str, body: String| {
        let request = Request::post("/invocations").header(header::CONTENT_TYPE, media);
        send(&endpoint, request.body(Body::from(body)).unwrap()).await
    };
    let ask = async |parties: Value| {
        let teams = json!([["ann", "bob"], ["cid", { "id": "dee" }]]);
        let body = json!({ "teams": teams, "parties": parties, "home": "nobody", "explain": true });
        post("application/json", body.to_string()).await
    };
    let part = |got: &Got| {
        let parts = got.json()["contributions"].as_array().unwrap().clone();
        let part = parts.into_iter().find(|part| part["name"] == "premade").unwrap();
        part["logit"].as_f64().unwrap()
    };
    let none = ask(json!(null)).await;
    let (one, other) = (ask(json!([["bob", "ann"]])).await, ask(json!([["cid", "dee"], ["ann"]])).await);
    assert_eq!(part(&none), 0.0);
    assert!(part(&one) > 1.0 && part(&other) == -part(&one), "{} {}", one.text, other.text);
    assert!(one.number("/expected") > none.number("/expected") + 0.1);
    // Across the teams nobody is together.
    assert_eq!(ask(json!([["ann", "cid"]])).await.number("/logit"), none.number("/logit"));
    let rows = "team_a,team_b,home,parties\nann|bob,cid|dee,nobody,\nann|bob,cid|dee,nobody,ann|bob; cid\n";
    let table = post("text/csv", rows.to_owned()).await;
    let wins: Vec<&str> = table.text.lines().skip(1).filter_map(|row| row.split(',').nth(1)).collect();
    let wanted = [&none, &one].map(|got| got.number("/win").to_string());
    assert_eq!(wins, wanted, "{}", table.text);
    for (parties, field) in [
        (json!([["ann", "eve"]]), "parties[0]"),
        (json!([["ann"], ["bob", "ann"]]), "parties[1]"),
        (json!([["ann", "bob"], []]), "parties[1]"),
    ] {
        check(&ask(parties).await, 422, "invalid", field);
    }
    check(&ask(json!("ann")).await, 422, "invalid_field", "parties");
    let beside = json!({ "instances": [], "parties": [] }).to_string();
    check(&post("application/json", beside).await, 422, "unknown_field", "parties");
    check(&post("text/csv", rows.replace("; cid", ";eve")).await, 422, "invalid", "line 3");
}

/// The schema takes a match in one form, as the endpoint does: nothing of another stands beside it.
#[test]
fn the_schema_has_a_match_in_one_form() {
    let text = include_str!("../../../../sagemaker/models/inference.schema.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    let forms = schema.pointer("/$defs/match/oneOf").and_then(Value::as_array).unwrap();
    let names = |form: &Value| -> Vec<String> {
        let required =
            form["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
        required.collect()
    };
    let mut all: Vec<String> = forms.iter().flat_map(names).collect();
    all.sort();
    assert_eq!((forms.len(), all.len()), (4, 7));
    for form in forms {
        let refused = form["properties"].as_object().unwrap();
        assert!(refused.values().all(|of| *of == false));
        let mut known = [names(form), refused.keys().cloned().collect()].concat();
        known.sort();
        assert_eq!(known, all);
    }
}

#[tokio::test]
async fn teams_are_answered_in_full_as_the_model_itself_does() {
    let body = json!({ "teams": [["ann", "cid"], { "players": ["bob", "new"] }], "variant": "grass",
        "home": 1, "at": AT + 5, "explain": true, "schema_version": 1 });
    let got = ask(&body).await;
    assert_eq!((got.status, got.media.as_str()), (StatusCode::OK, "application/json"), "{}", got.text);
    let mut file = model();
    let meeting = Meeting {
        at: Timestamp::from_millis(AT + 5),
        variant: Some(1),
        home: Some(1),
        sides: [&[0, 2], &[1, 4]],
        premade: [Premade::NONE; 2],
    };
    let features = file.model.features(&meeting).unwrap();
    let wanted = file.model.predict(&features);
    for (pointer, wanted) in [
        ("/win", wanted.win),
        ("/draw", wanted.draw),
        ("/loss", wanted.loss),
        ("/expected", wanted.expected),
        ("/logit", wanted.logit),
        ("/interval/low", wanted.low),
        ("/interval/high", wanted.high),
        ("/quality", wanted.quality),
    ] {
        assert_eq!(got.number(pointer).to_bits(), wanted.to_bits(), "{pointer}");
    }
    let answer = got.json();
    assert_eq!(answer["unknown_players"], json!(["new"]));
    assert_eq!(answer["model"]["name"], "duel-7");
    assert_eq!(answer["margin"], Value::Null);
    let parts = answer["contributions"].as_array().unwrap();
    let sum: f64 = parts.iter().map(|part| part["logit"].as_f64().unwrap()).sum();
    assert!(parts.len() == gsm_ml::PARTS.len() && (sum - wanted.logit).abs() < 1e-12);
    // The first side is at home where it was in training, unless it is said otherwise.
    let logit = async |more: Value| {
        let mut body = json!({ "team_a": ["cid"], "team_b": ["dee"], "variant": "grass" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ask(&body).await.number("/logit")
    };
    let ever = logit(json!({})).await;
    assert_eq!(ever, logit(json!({ "home": 0 })).await);
    assert_ne!(ever, logit(json!({ "home": "nobody" })).await);
    // A variant that it does not know is none.
    let unknown = ask(&json!({ "team_a": ["cid"], "team_b": ["dee"], "variant": "ice" })).await;
    let none = ask(&json!({ "team_a": ["cid"], "team_b": ["dee"] })).await;
    assert_eq!(unknown.number("/logit"), none.number("/logit"));
}

#[tokio::test]
async fn several_matches_are_one_request() {
    let one = json!({ "player1": "ann", "player2": "bob" });
    let teams = json!({ "team_a": [1500], "team_b": [1510] });
    let got = ask(&json!({ "instances": [one, teams] })).await;
    let predictions = got.json()["predictions"].clone();
    assert!(predictions[0].is_number() && predictions[1]["win"].is_number(), "{predictions}");
    assert_eq!(ask(&json!({ "instances": [] })).await.text, r#"{"predictions":[]}"#);
    let list = ask(&json!([one, teams])).await.json();
    assert_eq!(list, predictions);
    let lines = format!("{one}\n\n{teams}\r\n");
    let got = invoke("application/jsonlines", "*/*", lines.clone()).await;
    assert_eq!(got.media, "application/jsonlines");
    let read: Vec<Value> = got.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json!(read), predictions);
    let bad = invoke("application/jsonlines", "*/*", lines + "{bad\n").await;
    check(&bad, 400, "invalid_json", "");
    assert!(bad.text.contains("line 4"), "{}", bad.text);
    // Beside the threads that serve, in the same order.
    let many = vec![one.clone(); 4_000];
    let got = ask(&json!({ "instances": many })).await.json();
    assert_eq!(got["predictions"], json!(vec![predictions[0].clone(); 4_000]));
}

#[tokio::test]
async fn tables_are_answered_by_tables() {
    let got = invoke("text/csv; charset=utf-8", "*/*", "1500,1510\n1500,1900\nann,bob\n").await;
    assert_eq!(got.media, "text/csv");
    let numbers: Vec<f64> = got.text.lines().map(|line| line.parse().unwrap()).collect();
    assert!(numbers.len() == 3 && numbers[0] > numbers[1], "{numbers:?}");
    let bare = ask(&json!({ "player1": "ann", "player2": "bob" })).await;
    assert_eq!(got.text.lines().last(), Some(bare.text.as_str()));
    let got =
        invoke("text/csv", "*/*", "team_a,team_b,variant,home\nann|cid,bob|dee,clay,\ncid,dee,,1\n").await;
    let lines: Vec<&str> = got.text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "quality,win,draw,loss,expected,low,high,margin"));
    let json = invoke("text/csv", "application/json", "team_a,team_b\ncid,dee").await.json();
    assert!(json["predictions"][0]["win"].is_number(), "{json}");
    let csv = invoke("application/json", "text/csv", r#"{"team_a":["cid"],"team_b":["dee"]}"#).await;
    assert!(csv.text.starts_with("quality,"), "{}", csv.text);
    let mixed = json!([{ "player1": "ann", "player2": "bob" }, { "team_a": ["cid"], "team_b": ["dee"] }]);
    let mixed = invoke("application/json", "text/csv", mixed.to_string()).await;
    assert!(mixed.text.lines().all(|row| row.matches(',').count() == 7), "{}", mixed.text);
    assert_eq!(mixed.text.lines().count(), 3);
    let named = invoke("text/csv", "*/*", "Player1,PLAYER2\nann,bob\n").await;
    assert_eq!(named.text.lines().count(), 2, "{}", named.text);
    let plain = invoke("text/csv", "*/*", "home,away\n").await;
    assert_eq!((plain.status.as_u16(), plain.text.lines().count()), (200, 1), "{}", plain.text);
    for (strangers, matches) in
        [("player_1,player_2\n", 1), ("player_1,player_2\nplayer_3|team_a,Side7\n", 2)]
    {
        let plain = invoke("text/csv", "*/*", strangers).await;
        assert_eq!((plain.status.as_u16(), plain.text.lines().count()), (200, matches), "{}", plain.text);
    }
    for (table, part) in [
        ("nan,1500\n", "rating"),
        ("1500,inf\n", "rating"),
        ("ann,bob,cid\n", "3 cells"),
        ("ann,\n", "no players"),
        ("team_a\nann\n", "team_a,team_b"),
        ("team_a,team_b,rating_a,rating_b\n", "team_a,team_b"),
        ("team_a,who\nann,bob\n", "`who`"),
        ("team_a,team_b,home\nann,bob,2\n", "home"),
        ("ann|ann,bob\n", "twice"),
        ("player_a,player_b\nann,bob\n", "team_a,team_b or player1,player2"),
        ("player1_features,player2_features\n1500,1600\n", "`player2_features` look like"),
        ("\"Team A\",\"Team B\"\nann,bob\n", "look like"),
        ("ann|,bob\n", "1 to 128"),
        ("ann,bob\n\"ann,bob\n", "line 2"),
        ("ann,bob\n\"ann\"x,bob\n", "line 2"),
        ("team_a,team_b,variant\nann,bob,\n\nann,bob,\"clay\n", "line 4"),
        ("\"team_a,team_b\nann,bob\n", "line 1"),
        ("player_a,player_b\n\"ann,bob\n", "line 2"),
    ] {
        let got = invoke("text/csv", "*/*", table).await;
        assert!(got.status == 422 && got.text.contains(part), "{table}: {}", got.text);
    }
    let empty = invoke("text/csv", "*/*", "\n").await;
    check(&empty, 400, "body_empty", "");
    assert!(empty.text.contains("two cells a row"), "{}", empty.text);
    // A head alone is a table of no matches.
    let none = invoke("text/csv", "*/*", "team_a,team_b\n").await;
    assert_eq!((none.status.as_u16(), none.text.as_str()), (200, ""));
    let none = invoke("text/csv", "application/json", "team_a,team_b\n").await;
    assert_eq!(none.json(), json!({ "predictions": [] }));
    check(&invoke("text/csv", "*/*", vec![0xff, b',']).await, 422, "invalid", "");
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    let bad = async |body: &str| invoke("application/json", "*/*", body.to_owned()).await;
    check(&bad("{bad").await, 400, "invalid_json", "");
    check(&bad("").await, 400, "body_empty", "");
    check(&bad(r#"{"player1_features":[NaN],"player2_features":[1]}"#).await, 400, "invalid_json", "");
    check(&bad(r#"{"player1":1e999,"player2":1}"#).await, 400, "json_number_out_of_range", "");
    check(&bad(r#"{"player1":"a","player1":"b"}"#).await, 400, "json_duplicate_key", "");
    check(&bad("7").await, 422, "invalid_field", "");
    for (body, code, field) in [
        (json!({}), "missing_field", "teams"),
        (json!({ "player1": "ann" }), "missing_field", "player2"),
        (json!({ "player2_features": [1] }), "missing_field", "player1_features"),
        (json!({ "team_b": ["ann"] }), "missing_field", "team_a"),
        (json!({ "player1": "ann", "player2": "bob", "who": 1 }), "unknown_field", "who"),
        (json!({ "player1": { "rating": 1, "x": 1 }, "player2": 1 }), "unknown_field", "player1.x"),
        (json!({ "player1": {}, "player2": 1 }), "missing_field", "player1.rating"),
        (json!({ "player1": null, "player2": 1 }), "invalid_field", "player1"),
        (json!({ "player1": 1, "player2": 1, "teams": null }), "invalid_field", "teams"),
        (json!({ "player1": 1, "player2": 1, "team_a": null }), "invalid", ""),
        (json!({ "instances": null }), "invalid_field", "instances"),
        (json!({ "player1": true, "player2": 1 }), "invalid_field", "player1"),
        (json!({ "player1": { "rating": "x" }, "player2": 1 }), "invalid_field", "player1.rating"),
        (json!({ "player1": { "rating": 1, "games": 1.5 }, "player2": 1 }), "invalid", "player1.games"),
        (json!({ "player1": [1, 2, 3, 4], "player2": 1 }), "invalid_field", "player1"),
        (json!({ "player1": 1e7, "player2": 1 }), "invalid", "player1"),
        (
            json!({ "player1": { "rating": -5, "deviation": -1 }, "player2": 1 }),
            "invalid",
            "player1.deviation",
        ),
        (json!({ "player1": { "mmr": 1e7, "rd": 5 }, "player2": 1 }), "invalid", "player1.mmr"),
        (
            json!({ "player1": { "id": "ann", "deviation": 1e7 }, "player2": 1 }),
            "invalid",
            "player1.deviation",
        ),
        (json!({ "teams": [[{ "id": "ann", "rd": -1 }], ["bob"]] }), "invalid", "teams[0][0].rd"),
        (
            json!({ "player1_features": { "id": 7, "rd": 1e7 }, "player2_features": [1] }),
            "invalid",
            "player1_features.rd",
        ),
        (json!({ "player1": [1500, -50], "player2": 1 }), "invalid", "player1[1]"),
        (json!({ "player1": [1e7], "player2": 1 }), "invalid", "player1[0]"),
        (json!({ "team_a": { "players": [] }, "team_b": [1] }), "empty_team", "team_a"),
        (json!({ "team_a": ["ann", "ann"], "team_b": [1] }), "invalid", "team_a"),
        (json!({ "instances": [{ "teams": [[1], []] }] }), "empty_team", "instances[0].teams[1]"),
        (json!([{ "teams": [[1], [1]], "team_a": [1] }]), "invalid", "[0]"),
        (
            json!({ "player1_features": ["x"], "player2_features": [1] }),
            "invalid_field",
            "player1_features[0]",
        ),
        (
            json!({ "player1_features": [null], "player2_features": [1] }),
            "invalid_field",
            "player1_features[0]",
        ),
        (json!({ "player1": "", "player2": "bob" }), "invalid", "player1"),
        (json!({ "player1": "ann", "player2": "ann" }), "invalid", "player2"),
        (json!({ "teams": [["ann"], []] }), "empty_team", "teams[1]"),
        (json!({ "teams": [["ann"], ["bob"], ["cid"]] }), "invalid", "teams"),
        (json!({ "teams": [["ann"], { "who": 1 }] }), "unknown_field", "teams[1].who"),
        (json!({ "teams": [["ann"], "bob"] }), "invalid_field", "teams[1]"),
        (json!({ "teams": [["ann"], ["bob"]], "home": 2 }), "invalid_field", "home"),
        (json!({ "teams": [["ann"], ["bob"]], "player1": 1 }), "invalid", ""),
        (
            json!({ "schema_version": 2, "player1": 1, "player2": 1 }),
            "wrong_schema_version",
            "schema_version",
        ),
        (json!({ "instances": [], "player1": 1 }), "invalid", "instances"),
        (json!({ "instances": [], "explain": true }), "unknown_field", "explain"),
        (json!({ "instances": [], "home": { "a": 1 } }), "unknown_field", "home"),
        (json!({ "instances": 5 }), "invalid_field", "instances"),
        (json!({ "instances": [{ "who": 1 }] }), "unknown_field", "instances[0].who"),
        (json!([{ "who": 1 }]), "unknown_field", "[0].who"),
        (json!([{ "player1": { "rating": "x" }, "player2": 1 }]), "invalid_field", "[0].player1.rating"),
        (json!([[1, 2]]), "invalid_field", "[0]"),
        (
            json!({ "teams": [[{ "id": "ann", "rating": "junk" }], ["bob"]] }),
            "invalid_field",
            "teams[0][0].rating",
        ),
        (json!({ "teams": [[{ "rating": 1_500, "elo": 2_500 }], ["bob"]] }), "invalid", "teams[0][0].elo"),
        (json!({ "teams": [[{ "elo": "x", "rating": 1_500 }], ["bob"]] }), "invalid", "teams[0][0].elo"),
        (json!({ "teams": [[{ "id": "ann", "player": "cid" }], ["bob"]] }), "invalid", "teams[0][0].player"),
        (
            json!({ "player1": { "id": "ann", "rd": 5, "uncertainty": 5 }, "player2": 1 }),
            "invalid",
            "player1.uncertainty",
        ),
        (
            json!({ "player1_features": { "mmr": 1_500, "games": 5, "matches_played": 9 }, "player2_features": [1] }),
            "invalid",
            "player1_features.matches_played",
        ),
        (json!({ "instances": [{ "instances": [] }] }), "invalid", "instances[0].instances"),
        (json!({ "instances": [{ "player1": 1, "player2": "" }] }), "invalid", "instances[0].player2"),
        (
            json!({ "instances": [{ "schema_version": 9, "player1": 1, "player2": 2 }] }),
            "wrong_schema_version",
            "instances[0].schema_version",
        ),
    ] {
        check(&ask(&body).await, 422, code, field);
        // A large body is read as a stream, and answered as a small one.
        let large = bad(&format!("{}{body}", " ".repeat(70_000))).await;
        check(&large, 422, code, field);
        let line = invoke("application/jsonlines", "*/*", format!("{}{body}", " ".repeat(70_000))).await;
        assert_eq!(line.status, 422, "{}", line.text);
    }
    let crowd: Vec<u32> = (0..201).collect();
    check(&ask(&json!({ "teams": [crowd, [1]] })).await, 422, "invalid", "");
    check(&invoke("application/xml", "*/*", "<a/>").await, 415, "unsupported_media_type", "");
    check(&invoke("application/json", "image/png", "{}").await, 406, "not_acceptable", "");
    let large = vec![b' '; super::BODY_BYTES_MAX + 1];
    check(&invoke("application/json", "*/*", large).await, 413, "body_too_large", "");
}

/// What JSON Schema takes for a whole number, and for nothing.
#[tokio::test]
async fn whole_numbers_and_nulls_are_as_the_schema_has_them() {
    let body =
        json!({ "teams": [["ann"], ["bob"]], "schema_version": 1.0, "at": 1_702_000_000_000.0, "home": 1.0 });
    let plain = json!({ "teams": [["ann"], ["bob"]], "at": 1_702_000_000_000_i64, "home": 1 });
    assert_eq!(ask(&body).await.number("/logit"), ask(&plain).await.number("/logit"));
    let nulls = json!({ "teams": [["ann"], ["bob"]], "schema_version": null, "at": null, "home": null,
        "variant": null, "explain": null });
    assert_eq!(ask(&nulls).await.status, StatusCode::OK);
    for (name, value) in [("at", json!(1.5)), ("at", json!(1e300)), ("schema_version", json!("1"))] {
        let mut body = plain.clone();
        body[name] = value;
        check(&ask(&body).await, 422, "invalid_field", name);
    }
}

#[tokio::test]
async fn large_requests_are_answered_as_small_ones() {
    let bodies = [
        json!({ "player1": "ann", "player2": 1500.5 }),
        json!({ "teams": [["ann"], [[1500, 60, 20]]], "explain": true, "schema_version": 1 }),
        json!({ "instances": [{ "player1": "ann", "player2": "bob" }, { "team_a": ["ann"], "team_b": [1] }] }),
        json!([{ "player1_features": { "a": [true, null, -1, 2.5e3] }, "player2_features": {} }]),
        json!([]),
    ];
    for body in bodies {
        let (small, padding) = (ask(&body).await, " ".repeat(70_000));
        let large = invoke("application/json", "*/*", format!("{padding}{body}")).await;
        assert_eq!((small.status, &small.text), (large.status, &large.text));
        assert_eq!(small.status, 200, "{}", small.text);
    }
    // The first that makes no sense ends it, and whatever one match has is bounded.
    let empty = format!("[{}{{}}]", "{},".repeat(2_000_000));
    check(&invoke("application/json", "*/*", empty).await, 422, "missing_field", "[0].teams");
    let crowd = format!(r#"{{"teams":[[{}1],[2]]}}"#, "1,".repeat(1_000_000));
    check(&invoke("application/json", "*/*", crowd).await, 422, "invalid_field", "teams[0][19998]");
}

#[tokio::test]
async fn an_answer_above_the_cap_is_refused() {
    let mut endpoint = Endpoint::new(Arc::new(Noon), Duration::from_secs(50));
    endpoint.answer_bytes_max = 1 << 20;
    endpoint.is_ready(Oracle::read(&model().to_bytes(Kept::All).unwrap()).unwrap());
    let endpoint = Arc::new(endpoint);
    let ask = async |media: &str, matches: usize| {
        let one = json!({ "teams": [["ann"], ["bob"]], "explain": true }).to_string();
        let body = match media {
            "application/json" => format!("[{}]", vec![one; matches].join(",")),
            _ => vec![one; matches].join("\n"),
        };
        let request = Request::post("/invocations").header(header::CONTENT_TYPE, media);
        send(&endpoint, request.body(Body::from(body)).unwrap()).await
    };
    let each = ask("application/json", 100).await.text.len() / 100;
    for media in ["application/json", "application/jsonlines"] {
        assert_eq!(ask(media, (1 << 19) / each).await.status, 200);
        let refused = ask(media, (1 << 21) / each).await;
        check(&refused, 413, "answer_too_large", "");
        assert!(refused.text.contains("1 MiB") && refused.text.contains("fewer matches"), "{}", refused.text);
    }
}

#[tokio::test]
async fn numbers_beside_an_id_count_where_the_model_does_not_know_it() {
    let teams = async |one: Value| ask(&json!({ "teams": [[one], ["bob"]], "at": AT })).await;
    let strong = json!({ "rating": 2500, "deviation": 30, "matches": 500 });
    let mut named = strong.clone();
    named["id"] = json!("new");
    let (guest, new) = (teams(strong).await, teams(named.clone()).await);
    assert_eq!(guest.number("/logit"), new.number("/logit"));
    assert_eq!(new.json()["unknown_players"], json!(["new"]));
    named["id"] = json!("ann");
    assert_eq!(teams(named).await.number("/logit"), teams(json!("ann")).await.number("/logit"));
    let features = |one: Value, other: Value| json!({ "player1_features": one, "player2_features": other });
    let plain = ask(&features(json!({ "skill_rating": 2600 }), json!({ "skill_rating": 800 }))).await;
    for (one, other) in [(json!("x"), json!("y")), (json!(42), json!(43)), (json!(null), json!([1]))] {
        let one = json!({ "player_id": one, "skill_rating": 2600 });
        let got = ask(&features(one, json!({ "player_id": other, "skill_rating": 800 }))).await;
        assert_eq!(got.text, plain.text);
    }
}

#[tokio::test]
async fn the_answer_is_in_the_media_type_that_is_wanted_most() {
    for (accept, wanted) in [
        ("text/csv;q=0.1, application/json;q=0.9", "application/json"),
        ("text/csv;q=0, */*", "application/json"),
        ("application/json;q=0, text/csv", "text/csv"),
        ("application/json; q=0", "application/problem+json"),
        ("*/*;q=0.1, text/csv", "text/csv"),
        ("text/*", "text/csv"),
        ("application/*;q=0.5, application/x-ndjson;q=0.8", "application/jsonlines"),
        ("text/csv, application/json", "text/csv"),
        ("image/png, */*;q=0.1", "application/json"),
        ("image/png", "application/problem+json"),
        ("", "application/json"),
        ("application/json;q=much", "application/json"),
    ] {
        let got = invoke("application/json", accept, r#"{"teams":[["ann"],["bob"]]}"#).await;
        assert_eq!(got.media, wanted, "{accept}");
    }
}

#[tokio::test]
async fn the_samples_are_answered() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sagemaker/models/samples");
    let mut seen = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let media = match path.extension().unwrap().to_str().unwrap() {
            "json" => "application/json",
            "jsonl" => "application/jsonlines",
            _ => "text/csv",
        };
        let got = invoke(media, "*/*", std::fs::read(&path).unwrap()).await;
        assert_eq!(got.status, StatusCode::OK, "{}: {}", path.display(), got.text);
        seen += 1;
    }
    assert_eq!(seen, 7);
}

#[tokio::test]
async fn before_the_model_is_there_both_say_so() {
    let loading = Arc::new(Endpoint::new(Arc::new(Noon), Duration::from_secs(50)));
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    check(&send(&loading, get("/ping")).await, 503, "model_loading", "");
    let post = Request::post("/invocations").body(Body::from("{}")).unwrap();
    check(&send(&loading, post).await, 503, "model_loading", "");
    let ready = endpoint();
    let pong = send(&ready, get("/ping")).await;
    assert_eq!((pong.status, pong.text.as_str()), (StatusCode::OK, ""));
    assert_eq!(send(&ready, get("/execution-parameters")).await.json()["MaxPayloadInMB"], 25);
    check(&send(&ready, get("/invocations")).await, 405, "method_not_allowed", "");
    check(
        &send(&ready, Request::post("/ping").body(Body::empty()).unwrap()).await,
        405,
        "method_not_allowed",
        "",
    );
    check(&send(&ready, get("/other")).await, 404, "not_found", "");
    // Without a Content-Type a body is JSON.
    let post = Request::post("/invocations").body(Body::from(r#"{"player1":1,"player2":1}"#)).unwrap();
    assert_eq!(send(&ready, post).await.text, "1.0");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_given_up() {
    let endpoint = Arc::new(Endpoint::new(Arc::new(Noon), Duration::ZERO));
    endpoint.is_ready(Oracle::read(&model().to_bytes(Kept::All).unwrap()).unwrap());
    let lines = "{\"player1\":\"ann\",\"player2\":\"bob\"}\n".repeat(20_000);
    let post = Request::post("/invocations")
        .header(header::CONTENT_TYPE, "application/jsonlines")
        .body(Body::from(lines))
        .unwrap();
    check(&send(&endpoint, post).await, 503, "deadline", "");
}

/// What is more than a moment's work has its turn, of which there are as many as processors; what is less passes by.
#[tokio::test(start_paused = true)]
async fn what_takes_longer_than_a_moment_waits_for_its_turn() {
    let endpoint = endpoint();
    let (one, other) = (r#"{"player1":1,"player2":1}"#, r#"{"player1":1,"player2":1,"explain":true}"#);
    let hidden = r#"{"player1":1,"player2":1,"\u0065xplain":true}"#;
    let json = "application/json";
    let list = |one: &str, times: usize| format!("[{}]", vec![one; times].join(","));
    let cases = [
        (json, one.to_owned(), true),
        (json, other.to_owned(), true),
        (json, hidden.to_owned(), true),
        (json, list(one, 64), true),
        (json, list(one, 65), false),
        (json, list(other, 4), true),
        (json, list(other, 5), false),
        (json, list(hidden, 5), false),
        (json, list(one, 100), false),
        ("application/jsonlines", [other; 5].join("\n"), false),
        ("text/csv", "1500,1400\n".repeat(64), true),
        ("text/csv", "1500,1400\n".repeat(65), false),
        ("text/csv", "1500,1400\n".repeat(300), false),
    ];
    let post = async |media: &str, body: &str| {
        let request = Request::post("/invocations").header(header::CONTENT_TYPE, media);
        send(&endpoint, request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let all = endpoint.beside.available_permits();
    assert!(all >= 1);
    let places = endpoint.beside.clone().acquire_many_owned(all as u32).await.unwrap();
    for (media, body, passes) in &cases {
        let got = post(media, body).await;
        if *passes {
            assert_eq!(got.status, 200, "{body}: {}", got.text);
        } else {
            check(&got, 503, "deadline", "");
        }
    }
    drop(places);
    for (media, body, _) in &cases {
        assert_eq!(post(media, body).await.status, 200, "{body}");
    }
    assert_eq!(endpoint.beside.available_permits(), all);
}

/// Four large bodies are in memory at once, however many come; small ones pass by.
#[tokio::test(start_paused = true)]
async fn a_large_body_is_read_when_it_is_its_turn() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let begun = Arc::new(AtomicUsize::new(0));
    // Says nothing of its size, and never ends.
    let endless = || {
        let begun = begun.clone();
        let mut first = Some(" ".repeat(super::work::WHOLE_BYTES_MAX));
        let pieces = futures::stream::poll_fn(move |_| match first.take() {
            Some(first) => std::task::Poll::Ready(Some(Ok::<_, std::io::Error>(first + " "))),
            None => {
                begun.fetch_add(1, Ordering::Relaxed);
                std::task::Poll::Pending
            }
        });
        Body::from_stream(pieces)
    };
    let endpoint = endpoint();
    let post = |body: Body| {
        let request = Request::post("/invocations").header(header::CONTENT_TYPE, "application/json");
        request.body(body).unwrap()
    };
    let mut large: Vec<_> = (0..6).map(|_| Box::pin(send(&endpoint, post(endless())))).collect();
    for one in &mut large {
        assert!(futures::poll!(one.as_mut()).is_pending());
    }
    assert_eq!(begun.load(Ordering::Relaxed), 4);
    let small = r#"{"player1":"ann","player2":"bob"}"#;
    let in_pieces = futures::stream::iter([&small[..9], &small[9..]].map(Ok::<_, std::io::Error>));
    for body in [small.into(), Body::from_stream(in_pieces)] {
        let small = send(&endpoint, post(body)).await;
        assert_eq!(small.status, 200, "{}", small.text);
    }
    let too_large = send(&endpoint, post(vec![b' '; super::BODY_BYTES_MAX + 1].into())).await;
    check(&too_large, 413, "body_too_large", "");
    // Whoever is slower than an answer may take leaves the place to the next.
    for got in futures::future::join_all(large).await {
        check(&got, 503, "deadline", "");
    }
}

/// A hint names what there is: the schema of this server, and of lines that there are several documents.
#[tokio::test]
async fn hints_point_to_what_this_server_has() {
    let hint = |got: &Got| got.json()["hint"].as_str().unwrap().to_owned();
    let good = r#"{"player1":1500,"player2":1500}"#;
    let large = format!("[{}]", vec![r#"{"player1":1500,"player2":1500,"at":1.5}"#; 2_000].join(","));
    for body in ["null", r#"{"player1":1500,"player2":1500,"at":1.5}"#, r#"{"player3":1}"#, &large] {
        let got = invoke("application/json", "*/*", body.to_owned()).await;
        assert!(got.status == 422 && hint(&got).contains("inference.schema.json"), "{}", got.text);
        assert!(!got.text.contains("OpenAPI"), "{}", got.text);
    }
    let lines = async |body: String| invoke("application/jsonlines", "*/*", body).await;
    let broken = lines(format!("{good}\n{{bad\n")).await;
    check(&broken, 400, "invalid_json", "");
    let detail = broken.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.ends_with("at line 2 column 2") && !detail.contains("line 1"), "{detail}");
    assert!(hint(&broken).contains("one JSON document a line"), "{}", broken.text);
    let twice = lines(format!("{good}\n\n{{\"player1\":1,\"player1\":2}}")).await;
    assert!(twice.text.contains("line 3 column"), "{}", twice.text);
    let field = lines(format!("{good}\nnull")).await;
    assert!(
        field.text.contains("line 2: ") && hint(&field).contains("inference.schema.json"),
        "{}",
        field.text
    );
    let empty = lines("\n".to_owned()).await;
    check(&empty, 400, "body_empty", "");
    assert!(hint(&empty).contains("one JSON document a line"), "{}", empty.text);
}
