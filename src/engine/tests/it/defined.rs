//! Boards that are defined: divided, submitted to, seen by some, paged through while they move.
use crate::{
    matches::made,
    world::{World, both, mode, one_home, places, refused, wide, world},
};
use gsm_core::{Attribute, BoardName, Clock, CommitKey, PlayerId, QueueName, Rank, Timestamp, limits};
use gsm_engine::{
    BoardConfig, BoardRef, Column, Cut, Dimension, Direction, Eligibility, Operator, Part, Places,
    QueueConfig, ScheduleConfig, Source, Submission, Ties, Value, Viewer, Visibility,
    store::{ChangeSet, Key, Row, Store, memory::Faults},
};
use std::collections::BTreeMap;

both! {
    a_board_is_filled_from_the_past_and_follows_results,
    the_name_of_a_mode_is_for_boards_that_follow_it,
    the_own_board_of_a_mode_is_full_when_its_definition_goes,
    a_mode_whose_board_waits_for_its_first_season_is_there,
    a_part_holds_those_who_belong_there,
    submissions_do_what_the_columns_say,
    what_is_imported_first_is_taken_as_it_was_shown,
    metadata_goes_with_the_score_that_is_kept,
    a_late_score_is_no_earlier_than_what_it_adds_to,
    a_clock_that_is_a_little_ahead_loses_nothing,
    so_many_boards_are_defined_beside_those_of_the_modes,
    a_hidden_player_counts_for_nobody,
    a_listing_leaves_out_who_goes_into_the_shadow_meanwhile,
    to_who_is_in_the_shadow_all_is_as_if_he_were_ranked,
    who_may_not_be_ranked_waits,
    who_became_idle_is_not_ranked_however_late_that_is_told,
    a_restart_shows_the_same_boards,
}

pub(crate) fn name(text: &str) -> BoardName {
    BoardName::new(text).unwrap()
}
pub(crate) fn whole(text: &str) -> BoardRef {
    BoardRef::whole(name(text))
}
pub(crate) fn submitted(operator: Operator, direction: Direction) -> Column {
    Column { value: Value::Submitted, direction, operator }
}

pub(crate) fn of_mode(text: &str, of: &str) -> BoardConfig {
    let (value, direction) = (Value::Rating, Direction::Descending);
    BoardConfig {
        name: name(text),
        source: Source::Mode(mode(of)),
        columns: vec![Column { value, direction, operator: Operator::Last }],
        ties: Ties::default(),
        by: Vec::new(),
        eligibility: Eligibility::default(),
        season: None,
        tiers: None,
        grouping: None,
        past: false,
    }
}

pub(crate) fn of_scores(text: &str, columns: Vec<Column>) -> BoardConfig {
    BoardConfig { source: Source::Submissions, columns, ..of_mode(text, "duel") }
}

pub(crate) async fn define(w: &World, config: BoardConfig) {
    w.engine.put_board(&w.admin(), config).await.unwrap();
    w.settle();
    w.turn().await;
}

pub(crate) async fn beats(w: &World, winner: PlayerId, loser: PlayerId) {
    let id = made(w, &[winner, loser]).await.id;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    w.clock.advance_ms(1_000);
    w.settle();
}

pub(crate) async fn submit(w: &World, board: &str, player: PlayerId, values: &[i64]) {
    let of = Submission { player, values: values.to_vec(), at: None, metadata: None };
    w.engine.submit(&w.server(), &name(board), &[of]).await.unwrap();
    w.clock.advance_ms(1_000);
    w.settle();
}

pub(crate) fn rank(w: &World, board: &str, player: PlayerId) -> u64 {
    w.engine.rank(&whole(board), player, Viewer::Other).map_or(0, |view| view.rank.get())
}

