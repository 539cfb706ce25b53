//! One world: stores, nodes, clocks, weather.
use crate::{
    Shape,
    clock::SkewedClock,
    deed::{Deed, Told},
    draw::Mishap,
    elsewhere::Elsewhere,
    ledger::{Ledger, Witness},
    plant::{Plant, Planted},
    random::Random,
    tap::Tap,
    truth::{Eye, Truth},
};
use gsm_core::{
    BoardName, Clock, Millis, Mode, PlayerId, QueueName, RuleSetName, Timestamp, Variant,
    limits::BROUGHT_KEPT_BYTES_MAX,
};
use gsm_engine::{
    BoardConfig, Column, Direction, Eligibility, Engine, EngineOptions, Grouping, LeagueConfig, Operator,
    Penalties, QueueConfig, Reports, ScheduleConfig, Silence, Source, Ties, Value,
    store::{
        Home, Homes, Store, StoreLimits,
        memory::{Faults, MemoryStore},
    },
    testing::{ManualClock, SeededIds},
    token::TokenKey,
};
use gsm_matchmaking::{Format, MatchRules, Window};
use gsm_ranking::tier::{PointsRange, StartConfig, Tier, TierConfig};
use gsm_rating::{
    KalmanSettings, System,
    options::{Newcomer, Options, Party, RepeatedPair, Smurf},
};
use gsm_session::Ladder;
use parking_lot::Mutex;
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::Poll,
};

/// Largest error of a node's clock.
pub(crate) const SKEW_MS_MAX: i64 = 1_400;
/// When every world begins.
pub(crate) const BEGIN: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// What a home that has no small limit takes.
const ITEMS_MAX: usize = 4_096;
/// Bytes that a store takes at once: what the embedded one has room for in a match of two hundred, for the eight of ours.
pub(crate) const BYTES_MAX: usize = 8 * (BROUGHT_KEPT_BYTES_MAX + (16 << 10));
/// A turn in which nobody can go on.
const IDLE: std::time::Duration = std::time::Duration::from_millis(10);
/// Tries to load a node from ill stores; then the weather clears for it.
const LOAD_TRIES: usize = 20;

/// One engine.
pub(crate) struct Node {
    pub(crate) engine: Engine,
    pub(crate) skew_ms: i64,
    alive: Arc<AtomicBool>,
    /// How often this node has come to life.
    pub(crate) lives: u32,
}

pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) eye: Eye,
    pub(crate) faults: Faults,
    is_one: bool,
    items_max: usize,
    fronts: Vec<Arc<dyn Store>>,
    ids: Arc<SeededIds>,
    yields_max: Arc<AtomicU32>,
    /// In half of the worlds a model elsewhere is asked about formed matches; the chances that it takes.
    elsewhere: Option<Random>,
}

/// The queues of a world; `narrow` makes the teams of `duo` smaller than the parties that may wait there, and its
/// rating options others. The system of `duo` knows variants; `duel` alone names none for its matches.
pub(crate) fn queue(name: &str, narrow: bool) -> Option<QueueConfig> {
    let (format, acceptance) = match name {
        "duel" => (Format::default(), None),
        "duo" => (Format::Teams { teams: 2, size: if narrow { 1 } else { 2 } }, Some(Millis::from_secs(8))),
        _ => (
            Format::FreeForAll { min: 3, max: 8, fill_after_ms: Millis::from_secs(4) },
            Some(Millis::from_secs(8)),
        ),
    };
    let window = Window { min: 400.0, growth_per_s: 50.0, max: 3_000.0 };
    let mut config =
        QueueConfig::new(QueueName::new(name).ok()?, Mode::new(name).ok()?, MatchRules { format, window });
    if name == "duo" {
        config.rating = System::Kalman(KalmanSettings::default());
    }
    if name != "duel" {
        config.variant = Variant::new("arena").ok();
    }
    config.rating_options = match name {
        "duel" => Options::default(),
        "duo" if narrow => Options { party: Some(Party { points_per_mate: 25.0 }), ..Options::default() },
        "duo" => Options {
            party: Some(Party { points_per_mate: 40.0 }),
            newcomer: Some(Newcomer { games: 3, opponents_weight: 0.4 }),
            repeated_pair: Some(RepeatedPair { remembered: 5, factor: 0.6, floor: 0.2 }),
            smurf: Some(Smurf { games_max: 20, threshold: 0.5, boost_max: 3.0 }),
        },
        _ => Options {
            repeated_pair: Some(RepeatedPair { remembered: 12, ..RepeatedPair::default() }),
            smurf: Some(Smurf { threshold: 0.7, ..Smurf::default() }),
            ..Options::default()
        },
    };
    config.penalties = penalties(name);
    config.reports = reports(name);
    config.acceptance_ms = acceptance;
    config.ticket_timeout_ms = Millis::from_secs(60);
    config.match_timeout_ms = Millis::from_secs(240);
    Some(config)
}

