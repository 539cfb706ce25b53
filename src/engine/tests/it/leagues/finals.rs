//! Once a season is paid out its table is the one truth: what is read of it and the levels that follow agree, whoever is
//! hidden or shown later.
use super::{LEAGUE, define, league, name, next_week, of_scores, sign};
use crate::world::{World, both};
use gsm_core::PlayerId;
use gsm_engine::{BoardRef, Engine, PayoutConfig, Submission, Viewer, Visibility};

both! {
    a_final_table_says_fates_ranks_and_levels,
    who_was_hidden_when_a_table_was_counted_stays_without_a_rank,
    a_level_that_was_entered_before_the_payout_is_told_everywhere,
}

const PAYOUT: PayoutConfig = PayoutConfig { page_size: 9, in_flight_max: 1, retry_after_ms: 1_000 };

/// Four players of a full cohort, with 40, 30, 20 and 10 points in the first season, which is over.
async fn ended(w: &World) -> Vec<PlayerId> {
    define(w, of_scores(league("cup", LEAGUE))).await;
    let p = w.players(4).await;
    for (player, value) in p.iter().zip([40, 30, 20, 10]) {
        submit(w, *player, value).await;
    }
    next_week(w);
    p
}

async fn submit(w: &World, player: PlayerId, value: i64) {
    let of = Submission { player, values: vec![value], at: None, metadata: None };
    w.engine.submit(&w.server(), &name("cup"), &[of]).await.unwrap();
    w.settle();
}

async fn see(w: &World, player: PlayerId, visibility: Visibility) {
    w.engine.set_visibility(&w.admin(), &name("cup"), player, visibility, "x").await.unwrap();
    w.settle();
}

/// The first page, as it comes again and again.
async fn paid(w: &World, engine: &Engine, p: &[PlayerId]) -> Vec<(u64, char)> {
    engine.begin_payout(&w.admin(), &name("cup"), 1, PAYOUT).await.unwrap();
    w.settle();
    w.clock.advance_ms(2_000);
    let page = engine.next_payout_page(&w.server(), &name("cup"), 1).await.unwrap().unwrap();
    w.settle();
    let row = |player| page.rows.iter().find(|row| row.player == player).unwrap();
    let told = |player: &PlayerId| {
        let row = row(*player);
        let seat = row.seat.unwrap();
        assert_eq!(row.rank, seat.rank, "there is one cohort");
        (number(seat.rank), sign(seat.fate))
    };
    p.iter().map(told).collect()
}

fn number(rank: Option<gsm_core::Rank>) -> u64 {
    rank.map_or(0, gsm_core::Rank::get)
}

/// What is told of the first season player by player, by the two reads; they agree. Then the level of the second.
async fn told(engine: &Engine, p: &[PlayerId]) -> Vec<(u64, char, u8)> {
    let of = BoardRef { season: Some(1), ..BoardRef::whole(name("cup")) };
    let mut all = Vec::new();
    for player in p {
        let seasons = engine.past_seats(&name("cup"), *player, None, 9, Viewer::All).await.unwrap();
        let past = seasons.iter().find(|of| of.season == 1).unwrap().seat;
        let level = seasons.iter().find(|of| of.season == 2).map_or(0, |of| of.seat.level.unwrap());
        let board = engine.open_board(&of).await.unwrap();
        let seat = engine.seat(&board, *player, Viewer::All).await.unwrap().unwrap();
        let rank = board.rank(*player, Viewer::All).ok().map(|view| view.rank);
        assert_eq!((past.rank, past.fate, past.players), (rank, seat.fate, seat.players), "{player}");
        all.push((number(past.rank), sign(past.fate), level));
    }
    all
}

