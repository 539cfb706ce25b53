use super::*;

fn player(n: u128) -> PlayerId {
    PlayerId::from_u128(n)
}
fn ms(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}
fn tickets(ns: &[u128]) -> Vec<TicketId> {
    ns.iter().map(|&n| TicketId::from_u128(n)).collect()
}

/// Tickets 1 (players 10, 11), 2 (20) against 3 (30, 31), 4 (40), to be answered before 1000.
fn proposal() -> Proposal {
    let seat = |n| Seat { ticket: TicketId::from_u128(n / 10), player: player(n) };
    let sides = [vec![seat(10), seat(11), seat(20)], vec![seat(30), seat(31), seat(40)]];
    Proposal::new(ProposalId::from_u128(7), MatchId::from_u128(9), &sides, ms(1_000)).unwrap()
}

fn after(answers: &[(u128, bool)]) -> Proposal {
    let mut p = proposal();
    for &(n, accept) in answers {
        p.respond(&[player(n)], accept, ms(10)).unwrap();
    }
    p
}

const ALL: [(u128, bool); 6] = [(10, true), (11, true), (20, true), (30, true), (31, true), (40, true)];

#[test]
fn it_is_complete_when_all_accept() {
    assert_eq!(after(&ALL[..5]).outcome(), Outcome::Waiting);
    assert_eq!(after(&ALL).outcome(), Outcome::Complete);
    assert_eq!(after(&ALL).expire(ms(5_000)), Outcome::Complete);
}

#[test]
fn a_decline_ends_it() {
    let p = after(&[(10, true), (20, true), (30, true), (31, false)]);
    let failure = Failure {
        missed_deadline: false,
        decliners: vec![player(31)],
        missing: vec![player(11), player(40)],
        willing: tickets(&[2]),
        unwilling: tickets(&[3]),
        silent: tickets(&[1, 4]),
    };
    assert_eq!(p.outcome(), Outcome::Failed(failure));
}

#[test]
fn the_deadline_ends_it() {
    let mut p = after(&ALL[..5]);
    assert_eq!(p.expire(ms(999)), Outcome::Waiting);
    let failure = Failure {
        missed_deadline: true,
        decliners: vec![],
        missing: vec![player(40)],
        willing: tickets(&[1, 2, 3]),
        unwilling: vec![],
        silent: tickets(&[4]),
    };
    assert_eq!(p.expire(ms(1_000)), Outcome::Failed(failure.clone()));
    // The clock steps back: it stays off.
    assert_eq!(p.respond(&[player(40)], true, ms(10)), Err(ProposalError::TooLate { proposal: p.id() }));
    assert_eq!(p.outcome(), Outcome::Failed(failure));
}

#[test]
fn several_answer_at_once() {
    let mut p = after(&[(10, true)]);
    let Ok(Outcome::Failed(failure)) = p.respond(&[player(10), player(11)], false, ms(10)) else {
        panic!("they decline")
    };
    assert_eq!(failure.decliners, [player(10), player(11)], "the second one counts like the first");
    let mut p = after(&ALL[..4]);
    let got = p.respond(&[player(31), player(40), player(31)], true, ms(10));
    assert_eq!(got, Ok(Outcome::Complete));
    // All or none.
    let mut p = after(&ALL[..4]);
    let before = p.clone();
    let refused = p.respond(&[player(31), player(99)], true, ms(10));
    assert!(matches!(refused, Err(ProposalError::UnknownPlayer { .. })), "{refused:?}");
    assert_eq!(p, before);
    assert_eq!(p.respond(&[], true, ms(10)), Ok(Outcome::Waiting));
}

type Check = fn(&Result<Outcome, ProposalError>) -> bool;

/// Player, answer, instant, and what comes of it.
fn check(p: &Proposal, n: u128, accept: bool, now: i64, expected: Check) {
    let (mut changed, before) = (p.clone(), p.clone());
    let got = changed.respond(&[player(n)], accept, ms(now));
    assert!(expected(&got), "{n} {accept} at {now}: {got:?}");
    assert!(got.is_ok() || changed == before, "a refused answer changes nothing");
}

