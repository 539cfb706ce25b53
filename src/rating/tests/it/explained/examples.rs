use super::{Known, Match, alone, lineup, season};
use gsm_rating::explained::{Adjusted, Item, Person, Recent, What, Why, rate, why};
use gsm_rating::options::{Newcomer, Options, Party, RepeatedPair, Smurf};
use gsm_rating::{
    EloSettings, Entrant, Game, GlickoSettings, KalmanSettings, Rating, RatingError, Scratch, Side, System,
    TrueSkillSettings,
};

/// Elo with K 32: a win against an equal is 16 points, by hand.
fn elo() -> System {
    System::Elo(EloSettings::default())
}

/// An established player.
fn at(mean: f64) -> Entrant {
    Entrant { games: 100, ..Entrant::new(Rating { mean, deviation: 100.0, volatility: 0.06 }) }
}

fn newcomer(mean: f64) -> Entrant {
    Entrant { games: 0, ..at(mean) }
}

/// Players 1, 2, ... on sides of their own, in this order of places.
fn field(players: &[Entrant]) -> Match {
    let side = |(nth, player): (u32, &Entrant)| lineup(nth, vec![(*player, alone(nth))]);
    Match::new((1..).zip(players).map(side).collect())
}

/// One match under options, and why.
fn played(system: &System, options: &Options, of: &Match) -> Vec<Why> {
    of.why(system, &of.rate(system, options))
}

fn gains(whys: &[Why]) -> Vec<f64> {
    whys.iter().map(|why| why.gain).collect()
}

fn points(why: &Why, what: What) -> f64 {
    why.items.iter().find(|item| item.what == what).map_or(0.0, |item| item.points)
}

fn check_close(found: &[f64], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len());
    for (a, b) in found.iter().zip(wanted) {
        assert!((a - b).abs() < 1e-9, "{found:?} is not {wanted:?}");
    }
}

fn repeated(factor: f64) -> Options {
    let option = RepeatedPair { remembered: 4, factor, floor: 0.1 };
    Options { repeated_pair: Some(option), ..Options::default() }
}

/// Rates `of` `times` times with ratings as they were, so that only the memory changes; the winner's gains.
fn again_and_again(options: &Options, mut of: Match, times: usize) -> Vec<f64> {
    let entrants = of.entrants();
    let mut found = Vec::new();
    for _ in 0..times {
        let rated = of.rate(&elo(), options);
        found.push(rated[0].change.gain());
        of.played(&rated);
        for (side, entrants) in of.sides.iter_mut().zip(&entrants) {
            for (player, entrant) in side.players.iter_mut().zip(entrants) {
                player.0 = *entrant;
            }
        }
    }
    found
}

#[test]
fn the_same_opponent_again_counts_less() {
    let found = again_and_again(&repeated(0.5), field(&[at(1500.0), at(1500.0)]), 6);
    // Halved each time down to the floor of a tenth.
    check_close(&found, &[16.0, 8.0, 4.0, 2.0, 1.6, 1.6]);
}

#[test]
fn either_sides_memory_is_enough_and_both_are_damped_alike() {
    let options = repeated(0.5);
    let mut duel = field(&[at(1500.0), at(1500.0)]);
    let rated = duel.rate(&elo(), &options);
    duel.played(&rated);
    // Player 1 meets four others, which is all that is remembered.
    for other in 10..14 {
        let mut away = field(&[at(1500.0), at(1500.0)]);
        away.sides[0].players[0].1 = duel.sides[0].players[0].1.clone();
        away.sides[1].players[0].1 = alone(other);
        let rated = away.rate(&elo(), &options);
        check_close(&[rated[0].change.gain()], &[16.0]);
        duel.sides[0].players[0].1.recent = rated[0].recent.clone();
    }
    for side in &mut duel.sides {
        side.players[0].0 = at(1500.0);
    }
    check_close(&gains(&played(&elo(), &options, &duel)), &[8.0, -8.0]);
}