async fn a_final_table_says_fates_ranks_and_levels(w: World) {
    let p = ended(&w).await;
    let of = BoardRef { season: Some(1), ..BoardRef::whole(name("cup")) };
    // It is in memory as everybody sees it.
    assert_eq!(w.engine.top(&of, 0, 9).await.unwrap().0.len(), 4);
    let final_table = [(1, '+'), (2, '='), (3, '='), (4, '-')];
    assert_eq!(paid(&w, &w.engine, &p).await, final_table);
    see(&w, p[0], Visibility::Hidden).await;
    see(&w, p[2], Visibility::Shadow).await;
    let again = w.node("again").await;
    let with_levels = |levels: [u8; 4]| {
        let rows = final_table.iter().zip(levels);
        rows.map(|((rank, fate), level)| (*rank, *fate, level)).collect::<Vec<_>>()
    };
    for engine in [&w.engine, &again] {
        assert_eq!(told(engine, &p).await, with_levels([0; 4]));
        // Who was hidden since is shown to nobody, not even to operators, and others keep their ranks.
        for viewer in [Viewer::Other, Viewer::All] {
            let (rows, players) = engine.top_seen_by(viewer, &of, 0, 9).await.unwrap();
            let ranks: Vec<_> = rows.iter().map(|row| (row.player, row.rank.get())).collect();
            assert_eq!((ranks, players), (vec![(p[1], 2), (p[3], 4)], 4));
            let page = engine.board_page_seen_by(viewer, &of, None, 9).await.unwrap();
            assert_eq!(page.rows, rows);
            let (among, _) = engine.among_seen_by(viewer, &of, &p).await.unwrap();
            assert_eq!(among.len(), 2);
        }
        // Who is asked for by name operators are shown.
        let (rows, _) = engine.around(&of, p[0], 9, Viewer::All).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.player).collect::<Vec<_>>(), [p[0], p[1], p[3]]);
        let (own, _) = engine.top_seen_by(Viewer::Player(p[2]), &of, 0, 9).await.unwrap();
        assert_eq!(own.len(), 3);
        let (among, _) = engine.among(&of, &p).await.unwrap();
        assert_eq!(among.len(), 2);
        let board = engine.open_board(&of).await.unwrap();
        assert!(board.rank(p[0], Viewer::Player(p[0])).is_err());
        assert_eq!(engine.seat(&board, p[0], Viewer::Other).await.unwrap(), None);
    }
    for player in &p {
        submit(&w, *player, 1).await;
    }
    let levels = with_levels([3, 2, 2, 1]);
    see(&w, p[0], Visibility::Shown).await;
    for engine in [&w.engine, &again, &w.node("third").await] {
        assert_eq!(told(engine, &p).await, levels);
        assert_eq!(paid(&w, engine, &p).await, final_table);
    }
}

async fn who_was_hidden_when_a_table_was_counted_stays_without_a_rank(w: World) {
    let p = ended(&w).await;
    see(&w, p[0], Visibility::Hidden).await;
    let final_table = [(0, '-'), (1, '+'), (2, '='), (3, '=')];
    assert_eq!(paid(&w, &w.engine, &p).await, final_table);
    see(&w, p[0], Visibility::Shown).await;
    for player in &p {
        submit(&w, *player, 1).await;
    }
    for engine in [&w.engine, &w.node("again").await] {
        assert_eq!(told(engine, &p).await, [(0, '-', 1), (1, '+', 3), (2, '=', 2), (3, '=', 2)]);
        assert_eq!(paid(&w, engine, &p).await, final_table);
    }
}

async fn a_level_that_was_entered_before_the_payout_is_told_everywhere(w: World) {
    let p = ended(&w).await;
    submit(&w, p[0], 1).await;
    see(&w, p[0], Visibility::Hidden).await;
    // The best of those who are seen, and not the last of them.
    submit(&w, p[1], 1).await;
    submit(&w, p[3], 1).await;
    see(&w, p[0], Visibility::Shown).await;
    let entered = [(1, '+', 3), (2, '+', 3), (3, '=', 0), (4, '=', 2)];
    assert_eq!(told(&w.engine, &p).await, entered);
    for engine in [&w.engine, &w.node("again").await] {
        assert_eq!(paid(&w, engine, &p).await, [(1, '+'), (2, '+'), (3, '='), (4, '=')]);
        assert_eq!(told(engine, &p).await, entered);
    }
}
