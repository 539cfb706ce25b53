//! Challengers in the shadow of a mode's model: what they say is judged, and neither shown nor used.
use crate::{
    champions::{begin, of_file},
    forecasts::{ask, play, view},
    matches::made,
    snapshots::Shelf,
    world::{World, both, mode, places},
};
use gsm_core::{PlayerId, QueueName, Timestamp, Variant};
use gsm_engine::{Beginning, CHALLENGERS_MAX, Engine, ModelView, NewMatch};
use gsm_ml::{About, Model, ModelFile, Names};
use std::collections::BTreeMap;

both! {
    every_challenger_is_judged_and_none_is_heard,
    challengers_are_judged_of_free_for_alls,
    a_start_comes_to_the_same_challengers,
}

/// A version of the registry whose weights forget so much, and have seen all until then.
fn file(name: &str, forgetting: f64, until: Timestamp) -> ModelFile {
    let mut about = About::new(name, "duel", Timestamp::EPOCH, "ops");
    about.window.to = until;
    ModelFile { about, names: Names::default(), model: Model::forgetting(forgetting) }
}

fn never() -> Timestamp {
    Timestamp::from_millis(i64::MIN)
}

/// A champion, and beside it: one that forgets more, the champion's own file, and one whose weights never move.
fn registry() -> BTreeMap<gsm_core::Mode, Beginning> {
    let own = file("duel-1", 1e-3, never());
    let quick = file("duel-2", 5e-2, never());
    let mut held = file("duel-4", 1e-3, never());
    held.about.results_to = Some(u64::MAX);
    let challengers = vec![of_file(&quick, "22"), of_file(&own, "33"), of_file(&held, "44")];
    begin(Some(of_file(&own, "11")), challengers)
}

async fn begun(w: &World) -> Vec<PlayerId> {
    w.engine.begin_models_with(registry());
    w.teams("duel", 1, None).await;
    w.players(8).await
}

async fn again(w: &World, with: BTreeMap<gsm_core::Mode, Beginning>, shelf: Option<&Shelf>) -> Engine {
    let node = w.newborn("again");
    node.begin_models_with(with);
    node.load_from(None, shelf.map(|shelf| shelf as _)).await.unwrap();
    node
}

/// Without what tells who competes.
fn alone(of: ModelView) -> ModelView {
    ModelView { challengers: Vec::new(), ..of }
}

async fn every_challenger_is_judged_and_none_is_heard(w: World) {
    let p = begun(&w).await;
    let played = play(&w, &p, 80).await;
    let mut differ = 0;
    for (id, _) in &played {
        let told = w.engine.match_prediction(&w.server(), *id).await.unwrap().forecast;
        let inside = told.inside.unwrap();
        let tags: Vec<&str> = inside.shadows.iter().map(|(tag, _)| tag.as_str()).collect();
        assert_eq!(tags, ["duel-2@22", "duel-1@33", "duel-4@44"]);
        // With the champion's weights one says what the champion says, to the bit; others do not.
        let [quick, own, held] = [0, 1, 2].map(|at| inside.shadows[at].1.clone());
        assert_eq!((own.as_slice(), own[0]), (&told.expected[..1], inside.contenders[0][0]));
        differ += usize::from(quick != own && held != own && quick != held);
        let seen = w.engine.match_view(&w.by(p[0]), *id).await;
        assert!(seen.map_or(true, |of| of.row.prediction.forecast.unwrap().inside.is_none()));
    }
    assert!(differ > 60, "{differ}");
    let of = view(w.engine.models());
    let [quick, own, held] = of.challengers.as_slice() else { panic!("{:?}", of.challengers) };
    assert_eq!((quick.model.as_str(), quick.hash.as_str()), ("gsm-1/duel-2", "22"));
    for one in [quick, own, held] {
        assert_eq!(one.champion, of.contenders[0].all);
        assert_eq!(one.champion_recent, of.contenders[0].recent);
        assert_eq!(one.champion_parts, of.contenders[0].parts);
        assert_eq!(one.all.as_ref().unwrap().matches, 80);
        assert!(one.parts.iter().any(|part| part.report.matches == 80));
    }
    assert_eq!((&own.all, &own.parts), (&own.champion, &of.contenders[0].parts));
    assert!(quick.all != own.all && held.all != own.all && quick.recent != own.recent);
    // Nothing else is another for that somebody competes.
    let champion = registry().remove(&mode("duel")).unwrap().champion;
    let plain = again(&w, begin(champion, vec![]), None).await;
    assert_eq!(view(plain.models()), alone(of));
    let ask = ask(&[&p[..1], &p[6..7]]);
    let [here, there] = [&w.engine, &plain].map(async |node| node.predict(&w.admin(), &ask).await.unwrap());
    let (here, there) = (here.await, there.await);
    assert_eq!((here.forecast.shown(), here.contributions), (there.forecast.shown(), there.contributions));
}

