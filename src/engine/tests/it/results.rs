//! Results: each counts once, whatever is repeated, contradicted or late.
use crate::{
    defined::{of_mode, whole},
    matches::{formed, made},
    world::{World, both, first_wins, keyed, mode, one_home, places, refused, three_homes, ticket, world},
};
use gsm_core::{Clock, PlayerId, QueueName};
use gsm_engine::{
    BoardConfig, BoardRef, Column, Direction, HistoryEntry, MatchFacts, NewMatch, NewTicket, Operator,
    Principal, ScheduleConfig, Value, Viewer,
    store::{Claim, KeyRange, PushKind, Step, Store, Verdict, memory::Faults},
};
use gsm_matchmaking::{Format, MatchRules, Window};
use gsm_session::{MatchState, TicketState};

both! {
    a_draw_moves_equals_nowhere,
    a_rating_is_shown_as_unsure_as_it_is_now,
    a_hand_that_names_no_deviation_leaves_it_as_unsure_as_it_is_now,
    a_quitter_is_marked_and_rated,
    a_quitter_of_the_side_that_won_has_lost,
    free_for_all_is_rated_by_places,
    a_contradiction_is_refused_and_nothing_moves,
    what_is_no_result_of_the_match_is_refused,
    the_same_report_at_the_same_time_counts_once,
    contradictions_at_the_same_time_one_counts,
    a_key_is_for_one_report,
    a_token_reports_its_own_match_alone,
    matches_of_one_player_all_count,
    a_finished_match_without_a_result_takes_none,
    each_player_is_told_once,
}

async fn a_draw_moves_equals_nowhere(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let id = formed(&w, &p).await;
    let view = w.engine.report_result(&w.server(), id, None, &places(&[1, 1], &[])).await.unwrap();
    assert!(view.row.changes.iter().all(|c| (c.before.mean - c.after.mean).abs() < 1e-9 && c.actual == 0.5));
    let row = w.engine.rating(&mode("duel"), p[0]).await.unwrap();
    assert_eq!((row.games, row.wins, row.draws), (1, 0, 1));
    w.settle();
    assert_eq!(
        w.engine.rank(&BoardRef::from(&mode("duel")), p[0], Viewer::All).unwrap().rank,
        w.engine.rank(&BoardRef::from(&mode("duel")), p[1], Viewer::All).unwrap().rank
    );
}

async fn a_rating_is_shown_as_unsure_as_it_is_now(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let id = formed(&w, &p).await;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    let kept = w.engine.rating(&mode("duel"), p[0]).await.unwrap();
    assert_eq!(w.engine.rating_now(&mode("duel"), p[0]).await.unwrap(), kept);
    w.clock.advance_ms(90 * 86_400_000);
    let now = w.engine.rating_now(&mode("duel"), p[0]).await.unwrap();
    let grown =
        gsm_rating::System::default().at(kept.rating, Some(kept.rated_at), gsm_core::Clock::now(&*w.clock));
    assert_eq!(now.rating, grown);
    assert!(now.rating.deviation > kept.rating.deviation + 1.0 && now.rating.mean == kept.rating.mean);
    assert_eq!(w.engine.rating(&mode("duel"), p[0]).await.unwrap(), kept, "the row stays");
}

async fn a_hand_that_names_no_deviation_leaves_it_as_unsure_as_it_is_now(w: World) {
    w.teams("duel", 1, None).await;
    let (duel, p) = (mode("duel"), w.players(2).await);
    let id = formed(&w, &p).await;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    w.clock.advance_ms(90 * 86_400_000);
    let now = w.engine.rating_now(&duel, p[0]).await.unwrap().rating;
    let set = w.engine.set_rating(&w.admin(), &duel, p[0], 1_800.0, None, "x").await.unwrap().rating;
    assert_eq!((set.mean, set.deviation), (1_800.0, now.deviation));
    w.settle();
    let steps = w.engine.history(&duel, p[0], None, 1).await.unwrap();
    assert_eq!(
        (steps[0].row.before, steps[0].row.after),
        (now, set),
        "being away has made him unsure, and no hand"
    );
    assert_eq!(w.engine.rating_now(&duel, p[0]).await.unwrap().rating, set);
    let set = w.engine.set_rating(&w.admin(), &duel, p[0], 1_800.0, Some(40.0), "x").await.unwrap().rating;
    assert_eq!(set.deviation, 40.0);
    assert_eq!(w.engine.rebuild(&w.admin(), &duel, false).await.unwrap().differing, 0);
}