#[test]
fn of_many_opponents_only_those_met_before_count_less() {
    let options = repeated(0.5);
    let mut three = field(&[at(1500.0), at(1500.0), at(1500.0)]);
    let mut two = field(&[at(1500.0), at(1500.0)]);
    let rated = two.rate(&elo(), &options);
    two.played(&rated);
    three.sides[0].players[0].1 = two.sides[0].players[0].1.clone();
    // Player 1 met 2 and not 3: (0.5 + 1) / 2 of 16. Player 3 met nobody.
    let found = played(&elo(), &options, &three);
    check_close(&gains(&found), &[12.0, 0.0, -16.0]);
    check_close(&[points(&found[0], What::Result), points(&found[0], What::RepeatedPair)], &[16.0, -4.0]);
}

/// Of more opponents than are remembered the first of the match are, whatever ids they drew.
#[test]
fn a_crowd_leaves_the_same_memory_whatever_its_ids() {
    let options = repeated(0.5);
    let crowd = field(&[at(1500.0); 7]);
    let mut others = crowd.clone();
    for (_, known) in others.sides.iter_mut().flat_map(|side| &mut side.players) {
        known.id = 8 - known.id;
    }
    let option = options.repeated_pair.unwrap();
    let (rated, found) = (crowd.rate(&elo(), &options), others.rate(&elo(), &options));
    for (own, (one, other)) in (1..).zip(rated.iter().zip(&found)) {
        for id in 1..8 {
            let met = one.recent.times_met(&option, id);
            assert_eq!(met, usize::from(id != own && id <= if own <= 4 { 5 } else { 4 }));
            assert_eq!(other.recent.times_met(&option, 8 - id), met);
        }
    }
}

#[test]
fn team_mates_are_not_opponents() {
    let pair = |a, b| vec![(at(1500.0), alone(a)), (at(1500.0), alone(b))];
    let mut of = Match::new(vec![lineup(1, pair(1, 2)), lineup(2, pair(3, 4))]);
    let rated = of.rate(&elo(), &repeated(0.5));
    of.played(&rated);
    let mut next = Match::new(vec![lineup(1, pair(1, 3)), lineup(2, pair(2, 4))]);
    let known = |id: usize| of.sides[(id - 1) / 2].players[(id - 1) % 2].1.clone();
    for (side, ids) in next.sides.iter_mut().zip([[1, 3], [2, 4]]) {
        for (player, id) in side.players.iter_mut().zip(ids) {
            player.1 = known(id);
        }
    }
    // Player 1 met 4 and played with 2: a half and a whole.
    assert_eq!(next.rate(&elo(), &repeated(0.5))[0].adjusted.repeated_weight, 0.75);
}

fn against_newcomers(games: u32, weight: f64) -> Options {
    Options { newcomer: Some(Newcomer { games, opponents_weight: weight }), ..Options::default() }
}

#[test]
fn a_newcomer_costs_the_established_less_and_moves_in_full() {
    let of = field(&[newcomer(1500.0), at(1500.0)]);
    let found = played(&elo(), &against_newcomers(10, 0.25), &of);
    check_close(&gains(&found), &[16.0, -4.0]);
    let wanted = [(What::Result, -16.0), (What::Newcomer, 12.0)].map(|(what, points)| Item { what, points });
    assert_eq!(found[1].items, wanted);
    // The other one has 100 matches: exactly enough, and one too few to be established.
    check_close(&gains(&played(&elo(), &against_newcomers(100, 0.25), &of)), &[16.0, -4.0]);
    check_close(&gains(&played(&elo(), &against_newcomers(101, 0.25), &of)), &[16.0, -16.0]);
}

#[test]
fn weights_of_two_options_multiply() {
    let options = Options { newcomer: against_newcomers(10, 0.25).newcomer, ..repeated(0.5) };
    let found = again_and_again(&options, field(&[at(1500.0), newcomer(1500.0)]), 2);
    check_close(&found, &[4.0, 2.0]);
}

