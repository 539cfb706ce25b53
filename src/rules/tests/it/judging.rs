//! Stages, parties, sizes and sorts.
use gsm_core::Millis;
use gsm_rules::{
    Batching, Dialect, ExpansionAge, Member, Never, Pairwise, Party, RuleSet, Seat, SortBy, SortKey, Symbols,
    Unfit, Value, Verdict, parse,
};
use std::cmp::Ordering;

const ATTRIBUTES: &str = r#"[{"name": "skill", "type": "number"}, {"name": "mode", "type": "string", "default": "ctf"},
  {"name": "maps", "type": "string_list", "default": []}, {"name": "prefs", "type": "string_number_map", "default": {}}]"#;

#[track_caller]
fn set(teams: &str, rules: &str, more: &str) -> RuleSet {
    let text = format!(
        r#"{{"ruleLanguageVersion": "1.0", "playerAttributes": {ATTRIBUTES}, "teams": [{teams}], "rules": [{rules}]{more}}}"#
    );
    parse(&text, Dialect::Strict).unwrap_or_else(|faults| panic!("{faults:#?}")).set
}

const PAIR: &str =
    r#"{"name": "a", "minPlayers": 1, "maxPlayers": 2}, {"name": "b", "minPlayers": 1, "maxPlayers": 2}"#;

fn member(player: &str, values: &[(&str, Value)]) -> Member {
    let attributes = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Member { player: player.to_owned(), attributes, latency_ms: Default::default(), ..Member::default() }
}

fn skilled(skill: f64) -> Member {
    member("p", &[("skill", Value::Number(skill))])
}

fn far(skill: f64, latency: &[(&str, u32)]) -> Member {
    Member {
        latency_ms: latency.iter().map(|(place, ms)| ((*place).to_owned(), *ms)).collect(),
        ..skilled(skill)
    }
}

fn seats<'a>(parties: &'a [(u8, Party)]) -> Vec<Seat<'a>> {
    parties.iter().map(|(team, party)| Seat { team: *team, party }).collect()
}

fn holds(set: &RuleSet, stage: usize, tickets: &[(u8, &[Member])]) -> bool {
    let mut symbols = set.symbols();
    let parties: Vec<(u8, Party)> =
        tickets.iter().map(|(team, party)| (*team, set.prepare(party, &mut symbols).unwrap())).collect();
    set.stages()[stage].holds(&seats(&parties))
}

const CLOSE: &str = r#"{"name": "Close", "type": "distance", "measurements": ["max(flatten(teams[*].players.attributes[skill]))"],
  "referenceValue": "min(flatten(teams[*].players.attributes[skill]))", "maxDistance": 10"#;

#[test]
fn a_collection_without_counts_asks_for_one() {
    let tank =
        |of: &str| member("p", &[("skill", Value::Number(1.0)), ("maps", Value::List(vec![of.to_owned()]))]);
    let rule = r#"{"name": "Tank", "type": "collection", "operation": "contains", "referenceValue": "tank(main)",
      "measurements": ["flatten(teams[*].players.attributes[maps])"]}"#;
    let set = set(PAIR, rule, "");
    let judged = |a: &str, b: &str| holds(&set, 0, &[(0, &[tank(a)]), (1, &[tank(b)])]);
    assert!(judged("tank(main)", "x") && judged("tank(main)", "tank(main)") && !judged("x", "tank"));
}

#[test]
fn expansions_make_stages_that_replace_values_at_absolute_ages() {
    let more = r#", "expansions": [
      {"target": "rules[Close].maxDistance", "steps": [{"waitTimeSeconds": 5, "value": 20}, {"waitTimeSeconds": 30, "value": "50"}]},
      {"target": "teams[a,b].minPlayers", "steps": [{"waitTimeSeconds": 30, "value": 0}]},
      {"target": "algorithm.batchingPreference", "steps": [{"waitTimeSeconds": 40, "value": "random"}]}],
      "algorithm": {"batchingPreference": "sorted", "sortByAttributes": ["skill"], "expansionAgeSelection": "oldest"}"#;
    let set = set(PAIR, &format!("{CLOSE}}}"), more);
    let froms: Vec<u64> = set.stages().iter().map(|stage| stage.from().get()).collect();
    assert_eq!(froms, [0, 5_000, 30_000, 40_000]);
    let at =
        [0, 4_999, 5_000, 29_999, 30_000, 39_999, 40_000, u64::MAX].map(|ms| set.stage_at(Millis::new(ms)));
    assert_eq!(at, [0, 0, 1, 1, 2, 2, 3, 3]);
    let apart = |stage, gap| holds(&set, stage, &[(0, &[skilled(0.0)]), (1, &[skilled(gap)])]);
    assert_eq!(
        [apart(0, 10.0), apart(0, 11.0), apart(1, 20.0), apart(1, 21.0), apart(2, 50.0)],
        [true, false, true, false, true]
    );
    let alone = |stage| holds(&set, stage, &[(0, &[skilled(0.0)])]);
    assert_eq!([alone(1), alone(2)], [false, true]);
    let changed = |a: usize, b: usize| set.stages()[a].changed(&set.stages()[b]).collect::<Vec<_>>();
    assert_eq!([changed(0, 1), changed(1, 2), changed(2, 3)], [vec![0], vec![0], vec![]]);
    assert_eq!(set.expansion_age(), ExpansionAge::Oldest);
    let batching: Vec<Batching> = set.stages().iter().map(|stage| stage.algorithm().batching).collect();
    assert_eq!(batching, [Batching::Sorted, Batching::Sorted, Batching::Sorted, Batching::Random]);
    assert!(matches!(set.algorithm().unwrap().sort_by[..], [SortBy::Number(_)]));
}

