//! Rank events: told once, when they are true, to whom they concern.
mod bests;

use crate::{
    matches::made,
    world::{World, both, mode, places, refused},
};
use futures::FutureExt;
use gsm_core::{BoardName, MatchId, PlayerId};
use gsm_engine::{
    BoardConfig, BoardRef, Column, Direction, Eligibility, Engine, Operator, ScheduleConfig, Source,
    Submission, Ties, Value, Viewer, Visibility, WatchWish,
    store::{Cursor, PushKind, RankNews, memory::Faults},
};
use std::collections::BTreeMap;

both! {
    a_friend_who_passes_is_told_once,
    moves_that_cancel_out_are_not_told,
    equals_are_not_ahead,
    a_top_is_entered_and_left_also_as_others_move,
    who_is_not_seen_is_not_told_of,
    in_the_shadow_tops_are_told_as_others_move,
    who_is_idle_gives_his_place_to_others_at_once,
    a_friend_who_was_taken_off_and_is_back_ahead_has_passed,
    a_restart_neither_loses_nor_repeats,
    an_old_read_hides_no_news,
    a_watch_goes_on_while_it_is_changed,
    watches_are_refused_beyond_their_bounds,
    a_board_that_is_defined_anew_begins_anew,
    a_season_begins_with_nobody_in_a_top,
    events_agree_with_a_recount,
}

fn name(text: &str) -> BoardName {
    BoardName::new(text).unwrap()
}

fn friends(of: &[PlayerId]) -> WatchWish {
    WatchWish { friends: of.to_vec(), ..WatchWish::default() }
}
fn tops(top: &[u32]) -> WatchWish {
    WatchWish { top: top.to_vec(), ..WatchWish::default() }
}
fn bests() -> WatchWish {
    WatchWish { personal_best: true, ..WatchWish::default() }
}

async fn scores(w: &World, ties: Ties, direction: Direction) {
    scores_in(w, ties, direction, None).await;
}

async fn scores_in(w: &World, ties: Ties, direction: Direction, season: Option<ScheduleConfig>) {
    put_scores(w, BoardConfig { season, ..scores_of(ties, direction) }).await;
}

fn scores_of(ties: Ties, direction: Direction) -> BoardConfig {
    let column = Column { value: Value::Submitted, direction, operator: Operator::Set };
    BoardConfig {
        name: name("scores"),
        source: Source::Submissions,
        columns: vec![column],
        ties,
        by: Vec::new(),
        season: None,
        tiers: None,
        grouping: None,
        past: false,
        eligibility: Eligibility::default(),
    }
}

async fn put_scores(w: &World, config: BoardConfig) {
    w.engine.put_board(&w.admin(), config).await.unwrap();
    w.settle();
    w.turn().await;
}

async fn submit(w: &World, player: PlayerId, value: i64) {
    let of = Submission { player, values: vec![value], at: None, metadata: None };
    w.engine.submit(&w.server(), &name("scores"), &[of]).await.unwrap();
    w.clock.advance_ms(1_000);
    w.settle();
}

async fn beats(w: &World, winner: PlayerId, loser: PlayerId) -> MatchId {
    let id = made(w, &[winner, loser]).await.id;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    w.clock.advance_ms(1_000);
    w.settle();
    id
}

async fn watch(w: &World, board: &str, player: PlayerId, wish: WatchWish) {
    w.engine.put_watch(&w.by(player), &name(board), player, wish).await.unwrap();
    w.settle();
}

async fn turn_of(engine: &Engine, w: &World) {
    w.settle();
    engine.tell_ranks().await.unwrap();
    w.settle();
}

/// A turn, and the news that a player has heard in all since `after`.
async fn told(w: &World, player: PlayerId, after: &mut Cursor) -> Vec<RankNews> {
    turn_of(&w.engine, w).await;
    heard(w, player, after).await
}