/// Players of `duel` report too, and servers as ever.
pub(crate) fn reports(queue: &str) -> Option<Reports> {
    let deadline_ms = Millis::from_secs(20);
    (queue == "duel").then_some(Reports { agree: AGREE, deadline_ms, silence: Silence::Void })
}

/// How many of them must say the same.
pub(crate) const AGREE: u32 = 2;

/// What a queue says of who spoils its matches; its scope is its mode, which has its name. `brawl` says nothing.
pub(crate) fn penalties(queue: &str) -> Option<Penalties> {
    let ladder = |locks_s: &[u64]| {
        let locks_ms = locks_s.iter().map(|s| Millis::from_secs(*s)).collect();
        Some(Ladder { locks_ms, forget_after_ms: Millis::from_secs(3_600) })
    };
    let rules =
        Penalties { scope: None, dodge: ladder(&[0, 4, 15]), leave: ladder(&[6, 20]), afk: ladder(&[3]) };
    (queue != "brawl").then_some(rules)
}

/// The rule set of a world, for matches of so many players.
pub(crate) fn rule_set(players: usize) -> (Option<RuleSetName>, String) {
    let team = format!(r#"{{"name": "one", "minPlayers": 1, "maxPlayers": 1, "quantity": {players}}}"#);
    let body = format!(r#"{{"ruleLanguageVersion": "1.0", "teams": [{team}]}}"#);
    (RuleSetName::new("crowd").ok(), body)
}

/// A queue that goes by a version of the rule set; by the newest where none is named.
pub(crate) fn ruled(name: &str, version: Option<u32>) -> Option<QueueConfig> {
    let rule_set = Some(rule_set(0).0?);
    Some(QueueConfig { rule_set, rule_set_version: version, ..queue(name, false)? })
}

/// A board of `duel` that begins anew with every season, and one of the best that was reached.
pub(crate) const SPRINT: &str = "sprint";
pub(crate) const BEST: &str = "best";
/// And one on which everybody plays in a cohort of three.
pub(crate) const LEAGUE: &str = "league";
/// How long a season is, and where the first begins.
pub(crate) const SEASON_MS: i64 = 900_000;
/// Those of the league are shorter, so that a world sees some, and the last of them has no end.
pub(crate) const LEAGUE_SEASON_MS: i64 = 120_000;
pub(crate) const LEAGUE_SEASONS: i64 = 300;
pub(crate) const SEASONS_FROM_MS: i64 = 1_699_999_200_000;

/// The league of a world, and its name.
pub(crate) fn league() -> Option<(BoardName, LeagueConfig)> {
    let config = LeagueConfig { levels: 3, size: 3, promote: 1, relegate: 1, games_min: 0, start: 2 };
    BoardName::new(LEAGUE).ok().map(|name| (name, config))
}

/// The boards of a world.
pub(crate) fn boards() -> Vec<BoardConfig> {
    let column = |value, operator| Column { value, direction: Direction::Descending, operator };
    let best = column(Value::Rating, Operator::Best);
    let (Ok(mode), Ok(sprint), Ok(of_best)) =
        (Mode::new("duel"), BoardName::new(SPRINT), BoardName::new(BEST))
    else {
        return Vec::new();
    };
    let board = |name, columns, season| BoardConfig {
        name,
        source: Source::Mode(mode.clone()),
        columns,
        ties: Ties::default(),
        by: Vec::new(),
        eligibility: Eligibility::default(),
        season,
        tiers: None,
        grouping: None,
        past: false,
    };
    let quarters = ScheduleConfig::Cron {
        expression: "*/15 * * * *".into(),
        zone: "UTC".into(),
        from: "2023-11-14T22:00:00Z".into(),
    };
    let at = |season: i64| {
        let minute = 22 * 60 + season * LEAGUE_SEASON_MS / 60_000;
        format!("2023-11-{}T{:02}:{:02}:00Z", 14 + minute / 1_440, minute / 60 % 24, minute % 60)
    };
    let of_league = ScheduleConfig::At { starts_at: (0..LEAGUE_SEASONS).map(at).collect() };
    let columns = vec![column(Value::Wins, Operator::Last), best, column(Value::Games, Operator::Last)];
    let sprint = BoardConfig { tiers: tiers(), ..board(sprint, columns, Some(quarters)) };
    let mut boards = vec![sprint, board(of_best, vec![best], None)];
    if let Some((name, config)) = league() {
        let columns = vec![column(Value::Wins, Operator::Last), column(Value::Games, Operator::Last)];
        let grouping = Some(Grouping::League(config));
        boards.push(BoardConfig { grouping, ..board(name, columns, Some(of_league)) });
    }
    boards
}

/// A board that scores are submitted to, of which the best counts.
pub(crate) const LAPS: &str = "laps";

/// That board.
pub(crate) fn scores() -> Option<BoardConfig> {
    let columns =
        vec![Column { value: Value::Submitted, direction: Direction::Descending, operator: Operator::Best }];
    let name = BoardName::new(LAPS).ok()?;
    let of_mode = boards().into_iter().find(|board| board.name.as_str() == BEST)?;
    Some(BoardConfig { name, source: Source::Submissions, columns, ..of_mode })
}

/// Tiers by shares of the players: the best tenth is gold.
pub(crate) fn tiers() -> Option<TierConfig> {
    let points = PointsRange { base: 20, least: 10, most: 40 };
    let tier = |name: &str, divisions, floor| Tier { name: name.into(), divisions, floor };
    Some(TierConfig {
        placement_games: 1,
        tiers: vec![tier("bronze", 2, false), tier("silver", 1, true), tier("gold", 1, false)],
        points_per_division: 100,
        win: points,
        loss: points,
        pull_permille: 100,
        swing_permille: 50,
        surplus_carries_over: false,
        demotion_shield_games: 1,
        decay: None,
        start: StartConfig::PlayersBelowPermille(vec![300, 600, 900]),
    })
}

/// Names of the queues.
pub(crate) const QUEUES: [&str; 3] = ["duel", "duo", "brawl"];

impl World {
    pub(crate) fn new(seed: u64, shape: Shape, plant: Option<Plant>) -> Self {
        let mut random = Random::new(seed);
        let clock = Arc::new(ManualClock::at(BEGIN));
        let is_one = shape == Shape::OneHome;
        let items_max = match shape {
            Shape::OneHome => ITEMS_MAX,
            // A result that its players report as well, and that blames two of them, takes twelve: the least that a store must
            // hold here.
            _ if random.chance(0.6) => 12,
            _ => 100,
        };
        // Only the record home is a store of small transactions (decisions.md 6); the others are not.
        let limits: &[(Home, usize)] = if is_one {
            &[(Home::Record, ITEMS_MAX)]
        } else {
            &[(Home::Record, items_max), (Home::Document, 100), (Home::Live, ITEMS_MAX)]
        };
        let ledger = Arc::new(Ledger::default());
        let mut stores = Vec::new();
        let mut fronts: Vec<Arc<dyn Store>> = Vec::new();
        for (home, items_max) in limits {
            let faults = Faults { seed: random.next(), ..Faults::NONE };
            let limits = StoreLimits { items_max: *items_max, bytes_max: BYTES_MAX };
            let store = Arc::new(MemoryStore::new(clock.clone(), limits, faults));
            store.subscribe(Arc::new(Witness { ledger: ledger.clone(), store: *home }));
            fronts.push(match plant {
                Some(plant) => {
                    let random = Mutex::new(Random::new(random.next()));
                    Arc::new(Planted { below: store.clone(), plant, random })
                }
                None => store.clone(),
            });
            stores.push(store);
        }
        let ids = Arc::new(SeededIds::new(random.next()));
        let nodes = match shape {
            Shape::OneHome => 1,
            Shape::ThreeHomes => 1 + random.below(2),
            Shape::ManyNodes => 2 + random.below(2),
        };
        let mut world = Self {
            random,
            clock,
            nodes: Vec::new(),
            ledger,
            eye: Eye(stores),
            faults: Faults::NONE,
            is_one,
            items_max,
            fronts,
            ids,
            yields_max: Arc::default(),
            // Its chances are its own: worlds without it stay what they were.
            elsewhere: Some(Random::new(!seed)).filter(|random| random.clone().chance(0.5)),
        };
        for at in 0..nodes {
            let skew_ms = if nodes == 1 { 0 } else { world.random.within(-SKEW_MS_MAX, SKEW_MS_MAX) };
            let node = world.birth(at, skew_ms, 0);
            world.nodes.push(node);
        }
        world
    }

    pub(crate) fn is_one(&self) -> bool {
        self.is_one
    }
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
    pub(crate) fn names(&self) -> Vec<String> {
        (0..self.nodes.len()).map(name).collect()
    }

    fn birth(&mut self, at: usize, skew_ms: i64, lives: u32) -> Node {
        let alive = Arc::new(AtomicBool::new(true));
        let taps: Vec<Arc<dyn Store>> = self
            .fronts
            .iter()
            .zip(&self.eye.0)
            .map(|(below, store)| -> Arc<dyn Store> {
                Arc::new(Tap {
                    node: at,
                    below: below.clone(),
                    limits: store.limits(),
                    alive: alive.clone(),
                    ledger: self.ledger.clone(),
                    random: Mutex::new(Random::new(self.random.next())),
                    yields_max: self.yields_max.clone(),
                })
            })
            .collect();
        let homes = match taps.as_slice() {
            [record, document, live] => Homes::split(record.clone(), document.clone(), live.clone()),
            taps => Homes::one(taps[0].clone()),
        };
        let clock = Arc::new(SkewedClock { world: self.clock.clone(), skew_ms });
        let options = EngineOptions { node: name(at), token_key: TokenKey::new([7; 32]) };
        let engine = Engine::new(homes, clock, self.ids.clone(), options);
        if let Some(random) = &mut self.elsewhere {
            let random = Mutex::new(Random::new(random.next()));
            engine.ask_elsewhere(Arc::new(Elsewhere { random, yields_max: self.yields_max.clone() }));
        }
        Node { engine, skew_ms, alive, lives: lives + 1 }
    }

    /// Changes how ill the stores are. Embedded, a store has no stale reads and no late folds.
    pub(crate) fn set_weather(&mut self, mut faults: Faults) {
        if self.is_one {
            faults.stale = 0.0;
            faults.late_folds = 0.0;
        }
        self.faults = faults;
        self.yields_max.store(faults.yields_max, Ordering::Relaxed);
        for store in &self.eye.0 {
            store.set_faults(faults);
        }
    }

    pub(crate) fn is_healthy(&self) -> bool {
        Faults { yields_max: 0, seed: Faults::NONE.seed, ..self.faults } == Faults::NONE
    }

    /// A weather drawn from the seed.
    pub(crate) fn draw_weather(&mut self) -> Faults {
        if self.random.chance(0.35) {
            return Faults { yields_max: self.random.below(4) as u32, ..Faults::NONE };
        }
        let random = &mut self.random;
        let mut up_to = |most: f64| if random.chance(0.5) { random.unit() * most } else { 0.0 };
        Faults {
            seed: Faults::NONE.seed,
            refused: up_to(0.08),
            lost_before: up_to(0.3),
            lost_after: up_to(0.4),
            read_fails: up_to(0.06),
            stale: up_to(0.2),
            late_folds: up_to(0.4),
            yields_max: self.random.below(5) as u32,
        }
    }

    /// The rows as they are.
    pub(crate) fn truth(&self, players: &[PlayerId]) -> Truth {
        self.eye.0.iter().for_each(|store| store.set_faults(Faults::NONE));
        let truth = self.eye.look(players);
        self.eye.0.iter().for_each(|store| store.set_faults(self.faults));
        truth
    }

    /// Runs `look` with healthy stores.
    pub(crate) fn healthy<T>(&self, look: impl FnOnce(&Self) -> T) -> T {
        self.eye.0.iter().for_each(|store| store.set_faults(Faults::NONE));
        let seen = look(self);
        self.eye.0.iter().for_each(|store| store.set_faults(self.faults));
        seen
    }

    /// Delivers all folds that were held back.
    pub(crate) fn settle(&self) {
        self.eye.0.iter().for_each(|store| store.settle());
    }

    /// Kills a node and lets another take its place and name.
    pub(crate) async fn reborn(&mut self, at: usize) -> Result<(), String> {
        let Some(old) = self.nodes.get(at) else { return Ok(()) };
        let (skew_ms, lives) = (old.skew_ms, old.lives);
        for _ in 0..LOAD_TRIES {
            self.nodes[at].alive.store(false, Ordering::Relaxed);
            self.nodes[at] = self.birth(at, skew_ms, lives);
            if self.nodes[at].engine.load().await.is_ok() {
                return Ok(());
            }
        }
        let weather = self.faults;
        self.set_weather(Faults::NONE);
        let loaded = self.nodes[at].engine.load().await;
        self.set_weather(weather);
        loaded.map(drop).map_err(|error| format!("node {at} cannot load from healthy stores: {error}"))
    }

    /// Runs calls on their nodes at the same time, one turn each in order. The callers of a node that dies meanwhile
    /// hear nothing.
    pub(crate) async fn run(&self, deeds: &[(usize, Deed)], mishap: Mishap) -> Vec<Told> {
        type Running<'a> = Pin<Box<dyn Future<Output = Told> + 'a>>;
        let mut running: Vec<Option<Running<'_>>> = deeds
            .iter()
            .map(|(at, deed)| {
                Some(Box::pin(deed.perform(&self.nodes[*at].engine, self.ledger.request())) as Running<'_>)
            })
            .collect();
        let mut told: Vec<Option<Told>> = deeds.iter().map(|_| None).collect();
        let mut turns = 0;
        let mut idle = Box::pin(tokio::time::sleep(IDLE));
        poll_fn(|context| {
            turns += 1;
            if let Some((turn, ms)) = mishap.lapse
                && turn == turns
            {
                self.clock.advance_ms(ms);
            }
            let others_run = mishap.pause.is_some_and(|pause| {
                (0..deeds.len()).any(|at| deeds[at].0 != pause.node && running[at].is_some())
            });
            for (at, slot) in running.iter_mut().enumerate() {
                let waits = mishap.pause.is_some_and(|pause| {
                    let is_stopped =
                        turns > pause.alone && turns - pause.alone <= pause.stopped && others_run;
                    if deeds[at].0 == pause.node { is_stopped } else { turns <= pause.alone }
                });
                if waits {
                    // Nothing else would wake it; and if the others wait for the time to pass, it must.
                    while idle.as_mut().poll(context).is_ready() {
                        idle.as_mut().reset(tokio::time::Instant::now() + IDLE);
                    }
                    continue;
                }
                if mishap.crash.is_some_and(|(node, from)| deeds[at].0 == node && turns > from) {
                    *slot = None;
                }
                if let Some(future) = slot
                    && let Poll::Ready(answer) = future.as_mut().poll(context)
                {
                    told[at] = Some(answer);
                    *slot = None;
                }
            }
            if running.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        told.into_iter().map(|answer| answer.unwrap_or(Told::Nothing)).collect()
    }

    /// For the first line of a trace.
    pub(crate) fn describe(&self) -> String {
        let skews: Vec<i64> = self.nodes.iter().map(|node| node.skew_ms).collect();
        let homes = self.eye.0.len();
        format!("{homes} home(s), {} writes a result at most, clocks off by {skews:?} ms", self.items_max)
    }
}

fn name(at: usize) -> String {
    format!("node-{at}")
}
