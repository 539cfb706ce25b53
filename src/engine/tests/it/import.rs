//! Histories from elsewhere.
use crate::{
    defined::{of_mode, of_scores, submitted},
    world::{World, both, first_wins, mode, places, refused},
};
use gsm_core::{PlayerId, RequestKey, Timestamp};
use gsm_engine::{BoardRef, Direction, ImportMatch, ImportPlayer, Imported, Operator, Viewer, store::Cursor};
use gsm_session::Roster;

both! {
    a_history_counts_once,
    a_changed_history_is_refused,
    a_history_is_known_whatever_was_ruled_on_it,
    matches_of_one_instant_are_in_the_order_of_their_file,
    imported_players_are_found_again,
    a_mode_that_was_imported_is_one,
}

async fn player(w: &World, name: &str) -> PlayerId {
    let (external, at) = (RequestKey::new(name).unwrap(), Timestamp::from_millis(-1_000));
    let player = ImportPlayer { external, id: None, name: None, at };
    w.engine.import_players(&[player]).await.unwrap()[0]
}

async fn history(w: &World, n: u64) -> ImportMatch {
    let sides = vec![vec![player(w, "a").await], vec![player(w, "b").await]];
    ImportMatch {
        number: n,
        mode: mode("old"),
        roster: Roster::new(sides).unwrap(),
        report: places(&[1, 2], &[]),
        at: Timestamp::from_millis(-1_000_000 + 1_000 * n as i64),
    }
}

async fn a_history_counts_once(w: World) {
    for round in 0..2 {
        for n in 0..5 {
            let imported = w.engine.import_match(&history(&w, n).await).await.unwrap();
            assert_eq!(imported, if round == 0 { Imported::New } else { Imported::Known });
        }
    }
    w.turn().await;
    let a = player(&w, "a").await;
    let row = w.engine.rating(&mode("old"), a).await.unwrap();
    assert_eq!((row.games, row.wins), (5, 5));
    assert_eq!(w.engine.rank(&BoardRef::from(&mode("old")), a, Viewer::All).unwrap().rank.get(), 1);
    let id = gsm_engine::Engine::import_match_id(&mode("old"), 3);
    let seen = w.engine.match_view(&w.by(a), id).await.unwrap();
    assert!(seen.result.is_some() && seen.row.state.is_terminal());
    assert_eq!(w.engine.history(&mode("old"), a, None, 10).await.unwrap().len(), 5);
    let expected = w.engine.expected(&mode("old"), &history(&w, 0).await.roster, row.rated_at).await.unwrap();
    assert!(expected[0].get() > 0.5);
    assert_eq!(w.engine.events(a, Cursor::default(), 10).await.unwrap(), [], "nobody is told of long ago");
}

async fn a_changed_history_is_refused(w: World) {
    let mut new = history(&w, 1).await;
    w.engine.import_match(&new).await.unwrap();
    new.report = places(&[2, 1], &[]);
    refused(w.engine.import_match(&new).await, "result_contradicts");
    new.report = first_wins(&[PlayerId::from_u128(1)]);
    refused(w.engine.import_match(&new).await, "invalid");
}

async fn a_history_is_known_whatever_was_ruled_on_it(w: World) {
    for n in 0..3 {
        w.engine.import_match(&history(&w, n).await).await.unwrap();
    }
    let id = |n| gsm_engine::Engine::import_match_id(&mode("old"), n);
    w.engine.correct_result(&w.admin(), id(0), &places(&[2, 1], &[]), "x").await.unwrap();
    w.engine.void_result(&w.admin(), id(1), "x").await.unwrap();
    let b = history(&w, 0).await.roster.sides()[1][0];
    w.engine.erase_player(&w.admin(), b, Some("x")).await.unwrap();
    w.settle();
    w.turn().await;
    let mut again = Vec::new();
    for n in 0..4 {
        again.push(history(&w, n).await);
    }
    assert_ne!(again[0].roster.sides()[1][0], b, "who comes back is somebody new");
    let done = w.engine.import_matches(&again).await.unwrap();
    assert_eq!(done, [Imported::Known, Imported::Known, Imported::Known, Imported::New]);
    for new in &again {
        assert_eq!(w.engine.import_match(new).await.unwrap(), Imported::Known);
    }
    let mut other = history(&w, 2).await;
    other.report = places(&[2, 1], &[]);
    refused(w.engine.import_matches(&[other]).await, "result_contradicts");
}

async fn matches_of_one_instant_are_in_the_order_of_their_file(w: World) {
    for (number, names) in [(1, ["a", "b"]), (2, ["a", "c"]), (3, ["d", "e"])] {
        let mut sides = Vec::new();
        for name in names {
            sides.push(vec![player(&w, name).await]);
        }
        let at = Timestamp::from_millis(0);
        let new =
            ImportMatch { number, at, roster: Roster::new(sides).unwrap(), ..history(&w, number).await };
        w.engine.import_match(&new).await.unwrap();
    }
    // The third follows on nothing, and comes last nevertheless.
    let read = w.engine.match_history(&mode("old")).await.unwrap();
    let players = |index| read.sides(index).flat_map(|side| side.players.to_vec()).collect::<Vec<u32>>();
    assert_eq!([0, 1, 2].map(players), [[0, 1], [0, 2], [3, 4]]);
}

async fn imported_players_are_found_again(w: World) {
    let a = player(&w, "a").await;
    assert_eq!(player(&w, "a").await, a);
    assert_ne!(player(&w, "b").await, a);
}

async fn a_mode_that_was_imported_is_one(w: World) {
    let a = player(&w, "a").await;
    refused(w.engine.set_rating(&w.admin(), &mode("old"), a, 1_800.0, None, "x").await, "not_found");
    w.engine.import_match(&history(&w, 0).await).await.unwrap();
    w.turn().await;
    w.engine.put_board(&w.admin(), of_mode("wins", "old")).await.unwrap();
    w.settle();
    let a_rank = w.engine.rank(&BoardRef::whole(of_mode("wins", "old").name), a, Viewer::All);
    assert_eq!(a_rank.unwrap().rank.get(), 1);
    assert_eq!(
        w.engine.set_rating(&w.admin(), &mode("old"), a, 1_800.0, None, "x").await.unwrap().rating.mean,
        1_800.0
    );
    // Its name is for boards that follow it.
    let column = submitted(Operator::Best, Direction::Descending);
    let scores = of_scores("old", vec![column]);
    refused(w.engine.put_board(&w.admin(), scores).await, "invalid");
    refused(w.engine.put_board(&w.admin(), of_mode("none", "none")).await, "not_found");
}
