//! Results that players report themselves: k of n, disputes, deadlines.
use crate::world::{World, both, keyed, mode, places, refused, three_homes, world};
use gsm_core::{Clock, CommitKey, MatchId, Millis, PlayerId, QueueName};
use gsm_engine::{
    BoardRef, Candour, EngineError, ExportCursor, ExportItem, Happening, Listener, MatchmakingEvent,
    NewMatch, QueueConfig, Reports, ReportsView, Retention, Silence, Viewer,
    store::{ChangeSet, Expect, Key, Op, PushKind, ReportsStage, Row, Store, Verdict, memory::Faults},
};
use gsm_session::MatchState;
use parking_lot::Mutex;
use std::sync::Arc;

both! {
    two_who_agree_are_a_result,
    one_word_replaces_the_other_until_it_counts,
    who_contradict_are_in_dispute,
    an_operator_settles_a_dispute,
    what_was_reported_is_exported_and_goes_with_its_match,
    a_ruling_says_who_was_overruled,
    what_all_agree_on_lies_where_no_start_looks,
    enough_of_many_outvote_a_liar,
    one_side_alone_decides_nothing,
    silence_is_what_the_queue_says,
    who_contradict_until_the_deadline_are_in_dispute,
    all_sides_are_enough_at_the_deadline,
    nobody_says_anything,
    who_may_not_report_is_told_so,
    a_server_reports_all_the_same,
    a_match_being_reported_is_not_abandoned,
    what_is_not_believed_waits,
    a_key_is_one_report,
    settings_that_are_none_are_refused,
    players_are_told_of_a_dispute,
}

const NEVER: Millis = Millis::from_secs(7_200);

async fn peers(w: &World, size: usize, agree: u32) -> QueueConfig {
    peers_with(w, size, Reports { agree, deadline_ms: Millis::from_secs(60), silence: Silence::Void }).await
}

async fn peers_with(w: &World, size: usize, reports: Reports) -> QueueConfig {
    let config = w.teams("duel", size, None).await;
    w.put(QueueConfig { reports: Some(reports), match_timeout_ms: NEVER, ..config }).await
}

/// A match of the players; the sides in the order of the roster.
async fn matched(w: &World, players: &[PlayerId]) -> (MatchId, Vec<Vec<PlayerId>>) {
    let tickets = w.enter_all("duel", players).await;
    let id = w.seen(tickets[0]).await.match_id.unwrap();
    let sides = w.engine.match_view(&w.admin(), id).await.unwrap().row.roster.sides().to_vec();
    (id, sides)
}

/// A player says that a side has won.
async fn says(w: &World, id: MatchId, player: PlayerId, side: usize) -> Result<ReportsView, EngineError> {
    let said = if side == 0 { places(&[1, 2], &[]) } else { places(&[2, 1], &[]) };
    let told = w.engine.report_as_player(&w.by(player), id, &said).await;
    w.settle();
    told
}

fn verdict(view: &ReportsView) -> Option<&Verdict> {
    view.result.as_ref().map(|result| &result.row.verdict)
}

/// The verdict on a match, and how many ratings it moved.
async fn result(w: &World, id: MatchId) -> Option<(Verdict, usize)> {
    let view = w.engine.match_view(&w.admin(), id).await.unwrap();
    view.result.map(|result| (result.row.verdict, result.row.changes.len()))
}

async fn rank(w: &World, player: PlayerId) -> Option<u64> {
    let board = BoardRef::from(&mode("duel"));
    w.engine.rank(&board, player, Viewer::Other).ok().map(|view| view.rank.get())
}

