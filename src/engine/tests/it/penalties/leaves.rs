//! Who left or was away, and what a ruling on the result makes of it.
use super::*;

both! {
    who_left_and_who_was_away_are_locked_out,
    a_result_that_is_repeated_counts_once,
    the_matchs_own_token_blames_as_the_server_does,
    a_void_result_blames_nobody,
    a_correction_blames_whom_it_names,
    a_void_result_that_counts_again_blames_again,
    what_is_ruled_late_ends_as_if_it_had_always_been_so,
    more_leavers_than_a_commit_of_ratings_has_room_for,
    who_left_early_stays_so_when_a_held_result_is_released,
    who_left_early_stays_so_in_a_dispute_and_not_where_silence_voids,
}

async fn who_left_and_who_was_away_are_locked_out(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &p)).await;
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Leave, 1, 300)], "who left is not blamed twice");
    assert_eq!(short(&w, p[1]).await, [(OffenceKind::Afk, 1, 100)]);
    assert!(is_locked(&w, p[0]).await && is_locked(&w, p[1]).await);
}

async fn a_result_that_is_repeated_counts_once(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    for away in [&p[1..], &p[1..], &[]] {
        report(&w, id, &left(&p[..1], away)).await;
    }
    assert_eq!(stands(&w, p[0]).await[0].offences.len(), 1);
    assert_eq!(stands(&w, p[1]).await[0].offences.len(), 1, "the first report stands");
}

async fn the_matchs_own_token_blames_as_the_server_does(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    let row = w.engine.match_view(&w.admin(), id).await.unwrap().row;
    let facts = MatchFacts { mode: row.mode, queue: row.queue, roster: row.roster };
    let call = w.call(gsm_engine::Principal::Match(id));
    w.engine.report_result(&call, id, Some(&facts), &left(&p[..1], &[])).await.unwrap();
    w.settle();
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Leave, 1, 300)]);
}

async fn a_void_result_blames_nobody(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &p[1..])).await;
    w.engine.void_result(&w.admin(), id, "the server crashed").await.unwrap();
    w.settle();
    assert_eq!((short(&w, p[0]).await, short(&w, p[1]).await), (vec![], vec![]));
    assert!(!is_locked(&w, p[0]).await);
    w.engine.void_result(&w.admin(), id, "once more").await.unwrap();
}

async fn a_correction_blames_whom_it_names(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    w.clock.advance_ms(40_000);
    w.engine.correct_result(&w.admin(), id, &left(&p[1..], &[]), "the other one").await.unwrap();
    w.settle();
    assert_eq!(short(&w, p[0]).await, []);
    assert_eq!(short(&w, p[1]).await, [(OffenceKind::Leave, 1, 260)], "since it happened");
    // The result is the same, but who was away is not.
    w.engine.correct_result(&w.admin(), id, &left(&p[1..], &p[..1]), "and one was away").await.unwrap();
    w.settle();
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Afk, 1, 60)]);
    assert_eq!(short(&w, p[1]).await, [(OffenceKind::Leave, 1, 260)]);
}

async fn a_void_result_that_counts_again_blames_again(w: World) {
    duel(&w, None).await;
    let p = w.players(2).await;
    let id = play(&w, &p).await;
    report(&w, id, &left(&p[..1], &[])).await;
    w.engine.void_result(&w.admin(), id, "a mistake").await.unwrap();
    w.settle();
    w.engine.correct_result(&w.admin(), id, &left(&p[..1], &[]), "of mine").await.unwrap();
    w.settle();
    assert_eq!(short(&w, p[0]).await, [(OffenceKind::Leave, 1, 300)]);
}

/// The first offence is forgotten when the second, which came an hour after it, is ruled on: it counted then.
async fn what_is_ruled_late_ends_as_if_it_had_always_been_so(w: World) {
    let hours = |n: u64| Millis::from_secs(n * 3_600);
    let leave = Ladder { locks_ms: vec![hours(2), hours(12), hours(72)], forget_after_ms: hours(96) };
    let penalties = Some(Penalties { leave: Some(leave), ..Penalties::default() });
    let config = QueueConfig { penalties, ..w.teams("duel", 1, None).await };
    let duration_ms = Some(Span { least: Some(3_600_000), most: None });
    let doubts = Some(Plausibility { duration_ms, score: None, matches_per_hour: None });
    let all = w.players(8).await;
    for (p, how) in all.chunks(2).zip(["at once", "by a correction", "by a release", "void, and back"]) {
        w.put(config.clone()).await;
        let id = made(&w, p).await.id;
        w.settle();
        report(&w, id, &left(&p[..1], &[])).await;
        w.clock.advance_ms(3_600_000);
        if how == "by a release" {
            w.put(QueueConfig { plausibility: doubts.clone(), ..config.clone() }).await;
        }
        let id = made(&w, p).await.id;
        w.settle();
        let named = if how == "by a correction" { &[] } else { &p[..1] };
        report(&w, id, &left(named, &[])).await;
        if how == "void, and back" {
            w.engine.void_result(&w.admin(), id, "a mistake").await.unwrap();
            w.settle();
        }
        w.clock.advance_ms(99 * 3_600_000);
        match how {
            "at once" => {}
            "by a release" => {
                w.engine.release_result(&w.admin(), id, "it was so").await.unwrap();
            }
            _ => {
                w.engine.correct_result(&w.admin(), id, &left(&p[..1], &[]), "it was so").await.unwrap();
            }
        }
        w.settle();
        w.clock.advance_ms(20 * 3_600_000);
        let stands = stands(&w, p[0]).await;
        let stands: Vec<_> = stands.iter().map(|of| (of.step, of.offences.len(), of.next_lock)).collect();
        assert_eq!(stands, [(1, 2, hours(12))], "{how}");
    }
}

