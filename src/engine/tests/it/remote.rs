//! A model elsewhere: which matches it is asked about, what is kept of its answers, and that nothing hangs on it.
use crate::world::{World, both, first_wins, keyed, mode, one_home, places, refused, wide};
use async_trait::async_trait;
use gsm_core::{MatchId, Mode, PlayerId, QueueName, TicketId};
use gsm_engine::{
    Ask, Chances, Heard, MatchView, Miss, NewMatch, Question, QueueConfig, RemoteModel, Reply,
    store::{Forecast, Spoke},
};
use gsm_matchmaking::{Format, MatchRules};
use gsm_session::TicketState;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::Semaphore;

both! {
    what_was_heard_is_written_with_the_match,
    the_own_model_speaks_for_one_that_does_not_answer,
    a_proposal_keeps_what_was_heard_until_all_accept,
    what_was_said_of_another_match_is_not_told,
    only_matches_of_two_sides_of_its_modes_are_asked_about,
    a_server_that_creates_a_match_asks_once,
    both_are_judged_over_the_same_matches,
}

/// What it says of a match: something that no model would, and that tells which match it was asked about.
fn says(of: &Question) -> Reply {
    let first = |side: &[PlayerId]| (side[0].as_u128() >> 20 & 0xff) as f64;
    let win = (1.0 + first(&of.sides[0])) / (2.0 + first(&of.sides[0]) + first(&of.sides[1]));
    let (draw, win) = (0.125, win * 0.875);
    let expected = win + draw / 2.0;
    let chances = Chances {
        win,
        draw,
        loss: 1.0 - win - draw,
        expected,
        low: expected / 2.0,
        high: (1.0 + expected) / 2.0,
        margin: Some(1.5),
        quality: 0.375,
    };
    let inference = of.variant.is_none().then(|| format!("call-{}", of.at.as_millis()));
    Reply { chances, model: "duel-7".to_owned(), variant: Some("blue".to_owned()), inference }
}

/// Answers as it is told, in its own modes, one permit a call where it is held.
struct Elsewhere {
    modes: Vec<Mode>,
    answer: fn(&[Question]) -> Vec<Heard>,
    asked: Mutex<Vec<Vec<Question>>>,
    holds: Option<(Mode, Semaphore)>,
}

#[async_trait]
impl RemoteModel for Elsewhere {
    fn is_asked_of(&self, mode: &Mode) -> bool {
        self.modes.contains(mode)
    }
    async fn ask(&self, all: &[Question]) -> Vec<Heard> {
        self.asked.lock().push(all.to_vec());
        if let Some((_, permits)) = &self.holds {
            permits.acquire().await.unwrap().forget();
        }
        (self.answer)(all)
    }
}

fn truthful(all: &[Question]) -> Vec<Heard> {
    all.iter().map(|of| Ok(says(of))).collect()
}

fn elsewhere(w: &World, answer: fn(&[Question]) -> Vec<Heard>) -> Arc<Elsewhere> {
    let modes = vec![mode("duel"), mode("crowd")];
    let model = Arc::new(Elsewhere { modes, answer, asked: Mutex::default(), holds: None });
    w.engine.ask_elsewhere(model.clone());
    model
}

async fn formed(w: &World, ticket: TicketId) -> MatchView {
    let id = w.seen(ticket).await.match_id.expect("a match");
    w.engine.match_view(&w.admin(), id).await.unwrap()
}

fn forecast(view: &MatchView) -> Forecast {
    *view.row.prediction.forecast.clone().unwrap()
}

/// What the mode's own model says of it.
async fn own(w: &World, view: &MatchView) -> Forecast {
    let (sides, mode) = (view.row.roster.sides().to_vec(), view.row.mode.clone());
    let ask = Ask { mode, sides, parties: view.row.roster.parties(), home: None, variant: None };
    w.engine.predict(&w.admin(), &ask).await.unwrap().forecast
}

fn question(view: &MatchView) -> Question {
    let [one, other] = view.row.roster.sides() else { panic!("{view:?}") };
    let (sides, parties) = ([one.clone(), other.clone()], view.row.roster.parties());
    Question { sides, parties, home: None, variant: None, at: view.row.created_at }
}

