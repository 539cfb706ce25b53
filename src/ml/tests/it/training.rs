use crate::league::{history, league, taught};
use gsm_core::Timestamp;
use gsm_ml::{
    About, Figures, Forecaster, Kept, Metrics, Model, ModelFile, Plan, Refusal, better, judge, train,
};
use gsm_rating::history::{History, Lineup};

fn plan(history: &History) -> Plan<'_> {
    Plan { history, holdout: 0.25, forgetting: None, trees: 0, champion: None }
}

fn file(model: Model, plan: &Plan<'_>) -> ModelFile {
    let names = plan.names((0..40).map(|n| n.to_string()).collect());
    let last = plan.history.at(plan.history.len() - 1);
    let mut about = About::new("duel-1", "duel", last, "ops");
    about.window.to = last;
    ModelFile { about, names, model }
}

#[test]
fn what_is_trained_is_judged_by_matches_it_had_not_seen() {
    let matches = league(3, 2, 1_200);
    let history = history(&matches);
    let plan = plan(&history);
    let mut seen = 0_usize;
    let trained = train(&plan, || seen += 1).unwrap().unwrap();
    assert_eq!(seen, plan.passes() * matches.len());
    assert_eq!((trained.window.matches, trained.window.players), (1_200, 40));
    let [model, rating, constant] =
        [trained.metrics.model, trained.metrics.rating, trained.metrics.constant].map(Option::unwrap);
    assert_eq!([model, rating, constant].map(|of| of.matches), [300; 3]);
    assert!(model.log_loss < rating.log_loss && rating.log_loss < constant.log_loss, "{model:?} {rating:?}");
    assert_eq!(trained.metrics.from, Some(matches[900].at));
    // The same by hand, of the settings chosen.
    let own = Forecaster::with(Model::forgetting(trained.forgetting), &history, None);
    let judged = judge(own, &plan, || ()).unwrap();
    assert_eq!(Figures::of(&judged.scored.test.report()), Some(model));
    let bytes = |model: &Model| file(model.clone(), &plan).to_bytes(Kept::All).unwrap();
    assert_eq!(bytes(&judged.model), bytes(&trained.model));
}

#[test]
fn a_champion_is_judged_on_the_same_matches_and_learns_nothing_twice() {
    let history = history(&league(3, 1, 1_000));
    let first = plan(&history);
    let trained = train(&first, || ()).unwrap().unwrap();
    let champion = file(trained.model, &first);
    let second = Plan { champion: Some((&champion, "abc")), ..first };
    let again = train(&second, || ()).unwrap().unwrap();
    let compared = again.metrics.champion.unwrap();
    assert_eq!((compared.hash.as_str(), compared.had_seen), ("abc", true));
    assert!(compared.figures.log_loss < trained.metrics.constant.unwrap().log_loss);
    let held = Forecaster::with(champion.weights(&champion.names.variants), &history, Some(Timestamp::EPOCH));
    let judged = judge(held, &second, || ()).unwrap();
    assert_eq!(Figures::of(&judged.scored.test.report()), Some(compared.figures));
    let weights = |model: Model| file(model, &first).to_bytes(Kept::Weights).unwrap();
    assert_eq!(weights(judged.model), weights(champion.model));
}

