use gsm_core::{Clock, CommitKey, Millis, Mode, PlayerId, QueueName, TicketId, Timestamp};
use gsm_engine::{
    Call, Engine, EngineError, EngineOptions, Fingerprint, NewTicket, Principal, QueueConfig, TicketView,
    store::{
        ChangeSet, Expect, Homes, Op, Replay, Row, Store, StoreLimits,
        memory::{Faults, MemoryStore},
    },
    testing::{ManualClock, SeededIds},
    token::TokenKey,
};
use gsm_matchmaking::{Format, MatchRules, Window};
use gsm_session::{PlayerReport, Report, SideReport, Standings};
use std::sync::Arc;

/// An engine over memory stores, and the hands to move its clock.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) stores: Vec<Arc<MemoryStore>>,
    ids: Arc<SeededIds>,
}

pub(crate) fn one_home() -> World {
    world(1, 4_096, Faults::NONE)
}

pub(crate) fn three_homes() -> World {
    world(3, 100, Faults::NONE)
}

/// Tests that hold over one home and over three.
macro_rules! both {
    ($($name:ident),* $(,)?) => {
        $(mod $name {
            #[tokio::test]
            async fn in_one_home() {
                super::$name(crate::world::one_home()).await;
            }
            #[tokio::test]
            async fn in_three_homes() {
                super::$name(crate::world::three_homes()).await;
            }
        })*
    };
}
pub(crate) use both;

fn homes_of(stores: &[Arc<MemoryStore>]) -> Homes {
    match stores {
        [one] => Homes::one(one.clone()),
        [record, document, live] => Homes::split(record.clone(), document.clone(), live.clone()),
        _ => panic!("one home or three"),
    }
}

pub(crate) fn world(homes: usize, items_max: usize, faults: Faults) -> World {
    world_of(homes, StoreLimits { items_max, bytes_max: 16 << 20 }, faults)
}

/// One home whose change sets have so many bytes.
pub(crate) fn small_home(bytes_max: usize) -> World {
    world_of(1, StoreLimits { items_max: 4_096, bytes_max }, Faults::NONE)
}

fn world_of(homes: usize, limits: StoreLimits, faults: Faults) -> World {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
    let make = |n: u64| {
        let faults = Faults { seed: faults.seed.wrapping_add(n), ..faults };
        Arc::new(MemoryStore::new(clock.clone(), limits, faults))
    };
    let stores: Vec<Arc<MemoryStore>> = (0..homes as u64).map(make).collect();
    let ids = Arc::new(SeededIds::new(7));
    let options = EngineOptions { node: "test".into(), token_key: TokenKey::new([1; 32]) };
    let engine = Engine::new(homes_of(&stores), clock.clone(), ids.clone(), options);
    World { engine, clock, stores, ids }
}

impl World {
    /// Another node over the same stores, loaded.
    pub(crate) async fn node(&self, name: &str) -> Engine {
        let options = EngineOptions { node: name.into(), token_key: TokenKey::new([1; 32]) };
        let engine = Engine::new(homes_of(&self.stores), self.clock.clone(), self.ids.clone(), options);
        engine.load().await.unwrap();
        engine
    }

    /// Another node over the same stores that has loaded nothing yet.
    pub(crate) fn newborn(&self, name: &str) -> Engine {
        self.node_over(name, homes_of(&self.stores))
    }

    /// Another node over other stores, not loaded.
    pub(crate) fn node_over(&self, name: &str, homes: Homes) -> Engine {
        let options = EngineOptions { node: name.into(), token_key: TokenKey::new([1; 32]) };
        Engine::new(homes, self.clock.clone(), self.ids.clone(), options)
    }

    pub(crate) fn call(&self, principal: Principal) -> Call {
        Call {
            action: "test",
            principal,
            request_id: "req".into(),
            once: None,
            now: self.clock.now(),
            origin: Default::default(),
        }
    }
    pub(crate) fn admin(&self) -> Call {
        self.call(Principal::Admin("ops".into()))
    }
    pub(crate) fn server(&self) -> Call {
        self.call(Principal::Server("gs-1".into()))
    }
    pub(crate) fn by(&self, player: PlayerId) -> Call {
        self.call(Principal::Player(player))
    }

    pub(crate) async fn queue(&self, name: &str, rules: MatchRules) -> QueueConfig {
        self.put(QueueConfig::new(QueueName::new(name).unwrap(), mode(name), rules)).await
    }
    pub(crate) async fn put(&self, config: QueueConfig) -> QueueConfig {
        let config = self.engine.put_queue(&self.admin(), config).await.unwrap();
        self.settle();
        config
    }
    /// Two teams of `size`, everybody meets everybody, with or without acceptance.
    pub(crate) async fn teams(&self, name: &str, size: usize, acceptance_s: Option<u64>) -> QueueConfig {
        let mut config = QueueConfig::new(QueueName::new(name).unwrap(), mode(name), wide(size));
        config.acceptance_ms = acceptance_s.map(gsm_core::Millis::from_secs);
        self.put(config).await
    }

