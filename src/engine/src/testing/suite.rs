use super::{SeededIds, Subject};
use crate::{
    Role,
    store::{
        ApiKeyRow, ChangeSet, CommitError, Committed, Cursor, Expect, Fold, HistoryRow, Key, KeyRange, Op,
        OutboxRow, PlayerRow, PushEvent, PushKind, Row, Step, Store, Versioned,
    },
};
use gsm_core::{CommitKey, KeyId, MatchId, Mode, PlayerId, TicketId, Timestamp};
use gsm_rating::Rating;
use gsm_session::{MatchState, TicketState};
use parking_lot::Mutex;
use std::sync::Arc;

fn set(ids: &SeededIds) -> ChangeSet {
    ChangeSet::new(CommitKey::fresh(ids), Timestamp::EPOCH)
}

fn player(n: i64) -> Row {
    Row::Player(PlayerRow { name: None, external_id: None, created_at: Timestamp::from_millis(n) })
}

fn number(found: &Option<Versioned>) -> Option<i64> {
    match found.as_ref().map(|v| &*v.row) {
        Some(Row::Player(row)) => Some(row.created_at.as_millis()),
        _ => None,
    }
}

/// Repeats under the same key while the answer is unknown or the store is busy refusing, as every caller must.
async fn settle(store: &dyn Store, changes: &ChangeSet) -> Result<Committed, CommitError> {
    loop {
        match store.commit(changes.clone()).await {
            Err(CommitError::Unknown(_) | CommitError::Refused(_)) => {}
            fate => return fate,
        }
    }
}

async fn read(store: &dyn Store, keys: &[Key]) -> Vec<Option<Versioned>> {
    loop {
        if let Ok(rows) = store.get(keys).await {
            return rows;
        }
    }
}

/// Reads after which a stale one would be no chance any more.
const STALE_READS_MAX: usize = 100;

/// The newest that reads show of a player row: a stale one may not even know of it.
async fn shown(store: &dyn Store, key: &Key) -> Option<i64> {
    let mut newest = None;
    for _ in 0..STALE_READS_MAX {
        newest = newest.max(number(&read(store, std::slice::from_ref(key)).await[0]));
    }
    newest
}

/// Runs every case, each on a store that `make` gives anew. Panics, naming the case, on the first that fails.
pub async fn store_suite<F: Future<Output = Subject>>(make: impl Fn() -> F) {
    create_read_conflict(make().await).await;
    all_or_nothing(make().await).await;
    same_key_same_answer(make().await).await;
    delete_and_check(make().await).await;
    ranges_and_pages(make().await).await;
    events_and_cursors(make().await).await;
    expiry(make().await).await;
    limits(make().await).await;
    folds_follow(make().await).await;
    many_writers_lose_nothing(make().await).await;
    super::traces::changes_are_told(make().await).await;
}

