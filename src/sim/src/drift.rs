//! The drift alarm through a whole engine: duels of players whose strengths stay as they are, or turn around at some match.
use crate::{
    random::Random,
    world::{BEGIN, BYTES_MAX},
};
use gsm_core::{Clock as _, Mode, PlayerId, QueueName};
use gsm_engine::{
    Call, Engine, EngineOptions, NewMatch, Principal, QueueConfig,
    store::{
        Homes, StoreLimits,
        memory::{Faults, MemoryStore},
    },
    testing::{ManualClock, SeededIds},
    token::TokenKey,
};
use gsm_matchmaking::MatchRules;
use gsm_session::{Report, SideReport, Standings};
use std::{fmt::Display, sync::Arc};

/// Players of a world.
const PLAYERS: usize = 60;
/// Between two matches.
const PAUSE_MS: i64 = 30_000;
/// Strengths lie within so many logits on either side of the mean.
const STRENGTH_MAX: f64 = 2.0;

/// What became of a world's alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drifted {
    /// Matches that were played, in all.
    pub matches: usize,
    /// The first match after which the alarm was raised, counted from 1.
    pub raised_at: Option<usize>,
}

/// Plays duels until the alarm is raised, at most `matches`. From the match after `turn_at` on the weakest is the strongest.
///
/// # Errors
/// In words, where the engine refuses what it should not.
///
/// # Panics
/// If the machine gives no runtime.
pub fn drift(seed: u64, matches: usize, turn_at: Option<usize>) -> Result<Drifted, String> {
    crate::runtime().block_on(play(seed, matches, turn_at))
}

async fn play(seed: u64, matches: usize, turn_at: Option<usize>) -> Result<Drifted, String> {
    let mut random = Random::new(seed);
    let clock = Arc::new(ManualClock::at(BEGIN));
    let store =
        MemoryStore::new(clock.clone(), StoreLimits { items_max: 4_096, bytes_max: BYTES_MAX }, Faults::NONE);
    let options = EngineOptions { node: "sim".to_owned(), token_key: TokenKey::new([7; 32]) };
    let ids = Arc::new(SeededIds::new(seed));
    let engine = Engine::new(Homes::one(Arc::new(store)), clock.clone(), ids, options);
    engine.load().await.map_err(said)?;
    let mode = Mode::new("duel").map_err(said)?;
    let queue = QueueName::new("duel").map_err(said)?;
    let config = QueueConfig::new(queue.clone(), mode.clone(), MatchRules::default());
    engine.put_queue(&Call::system("gsm:PutQueue", clock.now()), config).await.map_err(said)?;
    let call = |principal| Call {
        action: "gsm:Simulate",
        principal,
        request_id: String::new(),
        once: None,
        now: clock.now(),
        origin: Default::default(),
    };
    let mut players: Vec<(PlayerId, f64)> = Vec::new();
    for n in 0..PLAYERS {
        let made = engine.sign_in(&call(Principal::Anonymous), &format!("player-{n}"), None).await;
        players.push((made.map_err(said)?.player, (2.0 * random.unit() - 1.0) * STRENGTH_MAX));
    }
    for played in 1..=matches {
        if turn_at.is_some_and(|turn| played == turn + 1) {
            players.iter_mut().for_each(|(_, strength)| *strength = -*strength);
        }
        clock.advance_ms(PAUSE_MS);
        let pair = random.some(&players, 2);
        let [(first, strong), (second, weak)] = pair.as_slice() else { return Err("too few players".into()) };
        let first_wins = random.chance(1.0 / (1.0 + (weak - strong).exp()));
        let server = call(Principal::Server("sim".to_owned()));
        let sides = vec![vec![*first], vec![*second]];
        let new = NewMatch { queue: queue.clone(), sides, parties: Vec::new(), home: None, variant: None };
        let made = engine.create_match(&server, &new).await.map_err(said)?;
        let places = if first_wins { [1, 2] } else { [2, 1] };
        let sides = places.map(|place| SideReport { place, score: None }).to_vec();
        let standings = Standings::Sides(sides);
        let report = Report { standings, quits: Vec::new(), duration: None, variant: None, afk: Vec::new() };
        engine.report_result(&server, made.id, None, &report).await.map_err(said)?;
        let glances = engine.model_glances();
        if glances.iter().any(|(of, glance)| *of == mode && glance.is_drifting) {
            return Ok(Drifted { matches: played, raised_at: Some(played) });
        }
    }
    Ok(Drifted { matches, raised_at: None })
}

fn said(error: impl Display) -> String {
    error.to_string()
}
