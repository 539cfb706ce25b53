//! Where the rules leave it open who plays with whom, no other seating of the same tickets is more even.
use crate::make::Dice;
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RulePool, RuledMatch, RuledTicket};
use gsm_rules::{Dialect, Member, Party, RuleSet, Seat, Value, parse};
use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, sync::Arc};

/// Two teams of so many, whose averages differ by at most so much, or any.
fn rule_set(size: usize, most: Option<usize>, algorithm: &Json) -> Arc<RuleSet> {
    let team = |name: &str| json!({"name": name, "minPlayers": size, "maxPlayers": size});
    let mut rules =
        vec![json!({"name": "role", "type": "comparison", "operation": ">=", "referenceValue": 0,
        "measurements": ["flatten(teams[*].players.attributes[level])"]})];
    if let Some(most) = most {
        rules.push(json!({"name": "fair", "type": "distance", "maxDistance": most,
            "measurements": ["avg(teams[red].players.attributes[level])"],
            "referenceValue": "avg(teams[blue].players.attributes[level])"}));
    }
    let text = json!({
        "ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "level", "type": "number"}],
        "algorithm": algorithm, "teams": [team("red"), team("blue")], "rules": rules,
    });
    Arc::new(parse(&text.to_string(), Dialect::Strict).expect("a rule set").set)
}

fn member(player: PlayerId, level: usize, strength: Option<f64>, skill: Option<f64>) -> Member {
    let attributes = BTreeMap::from([("level".to_owned(), Value::Number(level as f64))]);
    Member { player: player.to_string(), attributes, strength, skill, ..Member::default() }
}

/// Tickets of these members, the first one waiting longest.
fn matched(set: &Arc<RuleSet>, tickets: &[Vec<Member>]) -> Option<(RuledMatch, BTreeMap<TicketId, usize>)> {
    let mut pool = RulePool::new(Arc::clone(set));
    let mut at = BTreeMap::new();
    let mut next = 0;
    for (nth, members) in tickets.iter().enumerate() {
        let id = TicketId::from_u128(nth as u128 + 1);
        at.insert(id, nth);
        let players = members.iter().map(|of| {
            next += 1;
            (PlayerId::from_u128(next), of.clone())
        });
        let started_at = Timestamp::from_millis(nth as i64);
        pool.insert(RuledTicket { id, players: players.collect(), backfill: None, started_at })
            .expect("room");
    }
    let mut step = pool.step(Timestamp::from_millis(1_000), 1_000_000);
    step.matches.pop().map(|found| (found, at))
}

fn difference(number: impl Fn(&Member) -> f64, sides: &[Vec<&Member>; 2]) -> f64 {
    let mean = |side: &[&Member]| side.iter().map(|of| number(of)).sum::<f64>() / side.len() as f64;
    (mean(&sides[0]) - mean(&sides[1])).abs()
}

/// The least difference over all seatings of the tickets that the rules let through.
fn least(set: &RuleSet, tickets: &[Vec<Member>], number: impl Fn(&Member) -> f64 + Copy) -> f64 {
    let mut symbols = set.symbols();
    let parties: Vec<Party> = tickets.iter().map(|of| set.prepare(of, &mut symbols).expect("fits")).collect();
    let stage = &set.stages()[0];
    let mut least = f64::INFINITY;
    for mask in 0..1_usize << tickets.len() {
        let team = |at: usize| (mask >> at & 1) as u8;
        let seats: Vec<Seat<'_>> =
            parties.iter().enumerate().map(|(at, party)| Seat { team: team(at), party }).collect();
        if stage.sizes_hold(&seats) && stage.holds(&seats) {
            let side = |of: u8| tickets.iter().enumerate().filter(move |(at, _)| team(*at) == of);
            let sides = [0, 1].map(|of| side(of).flat_map(|(_, ticket)| ticket).collect());
            least = least.min(difference(number, &sides));
        }
    }
    least
}

