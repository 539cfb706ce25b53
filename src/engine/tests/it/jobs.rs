//! Jobs that die in the middle: whoever comes next throws them away or finishes them, nothing in between stays.
use crate::{
    defined::of_mode,
    verdicts::{Event, Seen, begin, happen, rebuilt, seen, some_event, twin},
    world::{World, mode, places, refused, wide, world},
};
use async_trait::async_trait;
use futures::future::Either;
use gsm_core::{CommitKey, MatchId, Millis, PlayerId, QueueName};
use gsm_engine::{
    BoardConfig, Column, Engine, Operator, QueueConfig, Reports, Silence,
    store::{
        ChangeSet, CommitError, Committed, Cursor, Expect, Fold, Homes, Key, KeyRange, Op, PushEvent,
        ReadError, Row, StandingRow, Store, StoreFault, StoreLimits, Versioned,
        memory::{Faults, MemoryStore},
    },
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// A store that takes so many commits and then is gone; the last one may be applied without an answer.
struct Mortal {
    below: Arc<MemoryStore>,
    left: Arc<AtomicI64>,
    last_is_applied: bool,
    /// How often it still says that it is behind.
    behind: AtomicI64,
}

impl Mortal {
    fn new(below: &Arc<MemoryStore>, left: &Arc<AtomicI64>, last_is_applied: bool) -> Self {
        let (below, left) = (below.clone(), left.clone());
        Self { below, left, last_is_applied, behind: AtomicI64::new(0) }
    }
}

#[async_trait]
impl Store for Mortal {
    fn limits(&self) -> StoreLimits {
        self.below.limits()
    }
    async fn commit(&self, changes: ChangeSet) -> Result<Committed, CommitError> {
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            1.. => self.below.commit(changes).await,
            0 if self.last_is_applied => {
                let _ = self.below.commit(changes).await;
                Err(CommitError::Unknown(StoreFault::new("gone")))
            }
            _ => Err(CommitError::Unknown(StoreFault::new("gone"))),
        }
    }
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, ReadError> {
        self.below.get(keys).await
    }
    async fn list(
        &self,
        range: &KeyRange,
        after: Option<&Key>,
        limit: usize,
        newest_first: bool,
    ) -> Result<Vec<(Key, Versioned)>, ReadError> {
        self.below.list(range, after, limit, newest_first).await
    }
    async fn events(
        &self,
        player: PlayerId,
        after: Cursor,
        limit: usize,
    ) -> Result<Vec<(Cursor, PushEvent)>, ReadError> {
        self.below.events(player, after, limit).await
    }
    fn is_behind(&self) -> bool {
        self.behind.fetch_sub(1, Ordering::SeqCst) > 0
    }
    fn subscribe(&self, fold: Arc<dyn Fold>) {
        self.below.subscribe(fold);
    }
}

/// The same events for every test here: some thirty, none of them a ruling.
fn some_history() -> Vec<Event> {
    let mut runner = TestRunner::deterministic();
    let mut events = Vec::new();
    while events.len() < 30 {
        let event = some_event().new_tree(&mut runner).unwrap().current();
        if matches!(event, Event::Play { .. } | Event::Set { .. } | Event::Ask { .. }) {
            events.push(event);
        }
    }
    events
}

/// The match of the first event that is one.
fn ruled_on(events: &[Event]) -> MatchId {
    let first = events.iter().position(|event| matches!(event, Event::Play { .. })).unwrap();
    Engine::import_match_id(&mode("duel"), first as u64)
}

/// What a world holds of jobs: gates, and writes prepared for `job`.
async fn left_over(w: &World, job: Option<gsm_core::JobId>) -> (usize, usize) {
    let store = &w.stores[0];
    let gates = store.list(&KeyRange::Gates, None, 10, false).await.unwrap().len();
    let keys: Vec<Key> = job.into_iter().flat_map(|job| (0..500).map(move |n| Key::Staged(job, n))).collect();
    (gates, store.get(&keys).await.unwrap().into_iter().flatten().count())
}

async fn gate_of(w: &World) -> Option<gsm_engine::store::GateRow> {
    let found = w.stores[0].list(&KeyRange::Gates, None, 10, false).await.unwrap().pop()?;
    if let Row::Gate(row) = &*found.1.row { Some(row.clone()) } else { None }
}

