//! What a store says of the rows that changed since it stood somewhere.
use super::{SeededIds, Subject};
use crate::store::{
    ChangeSet, CommitError, Entry, Expect, Key, KeyRange, Op, Place, Position, RatingRow, Row, StandingRow,
    Store, Version,
};
use gsm_core::{CommitKey, MatchId, Mode, PlayerId, Timestamp};
use gsm_rating::Rating;
use std::{collections::BTreeMap, sync::Arc};

/// A player's games and the version of the row; `None` is removed.
type Told = BTreeMap<Key, Option<(u32, Version)>>;

fn rating(mode: &str, player: u128) -> Key {
    Key::Rating(Mode::new(mode).expect("a name"), PlayerId::from_u128(player))
}

fn put(set: &mut ChangeSet, key: Key, games: u32) {
    let row = RatingRow {
        rating: Rating { mean: 1_500.0, deviation: 50.0, volatility: 0.06 },
        rated_at: Timestamp::EPOCH,
        games,
        wins: 0,
        draws: 0,
        score: 0,
        reached_at: Timestamp::EPOCH,
        carried: None,
    };
    let last = Place { depth: 1, entry: Entry::Match(MatchId::from_u128(1)) };
    let row = Arc::new(Row::Rating(StandingRow { last, rating: Some(row) }));
    set.write(key, Expect::Any, Op::Put { row, expires_at: None });
}

async fn commit(store: &dyn Store, ids: &SeededIds, fill: impl FnOnce(&mut ChangeSet)) -> Position {
    let mut set = ChangeSet::new(CommitKey::fresh(ids), Timestamp::EPOCH);
    fill(&mut set);
    while let Err(error) = store.commit(set.clone()).await {
        assert!(!matches!(error, CommitError::Conflict { .. }), "{error}");
    }
    store.position().unwrap_or_default()
}

async fn changed(store: &dyn Store, mode: &str, after: Position) -> Option<Told> {
    loop {
        let mut told = Told::new();
        let mut take = |key: Key, version: Version, row: Option<Arc<Row>>| {
            let games = row.map(|row| match &*row {
                Row::Rating(row) => (row.rating.as_ref().map_or(0, |row| row.games), version),
                _ => panic!("no rating under {key}"),
            });
            assert!(told.insert(key, games).is_none(), "told twice");
        };
        let range = KeyRange::Ratings(Mode::new(mode).expect("a name"));
        if let Ok(all) = store.changed(&range, after, &mut take).await {
            return all.then_some(told);
        }
    }
}

/// Everything after any position is told, as it is now; of a position that never was, nothing.
pub(super) async fn changes_are_told(s: Subject) {
    let (ids, store) = (SeededIds::new(11), &*s.store);
    if store.position().is_none() {
        return;
    }
    let start = store.position().unwrap_or_default();
    assert_eq!(start, Position::default(), "nothing is traced yet");
    let mut places = vec![start];
    for n in 0..12u32 {
        places.push(
            commit(store, &ids, |set| {
                put(set, rating("duel", u128::from(n % 5)), n);
                if n == 7 {
                    set.write(rating("duel", 1), Expect::Any, Op::Delete);
                    put(set, rating("solo", 9), 3);
                }
            })
            .await,
        );
        commit(store, &ids, |set| {
            set.write(Key::Player(PlayerId::fresh(&ids)), Expect::Absent, Op::Check);
        })
        .await;
    }
    // Late folds keep the position back: it comes when they have been told.
    let last = loop {
        let at = commit(store, &ids, |set| {
            set.write(Key::Player(PlayerId::fresh(&ids)), Expect::Absent, Op::Check);
        })
        .await;
        if at.rows >= 14 {
            break at;
        }
    };
    assert_eq!(last.rows, 14);
    let all = changed(store, "duel", start).await.expect("all is known");
    assert_eq!(all.len(), 5);
    assert_eq!(all[&rating("duel", 4)].expect("there").0, 9);
    assert_eq!(all[&rating("duel", 1)].expect("there").0, 11, "written again");
    assert_eq!(changed(store, "solo", start).await.expect("all is known").len(), 1);
    assert_eq!(changed(store, "duel", last).await, Some(Told::new()));
    for place in places {
        let told = changed(store, "duel", place).await.expect("it was there");
        let newer = all.iter().filter(|(_, row)| row.is_some_and(|(_, version)| version > place.sequence));
        assert_eq!(told, newer.map(|(key, row)| (key.clone(), *row)).collect(), "{place:?}");
    }
    let gone = commit(store, &ids, |set| {
        set.write(rating("duel", 2), Expect::Any, Op::Delete);
    })
    .await;
    let told = changed(store, "duel", last).await.expect("it was there");
    assert_eq!(told, [(rating("duel", 2), None)].into_iter().collect());
    for never in [
        Position { chain: last.chain ^ 1, ..last },
        Position { rows: last.rows + 1, ..last },
        Position { sequence: last.sequence + 1, ..last },
        Position { sequence: gone.sequence + 100, ..gone },
        Position { sequence: 0, rows: 0, chain: 1 },
    ] {
        assert_eq!(changed(store, "duel", never).await, None, "{never:?}");
    }
}