fn check(
    dice: &mut Dice,
    algorithm: &Json,
    number: impl Fn(&Member) -> f64 + Copy,
    fill: impl Fn(&mut Dice, &mut Member),
) -> bool {
    let size = 2 + dice.below(4);
    let most = dice.chance(50).then(|| dice.below(4));
    let set = rule_set(size, most, algorithm);
    let (mut tickets, mut left) = (Vec::new(), 2 * size);
    let mut next = 0;
    while left > 0 {
        let players = 1 + dice.below(left.min(size).min(3));
        left -= players;
        let one = |_| {
            next += 1;
            let mut one = member(PlayerId::from_u128(next), dice.below(9), None, None);
            fill(dice, &mut one);
            one
        };
        tickets.push((0..players).map(one).collect::<Vec<_>>());
    }
    let Some((found, at)) = matched(&set, &tickets) else { return false };
    assert_eq!(found.tickets.len(), tickets.len());
    let sides = [0, 1].map(|team: usize| {
        let mut ids: Vec<TicketId> = found.sides[team].iter().map(|seat| seat.ticket).collect();
        ids.dedup();
        ids.iter().flat_map(|id| &tickets[at[id]]).collect::<Vec<_>>()
    });
    assert_eq!(sides.each_ref().map(|side| side.len()), [size; 2], "{found:?}");
    let (is, least) = (difference(number, &sides), least(&set, &tickets, number));
    assert!(is <= least + 1e-9, "{is} where {least} is possible: {found:?}");
    true
}

#[test]
fn by_ratings_where_no_model_speaks() {
    let mut dice = Dice(11);
    let fill = |dice: &mut Dice, one: &mut Member| one.skill = Some(1_000.0 + 10.0 * dice.below(100) as f64);
    let made =
        (0..400).filter(|_| check(&mut dice, &json!({}), |of| of.skill.unwrap_or(f64::NAN), fill)).count();
    assert!(made > 200, "{made}");
}

#[test]
fn by_strengths_where_all_are_known() {
    let mut dice = Dice(12);
    let fill = |dice: &mut Dice, one: &mut Member| {
        one.skill = Some(dice.below(100) as f64);
        one.strength = Some(dice.below(400) as f64 / 100.0);
    };
    let made =
        (0..400).filter(|_| check(&mut dice, &json!({}), |of| of.strength.unwrap_or(f64::NAN), fill)).count();
    assert!(made > 200, "{made}");
}

#[test]
fn by_the_balanced_attribute_where_one_is_named() {
    let mut dice = Dice(13);
    let algorithm = json!({"strategy": "balanced", "balancedAttribute": "level"});
    let level = |of: &Member| match of.attributes["level"] {
        Value::Number(number) => number,
        _ => f64::NAN,
    };
    let fill = |dice: &mut Dice, one: &mut Member| one.skill = Some(dice.below(100) as f64);
    let made = (0..400).filter(|_| check(&mut dice, &algorithm, level, fill)).count();
    assert!(made > 200, "{made}");
}

#[test]
fn one_whose_strength_is_not_known_lets_ratings_decide() {
    let set = rule_set(2, None, &json!({}));
    let of = |n: u128, strength: Option<f64>, skill: f64| {
        vec![member(PlayerId::from_u128(n), 1, strength, Some(skill))]
    };
    // By strength 1 and 4 play 2 and 3; by rating 1 and 2 play 3 and 4.
    let mut tickets =
        vec![of(1, Some(4.0), 10.0), of(2, Some(3.0), 40.0), of(3, Some(2.0), 20.0), of(4, Some(1.0), 30.0)];
    let mates = |tickets: &[Vec<Member>]| {
        let (found, at) = matched(&set, tickets).expect("a match");
        let side =
            found.sides.iter().find(|side| side.iter().any(|seat| at[&seat.ticket] == 0)).expect("a side");
        let mut mates: Vec<usize> = side.iter().map(|seat| at[&seat.ticket]).collect();
        mates.sort_unstable();
        mates
    };
    assert_eq!(mates(&tickets), [0, 3]);
    tickets[2][0].strength = None;
    assert_eq!(mates(&tickets), [0, 1]);
}

