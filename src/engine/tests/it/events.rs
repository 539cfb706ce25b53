//! What is told of tickets to whoever listens outside.
use crate::{
    gamelift::{duel, duel_by, listing, names, player, ruled_duel, start},
    world::{World, both, one_home, ticket},
};
use gsm_core::{Millis, QueueName, RequestKey};
use gsm_engine::{
    Decision, Happening, Listener, MatchmakingEvent, NewTicket,
    store::{
        ChangeSet, Committed, Cursor, Fold, Key, PushKind, Store,
        memory::{Faults, MemoryStore},
    },
};
use parking_lot::Mutex;
use std::sync::Arc;

both! {
    a_match_without_acceptance,
    a_match_that_all_accept,
    a_match_that_one_declines,
    a_match_that_nobody_answers,
    a_ticket_that_is_stopped_or_too_late,
    rules_are_counted_beyond_a_proposal,
    who_was_stopped_has_not_answered,
    all_queues_of_a_ticket_hear_of_it,
    a_ticket_has_the_name_by_which_the_wire_knows_it,
    a_backfill_is_told_of_with_its_session,
}

#[derive(Default)]
struct Heard(Mutex<Vec<MatchmakingEvent>>);

impl Listener for Heard {
    fn hear(&self, event: MatchmakingEvent) {
        self.0.lock().push(event);
    }
}

impl Heard {
    fn at(w: &World) -> Arc<Self> {
        let heard = Arc::new(Self::default());
        w.engine.listen(heard.clone());
        heard
    }

    /// What was told since the last time, each event with its tickets.
    fn take(&self) -> Vec<String> {
        let events = std::mem::take(&mut *self.0.lock());
        let line = |event: &MatchmakingEvent| {
            let mut ids: Vec<&str> = event.tickets.iter().map(|ticket| ticket.id.as_str()).collect();
            ids.sort_unstable();
            format!("{:?} {}", event.what, ids.join(" "))
        };
        let mut lines: Vec<String> = events.iter().map(line).collect();
        lines.sort();
        lines
    }
}

fn told(lines: &[(Happening, &str)]) -> Vec<String> {
    let mut lines: Vec<String> = lines.iter().map(|(what, tickets)| format!("{what:?} {tickets}")).collect();
    lines.sort();
    lines
}

/// Only of a match that takes place it is told what was predicted, and that is what players see of it: of events, and of what
/// players are pushed.
async fn predicted(w: &World, events: &[MatchmakingEvent]) {
    let (told, silent): (Vec<_>, Vec<_>) =
        events.iter().partition(|event| event.what == Happening::Succeeded);
    assert!(told.len() == 1 && silent.iter().all(|event| event.prediction.is_none()));
    let id = told[0].match_id.unwrap();
    let kept = w.engine.match_view(&w.admin(), id).await.unwrap().row;
    let shown = kept.prediction.forecast.as_ref().unwrap().shown();
    assert!(shown.inside.is_none() && shown.chances.is_some());
    assert_eq!(told[0].prediction, Some(shown.clone()));
    w.settle();
    let player = kept.roster.players().next().unwrap();
    w.engine.move_match(&w.server(), id, gsm_session::MatchState::Abandoned, None).await.unwrap();
    w.settle();
    let heard = w.engine.events(player, Cursor::default(), 100).await.unwrap();
    let of = |kind: &PushKind| match kind {
        PushKind::Ticket { match_id, prediction, .. } => (match_id.is_some(), prediction.clone()),
        PushKind::Match { prediction, .. } => (false, prediction.clone()),
        _ => (false, None),
    };
    let heard: Vec<_> = heard.iter().map(|item| of(&item.event.kind)).collect();
    assert!(heard.len() > 2 && heard.iter().any(|(formed, _)| *formed), "{heard:?}");
    for (formed, prediction) in heard {
        assert_eq!(prediction, formed.then(|| Box::new(shown.clone())));
    }
}

async fn a_match_without_acceptance(w: World) {
    let heard = Heard::at(&w);
    duel(&w, None).await;
    start(&w, "t-1", "ann").await;
    w.clock.advance_ms(3_000);
    start(&w, "t-2", "bob").await;
    assert_eq!(
        heard.take(),
        told(&[(Happening::Searching(None), "t-1"), (Happening::Searching(None), "t-2")])
    );
    w.turn().await;
    let events = heard.0.lock().clone();
    assert_eq!(
        heard.take(),
        told(&[(Happening::PotentialMatch(None), "t-1 t-2"), (Happening::Succeeded, "t-1 t-2")])
    );
    assert!(events.iter().all(|event| event.match_id.is_some() && event.match_id == events[0].match_id));
    predicted(&w, &events).await;
    let player = &events[0].tickets[0].players[0];
    assert_eq!((player.id.as_str(), player.accepted), ("ann", None));
    // What comes next is told how long the others waited.
    start(&w, "t-3", "eve").await;
    assert_eq!(heard.take(), told(&[(Happening::Searching(Some(Millis::new(1_500))), "t-3")]));
}

