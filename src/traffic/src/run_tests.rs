use super::*;
use crate::{Answers, Shape, Summary, Synthetic};
use gsm_rules::{Dialect, Member, RuleSet, Value, parse};

const DUEL: &str = include_str!("../../../config/rule-sets/duel.json");

fn set(text: &str) -> Arc<RuleSet> {
    Arc::new(parse(text, Dialect::Extended).unwrap().set)
}

fn setup() -> Setup {
    Setup::of(set(DUEL), 1)
}

/// Players of a rating, who come at a second and wait so many seconds at most.
fn traffic(players: &[(u64, f64, Option<u64>)], until: u64) -> Traffic {
    let arrival = |(nth, (at, rating, patience)): (usize, &(u64, f64, Option<u64>))| Arrival {
        at: Millis::from_secs(*at),
        members: vec![Member {
            player: format!("p{nth}"),
            attributes: [("rating".to_owned(), Value::Number(*rating))].into(),
            latency_ms: [("eu".to_owned(), 20 + nth as u32)].into(),
            ..Member::default()
        }],
        patience: patience.map(Millis::from_secs),
        is_measured: true,
    };
    let arrivals = players.iter().enumerate().map(arrival).collect();
    Traffic { arrivals, until: Millis::from_secs(until), answers: None }
}

fn ran(traffic: &Traffic) -> Ran {
    run(&setup(), traffic, &mut |_| {})
}

#[test]
fn near_players_are_matched_in_the_next_turn_and_far_ones_when_an_expansion_lets_them() {
    // 60 apart: at once. 200 apart: the newest of the two must have waited 15 seconds.
    let ran = ran(&traffic(
        &[(1, 1_500.0, None), (2, 1_560.0, None), (10, 1_000.0, None), (20, 1_200.0, None)],
        100,
    ));
    let told: Vec<_> = ran.fates.iter().map(|fate| (fate.end, fate.wait.get())).collect();
    assert_eq!(
        told,
        [
            (End::Matched(0), 1_000),
            (End::Matched(0), 0),
            (End::Matched(1), 25_000),
            (End::Matched(1), 15_000)
        ]
    );
    let [near, far] = &ran.made[..] else { panic!("{:?}", ran.made) };
    assert_eq!(
        (near.stage, near.gap, near.imbalance, near.latency_ms),
        (0, Some(60.0), Some(60.0), Some(21))
    );
    assert_eq!((far.stage, far.gap, far.players), (2, Some(200.0), 2));
    // Elo's curve: 200 points are 0.7597.
    assert!((far.lopsided.unwrap() - 0.259_7).abs() < 1e-4);
}

#[test]
fn who_finds_nobody_gives_up_times_out_or_waits_at_the_end() {
    let ran = ran(&traffic(
        &[(0, 0.0, Some(7)), (1, 9_000.0, None), (2, 20_000.0, Some(700)), (500, 50_000.0, None)],
        650,
    ));
    let told: Vec<_> = ran.fates.iter().map(|fate| (fate.end, fate.wait)).collect();
    let secs = Millis::from_secs;
    assert_eq!(
        told,
        [
            (End::Cancelled, secs(7)),
            (End::TimedOut, secs(600)),
            (End::TimedOut, secs(600)),
            (End::Waiting, secs(150))
        ]
    );
}

/// Whatever the length of a turn.
#[test]
fn who_comes_after_the_last_full_turn_counts() {
    let mut traffic = traffic(&[(1, 1_500.0, None), (395, 1_000.0, None), (401, 1_060.0, None)], 401);
    for turn in [100, 7_000, 60_000, 1_000_000] {
        let ran = run(&Setup { turn: Millis::new(turn), ..setup() }, &traffic, &mut |_| {});
        let told: Vec<_> = ran.fates.iter().map(|fate| (fate.end, fate.wait.get())).collect();
        let expected = [(End::Waiting, 400_000), (End::Matched(0), 6_000), (End::Matched(0), 0)];
        assert_eq!((told, ran.made[0].at), (expected.to_vec(), traffic.until), "{turn}");
    }
    // Nor does it have to come at a tenth of a second.
    traffic.until = Millis::new(401_001);
    traffic.arrivals[2].at = traffic.until;
    let ran = ran(&traffic);
    assert_eq!((ran.fates.len(), ran.made[0].at), (3, traffic.until));
}

#[test]
fn who_waits_does_not_come_again() {
    let mut traffic = traffic(&[(0, 1_500.0, None), (3, 1_510.0, None), (9, 1_490.0, None)], 60);
    traffic.arrivals[1].members[0].player = "p0".to_owned();
    let told: Vec<_> = ran(&traffic).fates.iter().map(|fate| fate.end).collect();
    assert_eq!(told, [End::Matched(0), End::Busy, End::Matched(0)]);
}

#[test]
fn who_declines_is_out_and_the_others_wait_on() {
    let secs = Millis::from_secs;
    let players: Vec<_> = (0..400).map(|n| (n / 4, 1_500.0, None)).collect();
    let mut traffic = traffic(&players, 400);
    traffic.answers = Some(Answers { deadline: secs(20), decline: 0.1, ignore: 0.1, delay: secs(4) });
    let ran = ran(&traffic);
    let of = |end| ran.fates.iter().filter(|fate| fate.end == end).count();
    let matched = ran.fates.iter().filter(|fate| matches!(fate.end, End::Matched(_))).count();
    assert_eq!(matched, 2 * ran.made.len());
    assert!(of(End::Declined) > 40 && ran.failed_proposals > 40, "{} declined", of(End::Declined));
    assert!(matched + of(End::Declined) >= 398, "at most two wait on at the end");
    // Answers take their time, and a proposal that failed costs a turn more.
    let waits: u64 = ran.fates.iter().map(|fate| fate.wait.get()).sum();
    assert!(waits / 400 > 4_000, "{waits}");
}