async fn the_name_of_a_mode_is_for_boards_that_follow_it(w: World) {
    w.teams("duel", 1, None).await;
    w.teams("blitz", 1, None).await;
    let scores = of_scores("duel", vec![submitted(Operator::Best, Direction::Descending)]);
    for wrong in [scores, of_mode("duel", "blitz")] {
        let error = w.engine.put_board(&w.admin(), wrong).await.unwrap_err();
        assert!(error.to_string().contains("\"mode\": \"duel\""), "{error}");
    }
    define(&w, of_mode("duel", "duel")).await;
    // Nor the other way round, but for a mode that there is already.
    define(&w, of_scores("laps", vec![submitted(Operator::Best, Direction::Descending)])).await;
    define(&w, of_mode("solo", "duel")).await;
    for taken in ["laps", "solo"] {
        let queue = QueueConfig::new(QueueName::new("other").unwrap(), mode(taken), wide(1));
        for answer in [
            w.engine.put_queue(&w.admin(), queue.clone()).await,
            w.engine.create_queue(&w.admin(), queue.clone()).await,
            w.engine
                .change_queue(&w.admin(), &QueueName::new("duel").unwrap(), |there| {
                    there.mode = mode(taken);
                    Ok(())
                })
                .await,
        ] {
            assert!(answer.unwrap_err().to_string().contains(taken));
        }
        refused(w.engine.check_new_mode(&mode(taken)), "invalid");
    }
    w.teams("duel", 1, Some(10)).await;
}

async fn the_own_board_of_a_mode_is_full_when_its_definition_goes(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(4).await;
    beats(&w, p[0], p[1]).await;
    beats(&w, p[2], p[3]).await;
    let rating = of_mode("duel", "duel").columns[0];
    let best = vec![Column { operator: Operator::Best, ..rating }];
    let season = Some(ScheduleConfig::At { starts_at: vec!["2023-11-01T00:00:00Z".into()] });
    let definitions = [
        of_mode("duel", "duel"),
        BoardConfig { columns: best, ..of_mode("duel", "duel") },
        BoardConfig { season, ..of_mode("duel", "duel") },
    ];
    for definition in definitions {
        for restarts in [false, true] {
            define(&w, definition.clone()).await;
            let again = w.node("again").await;
            let engine = if restarts { &again } else { &w.engine };
            engine.delete_board(&w.admin(), &name("duel")).await.unwrap();
            w.settle();
            beats(&w, p[0], p[1]).await;
            for engine in [engine, &w.engine] {
                engine.open_board(&whole("duel")).await.unwrap();
                assert_eq!(engine.modes(), [(mode("duel"), 4)], "{restarts} {definition:?}");
            }
        }
    }
}

async fn a_board_is_filled_from_the_past_and_follows_results(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    beats(&w, p[0], p[1]).await;
    let wins = Column { value: Value::Wins, direction: Direction::Descending, operator: Operator::Last };
    let columns = vec![wins, Column { value: Value::Rating, ..wins }];
    define(&w, BoardConfig { columns, ..of_mode("most-wins", "duel") }).await;
    assert_eq!((rank(&w, "most-wins", p[0]), rank(&w, "most-wins", p[1])), (1, 2));
    // Two wins over the weakest are more than one over the best.
    beats(&w, p[1], p[2]).await;
    beats(&w, p[1], p[2]).await;
    assert_eq!([0, 1, 2].map(|n| rank(&w, "most-wins", p[n])), [2, 1, 3]);
    assert_eq!(w.engine.rank(&whole("most-wins"), p[1], Viewer::All).unwrap().keys.columns()[0], 2);
    let (keys, players) =
        w.engine.open_board(&whole("most-wins")).await.unwrap().cut(Cut::Rank(Rank::after(0))).unwrap();
    assert_eq!((keys.unwrap().first(), players), (2, 3));
    w.engine.delete_board(&w.admin(), &name("most-wins")).await.unwrap();
    w.settle();
    refused(w.engine.rank(&whole("most-wins"), p[0], Viewer::All), "not_found");
    assert_eq!(w.engine.modes(), [(mode("duel"), 3)]);
}