async fn challengers_are_judged_of_free_for_alls(w: World) {
    let p = begun(&w).await;
    for nth in 0..20_u32 {
        let order: Vec<PlayerId> = (0..5).map(|at| p[(at + nth as usize) % 5]).collect();
        let id = made(&w, &order).await.id;
        let told = w.engine.match_prediction(&w.server(), id).await.unwrap().forecast;
        let shadows = told.inside.unwrap().shadows;
        assert_eq!((shadows.len(), &shadows[1].1), (3, &told.expected));
        let ended: Vec<u32> =
            order.iter().map(|of| p.iter().position(|own| own == of).unwrap() as u32 + 1).collect();
        w.engine.report_result(&w.server(), id, None, &places(&ended, &[])).await.unwrap();
        w.settle();
        w.clock.advance_ms(60_000);
    }
    let of = view(w.engine.models());
    let [quick, own, _] = of.challengers.as_slice() else { panic!("{:?}", of.challengers) };
    assert_eq!((own.all.as_ref().unwrap().matches, &own.all), (100, &of.contenders[0].all));
    assert_ne!(quick.all, own.all);
    assert_eq!(view(again(&w, registry(), None).await.models()), of);
}

async fn a_start_comes_to_the_same_challengers(w: World) {
    let p = begun(&w).await;
    play(&w, &p, 30).await;
    let queue = QueueName::new("duel").unwrap();
    for variant in ["dust", "mirage"].map(|name| Variant::new(name).unwrap()) {
        let sides = vec![vec![p[0]], vec![p[3]]];
        let new =
            NewMatch { queue: queue.clone(), sides, parties: vec![], home: None, variant: Some(variant) };
        let id = w.engine.create_match(&w.server(), &new).await.unwrap().id;
        w.engine.report_result(&w.server(), id, None, &places(&[1, 2], &[])).await.unwrap();
        w.settle();
    }
    let shelf = Shelf::default();
    let saves = w.engine.save_models(&shelf, 1).unwrap();
    play(&w, &p, 20).await;
    let wanted = view(w.engine.models());
    assert_eq!(wanted.challengers[0].all.as_ref().unwrap().matches, 52);
    // What the weights are is told by what they say next.
    let says = async |node: &Engine| {
        let asked = node.predict(&w.admin(), &ask(&[&p[..1], &p[6..7]])).await.unwrap();
        asked.forecast.inside.unwrap().shadows
    };
    let shelves = [None, saves.then_some(&shelf)];
    for shelf in shelves {
        let node = again(&w, registry(), shelf).await;
        assert_eq!((view(node.models()), says(&node).await), (wanted.clone(), says(&w.engine).await));
        // One has gone; one is new, of a name that was given before: it has said nothing yet.
        let mut others = registry();
        let of = others.get_mut(&mode("duel")).unwrap();
        of.challengers.remove(0);
        let node = again(&w, others.clone(), shelf).await;
        assert_eq!(view(node.models()).challengers, wanted.challengers[1..]);
        assert_eq!(says(&node).await, says(&w.engine).await[1..]);
        let of = others.get_mut(&mode("duel")).unwrap();
        of.challengers.insert(0, of_file(&file("duel-2", 1e-3, never()), "other"));
        let node = again(&w, others, shelf).await;
        let found = view(node.models()).challengers;
        assert_eq!((found[0].all.is_none(), &found[1..]), (true, &wanted.challengers[1..]));
        let (new, own) = (&says(&node).await[0], &says(&w.engine).await[1]);
        assert_eq!((new.0.as_str(), &new.1), ("duel-2@other", &own.1));
    }
}

#[tokio::test]
async fn so_many_compete_and_no_more() {
    let w = crate::world::one_home();
    let many = (0..9).map(|n| of_file(&file(&format!("duel-{n}"), 1e-3, never()), &n.to_string()));
    w.engine.begin_models_with(begin(None, many.collect()));
    w.teams("duel", 1, None).await;
    let p = w.players(3).await;
    play(&w, &p, 2).await;
    let of = view(w.engine.models());
    assert_eq!((of.model.as_str(), of.challengers.len()), ("gsm-1", CHALLENGERS_MAX));
    assert_eq!(of.challengers[0].model, "gsm-1/duel-0");
}
