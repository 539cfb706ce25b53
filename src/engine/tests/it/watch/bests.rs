//! Personal bests: of what still counts, and each once.
use super::{beats, bests, name, scores, submit, told, watch};
use crate::{
    defined::of_mode,
    world::{World, both, mode},
};
use gsm_core::{BoardName, PlayerId};
use gsm_engine::{
    BoardConfig, BoardRef, Column, Direction, Operator, ScheduleConfig, Ties, Value, Viewer,
    store::{Cursor, RankNews},
};

both! {
    a_best_is_one_of_all_that_still_counts,
    a_best_sinks_with_a_match_before_it,
    what_is_set_by_hand_is_no_best,
    a_best_of_submissions_goes_with_its_entry,
    a_best_that_a_board_keeps_goes_with_its_match,
    a_best_of_a_season_is_one_of_the_season,
    wins_that_come_together_are_a_best,
    a_best_of_best_scores_goes_with_its_entry,
    a_best_outlasts_another_definition_of_the_board,
}

/// A board of `duel` that keeps the best rating.
async fn keeping(w: &World, board: &str, season: Option<ScheduleConfig>) {
    w.teams("duel", 1, None).await;
    let column = Column { value: Value::Rating, direction: Direction::Descending, operator: Operator::Best };
    let config = BoardConfig { columns: vec![column], season, ..of_mode(board, "duel") };
    w.engine.put_board(&w.admin(), config).await.unwrap();
    w.settle();
}

/// What a board shows of a player.
fn shown(w: &World, board: &BoardName, player: PlayerId) -> f64 {
    let view = w.engine.rank(&BoardRef::whole(board.clone()), player, Viewer::All).unwrap();
    view.keys.first() as f64 / 1_000.0
}

async fn a_best_that_a_board_keeps_goes_with_its_match(w: World) {
    keeping(&w, "most", None).await;
    let p = w.players(2).await;
    let (most, duel) = (name("most"), name("duel"));
    watch(&w, "most", p[0], bests()).await;
    let mut at = Cursor::default();
    beats(&w, p[0], p[1]).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None, "the first is no best");
    let first = shown(&w, &most, p[0]);
    let lifted = beats(&w, p[0], p[1]).await;
    let second = shown(&w, &most, p[0]);
    assert_eq!(best(&told(&w, p[0], &mut at).await), Some((second, first)));
    beats(&w, p[1], p[0]).await;
    w.engine.void_result(&w.admin(), lifted, "rigged").await.unwrap();
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    assert_eq!(shown(&w, &most, p[0]), first);
    // What lies between the best that counts and the one that is void is one.
    while shown(&w, &duel, p[0]) <= first {
        assert_eq!(best(&told(&w, p[0], &mut at).await), None);
        beats(&w, p[0], p[1]).await;
    }
    let third = shown(&w, &most, p[0]);
    assert!(third < second, "else this proves nothing");
    assert_eq!(best(&told(&w, p[0], &mut at).await), Some((third, first)));
    // Voided and bettered before anybody looks: that is still one of all that counts.
    let void = beats(&w, p[0], p[1]).await;
    told(&w, p[0], &mut at).await;
    w.engine.void_result(&w.admin(), void, "rigged").await.unwrap();
    beats(&w, p[0], p[1]).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), Some((shown(&w, &most, p[0]), third)));
}

async fn a_best_of_a_season_is_one_of_the_season(w: World) {
    let days = ScheduleConfig::Days { every: 7, zone: "UTC".into(), from: "2023-11-14T00:00".into() };
    keeping(&w, "weekly", Some(days)).await;
    let p = w.players(2).await;
    let weekly = name("weekly");
    watch(&w, "weekly", p[0], bests()).await;
    let mut at = Cursor::default();
    for _ in 0..3 {
        beats(&w, p[0], p[1]).await;
    }
    assert!(best(&told(&w, p[0], &mut at).await).is_some());
    w.clock.advance_ms(7 * 86_400_000);
    beats(&w, p[1], p[0]).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None, "the first of the season is no best");
    let first = shown(&w, &weekly, p[0]);
    beats(&w, p[0], p[1]).await;
    let second = shown(&w, &weekly, p[0]);
    assert_eq!(best(&told(&w, p[0], &mut at).await), Some((second, first)));
}

