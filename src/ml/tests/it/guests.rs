use crate::league::{league, taught};
use gsm_core::Timestamp;
use gsm_ml::{Guest, MlError, Model, Person, Premade, Question};

fn ask(model: &Model, sides: [&[Person]; 2]) -> Result<gsm_ml::Prediction, MlError> {
    let at = Timestamp::from_millis(-900_000_000_000);
    let features =
        model.look_at(&Question { at, variant: None, home: None, sides, premade: [Premade::NONE; 2] })?;
    Ok(model.predict(&features))
}

fn guest(rating: f64, games: u32) -> Person {
    Person::Guest(Guest::new(rating, Some(60.0), games).unwrap())
}

#[test]
fn players_are_looked_at_as_ever() {
    for size in [1, 3] {
        let matches = league(size as u64, size, 300);
        let mut model = taught(&matches[..250]);
        for of in &matches[250..] {
            let sides = of.sides.clone().map(|side| side.into_iter().map(Person::Known).collect::<Vec<_>>());
            let [one, other] = &sides;
            let premade = of.meeting().premade;
            let question =
                Question { at: of.at, variant: of.variant, home: of.home, sides: [one, other], premade };
            assert_eq!(model.look_at(&question).unwrap(), model.features(&of.meeting()).unwrap());
        }
    }
}

#[test]
fn guests_are_predicted_by_what_is_told_of_them() {
    let model = taught(&league(2, 1, 300));
    let even = ask(&model, [&[guest(1500.0, 20)], &[guest(1500.0, 20)]]).unwrap();
    assert_eq!((even.expected, even.logit), (0.5, 0.0));
    let ahead = ask(&model, [&[guest(1700.0, 20)], &[guest(1500.0, 20)]]).unwrap();
    let further = ask(&model, [&[guest(1900.0, 20)], &[guest(1500.0, 20)]]).unwrap();
    assert!(0.5 < ahead.expected && ahead.expected < further.expected);
    assert!(even.quality > ahead.quality && ahead.quality > further.quality);
    let unsure = Person::Guest(Guest::new(1700.0, None, 0).unwrap());
    let vague = ask(&model, [&[unsure], &[guest(1500.0, 20)]]).unwrap();
    assert!(vague.high - vague.low > ahead.high - ahead.low);
    // Beside a player whom the model knows, in a team.
    let (strong, weak) = (Person::Known(39), Person::Known(0));
    let with = |player| ask(&model, [&[player, guest(1500.0, 5)], &[guest(1500.0, 9), weak]]).unwrap();
    assert!(with(strong).expected > 0.6 && with(strong).expected > with(weak).expected);
    let known = ask(&model, [&[strong], &[weak]]).unwrap();
    let unknown = ask(&model, [&[Person::Known(77)], &[Person::Known(78)]]).unwrap();
    assert!(unknown.expected == 0.5 && unknown.high - unknown.low > known.high - known.low);
}

#[test]
fn guests_and_questions_that_make_no_sense_are_refused() {
    let not = |name| Err(MlError::NotFinite { name });
    assert_eq!(Guest::new(f64::NAN, None, 0), not("rating"));
    assert_eq!(Guest::new(f64::INFINITY, None, 0), not("rating"));
    assert_eq!(Guest::new(0.0, Some(f64::NAN), 0), not("deviation"));
    assert!(matches!(Guest::new(2e6, None, 0), Err(MlError::OutOfRange { name: "rating", .. })));
    assert!(matches!(Guest::new(0.0, Some(-1.0), 0), Err(MlError::OutOfRange { name: "deviation", .. })));
    let model = Model::new();
    assert_eq!(ask(&model, [&[], &[guest(0.0, 0)]]), Err(MlError::EmptySide { side: 0 }));
    let sides: [&[Person]; 2] = [&[Person::Known(0)], &[Person::Known(1)]];
    let question =
        Question { at: Timestamp::EPOCH, variant: None, home: Some(2), sides, premade: [Premade::NONE; 2] };
    assert_eq!(model.look_at(&question), Err(MlError::NoSuchSide { home: 2 }));
    // What is far off is certain, and finite.
    let far = ask(&model, [&[guest(1e6, 0)], &[guest(-1e6, 4_000_000_000)]]).unwrap();
    assert!(far.win < 1.0 && far.expected > 0.99 && far.quality >= 0.0, "{far:?}");
}