async fn heard(w: &World, player: PlayerId, after: &mut Cursor) -> Vec<RankNews> {
    let items = w.engine.events(player, *after, 256).await.unwrap();
    *after = items.last().map_or(*after, |item| item.cursor);
    let news = items.into_iter().filter_map(|item| match item.event.kind {
        PushKind::Rank { news, .. } => Some(news),
        _ => None,
    });
    news.collect()
}

fn by(news: &[RankNews]) -> Vec<(PlayerId, u64)> {
    match news {
        [RankNews::Overtaken { by, friends }] => {
            assert_eq!(by.len(), *friends as usize);
            by.iter().map(|(player, rank)| (*player, rank.get())).collect()
        }
        other => panic!("{other:?}"),
    }
}

async fn a_season_begins_with_nobody_in_a_top(w: World) {
    let season = ScheduleConfig::Days { every: 7, zone: "UTC".into(), from: "2023-11-14T00:00".into() };
    scores_in(&w, Ties::Competition, Direction::Descending, Some(season)).await;
    let p = w.players(2).await;
    watch(&w, "scores", p[0], WatchWish { personal_best: true, ..tops(&[1]) }).await;
    let mut at = Cursor::default();
    assert_eq!(told(&w, p[0], &mut at).await, []);
    submit(&w, p[0], 50).await;
    assert_eq!(told(&w, p[0], &mut at).await, [RankNews::EnteredTop { top: 1 }]);
    for weeks in [1, 2] {
        w.clock.advance_ms(weeks * 7 * 86_400_000);
        submit(&w, p[0], 40).await;
        assert_eq!(told(&w, p[0], &mut at).await, [RankNews::EnteredTop { top: 1 }]);
        submit(&w, p[1], 45).await;
        assert_eq!(told(&w, p[0], &mut at).await, [RankNews::LeftTop { top: 1 }]);
    }
}

async fn a_friend_who_passes_is_told_once(w: World) {
    scores(&w, Ties::Competition, Direction::Descending).await;
    let p = w.players(4).await;
    for (player, score) in p.iter().zip([50, 40, 30, 20]) {
        submit(&w, *player, score).await;
    }
    watch(&w, "scores", p[1], friends(&[p[0], p[2], p[3]])).await;
    let mut at = Cursor::default();
    assert_eq!(told(&w, p[1], &mut at).await, []);
    submit(&w, p[2], 45).await;
    assert_eq!(by(&told(&w, p[1], &mut at).await), [(p[2], 2)]);
    // Who is ahead already and gets on passes nobody.
    submit(&w, p[2], 60).await;
    submit(&w, p[0], 70).await;
    assert_eq!(told(&w, p[1], &mut at).await, []);
    // Falls back, which is no event, and passes again, with another.
    submit(&w, p[2], 10).await;
    assert_eq!(told(&w, p[1], &mut at).await, []);
    submit(&w, p[2], 41).await;
    submit(&w, p[3], 42).await;
    assert_eq!(by(&told(&w, p[1], &mut at).await), [(p[3], 2), (p[2], 3)]);
    // Whoever falls himself is passed too.
    submit(&w, p[1], 80).await;
    assert_eq!(told(&w, p[1], &mut at).await, []);
    submit(&w, p[1], 42).await;
    assert_eq!(by(&told(&w, p[1], &mut at).await), [(p[0], 1)]);
    // Nobody else is told anything.
    assert_eq!(heard(&w, p[0], &mut Cursor::default()).await, []);
}

async fn moves_that_cancel_out_are_not_told(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    beats(&w, p[0], p[1]).await;
    let wish = WatchWish { friends: vec![p[1], p[2]], top: vec![1], personal_best: true };
    watch(&w, "duel", p[0], wish).await;
    let mut at = Cursor::default();
    assert_eq!(told(&w, p[0], &mut at).await, []);
    // Two wins over the leader, taken back before anybody was told.
    let first = beats(&w, p[1], p[0]).await;
    let second = beats(&w, p[1], p[0]).await;
    for id in [second, first] {
        w.engine.void_result(&w.admin(), id, "rigged").await.unwrap();
        w.settle();
    }
    assert_eq!(told(&w, p[0], &mut at).await, []);
    // Told, taken back, and true again: told again.
    let third = beats(&w, p[1], p[0]).await;
    let news = told(&w, p[0], &mut at).await;
    let ahead = RankNews::Overtaken { by: vec![(p[1], gsm_core::Rank::after(0))], friends: 1 };
    assert_eq!(news, [RankNews::LeftTop { top: 1 }, ahead.clone()]);
    w.engine.void_result(&w.admin(), third, "rigged").await.unwrap();
    assert_eq!(told(&w, p[0], &mut at).await, [RankNews::EnteredTop { top: 1 }]);
    beats(&w, p[1], p[0]).await;
    assert_eq!(told(&w, p[0], &mut at).await, [RankNews::LeftTop { top: 1 }, ahead]);
}