/// Dies in commit after commit of one void; how often that left the job undecided, and how often decided.
async fn dies_everywhere(homes: usize, items_max: usize, last_is_applied: bool) -> (usize, usize) {
    let events = some_history();
    let mut with = events.clone();
    with.push(Event::Void { which: 0 });
    let (before, after): (Seen, Seen) = (twin(&events).await, twin(&with).await);
    assert_ne!(before, after);
    let (mut undecided, mut decided) = (0, 0);
    for commits in 0.. {
        let w = world(homes, items_max, Faults::NONE);
        let players = begin(&w).await;
        happen(&w, &players, &events).await;
        let left = Arc::new(AtomicI64::new(commits));
        let mortal = |store: &Arc<MemoryStore>| -> Arc<dyn Store> {
            Arc::new(Mortal::new(store, &left, last_is_applied))
        };
        let dying = match w.stores.as_slice() {
            [one] => Homes::one(mortal(one)),
            [record, document, live] => Homes::split(mortal(record), mortal(document), mortal(live)),
            _ => panic!("one home or three"),
        };
        let node = w.node_over("dying", dying);
        node.load().await.unwrap();
        let id = ruled_on(&events);
        let answer = node.void_result(&w.admin(), id, "x").await;
        drop(node);
        if left.load(Ordering::SeqCst) >= 0 && gate_of(&w).await.is_none() {
            answer.unwrap();
            assert_eq!(seen(&w, &w.engine, &players).await, after, "nothing died");
            return (undecided, decided);
        }
        let gate = gate_of(&w).await;
        let was_decided = gate.as_ref().is_some_and(|gate| gate.applied.is_some());
        let job = gate.as_ref().map(|gate| gate.job);
        // Half of the time it comes back, else another looks after it once it has been silent for long enough.
        let next = if commits % 2 == 0 {
            w.node("dying").await
        } else {
            let other = w.node("other").await;
            other.tick().await;
            w.clock.advance_ms(9_001);
            other.tick().await;
            other
        };
        assert_eq!(left_over(&w, job).await, (0, 0), "after {commits} commits");
        let now = seen(&w, &next, &players).await;
        if was_decided {
            decided += 1;
            assert_eq!(now, after, "it was decided: after {commits} commits");
        } else {
            undecided += usize::from(gate.is_some());
            // Without a gate it was not begun, or all done.
            assert!(now == before || (gate.is_none() && now == after), "after {commits} commits");
        }
        rebuilt(next.rebuild(&w.admin(), &mode("duel"), false).await.unwrap());
        next.void_result(&w.admin(), id, "x").await.unwrap();
        assert_eq!(seen(&w, &next, &players).await, after, "done again after {commits} commits");
        rebuilt(next.rebuild(&w.admin(), &mode("duel"), false).await.unwrap());
    }
    (undecided, decided)
}

#[tokio::test(start_paused = true)]
async fn a_job_that_dies_anywhere_is_finished_or_never_was() {
    for last_is_applied in [false, true] {
        for (homes, items_max) in [(1, 12), (3, 9)] {
            let (undecided, decided) = dies_everywhere(homes, items_max, last_is_applied).await;
            assert!(undecided > 5 && decided > 5, "{undecided} undecided, {decided} decided");
        }
    }
}

/// A caller that goes away in the middle of a job leaves it to the next turn, not to the silence.
#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_holds_nothing_up() {
    for turns in 1..60 {
        let w = world(1, 12, Faults::NONE);
        let events = some_history();
        let players = begin(&w).await;
        happen(&w, &players, &events).await;
        w.stores[0].set_faults(Faults { yields_max: 1, seed: turns, ..Faults::NONE });
        let admin = w.admin();
        let mut void = Box::pin(w.engine.void_result(&admin, ruled_on(&events), "x"));
        for _ in 0..turns {
            let _ = futures::poll!(&mut void);
        }
        drop(void);
        w.stores[0].set_faults(Faults::NONE);
        w.turn().await;
        assert_eq!(left_over(&w, None).await.0, 0);
        rebuilt(w.engine.rebuild(&w.admin(), &mode("duel"), false).await.unwrap());
    }
}

/// A board that counts the results of `duel`, and so is counted by a job.
fn counting(name: &str) -> BoardConfig {
    let config = of_mode(name, "duel");
    BoardConfig { columns: vec![Column { operator: Operator::Best, ..config.columns[0] }], ..config }
}