#[test]
fn a_party_is_rated_as_if_better_and_keeps_nothing_of_it() {
    // Two friends at 1400 and 200 points for a mate play like 1600 against 1600: 16 points for the win.
    let friends = |id| (at(1400.0), Known { party: 2, ..alone(id) });
    let others = |id| (at(1600.0), alone(id));
    let of = Match::new(vec![lineup(1, vec![friends(1), friends(2)]), lineup(2, vec![others(3), others(4)])]);
    let party = Options { party: Some(Party { points_per_mate: 200.0 }), ..Options::default() };
    let found = played(&elo(), &party, &of);
    check_close(&gains(&found), &[16.0, 16.0, -16.0, -16.0]);
    assert_eq!((found[0].expected, found[0].before.mean, found[0].after.mean), (0.5, 1400.0, 1416.0));
    // Without the party 1400 beat 1600: 32 (1 - 1 / (1 + 10^0.5)).
    let alone = 32.0 * (1.0 - 1.0 / (1.0 + 10.0_f64.sqrt()));
    check_close(
        &[points(&found[0], What::Result), points(&found[0], What::Party), points(&found[2], What::Party)],
        &[alone, 16.0 - alone, alone - 16.0],
    );
    // The others saw what they were up against.
    assert_eq!(found[2].opponents.map(|of| (of.sides, of.mean)), Some((1, 1600.0)));
    assert_eq!(found[0].step, Some(32.0));
}

#[test]
fn what_rounding_makes_is_no_item() {
    let party = Options { party: Some(Party { points_per_mate: 30.0 }), ..Options::default() };
    let both = |mean, other| {
        let friends = |place, id, mean| {
            let known = |id| Known { party: 2, ..alone(id) };
            lineup(place, vec![(at(mean), known(id)), (at(mean + 17.3), known(id + 1))])
        };
        Match::new(vec![friends(1, 1, mean), friends(2, 3, other)])
    };
    let systems =
        [elo(), System::Glicko(GlickoSettings::default()), System::Kalman(KalmanSettings::default())];
    for (nth, system) in systems.iter().cycle().take(300).enumerate() {
        let mean = 1_500.0 + 1.37 * nth as f64;
        // As much better on either side: that leaves what is expected as it was.
        for why in played(system, &party, &both(mean, 1_700.0 - nth as f64 / 3.0)) {
            assert!(why.items.iter().all(|item| item.what != What::Party), "{system:?} {why:?}");
            let sum: f64 = why.items.iter().map(|item| item.points).sum();
            assert!((sum - why.gain).abs() < 1e-9, "{why:?}");
        }
    }
}

/// How many matches against equals a new player of this strength needs to come within `near` of it.
fn matches_to_arrive(system: &System, options: &Options, strength: f64, near: f64) -> (u32, f64) {
    let (mut recent, mut player) = (Recent::default(), Entrant::new(system.initial()));
    let mut boost_max = 1.0_f64;
    while player.rating.mean < strength - near && player.games < 100 {
        let other = Rating { mean: player.rating.mean, deviation: 60.0, volatility: 0.06 };
        let (own, others) = ([player], [Entrant { games: 100, ..Entrant::new(other) }]);
        let sides = [Side::new(1, &own), Side::new(2, &others)];
        let people = [
            Person { id: 1, party: 1, recent: &recent },
            Person { id: 2, party: 1, recent: &Recent::default() },
        ];
        let rated = rate(system, options, &Game::new(&sides), &people, &mut Scratch::new()).unwrap();
        boost_max = boost_max.max(rated[0].adjusted.boost);
        player = Entrant { rating: rated[0].change.after, games: player.games + 1, ..player };
        recent = rated[0].recent.clone();
    }
    (player.games, boost_max)
}