async fn two_who_agree_are_a_result(w: World) {
    peers(&w, 1, 2).await;
    let p = w.players(2).await;
    let (id, sides) = matched(&w, &p).await;
    let (ann, bob) = (sides[0][0], sides[1][0]);
    let first = says(&w, id, ann, 1).await.unwrap();
    assert_eq!((verdict(&first), first.row.as_ref().unwrap().voices.all().len()), (None, 1));
    assert_eq!(w.engine.match_view(&w.by(ann), id).await.unwrap().row.state, MatchState::Reporting);
    assert_eq!((rank(&w, bob).await, result(&w, id).await), (None, None));
    let second = says(&w, id, bob, 1).await.unwrap();
    let said = second.row.as_ref().map(|row| row.voices.all().len());
    assert_eq!((verdict(&second), said), (Some(&Verdict::Counted), Some(2)));
    w.turn().await;
    assert_eq!((rank(&w, bob).await, rank(&w, ann).await), (Some(1), Some(2)));
    assert_eq!((w.claim(ann).await, result(&w, id).await), (None, Some((Verdict::Counted, 2))));
    // Who says the same again, also late, is answered; who says something else is not.
    assert_eq!(verdict(&says(&w, id, ann, 1).await.unwrap()), Some(&Verdict::Counted));
    refused(says(&w, id, ann, 0).await, "result_contradicts");
    let rebuilt = w.engine.rebuild(&w.admin(), &mode("duel"), false).await.unwrap();
    assert_eq!((rebuilt.differing, rebuilt.results), (0, 1));
    assert_eq!(w.engine.disputes(None, 10).await.unwrap(), []);
}

async fn one_word_replaces_the_other_until_it_counts(w: World) {
    peers(&w, 1, 2).await;
    let p = w.players(2).await;
    let (id, sides) = matched(&w, &p).await;
    says(&w, id, sides[0][0], 0).await.unwrap();
    says(&w, id, sides[0][0], 1).await.unwrap();
    let view = says(&w, id, sides[1][0], 1).await.unwrap();
    assert_eq!(verdict(&view), Some(&Verdict::Counted));
    assert_eq!(view.result.unwrap().row.result.places(), [2, 1]);
}

async fn who_contradict_are_in_dispute(w: World) {
    peers(&w, 1, 2).await;
    let p = w.players(2).await;
    let (id, sides) = matched(&w, &p).await;
    let (ann, bob) = (sides[0][0], sides[1][0]);
    says(&w, id, ann, 0).await.unwrap();
    let view = says(&w, id, bob, 1).await.unwrap();
    let Some(Verdict::Disputed { reason, .. }) = verdict(&view) else { panic!("{view:?}") };
    assert!(reason.contains("2 of 2"), "{reason}");
    w.turn().await;
    assert_eq!((rank(&w, ann).await, w.claim(ann).await), (None, None), "it moves nothing, and is over");
    let disputes = w.engine.disputes(None, 10).await.unwrap();
    assert_eq!(disputes.len(), 1);
    let row = disputes[0].row.as_ref().unwrap();
    assert_eq!((disputes[0].match_id, row.stage), (id, ReportsStage::Disputed));
    assert_eq!(row.voices.of(bob).unwrap().result.places(), [2, 1]);
    assert_eq!(w.engine.disputes(Some(id), 10).await.unwrap(), []);
    assert_eq!(w.engine.quarantine(None, 10).await.unwrap().len(), 1, "beside those that are not believed");
    // What one has said may be said again; another word comes too late.
    assert!(matches!(verdict(&says(&w, id, bob, 1).await.unwrap()), Some(Verdict::Disputed { .. })));
    refused(says(&w, id, bob, 0).await, "match_disputed");
    assert_eq!(w.engine.candour(ann), Candour { disputes: 1, overruled: 0 });
    // Another node that has just come to life knows of it.
    let other = w.node("other").await;
    assert_eq!(other.disputes(None, 10).await.unwrap(), disputes);
    assert_eq!(other.candour(bob), w.engine.candour(bob));
}