async fn equals_are_not_ahead(w: World) {
    for (ties, told_at_once) in [(Ties::Competition, false), (Ties::Dense, false), (Ties::Ordinal, true)] {
        scores(&w, ties, Direction::Ascending).await;
        let p = w.players(2).await;
        // Laps: the lower the better. The friend has 30 first, so that where ties are ordinal he leads an equal.
        submit(&w, p[1], 30).await;
        submit(&w, p[0], 20).await;
        watch(&w, "scores", p[0], friends(&[p[1]])).await;
        let mut at = w.engine.last_event(p[0]).await.unwrap();
        submit(&w, p[0], 30).await;
        assert_eq!(told(&w, p[0], &mut at).await.len(), usize::from(told_at_once), "{ties:?}");
        submit(&w, p[1], 29).await;
        assert_eq!(told(&w, p[0], &mut at).await.len(), usize::from(!told_at_once), "{ties:?}");
        w.engine.delete_board(&w.admin(), &name("scores")).await.unwrap();
        w.settle();
    }
}

async fn a_top_is_entered_and_left_also_as_others_move(w: World) {
    use RankNews::{EnteredTop, LeftTop};
    scores(&w, Ties::Competition, Direction::Descending).await;
    let p = w.players(6).await;
    for (player, score) in p.iter().zip([60, 50, 40, 30, 20, 10]) {
        submit(&w, *player, score).await;
    }
    watch(&w, "scores", p[3], tops(&[3, 1])).await;
    let mut at = Cursor::default();
    assert_eq!(told(&w, p[3], &mut at).await, []);
    submit(&w, p[3], 45).await;
    assert_eq!(told(&w, p[3], &mut at).await, [EnteredTop { top: 3 }]);
    submit(&w, p[3], 70).await;
    assert_eq!(told(&w, p[3], &mut at).await, [EnteredTop { top: 1 }]);
    // Others pass: out of the best one, then out of the best three.
    submit(&w, p[5], 80).await;
    assert_eq!(told(&w, p[3], &mut at).await, [LeftTop { top: 1 }]);
    submit(&w, p[4], 90).await;
    assert_eq!(told(&w, p[3], &mut at).await, []);
    submit(&w, p[0], 70).await;
    assert_eq!(told(&w, p[3], &mut at).await, [], "who shares the third place is among the best three");
    submit(&w, p[0], 71).await;
    assert_eq!(told(&w, p[3], &mut at).await, [LeftTop { top: 3 }]);
    // Somebody in front goes, and somebody in front is hidden.
    w.engine.remove_entry(&w.admin(), &BoardRef::whole(name("scores")), p[0], "cheat").await.unwrap();
    assert_eq!(told(&w, p[3], &mut at).await, [EnteredTop { top: 3 }]);
    for hidden in [p[4], p[5]] {
        let seen = Visibility::Hidden;
        w.engine.set_visibility(&w.admin(), &name("scores"), hidden, seen, "cheat").await.unwrap();
    }
    assert_eq!(told(&w, p[3], &mut at).await, [EnteredTop { top: 1 }]);
    // From the first place out of everything: the greatest top that was left.
    submit(&w, p[0], 71).await;
    assert_eq!(told(&w, p[3], &mut at).await, [LeftTop { top: 1 }]);
    submit(&w, p[3], 72).await;
    assert_eq!(told(&w, p[3], &mut at).await, [EnteredTop { top: 1 }]);
    submit(&w, p[3], 1).await;
    assert_eq!(told(&w, p[3], &mut at).await, [LeftTop { top: 3 }]);
    w.engine.delete_watch(&w.by(p[3]), &name("scores"), p[3]).await.unwrap();
    submit(&w, p[3], 100).await;
    assert_eq!(told(&w, p[3], &mut at).await, []);
    refused(w.engine.watch(&name("scores"), p[3]).await, "not_found");
}

