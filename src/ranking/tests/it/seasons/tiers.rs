use gsm_core::{Millis, Timestamp};
use gsm_ranking::tier::{
    Bounds, DecayConfig, Game, Outcome, Part, PointsRange, Reason, StartConfig, TOP_POINTS_MAX, Tier,
    TierConfig, TierEvent, TierState, Tiers,
};
use proptest::{collection::vec, prelude::*, sample::select};

const NOW: Timestamp = Timestamp::EPOCH;

fn tier(name: &str, divisions: u8, floor: bool) -> Tier {
    Tier { name: name.into(), divisions, floor }
}

/// Bronze II and I, silver II and I, gold II and I, master: 7 divisions of 100 points and 100 rating units each.
fn config() -> TierConfig {
    TierConfig {
        placement_games: 0,
        tiers: vec![
            tier("bronze", 2, false),
            tier("silver", 2, false),
            tier("gold", 2, true),
            tier("master", 1, false),
        ],
        points_per_division: 100,
        win: PointsRange { base: 20, least: 5, most: 40 },
        loss: PointsRange { base: 18, least: 5, most: 40 },
        pull_permille: 0,
        swing_permille: 0,
        surplus_carries_over: true,
        demotion_shield_games: 0,
        decay: None,
        start: StartConfig::Ratings(vec![1_000, 1_100, 1_200, 1_300, 1_400, 1_500, 1_600]),
    }
}

fn with(change: impl FnOnce(&mut TierConfig)) -> Tiers {
    let mut config = config();
    change(&mut config);
    Tiers::new(config).unwrap()
}

fn state(division: u16, points: u32) -> TierState {
    TierState { placement_left: 0, division, points, shield_left: 0, decayed_days: 0, last_played: NOW }
}

fn play(
    tiers: &Tiers,
    state: TierState,
    outcome: Outcome,
    hidden: (i64, i64),
) -> (TierState, Vec<TierEvent>) {
    let game = Game { outcome, hidden_before: hidden.0, hidden_after: hidden.1 };
    tiers.apply(&tiers.bounds(|_| 0), state, game, NOW)
}

fn part(reason: Reason, points: i32) -> Part {
    Part { reason, points }
}

/// One game from a place: the place after it, and the parts of the change.
fn check(tiers: &Tiers, from: TierState, outcome: Outcome, to: (u16, u32), parts: &[(Reason, i32)]) {
    check_rated(tiers, from, outcome, (0, 0), to, parts);
}

fn check_rated(
    tiers: &Tiers,
    from: TierState,
    outcome: Outcome,
    hidden: (i64, i64),
    to: (u16, u32),
    parts: &[(Reason, i32)],
) {
    let (after, events) = play(tiers, from, outcome, hidden);
    assert_eq!((after.division, after.points), to);
    let parts: Vec<Part> = parts.iter().map(|&(reason, points)| part(reason, points)).collect();
    let points = parts.iter().map(|part| part.points).sum();
    assert_eq!(events.first(), Some(&TierEvent::PointsChanged { points, parts }));
}

use Outcome::{Draw, Loss, Win};

#[test]
fn points_move_within_a_division() {
    check(&with(|_| {}), state(1, 40), Win, (1, 60), &[(Reason::Outcome, 20)]);
    check(&with(|_| {}), state(1, 40), Loss, (1, 22), &[(Reason::Outcome, -18)]);
    check(&with(|_| {}), state(1, 40), Draw, (1, 41), &[(Reason::Outcome, 1)]);
    check(&with(|_| {}), state(1, 18), Loss, (1, 0), &[(Reason::Outcome, -18)]);
}

#[test]
fn a_promotion_carries_the_surplus_or_not() {
    let tiers = with(|config| config.demotion_shield_games = 3);
    check(&tiers, state(1, 95), Win, (2, 15), &[(Reason::Outcome, 20)]);
    let (after, events) = play(&tiers, state(1, 95), Win, (0, 0));
    assert_eq!(events.last(), Some(&TierEvent::Promoted { from: 1, to: 2 }));
    assert_eq!(after.shield_left, 3);
    let strict = with(|config| config.surplus_carries_over = false);
    check(&strict, state(1, 95), Win, (2, 0), &[(Reason::Outcome, 20), (Reason::Surplus, -15)]);
    check(&strict, state(1, 80), Win, (2, 0), &[(Reason::Outcome, 20)]);
}

#[test]
fn a_demotion_keeps_what_is_left() {
    check(&with(|_| {}), state(2, 5), Loss, (1, 87), &[(Reason::Outcome, -18)]);
    let (_, events) = play(&with(|_| {}), state(2, 5), Loss, (0, 0));
    assert_eq!(events.last(), Some(&TierEvent::Demoted { from: 2, to: 1 }));
}