async fn what_was_heard_is_written_with_the_match(w: World) {
    w.teams("duel", 1, None).await;
    let model = elsewhere(&w, truthful);
    let p = w.players(6).await;
    let tickets = w.enter_all("duel", &p).await;
    assert_eq!(model.asked.lock().iter().map(Vec::len).collect::<Vec<_>>(), [3], "one call a step");
    for ticket in tickets {
        let view = formed(&w, ticket).await;
        let (told, own, said) = (forecast(&view), own(&w, &view).await, says(&question(&view)));
        let Chances { win, draw, loss, expected, low, high, margin, quality } = said.chances;
        assert_eq!((told.chances, told.quality), (Some([win, draw, loss]), quality));
        assert_eq!(told.expected, [expected, loss + draw / 2.0]);
        let (inside, of_own) = (told.inside.unwrap(), own.inside.unwrap());
        assert_eq!((inside.interval, inside.margin), (Some([low, high]), margin));
        assert_eq!(inside.contenders[0], [expected]);
        let (Reply { model, variant, inference, .. }, own) = (said, own.expected[0]);
        assert_eq!(inside.spoke, Spoke::Called { model, variant, own, inference: inference.unwrap() });
        // What is learnt by is that of the own model, to the bit.
        assert_eq!(
            (&inside.model, &inside.seen, &inside.parts),
            (&of_own.model, &of_own.seen, &of_own.parts)
        );
        assert_eq!(inside.contenders[1..], of_own.contenders[1..inside.contenders.len()]);
        let shown = w.engine.match_view(&w.by(p[0]), view.id).await;
        let plays = view.row.roster.players().any(|of| of == p[0]);
        assert_eq!(shown.is_ok(), plays);
        if let Ok(shown) = shown {
            assert!(forecast(&shown).inside.is_none());
        }
    }
}

async fn the_own_model_speaks_for_one_that_does_not_answer(w: World) {
    w.teams("duel", 1, None).await;
    // Of two matches, the answer to the second is missing.
    elsewhere(&w, |_| vec![Err(Miss::Slow)]);
    let p = w.players(4).await;
    let tickets = w.enter_all("duel", &p).await;
    let mut missed = Vec::new();
    for ticket in [tickets[0], tickets[1], tickets[2], tickets[3]] {
        let view = formed(&w, ticket).await;
        let (told, own) = (forecast(&view), own(&w, &view).await);
        assert_eq!((told.quality, &told.expected, told.chances), (own.quality, &own.expected, own.chances));
        missed.push(told.inside.unwrap().spoke);
    }
    missed.sort_by_key(|spoke| *spoke != Spoke::InsteadFor(Miss::Slow));
    let [slow, garbled] = [Miss::Slow, Miss::Garbled].map(Spoke::InsteadFor);
    assert_eq!(missed, [slow.clone(), slow, garbled.clone(), garbled]);
}

async fn a_proposal_keeps_what_was_heard_until_all_accept(w: World) {
    w.teams("duel", 1, Some(20)).await;
    let model = elsewhere(&w, truthful);
    let p = w.players(4).await;
    let tickets = w.enter_all("duel", &p).await;
    assert_eq!(model.asked.lock().len(), 1);
    // Also where another node hears the answers, which asks nobody.
    let other = w.node("other").await;
    for (nth, (ticket, player)) in tickets.iter().zip(&p).enumerate() {
        let proposal = w.seen(*ticket).await.proposal.unwrap();
        let engine = if nth % 2 == 0 { &w.engine } else { &other };
        engine.respond(&w.by(*player), proposal, *player, true).await.unwrap();
        w.settle();
    }
    for ticket in tickets {
        let view = formed(&w, ticket).await;
        let asked = model.asked.lock()[0].iter().find(|of| of.sides == question(&view).sides).cloned();
        let said = says(&asked.expect("it was asked about"));
        let told = forecast(&view);
        assert_eq!(told.expected[0], said.chances.expected);
        let spoke = told.inside.unwrap().spoke;
        assert!(
            matches!(&spoke, Spoke::Called { inference, .. } if Some(inference) == said.inference.as_ref())
        );
    }
    assert_eq!(model.asked.lock().len(), 1);
}