    pub(crate) async fn players(&self, n: usize) -> Vec<PlayerId> {
        let mut players = Vec::new();
        for i in 0..n {
            let call = self.call(Principal::Anonymous);
            let secret = format!("secret-{i}-0123456789abcdef");
            players.push(self.engine.sign_in(&call, &secret, None).await.unwrap().player);
        }
        players
    }

    /// Empties every answer that is kept for a repeat, as those were that earlier versions kept of changes.
    pub(crate) async fn unanswered(&self) {
        for store in &self.stores {
            for (key, row) in store.rows() {
                if let Row::Replay(replay) = &*row {
                    let row = Row::Replay(Replay { answer: "null".to_owned(), ..replay.clone() });
                    let mut changes = ChangeSet::new(CommitKey::fresh(&*self.ids), self.clock.now());
                    let until = self.clock.now().saturating_add(Millis::from_secs(3_600));
                    let op = Op::Put { row: Arc::new(row), expires_at: Some(until) };
                    changes.write(key, Expect::Any, op);
                    store.commit(changes).await.unwrap();
                }
            }
        }
        self.settle();
    }

    /// Delivers what stores hold back.
    pub(crate) fn settle(&self) {
        self.stores.iter().for_each(|s| s.settle());
    }

    pub(crate) async fn enter(&self, queue: &str, player: PlayerId) -> TicketView {
        self.engine.create_ticket(&self.by(player), &ticket(queue, player)).await.unwrap()
    }
    /// Enters all and lets the matcher have a turn; their tickets.
    pub(crate) async fn enter_all(&self, queue: &str, players: &[PlayerId]) -> Vec<TicketId> {
        let mut tickets = Vec::new();
        for player in players {
            tickets.push(self.enter(queue, *player).await.id);
        }
        self.turn().await;
        tickets
    }
    pub(crate) async fn turn(&self) -> gsm_engine::TickReport {
        self.settle();
        let report = self.engine.tick().await;
        self.settle();
        report
    }
    pub(crate) async fn seen(&self, ticket: TicketId) -> gsm_engine::store::TicketRow {
        self.engine.ticket(&self.admin(), ticket).await.unwrap().row
    }
    pub(crate) async fn claim(&self, player: PlayerId) -> Option<gsm_engine::store::Claim> {
        self.engine.player(&self.admin(), player).await.unwrap().claim
    }
}

pub(crate) fn mode(name: &str) -> Mode {
    Mode::new(name).unwrap()
}

/// Everybody meets everybody, in two teams of `size`.
pub(crate) fn wide(size: usize) -> MatchRules {
    MatchRules {
        format: Format::Teams { teams: 2, size },
        window: Window { min: 5_000.0, growth_per_s: 0.0, max: 5_000.0 },
    }
}

pub(crate) fn ticket(queue: &str, leader: PlayerId) -> NewTicket {
    NewTicket::new(QueueName::new(queue).unwrap(), leader)
}

/// The call with an idempotency key and the body it came with.
pub(crate) fn keyed(mut call: Call, key: &str, body: &str) -> Call {
    call.once = Some(Fingerprint::new(&call.principal, call.action, key, &[body.as_bytes()]));
    call
}

/// The first wins, the next is second, and so on.
pub(crate) fn first_wins(players: &[PlayerId]) -> Report {
    let line = |(at, player): (usize, &PlayerId)| PlayerReport {
        player: *player,
        place: at as u32 + 1,
        score: None,
        quit: false,
        share: None,
    };
    let standings = Standings::Players(players.iter().enumerate().map(line).collect());
    Report { standings, quits: vec![], duration: None, variant: None, afk: vec![] }
}

/// Places of the sides.
pub(crate) fn places(places: &[u32], quits: &[PlayerId]) -> Report {
    let sides = places.iter().map(|place| SideReport { place: *place, score: None }).collect();
    Report {
        standings: Standings::Sides(sides),
        quits: quits.to_vec(),
        duration: None,
        variant: None,
        afk: vec![],
    }
}

/// Fails unless the error has this code.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, EngineError>, code: &str) {
    match answer {
        Err(error) => assert_eq!(error.code(), code, "{error}"),
        Ok(answer) => panic!("must be refused as `{code}`, was taken: {answer:?}"),
    }
}
