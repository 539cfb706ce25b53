//! Many who change the same rows at the same time: nobody is told to come again.
use crate::{
    defined::{of_scores, submitted},
    gamelift::{asking, duel, listing, player, ruled_duel},
    matches::made,
    world::{World, keyed, mode, places, ticket, wide, world},
};
use gsm_core::{MatchId, Millis, PlayerId, QueueName, TicketId, limits};
use gsm_engine::{
    Direction, Intake, NewTicket, Operator, PayoutConfig, QueueConfig, Reports, ScheduleConfig, Silence,
    store::memory::Faults,
};
use gsm_session::{PlayerSessionState, TicketState};

const MANY: usize = 64;

/// One home that takes its time.
fn slow() -> World {
    world(1, 4_096, Faults { yields_max: 9, ..Faults::NONE })
}

fn all_well<T, E: std::fmt::Debug>(done: &[Result<T, E>]) {
    let failed: Vec<&E> = done.iter().filter_map(|one| one.as_ref().err()).collect();
    assert!(failed.is_empty(), "{} of {}: {:?}", failed.len(), done.len(), failed.first());
}

/// A match of all, who enter one by one: the players and their tickets.
async fn gathered(w: &World, accept_s: Option<u64>) -> (Vec<PlayerId>, Vec<TicketId>) {
    w.teams("duel", MANY / 2, accept_s).await;
    let p = w.players(MANY).await;
    let tickets = w.enter_all("duel", &p).await;
    (p, tickets)
}

#[tokio::test]
async fn all_players_of_a_match_may_accept_at_once() {
    let w = slow();
    let (p, tickets) = gathered(&w, Some(10)).await;
    let id = w.seen(tickets[0]).await.proposal.unwrap();
    let all = p.iter().map(async |player| w.engine.respond(&w.by(*player), id, *player, true).await);
    all_well(&futures::future::join_all(all).await);
    assert_eq!(w.seen(tickets[0]).await.state, TicketState::Completed);
}

#[tokio::test]
async fn all_players_of_a_match_may_leave_its_proposal_at_once() {
    let w = slow();
    let (p, tickets) = gathered(&w, Some(10)).await;
    assert!(w.seen(tickets[0]).await.proposal.is_some());
    let all = p.iter().zip(&tickets);
    let all = all.map(async |(player, ticket)| w.engine.cancel_ticket(&w.by(*player), *ticket).await);
    all_well(&futures::future::join_all(all).await);
    for ticket in tickets {
        assert_eq!(w.seen(ticket).await.state, TicketState::Cancelled);
    }
}

#[tokio::test]
async fn all_players_of_a_match_may_arrive_and_report_at_once() {
    let w = slow();
    let config = w.teams("duel", MANY / 2, None).await;
    let reports = Reports { agree: 2, deadline_ms: Millis::from_secs(60), silence: Silence::Void };
    w.put(QueueConfig { reports: Some(reports), ..config }).await;
    let p = w.players(MANY).await;
    let tickets = w.enter_all("duel", &p).await;
    let id = w.seen(tickets[0]).await.match_id.unwrap();
    let server = w.server();
    let arrive = p.iter().map(async |player| {
        w.engine.move_player_session(&server, id, *player, PlayerSessionState::Active).await
    });
    all_well(&futures::future::join_all(arrive).await);
    let said = places(&[1, 2], &[]);
    let report = p.iter().map(async |player| w.engine.report_as_player(&w.by(*player), id, &said).await);
    all_well(&futures::future::join_all(report).await);
}

/// Stores that interleave their callers in many ways.
fn unlike_each_other() -> impl Iterator<Item = World> {
    (0..40).map(|seed| world(1, 4_096, Faults { seed, yields_max: 5, ..Faults::NONE }))
}

