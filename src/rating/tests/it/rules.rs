use gsm_core::{Millis, Probability, Timestamp, limits};
use gsm_rating::batch::{Fixture, Ladder};
use gsm_rating::glicko2::{PeriodGame, period_update};
use gsm_rating::{
    Change, EloSettings, Entrant, Game, Glicko2Settings, KalmanSettings, Learnt, Rating, RatingError,
    Scratch, Side, System, TrueSkillSettings,
};

const NEWCOMER: Rating = Rating { mean: 1500.0, deviation: 350.0, volatility: 0.06 };
const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn rating(mean: f64, deviation: f64) -> Rating {
    Rating { mean, deviation, volatility: 0.06 }
}

fn update(sides: &[(u32, Vec<Entrant>)]) -> Result<Vec<Vec<Change>>, RatingError> {
    let sides: Vec<Side<'_>> = sides.iter().map(|(place, players)| Side::new(*place, players)).collect();
    System::default().update(&Game::new(&sides))
}

fn team(ratings: &[Rating]) -> Vec<Entrant> {
    ratings.iter().copied().map(Entrant::new).collect()
}

fn days(n: u64) -> Millis {
    Millis::from_secs(n * 24 * 3600)
}

fn check_idle(idle: Millis, deviation: f64) {
    let found = System::default().at(rating(1700.0, 50.0), Some(NOW), NOW.saturating_add(idle));
    assert!((found.deviation - deviation).abs() < 1e-9, "{found:?}");
    assert_eq!((found.mean, found.volatility), (1700.0, 0.06));
}

#[test]
fn deviation_grows_by_one_volatility_a_period() {
    // sqrt(50² + n (0.06 * 173.7178)²), by hand.
    check_idle(Millis::ZERO, 50.0);
    check_idle(days(3), (2500.0_f64 + 108.640_346_532_624).sqrt());
    check_idle(days(30), (2500.0_f64 + 1_086.403_465_326_24).sqrt());
}
#[test]
fn deviation_stops_at_its_maximum() {
    check_idle(days(1_000_000), 350.0);
    check_idle(Millis::new(i64::MAX as u64), 350.0);
}
#[test]
fn a_clock_stepping_back_or_no_match_yet_is_no_time() {
    let system = System::default();
    assert_eq!(system.at(rating(1700.0, 50.0), Some(NOW), NOW.saturating_sub(days(9))), rating(1700.0, 50.0));
    assert_eq!(system.at(NEWCOMER, None, NOW), NEWCOMER);
}
#[test]
fn growing_twice_is_growing_once() {
    let system = System::default();
    let half = NOW.saturating_add(days(10));
    let end = NOW.saturating_add(days(20));
    let twice = system.at(system.at(rating(1700.0, 50.0), Some(NOW), half), Some(half), end);
    assert!((twice.deviation - system.at(rating(1700.0, 50.0), Some(NOW), end).deviation).abs() < 1e-9);
}

#[test]
fn what_the_kalman_system_keeps_beside_a_rating_is_no_volatility() {
    let kalman = System::Kalman(KalmanSettings::default());
    let duel = |system: &System, ratings: [Rating; 2]| {
        let players = ratings.map(|rating| [Entrant::new(rating)]);
        let sides = [Side::new(1, &players[0]), Side::new(2, &players[1])];
        system.update(&Game::new(&sides)).unwrap().concat()[0].after
    };
    let mut known = kalman.initial();
    for matches in 0..40 {
        let found = System::default().at(known, Some(NOW), NOW.saturating_add(days(30)));
        assert_eq!(found.volatility, 0.06, "after {matches}");
        let grown = (known.deviation.powi(2) + 1_086.403_465_326_24).sqrt();
        assert!((found.deviation - grown).abs() < 1e-9, "after {matches}: {found:?}");
        let wanted = duel(&System::default(), [Rating { volatility: 0.06, ..known }; 2]);
        assert_eq!(duel(&System::default(), [known; 2]), wanted, "after {matches}");
        known = duel(&kalman, [known, kalman.initial()]);
    }
    // An earlier version kept the same without the minus.
    let old = Rating { volatility: -known.volatility, ..known };
    assert_eq!(kalman.at(old, None, NOW), known);
    assert_eq!(duel(&kalman, [old; 2]), duel(&kalman, [known; 2]));
}