async fn a_mode_whose_board_waits_for_its_first_season_is_there(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    beats(&w, p[0], p[1]).await;
    let from = "2033-11-14T00:00".into();
    let season = Some(ScheduleConfig::Days { every: 7, zone: "UTC".into(), from });
    define(&w, BoardConfig { season, ..of_mode("duel", "duel") }).await;
    assert_eq!((w.engine.modes(), w.engine.all_modes().await.unwrap()), (vec![], vec![mode("duel")]));
    let later = w.node("later").await;
    assert_eq!(later.all_modes().await.unwrap(), [mode("duel")]);
}

async fn a_part_holds_those_who_belong_there(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(4).await;
    define(&w, BoardConfig { by: vec![Dimension::Region, Dimension::Group], ..of_mode("duel", "duel") })
        .await;
    let attribute = |text: &str| Attribute::new(text).unwrap();
    let settle = async |player, region: &str, groups: &[&str]| {
        let groups = groups.iter().map(|group| attribute(group)).collect();
        let places = Places { region: Some(attribute(region)), platform: None, groups };
        w.engine.set_places(&w.server(), player, places).await.unwrap();
        w.settle();
    };
    settle(p[0], "eu", &["red"]).await;
    settle(p[1], "eu", &["red", "blue"]).await;
    beats(&w, p[0], p[1]).await;
    beats(&w, p[2], p[3]).await;
    settle(p[2], "us", &["blue"]).await;
    let all = async || {
        use Dimension::{Group, Region};
        let mut sizes = Vec::new();
        for (dimension, value) in [(Region, "eu"), (Region, "us"), (Group, "red"), (Group, "blue")] {
            let part = Some(Part::Of(dimension, attribute(value)));
            let of = BoardRef { part, ..whole("duel") };
            let cut = w.engine.open_board(&of).await.unwrap().cut(Cut::TopPercent(100.0));
            sizes.push(cut.map_or(0, |cut| cut.1));
        }
        sizes
    };
    assert_eq!(all().await, [2, 1, 2, 2]);
    let blue = BoardRef {
        name: name("duel"),
        part: Some(Part::Of(Dimension::Group, attribute("blue"))),
        season: None,
    };
    assert_eq!(w.engine.rank(&blue, p[1], Viewer::All).unwrap().rank.get(), 2);
    settle(p[1], "us", &[]).await;
    assert_eq!(all().await, [1, 2, 1, 1]);
    // Back again, and moved meanwhile.
    beats(&w, p[1], p[2]).await;
    settle(p[1], "eu", &["blue"]).await;
    assert_eq!(all().await, [2, 1, 1, 2]);
    refused(
        w.engine
            .top(
                &BoardRef {
                    name: name("duel"),
                    part: Some(Part::Of(Dimension::Platform, attribute("pc"))),
                    season: None,
                },
                0,
                1,
            )
            .await,
        "not_found",
    );
    w.settle();
    let again = w.node("restarted").await;
    assert_eq!(again.boards()[0].parts, w.engine.boards()[0].parts);
}