#[tokio::test]
async fn who_comes_after_a_change_of_his_queue_is_matched_by_it() {
    for w in unlike_each_other() {
        // Others that have their turns before.
        for name in ["a", "b", "c"] {
            w.teams(name, 2, None).await;
        }
        let config = w.teams("duel", 1, None).await;
        let p = w.players(5).await;
        for (name, player) in ["a", "b", "c"].iter().zip(&p[2..]) {
            w.enter(name, *player).await;
        }
        let turns = async {
            for _ in 0..4 {
                w.engine.tick().await;
            }
        };
        let come = async {
            w.put(QueueConfig { acceptance_ms: Some(Millis::from_secs(10)), ..config }).await;
            [w.enter("duel", p[0]).await.id, w.enter("duel", p[1]).await.id]
        };
        let ((), tickets) = futures::join!(turns, come);
        w.turn().await;
        for ticket in tickets {
            assert_eq!(w.seen(ticket).await.state, TicketState::RequiresAcceptance);
        }
    }
}

/// Both at once; every other time the second begins first.
async fn at_once<A, B>(nth: usize, one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    if nth.is_multiple_of(2) {
        futures::join!(one, other)
    } else {
        let (other, one) = futures::join!(other, one);
        (one, other)
    }
}

#[tokio::test]
async fn a_ticket_is_not_taken_by_a_queue_that_is_deleted_meanwhile() {
    let (mut taken, mut deleted) = (0, 0);
    for (nth, w) in unlike_each_other().enumerate() {
        w.teams("duel", 1, None).await;
        let (p, name, admin) = (w.players(1).await, QueueName::new("duel").unwrap(), w.admin());
        let (new, by) = (ticket("duel", p[0]), w.by(p[0]));
        let (come, go) = (w.engine.create_ticket(&by, &new), w.engine.delete_queue(&admin, &name));
        let (came, gone) = at_once(nth, come, go).await;
        assert!(came.is_ok() != gone.is_ok(), "{came:?} {gone:?}");
        taken += u32::from(came.is_ok());
        deleted += u32::from(gone.is_ok());
    }
    assert!(taken > 0 && deleted > 0, "{taken} taken, {deleted} deleted");
}

/// Each takes the place of what came before it, and the last of them waits.
async fn one_of_them_waits(w: &World, all: Vec<NewTicket>) {
    let all = all.iter().map(async |new| w.engine.create_ticket(&w.server(), new).await);
    let made = futures::future::join_all(all).await;
    all_well(&made);
    let mut waiting = 0;
    for ticket in made {
        let state = w.seen(ticket.unwrap().id).await.state;
        waiting += u32::from(!state.is_terminal());
        assert!(
            matches!(state, TicketState::Queued | TicketState::Searching | TicketState::Cancelled),
            "{state}"
        );
    }
    assert_eq!(waiting, 1);
}

#[tokio::test]
async fn tickets_of_one_player_may_be_started_at_once() {
    let w = slow();
    duel(&w, None).await;
    let ann = player(&w, "ann").await;
    let all = (0..MANY).map(|n| asking(&format!("t-{n}"), "ann", ann)).collect();
    one_of_them_waits(&w, all).await;
}

#[tokio::test]
async fn backfills_of_one_session_may_be_started_at_once() {
    let w = slow();
    ruled_duel(&w).await;
    let ann = player(&w, "ann").await;
    let of = |n| NewTicket { session: Some("s-1".to_owned()), ..listing(&format!("t-{n}"), ann, "left") };
    one_of_them_waits(&w, (0..MANY).map(of).collect()).await;
}

#[tokio::test]
async fn who_comes_again_is_not_lost_with_a_queue_that_is_to_be_deleted() {
    for (nth, w) in unlike_each_other().enumerate() {
        w.teams("duel", 1, None).await;
        let (p, name, admin) = (w.players(1).await, QueueName::new("duel").unwrap(), w.admin());
        let (new, by) = (NewTicket { intake: Intake::GameLift, ..ticket("duel", p[0]) }, w.server());
        let older = w.engine.create_ticket(&by, &new).await.unwrap().id;
        let (come, go) = (w.engine.create_ticket(&by, &new), w.engine.delete_queue(&admin, &name));
        let (came, gone) = at_once(nth, come, go).await;
        // There is always one of the two that waits.
        assert!(came.is_ok() && gone.is_err(), "{nth}: {came:?} {gone:?}");
        assert_eq!(w.seen(older).await.state, TicketState::Cancelled);
    }
}