#[test]
fn a_rating_is_set_as_the_system_takes_it() {
    let set = |system: &System, deviation| {
        let set = system.set(system.initial(), 1_700.0, deviation);
        assert_eq!((set.mean, system.at(set, Some(NOW), NOW)), (1_700.0, set));
        set.deviation
    };
    let system = System::default();
    assert_eq!(
        [None, Some(5_000.0), Some(1.0)].map(|deviation| set(&system, deviation)),
        [350.0, 350.0, 30.0]
    );
    assert_eq!(set(&System::Elo(EloSettings::default()), Some(5_000.0)), EloSettings::default().deviation);
    assert_eq!(set(&System::TrueSkill(TrueSkillSettings::default()), Some(2.0)), 2.0);
    // What newcomers lack, and lose as they play, is no part of a mean that somebody chose.
    let settings = KalmanSettings::default();
    let mut learnt = Learnt::new(&settings);
    let kalman = System::Kalman(settings);
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    let mut drawn = |learnt: &Learnt, ratings: [Rating; 2]| {
        let players = ratings.map(|rating| [Entrant::new(rating)]);
        let sides = [Side::new(1, &players[0]), Side::new(1, &players[1])];
        let game = Game { learnt: Some(learnt), ..Game::new(&sides) };
        kalman.update_into(&game, &mut scratch, &mut out).unwrap();
        out[0].after
    };
    let old = Rating { mean: 1_500.0, deviation: 60.0, volatility: -0.05 };
    for _ in 0..200 {
        let players = [old, kalman.initial()].map(|rating| [Entrant::new(rating)]);
        let sides = [Side::new(1, &players[0]), Side::new(2, &players[1])];
        let (mut scratch, before) = (Scratch::new(), learnt);
        let game = Game { learnt: Some(&before), ..Game::new(&sides) };
        kalman.update_into(&game, &mut scratch, &mut Vec::new()).unwrap();
        kalman.learn(&mut learnt, &scratch);
    }
    assert!(learnt.newcomers() < -50.0, "{}", learnt.newcomers());
    let set = kalman.set(kalman.initial(), 1_700.0, Some(155.0));
    assert_eq!(drawn(&learnt, [set, set]).mean, 1_700.0);
    let newcomer = Rating { mean: 1_700.0, ..kalman.initial() };
    assert!(drawn(&learnt, [newcomer, newcomer]).mean > 1_705.0);
}

#[test]
fn a_match_that_only_one_side_played_teaches_nothing() {
    let settings = KalmanSettings::default();
    let system = System::Kalman(settings.clone());
    let (mut scratch, mut out) = (Scratch::new(), Vec::new());
    let known = Rating { mean: 1600.0, deviation: 60.0, volatility: 0.1 };
    let play = |learnt: &mut Learnt, shares: &[f64], scratch: &mut Scratch, out: &mut Vec<Change>| {
        let rated = shares.iter().enumerate().map(|(nth, share)| {
            let rating = if nth == 0 { known } else { system.initial() };
            [Entrant { share: *share, ..Entrant::new(rating) }]
        });
        let players: Vec<[Entrant; 1]> = rated.collect();
        let sides = players.iter().zip(1..).map(|(player, place)| Side::new(place, player));
        let sides: Vec<Side<'_>> = sides.collect();
        let before = *learnt;
        system.update_into(&Game { learnt: Some(&before), ..Game::new(&sides) }, scratch, out).unwrap();
        system.learn(learnt, scratch)
    };
    for (met, alone) in [(&[1.0, 1.0][..], &[1.0, 0.0][..]), (&[1.0, 1.0, 1.0], &[0.0, 1.0, 0.0])] {
        let mut learnt = Learnt::new(&settings);
        assert!(play(&mut learnt, met, &mut scratch, &mut out));
        let after = learnt;
        assert_ne!(after, Learnt::new(&settings));
        assert!(!play(&mut learnt, alone, &mut scratch, &mut out));
        assert_eq!(learnt, after);
    }
    // Two of three have met.
    let mut learnt = Learnt::new(&settings);
    assert!(play(&mut learnt, &[1.0, 0.0, 1.0], &mut scratch, &mut out));
    assert_ne!(learnt, Learnt::new(&settings));
}