async fn submissions_do_what_the_columns_say(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    let (down, up) = (Direction::Descending, Direction::Ascending);
    let columns = vec![submitted(Operator::Best, up), submitted(Operator::Incr, down)];
    define(&w, of_scores("laps", columns)).await;
    submit(&w, "laps", p[0], &[70_000, 1]).await;
    submit(&w, "laps", p[0], &[72_000, 1]).await;
    submit(&w, "laps", p[1], &[70_000, 1]).await;
    submit(&w, "laps", p[2], &[69_000, 1]).await;
    assert_eq!([0, 1, 2].map(|n| rank(&w, "laps", p[n])), [2, 3, 1]);
    let entry = w.engine.entry(&whole("laps"), p[0]).await.unwrap().unwrap();
    assert_eq!((&entry.values[..2], entry.submissions), (&[70_000, 2][..], 2));
    let bad = async |values: Vec<i64>, field: &str| {
        let of = [Submission { player: p[0], values, at: None, metadata: None }];
        let refused = w.engine.submit(&w.server(), &name("laps"), &of).await.unwrap_err();
        assert!(refused.to_string().contains(field), "{refused}");
    };
    bad(vec![1], "entries[0].values").await;
    bad(vec![1, i64::MAX], "entries[0].values").await;
    bad(vec![1, 9_007_199_254_740_991], "entries[0].values").await;
    let stranger =
        Submission { player: PlayerId::from_u128(9), values: vec![1, 1], at: None, metadata: None };
    refused(w.engine.submit(&w.server(), &name("laps"), &[stranger]).await, "invalid");
    refused(w.engine.submit(&w.server(), &name("duel"), &[]).await, "invalid");
    assert_eq!(w.engine.entry(&whole("laps"), p[0]).await.unwrap().unwrap(), entry, "nothing changed");
    w.engine.remove_entry(&w.admin(), &whole("laps"), p[2], "cheated").await.unwrap();
    w.settle();
    assert_eq!([0, 1, 2].map(|n| rank(&w, "laps", p[n])), [1, 2, 0]);
}

async fn so_many_boards_are_defined_beside_those_of_the_modes(w: World) {
    let p = w.players(2).await;
    for mode in ["duel", "solo"] {
        w.teams(mode, 1, None).await;
        let call = w.admin();
        w.engine.set_rating(&call, &crate::world::mode(mode), p[0], 1_600.0, None, "a test").await.unwrap();
        w.settle();
    }
    let board =
        |n: usize| of_scores(&format!("b{n}"), vec![submitted(Operator::Incr, Direction::Descending)]);
    // All but the last are written at once, as defining them one by one takes a while.
    let documents = w.stores.get(1).unwrap_or(&w.stores[0]);
    let most = limits::BOARDS_MAX;
    for n in 1..most {
        let mut changes = ChangeSet::new(CommitKey::from_u128(n as u128), w.clock.now());
        let json = serde_json::to_string(&board(n)).unwrap();
        changes.create(Key::Board(board(n).name), Row::Board(json));
        documents.commit(changes).await.unwrap();
    }
    w.settle();
    define(&w, board(most)).await;
    refused(w.engine.put_board(&w.admin(), board(most + 1)).await, "too_many_boards");
    define(&w, board(7)).await;
    w.engine.delete_board(&w.admin(), &name("b7")).await.unwrap();
    define(&w, board(most + 1)).await;
}

async fn a_hidden_player_counts_for_nobody(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(4).await;
    beats(&w, p[0], p[1]).await;
    beats(&w, p[2], p[3]).await;
    beats(&w, p[0], p[2]).await;
    let see = async |visibility| {
        w.engine.set_visibility(&w.admin(), &name("duel"), p[0], visibility, "cheated").await.unwrap();
        w.settle();
    };
    see(Visibility::Hidden).await;
    assert_eq!((rank(&w, "duel", p[0]), rank(&w, "duel", p[2])), (0, 1));
    refused(w.engine.rank(&whole("duel"), p[0], Viewer::Player(p[0])), "not_found");
    see(Visibility::Shadow).await;
    assert_eq!((rank(&w, "duel", p[0]), rank(&w, "duel", p[2])), (0, 1));
    let own = w.engine.rank(&whole("duel"), p[0], Viewer::Player(p[0])).unwrap();
    assert_eq!((own.rank.get(), own.players), (1, 4));
    // He plays on, and stays in the shadow.
    beats(&w, p[0], p[1]).await;
    assert_eq!((rank(&w, "duel", p[0]), rank(&w, "duel", p[2])), (0, 1));
    let again = w.node("restarted").await;
    refused(again.rank(&whole("duel"), p[0], Viewer::Other), "not_found");
    see(Visibility::Shown).await;
    assert_eq!((rank(&w, "duel", p[0]), rank(&w, "duel", p[2])), (1, 2));
}

