use super::{matcher::Entering, queue_pool::PoolState, *};
use crate::{Balance, forecasts::Forecasts, store::TicketPlayer};
use gsm_core::Mode;
use gsm_matchmaking::{MatchRules, PoolPlayer, PoolTicket, RuledTicket};
use gsm_rating::Rating;
use parking_lot::MutexGuard;
use std::{sync::mpsc, thread, time::Duration};

fn queue() -> QueueName {
    QueueName::new("duel").unwrap()
}

fn window() -> Rules {
    Rules::Window(MatchRules::default(), None)
}

/// A queue by a window of skill, and its pool.
fn pools() -> (Arc<Pools>, Arc<QueuePool>) {
    let pools = Pools::default();
    pools.configure(&queue(), window());
    let pool = pools.get(&queue()).unwrap();
    (Arc::new(pools), pool)
}

/// The state where nobody is judged.
fn settled(pool: &QueuePool) -> MutexGuard<'_, PoolState> {
    pool.settled(&Forecasts::default())
}

fn asked(id: u128) -> Proposal {
    let seat = Seat { ticket: TicketId::from_u128(id), player: PlayerId::from_u128(id) };
    let deadline = Timestamp::from_millis(10);
    Proposal::new(ProposalId::from_u128(id), MatchId::from_u128(id), &[vec![seat]], deadline).unwrap()
}

/// What is done by another while a step is at work on the pool.
fn meanwhile<T: Send + 'static>(pool: &QueuePool, work: impl FnOnce() -> T + Send + 'static) -> T {
    let step = pool.state.lock();
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || done.send(work()));
    let told = is_done.recv_timeout(Duration::from_secs(20));
    drop(step);
    told.expect("waits for the step")
}

#[test]
fn no_commit_waits_for_a_step() {
    let (pools, pool) = pools();
    let (id, other) = (ProposalId::from_u128(1), ProposalId::from_u128(2));
    let at = Timestamp::from_millis;
    let following = pools.clone();
    let due = meanwhile(&pool, move || {
        following.proposal(id, (&queue(), &asked(1)), || None);
        following.proposal(other, (&queue(), &asked(2)), || None);
        following.proposal_ended(other);
        following.configure(&queue(), Rules::Unknown);
        let pool = following.get(&queue()).unwrap();
        (pool.open_proposals(), pool.expired_proposals(at(9), 10), pool.expired_proposals(at(10), 10))
    });
    assert_eq!(due, (1, vec![], vec![id]));
}

#[test]
fn the_end_of_a_proposal_is_told_to_its_own_queue_alone() {
    let (pools, pool) = pools();
    let id = ProposalId::from_u128(1);
    let ranked = QueueName::new("ranked").unwrap();
    pools.configure(&ranked, window());
    pools.proposal(id, (&queue(), &asked(1)), || None);
    let other = pools.get(&ranked).unwrap();
    let held = other.proposals.lock();
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        pools.proposal_ended(id);
        done.send(pools.asking.lock().len())
    });
    let left = is_done.recv_timeout(Duration::from_secs(20));
    drop(held);
    assert_eq!((left, pool.open_proposals()), (Ok(0), 0));
}

/// A ticket as commits tell of it.
fn row(id: u128) -> TicketRow {
    let player = PlayerId::from_u128(id);
    TicketRow {
        own_id: None,
        owner: player,
        queue: queue(),
        also: Vec::new(),
        players: vec![TicketPlayer {
            player,
            rating: Rating { mean: 1_500.0, deviation: 80.0, volatility: 0.06 },
        }],
        brought: Vec::new(),
        backfill: false,
        shadow: false,
        session: None,
        state: TicketState::Queued,
        queued_at: Timestamp::EPOCH,
        expires_at: Timestamp::from_millis(10),
        ended_at: None,
        reason: None,
        proposal: None,
        match_id: None,
    }
}

#[test]
fn no_commit_waits_for_who_is_at_a_model() {
    let (pools, pool) = pools();
    let mode = Mode::new("duel").unwrap();
    let judged = QueueConfig {
        balance: Balance::Prediction,
        ..QueueConfig::new(queue(), mode.clone(), MatchRules::default())
    };
    pools.configure(&queue(), Rules::of(&judged, None));
    let model = Forecasts::default();
    let study = model.league(&mode);
    let there = study.lock();
    pools.ticket(TicketId::from_u128(1), Some(&row(1)));
    assert!(pool.has(TicketId::from_u128(1)));
    // It is whoever takes it in who waits.
    thread::scope(|scope| {
        let turn = scope.spawn(|| pool.settled(&model).waiting());
        thread::yield_now();
        assert!(!turn.is_finished());
        drop(there);
        assert_eq!(turn.join().unwrap(), 1);
    });
}

fn ticket(id: u128) -> PoolTicket {
    let player = PoolPlayer { id: PlayerId::from_u128(id), skill: 0.0, deviation: 1.0 };
    PoolTicket { id: TicketId::from_u128(id), players: vec![player], queued_at: Timestamp::EPOCH }
}

