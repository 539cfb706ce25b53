//! Matches: made by the matcher or by a server, moved through their states, ended once.
use crate::world::{World, both, first_wins, keyed, mode, refused, ticket};
use gsm_core::{MatchId, PlayerId, QueueName};
use gsm_engine::{BoardRef, MatchView, NewMatch, Principal, Viewer, store::Claim};
use gsm_session::{MatchState, PlayerSessionState};

both! {
    a_server_makes_a_match,
    a_match_of_strangers_or_of_one_side_is_refused,
    a_made_match_is_its_makers,
    abandoning_frees_the_players,
    time_abandons_a_match,
    states_go_forward_only,
    a_move_is_replayed,
    player_sessions_move_in_a_running_match,
    players_read_and_do_not_move,
    running_matches_are_listed_for_their_servers,
}

pub(crate) async fn made(w: &World, players: &[PlayerId]) -> MatchView {
    let sides = players.iter().map(|p| vec![*p]).collect();
    let new = NewMatch {
        queue: QueueName::new("duel").unwrap(),
        sides,
        parties: vec![],
        home: None,
        variant: None,
    };
    w.engine.create_match(&w.server(), &new).await.unwrap()
}

/// A match of the matcher.
pub(crate) async fn formed(w: &World, players: &[PlayerId]) -> MatchId {
    let tickets = w.enter_all("duel", players).await;
    w.seen(tickets[0]).await.match_id.unwrap()
}

async fn a_server_makes_a_match(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    w.enter("duel", p[0]).await;
    let new = NewMatch {
        queue: QueueName::new("duel").unwrap(),
        sides: vec![vec![p[0]], vec![p[1]]],
        parties: vec![],
        home: None,
        variant: None,
    };
    let call = |body| keyed(w.server(), "k", body);
    let first = w.engine.create_match(&call("a"), &new).await.unwrap();
    assert_eq!(w.engine.create_match(&call("a"), &new).await.unwrap(), first, "repeated, it is the first");
    refused(w.engine.create_match(&call("b"), &new).await, "idempotency_mismatch");
    assert!(matches!(w.claim(p[0]).await, Some(Claim::Ticket(_))), "its players may wait elsewhere");
    let claim = w.engine.match_session(&first.server_token.unwrap(), w.server().now).unwrap();
    assert_eq!((claim.match_id, claim.mode), (first.id, mode("duel")));
}

async fn a_match_of_strangers_or_of_one_side_is_refused(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let queue = QueueName::new("duel").unwrap();
    for sides in [
        vec![vec![p[0]], vec![PlayerId::from_u128(9)]],
        vec![vec![p[0], p[1]]],
        vec![vec![p[0]], vec![]],
        vec![vec![p[0]], vec![p[0]]],
        vec![],
    ] {
        let new = NewMatch { queue: queue.clone(), sides, parties: vec![], home: None, variant: None };
        refused(w.engine.create_match(&w.server(), &new).await, "invalid");
    }
    let new = NewMatch {
        queue: QueueName::new("none").unwrap(),
        sides: vec![vec![p[0]], vec![p[1]]],
        parties: vec![],
        home: None,
        variant: None,
    };
    refused(w.engine.create_match(&w.server(), &new).await, "not_found");
}

async fn a_made_match_is_its_makers(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    let id = made(&w, &p[..2]).await.id;
    let other = w.call(Principal::Server("gs-2".into()));
    let token_of_another = w.call(Principal::Match(MatchId::from_u128(1)));
    for call in [&other, &token_of_another, &w.by(p[2]), &w.call(Principal::Anonymous)] {
        refused(w.engine.match_view(call, id).await, "not_found");
        refused(w.engine.move_match(call, id, MatchState::Abandoned, None).await, "not_found");
        let moved = w.engine.move_player_session(call, id, p[0], PlayerSessionState::Active).await;
        refused(moved, "not_found");
        refused(w.engine.report_result(call, id, None, &first_wins(&p[..2])).await, "not_found");
    }
    w.engine.report_result(&w.call(Principal::Match(id)), id, None, &first_wins(&p[..2])).await.unwrap();
    for call in [&other, &token_of_another, &w.by(p[0])] {
        refused(w.engine.report_result(call, id, None, &first_wins(&p[..2])).await, "not_found");
    }
    assert!(w.engine.match_view(&w.admin(), id).await.unwrap().result.is_some());
}

async fn abandoning_frees_the_players(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let id = formed(&w, &p).await;
    assert_eq!(w.claim(p[0]).await, Some(Claim::Match(id)));
    let gone = w.engine.move_match(&w.server(), id, MatchState::Abandoned, None).await.unwrap();
    assert_eq!((gone.row.state, gone.server_token), (MatchState::Abandoned, None));
    assert_eq!(w.claim(p[0]).await, None);
    refused(w.engine.report_result(&w.server(), id, None, &first_wins(&p)).await, "no_result_now");
    refused(w.engine.rank(&BoardRef::from(&mode("duel")), p[0], Viewer::All), "not_found");
    w.engine.create_ticket(&w.by(p[0]), &ticket("duel", p[0])).await.unwrap();
}