#[test]
fn answers_by_table() {
    use ProposalError as E;
    let accepted = after(&[(10, true)]);
    check(&accepted, 20, true, 999, |r| matches!(r, Ok(Outcome::Waiting)));
    check(&accepted, 20, true, 1_000, |r| matches!(r, Err(E::TooLate { .. })));
    check(&accepted, 20, false, 1_000, |r| matches!(r, Err(E::TooLate { .. })));
    check(&accepted, 10, true, 10, |r| matches!(r, Ok(Outcome::Waiting)));
    check(&accepted, 10, true, 9_999, |r| matches!(r, Ok(Outcome::Waiting)));
    check(&accepted, 10, false, 10, |r| matches!(r, Ok(Outcome::Failed(_))));
    check(&accepted, 10, false, 1_000, |r| matches!(r, Err(E::AnsweredAlready { .. })));
    check(&accepted, 99, true, 10, |r| matches!(r, Err(E::UnknownPlayer { .. })));
    check(&accepted, 20, false, 10, |r| matches!(r, Ok(Outcome::Failed(f)) if !f.missed_deadline));
    let declined = after(&[(10, true), (20, false)]);
    check(&declined, 20, false, 10, |r| matches!(r, Ok(Outcome::Failed(_))));
    check(&declined, 20, true, 10, |r| matches!(r, Err(E::AnsweredAlready { .. })));
    check(&declined, 10, true, 10, |r| matches!(r, Ok(Outcome::Failed(_))));
    check(&declined, 30, true, 10, |r| matches!(r, Err(E::Declined { .. })));
    check(&after(&ALL), 40, true, 9_999, |r| matches!(r, Ok(Outcome::Complete)));
    check(&after(&ALL), 40, false, 10, |r| matches!(r, Err(E::AnsweredAlready { .. })));
}

/// What the players of a small proposal may do: say yes or no in time or late, or let time pass.
#[derive(Debug, Clone, Copy)]
enum Event {
    Say(u128, bool, i64),
    Pass(i64),
}

/// Ticket 1 brings players 10 and 11, ticket 2 player 20; plays `events` beside a twin that only keeps the answers
/// given before anything was decided.
fn play(events: &[Event]) {
    let seat = |n| Seat { ticket: TicketId::from_u128(n / 10), player: player(n) };
    let sides = [vec![seat(10), seat(11)], vec![seat(20)]];
    let mut p = Proposal::new(ProposalId::from_u128(7), MatchId::from_u128(9), &sides, ms(1_000)).unwrap();
    let mut said: Vec<(u128, bool)> = Vec::new();
    let mut decided: Option<Outcome> = None;
    for &event in events {
        let before = p.clone();
        match event {
            Event::Say(n, accept, now) => {
                let first = said.iter().find(|(who, _)| *who == n).map(|(_, accept)| *accept);
                let got = p.respond(&[player(n)], accept, ms(now));
                // An acceptance can be taken back.
                let is_news = first.is_none() || (first == Some(true) && !accept);
                let counts = is_news && decided.is_none() && now < 1_000;
                assert_eq!(got.is_ok(), counts || first == Some(accept), "{events:?}");
                assert_eq!(p == before, !counts, "{events:?}");
                if let Ok(outcome) = got {
                    assert_eq!(outcome, p.outcome());
                }
                if counts {
                    said.retain(|(who, _)| *who != n);
                    said.push((n, accept));
                    if !accept || said.len() == 3 {
                        decided = Some(p.outcome());
                    }
                }
            }
            Event::Pass(now) => {
                let outcome = p.expire(ms(now));
                if decided.is_none() && now >= 1_000 {
                    decided = Some(outcome);
                }
            }
        }
        assert_eq!(p.outcome(), decided.clone().unwrap_or(Outcome::Waiting), "{events:?}");
    }
    let who = |wanted| said.iter().filter(|(_, a)| *a == wanted).map(|(n, _)| player(*n)).collect::<Vec<_>>();
    match p.outcome() {
        Outcome::Waiting => assert!(said.len() < 3 && who(false).is_empty()),
        Outcome::Complete => assert_eq!(who(true).len(), 3),
        Outcome::Failed(why) => {
            assert_eq!((&why.decliners, why.missed_deadline), (&who(false), who(false).is_empty()));
            assert_eq!(why.missing.len(), 3 - said.len());
            let ticket = |n: u128, players: &[u128]| {
                let answer = |n| said.iter().find(|(who, _)| *who == n).map(|(_, accept)| *accept);
                let list = if players.iter().any(|&n| answer(n) == Some(false)) {
                    &why.unwilling
                } else if players.iter().any(|&n| answer(n).is_none()) {
                    &why.silent
                } else {
                    &why.willing
                };
                assert!(list.contains(&TicketId::from_u128(n)), "{events:?}");
            };
            ticket(1, &[10, 11]);
            ticket(2, &[20]);
            assert_eq!(why.willing.len() + why.unwilling.len() + why.silent.len(), 2);
        }
    }
}

