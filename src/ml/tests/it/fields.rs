use crate::league::Chance;
use gsm_core::Timestamp;
use gsm_ml::{Entry, MlError, Model};

/// A contest of these players, places by skill (the higher the number) and chance.
fn contest(chance: &mut Chance, players: &[u32]) -> Vec<u32> {
    let luck: Vec<f64> =
        players.iter().map(|player| f64::from(*player) / 4.0 + 4.0 * chance.unit()).collect();
    luck.iter().map(|own| 1 + luck.iter().filter(|other| *other > own).count() as u32).collect()
}

fn taught(contests: usize, size: usize) -> Model {
    let mut chance = Chance::new(3);
    let mut model = Model::new();
    for nth in 0..contests {
        let players: Vec<u32> = (0..size as u32).map(|of| (of * 7 + nth as u32) % 30).collect();
        let places = contest(&mut chance, &players);
        let sides: Vec<&[u32]> = players.chunks(1).collect();
        let entry = Entry {
            at: Timestamp::from_millis(nth as i64 * 86_400_000),
            variant: None,
            sides: &sides,
            premade: &[],
        };
        let field = model.field(&entry).unwrap();
        model.learn_field(&entry, &field, &places).unwrap();
    }
    model
}

#[test]
fn the_stronger_is_ahead_and_the_mirror_agrees() {
    let mut model = taught(120, 12);
    let sides: [&[u32]; 4] = [&[29], &[2], &[15], &[99]];
    let entry =
        Entry { at: Timestamp::from_millis(120 * 86_400_000), variant: None, sides: &sides, premade: &[] };
    let field = model.field(&entry).unwrap();
    let ahead = |one, other| model.ahead(&field, one, other);
    assert!(ahead(0, 1) > 0.9 && ahead(0, 2) > 0.6 && ahead(2, 1) > 0.6);
    for (one, other) in [(0, 1), (1, 2), (2, 3), (0, 3)] {
        assert!((ahead(one, other) + ahead(other, one) - 1.0).abs() < 1e-15);
    }
    assert_eq!((ahead(1, 1), ahead(0, 9)), (0.5, 0.5));
}

#[test]
fn more_and_larger_contests_than_pairs_are_learnt() {
    let mut model = taught(3, 30);
    let players: Vec<u32> = (0..500).collect();
    let sides: Vec<&[u32]> = players.chunks(1).collect();
    let entry =
        Entry { at: Timestamp::from_millis(9 * 86_400_000), variant: Some(1), sides: &sides, premade: &[] };
    let field = model.field(&entry).unwrap();
    let places: Vec<u32> = (0..500).map(|of| 500 - of).collect();
    model.learn_field(&entry, &field, &places).unwrap();
    let field = model.field(&entry).unwrap();
    assert!(model.ahead(&field, 450, 50) > 0.7);
}

#[test]
fn contests_that_make_no_sense_are_refused() {
    let mut model = taught(2, 5);
    let at = Timestamp::EPOCH;
    let refused = |model: &mut Model, sides: &[&[u32]]| {
        model.field(&Entry { at, variant: None, sides, premade: &[] }).unwrap_err()
    };
    assert_eq!(refused(&mut model, &[&[1]]), MlError::TooFewSides { sides: 1 });
    assert_eq!(refused(&mut model, &[&[1], &[], &[2]]), MlError::EmptySide { side: 1 });
    let sides: [&[u32]; 3] = [&[1], &[2], &[3]];
    let entry = Entry { at, variant: None, sides: &sides, premade: &[] };
    let field = model.field(&entry).unwrap();
    assert_eq!(model.learn_field(&entry, &field, &[1, 2]), Err(MlError::TooFewSides { sides: 2 }));
}

/// One order after another of so many sides.
fn shuffled(chance: &mut Chance, sides: usize) -> Vec<usize> {
    let mut keyed: Vec<(f64, usize)> = (0..sides).map(|side| (chance.unit(), side)).collect();
    keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
    keyed.into_iter().map(|(_, side)| side).collect()
}