async fn a_listing_leaves_out_who_goes_into_the_shadow_meanwhile(w: World) {
    let p = w.players(4).await;
    define(&w, of_scores("laps", vec![submitted(Operator::Best, Direction::Descending)])).await;
    for (player, value) in p.iter().zip([4, 3, 2, 1]) {
        submit(&w, "laps", *player, &[value]).await;
    }
    let first = w.engine.board_page(&whole("laps"), None, 2).await.unwrap();
    submit(&w, "laps", p[3], &[9]).await;
    let shadow = Visibility::Shadow;
    w.engine.set_visibility(&w.admin(), &name("laps"), p[3], shadow, "cheated").await.unwrap();
    w.settle();
    let rest = w.engine.board_page(&whole("laps"), first.next.as_deref(), 9).await.unwrap();
    assert_eq!(rest.rows.iter().map(|row| row.player).collect::<Vec<_>>(), [p[2]]);
}

async fn a_late_score_is_no_earlier_than_what_it_adds_to(w: World) {
    let p = w.players(2).await;
    let down = Direction::Descending;
    let (best, sum) = (submitted(Operator::Best, down), submitted(Operator::Incr, down));
    let listed = async |board: &str, columns: Vec<Column>, scores: &[(usize, &[i64], i64)]| {
        define(&w, BoardConfig { ties: Ties::Ordinal, ..of_scores(board, columns) }).await;
        let now = w.clock.now().as_millis();
        for (nth, values, ago) in scores {
            let at = Some(Timestamp::from_millis(now - ago));
            let of = Submission { player: p[*nth], values: values.to_vec(), at, metadata: None };
            w.engine.submit(&w.server(), &name(board), &[of]).await.unwrap();
        }
        w.settle();
        let (rows, _) = w.engine.top(&whole(board), 0, 9).await.unwrap();
        rows.iter().map(|row| (row.player, now - row.reached_at.as_millis())).collect::<Vec<_>>()
    };
    let scores: &[(usize, &[i64], i64)] = &[(0, &[10], 60), (1, &[5], 30), (1, &[5], 90)];
    assert_eq!(listed("sums", vec![sum], scores).await, [(p[0], 60), (p[1], 30)]);
    let scores: &[(usize, &[i64], i64)] = &[(0, &[5, 1], 10), (0, &[3, 9], 50), (1, &[5, 9], 20)];
    assert_eq!(listed("bests", vec![best, best], scores).await, [(p[1], 20), (p[0], 10)]);
    // What was better by itself, was so then.
    let scores: &[(usize, &[i64], i64)] = &[(0, &[5], 10), (0, &[9], 50), (1, &[9], 20)];
    assert_eq!(listed("best", vec![best], scores).await, [(p[0], 50), (p[1], 20)]);
}

async fn metadata_goes_with_the_score_that_is_kept(w: World) {
    let player = w.players(1).await[0];
    let kept = async |operator, scores: &[(i64, i64)]| {
        define(&w, of_scores("laps", vec![submitted(operator, Direction::Descending)])).await;
        let now = w.clock.now().as_millis();
        for (value, ago) in scores {
            let at = Some(Timestamp::from_millis(now - ago));
            let metadata = Some(format!("{value} of {ago}"));
            let of = Submission { player, values: vec![*value], at, metadata };
            w.engine.submit(&w.server(), &name("laps"), &[of]).await.unwrap();
        }
        let entry = w.engine.entry(&whole("laps"), player).await.unwrap().unwrap();
        w.engine.delete_board(&w.admin(), &name("laps")).await.unwrap();
        w.settle();
        entry.metadata.unwrap()
    };
    assert_eq!(kept(Operator::Best, &[(100, 9), (50, 8), (100, 7)]).await, "100 of 9");
    assert_eq!(kept(Operator::Best, &[(100, 9), (150, 8)]).await, "150 of 8");
    assert_eq!(kept(Operator::Last, &[(100, 9), (50, 10)]).await, "100 of 9");
    assert_eq!(kept(Operator::Last, &[(100, 9), (100, 8)]).await, "100 of 8");
    assert_eq!(kept(Operator::Set, &[(100, 9), (100, 10)]).await, "100 of 10");
    assert_eq!(kept(Operator::Incr, &[(100, 9), (0, 8)]).await, "0 of 8");
}