/// Of a call without an id none is told, and what lies on disks since there were none is read.
#[tokio::test]
async fn who_spoke_without_an_id_is_told_without() {
    let w = one_home();
    let variant = Some(gsm_core::Variant::new("ice").unwrap());
    let config = w.teams("duel", 1, None).await;
    w.put(QueueConfig { variant, ..config }).await;
    elsewhere(&w, truthful);
    let p = w.players(2).await;
    let tickets = w.enter_all("duel", &p).await;
    let spoke = forecast(&formed(&w, tickets[0]).await).inside.unwrap().spoke;
    let Spoke::Elsewhere { model, variant, own } = &spoke else { panic!("{spoke:?}") };
    assert_eq!((model.as_str(), variant.as_deref()), ("duel-7", Some("blue")));
    let bytes = postcard::to_allocvec(&spoke).unwrap();
    let mut wanted = vec![2, 6];
    wanted.extend(b"duel-7");
    wanted.extend([1, 4]);
    wanted.extend(b"blue");
    wanted.extend(own.to_le_bytes());
    assert_eq!(bytes, wanted);
}

/// Whoever is asked of a match is not quoted of another: the queue has another home when all have accepted. Where it has another variant
/// or mode, the match that is played is the one that was asked about.
async fn what_was_said_of_another_match_is_not_told(w: World) {
    let config = w.teams("duel", 1, Some(20)).await;
    let model = elsewhere(&w, truthful);
    let variant = Some(gsm_core::Variant::new("ice").unwrap());
    let changed = [
        QueueConfig { variant, ..config.clone() },
        QueueConfig { home: Some(1), ..config.clone() },
        QueueConfig { mode: mode("crowd"), ..config.clone() },
    ];
    let p = w.players(8).await;
    for (nth, p) in p.chunks(2).enumerate() {
        w.put(config.clone()).await;
        let tickets = w.enter_all("duel", p).await;
        assert_eq!(model.asked.lock().len(), nth + 1);
        if let Some(changed) = changed.get(nth) {
            w.put(changed.clone()).await;
        }
        for (ticket, player) in tickets.iter().zip(p) {
            let proposal = w.seen(*ticket).await.proposal.unwrap();
            w.engine.respond(&w.by(*player), proposal, *player, true).await.unwrap();
        }
        let spoke = forecast(&formed(&w, tickets[0]).await).inside.unwrap().spoke;
        assert_eq!(spoke == Spoke::Own, nth == 1, "{nth}: {spoke:?}");
    }
}

async fn only_matches_of_two_sides_of_its_modes_are_asked_about(w: World) {
    w.teams("other", 1, None).await;
    let format = Format::FreeForAll { min: 3, max: 3, fill_after_ms: gsm_core::Millis::ZERO };
    w.queue("crowd", MatchRules { format, ..wide(1) }).await;
    let model = elsewhere(&w, truthful);
    let p = w.players(5).await;
    let (two, three) = (w.enter_all("other", &p[..2]).await, w.enter_all("crowd", &p[2..]).await);
    for ticket in [two[0], three[0]] {
        assert_eq!(forecast(&formed(&w, ticket).await).inside.unwrap().spoke, Spoke::Own);
    }
    assert!(model.asked.lock().is_empty());
}

async fn a_server_that_creates_a_match_asks_once(w: World) {
    w.teams("duel", 1, None).await;
    let model = elsewhere(&w, truthful);
    let p = w.players(2).await;
    let sides = p.iter().map(|p| vec![*p]).collect();
    let queue = QueueName::new("duel").unwrap();
    let new = NewMatch { queue, sides, parties: vec![], home: Some(1), variant: None };
    let call = keyed(w.server(), "once", "body");
    let view = w.engine.create_match(&call, &new).await.unwrap();
    let again = w.engine.create_match(&call, &new).await.unwrap();
    assert_eq!(again.id, view.id);
    let asked = model.asked.lock().concat();
    assert_eq!((asked.len(), asked[0].home), (1, Some(1)));
    assert_eq!(forecast(&view).expected[0], says(&asked[0]).chances.expected);
    let strangers = NewMatch { sides: vec![vec![p[0]], vec![PlayerId::from_u128(5)]], ..new };
    refused(w.engine.create_match(&w.server(), &strangers).await, "invalid");
    assert_eq!(model.asked.lock().len(), 1, "nobody is asked about what is refused");
}