async fn an_operator_settles_a_dispute(w: World) {
    peers(&w, 1, 2).await;
    let p = w.players(2).await;
    let mut disputed = Vec::new();
    for _ in 0..3 {
        let (id, sides) = matched(&w, &p).await;
        says(&w, id, sides[0][0], 0).await.unwrap();
        says(&w, id, sides[1][0], 1).await.unwrap();
        w.turn().await;
        disputed.push(id);
    }
    let admin = w.admin();
    let released = w.engine.release_result(&admin, disputed[0], "seen on video").await.unwrap();
    assert_eq!((&released.row.verdict, released.row.result.places()), (&Verdict::Counted, &[1, 2][..]));
    let corrected = w.engine.correct_result(&admin, disputed[1], &places(&[2, 1], &[]), "the log").await;
    assert!(corrected.unwrap().row.counts());
    let voided = w.engine.void_result(&admin, disputed[2], "nobody knows").await.unwrap();
    assert!(matches!(voided.row.verdict, Verdict::Voided { .. }));
    w.settle();
    w.turn().await;
    assert_eq!(w.engine.disputes(None, 10).await.unwrap(), []);
    assert_eq!(w.engine.quarantine(None, 10).await.unwrap(), []);
    let rebuilt = w.engine.rebuild(&admin, &mode("duel"), false).await.unwrap();
    assert_eq!((rebuilt.differing, rebuilt.results), (0, 3));
}

async fn what_was_reported_is_exported_and_goes_with_its_match(w: World) {
    peers(&w, 1, 2).await;
    let p = w.players(2).await;
    let (id, sides) = matched(&w, &p).await;
    says(&w, id, sides[0][0], 0).await.unwrap();
    says(&w, id, sides[1][0], 1).await.unwrap();
    w.turn().await;
    let (bob, mut from, mut said) = (sides[1][0], Some(ExportCursor::default()), Vec::new());
    while let Some(cursor) = from {
        let page = w.engine.export_player(&w.by(bob), bob, &cursor).await.unwrap();
        said.extend(page.items.into_iter().filter_map(|item| match item {
            ExportItem::Reported(of, voice) => Some((of, voice.player, voice.result.places().to_vec())),
            _ => None,
        }));
        from = page.next;
    }
    assert_eq!(said, [(id, bob, vec![2, 1])], "and nothing of the other");

    let kept = || w.stores.iter().flat_map(|store| store.rows()).any(|(key, _)| key == Key::Reports(id));
    let rules = Retention { matches: Some(Millis::from_secs(86_400)), ..Retention::default() };
    let keep_up = async || {
        w.clock.advance_ms(2 * 86_400_000);
        for _ in 0..40 {
            w.engine.upkeep(&rules).await.unwrap();
            w.settle();
        }
    };
    keep_up().await;
    assert!(kept(), "it has still to be ruled on");
    w.engine.void_result(&w.admin(), id, "nobody knows").await.unwrap();
    w.settle();
    w.turn().await;
    keep_up().await;
    assert!(!kept());
}

async fn a_ruling_says_who_was_overruled(w: World) {
    peers(&w, 1, 2).await;
    let p = w.players(2).await;
    let (id, sides) = matched(&w, &p).await;
    let (ann, bob) = (sides[0][0], sides[1][0]);
    says(&w, id, ann, 0).await.unwrap();
    says(&w, id, bob, 1).await.unwrap();
    let of = |disputes, overruled| Candour { disputes, overruled };
    let both = |w: &World| (w.engine.candour(ann), w.engine.candour(bob));
    for (ruling, expected) in [
        (Some(places(&[1, 2], &[])), (of(1, 0), of(1, 1))),
        // On second thoughts.
        (Some(places(&[2, 1], &[])), (of(1, 1), of(1, 0))),
        (None, (of(1, 0), of(1, 0))),
    ] {
        match ruling {
            Some(report) => drop(w.engine.correct_result(&w.admin(), id, &report, "r").await.unwrap()),
            None => drop(w.engine.void_result(&w.admin(), id, "r").await.unwrap()),
        }
        w.settle();
        w.turn().await;
        assert_eq!(both(&w), expected);
        let other = w.node("other").await;
        assert_eq!((other.candour(ann), other.candour(bob)), expected, "as it is read anew");
    }
}

