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
        let entry =
            Entry { at: Timestamp::from_millis(nth as i64 * 86_400_000), variant: None, sides: &sides };
        let field = model.field(&entry).unwrap();
        model.learn_field(&entry, &field, &places).unwrap();
    }
    model
}

#[test]
fn the_stronger_is_ahead_and_the_mirror_agrees() {
    let mut model = taught(120, 12);
    let sides: [&[u32]; 4] = [&[29], &[2], &[15], &[99]];
    let entry = Entry { at: Timestamp::from_millis(120 * 86_400_000), variant: None, sides: &sides };
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
    let entry = Entry { at: Timestamp::from_millis(9 * 86_400_000), variant: Some(1), sides: &sides };
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
    let refused =
        |model: &mut Model, sides: &[&[u32]]| model.field(&Entry { at, variant: None, sides }).unwrap_err();
    assert_eq!(refused(&mut model, &[&[1]]), MlError::TooFewSides { sides: 1 });
    assert_eq!(refused(&mut model, &[&[1], &[], &[2]]), MlError::EmptySide { side: 1 });
    let sides: [&[u32]; 3] = [&[1], &[2], &[3]];
    let entry = Entry { at, variant: None, sides: &sides };
    let field = model.field(&entry).unwrap();
    assert_eq!(model.learn_field(&entry, &field, &[1, 2]), Err(MlError::TooFewSides { sides: 2 }));
}