async fn both_are_judged_over_the_same_matches(w: World) {
    w.teams("duel", 1, None).await;
    let p = w.players(2).await;
    let play = async || -> MatchId {
        let tickets = w.enter_all("duel", &p).await;
        let id = formed(&w, tickets[0]).await.id;
        w.engine.report_result(&w.server(), id, None, &first_wins(&p)).await.unwrap();
        w.settle();
        w.clock.advance_ms(60_000);
        id
    };
    for _ in 0..3 {
        play().await;
    }
    let names = |of: &gsm_engine::ModelView| of.contenders.iter().map(|of| of.name).collect::<Vec<_>>();
    let view = || w.engine.models().into_iter().find(|of| of.mode == mode("duel")).unwrap();
    assert_eq!(names(&view()), gsm_engine::CONTENDERS);
    elsewhere(&w, truthful);
    for _ in 0..4 {
        play().await;
    }
    let judged = view();
    assert_eq!(names(&judged)[gsm_engine::CONTENDERS.len()..], ["endpoint", "local"]);
    let of = |name: &str| {
        let found = judged.contenders.iter().find(|of| of.name == name).unwrap();
        (found.is_champion, found.all.clone().unwrap())
    };
    let [(champion, shown), (_, there), (_, here)] = ["gsm", "endpoint", "local"].map(of);
    assert!(champion && !of("endpoint").0);
    assert_eq!((shown.matches, there.matches, here.matches), (7, 4, 4));
    assert!(there.log_loss != here.log_loss, "they said different things");
    // It goes on from the log, to the bit.
    assert_eq!(w.node("restarted").await.models(), w.engine.models());
}

/// A ticket that is taken out while the question is out: no match, and the other waits on.
#[tokio::test]
async fn an_answer_after_a_ticket_was_cancelled_forms_nothing() {
    let w = one_home();
    w.teams("duel", 1, None).await;
    let holds = Some((mode("duel"), Semaphore::new(0)));
    let (modes, asked) = (vec![mode("duel")], Mutex::default());
    let model = Arc::new(Elsewhere { modes, answer: truthful, asked, holds });
    w.engine.ask_elsewhere(model.clone());
    let p = w.players(2).await;
    let tickets = [w.enter("duel", p[0]).await.id, w.enter("duel", p[1]).await.id];
    let (report, ()) = tokio::join!(w.engine.tick(), async {
        w.engine.cancel_ticket(&w.by(p[0]), tickets[0]).await.unwrap();
        model.holds.as_ref().unwrap().1.add_permits(1);
    });
    assert_eq!((report.matches, report.lost, model.asked.lock().len()), (0, 1, 1));
    assert_eq!(w.seen(tickets[0]).await.state, TicketState::Cancelled);
    assert!(w.claim(p[0]).await.is_none());
    // Whoever is left meets the next who comes.
    model.holds.as_ref().unwrap().1.add_permits(1);
    w.enter_all("duel", &p[..1]).await;
    assert_eq!(w.seen(tickets[1]).await.state, TicketState::Completed);
}

/// A queue whose answer is awaited holds up no other.
#[tokio::test]
async fn queues_do_not_wait_for_each_others_answers() {
    let w = one_home();
    w.teams("duel", 1, None).await;
    w.teams("other", 1, None).await;
    let holds = Some((mode("duel"), Semaphore::new(0)));
    let (modes, asked) = (vec![mode("duel")], Mutex::default());
    let model = Arc::new(Elsewhere { modes, answer: truthful, asked, holds });
    w.engine.ask_elsewhere(model.clone());
    let p = w.players(4).await;
    let mut tickets = Vec::new();
    for (queue, player) in ["duel", "duel", "other", "other"].into_iter().zip(&p) {
        tickets.push(w.enter(queue, *player).await.id);
    }
    let (report, ()) = tokio::join!(w.engine.tick(), async {
        while w.seen(tickets[2]).await.match_id.is_none() {
            tokio::task::yield_now().await;
        }
        assert!(w.seen(tickets[0]).await.match_id.is_none());
        model.holds.as_ref().unwrap().1.add_permits(1);
    });
    assert_eq!((report.matches, report.lost), (2, 0));
    w.engine
        .report_result(&w.server(), formed(&w, tickets[2]).await.id, None, &places(&[1, 2], &[]))
        .await
        .unwrap();
}