/// Where it lies what players say of a match.
fn lies(w: &World, id: MatchId) -> Vec<Key> {
    let keys = w.stores.iter().flat_map(|store| store.rows()).map(|(key, _)| key);
    keys.filter(|key| [Key::Reports(id), Key::Said(id)].contains(key)).collect()
}

async fn what_all_agree_on_lies_where_no_start_looks(w: World) {
    peers(&w, 1, 2).await;
    let p = w.players(2).await;
    let (id, sides) = matched(&w, &p).await;
    let (ann, bob) = (sides[0][0], sides[1][0]);
    says(&w, id, ann, 0).await.unwrap();
    assert_eq!(lies(&w, id), [Key::Reports(id)]);
    says(&w, id, bob, 0).await.unwrap();
    w.turn().await;
    let corrected = async |engine: &gsm_engine::Engine| {
        // As a start reads it: an operator does not agree, and then does.
        for (to, lies_at, overruled) in [([2, 1], Key::Reports(id), 1), ([1, 2], Key::Said(id), 0)] {
            engine.correct_result(&w.admin(), id, &places(&to, &[]), "r").await.unwrap();
            w.settle();
            w.turn().await;
            assert_eq!(lies(&w, id), [lies_at]);
            for engine in [&w.engine, &w.node("other").await] {
                assert_eq!(engine.candour(bob), Candour { disputes: 0, overruled });
                let row = engine.reports(&w.by(bob), id).await.unwrap().row.unwrap();
                assert_eq!(row.voices.all().len(), 2);
            }
        }
    };
    assert_eq!(lies(&w, id), [Key::Said(id)]);
    corrected(&w.engine).await;

    // As earlier versions kept it.
    let row = w.stores[0].rows().into_iter().find(|(key, _)| *key == Key::Said(id)).unwrap().1;
    let mut changes = ChangeSet::new(CommitKey::from_u128(1), w.clock.now());
    changes.write(Key::Said(id), Expect::Any, Op::Delete);
    changes.write(Key::Reports(id), Expect::Any, Op::Put { row, expires_at: None });
    w.stores[0].commit(changes).await.unwrap();
    w.settle();
    corrected(&w.node("later").await).await;
}

async fn enough_of_many_outvote_a_liar(w: World) {
    peers(&w, 2, 3).await;
    let p = w.players(4).await;
    for nth in 1..=3 {
        let (id, sides) = matched(&w, &p).await;
        let honest = p.iter().filter(|player| **player != p[0]);
        says(&w, id, p[0], usize::from(sides[0].contains(&p[1]))).await.unwrap();
        let winner = usize::from(!sides[0].contains(&p[1]));
        for player in honest {
            says(&w, id, *player, winner).await.unwrap();
        }
        w.turn().await;
        assert_eq!(result(&w, id).await, Some((Verdict::Counted, 4)));
        assert_eq!(w.engine.candour(p[0]), Candour { disputes: 0, overruled: nth });
        let kept = w.engine.reports(&w.by(p[0]), id).await.unwrap().row.unwrap();
        assert_eq!((kept.stage, kept.overruled), (ReportsStage::Settled, vec![p[0]]));
    }
    assert_eq!(w.engine.often_overruled(10), [(p[0], Candour { disputes: 0, overruled: 3 })]);
}

async fn one_side_alone_decides_nothing(w: World) {
    peers(&w, 2, 2).await;
    let p = w.players(4).await;
    let (id, sides) = matched(&w, &p).await;
    for player in &sides[0] {
        assert_eq!(verdict(&says(&w, id, *player, 0).await.unwrap()), None);
    }
    let third = says(&w, id, sides[1][0], 0).await.unwrap();
    assert_eq!(verdict(&third), Some(&Verdict::Counted));
}

