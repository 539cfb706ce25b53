use super::JSON;
use crate::{
    client::{Answer, Client},
    firewall::checked,
    world::{World, settings},
};
use aws_lc_rs::{digest, hmac};
use gsm_server::{
    config::{Mode, Signatures},
    firewall::{FirewallSettings, files::parse_rules},
};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    time::{SystemTime, UNIX_EPOCH},
};

/// An access key as its client holds it.
#[derive(Clone)]
pub(crate) struct Key {
    id: String,
    secret: String,
}

impl Key {
    pub(crate) async fn issued(world: &World, role: &str) -> Self {
        let made = world.admin().post("/v1/aws-keys", json!({ "role": role })).await.ok();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { id: text("access_key_id"), secret: text("secret_access_key") }
    }
}

/// A request as its client would sign it, to be changed before or after that.
struct Signed {
    key: Key,
    body: String,
    target: &'static str,
    service: &'static str,
    late_s: i64,
    headers: Vec<&'static str>,
    /// As a proxy says.
    from: Option<&'static str>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

impl Signed {
    fn new(key: &Key, target: &'static str, body: Value) -> Self {
        let headers = vec!["content-type", "host", "x-amz-date", "x-amz-target"];
        Self {
            key: key.clone(),
            body: body.to_string(),
            target,
            service: "gamelift",
            late_s: 0,
            headers,
            from: None,
        }
    }

    /// The date and the Authorization header.
    fn seal(&self, client: &Client) -> (String, String) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 - self.late_s;
        let now = jiff::Timestamp::from_second(now).unwrap();
        let (at, day) = (now.strftime("%Y%m%dT%H%M%SZ").to_string(), now.strftime("%Y%m%d").to_string());
        let scope = format!("{day}/eu-west-1/{}/aws4_request", self.service);
        let signed = self.headers.join(";");
        let value = |name: &&str| match *name {
            "content-type" => JSON.to_owned(),
            "host" => client.addr.to_string(),
            "x-amz-date" => at.clone(),
            _ => self.target.to_owned(),
        };
        let headers: String = self.headers.iter().map(|name| format!("{name}:{}\n", value(name))).collect();
        let sha = |text: &str| hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        let request = format!("POST\n/\n\n{headers}\n{signed}\n{}", sha(&self.body));
        let text = format!("AWS4-HMAC-SHA256\n{at}\n{scope}\n{}", sha(&request));
        let mut key = format!("AWS4{}", self.key.secret).into_bytes();
        for part in [&*day, "eu-west-1", self.service, "aws4_request"] {
            key = mac(&key, part);
        }
        let signature = hex(&mac(&key, &text));
        let credential = format!("{}/{scope}", self.key.id);
        (
            at,
            format!(
                "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={signature}"
            ),
        )
    }

    async fn send(&self, client: &Client) -> Answer {
        let (at, authorization) = self.seal(client);
        self.send_as(client, &at, &authorization).await
    }

    async fn send_as(&self, client: &Client, at: &str, authorization: &str) -> Answer {
        let call = client.call("POST", "/").header("x-amz-target", self.target).header("x-amz-date", at);
        let call = match self.from {
            Some(address) => call.header("x-forwarded-for", address),
            None => call,
        };
        call.header("authorization", authorization).text(JSON, &self.body).send().await
    }
}

/// Calls an operation, signed.
pub(crate) async fn signed(client: &Client, key: &Key, target: &'static str, body: Value) -> Answer {
    Signed::new(key, target, body).send(client).await
}

const DESCRIBE: &str = "GameLift.DescribeMatchmaking";
const STOP: &str = "GameLift.StopMatchmaking";

async fn verifying() -> World {
    World::with(|settings| settings.signatures = Signatures::Verify).await
}

