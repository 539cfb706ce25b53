//! What `lostQuality` costs.
use crate::make::Dice;
use gsm_rules::{Dialect, Member, Party, RuleSet, Seat, Value, parse};

fn set() -> RuleSet {
    let text = serde_json::json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "rating", "type": "number", "default": 1500 }],
        "teams": [{ "name": "team", "minPlayers": 1, "maxPlayers": 5, "quantity": 3 }],
        "objective": { "cost": [{ "lostQuality": "rating", "weight": 100 }], "starvationSeconds": 60 },
    });
    parse(&text.to_string(), Dialect::Extended).unwrap_or_else(|faults| panic!("{faults:#?}")).set
}

fn player(rating: f64, strength: Option<f64>) -> Member {
    Member {
        attributes: [("rating".to_owned(), Value::Number(rating))].into(),
        strength,
        ..Member::default()
    }
}

fn cost(set: &RuleSet, tickets: &[(u8, Vec<Member>)]) -> f64 {
    let mut symbols = set.symbols();
    let parties: Vec<(u8, Party)> =
        tickets.iter().map(|(team, party)| (*team, set.prepare(party, &mut symbols).unwrap())).collect();
    let seats: Vec<Seat<'_>> = parties.iter().map(|(team, party)| Seat { team: *team, party }).collect();
    set.objective().unwrap().cost(&set.stages()[0], &seats).unwrap()
}

/// By the definition: players one by one, the expected score, the quality.
fn slow(tickets: &[(u8, Vec<Member>)]) -> f64 {
    let is_known = tickets.iter().flat_map(|(_, party)| party).all(|of| of.strength.is_some());
    let value = |of: &Member| match &of.attributes["rating"] {
        Value::Number(rating) if !is_known => rating * 10_f64.ln() / 400.0,
        _ => of.strength.unwrap_or(f64::NAN),
    };
    let mean = |team: u8| {
        let own = tickets.iter().filter(|(of, _)| *of == team).flat_map(|(_, party)| party);
        let own: Vec<f64> = own.map(value).collect();
        (!own.is_empty()).then(|| own.iter().sum::<f64>() / own.len() as f64)
    };
    let means: Vec<f64> = (0..3).filter_map(mean).collect();
    let apart =
        means.iter().copied().fold(f64::MIN, f64::max) - means.iter().copied().fold(f64::MAX, f64::min);
    let p = 1.0 / (1.0 + (-apart).exp());
    100.0 * (1.0 - 4.0 * p * (1.0 - p))
}

#[test]
fn it_is_what_the_quality_lacks() {
    let set = set();
    let mut dice = Dice(17);
    let mut by_rating = 0;
    for _ in 0..2_000 {
        let unknown = dice.below(3) == 0;
        let tickets: Vec<(u8, Vec<Member>)> = (0..2 + dice.below(5))
            .map(|nth| {
                let party = (0..1 + dice.below(3)).map(|_| {
                    let strength = (dice.below(4_000) as f64 - 2_000.0) / 700.0;
                    let strength = (!unknown || dice.below(3) > 0).then_some(strength);
                    player(1_000.0 + dice.below(1_000) as f64, strength)
                });
                let party: Vec<Member> = party.collect();
                (if nth < 2 { nth as u8 } else { dice.below(3) as u8 }, party)
            })
            .collect();
        by_rating += u32::from(tickets.iter().flat_map(|(_, party)| party).any(|of| of.strength.is_none()));
        let (fast, slow) = (cost(&set, &tickets), slow(&tickets));
        assert!((fast - slow).abs() < 1e-9, "{fast} {slow} {tickets:?}");
    }
    assert!(by_rating > 200 && by_rating < 1_000, "{by_rating}");
}

#[test]
fn nothing_for_equals_and_all_of_it_where_the_winner_is_sure() {
    let set = set();
    let duel = |one, other| cost(&set, &[(0, vec![one]), (1, vec![other])]);
    assert_eq!(duel(player(2_000.0, Some(0.4)), player(1_000.0, Some(0.4))), 0.0);
    assert!(duel(player(1_500.0, Some(40.0)), player(1_500.0, Some(-40.0))) > 99.999);
    // One whom nobody knows: by ratings. 400 points are ten to one: 100 (9/11)².
    let by_rating = duel(player(1_900.0, None), player(1_500.0, Some(3.0)));
    assert!((by_rating - 100.0 * (9.0_f64 / 11.0).powi(2)).abs() < 1e-9, "{by_rating}");
    for odd in [f64::NAN, f64::INFINITY] {
        assert_eq!(duel(player(1_500.0, Some(odd)), player(1_500.0, Some(3.0))), 0.0);
    }
}

#[test]
fn it_names_a_rating() {
    let with = |measure: serde_json::Value| {
        let text = serde_json::json!({
            "ruleLanguageVersion": "1.0",
            "playerAttributes": [{ "name": "rating", "type": "number" }, { "name": "map", "type": "string" }],
            "teams": [{ "name": "team", "minPlayers": 1, "maxPlayers": 1, "quantity": 2 }],
            "objective": { "cost": [measure], "starvationSeconds": 60 },
        })
        .to_string();
        let faults = parse(&text, Dialect::Extended).err().unwrap_or_default();
        assert!(parse(&text, Dialect::Strict).is_err());
        faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>()
    };
    assert!(with(serde_json::json!({ "lostQuality": "rating" })).is_empty());
    for (measure, told) in [
        (serde_json::json!({ "lostQuality": "map" }), "must be of type `number`"),
        (serde_json::json!({ "lostQuality": "level" }), "`level`"),
        (serde_json::json!({ "lostQuality": true }), "lostQuality"),
        (serde_json::json!({ "lostQuality": "rating", "spread": "rating" }), "`lostQuality`"),
    ] {
        let faults = with(measure);
        assert!(faults.iter().any(|fault| fault.contains(told)), "{faults:?}");
    }
}