#[test]
fn a_step_at_zero_is_in_force_from_the_start() {
    let more = r#", "expansions": [{"target": "rules[Close].maxDistance", "steps": [{"waitTimeSeconds": 0, "value": 99}]}]"#;
    let set = set(PAIR, &format!("{CLOSE}}}"), more);
    assert_eq!(set.stages().len(), 1);
    assert!(holds(&set, 0, &[(0, &[skilled(0.0)]), (1, &[skilled(99.0)])]));
}

#[test]
fn expansions_may_change_aggregations_and_references() {
    let floor = r#"{"name": "Floor", "type": "comparison", "operation": ">=", "referenceValue": 50, "measurements": ["flatten(teams[*].players.attributes[skill])"]}"#;
    let more = r#", "expansions": [{"target": "rules[Floor].partyAggregation", "steps": [{"waitTimeSeconds": 5, "value": "max"}]},
      {"target": "rules[Floor].referenceValue", "steps": [{"waitTimeSeconds": 9, "value": "avg(teams[b].players.attributes[skill])"}]}]"#;
    let set = set(PAIR, floor, more);
    let tickets: [(u8, &[Member]); 2] = [(0, &[skilled(40.0), skilled(50.0)]), (1, &[skilled(50.0)])];
    assert_eq!([0, 1, 2].map(|stage| holds(&set, stage, &tickets)), [false, true, true]);
}