async fn what_is_imported_first_is_taken_as_it_was_shown(w: World) {
    let player = w.players(1).await[0];
    define(&w, of_scores("lives", vec![submitted(Operator::Decr, Direction::Descending)])).await;
    for after in [-3, 0] {
        let of = Submission { player, values: vec![-3], at: None, metadata: None };
        let taken = w.engine.import_scores(&w.server(), &name("lives"), &[of], &[None]).await.unwrap();
        assert_eq!(taken[0].values, [after]);
    }
    // In so many games as it says, however often it is told.
    define(&w, of_scores("best", vec![submitted(Operator::Best, Direction::Descending)])).await;
    for (games, after) in [(Some(7), 7), (Some(7), 7), (Some(3), 7), (None, 8)] {
        let of = Submission { player, values: vec![5], at: None, metadata: None };
        w.engine.import_scores(&w.server(), &name("best"), &[of], &[games]).await.unwrap();
        let entry = w.engine.entry(&whole("best"), player).await.unwrap().unwrap();
        assert_eq!(entry.submissions, after);
    }
}

async fn to_who_is_in_the_shadow_all_is_as_if_he_were_ranked(w: World) {
    let p = w.players(6).await;
    define(&w, of_scores("laps", vec![submitted(Operator::Last, Direction::Descending)])).await;
    for (player, value) in p.iter().zip([60, 50, 40, 30, 20, 10]) {
        submit(&w, "laps", *player, &[value]).await;
    }
    let (of, own) = (&whole("laps"), Viewer::Player(p[2]));
    let seen = async |viewer| {
        let board = w.engine.open_board(of).await.unwrap().seen_by(viewer);
        (
            w.engine.top_seen_by(viewer, of, 1, 3).await.unwrap(),
            w.engine.among_seen_by(viewer, of, &p[1..5]).await.unwrap(),
            w.engine.around(of, p[3], 2, viewer).await.unwrap(),
            board.ranks(&p, viewer).unwrap(),
            (board.cut(Cut::Rank(Rank::after(2))).unwrap(), board.histogram(6).unwrap()),
            w.engine.boards_seen_by(viewer).iter().map(|board| board.players).collect::<Vec<_>>(),
        )
    };
    let before = seen(Viewer::Other).await;
    w.engine.set_visibility(&w.admin(), &name("laps"), p[2], Visibility::Shadow, "cheated").await.unwrap();
    w.settle();
    assert_eq!(seen(own).await, before);
    assert_eq!(seen(Viewer::Other).await.0.1, 5);
    // Page by page he comes once, however he moves.
    for (then, expected) in [(25, [0, 1, 3, 2, 4, 5]), (99, [0, 1, 3, 4, 5, 2])] {
        submit(&w, "laps", p[2], &[40]).await;
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = w.engine.board_page_seen_by(own, of, after.as_deref(), 2).await.unwrap();
            assert_eq!(page.players, 6);
            all.extend(page.rows.iter().map(|row| row.player));
            after = page.next;
            if after.is_none() {
                break;
            }
            submit(&w, "laps", p[2], &[then]).await;
        }
        assert_eq!(all, expected.map(|n| p[n]));
    }
}