async fn silence_is_what_the_queue_says(w: World) {
    let p = w.players(2).await;
    for (silence, moved) in [(Silence::Void, 0), (Silence::Count, 2), (Silence::Dispute, 0)] {
        peers_with(&w, 1, Reports { agree: 2, deadline_ms: Millis::from_secs(60), silence }).await;
        let (id, sides) = matched(&w, &p).await;
        says(&w, id, sides[0][0], 0).await.unwrap();
        w.clock.advance_ms(59_999);
        w.turn().await;
        assert_eq!(result(&w, id).await, None);
        w.clock.advance_ms(1);
        w.turn().await;
        let (verdict, changes) = result(&w, id).await.unwrap();
        let as_said = match verdict {
            Verdict::Voided { .. } => silence == Silence::Void,
            Verdict::Counted => silence == Silence::Count,
            Verdict::Disputed { .. } => silence == Silence::Dispute,
            _ => false,
        };
        assert!(as_said && changes == moved, "{silence:?}: {verdict:?}");
        w.turn().await;
        assert_eq!(w.claim(p[0]).await, None);
        // That one alone was believed can be told from a match on which both agreed.
        let kept = w.engine.reports(&w.admin(), id).await.unwrap().row.unwrap();
        let spoke: Vec<PlayerId> = kept.voices.all().iter().map(|voice| voice.player).collect();
        assert_eq!((spoke, kept.agree), (vec![sides[0][0]], 2));
        // Who comes too late is told so.
        let late = match silence {
            Silence::Void => "no_result_now",
            Silence::Count => "result_contradicts",
            Silence::Dispute => "match_disputed",
        };
        refused(says(&w, id, sides[1][0], 1).await, late);
        if silence == Silence::Void {
            let ruled = w.engine.correct_result(&w.admin(), id, &places(&[1, 2], &[]), "he was there").await;
            assert!(ruled.unwrap().row.counts(), "an operator may know better");
            w.settle();
        }
    }
}

async fn who_contradict_until_the_deadline_are_in_dispute(w: World) {
    peers(&w, 2, 3).await;
    let p = w.players(4).await;
    let (id, sides) = matched(&w, &p).await;
    says(&w, id, sides[0][0], 0).await.unwrap();
    assert_eq!(verdict(&says(&w, id, sides[1][0], 1).await.unwrap()), None);
    w.clock.advance_ms(60_000);
    w.turn().await;
    assert!(matches!(result(&w, id).await, Some((Verdict::Disputed { .. }, 0))));
}

async fn all_sides_are_enough_at_the_deadline(w: World) {
    peers(&w, 2, 4).await;
    let p = w.players(4).await;
    let (id, sides) = matched(&w, &p).await;
    says(&w, id, sides[0][0], 1).await.unwrap();
    w.clock.advance_ms(30_000);
    says(&w, id, sides[1][1], 1).await.unwrap();
    w.clock.advance_ms(30_000);
    w.turn().await;
    assert_eq!(result(&w, id).await, Some((Verdict::Counted, 4)), "the first report began it");
}

async fn nobody_says_anything(w: World) {
    peers(&w, 1, 2).await;
    let p = w.players(2).await;
    let (id, _) = matched(&w, &p).await;
    let view = w.engine.reports(&w.by(p[0]), id).await.unwrap();
    assert_eq!((view.row, view.result), (None, None));
    w.clock.advance_ms(NEVER.get() as i64);
    w.turn().await;
    assert_eq!(w.engine.match_view(&w.admin(), id).await.unwrap().row.state, MatchState::Abandoned);
    refused(says(&w, id, p[0], 0).await, "no_result_now");
}

