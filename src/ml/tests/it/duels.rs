use crate::league::{Chance, Match, league, log_loss, taught};
use gsm_core::Timestamp;
use gsm_ml::{Meeting, MlError, Model, Outcome, PARTS, PLAYERS_MAX, Prediction};
use proptest::prelude::*;

fn mirrored(of: &Match) -> Match {
    let [one, other] = of.sides.clone();
    Match { sides: [other, one], home: of.home.map(|home| 1 - home), ..of.clone() }
}

fn predicted(model: &mut Model, of: &Match) -> Prediction {
    let features = model.features(&of.meeting()).unwrap();
    model.predict(&features)
}

#[test]
fn exchanging_the_sides_mirrors_the_prediction_to_the_bit() {
    for size in [1, 3] {
        let matches = league(size as u64, size, 300);
        let mut model = taught(&matches[..250]);
        for of in &matches[250..] {
            let (one, other) = (predicted(&mut model, of), predicted(&mut model, &mirrored(of)));
            assert_eq!((one.win, one.draw, one.loss), (other.loss, other.draw, other.win));
            assert_eq!((one.logit, one.quality), (-other.logit, other.quality));
            assert_eq!(one.margin, other.margin.map(|margin| -margin));
            assert!((one.low - (1.0 - other.high)).abs() < 1e-15);
        }
    }
}

#[test]
fn contributions_sum_to_the_logit() {
    let matches = league(4, 2, 300);
    let mut model = taught(&matches[..250]);
    for of in &matches[250..] {
        let features = model.features(&of.meeting()).unwrap();
        let parts = model.explain(&features);
        let sum: f64 = parts.iter().map(|part| part.logit).sum();
        assert!((sum - model.predict(&features).logit).abs() < 1e-12);
        assert!(parts.iter().map(|part| part.name).eq(PARTS.into_iter()));
        assert!(parts.iter().filter(|part| part.logit != 0.0).count() > 20);
    }
}

/// Splits by the numbers alone are as good as those that each was predicted for.
#[test]
fn strengths_stand_for_predictions() {
    let matches = league(14, 3, 1_500);
    let mut model = taught(&matches);
    let (at, mut chance) = (matches[1_499].at, Chance::new(3));
    let mut ask = |one: &[u32], other: &[u32]| {
        let features = model.features(&Meeting::new(at, one, other)).unwrap();
        model.predict(&features)
    };
    let (mut agree, mut duels) = (0, 0);
    let mut picked = Vec::new();
    for _ in 0..60 {
        let mut six: Vec<u32> = (0..6).map(|nth| nth * 6 + chance.below(6) as u32).collect();
        six.swap(0, chance.below(6) as usize);
        // The first player with each pair of the others.
        let pairs = (1..6).flat_map(|a| (a + 1..6).map(move |b| (a, b)));
        let splits = pairs.map(|(a, b)| {
            let one = vec![six[0], six[a], six[b]];
            (one.clone(), six.iter().copied().filter(|of| !one.contains(of)).collect::<Vec<_>>())
        });
        picked.extend(
            splits
                .map(|(one, other)| (ask(&one, &other), one, other))
                .collect::<Vec<_>>()
                .chunks(10)
                .map(<[_]>::to_vec),
        );
    }
    let strength = (0..40).map(|of| model.strength(of, at, None).unwrap()).collect::<Vec<_>>();
    let mean = |side: &[u32]| side.iter().map(|of| strength[*of as usize]).sum::<f64>() / side.len() as f64;
    let (mut best, mut chosen, mut any) = (0.0, 0.0, 0.0);
    for splits in &picked {
        let gap = |of: &&(Prediction, Vec<u32>, Vec<u32>)| (mean(&of.1) - mean(&of.2)).abs();
        let least = splits.iter().min_by(|a, b| gap(a).total_cmp(&gap(b))).unwrap();
        let quality = |of: &(Prediction, Vec<u32>, Vec<u32>)| 4.0 * of.0.expected * (1.0 - of.0.expected);
        best += splits.iter().map(quality).fold(0.0, f64::max);
        chosen += quality(least);
        any += quality(&splits[0]);
        for of in splits {
            duels += 1;
            agree += usize::from((mean(&of.1) > mean(&of.2)) == (of.0.logit > 0.0));
        }
    }
    let n = picked.len() as f64;
    let [best, chosen, any] = [best, chosen, any].map(|sum| sum / n);
    assert!(best - chosen < 0.02 && best - any > 0.1, "{best} {chosen} {any}");
    assert!(f64::from(agree as u32) > 0.9 * f64::from(duels as u32), "{agree} of {duels}");
}

