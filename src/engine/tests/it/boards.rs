//! Boards: ranks, windows, histograms.
use crate::{
    matches::made,
    world::{World, both, first_wins, mode, places, refused},
};
use gsm_core::PlayerId;
use gsm_engine::{BoardRef, Viewer};

both! { ranks_follow_results, who_has_not_played_has_no_rank, a_restart_shows_the_same_board, history_is_paged }

async fn ranks_follow_results(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(5).await;
    let id = made(&w, &p).await.id;
    w.engine.report_result(&w.server(), id, None, &first_wins(&p)).await.unwrap();
    w.settle();
    let (rows, players) = w.engine.top(&BoardRef::from(&mode("duel")), 1, 3).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.player).collect::<Vec<_>>(), p[1..4]);
    assert_eq!((rows[0].rank.get(), players), (2, 5));
    assert_eq!(rows.iter().map(|row| row.percentile).collect::<Vec<_>>(), [75.0, 50.0, 25.0]);
    let (around, _) = w.engine.around(&BoardRef::from(&mode("duel")), p[4], 1, Viewer::All).await.unwrap();
    assert_eq!(around.iter().map(|row| row.player).collect::<Vec<_>>(), p[3..]);
    assert_eq!(around.last().map(|row| row.percentile), Some(0.0));
    let counted: u64 = w
        .engine
        .open_board(&BoardRef::from(&mode("duel")))
        .await
        .unwrap()
        .histogram(4)
        .unwrap()
        .iter()
        .map(|b| b.2)
        .sum();
    assert_eq!(counted, 5);
    assert_eq!(w.engine.modes(), [(mode("duel"), 5)]);
    let best = w.engine.rank(&BoardRef::from(&mode("duel")), p[0], Viewer::All).unwrap();
    assert_eq!((best.rank.get(), best.percentile), (1, 100.0));
}

async fn who_has_not_played_has_no_rank(w: World) {
    w.teams("duel", 1, None).await;
    let nobody = PlayerId::from_u128(1);
    refused(w.engine.rank(&BoardRef::from(&mode("duel")), nobody, Viewer::All), "not_found");
    refused(w.engine.around(&BoardRef::from(&mode("duel")), nobody, 3, Viewer::All).await, "not_found");
    refused(w.engine.rating(&mode("duel"), nobody).await, "not_found");
    assert_eq!(
        w.engine.top(&BoardRef::from(&mode("duel")), 0, 10).await.unwrap(),
        (vec![], 0),
        "an empty board is one"
    );
    refused(w.engine.top(&BoardRef::from(&mode("none")), 0, 10).await, "not_found");
    let none = w.engine.open_board(&BoardRef::from(&mode("none"))).await;
    refused(none.map(|_| ()), "not_found");
}

async fn a_restart_shows_the_same_board(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(4).await;
    for pair in [[0, 1], [2, 3], [0, 2]] {
        let id = made(&w, &[p[pair[0]], p[pair[1]]]).await.id;
        w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    }
    w.settle();
    let again = w.node("restarted").await;
    let here = w.engine.top(&BoardRef::from(&mode("duel")), 0, 10).await.unwrap();
    assert_eq!(again.top(&BoardRef::from(&mode("duel")), 0, 10).await.unwrap(), here);
}

async fn history_is_paged(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    for _ in 0..5 {
        let id = made(&w, &p).await.id;
        w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
        w.clock.advance_ms(1_000);
    }
    w.settle();
    let first = w.engine.history(&mode("duel"), p[0], None, 3).await.unwrap();
    let rest = w.engine.history(&mode("duel"), p[0], Some(first[2].depth), 3).await.unwrap();
    let games: Vec<u32> = first.iter().chain(&rest).map(|step| step.row.games).collect();
    assert_eq!(games, [5, 4, 3, 2, 1]);
}