async fn who_may_not_report_is_told_so(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    let (id, sides) = matched(&w, &p[..2]).await;
    refused(says(&w, id, sides[0][0], 0).await, "no_player_reports");
    refused(w.engine.reports(&w.by(sides[0][0]), id).await, "no_player_reports");
    refused(says(&w, id, p[2], 0).await, "not_found");
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    w.settle();
    w.turn().await;

    peers(&w, 1, 2).await;
    let (id, sides) = matched(&w, &p[..2]).await;
    refused(says(&w, id, p[2], 0).await, "not_found");
    refused(says(&w, MatchId::from_u128(1), p[2], 0).await, "not_found");
    refused(w.engine.report_as_player(&w.server(), id, &places(&[1, 2], &[])).await, "not_found");
    let ann = sides[0][0];
    for bad in [places(&[1], &[]), places(&[2, 2], &[]), places(&[1, 2], &p[2..])] {
        refused(w.engine.report_as_player(&w.by(ann), id, &bad).await, "invalid");
    }
    let mut away = places(&[1, 2], &[]);
    away.afk.push(sides[1][0]);
    refused(w.engine.report_as_player(&w.by(ann), id, &away).await, "invalid");
    assert_eq!(w.engine.reports(&w.by(ann), id).await.unwrap().row, None);
    says(&w, id, ann, 0).await.unwrap();
    refused(says(&w, id, p[2], 0).await, "not_found");
    refused(w.engine.reports(&w.by(p[2]), id).await, "not_found");

    // Players of a match that a server made report it too.
    let queue = w.engine.queues()[0].name.clone();
    let sides = vec![vec![p[0]], vec![p[2]]];
    let new = NewMatch { queue, sides, parties: vec![], home: None, variant: None };
    let made = w.engine.create_match(&w.server(), &new).await.unwrap();
    w.settle();
    says(&w, made.id, p[0], 0).await.unwrap();
    let view = says(&w, made.id, p[2], 0).await.unwrap();
    assert_eq!(verdict(&view), Some(&Verdict::Counted));
}

async fn a_server_reports_all_the_same(w: World) {
    peers(&w, 1, 2).await;
    let p = w.players(2).await;
    let (id, sides) = matched(&w, &p).await;
    let (ann, bob) = (sides[0][0], sides[1][0]);
    says(&w, id, ann, 0).await.unwrap();
    let view = w.engine.report_result(&w.server(), id, None, &places(&[2, 1], &[])).await.unwrap();
    assert_eq!(view.row.verdict, Verdict::Counted);
    w.settle();
    w.turn().await;
    refused(says(&w, id, bob, 0).await, "result_contradicts");
    assert_eq!(verdict(&says(&w, id, bob, 1).await.unwrap()), Some(&Verdict::Counted));
    assert_eq!(w.engine.candour(ann), Candour { disputes: 0, overruled: 1 });
    w.clock.advance_ms(60_000);
    w.turn().await;
    assert_eq!(result(&w, id).await, Some((Verdict::Counted, 2)), "the deadline says nothing any more");
}

async fn a_match_being_reported_is_not_abandoned(w: World) {
    let reports = Reports { agree: 2, deadline_ms: Millis::from_secs(600), silence: Silence::Count };
    let config = w.teams("duel", 1, None).await;
    let match_timeout_ms = Millis::from_secs(100);
    w.put(QueueConfig { reports: Some(reports), match_timeout_ms, ..config }).await;
    let p = w.players(2).await;
    let (id, sides) = matched(&w, &p).await;
    w.clock.advance_ms(99_000);
    says(&w, id, sides[0][0], 0).await.unwrap();
    for to in [MatchState::Abandoned, MatchState::Finished] {
        refused(w.engine.move_match(&w.admin(), id, to, None).await, "reports_open");
    }
    w.clock.advance_ms(400_000);
    w.turn().await;
    assert_eq!(w.engine.match_view(&w.admin(), id).await.unwrap().row.state, MatchState::Reporting);
    w.clock.advance_ms(200_000);
    w.turn().await;
    assert_eq!(result(&w, id).await, Some((Verdict::Counted, 2)));
}