async fn more_leavers_than_a_commit_of_ratings_has_room_for(w: World) {
    let config = w.teams("duel", 40, None).await;
    w.put(QueueConfig { penalties: Some(all()), ..config }).await;
    let p = w.players(80).await;
    let sides = p.chunks(40).map(<[PlayerId]>::to_vec).collect();
    let new = gsm_engine::NewMatch {
        queue: "duel".parse().unwrap(),
        sides,
        parties: vec![],
        home: None,
        variant: None,
    };
    let id = w.engine.create_match(&w.server(), &new).await.unwrap().id;
    w.settle();
    report(&w, id, &left(&p[..30], &[])).await;
    let range = KeyRange::AllLeaves;
    let store = &w.stores[0];
    let rows = gsm_engine::store::Store::list(&**store, &range, None, 100, false).await.unwrap();
    assert_eq!((rows.len(), range.home()), (30, Home::Record));
    w.engine.void_result(&w.admin(), id, "all at once: it was us").await.unwrap();
    w.settle();
    let rows = gsm_engine::store::Store::list(&**store, &range, None, 100, false).await.unwrap();
    assert_eq!(rows.len(), 0);
}

async fn who_left_early_stays_so_when_a_held_result_is_released(w: World) {
    let config = duel(&w, None).await;
    let duration_ms = Some(Span { least: Some(3_600_000), most: None });
    let plausibility = Some(Plausibility { duration_ms, score: None, matches_per_hour: None });
    w.put(QueueConfig { plausibility, ..config }).await;
    let all = w.players(4).await;
    for (p, named) in [(&all[..2], &all[..0]), (&all[2..], &all[3..])] {
        let id = play(&w, p).await;
        w.engine.report_leavers(&w.server(), id, &p[..1]).await.unwrap();
        w.settle();
        report(&w, id, &left(named, &[])).await;
        assert_eq!((short(&w, p[0]).await.len(), short(&w, p[1]).await.len()), (1, 0), "held back");
        for _ in 0..2 {
            w.engine.release_result(&w.admin(), id, "it was so").await.unwrap();
            w.settle();
            assert_eq!((short(&w, p[0]).await.len(), short(&w, p[1]).await.len()), (1, named.len()));
            assert!(is_locked(&w, p[0]).await);
        }
        w.engine.correct_result(&w.admin(), id, &left(&p[1..], &[]), "the other one").await.unwrap();
        w.settle();
        assert_eq!((short(&w, p[0]).await.len(), short(&w, p[1]).await.len()), (0, 1), "whom it names now");
        w.engine.void_result(&w.admin(), id, "the server crashed").await.unwrap();
        w.settle();
        assert_eq!((short(&w, p[0]).await, short(&w, p[1]).await), (vec![], vec![]));
    }
}

async fn who_left_early_stays_so_in_a_dispute_and_not_where_silence_voids(w: World) {
    let config = duel(&w, None).await;
    let reports = Reports { agree: 2, deadline_ms: Millis::from_secs(60), silence: Silence::Void };
    let match_timeout_ms = Millis::from_secs(7_200);
    w.put(QueueConfig { reports: Some(reports), match_timeout_ms, ..config }).await;
    let all = w.players(4).await;
    for (p, is_disputed) in [(&all[..2], true), (&all[2..], false)] {
        let id = play(&w, p).await;
        w.engine.report_leavers(&w.server(), id, &p[..1]).await.unwrap();
        w.settle();
        w.engine.report_as_player(&w.by(p[0]), id, &places(&[1, 2], &[])).await.unwrap();
        w.settle();
        if is_disputed {
            w.engine.report_as_player(&w.by(p[1]), id, &places(&[2, 1], &[])).await.unwrap();
            w.settle();
            w.engine.release_result(&w.admin(), id, "it was so").await.unwrap();
            w.settle();
        } else {
            w.clock.advance_ms(60_000);
            w.turn().await;
            w.turn().await;
        }
        let verdict = w.engine.match_view(&w.admin(), id).await.unwrap().result.unwrap().row.verdict;
        assert_eq!(matches!(verdict, Verdict::Counted), is_disputed, "{verdict:?}");
        assert_eq!(short(&w, p[0]).await.len(), usize::from(is_disputed));
    }
}
