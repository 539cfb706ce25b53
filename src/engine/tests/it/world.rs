use gsm_core::{Clock, Mode, PlayerId, QueueName, Timestamp};
use gsm_engine::{
    Call, Engine, EngineOptions, Principal, QueueConfig,
    store::{
        Homes, StoreLimits,
        memory::{Faults, MemoryStore},
    },
    testing::{ManualClock, SeededIds},
    token::TokenKey,
};
use gsm_matchmaking::MatchRules;
use std::sync::Arc;

/// An engine over memory stores, and the hands to move its clock.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) stores: Vec<Arc<MemoryStore>>,
}

pub(crate) fn one_home() -> World {
    world(1, 4_096, Faults::NONE)
}

pub(crate) fn three_homes() -> World {
    world(3, 100, Faults::NONE)
}

pub(crate) fn world(homes: usize, items_max: usize, faults: Faults) -> World {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
    let make = |n: u64| {
        let faults = Faults { seed: faults.seed.wrapping_add(n), ..faults };
        Arc::new(MemoryStore::new(clock.clone(), StoreLimits { items_max }, faults))
    };
    let stores: Vec<Arc<MemoryStore>> = (0..homes as u64).map(make).collect();
    let all = match stores.as_slice() {
        [one] => Homes::one(one.clone()),
        [record, document, live] => Homes::split(record.clone(), document.clone(), live.clone()),
        _ => panic!("one home or three"),
    };
    let options = EngineOptions { node: "test".into(), token_key: TokenKey::new([1; 32]) };
    let engine = Engine::new(all, clock.clone(), Arc::new(SeededIds::new(7)), options);
    World { engine, clock, stores }
}

impl World {
    pub(crate) fn call(&self, principal: Principal) -> Call {
        Call { action: "test", principal, request_id: "req".into(), once: None, now: self.clock.now() }
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
        let config = QueueConfig::new(QueueName::new(name).unwrap(), Mode::new(name).unwrap(), rules);
        self.engine.put_queue(&self.admin(), config).await.unwrap()
    }
    pub(crate) async fn players(&self, n: usize) -> Vec<PlayerId> {
        let mut players = Vec::new();
        for i in 0..n {
            let call = self.call(Principal::Anonymous);
            players.push(
                self.engine
                    .sign_in(&call, &format!("secret-{i}-0123456789abcdef"), None)
                    .await
                    .unwrap()
                    .player,
            );
        }
        players
    }
}
