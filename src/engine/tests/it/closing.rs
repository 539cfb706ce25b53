//! Boards that are given up: what is theirs goes with them, whoever dies in the middle.
use crate::{
    defined::{beats, define, name, of_mode, of_scores, rank, submit, submitted, whole},
    seasons::weekly,
    world::{World, both, refused, world},
};
use gsm_core::{Clock, CommitKey, PlayerId};
use gsm_engine::{
    BoardConfig, Column, Direction, Operator, Retention, Submission, Value, Viewer, Visibility, WatchWish,
    store::{ChangeSet, Key, KeyRange, Row, Store, memory::Faults},
};

both! {
    a_board_whose_end_was_cut_short_ends,
    upkeep_goes_on_past_a_board_that_cannot_be_closed,
    who_is_hidden_or_watches_is_forgotten_with_the_board,
}

/// As if who gave it up had died right after the mark.
async fn cut_short(w: &World, board: &str) {
    let mut changes = ChangeSet::new(CommitKey::from_u128(w.clock.now().as_millis() as u128), w.clock.now());
    changes.create(Key::Closing(name(board)), Row::Closing(None));
    // The first is that of the record home, or of all.
    w.stores[0].commit(changes).await.unwrap();
    w.settle();
}

async fn a_board_whose_end_was_cut_short_ends(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let points = of_scores("points", vec![submitted(Operator::Incr, Direction::Descending)]);
    let give = async |player| {
        let of = Submission { player, values: vec![5], at: None, metadata: None };
        let done = w.engine.submit(&w.server(), &name("points"), &[of]).await;
        w.settle();
        done
    };
    define(&w, points.clone()).await;
    give(p[0]).await.unwrap();
    cut_short(&w, "points").await;
    refused(give(p[1]).await, "not_found");
    refused(w.engine.remove_entry(&w.server(), &whole("points"), p[0], "no").await, "not_found");
    // Upkeep ends it.
    for _ in 0..3 {
        w.engine.upkeep(&Retention::default()).await.unwrap();
        w.settle();
    }
    refused(give(p[0]).await, "not_found");
    define(&w, points.clone()).await;
    assert_eq!(rank(&w, "points", p[0]), 0);
    give(p[0]).await.unwrap();
    w.clock.advance_ms(1);
    // So does who defines it again.
    cut_short(&w, "points").await;
    define(&w, points.clone()).await;
    assert_eq!(rank(&w, "points", p[0]), 0);
    assert_eq!(give(p[0]).await.unwrap()[0].values, [5]);
    w.clock.advance_ms(1);
    // And who gives it up once more.
    cut_short(&w, "points").await;
    w.engine.delete_board(&w.admin(), &name("points")).await.unwrap();
    w.settle();
    refused(w.engine.delete_board(&w.admin(), &name("points")).await, "not_found");
    let left = w.stores[0].list(&KeyRange::AllEntries(name("points")), None, 9, false).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    assert!(w.stores[0].list(&KeyRange::AllClosing, None, 9, false).await.unwrap().is_empty());
}

async fn upkeep_goes_on_past_a_board_that_cannot_be_closed(w: World) {
    let p = w.players(1).await;
    let mut changes = ChangeSet::new(CommitKey::from_u128(1), w.clock.now());
    changes.create(Key::Closing(name("a")), Row::Identity(p[0]));
    w.stores[0].commit(changes).await.unwrap();
    cut_short(&w, "points").await;
    for _ in 0..3 {
        w.engine.upkeep(&Retention::default()).await.unwrap();
        w.settle();
    }
    let left = w.stores[0].list(&KeyRange::AllClosing, None, 9, false).await.unwrap();
    assert_eq!(left.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), [Key::Closing(name("a"))]);
}

#[tokio::test]
async fn upkeep_closes_a_board_page_by_page() {
    let w = world(1, 100, Faults::NONE);
    define(&w, of_scores("points", vec![submitted(Operator::Incr, Direction::Descending)])).await;
    for part in w.players(250).await.chunks(20) {
        let of =
            |player: &PlayerId| Submission { player: *player, values: vec![5], at: None, metadata: None };
        let of: Vec<Submission> = part.iter().map(of).collect();
        w.engine.submit(&w.server(), &name("points"), &of).await.unwrap();
    }
    cut_short(&w, "points").await;
    let left = async || {
        let rows = w.stores[0].list(&KeyRange::AllEntries(name("points")), None, 300, false).await.unwrap();
        let marks = w.stores[0].list(&KeyRange::AllClosing, None, 9, false).await.unwrap();
        (rows.len(), marks.len())
    };
    // The mark is one of the hundred of a change set.
    for expected in [(250, 1), (151, 1), (52, 1), (0, 0)] {
        assert_eq!(left().await, expected);
        w.engine.upkeep(&Retention::default()).await.unwrap();
    }
}