async fn a_match_that_all_accept(w: World) {
    let heard = Heard::at(&w);
    duel(&w, Some(10)).await;
    let tickets = [start(&w, "t-1", "ann").await, start(&w, "t-2", "bob").await];
    heard.take();
    w.turn().await;
    let asked = Happening::PotentialMatch(Some(Millis::from_secs(10)));
    assert_eq!(heard.take(), told(&[(asked, "t-1 t-2")]));
    w.engine.answer_for(&w.server(), tickets[0], &names(&["ann"]), true).await.unwrap();
    let answered = heard.0.lock()[0].tickets.clone();
    for player in answered.iter().map(|ticket| &ticket.players[0]) {
        assert_eq!(player.accepted, (player.id == "ann").then_some(true));
    }
    assert_eq!(heard.take(), told(&[(Happening::Answered, "t-1 t-2")]));
    w.engine.answer_for(&w.server(), tickets[1], &names(&["bob"]), true).await.unwrap();
    let events = heard.0.lock().clone();
    predicted(&w, &events).await;
    // Who goes by the order in which they come has the answer before what it decides.
    let order: Vec<_> = events.iter().map(|event| event.what.clone()).collect();
    let wanted = [Happening::Answered, Happening::Decided(Decision::Accepted), Happening::Succeeded];
    assert_eq!(order, wanted);
    assert_eq!(heard.take(), told(&wanted.map(|what| (what, "t-1 t-2"))));
}

async fn a_match_that_one_declines(w: World) {
    let heard = Heard::at(&w);
    duel(&w, Some(10)).await;
    let tickets = [start(&w, "t-1", "ann").await, start(&w, "t-2", "bob").await];
    w.turn().await;
    w.engine.answer_for(&w.server(), tickets[0], &names(&["ann"]), true).await.unwrap();
    heard.take();
    w.engine.answer_for(&w.server(), tickets[1], &names(&["bob"]), false).await.unwrap();
    assert_eq!(heard.0.lock()[0].what, Happening::Answered);
    assert_eq!(
        heard.take(),
        told(&[
            (Happening::Answered, "t-1 t-2"),
            (Happening::Decided(Decision::Rejected), "t-1 t-2"),
            (Happening::Searching(None), "t-1"),
            (Happening::Cancelled("a player of the party declined".into()), "t-2"),
        ])
    );
}

/// A store that cannot be read any more once somebody has answered.
struct Silenced(Arc<MemoryStore>);

impl Fold for Silenced {
    fn apply(&self, _: Committed, changes: &ChangeSet) {
        if changes.writes.iter().any(|write| matches!(write.key, Key::Proposal(_))) {
            self.0.set_faults(Faults { read_fails: 1.0, ..Faults::NONE });
        }
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_told_counts_all_the_same() {
    let w = one_home();
    let heard = Heard::at(&w);
    duel(&w, Some(10)).await;
    let tickets = [start(&w, "t-1", "ann").await, start(&w, "t-2", "bob").await];
    w.turn().await;
    let row = w.seen(tickets[1]).await;
    let (proposal, bob) = (row.proposal.unwrap(), row.players[0].player);
    heard.take();
    w.stores[0].subscribe(Arc::new(Silenced(w.stores[0].clone())));
    w.engine.answer_for(&w.server(), tickets[0], &names(&["ann"]), true).await.unwrap();
    w.stores[0].set_faults(Faults::NONE);
    assert_eq!(heard.take(), told(&[]));
    w.engine.respond(&w.by(bob), proposal, bob, true).await.unwrap();
    w.stores[0].set_faults(Faults::NONE);
    assert_eq!(w.seen(tickets[0]).await.state, gsm_session::TicketState::Completed);
}

async fn a_backfill_is_told_of_with_its_session(w: World) {
    ruled_duel(&w).await;
    let ann = player(&w, "ann").await;
    let heard = Heard::at(&w);
    let new = NewTicket { session: Some("s-1".to_owned()), ..listing("t-1", ann, "left") };
    w.engine.create_ticket(&w.server(), &new).await.unwrap();
    start(&w, "t-2", "bob").await;
    w.turn().await;
    let events = std::mem::take(&mut *heard.0.lock());
    let asked = events.iter().filter(|event| matches!(event.what, Happening::PotentialMatch(_)));
    assert_eq!((events.len(), asked.count()), (3, 1));
    for ticket in events.iter().flat_map(|event| &event.tickets) {
        assert_eq!(ticket.session.as_deref(), (ticket.id == "t-1").then_some("s-1"));
    }
}

async fn a_match_that_nobody_answers(w: World) {
    let heard = Heard::at(&w);
    duel(&w, Some(10)).await;
    start(&w, "t-1", "ann").await;
    start(&w, "t-2", "bob").await;
    w.turn().await;
    heard.take();
    w.clock.advance_ms(10_000);
    w.turn().await;
    let silent = || Happening::Cancelled("a player of the party did not answer".into());
    assert_eq!(
        heard.take(),
        told(&[(Happening::Decided(Decision::TimedOut), "t-1 t-2"), (silent(), "t-1"), (silent(), "t-2"),])
    );
}

async fn a_ticket_that_is_stopped_or_too_late(w: World) {
    let heard = Heard::at(&w);
    duel(&w, None).await;
    let ticket = start(&w, "t-1", "ann").await;
    heard.take();
    w.engine.stop_ticket(&w.server(), ticket).await.unwrap();
    assert_eq!(heard.take(), told(&[(Happening::Cancelled("cancelled by its party".into()), "t-1")]));
    start(&w, "t-2", "bob").await;
    heard.take();
    w.clock.advance_ms(600_000);
    w.turn().await;
    assert_eq!(heard.take(), told(&[(Happening::TimedOut, "t-2")]));
}

/// A duel whose one rule holds for any two.
const COUNTED: &str = r#"{"ruleLanguageVersion": "1.0", "teams": [
    {"name": "left", "minPlayers": 1, "maxPlayers": 1}, {"name": "right", "minPlayers": 1, "maxPlayers": 1}],
    "rules": [{"name": "Both", "type": "comparison", "measurements": ["count(flatten(teams[*].players))"],
        "operation": "=", "referenceValue": 2}]}"#;

