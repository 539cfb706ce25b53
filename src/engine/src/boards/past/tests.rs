use super::{
    super::{BoardConfig, Dimension, Line, Part},
    views::{Making, PastView, Pasts, State},
};
use crate::{
    Engine, EngineOptions,
    store::{
        AttributesRow, Homes, StoreLimits,
        memory::{Faults, MemoryStore},
    },
    testing::{ManualClock, SeededIds},
    token::TokenKey,
};
use gsm_core::{Attribute, Mode, PlayerId, Timestamp};
use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

fn attribute(name: &str) -> Attribute {
    Attribute::new(name).unwrap()
}

fn home(region: &str) -> AttributesRow {
    AttributesRow { region: Some(attribute(region)), platform: Some(attribute("pc")), groups: Vec::new() }
}

/// The past of a mode's board in one region.
fn of_region(pasts: &Pasts) -> Arc<PastView> {
    let mode = Mode::new("duel").unwrap();
    let line = Arc::new(Line::new(BoardConfig::of_mode(&mode), Timestamp::EPOCH, false));
    pasts.of(&line, 0, Some(&Part::Of(Dimension::Region, attribute("eu"))))
}

#[test]
fn who_settles_before_it_is_known_who_belongs_to_a_part_is_kept_while_somebody_makes_it() {
    let pasts = Pasts::default();
    let view = of_region(&pasts);
    let [one, other] = [1, 2].map(PlayerId::from_u128);
    let making = Making::begin(&view);
    pasts.settled(one, Some(&home("eu")));
    pasts.settled(other, None);
    let of_state = || {
        let state = view.state.lock();
        (state.settled.clone(), state.told.is_some(), state.spoilt)
    };
    assert_eq!(of_state(), (Some(vec![(one, true), (other, false)]), true, false));
    // Who asked has gone away.
    drop(making);
    assert_eq!(of_state(), (None, false, false));
}

#[test]
fn commits_go_on_while_it_is_sought_who_belongs_to_a_part() {
    let clock = Arc::new(ManualClock::default());
    let store =
        MemoryStore::new(clock.clone(), StoreLimits { items_max: 100, bytes_max: 1 << 20 }, Faults::NONE);
    let options = EngineOptions { node: "test".into(), token_key: TokenKey::new([1; 32]) };
    let homes = Homes::one(Arc::new(store));
    let engine = Engine::new(homes, clock, Arc::new(SeededIds::new(1)), options);
    let (boards, pasts) = (&engine.views.boards, &engine.views.pasts);
    let [member, goes, comes] = [1, 2, 3].map(PlayerId::from_u128);
    [member, goes].iter().for_each(|player| boards.settled(*player, Some(&home("eu")), 1));
    let view = of_region(pasts);
    // It is not through with looking.
    let piece = boards.homes.piece(member).unwrap().write();
    thread::scope(|scope| {
        let making = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(engine.make_past(&view)).unwrap();
        });
        while view.state.lock().told.is_none() && !making.is_finished() {
            thread::yield_now();
        }
        let (done, is_done) = mpsc::channel();
        scope.spawn(move || {
            for (player, region) in [(goes, "na"), (comes, "eu")] {
                boards.settled(player, Some(&home(region)), 2);
                pasts.settled(player, Some(&home(region)));
            }
            done.send(())
        });
        let told = is_done.recv_timeout(Duration::from_secs(20));
        drop(piece);
        told.expect("waits for who looks at all players");
        making.join().unwrap();
    });
    let state = view.state.lock();
    let members = state.made.as_ref().unwrap().members.as_ref().unwrap();
    let mut members: Vec<PlayerId> = members.keys().copied().collect();
    members.sort_unstable();
    assert_eq!(members, [member, comes]);
}

#[test]
fn who_stays_in_a_part_or_out_of_it_does_not_spoil_what_is_being_made() {
    let pasts = Pasts::default();
    let view = of_region(&pasts);
    let [member, other] = [1, 2].map(PlayerId::from_u128);
    let spoils = |player, home: Option<&AttributesRow>| {
        let members = std::iter::once((member, ())).collect();
        *view.state.lock() = State { making_of: Some(Some(Arc::new(members))), ..State::default() };
        pasts.settled(player, home);
        view.state.lock().spoilt
    };
    assert!(!spoils(member, Some(&home("eu"))) && !spoils(other, Some(&home("na"))));
    assert!(!spoils(other, None), "who is erased was not in it");
    assert!(spoils(other, Some(&home("eu"))) && spoils(member, Some(&home("na"))) && spoils(member, None));
}