async fn what_is_not_believed_waits(w: World) {
    let config = peers(&w, 1, 2).await;
    let plausibility = gsm_engine::Plausibility {
        duration_ms: Some(gsm_engine::Span { least: Some(60_000), most: None }),
        ..Default::default()
    };
    w.put(QueueConfig { plausibility: Some(plausibility), ..config }).await;
    let p = w.players(2).await;
    let (id, sides) = matched(&w, &p).await;
    says(&w, id, sides[0][0], 0).await.unwrap();
    let view = says(&w, id, sides[1][0], 0).await.unwrap();
    assert!(matches!(verdict(&view), Some(Verdict::Quarantined { .. })), "{view:?}");
    assert_eq!(w.engine.disputes(None, 10).await.unwrap(), []);
    w.turn().await;
    assert!(says(&w, id, sides[1][0], 0).await.is_ok(), "the same again");
    refused(says(&w, id, sides[1][0], 1).await, "result_contradicts");
    assert!(w.engine.release_result(&w.admin(), id, "r").await.unwrap().row.counts());
}

async fn a_key_is_one_report(w: World) {
    peers(&w, 1, 2).await;
    let p = w.players(2).await;
    let (id, sides) = matched(&w, &p).await;
    let ann = sides[0][0];
    let say = async |side: usize| {
        let report = if side == 0 { places(&[1, 2], &[]) } else { places(&[2, 1], &[]) };
        let call = keyed(w.by(ann), "k", &format!("{side}"));
        w.engine.report_as_player(&call, id, &report).await
    };
    let first = say(0).await.unwrap();
    assert_eq!(say(0).await.unwrap(), first);
    refused(say(1).await, "idempotency_mismatch");
    // A repeat of an old call is not another word, and is told what the first was.
    says(&w, id, ann, 1).await.unwrap();
    assert_eq!(say(0).await.unwrap(), first);
    let known = w.engine.reports(&w.by(ann), id).await.unwrap().row.unwrap();
    assert_eq!(known.voices.of(ann).unwrap().result.places(), [2, 1]);
    let last = async || {
        let call = keyed(w.by(sides[1][0]), "last", "1");
        let told = w.engine.report_as_player(&call, id, &places(&[2, 1], &[])).await.unwrap();
        w.settle();
        told
    };
    let settled = last().await;
    w.turn().await;
    refused(say(1).await, "idempotency_mismatch");
    // Nor is it one where the match has another result by now, or none any more.
    assert_eq!(say(0).await.unwrap(), first);
    w.engine.void_result(&w.admin(), id, "nobody knows").await.unwrap();
    w.settle();
    assert_eq!(say(0).await.unwrap(), first);
    let again = last().await;
    assert_eq!((verdict(&again), &again.row), (Some(&Verdict::Counted), &settled.row));
    assert_eq!(again.result.unwrap().row.changes, settled.result.unwrap().row.changes);
    // A version before kept no answer: such a one is told what stands now.
    w.unanswered().await;
    assert!(matches!(verdict(&say(0).await.unwrap()), Some(Verdict::Voided { .. })));
}

async fn settings_that_are_none_are_refused(w: World) {
    let config = w.teams("duel", 1, None).await;
    let good = Reports { agree: 2, deadline_ms: Millis::from_secs(60), silence: Silence::Void };
    for (bad, field) in [
        (Reports { agree: 0, ..good.clone() }, "reports.agree"),
        (Reports { agree: 65, ..good.clone() }, "reports.agree"),
        (Reports { deadline_ms: Millis::ZERO, ..good.clone() }, "reports.deadline_ms"),
        (Reports { deadline_ms: Millis::from_secs(86_401), ..good.clone() }, "reports.deadline_ms"),
    ] {
        let put = w.engine.put_queue(&w.admin(), QueueConfig { reports: Some(bad), ..config.clone() }).await;
        let Err(EngineError::Invalid { field: found, .. }) = put else { panic!("{put:?}") };
        assert_eq!(found, field);
    }
    let rules = crate::world::wide(33);
    let many = QueueConfig { reports: Some(good), rules, ..config };
    refused(w.engine.put_queue(&w.admin(), many).await, "invalid");
}

#[derive(Default)]
struct Heard(Mutex<Vec<MatchmakingEvent>>);

impl Listener for Heard {
    fn hear(&self, event: MatchmakingEvent) {
        self.0.lock().push(event);
    }
}