/// Whoever goes on with a board that was given up takes nothing from another one of its name.
#[tokio::test]
async fn another_board_of_the_name_loses_nothing_to_the_end_of_the_first() {
    let mut redefined = 0;
    for polls in 1..80 {
        let w = world(1, 4_096, Faults::NONE);
        let p = w.players(2).await;
        let points = of_scores("points", vec![submitted(Operator::Incr, Direction::Descending)]);
        let wish = || WatchWish { top: vec![1], ..WatchWish::default() };
        define(&w, points.clone()).await;
        submit(&w, "points", p[0], &[5]).await;
        w.engine.put_watch(&w.by(p[0]), &name("points"), p[0], wish()).await.unwrap();
        let other = w.node("other").await;
        w.stores[0].set_faults(Faults { yields_max: 1, seed: polls, ..Faults::NONE });
        let admin = w.admin();
        let (key, is_marked) = (name("points"), async || {
            !w.stores[0].list(&KeyRange::AllClosing, None, 9, false).await.unwrap().is_empty()
        });
        let mut gone = Box::pin(w.engine.delete_board(&admin, &key));
        let mut is_done = false;
        for _ in 0..polls {
            is_done = is_done || futures::poll!(&mut gone).is_ready();
        }
        w.stores[0].set_faults(Faults::NONE);
        if is_done {
            break;
        }
        if !is_marked().await {
            continue;
        }
        redefined += 1;
        other.put_board(&w.admin(), points).await.unwrap();
        let of = Submission { player: p[1], values: vec![7], at: None, metadata: None };
        other.submit(&w.server(), &name("points"), &[of]).await.unwrap();
        other.put_watch(&w.by(p[1]), &name("points"), p[1], wish()).await.unwrap();
        gone.await.unwrap();
        let rank = other.rank(&whole("points"), p[1], Viewer::Other).unwrap();
        assert_eq!(rank.rank.get(), 1, "after {polls}");
        let again = w.node("again").await;
        assert!(again.watch(&name("points"), p[1]).await.is_ok(), "after {polls}");
        assert!(again.rank(&whole("points"), p[1], Viewer::Other).is_ok(), "after {polls}");
        assert!(again.watch(&name("points"), p[0]).await.is_err(), "after {polls}");
    }
    assert!(redefined > 3, "{redefined}");
}

/// So is a board that counts results: it goes on doing so.
#[tokio::test]
async fn another_board_of_the_name_goes_on_counting() {
    let mut redefined = 0;
    for polls in 1..200 {
        let w = world(1, 4_096, Faults::NONE);
        w.teams("duel", 1, None).await;
        let wins = Column { value: Value::Wins, direction: Direction::Descending, operator: Operator::Last };
        let ladder = || BoardConfig { columns: vec![wins], season: weekly(), ..of_mode("ladder", "duel") };
        define(&w, ladder()).await;
        let other = w.node("other").await;
        w.stores[0].set_faults(Faults { yields_max: 1, seed: polls, ..Faults::NONE });
        let (admin, key) = (w.admin(), name("ladder"));
        let mut gone = Box::pin(w.engine.delete_board(&admin, &key));
        let mut is_done = false;
        for _ in 0..polls {
            is_done = is_done || futures::poll!(&mut gone).is_ready();
        }
        w.stores[0].set_faults(Faults::NONE);
        if is_done {
            break;
        }
        if w.stores[0].list(&KeyRange::AllClosing, None, 9, false).await.unwrap().is_empty() {
            continue;
        }
        redefined += 1;
        other.put_board(&w.admin(), ladder()).await.unwrap();
        gone.await.unwrap();
        let rows = w.stores[0].rows();
        let named = rows.iter().find_map(|(_, row)| match &**row {
            Row::Counting(row) => Some(row.boards.contains_key(&key)),
            _ => None,
        });
        assert_eq!(named, Some(true), "after {polls}");
    }
    assert!(redefined > 3, "{redefined}");
}

async fn who_is_hidden_or_watches_is_forgotten_with_the_board(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    beats(&w, p[0], p[1]).await;
    let points = of_scores("points", vec![submitted(Operator::Best, Direction::Descending)]);
    for definition in [points, of_mode("duel", "duel")] {
        let board = definition.name.clone();
        define(&w, definition.clone()).await;
        if board.as_str() == "points" {
            submit(&w, "points", p[0], &[9]).await;
        }
        w.engine.set_visibility(&w.admin(), &board, p[0], Visibility::Hidden, "cheated").await.unwrap();
        w.engine.set_visibility(&w.admin(), &board, p[1], Visibility::Shadow, "cheated").await.unwrap();
        let wish = WatchWish { top: vec![1], ..WatchWish::default() };
        w.engine.put_watch(&w.by(p[2]), &board, p[2], wish).await.unwrap();
        w.settle();
        let (hidden, next) = w.engine.hidden(&board, None, 1).await.unwrap();
        assert_eq!((hidden.len(), hidden[0].1.reason.as_str(), next), (1, "cheated", Some(hidden[0].0)));
        let (hidden, next) = w.engine.hidden(&board, next, 9).await.unwrap();
        assert_eq!((hidden.len(), next), (1, None));
        w.engine.delete_board(&w.admin(), &board).await.unwrap();
        w.settle();
        define(&w, definition).await;
        // The own board of a mode goes on meanwhile.
        let stays = board.as_str() == "duel";
        let (hidden, _) = w.engine.hidden(&board, None, 9).await.unwrap();
        assert_eq!(hidden.len(), if stays { 2 } else { 0 });
        assert_eq!(w.engine.watch(&board, p[2]).await.is_ok(), stays, "{board}");
        if !stays {
            submit(&w, "points", p[0], &[9]).await;
        }
        for engine in [&w.engine, &w.node("again").await] {
            let seen = engine.rank(&whole(board.as_str()), p[0], Viewer::Other);
            assert_eq!(seen.is_ok(), !stays, "{board}");
        }
    }
}