async fn rules_are_counted_beyond_a_proposal(w: World) {
    let heard = Heard::at(&w);
    let named = gsm_core::RuleSetName::new("counted").unwrap();
    w.engine.create_rule_set(&w.admin(), &named, COUNTED, [].into()).await.unwrap();
    w.settle();
    duel_by(&w, Some(10), Some("counted")).await;
    // Of tickets that ended: how often the rule held and did not.
    let ended = || {
        let events = std::mem::take(&mut *heard.0.lock());
        let ends = |what: &Happening| matches!(what, Happening::Cancelled(_) | Happening::TimedOut);
        let line = |event: &MatchmakingEvent| {
            let [one] = event.rules.as_slice() else { panic!("one count: {event:?}") };
            format!("{} {} {}/{}", event.tickets[0].id, one.rule, one.passed, one.failed)
        };
        let mut lines: Vec<_> = events.iter().filter(|event| ends(&event.what)).map(line).collect();
        lines.sort();
        lines
    };
    let pair = async |one: &str, two: &str| {
        let tickets = [start(&w, one, "ann").await, start(&w, two, "bob").await];
        w.turn().await;
        tickets
    };
    let [one, _] = pair("t-1", "t-2").await;
    w.engine.answer_for(&w.server(), one, &names(&["ann"]), false).await.unwrap();
    assert_eq!(ended(), ["t-1 Both 1/0", "t-2 Both 1/0"]);
    pair("t-3", "t-4").await;
    w.clock.advance_ms(10_000);
    w.turn().await;
    assert_eq!(ended(), ["t-3 Both 1/0", "t-4 Both 1/0"]);
    let [one, two] = pair("t-5", "t-6").await;
    w.engine.stop_ticket(&w.server(), one).await.unwrap();
    assert_eq!(ended(), ["t-5 Both 1/0"]);
    // The other one searches on, and keeps what was counted.
    w.settle();
    start(&w, "t-7", "cat").await;
    w.turn().await;
    w.engine.stop_ticket(&w.server(), two).await.unwrap();
    assert_eq!(ended(), ["t-6 Both 2/0"]);
    w.settle();
    w.clock.advance_ms(600_000);
    w.turn().await;
    assert_eq!(ended(), ["t-7 Both 1/0"]);
}

#[tokio::test]
async fn an_event_names_its_queue() {
    let w = one_home();
    let heard = Heard::at(&w);
    duel(&w, None).await;
    start(&w, "t-1", "ann").await;
    assert_eq!(heard.0.lock()[0].queue.name, QueueName::new("duel").unwrap());
}

