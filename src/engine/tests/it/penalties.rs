//! Penalties: offences counted once, locks that keep out, and how they end.
mod dodges;
mod ladder;
mod leaves;
mod lifting;
mod scopes;

use crate::{
    matches::made,
    world::{World, both, keyed, places, refused, ticket},
};
use gsm_core::{MatchId, Millis, PlayerId, ProposalId, TicketId};
use gsm_engine::{
    EngineError, Intake, MatchFacts, NewTicket, Penalties, PenaltyView, Plausibility, QueueConfig, Reports,
    Silence, Span,
    store::{Home, Key, KeyRange, PushKind, Verdict, memory::Faults},
};
use gsm_session::{Ladder, OffenceKind, Report, TicketState};

fn ladder(locks_s: &[u64]) -> Ladder {
    let locks_ms = locks_s.iter().map(|s| Millis::from_secs(*s)).collect();
    Ladder { locks_ms, forget_after_ms: Millis::from_secs(3_600) }
}

fn all() -> Penalties {
    Penalties {
        scope: None,
        dodge: Some(ladder(&[0, 60, 600])),
        leave: Some(ladder(&[300])),
        afk: Some(ladder(&[100])),
    }
}

async fn duel(w: &World, acceptance_s: Option<u64>) -> QueueConfig {
    let config = w.teams("duel", 1, acceptance_s).await;
    w.put(QueueConfig { penalties: Some(all()), ..config }).await
}

/// Both enter and are asked.
async fn ask(w: &World, players: &[PlayerId]) -> ProposalId {
    let tickets = w.enter_all("duel", players).await;
    w.seen(tickets[0]).await.proposal.unwrap()
}

/// The player is asked with the other and declines.
async fn dodge(w: &World, player: PlayerId, other: PlayerId) {
    let id = ask(w, &[player, other]).await;
    w.engine.respond(&w.by(player), id, player, false).await.unwrap();
    let waiting = w.engine.player(&w.admin(), other).await.unwrap().claim.unwrap();
    let gsm_engine::store::Claim::Ticket(ticket) = waiting else { panic!("waits") };
    w.engine.cancel_ticket(&w.by(other), ticket).await.unwrap();
    w.settle();
}

async fn stands(w: &World, player: PlayerId) -> Vec<PenaltyView> {
    w.engine.penalties(&w.admin(), player).await.unwrap()
}

/// The kind, the step and for how many seconds still.
async fn short(w: &World, player: PlayerId) -> Vec<(OffenceKind, usize, u64)> {
    let now = w.admin().now;
    let left = |of: &PenaltyView| of.locked_until.map_or(0, |until| until.since(now).get() / 1_000);
    stands(w, player).await.iter().map(|of| (of.offence, of.step, left(of))).collect()
}

async fn is_locked(w: &World, player: PlayerId) -> bool {
    let made = w.engine.create_ticket(&w.by(player), &ticket("duel", player)).await;
    match made {
        Ok(view) => {
            w.engine.cancel_ticket(&w.by(player), view.id).await.unwrap();
            w.settle();
            false
        }
        Err(EngineError::LockedOut { player: who, .. }) if who == player => true,
        Err(other) => panic!("{other}"),
    }
}

/// A match of two that runs.
async fn play(w: &World, p: &[PlayerId]) -> MatchId {
    let tickets = w.enter_all("duel", p).await;
    w.seen(tickets[0]).await.match_id.unwrap()
}

async fn report(w: &World, id: MatchId, report: &Report) {
    w.engine.report_result(&w.server(), id, None, report).await.unwrap();
    w.settle();
    w.engine.tick().await;
    w.settle();
}

fn left(players: &[PlayerId], away: &[PlayerId]) -> Report {
    Report { afk: away.to_vec(), ..places(&[1, 2], players) }
}

/// Each lies in the home of what it comes of, and is found by its key and its range.
#[test]
fn rows_lie_where_their_causes_do() {
    let (player, id) = (PlayerId::from_u128(7), MatchId::from_u128(8));
    let scope = || "ranked".parse().unwrap();
    for (key, range, home) in [
        (Key::Dodges(scope(), player), KeyRange::AllDodges, Home::Live),
        (Key::Leaves(scope(), player), KeyRange::AllLeaves, Home::Record),
        (Key::Offences(id), KeyRange::AllOffences, Home::Record),
    ] {
        assert_eq!((key.home(), range.home()), (home, home));
        assert!(key.encode().starts_with(&range.prefix()));
        assert_eq!(Key::decode(&key.encode()), Ok(key));
    }
}
