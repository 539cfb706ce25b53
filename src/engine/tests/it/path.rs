//! The path of a match, from sign-in to rank.
use crate::world::{World, first_wins, one_home, three_homes, ticket, world};
use gsm_core::{Mode, PlayerId, QueueName};
use gsm_engine::{BoardRef, EngineError, NewMatch, Viewer, store::memory::Faults};
use gsm_matchmaking::MatchRules;
use gsm_session::TicketState;

async fn from_sign_in_to_rank(w: World) {
    w.queue("duel", MatchRules::default()).await;
    let players = w.players(2).await;
    let mut tickets = Vec::new();
    for player in &players {
        tickets.push(w.engine.create_ticket(&w.by(*player), &ticket("duel", *player)).await.unwrap());
    }
    let again = w.engine.create_ticket(&w.by(players[0]), &ticket("duel", players[0])).await;
    assert!(matches!(again, Err(EngineError::AlreadyQueued { ticket, .. }) if ticket == tickets[0].id));
    w.stores.iter().for_each(|s| s.settle());
    assert_eq!(w.engine.tick().await.matches, 1);
    let seen = w.engine.ticket(&w.by(players[1]), tickets[1].id).await.unwrap();
    assert_eq!(seen.row.state, TicketState::Completed);
    let id = seen.row.match_id.unwrap();
    let foreign = w.engine.ticket(&w.by(PlayerId::from_u128(1)), tickets[1].id).await;
    assert!(matches!(foreign, Err(EngineError::Unknown { .. })), "foreign tickets look absent");

    let first = w.engine.report_result(&w.server(), id, None, &first_wins(&players)).await.unwrap();
    w.clock.advance_ms(1_000);
    let second = w.engine.report_result(&w.server(), id, None, &first_wins(&players)).await.unwrap();
    assert_eq!(first, second, "a repeated result gives the first answer");
    let other = w.engine.report_result(&w.server(), id, None, &first_wins(&[players[1], players[0]])).await;
    assert!(matches!(other, Err(EngineError::ResultContradicts { .. })));

    w.stores.iter().for_each(|s| s.settle());
    let mode = Mode::new("duel").unwrap();
    let (best, worst) = (
        w.engine.rank(&BoardRef::from(&mode), players[0], Viewer::All).unwrap(),
        w.engine.rank(&BoardRef::from(&mode), players[1], Viewer::All).unwrap(),
    );
    assert_eq!((best.rank.get(), worst.rank.get(), best.games, worst.games), (1, 2, 1, 1));
    assert!(best.keys.first() > worst.keys.first());
    assert_eq!(w.engine.history(&mode, players[0], None, 10).await.unwrap().len(), 1);
    let view = w.engine.match_view(&w.by(players[0]), id).await.unwrap();
    assert_eq!(view.row.state.as_str(), "finished");
    // Free to queue again.
    w.engine.create_ticket(&w.by(players[0]), &ticket("duel", players[0])).await.unwrap();
}

#[tokio::test]
async fn from_sign_in_to_rank_in_one_home() {
    from_sign_in_to_rank(one_home()).await;
}

#[tokio::test]
async fn from_sign_in_to_rank_in_three_homes() {
    from_sign_in_to_rank(three_homes()).await;
}

#[tokio::test]
async fn from_sign_in_to_rank_with_late_folds_and_lost_answers() {
    let faults = Faults { lost_after: 0.1, lost_before: 0.1, late_folds: 0.3, yields_max: 2, ..Faults::NONE };
    from_sign_in_to_rank(world(3, 100, faults)).await;
}

#[tokio::test]
async fn a_result_larger_than_a_transaction_counts_once_for_everyone() {
    let w = world(3, 9, Faults { late_folds: 0.3, ..Faults::NONE });
    w.queue("brawl", MatchRules::default()).await;
    let players = w.players(40).await;
    let new = NewMatch {
        queue: QueueName::new("brawl").unwrap(),
        sides: players.iter().map(|p| vec![*p]).collect(),
        parties: vec![],
        home: None,
        variant: None,
    };
    let made = w.engine.create_match(&w.server(), &new).await.unwrap();
    let first = w.engine.report_result(&w.server(), made.id, None, &first_wins(&players)).await.unwrap();
    let again = w.engine.report_result(&w.server(), made.id, None, &first_wins(&players)).await.unwrap();
    assert_eq!(first, again);
    w.stores.iter().for_each(|s| s.settle());
    let mode = Mode::new("brawl").unwrap();
    for (at, change) in first.row.changes.iter().enumerate() {
        let row = w.engine.rating(&mode, change.player).await.unwrap();
        assert_eq!((row.games, row.rating), (1, change.after), "player {at}");
        assert_eq!(
            w.engine.rank(&BoardRef::from(&mode), change.player, Viewer::All).unwrap().rank.get(),
            at as u64 + 1
        );
    }
}