/// One match of three sides among duels takes nothing from what duels teach.
#[test]
fn duels_are_learnt_as_duels_whatever_is_among_them() {
    let matches = league(24, 1, 2_200);
    let mut history = history(&matches);
    let side = |place, players| Lineup { place, score: None, players };
    let three: [Lineup<'_>; 3] = [side(1, &[0]), side(2, &[1]), side(3, &[2])];
    history.push(matches[2_199].at, 0, three);
    let trained = train(&Plan { trees: 5, ..plan(&history) }, || ()).unwrap().unwrap();
    assert_eq!(trained.model.trees(), 5);
    let (mut model, first) = (trained.model, Model::new());
    let of = model.features(&matches[7].meeting()).unwrap();
    let ([_, learner, unmoved, _], (_, draw)) = (model.contenders(&of), model.chances(&of));
    assert_ne!(learner, unmoved);
    assert_ne!(draw, first.chances(&of).1);
    assert!(model.predict(&of).margin.is_some() && first.predict(&of).margin.is_none());
    // All are judged alike, by pairs: a champion, too.
    let [own, rating] = [trained.metrics.model, trained.metrics.rating].map(Option::unwrap);
    assert!(own.log_loss < rating.log_loss && own.ece.is_none(), "{own:?} {rating:?}");
}

/// A match that a file dates beyond all clocks holds no weights until then.
#[test]
fn nothing_was_seen_after_the_training() {
    let [trained, late] = [1_000, 2_000].map(Timestamp::from_millis);
    let mut about = About::new("duel-1", "duel", trained, "ops");
    about.window.to = late;
    assert_eq!(about.seen_to(), trained);
    about.window.to = Timestamp::from_millis(500);
    assert_eq!(about.seen_to(), about.window.to);
}

#[test]
fn weights_follow_the_names_of_variants() {
    let matches = league(8, 1, 600);
    let history = history(&matches);
    let of = file(taught(&matches), &plan(&history));
    let turned: Vec<String> = ["hard", "new", "clay"].map(str::to_owned).to_vec();
    let (mut own, mut other) = (of.weights(&of.names.variants), of.weights(&turned));
    for (old, new) in [(0, Some(2)), (2, Some(0)), (1, None)] {
        let mut meeting = matches[0].meeting();
        let mut logit = |model: &mut Model, variant: u16| {
            meeting.variant = Some(variant);
            let features = model.features(&meeting).unwrap();
            model.explain(&features).iter().find(|part| part.name == "variant").unwrap().logit
        };
        let wanted = logit(&mut own, old);
        assert_ne!(wanted, 0.0);
        assert_eq!(logit(&mut other, new.unwrap_or(1)), new.map_or(0.0, |_| wanted));
    }
}

#[test]
fn a_share_is_as_many_matches_as_it_is_made_of() {
    for (train, validation) in [(71, 29), (102, 1), (1, 1), (2, 1), (43, 57), (80, 20), (997, 3), (10, 0)] {
        let history = history(&league(1, 1, train + validation));
        let holdout = validation as f64 / (train + validation) as f64;
        let windows = Plan { holdout, ..plan(&history) }.windows();
        assert_eq!((windows.tune, windows.test, windows.end), (train / 2, train, train + validation));
    }
}

#[test]
fn no_matches_are_no_model() {
    assert!(train(&plan(&History::new(Vec::new())), || ()).unwrap().is_none());
    let one = history(&league(1, 1, 1));
    let trained = train(&plan(&one), || ()).unwrap().unwrap();
    assert_eq!(trained.metrics, Metrics::default());
}

fn figures(log_loss: f64) -> Option<Figures> {
    Some(Figures { matches: 500, accuracy: Some(0.6), log_loss, brier: 0.2, ece: Some(0.01) })
}

fn check(model: f64, champion: Option<&str>, than: Option<&str>) {
    let metrics = Metrics {
        from: None,
        model: figures(model),
        without_trees: None,
        rating: figures(0.60),
        constant: figures(0.69),
        champion: Some(gsm_ml::Compared {
            hash: "abc".to_owned(),
            had_seen: false,
            figures: figures(0.58).unwrap(),
        }),
    };
    match (better(&metrics, champion, 0.01), than) {
        (Ok(()), None) => {}
        (Err(Refusal::NotBetter { than: found, .. }), Some(than)) => assert_eq!(found, than),
        (Err(Refusal::NotCompared { champion }), Some("no one")) => assert_eq!(champion, "def"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn better_is_better_than_all_by_the_margin() {
    check(0.565, Some("abc"), None);
    check(0.575, Some("abc"), Some("the champion"));
    check(0.585, None, None);
    check(0.595, None, Some("the rating system alone"));
    check(f64::NAN, None, Some("the rating system alone"));
    check(0.1, Some("def"), Some("no one"));
    let few = Metrics { model: figures(0.1).map(|of| Figures { matches: 99, ..of }), ..Metrics::default() };
    assert_eq!(better(&few, None, 0.0), Err(Refusal::TooFew { matches: 99 }));
    assert_eq!(better(&Metrics::default(), None, 0.0), Err(Refusal::TooFew { matches: 0 }));
}