async fn who_is_not_seen_is_not_told_of(w: World) {
    scores(&w, Ties::Competition, Direction::Descending).await;
    let p = w.players(3).await;
    for (player, score) in p.iter().zip([50, 40, 30]) {
        submit(&w, *player, score).await;
    }
    watch(&w, "scores", p[0], friends(&[p[1], p[2]])).await;
    let mut at = Cursor::default();
    let set = async |player, seen| {
        w.engine.set_visibility(&w.admin(), &name("scores"), player, seen, "cheat").await.unwrap();
        w.settle();
    };
    set(p[1], Visibility::Shadow).await;
    set(p[2], Visibility::Hidden).await;
    submit(&w, p[1], 60).await;
    submit(&w, p[2], 70).await;
    assert_eq!(told(&w, p[0], &mut at).await, []);
    // Shown again, they are ahead.
    set(p[1], Visibility::Shown).await;
    assert_eq!(by(&told(&w, p[0], &mut at).await), [(p[1], 1)]);
    // Who was ahead before he was hidden has not passed anybody when he is shown.
    set(p[1], Visibility::Hidden).await;
    told(&w, p[0], &mut at).await;
    set(p[1], Visibility::Shown).await;
    assert_eq!(told(&w, p[0], &mut at).await, []);
    // A watcher who has no rank is told nothing, and is not told afterwards of what he did not see.
    set(p[0], Visibility::Hidden).await;
    set(p[2], Visibility::Shown).await;
    assert_eq!(told(&w, p[0], &mut at).await, []);
    set(p[0], Visibility::Shown).await;
    assert_eq!(told(&w, p[0], &mut at).await, []);
    // In the shadow one hears as if nothing were wrong.
    submit(&w, p[0], 100).await;
    told(&w, p[0], &mut at).await;
    set(p[0], Visibility::Shadow).await;
    submit(&w, p[1], 110).await;
    assert_eq!(by(&told(&w, p[0], &mut at).await), [(p[1], 1)]);
}

async fn in_the_shadow_tops_are_told_as_others_move(w: World) {
    use RankNews::{EnteredTop, LeftTop};
    scores(&w, Ties::Competition, Direction::Descending).await;
    let p = w.players(4).await;
    let (own, others) = (p[0], &p[1..]);
    let set = async |player, seen| {
        w.engine.set_visibility(&w.admin(), &name("scores"), player, seen, "cheat").await.unwrap();
        w.settle();
    };
    submit(&w, own, 50).await;
    submit(&w, others[2], 10).await;
    set(own, Visibility::Shadow).await;
    watch(&w, "scores", own, tops(&[1, 2])).await;
    let mut at = Cursor::default();
    assert_eq!(told(&w, own, &mut at).await, []);
    submit(&w, others[0], 60).await;
    assert_eq!(told(&w, own, &mut at).await, [LeftTop { top: 1 }]);
    submit(&w, others[1], 70).await;
    assert_eq!(told(&w, own, &mut at).await, [LeftTop { top: 2 }]);
    // Others fall back, are hidden, put in the shadow, shown again, taken off: he has not moved, nor been in a top.
    submit(&w, others[0], 20).await;
    assert_eq!(told(&w, own, &mut at).await, [EnteredTop { top: 2 }]);
    for seen in [Visibility::Hidden, Visibility::Shadow] {
        set(others[1], seen).await;
        assert_eq!(told(&w, own, &mut at).await, [EnteredTop { top: 1 }]);
        set(others[1], Visibility::Shown).await;
        assert_eq!(told(&w, own, &mut at).await, [LeftTop { top: 1 }]);
    }
    submit(&w, others[0], 60).await;
    assert_eq!(told(&w, own, &mut at).await, [LeftTop { top: 2 }]);
    w.engine.remove_entry(&w.admin(), &BoardRef::whole(name("scores")), others[1], "cheat").await.unwrap();
    turn_of(&w.engine, &w).await;
    let items = w.engine.events(own, at, 9).await.unwrap();
    let [PushKind::Rank { rank, players, news, .. }] =
        items.iter().map(|item| &item.event.kind).collect::<Vec<_>>()[..]
    else {
        panic!("{items:?}")
    };
    assert_eq!(*news, EnteredTop { top: 2 });
    let read = w.engine.rank(&BoardRef::whole(name("scores")), own, Viewer::Player(own)).unwrap();
    assert_eq!((*rank, *players), (read.rank, read.players));
    // Nobody is told of him.
    watch(&w, "scores", others[0], WatchWish { friends: vec![own], ..tops(&[1]) }).await;
    let mut others_at = w.engine.last_event(others[0]).await.unwrap();
    submit(&w, own, 99).await;
    assert_eq!(told(&w, others[0], &mut others_at).await, []);
}