#[test]
fn expected_score_is_that_of_elo_for_sure_ratings_and_half_for_equals() {
    let system =
        System::Glicko2(Glicko2Settings { deviation_min: 1.0, deviation: 1.0, ..Glicko2Settings::default() });
    // 400 points are odds of ten to one (the scale is rounded in the paper, and a deviation of 1 is not 0).
    let p = system.expected_pair(&[rating(1900.0, 1.0)], &[rating(1500.0, 1.0)], None).get();
    assert!((p - 10.0 / 11.0).abs() < 1e-5, "{p}");
    assert_eq!(system.expected_pair(&[NEWCOMER], &[rating(1500.0, 40.0)], None).get(), 0.5);
}
#[test]
fn uncertainty_pulls_the_expectation_to_half() {
    let p = |deviation| {
        System::default().expected_pair(&[rating(1700.0, deviation)], &[rating(1500.0, 50.0)], None).get()
    };
    assert!(p(50.0) > p(200.0) && p(200.0) > p(350.0) && p(350.0) > 0.5);
}
#[test]
fn shares_of_n_equals_are_one_nth() {
    for n in 1..6 {
        let shares = System::default().expected(&vec![vec![NEWCOMER]; n], None);
        assert!(shares.iter().all(|share| (share.get() - 1.0 / n as f64).abs() < 1e-12), "{shares:?}");
    }
    assert!(System::default().expected::<Vec<Rating>>(&[], None).is_empty());
}
#[test]
fn an_empty_side_is_expected_to_play_like_a_newcomer() {
    let system = System::default();
    let strong = [rating(1900.0, 60.0)];
    assert_eq!(system.expected_pair(&strong, &[], None), system.expected_pair(&strong, &[NEWCOMER], None));
}

#[test]
fn two_sides_of_one_are_the_paper() {
    let (a, b) = (rating(1600.0, 80.0), rating(1500.0, 120.0));
    let found = update(&[(1, team(&[a])), (2, team(&[b]))]).unwrap();
    let game = |opponent, score| PeriodGame { opponent, score, weight: 1.0 };
    let settings = Glicko2Settings::default();
    assert_eq!(found[0][0].after, period_update(&settings, a, &[game(b, 1.0)]));
    assert_eq!(found[1][0].after, period_update(&settings, b, &[game(a, 0.0)]));
}
#[test]
fn a_field_is_its_pairs_weighed_by_its_size() {
    let (a, b, c) = (rating(1600.0, 80.0), rating(1500.0, 120.0), rating(1450.0, 60.0));
    let found = update(&[(2, team(&[a])), (1, team(&[b])), (3, team(&[c]))]).unwrap();
    let weight = 2.0_f64.powf(-0.8);
    let games =
        [PeriodGame { opponent: b, score: 0.0, weight }, PeriodGame { opponent: c, score: 1.0, weight }];
    let wanted = period_update(&Glicko2Settings::default(), a, &games);
    assert!((found[0][0].after.mean - wanted.mean).abs() < 1e-9);
    assert!((found[0][0].after.deviation - wanted.deviation).abs() < 1e-9);
    assert_eq!(found[0][0].actual, 0.5);
}
#[test]
fn a_team_plays_with_its_mean_and_each_member_moves_a_part() {
    let side = team(&[rating(1700.0, 50.0), rating(1300.0, 300.0)]);
    let found = update(&[(1, side), (2, team(&[rating(1500.0, 80.0)]))]).unwrap();
    assert!((found[0][0].expected.get() - 0.5).abs() < 1e-12);
    assert!(found[0][1].gain() > 5.0 * found[0][0].gain() && found[0][0].gain() > 0.0);
    // Alone, the unsure player would have moved by much more than half of a known team's result.
    let alone = update(&[(1, team(&[rating(1500.0, 300.0)])), (2, team(&[rating(1500.0, 80.0)]))]).unwrap();
    assert!(alone[0][0].gain() > found[0][1].gain());
}

#[test]
fn a_team_is_as_unsure_as_the_mean_of_its_players() {
    let (team, other) = ([rating(1700.0, 50.0), rating(1500.0, 300.0)], [rating(1450.0, 80.0)]);
    // The variance of the mean of two: (50² + 300²) / 2².
    let alone = [rating(1600.0, (2_500.0_f64 + 90_000.0).sqrt() / 2.0)];
    let system = System::default();
    let gap =
        system.expected_pair(&team, &other, None).get() - system.expected_pair(&alone, &other, None).get();
    assert!(gap.abs() < 1e-12, "{gap}");
}