async fn a_clock_that_is_a_little_ahead_loses_nothing(w: World) {
    let p = w.players(1).await;
    define(&w, of_scores("laps", vec![submitted(Operator::Last, Direction::Descending)])).await;
    let ahead = |ms| Timestamp::from_millis(w.clock.now().as_millis() + ms);
    let give = async |value, ms| {
        let of = Submission { player: p[0], values: vec![value], at: Some(ahead(ms)), metadata: None };
        w.engine.check_scores(&name("laps"), std::slice::from_ref(&of)).await.map_err(|(_, error)| error)?;
        w.engine.submit(&w.server(), &name("laps"), &[of]).await
    };
    for (value, ms) in [(1, 0), (2, 1), (3, 1_000)] {
        give(value, ms).await.unwrap();
        w.settle();
        let row = w.engine.entry(&whole("laps"), p[0]).await.unwrap().unwrap();
        let times = [row.reached_at, row.submitted_at];
        assert_eq!((row.values[0], times), (value, [ahead(0); 2]), "nothing is kept of the future");
    }
    refused(give(4, 1_001).await, "invalid");
    // The system's clock was put right by an hour: who goes by it is not ahead; and back, where nobody is who was not before.
    for (wall, value, ms) in [(3_600_000, 5, 3_601_000), (-3_600_000, 6, 1_000)] {
        w.clock.set_wall_ahead_ms(wall);
        give(value, ms).await.unwrap();
        refused(give(7, ms + 1).await, "invalid");
        w.settle();
        let row = w.engine.entry(&whole("laps"), p[0]).await.unwrap().unwrap();
        assert_eq!((row.values[0], row.reached_at), (value, ahead(0)));
    }
}

async fn who_became_idle_is_not_ranked_however_late_that_is_told(w: World) {
    let p = w.players(2).await;
    let eligibility = Eligibility { idle_days_max: 1, ..Eligibility::default() };
    let scores = of_scores("laps", vec![submitted(Operator::Last, Direction::Descending)]);
    define(&w, BoardConfig { eligibility, ..scores }).await;
    submit(&w, "laps", p[1], &[4]).await;
    let nearly_a_day_ago = Timestamp::from_millis(w.clock.now().as_millis() - 86_396_000);
    let of = Submission { player: p[0], values: vec![5], at: Some(nearly_a_day_ago), metadata: None };
    w.engine.submit(&w.server(), &name("laps"), &[of]).await.unwrap();
    w.turn().await;
    assert_eq!([0, 1].map(|n| rank(&w, "laps", p[n])), [1, 2]);
    w.clock.advance_ms(6_000);
    w.turn().await;
    assert_eq!([0, 1].map(|n| rank(&w, "laps", p[n])), [0, 1]);
}

async fn who_may_not_be_ranked_waits(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let eligibility = Eligibility { games_min: 2, idle_days_max: 10, ..Eligibility::default() };
    define(&w, BoardConfig { eligibility, ..of_mode("regulars", "duel") }).await;
    beats(&w, p[0], p[1]).await;
    assert_eq!((rank(&w, "regulars", p[0]), rank(&w, "duel", p[0])), (0, 1));
    beats(&w, p[0], p[1]).await;
    assert_eq!((rank(&w, "regulars", p[0]), rank(&w, "regulars", p[1])), (1, 2));
    w.clock.advance_ms(10 * 86_400_000 + 1);
    w.turn().await;
    assert_eq!((rank(&w, "regulars", p[0]), rank(&w, "duel", p[0])), (0, 1));
    beats(&w, p[0], p[1]).await;
    assert_eq!(rank(&w, "regulars", p[0]), 1);
}

