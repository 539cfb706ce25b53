//! Pairs who meet too often.
use crate::world::{World, both, mode, places};
use gsm_core::{MatchId, PlayerId, QueueName};
use gsm_engine::{
    Flag, NewMatch, QueueConfig,
    store::{AuditRecord, ChangeSet, Committed, Fold, Store},
};
use gsm_rating::options::{Options, RepeatedPair};
use gsm_session::Report;
use parking_lot::Mutex;
use std::sync::Arc;

both! {
    who_trade_wins_are_flagged_once,
    who_quits_has_won_nothing,
    who_meet_as_often_as_all_are_not,
    eight_in_a_week_is_the_least,
    team_mates_are_no_pair,
    a_mode_that_remembers_nobody_flags_nobody,
    flags_are_listed_by_mode_and_page,
    a_flag_goes_a_month_after_the_last_meeting,
}

async fn remembering(w: &World, name: &str) -> QueueConfig {
    let config = w.teams(name, 1, None).await;
    let repeated_pair = Some(RepeatedPair { factor: 1.0, ..RepeatedPair::default() });
    w.put(QueueConfig { rating_options: Options { repeated_pair, ..Options::default() }, ..config }).await
}

/// A match between sides of a mode; the first side wins unless told otherwise.
async fn play(w: &World, name: &str, sides: &[&[PlayerId]], winner: usize) {
    let queue = QueueName::new(name).unwrap();
    let sides = sides.iter().map(|side| side.to_vec()).collect();
    let new = NewMatch { queue, sides, parties: vec![], home: None, variant: None };
    let id = w.engine.create_match(&w.server(), &new).await.unwrap().id;
    w.settle();
    report(w, id, if winner == 0 { places(&[1, 2], &[]) } else { places(&[2, 1], &[]) }).await;
}

async fn report(w: &World, id: MatchId, report: Report) {
    w.engine.report_result(&w.server(), id, None, &report).await.unwrap();
    w.clock.advance_ms(60_000);
    w.settle();
}

/// Each plays each, but for the first two.
async fn others_play(w: &World, name: &str, p: &[PlayerId]) {
    for (at, one) in p.iter().enumerate() {
        for (of, other) in p.iter().enumerate().skip(at + 1) {
            if (at, of) != (0, 1) {
                play(w, name, &[&[*one], &[*other]], at % 2).await;
            }
        }
    }
}

async fn flags(w: &World) -> Vec<Flag> {
    w.turn().await;
    w.engine.flags(None, None, 10).await.unwrap()
}

#[derive(Default)]
struct Audit(Mutex<Vec<AuditRecord>>);

impl Fold for Audit {
    fn apply(&self, _: Committed, changes: &ChangeSet) {
        self.0.lock().extend(changes.audit.clone().filter(|of| of.action == "gsm:RaiseFlag"));
    }
}

async fn who_trade_wins_are_flagged_once(w: World) {
    let audit = Arc::new(Audit::default());
    w.stores[0].subscribe(audit.clone());
    remembering(&w, "duel").await;
    let mut p = w.players(12).await;
    p.sort();
    others_play(&w, "duel", &p).await;
    assert_eq!(flags(&w).await, []);
    for nth in 0..10 {
        play(&w, "duel", &[&[p[1]], &[p[0]]], usize::from(nth == 0)).await;
    }
    let found = flags(&w).await;
    assert_eq!(found.len(), 1);
    let Flag { mode: of, players, row } = &found[0];
    assert_eq!((of, players), (&mode("duel"), &[p[0], p[1]]));
    assert_eq!((row.meetings, row.matches, row.wins, row.players), (10, [20, 20], [1, 9], 12));
    assert!((row.expected - 20.0 / 11.0).abs() < 1e-9, "{row:?}");
    assert_eq!(row.one_way(), Some(0.9));
    // It grows, and is raised once.
    play(&w, "duel", &[&[p[1]], &[p[0]]], 0).await;
    let again = flags(&w).await;
    assert_eq!((again.len(), again[0].row.meetings, again[0].row.raised_at), (1, 11, row.raised_at));
    let audit = audit.0.lock();
    let raised: Vec<_> = audit.iter().map(|of| (of.principal.as_str(), of.resources.len())).collect();
    assert_eq!(raised, [("system", 3)]);
    assert_eq!(audit[0].reason.as_deref(), Some("met 10 times in 7 days, 1.8 to be expected; won 1 to 9"));
}