#[test]
fn a_change_says_why() {
    let found = update(&[(1, team(&[rating(1600.0, 80.0)])), (2, team(&[rating(1500.0, 120.0)]))]).unwrap();
    let (won, lost) = (found[0][0], found[1][0]);
    assert_eq!((won.before, won.actual, lost.actual), (rating(1600.0, 80.0), 1.0, 0.0));
    assert!(won.expected.get() > 0.5 && lost.expected.get() < 0.5);
    assert_eq!(won.gain(), won.after.mean - 1600.0);
    let stored = serde_json::to_string(&won).unwrap();
    assert_eq!(serde_json::from_str::<Change>(&stored).unwrap(), won);
}
#[test]
fn a_quitter_loses_though_the_side_won_and_nobody_else_notices() {
    let left = Entrant { quit: true, ..Entrant::new(NEWCOMER) };
    let others = || team(&[NEWCOMER, NEWCOMER]);
    let with = update(&[(1, vec![left, Entrant::new(NEWCOMER)]), (2, others())]).unwrap();
    let without = update(&[(1, others()), (2, others())]).unwrap();
    let lost = without[1][0];
    assert_eq!((with[0][0].after, with[0][0].actual), (lost.after, 0.0));
    assert_eq!((with[0][1], &with[1]), (without[0][1], &without[1]));
}
#[test]
fn all_quitters_lose_to_each_other() {
    let left = vec![Entrant { quit: true, ..Entrant::new(NEWCOMER) }];
    let found = update(&[(1, left.clone()), (1, left)]).unwrap();
    assert!(found.iter().flatten().all(|change| change.gain() < 0.0));
}

#[test]
fn what_is_no_match_is_refused() {
    let one = || team(&[NEWCOMER]);
    assert_eq!(update(&[]), Err(RatingError::TooFewSides { sides: 0 }));
    assert_eq!(update(&[(1, one())]), Err(RatingError::TooFewSides { sides: 1 }));
    assert_eq!(update(&[(1, one()), (2, vec![])]), Err(RatingError::EmptySide { side: 1 }));
    let bad = team(&[NEWCOMER, rating(f64::NAN, 50.0)]);
    assert_eq!(update(&[(1, one()), (2, bad)]), Err(RatingError::NotFinite { side: 1, player: 1 }));
    let bad = team(&[rating(1500.0, f64::INFINITY)]);
    assert_eq!(update(&[(1, bad), (2, one())]), Err(RatingError::NotFinite { side: 0, player: 0 }));
}
#[test]
fn matches_are_rated_up_to_the_limits() {
    let sides = |n: usize| vec![(1, team(&[NEWCOMER])); n];
    let max = limits::MATCH_SIDES_MAX;
    assert!(update(&sides(max)).is_ok());
    assert_eq!(update(&sides(max + 1)), Err(RatingError::TooManySides { sides: max + 1, max }));
    let players = limits::MATCH_PLAYERS_MAX;
    let two = |n: usize| [(1, team(&vec![NEWCOMER; n - 1])), (2, team(&[NEWCOMER]))];
    assert!(update(&two(players)).is_ok());
    let error = RatingError::TooManyPlayers { players: players + 1, max: players };
    assert_eq!(update(&two(players + 1)), Err(error));
}
#[test]
fn without_limits_a_contest_of_hundreds_is_rated() {
    let players = team(&[NEWCOMER]);
    let sides: Vec<Side<'_>> = (1..=300).map(|place| Side::new(place, &players)).collect();
    let found = System::default().update_any_size(&Game::new(&sides)).unwrap();
    assert!(found[0][0].gain() > found[149][0].gain() && found[149][0].gain() > found[299][0].gain());
}

fn check_config(text: &str, wanted: Option<Glicko2Settings>) {
    assert_eq!(serde_json::from_str::<System>(text).ok(), wanted.map(System::Glicko2), "{text}");
}