async fn a_quitter_is_marked_and_rated(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let id = formed(&w, &p).await;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[p[1]])).await.unwrap();
    w.settle();
    let steps = w.engine.history(&mode("duel"), p[1], None, 10).await.unwrap();
    let others = w.engine.history(&mode("duel"), p[0], None, 10).await.unwrap();
    let quit = |entry: &HistoryEntry| matches!(entry.row.step, Step::Match { quit: true, .. });
    assert!(quit(&steps[0]) && !quit(&others[0]));
}

async fn a_quitter_of_the_side_that_won_has_lost(w: World) {
    w.teams("duo", 2, None).await;
    let wins = Column { value: Value::Wins, direction: Direction::Descending, operator: Operator::Last };
    let from = "2023-11-14T00:00".into();
    let season = Some(ScheduleConfig::Days { every: 7, zone: "UTC".into(), from });
    for (name, season) in [("for-ever", None), ("weekly", season)] {
        let config = BoardConfig { columns: vec![wins], season, ..of_mode(name, "duo") };
        w.engine.put_board(&w.admin(), config).await.unwrap();
        w.settle();
    }
    let p = w.players(4).await;
    let (queue, sides) = (QueueName::new("duo").unwrap(), vec![vec![p[0], p[1]], vec![p[2], p[3]]]);
    let new = NewMatch { queue, sides, parties: vec![], home: None, variant: None };
    let id = w.engine.create_match(&w.server(), &new).await.unwrap().id;
    let [mate, quitter] = [p[0], p[1]];
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[quitter])).await.unwrap();
    w.settle();
    for (player, won) in [(mate, 1), (quitter, 0)] {
        let row = w.engine.rating(&mode("duo"), player).await.unwrap();
        assert_eq!((row.games, row.wins, row.draws), (1, won, 0));
        for board in ["for-ever", "weekly"] {
            let of = w.engine.of_this_season(&whole(board)).unwrap();
            let now = w.engine.rank(&of, player, Viewer::All).unwrap();
            assert_eq!(now.keys.columns()[0], i64::from(won), "{board}");
            let past = w.engine.rank_at(&of, player, &[w.clock.now()], Viewer::All).await.unwrap();
            assert_eq!(past[0].place.map(|place| place.keys.columns()[0]), Some(i64::from(won)), "{board}");
        }
    }
    assert_eq!(w.engine.rebuild(&w.admin(), &mode("duo"), false).await.unwrap().differing, 0);
}

async fn free_for_all_is_rated_by_places(w: World) {
    let format = Format::FreeForAll { min: 3, max: 4, fill_after_ms: gsm_core::Millis::from_secs(5) };
    w.queue("ffa", MatchRules { format, window: Window { min: 5e3, growth_per_s: 0.0, max: 5e3 } }).await;
    let p = w.players(4).await;
    let tickets = w.enter_all("ffa", &p).await;
    let seen = w.seen(tickets[3]).await;
    assert_eq!(seen.state, TicketState::Completed, "a full match starts at once");
    let id = seen.match_id.unwrap();
    let roster = w.engine.match_view(&w.server(), id).await.unwrap().row.roster;
    w.engine.report_result(&w.server(), id, None, &places(&[2, 1, 2, 4], &[])).await.unwrap();
    w.settle();
    let rank = |side: usize| {
        w.engine.rank(&BoardRef::from(&mode("ffa")), roster.sides()[side][0], Viewer::All).unwrap().rank.get()
    };
    assert_eq!([rank(0), rank(1), rank(2), rank(3)], [2, 1, 2, 4]);
}

async fn a_contradiction_is_refused_and_nothing_moves(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let id = formed(&w, &p).await;
    let first = w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    let contradicts = [places(&[2, 1], &[]), places(&[1, 1], &[]), places(&[1, 2], &[p[0]])];
    for other in contradicts {
        refused(w.engine.report_result(&w.server(), id, None, &other).await, "result_contradicts");
    }
    for change in &first.row.changes {
        let row = w.engine.rating(&mode("duel"), change.player).await.unwrap();
        assert_eq!((row.rating, row.games), (change.after, 1));
    }
}