#[test]
fn strangers_are_even_and_unsure() {
    let matches = league(5, 1, 400);
    let mut model = taught(&matches);
    let at = matches[399].at;
    let strangers = Meeting::new(at, &[1_000], &[2_000]);
    let features = model.features(&strangers).unwrap();
    let unknown = model.predict(&features);
    assert_eq!((unknown.logit, unknown.expected, unknown.quality), (0.0, 0.5, 1.0));
    let features = model.features(&Meeting::new(at, &[19], &[20])).unwrap();
    let known = model.predict(&features);
    assert!(unknown.high - unknown.low > 0.8, "{unknown:?}");
    assert!(known.high - known.low < 0.75 * (unknown.high - unknown.low), "{known:?}");
}

#[test]
fn it_learns_who_is_stronger_and_by_how_much() {
    let matches = league(6, 1, 1_500);
    let mut model = taught(&matches);
    let mut ask = |a: u32, b: u32| {
        let (a, b) = ([a], [b]);
        let meeting = Meeting::new(matches[1_499].at, &a, &b);
        let features = model.features(&meeting).unwrap();
        model.predict(&features)
    };
    let (strong, even) = (ask(39, 2), ask(20, 21));
    assert!(strong.win > 0.9 && strong.margin.unwrap() > 2.0 && strong.quality < 0.3, "{strong:?}");
    assert!(even.quality > 0.5 && even.draw > 100.0 * strong.draw, "{even:?}");
    assert!(even.high - even.low > strong.high - strong.low && strong.low > 0.9);
    let plain = log_loss(&matches, 300, |_, features| 1.0 / (1.0 + (-features.values()[0]).exp()));
    let whole = log_loss(&matches, 300, |model, features| model.chances(features).0);
    assert!(whole < plain + 1e-3 && whole < 0.6, "{whole} {plain}");
}

#[test]
fn matches_of_one_moment_are_predicted_alike_in_any_order() {
    let matches = league(7, 2, 200);
    let mut model = taught(&matches[..150]);
    let at = matches[150].at;
    let round: Vec<Match> = matches[150..].iter().map(|of| Match { at, ..of.clone() }).collect();
    let forth: Vec<Prediction> = round.iter().map(|of| predicted(&mut model, of)).collect();
    let mut back: Vec<Prediction> = round.iter().rev().map(|of| predicted(&mut model, of)).collect();
    back.reverse();
    assert_eq!(forth, back);
    // The features are those of the prediction, whatever was learnt in between.
    let features = round.iter().map(|of| model.features(&of.meeting()).unwrap()).collect::<Vec<_>>();
    for (of, features) in round.iter().zip(&features) {
        model.learn(&of.meeting(), features, &of.outcome).unwrap();
    }
    assert_ne!(predicted(&mut model, &round[0]), forth[0]);
}

#[test]
fn the_same_matches_make_the_same_model() {
    let matches = league(8, 3, 200);
    let (mut one, mut other) = (taught(&matches), taught(&matches));
    assert_eq!(predicted(&mut one, &matches[0]), predicted(&mut other, &matches[0]));
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let matches = league(9, 1, 50);
    let mut model = taught(&matches);
    let before = predicted(&mut model, &matches[0]);
    let at = Timestamp::EPOCH;
    let refused = |model: &mut Model, meeting: Meeting<'_>| model.features(&meeting).unwrap_err();
    assert_eq!(refused(&mut model, Meeting::new(at, &[1], &[])), MlError::EmptySide { side: 1 });
    let at_home = Meeting { home: Some(2), ..Meeting::new(at, &[1], &[2]) };
    assert_eq!(refused(&mut model, at_home), MlError::NoSuchSide { home: 2 });
    let player = u32::MAX;
    let wanted = MlError::NoSuchPlayer { player, max: PLAYERS_MAX };
    assert_eq!(refused(&mut model, Meeting::new(at, &[1], &[player])), wanted);
    let meeting = Meeting::new(at, &[1], &[2]);
    let features = model.features(&meeting).unwrap();
    for score in [f64::NAN, f64::INFINITY] {
        let outcome = Outcome { places: [1, 2], scores: [None, Some(score)] };
        assert_eq!(model.learn(&meeting, &features, &outcome), Err(MlError::BadScore { side: 1 }));
    }
    assert_eq!(predicted(&mut model, &matches[0]), before);
}

