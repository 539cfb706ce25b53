//! Keys in files that are rotated while the server runs.
use crate::{
    audit::records,
    gamelift::signatures::{Key, signed},
    world::{Player, World, text},
};
use gsm_server::config::Signatures;
use serde_json::{Value, json};
use std::{fs, path::Path};

const TOKEN: &str = "/v1/admin/token-key/rotate";
const MASTER: &str = "/v1/admin/master-key/rotate";

async fn rotate(world: &World, path: &str, more: Value) -> Value {
    let mut body = json!({ "reason": "yearly" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.admin().post(path, body).await.ok()
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

/// A match, its own token, and how a call by that is answered.
struct Hosted {
    path: String,
    token: String,
}

impl Hosted {
    async fn new(world: &World, a: &Player, b: &Player) -> Self {
        let made = json!({ "queue": "duel", "players": [a.id, b.id] });
        let made = world.server().post("/v1/matches", made).await.ok();
        Self { path: format!("/v1/matches/{}", text(&made["match_id"])), token: text(&made["server_token"]) }
    }

    async fn status(&self, world: &World) -> u16 {
        world.anyone.as_whom(&self.token).get(&self.path).await.status.as_u16()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_tokens_is_changed_and_nothing_ends_before_its_time() {
    let mut world = World::new().await;
    let file = world.data().join("token.key");
    let first = lines(&file);
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let old = Hosted::new(&world, &ann, &bob).await;
    let issue = async |world: &World| {
        let asked = world.admin();
        let asked = asked.call("POST", "/v1/admin/keys").header("idempotency-key", "k");
        asked.json(&json!({ "role": "server", "note": "n" })).send().await.ok()
    };
    let issued = issue(&world).await;
    world.admin().post(TOKEN, json!({ "reason": " " })).await.is(422, "invalid");
    world.admin().post(TOKEN, json!({ "reason": "r", "overlap_s": 9_999_999 })).await.is(422, "invalid");
    world.admin().post(TOKEN, json!({})).await.is(422, "missing_field");
    assert_eq!(lines(&file), first);
    let answer = rotate(&world, TOKEN, json!({})).await;
    assert_eq!(answer["keys"], 2);
    let now = lines(&file);
    let until = format!("{} until {}", first[0], answer["previous_until"]);
    assert_eq!((now.len(), &now[1..]), (3, &[until, format!("{} bans", first[0])][..]));
    assert_ne!(now[0], first[0]);
    let new = Hosted::new(&world, &ann, &bob).await;
    for restarted in [false, true] {
        if restarted {
            world.restart().await;
        }
        assert_eq!((old.status(&world).await, new.status(&world).await), (200, 200), "{restarted}");
        let (path, token) = (format!("/v1/players/{}", ann.id), ann.client.token.as_ref().unwrap());
        world.anyone.as_whom(token).get(&path).await.ok();
        assert_eq!(issue(&world).await, issued, "a repeat shows the first answer");
        assert_eq!(
            world.admin().get("/v1/admin/signing-keys").await.ok()["keys"].as_array().unwrap().len(),
            2
        );
    }
    // A key that has leaked.
    rotate(&world, TOKEN, json!({ "overlap_s": 0 })).await;
    assert_eq!((old.status(&world).await, new.status(&world).await), (401, 401));
    let newest = Hosted::new(&world, &ann, &bob).await;
    assert_eq!(newest.status(&world).await, 200);
    world.restart().await;
    assert_eq!((new.status(&world).await, newest.status(&world).await), (401, 200));
    world.stop().await;
    // What was sealed under those before is sealed anew: they may go, and sessions stay.
    fs::write(&file, format!("{}\n", lines(&file)[0])).unwrap();
    world.restart().await;
    world.anyone.as_whom(ann.client.token.as_ref().unwrap()).get("/v1/queues").await.ok();
    world.stop().await;
    let records = records(&world.data());
    let done = records.iter().filter(|record| {
        record["eventName"] == "gsm:RotateTokenKey" && record["additionalEventData"]["reason"] == "yearly"
    });
    assert_eq!(done.count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_finishes_what_a_rotation_left() {
    let mut world = World::with(|settings| settings.signatures = Signatures::Verify).await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let (hosted, key) = (Hosted::new(&world, &ann, &bob).await, Key::issued(&world, "server").await);
    let files = ["token.key", "aws-master.key"].map(|name| world.data().join(name));
    let begun: Vec<_> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let session = ann.client.token.clone().unwrap();
    world.stop().await;
    // As a kill leaves it between the files and the commits.
    let fresh: [String; 2] = [0x5aa5_1337_u64, 0xbeef_cafe].map(|seed| {
        let mut bits = seed;
        (0..64)
            .map(|_| {
                bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from_digit((bits >> 60) as u32, 16).unwrap()
            })
            .collect()
    });
    for ((file, old), new) in files.iter().zip(&begun).zip(&fresh) {
        let old = old.trim();
        fs::write(file, format!("{new}\n{old} until 9999999999999\n{old} bans\n")).unwrap();
    }
    world.restart_with(|settings| settings.signatures = Signatures::Verify).await;
    assert_eq!(hosted.status(&world).await, 200);
    let works = async |world: &World| {
        world.anyone.as_whom(&session).get("/v1/queues").await.ok();
        let nothing = json!({ "TicketIds": [] });
        signed(&world.anyone, &key, "GameLift.DescribeMatchmaking", nothing).await.output();
    };
    works(&world).await;
    world.stop().await;
    // All is under the new ones: without the old ones it goes on.
    for (file, new) in files.iter().zip(&fresh) {
        fs::write(file, format!("{new}\n")).unwrap();
    }
    world.restart_with(|settings| settings.signatures = Signatures::Verify).await;
    works(&world).await;
    assert_eq!(hosted.status(&world).await, 401);
    world.stop().await;
    let records = records(&world.data());
    for action in ["gsm:RotateTokenKey", "gsm:RotateMasterKey"] {
        assert_eq!(records.iter().filter(|record| record["eventName"] == action).count(), 1, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_key_is_changed_and_access_keys_stay() {
    let mut world = World::with(|settings| settings.signatures = Signatures::Verify).await;
    let file = world.data().join("aws-master.key");
    let issue = async |world: &World| {
        let asked = world.admin();
        let asked = asked.call("POST", "/v1/aws-keys").header("idempotency-key", "k");
        asked.json(&json!({ "role": "server" })).send().await.ok()
    };
    let (first, issued) = (lines(&file), issue(&world).await);
    let (old, rule) = (Key::issued(&world, "admin").await, "GameLift.CreateMatchmakingRuleSet");
    for name in ["a", "b", "c"] {
        let body = json!({ "ruleLanguageVersion": "1.0", "teams": [{ "name": "t", "minPlayers": 2, "maxPlayers": 2 }] });
        let body = json!({ "Name": name, "RuleSetBody": body.to_string() });
        signed(&world.anyone, &old, rule, body).await.output();
    }
    let page = async |world: &World, next: Option<&Value>| {
        let body = next.map_or(json!({ "Limit": 1 }), |next| json!({ "Limit": 1, "NextToken": next }));
        signed(&world.anyone, &old, "GameLift.DescribeMatchmakingRuleSets", body).await.output()
    };
    let begun = page(&world, None).await;
    rotate(&world, MASTER, json!({})).await;
    assert_eq!(lines(&file).len(), 2, "no line for bans");
    assert_eq!(issue(&world).await, issued, "a repeat shows the first answer");
    let next = page(&world, Some(&begun["NextToken"])).await;
    assert_ne!(next["RuleSets"], begun["RuleSets"]);
    let new = Key::issued(&world, "server").await;
    world.stop().await;
    let now = lines(&file);
    assert!(now[1].starts_with(&first[0]));
    fs::write(&file, format!("{}\n", now[0])).unwrap();
    world.restart_with(|settings| settings.signatures = Signatures::Verify).await;
    for key in [&old, &new] {
        let nothing = json!({ "TicketIds": [] });
        signed(&world.anyone, key, "GameLift.DescribeMatchmaking", nothing).await.output();
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_replaced_changes_nothing_and_there_is_an_end_to_keys() {
    let mut world = World::new().await;
    let file = world.data().join("token.key");
    let first = lines(&file);
    // The name under which the next one would be written.
    let draft = world.data().join("token.key.new");
    fs::create_dir(&draft).unwrap();
    let body = json!({ "reason": "yearly" });
    world.admin().post(TOKEN, body.clone()).await.is(409, "key_file_unwritable");
    assert_eq!(lines(&file), first);
    fs::remove_dir(&draft).unwrap();
    for keys in 2..=16 {
        assert_eq!(rotate(&world, TOKEN, json!({})).await["keys"], keys);
    }
    world.admin().post(TOKEN, body).await.is(429, "too_many_old_keys");
    world.stop().await;
}