#[tokio::test]
async fn no_match_is_formed_by_rules_of_before_and_rated_by_those_of_after() {
    let (mut played, mut waits) = (0, 0);
    for (nth, w) in unlike_each_other().enumerate() {
        let config = w.teams("duel", 1, None).await;
        let p = w.players(2).await;
        let tickets = [w.enter("duel", p[0]).await.id, w.enter("duel", p[1]).await.id];
        let other = QueueConfig { mode: mode("duos"), rules: wide(2), ..config };
        let (turn, put) = (w.engine.tick(), w.put(other));
        at_once(nth, turn, put).await;
        w.turn().await;
        match w.seen(tickets[0]).await.match_id {
            None => waits += 1,
            Some(id) => {
                played += 1;
                let row = w.engine.match_view(&w.admin(), id).await.unwrap().row;
                assert_eq!(row.mode, mode("duel"), "{nth}");
            }
        }
    }
    assert!(played > 0 && waits > 0, "{played} played, {waits} wait");
}

/// A bot, or a boss, whom everybody meets.
#[tokio::test]
async fn results_of_a_popular_player_may_come_at_once() {
    let w = slow();
    w.teams("duel", 1, None).await;
    let p = w.players(MANY + 1).await;
    let mut ids: Vec<MatchId> = Vec::new();
    for other in &p[1..] {
        ids.push(made(&w, &[p[0], *other]).await.id);
    }
    let server = w.server();
    let report = places(&[1, 2], &[]);
    let all = ids.iter().map(async |id| w.engine.report_result(&server, *id, None, &report).await);
    all_well(&futures::future::join_all(all).await);
    let rating = w.engine.rating(&mode("duel"), p[0]).await;
    assert_eq!(rating.unwrap().games as usize, MANY);
}

/// A queue of its own name in the mode `m`.
fn queue_in_m(name: &str) -> QueueConfig {
    QueueConfig::new(QueueName::new(name).unwrap(), mode("m"), wide(1))
}

#[tokio::test]
async fn queues_put_at_once_are_no_more_than_there_may_be() {
    let w = world(1, 4_096, Faults { yields_max: 9, ..Faults::NONE });
    let most = limits::QUEUES_MAX;
    let put = async |n: usize| w.engine.put_queue(&w.admin(), queue_in_m(&format!("q{n}"))).await;
    let done = futures::future::join_all((0..most + 20).map(put)).await;
    assert_eq!((done.iter().filter(|one| one.is_ok()).count(), w.engine.queues().len()), (most, most));
}

#[tokio::test]
async fn a_mode_and_a_board_of_its_name_are_not_made_at_once() {
    for seed in 0..8 {
        let w = world(1, 4_096, Faults { seed, yields_max: 9, ..Faults::NONE });
        let board = of_scores("m", vec![submitted(Operator::Incr, Direction::Descending)]);
        let (call, again) = (w.admin(), w.admin());
        let (queue, board) =
            futures::join!(w.engine.put_queue(&call, queue_in_m("a")), w.engine.put_board(&again, board));
        assert!(queue.is_ok() != board.is_ok(), "seed {seed}: {queue:?}, {board:?}");
        let refused = queue.err().or(board.err()).map(|error| error.code());
        assert_eq!(refused, Some("invalid"), "seed {seed}");
    }
}

#[tokio::test]
async fn who_asks_twice_at_once_for_a_page_where_none_is_left_is_told_so() {
    for seed in 0..8 {
        let w = world(1, 4_096, Faults { seed, yields_max: 9, ..Faults::NONE });
        let season =
            Some(ScheduleConfig::Days { every: 7, zone: "UTC".into(), from: "2023-11-14T00:00".into() });
        let config = of_scores("laps", vec![submitted(Operator::Incr, Direction::Descending)]);
        let board = config.name.clone();
        w.engine.put_board(&w.admin(), gsm_engine::BoardConfig { season, ..config }).await.unwrap();
        w.clock.advance_ms(7 * 24 * 3_600_000);
        let by = PayoutConfig { page_size: 10, in_flight_max: 1, retry_after_ms: 60_000 };
        w.engine.begin_payout(&w.admin(), &board, 1, by).await.unwrap();
        let call = keyed(w.server(), "k", "next");
        let ask = async || w.engine.next_payout_page(&call, &board, 1).await;
        let (one, other) = futures::join!(ask(), ask());
        assert_eq!((one.unwrap(), other.unwrap()), (None, None), "seed {seed}");
    }
}