async fn what_is_no_result_of_the_match_is_refused(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    let id = formed(&w, &p[..2]).await;
    for bad in [
        places(&[1], &[]),
        places(&[1, 2, 3], &[]),
        places(&[2, 2], &[]),
        places(&[1, 9], &[]),
        places(&[1, 2], &[p[2]]),
        first_wins(&p[1..]),
        first_wins(&p[..1]),
        first_wins(&[p[0], p[0]]),
    ] {
        refused(w.engine.report_result(&w.server(), id, None, &bad).await, "invalid");
    }
    let nothing = gsm_core::MatchId::from_u128(1);
    refused(w.engine.report_result(&w.server(), nothing, None, &places(&[1, 2], &[])).await, "not_found");
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
}

async fn the_same_report_at_the_same_time_counts_once(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    w.stores.iter().for_each(|s| s.set_faults(Faults { yields_max: 6, seed: 9, ..Faults::NONE }));
    for round in 0..20 {
        let id = made(&w, &p).await.id;
        let (server, report) = (w.server(), places(&[1, 2], &[]));
        let answers =
            futures::future::join_all((0..4).map(|_| w.engine.report_result(&server, id, None, &report)))
                .await;
        let first = answers[0].as_ref().unwrap();
        assert!(answers.iter().all(|answer| answer.as_ref().unwrap() == first), "{answers:?}");
        assert_eq!(w.engine.rating(&mode("duel"), p[0]).await.unwrap().games, round + 1);
    }
}

async fn contradictions_at_the_same_time_one_counts(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    w.stores.iter().for_each(|s| s.set_faults(Faults { yields_max: 6, seed: 3, ..Faults::NONE }));
    for round in 0..20 {
        let id = made(&w, &p).await.id;
        let (server, a, b) = (w.server(), places(&[1, 2], &[]), places(&[2, 1], &[]));
        let (one, two) = futures::join!(
            w.engine.report_result(&server, id, None, &a),
            w.engine.report_result(&server, id, None, &b)
        );
        assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
        refused(if one.is_ok() { two } else { one }, "result_contradicts");
        assert_eq!(w.engine.rating(&mode("duel"), p[0]).await.unwrap().games, round + 1);
    }
}

async fn a_key_is_for_one_report(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let (one, two) = (made(&w, &p).await.id, made(&w, &p).await.id);
    let call = |body| keyed(w.server(), "k", body);
    let report = places(&[1, 2], &[]);
    let first = w.engine.report_result(&call("1"), one, None, &report).await.unwrap();
    let again = async || w.engine.report_result(&call("1"), one, None, &report).await.unwrap().row;
    let same = again().await;
    assert_eq!(
        (&same.result, &same.changes, &same.verdict),
        (&first.row.result, &first.row.changes, &Verdict::Counted)
    );
    w.settle();
    // What is told under a key stays, whatever is ruled; without one it is the result as it stands.
    w.engine.correct_result(&w.admin(), one, &places(&[2, 1], &[]), "why").await.unwrap();
    w.settle();
    assert_eq!(again().await, same);
    let stands = w.engine.report_result(&w.server(), one, None, &report).await.unwrap().row;
    assert!(matches!(stands.verdict, Verdict::Corrected { .. }));
    refused(w.engine.report_result(&call("2"), two, None, &report).await, "idempotency_mismatch");
    w.engine.report_result(&keyed(w.server(), "l", "2"), two, None, &report).await.unwrap();
    w.settle();
    w.unanswered().await;
    assert_eq!(again().await, stands, "a version before kept no answer");
}

async fn a_token_reports_its_own_match_alone(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let (one, two) = (made(&w, &p).await, made(&w, &p).await);
    let facts = MatchFacts { mode: one.row.mode.clone(), queue: None, roster: one.row.roster.clone() };
    let token = w.call(Principal::Match(one.id));
    let report = places(&[1, 2], &[]);
    refused(w.engine.report_result(&token, two.id, Some(&facts), &report).await, "not_found");
    w.engine.report_result(&w.server(), two.id, None, &report).await.unwrap();
    refused(w.engine.report_result(&token, two.id, Some(&facts), &report).await, "not_found");
    let first = w.engine.report_result(&token, one.id, Some(&facts), &report).await.unwrap();
    assert_eq!(w.engine.report_result(&w.server(), one.id, None, &report).await.unwrap(), first);
}