async fn who_is_idle_gives_his_place_to_others_at_once(w: World) {
    const DAY: i64 = 86_400_000;
    let eligibility = Eligibility { idle_days_max: 1, ..Eligibility::default() };
    put_scores(&w, BoardConfig { eligibility, ..scores_of(Ties::Competition, Direction::Descending) }).await;
    let p = w.players(2).await;
    submit(&w, p[0], 90).await;
    w.clock.advance_ms(DAY / 2);
    submit(&w, p[1], 50).await;
    for player in &p {
        watch(&w, "scores", *player, tops(&[1])).await;
    }
    let mut at = [Cursor::default(); 2];
    assert_eq!(told(&w, p[1], &mut at[1]).await, []);
    w.clock.advance_ms(DAY / 2 + 2_000);
    let is_woken = || w.engine.wait_for_moves(gsm_core::Millis::from_secs(60)).now_or_never().is_some();
    let _ = is_woken();
    w.turn().await;
    assert!(is_woken(), "nobody has moved but by the clock");
    assert_eq!(told(&w, p[1], &mut at[1]).await, [RankNews::EnteredTop { top: 1 }]);
    // Who was idle is told nothing, and that he is in the top when he is back.
    assert_eq!(heard(&w, p[0], &mut at[0]).await, []);
    submit(&w, p[0], 91).await;
    assert_eq!(told(&w, p[0], &mut at[0]).await, [RankNews::EnteredTop { top: 1 }]);
    assert_eq!(heard(&w, p[1], &mut at[1]).await, [RankNews::LeftTop { top: 1 }]);
}

async fn a_friend_who_was_taken_off_and_is_back_ahead_has_passed(w: World) {
    scores(&w, Ties::Competition, Direction::Descending).await;
    let p = w.players(2).await;
    submit(&w, p[0], 50).await;
    submit(&w, p[1], 60).await;
    watch(&w, "scores", p[0], friends(&[p[1]])).await;
    let mut at = Cursor::default();
    for _ in 0..2 {
        let board = BoardRef::whole(name("scores"));
        w.engine.remove_entry(&w.admin(), &board, p[1], "cheat").await.unwrap();
        assert_eq!(told(&w, p[0], &mut at).await, []);
        submit(&w, p[1], 60).await;
        assert_eq!(by(&told(&w, p[0], &mut at).await), [(p[1], 1)]);
    }
}

