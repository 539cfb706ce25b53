//! The GameLift wire, over HTTP.
mod audit;
mod cbor;
mod data;
mod resources;
mod shapes;
pub(crate) mod signatures;
mod tickets;

use crate::client::{Answer, Client};
use serde_json::{Value, json};

pub(crate) const JSON: &str = "application/x-amz-json-1.1";

/// Calls an operation in JSON, unsigned.
pub(crate) async fn call(client: &Client, operation: &str, body: Value) -> Answer {
    let target = format!("GameLift.{operation}");
    client.call("POST", "/").header("x-amz-target", &target).text(JSON, &body.to_string()).send().await
}

impl Answer {
    /// The output of an operation that was done.
    #[track_caller]
    pub(crate) fn output(self) -> Value {
        assert_eq!(
            (self.status.as_u16(), self.headers["content-type"].to_str().unwrap()),
            (200, JSON),
            "{}",
            self.text
        );
        self.named();
        self.json()
    }

    /// Checks that it is this exception, in the shape that all have; its message.
    #[track_caller]
    pub(crate) fn exception(self, status: u16, name: &str) -> String {
        let fault = self.json();
        assert_eq!((self.status.as_u16(), fault["__type"].as_str()), (status, Some(name)), "{}", self.text);
        assert_eq!(self.headers["x-amzn-errortype"], name);
        assert_eq!(self.headers["content-type"], JSON);
        assert_eq!(fault["Message"], fault["message"]);
        self.named();
        fault["Message"].as_str().unwrap().to_owned()
    }

    /// Every answer has a UUID.
    #[track_caller]
    fn named(&self) {
        let id = self.headers["x-amzn-requestid"].to_str().unwrap();
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
    }
}

/// A rule set for two players, made.
pub(crate) async fn duel_rules(client: &Client, name: &str) -> Value {
    let body = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "skill", "type": "number", "default": 10 }],
        "teams": [
            { "name": "left", "minPlayers": 1, "maxPlayers": 1 },
            { "name": "right", "minPlayers": 1, "maxPlayers": 1 }
        ]
    });
    let input = json!({ "Name": name, "RuleSetBody": body.to_string() });
    call(client, "CreateMatchmakingRuleSet", input).await.output()["RuleSet"].clone()
}

/// A configuration over a rule set, made.
pub(crate) async fn configuration(client: &Client, name: &str, rule_set: &str, more: Value) -> Value {
    let mut input = json!({
        "Name": name, "RuleSetName": rule_set, "RequestTimeoutSeconds": 60, "AcceptanceRequired": false,
        "FlexMatchMode": "STANDALONE"
    });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call(client, "CreateMatchmakingConfiguration", input).await.output()["Configuration"].clone()
}