#[test]
fn a_smurf_leaves_sooner() {
    let on = Options { smurf: Some(Smurf::default()), ..Options::default() };
    let kalman = System::Kalman(KalmanSettings::default());
    for (system, strength) in [(System::default(), 2600.0), (kalman, 2000.0)] {
        let (slow, none) = matches_to_arrive(&system, &Options::default(), strength, 50.0);
        let (fast, boost) = matches_to_arrive(&system, &on, strength, 50.0);
        assert!(none == 1.0 && boost > 1.2, "{boost}");
        assert!(4 * fast <= 3 * slow, "{} in {fast} instead of {slow}", system.name());
    }
}

#[test]
fn a_raised_deviation_is_shown_and_itemised() {
    let system = System::default();
    let option = Smurf { games_max: 30, threshold: 0.5, boost_max: 3.0 };
    let options = Options { smurf: Some(option), ..Options::default() };
    let mut of = field(&[newcomer(1500.0), at(1500.0)]);
    let rated = of.rate(&system, &options);
    assert!(rated[0].adjusted.is_none() && rated[1].recent.surprise() == 0.0);
    // A win against an equal is a surprise of 0.5 / sqrt(0.5) standard errors, see `Recent`.
    let surprise = 0.5_f64.sqrt();
    assert!((rated[0].recent.surprise() - surprise).abs() < 1e-9);
    of.sides[0].players[0].1.recent = rated[0].recent.clone();
    let found = of.why(&system, &of.rate(&system, &options));
    check_close(&[found[0].deviation], &[100.0 * surprise / 0.5]);
    assert_eq!(found[0].before.deviation, 100.0);
    assert!(points(&found[0], What::Smurf) > 10.0, "{:?}", found[0]);
    // Who lost to somebody so uncertain loses less.
    assert!(points(&found[1], What::Smurf) > 0.0, "{:?}", found[1]);
}

#[test]
fn quitting_and_partial_play_are_items() {
    let quit = Entrant { quit: true, ..at(1500.0) };
    let half = Entrant { share: 0.5, ..at(1500.0) };
    let of = Match::new(vec![
        lineup(1, vec![(quit, alone(1)), (half, alone(2))]),
        lineup(2, vec![(at(1500.0), alone(3))]),
    ]);
    let found = played(&elo(), &Options::default(), &of);
    let items = |nth: usize| found[nth].items.iter().map(|item| (item.what, item.points)).collect::<Vec<_>>();
    assert_eq!(items(0), [(What::Result, 16.0), (What::Quit, -32.0)]);
    assert_eq!(items(1), [(What::Result, 16.0), (What::PartialPlay, -8.0)]);
    assert_eq!(items(2), [(What::Result, -16.0)]);
}

#[test]
fn margin_and_fading_are_items_of_the_projects_own_system() {
    let settings = KalmanSettings::default();
    let known = Rating { mean: 1500.0, deviation: 60.0, volatility: 0.3 };
    let side = |nth, score| {
        let player = (Entrant::new(known), alone(nth));
        super::Lineup { score: Some(score), ..lineup(nth, vec![player]) }
    };
    let found = |goals, settings: KalmanSettings| {
        let of = Match { learnt: Some(season(&settings)), ..Match::new(vec![side(1, goals), side(2, 0.0)]) };
        played(&System::Kalman(settings), &Options::default(), &of)
    };
    let (narrow, wide) = (found(1.0, settings.clone()), found(9.0, settings.clone()));
    assert_eq!(points(&narrow[0], What::Result), points(&wide[0], What::Result));
    assert!(points(&wide[0], What::Margin) > points(&narrow[0], What::Margin));
    // Newcomers were found to be worse, so that shedding their place raises whoever still carries some of it.
    assert!(points(&wide[0], What::NewcomerFading) > 0.0 && points(&wide[1], What::NewcomerFading) > 0.0);
    let unfading = found(9.0, KalmanSettings { newcomer_fade: 0.0, ..settings });
    assert_eq!(points(&unfading[0], What::NewcomerFading), 0.0);
}