async fn create_read_conflict(s: Subject) {
    let (ids, store) = (SeededIds::new(1), &*s.store);
    let key = Key::Player(PlayerId::fresh(&ids));
    let mut first = set(&ids);
    first.create(key.clone(), player(1));
    settle(store, &first).await.expect("a new row is taken");
    let mut again = set(&ids);
    again.create(key.clone(), player(2));
    let fate = settle(store, &again).await;
    assert!(
        matches!(fate, Err(CommitError::Conflict { key: k }) if k == key),
        "creating twice is a conflict"
    );

    // Stale reads are lawful, so go on until the write at the version that was read is taken.
    loop {
        let rows = read(store, std::slice::from_ref(&key)).await;
        let Some(found) = &rows[0] else { continue };
        let mut next = set(&ids);
        next.replace(key.clone(), Some(found.version), player(3));
        match settle(store, &next).await {
            Ok(_) => break,
            Err(CommitError::Conflict { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    let mut old = set(&ids);
    old.replace(key.clone(), Some(0), player(4));
    assert!(
        matches!(settle(store, &old).await, Err(CommitError::Conflict { .. })),
        "an old version is a conflict"
    );
    let mut seen = read(store, std::slice::from_ref(&key)).await;
    while number(&seen[0]) != Some(3) {
        assert_eq!(number(&seen[0]), Some(1), "a stale read shows an earlier version, nothing else");
        seen = read(store, std::slice::from_ref(&key)).await;
    }
}

async fn all_or_nothing(s: Subject) {
    let (ids, store) = (SeededIds::new(2), &*s.store);
    let (a, b) = (Key::Player(PlayerId::fresh(&ids)), Key::Player(PlayerId::fresh(&ids)));
    let mut one = set(&ids);
    one.create(b.clone(), player(1));
    settle(store, &one).await.expect("taken");
    let mut both = set(&ids);
    both.create(a.clone(), player(2)).create(b.clone(), player(2)).event(
        PlayerId::from_u128(7),
        PushEvent {
            at: s_now(&s),
            kind: PushKind::Match {
                match_id: MatchId::from_u128(1),
                state: MatchState::Running,
                connection: None,
                prediction: None,
            },
        },
    );
    assert!(matches!(settle(store, &both).await, Err(CommitError::Conflict { .. })));
    assert_eq!(shown(store, &b).await, Some(1), "what was there stays");
    assert_eq!(number(&read(store, &[a]).await[0]), None, "nothing of a conflicting set is applied");
    let events = store.events(PlayerId::from_u128(7), Cursor::default(), 10).await.expect("readable");
    assert!(events.is_empty(), "nor its events");
}

fn s_now(s: &Subject) -> Timestamp {
    use gsm_core::Clock;
    s.clock.now()
}

async fn same_key_same_answer(s: Subject) {
    let (ids, store) = (SeededIds::new(3), &*s.store);
    let key = Key::Player(PlayerId::fresh(&ids));
    let mut changes = set(&ids);
    changes.create(key.clone(), player(1));
    let first = settle(store, &changes).await.expect("taken");
    let mut between = set(&ids);
    between.create(Key::Player(PlayerId::fresh(&ids)), player(9));
    settle(store, &between).await.expect("taken");
    let second = settle(store, &changes).await.expect("the repeat is taken");
    assert_eq!(first, second, "the same key gives the first answer");
}

async fn delete_and_check(s: Subject) {
    let (ids, store) = (SeededIds::new(4), &*s.store);
    let (a, b) = (Key::Player(PlayerId::fresh(&ids)), Key::Player(PlayerId::fresh(&ids)));
    let mut make = set(&ids);
    make.create(a.clone(), player(1));
    settle(store, &make).await.expect("taken");
    let mut guarded = set(&ids);
    guarded.check(a.clone(), Expect::Absent).create(b.clone(), player(1));
    assert!(
        matches!(settle(store, &guarded).await, Err(CommitError::Conflict { .. })),
        "a check can fail a set"
    );
    let mut there = set(&ids);
    there.check(a.clone(), Expect::Absent);
    assert!(
        matches!(settle(store, &there).await, Err(CommitError::Conflict { .. })),
        "checks alone are a set, which tells what no read can: what is there now"
    );
    let mut gone = set(&ids);
    gone.check(b.clone(), Expect::Absent);
    settle(store, &gone).await.expect("and what is not");
    loop {
        let Some(found) = read(store, std::slice::from_ref(&a)).await.remove(0) else { continue };
        let mut gone = set(&ids);
        gone.delete(a.clone(), found.version);
        if settle(store, &gone).await.is_ok() {
            break;
        }
    }
    let mut again = set(&ids);
    again.check(b.clone(), Expect::Absent).create(a.clone(), player(5));
    settle(store, &again).await.expect("a deleted row can be made again");
}

async fn ranges_and_pages(s: Subject) {
    let (ids, store) = (SeededIds::new(5), &*s.store);
    let (short, long) = (Mode::new("a").expect("name"), Mode::new("ab").expect("name"));
    let (p, q) = (PlayerId::from_u128(1), PlayerId::from_u128(2));
    let rating = Rating { mean: 1500.0, deviation: 350.0, volatility: 0.06 };
    let row = |n: u32| {
        Row::History(HistoryRow {
            at: Timestamp::EPOCH,
            step: Step::Match {
                match_id: MatchId::from_u128(u128::from(n)),
                place: 1,
                shared: false,
                sides: 2,
                expected: 0.5,
                actual: 1.0,
                quit: false,
            },
            before: rating,
            after: rating,
            games: n,
        })
    };
    let owed = Row::Outbox(OutboxRow { at: Timestamp::EPOCH });
    for n in 0..20u32 {
        // Over the edge of a byte: the order is that of the numbers.
        let depth = 250 + u64::from(n);
        let mut changes = set(&ids);
        for (mode, player) in [(&short, p), (&short, q), (&long, p)] {
            changes.fold(Key::History(mode.clone(), player, depth), row(n));
        }
        changes.create(Key::Outbox(MatchId::from_u128(u128::from(n))), owed.clone());
        settle(store, &changes).await.expect("taken");
    }
    let range = KeyRange::History(short.clone(), p);
    let games = |rows: &[(Key, Versioned)]| -> Vec<u32> {
        rows.iter()
            .map(|(_, v)| if let Row::History(h) = &*v.row { h.games } else { panic!("foreign row") })
            .collect()
    };
    let list = async |after: Option<Key>, limit, newest| loop {
        // Folds may be late: wait for all twenty.
        let whole = store.list(&range, None, 100, false).await;
        if whole.is_ok_and(|w| w.len() == 20)
            && let Ok(rows) = store.list(&range, after.as_ref(), limit, newest).await
        {
            return rows;
        }
        let mut nudge = set(&ids);
        nudge.create(Key::Player(PlayerId::fresh(&ids)), player(0));
        let _ = settle(store, &nudge).await;
    };
    assert_eq!(games(&list(None, 100, false).await), (0..20).collect::<Vec<_>>(), "in the order of depth");
    let newest = list(None, 3, true).await;
    assert_eq!(games(&newest), [19, 18, 17], "newest first");
    let next = list(Some(newest[2].0.clone()), 3, true).await;
    assert_eq!(games(&next), [16, 15, 14], "a page begins after the last row of the one before");
    assert!(list(None, 0, false).await.is_empty(), "no rows asked, none given");
}

async fn events_and_cursors(s: Subject) {
    let (ids, store) = (SeededIds::new(6), &*s.store);
    let (p, q) = (PlayerId::from_u128(1), PlayerId::from_u128(2));
    let event = |n: u128| PushEvent {
        at: s_now(&s),
        kind: PushKind::Ticket {
            ticket: TicketId::from_u128(n),
            state: TicketState::Queued,
            proposal: None,
            answer_by: None,
            match_id: None,
            role: None,
            prediction: None,
            reason: None,
        },
    };
    for n in 0..5 {
        let mut changes = set(&ids);
        changes.create(
            Key::Claim(PlayerId::fresh(&ids)),
            Row::Claim(crate::store::Claim::Ticket(TicketId::from_u128(n))),
        );
        changes.event(p, event(2 * n)).event(q, event(100)).event(p, event(2 * n + 1));
        settle(store, &changes).await.expect("taken");
    }
    let ticket =
        |e: &PushEvent| if let PushKind::Ticket { ticket, .. } = &e.kind { ticket.as_u128() } else { 999 };
    let all = store.events(p, Cursor::default(), 100).await.expect("readable");
    assert_eq!(all.iter().map(|(_, e)| ticket(e)).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    let rest = store.events(p, all[3].0, 2).await.expect("readable");
    assert_eq!(rest, all[4..6], "a cursor resumes after itself");
}

async fn expiry(s: Subject) {
    let (ids, store) = (SeededIds::new(7), &*s.store);
    let key = Key::ApiKey(KeyId::fresh(&ids));
    let row = || {
        Row::ApiKey(ApiKeyRow {
            id: KeyId::from_u128(1),
            secret_hash: [0; 32],
            role: Role::Server,
            note: String::new(),
            created_at: Timestamp::EPOCH,
            revoked_at: None,
        })
    };
    let mut changes = set(&ids);
    let soon = s_now(&s).saturating_add(gsm_core::Millis::from_secs(60));
    changes.create_until(key.clone(), row(), soon);
    settle(store, &changes).await.expect("taken");
    let mut known = false;
    for _ in 0..STALE_READS_MAX {
        known |= read(store, std::slice::from_ref(&key)).await[0].is_some();
    }
    assert!(known, "a row is shown until it expires");
    s.clock.advance_ms(61_000);
    assert!(read(store, std::slice::from_ref(&key)).await[0].is_none(), "an expired row is not shown");
    let listed = loop {
        if let Ok(rows) = store.list(&KeyRange::ApiKeys, None, 10, false).await {
            break rows;
        }
    };
    assert!(listed.is_empty(), "nor listed");
    let mut again = set(&ids);
    again.create(key, row());
    settle(store, &again).await.expect("its key is free");
}

async fn limits(s: Subject) {
    let (ids, store) = (SeededIds::new(8), &*s.store);
    let mut large = set(&ids);
    for _ in 0..=store.limits().items_max {
        large.create(Key::Player(PlayerId::fresh(&ids)), player(1));
    }
    let first = large.writes[0].key.clone();
    assert!(
        matches!(store.commit(large).await, Err(CommitError::TooLarge(_))),
        "one write too many is refused"
    );
    assert!(read(store, &[first]).await[0].is_none(), "and nothing of it applied");
    let most = store.limits().bytes_max;
    let (once, key) = (CommitKey::fresh(&ids), Key::System(1));
    let of = |bytes: usize| {
        let mut long = ChangeSet::new(once, Timestamp::EPOCH);
        long.create(key.clone(), Row::System("x".repeat(bytes)));
        long
    };
    let text = most - (of(most).bytes() - most);
    let long = of(text + 1);
    assert_eq!(long.bytes(), most + 1);
    assert!(matches!(store.commit(long).await, Err(CommitError::TooLarge(_))), "a byte too many is refused");
    assert!(read(store, std::slice::from_ref(&key)).await[0].is_none(), "and nothing of it applied");
    settle(store, &of(text)).await.expect("what just fits is taken");
}

#[derive(Default)]
struct Seen(Mutex<Vec<u64>>);

impl Fold for Seen {
    fn apply(&self, committed: Committed, _: &ChangeSet) {
        self.0.lock().push(committed.sequence);
    }
}

async fn folds_follow(s: Subject) {
    let (ids, store) = (SeededIds::new(9), &*s.store);
    let seen = Arc::new(Seen::default());
    store.subscribe(seen.clone());
    let mut made = Vec::new();
    for n in 0..50 {
        let mut changes = set(&ids);
        changes.create(Key::Player(PlayerId::fresh(&ids)), player(n));
        made.push(settle(store, &changes).await.expect("taken").sequence);
    }
    while !made.iter().all(|m| seen.0.lock().contains(m)) {
        let mut nudge = set(&ids);
        nudge.create(Key::Player(PlayerId::fresh(&ids)), player(0));
        let _ = settle(store, &nudge).await;
    }
    let mut order = seen.0.lock().clone();
    order.dedup();
    assert!(order.is_sorted(), "commits are seen in order: {order:?}");
}

async fn many_writers_lose_nothing(s: Subject) {
    const WRITERS: i64 = 16;
    const TIMES: i64 = 20;
    let ids = Arc::new(SeededIds::new(10));
    let key = Key::Player(PlayerId::fresh(&*ids));
    let mut start = set(&ids);
    start.create(key.clone(), player(0));
    settle(&*s.store, &start).await.expect("taken");
    let add = async || {
        for _ in 0..TIMES {
            loop {
                let Some(found) = read(&*s.store, std::slice::from_ref(&key)).await.remove(0) else {
                    continue;
                };
                let Row::Player(row) = &*found.row else { panic!("foreign row") };
                let mut next = set(&ids);
                next.write(
                    key.clone(),
                    Expect::At(found.version),
                    Op::Put { row: Arc::new(player(row.created_at.as_millis() + 1)), expires_at: None },
                );
                if settle(&*s.store, &next).await.is_ok() {
                    break;
                }
            }
        }
    };
    futures::future::join_all((0..WRITERS).map(|_| add())).await;
    let mut total = None;
    for _ in 0..1_000 {
        // The last write may take a moment to show through stale reads.
        total = number(&read(&*s.store, std::slice::from_ref(&key)).await[0]).max(total);
    }
    assert_eq!(total, Some(WRITERS * TIMES), "each increment counts once");
}
