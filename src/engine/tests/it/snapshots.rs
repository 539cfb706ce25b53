//! Boards from snapshots equal boards from every rating, whatever becomes of the snapshot.
use crate::world::{World, one_home};
use futures::FutureExt as _;
use gsm_core::{BoardName, Clock as _, CommitKey, IdSource as _, MatchId, Mode, PlayerId, Timestamp};
use gsm_engine::{
    BoardConfig, BoardRef, BoardRow, Engine, LoadReport, SnapshotRules, Snapshots,
    store::{ChangeSet, Entry, Expect, Homes, Key, Op, Place, RatingRow, Row, StandingRow, Store},
    testing::SeededIds,
};
use gsm_rating::Rating;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read, Write},
    sync::Arc,
};

const RULES: SnapshotRules = SnapshotRules { players_min: 1, changes_min: 1 };

/// Snapshots in memory; while one is written, `meanwhile` is called with every piece.
#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) kept: Mutex<BTreeMap<BoardName, Vec<u8>>>,
    meanwhile: Option<Box<dyn Fn() + Send + Sync>>,
}

struct Piecewise<'a>(Vec<u8>, &'a Shelf);

impl Write for Piecewise<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        self.1.meanwhile.iter().for_each(|meanwhile| meanwhile());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Snapshots for Shelf {
    fn names(&self) -> io::Result<Vec<BoardName>> {
        Ok(self.kept.lock().keys().cloned().collect())
    }
    fn read(&self, name: &BoardName) -> io::Result<Option<Box<dyn Read + Send>>> {
        Ok(self.kept.lock().get(name).map(|bytes| Box::new(Cursor::new(bytes.clone())) as _))
    }
    fn replace(
        &self,
        name: &BoardName,
        fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut out = Piecewise(Vec::new(), self);
        fill(&mut out)?;
        self.kept.lock().insert(name.clone(), out.0);
        Ok(())
    }
    fn remove(&self, name: &BoardName) -> io::Result<()> {
        self.kept.lock().remove(name);
        Ok(())
    }
}

fn mode() -> Mode {
    Mode::new("duel").unwrap()
}

fn board() -> BoardName {
    BoardName::from(&mode())
}

fn player(n: u64) -> PlayerId {
    PlayerId::from_u128(u128::from(n) << 70 | 1)
}

fn row(score: i64, games: u32) -> Arc<Row> {
    let rating = Rating { mean: score as f64 / 1_000.0, deviation: 60.0, volatility: 0.06 };
    let at = Timestamp::from_millis(score * 7);
    let rating =
        RatingRow { rating, rated_at: at, games, wins: 0, draws: 0, score, reached_at: at, carried: None };
    let last = Place { depth: 1, entry: Entry::Match(MatchId::from_u128(1)) };
    Arc::new(Row::Rating(StandingRow { last, rating: Some(rating) }))
}

/// Writes and removes ratings of some of the first `players` players.
async fn commit(store: &dyn Store, ids: &SeededIds, players: u64, many: u64) {
    let mut set = ChangeSet::new(CommitKey::fresh(ids), Timestamp::EPOCH);
    let mut written = std::collections::BTreeSet::new();
    for _ in 0..many {
        let chance = ids.next_u128() >> 64;
        let n = (chance % u128::from(players)) as u64;
        if !written.insert(n) {
            continue;
        }
        let op = match chance >> 40 & 7 {
            0 => Op::Delete,
            games => Op::Put { row: row((chance >> 20 & 1_023) as i64, games as u32), expires_at: None },
        };
        set.write(Key::Rating(mode(), player(n)), Expect::Any, op);
    }
    store.commit(set).await.unwrap();
}

/// Everything that a board shows, in its order.
async fn listed(engine: &Engine) -> Vec<BoardRow> {
    let (board, mut listed) = (BoardRef::from(&mode()), Vec::new());
    loop {
        let (rows, _) = engine.top(&board, listed.len() as u64, 1_000).await.unwrap();
        if rows.is_empty() {
            return listed;
        }
        listed.extend(rows);
    }
}

/// Another node, which starts from the shelf, shows what one shows that reads everything.
async fn check(world: &World, shelf: &Shelf) -> LoadReport {
    let node = world.node_over("again", Homes::one(world.stores[0].clone()));
    let report = node.load_from(Some(shelf), None).await.unwrap();
    let from: Vec<_> = node.snapshots().into_iter().map(|one| (one.board, one.saved)).collect();
    assert_eq!(from, if report.snapshots == 1 { vec![(board(), None)] } else { vec![] });
    let full = world.node("full").await;
    assert_eq!(listed(&node).await, listed(&full).await);
    report
}

/// A loaded world with so many players at most.
async fn filled(players: u64) -> (World, Arc<SeededIds>) {
    let (world, ids) = (one_home(), Arc::new(SeededIds::new(5)));
    for _ in 0..players / 500 {
        commit(&*world.stores[0], &ids, players, 1_000).await;
    }
    world.engine.load().await.unwrap();
    (world, ids)
}

