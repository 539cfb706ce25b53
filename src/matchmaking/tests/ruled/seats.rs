//! Who sits where in matches by objective: what costs least, however the match was found, and whatever its size.
use crate::objective::{Draw, index, pool_of, round};
use gsm_core::{PlayerId, TicketId, Timestamp};
use gsm_matchmaking::{RuledMatch, RuledTicket};
use gsm_rules::{Member, Value};
use serde_json::{Value as Json, json};

fn ticket(n: usize, skill: f64) -> RuledTicket {
    let member =
        Member { attributes: [("skill".to_owned(), Value::Number(skill))].into(), ..Member::default() };
    RuledTicket {
        id: TicketId::from_u128(n as u128),
        players: vec![(PlayerId::from_u128(n as u128), member)],
        backfill: None,
        started_at: Timestamp::from_millis(n as i64),
    }
}

fn text(teams: usize, size: usize, more: &Json) -> String {
    let team = |at| json!({ "name": format!("t{at}"), "minPlayers": size, "maxPlayers": size });
    let mut text = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "skill", "type": "number" }],
        "teams": (0..teams).map(team).collect::<Vec<_>>(),
    });
    let members = more.as_object().unwrap().iter().map(|(name, of)| (name.clone(), of.clone()));
    text.as_object_mut().unwrap().extend(members);
    text.to_string()
}

/// How far apart the averages of its teams are.
fn gap(of: &RuledMatch, skill: impl Fn(TicketId) -> f64) -> f64 {
    let average = |side: &gsm_matchmaking::Side| {
        side.iter().map(|seat| skill(seat.ticket)).sum::<f64>() / side.len() as f64
    };
    let averages = of.sides.iter().map(average);
    averages.clone().fold(f64::MIN, f64::max) - averages.fold(f64::MAX, f64::min)
}

fn dear(hold_back: Json) -> Json {
    json!({ "objective": { "cost": [{ "imbalance": "skill" }], "holdBack": hold_back, "starvationSeconds": 30 } })
}

/// The strong and the weak come by turns, so that all strong ones sit on one team where nobody looks.
#[test]
fn who_has_waited_too_long_plays_in_even_teams_as_well() {
    let text = text(2, 5, &dear(json!({ "policy": "price", "perSecond": 0.001 })));
    let skill = |n: usize| if n.is_multiple_of(2) { 2_000.0 } else { 1_000.0 };
    let found = round(&mut pool_of(&text, (0..10).map(|n| ticket(n, skill(n)))), 31_000, 100_000);
    assert_eq!(found.len(), 1);
    let gap = gap(&found[0], |id| skill(index(id)));
    assert!((gap - 200.0).abs() < 1e-6, "{gap}");
}

/// The players of a backfill stay where they are, and who joins them sits where that is most even.
#[test]
fn who_joins_a_backfill_sits_where_it_costs_least() {
    let text = text(2, 5, &dear(json!({ "policy": "none" })));
    let skill = |n: usize| match n {
        0 => 1_500.0,
        n if n.is_multiple_of(2) => 2_000.0,
        _ => 1_000.0,
    };
    let mut backfill = ticket(0, skill(0));
    let member = backfill.players[0].1.clone();
    backfill.players = (0..6).map(|at| (PlayerId::from_u128(1_000 + at), member.clone())).collect();
    backfill.backfill = Some(["t0", "t0", "t0", "t1", "t1", "t1"].map(str::to_owned).to_vec());
    let tickets = std::iter::once(backfill).chain((1..5).map(|n| ticket(n, skill(n))));
    let found = round(&mut pool_of(&text, tickets), 1_000, 100_000);
    assert_eq!(found.len(), 1);
    for (side, from) in found[0].sides.iter().zip([1_000, 1_003]) {
        let stays = side.iter().filter(|seat| seat.ticket == TicketId::from_u128(0));
        let players: Vec<u128> = stays.map(|seat| seat.player.as_u128()).collect();
        assert_eq!(players, (from..from + 3).collect::<Vec<_>>());
    }
    let gap = gap(&found[0], |id| skill(index(id)));
    assert!(gap < 1e-6, "{gap}");
}

/// Matches too large for every split to be tried, and of more teams, are no less even than without an objective.
#[test]
fn large_teams_are_as_even_as_without_an_objective() {
    let balanced = json!({ "algorithm": { "strategy": "balanced", "balancedAttribute": "skill" } });
    for (teams, size) in [(2, 6), (2, 8), (3, 3), (4, 5)] {
        let mut draw = Draw(41);
        let (mut had, mut wanted) = (0.0, 0.0);
        for _ in 0..20 {
            let skills: Vec<f64> = (0..teams * size).map(|_| draw.skill()).collect();
            let gap = |more: &Json| {
                let tickets = skills.iter().enumerate().map(|(n, skill)| ticket(n, *skill));
                let found = round(&mut pool_of(&text(teams, size, more), tickets), 1_000, 100_000);
                assert_eq!(found.len(), 1);
                gap(&found[0], |id| skills[index(id)])
            };
            had += gap(&dear(json!({ "policy": "none" })));
            wanted += gap(&balanced);
        }
        assert!(had <= 1.01 * wanted + 1e-6, "{had} against {wanted}, {teams} teams of {size}");
    }
}

/// Whom the search seats first is not who pays: roles count as well where not every split is tried.
#[test]
fn roles_are_chosen_in_matches_of_three_teams() {
    let text = json!({
        "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "roles", "type": "string_list" }],
        "teams": (0..3).map(|at| json!({ "name": format!("t{at}"), "minPlayers": 2, "maxPlayers": 2 })).collect::<Vec<_>>(),
        "rules": [{ "name": "R", "type": "roles", "attribute": "roles", "counts": { "tank": 1, "damage": 1 }, "autofill": 2 }],
        "objective": { "cost": [{ "roleChoice": "roles" }], "starvationSeconds": 60 },
    });
    let roles = |n: usize| if n < 3 { ["tank", "damage"] } else { ["damage", "tank"] };
    let with_roles = |n: usize| {
        let mut of = ticket(n, 0.0);
        let list = roles(n).map(str::to_owned).to_vec();
        of.players[0].1.attributes = [("roles".to_owned(), Value::List(list))].into();
        of
    };
    for order in [[0, 1, 2, 3, 4, 5], [3, 0, 4, 1, 5, 2], [0, 3, 4, 1, 2, 5]] {
        let tickets = order.into_iter().enumerate().map(|(at, n)| {
            let mut of = with_roles(n);
            of.started_at = Timestamp::from_millis(at as i64);
            of
        });
        let found = round(&mut pool_of(&text.to_string(), tickets), 1_000, 100_000);
        assert_eq!(found.len(), 1);
        let is_mixed =
            |side: &gsm_matchmaking::Side| side.iter().filter(|seat| index(seat.ticket) < 3).count() == 1;
        assert!(found[0].sides.iter().all(is_mixed), "{order:?}: {:?}", found[0].sides);
    }
}