#[test]
fn opponents_are_shown_as_sides() {
    let of = Match::new(vec![
        lineup(1, vec![(at(1700.0), alone(1))]),
        lineup(2, vec![(at(1500.0), alone(2)), (at(1300.0), alone(3))]),
        lineup(3, vec![(Entrant { share: 0.0, ..at(9000.0) }, alone(4))]),
        lineup(4, vec![(at(1600.0), alone(5))]),
    ]);
    let found = played(&System::TrueSkill(TrueSkillSettings::default()), &Options::default(), &of);
    let opponents = found[0].opponents.unwrap();
    // (1400 + 1600) / 2; variances 100² / 2 and 100².
    assert_eq!((opponents.sides, opponents.mean), (2, 1500.0));
    check_close(&[opponents.deviation], &[7500.0_f64.sqrt()]);
    assert_eq!(found[3].opponents.map(|of| of.sides), Some(3));
    let nobody = Match::new(vec![of.sides[0].clone(), of.sides[2].clone()]);
    let found = played(&elo(), &Options::default(), &nobody);
    assert_eq!((found[0].opponents, found[0].gain, found[0].step), (None, 0.0, None));
}

#[test]
fn people_and_players_are_as_many() {
    let of = field(&[at(1500.0), at(1500.0)]);
    let system = elo();
    let one = Person { id: 1, party: 1, recent: &Recent::default() };
    let error = RatingError::People { people: 1, players: 2 };
    let rated = of.with(|game| rate(&system, &Options::default(), game, &[one], &mut Scratch::new()));
    assert_eq!(rated, Err(error));
    assert_eq!(of.with(|game| why(&system, game, &[Adjusted::default()])), Err(error));
}

#[test]
fn what_cannot_be_rated_is_refused_with_options_too() {
    let options = Options { smurf: Some(Smurf::default()), ..repeated(0.5) };
    let of = field(&vec![at(1500.0); gsm_core::limits::MATCH_SIDES_MAX + 1]);
    let rated = of.with(|game| rate(&elo(), &options, game, &of.people(), &mut Scratch::new()));
    assert!(matches!(rated, Err(RatingError::TooManySides { .. })));
    let of = field(&[at(1500.0), at(f64::NAN)]);
    let rated = of.with(|game| rate(&elo(), &options, game, &of.people(), &mut Scratch::new()));
    assert_eq!(rated, Err(RatingError::NotFinite { side: 1, player: 0 }));
}

#[test]
fn names_on_the_wire_are_stable() {
    let whats = [
        (What::Result, "result"),
        (What::Margin, "margin"),
        (What::PartialPlay, "partial_play"),
        (What::Quit, "quit"),
        (What::NewcomerFading, "newcomer_fading"),
        (What::Variant, "variant"),
        (What::Party, "party"),
        (What::Smurf, "smurf"),
        (What::RepeatedPair, "repeated_pair"),
        (What::Newcomer, "newcomer"),
    ];
    for (what, name) in whats {
        assert_eq!(serde_json::to_value(what).unwrap(), name);
    }
    let found = played(&elo(), &Options::default(), &field(&[at(1500.0), at(1500.0)]));
    let text = r#"{"before":{"mean":1500.0,"deviation":100.0,"volatility":0.06},"after":{"mean":1516.0,"deviation":100.0,"volatility":0.06},"gain":16.0,"expected":0.5,"actual":1.0,"opponents":{"sides":1,"mean":1500.0,"deviation":100.0},"deviation":100.0,"step":32.0,"items":[{"what":"result","points":16.0}]}"#;
    assert_eq!(serde_json::to_string(&found[0]).unwrap(), text);
    assert_eq!(serde_json::from_str::<Why>(text).unwrap(), found[0]);
    let text = r#"{"repeated_weight":1.0,"newcomer_weight":1.0,"boost":1.0,"bonus":0.0}"#;
    assert_eq!(serde_json::to_string(&Adjusted::default()).unwrap(), text);
    let text = r#"{"opponents":[],"excess":0.0,"variance":0.0}"#;
    assert_eq!(serde_json::to_string(&Recent::default()).unwrap(), text);
}