async fn matches_of_one_player_all_count(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(6).await;
    w.stores.iter().for_each(|s| s.set_faults(Faults { yields_max: 3, seed: 5, ..Faults::NONE }));
    let mut ids = Vec::new();
    for other in &p[1..] {
        ids.push(made(&w, &[p[0], *other]).await.id);
    }
    let (server, report) = (w.server(), places(&[1, 2], &[]));
    let reports = ids.iter().map(|id| w.engine.report_result(&server, *id, None, &report));
    for answer in futures::future::join_all(reports).await {
        answer.unwrap();
    }
    w.settle();
    assert_eq!(w.engine.rating(&mode("duel"), p[0]).await.unwrap().games, 5);
    assert_eq!(w.engine.history(&mode("duel"), p[0], None, 10).await.unwrap().len(), 5);
}

async fn a_finished_match_without_a_result_takes_none(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let id = formed(&w, &p).await;
    w.engine.move_match(&w.server(), id, MatchState::Finished, None).await.unwrap();
    refused(w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await, "no_result_now");
}

async fn each_player_is_told_once(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let id = formed(&w, &p).await;
    for _ in 0..3 {
        w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
        w.turn().await;
    }
    w.node("restarted").await;
    let told = w.engine.events(p[0], gsm_engine::store::Cursor::default(), 100).await.unwrap();
    let ratings = told.iter().filter(|item| matches!(item.event.kind, PushKind::Rating { .. })).count();
    let ends = told
        .iter()
        .filter(|item| matches!(item.event.kind, PushKind::Match { state: MatchState::Finished, .. }))
        .count();
    assert_eq!((ratings, ends), (1, 1));
}

#[tokio::test]
async fn in_three_homes_a_token_needs_the_record_home_alone() {
    let w = three_homes();
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let id = formed(&w, &p).await;
    let row = w.engine.match_view(&w.server(), id).await.unwrap().row;
    let facts = MatchFacts { mode: row.mode.clone(), queue: None, roster: row.roster.clone() };
    let away = Faults { refused: 1.0, read_fails: 1.0, ..Faults::NONE };
    w.stores[1..].iter().for_each(|s| s.set_faults(away));
    let token = w.call(Principal::Match(id));
    w.engine.report_result(&token, id, Some(&facts), &places(&[1, 2], &[])).await.unwrap();
    assert_eq!(w.engine.rating(&mode("duel"), p[0]).await.unwrap().games, 1);
    w.stores.iter().for_each(|s| s.set_faults(Faults::NONE));
    assert!(w.claim(p[0]).await.is_some(), "the live home does not know yet");
    w.turn().await;
    assert_eq!(w.claim(p[0]).await, None, "the outbox told it");
    assert_eq!(w.engine.match_view(&w.by(p[0]), id).await.unwrap().row.state, MatchState::Finished);
}

#[tokio::test]
async fn in_three_homes_a_token_counts_after_the_match_was_given_up() {
    let w = three_homes();
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let id = formed(&w, &p).await;
    let row = w.engine.match_view(&w.server(), id).await.unwrap().row;
    let facts = MatchFacts { mode: row.mode.clone(), queue: None, roster: row.roster.clone() };
    w.engine.move_match(&w.server(), id, MatchState::Abandoned, None).await.unwrap();
    let token = w.call(Principal::Match(id));
    w.engine.report_result(&token, id, Some(&facts), &places(&[1, 2], &[])).await.unwrap();
    let seen = w.engine.match_view(&w.by(p[0]), id).await.unwrap();
    assert_eq!((seen.row.state, seen.result.is_some()), (MatchState::Finished, true));
}

/// Found by seeds 20 and 655 of the simulator: a stale read hid the copy of the match, which stayed abandoned.
#[tokio::test]
async fn what_is_kept_of_a_match_agrees_with_its_result() {
    let w = three_homes();
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    for _ in 0..40 {
        let made = made(&w, &p).await;
        w.engine.move_match(&w.server(), made.id, MatchState::Abandoned, None).await.unwrap();
        w.stores[1].set_faults(Faults { stale: 0.5, ..Faults::NONE });
        let facts = MatchFacts { mode: made.row.mode, queue: None, roster: made.row.roster };
        let token = w.call(Principal::Match(made.id));
        w.engine.report_result(&token, made.id, Some(&facts), &places(&[1, 2], &[])).await.unwrap();
        w.stores[1].set_faults(Faults::NONE);
        w.turn().await;
        let kept =
            w.stores[1].get(&[gsm_engine::store::Key::Archive(made.id)]).await.unwrap().remove(0).unwrap();
        let state = if let gsm_engine::store::Row::Match(row) = &*kept.row { Some(row.state) } else { None };
        assert_eq!(state, Some(MatchState::Finished));
    }
}