#[test]
fn a_home_side_is_worth_what_it_was() {
    let mut model = Model::new();
    let (mut at, mut chance) = (0, Chance::new(1));
    for _ in 0..600 {
        at += 3_600_000;
        let a = chance.below(10) as u32;
        let (a, b) = ([a], [(a + 1 + chance.below(9) as u32) % 10]);
        let meeting = Meeting { home: Some(0), ..Meeting::new(Timestamp::from_millis(at), &a, &b) };
        let features = model.features(&meeting).unwrap();
        let outcome = if chance.below(4) == 0 { Outcome::places(2, 1) } else { Outcome::places(1, 2) };
        model.learn(&meeting, &features, &outcome).unwrap();
    }
    let mut ask = |home| {
        let meeting = Meeting { home, ..Meeting::new(Timestamp::from_millis(at), &[3], &[4]) };
        let features = model.features(&meeting).unwrap();
        model.predict(&features).expected
    };
    assert!(ask(Some(0)) > 0.6 && ask(Some(1)) < 0.4, "{} {}", ask(Some(0)), ask(Some(1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Any times, sizes, places and scores: what comes out is a chance.
    #[test]
    fn chances_are_never_certain(matches in prop::collection::vec(
        (any::<i64>(), any::<Option<u16>>(), 1..5_usize, 1..40_usize, any::<(u8, u8)>(),
         prop::option::of((-1e300..1e300_f64, -10.0..10.0_f64))), 1..60)
    ) {
        let mut model = Model::new();
        for (at, variant, one, other, places, scores) in matches {
            let (a, b): (Vec<u32>, Vec<u32>) = ((0..one as u32).collect(), (3..3 + other as u32).collect());
            let meeting = Meeting { variant, ..Meeting::new(Timestamp::from_millis(at), &a, &b) };
            let features = model.features(&meeting).unwrap();
            let found = model.predict(&features);
            for p in [found.win, found.loss, found.expected] {
                prop_assert!(p > 0.0 && p < 1.0, "{found:?}");
            }
            prop_assert!(found.draw > 0.0 && found.low <= found.expected && found.expected <= found.high);
            prop_assert!((0.0..=1.0).contains(&found.quality));
            prop_assert!((found.win + found.draw + found.loss - 1.0).abs() < 1e-12);
            let scores = [scores.map(|of| of.0), scores.map(|of| of.1)];
            let outcome = Outcome { places: [places.0.into(), places.1.into()], scores };
            model.learn(&meeting, &features, &outcome).unwrap();
        }
    }
}

/// Who is listed first on a side says nothing, in what was learnt from and in what is asked.
#[test]
fn the_order_in_which_a_side_is_listed_does_not_count() {
    let matches = league(21, 3, 600);
    let mut chance = Chance::new(9);
    let shuffled: Vec<Match> = matches
        .iter()
        .map(|of| {
            let mut of = of.clone();
            for side in &mut of.sides {
                let by = chance.below(3) as usize;
                side.rotate_left(by);
                side.swap(0, chance.below(3) as usize);
            }
            of
        })
        .collect();
    assert!(matches.iter().zip(&shuffled).any(|(one, other)| one.sides != other.sides));
    let (mut one, mut other) = (taught(&matches[..500]), taught(&shuffled[..500]));
    for (of, again) in matches[500..].iter().zip(&shuffled[500..]) {
        let (one, other) = (predicted(&mut one, of), predicted(&mut other, again));
        assert!((one.logit - other.logit).abs() < 1e-6, "{one:?} {other:?}");
    }
}