#[test]
fn a_shield_holds_for_so_many_games_then_breaks() {
    let tiers = with(|_| {});
    let mut place = TierState { shield_left: 2, ..state(2, 5) };
    for games_left in [1, 0] {
        let (after, events) = play(&tiers, place, Loss, (0, 0));
        assert_eq!((after.division, after.points), (2, 0));
        assert_eq!(events.last(), Some(&TierEvent::ShieldUsed { games_left }));
        place = after;
    }
    check(&tiers, place, Loss, (1, 82), &[(Reason::Outcome, -18)]);
    let shielded = TierState { shield_left: 2, ..state(2, 5) };
    check(&tiers, shielded, Loss, (2, 0), &[(Reason::Outcome, -18), (Reason::Shield, 13)]);
}

#[test]
fn floor_tiers_and_the_bottom_cannot_be_left() {
    check(&with(|_| {}), state(4, 5), Loss, (4, 0), &[(Reason::Outcome, -18), (Reason::Floor, 13)]);
    check(&with(|_| {}), state(0, 0), Loss, (0, 0), &[(Reason::Outcome, -18), (Reason::Floor, 18)]);
    check(&with(|_| {}), state(5, 5), Loss, (4, 87), &[(Reason::Outcome, -18)]); // gold I to gold II
}

#[test]
fn the_top_is_open_by_points() {
    check(&with(|_| {}), state(6, 990), Win, (6, 1_010), &[(Reason::Outcome, 20)]);
    check(&with(|_| {}), state(6, 5), Loss, (5, 87), &[(Reason::Outcome, -18)]);
    let full = state(6, TOP_POINTS_MAX);
    check(&with(|_| {}), full, Win, (6, TOP_POINTS_MAX), &[(Reason::Outcome, 20), (Reason::Limit, -20)]);
}

#[test]
fn the_hidden_rating_pulls_and_its_move_swings() {
    let tiers = with(|config| (config.pull_permille, config.swing_permille) = (100, 500));
    // At position 140; a rating of 1240 fits 240, one of 1256 fits 256.
    let parts = [(Reason::Outcome, 20), (Reason::Pull, 10), (Reason::Swing, 8)];
    check_rated(&tiers, state(1, 40), Win, (1_240, 1_256), (1, 78), &parts);
    // At position 340, a hundred above the rating: a loss costs more.
    let parts = [(Reason::Outcome, -18), (Reason::Pull, -10), (Reason::Swing, -5)];
    check_rated(&tiers, state(3, 40), Loss, (1_240, 1_230), (3, 7), &parts);
    check_rated(
        &tiers,
        state(1, 40),
        Draw,
        (1_240, 1_240),
        (1, 51),
        &[(Reason::Outcome, 1), (Reason::Pull, 10)],
    );
    // However far apart, a win gives at most 40, and at least 5.
    check_rated(
        &tiers,
        state(0, 0),
        Win,
        (9_000, 9_020),
        (0, 40),
        &[(Reason::Outcome, 20), (Reason::Pull, 20)],
    );
    let parts = [(Reason::Outcome, 20), (Reason::Pull, -15), (Reason::Swing, 10)];
    check_rated(&tiers, state(6, 40), Win, (1_000, 1_020), (6, 55), &parts);
}

#[test]
fn a_place_settles_where_the_hidden_rating_says() {
    let tiers = with(|config| (config.pull_permille, config.tiers[2].floor) = (100, false));
    let place_after = |from: TierState, games: usize| {
        (0..games).fold(from, |place, n| play(&tiers, place, [Win, Loss][n % 2], (1_350, 1_350)).0)
    };
    for from in [state(0, 0), state(6, 250)] {
        let place = place_after(from, 200);
        assert!(
            (335..=375).contains(&(i64::from(place.division) * 100 + i64::from(place.points))),
            "{place:?}"
        );
    }
}

#[test]
fn placement_ends_with_a_place_by_the_hidden_rating() {
    let tiers = with(|config| (config.placement_games, config.demotion_shield_games) = (2, 5));
    let bounds = tiers.bounds(|_| 0);
    let (entered, events) = tiers.enter(&bounds, 1_450, NOW);
    assert_eq!((entered.placement_left, tiers.shown(&entered), events.len()), (2, None, 0));
    let (entered, events) = play(&tiers, entered, Win, (0, 0));
    assert_eq!(events, [TierEvent::PlacementPlayed { left: 1 }]);
    let (placed, events) = play(&tiers, entered, Loss, (1_400, 1_350));
    assert_eq!(events, [TierEvent::Placed { division: 3, points: 50 }]);
    assert_eq!((placed.division, placed.points, placed.shield_left), (3, 50, 5));
    let shown = tiers.shown(&placed).unwrap();
    assert_eq!((shown.tier, shown.division, shown.points), ("silver", 1, 50));
    let at_once = with(|_| {}).enter(&bounds, 1_725, NOW).0;
    assert_eq!((at_once.placement_left, at_once.division, at_once.points), (0, 6, 125));
}