async fn who_quits_has_won_nothing(w: World) {
    remembering(&w, "duel").await;
    let mut p = w.players(12).await;
    p.sort();
    others_play(&w, "duel", &p).await;
    // By places the first player has won all, and one is a draw.
    let quits: [&[PlayerId]; 10] =
        [&[p[0]], &[p[0]], &[p[0]], &[p[0]], &[p[0]], &[p[0]], &[p[1]], &[p[0], p[1]], &[], &[p[1]]];
    for (nth, quits) in quits.into_iter().enumerate() {
        let sides = vec![vec![p[0]], vec![p[1]]];
        let queue = QueueName::new("duel").unwrap();
        let new = NewMatch { queue, sides, parties: vec![], home: None, variant: None };
        let id = w.engine.create_match(&w.server(), &new).await.unwrap().id;
        w.settle();
        report(&w, id, places(if nth == 9 { &[1, 1] } else { &[1, 2] }, quits)).await;
    }
    let found = flags(&w).await;
    assert_eq!((found.len(), found[0].row.meetings, found[0].row.wins), (1, 10, [3, 6]));
}

async fn who_meet_as_often_as_all_are_not(w: World) {
    remembering(&w, "duel").await;
    let p = w.players(3).await;
    for nth in 0..12 {
        for (one, other) in [(0, 1), (1, 2), (0, 2)] {
            play(&w, "duel", &[&[p[one]], &[p[other]]], nth % 2).await;
        }
    }
    assert_eq!(flags(&w).await, [], "there are only three of them");
}

async fn eight_in_a_week_is_the_least(w: World) {
    remembering(&w, "duel").await;
    let p = w.players(12).await;
    others_play(&w, "duel", &p).await;
    for _ in 0..7 {
        play(&w, "duel", &[&[p[0]], &[p[1]]], 0).await;
    }
    assert_eq!(flags(&w).await, []);
    w.clock.advance_ms(7 * 86_400_000);
    others_play(&w, "duel", &p[2..]).await;
    for _ in 0..7 {
        play(&w, "duel", &[&[p[0]], &[p[1]]], 0).await;
    }
    assert_eq!(flags(&w).await, [], "those of last week are forgotten");
    play(&w, "duel", &[&[p[0]], &[p[1]]], 0).await;
    assert_eq!(flags(&w).await[0].row.meetings, 8);
}

async fn team_mates_are_no_pair(w: World) {
    remembering(&w, "duel").await;
    let p = w.players(14).await;
    others_play(&w, "duel", &p[2..]).await;
    for nth in 0..5 {
        let others = [p[2 + 2 * nth], p[3 + 2 * nth]];
        play(&w, "duel", &[&p[..2], &others], 0).await;
        play(&w, "duel", &[&p[..2], &others], 0).await;
    }
    assert_eq!(flags(&w).await, []);
}

async fn a_mode_that_remembers_nobody_flags_nobody(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(12).await;
    others_play(&w, "duel", &p).await;
    for _ in 0..10 {
        play(&w, "duel", &[&[p[0]], &[p[1]]], 0).await;
    }
    assert_eq!(flags(&w).await, []);
}

async fn flags_are_listed_by_mode_and_page(w: World) {
    let mut p = w.players(12).await;
    p.sort();
    for name in ["duel", "chess"] {
        remembering(&w, name).await;
        others_play(&w, name, &p).await;
        for _ in 0..9 {
            play(&w, name, &[&[p[0]], &[p[1]]], 0).await;
        }
    }
    let all = flags(&w).await;
    assert_eq!(all.iter().map(|flag| flag.mode.as_str()).collect::<Vec<_>>(), ["chess", "duel"]);
    let of = mode("chess");
    assert_eq!(w.engine.flags(Some(&of), None, 10).await.unwrap(), all[..1]);
    let after = (all[0].mode.clone(), all[0].players[0], all[0].players[1]);
    assert_eq!(w.engine.flags(None, Some(after.clone()), 10).await.unwrap(), all[1..]);
    assert_eq!(w.engine.flags(Some(&of), Some(after), 10).await.unwrap(), []);
}

async fn a_flag_goes_a_month_after_the_last_meeting(w: World) {
    remembering(&w, "duel").await;
    let p = w.players(12).await;
    others_play(&w, "duel", &p).await;
    for _ in 0..9 {
        play(&w, "duel", &[&[p[0]], &[p[1]]], 0).await;
    }
    assert_eq!(flags(&w).await.len(), 1);
    w.clock.advance_ms(29 * 86_400_000);
    assert_eq!(flags(&w).await.len(), 1);
    w.clock.advance_ms(86_400_000);
    assert_eq!(flags(&w).await, []);
}