/// Tickets come, each with its time; those of a rule set are none for a window of skill.
fn come(pool: &QueuePool, ids: impl Iterator<Item = u128>, of_a_set: bool) {
    for id in ids {
        let PoolTicket { id: ticket, players, queued_at } = ticket(id);
        let entering = if of_a_set {
            let players = players.iter().map(|of| (of.id, gsm_rules::Member::default())).collect();
            Entering::Ruled(Box::new(RuledTicket {
                id: ticket,
                players,
                backfill: None,
                started_at: queued_at,
            }))
        } else {
            Entering::Window(PoolTicket { id: ticket, players, queued_at }, None)
        };
        pool.tell(Command::Enter(entering, false, Timestamp::from_millis(id as i64)));
    }
}

#[test]
fn who_asks_whether_a_ticket_waits_waits_for_no_step() {
    let (pools, pool) = pools();
    come(&pool, 1..=3, false);
    come(&pool, 4..=4, true);
    drop(settled(&pool));
    let of = TicketId::from_u128;
    let seen = meanwhile(&pool, move || {
        let pool = pools.get(&queue()).unwrap();
        pool.tell(Command::Leave(of(1)));
        come(&pool, 5..=5, false);
        let has = (1..=6).map(|id| pool.has(of(id))).collect::<Vec<_>>();
        (has, pool.waiting(), pool.is_in_use(), pool.is_full())
    });
    assert_eq!(seen, (vec![false, true, true, false, true, false], 3, true, false));
    assert_eq!(settled(&pool).waiting(), 3);
    (2..=5).for_each(|id| pool.tell(Command::Leave(of(id))));
    assert!(!pool.is_in_use() && pool.waiting() == 0);
}

fn ids(ids: impl Iterator<Item = u128>) -> Vec<TicketId> {
    ids.map(TicketId::from_u128).collect()
}

#[test]
fn who_is_refused_is_no_stray_until_the_rules_are_others() {
    let (pools, pool) = pools();
    come(&pool, 1..=3, true);
    come(&pool, 4..=6, false);
    assert_eq!(settled(&pool).strays(10), []);
    assert_eq!(settled(&pool).expired_tickets(Timestamp::from_millis(2), 10), ids(1..=2), "time goes on");
    pool.tell(Command::Leave(TicketId::from_u128(3)));
    assert_eq!(settled(&pool).strays(10), []);
    pools.configure(&queue(), window());
    assert_eq!(settled(&pool).strays(10), ids(1..=2));
}

#[test]
fn strays_are_looked_at_in_turn() {
    let (_, pool) = pools();
    come(&pool, 1..=9, false);
    let mut state = settled(&pool);
    for stray in [2, 3, 5, 7, 8] {
        state.matcher.remove(TicketId::from_u128(stray));
    }
    assert_eq!(state.strays(2), ids([2, 3].into_iter()));
    // One that stays away holds up no other.
    assert_eq!(state.strays(2), ids([5, 7].into_iter()));
    assert_eq!(state.strays(2), ids([8, 2].into_iter()));
    assert_eq!(state.strays(9), ids([3, 5, 7, 8, 2].into_iter()));
}

#[test]
fn the_pool_of_a_deleted_queue_is_let_go_once_nothing_is_in_it() {
    let (pools, pool) = pools();
    let stays = |names: &[&str]| {
        pools.let_go(|name| names.contains(&name.as_str()));
        pools.get(&queue()).is_some()
    };
    assert!(stays(&["duel"]), "it is known");
    assert!(stays(&[]), "somebody has hold of it");
    come(&pool, 1..=1, false);
    drop(pool);
    assert!(stays(&[]), "a ticket waits in it");
    pools.get(&queue()).unwrap().tell(Command::Leave(TicketId::from_u128(1)));
    pools.proposal(ProposalId::from_u128(1), (&queue(), &asked(1)), || None);
    assert!(stays(&[]), "a proposal is open");
    pools.proposal_ended(ProposalId::from_u128(1));
    assert!(!stays(&[]));
}

#[test]
fn a_queue_is_in_use_while_its_tickets_go_to_and_fro() {
    const TIMES: u32 = 200_000;
    let (pools, pool) = pools();
    let id = ProposalId::from_u128(1);
    come(&pool, 1..=1, false);
    let going = thread::spawn(move || {
        for _ in 0..TIMES {
            pools.proposal(id, (&queue(), &asked(1)), || None);
            pools.get(&queue()).unwrap().tell(Command::Ask(TicketId::from_u128(1)));
            come(&pools.get(&queue()).unwrap(), 1..=1, false);
            pools.proposal_ended(id);
            drop(settled(&pools.get(&queue()).unwrap()));
        }
    });
    while !going.is_finished() {
        assert!(pool.is_in_use());
    }
    going.join().unwrap();
}