#[test]
fn quantiles_of_the_players_give_the_bounds() {
    let shares = vec![200, 400, 600, 800, 900, 990];
    let tiers = with(|config| config.start = StartConfig::PlayersBelowPermille(shares));
    let bounds = tiers.bounds(|share| i64::from(share) * 10);
    let division = |hidden| tiers.enter(&bounds, hidden, NOW).0.division;
    assert_eq!([-5, 0, 1_999, 2_000, 8_999, 9_900].map(division), [0, 0, 0, 1, 4, 6]);
    // All players with the same rating: everyone starts at the top of an empty ladder, nothing divides by zero.
    let same = tiers.bounds(|_| 1_500);
    assert_eq!(tiers.enter(&same, 1_500, NOW).0.division, 6);
    assert_eq!(tiers.enter(&same, 1_499, NOW).0.division, 0);
    // A quantile below the one before (the board moved between two questions) counts as that one.
    let odd = tiers.bounds(|share| if share == 400 { 100 } else { i64::from(share) * 10 });
    assert_eq!([1_999, 2_000].map(|hidden| tiers.enter(&odd, hidden, NOW).0.division), [0, 2]);
}

#[test]
fn a_place_of_other_tiers_reads_as_the_nearest_of_these() {
    let shown =
        |state: TierState| with(|_| {}).shown(&state).map(|shown| (shown.tier.to_owned(), shown.points));
    assert_eq!(shown(state(1, 5_000)), Some(("bronze".into(), 99)));
    assert_eq!(shown(state(40, 5)), Some(("master".into(), 5)));
}

fn decaying(down_to: Option<&str>) -> Tiers {
    let decay = DecayConfig { after_days: 14, points_per_day: 30, down_to: down_to.map(Into::into) };
    with(|config| config.decay = Some(decay))
}

fn days(n: u64) -> Timestamp {
    NOW.saturating_add(Millis::from_secs(n * 86_400))
}

#[test]
fn absence_costs_visible_points_down_to_a_floor() {
    let place = |tiers: &Tiers, from: TierState, n: u64| {
        let settled = tiers.settle(from, days(n)).0;
        (settled.division, settled.points)
    };
    assert_eq!(place(&decaying(None), state(3, 50), 14), (3, 50));
    assert_eq!(place(&decaying(None), state(3, 50), 15), (3, 20));
    assert_eq!(place(&decaying(None), state(3, 50), 16), (2, 90));
    assert_eq!(place(&decaying(None), state(3, 50), 1_000), (0, 0));
    assert_eq!(place(&decaying(None), state(5, 50), 1_000), (4, 0)); // gold is a floor
    assert_eq!(place(&decaying(Some("silver")), state(3, 50), 1_000), (2, 0));
    assert_eq!(place(&decaying(Some("silver")), state(1, 50), 1_000), (1, 50));
    let (_, events) = decaying(None).settle(state(3, 50), days(16));
    assert_eq!(events, [TierEvent::Decayed { days: 2, points: 60 }, TierEvent::Demoted { from: 3, to: 2 }]);
}

#[test]
fn a_game_after_absence_settles_first_and_ends_the_absence() {
    let tiers = decaying(None);
    let game = Game { outcome: Win, hidden_before: 0, hidden_after: 0 };
    let (after, events) = tiers.apply(&tiers.bounds(|_| 0), state(3, 50), game, days(15));
    assert_eq!((after.division, after.points, after.decayed_days, after.last_played), (3, 40, 0, days(15)));
    assert_eq!(events.first(), Some(&TierEvent::Decayed { days: 1, points: 30 }));
}

fn refused(text: &str, change: impl FnOnce(&mut TierConfig)) {
    let mut config = config();
    change(&mut config);
    let refused = Tiers::new(config).unwrap_err().to_string();
    assert!(refused.starts_with(text), "{refused}");
}