async fn wins_that_come_together_are_a_best(w: World) {
    keeping(&w, "most", None).await;
    let p = w.players(3).await;
    for board in ["duel", "most"] {
        watch(&w, board, p[0], bests()).await;
        // Who has a history begins with what he is.
        watch(&w, board, p[2], bests()).await;
    }
    let mut at = Cursor::default();
    beats(&w, p[0], p[1]).await;
    beats(&w, p[0], p[1]).await;
    let before = shown(&w, &name("duel"), p[0]);
    beats(&w, p[0], p[1]).await;
    let value = shown(&w, &name("duel"), p[0]);
    let both = told(&w, p[0], &mut at).await;
    assert_eq!(both, vec![RankNews::PersonalBest { value, before }; 2]);
    assert_eq!(told(&w, p[0], &mut at).await, []);
    // Who begins to watch with a history is told nothing of it, and who has none nothing of his first.
    watch(&w, "duel", p[1], bests()).await;
    beats(&w, p[2], p[0]).await;
    for player in [p[1], p[2]] {
        assert_eq!(told(&w, player, &mut Cursor::default()).await, []);
    }
}

async fn what_is_set_by_hand_is_no_best(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let duel = name("duel");
    let set = async |rating| {
        w.engine.set_rating(&w.admin(), &mode("duel"), p[0], rating, None, "x").await.unwrap();
        w.settle();
    };
    watch(&w, "duel", p[0], bests()).await;
    let mut at = Cursor::default();
    // The first match is none, whatever was set before it.
    set(1_300.0).await;
    beats(&w, p[0], p[1]).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    let first = shown(&w, &duel, p[0]);
    // What was set is not told, and a match that does not reach it is a best nevertheless.
    set(first + 2_000.0).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    beats(&w, p[1], p[0]).await;
    let second = shown(&w, &duel, p[0]);
    assert!(second < first + 2_000.0);
    assert_eq!(best(&told(&w, p[0], &mut at).await), Some((second, first)));
    beats(&w, p[1], p[0]).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
}

async fn a_best_of_best_scores_goes_with_its_entry(w: World) {
    scores(&w, Ties::Competition, Direction::Descending).await;
    let config = w.engine.board_config(&name("scores")).unwrap();
    let columns = config.columns.iter().map(|column| Column { operator: Operator::Best, ..*column });
    let config = BoardConfig { columns: columns.collect(), ..(*config).clone() };
    w.engine.put_board(&w.admin(), config).await.unwrap();
    w.settle();
    w.turn().await;
    let p = w.players(1).await;
    watch(&w, "scores", p[0], bests()).await;
    let mut at = Cursor::default();
    submit(&w, p[0], 20).await;
    told(&w, p[0], &mut at).await;
    // Gone and back with less before anybody looks.
    w.engine.remove_entry(&w.admin(), &BoardRef::whole(name("scores")), p[0], "cheat").await.unwrap();
    submit(&w, p[0], 5).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    submit(&w, p[0], 6).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), Some((6.0, 5.0)));
}

async fn a_best_outlasts_another_definition_of_the_board(w: World) {
    scores(&w, Ties::Competition, Direction::Descending).await;
    let p = w.players(1).await;
    let define = async |change: fn(&mut BoardConfig)| {
        let mut config = (*w.engine.board_config(&name("scores")).unwrap()).clone();
        change(&mut config);
        w.engine.put_board(&w.admin(), config).await.unwrap();
        w.settle();
    };
    let mut at = Cursor::default();
    watch(&w, "scores", p[0], bests()).await;
    for value in [100, 50] {
        submit(&w, p[0], value).await;
        assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    }
    define(|config| config.eligibility.games_min = 1).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    submit(&w, p[0], 70).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    // Nor does a watch that is put again forget it.
    define(|config| config.eligibility.games_min = 2).await;
    watch(&w, "scores", p[0], bests()).await;
    submit(&w, p[0], 80).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    submit(&w, p[0], 120).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), Some((120.0, 100.0)));
    // Where less is better it was no best.
    define(|config| config.columns[0].direction = Direction::Ascending).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    submit(&w, p[0], 110).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), Some((110.0, 120.0)));
}