async fn a_restart_shows_the_same_boards(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    define(&w, of_scores("fishing", vec![submitted(Operator::Best, Direction::Descending)])).await;
    define(&w, BoardConfig { ties: Ties::Dense, ..of_mode("dense", "duel") }).await;
    define(&w, BoardConfig { by: vec![Dimension::Region], ..of_mode("regions", "duel") }).await;
    define(&w, BoardConfig { by: vec![Dimension::Platform], ..of_mode("platforms", "duel") }).await;
    for (player, region) in p.iter().zip(["eu", "na", "eu"]) {
        let places = Places { region: Some(Attribute::new(region).unwrap()), ..Places::default() };
        w.engine.set_places(&w.admin(), *player, places).await.unwrap();
    }
    beats(&w, p[0], p[1]).await;
    beats(&w, p[2], p[1]).await;
    for (player, value) in p.iter().zip([5, 9, 9]) {
        submit(&w, "fishing", *player, &[value]).await;
    }
    w.settle();
    let again = w.node("restarted").await;
    let region = |region| Some(Part::Of(Dimension::Region, Attribute::new(region).unwrap()));
    let parts = ["eu", "na"].map(|name| BoardRef { part: region(name), ..whole("regions") });
    let boards = ["fishing", "dense", "duel", "regions", "platforms"].map(whole);
    for board in boards.iter().chain(&parts) {
        let here = w.engine.top(board, 0, 10).await.unwrap();
        assert!(here.1 > 0);
        assert_eq!(again.top(board, 0, 10).await.unwrap(), here, "{board:?}");
    }
}

/// Pages of a few while players move at random between them: everybody who is ranked all the time comes exactly once.
#[tokio::test]
async fn paging_through_a_moving_board_shows_each_player_once() {
    let w = one_home();
    w.teams("duel", 1, None).await;
    let p = w.players(40).await;
    define(&w, of_scores("moving", vec![submitted(Operator::Set, Direction::Descending)])).await;
    let mut dice = 7_u64;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    for player in &p {
        submit(&w, "moving", *player, &[roll(30) as i64]).await;
    }
    for limit in [1, 3, 7, 40] {
        let mut seen: BTreeMap<PlayerId, u32> = BTreeMap::new();
        let mut after: Option<String> = None;
        loop {
            let page = w.engine.board_page(&whole("moving"), after.as_deref(), limit).await.unwrap();
            assert!(page.rows.len() <= limit);
            // Whoever asks again gets the same.
            let again = w.engine.board_page(&whole("moving"), after.as_deref(), limit).await;
            if after.is_some() {
                assert_eq!(again.unwrap().rows, page.rows);
            }
            page.rows.iter().for_each(|row| *seen.entry(row.player).or_default() += 1);
            for _ in 0..roll(6) {
                submit(&w, "moving", p[roll(40) as usize], &[roll(30) as i64]).await;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 40, "pages of {limit} left somebody out");
        assert!(seen.values().all(|times| *times == 1), "pages of {limit} repeat somebody: {seen:?}");
    }
    refused(w.engine.board_page(&whole("moving"), Some("gsm1.x.y"), 3).await, "invalid");
    let first = w.engine.board_page(&whole("moving"), None, 3).await.unwrap().next.unwrap();
    refused(w.engine.board_page(&whole("duel"), Some(&first), 3).await, "invalid");
    w.clock.advance_ms(3_600_000);
    refused(w.engine.board_page(&whole("moving"), Some(&first), 3).await, "page_gone");
}

#[tokio::test]
async fn many_may_write_one_entry_at_once() {
    let w = world(1, 4_096, Faults { yields_max: 9, ..Faults::NONE });
    let p = w.players(2).await;
    define(&w, of_scores("sums", vec![submitted(Operator::Incr, Direction::Descending)])).await;
    let (server, sums) = (w.server(), name("sums"));
    let many = (0..1_500).map(async |nth| {
        let of = |player| Submission { player, values: vec![1], at: None, metadata: None };
        let both = if nth % 2 == 0 { [of(p[0]), of(p[1])] } else { [of(p[1]), of(p[0])] };
        w.engine.submit(&server, &sums, &both).await.map(drop)
    });
    let done = futures::future::join_all(many).await;
    let refused = done.iter().filter(|one| one.is_err()).count();
    assert_eq!(refused, 0);
    for player in p {
        assert_eq!(w.engine.entry(&whole("sums"), player).await.unwrap().unwrap().values[0], 1_500);
    }
}