async fn players_are_told_of_a_dispute(w: World) {
    let heard = Arc::new(Heard::default());
    w.engine.listen(heard.clone());
    peers(&w, 1, 2).await;
    let p = w.players(2).await;
    let (id, sides) = matched(&w, &p).await;
    says(&w, id, sides[0][0], 0).await.unwrap();
    // Of a queue that is gone by then, too.
    w.engine.delete_queue(&w.admin(), &QueueName::new("duel").unwrap()).await.unwrap();
    says(&w, id, sides[1][0], 1).await.unwrap();
    w.turn().await;
    for player in &p {
        let events = w.engine.events(*player, Default::default(), 100).await.unwrap();
        let states: Vec<_> = events
            .iter()
            .filter_map(|item| match &item.event.kind {
                PushKind::Match { state, .. } => Some(state.as_str()),
                PushKind::Dispute { match_id, .. } if *match_id == id => Some("dispute"),
                _ => None,
            })
            .collect();
        let mut sorted = states.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, ["dispute", "finished", "reporting"], "{states:?}");
    }
    let events = heard.0.lock();
    let disputed = events.iter().filter(|event| matches!(event.what, Happening::Disputed(_)));
    let disputed: Vec<_> = disputed.map(|event| (event.match_id, event.tickets.len())).collect();
    assert_eq!(disputed, [(Some(id), 2)]);
}

/// The window between a first report and the end of a match is closed by the commit, not by luck.
#[tokio::test]
async fn a_match_does_not_end_under_those_who_report_it() {
    let mut reported = 0;
    for seed in 0..30 {
        let w = world(1, 4_096, Faults { seed, yields_max: 4, ..Faults::NONE });
        peers(&w, 1, 2).await;
        let p = w.players(2).await;
        let (id, sides) = matched(&w, &p).await;
        let (call, admin, report) = (w.by(sides[0][0]), w.admin(), places(&[1, 2], &[]));
        let (said, moved) = tokio::join!(
            w.engine.report_as_player(&call, id, &report),
            w.engine.move_match(&admin, id, MatchState::Abandoned, None)
        );
        assert!(said.is_ok() != moved.is_ok(), "{seed}: {said:?} {moved:?}");
        reported += usize::from(said.is_ok());
    }
    assert!((1..30).contains(&reported), "either comes first: {reported}");
}

/// What others have agreed on meanwhile lies elsewhere: who has read neither begins nothing anew.
#[tokio::test]
async fn a_first_word_that_comes_late_finds_the_result() {
    let mut late = 0;
    for polls in 1..80 {
        let w = three_homes();
        peers(&w, 2, 2).await;
        let p = w.players(4).await;
        let (id, _) = matched(&w, &p).await;
        let other = w.node("other").await;
        let faults = |faults: Faults| w.stores.iter().for_each(|store| store.set_faults(faults));
        faults(Faults { yields_max: 1, seed: polls, ..Faults::NONE });
        let (call, said) = (w.by(p[0]), places(&[1, 2], &[]));
        let mut first = Box::pin(w.engine.report_as_player(&call, id, &said));
        let mut is_done = false;
        for _ in 0..polls {
            is_done = is_done || futures::poll!(&mut first).is_ready();
        }
        faults(Faults::NONE);
        if is_done {
            break;
        }
        late += 1;
        for player in &p[1..] {
            other.report_as_player(&w.by(*player), id, &said).await.unwrap();
            w.settle();
        }
        let told = first.await.unwrap();
        assert!(told.result.is_some() || told.row.is_some(), "after {polls}");
        w.settle();
        let rows = w.stores[0].rows();
        let stages = rows.iter().filter_map(|(_, row)| match &**row {
            Row::Reports(row) => Some(row.stage),
            _ => None,
        });
        assert_eq!(stages.collect::<Vec<_>>(), [ReportsStage::Settled], "after {polls}");
    }
    assert!(late > 3, "{late}");
}