async fn a_restart_neither_loses_nor_repeats(w: World) {
    scores(&w, Ties::Competition, Direction::Descending).await;
    let p = w.players(3).await;
    for (player, score) in p.iter().zip([50, 40, 30]) {
        submit(&w, *player, score).await;
    }
    let wish = WatchWish { friends: vec![p[1], p[2]], top: vec![1], personal_best: true };
    watch(&w, "scores", p[0], wish).await;
    let mut at = Cursor::default();
    submit(&w, p[1], 60).await;
    // The node ends before its turn.
    let next = w.node("next").await;
    turn_of(&next, &w).await;
    let news = heard(&w, p[0], &mut at).await;
    assert!(matches!(news[..], [RankNews::LeftTop { top: 1 }, RankNews::Overtaken { friends: 1, .. }]));
    let after = w.node("after").await;
    for engine in [&after, &next, &w.engine] {
        turn_of(engine, &w).await;
    }
    assert_eq!(heard(&w, p[0], &mut at).await, []);
    // Two nodes have the same news at once: one tells it.
    submit(&w, p[0], 70).await;
    let (one, other) = futures::join!(after.tell_ranks(), next.tell_ranks());
    assert_eq!(one.unwrap() + other.unwrap(), 2);
    for engine in [&after, &next, &w.engine] {
        turn_of(engine, &w).await;
    }
    assert_eq!(heard(&w, p[0], &mut at).await.len(), 2);
}

async fn an_old_read_hides_no_news(w: World) {
    scores(&w, Ties::Competition, Direction::Descending).await;
    let p = w.players(2).await;
    submit(&w, p[0], 50).await;
    submit(&w, p[1], 40).await;
    for _ in 0..2 {
        watch(&w, "scores", p[0], friends(&[p[1]])).await;
    }
    let mut at = Cursor::default();
    submit(&w, p[1], 60).await;
    assert_eq!(by(&told(&w, p[0], &mut at).await), [(p[1], 1)]);
    // What was told before the last time is as things are now again: an old read sees nothing to do.
    submit(&w, p[1], 40).await;
    let set = |stale| w.stores.iter().for_each(|store| store.set_faults(Faults { stale, ..Faults::NONE }));
    set(1.0);
    w.engine.tell_ranks().await.unwrap();
    set(0.0);
    assert_eq!(told(&w, p[0], &mut at).await, []);
    submit(&w, p[1], 60).await;
    assert_eq!(by(&told(&w, p[0], &mut at).await), [(p[1], 1)]);
}

async fn a_watch_goes_on_while_it_is_changed(w: World) {
    scores(&w, Ties::Competition, Direction::Descending).await;
    let p = w.players(4).await;
    for (player, score) in p.iter().zip([50, 40, 30, 60]) {
        submit(&w, *player, score).await;
    }
    watch(&w, "scores", p[0], friends(&[p[1]])).await;
    let since = w.engine.watch(&name("scores"), p[0]).await.unwrap().since;
    let mut at = Cursor::default();
    submit(&w, p[1], 55).await;
    submit(&w, p[2], 56).await;
    // Renewed before anybody was told: what was watched is told, what was not is not.
    watch(&w, "scores", p[0], friends(&[p[3], p[2], p[1], p[1]])).await;
    assert_eq!(by(&told(&w, p[0], &mut at).await), [(p[1], 3)]);
    let row = w.engine.watch(&name("scores"), p[0]).await.unwrap();
    assert_eq!((row.since, row.friends.len()), (since, 3));
    // It ends by itself, in memory and in the store.
    w.clock.advance_ms(31 * 86_400_000);
    refused(w.engine.watch(&name("scores"), p[0]).await, "not_found");
    submit(&w, p[1], 1).await;
    told(&w, p[0], &mut at).await;
    submit(&w, p[1], 99).await;
    assert_eq!(told(&w, p[0], &mut at).await, []);
    // Nothing is left to do, again and again.
    submit(&w, p[1], 1).await;
    turn_of(&w.engine, &w).await;
    let is_woken = || w.engine.wait_for_moves(gsm_core::Millis::from_secs(60)).now_or_never().is_some();
    let _ = is_woken();
    turn_of(&w.engine, &w).await;
    assert!(!is_woken());
}