fn best(news: &[RankNews]) -> Option<(f64, f64)> {
    match news {
        [] => None,
        [RankNews::PersonalBest { value, before }] => Some((*value, *before)),
        other => panic!("{other:?}"),
    }
}

async fn a_best_is_one_of_all_that_still_counts(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let score = || {
        let duel = BoardRef::from(&mode("duel"));
        w.engine.rank(&duel, p[0], Viewer::All).unwrap().keys.first() as f64 / 1_000.0
    };
    watch(&w, "duel", p[0], bests()).await;
    let mut at = Cursor::default();
    beats(&w, p[0], p[1]).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None, "the first is no best");
    let first = score();
    let lifted = beats(&w, p[0], p[1]).await;
    let second = score();
    assert_eq!(best(&told(&w, p[0], &mut at).await), Some((second, first)));
    beats(&w, p[1], p[0]).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    // Without the win there was no such best: a lower one is one again.
    w.engine.void_result(&w.admin(), lifted, "rigged").await.unwrap();
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    assert!(score() < first);
    beats(&w, p[0], p[1]).await;
    let third = score();
    assert!(third < second, "else this proves nothing");
    assert_eq!(best(&told(&w, p[0], &mut at).await), (third > first).then_some((third, first)));
    while score() <= first {
        beats(&w, p[0], p[1]).await;
    }
    // A win that is void before the turn was none, and a hand on the rating is none, nor what a match is held against.
    let void = beats(&w, p[0], p[1]).await;
    w.engine.void_result(&w.admin(), void, "rigged").await.unwrap();
    told(&w, p[0], &mut at).await;
    let most = score();
    w.engine.set_rating(&w.admin(), &mode("duel"), p[0], 2_500.0, None, "gift").await.unwrap();
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    beats(&w, p[0], p[1]).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), Some((score(), most)));
}

async fn a_best_sinks_with_a_match_before_it(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let score = || w.engine.rank(&BoardRef::from(&mode("duel")), p[0], Viewer::All).unwrap().keys.first();
    watch(&w, "duel", p[0], bests()).await;
    let mut at = Cursor::default();
    beats(&w, p[0], p[1]).await;
    told(&w, p[0], &mut at).await;
    let first = beats(&w, p[0], p[1]).await;
    told(&w, p[0], &mut at).await;
    beats(&w, p[0], p[1]).await;
    let most = score();
    assert!(best(&told(&w, p[0], &mut at).await).is_some());
    beats(&w, p[1], p[0]).await;
    w.engine.void_result(&w.admin(), first, "rigged").await.unwrap();
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    // The best that was told is another number now, and less: what lies between is a best.
    beats(&w, p[0], p[1]).await;
    beats(&w, p[1], p[0]).await;
    told(&w, p[0], &mut at).await;
    let mut heard = 0;
    while score() < most {
        beats(&w, p[0], p[1]).await;
        heard += told(&w, p[0], &mut at).await.len();
    }
    assert!(heard > 1, "{heard}");
}

async fn a_best_of_submissions_goes_with_its_entry(w: World) {
    scores(&w, Ties::Competition, Direction::Descending).await;
    let p = w.players(1).await;
    watch(&w, "scores", p[0], bests()).await;
    let mut at = Cursor::default();
    submit(&w, p[0], 10).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None, "the first is no best");
    submit(&w, p[0], 20).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), Some((20.0, 10.0)));
    submit(&w, p[0], 15).await;
    submit(&w, p[0], 20).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    w.engine.remove_entry(&w.admin(), &BoardRef::whole(name("scores")), p[0], "cheat").await.unwrap();
    assert_eq!(best(&told(&w, p[0], &mut at).await), None);
    submit(&w, p[0], 5).await;
    submit(&w, p[0], 6).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), None, "moves that come together are one");
    submit(&w, p[0], 7).await;
    assert_eq!(best(&told(&w, p[0], &mut at).await), Some((7.0, 6.0)));
}