async fn time_abandons_a_match(w: World) {
    let config = w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let id = formed(&w, &p).await;
    w.clock.advance_ms(config.match_timeout_ms.get() as i64);
    assert_eq!(w.turn().await.overdue, 1);
    assert_eq!(w.engine.match_view(&w.by(p[0]), id).await.unwrap().row.state, MatchState::Abandoned);
    assert_eq!((w.claim(p[1]).await, w.engine.counts().running), (None, 0));
    assert_eq!(w.turn().await.overdue, 0);
}

async fn states_go_forward_only(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let id = formed(&w, &p).await;
    refused(w.engine.move_match(&w.server(), id, MatchState::Created, None).await, "state_not_allowed");
    let at = Some("10.0.0.1:7777".to_owned());
    let moved = w.engine.move_match(&w.server(), id, MatchState::Reporting, at.clone()).await.unwrap();
    assert_eq!((moved.row.state, moved.row.connection), (MatchState::Reporting, at));
    for bad in [String::new(), "x".repeat(257), "a\nb".into()] {
        let moved = w.engine.move_match(&w.server(), id, MatchState::Abandoned, Some(bad)).await;
        refused(moved, "invalid");
    }
    w.engine.report_result(&w.server(), id, None, &first_wins(&p)).await.unwrap();
    refused(w.engine.move_match(&w.server(), id, MatchState::Abandoned, None).await, "state_not_allowed");
}

async fn a_move_is_replayed(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let id = formed(&w, &p).await;
    let call = |body| keyed(w.server(), "k", body);
    for _ in 0..2 {
        let moved = w.engine.move_match(&call("a"), id, MatchState::Reporting, None).await.unwrap();
        assert_eq!(moved.row.state, MatchState::Reporting);
    }
    let other = w.engine.move_match(&call("b"), id, MatchState::Abandoned, None).await;
    refused(other, "idempotency_mismatch");
    w.settle();
    let first = w.engine.move_match(&call("a"), id, MatchState::Reporting, None).await.unwrap();
    assert!(first.server_token.is_some());
    w.engine.move_match(&w.server(), id, MatchState::Abandoned, None).await.unwrap();
    w.settle();
    let again = w.engine.move_match(&call("a"), id, MatchState::Reporting, None).await.unwrap();
    assert_eq!(again, first, "as it stood then");
    w.unanswered().await;
    let now = w.engine.move_match(&call("a"), id, MatchState::Reporting, None).await.unwrap();
    assert_eq!(now.row.state, MatchState::Abandoned, "a version before kept no answer");
}

async fn player_sessions_move_in_a_running_match(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    let id = formed(&w, &p[..2]).await;
    let server = w.server();
    let to = async |player, state| w.engine.move_player_session(&server, id, player, state).await;
    assert_eq!(to(p[0], PlayerSessionState::Active).await.unwrap().state, PlayerSessionState::Active);
    refused(to(p[0], PlayerSessionState::Reserved).await, "state_not_allowed");
    refused(to(p[2], PlayerSessionState::Active).await, "not_found");
    w.engine.report_result(&w.server(), id, None, &first_wins(&p[..2])).await.unwrap();
    refused(to(p[1], PlayerSessionState::Active).await, "not_found");
}

async fn players_read_and_do_not_move(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    let id = formed(&w, &p[..2]).await;
    assert_eq!(w.engine.match_view(&w.by(p[0]), id).await.unwrap().server_token, None);
    assert!(w.engine.match_view(&w.server(), id).await.unwrap().server_token.is_some());
    // An operator sees all of it, and must not be able to report it.
    assert_eq!(w.engine.match_view(&w.admin(), id).await.unwrap().server_token, None);
    for (viewer, hosts) in [(w.admin(), false), (w.server(), true)] {
        let (running, _) = w.engine.running_matches(&viewer, None, None, 10).await.unwrap();
        assert!(!running.is_empty() && running.iter().all(|of| of.server_token.is_some() == hosts));
    }
    refused(w.engine.match_view(&w.by(p[2]), id).await, "not_found");
    refused(w.engine.move_match(&w.by(p[0]), id, MatchState::Abandoned, None).await, "not_found");
    refused(w.engine.report_result(&w.by(p[0]), id, None, &first_wins(&p[..2])).await, "not_found");
}

async fn running_matches_are_listed_for_their_servers(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(4).await;
    let formed = formed(&w, &p[..2]).await;
    let own = made(&w, &p[2..]).await.id;
    let listed = async |call: &gsm_engine::Call| {
        let (found, next) = w.engine.running_matches(call, None, None, 10).await.unwrap();
        assert_eq!(next, None);
        found.iter().map(|view| view.id).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(listed(&w.server()).await, [formed, own].into());
    assert_eq!(listed(&w.call(Principal::Server("gs-2".into()))).await, [formed].into());
    let (first, next) = w.engine.running_matches(&w.server(), None, None, 1).await.unwrap();
    let (rest, end) = w.engine.running_matches(&w.server(), None, next, 1).await.unwrap();
    assert_eq!((first.len(), rest.len(), end), (1, 1, None));
    assert_ne!(first[0].id, rest[0].id);
}