async fn watches_are_refused_beyond_their_bounds(w: World) {
    scores(&w, Ties::Competition, Direction::Descending).await;
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let put = async |board: &str, wish| w.engine.put_watch(&w.by(p[0]), &name(board), p[0], wish).await;
    refused(put("scores", WatchWish::default()).await, "invalid");
    refused(put("scores", friends(&[p[1], p[0]])).await, "invalid");
    refused(put("scores", tops(&[0])).await, "invalid");
    refused(put("scores", tops(&[1_001])).await, "invalid");
    refused(put("scores", tops(&[1, 2, 3, 4, 5, 6, 7, 8, 9])).await, "invalid");
    let many: Vec<PlayerId> = (1..=1_001).map(PlayerId::from_u128).collect();
    refused(put("scores", friends(&many)).await, "invalid");
    put("scores", friends(&many[..1_000])).await.unwrap();
    put("scores", friends(&many[1..])).await.unwrap();
    refused(put("nowhere", friends(&[p[1]])).await, "not_found");
    let wins = Column { value: Value::Wins, direction: Direction::Descending, operator: Operator::Last };
    let mut config = BoardConfig {
        name: name("wins"),
        source: Source::Mode(mode("duel")),
        columns: vec![wins],
        ties: Ties::default(),
        by: Vec::new(),
        season: None,
        tiers: None,
        grouping: None,
        past: false,
        eligibility: Eligibility::default(),
    };
    w.engine.put_board(&w.admin(), config.clone()).await.unwrap();
    w.settle();
    refused(put("wins", bests()).await, "invalid");
    for n in 1..16 {
        config.name = name(&format!("b{n}"));
        w.engine.put_board(&w.admin(), config.clone()).await.unwrap();
        w.settle();
        put(config.name.as_str(), tops(&[10])).await.unwrap();
    }
    refused(put("wins", tops(&[10])).await, "too_many_watches");
    put("scores", tops(&[10])).await.unwrap();
    w.engine.delete_watch(&w.by(p[0]), &name("scores"), p[0]).await.unwrap();
    put("wins", tops(&[10])).await.unwrap();
}

async fn a_board_that_is_defined_anew_begins_anew(w: World) {
    scores(&w, Ties::Competition, Direction::Descending).await;
    let p = w.players(2).await;
    submit(&w, p[0], 20).await;
    submit(&w, p[1], 10).await;
    let wish = WatchWish { friends: vec![p[1]], top: vec![1], personal_best: true };
    watch(&w, "scores", p[0], wish).await;
    let mut at = Cursor::default();
    told(&w, p[0], &mut at).await;
    watch(&w, "scores", p[1], tops(&[1])).await;
    // Now the lower is the better: everybody is elsewhere, but nobody has passed anybody.
    scores(&w, Ties::Competition, Direction::Ascending).await;
    assert_eq!(told(&w, p[0], &mut at).await, []);
    assert_eq!(heard(&w, p[1], &mut Cursor::default()).await, []);
    submit(&w, p[0], 5).await;
    let news = told(&w, p[0], &mut at).await;
    assert_eq!(news, [RankNews::EnteredTop { top: 1 }, RankNews::PersonalBest { value: 5.0, before: 20.0 }]);
    submit(&w, p[1], 4).await;
    let news = told(&w, p[0], &mut at).await;
    assert!(matches!(news[..], [RankNews::LeftTop { top: 1 }, RankNews::Overtaken { friends: 1, .. }]));
}

/// The slow twin: what everybody was told, counted anew from the ranks that everybody can read.
#[derive(Default)]
struct Twin {
    ahead: Option<BTreeMap<PlayerId, bool>>,
    inside: Option<u32>,
    best: Option<i64>,
}

