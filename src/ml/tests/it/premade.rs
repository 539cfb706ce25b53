//! What it is worth that a side came together: learnt where it is known, and nothing where it is not.
use crate::league::Chance;
use gsm_core::Timestamp;
use gsm_ml::{Entry, Features, Meeting, Model, Outcome, PARTS, Premade};

fn drawn(chance: &mut Chance, players: usize) -> Vec<u32> {
    let mut all: Vec<u32> = (0..40).collect();
    for i in 0..players {
        let j = i + chance.below((40 - i) as u64) as usize;
        all.swap(i, j);
    }
    all.truncate(players);
    all
}

fn at(nth: usize) -> Timestamp {
    Timestamp::from_millis(nth as i64 * 600_000)
}

fn features(model: &mut Model, nth: usize, players: &[u32], premade: [f64; 2]) -> Features {
    let premade = premade.map(|whole| Premade::of(if whole > 0.0 { [2, 2] } else { [1, 1] }));
    let meeting = Meeting { premade, ..Meeting::new(at(nth), &players[..2], &players[2..]) };
    model.features(&meeting).unwrap()
}

/// A league in which a side that came together wins nine times in ten, whoever plays; and what a model lost on the second half.
fn played(knows: bool) -> (Model, f64) {
    let (mut chance, mut model) = (Chance::new(9), Model::new());
    let mut lost = 0.0;
    for nth in 0..600 {
        let players = drawn(&mut chance, 4);
        let first = chance.below(2) == 0;
        let won = first == (chance.below(10) > 0);
        let premade = [first, !first].map(|whole| f64::from(u8::from(whole && knows)));
        let of = features(&mut model, nth, &players, premade);
        let p = model.predict(&of).expected;
        if nth >= 300 {
            lost -= (if won { p } else { 1.0 - p }).ln() / 300.0;
        }
        let outcome = if won { Outcome::places(1, 2) } else { Outcome::places(2, 1) };
        model.learn(&Meeting::new(at(nth), &players[..2], &players[2..]), &of, &outcome).unwrap();
    }
    (model, lost)
}

#[test]
fn a_side_that_came_together_is_known_to_win() {
    let ((mut model, knowing), (_, blind)) = (played(true), played(false));
    assert!(knowing < 0.42 && blind > 0.65, "{knowing} {blind}");
    let players = [1, 2, 3, 4];
    let none = features(&mut model, 600, &players, [0.0, 0.0]);
    let one = features(&mut model, 600, &players, [1.0, 0.0]);
    let both = features(&mut model, 600, &players, [1.0, 1.0]);
    // Both together are as nobody.
    assert_eq!(both, none);
    assert_eq!(one.values(), none.values());
    let parts = model.explain(&one);
    assert_eq!((parts[PARTS.len() - 1].name, model.explain(&none)[PARTS.len() - 1].logit), ("premade", 0.0));
    let sum: f64 = parts.iter().map(|part| part.logit).sum();
    assert!(parts[PARTS.len() - 1].logit > 1.5 && (sum - model.predict(&one).logit).abs() < 1e-12);
    // Exchanging the sides mirrors it, to the bit.
    let mirrored = features(&mut model, 600, &[3, 4, 1, 2], [0.0, 1.0]);
    let (here, there) = (model.predict(&one), model.predict(&mirrored));
    assert_eq!((here.win, here.low, here.logit), (there.loss, 1.0 - there.high, -there.logit));
}

#[test]
fn weights_in_the_shadow_learn_it_too() {
    let (mut chance, mut model) = (Chance::new(3), Model::new());
    let mut shadow = model.without_players();
    for nth in 0..200 {
        let players = drawn(&mut chance, 4);
        let of = features(&mut model, nth, &players, [1.0, 0.0]);
        assert_eq!(shadow.chances(&of), model.chances(&of));
        let outcome = if chance.below(10) > 0 { Outcome::places(1, 2) } else { Outcome::places(2, 1) };
        shadow.follow(&of, &outcome).unwrap();
        model.learn(&Meeting::new(at(nth), &players[..2], &players[2..]), &of, &outcome).unwrap();
    }
    let of = features(&mut model, 200, &[1, 2, 3, 4], [1.0, 0.0]);
    assert_eq!(shadow.explain(&of)[PARTS.len() - 1], model.explain(&of)[PARTS.len() - 1]);
    assert!(shadow.without_players().explain(&of)[PARTS.len() - 1].logit > 0.5);
}

/// Three sides of two, of which the one that came together is first.
#[test]
fn matches_of_more_sides_learn_it_too() {
    let (mut chance, mut model) = (Chance::new(5), Model::new());
    let mut shadow = model.without_players();
    let premade = |whole: usize| -> Vec<Premade> {
        (0..3).map(|side| Premade::of(if side == whole { [2, 2] } else { [1, 1] })).collect()
    };
    for nth in 0..200 {
        let players = drawn(&mut chance, 6);
        let sides: Vec<&[u32]> = players.chunks(2).collect();
        let whole = chance.below(3) as usize;
        let premade = premade(whole);
        let entry = Entry { at: at(nth), variant: None, sides: &sides, premade: &premade };
        let field = model.field(&entry).unwrap();
        let places: Vec<u32> = (0..3).map(|side| if side == whole { 1 } else { 2 }).collect();
        shadow.follow_field(&model, &field, &places);
        model.learn_field(&entry, &field, &places).unwrap();
    }
    let sides: [&[u32]; 3] = [&[1, 2], &[3, 4], &[5, 6]];
    let mut shares = |premade: &[Premade]| {
        let entry = Entry { at: at(200), variant: None, sides: &sides, premade };
        let field = model.field(&entry).unwrap();
        let own: Vec<f64> = model.shares(&field).expected.into_iter().map(|[own, ..]| own).collect();
        assert_eq!(shadow.shares_beside(&model, &field), own);
        own
    };
    let (told, untold) = (shares(&premade(1)), shares(&[]));
    assert!(told[1] > 0.85 && told[1] > untold[1] + 0.2, "{told:?} {untold:?}");
    assert_eq!(shares(&[Premade::of([2, 2]); 3]), untold);
}
