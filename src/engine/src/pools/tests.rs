use super::*;
use gsm_matchmaking::{MatchRules, PoolPlayer, PoolTicket};
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
        following.proposal(id, Some((&queue(), &asked(1))));
        following.proposal(other, Some((&queue(), &asked(2))));
        following.proposal(other, None);
        following.configure(&queue(), Rules::Unknown);
        let pool = following.get(&queue()).unwrap();
        (pool.open_proposals(), pool.expired_proposals(at(9), 10), pool.expired_proposals(at(10), 10))
    });
    assert_eq!(due, (1, vec![], vec![id]));
}