#[test]
fn sizes_count_players_and_not_tickets() {
    let set = set(r#"{"name": "pod", "minPlayers": 2, "maxPlayers": 3, "quantity": 2}"#, "", "");
    assert_eq!(set.teams().iter().map(|team| team.name.as_str()).collect::<Vec<_>>(), ["pod_1", "pod_2"]);
    let (one, two) = ([skilled(1.0)], [skilled(1.0), skilled(2.0)]);
    assert!(holds(&set, 0, &[(0, &two), (1, &one), (1, &one)]));
    assert!(!holds(&set, 0, &[(0, &two), (1, &one)]), "a team is short");
    assert!(!holds(&set, 0, &[(0, &two), (1, &two), (1, &two)]), "a team is overfull");
    assert!(!holds(&set, 0, &[(0, &two), (1, &two), (2, &one)]), "there is no third team");
    assert_eq!(set.players_max(), 6);
}

#[test]
fn wrong_types_are_refused_and_missing_values_wait() {
    let set = set(PAIR, &format!("{CLOSE}}}"), "");
    let mut symbols = set.symbols();
    let wrong = member("ada", &[("skill", Value::Text("much".to_owned()))]);
    let told = set.prepare(&[skilled(1.0), wrong], &mut symbols).unwrap_err().to_string();
    assert_eq!(told, "attribute `skill` of player `ada` must be a number");
    let endless = member("ada", &[("skill", Value::Number(f64::NAN))]);
    assert!(matches!(set.prepare(&[endless], &mut symbols), Err(Unfit::NotFinite { .. })));
    assert_eq!(set.prepare(&[], &mut symbols), Err(Unfit::Size(0)));
    let lacking = set.prepare(&[skilled(1.0), member("bo", &[])], &mut symbols).unwrap();
    assert_eq!(lacking.never(), Some(Never::Missing { attribute: 0 }));
    assert!(!set.stages()[0].holds(&[Seat { team: 0, party: &lacking }, Seat { team: 1, party: &lacking }]));
    let more = member("bo", &[("skill", Value::Number(1.0)), ("shoe", Value::Number(f64::NAN))]);
    assert_eq!(set.prepare(&[more], &mut symbols).unwrap().never(), None, "what is not declared is ignored");
}

#[test]
fn a_latency_rule_wants_one_location_for_all() {
    let set = set(PAIR, r#"{"name": "Ping", "type": "latency", "maxLatency": 80}"#, "");
    let pair =
        |a: &[(&str, u32)], b: &[(&str, u32)]| holds(&set, 0, &[(0, &[far(1.0, a)]), (1, &[far(1.0, b)])]);
    assert!(pair(&[("eu", 80)], &[("eu", 80)]), "the limit itself is allowed");
    assert!(!pair(&[("eu", 81)], &[("eu", 10)]));
    assert!(pair(&[("eu", 300), ("us", 30)], &[("eu", 20), ("us", 50)]));
    assert!(!pair(&[("eu", 30), ("us", 300)], &[("eu", 300), ("us", 30)]), "each has one, they share none");
    assert!(!pair(&[("eu", 30)], &[]));
    let mut symbols = set.symbols();
    let party = |members: &[Member], symbols: &mut Symbols| set.prepare(members, symbols).unwrap().never();
    assert_eq!(party(&[far(1.0, &[])], &mut symbols), Some(Never::NoLatency));
    assert_eq!(
        party(&[far(1.0, &[("eu", 9)]), far(1.0, &[("us", 9)])], &mut symbols),
        Some(Never::NoLatency)
    );
    assert_eq!(party(&[far(1.0, &[("eu", 30)]), far(1.0, &[("eu", 100), ("us", 9)])], &mut symbols), None);
}

#[test]
fn a_latency_rule_inside_a_statement_only_fails() {
    let rules = format!(
        r#"{CLOSE}}}, {{"name": "Ping", "type": "latency", "maxLatency": 80}}, {{"name": "Any", "type": "compound", "statement": "or(Close, Ping)"}}"#
    );
    let set = set(PAIR, &rules, "");
    assert!(holds(&set, 0, &[(0, &[skilled(1.0)]), (1, &[skilled(2.0)])]));
    assert!(!holds(&set, 0, &[(0, &[skilled(1.0)]), (1, &[skilled(20.0)])]));
}

#[test]
fn past_hope_is_what_no_further_ticket_can_mend() {
    let set = set(
        PAIR,
        &format!(
            r#"{CLOSE}}}, {{"name": "Even", "type": "distance", "maxDistance": 1, "measurements": ["avg(teams[a].players.attributes[skill])"],
              "referenceValue": "avg(teams[b].players.attributes[skill])"}},
            {{"name": "Floor", "type": "comparison", "operation": ">=", "referenceValue": 0, "measurements": ["flatten(teams[*].players.attributes[skill])"]}}"#
        ),
        "",
    );
    let stage = &set.stages()[0];
    let mut symbols = set.symbols();
    let mut hopeless = |tickets: &[(u8, &[f64])]| {
        let party = |skills: &[f64]| skills.iter().map(|skill| skilled(*skill)).collect::<Vec<_>>();
        let parties: Vec<(u8, Party)> = tickets
            .iter()
            .map(|(team, skills)| (*team, set.prepare(&party(skills), &mut symbols).unwrap()))
            .collect();
        stage.hopeless(&seats(&parties))
    };
    assert_eq!(hopeless(&[]), None);
    assert_eq!(hopeless(&[(0, &[1.0]), (1, &[9.0])]), None, "the averages may still change");
    assert_eq!(hopeless(&[(0, &[1.0]), (1, &[12.0])]), Some(0));
    assert_eq!(hopeless(&[(0, &[1.0, 1.0]), (1, &[9.0, 9.0])]), Some(1), "both teams are full");
    assert_eq!(hopeless(&[(0, &[-1.0])]), Some(2));
    let low = set.prepare(&[skilled(-1.0)], &mut set.symbols()).unwrap();
    assert_eq!(
        (stage.alone(&low), stage.verdict(2, &[Seat { team: 0, party: &low }])),
        (Some(2), Verdict::Fails)
    );
}

#[test]
fn what_any_two_tickets_must_fulfil_holds_although_a_team_may_stay_empty() {
    let around = |reference: &str| {
        let rule = format!(
            r#"{{"name": "Around", "type": "distance", "maxDistance": 5, "measurements": ["flatten(teams[*].players.attributes[skill])"],
              "referenceValue": "avg(flatten(teams[{reference}].players.attributes[skill]))"}}"#
        );
        let set = set(&PAIR.replacen("\"minPlayers\": 1", "\"minPlayers\": 0", 1), &rule, "");
        set.stages()[0].pairwise().to_vec()
    };
    assert!(
        matches!(around("*")[..], [Pairwise::Within { width, rule: 0, .. }] if (10.0..10.001).contains(&width))
    );
    assert_eq!(around("a"), [], "nobody on the team: nothing to be near to");
}