#[test]
fn a_refusal_names_the_path_and_what_is_allowed() {
    refused("`placement_games`: `51` is not allowed; use 0 to 50", |config| config.placement_games = 51);
    refused("`tiers (length)`: `0` is not allowed; use 1 to 20", |config| config.tiers.clear());
    refused("`tiers[1].divisions`: `11` is not allowed; use 1 to 10", |config| {
        config.tiers[1].divisions = 11
    });
    refused("`tiers[3].divisions`: `2` is not allowed; the best", |config| config.tiers[3].divisions = 2);
    refused("`tiers[2].name`: `bronze` is taken", |config| config.tiers[2].name = "bronze".into());
    refused("`tiers[0].name (characters)`: `0` is not", |config| config.tiers[0].name.clear());
    refused("`points_per_division`: `9` is not allowed; use 10", |config| config.points_per_division = 9);
    refused("`win.most`: `101` is not allowed; use 1 to 100", |config| config.win.most = 101);
    refused("`win.base`: `41` is not allowed; use 1 to 40", |config| config.win.base = 41);
    refused("`loss.least`: `0` is not allowed; use 1 to 18", |config| config.loss.least = 0);
    refused("`pull_permille`: `1001` is not", |config| config.pull_permille = 1_001);
    refused("`swing_permille`: `1001` is not", |config| config.swing_permille = 1_001);
    refused("`demotion_shield_games`: `21` is not", |config| config.demotion_shield_games = 21);
    let decay = |after_days, per_day| {
        Some(DecayConfig { after_days, points_per_day: per_day, down_to: Some("x".into()) })
    };
    refused("`decay.after_days`: `0` is not", |config| config.decay = decay(0, 1));
    refused("`decay.points_per_day`: `101` is not", |config| config.decay = decay(1, 101));
    refused("`decay.down_to`: unknown tier `x`; use a name", |config| config.decay = decay(1, 1));
    refused("`start.ratings (length)`: `1` is not allowed; use 7 to 7", |config| {
        config.start = StartConfig::Ratings(vec![1]);
    });
    refused("`start.ratings[2]`: `2` is not allowed; use more than the `2` before", |config| {
        config.start = StartConfig::Ratings(vec![1, 2, 2, 3, 4, 5, 6]);
    });
    refused("`start.players_below_permille[5]`: `1000` is not allowed; use 1 to 999", |config| {
        config.start = StartConfig::PlayersBelowPermille(vec![1, 2, 3, 4, 5, 1_000]);
    });
}