/// Many results of `duel`, and a store of small change sets that takes its time.
async fn played() -> World {
    let w = world(1, 12, Faults::NONE);
    let players = begin(&w).await;
    happen(&w, &players, &some_history()).await;
    w.stores[0].set_faults(Faults { yields_max: 3, seed: 1, ..Faults::NONE });
    w
}

#[tokio::test(start_paused = true)]
async fn who_defines_something_waits_for_no_job_that_is_decided() {
    let w = played().await;
    let (admin, again) = (w.admin(), w.admin());
    let mut put = Box::pin(w.engine.put_board(&admin, counting("best")));
    while gate_of(&w).await.is_none_or(|gate| gate.applied.is_none()) {
        assert!(futures::poll!(&mut put).is_pending(), "it is never seen to be carried out");
    }
    let queue = QueueConfig::new(QueueName::new("q").unwrap(), mode("q"), wide(1));
    let queue = Box::pin(w.engine.put_queue(&again, queue));
    match futures::future::select(queue, put).await {
        Either::Left((queue, put)) => {
            queue.unwrap();
            assert!(gate_of(&w).await.is_some());
            put.await.unwrap();
        }
        Either::Right(_) => panic!("waits for the job"),
    }
}

/// A match of `duel` of which one player has reported, and the time of the other is up.
async fn due_report(w: &World) -> MatchId {
    let reports = Reports { agree: 2, deadline_ms: Millis::from_secs(60), silence: Silence::Count };
    let config = w.teams("duel", 1, None).await;
    w.put(QueueConfig { reports: Some(reports), ..config }).await;
    let players = w.players(2).await;
    let tickets = w.enter_all("duel", &players).await;
    let id = w.seen(tickets[0]).await.match_id.unwrap();
    w.engine.report_as_player(&w.by(players[0]), id, &places(&[1, 2], &[])).await.unwrap();
    w.clock.advance_ms(60_000);
    id
}

