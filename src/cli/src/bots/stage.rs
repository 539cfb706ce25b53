//! Game hosts: they play the matches of the bots to their ends and report the results.
//!
//! Any bot of a match may ask for it; the first one starts it, the others wait for the same end. A match is read from
//! the server before it is played, so hosting one that has ended, or was begun by an earlier process, does no harm.
use super::{
    api::{Ask, Trouble, call},
    outcome::{self, Fate},
    rng::Rng,
    wire::Client,
    world::World,
};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{sync::watch, time::sleep};

/// How often a host also moves player sessions; always would double the requests and show nothing more.
const SESSIONS_CHANCE: f64 = 0.25;
/// After a failure, before the players may ask again.
const FAILURE_PAUSE: Duration = Duration::from_secs(3);

/// How a match was hosted: whether it has ended for certain. Absent while it is being played.
type Ending = Option<bool>;

/// The matches on stage in this process.
#[derive(Default)]
pub(super) struct Stage(Mutex<BTreeMap<String, watch::Receiver<Ending>>>);

#[derive(Deserialize)]
struct Match {
    mode: String,
    state: String,
    sides: Vec<Side>,
    created_at: i64,
    server_token: Option<String>,
}

#[derive(Deserialize)]
struct Side {
    players: Vec<Seat>,
}

#[derive(Deserialize)]
struct Seat {
    player_id: String,
    session: String,
}

/// What is not looked at.
#[derive(Deserialize)]
struct Whatever {}

/// Waits until a match is over; false if that failed and it may go on.
pub(super) async fn until_over(world: &Arc<World>, match_id: &str) -> bool {
    let mut ending = {
        let mut playing = world.stage.0.lock();
        match playing.get(match_id) {
            Some(ending) => ending.clone(),
            None => {
                let (tell, ending) = watch::channel(None);
                playing.insert(match_id.to_owned(), ending.clone());
                let (task_world, id) = (world.clone(), match_id.to_owned());
                world.tasks.spawn(world.stop.clone().run_until_cancelled_owned(async move {
                    let ended = host(&task_world, &id).await;
                    task_world.stage.0.lock().remove(&id);
                    // Nobody waits any more: then there is nobody to tell.
                    let _ = tell.send(Some(ended));
                }));
                ending
            }
        }
    };
    ending.wait_for(Option::is_some).await.is_ok_and(|ended| *ended == Some(true))
}

async fn host(world: &World, id: &str) -> bool {
    let mut rng = Rng::of(world.seed, &[b"match", id.as_bytes()]);
    let Some(client) = world.hosts.get(rng.below(world.hosts.len())) else { return false };
    match play(world, client, id, &mut rng).await {
        Ok(()) => true,
        Err(trouble) => {
            world.watch.warn("hosting", &format_args!("match `{id}`: {trouble}"));
            sleep(FAILURE_PAUSE).await;
            false
        }
    }
}

/// Plays a match. All chance is that of the match, so a second host of it comes to the same result.
async fn play(world: &World, client: &Client, id: &str, rng: &mut Rng) -> Result<(), Trouble> {
    let key = world.server_key.as_str();
    let mut jitter = rng.clone();
    let ask = Ask::get("match", format!("/v1/matches/{id}")).by(key);
    let found: Match = call(client, &world.watch, &mut jitter, &ask).await?;
    if matches!(found.state.as_str(), "finished" | "abandoned") {
        return Ok(());
    }
    let skill = |seat: &Seat| world.skill(&seat.player_id, &found.mode, found.created_at);
    let skills: Vec<Vec<f64>> =
        found.sides.iter().map(|side| side.players.iter().map(skill).collect()).collect();
    let fate = outcome::decide(&skills, rng);
    tracing::debug!(match_id = id, mode = found.mode, ?fate, "match is played");
    start(world, client, id, &found, rng).await?;
    sleep(fate.played).await;
    let ask = Ask::post("result", format!("/v1/matches/{id}/result"), report(&found, &fate))
        .by(found.server_token.as_deref().unwrap_or(key))
        .once(format!("result-{id}"));
    match call::<Whatever>(client, &world.watch, &mut jitter, &ask).await {
        Ok(_) => {
            world.watch.results.add();
            Ok(())
        }
        // It has its result, or ended without one: over in either case.
        Err(trouble) if trouble.is_overtaken() => Ok(()),
        Err(trouble) => Err(trouble),
    }
}

/// Moves a match that was not started to running, and sometimes its players' sessions to active.
async fn start(
    world: &World,
    client: &Client,
    id: &str,
    found: &Match,
    rng: &mut Rng,
) -> Result<(), Trouble> {
    let mut asks = Vec::new();
    let moves: &[&str] = match found.state.as_str() {
        "created" => &["allocating", "running"],
        "allocating" => &["running"],
        _ => &[],
    };
    for state in moves {
        asks.push(("match_state", format!("/v1/matches/{id}/state"), json!({ "state": state })));
    }
    if rng.chance(SESSIONS_CHANCE) {
        let seats = found.sides.iter().flat_map(|side| &side.players);
        for seat in seats.filter(|seat| seat.session == "reserved") {
            let path = format!("/v1/matches/{id}/player-sessions/{}", seat.player_id);
            asks.push(("player_session", path, json!({ "state": "active" })));
        }
    }
    for (what, path, body) in asks {
        let ask = Ask::post(what, path, body).by(&world.server_key);
        match call::<Whatever>(client, &world.watch, rng, &ask).await {
            // Moved already, by an earlier try that was not answered or by another host.
            Err(trouble) if !trouble.is_overtaken() => return Err(trouble),
            _ => {}
        }
    }
    Ok(())
}

fn report(found: &Match, fate: &Fate) -> Value {
    let mut placements = Vec::new();
    for (at, (side, (place, scores))) in
        found.sides.iter().zip(fate.places.iter().zip(&fate.scores)).enumerate()
    {
        for (seat, (player, score)) in side.players.iter().zip(scores).enumerate() {
            let quit = fate.quitter == Some((at, seat));
            placements
                .push(json!({ "player_id": player.player_id, "place": place, "score": score, "quit": quit }));
        }
    }
    json!({ "placements": placements, "duration_ms": fate.played.as_millis() as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_every_player_with_the_place_of_the_side() {
        let found: Match = serde_json::from_value(json!({
            "match_id": "mtc-1", "mode": "squad", "state": "running", "created_at": 5, "changed_at": 6,
            "sides": [{"players": [{"player_id": "a", "session": "reserved"}, {"player_id": "b", "session": "active"}],
                "expected": 0.5}, {"players": [{"player_id": "c", "session": "reserved"}], "expected": 0.5}],
        }))
        .unwrap();
        let fate = Fate {
            places: vec![2, 1],
            scores: vec![vec![3, 4], vec![11]],
            quitter: Some((0, 1)),
            played: Duration::from_millis(2_500),
        };
        let line =
            |id, place, score, quit| json!({"player_id": id, "place": place, "score": score, "quit": quit});
        let wanted = [line("a", 2, 3, false), line("b", 2, 4, true), line("c", 1, 11, false)];
        assert_eq!(report(&found, &fate), json!({"placements": wanted, "duration_ms": 2_500}));
    }
}
