//! Champions: what a start does with a model that was trained and promoted.
use crate::{
    forecasts::{ask, drawn, play, view},
    snapshots::Shelf,
    world::mode,
};
use gsm_core::{Clock as _, Timestamp};
use gsm_engine::{Beginning, TrainedModel};
use gsm_ml::{About, FEATURES, Features, Model, ModelFile, Plan, train};
use gsm_rating::history::{History, Lineup};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) fn of_file(file: &ModelFile, hash: &str) -> Arc<TrainedModel> {
    Arc::new(TrainedModel::new(file.clone(), hash.to_owned()))
}

pub(crate) fn begin(
    champion: Option<Arc<TrainedModel>>,
    challengers: Vec<Arc<TrainedModel>>,
) -> BTreeMap<gsm_core::Mode, Beginning> {
    BTreeMap::from([(mode("duel"), Beginning { champion, challengers })])
}

/// A model that was promoted gives its weights to a start; players are learnt from the log, and no match is learnt by weights
/// that have seen it.
#[tokio::test]
async fn a_start_begins_with_the_champion() {
    let w = crate::world::one_home();
    w.teams("duel", 1, None).await;
    let p = w.players(8).await;
    play(&w, &p, 120).await;
    let (history, players) = w.engine.match_history_by_name(&mode("duel")).await.unwrap();
    let plan = Plan { history: &history, holdout: 0.2, forgetting: Some(1e-3), trees: 0, champion: None };
    let trained = train(&plan, || ()).unwrap().unwrap();
    let mut about = About::new("duel-9", "duel", w.clock.now(), "ops");
    about.window = trained.window;
    let names = plan.names(players.iter().map(ToString::to_string).collect());
    let file = ModelFile { about, names, model: trained.model };
    let promoted = |hash: &str| {
        let node = w.newborn("promoted");
        node.begin_models_with(begin(Some(of_file(&file, hash)), vec![]));
        node
    };
    let node = promoted("abc");
    node.load().await.unwrap();
    let found = view(node.models());
    assert_eq!((found.model.as_str(), found.learnt, found.matches), ("gsm-1/duel-9", 120, 120));
    let ask = ask(&[&p[7..=7], &p[..=0]]);
    let predicted = node.predict(&w.admin(), &ask).await.unwrap();
    assert_ne!(predicted, w.engine.predict(&w.admin(), &ask).await.unwrap());
    // What each feature adds, over the feature, is its weight: that of the trained model.
    let inside = predicted.forecast.inside.unwrap();
    let (parts, seen) = (inside.parts.numbers::<FEATURES>(), inside.seen.unwrap());
    let seen = Features::restore(seen.values.numbers(), seen.variant, seen.context).unwrap();
    let wanted = file.model.explain(&seen);
    for (part, wanted) in parts.iter().zip(&wanted) {
        assert!((part - wanted.logit).abs() < 1e-12, "{}: {part} {}", wanted.name, wanted.logit);
    }
    // Matches that come are learnt by the weights too, and a start comes to the same bits, saved or not.
    let shelf = Shelf::default();
    assert!(node.save_models(&shelf, 1).unwrap());
    play(&w, &p, 10).await;
    let [saved, read] = [promoted("abc"), promoted("abc")];
    saved.load_from(None, Some(&shelf)).await.unwrap();
    read.load().await.unwrap();
    let of = async |node: &gsm_engine::Engine| node.predict(&w.admin(), &ask).await.unwrap();
    assert_eq!(of(&saved).await, of(&read).await);
    assert_ne!(of(&saved).await.forecast.expected, predicted.forecast.expected);
    // What was saved of another champion is not used.
    let other = promoted("def");
    other.load_from(None, Some(&shelf)).await.unwrap();
    assert_eq!(of(&other).await, of(&read).await);
    let none = w.newborn("plain");
    none.load_from(None, Some(&shelf)).await.unwrap();
    assert_eq!(view(none.models()).model, "gsm-1");
    assert_eq!(of(&none).await, of(&w.engine).await);
}

