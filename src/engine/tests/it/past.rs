//! Rank at a date, against boards as they were noted down at the time.
use crate::{
    matches::made,
    world::{World, both, mode, places, refused},
};
use gsm_core::{PlayerId, Timestamp};
use gsm_engine::{BoardRef, Viewer};

both! { every_moment_is_as_it_was_noted, a_voided_result_has_never_been }

/// At an instant: of each player the rank and the score.
type Noted = (Timestamp, Vec<Option<(u64, i64)>>);

fn noted(w: &World, players: &[PlayerId]) -> Noted {
    let board = BoardRef::from(&mode("duel"));
    let place = |player: &PlayerId| {
        let view = w.engine.rank(&board, *player, Viewer::All).ok()?;
        Some((view.rank.get(), view.keys.first()))
    };
    (gsm_core::Clock::now(&*w.clock), players.iter().map(place).collect())
}

async fn check(w: &World, players: &[PlayerId], notes: &[Noted]) {
    let instants: Vec<Timestamp> = notes.iter().map(|(at, _)| *at).collect();
    for (nth, player) in players.iter().enumerate() {
        let found = w.engine.rank_at(&mode("duel"), *player, &instants).await.unwrap();
        for (found, (at, wanted)) in found.iter().zip(notes) {
            let found = (found.at, found.place.map(|place| (place.rank.get(), place.score)), found.players);
            let players = wanted.iter().flatten().count() as u64;
            assert_eq!(found, (*at, wanted[nth], players));
        }
    }
}

async fn play(w: &World, players: &[PlayerId], rounds: usize, notes: &mut Vec<Noted>) {
    for round in 0..rounds {
        let pair = [players[round % 5], players[(round * 3 + 1) % 5 + 1]];
        let pair = if pair[0] == pair[1] { [players[0], players[5]] } else { pair };
        let id = made(w, &pair).await.id;
        let report = if round % 4 == 0 { places(&[2, 1], &[]) } else { places(&[1, 2], &[]) };
        w.engine.report_result(&w.server(), id, None, &report).await.unwrap();
        w.settle();
        notes.push(noted(w, players));
        w.clock.advance_ms(60_000);
    }
}

async fn every_moment_is_as_it_was_noted(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(6).await;
    let mut notes = vec![noted(&w, &players)];
    w.clock.advance_ms(1);
    play(&w, &players, 12, &mut notes).await;
    check(&w, &players, &notes).await;
    // It follows on.
    play(&w, &players, 9, &mut notes).await;
    w.engine.set_rating(&w.admin(), &mode("duel"), players[2], 2_000.0, None, "moved over").await.unwrap();
    w.settle();
    notes.push(noted(&w, &players));
    check(&w, &players, &notes).await;
    refused(w.engine.rank_at(&mode("none"), players[0], &[Timestamp::EPOCH]).await, "not_found");
    refused(w.engine.rank_at(&mode("duel"), players[0], &[]).await, "invalid");
}

async fn a_voided_result_has_never_been(w: World) {
    w.teams("duel", 1, None).await;
    let players = w.players(6).await;
    let [a, b] = [players[0], players[1]];
    let id = made(&w, &[a, b]).await.id;
    w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
    w.settle();
    let first = gsm_core::Clock::now(&*w.clock);
    w.clock.advance_ms(1_000);
    let later = made(&w, &[a, b]).await.id;
    w.engine.report_result(&w.server(), later, None, &places(&[2, 1], &[])).await.unwrap();
    w.settle();
    let second = gsm_core::Clock::now(&*w.clock);
    let rank = async |at| w.engine.rank_at(&mode("duel"), a, &[at]).await.unwrap()[0];
    assert_eq!((rank(first).await.place.unwrap().rank.get(), rank(second).await.players), (1, 2));
    w.engine.void_result(&w.admin(), id, "wrong map").await.unwrap();
    w.settle();
    assert_eq!((rank(first).await.place, rank(first).await.players), (None, 0));
    assert_eq!(rank(second).await.place.unwrap().rank.get(), 2);
}