#[test]
fn every_history_of_four_events_ends_as_it_should() {
    let times = [10, 999, 1_000];
    let mut all: Vec<Event> = times.map(Event::Pass).to_vec();
    for (n, accept) in [10, 11, 20].into_iter().flat_map(|n| [(n, true), (n, false)]) {
        all.extend([10, 1_000].map(|now| Event::Say(n, accept, now)));
    }
    let n = all.len();
    for code in 0..n.pow(4) {
        play(&[0, 1, 2, 3].map(|at| all[code / n.pow(at) % n]));
    }
}

#[test]
fn a_decided_proposal_does_not_expire() {
    let mut p = after(&[(20, false)]);
    let before = p.outcome();
    assert_eq!(p.expire(ms(5_000)), before);
}

#[test]
fn bad_seats_are_refused() {
    let seat = |n| Seat { ticket: TicketId::from_u128(n), player: player(n) };
    let make =
        |sides: &[Vec<Seat>]| Proposal::new(ProposalId::from_u128(1), MatchId::from_u128(9), sides, ms(1));
    assert!(matches!(make(&[vec![], vec![]]), Err(ProposalError::Size { players: 0, .. })));
    assert!(matches!(make(&[vec![seat(1)], vec![seat(1)]]), Err(ProposalError::PlayerTwice { .. })));
    let crowd = |n: u128| vec![(0..n).map(seat).collect::<Vec<_>>()];
    assert!(make(&crowd(limits::MATCH_PLAYERS_MAX as u128)).is_ok());
    assert!(matches!(
        make(&crowd(limits::MATCH_PLAYERS_MAX as u128 + 1)),
        Err(ProposalError::Size { players: 201, .. })
    ));
}

#[test]
fn it_can_be_stored() {
    let p = after(&[(10, true), (31, false)]);
    let text = serde_json::to_string(&p).unwrap();
    assert!(text.contains("\"declined\""));
    assert_eq!(serde_json::from_str::<Proposal>(&text).unwrap(), p);
    let bytes = postcard::to_stdvec(&p).unwrap();
    assert_eq!(postcard::from_bytes::<Proposal>(&bytes).unwrap(), p);
}

#[test]
fn who_plays_already_is_not_asked() {
    let seat = |n| Seat { ticket: TicketId::from_u128(n / 10), player: player(n) };
    let sides = [vec![seat(10), seat(20)], vec![seat(11)]];
    let p = Proposal::new(ProposalId::from_u128(7), MatchId::from_u128(9), &sides, ms(1_000)).unwrap();
    let mut p = p.of_teams(vec!["red".into(), "blue".into()]).joining(TicketId::from_u128(1));
    assert_eq!((p.outcome(), p.teams().join(" ")), (Outcome::Waiting, "red blue".to_owned()));
    let mut silent = p.clone();
    let Outcome::Failed(failure) = silent.expire(ms(1_000)) else { panic!("still open") };
    assert_eq!((failure.willing, failure.silent), (tickets(&[1]), tickets(&[2])));
    let before = p.clone();
    for accept in [true, false] {
        assert_eq!(p.respond(&[player(10)], accept, ms(10)), Ok(Outcome::Waiting));
        assert_eq!(p, before, "nobody is turned away by who plays already");
    }
    let mut taken_out = p.clone();
    let Ok(Outcome::Failed(failure)) = taken_out.withdraw(&[player(10)], ms(10)) else {
        panic!("still open")
    };
    assert_eq!((failure.unwilling, failure.silent), (tickets(&[1]), tickets(&[2])));
    assert_eq!(p.respond(&[player(20)], true, ms(10)), Ok(Outcome::Complete));
    assert_eq!(p.withdraw(&[player(11)], ms(10)), Err(ProposalError::AnsweredAlready { player: player(11) }));
}