impl Twin {
    fn turn(&mut self, w: &World, own: PlayerId, friends: &[PlayerId], tops: &[u32]) -> Vec<RankNews> {
        let board = BoardRef::whole(name("scores"));
        let place = |player, viewer| w.engine.rank(&board, player, viewer).ok();
        let rank = |player| place(player, Viewer::Other).map(|view| view.rank);
        let Some(seen) = place(own, Viewer::Player(own)) else {
            (self.ahead, self.inside) = (None, None);
            return vec![];
        };
        let mut news = vec![];
        let inside = tops.iter().copied().filter(|top| seen.rank.get() <= u64::from(*top)).min();
        let left = |of: Option<u32>| tops.iter().copied().filter(|top| of.is_some_and(|of| *top >= of)).max();
        let size = |inside: Option<u32>| inside.unwrap_or(u32::MAX);
        if size(inside) < size(self.inside) {
            news.extend(inside.map(|top| RankNews::EnteredTop { top }));
        } else if size(inside) > size(self.inside) {
            let top = tops.iter().copied().filter(|top| *top < size(inside)).max().or(left(self.inside));
            news.extend(top.map(|top| RankNews::LeftTop { top }));
        }
        self.inside = inside;
        let was = self.ahead.take();
        let mut now = was.clone().unwrap_or_default();
        let mut by = vec![];
        for friend in friends {
            let Some(rank) = rank(*friend) else { continue };
            let is = rank < seen.rank;
            if is && was.as_ref().is_some_and(|was| !was.get(friend).copied().unwrap_or(false)) {
                by.push((*friend, rank));
            }
            now.insert(*friend, is);
        }
        self.ahead = Some(now);
        by.sort_by_key(|(friend, rank)| (*rank, *friend));
        if !by.is_empty() {
            news.push(RankNews::Overtaken { friends: by.len() as u32, by });
        }
        let value = seen.keys.first();
        match self.best {
            Some(best) if value > best => {
                news.push(RankNews::PersonalBest { value: value as f64, before: best as f64 });
                self.best = Some(value);
            }
            Some(_) => {}
            None => self.best = Some(value),
        }
        news
    }
}

/// Turns over ill stores, until one that finds them well.
async fn ill_turns(w: &World) {
    let ill = Faults { refused: 0.1, lost_before: 0.1, lost_after: 0.1, read_fails: 0.1, ..Faults::NONE };
    let ill = Faults { stale: 0.2, late_folds: 0.3, ..ill };
    w.stores.iter().for_each(|store| store.set_faults(ill));
    for _ in 0..3 {
        // What fails here is told later.
        let _ = w.engine.tell_ranks().await;
    }
    w.stores.iter().for_each(|store| store.set_faults(Faults::NONE));
    for _ in 0..3 {
        turn_of(&w.engine, w).await;
    }
}

async fn events_agree_with_a_recount(w: World) {
    scores(&w, Ties::Competition, Direction::Descending).await;
    let p = w.players(8).await;
    let wishes: Vec<WatchWish> = (0..4)
        .map(|n| WatchWish {
            friends: p
                .iter()
                .copied()
                .filter(|player| *player != p[n] && player.as_u128() % 3 != 0)
                .collect(),
            top: vec![1 + n as u32, 5],
            personal_best: true,
        })
        .collect();
    let mut twins: Vec<Twin> = (0..4).map(|_| Twin::default()).collect();
    let mut cursors = [Cursor::default(); 4];
    for (n, wish) in wishes.iter().enumerate() {
        watch(&w, "scores", p[n], wish.clone()).await;
        twins[n].turn(&w, p[n], &wish.friends, &wish.top);
    }
    let mut seed = 7u64;
    let mut draw = |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    let mut events = 0;
    for round in 0..120 {
        for _ in 0..=draw(3) {
            let player = p[draw(8) as usize];
            match draw(12) {
                0 => {
                    let seen = [Visibility::Hidden, Visibility::Shadow, Visibility::Shown][draw(3) as usize];
                    w.engine.set_visibility(&w.admin(), &name("scores"), player, seen, "x").await.unwrap();
                }
                // Few numbers: many are equal.
                _ => submit(&w, player, draw(12) as i64 + round / 20).await,
            }
            w.settle();
        }
        ill_turns(&w).await;
        for (n, wish) in wishes.iter().enumerate() {
            let expected = twins[n].turn(&w, p[n], &wish.friends, &wish.top);
            assert_eq!(heard(&w, p[n], &mut cursors[n]).await, expected, "watcher {n} in round {round}");
            events += expected.len();
        }
    }
    assert!(events > 100, "{events}");
}