/// Weights that were trained on files have seen none of a server's own results, whatever their dates; those that were trained
/// on its own have seen all up to a commit. Where it is not told time decides, and nobody has seen what came after the training.
#[tokio::test]
async fn commits_tell_what_weights_have_seen() {
    let w = crate::world::one_home();
    w.teams("duel", 1, None).await;
    let p = w.players(8).await;
    let trained_before = w.clock.now();
    play(&w, &p, 40).await;
    let (history, players) = w.engine.match_history_by_name(&mode("duel")).await.unwrap();
    let moved = async |created_at: Timestamp, results_to: Option<u64>| {
        let mut about = About::new("duel-9", "duel", created_at, "ops");
        about.window.to = Timestamp::from_millis(i64::MAX);
        about.results_to = results_to;
        let file = ModelFile { about, names: gsm_ml::Names::default(), model: Model::forgetting(1e-3) };
        let node = w.newborn("promoted");
        node.begin_models_with(begin(Some(of_file(&file, "abc")), vec![]));
        node.load().await.unwrap();
        let told = node.predict(&w.admin(), &ask(&[&p[7..=7], &p[..=0]])).await.unwrap();
        let scores = told.forecast.inside.unwrap().contenders;
        // The learner, and its first weights.
        scores[1] != scores[2]
    };
    let now = w.clock.now();
    assert!(moved(now, Some(0)).await);
    assert!(!moved(trained_before, Some(u64::MAX)).await);
    assert!(!moved(now, None).await);
    assert!(moved(trained_before, None).await);
    // Who trains on a server's results is told the last of them.
    let plan = Plan { history: &history, holdout: 0.2, forgetting: Some(1e-3), trees: 0, champion: None };
    let names = plan.names(players.iter().map(ToString::to_string).collect());
    let about = About::new("duel-9", "duel", trained_before, "ops");
    let file = ModelFile { about, names, model: Model::new() };
    let file = w.engine.with_players(&mode("duel"), file).await.unwrap();
    let told = w.engine.match_prediction(&w.server(), play(&w, &p, 1).await[0].0).await.unwrap();
    assert_eq!(file.about.results_to, Some(told.forecast.inside.unwrap().sequence));
}

/// Trees of the champion speak in the server as they do in the file, and go on from what was saved.
#[tokio::test]
async fn a_champions_trees_speak() {
    let w = crate::world::one_home();
    w.teams("duel", 1, None).await;
    let p = w.players(8).await;
    play(&w, &p, 60).await;
    let mut history = History::new(vec![String::new()]);
    for nth in 0..2_100 {
        let one = drawn(nth, 8) as u32;
        let other = (one + 1 + drawn(nth + 9_000, 7) as u32) % 8;
        let place = if (one > other) == (drawn(nth + 70_000, 4) > 0) { 1 } else { 3 };
        let sides = [(place, [one]), (2, [other])];
        let sides = sides.iter().map(|(place, players)| Lineup { place: *place, score: None, players });
        history.push(Timestamp::from_millis(nth as i64 * 40_000), 0, sides);
    }
    let plan = Plan { history: &history, holdout: 0.2, forgetting: Some(1e-3), trees: 12, champion: None };
    let trained = train(&plan, || ()).unwrap().unwrap();
    assert_eq!(trained.model.trees(), 12);
    let mut about = About::new("duel-9", "duel", w.clock.now(), "ops");
    about.window.to = w.clock.now();
    let file = ModelFile { about, names: plan.names(Vec::new()), model: trained.model.without_players() };
    let promoted = || {
        let node = w.newborn("promoted");
        node.begin_models_with(begin(Some(of_file(&file, "abc")), vec![]));
        node
    };
    let node = promoted();
    node.load().await.unwrap();
    let asked = node.predict(&w.admin(), &ask(&[&p[7..=7], &p[..=0]])).await.unwrap();
    let inside = asked.forecast.inside.unwrap();
    let seen = inside.seen.unwrap();
    let seen = Features::restore(seen.values.numbers(), seen.variant, seen.context).unwrap();
    assert_eq!(asked.forecast.expected[0], file.model.predict(&seen).expected);
    let told = asked.contributions.iter().find(|part| part.name == "trees").unwrap();
    assert_eq!(Some(told), file.model.explain(&seen).iter().find(|part| part.name == "trees"));
    assert_ne!(told.logit, 0.0);
    let shelf = Shelf::default();
    assert!(node.save_models(&shelf, 1).unwrap());
    play(&w, &p, 10).await;
    let [saved, read] = [promoted(), promoted()];
    saved.load_from(None, Some(&shelf)).await.unwrap();
    read.load().await.unwrap();
    let ask = ask(&[&p[3..=3], &p[5..=5]]);
    let of = async |node: &gsm_engine::Engine| node.predict(&w.admin(), &ask).await.unwrap();
    assert_eq!(of(&saved).await, of(&read).await);
}