#[test]
fn a_limit_of_the_deviation_keeps_any_two_tickets_near() {
    let rule = r#"{"name": "Close", "type": "comparison", "operation": "<=", "referenceValue": 60,
        "measurements": ["stddev(flatten(teams[*].players.attributes[skill]))"]}"#;
    let set = set(PAIR, rule, "");
    let stage = &set.stages()[0];
    let players: u32 = stage.teams().iter().map(|size| u32::from(size.max)).sum();
    let width = 60.0 * f64::from(2 * players).sqrt();
    assert!(
        matches!(stage.pairwise(), [Pairwise::Within { width: found, rule: 0, .. }] if (found - width).abs() < 1e-3)
    );
    assert_eq!(stage.deviation().map(|of| of.most), Some(60.0));
}

/// The order in which a sort rule puts tickets (by their place in `others`).
fn order(rule: &str, anchor: Member, others: &[Member]) -> Vec<usize> {
    let set = set(PAIR, rule, "");
    let mut symbols = set.symbols();
    let anchor = set.prepare(&[anchor], &mut symbols).unwrap();
    let others: Vec<Party> =
        others.iter().map(|m| set.prepare(std::slice::from_ref(m), &mut symbols).unwrap()).collect();
    let key = |at: &usize| set.stages()[0].sort_key(0, &anchor, &others[*at], &symbols);
    let mut all: Vec<usize> = (0..others.len()).collect();
    all.sort_by(|a, b| match (key(a), key(b)) {
        (Some(a), Some(b)) => SortKey::order(&a, &b),
        (a, b) => b.is_some().cmp(&a.is_some()).then(Ordering::Equal),
    });
    all
}

#[test]
fn sort_rules_order_the_others_for_an_anchor() {
    let rule = |kind: &str, direction: &str, more: &str| {
        format!(
            r#"{{"name": "S", "type": "{kind}", "sortDirection": "{direction}", "sortAttribute": {more}}}"#
        )
    };
    let skills = [70.0, 95.0, 52.0, 5.0].map(skilled);
    let of = |kind, direction| order(&rule(kind, direction, "\"skill\""), skilled(50.0), &skills);
    assert_eq!(of("distanceSort", "ascending"), [2, 0, 1, 3]);
    assert_eq!(of("distanceSort", "descending"), [1, 3, 0, 2]);
    assert_eq!(of("absoluteSort", "ascending"), [3, 2, 0, 1]);
    assert_eq!(of("absoluteSort", "descending"), [1, 0, 2, 3]);
    let mode =
        |mode: &str| member("p", &[("skill", Value::Number(1.0)), ("mode", Value::Text(mode.to_owned()))]);
    let modes = ["koth", "ctf", "race"].map(mode);
    assert_eq!(order(&rule("absoluteSort", "descending", "\"mode\""), mode("ctf"), &modes), [2, 0, 1]);
    assert_eq!(order(&rule("distanceSort", "ascending", "\"mode\""), mode("race"), &modes), [2, 0, 1]);
    let maps = |maps: &[(&str, f64)]| {
        let map = maps.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        member("p", &[("skill", Value::Number(1.0)), ("prefs", Value::Map(map))])
    };
    let others = [maps(&[("ice", 99.0)]), maps(&[("dunes", 10.0), ("ice", 99.0)]), maps(&[("dunes", 70.0)])];
    let anchor = || maps(&[("dunes", 90.0), ("ice", 20.0)]);
    assert_eq!(
        order(&rule("absoluteSort", "descending", "\"prefs\", \"mapKey\": \"maxValue\""), anchor(), &others),
        [2, 1, 0]
    );
    assert_eq!(
        order(&rule("absoluteSort", "ascending", "\"prefs\", \"mapKey\": \"minValue\""), anchor(), &others),
        [0, 1, 2]
    );
    // Of two maps that are liked the same the first by the alphabet counts, whichever came first.
    let equal = || maps(&[("ice", 5.0), ("dunes", 5.0)]);
    assert_eq!(
        order(&rule("absoluteSort", "descending", "\"prefs\", \"mapKey\": \"maxValue\""), equal(), &others),
        [2, 1, 0]
    );
}