#[test]
fn three_teams_are_more_even_by_swaps_too() {
    let text = json!({"ruleLanguageVersion": "1.0",
        "teams": [{"name": "t", "minPlayers": 2, "maxPlayers": 2, "quantity": 3}]});
    let set = Arc::new(parse(&text.to_string(), Dialect::Strict).expect("a rule set").set);
    let tickets: Vec<Vec<Member>> = [60.0, 50.0, 40.0, 30.0, 20.0, 10.0]
        .into_iter()
        .enumerate()
        .map(|(n, skill)| vec![Member { player: n.to_string(), skill: Some(skill), ..Member::default() }])
        .collect();
    let (found, at) = matched(&set, &tickets).expect("a match");
    for side in &found.sides {
        let skill = |seat: &gsm_matchmaking::Seat| tickets[at[&seat.ticket]][0].skill.unwrap_or_default();
        assert_eq!(side.iter().map(skill).sum::<f64>(), 70.0, "{found:?}");
    }
}

/// What is left between two large teams of parties of these sizes, and the least that any split leaves.
fn large_gap(sizes: &[usize], dice: &mut Dice) -> (f64, f64) {
    let size = sizes.iter().sum::<usize>() / 2;
    let algorithm = json!({"strategy": "balanced", "balancedAttribute": "level"});
    let text = json!({
        "ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "level", "type": "number"}],
        "algorithm": algorithm,
        "teams": [{"name": "t", "minPlayers": size, "maxPlayers": size, "quantity": 2}],
    });
    let set = Arc::new(parse(&text.to_string(), Dialect::Strict).expect("a rule set").set);
    let mut next = 0;
    let mut one = |dice: &mut Dice| {
        next += 1;
        member(PlayerId::from_u128(next), 1_000 + dice.below(10_000), None, None)
    };
    let tickets: Vec<Vec<Member>> =
        sizes.iter().map(|size| (0..*size).map(|_| one(dice)).collect()).collect();
    let level = |of: &Member| match of.attributes["level"] {
        Value::Number(number) => number,
        _ => f64::NAN,
    };
    let (found, at) = matched(&set, &tickets).expect("a match");
    let sides = [0, 1].map(|team: usize| {
        let mut ids: Vec<TicketId> = found.sides[team].iter().map(|seat| seat.ticket).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.iter().flat_map(|id| &tickets[at[id]]).collect::<Vec<_>>()
    });
    assert_eq!(sides.each_ref().map(|side| side.len()), [size; 2]);
    let sums: Vec<(usize, f64)> =
        tickets.iter().map(|of| (of.len(), of.iter().map(level).sum::<f64>())).collect();
    let all: f64 = sums.iter().map(|(_, sum)| sum).sum();
    let split = |mask: usize| {
        let taken = sums.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1);
        taken.fold((0, 0.0), |(players, total), (_, (more, sum))| (players + more, total + sum))
    };
    let halves = (0..1_usize << sums.len()).map(split).filter(|(players, _)| *players == size);
    let gap = |sum: f64| (all - 2.0 * sum).abs() / size as f64;
    (difference(level, &sides), halves.map(|(_, sum)| gap(sum)).fold(f64::INFINITY, f64::min))
}

#[test]
fn large_teams_of_parties_are_as_even_as_any_split_of_few_makes_them() {
    let mut dice = Dice(21);
    for sizes in [
        &[7, 7, 7, 5, 5, 4, 3, 2, 2, 1, 1][..],
        &[6, 6, 5, 5, 5, 5, 4, 4, 3, 2, 1],
        &[7, 7, 6, 6, 3, 3, 3, 3, 2, 2, 2],
        &[8, 8, 5, 5, 4, 4, 2, 2, 2, 2, 2],
        &[5, 5, 4, 4, 4, 4, 3, 3, 3, 3, 2, 2, 1, 1],
        &[4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 1, 1],
    ] {
        for _ in 0..8 {
            let (is, least) = large_gap(sizes, &mut dice);
            assert!(is <= least + 1e-6, "{is} where {least} is possible: {sizes:?}");
        }
    }
}

#[test]
fn one_party_is_exchanged_for_several() {
    let mut dice = Dice(22);
    let mut left = Vec::new();
    for sizes in [
        &[5, 4, 4, 4, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1][..],
        &[9, 7, 5, 3, 3, 3, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1],
        &[6, 6, 6, 5, 5, 4, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    ] {
        for _ in 0..6 {
            let (is, least) = large_gap(sizes, &mut dice);
            assert!(least - 1e-6 <= is, "{is} and {least}");
            left.push(is);
        }
    }
    // Of numbers from 1,000 to 11,000.
    assert!(left.iter().all(|gap| *gap < 10.0), "{left:?}");
}
