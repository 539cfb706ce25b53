//! Models with trees.
use crate::league::{Match, history, league};
use gsm_core::{Probability, Timestamp};
use gsm_ml::{About, FEATURES, Forecaster, Kept, Model, ModelFile, Names, PARTS, Plan, train};
use gsm_rating::evaluation::Forecaster as _;
use gsm_rating::history::History;

const MATCHES: usize = 4_000;

fn plan(history: &History, trees: usize) -> Plan<'_> {
    Plan { history, holdout: 0.25, forgetting: Some(1e-6), trees, champion: None }
}

fn file(model: Model, history: &History) -> ModelFile {
    let names = plan(history, 0).names((0..40).map(|n| n.to_string()).collect());
    ModelFile { about: About::new("duel-1", "duel", Timestamp::EPOCH, "ops"), names, model }
}

/// What a model that grows trees predicts of each match, and the model.
fn gone_through(history: &History, trees: usize) -> (Vec<Probability>, Model) {
    let mut forecaster = Forecaster::new(history).growing(trees);
    let mut predicted = Vec::new();
    for index in 0..history.len() {
        forecaster.look(index, index + 1);
        predicted.push(forecaster.forecast(index).0);
        forecaster.learn(index, index + 1, &mut || ()).unwrap();
    }
    (predicted, forecaster.into_model())
}

#[test]
fn no_match_is_predicted_by_what_comes_after() {
    let matches = league(21, 1, MATCHES);
    let mut others = matches.clone();
    for of in &mut others[3_500..] {
        of.outcome.places.swap(0, 1);
        of.outcome.scores.swap(0, 1);
    }
    let ((one, _), (other, _)) = (gone_through(&history(&matches), 20), gone_through(&history(&others), 20));
    assert_eq!(one[..=3_500], other[..=3_500]);
    assert_ne!(one[3_501..], other[3_501..]);
    // The trees have a say from the first forest on, and not before.
    let (plain, without) = gone_through(&history(&matches), 0);
    assert_eq!(without.trees(), 0);
    let differing: Vec<bool> = plain.iter().zip(&one).map(|(plain, one)| plain != one).collect();
    assert!(differing[..2_000].iter().all(|differs| !differs));
    assert!(differing[2_000..].iter().filter(|differs| **differs).count() > 1_900);
}

#[test]
fn trees_are_kept_with_the_weights_and_told_apart() {
    let matches = league(22, 2, MATCHES + 100);
    let (before, after) = matches.split_at(MATCHES);
    let history = history(before);
    let mut seen = 0_usize;
    let trained = train(&plan(&history, 30), || seen += 1).unwrap().unwrap();
    assert_eq!((seen, trained.model.trees()), (3 * MATCHES, 30));
    let without = train(&plan(&history, 0), || ()).unwrap().unwrap();
    assert_eq!((trained.metrics.without_trees, without.metrics.without_trees), (without.metrics.model, None));
    assert_ne!(trained.metrics.model, without.metrics.model);

    let file = file(trained.model, &history);
    for kept in [Kept::Weights, Kept::All] {
        let mut read = ModelFile::read(&file.to_bytes(kept).unwrap()).unwrap();
        let known = if kept == Kept::All { file.model.clone() } else { file.model.without_players() };
        let mut wanted = known;
        let mut told = 0;
        for of in after {
            let features = read.model.features(&of.meeting()).unwrap();
            assert_eq!(features, wanted.features(&of.meeting()).unwrap());
            assert_eq!(read.model.predict(&features), wanted.predict(&features));
            let parts = read.model.explain(&features);
            let sum: f64 = parts.iter().map(|part| part.logit).sum();
            assert!((sum - read.model.predict(&features).logit).abs() < 1e-12);
            assert!(parts.iter().map(|part| part.name).eq(PARTS));
            told += usize::from(parts[FEATURES + 1].logit != 0.0);
            for model in [&mut read.model, &mut wanted] {
                model.learn(&of.meeting(), &features, &of.outcome).unwrap();
            }
        }
        assert!(told > 90, "{told}");
        assert_eq!(
            read.model.features(&after[0].meeting()).unwrap(),
            wanted.features(&after[0].meeting()).unwrap()
        );
    }
}

#[test]
fn sides_are_exchanged_with_trees_as_without() {
    let matches = league(23, 2, MATCHES);
    let mut model = gone_through(&history(&matches), 20).1;
    for of in &matches[MATCHES - 100..] {
        let [one, other] = of.sides.clone();
        let mirrored = Match { sides: [other, one], home: of.home.map(|home| 1 - home), ..of.clone() };
        let [own, other] = [of, &mirrored].map(|of| {
            let features = model.features(&of.meeting()).unwrap();
            model.predict(&features)
        });
        assert_eq!((own.win, own.draw, own.loss), (other.loss, other.draw, other.win));
        assert_eq!((own.logit, own.quality), (-other.logit, other.quality));
    }
}

#[test]
fn trees_of_another_shape_are_refused() {
    let history = history(&league(24, 1, 2_200));
    let model = gone_through(&history, 20).1;
    assert_eq!(model.trees(), 20);
    let mut file = file(model, &history);
    file.names = Names { players: Vec::new(), ..file.names };
    let bytes = file.to_bytes(Kept::Weights).unwrap();
    let plain = ModelFile { model: Model::new(), ..file }.to_bytes(Kept::Weights).unwrap();
    assert!(bytes.len() > plain.len() + 3_000, "{} {}", bytes.len(), plain.len());
    for end in (plain.len()..bytes.len()).step_by(97) {
        assert!(ModelFile::read(&bytes[..end]).is_err());
    }
}