#[test]
fn configuration_names_the_system_and_may_leave_out_settings() {
    let defaults = Glicko2Settings::default();
    check_config(r#"{"system":"glicko2"}"#, Some(defaults.clone()));
    check_config(r#"{"system":"glicko2","tau":0.3}"#, Some(Glicko2Settings { tau: 0.3, ..defaults.clone() }));
    check_config(&serde_json::to_string(&System::default()).unwrap(), Some(defaults));
    check_config(r#"{"system":"glicko2","taw":0.3}"#, None);
    check_config(r#"{"system":"elo9"}"#, None);
    check_config("{}", None);
}
#[test]
fn settings_are_checked_through_the_system() {
    assert!(System::default().validate().is_ok());
    assert!(System::Glicko2(Glicko2Settings { tau: -1.0, ..Glicko2Settings::default() }).validate().is_err());
    assert_eq!((System::default().name(), System::default().initial()), ("glicko2", NEWCOMER));
}

fn configured(text: &str) -> System {
    let system: System = serde_json::from_str(text).unwrap();
    system.validate().unwrap();
    system
}
fn duel(system: &System, a: Entrant, b: Entrant, home: Option<usize>) -> (Change, Change) {
    let (a, b) = ([a], [b]);
    let sides = [Side::new(1, &a), Side::new(2, &b)];
    let found = system.update(&Game { sides: &sides, home, learnt: None }).unwrap();
    (found[0][0], found[1][0])
}
#[test]
fn every_system_has_a_name_and_takes_its_defaults() {
    for name in ["elo", "glicko", "glicko2", "weng_lin", "true_skill"] {
        let system = configured(&format!(r#"{{"system":"{name}"}}"#));
        assert_eq!(system.name(), name);
        let again: System = serde_json::from_str(&serde_json::to_string(&system).unwrap()).unwrap();
        assert_eq!(again, system);
        let new = system.initial();
        assert_eq!(system.at(new, Some(NOW), NOW), new);
    }
}
#[test]
fn a_newcomer_of_elo_moves_faster_until_the_games_are_played() {
    let system = configured(r#"{"system":"elo","k":20,"provisional_k":40,"provisional_games":10}"#);
    let player = |games| Entrant { games, ..Entrant::new(system.initial()) };
    let (won, lost) = duel(&system, player(9), player(10), None);
    assert_eq!((won.gain(), lost.gain()), (20.0, -10.0));
}
#[test]
fn half_a_match_of_elo_is_half_a_gain() {
    let system = configured(r#"{"system":"elo"}"#);
    let half = Entrant { share: 0.5, ..Entrant::new(system.initial()) };
    let (won, lost) = duel(&system, half, Entrant::new(system.initial()), None);
    assert_eq!((won.gain(), lost.gain()), (8.0, -16.0));
}
#[test]
fn an_advantage_is_points_lent_to_the_home_side() {
    for name in ["elo", "glicko", "glicko2", "weng_lin", "true_skill"] {
        let plain = configured(&format!(r#"{{"system":"{name}"}}"#));
        let home = configured(&format!(r#"{{"system":"{name}","home_advantage":3}}"#));
        let new = plain.initial();
        let better = Rating { mean: new.mean + 3.0, ..new };
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{name}: {a} is not {b}");
        let lent = plain.expected_pair(&[better], &[new], None);
        near(home.expected_pair(&[new], &[new], Some(0)).get(), lent.get());
        near(home.expected_pair(&[new], &[new], Some(1)).get(), 1.0 - lent.get());
        assert_eq!(home.expected_pair(&[new], &[new], None).get(), 0.5);
        for side in 0..2 {
            let at_home = duel(&home, Entrant::new(new), Entrant::new(new), Some(side));
            let (a, b) = if side == 0 { (better, new) } else { (new, better) };
            let wanted = duel(&plain, Entrant::new(a), Entrant::new(b), None);
            near(at_home.0.gain(), wanted.0.gain());
            near(at_home.1.gain(), wanted.1.gain());
            near(at_home.1.after.deviation, wanted.1.after.deviation);
        }
    }
}
#[test]
fn equals_draw_as_often_as_the_setting_says() {
    let text =
        r#"{"system":"true_skill","draw_probability":0.25,"deviation":0.01,"tau":0,"home_advantage":10}"#;
    let drawn = |system: &System, home: Option<usize>| {
        let fixture = Fixture::new(Timestamp::EPOCH, &[0, 1], &[1, 2], &[1, 2]).unwrap();
        let fixture = home.map_or(fixture, |home| fixture.with_home(home).unwrap());
        Ladder::new(system, 2).unwrap().predict_draw(&fixture).unwrap().map(Probability::get)
    };
    let system = configured(text);
    let chance = drawn(&system, None).unwrap();
    // The rest of the deviation, and the paper's margin is for performances alone.
    assert!((chance - 0.25).abs() < 1e-5, "{chance}");
    assert!(drawn(&system, Some(0)).unwrap() < 0.15, "the better side wins more often");
    assert_eq!(drawn(&System::default(), None), None);
}
#[test]
fn shares_and_scores_that_mean_nothing_are_refused() {
    let one = [Entrant::new(NEWCOMER)];
    let check = |sides: &[Side<'_>], home, error| {
        assert_eq!(System::default().update(&Game { sides, home, learnt: None }), Err(error));
    };
    for share in [-0.1, 1.1, f64::NAN] {
        let bad = [Entrant { share, ..one[0] }];
        let error = RatingError::BadShare { side: 1, player: 0 };
        check(&[Side::new(1, &one), Side::new(2, &bad)], None, error);
    }
    let bad = Side { score: Some(f64::NAN), ..Side::new(1, &one) };
    check(&[bad, Side::new(2, &one)], None, RatingError::BadScore { side: 0 });
    let sides = [Side::new(1, &one), Side::new(2, &one)];
    check(&sides, Some(2), RatingError::NoSuchSide { home: 2, sides: 2 });
}

fn check_growth(name: &str) {
    let system = configured(&format!(
        r#"{{"system":"{name}","growth_per_day":0.5,"deviation_max":30,"deviation":20}}"#
    ));
    let known = Rating { mean: 40.0, deviation: 29.0, volatility: 0.06 };
    let after = |idle| system.at(known, Some(NOW), NOW.saturating_add(idle)).deviation;
    assert_eq!(after(Millis::ZERO), 29.0);
    // sqrt(29² + n 0.5²), by hand, until sqrt(30² - 29²) = sqrt(59) is used up after 236 days.
    assert!((after(days(4)) - 842.0_f64.sqrt()).abs() < 1e-12);
    assert!((after(days(235)) - 899.75_f64.sqrt()).abs() < 1e-12);
    assert_eq!((after(days(237)), after(days(100_000))), (30.0, 30.0));
}
#[test]
fn idle_deviation_grows_by_the_setting_up_to_the_maximum() {
    check_growth("weng_lin");
    check_growth("true_skill");
    let system = configured(r#"{"system":"glicko"}"#);
    let found = system.at(rating(1700.0, 50.0), Some(NOW), NOW.saturating_add(days(100)));
    assert!((found.deviation - (2_500.0_f64 + 100.0 * 6.3 * 6.3).sqrt()).abs() < 1e-9);
    assert_eq!(system.at(found, Some(NOW), NOW.saturating_add(days(100_000))).deviation, 350.0);
}
#[test]
fn half_a_match_of_glicko_is_half_the_evidence() {
    let system = configured(r#"{"system":"glicko"}"#);
    let after = |share| {
        let player = Entrant { share, ..Entrant::new(rating(1500.0, 200.0)) };
        duel(&system, player, Entrant::new(rating(1600.0, 80.0)), None).0.after.deviation
    };
    let learned = |share| after(share).powi(-2) - 200.0_f64.powi(-2);
    assert!((learned(0.5) / learned(1.0) - 0.5).abs() < 1e-9);
}
/// Algorithm 1 of Weng and Lin for two sides, with the sides' skills as sums by shares, by hand.
#[test]
fn a_share_weighs_a_player_of_weng_lin_in_the_side_and_in_what_is_learned() {
    let system = configured(r#"{"system":"weng_lin","tau":0}"#);
    let player = |mean, deviation, share| Entrant {
        share,
        ..Entrant::new(Rating { mean, deviation, volatility: 0.06 })
    };
    let (team, other) = ([player(24.0, 6.0, 1.0), player(30.0, 4.0, 0.25)], [player(28.0, 5.0, 1.0)]);
    let found = system.update(&Game::new(&[Side::new(1, &team), Side::new(2, &other)])).unwrap();
    let (mean, variance) = (24.0 + 0.25 * 30.0, 36.0 + 0.0625 * 16.0);
    let c = (variance + 25.0 + 2.0 * (25.0 / 6.0_f64).powi(2)).sqrt();
    let chance = 1.0 / (1.0 + ((28.0 - mean) / c).exp());
    let delta = variance.sqrt() / c / (c * c) * chance * (1.0 - chance);
    for (change, of) in found[0].iter().zip(&team) {
        let own = of.rating.deviation.powi(2);
        let gain = of.share * own * (1.0 - chance) / c;
        assert!((change.gain() - gain).abs() < 1e-12, "{change:?}");
        let left = own * (1.0 - of.share * of.share * own * delta);
        assert!((change.after.deviation - left.sqrt()).abs() < 1e-12, "{change:?}");
    }
}