fn nothing() -> Value {
    json!({ "TicketIds": [] })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_requests_that_are_signed_well_are_served() {
    let mut world = verifying().await;
    let key = Key::issued(&world, "server").await;
    let describe = || Signed::new(&key, DESCRIBE, nothing());
    describe().send(&world.anyone).await.output();
    describe().send(&world.anyone).await.output();

    let unsigned = super::call(&world.anyone, "DescribeMatchmaking", nothing()).await;
    unsigned.exception(403, "MissingAuthenticationTokenException");
    super::call(&world.admin(), "DescribeMatchmaking", nothing())
        .await
        .exception(403, "IncompleteSignatureException");
    let bad = async |change: fn(&mut Signed), name: &str| {
        let mut request = describe();
        change(&mut request);
        request.send(&world.anyone).await.exception(403, name)
    };
    bad(|r| r.key.secret.push('x'), "InvalidSignatureException").await;
    bad(|r| r.key.id = "AKIDEXAMPLE".into(), "UnrecognizedClientException").await;
    bad(|r| r.key.id = format!("GSMA{:032X}", 7), "UnrecognizedClientException").await;
    let other = bad(|r| r.service = "dynamodb", "InvalidSignatureException").await;
    assert!(other.contains("`gamelift`"), "{other}");
    let stale = bad(|r| r.late_s = 302, "InvalidSignatureException").await;
    assert!(stale.contains("expired"), "{stale}");
    let early = bad(|r| r.late_s = -302, "InvalidSignatureException").await;
    assert!(early.contains("not yet current"), "{early}");
    for (at, name) in ["host", "x-amz-date", "x-amz-target"].into_iter().enumerate() {
        let mut request = describe();
        request.headers.remove(at + 1);
        let message = request.send(&world.anyone).await.exception(403, "IncompleteSignatureException");
        assert!(message.contains(name), "{message}");
    }
    for late in [-290, 290] {
        let mut request = describe();
        request.late_s = late;
        request.send(&world.anyone).await.output();
    }
    // Changed after it was signed: the body, the operation.
    let mut request = describe();
    let (at, authorization) = request.seal(&world.anyone);
    request.body = json!({ "TicketIds": ["x"] }).to_string();
    request.send_as(&world.anyone, &at, &authorization).await.exception(403, "InvalidSignatureException");
    let mut request = describe();
    let (at, authorization) = request.seal(&world.anyone);
    request.target = "GameLift.DescribeMatchmakingRuleSets";
    request.send_as(&world.anyone, &at, &authorization).await.exception(403, "InvalidSignatureException");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_changes_something_once_and_reads_again() {
    let mut world = verifying().await;
    let key = Key::issued(&world, "server").await;
    let stop = Signed::new(&key, STOP, json!({ "TicketId": "none" }));
    let (at, authorization) = stop.seal(&world.anyone);
    stop.send_as(&world.anyone, &at, &authorization).await.exception(400, "NotFoundException");
    let message =
        stop.send_as(&world.anyone, &at, &authorization).await.exception(403, "InvalidSignatureException");
    assert!(message.contains("used before"), "{message}");
    let read = Signed::new(&key, DESCRIBE, nothing());
    let (at, authorization) = read.seal(&world.anyone);
    for _ in 0..2 {
        read.send_as(&world.anyone, &at, &authorization).await.output();
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_shown_once_outlive_a_restart_and_end_when_revoked() {
    let mut world = World::new().await;
    let post = async |world: &World| {
        let asked = world.admin();
        let asked = asked.call("POST", "/v1/aws-keys").header("idempotency-key", "k");
        asked.json(&json!({ "role": "admin", "note": "ci" })).send().await.ok()
    };
    let made = post(&world).await;
    assert_eq!(post(&world).await, made, "the same call shows the same key");
    world.restart().await;
    assert_eq!(post(&world).await, made);
    let listed = world.admin().get("/v1/aws-keys").await.ok();
    let mut shown = made.clone();
    shown.as_object_mut().unwrap().remove("secret_access_key");
    assert_eq!(listed, json!({ "keys": [shown] }));
    world.stop().await;

    let mut world = verifying().await;
    let made = post(&world).await;
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let key = Key { id: text("access_key_id"), secret: text("secret_access_key") };
    signed(&world.anyone, &key, DESCRIBE, nothing()).await.output();
    // Under another master key no secret opens, and under the old one they do again.
    let other = world.data().join("other.key");
    world
        .restart_with(|settings| {
            (settings.signatures, settings.aws_master_key_file) = (Signatures::Verify, other)
        })
        .await;
    signed(&world.anyone, &key, DESCRIBE, nothing()).await.exception(403, "UnrecognizedClientException");
    world.restart_with(|settings| settings.signatures = Signatures::Verify).await;
    signed(&world.anyone, &key, DESCRIBE, nothing()).await.output();
    world.admin().delete(&format!("/v1/aws-keys/{}", text("key_id"))).await.ok();
    signed(&world.anyone, &key, DESCRIBE, nothing()).await.exception(403, "UnrecognizedClientException");
    assert!(world.admin().get("/v1/aws-keys").await.ok()["keys"][0]["revoked_at"].is_i64());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_master_key_of_its_access_keys_a_server_does_not_start() {
    let mut world = verifying().await;
    let key = Key::issued(&world, "server").await;
    let file = world.data().join("aws-master.key");
    let kept = fs::read_to_string(&file).unwrap();
    world.stop().await;
    fs::remove_file(&file).unwrap();
    let told = world.fails_with(|settings| settings.mode = Mode::Serve).await;
    for part in ["aws-master.key", "is gone", &key.id, "put it back", "openssl rand -hex 32"] {
        assert!(told.contains(part), "`{part}` is not in: {told}");
    }
    assert!(!file.exists(), "nothing is made in its place");
    // Put back, all is well.
    fs::write(&file, kept).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    world.restart_with(|settings| settings.signatures = Signatures::Verify).await;
    signed(&world.anyone, &key, DESCRIBE, nothing()).await.output();
    // A development server begins anew, and so does one without keys that are good.
    world.stop().await;
    fs::remove_file(&file).unwrap();
    world.restart_with(|settings| settings.signatures = Signatures::Verify).await;
    signed(&world.anyone, &key, DESCRIBE, nothing()).await.exception(403, "UnrecognizedClientException");
    let listed = world.admin().get("/v1/aws-keys").await.ok();
    let id = listed["keys"][0]["key_id"].as_str().unwrap();
    world.admin().delete(&format!("/v1/aws-keys/{id}")).await.ok();
    world.stop().await;
    fs::remove_file(&file).unwrap();
    let mut other = settings(world.data());
    other.mode = Mode::Serve;
    gsm_server::start(other).await.expect("a running server").stop().await.expect("a clean stop");
    assert!(file.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_tries_keys_is_slowed_down() {
    let mut world = World::with(|settings| {
        settings.signatures = Signatures::Verify;
        settings.firewall = FirewallSettings::of(gsm_security::Profile::Default);
    })
    .await;
    let key = Key { id: "AKIDEXAMPLE".into(), secret: "x".into() };
    for _ in 0..10 {
        signed(&world.anyone, &key, DESCRIBE, nothing()).await.exception(403, "UnrecognizedClientException");
    }
    signed(&world.anyone, &key, DESCRIBE, nothing()).await.exception(400, "ThrottlingException");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_over_its_limits_has_no_signature_checked() {
    const FEW: &str =
        "[[rules]]\nname = \"address\"\nface = \"native\"\nkey = \"address\"\nlimit = 4\nwindow_s = 600\n";
    let mut world = World::with(|settings| {
        settings.signatures = Signatures::Verify;
        settings.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        settings.firewall = FirewallSettings::of(gsm_security::Profile::Default);
        settings.firewall.written = parse_rules(FEW).unwrap();
        settings.firewall.exempt_paths = vec!["/metrics".to_owned()];
    })
    .await;
    let (known, new) = (Key::issued(&world, "server").await, Key::issued(&world, "server").await);
    let guessed = |key: &Key| Key { id: key.id.clone(), secret: "x".to_owned() };
    let call = async |key: &Key, from: &'static str| {
        let request = Signed { from: Some(from), ..Signed::new(key, DESCRIBE, nothing()) };
        request.send(&world.anyone).await
    };
    let signatures = async || checked(&world, "request").await;
    // Ten bad ones are the most of an address; a good one passes beside them.
    call(&known, "192.0.2.1").await.output();
    for _ in 0..10 {
        call(&guessed(&known), "192.0.2.1").await.exception(403, "InvalidSignatureException");
    }
    let told = call(&guessed(&new), "192.0.2.1").await.exception(400, "ThrottlingException");
    assert!(told.contains("`bad_token`"), "{told}");
    call(&new, "192.0.2.2").await.output();
    assert_eq!(signatures().await, 13);

    // Where too much was asked by nobody, what comes next is not looked at, but for a key that has signed well from there.
    let unsigned = async || {
        let call = world.anyone.call("POST", "/").header("x-amz-target", DESCRIBE);
        call.header("x-forwarded-for", "192.0.2.2").text(JSON, "{}").send().await
    };
    for _ in 0..4 {
        unsigned().await.exception(403, "MissingAuthenticationTokenException");
    }
    unsigned().await.exception(400, "ThrottlingException");
    let told = call(&known, "192.0.2.2").await.exception(400, "ThrottlingException");
    assert!(told.contains("`address`"), "{told}");
    assert_eq!(signatures().await, 13);
    call(&new, "192.0.2.2").await.output();
    assert_eq!(signatures().await, 14);
    // What others ask of the native face there stops no key.
    let native = async || {
        let call = world.anyone.call("GET", "/v1/queues").header("x-forwarded-for", "192.0.2.3");
        call.send().await
    };
    for _ in 0..5 {
        native().await;
    }
    native().await.is(429, "rate_limited");
    call(&new, "192.0.2.3").await.output();
    world.stop().await;
}