#[test]
fn the_same_seed_gives_the_same_and_every_match_obeys() {
    let shape = Shape::of(&set(DUEL), DUEL);
    let of = Synthetic { length: Millis::from_secs(600), ..Synthetic::default() };
    let one = of.traffic(&[&shape], 5).unwrap();
    let (first, again) = (ran(&one), ran(&of.traffic(&[&shape], 5).unwrap()));
    assert_eq!(first, again);
    assert_ne!(first, ran(&of.traffic(&[&shape], 6).unwrap()));
    let widest = [75.0, 150.0, 300.0, 800.0];
    assert!(first.made.len() > 300);
    for made in &first.made {
        assert!(made.gap.unwrap() <= widest[made.stage], "{made:?}");
    }
    let summary = Summary::of(&[&first]);
    let ends = [summary.matched, summary.timed_out, summary.cancelled, summary.declined, summary.waiting];
    assert_eq!(ends.iter().map(|end| end.count).sum::<usize>(), summary.tickets);
    assert_eq!(summary.segments.iter().filter(|of| of.kind.name() == "skill").count(), 5);
    assert_eq!(summary.stages.iter().map(|stage| stage.matches).sum::<usize>(), summary.matches);
    assert_eq!(summary.waiting_curve.len(), SAMPLES);
}

/// So many of a hundred tickets end inside the p90 that they were told.
fn check_coverage(text: &str, of: &Synthetic) {
    let set = set(text);
    let traffic = of.traffic(&[&Shape::of(&set, text)], 3).unwrap();
    let summary = Summary::of(&[&run(&Setup::of(set, 3), &traffic, &mut |_| {})]);
    let share = summary.calibration.p90_coverage.unwrap();
    assert!((0.85..=0.95).contains(&share), "{share}");
    for region in summary.segments.iter().filter(|of| of.kind.name() == "region") {
        let share = region.calibration.p90_coverage.unwrap();
        assert!((0.83..=0.97).contains(&share), "{share} of {}", region.name);
    }
}

const FIVES: &str = include_str!("../../../config/rule-sets/fives.json");

#[test]
fn nine_of_ten_tickets_end_inside_what_they_were_told() {
    let regions = |text| crate::Regions::parse(text).unwrap();
    let rates = |text| crate::Rates::parse(text).unwrap();
    let hour =
        Synthetic { length: Millis::from_secs(3_600), regions: regions("eu:1,us:1"), ..Synthetic::default() };
    check_coverage(DUEL, &hour);
    // The load falls to a tenth, and comes back.
    check_coverage(DUEL, &Synthetic { rates: rates("4,1200:0.4,2400:4"), ..hour.clone() });
    // Few players are in one region.
    check_coverage(
        FIVES,
        &Synthetic { regions: regions("eu:12,us:12,sa:1"), rates: rates("4"), ..hour.clone() },
    );
    // Many do not wait for their match.
    check_coverage(DUEL, &Synthetic { patience: Some(Millis::from_secs(20)), rates: rates("0.5"), ..hour });
}

#[test]
fn every_player_of_a_match_by_roles_has_one() {
    let text = include_str!("../../../config/rule-sets/roles.json");
    let shape = Shape::of(&set(text), text);
    let of = Synthetic { warm_up: Millis::ZERO, length: Millis::from_secs(400), ..Synthetic::default() };
    let ran = run(&Setup::of(set(text), 1), &of.traffic(&[&shape], 5).unwrap(), &mut |_| {});
    let summary = Summary::of(&[&ran]);
    let roles = summary.roles.unwrap();
    let players: usize = ran.made.iter().filter(|made| made.is_measured).map(|made| made.players).sum();
    assert_eq!(roles.players, players);
    assert!(
        players > 500 && roles.first_share > 0.5 && roles.autofilled_share < 0.1,
        "{roles:?} of {players}"
    );
}

/// Two who are 21 apart pay so much together after 1.05 seconds: at the next round that is seen, whoever else comes.
#[test]
fn prices_are_looked_at_as_often_as_at_a_server() {
    let text = r#"{"ruleLanguageVersion": "1.0", "playerAttributes": [{"name": "rating", "type": "number"}],
      "teams": [{"name": "a", "minPlayers": 1, "maxPlayers": 1}, {"name": "b", "minPlayers": 1, "maxPlayers": 1}], "rules": [],
      "objective": {"cost": [{"spread": "rating"}], "starvationSeconds": 600,
        "holdBack": {"policy": "price", "start": 0, "perSecond": 10}}}"#;
    let traffic = traffic(&[(0, 0.0, None), (0, 21.0, None), (60, 9_000.0, None)], 61);
    let ran = run(&Setup::of(set(text), 1), &traffic, &mut |_| {});
    assert_eq!(ran.fates[0].wait, Millis::new(1_200));
}
