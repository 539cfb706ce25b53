//! The audit log: what a running server writes, and what it shows of it.
use crate::{
    client::{Answer, Client},
    world::{World, eventually, text},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use gsm_adapters::AuditDir;
use gsm_audit::{
    Checkpoint, Hash, Limits, Log, Record, SigningKey, Verdict, VerifierKey, leaf_hash, proves_consistency,
    proves_inclusion, sha256, verify,
};
use serde_json::{Value, json};
use std::path::Path;

/// The records in the files, in order.
pub(crate) fn records(data: &Path) -> Vec<Value> {
    let mut files: Vec<_> =
        std::fs::read_dir(data.join("audit/segments")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().map(|path| std::fs::read_to_string(path).unwrap());
    texts
        .flat_map(|text| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>())
        .collect()
}

fn keys(data: &Path) -> Vec<VerifierKey> {
    let text = std::fs::read_to_string(data.join("audit/log.vkey")).unwrap();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[track_caller]
fn whole(data: &Path) {
    let found = verify(&AuditDir::new(&data.join("audit")), &keys(data), None);
    assert!(matches!(found, Verdict::Whole(_)), "{found:?}");
}

/// The records of a request.
pub(crate) fn of<'a>(records: &'a [Value], request: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["requestID"] == request).collect()
}

async fn ask(client: &Client, method: &str, path: &str, request: &str, body: Option<Value>) -> Answer {
    let call = client.call(method, path).header("x-request-id", request).header("user-agent", "test/1");
    match body {
        Some(body) => call.json(&body).send().await,
        None => call.send().await,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_something_and_what_is_refused_has_one_record() {
    let mut world = World::with(|settings| settings.audit_segment_records = 256).await;
    let secret = "Ann-secret-0123456789abcdefghijkl";
    let body = json!({ "secret": secret, "display_name": "Annabella" });
    let ann = ask(&world.anyone, "POST", "/v1/auth/guest", "sign-in", Some(body)).await.ok();
    let client = world.anyone.as_whom(&text(&ann["token"]));
    let queue = json!({ "queue": "duel" });
    let ticket = ask(&client, "POST", "/v1/tickets", "create", Some(queue.clone())).await.ok();
    let path = format!("/v1/tickets/{}", text(&ticket["ticket_id"]));
    ask(&client, "POST", "/v1/tickets", "second", Some(queue.clone())).await.is(409, "already_queued");
    assert!(ask(&client, "DELETE", &path, "cancel", None).await.status.is_success());
    ask(&client, "GET", &path, "read", None).await.ok();
    for request in ["once", "again"] {
        let call = client.call("POST", "/v1/tickets").header("x-request-id", request);
        call.header("idempotency-key", "k").json(&queue).send().await.ok();
    }
    ask(&client, "PUT", "/v1/admin/queues/x", "forbidden", Some(json!({}))).await.is(403, "forbidden");
    ask(&world.anyone, "GET", "/v1/admin/keys", "nobody", None).await.is(401, "unauthenticated");
    ask(&world.admin(), "PUT", "/v1/admin/queues/x", "unfit", Some(json!({ "Bob": 1 }))).await;
    ask(&client, "GET", "/v1/matches/mch-1", "absent", None).await;
    for n in 0..20 {
        let reply =
            ask(&client, "POST", "/v1/tickets", &format!("flood-{n}"), Some(json!({ "queue": "none" })))
                .await;
        assert!(reply.status.is_client_error(), "{}", reply.text);
    }
    let called = world.anyone.call("POST", "/").header("x-amz-target", "GameLift.StopMatchmaking");
    let wire =
        called.header("content-type", "application/x-amz-json-1.1").json(&json!({ "TicketId": "Carla" }));
    let wire = wire.send().await.headers["x-amzn-requestid"].to_str().unwrap().to_owned();
    world.stop().await;

    let (data, records) = (world.data(), records(&world.data()));
    whole(&data);
    for (seq, record) in records.iter().enumerate() {
        assert_eq!(record["seq"], seq, "{record}");
    }
    for request in
        ["sign-in", "create", "second", "cancel", "once", "again", "forbidden", "nobody", "unfit", &wire]
    {
        assert_eq!(of(&records, request).len(), 1, "{request}: {:?}", of(&records, request));
    }
    for request in ["read", "absent"] {
        assert_eq!(of(&records, request).len(), 0, "{request}");
    }
    let create = of(&records, "create")[0];
    assert_eq!(create["eventName"], "gsm:CreateTicket");
    assert_eq!(create["userIdentity"], json!({ "type": "Player", "principalId": ann["player_id"] }));
    assert_eq!(create["userAgent"], "test/1");
    assert_eq!(create["requestParameters"], json!({ "queue": "duel" }));
    assert!(text(&create["sourceIPAddress"]).starts_with("hmac-"));
    assert!(create.get("errorCode").is_none() && create["additionalEventData"]["commit"].is_u64());
    assert_eq!(of(&records, "second")[0]["errorCode"], "already_queued");
    assert_eq!(of(&records, "forbidden")[0]["userIdentity"]["principalId"], ann["player_id"]);
    assert_eq!(of(&records, "nobody")[0]["userIdentity"]["type"], "Anonymous");
    assert_eq!(of(&records, "unfit")[0]["requestParameters"], json!({ "queue": "x" }));
    assert!(of(&records, &wire)[0]["errorCode"].is_string());
    // The first of a flood as it came, the rest in one.
    assert_eq!(of(&records, "flood-0").len(), 1);
    let folded: Vec<_> =
        records.iter().filter(|record| record["additionalEventData"]["count"] == 19).collect();
    assert_eq!(folded.len(), 1, "{folded:?}");
    // Nothing that a person wrote, no secret, no address.
    let all = records.iter().map(Value::to_string).collect::<String>();
    for hidden in ["Annabella", secret, "127.0.0.1", "Carla", "Bob"] {
        assert!(!all.contains(hidden), "{hidden}");
    }
    world.restart().await;
    world.stop().await;
    whole(&data);
    assert_eq!(of(&crate::audit::records(&data), "create").len(), 1, "after a restart too");
}

/// What is refused before anybody looks at who calls is told like every refusal, of the proxy's address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_caller_a_proxy_hides_is_refused_and_told() {
    let proxy = |settings: &mut gsm_server::config::Settings| {
        settings.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    };
    let mut world = World::with(proxy).await;
    let hidden =
        |method: &str, path: &str| world.anyone.call(method, path).header("x-forwarded-for", "unknown");
    for (method, path) in [("POST", "/v1/tickets"), ("GET", "/v1/queues")] {
        hidden(method, path).send().await.is(400, "invalid_forwarded_for");
    }
    let wire = hidden("POST", "/").header("x-amz-target", "GameLift.StopMatchmaking").send().await;
    assert_eq!(wire.status.as_u16(), 400, "{}", wire.text);
    let wire = wire.headers["x-amzn-requestid"].to_str().unwrap().to_owned();
    world.stop().await;
    let records = records(&world.data());
    let refused: Vec<_> =
        records.iter().filter(|record| record["errorCode"] == "invalid_forwarded_for").collect();
    assert_eq!(refused.len(), 1, "reads are not told of: {refused:?}");
    assert_eq!(refused[0]["eventName"], "gsm:CreateTicket");
    assert!(text(&refused[0]["sourceIPAddress"]).starts_with("hmac-"));
    assert_eq!(of(&records, &wire)[0]["errorCode"], "InvalidRequestException");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_names_the_policies_that_decided_and_the_reason_that_was_given() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    let admin = world.admin();
    ask(&ann.client, "POST", "/v1/tickets", "player", Some(json!({ "queue": "duel" }))).await.ok();
    ask(&ann.client, "GET", "/v1/admin/keys", "not-for-players", None).await.is(403, "forbidden");
    let made = admin.post("/v1/admin/keys", json!({ "role": "server" })).await.ok();
    let path = format!("/v1/admin/keys/{}", text(&made["key_id"]));
    ask(&admin, "DELETE", &path, "without", None).await.is(403, "reason_required");
    let with = admin.call("DELETE", &path).header("x-request-id", "with");
    with.header("x-gsm-reason", "leaked").send().await.ok();
    let call = admin.call("POST", "/v1/admin/keys").header("x-request-id", "granted");
    let viewer = call.header("x-gsm-reason", "for Vic").json(&json!({ "role": "viewer" })).send().await.ok();
    let viewer = world.anyone.as_whom(&text(&viewer["key"]));
    ask(&viewer, "GET", "/v1/admin/keys", "forbidden", None).await.is(403, "forbidden");
    let queue = json!({ "reason": "x" });
    ask(&viewer, "PUT", "/v1/admin/queues/x", "permitted-by-none", Some(queue)).await.is(403, "forbidden");
    world.stop().await;
    let records = records(&world.data());
    let decided = |request: &str| {
        let found = of(&records, request);
        assert_eq!(found.len(), 1, "{request}: {found:?}");
        let data = &found[0]["additionalEventData"];
        (data["policies"].clone(), data["reason"].clone())
    };
    assert_eq!(decided("player"), (json!(["players"]), Value::Null));
    assert_eq!(decided("not-for-players"), (Value::Null, Value::Null));
    assert_eq!(decided("without"), (json!(["dangerous-actions-need-a-reason"]), Value::Null));
    assert_eq!(decided("with"), (json!(["owners"]), json!("leaked")));
    assert_eq!(decided("granted"), (json!(["owners"]), json!("for Vic")));
    assert_eq!(
        decided("forbidden"),
        (json!(["keys-and-log-are-for-auditors-and-owners-viewer"]), Value::Null)
    );
    assert_eq!(decided("permitted-by-none"), (Value::Null, Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_a_stream_has_a_record() {
    let mut world = World::new().await;
    let ann = world.player("Ann").await;
    // Who polls opens none.
    ann.client.get("/v1/events").await.ok();
    ann.client.get("/v1/events").await.ok();
    let stream = ann.client.call("GET", "/v1/events").header("accept", "text/event-stream").open().await;
    assert_eq!(stream.status(), 200);
    drop(stream);
    let request = world.anyone.call("GET", "/v1/stream").send().await;
    assert_eq!(request.status, 401);
    world.stop().await;
    let records = records(&world.data());
    let opened: Vec<_> = records.iter().filter(|record| record["eventName"] == "gsm:Subscribe").collect();
    assert_eq!(opened.len(), 2, "{opened:?}");
    assert_eq!(opened[1]["errorCode"], "unauthenticated");
    assert_eq!(opened[0]["readOnly"], true);
    assert_eq!(opened[0]["userIdentity"]["principalId"], ann.id.as_str());
}

/// The newest checkpoint once it covers so many records.
async fn checkpoint(world: &World, least: u64) -> (String, Checkpoint) {
    eventually(async || {
        let note = world.anyone.get("/v1/audit/checkpoint").await.text;
        let found = Checkpoint::trusted(note.as_bytes(), &keys(&world.data())).unwrap();
        (found.size >= least).then_some((note, found))
    })
    .await
}

fn hashes(proof: &Value) -> Vec<Hash> {
    let hashes = proof["hashes"].as_array().unwrap().iter();
    hashes.map(|hash| STANDARD.decode(text(hash)).unwrap().try_into().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_can_check_the_log_by_its_proofs_and_an_operator_reads_it() {
    let mut world = World::new().await;
    let (_, old) = checkpoint(&world, 1).await;
    for n in 0..300 {
        world.player(&format!("player-{n}")).await;
    }
    let (_, new) = checkpoint(&world, old.size + 300).await;
    let (anyone, admin) = (&world.anyone, world.admin());
    let (a, b) = (old.size, new.size);
    let proof = anyone.get(&format!("/v1/audit/proofs/consistency?old={a}&size={b}")).await.ok();
    assert!(proves_consistency(a, b, &hashes(&proof), &old.root, &new.root));
    for seq in [0, 255, b - 1] {
        let line = admin.get(&format!("/v1/audit/records?first={seq}&limit=1")).await.text;
        let same = admin.get(&format!("/v1/admin/audit/records?first={seq}&limit=1")).await.text;
        assert_eq!(line, same);
        let proof = anyone.get(&format!("/v1/audit/proofs/inclusion?seq={seq}&size={b}")).await.ok();
        assert!(
            proves_inclusion(&leaf_hash(line.trim_end().as_bytes()), seq, b, &hashes(&proof), &new.root),
            "{seq}"
        );
    }
    // Tiles as the files have them, and unfinished ones.
    for (path, bytes) in [
        ("tile/0/000", 8_192),
        ("tile/0/000.p/7", 7 * 32),
        ("tile/0/001.p/9", 9 * 32),
        ("tile/1/000.p/1", 32),
    ] {
        let answer = anyone.call("GET", &format!("/v1/audit/{path}")).open().await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["content-length"].to_str().unwrap()),
            (200, bytes.to_string().as_str()),
            "{path}"
        );
    }
    for path in [
        "tile/0/009",
        "tile/0/x",
        "tile/9/000",
        "tile/0/001",
        "tile/0/x001/000",
        "tile/0/x001/x002/003",
        "tile/0/000.p/07",
        "tile/00/000",
    ] {
        let none = anyone.get(&format!("/v1/audit/{path}")).await.is(404, "not_found");
        assert_eq!(none["detail"], "the tree has no such tile", "{path}");
    }
    anyone.get(&format!("/v1/audit/proofs/inclusion?seq={b}&size={b}")).await.is(422, "invalid_parameter");
    anyone.get("/v1/audit/proofs/inclusion?seq=0&size=99999").await.is(422, "invalid_parameter");
    anyone.get("/v1/audit/proofs/consistency?old=99999").await.is(422, "invalid_parameter");
    anyone.get("/v1/audit/proofs/consistency?old=x").await.is(422, "invalid_parameter");

    // Page by page, the newest first, each once.
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/v1/admin/audit?event=gsm:SignIn&limit=70{cursor}")).await.ok();
        seen.extend(page["records"].as_array().unwrap().iter().map(|record| record["seq"].as_u64().unwrap()));
        let Some(next) = page["next_cursor"].as_u64() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), 300);
    assert!(seen.is_sorted_by(|a, b| a > b));
    let count = async |query: &str| {
        admin.get(&format!("/v1/admin/audit?limit=1000&{query}")).await.ok()["records"]
            .as_array()
            .unwrap()
            .len()
    };
    let who = admin.get("/v1/admin/audit?event=gsm:SignIn&limit=1").await.ok();
    let request = text(&who["records"][0]["requestID"]);
    assert_eq!(count(&format!("request_id={request}")).await, 1);
    assert_eq!(count("principal=Nobody").await, 0);
    assert_eq!(count("principal=Anonymous&event=gsm:SignIn&refused=false").await, 300);
    assert_eq!(count("refused=true").await, 0);
    let about = text(&who["records"][0]["resources"][0]["ARN"]);
    assert_eq!(count(&format!("resource={about}")).await, 1);
    admin.get("/v1/admin/audit?limit=0").await.is(422, "invalid_parameter");
    admin.get("/v1/admin/audit?limit=1001").await.is(422, "invalid_parameter");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_signs_beside_the_old_one_and_a_repeat_makes_none() {
    let mut world = World::new().await;
    let old = keys(&world.data());
    world.admin().post("/v1/admin/audit/keys", json!({ "reason": " " })).await.is(422, "invalid");
    let rotate = async || {
        let call = world.admin();
        let call = call
            .call("POST", "/v1/admin/audit/keys")
            .header("idempotency-key", "r")
            .json(&json!({ "reason": "yearly" }));
        call.send().await.ok()
    };
    let (first, again) = (rotate().await, rotate().await);
    assert_eq!(first, again);
    assert_eq!(text(&first["previous_vkey"]), old[0].to_string());
    world.stop().await;
    let now = keys(&world.data());
    assert_eq!(now.len(), 2);
    assert_eq!(text(&first["vkey"]), now[0].to_string());
    let files = AuditDir::new(&world.data().join("audit"));
    for key in &now {
        assert!(matches!(verify(&files, std::slice::from_ref(key), None), Verdict::Whole(_)));
    }
    let records = records(&world.data());
    let rotations: Vec<_> = records
        .iter()
        .filter(|record| record["eventName"] == "gsm:RotateAuditKey" && record.get("errorCode").is_none())
        .collect();
    assert_eq!(rotations.len(), 2, "the change, and the repeat that changed nothing");
    assert_eq!(rotations[0]["resources"][0]["ARN"], first["vkey"]);
    assert_eq!(rotations[0]["additionalEventData"]["reason"], "yearly");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_come_at_once_make_no_key_each() {
    let mut world = World::new().await;
    let admin = world.admin();
    let rotate = |key: Option<&'static str>| {
        let call = admin.call("POST", "/v1/admin/audit/keys").json(&json!({ "reason": "yearly" }));
        let call = if let Some(key) = key { call.header("idempotency-key", key) } else { call };
        async move { call.send().await }
    };
    // The same call twice, before either is answered.
    let (one, other) = tokio::join!(rotate(Some("r")), rotate(Some("r")));
    assert_eq!(one.ok(), other.ok());
    // Others of the same time are refused, or came later.
    let answers = futures::future::join_all((0..6).map(|_| rotate(None))).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert!(!made.is_empty());
    let made = made.len();
    refused.into_iter().for_each(|answer| drop(answer.is(409, "audit_key_made")));
    world.stop().await;
    assert_eq!(keys(&world.data()).len(), 2 + made);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_key_of_its_log_a_server_does_not_start() {
    let mut world = World::new().await;
    let file = world.data().join("audit.key");
    let kept = std::fs::read_to_string(&file).unwrap();
    world.stop().await;
    std::fs::remove_file(&file).unwrap();
    let told = world.fails_with(|_| {}).await;
    for part in ["audit.key` is gone", "put it back", "elsewhere as evidence"] {
        assert!(told.contains(part), "`{part}` is not in: {told}");
    }
    assert!(!file.exists(), "nothing is made in its place");
    std::fs::write(&file, kept).unwrap();
    world.restart().await;
    world.stop().await;
    // Without the log another key is made.
    std::fs::remove_file(&file).unwrap();
    std::fs::rename(world.data().join("audit"), world.data().join("evidence")).unwrap();
    world.restart().await;
    world.stop().await;
    assert!(file.exists());
}

/// The key of a server that has stopped, and another of the same log.
fn old_and_new(data: &Path) -> [SigningKey; 2] {
    let old: SigningKey = std::fs::read_to_string(data.join("audit.key")).unwrap().parse().unwrap();
    let new = SigningKey::of(old.verifier().name(), sha256(b"new")).unwrap();
    [old, new]
}

/// To whoever trusts this key alone the log is whole, and names it once.
#[track_caller]
fn named_once(data: &Path, key: &SigningKey) {
    let found = verify(&AuditDir::beside(data), &[key.verifier().clone()], None);
    assert!(matches!(found, Verdict::Whole(_)), "{found:?}");
    let records = records(data);
    let named: Vec<_> = records.iter().filter(|record| record["eventName"] == "gsm:RotateAuditKey").collect();
    assert_eq!(named.len(), 1, "{named:?}");
    assert_eq!(named[0]["userIdentity"]["type"], "System");
    assert_eq!(named[0]["resources"][0]["ARN"], key.verifier().to_string());
}

/// A server was killed between the making of a key and its record, or a backup from before was put back beside it: the log
/// names the key itself, and goes on when the one before is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_no_record_names_is_named_by_the_log() {
    let mut world = World::new().await;
    world.player("Ann").await;
    world.stop().await;
    let (data, [old, new]) = (world.data(), old_and_new(&world.data()));
    let over = format!("{}\n{} until 1", new.secret(), old.secret());
    std::fs::write(data.join("audit.key"), over).unwrap();
    for _ in 0..2 {
        world.restart().await;
        world.player("Bob").await;
        world.stop().await;
        named_once(&data, &new);
    }
    assert_eq!(keys(&data), [new.verifier().clone()]);
}

/// Where that happened to an older release, whose records are all as they were written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_whose_only_key_no_record_names_is_served() {
    let mut world = World::new().await;
    world.player("Ann").await;
    world.stop().await;
    let (data, [old, new]) = (world.data(), old_and_new(&world.data()));
    let older = data.join("audit/checkpoints");
    let older: Vec<_> = std::fs::read_dir(older).unwrap().map(|entry| entry.unwrap().path()).collect();
    let older: Vec<_> = older.into_iter().map(|path| (std::fs::read(&path).unwrap(), path)).collect();
    let again: SigningKey = new.secret().parse().unwrap();
    let mut log = Log::open(AuditDir::beside(&data), vec![old], Limits::default()).unwrap();
    log.sign_with(vec![again]).unwrap();
    log.append(&[Record { event_id: "evt-1", name: "gsm:GuestSignIn", ..Record::default() }]).unwrap();
    drop(log);
    older.iter().for_each(|(note, path)| std::fs::write(path, note).unwrap());
    std::fs::write(data.join("audit.key"), new.secret()).unwrap();
    let found = verify(&AuditDir::beside(&data), &[new.verifier().clone()], None);
    assert!(matches!(&found, Verdict::Damaged(bad) if bad.first_bad.is_none()), "a stranger's: {found:?}");
    for _ in 0..2 {
        world.restart().await;
        world.stop().await;
        named_once(&data, &new);
    }
    // Who wrote a checkpoint that lies is found.
    let (note, path) = &older[0];
    std::fs::write(path, String::from_utf8_lossy(note).replace("\n", "x\n")).unwrap();
    assert!(world.fails().await.contains("damaged"));
}

/// As many keys sign side by side as a note takes, and no more are made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_a_day_is_not_too_many_and_the_log_stays_readable() {
    let mut world = World::new().await;
    let more = json!({ "reason": "daily" });
    for _ in 1..32 {
        world.admin().post("/v1/admin/audit/keys", more.clone()).await.ok();
    }
    world.admin().post("/v1/admin/audit/keys", more).await.is(429, "too_many_audit_keys");
    world.restart().await;
    world.stop().await;
    let now = keys(&world.data());
    assert_eq!(now.len(), 32);
    let files = AuditDir::new(&world.data().join("audit"));
    assert!(matches!(verify(&files, &now[31..], None), Verdict::Whole(_)), "by the oldest");
}

/// A server whose log has several segments, one full.
async fn with_segments() -> World {
    let world = World::with(|settings| settings.audit_segment_records = 256).await;
    for n in 0..300 {
        world.player(&format!("player-{n}")).await;
    }
    checkpoint(&world, 300).await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_damaged_far_from_its_end_is_refused_and_named() {
    let mut world = with_segments().await;
    world.stop().await;
    let segment = world.data().join("audit/segments/00000000000000000000.jsonl");
    let whole = std::fs::read(&segment).unwrap();
    let edited = String::from_utf8(whole.clone()).unwrap().replacen("gsm:SignIn", "gsm:SignUp", 1);
    for text in [Some(edited), None] {
        match text {
            Some(text) => std::fs::write(&segment, text).unwrap(),
            None => std::fs::remove_file(&segment).unwrap(),
        }
        let error = world.fails().await;
        assert!(error.contains("audit log is damaged") && error.contains("000.jsonl"), "{error}");
    }
    std::fs::write(&segment, whole).unwrap();
    world.restart().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_was_edited_is_never_served() {
    let mut world = with_segments().await;
    let segment = world.data().join("audit/segments/00000000000000000000.jsonl");
    let tile = world.data().join("audit/tile/0/000");
    let (whole, hashes) = (std::fs::read(&segment).unwrap(), std::fs::read(&tile).unwrap());
    let admin = world.admin();
    let paths = ["/v1/admin/audit/records?first=0&limit=256", "/v1/admin/audit?limit=1000"];
    for path in paths {
        assert_eq!(admin.get(path).await.status.as_u16(), 200, "{path}");
    }
    let beyond = format!("/v1/admin/audit/records?first={}", u64::MAX);
    assert_eq!(admin.get(&beyond).await.status.as_u16(), 200);
    let edited = String::from_utf8(whole).unwrap().replacen("gsm:SignIn", "gsm:SignUp", 1);
    std::fs::write(&segment, &edited).unwrap();
    for path in paths {
        admin.get(path).await.is(503, "audit_damaged");
    }
    // Nor with the tile made to fit, nor where the file is gone.
    let line = edited.lines().position(|line| line.contains("gsm:SignUp")).unwrap();
    let mut forged = hashes;
    let hash = leaf_hash(edited.lines().nth(line).unwrap().as_bytes());
    forged[line * 32..(line + 1) * 32].copy_from_slice(&hash);
    std::fs::write(&tile, forged).unwrap();
    for path in paths {
        admin.get(path).await.is(503, "audit_damaged");
    }
    std::fs::remove_file(&segment).unwrap();
    admin.get(paths[1]).await.is(503, "audit_damaged");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_log_is_refused_and_named() {
    let mut world = World::new().await;
    world.player("Ann").await;
    world.stop().await;
    let segment = world.data().join("audit/segments/00000000000000000000.jsonl");
    let whole = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &whole[..whole.len() - 9]).unwrap();
    let error = world.fails().await;
    assert!(
        error.contains("audit log is damaged") && error.contains("00000000000000000000.jsonl"),
        "{error}"
    );
    std::fs::write(&segment, whole).unwrap();
    world.restart().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_store_that_is_put_back_is_told_of_and_counts_on() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let id = world.duel(&ann, &bob).await;
    world.report(&id, &ann, &bob).await;
    world.stop().await;
    let (data, backup) = (world.data(), tempfile::tempdir().unwrap());
    let files = ["tables.redb", "journal.redb"];
    for file in files {
        std::fs::copy(data.join(file), backup.path().join(file)).unwrap();
    }
    world.restart().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    for _ in 0..3 {
        let id = world.duel(&ann, &bob).await;
        world.report(&id, &ann, &bob).await;
    }
    world.stop().await;
    for file in files {
        std::fs::copy(backup.path().join(file), data.join(file)).unwrap();
    }
    let mut reported = Vec::new();
    for round in 0..3u64 {
        world.restart().await;
        let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
        let games = |me: serde_json::Value| me["games_played"].as_u64();
        let of = format!("/v1/players/{}/ratings/duel", bob.id);
        assert_eq!(games(bob.client.get(&of).await.ok()), Some(1 + round));
        let id = world.duel(&ann, &bob).await;
        world.report(&id, &bob, &ann).await;
        reported.push(id);
        let body = json!({ "rating": 2_000, "reason": "a test" });
        let path = format!("/v1/admin/players/{}/ratings/duel", bob.id);
        ask(&world.admin(), "PUT", &path, &format!("set-{round}"), Some(body)).await.ok();
    }
    world.stop().await;
    whole(&data);
    let all = records(&data);
    for (round, id) in reported.iter().enumerate() {
        let is_it = |of: &&Value| {
            of["eventName"] == "gsm:ReportResult" && of["resources"].to_string().contains(id.as_str())
        };
        assert_eq!(all.iter().filter(is_it).count(), 1, "{id}");
        assert_eq!(of(&all, &format!("set-{round}")).len(), 1);
    }
    assert_eq!(all.iter().filter(|of| of["eventName"] == "gsm:ReportResult").count(), 4 + 3);
    assert_eq!(all.iter().filter(|of| of["eventName"] == "gsm:ResumeOlderStore").count(), 1);
}