/// The slow twin: every pair of sides, each once.
#[test]
fn shares_are_means_over_all_others_in_whatever_order_they_are_listed() {
    let mut model = taught(60, 12);
    let mut chance = Chance::new(11);
    for sides in [2, 3, 4, 5, 6, 8, 16, 25, 26, 27, 50] {
        for _ in 0..3 {
            let players: Vec<u32> = shuffled(&mut chance, sides).into_iter().map(|of| of as u32).collect();
            let listed: Vec<&[u32]> = players.chunks(1).collect();
            let at = Timestamp::from_millis(61 * 86_400_000);
            let field = model.field(&Entry { at, variant: None, sides: &listed, premade: &[] }).unwrap();
            let shares = model.shares(&field);
            let mut even = 0.0;
            for (one, told) in shares.expected.iter().enumerate() {
                let others =
                    || (0..sides).filter(|other| *other != one).map(|other| model.ahead(&field, one, other));
                even += others().map(|p| 2.0 * p.min(1.0 - p)).sum::<f64>();
                let mean = others().sum::<f64>() / (sides - 1) as f64;
                assert!((told[0] - mean).abs() < 1e-12, "{sides} sides, {one}: {} {mean}", told[0]);
            }
            let quality = even / (sides * (sides - 1)) as f64;
            assert!((shares.quality - quality).abs() < 1e-12, "{sides} sides: {} {quality}", shares.quality);
        }
    }
}

#[test]
fn of_very_many_sides_shares_are_near_the_means_over_all_others() {
    let mut model = taught(400, 30);
    let players: Vec<u32> = (0..400).map(|of| of * 13 % 400).collect();
    let sides: Vec<&[u32]> = players.chunks(1).collect();
    let at = Timestamp::from_millis(401 * 86_400_000);
    let field = model.field(&Entry { at, variant: None, sides: &sides, premade: &[] }).unwrap();
    let shares = model.shares(&field);
    for (one, told) in shares.expected.iter().enumerate() {
        let others = (0..400).filter(|other| *other != one).map(|other| model.ahead(&field, one, other));
        let mean = others.sum::<f64>() / 399.0;
        assert!((told[0] - mean).abs() < 0.01, "{one}: {} {mean}", told[0]);
    }
}

/// Contests in which nobody is known apart are learnt alike however their sides are listed: by finish, or not.
#[test]
fn what_is_learnt_does_not_hang_on_how_sides_are_listed() {
    for sides in [3, 4, 5, 8, 30] {
        let mut chance = Chance::new(5);
        let mut models = [Model::new(), Model::new(), Model::new()];
        for nth in 0..40_i64 {
            let at = Timestamp::from_millis(nth * 86_400_000);
            // Places without ties: who is alike in all but the order is a newcomer who tied.
            let ended = shuffled(&mut chance, sides);
            let shuffled = shuffled(&mut chance, sides);
            let reversed: Vec<usize> = ended.iter().rev().copied().collect();
            for (model, listed) in models.iter_mut().zip([&ended, &reversed, &shuffled]) {
                let players: Vec<u32> = listed.iter().map(|of| *of as u32).collect();
                let sides: Vec<&[u32]> = players.chunks(1).collect();
                let place = |of: &usize| ended.iter().position(|other| other == of).unwrap() as u32 + 1;
                let places: Vec<u32> = listed.iter().map(place).collect();
                let entry = Entry { at, variant: None, sides: &sides, premade: &[] };
                let field = model.field(&entry).unwrap();
                model.learn_field(&entry, &field, &places).unwrap();
            }
        }
        let players: Vec<u32> = (0..sides as u32).collect();
        let sides: Vec<&[u32]> = players.chunks(1).collect();
        let at = Timestamp::from_millis(41 * 86_400_000);
        let [one, other, third] = models.map(|mut model| {
            let field = model.field(&Entry { at, variant: None, sides: &sides, premade: &[] }).unwrap();
            model.ahead(&field, 0, 1)
        });
        assert!((one - other).abs() < 1e-9 && (one - third).abs() < 1e-9, "{one} {other} {third}");
    }
}