#[tokio::test]
async fn a_board_that_moves_while_it_is_saved_comes_back_exactly() {
    const PLAYERS: u64 = 6_000;
    let (world, ids) = filled(PLAYERS).await;
    let (store, by) = (world.stores[0].clone(), ids.clone());
    let meanwhile =
        move || commit(&*store, &by, PLAYERS, 60).now_or_never().expect("a healthy store is quick");
    let shelf = Shelf { meanwhile: Some(Box::new(meanwhile)), ..Shelf::default() };
    for changes in [0, 1, 300] {
        let saved = world.engine.save_boards(&shelf, RULES).unwrap();
        assert_eq!(saved.saved, 1);
        assert!(saved.players > 4_000, "{saved:?}");
        let told = world.engine.snapshots();
        let [one] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(
            (&one.board, one.players, one.saved.map(|(at, _)| at)),
            (&board(), saved.players, Some(world.clock.now()))
        );
        let meanwhile = one.changes;
        commit(&*world.stores[0], &ids, PLAYERS, changes).await;
        let more = world.engine.snapshots()[0].changes - meanwhile;
        assert!(more <= changes && (more > 0) == (changes > 0), "{more} after {changes}");
        let report = check(&world, &shelf).await;
        assert_eq!(report.snapshots, 1);
        assert!(report.changed > 300, "{report:?}");
        world.node("deeper").await;
    }
}

#[tokio::test]
async fn a_damaged_snapshot_is_not_used() {
    let (world, _) = filled(3_000).await;
    let shelf = Shelf::default();
    world.engine.save_boards(&shelf, RULES).unwrap();
    assert_eq!(check(&world, &shelf).await.snapshots, 1);
    let whole = shelf.kept.lock()[&board()].clone();
    let (step, mut damaged) = (whole.len() / 16, Vec::new());
    damaged.extend((0..16).map(|k| {
        let mut bytes = whole.clone();
        bytes[k * step + k] ^= 1 << (k % 8);
        bytes
    }));
    damaged.extend((0..16).map(|k| whole[..k * step + k % 9].to_vec()));
    damaged.push(whole[..whole.len() - 12].to_vec());
    damaged.push([&whole[..70_000], &whole[65_000..]].concat());
    for bytes in damaged {
        shelf.kept.lock().insert(board(), bytes);
        assert_eq!(check(&world, &shelf).await.snapshots, 0);
    }
}

#[tokio::test]
async fn a_snapshot_of_another_store_or_another_past_is_not_used() {
    let (world, ids) = filled(1_000).await;
    let shelf = Shelf::default();
    world.engine.save_boards(&shelf, RULES).unwrap();
    let other = one_home();
    commit(&*other.stores[0], &ids, 1_000, 900).await;
    commit(&*other.stores[0], &ids, 1_000, 900).await;
    assert_eq!(check(&other, &shelf).await.snapshots, 0);
}

#[tokio::test]
async fn a_snapshot_of_a_board_that_was_defined_otherwise_is_not_used() {
    let (world, _) = filled(1_000).await;
    let shelf = Shelf::default();
    world.engine.save_boards(&shelf, RULES).unwrap();
    let config = r#"{"name":"duel","source":{"mode":"duel"},"columns":[{}],"eligibility":{"games_min":4}}"#;
    let config: BoardConfig = serde_json::from_str(config).unwrap();
    let mut set = ChangeSet::new(CommitKey::from_u128(77), Timestamp::EPOCH);
    set.create(Key::Board(board()), Row::Board(serde_json::to_string(&config).unwrap()));
    world.stores[0].commit(set).await.unwrap();
    assert_eq!(check(&world, &shelf).await.snapshots, 0);
    let node = world.node("full").await;
    node.save_boards(&shelf, RULES).unwrap();
    assert_eq!(check(&world, &shelf).await.snapshots, 1, "that of the board as it is now");
}

#[tokio::test]
async fn what_is_hidden_stays_hidden() {
    let (world, _) = filled(1_000).await;
    let shelf = Shelf::default();
    let first = listed(&world.engine).await[0].player;
    let hidden = Row::Shade(gsm_engine::store::ShadeRow {
        shadow: false,
        reason: "test".into(),
        at: Timestamp::EPOCH,
    });
    let mut set = ChangeSet::new(CommitKey::from_u128(77), Timestamp::EPOCH);
    set.create(Key::Shade(board(), first), hidden);
    world.engine.save_boards(&shelf, RULES).unwrap();
    world.stores[0].commit(set).await.unwrap();
    assert_eq!(check(&world, &shelf).await.snapshots, 1);
    world.engine.save_boards(&shelf, SnapshotRules { changes_min: 0, ..RULES }).unwrap();
    let mut set = ChangeSet::new(CommitKey::from_u128(78), Timestamp::EPOCH);
    set.write(Key::Shade(board(), first), Expect::Any, Op::Delete);
    world.stores[0].commit(set).await.unwrap();
    assert_eq!(check(&world, &shelf).await.snapshots, 1);
}

#[tokio::test]
async fn boards_are_saved_when_it_is_worth_it() {
    let (world, ids) = filled(1_000).await;
    let shelf = Shelf::default();
    let save = |players_min, changes_min| {
        let report = world.engine.save_boards(&shelf, SnapshotRules { players_min, changes_min }).unwrap();
        (report.saved, report.removed)
    };
    assert_eq!(save(2_000, 1), (0, 0), "too small");
    assert_eq!(save(1, 50), (1, 0), "never saved before");
    assert_eq!(save(1, 50), (0, 0), "nothing has changed");
    commit(&*world.stores[0], &ids, 1_000, 20).await;
    assert_eq!(save(1, 50), (0, 0), "not enough");
    commit(&*world.stores[0], &ids, 1_000, 100).await;
    assert_eq!(save(1, 50), (1, 0));
    shelf.kept.lock().clear();
    assert_eq!(save(1, 50), (1, 0), "somebody removed it");
    let node = world.node_over("again", Homes::one(world.stores[0].clone()));
    node.load_from(Some(&shelf), None).await.unwrap();
    let report = node.save_boards(&shelf, SnapshotRules { players_min: 1, changes_min: 50 }).unwrap();
    assert_eq!(report.saved, 0, "it is as the node read it");
    assert_eq!(save(2_000, 1), (0, 1), "none that are too small are kept");
}