async fn who_was_stopped_has_not_answered(w: World) {
    let heard = Heard::at(&w);
    duel(&w, Some(10)).await;
    let answers = || {
        let events = std::mem::take(&mut *heard.0.lock());
        let decided = events.into_iter().find(|of| of.what == Happening::Decided(Decision::Rejected));
        let tickets = decided.expect("it is decided").tickets;
        let mut all: Vec<_> =
            tickets.iter().flat_map(|of| &of.players).map(|of| (of.id.clone(), of.accepted)).collect();
        all.sort();
        all
    };
    let tickets = [start(&w, "t-1", "ann").await, start(&w, "t-2", "bob").await];
    w.turn().await;
    w.engine.answer_for(&w.server(), tickets[1], &names(&["bob"]), true).await.unwrap();
    w.engine.stop_ticket(&w.server(), tickets[0]).await.unwrap();
    assert_eq!(answers(), [("ann".to_owned(), None), ("bob".to_owned(), Some(true))]);
    w.settle();
    // The same where another ticket takes its place.
    start(&w, "t-3", "ann").await;
    w.turn().await;
    w.engine.answer_for(&w.server(), tickets[1], &names(&["bob"]), true).await.unwrap();
    start(&w, "t-4", "ann").await;
    assert_eq!(answers(), [("ann".to_owned(), None), ("bob".to_owned(), Some(true))]);
    w.turn().await;
    let asked = w.seen(tickets[1]).await.proposal;
    assert!(asked.is_some());
    w.engine.answer_for(&w.server(), tickets[1], &names(&["bob"]), false).await.unwrap();
    assert_eq!(answers(), [("ann".to_owned(), None), ("bob".to_owned(), Some(false))]);
}

/// Who waits in several queues is told of in each: that he comes, comes back, and is gone.
async fn all_queues_of_a_ticket_hear_of_it(w: World) {
    let heard = Heard::at(&w);
    w.teams("a", 1, Some(10)).await;
    w.teams("b", 1, None).await;
    let p = w.players(4).await;
    let told = || {
        let events = std::mem::take(&mut *heard.0.lock());
        let line = |event: &MatchmakingEvent| {
            let what = format!("{:?}", event.what);
            format!("{} {}", event.queue.name, what.split('(').next().unwrap())
        };
        let mut lines: Vec<String> = events.iter().map(line).collect();
        lines.sort();
        lines
    };
    let wish = |player| gsm_engine::NewTicket {
        also: vec![QueueName::new("b").unwrap()],
        ..crate::world::ticket("a", player)
    };
    let both = w.engine.create_ticket(&w.by(p[0]), &wish(p[0])).await.unwrap().id;
    w.settle();
    assert_eq!(told(), ["a Searching", "b Searching"]);
    w.enter("a", p[1]).await;
    w.turn().await;
    let asked = w.seen(both).await.proposal.unwrap();
    told();
    w.engine.respond(&w.by(p[1]), asked, p[1], false).await.unwrap();
    w.settle();
    assert_eq!(told(), ["a Answered", "a Cancelled", "a Decided", "a Searching", "b Searching"]);
    // A match is told of where it is.
    w.enter("b", p[2]).await;
    told();
    w.turn().await;
    assert_eq!(told(), ["b PotentialMatch", "b Succeeded"]);
    let (_, id) = (w.settle(), w.seen(both).await.match_id.unwrap());
    w.engine.move_match(&w.server(), id, gsm_session::MatchState::Abandoned, None).await.unwrap();
    w.settle();
    // The same where all accept; but who does not answer is gone from all.
    let both = w.engine.create_ticket(&w.by(p[0]), &wish(p[0])).await.unwrap().id;
    w.settle();
    w.enter("a", p[3]).await;
    w.turn().await;
    let asked = w.seen(both).await.proposal.unwrap();
    w.engine.respond(&w.by(p[3]), asked, p[3], true).await.unwrap();
    told();
    w.engine.respond(&w.by(p[0]), asked, p[0], true).await.unwrap();
    assert_eq!(told(), ["a Answered", "a Decided", "a Succeeded"]);
    w.settle();
    let id = w.seen(both).await.match_id.unwrap();
    w.engine.move_match(&w.server(), id, gsm_session::MatchState::Abandoned, None).await.unwrap();
    w.settle();
    w.engine.create_ticket(&w.by(p[0]), &wish(p[0])).await.unwrap();
    w.settle();
    w.enter("a", p[1]).await;
    w.turn().await;
    told();
    w.clock.advance_ms(10_000);
    w.turn().await;
    assert_eq!(told(), ["a Cancelled", "a Cancelled", "a Decided", "b Cancelled"]);
}

/// Another's name for a native ticket is never taken for one of the wire's.
async fn a_ticket_has_the_name_by_which_the_wire_knows_it(w: World) {
    let heard = Heard::at(&w);
    duel(&w, None).await;
    start(&w, "order-77", "ann").await;
    let player = w.players(1).await[0];
    let own_id = RequestKey::new("order-77").ok();
    let new = NewTicket { own_id, ..ticket("duel", player) };
    let native = w.engine.create_ticket(&w.by(player), &new).await.unwrap().id;
    w.engine.cancel_ticket(&w.by(player), native).await.unwrap();
    let names: Vec<String> = heard.0.lock().iter().map(|event| event.tickets[0].id.clone()).collect();
    assert_eq!(names, ["order-77".to_owned(), native.to_string(), native.to_string()]);
}