#[test]
fn state_config_and_events_are_text_and_unknown_settings_are_refused() {
    let text = serde_json::to_string(&config()).unwrap();
    assert_eq!(serde_json::from_str::<TierConfig>(&text).unwrap(), config());
    assert!(serde_json::from_str::<TierConfig>(&text.replacen('{', r#"{"pul":1,"#, 1)).is_err());
    assert!(serde_json::from_str::<TierConfig>(&text.replace(r#""divisions""#, r#""divs""#)).is_err());
    let text = serde_json::to_string(&state(2, 5)).unwrap();
    assert_eq!(serde_json::from_str::<TierState>(&text).unwrap(), state(2, 5));
    let event = TierEvent::PointsChanged { points: 20, parts: vec![part(Reason::Outcome, 20)] };
    let text = r#"{"kind":"points_changed","points":20,"parts":[{"reason":"outcome","points":20}]}"#;
    assert_eq!(serde_json::to_string(&event).unwrap(), text);
}

fn any_tiers() -> impl Strategy<Value = Tiers> {
    let range = (1..=40u16, 0..=20u16, 0..=20u16).prop_map(|(least, base, most)| PointsRange {
        base: least + base,
        least,
        most: least + base + most,
    });
    let decay =
        proptest::option::of((1..20u16, 1..=100u16, proptest::option::of(select(vec!["silver", "master"]))));
    (range.clone(), range, 0..=1_000u16, 0..=1_000u16, any::<bool>(), 0..5u8, decay, 0..4u8).prop_map(
        |(win, loss, pull, swing, carries, shield, decay, placement)| {
            with(|config| {
                (config.win, config.loss) = (win, loss);
                (config.pull_permille, config.swing_permille) = (pull, swing);
                config.surplus_carries_over = carries;
                config.demotion_shield_games = shield;
                config.placement_games = placement;
                config.decay = decay.map(|(after_days, points_per_day, down_to)| DecayConfig {
                    after_days,
                    points_per_day,
                    down_to: down_to.map(Into::into),
                });
            })
        },
    )
}

fn position(state: &TierState) -> i64 {
    i64::from(state.division) * 100 + i64::from(state.points)
}

proptest! {
    #[test]
    fn every_point_is_explained_and_every_rule_holds(
        tiers in any_tiers(),
        games in vec((0..3usize, 500..2_500i64, -80..80i64, 0..30u64), 1..80),
    ) {
        let bounds: Bounds = tiers.bounds(|_| 0);
        let mut now = NOW;
        let (mut place, _) = tiers.enter(&bounds, 1_500, now);
        for (outcome, hidden_before, moved, absent) in games {
            now = now.saturating_add(Millis::from_secs(absent * 86_400));
            let game = Game { outcome: [Win, Draw, Loss][outcome], hidden_before, hidden_after: hidden_before + moved };
            let settled = tiers.settle(place, now).0;
            let (after, events) = tiers.apply(&bounds, place, game, now);
            prop_assert!(after.division == 6 || after.points < 100, "{after:?}");
            let is_gold = |place: &TierState| place.placement_left == 0 && place.division >= 4;
            prop_assert!(!is_gold(&place) || is_gold(&after), "left gold: {place:?} {after:?}");
            if settled.placement_left == 0 {
                let change = events.iter().find_map(|event| match event {
                    TierEvent::PointsChanged { points, parts } => Some((*points, parts.clone())),
                    _ => None,
                });
                let (points, parts) = change.unwrap();
                prop_assert_eq!(i64::from(points), position(&after) - position(&settled));
                prop_assert_eq!(points, parts.iter().map(|part| part.points).sum::<i32>());
                prop_assert!(parts.iter().skip(1).all(|part| part.points != 0), "{:?}", parts);
                match game.outcome {
                    Win => prop_assert!((0..=100).contains(&points)),
                    Loss => prop_assert!((-100..=0).contains(&points)),
                    Draw => prop_assert!((-100..=100).contains(&points)),
                }
                let demoted = after.division < settled.division;
                prop_assert!(!demoted || settled.shield_left == 0);
                let said = events.iter().filter(|event| matches!(event, TierEvent::Demoted { .. })).count();
                let decayed = usize::from(settled.division < place.division);
                prop_assert_eq!(said, usize::from(demoted) + decayed);
            }
            place = after;
        }
    }

    #[test]
    fn settling_twice_is_settling_once(
        tiers in any_tiers(), division in 0..7u16, points in 0..100u32, mut at in vec(0..60u64, 1..5),
    ) {
        at.sort_unstable();
        let from = state(division, points);
        let last = *at.last().unwrap();
        let by_steps = at.iter().fold(from, |place, &n| tiers.settle(place, days(n)).0);
        prop_assert_eq!(by_steps, tiers.settle(from, days(last)).0);
        prop_assert_eq!(tiers.settle(by_steps, days(last / 2)), (by_steps, vec![]));
    }

    #[test]
    fn a_better_rating_never_starts_lower(
        tiers in any_tiers(), mut cuts in vec(900..1_700i64, 7), a in 500..2_500i64, b in 500..2_500i64,
    ) {
        let tiers = if cuts[0] % 2 == 0 { tiers } else {
            with(|config| config.start = StartConfig::PlayersBelowPermille(vec![1, 2, 3, 4, 5, 6]))
        };
        cuts.sort_unstable();
        let bounds = tiers.bounds(|share| cuts[usize::from(share)]);
        let place = |hidden| {
            let mut place = tiers.enter(&bounds, hidden, NOW).0;
            while place.placement_left > 0 {
                place = tiers.apply(&bounds, place, Game { outcome: Draw, hidden_before: 0, hidden_after: hidden }, NOW).0;
            }
            position(&place)
        };
        prop_assert!(place(a.min(b)) <= place(a.max(b)));
    }

    #[test]
    fn a_state_of_other_tiers_is_no_trouble(
        tiers in any_tiers(), placement_left in prop_oneof![3 => Just(0u8), 1 => any::<u8>()], division: u16, points: u32, shield_left: u8,
        decayed_days: u32, last: i64, now: i64, outcome in 0..3usize, hidden_before: i64, hidden_after: i64,
    ) {
        let last_played = Timestamp::from_millis(last);
        let state = TierState { placement_left, division, points, shield_left, decayed_days, last_played };
        let game = Game { outcome: [Win, Draw, Loss][outcome], hidden_before, hidden_after };
        let (after, _) = tiers.apply(&tiers.bounds(|_| 0), state, game, Timestamp::from_millis(now));
        if placement_left == 0 {
            prop_assert_eq!(after.placement_left, 0);
            prop_assert!(after.division <= 6 && (after.division == 6 || after.points < 100), "{:?}", after);
        } else {
            prop_assert!(after.placement_left > 0 || after.division < 6 && after.points < 100 || after.division == 6);
        }
    }
}