#[tokio::test(start_paused = true)]
async fn the_matcher_waits_for_no_long_work() {
    let w = played().await;
    let admin = w.admin();
    let (mut put, mut turns) = (Box::pin(w.engine.put_board(&admin, of_mode("plain", "duel"))), 0);
    while futures::poll!(&mut put).is_pending() {
        let turn = tokio::time::timeout(Duration::from_secs(60), w.engine.tick_queues());
        turn.await.expect("waits for the board");
        turns += 1;
    }
    assert!(turns > 3, "{turns}");
    let id = due_report(&w).await;
    let mut put = Box::pin(w.engine.put_board(&admin, counting("best")));
    while gate_of(&w).await.is_none_or(|gate| gate.applied.is_none()) {
        assert!(futures::poll!(&mut put).is_pending(), "it is never seen to be carried out");
    }
    drop(put);
    w.engine.tick_queues().await;
    assert_eq!(w.engine.tick_reports().await, 0, "it comes after the job");
    assert!(gate_of(&w).await.is_some());
    w.engine.tick_jobs().await;
    assert!(gate_of(&w).await.is_none());
    assert_eq!(w.engine.tick_reports().await, 1);
    assert!(w.engine.match_view(&admin, id).await.unwrap().result.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_for_its_turn_is_not_left_behind() {
    let w = played().await;
    let (admin, again) = (w.admin(), w.admin());
    let queue = QueueConfig::new(QueueName::new("q").unwrap(), mode("q"), wide(1));
    let mut queue = Box::pin(w.engine.put_queue(&again, queue));
    // It has its turn, and goes on when it is asked again.
    assert!(futures::poll!(&mut queue).is_pending());
    let mut put = Box::pin(w.engine.put_board(&admin, counting("best")));
    let version = async || {
        let found = w.stores[0].list(&KeyRange::Gates, None, 10, false).await.unwrap().pop();
        found.map(|(_, found)| found.version)
    };
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        assert!(tokio::time::timeout(Duration::from_secs(8), &mut put).await.is_err());
        assert!(seen.insert(version().await.unwrap()), "nothing is heard of it for eight seconds");
    }
    queue.await.unwrap();
    put.await.unwrap();
    assert_eq!(version().await, None);
}

/// Another node's job is waited for, and then the caller is told to come back.
#[tokio::test(start_paused = true)]
async fn what_meets_a_job_of_another_node_is_told_so_until_it_has_been_silent() {
    let w = world(3, 100, Faults::NONE);
    let events = some_history();
    let players = begin(&w).await;
    happen(&w, &players, &events).await;
    let left = Arc::new(AtomicI64::new(2));
    let mortal = |store: &Arc<MemoryStore>| -> Arc<dyn Store> { Arc::new(Mortal::new(store, &left, false)) };
    let homes = Homes::split(mortal(&w.stores[0]), mortal(&w.stores[1]), mortal(&w.stores[2]));
    let node = w.node_over("dying", homes);
    let _ = node.void_result(&w.admin(), ruled_on(&events), "x").await;
    assert!(gate_of(&w).await.is_some_and(|gate| gate.applied.is_none()));
    let call = w.admin();
    let duel = mode("duel");
    let set = async || w.engine.set_rating(&call, &duel, players[0], 1_000.0, None, "x").await;
    refused(set().await, "rerating");
    w.clock.advance_ms(8_999);
    refused(set().await, "rerating");
    w.clock.advance_ms(1);
    set().await.unwrap();
}

/// Rows that are damaged behind the engine's back are found by a rebuild, and put right.
#[tokio::test]
async fn a_rebuild_finds_what_differs_and_puts_it_right() {
    for (homes, items_max) in [(1, 4_096), (1, 12), (3, 9)] {
        let w = world(homes, items_max, Faults::NONE);
        let mut events = some_history();
        events.push(Event::Void { which: 3 });
        let players = begin(&w).await;
        happen(&w, &players, &events).await;
        let whole = seen(&w, &w.engine, &players).await;
        let store = &w.stores[0];
        let mut damage = ChangeSet::new(CommitKey::from_u128(1), w.admin().now);
        let mut spoil = |key: Key, row: Option<Row>| {
            let op = row.map_or(Op::Delete, |row| Op::Put { row: Arc::new(row), expires_at: None });
            damage.write(key, Expect::Any, op);
        };
        // A rating is bent in its last bit, one is lost, a history row too, and a result says something else.
        let mut spoilt = 0;
        for (at, (key, found)) in store
            .list(&KeyRange::Ratings(mode("duel")), None, 2, false)
            .await
            .unwrap()
            .into_iter()
            .enumerate()
        {
            let Row::Rating(StandingRow { last, rating: Some(mut row) }) = (*found.row).clone() else {
                continue;
            };
            row.rating.mean = row.rating.mean.next_up();
            spoil(key, (at == 0).then_some(Row::Rating(StandingRow { last, rating: Some(row) })));
            spoilt += 1;
        }
        for player in &players {
            let range = KeyRange::History(mode("duel"), *player);
            if let Some((key, _)) = store.list(&range, None, 1, true).await.unwrap().pop() {
                spoil(key, None);
                spoilt += 1;
                break;
            }
        }
        for (key, found) in store.list(&KeyRange::Results, None, 1_000, false).await.unwrap() {
            if let Row::Result(row) = &*found.row
                && row.counts()
            {
                let mut row = row.clone();
                row.changes[0].expected = 0.123;
                spoil(key, Some(Row::Result(row)));
                spoilt += 1;
                break;
            }
        }
        assert_eq!(spoilt, 4);
        store.commit(damage).await.unwrap();
        let rebuild = async |repair| w.engine.rebuild(&w.admin(), &mode("duel"), repair).await.unwrap();
        assert!(rebuild(false).await.differing >= 3);
        let repaired = rebuild(true).await;
        assert_eq!((repaired.differing, repaired.repaired), (4, true));
        rebuilt(rebuild(false).await);
        assert_eq!(seen(&w, &w.engine, &players).await, whole);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_waits_for_a_store_that_is_behind() {
    let events = some_history();
    let w = world(1, 12, Faults::NONE);
    let players = begin(&w).await;
    happen(&w, &players, &events).await;
    let store = Mortal::new(&w.stores[0], &Arc::new(AtomicI64::new(i64::MAX)), false);
    store.behind.store(5, Ordering::SeqCst);
    let store = Arc::new(store);
    let node = w.node_over("patient", Homes::one(store.clone()));
    node.load().await.unwrap();
    let begun = tokio::time::Instant::now();
    node.void_result(&w.admin(), ruled_on(&events), "x").await.unwrap();
    assert!(store.behind.load(Ordering::SeqCst) < 0, "it did not go on while the store was behind");
    assert!(begun.elapsed().as_millis() >= 100, "it gave the store time");
    rebuilt(node.rebuild(&w.admin(), &mode("duel"), false).await.unwrap());
}