/// More players than a store of 100 writes takes at once.
async fn large(w: World, fails: bool) {
    w.teams("duel", 1, None).await;
    let p = w.players(180).await;
    let sides: Vec<Vec<PlayerId>> = p.chunks(2).map(<[PlayerId]>::to_vec).collect();
    let order: Vec<u32> = (1..=sides.len() as u32).collect();
    let new = NewMatch {
        queue: QueueName::new("duel").unwrap(),
        sides,
        parties: vec![],
        home: None,
        variant: None,
    };
    let id = w.engine.create_match(&w.server(), &new).await.unwrap().id;
    if fails {
        w.stores[0].set_faults(Faults { refused: 0.3, seed: 4, ..Faults::NONE });
        while w.engine.report_result(&w.server(), id, None, &places(&order, &[])).await.is_err() {}
        w.stores[0].set_faults(Faults::NONE);
    } else {
        w.engine.report_result(&w.server(), id, None, &places(&order, &[])).await.unwrap();
    }
    w.turn().await;
    let store = &w.stores[0];
    assert!(store.list(&KeyRange::Outbox, None, 10, false).await.unwrap().is_empty(), "nothing is owed");
    for player in &p {
        assert_eq!(w.engine.rating(&mode("duel"), *player).await.unwrap().games, 1);
    }
    let before = w.engine.events(p[0], gsm_engine::store::Cursor::default(), 100).await.unwrap();
    w.node("restarted").await;
    let after = w.engine.events(p[0], gsm_engine::store::Cursor::default(), 100).await.unwrap();
    assert_eq!(before, after, "a restart tells nobody again");
    assert_eq!(w.engine.counts().results, 1);
}

#[tokio::test]
async fn a_large_result_in_one_home_is_owed_nothing() {
    large(world(1, 100, Faults::NONE), false).await;
}

#[tokio::test]
async fn a_large_result_in_one_failing_home_is_finished_by_the_next_turn() {
    large(world(1, 100, Faults::NONE), true).await;
}

#[tokio::test]
async fn a_large_result_in_three_homes_is_owed_nothing() {
    large(three_homes(), true).await;
}

/// Its players are free by the same commit: too many writes for one change set, though their ratings alone are not.
#[tokio::test]
async fn a_result_that_fits_only_without_its_matchs_end_counts() {
    let w = world(1, 100, Faults::NONE);
    w.teams("duel", 30, None).await;
    let p = w.players(60).await;
    for party in p.chunks(10) {
        let members = party[1..].iter().map(|player| (*player, None)).collect();
        let new = NewTicket { members, ..ticket("duel", party[0]) };
        w.engine.create_ticket(&w.server(), &new).await.unwrap();
    }
    assert_eq!(w.turn().await.matches, 1);
    let Some(Claim::Match(id)) = w.claim(p[0]).await else { panic!("plays") };
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    for player in &p {
        assert_eq!(w.engine.rating(&mode("duel"), *player).await.unwrap().games, 1);
        assert_eq!(w.claim(*player).await, None);
    }
}

#[tokio::test]
async fn one_that_cannot_follow_holds_up_no_other() {
    let w = one_home();
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let damaged = gsm_core::MatchId::from_u128(1);
    let mut changes = gsm_engine::store::ChangeSet::new(gsm_core::CommitKey::from_u128(1), w.server().now);
    let owed =
        || gsm_engine::store::Row::Outbox(gsm_engine::store::OutboxRow { at: gsm_core::Timestamp::EPOCH });
    changes.create(gsm_engine::store::Key::Result(damaged), owed());
    changes.create(gsm_engine::store::Key::Outbox(damaged), owed());
    w.stores[0].commit(changes).await.unwrap();
    let id = formed(&w, &p).await;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    assert!(!w.turn().await.more);
    w.node("restarted").await;
}
