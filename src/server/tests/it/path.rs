use crate::world::{World, seen, text};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_sign_in_to_rank_and_over_a_restart() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let id = world.duel(&ann, &bob).await;
    let found = world.server().get(&format!("/v1/matches/{id}")).await.ok();
    assert_eq!((&found["state"], &found["mode"]), (&json!("running"), &json!("duel")));
    assert_eq!(found["sides"][0]["expected"], 0.5);

    let result = world.report(&id, &ann, &bob).await;
    assert_eq!(result["places"], json!([1, 2]));
    let rank = |player: &crate::world::Player| {
        let (client, path) = (player.client.clone(), format!("/v1/rankings/duel/players/{}", player.id));
        async move { client.get(&path).await.ok() }
    };
    let (first, second) = (rank(&ann).await, rank(&bob).await);
    assert_eq!((&first["rank"], &second["rank"]), (&json!(1), &json!(2)));
    assert_eq!((&first["players"], &first["percentile"]), (&json!(2), &json!(100.0)));
    let top = ann.client.get("/v1/rankings/duel").await.ok();
    assert_eq!(top["entries"][0]["display_name"], "Ann");
    let me = ann.client.get(&format!("/v1/players/{}", ann.id)).await.ok();
    assert!(me.get("match_id").is_none() && me.get("ticket_id").is_none(), "{me}");

    world.restart().await;
    let again = world.player("Ann").await;
    assert_eq!(again.id, ann.id);
    assert_eq!(rank(&again).await, first);
    let history = again.client.get(&format!("/v1/players/{}/ratings/duel/history", ann.id)).await.ok();
    assert_eq!(history["entries"].as_array().map(Vec::len), Some(1));
    assert_eq!(history["entries"][0]["match_id"], id.as_str());
    let old = again.client.get(&format!("/v1/matches/{id}")).await.ok();
    assert_eq!((&old["state"], &old["result"]), (&json!("finished"), &result));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_ticket_and_a_running_match_survive_a_restart() {
    let mut world = World::new().await;
    let (ann, bob, cat) = (world.player("Ann").await, world.player("Bob").await, world.player("Cat").await);
    let id = world.duel(&ann, &bob).await;
    let ticket = cat.client.post("/v1/tickets", json!({ "queue": "duel", "ticket_id": "mine" })).await.ok();
    world.restart().await;
    let cat = world.player("Cat").await;
    let still = cat.client.get("/v1/tickets/mine").await.ok();
    assert_eq!((&still["ticket_id"], &still["own_id"]), (&ticket["ticket_id"], &json!("mine")));
    assert_eq!(still["state"], "searching");
    world.report(&id, &bob, &ann).await;
    let dan = world.player("Dan").await;
    dan.client.post("/v1/tickets", json!({ "queue": "duel" })).await.ok();
    assert_eq!(cat.matched().await, dan.matched().await);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parties_accept_or_decline_a_proposal() {
    let mut world = World::new().await;
    let mut players = Vec::new();
    for name in ["Ann", "Bob", "Cat", "Dan", "Eve", "Fay"] {
        players.push(world.player(name).await);
    }
    let queue = async |leader: &crate::world::Player, rest: &[crate::world::Player]| {
        let mut members = Vec::new();
        for member in rest {
            let answer =
                member.client.post("/v1/parties/consents", json!({ "leader": leader.id })).await.ok();
            members.push(json!({ "player_id": member.id, "consent": answer["consent"] }));
        }
        leader.client.post("/v1/tickets", json!({ "queue": "squad", "members": members })).await.ok()
    };
    let first = queue(&players[0], &players[1..3]).await;
    queue(&players[3], &players[4..6]).await;
    let ticket = format!("/v1/tickets/{}", text(&first["ticket_id"]));
    let asked = seen(&players[1].client, &ticket, |now| now["state"] == "requires_acceptance").await;
    let proposal = text(&asked["proposal_id"]);
    let responses = format!("/v1/proposals/{proposal}/responses");
    let open = players[0].client.get(&format!("/v1/proposals/{proposal}")).await.ok();
    assert_eq!(open["sides"][0].as_array().map(Vec::len), Some(3));
    for player in &players[..5] {
        let answer = player.client.post(&responses, json!({ "accept": true })).await.ok();
        assert_eq!(answer["outcome"], "waiting");
    }
    let last = players[5].client.post(&responses, json!({ "accept": true })).await.ok();
    assert_eq!(last["outcome"], "complete");
    let id = players[5].matched().await;
    let done = json!({ "sides": [ { "place": 1, "score": 3 }, { "place": 1, "score": 3 } ], "quits": [players[2].id] });
    let result = world.server().post(&format!("/v1/matches/{id}/result"), done).await.ok();
    assert_eq!((&result["places"], &result["quits"]), (&json!([1, 1]), &json!([players[2].id])));

    // The same six again, and now one declines: its party is out, the other waits on.
    let first = queue(&players[0], &players[1..3]).await;
    let second = queue(&players[3], &players[4..6]).await;
    let path = |ticket: &serde_json::Value| format!("/v1/tickets/{}", text(&ticket["ticket_id"]));
    let asked = seen(&players[0].client, &path(&first), |now| now["proposal_id"].is_string()).await;
    let proposal = text(&asked["proposal_id"]);
    players[4]
        .client
        .post(&format!("/v1/proposals/{proposal}/responses"), json!({ "accept": false }))
        .await
        .ok();
    assert_eq!(players[3].client.get(&path(&second)).await.ok()["state"], "cancelled");
    assert_eq!(players[0].client.get(&path(&first)).await.ok()["state"], "searching");
    players[0].client.delete(&path(&first)).await.ok();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_match_made_by_a_server_moves_through_its_states() {
    let mut world = World::new().await;
    let (ann, bob) = (world.player("Ann").await, world.player("Bob").await);
    let server = world.server();
    let made = server.post("/v1/matches", json!({ "queue": "duel", "players": [ann.id, bob.id] })).await.ok();
    let path = format!("/v1/matches/{}", text(&made["match_id"]));
    let listed = server.get("/v1/matches?queue=duel").await.ok();
    assert_eq!(listed["matches"][0]["match_id"], made["match_id"]);
    let session = format!("{path}/player-sessions/{}", ann.id);
    assert_eq!(server.post(&session, json!({ "state": "active" })).await.ok()["state"], "active");
    let host = world.anyone.as_whom(made["server_token"].as_str().unwrap());
    let moved = host.post(&format!("{path}/state"), json!({ "state": "reporting" })).await.ok();
    assert_eq!(moved["state"], "reporting");
    host.post(&format!("{path}/state"), json!({ "state": "running" })).await.is(409, "state_not_allowed");
    let done =
        json!({ "placements": [ { "player_id": ann.id, "place": 1 }, { "player_id": bob.id, "place": 1 } ] });
    let result = host.post(&format!("{path}/result"), done).await.ok();
    assert_eq!(result["changes"][0]["actual"], 0.5);
    host.post(&format!("{path}/state"), json!({ "state": "abandoned" })).await.is(409, "state_not_allowed");
    assert_eq!(server.get("/v1/matches").await.ok()["matches"], json!([]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_make_queues_and_set_ratings() {
    let mut world = World::new().await;
    let admin = world.admin();
    let rules = json!({ "format": { "teams": { "teams": 2, "size": 5 } } });
    let queue = admin.put("/v1/admin/queues/five", json!({ "mode": "five", "rules": rules })).await.ok();
    assert_eq!(queue["rules"]["format"]["teams"]["size"], 5);
    let ann = world.player("Ann").await;
    assert_eq!(ann.client.get("/v1/queues/five").await.ok(), queue);
    let set = json!({ "rating": 1712.5, "deviation": 60.0, "reason": "moved over from the old ladder" });
    let rating = admin.put(&format!("/v1/admin/players/{}/ratings/five", ann.id), set.clone()).await.ok();
    assert_eq!((&rating["rating"], &rating["games_played"]), (&json!(1712.5), &json!(0)));
    let rank = ann.client.get(&format!("/v1/rankings/five/players/{}", ann.id)).await.ok();
    assert_eq!((&rank["rank"], &rank["rating"]), (&json!(1), &json!(1712.5)));
    let made = admin.post("/v1/admin/keys", json!({ "role": "server", "note": "eu-1" })).await.ok();
    let other = world.anyone.as_whom(made["key"].as_str().unwrap());
    other.get("/v1/matches").await.ok();
    admin.delete(&format!("/v1/admin/keys/{}", text(&made["key_id"]))).await.ok();
    other.get("/v1/matches").await.is(401, "invalid_token");
    world.stop().await;
}
